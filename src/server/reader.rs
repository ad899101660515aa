//! Reads stored messages for one session: a window of the file at a time, and ahead where messages
//! are asked for in order, up or down.
//!
//! What is read is checked: if the file has changed since the maildrop was opened, a message is read
//! once more before it is sent, to see whether it is still the one that was listed.

use std::{io, os::unix::fs::FileExt, sync::Arc};

use sha2::{Digest, Sha256};

use super::{folder::Stamp, index::Held, maildrop::Message};

/// The file of a session's maildrop.
#[derive(Clone, Debug)]
pub struct Reader {
    file: Arc<Held>,
    stamp: Stamp,
}

/// A part of the file, in memory.
#[derive(Clone, Debug, Default)]
pub struct Window {
    start: u64,
    octets: Vec<u8>,
}

/// The size of a window, in octets.
pub const WINDOW: u64 = 256 * 1024;

/// Why a message cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the mailbox")]
    Read(#[from] io::Error),
    /// Another program has changed the file, and the message is not there any more.
    #[error("another program has changed the mailbox")]
    Changed,
}

impl Reader {
    /// A reader of this file, which had this stamp when its messages were found.
    pub fn new(file: Arc<Held>, stamp: Stamp) -> Reader {
        Reader { file, stamp }
    }

    /// Reads the window that holds the message's beginning, and all of it if it is not too large.
    /// Blocks.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or does not hold the message any more.
    pub fn first(&self, message: &Message, direction: Direction) -> Result<Window, Error> {
        let (body, end) = (message.entry.body, message.entry.end);
        let range = match direction {
            Direction::Up => body..body + WINDOW,
            Direction::Down if end - body < WINDOW => end.saturating_sub(WINDOW)..end,
            Direction::Down | Direction::Neither => body..end.min(body + WINDOW),
        };
        let range = range.start..range.end.min(self.stamp.length).max(end.min(body + WINDOW));
        let window = self.read(range.start, range.end)?;
        if Stamp::of(self.file.file())? == self.stamp {
            return Ok(window);
        }
        self.check(message)?;
        // Of the others in the window nothing is known.
        self.read(body, end.min(body + WINDOW))
    }

    /// Reads the part of a large message that starts there. Blocks.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn more(&self, message: &Message, offset: u64) -> Result<Window, Error> {
        self.read(offset, message.entry.end.min(offset + WINDOW))
    }

    fn read(&self, start: u64, end: u64) -> Result<Window, Error> {
        let length = usize::try_from(end - start).map_err(|_| Error::Changed)?;
        let mut octets = vec![0; length];
        self.file
            .file()
            .read_exact_at(&mut octets, start)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => Error::Changed,
                _ => Error::Read(error),
            })?;
        Ok(Window { start, octets })
    }

    fn check(&self, message: &Message) -> Result<(), Error> {
        let entry = &message.entry;
        let mut hasher = Sha256::new();
        let mut offset = entry.start;
        let mut last = None;
        while offset < entry.end {
            let window = self.read(offset, entry.end.min(offset + WINDOW))?;
            hasher.update(&window.octets);
            offset += window.octets.len() as u64;
            last = window.octets.last().copied();
        }
        if last.is_some_and(|octet| octet != b'\n') {
            // As the scanner does it: the missing end of the last line counts.
            hasher.update(b"\n");
        }
        if hasher.finalize().starts_with(&entry.digest) {
            Ok(())
        } else {
            Err(Error::Changed)
        }
    }
}

/// In which order messages are asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Direction {
    /// The next one is expected to stand behind this one.
    Up,
    /// The next one is expected to stand before this one.
    Down,
    /// Nothing is known.
    #[default]
    Neither,
}

impl Direction {
    /// From which message to which.
    pub fn between(previous: Option<&Message>, message: &Message) -> Direction {
        match previous {
            Some(previous) if previous.entry.start < message.entry.start => Direction::Up,
            Some(previous) if previous.entry.start > message.entry.start => Direction::Down,
            Some(_) | None => Direction::Neither,
        }
    }
}

impl Window {
    /// The octets from here to there, if the window holds them all.
    pub fn slice(&self, start: u64, end: u64) -> Option<&[u8]> {
        let from = usize::try_from(start.checked_sub(self.start)?).ok()?;
        let to = usize::try_from(end.checked_sub(self.start)?).ok()?;
        self.octets.get(from..to)
    }
}

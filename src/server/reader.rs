//! Reads stored messages for one session: a window of the file at a time, and ahead where messages
//! are asked for in order, up or down.
//!
//! What is read is checked: a message of an mbox must begin where it was listed, and if the file has
//! changed since the maildrop was opened, it is read once more before it is sent, to see whether it is
//! still the one that was listed. A message of a Maildir is looked for by its name.

use std::{io, sync::Arc};

use super::{
    file::Stamp, index::Held, maildir::Maildir, maildrop::Message, mbox::scanner::Scanner,
};

/// What the messages of a session's maildrop are read from.
#[derive(Clone, Debug)]
pub enum Reader {
    /// An mbox, which had this stamp when its messages were found.
    Mbox {
        /// The file.
        file: Arc<Held>,
        /// Its stamp.
        stamp: Stamp,
    },
    /// A Maildir.
    Maildir(Arc<Maildir>),
}

/// A part of a file, in memory.
#[derive(Clone, Debug, Default)]
pub struct Window {
    start: u64,
    octets: Vec<u8>,
    /// Of a Maildir, whose file it is a part of.
    of: Option<Vec<u8>>,
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
    /// Reads the window that holds the message's beginning, and all of it if it is not too large, into
    /// the room of one that is not needed any more. Blocks.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or does not hold the message any more.
    pub fn first(
        &self,
        message: &Message,
        direction: Direction,
        room: Window,
    ) -> Result<Window, Error> {
        let Reader::Mbox { file, stamp } = self else {
            return self.more(message, 0, room);
        };
        // The octet before the From_ line tells whether that begins a line.
        let begin = message.entry.start.saturating_sub(1);
        let end = message.entry.end;
        let range = match direction {
            Direction::Up => begin..begin + WINDOW,
            Direction::Down if end - begin < WINDOW => end.saturating_sub(WINDOW)..end,
            Direction::Down | Direction::Neither => begin..end.min(begin + WINDOW),
        };
        let least = end.min(message.entry.body + WINDOW);
        let until = range.end.min(stamp.length).max(least);
        let window = read(file, range.start, until, room)?;
        if file.file().stamp()? == *stamp {
            return window
                .begins(message)
                .then_some(window)
                .ok_or(Error::Changed);
        }
        check(file, message)?;
        // Of the others in the window nothing is known.
        read(file, begin, least, window)
    }

    /// Reads the part of a large message that starts there. Blocks.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn more(&self, message: &Message, offset: u64, room: Window) -> Result<Window, Error> {
        let until = message.entry.end.min(offset + WINDOW);
        self.window(message, offset, until, room)
    }

    /// Reads these octets of the message's file. Blocks.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn part(&self, message: &Message, start: u64, end: u64) -> Result<Vec<u8>, Error> {
        let room = Window::default();
        Ok(self.window(message, start, end, room)?.octets)
    }

    fn window(
        &self,
        message: &Message,
        offset: u64,
        until: u64,
        room: Window,
    ) -> Result<Window, Error> {
        match (self, &message.file) {
            (Reader::Mbox { file, .. }, None) => read(file, offset, until, room),
            (Reader::Maildir(maildir), Some(file)) => {
                let mut octets = room.emptied(offset, until)?;
                maildir
                    .open_file(file)?
                    .read_exact_at(&mut octets, offset)
                    .map_err(cut_short)?;
                Ok(Window {
                    start: offset,
                    octets,
                    of: Some(file.base.clone()),
                })
            }
            (Reader::Mbox { .. }, Some(_)) | (Reader::Maildir(_), None) => Err(Error::Changed),
        }
    }
}

fn cut_short(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::Changed,
        _ => Error::Read(error),
    }
}

fn read(file: &Held, start: u64, end: u64, room: Window) -> Result<Window, Error> {
    let mut octets = room.emptied(start, end)?;
    file.file()
        .read_exact_at(&mut octets, start)
        .map_err(cut_short)?;
    Ok(Window {
        start,
        octets,
        of: None,
    })
}

fn check(file: &Held, message: &Message) -> Result<(), Error> {
    let entry = &message.entry;
    let mut scanner = Scanner::at(entry.start);
    let mut found = Vec::new();
    let mut offset = entry.start;
    let mut window = Window::default();
    let mut rest = 0;
    while offset < entry.end {
        // What was not taken is a part of a line, much shorter than a window.
        window = read(file, offset, entry.end.min(offset + WINDOW), window)?;
        let is_last = offset + window.octets.len() as u64 == entry.end;
        if is_last && window.octets.ends_with(b"\n") {
            // The empty line behind it, so that one of its own is not taken for that.
            window.octets.push(b'\n');
        }
        let taken = scanner.feed(&window.octets, &mut found);
        rest = window.octets.len() - taken;
        if is_last {
            break;
        }
        offset += taken as u64;
    }
    scanner.finish(&window.octets[window.octets.len() - rest..], &mut found);
    if found == [*entry] {
        Ok(())
    } else {
        Err(Error::Changed)
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
    /// Its room, as large as what is between these two.
    fn emptied(self, start: u64, end: u64) -> Result<Vec<u8>, Error> {
        let length = usize::try_from(end - start).map_err(|_| Error::Changed)?;
        let mut octets = self.octets;
        octets.resize(length, 0);
        Ok(octets)
    }

    /// The octets from here to there, if the window holds them all.
    pub fn slice(&self, start: u64, end: u64) -> Option<&[u8]> {
        let from = usize::try_from(start.checked_sub(self.start)?).ok()?;
        let to = usize::try_from(end.checked_sub(self.start)?).ok()?;
        self.octets.get(from..to)
    }

    /// True if the window holds where the message begins, and it does begin there: a From_ line at the
    /// start of a line. Only a file's first message may be without one.
    pub fn begins(&self, message: &Message) -> bool {
        let entry = &message.entry;
        if let Some(file) = &message.file {
            return self.of.as_ref() == Some(&file.base);
        }
        if self.of.is_some() {
            return false;
        }
        if entry.start == 0 {
            return self.start == 0;
        }
        self.slice(entry.start - 1, entry.start + 5)
            .is_some_and(|octets| octets == b"\nFrom ")
    }
}

//! What is known of a mailbox's file without reading it again: where its messages are, and their
//! unique-ids. If the file only grew, only what was added is read.
//!
//! The index is never trusted over the file: what it says holds for one [`Stamp`]; the ends of what
//! was read are compared before it is extended, and where some of the messages begin; whoever reads a
//! message looks whether it begins where the index says. What is to be removed is read once more. It
//! is kept beside the mailbox from one run of the server to the next ([`saved`]).

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};

use self::saved::Saved;

use super::{
    file::{File, Stamp},
    maildrop::{Message, Messages},
    mbox::{Digest, Entry, LONGEST_PIECE, scanner::Scanner},
};

pub mod saved;

/// What is known of a file.
#[derive(Debug)]
pub struct Index {
    file: Arc<Held>,
    stamp: Stamp,
    messages: Messages,
    /// How many messages have each digest.
    copies: HashMap<Digest, u32>,
    /// A digest of the octets at both ends of what was read.
    ends: [u8; 32],
    /// How long the file was when the index was kept last.
    kept: u64,
}

/// How much of a file is read at a time, in octets.
const WINDOW: usize = 4 * LONGEST_PIECE;

/// How many octets at each end are compared before a file is taken to have only grown.
const END: u64 = 4096;

impl Index {
    /// Reads a whole file.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn read(file: Arc<Held>, stamp: Stamp) -> io::Result<Index> {
        let mut index = Index {
            ends: ends(file.file(), 0)?,
            file,
            stamp,
            messages: Messages::default(),
            copies: HashMap::new(),
            kept: 0,
        };
        index.scan(0)?;
        Ok(index)
    }

    /// Takes over what was kept of this file, if the file has only grown since.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn resume(file: Arc<Held>, stamp: Stamp, saved: Saved) -> io::Result<Option<Index>> {
        let mut index = Index {
            kept: saved.stamp.length,
            file,
            stamp: saved.stamp,
            messages: Messages::default(),
            copies: HashMap::new(),
            ends: saved.ends,
        };
        index.add(&saved.entries);
        let is_right = index.stamp == stamp || index.catch_up(stamp)?;
        Ok(is_right.then_some(index))
    }

    /// What is to be kept, if the file has grown by an eighth since that was done last: what is kept
    /// costs as much as the mailbox is long, so it is not kept for each mail.
    pub fn to_keep(&mut self) -> Option<Saved> {
        if self.stamp.length - self.kept.min(self.stamp.length) <= self.kept / 8 {
            return None;
        }
        self.kept = self.stamp.length;
        Some(Saved {
            stamp: self.stamp,
            ends: self.ends,
            entries: self.messages.iter().map(|message| message.entry).collect(),
        })
    }

    /// Reads what was added to the file since. False if that is not all that happened to it: then the
    /// index is of no use any more.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn catch_up(&mut self, stamp: Stamp) -> io::Result<bool> {
        if stamp.inode != self.stamp.inode
            || stamp.length <= self.stamp.length
            || ends(self.file.file(), self.stamp.length)? != self.ends
            || !self.begin_where_they_did()?
        {
            return Ok(false);
        }
        // The last message may have been without its end.
        let start = match self.messages.pop() {
            Some(last) => {
                if let Some(copies) = self.copies.get_mut(&last.entry.digest) {
                    *copies -= 1;
                }
                last.entry.start
            }
            None => 0,
        };
        self.stamp = stamp;
        self.scan(start)?;
        Ok(true)
    }

    /// True if there is still a From_ line where some of the messages began: a program that rewrites
    /// some in place, within the room that they have, moves others.
    fn begin_where_they_did(&self) -> io::Result<bool> {
        const BEGINS: &[u8] = b"\nFrom ";
        /// As many as cost nothing that is noticed. Each message is looked at again when it is read.
        const SAMPLES: usize = 32;

        let file = self.file.file();
        let count = self.messages.len();
        for sample in 0..SAMPLES.min(count) {
            let Some(message) = self.messages.at(sample * count / SAMPLES.min(count)) else {
                continue;
            };
            let entry = message.entry;
            // A file's first message may be without one.
            if entry.start == 0 || entry.body == entry.start {
                continue;
            }
            let mut begins = [0; BEGINS.len()];
            match file.read_exact_at(&mut begins, entry.start - 1) {
                Ok(()) if begins == BEGINS => {}
                Ok(()) => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn scan(&mut self, start: u64) -> io::Result<()> {
        let mut scanner = Scanner::at(start);
        let mut found = Vec::new();
        let mut window = vec![0; WINDOW];
        let mut filled = 0;
        let mut offset = start;
        loop {
            let wanted = usize::try_from(self.stamp.length - offset)
                .unwrap_or(usize::MAX)
                .min(WINDOW - filled);
            let read = self
                .file
                .file()
                .read_at(&mut window[filled..filled + wanted], offset)?;
            filled += read;
            offset += read as u64;
            if read == 0 {
                scanner.finish(&window[..filled], &mut found);
                self.add(&found);
                break;
            }
            let taken = scanner.feed(&window[..filled], &mut found);
            window.copy_within(taken..filled, 0);
            filled -= taken;
            self.add(&found);
            found.clear();
        }
        self.ends = ends(self.file.file(), self.stamp.length)?;
        Ok(())
    }

    fn add(&mut self, entries: &[Entry]) {
        for &entry in entries {
            let copies = self.copies.entry(entry.digest).or_insert(0);
            *copies += 1;
            self.messages.push(Message {
                entry,
                copy: *copies,
                file: None,
            });
        }
    }

    /// The file that was read.
    pub fn file(&self) -> &Arc<Held> {
        &self.file
    }

    /// How the file was when it was read.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// The messages.
    pub fn messages(&self) -> &Messages {
        &self.messages
    }
}

fn ends(file: &File, length: u64) -> io::Result<[u8; 32]> {
    let size = usize::try_from(length.min(END)).unwrap_or_default();
    let mut end = vec![0; size];
    let mut hasher = Sha256::new();
    for offset in [0, length - length.min(END)] {
        match file.read_exact_at(&mut end, offset) {
            Ok(()) => hasher.update(&end),
            // Shorter than it was: no two ends are alike then.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => hasher.update(b"short"),
            Err(error) => return Err(error),
        }
    }
    Ok(hasher.finalize().into())
}

/// An open file that sessions read from, also when another has taken its place.
///
/// Closing any descriptor of a file gives back the lock that this process holds on it by fcntl. So a
/// file that nobody needs any more is handed back, and closed when no lock is held.
#[derive(Debug)]
pub struct Held {
    file: Option<File>,
    retired: Arc<Retired>,
}

/// Files that are to be closed when no lock is held.
#[derive(Debug, Default)]
pub struct Retired(Mutex<Vec<File>>);

impl Held {
    /// Holds this file.
    pub fn new(file: File, retired: Arc<Retired>) -> Held {
        Held {
            file: Some(file),
            retired,
        }
    }

    /// The file.
    pub fn file(&self) -> &File {
        self.file
            .as_ref()
            .expect("the file is there until the drop")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.retired
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(self.file.take());
    }
}

impl Retired {
    /// Closes them. To be called while no lock of this process is on the mailbox.
    pub fn close(&self) {
        let files = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        drop(files);
    }
}

//! The Message-IDs that came to a mailbox within a day, for accounts that want each mail once: in a
//! file beside it, as digests.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use sha2::{Digest, Sha256};

use crate::server::{
    folder::Folder,
    lock::{Locked, Purpose},
};

use super::{Error, failed};

/// How long a Message-ID is remembered, in seconds.
const REMEMBERED: i64 = 86_400;

/// More than comes in a day; a longer file is begun anew.
const LONGEST: u64 = 16 * 1024 * 1024;

/// What came to one mailbox.
#[derive(Debug)]
pub(super) struct Recent {
    folder: Arc<Folder>,
    /// No account's name begins with a dot.
    file: String,
    /// Keeps the threads of this process apart, which fcntl's lock does not.
    turn: Mutex<()>,
}

/// What is known of one Message-ID; nobody else delivers to the mailbox until it is dropped.
#[derive(Debug)]
pub(super) struct Looked<'a> {
    /// True if it came within a day.
    pub is_known: bool,
    recent: &'a Recent,
    /// The file's text without what is too old, and with this Message-ID.
    noted: String,
    _locked: Locked<'a>,
    _turn: MutexGuard<'a, ()>,
}

impl Recent {
    pub(super) fn new(folder: Arc<Folder>, mailbox: &str) -> Recent {
        Recent {
            folder,
            file: format!(".{mailbox}.recent"),
            turn: Mutex::default(),
        }
    }

    /// Looks whether it came within a day.
    pub(super) fn look(
        &self,
        id: &str,
        now: Timestamp,
        patience: Duration,
    ) -> Result<Looked<'_>, Error> {
        let deadline = Instant::now() + patience;
        let turn = self.turn.try_lock_until(deadline).ok_or(Error::Busy)?;
        let patience = deadline.saturating_duration_since(Instant::now());
        let locked = Locked::acquire(&self.folder, &self.file, Purpose::Create, patience)?;
        let text = match locked.file().text(LONGEST) {
            // What cannot be read is a cache that is lost: at worst a mail is there twice.
            Err(error) if is_unreadable(&error) => String::new(),
            other => other.map_err(failed("read what came lately"))?,
        };
        let digest: String = Sha256::digest(id)[..16]
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        let mut noted = String::new();
        let mut is_known = false;
        for line in text.lines() {
            let at = line
                .split_once(' ')
                .and_then(|(at, _)| at.parse::<i64>().ok());
            // A clock that was set back makes nothing older than it is.
            let is_recent = at.is_some_and(|at| (now.as_second() - at).abs() < REMEMBERED);
            if is_recent {
                is_known |= line.ends_with(&digest);
                noted.push_str(line);
                noted.push('\n');
            }
        }
        noted.push_str(&format!("{} {digest}\n", now.as_second()));
        Ok(Looked {
            is_known,
            recent: self,
            noted,
            _locked: locked,
            _turn: turn,
        })
    }
}

impl Looked<'_> {
    /// It has been delivered.
    pub(super) fn note(self) -> Result<(), Error> {
        let (folder, file) = (&self.recent.folder, &self.recent.file);
        folder
            .replace(file, self.noted.as_bytes())
            .map_err(failed("note what came"))
    }
}

fn is_unreadable(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::FileTooLarge
    )
}

//! Mail that is written late: to a file that a deletion has put another one in the place of.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::fs::FlockOperation;

use crate::server::index::Held;

/// The file that was in the present one's place before a deletion.
///
/// A mailer that had opened it, and waited for its lock, writes to it although it has no name any
/// more. That mail is brought over.
#[derive(Debug)]
pub(super) struct Replaced {
    file: Arc<Held>,
    length: u64,
    since: Instant,
}

/// Mailers that wait for a lock try again within this time, or give up.
const LATEST: Duration = Duration::from_secs(60);

impl Replaced {
    /// This file, of this length, has no name any more.
    pub(super) fn new(file: Arc<Held>, length: u64) -> Replaced {
        Replaced {
            file,
            length,
            since: Instant::now(),
        }
    }

    /// True as long as a mailer that had opened it may still get its lock.
    pub(super) fn may_be_written(&self) -> bool {
        self.since.elapsed() < LATEST
    }

    /// So many octets of what was written since are taken care of.
    pub(super) fn bring(&mut self, octets: usize) {
        self.length += octets as u64;
    }

    /// True if it is longer than it was.
    pub(super) fn has_grown(&self) -> io::Result<bool> {
        Ok(self.file.file().stamp()?.length > self.length)
    }

    /// What was written to it since; none while its writer holds the lock, because more may come.
    pub(super) fn written_since(&self) -> io::Result<Option<Vec<u8>>> {
        let file = self.file.file();
        if !file.try_lock(FlockOperation::NonBlockingLockShared)? {
            return Ok(None);
        }
        let read = || {
            let length = file.stamp()?.length.saturating_sub(self.length);
            let mut late = vec![0; usize::try_from(length).unwrap_or_default()];
            file.read_exact_at(&mut late, self.length)?;
            Ok(late)
        };
        let late: io::Result<Vec<u8>> = read();
        file.unlock()?;
        late.map(Some)
    }

    /// True if somebody writes to it, or has written what was not brought over.
    pub(super) fn is_written(&self) -> io::Result<bool> {
        Ok(self.written_since()?.is_none_or(|late| !late.is_empty()))
    }
}

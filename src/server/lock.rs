//! The lock on a mailbox's file, as the other mailers of a machine take it: fcntl first, then the
//! dot-lock, never waiting for the second while holding the first (Debian policy, section 11.6).

use std::{
    io, thread,
    time::{Duration, Instant, SystemTime},
};

use rustix::{
    fs::FlockOperation,
    io::Errno,
    process::{Pid, test_kill_process},
};

use super::{file::File, folder::Folder};

/// How long a lock is waited for. Longer than any mailer holds one, shorter than a client waits.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// A dot-lock of a process that cannot be asked is believed for so long, as liblockfile does.
const STALE: Duration = Duration::from_secs(5 * 60);

/// A dot-lock holds no more than the number of its process.
const LONGEST_NOTE: u64 = 64;

/// A file that nobody else reads or writes, as long as all keep to the rules.
#[derive(Debug)]
pub struct Locked<'a> {
    file: Option<File>,
    dot_lock: Option<DotLock<'a>>,
}

/// What the lock is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// To read the file.
    Read,
    /// To append to it or to replace it.
    Write,
    /// To append to it, and to make it if there is none.
    Create,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Others hold it, and did not let go in time.
    #[error("another program holds the mailbox")]
    Busy,
    /// The file cannot be opened.
    #[error("cannot open the mailbox")]
    Open(#[source] io::Error),
    /// The file cannot be locked.
    #[error("cannot lock the mailbox")]
    Lock(#[source] io::Error),
}

impl<'a> Locked<'a> {
    /// Opens and locks a file, waiting no longer than `patience`.
    ///
    /// # Errors
    ///
    /// Others hold it, or it cannot be opened.
    pub fn acquire(
        folder: &'a Folder,
        name: &str,
        purpose: Purpose,
        patience: Duration,
    ) -> Result<Locked<'a>, Error> {
        const FIRST_WAIT: Duration = Duration::from_millis(2);
        const LONGEST_WAIT: Duration = Duration::from_millis(100);

        let deadline = Instant::now() + patience;
        let mut wait = FIRST_WAIT;
        loop {
            if let Some(locked) = Locked::attempt(folder, name, purpose)? {
                return Ok(locked);
            }
            if Instant::now() + wait > deadline {
                return Err(Error::Busy);
            }
            thread::sleep(wait);
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn attempt(
        folder: &'a Folder,
        name: &str,
        purpose: Purpose,
    ) -> Result<Option<Locked<'a>>, Error> {
        let (file, operation) = match purpose {
            Purpose::Read => (folder.read(name), FlockOperation::NonBlockingLockShared),
            Purpose::Write => (
                folder.append(name),
                FlockOperation::NonBlockingLockExclusive,
            ),
            Purpose::Create => (
                folder.append_or_create(name),
                FlockOperation::NonBlockingLockExclusive,
            ),
        };
        let file = file.map_err(Error::Open)?;
        if !file.try_lock(operation).map_err(Error::Lock)? {
            return Ok(None);
        }
        let dot_lock = match DotLock::take(folder, name) {
            Ok(dot_lock) => dot_lock,
            Err(Error::Busy) => return Ok(None),
            Err(error) => return Err(error),
        };
        let locked = Locked {
            file: Some(file),
            dot_lock,
        };
        // Whoever held the lock before may have put another file in this one's place.
        let there = folder.stamp(name).map_err(Error::Open)?;
        let here = locked.file().stamp().map_err(Error::Open)?;
        Ok((there.map(|stamp| stamp.inode) == Some(here.inode)).then_some(locked))
    }

    /// The file.
    pub fn file(&self) -> &File {
        self.file
            .as_ref()
            .expect("the file is there until the lock is given back")
    }

    /// Gives the lock back and keeps the file.
    ///
    /// # Errors
    ///
    /// The lock cannot be given back.
    pub fn into_file(mut self) -> io::Result<File> {
        let file = self
            .file
            .take()
            .expect("the file is there until the lock is given back");
        self.dot_lock = None;
        file.unlock()?;
        Ok(file)
    }
}

/// First the dot-lock, then fcntl's, which closing the file gives back.
impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.dot_lock = None;
        self.file = None;
    }
}

#[derive(Debug)]
struct DotLock<'a> {
    folder: &'a Folder,
    name: String,
}

impl<'a> DotLock<'a> {
    /// None where nobody can make one: then fcntl's lock has to do.
    fn take(folder: &'a Folder, name: &str) -> Result<Option<DotLock<'a>>, Error> {
        let name = format!("{name}.lock");
        for _ in 0..2 {
            // Whose it is tells others whether it is still meant.
            match folder.create_whole(&name, std::process::id().to_string().as_bytes()) {
                Ok(()) => return Ok(Some(DotLock { folder, name })),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if !is_stale(folder, &name) {
                        return Err(Error::Busy);
                    }
                    // Nobody who keeps to the rules makes one now: we hold fcntl's lock.
                    let _ = folder.remove(&name);
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                    ) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(Error::Lock(error)),
            }
        }
        Err(Error::Busy)
    }
}

impl Drop for DotLock<'_> {
    fn drop(&mut self) {
        // If it is gone already, somebody took us for dead; there is nothing to be done about it.
        let _ = self.folder.remove(&self.name);
    }
}

/// True if the process that made it is no more, or if it is too old to be believed.
fn is_stale(folder: &Folder, name: &str) -> bool {
    let Ok(file) = folder.read(name) else {
        return false;
    };
    let is_old = file
        .metadata()
        .and_then(|metadata| metadata.modified())
        .ok()
        .and_then(|made| SystemTime::now().duration_since(made).ok())
        .is_some_and(|age| age > STALE);
    let is_dead = file.text(LONGEST_NOTE).is_ok_and(|text| {
        text.trim_matches(|c: char| c.is_whitespace() || c == '\0')
            .parse()
            .ok()
            .and_then(Pid::from_raw)
            .is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH))
    });
    is_old || is_dead
}

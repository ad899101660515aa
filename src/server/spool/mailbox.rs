//! One mbox file of the spool: read, appended to and rewritten under its lock.

use std::{
    collections::BTreeSet,
    fs::{File, Permissions},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    os::unix::fs::{FileExt, MetadataExt, PermissionsExt},
    sync::{Arc, Mutex, MutexGuard, TryLockError},
    thread,
    time::{Duration, Instant},
};

use rustix::{fs::FlockOperation, io::Errno};

use crate::server::{
    accounts::account::Sessions,
    folder::{Folder, Stamp, temporary_name},
    index::{Held, Index, Retired},
    lock::{self, Locked, Purpose},
    maildrop::{Identity, Messages},
    reader::Reader,
};

use super::{Error, failed, hold};

/// Who signs in waits no longer than this for another program's lock: `[IN-USE]` is an answer, and
/// teammates wait behind this one.
const OPENING: Duration = Duration::from_secs(5);

const LOOK_FOR_LATE: &str = "look for mail that was written late";

/// One mbox file, as this process knows it.
#[derive(Debug)]
pub(super) struct Mailbox {
    name: String,
    /// Also keeps the threads of this process apart, which fcntl's lock does not.
    known: Mutex<Known>,
    retired: Arc<Retired>,
    sessions: Mutex<Census>,
}

/// What is known of the file.
#[derive(Debug, Default)]
struct Known {
    index: Option<Index>,
    replaced: Option<Replaced>,
}

/// The file that was in the present one's place before a deletion.
///
/// A mailer that had opened it, and waited for its lock, writes to it although it has no name any
/// more. That mail is brought over.
#[derive(Debug)]
struct Replaced {
    file: Arc<Held>,
    length: u64,
}

#[derive(Debug, Default)]
struct Census {
    sessions: usize,
    exclusive: bool,
}

impl Mailbox {
    pub(super) fn new(name: &str) -> Mailbox {
        Mailbox {
            name: name.to_owned(),
            known: Mutex::default(),
            retired: Arc::default(),
            sessions: Mutex::default(),
        }
    }

    /// The messages as they are now, and who reads them. If nothing changed since the last time,
    /// nothing is read or locked.
    pub(super) fn snapshot(
        &self,
        folder: &Folder,
        patience: Duration,
    ) -> Result<(Messages, Option<Reader>), Error> {
        let deadline = Instant::now() + patience.min(OPENING);
        // Those who wait for another program's lock wait together, not one after the other.
        let mut known = hold_until(&self.known, deadline).ok_or(Error::Busy)?;
        let patience = deadline.saturating_duration_since(Instant::now());
        self.bring_over(folder, &mut known, patience)?;
        let stamp = folder
            .stamp(&self.name)
            .map_err(failed("look at the mailbox"))?;
        match (stamp, &known.index) {
            (None, _) => known.index = None,
            (Some(stamp), Some(index)) if index.stamp() == stamp => {}
            (Some(_), _) => {
                let patience = deadline.saturating_duration_since(Instant::now());
                let locked = Locked::acquire(folder, &self.name, Purpose::Read, patience)?;
                self.read(&mut known, &locked)?;
            }
        }
        self.retired.close();
        Ok(match &known.index {
            Some(index) => (
                index.messages().clone(),
                Some(Reader::new(index.file().clone(), index.stamp())),
            ),
            None => (Messages::default(), None),
        })
    }

    /// Appends what is stored already as a mailbox has it.
    pub(super) fn append(
        &self,
        folder: &Folder,
        stored: &[u8],
        patience: Duration,
    ) -> Result<(), Error> {
        let mut known = hold(&self.known);
        self.bring_over(folder, &mut known, patience)?;
        let (locked, is_new) = self.lock_to_append(folder, patience)?;
        append_and_keep(folder, &locked, is_new, stored)?;
        drop(locked);
        self.retired.close();
        Ok(())
    }

    /// The lock on the file, and whether that was not there before.
    fn lock_to_append<'f>(
        &self,
        folder: &'f Folder,
        patience: Duration,
    ) -> Result<(Locked<'f>, bool), Error> {
        let is_new = matches!(folder.stamp(&self.name), Ok(None));
        let locked = Locked::acquire(folder, &self.name, Purpose::Create, patience)?;
        Ok((locked, is_new))
    }

    /// Removes messages, if they are still there.
    pub(super) fn remove(
        &self,
        folder: &Folder,
        messages: &BTreeSet<Identity>,
        patience: Duration,
    ) -> Result<(), Error> {
        let mut known = hold(&self.known);
        self.bring_over(folder, &mut known, patience)?;
        let locked = match Locked::acquire(folder, &self.name, Purpose::Write, patience) {
            Err(lock::Error::Open(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(());
            }
            other => other?,
        };
        // Another file is about to be the one that is looked at for late mail: this one must be done with.
        if let Some(replaced) = &known.replaced
            && replaced.is_written().map_err(failed(LOOK_FOR_LATE))?
        {
            return Err(Error::Busy);
        }
        // The file is copied as a whole: to read it as a whole before costs little, and offsets that
        // are not right any more would cut into other messages.
        known.index = None;
        let index = self.read(&mut known, &locked)?;
        let (file, stamp) = (index.file().clone(), index.stamp());
        let stays = ranges_that_stay(index.messages(), stamp.length, messages);
        if stays.first() == Some(&(0..stamp.length)) {
            return Ok(());
        }
        rewrite(folder, &self.name, &locked, stamp, &stays)
            .map_err(failed("rewrite the mailbox"))?;
        *known = Known {
            index: None,
            replaced: Some(Replaced {
                file,
                length: stamp.length,
            }),
        };
        drop(locked);
        self.retired.close();
        Ok(())
    }

    /// Makes the index say what the locked file holds.
    fn read<'k>(&self, known: &'k mut Known, locked: &Locked) -> Result<&'k Index, Error> {
        let previous = known.index.take();
        let read = || -> io::Result<Index> {
            let stamp = Stamp::of(locked.file())?;
            if let Some(mut index) = previous
                && (index.stamp() == stamp || index.catch_up(stamp)?)
            {
                return Ok(index);
            }
            let file = locked.file().try_clone()?;
            Index::read(Arc::new(Held::new(file, self.retired.clone())), stamp)
        };
        let index = { read }().map_err(failed("read the mailbox"))?;
        Ok(known.index.insert(index))
    }

    fn bring_over(
        &self,
        folder: &Folder,
        known: &mut Known,
        patience: Duration,
    ) -> Result<(), Error> {
        let Some(replaced) = &mut known.replaced else {
            return Ok(());
        };
        if !replaced.has_grown().map_err(failed(LOOK_FOR_LATE))? {
            return Ok(());
        }
        // Whoever still writes to it holds one of the two locks.
        let (locked, is_new) = self.lock_to_append(folder, patience)?;
        let Some(late) = replaced.written_since().map_err(failed(LOOK_FOR_LATE))? else {
            return Ok(());
        };
        // Before it may stand the end of the line, or the empty line, that the file lacked.
        let mail = late.trim_ascii_start();
        if mail.starts_with(b"From ") {
            tracing::warn!(
                mailbox = self.name,
                "mail that was written late is brought over"
            );
            append_and_keep(folder, &locked, is_new, mail)?;
        } else {
            tracing::warn!(
                mailbox = self.name,
                octets = late.len(),
                "what was written late is no mail: it is not brought over"
            );
        }
        replaced.length += late.len() as u64;
        drop(locked);
        self.retired.close();
        Ok(())
    }
}

/// The lock, if it can be had before then.
fn hold_until<T>(mutex: &Mutex<T>, deadline: Instant) -> Option<MutexGuard<'_, T>> {
    const WAIT: Duration = Duration::from_millis(5);

    loop {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(guard)) => return Some(guard.into_inner()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(WAIT),
            Err(TryLockError::WouldBlock) => return None,
        }
    }
}

impl Replaced {
    /// True if it is longer than it was.
    fn has_grown(&self) -> io::Result<bool> {
        Ok(Stamp::of(self.file.file())?.length > self.length)
    }

    /// What was written to it since; none while its writer holds the lock, because more may come.
    fn written_since(&self) -> io::Result<Option<Vec<u8>>> {
        let file = self.file.file();
        match rustix::fs::fcntl_lock(file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => {}
            Err(Errno::AGAIN | Errno::ACCESS) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let read = || {
            let length = Stamp::of(file)?.length.saturating_sub(self.length);
            let mut late = vec![0; usize::try_from(length).unwrap_or_default()];
            file.read_exact_at(&mut late, self.length)?;
            Ok(late)
        };
        let late: io::Result<Vec<u8>> = read();
        rustix::fs::fcntl_lock(file, FlockOperation::Unlock)?;
        late.map(Some)
    }

    /// True if somebody writes to it, or has written what was not brought over.
    fn is_written(&self) -> io::Result<bool> {
        Ok(self.written_since()?.is_none_or(|late| !late.is_empty()))
    }
}

/// A session's hold on its maildrop (RFC 1939 §4), until it is dropped.
#[derive(Debug)]
pub struct Lease {
    mailbox: Arc<Mailbox>,
}

impl Lease {
    /// None if the session must have the maildrop alone and does not, or if another must.
    pub(super) fn take(mailbox: &Arc<Mailbox>, sessions: Sessions) -> Option<Lease> {
        let exclusive = sessions == Sessions::Exclusive;
        let mut census = hold(&mailbox.sessions);
        if census.exclusive || (exclusive && census.sessions > 0) {
            return None;
        }
        census.sessions += 1;
        census.exclusive = exclusive;
        Some(Lease {
            mailbox: mailbox.clone(),
        })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut census = hold(&self.mailbox.sessions);
        census.sessions -= 1;
        census.exclusive = false;
    }
}

/// Writes what stays into another file and puts it in the old one's place: whatever happens, there is
/// the old file or the new one.
fn rewrite(
    folder: &Folder,
    name: &str,
    locked: &Locked,
    stamp: Stamp,
    stays: &[Range<u64>],
) -> io::Result<()> {
    let temporary = temporary_name(name);
    // Whoever was killed over it has left it behind: under this lock nobody else makes one.
    let _ = folder.remove(&temporary);
    let result = folder.create_new(&temporary).and_then(|mut new| {
        let mut old = locked.file();
        keep_owner(old, &new)?;
        for range in stays {
            old.seek(SeekFrom::Start(range.start))?;
            let length = range.end - range.start;
            if io::copy(&mut old.take(length), &mut new)? != length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        new.sync_all()?;
        // Somebody who does not keep to the locks has written: that mail must not be lost.
        if Stamp::of(old)? != stamp {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        folder.rename(&temporary, name)
    });
    if result.is_err() {
        // What failed is said; that its leftover could not be removed adds nothing.
        let _ = folder.remove(&temporary);
    }
    result
}

/// Appends, after an empty line, and says so only when the disk has it. A half write is cut back.
fn append(file: &File, stored: &[u8]) -> io::Result<()> {
    let before = Stamp::of(file)?.length;
    let mut octets = missing_end(file, before)?.to_vec();
    octets.extend_from_slice(stored);
    let mut writer = file;
    let result = writer.write_all(&octets).and_then(|()| {
        // Longer is no fault: whoever appends without a lock does not overwrite what is there.
        if Stamp::of(file)?.length < before + octets.len() as u64 {
            return Err(io::Error::other("another program cut the file"));
        }
        file.sync_all()
    });
    if result.is_err() && Stamp::of(file)?.length <= before + octets.len() as u64 {
        file.set_len(before)?;
        file.sync_all()?;
    }
    result
}

/// Appends to a file of the folder that may be new there.
fn append_and_keep(
    folder: &Folder,
    locked: &Locked,
    is_new: bool,
    stored: &[u8],
) -> Result<(), Error> {
    append(locked.file(), stored)
        .and_then(|()| if is_new { folder.sync() } else { Ok(()) })
        .map_err(failed("write the mail"))
}

/// What is missing before a From_ line may follow: nothing, or line ends up to an empty line.
fn missing_end(file: &File, length: u64) -> io::Result<&'static [u8]> {
    let mut end = [0; 4];
    let size = usize::try_from(length.min(4)).unwrap_or_default();
    let end = &mut end[..size];
    file.read_exact_at(end, length - size as u64)?;
    Ok(match end {
        [] | [b'\n'] | [.., b'\n', b'\n'] | [.., b'\n', b'\r', b'\n'] | [b'\r', b'\n'] => b"",
        [.., b'\n'] => b"\n",
        _ => b"\n\n",
    })
}

/// A message goes with all that follows it up to the next one.
fn ranges_that_stay(
    messages: &Messages,
    length: u64,
    gone: &BTreeSet<Identity>,
) -> Vec<Range<u64>> {
    let mut stays = Vec::new();
    let mut from = 0;
    let mut ends = messages
        .iter()
        .skip(1)
        .map(|message| message.entry.start)
        .chain([length]);
    for message in messages.iter() {
        let end = ends.next().unwrap_or(length);
        if gone.contains(&message.identity()) {
            if from < message.entry.start {
                stays.push(from..message.entry.start);
            }
            from = end;
        }
    }
    if from < length {
        stays.push(from..length);
    }
    stays
}

fn keep_owner(old: &File, new: &File) -> io::Result<()> {
    let metadata = old.metadata()?;
    new.set_permissions(Permissions::from_mode(metadata.mode() & 0o7777))?;
    // Only root may give files away; for all others the owner is the same already.
    let _ = std::os::unix::fs::fchown(new, Some(metadata.uid()), Some(metadata.gid()));
    Ok(())
}

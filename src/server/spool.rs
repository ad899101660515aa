//! The spool: a folder with `accounts.toml` and one mbox file per mailbox. Opens maildrops, delivers
//! mail, carries out deletions, each under the lock of [`lock`].
//!
//! A maildrop is a snapshot: it keeps serving what it lists, whatever others deliver or delete. All
//! functions here block.

use std::{
    collections::{BTreeSet, HashMap},
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{FileExt, MetadataExt, PermissionsExt},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use super::{
    accounts::{self, Account, Accounts, Sessions},
    folder::{Folder, Stamp, temporary_name},
    index::{Held, Index, Retired},
    lock::{self, Locked, Purpose},
    maildrop::{Identity, Maildrop, Messages},
    mbox,
    reader::Reader,
};

/// The spool. Several of them, in one process or many, may share a folder.
#[derive(Debug)]
pub struct Spool {
    folder: Arc<Folder>,
    accounts: Accounts,
    mailboxes: Mutex<HashMap<String, Arc<Mailbox>>>,
    patience: Duration,
}

/// A maildrop, and what it is read from.
#[derive(Debug)]
pub struct Opened {
    /// The messages.
    pub maildrop: Maildrop,
    /// Reads them; none if the file was not there.
    pub reader: Option<Reader>,
    /// Counts as a session until it is dropped.
    pub lease: Lease,
}

/// Why the spool cannot do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such account.
    #[error("there is no account `{0}`")]
    UnknownAccount(String),
    /// The accounts cannot be read.
    #[error(transparent)]
    Accounts(#[from] accounts::Error),
    /// Another session or another program holds the mailbox.
    #[error("another session or program holds the mailbox")]
    Busy,
    /// The system does not permit it.
    #[error("not permitted to {act}")]
    Denied {
        /// What.
        act: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It failed.
    #[error("cannot {act}")]
    Io {
        /// What.
        act: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Spool {
    /// The spool in this folder.
    ///
    /// # Errors
    ///
    /// The folder cannot be opened, or its accounts cannot be read.
    pub fn open(path: &Path) -> Result<Spool, Error> {
        let folder = Arc::new(Folder::open(path).map_err(failed("open the spool's folder"))?);
        Ok(Spool {
            accounts: Accounts::open(folder.clone())?,
            folder,
            mailboxes: Mutex::default(),
            patience: lock::PATIENCE,
        })
    }

    /// Waits no longer than this for a lock that others hold.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Spool {
        self.patience = patience;
        self
    }

    /// Who has a mailbox here.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The spool's folder, for what else is kept there.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Opens an account's maildrop as it is now.
    ///
    /// # Errors
    ///
    /// Another session or program holds it, or its file cannot be read.
    pub fn open_maildrop(&self, account: &Account) -> Result<Opened, Error> {
        let mailbox = self.mailbox(&account.mailbox);
        let lease = Lease::take(&mailbox, account.sessions).ok_or(Error::Busy)?;
        let mut index = lock(&mailbox.index);
        self.refresh(&mailbox, &mut index)?;
        let (messages, reader) = match &*index {
            Some(index) => (
                index.messages().clone(),
                Some(Reader::new(index.file().clone(), index.stamp())),
            ),
            None => (Messages::default(), None),
        };
        Ok(Opened {
            maildrop: Maildrop::new(messages),
            reader,
            lease,
        })
    }

    /// Appends a mail to an account's mailbox. When this returns, the mail outlives a power cut.
    ///
    /// `sender` is the envelope's, empty for a bounce; if it is not known, no Return-Path is added.
    ///
    /// # Errors
    ///
    /// There is no such account, others hold the mailbox, or the mail cannot be written; the file is
    /// then as it was.
    pub fn deliver(
        &self,
        account: &str,
        mail: &[u8],
        sender: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.accounts.reread()?;
        let account = self
            .accounts
            .find(account)
            .ok_or_else(|| Error::UnknownAccount(account.to_owned()))?;
        let stored = as_stored(mail, sender, now);

        let mailbox = self.mailbox(&account.mailbox);
        let _index = lock(&mailbox.index);
        let is_new = matches!(self.folder.stamp(&mailbox.name), Ok(None));
        let locked = Locked::acquire(&self.folder, &mailbox.name, Purpose::Create, self.patience)?;
        append(locked.file(), &stored).map_err(failed("write the mail"))?;
        if is_new {
            self.folder.sync().map_err(failed("write the mail"))?;
        }
        drop(locked);
        mailbox.retired.close();
        Ok(())
    }

    /// Removes messages from an account's mailbox, as it is now: what others have delivered since
    /// stays, and what others have removed needs not be removed again.
    ///
    /// # Errors
    ///
    /// Others hold the mailbox, or it cannot be rewritten; no message is removed then.
    pub fn remove(&self, account: &Account, messages: &BTreeSet<Identity>) -> Result<(), Error> {
        let mailbox = self.mailbox(&account.mailbox);
        let mut index = lock(&mailbox.index);
        let locked =
            match Locked::acquire(&self.folder, &mailbox.name, Purpose::Write, self.patience) {
                Err(lock::Error::Open(error)) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(());
                }
                other => other?,
            };
        let current = self.read_locked(&mailbox, &mut index, &locked)?;
        let stays = ranges_that_stay(current.messages(), current.stamp().length, messages);
        if stays.first() == Some(&(0..current.stamp().length)) {
            return Ok(());
        }
        self.rewrite(&mailbox.name, &locked, current.stamp(), &stays)
            .map_err(failed("rewrite the mailbox"))?;
        *index = None;
        drop(locked);
        mailbox.retired.close();
        Ok(())
    }

    fn mailbox(&self, name: &str) -> Arc<Mailbox> {
        lock(&self.mailboxes)
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(Mailbox::new(name)))
            .clone()
    }

    /// Makes the index say what the file is now. If nothing changed, nothing is read or locked.
    fn refresh(&self, mailbox: &Mailbox, index: &mut Option<Index>) -> Result<(), Error> {
        let stamp = self
            .folder
            .stamp(&mailbox.name)
            .map_err(failed("look at the mailbox"))?;
        match (stamp, &*index) {
            (None, _) => *index = None,
            (Some(stamp), Some(known)) if known.stamp() == stamp => {}
            (Some(_), _) => {
                let locked =
                    Locked::acquire(&self.folder, &mailbox.name, Purpose::Read, self.patience)?;
                self.read_locked(mailbox, index, &locked)?;
            }
        }
        mailbox.retired.close();
        Ok(())
    }

    fn read_locked<'i>(
        &self,
        mailbox: &Mailbox,
        index: &'i mut Option<Index>,
        locked: &Locked,
    ) -> Result<&'i Index, Error> {
        let read = || -> io::Result<Index> {
            let stamp = Stamp::of(locked.file())?;
            if let Some(mut known) = index.take()
                && (known.stamp() == stamp || known.catch_up(stamp)?)
            {
                return Ok(known);
            }
            let file = locked.file().try_clone()?;
            Index::read(Arc::new(Held::new(file, mailbox.retired.clone())), stamp)
        };
        let read = { read }().map_err(failed("read the mailbox"))?;
        Ok(index.insert(read))
    }

    /// Writes what stays into another file and puts it in the old one's place: whatever happens, there
    /// is the old file or the new one.
    fn rewrite(
        &self,
        name: &str,
        locked: &Locked,
        stamp: Stamp,
        stays: &[std::ops::Range<u64>],
    ) -> io::Result<()> {
        let temporary = temporary_name(name);
        let result = self.folder.create_new(&temporary).and_then(|mut new| {
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
            self.folder.rename(&temporary, name)
        });
        if result.is_err() {
            // What failed is said; that its leftover could not be removed adds nothing.
            let _ = self.folder.remove(&temporary);
        }
        result
    }
}

/// One mbox file, as this process knows it.
#[derive(Debug)]
struct Mailbox {
    name: String,
    /// Also keeps the threads of this process apart, which fcntl's lock does not.
    index: Mutex<Option<Index>>,
    retired: Arc<Retired>,
    sessions: Mutex<Census>,
}

#[derive(Debug, Default)]
struct Census {
    sessions: usize,
    exclusive: bool,
}

impl Mailbox {
    fn new(name: &str) -> Mailbox {
        Mailbox {
            name: name.to_owned(),
            index: Mutex::default(),
            retired: Arc::default(),
            sessions: Mutex::default(),
        }
    }
}

/// A session's hold on its maildrop (RFC 1939 §4), until it is dropped.
#[derive(Debug)]
pub struct Lease {
    mailbox: Arc<Mailbox>,
}

impl Lease {
    /// None if the session must have the maildrop alone and does not, or if another must.
    fn take(mailbox: &Arc<Mailbox>, sessions: Sessions) -> Option<Lease> {
        let exclusive = sessions == Sessions::Exclusive;
        let mut census = lock(&mailbox.sessions);
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
        let mut census = lock(&self.mailbox.sessions);
        census.sessions -= 1;
        census.exclusive = false;
    }
}

impl From<lock::Error> for Error {
    fn from(error: lock::Error) -> Error {
        match error {
            lock::Error::Busy => Error::Busy,
            lock::Error::Open(source) => failed("open the mailbox")(source),
            lock::Error::Lock(source) => failed("lock the mailbox")(source),
        }
    }
}

fn failed(act: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Error::Denied { act, source }
        }
        io::ErrorKind::ResourceBusy => Error::Busy,
        _ => Error::Io { act, source },
    }
}

/// The mail as it is appended, with its From_ line and, if the sender is known, its Return-Path
/// (RFC 5321 §4.4).
fn as_stored(mail: &[u8], sender: Option<&str>, now: Timestamp) -> Vec<u8> {
    let from = sender
        .or_else(|| mbox::sender_of(mail))
        .unwrap_or_default()
        .to_owned();
    let mail = mbox::without_from_line(mail);
    let mut traced = Vec::new();
    if let Some(sender) = sender {
        let sender: String = sender
            .trim_matches(['<', '>'])
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        traced.extend_from_slice(format!("Return-Path: <{sender}>\n").as_bytes());
    }
    traced.extend_from_slice(mail);
    let mut stored = Vec::new();
    mbox::write(&traced, &from, now, &mut stored);
    stored
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
) -> Vec<std::ops::Range<u64>> {
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
    new.set_permissions(std::fs::Permissions::from_mode(metadata.mode() & 0o7777))?;
    // Only root may give files away; for all others the owner is the same already.
    let _ = std::os::unix::fs::fchown(new, Some(metadata.uid()), Some(metadata.gid()));
    Ok(())
}

/// A thread that panicked while it held the lock left nothing half done behind it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

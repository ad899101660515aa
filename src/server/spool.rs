//! The spool: a folder with `accounts.toml` and one mbox file per mailbox. Opens maildrops, delivers
//! mail, carries out deletions; what becomes of one file is [`mailbox`]'s.
//!
//! A maildrop is a snapshot: it keeps serving what it lists, whatever others deliver or delete. All
//! functions here block.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use self::mailbox::{Lease, Mailbox};

use super::{
    accounts::{Accounts, account::Account, error},
    folder::Folder,
    lock,
    maildrop::{Identity, Maildrop},
    mbox,
    reader::Reader,
};

pub mod mailbox;

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
    Accounts(#[from] error::Error),
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
        let (messages, reader) = mailbox.snapshot(&self.folder, self.patience)?;
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
        self.mailbox(&account.mailbox)
            .append(&self.folder, &stored, self.patience)
    }

    /// Removes messages from an account's mailbox, as it is now: what others have delivered since
    /// stays, and what others have removed needs not be removed again.
    ///
    /// # Errors
    ///
    /// Others hold the mailbox, or it cannot be rewritten; no message is removed then.
    pub fn remove(&self, account: &Account, messages: &BTreeSet<Identity>) -> Result<(), Error> {
        self.mailbox(&account.mailbox)
            .remove(&self.folder, messages, self.patience)
    }

    fn mailbox(&self, name: &str) -> Arc<Mailbox> {
        hold(&self.mailboxes)
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(Mailbox::new(name)))
            .clone()
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

/// A thread that panicked while it held the lock left nothing half done behind it.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

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

use self::{
    expiry::Expired,
    mailbox::{Delivered, Lease, Mailbox, Terms},
};

use super::{
    accounts::{
        Accounts,
        account::{Account, Duplicates, Sessions},
        error,
    },
    file::Gate,
    folder::Folder,
    intake::{Letter, Refusal},
    lock,
    maildrop::{Identity, Maildrop},
    reader::{self, Reader},
};

pub mod expiry;
mod late;
pub mod mailbox;
mod mbox_file;
mod recent;

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
    /// The account does not take this mail.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The mailbox does not grow any more.
    #[error("the mailbox is full: it takes {largest} octets")]
    Full {
        /// The most that it takes.
        largest: u64,
    },
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
        Spool::open_with_gate(path, Gate::default())
    }

    /// Lets every call that is made on the mailboxes' files go by this gate.
    ///
    /// # Errors
    ///
    /// As [`Spool::open`].
    pub fn open_with_gate(path: &Path, gate: Gate) -> Result<Spool, Error> {
        let folder = Folder::open(path).map_err(failed("open the spool's folder"))?;
        let guarded = Folder::open(path).map_err(failed("open the spool's folder"))?;
        Ok(Spool {
            accounts: Accounts::open(Arc::new(folder))?,
            folder: Arc::new(guarded.with_gate(gate)),
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
        let mailbox = self.mailbox(account);
        let lease = Lease::take(&mailbox, account.sessions).ok_or(Error::Busy)?;
        let (messages, reader) = mailbox.snapshot(self.patience)?;
        Ok(Opened {
            maildrop: Maildrop::new(messages),
            reader,
            lease,
        })
    }

    /// Delivers a mail to an account's mailbox. When this returns, the mail outlives a power cut.
    ///
    /// `sender` is the envelope's, empty for a bounce; if it is not known, no Return-Path is added.
    ///
    /// # Errors
    ///
    /// There is no such account, it does not take this mail, others hold the mailbox, or the mail
    /// cannot be written; the mailbox is then as it was.
    pub fn deliver(
        &self,
        account: &str,
        mail: &[u8],
        sender: Option<&str>,
        now: Timestamp,
    ) -> Result<Delivered, Error> {
        self.accounts.reread()?;
        let account = self
            .accounts
            .find(account)
            .ok_or_else(|| Error::UnknownAccount(account.to_owned()))?;
        let letter = Letter::new(mail, sender);
        letter.admit(&account)?;
        let terms = Terms {
            largest: account.largest_mailbox,
            once: account.duplicates == Duplicates::Once,
        };
        self.mailbox(&account)
            .take(&letter, terms, now, self.patience)
    }

    /// Removes messages from an account's mailbox, as it is now: what others have delivered since
    /// stays, and what others have removed needs not be removed again.
    ///
    /// # Errors
    ///
    /// Others hold the mailbox, or it cannot be rewritten; no message is removed then.
    pub fn remove(&self, account: &Account, messages: &BTreeSet<Identity>) -> Result<(), Error> {
        self.mailbox(account).remove(messages, self.patience)
    }

    /// How many sessions have this mailbox open.
    pub fn sessions(&self, mailbox: &str) -> usize {
        let known = hold(&self.mailboxes).get(mailbox).cloned();
        known.map_or(0, |mailbox| mailbox.sessions())
    }

    /// Removes what the account has kept for long enough, and says what that was. Sessions that have it
    /// in their maildrop can read it until they end.
    ///
    /// # Errors
    ///
    /// A session must have the maildrop alone, others hold the mailbox, or it cannot be read or
    /// rewritten; nothing is removed then.
    pub fn expire(&self, account: &Account, now: Timestamp) -> Result<Vec<Expired>, Error> {
        let Some(days) = account.expire else {
            return Ok(Vec::new());
        };
        let age = jiff::SignedDuration::from_hours(24 * i64::from(days));
        let Ok(limit) = now.checked_sub(age) else {
            return Ok(Vec::new());
        };
        let mailbox = self.mailbox(account);
        let _lease = Lease::take(&mailbox, Sessions::Shared).ok_or(Error::Busy)?;
        let (messages, reader) = mailbox.snapshot(self.patience)?;
        let Some(reader) = reader else {
            return Ok(Vec::new());
        };
        let expired = expiry::delivered_before(&messages, &reader, limit)?;
        if !expired.is_empty() {
            let identities = expired.iter().map(|message| message.identity).collect();
            mailbox.remove(&identities, self.patience)?;
        }
        Ok(expired)
    }

    /// Writes down what makes the next start quick.
    pub fn keep_indexes(&self) {
        let mailboxes: Vec<_> = hold(&self.mailboxes).values().cloned().collect();
        for mailbox in mailboxes {
            mailbox.keep_index();
        }
    }

    fn mailbox(&self, account: &Account) -> Arc<Mailbox> {
        let new = || {
            Arc::new(Mailbox::new(
                self.folder.clone(),
                &account.mailbox,
                account.store,
            ))
        };
        let mut mailboxes = hold(&self.mailboxes);
        let mailbox = mailboxes.entry(account.mailbox.clone()).or_insert_with(new);
        if mailbox.store() != account.store {
            // It was made another kind of mailbox; sessions that have it open keep the old one.
            *mailbox = new();
        }
        mailbox.clone()
    }
}

impl From<reader::Error> for Error {
    fn from(error: reader::Error) -> Error {
        match error {
            reader::Error::Read(source) => failed("read the mailbox")(source),
            // Another program is at it: what it leaves is looked at the next time.
            reader::Error::Changed => Error::Busy,
        }
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

/// A thread that panicked while it held the lock left nothing half done behind it.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

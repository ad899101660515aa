//! One mailbox of the spool, whatever keeps its messages: an mbox file or a Maildir. And who has it
//! open.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    causes::chain,
    server::{
        accounts::account::{Sessions, Store},
        folder::Folder,
        intake::Letter,
        maildir::Maildir,
        maildrop::{Identity, Messages},
        mbox,
        reader::Reader,
    },
};

use super::{Error, failed, hold, mbox_file::MboxFile, recent::Recent};

/// One mailbox, as this process knows it.
#[derive(Debug)]
pub(super) struct Mailbox {
    folder: Arc<Folder>,
    name: String,
    keeper: Keeper,
    recent: Recent,
    sessions: Mutex<Census>,
}

#[derive(Debug)]
enum Keeper {
    Mbox(Box<MboxFile>),
    /// Opened when it is needed: the account may be there before the folder can be made.
    Maildir(OnceLock<Arc<Maildir>>),
}

#[derive(Debug, Default)]
struct Census {
    sessions: usize,
    exclusive: bool,
}

/// What the mailbox makes of mail that it gets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Terms {
    /// It does not grow beyond so many octets.
    pub largest: Option<u64>,
    /// A Message-ID that came within a day is not delivered again.
    pub once: bool,
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Delivered {
    /// It is in the mailbox.
    Kept,
    /// It was there already: it has come within a day.
    Known,
}

impl Mailbox {
    pub(super) fn new(folder: Arc<Folder>, name: &str, store: Store) -> Mailbox {
        Mailbox {
            keeper: match store {
                Store::Mbox => Keeper::Mbox(Box::new(MboxFile::new(folder.clone(), name))),
                Store::Maildir => Keeper::Maildir(OnceLock::new()),
            },
            recent: Recent::new(folder.clone(), name),
            name: name.to_owned(),
            folder,
            sessions: Mutex::default(),
        }
    }

    /// What keeps its messages.
    pub(super) fn store(&self) -> Store {
        match self.keeper {
            Keeper::Mbox(_) => Store::Mbox,
            Keeper::Maildir(_) => Store::Maildir,
        }
    }

    /// The messages as they are now, and who reads them.
    pub(super) fn snapshot(&self, patience: Duration) -> Result<(Messages, Option<Reader>), Error> {
        match &self.keeper {
            Keeper::Mbox(file) => file.snapshot(patience),
            Keeper::Maildir(opened) => {
                let maildir = self.maildir(opened)?;
                let messages = maildir.messages().map_err(failed("read the mailbox"))?;
                Ok((messages, Some(Reader::Maildir(maildir))))
            }
        }
    }

    /// Takes a mail. When this returns, it outlives a power cut.
    pub(super) fn take(
        &self,
        letter: &Letter,
        terms: Terms,
        now: Timestamp,
        patience: Duration,
    ) -> Result<Delivered, Error> {
        let id = letter.message_id().filter(|_| terms.once);
        // Held until the mail is written: of two that come at once, one waits for the other.
        let recent = id
            .map(|id| self.recent.look(&id, now, patience))
            .transpose()?;
        if recent.as_ref().is_some_and(|recent| recent.is_known) {
            return Ok(Delivered::Known);
        }
        match &self.keeper {
            Keeper::Mbox(file) => {
                let mail = letter.traced();
                let stored_at = |at| {
                    let mut stored = Vec::new();
                    mbox::write(&mail, letter.sender(), at, &mut stored);
                    stored
                };
                file.append(stored_at, now, terms.largest, patience)?;
            }
            Keeper::Maildir(opened) => {
                let maildir = self.maildir(opened)?;
                let mail = letter.traced();
                if let Some(largest) = terms.largest {
                    let length = maildir.length().map_err(failed("read the mailbox"))?;
                    if length + mail.len() as u64 > largest {
                        return Err(Error::Full { largest });
                    }
                }
                maildir
                    .deliver(&mail, now)
                    .map_err(failed("write the mail"))?;
            }
        }
        if let Some(recent) = recent
            && let Err(error) = recent.note()
        {
            // It is delivered, and whoever hears otherwise sends it again.
            tracing::error!(
                mailbox = self.name,
                error = chain(&error),
                "what came is not noted: a second copy would be delivered"
            );
        }
        Ok(Delivered::Kept)
    }

    /// Removes messages, if they are still there.
    pub(super) fn remove(
        &self,
        messages: &BTreeSet<Identity>,
        patience: Duration,
    ) -> Result<(), Error> {
        match &self.keeper {
            Keeper::Mbox(file) => file.remove(messages, patience),
            Keeper::Maildir(opened) => {
                let are_read = hold(&self.sessions).sessions > 0;
                self.maildir(opened)?
                    .remove(messages, are_read)
                    .map_err(failed("remove the messages"))
            }
        }
    }

    /// How many sessions have it open.
    pub(super) fn sessions(&self) -> usize {
        hold(&self.sessions).sessions
    }

    /// Writes down what makes the next start quick, where that is worth it.
    pub(super) fn keep_index(&self) {
        if let Keeper::Mbox(file) = &self.keeper {
            file.keep_index();
        }
    }

    fn maildir(&self, opened: &OnceLock<Arc<Maildir>>) -> Result<Arc<Maildir>, Error> {
        if let Some(maildir) = opened.get() {
            return Ok(maildir.clone());
        }
        let maildir = Maildir::open(&self.folder, &self.name)
            .map_err(|error: io::Error| failed("open the mailbox")(error))?;
        Ok(opened.get_or_init(|| Arc::new(maildir)).clone())
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
        if census.sessions == 0
            && let Keeper::Maildir(opened) = &self.mailbox.keeper
            && let Some(maildir) = opened.get()
        {
            maildir.let_go();
        }
    }
}

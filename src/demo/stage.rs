//! What the story plays on: a real server on a free loopback port, its spool in a temporary folder,
//! and one account for everybody.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::{sync::mpsc, time};

use crate::{
    client::{self, Authorization, Endpoint, Transaction, dialogue::Dialogue},
    demo::{Error, inbox::Mail, join::Invitation, ledger::Entry},
    poll::tell::blocking,
    server::{
        Handle, Server,
        accounts::{
            account::{Delete, Sessions},
            file::Change,
            passwords::Hardness,
        },
        events::{Event, Fault, Observer},
        mbox,
        options::Options,
        spool::{self, Spool},
    },
};

/// The account that everybody uses.
pub const ACCOUNT: &str = "notices";

/// The server, and the folder that its spool and the readers' caches live in.
#[derive(Debug)]
pub struct Stage {
    folder: TempDir,
    server: Arc<Handle>,
    invitation: Invitation,
    is_broken: bool,
}

/// A session that has the mailbox for itself.
#[derive(Debug)]
pub struct Held {
    session: Transaction,
    server: Arc<Handle>,
}

impl Stage {
    /// Puts the mails that have not been withdrawn into a new spool, and serves it. Each reader is
    /// to check after this time; what the server sees goes into the books.
    ///
    /// # Errors
    ///
    /// The folder cannot be made, or nothing can listen on loopback.
    pub async fn open(
        mails: Vec<Mail>,
        check_every: Duration,
        books: mpsc::UnboundedSender<Entry>,
    ) -> Result<Stage, Error> {
        let password = password();
        let secret = SecretString::from(password.as_str());
        let made = books.clone();
        let (folder, spool) = blocking(move || {
            let (folder, spool) = make_spool(&mails, &secret)?;
            for mail in &mails {
                if mail.withdrawn.is_none() {
                    enter(&made, Entry::Delivered);
                }
            }
            Ok::<_, Error>((folder, spool))
        })
        .await?;
        let options = Options {
            observer: Some(Observer::new(move |event| {
                if let Some(entry) = entry_of(&event) {
                    enter(&books, entry);
                }
            })),
            ..Options::default()
        };
        let server = Server::start(Arc::new(spool), options).await?;
        let address = server
            .addresses()
            .first()
            .copied()
            .expect("the one listener has an address");
        let invitation = Invitation {
            server: address,
            account: ACCOUNT.to_owned(),
            password,
            readers: folder.path().join("readers"),
            check_every: u64::try_from(check_every.as_millis()).unwrap_or(u64::MAX),
        };
        Ok(Stage {
            folder,
            server: Arc::new(server),
            invitation,
            is_broken: false,
        })
    }

    /// What a reader must know to take part.
    pub fn invitation(&self) -> &Invitation {
        &self.invitation
    }

    /// The folder with the mbox file.
    pub fn spool(&self) -> PathBuf {
        self.folder.path().join(SPOOL)
    }

    /// Delivers a mail as any mailer would: it goes to the end of the mbox file, broken server or not.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub async fn deliver(
        &self,
        mail: Vec<u8>,
        sender: String,
        now: Timestamp,
    ) -> Result<(), spool::Error> {
        let server = self.server.clone();
        blocking(move || {
            let delivered = server.deliver(ACCOUNT, &mail, Some(&sender), now);
            delivered.map(|_| ())
        })
        .await
    }

    /// Breaks the server, or mends it. Returns true if it is broken now.
    pub fn toggle(&mut self) -> bool {
        self.is_broken = !self.is_broken;
        self.server.set_fault(match self.is_broken {
            true => Fault::Refuse,
            false => Fault::None,
        });
        self.is_broken
    }

    /// Signs in and stays, at a server that lets in one at a time, as the RFC has it and many do
    /// (RFC 1939 §4). None if the server is broken, or others are always there first.
    ///
    /// # Errors
    ///
    /// The account cannot be changed.
    pub async fn hold(&self) -> Result<Option<Held>, Error> {
        if self.is_broken {
            return Ok(None);
        }
        allow(&self.server, Sessions::Exclusive).await?;
        for _ in 0..TRIES {
            // Whoever is inside is out again in a moment.
            match self.sign_in().await {
                Ok(session) => {
                    return Ok(Some(Held {
                        session,
                        server: self.server.clone(),
                    }));
                }
                Err(_) => time::sleep(PAUSE).await,
            }
        }
        allow(&self.server, Sessions::Shared).await?;
        Ok(None)
    }

    /// Ends the server, and removes the folder with all that is in it.
    pub async fn close(self) {
        if let Some(server) = Arc::into_inner(self.server) {
            server.shutdown().await;
        }
        // What cannot be removed is the system's to remove: it lies among the temporary files.
        let _ = blocking(move || self.folder.close()).await;
    }

    async fn sign_in(&self) -> Result<Transaction, client::Error> {
        let settings = self
            .invitation
            .settings("slow")
            .expect("the name would do for a folder");
        let mailbox = settings
            .mailboxes
            .first()
            .expect("an invitation names a mailbox");
        let endpoint = Endpoint::of(mailbox, &settings)?;
        let password = SecretString::from(self.invitation.password.as_str());
        Authorization::connect(&endpoint, &Dialogue::default())
            .await?
            .login(&mailbox.user, &password, None, None, None)
            .await
    }
}

impl Held {
    /// Says QUIT, and lets everybody in at once again.
    pub async fn release(self) {
        self.session.quit().await;
        // The next collision says so, if the accounts cannot be written any more.
        let _ = allow(&self.server, Sessions::Shared).await;
    }
}

/// The spool's folder within the demo's.
const SPOOL: &str = "spool";

/// How often the mailbox is tried while others are inside, and how long between two tries.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(25);

/// Makes the folder, the account and the mbox file.
fn make_spool(mails: &[Mail], password: &SecretString) -> Result<(TempDir, Spool), Error> {
    let folder = tempfile::Builder::new()
        .prefix("tidings-demo-")
        .tempdir()
        .map_err(Error::Folder)?;
    let path = folder.path().join(SPOOL);
    DirBuilder::new()
        .mode(0o700)
        .create(&path)
        .map_err(Error::Folder)?;
    write_mbox(&path.join(ACCOUNT), mails).map_err(Error::Folder)?;
    let spool = Spool::open(&path)?;
    spool
        .accounts()
        .change(
            ACCOUNT,
            Change {
                delete: Some(Delete::Refused),
                ..Change::default()
            },
            Some((password, Hardness::Throwaway)),
        )
        .map_err(spool::Error::from)?;
    Ok((folder, spool))
}

/// Writes what was delivered before the demo began in one go.
fn write_mbox(path: &Path, mails: &[Mail]) -> io::Result<()> {
    let mut stored = Vec::new();
    for mail in mails.iter().filter(|mail| mail.withdrawn.is_none()) {
        mbox::write(&mail.bytes, &mail.sender, mail.sent, &mut stored);
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?
        .write_all(&stored)
}

async fn allow(server: &Arc<Handle>, sessions: Sessions) -> Result<(), spool::Error> {
    let spool = server.spool().clone();
    blocking(move || {
        let change = Change {
            sessions: Some(sessions),
            ..Change::default()
        };
        spool.accounts().change(ACCOUNT, change, None)
    })
    .await?;
    Ok(())
}

/// What goes into the books of what happened at the server.
fn entry_of(event: &Event) -> Option<Entry> {
    match event {
        Event::SignedIn { .. } => Some(Entry::Checked),
        Event::Busy { .. } => Some(Entry::Busy),
        Event::Delivered { .. } => Some(Entry::Delivered),
        Event::Quit { deleted, .. } => match u32::try_from(*deleted).unwrap_or(u32::MAX) {
            0 => None,
            deleted => Some(Entry::Deleted(deleted)),
        },
        Event::Connected { .. }
        | Event::Commanded { .. }
        | Event::Denied { .. }
        | Event::Listed { .. }
        | Event::Retrieved { .. }
        | Event::Deleted { .. }
        | Event::Ended { .. } => None,
    }
}

fn enter(books: &mpsc::UnboundedSender<Entry>, entry: Entry) {
    // Nobody keeps the books any more: the demo is ending.
    let _ = books.send(entry);
}

/// A password that nobody guesses while the demo lasts: others may be on this machine.
fn password() -> String {
    let chance = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
    format!("{chance:016x}")
}

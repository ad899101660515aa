//! A spool in a temporary folder, with accounts whose password is `sesame`, and a server over it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use secrecy::SecretString;
use tempfile::TempDir;
use tidings::server::{
    Handle, Server,
    accounts::{account::Account, passwords::Hardness},
    events::{Event, Observer},
    options::Options,
    spool::{Opened, Spool},
};

/// The password of all accounts in tests.
pub const PASSWORD: &str = "sesame";

/// A spool that is gone when it is dropped.
pub struct Scratch {
    pub folder: TempDir,
    pub spool: Arc<Spool>,
}

impl Scratch {
    /// A spool with the account `notices`.
    pub fn new() -> Scratch {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let spool = Spool::open(folder.path())
            .expect("a spool")
            .with_patience(Duration::from_millis(300));
        let scratch = Scratch {
            folder,
            spool: Arc::new(spool),
        };
        scratch.add_account("notices");
        scratch
    }

    /// As [`Scratch::new`], with these octets as the mailbox of `notices`.
    pub fn with_mbox(mbox: &[u8]) -> Scratch {
        let scratch = Scratch::new();
        std::fs::write(scratch.mailbox(), mbox).expect("a mailbox");
        scratch
    }

    pub fn add_account(&self, name: &str) {
        self.spool
            .accounts()
            .set_password(name, &SecretString::from(PASSWORD), Hardness::Throwaway)
            .expect("an account");
    }

    /// Appends text to accounts.toml, inside the table of the account that was added last.
    pub fn configure(&self, lines: &str) {
        let path = self.folder.path().join("accounts.toml");
        let mut text = std::fs::read_to_string(&path).expect("accounts");
        text.push_str(lines);
        std::fs::write(path, text).expect("accounts");
    }

    /// The file of `notices`.
    pub fn mailbox(&self) -> PathBuf {
        self.folder.path().join("notices")
    }

    pub fn octets(&self) -> Vec<u8> {
        std::fs::read(self.mailbox()).expect("a mailbox")
    }

    pub fn account(&self) -> Arc<Account> {
        self.spool.accounts().find("notices").expect("the account")
    }

    pub fn open(&self) -> Opened {
        self.spool
            .open_maildrop(&self.account())
            .expect("a maildrop")
    }

    pub fn deliver(&self, mail: &[u8]) {
        self.spool
            .deliver("notices", mail, None, moment())
            .expect("a delivery");
    }

    /// A server on a free port.
    pub async fn serve(&self) -> Served {
        self.serve_with(Options::default()).await
    }

    pub async fn serve_with(&self, mut options: Options) -> Served {
        let events = Events::default();
        let seen = events.clone();
        options.observer = Some(Observer::new(move |event| {
            seen.push(event);
        }));
        let handle = Server::start(self.spool.clone(), options)
            .await
            .expect("a server");
        Served { handle, events }
    }
}

/// However busy the machine is, what a test waits for happens within this time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server, and what happened at it.
pub struct Served {
    pub handle: Handle,
    pub events: Events,
}

impl Served {
    pub fn address(&self) -> SocketAddr {
        self.handle.addresses()[0]
    }
}

#[derive(Clone, Default)]
pub struct Events(Arc<(Mutex<Vec<Event>>, Condvar)>);

impl Events {
    fn push(&self, event: Event) {
        let (events, came) = &*self.0;
        events.lock().expect("events").push(event);
        came.notify_all();
    }

    pub fn all(&self) -> Vec<Event> {
        self.0.0.lock().expect("events").clone()
    }

    /// Waits until so many of these events have come. Blocks the thread.
    pub fn wait_for(&self, count: usize, is_one: impl Fn(&Event) -> bool) {
        let (events, came) = &*self.0;
        let too_few = |events: &mut Vec<Event>| {
            let found = events.iter().filter(|event| is_one(event)).count();
            found < count
        };
        let (_events, wait) = came
            .wait_timeout_while(events.lock().expect("events"), PATIENCE, too_few)
            .expect("events");
        assert!(!wait.timed_out(), "what was waited for did not happen");
    }

    pub fn keywords(&self) -> Vec<&'static str> {
        self.all()
            .iter()
            .filter_map(|event| match event {
                Event::Commanded { keyword, .. } => Some(*keyword),
                _ => None,
            })
            .collect()
    }
}

pub const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The moment at which everything in tests is delivered.
pub fn moment() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().expect("a moment")
}

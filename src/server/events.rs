//! What happens at a server, as values: for a demo's ledger, and for tests that must know what
//! crossed the wire. And what a demo or a test may do to it.

use std::{fmt, net::IpAddr, sync::Arc};

use crate::pop3::listing::MessageNumber;

/// A number for each connection of a server, from 1.
pub type SessionNumber = u64;

/// Something happened in a session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// Somebody connected.
    Connected {
        /// Which connection.
        session: SessionNumber,
        /// From where.
        address: IpAddr,
    },
    /// A command came, or what was meant as one; it is not said yet what became of it.
    Commanded {
        /// In which session.
        session: SessionNumber,
        /// Its keyword; `?` if it was no command.
        keyword: &'static str,
    },
    /// Somebody signed in, and has a maildrop.
    SignedIn {
        /// In which session.
        session: SessionNumber,
        /// The account.
        account: String,
        /// From where.
        address: IpAddr,
    },
    /// A password was wrong.
    Denied {
        /// In which session.
        session: SessionNumber,
        /// From where.
        address: IpAddr,
    },
    /// The maildrop was held by another session.
    Busy {
        /// In which session.
        session: SessionNumber,
        /// The account.
        account: String,
    },
    /// The whole maildrop was listed, by LIST or UIDL.
    Listed {
        /// In which session.
        session: SessionNumber,
    },
    /// A message was sent, by RETR.
    Retrieved {
        /// In which session.
        session: SessionNumber,
        /// Which.
        message: MessageNumber,
    },
    /// A message was marked as deleted.
    Deleted {
        /// In which session.
        session: SessionNumber,
        /// Which.
        message: MessageNumber,
    },
    /// A session ended with QUIT.
    Quit {
        /// Which.
        session: SessionNumber,
        /// How many messages were removed.
        deleted: usize,
    },
    /// A mail was delivered by this server's own handle.
    Delivered {
        /// To which account.
        account: String,
    },
    /// A connection ended, one way or another.
    Ended {
        /// Which.
        session: SessionNumber,
    },
}

/// Is told of every event, at once and in order within a session. It must not block.
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(Event) + Send + Sync>);

impl Observer {
    /// An observer that calls this.
    pub fn new(observe: impl Fn(Event) + Send + Sync + 'static) -> Observer {
        Observer(Arc::new(observe))
    }

    /// Tells it.
    pub fn tell(&self, event: Event) {
        (self.0)(event);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// What a demo or a test does to a server, to show what its clients make of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Every connection is closed, the new ones without a word.
    Refuse,
    /// Connections are taken, and nothing is answered until the fault is over.
    Hang,
    /// Every maildrop is held by somebody else: signing in is answered `[IN-USE]`.
    HoldLock,
}

//! A server with its spool, for tests that run the program: it serves on threads of its own.

use std::net::SocketAddr;

use tidings::server::{
    events::{Event, Fault},
    options::Options,
};
use tokio::runtime::Runtime;

use super::{
    program::eventually,
    scratch::{Scratch, Served},
};

/// The mailbox of a team: seven notices of some weeks.
pub const TEAM: &[u8] = include_bytes!("../mailboxes/team.mbox");

/// A running server.
pub struct Office {
    pub scratch: Scratch,
    pub served: Served,
    // Dropped last: the server runs on it.
    runtime: Runtime,
}

impl Office {
    /// A server with an empty mailbox.
    pub fn empty() -> Office {
        Office::over(Scratch::new())
    }

    /// A server with the mailbox of [`TEAM`].
    pub fn of_team() -> Office {
        Office::over(Scratch::with_mbox(TEAM))
    }

    /// A server over this spool.
    pub fn over(scratch: Scratch) -> Office {
        Office::with(scratch, Options::default())
    }

    pub fn with(scratch: Scratch, options: Options) -> Office {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let served = runtime.block_on(scratch.serve_with(options));
        Office {
            scratch,
            served,
            runtime,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.served.address()
    }

    /// Delivers a mail of this subject.
    pub fn deliver(&self, subject: &str) {
        self.scratch.deliver(&mail(subject));
    }

    pub fn set_fault(&self, fault: Fault) {
        self.served.handle.set_fault(fault);
    }

    /// Runs what a test does as a client of its own.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Waits until this has happened.
    pub fn wait_for(&self, is_one: impl Fn(&Event) -> bool) {
        self.served.events.wait_for(1, is_one);
    }

    /// How many times a command crossed the wire.
    pub fn heard(&self, keyword: &str) -> usize {
        let keywords = self.served.events.keywords();
        keywords.iter().filter(|said| **said == keyword).count()
    }

    /// Waits until all who have come have gone: a program does not wait for the answer to its QUIT.
    pub fn rest(&self) {
        eventually("the ends of the sessions", || {
            self.served.handle.numbers() == (0, 0)
        });
    }

    /// Ends the server; nobody answers at its address any more.
    pub fn close(self) -> Scratch {
        self.runtime.block_on(self.served.handle.shutdown());
        self.scratch
    }
}

/// A short mail of this subject; the subject is in its Message-ID, and its text speaks of it.
pub fn mail(subject: &str) -> Vec<u8> {
    let id: String = subject
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    format!(
        "From: Priya Natarajan <priya@team.example>\r\n\
         To: notices@team.example\r\n\
         Date: Mon, 23 Nov 2020 12:10:00 +0000\r\n\
         Subject: {subject}\r\n\
         Message-ID: <{id}@team.example>\r\n\
         \r\n\
         This is about: {subject}.\r\n"
    )
    .into_bytes()
}

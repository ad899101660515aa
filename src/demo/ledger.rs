//! The demo server's books: what it stores, what was deleted, and who came by (pure).
//!
//! What is in them is what the server itself has seen; a session that signs in is a check, whoever
//! makes it. The readers are told apart by their caches, which no server can see.

use std::{collections::BTreeSet, fmt};

use crate::demo::cast::Person;

/// Something that goes into the books.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Entry {
    /// A message was delivered.
    Delivered,
    /// Messages were deleted.
    Deleted(u32),
    /// A session was opened.
    Checked,
    /// A session was turned away, because another one held the maildrop.
    Busy,
    /// A reader has heard from the server.
    Met(Person),
}

/// The books.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ledger {
    delivered: u32,
    deleted: u32,
    checks: u32,
    busy: u32,
    readers: BTreeSet<Person>,
}

impl Ledger {
    /// Takes an entry. Returns true if the books look different now.
    pub fn enter(&mut self, entry: Entry) -> bool {
        match entry {
            Entry::Delivered => self.delivered += 1,
            Entry::Deleted(count) => self.deleted += count,
            Entry::Checked => self.checks += 1,
            Entry::Busy => self.busy += 1,
            Entry::Met(person) => return self.readers.insert(person),
        }
        entry != Entry::Deleted(0)
    }

    /// Messages in the maildrop.
    pub fn stored(&self) -> u32 {
        self.delivered.saturating_sub(self.deleted)
    }

    /// Messages deleted. It stays 0.
    pub fn deleted(&self) -> u32 {
        self.deleted
    }

    /// Sessions that were opened.
    pub fn checks(&self) -> u32 {
        self.checks
    }

    /// Readers that have checked.
    pub fn readers(&self) -> u32 {
        u32::try_from(self.readers.len()).unwrap_or(u32::MAX)
    }

    /// Sessions that found the maildrop in use.
    pub fn busy(&self) -> u32 {
        self.busy
    }
}

/// The line at the foot of the demo's screen.
impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "Server ledger   {} stored   {} deleted   {} checks",
            self.stored(),
            self.deleted,
            self.checks,
        )?;
        match self.readers() {
            0 => {}
            1 => f.write_str(" by 1 reader")?,
            readers => write!(f, " by {readers} readers")?,
        }
        write!(f, "   {} busy", self.busy)
    }
}

//! What a visit finds out: what is at the server, what has come of it when it ends, and why it ended early.

use std::time::Duration;

use secrecy::SecretString;

use super::keeper::Tally;
use crate::{
    client::{
        self,
        listing::{Glance, Listing},
    },
    notice::{NoticeId, shown::Shown},
    store::{self, seen::Seen},
};

/// How many notes are made of one check: nobody reads more.
const MOST_NOTES: usize = 200;

/// Why a visit ended early.
pub(super) enum Failure {
    Session(client::Error),
    Store(store::Error),
    Cancelled,
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Failure {
        Failure::Session(error)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        Failure::Store(error)
    }
}

/// What is found out during a visit, whether it comes through or not.
#[derive(Default)]
pub(super) struct Findings {
    /// The highest id in the cache before anybody was called.
    pub highest_before: NoticeId,
    /// And its version then.
    pub version_before: store::Version,
    pub on_server: Option<u32>,
    pub tally: Tally,
    pub withdrawn: u32,
    /// How many messages are left for the next check, so that others have a turn.
    pub left: u32,
    pub notes: Vec<Shown>,
    pub login_delay: Option<Duration>,
    /// A fresh access token, where the first was not taken.
    pub token: Option<SecretString>,
    /// True once the password may have been sent.
    pub has_tried_password: bool,
    /// True once PIPELINING turned out to be broken.
    pub goes_one_by_one: bool,
    /// True once the server turned out to lose what is sent along with the password.
    pub looks_not_ahead: bool,
    /// True once the server did not say how large a single message is.
    pub lists_whole: bool,
    /// True once a message may have been asked for.
    pub has_fetched: bool,
    /// True if something is to be tried again, though nothing is to be said of it.
    pub has_open_ends: bool,
}

impl Findings {
    /// Notes what a person may want to know, unless there is too much of it already.
    pub fn note(&mut self, words: Shown) {
        if self.notes.len() < MOST_NOTES {
            self.notes.push(words);
        }
    }
}

/// What a look at the server has found.
#[derive(Debug)]
pub(super) enum Looked {
    /// All is as it was at the end of a check that left nothing to do.
    Unchanged {
        /// How many messages there are.
        messages: usize,
    },
    /// Something may have changed.
    Listed(Box<Found>),
}

/// What may have changed.
#[derive(Debug)]
pub(super) struct Found {
    /// What the server lists.
    pub listing: Listing,
    /// What was seen before of that.
    pub seen: Seen,
    /// What the next listing is compared with.
    pub digest: String,
    /// What stands before it and is as it was, where only that is listed here which has come since.
    pub before: Option<Before>,
}

/// Messages that are as they were at the end of a check that left nothing to do.
#[derive(Debug)]
pub(super) struct Before {
    /// How many there are.
    pub messages: u32,
    /// All that the server lists, with what has come since.
    pub all: Glance,
}

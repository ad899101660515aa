//! What a check found, as plain data: what the poller tells the screen and the command line.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::notice::{Headline, NoticeId, shown::Shown};

/// What became known during the series of checks, in the order it happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// A check began.
    Started {
        /// When.
        at: Timestamp,
    },
    /// The listing came: what is there, and what of it is new.
    Listed {
        /// Messages at the server.
        on_server: u32,
        /// Messages that will be fetched.
        new: u32,
        /// Octets that will be fetched.
        octets: u64,
    },
    /// Headers of notices whose text is still to come, newest first; not kept yet.
    Announced(Vec<Headline>),
    /// Notices were kept. An announced one has the same `handle`.
    Arrived(Vec<Headline>),
    /// Notices that were known are whole, or are kept again: nothing is new about them.
    Filled(Vec<Headline>),
    /// Part of the new notices has been fetched.
    Progress {
        /// Notices fetched so far.
        fetched: u32,
        /// Notices to fetch.
        of: u32,
        /// Octets fetched so far.
        octets: u64,
        /// Octets to fetch.
        of_octets: u64,
    },
    /// Notices that left the server.
    Withdrawn {
        /// Which.
        ids: Vec<NoticeId>,
        /// When they were first missed.
        since: Timestamp,
    },
    /// Notices thought withdrawn that are listed again.
    Returned(Vec<NoticeId>),
    /// All kept notices are missing from the listing; nothing is withdrawn until this is confirmed.
    Vanished {
        /// How many are missing.
        count: u32,
        /// How many checks have found so.
        checks: u32,
    },
    /// A check ended.
    Checked(Summary),
}

/// One check, from connect to QUIT.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// When the next one will be; none if the person must act first.
    pub next: Option<Timestamp>,
    /// Messages at the server, if the listing came.
    pub on_server: Option<u32>,
    /// Notices that were new.
    pub new: u32,
    /// Those of them that the bell and the like tell of.
    pub told: u32,
    /// Notices that left the server.
    pub withdrawn: u32,
    /// Octets of the messages fetched.
    pub octets: u64,
    /// Messages that are left for the next check, so that others have a turn at the maildrop.
    pub left: u32,
    /// How many times in a row checks have not come through, this one included.
    pub attempt: u32,
    /// What a person may want to know of it, in words.
    pub notes: Vec<Shown>,
    /// The dialogue with the server, passwords masked: lines of `C:` and `S:`.
    pub dialogue: Arc<str>,
}

/// How a check ended. What was kept before it ended is kept in every case.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It came through.
    Done,
    /// Somebody else holds the maildrop ([IN-USE]): ordinary, tried again soon.
    Busy {
        /// The server's words.
        words: Shown,
    },
    /// The server told us to call less often ([LOGIN-DELAY]).
    ToldToWait {
        /// The least time between two logins.
        every: Duration,
        /// The server's words.
        words: Shown,
    },
    /// No connection, or a temporary failure ([SYS/TEMP]).
    Unreachable {
        /// What happened, in words.
        why: Shown,
    },
    /// The server needs a person's help ([SYS/PERM]).
    Refused {
        /// The server's words.
        words: Shown,
    },
    /// Wrong name or password: checks stop until the user acts.
    SignInFailed {
        /// The server's words.
        words: Shown,
    },
    /// No password could be had: the command failed, the variable is not set; checks stop.
    NoPassword {
        /// Why, in words.
        why: Shown,
    },
    /// The connection cannot be made safe: certificate, TLS, or clear text refused.
    NotSafe {
        /// What is wrong with it, in words.
        why: Shown,
    },
    /// The server does not speak POP3 as it should.
    Broken {
        /// What it said, in words.
        why: Shown,
    },
    /// The cache could not be written or read.
    CannotSave {
        /// Why, in words.
        why: Shown,
    },
    /// The person, or the end of the program, broke it off.
    Cancelled,
}

impl Outcome {
    /// The one word for it, in the activity view, in JSON and in tables.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Done => "ok",
            Outcome::Busy { .. } => "busy",
            Outcome::ToldToWait { .. } => "wait",
            Outcome::Unreachable { .. } => "offline",
            Outcome::Refused { .. } => "refused",
            Outcome::SignInFailed { .. } => "sign-in failed",
            Outcome::NoPassword { .. } => "no password",
            Outcome::NotSafe { .. } => "not safe",
            Outcome::Broken { .. } => "broken",
            Outcome::CannotSave { .. } => "cannot save",
            Outcome::Cancelled => "cancelled",
        }
    }

    /// The words that say more, the server's or ours; empty where the outcome says it all.
    pub fn words(&self) -> Shown {
        match self {
            Outcome::Done | Outcome::Cancelled => Shown::default(),
            Outcome::Busy { words }
            | Outcome::ToldToWait { words, .. }
            | Outcome::Refused { words }
            | Outcome::SignInFailed { words } => words.clone(),
            Outcome::Unreachable { why }
            | Outcome::NoPassword { why }
            | Outcome::NotSafe { why }
            | Outcome::Broken { why }
            | Outcome::CannotSave { why } => why.clone(),
        }
    }

    /// True if the check came through.
    pub fn is_done(&self) -> bool {
        matches!(self, Outcome::Done)
    }
}

/// A number as people read it: `1 380`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

//! What a server counts of itself, for whoever runs it: sessions, commands, mail, the slowest of what
//! it did. No passwords, no mail.

use std::{
    collections::BTreeMap,
    fmt::Write,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::{Event, SessionNumber};

/// Of the slowest, so many are remembered.
const SLOWEST: usize = 10;

/// What one server counts.
#[derive(Debug)]
pub struct Figures {
    started: Timestamp,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    counters: Counters,
    sessions: BTreeMap<SessionNumber, Known>,
    slowest: Vec<Slow>,
}

#[derive(Debug)]
struct Known {
    address: IpAddr,
    account: Option<Arc<str>>,
    since: Timestamp,
    commands: u64,
}

/// What is only ever added to.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Counters {
    /// Connections that were taken.
    pub connections: u64,
    /// Connections that were turned away because there were too many.
    pub refused: u64,
    /// Sessions that signed in.
    pub sign_ins: u64,
    /// Wrong passwords.
    pub denied: u64,
    /// Sign-ins to a maildrop that another session held.
    pub busy: u64,
    /// Commands.
    pub commands: u64,
    /// Messages sent by RETR.
    pub retrieved: u64,
    /// Messages removed at QUIT.
    pub deleted: u64,
    /// Messages removed because they were old.
    pub expired: u64,
    /// Mails delivered by this process.
    pub delivered: u64,
    /// Mails that could not be delivered by this process.
    pub undelivered: u64,
    /// Octets sent to clients of POP3.
    pub octets: u64,
}

/// Something that took long.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Slow {
    /// What: a command's keyword, or `delivery`.
    pub what: String,
    /// Whose, if somebody had signed in.
    pub account: Option<String>,
    /// When it was over.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

/// A session that is open.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OpenSession {
    /// Its number.
    pub session: SessionNumber,
    /// From where.
    pub address: IpAddr,
    /// Whose; none before somebody has signed in.
    pub account: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// How many commands it has given.
    pub commands: u64,
}

/// All of it at one moment.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Status {
    /// Which program serves.
    pub version: String,
    /// Since when it runs.
    pub started: Timestamp,
    /// What it has counted.
    pub counters: Counters,
    /// Who is there, the oldest first.
    pub sessions: Vec<OpenSession>,
    /// What took longest, the slowest first.
    pub slowest: Vec<Slow>,
}

impl Default for Figures {
    fn default() -> Figures {
        Figures {
            started: Timestamp::now(),
            inner: Mutex::default(),
        }
    }
}

impl Figures {
    /// Heeds what happened.
    pub fn heed(&self, event: &Event) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let counters = &mut inner.counters;
        match event {
            Event::Connected { session, address } => {
                counters.connections += 1;
                let known = Known {
                    address: *address,
                    account: None,
                    since: Timestamp::now(),
                    commands: 0,
                };
                inner.sessions.insert(*session, known);
            }
            Event::Commanded { session, .. } => {
                counters.commands += 1;
                if let Some(known) = inner.sessions.get_mut(session) {
                    known.commands += 1;
                }
            }
            Event::SignedIn {
                session, account, ..
            } => {
                counters.sign_ins += 1;
                if let Some(known) = inner.sessions.get_mut(session) {
                    known.account = Some(account.as_str().into());
                }
            }
            Event::Denied { .. } => counters.denied += 1,
            Event::Busy { .. } => counters.busy += 1,
            Event::Retrieved { .. } => counters.retrieved += 1,
            Event::Quit { deleted, .. } => counters.deleted += *deleted as u64,
            Event::Delivered { .. } => counters.delivered += 1,
            Event::Ended { session } => {
                inner.sessions.remove(session);
            }
            Event::Listed { .. } | Event::Deleted { .. } => {}
        }
    }

    /// A connection was turned away.
    pub fn refused(&self) {
        self.lock().counters.refused += 1;
    }

    /// So many octets were sent.
    pub fn sent(&self, octets: u64) {
        self.lock().counters.octets += octets;
    }

    /// So many messages were removed because they were old.
    pub fn expired(&self, messages: u64) {
        self.lock().counters.expired += messages;
    }

    /// A mail could not be delivered.
    pub fn undelivered(&self) {
        self.lock().counters.undelivered += 1;
    }

    /// This took so long, from when it was asked for until it was answered.
    pub fn took(&self, what: &str, account: Option<&str>, time: Duration) {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut inner = self.lock();
        let slowest = &mut inner.slowest;
        let is_slow = |slow: &Slow| slow.milliseconds < milliseconds;
        if slowest.len() == SLOWEST && !slowest.last().is_some_and(is_slow) {
            return;
        }
        let place = slowest.partition_point(|slow| slow.milliseconds >= milliseconds);
        let slow = Slow {
            what: what.to_owned(),
            account: account.map(str::to_owned),
            at: Timestamp::now(),
            milliseconds,
        };
        slowest.insert(place, slow);
        slowest.truncate(SLOWEST);
    }

    /// All of it.
    pub fn status(&self) -> Status {
        let inner = self.lock();
        let open = |(session, known): (&SessionNumber, &Known)| OpenSession {
            session: *session,
            address: known.address,
            account: known.account.as_deref().map(str::to_owned),
            since: known.since,
            commands: known.commands,
        };
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: self.started,
            counters: inner.counters,
            sessions: inner.sessions.iter().map(open).collect(),
            slowest: inner.slowest.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Status {
    /// How many have signed in.
    pub fn signed_in(&self) -> usize {
        let has_account = |session: &&OpenSession| session.account.is_some();
        self.sessions.iter().filter(has_account).count()
    }

    /// In a line, for the log.
    pub fn in_a_line(&self) -> String {
        let counters = &self.counters;
        format!(
            "{} sessions, {} of them signed in; since {}: {} connections, {} refused, {} sign-ins, {} wrong \
             passwords, {} busy, {} commands, {} messages sent, {} deleted, {} expired, {} delivered, \
             {} undelivered, {} octets",
            self.sessions.len(),
            self.signed_in(),
            self.started.strftime("%Y-%m-%d %H:%M"),
            counters.connections,
            counters.refused,
            counters.sign_ins,
            counters.denied,
            counters.busy,
            counters.commands,
            counters.retrieved,
            counters.deleted,
            counters.expired,
            counters.delivered,
            counters.undelivered,
            counters.octets,
        )
    }

    /// As Prometheus reads it (its text format, version 0.0.4).
    pub fn prometheus(&self) -> String {
        let counters = &self.counters;
        let mut text = String::new();
        for (name, help, value) in [
            ("connections", "connections taken", counters.connections),
            (
                "refused",
                "connections turned away: too many",
                counters.refused,
            ),
            ("sign_ins", "sessions that signed in", counters.sign_ins),
            ("denied", "wrong passwords", counters.denied),
            (
                "busy",
                "sign-ins to a maildrop that was held",
                counters.busy,
            ),
            ("commands", "commands", counters.commands),
            ("retrieved", "messages sent by RETR", counters.retrieved),
            ("deleted", "messages removed at QUIT", counters.deleted),
            (
                "expired",
                "messages removed because they were old",
                counters.expired,
            ),
            ("delivered", "mails delivered", counters.delivered),
            ("undelivered", "mails not delivered", counters.undelivered),
            ("octets", "octets sent", counters.octets),
        ] {
            metric(&mut text, &format!("{name}_total"), "counter", help, value);
        }
        let sessions = self.sessions.len() as u64;
        metric(
            &mut text,
            "sessions",
            "gauge",
            "sessions that are open",
            sessions,
        );
        let signed_in = self.signed_in() as u64;
        metric(
            &mut text,
            "sessions_signed_in",
            "gauge",
            "of these, signed in",
            signed_in,
        );
        let started = u64::try_from(self.started.as_second()).unwrap_or(0);
        let help = "when the server began, in seconds since 1970";
        metric(&mut text, "start_time_seconds", "gauge", help, started);
        text
    }
}

fn metric(text: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    let name = format!("tidings_{name}");
    // A String takes all that is written.
    let _ = write!(
        text,
        "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"
    );
}

//! What is known of each mailbox: its name, its counts, and how its checks went.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use crate::{
    config,
    notice::shown::Shown,
    poll::report::{Outcome, Report, Summary},
};

/// A mailbox, as far as it is not its notices.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Its name.
    pub name: Shown,
    /// The time between two checks.
    pub check_every: Duration,
    /// True if nothing but the person knows the password.
    pub asks_for_password: bool,
    /// Notices not read.
    pub unread: u32,
    /// Messages at the server, once a listing came.
    pub on_server: Option<u32>,
    /// When the check that runs now began.
    pub checking: Option<Timestamp>,
    /// True once it has lasted for more than a second.
    pub is_slow: bool,
    /// How the last check ended that was not broken off.
    pub last: Option<Summary>,
    /// When a check last came through.
    pub last_done: Option<Timestamp>,
    /// Since when checks do not come through.
    pub trouble_since: Option<Timestamp>,
    /// How long it was out of reach, until the check after it came back.
    pub back_after: Option<Duration>,
    /// How many notices vanished at once, until that is confirmed or they are back.
    pub vanished: Option<u32>,
    /// What came since the last visit: said once after the start.
    pub away: Option<Away>,
    /// How far fetching has come.
    pub progress: Option<Progress>,
    /// The checks, the latest first.
    pub checks: VecDeque<Summary>,
    /// True once the checks before this start are among them.
    pub is_recalled: bool,
}

/// What came since the last visit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Away {
    /// The last visit.
    pub since: Timestamp,
    /// Notices that are new since.
    pub new: u32,
    /// Important ones among them.
    pub important: u32,
}

/// How far fetching has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// Notices fetched so far.
    pub fetched: u32,
    /// Notices to fetch.
    pub of: u32,
    /// Octets fetched so far.
    pub octets: u64,
    /// Octets to fetch.
    pub of_octets: u64,
    /// True if the cache was empty before.
    pub is_first: bool,
}

impl Mailbox {
    /// A mailbox of which nothing is known yet.
    pub fn new(settings: &config::Mailbox, check_every: Duration) -> Mailbox {
        Mailbox {
            name: Shown::line(&settings.name),
            check_every: settings.check_every.map_or(check_every, |every| every.0),
            asks_for_password: settings.asks_for_password(),
            unread: 0,
            on_server: None,
            checking: None,
            is_slow: false,
            last: None,
            last_done: None,
            trouble_since: None,
            back_after: None,
            vanished: None,
            away: None,
            progress: None,
            checks: VecDeque::new(),
            is_recalled: false,
        }
    }

    /// Takes note of what a poller told, but for the notices themselves.
    pub fn note(&mut self, report: &Report, is_empty: bool) {
        match report {
            Report::Started { at } => {
                self.checking = Some(*at);
                self.is_slow = false;
            }
            Report::Listed {
                on_server,
                new,
                octets,
            } => {
                self.on_server = Some(*on_server);
                self.progress = (*new > 0).then_some(Progress {
                    of: *new,
                    of_octets: *octets,
                    is_first: is_empty,
                    ..Progress::default()
                });
            }
            Report::Progress {
                fetched,
                of,
                octets,
                of_octets,
            } => {
                self.progress = Some(Progress {
                    fetched: *fetched,
                    of: *of,
                    octets: *octets,
                    of_octets: *of_octets,
                    is_first: self.progress.is_some_and(|progress| progress.is_first),
                });
            }
            Report::Vanished { count, .. } => self.vanished = Some(*count),
            Report::Withdrawn { .. } | Report::Returned(_) => self.vanished = None,
            Report::Checked(summary) => self.checked(summary.clone()),
            Report::Announced(_) | Report::Arrived(_) | Report::Filled(_) => {}
        }
    }

    /// The checks of before this start came, the latest first.
    pub fn recall(&mut self, checks: Vec<Summary>) {
        let oldest = self.checks.back().map(|check| check.at);
        let older = |check: &Summary| oldest.is_none_or(|oldest| check.at < oldest);
        self.checks.extend(checks.into_iter().filter(older));
        self.checks.truncate(MOST_CHECKS);
        self.is_recalled = true;
    }

    /// True if the next check is but seconds away and is counted down.
    pub fn counts_down(&self) -> bool {
        self.last
            .as_ref()
            .is_some_and(|last| matches!(last.outcome, Outcome::Busy { .. }) && last.next.is_some())
    }

    fn checked(&mut self, summary: Summary) {
        self.checking = None;
        self.is_slow = false;
        self.progress = None;
        let ended = summary.at + summary.took;
        self.on_server = summary.on_server.or(self.on_server);
        match summary.outcome {
            Outcome::Done => {
                let was_away = self.last.as_ref().is_some_and(is_out_of_reach);
                let since = self.trouble_since.take().filter(|_| was_away);
                self.back_after = since.map(|since| {
                    Duration::from_secs(ended.as_second().abs_diff(since.as_second()))
                });
                self.last_done = Some(ended);
                if summary.on_server.is_some_and(|count| count > 0) && summary.withdrawn > 0 {
                    self.vanished = None;
                }
            }
            Outcome::Cancelled => {}
            _ => {
                self.back_after = None;
                self.trouble_since.get_or_insert(summary.at);
            }
        }
        if self.checks.len() >= MOST_DIALOGUES {
            self.checks[MOST_DIALOGUES - 1].dialogue = "".into();
        }
        self.checks.push_front(summary.clone());
        self.checks.truncate(MOST_CHECKS);
        if summary.outcome != Outcome::Cancelled || self.last.is_none() {
            self.last = Some(summary);
        }
    }
}

fn is_out_of_reach(summary: &Summary) -> bool {
    matches!(summary.outcome, Outcome::Unreachable { .. })
}

/// More than a day at a check a minute.
const MOST_CHECKS: usize = 2_000;

/// Of more checks than these the dialogue is forgotten: they cost a kilobyte each.
const MOST_DIALOGUES: usize = 200;

//! How a mailbox is, in the exact words of the status line.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    notice::shown::Shown,
    poll::report::{Outcome, Summary},
    tui::{
        action::{Action, Mode},
        keymap::Keymap,
        look::Clock,
        theme::Role,
    },
};

use super::mailbox::Mailbox;

/// How a mailbox is, in words, for lines of different lengths.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// The parts of the status line, the weightier first; the last ones are left out for room.
    pub parts: Vec<Shown>,
    /// The part that is left out before all others, if there is one.
    pub dispensable: Option<usize>,
    /// A few words, for the reader's status line.
    pub brief: Shown,
    /// The fewest words, for narrow screens.
    pub short: Shown,
    /// What the words mean.
    pub role: Role,
}

impl Health {
    /// How the mailbox is now.
    pub fn of(mailbox: &Mailbox, clock: &Clock, keymap: &Keymap, still: bool) -> Health {
        let teller = Teller {
            mailbox,
            clock,
            keymap,
            still,
        };
        teller.health()
    }

    /// How it is where the cache cannot be written. There is room for the last cause alone; the file
    /// stands in the details.
    pub fn unsaved(why: &Shown) -> Health {
        let cause = why.rsplit(": ").next().unwrap_or(why);
        let mut health = Health::new(
            Role::Error,
            [
                format!("cannot save: {cause}"),
                "marks kept in memory".to_owned(),
            ],
        );
        health.dispensable = Some(1);
        health
    }

    fn new(role: Role, parts: impl IntoIterator<Item = String>) -> Health {
        let parts: Vec<Shown> = parts.into_iter().map(|part| Shown::text(&part)).collect();
        let short = parts.first().cloned().unwrap_or_default();
        Health {
            brief: short.clone(),
            short,
            parts,
            dispensable: None,
            role,
        }
    }

    /// The parts without the one that can be spared the most.
    pub fn indispensable(&self) -> impl Iterator<Item = &Shown> {
        let parts = self.parts.iter().enumerate();
        parts
            .filter(|(place, _)| Some(*place) != self.dispensable)
            .map(|(_, part)| part)
    }
}

struct Teller<'a> {
    mailbox: &'a Mailbox,
    clock: &'a Clock,
    keymap: &'a Keymap,
    still: bool,
}

impl Teller<'_> {
    fn health(&self) -> Health {
        if let Some(count) = self.mailbox.vanished {
            let s = if count == 1 { "" } else { "s" };
            let what = format!("{count} notice{s} vanished from the server");
            return Health::new(Role::Warn, [what, self.hint(Action::Activity, "details")]);
        }
        let Some(last) = &self.mailbox.last else {
            let word = match self.mailbox.checking {
                Some(_) => "checking for the first time",
                None => "not checked yet",
            };
            return Health::new(Role::Muted, [word.to_owned()]);
        };
        match &last.outcome {
            Outcome::Done => self.well(last),
            Outcome::Busy { .. } => self.busy(last),
            Outcome::ToldToWait { every, .. } => {
                let what = format!("server allows a check every {}", length(*every));
                self.next(Role::Ok, what, "next", last)
            }
            Outcome::Unreachable { .. } => {
                let since = self.mailbox.trouble_since.unwrap_or(last.at);
                let what = format!("offline since {}", self.clock.since(since));
                let mut health = self.next(Role::Warn, what, "retry", last);
                health
                    .parts
                    .insert(1, Shown::from_static("showing saved notices"));
                health.dispensable = Some(1);
                health
            }
            Outcome::SignInFailed { words } => Health::new(
                Role::Error,
                [
                    "sign-in failed".to_owned(),
                    self.hint(Action::FixPassword, "fix password"),
                    words.to_string(),
                ],
            ),
            Outcome::NoPassword { .. } if self.mailbox.asks_for_password => Health::new(
                Role::Error,
                [
                    "no password".to_owned(),
                    self.hint(Action::FixPassword, "type password"),
                ],
            ),
            Outcome::NoPassword { why } => Health::new(
                Role::Error,
                [
                    "no password".to_owned(),
                    self.hint(Action::FixPassword, "type password"),
                    why.to_string(),
                ],
            ),
            Outcome::NotSafe { why } => {
                // The advice behind it stands in the details.
                let what = why.split(';').next().unwrap_or(why);
                Health::new(
                    Role::Error,
                    [
                        format!("not safe: {what}"),
                        self.hint(Action::Images, "details"),
                    ],
                )
            }
            Outcome::Refused { words } => {
                let what = format!("server refused: {words}");
                let mut health = self.next(Role::Error, what, "retry", last);
                let hint = self.hint(Action::Images, "details");
                health.parts.push(Shown::text(&hint));
                health
            }
            Outcome::Broken { why } => {
                let what = format!("server does not speak POP3: {why}");
                self.next(Role::Error, what, "retry", last)
            }
            Outcome::CannotSave { why } => Health::unsaved(why),
            Outcome::Cancelled => {
                self.next(Role::Muted, "check broken off".to_owned(), "next", last)
            }
        }
    }

    /// `ok · checked 14:05 · next 14:06`
    fn well(&self, last: &Summary) -> Health {
        let (word, role) = match (self.mailbox.is_slow, self.mailbox.back_after) {
            (true, _) => ("checking".to_owned(), Role::Ok),
            (false, Some(away)) => (format!("online again after {}", length(away)), Role::Ok),
            (false, None) => ("ok".to_owned(), Role::Ok),
        };
        let checked = self.mailbox.last_done.unwrap_or(last.at);
        let checked = format!("checked {}", self.clock.moment(checked));
        let next = last.next.map(|next| self.clock.moment(next));
        let mut parts = vec![word.clone(), checked];
        parts.extend(next.as_ref().map(|next| format!("next {next}")));
        let mut health = Health::new(role, parts);
        if let Some(next) = next {
            health.brief = Shown::text(&format!("{word}, next check {next}"));
            health.short = Shown::text(&format!("{word}, next {next}"));
        }
        health
    }

    /// `busy: someone else is checking · retry in 8 s (2)`: ordinary for some minutes.
    fn busy(&self, last: &Summary) -> Health {
        let since = self.mailbox.trouble_since.unwrap_or(last.at);
        let is_long = self.clock.now.as_second() - since.as_second() >= LONG_BUSY;
        let (role, warning) = match is_long {
            true => (Role::Warn, "warning: "),
            false => (Role::Ok, ""),
        };
        let what = format!("{warning}busy: someone else is checking");
        let retry = last.next.map(|next| match self.still {
            true => format!("retry {}", self.clock.second(next)),
            false => format!("retry in {} s", self.clock.until(next)),
        });
        let short = retry.as_ref().map(|retry| format!("busy, {retry}"));
        let retry = retry.map(|retry| match last.attempt {
            0 | 1 => retry,
            attempt => format!("{retry} ({attempt})"),
        });
        let mut health = Health::new(role, [what].into_iter().chain(retry));
        if let Some(short) = short {
            health.brief = Shown::text(&short);
            health.short = health.brief.clone();
        }
        health
    }

    fn next(&self, role: Role, what: String, word: &str, last: &Summary) -> Health {
        let next = last.next.map(|next| self.time_of(next));
        let next = next.map(|next| format!("{word} {next}"));
        Health::new(role, [what].into_iter().chain(next))
    }

    /// The time of the next check: with seconds if it is within two minutes of a short wait.
    fn time_of(&self, next: Timestamp) -> Shown {
        self.clock.moment(next)
    }

    fn hint(&self, action: Action, does: &str) -> String {
        match self.keymap.key(Mode::List, action) {
            Some(key) => format!("{key} {does}"),
            None => format!(":{} {does}", action.command()),
        }
    }
}

/// A mailbox in the switcher: a word, and what comes next.
pub fn entry(mailbox: &Mailbox, clock: &Clock) -> (Shown, Shown, Role) {
    let Some(last) = &mailbox.last else {
        return (Shown::from_static("-"), Shown::default(), Role::Muted);
    };
    let word = Shown::from_static(last.outcome.word());
    let note = match (&last.outcome, last.next) {
        (Outcome::Done, _) => {
            let checked = mailbox.last_done.unwrap_or(last.at);
            Shown::text(&format!("checked {}", clock.moment(checked)))
        }
        (_, Some(next)) => Shown::text(&format!("retry {}", clock.second(next))),
        (_, None) => Shown::default(),
    };
    let role = match last.outcome {
        Outcome::Done | Outcome::Busy { .. } | Outcome::ToldToWait { .. } => Role::Ok,
        Outcome::Unreachable { .. } | Outcome::Cancelled => Role::Warn,
        _ => Role::Error,
    };
    (word, note, role)
}

/// A length of time in words: `8 s`, `4 min`, `2 h`, `3 days`.
pub fn length(time: Duration) -> String {
    match time.as_secs() {
        s @ 0..60 => format!("{s} s"),
        s @ 60..3_600 => format!("{} min", s / 60),
        s @ 3_600..172_800 => format!("{} h", s / 3_600),
        s => format!("{} days", s / 86_400),
    }
}

/// Someone else checking for five minutes on end is more than a coincidence.
const LONG_BUSY: i64 = 5 * 60;

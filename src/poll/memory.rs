//! Checks of the past: how a summary is remembered in the cache, and how it comes back.

use std::time::Duration;

use jiff::Timestamp;

use super::report::{Outcome, Summary};
use crate::{
    notice::shown::Shown,
    store::{Error, Store, visits::Visit},
};

/// Remembers a check.
///
/// # Errors
///
/// The cache cannot be written.
pub fn record(store: &Store, summary: &Summary) -> Result<(), Error> {
    let notes: Vec<&str> = summary.notes.iter().map(Shown::as_str).collect();
    store.record(&Visit {
        at: summary.at,
        took: summary.took,
        outcome: summary.outcome.word().to_owned(),
        words: summary.outcome.words().to_string(),
        on_server: summary.on_server,
        new: summary.new,
        withdrawn: summary.withdrawn,
        octets: summary.octets,
        attempt: summary.attempt,
        notes: notes.join("\n"),
        dialogue: summary.dialogue.to_string(),
    })
}

/// The newest checks, newest first, at most `most`.
///
/// # Errors
///
/// The cache cannot be read.
pub fn recall(store: &Store, most: usize) -> Result<Vec<Summary>, Error> {
    let visits = store.visits(most)?;
    Ok(visits.into_iter().map(summary).collect())
}

/// When the last check came through.
///
/// # Errors
///
/// The cache cannot be read.
pub fn last_success(store: &Store) -> Result<Option<Timestamp>, Error> {
    store.last(Outcome::Done.word())
}

fn summary(visit: Visit) -> Summary {
    Summary {
        at: visit.at,
        took: visit.took,
        outcome: outcome(&visit.outcome, Shown::line(&visit.words)),
        next: None,
        on_server: visit.on_server,
        new: visit.new,
        told: 0,
        withdrawn: visit.withdrawn,
        octets: visit.octets,
        left: 0,
        attempt: visit.attempt,
        notes: visit.notes.lines().map(Shown::line).collect(),
        dialogue: visit.dialogue.into(),
    }
}

/// An unknown word is taken for a check that did not get through.
fn outcome(word: &str, words: Shown) -> Outcome {
    match word {
        "ok" => Outcome::Done,
        "busy" => Outcome::Busy { words },
        "wait" => Outcome::ToldToWait {
            every: Duration::ZERO,
            words,
        },
        "refused" => Outcome::Refused { words },
        "sign-in failed" => Outcome::SignInFailed { words },
        "no password" => Outcome::NoPassword { why: words },
        "not safe" => Outcome::NotSafe { why: words },
        "broken" => Outcome::Broken { why: words },
        "cannot save" => Outcome::CannotSave { why: words },
        "cancelled" => Outcome::Cancelled,
        _ => Outcome::Unreachable { why: words },
    }
}

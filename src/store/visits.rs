//! The checks of the past, for the activity view and `tidings log`.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::{Error, Store};
use crate::{
    notice::shown::Shown,
    poll::report::{Outcome, Summary},
};

/// How many checks are remembered: a day of one each minute, and a bit.
const MOST: i64 = 1_500;

impl Store {
    /// Remembers a check. The dialogue of one that came through with nothing new is not kept.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn record(&self, summary: &Summary) -> Result<(), Error> {
        let is_plain = summary.outcome.is_done() && summary.new == 0 && summary.notes.is_empty();
        let dialogue = if is_plain { "" } else { &*summary.dialogue };
        let notes: Vec<&str> = summary.notes.iter().map(|note| note.as_str()).collect();
        self.write(|transaction, _| {
            transaction
                .prepare_cached(
                    "INSERT INTO visit (at, took, outcome, words, on_server, new, withdrawn, \
                     octets, attempt, notes, dialogue) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?
                .execute(params![
                    summary.at.as_millisecond(),
                    i64::try_from(summary.took.as_millis()).unwrap_or(i64::MAX),
                    summary.outcome.word(),
                    summary.outcome.words().as_str(),
                    summary.on_server,
                    summary.new,
                    summary.withdrawn,
                    summary.octets.cast_signed(),
                    summary.attempt,
                    notes.join("\n"),
                    dialogue,
                ])?;
            let newest = transaction.last_insert_rowid();
            transaction
                .prepare_cached("DELETE FROM visit WHERE id <= ?1")?
                .execute([newest - MOST])?;
            Ok(())
        })
    }

    /// The newest checks, newest first, at most `most`.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn visits(&self, most: usize) -> Result<Vec<Summary>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT at, took, outcome, words, on_server, new, withdrawn, octets, attempt, \
                     notes, dialogue FROM visit ORDER BY id DESC LIMIT ?1",
                )?
                .query_map([most as i64], visit)?
                .collect()
        })
    }

    /// When the last check came through.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn last_success(&self) -> Result<Option<Timestamp>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT at FROM visit WHERE outcome = ?1 ORDER BY id DESC LIMIT 1")?
                .query_row([Outcome::Done.word()], |row| row.get::<_, i64>(0))
                .optional()
                .map(|at| at.and_then(|at| Timestamp::from_millisecond(at).ok()))
        })
    }
}

fn visit(row: &Row) -> rusqlite::Result<Summary> {
    let text = |column| {
        row.get_ref(column)
            .and_then(|value| Ok(value.as_str()?.to_owned()))
    };
    Ok(Summary {
        at: Timestamp::from_millisecond(row.get(0)?).unwrap_or_default(),
        took: Duration::from_millis(row.get::<_, i64>(1)?.unsigned_abs()),
        outcome: Outcome::remembered(&text(2)?, Shown::line(&text(3)?)),
        next: None,
        on_server: row.get(4)?,
        new: row.get(5)?,
        withdrawn: row.get(6)?,
        octets: row.get::<_, i64>(7)?.unsigned_abs(),
        attempt: row.get(8)?,
        notes: text(9)?.lines().map(Shown::line).collect(),
        dialogue: text(10)?.into(),
    })
}

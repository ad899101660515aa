//! The checks of the past, for the activity view and `tidings log`.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::{Error, Store};

/// How many checks are remembered: a day of one each minute, and a bit.
const MOST: i64 = 1_500;

/// A check of the past.
#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How it ended, in one word.
    pub outcome: String,
    /// The words that say more.
    pub words: String,
    /// Messages at the server, if the listing came.
    pub on_server: Option<u32>,
    /// Notices that were new.
    pub new: u32,
    /// Notices that left the server.
    pub withdrawn: u32,
    /// Octets of the messages fetched.
    pub octets: u64,
    /// How many times in a row checks had not come through, this one included.
    pub attempt: u32,
    /// What a person may want to know of it, a line each.
    pub notes: String,
    /// The dialogue, passwords masked.
    pub dialogue: String,
}

impl Store {
    /// Remembers a check.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn record(&self, visit: &Visit) -> Result<(), Error> {
        self.write_lightly(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO visit (at, took, outcome, words, on_server, new, withdrawn, \
                     octets, attempt, notes, dialogue) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?
                .execute(params![
                    visit.at.as_millisecond(),
                    i64::try_from(visit.took.as_millis()).unwrap_or(i64::MAX),
                    visit.outcome,
                    visit.words,
                    visit.on_server,
                    visit.new,
                    visit.withdrawn,
                    visit.octets.cast_signed(),
                    visit.attempt,
                    visit.notes,
                    visit.dialogue,
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
    pub fn visits(&self, most: usize) -> Result<Vec<Visit>, Error> {
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

    /// When the last check with this outcome began.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn last(&self, outcome: &str) -> Result<Option<Timestamp>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT at FROM visit WHERE outcome = ?1 ORDER BY id DESC LIMIT 1")?
                .query_row([outcome], |row| row.get::<_, i64>(0))
                .optional()
                .map(|at| at.and_then(|at| Timestamp::from_millisecond(at).ok()))
        })
    }
}

fn visit(row: &Row) -> rusqlite::Result<Visit> {
    Ok(Visit {
        at: Timestamp::from_millisecond(row.get(0)?).unwrap_or_default(),
        took: Duration::from_millis(row.get::<_, i64>(1)?.unsigned_abs()),
        outcome: row.get(2)?,
        words: row.get(3)?,
        on_server: row.get(4)?,
        new: row.get(5)?,
        withdrawn: row.get(6)?,
        octets: row.get::<_, i64>(7)?.unsigned_abs(),
        attempt: row.get(8)?,
        notes: row.get(9)?,
        dialogue: row.get(10)?,
    })
}

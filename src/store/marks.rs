//! What a person has marked: read, starred, muted. Nobody else sees it, and no check changes it.

use rusqlite::params;

use super::{
    Error, Store,
    carried::{self, column},
    journal::entry::Mark,
};
use crate::notice::NoticeId;

/// A mark that is set or taken away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// Read, or unread again.
    Read(bool),
    /// Starred, or not any more.
    Starred(bool),
    /// Muted, or not any more.
    Muted(bool),
}

impl Change {
    /// Which mark, and whether it is set.
    pub(super) fn parts(self) -> (Mark, bool) {
        match self {
            Change::Read(value) => (Mark::Read, value),
            Change::Starred(value) => (Mark::Starred, value),
            Change::Muted(value) => (Mark::Muted, value),
        }
    }
}

impl Store {
    /// Sets or takes away a mark, and gives the notices for which that changed something.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn mark(&self, ids: &[NoticeId], change: Change) -> Result<Vec<NoticeId>, Error> {
        let (mark, value) = change.parts();
        let column = column(mark);
        let changed = self.write(|transaction, number| {
            let mut statement = transaction.prepare_cached(&format!(
                "UPDATE notice SET {column} = ?2, changed = ?3 WHERE id = ?1 AND {column} <> ?2"
            ))?;
            // Of a notice that was in a damaged cache the marks wait for its mail.
            let mut waiting = transaction.prepare_cached(&format!(
                "UPDATE salvaged SET {column} = ?2 WHERE id = ?1 AND {column} <> ?2"
            ))?;
            let mut changed = Vec::new();
            for id in ids {
                let is_changed = statement.execute(params![id.0, value, number])? > 0;
                if waiting.execute(params![id.0, value])? > 0 || is_changed {
                    changed.push(*id);
                }
            }
            carried::note(transaction, &changed, mark, value)?;
            Ok(changed)
        })?;
        self.carry();
        Ok(changed)
    }

    /// Marks as read what is older than `before` (all if there is none), and gives those notices.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn catch_up(&self, before: Option<jiff::Timestamp>) -> Result<Vec<NoticeId>, Error> {
        let before = before.map_or(i64::MAX, jiff::Timestamp::as_second);
        let changed = self.write(|transaction, number| {
            let changed = transaction
                .prepare_cached(
                    "UPDATE notice SET read = 1, changed = ?2 WHERE read = 0 AND date < ?1 \
                     RETURNING id",
                )?
                .query_map([before, number], |row| row.get(0).map(NoticeId))?
                .collect::<rusqlite::Result<Vec<NoticeId>>>()?;
            carried::note(transaction, &changed, Mark::Read, true)?;
            Ok(changed)
        })?;
        self.carry();
        Ok(changed)
    }
}

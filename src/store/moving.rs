//! Marks on their way from one machine to another, and what other programs had fetched before.
//!
//! A mark belongs to a notice by its fingerprint, which every machine makes alike. What is not here yet
//! waits until a check has fetched it; it is not new then.

use std::collections::HashMap;

use rusqlite::{Transaction, params};

use super::{Error, Store, carried, journal::entry::Mark};
use crate::{
    notice::{Marks, NoticeId, fingerprint::Fingerprint},
    pop3::listing::UniqueId,
};

/// A notice's marks, by its fingerprint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Marked {
    /// Which notice.
    pub fingerprint: Fingerprint,
    /// Its marks.
    pub marks: Marks,
}

/// What an import came to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Imported {
    /// Notices here whose marks have changed.
    pub changed: usize,
    /// Notices that are not here yet.
    pub waiting: usize,
}

impl Store {
    /// The marks of all notices, also of those that have none: they are not new to this person.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn export_marks(&self) -> Result<Vec<Marked>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT headers_digest, body_digest, max(read), max(starred), max(muted) FROM \
                     (SELECT headers_digest, body_digest, read, starred, muted FROM notice WHERE complete \
                      UNION ALL \
                      SELECT headers_digest, body_digest, read, starred, muted FROM salvaged) \
                     GROUP BY headers_digest, body_digest",
                )?
                .query_map([], |row| {
                    Ok(Marked {
                        fingerprint: Fingerprint {
                            headers: row.get(0)?,
                            body: row.get(1)?,
                        },
                        marks: Marks {
                            read: row.get(2)?,
                            starred: row.get(3)?,
                            muted: row.get(4)?,
                        },
                    })
                })?
                .collect()
        })
    }

    /// Adds marks to those that are here. None is taken away: what was read anywhere is read.
    ///
    /// # Errors
    ///
    /// The cache cannot be written; nothing has changed then.
    pub fn import_marks(&self, marked: &[Marked]) -> Result<Imported, Error> {
        let imported = self.write(|transaction, change| {
            let mut is_here = transaction.prepare_cached(
                "SELECT 1 FROM notice WHERE headers_digest = ?1 AND body_digest = ?2",
            )?;
            let mut add = transaction.prepare_cached(
                "UPDATE notice SET read = max(read, ?3), starred = max(starred, ?4), \
                 muted = max(muted, ?5), changed = ?6 \
                 WHERE headers_digest = ?1 AND body_digest = ?2 \
                 AND (read < ?3 OR starred < ?4 OR muted < ?5) RETURNING id",
            )?;
            let mut wait = transaction.prepare_cached(
                "INSERT INTO salvaged (headers_digest, body_digest, read, starred, muted) \
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET read = max(read, ?3), \
                 starred = max(starred, ?4), muted = max(muted, ?5)",
            )?;
            let mut imported = Imported::default();
            for Marked { fingerprint, marks } in marked {
                let Fingerprint { headers, body } = fingerprint;
                let Marks {
                    read,
                    starred,
                    muted,
                } = marks;
                if is_here.exists(params![headers, body])? {
                    let changed = add
                        .query_map(
                            params![headers, body, read, starred, muted, change],
                            |row| row.get(0).map(NoticeId),
                        )?
                        .collect::<rusqlite::Result<Vec<NoticeId>>>()?;
                    imported.changed += changed.len();
                    for (is_set, mark) in [
                        (*read, Mark::Read),
                        (*starred, Mark::Starred),
                        (*muted, Mark::Muted),
                    ] {
                        if is_set {
                            carried::note(transaction, &changed, mark, true)?;
                        }
                    }
                } else {
                    wait.execute(params![headers, body, read, starred, muted])?;
                    carried::note_long_ago(transaction, fingerprint, *marks)?;
                    imported.waiting += 1;
                }
            }
            Ok(imported)
        })?;
        self.carry();
        Ok(imported)
    }

    /// Takes over which messages another program had fetched: those here are read, those that are still to
    /// come will be.
    ///
    /// # Errors
    ///
    /// The cache cannot be written; nothing has changed then.
    pub fn import_seen(&self, unique_ids: &[UniqueId]) -> Result<Imported, Error> {
        let imported = self.write(|transaction, change| {
            let mut is_here =
                transaction.prepare_cached("SELECT 1 FROM seen WHERE unique_id = ?1")?;
            let mut read = transaction.prepare_cached(
                "UPDATE notice SET read = 1, changed = ?2 WHERE read = 0 \
                 AND id IN (SELECT notice FROM seen WHERE unique_id = ?1) RETURNING id",
            )?;
            let mut wait =
                transaction.prepare_cached("INSERT OR IGNORE INTO elsewhere VALUES (?1)")?;
            let mut imported = Imported::default();
            let with_slash = with_slash(transaction)?;
            for unique_id in unique_ids {
                let unique_id = match is_here.exists([unique_id.as_bytes()])? {
                    true => unique_id,
                    false => with_slash.get(unique_id.as_bytes()).unwrap_or(unique_id),
                };
                if is_here.exists([unique_id.as_bytes()])? {
                    let changed = read
                        .query_map(params![unique_id.as_bytes(), change], |row| {
                            row.get(0).map(NoticeId)
                        })?
                        .collect::<rusqlite::Result<Vec<NoticeId>>>()?;
                    imported.changed += changed.len();
                    carried::note(transaction, &changed, Mark::Read, true)?;
                } else {
                    imported.waiting += wait.execute([unique_id.as_bytes()])?;
                }
            }
            Ok(imported)
        })?;
        self.carry();
        Ok(imported)
    }

    /// True if something that another program had fetched is still to come here.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn has_elsewhere(&self) -> Result<bool, Error> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT 1 FROM elsewhere LIMIT 1")?
                .exists([])
        })
    }

    /// Forgets what other programs had fetched and is not on the server any more: all that is there has been
    /// fetched by now, and a unique-id may be used again.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn forget_elsewhere(&self) -> Result<(), Error> {
        if !self.has_elsewhere()? {
            return Ok(());
        }
        self.write(|transaction, _| transaction.execute("DELETE FROM elsewhere", []).map(|_| ()))
    }
}

/// The unique-ids that have been seen here and hold a `/`, by what getmail makes of them: it writes `-` in its place.
fn with_slash(transaction: &Transaction) -> rusqlite::Result<HashMap<Vec<u8>, UniqueId>> {
    let mut statement =
        transaction.prepare("SELECT DISTINCT unique_id FROM seen WHERE instr(unique_id, x'2F')")?;
    let seen = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
    let mut by_name = HashMap::new();
    for unique_id in seen {
        let unique_id = unique_id?;
        if let Some(named) = UniqueId::new(unique_id.as_slice()) {
            by_name.insert(without_slash(&unique_id), named);
        }
    }
    Ok(by_name)
}

/// A unique-id as getmail writes it.
pub(super) fn without_slash(unique_id: &[u8]) -> Vec<u8> {
    let octets = unique_id.iter();
    octets
        .map(|octet| if *octet == b'/' { b'-' } else { *octet })
        .collect()
}

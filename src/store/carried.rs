//! The table of what was said of each notice's marks, by this machine or another: it is noted in the same
//! transaction as the mark itself, so that neither is there without the other.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{
    Error, Store,
    arrival::NO_HEADERS,
    journal::entry::{Entry, Machine, Mark, Said, Stamp},
    put_state,
};
use crate::notice::{Marks, NoticeId, fingerprint::Fingerprint};

/// Under this name the cache remembers which machine this is, once marks are carried.
const MACHINE: &str = "machine";
/// And under this one the last stamp that was given or heard.
const STAMP: &str = "stamp";

/// The grain of the clock by which files are dated, amply: nanoseconds.
const MOMENT: i128 = 2_000_000_000;

/// Notices of so many seconds may have started as read, by their age.
const OLD: i64 = 14 * 86_400;

/// A journal's size in octets, and when it was changed (nanoseconds since 1970).
pub(super) type Version = (i64, i64);

fn number(mark: Mark) -> i64 {
    match mark {
        Mark::Read => 0,
        Mark::Starred => 1,
        Mark::Muted => 2,
    }
}

/// The column of a mark in the table of notices.
pub(super) fn column(mark: Mark) -> &'static str {
    match mark {
        Mark::Read => "read",
        Mark::Starred => "starred",
        Mark::Muted => "muted",
    }
}

/// Notes what this machine says of notices, if marks are carried at all.
pub(super) fn note(
    transaction: &Transaction,
    ids: &[NoticeId],
    mark: Mark,
    value: bool,
) -> rusqlite::Result<()> {
    let Some(machine) = this_machine(transaction)? else {
        return Ok(());
    };
    if ids.is_empty() {
        return Ok(());
    }
    let stamp = Stamp::after(last_stamp(transaction)?, Timestamp::now());
    put_state(transaction, STAMP, &stamp.0.to_string())?;
    for table in ["notice", "salvaged"] {
        // What stands in for a message that could not be had is like others that do.
        let mut statement = transaction.prepare_cached(&format!(
            "INSERT INTO carried SELECT headers_digest, body_digest, ?2, ?3, ?4, ?5, 0 \
             FROM {table} WHERE id = ?1 AND headers_digest <> ?6 \
             ON CONFLICT DO UPDATE SET value = ?3, stamp = ?4, machine = ?5, written = 0"
        ))?;
        for id in ids {
            statement.execute(params![
                id.0,
                number(mark),
                value,
                stamp.0,
                machine.0,
                Fingerprint::of_headers(NO_HEADERS)
            ])?;
        }
    }
    // Of equal notices each has what is said of one: on another machine they cannot be told apart.
    let column = column(mark);
    let mut twins = transaction.prepare_cached(&format!(
        "UPDATE notice SET {column} = ?2, \
         changed = (SELECT CAST(value AS INTEGER) FROM state WHERE name = 'change') \
         WHERE {column} <> ?2 AND headers_digest <> ?3 AND (headers_digest, body_digest) = \
         (SELECT headers_digest, body_digest FROM notice WHERE id = ?1)"
    ))?;
    for id in ids {
        twins.execute(params![id.0, value, Fingerprint::of_headers(NO_HEADERS)])?;
    }
    Ok(())
}

/// Notes marks that somebody has had for long, of a notice that is not here yet.
pub(super) fn note_long_ago(
    transaction: &Transaction,
    fingerprint: &Fingerprint,
    marks: Marks,
) -> rusqlite::Result<()> {
    let Some(machine) = this_machine(transaction)? else {
        return Ok(());
    };
    let mut statement = transaction
        .prepare_cached("INSERT OR IGNORE INTO carried VALUES (?1, ?2, ?3, 1, ?4, ?5, 0)")?;
    for mark in Mark::ALL.into_iter().filter(|mark| has(marks, *mark)) {
        statement.execute(params![
            fingerprint.headers,
            fingerprint.body,
            number(mark),
            Stamp::LONG_AGO.0,
            machine.0
        ])?;
    }
    Ok(())
}

/// What is known of a notice's marks goes on under its new fingerprint, once the whole of it has come.
pub(super) fn follow(
    transaction: &Transaction,
    id: NoticeId,
    fingerprint: &Fingerprint,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO carried \
             SELECT ?2, ?3, said.mark, said.value, said.stamp, said.machine, 0 \
             FROM carried AS said JOIN notice USING (headers_digest, body_digest) \
             WHERE notice.id = ?1 AND (headers_digest, body_digest) <> (?2, ?3) \
             ON CONFLICT DO UPDATE SET value = excluded.value, stamp = excluded.stamp, \
             machine = excluded.machine, written = 0 WHERE excluded.stamp > carried.stamp",
        )?
        .execute(params![id.0, fingerprint.headers, fingerprint.body])?;
    Ok(())
}

/// Sets a notice's marks as they were said last under this fingerprint.
pub(super) fn apply(
    transaction: &Transaction,
    id: NoticeId,
    fingerprint: &Fingerprint,
) -> rusqlite::Result<()> {
    for mark in Mark::ALL {
        if let Some(said) = said(transaction, fingerprint, mark)? {
            let column = column(mark);
            transaction
                .prepare_cached(&format!("UPDATE notice SET {column} = ?2 WHERE id = ?1"))?
                .execute(params![id.0, said.value])?;
        }
    }
    Ok(())
}

/// The marks of a notice that has come, with what another machine has said of them; and whether one has
/// said that it was read.
pub(super) fn with_carried(
    transaction: &Transaction,
    fingerprint: &Fingerprint,
    mut marks: Marks,
) -> rusqlite::Result<(Marks, bool)> {
    let mut is_read = false;
    for mark in Mark::ALL {
        if let Some(said) = said(transaction, fingerprint, mark)? {
            is_read |= mark == Mark::Read && said.value;
            *match mark {
                Mark::Read => &mut marks.read,
                Mark::Starred => &mut marks.starred,
                Mark::Muted => &mut marks.muted,
            } = said.value;
        }
    }
    Ok((marks, is_read))
}

fn has(marks: Marks, mark: Mark) -> bool {
    match mark {
        Mark::Read => marks.read,
        Mark::Starred => marks.starred,
        Mark::Muted => marks.muted,
    }
}

impl Store {
    /// From now on marks are noted for a journal, as of this machine; those that are here already too.
    pub(super) fn begin_to_carry(&self, machine: Machine) -> Result<(), Error> {
        let known = self.read(this_machine)?;
        if known == Some(machine) {
            return Ok(());
        }
        self.write(|transaction, _| {
            let name = u64::from_be_bytes(machine.0).to_string();
            put_state(transaction, MACHINE, &name)?;
            for mark in Mark::ALL {
                for table in ["notice", "salvaged"] {
                    let column = column(mark);
                    // What was old when it came may have started as read: that says nothing of a person.
                    let by_person = match (mark, table) {
                        (Mark::Read, "notice") => format!(" AND arrived - date < {OLD}"),
                        _ => String::new(),
                    };
                    transaction.execute(
                        &format!(
                            "INSERT OR IGNORE INTO carried \
                             SELECT DISTINCT headers_digest, body_digest, ?1, 1, ?2, ?3, 0 \
                             FROM {table} WHERE {column} AND headers_digest <> ?4{by_person}"
                        ),
                        params![
                            number(mark),
                            Stamp::LONG_AGO.0,
                            machine.0,
                            Fingerprint::of_headers(NO_HEADERS)
                        ],
                    )?;
                }
            }
            Ok(())
        })
    }

    /// Takes over what was said elsewhere, where that is the last word, and remembers which version of a
    /// journal it came from. Gives how many notices' marks have changed.
    pub(super) fn merge(
        &self,
        entries: &[Entry],
        journal: &str,
        version: Version,
    ) -> Result<usize, Error> {
        // Of the same notice and mark only the last word.
        let mut last: BTreeMap<([u8; 16], [u8; 16], Mark), Said> = BTreeMap::new();
        let now = Timestamp::now();
        let entries = || entries.iter().filter(|entry| entry.said.is_credible(now));
        for entry in entries() {
            let Fingerprint { headers, body } = entry.fingerprint;
            last.entry((headers, body, entry.mark))
                .and_modify(|said| *said = entry.said.max(*said))
                .or_insert(entry.said);
        }
        let newest = entries().map(|entry| entry.said.stamp).max();
        // Most of it is known: nobody else need wait while that is found out.
        self.read(|connection| {
            let mut known = Vec::new();
            for ((headers, body, mark), said) in &last {
                let fingerprint = Fingerprint {
                    headers: *headers,
                    body: *body,
                };
                let before = self::said(connection, &fingerprint, *mark)?;
                if before.is_some_and(|before| before >= *said) {
                    known.push((*headers, *body, *mark));
                }
            }
            for key in known {
                last.remove(&key);
            }
            Ok(())
        })?;
        if last.is_empty() {
            return self.write_lightly(|transaction| {
                remember_version(transaction, journal, version)?;
                Ok(0)
            });
        }
        self.write(|transaction, change| {
            let mut put = transaction.prepare_cached(
                "INSERT INTO carried VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1) ON CONFLICT DO UPDATE \
                 SET value = ?4, stamp = ?5, machine = ?6, written = 1",
            )?;
            let mut changed = 0;
            for ((headers, body, mark), said) in &last {
                let fingerprint = Fingerprint {
                    headers: *headers,
                    body: *body,
                };
                if self::said(transaction, &fingerprint, *mark)?.is_some_and(|known| known >= *said)
                {
                    continue;
                }
                put.execute(params![
                    headers,
                    body,
                    number(*mark),
                    said.value,
                    said.stamp.0,
                    said.machine.0
                ])?;
                let column = column(*mark);
                changed += transaction
                    .prepare_cached(&format!(
                        "UPDATE notice SET {column} = ?3, changed = ?4 \
                         WHERE headers_digest = ?1 AND body_digest = ?2 AND {column} <> ?3"
                    ))?
                    .execute(params![headers, body, said.value, change])?;
                transaction
                    .prepare_cached(&format!(
                        "UPDATE salvaged SET {column} = ?3 \
                         WHERE headers_digest = ?1 AND body_digest = ?2"
                    ))?
                    .execute(params![headers, body, said.value])?;
            }
            if let Some(newest) = newest
                && newest > last_stamp(transaction)?
            {
                put_state(transaction, STAMP, &newest.0.to_string())?;
            }
            remember_version(transaction, journal, version)?;
            Ok(changed)
        })
    }

    /// What this machine has said and not written into its journal yet.
    pub(super) fn unwritten(&self) -> Result<Vec<Entry>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT headers_digest, body_digest, mark, stamp, machine, value FROM carried \
                     WHERE NOT written ORDER BY stamp",
                )?
                .query_map([], entry)?
                .collect()
        })
    }

    /// All that was said last, by this machine or another.
    pub(super) fn all_said(&self) -> Result<Vec<Entry>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT headers_digest, body_digest, mark, stamp, machine, value FROM carried \
                     ORDER BY stamp",
                )?
                .query_map([], entry)?
                .collect()
        })
    }

    /// Notes that these stand in this machine's journal.
    pub(super) fn note_written(&self, entries: &[Entry]) -> Result<(), Error> {
        self.write(|transaction, _| {
            let mut statement = transaction.prepare_cached(
                "UPDATE carried SET written = 1 WHERE headers_digest = ?1 AND body_digest = ?2 \
                 AND mark = ?3 AND stamp = ?4",
            )?;
            for entry in entries {
                statement.execute(params![
                    entry.fingerprint.headers,
                    entry.fingerprint.body,
                    number(entry.mark),
                    entry.said.stamp.0
                ])?;
            }
            Ok(())
        })
    }

    /// Notes that of what this machine has said nothing stands in its journal but these entries.
    pub(super) fn note_lost(&self, machine: Machine, there: &[Entry]) -> Result<(), Error> {
        let there: HashSet<_> = there
            .iter()
            .map(|entry| (entry.fingerprint, entry.mark, entry.said.stamp))
            .collect();
        let all = self.all_said()?;
        let lost: Vec<&Entry> = all
            .iter()
            .filter(|entry| {
                entry.said.machine == machine
                    && !there.contains(&(entry.fingerprint, entry.mark, entry.said.stamp))
            })
            .collect();
        if lost.is_empty() {
            return Ok(());
        }
        self.write(|transaction, _| {
            let mut statement = transaction.prepare_cached(
                "UPDATE carried SET written = 0 \
                 WHERE headers_digest = ?1 AND body_digest = ?2 AND mark = ?3",
            )?;
            for Entry {
                fingerprint, mark, ..
            } in lost
            {
                statement.execute(params![
                    fingerprint.headers,
                    fingerprint.body,
                    number(*mark)
                ])?;
            }
            Ok(())
        })
    }

    /// The journals as they were when they were last read.
    pub(super) fn journals(&self) -> Result<BTreeMap<String, Version>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT name, octets, modified FROM journal")?
                .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
                .collect()
        })
    }
}

fn remember_version(
    transaction: &Transaction,
    journal: &str,
    version: Version,
) -> rusqlite::Result<()> {
    // One that was changed just now may change once more before the clock of the files moves on.
    let now = Timestamp::now().as_nanosecond();
    if (now - i128::from(version.1)).abs() < MOMENT {
        return Ok(());
    }
    transaction
        .prepare_cached(
            "INSERT INTO journal VALUES (?1, ?2, ?3) \
             ON CONFLICT DO UPDATE SET octets = ?2, modified = ?3",
        )?
        .execute(params![journal, version.0, version.1])?;
    Ok(())
}

fn said(
    connection: &Connection,
    fingerprint: &Fingerprint,
    mark: Mark,
) -> rusqlite::Result<Option<Said>> {
    connection
        .prepare_cached(
            "SELECT stamp, machine, value FROM carried \
             WHERE headers_digest = ?1 AND body_digest = ?2 AND mark = ?3",
        )?
        .query_row(
            params![fingerprint.headers, fingerprint.body, number(mark)],
            |row| {
                Ok(Said {
                    stamp: Stamp(row.get(0)?),
                    machine: Machine(row.get(1)?),
                    value: row.get(2)?,
                })
            },
        )
        .optional()
}

fn entry(row: &Row) -> rusqlite::Result<Entry> {
    let mark: i64 = row.get(2)?;
    Ok(Entry {
        fingerprint: Fingerprint {
            headers: row.get(0)?,
            body: row.get(1)?,
        },
        mark: match mark {
            0 => Mark::Read,
            1 => Mark::Starred,
            _ => Mark::Muted,
        },
        said: Said {
            stamp: Stamp(row.get(3)?),
            machine: Machine(row.get(4)?),
            value: row.get(5)?,
        },
    })
}

fn this_machine(connection: &Connection) -> rusqlite::Result<Option<Machine>> {
    let number = remembered_number(connection, MACHINE)?;
    Ok(number.map(|number: u64| Machine(number.to_be_bytes())))
}

fn last_stamp(connection: &Connection) -> rusqlite::Result<Stamp> {
    let stamp = remembered_number(connection, STAMP)?;
    Ok(stamp.map_or(Stamp::LONG_AGO, Stamp))
}

fn remembered_number<N: std::str::FromStr>(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<Option<N>> {
    let text: Option<String> = connection
        .prepare_cached("SELECT value FROM state WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    Ok(text.and_then(|text| text.parse().ok()))
}

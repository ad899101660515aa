//! Reading headlines and mails back, newest first.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Error, Store};
use crate::notice::{
    Address, Headline, MailingList, Marks, NoticeId, fate::Fate, sharing::Sharing, shown::Shown,
};

/// How many notices there are, of each kind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// All that are kept.
    pub all: u64,
    /// Those still to be read: neither withdrawn nor expired, and not replaced by a correction.
    pub unread: u64,
    /// Those of them that are important.
    pub important: u64,
    /// Those that are starred.
    pub starred: u64,
    /// Those that left the server.
    pub withdrawn: u64,
}

/// The columns of a headline, in the order of [`headline`].
pub(super) const COLUMNS: &str = "id, handle, from_name, from_address, subject, date, date_guessed, preview, \
                       size, important, files, has_link, thread_key, parents, read, starred, muted, \
                       withdrawn, replaces, list, expires, answer_by, replaced_by, list_id";

/// What is still to be read at a moment: the one value is that, in seconds since 1970.
pub(super) const UNREAD: &str = "(read = 0 AND withdrawn IS NULL AND replaced_by IS NULL \
                                 AND (expires IS NULL OR expires > ?))";

/// Where a page of headlines begins: behind this one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    date: i64,
    id: i64,
}

impl Place {
    /// The place behind this headline.
    pub fn behind(headline: &Headline) -> Place {
        Place {
            date: headline.date.as_second(),
            id: headline.id.0,
        }
    }
}

impl Store {
    /// The newest headlines behind a place, at most `most`.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn headlines(&self, behind: Option<Place>, most: usize) -> Result<Vec<Headline>, Error> {
        let behind = behind.unwrap_or(Place {
            date: i64::MAX,
            id: i64::MAX,
        });
        self.read(|connection| {
            let mut sharing = Sharing::default();
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM notice WHERE (date, id) < (?1, ?2) \
                     ORDER BY date DESC, id DESC LIMIT ?3"
                ))?
                .query_map(params![behind.date, behind.id, most as i64], |row| {
                    let mut headline = headline(row)?;
                    sharing.share(&mut headline);
                    Ok(headline)
                })?
                .collect()
        })
    }

    /// The headlines of these notices, in no particular order.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn headlines_of(&self, ids: &[NoticeId]) -> Result<Vec<Headline>, Error> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM notice WHERE id = ?1"))?;
            ids.iter()
                .filter_map(|id| statement.query_row([id.0], headline).optional().transpose())
                .collect()
        })
    }

    /// The headlines whose handle begins with this.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn headlines_by_handle(&self, prefix: &str) -> Result<Vec<Headline>, Error> {
        let end = format!("{prefix}\u{10FFFF}");
        self.read(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM notice WHERE handle >= ?1 AND handle < ?2 LIMIT 20"
                ))?
                .query_map([prefix, &end], headline)?
                .collect()
        })
    }

    /// The oldest notice that is not read, if there is one.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn oldest_unread(&self) -> Result<Option<Headline>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM notice WHERE {UNREAD} ORDER BY date LIMIT 1"
                ))?
                .query_row([Timestamp::now().as_second()], headline)
                .optional()
        })
    }

    /// Those of some headlines under whose handles no notice is kept.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn not_kept(&self, mut headlines: Vec<Headline>) -> Result<Vec<Headline>, Error> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT 1 FROM notice WHERE handle = ?1")?;
            let mut kept = HashSet::new();
            for headline in &headlines {
                if statement.exists([headline.handle.as_str()])? {
                    kept.insert(headline.handle.clone());
                }
            }
            headlines.retain(|headline| !kept.contains(&headline.handle));
            Ok(headlines)
        })
    }

    /// What was added or changed after a change, by this program or another, and the newest change.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn changed_since(&self, change: i64) -> Result<(Vec<Headline>, i64), Error> {
        self.read(|connection| {
            let newest: i64 = connection
                .prepare_cached("SELECT CAST(value AS INTEGER) FROM state WHERE name = 'change'")?
                .query_row([], |row| row.get(0))?;
            let headlines = connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM notice WHERE changed > ?1 AND changed <= ?2"
                ))?
                .query_map([change, newest], headline)?
                .collect::<rusqlite::Result<_>>()?;
            Ok((headlines, newest))
        })
    }

    /// The ids of all notices.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn ids(&self) -> Result<HashSet<NoticeId>, Error> {
        self.read(|connection| {
            connection
                // Whatever became of an index.
                .prepare_cached("SELECT id FROM notice NOT INDEXED")?
                .query_map([], |row| row.get(0).map(NoticeId))?
                .collect()
        })
    }

    /// The mail of a notice, with the line ends of the wire.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn mail(&self, id: NoticeId) -> Result<Option<Vec<u8>>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT bytes FROM mail WHERE id = ?1")?
                .query_row([id.0], |row| row.get(0))
                .optional()
        })
    }

    /// The mail of the notice whose place this one takes, the last if there are several.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn mail_before(&self, id: NoticeId) -> Result<Option<Vec<u8>>, Error> {
        let before = self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT id FROM notice WHERE replaced_by = ?1 ORDER BY date DESC, id DESC LIMIT 1",
                )?
                .query_row([id.0], |row| row.get(0).map(NoticeId))
                .optional()
        })?;
        before.map_or(Ok(None), |before| self.mail(before))
    }

    /// Notes that a notice's mail is not there although it was kept, as in a file that was damaged without
    /// SQLite seeing it: the next check fetches it again.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn note_missing_mail(&self, id: NoticeId) -> Result<(), Error> {
        self.write(|transaction, change| {
            transaction
                .prepare_cached(
                    "UPDATE notice SET complete = 0, changed = ?2 WHERE id = ?1 AND complete \
                     AND NOT EXISTS (SELECT 1 FROM mail WHERE mail.id = notice.id)",
                )?
                .execute([id.0, change])?;
            // The next listing is to be looked at, although nothing has changed in it.
            transaction.execute("DELETE FROM state WHERE name = 'listing'", [])?;
            Ok(())
        })
    }

    /// How many notices are kept.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn kept(&self) -> Result<u64, Error> {
        self.read(|connection| count(connection, "1"))
    }

    /// How many notices are unread.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn unread(&self) -> Result<u64, Error> {
        self.read(|connection| count(connection, UNREAD))
    }

    /// How many notices there are, by kind.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn counts(&self) -> Result<Counts, Error> {
        self.read(|connection| {
            let count = |condition: &str| count(connection, condition);
            Ok(Counts {
                all: count("1")?,
                unread: count(UNREAD)?,
                important: count(&format!("{UNREAD} AND important = 1"))?,
                starred: count("starred = 1")?,
                withdrawn: count(
                    "(withdrawn IS NOT NULL OR complete = 0) AND withdrawn IS NOT NULL",
                )?,
            })
        })
    }
}

/// How many notices a condition holds for, whose parameters are the present.
fn count(connection: &Connection, condition: &str) -> rusqlite::Result<u64> {
    let now = Timestamp::now().as_second();
    let mut statement =
        connection.prepare_cached(&format!("SELECT count(*) FROM notice WHERE {condition}"))?;
    let values = (0..statement.parameter_count()).map(|_| now);
    statement
        .query_row(rusqlite::params_from_iter(values), |row| {
            row.get::<_, i64>(0)
        })
        .map(i64::unsigned_abs)
}

/// Reads a headline. What stands in the cache was made harmless when it was kept, and is once more:
/// the file may have been written by another version, or by somebody else.
pub(super) fn headline(row: &Row) -> rusqlite::Result<Headline> {
    let text = |column| {
        row.get_ref(column)
            .and_then(|value| Ok(Shown::line(value.as_str()?)))
    };
    let moment = |column| -> rusqlite::Result<Timestamp> {
        Ok(Timestamp::from_second(row.get(column)?).unwrap_or_default())
    };
    let perhaps = |column| -> rusqlite::Result<Option<Timestamp>> {
        let seconds: Option<i64> = row.get(column)?;
        Ok(seconds.map(|seconds| Timestamp::from_second(seconds).unwrap_or_default()))
    };
    let parents = unpack(row.get_ref(13)?.as_blob()?);
    let from = Address {
        name: text(2)?,
        address: text(3)?,
    };
    let list = MailingList {
        name: text(19)?,
        id: text(23)?,
    };
    Ok(Headline {
        id: NoticeId(row.get(0)?),
        handle: row.get_ref(1)?.as_str()?.into(),
        from: from.into(),
        subject: text(4)?,
        date: moment(5)?,
        date_guessed: row.get(6)?,
        // Only a reply shows it.
        preview: if parents.is_empty() {
            Shown::default()
        } else {
            text(7)?
        },
        size: row.get::<_, i64>(8)?.unsigned_abs(),
        important: row.get(9)?,
        files: row.get(10)?,
        has_link: row.get(11)?,
        key: row.get::<_, i64>(12)?.cast_unsigned(),
        parents,
        marks: Marks {
            read: row.get(14)?,
            starred: row.get(15)?,
            muted: row.get(16)?,
        },
        list: (list != MailingList::default()).then(|| list.into()),
        fate: Fate {
            withdrawn: perhaps(17)?,
            replaces: perhaps(18)?,
            expires: perhaps(20)?,
            answer_by: perhaps(21)?,
            replaced_by: row.get::<_, Option<i64>>(22)?.map(NoticeId),
        }
        .into(),
    })
}

/// Digests as a blob: 8 octets each, little-endian.
pub(super) fn pack(digests: &[u64]) -> Vec<u8> {
    digests
        .iter()
        .flat_map(|digest| digest.to_le_bytes())
        .collect()
}

fn unpack(blob: &[u8]) -> Box<[u64]> {
    blob.chunks_exact(8)
        .map(|octets| u64::from_le_bytes(octets.try_into().expect("chunks of 8 octets")))
        .collect()
}

//! Keeping what a check has fetched, and noting what has left the server.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, blob::ZeroBlob, params};

use super::{
    Error, Store,
    headlines::pack,
    index::{self, Entry},
};
use crate::{
    notice::{
        Headline, Marks, NoticeId,
        headline::{Digest, Fingerprint},
        shown::Shown,
    },
    pop3::listing::{Octets, UniqueId},
};

/// The name under which the trouble with a message is remembered: its unique-id, and its size where
/// several messages have that.
pub fn trouble_name(unique_id: &UniqueId, octets: Octets, copies: u32) -> UniqueId {
    if copies < 2 {
        return unique_id.clone();
    }
    let mut name = unique_id.as_bytes().to_vec();
    name.extend_from_slice(format!(" {octets}").as_bytes());
    UniqueId::new(name).unwrap_or_else(|| unique_id.clone())
}

/// A message that was fetched, ready to be kept.
#[derive(Debug)]
pub struct Arrival {
    /// Its unique-id.
    pub unique_id: UniqueId,
    /// Its size as LIST said.
    pub octets: Octets,
    /// The mail.
    pub bytes: Vec<u8>,
    /// Its line in the list.
    pub headline: Headline,
    /// What it is known by when its unique-id changed.
    pub fingerprint: Fingerprint,
    /// Its words.
    pub entry: Entry,
    /// False if the mail holds the headers alone.
    pub is_complete: bool,
    /// True if it starts as read, by its age.
    pub starts_read: bool,
    /// The id that it gets if that is free. Of notices of the same second the higher id is the newer.
    pub wanted_id: Option<NoticeId>,
}

impl Arrival {
    /// A whole mail that was read, and that starts as unread.
    pub fn new(unique_id: UniqueId, octets: Octets, bytes: Vec<u8>, digest: Digest) -> Arrival {
        Arrival {
            unique_id,
            octets,
            bytes,
            headline: digest.headline,
            fingerprint: digest.fingerprint,
            entry: Entry::of(digest.search_text),
            is_complete: true,
            starts_read: false,
            wanted_id: None,
        }
    }
}

/// The headers of what stands in for a message of which not even those could be had.
pub const NO_HEADERS: &[u8] = b"Subject: (cannot be fetched)\r\n\r\n";

/// The most notices with one fingerprint that are looked at for one whose unique-id has changed.
/// Anybody can send the same mail a thousand times.
const MOST_TWINS: u32 = 200;

/// The most unique-ids that are remembered of a notice. A server with two machines behind it may have
/// two for each; one that invents new ones at every session must not fill the cache with them.
const MOST_NAMES: usize = 8;

/// The unique-ids of a listing, and how many messages have each.
pub type Listed = HashMap<UniqueId, u32>;

/// What became of an arrival.
#[derive(Debug, PartialEq)]
pub enum Kept {
    /// It is new.
    New(Headline),
    /// It is a kept notice under another unique-id: the server has renumbered.
    Recognised(NoticeId),
    /// It was kept before, and is complete only now; or its cache was damaged, and it is kept again.
    Completed(Headline),
    /// It is kept under this unique-id, and nothing is new about it.
    AsBefore(NoticeId),
    /// The same, and it was thought to have left the server.
    Returned(NoticeId),
}

impl Store {
    /// Keeps a batch of arrivals with their seen marks, as one transaction, and says what became of
    /// each. A notice whose own unique-id is not `listed` may be recognised under a new one.
    ///
    /// # Errors
    ///
    /// The cache cannot be written. Nothing of the batch is kept then.
    pub fn keep(
        &self,
        arrivals: Vec<Arrival>,
        listed: &Listed,
        now: Timestamp,
    ) -> Result<Vec<Kept>, Error> {
        self.write(|transaction, change| {
            // The newest comes first and has the highest id; the full-text index writes itself out
            // whenever an id is lower than the one before.
            let mut kept = arrivals
                .into_iter()
                .rev()
                .map(|arrival| keep(transaction, change, arrival, listed, now))
                .collect::<rusqlite::Result<Vec<Kept>>>()?;
            kept.reverse();
            Ok(kept)
        })
    }

    /// The highest id that a notice has or had.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn highest_id(&self) -> Result<NoticeId, Error> {
        self.read(|connection| {
            connection.query_row(
                "SELECT max(coalesce((SELECT max(id) FROM notice), 0), \
                            coalesce((SELECT max(id) FROM salvaged), 0))",
                [],
                |row| row.get(0).map(NoticeId),
            )
        })
    }

    /// Notes that these notices have left the server.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn withdraw(&self, ids: &[NoticeId], since: Timestamp) -> Result<(), Error> {
        self.set_withdrawn(ids, Some(since))
    }

    fn set_withdrawn(&self, ids: &[NoticeId], since: Option<Timestamp>) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        self.write(|transaction, change| {
            let mut statement = transaction
                .prepare_cached("UPDATE notice SET withdrawn = ?2, changed = ?3 WHERE id = ?1")?;
            for id in ids {
                statement.execute(params![id.0, since.map(Timestamp::as_second), change])?;
            }
            Ok(())
        })
    }
}

fn keep(
    transaction: &Transaction,
    change: i64,
    arrival: Arrival,
    listed: &Listed,
    now: Timestamp,
) -> rusqlite::Result<Kept> {
    if arrival.is_complete {
        let copies = listed.get(&arrival.unique_id).copied().unwrap_or(1);
        let name = trouble_name(&arrival.unique_id, arrival.octets, copies);
        transaction
            .prepare_cached("DELETE FROM trouble WHERE unique_id = ?1")?
            .execute([name.as_bytes()])?;
    }
    if let Some(kept) = known_notice(transaction, change, &arrival, listed)? {
        return Ok(kept);
    }

    let salvaged = salvaged(transaction, &arrival)?;
    let was_kept = salvaged.is_some();
    let (marks, id) = match salvaged {
        Some((marks, id)) => (marks, id),
        None => {
            let wanted = arrival.wanted_id.map(|id| id.0);
            (first_marks(transaction, &arrival)?, wanted)
        }
    };
    let mut headline = arrival.headline;
    headline.id = free_id(transaction, id)?;
    headline.marks = marks;
    headline.handle = free_handle(transaction, &headline.handle)?;
    let fingerprint = &arrival.fingerprint;
    transaction
        .prepare_cached(
            "INSERT INTO notice (handle, date, date_guessed, arrived, from_name, from_address, \
             subject, preview, size, important, files, has_link, thread_key, parents, \
             headers_digest, body_digest, complete, read, starred, muted, changed, id) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, \
             ?18, ?19, ?20, ?21, ?22)",
        )?
        .execute(params![
            headline.handle,
            headline.date.as_second(),
            headline.date_guessed,
            now.as_second(),
            headline.from.name.as_str(),
            headline.from.address.as_str(),
            headline.subject.as_str(),
            headline.preview.as_str(),
            headline.size.cast_signed(),
            headline.important,
            headline.files,
            headline.has_link,
            headline.key.cast_signed(),
            pack(&headline.parents),
            fingerprint.headers,
            fingerprint.body,
            arrival.is_complete,
            marks.read,
            marks.starred,
            marks.muted,
            change,
            headline.id.0,
        ])?;
    put_mail(transaction, NEW_MAIL, headline.id, &arrival.bytes)?;
    index::add(transaction, headline.id, &arrival.entry)?;
    mark_seen(
        transaction,
        (&arrival.unique_id, arrival.octets),
        headline.id,
        listed,
    )?;
    if headline.parents.is_empty() {
        // As it comes back: only a reply shows it.
        headline.preview = Shown::default();
    }
    Ok(match was_kept {
        true => Kept::Completed(headline),
        false => Kept::New(headline),
    })
}

/// The kept notice that this arrival is, if it is one.
fn known_notice(
    transaction: &Transaction,
    change: i64,
    arrival: &Arrival,
    listed: &Listed,
) -> rusqlite::Result<Option<Kept>> {
    let fingerprint = &arrival.fingerprint;
    let unique_id = &arrival.unique_id;
    // Fetched under this unique-id before: as it is now, or with another size; the headers alone, or
    // now those alone; or not even they could be had.
    let before: Option<(i64, bool, bool)> = transaction
        .prepare_cached(
            "SELECT notice.id, notice.complete, notice.headers_digest = ?2 \
             FROM seen JOIN notice ON notice.id = seen.notice \
             WHERE seen.unique_id = ?1 AND (notice.headers_digest = ?2 \
             AND (NOT notice.complete OR NOT ?4 OR notice.body_digest = ?3) \
             OR NOT notice.complete AND notice.headers_digest = ?5) \
             ORDER BY notice.headers_digest = ?2 DESC, notice.complete DESC LIMIT 1",
        )?
        .query_row(
            params![
                unique_id.as_bytes(),
                fingerprint.headers,
                fingerprint.body,
                arrival.is_complete,
                Fingerprint::of_headers(NO_HEADERS),
            ],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    if let Some((id, was_complete, has_headers)) = before {
        let id = NoticeId(id);
        if was_complete || (has_headers && !arrival.is_complete) {
            mark_seen(
                transaction,
                (&arrival.unique_id, arrival.octets),
                id,
                listed,
            )?;
            let returned = transaction
                .prepare_cached(
                    "UPDATE notice SET withdrawn = NULL, changed = ?2 \
                     WHERE id = ?1 AND withdrawn IS NOT NULL",
                )?
                .execute([id.0, change])?;
            return Ok(Some(match returned {
                0 => Kept::AsBefore(id),
                _ => Kept::Returned(id),
            }));
        }
        return complete(transaction, change, arrival, id, listed)
            .map(|kept| Some(Kept::Completed(kept)));
    }
    if fingerprint.headers == Fingerprint::of_headers(NO_HEADERS) {
        // What nothing is known of may be anything.
        return Ok(None);
    }

    // A notice with the same fingerprint whose own unique-ids are all gone from the listing: those
    // thought withdrawn first.
    for condition in [
        "withdrawn IS NOT NULL ORDER BY id",
        "withdrawn IS NULL ORDER BY id",
    ] {
        let candidates: Vec<i64> = transaction
            .prepare_cached(&format!(
                "SELECT id FROM notice \
                 WHERE headers_digest = ?1 AND body_digest = ?2 AND {condition} LIMIT ?3"
            ))?
            .query_map(
                params![fingerprint.headers, fingerprint.body, MOST_TWINS],
                |row| row.get(0),
            )?
            .collect::<rusqlite::Result<_>>()?;
        for id in candidates {
            // A unique-id that is being counted anew claims no notice until that is fetched again.
            let names: Vec<(Vec<u8>, bool)> = transaction
                .prepare_cached("SELECT unique_id, copies > 0 FROM seen WHERE notice = ?1")?
                .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let is_listed = names.iter().any(|(name, counts)| {
                *counts
                    && UniqueId::new(name.as_slice())
                        .is_some_and(|unique_id| listed.contains_key(&unique_id))
            });
            if is_listed {
                continue;
            }
            if names.len() >= MOST_NAMES {
                transaction
                    .prepare_cached("DELETE FROM seen WHERE notice = ?1")?
                    .execute([id])?;
            }
            mark_seen(
                transaction,
                (unique_id, arrival.octets),
                NoticeId(id),
                listed,
            )?;
            transaction
                .prepare_cached("UPDATE notice SET withdrawn = NULL, changed = ?2 WHERE id = ?1")?
                .execute([id, change])?;
            return Ok(Some(Kept::Recognised(NoticeId(id))));
        }
    }
    Ok(None)
}

/// Puts the whole mail in the place of its headers, or its headers in the place of none. Marks stay.
fn complete(
    transaction: &Transaction,
    change: i64,
    arrival: &Arrival,
    id: NoticeId,
    listed: &Listed,
) -> rusqlite::Result<Headline> {
    let headline = &arrival.headline;
    transaction
        .prepare_cached(
            "UPDATE notice SET withdrawn = NULL, complete = ?2, headers_digest = ?3, body_digest = ?4, date = ?5, \
             date_guessed = ?6, from_name = ?7, from_address = ?8, subject = ?9, preview = ?10, \
             size = ?11, important = ?12, files = ?13, has_link = ?14, thread_key = ?15, \
             parents = ?16, changed = ?17 WHERE id = ?1",
        )?
        .execute(params![
            id.0,
            arrival.is_complete,
            arrival.fingerprint.headers,
            arrival.fingerprint.body,
            headline.date.as_second(),
            headline.date_guessed,
            headline.from.name.as_str(),
            headline.from.address.as_str(),
            headline.subject.as_str(),
            headline.preview.as_str(),
            headline.size.cast_signed(),
            headline.important,
            headline.files,
            headline.has_link,
            headline.key.cast_signed(),
            pack(&headline.parents),
            change,
        ])?;
    put_mail(transaction, OTHER_MAIL, id, &arrival.bytes)?;
    index::remove(transaction, id)?;
    index::add(transaction, id, &arrival.entry)?;
    mark_seen(
        transaction,
        (&arrival.unique_id, arrival.octets),
        id,
        listed,
    )?;
    let mut completed = headline.clone();
    completed.id = id;
    (completed.handle, completed.marks) = transaction
        .prepare_cached("SELECT handle, read, starred, muted FROM notice WHERE id = ?1")?
        .query_row([id.0], |row| {
            let marks = Marks {
                read: row.get(1)?,
                starred: row.get(2)?,
                muted: row.get(3)?,
            };
            Ok((row.get::<_, String>(0)?.into_boxed_str(), marks))
        })?;
    Ok(completed)
}

/// How the mail of a notice is written. No `INSERT OR REPLACE`: what may have to be taken back is a
/// savepoint, at which the full-text index writes itself out.
const NEW_MAIL: &str = "INSERT INTO mail VALUES (?1, ?2)";
const OTHER_MAIL: &str = "UPDATE mail SET bytes = ?2 WHERE id = ?1";

/// Writes the mail of a notice. SQLite would make a copy of its own of a large one.
fn put_mail(
    transaction: &Transaction,
    statement: &str,
    id: NoticeId,
    bytes: &[u8],
) -> rusqlite::Result<()> {
    /// A copy of fewer octets costs less than opening the row once more.
    const LARGE: usize = 256 * 1024;

    let mut statement = transaction.prepare_cached(statement)?;
    if bytes.len() < LARGE {
        statement.execute(params![id.0, bytes])?;
        return Ok(());
    }
    statement.execute(params![id.0, ZeroBlob(bytes.len() as u64)])?;
    drop(statement);
    let mut blob = transaction.blob_open("main", "mail", "bytes", id.0, false)?;
    blob.write_at(bytes, 0)?;
    blob.close()
}

fn mark_seen(
    transaction: &Transaction,
    (unique_id, octets): (&UniqueId, Octets),
    id: NoticeId,
    listed: &Listed,
) -> rusqlite::Result<()> {
    // The same again is another listed copy: whatever is fetched again is counted anew. Never more
    // than are listed: another program may have fetched it at the same time.
    let copies = listed.get(unique_id).copied().unwrap_or(1);
    transaction
        .prepare_cached(
            "INSERT INTO seen VALUES (?1, ?2, ?3, 1) ON CONFLICT (unique_id, notice) DO UPDATE \
             SET octets = excluded.octets, copies = copies + \
             ((SELECT sum(copies) FROM seen WHERE unique_id = ?1) < ?4)",
        )?
        .execute(params![
            unique_id.as_bytes(),
            id.0,
            octets.0.cast_signed(),
            copies
        ])?;
    Ok(())
}

/// The marks and the id that a notice had in a damaged cache, if it was saved from there.
fn salvaged(
    transaction: &Transaction,
    arrival: &Arrival,
) -> rusqlite::Result<Option<(Marks, Option<i64>)>> {
    let Fingerprint { headers, body } = &arrival.fingerprint;
    transaction
        .prepare_cached(
            "DELETE FROM salvaged WHERE headers_digest = ?1 AND body_digest = ?2 \
             RETURNING read, starred, muted, id",
        )?
        .query_row([&headers[..], &body[..]], |row| {
            let marks = Marks {
                read: row.get(0)?,
                starred: row.get(1)?,
                muted: row.get(2)?,
            };
            Ok((marks, row.get(3)?))
        })
        .optional()
}

/// The id for a new notice: the one that it had, if that is free, else one that nobody else had.
fn free_id(transaction: &Transaction, had: Option<i64>) -> rusqlite::Result<NoticeId> {
    if let Some(id) = had
        && !transaction
            .prepare_cached("SELECT 1 FROM notice WHERE id = ?1")?
            .exists([id])?
    {
        return Ok(NoticeId(id));
    }
    transaction
        .prepare_cached(
            "SELECT 1 + max(coalesce((SELECT max(id) FROM notice), 0), \
                            coalesce((SELECT max(id) FROM salvaged), 0))",
        )?
        .query_row([], |row| row.get(0).map(NoticeId))
}

/// The marks that a new notice starts with: by its age, and by its thread if that is muted.
fn first_marks(transaction: &Transaction, arrival: &Arrival) -> rusqlite::Result<Marks> {
    let mut statement = transaction
        .prepare_cached("SELECT 1 FROM notice WHERE thread_key = ?1 AND muted LIMIT 1")?;
    for parent in &arrival.headline.parents {
        if statement.exists([parent.cast_signed()])? {
            return Ok(Marks {
                read: true,
                starred: false,
                muted: true,
            });
        }
    }
    Ok(Marks {
        read: arrival.starts_read,
        ..Marks::default()
    })
}

/// Two equal mails have one handle: the second gets a number behind it.
fn free_handle(transaction: &Transaction, wanted: &str) -> rusqlite::Result<Box<str>> {
    let mut statement = transaction.prepare_cached("SELECT 1 FROM notice WHERE handle = ?1")?;
    if !statement.exists([wanted])? {
        return Ok(wanted.into());
    }
    // The numbers follow one another, so that few must be tried, however many there are.
    let mut taken = 1_u64;
    let mut step = 1;
    while statement.exists([format!("{wanted}{}", taken + step)])? {
        taken += step;
        step *= 2;
    }
    while step > 1 {
        step /= 2;
        if statement.exists([format!("{wanted}{}", taken + step)])? {
            taken += step;
        }
    }
    let mut number = taken + 1;
    while statement.exists([format!("{wanted}{number}")])? {
        number += 1;
    }
    Ok(format!("{wanted}{number}").into_boxed_str())
}

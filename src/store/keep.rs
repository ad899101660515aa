//! Keeping what a check has fetched, and noting what has left the server.

use compact_str::{CompactString, format_compact};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    Error, Store,
    arrival::{Arrival, Kept, NO_HEADERS},
    carried::{self, with_carried},
    headlines::pack,
    index,
    mail::{NEW_MAIL, put_mail},
    moving::without_slash,
    recognise::{known_notice, replaced},
    seen::{Listed, mark_seen, trouble_name},
    succession,
};
use crate::notice::{Marks, NoticeId, fingerprint::Fingerprint, shown::Shown};

impl Store {
    /// Keeps a batch of arrivals with their seen marks, as one transaction, and says what became of
    /// each. A notice whose own unique-id is not `listed` may be recognised under a new one. The last one is asked for
    /// first, and each is let go of before the next is asked for.
    ///
    /// # Errors
    ///
    /// The cache cannot be written. Nothing of the batch is kept then.
    pub fn keep(
        &self,
        arrivals: impl IntoIterator<Item = Arrival, IntoIter: DoubleEndedIterator>,
        listed: &Listed,
        now: Timestamp,
    ) -> Result<Vec<Kept>, Error> {
        self.write(|transaction, change| {
            // The newest comes first and has the highest id; the full-text index writes itself out
            // whenever an id is lower than the one before.
            let waiting = Waiting::look(transaction)?;
            let mut kept = arrivals
                .into_iter()
                .rev()
                .map(|arrival| keep(transaction, change, arrival, listed, now, waiting))
                .collect::<rusqlite::Result<Vec<Kept>>>()?;
            kept.reverse();
            self.rules.obey(transaction, now, &mut kept)?;
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
        if ids.is_empty() {
            return Ok(());
        }
        self.write(|transaction, change| {
            let mut statement = transaction
                .prepare_cached("UPDATE notice SET withdrawn = ?2, changed = ?3 WHERE id = ?1")?;
            // What it stood for stands for itself again: nobody shall miss that.
            let mut restore = transaction.prepare_cached(
                "UPDATE notice SET replaced_by = NULL, changed = ?2 WHERE replaced_by = ?1 \
                 AND withdrawn IS NULL",
            )?;
            for id in ids {
                statement.execute(params![id.0, since.as_second(), change])?;
                restore.execute(params![id.0, change])?;
            }
            Ok(())
        })
    }
}

/// What may be waiting for an arrival: of most there is nothing at all, which is looked for once a batch.
#[derive(Clone, Copy)]
struct Waiting {
    troubles: bool,
    elsewhere: bool,
    salvaged: bool,
    carried: bool,
}

impl Waiting {
    fn look(transaction: &Transaction) -> rusqlite::Result<Waiting> {
        let has = |table: &str| {
            transaction
                .prepare_cached(&format!("SELECT 1 FROM {table} LIMIT 1"))?
                .exists([])
        };
        Ok(Waiting {
            troubles: has("trouble")?,
            elsewhere: has("elsewhere")?,
            salvaged: has("salvaged")?,
            carried: has("carried")?,
        })
    }
}

fn keep(
    transaction: &Transaction,
    change: i64,
    arrival: Arrival,
    listed: &Listed,
    now: Timestamp,
    waiting: Waiting,
) -> rusqlite::Result<Kept> {
    if arrival.is_complete && waiting.troubles {
        let copies = listed.copies(&arrival.unique_id).unwrap_or(1);
        let name = trouble_name(&arrival.unique_id, arrival.octets, copies);
        transaction
            .prepare_cached("DELETE FROM trouble WHERE unique_id = ?1")?
            .execute([name.as_bytes()])?;
    }
    let was_elsewhere = waiting.elsewhere && was_fetched_elsewhere(transaction, &arrival)?;
    if let Some(kept) = known_notice(transaction, change, &arrival, listed)? {
        return Ok(kept);
    }

    let salvaged = match waiting.salvaged {
        true => salvaged(transaction, &arrival)?,
        false => None,
    };
    let wanted = arrival.wanted_id.map(|id| id.0);
    let was_salvaged = salvaged.is_some();
    let (mut marks, id) = match salvaged {
        Some((marks, id)) => (marks, id.or(wanted)),
        None => (first_marks(transaction, &arrival)?, wanted),
    };
    marks.read |= was_elsewhere;
    let is_known = arrival.fingerprint.headers != Fingerprint::of_headers(NO_HEADERS);
    let (marks, is_read_elsewhere) = match waiting.carried && is_known {
        true => with_carried(transaction, &arrival.fingerprint, marks)?,
        false => (marks, false),
    };
    let was_kept = was_salvaged || was_elsewhere || is_read_elsewhere;
    let mut headline = arrival.headline;
    headline.id = free_id(transaction, id)?;
    headline.marks = marks;
    headline.handle = free_handle(transaction, &headline.handle)?;
    let replaces = replaced(transaction, headline.key, listed)?;
    headline.fate.change(|fate| fate.replaces = replaces);
    let fingerprint = &arrival.fingerprint;
    let (list, list_id) = headline.list_names();
    transaction
        .prepare_cached(
            "INSERT INTO notice (handle, date, date_guessed, arrived, from_name, from_address, \
             subject, preview, size, important, files, has_link, thread_key, parents, \
             headers_digest, body_digest, complete, read, starred, muted, changed, id, replaces, \
             list, expires, answer_by, topic, corrects, supersedes, list_id) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, \
             ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)",
        )?
        .execute(params![
            headline.handle.as_str(),
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
            headline.fate.replaces.map(Timestamp::as_second),
            list,
            headline.fate.expires.map(Timestamp::as_second),
            headline.fate.answer_by.map(Timestamp::as_second),
            arrival.succession.topic.cast_signed(),
            arrival.succession.corrects,
            arrival.succession.supersedes.map(u64::cast_signed),
            list_id,
        ])?;
    let by = succession::link(transaction, change, &headline, &arrival.succession)?;
    headline.fate.change(|fate| fate.replaced_by = by);
    put_mail(transaction, NEW_MAIL, headline.id, &arrival.bytes)?;
    index::put(transaction, headline.id, arrival.entry.as_ref())?;
    mark_seen(
        transaction,
        (&arrival.unique_id, arrival.octets),
        headline.id,
        listed,
    )?;
    if was_elsewhere {
        let marks = Marks {
            read: true,
            ..Marks::default()
        };
        carried::note_long_ago(transaction, fingerprint, marks)?;
    }
    if headline.parents.is_empty() {
        // As it comes back: only a reply shows it.
        headline.preview = Shown::default();
    }
    Ok(match (was_kept, headline.marks.read) {
        (true, _) => Kept::Completed(headline),
        // By its age, or because its thread is muted.
        (false, true) => Kept::Quiet(headline),
        (false, false) => Kept::New(headline),
    })
}

/// The marks that wait for a notice, and the id that it had: in a damaged cache, or on another machine.
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

/// True if another program had fetched it before: this person has seen it there.
fn was_fetched_elsewhere(transaction: &Transaction, arrival: &Arrival) -> rusqlite::Result<bool> {
    let unique_id = arrival.unique_id.as_bytes();
    let mut forget = transaction.prepare_cached("DELETE FROM elsewhere WHERE unique_id = ?1")?;
    Ok(forget.execute([unique_id])? > 0
        || (unique_id.contains(&b'/') && forget.execute([without_slash(unique_id)])? > 0))
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
fn free_handle(transaction: &Transaction, wanted: &str) -> rusqlite::Result<CompactString> {
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
    Ok(format_compact!("{wanted}{number}"))
}

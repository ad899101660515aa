//! Which notice has taken another's place: one that names it, or the next of its sender and subject that
//! calls itself a correction.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::headlines::{COLUMNS, headline};
use crate::notice::{Headline, NoticeId, facts, headline::Digest, succession::Succession};

/// A notice at its place among those of its topic.
#[derive(Clone, Copy)]
struct Neighbour {
    id: i64,
    corrects: bool,
}

/// Notes what a kept notice says of itself.
pub(super) fn note(
    transaction: &Transaction,
    id: NoticeId,
    headline: &Headline,
    succession: &Succession,
) -> rusqlite::Result<()> {
    let (list, list_id) = headline.list_names();
    transaction
        .prepare_cached(
            "UPDATE notice SET list = ?2, expires = ?3, answer_by = ?4, topic = ?5, corrects = ?6, \
             supersedes = ?7, list_id = ?8 WHERE id = ?1",
        )?
        .execute(params![
            id.0,
            list,
            headline.fate.expires.map(Timestamp::as_second),
            headline.fate.answer_by.map(Timestamp::as_second),
            succession.topic.cast_signed(),
            succession.corrects,
            succession.supersedes.map(u64::cast_signed),
            list_id,
        ])
        .map(drop)
}

/// Reads all notices anew that were kept before it was noted what they say of themselves.
pub(super) fn read_anew(transaction: &Transaction) -> rusqlite::Result<()> {
    let mut linked = Vec::new();
    let mut statement = transaction.prepare("SELECT id, bytes FROM mail")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = NoticeId(row.get(0)?);
        let digest = Digest::without_words(row.get_ref(1)?.as_blob()?, Timestamp::UNIX_EPOCH);
        note(transaction, id, &digest.headline, &digest.succession)?;
        if digest.succession.corrects || digest.succession.supersedes.is_some() {
            linked.push((id, digest.succession));
        }
    }
    // Their order is that of the dates that are kept.
    for (id, succession) in linked {
        let kept = transaction
            .prepare_cached(&format!("SELECT {COLUMNS} FROM notice WHERE id = ?1"))?
            .query_row([id.0], headline)
            .optional()?;
        if let Some(kept) = kept {
            // Whoever reads it first after this sees it as it is: no change of it is told.
            link(transaction, 0, &kept, &succession)?;
        }
    }
    Ok(())
}

/// The octets of a mail in which its headers are looked for.
const HEADERS: usize = 64 * 1024;

/// Notes the identifiers of the lists through which notices came that were kept before those were noted.
pub(super) fn read_list_ids(transaction: &Transaction) -> rusqlite::Result<()> {
    let mut note = transaction.prepare("UPDATE notice SET list_id = ?2 WHERE id = ?1")?;
    let mut statement = transaction.prepare(&format!(
        "SELECT id, substr(bytes, 1, {HEADERS}) FROM mail JOIN notice USING (id) WHERE list <> ''"
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        note.execute(params![
            id,
            facts::list_id_of(row.get_ref(1)?.as_blob()?).as_str()
        ])?;
    }
    Ok(())
}

/// Finds the notices in whose place a kept one stands, and the one that stands in its place. Notices
/// come in any order: a correction may be there before what it corrects.
pub(super) fn link(
    transaction: &Transaction,
    change: i64,
    headline: &Headline,
    succession: &Succession,
) -> rusqlite::Result<Option<NoticeId>> {
    let id = headline.id.0;
    let replace = |old: i64, new: Option<i64>| {
        transaction
            .prepare_cached("UPDATE notice SET replaced_by = ?2, changed = ?3 WHERE id = ?1")?
            .execute(params![old, new, change])
    };
    // Those that name another are few: they have an index of their own.
    if let Some(named) = succession.supersedes
        && named != headline.key
    {
        for old in of_sender(transaction, "thread_key", named, headline, "<")? {
            replace(old, Some(id))?;
        }
    }
    let named_by = of_sender(transaction, "supersedes", headline.key, headline, ">")?;
    let mut by = named_by.first().copied();

    let next = neighbour(transaction, headline, succession, false)?;
    if let Some(next) = next.filter(|next| next.corrects) {
        by = by.or(Some(next.id));
    }
    if succession.corrects || by.is_some() {
        let before = neighbour(transaction, headline, succession, true)?;
        if let Some(before) = before {
            if succession.corrects {
                replace(before.id, Some(id))?;
            } else if by.is_some() {
                // What comes between keeps the later correction for itself.
                transaction
                    .prepare_cached(
                        "UPDATE notice SET replaced_by = NULL, changed = ?3 \
                         WHERE id = ?1 AND replaced_by = ?2",
                    )?
                    .execute(params![before.id, by, change])?;
            }
        }
    }
    if by.is_some() {
        replace(id, by)?;
    }
    Ok(by.map(NoticeId))
}

/// The other notices of this sender that have a key, sent before this one (`<`) or after it (`>`). Time
/// goes one way: notices that name one another do not all stand aside for each other.
fn of_sender(
    transaction: &Transaction,
    column: &str,
    key: u64,
    headline: &Headline,
    comparison: &str,
) -> rusqlite::Result<Vec<i64>> {
    transaction
        .prepare_cached(&format!(
            "SELECT id FROM notice WHERE {column} = ?1 AND (date, id) {comparison} (?4, ?2) \
             AND from_address = ?3 COLLATE NOCASE AND from_address <> '' \
             AND from_name = ?5 COLLATE NOCASE LIMIT {MOST_NAMED}"
        ))?
        .query_map(
            params![
                key.cast_signed(),
                headline.id.0,
                headline.from.address.as_str(),
                headline.date.as_second(),
                headline.from.name.as_str(),
            ],
            |row| row.get(0),
        )?
        .collect()
}

/// The nearest notice of the same topic, before or after, if it is near enough.
fn neighbour(
    transaction: &Transaction,
    headline: &Headline,
    succession: &Succession,
    is_before: bool,
) -> rusqlite::Result<Option<Neighbour>> {
    let seconds = (succession.days * 24 * 60 * 60).unsigned_abs();
    let (comparison, direction) = match is_before {
        true => ("<", "DESC"),
        false => (">", "ASC"),
    };
    let date = headline.date.as_second();
    let found: Option<(Neighbour, i64)> = transaction
        .prepare_cached(&format!(
            "SELECT id, corrects, date FROM notice WHERE topic = ?1 AND (date, id) {comparison} (?2, ?3) \
             ORDER BY date {direction}, id {direction} LIMIT 1"
        ))?
        .query_row(
            params![succession.topic.cast_signed(), date, headline.id.0],
            |row| {
                let (id, corrects) = (row.get(0)?, row.get(1)?);
                Ok((Neighbour { id, corrects }, row.get(2)?))
            },
        )
        .optional()?;
    let near = found.filter(|(_, other)| other.abs_diff(date) <= seconds);
    Ok(near.map(|(neighbour, _)| neighbour))
}

/// Equal mails may come any number of times.
const MOST_NAMED: usize = 20;

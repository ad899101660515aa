//! Which kept notice an arrival is: fetched under this unique-id before, or known by its fingerprint
//! under another one that is not listed any more.

use jiff::Timestamp;
use rusqlite::{ErrorCode, MAIN_DB, OptionalExtension, Transaction, params};

use super::{
    Error, Store,
    arrival::{Arrival, Kept, NO_HEADERS},
    carried,
    headlines::pack,
    index,
    mail::{OTHER_MAIL, put_mail},
    seen::{Listed, mark_seen},
    succession,
};
use crate::{
    notice::{
        Headline, Marks, NoticeId,
        fingerprint::{Fingerprint, Head},
    },
    pop3::listing::{Octets, UniqueId},
};

/// The most notices with one fingerprint that are looked at for one whose unique-id has changed.
/// Anybody can send the same mail a thousand times.
const MOST_TWINS: u32 = 1_000;

/// So much of a kept mail is looked at for its headers, in octets: what has more is fetched whole.
const MOST_OF_HEAD: usize = 64 * 1024;

/// The most notices of one Message-ID that are looked at for one that has left.
const MOST_OF_ONE_NAME: u32 = 200;

/// The most unique-ids that are remembered of a notice. A server with two machines behind it may have
/// two for each; one that invents new ones at every session must not fill the cache with them.
const MOST_NAMES: usize = 8;

/// What a message is like that is listed and was not fetched yet.
#[derive(Clone, Debug)]
pub struct ListedHead {
    /// Its unique-id, under which nothing is kept.
    pub unique_id: UniqueId,
    /// Its size, as the server lists it.
    pub octets: Octets,
    /// Its headers.
    pub head: Head,
}

impl Store {
    /// Recognises messages by their headers and sizes: for each the notice that it is, whose own unique-ids are all gone
    /// from the listing, if there is but one that it can be. What was `taken_back` was none of them.
    ///
    /// # Errors
    ///
    /// The cache cannot be written. None is recognised then.
    pub fn recognise_heads(
        &self,
        heads: &[ListedHead],
        taken_back: &[(UniqueId, NoticeId)],
        listed: &Listed,
    ) -> Result<Vec<Option<NoticeId>>, Error> {
        self.write(|transaction, change| {
            for (unique_id, id) in taken_back {
                transaction
                    .prepare_cached("DELETE FROM seen WHERE unique_id = ?1 AND notice = ?2")?
                    .execute(params![unique_id.as_bytes(), id.0])?;
            }
            let recognised = heads.iter().map(|one| {
                let found = of_head(transaction, one, listed)?;
                if let Some(id) = found {
                    claim(
                        transaction,
                        change,
                        (&one.unique_id, one.octets),
                        id,
                        listed,
                    )?;
                }
                Ok(found)
            });
            recognised.collect()
        })
    }
}

/// The only notice that a message with this head can be.
fn of_head(
    transaction: &Transaction,
    listed_head: &ListedHead,
    listed: &Listed,
) -> rusqlite::Result<Option<NoticeId>> {
    let ListedHead { octets, head, .. } = listed_head;
    let mut statement = transaction.prepare_cached(
        "SELECT id, complete AND EXISTS (SELECT 1 FROM seen WHERE notice = id AND octets = ?2) \
         FROM notice WHERE headers_digest = ?1 LIMIT 2",
    )?;
    let candidates: Vec<(i64, bool)> = statement
        .query_map(params![head.fingerprint, octets.0.cast_signed()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let [(id, true)] = candidates[..] else {
        return Ok(None);
    };
    if is_listed(transaction, id, listed)? {
        return Ok(None);
    }
    // Of a large mail no more is read than that.
    let kept = match transaction.blob_open(MAIN_DB, "mail", "bytes", id, true) {
        Ok(blob) => {
            let mut kept = vec![0; blob.len().min(MOST_OF_HEAD)];
            blob.read_at_exact(&mut kept, 0)?;
            kept
        }
        // There is no such row, which was lost by a damage: fetched again, it is there again.
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == ErrorCode::Unknown => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    Ok((Head::of(&kept) == Some(*head)).then_some(NoticeId(id)))
}

/// The kept notice that this arrival is, if it is one.
pub(super) fn known_notice(
    transaction: &Transaction,
    change: i64,
    arrival: &Arrival,
    listed: &Listed,
) -> rusqlite::Result<Option<Kept>> {
    let fingerprint = &arrival.fingerprint;
    let unique_id = &arrival.unique_id;
    // Fetched under this unique-id before: as it is now, or with another size; the headers alone, or
    // now those alone; or not even they could be had.
    let before: Option<(i64, bool, bool, u32)> = transaction
        .prepare_cached(
            "SELECT notice.id, notice.complete, notice.headers_digest = ?2, seen.copies \
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
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()?;
    if let Some((id, was_complete, has_headers, copies)) = before {
        let id = NoticeId(id);
        if was_complete || (has_headers && !arrival.is_complete) {
            // Of equal mails under one unique-id each is a notice of its own, if it was one before.
            let is_another = copies > 0 && listed.copies(unique_id).is_some_and(|all| all > copies);
            if is_another && let Some(twin) = unlisted_twin(transaction, change, arrival, listed)? {
                return Ok(Some(Kept::Recognised(twin)));
            }
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
        // What stood in for a message of which nothing was known may stand in for one that is kept.
        if !has_headers && let Some(twin) = unlisted_twin(transaction, change, arrival, listed)? {
            forget(transaction, id)?;
            return Ok(Some(Kept::RecognisedBehind {
                id: twin,
                stand_in: id,
            }));
        }
        return complete(transaction, change, arrival, id, listed)
            .map(|kept| Some(Kept::Completed(kept)));
    }
    let twin = unlisted_twin(transaction, change, arrival, listed)?;
    Ok(twin.map(Kept::Recognised))
}

/// A notice with the same fingerprint whose own unique-ids are all gone from the listing: those that were there until
/// now first, which would be missing else. The arrival's is one of its unique-ids from now on.
fn unlisted_twin(
    transaction: &Transaction,
    change: i64,
    arrival: &Arrival,
    listed: &Listed,
) -> rusqlite::Result<Option<NoticeId>> {
    let (fingerprint, unique_id) = (&arrival.fingerprint, &arrival.unique_id);
    if fingerprint.headers == Fingerprint::of_headers(NO_HEADERS) {
        // What nothing is known of may be anything.
        return Ok(None);
    }
    for condition in [
        "withdrawn IS NULL ORDER BY id",
        "withdrawn IS NOT NULL ORDER BY id",
    ] {
        let first = {
            let mut statement = transaction.prepare_cached(&format!(
                "SELECT id FROM notice \
                 WHERE headers_digest = ?1 AND body_digest = ?2 AND {condition} LIMIT ?3"
            ))?;
            let values = params![fingerprint.headers, fingerprint.body, MOST_TWINS];
            let mut candidates = statement.query_map(values, |row| row.get(0))?;
            loop {
                match candidates.next().transpose()? {
                    Some(id) if is_listed(transaction, id, listed)? => {}
                    found => break found,
                }
            }
        };
        if let Some(id) = first.map(NoticeId) {
            claim(transaction, change, (unique_id, arrival.octets), id, listed)?;
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// A notice has this unique-id from now on.
fn claim(
    transaction: &Transaction,
    change: i64,
    (unique_id, octets): (&UniqueId, Octets),
    id: NoticeId,
    listed: &Listed,
) -> rusqlite::Result<()> {
    let names: i64 = transaction
        .prepare_cached("SELECT count(*) FROM seen WHERE notice = ?1")?
        .query_row([id.0], |row| row.get(0))?;
    if names >= MOST_NAMES as i64 {
        transaction
            .prepare_cached("DELETE FROM seen WHERE notice = ?1")?
            .execute([id.0])?;
    }
    mark_seen(transaction, (unique_id, octets), id, listed)?;
    transaction
        .prepare_cached(
            // Where it had not left nobody need look at it again: after a move that would be all there are.
            "UPDATE notice SET withdrawn = NULL, changed = ?2 \
             WHERE id = ?1 AND withdrawn IS NOT NULL",
        )?
        .execute([id.0, change])?;
    Ok(())
}

/// Forgets a row that stood in for a message that could not be fetched.
fn forget(transaction: &Transaction, id: NoticeId) -> rusqlite::Result<()> {
    index::remove(transaction, id)?;
    for statement in [
        "DELETE FROM seen WHERE notice = ?1",
        "DELETE FROM mail WHERE id = ?1",
        "DELETE FROM notice WHERE id = ?1",
    ] {
        transaction.prepare_cached(statement)?.execute([id.0])?;
    }
    Ok(())
}

/// True if a notice is at the server under one of its unique-ids.
fn is_listed(transaction: &Transaction, id: i64, listed: &Listed) -> rusqlite::Result<bool> {
    // A unique-id that is being counted anew claims no notice until that is fetched again.
    let names: Vec<(Vec<u8>, bool)> = transaction
        .prepare_cached("SELECT unique_id, copies > 0 FROM seen WHERE notice = ?1")?
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(names.iter().any(|(name, counts)| {
        *counts
            && UniqueId::new(name.as_slice()).is_some_and(|unique_id| listed.contains(&unique_id))
    }))
}

/// When the notice was sent that a new one of this Message-ID replaces: one that has left the server.
pub(super) fn replaced(
    transaction: &Transaction,
    key: u64,
    listed: &Listed,
) -> rusqlite::Result<Option<Timestamp>> {
    let candidates: Vec<(i64, i64)> = transaction
        .prepare_cached(
            "SELECT id, date FROM notice WHERE thread_key = ?1 ORDER BY id DESC LIMIT ?2",
        )?
        .query_map(params![key.cast_signed(), MOST_OF_ONE_NAME], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    for (id, date) in candidates {
        if !is_listed(transaction, id, listed)? {
            return Ok(Some(Timestamp::from_second(date).unwrap_or_default()));
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
    carried::follow(transaction, id, &arrival.fingerprint)?;
    carried::apply(transaction, id, &arrival.fingerprint)?;
    transaction
        .prepare_cached(
            "UPDATE notice SET withdrawn = NULL, complete = ?2, headers_digest = ?3, \
             body_digest = ?4, date = ?5, date_guessed = ?6, from_name = ?7, from_address = ?8, subject = ?9, preview = ?10, \
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
    succession::note(transaction, id, headline, &arrival.succession)?;
    put_mail(transaction, OTHER_MAIL, id, &arrival.bytes)?;
    index::remove(transaction, id)?;
    index::put(transaction, id, arrival.entry.as_ref())?;
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
            Ok((row.get_ref(0)?.as_str()?.into(), marks))
        })?;
    let by = succession::link(transaction, change, &completed, &arrival.succession)?;
    completed.fate.change(|fate| fate.replaced_by = by);
    Ok(completed)
}

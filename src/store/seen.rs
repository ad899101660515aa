//! The unique-ids that were seen, and what is known of each: which notice it is, and what went wrong
//! with it.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::{Error, Store};
use crate::{
    notice::NoticeId,
    pop3::listing::{Octets, UniqueId},
};

/// What is known of a unique-id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Known {
    /// The notice that was fetched under it.
    pub notice: NoticeId,
    /// The size that LIST said then.
    pub octets: Octets,
    /// How many listed messages this accounts for.
    pub copies: u32,
    /// True if the notice was missed at the server.
    pub is_withdrawn: bool,
    /// True if the whole mail is kept.
    pub is_complete: bool,
}

/// What went wrong with a message that could not be fetched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Trouble {
    /// How many times in a row it could not be fetched.
    pub attempts: u32,
    /// How many times of these the connection ended in it.
    pub broke: u32,
    /// When it was tried last.
    pub tried: Timestamp,
}

/// The messages that could not be fetched.
pub type Troubles = HashMap<UniqueId, Trouble>;

/// The unique-ids of a listing, in their order; one that several messages have stands there as often.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed(Arc<[UniqueId]>);

impl Listed {
    /// How many messages have a unique-id; none if it is not listed.
    pub fn copies(&self, unique_id: &UniqueId) -> Option<u32> {
        let first = self.0.partition_point(|listed| listed < unique_id);
        let behind = self.0.partition_point(|listed| listed <= unique_id);
        match u32::try_from(behind - first).unwrap_or(u32::MAX) {
            0 => None,
            copies => Some(copies),
        }
    }

    /// All but these, which are in their order.
    #[must_use]
    pub fn without(&self, others: &[UniqueId]) -> Listed {
        if others.is_empty() {
            return self.clone();
        }
        let all = self.0.iter();
        let rest = all.filter(|listed| others.binary_search(listed).is_err());
        Listed(rest.cloned().collect())
    }

    /// True if a message has this unique-id.
    pub fn contains(&self, unique_id: &UniqueId) -> bool {
        self.0.binary_search(unique_id).is_ok()
    }
}

impl FromIterator<UniqueId> for Listed {
    fn from_iter<I: IntoIterator<Item = UniqueId>>(unique_ids: I) -> Listed {
        let mut sorted: Vec<UniqueId> = unique_ids.into_iter().collect();
        // Next to nothing where they come in their order.
        sorted.sort_unstable();
        Listed(sorted.into())
    }
}

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

/// All unique-ids that were seen, in their order, each with its notices.
#[derive(Debug, Default)]
pub struct Seen(Vec<(UniqueId, Entry)>);

/// Nearly every unique-id has one notice, so that is kept without a list of its own.
#[derive(Debug)]
enum Entry {
    One(Known),
    Several(Vec<Known>),
}

impl Entry {
    fn as_slice(&self) -> &[Known] {
        match self {
            Entry::One(known) => std::slice::from_ref(known),
            Entry::Several(known) => known,
        }
    }
}

impl Seen {
    /// What is known of a unique-id.
    pub fn get(&self, unique_id: &UniqueId) -> &[Known] {
        let place = self.0.binary_search_by(|(seen, _)| seen.cmp(unique_id));
        place.map_or(&[], |place| self.0[place].1.as_slice())
    }

    /// Looks up unique-ids that come in their order.
    pub fn walk(&self) -> Walk<'_> {
        Walk {
            seen: self,
            place: 0,
        }
    }

    /// All of them, each at its place.
    pub fn iter(&self) -> impl Iterator<Item = (&UniqueId, &[Known])> {
        self.0
            .iter()
            .map(|(unique_id, entry)| (unique_id, entry.as_slice()))
    }

    /// How many unique-ids there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what is known of a unique-id that is the last one or comes behind it.
    fn add(&mut self, unique_id: &[u8], known: Known) {
        match self.0.last_mut() {
            Some((last, entry)) if last.as_bytes() == unique_id => {
                let mut several = entry.as_slice().to_vec();
                several.push(known);
                *entry = Entry::Several(several);
            }
            _ => {
                let unique_id = UniqueId::new(unique_id);
                self.0
                    .extend(unique_id.map(|unique_id| (unique_id, Entry::One(known))));
            }
        }
    }
}

/// Looks unique-ids up in their order: each is sought from where the one before was found.
#[derive(Debug)]
pub struct Walk<'s> {
    seen: &'s Seen,
    place: usize,
}

impl<'s> Walk<'s> {
    /// The place of a unique-id, which comes behind the last one that was sought, and what is known of it.
    pub fn find(&mut self, unique_id: &UniqueId) -> Option<(usize, &'s [Known])> {
        while let Some((seen, entry)) = self.seen.0.get(self.place) {
            match seen.cmp(unique_id) {
                Ordering::Less => self.place += 1,
                Ordering::Equal => return Some((self.place, entry.as_slice())),
                Ordering::Greater => break,
            }
        }
        None
    }
}

impl Store {
    /// All unique-ids that this cache has seen.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn seen(&self) -> Result<Seen, Error> {
        self.read(|connection| {
            // Only those that are not as most are: withdrawn, or headers alone.
            let unusual: HashMap<i64, (bool, bool)> = connection
                .prepare_cached(
                    "SELECT id, withdrawn IS NOT NULL, complete FROM notice \
                     WHERE withdrawn IS NOT NULL OR complete = 0",
                )?
                .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
                .collect::<rusqlite::Result<_>>()?;
            // The table itself is in this order.
            let mut statement = connection.prepare_cached(
                "SELECT unique_id, notice, octets, copies FROM seen ORDER BY unique_id",
            )?;
            let mut rows = statement.query([])?;
            let mut seen = Seen::default();
            while let Some(row) = rows.next()? {
                let notice: i64 = row.get(1)?;
                let (is_withdrawn, is_complete) =
                    unusual.get(&notice).copied().unwrap_or((false, true));
                let known = Known {
                    notice: NoticeId(notice),
                    octets: Octets(row.get::<_, i64>(2)?.unsigned_abs()),
                    copies: row.get(3)?,
                    is_withdrawn,
                    is_complete,
                };
                seen.add(row.get_ref(0)?.as_blob()?, known);
            }
            Ok(seen)
        })
    }

    /// True if this cache has seen one of these.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn has_seen_one_of(&self, unique_ids: &[UniqueId]) -> Result<bool, Error> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT 1 FROM seen WHERE unique_id = ?1")?;
            for unique_id in unique_ids {
                if statement.exists([unique_id.as_bytes()])? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// True if a notice with these headers was fetched under this unique-id, and is still known by it.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn has_seen_as(
        &self,
        unique_id: &UniqueId,
        headers_digest: &[u8; 16],
    ) -> Result<bool, Error> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT 1 FROM seen JOIN notice ON notice.id = seen.notice \
                     WHERE seen.unique_id = ?1 AND seen.copies > 0 AND notice.headers_digest = ?2",
                )?
                .exists(params![unique_id.as_bytes(), headers_digest])
        })
    }

    /// Begins to count the listed copies of these unique-ids anew, before all of them are fetched
    /// again: a check that is cut off in between has then not counted one of them twice, and the
    /// next one fetches the others.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn recount(&self, unique_ids: &[UniqueId]) -> Result<(), Error> {
        if unique_ids.is_empty() {
            return Ok(());
        }
        self.write(|transaction, _| {
            let mut statement =
                transaction.prepare_cached("UPDATE seen SET copies = 0 WHERE unique_id = ?1")?;
            for unique_id in unique_ids {
                statement.execute([unique_id.as_bytes()])?;
            }
            Ok(())
        })
    }

    /// Notes that fewer copies of the notices of these unique-ids are listed than there were, and how many.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn count_fewer(&self, unique_ids: &[(UniqueId, u32)]) -> Result<(), Error> {
        if unique_ids.is_empty() {
            return Ok(());
        }
        self.write(|transaction, _| {
            let mut statement = transaction
                .prepare_cached("UPDATE seen SET copies = min(copies, ?2) WHERE unique_id = ?1")?;
            for (unique_id, copies) in unique_ids {
                statement.execute(params![unique_id.as_bytes(), copies])?;
            }
            Ok(())
        })
    }

    /// What went wrong with messages that could not be fetched.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn troubles(&self) -> Result<Troubles, Error> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT unique_id, attempts, broke, tried FROM trouble")?;
            let mut rows = statement.query([])?;
            let mut troubles = Troubles::new();
            while let Some(row) = rows.next()? {
                let trouble = Trouble {
                    attempts: row.get(1)?,
                    broke: row.get(2)?,
                    tried: Timestamp::from_second(row.get(3)?).unwrap_or_default(),
                };
                let unique_id = UniqueId::new(row.get_ref(0)?.as_blob()?);
                troubles.extend(unique_id.map(|unique_id| (unique_id, trouble)));
            }
            Ok(troubles)
        })
    }

    /// Forgets the troubles with messages that nobody has asked for in a month.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn forget_troubles(&self, now: Timestamp) -> Result<(), Error> {
        const MONTH: i64 = 30 * 86_400;

        let oldest = now.as_second() - MONTH;
        let mut troubles = self.troubles()?.into_values();
        // Writing would tell every other program on this cache that something has changed.
        if troubles.all(|trouble| trouble.tried.as_second() >= oldest) {
            return Ok(());
        }
        self.write(|transaction, _| {
            transaction.execute("DELETE FROM trouble WHERE tried < ?1", [oldest])
        })?;
        Ok(())
    }

    /// Notes messages that could not be fetched, with the server's words, and says of each what that
    /// makes. `broke` if the connection ended in them.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn note_troubles(
        &self,
        messages: &[(UniqueId, String)],
        broke: bool,
        at: Timestamp,
    ) -> Result<Vec<Trouble>, Error> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        self.write(|transaction, _| {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO trouble (unique_id, attempts, words, broke, tried) \
                 VALUES (?1, 1, ?2, ?3, ?4) ON CONFLICT (unique_id) DO UPDATE \
                 SET attempts = attempts + 1, words = excluded.words, \
                     broke = broke + excluded.broke, tried = excluded.tried \
                 RETURNING attempts, broke",
            )?;
            messages
                .iter()
                .map(|(unique_id, words)| {
                    let row = params![unique_id.as_bytes(), words, broke, at.as_second()];
                    statement.query_row(row, |row| {
                        Ok(Trouble {
                            attempts: row.get(0)?,
                            broke: row.get(1)?,
                            tried: at,
                        })
                    })
                })
                .collect()
        })
    }

    /// Notes that a message is larger than it may be, whatever LIST says.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn note_oversized(&self, unique_id: &UniqueId) -> Result<(), Error> {
        self.write(|transaction, _| {
            transaction
                .prepare_cached("INSERT OR IGNORE INTO oversized VALUES (?1)")?
                .execute([unique_id.as_bytes()])?;
            Ok(())
        })
    }

    /// Forgets which messages are larger than they may be: more may be fetched by now.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn forget_oversized(&self) -> Result<(), Error> {
        self.write(|transaction, _| transaction.execute("DELETE FROM oversized", []))?;
        Ok(())
    }

    /// The messages that are larger than they may be, whatever LIST says.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn oversized(&self) -> Result<HashSet<UniqueId>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT unique_id FROM oversized")?;
            let mut rows = statement.query([])?;
            let mut oversized = HashSet::new();
            while let Some(row) = rows.next()? {
                oversized.extend(UniqueId::new(row.get_ref(0)?.as_blob()?));
            }
            Ok(oversized)
        })
    }
}

/// Notes that a notice was fetched under this unique-id.
pub(super) fn mark_seen(
    transaction: &Transaction,
    (unique_id, octets): (&UniqueId, Octets),
    id: NoticeId,
    listed: &Listed,
) -> rusqlite::Result<()> {
    // The same again is another listed copy: whatever is fetched again is counted anew. Never more
    // than are listed: another program may have fetched it at the same time.
    let copies = listed.copies(unique_id).unwrap_or(1);
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

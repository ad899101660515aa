//! What has come is put into the full-text index behind the check that has brought it, or by the first search: a
//! first check is over in half the time, and its notices can be read meanwhile.

use std::{ops::RangeInclusive, sync::mpsc, thread};

use rusqlite::params;

use super::{Error, Store, index};
use crate::notice::{NoticeId, search_text::SearchText};

/// How many notices are put into the index at once: as long as that takes nobody else reads the cache.
const AT_ONCE: i64 = 100;
/// And where somebody waits for all of them.
const AT_ONCE_FOR_A_SEARCH: i64 = 1_000;
/// So many take 20 ms to 0.2 s.
const MANY_WAITING: RangeInclusive<u64> = 200..=1_000;
/// And with how many octets of mail.
const OCTETS_AT_ONCE: usize = 8 * 1024 * 1024;

/// A notice that is not in the index: its id, and the change in which it last changed. If it has changed
/// meanwhile its mail may be another.
type Unindexed = (i64, Option<i64>);
/// Such notices, and their mails as far as they are there.
type Mails = Vec<(Unindexed, Option<Vec<u8>>)>;
/// What is put into the index of them.
type Entries = Vec<(Unindexed, Option<index::Entry>)>;

impl Store {
    /// Puts some more notices into the index; false if there are no more.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn index_more(&self) -> Result<bool, Error> {
        let mails = self.unindexed(i64::MIN, AT_ONCE)?;
        if mails.is_empty() {
            return Ok(false);
        }
        self.index(&entries(mails))?;
        Ok(true)
    }

    /// Puts all that wait into the index once they are so many that a search would be felt to do it: where nobody
    /// has the reader open, and checks come by themselves. What a first check has brought waits for a search.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn index_if_many_wait(&self) -> Result<(), Error> {
        if MANY_WAITING.contains(&self.waiting()?) {
            while self.index_more()? {}
        }
        Ok(())
    }

    /// How many notices are not in the index yet.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn waiting(&self) -> Result<u64, Error> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT count(*) FROM unindexed")?
                .query_row([], |row| row.get::<_, i64>(0))
                .map(i64::unsigned_abs)
        })
    }

    /// Puts all that are left into the index, as far as anything may be written.
    pub(super) fn index_all(&self) -> Result<(), Error> {
        loop {
            // The mails of a first check come with lower ids all the time.
            let first = self.unindexed(i64::MIN, AT_ONCE)?;
            if first.is_empty() {
                return Ok(());
            }
            match self.index_from(first) {
                Err(Error::ReadOnly { .. } | Error::Full { .. }) => return Ok(()),
                outcome => outcome?,
            }
        }
    }

    /// Puts these and all behind them into the index. The words of some are made while those before them are
    /// written.
    fn index_from(&self, first: Mails) -> Result<(), Error> {
        thread::scope(|scope| {
            let (made, entries) = mpsc::sync_channel(1);
            let making = scope.spawn(move || self.make_entries(first, &made));
            entries
                .into_iter()
                .try_for_each(|entries| self.index(&entries))?;
            making.join().expect("nothing in it panics")
        })
    }

    /// Makes the entries of these and of all behind them, until nobody takes them any more.
    fn make_entries(
        &self,
        mut mails: Mails,
        made: &mpsc::SyncSender<Entries>,
    ) -> Result<(), Error> {
        while let Some(((last, _), _)) = mails.last() {
            let last = *last;
            if made.send(entries(mails)).is_err() {
                break;
            }
            mails = self.unindexed(last, AT_ONCE_FOR_A_SEARCH)?;
        }
        Ok(())
    }

    /// Those behind an id. The lowest first: the index writes itself out whenever an id is lower than the
    /// one before.
    fn unindexed(&self, behind: i64, most: i64) -> Result<Mails, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT unindexed.id, mail.bytes, notice.changed FROM unindexed \
                 LEFT JOIN mail USING (id) LEFT JOIN notice USING (id) \
                 WHERE unindexed.id > ?1 ORDER BY unindexed.id LIMIT ?2",
            )?;
            let mut rows = statement.query([behind, most])?;
            let (mut mails, mut octets) = (Vec::new(), 0);
            while octets < OCTETS_AT_ONCE
                && let Some(row) = rows.next()?
            {
                let mail: Option<Vec<u8>> = row.get(1)?;
                octets += mail.as_ref().map_or(0, Vec::len);
                mails.push(((row.get(0)?, row.get(2)?), mail));
            }
            Ok(mails)
        })
    }

    fn index(&self, entries: &Entries) -> Result<(), Error> {
        self.write_lightly(|transaction| {
            let mut done = transaction.prepare_cached(
                "DELETE FROM unindexed WHERE id = ?1 \
                 AND ?2 IS (SELECT changed FROM notice WHERE id = ?1)",
            )?;
            for ((id, changed), entry) in entries {
                // Another program may have been here meanwhile, or the whole mail has come.
                if done.execute(params![id, changed])? > 0
                    && let Some(entry) = entry
                {
                    index::add(transaction, NoticeId(*id), entry)?;
                }
            }
            Ok(())
        })
    }
}

fn entries(mails: Mails) -> Entries {
    mails
        .into_iter()
        .map(|(unindexed, mail)| {
            let words = mail.map(|mail| SearchText::of(&mail));
            (unindexed, words.map(index::Entry::of))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, tz::TimeZone};

    use super::*;
    use crate::{
        notice::headline::Digest,
        pop3::listing::{Octets, UniqueId},
        store::{arrival::Arrival, search::Query, seen::Listed},
    };

    const HEADERS: &str = "Message-ID: <1@team.example>\r\nSubject: Lunch\r\n\r\n";

    /// A mail to be kept, whose words are put into the index later.
    fn arrival(mail: &str, is_complete: bool) -> Arrival {
        let bytes = mail.as_bytes().to_vec();
        let digest = Digest::of(&bytes, Timestamp::UNIX_EPOCH);
        let octets = Octets(bytes.len() as u64);
        let mut arrival = Arrival::new(unique_id(), octets, bytes, digest);
        (arrival.is_complete, arrival.entry) = (is_complete, None);
        arrival
    }

    fn unique_id() -> UniqueId {
        UniqueId::new(*b"a").expect("a unique-id")
    }

    #[test]
    fn words_made_of_a_mail_that_was_completed_meanwhile_are_made_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(&folder.path().join("cache.db"))
            .expect("a cache")
            .store;
        let keep = |mail: &str, is_complete| {
            let listed: Listed = [unique_id()].into_iter().collect();
            let arrivals = vec![arrival(mail, is_complete)];
            store
                .keep(arrivals, &listed, Timestamp::UNIX_EPOCH)
                .expect("kept")
        };
        let found = |words: &str| {
            let query = Query::parse(words, &TimeZone::UTC).expect("a query");
            store.search(&query, 10).expect("hits").len()
        };
        keep(HEADERS, false);
        let of_headers = entries(store.unindexed(i64::MIN, AT_ONCE).expect("a mail"));

        keep(&format!("{HEADERS}Soup.\r\n"), true);
        store.index(&of_headers).expect("written");

        assert_eq!(store.waiting().expect("a count"), 1);
        while store.index_more().expect("written") {}
        assert_eq!((found("soup"), found("lunch")), (1, 1));
    }
}

//! What came in great numbers is put into the full-text index behind the check that has brought it: a first
//! check is over in half the time, and its notices can be read meanwhile.

use jiff::Timestamp;

use super::{Error, Store, index};
use crate::notice::{NoticeId, headline::Digest};

/// How many notices are put into the index at once: as long as that takes nobody else reads the cache.
const AT_ONCE: i64 = 100;
/// And where somebody waits for all of them.
const AT_ONCE_FOR_A_SEARCH: i64 = 1_000;
/// And with how many octets of mail.
const OCTETS_AT_ONCE: usize = 8 * 1024 * 1024;

impl Store {
    /// Puts some more notices into the index; false if there are no more.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn index_more(&self) -> Result<bool, Error> {
        self.index_some(AT_ONCE)
    }

    /// Puts all that are left into the index, as far as anything may be written.
    pub(super) fn index_all(&self) -> Result<(), Error> {
        loop {
            match self.index_some(AT_ONCE_FOR_A_SEARCH) {
                Ok(true) => {}
                Ok(false) | Err(Error::ReadOnly { .. } | Error::Full { .. }) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn index_some(&self, most: i64) -> Result<bool, Error> {
        // The lowest first: the index writes itself out whenever an id is lower than the one before.
        let mails: Vec<(i64, Option<Vec<u8>>)> = self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT unindexed.id, mail.bytes FROM unindexed LEFT JOIN mail USING (id) \
                 ORDER BY unindexed.id LIMIT ?1",
            )?;
            let mut rows = statement.query([most])?;
            let (mut mails, mut octets) = (Vec::new(), 0);
            while octets < OCTETS_AT_ONCE
                && let Some(row) = rows.next()?
            {
                let mail: Option<Vec<u8>> = row.get(1)?;
                octets += mail.as_ref().map_or(0, Vec::len);
                mails.push((row.get(0)?, mail));
            }
            Ok(mails)
        })?;
        if mails.is_empty() {
            return Ok(false);
        }
        let now = Timestamp::now();
        let entries: Vec<(i64, Option<index::Entry>)> = mails
            .into_iter()
            .map(|(id, mail)| {
                let words = mail.map(|mail| Digest::of(&mail, now).search_text);
                (id, words.map(index::Entry::of))
            })
            .collect();
        self.write_lightly(|transaction| {
            let mut done = transaction.prepare_cached("DELETE FROM unindexed WHERE id = ?1")?;
            for (id, entry) in &entries {
                // Another program may have been here meanwhile.
                if done.execute([id])? > 0
                    && let Some(entry) = entry
                {
                    index::add(transaction, NoticeId(*id), entry)?;
                }
            }
            Ok(true)
        })
    }
}

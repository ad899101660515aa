//! Whether a server's unique-ids can be relied on: one that moves changes them all, once; one that changes
//! them at each session has none (RFC 1939 §7 has them stay).

use jiff::Timestamp;

use super::{
    check::{Check, remembered},
    findings::{Failure, Findings},
    identity::{self, Plan},
    nameless,
    tell::blocking,
};
use crate::{
    client::{self, Transaction, listing::Listing},
    notice::{fingerprint::Fingerprint, shown::Shown},
    pop3::listing::UniqueId,
    store::{self, seen::Seen},
};

/// Under this word it is remembered that unique-ids are message-numbers.
const NUMBERS: &str = "numbers";

/// After so many checks in a row that found everything renumbered unique-ids are not relied on any more.
const MOST_RENUMBERED: u32 = 2;

impl Check<'_> {
    /// True if unique-ids are not relied on. Once two listings in a row are the same they are again.
    pub(super) async fn is_unsteady(
        &self,
        digest: &str,
        are_numbers: bool,
        is_empty: bool,
    ) -> Result<bool, store::Error> {
        let Some(before) = self.recall(remembered::UNSTEADY).await? else {
            return Ok(false);
        };
        if before == NUMBERS {
            // An empty listing, or none, says nothing of that.
            if !are_numbers && !is_empty {
                self.remember(remembered::UNSTEADY, None).await?;
            }
            return Ok(are_numbers || is_empty);
        }
        let is_steady = before == digest;
        let now = (!is_steady).then(|| digest.to_owned());
        self.remember(remembered::UNSTEADY, now).await?;
        if is_steady {
            // That they are other ones than the names that were made up is no move of the server's.
            self.remember(remembered::RENUMBERED, None).await?;
        }
        Ok(!is_steady)
    }

    /// True if the unique-ids turn out to be message-numbers, which are others' once a message has left:
    /// none is left out although the last one is gone, or one is another message by its size or its headers.
    pub(super) async fn has_numbers_for_ids(
        &self,
        at: Timestamp,
        transaction: &mut Transaction,
        listing: &Listing,
        seen: &Seen,
        findings: &mut Findings,
    ) -> Result<bool, Failure> {
        let unique_ids = listing.unique_ids.as_deref().unwrap_or_default();
        if !identity::are_numbers(unique_ids) {
            return Ok(false);
        }
        let have_moved = identity::have_numbers_moved(listing, seen)
            || self.is_last_another(at, transaction, listing, seen).await?;
        if !have_moved {
            return Ok(false);
        }
        findings.note(Shown::line(
            "the server gives message-numbers as unique-ids: from now on notices are told apart by their \
             headers",
        ));
        self.remember(remembered::UNSTEADY, Some(NUMBERS.to_owned()))
            .await?;
        Ok(true)
    }

    /// True if the last message that was seen under its number is another by now: bots send mails of one size, and
    /// where one of them has left, those behind it have moved up.
    async fn is_last_another(
        &self,
        at: Timestamp,
        transaction: &mut Transaction,
        listing: &Listing,
        seen: &Seen,
    ) -> Result<bool, Failure> {
        let largest = self.settings.largest_message.0;
        let mut lines = listing.scan.iter().rev();
        let last = lines.find_map(|line| {
            let is_moderate = line.octets.0 <= nameless::MODERATE.min(largest);
            let unique_id = UniqueId::new(line.message.value().to_string().into_bytes())?;
            let mut known = seen.get(&unique_id).iter();
            let is_seen = known
                .any(|known| known.copies > 0 && known.is_complete && known.octets == line.octets);
            (is_moderate && is_seen).then_some((line, unique_id))
        });
        let Some((line, unique_id)) = last else {
            return Ok(false);
        };
        if self.broke_lately(remembered::LAST_BROKE, at).await? {
            return Ok(false);
        }
        let headers = nameless::headers(transaction, line, largest);
        let headers = match self.unless_cancelled(headers).await? {
            // It was to be a small one, and nothing behind it can be read: as good as hung up.
            Err(client::Error::TooLarge { .. }) => Err(client::Error::Closed),
            headers => headers,
        };
        let headers = self
            .note_hang_up(remembered::LAST_BROKE, at, headers)
            .await?;
        let Some(headers) = headers else {
            return Ok(false);
        };
        let store = self.store.clone();
        Ok(
            !blocking(move || store.has_seen_as(&unique_id, &Fingerprint::of_headers(&headers)))
                .await?,
        )
    }

    /// True if unique-ids were given to other messages than before, as was seen by some.
    pub(super) async fn are_reused(&self) -> Result<bool, store::Error> {
        Ok(self.recall(remembered::REUSED).await?.is_some())
    }

    /// Notes it if most of the messages whose size is another than before turned out to be others, and these are not
    /// few: then those of the same size may be others as well.
    pub(super) async fn count_reused(
        &self,
        others: u32,
        plan: &Plan,
        findings: &mut Findings,
    ) -> Result<(), store::Error> {
        let others = others as usize;
        if others < identity::many_resized(plan.on_server) || others * 2 <= plan.resized.len() {
            return Ok(());
        }
        findings.has_open_ends = true;
        self.remember(remembered::REUSED, Some("yes".to_owned()))
            .await
    }

    /// A server that moves gives all notices other unique-ids, once. One that does it at each check has none
    /// that are worth the name.
    pub(super) async fn count_renumbering(
        &self,
        is_renumbered: bool,
        findings: &mut Findings,
    ) -> Result<(), store::Error> {
        let before = self.recall(remembered::RENUMBERED).await?;
        if !is_renumbered {
            return match before {
                Some(_) => self.remember(remembered::RENUMBERED, None).await,
                None => Ok(()),
            };
        }
        let before: u32 = before.and_then(|count| count.parse().ok()).unwrap_or(0);
        let count = before + 1;
        self.remember(remembered::RENUMBERED, Some(count.to_string()))
            .await?;
        if count >= MOST_RENUMBERED {
            findings.note(Shown::line(
                "the server gives every notice another unique-id at each check: from now on notices are \
                 told apart by their headers",
            ));
            self.remember(remembered::UNSTEADY, Some("yes".to_owned()))
                .await?;
        }
        Ok(())
    }
}

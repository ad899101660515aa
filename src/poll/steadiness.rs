//! Whether a server's unique-ids can be relied on: one that moves changes them all, once; one that changes
//! them at each session has none (RFC 1939 §7 has them stay).

use super::{
    check::{Check, remembered},
    findings::Findings,
    identity,
};
use crate::{
    client::listing::Listing,
    notice::shown::Shown,
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
    /// none is left out although the last one is gone, or one is another message by its size.
    pub(super) async fn has_numbers_for_ids(
        &self,
        listing: &Listing,
        seen: &Seen,
        findings: &mut Findings,
    ) -> Result<bool, store::Error> {
        if !identity::have_numbers_moved(listing, seen) {
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

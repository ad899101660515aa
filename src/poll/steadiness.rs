//! Whether a server's unique-ids can be relied on: one that moves changes them all, once; one that changes
//! them at each session has none (RFC 1939 §7 has them stay).

use super::{
    check::{Check, remembered},
    findings::Findings,
};
use crate::{notice::shown::Shown, store};

/// After so many checks in a row that found everything renumbered unique-ids are not relied on any more.
const MOST_RENUMBERED: u32 = 2;

impl Check<'_> {
    /// True if unique-ids are not relied on. Once two listings in a row are the same they are again.
    pub(super) async fn is_unsteady(&self, digest: &str) -> Result<bool, store::Error> {
        let Some(before) = self.recall(remembered::UNSTEADY).await? else {
            return Ok(false);
        };
        let is_steady = before == digest;
        let now = (!is_steady).then(|| digest.to_owned());
        self.remember(remembered::UNSTEADY, now).await?;
        Ok(!is_steady)
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

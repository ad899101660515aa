//! What the messages of a listing are known by: their unique-ids, or where the server gives none that can be relied on,
//! their headers.

use super::{
    check::{Check, remembered},
    findings::{Failure, Findings},
    identity,
    nameless::{self, Known},
};
use crate::{
    client::{self, Transaction, listing::Listing},
    notice::shown::Shown,
    pop3::{
        capability::Capability,
        listing::{MessageNumber, ScanListing, UniqueId},
    },
    store::seen::Seen,
};

/// How many messages without a unique-id among others that have one are told apart by their headers in one check.
const MOST_UNNAMED: usize = 100;

/// Messages, each with what it is known by.
type Named = Vec<(MessageNumber, UniqueId)>;

impl Check<'_> {
    /// The listed messages with their names.
    pub(super) async fn names(
        &self,
        transaction: &mut Transaction,
        listing: &mut Listing,
        seen: &Seen,
        known: &Known<'_>,
        is_unsteady: bool,
        findings: &mut Findings,
    ) -> Result<Named, Failure> {
        let given = listing.unique_ids.take().filter(|_| !is_unsteady);
        if let Some(lines) = given {
            let named = lines.into_iter().map(|line| (line.message, line.unique_id));
            let named: Named = named.collect();
            let unnamed = identity::unnamed(listing, &named);
            return self
                .name_others(transaction, named, &unnamed, known, findings)
                .await;
        }
        let has_uidl = transaction
            .capabilities()
            .is_none_or(|capabilities| capabilities.has(&Capability::Uidl));
        // It had unique-ids and cannot give them just now: by other names all that is there
        // would be fetched again.
        if has_uidl
            && !is_unsteady
            && nameless::has_other_names(seen)
            && let Some(response) = listing.refused.take()
        {
            let request = "UIDL";
            return Err(client::Error::Rejected { request, response }.into());
        }
        // Of a server that gives others each time that has been said once.
        if !is_unsteady {
            findings.note(Shown::line(
                "the server cannot tell notices apart (no UIDL): their headers do",
            ));
        }
        let names = self
            .names_by_headers(transaction, &listing.scan, known, usize::MAX)
            .await?;
        Ok(names?)
    }

    /// Names for these messages by their headers, for at most so many that had none before.
    async fn names_by_headers(
        &self,
        transaction: &mut Transaction,
        scan: &[ScanListing],
        known: &Known<'_>,
        most: usize,
    ) -> Result<Result<Named, client::Error>, Failure> {
        let names = nameless::names(transaction, scan, known, most);
        match self.unless_cancelled(names).await? {
            Ok(found) => {
                self.remember(remembered::PATTERN, Some(found.pattern))
                    .await?;
                Ok(Ok(found.names))
            }
            Err(error) => {
                if let client::Error::TooLarge { message, .. } = &error
                    && let Some(name) = nameless::oversized(scan, *message)
                {
                    self.note_oversized(name).await?;
                }
                Ok(Err(error))
            }
        }
    }

    /// The messages with their names: those that have no unique-id among others that have one are told apart by their
    /// headers. A listing that is cut off leaves out many: of those some more at each check. Where the connection ends
    /// over them it is done without for a while.
    async fn name_others(
        &self,
        transaction: &mut Transaction,
        mut named: Named,
        unnamed: &[ScanListing],
        known: &Known<'_>,
        findings: &mut Findings,
    ) -> Result<Named, Failure> {
        let name = remembered::UNNAMED_BROKE;
        if unnamed.is_empty() || self.broke_lately(name, known.at).await? {
            return Ok(named);
        }
        let others = self
            .names_by_headers(transaction, unnamed, known, MOST_UNNAMED)
            .await?;
        let others = self.note_hang_up(name, known.at, others).await?;
        if !others.is_empty() {
            findings.note(Shown::line(&match others.len() {
                1 => "1 message without a unique-id is told apart by its headers".to_owned(),
                count => {
                    format!("{count} messages without unique-ids are told apart by their headers")
                }
            }));
        }
        named.extend(others);
        Ok(named)
    }
}

//! What a visit looks at first: whether anything has changed at the server since the last one, and what.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    check::{Check, remembered},
    findings::{Before, Failure, Findings, Found, Looked},
    identity,
    tell::blocking,
};
use crate::{
    client::{
        Transaction,
        listing::{Bodies, Growth, Listing},
    },
    net::tls::hex,
    pop3::listing::DropListing,
    store::{self, seen::Seen},
};

/// Of more messages than these the whole listing is asked for.
const MOST_ARRIVED: u32 = 100;

/// So long the whole listing is asked for where the sizes of some messages could not be had.
const MOST_DISTRUST: Duration = Duration::from_secs(30 * 86_400);

impl Check<'_> {
    /// Asks what is at the server. Most checks end with STAT and UIDL, whatever the mailbox's size, and most
    /// others need no more than the sizes of the few messages that have come.
    pub(super) async fn look(
        &self,
        at: Timestamp,
        transaction: &mut Transaction,
        pipelines: bool,
        findings: &Findings,
    ) -> Result<Looked, Failure> {
        let Some(last) = self.recall(remembered::LISTING).await? else {
            let listing = transaction.listing(pipelines);
            let bodies = self.unless_cancelled(listing).await??;
            return Ok(self.found(bodies, self.seen().await?));
        };
        let stated = self.unless_cancelled(transaction.stat(pipelines)).await??;
        let before = drop_listing_of(&last);
        let more = before.and_then(|before| stated.growth(before));
        let glance = if let (Some(before), Some(more)) = (before, more)
            && pipelines
            && more <= MOST_ARRIVED
            && !findings.lists_whole
            && self.may_list_some(at).await?
        {
            let growth = transaction.growth_behind(stated, before, more);
            let (growth, forgotten) =
                tokio::join!(self.unless_cancelled(growth), self.forget_listing());
            forgotten?;
            let growth = growth??;
            match self.grown(&growth, before, &last).await? {
                Some((listing, digest)) => {
                    return Ok(Looked::Listed(Box::new(Found {
                        listing,
                        seen: Seen::default(),
                        digest,
                        before: Some(Before {
                            messages: before.messages,
                            all: growth.into_glance(),
                        }),
                    })));
                }
                None => growth.into_glance(),
            }
        } else if stated.differs(before) {
            // What was seen is looked up while the listings are on their way.
            let listing = transaction.listing_behind(stated, pipelines);
            let (bodies, forgotten, seen) = tokio::join!(
                self.unless_cancelled(listing),
                self.forget_listing(),
                self.seen()
            );
            forgotten?;
            return Ok(self.found(bodies??, seen?));
        } else {
            self.unless_cancelled(transaction.glance(stated)).await??
        };
        // Message-numbers and sizes may be the same of other messages.
        let are_numbers =
            glance.messages() > 0 && glance.lines().all(|line| identity::is_number(&line));
        let digest = glance.digest();
        let is_unchanged =
            digest.is_some_and(|(digest, listing)| self.with_limits(&digest, listing) == last);
        if is_unchanged && !are_numbers {
            let messages = glance.messages();
            return Ok(Looked::Unchanged { messages });
        }
        let listing = transaction.look_closer(glance);
        let (bodies, seen) = tokio::join!(self.unless_cancelled(listing), self.seen());
        let bodies = bodies??;
        // Without unique-ids a listing says too little: the same sizes may be other messages.
        if bodies.has_unique_ids() && !are_numbers && last == self.digest(&bodies) {
            let messages = bodies.messages();
            return Ok(Looked::Unchanged { messages });
        }
        self.forget_listing().await?;
        Ok(self.found(bodies, seen?))
    }

    /// From here to the end of a check that comes through the cache may lie between two listings.
    async fn forget_listing(&self) -> Result<(), store::Error> {
        self.remember(remembered::LISTING, None).await
    }

    /// True unless the server's unique-ids, or its answers to LIST with a number, are known to be no good. A
    /// network that died at the wrong moment looks like the latter: after a while it is tried again.
    async fn may_list_some(&self, at: Timestamp) -> Result<bool, store::Error> {
        let lists_whole = self.recall(remembered::LISTS_WHOLE).await?;
        let since: Option<i64> = lists_whole.and_then(|seconds| seconds.parse().ok());
        let is_long_ago = |since: i64| at.as_second().abs_diff(since) > MOST_DISTRUST.as_secs();
        Ok(since.is_none_or(is_long_ago) && self.recall(remembered::UNSTEADY).await?.is_none())
    }

    /// What has come, and what the next listing is compared with, if that is sure to be all: what stands before
    /// is as it was, and what has come is under unique-ids that were never seen.
    async fn grown(
        &self,
        growth: &Growth,
        before: DropListing,
        last: &str,
    ) -> Result<Option<(Listing, String)>, Failure> {
        let is_as_it_was = growth
            .digest_before()
            .is_some_and(|digest| self.with_limits(&digest, before) == last);
        let (true, Some(listing)) = (is_as_it_was, growth.arrived()) else {
            return Ok(None);
        };
        let Some((digest, now)) = growth.glance().digest() else {
            return Ok(None);
        };
        let lines = listing.unique_ids.as_deref().unwrap_or_default();
        let mut names: Vec<_> = lines.iter().map(|line| line.unique_id.clone()).collect();
        names.sort_unstable();
        let is_one_twice = names.windows(2).any(|names| names[0] == names[1]);
        if is_one_twice || identity::are_numbers(lines) {
            return Ok(None);
        }
        let store = self.store.clone();
        let is_one_seen = blocking(move || store.has_seen_one_of(&names)).await?;
        Ok((!is_one_seen).then(|| (listing, self.with_limits(&digest, now))))
    }

    fn found(&self, bodies: Bodies, seen: Seen) -> Looked {
        let digest = self.digest(&bodies);
        Looked::Listed(Box::new(Found {
            listing: bodies.parse(),
            seen,
            digest,
            before: None,
        }))
    }

    fn digest(&self, bodies: &Bodies) -> String {
        self.with_limits(&bodies.digest(), bodies.drop_listing())
    }

    /// What the next listing is compared with: this one, and what else decides what is fetched.
    fn with_limits(&self, digest: &[u8], drop_listing: DropListing) -> String {
        let largest = self.settings.largest_message.0;
        format!("{} {largest}{STAT}{drop_listing}", hex(digest))
    }

    async fn seen(&self) -> Result<Seen, store::Error> {
        let store = self.store.clone();
        blocking(move || store.seen()).await
    }
}

/// What stands before STAT's answer in what is remembered of a listing.
const STAT: &str = " stat ";

/// What STAT answered for the listing of which this is remembered.
fn drop_listing_of(remembered: &str) -> Option<DropListing> {
    let (_, stat) = remembered.split_once(STAT)?;
    DropListing::parse(stat)
}

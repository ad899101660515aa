//! Which listed message is which kept notice (pure), and so what is to be fetched.
//!
//! A message is known by its unique-id; a notice by its unique-id *and* its fingerprint, because
//! servers give one unique-id to two messages, use one again, or change all of them at once. What
//! is fetched and turns out to be a kept notice under another name is recognised when it is kept
//! (`store::keep`).

use std::collections::{HashMap, HashSet};

use crate::{
    client::{
        Listing,
        fetch::{Fetch, Part},
    },
    notice::NoticeId,
    pop3::listing::{MessageNumber, Octets, UniqueId},
    store::keep::Seen,
};

/// What a listing means for the cache.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What is to be fetched, newest first, with its unique-id.
    pub fetch: Vec<(Fetch, UniqueId)>,
    /// Notices that were there and are not listed any more.
    pub missing: Vec<NoticeId>,
    /// Notices thought withdrawn that are listed again.
    pub returned: Vec<NoticeId>,
    /// True if nothing that was there is listed any more: doubtful, so nothing is withdrawn yet.
    pub is_doubtful: bool,
    /// The unique-ids that are listed.
    pub listed: HashSet<UniqueId>,
    /// How many messages are listed.
    pub on_server: u32,
    /// How many listed messages had no unique-id.
    pub nameless: u32,
}

/// The most messages that are fetched again because LIST says another size than before.
const MOST_RESIZED: usize = 50;

/// Compares a listing with what was seen. Messages of more than `largest` octets are asked for
/// their headers alone, and so are those that turned out to be larger than LIST says.
pub fn plan(
    listing: &Listing,
    unique_ids: &[(MessageNumber, UniqueId)],
    seen: &Seen,
    oversized: &HashSet<UniqueId>,
    largest: u64,
) -> Plan {
    let sizes: HashMap<MessageNumber, Octets> = listing
        .scan
        .iter()
        .map(|line| (line.message, line.octets))
        .collect();
    let mut plan = Plan {
        on_server: u32::try_from(sizes.len().max(unique_ids.len())).unwrap_or(u32::MAX),
        ..Plan::default()
    };
    let mut copies: HashMap<&UniqueId, Vec<(MessageNumber, Octets)>> =
        HashMap::with_capacity(unique_ids.len());
    for (message, unique_id) in unique_ids {
        let octets = sizes.get(message).copied().unwrap_or_default();
        copies
            .entry(unique_id)
            .or_default()
            .push((*message, octets));
    }
    plan.nameless = u32::try_from(sizes.len().saturating_sub(unique_ids.len())).unwrap_or(0);

    let mut resized = 0;
    for (unique_id, messages) in &copies {
        let known = seen.get(*unique_id).map_or(&[][..], Vec::as_slice);
        plan.returned.extend(
            known
                .iter()
                .filter(|known| known.is_withdrawn)
                .map(|known| known.notice),
        );
        let accounted: u32 = known.iter().map(|known| known.copies).sum();
        let is_short = (accounted as usize) < messages.len();
        let is_resized = !known.is_empty()
            && messages.iter().any(|(_, octets)| {
                octets.0 != 0
                    && known
                        .iter()
                        .all(|known| known.octets.0 != 0 && known.octets != *octets)
            });
        let can_complete = known.iter().any(|known| {
            !known.is_complete
                && known.octets.0 != 0
                && known.octets.0 <= largest
                && !oversized.contains(*unique_id)
        });
        let again = is_resized && resized < MOST_RESIZED;
        if is_short || again || can_complete {
            resized += usize::from(again && !is_short);
            plan.fetch.extend(messages.iter().map(|&(message, octets)| {
                let part = if octets.0 > largest || oversized.contains(*unique_id) {
                    Part::Headers
                } else {
                    Part::Whole
                };
                let fetch = Fetch {
                    message,
                    octets,
                    part,
                };
                (fetch, (*unique_id).clone())
            }));
        }
    }
    // The highest number came last (RFC 1939 has no word on it; every server does it so).
    plan.fetch
        .sort_unstable_by_key(|(fetch, _)| std::cmp::Reverse(fetch.message));
    plan.listed = copies
        .keys()
        .map(|unique_id| (*unique_id).clone())
        .collect();

    // A notice may have several unique-ids; it is missing if none of them is listed.
    let mut present: HashMap<NoticeId, bool> = HashMap::new();
    for (unique_id, known) in seen {
        let is_listed = plan.listed.contains(unique_id);
        for known in known.iter().filter(|known| !known.is_withdrawn) {
            *present.entry(known.notice).or_default() |= is_listed;
        }
    }
    plan.missing = present
        .iter()
        .filter(|(_, is_listed)| !**is_listed)
        .map(|(notice, _)| *notice)
        .collect();
    plan.missing.sort_unstable();
    plan.returned.sort_unstable();
    plan.returned.dedup();
    // Some that go are ordinary; all of them at once is a server that has moved or forgotten.
    plan.is_doubtful = !present.is_empty() && plan.missing.len() == present.len();
    plan
}

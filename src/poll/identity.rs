//! Which listed message is which kept notice (pure), and so what is to be fetched.
//!
//! A message is known by its unique-id; a notice by its unique-id *and* its fingerprint, because
//! servers give one unique-id to two messages, use one again, or change all of them at once. What
//! is fetched and turns out to be a kept notice under another name is recognised when it is kept
//! (`store::recognise`).

use std::{collections::HashSet, time::Duration};

use jiff::Timestamp;

use crate::{
    client::{
        fetch::{Fetch, Part},
        listing::Listing,
    },
    notice::NoticeId,
    pop3::listing::{MessageNumber, Octets, ScanListing, UniqueId, UniqueIdListing},
    store::seen::{Listed, Seen, Troubles, trouble_name},
};

/// What a listing means for the cache.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What is to be fetched, newest first, with its unique-id.
    pub fetch: Vec<(Fetch, UniqueId)>,
    /// Unique-ids among them that were seen before: how many copies they stand for is counted anew.
    pub again: Vec<UniqueId>,
    /// Unique-ids of which fewer copies of the one notice are listed than there were, and how many are left.
    pub fewer: Vec<(UniqueId, u32)>,
    /// Notices that were there and are not listed any more.
    pub missing: Vec<NoticeId>,
    /// True if nothing that was there is listed any more, or the listing may be cut off: doubtful, so nothing is
    /// withdrawn yet.
    pub is_doubtful: bool,
    /// The unique-ids of the listing, and how often; only where there is something to fetch. Those that may be others'
    /// by now are left out, as long as they are not fetched: their notices may be listed under another.
    pub listed: Listed,
    /// How many messages are at the server: those of the listing, and those that were left out of it because
    /// they are as they were.
    pub on_server: u32,
    /// Unique-ids among them under which a message has another size than before, in their order.
    pub resized: Vec<UniqueId>,
    /// True if what was known by a unique-id may turn out not to be there any more once that is fetched.
    pub may_miss: bool,
    /// How many unique-ids with another size than before are left for the next check.
    pub left_out: u32,
    /// How many listed messages had no unique-id.
    pub nameless: u32,
}

/// How many times the connection may end in a message before it is shown as one that cannot be had.
pub const MOST_BREAKS: u32 = 3;
/// How long the first rest is of a message that ended the connection each time.
const FIRST_REST: Duration = Duration::from_secs(15 * 60);
/// The longest rest of a message, and of the headlines, that ended the connection.
pub const DAY: Duration = Duration::from_secs(86_400);
/// The most messages that are fetched again because LIST says another size than before, as long as they turn out to
/// be what they were.
const MOST_RESIZED: usize = 50;

/// Compares a listing with what was seen. Messages of more than `largest` octets are asked for
/// their headers alone, and so are those that turned out to be larger than LIST says. With `are_reused` all are fetched
/// again: their unique-ids were others' before, and where the size is the same nothing else tells.
///
/// A mailbox may have a hundred thousand messages and is looked at every minute: all of this sorts
/// places, and copies no name.
pub fn plan(
    listing: &Listing,
    mut unique_ids: Vec<(MessageNumber, UniqueId)>,
    seen: &Seen,
    oversized: &HashSet<UniqueId>,
    largest: u64,
    are_reused: bool,
) -> Plan {
    unique_ids.sort_unstable_by(|(left_number, left), (right_number, right)| {
        left.cmp(right).then(left_number.cmp(right_number))
    });
    let mut plan = Plan {
        on_server: count(listing.scan.len().max(unique_ids.len())),
        nameless: count(listing.scan.len().saturating_sub(unique_ids.len())),
        ..Plan::default()
    };

    let mut resized = 0;
    let mut left_out = Vec::new();
    // Of each seen unique-id, how often it is listed.
    let mut listings = vec![0; seen.len()];
    let mut walk = seen.walk();
    for copies in unique_ids.chunk_by(|(_, left), (_, right)| left == right) {
        let unique_id = &copies[0].1;
        let found = walk.find(unique_id);
        if let Some((place, _)) = found {
            listings[place] = copies.len();
        }
        let known = found.map_or(&[][..], |(_, known)| known);
        let is_oversized = oversized.contains(unique_id);
        // Unique-ids are used again: what had left is only back if it is the same.
        let has_left = known
            .iter()
            .any(|known| known.is_withdrawn && known.copies > 0);
        let accounted: u32 = known.iter().map(|known| known.copies).sum();
        let is_short = (accounted as usize) < copies.len();
        let is_fewer = accounted as usize > copies.len();
        let stand_for = known.iter().filter(|known| known.copies > 0).count();
        if is_fewer && stand_for == 1 {
            plan.fewer.push((unique_id.clone(), count(copies.len())));
        }
        // Which of several has left only they themselves tell.
        let is_over = is_fewer && stand_for > 1;
        let is_resized = !known.is_empty()
            && copies.iter().any(|(message, _)| {
                let octets = size(listing, *message);
                octets.0 != 0
                    && known
                        .iter()
                        .all(|known| known.octets.0 != 0 && known.octets != octets)
            });
        let can_complete = !is_oversized
            && known.iter().any(|known| {
                // Without a copy it is what the unique-id once stood for: that does not come again.
                known.copies > 0
                    && !known.is_complete
                    && known.octets.0 != 0
                    && known.octets.0 <= largest
            });
        let again = (is_resized && resized < MOST_RESIZED) || (are_reused && accounted > 0);
        let is_certain = is_short || is_over || can_complete || has_left;
        if is_resized && !again && !is_certain {
            left_out.push(unique_id.clone());
        }
        plan.may_miss |= is_over || again;
        if again && !is_short {
            plan.resized.push(unique_id.clone());
        }
        if is_certain || again {
            resized += usize::from(again && !is_short);
            if !known.is_empty() {
                plan.again.push(unique_id.clone());
            }
            plan.fetch.extend(copies.iter().map(|(message, _)| {
                let octets = size(listing, *message);
                let part = if octets.0 > largest || is_oversized {
                    Part::Headers
                } else {
                    Part::Whole
                };
                let fetch = Fetch {
                    message: *message,
                    octets,
                    part,
                };
                (fetch, unique_id.clone())
            }));
        }
    }
    // The highest number came last (RFC 1939 has no word on it; every server does it so).
    plan.fetch
        .sort_unstable_by_key(|(fetch, _)| std::cmp::Reverse(fetch.message));

    // A notice may have several unique-ids; it is missing if none of them is listed. One that all
    // listed copies stand for other notices under is no name of it any more.
    let mut present: Vec<(NoticeId, bool)> = seen
        .iter()
        .zip(listings)
        .flat_map(|((_, known), listed)| {
            let accounted: u32 = known.iter().map(|known| known.copies).sum();
            let is_open = (accounted as usize) < listed;
            known
                .iter()
                .filter(|known| !known.is_withdrawn)
                .map(move |known| (known.notice, listed > 0 && (known.copies > 0 || is_open)))
        })
        .collect();
    present.sort_unstable();
    // Of several lines for one notice the last says whether one of its names is listed.
    let mut notices = 0;
    for lines in present.chunk_by(|(left, _), (right, _)| left == right) {
        notices += 1;
        if let Some((notice, false)) = lines.last() {
            plan.missing.push(*notice);
        }
    }
    // Some that go are ordinary; all of them at once is a server that has moved or forgotten.
    plan.is_doubtful = notices > 0 && plan.missing.len() == notices
        || plan.nameless > 0
        || !listing.odd.is_empty()
        || !left_out.is_empty()
        || is_cut_off(listing);
    plan.left_out = count(left_out.len());
    if !plan.fetch.is_empty() {
        let unique_ids = unique_ids.into_iter();
        plan.listed = match plan.resized.len() + left_out.len() >= many_resized(plan.on_server) {
            // All of them may have been given anew: none claims a notice before it is fetched.
            true => plan
                .fetch
                .iter()
                .map(|(_, unique_id)| unique_id.clone())
                .collect(),
            false => {
                let all: Listed = unique_ids.map(|(_, unique_id)| unique_id).collect();
                all.without(&left_out)
            }
        };
    }
    plan
}

impl Plan {
    /// Puts what could not be fetched before behind the others, and lets rest for a while what has
    /// ended the connection each time and has a row of its own. Gives how many are left out.
    pub fn defer(&mut self, troubles: &Troubles, seen: &Seen, now: Timestamp) -> usize {
        if troubles.is_empty() {
            return 0;
        }
        let listed = &self.listed;
        let trouble = |(fetch, unique_id): &(Fetch, UniqueId)| {
            let copies = listed.copies(unique_id).unwrap_or(1);
            troubles.get(&trouble_name(unique_id, fetch.octets, copies))
        };
        let is_hopeless = |wanted: &(Fetch, UniqueId)| {
            trouble(wanted).is_some_and(|trouble| {
                let since = now.as_second().abs_diff(trouble.tried.as_second());
                since < rest(trouble.broke).as_secs()
            }) && !seen.get(&wanted.1).is_empty()
        };
        let before = self.fetch.len();
        let mut fetch = std::mem::take(&mut self.fetch);
        fetch.retain(|wanted| !is_hopeless(wanted));
        fetch.sort_by_key(|wanted| trouble(wanted).is_some());
        self.fetch = fetch;
        self.count_no_other_again();
        before - self.fetch.len()
    }

    /// Leaves the first messages, as many as have so many octets, and at least one; the others are for the
    /// next check. Messages of one unique-id stay together. Gives how many are left out.
    pub fn slice(&mut self, octets: u64) -> u32 {
        let mut sum = 0u64;
        let fits = |(fetch, _): &&(Fetch, UniqueId)| {
            let begins = sum < octets;
            sum = sum.saturating_add(fetch.octets.0);
            begins
        };
        let first = self.fetch.iter().take_while(fits).count();
        if first == self.fetch.len() {
            return 0;
        }
        let wanted: HashSet<UniqueId> = self.fetch[..first]
            .iter()
            .map(|(_, unique_id)| unique_id.clone())
            .collect();
        let before = self.fetch.len();
        self.fetch
            .retain(|(_, unique_id)| wanted.contains(unique_id));
        self.count_no_other_again();
        count(before - self.fetch.len())
    }

    /// Only what is fetched is counted anew.
    fn count_no_other_again(&mut self) {
        let wanted: HashSet<&UniqueId> =
            self.fetch.iter().map(|(_, unique_id)| unique_id).collect();
        let again = std::mem::take(&mut self.again).into_iter();
        let (again, left_out): (Vec<_>, Vec<_>) =
            again.partition(|unique_id| wanted.contains(unique_id));
        self.again = again;
        // It was in the order of the names.
        self.listed = self.listed.without(&left_out);
    }
}

/// How much is fetched at once where others wait for the maildrop, in octets: a second or so of most
/// connections.
pub const SLICE: u64 = 1_000_000;

/// How long a message is not asked for again after the connection has ended in it so many times: not
/// at all at first, since it may be the network's fault, then twice as long each time.
pub fn rest(broke: u32) -> Duration {
    let Some(doublings) = broke.checked_sub(MOST_BREAKS) else {
        return Duration::ZERO;
    };
    let factor = 2u32.saturating_pow(doublings);
    FIRST_REST.saturating_mul(factor).min(DAY)
}

/// What LIST says of a message; the scan listing is in the order of the numbers.
fn size(listing: &Listing, message: MessageNumber) -> Octets {
    // Its number is its place, unless there are gaps.
    let scan = &listing.scan;
    let place = match scan.get(message.index()) {
        Some(line) if line.message == message => Ok(message.index()),
        _ => scan.binary_search_by_key(&message, |line| line.message),
    };
    place.map(|place| scan[place].octets).unwrap_or_default()
}

/// So many messages of another size than before are many, of so many at the server: unique-ids may have been given
/// anew. One alone may be a mail that has come under the unique-id of one that has left.
pub fn many_resized(on_server: u32) -> usize {
    (on_server / 10).clamp(2, 20) as usize
}

/// The messages that LIST names and UIDL does not. Both are in the order of the numbers.
pub fn unnamed(listing: &Listing, named: &[(MessageNumber, UniqueId)]) -> Vec<ScanListing> {
    let mut named = named.iter().map(|(message, _)| *message).peekable();
    let scan = listing.scan.iter().copied();
    scan.filter(|line| {
        while named.next_if(|message| *message < line.message).is_some() {}
        named.peek() != Some(&line.message)
    })
    .collect()
}

/// True if STAT counts more messages than are listed.
pub fn is_cut_off(listing: &Listing) -> bool {
    let listed = count(listing.scan.len());
    listing.stated.is_some_and(|stated| stated > listed)
}

fn count(messages: usize) -> u32 {
    u32::try_from(messages).unwrap_or(u32::MAX)
}

/// True if each unique-id is the number of its message.
pub fn are_numbers(unique_ids: &[UniqueIdListing]) -> bool {
    !unique_ids.is_empty() && unique_ids.iter().all(is_number)
}

/// True if a unique-id is the number of its message.
pub fn is_number(line: &UniqueIdListing) -> bool {
    line.unique_id.as_bytes() == line.message.value().to_string().as_bytes()
}

/// True if a notice was seen under a number that is higher than all that are listed, and it had not left.
fn is_one_gone_behind(listed: usize, seen: &Seen) -> bool {
    seen.iter().any(|(unique_id, known)| {
        let number = str::from_utf8(unique_id.as_bytes());
        let number = number.ok().and_then(|text| text.parse::<usize>().ok());
        number.is_some_and(|number| number > listed)
            && known
                .iter()
                .any(|known| known.copies > 0 && !known.is_withdrawn)
    })
}

/// True if more than one message has another size than what was seen under its number: one may be another
/// mail under a unique-id that is used again.
fn is_resized(listing: &Listing, seen: &Seen) -> bool {
    let resized = listing.scan.iter().filter(|line| {
        let name = UniqueId::new(line.message.value().to_string().into_bytes());
        let known = name.as_ref().map_or(&[][..], |name| seen.get(name));
        line.octets.0 != 0
            && !known.is_empty()
            && known
                .iter()
                .all(|known| known.octets.0 != 0 && known.octets != line.octets)
    });
    resized.take(2).count() == 2
}

/// True if unique-ids that are message-numbers stand for other messages than before, by how many there are and how
/// large they are.
pub fn have_numbers_moved(listing: &Listing, seen: &Seen) -> bool {
    let listed = listing.unique_ids.as_ref().map_or(0, Vec::len);
    is_one_gone_behind(listed, seen) || is_resized(listing, seen)
}

//! Names for the messages of a server without UIDL: the digest of their headers, and their size.
//!
//! Only those are asked for whose number and size have changed since the last listing, whose
//! pattern is remembered as JSON; and the last of the others, to see whether they have moved up.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::{
    client::{
        self, Transaction,
        fetch::{Fetch, Fetched, Part},
    },
    net::tls::hex,
    notice::headline::Digest,
    pop3::listing::{MessageNumber, Octets, ScanListing, UniqueId},
    store::seen::Seen,
};

/// The messages with their names, and the pattern to remember for the next time.
pub(super) struct Names {
    /// A name for each message, in the order of their numbers.
    pub names: Vec<(MessageNumber, UniqueId)>,
    /// Numbers, sizes and names, as JSON.
    pub pattern: String,
}

/// What a visit knows when it looks for names.
pub(super) struct Known<'a> {
    /// When it is made.
    pub at: Timestamp,
    /// The pattern of the last listing.
    pub pattern: Option<String>,
    /// Messages that are larger than LIST says.
    pub oversized: &'a HashSet<UniqueId>,
    /// The most octets of a message that is fetched whole.
    pub largest: u64,
    /// How many requests are sent ahead.
    pub ahead: usize,
}

/// Finds names for these messages of a listing, which are in the order of their numbers; for the newest of those that
/// the pattern does not know, at most so many.
pub(super) async fn names(
    transaction: &mut Transaction,
    scan: &[ScanListing],
    known: &Known<'_>,
    most: usize,
) -> Result<Names, client::Error> {
    let mut pattern: HashMap<(u32, u64), String> = known
        .pattern
        .as_deref()
        .and_then(|text| serde_json::from_str::<Vec<(u32, u64, String)>>(text).ok())
        .unwrap_or_default()
        .into_iter()
        .map(|(number, octets, name)| ((number, octets), name))
        .collect();
    if !is_still_so(transaction, scan, &pattern, known).await? {
        pattern.clear();
    }

    let mut names = Vec::with_capacity(scan.len());
    let mut wanted = Vec::new();
    for line in scan {
        match pattern.get(&(line.message.value(), line.octets.0)) {
            Some(name) => names.push((line.message, line.octets, name.clone())),
            None => wanted.push(headers_of(line)),
        }
    }
    wanted.drain(..wanted.len().saturating_sub(most));
    while !wanted.is_empty() {
        let mut without_top = Vec::new();
        let mut fetching =
            transaction.fetch(std::mem::take(&mut wanted), known.ahead, known.largest);
        while let Some((fetch, fetched)) = fetching.next().await? {
            match fetched {
                Fetched::Bytes(bytes) => {
                    names.push((fetch.message, fetch.octets, name(&bytes, fetch.octets)));
                }
                // Neither UIDL nor TOP: the whole message must tell, if it may be fetched at all.
                Fetched::Refused(_) if fetch.part == Part::Headers => {
                    if is_too_large(fetch.octets, known) {
                        names.push((fetch.message, fetch.octets, name_by_size(fetch.octets)));
                    } else {
                        without_top.push(Fetch {
                            part: Part::Whole,
                            ..fetch
                        });
                    }
                }
                // It has no name this time, so nothing is taken to have left.
                Fetched::Refused(_) => {}
            }
        }
        wanted = without_top;
    }
    names.sort_by_key(|(message, _, _)| *message);
    let pattern: Vec<(u32, u64, &str)> = names
        .iter()
        .map(|(message, octets, name)| (message.value(), octets.0, name.as_str()))
        .collect();
    let pattern = serde_json::to_string(&pattern).expect("numbers and text are JSON");
    let names = names
        .into_iter()
        .filter_map(|(message, _, name)| {
            UniqueId::new(name.into_bytes()).map(|unique_id| (message, unique_id))
        })
        .collect();
    Ok(Names { names, pattern })
}

/// True if the last message that the pattern seems to know is what it was. Bots send mails of one
/// size: if one of them left, the others moved up, and so the last of them is another.
async fn is_still_so(
    transaction: &mut Transaction,
    scan: &[ScanListing],
    pattern: &HashMap<(u32, u64), String>,
    known: &Known<'_>,
) -> Result<bool, client::Error> {
    // Where TOP is refused it is fetched whole each time: one of moderate size, then.
    let is_known = |line: &&ScanListing| {
        line.octets.0 <= MODERATE
            && pattern.contains_key(&(line.message.value(), line.octets.0))
            && !is_too_large(line.octets, known)
    };
    let Some(last) = scan.iter().rev().find(is_known) else {
        return Ok(true);
    };
    let before = pattern.get(&(last.message.value(), last.octets.0));
    let bytes = headers(transaction, last, known.largest).await?;
    Ok(bytes.is_none_or(|bytes| before == Some(&name(&bytes, last.octets))))
}

/// What a message begins with: its headers at least. None if the server refuses it, which says nothing of others.
pub(super) async fn headers(
    transaction: &mut Transaction,
    line: &ScanListing,
    largest: u64,
) -> Result<Option<Vec<u8>>, client::Error> {
    for part in [Part::Headers, Part::Whole] {
        let fetch = Fetch {
            part,
            ..headers_of(line)
        };
        if let Some((_, Fetched::Bytes(bytes))) =
            transaction.fetch([fetch], 1, largest).next().await?
        {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// The most octets that are fetched at each check only to see whether messages have moved up.
pub(super) const MODERATE: u64 = 64 * 1024;

fn headers_of(line: &ScanListing) -> Fetch {
    Fetch {
        message: line.message,
        octets: line.octets,
        part: Part::Headers,
    }
}

fn is_too_large(octets: Octets, known: &Known) -> bool {
    octets.0 > known.largest
        || UniqueId::new(name_by_size(octets).into_bytes())
            .is_some_and(|name| known.oversized.contains(&name))
}

/// True if a message was seen under a name that is none of these: the server had unique-ids.
pub(super) fn has_other_names(seen: &Seen) -> bool {
    seen.iter()
        .any(|(unique_id, _)| !unique_id.as_bytes().starts_with(MARK.as_bytes()))
}

/// What the names begin with.
const MARK: &str = "~";

fn name(headers: &[u8], octets: Octets) -> String {
    let digest = Digest::of(headers, Timestamp::UNIX_EPOCH);
    format!("{MARK}{}.{octets}", hex(&digest.fingerprint.headers))
}

/// The name of a message that is too large to be asked for more than its size.
fn name_by_size(octets: Octets) -> String {
    format!("{MARK}large.{octets}")
}

/// The name under which it is remembered that a message is larger than LIST says.
pub(super) fn oversized(scan: &[ScanListing], message: MessageNumber) -> Option<UniqueId> {
    let line = scan.iter().find(|line| line.message == message)?;
    UniqueId::new(name_by_size(line.octets).into_bytes())
}

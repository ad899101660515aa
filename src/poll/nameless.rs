//! Names for the messages of a server without UIDL: the digest of their headers, and their size.
//!
//! Only those are asked for whose number and size have changed since the last listing, whose
//! pattern is remembered as JSON.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::{
    client::{
        self, Transaction,
        fetch::{Fetch, Fetched, Part},
        listing::Listing,
    },
    net::tls::hex,
    notice::headline::Digest,
    pop3::listing::{MessageNumber, Octets, UniqueId},
    store::seen::Seen,
};

/// The messages with their names, and the pattern to remember for the next time.
pub(super) struct Names {
    /// A name for each message, in the order of their numbers.
    pub names: Vec<(MessageNumber, UniqueId)>,
    /// Numbers, sizes and names, as JSON.
    pub pattern: String,
}

/// Finds names for all messages of the listing.
pub(super) async fn names(
    transaction: &mut Transaction,
    listing: &Listing,
    pattern: Option<&str>,
    ahead: usize,
    largest: u64,
) -> Result<Names, client::Error> {
    let known: HashMap<(u32, u64), String> = pattern
        .and_then(|text| serde_json::from_str::<Vec<(u32, u64, String)>>(text).ok())
        .unwrap_or_default()
        .into_iter()
        .map(|(number, octets, name)| ((number, octets), name))
        .collect();
    let mut names = Vec::with_capacity(listing.scan.len());
    let mut wanted = Vec::new();
    for line in &listing.scan {
        match known.get(&(line.message.value(), line.octets.0)) {
            Some(name) => names.push((line.message, line.octets, name.clone())),
            None => wanted.push(Fetch {
                message: line.message,
                octets: line.octets,
                part: Part::Headers,
            }),
        }
    }
    while !wanted.is_empty() {
        let mut without_top = Vec::new();
        let mut fetching = transaction.fetch(std::mem::take(&mut wanted), ahead, largest);
        while let Some((fetch, fetched)) = fetching.next().await? {
            match fetched {
                Fetched::Bytes(bytes) => {
                    names.push((fetch.message, fetch.octets, name(&bytes, fetch.octets)));
                }
                // Neither UIDL nor TOP: the whole message must tell.
                Fetched::Refused(_) if fetch.part == Part::Headers => without_top.push(Fetch {
                    part: Part::Whole,
                    ..fetch
                }),
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

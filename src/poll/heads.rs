//! After a server has moved: which messages are kept notices, told by their headers and sizes. All of them again would
//! be twenty times as much.
//!
//! Headers that are the same to the last field, with a Message-ID and a date among them, and a size that is the same
//! to the octet, are a mail's own. Where two of them are at the server, or two are kept, the whole mails tell them
//! apart; and so they do where a server changes headers, or does not give them.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{
    check::{Check, remembered},
    findings::Failure,
    identity::Plan,
    tell::blocking,
};
use crate::{
    client::{
        self, Transaction,
        fetch::{Fetch, Fetched, Part},
    },
    notice::{NoticeId, fingerprint::Head},
    pop3::listing::UniqueId,
    store::recognise::ListedHead,
};

/// Fewer are fetched whole at once.
const FEWEST: usize = 20;
/// The first so many tell whether it is of use.
const TRIAL: usize = 20;
/// So many are recognised together: a check that is broken off goes on behind them.
const BLOCK: usize = 1_000;

impl Check<'_> {
    /// Recognises by their headers, of what is to be fetched, what is kept under other unique-ids, and takes it out of
    /// the plan; returns the notices.
    pub(super) async fn recognise_by_heads(
        &self,
        at: Timestamp,
        transaction: &mut Transaction,
        plan: &mut Plan,
        ahead: usize,
    ) -> Result<Vec<NoticeId>, Failure> {
        let has_moved =
            plan.fetch.len() >= FEWEST && plan.missing.len() * 2 > plan.fetch.len() && ahead > 1;
        if !has_moved || self.broke_lately(remembered::HEADS_BROKE, at).await? {
            return Ok(Vec::new());
        }
        let seen_before: HashSet<&UniqueId> = plan.again.iter().collect();
        let wanted: Vec<usize> = (0..plan.fetch.len())
            .filter(|place| {
                let (fetch, unique_id) = &plan.fetch[*place];
                fetch.part == Part::Whole && fetch.octets.0 > 0 && !seen_before.contains(unique_id)
            })
            .collect();
        let mut heads = Heads::default();
        let (trial, others) = wanted.split_at(wanted.len().min(TRIAL));
        for block in std::iter::once(trial).chain(others.chunks(BLOCK)) {
            if block.is_empty() || heads.are_of_no_use() {
                break;
            }
            let mut come = Vec::new();
            let largest = self.settings.largest_message.0;
            let asked = heads.ask(transaction, plan, block, ahead, largest, &mut come);
            let asked = self.unless_cancelled(asked).await;
            // What came before a break need not come again.
            let places: Vec<usize> = come.iter().map(|(place, _)| *place).collect();
            let (store, listed) = (self.store.clone(), plan.listed.clone());
            let taken_back = std::mem::take(&mut heads.taken_back);
            let recognised = blocking(move || {
                let heads: Vec<ListedHead> = come.into_iter().map(|(_, head)| head).collect();
                store.recognise_heads(&heads, &taken_back, &listed)
            })
            .await?;
            match asked? {
                Ok(()) => {}
                Err(client::Error::TooLarge { message, limit }) => {
                    let found = plan
                        .fetch
                        .iter()
                        .find(|(fetch, _)| fetch.message == message);
                    if let Some((_, unique_id)) = found {
                        self.note_oversized(unique_id.clone()).await?;
                    }
                    return Err(client::Error::TooLarge { message, limit }.into());
                }
                Err(error) => {
                    // Whatever it was: the next check fetches whole mails, which may come all the same.
                    let moment = Some(at.as_second().to_string());
                    self.remember(remembered::HEADS_BROKE, moment).await?;
                    return Err(error.into());
                }
            }
            heads.asked += block.len();
            for (place, id) in places.into_iter().zip(recognised) {
                heads.recognised.extend(id.map(|id| (place, id)));
            }
        }
        let recognised = heads.recognised;
        let mut place = 0;
        plan.fetch.retain(|_| {
            place += 1;
            !recognised.contains_key(&(place - 1))
        });
        Ok(recognised.into_values().collect())
    }
}

/// What was found out of the messages of a plan, by their places in there.
#[derive(Default)]
struct Heads {
    asked: usize,
    recognised: HashMap<usize, NoticeId>,
    /// What was recognised too soon.
    taken_back: Vec<(UniqueId, NoticeId)>,
    /// Where each head was first found.
    found: HashMap<(Head, u64), usize>,
}

impl Heads {
    /// True if so few were recognised that they are rather fetched at once.
    fn are_of_no_use(&self) -> bool {
        self.recognised.len() * 2 < self.asked
    }

    /// Asks for the `heads` of some messages. Those that have one that another has are left out, both.
    async fn ask(
        &mut self,
        transaction: &mut Transaction,
        plan: &Plan,
        places: &[usize],
        ahead: usize,
        largest: u64,
        heads: &mut Vec<(usize, ListedHead)>,
    ) -> Result<(), client::Error> {
        let by_message: HashMap<_, _> = places
            .iter()
            .map(|place| (plan.fetch[*place].0.message, *place))
            .collect();
        let wanted = places.iter().map(|place| Fetch {
            part: Part::Headers,
            ..plan.fetch[*place].0
        });
        let mut fetching = transaction.fetch(wanted, ahead, largest);
        while let Some((fetch, fetched)) = fetching.next().await? {
            let Fetched::Bytes(bytes) = fetched else {
                continue;
            };
            let place = by_message[&fetch.message];
            let Some(head) = Head::of(&bytes) else {
                continue;
            };
            if let Some(twin) = self.found.insert((head, fetch.octets.0), place) {
                // The whole mails are to tell.
                if let Some(id) = self.recognised.remove(&twin) {
                    self.taken_back.push((plan.fetch[twin].1.clone(), id));
                }
                heads.retain(|(place, _)| *place != twin);
                continue;
            }
            heads.push((
                place,
                ListedHead {
                    unique_id: plan.fetch[place].1.clone(),
                    octets: fetch.octets,
                    head,
                },
            ));
        }
        Ok(())
    }
}

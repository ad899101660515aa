//! What a visit fetches: the newest headlines first, then the mails, newest first, and what stands in
//! for those that the server will not give.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    check::{Check, remembered},
    findings::{Failure, Findings},
    identity::{DAY, MOST_BREAKS, Plan},
    keeper::{Keeper, Mail},
    outcome,
    report::Report,
    tell::blocking,
};
use crate::{
    client::{
        self, Transaction,
        fetch::{Fetch, Fetched, Fetching, Part},
    },
    notice::{Headline, shown::Shown},
    pop3::listing::{MessageNumber, UniqueId},
    store::{self, seen::trouble_name},
};

/// How many times in a row a message may be refused before it is shown as such.
const MOST_REFUSALS: u32 = 3;
/// How many headlines come before the first whole message, where there is much to fetch.
const HEADLINES_FIRST: usize = 50;

impl Check<'_> {
    /// The newest headlines, which come before the mails where there is much to fetch and they cost no turn
    /// each.
    async fn headlines_first(
        &self,
        at: Timestamp,
        plan: &Plan,
        ahead: usize,
        findings: &Findings,
    ) -> Result<Vec<Fetch>, store::Error> {
        if plan.fetch.len() <= HEADLINES_FIRST
            || ahead == 1
            || self.broke_lately(remembered::ANNOUNCING_BROKE, at).await?
        {
            return Ok(Vec::new());
        }
        // Where nothing is known by its unique-id, and much is kept, the server has moved: there is nothing to tell.
        let is_all_unknown = findings.left as usize + plan.fetch.len() == plan.on_server as usize;
        let store = self.store.clone();
        if is_all_unknown && blocking(move || store.kept()).await? > 0 {
            return Ok(Vec::new());
        }
        // Nor where a check goes on with what one that was broken off has begun.
        if plan.missing.len() * 2 > plan.fetch.len() {
            return Ok(Vec::new());
        }
        let newest = plan.fetch.iter().take(HEADLINES_FIRST);
        let headers = newest.map(|(fetch, _)| Fetch {
            part: Part::Headers,
            ..*fetch
        });
        Ok(headers.collect())
    }

    /// Tells of the headlines that come first, behind which the mails were asked for already.
    async fn announce(
        &self,
        at: Timestamp,
        fetching: &mut Fetching<'_>,
        count: usize,
    ) -> Result<(), Failure> {
        let mut headlines: Vec<Headline> = Vec::new();
        for _ in 0..count {
            let (fetch, fetched) = match self.unless_cancelled(fetching.next()).await? {
                Ok(Some(next)) => next,
                Ok(None) => break,
                Err(error) => {
                    // The mails themselves are what matters: the next check begins with them.
                    let moment = Some(at.as_second().to_string());
                    self.remember(remembered::ANNOUNCING_BROKE, moment).await?;
                    return Err(error.into());
                }
            };
            // A server without TOP refuses: the mails themselves are on their way soon enough.
            if let Fetched::Bytes(bytes) = fetched {
                let mut headline = Headline::of_headers(&bytes, at);
                headline.size = fetch.octets.0;
                headlines.push(headline);
            }
        }
        // What is kept under another unique-id stands on the screen already.
        let store = self.store.clone();
        let headlines = blocking(move || store.not_kept(headlines)).await?;
        if !headlines.is_empty() {
            self.tell.report(Report::Announced(headlines)).await;
        }
        Ok(())
    }

    /// True if the connection ended within the last day over what is remembered under this name: some servers hang up
    /// each time, a network does not.
    pub(super) async fn broke_lately(
        &self,
        name: &'static str,
        at: Timestamp,
    ) -> Result<bool, store::Error> {
        let broke = self.recall(name).await?;
        let broke: Option<i64> = broke.and_then(|seconds| seconds.parse().ok());
        Ok(broke.is_some_and(|seconds| at.as_second().abs_diff(seconds) < DAY.as_secs()))
    }

    /// Remembers it if the connection ended over something that can be done without: the next check does.
    pub(super) async fn note_hang_up<T>(
        &self,
        name: &'static str,
        at: Timestamp,
        outcome: Result<T, client::Error>,
    ) -> Result<T, Failure> {
        if let Err(client::Error::Closed | client::Error::Io(_)) = outcome {
            self.remember(name, Some(at.as_second().to_string()))
                .await?;
        }
        Ok(outcome?)
    }

    /// Fetches what the plan asks for and hands it to the keeper.
    pub(super) async fn fetch(
        &self,
        at: Timestamp,
        transaction: &mut Transaction,
        plan: &Plan,
        ahead: usize,
        keeper: &Keeper,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        let mut refused = Vec::new();
        let fetched = self
            .fetch_mails(at, transaction, plan, ahead, keeper, &mut refused, findings)
            .await;
        findings.has_open_ends |= !refused.is_empty();
        let troubles = {
            let store = self.store.clone();
            let names = refused
                .iter()
                .map(|(fetch, unique_id, words): &Refused| {
                    (in_trouble(plan, fetch, unique_id), words.clone())
                })
                .collect::<Vec<_>>();
            blocking(move || store.note_troubles(&names, false, at)).await?
        };
        fetched?;

        for ((fetch, unique_id, words), trouble) in refused.into_iter().zip(troubles) {
            if trouble.attempts < MOST_REFUSALS {
                continue;
            }
            findings.note(Shown::line(&format!(
                "message {} cannot be fetched: {words}",
                fetch.message
            )));
            let headers = self
                .unless_cancelled(self.headers(transaction, fetch))
                .await?;
            let found = headers.as_ref().ok().and_then(Option::as_ref);
            // One that has a row already keeps it, unless there is more to say of it.
            if found.is_some() || !plan.again.contains(&unique_id) {
                let bytes = found
                    .map_or(store::arrival::NO_HEADERS, Vec::as_slice)
                    .to_vec();
                let says = format!("The server says: {words}");
                let mail = stand_in(&unique_id, fetch, bytes, &says);
                if !keeper.hand_over(mail).await {
                    return Err(Failure::Cancelled);
                }
            }
            if let Err(error) = headers {
                let name = in_trouble(plan, &fetch, &unique_id);
                let (store, broken) = (self.store.clone(), vec![(name, words)]);
                blocking(move || store.note_troubles(&broken, true, at)).await?;
                return Err(error.into());
            }
        }
        Ok(())
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "what a check has at hand, each for its own"
    )]
    async fn fetch_mails(
        &self,
        at: Timestamp,
        transaction: &mut Transaction,
        plan: &Plan,
        ahead: usize,
        keeper: &Keeper,
        refused: &mut Vec<Refused>,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        let largest = self.settings.largest_message.0;
        let names: HashMap<MessageNumber, &UniqueId> = plan
            .fetch
            .iter()
            .map(|(fetch, unique_id)| (fetch.message, unique_id))
            .collect();
        let first = self.headlines_first(at, plan, ahead, findings).await?;
        let count = first.len();
        let mails = plan.fetch.iter().map(|(fetch, _)| *fetch);
        let mut fetching = transaction.fetch(first.into_iter().chain(mails), ahead, largest);
        self.announce(at, &mut fetching, count).await?;
        while let Some(upcoming) = fetching.upcoming() {
            // Room for it before it comes, so that no two large ones are there at once.
            let room = match self.unless_cancelled(keeper.room_for(upcoming)).await? {
                Some(room) => room,
                // The keeper has failed; it gives the reason at its end.
                None => return Err(Failure::Cancelled),
            };
            let next = match self.unless_cancelled(fetching.next()).await? {
                Err(client::Error::TooLarge { message, limit }) => {
                    self.note_oversized(names[&message].clone()).await?;
                    return Err(client::Error::TooLarge { message, limit }.into());
                }
                Err(error) => {
                    // What stands in for it needs room too.
                    drop(room);
                    if let Some(fetch) = fetching.awaited().filter(|_| may_be_its_fault(&error)) {
                        let unique_id = names[&fetch.message];
                        self.note_break(at, plan, fetch, unique_id, &error, keeper, findings)
                            .await?;
                    }
                    return Err(error.into());
                }
                Ok(next) => next,
            };
            let Some((fetch, fetched)) = next else { break };
            let unique_id = names[&fetch.message];
            match fetched {
                Fetched::Bytes(bytes) => {
                    if fetch.part == Part::Headers {
                        findings.note(Shown::line(&format!(
                            "message {} of {} octets is too large: its headers alone are kept \
                             (largest_message)",
                            fetch.message, fetch.octets
                        )));
                    }
                    let mail = Mail {
                        unique_id: unique_id.clone(),
                        octets: fetch.octets,
                        is_complete: fetch.part == Part::Whole,
                        bytes,
                    };
                    if !keeper.hand_over_into(room, mail).await {
                        return Err(Failure::Cancelled);
                    }
                }
                Fetched::Refused(response) => {
                    let words = outcome::said(&response).to_owned();
                    refused.push((fetch, unique_id.clone(), words));
                }
            }
        }
        Ok(())
    }

    /// Notes that the connection ended in a message. Once that has happened a few times it has a row
    /// of its own, and the others no longer wait for it.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a check has at hand, each for its own"
    )]
    async fn note_break(
        &self,
        at: Timestamp,
        plan: &Plan,
        fetch: Fetch,
        unique_id: &UniqueId,
        error: &client::Error,
        keeper: &Keeper,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        let words = outcome::words(error);
        let troubles = {
            let name = in_trouble(plan, &fetch, unique_id);
            let (store, broken) = (self.store.clone(), vec![(name, words.clone())]);
            blocking(move || store.note_troubles(&broken, true, at)).await?
        };
        if troubles.iter().all(|trouble| trouble.broke < MOST_BREAKS) {
            return Ok(());
        }
        findings.note(Shown::line(&format!(
            "message {} cannot be fetched: {words}",
            fetch.message
        )));
        // One that has a row already keeps it.
        if !plan.again.contains(unique_id) {
            let says = format!("Each time it was asked for the check ended: {words}");
            let mail = stand_in(unique_id, fetch, store::arrival::NO_HEADERS.to_vec(), &says);
            // A keeper that has failed says so at its end.
            self.unless_cancelled(keeper.hand_over(mail)).await?;
        }
        Ok(())
    }

    /// The headers of a message that the server will not give whole; none if it will not give those.
    async fn headers(
        &self,
        transaction: &mut Transaction,
        fetch: Fetch,
    ) -> Result<Option<Vec<u8>>, client::Error> {
        let headers = Fetch {
            part: Part::Headers,
            ..fetch
        };
        let largest = self.settings.largest_message.0;
        Ok(
            match transaction.fetch([headers], 1, largest).next().await? {
                Some((_, Fetched::Bytes(bytes))) => Some(bytes),
                Some((_, Fetched::Refused(_))) | None => None,
            },
        )
    }
}

/// A message that the server would not give, and its words.
type Refused = (Fetch, UniqueId, String);

/// The name under which the trouble with a message is remembered.
fn in_trouble(plan: &Plan, fetch: &Fetch, unique_id: &UniqueId) -> UniqueId {
    let copies = plan.listed.copies(unique_id).unwrap_or(1);
    trouble_name(unique_id, fetch.octets, copies)
}

/// True if the connection may have ended because of the message that was awaited.
fn may_be_its_fault(error: &client::Error) -> bool {
    matches!(
        error,
        client::Error::Closed
            | client::Error::Io(_)
            | client::Error::TimedOut { .. }
            | client::Error::Broken(_)
    )
}

/// What is shown of a message that the server lists and will not give: its headers, if those could be
/// had, and why.
fn stand_in(unique_id: &UniqueId, fetch: Fetch, mut bytes: Vec<u8>, why: &str) -> Mail {
    let why = Shown::line(why);
    bytes.extend_from_slice(format!("This notice cannot be fetched. {why}\r\n").as_bytes());
    Mail {
        unique_id: unique_id.clone(),
        octets: fetch.octets,
        bytes,
        is_complete: false,
    }
}

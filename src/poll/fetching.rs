//! What a visit fetches: the newest headlines first, then the mails, newest first, and what stands in
//! for those that the server will not give.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    check::{Check, remembered},
    findings::{Failure, Findings},
    identity::Plan,
    keeper::{Keeper, Mail},
    outcome,
    report::Report,
    tell::blocking,
};
use crate::{
    client::{
        self, Transaction,
        fetch::{Fetch, Fetched, Part},
    },
    notice::{Headline, shown::Shown},
    pop3::listing::{MessageNumber, UniqueId},
    store,
};

/// How many times in a row a message may be refused before it is shown as such.
const MOST_REFUSALS: u32 = 3;
/// How many headlines come before the first whole message, where there is much to fetch.
const HEADLINES_FIRST: usize = 50;

impl Check<'_> {
    /// Tells of the newest headlines before their mails come, where there is much to fetch and they
    /// cost no turn each.
    pub(super) async fn announce(
        &self,
        at: Timestamp,
        transaction: &mut Transaction,
        plan: &Plan,
        ahead: usize,
    ) -> Result<(), Failure> {
        if plan.fetch.len() <= HEADLINES_FIRST || ahead == 1 {
            return Ok(());
        }
        let newest = plan
            .fetch
            .iter()
            .take(HEADLINES_FIRST)
            .map(|(fetch, _)| Fetch {
                part: Part::Headers,
                ..*fetch
            });
        let largest = self.settings.largest_message.0;
        let mut fetching = transaction.fetch(newest, ahead, largest);
        let mut headlines: Vec<Headline> = Vec::new();
        while let Some((fetch, fetched)) = fetching.next().await? {
            // A server without TOP refuses: the mails themselves are on their way soon enough.
            if let Fetched::Bytes(bytes) = fetched {
                let mut headline = Headline::of_headers(&bytes, at);
                headline.size = fetch.octets.0;
                headlines.push(headline);
            }
        }
        if !headlines.is_empty() {
            self.tell.report(Report::Announced(headlines)).await;
        }
        Ok(())
    }

    /// Fetches what the plan asks for and hands it to the keeper.
    pub(super) async fn fetch(
        &self,
        transaction: &mut Transaction,
        plan: &Plan,
        ahead: usize,
        keeper: &Keeper,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        let largest = self.settings.largest_message.0;
        let names: HashMap<MessageNumber, &UniqueId> = plan
            .fetch
            .iter()
            .map(|(fetch, unique_id)| (fetch.message, unique_id))
            .collect();
        let mut refused = Vec::new();
        let mut fetching =
            transaction.fetch(plan.fetch.iter().map(|(fetch, _)| *fetch), ahead, largest);
        loop {
            let next = match self.unless_cancelled(fetching.next()).await? {
                Err(client::Error::TooLarge { message, limit }) => {
                    let (store, name) = (self.store.clone(), names[&message].clone());
                    blocking(move || store.note_oversized(&name)).await?;
                    self.remember(remembered::OVERSIZED_ABOVE, Some(largest.to_string()))
                        .await?;
                    return Err(client::Error::TooLarge { message, limit }.into());
                }
                outcome => outcome?,
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
                    if !keeper.hand_over(mail).await {
                        // The keeper has failed; it gives the reason at its end.
                        return Err(Failure::Cancelled);
                    }
                }
                Fetched::Refused(response) => {
                    findings.has_open_ends = true;
                    let store = self.store.clone();
                    let (name, words) = (unique_id.clone(), outcome::said(&response).to_owned());
                    let attempts = {
                        let words = words.clone();
                        blocking(move || store.note_trouble(&name, &words)).await?
                    };
                    if attempts >= MOST_REFUSALS {
                        refused.push((fetch, unique_id.clone(), words));
                    }
                }
            }
        }
        for (fetch, unique_id, words) in refused {
            let bytes = self
                .unless_cancelled(self.stand_in(transaction, fetch, &words))
                .await??;
            findings.note(Shown::line(&format!(
                "message {} cannot be fetched: {words}",
                fetch.message
            )));
            let mail = Mail {
                unique_id,
                octets: fetch.octets,
                bytes,
                is_complete: false,
            };
            if !keeper.hand_over(mail).await {
                return Err(Failure::Cancelled);
            }
        }
        Ok(())
    }

    /// What is shown of a message that the server lists and will not give: its headers if those can
    /// be had, and the server's words.
    async fn stand_in(
        &self,
        transaction: &mut Transaction,
        fetch: Fetch,
        words: &str,
    ) -> Result<Vec<u8>, Failure> {
        let headers = Fetch {
            part: Part::Headers,
            ..fetch
        };
        let largest = self.settings.largest_message.0;
        let mut bytes = match transaction.fetch([headers], 1, largest).next().await? {
            Some((_, Fetched::Bytes(bytes))) => bytes,
            Some((_, Fetched::Refused(_))) | None => store::keep::NO_HEADERS.to_vec(),
        };
        let words = Shown::line(words);
        bytes.extend_from_slice(
            format!("This notice cannot be fetched. The server says: {words}\r\n").as_bytes(),
        );
        Ok(bytes)
    }
}

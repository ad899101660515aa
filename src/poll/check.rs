//! One visit: log in, compare, fetch what is new (newest first), keep it, quit.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{
    identity::{self, Plan},
    keeper::{Keeper, Mail, Tally, Terms},
    nameless, outcome,
    report::{Outcome, Report, Summary},
    tell::{Tell, blocking},
};
use crate::{
    client::{
        self, Authorization, Endpoint, Transaction,
        dialogue::Dialogue,
        fetch::{Fetch, Fetched, MOST_AHEAD, Part},
        login::Way,
    },
    config::{Mailbox, Settings},
    net::tls::hex,
    notice::{Headline, shown::Shown},
    pop3::{
        capability::Capability,
        listing::{MessageNumber, UniqueId},
    },
    store::{self, Store},
};

/// What one visit needs.
#[derive(Debug)]
pub struct Check<'a> {
    /// The mailbox.
    pub mailbox: &'a Mailbox,
    /// All the settings, for the limits.
    pub settings: &'a Settings,
    /// Its cache.
    pub store: &'a Store,
    /// Its password.
    pub password: &'a SecretString,
    /// Breaks the visit off; QUIT is said all the same.
    pub cancelled: &'a CancellationToken,
    /// Hears what happens.
    pub tell: &'a Tell,
}

/// Names under which things are remembered in the cache.
mod memory {
    /// The way of signing in that worked the last time.
    pub const WAY: &str = "signed_in_by";
    /// Set once PIPELINING turned out to be broken.
    pub const ONE_BY_ONE: &str = "one_by_one";
    /// The digest of the last listing after which nothing was left to do.
    pub const LISTING: &str = "listing";
    /// How many checks in a row have found all notices gone.
    pub const VANISHED: &str = "vanished";
    /// Set once a check has come through.
    pub const CHECKED: &str = "checked";
    /// Without UIDL: the numbers, sizes and names of the last listing.
    pub const PATTERN: &str = "pattern";
}

/// How many checks must agree before notices that vanished all at once count as withdrawn.
const AGREEING_CHECKS: u32 = 3;
/// How many times in a row a message may be refused before it is shown as such.
const MOST_REFUSALS: u32 = 3;
/// How many messages larger than announced are dealt with in one check.
const MOST_OVERSIZED: u32 = 5;
/// How many notes are made of one check: nobody reads more.
const MOST_NOTES: usize = 200;
/// How many headlines come before the first whole message, where there is much to fetch.
const HEADLINES_FIRST: usize = 50;

/// Why a visit ended early.
enum Failure {
    Session(client::Error),
    Store(store::Error),
    Cancelled,
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Failure {
        Failure::Session(error)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        Failure::Store(error)
    }
}

/// What is found out during a visit, whether it comes through or not.
#[derive(Default)]
struct Findings {
    on_server: Option<u32>,
    tally: Tally,
    withdrawn: u32,
    notes: Vec<Shown>,
    login_delay: Option<Duration>,
    /// True once PIPELINING turned out to be broken.
    goes_one_by_one: bool,
    /// True if something is to be tried again, though nothing is to be said of it.
    has_open_ends: bool,
}

impl Findings {
    /// Notes what a person may want to know, unless there is too much of it already.
    fn note(&mut self, words: Shown) {
        if self.notes.len() < MOST_NOTES {
            self.notes.push(words);
        }
    }
}

impl Check<'_> {
    /// Makes the visit, and says how it went and how long to wait at least before the next, if the
    /// server has said so. `next`, `took` and `attempt` of the summary are the poller's to fill in.
    pub async fn run(&self, at: Timestamp) -> (Summary, Option<Duration>) {
        let dialogue = Dialogue::default();
        let mut findings = Findings::default();
        let mut result = self.visit(at, &dialogue, &mut findings).await;
        for _ in 0..MOST_OVERSIZED {
            // Cut off in the middle of a message that is too large: the others are still to come.
            if !matches!(
                result,
                Err(Failure::Session(client::Error::TooLarge { .. }))
            ) {
                break;
            }
            result = self.visit(at, &dialogue, &mut findings).await;
        }
        if matches!(
            result,
            Err(Failure::Session(client::Error::PipeliningBroken))
        ) {
            findings.note(Shown::line(
                "the server announces PIPELINING and does not keep up with it: tried one by one",
            ));
            findings.goes_one_by_one = true;
            result = self.visit(at, &dialogue, &mut findings).await;
            // A network that died looks the same: only what helped is remembered.
            if result.is_ok() {
                result = self
                    .remember(memory::ONE_BY_ONE, Some("yes".to_owned()))
                    .await
                    .map_err(Failure::from);
            }
        }
        if let Err(Failure::Store(store::Error::Damaged { .. })) = result {
            let store = self.store.clone();
            result = match blocking(move || store.rebuild()).await {
                Ok(aside) => {
                    findings.note(Shown::line(&format!(
                        "the saved notices were damaged: moved to {}, marks saved, fetched anew",
                        aside.display()
                    )));
                    self.visit(at, &dialogue, &mut findings).await
                }
                Err(error) => Err(error.into()),
            };
        }
        let outcome = match &result {
            Ok(()) => Outcome::Done,
            Err(Failure::Session(error)) => outcome::of_session(error),
            Err(Failure::Store(error)) => outcome::of_store(error),
            Err(Failure::Cancelled) => Outcome::Cancelled,
        };
        let mut summary = Summary::empty(at, outcome);
        summary.on_server = findings.on_server;
        summary.new = findings.tally.new;
        summary.withdrawn = findings.withdrawn;
        summary.octets = findings.tally.octets;
        summary.notes = findings.notes;
        summary.dialogue = dialogue.text();
        (summary, findings.login_delay)
    }

    async fn visit(
        &self,
        at: Timestamp,
        dialogue: &Dialogue,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        let endpoint = Endpoint::of(self.mailbox, self.settings)?;
        let mut session = self
            .unless_cancelled(Authorization::connect(&endpoint, dialogue))
            .await??;
        if findings.goes_one_by_one || self.recall(memory::ONE_BY_ONE).await?.is_some() {
            session.go_one_by_one();
        }

        let last: Option<Way> = self
            .recall(memory::WAY)
            .await?
            .and_then(|way| way.parse().ok());
        let mut transaction = tokio::select! {
            transaction = session.login(&self.mailbox.user, self.password, last) => transaction?,
            () = self.cancelled.cancelled() => return Err(Failure::Cancelled),
        };
        self.remember(memory::WAY, Some(transaction.way().to_string()))
            .await?;

        let outcome = self.transact(at, &mut transaction, findings).await;
        // QUIT is said after a failure of ours too: a session left open keeps teammates waiting.
        match &outcome {
            Err(Failure::Session(error)) if !may_quit_after(error) => {}
            Ok(()) | Err(_) => transaction.quit().await,
        }
        outcome
    }

    async fn transact(
        &self,
        at: Timestamp,
        transaction: &mut Transaction,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        self.unless_cancelled(transaction.capa_if_it_may_differ())
            .await??;
        if let Some(capabilities) = transaction.capabilities() {
            findings.login_delay = capabilities.login_delay();
            if capabilities.expire_days() == Some(0) {
                findings.note(Shown::line(
                    "the server announces that it removes notices once they were fetched (EXPIRE 0)",
                ));
            }
        }
        let pipelines = transaction.pipelines();
        let ahead = if pipelines { MOST_AHEAD } else { 1 };

        // Most checks end with UIDL and STAT, whatever the mailbox's size: all is as it was at the
        // end of a check that left nothing to do.
        let last = self.recall(memory::LISTING).await?;
        let bodies = if last.is_some() {
            let glance = self
                .unless_cancelled(transaction.glance(pipelines))
                .await??;
            let digest = glance.digest().map(|digest| self.with_limits(&digest));
            if digest.is_some() && digest == last {
                self.tell_unchanged(glance.messages(), findings).await;
                return Ok(());
            }
            self.unless_cancelled(transaction.look_closer(glance))
                .await??
        } else {
            self.unless_cancelled(transaction.listing(pipelines))
                .await??
        };
        let digest = self.with_limits(&bodies.digest());
        if last.as_ref() == Some(&digest) {
            self.tell_unchanged(bodies.messages(), findings).await;
            return Ok(());
        }
        // From here to the end of a check that comes through the cache may lie between two listings.
        self.remember(memory::LISTING, None).await?;
        let mut listing = bodies.parse();
        for odd in &listing.odd {
            findings.note(Shown::line(&format!("odd line in a listing: {odd}")));
        }
        let seen = {
            let store = self.store.clone();
            blocking(move || store.seen()).await?
        };
        let unique_ids = match listing.unique_ids.take() {
            Some(lines) => lines
                .into_iter()
                .map(|line| (line.message, line.unique_id))
                .collect(),
            None => {
                let has_uidl = transaction
                    .capabilities()
                    .is_none_or(|capabilities| capabilities.has(&Capability::Uidl));
                // It had unique-ids and cannot give them just now: by other names all that is there
                // would be fetched again.
                if has_uidl
                    && nameless::has_other_names(&seen)
                    && let Some(response) = listing.refused.take()
                {
                    let request = "UIDL";
                    return Err(client::Error::Rejected { request, response }.into());
                }
                findings.note(Shown::line(
                    "the server cannot tell notices apart (no UIDL): their headers do",
                ));
                let pattern = self.recall(memory::PATTERN).await?;
                let largest = self.settings.largest_message.0;
                let names =
                    nameless::names(transaction, &listing, pattern.as_deref(), ahead, largest);
                let found = self.unless_cancelled(names).await??;
                self.remember(memory::PATTERN, Some(found.pattern)).await?;
                found.names
            }
        };
        let largest = self.settings.largest_message.0;
        let oversized = {
            let store = self.store.clone();
            blocking(move || store.oversized()).await?
        };
        let plan = identity::plan(&listing, unique_ids, &seen, &oversized, largest);
        drop((seen, listing));
        findings.on_server = Some(plan.on_server);
        // The sizes are the server's word: together they may be more than there is.
        let octets = plan
            .fetch
            .iter()
            .fold(0u64, |sum, (fetch, _)| sum.saturating_add(fetch.octets.0));
        let new = u32::try_from(plan.fetch.len()).unwrap_or(u32::MAX);
        self.tell
            .report(Report::Listed {
                on_server: plan.on_server,
                new,
                octets,
            })
            .await;

        let is_first = self.recall(memory::CHECKED).await?.is_none();
        if !plan.fetch.is_empty() {
            if plan.fetch.len() > HEADLINES_FIRST && pipelines {
                self.unless_cancelled(self.announce(at, transaction, &plan, ahead))
                    .await??;
            }
            let terms = Terms {
                store: self.store.clone(),
                listed: plan.listed.clone(),
                now: at,
                unread_since: is_first.then(|| self.mailbox.unread_since.unwrap_or_default()),
                of: new,
                of_octets: octets,
            };
            {
                let (store, again) = (self.store.clone(), plan.again.clone());
                blocking(move || store.recount(&again)).await?;
            }
            let keeper = Keeper::start(terms, self.tell.clone());
            let fetched = self
                .fetch(transaction, &plan, ahead, &keeper, findings)
                .await;
            // Whatever ended the fetching: what is whole is kept.
            let tally = keeper.finish().await?;
            if !tally.recognised.is_empty() {
                findings.note(Shown::line(&format!(
                    "{} notices recognised under new unique-ids",
                    tally.recognised.len()
                )));
            }
            findings.tally.new += tally.new;
            findings.tally.octets += tally.octets;
            findings.tally.recognised.extend(tally.recognised);
            fetched?;
        }
        self.settle(at, plan, findings).await?;
        self.remember(memory::CHECKED, Some("yes".to_owned()))
            .await?;
        let is_settled = findings.notes.is_empty() && !findings.has_open_ends;
        self.remember(memory::LISTING, is_settled.then_some(digest))
            .await?;
        Ok(())
    }

    /// What the next listing is compared with: this one, and what else decides what is fetched.
    fn with_limits(&self, digest: &[u8]) -> String {
        let largest = self.settings.largest_message.0;
        format!("{} {largest}", hex(digest))
    }

    async fn tell_unchanged(&self, messages: usize, findings: &mut Findings) {
        let on_server = u32::try_from(messages).unwrap_or(u32::MAX);
        findings.on_server = Some(on_server);
        self.tell
            .report(Report::Listed {
                on_server,
                new: 0,
                octets: 0,
            })
            .await;
    }

    /// What `work` comes to, unless the visit is broken off meanwhile.
    async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            done = work => Ok(done),
            () = self.cancelled.cancelled() => Err(Failure::Cancelled),
        }
    }

    /// Tells of the newest headlines before their mails come.
    async fn announce(
        &self,
        at: Timestamp,
        transaction: &mut Transaction,
        plan: &Plan,
        ahead: usize,
    ) -> Result<(), Failure> {
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
    async fn fetch(
        &self,
        transaction: &mut Transaction,
        plan: &Plan,
        ahead: usize,
        keeper: &Keeper,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        let largest = self.settings.largest_message.0;
        let names: std::collections::HashMap<MessageNumber, &UniqueId> = plan
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

    /// Notes what left the server and what came back.
    async fn settle(
        &self,
        at: Timestamp,
        mut plan: Plan,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        let recognised: std::collections::HashSet<_> =
            findings.tally.recognised.iter().copied().collect();
        plan.missing.retain(|id| !recognised.contains(id));
        if !plan.returned.is_empty() {
            let (store, ids) = (self.store.clone(), plan.returned.clone());
            blocking(move || store.restore(&ids)).await?;
            self.tell.report(Report::Returned(plan.returned)).await;
        }
        let before: Option<u32> = self
            .recall(memory::VANISHED)
            .await?
            .and_then(|checks| checks.parse().ok());
        // What has arrived since all others vanished makes their loss no surer.
        if (plan.is_doubtful || before.is_some()) && !plan.missing.is_empty() {
            let checks = before.unwrap_or(0) + 1;
            if checks < AGREEING_CHECKS {
                self.remember(memory::VANISHED, Some(checks.to_string()))
                    .await?;
                let count = u32::try_from(plan.missing.len()).unwrap_or(u32::MAX);
                findings.note(Shown::line(&format!(
                    "{count} notices vanished from the server: not marked as withdrawn until \
                     {AGREEING_CHECKS} checks agree ({checks} so far)"
                )));
                self.tell.report(Report::Vanished { count, checks }).await;
                return Ok(());
            }
        }
        self.remember(memory::VANISHED, None).await?;
        if !plan.missing.is_empty() {
            let (store, ids) = (self.store.clone(), plan.missing.clone());
            blocking(move || store.withdraw(&ids, at)).await?;
            findings.withdrawn = u32::try_from(plan.missing.len()).unwrap_or(u32::MAX);
            findings.note(self.words_of_withdrawal(&plan.missing).await?);
            self.tell
                .report(Report::Withdrawn {
                    ids: plan.missing,
                    since: at,
                })
                .await;
        }
        Ok(())
    }

    async fn words_of_withdrawal(
        &self,
        ids: &[crate::notice::NoticeId],
    ) -> Result<Shown, store::Error> {
        let (store, first) = (self.store.clone(), ids[..1].to_vec());
        let headlines = blocking(move || store.headlines_of(&first)).await?;
        let subject = headlines
            .first()
            .map(|headline| headline.subject.to_string())
            .unwrap_or_default();
        Ok(Shown::line(&match ids.len() {
            1 => format!("1 notice withdrawn: {subject}"),
            count => format!("{count} notices withdrawn: {subject}, …"),
        }))
    }

    async fn recall(&self, name: &'static str) -> Result<Option<String>, store::Error> {
        let store = self.store.clone();
        blocking(move || store.remembered(name)).await
    }

    async fn remember(
        &self,
        name: &'static str,
        value: Option<String>,
    ) -> Result<(), store::Error> {
        let store = self.store.clone();
        blocking(move || store.remember(name, value.as_deref())).await
    }
}

/// After these the connection is gone, or in the middle of something.
fn may_quit_after(error: &client::Error) -> bool {
    matches!(error, client::Error::Rejected { .. })
}

//! One visit: log in, compare, fetch what is new (newest first), and keep it; QUIT is said once all has come,
//! or where QUIT takes something away, once all is kept.

use std::{collections::HashSet, time::Duration};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::{
    early::Early,
    findings::{Failure, Findings, Found, Looked},
    identity::{self, SLICE},
    keeper::{Keeper, Tally, Terms},
    nameless::Known,
    outcome,
    report::{Outcome, Report, Summary, grouped},
    services,
    tell::{Tell, blocking},
};
use crate::{
    causes::chain,
    client::{self, Transaction, dialogue::Dialogue, fetch::MOST_AHEAD, login::Last},
    config::{Mailbox, Settings},
    notice::shown::Shown,
    pop3::listing::UniqueId,
    secret::Source,
    store::{self, Store, journal},
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
    /// True if others wait for the maildrop: a check that has much to fetch leaves some for the next.
    pub in_slices: bool,
}

/// Names under which things are remembered in the cache.
pub(super) mod remembered {
    /// The way of signing in that worked the last time.
    pub const WAY: &str = "signed_in_by";
    /// What the server has announced.
    pub const CAPABILITIES: &str = "capabilities";
    /// When the connection ended over headlines that were to come before their mails.
    pub const ANNOUNCING_BROKE: &str = "announcing_broke";
    /// Set once PIPELINING turned out to be broken.
    pub const ONE_BY_ONE: &str = "one_by_one";
    /// Set once the server turned out to lose what is sent along with the password.
    pub const NO_LOOK: &str = "no_look";
    /// When the server did not say how large a single message is.
    pub const LISTS_WHOLE: &str = "lists_whole";
    /// When the connection ended over the headers of the last message, which were to show whether it is the same.
    pub const LAST_BROKE: &str = "last_broke";
    /// When the connection ended over headers by which notices were to be recognised after a move.
    pub const HEADS_BROKE: &str = "heads_broke";
    /// When the connection ended over messages that have no unique-id.
    pub const UNNAMED_BROKE: &str = "unnamed_broke";
    /// The digest of the last listing after which nothing was left to do.
    pub const LISTING: &str = "listing";
    /// How many checks in a row have found all notices gone.
    pub const VANISHED: &str = "vanished";
    /// How many listed messages had no unique-id when no notice was missing.
    pub const NAMELESS: &str = "nameless";
    /// Set once a check has come through that has seen all that was there.
    pub const CHECKED: &str = "checked";
    /// How many checks in a row have not seen all, or may not have.
    pub const OPEN: &str = "open";
    /// The `largest_message` beyond which messages turned out to be larger than LIST says.
    pub const OVERSIZED_ABOVE: &str = "oversized_above";
    /// How many checks in a row have found all notices under other unique-ids than before.
    pub const RENUMBERED: &str = "renumbered";
    /// Set once that has happened too often for a server that has moved: its unique-ids are none. What
    /// it holds is the listing that the next one is compared with.
    pub const UNSTEADY: &str = "unsteady";
    /// Set once messages have turned out to be others than those that were seen under their unique-ids: these were
    /// given anew, and all are fetched again.
    pub const REUSED: &str = "reused";
    /// Without UIDL: the numbers, sizes and names of the last listing.
    pub const PATTERN: &str = "pattern";
}

/// The way of signing in that worked the last time.
///
/// # Errors
///
/// The cache cannot be read.
pub fn last_way(store: &Store) -> Result<Option<Last>, store::Error> {
    let way = store.remembered(remembered::WAY)?;
    Ok(way.and_then(|way| way.parse().ok()))
}

/// How long marks may take that are carried from other machines.
const MOST_EXCHANGING: Duration = Duration::from_secs(10);

/// How many messages larger than announced are dealt with in one check.
const MOST_OVERSIZED: u32 = 5;

impl Check<'_> {
    /// Makes the visit, and says how it went and how long to wait at least before the next, if the
    /// server has said so. `next`, `took` and `attempt` of the summary are the poller's to fill in.
    pub async fn run(&self, at: Timestamp) -> (Summary, Option<Duration>) {
        self.run_on(None, at).await
    }

    /// The same over a connection that is being opened already, if there is one.
    pub async fn run_on(&self, early: Option<Early>, at: Timestamp) -> (Summary, Option<Duration>) {
        let dialogue = match &early {
            Some(early) => early.dialogue(),
            None => Dialogue::default(),
        };
        // From the greeting on: a server may repeat it in any answer.
        dialogue.conceal(self.password);
        let mut findings = Findings::default();
        let uncarried = self.exchange_marks(&mut findings).await;
        let was_early = early.is_some();
        let mut result = self.visit_on(early, at, &dialogue, &mut findings).await;
        if was_early
            && !findings.has_tried_password
            && matches!(
                result,
                Err(Failure::Session(
                    client::Error::Closed | client::Error::Io(_)
                ))
            )
        {
            // It was called too early, and hung up while the cache was being opened.
            result = self.visit(at, &dialogue, &mut findings).await;
        }
        if self.mailbox.has_token() && is_sign_in_refused(&result) {
            // It may have expired meanwhile. The same one is not said twice.
            let fetched = self
                .unless_cancelled(Source::of(self.mailbox).fetch())
                .await;
            if let Ok(Ok(token)) = fetched
                && token.expose_secret() != self.password.expose_secret()
            {
                dialogue.conceal(&token);
                findings.token = Some(token);
                result = self.visit(at, &dialogue, &mut findings).await;
            }
        }
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
        if matches!(result, Err(Failure::Session(client::Error::LookLost))) {
            findings.looks_not_ahead = true;
            result = self.visit(at, &dialogue, &mut findings).await;
            // A network that died looks the same. The maildrop may still be held by the try before.
            if result.is_ok() || is_held(&result) {
                let noted = self.remember(remembered::NO_LOOK, Some("yes".to_owned()));
                if let Err(error) = noted.await {
                    result = Err(error.into());
                }
            }
        }
        if matches!(result, Err(Failure::Session(client::Error::SizesLost))) {
            findings.lists_whole = true;
            result = self.visit(at, &dialogue, &mut findings).await;
            // A network that died looks the same. The maildrop may still be held by the try before.
            if result.is_ok() || is_held(&result) {
                let noted =
                    self.remember(remembered::LISTS_WHOLE, Some(at.as_second().to_string()));
                if let Err(error) = noted.await {
                    result = Err(error.into());
                }
            }
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
                    .remember(remembered::ONE_BY_ONE, Some("yes".to_owned()))
                    .await
                    .map_err(Failure::from);
            }
        }
        if let Err(Failure::Store(store::Error::Damaged { .. })) = result {
            result = match self.rebuild(&mut findings).await {
                Ok(()) => self.visit(at, &dialogue, &mut findings).await,
                Err(error) => Err(error.into()),
            };
        }
        if let (Some(caution), true) = (services::caution(self.mailbox), result.is_ok()) {
            findings.note(Shown::line(&caution));
        }
        // Last: of the server it says nothing, so that its listing may be relied on all the same.
        if let Some(words) = uncarried {
            findings.note(words);
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
        summary.told = findings.tally.told;
        summary.withdrawn = findings.withdrawn;
        summary.octets = findings.tally.octets;
        summary.left = findings.left;
        summary.notes = findings.notes;
        summary.dialogue = dialogue.text();
        (summary, findings.login_delay)
    }

    pub(super) async fn transact(
        &self,
        at: Timestamp,
        transaction: &mut Transaction,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        self.unless_cancelled(transaction.capa_if_it_may_differ())
            .await??;
        if let Some(capabilities) = transaction.capabilities() {
            findings.login_delay = capabilities.login_delay().or(findings.login_delay);
            if removes_what_was_fetched(transaction) {
                findings.note(Shown::line(
                    "the server announces that it removes notices once they were fetched (EXPIRE 0)",
                ));
            }
        }
        let pipelines = transaction.pipelines();
        let ahead = if pipelines { MOST_AHEAD } else { 1 };

        let found = match self.look(at, transaction, pipelines, findings).await? {
            Looked::Unchanged { messages } => return self.tell_unchanged(messages, findings).await,
            Looked::Listed(found) => *found,
        };
        let Found {
            mut listing,
            seen,
            digest,
            before,
        } = found;
        for odd in &listing.odd {
            let odd = transaction.mask(odd);
            findings.note(Shown::line(&format!("odd line in a listing: {odd}")));
        }
        let largest = self.settings.largest_message.0;
        let oversized = self.oversized().await?;
        let given = listing.unique_ids.as_deref().unwrap_or_default();
        let by_number = identity::are_numbers(given);
        let is_unsteady = self
            .is_unsteady(&digest, by_number, given.is_empty())
            .await?
            || self
                .has_numbers_for_ids(at, transaction, &listing, &seen, findings)
                .await?;
        // The same numbers and sizes may be other messages, and the next listing may show that unique-ids are good
        // again: equal notices that have one name until then are told apart by them.
        findings.has_open_ends |= is_unsteady;
        let known = Known {
            at,
            pattern: self.recall(remembered::PATTERN).await?,
            oversized: &oversized,
            largest,
            ahead,
        };
        let unique_ids = self
            .names(
                transaction,
                &mut listing,
                &seen,
                &known,
                is_unsteady,
                findings,
            )
            .await?;
        let are_reused = self.are_reused().await?;
        let mut plan = identity::plan(&listing, unique_ids, &seen, &oversized, largest, are_reused);
        let awaits = {
            let store = self.store.clone();
            blocking(move || store.has_elsewhere()).await?
        };
        let is_open = !plan.missing.is_empty() || awaits;
        if is_open && !plan.is_doubtful && listing.stated.is_none() {
            // A listing that was cut off looks like one from which something was taken away.
            let stated = self.unless_cancelled(transaction.stat(false)).await??;
            listing.stated = stated.messages();
            plan.is_doubtful = listing.stated.is_none() || identity::is_cut_off(&listing);
        }
        plan.on_server += before.as_ref().map_or(0, |before| before.messages);
        let troubles = {
            let store = self.store.clone();
            blocking(move || store.troubles()).await?
        };
        {
            let (store, fewer) = (self.store.clone(), std::mem::take(&mut plan.fewer));
            blocking(move || store.count_fewer(&fewer)).await?;
        }
        let left_out = plan.defer(&troubles, &seen, at);
        if left_out > 0 {
            let s = if left_out == 1 { "" } else { "s" };
            findings.note(Shown::line(&format!(
                "{left_out} message{s} in which the connection ended each time: asked for again \
                 later"
            )));
        }
        drop((seen, listing));
        // All of it again has no end in slices.
        findings.left = match self.in_slices && !are_reused {
            true => plan.slice(SLICE),
            false => 0,
        };
        findings.has_open_ends |= findings.left > 0;
        findings.on_server = Some(plan.on_server);
        // What is not there any more is missed by the next listing only.
        findings.has_open_ends |= plan.left_out > 0 || plan.may_miss;
        if plan.nameless > 0 {
            findings.note(Shown::line(&match plan.nameless {
                1 => "1 message without a unique-id is not shown: UIDL leaves it out".to_owned(),
                count => format!(
                    "{count} messages without a unique-id are not shown: UIDL leaves them out"
                ),
            }));
        }
        let by_heads = match before {
            // Where all stands as it was but for the last ones nothing has moved.
            Some(_) => Vec::new(),
            None if is_unsteady || are_reused => Vec::new(),
            None => {
                self.recognise_by_heads(at, transaction, &mut plan, ahead)
                    .await?
            }
        };
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

        let is_first = self.recall(remembered::CHECKED).await?.is_none();
        let mut is_renumbered = false;
        let unknown = plan.fetch.len() + by_heads.len();
        if unknown > 0 {
            let mut tally = Tally::default();
            let mut fetched = Ok(());
            if !plan.fetch.is_empty() {
                let highest_id = {
                    let store = self.store.clone();
                    blocking(move || store.highest_id()).await?
                };
                let terms = Terms {
                    store: self.store.clone(),
                    now: at,
                    unread_since: is_first.then(|| self.mailbox.unread_since.unwrap_or_default()),
                    of: new,
                    of_octets: octets,
                    indexes_later: !self.store.rules_ask_for_words(),
                    highest_id,
                    resized: plan.resized.clone(),
                };
                {
                    let (store, again) = (self.store.clone(), plan.again.clone());
                    blocking(move || store.recount(&again)).await?;
                    // What is counted anew is fetched again, also if this check is broken off.
                    self.remember(remembered::REUSED, None).await?;
                }
                let listed = plan.listed.clone();
                let listed = || match before {
                    Some(before) => before.all.names().collect(),
                    None => listed,
                };
                let keeper = Keeper::start(terms, listed, self.tell.clone());
                findings.has_fetched = true;
                fetched = self
                    .fetch(at, transaction, &plan, ahead, &keeper, findings)
                    .await;
                if fetched.is_ok() && !self.is_taken_by_quit(transaction) {
                    // Others may come in while it is written to the disk.
                    transaction.leave().await;
                }
                // Whatever ended the fetching: what is whole is kept.
                tally = keeper.finish().await?;
            }
            tally.recognised.extend(by_heads);
            let all = usize::try_from(findings.left)
                .unwrap_or(usize::MAX)
                .saturating_add(unknown);
            // None was known by its unique-id, and most turned out to be: the others are new.
            is_renumbered = all == plan.on_server as usize && tally.recognised.len() * 2 > unknown;
            if !tally.recognised.is_empty() {
                let s = if tally.recognised.len() == 1 { "" } else { "s" };
                let count = grouped(tally.recognised.len());
                findings.note(Shown::line(&match is_renumbered {
                    true => format!("server renumbered: {count} recognised"),
                    false => format!("{count} notice{s} recognised under new unique-ids"),
                }));
            }
            if !are_reused {
                self.count_reused(tally.others, &plan, findings).await?;
            }
            findings.tally.new += tally.new;
            findings.tally.told += tally.told;
            findings.tally.octets += tally.octets;
            findings.tally.recognised.extend(tally.recognised);
            fetched?;
        }
        if !is_unsteady {
            self.count_renumbering(is_renumbered, findings).await?;
        }
        if findings.left == 0 {
            // What is still to be fetched may be known by another unique-id: nothing is missed before.
            self.settle(at, plan, findings).await?;
        }
        // What another program has kept meanwhile may be of a listing before this one.
        let store = self.store.clone();
        let is_alone = blocking(move || store.version()).await? == findings.version_before;
        let is_settled = findings.notes.is_empty() && !findings.has_open_ends && is_alone;
        self.remember(remembered::LISTING, is_settled.then_some(digest))
            .await?;
        Ok(())
    }

    /// True if what was fetched is at the server no more once QUIT was said, or not to be seen.
    pub(super) fn is_taken_by_quit(&self, transaction: &Transaction) -> bool {
        removes_what_was_fetched(transaction) || services::lists_only_untaken(self.mailbox)
    }

    /// Takes over what this person has marked on another machine, before anything is shown as new; says
    /// so if that is not possible. A folder that does not answer keeps nobody from checking.
    async fn exchange_marks(&self, findings: &mut Findings) -> Option<Shown> {
        let store = self.store.clone();
        let exchange = blocking(move || store.exchange_marks());
        let exchange = time::timeout(MOST_EXCHANGING, exchange);
        let why = match self.unless_cancelled(exchange).await.ok()? {
            Ok(Ok(_)) => return None,
            Ok(Err(journal::Error::Store(store::Error::Damaged { .. }))) => {
                let rebuilt = self.rebuild(findings).await;
                chain(&rebuilt.err()?)
            }
            Ok(Err(error)) => chain(&error),
            Err(_) => "their folder does not answer".to_owned(),
        };
        Some(Shown::line(&format!("marks are not carried: {why}")))
    }

    /// Builds a damaged cache anew, and notes what became of it.
    async fn rebuild(&self, findings: &mut Findings) -> Result<(), store::Error> {
        findings.note(rebuild(self.store).await?);
        Ok(())
    }

    /// The messages that are larger than they may be; none of those that were, where more is
    /// allowed by now.
    async fn oversized(&self) -> Result<HashSet<UniqueId>, Failure> {
        let limit = self.recall(remembered::OVERSIZED_ABOVE).await?;
        let limit = limit.and_then(|limit| limit.parse().ok());
        let is_outdated = limit.is_some_and(|limit: u64| limit < self.settings.largest_message.0);
        let store = self.store.clone();
        Ok(blocking(move || {
            if is_outdated {
                store.forget_oversized()?;
            }
            store.oversized()
        })
        .await?)
    }

    /// Notes that a message is larger than LIST says, and than is fetched whole.
    pub(super) async fn note_oversized(&self, name: UniqueId) -> Result<(), store::Error> {
        let store = self.store.clone();
        blocking(move || store.note_oversized(&name)).await?;
        let largest = self.settings.largest_message.0.to_string();
        self.remember(remembered::OVERSIZED_ABOVE, Some(largest))
            .await
    }

    async fn tell_unchanged(
        &self,
        messages: usize,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        self.count_renumbering(false, findings).await?;
        let on_server = u32::try_from(messages).unwrap_or(u32::MAX);
        findings.on_server = Some(on_server);
        self.tell
            .report(Report::Listed {
                on_server,
                new: 0,
                octets: 0,
            })
            .await;
        Ok(())
    }

    /// What `work` comes to, unless the visit is broken off meanwhile.
    pub(super) async fn unless_cancelled<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        tokio::select! {
            done = work => Ok(done),
            () = self.cancelled.cancelled() => Err(Failure::Cancelled),
        }
    }

    pub(super) async fn recall(&self, name: &'static str) -> Result<Option<String>, store::Error> {
        let store = self.store.clone();
        blocking(move || store.remembered(name)).await
    }

    pub(super) async fn remember(
        &self,
        name: &'static str,
        value: Option<String>,
    ) -> Result<(), store::Error> {
        let store = self.store.clone();
        blocking(move || store.remember(name, value.as_deref())).await
    }
}

/// Builds a damaged cache anew, and says what became of it: the next visit fetches what was in it.
///
/// # Errors
///
/// No new one can be made, or the damaged one cannot be moved.
pub async fn rebuild(store: &Store) -> Result<Shown, store::Error> {
    let store = store.clone();
    let aside = blocking(move || store.rebuild()).await?;
    let moved = aside.map_or_else(String::new, |aside| {
        format!(" moved to {}, {},", aside.path.display(), aside.marks())
    });
    Ok(Shown::line(&format!(
        "the saved notices were damaged:{moved} fetched anew"
    )))
}

/// True if a server announces that with QUIT it removes what was fetched (EXPIRE 0, RFC 2449 §6.7).
fn removes_what_was_fetched(transaction: &Transaction) -> bool {
    transaction
        .capabilities()
        .is_some_and(|capabilities| capabilities.expire_days() == Some(0))
}

/// True if the maildrop is somebody's, or it is too early.
fn is_held(result: &Result<(), Failure>) -> bool {
    match result {
        Err(Failure::Session(error)) => matches!(
            outcome::of_session(error),
            Outcome::Busy { .. } | Outcome::ToldToWait { .. }
        ),
        Ok(()) | Err(_) => false,
    }
}

/// True if the server has not taken what signs in.
fn is_sign_in_refused(result: &Result<(), Failure>) -> bool {
    match result {
        Err(Failure::Session(error @ client::Error::Rejected { .. })) => {
            matches!(outcome::of_session(error), Outcome::SignInFailed { .. })
        }
        Ok(()) | Err(_) => false,
    }
}

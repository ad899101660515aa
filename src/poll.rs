//! One mailbox's poller: wait, check, report; and "check now".
//!
//! A poller is a task of its own with a cache of its own: one mailbox's trouble never blocks
//! another's. It decides nothing: when to call next is [`schedule`]'s, what a visit does [`check`]'s.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

use crate::{
    causes::chain,
    config::{Mailbox, Settings},
    notice::{MailboxIndex, shown::Shown},
    secret::Source,
    store::Store,
    work,
};

pub mod check;
pub mod early;
mod fetching;
mod findings;
mod heads;
pub mod identity;
mod keeper;
mod looking;
pub mod memory;
mod nameless;
mod naming;
pub mod outcome;
pub mod report;
pub mod schedule;
pub mod services;
mod settling;
mod steadiness;
pub mod tell;
mod visiting;

use check::Check;
use early::Early;
use report::{Outcome, Report, Summary};
use schedule::{Next, Schedule};
use tell::{Tell, blocking};

/// A running poller. Dropping it stops the task at once; [`Poller::stop`] lets it say QUIT.
#[derive(Debug)]
pub struct Poller {
    wanted: Arc<Notify>,
    passwords: mpsc::UnboundedSender<SecretString>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// What a simulation has in the place of the network, the clock and chance.
pub struct Surroundings {
    /// Calls the server; none if it cannot be called.
    pub calls: Box<dyn FnMut() -> Option<Early> + Send>,
    /// Says what time it is.
    pub clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Gives a number from 0 up to 1.
    pub chance: Box<dyn FnMut() -> f64 + Send>,
}

/// Reports with the mailbox that they are of.
pub type Reports = mpsc::Sender<(MailboxIndex, Report)>;

impl Poller {
    /// Starts the poller of a mailbox. The first check begins at once.
    pub fn start(
        index: MailboxIndex,
        mailbox: &Mailbox,
        settings: &Settings,
        store: Store,
        reports: Reports,
    ) -> Poller {
        Poller::start_with(index, mailbox, settings, store, reports, None)
    }

    /// The same, with the password if the person has given it already.
    pub fn start_with(
        index: MailboxIndex,
        mailbox: &Mailbox,
        settings: &Settings,
        store: Store,
        reports: Reports,
        password: Option<SecretString>,
    ) -> Poller {
        Poller::begin(Polling::new(
            index, mailbox, settings, store, reports, password,
        ))
    }

    /// The same in a simulation.
    pub fn start_in(
        surroundings: Surroundings,
        mailbox: &Mailbox,
        settings: &Settings,
        store: Store,
        reports: Reports,
        password: SecretString,
    ) -> Poller {
        let index = MailboxIndex::default();
        Poller::begin(Polling {
            surroundings: Some(surroundings),
            ..Polling::new(index, mailbox, settings, store, reports, Some(password))
        })
    }

    fn begin(polling: Polling) -> Poller {
        let (passwords, given) = mpsc::unbounded_channel();
        let polling = Polling { given, ..polling };
        Poller {
            wanted: polling.wanted.clone(),
            passwords,
            stop: polling.stop.clone(),
            task: tokio::spawn(polling.run()),
        }
    }

    /// Asks for a check without waiting for the next one that is due. Asking often is asking once.
    pub fn check_now(&self) {
        self.wanted.notify_one();
    }

    /// Gives a password, and asks for a check with it.
    pub fn sign_in(&self, password: SecretString) {
        // A poller that has ended needs none.
        let _ = self.passwords.send(password);
    }

    /// Ends the poller. A check that is under way is broken off politely, with QUIT.
    pub async fn stop(mut self) {
        self.stop.cancel();
        // It ends by itself within the time that QUIT may take; a panic in it was reported already.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Under this name it is remembered how long a server wants to be left alone between two logins, in seconds.
const LOGIN_DELAY: &str = "login_delay";

struct Polling {
    index: MailboxIndex,
    mailbox: Mailbox,
    settings: Arc<Settings>,
    store: Store,
    reports: Reports,
    wanted: Arc<Notify>,
    given: mpsc::UnboundedReceiver<SecretString>,
    stop: CancellationToken,
    password: Option<SecretString>,
    /// Puts what has come into the index, beside all else.
    indexing: Option<JoinHandle<()>>,
    /// None in the world as it is.
    surroundings: Option<Surroundings>,
}

impl Polling {
    fn new(
        index: MailboxIndex,
        mailbox: &Mailbox,
        settings: &Settings,
        store: Store,
        reports: Reports,
        password: Option<SecretString>,
    ) -> Polling {
        let (_, given) = mpsc::unbounded_channel();
        Polling {
            index,
            mailbox: mailbox.clone(),
            settings: Arc::new(settings.clone()),
            store,
            reports,
            wanted: Arc::default(),
            given,
            stop: CancellationToken::new(),
            password,
            indexing: None,
            surroundings: None,
        }
    }

    async fn run(mut self) {
        let interval = self
            .mailbox
            .check_every
            .unwrap_or(self.settings.check_every);
        let mut schedule = Schedule::new(interval.0);
        if let Some(least) = services::least_interval(&self.mailbox) {
            schedule.obey(least);
        }
        if let Some(wait) = self.comes_too_early(&mut schedule).await
            && !self.wait(Some(wait)).await
        {
            return;
        }
        loop {
            let next = self.check(&mut schedule).await;
            if self.stop.is_cancelled() || !self.wait(next).await {
                return;
            }
        }
    }

    /// How long the server wants to be left alone still after the last check before this start, if it has announced
    /// that (LOGIN-DELAY, RFC 2449 §6.5). That check is told of then, with when the next is due.
    async fn comes_too_early(&mut self, schedule: &mut Schedule) -> Option<Duration> {
        let store = self.store.clone();
        let recalled = blocking(move || {
            let delay = store.remembered(LOGIN_DELAY)?;
            // Of most servers nothing is remembered, and nothing more is read.
            match delay.and_then(|seconds| seconds.parse().ok()) {
                Some(seconds) => Ok(Some((seconds, memory::recall(&store, 1)?.pop()))),
                None => Ok(None),
            }
        });
        // A cache that cannot be read is told of by the check.
        let recalled: Result<_, crate::store::Error> = recalled.await;
        let (seconds, last) = recalled.ok()??;
        schedule.obey(Duration::from_secs(seconds));
        // What went wrong may have been mended, and who types the password is asked for it at once.
        let is_typed =
            self.password.is_none() && matches!(Source::of(&self.mailbox), Source::Person);
        let mut last = last.filter(|last| last.outcome.is_done() && !is_typed)?;
        let since = self.now().duration_since(last.at);
        let least = SignedDuration::try_from(schedule.least()).ok()?;
        let left = least.checked_sub(since)?;
        // A clock that was set back puts nothing off.
        let wait = Duration::try_from(left)
            .ok()
            .filter(|_| since.is_positive())?;
        last.next = self.now().checked_add(wait).ok();
        let tell = Tell::new(self.index, self.reports.clone());
        tell.report(Report::Checked(last)).await;
        Some(wait)
    }

    /// One check, its report, and when the next is due.
    async fn check(&mut self, schedule: &mut Schedule) -> Option<Duration> {
        let at = self.now();
        let tell = Tell::new(self.index, self.reports.clone());
        tell.report(Report::Started { at }).await;
        let started = Instant::now();

        let (mut summary, least) = match self.password().await {
            Err(outcome) => (Summary::empty(at, outcome), None),
            Ok(password) => {
                let check = Check {
                    mailbox: &self.mailbox,
                    settings: &self.settings,
                    store: &self.store,
                    password: &password,
                    cancelled: &self.stop,
                    tell: &tell,
                    in_slices: schedule.is_shared_in_turns(),
                };
                let surroundings = self.surroundings.as_mut();
                let early = surroundings.and_then(|simulated| (simulated.calls)());
                check.run_on(early, at).await
            }
        };
        summary.took = started.elapsed();
        if matches!(summary.outcome, Outcome::SignInFailed { .. }) {
            // It may have been changed: the next time the person acts, it is fetched anew.
            self.password = None;
            // Whoever asked while it was being refused does not want it refused once more.
            let _ = self.wanted.notified().now_or_never();
        }
        if let Some(least) = least {
            schedule.obey(least);
        }
        let announced = least.map(|least| least.as_secs().to_string());
        let mut next = schedule.after(&summary.outcome, self.chance());
        if summary.left > 0 && summary.outcome.is_done() {
            next = schedule.between_slices(self.chance());
        }
        let next = match next {
            Next::After(wait) => Some(wait),
            Next::WhenAsked => None,
        };
        summary.attempt = schedule.failures();
        summary.next = next.and_then(|wait| self.now().checked_add(wait).ok());
        let recorded = {
            let (store, summary) = (self.store.clone(), summary.clone());
            blocking(move || {
                // One that did not come through may not have heard of it.
                if announced.is_some() || summary.outcome.is_done() {
                    store.remember(LOGIN_DELAY, announced.as_deref())?;
                }
                memory::record(&store, &summary)
            })
            .await
        };
        if let Err(error) = recorded {
            // The check itself has told that nothing can be saved.
            tracing::debug!("cannot remember the check: {error}");
        }
        tell.report(Report::Checked(summary)).await;
        self.index_what_came();
        next
    }

    /// Puts what has come into the index. Whoever searches meanwhile does the rest.
    fn index_what_came(&mut self) {
        if self
            .indexing
            .as_ref()
            .is_some_and(|task| !task.is_finished())
        {
            return;
        }
        let (store, stop) = (self.store.clone(), self.stop.clone());
        self.indexing = Some(work::begin(move || {
            while !stop.is_cancelled() {
                match store.index_more() {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => {
                        // The next search tries it again, and says what is wrong.
                        tracing::debug!("cannot go on with the index: {error}");
                        return;
                    }
                }
            }
        }));
    }

    async fn password(&mut self) -> Result<SecretString, Outcome> {
        if let Some(password) = &self.password {
            return Ok(password.clone());
        }
        let password =
            Source::of(&self.mailbox)
                .fetch()
                .await
                .map_err(|error| Outcome::NoPassword {
                    why: Shown::line(&chain(&error)),
                })?;
        if !self.mailbox.has_token() {
            // A token is good for an hour or so: whoever gives it out knows.
            self.password = Some(password.clone());
        }
        Ok(password)
    }

    /// Waits until the next check is due or wanted; false if there will be none.
    async fn wait(&mut self, wait: Option<Duration>) -> bool {
        let due = wait.map(|wait| (Instant::now() + wait, self.now().checked_add(wait)));
        loop {
            let sleep = match &due {
                Some((by_timer, by_clock)) => {
                    let by_timer = by_timer.saturating_duration_since(Instant::now());
                    let by_clock = match by_clock {
                        Ok(by_clock) => by_clock.duration_since(self.now()),
                        Err(_) => SignedDuration::MAX,
                    };
                    match schedule::sleep(by_timer, by_clock) {
                        Some(sleep) => sleep,
                        None => return true,
                    }
                }
                None => Duration::from_secs(u64::from(u32::MAX)),
            };
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return false,
                // First, so that a check that is wanted as well is made with it.
                password = self.given.recv() => {
                    self.password = password;
                    return self.password.is_some();
                }
                () = self.wanted.notified() => return true,
                () = time::sleep(sleep) => {}
            }
        }
    }

    fn now(&self) -> Timestamp {
        let surroundings = self.surroundings.as_ref();
        surroundings.map_or_else(Timestamp::now, |simulated| (simulated.clock)())
    }

    fn chance(&mut self) -> f64 {
        let surroundings = self.surroundings.as_mut();
        surroundings.map_or_else(chance, |simulated| (simulated.chance)())
    }
}

impl Summary {
    /// A summary of a check that began at `at` and ended like this before anything was known.
    pub fn empty(at: Timestamp, outcome: Outcome) -> Summary {
        Summary {
            at,
            took: Duration::ZERO,
            outcome,
            next: None,
            on_server: None,
            new: 0,
            told: 0,
            withdrawn: 0,
            octets: 0,
            left: 0,
            attempt: 0,
            notes: Vec::new(),
            dialogue: Arc::from(""),
        }
    }
}

/// A number from 0 up to 1.
pub(crate) fn chance() -> f64 {
    // Without chance there is no jitter, which is no reason not to check.
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}

//! `check`: one check of each mailbox, without a screen.

use std::{
    io::{IsTerminal, stderr, stdin},
    ops::RangeInclusive,
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use clap::Args;
use futures_util::future::join_all;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;
use tokio::{sync::mpsc, task::JoinSet, time};
use tokio_util::sync::CancellationToken;

use super::{
    FormArgs,
    context::{Context, Which},
    failure::{self, Failure},
    output::{Form, Out, number, words},
    progress::{Progress, ProgressHow},
    remark::remark,
    signals::{self, Signals},
};
use crate::{
    causes::chain,
    config::Mailbox,
    notice::{MailboxIndex, shown::Shown},
    poll::{
        check::{Check, rebuild},
        early::Early,
        memory,
        outcome::of_store,
        report::{Outcome, Summary},
        schedule::{Next, Schedule},
        tell::Tell,
    },
    secret::{self, Source},
    store::{self, Store},
};

/// What `check` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    tidings check                       all mailboxes\n  \
    tidings check -m notices --wait     as long as it takes while others are checking\n  \
    tidings check --exit-code || notify-send 'unread notices'")]
pub struct CheckArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    form: FormArgs,
    /// Where the mailbox is busy, wait until it is free.
    #[arg(long)]
    wait: bool,
    /// How progress is shown on stderr.
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    progress: ProgressHow,
    /// End with code 10 if there are unread notices.
    #[arg(long)]
    exit_code: bool,
}

/// A check that has brought more or less than this leaves the index alone.
const BROUGHT: RangeInclusive<u32> = 1..=100;

/// How often a busy mailbox is tried without `--wait`.
const BUSY_TRIES: u32 = 4;

#[derive(Serialize)]
struct CheckItem<'a> {
    mailbox: &'a str,
    new: u32,
    known: u32,
    withdrawn: u32,
    bytes: u64,
    seconds: f64,
    outcome: &'static str,
}

/// Checks the mailboxes once, all at the same time.
///
/// # Errors
///
/// A check did not come through; the others did all the same.
pub async fn check(args: CheckArgs, context: &Context) -> Result<ExitCode, Failure> {
    let mut out = Out::new();
    let form = args.form.form(&out);
    let cancelled = CancellationToken::new();
    let mailboxes = context.reachable(&args.which)?;
    let passwords = passwords(&mailboxes).await;
    // Not before all passwords are there: a server does not wait long for somebody to sign in.
    let mut prepared = Vec::new();
    for (mailbox, password) in mailboxes.iter().zip(passwords) {
        prepared.push(prepare(&args, context, mailbox, password, &cancelled));
    }
    // Not before: Ctrl-C at the question for a password ends the program as usual.
    let mut signals = Signals::listen()?;
    let (caught, cancel) = (Arc::new(OnceLock::new()), cancelled.clone());
    let catch = caught.clone();
    tokio::spawn(async move {
        // The first is the reason.
        let _ = catch.set(signals.next().await);
        cancel.cancel();
    });
    let mut tasks = JoinSet::new();
    for (index, prepared) in prepared.into_iter().enumerate() {
        match prepared {
            Ok((one, password)) => {
                tasks.spawn(async move { (index, one.run(&password).await) });
            }
            Err(outcome) => {
                tasks.spawn(async move { (index, Checked::not_begun(outcome)) });
            }
        }
    }
    let mut results: Vec<Option<Checked>> = mailboxes.iter().map(|_| None).collect();
    while let Some(done) = tasks.join_next().await {
        let (index, result) = done.map_err(|error| Failure::unexpected("a check broke", error))?;
        results[index] = Some(result);
    }

    let mut failures = Vec::new();
    let mut items = Vec::new();
    let mut rows = Vec::new();
    let mut unread = 0;
    for (mailbox, result) in mailboxes.iter().zip(&results) {
        let Some(Checked {
            summary,
            kept,
            unread: unread_here,
        }) = result
        else {
            continue;
        };
        unread += unread_here;
        failures.extend(Failure::of_check(&mailbox.name, &summary.outcome));
        items.push(CheckItem {
            mailbox: &mailbox.name,
            new: summary.new,
            known: u32::try_from(*kept).unwrap_or(u32::MAX),
            withdrawn: summary.withdrawn,
            bytes: summary.octets,
            seconds: summary.took.as_secs_f64(),
            outcome: summary.outcome.word(),
        });
        rows.push(row(mailbox, summary));
        if !context.quiet {
            for note in &summary.notes {
                remark(&Shown::line(&format!("{}: {note}", mailbox.name)));
            }
        }
    }
    match form {
        Form::Json | Form::JsonLines => out.json(form, &items)?,
        Form::Table | Form::Tabs if context.quiet => {}
        Form::Table | Form::Tabs => out.table(form, &COLUMNS, &rows)?,
    }
    out.flush()?;
    let interrupted = failure::INTERRUPTED;
    for failure in failures
        .iter()
        .filter(|failure| failure.code() != interrupted)
    {
        failure::report(failure);
    }
    if let Some(signal) = caught.get() {
        return Ok(signals::code(*signal));
    }
    match failures.first() {
        Some(failure) => Ok(ExitCode::from(failure.code())),
        None if args.exit_code && unread > 0 => Ok(ExitCode::from(failure::UNREAD)),
        None => Ok(ExitCode::SUCCESS),
    }
}

const COLUMNS: [super::output::Column; 6] = [
    words("mailbox"),
    words("result"),
    number("new"),
    number("on server"),
    number("bytes"),
    number("seconds"),
];

fn row(mailbox: &Mailbox, summary: &Summary) -> Vec<Shown> {
    let on_server = summary
        .on_server
        .map_or_else(|| "-".to_owned(), |count| count.to_string());
    [
        mailbox.name.clone(),
        summary.outcome.word().to_owned(),
        summary.new.to_string(),
        on_server,
        summary.octets.to_string(),
        format!("{:.2}", summary.took.as_secs_f64()),
    ]
    .iter()
    .map(|field| Shown::line(field))
    .collect()
}

/// What became of a mailbox's check, and how many of its notices are kept and unread then; the latter only
/// where it is asked for.
struct Checked {
    summary: Summary,
    kept: u64,
    unread: u64,
}

impl Checked {
    fn not_begun(outcome: Outcome) -> Checked {
        Checked {
            summary: Summary::empty(Timestamp::now(), outcome),
            kept: 0,
            unread: 0,
        }
    }
}

/// Opens the cache, while the server is called already; what it comes to if the cache or the password
/// is not to be had.
fn prepare(
    args: &CheckArgs,
    context: &Context,
    mailbox: &Mailbox,
    password: Result<SecretString, secret::Error>,
    cancelled: &CancellationToken,
) -> Result<(One, SecretString), Outcome> {
    let password = password.map_err(|error| Outcome::NoPassword {
        why: Shown::line(&chain(&error)),
    })?;
    let early = Early::begin(mailbox, &context.settings);
    // An older cache is brought up to date first, which may take long.
    let store = tokio::task::block_in_place(|| context.store(mailbox)).map_err(|failure| {
        Outcome::CannotSave {
            why: failure.words(),
        }
    })?;
    let one = One {
        mailbox: mailbox.clone(),
        settings: context.settings.clone(),
        store,
        early: Some(early),
        cancelled: cancelled.clone(),
        progress: Progress::of(args.progress, context.quiet, mailbox),
        wait: args.wait,
        counts_unread: args.exit_code,
    };
    Ok((one, password))
}

/// One mailbox's check.
struct One {
    mailbox: Mailbox,
    settings: crate::config::Settings,
    store: Store,
    early: Option<Early>,
    cancelled: CancellationToken,
    progress: Option<Progress>,
    wait: bool,
    counts_unread: bool,
}

impl One {
    /// Checks, again where the mailbox is busy, and where the cache turns out to be damaged at what a check does not
    /// look at.
    async fn run(mut self, password: &SecretString) -> Checked {
        let mut summary = self.visit(password).await;
        let mut counted = self.count(summary.new).await;
        if summary.outcome.is_done()
            && let Err(store::Error::Damaged { .. }) = counted
        {
            match rebuild(&self.store).await {
                Ok(note) => {
                    summary = self.visit(password).await;
                    summary.notes.insert(0, note);
                    counted = self.count(summary.new).await;
                }
                Err(error) => counted = Err(error),
            }
        }
        let store = self.store;
        crate::poll::tell::blocking(move || store.close()).await;
        let (kept, unread) = counted.unwrap_or_else(|error| {
            if summary.outcome.is_done() {
                summary.outcome = of_store(&error);
            }
            (0, 0)
        });
        Checked {
            summary,
            kept,
            unread,
        }
    }

    /// How many notices are kept, and how many of them are unread where that is asked for, after a check that has
    /// brought so many.
    async fn count(&self, brought: u32) -> Result<(u64, u64), store::Error> {
        let (store, counts_unread) = (self.store.clone(), self.counts_unread);
        crate::poll::tell::blocking(move || {
            let unread = match counts_unread {
                true => store.unread()?,
                false => 0,
            };
            let kept = store.kept()?;
            // After a check that has brought very much the first search does it, or the reader meanwhile.
            if BROUGHT.contains(&brought)
                && let Err(error) = store.index_if_many_wait()
            {
                // The next search tries it again, and says what is wrong.
                tracing::debug!("cannot go on with the index: {error}");
            }
            Ok((kept, unread))
        })
        .await
    }

    async fn visit(&mut self, password: &SecretString) -> Summary {
        let (reports, mut reported) = mpsc::channel(64);
        let tell = Tell::new(MailboxIndex(0), reports);
        let progress = self.progress.take();
        let listener = tokio::spawn(async move {
            while let Some((_, report)) = reported.recv().await {
                if let Some(progress) = &progress {
                    progress.show(&report);
                }
            }
            if let Some(progress) = &progress {
                progress.end();
            }
        });
        let mut schedule = Schedule::new(Duration::from_secs(2));
        let mut tries = 0;
        let summary = loop {
            let started = Instant::now();
            let check = Check {
                mailbox: &self.mailbox,
                settings: &self.settings,
                store: &self.store,
                password,
                cancelled: &self.cancelled,
                tell: &tell,
                in_slices: false,
            };
            let (mut summary, _) = check.run_on(self.early.take(), Timestamp::now()).await;
            summary.took = started.elapsed();
            tries += 1;
            summary.attempt = tries;
            let recorded = {
                let (store, summary) = (self.store.clone(), summary.clone());
                crate::poll::tell::blocking(move || memory::record(&store, &summary)).await
            };
            if let Err(error) = recorded {
                tracing::warn!("cannot remember the check: {error}");
            }
            let is_busy = matches!(summary.outcome, Outcome::Busy { .. });
            if !is_busy || (tries >= BUSY_TRIES && !self.wait) {
                break summary;
            }
            if let Next::After(wait) = schedule.after(&summary.outcome, crate::poll::chance()) {
                tokio::select! {
                    () = time::sleep(wait) => {}
                    () = self.cancelled.cancelled() => break summary,
                }
            }
        };
        drop(tell);
        // It ends when nobody can report any more.
        let _ = listener.await;
        summary
    }
}

/// The passwords of some mailboxes. Commands run beside one another, so that none holds up the others; the person is
/// asked for one after the other.
async fn passwords(mailboxes: &[&Mailbox]) -> Vec<Result<SecretString, secret::Error>> {
    let fetched = mailboxes.iter().map(|mailbox| async {
        match Source::of(mailbox) {
            Source::Person => None,
            source => Some(source.fetch().await),
        }
    });
    let mut passwords = Vec::with_capacity(mailboxes.len());
    for (mailbox, fetched) in mailboxes.iter().zip(join_all(fetched).await) {
        passwords.push(match fetched {
            Some(fetched) => fetched,
            None => password(mailbox).await,
        });
    }
    passwords
}

/// The password of a mailbox; the person is asked if nothing else gives it.
pub async fn password(mailbox: &Mailbox) -> Result<SecretString, secret::Error> {
    match Source::of(mailbox) {
        Source::Person if stdin().is_terminal() && stderr().is_terminal() => {
            let prompt = Shown::text(&format!(
                "Password of {} at {}: ",
                mailbox.user, mailbox.host
            ));
            let typed =
                crate::poll::tell::blocking(move || rpassword::prompt_password(&*prompt)).await;
            match typed {
                Ok(password) if !password.is_empty() => Ok(SecretString::from(password)),
                Ok(_) | Err(_) => Err(secret::Error::NobodyToAsk),
            }
        }
        source => source.fetch().await,
    }
}

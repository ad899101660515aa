//! `check` and `watch`: the pollers without a screen.

use std::{
    io::{IsTerminal, stderr, stdin},
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::JoinSet,
    time,
};
use tokio_util::sync::CancellationToken;

use super::{
    FormArgs,
    context::{Context, Which},
    failure::{self, Failure},
    output::{Form, Out, number, words},
    remark::remark,
    saved::Item,
};
use crate::{
    config::Mailbox,
    notice::{Headline, MailboxIndex, files::size_text, shown::Shown},
    poll::{
        Poller,
        check::Check,
        memory,
        outcome::{chain, of_store},
        report::{Outcome, Report, Summary},
        schedule::{Next, Schedule},
        tell::Tell,
    },
    secret::{self, Source},
    store::{Store, headlines::Counts},
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

/// What `watch` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    tidings watch\n  \
    tidings watch --json | jq .subject\n  \
    tidings watch --exec notify-send 'New notice'\n\n\
    The command finds the notice in TIDINGS_ID, TIDINGS_MAILBOX, TIDINGS_FROM and TIDINGS_SUBJECT.")]
pub struct WatchArgs {
    #[command(flatten)]
    which: Which,
    /// Write one JSON object a line.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "lines", value_name = "lines")]
    json: Option<String>,
    /// Run this program for each new notice; all that follows are its arguments.
    #[arg(long, num_args = 1.., allow_hyphen_values = true, value_name = "CMD")]
    exec: Vec<String>,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum ProgressHow {
    /// A bar, on a terminal.
    #[default]
    Auto,
    /// A line now and then.
    Plain,
    /// Not at all.
    None,
}

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
    let mailboxes = context.mailboxes(&args.which)?;
    let mut prepared = Vec::new();
    for mailbox in &mailboxes {
        prepared.push(prepare(&args, context, mailbox, &cancelled).await);
    }
    // Not before: Ctrl-C at the question for a password ends the program as usual.
    let interrupted = cancelled.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            interrupted.cancel();
        }
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

/// What became of a mailbox's check, and how many of its notices are kept and unread then.
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

/// Opens the cache and fetches the password; what it comes to if one of them is not to be had.
async fn prepare(
    args: &CheckArgs,
    context: &Context,
    mailbox: &Mailbox,
    cancelled: &CancellationToken,
) -> Result<(One, SecretString), Outcome> {
    let store = context
        .store(mailbox)
        .map_err(|failure| Outcome::CannotSave {
            why: failure.words(),
        })?;
    let password = password(mailbox)
        .await
        .map_err(|error| Outcome::NoPassword {
            why: Shown::line(&chain(&error)),
        })?;
    let one = One {
        mailbox: mailbox.clone(),
        settings: context.settings.clone(),
        store,
        cancelled: cancelled.clone(),
        progress: progress(args.progress, context.quiet, mailbox),
        wait: args.wait,
    };
    Ok((one, password))
}

/// One mailbox's check.
struct One {
    mailbox: Mailbox,
    settings: crate::config::Settings,
    store: Store,
    cancelled: CancellationToken,
    progress: Option<Progress>,
    wait: bool,
}

impl One {
    /// Checks, again where the mailbox is busy.
    async fn run(self, password: &SecretString) -> Checked {
        let (reports, mut reported) = mpsc::channel(64);
        let tell = Tell::new(MailboxIndex(0), reports);
        let progress = self.progress;
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
        let mut summary = loop {
            let started = Instant::now();
            let check = Check {
                mailbox: &self.mailbox,
                settings: &self.settings,
                store: &self.store,
                password,
                cancelled: &self.cancelled,
                tell: &tell,
            };
            let (mut summary, _) = check.run(Timestamp::now()).await;
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
        let store = self.store;
        let counts = crate::poll::tell::blocking(move || {
            let counts = store.counts();
            store.close();
            counts
        })
        .await;
        let counts = counts.unwrap_or_else(|error| {
            if summary.outcome.is_done() {
                summary.outcome = of_store(&error);
            }
            Counts::default()
        });
        Checked {
            summary,
            kept: counts.all,
            unread: counts.unread,
        }
    }
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

/// Progress on stderr.
enum Progress {
    Bar(ProgressBar),
    Lines { mailbox: String },
}

fn progress(how: ProgressHow, quiet: bool, mailbox: &Mailbox) -> Option<Progress> {
    match how {
        ProgressHow::None => None,
        _ if quiet => None,
        ProgressHow::Plain => Some(Progress::Lines {
            mailbox: mailbox.name.clone(),
        }),
        ProgressHow::Auto if stderr().is_terminal() => {
            let bar = ProgressBar::no_length();
            if let Ok(style) =
                ProgressStyle::with_template("{prefix} [{bar:24}] {pos} of {len}, {msg}")
            {
                bar.set_style(style.progress_chars("##."));
            }
            bar.set_prefix(Shown::line(&mailbox.name).to_string());
            Some(Progress::Bar(bar))
        }
        ProgressHow::Auto => None,
    }
}

impl Progress {
    fn show(&self, report: &Report) {
        let (fetched, of, octets, of_octets) = match report {
            Report::Progress {
                fetched,
                of,
                octets,
                of_octets,
            } => (*fetched, *of, *octets, *of_octets),
            Report::Listed { new, octets, .. } if *new > 0 => (0, *new, 0, *octets),
            _ => return,
        };
        let amount = format!("{} of {}", size_text(octets), size_text(of_octets));
        match self {
            Progress::Bar(bar) => {
                bar.set_length(u64::from(of));
                bar.set_position(u64::from(fetched));
                bar.set_message(amount);
            }
            Progress::Lines { mailbox } => {
                remark(&Shown::line(&format!(
                    "{mailbox}: {fetched} of {of}, {amount}"
                )));
            }
        }
    }

    fn end(&self) {
        if let Progress::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// Checks over and over, and writes a line for each new notice, until Ctrl-C.
///
/// # Errors
///
/// A mailbox cannot be signed in to, and nobody is there to mend that.
pub async fn watch(args: WatchArgs, context: &Context) -> Result<ExitCode, Failure> {
    let mut out = Out::new();
    let mailboxes = context.mailboxes(&args.which)?;
    let (reports, mut reported) = mpsc::channel(256);
    let mut pollers = Vec::new();
    for (index, mailbox) in mailboxes.iter().enumerate() {
        let store = context.store(mailbox)?;
        // Asked before the first check, which would end without a password.
        let password = match Source::of(mailbox) {
            Source::Person => Some(password(mailbox).await?),
            Source::Command(_) | Source::Environment(_) | Source::File(_) | Source::Settings(_) => {
                None
            }
        };
        pollers.push(Poller::start_with(
            MailboxIndex(index),
            mailbox,
            &context.settings,
            store,
            reports.clone(),
            password,
        ));
    }
    drop(reports);
    // Listened to all the time: one that comes while a line is written counts as well.
    let listen =
        |kind| signal(kind).map_err(|error| Failure::unexpected("cannot listen to signals", error));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let outcome = loop {
        let told = tokio::select! {
            told = reported.recv() => told,
            _ = interrupt.recv() => break Ok(ExitCode::from(130)),
            _ = terminate.recv() => break Ok(ExitCode::from(143)),
        };
        let Some((index, report)) = told else {
            break Ok(ExitCode::SUCCESS);
        };
        let mailbox = mailboxes[index.0];
        match report {
            Report::Arrived(headlines) => {
                for headline in &headlines {
                    write_arrival(&mut out, mailbox, headline, args.json.is_some())?;
                    run_command(&args.exec, mailbox, headline).await?;
                }
                out.flush()?;
            }
            Report::Checked(summary) => {
                let is_final = matches!(
                    summary.outcome,
                    Outcome::SignInFailed { .. } | Outcome::NoPassword { .. }
                );
                if let Some(failure) = Failure::of_check(&mailbox.name, &summary.outcome) {
                    if is_final && mailboxes.len() == 1 {
                        break Err(failure);
                    }
                    if !context.quiet {
                        failure::report(&failure);
                    }
                }
            }
            Report::Started { .. }
            | Report::Listed { .. }
            | Report::Announced(_)
            | Report::Progress { .. }
            | Report::Withdrawn { .. }
            | Report::Returned(_)
            | Report::Vanished { .. } => {}
        }
    };
    for poller in pollers {
        let _ = time::timeout(crate::client::QUIT_TIMEOUT, poller.stop()).await;
    }
    outcome
}

fn write_arrival(
    out: &mut Out,
    mailbox: &Mailbox,
    headline: &Headline,
    is_json: bool,
) -> Result<(), Failure> {
    if is_json {
        return out.json(Form::JsonLines, &[Item::of(&mailbox.name, headline)]);
    }
    let fields = [
        headline.handle.to_string(),
        mailbox.name.clone(),
        headline.date.to_string(),
        headline.from.short().to_string(),
        headline.subject.to_string(),
    ];
    out.line(&Shown::text(&fields.join("  ")))
}

/// Runs the person's program for a notice. Nothing of the notice becomes part of a command line.
async fn run_command(
    command: &[String],
    mailbox: &Mailbox,
    headline: &Headline,
) -> Result<(), Failure> {
    let Some((program, arguments)) = command.split_first() else {
        return Ok(());
    };
    let status = tokio::process::Command::new(program)
        .args(arguments)
        .env("TIDINGS_ID", &*headline.handle)
        .env("TIDINGS_MAILBOX", &mailbox.name)
        .env("TIDINGS_FROM", headline.from.address.for_terminal_title())
        .env("TIDINGS_SUBJECT", headline.subject.for_terminal_title())
        .stdin(Stdio::null())
        .status()
        .await
        .map_err(|error| Failure::unexpected(&format!("cannot run {program}"), error))?;
    if !status.success() {
        remark(&Shown::line(&format!("{program} ended with {status}")));
    }
    Ok(())
}

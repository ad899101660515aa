//! `watch`: the pollers without a screen.

use std::{
    collections::VecDeque,
    process::{ExitCode, Stdio},
};

use clap::Args;
use tokio::{sync::mpsc, time};

use super::{
    check::password,
    context::{Context, Which},
    failure::{self, Failure},
    output::{Form, Out},
    remark::remark,
    saved::Item,
    signals::{self, Signals},
};
use crate::{
    config::Mailbox,
    notice::{Headline, MailboxIndex, shown::Shown},
    poll::{
        Poller,
        report::{Outcome, Report},
    },
    secret::Source,
};

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
    let mut signals = Signals::listen()?;
    let mut waiting = VecDeque::new();
    let outcome = loop {
        let told = match waiting.pop_front() {
            Some(told) => Some(told),
            None => tokio::select! {
                told = reported.recv() => told,
                signal = signals.next() => break Ok(signals::code(signal)),
            },
        };
        let Some((index, report)) = told else {
            break Ok(ExitCode::SUCCESS);
        };
        let mailbox = mailboxes[index.0];
        match report {
            Report::Arrived(headlines) => {
                let written = headlines
                    .iter()
                    .try_for_each(|headline| {
                        write_arrival(&mut out, mailbox, headline, args.json.is_some())
                    })
                    .and_then(|()| out.flush());
                if let Err(failure) = written {
                    break Err(failure);
                }
                // Programs take their time; the pollers are listened to meanwhile.
                let run = tokio::select! {
                    run = run_all(&args.exec, mailbox, &headlines) => run,
                    signal = signals.next() => break Ok(signals::code(signal)),
                    () = put_by(&mut reported, &mut waiting) => Ok(()),
                };
                if let Err(failure) = run {
                    break Err(failure);
                }
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
            | Report::Filled(_)
            | Report::Progress { .. }
            | Report::Withdrawn { .. }
            | Report::Returned(_)
            | Report::Vanished { .. } => {}
        }
    };
    // Nobody listens any more: what a poller still has to say does not hold it up.
    drop(reported);
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

/// Puts what the pollers tell by for later, for ever.
async fn put_by(
    reported: &mut mpsc::Receiver<(MailboxIndex, Report)>,
    waiting: &mut VecDeque<(MailboxIndex, Report)>,
) {
    while let Some(told) = reported.recv().await {
        waiting.push_back(told);
    }
    std::future::pending().await
}

/// Runs the person's program for each notice, one after the other.
async fn run_all(
    command: &[String],
    mailbox: &Mailbox,
    headlines: &[Headline],
) -> Result<(), Failure> {
    for headline in headlines {
        run_command(command, mailbox, headline).await?;
    }
    Ok(())
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
        .kill_on_drop(true)
        .status()
        .await
        .map_err(|error| Failure::unexpected(&format!("cannot run {program}"), error))?;
    if !status.success() {
        remark(&Shown::line(&format!("{program} ended with {status}")));
    }
    Ok(())
}

//! `watch`: the pollers without a screen.

use std::process::{ExitCode, Stdio};

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
    let outcome = loop {
        let told = tokio::select! {
            told = reported.recv() => told,
            signal = signals.next() => break Ok(signals::code(signal)),
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

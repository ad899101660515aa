//! `doctor`: the connection, stage by stage, with what to do where it fails.

use std::process::ExitCode;

use clap::Args;

use super::{
    check::password,
    context::{Context, Which},
    failure::{self, Failure},
    output::Out,
};
use crate::{
    app::trial,
    notice::shown::Shown,
    poll::check::last_way,
    secret::Source,
    tui::setup::{Step, StepResult},
};

/// What `doctor` takes.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  tidings doctor -m notices")]
pub struct DoctorArgs {
    #[command(flatten)]
    which: Which,
}

/// Tests the mailboxes one after the other, and writes each step as it ends.
///
/// # Errors
///
/// A password is missing, or stdout is closed. A failed test is an exit code, not an error.
pub async fn doctor(args: DoctorArgs, context: &Context) -> Result<ExitCode, Failure> {
    let mut out = Out::new();
    let mut code = None;
    out.line(&Shown::text(&format!(
        "settings  {}",
        context.path.display()
    )))?;
    for mailbox in context.reachable(&args.which)? {
        out.line(&Shown::line(""))?;
        out.line(&Shown::text(&format!(
            "{}  {} at {}:{} ({})",
            mailbox.name,
            mailbox.user,
            mailbox.host,
            mailbox.port(),
            mailbox.tls
        )))?;
        if matches!(Source::of(mailbox), Source::Settings(_)) {
            out.line(&Shown::text(
                "  warn   the password stands in the settings: password_command keeps it elsewhere",
            ))?;
        }
        let store = context.store(mailbox)?;
        out.line(&Shown::text(&format!(
            "  ok     {} saved notices in {}",
            store.kept()?,
            store.path().display()
        )))?;
        out.flush()?;
        let password = password(mailbox).await?;
        let mut written = Ok(());
        let last = last_way(&store)?;
        let tried = trial::run(mailbox, &password, last, &context.settings, |step| {
            if written.is_ok() {
                // Each step is on the screen while the next one may take its time.
                written = lines(&step)
                    .iter()
                    .try_for_each(|line| out.line(line))
                    .and_then(|()| out.flush());
            }
        })
        .await;
        written?;
        if let Err(outcome) = tried {
            code = code.or(failure::code_of(&outcome));
        }
    }
    out.flush()?;
    Ok(code.map_or(ExitCode::SUCCESS, ExitCode::from))
}

fn lines(step: &Step) -> Vec<Shown> {
    let took = step
        .took
        .map(|took| format!("  ({} ms)", took.as_millis()))
        .unwrap_or_default();
    match &step.result {
        StepResult::Started => Vec::new(),
        StepResult::Passed { words } => vec![Shown::text(&format!("  ok     {words}{took}"))],
        StepResult::Warned { words } => vec![Shown::text(&format!("  warn   {words}{took}"))],
        StepResult::Failed { words, remedy } => vec![
            Shown::text(&format!("  FAILED {words}{took}")),
            Shown::text(&format!("         {remedy}")),
        ],
    }
}

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
    secret::Source,
    tui::setup::{Stage, Step, StepResult},
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
    for mailbox in context.mailboxes(&args.which)? {
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
        let password = password(mailbox).await?;
        let mut lines = Vec::new();
        let mut failed_at = None;
        let all_well = trial::run(
            mailbox,
            &password,
            context.settings.connect_timeout.0,
            |step| {
                if matches!(step.result, StepResult::Failed { .. }) {
                    failed_at = Some(step.stage);
                }
                lines.extend(line(&step));
            },
        )
        .await;
        for line in &lines {
            out.line(line)?;
        }
        if !all_well {
            code = code.or(Some(match failed_at {
                Some(Stage::Encrypt) => failure::NOT_SAFE,
                Some(Stage::SignIn) => failure::SIGN_IN,
                Some(
                    Stage::Find | Stage::Connect | Stage::List | Stage::TellApart | Stage::Keeps,
                )
                | None => failure::UNREACHABLE,
            }));
        }
    }
    out.flush()?;
    Ok(code.map_or(ExitCode::SUCCESS, ExitCode::from))
}

fn line(step: &Step) -> Vec<Shown> {
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

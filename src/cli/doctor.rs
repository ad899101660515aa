//! `doctor`: the connection, stage by stage, with what to do where it fails.

use std::process::ExitCode;

use clap::Args;

mod names;

use names::Names;

use super::{
    check::password,
    context::{Context, Which},
    failure::{self, Failure},
    output::Out,
};
use crate::{
    app::trial,
    causes::chain,
    client::dialogue::Dialogue,
    config::Mailbox,
    notice::shown::Shown,
    poll::{check::last_way, report::Outcome, services},
    secret::{self, Source},
    tui::setup::{Stage, Step, StepResult},
};

/// What `doctor` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    tidings doctor -m notices\n  \
    tidings doctor --report > report.txt    to be posted where one asks for help")]
pub struct DoctorArgs {
    /// Print a report for others: no names, no addresses, no secrets, and what was said to the server.
    #[arg(long)]
    report: bool,
    #[command(flatten)]
    which: Which,
}

/// Tests the mailboxes one after the other, and writes each step as it ends.
///
/// # Errors
///
/// A cache cannot be read, or stdout is closed. A failed test is an exit code, not an error.
pub async fn doctor(args: DoctorArgs, context: &Context) -> Result<ExitCode, Failure> {
    let mut out = Out::new();
    let mut code = None;
    if args.report {
        return report(&args, context, out).await;
    }
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
        let password = match password(mailbox).await {
            Ok(password) => password,
            Err(error) => {
                let outcome = no_password(&error);
                for line in lines(&without_password(mailbox, &outcome)) {
                    out.line(&line)?;
                }
                code = code.or(failure::code_of(&outcome));
                continue;
            }
        };
        let mut written = Ok(());
        let dialogue = Dialogue::default();
        let last = last_way(&store)?;
        let tried = trial::run(
            mailbox,
            &password,
            last,
            &context.settings,
            &dialogue,
            |step| {
                if written.is_ok() {
                    // Each step is on the screen while the next one may take its time.
                    written = lines(&step)
                        .iter()
                        .try_for_each(|line| out.line(line))
                        .and_then(|()| out.flush());
                }
            },
        )
        .await;
        written?;
        if let Err(outcome) = tried {
            code = code.or(failure::code_of(&outcome));
        }
    }
    out.flush()?;
    Ok(code.map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// The same test, for others to read.
async fn report(args: &DoctorArgs, context: &Context, mut out: Out) -> Result<ExitCode, Failure> {
    let mut code = None;
    out.line(&Shown::text(&format!(
        "tidings {} on {} {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    )))?;
    for mailbox in context.reachable(&args.which)? {
        let names = Names::of(mailbox);
        let store = context.store(mailbox)?;
        out.line(&Shown::line(""))?;
        for line in settings_of(mailbox) {
            out.line(&Shown::text(&line))?;
        }
        let password = match password(mailbox).await {
            Ok(password) => password,
            Err(error) => {
                let outcome = no_password(&error);
                // What is said of it names files and commands of this machine, or worse.
                out.line(&Shown::from_static(
                    "  FAILED the password is not to be had from there: `tidings doctor` says why",
                ))?;
                code = code.or(failure::code_of(&outcome));
                continue;
            }
        };
        let dialogue = Dialogue::default();
        // From the greeting on: a server may repeat it in any answer.
        dialogue.conceal(&password);
        let last = last_way(&store)?;
        let mut steps = Vec::new();
        let tried = trial::run(
            mailbox,
            &password,
            last,
            &context.settings,
            &dialogue,
            |step| {
                steps.extend(lines(&step));
            },
        )
        .await;
        for line in &steps {
            out.line(&Shown::text(&names.hide(&dialogue.mask(line))))?;
        }
        for line in dialogue.text().lines() {
            out.line(&Shown::text(&format!("  {}", names.hide(line))))?;
        }
        if let Err(outcome) = tried {
            code = code.or(failure::code_of(&outcome));
        }
    }
    out.flush()?;
    Ok(code.map_or(ExitCode::SUCCESS, ExitCode::from))
}

fn no_password(error: &secret::Error) -> Outcome {
    Outcome::NoPassword {
        why: Shown::line(&chain(error)),
    }
}

/// A test that ends before it has begun, and what to do about it.
fn without_password(mailbox: &Mailbox, outcome: &Outcome) -> Step {
    let remedy = match Source::of(mailbox) {
        Source::Command(words) | Source::Token(words) => {
            format!("run it by hand to see what it says: {}", words.join(" "))
        }
        Source::Environment(name) => format!("set {name} where tidings is started"),
        Source::File(path) => format!("the password is the first line of {}", path.display()),
        Source::Keyring(_) | Source::Settings(_) | Source::Person => {
            "set password_command or password_file".to_owned()
        }
    };
    Step {
        stage: Stage::SignIn,
        took: None,
        result: StepResult::Failed {
            words: outcome.words(),
            remedy: Shown::line(&remedy),
        },
    }
}

/// How a mailbox is set up, without a name.
fn settings_of(mailbox: &Mailbox) -> [String; 2] {
    let source = match Source::of(mailbox) {
        Source::Command(_) => "password_command",
        Source::Token(_) => "token_command",
        Source::Environment(_) => "password_env",
        Source::File(_) => "password_file",
        Source::Keyring(_) => "keyring",
        Source::Settings(_) => "password",
        Source::Person => "nothing: it is asked for",
    };
    let set: Vec<&str> = [
        (mailbox.ca_file.is_some(), "ca_file"),
        (mailbox.pin_sha256.is_some(), "pin_sha256"),
        (mailbox.client_cert.is_some(), "client_cert"),
        (mailbox.proxy.is_some(), "proxy"),
        (mailbox.insecure.is_some(), "insecure"),
    ]
    .into_iter()
    .filter_map(|(is_set, name)| is_set.then_some(name))
    .collect();
    let service = services::of(mailbox).map_or("none that is known here", |service| service.name);
    let pace = services::least_interval(mailbox)
        .map(|least| format!(", checked every {} minutes at most", least.as_secs() / 60))
        .unwrap_or_default();
    [
        format!(
            "mailbox   {} at port {}, service: {service}{pace}",
            mailbox.tls,
            mailbox.port()
        ),
        format!(
            "settings  {source}; set: {}",
            match set.is_empty() {
                true => "nothing else".to_owned(),
                false => set.join(", "),
            }
        ),
    ]
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

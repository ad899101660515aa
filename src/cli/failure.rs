//! How a command fails: the words, and the exit code that scripts can rely on.

use std::{fmt, path::Path, process::ExitCode};

use super::remark::{complain, remark};
use crate::{
    app, causes::chain, config, notice::shown::Shown, poll::report::Outcome, secret, store,
};

/// Wrong usage.
pub const USAGE: u8 = 2;
/// Not configured, or settings wrong.
pub const SETTINGS: u8 = 3;
/// Unreachable or timed out.
pub const UNREACHABLE: u8 = 4;
/// Sign-in failed.
pub const SIGN_IN: u8 = 5;
/// Mailbox busy after all retries.
pub const BUSY: u8 = 6;
/// Certificate or encryption refused.
pub const NOT_SAFE: u8 = 7;
/// No such notice.
pub const NO_SUCH_NOTICE: u8 = 8;
/// Saved data unreadable or unwritable.
pub const SAVED_DATA: u8 = 9;
/// Unread exist (`--exit-code` only).
pub const UNREAD: u8 = 10;
/// Ctrl-C.
pub const INTERRUPTED: u8 = 130;
/// Unexpected failure.
pub const UNEXPECTED: u8 = 1;

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    error: anyhow::Error,
    next: Option<String>,
}

impl Failure {
    /// A failure with this exit code and these words.
    pub fn new(code: u8, words: impl fmt::Display) -> Failure {
        Failure {
            code,
            error: anyhow::anyhow!("{words}"),
            next: None,
        }
    }

    /// A failure that nobody expected.
    pub fn unexpected(act: &str, error: impl Into<anyhow::Error>) -> Failure {
        Failure {
            code: UNEXPECTED,
            error: error.into().context(act.to_owned()),
            next: None,
        }
    }

    /// A failure with this exit code.
    pub fn with_code(code: u8, error: anyhow::Error) -> Failure {
        Failure {
            code,
            error,
            next: None,
        }
    }

    /// The same failure, with what to do next.
    pub fn then(mut self, next: impl Into<String>) -> Failure {
        self.next = Some(next.into());
        self
    }

    /// What a check's outcome is to a script; none if it came through.
    pub fn of_check(mailbox: &str, outcome: &Outcome) -> Option<Failure> {
        let (code, next) = code_and_next(outcome)?;
        let words = match outcome {
            Outcome::SignInFailed { words } => format!("sign-in failed: {words}"),
            Outcome::Busy { words } => format!("busy: {words}"),
            outcome => outcome.words().to_string(),
        };
        let failure = Failure::new(code, format!("cannot check {mailbox}: {words}"));
        Some(if next.is_empty() {
            failure
        } else {
            failure.then(next)
        })
    }

    /// A connection test that ended like this, and what to do about it.
    pub fn of_trial(outcome: &Outcome, words: &Shown, remedy: &Shown) -> Failure {
        Failure::new(code_of(outcome).unwrap_or(UNEXPECTED), words).then(remedy.to_string())
    }

    /// The cache that turned out to be damaged, if that is it.
    pub fn damaged_cache(&self) -> Option<&Path> {
        self.error
            .chain()
            .find_map(|cause| match cause.downcast_ref() {
                Some(store::Error::Damaged { path, .. }) => Some(path.as_path()),
                Some(_) | None => None,
            })
    }

    /// What failed and why, in one line.
    pub fn words(&self) -> Shown {
        Shown::line(&chain(self.error.as_ref()))
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        self.code
    }
}

/// The exit code of a check or a connection test that ended like this; none if it came through.
pub fn code_of(outcome: &Outcome) -> Option<u8> {
    code_and_next(outcome).map(|(code, _)| code)
}

fn code_and_next(outcome: &Outcome) -> Option<(u8, &'static str)> {
    Some(match outcome {
        Outcome::Done => return None,
        Outcome::Busy { .. } => (BUSY, "someone else is checking: try again, or use --wait"),
        Outcome::ToldToWait { .. } => (BUSY, "check less often: see check_every"),
        Outcome::Unreachable { .. } => (
            UNREACHABLE,
            "what was saved before is there: `tidings list`",
        ),
        Outcome::Refused { .. } => (UNREACHABLE, "ask whoever runs the server"),
        Outcome::SignInFailed { .. } => (
            SIGN_IN,
            "check user, and password or token, in the settings: `tidings doctor` tests them",
        ),
        Outcome::NoPassword { .. } => (
            SETTINGS,
            "see the mailbox's password_… setting: `tidings config path` says in which file",
        ),
        Outcome::NotSafe { .. } => (NOT_SAFE, "`tidings doctor` says more"),
        Outcome::Broken { .. } => (
            UNREACHABLE,
            "check host and port: `tidings doctor` tests them",
        ),
        Outcome::CannotSave { .. } => (SAVED_DATA, "nothing that was saved is lost"),
        Outcome::Cancelled => (INTERRUPTED, ""),
    })
}

impl From<config::Error> for Failure {
    fn from(error: config::Error) -> Failure {
        Failure {
            code: SETTINGS,
            error: error.into(),
            next: None,
        }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        Failure {
            code: SAVED_DATA,
            error: error.into(),
            next: None,
        }
    }
}

impl From<secret::Error> for Failure {
    fn from(error: secret::Error) -> Failure {
        Failure {
            code: SETTINGS,
            error: error.into(),
            next: None,
        }
    }
}

impl From<app::Error> for Failure {
    fn from(error: app::Error) -> Failure {
        match error {
            app::Error::Store(error) => error.into(),
            app::Error::Config(error) => error.into(),
            error => Failure {
                code: UNEXPECTED,
                error: error.into(),
                next: None,
            },
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure {
            code: UNEXPECTED,
            error,
            next: None,
        }
    }
}

/// Prints a failure on stderr, made harmless, and gives its exit code.
pub fn report(failure: &Failure) -> ExitCode {
    if is_closed_pipe(&failure.error) {
        return ExitCode::SUCCESS;
    }
    complain(&failure.words());
    if let Some(next) = &failure.next {
        remark(&Shown::text(&format!("         {}", Shown::line(next))));
    }
    ExitCode::from(failure.code)
}

/// True if whoever read our output has had enough: that is no error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

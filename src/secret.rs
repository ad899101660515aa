//! Passwords: where they come from. That they are never seen is [`SecretString`]'s doing: it does
//! not print its content, and wipes it when dropped.
//!
//! A password comes from a command (an access token always does), an environment variable, a file that nobody else may read, or
//! the settings themselves; if none of these is set, the person is asked. It is never an argument
//! of a command line.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use secrecy::SecretString;
use tokio::{io::AsyncReadExt, process::Command, time};
use zeroize::Zeroizing;

use crate::config::{self, Mailbox};

pub mod keyring;

/// How long a password command may take: a person may have to unlock something.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// So long is waited for the rest of what a command has said that has ended.
const REST_OF_OUTPUT: Duration = Duration::from_millis(500);

/// The most that is read of a password command's output, or of a password file, in octets.
const LONGEST: u64 = 64 * 1024;

/// Where a mailbox's password comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A program and its arguments; the password is the first line that it prints.
    Command(Vec<String>),
    /// The same for an access token (OAuth 2.0), which is good for an hour or so.
    Token(Vec<String>),
    /// An environment variable.
    Environment(String),
    /// A file; the password is its first line.
    File(PathBuf),
    /// The system's keyring, under this account.
    Keyring(String),
    /// The settings.
    Settings(SecretString),
    /// The person, each time.
    Person,
}

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command could not be started.
    #[error("cannot run the {what} command `{program}`")]
    Start {
        /// What it is to give.
        what: &'static str,
        /// Its program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The command ended with a failure.
    #[error("the {what} command `{program}` failed ({status}): {words}")]
    Failed {
        /// What it is to give.
        what: &'static str,
        /// Its program.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The first line of what it complained of.
        words: String,
    },
    /// The command took too long.
    #[error("the {what} command `{program}` gave no answer within {} s", COMMAND_TIMEOUT.as_secs())]
    TimedOut {
        /// What it is to give.
        what: &'static str,
        /// Its program.
        program: String,
    },
    /// The command, the variable or the file gave an empty first line, or no text.
    #[error("{from} gave no password")]
    Empty {
        /// What was asked.
        from: String,
    },
    /// The environment variable is not set.
    #[error("the environment variable {name} is not set")]
    NotSet {
        /// Its name.
        name: String,
    },
    /// The file could not be read.
    #[error("cannot read the password file {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others may read the file.
    #[error("others may read the password file {path}: run `chmod 600 {path}`")]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The keyring has nothing for this account.
    #[error("the keyring has no password for {account}: `tidings setup --keyring` puts it there")]
    NotInKeyring {
        /// The account.
        account: String,
    },
    /// The keyring could not be asked, as where nobody has signed in to a desktop.
    #[error(
        "the keyring cannot be asked for the password of {account} ({why}): where there is none, password_command \
         or password_file take its place"
    )]
    Keyring {
        /// The account.
        account: String,
        /// What it says.
        why: String,
    },
    /// This program was built without the feature `keyring`.
    #[error(
        "this tidings was built without the keyring: `cargo install --features keyring` builds one with it, and \
         password_command or password_file take its place"
    )]
    NoKeyring,
    /// The person must be asked, and cannot be.
    #[error("no password is set: add password_command to the settings, or run `tidings setup`")]
    NobodyToAsk,
}

impl Source {
    /// Where the settings say that this mailbox's password comes from. The most private one wins.
    pub fn of(mailbox: &Mailbox) -> Source {
        if mailbox.has_token() {
            Source::Token(mailbox.token_command.clone())
        } else if !mailbox.password_command.is_empty() {
            Source::Command(mailbox.password_command.clone())
        } else if let Some(name) = &mailbox.password_env {
            Source::Environment(name.clone())
        } else if let Some(path) = &mailbox.password_file {
            Source::File(config::expand(path))
        } else if mailbox.keyring {
            Source::Keyring(keyring::account(mailbox))
        } else if let Some(password) = mailbox.password.reveal() {
            Source::Settings(SecretString::from(password))
        } else {
            Source::Person
        }
    }

    /// Fetches the password.
    ///
    /// # Errors
    ///
    /// There is none to be had from here; [`Error::NobodyToAsk`] for [`Source::Person`], whom only
    /// the screen and the command line can ask.
    pub async fn fetch(&self) -> Result<SecretString, Error> {
        match self {
            Source::Command(words) => from_command(words, "password").await,
            Source::Token(words) => from_command(words, "token").await,
            Source::Environment(name) => {
                let text = std::env::var(name).map_err(|_| Error::NotSet { name: name.clone() })?;
                first_line(text.as_bytes(), || {
                    format!("the environment variable {name}")
                })
            }
            Source::File(path) => from_file(path),
            Source::Keyring(account) => {
                let account = account.clone();
                tokio::task::spawn_blocking(move || keyring::fetch(&account))
                    .await
                    .unwrap_or(Err(Error::NobodyToAsk))
            }
            Source::Settings(password) => Ok(password.clone()),
            Source::Person => Err(Error::NobodyToAsk),
        }
    }
}

async fn from_command(words: &[String], what: &'static str) -> Result<SecretString, Error> {
    let program = words.first().cloned().unwrap_or_default();
    let mut child = Command::new(&program)
        .args(words.iter().skip(1))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| Error::Start {
            what,
            program: program.clone(),
            source,
        })?;
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();

    let finished = time::timeout(COMMAND_TIMEOUT, async {
        let mut output = Zeroizing::new(Vec::new());
        let mut complaint = Vec::new();
        let status = {
            let reading = async {
                tokio::join!(
                    async {
                        if let Some(stdout) = stdout {
                            // What cannot be read is as good as empty: the exit status says the rest.
                            let _ = stdout.take(LONGEST).read_to_end(&mut output).await;
                        }
                    },
                    async {
                        if let Some(stderr) = stderr {
                            let _ = stderr.take(LONGEST).read_to_end(&mut complaint).await;
                        }
                    }
                )
            };
            tokio::pin!(reading);
            tokio::select! {
                _ = &mut reading => child.wait().await,
                status = child.wait() => {
                    // An agent that it has left behind may hold the pipes for ever.
                    let _ = time::timeout(REST_OF_OUTPUT, &mut reading).await;
                    status
                }
            }
        };
        (status, output, complaint)
    })
    .await;

    let (status, output, complaint) = finished.map_err(|_| Error::TimedOut {
        what,
        program: program.clone(),
    })?;
    let status = status.map_err(|source| Error::Start {
        what,
        program: program.clone(),
        source,
    })?;
    if !status.success() {
        let words = String::from_utf8_lossy(&complaint);
        return Err(Error::Failed {
            what,
            program,
            status,
            words: words.lines().next().unwrap_or("it said nothing").to_owned(),
        });
    }
    first_line(&output, || format!("the {what} command `{program}`"))
}

fn from_file(path: &Path) -> Result<SecretString, Error> {
    let failed = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    if is_exposed(&file.metadata().map_err(failed)?) {
        return Err(Error::Exposed {
            path: path.to_owned(),
        });
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(LONGEST).read_to_end(&mut bytes).map_err(failed)?;
    first_line(&bytes, || format!("the password file {}", path.display()))
}

/// True if the group or the world may read the file.
pub fn is_exposed(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;

    metadata.permissions().mode() & 0o044 != 0
}

fn first_line(bytes: &[u8], from: impl Fn() -> String) -> Result<SecretString, Error> {
    let line = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok(text) if !text.is_empty() => Ok(SecretString::from(text)),
        Ok(_) | Err(_) => Err(Error::Empty { from: from() }),
    }
}

//! The setup's work: testing a connection, reading a team file, writing the settings.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use secrecy::SecretString;
use tokio::sync::mpsc;

use super::trial;
use crate::{
    causes::chain,
    client::dialogue::Dialogue,
    config::{self, Mailbox, Password, Settings, file},
    notice::shown::Shown,
    secret::Source,
    tui::{
        effect::{Keep, Plan},
        event::Event,
        setup::{Stage, Step, StepResult},
    },
};

/// Tests a connection and tells each step.
pub(super) fn test(
    events: mpsc::Sender<Event>,
    settings: &Settings,
    number: u32,
    mailbox: Mailbox,
    password: &Password,
) {
    let typed = password.reveal().map(SecretString::from);
    let settings = settings.clone();
    tokio::spawn(async move {
        let (steps, mut told) = mpsc::unbounded_channel();
        let forward = async {
            while let Some(step) = told.recv().await {
                let event = Event::Tested {
                    trial: number,
                    step,
                };
                if events.send(event).await.is_err() {
                    break;
                }
            }
        };
        let trial = async move {
            let dialogue = Dialogue::default();
            let password = match typed {
                Some(password) => Ok(password),
                None => Source::of(&mailbox).fetch().await,
            };
            match password {
                Ok(password) => {
                    let _ = trial::run(&mailbox, &password, None, &settings, &dialogue, |step| {
                        let _ = steps.send(step);
                    })
                    .await;
                }
                Err(error) => {
                    let _ = steps.send(Step {
                        stage: Stage::SignIn,
                        result: StepResult::Failed {
                            words: Shown::line(&chain(&error)),
                            remedy: Shown::line("check the command, or type the password"),
                        },
                        took: None,
                    });
                }
            }
        };
        tokio::join!(trial, forward);
    });
}

/// Reads a team file, which says all but the password.
pub(super) fn load_team_file(events: mpsc::Sender<Event>, path: String) {
    tokio::task::spawn_blocking(move || {
        let event = match read_team_file(&config::expand(Path::new(&path))) {
            Ok(mailbox) => Event::TeamFileLoaded(Box::new(mailbox)),
            Err(why) => Event::Failed {
                what: Shown::line("cannot load the team file"),
                why: Shown::line(&why),
                next: Shown::line("ask whoever set the mailbox up for tidings-team.toml"),
            },
        };
        let _ = events.blocking_send(event);
    });
}

/// The first mailbox of a team file, without its word on where the password is. A `ca_file` may lie
/// beside it.
///
/// # Errors
///
/// The file cannot be read, or names no mailbox; in words.
pub fn read_team_file(path: &Path) -> Result<Mailbox, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut settings = Settings::parse(&text, path).map_err(|error| chain(&error))?;
    settings.anchor(path);
    let mut mailbox = settings
        .mailboxes
        .into_iter()
        .next()
        .ok_or_else(|| format!("{} names no mailbox", path.display()))?;
    // A file from elsewhere neither runs a command here nor says what is sent to its server.
    mailbox.password = Password::default();
    mailbox.password_command.clear();
    mailbox.token_command.clear();
    mailbox.password_file = None;
    mailbox.password_env = None;
    // And shows nobody who somebody is.
    mailbox.client_cert = None;
    mailbox.client_key = None;
    // And neither takes a password out of the keyring nor leads it another way, or without protection.
    mailbox.keyring = false;
    mailbox.proxy = None;
    mailbox.insecure = None;
    Ok(mailbox)
}

/// Writes what the setup found out; gives the mailbox as it was written, and all settings.
pub(super) fn save(path: &Path, plan: Plan) -> Result<(Mailbox, Settings), Box<Event>> {
    let failed = |why: String| {
        Box::new(Event::Failed {
            what: Shown::line("cannot save the settings"),
            why: Shown::line(&why),
            next: Shown::line("nothing is lost: mend it and press Enter again"),
        })
    };
    let known = file::load(path).map_err(|error| failed(chain(&error)))?;
    let mut mailbox = plan.mailbox;
    mailbox.name = known.settings.free_name(&mailbox);
    mailbox.unread_since = Some(plan.unread_since);
    if plan.keep != Keep::Command {
        mailbox.password_command.clear();
    }
    // What was typed here takes the place of whatever was there before.
    mailbox.token_command.clear();
    mailbox.keyring = false;
    mailbox.password_file = match (plan.keep, plan.password.reveal()) {
        (Keep::File, Some(password)) => Some(
            write_password(path, &mailbox.name, password)
                .map_err(|error| failed(format!("the password file: {error}")))?,
        ),
        (Keep::Command | Keep::File | Keep::Ask, _) => None,
    };
    file::save_mailbox(path, &mailbox).map_err(|error| failed(chain(&error)))?;
    let loaded = file::load(path).map_err(|error| failed(chain(&error)))?;
    Ok((mailbox, loaded.settings))
}

/// Writes a password into a file of its own beside the settings, readable by its owner alone.
fn write_password(settings: &Path, mailbox: &str, password: &str) -> std::io::Result<PathBuf> {
    let folder = settings.parent().unwrap_or(Path::new("."));
    file::make_folder(folder)?;
    let name: String = mailbox
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let path = folder.join(format!("{name}.password"));
    // Temporary files are made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(password.as_bytes())?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(path)
}

//! Links, files and programs: what leaves the screen for the rest of the machine.

use std::{
    io::{self, BufRead, Write},
    process::{Command, Stdio},
};

use super::World;
use crate::{
    app::saving::{download_dir, save_new, tilde},
    causes::chain,
    notice::{
        MailboxIndex, Notice, NoticeId,
        files::{self, Way},
        shown::Shown,
    },
    tui::{
        effect::{Effect, Wanted},
        event::Event,
    },
};

impl World {
    pub(super) fn open_link(&self, target: Shown) {
        let is_allowed = ["http://", "https://", "mailto:"]
            .iter()
            .any(|scheme| target.starts_with(scheme));
        let events = self.events.clone();
        tokio::task::spawn_blocking(move || {
            let opened = if is_allowed {
                open::that_detached(target.as_str()).map_err(|error| unopened(&error))
            } else {
                Err("only web and mail addresses are opened".to_owned())
            };
            let event = match opened {
                Ok(()) => Event::Done {
                    words: Shown::line(&format!("opened {target}")),
                },
                Err(why) => Event::Failed {
                    what: Shown::line("cannot open the link"),
                    why: Shown::line(&why),
                    next: Shown::line("y copies it"),
                },
            };
            let _ = events.blocking_send(event);
        });
    }

    pub(super) fn open_file(&mut self, mailbox: MailboxIndex, id: NoticeId, way: Way) {
        if self.opened_files.is_none() {
            // Private, and gone with the program.
            self.opened_files = tempfile::Builder::new().prefix("tidings-").tempdir().ok();
        }
        let folder = self
            .opened_files
            .as_ref()
            .map(|folder| folder.path().to_owned());
        self.with_mail(mailbox, id, "cannot open the file", move |mail| {
            let folder = folder.ok_or("no temporary folder can be made")?;
            let (name, content_type, bytes) = file(mail, way)?;
            if files::is_program(&name, &content_type) {
                return Err("it is a program: w saves it".to_owned());
            }
            let path = save_new(&folder, &name, &bytes).map_err(|error| error.to_string())?;
            open::that_detached(&path).map_err(|error| unopened(&error))?;
            Ok(Event::Done {
                words: Shown::line(&format!("opened {name}")),
            })
        });
    }

    pub(super) fn save_files(&self, mailbox: MailboxIndex, id: NoticeId, ways: Vec<Way>) {
        let folder = download_dir(&self.settings);
        self.with_mail(mailbox, id, "cannot save the file", move |mail| {
            let mut saved = Vec::new();
            for way in ways {
                let (name, _, bytes) = file(mail, way)?;
                let path = save_new(&folder, &name, &bytes).map_err(|error| error.to_string())?;
                saved.push(path);
            }
            let words = match saved.as_slice() {
                [path] => format!("saved {}", tilde(path)),
                saved => format!("saved {} files in {}", saved.len(), tilde(&folder)),
            };
            Ok(Event::Done {
                words: Shown::line(&words),
            })
        });
    }

    pub(super) fn save_notice(&self, mailbox: MailboxIndex, id: NoticeId) {
        let folder = download_dir(&self.settings);
        self.with_mail(mailbox, id, "cannot save the notice", move |mail| {
            let name = files::safe_name(
                &format!("{}.eml", Notice::parse(mail).subject),
                "notice.eml",
            );
            let path = save_new(&folder, &name, mail).map_err(|error| error.to_string())?;
            Ok(Event::Done {
                words: Shown::line(&format!("saved {}", tilde(&path))),
            })
        });
    }

    pub(super) fn save(
        &self,
        content: impl FnOnce(()) -> Result<(String, Vec<u8>), String> + Send + 'static,
    ) {
        let (folder, events) = (download_dir(&self.settings), self.events.clone());
        tokio::task::spawn_blocking(move || {
            let saved = content(()).and_then(|(name, bytes)| {
                save_new(&folder, &files::safe_name(&name, "tidings.txt"), &bytes)
                    .map_err(|error| error.to_string())
            });
            let _ = events.blocking_send(match saved {
                Ok(path) => Event::Done {
                    words: Shown::line(&format!("saved {}", tilde(&path))),
                },
                Err(why) => Event::Failed {
                    what: Shown::line("cannot save"),
                    why: Shown::line(&why),
                    next: Shown::default(),
                },
            });
        });
    }

    pub(super) fn copy_notice(&self, wanted: Wanted) {
        let (follow_ups, opened) = (self.follow_ups.clone(), self.opened.clone());
        let Some(store) = self.store(wanted.mailbox) else {
            return;
        };
        let (mailbox, id) = (wanted.mailbox, wanted.id);
        self.with_mail(mailbox, id, "cannot copy the notice", move |mail| {
            let text = opened.notice(wanted, mail, &store)?.text();
            follow_ups
                .blocking_send(Effect::Copy { text })
                .map_err(|error| error.to_string())?;
            Ok(Event::Done {
                words: Shown::line("copied the text"),
            })
        });
    }

    /// Pipes a notice's decoded text into a program of the person's, which has the terminal.
    pub(in crate::app) fn pipe(&self, wanted: Wanted, command: &[String]) {
        let outcome = (|| -> Result<(), String> {
            let store = self.store(wanted.mailbox).ok_or("no such mailbox")?;
            let mail = store
                .mail(wanted.id)
                .map_err(|error| chain(&error))?
                .ok_or("it is not kept")?;
            let text = self.opened.notice(wanted, &mail, &store)?.text();
            let (program, arguments) = command.split_first().ok_or("no program was named")?;
            let mut child = Command::new(program)
                .args(arguments)
                .stdin(Stdio::piped())
                .spawn()
                .map_err(|error| match error.kind() {
                    io::ErrorKind::NotFound => format!("there is no program `{program}`"),
                    _ => format!("{program}: {error}"),
                })?;
            if let Some(mut input) = child.stdin.take() {
                // A program that reads only the beginning is content with that.
                let _ = input.write_all(text.as_bytes());
            }
            let status = child.wait().map_err(|error| error.to_string())?;
            wait_for_enter();
            if status.success() {
                Ok(())
            } else {
                Err(format!("{program} ended with {status}"))
            }
        })();
        self.tell(match outcome {
            Ok(()) => Event::Done {
                words: Shown::line(&format!("piped into {}", command.join(" "))),
            },
            Err(why) => Event::Failed {
                what: Shown::line("cannot pipe the notice"),
                why: Shown::line(&why),
                next: Shown::default(),
            },
        });
    }

    pub(super) fn notify(&self, command: &[String], new: u32) {
        let Some((program, arguments)) = command.split_first() else {
            return;
        };
        let child = tokio::process::Command::new(program)
            .args(arguments)
            .env("TIDINGS_NEW", new.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match child {
            Ok(mut child) => {
                tokio::spawn(async move { child.wait().await });
            }
            Err(error) => self.tell(Event::Failed {
                what: Shown::line(&format!("cannot run {program}")),
                why: Shown::line(&error.to_string()),
                next: Shown::line("see `notify` in the settings"),
            }),
        }
    }
}

/// An attachment's name, type and bytes.
fn file(mail: &[u8], way: Way) -> Result<(Shown, Shown, Vec<u8>), String> {
    let (file, bytes) = way
        .file(mail)
        .ok_or("there is no such file, or it cannot be decoded")?;
    Ok((file.name, file.content_type, bytes))
}

/// Why the platform opens something with no program: what it tried says nothing to a person.
fn unopened(error: &io::Error) -> String {
    tracing::debug!("cannot open: {error}");
    "no program here opens it".to_owned()
}

/// Leaves what a program has written on the screen until it was read.
fn wait_for_enter() {
    let mut out = io::stdout();
    let _ = write!(out, "\n[Enter: back to the notice] ").and_then(|()| out.flush());
    // A terminal that is gone ends it as well.
    let _ = io::stdin().lock().read_line(&mut String::new());
}

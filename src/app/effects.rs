//! Performs what the screen asked for, off the loop, and answers with events.

use std::{
    collections::{HashMap, HashSet},
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::{Timestamp, tz::TimeZone};
use secrecy::SecretString;
use tokio::{sync::mpsc, task::JoinHandle, time};

use super::{
    Error,
    marks::{Wish, Writer},
    saving::{download_dir, save_new, tilde},
    setup,
};
use crate::{
    config::{self, Mailbox, Settings},
    notice::{MailboxIndex, Notice, NoticeId, body::Options, files, shown::Shown},
    poll::{Poller, Reports, memory, outcome::chain, report::Report, tell::blocking},
    store::{Store, headlines::Place, marks, search::Query},
    tui::{
        effect::{Effect, Timer},
        event::Event,
    },
};

/// The world as far as the screen reaches into it.
#[derive(Debug)]
pub struct World {
    settings: Settings,
    settings_path: PathBuf,
    mailboxes: Vec<Open>,
    events: mpsc::Sender<Event>,
    reports: Reports,
    follow_ups: mpsc::Sender<Effect>,
    timers: HashMap<Timer, JoinHandle<()>>,
    marks: Writer,
    searches: Arc<AtomicU64>,
    opened: Option<(MailboxIndex, NoticeId, Arc<Notice>)>,
    opened_files: Option<tempfile::TempDir>,
    ascii: bool,
}

/// The ways from the world back into the loop.
#[derive(Debug)]
pub(super) struct Ways {
    /// What happened, for the screen.
    pub events: mpsc::Sender<Event>,
    /// What the pollers say.
    pub reports: Reports,
    /// What is to be done with the terminal once something is there for it.
    pub follow_ups: mpsc::Sender<Effect>,
}

/// A mailbox with its cache and its poller.
#[derive(Debug)]
struct Open {
    mailbox: Mailbox,
    store: Store,
    poller: Option<Poller>,
    told: Arc<Mutex<Told>>,
}

/// What the screen has heard of a cache.
#[derive(Debug, Default)]
struct Told {
    /// The last change; none before the saved list is read.
    change: Option<i64>,
    /// The notices.
    ids: HashSet<NoticeId>,
}

/// How many headlines are on the screen before the rest is read.
const FIRST_PAGE: usize = 200;
/// How many are read at once after that.
const PAGE: usize = 5_000;
/// How many earlier checks are shown.
const RECALLED: usize = 500;
/// The most notices that a search gives.
const MOST_FOUND: usize = 1_000_000;
/// Under this name the cache remembers when the person last left.
const LEFT: &str = "left";

impl World {
    /// Opens the caches of all mailboxes.
    pub(super) async fn open(
        settings: Settings,
        settings_path: PathBuf,
        ways: Ways,
        unicode: bool,
    ) -> Result<World, Error> {
        let ascii = settings.screen.ascii.unwrap_or(!unicode);
        let Ways {
            events,
            reports,
            follow_ups,
        } = ways;
        let mut world = World {
            marks: Writer::start(events.clone()),
            settings,
            settings_path,
            mailboxes: Vec::new(),
            events,
            reports,
            follow_ups,
            timers: HashMap::new(),
            searches: Arc::default(),
            opened: None,
            opened_files: None,
            ascii,
        };
        for mailbox in world.settings.mailboxes.clone() {
            world.open_mailbox(mailbox).await?;
        }
        Ok(world)
    }

    async fn open_mailbox(&mut self, mailbox: Mailbox) -> Result<(), Error> {
        let path = config::file::cache_path(&self.settings, &mailbox)?;
        let opened = blocking(move || Store::open(&path)).await?;
        if let Some(aside) = opened.damaged {
            self.tell(Event::Failed {
                what: Shown::line(&format!(
                    "the saved notices of {} were damaged",
                    mailbox.name
                )),
                why: Shown::line(&format!("moved to {}", tilde(&aside))),
                next: Shown::line("the marks were saved, the notices are fetched anew"),
            });
        }
        self.mailboxes.push(Open {
            mailbox,
            store: opened.store,
            poller: None,
            told: Arc::default(),
        });
        Ok(())
    }

    /// Starts the pollers that do not run yet.
    pub(super) fn start_pollers(&mut self) {
        for (index, open) in self.mailboxes.iter_mut().enumerate() {
            if open.poller.is_none() {
                open.poller = Some(Poller::start(
                    MailboxIndex(index),
                    &open.mailbox,
                    &self.settings,
                    open.store.clone(),
                    self.reports.clone(),
                ));
            }
        }
        for (index, open) in self.mailboxes.iter().enumerate() {
            let (store, events) = (open.store.clone(), self.events.clone());
            tokio::spawn(async move {
                if let Ok(counts) = blocking(move || store.counts()).await {
                    let _ = events
                        .send(Event::Counted {
                            mailbox: MailboxIndex(index),
                            unread: u32::try_from(counts.unread).unwrap_or(u32::MAX),
                        })
                        .await;
                }
            });
        }
    }

    /// The settings.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Ends the pollers and writes what is left to write; false if marks could not be written.
    pub(super) async fn close(self) -> bool {
        for (_, timer) in self.timers {
            timer.abort();
        }
        let are_written = self.marks.finish().await;
        let mut pollers = Vec::new();
        for open in self.mailboxes {
            pollers.extend(open.poller);
            let store = open.store;
            blocking(move || {
                // Only the rule `new since …` depends on it.
                let _ = store.remember(LEFT, Some(&Timestamp::now().to_string()));
                store.close();
            })
            .await;
        }
        // All say QUIT at the same time; none takes longer than QUIT may take.
        let farewells = pollers
            .into_iter()
            .map(|poller| tokio::spawn(poller.stop()));
        for farewell in farewells.collect::<Vec<_>>() {
            let _ = time::timeout(crate::client::QUIT_TIMEOUT, farewell).await;
        }
        are_written
    }

    /// Performs an effect that needs no terminal.
    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::WakeAfter { timer, after } => self.wake_after(timer, after),
            Effect::RunNotification { command, new } => self.notify(&command, new),
            Effect::Load { mailbox } => self.load(mailbox),
            Effect::Open { mailbox, id, width } => self.open_notice(mailbox, id, width),
            Effect::LayOut { mailbox, id, width } => self.lay_out(mailbox, id, width),
            Effect::Mark {
                mailbox,
                ids,
                change,
            } => self.mark(mailbox, &ids, change),
            Effect::Search { mailbox, query } => self.search(mailbox, query),
            Effect::Recall { mailbox } => self.recall(mailbox),
            Effect::CheckNow { mailbox } => {
                if let Some(poller) = self.poller(mailbox) {
                    poller.check_now();
                }
            }
            Effect::SignIn { mailbox, password } => {
                if let (Some(poller), Some(password)) = (self.poller(mailbox), password.reveal()) {
                    poller.sign_in(SecretString::from(password));
                }
            }
            Effect::OpenLink { target } => self.open_link(target),
            Effect::OpenFile { mailbox, id, part } => self.open_file(mailbox, id, part),
            Effect::SaveFiles { mailbox, id, parts } => self.save_files(mailbox, id, parts),
            Effect::SaveNotice { mailbox, id } => self.save_notice(mailbox, id),
            Effect::SaveText { name, text } => {
                self.save(move |_| Ok((name, text.as_bytes().to_vec())))
            }
            Effect::CopyNotice { mailbox, id } => self.copy_notice(mailbox, id),
            Effect::TestConnection {
                trial,
                mailbox,
                password,
            } => setup::test(
                self.events.clone(),
                &self.settings,
                trial,
                *mailbox,
                &password,
            ),
            Effect::LoadTeamFile { path } => setup::load_team_file(self.events.clone(), path),
            Effect::SaveSetup(plan) => self.save_setup(*plan),
            // These are the terminal's and the demo's: the loop performs them itself.
            Effect::Quit
            | Effect::Suspend
            | Effect::Redraw
            | Effect::SetTitle(_)
            | Effect::Ring
            | Effect::Post(_)
            | Effect::Copy { .. }
            | Effect::Pipe { .. }
            | Effect::StartDemo
            | Effect::Demo(_) => {}
        }
    }

    fn wake_after(&mut self, timer: Timer, after: std::time::Duration) {
        let events = self.events.clone();
        let task = tokio::spawn(async move {
            time::sleep(after).await;
            let now = Timestamp::now();
            let _ = events.send(Event::Woke { timer, now }).await;
        });
        if let Some(before) = self.timers.insert(timer, task) {
            before.abort();
        }
        if timer == Timer::Minute {
            for index in 0..self.mailboxes.len() {
                self.look_for_changes(MailboxIndex(index));
            }
        }
    }

    fn load(&self, mailbox: MailboxIndex) {
        let Some(open) = self.mailboxes.get(mailbox.0) else {
            return;
        };
        let (store, events, told) = (open.store.clone(), self.events.clone(), open.told.clone());
        tokio::task::spawn_blocking(move || {
            let failed = |error: &crate::store::Error| Event::Failed {
                what: Shown::line("cannot read the saved notices"),
                why: Shown::line(&chain(error)),
                next: Shown::default(),
            };
            let last_visit = store
                .remembered(LEFT)
                .ok()
                .flatten()
                .and_then(|at| at.parse::<Timestamp>().ok());
            let newest = store
                .changed_since(i64::MAX)
                .map_or(0, |(_, newest)| newest);
            lock(&told).change = Some(newest);
            let mut behind = None;
            let mut most = FIRST_PAGE;
            let mut kept = 0;
            loop {
                let headlines = match store.headlines(behind, most) {
                    Ok(headlines) => headlines,
                    Err(error) => {
                        let _ = events.blocking_send(failed(&error));
                        return;
                    }
                };
                if behind.is_none() {
                    kept = store.kept().unwrap_or(0);
                }
                let complete = headlines.len() < most;
                lock(&told)
                    .ids
                    .extend(headlines.iter().map(|headline| headline.id));
                behind = headlines.last().map(Place::behind);
                most = PAGE;
                let loaded = Event::Loaded {
                    mailbox,
                    headlines,
                    kept: u32::try_from(kept).unwrap_or(u32::MAX),
                    complete,
                    last_visit,
                };
                if events.blocking_send(loaded).is_err() || complete {
                    return;
                }
            }
        });
    }

    /// Tells what another running instance has changed in the cache.
    pub(super) fn look_for_changes(&self, mailbox: MailboxIndex) {
        let Some(open) = self.mailboxes.get(mailbox.0) else {
            return;
        };
        let (store, events, told) = (open.store.clone(), self.events.clone(), open.told.clone());
        tokio::task::spawn_blocking(move || {
            // A check may be over before the saved list is read: all of that would look new.
            let Some(before) = lock(&told).change else {
                return;
            };
            let Ok((headlines, newest)) = store.changed_since(before) else {
                return;
            };
            let marks: Vec<_> = headlines
                .iter()
                .map(|headline| (headline.id, headline.marks))
                .collect();
            let arrived: Vec<_> = {
                let mut told = lock(&told);
                told.change = Some(newest);
                headlines
                    .into_iter()
                    .filter(|headline| told.ids.insert(headline.id))
                    .collect()
            };
            if !arrived.is_empty() {
                let _ = events.blocking_send(Event::Reported {
                    mailbox,
                    report: Report::Arrived(arrived),
                });
            }
            if !marks.is_empty() {
                let _ = events.blocking_send(Event::Marked { mailbox, marks });
            }
        });
    }

    /// Takes notice of what a poller tells the screen.
    pub(super) fn note(&self, mailbox: MailboxIndex, report: &Report) {
        let Some(open) = self.mailboxes.get(mailbox.0) else {
            return;
        };
        if let Report::Arrived(headlines) = report {
            lock(&open.told)
                .ids
                .extend(headlines.iter().map(|headline| headline.id));
        }
        if let Report::Checked(_) = report {
            self.look_for_changes(mailbox);
        }
    }

    fn open_notice(&mut self, mailbox: MailboxIndex, id: NoticeId, width: u16) {
        let known = match &self.opened {
            Some((in_mailbox, known, notice)) if (*in_mailbox, *known) == (mailbox, id) => {
                Some(notice.clone())
            }
            Some(_) | None => None,
        };
        let options = self.layout();
        self.with_mail(mailbox, id, "cannot open the notice", move |mail| {
            let notice = known.unwrap_or_else(|| Arc::new(Notice::parse(mail)));
            let lines = notice.lines(width, options).into();
            Ok(Event::Opened {
                mailbox,
                id,
                notice,
                lines,
                width,
            })
        });
    }

    fn lay_out(&self, mailbox: MailboxIndex, id: NoticeId, width: u16) {
        let options = self.layout();
        self.with_mail(mailbox, id, "cannot lay the notice out", move |mail| {
            let lines = Notice::parse(mail).lines(width, options).into();
            Ok(Event::LaidOut {
                mailbox,
                id,
                lines,
                width,
            })
        });
    }

    fn mark(&self, mailbox: MailboxIndex, ids: &[NoticeId], change: crate::tui::effect::Change) {
        let Some(store) = self.store(mailbox) else {
            return;
        };
        let changes = [
            change.read.map(marks::Change::Read),
            change.starred.map(marks::Change::Starred),
            change.muted.map(marks::Change::Muted),
        ];
        for change in changes.into_iter().flatten() {
            self.marks.write(Wish {
                store: store.clone(),
                ids: ids.to_vec(),
                change,
            });
        }
    }

    fn search(&self, mailbox: MailboxIndex, text: String) {
        let Some(store) = self.store(mailbox) else {
            return;
        };
        let number = self.searches.fetch_add(1, Ordering::Relaxed) + 1;
        let (searches, events) = (self.searches.clone(), self.events.clone());
        tokio::task::spawn_blocking(move || {
            if searches.load(Ordering::Relaxed) != number {
                return;
            }
            let query = Query::parse(&text, &TimeZone::system());
            let words = query.as_ref().map(Query::words).unwrap_or_default();
            let result = match query {
                Err(error) => Err(Shown::line(&error.to_string())),
                Ok(query) => store
                    .search(&query, MOST_FOUND)
                    .map_err(|error| Shown::line(&chain(&error))),
            };
            let searched = store.kept().unwrap_or(0);
            let _ = events.blocking_send(Event::Found {
                mailbox,
                query: text,
                result,
                words,
                searched: u32::try_from(searched).unwrap_or(u32::MAX),
            });
        });
    }

    fn recall(&self, mailbox: MailboxIndex) {
        let Some(store) = self.store(mailbox) else {
            return;
        };
        let events = self.events.clone();
        tokio::task::spawn_blocking(move || {
            if let Ok(checks) = memory::recall(&store, RECALLED) {
                let _ = events.blocking_send(Event::Recalled { mailbox, checks });
            }
        });
    }

    fn open_link(&self, target: Shown) {
        let is_allowed = ["http://", "https://", "mailto:"]
            .iter()
            .any(|scheme| target.starts_with(scheme));
        let events = self.events.clone();
        tokio::task::spawn_blocking(move || {
            let opened = if is_allowed {
                open::that_detached(target.as_str()).map_err(|error| error.to_string())
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

    fn open_file(&mut self, mailbox: MailboxIndex, id: NoticeId, part: usize) {
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
            let (name, content_type, bytes) = file(mail, part)?;
            if files::is_program(&name, &content_type) {
                return Err("it is a program: w saves it".to_owned());
            }
            let path = save_new(&folder, &name, &bytes).map_err(|error| error.to_string())?;
            open::that_detached(&path).map_err(|error| error.to_string())?;
            Ok(Event::Done {
                words: Shown::line(&format!("opened {name}")),
            })
        });
    }

    fn save_files(&self, mailbox: MailboxIndex, id: NoticeId, parts: Vec<usize>) {
        let folder = download_dir(&self.settings);
        self.with_mail(mailbox, id, "cannot save the file", move |mail| {
            let mut saved = Vec::new();
            for part in parts {
                let (name, _, bytes) = file(mail, part)?;
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

    fn save_notice(&self, mailbox: MailboxIndex, id: NoticeId) {
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

    fn save(&self, content: impl FnOnce(()) -> Result<(String, Vec<u8>), String> + Send + 'static) {
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

    fn copy_notice(&self, mailbox: MailboxIndex, id: NoticeId) {
        let follow_ups = self.follow_ups.clone();
        self.with_mail(mailbox, id, "cannot copy the notice", move |mail| {
            let text = Notice::parse(mail).text();
            follow_ups
                .blocking_send(Effect::Copy { text })
                .map_err(|error| error.to_string())?;
            Ok(Event::Done {
                words: Shown::line("copied the text"),
            })
        });
    }

    /// Pipes a notice's decoded text into a program of the person's, which has the terminal.
    pub(super) fn pipe(&self, mailbox: MailboxIndex, id: NoticeId, command: &[String]) {
        let outcome = (|| -> Result<(), String> {
            let store = self.store(mailbox).ok_or("no such mailbox")?;
            let mail = store
                .mail(id)
                .map_err(|error| chain(&error))?
                .ok_or("it is not kept")?;
            let text = Notice::parse(&mail).text();
            let (program, arguments) = command.split_first().ok_or("no program was named")?;
            let mut child = Command::new(program)
                .args(arguments)
                .stdin(Stdio::piped())
                .spawn()
                .map_err(|error| format!("{program}: {error}"))?;
            if let Some(mut input) = child.stdin.take() {
                // A program that reads only the beginning is content with that.
                let _ = input.write_all(text.as_bytes());
            }
            let status = child.wait().map_err(|error| error.to_string())?;
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

    fn notify(&self, command: &[String], new: u32) {
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

    fn save_setup(&mut self, plan: crate::tui::effect::Plan) {
        let password = plan.password.clone();
        match setup::save(&self.settings_path, plan) {
            Err(event) => self.tell(*event),
            Ok((mailbox, settings)) => {
                self.settings.mailboxes = settings.mailboxes;
                let index = self
                    .settings
                    .mailboxes
                    .iter()
                    .position(|known| known.name == mailbox.name)
                    .unwrap_or(0);
                let opened = config::file::cache_path(&self.settings, &mailbox)
                    .map_err(Error::from)
                    .and_then(|path| Store::open(&path).map_err(Error::from));
                let opened = match opened {
                    Ok(opened) => opened,
                    Err(error) => {
                        self.tell(Event::Failed {
                            what: Shown::line("cannot open the new mailbox"),
                            why: Shown::line(&chain(&error)),
                            next: Shown::default(),
                        });
                        return;
                    }
                };
                let open = Open {
                    mailbox,
                    store: opened.store,
                    poller: None,
                    told: Arc::default(),
                };
                if index < self.mailboxes.len() {
                    self.mailboxes[index] = open;
                } else {
                    self.mailboxes.push(open);
                }
                self.start_pollers();
                if let (Some(poller), Some(password)) =
                    (self.poller(MailboxIndex(index)), password.reveal())
                {
                    poller.sign_in(SecretString::from(password));
                }
                self.tell(Event::SetupSaved {
                    mailboxes: self.settings.mailboxes.clone(),
                    open: MailboxIndex(index),
                });
            }
        }
    }

    /// Reads a mail on a blocking thread, does `work` with it, and tells how that ended.
    fn with_mail(
        &self,
        mailbox: MailboxIndex,
        id: NoticeId,
        what: &'static str,
        work: impl FnOnce(&[u8]) -> Result<Event, String> + Send + 'static,
    ) {
        let Some(store) = self.store(mailbox) else {
            return;
        };
        let events = self.events.clone();
        tokio::task::spawn_blocking(move || {
            let outcome = match store.mail(id) {
                Ok(Some(mail)) => work(&mail),
                Ok(None) => Err("its text has not come yet".to_owned()),
                Err(error) => Err(chain(&error)),
            };
            let _ = events.blocking_send(outcome.unwrap_or_else(|why| Event::Failed {
                what: Shown::line(what),
                why: Shown::line(&why),
                next: Shown::default(),
            }));
        });
    }

    fn layout(&self) -> Options {
        Options {
            ascii: self.ascii,
            ..Options::default()
        }
    }

    fn tell(&self, event: Event) {
        let events = self.events.clone();
        tokio::spawn(async move { events.send(event).await });
    }

    fn store(&self, mailbox: MailboxIndex) -> Option<Store> {
        self.mailboxes.get(mailbox.0).map(|open| open.store.clone())
    }

    fn poller(&self, mailbox: MailboxIndex) -> Option<&Poller> {
        self.mailboxes.get(mailbox.0)?.poller.as_ref()
    }
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An attachment's name, type and bytes.
fn file(mail: &[u8], part: usize) -> Result<(Shown, Shown, Vec<u8>), String> {
    let notice = Notice::parse(mail);
    let file = notice
        .files
        .iter()
        .find(|file| file.part == part)
        .ok_or("there is no such file")?;
    let bytes = files::bytes(mail, part).ok_or("it cannot be decoded")?;
    Ok((file.name.clone(), file.content_type.clone(), bytes))
}

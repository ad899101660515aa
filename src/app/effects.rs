//! Performs what the screen asked for, off the loop, and answers with events.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use jiff::{Timestamp, tz::TimeZone};
use secrecy::SecretString;
use tokio::{sync::mpsc, task::JoinHandle, time};

use super::{Error, latest::Latest, marks::Writer, pictures::Pictures, saving::tilde, setup};
use crate::{
    causes::chain,
    config::{self, Mailbox, Settings},
    notice::{MailboxIndex, shown::Shown},
    poll::{Poller, Reports, tell::blocking},
    store::{self, Store, rules::Rules},
    tui::{
        effect::{Effect, Timer},
        event::Event,
    },
};

mod cache;
mod files;

use cache::{LEFT, LEFT_ID, LastOpened, Told};

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
    searches: Latest<Event>,
    openings: Latest<Event>,
    opened: LastOpened,
    pictures: Pictures,
    /// Pictures that belong into a text are shown with it.
    pub(super) shows_pictures: bool,
    opened_files: Option<tempfile::TempDir>,
    ascii: bool,
    began: Timestamp,
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
        let pictures = Pictures::new(settings.screen.images);
        let mut world = World {
            marks: Writer::start(events.clone()),
            searches: Latest::start(events.clone()),
            openings: Latest::start(events.clone()),
            settings,
            settings_path,
            mailboxes: Vec::new(),
            events,
            reports,
            follow_ups,
            timers: HashMap::new(),
            opened: LastOpened::default(),
            pictures,
            shows_pictures: false,
            opened_files: None,
            ascii,
            began: Timestamp::now(),
        };
        for mailbox in world.settings.mailboxes.clone() {
            world.open_mailbox(mailbox).await?;
        }
        Ok(world)
    }

    async fn open_mailbox(&mut self, mailbox: Mailbox) -> Result<(), Error> {
        let path = config::file::cache_path(&self.settings, &mailbox)?;
        let journals = self.settings.journal_folder();
        let rules = Rules::of(&self.settings, &mailbox.name, TimeZone::system);
        let opened = blocking(move || {
            let opened = Store::open(&path)?.carried_by(journals.as_deref())?;
            Ok::<_, store::Error>(opened.ruled_by(rules))
        });
        let opened = opened.await?;
        if let Some(aside) = opened.damaged {
            self.tell(Event::Failed {
                what: Shown::line(&format!(
                    "the saved notices of {} were damaged",
                    mailbox.name
                )),
                why: Shown::line(&format!("moved to {}", tilde(&aside.path))),
                next: Shown::line(&format!("{}, the notices are fetched anew", aside.marks())),
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
                if let Ok(highest) = store.highest_id() {
                    let _ = store.remember(LEFT_ID, Some(&highest.0.to_string()));
                }
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
            Effect::Open(wanted) => self.open_notice(wanted),
            Effect::Mark {
                mailbox,
                ids,
                change,
            } => self.mark(mailbox, &ids, change),
            Effect::Colour { mailbox } => self.colour(mailbox),
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
            Effect::OpenFile { mailbox, id, way } => self.open_file(mailbox, id, way),
            Effect::SaveFiles { mailbox, id, ways } => self.save_files(mailbox, id, ways),
            Effect::SaveNotice { mailbox, id } => self.save_notice(mailbox, id),
            Effect::SaveText { name, text } => {
                self.save(move |_| Ok((name, text.as_bytes().to_vec())))
            }
            Effect::CopyNotice(wanted) => self.copy_notice(wanted),
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
                    .and_then(|path| {
                        let journals = self.settings.journal_folder();
                        let rules = Rules::of(&self.settings, &mailbox.name, TimeZone::system);
                        let opened = Store::open(&path)?.carried_by(journals.as_deref())?;
                        Ok(opened.ruled_by(rules))
                    });
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
                // What was typed is known from the first check on.
                let poller = password.reveal().map(|password| {
                    Poller::start_with(
                        MailboxIndex(index),
                        &mailbox,
                        &self.settings,
                        opened.store.clone(),
                        self.reports.clone(),
                        Some(SecretString::from(password)),
                    )
                });
                let open = Open {
                    mailbox,
                    store: opened.store,
                    poller,
                    told: Arc::default(),
                };
                if index < self.mailboxes.len() {
                    self.mailboxes[index] = open;
                } else {
                    self.mailboxes.push(open);
                }
                self.start_pollers();
                self.tell(Event::SetupSaved {
                    mailboxes: self.settings.mailboxes.clone(),
                    open: MailboxIndex(index),
                });
            }
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

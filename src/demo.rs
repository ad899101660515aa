//! A server of its own, teammates, and a story where notices arrive while you watch.
//!
//! ```text
//!   inbox ─▶ stage (server, spool) ◀─ teammates (pollers, caches) ─ reports ─╮
//!              ╰─ entries ─▶ ledger                                          ├─▶ play ─▶ events
//!                                     story ─ beats ── wishes of the person ─╯
//! ```
//!
//! Whoever shows the demo takes its [`event::Event`]s: the screen, or [`plain`] in words.

use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

use jiff::Timestamp;
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

use crate::{config, notice::shown::Shown, server, server::spool, store};

use cast::Person;
use event::{Event, Wish};
use join::Invitation;
use ledger::Ledger;
use play::{Play, Ways};
use stage::Stage;
use story::Story;
use teammates::Reader;

pub mod cast;
pub mod chance;
pub mod event;
pub mod inbox;
pub mod join;
pub mod ledger;
pub mod letters;
pub mod plain;
mod play;
mod stage;
pub mod story;
mod teammates;

/// A running demo.
#[derive(Debug)]
pub struct Demo {
    /// Where the server listens, and how others take part.
    pub invitation: Invitation,
    /// The folder with the mbox file.
    pub spool: PathBuf,
    /// When it began.
    pub began: Timestamp,
    /// How many notices were there at its beginning.
    pub stored: usize,
    /// What the person wants goes in here. The demo ends when this is dropped.
    pub wishes: mpsc::Sender<Wish>,
    /// What happens comes out of here.
    pub events: mpsc::Receiver<Event>,
    /// The end of it: the readers have said QUIT, the folder is removed.
    pub end: JoinHandle<Result<(), Error>>,
}

/// How a demo is to be.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What the story's chance begins with.
    pub seed: u64,
    /// How many seconds of the story go into one of ours.
    pub pace: f64,
    /// Who is played by the demo.
    pub played: Played,
}

/// Who is played by the demo; all have a cache of their own in any case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Played {
    /// Everybody: there is no screen, and the story ends with its written part.
    Everybody,
    /// Ana and Tom: you are at the screen.
    Teammates,
    /// Nobody: they come from other terminals.
    Nobody,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The temporary folder could not be made or filled.
    #[error("cannot make a temporary folder")]
    Folder(#[source] io::Error),
    /// The server does not start.
    #[error(transparent)]
    Server(#[from] server::Error),
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] spool::Error),
    /// The folder for the caches is not known.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// A reader's cache cannot be used.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A reader's first check did not come through.
    #[error("{who} cannot check the mailbox: {words}")]
    FirstCheck {
        /// Whose.
        who: Person,
        /// What went wrong.
        words: Shown,
    },
    /// Other terminals cannot take part.
    #[error(transparent)]
    Join(#[from] join::Error),
}

/// How often each reader checks, in the story's time.
pub const CHECK_EVERY: Duration = Duration::from_secs(3);

/// How many events may wait for whoever shows them.
const WAITING: usize = 256;

impl Demo {
    /// Starts the server, seats the readers, and begins the story.
    ///
    /// # Errors
    ///
    /// The folder, the server or a cache cannot be used.
    pub async fn start(options: Options) -> Result<Demo, Error> {
        let began = Timestamp::now();
        let mails = inbox::mails(began);
        let stored = mails.iter().filter(|mail| mail.withdrawn.is_none()).count();
        let every = CHECK_EVERY.div_f64(options.pace);
        let (books, entries) = mpsc::unbounded_channel();
        let stage = Stage::open(mails.clone(), every, books).await?;
        let invitation = stage.invitation().clone();
        let spool = stage.spool();

        let (reporting, reports) = mpsc::channel(WAITING);
        let mut readers = Vec::new();
        let mut ledger = Ledger::default();
        for who in Person::ALL {
            let settings = invitation.settings(who.word())?;
            let store = teammates::seat(who, &settings, &mails, began).await?;
            ledger.enter(ledger::Entry::Met(who));
            let is_played = match options.played {
                Played::Everybody => true,
                Played::Teammates => who != Person::You,
                Played::Nobody => false,
            };
            if is_played {
                readers.push(Reader::start(who, store, &settings, reporting.clone()));
            }
        }

        let (wishes, wished) = mpsc::channel(WAITING);
        let (telling, events) = mpsc::channel(WAITING);
        let play = Play {
            stage,
            story: match options.played {
                Played::Everybody => Story::written(),
                Played::Teammates | Played::Nobody => Story::new(options.seed),
            },
            readers,
            ledger,
            events: telling,
            began: Instant::now(),
            pace: options.pace,
            letters: 0,
            yours: 0,
            collision: None,
        };
        let ways = Ways {
            wishes: wished,
            reports,
            entries,
        };
        Ok(Demo {
            invitation,
            spool,
            began,
            stored,
            wishes,
            events,
            end: tokio::spawn(play.run(ways)),
        })
    }

    /// Where the server listens.
    pub fn server(&self) -> SocketAddr {
        self.invitation.server
    }
}

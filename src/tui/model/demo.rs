//! What the demo shows besides a reader: its story, the teammates, the server's books.

use crate::{
    notice::shown::Shown,
    tui::event::{DemoEvent, Ledger, Teammate},
};

use super::list::{List, Ways};

/// The demo.
#[derive(Clone, Debug, Default)]
pub struct Demo {
    /// The server's address.
    pub server: Shown,
    /// Seconds since the demo began when the story's line was told.
    pub at: i64,
    /// The story's line.
    pub story: Shown,
    /// The other readers.
    pub teammates: Vec<Colleague>,
    /// The server's books.
    pub ledger: Ledger,
    /// The tip: its number, how many there are, its words.
    pub tip: Option<(u8, u8, Shown)>,
    /// True while the script is held.
    pub is_paused: bool,
    /// True while the server is broken.
    pub is_broken: bool,
    /// At whose screen one sits; none is one's own.
    pub watching: Option<usize>,
}

/// Another reader: what is known of them, and their list.
#[derive(Clone, Debug, Default)]
pub struct Colleague {
    /// What is known of them.
    pub state: Teammate,
    /// Their list, with their marks.
    pub list: List,
}

impl Colleague {
    fn new(state: Teammate) -> Colleague {
        let ways = Ways {
            threads: true,
            ..Ways::default()
        };
        let mut list = List::new(ways, jiff::Timestamp::UNIX_EPOCH);
        list.load(state.headlines.clone(), usize::MAX);
        if let Some(handle) = &state.selected {
            list.select_handle(handle);
        }
        Colleague { state, list }
    }
}

impl Demo {
    /// A demo that is about to begin.
    pub fn new(server: &str) -> Demo {
        Demo {
            server: Shown::line(server),
            story: Shown::from_static("three people, one mailbox"),
            ..Demo::default()
        }
    }

    /// Takes note of what happened.
    pub fn note(&mut self, event: DemoEvent) {
        match event {
            DemoEvent::Told { at, words } => {
                self.at = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
                self.story = words;
            }
            DemoEvent::TeammateChanged { teammate, state } => {
                if teammate >= self.teammates.len() && teammate < MOST_TEAMMATES {
                    self.teammates.resize_with(teammate + 1, Colleague::default);
                }
                if let Some(place) = self.teammates.get_mut(teammate) {
                    *place = Colleague::new(state);
                }
            }
            DemoEvent::LedgerChanged(ledger) => self.ledger = ledger,
            DemoEvent::Tipped { number, of, words } => self.tip = Some((number, of, words)),
            DemoEvent::Paused(paused) => self.is_paused = paused,
            DemoEvent::Broken(broken) => self.is_broken = broken,
        }
    }

    /// Sits down at the next teammate's screen, or again at one's own.
    pub fn watch_next(&mut self) {
        let next = self.watching.map_or(0, |teammate| teammate + 1);
        self.watching = (next < self.teammates.len()).then_some(next);
    }
}

/// The stage has room for two besides oneself; a few more do no harm.
const MOST_TEAMMATES: usize = 8;

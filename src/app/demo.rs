//! The demo beside the screen: what it tells, and what the person wants of it.

use tokio::sync::mpsc;

use crate::{
    demo::{
        cast::Person,
        event::{self, Wish},
    },
    tui::{
        effect::DemoEffect,
        event::{DemoEvent, Doing, Event, Ledger, Teammate},
    },
};

/// The two ends of a running demo.
#[derive(Debug)]
pub struct Link {
    /// What the person wants goes in here.
    pub wishes: mpsc::Sender<Wish>,
    /// What happens comes out of here.
    pub events: mpsc::Receiver<event::Event>,
}

/// What the person wants of the demo.
pub(super) fn wish(effect: DemoEffect) -> Wish {
    match effect {
        DemoEffect::Send => Wish::Send,
        DemoEffect::ToggleServer => Wish::ToggleServer,
        DemoEffect::TogglePause => Wish::TogglePause,
    }
}

/// True if there is something to fetch: it is shown at once rather than at the next check.
pub(super) fn calls_for_check(event: &event::Event) -> bool {
    matches!(
        event,
        event::Event::Delivered { .. } | event::Event::Broken(false)
    )
}

/// What happened in the demo, as the screen knows it; none where it shows itself otherwise.
pub(super) fn told(event: event::Event) -> Option<Event> {
    let event = match event {
        event::Event::Told { at, words } => DemoEvent::Told { at, words },
        event::Event::Tipped { number, of, words } => DemoEvent::Tipped { number, of, words },
        event::Event::ReaderChanged { who, screen } => DemoEvent::TeammateChanged {
            teammate: match who {
                Person::You => return None,
                Person::Ana => 0,
                Person::Tom => 1,
            },
            state: Teammate {
                name: who.name().to_owned(),
                doing: match screen.doing {
                    event::Doing::Away => Doing::Away,
                    event::Doing::Browsing => Doing::Browsing,
                    event::Doing::Reading(subject) => Doing::Reading(subject),
                },
                headlines: screen.headlines,
                selected: screen.selected,
            },
        },
        event::Event::LedgerChanged(ledger) | event::Event::LedgerShown(ledger) => {
            DemoEvent::LedgerChanged(Ledger {
                stored: ledger.stored(),
                deleted: ledger.deleted(),
                checks: ledger.checks(),
                readers: ledger.readers(),
                busy: ledger.busy(),
            })
        }
        event::Event::Paused(is_paused) => DemoEvent::Paused(is_paused),
        event::Event::Broken(is_broken) => DemoEvent::Broken(is_broken),
        // These are told in the story's own words.
        event::Event::Delivered { .. }
        | event::Event::FoundBusy { .. }
        | event::Event::CameThrough(_)
        | event::Event::YourTurn => return None,
    };
    Some(Event::Demo(event))
}

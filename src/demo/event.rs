//! What happens in the demo, for whoever shows it; and what the person wants of it.

use std::time::Duration;

use compact_str::CompactString;

use crate::{
    demo::{cast::Person, ledger::Ledger},
    notice::{Headline, shown::Shown},
};

/// Something that happened in the demo.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The story says what just happened.
    Told {
        /// The time since the demo began.
        at: Duration,
        /// The line.
        words: Shown,
    },
    /// Another tip is due.
    Tipped {
        /// Its number, from 1.
        number: u8,
        /// How many there are.
        of: u8,
        /// The tip.
        words: Shown,
    },
    /// A reader's screen changed.
    ReaderChanged {
        /// Whose.
        who: Person,
        /// What is on it now.
        screen: Screen,
    },
    /// A notice went into the maildrop.
    Delivered {
        /// The sender's name.
        from: Shown,
        /// Its subject.
        subject: Shown,
    },
    /// A reader found the mailbox busy, and will try again.
    FoundBusy {
        /// Who.
        who: Person,
        /// The server's words.
        words: Shown,
        /// After which time.
        again: Duration,
    },
    /// A reader who had not come through now has.
    CameThrough(Person),
    /// The server's books changed.
    LedgerChanged(Ledger),
    /// The story opens the books.
    LedgerShown(Ledger),
    /// The story was held, or goes on.
    Paused(bool),
    /// The server was broken, or mended.
    Broken(bool),
    /// The written part is over: from now on the person may try things.
    YourTurn,
}

/// What is on a reader's screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Screen {
    /// What they are doing.
    pub doing: Doing,
    /// Their list with their own marks, the newest first.
    pub headlines: Vec<Headline>,
    /// The notice under their cursor, by its handle.
    pub selected: Option<CompactString>,
}

impl Screen {
    /// How many notices they have not read, withdrawn ones left out.
    pub fn unread(&self) -> usize {
        self.headlines
            .iter()
            .filter(|headline| !headline.marks.read && headline.fate.withdrawn.is_none())
            .count()
    }
}

/// What a reader is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Doing {
    /// Nothing: they are not at their desk.
    #[default]
    Away,
    /// Looking over the list.
    Browsing,
    /// Reading the notice of this subject.
    Reading(Shown),
}

/// What the person wants of the demo.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wish {
    /// Send a notice to everyone.
    Send,
    /// Break the server, or mend it.
    ToggleServer,
    /// Hold the story, or let it go on.
    TogglePause,
    /// None in particular, but a key was pressed: the story waits a little.
    Typed,
}

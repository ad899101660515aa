//! What happened: everything but keys that changes the screen.
//!
//! Events come from the loop (`app`): the terminal, the cache, the pollers, the demo, and the
//! answers to [`super::effect::Effect`]s. They are facts; none of them asks for anything.

use std::{sync::Arc, time::Duration};

use compact_str::CompactString;
use jiff::Timestamp;

use crate::{
    config::{Colour, Mailbox},
    notice::{Headline, Line, MailboxIndex, Marks, Notice, NoticeId, shown::Shown},
    poll::report::{Report, Summary},
};

use super::{
    effect::{Timer, Wanted},
    picture::Placed,
    setup::Step,
};

/// A notice whose marks or place were changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Changed {
    /// Which.
    pub id: NoticeId,
    /// Its marks as they are now.
    pub marks: Marks,
    /// The notice in its place, if there is one.
    pub replaced_by: Option<NoticeId>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    // ---- the terminal ----
    /// The terminal has another size.
    Resized {
        /// Its columns.
        columns: u16,
        /// Its rows.
        rows: u16,
    },
    /// Text was pasted (bracketed paste): into the line that is being edited, else nowhere.
    Pasted(String),
    /// The mouse was clicked (only with `mouse = true`).
    Clicked {
        /// The column, from 0.
        column: u16,
        /// The row, from 0.
        row: u16,
    },
    /// The wheel was turned (only with `mouse = true`).
    Scrolled {
        /// The column, from 0.
        column: u16,
        /// The row, from 0.
        row: u16,
        /// Rows downwards; upwards if negative.
        by: i16,
    },
    /// A timer that [`super::effect::Effect::WakeAfter`] had asked for ran out.
    Woke {
        /// Which.
        timer: Timer,
        /// The present time.
        now: Timestamp,
    },

    // ---- the cache ----
    /// Saved headlines came, the newest first: first a screen's worth, then the rest in parts.
    Loaded {
        /// Of which mailbox.
        mailbox: MailboxIndex,
        /// The next older headlines after those that came before.
        headlines: Vec<Headline>,
        /// How many are kept in all.
        kept: u32,
        /// True with the last part.
        complete: bool,
        /// When this person last left the mailbox; none if never.
        last_visit: Option<Timestamp>,
        /// The highest id that there was then; none if that is not known.
        last_seen: Option<NoticeId>,
    },
    /// The counts of a mailbox that is not open were read, for the header.
    Counted {
        /// Of which mailbox.
        mailbox: MailboxIndex,
        /// Notices not read.
        unread: u32,
    },
    /// A notice was read from the cache and laid out, or laid out anew.
    Opened {
        /// What was wanted.
        wanted: Wanted,
        /// The notice.
        notice: Arc<Notice>,
        /// Its text.
        lines: Arc<[Line]>,
        /// The pictures in it, or the one in its place.
        pictures: Vec<Placed>,
    },
    /// It could not be.
    NotOpened {
        /// What was wanted.
        wanted: Wanted,
        /// Why (`disk full`).
        why: Shown,
        /// What to do next; empty if there is nothing.
        next: Shown,
    },
    /// A search ended.
    Found {
        /// Of which mailbox.
        mailbox: MailboxIndex,
        /// The query, as it was asked; an answer to an older one is ignored.
        query: String,
        /// The notices found; or what is wrong with the query, in words.
        result: Result<Answer, Shown>,
        /// The words to be underlined in subjects and text, without operators.
        words: Vec<String>,
        /// How many notices have their text in the search index.
        searched: u32,
    },
    /// Another running instance, or a check, changed notices that are here.
    Marked {
        /// Of which mailbox.
        mailbox: MailboxIndex,
        /// The notices as they are now.
        notices: Vec<Changed>,
    },
    /// The notices that rules give a colour are known.
    Coloured {
        /// Of which mailbox.
        mailbox: MailboxIndex,
        /// Which colour which; of several for one the first counts.
        colours: Vec<(Colour, Vec<NoticeId>)>,
    },
    /// The checks made before this start were read, the latest first.
    Recalled {
        /// Of which mailbox.
        mailbox: MailboxIndex,
        /// The checks.
        checks: Vec<Summary>,
    },

    // ---- the pollers ----
    /// A poller told something.
    Reported {
        /// Of which mailbox.
        mailbox: MailboxIndex,
        /// What.
        report: Report,
    },

    // ---- how effects ended ----
    /// Something asked for was done, and deserves a word (`saved runbook.pdf in ~/Downloads`).
    Done {
        /// The words for the status line.
        words: Shown,
    },
    /// Something asked for failed. Nothing ends because of it.
    Failed {
        /// What failed (`cannot save runbook.pdf`).
        what: Shown,
        /// Why (`disk full`).
        why: Shown,
        /// What to do next; empty if there is nothing.
        next: Shown,
    },
    /// Marks could not be written; they are kept in memory and will be tried again.
    MarksUnsaved {
        /// Why (`disk full`).
        why: Shown,
    },
    /// Marks that could not be written are written now.
    MarksSaved,

    // ---- the setup ----
    /// A stage of the connection test began or ended.
    Tested {
        /// Which test; steps of an older one are ignored.
        trial: u32,
        /// The stage, and how it went.
        step: Step,
    },
    /// A team file was read: it fills all but the password.
    TeamFileLoaded(Box<Mailbox>),
    /// The settings were written; the reader begins.
    SetupSaved {
        /// All mailboxes of the settings now.
        mailboxes: Vec<Mailbox>,
        /// The one to open.
        open: MailboxIndex,
    },

    // ---- the demo ----
    /// The demo went on.
    Demo(DemoEvent),
}

/// What happened in the demo.
#[derive(Clone, Debug, PartialEq)]
pub enum DemoEvent {
    /// The story says what just happened.
    Told {
        /// The time since the demo began, shown before it.
        at: Duration,
        /// The line (`a new notice just arrived for everyone`).
        words: Shown,
    },
    /// A teammate's screen changed.
    TeammateChanged {
        /// Which, from 0; the first one seen adds it.
        teammate: usize,
        /// All that is shown of them.
        state: Teammate,
    },
    /// The server's books changed.
    LedgerChanged(Ledger),
    /// Another tip is due.
    Tipped {
        /// Its number, from 1.
        number: u8,
        /// How many there are.
        of: u8,
        /// The tip.
        words: Shown,
    },
    /// The script was held or goes on.
    Paused(bool),
    /// The server was broken (`B`) or mended.
    Broken(bool),
}

/// What is shown of a teammate in the demo.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Teammate {
    /// Their name (`Ana`).
    pub name: String,
    /// What they are doing.
    pub doing: Doing,
    /// Their list with their own marks, newest first.
    pub headlines: Vec<Headline>,
    /// The notice under their cursor, by its handle.
    pub selected: Option<CompactString>,
}

/// What a teammate in the demo is doing.
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

/// The demo server's books.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ledger {
    /// Messages in the maildrop.
    pub stored: u32,
    /// Messages deleted. It stays 0.
    pub deleted: u32,
    /// Checks by all readers.
    pub checks: u32,
    /// Readers that checked.
    pub readers: u32,
    /// Checks that found the maildrop busy.
    pub busy: u32,
}

/// The notices that a search has found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// In this order.
    InOrder(Vec<NoticeId>),
    /// The newest first, whatever their order here, which is that of their ids: the list knows their dates.
    NewestFirst(Vec<NoticeId>),
}

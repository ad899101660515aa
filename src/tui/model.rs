//! Everything the screen shows.
//!
//! Only [`super::update`] changes it. Scroll offsets live here and are clamped there, so that
//! drawing twice draws the same.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    config::{MarkRead, Notify, SavedSearch, Settings, TerminalNotice},
    notice::{MailboxIndex, Marks, NoticeId, shown::Shown, thread::Slot},
};

use super::{
    Purpose, Start,
    effect::{Effect, Timer},
    keymap::Keymap,
    look::{Clock, Look},
    problem::Problem,
    problems,
    size::Size,
};

use activity::Activity;
use demo::Demo;
use form::Form;
use line::Line;
use list::{List, Ways};
use mailbox::{Mailbox, Progress};
use overlay::Overlay;
use page::Page;

pub mod activity;
pub mod demo;
pub mod form;
pub mod health;
pub mod line;
pub mod list;
pub mod mailbox;
pub mod overlay;
pub mod page;

/// Everything the screen shows.
#[derive(Debug)]
pub struct Model {
    /// The terminal's size.
    pub size: Size,
    /// The time.
    pub clock: Clock,
    /// How everything looks.
    pub look: Look,
    /// What the keys mean.
    pub keymap: Keymap,
    /// What the settings say of reading and telling.
    pub habits: Habits,
    /// The mailboxes, in the order of the settings.
    pub mailboxes: Vec<Mailbox>,
    /// The one that is open.
    pub open: MailboxIndex,
    /// Its notices.
    pub list: List,
    /// The notice in the reader.
    pub page: Option<Page>,
    /// Where keys go, where list and reader share the screen; which one is shown, where they do not.
    pub focus: Focus,
    /// Where the reader is, if there is room for both.
    pub side: Side,
    /// What is shown instead of list and reader.
    pub room: Room,
    /// What lies over it all.
    pub overlay: Option<Overlay>,
    /// The search, while there is one.
    pub search: Option<Search>,
    /// The searches of the settings.
    pub saved: Vec<SavedSearch>,
    /// Earlier searches, the latest last.
    pub searched: Vec<String>,
    /// What the status line says instead of the mailbox's health.
    pub message: Option<Message>,
    /// What `U` would undo.
    pub undo: Option<Undo>,
    /// Why marks are kept in memory only, if they are.
    pub unsaved: Option<Shown>,
    /// The important notice that the banner tells of.
    pub banner: Option<Slot>,
    /// What was selected in the mailboxes that were open before.
    pub left_at: HashMap<MailboxIndex, NoticeId>,
    /// Notices whose banner was dismissed.
    pub dismissed: HashSet<NoticeId>,
    /// True until the first key in the list.
    pub is_untouched: bool,
    /// True until the first key of all.
    pub awaits_first_key: bool,
    /// True if the progress of the first check was hidden.
    pub hides_progress: bool,
    /// Types of files that may be opened without asking again.
    pub may_open: HashSet<Shown>,
    /// The demo, if it is one.
    pub demo: Option<Demo>,
    /// The title that the terminal was given last.
    pub title: Option<String>,
    /// True while a countdown's next second is awaited.
    pub is_ticking: bool,
}

/// What the settings say of reading and telling.
#[derive(Clone, Debug)]
pub struct Habits {
    /// When a notice counts as read.
    pub mark_read: MarkRead,
    /// What tells of new notices.
    pub notify: Vec<Notify>,
    /// Time between two checks, unless the mailbox says otherwise.
    pub check_every: Duration,
    /// How lists are put together.
    pub ways: Ways,
    /// Rules give notices colours.
    pub has_colours: bool,
}

/// Where keys go: to the list or to the reader.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Focus {
    /// To the list.
    #[default]
    List,
    /// To the reader.
    Page,
}

/// Where the reader is, if there is room for list and reader.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Side {
    /// To the right of the list, from 120 columns on.
    #[default]
    Right,
    /// Below the list.
    Below,
    /// In its stead.
    Off,
}

/// What is shown instead of list and reader.
#[derive(Debug)]
pub enum Room {
    /// List and reader themselves.
    Mail,
    /// The activity view.
    Activity(Activity),
    /// The setup.
    SetUp(Box<Form>),
}

/// A search.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// What is typed.
    pub line: Line,
    /// True while it is typed; false once it is kept and browsed.
    pub editing: bool,
    /// The words to be underlined.
    pub words: Vec<String>,
    /// How many notices have their text in the search index.
    pub searched: u32,
    /// What is wrong with the query.
    pub wrong: Option<Shown>,
    /// What was selected before, and its row on the screen.
    pub before: Option<(Slot, usize)>,
    /// Which of the earlier searches is shown, counted from the latest.
    pub recalled: usize,
}

/// What the status line says for a while.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Goes with the next key.
    Word(Shown),
    /// Goes with the next key too, or when the check that it speaks of has ended.
    Checking(Shown),
    /// Stays until it is dismissed.
    Trouble(Shown),
}

/// Marks as they were before the last change.
#[derive(Clone, Debug)]
pub struct Undo {
    /// The mailbox.
    pub mailbox: MailboxIndex,
    /// The notices and their marks.
    pub before: Vec<(NoticeId, Marks)>,
}

impl Model {
    /// The model at the start, and the first things to do.
    pub fn new(settings: &Settings, start: Start) -> (Model, Vec<Effect>) {
        let (keymap, _) = Keymap::new(&settings.keys);
        let problems = problems(settings);
        let (demo, began) = match &start.purpose {
            Purpose::Demo { server, began } => (Some(Demo::new(server)), Some(*began)),
            Purpose::Read(_) | Purpose::SetUp(_) => (None, None),
        };
        let look = Look::new(&settings.screen, &start);
        let habits = Habits {
            mark_read: settings.mark_read,
            notify: settings.notify.clone(),
            check_every: settings.check_every.0,
            ways: Ways {
                threads: settings.screen.threads,
                by_subject: settings.screen.threads_by_subject,
                by_list: settings.screen.by_list,
            },
            has_colours: settings.rules.iter().any(|rule| rule.colour.is_some()),
        };
        let (columns, rows) = start.size;
        let mailboxes = settings
            .mailboxes
            .iter()
            .map(|mailbox| Mailbox::new(mailbox, habits.check_every));
        let mut model = Model {
            size: Size { columns, rows },
            clock: Clock {
                now: start.now,
                zone: start.zone,
                began,
            },
            look,
            keymap,
            mailboxes: mailboxes.collect(),
            open: MailboxIndex(0),
            list: List::new(habits.ways, start.now),
            habits,
            page: None,
            focus: Focus::List,
            side: Side::Right,
            room: Room::Mail,
            overlay: None,
            search: None,
            saved: settings.searches.clone(),
            searched: Vec::new(),
            message: told(&problems).map(Message::Trouble),
            undo: None,
            unsaved: None,
            banner: None,
            left_at: HashMap::new(),
            dismissed: HashSet::new(),
            is_untouched: true,
            awaits_first_key: true,
            hides_progress: false,
            may_open: HashSet::new(),
            demo,
            title: None,
            is_ticking: false,
        };
        let effects = model.begin(start.purpose);
        (model, effects)
    }

    /// The mailbox that is open.
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailboxes[self.open.0]
    }

    /// How far fetching has come, as long as that is worth a line and not hidden.
    pub fn progress(&self) -> Option<Progress> {
        let progress = self.mailbox().progress.filter(|_| !self.hides_progress)?;
        (progress.is_first || progress.of >= MUCH).then_some(progress)
    }

    /// True while the cache is filled for the first time, and that is told.
    pub fn is_first_check(&self) -> bool {
        let is_open = self.open.0 < self.mailboxes.len() && self.search.is_none();
        is_open && self.progress().is_some_and(|progress| progress.is_first)
    }

    /// True if the terminal's title tells the unread count.
    pub fn tells_by_title(&self) -> bool {
        let title = Notify::Terminal(TerminalNotice::Title);
        self.habits.notify.is_empty() || self.habits.notify.contains(&title)
    }

    /// Says something in the status line until the next key.
    pub fn say(&mut self, words: &str) {
        self.message = Some(Message::Word(Shown::text(words)));
    }

    /// Goes to a mailbox: nothing of the one before is shown any more.
    pub fn go_to(&mut self, mailbox: MailboxIndex) -> Effect {
        if let Some(slot) = self.list.selected_slot() {
            let id = self.list.headline(slot).id;
            self.left_at.insert(self.open, id);
        }
        self.open = mailbox;
        self.list = List::new(self.habits.ways, self.clock.now);
        self.page = None;
        self.focus = Focus::List;
        self.search = None;
        self.banner = None;
        self.dismissed.clear();
        self.is_ticking = false;
        self.hides_progress = false;
        Effect::Load { mailbox }
    }

    /// Somebody does something in the open mailbox: what of it is still to come from the cache moves
    /// the selection no more.
    pub fn is_at_home(&mut self) {
        if self.list.begun {
            self.left_at.remove(&self.open);
        }
    }

    /// The time goes on; it never goes back.
    pub fn set_now(&mut self, now: Timestamp) {
        self.clock.now = self.clock.now.max(now);
        self.list.set_now(self.clock.now);
    }

    /// Looks for the latest important notice that is not read, for the banner.
    pub fn look_for_important(&mut self) {
        self.banner = None;
        if self.list.counts().important == 0 {
            return;
        }
        let oldest = self.clock.now - IMPORTANT_FOR;
        let waiting = self.list.all().filter(|(_, headline)| {
            headline.important
                && headline.is_unread(self.clock.now)
                && headline.date >= oldest
                && !self.dismissed.contains(&headline.id)
        });
        let latest = waiting.max_by_key(|(_, headline)| headline.date);
        self.banner = latest.map(|(slot, _)| slot);
    }

    /// The important notice that the banner tells of at present: only one that is not on the screen.
    pub fn banner_slot(&self) -> Option<Slot> {
        let slot = self.banner?;
        let rows = self.list.rows().iter().skip(self.list.top());
        let mut visible = rows.take(self.list_height());
        (!visible.any(|row| row.slot() == Some(slot))).then_some(slot)
    }

    /// How long it is to the next full minute.
    pub fn to_the_minute(&self) -> Duration {
        let past = self.clock.now.as_millisecond().rem_euclid(60_000);
        Duration::from_millis(u64::try_from(60_000 - past).unwrap_or(60_000))
    }

    fn begin(&mut self, purpose: Purpose) -> Vec<Effect> {
        let mut effects = vec![Effect::WakeAfter {
            timer: Timer::Minute,
            after: self.to_the_minute(),
        }];
        let last = self.mailboxes.len().checked_sub(1);
        match (purpose, last) {
            (Purpose::SetUp(mailbox), _) => {
                self.room = Room::SetUp(Box::new(Form::new(&mailbox)));
            }
            (Purpose::Read(_) | Purpose::Demo { .. }, None) => {
                self.room = Room::SetUp(Box::default());
            }
            (Purpose::Read(wanted), Some(last)) => self.open = MailboxIndex(wanted.0.min(last)),
            (Purpose::Demo { .. }, Some(_)) => {}
        }
        if matches!(self.room, Room::Mail) {
            effects.push(Effect::Load { mailbox: self.open });
        }
        effects
    }
}

/// The first thing that is wrong with the settings, and how many more there are.
fn told(problems: &[Problem]) -> Option<Shown> {
    let first = problems.first()?.shown();
    Some(match problems.len() - 1 {
        0 => first,
        more => Shown::text(&format!("{first} · {more} more: `tidings config check`")),
    })
}

/// An important notice that nobody opened for a week is not urgent any more.
const IMPORTANT_FOR: Duration = Duration::from_secs(7 * 86_400);

/// Fewer new notices than these are there before one has read that they are coming.
const MUCH: u32 = 50;

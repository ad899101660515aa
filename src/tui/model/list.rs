//! The open mailbox's headlines, and the rows that are made of them.
//!
//! A headline keeps its [`Slot`] for good, so that the selection is on a notice and not on a place.
//! Rows are made anew when headlines come or the filter changes; moving costs the same whether the
//! mailbox holds ten notices or a hundred thousand.

use std::collections::{HashMap, HashSet};

use compact_str::CompactString;
use jiff::Timestamp;

use crate::notice::{
    Headline, Marks, NoticeId,
    sharing::Sharing,
    shown::Shown,
    thread::{Slot, Thread, Threads},
};
use crate::{
    config::Colour,
    tui::{effect::Compared, event::Changed},
};

mod found;
mod lists;
mod order;
mod walk;

/// A row of the list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Row {
    /// A notice.
    Notice {
        /// Which.
        slot: Slot,
        /// Its place in its thread.
        branch: Branch,
    },
    /// The rule below what is new since the last visit.
    Since,
    /// The rule above the notices of a list ([`List::group`]).
    List(u32),
}

impl Row {
    /// The notice of the row, if it is one.
    pub fn slot(self) -> Option<Slot> {
        match self {
            Row::Notice { slot, .. } => Some(slot),
            Row::Since | Row::List(_) => None,
        }
    }
}

/// A row's place in its thread.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Branch {
    /// The first of so many, with the others below it; 1 if it is alone.
    Root(u16),
    /// The first of so many, the others being folded away.
    Folded(u16),
    /// A reply with more below it, and how many it answers, one through another.
    Middle(u8),
    /// The last reply, and how many it answers.
    Last(u8),
}

/// How much of a thread is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fold {
    /// Its first notice.
    Closed,
    /// All of it, with the notices that have been replaced by a correction.
    Open,
}

/// What stands in the order: a thread, or a notice where threads are not grouped.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Entry {
    Thread(Thread),
    Notice(Slot),
}

/// Which notices are listed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// Those not read.
    Unread,
    /// Those starred.
    Starred,
    /// Those that left the server.
    Withdrawn,
    /// Those that their sender calls important.
    Important,
}

impl Filter {
    /// The filter that follows on this one, when a key goes round them.
    pub fn next(self) -> Filter {
        match self {
            Filter::All => Filter::Unread,
            Filter::Unread => Filter::Starred,
            Filter::Starred => Filter::Withdrawn,
            Filter::Withdrawn | Filter::Important => Filter::All,
        }
    }

    /// Its name in the title.
    pub fn name(self) -> &'static str {
        match self {
            Filter::All => "All",
            Filter::Unread => "Unread",
            Filter::Starred => "Starred",
            Filter::Withdrawn => "Withdrawn",
            Filter::Important => "Important",
        }
    }

    fn lets(self, headline: &Headline, now: Timestamp) -> bool {
        match self {
            Filter::All => true,
            Filter::Unread => headline.is_unread(now),
            Filter::Starred => headline.marks.starred,
            Filter::Withdrawn => headline.fate.withdrawn.is_some(),
            Filter::Important => headline.important,
        }
    }
}

/// How a list is put together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ways {
    /// Notices stand in threads.
    pub threads: bool,
    /// So do those of one subject that name no other.
    pub by_subject: bool,
    /// Those of one list stand together.
    pub by_list: bool,
}

/// What the status line counts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Notices not read.
    pub unread: u32,
    /// Notices not read that are important.
    pub important: u32,
}

/// The open mailbox's headlines and rows.
#[derive(Clone, Debug, Default)]
pub struct List {
    headlines: Vec<Headline>,
    sharing: Sharing,
    by_id: HashMap<NoticeId, Slot>,
    announced: HashMap<CompactString, Slot>,
    threads: Threads,
    /// What the rows are made of, newest first, with the time by which it stands where it does.
    order: Vec<(Timestamp, Entry)>,
    /// Headlines that have no place in the order yet.
    unplaced: Vec<Slot>,
    /// True if a thread got something newer: it rises when the list is next entered.
    stale: bool,
    rows: Vec<Row>,
    /// The rows that are rules, in order.
    rules: Vec<usize>,
    /// The names of the lists that have rules.
    groups: Vec<Shown>,
    by_list: bool,
    hides_rule: bool,
    selected: Option<usize>,
    top: usize,
    above: usize,
    filter: Filter,
    /// Notices that the filter would hide by now, but stay until it is applied again.
    stays: HashSet<Slot>,
    unthreaded: bool,
    /// Threads that are not shown as most are: all but the notices that have been replaced.
    folds: HashMap<Thread, Fold>,
    /// The present moment, as far as it has been told.
    now: Timestamp,
    /// When the next notice expires that is counted.
    next_expiry: Option<Timestamp>,
    /// The notice under the cursor: it stays there though another takes its place.
    held: Option<Slot>,
    /// Notices that wait for the one that has taken their place.
    await_replacement: HashMap<NoticeId, Vec<Slot>>,
    found: Option<Vec<Slot>>,
    /// All by their dates, once a search has asked for that, until a headline comes or changes its date.
    dated: Option<found::Dated>,
    counts: Counts,
    /// The filter that follows on this one out of its turn.
    pub next_filter: Option<Filter>,
    /// When this person last left the mailbox.
    pub last_visit: Option<Timestamp>,
    /// The highest id that there was then.
    pub last_seen: Option<NoticeId>,
    /// How many notices the cache holds.
    pub kept: u32,
    /// True once all of them are here.
    pub complete: bool,
    /// True once the first of them are here.
    pub begun: bool,
    /// The colours that rules give.
    pub colours: HashMap<NoticeId, Colour>,
    /// Notices that arrived since the start, for the demo's `<- new`.
    pub fresh: HashSet<Slot>,
}

impl List {
    /// An empty list.
    pub fn new(ways: Ways, now: Timestamp) -> List {
        List {
            unthreaded: !ways.threads,
            by_list: ways.by_list,
            threads: Threads::new(ways.by_subject),
            now,
            ..List::default()
        }
    }

    /// Saved headlines came, older than those that came before.
    pub fn load(&mut self, headlines: Vec<Headline>, height: usize) {
        self.begun = true;
        // Room for all at once: growing step by step would need half as much again for a moment.
        let all = usize::try_from(self.kept).unwrap_or(0).min(MOST_AT_ONCE);
        let all = all + SPARE;
        self.headlines
            .reserve_exact(all.saturating_sub(self.headlines.len()));
        self.keep_place(height, |list| {
            for headline in headlines {
                list.put(headline);
            }
            list.reorder();
            list.rebuild();
        });
        self.above = 0;
        if self.selected.is_none() {
            self.select_first();
        }
    }

    /// New headlines came: they are put in without moving the selection on the screen.
    pub fn arrive(&mut self, headlines: Vec<Headline>, height: usize) {
        let was_empty = self.rows.is_empty();
        // The rule is no notice, wherever it comes to stand.
        let notices_above = |list: &List| {
            let row = list.selected?;
            Some(row - list.rules_above(row))
        };
        let before = notices_above(self);
        let known = self.headlines.len();
        self.keep_place(height, |list| {
            for headline in headlines {
                let count = list.headlines.len();
                list.put(headline);
                if list.headlines.len() > count {
                    list.fresh.insert(Slot::last_of(&list.headlines));
                }
            }
            list.place();
            list.rebuild();
        });
        if was_empty {
            self.select_first();
            self.above = 0;
        } else if self.is_by_list() {
            // What comes may move its whole list up: only it is new.
            self.fill(height);
            let above = self.rows[..self.top].iter().filter_map(|row| row.slot());
            let new = above.filter(|slot| slot.index() >= known).count();
            self.above = (self.above + new).min(self.top);
        } else if let (Some(before), Some(after)) = (before, notices_above(self)) {
            self.above = (self.above + after.saturating_sub(before)).min(self.top);
        }
    }

    /// Notices left the server, or came back to it.
    pub fn withdraw(&mut self, ids: &[NoticeId], since: Option<Timestamp>) {
        for id in ids {
            if let Some(slot) = self.by_id.get(id) {
                let fate = &mut self.headlines[slot.index()].fate;
                fate.change(|fate| fate.withdrawn = since);
            }
        }
    }

    /// Sets the marks of a notice. Returns those that it had.
    pub fn mark(&mut self, slot: Slot, marks: Marks) -> Marks {
        self.uncount(slot);
        let before = std::mem::replace(&mut self.headlines[slot.index()].marks, marks);
        self.count(slot);
        before
    }

    /// Notices were changed elsewhere: their marks, or what stands in their place.
    pub fn change(&mut self, notices: &[Changed], height: usize) {
        let mut is_moved = false;
        for changed in notices {
            let Some(slot) = self.slot_of(changed.id) else {
                continue;
            };
            self.uncount(slot);
            let headline = &mut self.headlines[slot.index()];
            headline.marks = changed.marks;
            if headline.fate.replaced_by != changed.replaced_by {
                let by = changed.replaced_by;
                headline.fate.change(|fate| fate.replaced_by = by);
                self.place_replaced(slot);
                is_moved = true;
            }
            self.count(slot);
        }
        if is_moved {
            self.keep_place(height, |list| {
                list.reorder();
                list.rebuild();
            });
        }
    }

    /// A notice and the one that it replaces, or else that which replaces it.
    pub fn predecessor(&self, slot: Slot) -> Option<Compared> {
        let own = self.headline(slot);
        let replaced = self.thread(slot).iter().map(|slot| self.headline(*slot));
        let replaced = replaced.filter(|other| {
            // Of one Message-ID, it was taken back and sent again.
            let was_taken_back = own.fate.replaces == Some(other.date) && other.key == own.key;
            other.id != own.id && (other.fate.replaced_by == Some(own.id) || was_taken_back)
        });
        let before = replaced
            .max_by_key(|other| other.date)
            .map(|other| Compared {
                older: other.id,
                newer: own.id,
            });
        let behind = own.fate.replaced_by.map(|newer| Compared {
            older: own.id,
            newer,
        });
        before.or(behind)
    }

    /// The headline of a slot.
    pub fn headline(&self, slot: Slot) -> &Headline {
        &self.headlines[slot.index()]
    }

    /// The slot of a kept notice.
    pub fn slot_of(&self, id: NoticeId) -> Option<Slot> {
        self.by_id.get(&id).copied()
    }

    /// All headlines, in no order.
    pub fn all(&self) -> impl Iterator<Item = (Slot, &Headline)> {
        (0u32..).map(Slot).zip(&self.headlines)
    }

    /// How many headlines there are.
    pub fn len(&self) -> usize {
        self.headlines.len()
    }

    /// The rows as they are shown.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What the status line counts.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The thread of a notice: its members, the first one first.
    pub fn thread(&self, slot: Slot) -> &[Slot] {
        self.threads.members(self.threads.of(slot))
    }

    /// True if a filter lets any notice through.
    pub fn has_any(&self, filter: Filter) -> bool {
        let mut all = self.headlines.iter();
        all.any(|headline| filter.lets(headline, self.now))
    }

    /// Which notices are listed.
    pub fn filter(&self) -> Filter {
        self.filter
    }

    /// True if threads are grouped.
    pub fn is_threaded(&self) -> bool {
        !self.unthreaded && self.found.is_none()
    }

    /// True if a search's answer is listed.
    pub fn is_found(&self) -> bool {
        self.found.is_some()
    }

    /// True if the row stays only until the filter is applied again.
    pub fn is_stale(&self, slot: Slot) -> bool {
        self.found.is_none() && !self.lets(slot)
    }

    /// Puts a headline into memory, or over the one that announced it. An older part of the cache
    /// that was loaded while it arrived is the same notice.
    fn put(&mut self, mut headline: Headline) {
        self.dated = None;
        self.sharing.share(&mut headline);
        let is_kept = headline.id != NoticeId::default();
        let known = match is_kept {
            true => self.by_id.get(&headline.id).copied(),
            false => None,
        };
        let known = known.or_else(|| self.announced.get(&headline.handle).copied());
        if let Some(slot) = known {
            self.uncount(slot);
            if is_kept {
                self.announced.remove(&headline.handle);
                self.by_id.insert(headline.id, slot);
            }
            self.headlines[slot.index()] = headline;
            self.place_replaced(slot);
            self.count(slot);
            return;
        }
        let (id, handle) = (headline.id, headline.handle.clone());
        if self.headlines.len() == self.headlines.capacity() {
            // Twice the room, as a vector would take, is a third of all that this program takes.
            self.headlines
                .reserve_exact(self.headlines.len() / 16 + SPARE);
        }
        self.headlines.push(headline);
        let slot = Slot::last_of(&self.headlines);
        match is_kept {
            true => self.by_id.insert(id, slot),
            false => self.announced.insert(handle, slot),
        };
        let thread = self.threads.add(&self.headlines);
        self.stale |= self.threads.members(thread).len() > 1;
        self.unplaced.push(slot);
        self.place_replaced(slot);
        self.count(slot);
    }

    /// Puts a notice below the one that has taken its place, once both are here.
    fn place_replaced(&mut self, slot: Slot) {
        let headline = &self.headlines[slot.index()];
        let (id, by) = (headline.id, headline.fate.replaced_by);
        match by.map(|by| (by, self.by_id.get(&by).copied())) {
            None => self.threads.restore(slot),
            Some((_, Some(new))) if new == slot => {}
            Some((_, Some(new))) => self.threads.replace(slot, new),
            Some((by, None)) => self.await_replacement.entry(by).or_default().push(slot),
        }
        if id != NoticeId::default() && !self.await_replacement.is_empty() {
            for old in self.await_replacement.remove(&id).unwrap_or_default() {
                if old != slot {
                    self.threads.replace(old, slot);
                }
            }
        }
    }

    /// The time goes on: what has expired counts no more.
    pub fn set_now(&mut self, now: Timestamp) {
        if now <= self.now {
            return;
        }
        self.now = now;
        if self.next_expiry.is_none_or(|expiry| expiry > now) {
            return;
        }
        self.counts = Counts::default();
        self.next_expiry = None;
        for place in 0..self.headlines.len() {
            self.count(Slot(u32::try_from(place).expect("a slot is a u32")));
        }
    }

    /// True if a notice is still to be read.
    pub fn is_unread(&self, slot: Slot) -> bool {
        self.headline(slot).is_unread(self.now)
    }

    fn lets(&self, slot: Slot) -> bool {
        self.filter.lets(self.headline(slot), self.now)
    }

    fn count(&mut self, slot: Slot) {
        let headline = &self.headlines[slot.index()];
        if headline.is_unread(self.now) {
            self.counts.unread += 1;
            self.counts.important += u32::from(headline.important);
            let expiries = [self.next_expiry, headline.fate.expires];
            self.next_expiry = expiries.into_iter().flatten().min();
        }
    }

    fn uncount(&mut self, slot: Slot) {
        let headline = &self.headlines[slot.index()];
        if headline.is_unread(self.now) {
            self.counts.unread -= 1;
            self.counts.important -= u32::from(headline.important);
        }
    }
}

/// Room for so many headlines more than there are.
const SPARE: usize = 1_024;

/// What a cache says of its size is believed up to here.
const MOST_AT_ONCE: usize = 1_000_000;

//! The order of the list, and the rows that come of it.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{Branch, Entry, Filter, Fold, List, Row, Slot, Thread};
use crate::notice::NoticeId;

impl List {
    /// The list is entered: threads with something newer rise, the filter is applied anew.
    pub fn enter(&mut self, height: usize) {
        if !self.stale && self.stays.is_empty() {
            return;
        }
        self.keep_place(height, |list| {
            list.stays.clear();
            list.reorder();
            list.rebuild();
        });
    }

    /// Shows other notices of the mailbox, starting with the selected one if it is among them.
    pub fn set_filter(&mut self, filter: Filter, height: usize) {
        self.filter = filter;
        self.found = None;
        self.keep_place(height, |list| {
            list.stays.clear();
            list.rebuild();
        });
        self.above = 0;
        self.fill(height);
    }

    /// Shows again what the filter lets through by now; what it showed before stays.
    pub fn refilter(&mut self, height: usize) {
        if self.filter != Filter::All && self.found.is_none() {
            self.keep_place(height, List::rebuild);
        }
    }

    /// Has a rule below what is new, or none, as on narrow screens.
    pub fn show_rule(&mut self, is_shown: bool, height: usize) {
        if self.hides_rule == is_shown {
            self.hides_rule = !is_shown;
            self.keep_place(height, List::rebuild);
        }
    }

    /// Groups threads, or not.
    pub fn toggle_threads(&mut self, height: usize) {
        self.unthreaded = !self.unthreaded;
        self.keep_place(height, |list| {
            list.reorder();
            list.rebuild();
        });
    }

    /// Folds the selected thread, or unfolds it. Returns false if it has but one notice.
    pub fn toggle_fold(&mut self, height: usize) -> bool {
        let Some(slot) = self.selected_slot() else {
            return false;
        };
        let thread = self.threads.of(slot);
        if !self.is_threaded() || self.threads.members(thread).len() < 2 {
            return false;
        }
        let has_replaced = self
            .threads
            .members(thread)
            .iter()
            .any(|slot| self.is_replaced(*slot));
        let next = match (self.folds.get(&thread), has_replaced) {
            (None, true) => Some(Fold::Open),
            (None, false) | (Some(Fold::Open), _) => Some(Fold::Closed),
            (Some(Fold::Closed), _) => None,
        };
        match next {
            Some(fold) => self.folds.insert(thread, fold),
            None => self.folds.remove(&thread),
        };
        self.refold(height, slot);
        true
    }

    /// Unfolds the thread of a notice that is folded away.
    pub(super) fn unfold(&mut self, slot: Slot, height: usize) {
        let thread = self.threads.of(slot);
        self.folds.remove(&thread);
        if self.is_folded_away(slot) {
            self.folds.insert(thread, Fold::Open);
        }
        self.keep_place(height, List::rebuild);
    }

    /// Folds all threads, or unfolds all if some are folded.
    pub fn toggle_fold_all(&mut self, height: usize) {
        let any_closed = self.folds.values().any(|fold| *fold == Fold::Closed);
        if !any_closed {
            let threads = self.order.iter().filter_map(|(_, entry)| match entry {
                Entry::Thread(thread) => Some(*thread),
                Entry::Notice(_) => None,
            });
            let many = threads.filter(|thread| self.threads.members(*thread).len() > 1);
            self.folds = many.map(|thread| (thread, Fold::Closed)).collect();
        } else {
            self.folds.clear();
        }
        if let Some(slot) = self.selected_slot() {
            self.refold(height, slot);
        }
    }

    /// Runs a change that may move rows; afterwards the selected notice is where it was on the
    /// screen, or its nearest neighbour is selected if it is gone.
    pub(super) fn keep_place(&mut self, height: usize, change: impl FnOnce(&mut List)) {
        let slot = self.selected_slot();
        let row = self.selected.unwrap_or(0);
        let on_screen = row.saturating_sub(self.top);
        self.held = slot;
        change(self);
        self.selected = match slot.and_then(|slot| self.row_of(slot)) {
            Some(row) => Some(row),
            None => self.nearest(row),
        };
        if let Some(selected) = self.selected {
            self.top = selected.saturating_sub(on_screen);
        }
        self.keep_in_view(height);
    }

    /// Gives every headline its place by date; threads stand by their newest.
    pub(super) fn reorder(&mut self) {
        self.threads.settle(&self.headlines);
        self.unplaced.clear();
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        if self.unthreaded {
            let slots = (0..self.headlines.len()).map(|i| Slot(i as u32));
            order.extend(slots.map(|slot| (self.headline(slot).date, Entry::Notice(slot))));
        } else {
            let threads = self.threads.all();
            order.extend(threads.map(|thread| (self.newest(thread), Entry::Thread(thread))));
        }
        // What was only announced has no id yet, so that two of one second may be equally new.
        order.sort_unstable_by(|(left, left_entry), (right, right_entry)| {
            let newer = || {
                self.newest_id(*right_entry)
                    .cmp(&self.newest_id(*left_entry))
            };
            right
                .cmp(left)
                .then_with(newer)
                .then_with(|| left_entry.cmp(right_entry))
        });
        self.order = order;
        self.stale = false;
    }

    /// Gives headlines without a place theirs; all others, and the threads they answer, stay.
    pub(super) fn place(&mut self) {
        self.threads.settle(&self.headlines);
        let unplaced = std::mem::take(&mut self.unplaced);
        let Some(first) = unplaced.first().copied() else {
            return;
        };
        let mut new = HashSet::new();
        for slot in unplaced {
            let (date, entry, is_placed) = match self.unthreaded {
                true => (self.headline(slot).date, Entry::Notice(slot), false),
                false => {
                    let thread = self.threads.of(slot);
                    // Slots are given in order: what came before these has its place.
                    let is_placed = self
                        .threads
                        .members(thread)
                        .iter()
                        .any(|other| *other < first);
                    (self.newest(thread), Entry::Thread(thread), is_placed)
                }
            };
            if !is_placed && new.insert(entry) {
                let id = self.newest_id(entry);
                let place = self.order.partition_point(|(other, other_entry)| {
                    *other > date || (*other == date && self.newest_id(*other_entry) > id)
                });
                self.order.insert(place, (date, entry));
            }
        }
    }

    /// Makes the rows anew from the order, the filter, the folds, or a search's answer.
    pub(super) fn rebuild(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        self.rules.clear();
        self.groups.clear();
        if let Some(found) = &self.found {
            rows.extend(found.iter().map(|slot| Row::Notice {
                slot: *slot,
                branch: Branch::Root(u16::try_from(self.thread(*slot).len()).unwrap_or(u16::MAX)),
            }));
            self.rows = rows;
            return;
        }
        // Threads may have been joined since they were folded, or got their places.
        let folds = self.folds.iter();
        let folds: HashMap<Thread, Fold> = folds
            .map(|(thread, fold)| (self.threads.present(*thread), *fold))
            .collect();
        let mut shown = HashSet::new();
        let mut since = self
            .last_visit
            .filter(|_| !self.hides_rule && !self.by_list);
        let mut starts = Vec::new();
        for (date, entry) in &self.order {
            let before = rows.len();
            match entry {
                Entry::Notice(slot) => self.push_thread(&mut rows, &[*slot], Some(Fold::Open)),
                Entry::Thread(thread) => {
                    let thread = self.threads.present(*thread);
                    if shown.insert(thread) {
                        let members = self.threads.members(thread);
                        self.push_thread(&mut rows, members, folds.get(&thread).copied());
                    }
                }
            }
            if rows.len() > before && since.is_some_and(|visit| *date <= visit) {
                since = None;
                if before > 0 {
                    rows.insert(before, Row::Since);
                    self.rules.push(before);
                }
            }
            if self.by_list && rows.len() > before {
                starts.push(before);
            }
        }
        if self.by_list {
            (rows, self.groups) = self.grouped(&rows, &starts);
            let is_rule = |(_, row): &(usize, &Row)| row.slot().is_none();
            let rules = rows.iter().enumerate().filter(is_rule);
            self.rules.extend(rules.map(|(place, _)| place));
        }
        if self.filter != Filter::All {
            self.stays.extend(rows.iter().filter_map(|row| row.slot()));
        }
        self.folds = folds;
        self.rows = rows;
    }

    fn push_thread(&self, rows: &mut Vec<Row>, members: &[Slot], fold: Option<Fold>) {
        let is_folded = fold == Some(Fold::Closed);
        let is_shown = |slot: &Slot| {
            (self.lets(*slot) || self.stays.contains(slot))
                && (fold.is_some() || !self.is_folded_away(*slot))
        };
        let start = rows.len();
        let size = u16::try_from(members.len()).unwrap_or(u16::MAX);
        for slot in members.iter().filter(|slot| is_shown(slot)) {
            rows.push(Row::Notice {
                slot: *slot,
                branch: Branch::Middle(self.threads.depth(*slot).max(1)),
            });
            if is_folded {
                break;
            }
        }
        if let Some(Row::Notice { branch, .. }) = rows[start..].last_mut()
            && let Branch::Middle(depth) = *branch
        {
            *branch = Branch::Last(depth);
        }
        if let Some(Row::Notice { branch, .. }) = rows[start..].first_mut() {
            *branch = match is_folded {
                true => Branch::Folded(size),
                false => Branch::Root(size),
            };
        }
    }

    /// True if another notice stands in the place of this one.
    pub fn is_replaced(&self, slot: Slot) -> bool {
        self.threads.replacement(slot).is_some()
    }

    /// True if a notice does not hold any more.
    pub fn is_over(&self, slot: Slot) -> bool {
        let headline = self.headline(slot);
        headline.fate.replaced_by.is_some() || headline.is_expired(self.now)
    }

    /// True if a notice is not shown as long as its thread is as most are: one in whose place another is
    /// shown.
    fn is_folded_away(&self, slot: Slot) -> bool {
        self.filter == Filter::All && self.is_replaced(slot) && self.held != Some(slot)
    }

    fn refold(&mut self, height: usize, slot: Slot) {
        let root = self.thread(slot)[0];
        self.keep_place(height, |list| {
            list.rebuild();
            let row = list.row_of(slot).or_else(|| list.row_of(root));
            list.selected = row.or(list.selected);
        });
        if self.row_of(slot).is_none() {
            self.select_slot(root, height);
        }
    }

    /// Tells which of two entries of the same second is the newer. What is not kept yet is newest.
    fn newest_id(&self, entry: Entry) -> i64 {
        let id = |slot: &Slot| match self.headline(*slot).id {
            NoticeId(0) => i64::MAX,
            NoticeId(id) => id,
        };
        match entry {
            Entry::Notice(slot) => id(&slot),
            Entry::Thread(thread) => {
                let members = self.threads.members(thread).iter();
                members.map(id).max().unwrap_or(0)
            }
        }
    }

    fn newest(&self, thread: Thread) -> Timestamp {
        let members = self.threads.members(thread).iter();
        let dates = members.map(|slot| self.headline(*slot).date);
        dates.max().unwrap_or(Timestamp::MIN)
    }
}

//! A mailbox grouped by the lists that its notices came through: which thread is of which list.

use std::collections::HashMap;

use super::{Branch, List, Row};
use crate::notice::{MailingList, shown::Shown, thread::Slot};

/// A group while its rows are gathered.
struct Gathered<'l> {
    /// None for what came through none.
    name: Option<&'l Shown>,
    rows: Vec<Row>,
}

impl List {
    /// Groups by list, or not. Returns whether it does.
    pub fn toggle_lists(&mut self, height: usize) -> bool {
        self.by_list = !self.by_list;
        self.keep_place(height, List::rebuild);
        self.fill(height);
        self.by_list
    }

    /// True if what is listed stands by lists: what a search has found does not.
    pub(super) fn is_by_list(&self) -> bool {
        self.by_list && self.found.is_none()
    }

    /// Has nothing above the screen as long as there is room on it.
    pub fn fill(&mut self, height: usize) {
        self.top = self.top.min(self.rows.len().saturating_sub(height));
        self.keep_in_view(height);
    }

    /// What the rule in this row is of: a list's name, empty for what came through none, and how many below it are
    /// not read.
    pub fn group(&self, row: usize) -> Option<(&Shown, usize)> {
        let Row::List(place) = *self.rows.get(row)? else {
            return None;
        };
        let below = self.rules.partition_point(|rule| *rule <= row);
        let end = self.rules.get(below).copied().unwrap_or(self.rows.len());
        let slots = self.rows[row + 1..end]
            .iter()
            .flat_map(|row| self.stands_for(row));
        let unread = slots.filter(|slot| self.is_unread(**slot)).count();
        Some((self.groups.get(place as usize)?, unread))
    }

    /// The notices that are not read of a thread that is folded and selected; none where it is not folded.
    pub fn unread_below(&self) -> Vec<Slot> {
        let Some(
            row @ Row::Notice {
                branch: Branch::Folded(_),
                ..
            },
        ) = self.selected.and_then(|row| self.rows.get(row))
        else {
            return Vec::new();
        };
        let slots = self.stands_for(row).iter().copied();
        slots.filter(|slot| self.is_unread(*slot)).collect()
    }

    /// The notices that a row shows, or that are folded away below it.
    pub(super) fn stands_for<'l>(&'l self, row: &'l Row) -> &'l [Slot] {
        match row {
            Row::Notice {
                slot,
                branch: Branch::Folded(_),
            } => self.thread(*slot),
            Row::Notice { slot, .. } => std::slice::from_ref(slot),
            Row::Since | Row::List(_) => &[],
        }
    }

    /// Parts rows, which are whole threads one below the other, by list: that with the newest thread first, what came
    /// through none last.
    pub(super) fn grouped(&self, rows: &[Row], starts: &[usize]) -> (Vec<Row>, Vec<Shown>) {
        let mut groups: Vec<Gathered> = Vec::new();
        let mut by_id: HashMap<Option<&Shown>, usize> = HashMap::new();
        let ends = starts.iter().skip(1).copied().chain([rows.len()]);
        for (start, end) in starts.iter().zip(ends) {
            let thread = &rows[*start..end];
            let listed = self.listed(thread);
            let id = listed.map(|list| &list.id);
            let place = *by_id.entry(id).or_insert_with(|| {
                groups.push(Gathered {
                    name: listed.map(|list| &list.name),
                    rows: Vec::new(),
                });
                groups.len() - 1
            });
            groups[place].rows.extend_from_slice(thread);
        }
        groups.sort_by_key(|group| group.name.is_none());
        let mut all = Vec::with_capacity(rows.len() + groups.len());
        let mut heads = Vec::with_capacity(groups.len());
        for (group, place) in groups.into_iter().zip(0..) {
            all.push(Row::List(place));
            all.extend(group.rows);
            heads.push(group.name.cloned().unwrap_or_default());
        }
        (all, heads)
    }

    /// The list that the newest notice of a thread came through which came through any.
    fn listed(&self, thread: &[Row]) -> Option<&MailingList> {
        let slots = thread.iter().flat_map(|row| self.stands_for(row));
        let headlines = slots.map(|slot| self.headline(*slot));
        let listed = headlines.filter_map(|headline| {
            let list = headline
                .list
                .as_deref()
                .filter(|list| !list.id.is_empty())?;
            Some((headline.date, list))
        });
        listed.max_by_key(|(date, _)| *date).map(|(_, list)| list)
    }
}

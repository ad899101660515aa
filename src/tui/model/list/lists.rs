//! A mailbox grouped by the lists that its notices came through: which thread is of which list.

use std::collections::HashMap;

use super::{List, Row};
use crate::notice::shown::Shown;

/// A group while its rows are gathered.
#[derive(Default)]
struct Gathered {
    name: Shown,
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
    pub(super) fn fill(&mut self, height: usize) {
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
        let slots = self.rows[row + 1..end].iter().filter_map(|row| row.slot());
        let unread = slots.filter(|slot| self.is_unread(*slot)).count();
        Some((self.groups.get(place as usize)?, unread))
    }

    /// Parts rows, which are whole threads one below the other, by list: that with the newest thread first, what came
    /// through none last.
    pub(super) fn grouped(&self, rows: &[Row], starts: &[usize]) -> (Vec<Row>, Vec<Shown>) {
        let mut groups: Vec<Gathered> = Vec::new();
        let mut by_name: HashMap<Shown, usize> = HashMap::new();
        let ends = starts.iter().skip(1).copied().chain([rows.len()]);
        for (start, end) in starts.iter().zip(ends) {
            let thread = &rows[*start..end];
            let name = self.list_of(thread);
            let place = *by_name.entry(name.clone()).or_insert_with(|| {
                groups.push(Gathered {
                    name,
                    ..Gathered::default()
                });
                groups.len() - 1
            });
            groups[place].rows.extend_from_slice(thread);
        }
        groups.sort_by_key(|group| group.name.is_empty());
        let mut all = Vec::with_capacity(rows.len() + groups.len());
        let mut heads = Vec::with_capacity(groups.len());
        for (group, place) in groups.into_iter().zip(0..) {
            all.push(Row::List(place));
            all.extend(group.rows);
            heads.push(group.name);
        }
        (all, heads)
    }

    /// The list of a thread: that of the first notice in it that came through one.
    fn list_of(&self, thread: &[Row]) -> Shown {
        let names = thread
            .iter()
            .filter_map(|row| row.slot())
            .map(|slot| &self.headline(slot).list);
        let mut named = names.filter(|name| !name.is_empty());
        named.next().cloned().unwrap_or_default()
    }
}

//! Moving about in the list: which row is selected, and which is the first on the screen.

use crate::notice::Headline;

use super::{List, Slot};

impl List {
    /// The index of the selected row.
    pub fn selected(&self) -> Option<usize> {
        self.selected
    }

    /// The selected notice.
    pub fn selected_slot(&self) -> Option<Slot> {
        self.rows.get(self.selected?)?.slot()
    }

    /// The selected notice's headline.
    pub fn selected_headline(&self) -> Option<&Headline> {
        self.selected_slot().map(|slot| self.headline(slot))
    }

    /// The index of the first row on the screen.
    pub fn top(&self) -> usize {
        self.top
    }

    /// How many new rows are above the screen.
    pub fn above(&self) -> usize {
        self.above
    }

    /// The selected notice's place among those listed, from 1, and how many these are.
    pub fn position(&self) -> (usize, usize) {
        let place = self
            .selected
            .map_or(0, |row| row - self.rules_above(row) + 1);
        (place, self.rows.len() - self.rules.len())
    }

    /// How many of the rows above this one are no notices.
    pub(super) fn rules_above(&self, row: usize) -> usize {
        self.rules.partition_point(|rule| *rule < row)
    }

    /// Moves by so many rows, down if positive. Returns false if there is no further to go.
    pub fn step(&mut self, by: isize, height: usize) -> bool {
        let Some(selected) = self.selected else {
            return false;
        };
        let last = self.rows.len() - 1;
        let wanted = selected.saturating_add_signed(by).min(last);
        let towards = if by < 0 {
            self.next_above(wanted)
        } else {
            self.next_below(wanted)
        };
        let Some(row) = towards.filter(|row| *row != selected) else {
            return false;
        };
        self.selected = Some(row);
        self.keep_in_view(height);
        true
    }

    /// Selects the first row and shows the top.
    pub fn go_to_top(&mut self, height: usize) {
        self.select_first();
        self.keep_in_view(height);
    }

    /// Selects the last row.
    pub fn go_to_bottom(&mut self, height: usize) {
        self.selected = self.next_above(self.rows.len().saturating_sub(1));
        self.keep_in_view(height);
    }

    /// Shows the top without moving the selection, unless it would leave the screen.
    pub fn reveal_top(&mut self, height: usize) {
        self.top = 0;
        self.above = 0;
        self.keep_in_view(height);
    }

    /// Selects a notice, if it is listed; a thread that it is folded away in opens. Returns whether it is.
    pub fn select_slot(&mut self, slot: Slot, height: usize) -> bool {
        let is_below = |row: &super::Row| self.stands_for(row).contains(&slot);
        if self.row_of(slot).is_none() && self.lets(slot) && self.rows.iter().any(is_below) {
            self.unfold(slot, height);
        }
        let row = self.row_of(slot);
        self.selected = row.or(self.selected);
        self.keep_in_view(height);
        row.is_some()
    }

    /// Selects the notice of this handle, if it is listed.
    pub fn select_handle(&mut self, handle: &str) {
        let mut rows = self.rows.iter();
        let row = rows.position(|row| {
            let slot = row.slot();
            slot.is_some_and(|slot| *self.headline(slot).handle == *handle)
        });
        self.selected = row.or(self.selected);
    }

    /// Selects a notice, if it is listed, so many rows below the first on the screen.
    pub fn select_at(&mut self, slot: Slot, on_screen: usize, height: usize) {
        if let Some(row) = self.row_of(slot) {
            self.selected = Some(row);
            self.top = row.saturating_sub(on_screen);
        }
        self.keep_in_view(height);
    }

    /// Selects the row at so many rows below the first on the screen. Returns whether there is one.
    pub fn select_on_screen(&mut self, row: usize) -> bool {
        let row = self.top + row;
        let is_notice = self.rows.get(row).is_some_and(|row| row.slot().is_some());
        if is_notice {
            self.selected = Some(row);
        }
        is_notice
    }

    /// The next row below (or above) the selected one that holds such a headline; past the end it
    /// goes on at the other. What is folded away below a row counts.
    pub fn find(&self, is_down: bool, wanted: impl Fn(&Headline) -> bool) -> Option<Slot> {
        let count = self.rows.len();
        let from = self.selected?;
        let rows = (1..=count).map(|distance| match is_down {
            true => (from + distance) % count,
            false => (from + count - distance) % count,
        });
        let mut slots = rows.flat_map(|row| self.stands_for(&self.rows[row]));
        slots
            .find(|slot| self.lets(**slot) && wanted(self.headline(**slot)))
            .copied()
    }

    /// Scrolls as little as is needed to have the selected row on the screen, and no further than
    /// the rows go.
    pub fn keep_in_view(&mut self, height: usize) {
        let height = height.max(1);
        if let Some(selected) = self.selected {
            let first = (selected + 1).saturating_sub(height);
            // The rule right above it says of which list it is.
            let has_rule = height > 1 && selected > 0 && self.rows[selected - 1].slot().is_none();
            self.top = self.top.clamp(first, selected - usize::from(has_rule));
        }
        self.top = self.top.min(self.rows.len().saturating_sub(1));
        self.above = self.above.min(self.top);
    }

    pub(super) fn select_first(&mut self) {
        self.selected = self.next_below(0);
        self.top = 0;
        self.above = 0;
    }

    pub(super) fn row_of(&self, slot: Slot) -> Option<usize> {
        self.rows.iter().position(|row| row.slot() == Some(slot))
    }

    /// The row nearest to an index that is a notice.
    pub(super) fn nearest(&self, row: usize) -> Option<usize> {
        let row = row.min(self.rows.len().checked_sub(1)?);
        self.next_below(row).or_else(|| self.next_above(row))
    }

    fn next_below(&self, row: usize) -> Option<usize> {
        (row..self.rows.len()).find(|row| self.rows[*row].slot().is_some())
    }

    fn next_above(&self, row: usize) -> Option<usize> {
        let last = self.rows.len().checked_sub(1)?;
        (0..=row.min(last))
            .rev()
            .find(|row| self.rows[*row].slot().is_some())
    }
}

//! The activity view: which check is selected, and which are listed.

use std::collections::VecDeque;

use crate::poll::report::{Outcome, Summary};

/// The activity view of the open mailbox.
#[derive(Clone, Copy, Debug, Default)]
pub struct Activity {
    /// The selected check among those listed, the latest being 0.
    pub selected: usize,
    /// The first check on the screen.
    pub top: usize,
    /// True if only checks that did not come through are listed.
    pub errors_only: bool,
}

impl Activity {
    /// The checks that are listed, the latest first.
    pub fn listed<'a>(
        &self,
        checks: &'a VecDeque<Summary>,
    ) -> impl Iterator<Item = &'a Summary> + use<'a> {
        let errors_only = self.errors_only;
        checks
            .iter()
            .filter(move |check| !errors_only || !check.outcome.is_done())
    }

    /// Keeps the selection within so many checks, and on a screen of so many rows.
    pub fn clamp(&mut self, count: usize, height: usize) {
        self.selected = self.selected.min(count.saturating_sub(1));
        let first = (self.selected + 1).saturating_sub(height.max(1));
        self.top = self.top.clamp(first, self.selected);
    }
}

/// What a check's row says beyond its outcome.
pub fn note(check: &Summary, before: Option<&Summary>, is_latest: bool) -> String {
    let mut parts = Vec::new();
    if check.new > 0 {
        parts.push(format!("+{} new", check.new));
    }
    let before = before.and_then(|before| before.on_server);
    let changed = before.is_some() && before != check.on_server && check.notes.is_empty();
    match check.on_server {
        Some(count) if is_latest || check.new > 0 || changed => {
            parts.push(format!("{count} on server"));
        }
        _ => {}
    }
    if check.withdrawn > 0 && check.notes.is_empty() {
        let s = if check.withdrawn == 1 { "" } else { "s" };
        parts.push(format!("{} notice{s} withdrawn", check.withdrawn));
    }
    let words = check.outcome.words();
    if !words.is_empty() {
        let code = match check.outcome {
            Outcome::Busy { .. } if !words.starts_with('[') => "[IN-USE] ",
            _ => "",
        };
        parts.push(format!("{code}{words}"));
    }
    parts.extend(check.notes.iter().map(ToString::to_string));
    parts.join(", ")
}

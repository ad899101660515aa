//! The line of hints: keys with a word each, from the keymap. Hints are dropped whole, never cut;
//! the last ones are dropped last.

use crate::{
    notice::shown::Shown,
    tui::{
        action::{Action, Mode},
        keymap::Keymap,
        theme::Role,
    },
};

use super::pen::Pen;

pub mod offered;

/// What is hinted at on one kind of screen.
pub struct Hints {
    /// The hints, the weightier first; the keys of several actions are joined by `/`.
    pub first: Vec<Hint>,
    /// Those at the right end, which are dropped last.
    pub last: Vec<Hint>,
    /// Columns between hints.
    pub gap: u16,
    /// True if the last ones stand at the right end, false if they follow on the others.
    pub is_flush: bool,
}

/// A key and what it does.
pub struct Hint {
    /// The key as it is drawn; none if the action has none.
    pub key: Option<Shown>,
    /// What it does.
    pub does: &'static str,
}

impl Hint {
    /// A hint at an action, by its key in a mode.
    pub fn at(keymap: &Keymap, mode: Mode, actions: &[Action], does: &'static str) -> Hint {
        let keys: Vec<String> = actions
            .iter()
            .filter_map(|action| keymap.key(mode, *action))
            .map(|key| key.to_string())
            .collect();
        Hint {
            key: (keys.len() == actions.len()).then(|| Shown::text(&keys.join("/"))),
            does,
        }
    }

    /// A hint at a key that is no action's.
    pub fn key(key: &'static str, does: &'static str) -> Hint {
        Hint {
            key: Some(Shown::from_static(key)),
            does,
        }
    }

    fn columns(&self, pen: &Pen) -> u16 {
        let key = self.key.as_ref();
        let key = key.map_or(0, |key| pen.columns(&pen.key_names(key)));
        u16::try_from(key + 1 + self.does.len()).unwrap_or(u16::MAX)
    }
}

impl Hints {
    /// Hints at actions, with two columns between them.
    pub fn new(
        keymap: &Keymap,
        mode: Mode,
        first: &[(&[Action], &'static str)],
        last: &[(&[Action], &'static str)],
    ) -> Hints {
        let at = |hints: &[(&[Action], &'static str)]| {
            let hints = hints
                .iter()
                .map(|(actions, does)| Hint::at(keymap, mode, actions, does));
            hints.filter(|hint| hint.key.is_some()).collect()
        };
        Hints {
            first: at(first),
            last: at(last),
            gap: 2,
            is_flush: true,
        }
    }

    /// Draws the line of hints.
    pub fn draw(&self, y: u16, columns: u16, pen: &mut Pen) {
        let mut last = &self.last[..];
        let mut tail = tail_columns(last, pen);
        while tail + 1 > columns && !last.is_empty() {
            last = &last[1..];
            tail = tail_columns(last, pen);
        }
        let reserved = if last.is_empty() { 0 } else { tail + self.gap };
        let mut x = 1;
        for (place, hint) in self.first.iter().enumerate() {
            let gap = if place > 0 { self.gap } else { 0 };
            if x + gap + hint.columns(pen) + reserved > columns {
                break;
            }
            x = put(x + gap, y, columns, hint, pen);
        }
        let after = if x > 1 { x + self.gap } else { x };
        let mut x = match self.is_flush {
            true => after.max((columns - 1).saturating_sub(tail)),
            false => after,
        };
        for (place, hint) in last.iter().enumerate() {
            x = put(x + u16::from(place > 0), y, columns, hint, pen);
        }
    }
}

fn put(x: u16, y: u16, columns: u16, hint: &Hint, pen: &mut Pen) -> u16 {
    let Some(key) = &hint.key else { return x };
    let key = pen.key_names(key);
    let x = pen.put(x, y, columns.saturating_sub(x), &key, Role::Accent);
    pen.put(
        x + 1,
        y,
        columns.saturating_sub(x + 1),
        hint.does,
        Role::Muted,
    )
}

/// The hints at the right end stand together, a column apart.
fn tail_columns(hints: &[Hint], pen: &Pen) -> u16 {
    let columns = hints.iter().map(|hint| hint.columns(pen) + 1);
    columns.sum::<u16>().saturating_sub(1)
}

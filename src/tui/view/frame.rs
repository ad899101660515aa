//! What frames the content: the header with the mailboxes, and the rules.

use crate::{
    notice::shown::Shown,
    tui::{
        action::{Action, Mode},
        layout::{Panes, Shape},
        model::{Focus, Model, mailbox::Mailbox},
        size::LEAST,
        theme::Role,
    },
};

use super::pen::Pen;

/// The one sentence for a screen that is too small.
pub fn too_small(model: &Model, pen: &mut Pen) {
    let size = model.size;
    let words = format!(
        "tidings needs {}x{} (now {}x{}) · {} unread",
        LEAST.columns,
        LEAST.rows,
        size.columns,
        size.rows,
        model.list.counts().unread
    );
    // Wrapped where it must be: the size matters more than the looks.
    let lines =
        crate::tui::compose::wrap(&words, usize::from(size.columns), usize::from(size.columns));
    for (y, line) in (0..size.rows).zip(lines) {
        pen.put(0, y, size.columns, Shown::text(&line), Role::Text);
    }
}

/// The mailboxes with their unread counts, and the keys that open everything else.
pub fn header(model: &Model, panes: &Panes, pen: &mut Pen) {
    let columns = model.size.columns;
    if panes.shape == Shape::Narrow {
        return narrow(model, pen);
    }
    let wide = columns >= 120;
    let offered: &[(Action, &str)] = match wide {
        true => &[
            (Action::Search, "search"),
            (Action::Palette, "commands"),
            (Action::Help, "help"),
        ],
        false => &[(Action::Help, "help")],
    };
    let hints: Vec<(Shown, &str)> = offered
        .iter()
        .filter_map(|(action, word)| Some((model.keymap.key(Mode::List, *action)?, *word)))
        .map(|(key, word)| (Shown::text(&key.to_string()), word))
        .collect();
    let mut start = columns - 1;
    for (key, word) in hints.iter().rev() {
        start = pen.put_end(start, 0, Shown::text(&format!("{key} {word}")), Role::Muted);
        pen.put(start, 0, columns - start, key, Role::Accent);
        start = start.saturating_sub(3);
    }
    let room = start;
    let mut x = pen.put(1, 0, room, "tidings", Role::Bar) + 3;
    // Where not all have room, the open one has it first.
    let extent = |(place, mailbox): (usize, &Mailbox)| {
        let unread = match place == model.open.0 {
            true => model.list.counts().unread,
            false => mailbox.unread,
        };
        let count = if unread > 0 {
            unread.to_string().len() + 1
        } else {
            0
        };
        (place + 1).to_string().len() + 1 + pen.columns(&mailbox.name) + count + 3
    };
    let upto_open: usize = model
        .mailboxes
        .iter()
        .enumerate()
        .take(model.open.0 + 1)
        .map(extent)
        .sum();
    let skipped = match usize::from(x) + upto_open > usize::from(room) + 3 {
        true => model.open.0,
        false => 0,
    };
    for (place, mailbox) in model.mailboxes.iter().enumerate().skip(skipped) {
        let is_open = place == model.open.0;
        let unread = match is_open {
            true => model.list.counts().unread,
            false => mailbox.unread,
        };
        let number = format!("{} ", place + 1);
        let count = match unread {
            0 => String::new(),
            unread => format!(" {unread}"),
        };
        let name = &mailbox.name;
        let needed = pen.columns(&number) + pen.columns(name) + count.len();
        if usize::from(x) + needed > usize::from(room) {
            pen.put(x, 0, room.saturating_sub(x), "…", Role::Muted);
            break;
        }
        x = pen.put(x, 0, room - x, Shown::text(&number), Role::Muted);
        let role = if is_open { Role::Bar } else { Role::Muted };
        x = pen.put(x, 0, room - x, name, role);
        x = pen.put(x, 0, room - x, Shown::text(&count), Role::Unread) + 3;
    }
}

/// The rules that part header, content and status.
pub fn rules(panes: &Panes, pen: &mut Pen) {
    let columns = panes.content.columns;
    if panes.shape != Shape::Narrow {
        pen.rule(0, 1, columns);
    }
    if let Some(y) = panes.between {
        pen.rule(0, y, columns);
    }
    if let Some(y) = panes.bottom_rule {
        pen.rule(0, y, columns);
    }
    if let Some(x) = panes.divider {
        let upper = panes.content.y.saturating_sub(1);
        pen.glyph(x, upper, "┬", Role::Rule);
        for y in panes.content.y..panes.content.bottom() {
            pen.glyph(x, y, "│", Role::Rule);
        }
        if let Some(y) = panes.bottom_rule {
            pen.glyph(x, y, "┴", Role::Rule);
        }
    }
}

/// ` notices                       3 of 128`
fn narrow(model: &Model, pen: &mut Pen) {
    let Some(mailbox) = model.mailboxes.get(model.open.0) else {
        pen.put(1, 0, model.size.columns, "tidings", Role::Bar);
        return;
    };
    let columns = model.size.columns;
    let unread = model.list.counts().unread;
    let count = match model.focus {
        Focus::List => format!("{unread} of {}", model.list.position().1),
        Focus::Page => format!("{unread} unread"),
    };
    let start = pen.put_end(columns - 1, 0, Shown::text(&count), Role::Muted);
    pen.put_cut(1, 0, start.saturating_sub(2), &mailbox.name, Role::Bar);
}

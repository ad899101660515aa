//! The demo's own parts of the screen: the story, the readers, the server's books.

use crate::{
    notice::shown::Shown,
    tui::{
        event::Doing,
        layout::{Area, Panes, Shape, columns_each},
        look::since_beginning,
        model::{
            Model,
            demo::{Colleague, Demo},
        },
        theme::Role,
    },
};

use super::{list, pen::Pen};

/// ` DEMO  0:14  a new notice just arrived for everyone      server 127.0.0.1:40123`
pub fn header(_: &Model, demo: &Demo, panes: &Panes, pen: &mut Pen) {
    let columns = panes.content.columns;
    let mut room = columns - 1;
    let x = pen.put(1, 0, room, "DEMO", Role::Bar) + 2;
    let server = Shown::text(&format!("server {}", demo.server));
    let needed = pen.columns(&demo.story) + pen.columns(&server) + 16;
    if needed <= usize::from(columns) {
        room = pen
            .put_end(columns - 1, 0, &server, Role::Muted)
            .saturating_sub(2);
    }
    let time = since_beginning(demo.at);
    let x = pen.put(x, 0, room.saturating_sub(x), &time, Role::Muted) + 2;
    let role = if demo.is_broken {
        Role::Warn
    } else {
        Role::Accent
    };
    pen.put_cut(x, 0, (room + 1).saturating_sub(x), &demo.story, role);
}

/// The teammate at whose screen one sits.
pub fn watched(demo: &Demo) -> Option<&Colleague> {
    demo.teammates.get(demo.watching?)
}

/// The three readers, each with a count of their own.
pub fn stage(model: &Model, demo: &Demo, area: Area, pen: &mut Pen) {
    let readers = u16::try_from(demo.teammates.len()).unwrap_or(0) + 1;
    let columns = columns_each(area.columns, readers);
    let own = (0, "You", model.list.counts().unread, None);
    let others = (1..).zip(&demo.teammates).map(|(place, teammate)| {
        let (state, unread) = (&teammate.state, teammate.list.counts().unread);
        (place, state.name.as_str(), unread, Some(&state.doing))
    });
    let sitting = demo.watching.map_or(0, |teammate| teammate + 1);
    let bottom = area.bottom() - 1;
    pen.rule(area.x, bottom, area.columns);
    for (place, name, unread, doing) in std::iter::once(own).chain(others) {
        let x = area.x + u16::try_from(place).unwrap_or(0) * (columns + 1);
        if place > 0 && x <= area.right() {
            pen.glyph(x - 1, area.y, "│", Role::Rule);
            pen.glyph(x - 1, area.y + 1, "│", Role::Rule);
            pen.glyph(x - 1, bottom, "┴", Role::Rule);
        }
        let role = if place == sitting {
            Role::Bar
        } else {
            Role::Muted
        };
        pen.put_cut(x + 1, area.y, 12, Shown::text(name), role);
        let count = Shown::text(&format!(" {unread} unread"));
        let room = columns.saturating_sub(14);
        pen.put(x + 14, area.y, room.min(1), "●", Role::Accent);
        pen.put(x + 15, area.y, room.saturating_sub(1), &count, Role::Unread);
        let doing = match doing {
            None => Shown::default(),
            Some(Doing::Away) => Shown::from_static("away"),
            Some(Doing::Browsing) => Shown::from_static("looking over the list"),
            Some(Doing::Reading(subject)) => Shown::text(&format!("reading: {subject}")),
        };
        pen.put_cut(
            x + 1,
            area.y + 1,
            columns.saturating_sub(2),
            &doing,
            Role::Muted,
        );
    }
}

/// A teammate's list, with their marks, as they have it.
pub fn list(model: &Model, teammate: &Colleague, area: Area, pen: &mut Pen) {
    list::rows(model, &teammate.list, &[], area, pen);
}

/// The other readers' lists beside one's own, where there is room for all.
pub fn beside(model: &Model, demo: &Demo, area: Area, pen: &mut Pen) {
    let readers = u16::try_from(demo.teammates.len()).unwrap_or(0) + 1;
    let columns = columns_each(area.columns, readers);
    for (place, teammate) in (1..readers).zip(&demo.teammates) {
        let x = area.x + place * (columns + 1);
        for y in area.y..area.bottom() {
            pen.glyph(x - 1, y, "│", Role::Rule);
        }
        let columns = columns.min(area.right().saturating_sub(x));
        list(model, teammate, Area { x, columns, ..area }, pen);
    }
}

/// ` Server ledger   13 stored   0 deleted   41 checks by 3 readers   2 busy`, and the tip.
pub fn ledger(demo: &Demo, area: Area, panes: &Panes, pen: &mut Pen) {
    if panes.shape != Shape::Narrow {
        pen.rule(area.x, area.y, area.columns);
    }
    let room = area.columns - 2;
    let books = demo.ledger;
    let words = format!(
        "   {} stored   {} deleted   {} checks by {} readers   {} busy",
        books.stored, books.deleted, books.checks, books.readers, books.busy
    );
    let y = area.y + 1;
    let x = pen.put(1, y, room, "Server ledger", Role::Bar);
    pen.put_cut(
        x,
        y,
        (room + 1).saturating_sub(x),
        Shown::text(&words),
        Role::Text,
    );
    let Some((number, of, words)) = &demo.tip else {
        return;
    };
    let label = format!("Tip {number} of {of}  ");
    let label = Shown::text(&label);
    let indent = u16::try_from(pen.columns(&label)).unwrap_or(0);
    let columns = usize::from(room.saturating_sub(indent));
    let lines = crate::tui::compose::wrap(words, columns, columns);
    pen.put(1, y + 1, room, &label, Role::Accent);
    for (y, line) in (y + 1..area.bottom()).zip(lines) {
        pen.put_cut(1 + indent, y, room - indent, Shown::text(&line), Role::Text);
    }
}

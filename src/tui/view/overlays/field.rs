//! Where an overlay stands, and the line that is edited in it.

use crate::{
    notice::shown::Shown,
    tui::{
        layout::Area,
        model::{Model, line::Line, overlay::Menu},
        theme::Role,
        view::pen::Pen,
    },
};

/// Where an overlay of this size lies, which on 24 rows would begin at `top`: centred, whole on the screen.
pub fn place(model: &Model, columns: u16, rows: u16, top: u16) -> Area {
    let size = model.size;
    let columns = columns.min(size.columns);
    let room = size.rows.saturating_sub(3);
    let rows = rows.min(room);
    let lower = size.rows.saturating_sub(24) / 3;
    Area {
        x: (size.columns - columns) / 2,
        y: (top + lower).min((1 + room).saturating_sub(rows)),
        columns,
        rows,
    }
}

/// Draws a line that is being edited, with a cursor; of a long one the part around the cursor.
pub fn line(line: &Line, x: u16, y: u16, columns: u16, pen: &mut Pen) {
    let (before, after) = line.shown();
    let room = usize::from(columns.saturating_sub(1));
    let mut tail: &str = &before;
    while pen.columns(tail) > room {
        let mut letters = tail.chars();
        letters.next();
        tail = letters.as_str();
    }
    let end = pen.put(x, y, columns, Shown::text(tail), Role::Text);
    pen.put(
        end,
        y,
        (x + columns).saturating_sub(end),
        &after,
        Role::Text,
    );
    if after.is_empty() {
        cursor(end, y, pen);
    } else {
        pen.tint(
            Area {
                x: end,
                y,
                columns: 1,
                rows: 1,
            },
            Role::Accent,
        );
        pen.park(end, y);
    }
}

/// `_`, and the terminal's own cursor at the same place.
pub fn cursor(x: u16, y: u16, pen: &mut Pen) {
    pen.put(x, y, 1, "_", Role::Accent);
    pen.park(x, y);
}

/// The line of a menu in which one types: ` > _`.
pub fn menu_line(menu: &Menu, area: Area, pen: &mut Pen) {
    let x = pen.put(area.x + 2, area.y + 1, 2, "> ", Role::Muted);
    let room = (area.right() - 2).saturating_sub(x);
    line(&menu.line, x, area.y + 1, room, pen);
}

/// Puts an edited line into its frame.
pub fn field(area: Area, pen: &mut Pen, draw: impl FnOnce(u16, u16, u16, &mut Pen)) {
    let x = pen.put(area.x + 2, area.y + 1, 2, "> ", Role::Muted);
    draw(x, area.y + 1, area.columns.saturating_sub(6), pen);
}

//! What lies over the screen, with a border of its own: links and files, mailboxes, commands, questions.
//!
//! An overlay fits any screen by scrolling, and closes with `Esc`.

use crate::{
    notice::{Notice, shown::Shown, text},
    tui::{
        layout::{Area, Panes},
        model::{
            Model,
            overlay::{Choice, Overlay},
        },
        theme::Role,
    },
};

use super::{help, pen::Pen};

pub mod field;
pub mod palette;
pub mod places;

/// Draws the overlay.
pub fn draw(model: &Model, overlay: &Overlay, panes: &Panes, pen: &mut Pen) {
    if model.look.accessible {
        // Read line by line, what lies beside an overlay would be read with it.
        pen.wipe(Area {
            x: 0,
            y: 0,
            columns: model.size.columns,
            rows: model.size.rows,
        });
    }
    match overlay {
        Overlay::Help(menu) => help::draw(model, menu, panes, pen),
        Overlay::Attached { selected, top } => {
            let notice = model.page.as_ref().and_then(|page| page.notice.as_deref());
            if let Some(notice) = notice {
                attached(model, notice, *selected, *top, pen);
            }
        }
        Overlay::Mailboxes(menu) => places::draw(model, menu, pen),
        Overlay::Palette(menu) => palette::draw(model, menu, pen),
        Overlay::Choose {
            title,
            choices,
            selected,
        } => choose(model, title, choices, *selected, pen),
        Overlay::Pipe(typed) => {
            let area = field::place(model, 60, 4, 8);
            pen.border(area, "Pipe the text into", "Enter run  Esc close");
            field::field(area, pen, |x, y, columns, pen| {
                field::line(typed, x, y, columns, pen)
            });
        }
        Overlay::Password(password) => {
            let area = field::place(model, 60, 4, 8);
            let title = format!("Password for {}", model.mailbox().name);
            pen.border(area, Shown::text(&title), "Enter sign in  Esc close");
            field::field(area, pen, |x, y, columns, pen| {
                let x = pen.put(x, y, columns, password.masked(), Role::Text);
                field::cursor(x, y, pen);
            });
        }
        Overlay::Text {
            title,
            lines,
            scroll,
        } => text(model, title, lines, *scroll, pen),
    }
}

/// How many entries of a menu, or lines of a text, are on the screen at once.
pub fn height(model: &Model, overlay: &Overlay) -> usize {
    let (rows, frame) = match overlay {
        Overlay::Help(_) => (help::area(model).rows, 4),
        Overlay::Attached { .. } => (attached_area(model).rows, 2),
        Overlay::Mailboxes(_) => (places::area(model).rows, 4),
        Overlay::Palette(_) => (palette::area(model).rows, 4),
        Overlay::Text { lines, .. } => (text_area(model, lines.len()).rows, 2),
        Overlay::Choose { .. } | Overlay::Pipe(_) | Overlay::Password(_) => (3, 2),
    };
    usize::from(rows.saturating_sub(frame))
}

fn attached_area(model: &Model) -> Area {
    let rows = model.page.as_ref().and_then(|page| page.notice.as_deref());
    let rows = rows.map_or(0, |notice| entries(notice).len());
    field::place(model, 64, u16::try_from(rows + 2).unwrap_or(u16::MAX), 6)
}

/// A row of the links and files.
enum Entry {
    Title(&'static str),
    Gap,
    Link(usize),
    File(usize),
}

fn entries(notice: &Notice) -> Vec<Entry> {
    let mut entries = Vec::new();
    if !notice.links.is_empty() {
        entries.push(Entry::Title("Links"));
        entries.extend((0..notice.links.len()).map(Entry::Link));
    }
    if !notice.links.is_empty() && !notice.files.is_empty() {
        entries.push(Entry::Gap);
    }
    if !notice.files.is_empty() {
        entries.push(Entry::Title("Files"));
        entries.extend((0..notice.files.len()).map(Entry::File));
    }
    entries
}

/// The row, among all of the overlay, of its n-th link or file.
pub fn attached_row(notice: &Notice, selected: usize) -> usize {
    let mut seen = 0;
    for (row, entry) in entries(notice).iter().enumerate() {
        if matches!(entry, Entry::Link(_) | Entry::File(_)) {
            if seen == selected {
                return row;
            }
            seen += 1;
        }
    }
    0
}

fn attached(model: &Model, notice: &Notice, selected: usize, top: usize, pen: &mut Pen) {
    let area = attached_area(model);
    let hints = "Enter open  w save  y copy  Esc close";
    pen.border(area, "Links and files", hints);
    let inner = Area {
        x: area.x + 1,
        y: area.y + 1,
        columns: area.columns.saturating_sub(2),
        rows: area.rows.saturating_sub(2),
    };
    let selected = attached_row(notice, selected);
    let entries = entries(notice);
    let visible = entries.iter().enumerate().skip(top);
    for (y, (row, entry)) in (inner.y..inner.bottom()).zip(visible) {
        let line = Area {
            y,
            rows: 1,
            ..inner
        };
        match entry {
            Entry::Title(title) => {
                pen.put(line.x + 1, y, line.columns, *title, Role::Bar);
            }
            Entry::Gap => {}
            Entry::Link(place) => link(notice, *place, line, pen),
            Entry::File(place) => file(notice, *place, line, pen),
        }
        if row == selected {
            pen.glyph(line.x + 1, y, ">", Role::Accent);
            pen.tint(line, Role::Selection);
            pen.park(line.x + 1, y);
        }
    }
}

/// `> 1 status page     status.team.example/incidents/2026-118`
fn link(notice: &Notice, place: usize, line: Area, pen: &mut Pen) {
    let link = &notice.links[place];
    let number = Shown::text(&format!("{} ", place + 1));
    let mut x = pen.put(line.x + 3, line.y, 5, &number, Role::Muted);
    let second = line.x + 21;
    let end = line.right() - 1;
    if let Some(warning) = &link.warning {
        x = pen.put(x, line.y, 2, "! ", Role::Error);
        pen.put_cut(
            x,
            line.y,
            second.saturating_sub(x + 1),
            &link.label,
            Role::Text,
        );
        // Where it goes stands at its end, and so does what a host belongs to.
        let room = end.saturating_sub(second);
        let cut = text::tail(warning, usize::from(room));
        pen.put(second, line.y, room, Shown::text(&cut), Role::Error);
        return;
    }
    pen.put_cut(
        x,
        line.y,
        second.saturating_sub(x + 1),
        &link.label,
        Role::Text,
    );
    let target = Shown::text(link.short_target());
    pen.put_cut(
        second,
        line.y,
        end.saturating_sub(second),
        target,
        Role::Link,
    );
}

/// `  4 runbook.pdf     PDF       48 KB`
fn file(notice: &Notice, place: usize, line: Area, pen: &mut Pen) {
    let file = &notice.files[place];
    let number = Shown::text(&format!("{} ", notice.links.len() + place + 1));
    let x = pen.put(line.x + 3, line.y, 5, &number, Role::Muted);
    let (second, third) = (line.x + 21, line.x + 31);
    let end = line.right() - 1;
    pen.put_cut(
        x,
        line.y,
        second.saturating_sub(x + 1),
        &file.name,
        Role::Text,
    );
    pen.put_cut(
        second,
        line.y,
        (third - 1).min(end).saturating_sub(second),
        file.kind(),
        Role::Muted,
    );
    pen.put_cut(
        third,
        line.y,
        end.saturating_sub(third),
        file.size_text(),
        Role::Muted,
    );
}

fn choose(model: &Model, title: &'static str, choices: &[Choice], selected: usize, pen: &mut Pen) {
    let rows = u16::try_from(choices.len() + 2).unwrap_or(u16::MAX);
    let area = field::place(model, 60, rows, 8);
    pen.border(area, title, "Enter choose  Esc close");
    let height = usize::from(area.rows.saturating_sub(2)).max(1);
    let top = (selected + 1).saturating_sub(height);
    let visible = choices.iter().enumerate().skip(top);
    for (y, (place, choice)) in (area.y + 1..area.bottom().saturating_sub(1)).zip(visible) {
        let end = area.right() - 1;
        let x = area.x + 4;
        let x = pen.put_cut(x, y, end.saturating_sub(x), &choice.label, Role::Text);
        let x = x.max(area.x + 16) + 2;
        pen.put_cut(x, y, end.saturating_sub(x), &choice.note, Role::Muted);
        if place == selected {
            pen.glyph(area.x + 2, y, ">", Role::Accent);
            let line = Area {
                x: area.x + 1,
                y,
                columns: area.columns - 2,
                rows: 1,
            };
            pen.tint(line, Role::Selection);
            pen.park(area.x + 2, y);
        }
    }
}

fn text_area(model: &Model, lines: usize) -> Area {
    let rows = u16::try_from(lines + 2).unwrap_or(u16::MAX);
    field::place(model, 76, rows, 3)
}

fn text(model: &Model, title: &Shown, lines: &[Shown], scroll: usize, pen: &mut Pen) {
    let area = text_area(model, lines.len());
    pen.border(area, title, "Esc close");
    let visible = lines.iter().skip(scroll);
    for (y, words) in (area.y + 1..area.bottom().saturating_sub(1)).zip(visible) {
        pen.put_cut(
            area.x + 2,
            y,
            area.columns.saturating_sub(4),
            words,
            Role::Text,
        );
    }
}

//! What lies over the screen, with a border of its own: links and files, mailboxes, commands, questions.
//!
//! An overlay fits any screen by scrolling, and closes with `Esc`.

use crate::{
    notice::{Notice, shown::Shown},
    tui::{
        layout::{Area, Panes},
        model::{
            Model, health,
            overlay::{Choice, Menu, Overlay},
        },
        theme::Role,
    },
};

use super::{help, pen::Pen};

pub mod field;
pub mod palette;

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
        Overlay::Mailboxes(menu) => mailboxes(model, menu, pen),
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
        Overlay::Mailboxes(_) => (mailboxes_area(model).rows, 4),
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
        pen.put_cut(
            second,
            line.y,
            end.saturating_sub(second),
            warning,
            Role::Error,
        );
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

/// With fewer columns, a mailbox has a number and a word for its state.
const NARROW: u16 = 44;

fn mailboxes_area(model: &Model) -> Area {
    let count = u16::try_from(model.mailboxes.len()).unwrap_or(u16::MAX);
    field::place(model, 60, count.saturating_add(4), 5)
}

/// ` > 1 notices       3 unread  ok        checked 14:05`
fn mailboxes(model: &Model, menu: &Menu, pen: &mut Pen) {
    let area = mailboxes_area(model);
    pen.border(area, "Mailboxes", "Enter switch  Ctrl-N new  Esc close");
    field::menu_line(menu, area, pen);
    let matching = matching_mailboxes(model, menu.line.text());
    let visible = matching.iter().enumerate().skip(menu.top);
    let rows = area.y + 3..area.bottom().saturating_sub(1);
    let name = if area.columns < NARROW { 9 } else { 12 };
    for (y, (place, number)) in rows.zip(visible) {
        let mailbox = &model.mailboxes[*number];
        let x = area.x + 2;
        let end = area.right() - 1;
        let mut put = |at: u16, columns: u16, words: &Shown, role: Role| {
            let room = end.saturating_sub(x + at).min(columns);
            pen.put_cut(x + at, y, room, words, role)
        };
        let unread = match *number == model.open.0 {
            true => model.list.counts().unread,
            false => mailbox.unread,
        };
        put(2, 2, &Shown::text(&(number + 1).to_string()), Role::Muted);
        put(4, name, &mailbox.name, Role::Bar);
        let role = if unread > 0 {
            Role::Unread
        } else {
            Role::Muted
        };
        let (word, note, state) = health::entry(mailbox, &model.clock);
        if area.columns < NARROW {
            put(14, 4, &Shown::text(&unread.to_string()), role);
            put(18, u16::MAX, &word, state);
        } else {
            put(18, 9, &Shown::text(&format!("{unread} unread")), role);
            let after = put(28, 14, &word, state);
            let note_at = 38.max((after + 1).saturating_sub(x));
            put(note_at, u16::MAX, &note, Role::Muted);
        }
        let line = Area {
            x: area.x + 1,
            y,
            columns: area.columns - 2,
            rows: 1,
        };
        if place == menu.selected {
            pen.glyph(x, y, ">", Role::Accent);
            pen.tint(line, Role::Selection);
        }
    }
}

/// The mailboxes whose number or name has what was typed in it.
pub fn matching_mailboxes(model: &Model, typed: &str) -> Vec<usize> {
    let typed = typed.trim().to_lowercase();
    let matches = |(place, mailbox): &(usize, &crate::tui::model::mailbox::Mailbox)| {
        mailbox.name.to_lowercase().contains(&typed) || (place + 1).to_string() == typed
    };
    let mailboxes = model.mailboxes.iter().enumerate();
    mailboxes.filter(matches).map(|(place, _)| place).collect()
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

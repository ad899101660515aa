//! Where one can go: the mailboxes, the searches of the settings, and the lists of the open mailbox.

use std::collections::BTreeMap;

use crate::{
    notice::shown::Shown,
    tui::{
        layout::Area,
        model::{Model, health, overlay::Menu},
        theme::Role,
    },
};

use super::{super::pen::Pen, field};

/// Where one can go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// To the mailbox of this index.
    Mailbox(usize),
    /// To what a search of the settings finds, by its index.
    Search(usize),
    /// To the notices that came through a list, so many of them unread.
    List(Shown, u32),
}

/// With fewer columns, a mailbox has a number and a word for its state.
const NARROW: u16 = 44;

/// Where it lies.
pub fn area(model: &Model) -> Area {
    let count = u16::try_from(places(model, "").len()).unwrap_or(u16::MAX);
    field::place(model, 60, count.saturating_add(4), 5)
}

/// Draws them.
///
/// ` > 1 notices       3 unread  ok        checked 14:05`
pub fn draw(model: &Model, menu: &Menu, pen: &mut Pen) {
    let area = area(model);
    pen.border(area, "Mailboxes", "Enter switch  Ctrl-N new  Esc close");
    field::menu_line(menu, area, pen);
    let places = places(model, menu.line.text());
    let visible = places.iter().enumerate().skip(menu.top);
    let rows = area.y + 3..area.bottom().saturating_sub(1);
    for (y, (index, place)) in rows.zip(visible) {
        let line = Area {
            x: area.x + 1,
            y,
            columns: area.columns - 2,
            rows: 1,
        };
        match place {
            Place::Mailbox(number) => mailbox(model, *number, line, pen),
            Place::Search(number) => {
                let search = &model.saved[*number];
                let query = Shown::line(&search.query);
                other(&Shown::line(&search.name), "search", &query, line, pen);
            }
            Place::List(name, unread) => {
                let unread = Shown::text(&format!("{unread} unread"));
                other(name, "list", &unread, line, pen);
            }
        }
        if index == menu.selected {
            pen.glyph(area.x + 2, y, ">", Role::Accent);
            pen.tint(line, Role::Selection);
        }
    }
}

fn mailbox(model: &Model, number: usize, line: Area, pen: &mut Pen) {
    let mailbox = &model.mailboxes[number];
    let name = if line.columns + 2 < NARROW { 9 } else { 12 };
    let (x, y, end) = (line.x + 1, line.y, line.right());
    let mut put = |at: u16, columns: u16, words: &Shown, role: Role| {
        let room = end.saturating_sub(x + at).min(columns);
        pen.put_cut(x + at, y, room, words, role)
    };
    let unread = match number == model.open.0 {
        true => model.list.counts().unread,
        false => mailbox.unread,
    };
    put(2, 2, &Shown::text(&(number + 1).to_string()), Role::Muted);
    put(4, name, &mailbox.name, Role::Bar);
    let role = match unread {
        0 => Role::Muted,
        _ => Role::Unread,
    };
    let (word, note, state) = health::entry(mailbox, &model.clock);
    if line.columns + 2 < NARROW {
        put(14, 4, &Shown::text(&unread.to_string()), role);
        put(18, u16::MAX, &word, state);
    } else {
        put(18, 9, &Shown::text(&format!("{unread} unread")), role);
        let after = put(28, 14, &word, state);
        let note_at = 38.max((after + 1).saturating_sub(x));
        put(note_at, u16::MAX, &note, Role::Muted);
    }
}

/// `     Deploys       search    from:ops-bot deploy`
fn other(name: &Shown, kind: &'static str, note: &Shown, line: Area, pen: &mut Pen) {
    let (x, y, end) = (line.x + 1, line.y, line.right());
    let note_at = match line.columns + 2 < NARROW {
        true => 25,
        false => 38,
    };
    pen.put_cut(x + 4, y, note_at - 14, name, Role::Text);
    pen.put(x + note_at - 9, y, 8, kind, Role::Muted);
    pen.put_cut(
        x + note_at,
        y,
        end.saturating_sub(x + note_at),
        note,
        Role::Muted,
    );
}

/// The places whose number or name has what was typed in it.
pub fn places(model: &Model, typed: &str) -> Vec<Place> {
    let typed = typed.trim().to_lowercase();
    let has = |name: &str| name.to_lowercase().contains(&typed);
    let mailboxes = model.mailboxes.iter().enumerate();
    let mailboxes = mailboxes
        .filter(|(number, mailbox)| has(&mailbox.name) || (number + 1).to_string() == typed)
        .map(|(number, _)| Place::Mailbox(number));
    let searches = model.saved.iter().enumerate();
    let searches = searches
        .filter(|(_, search)| has(&search.name))
        .map(|(number, _)| Place::Search(number));
    let mut lists: BTreeMap<&Shown, u32> = BTreeMap::new();
    for (slot, headline) in model.list.all() {
        if let Some(list) = headline
            .list
            .as_deref()
            .filter(|list| !list.name.is_empty())
        {
            *lists.entry(&list.name).or_default() += u32::from(model.list.is_unread(slot));
        }
    }
    let lists = lists
        .into_iter()
        .filter(|(name, _)| has(name))
        .map(|(name, unread)| Place::List(name.clone(), unread));
    mailboxes.chain(searches).chain(lists).collect()
}

//! The keys of the present screen, from the keymap; typing filters them.

use crate::{
    notice::shown::Shown,
    tui::{
        action::{Action, Mode},
        keymap::Keymap,
        layout::{Area, Panes},
        model::{Focus, Model, Room, overlay::Menu},
        theme::Role,
    },
};

use super::{overlays::field, pen::Pen};

/// What stands in help: a title, or keys and what they do.
enum Entry {
    Title(&'static str),
    /// Actions, how many keys of each, and what they do. Keys of paired actions alternate: `j k ↓ ↑`.
    Keys(&'static [Action], usize, &'static str),
    /// More words on the entry above.
    More(&'static str),
}

/// Draws the help.
pub fn draw(model: &Model, menu: &Menu, _: &Panes, pen: &mut Pen) {
    let area = area(model);
    let title = match (&model.room, model.focus) {
        (Room::Activity(_), _) => "Keys: activity",
        (Room::SetUp(_), _) => "Keys: setup",
        (Room::Mail, Focus::List) => "Keys: inbox",
        (Room::Mail, Focus::Page) => "Keys: reader",
    };
    pen.border(area, title, "Esc close");
    let x = pen.put(
        area.x + 2,
        area.y + 1,
        area.columns,
        "Type to filter: ",
        Role::Muted,
    );
    let room = (area.right() - 2).saturating_sub(x);
    field::line(&menu.line, x, area.y + 1, room, pen);
    let mode = mode(model);
    let inner = Area {
        x: area.x + 1,
        y: area.y + 3,
        columns: area.columns.saturating_sub(2),
        rows: area.rows.saturating_sub(4),
    };
    if menu.line.is_empty() && inner.columns >= 72 && inner.rows >= 15 {
        columns(model, mode, inner, pen);
    } else {
        filtered(model, mode, menu, inner, pen);
    }
}

/// Where the help lies.
pub fn area(model: &Model) -> Area {
    field::place(model, 74, 19, 2)
}

/// The mode whose keys are explained.
pub fn mode(model: &Model) -> Mode {
    match (&model.room, model.focus) {
        (Room::Activity(_), _) => Mode::Activity,
        (Room::SetUp(_), _) => Mode::Overlay,
        (Room::Mail, Focus::List) => Mode::List,
        (Room::Mail, Focus::Page) => Mode::Reader,
    }
}

/// The actions whose names, words or keys have in them what was typed, with their keys.
pub fn found(model: &Model, mode: Mode, typed: &str) -> Vec<(Shown, Action)> {
    let typed = typed.trim().to_lowercase();
    let actions = Action::ALL
        .iter()
        .filter(|action| **action != Action::Nothing);
    let actions = actions.filter(|action| model.demo.is_some() || !action.is_of_demo());
    actions
        .filter_map(|action| {
            let at = if action.is_of_demo() {
                Mode::Demo
            } else {
                mode
            };
            let keys: Vec<String> = model
                .keymap
                .keys(at, *action)
                .map(|key| key.to_string())
                .collect();
            let keys = match keys.is_empty() {
                true => format!(":{}", action.command()),
                false => keys.join(" "),
            };
            let words = format!("{} {}", action.command(), action.says()).to_lowercase();
            let matches = words.contains(&typed) || keys.to_lowercase().contains(&typed);
            matches.then(|| (Shown::text(&keys), *action))
        })
        .collect()
}

/// Keys in one column, as far as what was typed is found in them.
fn filtered(model: &Model, mode: Mode, menu: &Menu, area: Area, pen: &mut Pen) {
    let found = found(model, mode, menu.line.text());
    let keys_end = (area.columns / 3).min(20);
    let visible = found.iter().skip(menu.top);
    for (y, (keys, action)) in (area.y..area.bottom()).zip(visible) {
        let x = area.x + 1;
        let keys = pen.key_names(keys);
        pen.put_cut(x, y, keys_end.saturating_sub(2), keys, Role::Accent);
        let room = area.columns.saturating_sub(keys_end + 1);
        pen.put_cut(area.x + keys_end, y, room, action.says(), Role::Text);
    }
}

/// All keys in two columns, by what they are for.
fn columns(model: &Model, mode: Mode, area: Area, pen: &mut Pen) {
    let keymap = &model.keymap;
    column(keymap, mode, LEFT, area.x + 1, 10, area, pen);
    column(keymap, mode, RIGHT, area.x + 34, 11, area, pen);
    let last = area.bottom() - 1;
    if model.demo.is_some() {
        demo(keymap, mode, last - 1, area, pen);
    }
    let words = "tidings is read-only: the shared mailbox is never changed.";
    pen.put_cut(area.x + 1, last, area.columns - 2, words, Role::Ok);
}

/// The keys that only the demo has, in a line.
fn demo(keymap: &Keymap, mode: Mode, y: u16, area: Area, pen: &mut Pen) {
    const KEYS: [(Action, &str); 4] = [
        (Action::DemoSend, "send a notice"),
        (Action::DemoBreak, "break the server"),
        (Action::DemoPause, "pause"),
        (Action::OtherPane, "watch"),
    ];

    let mut x = pen.put(area.x + 1, y, area.columns, "Demo", Role::Bar) + 2;
    for (action, does) in KEYS {
        let mode = if action.is_of_demo() {
            Mode::Demo
        } else {
            mode
        };
        if let Some(key) = keymap.key(mode, action) {
            let key = pen.key_names(&Shown::text(&key.to_string()));
            x = pen.put(x, y, area.right().saturating_sub(x), &key, Role::Accent) + 1;
            x = pen.put(x, y, area.right().saturating_sub(x), does, Role::Text) + 2;
        }
    }
}

fn column(
    keymap: &Keymap,
    mode: Mode,
    entries: &[Entry],
    x: u16,
    keys_columns: u16,
    area: Area,
    pen: &mut Pen,
) {
    let end = area.right();
    for (y, entry) in (area.y..area.bottom() - 2).zip(entries) {
        let keys_at = x + 2;
        let words_at = keys_at + keys_columns;
        match entry {
            Entry::Title(title) => {
                pen.put(x, y, end - x, *title, Role::Bar);
            }
            Entry::Keys(actions, each, does) => {
                let keys = pen.key_names(&Shown::text(&keys(keymap, mode, actions, *each)));
                let after = pen.put(keys_at, y, end - keys_at, &keys, Role::Accent);
                let words_at = words_at.max(after + 1);
                pen.put(words_at, y, end.saturating_sub(words_at), *does, Role::Text);
            }
            Entry::More(words) => {
                pen.put(words_at, y, end - words_at, *words, Role::Muted);
            }
        }
    }
}

/// The first keys of the actions, those of several in turn: `j k ↓ ↑`.
fn keys(keymap: &Keymap, mode: Mode, actions: &[Action], each: usize) -> String {
    if actions == [Action::PickMailbox] {
        return numbers(keymap, mode);
    }
    let of_action: Vec<Vec<String>> = actions
        .iter()
        .map(|action| {
            let keys = keymap.keys(mode, *action).map(|key| key.to_string());
            keys.take(each).collect()
        })
        .collect();
    let turns = (0..each).flat_map(|turn| {
        let keys = of_action.iter().filter_map(move |keys| keys.get(turn));
        keys.cloned()
    });
    let mut keys: Vec<String> = turns.collect();
    if actions.contains(&Action::Mailboxes) {
        keys.push(numbers(keymap, mode));
    }
    keys.retain(|key| !key.is_empty());
    keys.join(" ")
}

/// `1..9`
fn numbers(keymap: &Keymap, mode: Mode) -> String {
    let keys: Vec<String> = keymap
        .keys(mode, Action::PickMailbox)
        .map(|key| key.to_string())
        .collect();
    match (keys.first(), keys.last()) {
        (Some(first), Some(last)) if first != last => format!("{first}..{last}"),
        (Some(only), _) => only.clone(),
        _ => String::new(),
    }
}

const LEFT: &[Entry] = &[
    Entry::Title("Move"),
    Entry::Keys(&[Action::Next, Action::Previous], 2, "next / previous"),
    Entry::Keys(&[Action::Top, Action::Bottom], 1, "top / bottom"),
    Entry::Keys(
        &[Action::NextUnread, Action::PreviousUnread],
        1,
        "next / prev unread",
    ),
    Entry::More("(or match, in search)"),
    Entry::Title("Mark (only for you)"),
    Entry::Keys(&[Action::ToggleRead], 1, "read / unread"),
    Entry::Keys(&[Action::Star], 1, "star"),
    Entry::Keys(&[Action::MarkAllRead], 1, "mark all read"),
    Entry::Keys(&[Action::Undo], 1, "undo last mark"),
    Entry::Title("Get"),
    Entry::Keys(&[Action::Links, Action::Files], 1, "links / files"),
    Entry::Keys(
        &[Action::Copy, Action::Save, Action::Pipe],
        1,
        "copy / save / pipe",
    ),
];

const RIGHT: &[Entry] = &[
    Entry::Title("Read"),
    Entry::Keys(&[Action::Open], 3, "read"),
    Entry::Keys(&[Action::ReadOn], 1, "page, then next unread"),
    Entry::Keys(&[Action::Leave, Action::Back], 3, "back"),
    Entry::Keys(
        &[Action::NextNotice, Action::PreviousNotice],
        1,
        "next / prev notice",
    ),
    Entry::Title("Find"),
    Entry::Keys(&[Action::Search], 1, "search"),
    Entry::Keys(&[Action::Filter], 1, "filter"),
    Entry::Keys(&[Action::Mailboxes], 1, "mailboxes"),
    Entry::Keys(&[Action::Palette], 1, "every command"),
    Entry::Title("App"),
    Entry::Keys(&[Action::Check], 1, "check now"),
    Entry::Keys(&[Action::Activity], 1, "activity log"),
];

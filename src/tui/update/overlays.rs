//! Keys while an overlay is open, and text that is pasted.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::{
    notice::shown::Shown,
    tui::{
        action::{Action, Mode},
        effect::Effect,
        keymap::Key,
        model::{
            Message, Model, Room,
            form::{Form, words},
            overlay::{Menu, Overlay},
        },
        view::{
            help,
            overlays::{
                self as view, palette,
                places::{self, Place},
            },
        },
    },
};

use super::{Effects, acts, files, listing, searching, setup};

/// A key while an overlay is open.
pub fn key(model: &mut Model, key: &KeyEvent, out: &mut Effects) {
    let Some(mut overlay) = model.overlay.take() else {
        return;
    };
    if key.code == KeyCode::Esc {
        return;
    }
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    if is_control && model.keymap.action(Mode::Overlay, key) == Some(Action::Quit) {
        out.push(Effect::Quit);
        return;
    }
    let height = view::height(model, &overlay);
    let stays = match &mut overlay {
        Overlay::Help(menu) => {
            let mode = help::mode(model);
            menu_key(model, menu, key, height, |model, typed| {
                help::found(model, mode, typed).len()
            });
            key.code != KeyCode::Enter
        }
        Overlay::Mailboxes(menu) => mailboxes(model, menu, key, height, out),
        Overlay::Palette(menu) => commands(model, menu, key, height, out),
        Overlay::Attached { selected, top } => attached(model, selected, top, key, height, out),
        Overlay::Choose {
            choices, selected, ..
        } => {
            let then = choices.get(*selected).map(|choice| choice.then.clone());
            match list_action(model, key) {
                Some(Action::Open) => {
                    if let Some(then) = then {
                        files::choose(model, then, out);
                    }
                    false
                }
                Some(Action::Back | Action::Leave) => false,
                action => {
                    *selected = moved(*selected, action, choices.len(), height);
                    true
                }
            }
        }
        Overlay::Pipe(line) => {
            line.key(key);
            let command = words(line.text());
            if let (KeyCode::Enter, Some(id), false) =
                (key.code, files::present(model), command.is_empty())
            {
                let wanted = files::wanted(model, id);
                out.push(Effect::Pipe { wanted, command });
            }
            key.code != KeyCode::Enter
        }
        Overlay::Password(password) => {
            password.key(key);
            if key.code == KeyCode::Enter && !password.is_empty() {
                out.push(Effect::SignIn {
                    mailbox: model.open,
                    password: password.password(),
                });
                let words = Shown::from_static("signing in with the new password");
                model.message = Some(Message::Checking(words));
            }
            key.code != KeyCode::Enter
        }
        Overlay::Text { lines, scroll, .. } => {
            let action = list_action(model, key);
            let last = lines.len().saturating_sub(height);
            *scroll = moved(*scroll, action, last + 1, height);
            !matches!(action, Some(Action::Back | Action::Leave | Action::Open))
        }
    };
    // Another overlay may have been opened from this one.
    if stays && model.overlay.is_none() {
        model.overlay = Some(overlay);
    }
}

/// Text was pasted: into the line that is being edited, else nowhere.
pub fn paste(model: &mut Model, text: &str, out: &mut Effects) {
    match (&mut model.overlay, &mut model.room) {
        (Some(Overlay::Help(menu) | Overlay::Mailboxes(menu) | Overlay::Palette(menu)), _) => {
            menu.line.paste(text);
            menu.selected = 0;
            menu.top = 0;
        }
        (Some(Overlay::Pipe(line)), _) => line.paste(text),
        (Some(Overlay::Password(password)), _) => password.paste(text),
        (Some(_), _) => {}
        (None, Room::SetUp(_)) => setup::paste(model, text, out),
        (None, _) if model.search.as_ref().is_some_and(|search| search.editing) => {
            searching::paste(model, text, out);
        }
        (None, _) => {}
    }
}

/// What a key means in an overlay where nothing is typed.
fn list_action(model: &Model, key: &KeyEvent) -> Option<Action> {
    model.keymap.action(Mode::Overlay, key)
}

/// What a key means in an overlay where one types: letters are text, and so is what edits a line.
fn menu_action(model: &Model, key: &KeyEvent) -> Option<Action> {
    match key.code {
        KeyCode::Char(_) if !key.modifiers.contains(KeyModifiers::CONTROL) => None,
        KeyCode::Char(_) => list_action(model, key).filter(|action| {
            matches!(action, Action::NewMailbox | Action::Next | Action::Previous)
        }),
        KeyCode::Up => Some(Action::Previous),
        KeyCode::Down => Some(Action::Next),
        KeyCode::PageUp => Some(Action::PageUp),
        KeyCode::PageDown => Some(Action::PageDown),
        KeyCode::Enter => Some(Action::Open),
        _ => None,
    }
}

/// Moves within, or types into, a menu. Returns the action, if it was none of these.
fn menu_key(
    model: &Model,
    menu: &mut Menu,
    key: &KeyEvent,
    height: usize,
    count: impl Fn(&Model, &str) -> usize,
) -> Option<Action> {
    let action = menu_action(model, key);
    if action.is_none() && menu.line.key(key) {
        menu.selected = 0;
        menu.top = 0;
    }
    let count = count(model, menu.line.text());
    menu.selected = moved(menu.selected, action, count, height);
    menu.clamp(count, height);
    action
}

fn mailboxes(
    model: &mut Model,
    menu: &mut Menu,
    key: &KeyEvent,
    height: usize,
    out: &mut Effects,
) -> bool {
    let action = menu_key(model, menu, key, height, |model, typed| {
        places::places(model, typed).len()
    });
    match action {
        Some(Action::Open) => {
            let mut places = places::places(model, menu.line.text());
            if menu.selected < places.len() {
                match places.swap_remove(menu.selected) {
                    Place::Mailbox(place) => listing::open(model, place, out),
                    Place::Search(number) => searching::saved(model, number, out),
                    Place::List(name, _) => {
                        let query = format!("list:\"{}\"", name.replace('"', " "));
                        searching::show(model, &query, out);
                    }
                }
            }
            false
        }
        Some(Action::NewMailbox) => {
            model.room = Room::SetUp(Box::<Form>::default());
            false
        }
        _ => true,
    }
}

fn commands(
    model: &mut Model,
    menu: &mut Menu,
    key: &KeyEvent,
    height: usize,
    out: &mut Effects,
) -> bool {
    let action = menu_key(model, menu, key, height, |model, typed| {
        palette::commands(model, typed).len()
    });
    if action != Some(Action::Open) {
        return true;
    }
    let commands = palette::commands(model, menu.line.text());
    match commands.get(menu.selected) {
        Some(palette::Command::Do(action)) => acts::perform(model, *action, None, out),
        Some(palette::Command::OpenMailbox(place)) => listing::open(model, *place, out),
        Some(palette::Command::Search(number)) => searching::saved(model, *number, out),
        None => model.say("no such command"),
    }
    false
}

fn attached(
    model: &mut Model,
    selected: &mut usize,
    top: &mut usize,
    key: &KeyEvent,
    height: usize,
    out: &mut Effects,
) -> bool {
    let count = files::entries(model);
    let action = list_action(model, key);
    // A digit opens the entry of this number.
    let number = Key::from(key).digit().filter(|number| *number <= count);
    if let Some(number) = number {
        files::open_entry(model, number - 1, out);
        return false;
    }
    match action {
        Some(Action::Open) => {
            files::open_entry(model, *selected, out);
            return false;
        }
        Some(Action::OpenOutside) => {
            files::open_entry_outside(model, *selected, out);
            return false;
        }
        Some(Action::Save) => {
            return !files::save_entry(model, *selected, out);
        }
        Some(Action::Copy) => {
            files::copy_entry(model, *selected, out);
            return false;
        }
        Some(Action::Back | Action::Leave | Action::Links | Action::Files) => return false,
        _ => {}
    }
    *selected = moved(*selected, action, count, height);
    let notice = model.page.as_ref().and_then(|page| page.notice.as_deref());
    if let Some(notice) = notice {
        let row = view::attached_row(notice, *selected);
        let first = (row + 1).saturating_sub(height.max(1));
        *top = (*top).clamp(first, row);
        // The title above the first entry is not left off the screen.
        if *selected == 0 {
            *top = 0;
        }
    }
    true
}

/// Where a selection among so many entries comes to by an action.
fn moved(selected: usize, action: Option<Action>, count: usize, height: usize) -> usize {
    let last = count.saturating_sub(1);
    let half = (height / 2).max(1);
    let moved = match action {
        Some(Action::Next) => selected + 1,
        Some(Action::Previous) => selected.saturating_sub(1),
        Some(Action::HalfPageDown) => selected + half,
        Some(Action::HalfPageUp) => selected.saturating_sub(half),
        Some(Action::PageDown | Action::ReadOn) => selected + height.max(1),
        Some(Action::PageUp | Action::ReadBack) => selected.saturating_sub(height.max(1)),
        Some(Action::Top) => 0,
        Some(Action::Bottom) => last,
        _ => selected,
    };
    moved.min(last)
}

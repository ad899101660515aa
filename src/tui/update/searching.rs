//! Searching as one types. The operators are the store's to understand.

use crossterm::event::{KeyCode, KeyEvent};

use crate::tui::{
    effect::Effect,
    event::Event,
    model::{Focus, Model, Search, line::Line},
};

use super::{Effects, listing};

/// Begins a search, or goes on typing the one that is shown.
pub fn begin(model: &mut Model) {
    if model.focus == Focus::Page {
        listing::enter(model);
    }
    match &mut model.search {
        Some(search) => search.editing = true,
        None => {
            let row = model.list.selected().unwrap_or(0);
            let on_screen = row.saturating_sub(model.list.top());
            model.search = Some(Search {
                editing: true,
                before: model.list.selected_slot().map(|slot| (slot, on_screen)),
                ..Search::default()
            });
        }
    }
}

/// Shows what a search of the settings finds, in its mailbox.
pub fn saved(model: &mut Model, number: usize, out: &mut Effects) {
    let Some(search) = model.saved.get(number).cloned() else {
        return;
    };
    if let Some(name) = &search.mailbox {
        let place = model
            .mailboxes
            .iter()
            .position(|mailbox| *mailbox.name == **name);
        match place {
            Some(place) if place != model.open.0 => listing::open(model, place, out),
            Some(_) => {}
            None => {
                model.say(&format!("no mailbox is named {name}"));
                return;
            }
        }
    }
    show(model, &search.query, out);
}

/// Shows what a query finds, as if it had been typed and kept.
pub fn show(model: &mut Model, query: &str, out: &mut Effects) {
    end(model);
    begin(model);
    if let Some(search) = &mut model.search {
        search.line = Line::new(query);
        search.editing = false;
    }
    ask(model, out);
}

/// Asks once more, as when notices have come that could not be found before.
pub fn again(model: &mut Model, out: &mut Effects) {
    if model.search.as_ref().is_some_and(|search| !search.editing) {
        ask(model, out);
    }
}

/// A key while one types.
pub fn key(model: &mut Model, key: &KeyEvent, out: &mut Effects) {
    match key.code {
        KeyCode::Esc => end(model),
        KeyCode::Enter => keep(model),
        KeyCode::Up => recall(model, true, out),
        KeyCode::Down => recall(model, false, out),
        _ => {
            let changed = model
                .search
                .as_mut()
                .is_some_and(|search| search.line.key(key));
            if changed {
                ask(model, out);
            }
        }
    }
}

/// Text was pasted while one types.
pub fn paste(model: &mut Model, text: &str, out: &mut Effects) {
    if let Some(search) = &mut model.search {
        search.line.paste(text);
        ask(model, out);
    }
}

/// A search ended. The answer to what was typed before is of no interest any more.
pub fn found(model: &mut Model, event: Event) {
    let Event::Found {
        mailbox,
        query,
        result,
        words,
        searched,
    } = event
    else {
        return;
    };
    let Some(search) = &mut model.search else {
        return;
    };
    if mailbox != model.open || search.line.text().trim() != query {
        return;
    }
    search.searched = searched;
    match result {
        Ok(answer) => {
            search.wrong = None;
            search.words = words;
            model.list.show_found(&answer);
        }
        // What was found before stays while one goes on typing.
        Err(wrong) => search.wrong = Some(wrong),
    }
}

/// Ends the search: all is listed again, and what was selected before is so again.
pub fn end(model: &mut Model) {
    let Some(search) = model.search.take() else {
        return;
    };
    model.list.end_search();
    if let Some((slot, on_screen)) = search.before {
        let height = model.list_height();
        model.list.select_at(slot, on_screen, height);
    }
}

/// Keeps what was found, to browse it.
fn keep(model: &mut Model) {
    let is_empty = model
        .search
        .as_ref()
        .is_none_or(|search| search.line.is_empty());
    if is_empty {
        return end(model);
    }
    if let Some(search) = &mut model.search {
        search.editing = false;
        let query = search.line.text().to_owned();
        remember(model, &query);
    }
}

/// Asks for what is typed now.
fn ask(model: &mut Model, out: &mut Effects) {
    let Some(search) = &mut model.search else {
        return;
    };
    let query = search.line.text().trim().to_owned();
    if query.is_empty() {
        search.wrong = None;
        search.words.clear();
        model.list.end_search();
        return;
    }
    out.push(Effect::Search {
        mailbox: model.open,
        query,
    });
}

/// An earlier search, or a later one.
fn recall(model: &mut Model, is_back: bool, out: &mut Effects) {
    let Some(search) = &mut model.search else {
        return;
    };
    let count = model.searched.len();
    let recalled = match is_back {
        true => (search.recalled + 1).min(count),
        false => search.recalled.saturating_sub(1),
    };
    if recalled == search.recalled {
        return;
    }
    search.recalled = recalled;
    let text = match recalled {
        0 => "",
        recalled => &model.searched[count - recalled],
    };
    search.line = Line::new(text);
    ask(model, out);
}

fn remember(model: &mut Model, query: &str) {
    let query = query.trim();
    if query.is_empty() {
        return;
    }
    model.searched.retain(|earlier| earlier != query);
    model.searched.push(query.to_owned());
    if model.searched.len() > MOST_SEARCHES {
        model.searched.remove(0);
    }
}

/// Nobody goes back further than this.
const MOST_SEARCHES: usize = 50;

//! What stands where there are no rows: an empty mailbox, a filter or a search that lets nothing through.

use crate::{
    notice::{shown::Shown, text},
    tui::{
        action::{Action, Mode},
        compose,
        layout::Area,
        model::{Model, Search, health, list::Filter},
        theme::Role,
    },
};

use super::super::pen::Pen;

/// Says why there is nothing in the list.
pub fn draw(model: &Model, area: Area, rows: Area, pen: &mut Pen) {
    if let Some(search) = &model.search {
        if search.editing {
            below_matches(
                model,
                search,
                Area {
                    y: rows.y + 1,
                    rows: 1,
                    ..rows
                },
                pen,
            );
        }
        return;
    }
    if !model.list.begun {
        return;
    }
    let (title, words) = match model.list.len() {
        0 => ("No notices yet.", empty(model)),
        _ => filtered(model),
    };
    let left = 8.min(area.columns / 8);
    let columns = area.columns.saturating_sub(2 * left);
    let lines = compose::wrap(
        &words,
        usize::from(columns.min(64)),
        usize::from(columns.min(64)),
    );
    let keys = match model.list.len() {
        0 => keys(model),
        _ => Shown::default(),
    };
    let keys = whole_hints(keys, usize::from(columns));
    let needed = 4 + u16::try_from(lines.len()).unwrap_or(0);
    // A third of the way down, as in a letter.
    let mut y = area.y + area.rows.saturating_sub(needed) * 3 / 7;
    let mut put = |words: &Shown, role, skip: u16| {
        if y < area.bottom() {
            pen.put_cut(area.x + left, y, columns, words, role);
        }
        y += 1 + skip;
    };
    put(&Shown::from_static(title), Role::Bar, 1);
    let last = lines.len().saturating_sub(1);
    for (place, line) in lines.iter().enumerate() {
        put(&Shown::text(line), Role::Text, u16::from(place == last));
    }
    put(&keys, Role::Muted, 0);
}

/// `Matches are underlined. Body text is searched too (128 of 128 saved here).`
pub fn below_matches(model: &Model, search: &Search, line: Area, pen: &mut Pen) {
    let list = &model.list;
    if !list.is_found() || line.y >= model.size.rows.saturating_sub(2) {
        return;
    }
    let of = list.len().max(list.kept as usize);
    let words = format!(
        "Matches are underlined. Body text is searched too ({} of {of} saved here).",
        search.searched
    );
    let words = Shown::text(&words);
    pen.put_cut(
        line.x + 3,
        line.y,
        line.columns.saturating_sub(3),
        &words,
        Role::Muted,
    );
}

fn empty(model: &Model) -> String {
    let mailbox = model.mailbox();
    let every = match mailbox.check_every.as_secs() {
        60 => "minute".to_owned(),
        _ => health::length(mailbox.check_every),
    };
    let checked = mailbox
        .last_done
        .map(|at| model.clock.moment(at))
        .map(|at| format!("Checked {at}: the mailbox is empty. "));
    let checked = checked.unwrap_or_default();
    let is_stopped = mailbox
        .last
        .as_ref()
        .is_some_and(|last| !last.outcome.is_done() && last.next.is_none());
    if is_stopped {
        return format!("{checked}Checks have stopped: the line below says why.");
    }
    format!("{checked}tidings checks every {every} and will show new notices here as they arrive.")
}

fn filtered(model: &Model) -> (&'static str, String) {
    let title = match model.list.filter() {
        Filter::All => "No notices.",
        Filter::Unread => "All read.",
        Filter::Starred => "No notice is starred.",
        Filter::Withdrawn => "No notice was withdrawn.",
        Filter::Important => "No notice is important.",
    };
    let all = model.list.len();
    let words = match model.keymap.key(Mode::List, Action::Filter) {
        Some(key) => format!("`{key}` shows all {all}."),
        None => format!("`:all` shows all {all}."),
    };
    (title, words)
}

/// As many of the hints as there is room for.
fn whole_hints(hints: Shown, columns: usize) -> Shown {
    let mut hints: &str = &hints;
    while text::width(hints) > columns {
        hints = hints.rsplit_once("     ").map_or("", |(rest, _)| rest);
    }
    Shown::text(hints)
}

/// `r check now     m other mailboxes     a activity`
fn keys(model: &Model) -> Shown {
    let offered = [
        (Action::Check, "check now"),
        (Action::Mailboxes, "other mailboxes"),
        (Action::Activity, "activity"),
    ];
    let hints = offered
        .iter()
        .filter_map(|(action, does)| Some((model.keymap.key(Mode::List, *action)?, does)));
    let hints: Vec<String> = hints.map(|(key, does)| format!("{key} {does}")).collect();
    Shown::text(&hints.join("     "))
}

//! The line above the list: which notices these are, and what is new above them; or the search.

use crate::{
    notice::{shown::Shown, text},
    tui::{
        action::{Action, Mode},
        layout::{Area, Panes, Shape},
        model::{Model, Search, list::Filter},
        theme::Role,
    },
};

use super::super::{pen::Pen, sender::short_name};

/// Draws the line above the list, if there is one.
pub fn draw(model: &Model, area: Area, panes: &Panes, pen: &mut Pen) {
    let is_vacant = model.list.begun && model.list.len() == 0 && model.search.is_none();
    if panes.rows.y == area.y || is_vacant {
        return;
    }
    match (&model.search, banner(model, panes)) {
        (Some(search), _) => searching(model, search, area, panes, pen),
        (None, Some(words)) => {
            let mut room = area.columns.saturating_sub(2);
            if let Some(words) = remark(model) {
                let start = pen.put_end(area.right() - 1, area.y, &words, Role::Accent);
                room = start.saturating_sub(area.x + 3);
            }
            pen.put_cut(area.x + 1, area.y, room, &words, Role::Important);
        }
        (None, None) => plain(model, area, panes, pen),
    }
}

/// ` All · 128 notices · 3 unread · newest first          ▲ 2 new above, g`
fn plain(model: &Model, area: Area, panes: &Panes, pen: &mut Pen) {
    let mut room = area.columns.saturating_sub(2);
    if let Some(words) = remark(model) {
        let start = pen.put_end(area.right() - 1, area.y, &words, Role::Accent);
        room = start.saturating_sub(area.x + 3);
    }
    let mut x = area.x + 1;
    let end = x + room;
    for (place, part) in parts(model, panes).into_iter().enumerate() {
        let gap = if place > 0 { 3 } else { 0 };
        if x + gap + u16::try_from(pen.columns(&part)).unwrap_or(room) > end {
            break;
        }
        if place > 0 {
            x = pen.put(x, area.y, gap, " · ", Role::Muted);
        }
        let role = if place == 0 { Role::Bar } else { Role::Muted };
        x = pen.put(x, area.y, end - x, &part, role);
    }
}

fn parts(model: &Model, panes: &Panes) -> Vec<Shown> {
    let filter = model.list.filter();
    let newest = Shown::from_static("newest first");
    let name = Shown::from_static(filter.name());
    if panes.shape != Shape::Beside {
        return vec![name, newest];
    }
    let count = model.list.position().1;
    let counted = match count {
        1 => "1 notice".to_owned(),
        count => format!("{count} notices"),
    };
    let mut parts = vec![name, Shown::text(&counted)];
    if filter == Filter::All {
        let unread = model.list.counts().unread;
        parts.push(Shown::text(&format!("{unread} unread")));
    }
    parts.push(newest);
    parts
}

/// `▲ 2 new above, g`, or how far the first check has come.
fn remark(model: &Model) -> Option<Shown> {
    let progress = model.mailbox().progress;
    if let Some(progress) = progress.filter(|progress| progress.is_first) {
        let words = format!("first sync: {} of {}", progress.fetched, progress.of);
        return Some(Shown::text(&words));
    }
    match model.list.above() {
        0 => None,
        above => {
            let key = model.keymap.key(Mode::List, Action::Top);
            let key = key.map(|key| format!(", {key}")).unwrap_or_default();
            let mark = if model.look.accessible { "" } else { "▲ " };
            Some(Shown::text(&format!("{mark}{above} new above{key}")))
        }
    }
}

/// `! Priya N: Build cluster maintenance … · Enter read · x dismiss`: only while the notice itself
/// is not on the screen.
fn banner(model: &Model, panes: &Panes) -> Option<Shown> {
    let headline = model.list.headline(model.banner_slot()?);
    let hint = |action, does: &str| {
        let key = model.keymap.key(Mode::List, action)?;
        Some(format!(" · {key} {does}"))
    };
    let read = match model.is_untouched {
        true => hint(Action::Open, "read"),
        false => None,
    };
    let end = [read, hint(Action::Dismiss, "dismiss")];
    let end: String = end.into_iter().flatten().collect();
    let filter = match model.list.filter() {
        Filter::All => String::new(),
        filter => format!("{} · ", filter.name()),
    };
    let start = format!("{filter}! {}: {}", short_name(headline), headline.subject);
    let beside = remark(model).map_or(0, |words| text::width(&words) + 3);
    let room = usize::from(panes.rows.columns).saturating_sub(3 + beside + text::width(&end));
    Some(Shown::text(&format!("{}{end}", text::cut_to(&start, room))))
}

/// ` Search: from:priya maint_                 3 of 128, live`, and below it what may be typed.
fn searching(model: &Model, search: &Search, area: Area, panes: &Panes, pen: &mut Pen) {
    let (y, end) = (area.y, area.right());
    let of = model.list.len().max(model.list.kept as usize);
    let found = model.list.rows().len();
    let count = match (&search.wrong, model.list.is_found(), search.editing) {
        (Some(wrong), _, _) => wrong.clone(),
        (None, false, _) => Shown::text(&format!("{of} notices")),
        (None, true, _) if found == 0 => Shown::from_static("nothing found"),
        (None, true, true) => Shown::text(&format!("{found} of {of}, live")),
        (None, true, false) => Shown::text(&format!("{found} of {of}")),
    };
    let role = if search.wrong.is_some() {
        Role::Error
    } else {
        Role::Muted
    };
    let columns = u16::try_from(pen.columns(&count)).unwrap_or(area.columns);
    let count_fits = columns + 20 <= area.columns;
    let room = if count_fits {
        area.columns - columns - 2
    } else {
        area.columns
    };
    if count_fits {
        pen.put_end(end, y, &count, role);
    }
    let x = pen.put(area.x + 1, y, room, "Search: ", Role::Bar);
    line(search, x, y, (area.x + room).saturating_sub(x), pen);
    if let Some(wrong) = search.wrong.as_ref().filter(|_| !count_fits) {
        // What is wrong is never left out: below the search, or else in its place.
        let y = if panes.rows.y > y + 1 { y + 1 } else { y };
        pen.wipe(Area { y, rows: 1, ..area });
        pen.put_cut(area.x + 1, y, area.columns - 1, wrong, role);
    } else if search.editing && panes.rows.y > y + 1 {
        let words = "words · from: subject: is:unread has:file after:2026-11-01 \"exact phrase\"";
        pen.put_cut(area.x + 1, y + 1, area.columns - 1, words, Role::Muted);
    }
}

fn line(search: &Search, x: u16, y: u16, columns: u16, pen: &mut Pen) {
    if search.editing {
        super::super::overlays::field::line(&search.line, x, y, columns, pen);
    } else {
        let (before, after) = search.line.shown();
        pen.put_cut(x, y, columns, before.push(&after), Role::Text);
    }
}

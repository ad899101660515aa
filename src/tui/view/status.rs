//! The status line and the hints below it.

use crate::{
    notice::{files, shown::Shown},
    tui::{
        action::{Action, Mode},
        compose,
        layout::{Area, Panes, Shape},
        model::{Focus, Message, Model, Room, health::Health, mailbox::Progress},
        theme::Role,
    },
};

use super::{
    hints::{Hint, offered},
    pen::Pen,
    sender::short_name,
};

/// Draws the status line and the hints.
pub fn draw(model: &Model, panes: &Panes, pen: &mut Pen) {
    line(model, panes, pen);
    offered::hints(model, panes).draw(panes.hints, model.size.columns, pen);
}

fn line(model: &Model, panes: &Panes, pen: &mut Pen) {
    let (y, columns) = (panes.status, model.size.columns);
    match &model.message {
        Some(Message::Word(words) | Message::Checking(words)) => {
            pen.put_cut(1, y, columns - 2, words, Role::Text);
            return;
        }
        Some(Message::Trouble(words)) => {
            let end = pen.put_end(columns - 1, y, dismissal(model), Role::Muted);
            pen.put_cut(1, y, end.saturating_sub(3), words, Role::Error);
            return;
        }
        None => {}
    }
    if let (Some(progress), Focus::List) = (model.progress(), model.focus) {
        return syncing(model, progress, y, pen);
    }
    let health = health(model);
    match (panes.shape, model.focus, &model.room) {
        (Shape::Narrow, Focus::List, _) => narrow(model, &health, y, pen),
        (Shape::Narrow | Shape::Single, Focus::Page, Room::Mail) => {
            reader(model, &health, panes, pen)
        }
        _ => list(model, &health, panes, pen),
    }
}

fn health(model: &Model) -> Health {
    if let Some(why) = &model.unsaved {
        return Health::unsaved(why);
    }
    if let Some(away) = model.mailbox().away {
        let since = model.clock.since(away.since);
        let mut words = format!("since {since}: {} new", away.new);
        if away.important > 0 {
            words += &format!(", {} important", away.important);
        }
        let words = Shown::text(&words);
        return Health {
            parts: vec![words.clone()],
            dispensable: None,
            brief: words.clone(),
            short: words,
            role: Role::Accent,
        };
    }
    Health::of(
        model.mailbox(),
        &model.clock,
        &model.keymap,
        model.look.still,
    )
}

/// ` ok · checked 14:05 · next 14:06          3 unread, 1 important · 128 on server`
fn list(model: &Model, health: &Health, panes: &Panes, pen: &mut Pen) {
    let columns = model.size.columns;
    let y = panes.status;
    if model.demo.is_some() {
        return demo(model, health, y, pen);
    }
    let (unread, server) = counts(model);
    if panes.shape == Shape::Beside {
        let promise = " · read-only: nothing is ever deleted";
        let right = Shown::text(&format!("{server}{promise}"));
        let start = pen.put_end(columns - 1, y, &right, Role::Muted);
        let room = start.saturating_sub(8 + u16::try_from(pen.columns(&unread)).unwrap_or(0));
        let end = put_health(health, y, room, pen);
        pen.put(
            end + 5,
            y,
            start.saturating_sub(end + 7),
            &unread,
            Role::Text,
        );
        return;
    }
    let fewest = Shown::text(&format!("{} unread", model.list.counts().unread));
    let both = Shown::text(&format!("{unread} · {server}"));
    // How the mailbox is comes first; of the counts as much as fits beside it.
    let all = extent(health.parts.iter(), pen);
    let less = extent(health.indispensable(), pen);
    let fits = |right: &Shown, left| left + pen.columns(right) + 3 < usize::from(columns);
    let mut room = columns - 2;
    let rights = [&both, &unread, &fewest];
    let right = rights.into_iter().find(|right| fits(right, all));
    if let Some(right) = right.or_else(|| Some(&fewest).filter(|right| fits(right, less))) {
        let start = pen.put_end(columns - 1, y, right, Role::Text);
        room = start.saturating_sub(3);
    }
    put_health(health, y, room, pen);
}

/// Draws as many parts as there is room for. Returns the column after them.
fn put_health(health: &Health, y: u16, room: u16, pen: &mut Pen) -> u16 {
    let end = 1 + room;
    let mut x = 1;
    let parts: Vec<&Shown> = match extent(health.parts.iter(), pen) > usize::from(room) {
        true => health.indispensable().collect(),
        false => health.parts.iter().collect(),
    };
    for (place, part) in parts.into_iter().enumerate() {
        let role = if place == 0 { health.role } else { Role::Muted };
        if place == 0 {
            x = pen.put_cut(x, y, room, part, role);
            continue;
        }
        if usize::from(x) + 3 + pen.columns(part) > usize::from(end) {
            break;
        }
        x = pen.put(x, y, 3, " · ", Role::Muted);
        x = pen.put(x, y, end - x, part, role);
    }
    x
}

/// The columns of parts with what stands between them.
fn extent<'a>(parts: impl Iterator<Item = &'a Shown>, pen: &Pen) -> usize {
    parts
        .map(|part| pen.columns(part) + 3)
        .sum::<usize>()
        .saturating_sub(3)
}

fn counts(model: &Model) -> (Shown, Shown) {
    let counts = model.list.counts();
    let unread = match counts.important {
        0 => format!("{} unread", counts.unread),
        important => format!("{} unread, {important} important", counts.unread),
    };
    let server = match model.mailbox().on_server {
        Some(count) => format!("{count} on server"),
        None => format!("{} saved", model.list.len().max(model.list.kept as usize)),
    };
    (Shown::text(&unread), Shown::text(&server))
}

/// ` Priya N · ok, next 14:06      3 unread`
fn narrow(model: &Model, health: &Health, y: u16, pen: &mut Pen) {
    let columns = model.size.columns;
    let unread = Shown::text(&format!("{} unread", model.list.counts().unread));
    if health.role == Role::Error {
        // What can be done about it comes before what can be read in the header too.
        let needed = extent(health.indispensable().take(2), pen);
        let parts: Vec<&Shown> = health.indispensable().take(2).collect();
        if let [what, next] = parts.as_slice() {
            let room = columns - 2;
            let beside = u16::try_from(pen.columns(next) + 3).unwrap_or(room);
            let what = what.cut_to(usize::from(room.saturating_sub(beside)));
            let x = pen.put(1, y, room, &what, health.role);
            let x = pen.put(x, y, 3, " · ", Role::Muted);
            pen.put(x, y, columns.saturating_sub(x + 1), *next, Role::Muted);
            if needed + pen.columns(&unread) + 4 < usize::from(columns) {
                pen.put_end(columns - 1, y, &unread, Role::Text);
            }
            return;
        }
    }
    let start = pen.put_end(columns - 1, y, &unread, Role::Text);
    let sender = model.list.selected_headline().map(short_name);
    let room = start.saturating_sub(2);
    let mut x = 1;
    if let Some(sender) = sender {
        let both = pen.columns(&sender) + 3 + pen.columns(&health.short);
        if both <= usize::from(room) {
            x = pen.put(x, y, room, &sender, Role::Text);
            x = pen.put(x, y, 3, " · ", Role::Muted);
        }
    }
    pen.put_cut(
        x,
        y,
        (room + 1).saturating_sub(x),
        &health.short,
        health.role,
    );
}

/// ` 1 of 128 · 62%                          ● 2 more unread · ok, next check 14:06`
fn reader(model: &Model, health: &Health, panes: &Panes, pen: &mut Pen) {
    let Some(page) = &model.page else { return };
    let (columns, y) = (model.size.columns, panes.status);
    let composed = compose::page(model, page, panes);
    let percent = page.percent(compose::height(&composed, panes), composed.total());
    let (place, of) = model.list.position();
    let left = Shown::text(&format!("{place} of {of} · {percent}%"));
    let x = pen.put(1, y, columns - 2, &left, Role::Text);
    if panes.shape == Shape::Narrow {
        let room = columns.saturating_sub(x + 3);
        let short = health.short.cut_to(usize::from(room));
        pen.put_end(columns - 1, y, &short, health.role);
        return;
    }
    let own = u32::from(model.list.is_unread(page.slot));
    let more = model.list.counts().unread.saturating_sub(own);
    let start = columns - 1;
    let room = usize::from(start.saturating_sub(x + 3));
    let words = format!("{more} more unread");
    let all = 2 + words.len() + 3 + pen.columns(&health.brief);
    if more == 0 || all > room {
        let brief = health.brief.cut_to(room);
        pen.put_end(start, y, &brief, health.role);
        return;
    }
    let start = pen.put_end(start, y, &health.brief, health.role);
    let start = pen.put_end(start, y, " · ", Role::Muted);
    let start = pen.put_end(start, y, Shown::text(&words), Role::Text);
    pen.put_end(start, y, "● ", Role::Accent);
}

/// ` ok · checked 0:14 · next 0:17   S send a notice   B break the server   P pause`
fn demo(model: &Model, health: &Health, y: u16, pen: &mut Pen) {
    let columns = model.size.columns;
    let Some(demo) = &model.demo else { return };
    let server = if demo.is_broken {
        "mend the server"
    } else {
        "break the server"
    };
    let pause = if demo.is_paused { "go on" } else { "pause" };
    let offered = [
        (Action::DemoSend, "send a notice"),
        (Action::DemoBreak, server),
        (Action::DemoPause, pause),
    ];
    let mut start = columns - 1;
    for (action, does) in offered.iter().rev() {
        let hint = Hint::at(&model.keymap, Mode::Demo, &[*action], does);
        let Some(key) = hint.key else { continue };
        let needed = u16::try_from(pen.columns(&key) + 1 + does.len()).unwrap_or(columns);
        let first = u16::try_from(pen.columns(&health.parts[0])).unwrap_or(columns);
        if start < needed + first + 4 {
            break;
        }
        let x = start - needed;
        let end = pen.put(x, y, needed, &key, Role::Accent);
        pen.put(end + 1, y, needed, *does, Role::Muted);
        start = x.saturating_sub(3);
    }
    put_health(health, y, start.saturating_sub(1), pen);
}

/// ` syncing [#########.......] 74 of 128, 1.8 of 3.1 MB          Esc hide progress`
fn syncing(model: &Model, progress: Progress, y: u16, pen: &mut Pen) {
    let columns = model.size.columns;
    let start = pen.put_end(columns - 1, y, "Esc hide progress", Role::Muted);
    pen.put(start, y, 3, "Esc", Role::Accent);
    let of = progress.of.max(1);
    let done = usize::try_from(u64::from(progress.fetched) * BAR / u64::from(of)).unwrap_or(0);
    let bar = match model.look.still {
        true => String::new(),
        false => format!("[{:.<width$}] ", "#".repeat(done), width = BAR as usize),
    };
    let mut words = format!("syncing {bar}{} of {}", progress.fetched, progress.of);
    let megabytes = format!(
        ", {} of {}",
        files::size_text(progress.octets).trim_end_matches(" MB"),
        files::size_text(progress.of_octets)
    );
    if words.len() + megabytes.len() + 4 < usize::from(start) {
        words += &megabytes;
    }
    pen.put_cut(1, y, start.saturating_sub(3), Shown::text(&words), Role::Ok);
}

/// `You can read while this runs. …`
pub fn first_check(area: Area, pen: &mut Pen) {
    let room = area.columns.saturating_sub(3);
    let lines = [
        "You can read while this runs. Notices older than 14 days start as read;",
        "change that any time with  : catch up .",
    ];
    for (y, line) in (area.y + 1..).zip(lines) {
        pen.put_cut(area.x + 3, y, room, line, Role::Muted);
    }
}

fn dismissal(model: &Model) -> Shown {
    match model.keymap.key(Mode::List, Action::Dismiss) {
        Some(key) => Shown::text(&format!("{key} dismiss")),
        None => Shown::from_static("Esc dismiss"),
    }
}

/// The progress bar's columns.
const BAR: u64 = 16;

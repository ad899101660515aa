//! The activity view: every check, and how it went.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    notice::{shown::Shown, when},
    poll::report::{Outcome, Summary, grouped},
    tui::{
        layout::{Area, Panes},
        look::Clock,
        model::{
            Model,
            activity::{Activity, note},
        },
        theme::Role,
    },
};

use super::{frame, pen::Pen};

/// Draws the activity view.
pub fn draw(model: &Model, activity: &Activity, panes: &Panes, pen: &mut Pen) {
    frame::rules(
        &Panes {
            divider: None,
            between: None,
            ..*panes
        },
        pen,
    );
    let area = panes.content;
    let mailbox = model.mailbox();
    let right = area.right() - 1;
    let day = Shown::text(&day(mailbox.checks.iter(), model.clock.now));
    let start = pen.put_end(right, area.y, &day, Role::Muted);
    let filter = if activity.errors_only {
        " · errors only"
    } else {
        ""
    };
    let title = format!("Activity · {}{filter}", mailbox.name);
    pen.put_cut(
        1,
        area.y,
        start.saturating_sub(2),
        Shown::text(&title),
        Role::Bar,
    );
    let rows = rows(panes);
    if rows.rows == 0 {
        return;
    }
    for (x, words) in [
        (1, "time"),
        (11, "result"),
        (23, "took"),
        (31, "new"),
        (36, "note"),
    ] {
        pen.put(
            x,
            rows.y - 1,
            area.columns.saturating_sub(x),
            words,
            Role::Muted,
        );
    }
    let listed: Vec<&Summary> = activity
        .listed(&mailbox.checks)
        .skip(activity.top)
        .take(usize::from(rows.rows) + 1)
        .collect();
    if listed.is_empty() {
        let words = match activity.errors_only && !mailbox.checks.is_empty() {
            true => "No failed checks.",
            false => "No checks yet.",
        };
        pen.put(1, rows.y, area.columns - 1, words, Role::Muted);
    }
    for (place, check) in listed.iter().take(usize::from(rows.rows)).enumerate() {
        let y = rows.y + u16::try_from(place).unwrap_or(0);
        let is_latest = activity.top + place == 0 && !activity.errors_only;
        let note = note(check, listed.get(place + 1).copied(), is_latest);
        row(check, &note, &model.clock, Area { y, rows: 1, ..rows }, pen);
        if activity.top + place == activity.selected {
            pen.glyph(0, y, ">", Role::Accent);
            pen.tint(Area { y, rows: 1, ..rows }, Role::Selection);
            pen.park(0, y);
        }
    }
}

/// The rows of the table.
pub fn rows(panes: &Panes) -> Area {
    panes.content.below(3)
}

/// `14:05:12  ok          184 ms  0    128 on server`
fn row(check: &Summary, note: &str, clock: &Clock, line: Area, pen: &mut Pen) {
    let end = line.right();
    let mut put = |x: u16, columns: u16, words: &Shown, role| {
        pen.put_cut(x, line.y, end.saturating_sub(x).min(columns), words, role);
    };
    put(1, 9, &time(check.at, clock), Role::Muted);
    let role = match check.outcome {
        Outcome::Done => Role::Ok,
        Outcome::Busy { .. } | Outcome::ToldToWait { .. } | Outcome::Cancelled => Role::Text,
        Outcome::Unreachable { .. } => Role::Warn,
        _ => Role::Error,
    };
    put(11, 11, &Shown::from_static(check.outcome.word()), role);
    let is_reached = !matches!(check.outcome, Outcome::Unreachable { .. });
    let took = if is_reached {
        took(check.took)
    } else {
        "-".to_owned()
    };
    put(23, 7, &Shown::text(&took), Role::Text);
    let new = match check.outcome {
        Outcome::Done => check.new.to_string(),
        _ if check.new > 0 => check.new.to_string(),
        _ => "-".to_owned(),
    };
    put(31, 4, &Shown::text(&new), Role::Text);
    put(36, u16::MAX, &Shown::text(note), Role::Text);
}

/// The time of a check: with seconds today, the day before that.
fn time(at: Timestamp, clock: &Clock) -> Shown {
    let day = |at: Timestamp| at.to_zoned(clock.zone.clone()).date();
    match clock.began.is_some() || day(at) == day(clock.now) {
        true => clock.second(at),
        false => when::since(at, clock.now, &clock.zone),
    }
}

/// `184 ms`, `2.1 s`, `3 min`
pub fn took(time: Duration) -> String {
    match time.as_millis() {
        ms @ 0..1_000 => format!("{ms} ms"),
        ms @ 1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        ms => format!("{} min", ms / 60_000),
    }
}

/// `24 h: 1 380 checks, 99.4% ok`. A busy server is no failure.
fn day<'a>(checks: impl Iterator<Item = &'a Summary>, now: Timestamp) -> String {
    let day = Duration::from_secs(86_400);
    let of_day: Vec<&Summary> = checks.take_while(|check| check.at > now - day).collect();
    let count = of_day.len();
    let ok = of_day
        .iter()
        .filter(|check| check.outcome.is_done())
        .count();
    if count == 0 {
        return "24 h: no checks".to_owned();
    }
    let per_mille = ok * 1_000 / count;
    let share = match per_mille {
        1_000 => "100".to_owned(),
        _ => format!("{}.{}", per_mille / 10, per_mille % 10),
    };
    let s = if count == 1 { "" } else { "s" };
    format!("24 h: {} check{s}, {share}% ok", grouped(count))
}

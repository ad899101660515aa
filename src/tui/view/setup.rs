//! The first-run setup, with its live connection test.

use crate::{
    config::{Age, Tls},
    notice::shown::Shown,
    tui::{
        effect::Keep,
        layout::{Area, Panes, Shape},
        model::{
            Message, Model,
            form::{Field, Form},
            line::Line,
        },
        setup::{Step, StepResult},
        theme::Role,
    },
};

use super::{
    hints::{Hint, Hints},
    overlays,
    pen::Pen,
};

mod trial;

/// Draws the setup.
pub fn draw(model: &Model, form: &Form, panes: &Panes, pen: &mut Pen) {
    let columns = model.size.columns;
    let x = pen.put(1, 0, columns - 1, "tidings", Role::Bar) + 3;
    pen.put(
        x,
        0,
        columns.saturating_sub(x),
        "first-time setup",
        Role::Muted,
    );
    if panes.shape != Shape::Narrow {
        // In a field `?` is a letter.
        let start = pen.put_end(columns - 1, 0, "F1 help", Role::Muted);
        pen.put(start, 0, 2, "F1", Role::Accent);
        pen.rule(0, 1, columns);
    }
    let content = panes.content.above(1);
    let lines = all_lines(form, columns);
    let (top, overflow) = window(&lines, form, panes);
    let top = top.saturating_add_signed(form.scrolled).min(overflow);
    for (y, line) in (content.y..panes.status).zip(lines.iter().skip(top)) {
        let area = Area {
            y,
            rows: 1,
            ..content
        };
        (line.draw)(area, pen);
    }
    status(model, form, overflow > 0, panes, pen);
}

fn all_lines(form: &Form, columns: u16) -> Vec<FormLine<'_>> {
    match form.asks_age {
        true => ages(form),
        false => fields(form, columns),
    }
}

/// The first line on the screen so that the one with the cursor is there, and as much else as there is
/// room for; and how many lines there is no room for.
fn window(lines: &[FormLine], form: &Form, panes: &Panes) -> (usize, usize) {
    let height = usize::from(panes.status.saturating_sub(panes.content.y));
    let focus = lines.iter().position(|line| line.has_focus).unwrap_or(0);
    let tests = if form.steps.is_empty() {
        0
    } else {
        height.min(lines.len()).min(10)
    };
    let wanted = (focus + 1 + tests / 2).min(lines.len());
    let overflow = lines.len().saturating_sub(height);
    (wanted.saturating_sub(height).min(overflow), overflow)
}

/// How far the form can be scrolled, up and down, from where the cursor's field is in view.
pub fn reach(form: &Form, columns: u16, panes: &Panes) -> (isize, isize) {
    let (top, overflow) = window(&all_lines(form, columns), form, panes);
    let signed = |lines: usize| isize::try_from(lines).unwrap_or(isize::MAX);
    (-signed(top), signed(overflow - top))
}

/// A line of the form, and how it is drawn.
struct FormLine<'a> {
    has_focus: bool,
    draw: Draw<'a>,
}

type Draw<'a> = Box<dyn Fn(Area, &mut Pen) + 'a>;

impl<'a> FormLine<'a> {
    fn new(has_focus: bool, draw: impl Fn(Area, &mut Pen) + 'a) -> FormLine<'a> {
        FormLine {
            has_focus,
            draw: Box::new(draw),
        }
    }

    fn gap() -> FormLine<'a> {
        FormLine::new(false, |_, _| {})
    }

    fn words(x: u16, words: Shown, role: Role) -> FormLine<'a> {
        FormLine::new(false, move |area, pen| {
            pen.put_cut(x, area.y, area.columns.saturating_sub(x), &words, role);
        })
    }
}

/// With fewer columns each field has a line of its own.
const NARROW: u16 = 78;

fn fields(form: &Form, columns: u16) -> Vec<FormLine<'_>> {
    let is_narrow = columns < NARROW;
    let mut lines = vec![FormLine::gap()];
    let at = |field: Field| form.field == field;
    let has = move |fields: &[Field]| fields.contains(&form.field);
    lines.push(FormLine::new(at(Field::Demo), move |area, pen| {
        let end = area.columns - 1;
        let button = "[ Just look around (demo) ]";
        let title = "Connect to your team's notices mailbox";
        let start = match is_narrow {
            true => end,
            false => self::button(button, end - 27, area.y, at(Field::Demo), pen),
        };
        pen.put_cut(3, area.y, start.saturating_sub(4), title, Role::Bar);
    }));
    if is_narrow {
        lines.push(FormLine::new(at(Field::Demo), move |area, pen| {
            button(
                "[ Just look around (demo) ]",
                5,
                area.y,
                at(Field::Demo),
                pen,
            );
        }));
    }
    lines.push(FormLine::gap());
    lines.push(FormLine::new(at(Field::TeamFile), move |area, pen| {
        team_file(form, area, pen);
    }));
    lines.push(FormLine::gap());
    lines.push(text("Mailbox", &form.address, at(Field::Address), 60));
    if is_narrow {
        lines.push(text("Server", &form.host, at(Field::Host), 60));
        lines.push(text("Port", &form.port, at(Field::Port), 6));
        lines.push(FormLine::new(at(Field::Tls), move |area, pen| {
            pen.put(5, area.y, 11, "Security", Role::Muted);
            value(tls(form.tls), 16, area.y, at(Field::Tls), pen);
        }));
    } else {
        let row = has(&[Field::Host, Field::Port, Field::Tls]);
        lines.push(FormLine::new(row, move |area, pen| {
            edit("Server", 5, 16, 25, &form.host, at(Field::Host), area, pen);
            edit("Port", 42, 48, 8, &form.port, at(Field::Port), area, pen);
            pen.put(57, area.y, 10, "Security", Role::Muted);
            value(tls(form.tls), 67, area.y, at(Field::Tls), pen);
        }));
    }
    lines.push(text("User", &form.user, at(Field::User), 60));
    lines.extend(secret(form, is_narrow));
    if form.keep != Keep::Command && is_narrow {
        // Where it stays stands in the field itself.
    } else if form.keep == Keep::Command {
        lines.push(text("Command", &form.command, at(Field::Command), 60));
    } else {
        lines.push(FormLine::words(
            16,
            Shown::from_static(match form.keep {
                Keep::File => "in a file that only you may read, beside the settings",
                Keep::Ask | Keep::Command => "nowhere: you type it at each start",
            }),
            Role::Muted,
        ));
    }
    lines.push(FormLine::gap());
    lines.extend(trial::lines(form, columns));
    lines
}

fn secret(form: &Form, is_narrow: bool) -> Vec<FormLine<'_>> {
    let at = |field: Field| form.field == field;
    let password = move |area: Area, pen: &mut Pen| {
        pen.put(5, area.y, 11, "Password", Role::Muted);
        let room = if is_narrow { 20 } else { 14 };
        let x = pen.put(16, area.y, room, form.password.masked(), Role::Text);
        if at(Field::Password) {
            overlays::field::cursor(x, area.y, pen);
        }
    };
    let keep = move |x: u16, area: Area, pen: &mut Pen| {
        pen.put(x, area.y, 11, "Keep it in", Role::Muted);
        let mut x = x + 12;
        for (keep, words) in [
            (Keep::Command, "command"),
            (Keep::File, "file"),
            (Keep::Ask, "ask"),
        ] {
            let dot = if form.keep == keep { "(•) " } else { "( ) " };
            let role = match (at(Field::Keep), form.keep == keep) {
                (true, true) => Role::Selection,
                (false, true) => Role::Text,
                (_, false) => Role::Muted,
            };
            x = pen.put(x, area.y, 4, dot, role);
            x = pen.put(x, area.y, 8, words, role) + 2;
        }
        if at(Field::Keep) {
            pen.park(x, area.y);
        }
    };
    match is_narrow {
        true => vec![
            FormLine::new(at(Field::Password), password),
            FormLine::new(at(Field::Keep), move |area, pen| {
                pen.put(5, area.y, 11, "Keep it", Role::Muted);
                let words = match form.keep {
                    Keep::Command => "by command",
                    Keep::File => "in a file",
                    Keep::Ask => "nowhere: ask",
                };
                value(words, 16, area.y, at(Field::Keep), pen);
            }),
        ],
        false => vec![FormLine::new(
            at(Field::Password) || at(Field::Keep),
            move |area, pen| {
                password(area, pen);
                keep(32, area, pen);
            },
        )],
    }
}

/// `  Have a team file?  [ Load tidings-team.toml ]     (only asks your password)`
fn team_file(form: &Form, area: Area, pen: &mut Pen) {
    let is_here = form.field == Field::TeamFile;
    let y = area.y;
    let end = area.columns;
    let x = pen.put(5, y, end - 5, "Have a team file?  ", Role::Text);
    let role = if is_here { Role::Accent } else { Role::Text };
    let x = pen.put(x, y, end.saturating_sub(x), "[ Load ", role);
    let x = match is_here {
        true => {
            let columns = u16::try_from(pen.columns(form.team_file.text())).unwrap_or(end) + 1;
            let columns = columns.min(end.saturating_sub(x + 3));
            overlays::field::line(&form.team_file, x, y, columns, pen);
            x + columns
        }
        false => {
            let name = Shown::text(form.team_file.text());
            pen.put_cut(x, y, end.saturating_sub(x + 2), &name, role)
        }
    };
    let x = pen.put(x, y, end.saturating_sub(x), " ]", role);
    let words = "     (only asks your password)";
    if usize::from(x) + words.len() <= usize::from(end) {
        pen.put(x, y, end - x, words, Role::Muted);
    }
}

/// The second step: which of the notices that are there already start as unread.
fn ages(form: &Form) -> Vec<FormLine<'_>> {
    let mut lines = vec![FormLine::gap()];
    let title = "Which of the notices that are there already start as unread?";
    lines.push(FormLine::words(3, Shown::from_static(title), Role::Bar));
    lines.push(FormLine::gap());
    for (age, words) in AGES {
        let is_chosen = *age == form.unread_since;
        lines.push(FormLine::new(is_chosen, move |area, pen| {
            let role = if is_chosen {
                Role::Selection
            } else {
                Role::Text
            };
            let dot = if is_chosen { "(•) " } else { "( ) " };
            let x = pen.put(5, area.y, 4, dot, role);
            pen.put_cut(x, area.y, area.columns.saturating_sub(x), *words, role);
            if is_chosen {
                pen.park(5, area.y);
            }
        }));
    }
    lines.push(FormLine::gap());
    let words = "Only for you: nobody on the team sees what you have read.";
    lines.push(FormLine::words(3, Shown::from_static(words), Role::Muted));
    lines
}

fn status(model: &Model, form: &Form, is_cut: bool, panes: &Panes, pen: &mut Pen) {
    let columns = model.size.columns;
    let failed = form.steps.iter().find_map(|step| match &step.result {
        StepResult::Failed { words, .. } => Some(words),
        _ => None,
    });
    match &model.message {
        Some(Message::Trouble(words)) => {
            pen.put_cut(1, panes.status, columns - 2, words, Role::Error);
        }
        Some(Message::Word(words) | Message::Checking(words)) => {
            pen.put_cut(1, panes.status, columns - 2, words, Role::Text);
        }
        None if is_cut && failed.is_some() => {
            let words = failed.map_or(String::new(), |words| format!("failed: {words}"));
            pen.put_cut(
                1,
                panes.status,
                columns - 2,
                Shown::text(&words),
                Role::Error,
            );
        }
        None => {
            let step = if form.asks_age {
                "Step 2 of 2"
            } else {
                "Step 1 of 2"
            };
            pen.put(1, panes.status, columns - 2, step, Role::Muted);
        }
    }
    let hints = match (form.asks_age, form.field) {
        (true, _) => vec![
            Hint::key("↑↓", "choose"),
            Hint::key("Enter", "save and open"),
        ],
        (false, Field::Demo) => vec![
            Hint::key("Tab", "next field"),
            Hint::key("Enter", "look around"),
        ],
        (false, Field::TeamFile) => vec![
            Hint::key("Tab", "next field"),
            Hint::key("Enter", "load the file"),
        ],
        (false, _) => vec![
            Hint::key("Tab", "next field"),
            Hint::key("F5", "test again"),
            Hint::key(
                "Enter",
                if is_sound(form) {
                    "go on"
                } else {
                    "go on anyway"
                },
            ),
        ],
    };
    let mut hints = hints;
    if is_cut && failed.is_some() {
        hints.insert(0, Hint::key("PgDn", "why"));
    }
    let quit = match (form.asks_age, model.mailboxes.is_empty()) {
        (true, _) => "one step back",
        (false, true) => "quit, save nothing",
        (false, false) => "back, save nothing",
    };
    let hints = Hints {
        first: hints,
        last: vec![Hint::key("Esc", quit)],
        gap: 2,
        is_flush: true,
    };
    hints.draw(panes.hints, columns, pen);
}

/// False once the test found that it does not work.
fn is_sound(form: &Form) -> bool {
    let failed = |step: &Step| matches!(step.result, StepResult::Failed { .. });
    !form.steps.iter().any(failed)
}

fn text<'a>(label: &'static str, line: &'a Line, has_focus: bool, columns: u16) -> FormLine<'a> {
    FormLine::new(has_focus, move |area, pen| {
        edit(label, 5, 16, columns, line, has_focus, area, pen);
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "a label and a value, each with its place"
)]
fn edit(
    label: &'static str,
    label_at: u16,
    value_at: u16,
    columns: u16,
    line: &Line,
    has_focus: bool,
    area: Area,
    pen: &mut Pen,
) {
    let room = area.columns.saturating_sub(value_at).min(columns);
    pen.put(label_at, area.y, value_at - label_at, label, Role::Muted);
    if has_focus {
        overlays::field::line(line, value_at, area.y, room, pen);
    } else {
        pen.put_cut(value_at, area.y, room, Shown::text(line.text()), Role::Text);
    }
}

fn button(words: &'static str, x: u16, y: u16, has_focus: bool, pen: &mut Pen) -> u16 {
    let role = if has_focus {
        Role::Selection
    } else {
        Role::Muted
    };
    pen.put(x, y, 27, words, role);
    x
}

fn value(words: &'static str, x: u16, y: u16, has_focus: bool, pen: &mut Pen) {
    let role = if has_focus {
        Role::Selection
    } else {
        Role::Text
    };
    pen.put(x, y, 12, words, role);
    if has_focus {
        pen.park(x, y);
    }
}

fn tls(tls: Tls) -> &'static str {
    match tls {
        Tls::Implicit => "TLS",
        Tls::Starttls => "STARTTLS",
        Tls::None => "none",
    }
}

/// What the second step offers.
pub const AGES: &[(Age, &str)] = &[
    (Age::All, "all of them"),
    (
        Age::Within(std::time::Duration::from_secs(14 * 86_400)),
        "those of the last 14 days",
    ),
    (Age::None, "none: only what comes from now on"),
];

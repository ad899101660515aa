//! The reader: who sent what when, the text, its links and files, and what was answered.

use ratatui::style::Modifier;

use crate::{
    notice::{Line, Run, Style},
    tui::{
        compose::{self, Composed, Row},
        layout::Panes,
        model::Model,
        theme::Role,
    },
};

use super::{
    list::underline,
    pen::{Ink, Pen},
};

/// Draws the notice in the reader.
pub fn draw(model: &Model, panes: &Panes, pen: &mut Pen) {
    let (Some(area), Some(page)) = (panes.page, &model.page) else {
        return;
    };
    let composed = compose::page(model, page, panes);
    let height = compose::height(&composed, panes);
    let (x, columns) = panes.text();
    let words = model
        .search
        .as_ref()
        .map_or(&[][..], |search| &search.words);
    for (y, place) in (area.y..).zip(page.scroll..composed.total().min(page.scroll + height)) {
        match part(&composed, place) {
            Part::Row(row) => put(row, x, y, columns, panes, pen),
            Part::Line(line) => {
                text(line, x, y, columns, pen);
                for run in line.runs.iter().filter(|_| !words.is_empty()) {
                    let before = line
                        .runs
                        .iter()
                        .take_while(|other| !std::ptr::eq(*other, run));
                    let before: usize = before.map(|run| pen.columns(&run.text)).sum();
                    let before = u16::try_from(before).unwrap_or(u16::MAX);
                    let room = columns.saturating_sub(before) + 1;
                    let role = ink(run).role;
                    underline(
                        &run.text,
                        words,
                        x.saturating_add(before),
                        y,
                        room,
                        role,
                        pen,
                    );
                }
            }
        }
    }
    if let Some(files) = &composed.pinned {
        put(files, x, area.bottom() - 1, columns, panes, pen);
    }
    if model.look.accessible {
        pen.park(x, area.y);
    }
}

enum Part<'a> {
    Row(&'a Row),
    Line(&'a Line),
}

fn part<'a>(composed: &'a Composed, place: usize) -> Part<'a> {
    let (head, body) = (composed.head.len(), composed.body.len());
    match place {
        place if place < head => Part::Row(&composed.head[place]),
        place if place < head + body => Part::Line(&composed.body[place - head]),
        place => Part::Row(&composed.tail[place - head - body]),
    }
}

fn put(row: &Row, x: u16, y: u16, columns: u16, panes: &Panes, pen: &mut Pen) {
    if row.is_rule {
        // Beside the list a rule goes on to the screen's edge but one.
        let beyond = if panes.divider.is_some() { 2 } else { 0 };
        pen.rule(x, y, columns + beyond);
    }
    for (at, text, role) in &row.pieces {
        pen.put_cut(x + at, y, columns.saturating_sub(*at), text, *role);
    }
    if let Some(right) = &row.right {
        let used = row
            .pieces
            .last()
            .map_or(0, |(at, text, _)| usize::from(*at) + pen.columns(text));
        if used + 2 + pen.columns(right) <= usize::from(columns) {
            pen.put_end(x + columns, y, right, Role::Muted);
        }
    }
}

fn text(line: &Line, x: u16, y: u16, columns: u16, pen: &mut Pen) {
    let end = x.saturating_add(columns);
    let mut x = x;
    for run in &line.runs {
        x = pen.put(x, y, end.saturating_sub(x), &run.text, ink(run));
    }
}

fn ink(run: &Run) -> Ink {
    let (role, add) = match run.style {
        Style::Text | Style::Code => (Role::Text, Modifier::empty()),
        Style::Strong => (Role::Text, Modifier::BOLD),
        Style::Emphasis => (Role::Text, Modifier::ITALIC),
        Style::Quote => (Role::Quote, Modifier::empty()),
        Style::Muted => (Role::Muted, Modifier::empty()),
        Style::Link => (Role::Link, Modifier::empty()),
    };
    let role = if run.link.is_some() { Role::Link } else { role };
    Ink { role, add }
}

//! The reader: who sent what when, the text, its links and files, and what was answered.

use ratatui::style::Modifier;

use crate::{
    notice::{Line, Run, Style, links::Link},
    tui::{
        compose::{self, Composed, Row},
        layout::{Area, Panes},
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
    let words = match &model.search {
        Some(search) => &search.words[..],
        None => &[],
    };
    let links = match &page.notice {
        Some(notice) => &notice.links[..],
        None => &[],
    };
    let drawing = Drawing {
        x,
        columns,
        words,
        links,
        panes,
    };
    for (y, place) in (area.y..).zip(page.scroll..composed.total().min(page.scroll + height)) {
        match part(&composed, place) {
            Part::Row(row) => drawing.row(row, y, pen),
            Part::Line(line) => drawing.line(line, y, pen),
        }
    }
    // What is drawn over a picture would stay on it: the terminal keeps what it has of one.
    let pictures = match model.overlay {
        Some(_) => &[],
        None => &page.pictures[..],
    };
    for placed in pictures {
        let start = composed.head.len() + placed.line;
        let end = start + usize::from(placed.picture.rows());
        let (first, last) = (start.max(page.scroll), end.min(page.scroll + height));
        let Some(rows) = last.checked_sub(first).and_then(in_rows) else {
            continue;
        };
        let (Some(above), Some(from)) = (in_rows(first - page.scroll), in_rows(first - start))
        else {
            continue;
        };
        let y = area.y.saturating_add(above);
        let place = Area {
            x,
            y,
            columns,
            rows,
        };
        pen.picture(&placed.picture, from, place);
    }
    if let Some(files) = &composed.pinned {
        drawing.row(files, area.bottom() - 1, pen);
    }
    if model.look.accessible {
        pen.park(x, area.y);
    }
}

fn in_rows(lines: usize) -> Option<u16> {
    u16::try_from(lines).ok()
}

/// What all lines of a page have in common.
struct Drawing<'a> {
    x: u16,
    columns: u16,
    words: &'a [String],
    links: &'a [Link],
    panes: &'a Panes,
}

impl Drawing<'_> {
    /// A line of ours: from the page's head, or from what follows on the text.
    fn row(&self, row: &Row, y: u16, pen: &mut Pen) {
        let Drawing { x, columns, .. } = *self;
        if row.is_rule {
            // Beside the list a rule goes on to the screen's edge but one.
            let beyond = if self.panes.divider.is_some() { 2 } else { 0 };
            pen.rule(x, y, columns + beyond);
        }
        for (at, text, role) in &row.pieces {
            let end = pen.put_cut(x + at, y, columns.saturating_sub(*at), text, *role);
            if *role == Role::Link {
                self.link(row.link, x + at, end, y, pen);
            }
        }
        if let Some(right) = &row.right {
            let used = row.pieces.last();
            let used = used.map_or(0, |(at, text, _)| usize::from(*at) + pen.columns(text));
            if used + 2 + pen.columns(right) <= usize::from(columns) {
                pen.put_end(x + columns, y, right, Role::Muted);
            }
        }
    }

    /// A line of the notice's text.
    fn line(&self, line: &Line, y: u16, pen: &mut Pen) {
        let end = self.x.saturating_add(self.columns);
        let mut x = self.x;
        for run in &line.runs {
            let start = x;
            let room = end.saturating_sub(start);
            x = pen.put(start, y, room, &run.text, ink(run));
            underline(
                &run.text,
                self.words,
                start,
                y,
                room + 1,
                ink(run).role,
                pen,
            );
            self.link(run.link, start, x, y, pen);
        }
    }

    fn link(&self, link: Option<usize>, start: u16, end: u16, y: u16, pen: &mut Pen) {
        let link = link.and_then(|place| self.links.get(place));
        if let Some(target) = link.and_then(Link::for_terminal) {
            let columns = end - start;
            pen.link(
                Area {
                    x: start,
                    y,
                    columns,
                    rows: 1,
                },
                target,
            );
        }
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

fn ink(run: &Run) -> Ink {
    let (role, add) = match run.style {
        Style::Text | Style::Code => (Role::Text, Modifier::empty()),
        Style::Strong => (Role::Text, Modifier::BOLD),
        Style::Emphasis => (Role::Text, Modifier::ITALIC),
        Style::Quote => (Role::Quote, Modifier::empty()),
        Style::Muted => (Role::Muted, Modifier::empty()),
        Style::Link => (Role::Link, Modifier::empty()),
        Style::Key => (Role::Accent, Modifier::empty()),
        Style::Good => (Role::Ok, Modifier::empty()),
        Style::Warn => (Role::Warn, Modifier::empty()),
        Style::Bad => (Role::Error, Modifier::empty()),
    };
    let role = if run.link.is_some() { Role::Link } else { role };
    Ink { role, add }
}

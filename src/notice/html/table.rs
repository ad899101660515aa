//! Tables in HTML: which ones hold data, and which only place things on the page.

use html2text::{Element, Handle};

use super::node::{attribute, element_name, text_of};
use crate::notice::{Run, body::Table, text};

/// The cells of a row, each in its column; none where one goes on that began further up or to the left.
pub type Row = Vec<Option<Handle>>;

/// Returns the rows of cells of a table that holds data; none if it only places things. Data has a
/// head of its own (`th`), or is a grid of at least two by two short cells; nothing in it is a table.
pub fn data(node: &Handle) -> Option<Vec<Row>> {
    let role = attribute(node, "role").unwrap_or_default();
    if matches!(role.as_str(), "presentation" | "none") {
        return None;
    }
    let mut rows = Vec::new();
    rows_of(node, &mut rows);
    if rows.len() > ROWS {
        return None;
    }
    let mut rows = placed(rows);
    rows.retain(|row| row.iter().flatten().any(|cell| !is_blank(cell)));
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let cells = || rows.iter().flatten().flatten();
    let is_headed = cells().any(|cell| element_name(cell) == "th");
    let is_grid = rows.len() >= 2 && columns >= 2 && rows.iter().all(|row| row.len() == columns);
    let is_full = || {
        let blank = rows
            .iter()
            .flatten()
            .filter(|cell| cell.as_ref().is_some_and(is_blank));
        // What goes across the whole table is a heading over things that were placed.
        blank.count() * 3 <= rows.len() * columns
            && cells().all(|cell| span(cell, "colspan") < columns)
    };
    let is_data =
        (2..=COLUMNS).contains(&columns) && (is_headed && rows.len() >= 2 || is_grid && is_full());
    let most = match is_titled(&rows) {
        true => TITLED_COLUMNS,
        false => CELL_COLUMNS,
    };
    (is_data && cells().all(|cell| is_cell_of_data(cell, most))).then_some(rows)
}

/// True if the first row says in a word or two what stands in each column, and no other does: text of any length
/// belongs to its column then.
fn is_titled(rows: &[Row]) -> bool {
    let Some((head, others)) = rows.split_first() else {
        return false;
    };
    let is_title = |(column, cell): (usize, &Option<Handle>)| {
        cell.as_ref().is_some_and(|cell| {
            let found = look(cell);
            let width = text::width(found.text.trim());
            element_name(cell) == "th"
                && !found.has_blocks
                && width <= TITLE_COLUMNS
                && (width > 0 || column == 0)
        })
    };
    let is_plain = |row: &Row| {
        row.iter()
            .skip(1)
            .flatten()
            .all(|cell| element_name(cell) == "td")
    };
    !others.is_empty() && head.iter().enumerate().all(is_title) && others.iter().all(is_plain)
}

/// Puts each cell into its column: one that goes over several rows or columns leaves the others empty.
fn placed(rows: Vec<Vec<Handle>>) -> Vec<Row> {
    // Of each column, for how many rows more it is taken.
    let mut taken: Vec<usize> = Vec::new();
    let place = |cells: Vec<Handle>| {
        let mut row = Row::new();
        let mut cells = cells.into_iter();
        loop {
            let column = row.len();
            if let Some(rows) = taken.get_mut(column).filter(|rows| **rows > 0) {
                *rows -= 1;
                row.push(None);
                continue;
            }
            let Some(cell) = cells.next().filter(|_| column <= COLUMNS) else {
                break;
            };
            let (columns, rows) = (span(&cell, "colspan"), span(&cell, "rowspan"));
            row.push(Some(cell));
            row.resize(column + columns, None);
            if rows > 1 {
                taken.resize(taken.len().max(row.len()), 0);
                taken[column..row.len()].fill(rows - 1);
            }
        }
        row
    };
    rows.into_iter().map(place).collect()
}

/// Over how many columns or rows a cell goes.
fn span(cell: &Handle, direction: &str) -> usize {
    let span = attribute(cell, direction).and_then(|span| span.trim().parse().ok());
    span.unwrap_or(1).clamp(1, COLUMNS)
}

/// Returns the table with its cells filled in; columns that are empty all the way are left out.
pub fn filled(rows: &[Row], mut fill: impl FnMut(&Handle) -> Vec<Run>) -> Table {
    let cell = |row: &'_ Row, column: usize| row.get(column).cloned().flatten();
    let headed = rows.first().is_some_and(|row| {
        row.iter()
            .flatten()
            .all(|cell| element_name(cell) == "th" || is_blank(cell))
    });
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let is_used = |column: usize| {
        rows.iter()
            .any(|row| cell(row, column).is_some_and(|cell| !is_blank(&cell)))
    };
    let used: Vec<usize> = (0..columns).filter(|&column| is_used(column)).collect();
    let mut fill_row = |row: &Row| {
        used.iter()
            .map(|&column| cell(row, column).map_or_else(Vec::new, |cell| fill(&cell)))
            .collect()
    };
    Table {
        headed,
        rows: rows.iter().map(&mut fill_row).collect(),
    }
}

/// True if a cell holds a word or two, and nothing that wants a row of its own.
pub fn is_word(cell: &Handle) -> bool {
    let found = look(cell);
    found.text.trim().len() <= WORD_OCTETS && !found.has_blocks
}

fn rows_of(node: &Handle, rows: &mut Vec<Vec<Handle>>) {
    for child in node.children.borrow().iter() {
        match element_name(child).as_str() {
            "tr" => {
                let is_cell = |cell: &&Handle| matches!(element_name(cell).as_str(), "td" | "th");
                rows.push(
                    child
                        .children
                        .borrow()
                        .iter()
                        .filter(is_cell)
                        .cloned()
                        .collect(),
                );
            }
            "thead" | "tbody" | "tfoot" => rows_of(child, rows),
            _ => {}
        }
    }
}

fn is_cell_of_data(cell: &Handle, most: usize) -> bool {
    let found = look(cell);
    !found.has_blocks && text::width(found.text.trim()) <= most
}

fn is_blank(cell: &Handle) -> bool {
    look(cell).text.trim().is_empty()
}

/// What a cell holds, as far as it matters here.
#[derive(Default)]
struct Look {
    text: String,
    has_blocks: bool,
    paragraphs: usize,
    depth: usize,
}

fn look(cell: &Handle) -> Look {
    let mut found = Look::default();
    walk(cell, &mut found);
    found.has_blocks |= found.paragraphs > 2;
    found
}

fn walk(node: &Handle, found: &mut Look) {
    found.depth += 1;
    for child in node.children.borrow().iter() {
        if found.text.len() > TITLED_COLUMNS * 4 || found.depth > CELL_DEPTH {
            break;
        }
        match (&child.data, element_name(child).as_str()) {
            (_, "table" | "ul" | "ol" | "pre" | "blockquote" | "hr" | "h1" | "h2" | "h3") => {
                found.has_blocks = true
            }
            (_, "img") => found
                .text
                .push_str(&attribute(child, "alt").unwrap_or_default()),
            (Element { .. }, name) => {
                found.paragraphs += usize::from(matches!(name, "p" | "div" | "br"));
                walk(child, found);
            }
            _ => found.text.push_str(&text_of(child)),
        }
    }
    found.depth -= 1;
}

/// A cell with more is text that was placed.
const CELL_COLUMNS: usize = 160;

/// One below a title may have some paragraphs.
const TITLED_COLUMNS: usize = 2000;

/// A title says it in a few words.
const TITLE_COLUMNS: usize = 40;

/// Words side by side: the links at the top of a newsletter.
const WORD_OCTETS: usize = 32;

/// What no one looks through in a terminal.
const ROWS: usize = 2000;
const COLUMNS: usize = 24;

/// Deeper than any cell of data.
const CELL_DEPTH: usize = 24;

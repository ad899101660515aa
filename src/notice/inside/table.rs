//! Values between commas or tabs (RFC 4180) as a table.

use crate::notice::{
    Run, Style,
    body::{Block, Content, Table},
    shown::Shown,
};

/// The table; nothing if it is none.
pub(super) fn blocks(text: &str, between: u8, cuts: &mut Vec<Shown>) -> Vec<Block> {
    let between = match between {
        // Where the comma stands in numbers, semicolons stand between them.
        b',' => separator(text),
        other => other,
    };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(between)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut records = reader.records();
    let mut rows: Vec<Vec<Vec<Run>>> = Vec::new();
    let mut is_cut = false;
    for record in records.by_ref() {
        let Ok(record) = record else {
            is_cut = true;
            break;
        };
        if rows.len() == MOST_ROWS {
            is_cut = true;
            break;
        }
        is_cut |= record.len() > MOST_COLUMNS;
        let style = if rows.is_empty() {
            Style::Strong
        } else {
            Style::Text
        };
        let cell = |value: &str| {
            vec![Run {
                text: Shown::line(value).cut_to(CELL_COLUMNS),
                style,
                link: None,
            }]
        };
        rows.push(record.iter().take(MOST_COLUMNS).map(cell).collect());
    }
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    if columns < 2 {
        return Vec::new();
    }
    rows.iter_mut()
        .for_each(|row| row.resize(columns, Vec::new()));
    if is_cut {
        let cut = format!("Of the table the first {} rows are shown.", rows.len());
        cuts.push(Shown::line(&cut));
    }
    vec![Block::new(Content::Table(Table { headed: true, rows }))]
}

/// What stands between the values of the first line: of several the one that is there most often.
fn separator(text: &str) -> u8 {
    let line = text.lines().next().unwrap_or_default().as_bytes();
    let count = |wanted: &u8| line.iter().filter(|byte| *byte == wanted).count();
    let all = [b'|', b'\t', b';', b','];
    all.into_iter().max_by_key(count).unwrap_or(b',')
}

/// More rows than these are for a program of their own.
const MOST_ROWS: usize = 2_000;
const MOST_COLUMNS: usize = 60;
const CELL_COLUMNS: usize = 200;

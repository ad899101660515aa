//! A query, parsed, and its answer.
//!
//! Words are joined by *and*, each matches the beginnings of words, and accents do not count.
//! `from:` `subject:` `is:unread|read|important|starred|withdrawn` `has:file|link`
//! `after:2026-11-01` `before:…` narrow it, `"…"` is a phrase, and `-` before any of these turns it
//! round.

use std::fmt::Write;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rusqlite::types::Value;

use super::{
    Error, Store,
    index::{Column, Lookup},
};
use crate::notice::NoticeId;

/// A query that makes sense.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
struct Term {
    is_negated: bool,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// Words in a column of the index, or in all; the last may go on.
    Text {
        column: Option<Column>,
        text: String,
    },
    /// A condition on the notice.
    Where(&'static str),
    /// Sent at this moment or later.
    After(Timestamp),
    /// Sent before this moment.
    Before(Timestamp),
}

/// What is wrong with a query, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("column {column}: {what}")]
pub struct QueryError {
    /// The column, from 1, counted in characters.
    pub column: usize,
    /// What is wrong and what would be right.
    pub what: String,
}

impl Query {
    /// Reads a query. Days begin and end in this zone.
    ///
    /// # Errors
    ///
    /// An operator has a value that it cannot have.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Query, QueryError> {
        let mut terms = Vec::new();
        for piece in pieces(text) {
            let (is_negated, rest) = match piece.text.strip_prefix('-') {
                Some(rest) if !rest.is_empty() => (true, rest),
                Some(_) | None => (false, piece.text),
            };
            let failed = |what: String| QueryError {
                column: piece.column,
                what,
            };
            if let Some(kind) = kind(rest, zone).map_err(failed)? {
                terms.push(Term { is_negated, kind });
            }
        }
        Ok(Query { terms })
    }

    /// The words that are looked for, without operators, for underlining.
    pub fn words(&self) -> Vec<String> {
        self.terms
            .iter()
            .filter(|term| !term.is_negated)
            .filter_map(|term| match &term.kind {
                Kind::Text { text, .. } => Some(text.clone()),
                Kind::Where(_) | Kind::After(_) | Kind::Before(_) => None,
            })
            .collect()
    }

    /// True if the index must be asked.
    fn asks_for_words(&self) -> bool {
        let is_text = |term: &Term| matches!(term.kind, Kind::Text { .. });
        self.terms.iter().any(is_text)
    }

    /// True if every notice matches.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The condition in SQL, and its values.
    fn condition(&self) -> (String, Vec<Value>) {
        let mut sql = String::from("1");
        let mut values = Vec::new();
        for term in &self.terms {
            let not = if term.is_negated { "NOT " } else { "" };
            match &term.kind {
                Kind::Text { .. } => {}
                Kind::Where(condition) => {
                    let _ = write!(sql, " AND {not}({condition})");
                }
                Kind::After(at) => {
                    let _ = write!(sql, " AND {not}(date >= ?)");
                    values.push(at.as_second().into());
                }
                Kind::Before(at) => {
                    let _ = write!(sql, " AND {not}(date < ?)");
                    values.push(at.as_second().into());
                }
            }
        }
        for is_negated in [false, true] {
            let (words, beginnings) = self.lookups(is_negated);
            let not = if is_negated { "NOT " } else { "" };
            let joint = if is_negated { " OR " } else { " AND " };
            for (table, matched) in [("words", words), ("beginnings", beginnings)] {
                if !matched.is_empty() {
                    let _ = write!(
                        sql,
                        " AND id {not}IN (SELECT rowid FROM {table} WHERE {table} MATCH ?)"
                    );
                    values.push(matched.join(joint).into());
                }
            }
        }
        (sql, values)
    }

    /// What is asked of either table of the index.
    fn lookups(&self, is_negated: bool) -> (Vec<String>, Vec<String>) {
        let (mut words, mut beginnings) = (Vec::new(), Vec::new());
        for term in &self.terms {
            if let Kind::Text { column, text } = &term.kind
                && term.is_negated == is_negated
            {
                match Lookup::of(*column, text) {
                    Lookup::Words(lookup) => words.push(lookup),
                    Lookup::Beginnings(lookup) => beginnings.push(lookup),
                }
            }
        }
        (words, beginnings)
    }
}

impl Store {
    /// The notices that match, newest first, at most `most`. What is not in the index yet is put there
    /// before.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn search(&self, query: &Query, most: usize) -> Result<Vec<NoticeId>, Error> {
        if query.asks_for_words() {
            self.index_all()?;
        }
        let (condition, mut values) = query.condition();
        values.push((most as i64).into());
        self.read(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT id FROM notice WHERE {condition} ORDER BY date DESC, id DESC LIMIT ?"
                ))?
                .query_map(rusqlite::params_from_iter(values), |row| {
                    row.get(0).map(NoticeId)
                })?
                .collect()
        })
    }
}

struct Piece<'a> {
    text: &'a str,
    column: usize,
}

/// Cuts at spaces outside of quotation marks. A mark that is still open while one types is closed
/// by the end.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start = None;
    let mut is_quoted = false;
    let mut column = 0;
    for (index, c) in text.char_indices() {
        column += 1;
        if c == '"' {
            is_quoted = !is_quoted;
        }
        match start {
            None if !c.is_whitespace() => start = Some((index, column)),
            Some((from, at)) if c.is_whitespace() && !is_quoted => {
                pieces.push(Piece {
                    text: &text[from..index],
                    column: at,
                });
                start = None;
            }
            None | Some(_) => {}
        }
    }
    if let Some((from, at)) = start {
        pieces.push(Piece {
            text: &text[from..],
            column: at,
        });
    }
    pieces
}

fn kind(piece: &str, zone: &TimeZone) -> Result<Option<Kind>, String> {
    let Some((operator, value)) = piece.split_once(':') else {
        return Ok(words(None, piece));
    };
    if piece.starts_with('"') {
        return Ok(words(None, piece));
    }
    match operator.to_ascii_lowercase().as_str() {
        "from" => Ok(words(Some(Column::Sender), value)),
        "subject" => Ok(words(Some(Column::Subject), value)),
        // An operator whose value is still to be typed narrows nothing yet.
        "is" | "has" | "after" | "before" if value.is_empty() => Ok(None),
        "is" => match value.to_ascii_lowercase().as_str() {
            "unread" => Ok(Some(Kind::Where("NOT read AND withdrawn IS NULL"))),
            "read" => Ok(Some(Kind::Where("read"))),
            "important" => Ok(Some(Kind::Where("important"))),
            "starred" => Ok(Some(Kind::Where("starred"))),
            "withdrawn" => Ok(Some(Kind::Where("withdrawn IS NOT NULL"))),
            _ => Err(format!(
                "`is:` takes unread, read, important, starred or withdrawn, not `{value}`"
            )),
        },
        "has" => match value.to_ascii_lowercase().as_str() {
            "file" => Ok(Some(Kind::Where("files > 0"))),
            "link" => Ok(Some(Kind::Where("has_link"))),
            _ => Err(format!("`has:` takes file or link, not `{value}`")),
        },
        "after" => day(value, zone).map(|at| Some(Kind::After(at))),
        "before" => day(value, zone).map(|at| Some(Kind::Before(at))),
        // `10:30` or an address is a word like any other.
        _ => Ok(words(None, piece)),
    }
}

fn words(column: Option<Column>, text: &str) -> Option<Kind> {
    let text = text.replace('"', " ");
    let has_word = text.chars().any(char::is_alphanumeric);
    has_word.then(|| Kind::Text {
        column,
        text: text.trim().to_owned(),
    })
}

/// A day as `2026-11-01`, or the first of a month as `2026-11`, or of a year as `2026`.
fn day(value: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let parts: Vec<&str> = value.split('-').collect();
    let written = match parts.as_slice() {
        [year] => format!("{year}-01-01"),
        [year, month] => format!("{year}-{month}-01"),
        _ => value.to_owned(),
    };
    written
        .parse::<Date>()
        .ok()
        .and_then(|date| date.to_zoned(zone.clone()).ok())
        .map(|zoned| zoned.timestamp())
        .ok_or_else(|| format!("`{value}` is not a day: write 2026-11-01"))
}

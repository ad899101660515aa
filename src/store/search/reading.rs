//! A query as people type it, read while they type: what is not finished yet narrows nothing. Where it is said to be
//! finished, what is still open is a mistake.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{Expression, QueryError, Ranking};
use crate::store::index::Column;

/// SQLite takes a thousand terms.
const MOST_PIECES: usize = 300;

/// Deeper than anybody groups.
const DEEPEST: usize = 20;

/// Reads a query; none if every notice matches.
pub(super) fn read(
    text: &str,
    zone: &TimeZone,
    is_finished: bool,
) -> Result<(Option<Expression>, Ranking), QueryError> {
    let (pieces, open) = pieces(text);
    if let Some(column) = open.filter(|_| is_finished) {
        return Err(QueryError {
            column,
            what: "this quotation mark is not closed".to_owned(),
        });
    }
    if let Some(piece) = pieces.get(MOST_PIECES) {
        return Err(QueryError {
            column: piece.column,
            what: "more than anybody looks for at once".to_owned(),
        });
    }
    let mut reader = Reader {
        pieces,
        at: 0,
        zone,
        is_finished,
        ranking: Ranking::default(),
    };
    let read = reader.alternatives(0)?;
    let ranking = reader.ranking;
    match reader.pieces.get(reader.at) {
        Some(rest) => Err(QueryError {
            column: rest.column,
            what: "this `)` closes nothing: put it into quotation marks to look for it".to_owned(),
        }),
        None => Ok((read, ranking)),
    }
}

struct Reader<'a> {
    pieces: Vec<Piece<'a>>,
    at: usize,
    zone: &'a TimeZone,
    is_finished: bool,
    ranking: Ranking,
}

impl<'a> Reader<'a> {
    /// What stands between `or`s; one of these is enough.
    fn alternatives(&mut self, depth: usize) -> Result<Option<Expression>, QueryError> {
        let mut any = Vec::new();
        loop {
            any.extend(self.together(depth)?);
            match self.pieces.get(self.at) {
                Some(piece) if piece.is_or() => self.at += 1,
                Some(_) | None => return Ok(one_of(any, Expression::Any)),
            }
        }
    }

    /// What stands side by side, up to an `or` or a `)`.
    fn together(&mut self, depth: usize) -> Result<Option<Expression>, QueryError> {
        let mut all = Vec::new();
        while let Some(piece) = self.pieces.get(self.at).copied() {
            if piece.is_or() || piece.text == ")" {
                break;
            }
            self.at += 1;
            all.extend(self.term(piece, depth)?);
        }
        Ok(one_of(all, Expression::All))
    }

    fn term(&mut self, piece: Piece, depth: usize) -> Result<Option<Expression>, QueryError> {
        let failed = |what: String| QueryError {
            column: piece.column,
            what,
        };
        if let Some(by) = piece.text.strip_prefix("by:") {
            self.ranking = match by.to_ascii_lowercase().as_str() {
                "relevance" => Ranking::Relevance,
                // One that is still to be typed too.
                "date" | "" => Ranking::Date,
                _ => return Err(failed(format!("`by:` takes date or relevance, not `{by}`"))),
            };
            return Ok(None);
        }
        let (is_negated, rest) = match piece.text.strip_prefix('-') {
            Some(rest) if !rest.is_empty() => (true, rest),
            Some(_) | None => (false, piece.text),
        };
        let found = if rest == "(" {
            if depth >= DEEPEST {
                return Err(failed(
                    "this is grouped deeper than anybody can read".to_owned(),
                ));
            }
            let inner = self.alternatives(depth + 1)?;
            let close = self.pieces.get(self.at);
            match close.is_some_and(|piece| piece.text == ")") {
                true => self.at += 1,
                // One that is still open while one types is closed by the end.
                false if self.is_finished => {
                    return Err(failed("this `(` is not closed".to_owned()));
                }
                false => {}
            }
            inner
        } else {
            if let Some(what) = self.mistaken(rest) {
                return Err(failed(what));
            }
            kind(rest, self.zone).map_err(failed)?
        };
        Ok(match is_negated {
            true => found.map(|found| Expression::Not(Box::new(found))),
            false => found,
        })
    }
}

impl Reader<'_> {
    /// What is wrong with a word that was meant for an operator, or with one that asks for nothing.
    fn mistaken(&self, piece: &str) -> Option<String> {
        let (operator, value) = piece.split_once(':')?;
        // An address of the web, or what stands in quotation marks, is a word.
        if value.starts_with("//") || !operator.bytes().all(|octet| octet.is_ascii_alphabetic()) {
            return None;
        }
        let operator = operator.to_ascii_lowercase();
        if OPERATORS.contains(&operator.as_str()) {
            let asks_nothing = !value.chars().any(char::is_alphanumeric);
            return (self.is_finished && asks_nothing).then(|| {
                format!("`{operator}:` asks for nothing: something must stand right behind it")
            });
        }
        let meant = MEANT.iter().find(|(other, _)| *other == operator);
        let meant = meant
            .map(|(_, meant)| *meant)
            .or_else(|| mistyped(&operator))?;
        Some(format!(
            "`{operator}:` can not be asked for: `{meant}` can; put it into quotation marks to look for the word"
        ))
    }
}

/// The operator that a word is with two letters changed about, or, if it is long, with one wrong or left out.
fn mistyped(word: &str) -> Option<&'static str> {
    let letters = |word: &str| {
        let mut letters = word.as_bytes().to_vec();
        letters.sort_unstable();
        letters
    };
    let is_near = |operator: &str| {
        // `subjects` is a word.
        let is_long = operator.len() >= 6 && word.len() <= operator.len();
        strsim::damerau_levenshtein(word, operator) == 1
            && (is_long || letters(word) == letters(operator))
    };
    let mut near = MISTYPED.iter().filter(|(operator, _)| is_near(operator));
    near.next().map(|(_, written)| *written)
}

/// All that can be asked for.
const OPERATORS: [&str; 11] = [
    "from", "to", "subject", "text", "list", "is", "has", "after", "before", "size", "by",
];

/// Those that are told from ordinary words when they are mistyped.
const MISTYPED: [(&str, &str); 7] = [
    ("from", "from:"),
    ("subject", "subject:"),
    ("text", "text:"),
    ("list", "list:"),
    ("after", "after:"),
    ("before", "before:"),
    ("size", "size:"),
];

/// What other programs call them, and no word that mails begin lines with.
const MEANT: [(&str, &str); 2] = [("sender", "from:"), ("since", "after:")];

/// Several expressions as one; none if there is none.
fn one_of(mut all: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Option<Expression> {
    match all.len() {
        0 | 1 => all.pop(),
        _ => Some(join(all)),
    }
}

#[derive(Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    column: usize,
}

impl Piece<'_> {
    fn is_or(&self) -> bool {
        self.text.eq_ignore_ascii_case("or")
    }
}

/// Cuts at spaces and parentheses outside of quotation marks. A mark that is still open while one types is
/// closed by the end; gives its column.
fn pieces(text: &str) -> (Vec<Piece<'_>>, Option<usize>) {
    let mut pieces = Vec::new();
    let mut start: Option<(usize, usize)> = None;
    let mut quoted: Option<usize> = None;
    let mut end_piece = |start: &mut Option<(usize, usize)>, end: usize| {
        if let Some((from, column)) = start.take() {
            let text = &text[from..end];
            pieces.push(Piece { text, column });
        }
    };
    for (column, (index, c)) in text.char_indices().enumerate() {
        let column = column + 1;
        match c {
            '"' => {
                quoted = match quoted {
                    Some(_) => None,
                    None => Some(column),
                };
                start.get_or_insert((index, column));
            }
            _ if quoted.is_some() => {}
            '(' => {
                // As in `-(a or b)`.
                if start.is_some_and(|(from, _)| &text[from..index] != "-") {
                    end_piece(&mut start, index);
                }
                start.get_or_insert((index, column));
                end_piece(&mut start, index + 1);
            }
            ')' => {
                end_piece(&mut start, index);
                start = Some((index, column));
                end_piece(&mut start, index + 1);
            }
            _ if c.is_whitespace() => end_piece(&mut start, index),
            _ => {
                start.get_or_insert((index, column));
            }
        }
    }
    end_piece(&mut start, text.len());
    (pieces, quoted)
}

fn kind(piece: &str, zone: &TimeZone) -> Result<Option<Expression>, String> {
    let Some((operator, value)) = piece.split_once(':') else {
        return Ok(words(None, piece));
    };
    if piece.starts_with('"') {
        return Ok(words(None, piece));
    }
    match operator.to_ascii_lowercase().as_str() {
        "from" => Ok(words(Some(Column::Sender), value)),
        "to" => Ok(words(Some(Column::Recipient), value)),
        "subject" => Ok(words(Some(Column::Subject), value)),
        "text" => Ok(words(Some(Column::Body), value)),
        // An operator whose value is still to be typed narrows nothing yet.
        "is" | "has" | "after" | "before" | "size" | "list" if value.is_empty() => Ok(None),
        "list" => Ok(list(value)),
        "is" => match value.to_ascii_lowercase().as_str() {
            "unread" => Ok(Some(Expression::Unread)),
            "read" => Ok(Some(Expression::Where("read"))),
            "important" => Ok(Some(Expression::Where("important"))),
            "starred" => Ok(Some(Expression::Where("starred"))),
            "withdrawn" => Ok(Some(Expression::Where("withdrawn IS NOT NULL"))),
            "expired" => Ok(Some(Expression::Expired)),
            "replaced" => Ok(Some(Expression::Where("replaced_by IS NOT NULL"))),
            "muted" => Ok(Some(Expression::Where("muted"))),
            _ => Err(format!(
                "`is:` takes unread, read, important, starred, muted, withdrawn, expired or replaced, \
                 not `{value}`"
            )),
        },
        "has" => match value.to_ascii_lowercase().as_str() {
            "file" => Ok(Some(Expression::Where("files > 0"))),
            "link" => Ok(Some(Expression::Where("has_link"))),
            _ => Err(format!("`has:` takes file or link, not `{value}`")),
        },
        "after" => day(value, zone).map(|at| Some(Expression::After(at))),
        "size" => size(value),
        "before" => day(value, zone).map(|at| Some(Expression::Before(at))),
        // `10:30` or an address is a word like any other.
        _ => Ok(words(None, piece)),
    }
}

fn words(column: Option<Column>, text: &str) -> Option<Expression> {
    let text = text.replace('"', " ");
    let has_word = text.chars().any(char::is_alphanumeric);
    has_word.then(|| Expression::Text {
        column,
        text: text.trim().to_owned(),
    })
}

/// Part of the name of a list, whatever its case.
fn list(value: &str) -> Option<Expression> {
    let name = value.replace('"', " ").trim().to_owned();
    (!name.is_empty()).then_some(Expression::List(name))
}

/// `>1M`, `<10k`, or `1M`, which is at least as much.
fn size(value: &str) -> Result<Option<Expression>, String> {
    let (is_most, number) = match value.split_at(usize::from(value.starts_with(['<', '>']))) {
        ("<", number) => (true, number),
        (_, number) => (false, number),
    };
    let number = number.trim_start_matches('=');
    if number.is_empty() {
        return Ok(None);
    }
    let failed = || format!("`{value}` is no size: write size:>1M, with k, M or G");
    let digits = number.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: i64 = match number[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        _ => return Err(failed()),
    };
    let count: f64 = digits.parse().map_err(|_| failed())?;
    if !count.is_finite() || count < 0.0 {
        return Err(failed());
    }
    // More than there is room for is as good as all of it.
    let octets = (count * unit as f64) as i64;
    Ok(Some(match is_most {
        true => Expression::AtMost(octets),
        false => Expression::AtLeast(octets),
    }))
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

//! Wraps runs of text at a width, in display columns. No grapheme is cut.
//!
//! Rows break at spaces, and between wide characters (Chinese, Japanese), but not before closing or
//! after opening punctuation. What is longer than a row is cut where the row ends.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

use crate::notice::{Run, Style, shown::Shown, text};

/// Returns the rows of the text, each at most so many columns wide. Newlines are kept.
pub fn words(runs: &[Run], columns: usize) -> Vec<Vec<Run>> {
    let mut rows = Rows::new(columns);
    let mut word: Vec<Piece> = Vec::new();
    for piece in runs.iter().flat_map(pieces) {
        match piece.text {
            "\n" => {
                rows.word(&mut word);
                rows.end();
            }
            " " => {
                rows.word(&mut word);
                rows.spaces.push(piece);
            }
            text => {
                if word.last().is_some_and(|last| may_break(last.text, text)) {
                    rows.word(&mut word);
                }
                word.push(piece);
            }
        }
    }
    rows.word(&mut word);
    rows.finish()
}

/// Returns the rows of a line whose columns matter. One that is too long for a row has lost them:
/// it is wrapped, and goes on below where it began.
pub fn columns(line: &[Run], columns: usize) -> Vec<Vec<Run>> {
    if width(line) <= columns {
        return vec![line.to_vec()];
    }
    let indent = line.first().map_or(0, |run| {
        run.text.len() - run.text.trim_start_matches(' ').len()
    });
    // What is left beside the indent must hold a grapheme.
    if indent * 2 > columns || columns - indent < MIN_COLUMNS {
        return words(line, columns);
    }
    let lead = Run {
        text: Shown::text(&" ".repeat(indent)),
        style: Style::Code,
        link: None,
    };
    let mut line = line.to_vec();
    line[0].text = Shown::text(line[0].text.trim_start_matches(' '));
    let rows = words(&line, columns - indent).into_iter();
    rows.map(|row| {
        if indent == 0 {
            row
        } else {
            [vec![lead.clone()], row].concat()
        }
    })
    .collect()
}

/// Returns the columns that runs take in one row.
pub fn width(runs: &[Run]) -> usize {
    runs.iter().map(|run| text::width(&run.text)).sum()
}

/// A grapheme, or a word of ASCII, and how it is drawn.
#[derive(Clone, Copy)]
struct Piece<'t> {
    text: &'t str,
    width: usize,
    style: Style,
    link: Option<usize>,
}

/// Returns the pieces of a run: each space and newline, each word of ASCII, each grapheme of other
/// text.
fn pieces(run: &Run) -> impl Iterator<Item = Piece<'_>> {
    let is_ascii = run.text.is_ascii();
    let mut rest = run.text.as_str();
    std::iter::from_fn(move || {
        let end = match is_ascii {
            true => rest.find([' ', '\n']).map_or(rest.len(), |end| end.max(1)),
            false => rest.graphemes(true).next().map_or(0, str::len),
        };
        let (text, after) = rest.split_at(end);
        rest = after;
        let width = if is_ascii {
            text.len()
        } else {
            text::grapheme_width(text) + usize::from(begins_with_mark(text))
        };
        (end > 0).then_some(Piece {
            text,
            width,
            style: run.style,
            link: run.link,
        })
    })
}

/// True if a grapheme begins with a mark for what follows it, as some of the Malayalam script do: at the
/// beginning of a row something to stand on is put before it.
fn begins_with_mark(grapheme: &str) -> bool {
    let first = grapheme.chars().next();
    first.is_some_and(|first| first.width() == Some(0))
}

struct Rows<'t> {
    columns: usize,
    rows: Vec<Vec<Run>>,
    row: Vec<Piece<'t>>,
    used: usize,
    /// Spaces that are written only if a word follows in the same row.
    spaces: Vec<Piece<'t>>,
}

impl<'t> Rows<'t> {
    fn new(columns: usize) -> Rows<'t> {
        Rows {
            columns: columns.max(MIN_COLUMNS),
            rows: Vec::new(),
            row: Vec::new(),
            used: 0,
            spaces: Vec::new(),
        }
    }

    fn word(&mut self, word: &mut Vec<Piece<'t>>) {
        if word.is_empty() {
            return;
        }
        let wide: usize = word.iter().map(|piece| piece.width).sum();
        if self.used > 0 && self.used + self.spaces.len() + wide > self.columns {
            self.end();
        }
        // At the start of a paragraph spaces are the sender's; after a break they are gone.
        for piece in std::mem::take(&mut self.spaces)
            .into_iter()
            .chain(word.drain(..))
        {
            self.put(piece);
        }
    }

    fn put(&mut self, piece: Piece<'t>) {
        let mut piece = piece;
        // Of a word of a million letters this is asked once.
        let is_word = piece.width <= self.columns || piece.text.is_ascii();
        while piece.width > self.columns {
            if !is_word {
                // One grapheme wider than a row (a flood of joined letters) shows as a mark.
                piece = Piece {
                    text: "?",
                    width: 1,
                    ..piece
                };
                break;
            }
            let (head, rest) = piece.text.split_at(self.columns - self.used);
            self.row.push(Piece {
                text: head,
                width: head.len(),
                ..piece
            });
            self.end();
            piece = Piece {
                text: rest,
                width: rest.len(),
                ..piece
            };
        }
        if self.used + piece.width > self.columns {
            self.end();
        }
        self.used += piece.width;
        self.row.push(piece);
    }

    fn end(&mut self) {
        let row = std::mem::take(&mut self.row);
        self.rows.push(joined(&row));
        self.spaces.clear();
        self.used = 0;
    }

    fn finish(mut self) -> Vec<Vec<Run>> {
        if !self.row.is_empty() || self.rows.is_empty() {
            self.end();
        }
        self.rows
    }
}

/// Joins pieces that are drawn alike into runs.
fn joined(row: &[Piece]) -> Vec<Run> {
    let chunks = row.chunk_by(|a, b| a.style == b.style && a.link == b.link);
    let run = |chunk: &[Piece]| {
        let text: String = chunk.iter().map(|piece| piece.text).collect();
        Run {
            text: Shown::text(&text),
            style: chunk[0].style,
            link: chunk[0].link,
        }
    };
    chunks.map(run).filter(|run| !run.text.is_empty()).collect()
}

/// True if a row may end between two graphemes without a space.
fn may_break(before: &str, after: &str) -> bool {
    let is_wide = |grapheme: &str| !grapheme.is_ascii() && text::grapheme_width(grapheme) == 2;
    let touches = is_wide(before) || is_wide(after);
    touches
        && !NO_START.contains(first(after))
        && !NO_END.contains(before.chars().last().unwrap_or(' '))
}

fn first(grapheme: &str) -> char {
    grapheme.chars().next().unwrap_or(' ')
}

/// A row does not start with these (JIS X 4051, shortened).
const NO_START: &str = "、。，．・：；？！）］｝〉》」』】〕〗…‥ー々ゝゞぁぃぅぇぉっゃゅょァィゥェォッャュョ%)]},.:;!?'\"”’";

/// A row does not end with these.
const NO_END: &str = "（［｛〈《「『【〔〖([{\"'“‘";

/// Any grapheme fits, two columns wide at most but for floods.
const MIN_COLUMNS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_for_what_follows_it_makes_no_row_wider() {
        // Malayalam's dot reph belongs to the letter behind it, and wide letters may be parted.
        for before in 1..20 {
            let text = format!("{}\u{d4e}{}", "田".repeat(before), "戊".repeat(30));
            let run = Run {
                text: Shown::text(&text),
                style: Style::Text,
                link: None,
            };
            let rows = words(&[run], 20);
            assert!(rows.iter().all(|row| width(row) <= 20), "{rows:?}");
        }
    }
}

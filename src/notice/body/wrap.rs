//! Wraps runs of text at a width, in display columns. No grapheme is cut.
//!
//! Rows break at spaces, and between wide characters (Chinese, Japanese), but not before closing or
//! after opening punctuation. What is longer than a row is cut where the row ends.

use unicode_segmentation::UnicodeSegmentation;

use crate::notice::{Run, Style, shown::Shown, text};

/// Returns the rows of the text, each at most so many columns wide. Newlines are kept.
pub fn words(runs: &[Run], columns: usize) -> Vec<Vec<Run>> {
    let mut rows = Rows::new(columns);
    let mut word = Vec::new();
    for run in runs {
        for grapheme in run.text.graphemes(true) {
            let piece = Piece {
                text: grapheme,
                style: run.style,
                link: run.link,
            };
            match grapheme {
                "\n" => {
                    rows.word(&mut word);
                    rows.end();
                }
                " " => {
                    rows.word(&mut word);
                    rows.space(piece);
                }
                _ => {
                    if word
                        .last()
                        .is_some_and(|last: &Piece| may_break(last.text, grapheme))
                    {
                        rows.word(&mut word);
                    }
                    word.push(piece);
                }
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
    if indent * 2 > columns {
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

/// A grapheme and how it is drawn.
#[derive(Clone, Copy)]
struct Piece<'t> {
    text: &'t str,
    style: Style,
    link: Option<usize>,
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
        let wide: usize = word
            .iter()
            .map(|piece| text::grapheme_width(piece.text))
            .sum();
        if self.used > 0 && self.used + self.spaces.len() + wide > self.columns {
            self.end();
        }
        for space in std::mem::take(&mut self.spaces) {
            // At the start of a paragraph spaces are the sender's; after a break they are gone.
            self.put(space);
        }
        word.drain(..).for_each(|piece| self.put(piece));
    }

    fn space(&mut self, piece: Piece<'t>) {
        self.spaces.push(piece);
    }

    fn put(&mut self, piece: Piece<'t>) {
        let wide = text::grapheme_width(piece.text);
        if wide > self.columns {
            // One grapheme wider than a row (a flood of joined letters) shows as a mark.
            return self.put(Piece { text: "?", ..piece });
        }
        if self.used + wide > self.columns {
            self.end();
        }
        self.row.push(piece);
        self.used += wide;
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

/// Joins graphemes that are drawn alike into runs.
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
    chunks.map(run).collect()
}

/// True if a row may end between two graphemes without a space.
fn may_break(before: &str, after: &str) -> bool {
    let is_wide = |grapheme: &str| !grapheme.is_ascii() && text::grapheme_width(grapheme) == 2;
    let touches = is_wide(before) || is_wide(after);
    touches && !NO_START.contains(first(after)) && !NO_END.contains(first(before))
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

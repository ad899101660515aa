//! How many columns text takes, and how it is cut to fit. Everybody who draws measures here.
//!
//! A width is counted a grapheme at a time, as ratatui fills its cells, so that what is measured is
//! what is drawn. One line is meant throughout: nothing here knows about newlines.

use std::iter;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Returns how many columns the text takes.
pub fn width(text: &str) -> usize {
    match is_plain(text) {
        true => text.len(),
        false => text.graphemes(true).map(grapheme_width).sum(),
    }
}

/// Returns the text if it fits into so many columns, else its beginning with `…` after it.
pub fn cut_to(text: &str, columns: usize) -> String {
    cut_with(text, columns, "…")
}

/// Returns the text if it fits into so many columns, else its beginning with the ending after it.
/// An ending that does not fit itself is left away.
pub fn cut_with(text: &str, columns: usize, ending: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let ending = if width(ending) <= columns { ending } else { "" };
    // A joiner whose other side was cut off joins nothing.
    let head = head(text, columns - width(ending));
    let head = head.trim_end_matches(|c: char| c == JOINER || c.is_whitespace());
    format!("{head}{ending}")
}

/// Returns the longest beginning of the text that fits into so many columns; no grapheme is cut.
pub fn head(text: &str, columns: usize) -> &str {
    if is_plain(text) {
        return &text[..columns.min(text.len())];
    }
    let mut used = 0;
    let over = text.grapheme_indices(true).find(|(_, grapheme)| {
        used += grapheme_width(grapheme);
        used > columns
    });
    over.map_or(text, |(end, _)| &text[..end])
}

/// Returns the text if it fits into so many columns, else its end with `…` before it.
pub fn tail(text: &str, columns: usize) -> String {
    let mut left = width(text);
    if left <= columns {
        return text.to_owned();
    }
    let start = text.grapheme_indices(true).find(|(_, grapheme)| {
        let fits = left < columns;
        left -= grapheme_width(grapheme);
        fits
    });
    match start {
        Some((start, _)) if columns > 0 => format!("…{}", &text[start..]),
        Some(_) | None => String::new(),
    }
}

/// Returns the text with spaces after it, up to so many columns; cut if it is longer.
pub fn pad_end(text: &str, columns: usize) -> String {
    let mut padded = cut_to(text, columns);
    padded.extend(iter::repeat_n(' ', columns.saturating_sub(width(&padded))));
    padded
}

/// Returns the text with spaces before it, up to so many columns; cut if it is longer.
pub fn pad_start(text: &str, columns: usize) -> String {
    let cut = cut_to(text, columns);
    let spaces = columns.saturating_sub(width(&cut));
    format!("{}{cut}", " ".repeat(spaces))
}

/// Returns the text with each joined emoji reduced to its first, as terminals differ in how wide
/// they draw the whole.
pub fn reduce_emoji(text: &str) -> String {
    match text.contains(JOINER) {
        true => text.graphemes(true).map(first_emoji).collect(),
        false => text.to_owned(),
    }
}

/// Returns the columns of one grapheme, as ratatui counts a cell's: the half-width sound marks of
/// Japanese take one each, whatever Unicode says.
pub fn grapheme_width(grapheme: &str) -> usize {
    let sound_marks = grapheme
        .chars()
        .filter(|c| matches!(c, '\u{ff9e}' | '\u{ff9f}'));
    grapheme.width() + sound_marks.count()
}

fn first_emoji(grapheme: &str) -> &str {
    match grapheme.split_once(JOINER) {
        // In scripts that are joined by it the joiner changes a letter, and stays.
        Some((first, _)) if first.chars().next().is_some_and(|c| c >= '\u{2000}') => first,
        _ => grapheme,
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' '..=b'~'))
}

const JOINER: char = '\u{200d}';

//! Patches and logs: what is gone, what is new, what is wrong.

use super::lines;
use crate::notice::{Style, body::Block};

/// A patch, as `diff -u` and git write it.
pub(super) fn patch(text: &str) -> Vec<Block> {
    let style = |line: &str| match line.as_bytes() {
        [b'+', b'+', b'+', b' ', ..] | [b'-', b'-', b'-', b' ', ..] => Style::Strong,
        [b'+', ..] => Style::Good,
        [b'-', ..] => Style::Bad,
        [b'@', b'@', ..] => Style::Key,
        _ if line.starts_with("diff ") || line.starts_with("index ") => Style::Muted,
        _ => Style::Code,
    };
    vec![lines(text, style)]
}

/// A log, by the word for how bad it is.
pub(super) fn log(text: &str) -> Vec<Block> {
    let style = |line: &str| {
        let mut words = line.split(|c: char| !c.is_ascii_alphabetic()).take(WORDS);
        let found = words.find_map(|word| {
            let level = LEVELS
                .iter()
                .find(|(level, _)| word.eq_ignore_ascii_case(level));
            level.map(|(_, style)| *style)
        });
        found.unwrap_or(Style::Code)
    };
    vec![lines(text, style)]
}

/// The level stands near the beginning of a line.
const WORDS: usize = 16;

const LEVELS: [(&str, Style); 11] = [
    ("emerg", Style::Bad),
    ("alert", Style::Bad),
    ("crit", Style::Bad),
    ("critical", Style::Bad),
    ("fatal", Style::Bad),
    ("panic", Style::Bad),
    ("error", Style::Bad),
    ("err", Style::Bad),
    ("warn", Style::Warn),
    ("warning", Style::Warn),
    ("debug", Style::Muted),
];

//! What has changed between two notices, line by line and within lines.

use std::time::{Duration, Instant};

use similar::{Algorithm, ChangeTag, TextDiff};

use super::{
    Notice, Run, Style,
    body::{Block, Content},
    guard,
    shown::Shown,
};

impl Notice {
    /// This notice with the difference to an older one in the place of its text: what is no longer there
    /// with a `-` before it, what is new with a `+`, the words that differ set off.
    pub fn compared_with(&self, older: &Notice) -> Notice {
        let (before, after) = (text_of(older), text_of(self));
        let blocks = guard::without_panic(|| difference(&before, &after));
        let unknown = "What has changed cannot be told.";
        Notice {
            blocks: blocks
                .unwrap_or_else(|| vec![Block::prose(Shown::from_static(unknown), Style::Muted)]),
            has_other_form: false,
            ..self.clone()
        }
    }
}

/// The subject and the text, as far as they are compared.
fn text_of(notice: &Notice) -> String {
    let mut text = format!("{}\n", notice.subject);
    let all = notice.text();
    let lines = all.lines().take(MOST_LINES);
    lines.for_each(|line| {
        text.push_str(line);
        text.push('\n');
    });
    for file in &notice.files {
        text += &format!("@ {} {}\n", file.name, file.size_text());
    }
    text
}

fn difference(older: &str, newer: &str) -> Vec<Block> {
    let deadline = Instant::now() + PATIENCE;
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Patience)
        .deadline(deadline)
        .diff_lines(older, newer);
    if diff.ratio() == 1.0 {
        return vec![Block::prose(
            Shown::from_static("The text is the same."),
            Style::Muted,
        )];
    }
    let mut blocks = Vec::new();
    for (place, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if place > 0 {
            blocks.push(line("…", Style::Muted, Vec::new()));
        }
        for operation in group {
            for change in diff.iter_inline_changes_deadline(operation, Some(deadline)) {
                let (marker, style) = match change.tag() {
                    ChangeTag::Delete => ("-", Style::Bad),
                    ChangeTag::Insert => ("+", Style::Good),
                    ChangeTag::Equal => (" ", Style::Muted),
                };
                let runs = change
                    .iter_strings_lossy()
                    .map(|(is_set_off, text)| Run {
                        text: Shown::text(text.trim_end_matches('\n')),
                        style: match is_set_off {
                            true => Style::Strong,
                            false => style,
                        },
                        link: None,
                    })
                    .filter(|run| !run.text.is_empty())
                    .collect();
                blocks.push(line(marker, style, runs));
            }
        }
    }
    blocks
}

/// A line with its mark in a column before it.
fn line(marker: &'static str, style: Style, runs: Vec<Run>) -> Block {
    let runs = match runs.is_empty() {
        // Something must be there for the mark to stand before.
        true => vec![Run {
            text: Shown::from_static(" "),
            style,
            link: None,
        }],
        false => runs,
    };
    Block::new(Content::Prose {
        marker: Some(Shown::from_static(marker)),
        runs,
    })
}

/// How many lines that are alike are shown before and behind those that differ.
const CONTEXT: usize = 3;

/// After this long it is told more roughly.
const PATIENCE: Duration = Duration::from_millis(300);

/// Longer texts are no corrections of one another.
const MOST_LINES: usize = 5_000;

//! Paragraphs as HTML's text comes in pieces: white space collapsed, links numbered.

use url::Url;

use super::{colour::Colours, source};
use crate::notice::{
    Run, Style,
    body::{Block, Content, plain},
    links::Links,
    shown::Shown,
};

/// Writes blocks as the tree is walked.
pub(super) struct Writer<'w> {
    pub(super) source: &'w source::Source,
    pub(super) links: &'w mut Links,
    pub(super) blocks: Vec<Block>,
    /// The paragraph so far.
    pub(super) runs: Vec<Run>,
    /// The mark of the item that has just begun.
    pub(super) marker: Option<Shown>,
    /// Against what its links are.
    pub(super) base: Option<Url>,
}

/// What an element's surroundings say about it.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    pub(super) style: Style,
    pub(super) link: Option<usize>,
    pub(super) quote: u8,
    pub(super) indent: u16,
    pub(super) is_pre: bool,
    pub(super) is_tiny: bool,
    /// It is within marks already: what is struck in it needs no others.
    pub(super) is_marked: bool,
    pub(super) colours: Colours,
    pub(super) depth: usize,
}

impl Writer<'_> {
    /// Adds a text, white space collapsed.
    pub(super) fn text(&mut self, text: &str, context: &Context) {
        if context.is_tiny || context.colours.is_unseen() {
            return;
        }
        if context.is_pre {
            return self.push(text, context);
        }
        let mut words = String::with_capacity(text.len());
        let mut in_gap = self.ends_in_space();
        for c in text.chars().filter(|c| !is_filler(*c)) {
            match c {
                ' ' | '\t' | '\n' | '\r' | '\u{c}' if in_gap => {}
                ' ' | '\t' | '\n' | '\r' | '\u{c}' => words.push(' '),
                c => words.push(c),
            }
            in_gap = words.ends_with(' ') || (words.is_empty() && in_gap);
        }
        self.push(&words, context);
    }

    pub(super) fn push(&mut self, text: &str, context: &Context) {
        if text.is_empty() {
            return;
        }
        if context.link.is_none() && !context.is_pre && text.contains("://") {
            self.runs
                .extend(plain::linked(text, context.style, self.links));
            return;
        }
        let style = if context.link.is_some() {
            Style::Link
        } else {
            context.style
        };
        self.runs.push(Run {
            text: Shown::text(text),
            style,
            link: context.link,
        });
    }

    pub(super) fn ends_in_space(&self) -> bool {
        let last = self.runs.iter().rev().find(|run| !run.text.is_empty());
        last.is_none_or(|run| run.text.ends_with([' ', '\n']))
    }

    pub(super) fn line_break(&mut self, context: &Context) {
        let newlines: usize = self
            .runs
            .iter()
            .rev()
            .take_while(|run| run.text.trim().is_empty())
            .map(|run| run.text.matches('\n').count())
            .sum();
        if newlines < 2 && !self.runs.is_empty() {
            self.runs.push(Run {
                text: Shown::from_static("\n"),
                style: context.style,
                link: None,
            });
        }
    }

    pub(super) fn rule(&mut self, context: &Context) {
        self.gap(context);
        self.blocks.push(Block {
            quote: context.quote,
            indent: context.indent,
            content: Content::Rule,
        });
        self.gap(context);
    }

    pub(super) fn gap(&mut self, context: &Context) {
        self.flush(context);
        // The first paragraph of an item stands beside its mark.
        if self.marker.is_none()
            && self
                .blocks
                .last()
                .is_some_and(|last| last.content != Content::Gap)
        {
            self.blocks.push(Block {
                quote: context.quote,
                ..Block::gap()
            });
        }
    }

    /// Ends the paragraph.
    pub(super) fn flush(&mut self, context: &Context) {
        let runs = trimmed(std::mem::take(&mut self.runs));
        if runs.is_empty() {
            return;
        }
        let marker = self.marker.take();
        let hang = marker
            .as_ref()
            .map_or(0, |marker| marker.width() as u16 + 1);
        let indent = context.indent.saturating_sub(hang);
        self.blocks.push(Block {
            quote: context.quote,
            indent,
            content: Content::Prose { marker, runs },
        });
    }
}

/// Takes white space from both ends of a paragraph; one of nothing else becomes empty.
fn trimmed(mut runs: Vec<Run>) -> Vec<Run> {
    let is_space = |c: char| c.is_whitespace();
    let ends = [0, 1];
    for end in ends {
        while let Some(index) = (end == 0)
            .then_some(0)
            .or(runs.len().checked_sub(1))
            .filter(|_| !runs.is_empty())
        {
            let run = &runs[index];
            let kept = if end == 0 {
                run.text.trim_start_matches(is_space)
            } else {
                run.text.trim_end_matches(is_space)
            };
            if kept.len() == run.text.len() {
                break;
            }
            match kept.is_empty() {
                true => drop(runs.remove(index)),
                false => runs[index].text = Shown::text(kept),
            }
        }
    }
    runs.retain(|run| !run.text.is_empty());
    runs
}

/// Soft hyphens and the like say where a line may break, and fill the previews of mail programs.
fn is_filler(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{fffc}'
    )
}

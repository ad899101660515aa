//! The text of a mail as blocks. Their layout for a width is [`super::Notice::lines`].
//!
//! Plain text ([`plain`]) and HTML ([`super::html`]) both become blocks, once; blocks become lines
//! ([`layout`]) as often as the width changes.

use super::{Run, Style, shown::Shown};

pub mod layout;
pub mod lines;
pub mod plain;
mod tail;
pub mod wrap;

/// A piece of a mail's text that is laid out in one way.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// How deep it is quoted; 0 for the mail's own text.
    pub quote: u8,
    /// How many columns it is moved to the right.
    pub indent: u16,
    /// What it is.
    pub content: Content,
}

/// What a block is.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Lines whose columns matter: code, tables drawn with spaces, signatures. A line that is too
    /// long goes on in the next row.
    Fixed(Vec<Vec<Run>>),
    /// An empty row; several of them show as one.
    Gap,
    /// Text that is wrapped at words. A newline in it is kept.
    Prose {
        /// What stands before its first row, in columns of its own: `•`, `3.`
        marker: Option<Shown>,
        /// The text.
        runs: Vec<Run>,
    },
    /// A rule across.
    Rule,
    /// Rows of cells.
    Table(Table),
}

impl Content {
    /// All its runs, in order.
    fn runs(&self) -> Box<dyn Iterator<Item = &Run> + '_> {
        match self {
            Content::Fixed(lines) => Box::new(lines.iter().flatten()),
            Content::Prose { runs, .. } => Box::new(runs.iter()),
            Content::Table(table) => Box::new(table.rows.iter().flatten().flatten()),
            Content::Gap | Content::Rule => Box::new(std::iter::empty()),
        }
    }
}

/// A table of data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// True if the first row names the columns.
    pub headed: bool,
    /// The rows, each with as many cells.
    pub rows: Vec<Vec<Vec<Run>>>,
}

/// How text is laid out, apart from the width.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Options {
    /// Draws with ASCII alone: `*` for `•`, `-` for `─`.
    pub ascii: bool,
    /// Ends with the list of links, `[1] https://…`.
    pub link_list: bool,
    /// Has long addresses whole in that list: where nothing else has them.
    pub whole_links: bool,
    /// Shows of a long quotation only how long it is.
    pub folds_quotes: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            ascii: false,
            link_list: true,
            whole_links: false,
            folds_quotes: false,
        }
    }
}

/// Takes the mails below an answer for quoted that have no marks before their lines.
pub(super) fn quote_tail(blocks: &mut [Block]) {
    tail::quote(blocks);
}

impl Block {
    /// Returns a block of the mail's own text, at the left edge.
    pub fn new(content: Content) -> Block {
        Block {
            quote: 0,
            indent: 0,
            content,
        }
    }

    /// Returns a paragraph in one style.
    pub fn prose(text: Shown, style: Style) -> Block {
        Block::new(Content::Prose {
            marker: None,
            runs: vec![Run {
                text,
                style,
                link: None,
            }],
        })
    }

    /// Returns an empty row.
    pub fn gap() -> Block {
        Block::new(Content::Gap)
    }
}

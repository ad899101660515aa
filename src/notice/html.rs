//! HTML mail as blocks of text: what a reader needs of its structure, and nothing that it hides.
//!
//! html2text parses the HTML, as browsers do. Its own layout draws boxes round the tables that
//! newsletters are made of and has to be done again for each width; so its tree is walked here
//! ([`walk`]), and becomes the same [`Block`]s as plain text. Nothing is fetched: images are their
//! words.

use super::{
    body::{Block, plain},
    links::Links,
    parts::Format,
    shown::Shown,
};

mod colour;
mod counting;
mod form;
pub mod node;
pub mod source;
pub mod strip;
pub mod table;
pub mod walk;
mod writer;

/// The blocks of HTML, and what was cut.
#[derive(Debug, Default)]
pub struct Page {
    /// Its text.
    pub blocks: Vec<Block>,
    /// What was left out, in words.
    pub cut: Option<Shown>,
}

/// Returns the blocks of HTML; links in it are numbered.
pub fn page(html: &str, links: &mut Links) -> Page {
    let source = source::bounded(html);
    let parsed = html2text::config::plain().parse_html(source.html.as_bytes());
    let blocks = match parsed {
        Ok(dom) => walk::blocks(&dom.document, &source, links),
        Err(_) => plain::blocks(html, Format::Fixed, links),
    };
    Page {
        blocks,
        cut: source.cut,
    }
}

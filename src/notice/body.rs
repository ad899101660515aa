//! The text of a mail as blocks, and their layout for a width.

/// A piece of a mail's text that is laid out in one way.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {}

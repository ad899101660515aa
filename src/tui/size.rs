//! The terminal's size, and the least that will do.

/// The terminal's columns and rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Size {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

/// The least that anything can be shown on.
pub const LEAST: Size = Size {
    columns: 30,
    rows: 8,
};

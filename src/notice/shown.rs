//! `Shown`: the one type of foreign text that may be drawn. No mail may steer the terminal.
//!
//! There is no `From<String>`: [`Shown::line`] and [`Shown::text`] are the ways in, and both make
//! harmless what they take. What was replaced stays visible as a mark, so that nobody wonders.

use std::{fmt, ops::Deref, sync::Arc};

/// Text that is safe to draw: no control characters, no bidi overrides, no invisible floods.
#[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Shown(Arc<str>);

impl Deref for Shown {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

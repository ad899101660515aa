//! Names in the settings that nothing has: said with their line and the nearest name, and skipped.

use std::fmt;

use crate::{
    config::places::{Place, Places},
    notice::shown::Shown,
};

/// A key, an action or a theme in the settings that does not exist. It is skipped.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Where it stands (`keys.reader`, or `keys.reader.w` for an action).
    pub place: String,
    /// What stands there.
    pub wrong: String,
    /// The known name that it is nearest to.
    pub nearest: Option<String>,
    /// Where it stands in the settings file, where that can be told.
    pub at: Option<Place>,
}

impl Problem {
    /// The problem with the place at which it stands.
    pub fn found(mut self, places: &Places) -> Problem {
        let key = format!("{}.{}", self.place, self.wrong);
        let place = places.find(&key).or_else(|| places.find(&self.place));
        self.at = place;
        self
    }

    /// The problem as it may be drawn.
    pub fn shown(&self) -> Shown {
        Shown::line(&self.to_string())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(at) = self.at {
            write!(f, "{at}: ")?;
        }
        write!(f, "{}: unknown `{}`", self.place, self.wrong)?;
        match &self.nearest {
            Some(nearest) => write!(f, ": did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}

//! What has become, or will become, of a notice: of most, nothing.

use std::ops::Deref;

use jiff::Timestamp;

use super::NoticeId;

/// What has become, or will become, of a notice.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fate {
    /// When it was first missed at the server, if it is gone.
    pub withdrawn: Option<Timestamp>,
    /// When the notice was sent that this one replaces: it has the same Message-ID and another text, and is
    /// gone from the server.
    pub replaces: Option<Timestamp>,
    /// Until when it holds, if it says so.
    pub expires: Option<Timestamp>,
    /// By when an answer is wanted, if it says so.
    pub answer_by: Option<Timestamp>,
    /// The notice that has taken its place: the same sender's correction of it.
    pub replaced_by: Option<NoticeId>,
}

/// A notice's fate, which takes next to no room where it has none: a list holds a hundred thousand of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fated(Option<Box<Fate>>);

static NONE: Fate = Fate {
    withdrawn: None,
    replaces: None,
    expires: None,
    answer_by: None,
    replaced_by: None,
};

impl Fated {
    /// Changes something of it.
    pub fn change(&mut self, change: impl FnOnce(&mut Fate)) {
        let mut fate = Fate::clone(self);
        change(&mut fate);
        *self = fate.into();
    }
}

impl From<Fate> for Fated {
    fn from(fate: Fate) -> Fated {
        Fated((fate != NONE).then(|| Box::new(fate)))
    }
}

impl Deref for Fated {
    type Target = Fate;

    fn deref(&self) -> &Fate {
        self.0.as_deref().unwrap_or(&NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fate_that_was_taken_back_is_none() {
        let mut fated = Fated::default();

        fated.change(|fate| fate.replaced_by = Some(NoticeId(7)));
        assert_eq!(fated.replaced_by, Some(NoticeId(7)));
        fated.change(|fate| fate.replaced_by = None);

        assert_eq!(fated, Fated::default());
        assert!(fated.0.is_none());
    }
}

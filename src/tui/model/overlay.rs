//! What lies over the screen: help, links and files, mailboxes, commands, questions.

use crate::notice::{files::Way, shown::Shown};

use super::line::{Line, SecretLine};

/// What lies over the screen.
#[derive(Debug)]
pub enum Overlay {
    /// The keys of this screen; typing filters them.
    Help(Menu),
    /// The links and files of the open notice.
    Attached {
        /// The selected entry: links first, then files.
        selected: usize,
        /// The first row on the screen.
        top: usize,
    },
    /// The mailboxes; typing filters them.
    Mailboxes(Menu),
    /// All commands; typing finds them.
    Palette(Menu),
    /// A few choices.
    Choose {
        /// What is asked.
        title: &'static str,
        /// What can be chosen.
        choices: Vec<Choice>,
        /// The selected one.
        selected: usize,
    },
    /// A program to pipe the text into.
    Pipe(Line),
    /// The password that is to be used from now on.
    Password(SecretLine),
    /// A longer text.
    Text {
        /// What it is.
        title: Shown,
        /// Its lines.
        lines: Vec<Shown>,
        /// The first line on the screen.
        scroll: usize,
    },
}

/// A list with a line to type in, that filters it.
#[derive(Clone, Debug, Default)]
pub struct Menu {
    /// What is typed.
    pub line: Line,
    /// The selected entry among those that match.
    pub selected: usize,
    /// The first entry on the screen.
    pub top: usize,
}

impl Menu {
    /// Keeps the selection within so many entries, and on the screen.
    pub fn clamp(&mut self, count: usize, height: usize) {
        self.selected = self.selected.min(count.saturating_sub(1));
        let first = (self.selected + 1).saturating_sub(height.max(1));
        self.top = self.top.clamp(first, self.selected);
    }
}

/// Something that can be chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What it is called.
    pub label: Shown,
    /// What more there is to say.
    pub note: Shown,
    /// What comes of it.
    pub then: Then,
}

/// What comes of a choice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Then {
    /// Copy the notice's text.
    CopyText,
    /// Copy the notice's text as one quotes it in an answer.
    CopyQuotation,
    /// Copy this.
    Copy(Shown),
    /// Open this file, and others of its type without asking.
    OpenFile {
        /// Where it is in the mail.
        way: Way,
        /// The type.
        content_type: Shown,
    },
    /// Save this file.
    SaveFile {
        /// Where it is in the mail.
        way: Way,
    },
}

//! The first-run setup: its fields, and the connection test that runs beside them.

use std::time::Duration;

use crate::notice::shown::Shown;

/// A stage of the connection test, in the order in which they are gone through.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// Find the server's address by its name.
    Find,
    /// Connect to its port.
    Connect,
    /// Encrypt the connection, and know whom one talks to.
    Encrypt,
    /// Sign in.
    SignIn,
    /// Ask for the list of notices.
    List,
    /// See whether notices can be told apart (UIDL).
    TellApart,
    /// See whether it keeps what people read (no EXPIRE 0).
    Keeps,
}

/// A stage of the connection test, and how it went.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which stage.
    pub stage: Stage,
    /// How it went.
    pub result: StepResult,
    /// How long it took, once it ended.
    pub took: Option<Duration>,
}

/// How a stage of the connection test went.
#[derive(Clone, Debug, PartialEq)]
pub enum StepResult {
    /// It has begun.
    Started,
    /// It went well (`found pop.team.example (10.0.4.17)`).
    Passed {
        /// What was found, in words.
        words: Shown,
    },
    /// It went well, but the person must know something: shown in red.
    Warned {
        /// What, in words (`the server removes notices once they are read`).
        words: Shown,
    },
    /// It failed, and the test ends.
    Failed {
        /// What happened, in words.
        words: Shown,
        /// What to do about it.
        remedy: Shown,
    },
}

//! Which command is allowed in which state: the one table (RFC 1939 §3).
//!
//! ```text
//!              greeting
//!                 │
//!   ┌─────────────▼─────────────┐  PASS, APOP, AUTH  ┌──────────────────────┐
//!   │       AUTHORIZATION       ├────────────────────▶      TRANSACTION     │
//!   │ USER PASS APOP AUTH STLS  │                    │ STAT LIST RETR DELE  │
//!   │ CAPA UTF8 LANG QUIT       │                    │ NOOP RSET TOP UIDL   │
//!   └─────────────┬─────────────┘                    │ CAPA UTF8 LANG QUIT  │
//!                 │ QUIT                             └──────────┬───────────┘
//!                 ▼                                             │ QUIT
//!               closed  ◀──────────── UPDATE ◀──────────────────┘
//! ```

use super::command::Command;

/// The states in which a server takes commands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Nobody has signed in yet (RFC 1939 §4).
    Authorization,
    /// A maildrop is open (§5).
    Transaction,
}

impl State {
    /// True if the command may be given in this state.
    pub fn allows(self, command: &Command) -> bool {
        match command {
            Command::Quit | Command::Capa | Command::Utf8 | Command::Lang(_) => true,
            Command::User(_)
            | Command::Pass(_)
            | Command::Apop { .. }
            | Command::Stls
            | Command::Auth(_) => self == State::Authorization,
            Command::Stat
            | Command::List(_)
            | Command::Retr(_)
            | Command::Dele(_)
            | Command::Noop
            | Command::Rset
            | Command::Top { .. }
            | Command::Uidl(_) => self == State::Transaction,
        }
    }
}

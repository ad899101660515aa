//! The links of a mail: what is shown, and where it leads.

use super::shown::Shown;

/// A link: what the text says, and where it leads.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// What the sender calls it; its address if nothing else.
    pub label: Shown,
    /// Where it leads, as it will be opened: http, https or mailto.
    pub target: Shown,
    /// What is suspicious about it, in words (`text says hr.example, goes to evil.test`).
    pub warning: Option<Shown>,
}

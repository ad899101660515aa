//! What several tests need.

pub mod mailbox;
pub mod script;

//! What several tests need.

pub mod mailbox;
pub mod scratch;
pub mod script;
pub mod transcript;

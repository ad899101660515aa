//! What several tests need.

pub mod mailbox;
pub mod peer;
pub mod scratch;
pub mod screen;
pub mod script;
pub mod talk;
pub mod transcript;

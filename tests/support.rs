//! What several tests need.

pub mod mailbox;
pub mod scratch;
pub mod screen;
pub mod script;
pub mod transcript;

//! What several tests need.

pub mod chance;
pub mod hostile;
pub mod inetd;
pub mod mailbox;
pub mod office;
pub mod peer;
pub mod program;
pub mod proxy;
pub mod pty;
pub mod quirks;
pub mod rogue;
pub mod scratch;
pub mod screen;
pub mod script;
pub mod talk;
pub mod transcript;

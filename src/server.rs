//! POP3 from the server's side, over a spool of mbox files.

pub mod accounts;
pub mod folder;
pub mod index;
pub mod lock;
pub mod maildrop;
pub mod mbox;
pub mod reader;
pub mod session;
pub mod spool;

//! The tests, as one program.

mod server_sessions;
mod serving;
mod spool;
mod support;
mod wire;

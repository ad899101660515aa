//! The tests, as one program.

mod server_sessions;
mod spool;
mod support;
mod wire;

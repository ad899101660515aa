//! The tests, as one program.

mod peers;
mod server_sessions;
mod serving;
mod spool;
mod support;
mod wire;

//! The tests, as one program.

mod server_sessions;
mod support;

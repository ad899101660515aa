//! The tests, as one program.

mod client_sessions;
mod demo;
mod dovecot;
mod demo_notices;
mod licences;
mod polling;
mod rendering;
mod server_sessions;
mod store;
mod support;
mod hostile;
mod rendering;
mod threads;
mod words;
mod peers;
mod server_sessions;
mod serving;
mod spool;
mod support;
mod wire;

//! The tests, as one program.

mod client_sessions;
mod demo;
mod demo_notices;
mod licences;
mod polling;
mod rendering;
mod screens;
mod server_sessions;
mod store;
mod support;
mod words;

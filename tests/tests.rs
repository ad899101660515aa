//! The tests, as one program.

mod bad_input;
mod cli;
mod client_sessions;
mod demo;
mod demo_notices;
mod dovecot;
mod faults;
mod hostile;
mod index;
mod licences;
mod maildir;
mod peers;
mod polling;
mod rendering;
mod screens;
mod server_sessions;
mod serving;
mod serving_by_hand;
mod spool;
mod store;
mod support;
mod team;
mod terminal;
mod visits;
mod wire;
mod words;

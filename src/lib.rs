//! The tour of the house. tidings reads a team's shared notices mailbox in a terminal.
//!
//! Everyone on the team polls the same POP3 account and leaves the mail on the server; each of them
//! keeps a cache of their own, and a mark of their own for what they have read. The program carries
//! a small POP3 server as well, for teams without one, for the demo, and for the tests.
//!
//! **Deciding is pure, doing is thin.** The server's session, the poller's schedule and the screen
//! are plain values with plain functions: something happened, and out come a new state and what to
//! do about it. Sockets, files, the database and the terminal are touched in a few short loops that
//! decide nothing.
//!
//! # The rooms, from the street to the cellar
//!
//! | Room | What is done there |
//! | --- | --- |
//! | [`cli`] | the command line: what there is to say, and who does it |
//! | [`app`] | the loop: keys and reports in, frames and effects out |
//! | [`tui`] | the screen (pure): `Tui::key` and `Tui::handle` give effects, `Tui::draw` gives a frame |
//! | [`demo`] | a server of its own, teammates, and a story |
//! | [`poll`] | one mailbox's poller: wait, check, report |
//! | [`client`] | POP3 from the client's side, a type for each state |
//! | [`store`] | the cache: notices kept, unique-ids seen, notices read |
//! | [`server`] | POP3 from the server's side, LMTP, the spool of mbox files and Maildirs |
//! | [`notice`] | what a reader sees of one mail (pure) |
//! | [`net`] | one stream type: plain, TLS, or upgraded by STLS |
//! | [`pop3`] | the protocol itself, for both sides (pure) |
//! | [`secret`] | where passwords come from |
//! | [`config`] | the settings as plain data |
//! | [`causes`] | an error and what caused it, in one line |
//! | [`work`] | what blocks, on threads that may |
//!
//! Each room imports only rooms below it in this table, with these narrowings: `tui` takes nothing
//! but `notice`, `poll::report` and `config`; `client` and `server` never import one another; only
//! `poll`, `app`, `demo` and `cli` know the `store`.
//!
//! # Words
//!
//! A *notice* is one message as people see it, a *headline* its one line in the list. A cache has
//! *seen* a unique-id once it has fetched it; a person has *read* a notice once they opened it. A
//! *check* is one session from connect to QUIT, a *report* what a check found. The *spool* is the
//! server's folder of mailboxes, to *deliver* is to add to one of them.

pub mod app;
pub mod causes;
pub mod cli;
pub mod client;
pub mod config;
pub mod demo;
pub mod net;
pub mod notice;
pub mod poll;
pub mod pop3;
pub mod secret;
pub mod server;
pub mod store;
pub mod tui;
pub mod work;

//! POP3 itself, for both sides: what is said, how it looks as bytes, and when it may be said.
//!
//! Spoken here: RFC 1939 (POP3), RFC 2449 (CAPA and response codes), RFC 3206 (`[AUTH]`, `[SYS/…]`),
//! RFC 2595 (STLS), and RFC 5034 with RFC 4616 (AUTH PLAIN) and RFC 7677 (SCRAM). Nothing in here waits, opens or sends:
//! bytes go in and values come out, or the other way round.

pub mod capability;
pub mod codec;
pub mod command;
pub mod listing;
pub mod multiline;
pub mod response;
pub mod sasl;
pub mod state;

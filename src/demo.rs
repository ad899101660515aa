//! A server of its own, teammates, and a story where notices arrive while you watch.

pub mod cast;
pub mod chance;
pub mod event;
pub mod inbox;
pub mod join;
pub mod ledger;
pub mod letters;
pub mod plain;
pub mod story;

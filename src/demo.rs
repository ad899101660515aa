//! A server of its own, teammates, and a story where notices arrive while you watch.

pub mod cast;
pub mod chance;
pub mod inbox;
pub mod letters;
pub mod story;

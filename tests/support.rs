//! What several tests share.

pub mod peer;
pub mod scratch;
pub mod talk;
pub mod transcript;

//! What several tests share.

pub mod scratch;
pub mod talk;
pub mod transcript;

//! What several tests share.

pub mod scratch;
pub mod transcript;

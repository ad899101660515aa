//! The tests, as one program.

mod rendering;
mod words;

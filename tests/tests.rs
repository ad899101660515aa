//! The tests, as one program.

mod demo;
mod words;

//! The tests, as one program.

mod words;

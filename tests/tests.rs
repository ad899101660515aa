//! The tests, as one program.

mod hostile;
mod rendering;
mod threads;
mod words;

//! The tests, as one program.

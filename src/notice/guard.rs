//! Catches a library that panics over a mail: the mail is then shown as plain text.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Returns what the reading of a mail yields, none if it panicked.
pub fn without_panic<T>(read: impl FnOnce() -> T) -> Option<T> {
    let outer = GUARDED.replace(true);
    // What is read is dropped whole after a panic, so that nothing half-done is seen.
    let outcome = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(outer);
    outcome.ok()
}

/// Returns true while a mail is read on this thread. A panic is caught then: a panic hook has
/// nothing to restore and nothing to print.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

//! Work that blocks, beside the tasks that wait: on threads that may. A simulation has it done on its own thread, between
//! two tasks, so that all that happens has one order.

use std::cell::Cell;

use tokio::task::{self, JoinHandle};

thread_local! {
    static IS_HERE: Cell<bool> = const { Cell::new(false) };
}

/// Has what is begun from this thread done on it from now on, one after the other. A runtime of this thread alone must
/// be behind it.
pub fn stay_here() {
    IS_HERE.set(true);
}

/// True if what is begun from this thread is done on it.
pub fn is_here() -> bool {
    IS_HERE.get()
}

/// Begins work that blocks.
pub fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    match is_here() {
        true => tokio::spawn(async { work() }),
        false => task::spawn_blocking(work),
    }
}

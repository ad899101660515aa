//! Searches as one types: one at a time, and of those that wait only the latest. Each may find everything,
//! so that many at once would hold many times the mailbox.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// The searches of the screen.
#[derive(Clone, Debug, Default)]
pub(super) struct Searches(Arc<State>);

#[derive(Debug, Default)]
struct State {
    latest: AtomicU64,
    turn: Mutex<()>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Search {
    state: Arc<State>,
    number: u64,
}

impl Searches {
    /// A new one, which makes those before it void.
    pub fn begin(&self) -> Search {
        Search {
            state: self.0.clone(),
            number: self.0.latest.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }
}

impl Search {
    /// Waits for its turn, searches, and tells what was found; nothing of it once it is void. It blocks.
    pub fn run<T>(self, search: impl FnOnce() -> T, tell: impl FnOnce(T)) {
        let _turn = self
            .state
            .turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.is_void() {
            return;
        }
        let found = search();
        if !self.is_void() {
            tell(found);
        }
    }

    fn is_void(&self) -> bool {
        self.state.latest.load(Ordering::Relaxed) != self.number
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    #[test]
    fn of_those_that_wait_only_the_latest_searches() {
        let searches = Searches::default();
        let (begun, has_begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let (told, heard) = mpsc::channel();
        let first = searches.begin();
        let tell = told.clone();
        let running = thread::spawn(move || {
            first.run(
                || {
                    begun.send(()).expect("somebody waits");
                    may_go_on.recv().expect("a word");
                },
                |()| tell.send(0).expect("somebody hears"),
            );
        });
        has_begun.recv().expect("it has begun");

        let waiting: Vec<_> = (1..=10)
            .map(|number| (number, searches.begin(), told.clone()))
            .map(|(number, search, tell)| {
                thread::spawn(move || search.run(|| (), |()| tell.send(number).expect("heard")))
            })
            .collect();
        go_on.send(()).expect("it waits");
        running.join().expect("it ends");
        waiting
            .into_iter()
            .for_each(|one| one.join().expect("it ends"));
        drop(told);

        assert_eq!(
            heard.iter().collect::<Vec<i32>>(),
            [10],
            "the first became void while it ran"
        );
    }
}

//! Work of which only the latest is wanted, searches as one types and notices as one leafs: one at a time,
//! and of those that wait only the latest. Each may hold a whole mailbox or a large mail; always on the
//! same thread, what one has freed serves the next.

use std::{sync::mpsc as jobs, thread};

use tokio::sync::mpsc;

/// Does work of one kind, each time giving a `T`.
#[derive(Clone, Debug)]
pub(super) struct Latest<T>(jobs::Sender<Job<T>>);

type Job<T> = Box<dyn FnOnce() -> T + Send>;

impl<T: Send + 'static> Latest<T> {
    /// Starts the thread; it ends once nothing can be wanted of it any more. What comes of the work goes `to`
    /// somebody.
    pub fn start(to: mpsc::Sender<T>) -> Latest<T> {
        let (wanted, wishes) = jobs::channel::<Job<T>>();
        thread::spawn(move || {
            let mut next = None;
            while let Some(job) = next.take().or_else(|| wishes.recv().ok()) {
                let job = wishes.try_iter().last().unwrap_or(job);
                let outcome = job();
                next = wishes.try_iter().last();
                if next.is_none() && to.blocking_send(outcome).is_err() {
                    return;
                }
            }
        });
        Latest(wanted)
    }

    /// Does `work`, which may block, once what was wanted before it has ended. All that was wanted before
    /// becomes void: it is not begun, and nothing of it is sent.
    pub fn want(&self, work: impl FnOnce() -> T + Send + 'static) {
        // The thread is gone if nobody listens any more.
        let _ = self.0.send(Box::new(work));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn of_what_waits_only_the_latest_is_done() {
        let (to, mut told) = mpsc::channel(20);
        let latest = Latest::start(to);
        let (begun, has_begun) = channel();
        let (go_on, may_go_on) = channel::<()>();
        latest.want(move || {
            begun.send(()).expect("somebody waits");
            may_go_on.recv().expect("a word");
            0
        });
        has_begun.recv().expect("it has begun");
        for number in 1..=10 {
            latest.want(move || number);
        }
        go_on.send(()).expect("it waits");

        let first = told.blocking_recv();
        assert_eq!(first, Some(10), "the first became void while it ran");
        drop(latest);
        assert_eq!(told.blocking_recv(), None);
    }
}

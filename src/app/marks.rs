//! The one writer of marks: in order, off the loop, and again until they are written.

use std::{collections::VecDeque, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time,
};

use crate::{
    notice::{NoticeId, shown::Shown},
    poll::{outcome::chain, tell::blocking},
    store::{Store, marks::Change},
    tui::event::Event,
};

/// Marks to be written.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub store: Store,
    pub ids: Vec<NoticeId>,
    pub change: Change,
}

/// The writer's task.
#[derive(Debug)]
pub(super) struct Writer {
    wishes: mpsc::UnboundedSender<Wish>,
    end: oneshot::Sender<()>,
    task: JoinHandle<bool>,
}

/// How long is waited before marks that could not be written are tried again.
const RETRY: Duration = Duration::from_secs(15);

impl Writer {
    pub fn start(events: mpsc::Sender<Event>) -> Writer {
        // Unbounded: a mark is a few octets, made by a person's key, and must never be lost.
        let (wishes, wished) = mpsc::unbounded_channel();
        let (end, ended) = oneshot::channel();
        Writer {
            wishes,
            end,
            task: tokio::spawn(write_all(wished, ended, events)),
        }
    }

    pub fn write(&self, wish: Wish) {
        // The task lives as long as this handle.
        let _ = self.wishes.send(wish);
    }

    /// Writes what is left; false if it cannot be written.
    pub async fn finish(self) -> bool {
        drop(self.wishes);
        let _ = self.end.send(());
        self.task.await.unwrap_or(false)
    }
}

async fn write_all(
    mut wished: mpsc::UnboundedReceiver<Wish>,
    mut ended: oneshot::Receiver<()>,
    events: mpsc::Sender<Event>,
) -> bool {
    let mut waiting: VecDeque<Wish> = VecDeque::new();
    let mut is_failing = false;
    let mut has_ended = false;
    loop {
        while let Some(wish) = waiting.front().cloned() {
            let Wish { store, ids, change } = wish;
            match blocking(move || store.mark(&ids, change)).await {
                Ok(_) => {
                    waiting.pop_front();
                    if std::mem::take(&mut is_failing) {
                        let _ = events.try_send(Event::MarksSaved);
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_failing, true) {
                        let why = Shown::line(&chain(&error));
                        let _ = events.try_send(Event::MarksUnsaved { why });
                    }
                    break;
                }
            }
        }
        if has_ended && wished.is_empty() {
            return waiting.is_empty();
        }
        tokio::select! {
            wish = wished.recv() => match wish {
                Some(wish) => waiting.push_back(wish),
                None => has_ended = true,
            },
            _ = &mut ended, if !has_ended => has_ended = true,
            () = time::sleep(RETRY), if is_failing && !has_ended => {}
        }
        while let Ok(wish) = wished.try_recv() {
            waiting.push_back(wish);
        }
    }
}

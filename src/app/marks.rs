//! The one writer of marks: in order, off the loop, and again until they are written.

use std::{collections::VecDeque, path::PathBuf, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time,
};

use crate::{
    causes::chain,
    notice::{NoticeId, shown::Shown},
    poll::tell::blocking,
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
        match write_what_can_be(&mut waiting).await {
            None => {
                if std::mem::take(&mut is_failing) {
                    tell(&events, Event::MarksSaved);
                }
            }
            Some(why) => {
                if !std::mem::replace(&mut is_failing, true) {
                    tell(&events, Event::MarksUnsaved { why });
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

/// Tells the screen, which may be busy or gone.
fn tell(events: &mpsc::Sender<Event>, event: Event) {
    let events = events.clone();
    tokio::spawn(async move { events.send(event).await });
}

/// Writes the marks that can be written, those of one mailbox in their order, and says why others
/// cannot be. One mailbox's trouble does not hold back another's marks.
async fn write_what_can_be(waiting: &mut VecDeque<Wish>) -> Option<Shown> {
    let mut first_trouble = None;
    let mut failing: Vec<PathBuf> = Vec::new();
    for wish in std::mem::take(waiting) {
        let path = wish.store.path().to_owned();
        if failing.contains(&path) {
            waiting.push_back(wish);
            continue;
        }
        let Wish { store, ids, change } = wish.clone();
        if let Err(error) = blocking(move || store.mark(&ids, change)).await {
            first_trouble.get_or_insert_with(|| Shown::line(&chain(&error)));
            failing.push(path);
            waiting.push_back(wish);
        }
    }
    first_trouble
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::Timestamp;

    use super::*;
    use crate::{
        notice::headline::Digest,
        pop3::listing::{Octets, UniqueId},
        store::{
            arrival::{Arrival, Kept},
            seen::Listed,
        },
    };

    fn store_with_a_notice(path: &Path) -> (Store, NoticeId) {
        let store = Store::open(path).expect("a cache").store;
        let mail = b"Subject: One\r\n\r\ntext\r\n";
        let digest = Digest::of(mail, Timestamp::UNIX_EPOCH);
        let unique_id = UniqueId::new(*b"a").expect("a unique-id");
        let arrival = Arrival::new(unique_id, Octets(26), mail.to_vec(), digest);
        let kept = store
            .keep(vec![arrival], &Listed::default(), Timestamp::UNIX_EPOCH)
            .expect("kept");
        match kept.as_slice() {
            [Kept::New(headline) | Kept::Quiet(headline)] => (store, headline.id),
            kept => panic!("{kept:?}"),
        }
    }

    fn is_starred(store: &Store) -> bool {
        store.headlines(None, 1).expect("headlines")[0]
            .marks
            .starred
    }

    #[tokio::test]
    async fn a_cache_that_cannot_be_written_holds_back_no_others_marks() {
        let folder = tempfile::tempdir().expect("a folder");
        let (locked, locked_id) = store_with_a_notice(&folder.path().join("locked.db"));
        let (free, free_id) = store_with_a_notice(&folder.path().join("free.db"));
        let forbid =
            "CREATE TRIGGER forbid BEFORE UPDATE ON notice BEGIN SELECT RAISE(FAIL, 'no'); END";
        let direct = rusqlite::Connection::open(locked.path()).expect("a file");
        direct.execute_batch(forbid).expect("forbidden");
        let star = |store: &Store, id| Wish {
            store: store.clone(),
            ids: vec![id],
            change: Change::Starred(true),
        };
        let mut waiting = VecDeque::from([star(&locked, locked_id), star(&free, free_id)]);

        let trouble = write_what_can_be(&mut waiting).await;

        assert!(trouble.is_some());
        assert_eq!(waiting.len(), 1);
        assert!(is_starred(&free) && !is_starred(&locked));

        direct
            .execute_batch("DROP TRIGGER forbid")
            .expect("allowed");

        assert_eq!(write_what_can_be(&mut waiting).await, None);
        assert!(waiting.is_empty() && is_starred(&locked));
    }
}

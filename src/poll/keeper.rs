//! The thread beside a check that reads mails and keeps them, while the next ones are on their way.
//!
//! Mails wait in a queue that is bounded in octets, so that a check takes no more memory than that,
//! however fast the server is. What waits together is kept together, as one transaction.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinHandle,
    time,
};

use super::{report::Report, tell::Tell};
use crate::{
    client::fetch::{Fetch, Part},
    config::Age,
    notice::{Headline, NoticeId, headline::Digest},
    pop3::listing::{Octets, UniqueId},
    store::{
        self, Store,
        arrival::{Arrival, Kept},
        index::Entry,
        seen::Listed,
    },
    work,
};

/// A message that has come.
#[derive(Debug)]
pub(super) struct Mail {
    pub unique_id: UniqueId,
    pub octets: Octets,
    pub bytes: Vec<u8>,
    pub is_complete: bool,
}

/// What the keeper needs to know of the check.
#[derive(Debug)]
pub(super) struct Terms {
    pub store: Store,
    pub now: Timestamp,
    /// Set at the first check: what is older starts as read.
    pub unread_since: Option<Age>,
    /// How many notices are expected, and how many octets.
    pub of: u32,
    pub of_octets: u64,
    /// True if words are put into the index later: behind the check, or by the first search.
    pub indexes_later: bool,
    /// The highest id so far: the newest notice, which comes first, gets the highest of the new ones.
    pub highest_id: NoticeId,
    /// The unique-ids under which a message had another size before, in their order.
    pub resized: Vec<UniqueId>,
}

/// What was kept.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub new: u32,
    /// Those of them that somebody is to be told of.
    pub told: u32,
    pub octets: u64,
    pub recognised: Vec<NoticeId>,
    /// Those that are others than what was seen under their unique-ids before.
    pub others: u32,
}

/// The queue into the keeper.
#[derive(Debug)]
pub(super) struct Keeper {
    queue: mpsc::Sender<(Mail, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
    task: JoinHandle<Result<Tally, store::Error>>,
}

/// The most octets that wait, in units of [`UNIT`]: 12 MB.
const ROOM: u32 = 3_072;
/// The grain in which room is counted, in octets.
const UNIT: u64 = 4_096;
/// The most mails that are kept as one transaction.
const LARGEST_BATCH: usize = 400;
/// The first transactions are small, so that the newest notices are on the screen at once.
const FIRST_BATCH: usize = 25;
/// A few mails wait for the others that are on their way, this long: each transaction waits for the disk.
const MOST_WAITING: Duration = Duration::from_millis(5);

impl Keeper {
    /// Starts the thread, which puts the listed names in order while the first mails are on their way.
    pub fn start(
        terms: Terms,
        listed: impl FnOnce() -> Listed + Send + 'static,
        tell: Tell,
    ) -> Keeper {
        let (queue, mails) = mpsc::channel(LARGEST_BATCH * 2);
        Keeper {
            queue,
            room: Arc::new(Semaphore::new(ROOM as usize)),
            task: match work::is_here() {
                true => tokio::spawn(keep_all_here(terms, listed, mails, tell)),
                false => work::begin(move || keep_all(&terms, listed, mails, &tell)),
            },
        }
    }

    /// Hands a mail over, waiting while too much is waiting already; false if the keeper has ended,
    /// which [`Keeper::finish`] gives the reason of.
    pub async fn hand_over(&self, mail: Mail) -> bool {
        match self.room(mail.bytes.len() as u64).await {
            Some(room) => self.queue.send((mail, room)).await.is_ok(),
            None => false,
        }
    }

    /// Waits for room for a message that is about to come.
    pub async fn room_for(&self, fetch: Fetch) -> Option<OwnedSemaphorePermit> {
        self.room(match fetch.part {
            Part::Whole => fetch.octets.0,
            Part::Headers => 0,
        })
        .await
    }

    /// Hands over a mail that there is room for; false if the keeper has ended.
    pub async fn hand_over_into(&self, room: OwnedSemaphorePermit, mail: Mail) -> bool {
        let octets = mail.bytes.len() as u64;
        if room.num_permits() < units(octets) as usize {
            // Larger than the listing says. What it has is given back before it asks for more.
            drop(room);
            return self.hand_over(mail).await;
        }
        self.queue.send((mail, room)).await.is_ok()
    }

    async fn room(&self, octets: u64) -> Option<OwnedSemaphorePermit> {
        let units = units(octets);
        let room = Arc::clone(&self.room).acquire_many_owned(units).await;
        room.ok()
    }

    /// Waits until all that was handed over is kept.
    pub async fn finish(self) -> Result<Tally, store::Error> {
        drop(self.queue);
        self.task.await.expect("the keeper does not panic")
    }
}

/// The room that so many octets take, no more than there is.
fn units(octets: u64) -> u32 {
    u32::try_from(octets / UNIT + 1).unwrap_or(ROOM).min(ROOM)
}

/// Mails that were read, each with the room that it takes up.
struct Batch {
    arrivals: Vec<(Arrival, OwnedSemaphorePermit)>,
    octets: u64,
}

impl Batch {
    fn append(&mut self, mut next: Batch) {
        self.arrivals.append(&mut next.arrivals);
        self.octets += next.octets;
    }
}

/// Reads mails on one thread and keeps them on this one, so that neither waits for the other.
fn keep_all(
    terms: &Terms,
    listed: impl FnOnce() -> Listed,
    mails: mpsc::Receiver<(Mail, OwnedSemaphorePermit)>,
    tell: &Tell,
) -> Result<Tally, store::Error> {
    std::thread::scope(|scope| {
        let (read, batches) = std::sync::mpsc::sync_channel(1);
        scope.spawn(move || read_all(terms, mails, &read));
        // Returning drops the receiver, at which the other thread ends as well.
        keep_batches(terms, &listed(), &batches, tell)
    })
}

fn read_all(
    terms: &Terms,
    mut mails: mpsc::Receiver<(Mail, OwnedSemaphorePermit)>,
    read: &std::sync::mpsc::SyncSender<Batch>,
) {
    let mut reading = Reading::new(terms);
    let mut waiting = Vec::new();
    // What came while the last batch was being read goes together with the next.
    while mails.blocking_recv_many(&mut waiting, reading.most) > 0 {
        if read.send(reading.batch(&mut waiting)).is_err() {
            return;
        }
    }
}

fn keep_batches(
    terms: &Terms,
    listed: &Listed,
    batches: &std::sync::mpsc::Receiver<Batch>,
    tell: &Tell,
) -> Result<Tally, store::Error> {
    let mut keeping = Keeping::new(terms, listed);
    while let Ok(mut batch) = batches.recv() {
        while keeping.waits_for_more(&batch)
            && let Ok(next) = batches.recv_timeout(MOST_WAITING)
        {
            batch.append(next);
        }
        for report in keeping.keep(batch)? {
            tell.report_blocking(report);
        }
    }
    Ok(keeping.tally)
}

/// Reads mails and keeps them on the task that waits for them, as in a simulation.
async fn keep_all_here(
    terms: Terms,
    listed: impl FnOnce() -> Listed,
    mut mails: mpsc::Receiver<(Mail, OwnedSemaphorePermit)>,
    tell: Tell,
) -> Result<Tally, store::Error> {
    let listed = listed();
    let (mut reading, mut keeping) = (Reading::new(&terms), Keeping::new(&terms, &listed));
    let mut waiting = Vec::new();
    while mails.recv_many(&mut waiting, reading.most).await > 0 {
        let mut batch = reading.batch(&mut waiting);
        while keeping.waits_for_more(&batch) {
            let more = mails.recv_many(&mut waiting, reading.most);
            let Ok(1..) = time::timeout(MOST_WAITING, more).await else {
                break;
            };
            batch.append(reading.batch(&mut waiting));
        }
        for report in keeping.keep(batch)? {
            tell.report(report).await;
        }
    }
    Ok(keeping.tally)
}

/// Mails become arrivals.
struct Reading<'t> {
    terms: &'t Terms,
    /// How many are read together.
    most: usize,
    /// The id that the next one is to have.
    id: i64,
}

impl Reading<'_> {
    fn new(terms: &Terms) -> Reading<'_> {
        Reading {
            terms,
            most: FIRST_BATCH,
            id: terms.highest_id.0 + i64::from(terms.of),
        }
    }

    fn batch(&mut self, waiting: &mut Vec<(Mail, OwnedSemaphorePermit)>) -> Batch {
        self.most = LARGEST_BATCH;
        let octets = waiting
            .iter()
            .map(|(mail, _)| mail.bytes.len() as u64)
            .sum();
        let arrivals = waiting
            .drain(..)
            .map(|(mail, permit)| {
                let wanted = NoticeId(self.id);
                self.id -= 1;
                (arrival(self.terms, mail, wanted), permit)
            })
            .collect();
        Batch { arrivals, octets }
    }
}

/// Arrivals are kept.
struct Keeping<'t> {
    terms: &'t Terms,
    listed: &'t Listed,
    tally: Tally,
    fetched: u32,
}

impl<'t> Keeping<'t> {
    fn new(terms: &'t Terms, listed: &'t Listed) -> Keeping<'t> {
        Keeping {
            terms,
            listed,
            tally: Tally::default(),
            fetched: 0,
        }
    }

    /// True if a batch is small and there is more to come.
    fn waits_for_more(&self, batch: &Batch) -> bool {
        let count = batch.arrivals.len();
        count < FIRST_BATCH && self.fetched as usize + count < self.terms.of as usize
    }

    /// Keeps a batch, as one transaction; gives what is to be told of it.
    fn keep(&mut self, batch: Batch) -> Result<Vec<Report>, store::Error> {
        let terms = self.terms;
        let count = batch.arrivals.len();
        let is_resized =
            |arrival: &Arrival| terms.resized.binary_search(&arrival.unique_id).is_ok();
        let resized: Vec<bool> = match terms.resized.is_empty() {
            true => vec![false; count],
            false => {
                let arrivals = batch.arrivals.iter().map(|(arrival, _)| arrival);
                arrivals.map(is_resized).collect()
            }
        };
        // What is written makes room for what comes, long before the transaction is at its end.
        let mut room = None;
        let arrivals = batch.arrivals.into_iter().map(|(arrival, taken)| {
            room = Some(taken);
            arrival
        });
        let kept = terms.store.keep(arrivals, self.listed, terms.now)?;

        self.fetched += u32::try_from(count).unwrap_or(u32::MAX);
        let tally = &mut self.tally;
        tally.octets += batch.octets;
        let mut headlines: Vec<Headline> = Vec::new();
        let mut filled: Vec<Headline> = Vec::new();
        let mut returned: Vec<NoticeId> = Vec::new();
        let mut gone: Vec<NoticeId> = Vec::new();
        for (kept, is_resized) in kept.into_iter().zip(resized) {
            let is_other = matches!(kept, Kept::New(_) | Kept::Quiet(_) | Kept::Recognised(_));
            tally.others += u32::from(is_resized && is_other);
            match kept {
                Kept::New(headline) => {
                    tally.new += 1;
                    tally.told += 1;
                    headlines.push(headline);
                }
                Kept::Quiet(headline) => {
                    tally.new += 1;
                    headlines.push(headline);
                }
                Kept::Completed(headline) => filled.push(headline),
                Kept::Recognised(id) => tally.recognised.push(id),
                Kept::RecognisedBehind { id, stand_in } => {
                    tally.recognised.push(id);
                    gone.push(stand_in);
                }
                Kept::AsBefore(_) => {}
                Kept::Returned(id) => returned.push(id),
            }
        }
        let mut reports = Vec::new();
        if !headlines.is_empty() {
            reports.push(Report::Arrived(headlines));
        }
        if !filled.is_empty() {
            reports.push(Report::Filled(filled));
        }
        if !returned.is_empty() {
            reports.push(Report::Returned(returned));
        }
        if !gone.is_empty() {
            // As long as the screen shows them.
            let since = terms.now;
            reports.push(Report::Withdrawn { ids: gone, since });
        }
        reports.push(Report::Progress {
            fetched: self.fetched,
            of: terms.of,
            octets: tally.octets,
            of_octets: terms.of_octets,
        });
        Ok(reports)
    }
}

fn arrival(terms: &Terms, mail: Mail, wanted: NoticeId) -> Arrival {
    let mut digest = match terms.indexes_later {
        true => Digest::without_words(&mail.bytes, terms.now),
        false => Digest::of(&mail.bytes, terms.now),
    };
    digest.headline.size = mail.octets.0.max(mail.bytes.len() as u64);
    let starts_read = match terms.unread_since {
        None | Some(Age::All) => false,
        Some(Age::None) => true,
        Some(Age::Within(age)) => terms
            .now
            .checked_sub(age)
            .is_ok_and(|limit| digest.headline.date < limit),
    };
    Arrival {
        is_complete: mail.is_complete,
        starts_read,
        wanted_id: Some(wanted).filter(|id| *id > terms.highest_id),
        entry: (!terms.indexes_later).then(|| Entry::of(digest.search_text)),
        headline: digest.headline,
        fingerprint: digest.fingerprint,
        succession: digest.succession,
        unique_id: mail.unique_id,
        octets: mail.octets,
        bytes: mail.bytes,
    }
}

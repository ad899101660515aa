//! The readers that the demo plays: real pollers, each with a cache of its own.
//!
//! What they have read is in their caches alone, as with any reader; [`seat`] makes such a cache
//! and gives it its first marks.

use std::{collections::HashSet, time::Duration};

use compact_str::CompactString;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{self, Age, Settings},
    demo::{
        Error,
        cast::Person,
        event::{Doing, Screen},
        inbox::Mail,
    },
    notice::{Headline, MailboxIndex, NoticeId, headline::Digest, shown::Shown},
    poll::{
        Poller, Reports,
        check::Check,
        report::{Outcome, Summary},
        tell::{Tell, blocking},
    },
    pop3::listing::{Octets, UniqueId},
    store::{
        self, Store,
        arrival::{Arrival, Kept},
        marks::Change,
        seen::Listed,
    },
};

/// A reader at work.
#[derive(Debug)]
pub struct Reader {
    who: Person,
    store: Store,
    poller: Poller,
    doing: Doing,
    selected: Option<CompactString>,
    failed: bool,
}

/// What a check was to a reader.
#[derive(Clone, Debug, PartialEq)]
pub enum Visit {
    /// It came through, as the one before had.
    Usual,
    /// It came through, and the one before had not.
    CameThrough,
    /// Another held the mailbox.
    FoundBusy {
        /// The server's words.
        words: Shown,
        /// The time until the next try.
        again: Duration,
    },
    /// It did not come through for another reason.
    Failed,
}

impl Reader {
    /// Starts a reader's poller on a cache that was made ready by [`seat`].
    pub fn start(who: Person, store: Store, settings: &Settings, reports: Reports) -> Reader {
        let mailbox = settings
            .mailboxes
            .first()
            .expect("the demo's settings have a mailbox");
        let poller = Poller::start(index_of(who), mailbox, settings, store.clone(), reports);
        Reader {
            who,
            store,
            poller,
            doing: Doing::default(),
            selected: None,
            failed: false,
        }
    }

    /// Who it is.
    pub fn who(&self) -> Person {
        self.who
    }

    /// Comes to the desk and looks over the list.
    pub fn come(&mut self) {
        if self.doing == Doing::Away {
            self.doing = Doing::Browsing;
        }
    }

    /// Leaves the desk. The poller goes on.
    pub fn leave(&mut self) {
        self.doing = Doing::Away;
        self.selected = None;
    }

    /// Opens the newest notice whose subject begins so, or their newest unread one if that is
    /// empty. Returns false if there is none.
    ///
    /// # Errors
    ///
    /// The cache cannot be used.
    pub async fn open(&mut self, subject: &str) -> Result<bool, store::Error> {
        let wanted = |headline: &Headline| match subject.is_empty() {
            true => !headline.marks.read && headline.fate.withdrawn.is_none(),
            false => headline.subject.starts_with(subject),
        };
        let headlines = self.headlines().await?;
        let Some(headline) = headlines.into_iter().find(wanted) else {
            return Ok(false);
        };
        let (store, id) = (self.store.clone(), headline.id);
        blocking(move || store.mark(&[id], Change::Read(true))).await?;
        self.selected = Some(headline.handle);
        self.doing = Doing::Reading(headline.subject);
        Ok(true)
    }

    /// What is on their screen.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub async fn screen(&self) -> Result<Screen, store::Error> {
        Ok(Screen {
            doing: self.doing.clone(),
            headlines: self.headlines().await?,
            selected: self.selected.clone(),
        })
    }

    /// Takes notice of how a check went.
    pub fn visited(&mut self, summary: &Summary) -> Visit {
        let had_failed = self.failed;
        self.failed = !summary.outcome.is_done();
        match &summary.outcome {
            Outcome::Done if had_failed => Visit::CameThrough,
            Outcome::Done => Visit::Usual,
            Outcome::Busy { words } => Visit::FoundBusy {
                words: words.clone(),
                again: until_next(summary),
            },
            _ => Visit::Failed,
        }
    }

    /// Asks the poller for a check.
    pub fn check_now(&self) {
        self.poller.check_now();
    }

    /// Ends the poller, with QUIT.
    pub async fn stop(self) {
        self.poller.stop().await;
    }

    async fn headlines(&self) -> Result<Vec<Headline>, store::Error> {
        let store = self.store.clone();
        blocking(move || store.headlines(None, MOST)).await
    }
}

/// Makes a reader's cache: one check, then the marks that the asset gives them, and the notices that
/// are no longer at the server.
///
/// # Errors
///
/// The check does not come through, or the cache cannot be used.
pub async fn seat(
    who: Person,
    settings: &Settings,
    mails: &[Mail],
    now: Timestamp,
) -> Result<Store, Error> {
    let mut settings = settings.clone();
    let mailbox = settings
        .mailboxes
        .first_mut()
        .expect("the demo's settings have a mailbox");
    mailbox.unread_since = Some(Age::All);
    let mailbox = mailbox.clone();
    let path = config::file::cache_path(&settings, &mailbox)?;
    let store = blocking(move || Store::open(&path)).await?.store;

    // Nobody listens: the screen is not there yet.
    let (reports, _) = mpsc::channel(1);
    let password = SecretString::from(mailbox.password.reveal().unwrap_or_default());
    let check = Check {
        mailbox: &mailbox,
        settings: &settings,
        store: &store,
        password: &password,
        cancelled: &CancellationToken::new(),
        tell: &Tell::new(index_of(who), reports),
        in_slices: false,
    };
    let (summary, _) = check.run(now).await;
    if !summary.outcome.is_done() {
        return Err(Error::FirstCheck {
            who,
            words: summary.outcome.words(),
        });
    }
    let (marked, mails) = (store.clone(), mails.to_vec());
    blocking(move || mark(&marked, who, &mails, now)).await?;
    Ok(store)
}

/// Gives the marks of the asset, by the moment at which each mail was sent: no two have the same.
fn mark(store: &Store, who: Person, mails: &[Mail], now: Timestamp) -> Result<(), store::Error> {
    for mail in mails {
        if let Some(since) = mail.withdrawn {
            keep_withdrawn(store, mail, since, now)?;
        }
    }
    let headlines = store.headlines(None, MOST)?;
    let ids_of = |is_wanted: &dyn Fn(&Mail) -> bool| -> Vec<NoticeId> {
        let sent: HashSet<i64> = mails
            .iter()
            .filter(|mail| is_wanted(mail))
            .map(|mail| mail.sent.as_second())
            .collect();
        headlines
            .iter()
            .filter(|headline| sent.contains(&headline.date.as_second()))
            .map(|headline| headline.id)
            .collect()
    };
    store.mark(
        &ids_of(&|mail| !mail.unread.contains(&who)),
        Change::Read(true),
    )?;
    store.mark(
        &ids_of(&|mail| mail.starred.contains(&who)),
        Change::Starred(true),
    )?;
    Ok(())
}

/// Keeps a notice that this reader had fetched before it left the server.
fn keep_withdrawn(
    store: &Store,
    mail: &Mail,
    since: Timestamp,
    now: Timestamp,
) -> Result<(), store::Error> {
    let octets = Octets(mail.bytes.len() as u64);
    let mut digest = Digest::of(&mail.bytes, now);
    digest.headline.size = octets.0;
    let unique_id = UniqueId::new(b"withdrawn".as_slice()).expect("printable, and short enough");
    let arrival = Arrival {
        starts_read: true,
        ..Arrival::new(unique_id, octets, mail.bytes.clone(), digest)
    };
    let kept = store.keep(vec![arrival], &Listed::default(), since)?;
    let ids: Vec<NoticeId> = kept
        .into_iter()
        .map(|kept| match kept {
            Kept::New(headline) | Kept::Quiet(headline) | Kept::Completed(headline) => headline.id,
            Kept::Recognised(id)
            | Kept::RecognisedBehind { id, .. }
            | Kept::AsBefore(id)
            | Kept::Returned(id) => id,
        })
        .collect();
    store.withdraw(&ids, since)
}

/// How a reader's reports are told from the others'.
pub fn index_of(who: Person) -> MailboxIndex {
    MailboxIndex(who as usize)
}

/// Who these reports are of.
pub fn who_is(index: MailboxIndex) -> Option<Person> {
    Person::ALL.get(index.0).copied()
}

fn until_next(summary: &Summary) -> Duration {
    summary
        .next
        .and_then(|next| Duration::try_from(next.duration_since(Timestamp::now())).ok())
        .unwrap_or_default()
}

/// More notices than a demo ever has.
const MOST: usize = 10_000;

//! A cache that is torn off at any page, or has a bit turned over in any page: it opens or is built anew,
//! nothing panics, and the next check ends with every notice, once. `TIDINGS_SEED` says which bits.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use tidings::{
    notice::MailboxIndex,
    poll::{
        check::Check,
        report::{Outcome, Report},
        tell::Tell,
    },
    store::{Error, Store, marks::Change},
};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::support::{
    chance::Chance,
    mailbox::Reader,
    scratch::{Scratch, Served},
};

const NOTICES: usize = 25;
const PAGE: u64 = 16_384;

/// A server with mail, and a cache of it with marks, closed.
async fn whole() -> (Scratch, Served, tempfile::TempDir) {
    let scratch = Scratch::new();
    for number in 0..NOTICES {
        let text = "words and more words\n".repeat(40 * (number % 5));
        let mail = format!(
            "From: Priya <priya@team.example>\nSubject: Notice {number}\n\
             Message-ID: <{number}@team.example>\nDate: Thu, 5 Nov 2026 10:00:{number:02} +0000\n\n{text}end\n"
        );
        scratch.deliver(mail.as_bytes());
    }
    let served = scratch.serve().await;
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("whole.db"))
        .expect("a cache")
        .store;
    let reader = reader(&served, store.clone());
    let (summary, _) = reader.check().await;
    assert_eq!(summary.new as usize, NOTICES);
    let starred: Vec<_> = reader
        .headlines()
        .iter()
        .step_by(3)
        .map(|one| one.id)
        .collect();
    store.mark(&starred, Change::Starred(true)).expect("marked");
    drop((reader, store));
    (scratch, served, folder)
}

fn reader(served: &Served, store: Store) -> Reader {
    let mut reader = Reader::of(served.address().port());
    reader.store = store;
    reader
}

/// Two checks, as they come one after the other.
fn check(reader: &Reader, runtime: &tokio::runtime::Handle) -> Result<(), String> {
    let mut last = None;
    for _ in 0..2 {
        let (summary, _) = runtime.block_on(reader.check());
        last = Some(summary.outcome);
    }
    match last {
        Some(Outcome::Done) => Ok(()),
        last => Err(format!("the check ended with {last:?}")),
    }
}

/// What a reader looks at: the list and each mail.
fn look(reader: &Reader) -> Result<(), Trouble> {
    let headlines = reader.store.headlines(None, 1_000)?;
    let mut subjects: Vec<&str> = headlines
        .iter()
        .filter(|headline| headline.fate.withdrawn.is_none())
        .map(|headline| headline.subject.as_str())
        .collect();
    subjects.sort_unstable();
    let there = subjects.len();
    subjects.dedup();
    // A row may have become another's, which nobody can see; no more than one.
    if there.abs_diff(NOTICES) > 1 || subjects.len() + 1 < NOTICES {
        let words = format!("{there} notices, {} of them distinct", subjects.len());
        return Err(Trouble::Wrong(words));
    }
    let (mut odd, mut is_missing) = (0, false);
    for headline in &headlines {
        match reader.store.mail(headline.id)? {
            Some(mail) => odd += usize::from(!mail.starts_with(b"From: ")),
            None => {
                reader.store.note_missing_mail(headline.id)?;
                is_missing = true;
            }
        }
    }
    if is_missing {
        return Err(Trouble::Missing);
    }
    // What a mail says may be another, in one place.
    if odd > 1 {
        return Err(Trouble::Wrong(format!("{odd} mails are lost")));
    }
    Ok(reader
        .store
        .mark(&[headlines[0].id], Change::Read(true))
        .map(drop)?)
}

enum Trouble {
    /// The cache says that it is damaged, as the program hears it when it shows something.
    Damaged,
    /// A mail is missing, which is noted, as the program does that was to show it.
    Missing,
    /// Something is not as it was, and nothing has said so.
    Wrong(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        match error {
            Error::Damaged { .. } => Trouble::Damaged,
            error => Trouble::Wrong(format!("{error:?}")),
        }
    }
}

/// Opens a damaged copy, checks, looks; what of it does not hold, in words.
fn try_out(served: &Served, path: &Path, runtime: &tokio::runtime::Handle) -> Result<(), String> {
    let tried = catch_unwind(AssertUnwindSafe(|| {
        let store = Store::open(path).map_err(|error| format!("it does not open: {error:?}"))?;
        let reader = reader(served, store.store);
        check(&reader, runtime)?;
        // As the program does that finds it while it shows something.
        for _ in 0..3 {
            match look(&reader) {
                Ok(()) => return Ok(()),
                Err(Trouble::Wrong(words)) => return Err(words),
                Err(Trouble::Missing) => {}
                Err(Trouble::Damaged) => {
                    let rebuilt = reader.store.rebuild();
                    rebuilt.map_err(|error| format!("{error:?}"))?;
                }
            }
            check(&reader, runtime)?;
        }
        Err("it stays damaged".to_owned())
    }));
    tried.unwrap_or_else(|_| Err("it panicked".to_owned()))
}

fn damaged(
    served: &Served,
    folder: &Path,
    what: &str,
    damage: impl Fn(&mut Vec<u8>),
) -> Result<(), String> {
    let path = folder
        .join(what.replace([' ', ','], "-"))
        .with_extension("db");
    let mut bytes = fs::read(folder.join("whole.db")).expect("the cache");
    damage(&mut bytes);
    fs::write(&path, &bytes).expect("a copy");
    let runtime = tokio::runtime::Handle::current();
    try_out(served, &path, &runtime).map_err(|why| format!("{what}: {why}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_torn_off_at_any_page_is_whole_after_the_next_check() {
    let (_scratch, served, folder) = whole().await;
    tokio::task::block_in_place(|| {
        let octets = fs::metadata(folder.path().join("whole.db"))
            .expect("it")
            .len();
        let mut failed = Vec::new();
        for page in 0..octets / PAGE {
            let end = usize::try_from(page * PAGE).expect("a length");
            for end in [end, end + 7] {
                let what = format!("torn off at {end}");
                let tried = damaged(&served, folder.path(), &what, |bytes| bytes.truncate(end));
                failed.extend(tried.err());
            }
        }
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bit_turned_over_in_any_page_harms_no_more_than_what_it_is_in() {
    let (_scratch, served, folder) = whole().await;
    tokio::task::block_in_place(|| {
        let octets = fs::metadata(folder.path().join("whole.db"))
            .expect("it")
            .len();
        let seed = std::env::var("TIDINGS_SEED").ok();
        let seed = seed.and_then(|seed| seed.parse().ok()).unwrap_or(7);
        let mut chance = Chance::of(seed);
        let mut failed = Vec::new();
        for page in 0..octets / PAGE {
            for _ in 0..3 {
                // The front of a page says what is in it.
                let most = if chance.one_in(2) { 100 } else { PAGE };
                let place = page * PAGE + chance.below(most);
                let (place, bit) = (usize::try_from(place).expect("a place"), chance.below(8));
                let what = format!("page {page}, octet {place}, bit {bit}");
                let tried = damaged(&served, folder.path(), &what, |bytes| {
                    bytes[place] ^= 1 << bit
                });
                failed.extend(tried.err());
            }
        }
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    });
}

/// What a disk does in the middle of a check, and does no more.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Full,
    ReadOnly,
}

impl Fault {
    fn strike(self, store: &Store) {
        match self {
            Fault::Full => store.cap(1),
            Fault::ReadOnly => store.set_read_only(true),
        }
        .expect("a fault");
    }

    fn pass(self, store: &Store) {
        match self {
            Fault::Full => store.cap(u32::MAX - 1),
            Fault::ReadOnly => store.set_read_only(false),
        }
        .expect("no fault");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_in_the_middle_of_a_check_loses_nothing_and_the_next_one_goes_on() {
    const MANY: usize = 2_000;
    let mbox: String = (0..MANY)
        .map(|number| {
            format!(
                "From a@team.example Mon Nov 23 08:00:00 2026\nSubject: mail {number}\n\
                 Message-ID: <{number}@team.example>\nDate: Mon, 23 Nov 2026 08:00:00 +0000\n\n{}\n",
                "a line of text\n".repeat(100)
            )
        })
        .collect();
    for fault in [Fault::Full, Fault::ReadOnly] {
        let scratch = Scratch::with_mbox(mbox.as_bytes());
        let served = scratch.serve().await;
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("cache.db"))
            .expect("a cache")
            .store;
        let reader = reader(&served, store.clone());
        let (reports, mut reported) = mpsc::channel(1);
        let tell = Tell::new(MailboxIndex(0), reports);
        let cancelled = CancellationToken::new();
        let check = Check {
            mailbox: &reader.mailbox,
            settings: &reader.settings,
            store: &reader.store,
            password: &reader.password,
            cancelled: &cancelled,
            tell: &tell,
            in_slices: false,
        };
        let struck = store.clone();
        let striker = tokio::spawn(async move {
            let mut told = 0;
            while let Some((_, report)) = reported.recv().await {
                if let Report::Arrived(headlines) = report {
                    if told == 0 {
                        fault.strike(&struck);
                    }
                    told += headlines.len();
                }
            }
            told
        });

        let (summary, _) = check.run(Timestamp::now()).await;
        drop(tell);
        let told = striker.await.expect("it ends");

        assert!(
            matches!(summary.outcome, Outcome::CannotSave { .. }),
            "{fault:?}: {:?}",
            summary.outcome
        );
        let kept = reader.headlines();
        assert_eq!(kept.len(), told, "{fault:?}: what was told of is kept");
        assert!(told > 0 && told < MANY, "{fault:?}: {told}");
        for headline in &kept {
            let mail = store
                .mail(headline.id)
                .expect("it is read")
                .expect("its mail");
            assert!(
                mail.ends_with(b"a line of text\r\n\r\n") || mail.ends_with(b"a line of text\r\n")
            );
        }

        fault.pass(&store);
        let (again, _) = reader.check().await;
        assert_eq!(
            again.outcome,
            Outcome::Done,
            "{fault:?}: {}",
            again.dialogue
        );
        assert_eq!(
            again.new as usize,
            MANY - told,
            "{fault:?}: what was kept is not fetched again"
        );
        let mut subjects = reader.subjects();
        subjects.sort();
        subjects.dedup();
        assert_eq!(subjects.len(), MANY);
        assert_eq!(reader.headlines().len(), MANY);
    }
}

//! Marks that follow a person: several machines, each with a cache, and folders that are kept alike by a
//! program that is late, copies parts, brings back old files and makes copies of conflicts.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use proptest::prelude::*;
use tidings::{
    notice::{Headline, Marks, NoticeId, fingerprint::Fingerprint, headline::Digest},
    pop3::listing::{Octets, UniqueId},
    store::{
        Store,
        arrival::{Arrival, Kept},
        journal::{
            Error, Journal,
            entry::{self, Entry, HEAD, Machine, Mark, Said, Stamp},
        },
        marks::Change,
        moving::Marked,
        seen::Listed,
    },
};

/// A machine of the person's: a cache, and its own copy of the folder.
struct Desk {
    home: tempfile::TempDir,
    store: Store,
}

impl Desk {
    fn new() -> Desk {
        let home = tempfile::tempdir().expect("a folder");
        let store = Desk::open(home.path());
        Desk { home, store }
    }

    fn open(home: &Path) -> Store {
        let store = Store::open(&home.join("cache.db")).expect("a cache");
        let folder = home.join("synced");
        store.carried_by(Some(&folder)).expect("carried").store
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("synced")
    }

    /// The journals in its folder.
    fn files(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.folder()) else {
            return Vec::new();
        };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
        files.sort();
        files
    }

    /// Its own journal.
    fn journal(&self) -> PathBuf {
        let machine = fs::read_to_string(self.home.path().join("machine")).expect("a machine");
        self.folder().join(format!("{}.marks", machine.trim()))
    }

    fn keep(&self, number: usize) -> Option<Headline> {
        let bytes = mail(number);
        let digest = Digest::of(&bytes, Timestamp::UNIX_EPOCH);
        let unique_id = UniqueId::new(number.to_string().into_bytes()).expect("a unique-id");
        let arrival = Arrival::new(unique_id, Octets(bytes.len() as u64), bytes, digest);
        let kept = self
            .store
            .keep(vec![arrival], &Listed::default(), Timestamp::UNIX_EPOCH)
            .expect("kept");
        match kept.as_slice() {
            [Kept::New(headline)] => Some(headline.clone()),
            _ => None,
        }
    }

    fn id(&self, number: usize) -> Option<NoticeId> {
        let subject = format!("Notice {number}");
        let headlines = self.store.headlines(None, 100).expect("headlines");
        let found = headlines
            .into_iter()
            .find(|headline| headline.subject.as_str() == subject);
        found.map(|headline| headline.id)
    }

    fn mark(&self, number: usize, change: Change) {
        if let Some(id) = self.id(number) {
            self.store.mark(&[id], change).expect("marked");
        }
    }

    fn exchange(&self) -> usize {
        self.store.exchange_marks().expect("exchanged")
    }

    fn marks(&self, number: usize) -> Marks {
        let subject = format!("Notice {number}");
        let headlines = self.store.headlines(None, 100).expect("headlines");
        let found = headlines
            .into_iter()
            .find(|headline| headline.subject.as_str() == subject);
        found.expect("a notice").marks
    }

    fn all_marks(&self) -> Vec<Marked> {
        self.store.export_marks().expect("marks")
    }
}

fn mail(number: usize) -> Vec<u8> {
    format!("Subject: Notice {number}\r\nMessage-ID: <{number}@team.example>\r\n\r\ntext\r\n")
        .into_bytes()
}

/// Brings all journals of one folder into another.
fn bring(from: &Desk, to: &Desk) {
    fs::create_dir_all(to.folder()).expect("a folder");
    for file in from.files() {
        let name = file.file_name().expect("a name");
        let target = to.folder().join(name);
        if target != to.journal() && target != file {
            fs::copy(&file, target).expect("copied");
        }
    }
}

/// Lets everything come everywhere.
fn settle(desks: &[Desk]) {
    for _ in 0..2 {
        for desk in desks {
            desk.exchange();
        }
        for from in desks {
            for to in desks {
                bring(from, to);
            }
        }
    }
    for desk in desks {
        desk.exchange();
    }
}

/// What happens.
#[derive(Clone, Debug)]
enum Event {
    Mark(usize, usize, Change),
    Arrival(usize, usize),
    Exchange(usize),
    /// All journals of one folder come into another.
    Bring(usize, usize),
    /// One comes in part.
    BringPart(usize, usize, usize),
    /// One comes under another name, as a copy of a conflict.
    BringAside(usize, usize),
    /// Somebody cuts a machine's own journal off, or brings an older one back.
    Cut(usize, usize),
    /// It is gone.
    Remove(usize),
    /// The program starts anew.
    Restart(usize),
}

const DESKS: usize = 3;
const NOTICES: usize = 4;

fn event() -> impl Strategy<Value = Event> {
    let change = (0..3, any::<bool>()).prop_map(|(mark, value)| match mark {
        0 => Change::Read(value),
        1 => Change::Starred(value),
        _ => Change::Muted(value),
    });
    let desk = || 0..DESKS;
    prop_oneof![
        6 => (desk(), 0..NOTICES, change).prop_map(|(desk, notice, change)| Event::Mark(desk, notice, change)),
        2 => (desk(), 0..NOTICES).prop_map(|(desk, notice)| Event::Arrival(desk, notice)),
        3 => desk().prop_map(Event::Exchange),
        3 => (desk(), desk()).prop_map(|(from, to)| Event::Bring(from, to)),
        1 => (desk(), desk(), 0..400_usize).prop_map(|(from, to, octets)| Event::BringPart(from, to, octets)),
        1 => (desk(), desk()).prop_map(|(from, to)| Event::BringAside(from, to)),
        1 => (desk(), 0..400_usize).prop_map(|(desk, octets)| Event::Cut(desk, octets)),
        1 => desk().prop_map(Event::Remove),
        1 => desk().prop_map(Event::Restart),
    ]
}

fn happen(desks: &mut [Desk], event: &Event) {
    match *event {
        Event::Mark(desk, notice, change) => desks[desk].mark(notice, change),
        Event::Arrival(desk, notice) => {
            if desks[desk].id(notice).is_none() {
                desks[desk].keep(notice);
            }
        }
        Event::Exchange(desk) => {
            desks[desk].exchange();
        }
        Event::Bring(from, to) => bring(&desks[from], &desks[to]),
        Event::BringPart(from, to, octets) => {
            let (from, to) = (&desks[from], &desks[to]);
            if let Ok(bytes) = fs::read(from.journal())
                && from.journal() != to.journal()
            {
                fs::create_dir_all(to.folder()).expect("a folder");
                let name = from.journal();
                let name = name.file_name().expect("a name");
                let part = &bytes[..octets.min(bytes.len())];
                fs::write(to.folder().join(name), part).expect("written");
            }
        }
        Event::BringAside(from, to) => {
            let (from, to) = (&desks[from], &desks[to]);
            if let Ok(bytes) = fs::read(from.journal()) {
                fs::create_dir_all(to.folder()).expect("a folder");
                let aside = to.folder().join("a (conflicted copy 2026-11-26).marks");
                fs::write(aside, bytes).expect("written");
            }
        }
        Event::Cut(desk, octets) => {
            if let Ok(bytes) = fs::read(desks[desk].journal()) {
                let part = &bytes[..octets.min(bytes.len())];
                fs::write(desks[desk].journal(), part).expect("written");
            }
        }
        Event::Remove(desk) => {
            let _ = fs::remove_file(desks[desk].journal());
        }
        Event::Restart(desk) => {
            desks[desk].store = Desk::open(desks[desk].home.path());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_becomes_of_the_journals_all_machines_end_with_the_same_marks(
        events in prop::collection::vec(event(), 1..40)
    ) {
        let mut desks: Vec<Desk> = (0..DESKS).map(|_| Desk::new()).collect();
        for desk in &desks {
            desk.keep(0);
            desk.keep(1);
        }
        let mut last = BTreeMap::new();
        for event in &events {
            happen(&mut desks, event);
            if let Event::Mark(desk, notice, change) = *event
                && desks[desk].id(notice).is_some()
            {
                let (mark, value) = said(change);
                last.insert((desk, notice, mark), value);
            }
        }
        for desk in &desks {
            for notice in 0..NOTICES {
                if desk.id(notice).is_none() {
                    desk.keep(notice);
                }
            }
        }

        settle(&desks);

        let first: BTreeSet<String> = words(&desks[0]);
        for desk in &desks[1..] {
            prop_assert_eq!(&words(desk), &first);
        }
        // What nobody has said a word about is as it was, and of the rest it is somebody's last word.
        for notice in 0..NOTICES {
            for mark in Mark::ALL {
                let now = has(desks[0].marks(notice), mark);
                let words: Vec<bool> = (0..DESKS)
                    .filter_map(|desk| last.get(&(desk, notice, mark)).copied())
                    .collect();
                match words.is_empty() {
                    true => prop_assert!(!now),
                    false => prop_assert!(words.contains(&now), "{notice} {mark:?} {words:?}"),
                }
            }
        }
        // Of all that the journals say the last word by the clock holds; the machine's name tells equal ones apart.
        let mut said_last = BTreeMap::new();
        for file in desks[0].files() {
            let entry::Read::Journal(entries) = entry::read(&fs::read(file).expect("a journal")) else {
                continue;
            };
            for entry in entries {
                let place = (entry.fingerprint.headers, entry.fingerprint.body, entry.mark);
                let word = said_last.entry(place).or_insert(entry.said);
                *word = entry.said.max(*word);
            }
        }
        for notice in 0..NOTICES {
            let known = Fingerprint::of(&mail(notice));
            for mark in Mark::ALL {
                if let Some(word) = said_last.get(&(known.headers, known.body, mark)) {
                    prop_assert_eq!(has(desks[0].marks(notice), mark), word.value);
                }
            }
        }
        let is_any_set = (0..NOTICES).any(|notice| Mark::ALL.iter().any(|mark| has(desks[0].marks(notice), *mark)));
        prop_assert!(!is_any_set || !said_last.is_empty());
        // All is settled: once more changes nothing.
        for desk in &desks {
            prop_assert_eq!(desk.exchange(), 0);
        }
    }
}

fn said(change: Change) -> (Mark, bool) {
    match change {
        Change::Read(value) => (Mark::Read, value),
        Change::Starred(value) => (Mark::Starred, value),
        Change::Muted(value) => (Mark::Muted, value),
    }
}

fn has(marks: Marks, mark: Mark) -> bool {
    match mark {
        Mark::Read => marks.read,
        Mark::Starred => marks.starred,
        Mark::Muted => marks.muted,
    }
}

fn words(desk: &Desk) -> BTreeSet<String> {
    let marks = desk.all_marks();
    marks.iter().map(|marked| format!("{marked:?}")).collect()
}

#[test]
fn what_was_read_on_one_machine_is_not_new_on_the_other() {
    let (office, laptop) = (Desk::new(), Desk::new());
    office.keep(1);
    office.mark(1, Change::Read(true));
    office.mark(1, Change::Starred(true));

    bring(&office, &laptop);
    laptop.exchange();
    let new = laptop.keep(1);

    assert_eq!(new, None, "it is told of as one that was there");
    assert!(laptop.marks(1).read && laptop.marks(1).starred);
}

#[test]
fn the_last_word_holds_although_the_first_machines_clock_is_years_ahead() {
    let desk = Desk::new();
    desk.keep(1);
    let fingerprint = desk.all_marks()[0].fingerprint;
    let far: Timestamp = "2090-01-01T00:00:00Z".parse().expect("a time");
    let ahead = Entry {
        fingerprint,
        mark: Mark::Starred,
        said: Said {
            stamp: Stamp::after(Stamp::default(), far),
            machine: Machine([9; 8]),
            value: true,
        },
    };
    let mut text = HEAD.to_owned();
    entry::write(&ahead, &mut text);
    fs::create_dir(desk.folder()).expect("a folder");
    fs::write(desk.folder().join("0909.marks"), text).expect("a journal");
    desk.exchange();
    assert!(desk.marks(1).starred);

    desk.mark(1, Change::Starred(false));
    desk.exchange();

    assert!(!desk.marks(1).starred);
    let other = Desk::new();
    other.keep(1);
    bring(&desk, &other);
    other.exchange();
    assert!(!other.marks(1).starred, "and elsewhere too");
}

#[test]
fn marks_made_before_there_was_a_folder_are_carried_and_give_way_to_any_word() {
    let mut old = Desk::new();
    old.store = Store::open(&old.home.path().join("other.db"))
        .expect("a cache")
        .store;
    let new = Desk::new();
    for desk in [&old, &new] {
        desk.keep(1);
        desk.keep(2);
    }
    old.mark(1, Change::Read(true));
    old.mark(2, Change::Starred(true));
    new.mark(2, Change::Starred(true));
    new.mark(2, Change::Starred(false));

    let journal = Journal::open(&old.folder(), old.home.path()).expect("journals");
    old.store.carry_marks(Arc::new(journal)).expect("carried");
    let desks = [old, new];
    settle(&desks);

    for desk in &desks {
        assert!(desk.marks(1).read);
        assert!(!desk.marks(2).starred);
    }
}

#[test]
fn a_folder_that_is_not_there_keeps_no_mark_from_being_made_and_is_made_up_for_later() {
    let (desk, other) = (Desk::new(), Desk::new());
    fs::remove_dir_all(desk.folder()).ok();
    fs::write(desk.folder(), "in the way").expect("a file");
    desk.keep(1);
    other.keep(1);
    desk.mark(1, Change::Read(true));
    let refused = desk.store.exchange_marks().expect_err("no folder");
    assert!(matches!(refused, Error::Folder { .. }), "{refused:?}");
    assert!(desk.marks(1).read);

    fs::remove_file(desk.folder()).expect("removed");
    desk.exchange();
    bring(&desk, &other);

    assert_eq!(other.exchange(), 1);
    assert!(other.marks(1).read);
}

#[test]
fn a_journal_of_a_newer_version_is_told_of_and_the_others_are_read() {
    let (desk, other) = (Desk::new(), Desk::new());
    desk.keep(1);
    other.keep(1);
    desk.mark(1, Change::Read(true));
    bring(&desk, &other);
    fs::write(other.folder().join("0000.marks"), "tidings marks 2\n").expect("a file");
    fs::write(other.folder().join("1111.marks"), [0xff; 4_000]).expect("a file");

    let refused = other.store.exchange_marks().expect_err("a newer one");

    assert!(matches!(refused, Error::Newer { .. }), "{refused:?}");
    assert!(other.marks(1).read);
}

#[test]
fn a_journal_that_is_mostly_outdated_is_written_anew_with_what_others_have_said() {
    let (desk, other, third) = (Desk::new(), Desk::new(), Desk::new());
    for desk in [&desk, &other, &third] {
        desk.keep(1);
        desk.keep(2);
    }
    other.mark(2, Change::Starred(true));
    bring(&other, &desk);
    desk.exchange();
    for round in 0..2_002 {
        desk.mark(1, Change::Read(round % 2 == 0));
    }

    desk.exchange();
    let lines = fs::read_to_string(desk.journal()).expect("a journal");

    assert!(
        lines.lines().count() < 10,
        "{} lines",
        lines.lines().count()
    );
    fs::create_dir_all(third.folder()).expect("a folder");
    let name = desk.journal();
    fs::copy(
        &name,
        third.folder().join(name.file_name().expect("a name")),
    )
    .expect("copied");
    third.exchange();
    assert!(third.marks(2).starred, "the word of a machine that is gone");
    assert!(!third.marks(1).read);
}

#[test]
fn nothing_in_a_journal_names_a_sender_or_a_subject() {
    let desk = Desk::new();
    desk.keep(1);
    desk.mark(1, Change::Read(true));
    let text = fs::read_to_string(desk.journal()).expect("a journal");

    assert!(text.starts_with(HEAD));
    assert_eq!(text.lines().count(), 2);
    assert!(!text.contains("Notice") && !text.contains('@'), "{text}");
}

#[test]
fn a_journal_of_ones_own_whose_beginning_was_destroyed_is_written_anew() {
    let (desk, other) = (Desk::new(), Desk::new());
    desk.keep(1);
    other.keep(1);
    desk.mark(1, Change::Starred(true));
    let mut bytes = fs::read(desk.journal()).expect("a journal");
    bytes[..8].fill(0);
    fs::write(desk.journal(), bytes).expect("written");

    desk.mark(1, Change::Read(true));
    desk.exchange();
    bring(&desk, &other);
    other.exchange();

    assert!(other.marks(1).read && other.marks(1).starred);
}

#[test]
fn what_started_as_read_by_its_age_is_nobodys_word() {
    let mut old = Desk::new();
    let path = old.home.path().join("other.db");
    old.store = Store::open(&path).expect("a cache").store;
    let mut bytes = b"Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n".to_vec();
    bytes.extend(mail(1));
    let now: Timestamp = "2026-11-26T10:00:00Z".parse().expect("a time");
    let digest = Digest::of(&bytes, now);
    let unique_id = UniqueId::new(*b"1").expect("a unique-id");
    let mut arrival = Arrival::new(unique_id, Octets(100), bytes, digest);
    arrival.starts_read = true;
    old.store
        .keep(vec![arrival], &Listed::default(), now)
        .expect("kept");

    let journal = Journal::open(&old.folder(), old.home.path()).expect("journals");
    old.store.carry_marks(Arc::new(journal)).expect("carried");
    old.exchange();

    assert!(!old.journal().exists(), "nothing was said");
}

#[test]
fn a_folder_that_hangs_keeps_nobody_from_marking() {
    let desk = Desk::new();
    desk.keep(1);
    desk.mark(1, Change::Read(true));
    desk.exchange();
    // Whoever wants to write waits for this, as for a disk that does not answer.
    let machine = fs::File::options()
        .write(true)
        .open(desk.home.path().join("machine"))
        .expect("a file");
    machine.lock().expect("held");

    desk.mark(1, Change::Starred(true));
    desk.mark(1, Change::Muted(true));
    let refused = desk.store.exchange_marks().expect_err("it hangs");

    assert!(matches!(refused, Error::Hangs { .. }), "{refused:?}");
    assert!(desk.marks(1).starred && desk.marks(1).muted);
    machine.unlock().expect("free");
    let other = Desk::new();
    other.keep(1);
    desk.exchange();
    bring(&desk, &other);
    other.exchange();
    assert!(other.marks(1).starred && other.marks(1).muted);
}

#[test]
fn equal_notices_have_the_same_marks_on_all_machines() {
    let (desk, laptop) = (Desk::new(), Desk::new());
    let twice = |desk: &Desk| {
        for name in ["a", "b"] {
            let bytes = mail(1);
            let digest = Digest::of(&bytes, Timestamp::UNIX_EPOCH);
            let unique_id = UniqueId::new(name.as_bytes()).expect("a unique-id");
            let arrival = Arrival::new(unique_id, Octets(bytes.len() as u64), bytes, digest);
            let both: Listed = ["a", "b"]
                .iter()
                .filter_map(|name| UniqueId::new(name.as_bytes()))
                .collect();
            let kept = desk.store.keep(vec![arrival], &both, Timestamp::UNIX_EPOCH);
            kept.expect("kept");
        }
    };
    let read = |desk: &Desk| -> Vec<bool> {
        let headlines = desk.store.headlines(None, 100).expect("headlines");
        headlines.iter().map(|notice| notice.marks.read).collect()
    };
    twice(&desk);
    twice(&laptop);

    desk.mark(1, Change::Read(true));
    bring(&desk, &laptop);
    laptop.exchange();

    assert_eq!((read(&desk), read(&laptop)), (vec![true; 2], vec![true; 2]));
    laptop.mark(1, Change::Read(false));
    bring(&laptop, &desk);
    desk.exchange();
    assert_eq!(
        (read(&desk), read(&laptop)),
        (vec![false; 2], vec![false; 2])
    );
}

#[test]
fn what_no_clock_can_have_said_has_not_the_last_word() {
    let desk = Desk::new();
    desk.keep(1);
    let end: Timestamp = "9999-12-30T00:00:00Z".parse().expect("a time");
    let last = Entry {
        fingerprint: desk.all_marks()[0].fingerprint,
        mark: Mark::Starred,
        said: Said {
            stamp: Stamp::after(Stamp::default(), end),
            machine: Machine([9; 8]),
            value: true,
        },
    };
    let mut text = HEAD.to_owned();
    entry::write(&last, &mut text);
    fs::create_dir(desk.folder()).expect("a folder");
    fs::write(desk.folder().join("0909.marks"), text).expect("a journal");

    desk.exchange();

    assert!(!desk.marks(1).starred);
    desk.mark(1, Change::Read(true));
    desk.mark(1, Change::Read(false));
    desk.exchange();
    assert!(!desk.marks(1).read);
}

#[test]
fn a_journal_with_other_line_ends_is_one() {
    let (desk, laptop) = (Desk::new(), Desk::new());
    desk.keep(1);
    laptop.keep(1);
    desk.mark(1, Change::Starred(true));
    let text = fs::read_to_string(desk.journal()).expect("a journal");
    fs::create_dir_all(laptop.folder()).expect("a folder");
    let name = desk.journal();
    let name = name.file_name().expect("a name");
    fs::write(laptop.folder().join(name), text.replace('\n', "\r\n")).expect("a journal");

    laptop.exchange();

    assert!(laptop.marks(1).starred);
}

#[test]
fn what_stands_in_the_place_of_a_journal_is_not_written_over() {
    let desk = Desk::new();
    desk.keep(1);
    desk.exchange();
    let other = desk.home.path().join("other");
    for as_link in [true, false] {
        fs::write(&other, "mine").expect("a file");
        let _ = fs::remove_file(desk.journal());
        match as_link {
            true => std::os::unix::fs::symlink(&other, desk.journal()).expect("a link"),
            false => fs::write(desk.journal(), "mine").expect("a file"),
        }

        desk.mark(1, Change::Starred(as_link));

        assert_eq!(fs::read_to_string(&other).expect("a file"), "mine");
        assert_eq!(fs::read_to_string(desk.journal()).expect("a file"), "mine");
        assert_eq!(desk.marks(1).starred, as_link, "kept here all the same");
    }
}

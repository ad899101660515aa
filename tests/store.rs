//! The cache: keep, seen, read, search; damage, other programs' files, other instances.

use std::{collections::HashSet, fs, os::unix::fs::PermissionsExt, path::Path};

use jiff::{Timestamp, tz::TimeZone};
use tidings::{
    notice::{NoticeId, headline::Digest},
    poll::{
        memory,
        report::{Outcome, Summary},
    },
    pop3::listing::{Octets, UniqueId},
    store::{
        Error, Store,
        arrival::{Arrival, Kept, NO_HEADERS},
        headlines::Place,
        marks::Change,
        search::Query,
        seen::Listed,
    },
};

fn mail(number: u32, text: &str) -> Vec<u8> {
    let day = number % 28 + 1;
    format!(
        "From: Priya Natarajan <priya@team.example>\r\n\
         Subject: Notice {number}\r\n\
         Message-ID: <{number}@team.example>\r\n\
         Date: {day} Oct 2026 10:00:00 +0000\r\n\r\n{text}\r\n"
    )
    .into_bytes()
}

fn unique_id(text: &str) -> UniqueId {
    UniqueId::new(text.as_bytes()).expect("not empty")
}

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().expect("a time")
}

fn arrival(name: &str, bytes: Vec<u8>) -> Arrival {
    let octets = Octets(bytes.len() as u64);
    let digest = Digest::of(&bytes, now());
    Arrival::new(unique_id(name), octets, bytes, digest)
}

fn listed(names: &[&str]) -> Listed {
    names.iter().map(|name| unique_id(name)).collect()
}

fn keep(store: &Store, name: &str, bytes: Vec<u8>) -> Kept {
    store
        .keep(vec![arrival(name, bytes)], &listed(&[name]), now())
        .expect("it is kept")
        .remove(0)
}

fn id(kept: &Kept) -> NoticeId {
    match kept {
        Kept::New(headline) | Kept::Quiet(headline) | Kept::Completed(headline) => headline.id,
        Kept::Recognised(id)
        | Kept::RecognisedBehind { id, .. }
        | Kept::AsBefore(id)
        | Kept::Returned(id) => *id,
    }
}

struct Cache {
    folder: tempfile::TempDir,
    store: Store,
}

impl Cache {
    fn new() -> Cache {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(&folder.path().join("cache.db"));
        Cache { folder, store }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("cache.db")
    }
}

fn open(path: &Path) -> Store {
    Store::open(path).expect("the cache opens").store
}

fn found(store: &Store, query: &str) -> usize {
    let query = Query::parse(query, &TimeZone::UTC).expect("a query");
    store.search(&query, 1_000).expect("an answer").len()
}

#[test]
fn a_notice_comes_back_as_it_was_kept() {
    let cache = Cache::new();
    let bytes = mail(1, "The window opens at 22:00.");

    let Kept::New(kept) = keep(&cache.store, "a", bytes.clone()) else {
        panic!("it is new");
    };

    let again = open(&cache.path());
    assert_eq!(
        again.headlines(None, 10).expect("headlines"),
        std::slice::from_ref(&kept)
    );
    assert_eq!(again.mail(kept.id).expect("the mail"), Some(bytes));
    assert_eq!(again.seen().expect("seen").get(&unique_id("a")).len(), 1);
}

#[test]
fn marks_survive_and_change_only_what_they_name() {
    let cache = Cache::new();
    let first = id(&keep(&cache.store, "a", mail(1, "one")));
    let second = id(&keep(&cache.store, "b", mail(2, "two")));

    let changed = cache
        .store
        .mark(&[first], Change::Read(true))
        .expect("marked");
    let not_changed = cache
        .store
        .mark(&[first], Change::Read(true))
        .expect("marked");
    cache
        .store
        .mark(&[second], Change::Starred(true))
        .expect("marked");

    assert_eq!(changed, [first]);
    assert_eq!(not_changed, []);
    let counts = open(&cache.path()).counts().expect("counts");
    assert_eq!((counts.all, counts.unread, counts.starred), (2, 1, 1));
}

#[test]
fn another_instance_hears_of_new_notices_and_marks() {
    let cache = Cache::new();
    let other = open(&cache.path());
    let (_, before) = other.changed_since(0).expect("changes");

    let id = id(&keep(&cache.store, "a", mail(1, "one")));
    cache.store.mark(&[id], Change::Read(true)).expect("marked");
    let (changed, after) = other.changed_since(before).expect("changes");

    assert_eq!(changed.len(), 1);
    assert!(changed[0].marks.read);
    assert_eq!(other.changed_since(after).expect("changes").0, []);
}

#[test]
fn two_instances_write_at_the_same_time() {
    let cache = Cache::new();
    let path = cache.path();

    std::thread::scope(|scope| {
        for writer in 0..2u32 {
            let path = &path;
            scope.spawn(move || {
                let store = open(path);
                for number in 0..25 {
                    let number = writer * 100 + number;
                    keep(&store, &format!("id{number}"), mail(number, "text"));
                }
            });
        }
    });

    assert_eq!(cache.store.kept().expect("a count"), 50);
}

#[test]
fn a_server_that_renumbers_shows_nothing_twice_and_keeps_marks() {
    let cache = Cache::new();
    let first = id(&keep(&cache.store, "old", mail(1, "one")));
    cache
        .store
        .mark(&[first], Change::Read(true))
        .expect("marked");

    let again = keep(&cache.store, "new", mail(1, "one"));

    assert_eq!(again, Kept::Recognised(first));
    assert_eq!(cache.store.kept().expect("a count"), 1);
    assert_eq!(cache.store.counts().expect("counts").unread, 0);
}

#[test]
fn two_equal_mails_that_are_both_listed_are_two_notices() {
    let cache = Cache::new();
    let both = listed(&["a", "b"]);

    for name in ["a", "b"] {
        cache
            .store
            .keep(vec![arrival(name, mail(1, "one"))], &both, now())
            .expect("kept");
    }

    let headlines = cache.store.headlines(None, 10).expect("headlines");
    assert_eq!(headlines.len(), 2);
    assert_ne!(headlines[0].handle, headlines[1].handle);
}

#[test]
fn two_programs_that_fetch_one_message_count_it_once() {
    let cache = Cache::new();

    keep(&cache.store, "a", mail(1, "one"));
    keep(&cache.store, "a", mail(1, "one"));

    // Listed twice from now on: the second one is still to be fetched.
    let known = cache.store.seen().expect("seen");
    assert_eq!(known.get(&unique_id("a"))[0].copies, 1);
}

#[test]
fn what_nothing_is_known_of_is_taken_for_nothing_else() {
    let cache = Cache::new();
    let stand_in = |name: &str| {
        let mut arrival = arrival(name, NO_HEADERS.to_vec());
        arrival.is_complete = false;
        arrival
    };
    let keep = |name: &str| {
        let listed = listed(&[name]);
        let kept = cache.store.keep(vec![stand_in(name)], &listed, now());
        kept.expect("kept").remove(0)
    };
    let first = id(&keep("a"));
    cache.store.withdraw(&[first], now()).expect("withdrawn");

    assert!(matches!(keep("b"), Kept::New(_)));
}

#[test]
fn a_server_that_renumbers_at_every_session_does_not_fill_the_cache() {
    let cache = Cache::new();

    for session in 0..100 {
        keep(&cache.store, &format!("id-{session}"), mail(1, "one"));
    }

    let seen = cache.store.seen().expect("seen");
    assert!(seen.len() <= 8, "{}", seen.len());
    assert!(!seen.get(&unique_id("id-99")).is_empty());
    assert_eq!(cache.store.kept().expect("a count"), 1);
}

#[test]
fn a_unique_id_used_again_for_another_mail_shows_both() {
    let cache = Cache::new();
    keep(&cache.store, "a", mail(1, "one"));

    let again = keep(&cache.store, "a", mail(2, "two"));

    assert!(matches!(again, Kept::New(_)));
    assert_eq!(cache.store.kept().expect("a count"), 2);
}

#[test]
fn headers_alone_are_completed_later_and_keep_their_marks() {
    let cache = Cache::new();
    let whole = mail(1, "the whole text");
    let headers = String::from_utf8(whole.clone()).expect("text");
    let headers = headers.split_inclusive("\r\n\r\n").next().expect("headers");
    let mut first = arrival("a", headers.as_bytes().to_vec());
    first.is_complete = false;
    let kept = cache
        .store
        .keep(vec![first], &listed(&["a"]), now())
        .expect("kept");
    cache
        .store
        .mark(&[id(&kept[0])], Change::Starred(true))
        .expect("marked");

    let completed = keep(&cache.store, "a", whole.clone());

    let Kept::Completed(headline) = completed else {
        panic!("it is completed, not {completed:?}");
    };
    assert!(headline.marks.starred);
    assert_eq!(
        cache.store.mail(headline.id).expect("the mail"),
        Some(whole)
    );
    assert_eq!(found(&cache.store, "whole"), 1);
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    let cache = Cache::new();
    for number in 0..60 {
        keep(&cache.store, &format!("id{number}"), mail(number, "text"));
    }

    let mut ids = Vec::new();
    let mut behind = None;
    loop {
        let page = cache.store.headlines(behind, 7).expect("a page");
        behind = page.last().map(Place::behind);
        ids.extend(page.iter().map(|headline| headline.id));
        if page.len() < 7 {
            break;
        }
    }

    let distinct: HashSet<NoticeId> = ids.iter().copied().collect();
    assert_eq!((ids.len(), distinct.len()), (60, 60));
}

#[test]
fn of_two_equal_notices_that_which_is_still_there_is_recognised_before_one_that_has_left() {
    let cache = Cache::new();
    let both = listed(&["a", "b"]);
    let keep_both = |name| {
        let kept = cache
            .store
            .keep(vec![arrival(name, mail(1, "twice"))], &both, now());
        id(&kept.expect("it is kept")[0])
    };
    let (first, second) = (keep_both("a"), keep_both("b"));
    assert_ne!(first, second);
    cache.store.withdraw(&[first], now()).expect("withdrawn");

    // The server moves with the one that is left, and then somebody puts the other one back.
    assert_eq!(id(&keep(&cache.store, "c", mail(1, "twice"))), second);
    let all = cache.store.headlines(None, 10).expect("headlines");
    let has_left = |wanted| {
        all.iter()
            .any(|one| one.id == wanted && one.fate.withdrawn.is_some())
    };
    assert!(has_left(first) && !has_left(second));
    let again = cache.store.keep(
        vec![arrival("d", mail(1, "twice"))],
        &listed(&["c", "d"]),
        now(),
    );
    assert_eq!(id(&again.expect("it is kept")[0]), first);
}

#[test]
fn a_query_finds_by_words_operators_and_scripts() {
    let cache = Cache::new();
    let store = &cache.store;
    keep(
        store,
        "a",
        mail(1, "Storage maintenance in the Café tonight"),
    );
    keep(
        store,
        "b",
        mail(2, "see https://team.example/ for more नोटिस"),
    );
    let japanese = "Subject: =?UTF-8?B?5p2x5Lqs44Kq44OV44Kj44K55YGc6Zu744Gu44GK55+l44KJ44Gb?=\r\n\
                    Date: 3 Oct 2026 10:00:00 +0000\r\n\r\n\
                    text\r\n";
    let third = id(&keep(store, "c", japanese.as_bytes().to_vec()));
    store.mark(&[third], Change::Read(true)).expect("marked");

    let answers: Vec<(&str, usize)> = [
        "maint",
        "m",
        "ma",
        "mai",
        "CAF",
        "cafe\u{301} TON",
        "-ma",
        "-ma -see",
        "from:pr",
        "subject:pr",
        "cafe tonight",
        "\"storage maintenance\"",
        "\"maintenance storage\"",
        "停電",
        "オフィス",
        "नोट",
        "টাক",
        "مُح",
        "aⒶb",
        "e\u{345}a",
        "from:priya",
        "from:priya -storage",
        "subject:2",
        "is:unread",
        "is:read",
        "has:link",
        "has:file",
        "after:2026-10-03",
        "before:2026-10-03",
        "-is:unread",
        "",
        "after:",
    ]
    .into_iter()
    .map(|query| (query, found(store, query)))
    .collect();

    assert_eq!(
        answers,
        [
            ("maint", 1),
            ("m", 2),
            ("ma", 1),
            ("mai", 1),
            ("CAF", 1),
            ("cafe\u{301} TON", 1),
            ("-ma", 2),
            ("-ma -see", 1),
            ("from:pr", 2),
            ("subject:pr", 0),
            ("cafe tonight", 1),
            ("\"storage maintenance\"", 1),
            ("\"maintenance storage\"", 0),
            ("停電", 1),
            ("オフィス", 1),
            ("नोट", 1),
            ("টাক", 0),
            ("مُح", 0),
            ("aⒶb", 0),
            ("e\u{345}a", 0),
            ("from:priya", 2),
            ("from:priya -storage", 1),
            ("subject:2", 1),
            ("is:unread", 2),
            ("is:read", 1),
            ("has:link", 1),
            ("has:file", 0),
            ("after:2026-10-03", 2),
            ("before:2026-10-03", 1),
            ("-is:unread", 1),
            ("", 3),
            ("after:", 3),
        ]
    );
}

#[test]
fn scripts_without_spaces_are_found_in_the_middle_of_a_word() {
    let cache = Cache::new();
    keep(&cache.store, "a", mail(1, "서버점검공지: 금요일 정전"));
    keep(&cache.store, "b", mail(2, "ประกาศไฟฟ้าดับวันศุกร์"));
    keep(&cache.store, "c", mail(3, "明日の停電のお知らせ"));
    keep(&cache.store, "d", mail(4, "关于停电的通知"));

    for (query, count) in [
        ("점검", 1),
        ("점검공지", 1),
        ("정", 1),
        ("점금", 0),
        ("ไฟฟ้า", 1),
        ("ดับ", 1),
        ("วันศุกร์", 1),
        ("ไฟฟ้าวัน", 0),
        ("停電", 1),
        ("知らせ", 1),
        ("停电", 1),
        ("电的通", 1),
        ("text:공지", 1),
        ("-停电", 3),
        ("(점검 or ดับ)", 2),
    ] {
        assert_eq!(found(&cache.store, query), count, "{query}");
    }
}

#[test]
fn queries_are_grouped_as_they_are_read() {
    let cache = Cache::new();
    keep(&cache.store, "a", mail(1, "apples and pears"));
    keep(&cache.store, "b", mail(2, "pears and plums"));
    keep(
        &cache.store,
        "c",
        mail(3, &format!("plums {}", "and so on ".repeat(300))),
    );

    let cases = [
        ("apples or plums", 3),
        ("apples OR nothing", 1),
        // What stands side by side belongs closer together than what `or` parts.
        ("pears plums or apples", 2),
        ("pears (plums or apples)", 2),
        ("(apples or so) and", 2),
        ("-(apples or so)", 1),
        ("-(pears plums)", 2),
        ("ap or so", 2),
        ("text:apples or is:starred", 1),
        ("text:notice", 0),
        ("size:>1k", 1),
        ("size:<1k pears", 2),
        ("size:>1.5G", 0),
        // Not finished yet.
        ("apples or", 1),
        ("or apples", 1),
        ("(apples", 1),
        ("apples (", 1),
        ("()", 3),
        ("size:>", 3),
        // A word, not an operator.
        ("\"or\"", 0),
    ];
    for (query, count) in cases {
        assert_eq!(found(&cache.store, query), count, "{query}");
    }
    for (query, error) in [
        (
            "apples) pears",
            "column 7: this `)` closes nothing: put it into quotation marks to look for it",
        ),
        (
            "size:large",
            "column 1: `large` is no size: write size:>1M, with k, M or G",
        ),
    ] {
        let failed = Query::parse(query, &TimeZone::UTC).expect_err("no query");
        assert_eq!(failed.to_string(), error);
    }
    let deep = "(".repeat(100_000);
    assert!(Query::parse(&deep, &TimeZone::UTC).is_err());
    // As many as are taken can be answered.
    for word in ["pears ", "-plums ", "is:read or ", "(ap or is:unread) "] {
        let pieces = word.matches([' ', '(', ')']).count();
        let many = word.repeat(300 / pieces.max(1) - 1);
        found(&cache.store, &many);
    }
    assert!(Query::parse(&"pears ".repeat(301), &TimeZone::UTC).is_err());
}

#[test]
fn a_wrong_query_names_the_column() {
    let error = Query::parse("words is:nonsense", &TimeZone::UTC).expect_err("no such thing");

    assert_eq!(
        error.to_string(),
        "column 7: `is:` takes unread, read, important, starred, muted, withdrawn, expired or replaced, not `nonsense`"
    );
}

#[test]
fn what_is_mistyped_or_not_finished_is_no_word() {
    let wrong = |text: &str| {
        Query::parse(text, &TimeZone::UTC)
            .err()
            .map(|error| error.to_string())
    };
    let unfinished = |text: &str| {
        Query::finished(text, &TimeZone::UTC)
            .err()
            .map(|error| error.to_string())
    };

    for (text, error) in [
        (
            "soup form:priya",
            "column 6: `form:` can not be asked for: `from:` can;",
        ),
        (
            "-sbject:x",
            "column 1: `sbject:` can not be asked for: `subject:` can;",
        ),
        (
            "(Sender:x)",
            "column 2: `sender:` can not be asked for: `from:` can;",
        ),
    ] {
        let said = wrong(text).expect("it is mistyped");
        assert!(said.starts_with(error), "{said}");
    }
    for text in [
        "10:30",
        "test:unit",
        "https://team.example",
        "title://x",
        "\"form:priya\"",
        "note: all",
        "so:x",
        "subjects:x",
        "title:x",
        "until:friday",
    ] {
        assert_eq!(wrong(text), None, "{text}");
        assert_eq!(unfinished(text), None, "{text}");
    }
    for (text, error) in [
        ("soup (a or b", "column 6: this `(` is not closed"),
        ("soup \"a b", "column 6: this quotation mark is not closed"),
        (
            "soup from:",
            "column 6: `from:` asks for nothing: something must stand right behind it",
        ),
        (
            "soup -is: x",
            "column 6: `is:` asks for nothing: something must stand right behind it",
        ),
    ] {
        assert_eq!(wrong(text), None, "{text}: while one types");
        assert_eq!(unfinished(text).as_deref(), Some(error));
    }
}

proptest::proptest! {
    #[test]
    fn no_query_breaks_the_search(text in "\\PC{0,40}") {
        let cache = Cache::new();
        keep(&cache.store, "a", mail(1, "text"));

        if let Ok(query) = Query::parse(&text, &TimeZone::UTC) {
            cache.store.search(&query, 10).expect("an answer");
        }
    }
}

#[test]
fn a_cache_that_cannot_be_read_at_all_is_moved_aside_and_that_is_said() {
    let cache = Cache::new();
    let first = id(&keep(&cache.store, "a", mail(1, "one")));
    cache
        .store
        .mark(&[first], Change::Starred(true))
        .expect("marked");
    let path = cache.path();
    let Cache { folder, store } = cache;
    drop(store);
    // SQLite does not take it for one of its files any more.
    let mut bytes = fs::read(&path).expect("the file");
    bytes[..16].copy_from_slice(b"not a database!!");
    fs::write(&path, &bytes).expect("written");

    let opened = Store::open(&path).expect("a new cache");

    let aside = opened.damaged.expect("it was damaged");
    assert_eq!(aside.marks(), "its marks could not be read");
    assert!(aside.path.exists(), "the damaged file is kept");
    assert_eq!(opened.store.kept().expect("a count"), 0);
    drop(folder);
}

#[test]
fn marks_of_a_cache_damaged_in_its_mails_come_back_with_the_mails() {
    let cache = Cache::new();
    for number in 0..40 {
        let kept = keep(
            &cache.store,
            &format!("id{number}"),
            mail(number, &"text ".repeat(2_000)),
        );
        if number % 2 == 0 {
            cache
                .store
                .mark(&[id(&kept)], Change::Read(true))
                .expect("marked");
        }
    }
    let aside = cache.store.rebuild().expect("built anew").expect("moved");

    for number in 0..40 {
        keep(
            &cache.store,
            &format!("id{number}"),
            mail(number, &"text ".repeat(2_000)),
        );
    }

    assert_eq!(aside.notices, 40);
    assert!(aside.path.exists());
    let counts = cache.store.counts().expect("counts");
    assert_eq!((counts.all, counts.unread), (40, 20));
}

#[test]
fn of_a_cache_that_is_torn_off_every_mark_is_saved_that_is_still_there() {
    const NOTICES: u32 = 300;
    const PAGE: usize = 16_384;

    let cache = Cache::new();
    for number in 0..NOTICES {
        let kept = keep(
            &cache.store,
            &format!("id{number}"),
            mail(number, &"text ".repeat(600)),
        );
        cache
            .store
            .mark(&[id(&kept)], Change::Starred(true))
            .expect("marked");
    }
    let path = cache.path();
    let Cache { folder, store } = cache;
    drop(store);
    let whole = fs::read(&path).expect("the file");
    let pages = whole.len() / PAGE;

    let saved = |keep: usize| {
        fs::write(&path, &whole[..keep * PAGE]).expect("torn off");
        let opened = Store::open(&path).expect("a new cache");
        let saved = match opened.damaged {
            Some(aside) => aside.notices,
            // Found when it is looked at.
            None => {
                let aside = opened.store.rebuild().expect("built anew");
                aside.expect("moved").notices
            }
        };
        drop(opened.store);
        fs::remove_file(&path).expect("the new one");
        saved
    };

    // The page that is gone held a few.
    assert!(saved(pages - 1) + 60 > NOTICES as usize);
    assert!(saved(pages / 2) > NOTICES as usize / 3);
    drop(folder);
}

#[test]
fn a_cache_built_anew_goes_on_where_the_damaged_one_was() {
    let cache = Cache::new();
    let store = &cache.store;
    let first = id(&keep(store, "a", mail(1, "one")));
    let second = id(&keep(store, "b", mail(2, "two")));
    store.mark(&[first], Change::Read(true)).expect("marked");
    store
        .remember("signed_in_by", Some("APOP"))
        .expect("it is remembered");
    store
        .remember("listing", Some("as it was"))
        .expect("it is remembered");
    let (_, change) = store.changed_since(0).expect("changes");

    store.rebuild().expect("built anew");
    store.rebuild().expect("and once more, before any check");
    let new = id(&keep(store, "c", mail(3, "three")));
    let mut old_of_b = arrival("b", mail(2, "two"));
    old_of_b.starts_read = true;
    let all = listed(&["a", "b", "c"]);
    let kept = store.keep(vec![old_of_b], &all, now()).expect("it is kept");
    let again = id(&keep(store, "a", mail(1, "one")));

    assert_eq!((again, id(&kept[0])), (first, second));
    assert!(new != first && new != second);
    let headlines = store.headlines_of(&[first, second]).expect("headlines");
    let read: Vec<bool> = headlines.iter().map(|notice| notice.marks.read).collect();
    assert_eq!(read, [true, false]);
    assert_eq!(
        store.remembered("signed_in_by").expect("a memory"),
        Some("APOP".to_owned())
    );
    assert_eq!(store.remembered("listing").expect("a memory"), None);
    assert!(store.changed_since(change).expect("changes").0.len() == 3);
}

#[test]
fn a_cache_that_cannot_be_built_anew_stays_as_it_is() {
    let cache = Cache::new();
    let store = &cache.store;
    keep(store, "a", mail(1, "one"));
    let in_the_way = cache.path().with_extension("db.new");
    fs::create_dir(&in_the_way).expect("a folder");

    store.rebuild().expect_err("something is in the way");

    assert_eq!(found(store, "one"), 1);
    keep(store, "b", mail(2, "two"));
    fs::remove_dir(&in_the_way).expect("out of the way");
    store.rebuild().expect("built anew");
    assert_eq!(found(store, "two"), 0);
    assert_eq!(
        id(&keep(store, "b", mail(2, "two"))),
        id(&keep(store, "b", mail(2, "two")))
    );
}

#[test]
fn a_file_of_another_program_is_moved_aside_and_not_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cache.db");
    let other = rusqlite::Connection::open(&path).expect("another file");
    other
        .execute_batch(
            "PRAGMA user_version = 7; CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);",
        )
        .expect("a table");
    drop(other);

    let opened = Store::open(&path).expect("a new cache");

    let aside =
        rusqlite::Connection::open(opened.damaged.expect("moved aside").path).expect("theirs");
    let rows: i64 = aside
        .query_row("SELECT count(*) FROM theirs", [], |row| row.get(0))
        .expect("a count");
    assert_eq!(rows, 1);
}

#[test]
fn a_cache_of_a_newer_version_is_left_alone() {
    let cache = Cache::new();
    let path = cache.path();
    let direct = rusqlite::Connection::open(&path).expect("the file");
    direct
        .execute_batch("PRAGMA user_version = 999")
        .expect("set");
    drop(direct);

    let refused = Store::open(&path).expect_err("it is newer");

    assert!(
        matches!(refused, Error::Newer { found: 999, .. }),
        "{refused}"
    );
}

#[test]
fn a_notice_sent_again_with_another_text_replaces_the_one_that_was_taken_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder.path().join("cache.db"));
    let Kept::New(first) = keep(&store, "a", mail(1, "at ten")) else {
        panic!("it is new");
    };

    // As long as the first is there, the second is one beside it.
    let beside = arrival("b", mail(1, "at eleven"));
    let kept = store.keep(vec![beside], &listed(&["a", "b"]), now());
    let beside = kept.expect("kept").remove(0);
    // It and the first have been taken back.
    let after = keep(&store, "c", mail(1, "at noon"));

    let (Kept::New(beside), Kept::New(after)) = (beside, after) else {
        panic!("both are notices of their own");
    };
    assert_eq!(beside.fate.replaces, None);
    assert_eq!(after.fate.replaces, Some(first.date));
    let found = store.headlines_of(&[after.id]).expect("headlines");
    assert_eq!(
        found[0].fate.replaces,
        Some(first.date),
        "and it is remembered"
    );
    assert!(!found[0].marks.read, "it is to be read anew");
}

#[test]
fn words_of_all_scripts_are_found_however_their_accents_are_written() {
    let cache = Cache::new();
    for (number, text) in [
        "Ελλάδα",
        "Ёлка",
        "Łódź",
        "Donau\u{ad}dampf\u{200b}schiff",
        "ＡＢＣＤＥ",
        "ｶﾞｲﾄﾞ",
        "שָׁלוֹם",
        "مُحَمَّد",
        "Café",
    ]
    .iter()
    .enumerate()
    {
        let number = u32::try_from(number).expect("a number");
        keep(&cache.store, &format!("id{number}"), mail(number, text));
    }

    for words in [
        "ελλαδα",
        "ελ",
        "елка",
        "ёлка",
        "lodz",
        "łódź",
        "lo",
        "donaudampf",
        "abcde",
        "ガイド",
        "שלום",
        "محمد",
        "cafe",
    ] {
        assert_eq!(found(&cache.store, words), 1, "{words}");
    }
}

#[test]
fn a_file_of_every_older_schema_opens() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/caches");
    let mut opened = 0;
    for entry in fs::read_dir(folder).expect("the folder") {
        let from = entry.expect("an entry").path();
        let copy = tempfile::tempdir().expect("a folder");
        let path = copy.path().join("cache.db");
        let direct = rusqlite::Connection::open(&path).expect("a file");
        let dump = fs::read_to_string(&from).expect("a dump");
        direct.execute_batch(&dump).expect("the dump loads");
        drop(direct);

        let store = open(&path);

        let headlines = store.headlines(None, 10).expect("headlines");
        assert_eq!(headlines.len(), 1, "{}", from.display());
        assert!(headlines[0].marks.starred, "{}", from.display());
        assert_eq!(found(&store, "maintenance"), 1, "{}", from.display());
        assert_eq!(found(&store, "ma"), 1, "{}", from.display());
        if ["008.sql", "009.sql", "010.sql"]
            .iter()
            .any(|name| from.ends_with(name))
        {
            assert_eq!(found(&store, "list:ops.team"), 1, "{}", from.display());
            // What it says of itself is read anew from its mail.
            let list = headlines[0].list_names();
            assert_eq!(list, ("Operations", "ops.team.example"));
            let until = "2026-12-01T00:00:00Z".parse().expect("a moment");
            assert_eq!(headlines[0].fate.expires, Some(until));
        }
        opened += 1;
    }

    assert_eq!(opened, 10, "one for each step of the schema but the last");
}

#[test]
fn nobody_else_may_read_the_cache() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("inner").join("cache.db");

    let store = open(&path);
    keep(&store, "a", mail(1, "one"));

    let mode = |path: &Path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    for companion in ["cache.db-wal", "cache.db-shm"] {
        assert_eq!(mode(&path.with_file_name(companion)), 0o600, "{companion}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");

    let refused = Store::open(&file.join("cache.db")).expect_err("a file is no folder");

    assert!(matches!(refused, Error::MakeFolder { .. }), "{refused}");
}

#[test]
fn a_full_disk_loses_nothing_that_was_kept() {
    let cache = Cache::new();
    keep(&cache.store, "a", mail(1, "one"));
    // A cap on the file's pages is what a full disk is to SQLite.
    cache.store.cap(60).expect("capped");

    let mut refused = None;
    for number in 2..200 {
        let bytes = mail(number, &"text ".repeat(2_000));
        let outcome = cache.store.keep(
            vec![arrival(&format!("id{number}"), bytes)],
            &listed(&[]),
            now(),
        );
        if let Err(error) = outcome {
            refused = Some(error);
            break;
        }
    }

    assert!(matches!(refused, Some(Error::Full { .. })), "{refused:?}");
    let kept = cache.store.kept().expect("a count");
    assert_eq!(cache.store.seen().expect("seen").len() as u64, kept);
}

#[test]
fn checks_are_remembered_newest_first() {
    let cache = Cache::new();
    let busy = Summary::empty(
        now(),
        Outcome::Busy {
            words: tidings::notice::shown::Shown::line("locked"),
        },
    );
    let done = Summary::empty(now(), Outcome::Done);

    memory::record(&cache.store, &done).expect("recorded");
    memory::record(&cache.store, &busy).expect("recorded");

    let visits = memory::recall(&cache.store, 10).expect("visits");
    assert_eq!(visits.len(), 2);
    assert_eq!(visits[0].outcome, busy.outcome);
    assert_eq!(
        memory::last_success(&cache.store).expect("a time"),
        Some(now())
    );
}

#[test]
fn marks_made_before_the_mails_of_a_cache_built_anew_have_come_stay() {
    let cache = Cache::new();
    let store = &cache.store;
    let first = id(&keep(store, "a", mail(1, "one")));
    store.rebuild().expect("built anew");

    store.mark(&[first], Change::Starred(true)).expect("marked");
    let kept = keep(store, "a", mail(1, "one"));

    // It was known: nobody is told of it as of a new one.
    assert!(matches!(kept, Kept::Completed(_)), "{kept:?}");
    assert!(
        store.headlines(None, 1).expect("headlines")[0]
            .marks
            .starred
    );
}

#[test]
fn what_is_put_into_the_index_later_is_found_by_whoever_searches() {
    let cache = Cache::new();
    let store = &cache.store;
    let later = (1..=250).map(|number| {
        let mut arrival = arrival(&number.to_string(), mail(number, "the aardvark is in"));
        arrival.entry = None;
        arrival
    });
    store.keep(later, &Listed::default(), now()).expect("kept");
    keep(store, "now", mail(251, "and so is the aardwolf"));

    // The poller of a reader goes on in between.
    assert!(store.index_more().expect("indexed"));
    assert_eq!(found(store, "aardvark"), 250);
    assert_eq!(found(store, "aa"), 251);
    assert!(!store.index_more().expect("nothing is left"));
}

#[test]
fn where_nobody_searches_what_waits_for_the_index_does_not_become_too_much() {
    let cache = Cache::new();
    let store = &cache.store;
    let keep_later = |numbers: std::ops::Range<u32>| {
        let later = numbers.map(|number| {
            let mut arrival = arrival(&number.to_string(), mail(number, "the aardvark is in"));
            arrival.entry = None;
            arrival
        });
        let kept = store.keep(later, &Listed::default(), now());
        kept.expect("kept");
        store.index_if_many_wait().expect("indexed");
        store.waiting().expect("a number")
    };

    assert_eq!(keep_later(0..10), 10, "a search does these in no time");
    assert_eq!(keep_later(10..250), 0);
    assert_eq!(found(store, "aardvark"), 250);
}

#[test]
fn what_nearly_all_notices_hold_is_found_in_the_order_of_all() {
    let cache = Cache::new();
    let store = &cache.store;
    let many = (1..=6_000).map(|number| {
        let text = if number % 10 == 0 {
            "nothing"
        } else {
            "the aardvark is in"
        };
        arrival(&number.to_string(), mail(number, text))
    });
    store.keep(many, &Listed::default(), now()).expect("kept");
    let zone = TimeZone::UTC;
    let ids = |text: &str| {
        let query = Query::parse(text, &zone).expect("a query");
        store.search(&query, 10_000).expect("searched")
    };

    let at_once = ids("aardvark");

    // Put in order by other means.
    assert_eq!(at_once.len(), 5_400);
    assert_eq!(at_once, ids("aardvark is:unread"));
    assert_eq!(ids("aard var"), []);
    assert_eq!(ids("aa"), at_once);
    let query = Query::parse("aardvark", &zone).expect("a query");
    let newest = store.search(&query, 7).expect("searched");
    assert_eq!(newest, at_once[..7]);
}

#[test]
fn what_stood_in_for_a_notice_that_is_kept_goes_once_that_is_seen() {
    let cache = Cache::new();
    let store = &cache.store;
    let first = id(&keep(store, "old", mail(1, "one")));
    store.mark(&[first], Change::Starred(true)).expect("marked");
    // The server has renumbered, and the message could not be fetched three times.
    let mut stand_in = arrival("new", NO_HEADERS.to_vec());
    stand_in.is_complete = false;
    stand_in.octets = Octets(mail(1, "one").len() as u64);
    let stand_in = store
        .keep(vec![stand_in], &listed(&["new"]), now())
        .expect("kept");
    let stand_in = id(&stand_in[0]);

    let kept = keep(store, "new", mail(1, "one"));

    let expected = Kept::RecognisedBehind {
        id: first,
        stand_in,
    };
    assert_eq!(kept, expected);
    let headlines = store.headlines(None, 10).expect("headlines");
    assert_eq!(headlines.len(), 1);
    assert!(headlines[0].marks.starred);
    assert!(matches!(
        keep(store, "new", mail(1, "one")),
        Kept::AsBefore(_)
    ));
}

#[test]
fn a_change_by_another_program_shows_in_the_version_and_ones_own_does_not() {
    let cache = Cache::new();
    let before = cache.store.version().expect("a version");

    keep(&cache.store, "a", mail(1, "one"));
    let own = cache.store.version().expect("a version");
    let other = open(&cache.path());
    keep(&other, "b", mail(2, "two"));

    assert_eq!(own, before);
    assert_ne!(cache.store.version().expect("a version"), own);
}

#[test]
fn of_two_instances_that_find_a_damage_one_builds_anew() {
    let cache = Cache::new();
    let other = open(&cache.path());
    keep(&cache.store, "a", mail(1, "one"));

    let first = cache.store.rebuild().expect("built anew");
    let kept = id(&keep(&cache.store, "b", mail(2, "two")));
    let second = other.rebuild().expect("looked at");

    assert!(first.is_some());
    assert_eq!(second, None);
    other.mark(&[kept], Change::Read(true)).expect("marked");
    assert!(
        cache.store.headlines(None, 1).expect("headlines")[0]
            .marks
            .read
    );
}

#[test]
fn marks_go_into_the_cache_that_another_instance_has_built_anew() {
    let cache = Cache::new();
    let first = id(&keep(&cache.store, "a", mail(1, "one")));
    let other = open(&cache.path());

    cache.store.rebuild().expect("built anew");
    other.mark(&[first], Change::Starred(true)).expect("marked");
    keep(&cache.store, "a", mail(1, "one"));

    let headlines = cache.store.headlines(None, 1).expect("headlines");
    assert!(headlines[0].marks.starred);
}

#[test]
fn a_new_cache_whose_maker_was_killed_takes_its_place() {
    let cache = Cache::new();
    keep(&cache.store, "a", mail(1, "one"));
    let (path, ready) = (cache.path(), cache.path().with_extension("db.new"));
    let Cache { folder, store } = cache;
    // The last one out folds the log back into the file.
    drop(store);
    fs::rename(&path, &ready).expect("renamed");
    // The damaged one's log, which was to be moved next.
    let log = path.with_extension("db-wal");
    fs::write(&log, "of another file").expect("a log");

    assert_eq!(found(&open(&path), "one"), 1);
    assert!(!ready.exists());
    drop(folder);
}

#[test]
fn the_same_mail_a_thousand_times_is_a_thousand_notices() {
    let cache = Cache::new();
    let names: Vec<String> = (0..1000).map(|number| format!("id-{number}")).collect();
    let listed: Listed = names.iter().map(|name| unique_id(name)).collect();
    for names in names.chunks(100) {
        let arrivals: Vec<Arrival> = names
            .iter()
            .map(|name| arrival(name, mail(1, "one")))
            .collect();
        cache.store.keep(arrivals, &listed, now()).expect("kept");
    }

    let headlines = cache.store.headlines(None, 2000).expect("headlines");
    let handles: HashSet<&str> = headlines.iter().map(|headline| &*headline.handle).collect();

    assert_eq!((headlines.len(), handles.len()), (1000, 1000));
}

#[test]
fn headlines_that_are_kept_under_another_unique_id_are_not_told_of() {
    let cache = Cache::new();
    keep(&cache.store, "old", mail(1, "one"));
    let headline = |number| arrival("new", mail(number, "one")).headline;

    let told = cache.store.not_kept(vec![headline(1), headline(2)]);

    assert_eq!(told.expect("headlines"), [headline(2)]);
}

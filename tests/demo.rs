//! The demo: its script, its books, who may join, and the whole of it in words.

use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use tidings::{
    demo::{
        Demo, Options, Played,
        cast::Person,
        event::{Event, Screen, Wish},
        join::{self, Invitation},
        ledger::{Entry, Ledger},
        plain::{self, Teller},
        story::{Beat, Due, PATIENCE, Story, TIPS},
    },
    notice::{Address, Headline, Marks, NoticeId, shown::Shown},
};

const NOW: &str = "2026-11-23T14:05:00Z";

fn now() -> Timestamp {
    NOW.parse().expect("a timestamp")
}

// ---- the story ----

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn told(due: &[Due]) -> Vec<&'static str> {
    due.iter()
        .filter_map(|due| match &due.beat {
            Beat::Tell(words) | Beat::Open { words, .. } => Some(*words),
            _ => None,
        })
        .collect()
}

#[test]
fn the_first_half_minute_is_written_down() {
    let mut story = Story::new(1);

    let lines: Vec<(u64, &str)> = (0..=28)
        .flat_map(|second| {
            told(&story.due(seconds(second)))
                .into_iter()
                .map(move |words| (second, words))
        })
        .collect();

    assert_eq!(
        lines,
        [
            (0, "three people, one mailbox"),
            (
                5,
                "Ana opens the fire drill: her count falls, yours and Tom's stay"
            ),
            (12, "a new notice just arrived for everyone"),
            (18, "the server's books: everything stored, nothing deleted"),
            (22, "two check at once: one is told busy and tries again"),
            (28, "your turn"),
        ]
    );
}

#[test]
fn a_beat_comes_once() {
    let mut story = Story::new(1);

    let first = story.due(seconds(6));
    let again = story.due(seconds(6));

    assert!(!first.is_empty());
    assert!(again.is_empty());
}

#[test]
fn the_story_waits_while_the_person_types() {
    let mut story = Story::new(1);
    story.due(seconds(4));

    story.typed(seconds(4));

    assert!(story.due(seconds(5)).is_empty());
    assert_eq!(story.next(), Some(seconds(5) + PATIENCE));
    assert!(!story.due(seconds(5) + PATIENCE).is_empty());
}

#[test]
fn a_key_does_not_hasten_the_story() {
    let mut story = Story::new(1);
    story.due(seconds(4));

    for second in 4..60 {
        story.typed(seconds(second));
        assert!(story.due(seconds(second)).is_empty(), "at {second} s");
    }

    assert_eq!(story.time(seconds(59)), seconds(4));
}

#[test]
fn what_was_held_up_is_dated_by_the_clock() {
    let mut story = Story::new(1);
    story.due(seconds(4));
    story.typed(seconds(4));

    let due = story.due(seconds(60));

    assert_eq!(due[0].at, seconds(5) + PATIENCE);
}

#[test]
fn tips_fit_a_row() {
    let longest = TIPS.iter().map(|tip| tip.len()).max();

    assert!(longest <= Some(80 - " Tip 1 of 6  ".len()), "{longest:?}");
}

#[test]
fn a_paused_story_stands_still_and_goes_on_where_it_was() {
    let mut story = Story::new(1);
    story.due(seconds(4));

    let held = story.toggle_pause(seconds(4));
    let meanwhile = (story.due(seconds(100)), story.next());
    let goes_on = !story.toggle_pause(seconds(100));

    assert!(held && goes_on);
    assert_eq!(meanwhile, (Vec::new(), None));
    assert_eq!(story.next(), Some(seconds(101)));
}

#[test]
fn a_seed_repeats_its_story_and_another_tells_another() {
    let story = |seed| Story::new(seed).due(seconds(3_600));

    assert_eq!(story(7), story(7));
    assert_ne!(story(7), story(8));
}

#[test]
fn the_written_part_alone_ends() {
    let mut story = Story::written();

    story.due(seconds(28));

    assert_eq!(story.next(), None);
}

#[test]
fn the_story_never_ends() {
    let mut story = Story::new(3);

    story.due(seconds(86_400));

    assert!(story.next().is_some_and(|next| next < seconds(86_400 + 60)));
}

// ---- the ledger ----

#[test]
fn the_ledger_counts_what_the_server_saw() {
    let mut ledger = Ledger::default();

    for entry in [Entry::Delivered; 13] {
        ledger.enter(entry);
    }
    for entry in [Entry::Checked; 41] {
        ledger.enter(entry);
    }
    for person in Person::ALL {
        ledger.enter(Entry::Met(person));
    }
    ledger.enter(Entry::Busy);
    ledger.enter(Entry::Busy);

    assert_eq!(
        ledger.to_string(),
        "Server ledger   13 stored   0 deleted   41 checks by 3 readers   2 busy"
    );
}

#[test]
fn a_deletion_would_not_be_hidden() {
    let mut ledger = Ledger::default();
    ledger.enter(Entry::Delivered);
    ledger.enter(Entry::Delivered);

    ledger.enter(Entry::Deleted(1));

    assert_eq!((ledger.stored(), ledger.deleted()), (1, 1));
}

#[test]
fn a_reader_is_met_once() {
    let mut ledger = Ledger::default();

    let news = [Person::Ana, Person::Ana, Person::Tom].map(|who| ledger.enter(Entry::Met(who)));

    assert_eq!(news, [true, false, true]);
    assert_eq!(ledger.readers(), 2);
}

// ---- joining from another terminal ----

fn invitation(folder: &std::path::Path) -> Invitation {
    Invitation {
        server: "127.0.0.1:40123".parse().expect("an address"),
        account: "notices".to_owned(),
        password: "sesame".to_owned(),
        readers: folder.join("readers"),
        check_every: 3_000,
    }
}

#[test]
fn another_terminal_finds_the_demo_that_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = folder.path().join("runtime");
    let invitation = invitation(folder.path());

    let _posted = invitation.post_in(&runtime).expect("posted");

    assert_eq!(Invitation::find_in(&runtime).expect("found"), invitation);
}

#[test]
fn an_invitation_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let runtime = folder.path().join("runtime");

    let _posted = invitation(folder.path()).post_in(&runtime).expect("posted");

    let mode = |path: &std::path::Path| {
        std::fs::metadata(path).expect("there").permissions().mode() & 0o777
    };
    assert_eq!(mode(&runtime), 0o700);
    assert_eq!(mode(&runtime.join("demo.toml")), 0o600);
    assert!(!format!("{:?}", invitation(folder.path())).contains("sesame"));
}

#[test]
fn a_folder_that_others_may_write_to_is_not_trusted() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let runtime = folder.path().join("runtime");
    let _posted = invitation(folder.path()).post_in(&runtime).expect("posted");

    std::fs::set_permissions(&runtime, std::fs::Permissions::from_mode(0o777)).expect("opened");

    assert!(matches!(
        Invitation::find_in(&runtime),
        Err(join::Error::NotOurs { .. })
    ));
}

#[test]
fn an_invitation_is_gone_when_its_demo_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = folder.path().join("runtime");
    let posted = invitation(folder.path()).post_in(&runtime).expect("posted");

    drop(posted);

    assert!(matches!(
        Invitation::find_in(&runtime),
        Err(join::Error::NoneFound)
    ));
}

#[test]
fn the_end_of_an_older_demo_leaves_a_newer_ones_invitation() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = folder.path().join("runtime");
    let older = invitation(folder.path()).post_in(&runtime).expect("posted");
    let mut newer = invitation(folder.path());
    newer.account = "newer".to_owned();
    let _posted = newer.post_in(&runtime).expect("posted");

    drop(older);

    assert_eq!(Invitation::find_in(&runtime).expect("found"), newer);
}

#[test]
fn each_reader_has_a_folder_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let invitation = invitation(folder.path());

    let settings = invitation.settings("Ana").expect("settings");

    assert_eq!(settings.data_dir, Some(folder.path().join("readers/ana")));
    assert_eq!(settings.mailboxes[0].port(), 40123);
    assert!(settings.mailboxes[0].allows_clear_text());
}

#[test]
fn a_readers_name_is_no_path() {
    let invitation = invitation(std::path::Path::new("/nowhere"));

    for name in ["", "..", "a/b", "ana\n"] {
        assert!(
            matches!(invitation.settings(name), Err(join::Error::Name { .. })),
            "{name:?}"
        );
    }
}

// ---- the story in words ----

fn screen(unread: usize) -> Screen {
    let headline = |n: usize| Headline {
        id: NoticeId(1),
        handle: format!("k{n}").into(),
        from: Arc::new(Address {
            name: Shown::line("田中 花子"),
            address: Shown::line("hanako@team.example"),
        }),
        subject: Shown::line("【重要】東京オフィス停電のお知らせ"),
        date: now() - (5 + n as i64).hours(),
        date_guessed: false,
        preview: Shown::default(),
        size: 1_000,
        important: n == 0,
        files: 0,
        has_link: false,
        key: 1,
        parents: Box::default(),
        marks: Marks::default(),
        ..Headline::default()
    };
    Screen {
        headlines: (0..unread).map(headline).collect(),
        ..Screen::default()
    }
}

fn changed(who: Person, unread: usize) -> Event {
    Event::ReaderChanged {
        who,
        screen: screen(unread),
    }
}

#[test]
fn counts_are_told_once_all_are_known() {
    let mut teller = Teller::new(now(), TimeZone::UTC);

    let lines: Vec<Vec<String>> = [
        changed(Person::Ana, 2),
        changed(Person::You, 3),
        changed(Person::Tom, 12),
        changed(Person::Tom, 12),
        changed(Person::Ana, 1),
        changed(Person::You, 4),
    ]
    .iter()
    .map(|event| teller.tell(event))
    .collect();

    let mut rows = plain::rows(&screen(3), now(), &TimeZone::UTC, 8);
    rows.push(String::new());
    assert_eq!(
        lines,
        [
            Vec::<String>::new(),
            rows,
            vec!["       Unread   You 3   Ana 2   Tom 12".to_owned()],
            vec![],
            vec!["       Unread   You 3   Ana 1   Tom 12".to_owned()],
            vec!["       You have it now: 4 unread".to_owned()],
        ]
    );
}

#[test]
fn a_busy_mailbox_is_told_without_alarm() {
    let mut teller = Teller::new(now(), TimeZone::UTC);

    let told = teller.tell(&Event::FoundBusy {
        who: Person::Tom,
        words: Shown::line("maildrop is in use"),
        again: Duration::from_millis(2_100),
    });

    assert_eq!(
        told,
        ["       Tom is told: maildrop is in use; next try in 2.1 s"]
    );
}

#[test]
fn rows_fit_eighty_columns_whatever_the_script() {
    let rows = plain::rows(&screen(2), now(), &TimeZone::UTC, 8);

    assert_eq!(
        rows,
        [
            " !●   09:05  田中 花子         【重要】東京オフィス停電のお知らせ",
            "  ●   08:05  田中 花子         【重要】東京オフィス停電のお知らせ",
        ]
    );
}

// ---- the whole of it ----

/// The story in words, twenty times as fast as life: real server, real pollers, real caches.
#[tokio::test]
async fn the_story_is_told_to_its_end_and_nothing_is_deleted() {
    let mut demo = Demo::start(Options {
        seed: 7,
        pace: 20.0,
        played: Played::Everybody,
    })
    .await
    .expect("a demo");
    let folder = demo.spool.clone();
    let mut teller = Teller::new(demo.began, TimeZone::UTC);
    let mut told = Vec::new();
    let mut ledger = Ledger::default();

    while !teller.is_over() {
        let event = demo.events.recv().await.expect("the demo goes on");
        if let Event::LedgerChanged(changed) = &event {
            ledger = changed.clone();
        }
        told.extend(teller.tell(&event));
    }
    drop((demo.wishes, demo.events));
    demo.end.await.expect("ended").expect("without an error");

    let told = told.join("\n");
    for line in [
        "       Unread   You 3   Ana 2   Tom 12",
        " 0:05  Ana opens the fire drill: her count falls, yours and Tom's stay",
        "       Unread   You 3   Ana 1   Tom 12",
        "       Priya Natarajan: Coffee machine is back",
        "       You have it now: 4 unread",
        "       Ana has it now: 2 unread",
        "       Tom has it now: 13 unread",
        "       Tom's next try came through: nothing was missed",
        " 0:28  your turn",
    ] {
        assert!(told.contains(line), "no `{line}` in\n{told}");
    }
    assert_eq!((ledger.stored(), ledger.deleted()), (32, 0), "{told}");
    assert!(ledger.busy() >= 1, "{told}");
    assert!(!folder.exists(), "the folder is left behind");
}

async fn with_teammates() -> Demo {
    Demo::start(Options {
        seed: 7,
        pace: 20.0,
        played: Played::Teammates,
    })
    .await
    .expect("a demo")
}

/// Waits for an event; whoever waits in vain is told so by the test's own limit.
async fn until(demo: &mut Demo, is_wanted: impl Fn(&Event) -> bool) -> Event {
    loop {
        let event = demo.events.recv().await.expect("the demo goes on");
        if is_wanted(&event) {
            return event;
        }
    }
}

fn has(event: &Event, wanted: Person, words: &str) -> bool {
    matches!(event, Event::ReaderChanged { who, screen } if *who == wanted
        && screen.headlines.iter().any(|headline| headline.subject.starts_with(words)))
}

async fn end(demo: Demo) {
    drop((demo.wishes, demo.events));
    demo.end.await.expect("ended").expect("without an error");
}

#[tokio::test]
async fn what_you_send_reaches_your_teammates() {
    let mut demo = with_teammates().await;

    demo.wishes.send(Wish::Send).await.expect("heard");

    until(&mut demo, |event| {
        has(event, Person::Tom, "Hello from the demo")
    })
    .await;
    end(demo).await;
}

#[tokio::test]
async fn a_broken_server_loses_nothing_and_everyone_catches_up() {
    let mut demo = with_teammates().await;

    demo.wishes.send(Wish::ToggleServer).await.expect("heard");
    until(&mut demo, |event| *event == Event::Broken(true)).await;
    demo.wishes.send(Wish::Send).await.expect("heard");
    demo.wishes.send(Wish::ToggleServer).await.expect("heard");
    until(&mut demo, |event| *event == Event::Broken(false)).await;

    until(&mut demo, |event| {
        has(event, Person::Ana, "Hello from the demo")
    })
    .await;
    end(demo).await;
}

#[tokio::test]
async fn a_withdrawn_notice_is_in_the_caches_alone() {
    let mut demo = with_teammates().await;

    let event = until(&mut demo, |event| has(event, Person::Ana, "Disk usage")).await;

    let Event::ReaderChanged { screen, .. } = event else {
        unreachable!("it was looked for");
    };
    let withdrawn: Vec<&Headline> = screen
        .headlines
        .iter()
        .filter(|headline| headline.fate.withdrawn.is_some())
        .collect();
    assert_eq!(withdrawn.len(), 1);
    assert_eq!(withdrawn[0].subject, "Disk usage build-02 91%");
    assert_eq!(screen.headlines.len(), demo.stored + 1);
    end(demo).await;
}

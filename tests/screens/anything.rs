//! Whatever is pressed and whatever happens, at any size: no panic, and drawing twice draws the same.

use std::{sync::Arc, time::Duration};

use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use tidings::{
    config::{Mailbox, Settings},
    notice::{Headline, MailboxIndex, Marks, Notice, NoticeId, TextForm, files::Way, shown::Shown},
    poll::report::{Outcome, Report, Summary},
    tui::{
        Purpose,
        effect::{Timer, Wanted},
        event::{Answer, Changed, DemoEvent, Doing, Event, Ledger, Teammate},
        setup::{Stage, Step, StepResult},
    },
};

use super::{Screen, at, check, headline, settings};

/// Something that a person or the world does.
#[derive(Clone, Debug)]
enum Act {
    Press(String),
    Happen(Event),
}

proptest! {
    #![proptest_config(proptest::test_runner::Config {
        cases: 96,
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    })]

    #[test]
    fn nothing_breaks_the_screen(
        size in size(),
        kind in 0_u8..4,
        looks in any::<(bool, bool, bool)>(),
        acts in proptest::collection::vec(act(), 1..60),
    ) {
        let mut screen = begin(size, kind, looks);

        for act in acts {
            match act {
                Act::Press(keys) => screen.press(&keys),
                Act::Happen(event) => screen.happens(event),
            }
            assert_eq!(screen.picture(), screen.picture());
        }
    }
}

fn begin(size: (u16, u16), kind: u8, (ascii, accessible, wide): (bool, bool, bool)) -> Screen {
    let mut settings = settings();
    settings.screen.ascii = Some(ascii);
    settings.screen.accessible = accessible;
    settings.screen.ambiguous_width = if wide { 2 } else { 1 };
    let purpose = match kind {
        0 => {
            settings = Settings::default();
            Purpose::Read(MailboxIndex(3))
        }
        1 => Purpose::SetUp(Box::new(settings.mailboxes[0].clone())),
        2 => Purpose::Demo {
            server: "127.0.0.1:1".to_owned(),
            began: at("2026-11-23T14:00:00Z"),
        },
        _ => Purpose::Read(MailboxIndex(0)),
    };
    let mut screen = Screen::starting(&settings, purpose, size);
    if kind > 1 {
        screen.open_the_team();
    }
    screen
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => key().prop_map(Act::Press),
        4 => event().prop_map(Act::Happen),
    ]
}

fn key() -> impl Strategy<Value = String> {
    let named = proptest::sample::select(vec![
        "<enter>",
        "<esc>",
        "<tab>",
        "<backtab>",
        "<space>",
        "<up>",
        "<down>",
        "<left>",
        "<right>",
        "<pgup>",
        "<pgdn>",
        "<home>",
        "<end>",
        "<backspace>",
        "<del>",
        "<f1>",
        "<f5>",
        "<ctrl-d>",
        "<ctrl-u>",
        "<ctrl-n>",
        "<ctrl-p>",
        "<ctrl-w>",
        "/de<enter>",
        ":all<enter>",
        "?",
        "o",
        "v",
        "m",
        "a",
        "zV",
    ]);
    prop_oneof![
        named.prop_map(str::to_owned),
        proptest::char::range('!', '~')
            .prop_filter("a bracket begins a name", |c| *c != '<')
            .prop_map(String::from),
        proptest::sample::select(vec!["é", "田", "م", "👩\u{200d}💻"]).prop_map(str::to_owned),
    ]
}

fn size() -> impl Strategy<Value = (u16, u16)> {
    prop_oneof![
        (1_u16..200, 1_u16..70),
        proptest::sample::select(vec![
            (30, 8),
            (40, 15),
            (80, 24),
            (120, 20),
            (120, 36),
            (80, 40),
            (60, 8)
        ]),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let mailbox = (0_usize..4).prop_map(MailboxIndex);
    let ids = || proptest::collection::vec((0_i64..150).prop_map(NoticeId), 0..6);
    prop_oneof![
        size().prop_map(|(columns, rows)| Event::Resized { columns, rows }),
        "\\PC{0,12}".prop_map(Event::Pasted),
        (any::<u8>(), any::<u8>()).prop_map(|(column, row)| Event::Clicked {
            column: column.into(),
            row: row.into(),
        }),
        (any::<u8>(), any::<u8>(), any::<i16>()).prop_map(|(column, row, by)| Event::Scrolled {
            column: column.into(),
            row: row.into(),
            by,
        }),
        (timer(), 0_u64..200_000).prop_map(|(timer, seconds)| Event::Woke {
            timer,
            now: at("2026-11-23T14:38:00Z") + Duration::from_secs(seconds),
        }),
        (mailbox.clone(), headlines(), any::<bool>()).prop_map(|(mailbox, headlines, complete)| {
            Event::Loaded {
                mailbox,
                kept: 7,
                headlines,
                complete,
                last_visit: complete.then(|| at("2026-11-20T00:00:00Z")),
                last_seen: None,
            }
        }),
        (mailbox.clone(), 0_i64..150, 0_u16..120).prop_map(|(mailbox, id, width)| Event::Opened {
            wanted: Wanted {
                mailbox,
                id: NoticeId(id),
                form: TextForm::Best,
                compared: None,
                way: Way::default(),
                folds_quotes: true,
                width,
                rows: 12,
            },
            notice: Arc::new(Notice::default()),
            lines: Arc::default(),
            pictures: Vec::new(),
        }),
        (mailbox.clone(), ids(), any::<bool>()).prop_map(|(mailbox, mut ids, are_many)| {
            Event::Found {
                mailbox,
                query: "de".to_owned(),
                result: Ok(if are_many {
                    ids.sort_unstable();
                    Answer::NewestFirst(ids)
                } else {
                    Answer::InOrder(ids)
                }),
                words: vec!["de".to_owned(), "DEPLOY".to_owned(), String::new()],
                searched: 3,
            }
        }),
        (mailbox.clone(), ids()).prop_map(|(mailbox, ids)| Event::Marked {
            mailbox,
            notices: ids
                .iter()
                .map(|id| Changed {
                    id: *id,
                    marks: Marks::default(),
                    replaced_by: ids.first().filter(|first| *first != id).copied(),
                })
                .collect(),
        }),
        (mailbox.clone(), summary()).prop_map(|(mailbox, summary)| Event::Recalled {
            mailbox,
            checks: vec![summary],
        }),
        (mailbox, report()).prop_map(|(mailbox, report)| Event::Reported { mailbox, report }),
        setup_event(),
        demo_event(),
        "\\PC{0,200}".prop_map(|words| Event::Failed {
            what: Shown::line(&words),
            why: Shown::line(&words),
            next: Shown::default(),
        }),
    ]
}

fn timer() -> impl Strategy<Value = Timer> {
    proptest::sample::select(vec![
        Timer::Minute,
        Timer::Countdown,
        Timer::MarkRead,
        Timer::SlowCheck,
        Timer::Reveal,
        Timer::Test,
    ])
}

fn report() -> impl Strategy<Value = Report> {
    let ids = || proptest::collection::vec((0_i64..150).prop_map(NoticeId), 0..6);
    prop_oneof![
        headlines().prop_map(Report::Arrived),
        headlines().prop_map(|mut headlines| {
            for headline in &mut headlines {
                headline.id = NoticeId(0);
            }
            Report::Announced(headlines)
        }),
        any::<u32>().prop_map(|count| Report::Progress {
            fetched: count / 2,
            of: count,
            octets: 1,
            of_octets: u64::from(count),
        }),
        any::<u32>().prop_map(|new| Report::Listed {
            on_server: new,
            new,
            octets: u64::from(new),
        }),
        ids().prop_map(|ids| Report::Withdrawn {
            ids,
            since: at("2026-11-23T14:00:00Z"),
        }),
        ids().prop_map(Report::Returned),
        any::<u32>().prop_map(|count| Report::Vanished { count, checks: 1 }),
        summary().prop_map(Report::Checked),
    ]
}

fn summary() -> impl Strategy<Value = Summary> {
    ("\\PC{0,60}", 0_usize..11, any::<Option<u32>>()).prop_map(|(words, outcome, on_server)| {
        let words = Shown::line(&words);
        let every = Duration::from_secs(600);
        let outcomes = [
            Outcome::Done,
            Outcome::Busy {
                words: words.clone(),
            },
            Outcome::ToldToWait {
                every,
                words: words.clone(),
            },
            Outcome::Unreachable { why: words.clone() },
            Outcome::Refused {
                words: words.clone(),
            },
            Outcome::SignInFailed {
                words: words.clone(),
            },
            Outcome::NoPassword { why: words.clone() },
            Outcome::NotSafe { why: words.clone() },
            Outcome::Broken { why: words.clone() },
            Outcome::CannotSave { why: words.clone() },
            Outcome::Cancelled,
        ];
        Summary {
            next: on_server.map(|_| at("2026-11-23T14:39:00Z")),
            on_server,
            notes: vec![words],
            ..check("2026-11-23T14:38:00Z", outcomes[outcome].clone(), 12)
        }
    })
}

fn headlines() -> impl Strategy<Value = Vec<Headline>> {
    let one = (
        0_i64..150,
        "\\PC{0,40}",
        "\\PC{0,90}",
        0_u64..150,
        any::<(bool, bool)>(),
    );
    let one = one.prop_map(|(id, from, subject, parent, (read, important))| Headline {
        parents: Box::new([parent]),
        preview: Shown::line(&from),
        important,
        marks: Marks {
            read,
            ..Marks::default()
        },
        ..headline(id, "2026-11-23T14:37:00Z", &from, &subject)
    });
    proptest::collection::vec(one, 0..5)
}

fn setup_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0_u32..4, any::<bool>()).prop_map(|(trial, passed)| Event::Tested {
            trial,
            step: Step {
                stage: Stage::SignIn,
                result: match passed {
                    true => StepResult::Started,
                    false => StepResult::Failed {
                        words: Shown::line("no"),
                        remedy: Shown::line("a long remedy that goes on and on beyond the line"),
                    },
                },
                took: None,
            },
        }),
        "\\PC{0,30}".prop_map(|name| {
            Event::TeamFileLoaded(Box::new(Mailbox {
                name: name.clone(),
                host: name,
                ..Mailbox::default()
            }))
        }),
        (0_usize..4).prop_map(|count| Event::SetupSaved {
            mailboxes: settings().mailboxes.into_iter().take(count).collect(),
            open: MailboxIndex(count),
        }),
    ]
}

fn demo_event() -> impl Strategy<Value = Event> {
    let event = prop_oneof![
        (0_usize..20, headlines()).prop_map(|(teammate, headlines)| DemoEvent::TeammateChanged {
            teammate,
            state: Teammate {
                name: "Ana".to_owned(),
                doing: Doing::Reading(Shown::line("Fire drill")),
                selected: headlines.last().map(|headline| headline.handle.clone()),
                headlines,
            },
        }),
        any::<u32>().prop_map(|count| DemoEvent::LedgerChanged(Ledger {
            stored: count,
            ..Ledger::default()
        })),
        "\\PC{0,300}".prop_map(|words| DemoEvent::Tipped {
            number: 1,
            of: 6,
            words: Shown::line(&words),
        }),
    ];
    event.prop_map(Event::Demo)
}

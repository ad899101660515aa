//! The screens of the mock-ups, each as a whole.

use std::time::Duration;

use tidings::{
    config::Settings,
    notice::{Headline, MailboxIndex, Marks, shown::Shown},
    poll::report::{Outcome, Report, Summary},
    tui::{
        Purpose,
        effect::Effect,
        event::{DemoEvent, Doing, Event, Ledger, Teammate},
        setup::{Stage, Step, StepResult},
    },
};

use super::{Screen, at, check, done, found, headline, settings, team};

/// Asserts a whole screen against its snapshot in this folder.
macro_rules! assert_screen {
    ($name:literal, $screen:expr) => {
        insta::with_settings!({
            snapshot_path => ".",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!($name, $screen.picture());
        });
    };
}

#[test]
fn the_main_screen_shows_list_and_reader_side_by_side() {
    let screen = Screen::team((120, 36));

    assert_screen!("main_120x36", screen);
}

#[test]
fn two_notices_arrive_above_and_the_cursor_stays() {
    let mut screen = Screen::team((80, 24));
    screen.press("jjj");

    screen.reported(Report::Arrived(vec![
        headline(1002, "2026-11-23T14:37:00Z", "Ana Silva", "Lunch is here"),
        headline(1001, "2026-11-23T14:36:00Z", "Tom Becker", "Lunch is late"),
    ]));

    assert_screen!("inbox_80x24", screen);
}

#[test]
fn the_reader_has_the_screen_for_itself_at_80_columns() {
    let mut screen = Screen::team((80, 24));

    screen.press("<enter>");

    assert_screen!("reader_80x24", screen);
}

#[test]
fn the_setup_tests_the_connection_while_it_is_filled_in() {
    let mut screen = Screen::starting(
        &Settings::default(),
        Purpose::Read(MailboxIndex(0)),
        (80, 24),
    );
    screen.press("notices@team.example<tab><tab><tab><tab><tab>sesame sesam<tab><space>");
    screen.press("<tab>pass show team/notices");
    let trial = screen.test();

    let passed = [
        (Stage::Find, "found pop.team.example (10.0.4.17)", 11),
        (Stage::Connect, "connected to port 995", 34),
        (
            Stage::Encrypt,
            "encrypted: TLS 1.3, certificate valid until 2027-03-02",
            61,
        ),
        (Stage::SignIn, "signed in as notices@team.example", 80),
    ];
    for (stage, words, milliseconds) in passed {
        let step = Step {
            stage,
            result: StepResult::Passed {
                words: Shown::line(words),
            },
            took: Some(Duration::from_millis(milliseconds)),
        };
        screen.happens(Event::Tested { trial, step });
    }
    let step = Step {
        stage: Stage::List,
        result: StepResult::Started,
        took: None,
    };
    screen.happens(Event::Tested { trial, step });

    assert_screen!("setup_80x24", screen);
}

#[test]
fn the_setup_stops_at_the_first_failure_with_its_remedy() {
    let mut screen = Screen::starting(
        &Settings::default(),
        Purpose::Read(MailboxIndex(0)),
        (80, 24),
    );
    screen.press("notices@team.example<tab><tab><tab><tab><tab>sesame");
    let trial = screen.test();

    let step = Step {
        stage: Stage::Find,
        result: StepResult::Failed {
            words: Shown::line("pop.team.example does not exist"),
            remedy: Shown::line("check the server name with whoever runs it"),
        },
        took: Some(Duration::from_millis(9)),
    };
    screen.happens(Event::Tested { trial, step });

    assert_screen!("setup_failed_80x24", screen);
}

#[test]
fn the_setup_asks_which_notices_start_as_unread() {
    let mut screen = Screen::starting(
        &Settings::default(),
        Purpose::Read(MailboxIndex(0)),
        (80, 24),
    );
    screen.press("notices@team.example<tab>");

    screen.press("<enter>");

    assert_screen!("setup_step_2_80x24", screen);
}

#[test]
fn the_list_is_usable_while_the_first_check_runs() {
    let mut screen = Screen::starting(&settings(), Purpose::Read(MailboxIndex(0)), (80, 24));
    screen.last_visit = None;
    screen.load();
    screen.happens(Event::Counted {
        mailbox: MailboxIndex(2),
        unread: 1,
    });
    screen.reported(Report::Started {
        at: at("2026-11-23T14:38:00Z"),
    });
    screen.reported(Report::Listed {
        on_server: 128,
        new: 128,
        octets: 3_100_000,
    });

    screen.reported(Report::Arrived(team().into_iter().take(74).collect()));
    screen.reported(Report::Progress {
        fetched: 74,
        of: 128,
        octets: 1_800_000,
        of_octets: 3_100_000,
    });

    assert_screen!("first_sync_80x24", screen);
}

#[test]
fn who_leaves_while_the_first_check_runs_has_left() {
    let mut screen = Screen::starting(&settings(), Purpose::Read(MailboxIndex(0)), (80, 24));
    screen.last_visit = None;
    screen.load();
    screen.reported(Report::Started {
        at: at("2026-11-23T14:38:00Z"),
    });
    screen.reported(Report::Progress {
        fetched: 1,
        of: 2,
        octets: 100,
        of_octets: 200,
    });

    screen.press("q");

    assert_eq!(screen.asked(), [Effect::Quit]);
}

#[test]
fn an_empty_mailbox_says_so_and_what_can_be_done() {
    let mut screen = Screen::starting(&settings(), Purpose::Read(MailboxIndex(0)), (80, 24));
    screen.load();
    screen.checked(done(0));

    assert_screen!("empty_80x24", screen);
}

#[test]
fn links_and_files_lie_over_the_reader() {
    let mut screen = Screen::team((80, 24));
    screen.press("<enter>");

    screen.press("o");

    assert_screen!("links_80x24", screen);
}

#[test]
fn the_mailbox_switcher_tells_how_each_is() {
    let mut screen = Screen::team((80, 24));
    screen.press("jjj");
    screen.happens(Event::Reported {
        mailbox: MailboxIndex(1),
        report: Report::Checked(Summary {
            next: Some(at("2026-11-23T14:05:40Z")),
            ..check(
                "2026-11-23T14:05:30Z",
                Outcome::Busy {
                    words: Shown::line("[IN-USE] busy"),
                },
                42,
            )
        }),
    });
    screen.happens(Event::Reported {
        mailbox: MailboxIndex(2),
        report: Report::Checked(check(
            "2026-11-23T14:05:30Z",
            Outcome::SignInFailed {
                words: Shown::line("wrong password"),
            },
            42,
        )),
    });

    screen.press("m");

    assert_screen!("mailboxes_80x24", screen);
}

#[test]
fn a_search_filters_while_it_is_typed() {
    let mut screen = Screen::team((80, 24));
    screen.happens(Event::Loaded {
        mailbox: MailboxIndex(0),
        headlines: vec![
            headline(
                501,
                "2026-11-02T09:00:00Z",
                "Priya Natarajan",
                "Network maintenance moved to Sunday",
            ),
            headline(
                502,
                "2025-10-02T09:00:00Z",
                "Priya Natarajan",
                "Storage maintenance: what to expect",
            ),
        ],
        kept: 128,
        complete: true,
        last_visit: screen.last_visit,
        last_seen: None,
    });

    screen.press("/from:priya maint");
    screen.happens(found("from:priya maint", &[1, 501, 502], &["maint"]));

    assert_screen!("search_80x24", screen);
}

#[test]
fn help_is_made_from_the_keymap() {
    let mut screen = Screen::team((80, 24));
    screen.press("jjj");

    screen.press("?");

    assert_screen!("help_80x24", screen);
}

#[test]
fn activity_lists_every_check() {
    let mut screen = Screen::team((80, 24));
    screen.happens(Event::Recalled {
        mailbox: MailboxIndex(0),
        checks: earlier_checks(),
    });

    screen.press("a");

    assert_screen!("activity_80x24", screen);
}

#[test]
fn the_demo_shows_three_readers_of_one_mailbox() {
    let screen = demo((80, 24));

    assert_screen!("demo_80x24", screen);
}

#[test]
fn the_demo_has_three_lists_where_there_is_room() {
    let screen = demo((120, 30));

    assert_screen!("demo_120x30", screen);
}

#[test]
fn a_narrow_list_has_no_sender_column() {
    let screen = Screen::team((40, 15));

    assert_screen!("narrow_list_40x15", screen);
}

#[test]
fn a_narrow_reader_uses_every_column() {
    let mut screen = Screen::team((40, 15));

    screen.press("<enter>");

    assert_screen!("narrow_reader_40x15", screen);
}

#[test]
fn the_palette_finds_commands_by_a_few_letters() {
    let mut screen = Screen::team((80, 24));

    screen.press(":mark");

    assert_screen!("palette_80x24", screen);
}

#[test]
fn a_tall_screen_has_the_list_above_the_reader() {
    let screen = Screen::team((80, 42));

    assert_screen!("stacked_80x42", screen);
}

#[test]
fn the_smallest_screen_still_has_a_list() {
    let screen = Screen::team((30, 8));

    assert_screen!("list_30x8", screen);
}

#[test]
fn the_smallest_screen_still_has_overlays() {
    let mut screen = Screen::team((30, 8));

    screen.press("?");

    assert_screen!("help_30x8", screen);
}

#[test]
fn a_screen_that_is_too_small_says_so() {
    let mut screen = Screen::team((80, 24));

    screen.happens(Event::Resized {
        columns: 10,
        rows: 3,
    });

    assert_screen!("too_small_10x3", screen);
}

#[test]
fn ascii_replaces_every_glyph_of_ours() {
    let mut settings = settings();
    settings.screen.ascii = Some(true);
    let mut screen = Screen::starting(&settings, Purpose::Read(MailboxIndex(0)), (80, 24));
    screen.open_the_team();

    assert_screen!("ascii_80x24", screen);
}

#[test]
fn accessible_rows_are_sentences() {
    let mut settings = settings();
    settings.screen.accessible = true;
    let mut screen = Screen::starting(&settings, Purpose::Read(MailboxIndex(0)), (120, 24));
    screen.open_the_team();

    assert_screen!("accessible_120x24", screen);
}

fn earlier_checks() -> Vec<Summary> {
    let ok = |began: &str, milliseconds| Summary {
        on_server: Some(128),
        ..check(began, Outcome::Done, milliseconds)
    };
    let noted = |summary: Summary, note: &str| Summary {
        notes: vec![Shown::line(note)],
        ..summary
    };
    let busy = Outcome::Busy {
        words: Shown::line("[IN-USE] mailbox busy; retried in 8 s"),
    };
    let offline = Outcome::Unreachable {
        why: Shown::line("no route to pop.team.example"),
    };
    vec![
        Summary {
            new: 2,
            ..ok("2026-11-23T14:04:12Z", 201)
        },
        noted(ok("2026-11-23T14:03:20Z", 190), "after 1 retry"),
        check("2026-11-23T14:03:12Z", busy, 42),
        ok("2026-11-23T14:02:12Z", 188),
        noted(ok("2026-11-23T13:58:40Z", 2_100), "back online after 4 min"),
        check("2026-11-23T13:54:12Z", offline, 0),
        noted(
            Summary {
                withdrawn: 1,
                ..ok("2026-11-23T09:12:12Z", 195)
            },
            "1 notice withdrawn: Disk usage build-02 91%",
        ),
        ok("2026-11-22T23:59:00Z", 195),
    ]
}

fn demo(size: (u16, u16)) -> Screen {
    let mut settings = settings();
    settings.mailboxes.truncate(1);
    let began = at("2026-11-23T14:37:46Z");
    let purpose = Purpose::Demo {
        server: "127.0.0.1:40123".to_owned(),
        began,
    };
    let mut screen = Screen::starting(&settings, purpose, size);
    let mut headlines = team();
    headlines.truncate(10);
    screen.headlines = headlines.clone();
    screen.last_visit = None;
    screen.load();
    screen.checked(Summary {
        next: Some(began + Duration::from_secs(17)),
        ..check("2026-11-23T14:38:00Z", Outcome::Done, 10)
    });
    screen.reported(Report::Arrived(vec![Headline {
        marks: Marks::default(),
        ..headline(
            1000,
            "2026-11-23T14:37:59Z",
            "Priya Natarajan",
            "Coffee machine is back",
        )
    }]));
    for (teammate, name, doing) in [
        (0, "Ana", Doing::Reading(Shown::line("Fire drill"))),
        (1, "Tom", Doing::Away),
    ] {
        let state = Teammate {
            name: name.to_owned(),
            doing,
            headlines: headlines.clone(),
            selected: Some(headlines[4].handle.clone()),
        };
        screen.happens(Event::Demo(DemoEvent::TeammateChanged { teammate, state }));
    }
    screen.happens(Event::Demo(DemoEvent::Told {
        at: Duration::from_secs(14),
        words: Shown::line("a new notice just arrived for everyone"),
    }));
    screen.happens(Event::Demo(DemoEvent::LedgerChanged(Ledger {
        stored: 13,
        deleted: 0,
        checks: 41,
        readers: 3,
        busy: 2,
    })));
    screen.happens(Event::Demo(DemoEvent::Tipped {
        number: 3,
        of: 6,
        words: Shown::line("Ana read the fire drill; Tom has not. Marks are personal."),
    }));
    screen
}

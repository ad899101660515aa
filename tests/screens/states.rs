//! The exact words of the status line, for every state of a mailbox.

use std::time::Duration;

use tidings::{
    notice::{MailboxIndex, NoticeId, shown::Shown},
    poll::report::{Outcome, Report, Summary},
    tui::{
        effect::{Effect, Timer},
        event::Event,
    },
};

use super::{Screen, at, check, done};

#[test]
fn a_slow_check_says_that_it_runs() {
    let mut screen = Screen::team((80, 24));
    screen.reported(Report::Started {
        at: at("2026-11-23T14:38:00Z"),
    });
    assert!(screen.status().starts_with(" ok · checked 14:05"));

    screen.wake(Timer::SlowCheck);

    assert!(screen.status().starts_with(" checking · checked 14:05"));
}

#[test]
fn offline_shows_saved_notices_and_the_next_try() {
    let mut screen = Screen::team((100, 24));

    screen.checked(offline());

    let words = " offline since 13:54 · showing saved notices · retry 14:07";
    assert!(screen.status().starts_with(words), "{}", screen.status());
}

#[test]
fn where_room_is_scarce_the_next_try_and_the_unread_count_stay() {
    for size in [(60, 20), (120, 36)] {
        let mut screen = Screen::team(size);

        screen.checked(offline());

        let status = screen.status();
        assert!(status.starts_with(" offline since 13:54 · "), "{status}");
        assert!(status.contains("retry 14:07"), "{status}");
        assert!(status.contains("3 unread"), "{status}");
    }
}

#[test]
fn back_online_says_how_long_it_was_away() {
    let mut screen = Screen::team((80, 24));
    screen.checked(offline());

    screen.checked(check("2026-11-23T13:58:40Z", Outcome::Done, 2_100));

    assert!(screen.status().starts_with(" online again after 4 min"));
}

#[test]
fn busy_is_counted_down_every_second() {
    let mut screen = Screen::team((80, 24));
    screen.checked(busy());
    assert!(
        screen
            .status()
            .starts_with(" busy: someone else is checking · retry in 8 s (2)")
    );

    screen.happens(Event::Woke {
        timer: Timer::Countdown,
        now: at("2026-11-23T14:38:03Z"),
    });

    assert!(screen.status().contains("retry in 5 s (2)"));
    assert!(ticks(&screen) >= 2);
}

#[test]
fn at_rest_nothing_ticks_but_the_minute() {
    let mut screen = Screen::team((80, 24));
    screen.effects.clear();

    screen.checked(done(128));
    screen.press("j");

    let timers = screen
        .effects
        .iter()
        .filter(|effect| matches!(effect, Effect::WakeAfter { .. }));
    assert_eq!(timers.count(), 0);
}

#[test]
fn busy_for_five_minutes_is_a_warning() {
    let mut screen = Screen::team((80, 24));
    screen.checked(Summary {
        at: at("2026-11-23T14:32:00Z"),
        ..busy()
    });

    screen.checked(busy());

    assert!(screen.status().starts_with(" warning: busy"));
}

#[test]
fn a_server_that_wants_to_be_left_alone_is_obeyed() {
    let mut screen = Screen::team((80, 24));

    let words = Shown::line("[LOGIN-DELAY] wait");
    let every = Duration::from_secs(600);
    screen.checked(Summary {
        next: Some(at("2026-11-23T14:15:00Z")),
        ..check(
            "2026-11-23T14:05:00Z",
            Outcome::ToldToWait { every, words },
            40,
        )
    });

    let words = " server allows a check every 10 min · next 14:15";
    assert!(screen.status().starts_with(words));
}

#[test]
fn a_failed_sign_in_offers_to_fix_the_password() {
    let mut screen = Screen::team((80, 24));
    let words = Shown::line("[AUTH] no");
    screen.checked(check(
        "2026-11-23T14:05:00Z",
        Outcome::SignInFailed { words },
        40,
    ));
    assert!(
        screen
            .status()
            .starts_with(" sign-in failed · p fix password")
    );

    screen.press("psesame");
    assert!(screen.text().contains("> ••••••_"));
    assert!(!screen.text().contains("sesame"));
    screen.press("<enter>");

    let asked = screen.asked();
    let Some(Effect::SignIn { mailbox, password }) = asked.last() else {
        panic!("it signs in: {asked:?}");
    };
    assert_eq!(
        (*mailbox, password.reveal()),
        (MailboxIndex(0), Some("sesame"))
    );
}

#[test]
fn an_unsafe_connection_has_details_and_no_way_round() {
    let mut screen = Screen::team((80, 24));
    let why = Shown::line("certificate expired 3 Nov");
    screen.checked(check("2026-11-23T14:05:00Z", Outcome::NotSafe { why }, 40));
    assert!(
        screen
            .status()
            .starts_with(" not safe: certificate expired 3 Nov · i details")
    );

    screen.press("i");

    assert!(screen.text().contains("pin_sha256 in the settings"));
}

#[test]
fn all_gone_at_once_is_told_and_nothing_withdrawn() {
    let mut screen = Screen::team((80, 24));

    screen.reported(Report::Vanished {
        count: 128,
        checks: 1,
    });

    assert!(
        screen
            .status()
            .starts_with(" 128 notices vanished from the server · a details")
    );
    assert!(screen.text().matches("withdrawn").count() == 1);
}

#[test]
fn marks_that_cannot_be_saved_are_told_of_until_they_are() {
    let mut screen = Screen::team((80, 24));
    screen.happens(Event::MarksUnsaved {
        why: Shown::line("disk full"),
    });
    assert!(
        screen
            .status()
            .starts_with(" cannot save: disk full · marks kept in memory")
    );

    screen.happens(Event::MarksSaved);

    assert!(screen.status().starts_with(" ok"));
}

#[test]
fn a_failure_says_what_why_and_what_next_and_stays_until_dismissed() {
    let mut screen = Screen::team((80, 24));
    screen.happens(Event::Failed {
        what: Shown::line("cannot save runbook.pdf"),
        why: Shown::line("disk full"),
        next: Shown::line("free some room"),
    });

    screen.press("jk");
    assert!(
        screen
            .status()
            .starts_with(" cannot save runbook.pdf: disk full · free some room")
    );

    screen.press("x");
    assert!(screen.status().starts_with(" ok"));
}

#[test]
fn words_of_success_go_with_the_next_key() {
    let mut screen = Screen::team((80, 24));
    screen.happens(Event::Done {
        words: Shown::line("saved runbook.pdf"),
    });
    assert_eq!(screen.status(), " saved runbook.pdf");

    screen.press("j");

    assert!(screen.status().starts_with(" ok"));
}

#[test]
fn the_dialogue_of_a_check_can_be_read() {
    let mut screen = Screen::team((80, 24));
    screen.press("a");

    screen.press("<enter>");

    assert!(screen.text().contains("C: PASS ****"));
}

#[test]
fn a_press_of_r_checks_now() {
    let mut screen = Screen::team((80, 24));

    screen.press("r");

    let mailbox = MailboxIndex(0);
    assert_eq!(screen.asked(), [Effect::CheckNow { mailbox }]);
}

fn offline() -> Summary {
    let why = Shown::line("no route to pop.team.example");
    Summary {
        next: Some(at("2026-11-23T14:07:00Z")),
        ..check("2026-11-23T13:54:12Z", Outcome::Unreachable { why }, 0)
    }
}

fn busy() -> Summary {
    let words = Shown::line("[IN-USE] busy");
    Summary {
        attempt: 2,
        next: Some(at("2026-11-23T14:38:08Z")),
        ..check("2026-11-23T14:37:50Z", Outcome::Busy { words }, 42)
    }
}

fn ticks(screen: &Screen) -> usize {
    let ticks = screen.effects.iter().filter(|effect| {
        matches!(
            effect,
            Effect::WakeAfter {
                timer: Timer::Countdown,
                ..
            }
        )
    });
    ticks.count()
}

#[test]
fn a_word_does_not_cover_a_failure_that_comes_after_it() {
    let mut screen = Screen::team((80, 24));
    screen.press("d");
    assert!(screen.status().contains("nothing is deleted"));

    screen.checked(offline());

    assert!(
        screen.status().starts_with(" offline since 13:54"),
        "{}",
        screen.status()
    );
}

#[test]
fn what_arrived_above_is_told_beside_the_banner() {
    let mut screen = Screen::team((80, 24));
    screen.press("GAU");
    let mut important = screen.headlines[0].clone();
    important.id = NoticeId(5_000);
    important.handle = "above".into();
    important.date = at("2026-11-23T14:37:00Z");

    screen.happens(Event::Reported {
        mailbox: MailboxIndex(0),
        report: Report::Arrived(vec![important]),
    });

    let title = screen.line(2);
    assert!(title.starts_with(" ! Priya N"), "{title}");
    assert!(title.contains("dismiss"), "{title}");
    assert!(title.trim_end().ends_with("▲ 1 new above, g"), "{title}");
}

#[test]
fn on_a_narrow_screen_a_failure_says_what_can_be_done() {
    let mut screen = Screen::team((40, 15));

    screen.checked(check(
        "2026-11-23T14:37:50Z",
        Outcome::SignInFailed {
            words: Shown::line("wrong password"),
        },
        42,
    ));
    let sign_in = screen.status();
    screen.checked(check(
        "2026-11-23T14:37:50Z",
        Outcome::NotSafe {
            why: Shown::line("certificate is signed by itself; more"),
        },
        42,
    ));
    let not_safe = screen.status();

    assert!(
        sign_in.starts_with(" sign-in failed · p fix password"),
        "{sign_in}"
    );
    assert!(not_safe.contains(" · i details"), "{not_safe}");
}

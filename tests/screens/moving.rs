//! The list: the cursor belongs to the user.

use tidings::{
    notice::{Headline, MailboxIndex, Marks, NoticeId, fate::Fate, shown::Shown},
    poll::report::Report,
    tui::{
        Purpose,
        effect::{Effect, Timer},
        event::{Changed, Event},
    },
};

use super::{Screen, at, done, headline, settings, team};

#[test]
fn past_the_last_notice_the_status_says_so_and_nothing_moves() {
    let mut screen = Screen::team((80, 24));
    screen.press("G");

    screen.press("j");

    assert_eq!(screen.status(), " last notice");
    assert!(screen.selected().contains("Deploy #1106"));
}

#[test]
fn notices_that_arrive_move_neither_the_cursor_nor_its_row() {
    let mut screen = Screen::team((80, 24));
    screen.press("jjjjjj");
    let (row, line) = (screen.selected_row(), screen.selected());

    screen.reported(Report::Arrived(vec![new(900)]));

    assert_eq!((screen.selected_row(), screen.selected()), (row, line));
}

#[test]
fn new_notices_above_are_counted_until_the_top_is_seen() {
    let mut screen = Screen::team((80, 24));
    screen.reported(Report::Arrived(vec![new(900)]));
    assert!(screen.line(2).ends_with("▲ 1 new above, g"));

    screen.press("g");

    assert_eq!(screen.line(2), " All · newest first");
    assert!(screen.selected().contains("Lunch is here"));
}

#[test]
fn the_top_is_revealed_after_a_minute_without_a_key_at_the_top() {
    let mut screen = Screen::team((80, 24));
    let line = screen.selected();
    screen.reported(Report::Arrived(vec![new(900)]));
    assert!(!screen.text().contains("Lunch is here"));

    screen.wake(Timer::Reveal);

    assert!(screen.text().contains("Lunch is here"));
    assert_eq!(screen.selected(), line);
}

#[test]
fn the_top_is_not_revealed_under_a_cursor_further_down() {
    let mut screen = Screen::team((80, 24));
    screen.press("G");
    screen.reported(Report::Arrived(vec![new(900)]));

    screen.wake(Timer::Reveal);

    assert!(!screen.text().contains("Lunch is here"));
}

#[test]
fn a_reply_joins_its_thread_where_that_stands() {
    let mut screen = Screen::team((80, 24));
    let reply = Headline {
        parents: Box::new([12]),
        preview: Shown::line("Thanks!"),
        ..new(900)
    };

    screen.reported(Report::Arrived(vec![reply]));

    assert!(screen.line(15).contains("Deploy #1222"));
    assert!(screen.line(16).contains("└ Ana S      Thanks!"));
}

#[test]
fn a_thread_rises_once_the_list_is_entered_again() {
    let mut screen = Screen::team((80, 24));
    let reply = Headline {
        parents: Box::new([10]),
        ..new(900)
    };
    screen.reported(Report::Arrived(vec![reply]));
    assert!(!screen.line(3).contains("Deploy #1224"));

    screen.press("<enter>qg");

    assert!(screen.line(3).contains("Deploy #1224"));
}

#[test]
fn an_announced_notice_becomes_the_kept_one_in_its_place() {
    let mut screen = Screen::team((80, 24));
    let kept = new(900);
    let announced = Headline {
        id: NoticeId(0),
        ..kept.clone()
    };
    screen.reported(Report::Announced(vec![announced]));
    screen.press("g");

    screen.reported(Report::Arrived(vec![kept]));

    assert!(screen.selected().contains("Lunch is here"));
    assert_eq!(screen.text().matches("Lunch is here").count(), 1);
}

#[test]
fn a_part_of_the_cache_that_comes_late_doubles_nothing() {
    let mut screen = Screen::team((80, 24));

    screen.load();

    assert!(screen.text().contains("3 unread, 1 important"));
}

#[test]
fn folding_hides_the_replies_and_keeps_their_count() {
    let mut screen = Screen::team((80, 24));

    screen.press("jz");

    assert!(screen.selected().ends_with("+3"));
    assert!(!screen.text().contains("Will nightly"));
}

#[test]
fn an_unread_reply_is_found_and_read_in_a_folded_thread_too() {
    let mut screen = Screen::team((80, 24));
    screen.press("A");
    screen.press("jju");
    assert!(screen.selected().contains('●'), "{}", screen.text());
    screen.press("kz");
    assert!(screen.selected().contains("+3"), "{}", screen.text());
    assert!(screen.selected().contains('●'), "its row shows it");

    // To be found, the thread opens.
    screen.press("Gn");
    assert!(screen.selected().contains('└'), "{}", screen.text());
    assert!(screen.selected().contains('●'), "{}", screen.text());

    // And what the folded row shows is what is marked.
    screen.press("z");
    assert!(screen.selected().contains("+3"), "{}", screen.text());
    screen.press("u");
    assert!(!screen.selected().contains('●'), "{}", screen.text());
    assert!(
        screen.text().contains("1 notice marked read"),
        "{}",
        screen.text()
    );
}

#[test]
fn another_filter_hides_nothing_above_empty_rows() {
    let mut screen = Screen::team((80, 24));
    let unread = |screen: &Screen| {
        let rows = (3..20).map(|row| screen.line(row));
        rows.filter(|line| line.contains('●')).count()
    };
    // On the first row of the screen, and far down.
    screen.press("G");
    screen.press(&"k".repeat(18));

    screen.press("f");

    assert_eq!(unread(&screen), 3, "{}", screen.text());
}

#[test]
fn without_threads_the_newest_stands_first() {
    let mut screen = Screen::team((80, 24));

    screen.press("tg");

    assert!(screen.line(3).contains("Re: Build cluster"));
}

#[test]
fn the_unread_filter_keeps_what_was_read_until_it_is_applied_again() {
    let mut screen = Screen::team((80, 24));
    screen.press("f");
    assert!(screen.line(2).starts_with(" Unread"));

    screen.press("u");
    assert!(screen.text().contains("Build cluster maintenance"));

    screen.press("ffff");
    assert!(!screen.text().contains("Build cluster maintenance"));
}

#[test]
fn an_empty_filter_says_how_to_see_all() {
    let mut screen = Screen::team((80, 24));
    screen.press("Af");
    assert!(screen.text().contains("All read."));
    assert!(screen.text().contains("`f` shows all 128."));

    screen.press("f");

    assert!(screen.line(2).starts_with(" All"));
}

#[test]
fn another_mailbox_is_loaded_when_its_number_is_pressed() {
    let mut screen = Screen::team((80, 24));

    screen.press("2");

    let load = Effect::Load {
        mailbox: MailboxIndex(1),
    };
    assert!(screen.effects.contains(&load));
    assert!(!screen.text().contains("Build cluster"));
}

#[test]
fn marks_of_another_instance_show() {
    let mut screen = Screen::team((80, 24));

    screen.happens(Event::Marked {
        mailbox: MailboxIndex(0),
        notices: vec![Changed {
            id: NoticeId(4),
            marks: Marks {
                read: true,
                ..Marks::default()
            },
            replaced_by: None,
        }],
    });

    assert!(screen.status().contains("2 unread"));
}

#[test]
fn a_withdrawn_notice_stays_and_says_so() {
    let mut screen = Screen::team((80, 24));

    screen.reported(Report::Withdrawn {
        ids: vec![NoticeId(5)],
        since: at("2026-11-23T14:00:00Z"),
    });

    assert!(screen.line(8).starts_with("   ★     Sun Facilities"));
    assert!(screen.line(8).ends_with("withdrawn"));
}

#[test]
fn a_notice_that_replaces_another_says_so_in_its_row_and_above_its_text() {
    let mut screen = Screen::team((80, 24));
    let corrected = Headline {
        fate: Fate {
            replaces: Some(at("2026-11-05T10:00:00Z")),
            ..Fate::default()
        }
        .into(),
        ..headline(
            900,
            "2026-11-23T13:59:00Z",
            "Facilities",
            "Fire drill, corrected",
        )
    };

    screen.reported(Report::Arrived(vec![corrected]));
    screen.press("g");

    let mut rows = (0..24).map(|line| screen.line(line));
    let row = rows.find(|line| line.contains("Fire drill, corrected"));
    assert!(row.expect("a row").ends_with("replaces 5 Nov"));
    screen.press("<enter>");
    let banner = "Replaces the notice of";
    assert!(screen.text().contains(banner), "{}", screen.text());
}

#[test]
fn times_go_round_short_ago_and_in_full() {
    let mut screen = Screen::team((80, 24));

    screen.press("T");
    assert!(screen.line(3).contains(" 2h Priya N"));

    screen.press("T");
    assert!(screen.line(3).contains("2026-11-23 12:10 Priya N"));
}

/// A screen whose mailbox is asked for and not here yet.
fn starting() -> Screen {
    let purpose = Purpose::Read(MailboxIndex(0));
    Screen::starting(&settings(), purpose, (80, 24))
}

#[test]
fn the_first_status_after_a_start_tells_what_is_new_since() {
    let mut screen = starting();
    screen.headlines = team();

    screen.load();

    assert!(
        screen
            .status()
            .starts_with(" since Sun 18:10: 3 new, 1 important")
    );
}

#[test]
fn what_the_first_check_brings_came_while_one_was_away_too() {
    let mut screen = starting();
    screen.headlines = team();
    screen.load();

    screen.reported(Report::Arrived(vec![new(900)]));
    screen.checked(done(129));

    let status = screen.status();
    assert!(
        status.starts_with(" since Sun 18:10: 4 new, 1 important"),
        "{status}"
    );
    screen.press("j");
    assert!(screen.status().starts_with(" ok · checked"));
}

#[test]
fn the_rule_below_what_is_new_is_not_counted_as_a_notice() {
    let mut screen = starting();
    screen.headlines = team();
    screen.last_visit = Some(screen.headlines[0].date);
    screen.load();
    screen.press("jk");

    screen.reported(Report::Arrived(vec![new(900)]));

    assert!(
        screen.line(2).ends_with("▲ 1 new above, g"),
        "{}",
        screen.line(2)
    );
}

#[test]
fn of_one_second_the_newer_notice_stands_above() {
    let mut screen = starting();
    let date = "2026-11-23T14:00:00Z";
    let one = |id, subject| headline(id, date, "Tom Becker", subject);
    screen.headlines = vec![one(2, "Deploy 2"), one(1, "Deploy 1")];
    screen.load();
    screen.reported(Report::Arrived(vec![
        one(4, "Deploy 4"),
        one(3, "Deploy 3"),
    ]));
    screen.press("g");

    let text = screen.text();

    let places = ["Deploy 4", "Deploy 3", "Deploy 2", "Deploy 1"].map(|word| text.find(word));
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{text}"
    );
}

#[test]
fn an_important_notice_out_of_sight_gets_a_banner_that_can_be_dismissed() {
    let mut screen = Screen::team((80, 24));
    screen.press("G");
    assert!(
        screen
            .line(2)
            .starts_with(" ! Priya N: Build cluster maintenance")
    );
    assert!(screen.line(2).ends_with("· x dismiss"));

    screen.press("x");

    assert_eq!(screen.line(2), " All · newest first");
}

fn new(id: i64) -> Headline {
    Headline {
        marks: Marks::default(),
        ..headline(id, "2026-11-23T14:37:00Z", "Ana Silva", "Lunch is here")
    }
}

#[test]
fn the_ring_of_filters_goes_on_behind_one_that_lets_nothing_through() {
    let mut screen = Screen::team((80, 24));
    screen.press("sAf");
    assert!(screen.text().contains("All read."));

    screen.press("ff");
    assert!(screen.line(2).starts_with(" Starred"), "{}", screen.text());
    screen.press("f");
    assert!(
        screen.line(2).starts_with(" Withdrawn"),
        "{}",
        screen.text()
    );
    screen.press("f");
    assert!(screen.line(2).starts_with(" All"), "{}", screen.text());
}

#[test]
fn marks_that_are_undone_are_in_the_filtered_list_again() {
    let mut screen = Screen::team((80, 24));
    screen.press("Af");
    assert!(screen.text().contains("All read."));

    screen.press("U");

    assert!(
        screen.text().contains("Build cluster maintenance"),
        "{}",
        screen.text()
    );
}

#[test]
fn what_came_since_the_last_visit_is_counted_by_when_it_came() {
    let mut screen = Screen::starting(&settings(), Purpose::Read(MailboxIndex(0)), (80, 24));
    let mut headlines = team();
    let mut late = headlines[0].clone();
    late.id = NoticeId(5_000);
    late.handle = "late".into();
    late.date = at("2026-11-01T10:00:00Z");
    headlines.push(late);

    screen.happens(Event::Loaded {
        mailbox: MailboxIndex(0),
        headlines,
        kept: 129,
        complete: true,
        last_visit: Some(at("2026-11-22T18:10:00Z")),
        last_seen: Some(NoticeId(4_000)),
    });
    screen.checked(done(129));

    assert!(
        screen.status().starts_with(" since Sun 18:10: 1 new"),
        "{}",
        screen.status()
    );
}

#[test]
fn a_mailbox_that_one_comes_back_to_is_as_one_left_it() {
    let mut screen = Screen::team((80, 24));
    screen.press("jj");
    let before = screen.line(5);

    screen.press("2");
    screen.press("1");
    screen.load();

    assert!(before.starts_with('>'), "{before}");
    assert_eq!(screen.line(5), before);
}

/// The first notices of the mailbox of the mock-ups come, or the rest of them.
fn load_some(screen: &mut Screen, complete: bool) {
    let headlines = team();
    let kept = u32::try_from(headlines.len()).expect("a test's mailbox is small");
    let (first, rest) = headlines.split_at(4);
    screen.happens(Event::Loaded {
        mailbox: MailboxIndex(0),
        headlines: if complete { rest } else { first }.to_vec(),
        kept,
        complete,
        last_visit: None,
        last_seen: None,
    });
}

#[test]
fn who_has_moved_on_before_all_is_loaded_is_not_moved_back() {
    let mut screen = Screen::team((80, 24));
    screen.press("Gk21");
    load_some(&mut screen, false);
    screen.press("j");
    let selected = screen.selected();

    load_some(&mut screen, true);

    assert_eq!(screen.selected(), selected);
}

#[test]
fn who_comes_back_and_waits_is_where_it_was_once_that_is_loaded() {
    let mut screen = Screen::team((80, 24));
    screen.press("Gk");
    let selected = screen.selected();
    screen.press("21");

    load_some(&mut screen, false);
    load_some(&mut screen, true);

    assert_eq!(screen.selected(), selected);
}

#[test]
fn nothing_is_undone_by_halves_while_the_mailbox_is_loaded() {
    let mut screen = Screen::team((80, 24));
    screen.press("A21");
    load_some(&mut screen, false);
    screen.asked();

    screen.press("U");
    let too_early = screen.asked();
    load_some(&mut screen, true);
    screen.press("U");

    assert!(
        !too_early
            .iter()
            .any(|effect| matches!(effect, Effect::Mark { .. }))
    );
    let undone = screen.asked();
    assert!(
        undone
            .iter()
            .any(|effect| matches!(effect, Effect::Mark { ids, .. } if ids.len() == 3))
    );
}

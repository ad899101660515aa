//! Search, the palette, the mailbox switcher, and help.

use tidings::{
    notice::{MailboxIndex, shown::Shown},
    tui::{effect::Effect, event::Event},
};

use super::{Screen, found};

#[test]
fn every_letter_asks_and_only_the_latest_answer_counts() {
    let mut screen = Screen::team((80, 24));
    screen.press("/de");

    screen.happens(found("d", &[1], &["d"]));
    assert!(screen.text().contains("Fire drill"));
    screen.happens(found("de", &[10, 11], &["de"]));

    assert!(!screen.text().contains("Fire drill"));
    assert!(screen.line(2).ends_with("2 of 128, live"));
}

#[test]
fn esc_restores_what_was_selected_before() {
    let mut screen = Screen::team((80, 24));
    screen.press("jjjjjj");
    let (row, line) = (screen.selected_row(), screen.selected());
    screen.press("/deploy");
    screen.happens(found("deploy", &[10, 11], &["deploy"]));

    screen.press("<esc>");

    assert_eq!((screen.selected_row(), screen.selected()), (row, line));
}

#[test]
fn enter_keeps_what_was_found_and_n_goes_to_the_next() {
    let mut screen = Screen::team((80, 24));
    screen.press("/deploy");
    screen.happens(found("deploy", &[10, 11], &["deploy"]));

    screen.press("<enter>n");

    assert!(screen.selected().contains("Deploy #1223"));
    assert!(screen.line(23).contains("n next match"));
}

#[test]
fn a_wrong_query_is_explained_and_what_was_found_stays() {
    let mut screen = Screen::team((80, 24));
    screen.press("/a");
    screen.happens(found("a", &[10], &["a"]));
    screen.press("fter:x");

    screen.happens(Event::Found {
        mailbox: MailboxIndex(0),
        query: "after:x".to_owned(),
        result: Err(Shown::line("`x` is no date")),
        words: Vec::new(),
        searched: 0,
    });

    assert!(screen.line(2).ends_with("`x` is no date"));
    assert!(screen.text().contains("Deploy #1224"));
}

#[test]
fn a_long_explanation_stands_below_the_query() {
    let mut screen = Screen::team((80, 24));
    screen.press("/is:foo");
    let words = "column 1: `is:foo`: unread, read, important, starred or withdrawn";

    screen.happens(Event::Found {
        mailbox: MailboxIndex(0),
        query: "is:foo".to_owned(),
        result: Err(Shown::line(words)),
        words: Vec::new(),
        searched: 0,
    });

    assert_eq!(screen.line(3), format!(" {words}"));
}

#[test]
fn a_search_that_finds_nothing_says_so() {
    let mut screen = Screen::team((80, 24));
    screen.press("/zzz");

    screen.happens(found("zzz", &[], &["zzz"]));

    assert!(
        screen.line(2).ends_with("nothing found"),
        "{}",
        screen.line(2)
    );
}

#[test]
fn earlier_searches_come_back() {
    let mut screen = Screen::team((80, 24));
    screen.press("/deploy<enter><esc>");

    screen.press("/<up>");

    assert!(screen.line(2).starts_with(" Search: deploy_"));
}

#[test]
fn pasted_text_goes_into_the_search() {
    let mut screen = Screen::team((80, 24));
    screen.press("/");

    screen.happens(Event::Pasted("two words\nand a line".to_owned()));

    assert!(screen.line(2).starts_with(" Search: two words_"));
}

#[test]
fn pasted_text_is_no_keys() {
    let mut screen = Screen::team((80, 24));

    screen.happens(Event::Pasted("qQ".to_owned()));

    assert_eq!(screen.asked(), []);
}

#[test]
fn every_key_is_a_command() {
    let mut screen = Screen::team((80, 24));

    screen.press(":check<enter>");

    let mailbox = MailboxIndex(0);
    assert_eq!(screen.asked(), [Effect::CheckNow { mailbox }]);
}

#[test]
fn catch_up_marks_old_notices_read() {
    let mut screen = Screen::team((80, 24));
    screen.press("Gu");
    screen.asked();

    screen.press(":catch up<enter>");

    assert_eq!(screen.status(), " 1 notice marked read · U undo");
}

#[test]
fn a_mailbox_is_found_by_a_part_of_its_name() {
    let mut screen = Screen::team((80, 24));

    screen.press("mops<enter>");

    let mailbox = MailboxIndex(1);
    assert!(screen.effects.contains(&Effect::Load { mailbox }));
}

#[test]
fn help_is_filtered_by_what_is_typed() {
    let mut screen = Screen::team((80, 24));

    screen.press("?star");

    assert!(screen.text().contains("s *"));
    assert!(!screen.text().contains("page, then next unread"));
}

#[test]
fn an_overlay_cuts_no_wide_character_in_half() {
    let mut screen = Screen::team((132, 30));
    assert!(screen.line(7).contains("東京オ"));

    screen.press(":");

    assert!(screen.line(7).contains("【重要 │"));
}

#[test]
fn a_filter_is_named_where_there_is_no_title_otherwise() {
    let mut screen = Screen::team((40, 15));

    screen.press("f");

    assert!(screen.line(1).starts_with(" Unread"));
    assert!(screen.line(2).starts_with(">!●"));
}

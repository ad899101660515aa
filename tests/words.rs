//! What may be drawn, how wide it is, and how times are said.

use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;

use tidings::notice::{shown::Shown, text, when};

#[test]
fn a_line_has_no_newline_or_tab_and_single_spaces() {
    let line = Shown::line("  a\r\n\tb   c\u{a0}d \n");

    assert_eq!(line, "a b c\u{a0}d");
}

#[test]
fn text_keeps_its_lines_and_expands_tabs_to_eight_columns() {
    let text = Shown::text("a\tb\r\n\t日本\tc\n");

    assert_eq!(text, "a       b\n        日本    c\n");
}

#[test]
fn escape_sequences_lose_their_escape() {
    assert_eq!(Shown::line("a\x1b[31mb\x07c\x7f\u{9b}2J"), "a␛[31mb?c??2J");
}

#[test]
fn a_lone_carriage_return_cannot_overwrite_a_line() {
    assert_eq!(Shown::text("safe\rEVIL\n"), "safe?EVIL\n");
}

#[test]
fn bidi_controls_tags_and_separators_become_marks() {
    for c in "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}\u{2028}\u{2029}\u{e0041}\u{200b}\u{ad}".chars() {
        assert_eq!(Shown::line(&format!("a{c}b")), "a?b", "{:x}", c as u32);
    }
}

#[test]
fn a_byte_order_mark_in_front_goes_and_one_inside_is_marked() {
    assert_eq!(Shown::text("\u{feff}a\u{feff}b"), "a?b");
}

#[test]
fn right_to_left_letters_and_joined_scripts_stay() {
    for kept in [
        "تغيير موعد الاجتماع",
        "می\u{200c}خواهم",
        "क\u{94d}\u{200d}ष",
        "שלום",
        "👩🏽\u{200d}🚀",
        "❤\u{fe0f}",
        "1\u{fe0f}\u{20e3}",
    ] {
        assert_eq!(Shown::line(kept), kept);
    }
}

#[test]
fn a_flood_of_marks_is_cut_and_said_once() {
    let flood = format!("a{}b", "\u{301}".repeat(100));

    assert_eq!(*Shown::line(&flood), format!("a{}?b", "\u{301}".repeat(8)));
}

#[test]
fn a_mark_without_a_letter_gets_a_circle() {
    assert_eq!(Shown::text("\u{301}a\n\u{301}b"), "◌\u{301}a\n◌\u{301}b");
}

#[test]
fn a_title_is_short_and_has_no_separator() {
    let title = Shown::line(&format!("9;4;{}", "x".repeat(300))).for_terminal_title();

    assert!(title.starts_with("9,4,x"));
    assert_eq!(title.chars().count(), 256);
}

#[test]
fn cutting_keeps_graphemes_whole() {
    assert_eq!(text::cut_to("【重要】東京オフィス", 9), "【重要】…");
    assert_eq!(text::cut_to("【重要】東京オフィス", 10), "【重要】…");
    assert_eq!(text::cut_to("abc", 3), "abc");
    assert_eq!(text::cut_to("abcd", 3), "ab…");
    assert_eq!(text::cut_with("abcdefgh", 6, "..."), "abc...");
    assert_eq!(text::cut_to("abcd", 0), "");
}

#[test]
fn padding_fills_columns_not_characters() {
    assert_eq!(text::pad_end("田中", 6), "田中  ");
    assert_eq!(text::pad_start("12", 4), "  12");
    assert_eq!(text::reduce_emoji("a 👩\u{200d}👩\u{200d}👧 b"), "a 👩 b");
}

#[test]
fn the_list_writes_times_as_short_as_it_can() {
    let now: Timestamp = "2026-11-23T14:05:00Z".parse().expect("a time");
    let cases = [
        ("2026-11-23T14:04:30Z", "now"),
        ("2026-11-23T13:53:00Z", "12m"),
        ("2026-11-23T09:06:00Z", "09:06"),
        ("2026-11-22T18:10:00Z", "Sun"),
        ("2026-11-17T01:00:00Z", "Tue"),
        ("2026-11-15T12:00:00Z", "15 Nov"),
        ("2025-10-15T12:00:00Z", "2025-10"),
        ("2026-11-24T03:00:00Z", "24 Nov"),
    ];

    for (at, words) in cases {
        let at = at.parse().expect("a time");
        assert_eq!(
            when::short(at, now, &TimeZone::UTC, when::Style::Smart),
            words,
            "{at}"
        );
    }
}

#[test]
fn the_reader_says_how_long_ago_and_the_senders_clock() {
    let now: Timestamp = "2026-11-23T14:15:00Z".parse().expect("a time");
    let at: Timestamp = "2026-11-23T12:10:00Z".parse().expect("a time");
    let old: Timestamp = "2025-10-02T23:10:00Z".parse().expect("a time");

    let zone = TimeZone::UTC;
    assert_eq!(
        when::long(at, Some(0), now, &zone),
        "Mon 23 Nov 12:10 (2 h ago)"
    );
    assert_eq!(
        when::long(at, Some(32400), now, &zone),
        "Mon 23 Nov 12:10 (2 h ago, 21:10 +0900 there)"
    );
    assert_eq!(
        when::long(old, Some(7200), now, &zone),
        "Thu 2 Oct 2025 23:10 (1 year ago, Fri 01:10 +0200 there)"
    );
    assert_eq!(
        when::since("2026-11-22T18:10:00Z".parse().expect("a time"), now, &zone),
        "Sun 18:10"
    );
}

proptest! {
    #[test]
    fn nothing_shown_can_steer_a_terminal(raw in any_text()) {
        for shown in [Shown::line(&raw), Shown::text(&raw)] {
            prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
            prop_assert!(!shown.contains(is_dangerous), "{shown:?}");
        }
        prop_assert!(!Shown::line(&raw).contains('\n'));
    }

    #[test]
    fn what_is_shown_once_is_shown_the_same_again(raw in any_text()) {
        let (line, text) = (Shown::line(&raw), Shown::text(&raw));

        prop_assert_eq!(Shown::line(&line), line);
        prop_assert_eq!(Shown::text(&text), text);
    }

    #[test]
    fn no_letter_carries_more_than_eight_marks(raw in any_text()) {
        let mut marks = 0;
        for c in Shown::text(&raw).chars() {
            marks = if ('\u{300}'..='\u{36f}').contains(&c) { marks + 1 } else { 0 };
            prop_assert!(marks <= 8);
        }
    }

    #[test]
    fn a_cut_fits_and_is_a_beginning(raw in any_text(), columns in 0usize..40) {
        let shown = Shown::line(&raw);

        let cut = shown.cut_to(columns);

        prop_assert!(text::width(&cut) <= columns);
        prop_assert!(shown.starts_with(cut.trim_end_matches('…').trim_end()));
    }
}

fn is_dangerous(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}'
        | '\u{2028}' | '\u{2029}' | '\u{e0000}'..='\u{e007f}' | '\u{feff}' | '\u{200b}')
}

/// Text with more trouble in it than chance would give.
fn any_text() -> impl Strategy<Value = String> {
    let trouble = "\x1b\x07\r\n\t \u{9b}\u{202e}\u{2066}\u{200d}\u{200c}\u{fe0f}\u{e0041}\u{301}\u{feff}\u{ad}👩👧🏽❤aعकﾞ日\u{94d}\u{1100}\u{1161}";
    let trouble = proptest::sample::select(trouble.chars().collect::<Vec<_>>());
    proptest::collection::vec(prop_oneof![3 => trouble, 1 => any::<char>()], 0..60)
        .prop_map(|chars| chars.into_iter().collect())
}

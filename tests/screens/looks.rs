//! Colours and letters: contrast, NO_COLOR, terminals without Unicode, ambiguous widths.

use ratatui::style::Color;
use tidings::{
    notice::MailboxIndex,
    tui::{
        Background, Purpose, Start,
        theme::{Role, Theme},
    },
};

use super::{Screen, at, settings};

#[test]
fn every_role_can_be_read_on_its_ground() {
    for name in ["dark", "light"] {
        let theme = Theme::named(name).expect("the theme exists");
        for role in Role::ALL {
            let style = theme.style(role);
            let (Some(fg), Some(bg)) = (style.fg, style.bg) else {
                panic!("{name}: {role:?} has no colours");
            };
            let contrast = contrast(fg, bg);
            assert!(contrast >= 4.5, "{name}: {role:?} has {contrast:.2}:1");
        }
    }
}

#[test]
fn auto_follows_the_terminals_background() {
    let chosen = |background| Theme::choose("auto", true, background);

    assert_eq!(Some(chosen(Some(Background::Light))), Theme::named("light"));
    assert_eq!(Some(chosen(Some(Background::Dark))), Theme::named("dark"));
    assert_eq!(Some(chosen(None)), Theme::named("terminal"));
}

#[test]
fn without_colour_no_colour_is_drawn() {
    let theme = Theme::choose("dark", false, None);

    for role in Role::ALL {
        let style = theme.style(role);
        assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
    }
}

#[test]
fn a_terminal_without_unicode_gets_ascii_only() {
    let start = Start {
        unicode: false,
        colour: false,
        ..start()
    };
    let mut screen = Screen::with_start(&settings(), start);
    screen.open_the_team();

    screen.press("<enter>o");

    assert!(screen.text().is_ascii());
}

#[test]
fn ambiguous_characters_take_two_columns_if_the_settings_say_so() {
    let mut settings = settings();
    settings.screen.ambiguous_width = 2;
    let mut screen = Screen::with_start(&settings, start());
    screen.open_the_team();

    // Our own glyphs are ASCII then, so that no rule is twice as long as the screen.
    assert!(screen.line(1).chars().all(|c| c == '-'));
}

fn start() -> Start {
    Start {
        now: at("2026-11-23T14:38:00Z"),
        zone: jiff::tz::TimeZone::UTC,
        size: (80, 24),
        unicode: true,
        colour: true,
        background: None,
        purpose: Purpose::Read(MailboxIndex(0)),
    }
}

/// The contrast of two colours (WCAG 2.2, "contrast ratio").
fn contrast(one: Color, other: Color) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(colour: Color) -> f64 {
    let Color::Rgb(r, g, b) = colour else {
        panic!("{colour} is a colour of the terminal's own");
    };
    let linear = |channel: u8| {
        let channel = f64::from(channel) / 255.0;
        match channel <= 0.04045 {
            true => channel / 12.92,
            false => ((channel + 0.055) / 1.055).powf(2.4),
        }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

#[test]
fn arrows_are_words_where_only_ascii_can_be_drawn() {
    let mut settings = settings();
    settings.screen.ascii = Some(true);
    let mut screen = Screen::starting(&settings, Purpose::Read(MailboxIndex(0)), (80, 24));
    screen.open_the_team();

    screen.press("?");

    assert!(screen.text().contains("j k Down Up"), "{}", screen.text());
}

#[test]
fn hints_of_an_overlay_are_dropped_whole_and_how_to_close_stays() {
    let mut screen = Screen::team((30, 8));

    screen.press("m");

    let text = screen.text();
    assert!(text.contains("Ctrl-N new  Esc close"), "{text}");
    assert!(!text.contains("Enter switch"), "{text}");
    assert!(text.contains("1 notices"), "{text}");
    assert!(text.contains("ok"), "{text}");
}

#[test]
fn the_open_mailbox_is_named_however_little_room_there_is() {
    let mut settings = settings();
    for number in 0..4 {
        let mut another = settings.mailboxes[0].clone();
        another.name = format!("another-{number}");
        settings.mailboxes.push(another);
    }
    let last = settings.mailboxes.len() - 1;
    let screen = Screen::starting(&settings, Purpose::Read(MailboxIndex(last)), (60, 20));

    assert!(screen.line(0).contains("another-3"), "{}", screen.line(0));
}

//! The keymap: presets, the user's changes, and mistakes in them.

use tidings::{
    config::Keys,
    notice::MailboxIndex,
    tui::{
        Purpose,
        action::{Action, Mode},
        effect::Effect,
        keymap::Keymap,
    },
};

use super::{Screen, settings};

#[test]
fn no_preset_gives_one_key_two_meanings() {
    for preset in Keymap::presets() {
        let (keymap, _) = Keymap::new(&preset_keys(preset));
        let mut keys: Vec<_> = keymap
            .bindings()
            .iter()
            .map(|(mode, key, _)| format!("{mode:?} {key}"))
            .collect();
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count, "{preset}");
    }
}

#[test]
fn every_preset_can_do_all_that_the_default_can() {
    let (default, _) = Keymap::new(&Keys::default());
    for preset in Keymap::presets() {
        let (keymap, _) = Keymap::new(&preset_keys(preset));
        for (mode, _, action) in default.bindings() {
            assert!(keymap.key(*mode, *action).is_some(), "{preset}: {action}");
        }
    }
}

#[test]
fn a_changed_key_changes_what_it_does_and_what_hints_say() {
    let mut settings = settings();
    settings
        .keys
        .global
        .insert("c".to_owned(), "check".to_owned());
    settings
        .keys
        .global
        .insert("r".to_owned(), "none".to_owned());
    let mut screen = Screen::starting(&settings, Purpose::Read(MailboxIndex(0)), (120, 36));
    screen.open_the_team();

    screen.press("rc");

    let mailbox = MailboxIndex(0);
    assert_eq!(screen.asked(), [Effect::CheckNow { mailbox }]);
    assert!(screen.line(35).contains("c check"));
}

#[test]
fn the_innermost_mode_wins() {
    let mut settings = settings();
    settings
        .keys
        .reader
        .insert("s".to_owned(), "save".to_owned());
    let mut screen = Screen::starting(&settings, Purpose::Read(MailboxIndex(0)), (80, 24));
    screen.open_the_team();
    screen.press("<enter>");
    screen.asked();

    screen.press("s");

    assert!(matches!(screen.asked()[..], [Effect::SaveNotice { .. }]));
}

#[test]
fn a_typo_is_reported_with_the_nearest_name_and_skipped() {
    let mut keys = Keys::default();
    keys.list
        .insert("ctrl-n".to_owned(), "next_unraed".to_owned());
    keys.list.insert("entre".to_owned(), "open".to_owned());
    keys.preset = "mut".to_owned();

    let (keymap, problems) = Keymap::new(&keys);

    let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "keys.preset: unknown `mut`: did you mean `mutt`?",
            "keys.list.ctrl-n: unknown `next_unraed`: did you mean `next_unread`?",
            "keys.list: unknown `entre`: did you mean `enter`?",
        ]
    );
    assert!(keymap.key(Mode::List, Action::Quit).is_some());
}

#[test]
fn a_typo_in_the_keys_is_told_on_the_screen() {
    let mut settings = settings();
    settings
        .keys
        .list
        .insert("x".to_owned(), "dismis".to_owned());
    let screen = Screen::starting(&settings, Purpose::Read(MailboxIndex(0)), (80, 24));

    assert!(
        screen
            .status()
            .contains("unknown `dismis`: did you mean `dismiss`?")
    );
}

fn preset_keys(preset: &str) -> Keys {
    Keys {
        preset: preset.to_owned(),
        ..Keys::default()
    }
}

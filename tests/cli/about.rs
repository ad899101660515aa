//! `completions`, `man`, and the help of every command.

use super::assert_told;
use crate::support::program::Person;

#[test]
fn completions_are_written_for_every_shell() {
    let person = Person::new();

    for (shell, word) in [
        ("bash", "complete -F _tidings"),
        ("zsh", "#compdef tidings"),
        ("fish", "complete -c tidings"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let ran = person.bare(&["completions", shell]).expect_quiet();
        assert!(ran.stdout.contains(word), "{shell}");
        assert!(ran.stdout.contains("mailboxes"), "{shell}");
    }
}

#[test]
fn the_manual_page_has_a_section_for_every_command() {
    let ran = Person::new().bare(&["man"]).expect_quiet();

    for command in COMMANDS {
        let name = format!("tidings\\-{command} \\-");
        assert!(ran.stdout.contains(&name), "{command}");
    }
}

/// Every command, in the order of the help.
const COMMANDS: [&str; 22] = [
    "setup",
    "doctor",
    "check",
    "watch",
    "list",
    "search",
    "count",
    "show",
    "next",
    "save",
    "open",
    "mark",
    "mailboxes",
    "log",
    "config",
    "keys",
    "themes",
    "demo",
    "serve",
    "deliver",
    "completions",
    "man",
];

#[test]
fn the_help_names_every_command() {
    let ran = Person::new().bare(&["--help"]).expect_quiet();

    for command in COMMANDS {
        assert!(ran.stdout.contains(&format!("\n  {command} ")), "{command}");
    }
    assert_told("help", &ran);
}

#[test]
fn every_command_has_a_help_with_examples() {
    let person = Person::new();

    for command in COMMANDS {
        let ran = person.bare(&[command, "--help"]).expect_quiet();
        assert!(ran.stdout.contains("\nExample"), "{command}");
        assert_told(&format!("help-{command}"), &ran);
    }
}

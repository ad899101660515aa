//! `mailboxes`, `log`, `config`, `keys` and `themes`: what is set, and how it went.

use std::{fs, os::unix::fs::PermissionsExt};

use tidings::server::events::Fault;

use super::{assert_told, checked};
use crate::support::{
    office::Office,
    program::{Person, mailbox},
};

#[test]
fn mailboxes_lists_what_is_set_and_how_it_went() {
    let (_office, person) = checked();

    let tabs = person.run(&["mailboxes"]).expect_quiet();
    let json = person.run(&["mailboxes", "--json"]);

    let rows = tabs.rows();
    assert_eq!(rows[0][..4], ["notices", "7", "7", "ok"]);
    assert_told("mailboxes-json", &json.expect_quiet());
}

#[test]
fn log_lists_the_checks_newest_first() {
    let (office, person) = checked();
    office.set_fault(Fault::Refuse);
    person.run(&["check"]).expect(4);

    let tabs = person.run(&["log"]);
    let one = person
        .run(&["log", "-n", "1", "--json=lines"])
        .expect_quiet();

    assert_told("log", &tabs.expect_quiet());
    assert_eq!(one.json()["outcome"], "offline");
}

#[test]
fn log_shows_the_dialogue_and_never_the_password() {
    let (_office, person) = checked();

    let ran = person.run(&["log", "--dialogue"]).expect_quiet();

    person.run(&["check"]).expect(0);
    let nothing_new = person.run(&["log", "--dialogue", "-n", "1", "--json=lines"]);
    let nothing_new = nothing_new.expect_quiet();

    assert!(ran.stdout.contains("C: RETR 7"), "{ran}");
    assert!(ran.stdout.contains("****"), "{ran}");
    assert!(!ran.stdout.contains("sesame"), "{ran}");
    let dialogue = nothing_new.json()["dialogue"]
        .as_str()
        .expect("text")
        .to_owned();
    assert!(dialogue.contains("C: STAT\nC: UIDL"), "{dialogue}");
}

#[test]
fn config_path_names_the_file() {
    let person = Person::new();

    let given = person.run(&["config", "path"]).expect_quiet();
    let platforms = person.bare(&["config", "path"]).expect_quiet();

    assert_eq!(given.stdout, "~/tidings.toml\n");
    assert_eq!(platforms.stdout, "~/home/.config/tidings/tidings.toml\n");
    assert_eq!(person.files("home"), Vec::<String>::new());
}

#[test]
fn config_check_finds_nothing_wrong_or_says_what_and_where() {
    let office = Office::empty();
    let person = Person::reading(office.address());

    let sound = person.run(&["config", "check"]).expect_quiet();
    person.set(&format!(
        "chek_every = \"1m\"\n{}\n[[search]]\nname = \"Odd\"\nquery = \"is:purple\"\n\
         [[rule]]\nwhen = \"from:\"\nmute = true\n",
        mailbox("notices", office.address())
    ));
    let odd = person.run(&["config", "check"]);

    assert_eq!(sound.stdout, "~/tidings.toml: ok, 1 mailbox\n");
    assert_told("config-check", &odd.expect(3));
}

#[test]
fn config_show_prints_all_that_is_in_force_with_secrets_masked() {
    let person = Person::with_settings(
        "[[mailbox]]\nname = \"notices\"\nhost = \"pop.team.example\"\nuser = \"notices\"\n\
         password = \"sesame\"\n",
    );
    fs::set_permissions(person.settings(), fs::Permissions::from_mode(0o600)).expect("permissions");

    let ran = person.run(&["config", "show"]).expect_quiet();

    assert!(!ran.stdout.contains("sesame"), "{ran}");
    assert_told("config-show", &ran);
}

#[test]
fn a_password_without_quotation_marks_is_not_repeated_in_the_error() {
    let person = Person::with_settings(
        "[[mailbox]]\nname = \"notices\"\nhost = \"pop.team.example\"\nuser = \"notices\"\n\
         password = 80736421\n",
    );

    let ran = person.run(&["config", "check"]).expect(3);

    assert!(!ran.stderr.contains("80736421"), "{ran}");
    assert!(
        ran.stderr.contains("tidings.toml:7:12: a password is text"),
        "{ran}"
    );
}

#[test]
fn keys_lists_the_keys_in_force() {
    let person = Person::with_settings("[keys.reader]\n\"ctrl-n\" = \"next_unread\"\n");

    let ran = person.run(&["keys"]).expect_quiet();

    assert!(
        ran.stdout.contains("reader\tCtrl-N\tnext_unread\t"),
        "{ran}"
    );
    assert!(ran.stdout.starts_with("global\ta\tactivity\t"), "{ran}");
}

#[test]
fn themes_lists_the_themes() {
    let ran = Person::new().run(&["themes"]).expect_quiet();

    assert_eq!(ran.stdout, "terminal\ndark\nlight\nmono\nauto\n");
}

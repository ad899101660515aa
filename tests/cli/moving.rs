//! `marks`: to another machine and back, and from other programs.

use std::fs;

use super::{checked, id_of, ids};
use crate::support::{
    office::Office,
    program::{Person, Ran, mailbox},
    quirks::Odd,
};

fn import(person: &Person, arguments: &[&str]) -> Ran {
    person.run(&[&["marks", "import"], arguments].concat())
}

/// The unique-ids that the server has, oldest first.
fn unique_ids(office: &Office) -> Vec<String> {
    let opened = office.scratch.open();
    let count = opened.maildrop.drop_listing().messages;
    (1..=count)
        .filter_map(tidings::pop3::listing::MessageNumber::new)
        .map(|number| {
            opened
                .maildrop
                .message(number)
                .expect("a message")
                .unique_id()
                .to_string()
        })
        .collect()
}

#[test]
fn marks_follow_a_person_to_another_machine() {
    let (office, old) = checked();
    let (drill, disk) = (id_of(&old, "Fire drill"), id_of(&old, "Disk usage"));
    old.run(&["mark", "read", "--all"]).expect(0);
    old.run(&["mark", "unread", &drill]).expect(0);
    old.run(&["mark", "star", &disk]).expect(0);
    let export = old.run(&["marks", "export"]).expect_quiet();
    // Nobody who finds the file learns whom it is about.
    assert!(
        !export.stdout.contains("Fire") && !export.stdout.contains('@'),
        "{}",
        export.stdout
    );
    let new = Person::reading(office.address());
    fs::write(new.path("marks.jsonl"), &export.stdout).expect("a file");

    let before = import(&new, &["marks.jsonl"]).expect_quiet();
    assert_eq!(before.stdout, "0 changed, 7 wait for their notices\n");
    let check = new.run(&["check", "--json=lines"]).expect_quiet();

    assert_eq!(
        check.json()["new"],
        0,
        "nothing of it is new to this person"
    );
    assert_eq!(ids(&new.run(&["list", "--unread"])), [drill]);
    assert_eq!(ids(&new.run(&["list", "--starred"])), [disk]);
    // Once more changes nothing, and what comes later is new.
    let again = import(&new, &["marks.jsonl"]).expect_quiet();
    assert_eq!(again.stdout, "0 changed, 0 wait for their notices\n");
    office.deliver("later");
    assert_eq!(
        new.run(&["check", "--json=lines"]).expect_quiet().json()["new"],
        1
    );
}

#[test]
fn marks_are_carried_by_a_folder_that_both_machines_have() {
    let office = Office::of_team();
    let shared = tempfile::tempdir().expect("a folder");
    let settings = format!(
        "journal_dir = \"{}\"\n{}",
        shared.path().join("tidings").display(),
        mailbox("notices", office.address())
    );
    let (desk, laptop) = (
        Person::with_settings(&settings),
        Person::with_settings(&settings),
    );
    desk.run(&["check"]).expect(0);
    laptop.run(&["check"]).expect(0);
    let drill = id_of(&desk, "Fire drill");
    desk.run(&["mark", "read", "--all"]).expect(0);
    desk.run(&["mark", "unread", &drill]).expect(0);

    laptop.run(&["check"]).expect_quiet();

    assert_eq!(
        ids(&laptop.run(&["list", "--unread"])),
        std::slice::from_ref(&drill)
    );
    laptop.run(&["mark", "read", &drill]).expect(0);
    desk.run(&["check"]).expect_quiet();
    assert_eq!(ids(&desk.run(&["list", "--unread"])), [""; 0]);
    // Where the folder is not to be had, notices and marks are.
    fs::remove_dir_all(shared.path()).expect("removed");
    office.deliver("later");
    let check = desk.run(&["check"]).expect(0);
    assert!(
        check.stderr.contains("marks are not carried"),
        "{}",
        check.stderr
    );
    desk.run(&["mark", "unread", &drill]).expect(0);
    assert_eq!(ids(&desk.run(&["list", "--unread"])).len(), 2);
}

#[test]
fn an_import_takes_no_mark_away_and_each_way_round_comes_to_the_same() {
    let (office, one) = checked();
    let other = Person::reading(office.address());
    other.run(&["check"]).expect(0);
    let (drill, disk) = (id_of(&one, "Fire drill"), id_of(&one, "Disk usage"));
    one.run(&["mark", "read", &drill]).expect(0);
    other.run(&["mark", "read", &disk]).expect(0);
    other.run(&["mark", "star", &drill]).expect(0);
    let of = |person: &Person| person.run(&["marks", "export"]).expect_quiet().stdout;
    let (of_one, of_other) = (of(&one), of(&other));
    fs::write(one.path("other"), of_other).expect("a file");
    fs::write(other.path("one"), of_one).expect("a file");

    import(&one, &["other"]).expect(0);
    import(&other, &["one", "-m", "notices"]).expect(0);

    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(of(&one)), sorted(of(&other)));
    assert_eq!(ids(&one.run(&["list", "--unread"])).len(), 5);
    assert_eq!(ids(&one.run(&["list", "--starred"])), [drill]);
}

#[test]
fn who_comes_from_another_program_is_not_flooded() {
    let office = Office::of_team();
    let ids = unique_ids(&office);
    let seen = &ids[..5];
    let host = office.address().ip();
    let lines = |line: &dyn Fn(&String) -> String| seen.iter().map(line).collect::<String>();
    for (program, file) in [
        (
            "mpop",
            format!(
                "# This file was generated by mpop version 1.4.18.\n#\n 1 elsewhere.example notices\nabc\n {} {host} notices\n{}",
                seen.len(),
                lines(&|id| format!("{id}\n"))
            ),
        ),
        (
            "fetchmail",
            lines(&|id| format!("notices@{host} {id}\n")) + "other@elsewhere.example abc\n",
        ),
        ("getmail", lines(&|id| format!("{id}\0\u{31}795665879\n"))),
        (
            "thunderbird",
            format!(
                "# POP3 State File\n# This is a generated file!  Do not edit.\n\n*{host} notices\n{}f {} 1795665879\n",
                lines(&|id| format!("k {id} 1795665879\r\n")),
                ids[5]
            ),
        ),
    ] {
        let person = Person::reading(office.address());
        fs::write(person.path("seen"), file).expect("a file");

        let told = import(&person, &["seen", "--from", program]).expect_quiet();
        let check = person.run(&["check", "--json=lines"]).expect_quiet();

        assert_eq!(
            told.stdout, "0 changed, 5 wait for their notices\n",
            "{program}"
        );
        assert_eq!(check.json()["new"], 2, "{program}");
        assert_eq!(
            super::ids(&person.run(&["list", "--unread"])).len(),
            2,
            "{program}"
        );
        // Also once they are here.
        person.run(&["mark", "unread", "--all"]).expect(0);
        let told = import(&person, &["seen", "--from", program]).expect_quiet();
        assert_eq!(
            told.stdout, "5 changed, 0 wait for their notices\n",
            "{program}"
        );
    }
}

#[test]
fn what_is_no_such_file_says_what_it_could_be() {
    let (_office, person) = checked();
    fs::write(person.path("junk"), b"\x1b[2Jnothing\n").expect("a file");
    fs::write(person.path("half"), "{\"mailbox\":\"notices\",\"headers\":\"zz\",\"body\":\"\",\"read\":true,\"starred\":false,\"muted\":false}\n").expect("a file");
    fs::write(
        person.path("others"),
        " 1 elsewhere.example \x1b[2Jann\nabc\n",
    )
    .expect("a file");
    for (arguments, words) in [
        (&["gone"][..], "cannot read gone"),
        (&["junk"], "this is no export of marks"),
        (&["half"], "a digest is no digest"),
        (
            &["junk", "--from", "thunderbird"],
            "there is no unique-id in this file",
        ),
        (
            &["others", "--from", "mpop"],
            "this file knows no account of these mailboxes",
        ),
        (&["junk", "-m", "none"], "no mailbox is named `none`"),
    ] {
        let ran = import(&person, arguments).expect(2);

        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains('\x1b'), "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unique_ids_as_other_programs_write_them_are_recognised() {
    // `/` is `-` in getmail's files; `#` begins a unique-id as well as a comment of mpop's.
    let odd = Odd::start(&[]).await;
    odd.hold(&[
        ("a/b+c", "one", "text\n"),
        ("a/other", "four", "text\n"),
        ("a-other", "five", "text\n"),
        ("#hash", "two", "text\n"),
        ("new", "three", "text\n"),
    ]);
    let settings = mailbox("notices", ([127, 0, 0, 1], odd.port).into());
    for (program, file) in [
        ("getmail", "a-b+c.0\x001795665879\n#hash.0\x001795665879\n"),
        (
            "mpop",
            "# This file was generated by mpop.\n#\n 2 127.0.0.1 notices\na/b+c.0\n#hash.0\n",
        ),
    ] {
        let person = Person::with_settings(&settings);
        fs::write(person.path("seen"), file).expect("a file");

        import(&person, &["seen", "--from", program]).expect_quiet();
        let check = person.run(&["check", "--json=lines"]).expect(0);
        assert_eq!(check.json()["new"], 3, "{program}");
        person.run(&["mark", "unread", "--all"]).expect(0);
        let told = import(&person, &["seen", "--from", program]).expect_quiet();

        let words = "2 changed, 0 wait for their notices\n";
        assert_eq!(told.stdout, words, "{program}");
        // Where both are there, the one that is written is meant.
        fs::write(person.path("one"), "a-other.0\x001795665879\n").expect("a file");
        import(&person, &["one", "--from", "getmail"]).expect_quiet();
        let unread = person.run(&["list", "--unread"]).stdout;
        assert!(
            unread.contains("Notice four") && !unread.contains("Notice five"),
            "{unread}"
        );
    }
}

#[test]
fn a_file_of_the_only_account_is_taken_under_another_name_of_the_server() {
    let office = Office::of_team();
    let file = format!("notices@pop.elsewhere.example {}\n", unique_ids(&office)[0]);
    let person = Person::reading(office.address());
    fs::write(person.path("seen"), file).expect("a file");

    let refused = import(&person, &["seen", "--from", "fetchmail"]).expect(2);
    assert!(
        refused.stderr.contains("name the mailbox (-m NAME)"),
        "{refused}"
    );
    let told = import(&person, &["seen", "--from", "fetchmail", "-m", "notices"]).expect_quiet();

    assert_eq!(told.stdout, "0 changed, 1 wait for their notices\n");
}

#[test]
fn what_another_program_had_fetched_is_read_on_the_other_machine_too() {
    let office = Office::of_team();
    let shared = tempfile::tempdir().expect("a folder");
    let settings = format!(
        "journal_dir = \"{}\"\n{}",
        shared.path().join("tidings").display(),
        mailbox("notices", office.address())
    );
    let (desk, laptop) = (
        Person::with_settings(&settings),
        Person::with_settings(&settings),
    );
    let seen: String = unique_ids(&office)[..5]
        .iter()
        .map(|id| format!("{id}\01795665879\n"))
        .collect();
    fs::write(desk.path("seen"), seen).expect("a file");
    import(&desk, &["seen", "--from", "getmail"]).expect_quiet();
    desk.run(&["check"]).expect(0);
    desk.run(&["check"]).expect(0);

    laptop.run(&["check"]).expect(0);

    let unread = ["list", "--unread"];
    let (of_desk, of_laptop) = (desk.run(&unread), laptop.run(&unread));
    assert_eq!(ids(&of_desk).len(), 2);
    assert_eq!(ids(&of_laptop), ids(&of_desk));
}

#[test]
fn an_export_that_was_cut_off_is_taken_up_to_there() {
    let (office, old) = checked();
    old.run(&["mark", "read", "--all"]).expect(0);
    let export = old.run(&["marks", "export"]).expect_quiet().stdout;
    let new = Person::reading(office.address());
    fs::write(new.path("marks.jsonl"), &export[..export.len() - 9]).expect("a file");

    let told = import(&new, &["marks.jsonl"]).expect_quiet();

    assert_eq!(
        told.stdout,
        "0 changed, 6 wait for their notices; the file ends in the middle of a line, which was left out\n"
    );
}

#[test]
fn another_way_to_ask_for_an_account_is_the_same_account() {
    let (office, person) = checked();
    let before = person.run(&["list"]);
    let settings = mailbox("notices", office.address());

    person.set(&settings.replace("user = \"notices\"", "user = \"recent:notices\""));

    assert_eq!(ids(&person.run(&["list"])), ids(&before));
}

//! `check` and `watch`.

use std::{
    fs,
    os::unix::fs::{FileExt, PermissionsExt},
    sync::{Mutex, mpsc},
};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{Watching, assert_told, checked, signal};
use crate::support::{
    office::{Office, mail},
    program::{Person, eventually, mailbox},
    rogue::{Rogue, Turn},
};

#[test]
fn a_first_check_keeps_all_and_says_so() {
    let office = Office::of_team();
    let person = Person::reading(office.address());

    let ran = person.run(&["check"]);

    assert_told("check", &ran.expect_quiet());
    assert_eq!(person.subjects().len(), 7);
    office.rest();
    assert_eq!(office.heard("DELE"), 0);
    assert_eq!(office.heard("QUIT"), 1);
}

#[test]
fn a_check_in_json_is_one_document() {
    let office = Office::of_team();
    let person = Person::reading(office.address());

    let ran = person.run(&["check", "--json"]);

    assert_told("check-json", &ran.expect_quiet());
}

#[test]
fn a_second_check_finds_nothing_new() {
    let (office, person) = checked();

    let ran = person.run(&["check", "--json=lines"]).expect_quiet();

    let item: Value = ran.json();
    assert_eq!(
        (&item["new"], &item["known"], &item["bytes"]),
        (&json!(0), &json!(7), &json!(0))
    );
    assert_eq!(office.heard("RETR"), 7);
}

#[test]
fn a_check_that_a_signal_ends_says_quit() {
    for (ending, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let (say, heard) = mpsc::channel();
        let rogue = Rogue::from_the_start(move |said| match said {
            "LIST" => {
                // Whoever listens has perhaps heard enough.
                let _ = say.send(());
                Turn::Say(Vec::new())
            }
            _ => Turn::Usual,
        });
        let person = Person::reading(rogue.address());
        // Whoever runs the tests may have had a signal ignored.
        let by = ["env", "--default-signal=INT,TERM,HUP"];
        let mut checking = Watching::start_by(&person, &by, &["check"]);
        heard.recv().expect("LIST");

        signal(&checking.child, ending);

        assert_eq!(checking.child.wait().expect("it ends").code(), Some(code));
        assert_eq!(rogue.heard().last().map(String::as_str), Some("QUIT"));
        let log = person.run(&["log", "--json"]).expect(0);
        assert!(log.stdout.contains("cancelled"), "{log}");
    }
}

#[test]
fn under_nohup_a_check_goes_on_when_its_terminal_is_gone() {
    let (say, heard) = mpsc::channel();
    let (go_on, gone_on) = mpsc::channel();
    let gone_on = Mutex::new(gone_on);
    let rogue = Rogue::with(vec![mail("kept all the same")], move |said| {
        if said == "LIST" {
            let _ = say.send(());
            let _ = gone_on.lock().expect("the word").recv();
        }
        Turn::Usual
    });
    rogue.misbehave();
    let person = Person::reading(rogue.address());
    let mut checking = Watching::start_by(&person, &["nohup"], &["check"]);
    heard.recv().expect("LIST");

    signal(&checking.child, Signal::HUP);
    go_on.send(()).expect("the server waits");

    assert_eq!(checking.child.wait().expect("it ends").code(), Some(0));
    assert_eq!(person.subjects(), ["kept all the same"]);
}

#[test]
fn a_check_that_is_killed_keeps_what_was_kept_and_the_next_brings_the_rest_once() {
    const MAILS: usize = 300;
    let (say, heard) = mpsc::channel();
    let mails = (1..=MAILS).map(|n| mail(&format!("notice {n:03}")));
    let rogue = Rogue::with(mails.collect(), move |said| match said {
        "RETR 20" => {
            let _ = say.send(());
            Turn::Silence
        }
        _ => Turn::Usual,
    });
    rogue.misbehave();
    let person = Person::reading(rogue.address());
    let mut checking = Watching::start(&person, &["check"]);
    heard.recv().expect("RETR");
    eventually("the first batch", || !person.subjects().is_empty());

    signal(&checking.child, Signal::KILL);
    assert_eq!(checking.child.wait().expect("it ends").code(), None);
    let kept = person.subjects();
    rogue.behave();
    let asked_before = retrieved(&rogue);
    person.run(&["check"]).expect_quiet();

    let mut subjects = person.subjects();
    subjects.sort();
    let all: Vec<String> = (1..=MAILS).map(|n| format!("notice {n:03}")).collect();
    assert_eq!(subjects, all);
    assert_eq!(retrieved(&rogue) - asked_before, MAILS - kept.len());
    let ran = person.run(&["check", "--json=lines"]).expect_quiet();
    assert_eq!(ran.json()["new"], 0);
}

/// How many messages a server was asked for.
fn retrieved(rogue: &Rogue) -> usize {
    let heard = rogue.heard();
    heard.iter().filter(|said| said.starts_with("RETR")).count()
}

#[test]
fn a_quiet_check_says_nothing() {
    let office = Office::of_team();
    let person = Person::reading(office.address());

    let ran = person.run(&["check", "-q"]).expect_quiet();

    assert_eq!(ran.stdout, "");
}

#[test]
fn progress_comes_in_lines_on_stderr_if_asked_for() {
    let office = Office::of_team();
    let person = Person::reading(office.address());

    let ran = person.run(&["check", "--progress=plain"]).expect(0);

    let last = ran.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("notices: 7 of 7, "), "{ran}");
}

#[test]
fn check_with_exit_code_tells_of_unread_notices() {
    let office = Office::of_team();
    let person = Person::reading(office.address());

    let unread = person.run(&["check", "--exit-code", "-q"]);
    person.run(&["mark", "read", "--all"]).expect(0);
    let read = person.run(&["check", "--exit-code", "-q"]);

    assert_eq!((unread.code, read.code), (Some(10), Some(0)));
}

#[test]
fn all_mailboxes_are_checked_though_one_fails() {
    let office = Office::of_team();
    let broken = "[[mailbox]]\nname = \"broken\"\nhost = \"127.0.0.1\"\nport = 1\n\
                  tls = \"none\"\nuser = \"notices\"\npassword_env = \"NOT_SET_ANYWHERE\"\n";
    let sound = mailbox("sound", office.address());
    let person = Person::with_settings(&format!("{broken}{sound}"));

    let ran = person.run(&["check"]).expect(3);

    assert!(ran.stdout.contains("sound\tok\t7\t7\t"), "{ran}");
    assert!(ran.stdout.contains("broken\tno password\t0\t-\t"), "{ran}");
    assert!(
        ran.stderr
            .contains("the environment variable NOT_SET_ANYWHERE is not set"),
        "{ran}"
    );
}

#[test]
fn watch_writes_a_line_for_each_new_notice() {
    let office = Office::empty();
    let person = Person::reading(office.address());
    let mut watching = Watching::start(&person, &["watch"]);
    office.deliver("first");

    let line = watching.line();

    assert!(
        line.ends_with("\tnotices\t2020-11-23T12:10:00Z\tPriya Natarajan\tfirst"),
        "{line}"
    );
    assert_eq!(watching.interrupt(), Some(130));
    office.rest();
    assert_eq!(
        office.heard("QUIT"),
        office.heard("PASS") + office.heard("AUTH")
    );
}

#[test]
fn watch_tells_of_what_another_program_has_fetched() {
    let office = Office::empty();
    let person = Person::with_settings(&format!(
        "check_every = \"5s\"\n{}",
        mailbox("notices", office.address())
    ));
    let mut watching = Watching::start(&person, &["watch"]);
    eventually("the first check", || office.heard("QUIT") > 0);
    office.deliver("by another");

    person.run(&["check"]).expect(0);
    let line = watching.line();

    assert!(line.ends_with("\tby another"), "{line}");
}

#[test]
fn watch_goes_on_with_a_cache_that_is_built_anew() {
    let (office, person) = checked();
    let cache = rusqlite::Connection::open(person.cache_path()).expect("the cache");
    let (number, size): (u32, u32) = cache
        .query_row(
            "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size \
             WHERE name = 'notice_by_change'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .expect("an index");
    drop(cache);
    let file = fs::OpenOptions::new()
        .write(true)
        .open(person.cache_path())
        .expect("the cache");
    file.write_all_at(&vec![0; size as usize], u64::from((number - 1) * size))
        .expect("damage");
    office.deliver("one more");

    let mut watching = Watching::start(&person, &["watch"]);

    // What was there before is no news.
    let line = watching.line();
    assert!(line.ends_with("\tone more"), "{line}");
    assert_eq!(watching.interrupt(), Some(130));
    assert_eq!(person.subjects().len(), 8);
}

#[test]
fn watch_says_at_once_that_there_is_no_such_program() {
    let person = Person::with_settings(&mailbox("notices", "127.0.0.1:1".parse().expect("one")));

    let settings = person.settings().display().to_string();
    let arguments = ["--config", &settings, "watch", "--exec", "no-such-program"];
    let ran = person.bare(&arguments).expect(2);

    assert!(ran.stderr.contains("no-such-program"), "{ran}");
}

#[test]
fn watch_in_json_writes_an_object_a_line_whatever_the_form() {
    let office = Office::of_team();
    let person = Person::reading(office.address());
    let mut watching = Watching::start(&person, &["watch", "--json"]);

    let item: Value = serde_json::from_str(&watching.line()).expect("JSON");

    assert_eq!(item["subject"], "Disk usage build-02 91%");
    assert_eq!(item["unread"], true);
    assert_eq!(watching.interrupt(), Some(130));
}

#[test]
fn watch_runs_a_program_for_each_notice_with_its_words_in_the_environment() {
    let office = Office::empty();
    office.deliver("$(touch harmed) ; `touch harmed`");
    let person = Person::reading(office.address());
    let told = "printf '%s|%s|%s\\n' \"$TIDINGS_MAILBOX\" \"$TIDINGS_FROM\" \"$TIDINGS_SUBJECT\"";
    let mut watching = Watching::start(&person, &["watch", "--exec", "sh", "-c", told]);

    let lines = [watching.line(), watching.line()];

    let expected = "notices|priya@team.example|$(touch harmed) , `touch harmed`";
    assert!(lines.iter().any(|line| line == expected), "{lines:?}");
    assert_eq!(watching.interrupt(), Some(130));
    assert!(!person.path("harmed").exists());
}

#[test]
fn a_program_that_hangs_does_not_keep_watch_from_ending() {
    let office = Office::of_team();
    let person = Person::reading(office.address());
    let mut watching = Watching::start(
        &person,
        &["watch", "--exec", "sh", "-c", "echo begun; sleep 1000"],
    );
    while watching.line() != "begun" {}

    signal(&watching.child, Signal::TERM);

    assert_eq!(watching.child.wait().expect("it ends").code(), Some(143));
    office.rest();
    assert_eq!(
        office.heard("QUIT"),
        office.heard("PASS") + office.heard("AUTH")
    );
}

#[test]
fn doctor_takes_no_weaker_way_of_signing_in_than_the_last() {
    let rogue = Rogue::with(Vec::new(), |said| match said {
        "" => Turn::Say(b"+OK ready <1.2@team.example>\r\n".to_vec()),
        said if said.starts_with("APOP") => Turn::Say(b"+OK\r\n".to_vec()),
        _ => Turn::Usual,
    });
    rogue.misbehave();
    let person = Person::reading(rogue.address());
    person.run(&["check"]).expect(0);
    // Somebody in the way takes the timestamp out of the greeting.
    rogue.behave();

    let ran = person.run(&["doctor"]).expect(7);

    assert!(ran.stdout.contains("FAILED"), "{ran}");
    let heard = rogue.heard();
    assert!(
        !heard.iter().any(|said| said.starts_with("PASS")),
        "{heard:?}"
    );
}

#[test]
fn a_password_comes_from_each_place_that_the_settings_name() {
    let office = Office::of_team();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("password");
    fs::write(&file, "sesame\nand a line that is no part of it\n").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("permissions");
    let file = file.display();
    for (source, code) in [
        (
            "password_command = [\"printf\", \"sesame\\\\nmore\"]".to_owned(),
            0,
        ),
        (format!("password_file = \"{file}\""), 0),
        ("password = \"sesame\"".to_owned(), 0),
        ("password = \"wrong\"".to_owned(), 5),
        // The most private one counts, whatever else is there.
        (
            format!(
                "password_command = [\"echo\", \"sesame\"]\npassword_file = \"{file}\"\npassword = \"wrong\""
            ),
            0,
        ),
    ] {
        let settings = mailbox("notices", office.address());
        let person = Person::with_settings(
            &settings.replace("password_env = \"TIDINGS_TEST_PASSWORD\"", &source),
        );
        fs::set_permissions(person.settings(), fs::Permissions::from_mode(0o600)).expect("private");

        let ran = person.run(&["check"]).expect(code);

        assert!(!format!("{ran}").contains("sesame"), "{source}: {ran}");
    }
}

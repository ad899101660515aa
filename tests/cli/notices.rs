//! `show`, `next`, `save`, `open` and `mark`: one notice, or some.

use std::{
    fs,
    io::pipe,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use super::{assert_told, checked, id_of, ids, spawn};
use crate::support::{
    office::{Office, mail},
    program::{Person, Ran},
};

#[test]
fn show_writes_the_text_and_marks_it_read() {
    let (_office, person) = checked();
    let id = id_of(&person, "Build cluster");

    let ran = person.run(&["show", &id]);

    assert_told("show", &ran.expect_quiet());
    assert_eq!(person.found("is:read"), 1);
}

#[test]
fn show_takes_the_beginning_of_an_id() {
    let (_office, person) = checked();
    let id = id_of(&person, "Fire drill");

    let whole = person.run(&["show", &id]).expect_quiet();
    let prefix = person.run(&["show", &id[..6]]).expect_quiet();
    let capitals = person
        .run(&["show", &id[..6].to_uppercase()])
        .expect_quiet();

    assert_eq!(prefix.stdout, whole.stdout);
    assert_eq!(capitals.stdout, whole.stdout);
}

#[test]
fn show_in_json_is_one_object() {
    let (_office, person) = checked();
    let id = id_of(&person, "Build cluster");

    let ran = person.run(&["show", &id, "--json"]);

    assert_told("show-json", &ran.expect_quiet());
}

#[test]
fn show_of_a_file_needs_no_mailbox() {
    let person = Person::new();
    fs::write(person.path("MAIL.eml"), mail("from a file")).expect("a mail");

    let ran = person.bare(&["show", "--file", "MAIL.eml", "--json"]);

    assert_told("show-file-json", &ran.expect_quiet());
    assert_eq!(person.files("home"), Vec::<String>::new());
}

#[test]
fn show_of_a_file_that_is_not_there_says_so() {
    let person = Person::new();

    let ran = person.bare(&["show", "--file", "MAIL.eml"]);

    assert_told("show-file-missing", &ran.expect(8));
}

#[test]
fn show_raw_gives_the_mail_byte_for_byte() {
    let office = Office::empty();
    office.deliver("raw");
    let person = Person::reading(office.address());
    person.run(&["check"]).expect(0);

    let ran = person
        .run(&["show", &id_of(&person, "raw"), "--raw"])
        .expect_quiet();

    assert!(
        ran.stdout.ends_with("\r\n\r\nThis is about: raw.\r\n"),
        "{ran}"
    );
}

#[test]
fn an_id_that_nothing_has_is_no_such_notice() {
    let (_office, person) = checked();

    let ran = person.run(&["show", "uuuuuu"]);

    assert_told("no-such-notice", &ran.expect(8));
}

#[test]
fn an_id_that_several_have_is_no_such_notice_and_names_them() {
    // There are 32 first letters, so two of 33 notices share one.
    let office = Office::empty();
    (0..33).for_each(|n| office.deliver(&format!("notice {n}")));
    let person = Person::reading(office.address());
    person.run(&["check"]).expect(0);
    let listed = person.run(&["list"]).expect(0);
    let ids = ids(&listed);
    let shared = ids
        .iter()
        .map(|id| &id[..1])
        .find(|first| ids.iter().filter(|id| id.starts_with(first)).count() > 1)
        .expect("two ids that begin alike");

    let ran = person.run(&["show", shared]).expect(8);

    assert!(
        ran.stderr.starts_with(&format!(
            "tidings: `{shared}` begins more than one id: {shared}"
        )),
        "{ran}"
    );
    assert!(
        ran.stderr.ends_with("give a few more characters\n"),
        "{ran}"
    );
}

#[test]
fn next_shows_the_oldest_unread_until_all_are_read() {
    let (_office, person) = checked();

    let first = person.run(&["next"]);
    for _ in 0..5 {
        person.run(&["next"]).expect(0);
    }
    let last = person.run(&["next"]).expect(0);
    let none = person.run(&["next"]);

    assert_told("next", &first.expect(0));
    assert!(
        last.stdout.starts_with("Disk usage build-02 91%\n"),
        "{last}"
    );
    assert_eq!(last.stderr, "that was the last one\n");
    assert_told("next-none", &none.expect(8));
}

#[test]
fn next_that_nobody_reads_stays_unread() {
    let (_office, person) = checked();
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);

    let code = spawn(&person, &["next"], writer, Stdio::null());

    assert_eq!(code, Some(0));
    assert_eq!(person.found("is:read"), 0);
}

#[test]
fn save_writes_the_mail_and_never_over_another() {
    let (_office, person) = checked();
    let id = id_of(&person, "Disk usage");

    let first = person.run(&["save", &id]).expect_quiet();
    let second = person.run(&["save", &id]).expect_quiet();

    assert_eq!(first.stdout, "~/downloads/Disk usage build-02 91%.eml\n");
    assert_eq!(
        second.stdout,
        "~/downloads/Disk usage build-02 91% (2).eml\n"
    );
    let saved = fs::read_to_string(person.path("downloads/Disk usage build-02 91%.eml"));
    assert!(
        saved
            .expect("a file")
            .ends_with("/dev/sda1   91%   /var/lib/build\r\n")
    );
}

#[test]
fn save_writes_a_notice_in_the_form_that_is_asked_for() {
    let (_office, person) = checked();
    let id = id_of(&person, "Disk usage");
    let folder = person.path("elsewhere");
    let folder = folder.to_str().expect("a path");

    for (form, begins, holds) in [
        ("txt", "Disk usage build-02 91%\nFrom ", "/dev/sda1   91%"),
        ("md", "# Disk usage build-02 91%\n\n**From:** ", "/dev/sda1"),
        ("html", "<!doctype html>", "<pre>"),
        ("json", "{\n  \"id\": ", "\"text\": "),
        ("mbox", "From ", "\nSubject: Disk usage"),
        ("eml", "", "\r\nSubject: Disk usage"),
    ] {
        person
            .run(&["save", &id, "--format", form, "--to", folder])
            .expect_quiet();
        let path = format!("{folder}/Disk usage build-02 91%.{form}");
        let saved = fs::read_to_string(&path).expect(&path);
        assert!(saved.starts_with(begins), "{form}: {saved}");
        assert!(saved.contains(holds), "{form}: {saved}");
    }
}

#[test]
fn what_a_search_finds_can_be_had_as_one_mbox() {
    let (_office, person) = checked();
    let path = person.path("found.mbox");
    let path = path.to_str().expect("a path");
    let query = "subject:build or subject:disk";
    let found = person.found(query);

    let ran = person
        .run(&["search", query, "--mbox", path])
        .expect_quiet();
    let again = person.run(&["search", query, "--mbox", path]);

    assert_eq!(ran.stdout, format!("{found} mails in ~/found.mbox\n"));
    let mbox = fs::read_to_string(path).expect("a file");
    let mode = fs::metadata(path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "mail is for nobody else to read");
    assert_eq!(mbox.matches("\n\nFrom ").count() + 1, found, "{mbox}");
    // Never over something that is there.
    let again = again.expect(9);
    assert!(again.stderr.contains("give another name"), "{again}");
}

#[test]
fn list_shows_what_a_search_would_find() {
    let (_office, person) = checked();

    let some = person
        .run(&["list", "--where", "subject:disk or subject:nothing"])
        .expect_quiet();
    let wrong = person.run(&["list", "--where", "is:nonsense"]);

    assert_eq!(some.rows().len(), 1, "{some}");
    wrong.expect(2);
}

#[test]
fn save_writes_one_file_or_all_where_it_is_told() {
    let (_office, person) = checked();
    let id = id_of(&person, "Build cluster");
    let folder = person.path("elsewhere");
    let folder = folder.to_str().expect("a path");

    let one = person
        .run(&["save", &id, "3", "--to", folder])
        .expect_quiet();
    let all = person
        .run(&["save", &id, "--all", "--to", folder])
        .expect_quiet();

    assert_eq!(one.stdout, "~/elsewhere/hosts.csv\n");
    assert_eq!(
        all.stdout,
        "~/elsewhere/hosts (2).csv\n~/elsewhere/drain.sh\n"
    );
    let csv = person.path("elsewhere/hosts.csv");
    assert_eq!(
        fs::read(&csv).expect("a file"),
        b"host,owner\r\nbuild-01,Priya"
    );
    let script = fs::metadata(person.path("elsewhere/drain.sh")).expect("a file");
    assert_eq!(script.permissions().mode() & 0o777, 0o600);
}

#[test]
fn save_of_a_file_that_the_notice_has_not_says_so() {
    let (_office, person) = checked();

    let ran = person.run(&["save", &id_of(&person, "Fire drill"), "1"]);

    assert_told("save-no-such-file", &ran.expect(8));
}

#[test]
fn open_hands_the_link_to_the_systems_opener() {
    let (_office, person) = checked();
    let opener = Opener::install(&person);

    let ran = opener.finish(&person, &["open", &id_of(&person, "Build cluster"), "2"]);

    assert_eq!(ran.stdout, "");
    assert_eq!(
        opener.was_given(),
        "https://wiki.team.example/runbooks/build"
    );
}

#[test]
fn open_hands_a_file_to_the_systems_opener() {
    let (_office, person) = checked();
    let opener = Opener::install(&person);

    opener.finish(&person, &["open", &id_of(&person, "Build cluster"), "3"]);

    let path = opener.was_given();
    assert!(path.ends_with("/hosts.csv"), "{path}");
    assert_eq!(
        fs::read(&path).expect("the file"),
        b"host,owner\r\nbuild-01,Priya"
    );
}

#[test]
fn open_never_opens_a_program() {
    let (_office, person) = checked();

    let ran = person.run(&["open", &id_of(&person, "Build cluster"), "4"]);

    assert_told("open-program", &ran.expect(1));
}

/// A stand-in for the system's opener, which tells by a named pipe what it was given.
struct Opener {
    told: std::path::PathBuf,
    path: String,
}

impl Opener {
    fn install(person: &Person) -> Opener {
        let told = person.path("told");
        let made = Command::new("mkfifo").arg(&told).status().expect("mkfifo");
        assert!(made.success());
        let folder = person.path("bin");
        fs::create_dir(&folder).expect("a folder");
        let script = folder.join("xdg-open");
        let text = format!("#!/bin/sh\nprintf %s \"$1\" > '{}'\n", told.display());
        fs::write(&script, text).expect("a script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("permissions");
        let path = std::env::var("PATH").unwrap_or_default();
        Opener {
            told,
            path: format!("{}:{path}", folder.display()),
        }
    }

    fn finish(&self, person: &Person, arguments: &[&str]) -> Ran {
        let mut command = person.command(arguments);
        command.env("PATH", &self.path);
        person.finish(command).expect_quiet()
    }

    /// Waits until the opener runs.
    fn was_given(&self) -> String {
        fs::read_to_string(&self.told).expect("what the opener tells")
    }
}

#[test]
fn mark_counts_what_changed_and_says_how_to_undo_it() {
    let (_office, person) = checked();
    let (drill, disk) = (id_of(&person, "Fire drill"), id_of(&person, "Disk usage"));

    let first = person.run(&["mark", "read", &drill, &disk]).expect(0);
    let again = person.run(&["mark", "read", &drill]).expect(0);

    assert_eq!(first.stdout, "2 changed\n");
    assert_eq!(
        first.stderr,
        format!("undo: tidings mark unread {drill} {disk}\n")
    );
    assert_eq!(
        (again.stdout.as_str(), again.stderr.as_str()),
        ("0 changed\n", "")
    );
    assert_eq!(person.found("is:read"), 2);
}

#[test]
fn mark_takes_all_or_those_before_a_day() {
    let (_office, person) = checked();

    let before = person
        .run(&["mark", "read", "--before", "2020-11-04"])
        .expect(0);
    let all = person.run(&["mark", "read", "--all"]).expect(0);

    assert_eq!(before.stdout, "3 changed\n");
    assert_eq!(all.stdout, "4 changed\n");
}

#[test]
fn mark_of_no_notice_is_wrong_usage() {
    let (_office, person) = checked();

    person.run(&["mark", "read"]).expect(2);
    person.run(&["mark", "purple", "--all"]).expect(2);
    person.run(&["mark", "read", "uuuuuu"]).expect(8);

    assert_eq!(person.found("is:read"), 0);
}

#[test]
fn a_mark_on_many_notices_can_be_undone() {
    let office = Office::empty();
    for number in 0..40 {
        office.deliver(&format!("number {number}"));
    }
    let person = Person::reading(office.address());
    person.run(&["check"]).expect(0);

    let marked = person.run(&["mark", "read", "--all"]).expect(0);

    let undo = marked
        .stderr
        .trim()
        .strip_prefix("undo: tidings ")
        .expect("a way back");
    let undo: Vec<&str> = undo.split(' ').collect();
    assert_eq!(person.found("is:unread"), 0);
    person.run(&undo).expect(0);
    assert_eq!(person.found("is:unread"), 40);
}

#[test]
fn what_a_search_finds_can_be_had_as_a_maildir_and_so_can_a_notice() {
    let (_office, person) = checked();
    let folder = person.path("kept");
    let path = folder.to_str().expect("UTF-8");

    let ran = person
        .run(&["search", "drill", "--maildir", path])
        .expect_quiet();
    let id = id_of(&person, "Disk usage");
    person
        .run(&["save", &id, "--format", "maildir", "--to", path])
        .expect_quiet();

    assert!(ran.stdout.starts_with("1 mail in "), "{}", ran.stdout);
    let mails: Vec<String> = fs::read_dir(folder.join("new"))
        .expect("a Maildir")
        .map(|entry| fs::read_to_string(entry.expect("an entry").path()).expect("a mail"))
        .collect();
    assert_eq!(mails.len(), 2);
    assert!(
        mails
            .iter()
            .any(|mail| mail.contains("Subject: Fire drill")),
        "{mails:?}"
    );
    assert!(
        mails.iter().any(|mail| mail.contains("Disk usage")),
        "{mails:?}"
    );
    assert!(!mails.concat().contains('\r'), "the line ends of files");
}

//! The command line from outside: what each command writes, on which of the two outputs, in which
//! form, and with which exit code it ends.
//!
//! The failures of a network are in `bad_input.rs`, what needs a terminal in `terminal.rs`.

use std::{
    fs,
    io::{BufRead, BufReader, Read, pipe},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tidings::server::events::Fault;

use crate::support::{
    office::{Office, mail},
    program::{PROGRAM, Person, Ran, mailbox},
};

/// A server with the team's mailbox, and somebody who has checked it once.
fn checked() -> (Office, Person) {
    let office = Office::of_team();
    let person = Person::reading(office.address());
    person.run(&["check"]).expect(0);
    (office, person)
}

/// The id of the notice whose subject begins like this.
fn id_of(person: &Person, subject: &str) -> String {
    let listed = person.run(&["list"]).expect(0);
    let rows = listed.rows();
    let row = rows.iter().find(|row| row[5].starts_with(subject));
    row.unwrap_or_else(|| panic!("no `{subject}` in {listed}"))[0].to_owned()
}

/// Compares with a snapshot; what differs from run to run is written as a word.
#[track_caller]
fn assert_told(name: &str, ran: &Ran) {
    /// What differs, and the word for it.
    const VOLATILE: [(&str, &str); 9] = [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"port \d{4,5}", "port PORT"),
        (r"port = \d+", "port = PORT"),
        (r"notices-[0-9a-f]{8}\.db", "notices-DIGEST.db"),
        (r#""seconds": ?[0-9.e-]+"#, r#""seconds": SECONDS"#),
        (r"\t\d+\.\d\d( s)?", "\tSECONDS"),
        (r"\(\d+ ms\)", "(TIME)"),
        (r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "NOW"),
        (r"\(\d+ years ago", "(LONG ago"),
    ];
    let mut told = ran.to_string();
    for (pattern, word) in VOLATILE {
        let pattern = regex::Regex::new(pattern).expect("a pattern");
        told = pattern.replace_all(&told, word).into_owned();
    }
    insta::with_settings!({
        snapshot_path => "snapshots/cli",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, told);
    });
}

// ---- check and watch ----

#[test]
fn a_first_check_keeps_all_and_says_so() {
    let office = Office::of_team();
    let person = Person::reading(office.address());

    let ran = person.run(&["check"]);

    assert_told("check", &ran.expect_quiet());
    assert_eq!(person.subjects().len(), 7);
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
        line.ends_with("  notices  2020-11-23T12:10:00Z  Priya Natarajan  first"),
        "{line}"
    );
    assert_eq!(watching.interrupt(), Some(130));
    assert_eq!(
        office.heard("QUIT"),
        office.heard("PASS") + office.heard("AUTH")
    );
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

/// `tidings watch`, which runs until it is interrupted.
struct Watching {
    child: std::process::Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Watching {
    fn start(person: &Person, arguments: &[&str]) -> Watching {
        let mut child = Command::new(PROGRAM)
            .env_clear()
            .envs(person.environment())
            .current_dir(person.path("."))
            .arg("--config")
            .arg(person.settings())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        let stdout = child.stdout.take().expect("its stdout");
        Watching {
            child,
            lines: BufReader::new(stdout),
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    fn interrupt(mut self) -> Option<i32> {
        signal(&self.child, Signal::INT);
        self.child.wait().expect("it ends").code()
    }
}

fn signal(child: &std::process::Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().cast_signed()).expect("a process");
    kill_process(pid, signal).expect("a signal");
}

// ---- list, search, count ----

#[test]
fn list_in_a_pipe_is_separated_by_tabs_without_a_header() {
    let (_office, person) = checked();

    let ran = person.run(&["list"]);

    assert_told("list", &ran.expect_quiet());
}

#[test]
fn list_in_json_has_a_schema() {
    let (_office, person) = checked();

    let ran = person.run(&["list", "--json"]);

    assert_told("list-json", &ran.expect_quiet());
}

#[test]
fn list_in_json_lines_is_an_object_a_line() {
    let (_office, person) = checked();

    let ran = person
        .run(&["list", "--json=lines", "-n", "2"])
        .expect_quiet();

    let subjects: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["subject"].clone())
        .collect();
    assert_eq!(subjects.len(), 2);
    assert_eq!(subjects[0], "Disk usage build-02 91%");
}

#[test]
fn list_gives_those_unread_or_starred_if_asked() {
    let (_office, person) = checked();
    let (drill, disk) = (id_of(&person, "Fire drill"), id_of(&person, "Disk usage"));
    person.run(&["mark", "read", "--all"]).expect(0);
    person.run(&["mark", "unread", &drill]).expect(0);
    person.run(&["mark", "star", &disk]).expect(0);

    let unread = person.run(&["list", "--unread"]).expect_quiet();
    let starred = person.run(&["list", "--starred"]).expect_quiet();

    assert_eq!(ids(&unread), [drill]);
    assert_eq!(ids(&starred), [disk]);
}

fn ids(ran: &Ran) -> Vec<&str> {
    ran.rows().iter().map(|row| row[0]).collect()
}

#[test]
fn list_of_an_empty_cache_is_empty() {
    let office = Office::of_team();
    let person = Person::reading(office.address());

    let tabs = person.run(&["list"]).expect_quiet();
    let json = person.run(&["list", "--json"]).expect_quiet();

    assert_eq!(tabs.stdout, "");
    assert_eq!(json.json(), json!({"schema": 1, "items": []}));
}

#[test]
fn list_puts_several_mailboxes_into_one_order() {
    let (first, second) = (Office::empty(), Office::empty());
    first.deliver("of the first");
    second.deliver("of the second");
    let settings = mailbox("one", first.address()) + &mailbox("two", second.address());
    let person = Person::with_settings(&settings);
    person.run(&["check"]).expect(0);

    let all = person.run(&["list"]).expect_quiet();
    let one = person.run(&["list", "-m", "two"]).expect_quiet();

    assert_eq!(all.rows().len(), 2);
    assert_eq!(one.rows().len(), 1);
    assert_eq!(one.rows()[0][2], "two");
}

#[test]
fn a_mailbox_that_is_not_there_is_wrong_usage() {
    let (_office, person) = checked();

    let ran = person.run(&["list", "-m", "notes"]);

    assert_told("no-such-mailbox", &ran.expect(2));
}

#[test]
fn search_finds_in_sender_subject_text_and_file_names() {
    let (_office, person) = checked();

    let found = |query: &[&str]| {
        let mut arguments = vec!["search", "--"];
        arguments.extend(query);
        let settings = person.settings().display().to_string();
        let mut command = person.bare_command(&["--config", &settings]);
        command.args(arguments);
        person.finish(command).expect_quiet().rows().len()
    };

    assert_eq!(found(&["maint"]), 2);
    assert_eq!(found(&["from:priya", "cluster"]), 1);
    assert_eq!(found(&["stairwell A"]), 1);
    assert_eq!(found(&["\"stairwell A\""]), 1);
    assert_eq!(found(&["停電"]), 1);
    assert_eq!(found(&["has:file"]), 1);
    assert_eq!(found(&["is:important"]), 1);
    assert_eq!(found(&["after:2020-11-05", "-from:people"]), 2);
    assert_eq!(found(&["nothing of the kind"]), 0);
}

#[test]
fn a_query_that_makes_no_sense_is_wrong_usage() {
    let (_office, person) = checked();

    let ran = person.run(&["search", "is:purple"]);

    assert_told("search-wrong", &ran.expect(2));
}

#[test]
fn count_counts_by_mailbox_and_by_format() {
    let (_office, person) = checked();
    person.run(&["next", "-q"]).expect(0);

    let tabs = person.run(&["count"]).expect_quiet();
    let format = person
        .run(&[
            "count",
            "--format",
            "{unread} ({important} important) of {all}",
        ])
        .expect_quiet();
    let json = person.run(&["count", "--json"]).expect_quiet();

    assert_eq!(tabs.stdout, "notices\t7\t6\t1\t0\t0\n");
    assert_eq!(format.stdout, "6 (1 important) of 7\n");
    assert_eq!(
        json.json()["items"],
        json!([{"mailbox": "notices", "all": 7, "unread": 6, "important": 1, "starred": 0, "withdrawn": 0}])
    );
}

#[test]
fn count_with_exit_code_tells_of_unread_notices_without_the_network() {
    let (office, person) = checked();
    let connections = office.heard("QUIT");
    office.set_fault(Fault::Refuse);

    let unread = person.run(&["count", "--exit-code"]);
    person.run(&["mark", "read", "--all"]).expect(0);
    let read = person.run(&["count", "--exit-code"]);

    assert_eq!((unread.code, read.code), (Some(10), Some(0)));
    assert_eq!(office.heard("QUIT"), connections);
}

// ---- show, next, save, open, mark ----

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

// ---- mailboxes, log, config, keys, themes ----

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

    assert!(ran.stdout.contains("C: RETR 7"), "{ran}");
    assert!(ran.stdout.contains("****"), "{ran}");
    assert!(!ran.stdout.contains("sesame"), "{ran}");
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
        "chek_every = \"1m\"\n{}",
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
fn settings_that_are_a_link_stay_one() {
    let office = Office::of_team();
    let person = Person::new();
    let dotfiles = person.path("dotfiles.toml");
    fs::write(&dotfiles, "# mine\n").expect("settings");
    std::os::unix::fs::symlink(&dotfiles, person.settings()).expect("a link");

    setup(&person, office.address().port(), "TIDINGS_TEST_PASSWORD").expect(0);

    assert!(person.settings().is_symlink());
    let saved = fs::read_to_string(&dotfiles).expect("settings");
    assert!(saved.starts_with("# mine\n[[mailbox]]"), "{saved}");
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

    assert_eq!(ran.stdout, "terminal\ndark\nlight\nmono\n");
}

// ---- setup, doctor ----

#[test]
fn setup_without_questions_tests_and_saves() {
    let office = Office::of_team();
    let person = Person::new();

    let ran = setup(&person, office.address().port(), "TIDINGS_TEST_PASSWORD");

    assert_told("setup", &ran.expect(0));
    let saved = fs::read_to_string(person.settings()).expect("settings");
    assert!(
        saved.contains("[[mailbox]]\nname = \"notices\"\n"),
        "{saved}"
    );
    assert!(!saved.contains("sesame"), "{saved}");
    let mode = fs::metadata(person.settings())
        .expect("settings")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

#[test]
fn setup_that_fails_writes_nothing() {
    let office = Office::of_team();
    let person = Person::new();

    let ran = setup(&person, office.address().port(), "HOME");

    assert_told("setup-wrong-password", &ran.expect(5));
    assert!(!person.settings().exists());
}

fn setup(person: &Person, port: u16, password: &str) -> Ran {
    person.run(&[
        "setup",
        "--host",
        "127.0.0.1",
        "--port",
        &port.to_string(),
        "--tls",
        "none",
        "--user",
        "notices",
        "--password-env",
        password,
    ])
}

#[test]
fn setup_without_a_terminal_and_without_enough_to_go_on_is_wrong_usage() {
    let person = Person::new();

    person.run(&["setup"]).expect(2);
    person
        .run(&["setup", "--host", "pop.team.example"])
        .expect(2);

    assert!(!person.settings().exists());
}

#[test]
fn doctor_writes_each_stage() {
    let office = Office::of_team();
    let person = Person::reading(office.address());

    let ran = person.run(&["doctor"]);

    assert_told("doctor", &ran.expect_quiet());
}

// ---- demo, serve, deliver ----

#[test]
fn the_demo_in_words_ends_by_itself_and_leaves_nothing() {
    let person = Person::new();

    let ran = person
        .bare(&["demo", "--plain", "--pace", "100", "--seed", "1"])
        .expect_quiet();

    assert!(ran.stdout.contains("three people, one mailbox"), "{ran}");
    assert!(ran.stdout.contains("0 deleted"), "{ran}");
    for folder in ["home", "tmp", "run"] {
        assert_eq!(person.files(folder), Vec::<String>::new(), "in {folder}");
    }
}

#[test]
fn the_demo_without_a_terminal_is_told_in_words_with_a_word_on_stderr() {
    let person = Person::new();

    let ran = person.bare(&["demo", "--pace", "100"]).expect(0);

    assert_eq!(
        ran.stderr,
        "tidings: no terminal here, so the demo is told in words\n"
    );
    assert!(ran.stdout.contains("0 deleted"), "{ran}");
}

#[test]
fn serve_says_where_and_ends_cleanly_on_a_signal() {
    let person = Person::new();
    let spool = person.path("spool").display().to_string();
    passwd(&person, "notices").expect(0);
    let mut serving = Watching::start(
        &person,
        &["serve", "--spool", &spool, "--listen", "127.0.0.1:0"],
    );
    let line = serving.line();
    let address = line
        .strip_prefix(&format!("serving {spool} on pop3://"))
        .unwrap_or_else(|| panic!("{line}"));
    person.set(&mailbox("notices", address.parse().expect("an address")));
    deliver(&person, "notices", "into a running server").expect_quiet();

    let ran = person.run(&["check", "--json=lines"]).expect_quiet();

    assert_eq!(ran.json()["new"], 1);
    signal(&serving.child, Signal::TERM);
    assert_eq!(serving.child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn serve_without_a_spool_is_wrong_usage() {
    let person = Person::new();

    person.bare(&["serve"]).expect(2);
    person.bare(&["serve", "passwd", "notices"]).expect(2);
}

#[test]
fn serve_beyond_this_machine_needs_tls_or_a_word() {
    let person = Person::new();
    let spool = person.path("spool").display().to_string();

    let ran = person.bare(&["serve", "--spool", &spool, "--listen", "0.0.0.0:0"]);

    assert_told("serve-unprotected", &ran.expect(1));
}

#[test]
fn serve_passwd_makes_an_account_and_changes_it() {
    let person = Person::new();

    let made = passwd(&person, "notices").expect(0);
    let changed = passwd(&person, "notices").expect(0);
    let refused = passwd(&person, "../notices");

    assert_eq!(made.stderr, "notices is a new account in ~/spool\n");
    assert_eq!(changed.stderr, "notices has a new password in ~/spool\n");
    assert_told("serve-passwd-odd-name", &refused.expect(1));
    let accounts = fs::read_to_string(person.path("spool/accounts.toml")).expect("accounts");
    assert!(accounts.contains("$argon2id$"), "{accounts}");
    assert!(!accounts.contains("sesame"), "{accounts}");
}

fn passwd(person: &Person, account: &str) -> Ran {
    let spool = person.path("spool").display().to_string();
    let mut command = person.bare_command(&["serve", "passwd", account, "--spool", &spool]);
    command.write_stdin("sesame\n");
    person.finish(command)
}

#[test]
fn deliver_ends_with_the_codes_that_mail_servers_know() {
    let person = Person::new();
    passwd(&person, "notices").expect(0);

    let delivered = deliver(&person, "notices", "one");
    let unknown = deliver(&person, "nobody", "two");
    let nowhere = person.bare(&["deliver", "notices", "--spool", "/nowhere"]);

    assert_eq!((delivered.code, delivered.stderr.as_str()), (Some(0), ""));
    assert_told("deliver-unknown-account", &unknown.expect(67));
    assert_told("deliver-no-spool", &nowhere.expect(73));
    let mailbox = fs::read_to_string(person.path("spool/notices")).expect("a mailbox");
    assert_eq!(
        mailbox.matches("\nFrom ").count() + usize::from(mailbox.starts_with("From ")),
        1
    );
    assert_eq!(
        person.files("spool"),
        [".notices.lock", "accounts.toml", "notices"][1..].to_vec()
    );
}

fn deliver(person: &Person, account: &str, subject: &str) -> Ran {
    let spool = person.path("spool").display().to_string();
    let mut command = person.bare_command(&["deliver", account, "--spool", &spool]);
    command.write_stdin(mail(subject));
    person.finish(command)
}

// ---- completions, man, help ----

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

// ---- for every command ----

#[test]
fn the_settings_may_be_named_before_and_after_the_command() {
    let (_office, person) = checked();
    let settings = person.settings().display().to_string();

    let before = person.bare(&["--config", &settings, "list"]).expect_quiet();
    let after = person.bare(&["list", "--config", &settings]).expect_quiet();

    assert_eq!(before.stdout, after.stdout);
    assert_eq!(before.rows().len(), 7);
}

#[test]
fn without_settings_it_is_said_what_to_do() {
    let ran = Person::new().run(&["list"]);

    assert_told("no-settings", &ran.expect(3));
}

#[test]
fn the_reader_needs_a_terminal() {
    let (_office, person) = checked();

    let ran = person.run(&[]);

    assert_told("no-terminal", &ran.expect(2));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let (_office, person) = checked();

    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["check"],
        &["keys"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
        &["doctor"],
        &["log", "--dialogue"],
    ] {
        let (reader, writer) = pipe().expect("a pipe");
        let (mut said, stderr) = pipe().expect("a pipe");
        drop(reader);
        let code = spawn(&person, arguments, writer, stderr);
        let mut words = String::new();
        said.read_to_string(&mut words).expect("what it said");
        assert_eq!((code, words.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_pipe_that_takes_one_line_gets_one() {
    let (_office, person) = checked();
    let (reader, writer) = pipe().expect("a pipe");
    let mut reader = BufReader::new(reader);
    let mut line = String::new();

    let code = std::thread::scope(|scope| {
        let run = scope.spawn(|| spawn(&person, &["list"], writer, Stdio::null()));
        reader.read_line(&mut line).expect("a line");
        drop(reader);
        run.join().expect("it runs")
    });

    assert_eq!(code, Some(0));
    assert!(line.ends_with("\tDisk usage build-02 91%\n"), "{line}");
}

#[test]
fn nobody_need_read_stderr() {
    let person = Person::new();
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);

    let code = spawn(&person, &["list"], Stdio::null(), writer);

    assert_eq!(code, Some(3));
}

#[test]
fn a_full_device_is_an_unexpected_failure() {
    let (_office, person) = checked();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");

    let code = spawn(&person, &["list"], full, Stdio::null());

    assert_eq!(code, Some(1));
}

#[test]
fn nothing_that_a_command_writes_is_a_colour_in_a_pipe() {
    let (_office, person) = checked();
    let id = id_of(&person, "Build cluster");

    for arguments in [
        &["list"][..],
        &["show", &id],
        &["keys"],
        &["--help"],
        &["doctor"],
    ] {
        let ran = person.run(arguments).expect(0);
        assert!(!ran.stdout.contains('\u{1b}'), "{arguments:?}");
        assert!(!ran.stderr.contains('\u{1b}'), "{arguments:?}");
    }
}

/// Runs the program with these ends of pipes, and gives its exit code.
fn spawn(
    person: &Person,
    arguments: &[&str],
    stdout: impl Into<Stdio>,
    stderr: impl Into<Stdio>,
) -> Option<i32> {
    let status = Command::new(PROGRAM)
        .env_clear()
        .envs(person.environment())
        .arg("--config")
        .arg(person.settings())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .status();
    status.expect("the program runs").code()
}

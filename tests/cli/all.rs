//! What holds for every command: settings, pipes, colours.

use std::{
    fs,
    io::{BufRead, BufReader, Read, pipe},
    process::Stdio,
};

use super::{assert_told, checked, id_of, spawn};
use crate::support::program::Person;

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

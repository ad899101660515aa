//! The command line from outside: what each command writes, on which of the two outputs, in which
//! form, and with which exit code it ends.
//!
//! The failures of a network are in `bad_input.rs`, what needs a terminal in `terminal.rs`.

mod about;
mod accounts;
mod all;
mod checking;
mod moving;
mod notices;
mod running;
mod saved;
mod serving;
mod setting_up;
mod settings;

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    office::Office,
    program::{PROGRAM, Person, Ran},
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

fn ids(ran: &Ran) -> Vec<&str> {
    ran.rows().iter().map(|row| row[0]).collect()
}

/// `tidings watch`, which runs until it is interrupted.
struct Watching {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Watching {
    fn start(person: &Person, arguments: &[&str]) -> Watching {
        // Whoever runs the tests in the background may have had SIGINT ignored for all that follows.
        Watching::start_by(person, &["env", "--default-signal=INT"], arguments)
    }

    /// The program run by another one, as `nohup` does it.
    fn start_by(person: &Person, by: &[&str], arguments: &[&str]) -> Watching {
        let mut command: Vec<&str> = by.to_vec();
        command.push(PROGRAM);
        let mut child = Command::new(command[0])
            .args(&command[1..])
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

/// A test that failed leaves nothing running.
impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().cast_signed()).expect("a process");
    kill_process(pid, signal).expect("a signal");
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

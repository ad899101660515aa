//! `demo`, `serve` and `deliver`.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
};

use rustix::process::{Resource, Signal, getrlimit, setrlimit};
use tidings::server::limits;

use super::{Watching, assert_told, signal};
use crate::support::{
    office::mail,
    program::{PROGRAM, Person, Ran, eventually, mailbox},
};

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

/// A running `tidings serve` with the account `notices`, and where it listens.
fn serving(person: &Person) -> (Watching, SocketAddr) {
    let spool = person.path("spool").display().to_string();
    passwd(person, "notices").expect(0);
    let mut serving = Watching::start(
        person,
        &["serve", "--spool", &spool, "--listen", "127.0.0.1:0"],
    );
    let line = serving.line();
    let address = line
        .strip_prefix(&format!("serving {spool} on pop3://"))
        .unwrap_or_else(|| panic!("{line}"));
    (serving, address.parse().expect("an address"))
}

#[test]
fn serve_says_where_and_ends_cleanly_on_a_signal() {
    let person = Person::new();
    let (mut serving, address) = serving(&person);
    person.set(&mailbox("notices", address));
    deliver(&person, "notices", "into a running server").expect_quiet();

    let ran = person.run(&["check", "--json=lines"]).expect_quiet();

    assert_eq!(ran.json()["new"], 1);
    signal(&serving.child, Signal::TERM);
    assert_eq!(serving.child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn two_thousand_sessions_are_idle_and_one_more_is_served() {
    const IDLERS: usize = 2_000;
    raise_descriptor_limit();
    let person = Person::new();
    let (_serving, address) = serving(&person);
    deliver(&person, "notices", "for two thousand").expect_quiet();
    let idle: Vec<TcpStream> = (0..IDLERS)
        .map(|_| signed_in(address).expect("a session"))
        .collect();

    person.set(&mailbox("notices", address));
    let ran = person.run(&["check", "--json=lines"]).expect_quiet();

    assert_eq!(ran.json()["new"], 1);
    drop(idle);
}

#[test]
fn a_log_that_nobody_can_be_written_to_does_not_stop_the_server() {
    let person = Person::new();
    let spool = person.path("spool").display().to_string();
    passwd(&person, "notices").expect(0);
    let arguments = ["serve", "--spool", &spool, "--listen", "127.0.0.1:0"];
    let mut serving = Command::new(PROGRAM)
        .env_clear()
        .envs(person.environment())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut lines = BufReader::new(serving.stdout.take().expect("its stdout")).lines();
    let line = lines.next().expect("a line").expect("text");
    let address = line.rsplit('/').next().expect("an address");
    let address: SocketAddr = address.parse().expect("an address");
    drop(serving.stderr.take());

    // More than may arrive at once: each one too many has a line in the log.
    let crowd: Vec<TcpStream> = (0..limits::MOST_ARRIVING_OF_ONE + 20)
        .map(|_| TcpStream::connect(address).expect("a connection"))
        .collect();
    drop(crowd);
    person.set(&mailbox("notices", address));
    eventually("a check that comes through", || {
        person.run(&["check"]).code == Some(0)
    });

    signal(&serving, Signal::TERM);
    assert_eq!(serving.wait().expect("it ends").code(), Some(0));
}

/// A session that has signed in; what the server said where it may not.
fn signed_in(address: SocketAddr) -> Result<TcpStream, String> {
    let mut socket = TcpStream::connect(address).expect("a connection");
    write!(socket, "USER notices\r\nPASS sesame\r\n").expect("a request");
    let mut lines = BufReader::new(socket.try_clone().expect("a socket")).lines();
    for _ in ["the greeting", "USER", "PASS"] {
        let line = lines.next().expect("an answer").expect("a line");
        if !line.starts_with("+OK") {
            return Err(line);
        }
    }
    Ok(socket)
}

/// So many sockets at this end need more descriptors than a shell gives.
fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("as many as the system allows");
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

    assert_told("serve-unprotected", &ran.expect(2));
}

#[test]
fn what_is_wrong_with_a_server_has_the_exit_codes_of_all_commands() {
    let person = Person::new();
    let spool = person.path("spool");
    let serve = |arguments: &[&str]| {
        let mut all = vec!["serve", "--spool", "spool"];
        all.extend_from_slice(arguments);
        person.bare(&all)
    };

    let nowhere = serve(&["--listen", "nonsense"]).expect(2);
    let badly_named = serve(&["passwd", "Bad Name"]).expect(2);
    fs::write(
        spool.join("accounts.toml"),
        "[account.notices]\ngarbage = \n",
    )
    .expect("a file");
    let broken = serve(&["--listen", "127.0.0.1:0"]).expect(3);

    assert!(
        nowhere.stderr.contains("`nonsense` is no address"),
        "{nowhere}"
    );
    assert!(
        badly_named.stderr.contains("`Bad Name` is no account name"),
        "{badly_named}"
    );
    assert!(
        broken.stderr.contains("accounts.toml: line 2, column 11: "),
        "{broken}"
    );
}

#[test]
fn serve_passwd_makes_an_account_and_changes_it() {
    let person = Person::new();

    let made = passwd(&person, "notices").expect(0);
    let changed = passwd(&person, "notices").expect(0);
    let refused = passwd(&person, "../notices");

    assert_eq!(made.stderr, "notices is a new account in ~/spool\n");
    assert_eq!(changed.stderr, "notices has a new password in ~/spool\n");
    assert_told("serve-passwd-odd-name", &refused.expect(2));
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
    assert_told("deliver-no-spool", &nowhere.expect(75));
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

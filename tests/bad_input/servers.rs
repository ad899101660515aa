//! Servers that are not there, not willing, or not servers.

use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tidings::server::{
    events::{Event, Fault},
    limits::Limits,
    options::Options,
};
use tokio::net::TcpSocket;

use super::{Gone, hasty, mailbox_of};
use crate::support::{
    office::{Office, mail},
    program::{PROGRAM, Person, eventually, mailbox},
    rogue::{Rogue, Turn},
    scratch::Scratch,
};

#[test]
fn a_wrong_port_is_unreachable() {
    // Taken, so that nobody else gets it, and not listened at.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("a port");
    let address = socket.local_addr().expect("an address");
    let person = Person::with_settings(&mailbox("notices", address));

    let ran = person.run(&["check"]).expect(4);

    assert_eq!(
        ran.stderr,
        format!(
            "tidings: cannot check notices: cannot connect to 127.0.0.1 port {}: \
             Connection refused (os error 111)\n         \
             what was saved before is there: `tidings list`\n",
            address.port()
        )
    );
    assert!(
        ran.stdout.starts_with("notices\toffline\t0\t-\t0\t"),
        "{ran}"
    );
}

#[test]
fn a_name_that_does_not_resolve_is_unreachable() {
    let person = Person::with_settings(
        "[[mailbox]]\nname = \"notices\"\nhost = \"pop.team.invalid\"\nuser = \"notices\"\n\
         password_env = \"TIDINGS_TEST_PASSWORD\"\n",
    );

    let ran = person.run(&["check"]).expect(4);

    assert!(
        ran.stderr
            .starts_with("tidings: cannot check notices: cannot find pop.team.invalid: "),
        "{ran}"
    );
}

#[test]
fn doctor_names_the_cause_and_the_remedy_of_a_wrong_name() {
    let person = Person::with_settings(
        "[[mailbox]]\nname = \"notices\"\nhost = \"pop.team.invalid\"\nuser = \"notices\"\n\
         password_env = \"TIDINGS_TEST_PASSWORD\"\n",
    );

    let ran = person.run(&["doctor"]).expect(4);

    assert!(
        ran.stdout.contains("FAILED cannot find pop.team.invalid"),
        "{ran}"
    );
    assert!(
        ran.stdout
            .ends_with("check the server's name, and that you are online\n"),
        "{ran}"
    );
}

#[test]
fn a_wrong_password_is_sent_once_and_told() {
    let limits = Limits {
        pause: std::time::Duration::ZERO,
        ..Limits::default()
    };
    let options = Options {
        limits,
        ..Options::default()
    };
    let office = Office::with(Scratch::new(), options);
    let settings = mailbox("notices", office.address()).replace("TIDINGS_TEST_PASSWORD", "HOME");
    let person = Person::with_settings(&settings);

    let ran = person.run(&["check"]).expect(5);

    assert_eq!(
        ran.stderr,
        "tidings: cannot check notices: sign-in failed: account or password are wrong\n         \
         check user, and password or token, in the settings: `tidings doctor` tests them\n"
    );
    assert_eq!(office.heard("PASS") + office.heard("AUTH"), 1);
    assert_eq!(office.heard("QUIT"), 1);
}

#[test]
fn a_busy_mailbox_is_tried_again_and_told() {
    let gone = Gone::wrong(|command| match command {
        "PASS sesame" => Turn::Say(b"-ERR [IN-USE] somebody is reading\r\n".to_vec()),
        _ => Turn::Usual,
    });

    gone.check_fails(6, "busy: somebody is reading");

    // The first check, four tries, and the last check.
    let tries = gone.rogue.heard();
    assert_eq!(
        tries.iter().filter(|said| *said == "PASS sesame").count(),
        6
    );
}

#[test]
fn a_busy_mailbox_is_waited_for_if_asked() {
    let office = Office::of_team();
    office.set_fault(Fault::HoldLock);
    let person = Person::reading(office.address());

    let ran = std::thread::scope(|scope| {
        let run = scope.spawn(|| person.run(&["check", "--wait"]));
        office.wait_for(|event| matches!(event, Event::Busy { .. }));
        office.set_fault(Fault::None);
        run.join().expect("it runs")
    });

    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(person.subjects().len(), 7);
}

#[test]
fn a_server_that_is_called_too_often_is_told_apart() {
    let gone = Gone::wrong(|command| match command {
        "PASS sesame" => Turn::Say(b"-ERR [LOGIN-DELAY] once in 10 minutes\r\n".to_vec()),
        _ => Turn::Usual,
    });

    gone.check_fails(6, "once in 10 minutes");
}

#[test]
fn a_temporary_failure_of_the_server_is_unreachable() {
    let gone = Gone::wrong(|command| match command {
        "PASS sesame" => Turn::Say(b"-ERR [SYS/TEMP] the disk is away\r\n".to_vec()),
        _ => Turn::Usual,
    });

    gone.check_fails(4, "the disk is away");
}

#[test]
fn a_server_that_needs_a_person_says_so() {
    let gone = Gone::wrong(|command| match command {
        "PASS sesame" => Turn::Say(b"-ERR [SYS/PERM] the mailbox is gone\r\n".to_vec()),
        _ => Turn::Usual,
    });

    let ran = gone.check_fails(4, "the mailbox is gone");

    assert!(
        ran.stderr.ends_with("ask whoever runs the server\n"),
        "{ran}"
    );
}

#[test]
fn a_server_that_hangs_up_at_once_is_unreachable() {
    let gone = Gone::wrong(|_| Turn::HangUp(Vec::new()));

    gone.check_fails(4, "the server closed the connection");
}

#[test]
fn a_server_that_never_greets_is_given_up() {
    let gone = Gone::wrong(|_| Turn::Silence);

    gone.check_fails(4, "the server's answer took longer than 1 s");
}

#[test]
fn a_server_that_falls_silent_later_is_given_up() {
    let gone = Gone::wrong(|command| match command {
        "UIDL" => Turn::Silence,
        _ => Turn::Usual,
    });

    gone.check_fails(4, "the server's answer took longer than 1 s");
}

#[test]
fn ctrl_c_breaks_a_check_off_politely() {
    let gone = Gone::wrong(|command| match command {
        "UIDL" => Turn::Say(Vec::new()),
        _ => Turn::Usual,
    });
    let before = gone.rogue.heard().len();
    let settings = gone.person.settings().display().to_string();
    let mut command = Command::new(PROGRAM);
    command
        .env_clear()
        .envs(gone.person.environment())
        .args(["check", "--config", &settings]);
    command.stdout(Stdio::null());
    let mut child = command.spawn().expect("the program runs");
    eventually("the question that is not answered", || {
        gone.rogue.heard()[before..].contains(&"UIDL".to_owned())
    });

    let pid = Pid::from_raw(child.id().cast_signed()).expect("a process");
    kill_process(pid, Signal::INT).expect("a signal");

    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!(gone.rogue.heard().last().map(String::as_str), Some("QUIT"));
    gone.nothing_is_lost();
}

#[test]
fn a_server_that_never_begins_with_tls_is_given_up() {
    let rogue = Rogue::from_the_start(|_| Turn::Silence);
    let settings = mailbox_of(&rogue).replace("\"none\"", "\"implicit\"");
    let person = Person::with_settings(&hasty(&settings));

    let ran = person.run(&["check"]).expect(4);

    assert!(
        ran.stderr
            .contains("the TLS handshake took longer than 1 s"),
        "{ran}"
    );
}

#[test]
fn a_server_that_speaks_http_is_no_pop3_server() {
    let gone = Gone::wrong(|_| Turn::HangUp(b"HTTP/1.1 400 Bad Request\r\n\r\n<html>".to_vec()));

    let ran = gone.check_fails(4, "expected +OK or -ERR, got: HTTP/1.1 400 Bad Request");

    assert!(
        ran.stderr
            .ends_with("check host and port: `tidings doctor` tests them\n"),
        "{ran}"
    );
}

#[test]
fn garbage_is_shown_harmlessly() {
    let gone = Gone::wrong(|_| Turn::HangUp(b"\x1b]0;owned\x07\x9b2J\xff\xfe\0\x08\r\n".to_vec()));

    let ran = gone.check_fails(4, "expected +OK or -ERR, got: ␛]0;owned");

    let log = gone.person.run(&["log", "--dialogue"]).expect(0);
    assert_harmless(&ran.stderr);
    assert_harmless(&log.stdout);
}

#[track_caller]
fn assert_harmless(text: &str) {
    let is_control = |c: char| c.is_control() && c != '\n' && c != '\t';
    assert!(!text.contains(is_control), "{text:?}");
}

#[test]
fn an_endless_greeting_ends() {
    let gone = Gone::wrong(|_| Turn::Forever(b"+OK and so on and on ".to_vec()));

    gone.check_fails(4, "the server sent a line without an end");
}

#[test]
fn an_endless_answer_ends() {
    let gone = Gone::wrong(|command| match command {
        "PASS sesame" => Turn::Forever(vec![b'x'; 4096]),
        _ => Turn::Usual,
    });

    gone.check_fails(4, "the server sent a line without an end");
}

#[test]
fn an_endless_listing_ends() {
    let gone = Gone::wrong(|command| match command {
        "UIDL" => Turn::Forever(b"+OK\r\n1 id-1\r\n".repeat(1000)),
        _ => Turn::Usual,
    });

    gone.check_fails(4, "the server sent a listing without an end");
}

#[test]
fn an_endless_list_of_capabilities_ends() {
    let gone = Gone::wrong(|command| match command {
        "CAPA" => Turn::Forever(b"+OK\r\nX-TRA\r\n".repeat(1000)),
        _ => Turn::Usual,
    });

    gone.check_fails(4, "the server sent a listing without an end");
}

#[test]
fn a_listing_that_is_nonsense_withdraws_nothing() {
    let gone = Gone::wrong(|command| match command {
        "UIDL" | "LIST" => Turn::Say(b"+OK\r\nfoo\r\n\x1b[2J bar\r\n-1 x\r\n.\r\n".to_vec()),
        _ => Turn::Usual,
    });

    let ran = gone.person.run(&["check"]).expect(0);

    assert!(ran.stderr.contains("odd line in a listing: foo"), "{ran}");
    assert!(
        ran.stderr
            .contains("2 notices vanished from the server: not marked as withdrawn"),
        "{ran}"
    );
    assert_harmless(&ran.stderr);
    gone.nothing_is_lost();
}

#[test]
fn cut_off_within_a_message_keeps_what_was_whole() {
    let cut = b"+OK\r\nSubject: second\r\n\r\nThis is ab".to_vec();
    let rogue = Rogue::with(
        vec![mail("first"), mail("second"), mail("third")],
        move |command| match command {
            "RETR 2" => Turn::HangUp(cut.clone()),
            _ => Turn::Usual,
        },
    );
    rogue.misbehave();
    let person = Person::with_settings(&hasty(&mailbox_of(&rogue)));

    let ran = person.run(&["check"]).expect(4);
    let between = person.subjects();
    rogue.behave();
    person.run(&["check"]).expect(0);

    assert!(
        ran.stderr
            .starts_with("tidings: cannot check notices: the server closed the connection\n"),
        "{ran}"
    );
    assert_eq!(between, ["third"]);
    assert_eq!(sorted(person.subjects()), ["first", "second", "third"]);
    let fetched = rogue.heard();
    assert_eq!(fetched.iter().filter(|said| *said == "RETR 3").count(), 1);
}

fn sorted(mut subjects: Vec<String>) -> Vec<String> {
    subjects.sort();
    subjects
}

#[test]
fn a_message_that_is_listed_and_not_given_blocks_no_other() {
    let rogue = Rogue::with(
        vec![mail("first"), mail("second")],
        |command| match command {
            "RETR 2" => Turn::Say(b"-ERR disk error in block 7\r\n".to_vec()),
            _ => Turn::Usual,
        },
    );
    rogue.misbehave();
    let person = Person::with_settings(&hasty(&mailbox_of(&rogue)));

    person.run(&["check"]).expect(0);
    person.run(&["check"]).expect(0);
    let before = person.subjects();
    let third = person.run(&["check"]).expect(0);

    assert_eq!(before, ["first"]);
    assert_eq!(
        third.stderr,
        "notices: message 2 cannot be fetched: disk error in block 7\n"
    );
    assert_eq!(sorted(person.subjects()), ["first", "second"]);
    rogue.behave();
    person.run(&["check"]).expect(0);
    assert_eq!(person.found("\"This is about: second\""), 1);
    assert_eq!(person.subjects().len(), 2);
}

#[test]
fn an_endless_message_is_cut_off_and_its_headline_kept() {
    let rogue = Rogue::with(
        vec![mail("first"), mail("endless")],
        |command| match command {
            "RETR 2" => Turn::Forever(b"+OK\r\nSubject: endless\r\n\r\nAnd so on.\r\n".repeat(100)),
            _ => Turn::Usual,
        },
    );
    rogue.misbehave();
    let settings = format!("largest_message = \"1MB\"\n{}", hasty(&mailbox_of(&rogue)));
    let person = Person::with_settings(&settings);

    let ran = person.run(&["check"]).expect(0);

    assert!(
        ran.stderr
            .contains("is too large: its headers alone are kept"),
        "{ran}"
    );
    assert_eq!(sorted(person.subjects()), ["endless", "first"]);
}

#[test]
fn a_server_whose_mail_is_all_gone_at_once_withdraws_it_only_the_third_time() {
    let gone = Gone::wrong(|command| match command {
        "UIDL" | "LIST" => Turn::Say(b"+OK\r\n.\r\n".to_vec()),
        _ => Turn::Usual,
    });

    let counts: Vec<usize> = (0..3)
        .map(|_| {
            gone.person.run(&["check"]).expect(0);
            gone.person.found("is:withdrawn")
        })
        .collect();

    assert_eq!(counts, [0, 0, 2]);
    assert_eq!(gone.person.found("is:starred first"), 1);
}

#[test]
fn no_password_goes_out_where_stls_is_not_offered() {
    let rogue = Rogue::from_the_start(|_| Turn::Usual);
    let settings = mailbox_of(&rogue).replace("\"none\"", "\"starttls\"");
    let person = Person::with_settings(&hasty(&settings));

    let ran = person.run(&["check"]).expect(7);

    assert!(
        ran.stderr
            .contains("the server does not offer STLS: set tls = \"implicit\""),
        "{ran}"
    );
    assert!(!rogue.heard().iter().any(|said| said.starts_with("PASS")));
}

#[test]
fn text_between_stls_and_tls_is_refused() {
    let rogue = Rogue::from_the_start(|command| match command {
        "STLS" => Turn::Say(b"+OK begin\r\n+OK injected\r\n".to_vec()),
        _ => Turn::Usual,
    });
    let settings = mailbox_of(&rogue).replace("\"none\"", "\"starttls\"");
    let person = Person::with_settings(&hasty(&settings));

    let ran = person.run(&["check"]).expect(7);

    assert!(
        ran.stderr
            .contains("the server sent text between STLS and TLS: somebody may be in the way"),
        "{ran}"
    );
    assert!(!rogue.heard().iter().any(|said| said.starts_with("PASS")));
}

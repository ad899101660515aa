//! LMTP: what a mail server says and hears, mail in any pieces, and what cannot be delivered.

use std::time::Duration;

use tidings::server::{
    limits::Limits,
    lmtp::{
        LARGEST, PIECE,
        session::{Found, LONGEST_COMMAND, MOST_ERRORS, MOST_RECIPIENTS, Outcome, Session, Step},
        socket::Place,
    },
    options::Options,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpStream, UnixStream},
    time,
};

use crate::support::scratch::{Scratch, Served};

/// A connection to a server's LMTP socket.
struct Mailer<S> {
    stream: BufReader<S>,
}

impl<S: AsyncReadExt + AsyncWriteExt + Unpin> Mailer<S> {
    async fn new(stream: S) -> Mailer<S> {
        let mut mailer = Mailer {
            stream: BufReader::new(stream),
        };
        mailer.hear("220").await;
        mailer
    }

    async fn say(&mut self, text: &str) {
        self.stream
            .write_all(text.as_bytes())
            .await
            .expect("a write");
    }

    /// The answer, all its lines; it begins as expected.
    async fn hear(&mut self, expected: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = time::timeout(Duration::from_secs(20), self.stream.read_line(&mut line));
            read.await.expect("an answer").expect("a read");
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            lines.push(line.trim_end().to_owned());
            if is_last {
                break;
            }
        }
        let last = lines.last().expect("a line");
        assert!(
            last.starts_with(expected),
            "expected {expected}, got {lines:?}"
        );
        lines
    }

    async fn ask(&mut self, line: &str, expected: &str) -> Vec<String> {
        self.say(&format!("{line}\r\n")).await;
        self.hear(expected).await
    }

    async fn envelope(&mut self, recipients: &[&str]) {
        self.ask("LHLO mx.team.example", "250").await;
        self.ask("MAIL FROM:<ann@team.example>", "250 2.1.0").await;
        for recipient in recipients {
            self.ask(&format!("RCPT TO:<{recipient}@team.example>"), "250 2.1.5")
                .await;
        }
        self.ask("DATA", "354").await;
    }
}

async fn serving(scratch: &Scratch) -> (Served, Mailer<TcpStream>) {
    serving_with(scratch, Limits::default()).await
}

async fn serving_with(scratch: &Scratch, limits: Limits) -> (Served, Mailer<TcpStream>) {
    let options = Options {
        intakes: vec![Place::Tcp(([127, 0, 0, 1], 0).into())],
        limits,
        ..Options::default()
    };
    let served = scratch.serve_with(options).await;
    let Place::Tcp(address) = served.handle.intakes()[0] else {
        panic!("a TCP address");
    };
    let stream = TcpStream::connect(address).await.expect("a connection");
    (served, Mailer::new(stream).await)
}

const MAIL: &str =
    "From: Ann <ann@team.example>\r\nSubject: hi\r\n\r\n..dot\r\nFrom here on\r\n.\r\n";

#[tokio::test]
async fn each_recipient_has_an_answer_of_its_own() {
    let scratch = Scratch::new();
    scratch.add_account("full");
    scratch.configure("largest_mailbox = \"100\"\n");
    let (_served, mut mailer) = serving(&scratch).await;

    mailer.ask("LHLO mx.team.example", "250").await;
    mailer
        .ask(
            "MAIL FROM:<ann@team.example> SIZE=100 BODY=8BITMIME SMTPUTF8",
            "250",
        )
        .await;
    mailer
        .ask("RCPT TO:<notices+ops@team.example>", "250 2.1.5")
        .await;
    mailer
        .ask("RCPT TO:<nobody@team.example>", "550 5.1.1")
        .await;
    mailer.ask("RCPT TO:<full@team.example>", "250 2.1.5").await;
    mailer.ask("DATA", "354").await;
    mailer.say(MAIL).await;
    mailer.hear("250 2.0.0 <notices>").await;
    mailer.hear("452 4.2.2 <full>").await;
    mailer.ask("QUIT", "221 2.0.0").await;

    let stored = String::from_utf8(scratch.octets()).expect("text");
    assert!(stored.starts_with("From ann@team.example "), "{stored}");
    assert!(
        stored.contains("Return-Path: <ann@team.example>\n"),
        "{stored}"
    );
    assert!(stored.contains("\n.dot\n>From here on\n"), "{stored}");
}

#[tokio::test]
async fn a_mail_may_come_octet_by_octet_and_commands_all_at_once() {
    let scratch = Scratch::new();
    let (_served, mut mailer) = serving(&scratch).await;

    mailer
        .say("LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<notices@y>\r\nDATA\r\n")
        .await;
    mailer.hear("250").await;
    mailer.hear("250").await;
    mailer.hear("250").await;
    mailer.hear("354").await;
    for octet in MAIL.chars() {
        mailer.say(&octet.to_string()).await;
    }
    mailer.hear("250 2.0.0").await;
    mailer.say("RSET\r\nNOOP\r\nQUIT\r\n").await;
    mailer.hear("250").await;
    mailer.hear("250").await;
    mailer.hear("221").await;

    assert!(scratch.octets().starts_with(b"From MAILER-DAEMON "));
}

#[tokio::test]
async fn a_dot_ends_a_mail_only_between_two_whole_line_ends() {
    let scratch = Scratch::new();
    let (_served, mut mailer) = serving(&scratch).await;
    mailer.envelope(&["notices"]).await;

    // Another program that believed one of these would take what follows for a second mail.
    mailer
        .say("Subject: smuggler\r\n\r\n\n.\nMAIL FROM:<x@y>\r\n\n.\r\nRCPT TO:<notices>\r\n\r.\r\nend\r\n.\r\n")
        .await;

    mailer.hear("250 2.0.0").await;
    mailer.ask("NOOP", "250").await;
    let opened = scratch.open();
    assert_eq!(opened.maildrop.drop_listing().messages, 1);
}

#[tokio::test]
async fn an_account_that_is_named_twice_gets_the_mail_once() {
    let scratch = Scratch::new();
    let (_served, mut mailer) = serving(&scratch).await;
    mailer.envelope(&["notices", "notices+ops"]).await;

    mailer.say(MAIL).await;

    mailer.hear("250 2.0.0 <notices>").await;
    mailer.hear("250 2.0.0 <notices>").await;
    assert_eq!(scratch.open().maildrop.drop_listing().messages, 1);
}

#[tokio::test]
async fn a_mail_of_nothing_is_one() {
    let scratch = Scratch::new();
    let (_served, mut mailer) = serving(&scratch).await;
    mailer.envelope(&["notices"]).await;

    mailer.say(".\r\n").await;

    mailer.hear("250 2.0.0").await;
    assert_eq!(scratch.open().maildrop.drop_listing().messages, 1);
}

#[tokio::test]
async fn a_mail_that_is_too_large_is_read_to_its_end_and_refused() {
    let scratch = Scratch::new();
    let (_served, mut mailer) = serving(&scratch).await;
    mailer.ask("LHLO x", "250").await;
    mailer
        .ask(
            &format!("MAIL FROM:<a@b> SIZE={}", LARGEST + 1),
            "552 5.3.4",
        )
        .await;
    mailer.envelope(&["notices"]).await;

    let line = format!("{}\r\n", "x".repeat(998));
    for _ in 0..=LARGEST / 1000 {
        mailer.say(&line).await;
    }
    mailer.say(".\r\n").await;

    mailer.hear("552 5.3.4 <notices>").await;
    mailer.ask("NOOP", "250").await;
    assert!(!scratch.mailbox().exists());
}

#[tokio::test]
async fn a_mail_for_which_there_is_no_memory_now_is_to_come_again() {
    let scratch = Scratch::new();
    let limits = Limits {
        mail: 2 * PIECE,
        ..Limits::default()
    };
    let (_served, mut mailer) = serving_with(&scratch, limits).await;
    let line = format!("{}\r\n", "x".repeat(998));
    let lines = |octets: usize| line.repeat(octets / line.len());

    mailer.envelope(&["notices"]).await;
    mailer.say(&lines(3 * PIECE)).await;
    mailer.say(".\r\n").await;
    mailer.hear("452 4.3.1 <notices>").await;
    assert!(!scratch.mailbox().exists());

    // What a mail held is given back, whatever became of it.
    for _ in 0..3 {
        mailer.envelope(&["notices"]).await;
        mailer.say(&lines(2 * PIECE - 1000)).await;
        mailer.say(".\r\n").await;
        mailer.hear("250 2.0.0 <notices>").await;
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_in_a_mail_delivers_nothing() {
    let scratch = Scratch::new();
    let (served, mut mailer) = serving(&scratch).await;
    mailer.envelope(&["notices"]).await;
    mailer.say("Subject: half\r\n\r\nof it").await;
    drop(mailer);

    served.handle.shutdown().await;

    assert!(!scratch.mailbox().exists());
}

#[tokio::test]
async fn a_server_that_ends_says_so() {
    let scratch = Scratch::new();
    let (served, mut mailer) = serving(&scratch).await;
    mailer.ask("LHLO x", "250").await;

    served.handle.shutdown().await;

    mailer.hear("421 4.3.2").await;
}

#[tokio::test]
async fn a_unix_socket_takes_the_place_of_one_that_nobody_listens_at() {
    let scratch = Scratch::new();
    let path = scratch.folder.path().join(".lmtp");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    let options = || Options {
        intakes: vec![Place::Unix(path.clone())],
        ..Options::default()
    };

    let served = scratch.serve_with(options()).await;
    let stream = UnixStream::connect(&path).await.expect("a connection");
    let mut mailer = Mailer::new(stream).await;
    mailer.envelope(&["notices"]).await;
    mailer.say(MAIL).await;
    mailer.hear("250 2.0.0").await;

    let second = tidings::server::Server::start(scratch.spool.clone(), options()).await;
    assert!(second.is_err(), "one is listening there");
    served.handle.shutdown().await;
    assert!(!path.exists(), "it is cleared away");
}

#[tokio::test]
async fn nobody_beyond_this_machine_may_deliver() {
    let scratch = Scratch::new();
    let options = Options {
        intakes: vec![Place::Tcp(([192, 0, 2, 1], 24).into())],
        ..Options::default()
    };

    let error = tidings::server::Server::start(scratch.spool.clone(), options).await;

    assert!(
        error
            .expect_err("a refusal")
            .to_string()
            .contains("LMTP has no passwords")
    );
}

// Without a socket.

fn said(step: &Step) -> String {
    match step {
        Step::Say(reply) | Step::Gather(reply) | Step::Close(reply) => reply.to_string(),
        Step::Find { account, .. } => format!("find {account}\r\n"),
    }
}

fn talk(lines: &[(&str, &str)]) {
    let mut session = Session::new(1000);
    for (line, expected) in lines {
        let mut step = session.receive(format!("{line}\r\n").as_bytes());
        if let Step::Find { account, octets } = step {
            let found = match account.as_str() {
                "notices" if octets > 500 => Found::TooLarge,
                "notices" => Found::Yes,
                "unread" => Found::Unknown,
                _ => Found::Nobody,
            };
            step = session.found(account, found);
        }
        let said = said(&step);
        let last = said.lines().last().unwrap_or_default();
        assert!(
            last.starts_with(expected),
            "{line}: expected {expected}, got {said}"
        );
    }
}

#[test]
fn commands_in_a_wrong_order_say_what_comes_first() {
    talk(&[
        ("MAIL FROM:<a@b>", "503 5.5.1 say LHLO first"),
        ("EHLO x", "500 5.5.1 this is LMTP"),
        ("LHLO x", "250 SIZE 1000"),
        ("RCPT TO:<notices@x>", "503 5.5.1 MAIL comes first"),
        ("DATA", "503 5.5.1 no valid recipients"),
        ("MAIL FROM:<a@b> SIZE=1001", "552 5.3.4"),
        ("MAIL FROM:<a@b>", "250 2.1.0"),
        ("MAIL FROM:<a@b>", "503 5.5.1"),
        ("RCPT TO:<nobody@x>", "550 5.1.1"),
        ("RCPT TO:<unread@x>", "451 4.3.0"),
        ("DATA", "503 5.5.1 no valid recipients"),
        ("RCPT TO:<NOTICES+x@y>", "250 2.1.5"),
        ("RSET", "250 2.0.0"),
        ("DATA", "503 5.5.1"),
        ("MAIL FROM:<a@b> SIZE=501", "250"),
        ("RCPT TO:<notices@x>", "552 5.3.4"),
        ("STARTTLS", "502 5.5.1"),
        ("VRFY ann", "252"),
    ]);
}

#[test]
fn what_is_no_command_is_said_to_be_none() {
    talk(&[
        ("", "500 5.5.2"),
        ("HELLO", "500 5.5.2"),
        ("LHLO x", "250"),
        ("MAIL FROM:a@b", "501 5.5.2"),
        ("MAIL FROM:<a@b> NEW=1", "555 5.5.4"),
        ("MAIL FROM:<a@b> BODY=9BIT", "501 5.5.4"),
        ("NOOP", "250"),
    ]);
}

#[test]
fn there_is_an_end_to_recipients_errors_and_lines() {
    let mut session = Session::new(1000);
    let _ = session.receive(b"LHLO x\r\n");
    let _ = session.receive(b"MAIL FROM:<a@b>\r\n");
    for number in 0..MOST_RECIPIENTS {
        let step = session.receive(format!("RCPT TO:<a{number}@x>\r\n").as_bytes());
        assert!(matches!(step, Step::Find { .. }));
        let _ = session.found(format!("a{number}"), Found::Yes);
    }
    assert!(said(&session.receive(b"RCPT TO:<more@x>\r\n")).starts_with("452 4.5.3"));
    let long = vec![b'x'; LONGEST_COMMAND + 1];
    assert!(said(&session.receive(&long)).starts_with("500 5.5.2 line too long"));
    for _ in 2..MOST_ERRORS {
        assert!(matches!(session.receive(b"\xff\r\n"), Step::Say(_)));
    }
    assert!(matches!(session.receive(b"\xff\r\n"), Step::Close(_)));
}

#[test]
fn every_outcome_has_a_code_of_its_kind() {
    for (outcome, code) in [
        (Outcome::Delivered, "250 2."),
        (Outcome::Known, "250 2."),
        (Outcome::TooLarge, "552 5."),
        (Outcome::Full, "452 4."),
        (Outcome::Refused, "550 5."),
        (Outcome::Busy, "450 4."),
        (Outcome::Crowded, "452 4."),
        (Outcome::Failed, "451 4."),
        (Outcome::Broken, "451 4."),
    ] {
        assert!(outcome.reply("notices").to_string().starts_with(code));
    }
}

//! The server over real sockets on free ports, and over pipes where time is paused.

use std::{sync::Arc, time::Duration};

use tidings::{
    net::tls::Trust,
    server::{
        Error, Server,
        accounts::{
            account::{Delete, Sessions},
            file::Change,
        },
        certificate::{Certificate, names},
        events::{Event, Fault},
        limits::{IDLE, Limits, MOST_OPENING, SIGN_IN},
        options::{Listener, Options, Plaintext, Protection},
        spool::Spool,
    },
};
use tokio::{io::DuplexStream, time};

use crate::support::{
    scratch::{LOOPBACK, Scratch, Served, moment},
    talk::Talk,
};

const ANNA: &[u8] =
    b"From: Anna <anna@team.example>\nSubject: Fire drill\n\nThursday at eleven.\n.\n";
const TOM: &[u8] = b"From: Tom <tom@team.example>\nSubject: Lunch\n\nSoup.\n";

/// A spool with two mails.
fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    scratch.deliver(TOM);
    scratch
}

fn plain() -> Listener {
    Options::default().listeners[0]
}

fn tls() -> Listener {
    Listener {
        protection: Protection::Tls,
        ..plain()
    }
}

/// Options with a certificate, and what a client must trust.
fn with_certificate(scratch: &Scratch, listeners: Vec<Listener>) -> (Options, Trust) {
    let certificate =
        Certificate::of_spool(scratch.spool.folder(), &names(&[])).expect("a certificate");
    let options = Options {
        listeners,
        acceptor: Some(certificate.acceptor().expect("an acceptor")),
        ..Options::default()
    };
    let trust = Trust {
        ca_file: Some(scratch.folder.path().join(".certificate.pem")),
        ..Trust::default()
    };
    (options, trust)
}

/// A connection without a socket, so that time can be paused.
fn pipe(served: &Served) -> Talk {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    assert!(served.handle.attach(theirs, LOOPBACK));
    Talk::over(ours)
}

#[tokio::test]
async fn a_session_is_served_from_the_greeting_to_quit() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let mut talk = Talk::signed_in(served.address()).await;

    let stat = talk.ask("STAT", "+OK 2").await;
    talk.ask("RETR 1", "+OK").await;
    let mail = talk.body().await;
    talk.ask("QUIT", "+OK").await;

    assert_eq!(stat, "+OK 2 134");
    assert_eq!(
        mail,
        [
            "From: Anna <anna@team.example>",
            "Subject: Fire drill",
            "",
            "Thursday at eleven.",
            ".."
        ]
    );
    assert_eq!(talk.line().await, None);
}

#[tokio::test]
async fn commands_in_one_packet_are_answered_in_order() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let mut talk = Talk::connect(served.address()).await;

    talk.send(
        b"USER notices\r\nPASS sesame\r\nSTAT\r\nnonsense\r\nRETR 2\r\nLIST 1\r\nQUIT\r\nSTAT\r\n",
    )
    .await;

    talk.hear("+OK tidings").await;
    talk.hear("+OK now").await;
    talk.hear("+OK the maildrop has 2").await;
    talk.hear("+OK 2 134").await;
    talk.hear("-ERR unknown command").await;
    talk.hear("+OK 55 octets").await;
    assert_eq!(talk.body().await.len(), 4);
    talk.hear("+OK 1 79").await;
    talk.hear("+OK goodbye").await;
    assert_eq!(talk.rest().await, b"");
}

#[tokio::test]
async fn a_mailbox_of_any_size_is_sent_whole() {
    let scratch = Scratch::new();
    let large = format!("Subject: large\n\n{}", "0123456789\n".repeat(300_000));
    let long_line = format!("Subject: long\n\n{}\n", "x".repeat(1_000_000));
    scratch.deliver(large.as_bytes());
    scratch.deliver(long_line.as_bytes());
    for mail in 0..300 {
        scratch.deliver(format!("Subject: {mail}\n\n{}", "line\n".repeat(mail)).as_bytes());
    }
    let served = scratch.serve().await;
    let mut talk = Talk::signed_in(served.address()).await;

    talk.ask("RETR 1", "+OK").await;
    let first = talk.body().await;
    talk.ask("RETR 2", "+OK").await;
    let second = talk.body().await;
    let upward: String = (3..=302).map(|n| format!("RETR {n}\r\n")).collect();
    let downward: String = (3..=302).rev().map(|n| format!("RETR {n}\r\n")).collect();
    talk.send(upward.as_bytes()).await;
    for mail in 0..300 {
        talk.hear("+OK").await;
        assert_eq!(talk.body().await.len(), 2 + mail);
    }
    talk.send(downward.as_bytes()).await;
    for mail in (0..300).rev() {
        talk.hear("+OK").await;
        assert_eq!(talk.body().await.len(), 2 + mail);
    }

    assert_eq!(first.len(), 300_002);
    assert_eq!(first[300_001], "0123456789");
    assert_eq!(second[2].len(), 1_000_000);
}

#[tokio::test]
async fn a_long_listing_is_sent_whole() {
    let scratch = Scratch::new();
    let mut mbox = Vec::new();
    for mail in 0..3000 {
        mbox.extend_from_slice(
            format!("From a@b Mon Nov 23 08:00:00 2026\nSubject: {mail}\n\n\n").as_bytes(),
        );
    }
    std::fs::write(scratch.mailbox(), mbox).expect("a mailbox");
    let served = scratch.serve().await;
    let mut talk = Talk::signed_in(served.address()).await;

    talk.ask("UIDL", "+OK").await;
    let mut ids = talk.body().await;

    assert_eq!(ids.len(), 3000);
    assert!(ids[2999].starts_with("3000 "));
    for id in &mut ids {
        *id = id.split_once(' ').expect("an id").1.to_owned();
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3000);
}

#[tokio::test]
async fn what_is_marked_is_deleted_by_quit_alone() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let mut dropped = Talk::signed_in(served.address()).await;
    let mut reader = Talk::signed_in(served.address()).await;
    dropped.ask("DELE 1", "+OK").await;
    drop(dropped);
    let mut quitting = Talk::signed_in(served.address()).await;
    quitting.ask("STAT", "+OK 2").await;

    quitting.ask("DELE 1", "+OK").await;
    quitting.ask("QUIT", "+OK").await;

    let mut after = Talk::signed_in(served.address()).await;
    after.ask("STAT", "+OK 1 55").await;
    reader.ask("RETR 1", "+OK 79").await;
    assert_eq!(reader.body().await[1], "Subject: Fire drill");
}

#[tokio::test]
async fn a_session_does_not_see_new_mail_and_the_next_one_does() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let mut early = Talk::signed_in(served.address()).await;

    served
        .handle
        .deliver("notices", ANNA, None, moment())
        .expect("a delivery");

    early.ask("STAT", "+OK 2").await;
    let mut late = Talk::signed_in(served.address()).await;
    late.ask("STAT", "+OK 3").await;
    early.ask("RETR 2", "+OK").await;
    assert_eq!(early.body().await[1], "Subject: Lunch");
}

#[tokio::test]
async fn an_exclusive_maildrop_is_busy_until_the_session_ends() {
    let scratch = scratch();
    scratch
        .spool
        .accounts()
        .change(
            "notices",
            Change {
                sessions: Some(Sessions::Exclusive),
                delete: Some(Delete::Refused),
                ..Change::default()
            },
            None,
        )
        .expect("a change");
    let served = scratch.serve().await;
    let mut first = Talk::signed_in(served.address()).await;
    let mut second = Talk::connect(served.address()).await;
    second.hear("+OK").await;

    second.ask("USER notices", "+OK").await;
    second.ask("PASS sesame", "-ERR [IN-USE]").await;
    first.ask("DELE 1", "-ERR [SYS/PERM]").await;
    first.ask("QUIT", "+OK").await;
    first.rest().await;

    second.sign_in().await;
}

// TLS.

#[tokio::test]
async fn tls_from_the_first_octet() {
    let scratch = scratch();
    let (options, trust) = with_certificate(&scratch, vec![tls()]);
    let served = scratch.serve_with(options).await;

    let mut talk = Talk::connect_tls(served.address(), &trust).await;
    talk.hear("+OK").await;
    talk.ask("CAPA", "+OK").await;
    let capabilities = talk.body().await;
    talk.sign_in().await;
    talk.ask("RETR 2", "+OK").await;
    let mail = talk.body().await;

    assert!(!capabilities.contains(&"STLS".to_owned()));
    assert_eq!(mail.len(), 4);
}

#[tokio::test]
async fn tls_by_stls() {
    let scratch = scratch();
    let (options, trust) = with_certificate(&scratch, vec![plain()]);
    let served = scratch.serve_with(options).await;
    let mut talk = Talk::connect(served.address()).await;
    talk.hear("+OK").await;

    talk.ask("STLS", "+OK").await;
    let mut talk = talk.protect(&trust).await;

    // No greeting comes again (RFC 2595 §4).
    talk.sign_in().await;
    talk.ask("STLS", "-ERR").await;
    talk.ask("RETR 2", "+OK").await;
    assert_eq!(talk.body().await.len(), 4);
}

#[tokio::test]
async fn what_follows_stls_in_the_same_packet_ends_the_session() {
    let scratch = scratch();
    let (options, _) = with_certificate(&scratch, vec![plain()]);
    let served = scratch.serve_with(options).await;
    let mut talk = Talk::connect(served.address()).await;
    talk.hear("+OK").await;

    talk.send(b"STLS\r\nUSER notices\r\nPASS sesame\r\n").await;

    talk.hear("-ERR").await;
    assert_eq!(talk.rest().await, b"");
    assert_eq!(served.events.keywords(), ["STLS"]);
}

#[tokio::test]
async fn the_self_made_certificate_is_kept() {
    let scratch = Scratch::new();
    let first = Certificate::of_spool(scratch.spool.folder(), &names(&[])).expect("one");

    let second = Certificate::of_spool(scratch.spool.folder(), &names(&[])).expect("the same");

    assert_eq!(second.fingerprint, first.fingerprint);
}

#[test]
fn servers_that_begin_at_once_share_one_certificate() {
    let scratch = Scratch::new();
    let folder = scratch.spool.folder();
    let begin = std::sync::Barrier::new(4);

    let made: Vec<Certificate> = std::thread::scope(|scope| {
        let servers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    begin.wait();
                    Certificate::of_spool(folder, &names(&[])).expect("a certificate")
                })
            })
            .collect();
        let ends = servers.into_iter().map(|server| server.join());
        ends.map(|end| end.expect("it ends")).collect()
    });

    for certificate in &made {
        assert_eq!(certificate.fingerprint, made[0].fingerprint);
        certificate.acceptor().expect("its key belongs to it");
    }
}

#[tokio::test]
async fn no_password_travels_in_the_clear_beyond_this_machine() {
    let scratch = Scratch::new();
    let everywhere = Options {
        listeners: vec![Listener {
            address: "0.0.0.0:0".parse().expect("an address"),
            protection: Protection::None,
        }],
        ..Options::default()
    };

    let refused = Server::start(scratch.spool.clone(), everywhere.clone()).await;
    let allowed = Server::start(
        scratch.spool.clone(),
        Options {
            plaintext: Plaintext::Allowed,
            ..everywhere
        },
    )
    .await;

    assert!(matches!(refused, Err(Error::Unprotected(_))));
    assert!(allowed.is_ok());
}

#[tokio::test]
async fn tls_without_a_certificate_does_not_start() {
    let scratch = Scratch::new();
    let options = Options {
        listeners: vec![tls()],
        ..Options::default()
    };

    let result = Server::start(scratch.spool.clone(), options).await;

    assert!(matches!(result, Err(Error::NoCertificate(_))));
}

// Limits.

#[tokio::test(start_paused = true)]
async fn who_does_not_sign_in_in_time_is_sent_away() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let mut talk = pipe(&served);
    talk.hear("+OK").await;
    let began = time::Instant::now();

    // Commands do not make the time longer.
    time::sleep(SIGN_IN / 2).await;
    talk.ask("CAPA", "+OK").await;
    talk.body().await;
    assert_eq!(talk.rest().await, b"");

    assert!((SIGN_IN..SIGN_IN * 2).contains(&began.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_ends_after_ten_minutes_and_deletes_nothing() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let mut talk = pipe(&served);
    talk.hear("+OK").await;
    talk.sign_in().await;
    talk.ask("DELE 1", "+OK").await;
    time::sleep(IDLE - Duration::from_secs(5)).await;
    talk.ask("NOOP", "+OK").await;
    let began = time::Instant::now();

    let rest = talk.rest().await;

    assert_eq!(rest, b"", "nothing that could be taken for an answer");
    assert!((IDLE..IDLE * 2).contains(&began.elapsed()));
    assert_eq!(scratch.open().maildrop.drop_listing().messages, 2);
}

#[tokio::test(start_paused = true)]
async fn wrong_passwords_are_answered_later_and_later() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let mut talk = pipe(&served);
    talk.hear("+OK").await;

    let mut waited = Vec::new();
    for _ in 0..3 {
        let began = time::Instant::now();
        talk.ask("USER notices", "+OK").await;
        talk.ask("PASS wrong", "-ERR [AUTH]").await;
        waited.push(began.elapsed().as_secs());
    }

    assert_eq!(waited, [1, 2, 4]);
    assert_eq!(talk.line().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_answered_as_such_even_after_the_time_to_sign_in() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let mut talk = pipe(&served);
    talk.hear("+OK").await;

    time::sleep(SIGN_IN - Duration::from_millis(500)).await;
    talk.ask("USER notices", "+OK").await;

    talk.ask("PASS wrong", "-ERR [AUTH]").await;
    assert_eq!(talk.line().await, None);
}

#[tokio::test]
async fn a_wrong_password_waits_for_nobody_who_waits_for_the_mailbox() {
    let mut scratch = scratch();
    // As patient as a server is.
    scratch.spool = Arc::new(Spool::open(scratch.folder.path()).expect("the spool"));
    let lock = scratch.folder.path().join("notices.lock");
    std::fs::write(&lock, std::process::id().to_string()).expect("a lock");
    let options = Options {
        limits: Limits {
            pause: Duration::ZERO,
            ..Limits::default()
        },
        ..Options::default()
    };
    let served = scratch.serve_with(options).await;
    let mut waiting = Vec::new();
    for _ in 0..MOST_OPENING + 4 {
        let mut talk = Talk::connect(served.address()).await;
        talk.hear("+OK").await;
        talk.ask("USER notices", "+OK").await;
        talk.say("PASS sesame").await;
        waiting.push(talk);
    }

    let mut wrong = Talk::connect(served.address()).await;
    wrong.hear("+OK").await;
    wrong.ask("USER notices", "+OK").await;
    wrong.ask("PASS wrong", "-ERR [AUTH]").await;

    std::fs::remove_file(&lock).expect("the lock is given back");
    for mut talk in waiting {
        talk.hear("+OK").await;
    }
}

#[tokio::test(start_paused = true)]
async fn failures_of_an_address_wait_for_one_another_and_successes_do_not() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let mut failing = Vec::new();
    for _ in 0..5 {
        let mut talk = pipe(&served);
        talk.hear("+OK").await;
        talk.ask("USER notices", "+OK").await;
        talk.say("PASS wrong").await;
        failing.push(talk);
    }
    let mut right = pipe(&served);
    right.hear("+OK").await;
    let began = time::Instant::now();

    right.sign_in().await;
    let quick = began.elapsed();
    let mut waited = Vec::new();
    for mut talk in failing {
        talk.hear("-ERR [AUTH]").await;
        waited.push(began.elapsed().as_secs());
    }

    assert!(quick < Duration::from_secs(1), "{quick:?}");
    assert!(waited.iter().max() >= Some(&4), "{waited:?}");
}

#[tokio::test]
async fn at_a_cap_the_newest_is_sent_away() {
    let scratch = scratch();
    let options = Options {
        limits: Limits {
            arriving_of_one: 2,
            ..Limits::default()
        },
        ..Options::default()
    };
    let served = scratch.serve_with(options).await;
    let mut first = Talk::connect(served.address()).await;
    let mut second = Talk::connect(served.address()).await;
    first.hear("+OK").await;
    second.hear("+OK").await;

    let mut third = Talk::connect(served.address()).await;

    third.hear("-ERR [SYS/TEMP]").await;
    assert_eq!(third.rest().await, b"");
    // Who has signed in makes room.
    first.sign_in().await;
    let mut fourth = Talk::connect(served.address()).await;
    fourth.hear("+OK").await;
}

#[tokio::test]
async fn there_is_a_cap_on_sessions_that_have_signed_in() {
    let scratch = scratch();
    let options = Options {
        limits: Limits {
            signed_in: 1,
            ..Limits::default()
        },
        ..Options::default()
    };
    let served = scratch.serve_with(options).await;
    let mut first = Talk::signed_in(served.address()).await;
    let mut second = Talk::connect(served.address()).await;
    second.hear("+OK").await;

    second.ask("USER notices", "+OK").await;
    second.ask("PASS sesame", "-ERR [SYS/TEMP]").await;

    assert_eq!(second.rest().await, b"");
    first.ask("NOOP", "+OK").await;
}

#[tokio::test]
async fn who_never_reads_holds_up_nobody() {
    let scratch = Scratch::new();
    scratch.deliver(format!("Subject: large\n\n{}", "0123456789\n".repeat(500_000)).as_bytes());
    let served = scratch.serve().await;
    let mut deaf = Vec::new();
    for _ in 0..4 {
        let mut talk = Talk::signed_in(served.address()).await;
        talk.send("RETR 1\r\n".repeat(20).as_bytes()).await;
        deaf.push(talk);
    }

    let mut talk = Talk::signed_in(served.address()).await;
    talk.ask("RETR 1", "+OK").await;

    assert_eq!(talk.body().await.len(), 500_002);
}

#[tokio::test(start_paused = true)]
async fn who_never_reads_is_sent_away_after_ten_minutes() {
    let scratch = Scratch::new();
    scratch.deliver(format!("Subject: large\n\n{}", "0123456789\n".repeat(100_000)).as_bytes());
    let served = scratch.serve().await;
    let mut talk = pipe(&served);
    talk.hear("+OK").await;
    talk.sign_in().await;
    talk.say("RETR 1").await;

    time::sleep(IDLE + Duration::from_secs(60)).await;

    let ended = served
        .events
        .all()
        .iter()
        .any(|event| matches!(event, Event::Ended { .. }));
    assert!(ended);
}

#[tokio::test]
async fn octets_that_come_one_by_one_make_a_command() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let mut talk = Talk::connect(served.address()).await;
    talk.hear("+OK").await;

    for octet in b"CAPA\r\n" {
        talk.send(&[*octet]).await;
    }

    talk.hear("+OK").await;
    assert!(!talk.body().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_line_without_end_is_discarded_and_read_without_haste() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let mut talk = pipe(&served);
    talk.hear("+OK").await;
    let began = time::Instant::now();

    talk.send(&vec![b'x'; 1_000_000]).await;
    talk.send(b"\r\nCAPA\r\n").await;

    talk.hear("-ERR line too long").await;
    talk.hear("+OK").await;
    // Less than half a MiB a second.
    assert!(began.elapsed() > Duration::from_secs(2));
}

#[tokio::test]
async fn binary_junk_ends_the_session_and_nothing_else() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let mut other = Talk::signed_in(served.address()).await;
    let mut talk = Talk::connect(served.address()).await;
    talk.hear("+OK").await;

    let junk: Vec<u8> = (0..=255).chain(*b"\r\n").collect();
    talk.send(&junk.repeat(20)).await;

    let rest = String::from_utf8_lossy(&talk.rest().await).into_owned();
    assert!(rest.ends_with("-ERR too many errors\r\n"), "{rest}");
    other.ask("NOOP", "+OK").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_sessions_are_idle_and_one_works() {
    const IDLERS: usize = 1000;
    let scratch = scratch();
    let served = scratch.serve().await;
    // Pipes: a machine may not give a test two thousand descriptors.
    let mut idle: Vec<Talk> = Vec::new();
    for _ in 0..IDLERS {
        let (ours, theirs): (DuplexStream, DuplexStream) = tokio::io::duplex(1024);
        assert!(served.handle.attach(theirs, LOOPBACK));
        let mut talk = Talk::over(ours);
        talk.hear("+OK").await;
        talk.sign_in().await;
        idle.push(talk);
    }

    let mut talk = Talk::signed_in(served.address()).await;
    talk.ask("RETR 2", "+OK").await;
    talk.body().await;

    assert_eq!(served.handle.numbers(), (0, IDLERS + 1));
}

// Its end, and its faults.

#[tokio::test]
async fn a_shutdown_ends_sessions_and_deletes_nothing() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let address = served.address();
    let mut talk = Talk::signed_in(address).await;
    talk.ask("DELE 1", "+OK").await;

    served.handle.shutdown().await;

    assert_eq!(talk.rest().await, b"");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert_eq!(scratch.open().maildrop.drop_listing().messages, 2);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_who_never_reads() {
    let scratch = Scratch::new();
    scratch.deliver(format!("Subject: large\n\n{}", "0123456789\n".repeat(100_000)).as_bytes());
    let served = scratch.serve().await;
    let mut talk = pipe(&served);
    talk.hear("+OK").await;
    talk.sign_in().await;
    talk.ask("RETR 1", "+OK").await;

    time::timeout(Duration::from_secs(60), served.handle.shutdown())
        .await
        .expect("an end");
}

#[tokio::test]
async fn the_server_can_be_broken_and_mended() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let mut open = Talk::signed_in(served.address()).await;

    served.handle.set_fault(Fault::HoldLock);
    let mut locked_out = Talk::connect(served.address()).await;
    locked_out.hear("+OK").await;
    locked_out.ask("USER notices", "+OK").await;
    locked_out.ask("PASS sesame", "-ERR [IN-USE]").await;
    served.handle.set_fault(Fault::Hang);
    let mut hanging = Talk::connect(served.address()).await;
    served.handle.set_fault(Fault::None);
    hanging.hear("+OK").await;
    locked_out.sign_in().await;
    served.handle.set_fault(Fault::Refuse);
    let mut refused = Talk::connect(served.address()).await;

    assert_eq!(refused.rest().await, b"");
    assert_eq!(open.rest().await, b"");
}

#[tokio::test]
async fn an_observer_hears_of_everything() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let mut talk = Talk::signed_in(served.address()).await;
    talk.ask("UIDL", "+OK").await;
    talk.body().await;
    talk.ask("RETR 1", "+OK").await;
    talk.body().await;
    talk.ask("DELE 1", "+OK").await;
    talk.ask("DELE 9", "-ERR").await;
    talk.ask("QUIT", "+OK").await;
    talk.rest().await;

    let what: Vec<&str> = served
        .events
        .all()
        .iter()
        .filter_map(|event| match event {
            Event::Connected { .. } => Some("connected"),
            Event::SignedIn { .. } => Some("signed in"),
            Event::Listed { .. } => Some("listed"),
            Event::Retrieved { .. } => Some("retrieved"),
            Event::Deleted { .. } => Some("deleted"),
            Event::Quit { deleted: 1, .. } => Some("quit"),
            _ => None,
        })
        .collect();
    assert_eq!(
        what,
        [
            "connected",
            "signed in",
            "listed",
            "retrieved",
            "deleted",
            "quit"
        ]
    );
    assert_eq!(
        served.events.keywords(),
        ["USER", "PASS", "UIDL", "RETR", "DELE", "DELE", "QUIT"]
    );
}

#[tokio::test]
async fn a_spool_is_served_by_one_and_filled_by_another() {
    let scratch = scratch();
    let served = scratch.serve().await;
    let other = Spool::open(scratch.folder.path()).expect("a spool");

    other
        .deliver("notices", TOM, Some("tom@team.example"), moment())
        .expect("a delivery");

    let mut talk = Talk::signed_in(served.address()).await;
    talk.ask("STAT", "+OK 3").await;
}

#[tokio::test]
async fn apop_signs_in_whom_it_may() {
    let scratch = scratch();
    scratch.configure("apop = true\n");
    let secret = scratch.folder.path().join("notices.apop");
    std::fs::write(&secret, "tanstaaf\n").expect("a secret");
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("a mode");
    let served = scratch.serve().await;
    let mut talk = Talk::connect(served.address()).await;
    let greeting = talk.hear("+OK").await;
    let timestamp = greeting.split_once('<').expect("a timestamp").1;
    let digest = tidings::pop3::sasl::apop_digest(
        &format!("<{timestamp}"),
        &secrecy::SecretString::from("tanstaaf"),
    );

    talk.ask(&format!("APOP notices {digest}"), "+OK").await;
}

//! Our client against servers of Debian: Courier, mailutils, popa3d. First check, nothing new, ten new; what
//! another client deletes; a lock that another client holds; a server that is killed in the middle of a
//! message.

use tidings::poll::report::{Outcome, Summary};

use crate::support::{
    inetd::{Inetd, Kind},
    mailbox::Reader,
    talk::Talk,
};

/// A mail with lines that are hard to carry.
fn mail(number: u32) -> String {
    format!(
        "From: Priya <priya@team.example>\nSubject: Notice {number}\n\
         Message-ID: <{number}@team.example>\nDate: Thu, 5 Nov 2026 10:00:00 +0000\n\n\
         .\n..\n.dot\n{}\nend of {number}\n",
        "long ".repeat(100)
    )
}

async fn check(reader: &Reader) -> Summary {
    let (summary, _) = reader.check().await;
    // A server that is busy with the session before is free in a moment.
    match summary.outcome {
        Outcome::Busy { .. } => Box::pin(check(reader)).await,
        _ => summary,
    }
}

async fn another_client(server: &Inetd) -> Talk {
    for _ in 0..200 {
        let mut talk = Talk::connect(([127, 0, 0, 1], server.port).into()).await;
        talk.hear("+OK").await;
        talk.ask("USER notices", "+OK").await;
        talk.say("PASS sesame").await;
        if talk
            .line()
            .await
            .is_some_and(|line| line.starts_with("+OK"))
        {
            return talk;
        }
    }
    panic!("nobody is let in");
}

async fn life_at(kind: Kind) {
    let Some(server) = Inetd::start(kind).await else {
        return;
    };
    (1..=20).for_each(|number| server.deliver(number, &mail(number)));
    let reader = Reader::of(server.port);
    if kind == Kind::Courier {
        // What knows its accounts takes a moment to start.
        let mut first = another_client(&server).await;
        first.ask("QUIT", "+OK").await;
    }

    let first = check(&reader).await;
    assert_eq!(first.outcome, Outcome::Done, "{}", first.dialogue);
    assert_eq!(
        (first.new, first.on_server),
        (20, Some(20)),
        "{}",
        first.dialogue
    );
    let mut second = check(&reader).await;
    if kind == Kind::Mailutils {
        // It has noted its unique-ids in the mails: each has another size now, and is looked at once more.
        assert_eq!(second.new, 0, "{}", second.dialogue);
        second = check(&reader).await;
    }
    assert_eq!((second.new, second.octets), (0, 0), "{}", second.dialogue);
    (21..=30).for_each(|number| server.deliver(number, &mail(number)));
    let third = check(&reader).await;
    assert_eq!((third.new, third.withdrawn), (10, 0), "{}", third.dialogue);

    let mut other = another_client(&server).await;
    other.ask("DELE 3", "+OK").await;
    other.ask("QUIT", "+OK").await;
    let fourth = check(&reader).await;
    assert_eq!(
        (fourth.new, fourth.withdrawn),
        (0, 1),
        "{}",
        fourth.dialogue
    );

    let holder = another_client(&server).await;
    let (held, _) = reader.check().await;
    match kind {
        Kind::Mailutils => assert!(
            matches!(held.outcome, Outcome::Busy { .. }),
            "{:?}\n{}",
            held.outcome,
            held.dialogue
        ),
        Kind::Popa3d | Kind::Courier => {
            assert_eq!(held.outcome, Outcome::Done, "{}", held.dialogue)
        }
    }
    drop(holder);

    let large = format!("{}{}", mail(31), "and so on\n".repeat(100_000));
    server.deliver(31, &large);
    // Not before the session that was cut off has given the lock back.
    drop(another_client(&server).await);
    server.kill_after(400_000);
    let killed = check(&reader).await;
    assert!(
        matches!(killed.outcome, Outcome::Unreachable { .. }),
        "{:?}\n{}",
        killed.outcome,
        killed.dialogue
    );
    let after = check(&reader).await;
    let found = (after.outcome.clone(), after.new);
    assert_eq!(found, (Outcome::Done, 1), "{}", after.dialogue);

    let mut subjects = reader.subjects();
    subjects.sort_by_key(|subject| {
        let number = subject
            .trim_start_matches("Notice ")
            .trim_end_matches(" (withdrawn)");
        number.parse::<u32>().expect("a number")
    });
    let expected: Vec<String> = (1..=31)
        .map(|number| match number {
            3 => "Notice 3 (withdrawn)".to_owned(),
            number => format!("Notice {number}"),
        })
        .collect();
    assert_eq!(subjects, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_of_checks_at_popa3d() {
    life_at(Kind::Popa3d).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_of_checks_at_mailutils() {
    life_at(Kind::Mailutils).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_of_checks_at_courier() {
    life_at(Kind::Courier).await;
}

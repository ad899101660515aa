//! The real program, killed at many moments. Of a delivery and of a deletion: every mail that was acknowledged is
//! there exactly once, and no half of any other. Of a first check: it goes on where it was, with each notice once.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tidings::{
    pop3::listing::MessageNumber,
    server::{events::Event, mbox::Excerpt, spool::Spool},
};

use crate::support::{
    chance::Chance,
    office::Office,
    program::{PROGRAM, Person},
    scratch::Scratch,
};

/// How often each is killed.
const KILLS: u32 = 40;

/// Some hundred kilobytes, so that there is something to be killed over.
fn mail(number: u32) -> String {
    let line = format!("line of mail {number}\n");
    format!(
        "Subject: mail {number}\n\n{}the end of {number}\n",
        line.repeat(6_000)
    )
}

/// The mails that are there now, each whole.
fn numbers(scratch: &Scratch) -> Vec<u32> {
    let spool = Spool::open(scratch.folder.path()).expect("a spool");
    let opened = spool.open_maildrop(&scratch.account()).expect("a maildrop");
    let file = std::fs::read(scratch.mailbox()).unwrap_or_default();
    let count = opened.maildrop.drop_listing().messages;
    (1..=count)
        .map(|n| {
            let message = opened
                .maildrop
                .message(MessageNumber::new(n).expect("a number"));
            let entry = message.expect("a message").entry;
            let mut text = Vec::new();
            Excerpt::whole().push(&file[entry.body as usize..entry.end as usize], |part| {
                text.extend_from_slice(part);
            });
            let text = String::from_utf8(text).expect("text");
            let number = text["Subject: mail ".len()..]
                .lines()
                .next()
                .and_then(|number| number.parse().ok());
            let number = number.expect("its number");
            assert!(text == mail(number), "mail {number} is not whole");
            number
        })
        .collect()
}

/// Moments from at once to some milliseconds later, the same in each run.
fn moment(number: u32) -> Duration {
    Duration::from_micros(u64::from(number * 7_919 % KILLS) * 400)
}

fn end(child: &mut Child) -> bool {
    let _ = child.kill();
    child.wait().expect("an end").success()
}

#[test]
fn a_delivery_that_is_killed_at_any_moment_is_whole_or_not_there() {
    let scratch = Scratch::new();
    let mut acknowledged = Vec::new();
    for number in 0..KILLS {
        let mut child = Command::new(PROGRAM)
            .args(["deliver", "notices", "--spool"])
            .arg(scratch.folder.path())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        let mut stdin = child.stdin.take().expect("its stdin");
        stdin.write_all(mail(number).as_bytes()).expect("a write");
        drop(stdin);
        std::thread::sleep(moment(number));
        if end(&mut child) {
            acknowledged.push(number);
        }
        // What is there in the end is what was acknowledged, and what was killed after it was written.
        let there = numbers(&scratch);
        let mut seen = there.clone();
        seen.dedup();
        assert_eq!(seen, there, "each once, in order");
        assert!(
            acknowledged.iter().all(|number| there.contains(number)),
            "after {number}"
        );
    }
}

/// A server over the spool, and its port.
fn serve(scratch: &Scratch) -> (Child, String) {
    let mut child = Command::new(PROGRAM)
        .args(["serve", "--listen", "127.0.0.1:0", "--spool"])
        .arg(scratch.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its stdout"))
        .read_line(&mut line)
        .expect("a line");
    let (_, address) = line.trim_end().rsplit_once("://").expect("an address");
    (child, address.to_owned())
}

#[test]
fn a_deletion_that_is_killed_at_any_moment_is_done_or_not() {
    let scratch = Scratch::new();
    for number in 0..8 {
        scratch.deliver(mail(number).as_bytes());
    }
    for round in 0..KILLS {
        let before = numbers(&scratch);
        let (mut child, address) = serve(&scratch);
        let stream = TcpStream::connect(address).expect("a connection");
        let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
        let mut hear = || {
            let mut line = String::new();
            // The server is killed at some moment.
            reader.read_line(&mut line).map_or(String::new(), |_| line)
        };
        hear();
        for line in ["USER notices", "PASS sesame", "DELE 1"] {
            (&stream)
                .write_all(format!("{line}\r\n").as_bytes())
                .expect("a write");
            assert!(hear().starts_with("+OK"), "{line}");
        }
        (&stream).write_all(b"QUIT\r\n").expect("a write");
        std::thread::sleep(moment(round) / 4);
        end(&mut child);

        let is_done = hear().starts_with("+OK");
        let after = numbers(&scratch);
        assert!(
            after == before || after == before[1..],
            "{before:?} became {after:?}"
        );
        assert!(!is_done || after == before[1..], "it was acknowledged");
        scratch.deliver(mail(100 + round).as_bytes());
    }
}

/// How many mails a first check is killed over.
const MAILS: usize = 900;

#[test]
fn a_first_check_that_is_killed_at_any_moment_goes_on_and_fetches_nothing_twice_that_was_kept() {
    let mbox: String = (0..MAILS)
        .map(|number| {
            let line = format!("line of mail {number}\n").repeat(60);
            format!(
                "From a@team.example Mon Nov 23 08:00:00 2026\nSubject: mail {number}\n\
                 Message-ID: <{number}@team.example>\nDate: Mon, 23 Nov 2026 08:00:00 +0000\n\n{line}\n"
            )
        })
        .collect();
    let office = Office::over(Scratch::with_mbox(mbox.as_bytes()));
    let person = Person::reading(office.address());
    let mut chance = Chance::of(1);
    let mut lost = Vec::new();
    for _ in 0..12 {
        let kept = kept(&person);
        let before = office.heard("RETR");
        let mut child = Command::new(PROGRAM)
            .env_clear()
            .envs(person.environment())
            .arg("check")
            .arg("--config")
            .arg(person.settings())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        let left = MAILS - kept.len();
        if left > 0 {
            // In the middle of what it has asked for, then a moment later.
            let asked = before + 1 + chance.below(left as u64) as usize / 2;
            let is_retr = |event: &Event| {
                matches!(
                    event,
                    Event::Commanded {
                        keyword: "RETR",
                        ..
                    }
                )
            };
            office.served.events.wait_for(asked, is_retr);
            std::thread::sleep(Duration::from_micros(chance.below(30_000)));
        }
        end(&mut child);
        office.rest();
        let fetched = office.heard("RETR") - before;
        assert!(fetched <= left, "{fetched} fetched, {left} were left");
        let more = self::kept(&person);
        assert!(
            kept.iter().all(|subject| more.contains(subject)),
            "what was kept stays"
        );
        lost.push(fetched - (more.len() - kept.len()));
    }

    let kept = kept(&person).len();
    let before = office.heard("RETR");
    person.run(&["check"]).expect(0);
    office.rest();

    assert_eq!(
        office.heard("RETR") - before,
        MAILS - kept,
        "all that was left, and nothing else"
    );
    let all = self::kept(&person);
    assert_eq!(all.len(), MAILS);
    let distinct: std::collections::HashSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), MAILS, "each once");
    assert!(
        lost.iter().any(|lost| *lost > 0),
        "no kill has hit anything: {lost:?}"
    );
}

/// The subjects that a person has kept so far.
fn kept(person: &Person) -> Vec<String> {
    match person.cache_path().exists() {
        true => person.subjects(),
        false => Vec::new(),
    }
}

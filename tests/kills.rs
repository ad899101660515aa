//! The real program, killed at many moments of a delivery and of a deletion: every mail that was
//! acknowledged is there exactly once, and no half of any other.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tidings::{
    pop3::listing::MessageNumber,
    server::{mbox::Excerpt, spool::Spool},
};

use crate::support::{program::PROGRAM, scratch::Scratch};

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

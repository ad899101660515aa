//! The reader and the reading of mail: `cargo bench`.
//!
//! `key_to_frame` is what a person feels at 100,000 notices: a key, the update, a whole frame into
//! memory. The others are what a first check spends on each mail.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use divan::{Bencher, counter::BytesCount};
use jiff::{Timestamp, tz::TimeZone};
use ratatui::{Terminal, backend::TestBackend};
use tidings::{
    config::{Mailbox, Settings},
    notice::{
        Address, Headline, MailboxIndex, Marks, Notice, NoticeId, body::Options, headline::Digest,
        shown::Shown, thread::Threads,
    },
    tui::{Purpose, Start, Tui, event::Event},
};

fn main() {
    divan::main();
}

/// How many notices the large mailbox has.
const MANY: i64 = 100_000;

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().expect("a time")
}

fn headline(number: i64) -> Headline {
    let second = now().as_second() - (MANY - number) * 600;
    // Every tenth answers the one before.
    let parents: Box<[u64]> = if number % 10 == 9 {
        Box::from([(number - 1).unsigned_abs()])
    } else {
        Box::default()
    };
    Headline {
        id: NoticeId(number),
        handle: format!("h{number:09}").into(),
        from: Arc::new(Address {
            name: Shown::line(["Priya Natarajan", "ops-bot", "田中 花子"][number as usize % 3]),
            address: Shown::from_static("someone@team.example"),
        }),
        subject: Shown::line(&format!("Deploy #{number} web to production finished")),
        date: Timestamp::from_second(second).expect("a time"),
        date_guessed: false,
        preview: Shown::from_static("It went well."),
        size: 4_000,
        important: number % 500 == 0,
        files: u16::from(number % 7 == 0),
        has_link: true,
        key: number.unsigned_abs(),
        parents,
        marks: Marks {
            read: number % 50 != 0,
            ..Marks::default()
        },
        ..Headline::default()
    }
}

/// A reader with all its notices loaded.
fn reader() -> Tui {
    let settings = Settings {
        mailboxes: vec![Mailbox {
            name: "notices".to_owned(),
            host: "localhost".to_owned(),
            user: "notices".to_owned(),
            ..Mailbox::default()
        }],
        ..Settings::default()
    };
    let start = Start {
        now: now(),
        zone: TimeZone::UTC,
        size: (120, 36),
        unicode: true,
        colour: true,
        background: None,
        purpose: Purpose::Read(MailboxIndex(0)),
    };
    let (mut tui, _) = Tui::new(&settings, start);
    let headlines: Vec<Headline> = (1..=MANY).rev().map(headline).collect();
    for (index, part) in headlines.chunks(5_000).enumerate() {
        tui.handle(Event::Loaded {
            mailbox: MailboxIndex(0),
            headlines: part.to_vec(),
            kept: u32::try_from(MANY).expect("it fits"),
            complete: index == 19,
            last_seen: None,
            last_visit: None,
        });
    }
    tui
}

/// A key pressed, and the frame that follows it, in a mailbox of 100,000.
#[divan::bench(args = ["j", "k", "G", "n", "f", "u", "Z", "!", "t"], sample_count = 50, sample_size = 1)]
fn key_to_frame(bencher: Bencher, key: &str) {
    let key = KeyCode::Char(key.chars().next().expect("a key"));
    let modifiers = match key {
        KeyCode::Char(c) if c.is_uppercase() => KeyModifiers::SHIFT,
        _ => KeyModifiers::NONE,
    };
    let mut tui = reader();
    let mut terminal = Terminal::new(TestBackend::new(120, 36)).expect("a terminal");
    bencher.bench_local(|| {
        let effects = tui.key(KeyEvent::new(key, modifiers));
        terminal.draw(|frame| tui.draw(frame)).expect("a frame");
        effects
    });
}

/// Ten notices arriving in a mailbox of 100,000, and the frame that follows.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn ten_arrive(bencher: Bencher) {
    let mut tui = reader();
    let mut terminal = Terminal::new(TestBackend::new(120, 36)).expect("a terminal");
    let mut next = MANY;
    bencher.bench_local(|| {
        let arrived = (0..10)
            .map(|_| {
                next += 1;
                headline(next)
            })
            .collect();
        let effects = tui.handle(Event::Reported {
            mailbox: MailboxIndex(0),
            report: tidings::poll::report::Report::Arrived(arrived),
        });
        terminal.draw(|frame| tui.draw(frame)).expect("a frame");
        effects
    });
}

/// 14 KB, as notices are on average: text, HTML beside it, an attachment.
fn ordinary_mail() -> Vec<u8> {
    let text =
        "The maintenance window opens at 22:00 UTC. See https://status.team.example/ for more.\r\n"
            .repeat(40);
    let html = "<p>The <b>maintenance</b> window opens at <a href=\"https://team.example/\">22:00</a>.</p>\r\n"
        .repeat(60);
    let file = format!("{}\r\n", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=".repeat(2)).repeat(50);
    format!(
        "From: Priya Natarajan <priya@team.example>\r\nSubject: Build cluster maintenance\r\n\
         Message-ID: <1@team.example>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n\
         --outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n\
         --inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\
         --inner\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\
         --inner--\r\n--outer\r\nContent-Type: application/pdf; name=\"runbook.pdf\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{file}\r\n--outer--\r\n"
    )
    .into_bytes()
}

/// What a first check reads out of each mail.
#[divan::bench]
fn digest(bencher: Bencher) {
    let mail = ordinary_mail();
    bencher
        .counter(BytesCount::of_slice(&mail))
        .bench_local(|| Digest::of(&mail, now()));
}

/// What opening a notice costs.
#[divan::bench]
fn open_and_lay_out(bencher: Bencher) {
    let mail = ordinary_mail();
    bencher
        .counter(BytesCount::of_slice(&mail))
        .bench_local(|| Notice::parse(&mail).lines(96, Options::default()));
}

/// A newsletter of 1 MB, as senders make them: two tables, many attributes and a picture around each paragraph.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn open_a_large_newsletter(bencher: Bencher) {
    let row = concat!(
        r##"<table width="100%" border="0" cellspacing="0" cellpadding="0" role="presentation" "##,
        r##"style="min-width:100%;border-collapse:collapse;background-color:#ffffff"><tbody><tr>"##,
        r##"<td align="left" valign="top" style="padding:9px 18px;color:#333333;font-size:14px;"##,
        r##"font-family:Helvetica,Arial,sans-serif;line-height:150%;text-align:left"><table align="##,
        r##""left" width="264" style="border-collapse:collapse"><tr><td style="padding:0 9px">"##,
        r##"<a href="https://click.team.example/track/click?u=f3c1&amp;id=9a1b2c3d4e&amp;e=55aa" "##,
        r##"style="color:#007c89;font-weight:normal;text-decoration:underline" target="_blank"><img "##,
        r##"alt="The new staging area" src="https://cdn.team.example/images/5d1e/header.png" "##,
        r##"width="264" style="max-width:600px;border:0;height:auto;outline:none"></a></td></tr>"##,
        r##"</table><h2 style="display:block;margin:0;padding:0;color:#202020;font-size:22px">What is "##,
        r##"new this week</h2><p style="margin:10px 0;padding:0">Deploys of the web front end take "##,
        r##"two minutes less, since the image is built once for both regions. <strong>Please</strong> "##,
        r##"move your jobs off the old runners before Friday; <a href="https://wiki.team.example/runners" "##,
        r##"style="color:#007c89">the list of what is left</a> is short.</p></td></tr></tbody></table>"##,
    );
    open_html(bencher, row);
}

/// 1 MB of almost nothing but tables.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn open_a_megabyte_of_tables(bencher: Bencher) {
    open_html(
        bencher,
        "<table><tr><td><table><tr><td><p>Text and <a href=\"https://team.example/x\">a link</a></p>\
         </td></tr></table></td></tr></table>",
    );
}

fn open_html(bencher: Bencher, row: &str) {
    let html = row.repeat(1_000_000 / row.len());
    let mail = format!(
        "Subject: Newsletter\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n{html}\r\n"
    );
    bencher.bench_local(|| Notice::parse(mail.as_bytes()).lines(96, Options::default()));
}

/// Threads of 100,000 notices, each of which answers one of those before it, or none: as a cache is loaded.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn thread_100_000(bencher: Bencher) {
    let headlines = answering();
    bencher.bench_local(|| threads(&headlines));
}

/// Ten more, as they arrive.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn thread_ten_more(bencher: Bencher) {
    let mut headlines = answering();
    // Whoever lists them has room.
    headlines.reserve(1_000);
    let mut threads = threads(&headlines);
    bencher.bench_local(|| {
        for _ in 0..10 {
            headlines.push(answer(headlines.len() as u64));
            threads.add(&headlines);
        }
        threads.settle(&headlines);
    });
}

fn threads(headlines: &[Headline]) -> Threads {
    let mut threads = Threads::new(false);
    for count in 1..=headlines.len() {
        threads.add(&headlines[..count]);
    }
    threads.settle(headlines);
    threads
}

/// Half of them answer, through up to five that their References name.
fn answering() -> Vec<Headline> {
    (0..MANY.unsigned_abs()).map(answer).collect()
}

fn answer(number: u64) -> Headline {
    // Threads of up to twenty: every other notice answers one of its twenty.
    let before = |number: u64| {
        let place = number % 20;
        (place % 2 == 1).then(|| number - 1 - (number * 7) % place)
    };
    let mut parents: Vec<u64> = std::iter::successors(before(number), |at| before(*at))
        .take(5)
        .collect();
    parents.reverse();
    Headline {
        parents: parents.into(),
        key: number,
        ..headline(i64::try_from(number).expect("few"))
    }
}

/// A mail of 10 MB with two files, to its first screen.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn open_ten_megabytes(bencher: Bencher) {
    let file = format!("{}\r\n", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=".repeat(2)).repeat(70_000);
    let part = |name: &str| {
        format!(
            "--b\r\nContent-Type: application/pdf; name={name}\r\nContent-Transfer-Encoding: base64\r\n\r\n{file}"
        )
    };
    let mail = format!(
        "Subject: Plans\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\n\r\nSee below.\r\n{}{}--b--\r\n",
        part("a.pdf"),
        part("b.pdf")
    );
    bencher
        .counter(BytesCount::new(mail.len()))
        .bench_local(|| Notice::parse(mail.as_bytes()).lines(96, Options::default()));
}

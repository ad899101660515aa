//! The fuzz targets on octets that are made from seeds, always the same ones. For longer:
//! `TIDINGS_FUZZ_SECONDS=900 cargo test --release fuzz::`.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use crate::support::chance::Chance;

mod reading;
mod targets;

/// How many inputs each target gets, where no time is given.
const INPUTS: u32 = 3_000;

/// The longest input.
const LONGEST: usize = 8_192;

/// Changes a few octets, doubles, cuts or moves pieces, or puts in a word.
fn mutate(octets: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&[u8]], chance: &mut Chance) {
    for _ in 0..=chance.place(6) {
        let at = chance.place(octets.len() + 1);
        let until = (at + chance.place(40)).min(octets.len());
        match chance.place(7) {
            0 if at < octets.len() => octets[at] = chance.next() as u8,
            1 => octets.insert(at, chance.next() as u8),
            2 => drop(octets.drain(at..until)),
            3 => {
                let piece = octets[at..until].to_vec();
                octets.splice(at..at, piece);
            }
            4 => {
                let word = words[chance.place(words.len())];
                octets.splice(at..at, word.iter().copied());
            }
            5 => {
                let other = &seeds[chance.place(seeds.len())];
                let from = chance.place(other.len() + 1);
                let to = (from + chance.place(200)).min(other.len());
                octets.splice(at..until, other[from..to].iter().copied());
            }
            _ => octets.truncate(octets.len().max(1) - chance.place(3).min(octets.len())),
        }
    }
    octets.truncate(LONGEST);
}

fn fuzz(target: fn(&[u8]), seeds: &[Vec<u8>], words: &[&[u8]]) {
    let seconds = std::env::var("TIDINGS_FUZZ_SECONDS").ok();
    let time = seconds
        .and_then(|seconds| seconds.parse().ok())
        .map(Duration::from_secs);
    let began = Instant::now();
    let mut chance = Chance::of(0);
    let mut number = 0u32;
    while time.map_or(number < INPUTS, |time| began.elapsed() < time) {
        number = number.wrapping_add(1);
        let mut octets = seeds[chance.place(seeds.len())].clone();
        mutate(&mut octets, seeds, words, &mut chance);
        let result = std::panic::catch_unwind(|| target(&octets));
        assert!(
            result.is_ok(),
            "input {number}: b\"{}\"",
            octets.escape_ascii()
        );
    }
}

fn files(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).expect("a seed"))
        .collect()
}

/// What the clients of all transcripts say.
fn dialogues() -> Vec<Vec<u8>> {
    let said = |text: Vec<u8>| {
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines = text.lines().filter_map(|line| line.strip_prefix("C:"));
        lines
            .map(|line| format!("{}\r\n", line.trim_start()))
            .collect::<String>()
            .into_bytes()
    };
    files("transcripts/server").into_iter().map(said).collect()
}

const WORDS: [&[u8]; 14] = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\0",
    b"\xff",
    b"*\r\n",
    b"QUIT\r\n",
    b"USER notices\r\nPASS x\r\n",
    b"RETR 1\r\n",
    b"AUTH PLAIN\r\n",
    b"TOP 2 1\r\n",
    b"18446744073709551616",
    b"CAPA\r\n",
];

#[test]
fn any_command_line() {
    let lines: Vec<Vec<u8>> = dialogues()
        .iter()
        .flat_map(|dialogue| dialogue.split(|&octet| octet == b'\n'))
        .map(<[u8]>::to_vec)
        .collect();
    fuzz(targets::command, &lines, &WORDS);
}

#[test]
fn any_session() {
    fuzz(targets::session, &dialogues(), &WORDS);
}

#[test]
fn any_mailbox() {
    let mut seeds = files("mailboxes");
    seeds.push(b"From a@b Mon Nov 23 08:00:00 2026\nA: 1\n\nbody\n\n".to_vec());
    seeds.push(b"From a@b ?on Nov 23 08:00:00 2026\nA: torn\n\nhalf".to_vec());
    seeds.push(b"X-IMAP: 1 2\r\nStatus: RO\r\n\r\nFOLDER INTERNAL DATA\r\n\r\n".to_vec());
    let words: [&[u8]; 10] = [
        b"\nFrom ",
        b"\n\nFrom a@b Mon Nov 23 08:00:00 2026\n",
        b"\r\n",
        b"\n",
        b"\r",
        b">",
        b">From ",
        b"\0",
        b"From a@b ?on Nov 23 08:00:00 2026\n",
        b"X-IMAPbase: 1\n",
    ];
    fuzz(targets::mailbox, &seeds, &words);
}

#[test]
fn any_index() {
    use tidings::server::{file::Stamp, index::saved::Saved, mbox};

    let saved = |mailbox: &[u8]| {
        let stamp = Stamp {
            inode: (1, 2),
            length: mailbox.len() as u64,
            modified: (3, 4),
            changed: (5, 6),
        };
        let entries = mbox::split(mailbox);
        Saved {
            stamp,
            ends: [7; 32],
            entries,
        }
        .to_bytes()
    };
    let seeds: Vec<Vec<u8>> = files("mailboxes")
        .iter()
        .map(|mailbox| saved(mailbox))
        .collect();
    fuzz(
        targets::index,
        &seeds,
        &[b"\0\0\0\0\0\0\0\0", b"\xff\xff\xff\xff\xff\xff\xff\xff"],
    );
}

#[test]
fn any_file_of_accounts() {
    let seeds = [
        "[account.notices]\npassword_hash = \"$argon2id$v=19$x\"\nsessions = \"shared\"\n# kept\n",
        "[account.a]\nmailbox = \"b\"\nexpire = \"90d\"\nnetworks = [\"10.0.0.0/8\"]\n[account.b]\n",
        "account.c = { scram = true, largest_message = \"5MB\", senders = [\"@x.example\"] }\n",
    ];
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|text| text.as_bytes().to_vec()).collect();
    let words: [&[u8]; 8] = [
        b"\n[account.",
        b"]\n",
        b" = ",
        b"\"",
        b"true",
        b"store = \"maildir\"\n",
        b"expire = \"never\"\n",
        b"[",
    ];
    fuzz(targets::accounts, &seeds, &words);
}

#[test]
fn any_mail_server() {
    let seeds = [
        "LHLO mx\r\nMAIL FROM:<a@b> SIZE=100 BODY=8BITMIME\r\nRCPT TO:<notices@x>\r\nDATA\r\nQUIT\r\n",
        "LHLO mx\r\nMAIL FROM:<>\r\nRCPT TO:<\"odd name\"@x> NOTIFY=NEVER\r\nRSET\r\nVRFY x\r\nNOOP\r\n",
        "EHLO x\r\nHELP\r\nEXPN x\r\nAUTH PLAIN\r\nBDAT 5 LAST\r\nSTARTTLS\r\n",
    ];
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|text| text.as_bytes().to_vec()).collect();
    let words: [&[u8]; 8] = [
        b"\r\n",
        b"<",
        b">",
        b"@",
        b"RCPT TO:<a@b>\r\n",
        b"DATA\r\n",
        b"SIZE=99999999999",
        b"\xc3\xa9",
    ];
    fuzz(targets::lmtp, &seeds, &words);
}

/// Mails of the corpus that are short enough to be changed often, and the hostile ones.
fn mails() -> Vec<Vec<u8>> {
    let mut seeds = files("mails/hostile");
    seeds.extend(files("mails/own"));
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails/corpus");
    let mut folders: Vec<_> = fs::read_dir(corpus)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    for folder in folders {
        let name = folder
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        seeds.extend(files(&format!("mails/corpus/{name}")));
    }
    seeds.retain(|seed| seed.len() <= LONGEST);
    seeds
}

const MAIL_WORDS: [&[u8]; 24] = [
    b"\r\n",
    b"\n\n",
    b"\n--b\n",
    b"Content-Type: multipart/mixed; boundary=b\n\n--b\n",
    b"Content-Type: text/html\n",
    b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n",
    b"Content-Type: message/rfc822\n\n",
    b"Content-Type: text/csv; name=a.csv\n",
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: quoted-printable\n",
    b"Content-Type: application/ms-tnef\n",
    b"=?utf-8?q?",
    b"?=",
    b"begin 644 a.txt\n",
    b"=ybegin line=128 size=1 name=a\n",
    b"<table><tr><td>",
    b"<div style=\"color:#fff;background:white\">",
    b"<!--",
    b"</",
    b"&#x1b;",
    b"> ",
    b"\x1b]0;",
    b"\xe2\x80\xae",
    b"-----Original Message-----\nFrom: a\n",
];

#[test]
fn any_mail() {
    fuzz(reading::notice, &mails(), &MAIL_WORDS);
}

#[test]
fn any_html() {
    let html = |mail: &Vec<u8>| tidings::notice::parse::html_of(mail).map(String::into_bytes);
    let mut seeds: Vec<Vec<u8>> = mails().iter().filter_map(html).collect();
    seeds.iter_mut().for_each(|seed| seed.truncate(LONGEST));
    let words: [&[u8]; 16] = [
        b"<table><tr><td>",
        b"</td></tr></table>",
        b"<ul><li>",
        b"<ol start=3>",
        b"<blockquote>",
        b"<a href=\"http://a.example\">",
        b"</a>",
        b"<pre>",
        b"<style>p{display:none}</style>",
        b"&nbsp;",
        b"&#27;",
        b"&#x202e;",
        b"<img alt=x>",
        b"<!--",
        b"-->",
        b"<div hidden>",
    ];
    fuzz(reading::page, &seeds, &words);
}

#[test]
fn any_headers() {
    let head = |mail: Vec<u8>| {
        let end = mail.windows(2).position(|two| two == b"\n\n");
        let end = end.or_else(|| mail.windows(4).position(|four| four == b"\r\n\r\n"));
        mail[..end.unwrap_or(mail.len())].to_vec()
    };
    let seeds: Vec<Vec<u8>> = mails().into_iter().map(head).collect();
    let words: [&[u8]; 20] = [
        b"\r\n",
        b"\r\n ",
        b"=?utf-8?q?caf=C3=A9?=",
        b"=?iso-8859-1?q?caf=C3=A9?= =?iso-8859-1?q?_x?=",
        b"=?koi8-r?B?8NLJ18XU?=",
        b"=?iso-2022-jp?B?GyRCJCpDTiRpJDsbKEI=?=",
        b"=?x-unknown?B?/w?=",
        b"\xf0\xcc\xc1\xce\xcf\xd7\xd9\xc5",
        b"\x83\x81\x81\x5b\x83\x8b",
        b"Date: 2026-11-24 14:00 PST\r\n",
        b"Date: Dienstag, 24. November 2026 2 Uhr nachmittags\r\n",
        b"Expires: 24/11/2026\r\n",
        b"Reply-To: \"a@b.example\" <c@d.example>\r\n",
        b"From: \xd0\xa0riya <a@xn--pple-43d.com>\r\n",
        b"List-Id: x <y.z>\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
        b"Content-Type: text/plain; charset=shift_jis\r\n",
        b"Content-Type: message/rfc822\r\n\r\n",
        b"filename*0*=utf-8''%41; filename*1=b",
        b"From a@b Mon Nov 23 08:00:00 2026\n",
    ];
    fuzz(reading::headers, &seeds, &words);
}

#[test]
fn any_calendar() {
    let mail = files("mails/own").into_iter();
    let calendars = mail.filter_map(|mail| {
        let start = mail
            .windows(15)
            .position(|word| word == b"BEGIN:VCALENDAR")?;
        Some(mail[start..].to_vec())
    });
    let mut seeds: Vec<Vec<u8>> = calendars.collect();
    seeds.push(
        b"BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nBEGIN:VEVENT\r\nUID:1\r\nSEQUENCE:2\r\nDTSTART;VALUE=DATE:20261124\r\n\
          DURATION:P1DT2H\r\nRRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=9\r\nEXDATE:20261127T100000Z\r\n\
          ATTENDEE;PARTSTAT=DECLINED;CN=\"T\":mailto:t@x.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
            .to_vec(),
    );
    let words: [&[u8]; 16] = [
        b"\r\n",
        b"\r\n ",
        b"BEGIN:VEVENT\r\n",
        b"END:VEVENT\r\n",
        b"BEGIN:VTIMEZONE\r\nTZID:x\r\n",
        b"DTSTART:20261124T140000Z\r\n",
        b"DTSTART;TZID=\"W. Europe Standard Time\":99991231T235959\r\n",
        b"DTEND:00010101T000000\r\n",
        b"DURATION:-P999999999W\r\n",
        b"RECURRENCE-ID:20261124T140000Z\r\n",
        b"RRULE:FREQ=SECONDLY;INTERVAL=4294967296\r\n",
        b"BYSETPOS=-366;BYWEEKNO=53",
        b"SEQUENCE:18446744073709551616\r\n",
        b"\\n\\,\\;",
        b"\x1b]0;\xe2\x80\xae",
        b"ATTENDEE:mailto:a@b\r\n",
    ];
    fuzz(reading::calendar, &seeds, &words);
}

#[test]
fn any_text_from_outside() {
    let mut seeds = files("mails/hostile");
    seeds.push(
        "e\u{301}\u{301} \u{202e}👩\u{200d}👩 \u{feff}a\u{200b}b مريم 田中\ttab"
            .as_bytes()
            .to_vec(),
    );
    let words: [&[u8]; 8] = [
        b"\x1b[",
        b"\x9b",
        b"\t",
        b"\r\n",
        b"\xe2\x80\xae",
        b"\xcc\x81",
        b"\xef\xb8\x8f",
        b"\xf3\xa0\x81\x81",
    ];
    fuzz(reading::sanitiser, &seeds, &words);
}

#[test]
fn any_query() {
    let seeds = [
        "from:priya (deploy or \"build cluster\") -is:read after:2026-11-01 size:>1.5M",
        "list:ops to:all has:file is:unread or subject:東京",
        "((a or b) -(c -d))",
    ];
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|text| text.as_bytes().to_vec()).collect();
    let words: [&[u8]; 12] = [
        b"(",
        b")",
        b" or ",
        b"-",
        b"\"",
        b"is:",
        b"after:",
        b"size:<",
        b"list:",
        b":",
        b"\xe2\x80\xae",
        b"9999999999",
    ];
    fuzz(reading::query, &seeds, &words);
}

#[test]
fn any_attached_file() {
    let seeds: [&[u8]; 8] = [
        b"\x00BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1\nDTSTART;TZID=Europe/Berlin:20261124T140000\n\
          DURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO,-1FR;UNTIL=20271224\nEXDATE:20261201\nATTENDEE;CN=a:mailto:b\nEND:VEVENT\nEND:VCALENDAR\n",
        b"\x01BEGIN:VCARD\nVERSION:4.0\nFN:Priya\nTEL;TYPE=cell:+44\nBDAY:--0322\nADR:;;a;b;c;d;e\nEND:VCARD\n",
        b"\x02a,b,c\n1,\"2,\n3\",4\n",
        b"\x04{\"a\":[1,2,{\"b\":null}],\"c\":\"\\u001b\"}",
        b"\x05--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n",
        b"\x0612:00 ERROR \x1b[31mbad\n",
        b"\x08{\\rtf1\\ansi\\b bold\\b0 \\'e4\\u8364? \\par {\\*\\x hidden}}",
        b"\x0bFrom: a\nContent-Type: text/html\n\n<p>x",
    ];
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.to_vec()).collect();
    let words: [&[u8]; 14] = [
        b"\n",
        b"\r\n ",
        b";",
        b":",
        b",",
        b"\"",
        b"{",
        b"}",
        b"[",
        b"\\u",
        b"BEGIN:VEVENT\n",
        b"END:VEVENT\n",
        b"\xff\xfe",
        b"\x1b",
    ];
    fuzz(reading::inside, &seeds, &words);
}

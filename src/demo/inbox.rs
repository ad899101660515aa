//! The notices that are there when the demo begins, out of `assets/demo.mbox`.
//!
//! The asset is an mbox file that a person can read and change. Its times are relative, so that the
//! demo's mail is always as young as it was when it was written:
//!
//! | In the asset | Becomes |
//! | --- | --- |
//! | `X-Demo-Age: 3d 4h +0900` | the `Date:` of three days and four hours ago, in that zone |
//! | `@{+2d %-d %b}` | the day two days after that date, by `strftime` |
//! | `X-Demo-Unread: you tom` | nothing: for these it starts as unread |
//! | `X-Demo-Starred: you` | nothing: for these it starts with a star |
//! | `X-Demo-Withdrawn: 8d 21h` | nothing: it left the server so long ago, and only caches hold it |

use jiff::{
    Span, Timestamp, Zoned,
    fmt::{rfc2822, strtime},
    tz::{Offset, TimeZone},
};

use crate::demo::cast::Person;

/// The asset itself.
pub const ASSET: &str = include_str!("../../assets/demo.mbox");

/// A mail of the inbox, and who has done what with it before the demo begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    /// The envelope's sender, for the mbox file's From_ line.
    pub sender: String,
    /// When it was sent.
    pub sent: Timestamp,
    /// The mail itself, with line feeds for line ends.
    pub bytes: Vec<u8>,
    /// Who has not read it yet.
    pub unread: Vec<Person>,
    /// Who has starred it.
    pub starred: Vec<Person>,
    /// When it left the server, if it is there no more.
    pub withdrawn: Option<Timestamp>,
}

/// All mails of the asset as of `now`, the oldest first.
pub fn mails(now: Timestamp) -> Vec<Mail> {
    let mut mails: Vec<Mail> = split(ASSET)
        .map(|(sender, asset)| mail(sender, asset, now))
        .collect();
    mails.sort_by_key(|mail| mail.sent);
    mails
}

/// Cuts the asset at its From_ lines: the sender, and the lines that follow it.
fn split(asset: &str) -> impl Iterator<Item = (&str, &str)> {
    asset
        .strip_prefix("From ")
        .expect("the asset begins with a From_ line")
        .split("\n\nFrom ")
        .map(|part| {
            let (envelope, mail) = part
                .split_once('\n')
                .expect("a mail follows each From_ line");
            let sender = envelope.split(' ').next().unwrap_or_default();
            (sender, mail.trim_end_matches('\n'))
        })
}

fn mail(sender: &str, asset: &str, now: Timestamp) -> Mail {
    let (head, body) = asset
        .split_once("\n\n")
        .expect("an empty line ends each header");
    let sent = field(head, "X-Demo-Age")
        .map(|age| date(age, now))
        .expect("each notice says its age");
    let people = |name| {
        field(head, name)
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(Person::from_word)
            .collect()
    };
    let withdrawn = field(head, "X-Demo-Withdrawn").map(|age| before(&zoned(now, 0), age));

    let mut mail = String::with_capacity(asset.len() + 64);
    for line in head.lines() {
        if line.starts_with("X-Demo-Age:") {
            mail.push_str("Date: ");
            mail.push_str(&rfc2822::to_string(&sent).expect("a date of our days has an RFC form"));
        } else if line.starts_with("X-Demo-") {
            continue;
        } else {
            mail.push_str(line);
        }
        mail.push('\n');
    }
    for line in body.lines() {
        mail.push('\n');
        mail.push_str(unquoted(line));
    }
    mail.push('\n');

    Mail {
        sender: sender.to_owned(),
        sent: sent.timestamp(),
        bytes: dated(&mail, &sent).into_bytes(),
        unread: people("X-Demo-Unread"),
        starred: people("X-Demo-Starred"),
        withdrawn: withdrawn.map(|at| at.timestamp()),
    }
}

/// The value of a field of the asset's own; those are never folded.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}

/// The date of `age`, as `3d 4h +0900`.
fn date(age: &str, now: Timestamp) -> Zoned {
    let (age, offset) = age.rsplit_once(' ').expect("an age ends with a zone");
    let offset = strtime::parse("%z", offset)
        .ok()
        .and_then(|parsed| parsed.offset())
        .expect("a zone is written as +0900");
    before(&zoned(now, offset.seconds()), age)
}

fn zoned(now: Timestamp, seconds: i32) -> Zoned {
    let offset = Offset::from_seconds(seconds).expect("an offset is less than a day");
    now.to_zoned(TimeZone::fixed(offset))
}

fn before(now: &Zoned, age: &str) -> Zoned {
    now.checked_sub(span(age))
        .expect("an age reaches back a year or two")
}

fn span(text: &str) -> Span {
    text.parse()
        .expect("a length of time is written as `3d 4h`")
}

/// The mail with the days that it names: `@{+2d %-d %b}` counts from the day it was sent.
fn dated(mail: &str, sent: &Zoned) -> String {
    let mut parts = mail.split("@{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (day, rest) = part.split_once('}').expect("a day ends with a brace");
        let (distance, format) = day
            .split_once(' ')
            .expect("a day has a distance and a form");
        let day = sent
            .checked_add(span(distance))
            .expect("a day is a year or two away");
        filled.push_str(&day.strftime(format).to_string());
        filled.push_str(rest);
    }
    filled
}

/// A line as it was before mboxrd put a `>` before `From `.
fn unquoted(line: &str) -> &str {
    match line.strip_prefix('>') {
        Some(rest) if rest.trim_start_matches('>').starts_with("From ") => rest,
        Some(_) | None => line,
    }
}

//! What is to hold for any octets that a notice, a file in it, or a query is made of: no panic, no line
//! wider than it may be, nothing that steers a terminal. Beside `targets.rs`, and run as that is.

use jiff::{Timestamp, tz::TimeZone};
use tidings::{
    notice::{
        Line, Notice, TextForm,
        body::Options,
        files::{self, File, Way},
        headline::Digest,
        html,
        links::Links,
        shown::Shown,
        text,
    },
    store::search::Query,
};

const WIDTH: u16 = 40;

fn check(lines: &[Line]) {
    for line in lines {
        let drawn: String = line.runs.iter().map(|run| run.text.as_str()).collect();
        assert!(is_harmless(&drawn), "{drawn:?}");
        assert!(text::width(&drawn) <= usize::from(WIDTH), "{drawn:?}");
    }
}

fn is_harmless(drawn: &str) -> bool {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}'
                | '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{e0000}'..='\u{e007f}')
    };
    !drawn.contains(steers)
}

/// A whole mail: read, laid out, and each of its files opened.
pub fn notice(octets: &[u8]) {
    let zone = TimeZone::fixed(jiff::tz::offset(5));
    for form in [TextForm::Best, TextForm::Other] {
        let notice = Notice::parse_in(octets, form, Some(&zone));
        for folds_quotes in [false, true] {
            let options = Options {
                folds_quotes,
                ..Options::default()
            };
            check(&notice.lines(WIDTH, options));
        }
        assert!(is_harmless(&notice.subject));
        for file in &notice.files {
            assert!(files::bytes(octets, file.place).is_some());
            let way = Way::default().to(file.place).expect("one step");
            let (file, bytes) = way.file(octets).expect("it is there");
            if let Some(inside) = Notice::of_file(&file, &bytes, Some(&zone)) {
                check(&inside.lines(WIDTH, Options::default()));
            }
        }
        let _ = notice
            .compared_with(&Notice::default())
            .lines(WIDTH, Options::default());
    }
    let digest = Digest::of(octets, Timestamp::UNIX_EPOCH);
    assert!(is_harmless(&digest.headline.subject));
    let (list, list_id) = digest.headline.list_names();
    assert!(is_harmless(list) && is_harmless(list_id));
    assert!(digest.headline.preview.width() <= 120);
}

/// HTML by itself.
pub fn page(octets: &[u8]) {
    let page = html::page(&String::from_utf8_lossy(octets), &mut Links::default());
    let notice = Notice {
        blocks: page.blocks,
        ..Notice::default()
    };
    check(&notice.lines(WIDTH, Options::default()));
}

/// The one type of foreign text.
pub fn sanitiser(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let (line, kept) = (Shown::line(&text), Shown::text(&text));
    assert!(is_harmless(&line), "{line:?}");
    assert!(kept.lines().all(is_harmless), "{kept:?}");
    assert_eq!(Shown::line(&line), line, "what is harmless stays as it is");
    assert_eq!(Shown::text(&kept), kept);
    assert!(line.cut_to(20).width() <= 20);
    assert_eq!(Shown::bytes(octets), line);
}

/// A query as it is typed.
pub fn query(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    match Query::parse(&text, &TimeZone::UTC) {
        Ok(query) => {
            drop(query.words());
            // What is no mistake while one types may be one at the end, and nothing else.
            let finished = Query::finished(&text, &TimeZone::UTC);
            assert!(finished.is_err() || finished == Ok(query));
        }
        Err(error) => {
            let count = text.chars().count();
            assert!(
                error.column >= 1 && error.column <= count,
                "{error} of {count}"
            );
        }
    }
}

/// The headers of a mail, and of a mail within it, which is saved as it came.
pub fn headers(octets: &[u8]) {
    let own = [octets, b"\r\n\r\ntext\r\n"].concat();
    let notice = Notice::parse(&own);
    check(&notice.lines(WIDTH, Options::default()));
    assert!(is_harmless(&notice.subject) && is_harmless(&notice.message_id));
    let people = notice.from.iter().chain(&notice.to).chain(&notice.cc);
    assert!(
        people
            .map(|person| person.full())
            .all(|full| is_harmless(&full))
    );
    let now = Timestamp::UNIX_EPOCH;
    let words = notice
        .facts
        .iter()
        .map(|fact| fact.words(now, &TimeZone::UTC));
    assert!(words.into_iter().all(|words| is_harmless(&words)));
    let digest = Digest::of(&own, now);
    assert!(is_harmless(&digest.headline.from.name));

    let open = b"Content-Type: multipart/mixed; boundary=zzzz\r\n\r\n--zzzz\r\nContent-Type: message/rfc822\r\n\r\n";
    let outer = [&open[..], octets, b"\r\n--zzzz--\r\n"].concat();
    for file in Notice::parse(&outer).files {
        let bytes = files::bytes(&outer, file.place).expect("it is there");
        if file.place.part == 1 {
            assert!(memchr::memmem::find(&outer, &bytes).is_some());
            assert_eq!(file.size, bytes.len() as u64);
        }
    }
}

/// A calendar that is all of a mail, and one that takes the place of another.
pub fn calendar(octets: &[u8]) {
    let mail = [
        b"Content-Type: text/calendar; charset=utf-8\r\n\r\n",
        octets,
    ]
    .concat();
    let zone = TimeZone::fixed(jiff::tz::offset(5));
    let mut notice = Notice::parse_in(&mail, TextForm::Best, Some(&zone));
    check(&notice.lines(WIDTH, Options::default()));
    let mut earlier = mail.clone();
    let changed = earlier.len() - octets.len() / 2;
    earlier.drain(changed.min(earlier.len())..);
    notice.moved_from(&Notice::parse_in(&earlier, TextForm::Best, Some(&zone)));
    check(&notice.lines(WIDTH, Options::default()));
}

/// Each kind of file that is shown here.
pub fn inside(octets: &[u8]) {
    let (kind, bytes) = octets.split_first().unwrap_or((&0, &[]));
    let endings = [
        "ics", "vcf", "csv", "tsv", "json", "patch", "log", "html", "rtf", "md", "yaml", "eml",
    ];
    let ending = endings[usize::from(*kind) % endings.len()];
    let file = File {
        name: Shown::line(&format!("x.{ending}")),
        content_type: Shown::from_static("application/octet-stream"),
        size: 0,
        place: Default::default(),
        inline: false,
    };
    let notice = Notice::of_file(&file, bytes, Some(&TimeZone::UTC)).expect("it is shown");
    check(&notice.lines(WIDTH, Options::default()));
}

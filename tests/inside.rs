//! Attached files that are shown in the reader.

use tidings::notice::{Line, Notice, Style, body::Options, files::File, inside, shown::Shown};

fn file(name: &str, content_type: &str) -> File {
    File {
        name: Shown::line(name),
        content_type: Shown::line(content_type),
        size: 0,
        place: Default::default(),
        inline: false,
    }
}

fn lines(name: &str, content_type: &str, bytes: &[u8]) -> Vec<Line> {
    let notice = Notice::of_file(&file(name, content_type), bytes, None).expect("it is shown");
    notice.lines(80, Options::default())
}

fn shown(name: &str, bytes: &[u8]) -> String {
    let text = |line: &Line| {
        line.runs
            .iter()
            .map(|run| run.text.as_str())
            .collect::<String>()
    };
    lines(name, "application/octet-stream", bytes)
        .iter()
        .map(text)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The styles of the lines that have one that is not plain.
fn styles(name: &str, bytes: &[u8]) -> Vec<(String, Style)> {
    let lines = lines(name, "text/plain", bytes);
    let runs = lines.iter().flat_map(|line| &line.runs);
    let coloured = runs.filter(|run| !matches!(run.style, Style::Code | Style::Text));
    coloured
        .map(|run| (run.text.to_string(), run.style))
        .collect()
}

#[test]
fn values_between_commas_are_a_table() {
    let csv = b"\xef\xbb\xbfhost,window,owner\nbuild-01,\"22:00, sharp\",Priya\nbuild-02,,Tom\n";
    let german = b"Rechner;Preis\nbuild-01;1,50\nbuild-02;2,75\n";
    let tabs = b"host\towner\nbuild-01\tPriya\n";

    assert_eq!(
        shown("hosts.csv", csv),
        "host      window        owner\n--------  ------------  -----\nbuild-01  22:00, sharp  Priya\nbuild-02                Tom"
    );
    assert_eq!(
        shown("preise.csv", german),
        "Rechner   Preis\n--------  -----\nbuild-01  1,50\nbuild-02  2,75"
    );
    assert_eq!(
        shown("hosts.tsv", tabs),
        "host      owner\n--------  -----\nbuild-01  Priya"
    );
    // What is not what its name says is text all the same.
    assert_eq!(shown("no.csv", b"no table at all\n"), "no table at all");
}

#[test]
fn json_is_laid_out_in_its_own_order() {
    let json = br#"{"b":[1,2.5,{}],"a":"x\u001b[31m","empty":{},"t":true}"#;

    assert_eq!(
        shown("x.json", json),
        "{\n  \"b\": [\n    1,\n    2.5,\n    {}\n  ],\n  \"a\": \"x\\u001b[31m\",\n  \"empty\": {},\n  \"t\": true\n}"
    );
    assert_eq!(
        styles("x.json", json)[0],
        ("\"b\": ".to_owned(), Style::Key)
    );
    assert_eq!(shown("x.json", b"{ not json"), "{ not json");
    let deep = "[".repeat(100_000);
    assert!(
        shown("deep.json", deep.as_bytes()).starts_with("[["),
        "text all the same"
    );
}

#[test]
fn patches_and_logs_have_some_colour() {
    let patch = b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n same\n";
    let log = b"12:00 INFO fine\n12:01 WARN hm\n12:02 [error] bad\nno level: the error of my ways comes too late in this line for it to be one\n";

    let found: Vec<Style> = styles("x.patch", patch)
        .into_iter()
        .map(|(_, style)| style)
        .collect();
    assert_eq!(
        found,
        [
            Style::Muted,
            Style::Strong,
            Style::Strong,
            Style::Key,
            Style::Bad,
            Style::Good
        ]
    );
    let found = styles("x.log", log);
    assert_eq!(found[0], ("12:01 WARN hm".to_owned(), Style::Warn));
    assert_eq!(found[1], ("12:02 [error] bad".to_owned(), Style::Bad));
}

#[test]
fn a_card_says_who_somebody_is() {
    let card = b"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Natarajan;Priya;;;\r\nFN:Priya Natarajan\r\n\
        ORG:Team;Operations\r\nTEL;TYPE=CELL:+44 20 7946 0000\r\nEMAIL;TYPE=work:priya@team.example\r\n\
        ADR;TYPE=HOME:;;1 High Street;London;;N1;UK\r\nBDAY:1980-03-22\r\nPHOTO;ENCODING=b:AAAA\r\n\
        NOTE:Likes tea\\, black.\\nAnd biscuits.\r\nEND:VCARD\r\n";

    assert_eq!(
        shown("priya.vcf", card),
        "Name           Priya Natarajan\n\
         Organisation   Team, Operations\n\
         Phone, mobile  +44 20 7946 0000\n\
         Mail, work     priya@team.example\n\
         Address, home  1 High Street, London, N1, UK\n\
         Birthday       1980-03-22\n\
         Note           Likes tea, black. And biscuits."
    );
    assert_eq!(shown("no.vcf", b"no card\n"), "no card");
}

#[test]
fn a_text_is_read_in_the_charset_that_it_looks_like() {
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain("Grüße".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();

    assert_eq!(shown("a.txt", "Grüße".as_bytes()), "Grüße");
    assert_eq!(shown("a.txt", b"Gr\xfc\xdfe aus K\xf6ln"), "Grüße aus Köln");
    assert_eq!(shown("a.txt", &utf16), "Grüße");
}

#[test]
fn what_is_no_text_is_not_shown_and_what_is_long_is_cut() {
    for (name, content_type) in [
        ("x.pdf", "application/pdf"),
        ("x.png", "image/png"),
        ("x.svg", "image/svg+xml"),
        (
            "x.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        ("x", "application/octet-stream"),
    ] {
        assert!(!inside::is_shown(&file(name, content_type)), "{name}");
    }
    for (name, content_type) in [
        ("x.yaml", "application/octet-stream"),
        ("x", "text/x-anything"),
        ("x", "application/ld+json"),
        ("x.bin", "message/rfc822"),
        ("README.md", "application/octet-stream"),
    ] {
        assert!(inside::is_shown(&file(name, content_type)), "{name}");
    }
    let long = "a line\n".repeat(300_000);
    let notice =
        Notice::of_file(&file("x.log", "text/plain"), long.as_bytes(), None).expect("shown");
    assert!(
        notice.cuts[0].contains("Only the beginning of 2.0 MB is shown"),
        "{:?}",
        notice.cuts
    );
}

#[test]
fn no_file_steers_the_terminal() {
    let bytes = b"\x1b]0;gone\x07,\x1b[2J\n\x9b31m,\r\x08\xe2\x80\xae\n";
    for name in [
        "x.csv", "x.json", "x.patch", "x.log", "x.md", "x.yaml", "x.vcf", "x.ics", "x.html",
        "x.eml",
    ] {
        let shown = shown(name, bytes);
        assert!(
            !shown.contains(|c: char| c.is_control() && c != '\n'),
            "{name}: {shown:?}"
        );
        assert!(!shown.contains('\u{202e}'), "{name}: {shown:?}");
    }
}

//! Mails that are odd, huge, empty or hostile, all the way from the mailbox to what is printed.

use std::{fs, path::Path};

use crate::support::{
    office::Office,
    program::{Person, Ran},
    rogue::Rogue,
};

/// Somebody who has checked a server with these mails, as they stand.
fn checked(mails: Vec<Vec<u8>>) -> (Rogue, Person) {
    let count = mails.len();
    let rogue = Rogue::with(mails, |_| super::Turn::Usual);
    let person = Person::with_settings(&super::mailbox_of(&rogue));
    person.run(&["check"]).expect_quiet();
    assert_eq!(person.subjects().len(), count);
    (rogue, person)
}

fn first_id(person: &Person) -> String {
    person.run(&["list"]).expect(0).rows()[0][0].to_owned()
}

/// Everything that prints something of a notice.
fn all_that_is_said(person: &Person, id: &str) -> Vec<Ran> {
    [
        &["list"][..],
        &["list", "--json"],
        &["search", "is:unread"],
        &["log", "--dialogue"],
        &["show", id],
        &["show", id, "--json"],
        &["show", id, "--width", "20"],
        &["save", id],
        &["save", id, "--all"],
        &["mark", "unread", id],
        &["next"],
    ]
    .into_iter()
    .map(|arguments| person.run(arguments).expect(0))
    .collect()
}

/// Nothing in it steers a terminal: no control but line ends and the tabs of our own tables, no
/// overriding of directions, nothing invisible.
#[track_caller]
fn assert_harmless(ran: &Ran) {
    let is_harmful = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    if let Some(found) = ran
        .stdout
        .chars()
        .chain(ran.stderr.chars())
        .find(|c| is_harmful(*c))
    {
        panic!("{found:?} in {ran}");
    }
}

#[test]
fn a_mail_of_no_octets_is_a_notice() {
    let (_rogue, person) = checked(vec![Vec::new()]);

    let ran = person.run(&["show", &first_id(&person)]).expect_quiet();

    assert!(ran.stdout.starts_with("(no subject)\n"), "{ran}");
    for ran in all_that_is_said(&person, &first_id(&person)) {
        assert_harmless(&ran);
    }
}

#[test]
fn a_mail_without_headers_is_shown_as_text() {
    let (_rogue, person) = checked(vec![b"just some words\r\nand more of them\r\n".to_vec()]);

    let ran = person.run(&["show", &first_id(&person)]).expect_quiet();

    assert!(ran.stdout.contains("just some words"), "{ran}");
    assert!(ran.stdout.contains("and more of them"), "{ran}");
}

#[test]
fn a_mail_with_ten_thousand_headers_is_cut_and_said() {
    let mut mail = b"Subject: many\r\n".to_vec();
    for number in 0..10_000 {
        mail.extend_from_slice(format!("X-Header-{number}: value\r\n").as_bytes());
    }
    mail.extend_from_slice(b"\r\nThe text.\r\n");
    let (_rogue, person) = checked(vec![mail]);

    let ran = person.run(&["show", &first_id(&person)]).expect_quiet();

    assert!(ran.stdout.contains("The text."), "{ran}");
    assert!(
        ran.stdout.contains("more headers than a mail needs"),
        "{ran}"
    );
}

#[test]
fn a_mail_of_fifty_megabytes_is_kept_and_shown() {
    let line =
        "QSBsaW5lIG9mIGEgZmlsZSB0aGF0IGlzIGxhcmdlLCBhcyB0aGV5IGFyZSBub3csIGFsbCBvZiBpdC4K\r\n";
    let mut mail = b"Subject: huge\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the file.\r\n--b\r\n\
        Content-Type: application/octet-stream\r\n\
        Content-Disposition: attachment; filename=huge.bin\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n"
        .to_vec();
    while mail.len() < 49_990_000 {
        mail.extend_from_slice(line.as_bytes());
    }
    mail.extend_from_slice(b"--b--\r\n");
    let (_rogue, person) = checked(vec![mail]);

    let ran = person.run(&["show", &first_id(&person)]).expect_quiet();

    assert!(ran.stdout.contains("See the file."), "{ran}");
    assert!(ran.stdout.contains("huge.bin"), "{ran}");
}

#[test]
fn a_mail_that_is_too_large_has_a_headline_and_says_so() {
    let mut mail = b"Subject: too large\r\n\r\n".to_vec();
    mail.extend_from_slice("A line.\r\n".repeat(200_000).as_bytes());
    let rogue = Rogue::with(vec![mail], |_| super::Turn::Usual);
    let settings = format!("largest_message = \"1MB\"\n{}", super::mailbox_of(&rogue));
    let person = Person::with_settings(&settings);

    let ran = person.run(&["check"]).expect(0);

    assert!(
        ran.stderr
            .contains("is too large: its headers alone are kept"),
        "{ran}"
    );
    assert_eq!(person.subjects(), ["too large"]);
    assert!(!rogue.heard().iter().any(|said| said.starts_with("RETR")));
}

/// One mail with what steers terminals in every field that is shown anywhere.
const HOSTILE: &[u8] = b"From: \"\x1b]0;owned\x07Eve\x9b2J\" <eve\x1b[31m@evil.test>\r\n\
    To: \x1b[8mnotices@team.example\r\n\
    Cc: =?utf-8?B?G1syShtdMDtvd25lZAc=?= <cc@evil.test>\r\n\
    Date: \x1b[2JMon, 23 Nov 2020 12:10:00 +0000\r\n\
    Subject: =?utf-8?Q?=1B]52;c;ZXZpbA=3D=3D=07hello=1B[2J=0D=0Ainjected=E2=80=AEtxt=E2=81=A6?=\r\n\
    Message-ID: <\x1b[2J@evil.test>\r\n\
    X-Priority: 1\x1b[2J\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=\"b\"\r\n\
    \r\n\
    --b\r\n\
    Content-Type: text/plain; charset=\"utf-8\x1b[2J\"\r\n\
    \r\n\
    text \x1b[2J\x1b]8;;http://evil.test/\x1b\\link\x1b]8;;\x1b\\ \x9b31m \x00 \x08\x7f \xe2\x80\xae \xef\xbb\xbf\r\n\
    --b\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    \r\n\
    <title>&#27;]0;owned&#7;</title><a href=\"https://evil.test/&#27;[2J\">&#x1b;[2Jteam&#x202e;</a>\r\n\
    --b\r\n\
    Content-Type: text/calendar; charset=utf-8\r\n\
    \r\n\
    BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:\x1b[2Jparty\x07\r\nLOCATION:\x1b]0;x\x07\r\n\
    DTSTART:20201123T120000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n\
    --b\r\n\
    Content-Type: application/\x1b[2J; name=\"\x1b[2J../../evil\x07.sh\"\r\n\
    Content-Disposition: attachment; filename=\"\x1b]0;owned\x07../../../evil\xe2\x80\xaefdp.sh\"\r\n\
    \r\n\
    #!/bin/sh\r\n\
    --b--\r\n";

#[test]
fn escape_sequences_in_every_field_reach_no_output() {
    let (_rogue, person) = checked(vec![HOSTILE.to_vec()]);
    let id = first_id(&person);

    for ran in all_that_is_said(&person, &id) {
        assert_harmless(&ran);
    }

    for name in person.files("downloads") {
        assert!(
            !name.contains(|c: char| c.is_control() || c == '/'),
            "{name:?}"
        );
    }
    assert_eq!(
        person.files("."),
        ["data", "downloads", "home", "run", "tidings.toml", "tmp"]
    );
}

#[test]
fn the_headline_of_a_hostile_mail_is_one_line() {
    let (_rogue, person) = checked(vec![HOSTILE.to_vec()]);

    let ran = person.run(&["list"]).expect_quiet();

    assert_eq!(ran.rows().len(), 1, "{ran}");
    assert_eq!(ran.rows()[0].len(), 6, "{ran}");
}

#[test]
fn every_mail_of_the_collection_goes_all_the_way_and_none_steers_the_terminal() {
    let office = Office::empty();
    let mut paths = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails"),
        &mut paths,
    );
    for path in &paths {
        office.scratch.deliver(&fs::read(path).expect("a mail"));
    }
    let person = Person::reading(office.address());

    let check = person.run(&["check"]).expect(0);

    assert_harmless(&check);
    let listed = person.run(&["list"]).expect_quiet();
    assert_eq!(listed.rows().len(), paths.len());
    assert_harmless(&listed);
    for row in listed.rows() {
        assert_eq!(row.len(), 6, "{row:?}");
        let shown = person.run(&["show", row[0]]).expect_quiet();
        assert_harmless(&shown);
    }
    assert_harmless(&person.run(&["list", "--json"]).expect_quiet());
}

fn collect(folder: &Path, paths: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "eml") {
            paths.push(path);
        }
    }
}

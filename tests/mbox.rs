//! The mbox format: files as other programs leave them, bytes to messages and back.

use bytes::BytesMut;
use proptest::prelude::*;
use tidings::server::mbox::{self, Entry, Excerpt};

use crate::support::scratch::moment;

fn text(file: &[u8], entry: &Entry) -> Vec<u8> {
    let mut text = Vec::new();
    let stored = &file[entry.body as usize..entry.end as usize];
    Excerpt::whole().push(stored, |part| text.extend_from_slice(part));
    text
}

pub(crate) fn texts(file: &[u8]) -> Vec<String> {
    mbox::split(file)
        .iter()
        .map(|entry| String::from_utf8_lossy(&text(file, entry)).into_owned())
        .collect()
}

#[test]
fn a_message_ends_before_the_empty_line_that_separates_it() {
    let file = b"From a@b Mon Nov 23 08:00:00 2026\nA: 1\n\nbody\n\nFrom c@d Mon Nov 23 09:00:00 2026\nB: 2\n\n";

    assert_eq!(texts(file), ["A: 1\n\nbody\n", "B: 2\n"]);
}

#[test]
fn a_message_of_no_octets_is_one() {
    let file = b"From a@b Mon Nov 23 08:00:00 2026\n\nFrom c@d Mon Nov 23 09:00:00 2026\n\n";

    assert_eq!(texts(file), ["", ""]);
}

#[test]
fn the_mailboxs_own_line_ends_do_not_matter() {
    let file = b"From a@b Mon Nov 23 08:00:00 2026\r\nA: 1\r\n\r\nbody\r\n\r\nFrom c@d Mon Nov 23 09:00:00 2026\r\nB: 2\r\n\r\n";

    let entries = mbox::split(file);

    assert_eq!(texts(file), ["A: 1\r\n\r\nbody\r\n", "B: 2\r\n"]);
    assert_eq!(entries[0].octets, 14);
    assert_eq!(entries[1].octets, 6);
}

#[test]
fn a_missing_first_from_line_loses_no_message() {
    let file = b"\nA: 1\n\nbody\n\nFrom c@d Mon Nov 23 09:00:00 2026\nB: 2\n\n";

    assert_eq!(texts(file), ["A: 1\n\nbody\n", "B: 2\n"]);
}

#[test]
fn a_missing_last_line_end_is_counted_as_it_will_be_sent() {
    let file = b"From a@b Mon Nov 23 08:00:00 2026\nA: 1\n\nbody";

    let entries = mbox::split(file);

    assert_eq!(texts(file), ["A: 1\n\nbody"]);
    assert_eq!(entries[0].octets, 14);
}

#[test]
fn a_paragraph_that_begins_with_from_is_no_message() {
    let file = b"From a@b Mon Nov 23 08:00:00 2026\nA: 1\n\nHello.\n\nFrom here on we meet at ten.\n\nFrom Monday Nov 23 too.\n";

    assert_eq!(mbox::split(file).len(), 1);
}

#[test]
fn a_from_line_that_follows_no_empty_line_is_text() {
    let file =
        b"From a@b Mon Nov 23 08:00:00 2026\nA: 1\n\nHello.\nFrom c@d Mon Nov 23 09:00:00 2026\n";

    assert_eq!(mbox::split(file).len(), 1);
}

#[test]
fn dates_of_other_programs_are_dates() {
    for line in [
        "From - Mon Nov 23 08:00:00 2026",
        "From a@b Mon Nov  3 08:00 2026",
        "From a@b Mon Nov 23 08:00:00 +0100 2026",
        "From a@b Mon Nov 23 08:00:00 CET 2026",
        "From \"a b\"@c Mon Nov 23 08:00:00 2026 remote from d",
        "From a@b Mon, 23 Nov 2026 08:00:00 +0100",
    ] {
        let file = format!("From x@y Mon Nov 23 07:00:00 2026\nA: 1\n\n{line}\nB: 2\n\n");

        assert_eq!(mbox::split(file.as_bytes()).len(), 2, "{line}");
    }
}

#[test]
fn content_length_is_not_believed() {
    let file = b"From a@b Mon Nov 23 08:00:00 2026\nContent-Length: 500\n\nbody\n\nFrom c@d Mon Nov 23 09:00:00 2026\nB: 2\n\n";

    assert_eq!(mbox::split(file).len(), 2);
}

#[test]
fn the_message_that_imap_servers_keep_is_not_listed() {
    let file = b"From MAILER-DAEMON Mon Nov 23 08:00:00 2026\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\nThis text is part of the internal format.\n\nFrom c@d Mon Nov 23 09:00:00 2026\nB: 2\n\n";

    assert_eq!(texts(file), ["B: 2\n"]);
}

#[test]
fn a_mail_cannot_hide_as_a_message_of_an_imap_server() {
    let file = b"From a@b Mon Nov 23 08:00:00 2026\nReturn-Path: <a@b>\nX-IMAP: 1 2\nSubject: FOLDER INTERNAL DATA\n\n";

    assert_eq!(mbox::split(file).len(), 1);
}

#[test]
fn quoting_is_taken_away_by_one() {
    let file =
        b"From a@b Mon Nov 23 08:00:00 2026\nA: 1\n\n>From x\n>>From y\n> From z\n>Fromage\n\n";

    assert_eq!(
        texts(file),
        ["A: 1\n\nFrom x\n>From y\n> From z\n>Fromage\n"]
    );
}

#[test]
fn a_line_of_a_megabyte_is_read_in_pieces() {
    let mut file = b"From a@b Mon Nov 23 08:00:00 2026\nA: 1\n\n".to_vec();
    file.extend(std::iter::repeat_n(b'x', 1_000_000));
    file.extend(b"\n\nFrom c@d Mon Nov 23 09:00:00 2026\nB: 2\n\n");

    let entries = mbox::split(&file);

    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].octets, 4 + 2 + 2 + 1_000_000 + 2);
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(mails in prop::collection::vec(mail(), 0..6)) {
        let mut file = Vec::new();
        for mail in &mails {
            mbox::write(mail, "a@b", moment(), &mut file);
        }

        let entries = mbox::split(&file);

        prop_assert_eq!(entries.len(), mails.len());
        for (entry, mail) in entries.iter().zip(&mails) {
            let read = text(&file, entry);
            prop_assert_eq!(&read, &with_lf(mail));
            prop_assert_eq!(entry.octets, tidings::pop3::multiline::octets(&read));
        }
    }

    #[test]
    fn a_file_in_pieces_is_read_as_the_whole(
        file in junk(),
        cuts in prop::collection::vec(1usize..40, 1..20),
    ) {
        let whole = mbox::split(&file);

        let mut found = Vec::new();
        let mut scanner = mbox::scanner::Scanner::at(0);
        let mut buffer = Vec::new();
        let mut rest = &file[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, others) = rest.split_at(rest.len().min(*cut));
            rest = others;
            buffer.extend_from_slice(piece);
            let taken = scanner.feed(&buffer, &mut found);
            buffer.drain(..taken);
        }
        scanner.finish(&buffer, &mut found);

        prop_assert_eq!(found, whole);
    }

    #[test]
    fn no_octet_of_a_file_is_in_two_messages(file in junk()) {
        let entries = mbox::split(&file);

        let mut from = 0;
        for entry in &entries {
            prop_assert!(from <= entry.start);
            prop_assert!(entry.start <= entry.body && entry.body <= entry.end);
            from = entry.end;
        }
        prop_assert!(from <= file.len() as u64);
    }

    #[test]
    fn sizes_are_what_is_sent(file in junk()) {
        for entry in mbox::split(&file) {
            let mut sent = BytesMut::new();
            tidings::pop3::multiline::stuff(&text(&file, &entry), &mut sent);
            let lines = sent.strip_suffix(b".\r\n").expect("the lone dot");
            let mut unstuffed = 0;
            for line in lines.split_inclusive(|&b| b == b'\n') {
                unstuffed += line.len() - usize::from(line[0] == b'.');
            }
            prop_assert_eq!(unstuffed as u64, entry.octets);
        }
    }
}

fn mail() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just(b"From a@b Mon Nov 23 08:00:00 2026".to_vec()),
        Just(b">From here".to_vec()),
        Just(b"From here".to_vec()),
        Just(b".".to_vec()),
        Just(b"".to_vec()),
        Just(b"Subject: x".to_vec()),
        prop::collection::vec(
            any::<u8>().prop_filter("no line end", |b| !b"\r\n".contains(b)),
            0..30
        ),
    ];
    (prop::collection::vec((line, any::<bool>()), 1..10),).prop_map(|(lines,)| {
        let mut mail = b"Received: by us\n".to_vec();
        for (line, crlf) in lines {
            mail.extend(line);
            mail.extend_from_slice(if crlf { b"\r\n" } else { b"\n" });
        }
        mail
    })
}

fn with_lf(mail: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for line in mail.split_inclusive(|&b| b == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        text.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        text.push(b'\n');
    }
    text
}

fn junk() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"From a@b Mon Nov 23 08:00:00 2026\n".to_vec()),
        Just(b"From a@b Mon Nov 23 08:00:00 2026\r\n".to_vec()),
        Just(b"From".to_vec()),
        Just(b">From \n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b".\n".to_vec()),
        Just(b"text\n".to_vec()),
        Just(b"X-IMAP: 1\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

#[test]
fn a_last_line_without_an_end_is_counted_with_one_however_long_it_is() {
    for length in [65_535, 65_536, 65_537, 70_000, 131_072] {
        let mut file = b"From a@b Mon Nov 23 10:00:00 2026\nS: 1\n\n".to_vec();
        file.extend_from_slice("x".repeat(length).as_bytes());

        let entries = mbox::split(&file);

        let octets = "S: 1\r\n\r\n".len() + length + "\r\n".len();
        assert_eq!(entries[0].octets, octets as u64);
    }
}

/// A mailbox of one message, with these lines added to its header.
fn noted(lines: &str) -> Vec<u8> {
    format!("From a@b Mon Nov 23 08:00:00 2026\nSubject: 1\n{lines}Message-ID: <1@b>\n\nStatus: all well\n\n")
        .into_bytes()
}

#[test]
fn a_message_stays_the_same_one_when_a_mail_program_notes_that_it_was_read() {
    let digest = |file: &[u8]| mbox::split(file)[0].digest;
    let before = noted("");

    for lines in [
        "Status: RO\n",
        "status: O\r\n",
        "X-Status: A\nX-Keywords:\n \tseen\n  \tby all\n",
        "Content-Length: 17\nLines: 1\nStatus: RO\n",
        "X-UID: 7\nX-IMAPbase: 1 2\n",
    ] {
        let after = noted(lines);

        assert_eq!(digest(&after), digest(&before), "{lines}");
        // It is sent as it is.
        assert_eq!(
            texts(&after)[0].len(),
            texts(&before)[0].len() + lines.len()
        );
    }
    for lines in [
        "Statuses: RO\n",
        "X-Mailer: x\n",
        "X-Uid\n",
        "X: 1\n Status: RO\n",
    ] {
        assert_ne!(digest(&noted(lines)), digest(&before), "{lines}");
    }
    // Whoever appends next adds the missing line end.
    let unended = b"From a@b Mon Nov 23 08:00:00 2026\nSubject: 1\nStatus: RO";
    assert_eq!(digest(unended), digest(&[&unended[..], b"\n"].concat()));
    let mut other = before.clone();
    let at = other.len() - "all well\n\n".len();
    other[at] = b'A';
    assert_ne!(digest(&other), digest(&before), "in the text it is text");
}

#[test]
fn a_message_knows_where_its_text_starts() {
    for (message, header) in [
        ("A: 1\n\ntext\n", "A: 1\n\n"),
        ("A: 1\r\n\r\ntext\r\n\r\nmore", "A: 1\r\n\r\n"),
        ("A: 1\n\n\n", "A: 1\n\n"),
        ("A: 1\n", "A: 1\n"),
        ("\ntext\n", "\n"),
    ] {
        let file = format!("From a@b Mon Nov 23 08:00:00 2026\n{message}\n");
        let entry = mbox::split(file.as_bytes())[0];

        assert_eq!(
            &file[entry.body as usize..entry.text as usize],
            header,
            "{message:?}"
        );
    }
}

//! The index beside a mailbox: a cache, never believed over the file.

use std::{fs, path::PathBuf};

use proptest::prelude::*;
use tidings::{
    pop3::listing::MessageNumber,
    server::{
        file::Stamp,
        index::saved::Saved,
        mbox::{self, Entry},
        reader::{Direction, Error, Window},
        spool::{Opened, Spool},
    },
};

use crate::support::scratch::{Scratch, moment};

const ANNA: &[u8] = b"From: Anna <anna@team.example>\nSubject: Fire drill\n\nThursday at eleven.\n";
const TOM: &[u8] = b"From: Tom <tom@team.example>\nSubject: Lunch\n\nSoup.\n";

fn ids(opened: &Opened) -> Vec<String> {
    let count = opened.maildrop.drop_listing().messages;
    (1..=count)
        .map(|n| {
            let number = MessageNumber::new(n).expect("a number");
            let message = opened.maildrop.message(number).expect("a message");
            message.unique_id().to_string()
        })
        .collect()
}

fn index(scratch: &Scratch) -> PathBuf {
    scratch.folder.path().join(".notices.index")
}

/// What another run of the server finds.
fn restarted(scratch: &Scratch) -> (Spool, Opened) {
    let spool = Spool::open(scratch.folder.path()).expect("a spool");
    let opened = spool.open_maildrop(&scratch.account()).expect("a maildrop");
    (spool, opened)
}

/// Two mails, the same one twice among three, with an index kept.
fn kept() -> (Scratch, Vec<String>) {
    let mut file = Vec::new();
    for mail in [ANNA, TOM, ANNA] {
        mbox::write(mail, "a@b", moment(), &mut file);
    }
    let scratch = Scratch::with_mbox(&file);
    let ids = ids(&scratch.open());
    scratch.spool.keep_indexes();
    assert!(index(&scratch).exists());
    (scratch, ids)
}

#[test]
fn what_was_kept_is_taken_over_and_unique_ids_stay() {
    let (scratch, before) = kept();

    let (_, opened) = restarted(&scratch);
    assert_eq!(ids(&opened), before);

    let mut more = fs::read(scratch.mailbox()).expect("the mailbox");
    mbox::write(ANNA, "a@b", moment(), &mut more);
    fs::write(scratch.mailbox(), more).expect("a write");
    let (spool, opened) = restarted(&scratch);
    let now = ids(&opened);
    assert_eq!(now[..3], before);
    assert_eq!(now[3], format!("{}.3", before[0]));
    spool.keep_indexes();
    assert_eq!(ids(&restarted(&scratch).1), now);
}

#[test]
fn an_index_that_is_no_good_is_thrown_away() {
    let (scratch, before) = kept();
    let good = fs::read(index(&scratch)).expect("the index");
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    let mut another_version = good.clone();
    another_version[15] = b'9';

    for bytes in [
        &good[..good.len() - 1],
        &flipped,
        &another_version,
        b"",
        b"an index",
    ] {
        fs::write(index(&scratch), bytes).expect("a write");
        assert_eq!(ids(&restarted(&scratch).1), before);
    }
}

#[test]
fn an_index_of_another_file_is_thrown_away() {
    let (scratch, before) = kept();
    let mailbox = fs::read(scratch.mailbox()).expect("the mailbox");

    // The same length and the same octets but one, in a file of another inode.
    let mut other = mailbox.clone();
    let at = memchr::memmem::find(&other, b"Soup").expect("the soup");
    other[at] = b'L';
    fs::remove_file(scratch.mailbox()).expect("a removal");
    fs::write(scratch.mailbox(), &other).expect("a write");

    let now = ids(&restarted(&scratch).1);
    assert_eq!([&now[0], &now[2]], [&before[0], &before[2]]);
    assert_ne!(now[1], before[1]);
}

#[test]
fn a_file_that_was_rewritten_in_place_and_has_grown_gives_no_wrong_message() {
    let scratch = Scratch::new();
    let filler = format!("Subject: filler\n\n{}\n", "x".repeat(9000));
    for mail in [filler.as_bytes(), ANNA, TOM, filler.as_bytes()] {
        scratch.deliver(mail);
    }
    let early = scratch.open();
    let before = ids(&early);
    // Between its ends, which an index looks at, the octets of two messages change places.
    let text = fs::read(scratch.mailbox()).expect("the mailbox");
    let begin = |subject: &[u8]| memchr::memmem::find(&text, subject).expect("a mail");
    let (anna, tom) = (begin(b"From: Anna"), begin(b"From: Tom"));
    let from_line = text[..tom]
        .iter()
        .rposition(|&octet| octet == b'\n')
        .expect("a line");
    let from_line = text[..from_line]
        .iter()
        .rposition(|&octet| octet == b'\n')
        .expect("a line")
        + 1;
    let mut swapped = text.clone();
    swapped[anna..from_line].fill(b'x');
    swapped.extend_from_slice(b"From a@b Mon Nov 23 10:00:00 2026\nSubject: grown\n\n\n");
    fs::write(scratch.mailbox(), swapped).expect("a write");

    let now = scratch.open();

    let reader = now.reader.as_ref().expect("a reader");
    for n in 1..=now.maildrop.drop_listing().messages {
        let message = now
            .maildrop
            .message(MessageNumber::new(n).expect("a number"));
        let message = message.expect("a message");
        let read = reader.first(message, Direction::Neither, Window::default());
        // Either what is there now, or nothing.
        assert!(matches!(read, Ok(_) | Err(Error::Changed)), "{n}");
    }
    assert_ne!(ids(&now).last(), before.last(), "the new one is there");
}

proptest! {
    #[test]
    fn an_index_is_read_as_it_was_kept(
        lengths in proptest::collection::vec((0u64..99, 0u64..99, 0u64..99, any::<[u8; 16]>()), 0..20),
        inode in any::<(u64, u64)>(),
        changed in any::<(i64, i64)>(),
        ends in any::<[u8; 32]>(),
    ) {
        let mut offset = 0;
        let entries: Vec<Entry> = lengths
            .into_iter()
            .map(|(gap, head, body, digest)| {
                let start = offset + gap;
                offset = start + head + body;
                let body_at = start + head;
                Entry { start, body: body_at, text: body_at + body / 2, end: offset, octets: body, digest }
            })
            .collect();
        let stamp = Stamp { inode, length: offset + 2, modified: changed, changed };
        let saved = Saved { stamp, ends, entries };

        prop_assert_eq!(Saved::from_bytes(&saved.to_bytes()), Some(saved));
    }

    #[test]
    fn no_octets_are_taken_for_an_index_by_mistake(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(Saved::from_bytes(&bytes), None);
    }
}

#[test]
fn a_removal_reads_the_file_whatever_an_index_says() {
    let mut file = Vec::new();
    for number in 0..100 {
        let mail = format!("Subject: {number}\n\n{}\n", "x".repeat(200));
        mbox::write(mail.as_bytes(), "a@b", moment(), &mut file);
    }
    let scratch = Scratch::with_mbox(&file);
    scratch.open();
    scratch.spool.keep_indexes();
    // Two messages share their room otherwise than before, and one has come: no sample tells.
    let text = String::from_utf8(file).expect("text");
    let (fifth, sixth) = (text.find("Subject: 5\n"), text.find("Subject: 6\n"));
    let (fifth, sixth) = (fifth.expect("it"), sixth.expect("it"));
    let mut moved = text.clone();
    moved.replace_range(sixth + 20..sixth + 40, "");
    moved.insert_str(fifth + 20, &"y".repeat(20));
    moved.push_str("From a@b Mon Nov 23 10:00:00 2026\nSubject: new\n\n\n");
    fs::write(scratch.mailbox(), &moved).expect("a write");
    let (spool, opened) = restarted(&scratch);
    let first = opened
        .maildrop
        .message(MessageNumber::new(1).expect("a number"));
    let first = [first.expect("a message").identity()].into();

    spool.remove(&scratch.account(), &first).expect("a removal");

    let left = fs::read_to_string(scratch.mailbox()).expect("the mailbox");
    assert!(moved.ends_with(&left), "exactly the first is gone");
    assert_eq!(left.matches("\nSubject: ").count(), 100);
}

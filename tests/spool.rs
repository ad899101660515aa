//! The spool: mbox files as they are written, read, grown, rewritten and left by others.

use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use proptest::prelude::*;
use rustix::fs::{FlockOperation, fcntl_lock};
use secrecy::SecretString;
use tidings::{
    pop3::{listing::MessageNumber, multiline::Stuffer},
    server::{
        accounts::{
            account::{self, Delete, Sessions},
            error,
            file::Change,
            passwords::Hardness,
        },
        maildrop::{Identity, Maildrop, Message},
        mbox::{self, Excerpt},
        reader::{self, Direction, Window},
        spool::{self, Opened, Spool},
    },
};

use crate::{
    mbox::texts,
    support::scratch::{PASSWORD, Scratch, moment},
};

const ANNA: &[u8] = b"From: Anna <anna@team.example>\nSubject: Fire drill\n\nThursday at eleven.\n";
const TOM: &[u8] = b"From: Tom <tom@team.example>\nSubject: Lunch\n\nSoup.\n";

fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).expect("a number")
}

fn unique_ids(maildrop: &Maildrop) -> Vec<String> {
    (1..)
        .map_while(|n| maildrop.message(number(n)).ok())
        .map(|message| message.unique_id().to_string())
        .collect()
}

fn message(opened: &Opened, n: u32) -> Message {
    opened
        .maildrop
        .message(number(n))
        .expect("a message")
        .clone()
}

fn read(opened: &Opened, n: u32) -> Result<Vec<u8>, reader::Error> {
    let message = message(opened, n);
    let reader = opened.reader.as_ref().expect("a file");
    let window = reader.first(&message, Direction::Neither, Window::default())?;
    let stored = window
        .slice(message.entry.body, message.entry.end)
        .expect("a small message");
    let mut text = Vec::new();
    Excerpt::whole().push(stored, |part| text.extend_from_slice(part));
    Ok(text)
}

fn identities(opened: &Opened, numbers: &[u32]) -> std::collections::BTreeSet<Identity> {
    numbers
        .iter()
        .map(|&n| message(opened, n).identity())
        .collect()
}

// Delivering and opening.

#[test]
fn a_delivered_mail_is_in_the_next_maildrop() {
    let scratch = Scratch::new();

    scratch
        .spool
        .deliver("notices", ANNA, Some("anna@team.example"), moment())
        .expect("a delivery");

    let opened = scratch.open();
    let mut expected = b"Return-Path: <anna@team.example>\n".to_vec();
    expected.extend_from_slice(ANNA);
    assert_eq!(read(&opened, 1).expect("the mail"), expected);
    assert!(
        scratch
            .octets()
            .starts_with(b"From anna@team.example Mon Nov 23 10:00:00 2026\nReturn-Path:")
    );
}

#[test]
fn an_open_maildrop_does_not_see_what_is_delivered() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    let before = scratch.open();

    scratch.deliver(TOM);

    let after = scratch.open();
    assert_eq!(unique_ids(&before.maildrop).len(), 1);
    assert_eq!(unique_ids(&after.maildrop).len(), 2);
    assert_eq!(read(&before, 1).expect("the mail"), ANNA);
    assert_eq!(read(&after, 2).expect("the mail"), TOM);
}

#[test]
fn unique_ids_stay_over_deliveries_and_restarts() {
    let scratch = Scratch::with_mbox(b"From a@b Mon Nov 23 08:00:00 2026\nA: 1\n\nno line end");
    let first = unique_ids(&scratch.open().maildrop);
    scratch.deliver(TOM);
    let grown = unique_ids(&scratch.open().maildrop);

    let again = Spool::open(scratch.folder.path()).expect("a spool");
    let restarted = again.open_maildrop(&scratch.account()).expect("a maildrop");

    assert_eq!(grown[0], first[0]);
    assert_eq!(unique_ids(&restarted.maildrop), grown);
}

#[test]
fn two_equal_mails_have_two_unique_ids() {
    let mut file = Vec::new();
    mbox::write(ANNA, "anna@team.example", moment(), &mut file);
    let scratch = Scratch::with_mbox(&file.repeat(2));

    let ids = unique_ids(&scratch.open().maildrop);

    assert_eq!(ids[1], format!("{}.2", ids[0]));
}

#[test]
fn the_unique_id_of_a_mail_that_went_is_not_that_of_an_equal_one() {
    let scratch = Scratch::new();
    for _ in 0..3 {
        scratch.deliver(ANNA);
    }
    let opened = scratch.open();
    let ids = unique_ids(&opened.maildrop);

    scratch
        .spool
        .remove(&scratch.account(), &identities(&opened, &[1]))
        .expect("a removal");

    assert_eq!(unique_ids(&scratch.open().maildrop), ids[1..]);
}

#[test]
fn appending_never_changes_what_was_there() {
    for before in [
        &b"From a@b Mon Nov 23 08:00:00 2026\nA: 1\n\nbody\n\n"[..],
        b"From a@b Mon Nov 23 08:00:00 2026\nA: 1\n\nbody\n",
        b"From a@b Mon Nov 23 08:00:00 2026\nA: 1\n\nbody",
        b"From a@b Mon Nov 23 08:00:00 2026\r\nA: 1\r\n\r\nbody\r\n\r\n",
        b"From a@b Mon Nov 23 08:00:00 2026\r\nA: 1\r\n\r\nbody\r",
        b"\0\0\0",
        b"\n",
    ] {
        let scratch = Scratch::with_mbox(before);
        let known = texts(before);

        scratch.deliver(TOM);

        let after = scratch.octets();
        assert!(after.starts_with(before), "{before:?}");
        assert_eq!(texts(&after).len(), known.len() + 1, "{before:?}");
    }
}

#[test]
fn a_truncated_tail_loses_only_what_was_cut() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    scratch.deliver(TOM);
    let whole = scratch.octets();
    let ids = unique_ids(&scratch.open().maildrop);
    std::fs::write(scratch.mailbox(), &whole[..whole.len() - 8]).expect("a write");

    scratch.deliver(ANNA);

    let after = unique_ids(&scratch.open().maildrop);
    assert_eq!(after.len(), 3);
    assert_eq!(after[0], ids[0]);
}

#[test]
fn another_program_may_append_while_sessions_are_open() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    let before = scratch.open();
    let ids = unique_ids(&before.maildrop);

    let mut file = OpenOptions::new()
        .append(true)
        .open(scratch.mailbox())
        .expect("the mailbox");
    file.write_all(b"From c@d Mon Nov 23 09:00:00 2026\nB: 2\n\n")
        .expect("a write");

    let after = scratch.open();
    assert_eq!(unique_ids(&after.maildrop)[0], ids[0]);
    assert_eq!(read(&after, 2).expect("the mail"), b"B: 2\n");
    assert_eq!(read(&before, 1).expect("the mail"), ANNA);
}

#[test]
fn a_mailbox_that_another_program_rewrote_is_read_anew() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    scratch.deliver(TOM);
    let before = scratch.open();

    // As mutt does it: the same file, other octets.
    std::fs::write(
        scratch.mailbox(),
        b"From c@d Mon Nov 23 09:00:00 2026\nB: 2\n\n",
    )
    .expect("a write");

    let after = scratch.open();
    assert_eq!(unique_ids(&after.maildrop).len(), 1);
    assert_eq!(read(&after, 1).expect("the mail"), b"B: 2\n");
    assert!(
        matches!(read(&before, 1), Err(reader::Error::Changed)),
        "what was listed is never answered with something else"
    );
}

#[test]
fn no_mailbox_file_is_an_empty_maildrop() {
    let scratch = Scratch::new();

    let opened = scratch.open();

    assert_eq!(opened.maildrop.drop_listing().messages, 0);
    assert!(!scratch.mailbox().exists());
}

#[test]
fn many_writers_at_once_lose_nothing() {
    const WRITERS: usize = 4;
    const MAILS: usize = 25;
    let scratch = Scratch::new();
    // Spools of their own, as other processes have them.
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let spool = Spool::open(scratch.folder.path()).expect("a spool");
            thread::spawn(move || {
                for mail in 0..MAILS {
                    let text = format!("Subject: {writer}.{mail}\n\nFrom us.\n");
                    spool
                        .deliver("notices", text.as_bytes(), None, moment())
                        .expect("a delivery");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().expect("a writer");
    }

    let opened = scratch.open();

    let mut ids = unique_ids(&opened.maildrop);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), WRITERS * MAILS);
}

#[test]
fn an_unknown_account_gets_no_mail() {
    let scratch = Scratch::new();

    let result = scratch.spool.deliver("nobody", ANNA, None, moment());

    assert!(matches!(result, Err(spool::Error::UnknownAccount(_))));
    assert!(!scratch.folder.path().join("nobody").exists());
}

#[test]
fn a_link_is_not_followed() {
    let scratch = Scratch::new();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let target = elsewhere.path().join("target");
    std::fs::write(&target, b"precious").expect("a file");
    std::os::unix::fs::symlink(&target, scratch.mailbox()).expect("a link");

    let result = scratch.spool.deliver("notices", ANNA, None, moment());

    assert!(matches!(result, Err(spool::Error::Io { .. })), "{result:?}");
    assert_eq!(std::fs::read(&target).expect("the file"), b"precious");
}

#[test]
fn a_new_mailbox_is_its_owners_alone() {
    let scratch = Scratch::new();

    scratch.deliver(ANNA);

    let mode = std::fs::metadata(scratch.mailbox())
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

// Deleting.

#[test]
fn only_what_was_marked_is_removed() {
    let scratch = Scratch::new();
    for mail in [ANNA, TOM, ANNA] {
        scratch.deliver(mail);
    }
    let opened = scratch.open();
    let ids = unique_ids(&opened.maildrop);

    scratch
        .spool
        .remove(&scratch.account(), &identities(&opened, &[2]))
        .expect("a removal");

    let after = scratch.open();
    assert_eq!(
        unique_ids(&after.maildrop),
        [ids[0].clone(), ids[2].clone()]
    );
    assert_eq!(read(&opened, 2).expect("the snapshot's mail"), TOM);
}

#[test]
fn what_was_delivered_in_the_meantime_stays() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    let opened = scratch.open();
    scratch.deliver(TOM);

    scratch
        .spool
        .remove(&scratch.account(), &identities(&opened, &[1]))
        .expect("a removal");

    let after = scratch.open();
    assert_eq!(unique_ids(&after.maildrop).len(), 1);
    assert_eq!(read(&after, 1).expect("the mail"), TOM);
}

#[test]
fn what_is_gone_already_needs_not_be_removed() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    scratch.deliver(TOM);
    let (one, two) = (scratch.open(), scratch.open());
    let account = scratch.account();
    scratch
        .spool
        .remove(&account, &identities(&one, &[1]))
        .expect("a removal");

    scratch
        .spool
        .remove(&account, &identities(&two, &[1, 2]))
        .expect("a removal");

    assert_eq!(scratch.octets(), b"");
}

#[test]
fn the_message_of_an_imap_server_survives_a_removal() {
    let pseudo = b"From MAILER-DAEMON Mon Nov 23 08:00:00 2026\nX-IMAP: 1 2\n\n";
    let mut file = pseudo.to_vec();
    file.extend_from_slice(b"From c@d Mon Nov 23 09:00:00 2026\nB: 2\n\n");
    let scratch = Scratch::with_mbox(&file);
    let opened = scratch.open();

    scratch
        .spool
        .remove(&scratch.account(), &identities(&opened, &[1]))
        .expect("a removal");

    assert_eq!(scratch.octets(), pseudo);
}

#[test]
fn a_removal_keeps_the_files_mode_and_leaves_nothing_behind() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    scratch.deliver(TOM);
    std::fs::set_permissions(scratch.mailbox(), std::fs::Permissions::from_mode(0o640))
        .expect("a mode");
    let opened = scratch.open();

    scratch
        .spool
        .remove(&scratch.account(), &identities(&opened, &[1]))
        .expect("a removal");

    let mode = std::fs::metadata(scratch.mailbox())
        .expect("a file")
        .permissions()
        .mode();
    let mut names: Vec<_> = std::fs::read_dir(scratch.folder.path())
        .expect("the spool")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(names, ["accounts.toml", "notices"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_removal_leaves_exactly_the_others(count in 1u32..12, mask in any::<u16>()) {
        let scratch = Scratch::new();
        for mail in 0..count {
            let text = format!("Subject: {mail}\n\nFrom {mail}.\n");
            scratch.deliver(text.as_bytes());
        }
        let opened = scratch.open();
        let ids = unique_ids(&opened.maildrop);
        let gone: Vec<u32> = (1..=count).filter(|n| mask & (1 << n) != 0).collect();

        scratch.spool.remove(&scratch.account(), &identities(&opened, &gone)).expect("a removal");

        let stays: Vec<String> = (1..=count)
            .filter(|n| !gone.contains(n))
            .map(|n| ids[n as usize - 1].clone())
            .collect();
        prop_assert_eq!(unique_ids(&scratch.open().maildrop), stays);
    }
}

#[test]
fn mail_for_the_file_that_was_replaced_is_brought_over() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    scratch.deliver(TOM);
    let opened = scratch.open();
    // A mailer that opened the mailbox, and is to get its lock only after the removal.
    let mut late = OpenOptions::new()
        .append(true)
        .open(scratch.mailbox())
        .expect("the mailbox");
    scratch
        .spool
        .remove(&scratch.account(), &identities(&opened, &[1]))
        .expect("a removal");

    late.write_all(b"From c@d Mon Nov 23 09:00:00 2026\nB: 2\n\n")
        .expect("a write");

    let after = scratch.open();
    assert_eq!(unique_ids(&after.maildrop).len(), 2);
    assert_eq!(read(&after, 1).expect("the mail"), TOM);
    assert_eq!(read(&after, 2).expect("the mail"), b"B: 2\n");
    assert_eq!(unique_ids(&scratch.open().maildrop).len(), 2);
}

/// A mailer that has opened a mailbox and is told by its stdin when to write and when to end.
#[test]
#[ignore = "run by a_removal_waits_until_a_late_mailer_is_done"]
fn a_late_mailer() {
    let path = std::env::var_os("TIDINGS_MAILBOX").expect("a mailbox");
    let mut file = OpenOptions::new()
        .append(true)
        .open(path)
        .expect("the mailbox");
    let mut line = String::new();
    std::io::stdout()
        .write_all(b"opened\n")
        .expect("a listener");
    std::io::stdin().read_line(&mut line).expect("a word");
    fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).expect("the lock");
    file.write_all(b"From c@d Mon Nov 23 09:00:00 2026\nC: 3\n")
        .expect("half of a mail");
    std::io::stdout().write_all(b"begun\n").expect("a listener");
    std::io::stdin().read_line(&mut line).expect("a word");
    file.write_all(b"\nlate\n\n").expect("the other half");
}

#[test]
fn a_removal_waits_until_a_late_mailer_is_done() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    scratch.deliver(TOM);
    let opened = scratch.open();
    let remove = |place| {
        let gone = identities(&opened, &[place]);
        scratch.spool.remove(&scratch.account(), &gone)
    };
    let mut mailer = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "spool::a_late_mailer",
            "--ignored",
            "--nocapture",
        ])
        .env("TIDINGS_MAILBOX", scratch.mailbox())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a mailer");
    let mut tell = mailer.stdin.take().expect("its stdin");
    let mut told = BufReader::new(mailer.stdout.take().expect("its stdout")).lines();
    let mut hear = |word: &str| {
        told.any(|line| line.expect("its word").ends_with(word))
            .then_some(())
            .expect("it says so");
    };
    hear("opened");
    remove(1).expect("a removal");
    tell.write_all(b"write\n").expect("it listens");
    hear("begun");

    let while_it_writes = remove(2);
    drop(tell);
    mailer.wait().expect("its end");
    let afterwards = remove(2);

    assert!(
        matches!(while_it_writes, Err(spool::Error::Busy)),
        "{while_it_writes:?}"
    );
    afterwards.expect("a removal");
    let left = scratch.open();
    assert_eq!(left.maildrop.drop_listing().messages, 1);
    assert_eq!(read(&left, 1).expect("the mail"), b"C: 3\n\nlate\n");
}

// Locks.

#[test]
fn a_dot_lock_of_a_living_process_is_respected() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    let lock = scratch.folder.path().join("notices.lock");
    std::fs::write(&lock, std::process::id().to_string()).expect("a lock");

    let delivered = scratch.spool.deliver("notices", TOM, None, moment());

    assert!(
        matches!(delivered, Err(spool::Error::Busy)),
        "{delivered:?}"
    );
    assert!(lock.exists());
    assert_eq!(texts(&scratch.octets()).len(), 1);
}

#[test]
fn a_dot_lock_of_a_dead_process_is_taken_away() {
    let scratch = Scratch::new();
    let mut child = Command::new("true").spawn().expect("a process");
    let dead = child.id();
    child.wait().expect("its end");
    std::fs::write(scratch.folder.path().join("notices.lock"), dead.to_string()).expect("a lock");

    scratch.deliver(TOM);

    assert!(!scratch.folder.path().join("notices.lock").exists());
}

#[test]
fn opening_what_has_not_changed_needs_no_lock() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    scratch.open();
    std::fs::write(
        scratch.folder.path().join("notices.lock"),
        std::process::id().to_string(),
    )
    .expect("a lock");

    assert_eq!(unique_ids(&scratch.open().maildrop).len(), 1);
}

#[test]
fn an_exclusive_maildrop_has_one_session_at_a_time() {
    let scratch = Scratch::new();
    scratch
        .spool
        .accounts()
        .change(
            "notices",
            Change {
                sessions: Some(Sessions::Exclusive),
                ..Change::default()
            },
            None,
        )
        .expect("a change");
    let first = scratch.open();

    let second = scratch.spool.open_maildrop(&scratch.account());

    assert!(matches!(second, Err(spool::Error::Busy)));
    drop(first);
    scratch.open();
}

// Accounts.

#[test]
fn comments_in_accounts_survive_a_new_password() {
    let scratch = Scratch::new();
    let path = scratch.folder.path().join("accounts.toml");
    let mut text = std::fs::read_to_string(&path).expect("accounts");
    text.insert_str(0, "# The team's mailboxes.\n");
    text.push_str("delete = \"refused\" # it is shared\n");
    std::fs::write(&path, &text).expect("accounts");

    scratch.add_account("notices");

    let text = std::fs::read_to_string(&path).expect("accounts");
    assert!(text.starts_with("# The team's mailboxes.\n"), "{text}");
    assert!(
        text.contains("delete = \"refused\" # it is shared\n"),
        "{text}"
    );
    assert_eq!(scratch.account().delete, Delete::Refused);
}

#[test]
fn a_changed_password_is_not_remembered() {
    let scratch = Scratch::new();
    let accounts = scratch.spool.accounts();
    let old = SecretString::from(PASSWORD);
    assert!(accounts.verify("notices", &old).is_some());
    assert!(accounts.recall("notices", &old).is_some());

    accounts
        .set_password("notices", &SecretString::from("other"), Hardness::Throwaway)
        .expect("a change");

    assert!(accounts.recall("notices", &old).is_none());
    assert!(accounts.verify("notices", &old).is_none());
}

#[test]
fn a_broken_accounts_file_leaves_the_accounts_as_they_were() {
    let scratch = Scratch::new();

    std::fs::write(scratch.folder.path().join("accounts.toml"), "[account.x").expect("a write");

    assert!(scratch.spool.accounts().find("notices").is_some());
    assert!(matches!(
        Spool::open(scratch.folder.path()),
        Err(spool::Error::Accounts(error::Error::Parse { .. }))
    ));
}

#[test]
fn names_that_would_leave_the_folder_are_none() {
    for name in [
        "",
        ".hidden",
        "-x",
        "a/b",
        "..",
        "Notices",
        "a b",
        "notices.lock",
        "accounts.toml",
        "notices.apop",
        "zoë",
        &"x".repeat(65),
    ] {
        assert!(!account::is_name(name), "{name}");
    }
    for name in [
        "a",
        "notices",
        "ops-alerts",
        "a.b_c-d",
        "0",
        &"x".repeat(64),
    ] {
        assert!(account::is_name(name), "{name}");
    }
}

#[test]
fn two_accounts_may_share_a_mailbox() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    scratch.add_account("readers");
    scratch.configure("mailbox = \"notices\"\ndelete = \"refused\"\n");

    let readers = scratch
        .spool
        .accounts()
        .find("readers")
        .expect("an account");
    let opened = scratch.spool.open_maildrop(&readers).expect("a maildrop");

    assert_eq!(read(&opened, 1).expect("the mail"), ANNA);
    assert_eq!(readers.delete, Delete::Refused);
}

#[test]
fn a_spool_is_shared_by_threads() {
    fn shared<T: Send + Sync>(_: &T) {}

    shared(&Arc::clone(&Scratch::new().spool));
}

// What others do to the file, and what may be in a mail.

#[test]
fn messages_that_were_moved_within_the_file_are_found_before_they_are_read_or_removed() {
    let mail = |number: u32, padding: usize| {
        format!(
            "From a@b Mon Nov 23 10:00:00 2026\nSubject: {number}\nX-Pad: {}\n\n{}END{number}\n\n",
            "p".repeat(padding),
            format!("{number}").repeat(6_000),
        )
    };
    let file = |second: usize, fourth: usize| {
        let paddings = [10, second, 10, fourth, 10];
        let mails = (1..)
            .zip(paddings)
            .map(|(number, padding)| mail(number, padding));
        mails.collect::<String>()
    };
    let scratch = Scratch::with_mbox(file(10, 300).as_bytes());
    assert_eq!(scratch.open().maildrop.drop_listing().messages, 5);

    // In place: one grows by what another loses, as servers do it that leave padding.
    std::fs::write(scratch.mailbox(), file(210, 100)).expect("a write");
    scratch.deliver(ANNA);

    let opened = scratch.open();
    let third = read(&opened, 3).expect("the mail");
    assert!(third.starts_with(b"Subject: 3\n") && third.ends_with(b"END3\n"));
    let gone = identities(&opened, &[3]);
    let account = scratch.account();
    scratch.spool.remove(&account, &gone).expect("removed");
    let left = String::from_utf8(scratch.octets()).expect("text");
    for number in [1, 2, 4, 5] {
        assert!(left.contains(&mail(
            number,
            match number {
                2 => 210,
                4 => 100,
                _ => 10,
            }
        )));
    }
}

#[test]
fn late_mail_that_begins_with_the_missing_line_end_is_brought_over() {
    let scratch = Scratch::with_mbox(
        b"From a@b Mon Nov 23 10:00:00 2026\nA: 1\n\nFrom a@b Mon Nov 23 10:00:00 2026\nB: 2\n",
    );
    let opened = scratch.open();
    let mut late = OpenOptions::new()
        .append(true)
        .open(scratch.mailbox())
        .expect("the file");
    let account = scratch.account();
    let gone = identities(&opened, &[1]);
    scratch.spool.remove(&account, &gone).expect("removed");

    late.write_all(b"\nFrom c@d Mon Nov 23 09:00:00 2026\nC: 3\n\n")
        .expect("a write");

    let opened = scratch.open();
    assert_eq!(opened.maildrop.drop_listing().messages, 2);
    assert_eq!(read(&opened, 2).expect("the mail"), b"C: 3\n");
}

#[test]
fn what_a_killed_server_left_behind_is_taken_away_by_the_next_removal() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    scratch.deliver(TOM);
    std::fs::write(scratch.folder.path().join(".notices.new"), b"half").expect("a file");
    let opened = scratch.open();

    let gone = identities(&opened, &[1]);
    let removed = scratch.spool.remove(&scratch.account(), &gone);

    removed.expect("removed");
    assert!(!scratch.folder.path().join(".notices.new").exists());
    assert_eq!(scratch.open().maildrop.drop_listing().messages, 1);
}

#[test]
fn a_changed_accounts_file_can_be_read_by_whom_it_could_be_read() {
    let scratch = Scratch::new();
    let path = scratch.folder.path().join("accounts.toml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("a mode");

    let password = SecretString::from("another");
    let changed = scratch
        .spool
        .accounts()
        .set_password("notices", &password, Hardness::Throwaway);

    changed.expect("changed");
    let mode = std::fs::metadata(&path)
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn those_who_wait_for_another_programs_lock_wait_together() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    std::fs::write(
        scratch.folder.path().join("notices.lock"),
        std::process::id().to_string(),
    )
    .expect("a lock");
    let spool = Spool::open(scratch.folder.path())
        .expect("a spool")
        .with_patience(Duration::from_secs(4));
    let spool = Arc::new(spool);
    let began = Instant::now();

    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let (spool, account) = (spool.clone(), scratch.account());
            thread::spawn(move || spool.open_maildrop(&account).map(drop))
        })
        .collect();
    let outcomes: Vec<_> = waiting
        .into_iter()
        .map(|one| one.join().expect("an end"))
        .collect();

    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Err(spool::Error::Busy)))
    );
    // One after the other they would take 80 s, and whoever came last would have given up long ago.
    assert!(began.elapsed() < Duration::from_secs(60));
}

// What a delivery that was killed has left.

const TORN: &[u8] = b"From a@b ?on Nov 23 08:00:00 2026\nSubject: half of a ma";

#[test]
fn what_was_not_written_to_its_end_is_no_message_and_hides_none() {
    let good = "From c@d Mon Nov 23 09:00:00 2026\nB: 2\n\n";
    for torn in [
        TORN,
        b"From a@b ?on Nov 2",
        b"From a@b ?",
        b"From a@b ?on Nov 23 08:00:00 2026\nSubject: x\n\nlines\n",
    ] {
        let before = b"From a@b Mon Nov 23 08:00:00 2026\nA: 1\n\n";
        let alone = [&before[..], torn].concat();
        assert_eq!(texts(&alone), ["A: 1\n"], "{}", torn.escape_ascii());
        // Whoever appends with an empty line before it, or with a line end, or as it stands.
        for between in ["\n\n", "\n"] {
            let followed = [&alone[..], between.as_bytes(), good.as_bytes()].concat();
            assert_eq!(
                texts(&followed),
                ["A: 1\n", "B: 2\n"],
                "{}",
                torn.escape_ascii()
            );
        }
    }
}

#[test]
fn the_next_delivery_cuts_off_what_was_not_written_to_its_end() {
    let mut file = Vec::new();
    mbox::write(ANNA, "a@b", moment(), &mut file);
    let scratch = Scratch::with_mbox(&[&file[..], TORN].concat());
    let before = unique_ids(&scratch.open().maildrop);

    scratch.deliver(TOM);

    let after = scratch.open();
    assert!(scratch.octets().starts_with(&file));
    assert!(!scratch.octets().windows(4).any(|octets| octets == b"?on "));
    assert_eq!(unique_ids(&after.maildrop)[..1], before);
    assert_eq!(read(&after, 2).expect("the mail"), TOM);
}

#[test]
fn mail_for_a_file_that_was_replaced_twice_is_brought_over() {
    let scratch = Scratch::new();
    for mail in [ANNA, TOM, b"Subject: three\n\n3\n"] {
        scratch.deliver(mail);
    }
    let mut late = OpenOptions::new()
        .append(true)
        .open(scratch.mailbox())
        .expect("the mailbox");
    for _ in 0..2 {
        let opened = scratch.open();
        scratch
            .spool
            .remove(&scratch.account(), &identities(&opened, &[1]))
            .expect("a removal");
    }

    late.write_all(b"From c@d Mon Nov 23 09:00:00 2026\nB: 2\n\n")
        .expect("a write");

    let after = scratch.open();
    assert_eq!(read(&after, 2).expect("the mail"), b"B: 2\n");
}

#[test]
fn accounts_that_are_gone_for_a_moment_are_there_still() {
    let scratch = Scratch::new();
    let path = scratch.folder.path().join("accounts.toml");
    let text = std::fs::read_to_string(&path).expect("accounts");

    std::fs::remove_file(&path).expect("a removal");
    assert!(scratch.spool.accounts().find("notices").is_some());
    std::fs::write(&path, "").expect("a write");
    assert!(scratch.spool.accounts().find("notices").is_some());
    std::fs::write(&path, text).expect("a write");
    assert!(scratch.spool.accounts().find("notices").is_some());
    // Who is removed by the program is gone.
    assert!(
        scratch
            .spool
            .accounts()
            .remove("notices")
            .expect("a removal")
    );
    assert!(scratch.spool.accounts().find("notices").is_none());
}

#[test]
fn a_first_line_that_is_no_from_line_is_the_mails_own() {
    let scratch = Scratch::new();

    scratch.deliver(b"From tomorrow on, the office is closed.\n");
    scratch.deliver(b"From a@b Mon Nov 23 10:00:00 2026\nFrom tomorrow on, closed.\n");

    let opened = scratch.open();
    let first = read(&opened, 1).expect("the mail");
    assert_eq!(first, b"From tomorrow on, the office is closed.\n");
    let second = read(&opened, 2).expect("the mail");
    assert_eq!(second, b"From tomorrow on, closed.\n");
}

#[test]
fn a_sender_of_any_length_begins_a_message() {
    let scratch = Scratch::new();
    scratch.deliver(ANNA);
    let sender = "a".repeat(1100);

    let delivered = scratch
        .spool
        .deliver("notices", TOM, Some(&sender), moment());

    delivered.expect("a delivery");
    scratch.deliver(format!("From {sender} Mon Nov 23 10:00:00 2026\n\nthree\n").as_bytes());
    assert_eq!(scratch.open().maildrop.drop_listing().messages, 3);
}

#[test]
fn carriage_returns_and_quotes_come_back_as_they_went() {
    let deep = format!("{}From x", ">".repeat(1000));
    let mails = [
        "x\r\r\ny\r\n",
        "\r\r\n\r\n",
        &format!("{deep}\r\n>{deep}\r\n"),
    ];
    for mail in mails {
        let scratch = Scratch::new();

        scratch.deliver(mail.as_bytes());

        let opened = scratch.open();
        let mut sent = BytesMut::new();
        let mut stuffer = Stuffer::default();
        stuffer.push(&read(&opened, 1).expect("the mail"), &mut sent);
        stuffer.finish(&mut sent);
        let expected = format!("{mail}.\r\n");
        assert_eq!(String::from_utf8_lossy(&sent), expected);
        let octets = message(&opened, 1).entry.octets;
        assert_eq!(octets, mail.len() as u64);
    }
}

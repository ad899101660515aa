//! A Maildir as an account's store: names, sizes, flags of other programs, deletion.

use std::{fs, path::PathBuf};

use tidings::{
    pop3::listing::MessageNumber,
    server::{
        maildrop::{Identity, Message},
        reader::{Direction, Window},
        spool::Opened,
    },
};

use crate::support::{scratch::Scratch, talk::Talk};

const ANNA: &[u8] = b"Subject: Fire drill\n\nThursday at eleven.\n>From the stairs.\n";
const TOM: &[u8] = b"Subject: Lunch\r\n\r\n.Soup.";

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.configure("store = \"maildir\"\n");
    scratch
}

fn folder(scratch: &Scratch, name: &str) -> PathBuf {
    scratch.mailbox().join(name)
}

/// A Maildir with these files in it.
fn with_files(files: &[(&str, &[u8])]) -> Scratch {
    let scratch = scratch();
    for name in ["new", "cur", "tmp"] {
        fs::create_dir_all(folder(&scratch, name)).expect("a Maildir");
    }
    for (name, content) in files {
        fs::write(scratch.mailbox().join(name), content).expect("a mail");
    }
    scratch
}

fn message(opened: &Opened, n: u32) -> Message {
    let number = MessageNumber::new(n).expect("a number");
    opened.maildrop.message(number).expect("a message").clone()
}

fn identity(opened: &Opened, n: u32) -> std::collections::BTreeSet<Identity> {
    [message(opened, n).identity()].into()
}

fn ids(opened: &Opened) -> Vec<String> {
    let count = opened.maildrop.drop_listing().messages;
    (1..=count)
        .map(|n| message(opened, n).unique_id().to_string())
        .collect()
}

#[tokio::test]
async fn messages_are_served_as_they_are() {
    let scratch = with_files(&[
        ("new/1700000000.a.host", ANNA),
        ("cur/1600000000.b.host:2,S", TOM),
    ]);
    let served = scratch.serve().await;
    let mut talk = Talk::signed_in(served.address()).await;

    talk.ask("UIDL", "+OK").await;
    assert_eq!(
        talk.body().await,
        ["1 1600000000.b.host", "2 1700000000.a.host"]
    );
    talk.ask("LIST", "+OK").await;
    assert_eq!(talk.body().await, ["1 26", "2 63"]);
    talk.ask("RETR 2", "+OK").await;
    // Nothing is quoted in a Maildir, so nothing is unquoted.
    assert_eq!(
        talk.body().await.last().map(String::as_str),
        Some(">From the stairs.")
    );
    talk.ask("TOP 1 1", "+OK").await;
    assert_eq!(talk.body().await, ["Subject: Lunch", "", "..Soup."]);
}

#[test]
fn what_is_delivered_is_there_under_a_name_of_its_own() {
    let scratch = scratch();

    scratch.deliver(ANNA);
    scratch.deliver(ANNA);

    let opened = scratch.open();
    let ids = ids(&opened);
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(
        fs::read_dir(folder(&scratch, "new")).expect("new").count(),
        2
    );
    assert_eq!(
        fs::read_dir(folder(&scratch, "tmp")).expect("tmp").count(),
        0
    );
    assert_eq!(opened.maildrop.drop_listing().octets.0, 2 * 63);
}

#[test]
fn flags_change_neither_number_nor_unique_id() {
    let scratch = with_files(&[("new/1600000000.a", ANNA), ("new/1600000001.b", TOM)]);
    let before = scratch.open();

    fs::rename(
        folder(&scratch, "new/1600000000.a"),
        folder(&scratch, "cur/1600000000.a:2,FS"),
    )
    .expect("a flag");

    assert_eq!(ids(&scratch.open()), ids(&before));
    // A session that has it under its old name finds it under the new one.
    let first = message(&before, 1);
    let window = before.reader.as_ref().expect("a reader").first(
        &first,
        Default::default(),
        Window::default(),
    );
    assert_eq!(
        window.expect("the mail").slice(0, ANNA.len() as u64),
        Some(ANNA)
    );
}

#[test]
fn a_message_in_both_folders_is_one() {
    let scratch = with_files(&[("new/1600000000.a", ANNA), ("cur/1600000000.a:2,", ANNA)]);

    assert_eq!(ids(&scratch.open()), ["1600000000.a"]);
}

#[test]
fn sizes_in_names_are_believed_only_where_the_length_is_right() {
    let length = ANNA.len();
    let right = format!("new/1600000000.a,S={length},W=999");
    let wrong = format!("new/1600000001.b,S={},W=999", length + 1);
    let scratch = with_files(&[(right.as_str(), ANNA), (wrong.as_str(), ANNA)]);

    let opened = scratch.open();

    assert_eq!(message(&opened, 1).entry.octets, 999);
    assert_eq!(message(&opened, 2).entry.octets, 63);
}

#[test]
fn a_name_that_can_be_no_unique_id_gets_one() {
    let long = format!("new/1600000000.{}", "x".repeat(80));
    let scratch = with_files(&[(long.as_str(), ANNA), ("new/1600000001.a b", TOM)]);

    let ids = ids(&scratch.open());

    assert!(ids.iter().all(|id| id.len() == 32), "{ids:?}");
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn links_folders_and_hidden_files_are_no_messages() {
    let scratch = with_files(&[("new/.hidden", ANNA), ("new/1600000000.a", TOM)]);
    fs::create_dir(folder(&scratch, "new/1600000001.folder")).expect("a folder");
    std::os::unix::fs::symlink("/etc/passwd", folder(&scratch, "new/1600000002.link"))
        .expect("a link");

    assert_eq!(ids(&scratch.open()), ["1600000000.a"]);
}

#[test]
fn what_one_removes_others_can_read_until_they_end() {
    let scratch = with_files(&[("new/1600000000.a", ANNA), ("new/1600000001.b", TOM)]);
    let early = scratch.open();
    let first = message(&early, 1);

    scratch
        .spool
        .remove(&scratch.account(), &identity(&early, 1))
        .expect("a removal");

    assert_eq!(ids(&scratch.open()), ["1600000001.b"]);
    let reader = early.reader.as_ref().expect("a reader");
    let window = reader
        .first(&first, Direction::Neither, Window::default())
        .expect("the mail");
    assert_eq!(window.slice(0, ANNA.len() as u64), Some(ANNA));
    drop(early);
    assert_eq!(
        fs::read_dir(folder(&scratch, "tmp")).expect("tmp").count(),
        0
    );
}

#[test]
fn a_store_of_two_kinds_is_refused() {
    let scratch = scratch();
    scratch.add_account("editor");
    scratch.configure("mailbox = \"notices\"\n");

    let error = scratch.spool.accounts().reread().expect_err("a refusal");

    assert!(
        error.to_string().contains("an mbox file for one account"),
        "{error}"
    );
}

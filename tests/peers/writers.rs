//! Programs of others that write into a mailbox while sessions have it open: procmail and mail.local
//! append, mutt rewrites it in place.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::beside;
use crate::support::{
    peer,
    scratch::{Scratch, Served},
    talk::Talk,
};

const NEW: &[u8] = b"Subject: new\n\nIt came meanwhile.\nFrom here on\n\nFrom tomorrow, that is.\n";

/// A mailbox of three mails, and a session that has it open.
struct Opened {
    scratch: Scratch,
    served: Served,
    session: Talk,
    ids: Vec<String>,
}

impl Opened {
    async fn new() -> Opened {
        let scratch = Scratch::new();
        for n in 1..=3 {
            scratch.deliver(format!("Subject: {n}\n\nText {n}.\n").as_bytes());
        }
        let served = scratch.serve().await;
        let mut session = Talk::signed_in(served.address()).await;
        let ids = ids(&mut session).await;
        Opened {
            scratch,
            served,
            session,
            ids,
        }
    }

    async fn next(&self) -> Talk {
        Talk::signed_in(self.served.address()).await
    }
}

/// The unique-ids that a session lists.
async fn ids(session: &mut Talk) -> Vec<String> {
    session.ask("UIDL", "+OK").await;
    let listing = session.body().await;
    listing
        .iter()
        .filter_map(|line| Some(line.split_once(' ')?.1.to_owned()))
        .collect()
}

async fn text(session: &mut Talk, number: u32) -> String {
    session.ask(&format!("RETR {number}"), "+OK").await;
    body(session).await
}

/// A message's lines, each with its end.
async fn body(session: &mut Talk) -> String {
    let lines = session.body().await;
    lines.into_iter().map(|line| line + "\r\n").collect()
}

/// What holds after a program has appended [`NEW`].
async fn assert_one_more(mut opened: Opened) {
    for number in 1..=3 {
        let text = text(&mut opened.session, number).await;
        assert!(text.ends_with(&format!("Text {number}.\r\n")), "{text}");
    }
    assert_eq!(ids(&mut opened.session).await, opened.ids);

    let mut next = opened.next().await;
    let now = ids(&mut next).await;
    assert_eq!(now[..3], opened.ids);
    assert_eq!(now.len(), 4);
    let text = text(&mut next, 4).await;
    assert!(
        text.contains("\r\n\r\nIt came meanwhile.\r\nFrom here on\r\n"),
        "{text}"
    );
    assert!(text.ends_with("\r\nFrom tomorrow, that is.\r\n"), "{text}");
    // And the next of ours stands behind it.
    opened.scratch.deliver(b"Subject: ours\n\nAgain.\n");
    assert_eq!(ids(&mut opened.next().await).await.len(), 5);
}

#[tokio::test]
async fn procmail_appends_while_a_session_is_open() {
    if peer::find("procmail").is_none() {
        return;
    }
    let opened = Opened::new().await;
    let folder = opened.scratch.folder.path().to_owned();
    let settings = write(
        &folder,
        "rc",
        &format!("DEFAULT={0}/notices\n", folder.display()),
    );
    let mail = write_octets(&folder, "mail", NEW);

    beside(move || {
        let command = format!(
            "procmail -f ann@team.example -m {0} < {1}",
            settings.display(),
            mail.display()
        );
        shell(&command);
    })
    .await;

    assert_one_more(opened).await;
}

#[tokio::test]
async fn mail_local_appends_while_a_session_is_open() {
    if !rustix::process::geteuid().is_root() {
        return peer::skipped("root");
    }
    let (Some(mail_local), Some(unshare)) = (peer::find("mail.local"), peer::find("unshare"))
    else {
        return;
    };
    let opened = Opened::new().await;
    let folder = opened.scratch.folder.path().to_owned();
    let mail = write_octets(&folder, "mail", NEW);
    // It delivers to a user's mailbox in /var/mail alone: the spool is shown to it there, and to nobody else.
    // As Debian has it: whoever delivers may make a lock there.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("a mode");
    fs::rename(folder.join("notices"), folder.join("nobody")).expect("another name");
    std::os::unix::fs::chown(folder.join("nobody"), Some(65534), None).expect("an owner");

    beside(move || {
        let script = format!(
            "mount --bind {0} /var/mail && {1} -f ann@team.example nobody < {2}",
            folder.display(),
            mail_local.display(),
            mail.display()
        );
        let ran = Command::new(unshare)
            .args(["-m", "sh", "-ec", &script])
            .output()
            .expect("it runs");
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        fs::rename(folder.join("nobody"), folder.join("notices")).expect("its own name");
    })
    .await;

    assert_one_more(opened).await;
}

/// mutt on the mailbox, which presses these keys.
async fn mutt(opened: &Opened, keys: &'static str) -> bool {
    let (Some(_), Some(script)) = (peer::find("mutt"), peer::find("script")) else {
        return false;
    };
    let folder = opened.scratch.folder.path().to_owned();
    let settings = write(
        &folder,
        "muttrc",
        &format!(
            "set folder=\"{}\"\nset mbox_type=mbox\nset move=no\nset delete=yes\nset quit=yes\nset sleep_time=0\n",
            folder.display()
        ),
    );
    let command = format!(
        "mutt -F {} -f {}/notices -e 'push {keys}'",
        settings.display(),
        folder.display()
    );
    beside(move || {
        let ran = Command::new(script)
            .args(["-qec", &command, "/dev/null"])
            .env("HOME", &folder)
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .expect("mutt runs");
        assert!(ran.success());
    })
    .await;
    true
}

#[tokio::test]
async fn messages_stay_the_same_ones_when_mutt_has_read_them() {
    let mut opened = Opened::new().await;
    if !mutt(
        &opened,
        "<first-entry><display-message><exit><sync-mailbox><exit>",
    )
    .await
    {
        return;
    }
    let file = String::from_utf8(opened.scratch.octets()).expect("text");
    assert!(
        file.contains("\nStatus: RO\n"),
        "mutt wrote nothing: {file}"
    );

    let mut next = opened.next().await;
    assert_eq!(ids(&mut next).await, opened.ids);
    for number in 1..=3 {
        assert!(
            text(&mut next, number)
                .await
                .ends_with(&format!("Text {number}.\r\n"))
        );
    }
    // An open session is told that it cannot have what moved, or has it as it is now.
    assert_own_or_refused(&mut opened.session, 3).await;
}

#[tokio::test]
async fn mutt_takes_a_message_away_while_a_session_is_open() {
    let mut opened = Opened::new().await;
    if !mutt(
        &opened,
        "<first-entry><next-entry><delete-message><sync-mailbox><exit>",
    )
    .await
    {
        return;
    }

    let mut next = opened.next().await;
    assert_eq!(
        ids(&mut next).await,
        [opened.ids[0].as_str(), &opened.ids[2]]
    );
    assert!(text(&mut next, 2).await.ends_with("Text 3.\r\n"));
    for number in 1..=3 {
        assert_own_or_refused(&mut opened.session, number).await;
    }
    // What the open session deletes is what it was shown, wherever that is now.
    opened.session.ask("DELE 3", "+OK").await;
    opened.session.ask("QUIT", "+OK").await;
    assert_eq!(
        ids(&mut opened.next().await).await,
        [opened.ids[0].as_str()]
    );
}

async fn assert_own_or_refused(session: &mut Talk, number: u32) {
    session.say(&format!("RETR {number}")).await;
    let answer = session.line().await.expect("an answer");
    if answer.starts_with("+OK") {
        let text = body(session).await;
        assert!(text.ends_with(&format!("Text {number}.\r\n")), "{text}");
    } else {
        assert!(answer.starts_with("-ERR [SYS/TEMP] "), "{answer}");
    }
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    write_octets(folder, name, text.as_bytes())
}

fn write_octets(folder: &Path, name: &str, octets: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, octets).expect("a file");
    path
}

fn shell(command: &str) {
    let ran = Command::new("sh")
        .args(["-ec", command])
        .output()
        .expect("it runs");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

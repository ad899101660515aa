//! More clients of others: fdm, mutt, s-nail, and mpop by SCRAM, leaving and deleting.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use secrecy::SecretString;
use tidings::server::accounts::{file::Change, passwords::Hardness};

use super::{Scene, at_home, beside, kept, mails, sorted};
use crate::support::peer::{self, Peer};

/// fdm, run twice over the mails; it keeps them on the server or not.
async fn fdm(keep: &str) -> Option<(Scene, Vec<Vec<u8>>)> {
    let fdm = Peer::find("fdm")?;
    let scene = Scene::new().await;
    let maildir = scene.maildir();
    for folder in ["", "new", "cur", "tmp"] {
        fs::set_permissions(maildir.join(folder), Permissions::from_mode(0o700)).expect("a mode");
    }
    let (port, home) = (scene.port(), scene.home.path().to_owned());
    let at = home.display();
    let settings = scene.write(
        "fdm.conf",
        &format!(
            "set lock-file \"{at}/lock\"\naction \"keep\" maildir \"{at}/mail\"\n\
             account \"notices\" pop3 server \"127.0.0.1\" port {port} user \"notices\" pass \"sesame\" \
             new-only cache \"{at}/cache\" {keep}\nmatch all action \"keep\"\n"
        ),
    );
    let fdm = fdm.not_as_root(&home).expect("another user");
    beside(move || {
        for _ in 0..2 {
            fdm.run(
                &home,
                ["-f".as_ref(), settings.as_os_str(), "fetch".as_ref()],
            );
        }
    })
    .await;
    let kept = kept(&maildir);
    Some((scene, kept))
}

#[tokio::test]
async fn fdm_fetches_all_and_leaves_it() {
    let Some((scene, kept)) = fdm("keep").await else {
        return;
    };

    assert_eq!(kept.len(), mails().len(), "nothing came twice");
    scene.assert_nothing_was_deleted();
}

#[tokio::test]
async fn fdm_fetches_all_and_takes_it_away() {
    let Some((scene, kept)) = fdm("").await else {
        return;
    };

    assert_eq!(kept.len(), mails().len());
    assert_eq!(scene.messages_on_server(), 0);
}

/// mutt in a terminal of its own, which fetches into a mailbox.
async fn mutt(deletes: &str) -> Option<(Scene, String)> {
    peer::find("mutt")?;
    let script = peer::find("script")?;
    let scene = Scene::new().await;
    let (port, home) = (scene.port(), scene.home.path().to_owned());
    let at = home.display();
    scene.write("box", "");
    scene.write(
        "muttrc",
        &format!(
            "set pop_host=\"pop://notices:sesame@127.0.0.1:{port}\"\nset pop_delete={deletes}\nset pop_last=no\n\
             set pop_authenticators=\"user\"\nset spoolfile=\"{at}/box\"\nset mbox_type=mbox\nset folder=\"{at}\"\n\
             set ssl_starttls=no\nset ssl_force_tls=no\nset move=no\nset delete=yes\nset quit=yes\nset sleep_time=0\n"
        ),
    );
    let command =
        format!("mutt -F {at}/muttrc -f {at}/box -e 'push <fetch-mail><sync-mailbox><exit>'");
    beside(move || {
        Command::new(script)
            .args(["-qec", &command, "/dev/null"])
            .env("HOME", &home)
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .expect("mutt runs")
    })
    .await;
    let text = fs::read(scene.home.path().join("box")).expect("a mailbox");
    let text = String::from_utf8_lossy(&text).into_owned();
    Some((scene, text))
}

#[tokio::test]
async fn mutt_fetches_all_and_leaves_it() {
    let Some((scene, text)) = mutt("no").await else {
        return;
    };

    assert_eq!(
        text.matches("\nMessage-ID: ").count(),
        mails().len(),
        "{text}"
    );
    scene.assert_nothing_was_deleted();
}

#[tokio::test]
async fn mutt_fetches_all_and_takes_it_away() {
    let Some((scene, text)) = mutt("yes").await else {
        return;
    };

    assert_eq!(
        text.matches("\nMessage-ID: ").count(),
        mails().len(),
        "{text}"
    );
    assert_eq!(scene.messages_on_server(), 0);
}

/// s-nail, which is told these lines.
async fn s_nail(lines: &'static str) -> Option<(Scene, String)> {
    use std::io::Write;

    let s_nail = peer::find("s-nail")?;
    let scene = Scene::new().await;
    let url = format!("pop3://notices:sesame@127.0.0.1:{}", scene.port());
    let home = scene.home.path().to_owned();
    let said = beside(move || {
        let mut child = Command::new(s_nail)
            .args(["-:/", "-Sv15-compat", "-f", &url])
            .env("HOME", &home)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("s-nail runs");
        let mut stdin = child.stdin.take().expect("its stdin");
        stdin.write_all(lines.as_bytes()).expect("a write");
        drop(stdin);
        let output = child.wait_with_output().expect("an end");
        String::from_utf8_lossy(&output.stdout).into_owned()
    })
    .await;
    Some((scene, said))
}

#[tokio::test]
async fn s_nail_reads_and_leaves() {
    let Some((scene, said)) = s_nail("headers\nprint 1\nxit\n").await else {
        return;
    };

    assert!(
        said.contains(&format!("{} messages", mails().len())),
        "{said}"
    );
    assert!(said.contains("Thursday at eleven."), "{said}");
    scene.assert_nothing_was_deleted();
}

#[tokio::test]
async fn s_nail_reads_and_deletes() {
    let Some((scene, said)) = s_nail("delete 1\nquit\n").await else {
        return;
    };

    assert_eq!(
        scene.messages_on_server() as usize,
        mails().len() - 1,
        "{said}"
    );
}

#[tokio::test]
async fn mpop_signs_in_by_scram() {
    let Some(mpop) = Peer::find("mpop") else {
        return;
    };
    let scene = Scene::new().await;
    let change = Change {
        scram: Some(true),
        ..Change::default()
    };
    let password = SecretString::from("sesame");
    scene
        .scratch
        .spool
        .accounts()
        .change("notices", change, Some((&password, Hardness::Throwaway)))
        .expect("a change");
    let (port, home) = (scene.port(), scene.home.path().to_owned());
    let settings = scene.write(
        "mpoprc",
        &format!(
            "account notices\nhost 127.0.0.1\nport {port}\nuser notices\npassword sesame\n\
             auth scram-sha-256\ntls off\nkeep on\nreceived_header off\nuidls_file {0}/uidls\n\
             delivery maildir {0}/mail\n",
            home.display()
        ),
    );
    let maildir = scene.maildir();

    beside(move || {
        mpop.run(
            &home,
            ["-C".as_ref(), settings.as_os_str(), "notices".as_ref()],
        )
    })
    .await;

    let expected = mails().iter().map(|mail| at_home(mail)).collect();
    assert_eq!(kept(&maildir), sorted(expected));
    assert!(!scene.served.events.keywords().contains(&"PASS"));
}

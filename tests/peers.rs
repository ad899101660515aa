//! Real peers from Debian, where they are installed: clients of others against our server.
//!
//! With CI set in the environment, a missing peer fails its test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tidings::server::{
    certificate::{Certificate, names},
    options::{Listener, Options, Protection},
};
use tokio::task;

use crate::support::{
    peer::Peer,
    scratch::{Scratch, Served},
};

mod disks;
mod mail_servers;
mod pop_servers;
mod readers;
mod writers;

/// What clients are to bring home as it is: dots, quotes, 8-bit, long lines, bare CRs, no last line end.
fn mails() -> Vec<Vec<u8>> {
    let header = |n: usize| {
        format!(
            "From: Anna <anna@team.example>\nTo: notices@team.example\nSubject: mail {n}\n\
             Message-ID: <{n}@team.example>\nDate: Mon, 23 Nov 2026 08:00:0{n} +0000\n\n"
        )
    };
    let bodies: [&[u8]; 5] = [
        b"Thursday at eleven.\n",
        b".\n..\n.hidden\nFrom here on\n>From there\n\n.\n",
        "Gr\u{fc}\u{df}e: \u{3010}\u{91cd}\u{8981}\u{3011}\n\tindented\n".as_bytes(),
        b"no line end",
        b"",
    ];
    let mut mails: Vec<Vec<u8>> = bodies
        .iter()
        .enumerate()
        .map(|(n, body)| [header(n + 1).as_bytes(), body].concat())
        .collect();
    let lines = "0123456789 ".repeat(70).into_bytes();
    mails.push(
        [
            header(6).as_bytes(),
            &[&lines[..], b"\n"].concat().repeat(100),
        ]
        .concat(),
    );
    mails
}

/// A mail as it is at home: LF line ends, the last one too.
fn at_home(mail: &[u8]) -> Vec<u8> {
    let mut mail = mail.to_vec();
    if !mail.ends_with(b"\n") {
        mail.push(b'\n');
    }
    mail
}

/// A server with the mails, and a home for a client.
struct Scene {
    scratch: Scratch,
    served: Served,
    home: TempDir,
}

impl Scene {
    async fn new() -> Scene {
        let scratch = Scratch::new();
        for mail in mails() {
            scratch.deliver(&mail);
        }
        Scene {
            served: scratch.serve().await,
            scratch,
            home: tempfile::tempdir().expect("a home"),
        }
    }

    fn port(&self) -> u16 {
        self.served.address().port()
    }

    fn url(&self, path: &str) -> String {
        format!("pop3://127.0.0.1:{}/{path}", self.port())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        fs::write(&path, text).expect("a settings file");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("a mode");
        path
    }

    fn maildir(&self) -> PathBuf {
        let maildir = self.home.path().join("mail");
        for name in ["cur", "new", "tmp"] {
            fs::create_dir_all(maildir.join(name)).expect("a maildir");
        }
        maildir
    }

    fn messages_on_server(&self) -> u32 {
        self.scratch.open().maildrop.drop_listing().messages
    }

    fn assert_nothing_was_deleted(&self) {
        assert!(!self.served.events.keywords().contains(&"DELE"));
        assert_eq!(self.messages_on_server() as usize, mails().len());
    }
}

/// All files of a maildir, sorted by their octets.
fn kept(maildir: &Path) -> Vec<Vec<u8>> {
    let mut kept: Vec<Vec<u8>> = ["new", "cur"]
        .iter()
        .flat_map(|name| fs::read_dir(maildir.join(name)).expect("a maildir"))
        .map(|entry| fs::read(entry.expect("an entry").path()).expect("a mail"))
        .collect();
    kept.sort();
    kept
}

fn sorted(mut mails: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    mails.sort();
    mails
}

/// Runs a client beside the server.
async fn beside<T: Send + 'static>(visit: impl FnOnce() -> T + Send + 'static) -> T {
    task::spawn_blocking(visit).await.expect("a visit")
}

#[tokio::test]
async fn curl_lists_fetches_and_deletes() {
    let Some(curl) = Peer::find("curl") else {
        return;
    };
    let scene = Scene::new().await;
    let home = scene.home.path().to_owned();
    let url = |path: &str| scene.url(path);
    let (all, first, second, top) = (url(""), url("1"), url("2"), url("1%200"));

    let (listing, ids, mail, header) = beside(move || {
        let ask = |arguments: &[&str]| {
            let user = ["-sS", "-u", "notices:sesame"];
            curl.run(&home, user.iter().chain(arguments)).stdout
        };
        let listing = ask(&[&all]);
        let ids = ask(&[&all, "-X", "UIDL"]);
        let mail = ask(&[&second]);
        let header = ask(&[&top, "-X", "TOP"]);
        ask(&[&first, "-X", "DELE", "--head"]);
        (listing, ids, mail, header)
    })
    .await;

    let expected = mails();
    assert_eq!(listing.split(|&b| b == b'\n').count() - 1, expected.len());
    assert_eq!(ids.split(|&b| b == b'\n').count() - 1, expected.len());
    assert_eq!(without_cr(&mail), at_home(&expected[1]));
    assert!(without_cr(&header).ends_with(b"+0000\n\n"));
    assert_eq!(scene.messages_on_server() as usize, expected.len() - 1);
}

#[tokio::test]
async fn curl_trusts_our_certificate_by_stls_and_from_the_first_octet() {
    let Some(curl) = Peer::find("curl") else {
        return;
    };
    let scratch = Scratch::new();
    scratch.deliver(&mails()[0]);
    let certificate =
        Certificate::of_spool(scratch.spool.folder(), &names(&[])).expect("a certificate");
    let plain = Options::default().listeners[0];
    let tls = Listener {
        protection: Protection::Tls,
        ..plain
    };
    let served = scratch
        .serve_with(Options {
            listeners: vec![plain, tls],
            acceptor: Some(certificate.acceptor().expect("an acceptor")),
            ..Options::default()
        })
        .await;
    let trusted = scratch.folder.path().join(".certificate.pem");
    let home = tempfile::tempdir().expect("a home");
    let addresses = served.handle.addresses().to_vec();

    let (by_stls, by_tls) = beside(move || {
        let ask = |arguments: &[&str]| {
            let trusted = trusted.to_str().expect("a path of text");
            let common = ["-sS", "--cacert", trusted, "-u", "notices:sesame"];
            curl.run(home.path(), common.iter().chain(arguments)).stdout
        };
        (
            ask(&[
                "--ssl-reqd",
                &format!("pop3://localhost:{}/1", addresses[0].port()),
            ]),
            ask(&[&format!("pop3s://localhost:{}/1", addresses[1].port())]),
        )
    })
    .await;

    assert_eq!(without_cr(&by_stls), mails()[0]);
    assert_eq!(without_cr(&by_tls), mails()[0]);
    assert_eq!(
        served.events.keywords(),
        [
            "CAPA", "STLS", "CAPA", "AUTH", "RETR", "QUIT", "CAPA", "AUTH", "RETR", "QUIT"
        ]
    );
}

fn without_cr(text: &[u8]) -> Vec<u8> {
    text.iter()
        .copied()
        .filter(|&octet| octet != b'\r')
        .collect()
}

#[tokio::test]
async fn poplib_finds_everything_as_the_rfc_has_it() {
    let Some(python) = Peer::find("python3") else {
        return;
    };
    let scene = Scene::new().await;
    let folder = scene.home.path().join("mails");
    fs::create_dir(&folder).expect("a folder");
    for (n, mail) in mails().iter().enumerate() {
        fs::write(folder.join((n + 1).to_string()), at_home(mail)).expect("a mail");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/poplib_visit.py");
    let (home, port) = (scene.home.path().to_owned(), scene.port().to_string());

    beside(move || {
        python.run(
            &home,
            [
                script.into_os_string(),
                port.into(),
                folder.into_os_string(),
            ],
        )
    })
    .await;

    assert_eq!(scene.messages_on_server() as usize, mails().len() - 1);
}

#[tokio::test]
async fn mpop_fetches_all_and_leaves_it() {
    let Some(mpop) = Peer::find("mpop") else {
        return;
    };
    let scene = Scene::new().await;
    let settings = mpop_settings(&scene, "on");
    let (home, maildir) = (scene.home.path().to_owned(), scene.maildir());

    beside(move || {
        mpop.run(
            &home,
            ["-C".as_ref(), settings.as_os_str(), "notices".as_ref()],
        );
        // Nothing comes twice.
        mpop.run(
            &home,
            ["-C".as_ref(), settings.as_os_str(), "notices".as_ref()],
        )
    })
    .await;

    let expected = mails().iter().map(|mail| at_home(mail)).collect();
    assert_eq!(kept(&maildir), sorted(expected));
    scene.assert_nothing_was_deleted();
}

#[tokio::test]
async fn mpop_fetches_all_and_takes_it_away() {
    let Some(mpop) = Peer::find("mpop") else {
        return;
    };
    let scene = Scene::new().await;
    let settings = mpop_settings(&scene, "off");
    let home = scene.home.path().to_owned();
    scene.maildir();

    beside(move || {
        mpop.run(
            &home,
            ["-C".as_ref(), settings.as_os_str(), "notices".as_ref()],
        )
    })
    .await;

    assert_eq!(scene.messages_on_server(), 0);
    assert_eq!(scene.scratch.octets(), b"");
}

fn mpop_settings(scene: &Scene, keep: &str) -> PathBuf {
    let (port, home) = (scene.port(), scene.home.path().display());
    scene.write(
        "mpoprc",
        &format!(
            "account notices\nhost 127.0.0.1\nport {port}\nuser notices\npassword sesame\n\
             auth user\ntls off\nkeep {keep}\nonly_new on\npipelining on\nreceived_header off\n\
             uidls_file {home}/uidls\ndelivery maildir {home}/mail\n"
        ),
    )
}

#[tokio::test]
async fn getmail_fetches_all_and_leaves_it() {
    /// getmail waits in vain for a child of its own that ended too soon, now and then, and has then to
    /// be run again; a mail that it kept in that run comes a second time.
    const ATTEMPTS: usize = 20;

    let Some(getmail) = Peer::find("getmail") else {
        return;
    };
    let scene = Scene::new().await;
    let (port, home) = (scene.port(), scene.home.path().to_owned());
    let maildir = scene.maildir();
    scene.write(
        "getmailrc",
        &format!(
            "[retriever]\ntype = SimplePOP3Retriever\nserver = 127.0.0.1\nport = {port}\n\
             username = notices\npassword = sesame\ntimeout = 5\n\
             [destination]\ntype = Maildir\npath = {}/\n\
             [options]\ndelete = false\nread_all = false\nverbose = 0\n\
             delivered_to = false\nreceived = false\n",
            maildir.display()
        ),
    );

    let getmail = getmail.not_as_root(&home).expect("a home of its own");
    beside(move || {
        let folder = format!("--getmaildir={}", home.display());
        let ended = (0..ATTEMPTS)
            .map(|_| getmail.attempt(&home, [&folder, "--rcfile=getmailrc"]))
            .find(|output| output.status.success());
        assert!(ended.is_some(), "getmail never came to its end");
        // Nothing comes twice.
        getmail.attempt(&home, [&folder, "--rcfile=getmailrc"])
    })
    .await;

    let mut kept: Vec<Vec<u8>> = kept(&maildir)
        .iter()
        .map(|mail| without_return_path(mail))
        .collect();
    kept.sort();
    kept.dedup();
    let expected = mails().iter().map(|mail| at_home(mail)).collect();
    assert_eq!(kept, sorted(expected));
    scene.assert_nothing_was_deleted();
}

/// getmail adds a Return-Path where there is none.
fn without_return_path(mail: &[u8]) -> Vec<u8> {
    if mail.starts_with(b"Return-Path:") {
        let newline = mail.iter().position(|&b| b == b'\n').expect("a line");
        mail[newline + 1..].to_vec()
    } else {
        mail.to_vec()
    }
}

#[tokio::test]
async fn fetchmail_fetches_all_and_leaves_it() {
    let Some(fetchmail) = Peer::find("fetchmail") else {
        return;
    };
    let scene = Scene::new().await;
    let home = scene.home.path().to_owned();
    let settings = fetchmail_settings(&scene, "keep");

    let (first, second) = beside(move || {
        let arguments = || ["-f".as_ref(), settings.as_os_str(), "--nosyslog".as_ref()];
        let first = fetchmail.attempt(&home, arguments());
        let second = fetchmail.attempt(&home, arguments());
        (first, second)
    })
    .await;

    assert_eq!(first.status.code(), Some(0), "{first:?}");
    assert_eq!(second.status.code(), Some(1), "nothing new: {second:?}");
    let taken = String::from_utf8(fs::read(scene.home.path().join("taken")).expect("the mails"))
        .expect("text");
    for mail in mails() {
        let mail = String::from_utf8(at_home(&mail)).expect("text");
        let body = mail.split_once("\n\n").expect("a body").1;
        assert!(taken.contains(body), "{body}");
    }
    assert_eq!(taken.matches("\nSubject: mail ").count(), mails().len());
    scene.assert_nothing_was_deleted();
}

#[tokio::test]
async fn fetchmail_fetches_all_and_takes_it_away() {
    let Some(fetchmail) = Peer::find("fetchmail") else {
        return;
    };
    let scene = Scene::new().await;
    let home = scene.home.path().to_owned();
    let settings = fetchmail_settings(&scene, "nokeep");

    beside(move || {
        fetchmail.run(
            &home,
            ["-f".as_ref(), settings.as_os_str(), "--nosyslog".as_ref()],
        )
    })
    .await;

    assert_eq!(scene.messages_on_server(), 0);
}

fn fetchmail_settings(scene: &Scene, keep: &str) -> PathBuf {
    let (port, home) = (scene.port(), scene.home.path().display());
    scene.write(
        "fetchmailrc",
        &format!(
            "set no bouncemail\nset pidfile \"{home}/pid\"\npoll 127.0.0.1 protocol pop3 port {port} uidl no dns\n\
             user notices password sesame {keep} sslproto \"\" no rewrite\n\
             mda \"cat >> {home}/taken\"\n"
        ),
    )
}

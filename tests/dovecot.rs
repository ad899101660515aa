//! Our client against Debian's Dovecot: plain, STLS and TLS; first check, nothing new, ten new,
//! withdrawn; a lock that somebody else holds.

use std::{
    fs,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use base64::{Engine, prelude::*};
use hmac::{Hmac, KeyInit, Mac};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tidings::{
    config::Tls,
    poll::report::{Outcome, Summary},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::support::{mailbox::Reader, peer, talk::Talk};

/// Whose the mail is: Debian's nobody.
const OWNER: u32 = 65_534;

/// A Dovecot of our own, with one Maildir account `notices`, password `sesame`.
struct Dovecot {
    folder: tempfile::TempDir,
    port: u16,
    tls_port: u16,
    child: Child,
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let pid = self.child.id();
        // SIGTERM lets the master end its children; it is awaited so that none is left behind.
        let _ = Command::new("kill").arg(pid.to_string()).status();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address")
        .port()
}

/// Dovecot's program, if it is here and may be run: its master wants to be root.
fn program() -> Option<PathBuf> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0);
    peer::find("dovecot").filter(|_| is_root)
}

impl Dovecot {
    /// Starts it with `count` messages; none if Dovecot is not here.
    async fn start(count: u32, locks: bool) -> Option<Dovecot> {
        Dovecot::start_with(count, locks, "plain", &[]).await
    }

    /// The same, with these mechanisms of AUTH and some files more: what is in `extra.conf` is added to
    /// the configuration, and `HOME` in it stands for the folder.
    async fn start_with(
        count: u32,
        locks: bool,
        mechanisms: &str,
        files: &[(&str, &str)],
    ) -> Option<Dovecot> {
        let program = program()?;
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().to_owned();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).expect("permissions");
        for name in [
            "run", "state", "control", "mail", "mail/cur", "mail/new", "mail/tmp",
        ] {
            fs::create_dir(root.join(name)).expect("a folder");
        }
        for name in ["control", "mail", "mail/cur", "mail/new", "mail/tmp"] {
            chown(root.join(name), Some(OWNER), Some(OWNER)).expect("an owner");
        }
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        fs::write(root.join("cert.pem"), cert.pem()).expect("a certificate");
        fs::write(root.join("key.pem"), signing_key.serialize_pem()).expect("a key");
        let (port, tls_port) = (free_port(), free_port());
        let home = root.display();
        fs::write(
            root.join("users"),
            format!("notices:{{PLAIN}}sesame:{OWNER}:{OWNER}::{home}::userdb_mail=maildir:{home}/mail:CONTROL={home}/control:INDEX={home}/control\n"),
        )
        .expect("users");
        // As docs/serving.md recommends it; only the lock is another where a test wants one.
        let lock = if locks { "yes" } else { "no" };
        let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/dovecot");
        let shared = fs::read_to_string(assets.join("shared-mailbox.conf")).expect("the recipe");
        let shared = shared.replace("/etc/dovecot", &home.to_string());
        fs::copy(
            assets.join("shared-mailbox.acl"),
            root.join("shared-mailbox.acl"),
        )
        .expect("the access list");
        let mut extra = String::new();
        for (name, text) in files {
            let text = text.replace("HOME", &home.to_string());
            if *name == "extra.conf" {
                extra = text;
                continue;
            }
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        fs::write(
            root.join("dovecot.conf"),
            format!(
                "base_dir = {home}/run\nstate_dir = {home}/state\nlog_path = {home}/log\n\
                 protocols = pop3\nlisten = 127.0.0.1\ndisable_plaintext_auth = no\n\
                 auth_mechanisms = {mechanisms}\nauth_failure_delay = 0\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n\
                 mail_privileged_group =\n\
                 ssl = yes\nssl_cert = <{home}/cert.pem\nssl_key = <{home}/key.pem\n\
                 service anvil {{\n unix_listener anvil-auth-penalty {{\n mode = 0\n }}\n}}\n\
                 service pop3-login {{\n inet_listener pop3 {{\n port = {port}\n }}\n \
                 inet_listener pop3s {{\n port = {tls_port}\n ssl = yes\n }}\n}}\n\
                 passdb {{\n driver = passwd-file\n args = scheme=PLAIN {home}/users\n}}\n\
                 userdb {{\n driver = passwd-file\n args = {home}/users\n}}\n\
                 {shared}\npop3_lock_session = {lock}\n{extra}\n"
            ),
        )
        .expect("the configuration");
        let child = Dovecot::run(&program, &root);
        let dovecot = Dovecot {
            folder,
            port,
            tls_port,
            child,
        };
        if count > 0 {
            dovecot.deliver(1..=count);
        }
        dovecot.greets().await;
        Some(dovecot)
    }

    fn run(program: &Path, root: &Path) -> Child {
        Command::new(program)
            .arg("-F")
            .arg("-c")
            .arg(root.join("dovecot.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Its children are with it in a group of their own.
            .process_group(0)
            .spawn()
            .expect("dovecot starts")
    }

    /// It is ready when it greets.
    async fn greets(&self) {
        loop {
            if let Ok(socket) = TcpStream::connect(("127.0.0.1", self.port)).await {
                let mut line = String::new();
                let read = BufReader::new(socket).read_line(&mut line).await;
                if read.is_ok() && line.starts_with("+OK") {
                    return;
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Kills all its processes where they stand.
    fn kill(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
        // Its children may go a moment later: as long as one of them has a port nobody else can listen there.
        for port in [self.port, self.tls_port] {
            while TcpListener::bind(("127.0.0.1", port)).is_err() {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
    }

    /// Starts it again where it was.
    async fn restart(&mut self) {
        self.child = Dovecot::run(&program().expect("it was there"), self.folder.path());
        self.greets().await;
    }

    fn deliver(&self, numbers: std::ops::RangeInclusive<u32>) {
        for number in numbers {
            let path = self.path_of(number);
            fs::write(&path, mail(number)).expect("a mail");
            chown(&path, Some(OWNER), Some(OWNER)).expect("an owner");
        }
    }

    /// Each mail is in `cur`, so that Dovecot need not move it; the name gives the order.
    fn path_of(&self, number: u32) -> PathBuf {
        let name = format!("{}.M{number:06}P1.host:2,", 1_700_000_000 + number);
        self.folder.path().join("mail/cur").join(name)
    }

    /// Where a mail lies now: Dovecot notes in the name that somebody has fetched it.
    fn find(&self, number: u32) -> Option<PathBuf> {
        let stem = format!("{}.M{number:06}P1.", 1_700_000_000 + number);
        fs::read_dir(self.folder.path().join("mail/cur"))
            .expect("the folder")
            .map(|entry| entry.expect("an entry").path())
            .find(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with(&stem))
            })
    }

    fn reader(&self, tls: Tls) -> Reader {
        let port = match tls {
            Tls::Implicit => self.tls_port,
            Tls::Starttls | Tls::None => self.port,
        };
        let mut reader = Reader::of(port);
        reader.mailbox.host = "localhost".to_owned();
        reader.mailbox.tls = tls;
        reader.mailbox.ca_file = Some(self.folder.path().join("cert.pem"));
        reader
    }
}

/// A mail with lines that are hard to carry: dots, a long line, 8-bit text, no last newline.
fn mail(number: u32) -> String {
    let day = number % 28 + 1;
    format!(
        "From: Priya <priya@team.example>\nSubject: Notice {number}\n\
         Message-ID: <{number}@team.example>\nDate: {day} Oct 2026 10:00:00 +0000\n\n\
         .\n..\n.dot\nUmlaute: äöü\n{}\nFrom here on\nlast line",
        "long ".repeat(300)
    )
}

/// What of a mail must come through: the stored bytes with CRLF line ends, the last one ended.
fn on_the_wire(stored: &str) -> Vec<u8> {
    let mut wire = stored.replace('\n', "\r\n").into_bytes();
    if !wire.ends_with(b"\r\n") {
        wire.extend_from_slice(b"\r\n");
    }
    wire
}

async fn a_life_of_checks(tls: Tls) {
    // Whichever is offered, it is taken: the password itself travels only where there is nothing better.
    let (mechanisms, taken) = match tls {
        Tls::Implicit => ("plain", "C: AUTH PLAIN"),
        Tls::Starttls | Tls::None => ("plain scram-sha-256", "C: AUTH SCRAM-SHA-256 "),
    };
    let Some(dovecot) = Dovecot::start_with(120, false, mechanisms, &[]).await else {
        return;
    };
    let reader = dovecot.reader(tls);

    let (first, _) = reader.check().await;
    let (second, _) = reader.check().await;
    dovecot.deliver(121..=130);
    let (third, _) = reader.check().await;
    fs::remove_file(dovecot.find(60).expect("it is there")).expect("deleted by somebody");
    let (fourth, _) = reader.check().await;

    assert_eq!(first.outcome, Outcome::Done, "{}", first.dialogue);
    assert!(first.dialogue.contains(taken), "{}", first.dialogue);
    assert_eq!((first.new, first.on_server), (120, Some(120)));
    assert_eq!((second.new, second.octets), (0, 0));
    assert_eq!(third.new, 10);
    assert_eq!((fourth.new, fourth.withdrawn), (0, 1));
    let headlines = reader.headlines();
    assert_eq!(headlines.len(), 130);
    for headline in &headlines {
        let number: u32 = headline.subject["Notice ".len()..]
            .parse()
            .expect("a number");
        let kept = reader.store.mail(headline.id).expect("read").expect("kept");
        assert_eq!(kept, on_the_wire(&mail(number)), "notice {number}");
        assert_eq!(headline.fate.withdrawn.is_some(), number == 60);
    }
    assert!(dovecot.find(1).is_some(), "mail stays on the server");
}

/// Lets one client through to a server, and so many octets of what that says. Gives the port, and how it is
/// known that they have come: by both ends, neither of which is hung up before.
async fn bridge(to: u16, octets: u64) -> (u16, tokio::task::JoinHandle<(TcpStream, TcpStream)>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let task = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.expect("a client");
        let mut server = TcpStream::connect(("127.0.0.1", to))
            .await
            .expect("a server");
        let (from_server, mut to_server) = server.split();
        let (mut from_client, mut to_client) = client.split();
        let mut some = from_server.take(octets);
        tokio::select! {
            _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
            _ = tokio::io::copy(&mut some, &mut to_client) => {}
        }
        (client, server)
    });
    (port, task)
}

/// Kills the server within the large message, the twentieth of forty, and starts it again: nothing is lost, and what
/// was kept does not come again.
async fn kill_within_a_message(dovecot: &mut Dovecot, reader: &mut Reader) {
    let (port, bridge) = bridge(dovecot.port, 400_000).await;
    reader.mailbox.port = Some(port);
    let (killed, ()) = tokio::join!(async { reader.check().await.0 }, async {
        // The twenty newest came before the large one.
        // Who is hung up on tidies up: killed in that, Dovecot leaves a lock behind for a minute or two.
        let ends = bridge.await.expect("it does not panic");
        dovecot.kill();
        drop(ends);
    });
    dovecot.restart().await;
    reader.mailbox.port = Some(dovecot.port);
    let kept = reader.headlines().len();
    let (after, _) = reader.check().await;

    assert!(
        matches!(killed.outcome, Outcome::Unreachable { .. }),
        "{:?}\n{}",
        killed.outcome,
        killed.dialogue
    );
    assert_eq!((killed.new, kept), (20, 20));
    assert_eq!(after.outcome, Outcome::Done, "{}", after.dialogue);
    assert_eq!((after.new, after.withdrawn), (20, 0), "{}", after.dialogue);
    let mut subjects = reader.subjects();
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 40);
}

/// The mail that the server is killed in.
fn large_mail() -> String {
    format!("{}{}", mail(20), "and so on\n".repeat(200_000))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_within_a_message_and_started_again_loses_nothing() {
    let Some(mut dovecot) = Dovecot::start(40, false).await else {
        return;
    };
    fs::write(dovecot.path_of(20), large_mail()).expect("a mail");
    let mut reader = dovecot.reader(Tls::None);

    kill_within_a_message(&mut dovecot, &mut reader).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_of_checks_without_tls() {
    a_life_of_checks(Tls::None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_of_checks_by_stls() {
    a_life_of_checks(Tls::Starttls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_of_checks_by_tls() {
    a_life_of_checks(Tls::Implicit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_nobody_known_is_refused_and_explained() {
    let Some(dovecot) = Dovecot::start(1, false).await else {
        return;
    };
    let mut reader = dovecot.reader(Tls::Implicit);
    reader.mailbox.ca_file = None;

    let (summary, _) = reader.check().await;

    let Outcome::NotSafe { why } = &summary.outcome else {
        panic!("{:?}", summary.outcome);
    };
    assert!(why.contains("self-signed"), "{why}");
    assert!(why.contains("pin_sha256"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_a_failed_sign_in() {
    let Some(dovecot) = Dovecot::start(1, false).await else {
        return;
    };
    let mut reader = dovecot.reader(Tls::None);
    reader.password = secrecy::SecretString::from("wrong");

    let (summary, _) = reader.check().await;

    assert!(
        matches!(summary.outcome, Outcome::SignInFailed { .. }),
        "{:?}",
        summary.outcome
    );
    assert!(!summary.dialogue.contains("wrong"), "{}", summary.dialogue);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maildrop_that_somebody_holds_is_busy_and_then_free() {
    let Some(dovecot) = Dovecot::start(3, true).await else {
        return;
    };
    let holder = TcpStream::connect(("127.0.0.1", dovecot.port))
        .await
        .expect("a session");
    let mut holder = BufReader::new(holder);
    let mut line = String::new();
    holder.read_line(&mut line).await.expect("a greeting");
    for command in ["USER notices", "PASS sesame", "STAT"] {
        holder
            .write_all(format!("{command}\r\n").as_bytes())
            .await
            .expect("sent");
        line.clear();
        holder.read_line(&mut line).await.expect("an answer");
        assert!(line.starts_with("+OK"), "{command}: {line}");
    }
    let reader = dovecot.reader(Tls::None);

    let (busy, _) = reader.check().await;
    holder.write_all(b"QUIT\r\n").await.expect("sent");
    line.clear();
    holder.read_line(&mut line).await.expect("an answer");
    drop(holder);
    let mut free = reader.check().await.0;
    while matches!(free.outcome, Outcome::Busy { .. }) {
        // Dovecot gives the lock back a moment after QUIT.
        free = reader.check().await.0;
    }

    assert!(
        matches!(busy.outcome, Outcome::Busy { .. }),
        "{:?}",
        busy.outcome
    );
    assert_eq!((free.outcome, free.new), (Outcome::Done, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_client_deletes_is_there_again() {
    let Some(dovecot) = Dovecot::start(3, false).await else {
        return;
    };
    let mut talk = Talk::connect(([127, 0, 0, 1], dovecot.port).into()).await;
    talk.hear("+OK").await;
    talk.sign_in().await;
    talk.ask("DELE 1", "+OK").await;
    talk.ask("QUIT", "").await;

    let (first, _) = dovecot.reader(Tls::None).check().await;

    assert_eq!((first.outcome, first.new), (Outcome::Done, 3));
    assert!(dovecot.find(1).is_some());
}

/// The replicated store of docs/serving.md: the two Dovecots synchronise as their replicators do it,
/// and a reader that calls one and then the other sees each notice once.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_may_call_either_of_two_machines_that_replicate() {
    let (Some(one), Some(other)) = (
        Dovecot::start(20, false).await,
        Dovecot::start(0, false).await,
    ) else {
        return;
    };
    let mut reader = one.reader(Tls::None);
    let (first, _) = reader.check().await;
    one.copy_to(&other);
    one.replicate_to(&other);

    reader.mailbox.port = Some(other.port);
    let (second, _) = reader.check().await;
    other.deliver(21..=22);
    let (third, _) = reader.check().await;
    one.replicate_to(&other);
    reader.mailbox.port = Some(one.port);
    let (fourth, _) = reader.check().await;

    assert_eq!((first.outcome, first.new), (Outcome::Done, 20));
    let counts = |summary: &Summary| (summary.new, summary.withdrawn, summary.on_server);
    assert_eq!(counts(&second), (0, 0, Some(20)), "{}", second.dialogue);
    assert_eq!(counts(&third), (2, 0, Some(22)));
    assert_eq!(counts(&fourth), (0, 0, Some(22)), "{}", fourth.dialogue);
    assert_eq!(reader.headlines().len(), 22);
}

impl Dovecot {
    /// Gives another one its mail as it is, before the two are synchronised for the first time.
    fn copy_to(&self, other: &Dovecot) {
        for name in ["mail", "control"] {
            let (from, to) = (
                self.folder.path().join(name),
                other.folder.path().join(name),
            );
            fs::remove_dir_all(&to).expect("a removal");
            let copied = Command::new("cp").arg("-a").arg(from).arg(&to).status();
            assert!(copied.expect("cp runs").success());
        }
        // Indexes are each machine's own.
        let find = Command::new("find")
            .arg(other.folder.path().join("control"))
            .args(["-name", "dovecot*index*", "-delete"])
            .status();
        assert!(find.expect("find runs").success());
    }

    /// Makes the mailboxes of both the same, in both directions.
    fn replicate_to(&self, other: &Dovecot) {
        let doveadm = peer::find("doveadm").expect("it comes with Dovecot");
        let conf = |dovecot: &Dovecot| dovecot.folder.path().join("dovecot.conf");
        let synchronise = || {
            Command::new(&doveadm)
                .arg("-c")
                .arg(conf(self))
                .args(["sync", "-u", "notices"])
                // What the first one hands down would have the second one read its settings.
                .args(["env", "-i"])
                .arg(&doveadm)
                .arg("-c")
                .arg(conf(other))
                .args(["dsync-server", "-u", "notices"])
                .output()
                .expect("doveadm runs")
        };
        let synchronised = synchronise();
        assert!(
            synchronised.status.success(),
            "{}",
            String::from_utf8_lossy(&synchronised.stderr)
        );
    }
}

/// A token as an identity provider gives it out (RFC 7519, HS256), good until then.
fn token(until: jiff::Timestamp) -> String {
    let part = |json: &str| BASE64_URL_SAFE_NO_PAD.encode(json);
    let text = format!(
        "{}.{}",
        part("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"),
        part(&format!(
            "{{\"sub\":\"notices\",\"iat\":1700000000,\"exp\":{}}}",
            until.as_second()
        ))
    );
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"a key of the tests").expect("a key");
    mac.update(text.as_bytes());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{text}.{signature}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_signs_in_by_either_mechanism_and_an_expired_one_is_fetched_anew() {
    for (mechanism, said) in [
        ("oauthbearer", "C: AUTH OAUTHBEARER"),
        ("xoauth2", "C: AUTH XOAUTH2"),
    ] {
        let key = BASE64_STANDARD.encode("a key of the tests");
        let files = [
            (
                "extra.conf",
                "passdb {\n driver = oauth2\n mechanisms = xoauth2 oauthbearer\n args = HOME/oauth2.conf\n}\n",
            ),
            (
                "oauth2.conf",
                "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix=HOME/keys/\n\
                 username_attribute = sub\n",
            ),
            ("keys/default/HS256/default", key.as_str()),
        ];
        let mechanisms = format!("plain {mechanism}");
        let Some(dovecot) = Dovecot::start_with(3, false, &mechanisms, &files).await else {
            return;
        };
        let mut reader = dovecot.reader(Tls::Implicit);
        let (stale, fresh) = (
            token("2024-01-01T00:00:00Z".parse().expect("a time")),
            token("2090-01-01T00:00:00Z".parse().expect("a time")),
        );
        reader.password = secrecy::SecretString::from(stale.clone());
        reader.mailbox.token_command = vec!["echo".to_owned(), fresh.clone()];

        let (summary, _) = reader.check().await;

        assert_eq!(summary.outcome, Outcome::Done, "{}", summary.dialogue);
        assert_eq!(summary.new, 3);
        assert_eq!(
            summary.dialogue.matches(said).count(),
            2,
            "{}",
            summary.dialogue
        );
        assert!(!summary.dialogue.contains(&fresh), "{}", summary.dialogue);
        // Where no better one is to be had, that is said.
        reader.mailbox.token_command = vec!["echo".to_owned(), stale];
        let (refused, _) = reader.check().await;
        let Outcome::SignInFailed { words } = &refused.outcome else {
            panic!("{:?}", refused.outcome);
        };
        assert!(words.contains("token"), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_shown_to_a_server_that_wants_to_see_one() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["ana.team.example".to_owned()]).expect("a certificate");
    let (pem, key) = (cert.pem(), signing_key.serialize_pem());
    let files = [
        (
            "extra.conf",
            "ssl_ca = <HOME/client.pem\nssl_verify_client_cert = yes\nssl_require_crl = no\n\
             auth_ssl_require_client_cert = yes\n",
        ),
        ("client.pem", pem.as_str()),
        ("client.key", key.as_str()),
    ];
    let Some(dovecot) = Dovecot::start_with(2, false, "plain", &files).await else {
        return;
    };
    let mut reader = dovecot.reader(Tls::Implicit);
    let (without, _) = reader.check().await;
    let path = |name| Some(dovecot.folder.path().join(name));
    reader.mailbox.client_cert = path("client.pem");
    reader.mailbox.client_key = path("client.key");
    let key = dovecot.folder.path().join("client.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("permissions");
    let (exposed, _) = reader.check().await;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("permissions");

    let (with, _) = reader.check().await;

    assert!(
        !without.outcome.is_done() && without.new == 0,
        "{:?}",
        without.outcome
    );
    let Outcome::NotSafe { why } = &exposed.outcome else {
        panic!("{:?}", exposed.outcome);
    };
    assert!(why.contains("chmod 600"), "{why}");
    assert_eq!(with.outcome, Outcome::Done, "{}", with.dialogue);
    assert_eq!(with.new, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_format_of_unique_ids_shows_nothing_twice() {
    let before = [("extra.conf", "pop3_uidl_format = %08Xu%08Xv\n")];
    let Some(dovecot) = Dovecot::start_with(30, false, "plain", &before).await else {
        return;
    };
    let reader = dovecot.reader(Tls::None);
    let (first, _) = reader.check().await;
    assert_eq!(first.new, 30, "{}", first.dialogue);
    let star = |headline: &tidings::notice::Headline| headline.marks.starred;
    let starred = [reader.headlines()[4].id];
    let change = tidings::store::marks::Change::Starred(true);
    reader.store.mark(&starred, change).expect("marked");

    let path = dovecot.folder.path().join("dovecot.conf");
    let conf = fs::read_to_string(&path).expect("the configuration");
    fs::write(&path, conf.replace("%08Xu%08Xv", "%v-%u")).expect("written");
    let pid = dovecot.child.id().to_string();
    let reload = Command::new("kill").args(["-HUP", &pid]).status();
    assert!(reload.expect("kill").success());
    // Processes of before serve on for a moment.
    let renumbered = loop {
        let (summary, _) = reader.check().await;
        assert_eq!(
            (summary.new, summary.withdrawn),
            (0, 0),
            "{}",
            summary.dialogue
        );
        if !summary.notes.is_empty() {
            break summary;
        }
    };

    assert_eq!(renumbered.outcome, Outcome::Done, "{}", renumbered.dialogue);
    assert_eq!(
        renumbered.notes[0].as_str(),
        "server renumbered: 30 recognised"
    );
    let kept: Vec<_> = reader.headlines().into_iter().filter(star).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].id, starred[0]);
    let (after, _) = reader.check().await;
    assert_eq!((after.new, after.octets), (0, 0), "{}", after.dialogue);
}

/// The mailbox as an mbox; without dot-locks, which a kill would leave behind for two minutes.
async fn with_mbox(locks: bool) -> Option<Dovecot> {
    let users = format!(
        "notices:{{PLAIN}}sesame:{OWNER}:{OWNER}::HOME::userdb_mail=mbox:HOME/control:INBOX=HOME/mail/inbox\n"
    );
    let locking = "mbox_read_locks = fcntl\nmbox_write_locks = fcntl\nmbox_lock_timeout = 1 secs\n";
    let files = [("users", users.as_str()), ("extra.conf", locking)];
    Dovecot::start_with(0, locks, "plain", &files).await
}

/// Appends these mails to the mbox.
fn append(dovecot: &Dovecot, mails: impl Iterator<Item = String>) {
    let inbox = dovecot.folder.path().join("mail/inbox");
    let mut mbox = fs::read_to_string(&inbox).unwrap_or_default();
    for mail in mails {
        let quoted = mail.replace("\nFrom ", "\n>From ");
        mbox.push_str(&format!(
            "From priya@team.example Thu Nov  5 10:00:00 2026\n{quoted}\n\n"
        ));
    }
    fs::write(&inbox, mbox).expect("a mailbox");
    chown(&inbox, Some(OWNER), Some(OWNER)).expect("an owner");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_mbox_that_somebody_holds_and_a_server_that_is_killed_over_it_lose_nothing() {
    let Some(mut dovecot) = with_mbox(true).await else {
        return;
    };
    append(
        &dovecot,
        (1..=40).map(|number| {
            if number == 20 {
                large_mail()
            } else {
                mail(number)
            }
        }),
    );
    let mut reader = dovecot.reader(Tls::None);
    let mut holder = Talk::connect(([127, 0, 0, 1], dovecot.port).into()).await;
    holder.hear("+OK").await;
    holder.sign_in().await;
    let (busy, _) = reader.check().await;
    holder.ask("QUIT", "+OK").await;
    // Dovecot gives the lock back a moment after QUIT.
    let mut free = Talk::connect(([127, 0, 0, 1], dovecot.port).into()).await;
    free.hear("+OK").await;
    free.sign_in().await;
    free.ask("QUIT", "+OK").await;

    assert!(
        matches!(busy.outcome, Outcome::Busy { .. }),
        "{:?}",
        busy.outcome
    );
    kill_within_a_message(&mut dovecot, &mut reader).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_of_checks_at_an_mbox() {
    let Some(dovecot) = with_mbox(false).await else {
        return;
    };
    let deliver = |numbers: std::ops::RangeInclusive<u32>| append(&dovecot, numbers.map(mail));
    deliver(1..=30);
    let reader = dovecot.reader(Tls::Starttls);

    let (first, _) = reader.check().await;
    let (second, _) = reader.check().await;
    deliver(31..=40);
    let (third, _) = reader.check().await;
    let mut other = Talk::connect(([127, 0, 0, 1], dovecot.port).into()).await;
    other.hear("+OK").await;
    other.sign_in().await;
    other.ask("DELE 5", "+OK").await;
    other.ask("QUIT", "+OK").await;
    let (fourth, _) = reader.check().await;

    assert_eq!(first.outcome, Outcome::Done, "{}", first.dialogue);
    assert_eq!(first.new, 30);
    assert_eq!((second.new, second.octets), (0, 0), "{}", second.dialogue);
    assert_eq!((third.new, third.withdrawn), (10, 0), "{}", third.dialogue);
    // As docs/serving.md sets it up nobody can take anything away.
    let found = (fourth.new, fourth.withdrawn);
    assert_eq!(found, (0, 0), "{}", fourth.dialogue);
    assert_eq!(reader.headlines().len(), 40);
}

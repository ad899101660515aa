//! A server that runs for long: signals, figures, the service manager.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixDatagram,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::Signal;
use tidings::server::{
    certificate::{Certificate, names},
    folder::Folder,
};

use super::signal;
use crate::support::{
    office::mail,
    peer,
    program::{PROGRAM, Person, eventually},
};

/// A running server whose log is read.
struct Serving {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    log: BufReader<std::process::ChildStderr>,
}

impl Serving {
    fn start(person: &Person, arguments: &[&str], environment: &[(&str, &str)]) -> Serving {
        let mut child = Command::new(PROGRAM)
            .env_clear()
            .envs(person.environment())
            .envs(environment.iter().copied())
            .args(["serve", "--spool"])
            .arg(person.path("spool"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        Serving {
            stdout: BufReader::new(child.stdout.take().expect("its stdout")),
            log: BufReader::new(child.stderr.take().expect("its stderr")),
            child,
        }
    }

    /// The next line on stdout, and what stands behind its last slash pair.
    fn address(&mut self) -> SocketAddr {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        let (_, address) = line.trim_end().rsplit_once("://").expect("an address");
        address.parse().expect("an address")
    }

    /// The first line of the log that holds this.
    fn logged(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.log.read_line(&mut line).expect("a line");
            assert!(read > 0, "the log ended before `{words}`");
            if line.contains(words) {
                return line;
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn account(person: &Person, args: &[&str]) {
    let spool = person.path("spool").display().to_string();
    let command = [&["serve", "account"], args, &["--spool", &spool]].concat();
    let mut command = person.bare_command(&command);
    command.write_stdin("sesame\n");
    person.finish(command).expect(0);
}

/// Says lines and hears a line for each.
fn talk(stream: &mut TcpStream, lines: &[&str]) -> Vec<String> {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time");
    let mut answers = Vec::new();
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    for line in lines {
        stream
            .write_all(format!("{line}\r\n").as_bytes())
            .expect("a write");
        let mut answer = String::new();
        reader.read_line(&mut answer).expect("an answer");
        answers.push(answer.trim_end().to_owned());
    }
    answers
}

fn connected(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    let mut greeting = String::new();
    BufReader::new(stream.try_clone().expect("a socket"))
        .read_line(&mut greeting)
        .expect("a greeting");
    assert!(greeting.starts_with("+OK"), "{greeting}");
    stream
}

#[test]
fn the_file_of_accounts_is_reread_without_dropping_a_session() {
    let person = Person::new();
    account(&person, &["add", "notices"]);
    let mut serving = Serving::start(&person, &["--listen", "127.0.0.1:0"], &[]);
    let address = serving.address();
    let mut early = connected(address);
    let signed_in = talk(&mut early, &["USER notices", "PASS sesame"]);
    assert!(signed_in[1].starts_with("+OK"), "{signed_in:?}");

    account(&person, &["add", "editor"]);
    fs::write(
        person.path("spool/accounts.toml"),
        fs::read_to_string(person.path("spool/accounts.toml")).expect("accounts") + "[account",
    )
    .expect("a write");
    signal(&serving.child, Signal::HUP);
    let kept = serving.logged("stay as they were");
    assert!(kept.contains("accounts.toml: line"), "{kept}");

    assert_eq!(talk(&mut early, &["NOOP"]), ["+OK here"]);
    let mut late = connected(address);
    let answers = talk(&mut late, &["USER notices", "PASS sesame"]);
    assert!(answers[1].starts_with("+OK"), "{answers:?}");
}

#[test]
fn a_new_certificate_serves_the_next_connection_and_a_broken_one_none() {
    let person = Person::new();
    account(&person, &["add", "notices"]);
    let write = || {
        let made = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(made.path()).expect("a folder");
        Certificate::of_spool(&folder, &names([])).expect("a certificate");
        for (from, to) in [(".certificate.pem", "cert.pem"), (".key.pem", "key.pem")] {
            fs::copy(made.path().join(from), person.path(to)).expect("a copy");
        }
    };
    write();
    let (cert, key) = (
        person.path("cert.pem").display().to_string(),
        person.path("key.pem").display().to_string(),
    );
    let arguments = [
        "--tls-listen",
        "127.0.0.1:0",
        "--cert",
        &cert,
        "--key",
        &key,
    ];
    let mut serving = Serving::start(&person, &arguments, &[]);
    let address = serving.address();
    let first = seen_certificate(address);

    write();
    signal(&serving.child, Signal::HUP);
    serving.logged("the certificate is read again");
    let second = seen_certificate(address);
    fs::write(person.path("key.pem"), "no key").expect("a write");
    signal(&serving.child, Signal::HUP);
    serving.logged("the certificate stays as it was");

    assert_ne!(first, second);
    assert_eq!(seen_certificate(address), second);
}

/// The certificate that a server shows.
fn seen_certificate(address: SocketAddr) -> Vec<u8> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let connector = async_native_tls::TlsConnector::new().danger_accept_invalid_certs(true);
        let stream = tokio::net::TcpStream::connect(address)
            .await
            .expect("a connection");
        let stream = connector.connect("localhost", stream).await.expect("TLS");
        let certificate = stream.peer_certificate().expect("a look").expect("one");
        certificate.to_der().expect("DER")
    })
}

#[test]
fn figures_are_told_by_the_log_the_socket_and_to_prometheus() {
    let person = Person::new();
    account(&person, &["add", "notices"]);
    let port = free_port();
    let prometheus = format!("127.0.0.1:{port}");
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--prometheus",
        &prometheus,
        "--log",
        "json",
    ];
    let mut serving = Serving::start(&person, &arguments, &[]);
    let address = serving.address();
    let mut client = connected(address);
    talk(&mut client, &["USER notices", "PASS sesame", "STAT"]);
    let spool = person.path("spool").display().to_string();

    let status = ["serve", "status", "--spool", &spool, "--json"];
    let status = person.bare(&status).expect_quiet().json();
    let mut web = TcpStream::connect(&prometheus).expect("a connection");
    web.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("a write");
    let mut page = String::new();
    web.read_to_string(&mut page).expect("a page");
    signal(&serving.child, Signal::USR1);
    let line = serving.logged("sign-ins");
    signal(&serving.child, Signal::TERM);
    serving.logged("ending: SIGTERM");
    assert_eq!(serving.child.wait().expect("it ends").code(), Some(0));
    let nobody = person.bare(&["serve", "status", "--spool", &spool]);

    assert_eq!(status["counters"]["sign_ins"], 1);
    assert_eq!(status["sessions"][0]["account"], "notices");
    assert_eq!(status["sessions"][0]["commands"], 3);
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("\ntidings_sign_ins_total 1\n"), "{page}");
    let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert!(
        line["message"]
            .as_str()
            .is_some_and(|text| text.contains("1 sign-ins")),
        "{line}"
    );
    assert!(nobody.stderr.contains("no server runs over"), "{nobody}");
    assert!(!person.path("spool/.status").exists());
}

/// A port that was free a moment ago; only the option that needs a number takes one.
fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("an address").port()
}

#[test]
fn old_notices_go_at_the_start_and_each_has_its_line_in_the_log() {
    let person = Person::new();
    account(&person, &["add", "notices", "--expire", "30d"]);
    let today = jiff::Timestamp::now()
        .strftime("%a %b %e %H:%M:%S %Y")
        .to_string();
    let mailbox = format!(
        "From a@b Mon Nov  3 10:00:00 2025\nMessage-ID: <old@team.example>\nSubject: old\n\nold\n\n\
         From a@b {today}\nSubject: new\n\nnew\n\n"
    );
    fs::write(person.path("spool/notices"), mailbox).expect("a mailbox");

    let mut serving = Serving::start(&person, &["--listen", "127.0.0.1:0"], &[]);

    let line = serving.logged("expired");
    assert!(
        line.contains("old@team.example") && line.contains("2025-11-03"),
        "{line}"
    );
    eventually("the old one is gone", || {
        let text = fs::read_to_string(person.path("spool/notices")).expect("a mailbox");
        !text.contains("Subject: old") && text.contains("Subject: new")
    });
    let mut client = connected(serving.address());
    let answers = talk(&mut client, &["USER notices", "PASS sesame", "STAT"]);
    assert!(answers[2].starts_with("+OK 1 "), "{answers:?}");
}

#[test]
fn a_service_manager_hears_that_it_is_ready_reloads_and_stops() {
    let person = Person::new();
    account(&person, &["add", "notices"]);
    let socket = person.path("notify");
    let manager = UnixDatagram::bind(&socket).expect("a socket");
    manager
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time");
    let path = socket.display().to_string();
    let serving = Serving::start(
        &person,
        &["--listen", "127.0.0.1:0"],
        &[("NOTIFY_SOCKET", &path)],
    );
    let hear = || {
        let mut words = [0; 256];
        let read = manager.recv(&mut words).expect("a word");
        String::from_utf8_lossy(&words[..read]).into_owned()
    };

    assert!(hear().contains("READY=1"));
    signal(&serving.child, Signal::HUP);
    assert!(hear().contains("RELOADING=1"));
    assert!(hear().contains("READY=1"));
    signal(&serving.child, Signal::TERM);
    assert!(hear().contains("STOPPING=1"));
}

#[test]
fn sockets_that_are_handed_over_are_served() {
    let Some(activate) = peer::find("systemd-socket-activate") else {
        return;
    };
    let person = Person::new();
    account(&person, &["add", "notices"]);
    let lmtp = person.path("lmtp").display().to_string();
    let port = free_port();
    let pop3 = format!("127.0.0.1:{port}");
    let mut child = Command::new(activate)
        .env_clear()
        .envs(person.environment())
        .args(["-l", &pop3, "-l", &lmtp, "--fdname=pop3:lmtp", PROGRAM])
        .args(["serve", "--spool"])
        .arg(person.path("spool"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    eventually("it listens", || TcpStream::connect(&pop3).is_ok());

    let mut mailer = std::os::unix::net::UnixStream::connect(&lmtp).expect("a connection");
    mailer
        .write_all(b"LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<notices@x>\r\nDATA\r\n")
        .expect("a write");
    mailer.write_all(&mail("handed over")).expect("a write");
    mailer.write_all(b"\r\n.\r\nQUIT\r\n").expect("a write");
    let mut said = String::new();
    mailer.read_to_string(&mut said).expect("answers");

    assert!(said.contains("250 2.0.0 <notices> delivered"), "{said}");
    let mut client = connected(pop3.parse().expect("an address"));
    let answers = talk(&mut client, &["USER notices", "PASS sesame", "STAT"]);
    assert!(answers[2].starts_with("+OK 1 "), "{answers:?}");
    child.kill().expect("an end");
    child.wait().expect("an end");
}

#[test]
fn a_log_of_json_says_what_caused_an_error() {
    let person = Person::new();
    account(&person, &["add", "notices"]);
    let mut serving = Serving::start(&person, &["--listen", "127.0.0.1:0", "--log", "json"], &[]);
    serving.address();
    fs::write(person.path("spool/accounts.toml"), "not = [toml").expect("a file");

    signal(&serving.child, Signal::HUP);

    let line = serving.logged("the accounts stay as they were");
    let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let error = line["error"].as_str().expect("an error");
    assert!(
        error.contains("accounts.toml") && error.contains("line 1"),
        "{error}"
    );
}

#[test]
fn a_second_server_over_the_same_spool_does_not_start() {
    let person = Person::new();
    account(&person, &["add", "notices"]);
    let mut serving = Serving::start(&person, &["--listen", "127.0.0.1:0"], &[]);
    let address = serving.address();
    let spool = person.path("spool").display().to_string();

    let second = person.bare(&["serve", "--spool", &spool, "--listen", "127.0.0.1:0"]);

    let second = second.expect(1);
    assert!(
        second
            .stderr
            .contains("a server runs over this spool already"),
        "{}",
        second.stderr
    );
    connected(address);
}

#[test]
fn the_systemd_unit_is_closed_up_well() {
    let Some(analyze) = peer::find("systemd-analyze") else {
        return;
    };
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/systemd/tidings.service");

    // The threshold is in tenths: an exposure of 2.0.
    let ran = Command::new(analyze)
        .args(["security", "--offline=true", "--threshold=20", "--no-pager"])
        .arg(unit)
        .output()
        .expect("it runs");

    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("Overall exposure level"), "{said}");
}

#[test]
fn who_is_started_as_root_becomes_another() {
    if !rustix::process::geteuid().is_root() {
        peer::skipped("root");
        return;
    }
    let person = Person::new();
    fs::create_dir_all(person.path("spool")).expect("a folder");
    let mut everybody = fs::metadata(person.path("."))
        .expect("a folder")
        .permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut everybody, 0o755);
    fs::set_permissions(person.path("."), everybody).expect("a mode");
    std::os::unix::fs::chown(person.path("spool"), Some(65534), Some(65534)).expect("an owner");

    let serving = Serving::start(
        &person,
        &["--listen", "127.0.0.1:0", "--user", "nobody"],
        &[],
    );
    let status = format!("/proc/{}/status", serving.child.id());
    let is_nobody = || {
        fs::read_to_string(&status)
            .is_ok_and(|text| text.contains("Uid:\t65534\t65534\t65534\t65534"))
    };
    eventually("it is nobody", is_nobody);

    let unknown = person.bare(&[
        "serve",
        "--spool",
        &person.path("spool").display().to_string(),
        "--user",
        "nobody-of-this-name",
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(unknown.code, Some(2), "{unknown}");
    assert!(unknown.stderr.contains("there is no user"), "{unknown}");
}

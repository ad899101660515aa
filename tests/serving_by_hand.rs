//! `tidings serve` and `tidings deliver` as programs: words, exit codes, signals.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio},
};

use tempfile::TempDir;

const MAIL: &[u8] = b"From: Anna <anna@team.example>\nSubject: Fire drill\n\nThursday at eleven.\n";

fn tidings(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    command.args(arguments).env_remove("TIDINGS_LOG");
    command
}

fn run(arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = tidings(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    // Who is not interested closes its end.
    let _ = child.stdin.take().expect("stdin").write_all(stdin);
    child.wait_with_output().expect("its end")
}

fn spool() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let made = run(
        &["serve", "passwd", "notices", "--spool", path(&folder)],
        b"sesame\n",
    );
    assert!(made.status.success(), "{made:?}");
    folder
}

fn path(folder: &TempDir) -> &str {
    folder.path().to_str().expect("a path of text")
}

/// The program while it serves.
struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: ChildStderr,
    url: String,
}

impl Serving {
    fn start(folder: &TempDir) -> Serving {
        let mut child = tidings(&["serve", "--spool", path(folder), "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let start = format!("serving {} on ", path(folder));
        let url = line
            .trim_end()
            .strip_prefix(&start)
            .expect("the line that says it is ready");
        Serving {
            url: url.to_owned(),
            stderr: child.stderr.take().expect("stderr"),
            child,
            stdout,
        }
    }

    /// Says these lines and gives all that is answered.
    fn talk(&self, lines: &str) -> String {
        let address = self.url.strip_prefix("pop3://").expect("a plain listener");
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.write_all(lines.as_bytes()).expect("a write");
        let mut answers = String::new();
        stream.read_to_string(&mut answers).expect("answers");
        answers
    }

    /// Ends it by a signal, and gives what it said on stderr.
    fn end(mut self, signal: rustix::process::Signal) -> (Option<i32>, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("a signal");
        let status = self.child.wait().expect("its end");
        let mut log = String::new();
        self.stderr.read_to_string(&mut log).expect("the log");
        let mut more = String::new();
        self.stdout.read_to_string(&mut more).expect("stdout");
        assert_eq!(more, "", "stdout holds one line a listener");
        (status.code(), log)
    }
}

#[test]
fn what_is_delivered_is_served() {
    let folder = spool();
    let serving = Serving::start(&folder);

    let delivered = run(
        &[
            "deliver",
            "notices",
            "--spool",
            path(&folder),
            "--from",
            "anna@team.example",
        ],
        MAIL,
    );

    assert_eq!(delivered.status.code(), Some(0), "{delivered:?}");
    let answers = serving.talk("USER notices\r\nPASS sesame\r\nSTAT\r\nTOP 1 0\r\nQUIT\r\n");
    assert!(answers.contains("\r\n+OK 1 110\r\n"), "{answers}");
    assert!(
        answers.contains("\r\nReturn-Path: <anna@team.example>\r\n"),
        "{answers}"
    );
    let (code, log) = serving.end(rustix::process::Signal::TERM);
    assert_eq!(code, Some(0));
    assert!(log.contains("account=\"notices\""), "{log}");
    assert!(log.contains("commands=USER PASS STAT TOP QUIT"), "{log}");
    assert!(
        !log.contains("sesame") && !log.contains("Fire drill"),
        "{log}"
    );
}

#[test]
fn ctrl_c_ends_it_cleanly() {
    let serving = Serving::start(&spool());

    let (code, _) = serving.end(rustix::process::Signal::INT);

    assert_eq!(code, Some(0));
}

#[test]
fn a_password_is_changed_while_it_serves() {
    let folder = spool();
    let serving = Serving::start(&folder);

    let changed = run(
        &["serve", "passwd", "notices", "--spool", path(&folder)],
        b"other\n",
    );

    assert!(changed.status.success());
    let answers = serving.talk("USER notices\r\nPASS other\r\nQUIT\r\n");
    assert!(answers.contains("+OK the maildrop"), "{answers}");
    serving.end(rustix::process::Signal::TERM);
}

#[test]
fn deliver_speaks_as_mail_servers_expect() {
    let folder = spool();
    let spool = path(&folder);
    let codes = |arguments: &[&str]| run(arguments, MAIL).status.code();

    assert_eq!(codes(&["deliver"]), Some(64));
    assert_eq!(codes(&["deliver", "notices"]), Some(64));
    assert_eq!(
        codes(&["deliver", "notices", "--spool", spool, "--what"]),
        Some(64)
    );
    assert_eq!(codes(&["deliver", "nobody", "--spool", spool]), Some(67));
    assert_eq!(codes(&["deliver", "../etc", "--spool", spool]), Some(67));
    assert_eq!(
        codes(&["deliver", "notices", "--spool", "/nowhere/at/all"]),
        Some(75)
    );
    assert_eq!(codes(&["deliver", "notices", "--spool", spool]), Some(0));
}

#[test]
fn a_mailbox_that_cannot_be_made_is_said_by_code() {
    let folder = spool();
    std::fs::create_dir(folder.path().join("notices")).expect("a folder in the way");

    let output = run(&["deliver", "notices", "--spool", path(&folder)], MAIL);

    assert_eq!(output.status.code(), Some(75), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).starts_with("tidings: cannot deliver to notices:")
    );
}

#[test]
fn a_folder_that_may_not_be_written_is_said_by_code() {
    use std::os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    };

    /// Root may write everywhere, so the delivery is somebody else's then.
    const NOBODY: u32 = 65534;

    let folder = spool();
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    };
    set(&folder.path().join("accounts.toml"), 0o444);
    set(folder.path(), 0o555);
    let mut command = tidings(&["deliver", "notices", "--spool", path(&folder)]);
    if std::fs::metadata(folder.path()).expect("the folder").uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }

    let output = command.stdin(Stdio::null()).output();

    set(folder.path(), 0o755);
    match output {
        Ok(output) => assert_eq!(output.status.code(), Some(75), "{output:?}"),
        // Where the program was built, somebody else may not go.
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied),
    }
}

#[test]
fn a_port_for_root_alone_is_said_with_another_to_take() {
    use std::os::unix::{fs::MetadataExt, process::CommandExt};

    const NOBODY: u32 = 65534;

    let first_free = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        .ok()
        .and_then(|text| text.trim().parse::<u32>().ok());
    if first_free.is_some_and(|first| first <= 110) {
        // Here everybody may listen there.
        return;
    }
    let folder = spool();
    let mut command = tidings(&["serve", "--spool", path(&folder), "--listen", "127.0.0.1"]);
    if std::fs::metadata(folder.path()).expect("the folder").uid() == 0 {
        std::os::unix::fs::chown(folder.path(), Some(NOBODY), None).expect("given away");
        let accounts = folder.path().join("accounts.toml");
        std::os::unix::fs::chown(accounts, Some(NOBODY), None).expect("given away");
        command.uid(NOBODY).gid(NOBODY);
    }

    match command.stdin(Stdio::null()).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success(), "{output:?}");
            assert!(said.contains("port 110 is for root alone"), "{said}");
            assert!(said.contains("--listen 127.0.0.1:1110"), "{said}");
        }
        // Where the program was built, somebody else may not go.
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied),
    }
}

#[test]
fn a_delivery_that_is_killed_leaves_no_half_mail_behind_the_next() {
    const MAILS: usize = 30;
    let folder = spool();
    let mailbox = folder.path().join("notices");
    let mut acknowledged = Vec::new();

    for mail in 0..MAILS {
        let mut child = tidings(&["deliver", "notices", "--spool", path(&folder)])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program");
        let text = format!("Subject: mail {mail}.\n\n{}", "line\n".repeat(mail * 500));
        let _ = child
            .stdin
            .take()
            .expect("stdin")
            .write_all(text.as_bytes());
        if mail % 3 == 0 {
            // At some moment of its work; whichever it is, the rest must hold.
            child.kill().expect("a kill");
        }
        if child.wait().expect("its end").success() {
            acknowledged.push(format!("Subject: mail {mail}.\n"));
        }
    }

    let kept = std::fs::read_to_string(&mailbox).expect("the mailbox");
    let found = tidings::server::mbox::split(kept.as_bytes()).len();
    assert!(acknowledged.len() >= MAILS * 2 / 3);
    assert!((acknowledged.len()..=MAILS).contains(&found));
    for subject in acknowledged {
        assert_eq!(kept.matches(&subject).count(), 1, "{subject}");
    }
}

#[test]
fn accounts_that_cannot_be_read_are_a_matter_of_time() {
    let folder = spool();
    std::fs::write(folder.path().join("accounts.toml"), "[account").expect("a write");

    let output = run(&["deliver", "notices", "--spool", path(&folder)], MAIL);

    assert_eq!(output.status.code(), Some(75), "{output:?}");
}

#[test]
fn accounts_with_a_typo_name_the_key() {
    let folder = spool();
    let file = folder.path().join("accounts.toml");
    let text = std::fs::read_to_string(&file).expect("accounts") + "deletes = \"refused\"\n";
    std::fs::write(&file, text).expect("a write");

    let output = run(
        &["serve", "--spool", path(&folder), "--listen", "127.0.0.1:0"],
        b"",
    );

    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        words.contains("accounts.toml") && words.contains("deletes"),
        "{words}"
    );
}

#[test]
fn a_password_is_not_taken_from_the_arguments() {
    let folder = tempfile::tempdir().expect("a folder");

    let output = run(
        &[
            "serve",
            "passwd",
            "notices",
            "sesame",
            "--spool",
            path(&folder),
        ],
        b"",
    );

    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn beyond_this_machine_it_wants_tls_or_a_word() {
    let folder = spool();

    let output = run(
        &["serve", "--spool", path(&folder), "--listen", "0.0.0.0:0"],
        b"",
    );

    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(words.contains("--plaintext allow"), "{words}");
}

#[test]
fn a_taken_port_is_said_clearly() {
    let folder = spool();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();

    let output = run(
        &["serve", "--spool", path(&folder), "--listen", &address],
        b"",
    );

    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(words.contains("another program listens there"), "{words}");
}

#[test]
fn the_accounts_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = spool();

    let mode = |path: &Path| {
        std::fs::metadata(path)
            .expect("a file")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&folder.path().join("accounts.toml")), 0o600);
}

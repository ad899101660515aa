//! A server whose disk is full, and then read-only: real file systems, which a namespace of its own lets
//! the test mount.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
};

use crate::support::{
    peer,
    program::{PROGRAM, Person},
    talk::Talk,
};

/// A quarter of a MiB to keep mail and something else in. A line on stdin takes that away, the next one makes
/// the disk read-only.
const SCRIPT: &str = r#"
mount -t tmpfs -o size=256k tmpfs "$1"
head -c 65536 /dev/zero >"$1/.filler"
printf 'sesame\n' | "$0" serve account add notices --spool "$1" >/dev/null
"$0" serve --spool "$1" --listen 127.0.0.1:0 --lmtp 127.0.0.1:0 &
trap 'kill $!; wait $!' EXIT
read -r line
rm "$1/.filler"
echo room
read -r line
mount -o remount,ro "$1"
echo read-only
read -r line
mount -o remount,rw "$1"
echo mended
read -r line
"#;

struct Machine {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    _person: Person,
}

impl Machine {
    /// None where nothing can be mounted.
    fn start() -> Option<Machine> {
        let unshare = peer::find("unshare")?;
        let may = Command::new(&unshare).args(["-rm", "true"]).output();
        if !may.is_ok_and(|ran| ran.status.success()) {
            peer::skipped("namespace of its own");
            return None;
        }
        let person = Person::new();
        let disk = person.path("disk");
        std::fs::create_dir_all(&disk).expect("a folder");
        let mut child = Command::new(unshare)
            .args(["-rm", "sh", "-ec", SCRIPT, PROGRAM])
            .arg(&disk)
            .env_clear()
            .envs(person.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        Some(Machine {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().expect("its stdout")),
            child,
            _person: person,
        })
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    fn address(&mut self) -> std::net::SocketAddr {
        let line = self.line();
        let (_, address) = line.rsplit_once("://").expect("an address");
        address.parse().expect("an address")
    }

    /// Goes on in the script, which says this then.
    fn go_on(&mut self, says: &str) {
        let stdin = self.stdin.as_mut().expect("its stdin");
        stdin.write_all(b"now\n").expect("a write");
        assert_eq!(self.line(), says);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Where its stdin ends, so does the script, whatever it was at.
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// Hands over a mail of so many octets, and says what it was answered.
async fn hand_over(mailer: &mut BufStream<TcpStream>, octets: usize) -> String {
    let mut answer = String::new();
    let mail = format!(
        "Subject: {octets}\r\n\r\n{}.",
        "0123456789\r\n".repeat(octets / 12)
    );
    for line in [
        "MAIL FROM:<ann@team.example>",
        "RCPT TO:<notices@team.example>",
        "DATA",
        &mail,
    ] {
        mailer
            .write_all(format!("{line}\r\n").as_bytes())
            .await
            .expect("a write");
        mailer.flush().await.expect("a flush");
        answer.clear();
        mailer.read_line(&mut answer).await.expect("an answer");
    }
    answer
}

async fn messages(talk: &mut Talk) -> Vec<String> {
    talk.ask("UIDL", "+OK").await;
    talk.body().await
}

#[tokio::test]
async fn a_full_disk_and_a_read_only_one_lose_nothing() {
    let Some(mut machine) = Machine::start() else {
        return;
    };
    let (pop3, lmtp) = (machine.address(), machine.address());
    let mut mailer = BufStream::new(TcpStream::connect(lmtp).await.expect("a connection"));
    let mut line = String::new();
    mailer.read_line(&mut line).await.expect("a greeting");
    mailer.write_all(b"LHLO mx\r\n").await.expect("a write");
    mailer.flush().await.expect("a flush");
    while !line.starts_with("250 ") {
        line.clear();
        mailer.read_line(&mut line).await.expect("an answer");
    }

    // Full: what is answered with 250 is there, what does not fit is to come again.
    let mut taken = 0;
    for size in [24_000, 1_200] {
        loop {
            let answer = hand_over(&mut mailer, size).await;
            if answer.starts_with("250 ") {
                taken += 1;
                continue;
            }
            assert!(answer.starts_with("451 4.3.0 "), "{answer}");
            break;
        }
    }
    assert!(taken > 5, "only {taken} were taken");
    let mut talk = Talk::signed_in(pop3).await;
    let before = messages(&mut talk).await;
    assert_eq!(before.len(), taken);

    // A deletion writes what is left anew, and there is no room for that.
    talk.ask("DELE 1", "+OK").await;
    talk.ask("QUIT", "-ERR [SYS/TEMP] ").await;
    let mut talk = Talk::signed_in(pop3).await;
    assert_eq!(messages(&mut talk).await, before);
    for number in 1..=taken {
        talk.ask(&format!("RETR {number}"), "+OK").await;
        talk.body().await;
    }
    talk.ask("QUIT", "+OK").await;
    machine.go_on("room");
    assert!(hand_over(&mut mailer, 1_200).await.starts_with("250 "));

    machine.go_on("read-only");

    let mut talk = Talk::signed_in(pop3).await;
    let before = messages(&mut talk).await;
    assert_eq!(before.len(), taken + 1);
    talk.ask(&format!("RETR {}", before.len()), "+OK").await;
    talk.body().await;
    talk.ask("DELE 1", "+OK").await;
    talk.ask("QUIT", "-ERR [SYS/TEMP] ").await;
    let answer = hand_over(&mut mailer, 1_200).await;
    assert!(answer.starts_with("451 4.3."), "{answer}");
    let mut talk = Talk::signed_in(pop3).await;
    assert_eq!(messages(&mut talk).await, before);

    machine.go_on("mended");

    for number in 2..=taken {
        talk.ask(&format!("DELE {number}"), "+OK").await;
    }
    talk.ask("QUIT", "+OK").await;
    assert!(hand_over(&mut mailer, 1_200).await.starts_with("250 "));
    let now = messages(&mut Talk::signed_in(pop3).await).await;
    assert_eq!(now.len(), 3);
    assert_eq!(now[0], before[0]);
}

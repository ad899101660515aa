//! Mail that others deliver: swaks by LMTP, and a real Postfix by LMTP and by pipe(8).

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustix::process::geteuid;
use tempfile::TempDir;
use tidings::server::{lmtp::socket::Place, options::Options};

use super::beside;
use crate::support::{
    peer::{self, Peer},
    program::{PROGRAM, eventually},
    scratch::Scratch,
};

/// The socket of a server, in a folder that everybody may enter.
fn lmtp(folder: &Path) -> Options {
    Options {
        intakes: vec![Place::Unix(folder.join("lmtp"))],
        ..Options::default()
    }
}

fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), everybody).expect("a mode");
    folder
}

#[tokio::test]
async fn swaks_delivers_by_lmtp() {
    let Some(swaks) = Peer::find("swaks") else {
        return;
    };
    let (scratch, folder) = (Scratch::new(), open_folder());
    scratch.add_account("other");
    let _served = scratch.serve_with(lmtp(folder.path())).await;
    let home = folder.path().to_owned();

    let said = beside(move || {
        let socket = home.join("lmtp").display().to_string();
        let arguments = [
            "--protocol",
            "LMTP",
            "--socket",
            &socket,
            "--from",
            "ann@team.example",
            "--to",
            "notices@team.example,nobody@team.example,other@team.example",
            "--header",
            "Subject: by swaks",
            "--body",
            ".\n..\nFrom here\n",
            "--pipeline",
        ];
        let output = swaks.attempt(&home, arguments);
        String::from_utf8_lossy(&output.stdout).into_owned()
    })
    .await;

    assert!(said.contains("550 5.1.1"), "{said}");
    assert!(said.contains("250 2.0.0 <notices> delivered"), "{said}");
    assert!(said.contains("250 2.0.0 <other> delivered"), "{said}");
    let stored = String::from_utf8(scratch.octets()).expect("text");
    assert!(stored.contains("\n.\n..\n>From here\n"), "{stored}");
}

/// A Postfix of its own, in a folder, that delivers to a transport.
struct Postfix {
    folder: TempDir,
}

impl Postfix {
    /// None, if it is not there or may not be started.
    fn start(transport: &str, master: &str) -> Option<Postfix> {
        peer::find("postfix")?;
        if !geteuid().is_root() {
            peer::skipped("root, which Postfix wants");
            return None;
        }
        let folder = open_folder();
        let at = folder.path().display();
        for name in ["conf", "queue", "data"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {at}/queue\ndata_directory = {at}/data\n\
             command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\n\
             mail_owner = postfix\nsetgid_group = postdrop\nmyhostname = mx.team.example\n\
             mydestination = team.example\nlocal_recipient_maps =\nalias_maps =\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmaillog_file = {at}/log\n\
             maillog_file_prefixes = {at}\nmailbox_transport = {transport}\n"
        );
        fs::write(folder.path().join("conf/main.cf"), main).expect("a file");
        let services = "pickup unix n - n 1 1 pickup\ncleanup unix n - n - 0 cleanup\n\
            qmgr unix n - n 300 1 qmgr\nrewrite unix - - n - - trivial-rewrite\n\
            bounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\n\
            flush unix n - n 1000? 0 flush\nproxymap unix - - n - - proxymap\nlocal unix - n n - - local\n\
            lmtp unix - - n - - lmtp\nerror unix - - n - - error\nretry unix - - n - - error\n\
            discard unix - - n - - discard\nscache unix - - n - 1 scache\nshowq unix n - n - - showq\n\
            postlog unix-dgram n - n - 1 postlogd\n";
        let master = format!("{services}{master}");
        fs::write(folder.path().join("conf/master.cf"), master).expect("a file");
        let owned = Command::new("chown")
            .arg("postfix")
            .arg(folder.path().join("data"))
            .status();
        assert!(owned.expect("chown runs").success());
        let postfix = Postfix { folder };
        assert!(postfix.control("start"), "{}", postfix.log());
        Some(postfix)
    }

    fn control(&self, word: &str) -> bool {
        let status = Command::new(peer::find("postfix").expect("it is there"))
            .arg("-c")
            .arg(self.folder.path().join("conf"))
            .arg(word)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.expect("it runs").success()
    }

    fn send(&self, from: &str, to: &str, mail: &str) {
        let sendmail = Path::new("/usr/sbin/sendmail");
        let mut child = Command::new(sendmail)
            .arg("-C")
            .arg(self.folder.path().join("conf"))
            .args(["-i", "-f", from, to])
            .stdin(Stdio::piped())
            .spawn()
            .expect("sendmail runs");
        let mut stdin = child.stdin.take().expect("its stdin");
        stdin.write_all(mail.as_bytes()).expect("a write");
        drop(stdin);
        assert!(child.wait().expect("an end").success());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until its log has this.
    fn logged(&self, words: &str) {
        eventually(words, || self.log().contains(words));
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.control("abort");
    }
}

const MAIL: &str = "From: Ann <ann@team.example>\nTo: notices@team.example\nSubject: by Postfix\n\n\
    From here on\n.\n..\n";

#[tokio::test]
async fn postfix_delivers_by_lmtp() {
    let (scratch, folder) = (Scratch::new(), open_folder());
    let socket = folder.path().join("lmtp");
    let _served = scratch.serve_with(lmtp(folder.path())).await;
    let Some(postfix) = Postfix::start(&format!("lmtp:unix:{}", socket.display()), "") else {
        return;
    };

    let postfix = beside(move || {
        postfix.send("ann@team.example", "notices@team.example", MAIL);
        postfix.logged("250 2.0.0 <notices> delivered");
        postfix.send("ann@team.example", "nobody@team.example", MAIL);
        postfix.logged("550 5.1.1 there is no such account");
        postfix
    })
    .await;

    let stored = String::from_utf8(scratch.octets()).expect("text");
    assert!(
        stored.contains("Return-Path: <ann@team.example>\n"),
        "{stored}\n{}",
        postfix.log()
    );
    assert!(stored.ends_with("\n>From here on\n.\n..\n\n"), "{stored}");
}

#[tokio::test]
async fn postfix_delivers_by_pipe() {
    let (scratch, folder) = (Scratch::new(), open_folder());
    scratch.add_account("ours");
    scratch.configure("senders = [\"@team.example\"]\n");
    let spool = scratch.folder.path().to_owned();
    // Postfix runs it as nobody, who must own the spool and be able to reach the program.
    let program = folder.path().join("tidings");
    fs::copy(PROGRAM, &program).expect("the program");
    let master = format!(
        "tidings unix - n n - - pipe flags=R user=nobody argv={} deliver ${{user}} --spool {} --from ${{sender}}\n",
        program.display(),
        spool.display()
    );
    let Some(postfix) = Postfix::start("tidings:", &master) else {
        return;
    };
    give_to_nobody(&spool);

    let postfix = beside(move || {
        postfix.send("ann@team.example", "notices@team.example", MAIL);
        postfix.logged("status=sent (delivered via tidings service)");
        // 67 is a user that is not there, 77 a sender that may not: both bounce. 75 waits.
        postfix.send("ann@team.example", "nobody@team.example", MAIL);
        postfix.logged("there is no account `nobody`");
        postfix.send("bob@elsewhere.example", "ours@team.example", MAIL);
        postfix.logged("mail of this sender is not taken here");
        fs::write(spool.join("accounts.toml"), "[account").expect("a write");
        postfix.send("ann@team.example", "notices@team.example", MAIL);
        postfix.logged("status=deferred (temporary failure. Command output: tidings:");
        postfix
    })
    .await;

    let log = postfix.log();
    let bounced = |to: &str| {
        let mut lines = log.lines().filter(|line| line.contains(to));
        lines.any(|line| line.contains("status=bounced"))
    };
    assert!(
        bounced("to=<nobody@team.example>") && bounced("to=<ours@team.example>"),
        "{log}"
    );
    let stored = String::from_utf8(scratch.octets()).expect("text");
    assert_eq!(stored.matches("Subject: by Postfix").count(), 1, "{stored}");
}

fn give_to_nobody(folder: &PathBuf) {
    let owned = Command::new("chown")
        .args(["-R", "nobody"])
        .arg(folder)
        .status();
    assert!(owned.expect("chown runs").success());
}

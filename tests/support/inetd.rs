//! POP3 servers of Debian that a superserver starts, one process for each connection: popa3d, mailutils'
//! pop3d, Courier's. Each has an account `notices` with the password `sesame`, in a mount namespace of its
//! own with accounts of its own: nothing of the machine is touched.

use std::{
    fs,
    os::{
        fd::OwnedFd,
        unix::fs::{MetadataExt, PermissionsExt, chown},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::peer;

/// A server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// popa3d: no CAPA, an mbox.
    Popa3d,
    /// GNU mailutils: an mbox, in which it notes its unique-ids.
    Mailutils,
    /// Courier: a Maildir; no response codes.
    Courier,
}

/// A server that is started for each connection.
pub struct Inetd {
    pub kind: Kind,
    pub port: u16,
    folder: tempfile::TempDir,
    /// After so many octets more the process that serves is killed; none at [`NEVER`].
    left: Arc<AtomicU64>,
    daemon: Option<Child>,
}

const NEVER: u64 = u64::MAX;

/// Whose the mail is, and whose popa3d runs.
const OWNER: u32 = 65_001;
const SERVICE: u32 = 65_002;

/// `sesame` by crypt(3)'s SHA-512, for the test's shadow file alone.
const HASH: &str =
    "$6$ab$s49Kav9xA7KBd9BjQMOO4ezd13JjBmRADPEaB91fkQwMYXxAsajqaToEQRt0wtIbcf9luWIpfnov2oI1x5m4b1";

/// Puts the test's accounts in the place of the machine's, and becomes the program.
const ENTER: &str = "set -e; t=$1; shift; \
     for f in passwd group shadow pam.d; do mount --bind \"$t/$f\" \"/etc/$f\"; done; \
     mount --bind \"$t/mail\" /var/mail; mount --bind \"$t/home\" /home; mount --bind \"$t/lib\" /var/lib; \
     mount --bind \"$t/run\" /run; \
     if [ -d \"$t/courier\" ]; then mount --bind \"$t/courier\" /etc/courier; fi; \
     exec \"$@\"";

const AUTHDAEMON: &str = "/usr/lib/courier/courier-authlib/authdaemond";

impl Drop for Inetd {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            // What it has started ends with it.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

impl Inetd {
    /// Starts one; none if it is not here, or this is not root.
    pub async fn start(kind: Kind) -> Option<Inetd> {
        let is_root = fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0);
        let unshare = peer::find("unshare").filter(|_| is_root)?;
        let program: Vec<PathBuf> = match kind {
            Kind::Popa3d => vec![peer::find("popa3d")?],
            Kind::Mailutils => vec![peer::find("pop3d")?, "--inetd".into(), "--no-config".into()],
            Kind::Courier => {
                let login = peer::find("courierpop3login")?;
                let server = login.with_file_name("courierpop3d");
                vec![login, server, "Maildir".into()]
            }
        };
        let folder = tempfile::tempdir().expect("a folder");
        lay_out(folder.path(), kind);
        let daemon = (kind == Kind::Courier).then(|| {
            let mut command = enter(&unshare, folder.path(), true);
            command.arg(AUTHDAEMON).stdin(Stdio::null());
            let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            child.expect("the daemon starts")
        });
        if daemon.is_some() {
            while !folder.path().join("run/courier/authdaemon/socket").exists() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let left = Arc::new(AtomicU64::new(NEVER));
        let (root, shared) = (folder.path().to_owned(), left.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut command = enter(&unshare, &root, false);
                command.args(&program);
                let left = shared.clone();
                tokio::spawn(async move { serve(command, client, &left).await.ok() });
            }
        });
        Some(Inetd {
            kind,
            port,
            folder,
            left,
            daemon,
        })
    }

    /// After so many octets of the next session its process is killed.
    pub fn kill_after(&self, octets: u64) {
        self.left.store(octets, Ordering::SeqCst);
    }

    /// A mail comes.
    pub fn deliver(&self, number: u32, mail: &str) {
        let path = match self.kind {
            Kind::Popa3d | Kind::Mailutils => {
                let path = self.folder.path().join("mail/notices");
                let mut mbox = fs::read_to_string(&path).unwrap_or_default();
                mbox.push_str("From priya@team.example Thu Nov  5 10:00:00 2026\n");
                mbox.push_str(mail);
                mbox.push('\n');
                fs::write(&path, mbox).expect("a mailbox");
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
                path
            }
            Kind::Courier => {
                let name = format!("{}.M{number:06}.host", 1_700_000_000 + number);
                let path = self
                    .folder
                    .path()
                    .join("home/notices/Maildir/new")
                    .join(name);
                fs::write(&path, mail).expect("a mail");
                path
            }
        };
        chown(path, Some(OWNER), Some(OWNER)).expect("an owner");
    }
}

fn enter(unshare: &Path, root: &Path, is_daemon: bool) -> Command {
    let mut command = Command::new(unshare);
    command.arg("--mount");
    if is_daemon {
        command.args(["--pid", "--fork", "--kill-child"]);
    }
    command
        .args(["sh", "-c", ENTER, "sh"])
        .arg(root)
        // What Courier's superserver says of a connection.
        .env("TCPREMOTEIP", "127.0.0.1")
        .env("TCPREMOTEPORT", "1")
        .env("TCPLOCALIP", "127.0.0.1")
        .env("TCPLOCALPORT", "110")
        .env("MAILDIRPATH", "Maildir")
        .env("LOGIN_DELAY", "0");
    command
}

/// Serves one connection by a process of its own, and kills that where the test wants it.
async fn serve(mut command: Command, client: TcpStream, left: &AtomicU64) -> std::io::Result<()> {
    // A socket for the process alone, so that it is counted what it says.
    let inner = TcpListener::bind("127.0.0.1:0").await?;
    let ours = TcpStream::connect(inner.local_addr()?).await?;
    let (theirs, _) = inner.accept().await?;
    let theirs = theirs.into_std()?;
    theirs.set_nonblocking(false)?;
    let mut child = command
        .stdout(Stdio::from(OwnedFd::from(theirs.try_clone()?)))
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stderr(Stdio::null())
        .spawn()?;
    // It holds the sockets as well.
    drop(command);

    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = ours.into_split();
    let upward = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
    });
    let mut piece = vec![0; 4_096];
    loop {
        let read = from_server.read(&mut piece).await.unwrap_or(0);
        let said = u64::try_from(read).unwrap_or(0);
        let before = left.load(Ordering::SeqCst);
        if before != NEVER {
            if said >= before {
                left.store(NEVER, Ordering::SeqCst);
                child.kill()?;
                break;
            }
            left.store(before - said, Ordering::SeqCst);
        }
        if read == 0 || to_client.write_all(&piece[..read]).await.is_err() {
            break;
        }
    }
    upward.abort();
    drop((to_client, from_server));
    tokio::task::spawn_blocking(move || child.wait()).await??;
    Ok(())
}

/// The accounts, and the places that servers look for.
fn lay_out(root: &Path, kind: Kind) {
    let write = |name: &str, text: &str, mode| {
        let path = root.join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
    };
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("permissions");
    for name in [
        "mail",
        "home",
        "home/notices",
        "lib",
        "lib/popa3d",
        "pam.d",
        "run",
        "run/courier",
        "run/courier/authdaemon",
    ] {
        fs::create_dir(root.join(name)).expect("a folder");
    }
    fs::set_permissions(root.join("mail"), fs::Permissions::from_mode(0o1777))
        .expect("permissions");
    chown(root.join("home/notices"), Some(OWNER), Some(OWNER)).expect("an owner");
    write(
        "passwd",
        &format!(
            "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\n\
             popa3d:x:{SERVICE}:{SERVICE}::/var/lib/popa3d:/bin/sh\n\
             courier:x:{SERVICE}:{SERVICE}::/:/bin/sh\n\
             notices:x:{OWNER}:{OWNER}::/home/notices:/bin/sh\n"
        ),
        0o644,
    );
    write(
        "group",
        &format!(
            "root:x:0:\ndaemon:x:1:\nmail:x:8:\npopa3d:x:{SERVICE}:\ncourier:x:{SERVICE}:\n\
             notices:x:{OWNER}:\n"
        ),
        0o644,
    );
    write(
        "shadow",
        &format!("root:*:19000::::::\npopa3d:*:19000::::::\nnotices:{HASH}:19000::::::\n"),
        0o600,
    );
    for service in ["popa3d", "pop3", "gnu-pop3d", "other"] {
        let rules = "auth required pam_unix.so\naccount required pam_unix.so\n";
        write(&format!("pam.d/{service}"), rules, 0o644);
    }
    if kind == Kind::Courier {
        for name in ["", "/cur", "/new", "/tmp"] {
            let path = root.join(format!("home/notices/Maildir{name}"));
            fs::create_dir(&path).expect("a folder");
            chown(path, Some(OWNER), Some(OWNER)).expect("an owner");
        }
        fs::create_dir(root.join("courier")).expect("a folder");
        write(
            "courier/authdaemonrc",
            "authmodulelist=\"authpam\"\nauthmodulelistorig=\"authpam\"\ndaemons=2\n\
             authdaemonvar=/run/courier/authdaemon\nDEBUG_LOGIN=0\nDEFAULTOPTIONS=\"\"\nLOGGEROPTS=\"\"\n",
            0o644,
        );
    }
}

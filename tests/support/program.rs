//! The program itself, run from outside, by a person with a home, settings and caches of their own.

use std::{
    fmt, fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;
use tidings::{
    config::file,
    store::{Store, search::Query},
};

use super::scratch::PASSWORD;

/// The program that is tested.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_tidings");

/// However busy the machine is, a command that takes longer than this hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who uses the program. All that it leaves is in a folder that is gone afterwards.
pub struct Person {
    folder: tempfile::TempDir,
}

/// How a run of the program went.
pub struct Ran {
    /// The exit code; none if a signal ended it, as after [`PATIENCE`].
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Person {
    /// Somebody without settings.
    pub fn new() -> Person {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["home", "tmp", "run"] {
            let path = folder.path().join(name);
            fs::create_dir(&path).expect("a folder");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("permissions");
        }
        Person { folder }
    }

    /// Somebody with these settings; where the caches are is added.
    pub fn with_settings(settings: &str) -> Person {
        let person = Person::new();
        person.set(settings);
        person
    }

    /// Somebody who reads the mailbox `notices` of a server of the tests.
    pub fn reading(server: SocketAddr) -> Person {
        Person::with_settings(&mailbox("notices", server))
    }

    /// Writes other settings.
    pub fn set(&self, settings: &str) {
        let data = self.data();
        let downloads = self.path("downloads");
        let text = format!(
            "data_dir = \"{}\"\ndownload_dir = \"{}\"\n{settings}",
            data.display(),
            downloads.display()
        );
        fs::write(self.settings(), text).expect("settings");
    }

    /// A place in this person's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn settings(&self) -> PathBuf {
        self.path("tidings.toml")
    }

    /// The folder of the caches.
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The file of the cache of the first mailbox.
    pub fn cache_path(&self) -> PathBuf {
        let settings = file::load(&self.settings()).expect("settings").settings;
        file::cache_path(&settings, &settings.mailboxes[0]).expect("a cache path")
    }

    /// The cache of the first mailbox, opened beside the program.
    pub fn cache(&self) -> Store {
        Store::open(&self.cache_path()).expect("a cache").store
    }

    /// The subjects in the cache, newest first.
    pub fn subjects(&self) -> Vec<String> {
        let headlines = self.cache().headlines(None, 1_000_000).expect("headlines");
        headlines
            .iter()
            .map(|headline| headline.subject.to_string())
            .collect()
    }

    /// How many notices in the cache are found by a query.
    pub fn found(&self, query: &str) -> usize {
        let query = Query::parse(query, &TimeZone::UTC).expect("a query");
        self.cache().search(&query, 1_000_000).expect("hits").len()
    }

    /// The environment of this person's programs: nothing of ours but the way to programs.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |path: PathBuf| path.display().to_string();
        vec![
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("HOME", text(self.path("home"))),
            ("TMPDIR", text(self.path("tmp"))),
            ("XDG_RUNTIME_DIR", text(self.path("run"))),
            ("TZ", "UTC".to_owned()),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("TERM", "xterm-256color".to_owned()),
            ("TIDINGS_TEST_PASSWORD", PASSWORD.to_owned()),
        ]
    }

    /// The program with this person's settings, not yet run.
    pub fn command(&self, arguments: &[&str]) -> assert_cmd::Command {
        let mut command = self.bare_command(arguments);
        command.arg("--config").arg(self.settings());
        command
    }

    /// The same without `--config`.
    pub fn bare_command(&self, arguments: &[&str]) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::new(PROGRAM);
        command
            .env_clear()
            .envs(self.environment())
            .current_dir(self.folder.path())
            .args(arguments)
            .timeout(PATIENCE);
        command
    }

    /// Runs the program with this person's settings.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.finish(self.command(arguments))
    }

    /// Runs the program as it comes, with the platform's settings.
    pub fn bare(&self, arguments: &[&str]) -> Ran {
        self.finish(self.bare_command(arguments))
    }

    /// Runs a command to its end; this person's folder is `~` in what it says.
    pub fn finish(&self, mut command: assert_cmd::Command) -> Ran {
        let output = command.output().expect("the program runs");
        let folder = self.folder.path().display().to_string();
        let text = |bytes: &[u8]| {
            String::from_utf8(bytes.to_vec())
                .expect("the program writes UTF-8")
                .replace(&folder, "~")
        };
        Ran {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// The names in one of this person's folders, sorted.
    pub fn files(&self, folder: &str) -> Vec<String> {
        names(&self.path(folder))
    }
}

/// Waits until something is so that nobody tells of.
#[track_caller]
pub fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The names in a folder, sorted; none if it is not there.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The settings of a mailbox at a server of the tests, which all of its notices are new for.
pub fn mailbox(name: &str, server: SocketAddr) -> String {
    format!(
        "[[mailbox]]\n\
         name = \"{name}\"\n\
         host = \"{}\"\n\
         port = {}\n\
         tls = \"none\"\n\
         user = \"notices\"\n\
         password_env = \"TIDINGS_TEST_PASSWORD\"\n\
         unread_since = \"all\"\n",
        server.ip(),
        server.port()
    )
}

impl Ran {
    /// It ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// It ended with 0 and had nothing to remark.
    #[track_caller]
    pub fn expect_quiet(self) -> Ran {
        let ran = self.expect(0);
        assert_eq!(ran.stderr, "");
        ran
    }

    /// What it wrote, as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The lines that it wrote, each cut at its tabs.
    pub fn rows(&self) -> Vec<Vec<&str>> {
        self.stdout
            .lines()
            .map(|line| line.split('\t').collect())
            .collect()
    }
}

/// As a person would show it to another one.
impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.stdout)?;
        if !self.stderr.is_empty() {
            write!(f, "--- on stderr ---\n{}", self.stderr)?;
        }
        match self.code {
            Some(0) => Ok(()),
            Some(code) => writeln!(f, "--- exit code {code} ---"),
            None => writeln!(f, "--- ended by a signal ---"),
        }
    }
}

//! Programs of others: found, or missed aloud where it matters.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A program that is installed. In CI a missing one fails the test; elsewhere the test is skipped.
pub struct Peer {
    program: PathBuf,
    user: Option<u32>,
}

/// `nobody`, for programs that refuse to deliver as root.
const NOBODY: u32 = 65534;

/// Says that something was not tried, and why not.
#[expect(
    clippy::print_stderr,
    reason = "who runs the tests is to know what was not tried"
)]
pub fn skipped(missing: &str) {
    eprintln!("skipped: no {missing}");
}

/// Where a program is. In CI a missing one fails the test; elsewhere the test is skipped.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")])
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "{program} is not installed"
        );
        skipped(program);
    }
    found
}

impl Peer {
    pub fn find(program: &str) -> Option<Peer> {
        find(program).map(|program| Peer {
            program,
            user: None,
        })
    }

    /// Runs it as somebody else if this is root, who is given the home and all that is in it.
    pub fn not_as_root(mut self, home: &Path) -> io::Result<Peer> {
        if fs::metadata(home)?.uid() == 0 {
            give(home, NOBODY)?;
            self.user = Some(NOBODY);
        }
        Ok(self)
    }

    /// Runs it to its end, with this folder as its home, and expects that it is content.
    pub fn run<S: AsRef<OsStr>>(
        &self,
        home: &Path,
        arguments: impl IntoIterator<Item = S>,
    ) -> Output {
        let output = self.attempt(home, arguments);
        assert!(
            output.status.success(),
            "{} ended with {}\n{}\n{}",
            self.program.display(),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    /// Runs it to its end, whatever that is.
    pub fn attempt<S: AsRef<OsStr>>(
        &self,
        home: &Path,
        arguments: impl IntoIterator<Item = S>,
    ) -> Output {
        let mut command = Command::new(&self.program);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
            .args(arguments)
            .current_dir(home)
            .env("HOME", home)
            .env("FETCHMAILHOME", home)
            .env("LC_ALL", "C")
            .output()
            .expect("a program that is there can be started")
    }
}

fn give(path: &Path, user: u32) -> io::Result<()> {
    std::os::unix::fs::chown(path, Some(user), Some(user))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}

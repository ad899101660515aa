//! How other terminals find a demo that waits for them (`demo --serve`, `--demo-as NAME`).
//!
//! An invitation is a small file in the user's runtime folder, which nobody else can look into. It
//! is gone when the demo ends; a newer demo's takes its place.

use std::{
    fmt, fs,
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    time::Duration,
};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

use crate::config::{Interval, Mailbox, Password, Settings, Tls};

/// What another terminal must know to take part.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
pub struct Invitation {
    /// Where the server listens.
    pub server: SocketAddr,
    /// The account that all use.
    pub account: String,
    /// Its password.
    pub password: String,
    /// The folder with a folder for each reader.
    pub readers: PathBuf,
    /// How often each reader checks, in milliseconds.
    pub check_every: u64,
}

/// An invitation that lies out. Dropping it takes it back.
pub struct Posted {
    path: PathBuf,
    text: String,
}

/// Why there is no joining.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The invitation could not be laid out.
    #[error("cannot write the demo's invitation {path}")]
    Post {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is none.
    #[error("no demo waits for anybody")]
    NoneFound,
    /// The invitation could not be read.
    #[error("cannot read the demo's invitation {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The invitation is not one of ours.
    #[error("the demo's invitation {path} makes no sense")]
    Understand {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The folder belongs to somebody else, who might mean harm.
    #[error("the folder {path} belongs to somebody else or is open to others")]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// The name would not do for a folder.
    #[error(
        "`{name}` is no name for a reader: use letters, digits and dashes, as in --demo-as ana"
    )]
    Name {
        /// The name.
        name: String,
    },
}

impl Invitation {
    /// Finds the invitation that lies out.
    ///
    /// # Errors
    ///
    /// There is none, or it is not to be trusted.
    pub fn find() -> Result<Invitation, Error> {
        Invitation::find_in(&folder())
    }

    /// Finds the invitation in this folder.
    ///
    /// # Errors
    ///
    /// There is none, or it is not to be trusted.
    pub fn find_in(folder: &Path) -> Result<Invitation, Error> {
        let path = folder.join(FILE);
        if !folder.exists() {
            return Err(Error::NoneFound);
        }
        check_ours(folder)?;
        let text = fs::read_to_string(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::NoneFound,
            _ => Error::Read {
                path: path.clone(),
                source,
            },
        })?;
        toml::from_str(&text).map_err(|source| Error::Understand {
            path,
            source: Box::new(source),
        })
    }

    /// Lays the invitation out for this user's other terminals.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn post(&self) -> Result<Posted, Error> {
        self.post_in(&folder())
    }

    /// Lays the invitation out in this folder, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn post_in(&self, folder: &Path) -> Result<Posted, Error> {
        let path = folder.join(FILE);
        let failed = |source| Error::Post {
            path: path.clone(),
            source,
        };
        let text = toml::to_string(self).expect("an invitation has a TOML form");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        check_ours(folder)?;
        // Named temporary files are for their owner alone (0600), and are renamed in one step.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(Posted { path, text })
    }

    /// The settings with which a reader takes part: the one mailbox, and a cache of their own.
    ///
    /// # Errors
    ///
    /// The name would not do for a folder.
    pub fn settings(&self, name: &str) -> Result<Settings, Error> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) {
            return Err(Error::Name {
                name: name.to_owned(),
            });
        }
        let every = Interval(Duration::from_millis(self.check_every));
        Ok(Settings {
            data_dir: Some(self.readers.join(name.to_ascii_lowercase())),
            check_every: every,
            mailboxes: vec![Mailbox {
                name: "notices".to_owned(),
                host: self.server.ip().to_string(),
                port: Some(self.server.port()),
                tls: Tls::None,
                user: self.account.clone(),
                password: Password::new(self.password.clone()),
                ..Mailbox::default()
            }],
            ..Settings::default()
        })
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Invitation({} at {}, ****)", self.account, self.server)
    }
}

impl fmt::Debug for Posted {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Posted({})", self.path.display())
    }
}

impl Drop for Posted {
    fn drop(&mut self) {
        // A newer demo may have laid out its own since then; that one stays.
        if fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The invitation's name within its folder.
const FILE: &str = "demo.toml";

/// Longer names of readers are refused: folders have their limits.
const LONGEST_NAME: usize = 64;

/// Where invitations lie: the platform's runtime folder, else one of the user's own beside the
/// temporary files.
fn folder() -> PathBuf {
    let runtime = etcetera::choose_base_strategy()
        .ok()
        .and_then(|folders| folders.runtime_dir())
        .filter(|folder| folder.is_dir());
    match runtime {
        Some(folder) => folder.join("tidings"),
        None => {
            std::env::temp_dir().join(format!("tidings-{}", rustix::process::getuid().as_raw()))
        }
    }
}

/// Anybody may make a folder among the temporary files, and give it our name.
fn check_ours(folder: &Path) -> Result<(), Error> {
    let is_ours = fs::symlink_metadata(folder).is_ok_and(|metadata| {
        metadata.is_dir()
            && metadata.uid() == rustix::process::geteuid().as_raw()
            && metadata.mode() & 0o077 == 0
    });
    match is_ours {
        true => Ok(()),
        false => Err(Error::NotOurs {
            path: folder.to_owned(),
        }),
    }
}

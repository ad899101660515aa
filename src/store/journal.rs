//! Read marks that follow a person: a folder that some program keeps alike on all of their machines, with
//! a journal in it for each machine.
//!
//! A machine appends to its own journal only, and reads all of them, copies that were made of a conflict
//! too. What holds is decided by [`entry`]; so whatever the folder's program does (late, in part, twice,
//! in another order), all machines end alike once all has come. What cannot be written waits in the cache.

use std::{
    fmt,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::Duration,
};

use parking_lot::Mutex;

use super::{Opened, Store, carried::Version};

pub mod entry;
mod folder;

use entry::{Entry, Machine, Read};

/// One person's journals, from one machine's side.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    machine: Machine,
    /// Held by whoever writes into this machine's journal.
    lock: PathBuf,
    /// Held by whoever is at work in the folder: nobody else begins to wait for one that hangs.
    turn: Mutex<()>,
}

/// Why marks are not carried; they are kept here all the same.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder is not there.
    #[error("the folder {path} cannot be used")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A journal cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The journal.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// This machine's journal cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The journal.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A journal is of a kind that is not known here.
    #[error("{path} was written by a newer tidings: update tidings")]
    Newer {
        /// The journal.
        path: PathBuf,
    },
    /// Somebody has been waiting for the folder for long.
    #[error("the folder {path} does not answer")]
    Hangs {
        /// The folder.
        path: PathBuf,
    },
    /// The cache cannot be used.
    #[error(transparent)]
    Store(#[from] super::Error),
}

/// How long a mark may take to be carried before it goes on without anybody waiting.
const PATIENCE: Duration = Duration::from_secs(2);

/// Entries of this machine's journal beyond which it is written anew, if most of them are outdated.
const WORTH_WRITING_ANEW: usize = 2_000;

impl Journal {
    /// The journals in a folder. Which machine this is stands in the data folder, which is no other
    /// machine's; it is decided at the first time.
    ///
    /// # Errors
    ///
    /// That cannot be read or written down.
    pub fn open(folder: &Path, data_dir: &Path) -> Result<Journal, Error> {
        let lock = data_dir.join("machine");
        let machine = folder::machine(&lock).map_err(|source| Error::Write {
            path: lock.clone(),
            source,
        })?;
        Ok(Journal {
            folder: folder.to_owned(),
            machine,
            lock,
            turn: Mutex::new(()),
        })
    }

    fn name(&self) -> String {
        format!("{}{}", self.machine, folder::ENDING)
    }

    fn path(&self) -> PathBuf {
        self.folder.join(self.name())
    }

    /// The right to write into this machine's journal.
    fn lock(&self) -> Result<File, Error> {
        folder::lock(&self.lock).map_err(|source| self.unwritable(source))
    }

    fn unwritable(&self, source: io::Error) -> Error {
        Error::Write {
            path: self.path(),
            source,
        }
    }
}

/// In hex, as in the journal's name.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl Opened {
    /// The cache, its marks carried by the journals in a folder, if there is one.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn carried_by(mut self, folder: Option<&Path>) -> Result<Opened, super::Error> {
        let Some(folder) = folder else {
            return Ok(self);
        };
        let data_dir = self.store.path().parent().unwrap_or(Path::new("."));
        match Journal::open(folder, data_dir) {
            Ok(journal) => self.store.carry_marks(Arc::new(journal))?,
            // Of a data folder that may not be written; no mark can be made then either.
            Err(error) => tracing::warn!("marks are not carried: {error}"),
        }
        Ok(self)
    }
}

impl Store {
    /// From now on marks are carried by these journals.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn carry_marks(&mut self, journal: Arc<Journal>) -> Result<(), super::Error> {
        match self.begin_to_carry(journal.machine) {
            // What can only be read has no marks to carry.
            Err(super::Error::ReadOnly { .. } | super::Error::Full { .. }) => return Ok(()),
            outcome => outcome?,
        }
        self.journal = Some(journal);
        Ok(())
    }

    /// Takes over what other machines have said, and writes down what this one has; where nothing is
    /// carried, nothing. Gives how many notices' marks have changed.
    ///
    /// # Errors
    ///
    /// A journal cannot be read or written. What could be taken over was; the rest is tried again the next
    /// time.
    pub fn exchange_marks(&self) -> Result<usize, Error> {
        let Some(journal) = &self.journal else {
            return Ok(0);
        };
        let Some(_turn) = journal.turn.try_lock_for(PATIENCE) else {
            return Err(Error::Hangs {
                path: journal.folder.clone(),
            });
        };
        let known = self.journals()?;
        let mut changed = 0;
        let mut trouble = None;
        let present = folder::journals(&journal.folder)?;
        let own = std::fs::symlink_metadata(journal.path());
        if own.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            // None yet, or it is gone: what stood in it is written down again.
            self.note_lost(journal.machine, &[])?;
        }
        for (name, version) in present {
            if known.get(&name) == Some(&version) {
                continue;
            }
            match self.take_over(&journal.folder.join(&name), &name, version) {
                Ok(count) => changed += count,
                Err(error @ Error::Store(_)) => return Err(error),
                // The other journals are read all the same.
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
        self.write_journal()?;
        match trouble {
            Some(error) => Err(error),
            None => Ok(changed),
        }
    }

    fn take_over(&self, path: &Path, name: &str, version: Version) -> Result<usize, Error> {
        let file = folder::read(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        match entry::read(&file) {
            Read::Journal(entries) => {
                let changed = self.merge(&entries, name, version)?;
                if let Some(journal) = &self.journal
                    && name == journal.name()
                {
                    // Whoever has cut it off or put an older one in its place.
                    self.note_lost(journal.machine, &entries)?;
                    self.tidy_journal(journal, entries.len(), version)?;
                }
                Ok(changed)
            }
            Read::Newer => Err(Error::Newer {
                path: path.to_owned(),
            }),
            Read::Foreign => {
                if let Some(journal) = &self.journal
                    && name == journal.name()
                {
                    // Its beginning was destroyed: nobody could read what is added behind it.
                    let _lock = journal.lock()?;
                    let all = self.all_said()?;
                    folder::replace(path, &lines(&all))
                        .map_err(|source| journal.unwritable(source))?;
                    self.note_written(&all)?;
                }
                Ok(self.merge(&[], name, version)?)
            }
        }
    }

    /// Carries what was just marked, for as long as a person does not notice. The marks are kept, whatever
    /// becomes of it; the next check tries again, and says what is wrong.
    pub(super) fn carry(&self) {
        let Some(journal) = self.journal.clone() else {
            return;
        };
        let store = self.clone();
        let (done, ended) = mpsc::channel();
        std::thread::spawn(move || {
            // Whoever is at it takes this along, or the next check does.
            if let Some(turn) = journal.turn.try_lock() {
                let written = store.write_journal();
                // Before it is said to be done: the next mark may be made at once.
                drop(turn);
                // Nobody waits any more if it took long.
                let _ = done.send(written);
            }
        });
        if let Ok(Err(error)) = ended.recv_timeout(PATIENCE) {
            tracing::warn!("marks are not carried yet: {error}");
        }
    }

    /// Writes down what this machine has said since the last time.
    fn write_journal(&self) -> Result<(), Error> {
        let Some(journal) = &self.journal else {
            return Ok(());
        };
        let unwritten = self.unwritten()?;
        if unwritten.is_empty() {
            return Ok(());
        }
        folder::make(&journal.folder)?;
        let _lock = journal.lock()?;
        folder::append(&journal.path(), &lines(&unwritten))
            .map_err(|source| journal.unwritable(source))?;
        // What a program that is killed here writes down once more does no harm.
        Ok(self.note_written(&unwritten)?)
    }

    /// Writes this machine's journal anew if most of it is outdated: what others have said too, for of a
    /// machine that is given up somebody must keep that.
    fn tidy_journal(
        &self,
        journal: &Journal,
        entries: usize,
        version: Version,
    ) -> Result<(), Error> {
        if entries < WORTH_WRITING_ANEW {
            return Ok(());
        }
        let all = self.all_said()?;
        if entries < 2 * all.len() {
            return Ok(());
        }
        let _lock = journal.lock()?;
        // Unless somebody has added to it since it was read.
        if folder::version(&journal.path()) == Some(version) {
            folder::replace(&journal.path(), &lines(&all))
                .map_err(|source| journal.unwritable(source))?;
            self.note_written(&all)?;
        }
        Ok(())
    }
}

fn lines(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        entry::write(entry, &mut text);
    }
    text
}

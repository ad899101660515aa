//! The cache of one mailbox and account (SQLite): notices kept, unique-ids seen, notices read.
//!
//! A notice and its seen mark are one transaction, so that a check that breaks off loses nothing and
//! fetches nothing twice. A [`Store`] is a cheap handle on one connection; its calls block, so
//! blocking threads make them. Several programs may have the file open at once: each sees the
//! others' changes by [`Store::changed_since`].

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior,
    config::DbConfig,
};

pub mod arrival;
mod carried;
pub mod elsewhere;
pub mod headlines;
pub mod index;
mod indexing;
pub mod journal;
mod keep;
mod mail;
pub mod marks;
pub mod moving;
pub mod recognise;
pub mod rules;
mod salvage;
pub mod search;
pub mod seen;
mod succession;
pub mod visits;

/// A handle on one mailbox's cache. Clones share the connection.
#[derive(Clone, Debug)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    path: PathBuf,
    /// Which file of this name is open: another program may put a new one in its place.
    inode: Arc<AtomicU64>,
    /// Whether it can only be read, and because the disk is full.
    access: Arc<AtomicU8>,
    /// How marks are carried to this person's other machines, if they are.
    journal: Option<Arc<journal::Journal>>,
    /// What becomes of notices as they come.
    rules: Arc<rules::Rules>,
}

/// The cache can be read and written.
const WRITABLE: u8 = 0;
/// Nothing may be written where it is.
const READ_ONLY: u8 = 1;
/// The disk is full, too full even for the files that SQLite makes beside it.
const NO_ROOM: u8 = 2;

/// Which file it is, and which of the states that others have given it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Version(u64, i64);

/// A cache that was opened, and what had to be done for it.
#[derive(Debug)]
pub struct Opened {
    /// The cache.
    pub store: Store,
    /// What became of the damaged file, if the cache had to be built anew.
    pub damaged: Option<Aside>,
}

/// A damaged file that was moved aside.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Aside {
    /// Where it is now.
    pub path: PathBuf,
    /// How many notices' marks could be read from it.
    pub notices: usize,
}

impl Aside {
    /// What became of the marks, in words.
    pub fn marks(&self) -> &'static str {
        match self.notices {
            0 => "its marks could not be read",
            _ => "its marks were saved",
        }
    }
}

/// Why the cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder could not be made.
    #[error("cannot make the folder {path}")]
    MakeFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file could not be opened.
    #[error("cannot open the saved notices in {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A newer version of this program has written the file.
    #[error(
        "{path} was written by a newer tidings (schema {found}, this one knows {known}): update tidings"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// The file is damaged.
    #[error("the saved notices in {path} are damaged")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The damaged file could not be moved aside.
    #[error("cannot move the damaged {path} aside")]
    MoveAside {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The disk is full.
    #[error("cannot save in {path}: disk full")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot save in {path}: it may not be written")]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error("cannot use the saved notices in {path}")]
    Use {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
}

/// The steps of the schema, oldest first. A released one never changes.
const SCHEMA: [&str; 11] = [
    include_str!("store/schema/001.sql"),
    include_str!("store/schema/002.sql"),
    include_str!("store/schema/003.sql"),
    include_str!("store/schema/004.sql"),
    include_str!("store/schema/005.sql"),
    include_str!("store/schema/006.sql"),
    include_str!("store/schema/007.sql"),
    include_str!("store/schema/008.sql"),
    include_str!("store/schema/009.sql"),
    include_str!("store/schema/010.sql"),
    include_str!("store/schema/011.sql"),
];

/// The step of the schema after which the notices kept before are read anew for what they say of
/// themselves.
const READ_ANEW: usize = 9;

/// The step since which the identifiers of lists are noted.
const WITH_LIST_IDS: usize = 10;

/// Marks the file as ours: "tidn" (SQLite file format §1.3).
const APPLICATION_ID: i64 = 0x7469_646e;

/// A write-ahead log of fewer octets than this is left for the next time, which reads it in a few milliseconds.
/// SQLite folds back longer ones while it writes.
const SHORT_LOG: u64 = 4 * 1024 * 1024;

/// How long another program's transaction is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait before a file that another program is making is opened again.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

impl Store {
    /// Opens a mailbox's cache, making it if there is none. A damaged file is moved aside, its
    /// marks are saved as far as they can be read, and a new one is made.
    ///
    /// # Errors
    ///
    /// The file cannot be used; its notices and marks are as they were.
    pub fn open(path: &Path) -> Result<Opened, Error> {
        salvage::finish(path)?;
        let inode = salvage::inode(path);
        match Store::open_sound(path) {
            Err(Error::Damaged { .. }) => {
                let damaged = salvage::replace(path, inode)?;
                let store = Store::open_sound(path)?;
                Ok(Opened { store, damaged })
            }
            outcome => outcome.map(|store| Opened {
                store,
                damaged: None,
            }),
        }
    }

    /// Builds the cache anew after a call has found it damaged, and says where the old file is; none
    /// if another program has built it anew meanwhile.
    ///
    /// # Errors
    ///
    /// No new one can be made, or the old one cannot be moved: it is still in its place then.
    pub fn rebuild(&self) -> Result<Option<Aside>, Error> {
        let mut connection = self.lock_as_it_is();
        // The old file must be closed before it is moved; nothing is kept in memory meanwhile.
        *connection = Connection::open_in_memory().map_err(|source| self.error(source))?;
        let inode = self.inode.load(Ordering::Relaxed);
        let replaced = salvage::replace(&self.path, inode);
        // The new one; or the damaged one, which the next call finds damaged again.
        *connection = Connection::open(&self.path).map_err(|source| self.error(source))?;
        let prepared = prepare(&mut connection);
        self.inode
            .store(salvage::inode(&self.path), Ordering::Relaxed);
        drop(connection);
        let aside = replaced?;
        prepared.map_err(|source| self.error(source))?;
        Ok(aside)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open_sound(path: &Path) -> Result<Store, Error> {
        let (connection, access) = open_connection(path)?;
        Ok(Store {
            connection: Arc::new(Mutex::new(connection)),
            path: path.to_owned(),
            inode: Arc::new(AtomicU64::new(salvage::inode(path))),
            access: Arc::new(AtomicU8::new(access)),
            journal: None,
            rules: Arc::default(),
        })
    }

    /// Runs `read` on the connection.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        read(&self.lock()).map_err(|source| self.error(source))
    }

    /// Runs `write` as one transaction that a loss of power may undo: for what can be spared. It
    /// does not wait for the disk.
    fn write_lightly<T>(
        &self,
        write: impl FnOnce(&Transaction) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let mut connection = self.lock_to_write();
        let outcome = (|| {
            connection.execute_batch("PRAGMA synchronous = NORMAL")?;
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = write(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })();
        let restored = connection.execute_batch("PRAGMA synchronous = FULL");
        outcome
            .and_then(|value| restored.map(|()| value))
            .map_err(|source| self.error(source))
    }

    /// Runs `write` as one transaction, with the number of the change that it is.
    fn write<T>(
        &self,
        write: impl FnOnce(&Transaction, i64) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let mut connection = self.lock_to_write();
        let outcome = (|| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let change: i64 = transaction
                .prepare_cached(
                    "UPDATE state SET value = CAST(value AS INTEGER) + 1 WHERE name = 'change' \
                     RETURNING CAST(value AS INTEGER)",
                )?
                .query_row([], |row| row.get(0))?;
            let value = write(&transaction, change)?;
            transaction.commit()?;
            Ok(value)
        })();
        outcome.map_err(|source| self.error(source))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        let mut connection = self.lock_as_it_is();
        // Another program has put a new file into the damaged one's place: what was written into the
        // old one would be lost.
        let present = salvage::inode(&self.path);
        if present != 0
            && present != self.inode.load(Ordering::Relaxed)
            && let Ok((opened, access)) = open_connection(&self.path)
        {
            *connection = opened;
            self.access.store(access, Ordering::Relaxed);
            self.inode.store(present, Ordering::Relaxed);
        }
        connection
    }

    fn lock_as_it_is(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, source: rusqlite::Error) -> Error {
        match classify(&self.path, source) {
            Error::ReadOnly { path } if self.access.load(Ordering::Relaxed) == NO_ROOM => {
                Error::Full { path }
            }
            error => error,
        }
    }

    /// The connection to write to: once there is room again, or writing is allowed again, one that
    /// could only be read is opened anew.
    fn lock_to_write(&self) -> MutexGuard<'_, Connection> {
        let mut connection = self.lock();
        if self.access.load(Ordering::Relaxed) != WRITABLE
            && let Ok((opened, WRITABLE)) = open_connection(&self.path)
        {
            *connection = opened;
            self.access.store(WRITABLE, Ordering::Relaxed);
        }
        connection
    }

    /// What is remembered under this name, for example which way of signing in has worked.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn remembered(&self, name: &str) -> Result<Option<String>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT value FROM state WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()
        })
    }

    /// Remembers something under a name; nothing at all with `None`. A loss of power may undo it, never
    /// what was kept before and not this.
    ///
    /// # Errors
    ///
    /// The cache cannot be written.
    pub fn remember(&self, name: &str, value: Option<&str>) -> Result<(), Error> {
        if self.remembered(name)?.as_deref() == value {
            return Ok(());
        }
        self.write_lightly(|transaction| {
            match value {
                Some(value) => put_state(transaction, name, value)?,
                None => {
                    transaction.execute("DELETE FROM state WHERE name = ?1", [name])?;
                }
            }
            Ok(())
        })
    }

    /// What differs once another program, or another handle that is no clone of this one, has changed the
    /// cache, and once it was built anew.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn version(&self) -> Result<Version, Error> {
        let number = self
            .read(|connection| connection.query_row("PRAGMA data_version", [], |row| row.get(0)))?;
        Ok(Version(self.inode.load(Ordering::Relaxed), number))
    }

    /// Caps the file at so many pages, as a quota does.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn cap(&self, pages: u32) -> Result<(), Error> {
        self.read(|connection| {
            connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
        })
    }

    /// Lets nothing be written any more, as a disk does that has become read-only; or again.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn set_read_only(&self, is_read_only: bool) -> Result<(), Error> {
        self.lock()
            .pragma_update(None, "query_only", is_read_only)
            .map_err(|error| self.error(error))
    }

    /// Tidies up before the program ends: statistics, and the write-ahead log.
    pub fn close(&self) {
        let connection = self.lock();
        // All of it is for speed alone: the next start does without.
        let _ = connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA optimize");
        // Folding the log back waits for the disk; a short log can wait for the next time.
        let log = salvage::with_suffix(&self.path, "-wal");
        if fs::metadata(log).is_ok_and(|log| log.len() < SHORT_LOG) {
            let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }
}

/// Remembers something under a name.
fn put_state(transaction: &Transaction, name: &str, value: &str) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO state VALUES (?1, ?2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )?
        .execute([name, value])
        .map(drop)
}

/// Opens a cache, for writing too if that is possible.
fn open_connection(path: &Path) -> Result<(Connection, u8), Error> {
    let classified = |source| match classify(path, source) {
        Error::Use { path, source } => Error::Open { path, source },
        error => error,
    };
    make_private(path)?;
    let until = Instant::now() + BUSY_TIMEOUT;
    let opened = loop {
        let opened = Connection::open(path).and_then(|mut connection| {
            prepare(&mut connection)?;
            Ok(connection)
        });
        let code = opened
            .as_ref()
            .err()
            .and_then(rusqlite::Error::sqlite_error_code);
        // While another program makes the same file SQLite does not wait for its log by itself.
        if code != Some(ErrorCode::DatabaseBusy) || Instant::now() > until {
            break opened;
        }
        thread::sleep(BUSY_PAUSE);
    };
    let (mut connection, access) = match opened {
        Ok(connection) => (connection, WRITABLE),
        Err(error) => match open_read_only(path, &error) {
            Some(read_only) => read_only,
            None => return Err(classified(error)),
        },
    };

    let version = |connection: &Connection, name: &str| {
        connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0))
    };
    let found = version(&connection, "user_version").map_err(classified)?;
    let application = version(&connection, "application_id").map_err(classified)?;
    let known = SCHEMA.len() as i64;
    let is_foreign = application != APPLICATION_ID && (application != 0 || found != 0);
    if is_foreign {
        return Err(Error::Damaged {
            path: path.to_owned(),
            source: rusqlite::Error::InvalidQuery,
        });
    }
    if found > known {
        return Err(Error::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    if found < known && access != WRITABLE {
        return Err(match access {
            NO_ROOM => Error::Full {
                path: path.to_owned(),
            },
            _ => Error::ReadOnly {
                path: path.to_owned(),
            },
        });
    }
    if found < known {
        migrate(&mut connection).map_err(classified)?;
    }
    Ok((connection, access))
}

/// Opens a cache where nothing may be written, not even the files that readers make beside it: what
/// is saved can be read all the same. None if that is not what the error is about.
fn open_read_only(path: &Path, error: &rusqlite::Error) -> Option<(Connection, u8)> {
    let access = match error.sqlite_error_code()? {
        ErrorCode::CannotOpen | ErrorCode::ReadOnly => READ_ONLY,
        // There was no room for the index of the log, which SQLite does not call by that name.
        ErrorCode::DiskFull | ErrorCode::SystemIoFailure => NO_ROOM,
        _ => return None,
    };
    // A file of no octets was to become one.
    if fs::metadata(path).is_ok_and(|file| !file.is_file() || file.len() == 0) {
        return None;
    }
    let mut url = url::Url::from_file_path(std::path::absolute(path).ok()?).ok()?;
    url.set_query(Some("immutable=1"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(url.as_str(), flags).ok()?;
    Some((connection, access))
}

/// Makes the file, readable by its owner alone: SQLite gives its companions the same mode.
fn make_private(path: &Path) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|source| Error::MakeFolder {
                path: folder.to_owned(),
                source,
            })?;
    }
    // A file that cannot be made is reported by SQLite, which has to open it anyway.
    let _ = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    Ok(())
}

/// So much is written to the log before it is folded back.
const LOG_OCTETS: u32 = 16_000_000;

fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Statements are planned once: otherwise those that a partial index might serve are planned
    // anew for each value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // 16 KB pages: a mail of ordinary size takes one, and writing it fewer calls (a first check 6 % less time than
    // with 8 KB, for 4 % more room).
    connection.execute_batch(
        "PRAGMA page_size = 16384;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA journal_size_limit = 33554432;
         PRAGMA cache_size = -4096;
         PRAGMA temp_store = MEMORY;
         PRAGMA mmap_size = 0;",
    )?;
    // A cache of before has pages of 8 KB.
    let page = connection.query_row("PRAGMA page_size", [], |row| row.get::<_, u32>(0))?;
    let pages = LOG_OCTETS / page.max(512);
    connection.execute_batch(&format!("PRAGMA wal_autocheckpoint = {pages}"))
}

fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    // Another program may have done it while this one waited for the lock.
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let done = usize::try_from(found).unwrap_or(SCHEMA.len());
    for step in SCHEMA.iter().skip(done) {
        transaction.execute_batch(step)?;
    }
    if done < READ_ANEW {
        succession::read_anew(&transaction)?;
    } else if done < WITH_LIST_IDS {
        succession::read_list_ids(&transaction)?;
    }
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {};",
        SCHEMA.len()
    ))?;
    transaction.commit()
}

fn is_impossible(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as Its;

    matches!(
        error,
        Its::FromSqlConversionFailure(..)
            | Its::IntegralValueOutOfRange(..)
            | Its::InvalidColumnType(..)
            | Its::Utf8Error(..)
            // What may be missing is asked for as such: here an index has what its table has not.
            | Its::QueryReturnedNoRows
    )
}

fn classify(path: &Path, source: rusqlite::Error) -> Error {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        // Each column holds what its table says: what it cannot hold was not written by anybody.
        None if is_impossible(&source) => Error::Damaged { path, source },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            Error::Damaged { path, source }
        }
        Some(ErrorCode::DiskFull) => Error::Full { path },
        Some(ErrorCode::ReadOnly) => Error::ReadOnly { path },
        _ => Error::Use { path, source },
    }
}

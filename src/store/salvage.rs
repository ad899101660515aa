//! What is saved out of a damaged cache: all marks, the notices' ids, what was remembered of the
//! server, and the notices that no server has any more.

use std::{
    fs, io,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use jiff::Zoned;
use rusqlite::{Connection, OpenFlags, Row, params};

use super::{Aside, Error, Store, index, put_state, succession};
use crate::notice::{NoticeId, headline::Digest};

/// Puts a new cache with all that can be saved in the place of a damaged one, and says where that is
/// now; none if another program has done so already, as the file is not the one of this inode any
/// more. Whatever fails, fails while the damaged file is still in its place.
pub(super) fn replace(path: &Path, damaged: u64) -> Result<Option<Aside>, Error> {
    let _lock = lock(path)?;
    if inode(path) != damaged {
        return Ok(None);
    }
    let fresh = with_suffix(path, FRESH);
    // What an earlier try has left.
    remove_all(&fresh, &["", "-wal", "-shm"])?;
    let store = Store::open_sound(&fresh)?;
    let notices = store.salvage(path)?;
    // The last one out puts all of it into the one file.
    drop(store);
    let aside = move_aside(path)?;
    rename(&fresh, path)?;
    Ok(Some(Aside {
        path: aside,
        notices,
    }))
}

/// Puts a new cache into its place that was ready when the program that had made it was killed.
pub(super) fn finish(path: &Path) -> Result<(), Error> {
    let fresh = with_suffix(path, FRESH);
    if path.exists() || !fresh.exists() {
        return Ok(());
    }
    let _lock = lock(path)?;
    if !path.exists() && fresh.exists() {
        // The damaged one's log may still be here: it must not be taken for the new one's.
        remove_all(path, &["-wal", "-shm"])?;
        rename(&fresh, path)?;
    }
    Ok(())
}

/// A new cache, until it takes the place of the damaged one.
const FRESH: &str = ".new";

/// Keeps other programs from doing the same at the same time, until it is dropped.
fn lock(path: &Path) -> Result<fs::File, Error> {
    let path = with_suffix(path, ".lock");
    let failed = |source| Error::MoveAside {
        path: path.clone(),
        source,
    };
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
        .map_err(|error| failed(error.into()))?;
    Ok(file)
}

/// Tells a file from another one of the same name; 0 if there is none.
pub(super) fn inode(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.ino())
}

/// Removes the files of these endings, where they are.
fn remove_all(path: &Path, endings: &[&str]) -> Result<(), Error> {
    for companion in endings {
        match fs::remove_file(with_suffix(path, companion)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                let path = path.to_owned();
                return Err(Error::MoveAside { path, source });
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Gives a file that is not open another name.
fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(|source| Error::MoveAside {
        path: from.to_owned(),
        source,
    })
}

/// Renames a damaged file and its companions, and gives the new name.
fn move_aside(path: &Path) -> Result<PathBuf, Error> {
    let stamp = Zoned::now().strftime("%Y-%m-%d-%H%M%S").to_string();
    let mut aside = with_suffix(path, &format!(".damaged-{stamp}"));
    let mut number = 2;
    while aside.exists() {
        aside = with_suffix(path, &format!(".damaged-{stamp}-{number}"));
        number += 1;
    }
    for companion in ["", "-wal", "-shm"] {
        let from = with_suffix(path, companion);
        match fs::rename(&from, with_suffix(&aside, companion)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::MoveAside { path: from, source }),
        }
    }
    Ok(aside)
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

impl Store {
    /// Takes over from a damaged file whatever can still be read: of a file that is no cache at all,
    /// nothing. Gives how many notices' marks that were.
    ///
    /// # Errors
    ///
    /// The marks that were read cannot be saved here.
    fn salvage(&self, damaged: &Path) -> Result<usize, Error> {
        pad(damaged);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let Ok(old) = Connection::open_with_flags(damaged, flags) else {
            return Ok(0);
        };
        let (marks, remembered) = (read_marks(&old), read_state(&old));
        let unwritten = read_unwritten(&old);
        let mut notices = self.write(|transaction, _| {
            let mut statement = transaction
                .prepare_cached("INSERT OR IGNORE INTO salvaged VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            let mut saved = 0;
            for mark in &marks {
                saved +=
                    statement.execute(params![mark.0, mark.1, mark.2, mark.3, mark.4, mark.5])?;
            }
            // The number of the last change too: whoever has the cache open goes on from there.
            for (name, value) in &remembered {
                put_state(transaction, name, value)?;
            }
            let mut statement = transaction
                .prepare_cached("INSERT OR IGNORE INTO carried VALUES (?, ?, ?, ?, ?, ?, 0)")?;
            for said in unwritten {
                statement.execute(params![said.0, said.1, said.2, said.3, said.4, said.5])?;
            }
            Ok(saved)
        })?;
        for (columns, bytes) in read_withdrawn(&old) {
            // One that cannot be taken over does not keep the others from it.
            let taken = self.write(|transaction, change| {
                let mut values = columns;
                values.push(change.into());
                let marks = vec!["?"; values.len()].join(", ");
                transaction.execute(
                    &format!("INSERT INTO notice ({WITHDRAWN_COLUMNS}, changed) VALUES ({marks})"),
                    rusqlite::params_from_iter(values),
                )?;
                let id = transaction.last_insert_rowid();
                transaction.execute("INSERT INTO mail VALUES (?1, ?2)", params![id, bytes])?;
                let digest = Digest::of(&bytes, jiff::Timestamp::now());
                succession::note(
                    transaction,
                    NoticeId(id),
                    &digest.headline,
                    &digest.succession,
                )?;
                let entry = index::Entry::of(digest.search_text);
                index::add(transaction, NoticeId(id), &entry)?;
                Ok(())
            });
            notices += usize::from(taken.is_ok());
        }
        Ok(notices)
    }
}

type Mark = (Vec<u8>, Vec<u8>, bool, bool, bool, Option<i64>);

/// Gives a file that was torn off its length again, the end being nothing: SQLite reads none that is shorter than it
/// says of itself, not even what is there. Whatever fails here fails there.
fn pad(damaged: &Path) {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    const LONGEST: u64 = 16 << 30;

    let Ok(file) = fs::OpenOptions::new().read(true).write(true).open(damaged) else {
        return;
    };
    // Page size and pages (SQLite's file format, §1.3).
    let mut header = [0; 32];
    if file.read_exact_at(&mut header, 0).is_err() || !header.starts_with(MAGIC) {
        return;
    }
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        octets => u64::from(octets),
    };
    let pages = u32::from_be_bytes([header[28], header[29], header[30], header[31]]);
    let whole = u64::from(pages) * page;
    let length = file.metadata().map_or(u64::MAX, |file| file.len());
    if length < whole && whole <= LONGEST {
        let _ = file.set_len(whole);
    }
}

const MARKS: &str = "headers_digest, body_digest, read, starred, muted";

fn mark(row: &Row) -> rusqlite::Result<Mark> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
    ))
}

/// The marks and the id of every notice that can be read, before, between and behind the damage; and what was saved of
/// an earlier damage and waits for its notices still.
fn read_marks(old: &Connection) -> Vec<Mark> {
    let mut marks = Vec::new();
    // Up to this one all was read, or cannot be; up to that one it was read.
    let (mut behind, mut read_to, mut step) = (0i64, 0i64, 1i64);
    while behind < i64::MAX {
        let select = format!("SELECT {MARKS}, id FROM notice WHERE id > {behind} ORDER BY id");
        let (read, is_all) = rows_until_damage(old, &select, mark);
        let ids = || read.iter().filter_map(|mark| mark.5);
        let (first, last) = (ids().min(), ids().max());
        if let Some(first) = first.filter(|_| behind > read_to) {
            // What was stepped over, from its end.
            let select = format!(
                "SELECT {MARKS}, id FROM notice WHERE id > {read_to} AND id < {first} \
                 ORDER BY id DESC"
            );
            marks.extend(rows(old, &select, mark));
        }
        match last.filter(|last| *last > behind) {
            _ if is_all => behind = i64::MAX,
            Some(last) => (behind, read_to, step) = (last, last, 1),
            // Further and further, until something can be read again, or nothing is left. A page may be another's.
            None => (behind, step) = (behind.saturating_add(step), step.saturating_mul(2)),
        }
        marks.extend(read);
    }
    for rest in [
        "id FROM notice ORDER BY id DESC",
        "id FROM salvaged",
        // As it was before the fourth step of the schema.
        "NULL FROM salvaged",
    ] {
        marks.extend(rows(old, &format!("SELECT {MARKS}, {rest}"), mark));
    }
    marks
}

/// The rows of a damaged file up to the first that cannot be read; none if it has no such table.
fn rows<T>(
    old: &Connection,
    select: &str,
    read: impl FnMut(&Row) -> rusqlite::Result<T>,
) -> Vec<T> {
    rows_until_damage(old, select, read).0
}

/// The same, and whether those are all.
fn rows_until_damage<T>(
    old: &Connection,
    select: &str,
    read: impl FnMut(&Row) -> rusqlite::Result<T>,
) -> (Vec<T>, bool) {
    let mut all = Vec::new();
    let mut statement = match old.prepare(select) {
        Ok(statement) => statement,
        // Another schema, or none that can be read: nothing further on can be either.
        Err(_) => return (all, true),
    };
    let Ok(rows) = statement.query_map([], read) else {
        return (all, false);
    };
    for row in rows {
        match row {
            Ok(row) => all.push(row),
            Err(_) => return (all, false),
        }
    }
    (all, true)
}

/// What is remembered of the person and the server, and not of what was in the cache: this one is
/// empty, and what the last listing came to would keep it so.
const LASTING: [&str; 8] = [
    "change",
    "checked",
    "left",
    "left_id",
    "machine",
    "one_by_one",
    "signed_in_by",
    "stamp",
];

fn read_state(old: &Connection) -> Vec<(String, String)> {
    let mut state: Vec<(String, String)> = rows(old, "SELECT name, value FROM state", |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    state.retain(|(name, _)| LASTING.contains(&name.as_str()));
    state
}

type Unwritten = ([u8; 16], [u8; 16], i64, bool, i64, [u8; 8]);

/// Marks that were on their way to another machine; what is none is left out.
fn read_unwritten(old: &Connection) -> Vec<Unwritten> {
    const SELECT: &str = "SELECT headers_digest, body_digest, mark, value, stamp, machine \
                          FROM carried WHERE NOT written";

    let read = |row: &Row| -> rusqlite::Result<Unwritten> {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
        ))
    };
    let all = rows(old, SELECT, |row| Ok(read(row).ok()));
    all.into_iter().flatten().collect()
}

const WITHDRAWN_COLUMNS: &str = "id, handle, date, date_guessed, arrived, from_name, from_address, \
     subject, preview, size, important, files, has_link, thread_key, parents, headers_digest, \
     body_digest, complete, withdrawn, read, starred, muted";

type Saved = (Vec<rusqlite::types::Value>, Vec<u8>);

fn read_withdrawn(old: &Connection) -> Vec<Saved> {
    let select = format!(
        "SELECT bytes, {WITHDRAWN_COLUMNS} FROM notice JOIN mail USING (id) \
         WHERE withdrawn IS NOT NULL"
    );
    rows(old, &select, |row| {
        let columns = row.as_ref().column_count();
        let values = (1..columns)
            .map(|column| row.get(column))
            .collect::<rusqlite::Result<_>>()?;
        Ok((values, row.get(0)?))
    })
}

//! The files of journals: which there are, reading, appending, writing anew. None of it decides.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    time::UNIX_EPOCH,
};

use super::{
    Error,
    entry::{HEAD, Machine},
};
use crate::store::carried::Version;

/// How every journal's name ends, also that of a copy that was made of a conflict.
pub(super) const ENDING: &str = ".marks";

/// More octets than any person's marks take. What is larger is no journal.
const LARGEST: u64 = 64 * 1024 * 1024;

/// More journals than any person has machines, with their copies.
const MOST: usize = 1_000;

/// Which machine this is; decided and written down at the first time.
pub(super) fn machine(path: &Path) -> io::Result<Machine> {
    loop {
        match fs::read_to_string(path) {
            Ok(text) => {
                if let Ok(number) = u64::from_str_radix(text.trim(), 16) {
                    return Ok(Machine(number.to_be_bytes()));
                }
                // Cut off by a full disk: nothing was carried under it.
                fs::remove_file(path)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let number = getrandom::u64().map_err(io::Error::other)?;
                let folder = path.parent().unwrap_or(Path::new("."));
                let mut file = tempfile::NamedTempFile::new_in(folder)?;
                writeln!(file, "{number:016x}")?;
                file.as_file().sync_all()?;
                match file.persist_noclobber(path) {
                    Ok(_) => {}
                    Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(error.error),
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// The right to write into this machine's journal, until it is dropped.
pub(super) fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    file.lock()?;
    Ok(file)
}

/// Makes the folder, if the one that it is in is there.
pub(super) fn make(folder: &Path) -> Result<(), Error> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => Err(Error::Folder {
            path: folder.to_owned(),
            source,
        }),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The journals in a folder, by name.
pub(super) fn journals(folder: &Path) -> Result<Vec<(String, Version)>, Error> {
    let failed = |source| Error::Folder {
        path: folder.to_owned(),
        source,
    };
    make(folder)?;
    let mut journals = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if let Some(version) = version(&entry.path())
            && name.ends_with(ENDING)
            && u64::try_from(version.0).is_ok_and(|octets| octets <= LARGEST)
        {
            journals.push((name, version));
        }
        if journals.len() == MOST {
            break;
        }
    }
    Ok(journals)
}

/// What a file is like now; none if there is none, or it is no file.
pub(super) fn version(path: &Path) -> Option<Version> {
    let metadata = fs::symlink_metadata(path).ok()?;
    let modified = metadata.modified().ok()?;
    let modified = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    metadata.is_file().then_some((
        i64::try_from(metadata.len()).ok()?,
        i64::try_from(modified.as_nanos()).ok()?,
    ))
}

/// Reads a journal.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Adds lines to a journal, behind a line that was cut off too.
pub(super) fn append(path: &Path, lines: &str) -> io::Result<()> {
    let foreign = |what| io::Error::new(io::ErrorKind::InvalidData, what);
    // Whoever writes into the folder may have put something else in its place.
    if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(foreign("it is no plain file"));
    }
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let mut text = String::new();
    if file.metadata()?.len() < HEAD.len() as u64 {
        // None yet, or one that was cut off before anything was in it.
        let mut begun = Vec::new();
        file.read_to_end(&mut begun)?;
        if !HEAD.as_bytes().starts_with(&begun) {
            return Err(foreign("it is no journal"));
        }
        file.set_len(0)?;
        text.push_str(HEAD);
    } else {
        let mut head = [0; HEAD.len()];
        file.read_exact(&mut head)?;
        if head != *HEAD.as_bytes() {
            return Err(foreign("it is no journal of this version"));
        }
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            text.push('\n');
        }
    }
    text.push_str(lines);
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

/// Writes a journal anew, at once or not at all.
pub(super) fn replace(path: &Path, lines: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".tidings-")
        .suffix(".tmp")
        .tempfile_in(folder)?;
    file.write_all(HEAD.as_bytes())?;
    file.write_all(lines.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

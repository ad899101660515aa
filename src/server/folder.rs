//! The spool's folder: files opened by name within it, never through a link, and replaced as a whole.

use std::{
    fs::File,
    io::{self, Write},
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, Mode, OFlags};

/// A folder that is held open: renaming it does not lose it.
#[derive(Debug)]
pub struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

/// What tells whether a file is still the one that was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamp {
    /// The device and the number of its inode.
    pub inode: (u64, u64),
    /// Its length in octets.
    pub length: u64,
    /// When its content changed: seconds and nanoseconds.
    pub modified: (i64, i64),
    /// When its inode changed; no program can set this one back.
    pub changed: (i64, i64),
}

/// Files are the owner's alone, whatever the umask says.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

impl Folder {
    /// Opens the folder.
    ///
    /// # Errors
    ///
    /// It is not there, or it is none.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(Folder {
            fd: rustix::fs::open(path, flags, Mode::empty())?,
            path: path.to_owned(),
        })
    }

    /// Opens a file to read it.
    ///
    /// # Errors
    ///
    /// It is not there, or a link, or no ordinary file.
    pub fn read(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::RDONLY)
    }

    /// Opens a file to read it and to append to it.
    ///
    /// # Errors
    ///
    /// It is not there, or a link, or no ordinary file, or may not be written.
    pub fn append(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::RDWR | OFlags::APPEND)
    }

    /// As [`Folder::append`], and makes the file if it is not there.
    ///
    /// # Errors
    ///
    /// It cannot be made or opened.
    pub fn append_or_create(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::RDWR | OFlags::APPEND | OFlags::CREATE)
    }

    /// Makes a file that is not there yet.
    ///
    /// # Errors
    ///
    /// It is there, or cannot be made.
    pub fn create_new(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)
    }

    fn open_file(&self, name: &str, flags: OFlags) -> io::Result<File> {
        // NONBLOCK: opening a FIFO would wait for its other end.
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let unfit = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
        let file = match rustix::fs::openat(&self.fd, name, flags, PRIVATE) {
            Ok(fd) => File::from(fd),
            Err(rustix::io::Errno::LOOP) => return Err(unfit("a link, which is not followed")),
            Err(error) => return Err(error.into()),
        };
        if !file.metadata()?.is_file() {
            return Err(unfit("not an ordinary file"));
        }
        Ok(file)
    }

    /// The stamp of the file of this name, without opening it; none if there is no such file.
    ///
    /// # Errors
    ///
    /// It cannot be asked for.
    pub fn stamp(&self, name: &str) -> io::Result<Option<Stamp>> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Stamp::from_stat(&stat))),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts a file at the place of another, or where none was, for good.
    ///
    /// # Errors
    ///
    /// The old one is still there then, or the new one may not outlive a power cut.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        rustix::fs::renameat(&self.fd, from, &self.fd, to)?;
        self.sync()
    }

    /// Takes a name away.
    ///
    /// # Errors
    ///
    /// It is not there, or may not be taken away.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    /// Makes names that were added, changed or removed outlive a power cut.
    ///
    /// # Errors
    ///
    /// The disk says that it cannot.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.fd)?)
    }

    /// Replaces a file's content as a whole: whoever reads it sees the old one or the new one. To be
    /// called under the file's lock.
    ///
    /// # Errors
    ///
    /// The old content is still there then.
    pub fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let temporary = temporary_name(name);
        let _ = self.remove(&temporary);
        let result = self.create_new(&temporary).and_then(|mut file| {
            self.keep_owner(name, &file)?;
            file.write_all(content)?;
            file.sync_all()?;
            self.rename(&temporary, name)
        });
        if result.is_err() {
            // What failed is said; that its leftover could not be removed adds nothing.
            let _ = self.remove(&temporary);
        }
        result
    }

    /// Gives the file that takes another's place its owner and its mode: who could read that one can
    /// read this one. The other is not opened: closing it would give back the lock on it.
    fn keep_owner(&self, name: &str, file: &File) -> io::Result<()> {
        let stat = match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(rustix::io::Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        rustix::fs::fchmod(file, Mode::from_raw_mode(stat.st_mode))?;
        // Only root may give files away; for all others the owner is the same already.
        let _ = std::os::unix::fs::fchown(file, Some(stat.st_uid), Some(stat.st_gid));
        Ok(())
    }

    /// Where it is, or was when it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A name for what is to take this one's place. It begins with a dot, as no account's does, and is
/// the same each time: what a program that was killed has left behind is found and removed.
pub fn temporary_name(name: &str) -> String {
    format!(".{name}.new")
}

impl Stamp {
    /// The stamp of an open file.
    ///
    /// # Errors
    ///
    /// It cannot be asked for.
    pub fn of(file: &File) -> io::Result<Stamp> {
        let metadata = file.metadata()?;
        Ok(Stamp {
            inode: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    #[expect(
        clippy::unnecessary_cast,
        reason = "the types differ between platforms"
    )]
    fn from_stat(stat: &rustix::fs::Stat) -> Stamp {
        Stamp {
            inode: (stat.st_dev as u64, stat.st_ino as u64),
            length: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        }
    }
}

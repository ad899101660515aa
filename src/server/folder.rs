//! The spool's folder: files opened by name within it, never through a link, and replaced as a whole.

use std::{
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Mode, OFlags},
    path::Arg,
};

use super::file::{Call, File, Gate, Stamp};

/// A folder that is held open: renaming it does not lose it.
#[derive(Debug)]
pub struct Folder {
    fd: OwnedFd,
    path: PathBuf,
    gate: Gate,
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
            gate: Gate::default(),
        })
    }

    /// Lets all calls that are made here, and on files opened from here, go by this gate.
    #[must_use]
    pub fn with_gate(mut self, gate: Gate) -> Folder {
        self.gate = gate;
        self
    }

    /// Opens a file to read it.
    ///
    /// # Errors
    ///
    /// It is not there, or a link, or no ordinary file.
    pub fn read(&self, name: impl Arg) -> io::Result<File> {
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
    pub fn create_new(&self, name: impl Arg) -> io::Result<File> {
        self.open_file(name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)
    }

    /// Makes a file that is not there yet, with this in it from its first moment on, where the file
    /// system can do that.
    ///
    /// # Errors
    ///
    /// It is there, or cannot be made.
    pub fn create_whole(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.gate.pass(Call::Open)?;
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let Ok(fd) = rustix::fs::openat(&self.fd, ".", flags, PRIVATE) else {
            // A killed process may leave it empty then; whoever finds it waits until it is old.
            let file = self.create_new(name)?;
            let _ = file.write_all(content);
            return Ok(());
        };
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let file = File::new(fd, self.gate.clone());
        file.write_all(content)?;
        self.gate.pass(Call::Rename)?;
        let follow = AtFlags::SYMLINK_FOLLOW;
        match rustix::fs::linkat(rustix::fs::CWD, &path, &self.fd, name, follow) {
            Err(rustix::io::Errno::EXIST) => Err(io::ErrorKind::AlreadyExists.into()),
            // Where /proc is not mounted.
            Err(_) => self.create_new(name)?.write_all(content),
            Ok(()) => Ok(()),
        }
    }

    fn open_file(&self, name: impl Arg, flags: OFlags) -> io::Result<File> {
        // NONBLOCK: opening a FIFO would wait for its other end.
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        self.gate.pass(Call::Open)?;
        let unfit = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
        let file = match rustix::fs::openat(&self.fd, name, flags, PRIVATE) {
            Ok(fd) => File::new(fd, self.gate.clone()),
            Err(rustix::io::Errno::LOOP) => return Err(unfit("a link, which is not followed")),
            Err(error) => return Err(error.into()),
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(unfit("not an ordinary file"));
        }
        if flags.contains(OFlags::CREATE) && metadata.uid() == 0 {
            self.adopt(&file)?;
        }
        Ok(file)
    }

    /// What root makes in a folder of another's belongs to that one, who has to read and write it.
    fn adopt(&self, file: impl AsFd) -> io::Result<()> {
        let owner = rustix::fs::fstat(&self.fd)?;
        if rustix::process::geteuid().is_root() && owner.st_uid != 0 {
            std::os::unix::fs::fchown(file, Some(owner.st_uid), Some(owner.st_gid))?;
        }
        Ok(())
    }

    /// The stamp of the file of this name, without opening it; none if there is no such file.
    ///
    /// # Errors
    ///
    /// It cannot be asked for.
    pub fn stamp(&self, name: impl Arg) -> io::Result<Option<Stamp>> {
        self.gate.pass(Call::Stat)?;
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stamp_of(&stat))),
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
        self.gate.pass(Call::Rename)?;
        rustix::fs::renameat(&self.fd, from, &self.fd, to)?;
        self.sync()
    }

    /// Gives a file of this folder a name in another one, or takes the place of what has that name. It
    /// is not made to outlive a power cut.
    ///
    /// # Errors
    ///
    /// The file is not there, or may not be moved.
    pub fn rename_into(&self, from: impl Arg, folder: &Folder, to: impl Arg) -> io::Result<()> {
        self.gate.pass(Call::Rename)?;
        Ok(rustix::fs::renameat(&self.fd, from, &folder.fd, to)?)
    }

    /// The folder of this name in this one; made, for the owner alone, if there is none.
    ///
    /// # Errors
    ///
    /// It is a link or no folder, or cannot be made.
    pub fn within_or_create(&self, name: &str) -> io::Result<Folder> {
        self.gate.pass(Call::Open)?;
        match rustix::fs::mkdirat(&self.fd, name, Mode::RWXU) {
            Ok(()) => self.sync()?,
            Err(rustix::io::Errno::EXIST | rustix::io::Errno::ROFS) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::empty())?;
        if rustix::fs::fstat(&fd)?.st_uid == 0 {
            self.adopt(&fd)?;
        }
        Ok(Folder {
            fd,
            path: self.path.join(name),
            gate: self.gate.clone(),
        })
    }

    /// The names in this folder, in no order.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn names(&self) -> io::Result<Vec<Vec<u8>>> {
        self.gate.pass(Call::List)?;
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The stamp of this folder: it changes with the names in it.
    ///
    /// # Errors
    ///
    /// It cannot be asked for.
    pub fn stamp_of_itself(&self) -> io::Result<Stamp> {
        self.gate.pass(Call::Stat)?;
        Ok(stamp_of(&rustix::fs::fstat(&self.fd)?))
    }

    /// Takes a name away.
    ///
    /// # Errors
    ///
    /// It is not there, or may not be taken away.
    pub fn remove(&self, name: impl Arg) -> io::Result<()> {
        self.gate.pass(Call::Remove)?;
        Ok(rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    /// Makes names that were added, changed or removed outlive a power cut.
    ///
    /// # Errors
    ///
    /// The disk says that it cannot.
    pub fn sync(&self) -> io::Result<()> {
        self.gate.pass(Call::Sync)?;
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
        let result = self.create_new(&temporary).and_then(|file| {
            self.keep_owner(name, &file)?;
            file.write_all(content)?;
            file.sync()?;
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
        self.gate.pass(Call::Stat)?;
        let stat = match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(rustix::io::Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        file.own(stat.st_mode, stat.st_uid, stat.st_gid)
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

#[expect(
    clippy::unnecessary_cast,
    reason = "the types differ between platforms"
)]
fn stamp_of(stat: &rustix::fs::Stat) -> Stamp {
    Stamp {
        inode: (stat.st_dev as u64, stat.st_ino as u64),
        length: u64::try_from(stat.st_size).unwrap_or(0),
        modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        changed: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
    }
}

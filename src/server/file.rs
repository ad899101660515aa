//! Files of the spool, as the few calls that are made on them. Each call goes by a [`Gate`], where a
//! test lets it fail: whatever fails, and whenever the process ends, no mail may be lost.

use std::{
    fmt, fs,
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::{FileExt, MetadataExt, PermissionsExt, fchown},
    },
    sync::Arc,
};

use rustix::{
    fs::{FlockOperation, OFlags},
    io::Errno,
};

/// A file that is open.
#[derive(Debug)]
pub struct File {
    file: fs::File,
    gate: Gate,
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

/// A call to the system.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Call {
    /// To open or to make a file.
    Open,
    /// To look at a file.
    Stat,
    /// To lock a file.
    Lock,
    /// To read.
    Read,
    /// To write so many octets.
    Write(usize),
    /// To cut a file.
    Cut,
    /// To make what was written outlive a power cut.
    Sync,
    /// To change a file's owner or mode.
    Own,
    /// To put a file in another's place.
    Rename,
    /// To remove a file.
    Remove,
    /// To list a folder.
    List,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pass {
    /// It is made.
    Go,
    /// It fails, and nothing was done.
    Fail(io::ErrorKind),
    /// It fails, and before that so many octets were written.
    After(usize, io::ErrorKind),
}

/// Where every call goes by. The ordinary one is open.
#[derive(Clone, Default)]
pub struct Gate(Option<Arc<Guard>>);

type Guard = dyn Fn(Call) -> Pass + Send + Sync;

impl Gate {
    /// A gate that asks this function, for tests.
    pub fn guarded(guard: impl Fn(Call) -> Pass + Send + Sync + 'static) -> Gate {
        Gate(Some(Arc::new(guard)))
    }

    /// Passes by.
    ///
    /// # Errors
    ///
    /// The guard says so.
    pub fn pass(&self, call: Call) -> io::Result<()> {
        match &self.0 {
            None => Ok(()),
            Some(guard) => match guard(call) {
                Pass::Go => Ok(()),
                Pass::Fail(kind) | Pass::After(_, kind) => Err(kind.into()),
            },
        }
    }

    fn pass_write(&self, octets: usize) -> Pass {
        self.0
            .as_ref()
            .map_or(Pass::Go, |guard| guard(Call::Write(octets)))
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Gate")
    }
}

impl File {
    /// This open file, whose calls go by the gate.
    pub fn new(fd: OwnedFd, gate: Gate) -> File {
        File {
            file: fs::File::from(fd),
            gate,
        }
    }

    /// Another handle on the same open file.
    ///
    /// # Errors
    ///
    /// There are no descriptors left.
    pub fn try_clone(&self) -> io::Result<File> {
        self.gate.pass(Call::Open)?;
        Ok(File {
            file: self.file.try_clone()?,
            gate: self.gate.clone(),
        })
    }

    /// What the system knows of it.
    ///
    /// # Errors
    ///
    /// It cannot be asked for.
    pub fn metadata(&self) -> io::Result<fs::Metadata> {
        self.gate.pass(Call::Stat)?;
        self.file.metadata()
    }

    /// Its stamp.
    ///
    /// # Errors
    ///
    /// It cannot be asked for.
    pub fn stamp(&self) -> io::Result<Stamp> {
        let metadata = self.metadata()?;
        Ok(Stamp {
            inode: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// Reads from there, perhaps less than there is room for.
    ///
    /// # Errors
    ///
    /// The disk says so.
    pub fn read_at(&self, octets: &mut [u8], offset: u64) -> io::Result<usize> {
        self.gate.pass(Call::Read)?;
        self.file.read_at(octets, offset)
    }

    /// Reads from there, all that there is room for.
    ///
    /// # Errors
    ///
    /// The file is shorter, or the disk says so.
    pub fn read_exact_at(&self, octets: &mut [u8], offset: u64) -> io::Result<()> {
        self.gate.pass(Call::Read)?;
        self.file.read_exact_at(octets, offset)
    }

    /// All of it, as text; not more than this many octets.
    ///
    /// # Errors
    ///
    /// It is longer, or no UTF-8, or the disk says so.
    pub fn text(&self, most: u64) -> io::Result<String> {
        self.gate.pass(Call::Read)?;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut text = String::new();
        file.take(most.saturating_add(1))
            .read_to_string(&mut text)?;
        if text.len() as u64 > most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(text)
    }

    /// Writes all of it, behind what was written before.
    ///
    /// # Errors
    ///
    /// The disk says so; a part may have been written.
    pub fn write_all(&self, octets: &[u8]) -> io::Result<()> {
        let mut file = &self.file;
        match self.gate.pass_write(octets.len()) {
            Pass::Go => file.write_all(octets),
            Pass::Fail(kind) => Err(kind.into()),
            Pass::After(written, kind) => {
                file.write_all(&octets[..written.min(octets.len())])?;
                Err(kind.into())
            }
        }
    }

    /// Where what is written next goes to, if nobody else writes.
    ///
    /// # Errors
    ///
    /// The system says so.
    pub fn position(&self) -> io::Result<u64> {
        (&self.file).stream_position()
    }

    /// Puts an octet in the place of another one, also in a file that is open to append to.
    ///
    /// # Errors
    ///
    /// The other one is not there, or the disk says so.
    pub fn change_octet(&self, from: u8, to: u8, offset: u64) -> io::Result<()> {
        let mut there = [0];
        self.read_exact_at(&mut there, offset)?;
        if there != [from] {
            return Err(io::Error::other("another program wrote in between"));
        }
        if let Pass::Fail(kind) | Pass::After(_, kind) = self.gate.pass_write(1) {
            return Err(kind.into());
        }
        // On Linux, what is open to append to appends wherever it is told to write.
        let flags = rustix::fs::fcntl_getfl(&self.file)?;
        rustix::fs::fcntl_setfl(&self.file, flags - OFlags::APPEND)?;
        let written = self.file.write_all_at(&[to], offset);
        rustix::fs::fcntl_setfl(&self.file, flags)?;
        written
    }

    /// Writes this range of another file behind what was written before.
    ///
    /// # Errors
    ///
    /// The other file is shorter, or the disk says so.
    pub fn copy_from(&self, other: &File, range: &Range<u64>) -> io::Result<()> {
        other.gate.pass(Call::Read)?;
        self.gate.pass(Call::Write(0))?;
        let length = range.end - range.start;
        let (mut from, mut to) = (&other.file, &self.file);
        from.seek(SeekFrom::Start(range.start))?;
        if io::copy(&mut from.take(length), &mut to)? == length {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    /// Cuts it to this length.
    ///
    /// # Errors
    ///
    /// The disk says so.
    pub fn set_len(&self, length: u64) -> io::Result<()> {
        self.gate.pass(Call::Cut)?;
        self.file.set_len(length)
    }

    /// Makes what was written outlive a power cut.
    ///
    /// # Errors
    ///
    /// The disk says that it cannot.
    pub fn sync(&self) -> io::Result<()> {
        self.gate.pass(Call::Sync)?;
        self.file.sync_all()
    }

    /// Locks it by fcntl, without waiting; false if others hold it. Closing any handle on the file
    /// gives the lock back.
    ///
    /// # Errors
    ///
    /// It cannot be locked at all.
    pub fn try_lock(&self, operation: FlockOperation) -> io::Result<bool> {
        self.gate.pass(Call::Lock)?;
        match rustix::fs::fcntl_lock(&self.file, operation) {
            Ok(()) => Ok(true),
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives fcntl's lock back.
    ///
    /// # Errors
    ///
    /// It cannot be given back.
    pub fn unlock(&self) -> io::Result<()> {
        Ok(rustix::fs::fcntl_lock(&self.file, FlockOperation::Unlock)?)
    }

    /// Gives it this mode and, where the process may do so, this owner.
    ///
    /// # Errors
    ///
    /// The mode cannot be set.
    pub fn own(&self, mode: u32, user: u32, group: u32) -> io::Result<()> {
        self.gate.pass(Call::Own)?;
        self.file
            .set_permissions(fs::Permissions::from_mode(mode & 0o7777))?;
        // Only root may give files away; for all others the owner is the same already.
        let _ = fchown(&self.file, Some(user), Some(group));
        Ok(())
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

//! One mbox file of the spool: read, appended to and rewritten under its lock.

use std::{
    collections::BTreeSet,
    io,
    ops::Range,
    os::unix::fs::MetadataExt,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use memchr::memmem;
use parking_lot::Mutex;

use crate::{
    causes::chain,
    server::{
        file::{File, Stamp},
        folder::{Folder, temporary_name},
        index::{Held, Index, Retired, saved::Saved},
        lock::{self, Locked, Purpose},
        maildrop::{Identity, Messages},
        mbox::from_line,
        reader::Reader,
    },
};

use super::{Error, failed, late::Replaced};

/// Who signs in waits no longer than this for another program's lock: `[IN-USE]` is an answer, and
/// teammates wait behind this one.
const OPENING: Duration = Duration::from_secs(5);

/// An index of ten million messages, in octets; a longer file is none.
const LONGEST_INDEX: usize = 512 * 1024 * 1024;

const LOOK_FOR_LATE: &str = "look for mail that was written late";

/// One mbox file, as this process knows it.
#[derive(Debug)]
pub(super) struct MboxFile {
    folder: Arc<Folder>,
    name: String,
    /// Also keeps the threads of this process apart, which fcntl's lock does not.
    known: Mutex<Known>,
    retired: Arc<Retired>,
}

/// What is known of the file.
#[derive(Debug, Default)]
struct Known {
    index: Option<Index>,
    /// Those that were in its place not long ago.
    replaced: Vec<Replaced>,
}

impl MboxFile {
    pub(super) fn new(folder: Arc<Folder>, name: &str) -> MboxFile {
        MboxFile {
            folder,
            name: name.to_owned(),
            known: Mutex::default(),
            retired: Arc::default(),
        }
    }

    /// The messages as they are now, and who reads them. If nothing changed since the last time,
    /// nothing is read or locked.
    pub(super) fn snapshot(&self, patience: Duration) -> Result<(Messages, Option<Reader>), Error> {
        let deadline = Instant::now() + patience.min(OPENING);
        // Those who wait for another program's lock wait together, not one after the other.
        let mut known = self.known.try_lock_until(deadline).ok_or(Error::Busy)?;
        let patience = deadline.saturating_duration_since(Instant::now());
        self.bring_over(&mut known, patience)?;
        let stamp = self
            .folder
            .stamp(self.name.as_str())
            .map_err(failed("look at the mailbox"))?;
        match (stamp, &known.index) {
            (None, _) => known.index = None,
            (Some(stamp), Some(index)) if index.stamp() == stamp => {}
            (Some(_), _) => {
                let patience = deadline.saturating_duration_since(Instant::now());
                let locked = Locked::acquire(&self.folder, &self.name, Purpose::Read, patience)?;
                self.read(&mut known, &locked)?;
            }
        }
        self.retired.close();
        Ok(match &known.index {
            Some(index) => (
                index.messages().clone(),
                Some(Reader::Mbox {
                    file: index.file().clone(),
                    stamp: index.stamp(),
                }),
            ),
            None => (Messages::default(), None),
        })
    }

    /// Appends a mail as a mailbox stores it at this time. If the same octets came within the same
    /// second, it is stored a second later: unique-ids are made of them.
    pub(super) fn append(
        &self,
        stored_at: impl Fn(Timestamp) -> Vec<u8>,
        mut now: Timestamp,
        largest: Option<u64>,
        patience: Duration,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + patience;
        let mut known = self.known.try_lock_until(deadline).ok_or(Error::Busy)?;
        self.bring_over(&mut known, patience)?;
        let patience = deadline.saturating_duration_since(Instant::now());
        let (locked, is_new) = self.lock_to_append(patience)?;
        let mut stored = stored_at(now);
        let look = failed("look at the mailbox");
        let mut stamp = locked.file().stamp().map_err(look)?;
        if let Some(largest) = largest
            && stamp.length + stored.len() as u64 > largest
        {
            return Err(Error::Full { largest });
        }
        let end = end_of(locked.file(), stamp.length, stored.len());
        let mut end = end.map_err(failed("look at the mailbox"))?;
        if let Some(torn) = torn_at(&end) {
            // Nobody else writes now: whoever began this is no more.
            stamp.length -= (end.len() - torn) as u64;
            end.truncate(torn);
            let cut = locked.file().set_len(stamp.length);
            cut.map_err(failed("cut off what was not written to its end"))?;
        }
        while memmem::find(&end, &stored).is_some() {
            now += SignedDuration::from_secs(1);
            stored = stored_at(now);
        }
        append_and_keep(&self.folder, &locked, is_new, &stored)?;
        drop(locked);
        self.retired.close();
        Ok(())
    }

    /// The lock on the file, and whether that was not there before.
    fn lock_to_append(&self, patience: Duration) -> Result<(Locked<'_>, bool), Error> {
        let is_new = matches!(self.folder.stamp(self.name.as_str()), Ok(None));
        let locked = Locked::acquire(&self.folder, &self.name, Purpose::Create, patience)?;
        Ok((locked, is_new))
    }

    /// Removes messages, if they are still there.
    pub(super) fn remove(
        &self,
        messages: &BTreeSet<Identity>,
        patience: Duration,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + patience;
        let mut known = self.known.try_lock_until(deadline).ok_or(Error::Busy)?;
        self.bring_over(&mut known, patience)?;
        let patience = deadline.saturating_duration_since(Instant::now());
        let locked = match Locked::acquire(&self.folder, &self.name, Purpose::Write, patience) {
            Err(lock::Error::Open(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(());
            }
            other => other?,
        };
        for replaced in &known.replaced {
            if replaced.is_written().map_err(failed(LOOK_FOR_LATE))? {
                return Err(Error::Busy);
            }
        }
        // The file is copied as a whole: to read it as a whole before costs little, and offsets that
        // are not right any more would cut into other messages.
        let read = || {
            // Sessions may hold it for long, and none of them writes.
            let file = self.folder.read(self.name.as_str())?;
            let file = Arc::new(Held::new(file, self.retired.clone()));
            Index::read(file, locked.file().stamp()?)
        };
        known.index = None;
        let index = { read }().map_err(failed("read the mailbox"))?;
        let (file, stamp) = (index.file().clone(), index.stamp());
        let stays = ranges_that_stay(index.messages(), stamp.length, messages);
        known.index = Some(index);
        if stays.first() == Some(&(0..stamp.length)) {
            return Ok(());
        }
        rewrite(&self.folder, &self.name, &locked, stamp, &stays)
            .map_err(failed("rewrite the mailbox"))?;
        known.index = None;
        known.replaced.retain(Replaced::may_be_written);
        known.replaced.push(Replaced::new(file, stamp.length));
        drop(locked);
        self.retired.close();
        Ok(())
    }

    /// Makes the index say what the locked file holds.
    fn read<'k>(&self, known: &'k mut Known, locked: &Locked) -> Result<&'k Index, Error> {
        let previous = known.index.take();
        let read = || -> io::Result<Index> {
            let stamp = locked.file().stamp()?;
            if let Some(mut index) = previous
                && (index.stamp() == stamp || index.catch_up(stamp)?)
            {
                return Ok(index);
            }
            let file = locked.file().try_clone()?;
            let file = Arc::new(Held::new(file, self.retired.clone()));
            if let Some(saved) = self.kept_index()
                && let Some(index) = Index::resume(file.clone(), stamp, saved)?
            {
                return Ok(index);
            }
            Index::read(file, stamp)
        };
        let index = { read }().map_err(failed("read the mailbox"))?;
        Ok(known.index.insert(index))
    }

    /// Keeps the index for the next run, if the mailbox has grown by enough to make that worth it.
    pub(super) fn keep_index(&self) {
        let saved = self.known.lock().index.as_mut().and_then(Index::to_keep);
        let Some(saved) = saved else {
            return;
        };
        if let Err(error) = self.folder.replace(&self.index_file(), &saved.to_bytes()) {
            tracing::debug!(
                mailbox = self.name,
                error = chain(&error),
                "the index is not kept: the next start reads the whole mailbox"
            );
        }
    }

    /// What was kept of it, if it can be read.
    fn kept_index(&self) -> Option<Saved> {
        let file = self.folder.read(self.index_file().as_str()).ok()?;
        let length = usize::try_from(file.stamp().ok()?.length).ok()?;
        let mut bytes = vec![0; length.min(LONGEST_INDEX)];
        file.read_exact_at(&mut bytes, 0).ok()?;
        Saved::from_bytes(&bytes)
    }

    /// No account's name begins with a dot.
    fn index_file(&self) -> String {
        format!(".{}.index", self.name)
    }

    fn bring_over(&self, known: &mut Known, patience: Duration) -> Result<(), Error> {
        for replaced in &mut known.replaced {
            self.bring_over_from(replaced, patience)?;
        }
        Ok(())
    }

    fn bring_over_from(&self, replaced: &mut Replaced, patience: Duration) -> Result<(), Error> {
        if !replaced.has_grown().map_err(failed(LOOK_FOR_LATE))? {
            return Ok(());
        }
        // Whoever still writes to it holds one of the two locks.
        let (locked, is_new) = self.lock_to_append(patience)?;
        let Some(late) = replaced.written_since().map_err(failed(LOOK_FOR_LATE))? else {
            return Ok(());
        };
        // Before it may stand the end of the line, or the empty line, that the file lacked.
        let mail = late.trim_ascii_start();
        if mail.starts_with(b"From ") {
            tracing::warn!(
                mailbox = self.name,
                "mail that was written late is brought over"
            );
            append_and_keep(&self.folder, &locked, is_new, mail)?;
        } else {
            tracing::warn!(
                mailbox = self.name,
                octets = late.len(),
                "what was written late is no mail: it is not brought over"
            );
        }
        replaced.bring(late.len());
        drop(locked);
        self.retired.close();
        Ok(())
    }
}

/// Writes what stays into another file and puts it in the old one's place: whatever happens, there is
/// the old file or the new one.
fn rewrite(
    folder: &Folder,
    name: &str,
    locked: &Locked,
    stamp: Stamp,
    stays: &[Range<u64>],
) -> io::Result<()> {
    let temporary = temporary_name(name);
    // Whoever was killed over it has left it behind: under this lock nobody else makes one.
    let _ = folder.remove(&temporary);
    let result = folder.create_new(&temporary).and_then(|new| {
        let old = locked.file();
        let owner = old.metadata()?;
        new.own(owner.mode(), owner.uid(), owner.gid())?;
        for range in stays {
            new.copy_from(old, range)?;
        }
        new.sync()?;
        // Somebody who does not keep to the locks has written: that mail must not be lost.
        if old.stamp()? != stamp {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        folder.rename(&temporary, name)
    });
    if result.is_err() {
        // What failed is said; that its leftover could not be removed adds nothing.
        let _ = folder.remove(&temporary);
    }
    result
}

/// Appends, after an empty line, and says so only when the disk has it. A half write is cut back; if
/// the process is killed over it, what it leaves begins no message, because the From_ line is made
/// whole when the rest is on the disk.
fn append(file: &File, stored: &[u8]) -> io::Result<()> {
    let before = file.stamp()?.length;
    let mut octets = missing_end(file, before)?.to_vec();
    let mask = from_line::mask_at(stored).map(|at| octets.len() + at);
    octets.extend_from_slice(stored);
    let masked = mask.map(|at| (at, std::mem::replace(&mut octets[at], from_line::MASK)));
    let result = file.write_all(&octets).and_then(|()| {
        let length = octets.len() as u64;
        // Longer is no fault: whoever appends without a lock does not overwrite what is there.
        if file.stamp()?.length < before + length {
            return Err(io::Error::other("another program cut the file"));
        }
        file.sync()?;
        if let Some((at, letter)) = masked {
            let start = file.position()?.saturating_sub(length);
            // Whoever appends without a lock may have moved it: others' octets are not changed.
            file.change_octet(from_line::MASK, letter, start + at as u64)?;
            file.sync()?;
        }
        Ok(())
    });
    if result.is_err() {
        let length = file.stamp()?.length;
        // Where another program has cut the file, or has written behind, there is nothing to cut.
        if before < length && length <= before + octets.len() as u64 {
            file.set_len(before)?;
            file.sync()?;
        }
    }
    result
}

/// Appends to a file of the folder that may be new there.
fn append_and_keep(
    folder: &Folder,
    locked: &Locked,
    is_new: bool,
    stored: &[u8],
) -> Result<(), Error> {
    let named = if is_new { folder.sync() } else { Ok(()) };
    named
        .and_then(|()| append(locked.file(), stored))
        .map_err(failed("write the mail"))
}

/// The end of the file, where what came within this second stands, with room for so many octets.
fn end_of(file: &File, length: u64, room: usize) -> io::Result<Vec<u8>> {
    /// Several mails of the usual size.
    const LEAST: usize = 64 * 1024;

    /// Two larger ones that are equal do not come within a second; the second gets another unique-id.
    const MOST: usize = 4 * 1024 * 1024;

    let size = usize::try_from(length).unwrap_or(usize::MAX);
    let size = size.min((2 * room).clamp(LEAST, MOST));
    let mut end = vec![0; size];
    file.read_exact_at(&mut end, length - size as u64)?;
    Ok(end)
}

/// Where in the end of a file begins what was not written to its end, if nothing follows on it.
fn torn_at(end: &[u8]) -> Option<usize> {
    let begins = memmem::rfind(end, b"\nFrom ").map(|at| at + 1);
    let begins = begins.or_else(|| end.starts_with(b"From ").then_some(0))?;
    let line = end[begins..].split(|&octet| octet == b'\n').next()?;
    from_line::is_masked(line).then_some(begins)
}

/// What is missing before a From_ line may follow: nothing, or line ends up to an empty line.
fn missing_end(file: &File, length: u64) -> io::Result<&'static [u8]> {
    let mut end = [0; 4];
    let size = usize::try_from(length.min(4)).unwrap_or_default();
    let end = &mut end[..size];
    file.read_exact_at(end, length - size as u64)?;
    Ok(match end {
        [] | [b'\n'] | [.., b'\n', b'\n'] | [.., b'\n', b'\r', b'\n'] | [b'\r', b'\n'] => b"",
        [.., b'\n'] => b"\n",
        _ => b"\n\n",
    })
}

/// A message goes with all that follows it up to the next one.
fn ranges_that_stay(
    messages: &Messages,
    length: u64,
    gone: &BTreeSet<Identity>,
) -> Vec<Range<u64>> {
    let mut stays = Vec::new();
    let mut from = 0;
    let mut ends = messages
        .iter()
        .skip(1)
        .map(|message| message.entry.start)
        .chain([length]);
    for message in messages.iter() {
        let end = ends.next().unwrap_or(length);
        if gone.contains(&message.identity()) {
            if from < message.entry.start {
                stays.push(from..message.entry.start);
            }
            from = end;
        }
    }
    if from < length {
        stays.push(from..length);
    }
    stays
}

//! A Maildir: a folder with a file for each message, in `new` as it came and in `cur` once a mail
//! program has looked at it. Nothing here needs a lock: names are taken and given as a whole.
//!
//! Flags are other programs' business: they are read over, and never written.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use jiff::Timestamp;

use super::{
    file::{File, Stamp},
    folder::Folder,
    maildrop::{Identity, MaildirFile, Message, Messages},
};

/// A folder that has changed this short a time ago may change again without its stamp showing it.
const UNSETTLED: Duration = Duration::from_secs(2);

/// One Maildir, as this process knows it.
#[derive(Debug)]
pub struct Maildir {
    new: Folder,
    cur: Folder,
    tmp: Folder,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    stamps: Option<[Stamp; 2]>,
    messages: Messages,
    octets: u64,
    sizes: HashMap<Vec<u8>, Size>,
    /// Files that sessions may still read, and that go when the last of these is over.
    leaving: Vec<Vec<u8>>,
}

/// What a file's size is worth, as long as the file has this stamp.
#[derive(Clone, Copy, Debug)]
struct Size {
    inode: (u64, u64),
    length: u64,
    octets: u64,
}

impl Maildir {
    /// The Maildir of this name; made, if there is none.
    ///
    /// # Errors
    ///
    /// It cannot be made or opened.
    pub fn open(folder: &Folder, name: &str) -> io::Result<Maildir> {
        let root = folder.within_or_create(name)?;
        Ok(Maildir {
            tmp: root.within_or_create("tmp")?,
            new: root.within_or_create("new")?,
            cur: root.within_or_create("cur")?,
            known: Mutex::default(),
        })
    }

    /// The messages as they are now, the oldest first.
    ///
    /// # Errors
    ///
    /// The folders or a file cannot be read.
    pub fn messages(&self) -> io::Result<Messages> {
        let mut known = self.lock();
        let stamps = [self.new.stamp_of_itself()?, self.cur.stamp_of_itself()?];
        if known.stamps == Some(stamps) {
            return Ok(known.messages.clone());
        }
        let files = self.files()?;
        let mut messages = Messages::default();
        let mut sizes = HashMap::with_capacity(files.len());
        let mut octets = 0;
        for file in files {
            let Some(size) = self.size(&file, known.sizes.get(&file.base))? else {
                continue;
            };
            octets += size.length;
            sizes.insert(file.base.clone(), size);
            messages.push(Message::of_maildir(file, size.length, size.octets));
        }
        // What changed a moment ago may change again within the same tick of the clock.
        known.stamps = stamps.iter().all(is_settled).then_some(stamps);
        known.sizes = sizes;
        known.octets = octets;
        known.messages = messages.clone();
        Ok(messages)
    }

    /// How many octets its files have together.
    ///
    /// # Errors
    ///
    /// As [`Maildir::messages`].
    pub fn length(&self) -> io::Result<u64> {
        self.messages()?;
        Ok(self.lock().octets)
    }

    /// Opens a message's file, also if its flags have changed or if it has been removed while sessions
    /// may still read it.
    ///
    /// # Errors
    ///
    /// It is not there any more, or cannot be opened.
    pub fn open_file(&self, file: &MaildirFile) -> io::Result<File> {
        let folder = if file.in_cur { &self.cur } else { &self.new };
        match folder.read(file.name.as_slice()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        match self.tmp.read(leaving(&file.base).as_slice()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        let there = self.find(&file.base)?;
        let folder = if there.in_cur { &self.cur } else { &self.new };
        folder.read(there.name.as_slice())
    }

    /// Delivers a mail: whole in `tmp`, then by a name in `new`. When this returns, it outlives a
    /// power cut.
    ///
    /// # Errors
    ///
    /// It cannot be written; nothing is left behind then.
    pub fn deliver(&self, mail: &[u8], now: Timestamp) -> io::Result<()> {
        let name = unique_name(mail, now);
        let result = self.tmp.create_new(&name).and_then(|file| {
            file.write_all(mail)?;
            file.sync()?;
            self.tmp.rename_into(&name, &self.new, &name)?;
            // What may not outlive a power cut is not said to be delivered, so it is not to be there.
            self.new
                .sync()
                .inspect_err(|_| drop(self.new.remove(&name)))
        });
        if result.is_err() {
            // What failed is said; that its leftover could not be removed adds nothing.
            let _ = self.tmp.remove(&name);
        }
        result
    }

    /// Removes messages, if they are still there. Sessions that have them in their maildrop can read
    /// them until [`Maildir::let_go`].
    ///
    /// # Errors
    ///
    /// Not all of them could be removed.
    pub fn remove(&self, messages: &BTreeSet<Identity>, are_read: bool) -> io::Result<()> {
        let mut known = self.lock();
        let mut result = Ok(());
        for file in self.files()? {
            let message = Message::of_maildir(file, 0, 0);
            let (true, Some(file)) = (messages.contains(&message.identity()), &message.file) else {
                continue;
            };
            let folder = if file.in_cur { &self.cur } else { &self.new };
            let gone = if are_read {
                let name = leaving(&file.base);
                known.leaving.push(name.clone());
                folder.rename_into(file.name.as_slice(), &self.tmp, name.as_slice())
            } else {
                folder.remove(file.name.as_slice())
            };
            match gone {
                Err(error) if error.kind() != io::ErrorKind::NotFound => result = Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        self.new.sync()?;
        self.cur.sync()?;
        result
    }

    /// Nobody reads what was removed any more. Waits for nobody: whoever is at the Maildir lets go later.
    pub fn let_go(&self) {
        let Ok(mut known) = self.known.try_lock() else {
            return;
        };
        for name in std::mem::take(&mut known.leaving) {
            // What stays in `tmp` is removed by whoever cleans that up.
            let _ = self.tmp.remove(name.as_slice());
        }
    }

    /// All files, by the time in their names.
    fn files(&self) -> io::Result<Vec<MaildirFile>> {
        // In this order, what another program moves meanwhile is in one of them at least; where it is in
        // both, it is where it was moved to.
        let mut found = HashMap::new();
        for (folder, in_cur) in [(&self.new, false), (&self.cur, true)] {
            for name in folder.names()? {
                let base = base_of(&name).to_vec();
                if !base.starts_with(b".") {
                    found.insert(base.clone(), MaildirFile { base, name, in_cur });
                }
            }
        }
        let mut files: Vec<MaildirFile> = found.into_values().collect();
        files.sort_by_cached_key(|file| (place_of(&file.base), file.base.clone()));
        Ok(files)
    }

    fn find(&self, base: &[u8]) -> io::Result<MaildirFile> {
        let mut files = self.files()?.into_iter();
        files
            .find(|file| file.base == base)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The size of a file, as known or as read; none if it has just gone.
    fn size(&self, file: &MaildirFile, known: Option<&Size>) -> io::Result<Option<Size>> {
        let folder = if file.in_cur { &self.cur } else { &self.new };
        let Some(stamp) = folder.stamp(file.name.as_slice())? else {
            return Ok(None);
        };
        if let Some(known) = known
            && known.inode == stamp.inode
            && known.length == stamp.length
        {
            return Ok(Some(*known));
        }
        let octets = match said_size(&file.base, stamp.length) {
            Some(octets) => octets,
            None => match folder.read(file.name.as_slice()) {
                Ok(file) => count_octets(&file)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                // A folder or a link is no message.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        Ok(Some(Size {
            inode: stamp.inode,
            length: stamp.length,
            octets,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_settled(stamp: &Stamp) -> bool {
    let changed = u64::try_from(stamp.changed.0).unwrap_or(0);
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH + Duration::from_secs(changed))
        .is_ok_and(|age| age > UNSETTLED)
}

/// The name without its flags, which stand behind a colon.
fn base_of(name: &[u8]) -> &[u8] {
    let end = memchr::memchr(b':', name).unwrap_or(name.len());
    &name[..end]
}

/// When a message was delivered, as its name has it.
pub fn delivered_at(base: &[u8]) -> Option<Timestamp> {
    let seconds = i64::try_from(time_of(base))
        .ok()
        .filter(|seconds| *seconds > 0)?;
    Timestamp::from_second(seconds).ok()
}

/// The seconds that a name begins with.
fn time_of(base: &[u8]) -> u64 {
    let digits = base
        .iter()
        .take_while(|octet| octet.is_ascii_digit())
        .take(15);
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

/// The order in which files were delivered: the seconds in their names and, where those say so, the
/// microseconds (`M`) and the count of deliveries (`Q`).
fn place_of(base: &[u8]) -> (u64, u64, u64) {
    let middle = base
        .split(|octet| *octet == b'.')
        .nth(1)
        .unwrap_or_default();
    let behind = |letter: u8| {
        let at = memchr::memchr(letter, middle).map(|at| at + 1);
        at.map_or(0, |at| time_of(&middle[at..]))
    };
    (time_of(base), behind(b'M'), behind(b'Q'))
}

/// The size with CRLFs that a name gives behind `,W=`, if its `,S=` is the file's length.
fn said_size(base: &[u8], length: u64) -> Option<u64> {
    let text = std::str::from_utf8(base).ok()?;
    let field = |key: &str| {
        let fields = text.split(',').skip(1);
        fields
            .filter_map(|field| field.strip_prefix(key))
            .find_map(|value| value.parse::<u64>().ok())
    };
    (field("S=")? == length).then(|| field("W=")).flatten()
}

/// The size of a file as RETR yields it (RFC 1939 §11).
fn count_octets(file: &File) -> io::Result<u64> {
    let mut counter = Counter::default();
    let mut offset = 0;
    let mut window = vec![0; 64 * 1024];
    loop {
        let read = file.read_at(&mut window, offset)?;
        if read == 0 {
            return Ok(counter.total());
        }
        counter.take(&window[..read]);
        offset += read as u64;
    }
}

/// Counts the octets of a message as RETR yields it: every line ends in CRLF.
#[derive(Debug, Default)]
struct Counter {
    octets: u64,
    last: Option<u8>,
}

impl Counter {
    fn take(&mut self, piece: &[u8]) {
        for newline in memchr::memchr_iter(b'\n', piece) {
            let before = match newline {
                0 => self.last,
                at => Some(piece[at - 1]),
            };
            self.octets += u64::from(before != Some(b'\r'));
        }
        self.octets += piece.len() as u64;
        self.last = piece.last().copied().or(self.last);
    }

    fn total(&self) -> u64 {
        self.octets
            + match self.last {
                None | Some(b'\n') => 0,
                Some(b'\r') => 1,
                Some(_) => 2,
            }
    }
}

/// The name in `tmp` of a message that is removed while sessions may read it.
fn leaving(base: &[u8]) -> Vec<u8> {
    [b"leaving.", base].concat()
}

/// A name that no other delivery has, on any machine, with the mail's sizes.
fn unique_name(mail: &[u8], now: Timestamp) -> String {
    static DELIVERIES: AtomicU64 = AtomicU64::new(0);

    let mut counter = Counter::default();
    counter.take(mail);
    let host: String = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        .take(10)
        .collect();
    format!(
        "{}.M{}P{}Q{}.{host},S={},W={}",
        now.as_second(),
        now.subsec_microsecond(),
        std::process::id(),
        DELIVERIES.fetch_add(1, Ordering::Relaxed),
        mail.len(),
        counter.total()
    )
}

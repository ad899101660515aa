//! The messages of one session, and the marks that DELE leaves on them (RFC 1939, section 5).
//!
//! A maildrop does not change while a session lasts. It touches no file: the spool opens it, and
//! the spool carries out its deletions.

use std::{collections::BTreeSet, io::Write, sync::Arc};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::pop3::listing::{DropListing, MessageNumber, Octets, ScanListing, UniqueId};

use super::mbox::{Digest, Entry, Excerpt};

/// The maildrop as one session sees it.
#[derive(Clone, Debug, Default)]
pub struct Maildrop {
    messages: Messages,
    marked: BTreeSet<MessageNumber>,
    marked_octets: u64,
}

/// A stored message and its lasting name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Where it is stored.
    pub entry: Entry,
    /// 1 for the first message with this digest in the file, 2 for the second, and so on.
    pub copy: u32,
    /// In a Maildir, where its file was; the message is all of it.
    pub file: Option<Arc<MaildirFile>>,
}

/// A message's file in a Maildir.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MaildirFile {
    /// Its name without flags, which never changes.
    pub base: Vec<u8>,
    /// Where it was seen last: `new` or `cur`, and its whole name.
    pub name: Vec<u8>,
    /// True if that is in `cur`.
    pub in_cur: bool,
}

/// Which message, in words that last over sessions.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Identity {
    /// Of the stored message.
    pub digest: Digest,
    /// Which of those with this digest, from 1.
    pub copy: u32,
}

/// Why a message cannot be had.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// The maildrop has no message of this number.
    #[error("no such message")]
    NoSuchMessage,
    /// The message is marked as deleted.
    #[error("message {0} is marked as deleted")]
    MarkedDeleted(MessageNumber),
}

impl Maildrop {
    /// A maildrop of these messages, none of them marked.
    pub fn new(messages: Messages) -> Maildrop {
        Maildrop {
            messages,
            marked: BTreeSet::new(),
            marked_octets: 0,
        }
    }

    /// Marks a message as deleted.
    ///
    /// # Errors
    ///
    /// It is not there, or it is marked already.
    pub fn delete(&mut self, number: MessageNumber) -> Result<(), Error> {
        let octets = self.message(number)?.entry.octets;
        self.marked.insert(number);
        self.marked_octets += octets;
        Ok(())
    }

    /// Takes back all marks.
    pub fn reset(&mut self) {
        self.marked.clear();
        self.marked_octets = 0;
    }

    /// The message of this number.
    ///
    /// # Errors
    ///
    /// It is not there, or it is marked as deleted.
    pub fn message(&self, number: MessageNumber) -> Result<&Message, Error> {
        let message = self
            .messages
            .at(number.index())
            .ok_or(Error::NoSuchMessage)?;
        if self.marked.contains(&number) {
            return Err(Error::MarkedDeleted(number));
        }
        Ok(message)
    }

    /// How many messages there are that are not marked, and their octets.
    pub fn drop_listing(&self) -> DropListing {
        let messages = self.messages.len() - self.marked.len();
        DropListing {
            messages: u32::try_from(messages).unwrap_or(u32::MAX),
            octets: Octets(self.messages.octets() - self.marked_octets),
        }
    }

    /// The messages that are not marked, as LIST or UIDL shows them.
    pub fn listing(&self, kind: Listed) -> Listing {
        Listing {
            maildrop: self.clone(),
            kind,
            next: 0,
        }
    }

    /// Those that are marked, by what outlives the session.
    pub fn marked(&self) -> BTreeSet<Identity> {
        self.marked
            .iter()
            .filter_map(|number| self.messages.at(number.index()))
            .map(Message::identity)
            .collect()
    }
}

impl Message {
    /// What is the same in every session.
    pub fn identity(&self) -> Identity {
        Identity {
            digest: self.entry.digest,
            copy: self.copy,
        }
    }

    /// A message that is the whole of this file of a Maildir.
    pub fn of_maildir(file: MaildirFile, length: u64, octets: u64) -> Message {
        let mut digest = Digest::default();
        digest.copy_from_slice(&Sha256::digest(&file.base)[..16]);
        Message {
            entry: Entry {
                start: 0,
                body: 0,
                // Its header is not looked at before it is asked for.
                text: length,
                end: length,
                octets,
                digest,
            },
            copy: 1,
            file: Some(Arc::new(file)),
        }
    }

    /// Where what this excerpt wants of it ends, as far as that is known without reading it.
    pub fn end_of(&self, excerpt: &Excerpt) -> u64 {
        if excerpt.is_header() {
            self.entry.text
        } else {
            self.entry.end
        }
    }

    /// True if it is stored with its lines quoted, as in an mbox.
    pub fn is_quoted(&self) -> bool {
        self.file.is_none()
    }

    /// Its unique-id: the digest in hex and, for a second one that is equal, `.2`. In a Maildir it is
    /// the name of the file, as other servers have it, if that can be one.
    pub fn unique_id(&self) -> UniqueId {
        let mut id = Vec::with_capacity(UniqueId::LONGEST);
        self.write_unique_id(&mut id);
        UniqueId::new(id).expect("a digest is not empty")
    }

    fn write_unique_id(&self, out: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        if let Some(file) = &self.file
            && (1..=UniqueId::LONGEST).contains(&file.base.len())
            && file.base.iter().all(u8::is_ascii_graphic)
        {
            return out.extend_from_slice(&file.base);
        }
        for octet in self.entry.digest {
            out.push(DIGITS[usize::from(octet >> 4)]);
            out.push(DIGITS[usize::from(octet & 15)]);
        }
        if self.copy > 1 {
            write!(out, ".{}", self.copy).expect("a Vec takes all that is written");
        }
    }
}

/// Messages in their file's order. Cloning is cheap, and clones share what they have in common.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    segments: Vec<Arc<Vec<Message>>>,
    octets: u64,
}

/// Messages that are shared or copied together.
const SEGMENT: usize = 512;

impl Messages {
    /// Adds a message at the end.
    pub fn push(&mut self, message: Message) {
        self.octets += message.entry.octets;
        match self.segments.last_mut() {
            Some(segment) if segment.len() < SEGMENT => Arc::make_mut(segment).push(message),
            Some(_) | None => self.segments.push(Arc::new(vec![message])),
        }
    }

    /// Takes the last message away.
    pub fn pop(&mut self) -> Option<Message> {
        let segment = self.segments.last_mut()?;
        let message = Arc::make_mut(segment).pop()?;
        if segment.is_empty() {
            self.segments.pop();
        }
        self.octets -= message.entry.octets;
        Some(message)
    }

    /// The message at this place, from 0.
    pub fn at(&self, index: usize) -> Option<&Message> {
        self.segments.get(index / SEGMENT)?.get(index % SEGMENT)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self.segments.last() {
            Some(last) => (self.segments.len() - 1) * SEGMENT + last.len(),
            None => 0,
        }
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// The sizes of all of them together.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Message> {
        self.segments.iter().flat_map(|segment| segment.iter())
    }
}

/// What a listing says of each message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Listed {
    /// Its size: the scan listing of LIST.
    Octets,
    /// Its unique-id: the unique-id listing of UIDL.
    UniqueId,
}

/// A listing that is made as it is sent: a large one is never in memory as a whole.
#[derive(Clone, Debug)]
pub struct Listing {
    maildrop: Maildrop,
    kind: Listed,
    next: usize,
}

/// Gives the lines in pieces of some thousand octets, with their CRLFs.
impl Iterator for Listing {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        const PIECE: usize = 32 * 1024;
        /// No line is longer: a number, a space, a unique-id, CRLF.
        const LINE: usize = 96;

        let mut lines = Vec::new();
        while lines.len() + LINE <= PIECE
            && let Some(message) = self.maildrop.messages.at(self.next)
        {
            let number = MessageNumber::at(self.next).expect("a file has fewer messages than 2^32");
            self.next += 1;
            if !self.maildrop.marked.contains(&number) {
                self.kind.write(number, message, &mut lines);
                lines.extend_from_slice(b"\r\n");
            }
        }
        (!lines.is_empty()).then(|| Bytes::from(lines))
    }
}

impl Listed {
    /// Appends one message's line, without its line end.
    pub fn write(self, number: MessageNumber, message: &Message, out: &mut Vec<u8>) {
        match self {
            Listed::Octets => {
                let listing = ScanListing {
                    message: number,
                    octets: Octets(message.entry.octets),
                };
                write!(out, "{listing}").expect("a Vec takes all that is written");
            }
            Listed::UniqueId => {
                write!(out, "{number} ").expect("a Vec takes all that is written");
                message.write_unique_id(out);
            }
        }
    }
}

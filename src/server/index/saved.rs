//! An index as it is kept beside its mailbox between two runs of the server: bytes and back (pure).
//!
//! It is a cache. Whatever is wrong with it, it is thrown away, and the mailbox read once more.
//!
//! ```text
//!   magic and version  16 octets
//!   inode, length, modified, changed  7 numbers of 8 octets
//!   digest of both ends of what was read  32
//!   how many messages  8
//!   for each: start, body, text, end, octets  5 x 8, digest 16
//!   SHA-256 of all that  32
//! ```

use sha2::{Digest as _, Sha256};

use crate::server::{
    file::Stamp,
    mbox::{Digest, Entry},
};

/// The last digits are the version: an index of another one is not read.
const MAGIC: &[u8; 16] = b"tidings-index-02";

const HEADER: usize = 16 + 7 * 8 + 32 + 8;
const ENTRY: usize = 5 * 8 + 16;
const SUM: usize = 32;

/// What was kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Saved {
    /// How the mailbox was when it was read.
    pub stamp: Stamp,
    /// A digest of both ends of what was read.
    pub ends: [u8; 32],
    /// Its messages.
    pub entries: Vec<Entry>,
}

impl Saved {
    /// As it is kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.entries.len() * ENTRY + SUM);
        bytes.extend_from_slice(MAGIC);
        let stamp = self.stamp;
        for number in [stamp.inode.0, stamp.inode.1, stamp.length] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for (seconds, nanoseconds) in [stamp.modified, stamp.changed] {
            bytes.extend_from_slice(&seconds.to_le_bytes());
            bytes.extend_from_slice(&nanoseconds.to_le_bytes());
        }
        bytes.extend_from_slice(&self.ends);
        bytes.extend_from_slice(&(self.entries.len() as u64).to_le_bytes());
        for entry in &self.entries {
            for number in [entry.start, entry.body, entry.text, entry.end, entry.octets] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            bytes.extend_from_slice(&entry.digest);
        }
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        bytes
    }

    /// Reads what was kept; none if it is damaged, of another version, or makes no sense.
    pub fn from_bytes(bytes: &[u8]) -> Option<Saved> {
        let (content, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM)?)?;
        if Sha256::digest(content).as_slice() != sum {
            return None;
        }
        let mut rest = content.strip_prefix(MAGIC)?;
        let stamp = Stamp {
            inode: (number(&mut rest)?, number(&mut rest)?),
            length: number(&mut rest)?,
            modified: (signed(&mut rest)?, signed(&mut rest)?),
            changed: (signed(&mut rest)?, signed(&mut rest)?),
        };
        let ends = take(&mut rest)?;
        let count = usize::try_from(number(&mut rest)?).ok()?;
        if rest.len() != count.checked_mul(ENTRY)? {
            return None;
        }
        let mut entries = Vec::with_capacity(count);
        let mut from = 0;
        while !rest.is_empty() {
            let entry = Entry {
                start: number(&mut rest)?,
                body: number(&mut rest)?,
                text: number(&mut rest)?,
                end: number(&mut rest)?,
                octets: number(&mut rest)?,
                digest: take::<{ size_of::<Digest>() }>(&mut rest)?,
            };
            let is_ordered = from <= entry.start
                && entry.start <= entry.body
                && entry.body <= entry.text
                && entry.text <= entry.end
                && entry.end <= stamp.length;
            if !is_ordered {
                return None;
            }
            from = entry.end;
            entries.push(entry);
        }
        Some(Saved {
            stamp,
            ends,
            entries,
        })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    take(bytes).map(u64::from_le_bytes)
}

fn signed(bytes: &mut &[u8]) -> Option<i64> {
    take(bytes).map(i64::from_le_bytes)
}

//! Finds the messages of a mailbox's file, their sizes and their digests, in one pass over its octets.
//!
//! Mail programs that look into a mailbox note in a message's header what they did with it. These lines
//! are sent as they are, and are not part of the digest: the message stays the same one.

use std::mem;

use memchr::memmem;
use sha2::{Digest as _, Sha256};

use super::{
    Digest, Entry, LONGEST_PIECE,
    from_line::{is_from_line, is_masked},
    is_quoted, trim_line_end,
};

/// Finds the messages of a file that comes in pieces.
///
/// Read leniently: LF and CRLF, a missing first From_ line, a missing last newline. Content-Length
/// is not believed. The message that IMAP servers keep as the first of a file is left out, and so is
/// what a delivery that was killed has left.
#[derive(Debug)]
pub struct Scanner {
    offset: u64,
    after_empty_line: bool,
    in_line: bool,
    /// Within what was not written to its end: nothing of it is a message.
    is_torn: bool,
    message: Option<Unfinished>,
}

#[derive(Debug)]
struct Unfinished {
    start: u64,
    body: u64,
    end: u64,
    /// Where its text starts, once that is known.
    text: Option<u64>,
    octets: u64,
    hasher: Sha256,
    /// Within a header that is not part of the digest.
    is_noted: bool,
    /// An empty line that is the message's only if another line follows that is no From_ line.
    held: &'static [u8],
    ends_with_newline: bool,
    /// Only the first message of a file may be one of an IMAP server's.
    pseudo: Option<Pseudo>,
}

/// What the header of the first message has told so far.
#[derive(Debug, Default)]
struct Pseudo {
    is_marked: bool,
    has_travelled: bool,
}

impl Scanner {
    /// A scanner that starts where a file or one of its messages starts.
    pub fn at(offset: u64) -> Scanner {
        Scanner {
            offset,
            after_empty_line: true,
            in_line: false,
            is_torn: false,
            message: None,
        }
    }

    /// Takes whole lines from the front of `bytes`, and says how many octets they were. The rest is
    /// to be given again, with more behind it.
    pub fn feed(&mut self, bytes: &[u8], found: &mut Vec<Entry>) -> usize {
        let mut taken = 0;
        while let Some(newline) = memchr::memchr(b'\n', &bytes[taken..]) {
            self.line(&bytes[taken..=taken + newline], found);
            taken += newline + 1;
        }
        let rest = &bytes[taken..];
        if rest.len() > LONGEST_PIECE {
            // A CR may be half of the line's end.
            let piece = rest.strip_suffix(b"\r").unwrap_or(rest);
            self.piece(piece);
            taken += piece.len();
        }
        taken
    }

    /// Takes what is left at the file's end, a last line without an end, and gives the last message.
    pub fn finish(mut self, rest: &[u8], found: &mut Vec<Entry>) {
        if (is_from_line(rest) || is_masked(rest)) && self.starts_message(rest) {
            self.line(rest, found);
        } else if !rest.is_empty() || self.in_line {
            if !rest.is_empty() {
                self.piece(rest);
            }
            if let Some(message) = &mut self.message {
                // The missing line end is added when it is sent; half of one counts as the half.
                message.octets += if rest.ends_with(b"\r") { 1 } else { 2 };
            }
        }
        self.close(found);
    }

    /// A whole line, or what is left of one.
    fn line(&mut self, line: &[u8], found: &mut Vec<Entry>) {
        let text = trim_line_end(line);
        let is_empty = text.is_empty() && !self.in_line;
        if self.starts_message(text) {
            self.close(found);
            self.is_torn = is_masked(text);
            if !self.is_torn {
                self.open(line);
            }
        } else if self.is_torn {
            // Nobody was told that it was delivered: whoever sent it sends it again.
        } else if !is_empty {
            self.piece_of(text, line);
            if let Some(message) = &mut self.message {
                message.octets += 2;
            }
        } else if let Some(message) = &mut self.message {
            message.release();
            message.held = if line.len() == 2 { b"\r\n" } else { b"\n" };
        }
        self.after_empty_line = is_empty;
        self.in_line = false;
        self.offset += line.len() as u64;
    }

    /// A part of a line, without its end.
    fn piece(&mut self, piece: &[u8]) {
        self.piece_of(piece, piece);
        self.after_empty_line = false;
        self.in_line = true;
        self.offset += piece.len() as u64;
    }

    fn piece_of(&mut self, text: &[u8], stored: &[u8]) {
        let is_start = !self.in_line;
        if self.is_torn {
            return;
        }
        if self.message.is_none() {
            // The file's first From_ line is missing.
            self.open(b"");
        }
        if let Some(message) = &mut self.message {
            message.release();
            if message.text.is_none() && is_start {
                message.header_line(text);
            }
            message.keep(stored);
            message.octets += text.len() as u64 - u64::from(is_start && is_quoted(text));
        }
    }

    fn open(&mut self, from_line: &[u8]) {
        let body = self.offset + from_line.len() as u64;
        self.message = Some(Unfinished {
            start: self.offset,
            body,
            end: body,
            text: None,
            octets: 0,
            hasher: Sha256::new_with_prefix(from_line),
            is_noted: false,
            held: b"",
            ends_with_newline: from_line.is_empty() || from_line.ends_with(b"\n"),
            pseudo: (self.offset == 0).then(Pseudo::default),
        });
    }

    fn close(&mut self, found: &mut Vec<Entry>) {
        if let Some(message) = self.message.take() {
            found.extend(message.finish());
        }
    }

    fn starts_message(&self, text: &[u8]) -> bool {
        // Within what is torn, a line that begins like this is no text: text would be quoted.
        !self.in_line
            && (self.after_empty_line || self.is_torn)
            && text.starts_with(b"From ")
            && ((self.message.is_none() && !self.is_torn) || is_from_line(text) || is_masked(text))
    }
}

impl Unfinished {
    /// The empty line that was held back is the message's own after all.
    fn release(&mut self) {
        let held = mem::take(&mut self.held);
        if !held.is_empty() {
            self.is_noted = false;
            self.keep(held);
            self.octets += 2;
            self.text.get_or_insert(self.end);
        }
    }

    /// Looks at the start of a line of the header.
    fn header_line(&mut self, line: &[u8]) {
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            self.is_noted = is_note(line);
        }
        if let Some(pseudo) = &mut self.pseudo {
            pseudo.take(line);
        }
    }

    fn keep(&mut self, stored: &[u8]) {
        if !self.is_noted {
            self.hasher.update(stored);
        }
        self.end += stored.len() as u64;
        self.ends_with_newline = stored.ends_with(b"\n");
    }

    fn finish(mut self) -> Option<Entry> {
        if self.pseudo.is_some_and(|pseudo| pseudo.is_one()) {
            return None;
        }
        if !self.ends_with_newline && !self.is_noted {
            // So that the digest stays when whoever appends next adds the missing end.
            self.hasher.update(b"\n");
        }
        let whole = self.hasher.finalize();
        let mut digest = Digest::default();
        let half = digest.len();
        digest.copy_from_slice(&whole[..half]);
        Some(Entry {
            start: self.start,
            body: self.body,
            text: self.text.unwrap_or(self.end),
            end: self.end,
            octets: self.octets,
            digest,
        })
    }
}

impl Pseudo {
    fn take(&mut self, line: &[u8]) {
        self.is_marked |= begins(line, "X-IMAP:")
            || (begins(line, "Subject:") && memmem::find(line, b"FOLDER INTERNAL DATA").is_some());
        self.has_travelled |= begins(line, "Return-Path:") || begins(line, "Received:");
    }

    /// A mail that came from somewhere is never one, whatever its header claims.
    fn is_one(&self) -> bool {
        self.is_marked && !self.has_travelled
    }
}

/// What mail programs write into a message's header when they have looked at it: mutt, s-nail, Dovecot,
/// UW-IMAP.
const NOTES: [&str; 8] = [
    "Status:",
    "X-Status:",
    "X-Keywords:",
    "X-UID:",
    "X-IMAP:",
    "X-IMAPbase:",
    "Content-Length:",
    "Lines:",
];

fn is_note(line: &[u8]) -> bool {
    // Most lines begin otherwise.
    matches!(
        line.first(),
        Some(b'S' | b's' | b'X' | b'x' | b'C' | b'c' | b'L' | b'l')
    ) && NOTES.iter().any(|name| begins(line, name))
}

fn begins(line: &[u8], name: &str) -> bool {
    line.get(..name.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes()))
}

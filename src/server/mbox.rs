//! The mbox format as the spool keeps it: bytes to messages and back (mboxrd; RFC 4155 for the rest).
//!
//! A message starts with a From_ line (`From sender date`), at the file's start or after an empty
//! line, and ends before the empty line that comes before the next. A line that would look like a
//! From_ line is quoted by one `>`. [`Scanner`] finds the messages in pieces of a file, [`Excerpt`]
//! gives back what was stored, [`write`] makes what is appended. No file is touched here.

use std::mem;

use jiff::Timestamp;
use memchr::memmem;
use sha2::{Digest as _, Sha256};

/// Where a stored message is, and what can be said of it without reading it again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Where its From_ line starts, in octets from the file's start.
    pub start: u64,
    /// Where its first line starts, behind the From_ line.
    pub body: u64,
    /// Where it ends, the empty line that separates it from the next not included.
    pub end: u64,
    /// Its size as RETR yields it (RFC 1939 §11).
    pub octets: u64,
    /// What its unique-id is made of.
    pub digest: Digest,
}

/// The first half of the SHA-256 of a stored message with its From_ line.
pub type Digest = [u8; 16];

/// How many `>` a quoted line may have; with more it is a line like others.
const DEEPEST_QUOTE: usize = 1000;

/// A line longer than this is taken in pieces: nothing that matters stands that far from its start.
pub const LONGEST_PIECE: usize = 64 * 1024;

/// Finds the messages of a file that comes in pieces.
///
/// Read leniently: LF and CRLF, a missing first From_ line, a missing last newline. Content-Length
/// is not believed. The message that IMAP servers keep as the first of a file is left out.
#[derive(Debug)]
pub struct Scanner {
    offset: u64,
    after_empty_line: bool,
    in_line: bool,
    message: Option<Unfinished>,
}

#[derive(Debug)]
struct Unfinished {
    start: u64,
    body: u64,
    end: u64,
    octets: u64,
    hasher: Sha256,
    /// An empty line that is the message's only if another line follows that is no From_ line.
    held: &'static [u8],
    ends_with_newline: bool,
    /// Only the first message of a file may be one of an IMAP server's.
    pseudo: Option<Pseudo>,
}

/// What the header of the first message has told so far.
#[derive(Debug, Default)]
struct Pseudo {
    in_body: bool,
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
        if is_from_line(rest) && self.starts_message(rest) {
            self.line(rest, found);
        } else if !rest.is_empty() {
            self.piece(rest);
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
            self.open(line);
        } else if !is_empty {
            self.piece_of(text, line);
            if let Some(message) = &mut self.message {
                message.octets += 2;
            }
        } else if let Some(message) = &mut self.message {
            message.release();
            message.held = if line.len() == 2 { b"\r\n" } else { b"\n" };
            if let Some(pseudo) = &mut message.pseudo {
                pseudo.in_body = true;
            }
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
        if self.message.is_none() {
            // The file's first From_ line is missing.
            self.open(b"");
        }
        if let Some(message) = &mut self.message {
            message.release();
            message.keep(stored);
            message.octets += text.len() as u64 - u64::from(is_start && is_quoted(text));
            if let Some(pseudo) = &mut message.pseudo
                && is_start
            {
                pseudo.take(text);
            }
        }
    }

    fn open(&mut self, from_line: &[u8]) {
        let body = self.offset + from_line.len() as u64;
        self.message = Some(Unfinished {
            start: self.offset,
            body,
            end: body,
            octets: 0,
            hasher: Sha256::new_with_prefix(from_line),
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
        !self.in_line
            && self.after_empty_line
            && text.starts_with(b"From ")
            && (self.message.is_none() || is_from_line(text))
    }
}

impl Unfinished {
    /// The empty line that was held back is the message's own after all.
    fn release(&mut self) {
        let held = mem::take(&mut self.held);
        if !held.is_empty() {
            self.keep(held);
            self.octets += 2;
        }
    }

    fn keep(&mut self, stored: &[u8]) {
        self.hasher.update(stored);
        self.end += stored.len() as u64;
        self.ends_with_newline = stored.ends_with(b"\n");
    }

    fn finish(mut self) -> Option<Entry> {
        if self.pseudo.is_some_and(|pseudo| pseudo.is_one()) {
            return None;
        }
        if !self.ends_with_newline {
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
            end: self.end,
            octets: self.octets,
            digest,
        })
    }
}

impl Pseudo {
    fn take(&mut self, line: &[u8]) {
        if self.in_body {
            return;
        }
        let begins = |name: &str| {
            line.get(..name.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes()))
        };
        self.is_marked |= begins("X-IMAP:")
            || (begins("Subject:") && memmem::find(line, b"FOLDER INTERNAL DATA").is_some());
        self.has_travelled |= begins("Return-Path:") || begins("Received:");
    }

    /// A mail that came from somewhere is never one, whatever its header claims.
    fn is_one(&self) -> bool {
        self.is_marked && !self.has_travelled
    }
}

/// Finds all messages of a whole file.
pub fn split(file: &[u8]) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut scanner = Scanner::at(0);
    let mut taken = 0;
    while taken < file.len() {
        match scanner.feed(&file[taken..], &mut found) {
            0 => break,
            more => taken += more,
        }
    }
    scanner.finish(&file[taken..], &mut found);
    found
}

/// Gives what was stored, without the quoting: all of it, or what TOP asks for.
///
/// The message comes in pieces that end where lines end, or within a line that is longer than
/// [`LONGEST_PIECE`].
#[derive(Clone, Debug)]
pub struct Excerpt {
    in_line: bool,
    top: Option<Top>,
}

#[derive(Clone, Debug)]
struct Top {
    in_body: bool,
    lines: u64,
}

impl Excerpt {
    /// The whole message.
    pub fn whole() -> Excerpt {
        Excerpt {
            in_line: false,
            top: None,
        }
    }

    /// The header, the empty line, and so many lines of the body (RFC 1939 §7, TOP).
    pub fn top(lines: u64) -> Excerpt {
        Excerpt {
            in_line: false,
            top: Some(Top {
                in_body: false,
                lines,
            }),
        }
    }

    /// Takes the next piece and passes on what of it belongs to the excerpt.
    pub fn push(&mut self, piece: &[u8], mut out: impl FnMut(&[u8])) {
        if self.top.is_none() && memmem::find(piece, b">From ").is_none() {
            self.in_line = !piece.ends_with(b"\n");
            return out(piece);
        }
        let mut rest = piece;
        while !rest.is_empty() && !self.is_over() {
            let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
            let (line, others) = rest.split_at(length);
            let quoted = !self.in_line && is_quoted(line);
            out(&line[usize::from(quoted)..]);
            self.count(line);
            rest = others;
        }
    }

    /// True if it is the whole message.
    pub fn is_whole(&self) -> bool {
        self.top.is_none()
    }

    /// True if no further piece adds anything.
    pub fn is_over(&self) -> bool {
        match &self.top {
            Some(top) => top.in_body && top.lines == 0,
            None => false,
        }
    }

    fn count(&mut self, line: &[u8]) {
        let is_whole = line.ends_with(b"\n");
        if let Some(top) = &mut self.top
            && is_whole
        {
            if top.in_body {
                top.lines -= 1;
            } else {
                top.in_body = !self.in_line && trim_line_end(line).is_empty();
            }
        }
        self.in_line = !is_whole;
    }
}

/// Appends a mail as it is stored: From_ line, the mail quoted and with LF line ends, an empty line.
///
/// A From_ line at the mail's start, as some programs leave it, is not part of the mail.
pub fn write(mail: &[u8], sender: &str, at: Timestamp, out: &mut Vec<u8>) {
    out.reserve(mail.len() + mail.len() / 64 + 128);
    out.extend_from_slice(b"From ");
    out.extend_from_slice(from_sender(sender).as_bytes());
    // RFC 4155 appendix A: asctime's form, in UTC.
    out.extend_from_slice(
        at.strftime(" %a %b %e %H:%M:%S %Y\n")
            .to_string()
            .as_bytes(),
    );
    quote(without_from_line(mail), out);
    out.extend_from_slice(b"\n");
}

/// Appends a mail's lines quoted, their ends as LF, the last one too.
pub fn quote(mail: &[u8], out: &mut Vec<u8>) {
    for line in mail.split_inclusive(|&octet| octet == b'\n') {
        if line.starts_with(b"From ") || is_quoted(line) {
            out.push(b'>');
        }
        out.extend_from_slice(trim_line_end(line));
        out.push(b'\n');
    }
}

/// The mail without the From_ line that it may start with.
pub fn without_from_line(mail: &[u8]) -> &[u8] {
    if !mail.starts_with(b"From ") {
        return mail;
    }
    match memchr::memchr(b'\n', mail) {
        Some(newline) => &mail[newline + 1..],
        None => &[],
    }
}

/// The sender that a mail's own From_ line names.
pub fn sender_of(mail: &[u8]) -> Option<&str> {
    let line = mail.strip_prefix(b"From ")?;
    let line = line.split(|&octet| octet == b'\n').next()?;
    std::str::from_utf8(line)
        .ok()?
        .split_ascii_whitespace()
        .next()
}

/// An envelope sender as a From_ line can hold it; the empty one is the mail system's.
fn from_sender(sender: &str) -> String {
    let sender: String = sender
        .trim_matches(['<', '>'])
        .chars()
        .map(|c| if c.is_control() || c == ' ' { '_' } else { c })
        .collect();
    if sender.is_empty() {
        "MAILER-DAEMON".to_owned()
    } else {
        sender
    }
}

/// True for `From ` and, somewhere behind it, a date; `From here on` starts no message.
fn is_from_line(line: &[u8]) -> bool {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    /// Longer ones are no From_ lines: an address has at most 254 octets (RFC 5321 §4.5.3.1).
    const LONGEST: usize = 1000;

    let Some(rest) = line.strip_prefix(b"From ") else {
        return false;
    };
    if line.len() > LONGEST {
        return false;
    }
    let text = String::from_utf8_lossy(rest);
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let is_number = |word: &str, longest: usize| {
        (1..=longest).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit())
    };
    let is_year = |word: &&str| word.len() == 4 && is_number(word, 4);
    let is_time = |word: &str| {
        let mut parts = word.split(':');
        parts.next().is_some_and(|hour| is_number(hour, 2))
            && parts.next().is_some_and(|minute| is_number(minute, 2))
    };
    words.windows(4).enumerate().any(|(at, window)| {
        let &[day, second, third, fourth] = window else {
            return false;
        };
        let behind = words.iter().skip(at + 4).take(3);
        if !DAYS.contains(&day.trim_end_matches(',')) {
            false
        } else if MONTHS.contains(&second) {
            // asctime: Mon Nov 23 10:00:00 [zone] 2026
            is_number(third, 2) && is_time(fourth) && behind.into_iter().any(is_year)
        } else {
            // As in a Date field: Mon, 23 Nov 2026
            is_number(second, 2) && MONTHS.contains(&third) && is_year(&fourth)
        }
    })
}

/// True for a line that was quoted when it was written: `>From `, `>>From ` and so on.
fn is_quoted(line: &[u8]) -> bool {
    if line.first() != Some(&b'>') {
        return false;
    }
    let marks = line
        .iter()
        .take(DEEPEST_QUOTE + 1)
        .take_while(|&&octet| octet == b'>')
        .count();
    marks <= DEEPEST_QUOTE && line[marks..].starts_with(b"From ")
}

fn trim_line_end(line: &[u8]) -> &[u8] {
    let Some(line) = line.strip_suffix(b"\n") else {
        return line;
    };
    line.strip_suffix(b"\r").unwrap_or(line)
}

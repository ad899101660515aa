//! The mbox format as the spool keeps it: bytes to messages and back (mboxrd; RFC 4155 for the rest).
//!
//! A message starts with a From_ line (`From sender date`), at the file's start or after an empty
//! line, and ends before the empty line that comes before the next. A line that would look like a
//! From_ line is quoted by one `>`. [`scanner`] finds the messages in pieces of a file, [`Excerpt`]
//! gives back what was stored, [`write()`] makes what is appended. No file is touched here.

use jiff::Timestamp;
use memchr::memmem;

use self::{from_line::is_from_line, scanner::Scanner};

pub mod from_line;
pub mod scanner;

/// Where a stored message is, and what can be said of it without reading it again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Where its From_ line starts, in octets from the file's start.
    pub start: u64,
    /// Where its first line starts, behind the From_ line.
    pub body: u64,
    /// Where its text starts, behind the empty line that ends its header; where it ends, if it has none.
    pub text: u64,
    /// Where it ends, the empty line that separates it from the next not included.
    pub end: u64,
    /// Its size as RETR yields it (RFC 1939 §11).
    pub octets: u64,
    /// What its unique-id is made of.
    pub digest: Digest,
}

/// The first half of the SHA-256 of a stored message with its From_ line, and without what mail programs
/// note in its header.
pub type Digest = [u8; 16];

/// A line longer than this is taken in pieces: nothing that matters stands that far from its start.
pub const LONGEST_PIECE: usize = 64 * 1024;

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
    is_verbatim: bool,
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
            is_verbatim: false,
            top: None,
        }
    }

    /// The header, the empty line, and so many lines of the body (RFC 1939 §7, TOP).
    pub fn top(lines: u64) -> Excerpt {
        Excerpt {
            in_line: false,
            is_verbatim: false,
            top: Some(Top {
                in_body: false,
                lines,
            }),
        }
    }

    /// The same of a message that is stored as it is, without quoting.
    #[must_use]
    pub fn verbatim(mut self) -> Excerpt {
        self.is_verbatim = true;
        self
    }

    /// Takes the next piece and passes on what of it belongs to the excerpt.
    pub fn push(&mut self, piece: &[u8], mut out: impl FnMut(&[u8])) {
        if self.top.is_none() && (self.is_verbatim || memmem::find(piece, b">From ").is_none()) {
            self.in_line = !piece.ends_with(b"\n");
            return out(piece);
        }
        let mut rest = piece;
        while !rest.is_empty() && !self.is_over() {
            let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
            let (line, others) = rest.split_at(length);
            let quoted = !self.is_verbatim && !self.in_line && is_quoted(line);
            out(&line[usize::from(quoted)..]);
            self.count(line);
            rest = others;
        }
    }

    /// True if it is the whole message.
    pub fn is_whole(&self) -> bool {
        self.top.is_none()
    }

    /// The whole of what it is given, for who knows where it ends.
    #[must_use]
    pub fn to_its_end(mut self) -> Excerpt {
        self.top = None;
        self
    }

    /// True if it ends where the header does (TOP n 0).
    pub fn is_header(&self) -> bool {
        self.top
            .as_ref()
            .is_some_and(|top| top.lines == 0 && !top.in_body)
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
    quote(mail, out);
    out.extend_from_slice(b"\n");
}

/// Appends a mail's lines quoted, their ends as LF, the last one too.
pub fn quote(mail: &[u8], out: &mut Vec<u8>) {
    for line in mail.split_inclusive(|&octet| octet == b'\n') {
        if line.starts_with(b"From ") || is_quoted(line) {
            out.push(b'>');
        }
        let text = trim_line_end(line);
        out.extend_from_slice(text);
        // A bare CR that is the line's last octet would be taken for a half of its end.
        if text.ends_with(b"\r") {
            out.push(b'\r');
        }
        out.push(b'\n');
    }
}

/// The mail without the From_ line that it may start with, as some programs leave it. A first line
/// like `From tomorrow on` is the mail's own.
pub fn without_from_line(mail: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', mail).map_or(mail.len(), |newline| newline + 1);
    let (line, rest) = mail.split_at(end);
    if is_from_line(trim_line_end(line)) {
        rest
    } else {
        mail
    }
}

/// The sender that a mail's own From_ line names.
pub fn sender_of(mail: &[u8]) -> Option<&str> {
    let line = mail.split(|&octet| octet == b'\n').next()?;
    if !is_from_line(line) {
        return None;
    }
    std::str::from_utf8(&line[b"From ".len()..])
        .ok()?
        .split_ascii_whitespace()
        .next()
}

/// An envelope sender as a From_ line can hold it; the empty one is the mail system's. More than an
/// address may have is cut: a line that is too long would not begin a message.
fn from_sender(sender: &str) -> String {
    /// An address has at most 254 octets (RFC 5321 §4.5.3.1).
    const LONGEST: usize = 254;

    let sender = sender.trim_matches(['<', '>']);
    let sender: String = sender[..sender.floor_char_boundary(LONGEST)]
        .chars()
        .map(|c| if c.is_control() || c == ' ' { '_' } else { c })
        .collect();
    if sender.is_empty() {
        "MAILER-DAEMON".to_owned()
    } else {
        sender
    }
}

/// True for a line that was quoted when it was written: `>From `, `>>From ` and so on.
fn is_quoted(line: &[u8]) -> bool {
    if line.first() != Some(&b'>') {
        return false;
    }
    let marks = line.iter().take_while(|&&octet| octet == b'>').count();
    line[marks..].starts_with(b"From ")
}

fn trim_line_end(line: &[u8]) -> &[u8] {
    let Some(line) = line.strip_suffix(b"\n") else {
        return line;
    };
    line.strip_suffix(b"\r").unwrap_or(line)
}

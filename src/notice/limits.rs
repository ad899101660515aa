//! What a mail may cost: the bounds on its headers, parts and nesting, kept before it is parsed.
//!
//! mail-parser builds all of a mail's parts, and nested mails within mails, before anyone can ask
//! how many there are. So the bytes are looked over first, in one pass and without building
//! anything, and cut where they go beyond what any honest mail needs. What was cut is said.

use std::{borrow::Cow, collections::HashSet};

use mail_parser::{HeaderValue, parsers::MessageStream};
use memchr::{memchr, memmem};

use super::shown::Shown;

/// A mail within bounds.
#[derive(Debug)]
pub struct Bounded<'x> {
    /// Its bytes; a copy only where something had to be left out of the middle.
    pub raw: Cow<'x, [u8]>,
    /// What was left out, in words.
    pub cuts: Vec<Shown>,
}

/// Returns the mail without its mbox line, and with no more headers, parts and nesting than bounds
/// allow. A mail that has no header at all gets the empty line that makes it all body.
pub fn bounded(raw: &[u8]) -> Bounded<'_> {
    let raw = without_mbox_line(raw);
    if !starts_with_headers(raw) {
        return Bounded {
            raw: [b"\n", raw].concat().into(),
            cuts: Vec::new(),
        };
    }
    let mut scan = Scan {
        raw,
        kept: Vec::new(),
        copied: 0,
        boundaries: Boundaries::default(),
        parts: 0,
        nested: 0,
        cuts: Vec::new(),
    };
    let end = scan.mail();
    let raw = match scan.kept.is_empty() {
        true => Cow::Borrowed(&raw[..end]),
        false => {
            scan.kept.extend_from_slice(&raw[scan.copied..end]);
            Cow::Owned(scan.kept)
        }
    };
    Bounded {
        raw,
        cuts: scan.cuts,
    }
}

/// One pass over a mail: from header block to header block.
struct Scan<'x> {
    raw: &'x [u8],
    /// What is kept of the bytes before `copied`; empty while nothing was left out.
    kept: Vec<u8>,
    copied: usize,
    boundaries: Boundaries,
    parts: usize,
    nested: usize,
    cuts: Vec<Shown>,
}

impl Scan<'_> {
    /// Returns where the mail ends, or where it has to be cut.
    fn mail(&mut self) -> usize {
        let mut at = 0;
        loop {
            let start = at;
            let block = self.headers(at);
            at = block.end;
            self.parts += 1;
            if self.parts > PARTS {
                return self.cut_off(start, "Cut here: the mail has more than 1,000 parts.");
            }
            if block.holds_mail {
                self.nested += 1;
                if self.nested > NESTED_MAILS {
                    return self.cut_off(start, "Cut here: too many mails within the mail.");
                }
                continue;
            }
            match self.boundaries.next(self.raw, at) {
                Some(next) => at = next,
                None => return self.raw.len(),
            }
        }
    }

    /// Passes over one block of headers, and leaves out those beyond the bounds.
    fn headers(&mut self, start: usize) -> HeaderBlock {
        let bounds = if start == 0 {
            HEADERS_OF_MAIL
        } else {
            HEADERS_OF_PART
        };
        let mut block = HeaderBlock {
            end: start,
            holds_mail: false,
        };
        let (mut count, mut kept_to) = (0, None);
        while block.end < self.raw.len() {
            let line = start_of_next(self.raw, block.end);
            let header = &self.raw[block.end..line];
            if header.iter().all(u8::is_ascii_whitespace) {
                break;
            }
            count += usize::from(!header.starts_with(b" ") && !header.starts_with(b"\t"));
            if kept_to.is_none() && (count > bounds.count || line - start > bounds.octets) {
                kept_to = Some(block.end);
            }
            if kept_to.is_none() && starts_with_name(header, b"content-type") {
                self.content_type(block.end, &mut block.holds_mail);
            }
            block.end = line;
        }
        if let Some(kept_to) = kept_to {
            self.leave_out(kept_to, block.end);
        }
        block.end = start_of_next(self.raw, block.end);
        block
    }

    /// Learns from a Content-Type what may follow: parts, or a mail. mail-parser reads it, so that
    /// what is expected here is what it will find.
    fn content_type(&mut self, at: usize, holds_mail: &mut bool) {
        let colon = memchr(b':', &self.raw[at..]).map_or(at, |colon| at + colon + 1);
        let window = &self.raw[colon..self.raw.len().min(colon + CONTENT_TYPE_OCTETS)];
        if let HeaderValue::ContentType(kind) = MessageStream::new(window).parse_content_type() {
            *holds_mail |= kind.ctype().eq_ignore_ascii_case("message");
            if let Some(boundary) = kind.attribute("boundary") {
                self.boundaries.insert(boundary.as_bytes());
            }
        }
    }

    fn leave_out(&mut self, from: usize, to: usize) {
        self.kept.extend_from_slice(&self.raw[self.copied..from]);
        self.copied = to;
        self.say("Cut: more headers than a mail needs; the rest of them is left out.");
    }

    fn cut_off(&mut self, at: usize, words: &'static str) -> usize {
        self.say(words);
        at.max(self.copied)
    }

    fn say(&mut self, words: &'static str) {
        let words = Shown::from_static(words);
        if !self.cuts.contains(&words) {
            self.cuts.push(words);
        }
    }
}

/// Where a header block ended, and whether a mail of its own comes next.
struct HeaderBlock {
    end: usize,
    holds_mail: bool,
}

/// The boundaries that were announced so far.
#[derive(Default)]
struct Boundaries {
    known: HashSet<Vec<u8>>,
    lengths: Vec<usize>,
}

impl Boundaries {
    fn insert(&mut self, boundary: &[u8]) {
        if !boundary.is_empty()
            && self.known.insert(boundary.to_vec())
            && !self.lengths.contains(&boundary.len())
        {
            self.lengths.push(boundary.len());
        }
    }

    /// Returns where the line after the next delimiter begins. As mail-parser does, it takes a
    /// delimiter in the middle of a line too.
    fn next(&self, raw: &[u8], from: usize) -> Option<usize> {
        if self.known.is_empty() {
            return None;
        }
        let mut at = from;
        while let Some(dashes) = memmem::find(&raw[at..], b"--") {
            let rest = &raw[at + dashes + 2..];
            let is_known = |&length: &usize| {
                rest.get(..length)
                    .is_some_and(|part| self.known.contains(part))
            };
            if self.lengths.iter().any(is_known) {
                return Some(start_of_next(raw, at + dashes + 2));
            }
            at += dashes + 1;
        }
        None
    }
}

/// Bounds on one block of headers.
struct HeaderBounds {
    count: usize,
    octets: usize,
}

/// mbox files put `From sender date` before a mail; some mails keep it, quoted or not.
fn without_mbox_line(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    match raw.starts_with(b"From ") || raw.starts_with(b">From ") {
        true => &raw[start_of_next(raw, 0)..],
        false => raw,
    }
}

/// True if one of the first lines is a header field, `name: value`, or if there is an empty line
/// where they would be.
fn starts_with_headers(raw: &[u8]) -> bool {
    let mut at = 0;
    for _ in 0..LINES_TO_FIND_A_HEADER {
        let next = start_of_next(raw, at);
        let line = &raw[at..next];
        if line.iter().all(u8::is_ascii_whitespace) {
            return !line.is_empty();
        }
        let name = memchr(b':', line).map_or(&b""[..], |colon| line[..colon].trim_ascii());
        if !name.is_empty() && name.iter().all(|b| b.is_ascii_graphic()) {
            return true;
        }
        at = next;
    }
    false
}

fn starts_with_name(header: &[u8], name: &[u8]) -> bool {
    let header = header.trim_ascii_start();
    header
        .get(..name.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(name))
}

fn start_of_next(raw: &[u8], at: usize) -> usize {
    memchr(b'\n', &raw[at..]).map_or(raw.len(), |newline| at + newline + 1)
}

/// RFC 5322 knows about thirty fields; hops and filters add some hundred.
const HEADERS_OF_MAIL: HeaderBounds = HeaderBounds {
    count: 1000,
    octets: 256 * 1024,
};

/// A part needs six.
const HEADERS_OF_PART: HeaderBounds = HeaderBounds {
    count: 100,
    octets: 64 * 1024,
};

/// The largest real digests have some hundred.
const PARTS: usize = 1000;

/// mail-parser drops mails within mails recursively, so this many must fit on a stack.
const NESTED_MAILS: usize = 200;

/// A boundary has at most 70 characters (RFC 2046, section 5.1.1), a file name some hundred.
const CONTENT_TYPE_OCTETS: usize = 4096;

/// Broken gateways leave a line or two before the headers.
const LINES_TO_FIND_A_HEADER: usize = 3;

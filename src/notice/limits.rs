//! What a mail may cost: the bounds on its headers, parts and nesting, kept before it is parsed.
//!
//! mail-parser builds all of a mail's parts, and nested mails within mails, before anyone can ask
//! how many there are. So the bytes are looked over first, in one pass and without building
//! anything, and cut where they go beyond what any honest mail needs. What was cut is said.

use std::{borrow::Cow, collections::HashSet, ops::Range};

use mail_parser::{HeaderValue, parsers::MessageStream};
use memchr::{memchr, memmem};

use super::{charset, encoded, repair, shown::Shown};

/// A mail within bounds.
#[derive(Debug)]
pub struct Bounded<'x> {
    /// Its bytes; a copy only where something had to be changed in the middle.
    pub raw: Cow<'x, [u8]>,
    /// What was left out, in words.
    pub cuts: Vec<Shown>,
    /// What was done to the mail, one after the other.
    layers: Vec<Shifts>,
}

/// Where edits end in what they have made, and by how much that is longer than before up to there.
type Shifts = Vec<(usize, isize)>;

impl Bounded<'_> {
    /// Where a range of `raw` stands in the mail as it came.
    pub fn original(&self, range: Range<usize>) -> Range<usize> {
        let origin = |place: usize| self.layers.iter().rev().fold(place, before);
        origin(range.start)..origin(range.end)
    }
}

/// Where a place stood before some edits.
fn before(place: usize, shifts: &Shifts) -> usize {
    let behind = shifts.partition_point(|(end, _)| *end <= place);
    let shift = behind.checked_sub(1).map_or(0, |last| shifts[last].1);
    let place = place.saturating_sub_signed(shift);
    // Within what was put in: where that stands.
    let next = shifts.get(behind);
    next.map_or(place, |(end, shift)| {
        place.min(end.saturating_sub_signed(*shift))
    })
}

/// Returns the mail without its mbox line, and with no more headers, parts and nesting than bounds
/// allow. A mail that has no header at all gets the empty line that makes it all body.
pub fn bounded(raw: &[u8]) -> Bounded<'_> {
    within(raw, Files::Whole)
}

/// The same for whoever asks only what files there are: of pictures, documents and the like, which are most of a mail,
/// no more than the beginning is left.
pub fn bounded_for_list(raw: &[u8]) -> Bounded<'_> {
    within(raw, Files::Begun)
}

/// What is left of files that hold no text.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Files {
    #[default]
    Whole,
    Begun,
}

fn within(raw: &[u8], files: Files) -> Bounded<'_> {
    let whole = raw.len();
    let raw = without_lead(raw);
    let lead = signed(raw.len()) - signed(whole);
    if !starts_with_headers(raw) {
        return Bounded {
            raw: [b"\n", raw].concat().into(),
            cuts: Vec::new(),
            layers: vec![vec![(0, lead + 1)]],
        };
    }
    let mut scan = Scan {
        raw,
        files,
        guess_left: GUESSED_OCTETS,
        headers_left: ALL_HEADERS,
        ..Scan::default()
    };
    let end = scan.mail();
    let mut layers = vec![vec![(0, lead)]];
    let (mut made, mut cuts) = (Cow::Borrowed(&raw[..end]), scan.cuts);
    let mut edits = scan.edits;
    if !scan.readable.is_empty() {
        // What is left out anyway is not copied first: it may be most of the mail.
        let left_out = edits.into_iter().filter(|edit| edit.with.is_empty());
        scan.readable.extend(left_out);
        let (readable, shifts) = edited(made, end, &scan.readable);
        layers.push(shifts);
        // What is parsed is what is looked over, whatever the first pass has made of it.
        let mut again = Scan {
            raw: &readable,
            files,
            headers_left: ALL_HEADERS,
            ..Scan::default()
        };
        let end = again.mail();
        cuts.extend(
            again
                .cuts
                .into_iter()
                .filter(|cut| !cuts.contains(cut))
                .collect::<Vec<_>>(),
        );
        edits = again.edits;
        made = truncated(readable, end);
    }
    let end = made.len();
    let (made, shifts) = edited(made, end, &edits);
    layers.push(shifts);
    let (raw, shifts) = repair::closed(made);
    layers.push(shifts);
    Bounded { raw, cuts, layers }
}

fn truncated(raw: Cow<'_, [u8]>, end: usize) -> Cow<'_, [u8]> {
    match raw {
        Cow::Borrowed(raw) => Cow::Borrowed(&raw[..end]),
        Cow::Owned(mut raw) => {
            raw.truncate(end);
            Cow::Owned(raw)
        }
    }
}

fn signed(size: usize) -> isize {
    isize::try_from(size).expect("nothing in memory is larger")
}

/// One pass over a mail: from header block to header block. Where it is open to doubt what is a
/// header, it takes the line for one: better to look at too much than to let something past.
#[derive(Default)]
struct Scan<'x> {
    raw: &'x [u8],
    files: Files,
    /// What keeps the bounds.
    edits: Vec<Edit>,
    /// What makes headers readable; done first, and then looked over once more.
    readable: Vec<Edit>,
    /// Of how many octets of headers the charset may still be guessed; nothing is made readable once there are none.
    guess_left: usize,
    /// How many octets of headers all parts may still have together.
    headers_left: usize,
    boundaries: Boundaries,
    has_digest: bool,
    parts: usize,
    nested: usize,
    cuts: Vec<Shown>,
}

/// A range of bytes, and what stands in its place.
struct Edit {
    from: usize,
    to: usize,
    with: Vec<u8>,
}

impl Scan<'_> {
    /// Returns where the mail ends, or where it has to be cut.
    fn mail(&mut self) -> usize {
        let mut at = 0;
        loop {
            let start = at;
            let block = self.headers(at);
            at = block.end;
            if at >= self.raw.len() {
                return at;
            }
            self.parts += 1;
            if self.parts > PARTS {
                self.say("Cut here: the mail has more than 1,000 parts.");
                return start;
            }
            // In a digest, what has no type is a mail (RFC 2046, section 5.1.5).
            if block.is_mail() || (self.has_digest && block.type_at.is_none() && start > 0) {
                self.nested += 1;
                if self.nested > NESTED_MAILS {
                    self.say("Cut here: too many mails within the mail.");
                    return start;
                }
                continue;
            }
            let next = self.boundaries.next(self.raw, at);
            if self.files == Files::Begun && block.holds_octets && block.is_base64 {
                let end = next.as_ref().map_or(self.raw.len(), |next| next.start);
                self.leave_begun(at..end);
            }
            match next {
                Some(next) => at = next.end,
                None => return self.raw.len(),
            }
        }
    }

    /// Leaves out what follows on the first line of a file, unless others may be packed into it.
    fn leave_begun(&mut self, body: Range<usize>) {
        let from = start_of_next(self.raw, body.start);
        if from + SMALL_FILE < body.end && !self.raw[body.start..].starts_with(PACKED_BY_OUTLOOK) {
            self.edits.push(Edit {
                from,
                to: body.end,
                with: Vec::new(),
            });
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
            ..HeaderBlock::default()
        };
        let (mut count, mut kept_to) = (0, None);
        while block.end < self.raw.len() {
            let next = start_of_next(self.raw, block.end);
            let line = &self.raw[block.end..next];
            let goes_on = line.starts_with(b" ") || line.starts_with(b"\t");
            if line.iter().all(u8::is_ascii_whitespace) && !(goes_on && count > 0) {
                break;
            }
            count += usize::from(!goes_on);
            let is_too_much =
                count > bounds.count || next - start > bounds.octets.min(self.headers_left);
            if kept_to.is_none() && is_too_much {
                kept_to = Some(block.end);
            }
            if kept_to.is_none() {
                self.header(block.end, next, &mut block);
            }
            block.end = next;
        }
        self.octets(std::mem::take(&mut block.octets), &block.charset);
        let header = &self.raw[start..kept_to.unwrap_or(block.end)];
        let words = match self.guess_left {
            0 => Vec::new(),
            _ => encoded::together(header, &mut self.guess_left),
        };
        self.readable
            .extend(words.into_iter().map(|(range, with)| Edit {
                from: start + range.start,
                to: start + range.end,
                with,
            }));
        if let Some(from) = kept_to {
            self.edits.push(Edit {
                from,
                to: block.end,
                with: Vec::new(),
            });
            self.say("Cut: more headers than a mail needs; the rest of them is left out.");
        }
        self.headers_left = self
            .headers_left
            .saturating_sub(kept_to.unwrap_or(block.end) - start);
        if block.type_at.is_some() && block.is_encoded {
            self.keep_closed(&block);
        }
        block.end = start_of_next(self.raw, block.end);
        block
    }

    /// Old programs send their own charset in headers, and do not say which.
    fn octets(&mut self, lines: Vec<Range<usize>>, said: &str) {
        let raw = self.raw;
        let fields: Vec<&[u8]> = lines.iter().map(|line| &raw[line.clone()]).collect();
        let octets: usize = fields.iter().map(|field| field.len()).sum();
        if octets == 0 || self.guess_left < octets {
            return;
        }
        self.guess_left -= octets;
        let decode = charset::of_fields(&fields, said);
        self.readable.extend(lines.into_iter().map(|line| Edit {
            from: line.start,
            to: line.end,
            with: decoded_line(&raw[line], &decode),
        }));
    }

    fn header(&mut self, at: usize, next: usize, block: &mut HeaderBlock) {
        let line = &self.raw[at..next];
        if is_old_charset(line) {
            block.octets.push(at..next);
        }
        let Some(colon) = memchr(b':', line) else {
            return;
        };
        if is_name(&line[..colon], b"content-transfer-encoding") {
            let value = line[colon + 1..].trim_ascii();
            block.is_base64 = value.eq_ignore_ascii_case(b"base64");
            block.is_encoded |= !["7bit", "8bit", "binary"]
                .iter()
                .any(|plain| value.eq_ignore_ascii_case(plain.as_bytes()));
        } else if is_name(&line[..colon], b"content-type") {
            self.content_type(at + colon + 1, block);
        }
    }

    /// Learns from a Content-Type what may follow: parts, or a mail. mail-parser reads it, so that
    /// what is expected here is what it will find.
    fn content_type(&mut self, at: usize, block: &mut HeaderBlock) {
        let is_only_type = block.type_at.is_none();
        block.type_at = block.type_at.or(Some(at));
        block.holds_octets = false;
        let HeaderValue::ContentType(kind) =
            MessageStream::new(&self.raw[at..]).parse_content_type()
        else {
            return;
        };
        let is = |class: &str, sub: &str| {
            kind.ctype().eq_ignore_ascii_case(class)
                && kind
                    .subtype()
                    .is_some_and(|own| own.eq_ignore_ascii_case(sub))
        };
        let class = kind.ctype();
        block.holds_octets = is_only_type
            && ["application", "audio", "image", "video"]
                .iter()
                .any(|octets| class.eq_ignore_ascii_case(octets));
        block.holds_mail |= is("message", "rfc822") || is("message", "global");
        self.has_digest |= is("multipart", "digest");
        if let Some(charset) = kind.attribute("charset") {
            block.charset = charset.to_owned();
        }
        if let Some(boundary) = kind.attribute("boundary") {
            self.boundaries.insert(boundary.as_bytes());
        }
    }

    /// Keeps an encoded mail within the mail from being opened, as nothing bounds what is in it. It
    /// is a file all the same.
    fn keep_closed(&mut self, block: &HeaderBlock) {
        let header = &self.raw[..block.end];
        for name in [&b"rfc822"[..], b"global"] {
            let mut at = block.type_at.unwrap_or(block.end);
            while let Some(found) = header[at..]
                .windows(name.len())
                .position(|word| word.eq_ignore_ascii_case(name))
            {
                let from = at + found;
                at = from + name.len();
                if block.holds_mail {
                    self.edits.push(Edit {
                        from,
                        to: at,
                        with: CLOSED.into(),
                    });
                }
            }
        }
    }

    fn say(&mut self, words: &'static str) {
        let words = Shown::from_static(words);
        if !self.cuts.contains(&words) {
            self.cuts.push(words);
        }
    }
}

/// Where a header block ended, and what it says about what follows.
#[derive(Default)]
struct HeaderBlock {
    end: usize,
    type_at: Option<usize>,
    holds_mail: bool,
    /// It is no text and no mail.
    holds_octets: bool,
    is_base64: bool,
    is_encoded: bool,
    /// Lines in a charset that is not said.
    octets: Vec<Range<usize>>,
    /// That of the text behind it, as far as it is said.
    charset: String,
}

impl HeaderBlock {
    fn is_mail(&self) -> bool {
        self.holds_mail && !self.is_encoded
    }
}

/// A line of a header decoded: still one line, whatever its octets are letters of.
fn decoded_line(line: &[u8], decode: impl Fn(&[u8]) -> String) -> Vec<u8> {
    let field = line.trim_ascii_end();
    let (field, end) = line.split_at(field.len());
    let mut decoded = decode(field)
        .replace(|c: char| c.is_control() && c != '\t', " ")
        .into_bytes();
    decoded.extend_from_slice(end);
    decoded
}

/// Returns the first octets with the edits made, those that overlap an earlier one are not; and what has moved.
fn edited<'x>(raw: Cow<'x, [u8]>, end: usize, edits: &[Edit]) -> (Cow<'x, [u8]>, Shifts) {
    let mut shifts = Shifts::new();
    if edits.is_empty() {
        return (truncated(raw, end), shifts);
    }
    let raw = &raw[..end];
    let mut edits: Vec<&Edit> = edits.iter().filter(|edit| edit.to <= raw.len()).collect();
    edits.sort_by_key(|edit| edit.from);
    // A header that is cut may be most of the mail.
    let cut: usize = edits.iter().map(|edit| edit.to - edit.from).sum();
    let mut made = Vec::with_capacity(raw.len().saturating_sub(cut));
    let (mut at, mut shift) = (0, 0);
    for edit in edits.into_iter() {
        if edit.from >= at {
            made.extend_from_slice(&raw[at..edit.from]);
            made.extend_from_slice(&edit.with);
            at = edit.to;
            shift += signed(edit.with.len()) - signed(edit.to - edit.from);
            shifts.push((made.len(), shift));
        }
    }
    made.extend_from_slice(&raw[at..]);
    (Cow::Owned(made), shifts)
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

    /// Returns the next delimiter, from its dashes to the line after it. As mail-parser does, it takes a
    /// delimiter in the middle of a line too.
    fn next(&self, raw: &[u8], from: usize) -> Option<Range<usize>> {
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
                let dashes = at + dashes;
                return Some(dashes..start_of_next(raw, dashes + 2));
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

/// Returns the mail without what some programs leave before it: a byte order mark, the `From sender
/// date` of mbox files, quoted or not, and empty lines.
fn without_lead(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    let raw = match raw.starts_with(b"From ") || raw.starts_with(b">From ") {
        true => &raw[start_of_next(raw, 0)..],
        false => raw,
    };
    let trimmed = raw.trim_ascii_start();
    // After empty lines only what is surely a header is taken for one: it may be text.
    let name = memchr(b':', &trimmed[..trimmed.len().min(NAME_OCTETS)])
        .map_or(&b""[..], |colon| &trimmed[..colon]);
    let is_known = LEADING_FIELDS.iter().any(|field| is_name(name, field));
    if is_known { trimmed } else { raw }
}

/// True if one of the first lines is a header field, `name: value`, or if there is an empty line
/// where they would be.
fn starts_with_headers(raw: &[u8]) -> bool {
    let mut at = 0;
    for index in 0..LINES_TO_FIND_A_HEADER {
        let next = start_of_next(raw, at);
        let line = &raw[at..next];
        if line.iter().all(u8::is_ascii_whitespace) {
            return index == 0 && !line.is_empty();
        }
        let name = memchr(b':', line).map_or(&b""[..], |colon| line[..colon].trim_ascii());
        if !name.is_empty() && name.iter().all(|b| b.is_ascii_graphic()) {
            return true;
        }
        at = next;
    }
    false
}

/// True if a line holds octets beyond ASCII of which most make no letter of UTF-8. A line that is UTF-8 but for a cut
/// letter is left as it is.
fn is_old_charset(line: &[u8]) -> bool {
    if line.is_ascii() || std::str::from_utf8(line).is_ok() {
        return false;
    }
    let (mut letters, mut others) = (0, 0);
    for chunk in line.utf8_chunks() {
        letters += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        others += chunk.invalid().len();
    }
    letters == 0 || others > 3 * letters
}

/// True if a field has this name, as mail-parser reads names: without any space in them.
fn is_name(field: &[u8], name: &[u8]) -> bool {
    let letters = field
        .iter()
        .filter(|b| !b.is_ascii_whitespace())
        .map(u8::to_ascii_lowercase);
    letters.eq(name.iter().copied())
}

fn start_of_next(raw: &[u8], at: usize) -> usize {
    memchr(b'\n', &raw[at..]).map_or(raw.len(), |newline| at + newline + 1)
}

/// Nobody writes more of them in a charset that is not said, or said wrongly.
const GUESSED_OCTETS: usize = 256 * 1024;

/// RFC 5322 knows about thirty fields; hops and filters add some hundred.
const HEADERS_OF_MAIL: HeaderBounds = HeaderBounds {
    count: 1000,
    octets: 256 * 1024,
};

/// The largest digests have some two megabytes in all their mails together.
const ALL_HEADERS: usize = 8 * 1024 * 1024;

/// To leave out less than this takes longer than to decode it.
const SMALL_FILE: usize = 4 * 1024;

/// How winmail.dat begins, of whatever type it is: its signature, [MS-OXTNEF] §2.1.3.1, in base64.
const PACKED_BY_OUTLOOK: &[u8] = b"eJ8+I";

/// A part needs six.
const HEADERS_OF_PART: HeaderBounds = HeaderBounds {
    count: 100,
    octets: 64 * 1024,
};

/// The largest real digests have some hundred.
const PARTS: usize = 1000;

/// mail-parser drops mails within mails recursively, so this many must fit on a stack.
const NESTED_MAILS: usize = 200;

/// Takes the place of `rfc822` and `global` in the type of a mail that is not opened.
pub const CLOSED: &str = "x-mail";

/// No field's name is longer.
const NAME_OCTETS: usize = 80;

/// What a mail begins with.
const LEADING_FIELDS: [&[u8]; 11] = [
    b"return-path",
    b"received",
    b"delivered-to",
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"dkim-signature",
];

/// Broken gateways leave a line or two before the headers.
const LINES_TO_FIND_A_HEADER: usize = 3;

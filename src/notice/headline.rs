//! A mail's one line in the list, and what the cache keeps about it for finding it again.
//!
//! A first check makes a [`Digest`] of every mail, so it does without layout: of HTML the words are
//! taken ([`strip`]), which is good enough to be searched.

use jiff::{SignedDuration, Timestamp};
use mail_parser::{HeaderName, Message, MessageParser, PartType};
use sha2::{Digest as _, Sha256};

use super::{
    Address, Headline, Marks, NoticeId, calendar, facts,
    files::File,
    guard, headers,
    html::strip,
    inside, limits, links,
    parts::{self, Contents, Piece},
    shown::Shown,
    succession::Succession,
};

/// What the cache keeps about a mail, from one reading of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Digest {
    /// Its line in the list.
    pub headline: Headline,
    /// Its words.
    pub search_text: SearchText,
    /// What it is known by when its unique-id changed.
    pub fingerprint: Fingerprint,
    /// What it takes the place of.
    pub succession: Succession,
}

/// The words of a mail, for searching. They are not for drawing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SearchText {
    /// The names and addresses of its senders.
    pub sender: String,
    /// The names and addresses of those it is to, or who have a copy, and the list it came through.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// The names of its files, a line each.
    pub files: String,
}

/// What stays the same of a mail however a server hands it out: digests that leave out what is added
/// per retrieval, line ends, and white space at the ends of lines.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Fingerprint {
    /// Of Message-ID, Date, From and Subject: TOP n 0 is enough for it.
    pub headers: [u8; 16],
    /// Of all that follows the headers.
    pub body: [u8; 16],
}

impl Digest {
    /// Reads a mail that arrived here at a time. It never fails.
    pub fn of(raw: &[u8], arrived: Timestamp) -> Digest {
        Digest::read(raw, arrived, true)
    }

    /// The same without its words, which take about half of the time.
    pub fn without_words(raw: &[u8], arrived: Timestamp) -> Digest {
        Digest::read(raw, arrived, false)
    }

    fn read(raw: &[u8], arrived: Timestamp, with_words: bool) -> Digest {
        let fingerprint = Fingerprint::of(raw);
        let read = guard::without_panic(|| {
            let bounded = limits::bounded(raw);
            let mail = MessageParser::new().parse(&*bounded.raw)?;
            Some(digest(raw, &mail, arrived, fingerprint, with_words))
        });
        read.flatten().unwrap_or_else(|| {
            let headline = headline(
                &blank(),
                &Contents::default(),
                arrived,
                &fingerprint.headers,
                raw.len(),
            );
            Digest {
                headline,
                search_text: SearchText::default(),
                fingerprint,
                succession: Succession::default(),
            }
        })
    }
}

impl Headline {
    /// Reads a mail that arrived here at a time. It never fails.
    pub fn parse(raw: &[u8], arrived: Timestamp) -> Headline {
        Digest::of(raw, arrived).headline
    }

    /// Reads the answer to TOP n 0. Its handle and parents are those of the whole mail, and so is its
    /// key if it has a Message-ID; size, preview and files are not known.
    pub fn of_headers(raw_headers: &[u8], arrived: Timestamp) -> Headline {
        let fingerprint = Fingerprint::of_headers(raw_headers);
        let read = guard::without_panic(|| {
            let bounded = limits::bounded(raw_headers);
            let mail = MessageParser::new()
                .parse_headers(&*bounded.raw)
                .or_else(|| MessageParser::new().parse(&*bounded.raw));
            mail.map(|mail| headline(&mail, &Contents::default(), arrived, &fingerprint, 0))
        });
        read.flatten()
            .unwrap_or_else(|| headline(&blank(), &Contents::default(), arrived, &fingerprint, 0))
    }
}

impl Fingerprint {
    /// Returns the fingerprint of a whole mail.
    pub fn of(raw: &[u8]) -> Fingerprint {
        // Text without any header is all body.
        let body = match begins_with_field(raw) {
            true => &raw[header_end(raw)..],
            false => raw,
        };
        Fingerprint {
            headers: Fingerprint::of_headers(raw),
            body: body_digest(body),
        }
    }

    /// Returns the headers' half of the fingerprint, from a whole mail or from its headers alone.
    pub fn of_headers(raw: &[u8]) -> [u8; 16] {
        let mut found: [Vec<u8>; 4] = Default::default();
        let mut open: Option<usize> = None;
        for line in raw[..header_end(raw)].split(|&b| b == b'\n') {
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                open.into_iter()
                    .for_each(|field| append_words(&mut found[field], line));
                continue;
            }
            open = STABLE_FIELDS.iter().position(|name| {
                line.get(..name.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(name))
                    && line[name.len()..].trim_ascii_start().starts_with(b":")
            });
            // Of a field that stands there twice the first counts.
            open = open.filter(|&field| found[field].is_empty());
            if let Some(field) = open {
                let value = &line[STABLE_FIELDS[field].len()..].trim_ascii_start()[1..];
                append_words(&mut found[field], value);
            }
        }
        let mut digest = Sha256::new();
        for field in &found {
            digest.update(field);
            digest.update(b"\n");
        }
        first_half(&digest.finalize())
    }
}

/// A mail without anything. The library's own has not even a part, of which its functions ask for the first.
fn blank() -> Message<'static> {
    let blank = MessageParser::new().parse(&b"X-Blank:\r\n\r\n"[..]);
    blank.unwrap_or_default()
}

fn digest(
    raw: &[u8],
    mail: &Message,
    arrived: Timestamp,
    fingerprint: Fingerprint,
    with_words: bool,
) -> Digest {
    let contents = parts::contents(mail);
    let mut headline = headline(mail, &contents, arrived, &fingerprint.headers, raw.len());
    if headers::message_id(mail).is_empty() {
        // Mails without names of their own are one thread only if they are the same mail.
        headline.key ^= half_of(&fingerprint.body);
    }
    let appointment = contents.pieces.iter().find_map(|piece| match piece {
        Piece::Calendar(text) => calendar::identity(text),
        Piece::Html(_) | Piece::Plain { .. } | Piece::Status(_) => None,
    });
    let succession = Succession::of(mail, &headline.from, &headline.subject, appointment);
    if !with_words {
        return Digest {
            headline,
            search_text: SearchText::default(),
            fingerprint,
            succession,
        };
    }
    let people = |people: Vec<Address>, most: usize| {
        let people = people.into_iter().take(most);
        let words = people.map(|person| format!("{} {}", person.name, person.address));
        words.collect::<Vec<_>>().join("\n")
    };
    let mut to = headers::addresses(mail, &HeaderName::To);
    to.extend(headers::addresses(mail, &HeaderName::Cc));
    let files: Vec<&str> = contents
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    let search_text = SearchText {
        sender: people(headers::from(mail), SENDERS),
        recipient: format!("{}\n{}", people(to, RECIPIENTS), headline.list),
        subject: headline.subject.to_string(),
        body: body_words(mail, &contents),
        files: files.join("\n"),
    };
    Digest {
        headline,
        search_text,
        fingerprint,
        succession,
    }
}

fn headline(
    mail: &Message,
    contents: &Contents,
    arrived: Timestamp,
    fingerprint: &[u8; 16],
    size: usize,
) -> Headline {
    let sent = headers::date(mail).map(|(at, _)| at);
    let latest = arrived
        .saturating_add(SignedDuration::from_hours(FUTURE_HOURS))
        .unwrap_or(Timestamp::MAX);
    let date = sent.filter(|at| *at <= latest && *at >= Timestamp::UNIX_EPOCH);
    let id = headers::message_id(mail);
    let own_key = half_of(fingerprint);
    Headline {
        id: NoticeId::default(),
        handle: handle(fingerprint),
        from: headers::from(mail).into_iter().next().unwrap_or_default(),
        subject: headers::subject(mail),
        date: date.unwrap_or(arrived),
        date_guessed: date.is_none(),
        preview: preview(contents),
        size: size as u64,
        important: headers::is_important(mail),
        files: u16::try_from(contents.files.iter().filter(|file| !file.inline).count()).unwrap_or(u16::MAX),
        has_link: contents.pieces.iter().any(|piece| matches!(piece, Piece::Html(text) | Piece::Plain { text, .. } if links::has_link(text))),
        key: if id.is_empty() { own_key } else { headers::key_of(id) },
        parents: headers::parents(mail),
        marks: Marks::default(),
        withdrawn: None,
        replaces: None,
        list: facts::list_name(mail),
        // What was over before it was sent says something else, or nothing.
        expires: facts::expires(mail).filter(|until| sent.is_none_or(|sent| *until > sent)),
        answer_by: facts::answer_by(mail),
        replaced_by: None,
    }
}

/// True if the first line is a header field, as `Subject: …`.
fn begins_with_field(raw: &[u8]) -> bool {
    // As some programs leave it.
    if raw.starts_with(b"From ") || raw.starts_with(b">From ") {
        return true;
    }
    let is_of_name = |octet: &&u8| octet.is_ascii_graphic() && **octet != b':';
    let name = raw.iter().take_while(is_of_name).count();
    name > 0 && raw[name..].trim_ascii_start().starts_with(b":")
}

fn half_of(fingerprint: &[u8; 16]) -> u64 {
    let half = fingerprint[..8].try_into();
    u64::from_be_bytes(half.expect("a fingerprint has 16 bytes"))
}

/// Returns a short name for a notice, the same on every machine: ten letters of Crockford's base 32
/// (no i, l, o, u).
fn handle(fingerprint: &[u8; 16]) -> Box<str> {
    let bits = u64::from_be_bytes(
        fingerprint[8..]
            .try_into()
            .expect("a fingerprint has 16 bytes"),
    );
    (0..HANDLE_LETTERS)
        .map(|place| char::from(HANDLE_ALPHABET[(bits >> (5 * place)) as usize & 31]))
        .collect::<String>()
        .into()
}

fn body_words(mail: &Message, contents: &Contents) -> String {
    let mut body = String::new();
    for piece in &contents.pieces {
        let words = match piece {
            Piece::Html(html) => strip::words(html, SEARCH_OCTETS).into(),
            Piece::Calendar(text) | Piece::Plain { text, .. } | Piece::Status(text) => {
                std::borrow::Cow::Borrowed(&**text)
            }
        };
        put_words(&mut body, &words, SEARCH_OCTETS);
    }
    for file in &contents.files {
        file_words(mail, file, &mut body);
    }
    if body.contains('\0') {
        body.replace('\0', " ")
    } else {
        body
    }
}

/// Adds the words of an attached text, or of a mail in the mail.
fn file_words(mail: &Message, file: &File, body: &mut String) {
    if file.place.packed.is_some() || !inside::is_shown(file) {
        return;
    }
    match mail.parts.get(file.place.part).map(|part| &part.body) {
        Some(PartType::Text(text)) => put_words(body, text, FILE_OCTETS),
        Some(PartType::Html(html)) => {
            put_words(body, &strip::words(html, FILE_OCTETS), FILE_OCTETS)
        }
        // As programs send a log or a table.
        Some(PartType::Binary(bytes) | PartType::InlineBinary(bytes)) => {
            let start = &bytes[..bytes.len().min(FILE_OCTETS)];
            if !start.contains(&0) {
                put_words(body, &String::from_utf8_lossy(start), FILE_OCTETS);
            }
        }
        Some(PartType::Message(inner)) => {
            put_words(body, inner.subject().unwrap_or_default(), FILE_OCTETS);
            if let Some(text) = inner.body_text(0) {
                put_words(body, &text, FILE_OCTETS);
            }
        }
        Some(PartType::Multipart(_)) | None => {}
    }
}

/// Adds as many words as there is room for.
fn put_words(body: &mut String, words: &str, most: usize) {
    let left = SEARCH_OCTETS.saturating_sub(body.len()).min(most);
    body.push_str(&words[..words.floor_char_boundary(left)]);
    body.push('\n');
}

/// Returns the first line that the sender wrote: no quotes, and not the line that announces them.
fn preview(contents: &Contents) -> Shown {
    let texts = contents.pieces.iter().find_map(|piece| match piece {
        Piece::Plain { text, .. } => Some((text, false)),
        Piece::Html(text) => Some((text, true)),
        Piece::Calendar(_) | Piece::Status(_) => None,
    });
    let Some((text, is_html)) = texts else {
        return Shown::default();
    };
    let text = &text[..text.floor_char_boundary(if is_html {
        PREVIEW_HTML_OCTETS
    } else {
        PREVIEW_OCTETS
    })];
    let stripped = if is_html {
        strip::words(text, PREVIEW_OCTETS)
    } else {
        String::new()
    };
    let text = if is_html { &stripped } else { text };
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let own = lines
        .by_ref()
        .take_while(|line| *line != "--")
        .find(|line| is_own(line));
    let Some(own) = own else {
        return Shown::default();
    };
    // A greeting alone says nothing: what follows is put beside it.
    let is_short = own.chars().count() < GREETING_CHARACTERS;
    let next = lines
        .next()
        .filter(|line| is_short && is_own(line) && *line != "--");
    Shown::line(&format!("{own} {}", next.unwrap_or_default())).cut_to(PREVIEW_COLUMNS)
}

fn is_own(line: &str) -> bool {
    let is_quote = line.starts_with('>') || line.starts_with('|');
    let is_attribution = line.ends_with(':')
        && [
            "wrote:",
            "writes:",
            "schrieb:",
            "écrit :",
            "escribió:",
            "ha scritto:",
        ]
        .iter()
        .any(|end| line.ends_with(end));
    let starts_attribution = line.starts_with("On ") && line.contains('@') && line.len() > 20;
    let is_rule = line.chars().all(|c| !c.is_alphanumeric());
    let is_original = line.starts_with("-----") || line.starts_with("_____");
    !(is_quote || is_attribution || starts_attribution || is_rule || is_original)
}

/// Returns where the headers end: after the empty line, or where the mail does.
fn header_end(raw: &[u8]) -> usize {
    let mut at = 0;
    while let Some(newline) = memchr::memchr(b'\n', &raw[at..]) {
        let line = &raw[at..at + newline];
        at += newline + 1;
        if line.is_empty() || line == b"\r" {
            return at;
        }
    }
    raw.len()
}

/// Adds a header line's words with one space between them, so that folding makes no difference.
fn append_words(field: &mut Vec<u8>, line: &[u8]) {
    for word in line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
    {
        if !field.is_empty() {
            field.push(b' ');
        }
        field.extend_from_slice(word);
    }
}

/// Digests a body without the white space at the ends of its lines, and without empty lines at its
/// end.
fn body_digest(body: &[u8]) -> [u8; 16] {
    let mut digest = Sha256::new();
    let mut clean = Vec::with_capacity(body.len());

    let body = body.trim_ascii_end();
    let ends = memchr::memchr_iter(b'\n', body).chain([body.len()]);
    let mut from = 0;
    for end in ends {
        clean.extend_from_slice(body[from..end].trim_ascii_end());
        from = end + 1;
        clean.push(b'\n');
        if clean.len() >= DIGEST_CHUNK {
            digest.update(&clean);
            clean.clear();
        }
    }
    digest.update(&clean);
    first_half(&digest.finalize())
}

fn first_half(digest: &[u8]) -> [u8; 16] {
    digest[..16].try_into().expect("a SHA-256 has 32 bytes")
}

/// POP3.md: what no server rewrites.
const STABLE_FIELDS: [&[u8]; 4] = [b"message-id", b"date", b"from", b"subject"];

/// A clock may be a day off, or in another zone than it says.
const FUTURE_HOURS: i64 = 24;

const HANDLE_ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 50 bits: two of a million notices share one with a chance of 1 in 2,000.
const HANDLE_LETTERS: usize = 10;

/// What is indexed of one mail: a book's worth.
const SEARCH_OCTETS: usize = 1024 * 1024;

/// And of one file: the beginning of a log.
const FILE_OCTETS: usize = 128 * 1024;

/// Where the first line is looked for.
const PREVIEW_OCTETS: usize = 8 * 1024;
const PREVIEW_HTML_OCTETS: usize = 32 * 1024;

/// What the widest list shows.
const PREVIEW_COLUMNS: usize = 120;

/// "Hello all," and shorter.
const GREETING_CHARACTERS: usize = 16;

/// Nobody searches for the eleventh sender.
const SENDERS: usize = 10;

/// Nor for one of a hundred recipients.
const RECIPIENTS: usize = 100;

/// Memory for digesting one body.
const DIGEST_CHUNK: usize = 64 * 1024;

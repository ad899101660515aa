//! A mail's one line in the list, and what the cache keeps about it for finding it again.
//!
//! A first check makes a [`Digest`] of every mail, so it does without layout.

use std::sync::Arc;

use compact_str::CompactString;
use jiff::{SignedDuration, Timestamp};
use mail_parser::{Message, MessageParser};

use super::{
    Headline, Marks, NoticeId, calendar, facts,
    fate::Fate,
    fingerprint::Fingerprint,
    guard, headers,
    html::strip,
    limits, links,
    parts::{self, Contents, Piece},
    search_text::SearchText,
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
            let bounded = match with_words {
                true => limits::bounded(raw),
                false => limits::bounded_for_list(raw),
            };
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
    let search_text = match with_words {
        true => SearchText::read(mail, &contents),
        false => SearchText::default(),
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
        from: headers::from(mail).into_iter().next().unwrap_or_default().into(),
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
        list: facts::mailing_list(mail).map(Arc::new),
        // What was over before it was sent says something else, or nothing.
        fate: Fate {
            expires: facts::expires(mail).filter(|until| sent.is_none_or(|sent| *until > sent)),
            answer_by: facts::answer_by(mail),
            ..Fate::default()
        }
        .into(),
    }
}

fn half_of(fingerprint: &[u8; 16]) -> u64 {
    let half = fingerprint[..8].try_into();
    u64::from_be_bytes(half.expect("a fingerprint has 16 bytes"))
}

/// Returns a short name for a notice, the same on every machine: ten letters of Crockford's base 32
/// (no i, l, o, u).
fn handle(fingerprint: &[u8; 16]) -> CompactString {
    let bits = u64::from_be_bytes(
        fingerprint[8..]
            .try_into()
            .expect("a fingerprint has 16 bytes"),
    );
    (0..HANDLE_LETTERS)
        .map(|place| char::from(HANDLE_ALPHABET[(bits >> (5 * place)) as usize & 31]))
        .collect()
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

/// A clock may be a day off, or in another zone than it says.
const FUTURE_HOURS: i64 = 24;

const HANDLE_ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 50 bits: two of a million notices share one with a chance of 1 in 2,000.
const HANDLE_LETTERS: usize = 10;

/// Where the first line is looked for.
const PREVIEW_OCTETS: usize = 8 * 1024;
const PREVIEW_HTML_OCTETS: usize = 32 * 1024;

/// What the widest list shows.
const PREVIEW_COLUMNS: usize = 120;

/// "Hello all," and shorter.
const GREETING_CHARACTERS: usize = 16;

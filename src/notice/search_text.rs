//! The words of a mail, for the index. Every mail of a first check is read for them, so it is done without
//! layout: of HTML the words are taken ([`strip`]), which is good enough to be searched.

use std::borrow::Cow;

use mail_parser::{HeaderName, Message, MessageParser, PartType};

use super::{
    Address, facts,
    files::File,
    guard, headers,
    html::strip,
    inside, limits, packed,
    parts::{self, Contents, Piece},
};

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

impl SearchText {
    /// The words of a whole mail. It never fails: of what cannot be read there are none.
    pub fn of(raw: &[u8]) -> SearchText {
        let read = guard::without_panic(|| {
            let bounded = limits::bounded(raw);
            let mail = MessageParser::new().parse(&*bounded.raw)?;
            Some(SearchText::read(&mail, &parts::contents(&mail)))
        });
        read.flatten().unwrap_or_default()
    }

    /// Those of a mail that is parsed already.
    pub(super) fn read(mail: &Message, contents: &Contents) -> SearchText {
        let mut to = headers::addresses(mail, &HeaderName::To);
        to.extend(headers::addresses(mail, &HeaderName::Cc));
        let files = contents.files.iter().map(|file| file.name.as_str());
        SearchText {
            sender: people(headers::from(mail), SENDERS),
            recipient: format!("{}\n{}", people(to, RECIPIENTS), facts::list_name(mail)),
            subject: headers::subject(mail).to_string(),
            body: body_words(mail, contents),
            files: files.collect::<Vec<_>>().join("\n"),
        }
    }
}

fn people(people: Vec<Address>, most: usize) -> String {
    let people = people.into_iter().take(most);
    let words = people.map(|person| format!("{} {}", person.name, person.address));
    words.collect::<Vec<_>>().join("\n")
}

fn body_words(mail: &Message, contents: &Contents) -> String {
    let mut body = String::new();
    for piece in &contents.pieces {
        let words = match piece {
            Piece::Html(html) => strip::words(html, SEARCH_OCTETS).into(),
            Piece::Calendar(text) | Piece::Plain { text, .. } | Piece::Status(text) => {
                Cow::Borrowed(&**text)
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
    if !inside::is_shown(file) {
        return;
    }
    let part = mail.parts.get(file.place.part);
    if let Some(place) = file.place.packed {
        // Each time the others are unpacked with it.
        if place >= MOST_PACKED {
            return;
        }
        let bytes = part.and_then(|part| packed::bytes(part, &mail.raw_message, place));
        return octets_words(&bytes.unwrap_or_default(), body);
    }
    match part.map(|part| &part.body) {
        Some(PartType::Text(text)) => put_words(body, text, FILE_OCTETS),
        Some(PartType::Html(html)) => {
            put_words(body, &strip::words(html, FILE_OCTETS), FILE_OCTETS)
        }
        // As programs send a log or a table.
        Some(PartType::Binary(bytes) | PartType::InlineBinary(bytes)) => octets_words(bytes, body),
        Some(PartType::Message(inner)) => {
            put_words(body, inner.subject().unwrap_or_default(), FILE_OCTETS);
            if let Some(text) = inner.body_text(0) {
                put_words(body, &text, FILE_OCTETS);
            }
        }
        Some(PartType::Multipart(_)) | None => {}
    }
}

/// Adds the words of a file that is text, if it is.
fn octets_words(bytes: &[u8], body: &mut String) {
    let start = &bytes[..bytes.len().min(FILE_OCTETS)];
    if !start.contains(&0) {
        put_words(body, &String::from_utf8_lossy(start), FILE_OCTETS);
    }
}

/// Adds as many words as there is room for.
fn put_words(body: &mut String, words: &str, most: usize) {
    let left = SEARCH_OCTETS.saturating_sub(body.len()).min(most);
    body.push_str(&words[..words.floor_char_boundary(left)]);
    body.push('\n');
}

/// What is indexed of one mail: a book's worth.
const SEARCH_OCTETS: usize = 1024 * 1024;

/// And of one file: the beginning of a log.
const FILE_OCTETS: usize = 128 * 1024;

/// Of files that are packed into one part, these are read.
const MOST_PACKED: usize = 8;

/// Nobody searches for the eleventh sender.
const SENDERS: usize = 10;

/// Nor for one of a hundred recipients.
const RECIPIENTS: usize = 100;

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
            recipient: format!(
                "{}\n{}",
                people(to, RECIPIENTS),
                facts::mailing_list(mail).unwrap_or_default().name
            ),
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
        put_words(&mut body, &piece_words(piece, SEARCH_OCTETS), SEARCH_OCTETS);
    }
    for file in &contents.files {
        file_words(mail, file, 0, &mut body);
    }
    if body.contains('\0') {
        body.replace('\0', " ")
    } else {
        body
    }
}

/// The words of a piece of text.
fn piece_words<'p>(piece: &'p Piece, most: usize) -> Cow<'p, str> {
    match piece {
        Piece::Html(html) => strip::words(html, most).into(),
        Piece::Calendar(text) | Piece::Plain { text, .. } | Piece::Status(text) => {
            Cow::Borrowed(&**text)
        }
    }
}

/// Adds the words of an attached text, or of a mail in the mail, so many mails deep.
fn file_words(mail: &Message, file: &File, depth: usize, body: &mut String) {
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
        Some(PartType::Message(inner)) => inner_words(inner, depth, body),
        Some(PartType::Multipart(_)) | None => {}
    }
}

/// Adds the words of a mail in the mail, and of those in that.
fn inner_words(inner: &Message, depth: usize, body: &mut String) {
    put_words(body, inner.subject().unwrap_or_default(), FILE_OCTETS);
    let contents = parts::contents(inner);
    for piece in &contents.pieces {
        put_words(body, &piece_words(piece, FILE_OCTETS), FILE_OCTETS);
    }
    if depth == DEEPEST {
        return;
    }
    for file in &contents.files {
        put_words(body, &file.name, FILE_OCTETS);
        // Where in its octets a packed file lies is known of the whole mail alone.
        if file.place.packed.is_none() {
            file_words(inner, file, depth + 1, body);
        }
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

/// So many mails deep files are read; the text of a mail that is one deeper is read as well.
const DEEPEST: usize = 4;

/// Of files that are packed into one part, these are read.
const MOST_PACKED: usize = 8;

/// Nobody searches for the eleventh sender.
const SENDERS: usize = 10;

/// Nor for one of a hundred recipients.
const RECIPIENTS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_however_deep_a_forward_holds_them() {
        let mut mail = "Subject: innermost\r\nContent-Type: multipart/mixed; boundary=in\r\n\r\n\
             --in\r\nContent-Type: text/html\r\n\r\n<p>heron</p>\r\n\
             --in\r\nContent-Type: text/csv; name=birds.csv\r\n\
             Content-Disposition: attachment; filename=birds.csv\r\n\r\nname,count\r\negret,3\r\n--in--\r\n"
            .to_owned();
        for level in 0..DEEPEST {
            mail = format!(
                "Subject: level {level}\r\nContent-Type: multipart/mixed; boundary=b{level}\r\n\r\n\
                 --b{level}\r\nContent-Type: text/plain\r\n\r\nsee below {level}\r\n\
                 --b{level}\r\nContent-Type: message/rfc822\r\n\r\n{mail}\r\n--b{level}--\r\n"
            );
        }

        let words = SearchText::of(mail.as_bytes()).body;

        for word in [
            "innermost",
            "heron",
            "egret",
            "birds.csv",
            "see below 0",
            "see below 3",
        ] {
            assert!(words.contains(word), "{word}: {words}");
        }
    }
}

//! Files that stand within a part, put there by something else than MIME: Outlook's winmail.dat, and
//! what people wrote into their text before there were attachments.

use mail_parser::{MessagePart, PartType};

use super::transfer::{is_type, transfer_decoded};

mod rtf;
mod tnef;
mod written;

/// Of the files that are written into a text, so many are found.
pub const MOST_WRITTEN: usize = written::MOST_FILES;

/// A file that was found in a part.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Packed {
    /// Its name, as it stands there; empty if it has none.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What was found in a part.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Unpacked {
    /// Text, to be shown in the part's place.
    pub text: Option<Written>,
    /// Files.
    pub files: Vec<Packed>,
}

/// Text that was found in a part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Written {
    /// HTML.
    Html(String),
    /// Plain text.
    Plain(String),
}

/// Returns what Outlook has packed into a part; none if it has not.
pub fn by_outlook(part: &MessagePart) -> Option<Unpacked> {
    match &part.body {
        PartType::Binary(bytes) | PartType::InlineBinary(bytes)
            if is_type(part, "application", "ms-tnef")
                || is_type(part, "application", "vnd.ms-tnef")
                || bytes.starts_with(&tnef::SIGNATURE) =>
        {
            tnef::unpacked(bytes)
        }
        _ => None,
    }
}

/// Takes the files out of a part's text that were written into it; returns them, and what is left of the
/// text. None if there is none.
pub fn in_text(part: &MessagePart, raw: &[u8], text: &str) -> Option<(String, Vec<Packed>)> {
    if !written::may_hold(text.as_bytes()) {
        return None;
    }
    let octets = transfer_decoded(part, raw);
    let found = written::find(&octets);
    if found.is_empty() {
        return None;
    }
    let left = written::without(text, &octets, &found);
    Some((left, found.into_iter().map(|found| found.file).collect()))
}

/// Returns the text of a file in RTF.
pub(super) fn rtf_text(rtf: &[u8]) -> String {
    rtf::text(rtf)
}

/// Returns the bytes of a file in a part, by its place among them.
pub fn bytes(part: &MessagePart, raw: &[u8], place: usize) -> Option<Vec<u8>> {
    let files = match &part.body {
        PartType::Text(text) => in_text(part, raw, text)?.1,
        _ => by_outlook(part)?.files,
    };
    files.into_iter().nth(place).map(|file| file.bytes)
}

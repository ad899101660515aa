//! Files that stand within a part, put there by something else than MIME: Outlook's winmail.dat, and
//! what people wrote into their text before there were attachments.

use mail_parser::{MessagePart, PartType};

use super::transfer::{is_type, transfer_decoded};

mod rtf;
mod tnef;
mod written;

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

/// Returns what a part holds that is not MIME; none if it is only what it says.
pub fn unpacked(part: &MessagePart, raw: &[u8]) -> Option<Unpacked> {
    match &part.body {
        PartType::Text(text) => {
            let found = written::find(&transfer_decoded(part, raw))?;
            Some(Unpacked {
                text: Some(Written::Plain(written::without(text, &found))),
                files: found.into_iter().map(|found| found.file).collect(),
            })
        }
        PartType::Binary(bytes) | PartType::InlineBinary(bytes)
            if is_type(part, "application", "ms-tnef")
                || is_type(part, "application", "vnd.ms-tnef")
                || bytes.starts_with(&tnef::SIGNATURE) =>
        {
            tnef::unpacked(bytes)
        }
        PartType::Html(_)
        | PartType::Binary(_)
        | PartType::InlineBinary(_)
        | PartType::Message(_)
        | PartType::Multipart(_) => None,
    }
}

/// Returns the bytes of a file in a part, by its place among them.
pub fn bytes(part: &MessagePart, raw: &[u8], place: usize) -> Option<Vec<u8>> {
    let files = unpacked(part, raw)?.files;
    files.into_iter().nth(place).map(|file| file.bytes)
}

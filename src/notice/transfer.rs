//! What a part says that it is, and what it held before it was encoded for the way (RFC 2045 §5, §6).

use std::borrow::Cow;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use mail_parser::{
    Encoding, MessagePart, MimeHeaders,
    decoders::{base64::base64_decode, quoted_printable::quoted_printable_decode},
};
use memchr::memrchr;

/// Returns a part's bytes as they were before they were encoded for the way.
pub fn transfer_decoded<'x>(part: &MessagePart, raw: &'x [u8]) -> Cow<'x, [u8]> {
    let body = raw
        .get(part.offset_body as usize..part.offset_end as usize)
        .unwrap_or_default();
    let decoded = match part.encoding {
        Encoding::None => None,
        Encoding::Base64 => base64_decode(body),
        Encoding::QuotedPrintable => quoted_printable_decode(body),
    };
    decoded.map_or(Cow::Borrowed(body), Cow::Owned)
}

/// Returns the octets of a part in base64 behind which words stand, as a mailing list puts them there, and those words.
pub fn with_words_behind<'x>(part: &MessagePart, raw: &'x [u8]) -> Option<(Vec<u8>, Cow<'x, str>)> {
    // The library calls it none where it cannot read it.
    let said = part.content_transfer_encoding()?;
    if !said.trim().eq_ignore_ascii_case("base64") {
        return None;
    }
    let body = raw.get(part.offset_body as usize..part.offset_end as usize)?;
    let is_letter = |octet: &u8| octet.is_ascii_alphanumeric() || b"+/".contains(octet);
    // Nearly all end as they should, and are not looked at further.
    let end = body.trim_ascii_end();
    let last = memrchr(b'\n', end).map_or(0, |newline| newline + 1);
    let last = &end[last..];
    let is_whole = last.len().is_multiple_of(4);
    if is_whole && last.iter().all(|octet| is_letter(octet) || *octet == b'=') {
        return None;
    }
    let mut letters = Vec::new();
    let (mut at, mut width) = (0, None);
    // All lines but the last are of one length.
    for line in body.split_inclusive(|&octet| octet == b'\n') {
        let trimmed = line.trim_ascii();
        let unpadded = unpadded(trimmed);
        if !unpadded.iter().all(is_letter) || (trimmed.is_empty() && !letters.is_empty()) {
            break;
        }
        at += line.len();
        letters.extend_from_slice(unpadded);
        let full = *width.get_or_insert(trimmed.len());
        if trimmed.len() != full || unpadded.len() < trimmed.len() {
            break;
        }
    }
    let behind = body[at..].trim_ascii_start();
    // Letters alone are more of the same, in lines of any length.
    let has_words = behind.split(|&octet| octet == b'\n').any(|line| {
        !line
            .trim_ascii()
            .iter()
            .all(|octet| is_letter(octet) || *octet == b'=')
    });
    if letters.len() < LEAST_LETTERS || !has_words {
        return None;
    }
    let octets = BASE64.decode(&letters).ok()?;
    Some((octets, String::from_utf8_lossy(behind)))
}

/// Base64 without what it is filled up with.
fn unpadded(letters: &[u8]) -> &[u8] {
    let end = letters.iter().rposition(|&letter| letter != b'=');
    &letters[..end.map_or(0, |end| end + 1)]
}

/// True if a part says that it is of this type.
pub fn is_type(part: &MessagePart, class: &str, sub: &str) -> bool {
    part.content_type().is_some_and(|kind| {
        kind.ctype().eq_ignore_ascii_case(class)
            && kind
                .subtype()
                .is_some_and(|own| own.eq_ignore_ascii_case(sub))
    })
}

/// Many leave the padding away.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Fewer letters may be a word.
const LEAST_LETTERS: usize = 12;

#[cfg(test)]
mod tests {
    use crate::notice::{Notice, files};

    fn shown(body: &str) -> String {
        let head = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n";
        let text = Notice::parse(format!("{head}{body}").as_bytes()).text();
        text.trim().to_owned()
    }

    #[test]
    fn what_a_list_puts_behind_base64_stands_behind_its_text() {
        let footer = "____________________\nFooter of the list";
        for body in [
            "SGVsbG8gd29ybGQ=",
            "SGVsbG8gd29ybGQ",
            "SGVsbG8gd29y\nbGQ=",
            "SGVsbG8gd29y\nbGQ=\n",
        ] {
            assert_eq!(
                shown(&format!("{body}\n{footer}")),
                format!("Hello world\n\n{footer}")
            );
        }
    }

    #[test]
    fn base64_that_is_not_filled_up_loses_nothing() {
        assert_eq!(shown("SGVsbG8gd29ybGQ\n"), "Hello world");
        assert_eq!(shown("SGVsbG8gd29ybA\n"), "Hello worl");

        let mail = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee\n--b\n\
                    Content-Type: application/octet-stream; name=a.bin\n\
                    Content-Transfer-Encoding: base64\n\nSGVsbG8gd29ybGQ\n--b--\n";
        let file = &Notice::parse(mail.as_bytes()).files[0];
        let octets = files::bytes(mail.as_bytes(), file.place);
        assert_eq!(octets.as_deref(), Some(&b"Hello world"[..]));
    }
}

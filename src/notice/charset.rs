//! The charset of a text, where the mail does not say it, or says it wrongly.
//!
//! mail-parser decodes what it knows; here is what to do about the rest.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use mail_parser::{Encoding, MessagePart, decoders::charsets::map::charset_decoder};
use memchr::{memchr_iter, memmem};

/// True if there is a decoder for the charset that a mail names, or if it names none.
pub fn is_known(said: &str) -> bool {
    let name = cleaned(said.trim());
    name.is_empty() || is_utf8(&name) || charset_decoder(name.as_bytes()).is_some()
}

/// Returns the text decoded anew from its bytes, if mail-parser had no charset to go by; none if
/// what it made of them stands.
pub fn corrected<'x>(said: &str, text: &str, bytes: impl Fn() -> Cow<'x, [u8]>) -> Option<String> {
    let said = said.trim();
    let name = cleaned(said);
    let is_garbled = || text.contains('\u{fffd}') || text.contains("\u{1b}$");
    if !text.is_ascii() && has_single_octets(&name) {
        let bytes = bytes();
        if let Some(text) = as_utf8(&bytes) {
            return Some(text.to_owned());
        }
    }
    match charset_decoder(name.as_bytes()) {
        Some(decode) => (name != said).then(|| decode(&bytes())),
        None if is_utf8(&name) && has_letters(text) => with_printable(text),
        None => match is_garbled() {
            true => Some(guess(&bytes(), text)),
            false => with_printable(text),
        },
    }
}

/// Returns the text of a part that is said to be base64 and is not: words stand there.
pub fn not_encoded<'x>(part: &MessagePart, raw: &'x [u8]) -> Option<Cow<'x, str>> {
    if part.encoding != Encoding::Base64 {
        return None;
    }
    let body = raw.get(part.offset_body as usize..part.offset_end as usize)?;
    let body = body.trim_ascii();
    let has_words = body
        .split(|&octet| octet == b'\n')
        .any(|line| line.trim_ascii().contains(&b' '));
    let letters = body
        .iter()
        .filter(|octet| octet.is_ascii_alphanumeric() || b"+/".contains(octet));
    // Four letters are three octets, and two are one: one is none.
    let is_odd = !body.contains(&b'=') && letters.count() % 4 == 1 && body.len() < SHORT;
    ((has_words && !body.contains(&b'=')) || is_odd).then(|| String::from_utf8_lossy(body))
}

/// True if most of what is not ASCII in a text are letters: a broken one among them is no other charset.
fn has_letters(text: &str) -> bool {
    // Nearly all texts have none, and a first check asks this of each.
    let broken = memmem::find_iter(text.as_bytes(), "\u{fffd}").count();
    if broken == 0 {
        return true;
    }
    let whole = text
        .chars()
        .filter(|c| !c.is_ascii() && *c != '\u{fffd}')
        .count();
    broken <= whole
}

/// True for charsets in which every octet is a letter, so that nothing looks wrong that is.
fn has_single_octets(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "us-ascii"
        || name == "ascii"
        || name == "latin1"
        || name.starts_with("iso-8859-")
        || name.starts_with("windows-125")
}

/// Returns bytes that are UTF-8 beyond doubt.
fn as_utf8(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (text.chars().filter(|c| !c.is_ascii()).count() >= 2).then_some(text)
}

/// Returns the text with letters for what are control characters but in Windows-1252; none if there are none.
fn with_printable(text: &str) -> Option<String> {
    let is_control = |c: char| ('\u{80}'..='\u{9f}').contains(&c);
    // In UTF-8 these are C2 80 to C2 9F.
    let octets = text.as_bytes();
    let mut leads = memchr_iter(0xc2, octets);
    if !leads.any(|at| matches!(octets.get(at + 1), Some(0x80..=0x9f))) {
        return None;
    }
    let decode = charset_decoder(b"windows-1252")?;
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        match is_control(c) {
            true => printable.push_str(&decode(&[c as u8])),
            false => printable.push(c),
        }
    }
    Some(printable)
}

/// Returns the name of a charset without what broken programs write around it.
fn cleaned(said: &str) -> String {
    let name = said
        .rsplit('=')
        .next()
        .unwrap_or_default()
        .trim_matches(|c: char| !c.is_ascii_alphanumeric());
    match name.to_ascii_lowercase().as_str() {
        "unicode-1-1-utf-7" => "utf-7".to_owned(),
        _ if name == said => said.to_owned(),
        lower => lower.to_owned(),
    }
}

fn is_utf8(charset: &str) -> bool {
    let name = charset.to_ascii_lowercase();
    matches!(
        name.as_str(),
        "utf-8"
            | "utf8"
            | "unicode-1-1-utf-8"
            | "unicode11utf8"
            | "x-unicode20utf8"
            | "us-ascii"
            | "binary"
            | "default"
    )
}

/// Decodes what says no charset, or a wrong one: by the HTML's own word, else by what its bytes look like.
fn guess(bytes: &[u8], decoded: &str) -> String {
    let said = html_charset(decoded).and_then(|charset| charset_decoder(charset.as_bytes()));
    if let Some(decode) = said {
        return decode(bytes);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes[..bytes.len().min(GUESSED_BY)], true);
    let encoding = detector.guess(None, Utf8Detection::Allow);
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// Returns the text of a file, of which nothing says the charset.
pub fn guessed(bytes: &[u8]) -> String {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes[..bytes.len().min(GUESSED_BY)], true);
    let encoding = detector.guess(None, Utf8Detection::Allow);
    // What a mark at its beginning says goes before the guess.
    encoding.decode(bytes).0.into_owned()
}

fn html_charset(text: &str) -> Option<&str> {
    let head = &text[..text.floor_char_boundary(META_OCTETS)];
    let start = head.to_ascii_lowercase().find("charset=")? + "charset=".len();
    let value = head[start..].trim_start_matches(['"', '\'']);
    let end = value.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')?;
    Some(&value[..end]).filter(|charset| charset_decoder(charset.as_bytes()).is_some())
}

/// Longer base64 was not typed by hand.
const SHORT: usize = 200;

/// So much of a text tells what it is.
const GUESSED_BY: usize = 64 * 1024;

/// Where HTML says its charset (HTML, section 13.2.3.2).
const META_OCTETS: usize = 1024;

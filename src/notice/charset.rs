//! The charset of a text, where the mail does not say it, or says it wrongly.
//!
//! mail-parser decodes what it knows; here is what to do about the rest.

use std::borrow::Cow;

use mail_parser::decoders::charsets::map::charset_decoder;

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
    match charset_decoder(name.as_bytes()) {
        Some(decode) => (name != said).then(|| decode(&bytes())),
        None if is_utf8(&name) => None,
        None => is_garbled().then(|| guess(&bytes(), text)),
    }
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

/// Decodes what says no charset and is not UTF-8: by the HTML's own word, by the escape sequences
/// of ISO-2022-JP, else as Windows-1252, which takes any byte.
fn guess(bytes: &[u8], decoded: &str) -> String {
    let is_japanese = memchr::memmem::find(bytes, b"\x1b$").is_some();
    let charset = html_charset(decoded).unwrap_or(if is_japanese {
        "iso-2022-jp"
    } else {
        "windows-1252"
    });
    let decoder = charset_decoder(charset.as_bytes());
    decoder.map_or_else(|| decoded.to_owned(), |decode| decode(bytes))
}

fn html_charset(text: &str) -> Option<&str> {
    let head = &text[..text.floor_char_boundary(META_OCTETS)];
    let start = head.to_ascii_lowercase().find("charset=")? + "charset=".len();
    let value = head[start..].trim_start_matches(['"', '\'']);
    let end = value.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')?;
    Some(&value[..end]).filter(|charset| charset_decoder(charset.as_bytes()).is_some())
}

/// Where HTML says its charset (HTML, section 13.2.3.2).
const META_OCTETS: usize = 1024;

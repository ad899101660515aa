//! The charset of a text, where the mail does not say it, or says it wrongly.
//!
//! mail-parser decodes what it knows; here is what to do about the rest.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use mail_parser::{Encoding, MessagePart, decoders::charsets::map::charset_decoder};
use memchr::{memchr, memchr_iter, memmem};

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
        if let Some(text) =
            rather_utf8(&name, &bytes).filter(|text| as_utf8(text.as_bytes(), 2).is_some())
        {
            return Some(text.to_owned());
        }
    } else if !text.is_ascii() && !is_utf8(&name) && charset_decoder(name.as_bytes()).is_some() {
        let bytes = bytes();
        if let Some(text) = as_utf8(&bytes, BEYOND_DOUBT) {
            return Some(text.to_owned());
        }
    }
    if is_ascii_charset(&name) && !text.is_ascii() {
        return Some(guess(&bytes(), text));
    }
    match charset_decoder(name.as_bytes()) {
        Some(_) if !has_letters(text) => Some(best(&bytes(), text)),
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

/// True unless letters of ASCII may be others in a charset, or line ends.
fn keeps_ascii(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let shifts = [
        "utf-7",
        "utf7",
        "utf-16",
        "utf16",
        "utf-32",
        "utf32",
        "ucs",
        "iso-2022",
        "hz",
        "iso-10646",
    ];
    !shifts.iter().any(|shift| name.starts_with(shift))
}

/// True for the charset that nearly everybody means Windows-1252 by.
fn is_latin1(name: &str) -> bool {
    ["iso-8859-1", "latin1", "us-ascii", "ascii"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// Returns bytes that are UTF-8 with so many letters beyond ASCII.
fn as_utf8(bytes: &[u8], least: usize) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (text.chars().filter(|c| !c.is_ascii()).count() >= least).then_some(text)
}

/// Returns bytes that are rather UTF-8 than what they are said to be, a charset of single octets: its letters may follow
/// on one another as octets of UTF-8 do (`ÓŁ` of ISO-8859-2 is `ӣ`).
fn rather_utf8<'b>(name: &str, bytes: &'b [u8]) -> Option<&'b str> {
    let text = as_utf8(bytes, 1)?;
    let mut before = ' ';
    let mut letters = 0;
    if is_ascii_charset(name) {
        return Some(text);
    }
    for c in text.chars() {
        // A letter of another alphabet within a Latin word is none.
        let is_foreign = |c: char| ('\u{250}'..'\u{1e00}').contains(&c) && c.is_alphabetic();
        if (is_foreign(c) && before.is_ascii_alphabetic())
            || (is_foreign(before) && c.is_ascii_alphabetic())
        {
            return None;
        }
        // One of three octets is as good as two of two.
        letters += c.len_utf8() - 1;
        before = c;
    }
    // What Western Europe writes is seen by a single one.
    let is_western = |c: char| {
        c.is_ascii() || ('\u{a0}'..='\u{ff}').contains(&c) || ('\u{2010}'..='\u{2122}').contains(&c)
    };
    let is_plain = is_western_charset(name) && text.chars().all(is_western);
    (is_plain || letters >= SEVERAL).then_some(text)
}

/// True where there are no letters of eight bits.
fn is_ascii_charset(name: &str) -> bool {
    ["us-ascii", "ascii"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// True for Latin-1 and what it is said in the place of.
fn is_western_charset(name: &str) -> bool {
    is_latin1(name)
        || ["windows-1252", "iso-8859-15"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
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

/// Returns a decoder for header fields in which letters stand as octets, in a charset that is not said: that of the
/// text behind them, if they can be read by it, else what their octets look like.
pub(super) fn of_fields(fields: &[&[u8]], said: &str) -> impl Fn(&[u8]) -> String + use<> {
    let mut octets: Vec<u8> = Vec::new();
    for &field in fields {
        // The name of a field is in another language.
        let value = memchr(b':', field).map_or(field, |colon| &field[colon + 1..]);
        octets.extend_from_slice(value);
    }
    let name = cleaned(said.trim());
    let said = charset_decoder(name.as_bytes())
        .filter(|_| !is_utf8(&name) && keeps_ascii(&name))
        .filter(|decode| !decode(&octets).contains('\u{fffd}'));
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&octets, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    move |field: &[u8]| match said {
        Some(decode) => decode(field),
        None => encoding.decode_without_bom_handling(field).0.into_owned(),
    }
}

/// Returns the charset that the octets of a word in a header are in, where it is another than the word says (RFC 2047
/// §2), with the text in UTF-8.
pub(super) fn of_word(said: &str, octets: &[u8]) -> Option<String> {
    if octets.is_ascii() {
        return None;
    }
    let name = cleaned(said.trim());
    if is_ascii_charset(&name) {
        return Some(guess(octets, ""));
    }
    match charset_decoder(name.as_bytes()) {
        _ if is_utf8(&name) => {
            let error = std::str::from_utf8(octets).err()?;
            // A letter that was cut off, at the end or within, makes no other charset.
            let is_cut =
                error.error_len().is_none() || has_letters(&String::from_utf8_lossy(octets));
            (!is_cut).then(|| guess(octets, ""))
        }
        None => Some(as_utf8(octets, 1).map_or_else(|| guess(octets, ""), str::to_owned)),
        Some(_) if has_single_octets(&name) => {
            let latin = || {
                with_printable(
                    &octets
                        .iter()
                        .map(|octet| char::from(*octet))
                        .collect::<String>(),
                )
            };
            rather_utf8(&name, octets)
                .map(str::to_owned)
                .or_else(|| is_latin1(&name).then(latin)?)
        }
        Some(decode) => {
            if let Some(text) = as_utf8(octets, BEYOND_DOUBT) {
                return Some(text.to_owned());
            }
            let text = decode(octets);
            (!has_letters(&text))
                .then(|| best(octets, &text))
                .filter(|better| *better != text)
        }
    }
}

/// Returns the text of octets that are said to be in this charset.
pub(super) fn of_octets(said: &str, octets: &[u8]) -> String {
    of_word(said, octets).unwrap_or_else(|| {
        let decode = charset_decoder(cleaned(said.trim()).as_bytes());
        match decode.filter(|_| std::str::from_utf8(octets).is_err()) {
            Some(decode) => decode(octets),
            None => String::from_utf8_lossy(octets).into_owned(),
        }
    })
}

/// What decodes with fewer broken letters: the text as it is, or what its octets look like.
fn best(octets: &[u8], text: &str) -> String {
    let broken = |text: &str| memmem::find_iter(text.as_bytes(), "\u{fffd}").count();
    let guessed = guess(octets, text);
    match broken(&guessed) < broken(text) {
        true => guessed,
        false => text.to_owned(),
    }
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

/// So many letters of UTF-8 and nothing else are no letters of a charset of single octets.
const SEVERAL: usize = 3;

/// By chance the octets of another charset are never so many letters of UTF-8, and nothing else.
const BEYOND_DOUBT: usize = 4;

/// Longer base64 was not typed by hand.
const SHORT: usize = 200;

/// So much of a text tells what it is.
const GUESSED_BY: usize = 64 * 1024;

/// Where HTML says its charset (HTML, section 13.2.3.2).
const META_OCTETS: usize = 1024;

#[cfg(test)]
mod tests {
    use crate::notice::Notice;

    fn shown(charset: &str, body: &[u8]) -> String {
        let head = format!("Content-Type: text/plain; charset={charset}\r\n\r\n");
        Notice::parse(&[head.as_bytes(), body].concat()).text()
    }

    #[test]
    fn a_text_in_another_charset_than_it_says_is_read_by_what_it_holds() {
        let utf8 = "会议通知：明天上午十点";
        let sjis =
            b"\x83\x81\x81\x5b\x83\x8b\x92\xe2\x8e\x7e\x82\xcc\x82\xa8\x92\x6d\x82\xe7\x82\xb9";

        for charset in ["gb2312", "big5", "iso-8859-1", "us-ascii"] {
            assert_eq!(shown(charset, utf8.as_bytes()).trim(), utf8, "{charset}");
        }
        for charset in ["euc-jp", "utf-8"] {
            assert_eq!(
                shown(charset, sjis).trim(),
                "メール停止のお知らせ",
                "{charset}"
            );
        }
    }

    #[test]
    fn a_text_in_the_charset_that_it_says_stays() {
        for (charset, body, text) in [
            ("shift_jis", &b"\x83\x81\x81\x5b\x83\x8b"[..], "メール"),
            ("gb2312", b"\xbb\xe1\xd2\xe9", "会议"),
            ("iso-8859-1", b"Gr\xfc\xdfe", "Grüße"),
            // The library knows two octets of each, and one that is none.
            ("gb2312", b"\xbb\xe1\xd2\xe9 \xff", "会议 \u{fffd}"),
        ] {
            assert_eq!(shown(charset, body).trim(), text);
        }
    }
}

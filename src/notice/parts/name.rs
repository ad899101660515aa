//! The name of a file as its part says it (RFC 2183 §2.3, RFC 2231), where mail-parser found none, or lost
//! letters that lie across two pieces of it.

use std::borrow::Cow;

use mail_parser::{
    HeaderValue, MessagePart, MimeHeaders, decoders::charsets::map::charset_decoder,
    parsers::MessageStream,
};

/// Returns the name of a part; none if it has none.
pub(super) fn of<'x>(part: &'x MessagePart, raw: &[u8]) -> Option<Cow<'x, str>> {
    said(part, raw).map(decoded)
}

/// A name as it was meant where programs put encoded words into it (RFC 2047 §5 forbids that).
fn decoded(name: Cow<str>) -> Cow<str> {
    if !(name.contains("=?") && name.contains("?=")) {
        return name;
    }
    let line = format!("{name}\n");
    match MessageStream::new(line.as_bytes()).parse_unstructured() {
        HeaderValue::Text(text) => Cow::Owned(text.into_owned()),
        _ => name,
    }
}

fn said<'x>(part: &'x MessagePart, raw: &[u8]) -> Option<Cow<'x, str>> {
    let found = part.attachment_name();
    if found.is_some_and(|name| !name.contains('\u{fffd}')) {
        return found.map(Cow::Borrowed);
    }
    let fields = [
        ("content-disposition", "filename"),
        ("content-type", "name"),
    ];
    let read = fields.iter().find_map(|(field, parameter)| {
        let header = part
            .headers
            .iter()
            .find(|header| header.name.as_str().eq_ignore_ascii_case(field))?;
        let range = header.offset_start as usize..header.offset_end as usize;
        parameter_of(raw.get(range)?, parameter)
    });
    read.map(Cow::Owned).or(found.map(Cow::Borrowed))
}

/// Returns a parameter of a field, its pieces put together before they are decoded.
fn parameter_of(field: &[u8], wanted: &str) -> Option<String> {
    let mut pieces: Vec<(usize, bool, Vec<u8>)> = Vec::new();
    for (name, value) in parameters(field) {
        let Some(rest) = name.strip_prefix(wanted) else {
            continue;
        };
        let (rest, is_encoded) = match rest.strip_suffix('*') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let place = match rest.strip_prefix('*') {
            Some(number) => number.parse().ok()?,
            None if rest.is_empty() => 0,
            None => continue,
        };
        pieces.push((place, is_encoded, value));
    }
    pieces.sort_by_key(|(place, _, _)| *place);
    let (_, first_is_encoded, _) = pieces.first()?;
    let mut charset = Vec::new();
    let mut bytes = Vec::new();
    let names_charset = *first_is_encoded;
    for (index, (_, is_encoded, value)) in pieces.iter().enumerate() {
        let mut value = value.as_slice();
        if index == 0 && names_charset {
            let mut halves = value.splitn(3, |&octet| octet == b'\'');
            let said = halves.next().unwrap_or_default();
            if let (Some(_), Some(rest)) = (halves.next(), halves.next()) {
                charset = said.to_vec();
                value = rest;
            }
        }
        match is_encoded {
            true => bytes.extend(percent_encoding::percent_decode(value)),
            false => bytes.extend_from_slice(value),
        }
    }
    Some(match charset_decoder(&charset) {
        Some(decode) => decode(&bytes),
        None => String::from_utf8_lossy(&bytes).into_owned(),
    })
}

/// Returns the parameters behind the first semicolon, names in small letters.
fn parameters(field: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = match memchr::memchr(b';', field) {
        Some(start) => &field[start + 1..],
        None => return found,
    };
    while let Some(equals) = memchr::memchr(b'=', rest) {
        let name = String::from_utf8_lossy(rest[..equals].trim_ascii()).to_ascii_lowercase();
        // One that has no value stands before it.
        let name = name
            .rsplit(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        rest = rest[equals + 1..].trim_ascii_start();
        let mut value = Vec::new();
        let end = match rest.strip_prefix(b"\"") {
            Some(quoted) => {
                let mut at = 0;
                while at < quoted.len() && quoted[at] != b'"' {
                    at += usize::from(quoted[at] == b'\\');
                    value.extend(quoted.get(at));
                    at += 1;
                }
                let behind = memchr::memchr(b';', &quoted[at.min(quoted.len())..]);
                behind.map_or(rest.len(), |semicolon| 1 + at + semicolon)
            }
            None => {
                let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
                value.extend_from_slice(rest[..end].trim_ascii());
                end
            }
        };
        value.retain(|octet| !matches!(octet, b'\r' | b'\n'));
        found.push((name, value));
        rest = &rest[(end + 1).min(rest.len())..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::parameter_of;

    #[test]
    fn a_letter_across_two_pieces_is_one_letter() {
        let field = b" attachment;\r\n filename*0*=UTF-8''a%D8;\r\n filename*1*=%AFb.txt";

        assert_eq!(
            parameter_of(field, "filename").as_deref(),
            Some("a\u{62f}b.txt")
        );
    }

    #[test]
    fn a_name_is_found_whatever_stands_before_it() {
        for (field, name) in [
            (&b" ;\n\tfilename=\"image001.png\""[..], "image001.png"),
            (
                b" attachment; x; size=3; filename=\"a\\\"b; c.txt\"; y=z",
                "a\"b; c.txt",
            ),
            (
                b" attachment; filename*1=c.txt; filename*0=\"ab\"",
                "abc.txt",
            ),
            (b" inline; FileName=plain.txt", "plain.txt"),
        ] {
            assert_eq!(parameter_of(field, "filename").as_deref(), Some(name));
        }
        assert_eq!(parameter_of(b" attachment; filenames=x", "filename"), None);
        assert_eq!(parameter_of(b" attachment", "filename"), None);
    }
}

//! Mails whose parts do not end as they should: the delimiters that are missing (RFC 2046 §5.1.1) are put in, so that
//! no part swallows what follows it, and none is left undecoded because the mail breaks off; and so is what base64 is
//! to be filled up with (RFC 2045 §6.8), without which its last octets are lost.

use std::borrow::Cow;

use mail_parser::{HeaderValue, parsers::MessageStream};
use memchr::{memchr, memmem, memrchr};

/// What is put into a mail.
enum Missing {
    /// The closing delimiter of this boundary.
    Delimiter(Vec<u8>),
    /// The end of base64.
    Padding(&'static [u8]),
}

/// Returns the mail with a closing delimiter for each multipart that has none, and base64 filled up; and where what was
/// put in ends in that, with how far what follows has moved.
pub(super) fn closed(raw: Cow<'_, [u8]>) -> (Cow<'_, [u8]>, Vec<(usize, isize)>) {
    let missing = missing(&raw);
    let mut grown = Vec::new();
    if missing.is_empty() {
        return (raw, grown);
    }
    let mut whole = Vec::with_capacity(raw.len() + missing.len() * 80);
    let mut at = 0;
    for (place, missing) in missing {
        whole.extend_from_slice(&raw[at..place]);
        match missing {
            Missing::Delimiter(boundary) => {
                if !whole.ends_with(b"\n") {
                    whole.push(b'\n');
                }
                whole.extend_from_slice(&[b"--", &*boundary, b"--\n"].concat());
            }
            Missing::Padding(padding) => whole.extend_from_slice(padding),
        }
        grown.push((
            whole.len(),
            isize::try_from(whole.len() - place).unwrap_or(isize::MAX),
        ));
        at = place;
    }
    whole.extend_from_slice(&raw[at..]);
    (Cow::Owned(whole), grown)
}

/// A multipart that is open.
struct Open {
    name: Vec<u8>,
    /// True once there was a delimiter of it: what has none is no multipart to anybody.
    is_seen: bool,
}

/// Returns what is missing, in order, and where.
fn missing(raw: &[u8]) -> Vec<(usize, Missing)> {
    let mut missing = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let (mut at, mut is_base64) = headers(raw, 0, &mut open);
    let mut body = at;
    while at < raw.len() && !open.is_empty() && missing.len() < MOST_MISSING {
        let next = start_of_next(raw, at);
        let line = raw[at..next].trim_ascii_end();
        let delimited = line.strip_prefix(b"--").and_then(|rest| {
            let mut places = open.iter().enumerate().rev();
            places.find_map(|(place, boundary)| {
                let end = rest.strip_prefix(boundary.name.as_slice())?;
                (end.is_empty() || end == b"--").then_some((place, !end.is_empty()))
            })
        });
        let Some((place, is_last)) = delimited else {
            // To the next line that begins as a delimiter does.
            let dashes = memmem::find(&raw[next - 1..], b"\n--");
            at = dashes.map_or(raw.len(), |dashes| next + dashes);
            continue;
        };
        if is_base64 {
            missing.extend(padding(raw, body, at));
        }
        // One of an outer multipart ends all that is open within it.
        let within = open.drain(place + 1..).rev();
        missing.extend(
            within
                .filter(|open| open.is_seen)
                .map(|open| (at, Missing::Delimiter(open.name))),
        );
        open[place].is_seen = true;
        if is_last {
            open.truncate(place);
            (at, is_base64) = (next, false);
        } else {
            (at, is_base64) = headers(raw, next, &mut open);
        }
        body = at;
    }
    if is_base64 && missing.len() < MOST_MISSING {
        missing.extend(padding(raw, body, raw.len()));
    }
    let rest = open.into_iter().rev().filter(|open| open.is_seen);
    missing.extend(rest.map(|open| (raw.len(), Missing::Delimiter(open.name))));
    missing
}

/// What base64 between two places is to be filled up with, and where: four letters stand for three octets.
fn padding(raw: &[u8], from: usize, to: usize) -> Option<(usize, Missing)> {
    let body = raw.get(from..to)?.trim_ascii_end();
    let last = memrchr(b'\n', body).map_or(0, |newline| newline + 1);
    // Every line but the last is whole: of nearly all it is seen by that one.
    if body.last() == Some(&b'=') || (body.len() - last).is_multiple_of(4) {
        return None;
    }
    let mut letters = 0;
    for &octet in body {
        match octet {
            b'+' | b'/' => letters += 1,
            octet if octet.is_ascii_alphanumeric() => letters += 1,
            octet if octet.is_ascii_whitespace() => {}
            // That is no base64, or not all of it.
            _ => return None,
        }
    }
    let padding: &[u8] = match letters % 4 {
        2 => b"==",
        3 => b"=",
        _ => return None,
    };
    // Words without any sign may look like it: a letter of base64 more and they would not.
    let is_words = letters < SHORT && memchr(b' ', body).is_some();
    (!is_words).then_some((from + body.len(), Missing::Padding(padding)))
}

/// Passes over a block of headers, and those of a mail within the mail; adds the boundary that they
/// announce. Returns where they end, and whether base64 follows.
fn headers(raw: &[u8], mut at: usize, open: &mut Vec<Open>) -> (usize, bool) {
    loop {
        let mut holds_mail = false;
        let (mut is_encoded, mut is_base64) = (false, false);
        let mut boundary = None;
        while at < raw.len() {
            let next = start_of_next(raw, at);
            let line = &raw[at..next];
            if line.trim_ascii().is_empty() || (line.starts_with(b"--") && !line.contains(&b':')) {
                break;
            }
            let (name, value) = line.split_at(memchr(b':', line).unwrap_or(line.len()));
            let name = name.trim_ascii_end();
            if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
                let value = value[1.min(value.len())..].trim_ascii();
                is_base64 = value.eq_ignore_ascii_case(b"base64");
                is_encoded = is_base64 || value.eq_ignore_ascii_case(b"quoted-printable");
            }
            if name.eq_ignore_ascii_case(b"content-type") && !value.is_empty() {
                let from = next - value.len() + 1;
                if let HeaderValue::ContentType(kind) =
                    MessageStream::new(&raw[from..]).parse_content_type()
                {
                    holds_mail |= kind.ctype().eq_ignore_ascii_case("message")
                        && kind
                            .subtype()
                            .is_some_and(|sub| sub.eq_ignore_ascii_case("rfc822"));
                    let is_multipart = kind.ctype().eq_ignore_ascii_case("multipart");
                    boundary = boundary.or(kind
                        .attribute("boundary")
                        .filter(|boundary| is_multipart && !boundary.is_empty())
                        .map(|boundary| boundary.as_bytes().to_vec()));
                }
            }
            at = next;
        }
        if let Some(boundary) = boundary.filter(|_| open.len() < MOST_OPEN) {
            open.push(Open {
                name: boundary,
                is_seen: false,
            });
        }
        // The empty line is not a delimiter's.
        if at < raw.len() && !raw[at..].starts_with(b"--") {
            at = start_of_next(raw, at);
        }
        if !holds_mail || is_encoded || at >= raw.len() {
            return (at, is_base64);
        }
    }
}

fn start_of_next(raw: &[u8], at: usize) -> usize {
    memchr(b'\n', &raw[at..]).map_or(raw.len(), |newline| at + newline + 1)
}

/// Words in the place of base64 are not longer.
const SHORT: usize = 200;

/// Nobody nests deeper; beyond, what is missing stays missing.
const MOST_OPEN: usize = 40;

/// The same for delimiters that are missing.
const MOST_MISSING: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(mail: &str) -> String {
        let (closed, _) = closed(Cow::Borrowed(mail.as_bytes()));
        String::from_utf8(closed.into_owned()).expect("it was text")
    }

    #[test]
    fn an_outer_delimiter_ends_what_is_open_within() {
        let head = "Content-Type: multipart/mixed; boundary=out\n\n--out\n\
                    Content-Type: multipart/alternative;\n boundary=\"in\"\n\n--in\n\ntext\n";
        let tail = "--out\n\nmore\n--out--\nend\n";

        assert_eq!(
            repaired(&format!("{head}{tail}")),
            format!("{head}--in--\n{tail}")
        );
    }

    #[test]
    fn what_breaks_off_is_ended() {
        let head = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext";

        assert_eq!(repaired(head), format!("{head}\n--b--\n"));
    }

    #[test]
    fn what_is_whole_is_left_as_it_is() {
        for mail in [
            "Subject: x\n\n--no\n--such\n",
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--bc\ntext\n--b--\n--b\n",
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n\
             Content-Type: multipart/mixed; boundary=c\n\n--c\n\nin\n--c--\n--b--\n",
        ] {
            assert_eq!(repaired(mail), mail);
        }
    }
}

//! Encoded words that break off within a character, or hold spaces. RFC 2047 §5 has each decoded by itself; many
//! programs cut a subject into words without looking, and the halves of a character are none. By §2 a space ends
//! a word; many write it as it is.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use memchr::memmem;

/// Where words stand that follow on one another, in one charset and encoding, or hold spaces, and what may stand
/// there instead: one word with what they hold together.
pub(super) fn together(headers: &[u8]) -> Vec<(std::ops::Range<usize>, Vec<u8>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = memmem::find(&headers[at..], b"=?") {
        let Some(first) = Word::at(headers, at + start) else {
            at += start + 2;
            continue;
        };
        let mut words = vec![first];
        while let Some(last) = words.last() {
            let rest = &headers[last.end..];
            let (space, _) = rest.split_at(rest.len() - rest.trim_ascii_start().len());
            // A line that is not indented is another field (RFC 5322 §2.2.3).
            let is_another = space.ends_with(b"\n");
            let next = Word::at(headers, last.end + space.len()).filter(|_| !is_another);
            match next.filter(|next| next.goes_on(last)) {
                Some(next) => words.push(next),
                None => break,
            }
        }
        let (from, end) = (words[0].start, words[words.len() - 1].end);
        at = end;
        let has_space = !words[0].is_base64 && words[0].payload.contains(&b' ');
        if (words.len() > 1 || has_space)
            && let Some(word) = joined(&words)
        {
            found.push((from..end, word));
        }
    }
    found
}

/// `=?charset?encoding?payload?=` (RFC 2047 §2).
struct Word<'h> {
    start: usize,
    end: usize,
    charset: &'h [u8],
    is_base64: bool,
    payload: &'h [u8],
}

impl<'h> Word<'h> {
    fn at(headers: &'h [u8], start: usize) -> Option<Word<'h>> {
        let rest = headers.get(start..)?.strip_prefix(b"=?")?;
        let mut pieces = rest.splitn(3, |octet| *octet == b'?');
        let (charset, encoding, rest) = (pieces.next()?, pieces.next()?, pieces.next()?);
        let is_base64 = match encoding {
            b"b" | b"B" => true,
            b"q" | b"Q" => false,
            _ => return None,
        };
        let payload = &rest[..memchr::memchr2(b'?', b'\n', rest)?];
        let is_whole = rest[payload.len()..].starts_with(b"?=");
        let is_name = !charset.is_empty()
            && charset.len() <= CHARSET_OCTETS
            && charset.iter().all(u8::is_ascii_graphic);
        (is_whole && is_name).then_some(Word {
            start,
            end: start + 2 + charset.len() + 3 + payload.len() + 2,
            charset,
            is_base64,
            payload,
        })
    }

    fn goes_on(&self, before: &Word) -> bool {
        self.is_base64 == before.is_base64 && self.charset.eq_ignore_ascii_case(before.charset)
    }
}

/// One word for several; none if one of them cannot be decoded.
fn joined(words: &[Word]) -> Option<Vec<u8>> {
    let first = words.first()?;
    let has_shifts = first.charset.len() >= SHIFTING.len()
        && first.charset[..SHIFTING.len()].eq_ignore_ascii_case(SHIFTING);
    let payload: Vec<u8> = match first.is_base64 {
        false if has_shifts => return None,
        false => {
            let octets = words.iter().flat_map(|word| word.payload);
            octets
                .map(|octet| if *octet == b' ' { b'_' } else { *octet })
                .collect()
        }
        true => {
            let decoded = words.iter().map(|word| BASE64.decode(word.payload).ok());
            let decoded = decoded.collect::<Option<Vec<_>>>()?;
            let octets = decoded.concat();
            BASE64
                .encode(match has_shifts {
                    true => without_idle_shifts(&octets),
                    false => octets,
                })
                .into_bytes()
        }
    };
    let encoding: &[u8] = if first.is_base64 { b"?B?" } else { b"?Q?" };
    Some([b"=?", first.charset, encoding, &payload, b"?="].concat())
}

/// Each word ends in ASCII (RFC 1468) and the next goes on in letters: a shift with nothing behind it is taken for an
/// attack by decoders.
fn without_idle_shifts(octets: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(octets.len());
    let mut from = 0;
    for at in memmem::find_iter(octets, b"\x1b(B\x1b$") {
        kept.extend_from_slice(&octets[from..at]);
        from = at + b"\x1b(B".len();
    }
    kept.extend_from_slice(&octets[from..]);
    kept
}

/// Many leave the padding away.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// How charsets with shifts between sets of letters begin.
const SHIFTING: &[u8] = b"iso-2022";

/// No charset has a longer name.
const CHARSET_OCTETS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(headers: &str) -> String {
        let mut headers = headers.as_bytes().to_vec();
        for (range, word) in together(&headers).into_iter().rev() {
            headers.splice(range, word);
        }
        String::from_utf8(headers).expect("it is ASCII")
    }

    #[test]
    fn words_that_follow_on_one_another_are_one() {
        for (headers, expected) in [
            ("\"=?UTF-8?Q?a b.pdf?=\"", "\"=?UTF-8?Q?a_b.pdf?=\""),
            (
                "=?UTF-8?Q?Preis_=E2=82?=\r\n =?utf-8?q?=AC_1?= x",
                "=?UTF-8?Q?Preis_=E2=82=AC_1?= x",
            ),
            (
                "=?UTF-8?B?4oI=?= =?UTF-8?B?rA==?= =?UTF-8?B?IQ?=",
                "=?UTF-8?B?4oKsIQ==?=",
            ),
        ] {
            assert_eq!(joined(headers), expected);
        }
    }

    #[test]
    fn japanese_words_are_one_without_a_shift_for_nothing() {
        use crate::notice::Notice;
        let mail = "Subject: =?ISO-2022-JP?B?GyRCRWw1fiUqJVUlIyU5RGRFRSROGyhC?=\r\n =?iso-2022-jp?B?GyRCJCpDTiRpJDsbKEI=?=\r\n\r\n";

        let subject = Notice::parse(mail.as_bytes()).subject;

        assert_eq!(subject.as_str(), "東京オフィス停電のお知らせ");
    }

    #[test]
    fn what_is_no_two_such_words_is_left_as_it_is() {
        for headers in [
            "=?UTF-8?Q?a?= =?UTF-8?B?YQ==?=",
            "=?UTF-8?Q?a?= =?ISO-8859-1?Q?b?=",
            "=?UTF-8?Q?a?= b =?UTF-8?Q?c?=",
            "Subject: =?UTF-8?Q?a?=\r\n=?UTF-8?Q?b?=: c",
            "=?UTF-8?B?!?= =?UTF-8?B?YQ==?=",
            "=?UTF-8?Q?a?= =?UTF-8?Q?b",
            "=?=?UTF-8?X?a?=",
            "=?",
        ] {
            assert_eq!(joined(headers), headers);
        }
    }
}

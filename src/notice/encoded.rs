//! Encoded words that break off within a character, or hold spaces. RFC 2047 §5 has each decoded by itself; many
//! programs cut a subject into words without looking, and the halves of a character are none. By §2 a space ends
//! a word; many write it as it is. And many a word is in another charset than it says.

use base64::Engine;
use memchr::memmem;

use super::{charset, transfer::BASE64};

/// Where words stand that follow on one another, in one charset and encoding, or hold spaces, and what may stand
/// there instead: one word with what they hold together. So many octets of them may be changed; how many are left is
/// noted.
pub(super) fn together(
    headers: &[u8],
    left_over: &mut usize,
) -> Vec<(std::ops::Range<usize>, Vec<u8>)> {
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
        let word = in_its_charset(&words).or_else(|| {
            let is_odd = words.len() > 1 || words[0].is_odd();
            is_odd.then(|| joined(&words))?
        });
        if word.is_some() {
            let Some(left) = left_over.checked_sub(end - from) else {
                *left_over = 0;
                break;
            };
            *left_over = left;
        }
        found.extend(word.map(|word| (from..end, word)));
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

    /// True if decoders take offence at it: a space in it, or no padding at its end.
    fn is_odd(&self) -> bool {
        match self.is_base64 {
            true => !self.payload.len().is_multiple_of(4),
            false => self.payload.contains(&b' '),
        }
    }

    /// Its octets, if they can be decoded.
    fn octets(&self) -> Option<Vec<u8>> {
        match self.is_base64 {
            true => BASE64.decode(self.payload).ok(),
            false => Some(from_q(self.payload)),
        }
    }

    fn goes_on(&self, before: &Word) -> bool {
        self.is_base64 == before.is_base64 && self.charset.eq_ignore_ascii_case(before.charset)
    }
}

/// One word in UTF-8 for words that are in another charset than they say; none if they say it right.
fn in_its_charset(words: &[Word]) -> Option<Vec<u8>> {
    let octets: Option<Vec<Vec<u8>>> = words.iter().map(Word::octets).collect();
    let said = String::from_utf8_lossy(words.first()?.charset);
    // A language may stand behind the charset (RFC 2231 §5).
    let said = said.split('*').next().unwrap_or_default();
    let text = charset::of_word(said, &octets?.concat())?;
    Some(format!("=?UTF-8?B?{}?=", BASE64.encode(text)).into_bytes())
}

/// The octets of a payload in `Q` (RFC 2047 §4.2); what is not encoded as it should be stands for itself.
fn from_q(payload: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(payload.len());
    let mut at = 0;
    while let Some(octet) = payload.get(at) {
        let encoded = payload.get(at + 1..at + 3).filter(|_| *octet == b'=');
        let encoded = encoded.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let encoded =
            encoded.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        at += if encoded.is_some() { 3 } else { 1 };
        octets.push(match (encoded, octet) {
            (Some(encoded), _) => encoded,
            (None, b'_') => b' ',
            (None, octet) => *octet,
        });
    }
    octets
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
            let decoded = words.iter().map(Word::octets);
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

/// How charsets with shifts between sets of letters begin.
const SHIFTING: &[u8] = b"iso-2022";

/// No charset has a longer name.
const CHARSET_OCTETS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(headers: &str) -> String {
        let mut headers = headers.as_bytes().to_vec();
        for (range, word) in together(&headers, &mut 10_000).into_iter().rev() {
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
    fn words_in_another_charset_than_they_say_are_read_by_what_they_hold() {
        use crate::notice::Notice;
        for (subject, expected) in [
            ("=?iso-8859-1?q?caf=C3=A9?=", "café"),
            ("=?windows-1252?B?Y2Fmw6k=?=", "café"),
            (
                "=?iso-8859-1?Q?=93Termin=94_f=FCr_alle?=",
                "“Termin” für alle",
            ),
            ("=?utf-8?Q?Gr=FC=DFe_aus_K=F6ln?=", "Grüße aus Köln"),
            ("=?x-unknown?B?UHJ6eWrEmWNpZQ==?=", "Przyjęcie"),
            ("=?gb2312?B?5Lya6K6u6YCa55+l?=", "会议通知"),
            ("=?UTF-8?B?SGFsbG8?=", "Hallo"),
            ("=?UTF-8*de?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
            // Said rightly.
            ("=?iso-8859-1?Q?caf=E9?=", "café"),
            ("=?iso-8859-2?Q?=B3=F3d=BC?=", "łódź"),
            ("=?koi8-r?B?8NLJ18XU?=", "Привет"),
            ("=?iso-8859-2?Q?ZESP=D3=A3?=", "ZESPÓŁ"),
            ("=?windows-1250?Q?WSP=D3=A3PRACA?=", "WSPÓŁPRACA"),
            ("=?windows-1251?Q?=CD=B3?=", "Ні"),
            ("=?windows-1252?Q?CAF=C9=85?=", "CAFÉ…"),
            // And not.
            (
                "=?iso-8859-2?Q?Zesp=C3=B3=C5=82_=C5=9Brodowy?=",
                "Zespół środowy",
            ),
            ("=?utf-8?Q?cut_=E2=82?=", "cut \u{fffd}"),
        ] {
            let mail = format!("Subject: {subject}\r\n\r\n");
            assert_eq!(Notice::parse(mail.as_bytes()).subject.as_str(), expected);
        }
    }

    #[test]
    fn octets_in_no_charset_are_read_by_the_text_s_or_by_what_they_look_like() {
        use crate::notice::Notice;
        let subject = |field: &[u8], rest: &str| {
            let mail = [b"Subject: ", field, b"\r\n", rest.as_bytes(), b"\r\n\r\n"].concat();
            Notice::parse(&mail).subject.to_string()
        };
        let koi8 = b"\xf0\xcc\xc1\xce\xcf\xd7\xd9\xc5 \xd2\xc1\xc2\xcf\xd4\xd9";
        let sjis =
            b"\x83\x81\x81\x5b\x83\x8b\x92\xe2\x8e\x7e\x82\xcc\x82\xa8\x92\x6d\x82\xe7\x82\xb9";

        assert_eq!(subject(koi8, "X: y"), "Плановые работы");
        assert_eq!(subject(sjis, "X: y"), "メール停止のお知らせ");
        assert_eq!(subject(b"Gr\xfc\xdfe", "X: y"), "Grüße");
        // Too little to tell by itself.
        let polish = "Content-Type: text/plain; charset=iso-8859-2";
        assert_eq!(subject(b"\xb3\xf3d\xbc", polish), "łódź");
        assert_eq!(subject("łódź".as_bytes(), polish), "łódź");
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

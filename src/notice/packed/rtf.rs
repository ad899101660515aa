//! Text in RTF, as Outlook keeps it: decompressed ([MS-OXRTFCP]), and without its markup.

use mail_parser::decoders::charsets::map::charset_decoder;

/// Returns RTF that was compressed, or stands there as it is; none if it is neither.
pub(super) fn decompressed(bytes: &[u8]) -> Option<Vec<u8>> {
    const COMPRESSED: &[u8] = b"LZFu";
    const AS_IT_IS: &[u8] = b"MELA";

    let head = bytes.get(..16)?;
    let length = u32::from_le_bytes(head[4..8].try_into().ok()?) as usize;
    let data = &bytes[16..];
    match &head[8..12] {
        AS_IT_IS => return Some(data[..length.min(data.len())].to_vec()),
        COMPRESSED => {}
        _ => return None,
    }
    let mut window = [b' '; WINDOW];
    window[..DICTIONARY.len()].copy_from_slice(DICTIONARY);
    let mut place = DICTIONARY.len();
    let mut out = Vec::new();
    let mut data = data.iter().copied();
    let mut put = |octet: u8, window: &mut [u8; WINDOW], place: &mut usize| {
        out.push(octet);
        window[*place] = octet;
        *place = (*place + 1) % WINDOW;
        out.len() >= length.min(MOST_RTF)
    };
    'all: while let Some(control) = data.next() {
        for bit in 0..8 {
            if control >> bit & 1 == 0 {
                let Some(octet) = data.next() else { break 'all };
                if put(octet, &mut window, &mut place) {
                    break 'all;
                }
                continue;
            }
            let (Some(high), Some(low)) = (data.next(), data.next()) else {
                break 'all;
            };
            let reference = u16::from_be_bytes([high, low]);
            let (offset, count) = (usize::from(reference >> 4), usize::from(reference & 15) + 2);
            // The end is a reference to where the next octet would go.
            if offset == place {
                break 'all;
            }
            for step in 0..count {
                let octet = window[(offset + step) % WINDOW];
                if put(octet, &mut window, &mut place) {
                    break 'all;
                }
            }
        }
    }
    Some(out)
}

/// Returns the text in RTF, without what only tells how it looks.
pub(super) fn text(rtf: &[u8]) -> String {
    let mut text = Text {
        out: String::new(),
        hidden: Vec::new(),
        skip: 0,
        fallback: 1,
        decode: charset_decoder(b"windows-1252"),
        half: None,
        is_rtf_only: false,
    };
    let mut at = 0;
    while at < rtf.len() {
        at = match rtf[at] {
            b'{' => {
                text.hidden.push(text.is_within_hidden());
                at + 1
            }
            b'}' => {
                text.hidden.pop();
                at + 1
            }
            b'\\' => text.control(rtf, at + 1),
            b'\r' | b'\n' => at + 1,
            octet => {
                text.octet(octet);
                at + 1
            }
        };
    }
    text.out
}

struct Text {
    out: String,
    /// Of each group that is open, whether it is not to be shown.
    hidden: Vec<bool>,
    /// So many characters stand in for one that was written as a number.
    skip: usize,
    fallback: usize,
    /// What octets beyond ASCII are: code pages of one octet a letter.
    decode: Option<fn(&[u8]) -> String>,
    /// The first half of a letter beyond 65,535.
    half: Option<u16>,
    /// What follows is there for readers of RTF alone.
    is_rtf_only: bool,
}

impl Text {
    fn is_hidden(&self) -> bool {
        self.is_rtf_only || self.is_within_hidden()
    }

    fn is_within_hidden(&self) -> bool {
        self.hidden.last().copied().unwrap_or(false)
    }

    fn octet(&mut self, octet: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if !self.is_hidden() && self.out.len() < MOST_RTF {
            match (octet.is_ascii(), self.decode) {
                (false, Some(decode)) => self.out.push_str(&decode(&[octet])),
                _ => self.out.push(char::from(octet)),
            }
        }
    }

    fn push_units(&mut self, units: &[u16]) {
        for character in char::decode_utf16(units.iter().copied()) {
            self.push(character.unwrap_or('\u{fffd}'));
        }
    }

    fn push(&mut self, character: char) {
        if !self.is_hidden() {
            self.out.push(character);
        }
    }

    /// Reads what follows a backslash; returns where it ends.
    fn control(&mut self, rtf: &[u8], at: usize) -> usize {
        let Some(&first) = rtf.get(at) else {
            return at;
        };
        if !first.is_ascii_alphabetic() {
            match first {
                b'\'' => {
                    let digits = rtf.get(at + 1..at + 3).unwrap_or_default();
                    let digits = std::str::from_utf8(digits).unwrap_or_default();
                    if let Ok(octet) = u8::from_str_radix(digits, 16) {
                        self.octet(octet);
                    }
                    return (at + 3).min(rtf.len());
                }
                b'*' => self.hide(),
                b'~' => self.push('\u{a0}'),
                b'_' => self.push('-'),
                b'\r' | b'\n' => self.push('\n'),
                b'\\' | b'{' | b'}' => self.octet(first),
                _ => {}
            }
            return at + 1;
        }
        let letters = rtf[at..]
            .iter()
            .take_while(|octet| octet.is_ascii_alphabetic());
        let word = &rtf[at..at + letters.count()];
        let mut end = at + word.len();
        let is_number = |octet: &&u8| octet.is_ascii_digit() || **octet == b'-';
        let digits = &rtf[end..end + rtf[end..].iter().take_while(is_number).count()];
        end += digits.len();
        let number: Option<i32> = std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse().ok());
        if rtf.get(end) == Some(&b' ') {
            end += 1;
        }
        match word {
            b"par" | b"line" | b"row" | b"sect" | b"page" => self.push('\n'),
            b"tab" | b"cell" => self.push('\t'),
            b"emdash" => self.push('\u{2014}'),
            b"endash" => self.push('\u{2013}'),
            b"lquote" => self.push('\u{2018}'),
            b"rquote" => self.push('\u{2019}'),
            b"ldblquote" => self.push('\u{201c}'),
            b"rdblquote" => self.push('\u{201d}'),
            b"bullet" => self.push('\u{2022}'),
            b"ansicpg" if matches!(number, Some(1250..=1258)) => {
                let name = format!("windows-{}", number.unwrap_or(1252));
                self.decode = charset_decoder(name.as_bytes());
            }
            b"uc" => self.fallback = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(8),
            b"u" => {
                // Negative above 32,767.
                let unit = u16::try_from(number.unwrap_or(0).rem_euclid(65_536)).unwrap_or(0);
                let is_half = (0xD800..0xDC00).contains(&unit);
                match (self.half.take(), is_half) {
                    (_, true) => self.half = Some(unit),
                    (Some(half), false) => self.push_units(&[half, unit]),
                    (None, false) => self.push_units(&[unit]),
                }
                self.skip = self.fallback;
            }
            b"bin" => end += usize::try_from(number.unwrap_or(0)).unwrap_or(0),
            b"fonttbl" | b"colortbl" | b"stylesheet" | b"info" | b"pict" | b"object"
            | b"themedata" => {
                self.hide();
            }
            // HTML that was put into RTF: what only RTF needs.
            b"htmlrtf" => self.is_rtf_only = number != Some(0),
            _ => {}
        }
        end.min(rtf.len())
    }

    fn hide(&mut self) {
        if let Some(hidden) = self.hidden.last_mut() {
            *hidden = true;
        }
    }
}

/// [MS-OXRTFCP] 2.1.3.1.2.
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \
\\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\
\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// [MS-OXRTFCP] 2.1.3.1.1.
const WINDOW: usize = 4096;

/// SECURITY.md P2.1: no more is shown of any text.
const MOST_RTF: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_are_decompressed() {
        // [MS-OXRTFCP] 4.1.1 and 4.2.
        let simple: [u8; 49] = [
            0x2d, 0x00, 0x00, 0x00, 0x2b, 0x00, 0x00, 0x00, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5,
            0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42,
            0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xb0,
            0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
        ];
        let crossing: [u8; 30] = [
            0x1a, 0x00, 0x00, 0x00, 0x1c, 0x00, 0x00, 0x00, 0x4c, 0x5a, 0x46, 0x75, 0xe2, 0xd4,
            0x4b, 0x51, 0x41, 0x00, 0x04, 0x20, 0x57, 0x58, 0x59, 0x5a, 0x0d, 0x6e, 0x7d, 0x01,
            0x0e, 0xb0,
        ];

        let simple = decompressed(&simple).expect("RTF");
        let crossing = decompressed(&crossing).expect("RTF");

        assert_eq!(simple, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        assert_eq!(crossing, b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
        assert_eq!(text(&simple), "hello world");
    }

    #[test]
    fn letters_of_other_scripts_are_decoded() {
        let rtf = br"{\rtf1\ansi\ansicpg1251\'cf\'f0\'e8 \u-10179?\u-8694?}";

        assert_eq!(text(rtf), "\u{41f}\u{440}\u{438} \u{1f60a}");
    }

    #[test]
    fn html_that_was_put_into_rtf_keeps_its_text() {
        let rtf = br"{\rtf1\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 This is the text\htmlrtf }\htmlrtf0 }";

        assert_eq!(text(rtf).trim(), "This is the text");
    }

    #[test]
    fn markup_is_left_out_and_letters_are_decoded() {
        let rtf = br"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\*\generator x}One \'e4 \u8364?{\b two}\par three\tab{\pict 0102}4}";

        assert_eq!(text(rtf), "One ä €two\nthree\t4");
    }
}

//! Outlook's winmail.dat ([MS-OXTNEF]): a stream of attributes, some of which hold properties of their
//! own ([MS-OXCDATA]).

use mail_parser::decoders::charsets::map::charset_decoder;

use super::{Packed, Unpacked, Written, rtf};

/// What a stream begins with ([MS-OXTNEF] 2.1.3.1).
pub(super) const SIGNATURE: [u8; 4] = 0x223E_9F78_u32.to_le_bytes();

/// Attributes ([MS-OXTNEF] 2.1.3.2), without their types.
mod attribute {
    pub const BODY: u16 = 0x800C;
    pub const ATTACHMENT_DATA: u16 = 0x800F;
    pub const ATTACHMENT_TITLE: u16 = 0x8010;
    pub const ATTACHMENT_BEGINS: u16 = 0x9002;
    pub const MESSAGE_PROPERTIES: u16 = 0x9003;
    pub const ATTACHMENT_PROPERTIES: u16 = 0x9005;
    pub const CODE_PAGE: u16 = 0x9007;
}

/// Properties ([MS-OXPROPS]).
mod property {
    pub const BODY: u16 = 0x1000;
    pub const RTF: u16 = 0x1009;
    pub const HTML: u16 = 0x1013;
    pub const DATA: u16 = 0x3701;
    pub const FILE_NAME: u16 = 0x3704;
    pub const LONG_FILE_NAME: u16 = 0x3707;
}

/// Types of properties ([MS-OXCDATA] 2.11.1).
mod kind {
    pub const SEVERAL: u16 = 0x1000;
    pub const OBJECT: u16 = 0x000D;
    pub const STRING_8: u16 = 0x001E;
    pub const STRING: u16 = 0x001F;
    pub const BINARY: u16 = 0x0102;
}

/// Returns the text and the files of a stream, as far as it can be read; none if it is none.
pub(super) fn unpacked(bytes: &[u8]) -> Option<Unpacked> {
    let mut stream = Stream(bytes.strip_prefix(&SIGNATURE)?);
    // A key, which says nothing.
    stream.u16()?;
    let mut found = Contents::default();
    while let Some(()) = found.attribute(&mut stream) {}
    Some(Unpacked {
        text: found.text(),
        files: found.files,
    })
}

#[derive(Default)]
struct Contents {
    code_page: u32,
    plain: Option<String>,
    html: Option<String>,
    rtf: Option<Vec<u8>>,
    files: Vec<Packed>,
}

impl Contents {
    /// Reads an attribute; none at the end, or where the stream breaks off.
    fn attribute(&mut self, stream: &mut Stream) -> Option<()> {
        const LEVEL: usize = 1;
        const CHECKSUM: usize = 2;

        stream.take(LEVEL)?;
        let id = stream.u16()?;
        stream.u16()?;
        let length = stream.u32()?;
        let data = stream.take(usize::try_from(length).ok()?)?;
        stream.take(CHECKSUM)?;
        match id {
            attribute::CODE_PAGE => self.code_page = Stream(data).u32().unwrap_or_default(),
            attribute::BODY => self.plain = Some(self.words(data)),
            attribute::MESSAGE_PROPERTIES => self.properties(data, Contents::of_message),
            attribute::ATTACHMENT_BEGINS if self.files.len() < MOST_FILES => {
                self.files.push(Packed::default());
            }
            // No more than that.
            attribute::ATTACHMENT_BEGINS => return None,
            attribute::ATTACHMENT_TITLE => {
                let name = self.words(data);
                if let Some(file) = self.files.last_mut().filter(|file| file.name.is_empty()) {
                    file.name = name;
                }
            }
            attribute::ATTACHMENT_DATA => {
                if let Some(file) = self.files.last_mut() {
                    file.bytes = data.to_vec();
                }
            }
            attribute::ATTACHMENT_PROPERTIES => self.properties(data, Contents::of_attachment),
            _ => {}
        }
        Some(())
    }

    fn properties(&mut self, data: &[u8], take: fn(&mut Contents, u16, u16, &[u8])) {
        let mut stream = Stream(data);
        let count = stream.u32().unwrap_or_default();
        for _ in 0..count {
            let Some((kind, id, value)) = stream.property() else {
                return;
            };
            take(self, kind, id, value);
        }
    }

    fn of_message(&mut self, kind: u16, id: u16, value: &[u8]) {
        match (id, kind) {
            (property::BODY, _) => self.plain = Some(self.string(kind, value)),
            (property::HTML, kind::BINARY) => self.html = Some(self.words(value)),
            (property::HTML, _) => self.html = Some(self.string(kind, value)),
            (property::RTF, kind::BINARY) => self.rtf = Some(value.to_vec()),
            _ => {}
        }
    }

    fn of_attachment(&mut self, kind: u16, id: u16, value: &[u8]) {
        let name = match id {
            property::LONG_FILE_NAME | property::FILE_NAME => Some(self.string(kind, value)),
            _ => None,
        };
        let Some(file) = self.files.last_mut() else {
            return;
        };
        match (id, name) {
            // The long name is the one that its owner gave it.
            (property::LONG_FILE_NAME, Some(name)) => file.name = name,
            (property::FILE_NAME, Some(name)) if file.name.is_empty() => file.name = name,
            (property::DATA, _) if file.bytes.is_empty() => {
                // An object has its class before it.
                let start = if kind == kind::OBJECT { CLASS } else { 0 };
                file.bytes = value.get(start..).unwrap_or_default().to_vec();
            }
            _ => {}
        }
    }

    /// The text in the best form that there is.
    fn text(&mut self) -> Option<Written> {
        let is_some = |text: &String| !text.trim().is_empty();
        if let Some(plain) = self.plain.take().filter(is_some) {
            return Some(Written::Plain(plain));
        }
        if let Some(html) = self.html.take().filter(is_some) {
            return Some(Written::Html(html));
        }
        let rtf = rtf::decompressed(&self.rtf.take()?)?;
        Some(rtf::text(&rtf)).filter(is_some).map(Written::Plain)
    }

    fn string(&self, kind: u16, value: &[u8]) -> String {
        match kind {
            kind::STRING => {
                let units: Vec<u16> = value
                    .chunks_exact(2)
                    .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                    .collect();
                String::from_utf16_lossy(&units)
                    .trim_end_matches('\0')
                    .to_owned()
            }
            _ => self.words(value),
        }
    }

    /// Text in the stream's code page.
    fn words(&self, data: &[u8]) -> String {
        let end = data.iter().rposition(|&octet| octet != 0);
        let data = &data[..end.map_or(0, |end| end + 1)];
        if let Ok(text) = std::str::from_utf8(data) {
            return text.to_owned();
        }
        let name = match self.code_page {
            932 => "shift_jis".to_owned(),
            936 => "gb18030".to_owned(),
            949 => "euc-kr".to_owned(),
            950 => "big5".to_owned(),
            page @ 1250..=1258 => format!("windows-{page}"),
            _ => "windows-1252".to_owned(),
        };
        match charset_decoder(name.as_bytes()) {
            Some(decode) => decode(data),
            None => String::from_utf8_lossy(data).into_owned(),
        }
    }
}

/// What is left of a stream, in little-endian numbers.
struct Stream<'x>(&'x [u8]);

impl<'x> Stream<'x> {
    fn take(&mut self, count: usize) -> Option<&'x [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)
            .map(|octets| u16::from_le_bytes([octets[0], octets[1]]))
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)
            .map(|octets| u32::from_le_bytes([octets[0], octets[1], octets[2], octets[3]]))
    }

    /// A value behind its length, filled up to four octets.
    fn counted(&mut self) -> Option<&'x [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        let value = self.take(length)?;
        self.take(length.next_multiple_of(4) - length)?;
        Some(value)
    }

    /// A property: its type, its id, and its value, the first one of several ([MS-OXTNEF] 2.1.3.4).
    fn property(&mut self) -> Option<(u16, u16, &'x [u8])> {
        /// Ids from here on have names.
        const NAMED: u16 = 0x8000;

        let (full_kind, id) = (self.u16()?, self.u16()?);
        if id >= NAMED {
            self.take(CLASS)?;
            match self.u32()? {
                0 => drop(self.u32()?),
                _ => drop(self.counted()?),
            }
        }
        let kind = full_kind & !kind::SEVERAL;
        let has_lengths = matches!(
            kind,
            kind::STRING_8 | kind::STRING | kind::OBJECT | kind::BINARY
        );
        let is_several = full_kind & kind::SEVERAL != 0;
        let count = match is_several || has_lengths {
            true => self.u32()?,
            false => 1,
        };
        let mut first = None;
        for _ in 0..count {
            let value = match kind {
                _ if has_lengths => self.counted()?,
                0x0001..=0x0004 | 0x000A | 0x000B => self.take(4)?,
                0x0048 => self.take(CLASS)?,
                _ => self.take(8)?,
            };
            first.get_or_insert(value);
        }
        Some((kind, id, first.unwrap_or_default()))
    }
}

/// The octets of a GUID.
const CLASS: usize = 16;

/// More files than anybody has attached.
const MOST_FILES: usize = 1000;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn attribute(id: u32, data: &[u8]) -> Vec<u8> {
        let sum = data
            .iter()
            .fold(0u16, |sum, &octet| sum.wrapping_add(octet.into()));
        let length = u32::try_from(data.len()).expect("it is short");
        [
            &[if id & 0xFFFF >= 0x9002 || id & 0xFFFF == 0x800F {
                2
            } else {
                1
            }][..],
            &id.to_le_bytes(),
            &length.to_le_bytes(),
            data,
            &sum.to_le_bytes(),
        ]
        .concat()
    }

    fn property(kind: u16, id: u16, value: &[u8]) -> Vec<u8> {
        let length = u32::try_from(value.len()).expect("it is short");
        let filling = vec![0; value.len().next_multiple_of(4) - value.len()];
        [
            &kind.to_le_bytes()[..],
            &id.to_le_bytes(),
            &1u32.to_le_bytes(),
            &length.to_le_bytes(),
            value,
            &filling,
        ]
        .concat()
    }

    fn properties(all: &[Vec<u8>]) -> Vec<u8> {
        let count = u32::try_from(all.len()).expect("they are few");
        [count.to_le_bytes().to_vec(), all.concat()].concat()
    }

    fn stream(attributes: &[Vec<u8>]) -> Vec<u8> {
        [SIGNATURE.to_vec(), vec![1, 0], attributes.concat()].concat()
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn text_and_files_of_a_stream_are_found() {
        let message = properties(&[
            property(0x0003, 0x0E08, b"")[..4]
                .to_vec()
                .into_iter()
                .chain([7, 0, 0, 0])
                .collect(),
            property(kind::STRING, property::BODY, &utf16("Grüße\0")),
        ]);
        let attachment = properties(&[property(
            kind::STRING,
            property::LONG_FILE_NAME,
            &utf16("the long name.txt\0"),
        )]);
        let bytes = stream(&[
            attribute(0x0006_9007, &[0xE4, 4, 0, 0, 0, 0, 0, 0]),
            attribute(0x0006_9003, &message),
            attribute(0x0006_9002, &[0; 14]),
            attribute(0x0006_800F, b"one two"),
            attribute(0x0001_8010, b"THELON~1.TXT\0"),
            attribute(0x0006_9005, &attachment),
        ]);

        let found = unpacked(&bytes).expect("a stream");

        assert_eq!(found.text, Some(Written::Plain("Grüße".to_owned())));
        let files = [Packed {
            name: "the long name.txt".to_owned(),
            bytes: b"one two".to_vec(),
        }];
        assert_eq!(found.files, files);
    }

    #[test]
    fn a_stream_cut_off_anywhere_is_read_as_far_as_it_goes() {
        let bytes = stream(&[
            attribute(0x0002_800C, b"The text."),
            attribute(0x0006_9002, &[0; 14]),
            attribute(0x0006_800F, b"one two"),
        ]);
        for end in 0..bytes.len() {
            let found = unpacked(&bytes[..end]);
            assert!(found.is_some() || end < 6, "{end}");
        }
        assert_eq!(unpacked(&bytes).expect("a stream").files.len(), 1);
        assert_eq!(unpacked(b"no such thing"), None);
    }
}

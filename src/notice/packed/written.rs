//! Files written into a text: uuencode (POSIX.1 `uuencode`, with its base64 form), and yEnc (yEnc draft 1.3).

use std::ops::Range;

use mail_parser::decoders::base64::base64_decode;

use super::Packed;

/// A file in a text, and the lines that it takes up.
#[derive(Debug)]
pub(super) struct Found {
    pub file: Packed,
    lines: Range<usize>,
}

/// What stands between its first line and its last, decoded; how many lines it takes with these, and where it
/// ends.
struct Content {
    bytes: Vec<u8>,
    lines: usize,
    end: usize,
}

/// How a file's lines are read, from a place on; none if they are not a file's.
type Form = fn(&[u8], usize) -> Option<Content>;

/// True if there may be a file in a text: cheaper than looking for it.
pub(super) fn may_hold(text: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    has(b"begin ") || has(b"begin-base64 ") || has(b"=ybegin ")
}

/// Returns the files in a text, in order. No line is looked at for more than one beginning.
pub(super) fn find(text: &[u8]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let (mut at, mut number) = (0, 0);
    while at < text.len() && found.len() < MOST_FILES {
        let (line, next) = line_at(text, at);
        match begun(line).and_then(|(name, form)| Some((name, form(text, next)?))) {
            Some((name, content)) => {
                let bytes = content.bytes;
                found.push(Found {
                    file: Packed { name, bytes },
                    lines: number..number + content.lines,
                });
                (at, number) = (content.end, number + content.lines);
            }
            None => (at, number) = (next, number + 1),
        }
    }
    found
}

/// Returns a text without the files that were found in its octets; as it is, if it has other lines than these.
pub(super) fn without(text: &str, octets: &[u8], found: &[Found]) -> String {
    let lines = |octets: &[u8]| memchr::memchr_iter(b'\n', octets).count();
    if lines(text.as_bytes()) != lines(octets) {
        return text.to_owned();
    }
    let mut found = found.iter().peekable();
    let mut kept = String::with_capacity(text.len());
    for (number, line) in text.split_inclusive('\n').enumerate() {
        while found.next_if(|file| file.lines.end <= number).is_some() {}
        if !found
            .peek()
            .is_some_and(|file| file.lines.contains(&number))
        {
            kept.push_str(line);
        }
    }
    kept
}

/// A line without its end, and where the next one begins.
fn line_at(text: &[u8], at: usize) -> (&[u8], usize) {
    let rest = &text[at..];
    let end = memchr::memchr(b'\n', rest);
    let line = &rest[..end.unwrap_or(rest.len())];
    let next = end.map_or(text.len(), |end| at + end + 1);
    (line.strip_suffix(b"\r").unwrap_or(line), next)
}

/// The name of the file that begins in a line, and how its content is read; none if none does.
fn begun(line: &[u8]) -> Option<(String, Form)> {
    if let Some(rest) = line.strip_prefix(b"=ybegin ") {
        let rest = String::from_utf8_lossy(rest);
        let name = rest.split_once("name=")?.1.trim();
        return Some((name.to_owned(), yenc));
    }
    match line.strip_prefix(b"begin-base64 ") {
        Some(rest) => Some((named(rest)?, base64)),
        None => Some((named(line.strip_prefix(b"begin ")?)?, uuencode)),
    }
}

/// Returns the name behind a file's mode, as in `644 report.pdf`.
fn named(rest: &[u8]) -> Option<String> {
    let space = rest.iter().position(|&octet| octet == b' ')?;
    let (mode, name) = rest.split_at(space);
    let is_mode =
        (3..=4).contains(&mode.len()) && mode.iter().all(|octet| (b'0'..=b'7').contains(octet));
    let name = String::from_utf8_lossy(name.trim_ascii()).into_owned();
    (is_mode && !name.is_empty()).then_some(name)
}

/// Decodes a line of uuencode; none if it is none.
fn uu_line(line: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    let six = |octet: u8| match octet {
        b' '..=b'`' => Some((octet - b' ') & 63),
        _ => None,
    };
    let Some((&first, data)) = line.split_first() else {
        return Some(());
    };
    let length = usize::from(six(first)?);
    // Programs have taken spaces off the ends of lines, and put a check sum there.
    let full = length.div_ceil(3) * 4;
    if data.len() > full + 2 || data.len() * 2 < full {
        return None;
    }
    let start = bytes.len();
    for group in 0..length.div_ceil(3) {
        let mut word = 0u32;
        for place in 0..4 {
            let octet = data.get(group * 4 + place).copied().unwrap_or(b' ');
            word = word << 6 | u32::from(six(octet)?);
        }
        bytes.extend_from_slice(&word.to_be_bytes()[1..]);
    }
    bytes.truncate(start + length);
    Some(())
}

/// Reads lines up to the one that ends a file; none if there is none, or if `take` does not take one before.
fn content(
    text: &[u8],
    from: usize,
    is_end: fn(&[u8]) -> bool,
    mut take: impl FnMut(&[u8], &mut Vec<u8>) -> Option<()>,
) -> Option<Content> {
    let mut bytes = Vec::new();
    let (mut at, mut lines) = (from, 2);
    while at < text.len() {
        let (line, next) = line_at(text, at);
        if is_end(line) {
            return Some(Content {
                bytes,
                lines,
                end: next,
            });
        }
        take(line, &mut bytes)?;
        (at, lines) = (next, lines + 1);
    }
    None
}

fn uuencode(text: &[u8], from: usize) -> Option<Content> {
    content(text, from, |line| line == b"end", uu_line)
}

fn base64(text: &[u8], from: usize) -> Option<Content> {
    let is_letter = |octet: &u8| octet.is_ascii_alphanumeric() || b"+/=".contains(octet);
    let is_end = |line: &[u8]| line == b"====";
    let mut found = content(text, from, is_end, |line, letters| {
        letters.extend_from_slice(line);
        line.iter().all(is_letter).then_some(())
    })?;
    found.bytes = base64_decode(&found.bytes)?;
    Some(found)
}

fn yenc(text: &[u8], from: usize) -> Option<Content> {
    content(
        text,
        from,
        |line| line.starts_with(b"=yend"),
        |line, bytes| {
            if line.starts_with(b"=ypart ") {
                return Some(());
            }
            let mut is_escaped = false;
            for &octet in line {
                match octet {
                    b'=' if !is_escaped => is_escaped = true,
                    _ => {
                        let shift = if is_escaped { 42 + 64 } else { 42 };
                        bytes.push(octet.wrapping_sub(shift));
                        is_escaped = false;
                    }
                }
            }
            // Another one begins before this one has ended.
            (!line.starts_with(b"=ybegin ")).then_some(())
        },
    )
}

/// More files than anybody has written into a text.
pub(super) const MOST_FILES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &[u8]) -> Vec<(String, Vec<u8>)> {
        let found = find(text);
        let files = found.into_iter().map(|found| found.file);
        files.map(|file| (file.name, file.bytes)).collect()
    }

    #[test]
    fn a_file_in_uuencode_is_found_and_taken_out() {
        // As uuencode of GNU sharutils 4.15 has it.
        let text = "Before.\nbegin 644 cat.txt\n#0V%T\n`\nend\nAfter.\n";

        let found = find(text.as_bytes());

        assert_eq!(
            files(text.as_bytes()),
            [("cat.txt".to_owned(), b"Cat".to_vec())]
        );
        assert_eq!(
            without(text, text.as_bytes(), &found).trim_end(),
            "Before.\nAfter."
        );
    }

    #[test]
    fn its_form_in_base64_is_one_too() {
        let text = b"begin-base64 600 cat.txt\nQ2F0\n====\n";

        assert_eq!(files(text), [("cat.txt".to_owned(), b"Cat".to_vec())]);
    }

    #[test]
    fn a_file_in_yenc_is_found() {
        // 'C', 'a', 't', and NUL: each plus 42, and what that makes of 214 is NUL, which is escaped.
        let text =
            b"=ybegin line=128 size=4 name=cat one.bin\r\nm\x8b\x9e=@\r\n=yend size=4\r\nbegin 1\n";

        assert_eq!(
            files(text),
            [("cat one.bin".to_owned(), b"Cat\xd6".to_vec())]
        );
    }

    #[test]
    fn prose_that_begins_so_is_left_alone() {
        for text in [
            "begin 644 words\nof a sentence that has no end\n",
            "begin 644 cat.txt\nno such line, as it is far too long for its first letter\nend\n",
            "begin with 3 of them\nend\n",
            "Let us\nbegin \nend",
        ] {
            assert!(find(text.as_bytes()).is_empty(), "{text}");
        }
    }
}

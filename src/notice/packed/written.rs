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

/// Returns the files in a text, in order; none if there is none.
pub(super) fn find(text: &[u8]) -> Option<Vec<Found>> {
    let may_hold = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    if !may_hold(b"begin ") && !may_hold(b"begin-base64 ") && !may_hold(b"=ybegin ") {
        return None;
    }
    let lines: Vec<&[u8]> = text.split(|&octet| octet == b'\n').map(trimmed).collect();
    let mut found: Vec<Found> = Vec::new();
    let mut at = 0;
    while at < lines.len() && found.len() < MOST_FILES {
        match file_at(&lines, at) {
            Some(next) => {
                at = next.lines.end;
                found.push(next);
            }
            None => at += 1,
        }
    }
    (!found.is_empty()).then_some(found)
}

/// Returns a text without the files in it.
pub(super) fn without(text: &str, found: &[Found]) -> String {
    let mut found = found.iter().peekable();
    let mut kept = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        while found.next_if(|file| file.lines.end <= number).is_some() {}
        if !found
            .peek()
            .is_some_and(|file| file.lines.contains(&number))
        {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Returns the file that begins in a line; none if none does, or if it has no end.
fn file_at(lines: &[&[u8]], at: usize) -> Option<Found> {
    let line = lines[at];
    if line.starts_with(b"=ybegin ") {
        return yenc(lines, at);
    }
    let (name, is_base64) = match line.strip_prefix(b"begin-base64 ") {
        Some(rest) => (named(rest)?, true),
        None => (named(line.strip_prefix(b"begin ")?)?, false),
    };
    // Only as far as lines can be a file's: no line is looked at for more than one beginning.
    let (end, bytes) = match is_base64 {
        true => base64(lines, at + 1)?,
        false => uuencode(lines, at + 1)?,
    };
    Some(Found {
        file: Packed { name, bytes },
        lines: at..end + 1,
    })
}

/// Decodes lines up to the last one, and gives its place.
fn uuencode(lines: &[&[u8]], from: usize) -> Option<(usize, Vec<u8>)> {
    let mut bytes = Vec::new();
    for (place, line) in lines.iter().enumerate().skip(from) {
        if *line == b"end" {
            return Some((place, bytes));
        }
        uu_line(line, &mut bytes)?;
    }
    None
}

/// The same of its form in base64.
fn base64(lines: &[&[u8]], from: usize) -> Option<(usize, Vec<u8>)> {
    let is_letter = |octet: &u8| octet.is_ascii_alphanumeric() || b"+/=".contains(octet);
    for (place, line) in lines.iter().enumerate().skip(from) {
        if *line == b"====" {
            return Some((place, base64_decode(&lines[from..place].concat())?));
        }
        if !line.iter().all(is_letter) {
            return None;
        }
    }
    None
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

fn yenc(lines: &[&[u8]], at: usize) -> Option<Found> {
    let head = String::from_utf8_lossy(lines[at]);
    let name = head.split_once(" name=")?.1.trim().to_owned();
    let ends = |line: &&[u8]| line.starts_with(b"=yend") || line.starts_with(b"=ybegin ");
    let length = lines[at + 1..].iter().position(ends)?;
    if lines[at + 1 + length].starts_with(b"=ybegin ") {
        return None;
    }
    let data = &lines[at + 1..at + 1 + length];
    let mut bytes = Vec::new();
    for line in data.iter().filter(|line| !line.starts_with(b"=ypart ")) {
        let mut is_escaped = false;
        for &octet in *line {
            match octet {
                b'=' if !is_escaped => is_escaped = true,
                _ => {
                    let shift = if is_escaped { 42 + 64 } else { 42 };
                    bytes.push(octet.wrapping_sub(shift));
                    is_escaped = false;
                }
            }
        }
    }
    Some(Found {
        file: Packed { name, bytes },
        lines: at..at + length + 2,
    })
}

/// More files than anybody has written into a text.
const MOST_FILES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &[u8]) -> Vec<(String, Vec<u8>)> {
        let found = find(text).unwrap_or_default();
        let files = found.into_iter().map(|found| found.file);
        files.map(|file| (file.name, file.bytes)).collect()
    }

    #[test]
    fn a_file_in_uuencode_is_found_and_taken_out() {
        // As uuencode of GNU sharutils 4.15 has it.
        let text = "Before.\nbegin 644 cat.txt\n#0V%T\n`\nend\nAfter.\n";

        let found = find(text.as_bytes()).expect("a file");

        assert_eq!(
            files(text.as_bytes()),
            [("cat.txt".to_owned(), b"Cat".to_vec())]
        );
        assert_eq!(without(text, &found).trim_end(), "Before.\nAfter.");
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
            assert!(find(text.as_bytes()).is_none(), "{text}");
        }
    }
}

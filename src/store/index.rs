//! The full-text index: what is put into it, and what is asked of it.
//!
//! It has two tables. `words` holds the words with their places. A search as one types asks for all
//! words that begin with a letter or three, of which there are so many that finding them takes too
//! long; `beginnings` holds those few letters as words of their own, each once for a notice.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use crate::notice::{NoticeId, letter, search_text::SearchText};

/// The longest beginning that has its place in the index, in characters.
const LONGEST: usize = 3;

/// How many columns either table has.
const COLUMNS: usize = 5;

/// A column of the index.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Column {
    Sender,
    Recipient,
    Subject,
    Body,
}

/// What is asked of one table of the index, in the words of FTS5.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Lookup {
    Words(String),
    Beginnings(String),
}

impl Lookup {
    /// Words in a row, in a column or in any; the last may go on.
    pub fn of(column: Option<Column>, text: &str) -> Lookup {
        let column = match column {
            None => "",
            Some(Column::Sender) => "sender : ",
            Some(Column::Recipient) => "recipient : ",
            Some(Column::Subject) => "subject : ",
            Some(Column::Body) => "body : ",
        };
        let text = spaced(text.to_owned()).replace('"', " ");
        let text = text.trim();
        let is_short = text.chars().all(is_of_word)
            && text.chars().filter(|&c| !is_combining(c)).count() <= LONGEST;
        if is_short {
            Lookup::Beginnings(format!("{column}\"{text}\""))
        } else {
            Lookup::Words(format!("{column}\"{text}\" *"))
        }
    }
}

/// What is put into the index of one notice. Making it takes about as long as keeping it, so that
/// it is made before, by whoever reads the mail.
#[derive(Debug)]
pub struct Entry {
    words: [String; COLUMNS],
    beginnings: [String; COLUMNS],
}

impl Entry {
    /// The entry for these words.
    pub fn of(text: SearchText) -> Entry {
        let words = [
            text.sender,
            text.recipient,
            text.subject,
            text.body,
            text.files,
        ]
        .map(spaced);
        Entry {
            beginnings: words.each_ref().map(|text| beginnings(text)),
            words,
        }
    }
}

/// Puts a notice into the index; notes that it is to be put there where its words are not made yet.
pub(super) fn put(
    connection: &Connection,
    id: NoticeId,
    entry: Option<&Entry>,
) -> rusqlite::Result<()> {
    match entry {
        Some(entry) => add(connection, id, entry),
        None => connection
            .prepare_cached("INSERT OR IGNORE INTO unindexed VALUES (?1)")?
            .execute([id.0])
            .map(drop),
    }
}

/// Puts a notice into the index.
pub(super) fn add(connection: &Connection, id: NoticeId, entry: &Entry) -> rusqlite::Result<()> {
    for (statement, [sender, recipient, subject, body, files]) in [
        (
            "INSERT INTO words (rowid, sender, recipient, subject, body, files) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &entry.words,
        ),
        (
            "INSERT INTO beginnings (rowid, sender, recipient, subject, body, files) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &entry.beginnings,
        ),
    ] {
        connection
            .prepare_cached(statement)?
            .execute(params![id.0, sender, recipient, subject, body, files])?;
    }
    Ok(())
}

/// Takes a notice out of the index.
pub(super) fn remove(connection: &Connection, id: NoticeId) -> rusqlite::Result<()> {
    for statement in [
        "DELETE FROM words WHERE rowid = ?1",
        "DELETE FROM beginnings WHERE rowid = ?1",
        "DELETE FROM unindexed WHERE id = ?1",
    ] {
        connection.prepare_cached(statement)?.execute([id.0])?;
    }
    Ok(())
}

/// Text for the index: characters of scripts without spaces between words stand alone, so that each
/// is found, and several in a row as a phrase.
fn spaced(text: String) -> String {
    let text = match text.is_ascii() || !text.chars().any(is_another_s) {
        true => text,
        false => letter::all_searched(&text),
    };
    // The first of them is U+0E01, of which UTF-8 makes three bytes.
    if text.bytes().all(|b| b < 0xE0) || !text.chars().any(is_unspaced) {
        return text;
    }
    let mut out = String::with_capacity(text.len() * 4 / 3);
    let mut stands_alone = false;
    for c in text.chars() {
        let alone = is_unspaced(c);
        if alone || stands_alone {
            out.push(' ');
        }
        out.push(c);
        stands_alone = alone;
    }
    out
}

/// What the words of a text begin with, up to [`LONGEST`] characters, each once. Characters that
/// stand alone are words already.
fn beginnings(text: &str) -> String {
    let mut found = Beginnings {
        plain: vec![0; PLAIN.div_ceil(64)],
        other: HashSet::new(),
        out: String::new(),
    };
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = bytes[at..].iter().take(LONGEST);
        let plain = start.take_while(|&&b| DIGITS[usize::from(b)] != 0).count();
        let is_plain = bytes.get(at + plain).is_none_or(u8::is_ascii);
        at = match (plain, is_plain) {
            (0, true) => at + 1,
            (_, true) => found.plain_word(text, at, plain),
            (_, false) => found.other_word(text, at),
        };
    }
    found.out
}

/// The beginnings of one text that were found so far. Most are of plain letters and digits: these
/// are told apart by a bit each.
struct Beginnings<'t> {
    plain: Vec<u64>,
    other: HashSet<&'t str>,
    out: String,
}

/// 26 letters, 10 digits, and 0 for a place that is not taken.
const BASE: usize = 37;
/// How many beginnings of plain letters and digits there are.
const PLAIN: usize = BASE.pow(LONGEST as u32);
/// The digit in base [`BASE`] for each byte; 0 for what is neither letter nor digit.
const DIGITS: [u8; 256] = {
    let mut digits = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        let b = byte as u8;
        digits[byte] = match b {
            b'a'..=b'z' => b - b'a' + 1,
            b'A'..=b'Z' => b - b'A' + 1,
            b'0'..=b'9' => b - b'0' + 27,
            _ => 0,
        };
        byte += 1;
    }
    digits
};

impl<'t> Beginnings<'t> {
    /// Notes the word that begins here with so many plain letters, and says where it ends.
    fn plain_word(&mut self, text: &'t str, start: usize, plain: usize) -> usize {
        let mut code = 0;
        for end in start + 1..=start + plain {
            code = code * BASE + usize::from(DIGITS[usize::from(text.as_bytes()[end - 1])]);
            let (place, bit) = (code / 64, 1 << (code % 64));
            if self.plain[place] & bit == 0 {
                self.plain[place] |= bit;
                self.write(&text[start..end]);
            }
        }
        end_of_word(text, start + plain)
    }

    /// The same for what begins with other characters, which may be no word.
    fn other_word(&mut self, text: &'t str, start: usize) -> usize {
        let mut end = start;
        let mut characters = text[start..].chars().peekable();
        for _ in 0..LONGEST {
            let Some(c) = characters.next_if(|&c| is_of_word(c)) else {
                break;
            };
            end += c.len_utf8();
            // A mark belongs to the letter before it.
            while let Some(mark) = characters.next_if(|&c| is_combining(c)) {
                end += mark.len_utf8();
            }
            if self.other.insert(&text[start..end]) {
                self.write(&text[start..end]);
            }
        }
        match characters.next() {
            Some(c) if end == start => start + c.len_utf8(),
            Some(_) | None => end_of_word(text, end),
        }
    }

    fn write(&mut self, beginning: &str) {
        self.out.push_str(beginning);
        self.out.push(' ');
    }
}

/// Where the word ends in the middle of which this place is.
fn end_of_word(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    at + rest.find(|c| !is_of_word(c)).unwrap_or(rest.len())
}

/// True for the letters and digits of Latin, Greek, Cyrillic, Armenian, Hebrew, Arabic and Georgian
/// that FTS5's tokenizer takes for such too. Of other scripts it cuts words at vowel signs, and a
/// beginning may be no word to it.
fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || is_combining(c)
        || (c.is_alphanumeric()
            && matches!(c,
                '\u{aa}'..='\u{2af}' | '\u{386}'..='\u{481}' | '\u{48a}'..='\u{527}'
                | '\u{531}'..='\u{587}' | '\u{5d0}'..='\u{5ea}' | '\u{620}'..='\u{64a}'
                | '\u{671}'..='\u{6d3}' | '\u{10a0}'..='\u{10c5}' | '\u{10d0}'..='\u{10fa}'
                | '\u{1e00}'..='\u{1fff}'))
}

/// The marks that the tokenizer takes off their letters; at others it cuts (SQLite's
/// fts5_unicode2.c, `sqlite3Fts5UnicodeIsdiacritic`).
fn is_combining(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{304}' | '\u{306}'..='\u{30c}' | '\u{30f}' | '\u{311}' | '\u{31b}'
        | '\u{323}'..='\u{328}' | '\u{32d}' | '\u{32e}' | '\u{330}' | '\u{331}')
}

/// True for letters and marks of which the tokenizer makes others than what is searched for: it takes accents off
/// Latin letters alone, and nothing else.
fn is_another_s(c: char) -> bool {
    match c {
        '\u{ad}' | 'Ø' | 'ø' | 'Đ' | 'đ' | 'Ħ' | 'ħ' | 'ı' | 'Ł' | 'ł' => true,
        '\0'..='\u{2ff}' => false,
        // Greek, and the other IO of Cyrillic.
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' | 'Ё' | 'ё' => true,
        '\u{ff01}'..='\u{ff9f}' => true,
        _ => letter::searched(c).is_none(),
    }
}

/// Han, Hiragana, Katakana, Hangul syllables, Thai, Lao, Khmer, Myanmar.
fn is_unspaced(c: char) -> bool {
    c > '\u{0E00}'
        && matches!(c,
            '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
            | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
            | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_noted_once_each_with_their_marks() {
        let found =
            beginnings("Team teams, a tea: 10:30 na\u{308}he e\u{301}t\u{e9} \u{6771}\u{4eac}");

        assert_eq!(
            found,
            "T Te Tea a 1 10 3 30 n na\u{308} na\u{308}h e\u{301} e\u{301}t e\u{301}t\u{e9} "
        );
    }

    #[test]
    fn only_a_single_short_word_is_looked_up_by_its_beginning() {
        let lookups = [
            "te",
            "e\u{301}t\u{e9}",
            "team",
            "10:3",
            "\u{6771}",
            "\u{6771}\u{4eac}",
        ]
        .map(|text| Lookup::of(Some(Column::Subject), text));

        assert_eq!(
            lookups,
            [
                Lookup::Beginnings("subject : \"te\"".to_owned()),
                Lookup::Beginnings("subject : \"ete\"".to_owned()),
                Lookup::Words("subject : \"team\" *".to_owned()),
                Lookup::Words("subject : \"10:3\" *".to_owned()),
                Lookup::Words("subject : \"\u{6771}\" *".to_owned()),
                Lookup::Words("subject : \"\u{6771} \u{4eac}\" *".to_owned()),
            ]
        );
    }
}

//! The full-text index: what is put into it, and what is asked of it.
//!
//! It has two tables. `words` holds the words with their places. A search as one types asks for all
//! words that begin with a letter or three, of which there are so many that finding them takes too
//! long; `beginnings` holds those few letters as words of their own, each once for a notice.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::notice::{
    NoticeId,
    headline::{Digest, SearchText},
};

/// The step of the schema after which the index is filled anew from the mails.
pub(super) const FILLED_ANEW: usize = 5;

/// The longest beginning that has its place in the index, in characters.
const LONGEST: usize = 3;

/// A column of the index.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Column {
    Sender,
    Subject,
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
            Some(Column::Subject) => "subject : ",
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
    words: [String; 4],
    beginnings: [String; 4],
}

impl Entry {
    /// The entry for these words.
    pub fn of(text: SearchText) -> Entry {
        let words = [text.sender, text.subject, text.body, text.files].map(spaced);
        Entry {
            beginnings: words.each_ref().map(|text| beginnings(text)),
            words,
        }
    }
}

/// Puts a notice into the index.
pub(super) fn add(connection: &Connection, id: NoticeId, entry: &Entry) -> rusqlite::Result<()> {
    for (statement, [sender, subject, body, files]) in [
        (
            "INSERT INTO words (rowid, sender, subject, body, files) VALUES (?1, ?2, ?3, ?4, ?5)",
            &entry.words,
        ),
        (
            "INSERT INTO beginnings (rowid, sender, subject, body, files) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
            &entry.beginnings,
        ),
    ] {
        connection
            .prepare_cached(statement)?
            .execute(params![id.0, sender, subject, body, files])?;
    }
    Ok(())
}

/// Takes a notice out of the index.
pub(super) fn remove(connection: &Connection, id: NoticeId) -> rusqlite::Result<()> {
    for statement in [
        "DELETE FROM words WHERE rowid = ?1",
        "DELETE FROM beginnings WHERE rowid = ?1",
    ] {
        connection.prepare_cached(statement)?.execute([id.0])?;
    }
    Ok(())
}

/// Fills an empty index from the mails that are kept.
pub(super) fn fill(connection: &Connection) -> rusqlite::Result<()> {
    let now = Timestamp::now();
    let mut statement = connection.prepare("SELECT id, bytes FROM mail")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let digest = Digest::of(row.get_ref(1)?.as_blob()?, now);
        add(
            connection,
            NoticeId(row.get(0)?),
            &Entry::of(digest.search_text),
        )?;
    }
    Ok(())
}

/// Text for the index: characters of scripts without spaces between words stand alone, so that each
/// is found, and several in a row as a phrase.
fn spaced(text: String) -> String {
    if text.is_ascii() || !text.chars().any(is_unspaced) {
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
        plain: vec![0; Beginnings::PLAIN.div_ceil(64)],
        other: HashSet::new(),
        out: String::new(),
    };
    for word in text
        .split(|c| !is_of_word(c))
        .filter(|word| !word.is_empty())
    {
        let mut code = 0;
        let mut count = 0;
        let mut characters = word.char_indices().peekable();
        while let Some((start, c)) = characters.next() {
            // A mark belongs to the letter before it.
            let mut end = start + c.len_utf8();
            while let Some((at, mark)) = characters.next_if(|&(_, c)| is_combining(c)) {
                end = at + mark.len_utf8();
            }
            count += 1;
            code = code * Beginnings::DIGITS + Beginnings::digit(c);
            found.note(&word[..end], code);
            if count == LONGEST {
                break;
            }
        }
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

impl<'t> Beginnings<'t> {
    /// 26 letters, 10 digits, and 0 for a place that is not taken.
    const DIGITS: usize = 37;
    /// How many codes there are.
    const PLAIN: usize = Self::DIGITS.pow(LONGEST as u32);

    fn digit(c: char) -> usize {
        match c {
            'a'..='z' => c as usize - 'a' as usize + 1,
            'A'..='Z' => c as usize - 'A' as usize + 1,
            '0'..='9' => c as usize - '0' as usize + 27,
            _ => 0,
        }
    }

    fn note(&mut self, beginning: &'t str, code: usize) {
        let is_new = if beginning.is_ascii() {
            let (place, bit) = (code / 64, 1 << (code % 64));
            let is_new = self.plain[place] & bit == 0;
            self.plain[place] |= bit;
            is_new
        } else {
            self.other.insert(beginning)
        };
        if is_new {
            self.out.push_str(beginning);
            self.out.push(' ');
        }
    }
}

/// True for what stands in words, of the scripts that write words apart.
fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || !c.is_ascii() && (c.is_alphanumeric() && !is_unspaced(c) || is_combining(c))
}

/// The marks that the index takes off their letters.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}')
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
                Lookup::Beginnings("subject : \"e\u{301}t\u{e9}\"".to_owned()),
                Lookup::Words("subject : \"team\" *".to_owned()),
                Lookup::Words("subject : \"10:3\" *".to_owned()),
                Lookup::Words("subject : \"\u{6771}\" *".to_owned()),
                Lookup::Words("subject : \"\u{6771} \u{4eac}\" *".to_owned()),
            ]
        );
    }
}

//! `Shown`: the one type of foreign text that may be drawn. No mail may steer the terminal.
//!
//! There is no `From<String>`: [`Shown::line`] and [`Shown::text`] are the ways in, and both make
//! harmless what they take. What was replaced stays visible as a mark, so that nobody wonders: `␛`
//! for ESC, `?` for other controls and for what is invisible, `◌` under a mark without a letter.
//! The letters of all scripts stay, right-to-left ones too.

use std::{fmt, ops::Deref, sync::Arc};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::text;

/// Text that is safe to draw: no control characters, no bidi overrides, no invisible floods.
#[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Shown(Arc<str>);

impl Shown {
    /// Returns the text as a single line: newlines, tabs and runs of spaces become one space each,
    /// and none is left at either end.
    pub fn line(text: &str) -> Shown {
        Shown::cleaned(text, Space::Collapsed)
    }

    /// Returns the text with its newlines and spaces; tabs go to the next multiple of 8 columns.
    pub fn text(text: &str) -> Shown {
        Shown::cleaned(text, Space::Kept)
    }

    /// Returns a server's raw words as a single line; what is not UTF-8 shows as `�`.
    pub fn bytes(words: &[u8]) -> Shown {
        Shown::line(&String::from_utf8_lossy(words))
    }

    /// Returns words of our own.
    pub fn from_static(words: &'static str) -> Shown {
        Shown::text(words)
    }

    /// Returns the parts joined without anything between them.
    pub fn concat<'a>(parts: impl IntoIterator<Item = &'a Shown>) -> Shown {
        Shown::text(&parts.into_iter().map(Shown::as_str).collect::<String>())
    }

    /// Returns this text followed by another.
    pub fn push(&self, tail: &Shown) -> Shown {
        Shown::concat([self, tail])
    }

    /// Returns the text cut to so many columns; what was cut ends in `…`.
    pub fn cut_to(&self, columns: usize) -> Shown {
        match text::width(self) <= columns {
            true => self.clone(),
            false => Shown::text(&text::cut_to(self, columns)),
        }
    }

    /// Returns how many columns the text takes when it is drawn in one row.
    pub fn width(&self) -> usize {
        text::width(self)
    }

    /// Returns the text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text for the terminal's title or a notification (OSC 0, 2, 9): one line of at
    /// most 256 characters, without the `;` at which terminals split such sequences.
    pub fn for_terminal_title(&self) -> String {
        let line = Shown::line(self);
        let title = line.chars().take(TITLE_CHARACTERS);
        title.map(|c| if c == ';' { ',' } else { c }).collect()
    }

    fn cleaned(text: &str, space: Space) -> Shown {
        let bytes = text.as_bytes();
        let plain = |b: &u8| matches!(b, b' '..=b'~') || (*b == b'\n' && space == Space::Kept);
        let tidy = || space == Space::Kept || !has_loose_space(bytes);
        if bytes.iter().all(plain) && tidy() {
            return Shown(text.into());
        }
        let mut cleaner = Cleaner::new(text.len(), space);
        let mut rest = text
            .strip_prefix('\u{feff}')
            .unwrap_or(text)
            .chars()
            .peekable();
        while let Some(c) = rest.next() {
            cleaner.take(c, rest.peek().copied());
        }
        Shown(cleaner.out.into())
    }
}

impl Deref for Shown {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Shown {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Shown {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Shown {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

/// Equal texts hash alike, whether shown or not.
impl std::borrow::Borrow<str> for Shown {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// What becomes of white space.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Space {
    Collapsed,
    Kept,
}

/// Takes characters one by one, and keeps of them what may be drawn.
struct Cleaner {
    out: String,
    space: Space,
    /// A space is due before the next visible character.
    gap: bool,
    /// Where the columns of the present line have been counted up to, and how many there are.
    counted: usize,
    columns: usize,
    /// The character that marks now belong to; none at the start of a line.
    base: Option<char>,
    marks: usize,
    joins: usize,
    joined: bool,
    /// The last thing written is a `?` for something invisible, or for too many marks.
    flooded: bool,
}

impl Cleaner {
    fn new(capacity: usize, space: Space) -> Cleaner {
        Cleaner {
            out: String::with_capacity(capacity),
            space,
            gap: false,
            counted: 0,
            columns: 0,
            base: None,
            marks: 0,
            joins: 0,
            joined: false,
            flooded: false,
        }
    }

    fn take(&mut self, c: char, next: Option<char>) {
        match c {
            '\r' if matches!(next, Some('\n' | '\r')) => {}
            ' ' | '\t' | '\n' | '\r' if self.space == Space::Collapsed => self.gap(),
            '\n' => self.end_line(),
            '\t' => self.tab(),
            '\x1b' => self.base(ESCAPE_MARK),
            c if c.is_control() => self.base(MARK),
            JOINER if self.joins_emoji(next) => {
                self.joins += 1;
                self.joined = true;
                self.out.push(c);
            }
            JOINER | NON_JOINER if self.base.is_some_and(is_joining_script) => self.mark(c),
            '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' if self.may_vary() => self.mark(c),
            c if is_invisible(c) => self.invisible(),
            c if c.width() == Some(0) => self.mark(c),
            c => self.base(c),
        }
    }

    fn gap(&mut self) {
        self.gap = !self.out.is_empty();
        self.base = None;
        self.flooded = false;
        self.joined = false;
    }

    fn base(&mut self, c: char) {
        if self.gap {
            self.out.push(' ');
            self.gap = false;
        }
        self.out.push(c);
        self.base = Some(c);
        self.marks = 0;
        self.flooded = false;
        if !self.joined {
            self.joins = 0;
        }
        self.joined = false;
    }

    fn mark(&mut self, c: char) {
        if self.base.is_none() {
            // Without a letter of its own it would sit on whatever was drawn to its left.
            self.base(BASE_FOR_MARKS);
        }
        match self.marks < MARKS_PER_BASE && !self.flooded {
            true => {
                self.marks += 1;
                self.out.push(c);
            }
            false => self.invisible(),
        }
    }

    fn invisible(&mut self) {
        if !self.flooded {
            self.base(MARK);
            self.flooded = true;
        }
    }

    fn end_line(&mut self) {
        self.out.push('\n');
        self.counted = self.out.len();
        self.columns = 0;
        self.base = None;
        self.flooded = false;
        self.joined = false;
    }

    fn tab(&mut self) {
        self.columns += self.out[self.counted..].width();
        let spaces = TAB_COLUMNS - self.columns % TAB_COLUMNS;
        self.base(' ');
        self.out.extend(std::iter::repeat_n(' ', spaces - 1));
        self.columns += spaces;
        self.counted = self.out.len();
    }

    fn joins_emoji(&self, next: Option<char>) -> bool {
        let between = self.base.is_some_and(is_pictograph) && next.is_some_and(is_pictograph);
        between && self.joins < JOINS_PER_EMOJI && !self.joined && !self.flooded
    }

    fn may_vary(&self) -> bool {
        let varies = |base| matches!(base, '#' | '*' | '0'..='9') || base > '\u{a0}';
        self.marks == 0 && !self.flooded && !self.joined && self.base.is_some_and(varies)
    }
}

/// True if collapsing would change the spaces of this printable ASCII.
fn has_loose_space(bytes: &[u8]) -> bool {
    bytes.starts_with(b" ") || bytes.ends_with(b" ") || memchr::memmem::find(bytes, b"  ").is_some()
}

/// True if the character draws nothing of its own and is not a mark on a letter: the bidi controls,
/// tags, fillers, and what else Unicode calls default-ignorable (UAX #44), and noncharacters.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1345f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    ) || (c as u32) & 0xfffe == 0xfffe
}

/// True if emoji are joined from the character by U+200D.
fn is_pictograph(c: char) -> bool {
    matches!(c, '©' | '®' | '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// True if U+200C and U+200D decide how the character's script is written (Arabic to Mongolian).
fn is_joining_script(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{1cff}' | '\u{a800}'..='\u{abff}')
}

/// Stands for ESC.
const ESCAPE_MARK: char = '␛';

/// Stands for every other character that is not drawn.
const MARK: char = '?';

/// Carries a mark that has no letter, as in Unicode's charts.
const BASE_FOR_MARKS: char = '◌';

const JOINER: char = '\u{200d}';
const NON_JOINER: char = '\u{200c}';

/// More than any language stacks on one letter, too few to reach other rows.
const MARKS_PER_BASE: usize = 8;

/// A family of four has three; the longest emoji of Unicode 16 has four.
const JOINS_PER_EMOJI: usize = 6;

/// Where plain text mail expects its tabs.
const TAB_COLUMNS: usize = 8;

/// What terminals take as a title without trouble.
const TITLE_CHARACTERS: usize = 256;

impl serde::Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

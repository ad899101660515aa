//! Plain text to blocks: what is prose is wrapped anew, what is drawn in columns stays as it is.
//!
//! Senders wrap prose at some column and leave tables, code and addresses alone, without saying
//! which is which (unless by format=flowed, RFC 3676). So a line is joined with the next only where
//! the next line's first word would not have fitted in it.

use super::{
    Block, Content,
    lines::{self, Line},
};
use crate::notice::{
    Run, Style,
    links::{self, Links},
    parts::Format,
    shown::Shown,
    text,
};

/// Returns the blocks of plain text; links in it are numbered.
pub fn blocks(raw: &str, format: Format, links: &mut Links) -> Vec<Block> {
    // Where programs put the place of a picture, there is nothing to see.
    let shown = Shown::text(&raw.trim_end().replace('\u{fffc}', ""));
    let found: Vec<Line> = match format {
        Format::Fixed => shown
            .lines()
            .map(|line| lines::unquoted(line.trim_end()))
            .collect(),
        Format::Flowed { del_sp } => lines::flowed(&shown, del_sp),
    };
    let (body, signature) = found.split_at(lines::signature_start(&found));
    let mut blocks = Vec::new();
    let mut is_patch = false;
    for group in body.chunk_by(|a, b| a.depth == b.depth && a.is_blank() == b.is_blank()) {
        let depth = group[0].depth;
        if group[0].is_blank() {
            blocks.push(Block {
                quote: depth,
                ..Block::gap()
            });
            continue;
        }
        let mut kinds = kinds_of(group);
        patched(group, &mut kinds, &mut is_patch);
        for (chunk, is_fixed) in chunks(group, &kinds) {
            let start = blocks.len();
            match is_fixed {
                true => blocks.push(fixed(chunk, Style::Code, links)),
                false => prose(chunk, format, links, &mut blocks),
            }
            blocks[start..]
                .iter_mut()
                .for_each(|block| block.quote = depth);
        }
    }
    if !signature.is_empty() {
        blocks.push(fixed(signature, Style::Muted, links));
    }
    blocks
}

/// Returns runs for a text in which links are numbered: `https://… [1]`.
pub fn linked(text: &str, style: Style, links: &mut Links) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut from = 0;
    for (start, end) in links::find(text) {
        let Some(link) = links.add("", &text[start..end]) else {
            continue;
        };
        push(&mut runs, &text[from..start], style, None);
        let words = links
            .behind_detour(link)
            .map_or(&text[start..end], |goal| goal.as_str());
        let words = shortened(words);
        push(&mut runs, &words, Style::Link, Some(link));
        push(
            &mut runs,
            &format!(" [{}]", link + 1),
            Style::Link,
            Some(link),
        );
        from = end;
    }
    push(&mut runs, &text[from..], style, None);
    runs
}

/// Returns an address in a text, cut after its host if it would fill the line: the list at the end
/// has it whole.
pub fn shortened(address: &str) -> String {
    if text::width(address) <= ADDRESS_COLUMNS {
        return address.to_owned();
    }
    let host_end = address.find("://").map_or(0, |scheme| scheme + 3);
    let host_end = address[host_end..]
        .find(['/', '?', '#'])
        .map_or(address.len(), |slash| host_end + slash);
    format!("{}/…", text::cut_to(&address[..host_end], ADDRESS_COLUMNS))
}

/// Says of each line of a group whether its columns matter. One line of prose between two that do
/// is taken for one of theirs.
fn kinds_of(group: &[Line]) -> Vec<bool> {
    let mut kinds: Vec<bool> = group.iter().map(|line| is_drawn(&line.text)).collect();
    for index in 1..kinds.len().saturating_sub(1) {
        kinds[index] |= kinds[index - 1] && is_drawn(&group[index + 1].text);
    }
    // A heading and its underline, or a table's head, are short; a drawn line's neighbours that are
    // as deeply indented belong to it.
    for index in 1..kinds.len() {
        let is_underline = !kinds[index - 1]
            && is_ruled(&group[index].text)
            && text::width(&group[index - 1].text) <= text::width(&group[index].text) + 2;
        kinds[index - 1] |= is_underline;
    }
    // A drawing of signs with words in it: no line of it is prose.
    let signs = group.iter().filter(|line| is_of_signs(&line.text)).count();
    let is_narrow = |line: &Line| text::width(&line.text) <= WRAPPED_LEAST;
    if signs >= 2 && signs * 2 >= group.len() && group.iter().all(is_narrow) {
        kinds.fill(true);
    }
    kinds
}

/// True if a line is rather signs than letters, and not just one of them: ` ( o.o )`, `/ \\`.
fn is_of_signs(line: &str) -> bool {
    let (mut signs, mut others) = (0, 0);
    for c in line.chars().filter(|c| !c.is_whitespace()) {
        match c.is_ascii_punctuation() {
            true => signs += 1,
            false => others += 1,
        }
    }
    signs > others || (signs == 1 && others == 0)
}

/// Takes the lines of a patch for drawn, its empty lines being no end of it; and the lines of a change that
/// stand one below the other.
fn patched(group: &[Line], kinds: &mut [bool], is_patch: &mut bool) {
    let is_of_patch =
        |line: &Line| line.text.starts_with(['+', '-', ' ', '\\']) || begins_patch(&line.text);
    for (place, (line, kind)) in group.iter().zip(kinds.iter_mut()).enumerate() {
        let names_new = || {
            group
                .get(place + 1)
                .is_some_and(|next| next.text.starts_with("+++ "))
        };
        let begins = line.text.starts_with("@@ -")
            || line.text.starts_with("diff --git ")
            || (line.text.starts_with("--- ") && names_new());
        *is_patch = begins || (*is_patch && is_of_patch(line));
        *kind |= *is_patch;
    }
    let is_change = |line: &Line, sign: char| {
        let rest = line.text.strip_prefix(sign);
        rest.is_some_and(|rest| rest.starts_with(|c: char| !c.is_whitespace() && c != sign))
    };
    let changes = |line: &Line| is_change(line, '+') || is_change(line, '-');
    let mut at = 0;
    for run in group.chunk_by(|a, b| is_of_patch(a) && is_of_patch(b)) {
        let is_both = run.iter().any(|line| is_change(line, '+'))
            && run.iter().any(|line| is_change(line, '-'));
        if is_both && run.iter().filter(|line| changes(line)).count() * 2 >= run.len() {
            kinds[at..at + run.len()].fill(true);
        }
        at += run.len();
    }
}

fn begins_patch(line: &str) -> bool {
    ["@@ -", "+++ ", "--- ", "diff --git ", "index "]
        .iter()
        .any(|mark| line.starts_with(mark))
}

fn chunks<'l>(group: &'l [Line], kinds: &[bool]) -> Vec<(&'l [Line], bool)> {
    let mut from = 0;
    let sizes = kinds
        .chunk_by(|a, b| a == b)
        .map(|chunk| (chunk.len(), chunk[0]));
    sizes
        .map(|(size, kind)| {
            from += size;
            (&group[from - size..from], kind)
        })
        .collect()
}

/// True if the columns of a line matter: it has gaps, bars or frames, is far indented, or is code.
fn is_drawn(line: &str) -> bool {
    let inner = item(line).map_or(line.trim(), |(_, rest)| rest);
    let indent = line.len() - line.trim_start_matches(' ').len();

    let has_gap = inner.contains("   ")
        || (inner.contains("  ") && !inner.contains(". ") && inner.split("  ").count() > 2);
    let has_gap = has_gap && text::width(line) <= WRAPPED_MOST;
    let has_bars = inner.matches('|').count() >= 2
        || inner.starts_with("+-")
        || inner.contains(|c| ('\u{2500}'..='\u{259f}').contains(&c));
    let is_code = inner.ends_with('{')
        || inner == "}"
        || inner.ends_with("};")
        || inner.starts_with("$ ")
        || begins_patch(line);
    let is_far = indent >= DRAWN_INDENT && item(line).is_none();
    has_gap || has_bars || is_code || is_far || is_ruled(inner)
}

/// True if a line is all dashes, equal signs and the like.
fn is_ruled(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3
        && line.chars().all(|c| "-=_*~#+. ".contains(c))
        && line.contains(|c| "-=_*~#+".contains(c))
}

fn fixed(lines: &[Line], style: Style, links: &mut Links) -> Block {
    let quoted = |line: &Line| {
        if style == Style::Muted {
            format!("{}{}", "> ".repeat(usize::from(line.depth)), line.text)
        } else {
            line.text.clone()
        }
    };
    Block::new(Content::Fixed(
        lines
            .iter()
            .map(|line| linked(&quoted(line), style, links))
            .collect(),
    ))
}

/// Adds prose: paragraphs and the items of lists, their lines joined where the sender's wrapping
/// broke them.
fn prose(lines: &[Line], format: Format, links: &mut Links, blocks: &mut Vec<Block>) {
    let widths: Vec<usize> = lines.iter().map(|line| text::width(&line.text)).collect();
    let widest = widths.iter().copied().max().unwrap_or_default();
    let is_wrapped = format == Format::Fixed
        && (WRAPPED_LEAST..=WRAPPED_MOST).contains(&widest)
        && !are_each_for_itself(lines);
    let mut paragraph: Option<Paragraph> = None;
    for (index, line) in lines.iter().enumerate() {
        let item = item(&line.text);

        let is_broken = index > 0 && is_wrapped && !begins_anew(&line.text) && {
            let first_word = line.text.split_whitespace().next().unwrap_or_default();
            let before = &lines[index - 1].text;
            widths[index - 1] + 1 + text::width(first_word) > widest - widest / 6
                && !before.ends_with(['。', '：', '！', '？'])
        };
        match (&mut paragraph, item) {
            (Some(open), None) if open.takes(line) => open.add(&line.text, is_broken),
            (_, item) => {
                blocks.extend(paragraph.take().map(|open| open.into_block(links)));
                paragraph = Some(Paragraph::new(line, item));
            }
        }
    }
    blocks.extend(paragraph.map(|open| open.into_block(links)));
}

/// True if each of several lines begins as a sentence does, or a name: an address, entries of a log, verse,
/// statements of SQL. Wrapping would leave a small letter at the beginning of one or the other; of three lines
/// it need not where nouns are written with capitals.
fn are_each_for_itself(lines: &[Line]) -> bool {
    let begins = |line: &Line| {
        let first = line.text.trim_start().chars().next();
        first.is_some_and(|c| c.is_uppercase() || c.is_numeric())
    };
    lines.len() > 3 && lines.iter().all(begins)
}

/// A paragraph, or an item of a list, as its lines come.
struct Paragraph {
    indent: usize,
    marker: Option<String>,
    text: String,
}

impl Paragraph {
    fn new(line: &Line, item: Option<(&str, &str)>) -> Paragraph {
        let (marker, text) = item.map_or((None, line.text.trim()), |(marker, rest)| {
            (Some(marker.to_owned()), rest)
        });
        Paragraph {
            indent: line.indent(),
            marker,
            text: text.to_owned(),
        }
    }

    /// True if a line may belong to it: an item's go on to the right of its marker.
    fn takes(&self, line: &Line) -> bool {
        match &self.marker {
            Some(_) => line.indent() > self.indent,
            None => line.indent().abs_diff(self.indent) <= 1,
        }
    }

    fn add(&mut self, line: &str, is_broken: bool) {
        let line = line.trim();
        let is_wide = |c: Option<char>| c.is_some_and(|c| c > '\u{2e80}');
        match is_broken {
            true if is_wide(self.text.chars().last()) && is_wide(line.chars().next()) => {}
            true => self.text.push(' '),
            false => self.text.push('\n'),
        }
        self.text.push_str(line);
    }

    fn into_block(self, links: &mut Links) -> Block {
        let runs = linked(&self.text, Style::Text, links);
        let marker = self.marker.map(|marker| Shown::line(&marker));
        let indent = u16::try_from(self.indent.min(DRAWN_INDENT * 2)).unwrap_or_default();
        Block {
            quote: 0,
            indent,
            content: Content::Prose { marker, runs },
        }
    }
}

/// True if a line does not go on with a sentence: it begins with a word and a colon, as headers and
/// forms do (`Sent: Monday`), with a time, as logs do, or with an address in angle brackets.
fn begins_anew(line: &str) -> bool {
    let line = line.trim_start();
    let is_time = |word: &str| {
        word.len() >= 8
            && word.bytes().filter(|&b| b == b':').count() >= 2
            && word.starts_with(|c: char| c.is_ascii_digit())
    };
    if line.starts_with('<') || line.split_whitespace().take(3).any(is_time) {
        return true;
    }
    let Some((label, rest)) = line.split_once(':') else {
        return false;
    };
    let is_word = |word: &str| word.chars().all(|c| c.is_alphanumeric() || c == '-');
    let is_short =
        !label.is_empty() && label.len() <= LABEL_OCTETS && label.split(' ').count() <= 2;
    is_short
        && label.trim().split(' ').all(is_word)
        && rest.starts_with(' ')
        && label.starts_with(char::is_uppercase)
}

/// Returns the marker of a list's item and its text: `- `, `* `, `• `, `3. `, `b) `.
fn item(line: &str) -> Option<(&str, &str)> {
    let (marker, rest) = line.trim_start().split_once(' ')?;
    let is_bullet = matches!(marker, "-" | "*" | "•" | "·" | "+" | "–" | "o");
    let stem = marker
        .trim_start_matches('(')
        .strip_suffix(['.', ')'])
        .unwrap_or_default();
    let is_number = !stem.is_empty() && stem.len() <= 3 && stem.bytes().all(|b| b.is_ascii_digit());
    let is_letter =
        stem.len() == 1 && stem.bytes().all(|b| b.is_ascii_lowercase()) && marker.ends_with(')');

    let is_note = marker
        .strip_prefix('[')
        .and_then(|note| note.trim_end_matches(':').strip_suffix(']'))
        .is_some_and(|note| {
            note.len() <= 2 && note.bytes().all(|b| b.is_ascii_digit()) && !note.is_empty()
        });
    let rest = rest.trim_start();
    let is_item = is_note || is_bullet || is_number || is_letter;
    (is_item && !rest.is_empty()).then_some((marker, rest))
}

fn push(runs: &mut Vec<Run>, text: &str, style: Style, link: Option<usize>) {
    if !text.is_empty() {
        runs.push(Run {
            text: Shown::text(text),
            style,
            link,
        });
    }
}

/// An address that is longer is cut in the text.
const ADDRESS_COLUMNS: usize = 60;

/// Prose is wrapped by its senders between these columns (RFC 5322, section 2.1.1, asks for 78);
/// narrower lines are verse and addresses, wider ones paragraphs of one line.
const WRAPPED_LEAST: usize = 50;
const WRAPPED_MOST: usize = 110;

/// Longer ones are the beginning of a sentence.
const LABEL_OCTETS: usize = 24;

/// Code is indented by four, lists by fewer.
const DRAWN_INDENT: usize = 4;

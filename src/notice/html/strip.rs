//! The words of HTML without its layout: for searching, and for the first line in the list.
//!
//! One pass over the tags, a tenth of the cost of [`super::page`]. What is hidden is left out here
//! too, as far as the tags alone tell.

use mail_parser::decoders::html::add_html_token;
use memchr::{memchr, memchr2};

use super::source::{self, RAW_TEXT, Tag, VOID};

/// Returns the words of HTML, at most so many octets of them; blocks stand on lines of their own.
pub fn words(html: &str, octets: usize) -> String {
    let mut out = String::with_capacity(html.len().min(octets) / 2);
    let mut hidden: Option<(String, usize)> = None;
    let mut at = 0;
    while at < html.len() && out.len() < octets {
        let open = memchr(b'<', &html.as_bytes()[at..]).map_or(html.len(), |open| at + open);
        if hidden.is_none() {
            add_text(&mut out, &html[at..open]);
        }
        let rest = &html[open..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            at = open + 4 + comment.find("-->").map_or(comment.len(), |end| end + 3);
            continue;
        }
        let Some(tag) = Tag::parse(rest) else {
            if hidden.is_none() && !rest.is_empty() {
                out.push('<');
            }
            at = open + 1;
            continue;
        };
        at = open + tag.len;
        if !tag.is_end && RAW_TEXT.contains(&tag.name.as_str()) {
            at += source::raw_content(&html[at..], &tag.name).len();
            continue;
        }
        match &mut hidden {
            Some((name, depth)) if *name == tag.name => {
                *depth = if tag.is_end { *depth - 1 } else { *depth + 1 };
                if *depth == 0 {
                    hidden = None;
                }
            }
            Some(_) => {}
            None if is_hidden(&tag, &rest[..tag.len]) => hidden = Some((tag.name, 1)),
            None if !INLINE.contains(&tag.name.as_str()) => end_line(&mut out),
            None => {}
        }
    }
    out.truncate(out.floor_char_boundary(octets));
    out
}

fn is_hidden(tag: &Tag, text: &str) -> bool {
    if tag.is_end || VOID.contains(&tag.name.as_str()) {
        return false;
    }
    // An attribute's value is found well enough without parsing the others.
    let style = text
        .find("style=")
        .map(|start| &text[start + "style=".len()..]);
    let value = style.and_then(|value| {
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        value[1..].split(quote).next()
    });
    value.is_some_and(source::is_hiding)
}

/// Adds text, its white space collapsed and its entities decoded.
fn add_text(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(stop) = memchr2(b'&', b'\n', rest.as_bytes()) {
        add_plain(out, &rest[..stop]);
        rest = &rest[stop..];
        let entity = rest
            .strip_prefix('&')
            .and_then(|name| name.find(';'))
            .filter(|&end| end <= ENTITY_OCTETS);
        match entity {
            Some(end)
                if rest[1..=end]
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'#') =>
            {
                add_html_token(out, &rest.as_bytes()[..end + 2], false);
                rest = &rest[end + 2..];
            }
            _ => {
                add_plain(out, &rest[..1]);
                rest = &rest[1..];
            }
        }
    }
    add_plain(out, rest);
}

fn add_plain(out: &mut String, text: &str) {
    if text.starts_with(|c: char| c.is_ascii_whitespace()) {
        space(out);
    }
    let mut words = text.split_ascii_whitespace();
    if let Some(first) = words.next() {
        out.push_str(first);
    }
    for word in words {
        out.push(' ');
        out.push_str(word);
    }
    if text.ends_with(|c: char| c.is_ascii_whitespace()) {
        space(out);
    }
}

fn space(out: &mut String) {
    if !out.is_empty() && !out.ends_with([' ', '\n']) {
        out.push(' ');
    }
}

fn end_line(out: &mut String) {
    if out.ends_with(' ') {
        out.pop();
    }
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

/// Tags that do not part words.
const INLINE: [&str; 24] = [
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "em", "font", "i", "kbd", "mark", "o",
    "q", "s", "samp", "small", "span", "strong", "sub", "sup", "u", "wbr",
];

/// The longest name of an entity has 31 letters.
const ENTITY_OCTETS: usize = 33;

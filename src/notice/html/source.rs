//! HTML before it is parsed: bounded in size, nesting and cost, and asked what its styles hide.
//!
//! An HTML parser builds what it reads, however deep, and repeats unclosed formatting in every
//! block that follows. One pass over the tags keeps both within bounds.

use std::collections::HashSet;

use memchr::memchr;

use crate::notice::shown::Shown;

/// HTML within bounds.
#[derive(Debug, Default)]
pub struct Source {
    /// The HTML, without what was left out and without scripts and styles.
    pub html: String,
    /// The selectors, `.class` and `#id`, that its style sheets hide.
    pub hidden: HashSet<String>,
    /// True if it speaks of grounds, so that it need not be white.
    pub has_grounds: bool,
    /// True if it has a style sheet.
    pub has_sheet: bool,
    /// What was left out, in words.
    pub cut: Option<Shown>,
}

/// Returns the HTML within bounds.
pub fn bounded(html: &str) -> Source {
    let kept = &html[..html.floor_char_boundary(OCTETS)];
    let mut pass = Pass {
        source: Source {
            html: String::with_capacity(kept.len()),
            ..Source::default()
        },
        ..Pass::default()
    };
    pass.run(kept);
    let lower = kept.to_ascii_lowercase();
    pass.source.has_grounds = lower.contains("background") || lower.contains("bgcolor");
    pass.source.has_sheet = lower.contains("<style");
    if kept.len() < html.len() {
        pass.source.cut = Some(Shown::from_static(
            "Cut here: only 2 MB of HTML are shown; save the mail to see all.",
        ));
    }
    pass.source
}

/// True if an element's own style hides it with all that it holds.
pub fn is_hiding(style: &str) -> bool {
    let style: String = style
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase();
    style.split(';').any(|rule| {
        let rule = rule.trim_end_matches("!important");
        matches!(
            rule,
            "display:none"
                | "visibility:hidden"
                | "opacity:0"
                | "opacity:0.0"
                | "max-height:0"
                | "max-height:0px"
        )
    })
}

/// True if an element's own style strikes its text out.
pub fn is_striking(style: &str) -> bool {
    let style = style.to_ascii_lowercase();
    style.contains("text-decoration") && style.contains("line-through")
}

/// Returns the size of letters that a style asks for, in pixels or so; none if it does not say.
pub fn font_size(style: &str) -> Option<f32> {
    let lower = style.to_ascii_lowercase();
    let start = lower.find("font-size")? + "font-size".len();
    let value = lower[start..].trim_start().strip_prefix(':')?.trim_start();
    let digits = value
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(value.len());
    let number: f32 = value[..digits].parse().ok()?;
    let is_relative = ["em", "rem", "%", "vw"]
        .iter()
        .any(|unit| value[digits..].starts_with(unit));
    Some(if is_relative && number > 0.0 {
        TINY_PIXELS + 1.0
    } else {
        number
    })
}

#[derive(Default)]
struct Pass {
    source: Source,
    depth: usize,
    /// How many tags too deep are open: their end tags go too.
    too_deep: usize,
    formatting: usize,
    cost: usize,
}

impl Pass {
    fn run(&mut self, html: &str) {
        let mut at = 0;
        while let Some(open) = memchr(b'<', &html.as_bytes()[at..]) {
            self.source.html.push_str(&html[at..at + open]);
            at += open;
            let rest = &html[at..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                at += 4 + comment.find("-->").map_or(comment.len(), |end| end + 3);
                continue;
            }
            let Some(tag) = Tag::parse(rest) else {
                self.source.html.push_str("&lt;");
                at += 1;
                continue;
            };
            at += tag.len;
            if !tag.is_end && RAW_TEXT.contains(&tag.name.as_str()) {
                let content = raw_content(&html[at..], &tag.name);
                if tag.name == "style" {
                    hidden_selectors(content, &mut self.source.hidden);
                }
                at += content.len();
                continue;
            }
            if !self.keeps(&tag) {
                continue;
            }
            if self.cost > ELEMENTS {
                self.source.cut = Some(Shown::from_static(
                    "Cut here: the HTML is too complicated; save the mail to see all.",
                ));
                return;
            }
            self.source.html.push_str(&rest[..tag.kept]);
            if tag.kept < tag.len {
                self.source.html.push('>');
            }
        }
        self.source.html.push_str(&html[at..]);
    }

    /// Counts a tag, and returns true if it is within bounds.
    fn keeps(&mut self, tag: &Tag) -> bool {
        let name = tag.name.as_str();
        let is_formatting = FORMATTING.contains(&name);
        if RAW_TEXT.contains(&name) {
            return false;
        }
        if VOID.contains(&name) || SELF_CLOSING.contains(&name) {
            // Each of these gets all open formatting anew.
            self.cost += usize::from(!tag.is_end) * (1 + self.formatting);
            return true;
        }
        if tag.is_end {
            if self.too_deep > 0 {
                self.too_deep -= 1;
                return false;
            }
            self.depth = self.depth.saturating_sub(1);
            self.formatting = self.formatting.saturating_sub(usize::from(is_formatting));
            return true;
        }
        self.cost += 1 + self.formatting;
        if self.depth >= NESTING {
            self.too_deep += 1;
            return false;
        }
        self.depth += 1;
        self.formatting += usize::from(is_formatting);
        true
    }
}

/// A tag as it stands in the source.
pub struct Tag {
    /// Its name in small letters.
    pub name: String,
    /// True for `</p>`.
    pub is_end: bool,
    /// How many octets it takes, with its brackets.
    pub len: usize,
    /// How many of these are kept: a parser compares each attribute with all others of its tag.
    kept: usize,
}

impl Tag {
    /// Reads a tag at `<`; none if it is a lone less-than sign.
    pub fn parse(rest: &str) -> Option<Tag> {
        let bytes = rest.as_bytes();
        let is_end = bytes.get(1) == Some(&b'/');
        let start = 1 + usize::from(is_end);
        let first = *bytes.get(start)?;
        if !first.is_ascii_alphabetic() && !matches!(first, b'!' | b'?') {
            return None;
        }
        let name_len = bytes[start..]
            .iter()
            .position(|b| !b.is_ascii_alphanumeric())
            .unwrap_or(bytes.len() - start);
        let name = rest[start..start + name_len.min(NAME_OCTETS)].to_ascii_lowercase();
        let mut quote = None;
        let mut value = false;
        let (mut words, mut is_between, mut kept) = (0, true, None);
        for (index, &b) in bytes.iter().enumerate().skip(start + name_len) {
            let is_space = quote.is_none() && (b.is_ascii_whitespace() || b == b'/');
            if is_between && !is_space && b != b'>' {
                words += 1;
                if words > WORDS && kept.is_none() {
                    kept = Some(index);
                }
            }
            // A quote that ends parts attributes as well.
            is_between = is_space || quote == Some(b);
            match (quote, b) {
                (Some(open), b) if open == b => quote = None,
                (None, b'"' | b'\'') if value => quote = Some(b),
                (None, b'>') => {
                    return Some(Tag {
                        name,
                        is_end,
                        len: index + 1,
                        kept: kept.unwrap_or(index + 1),
                    });
                }
                _ => {}
            }
            value = quote.is_none() && (b == b'=' || (value && b.is_ascii_whitespace()));
        }
        // A tag that never ends takes the rest with it, as in browsers.
        Some(Tag {
            name,
            is_end,
            len: rest.len(),
            kept: kept.unwrap_or(rest.len()),
        })
    }
}

/// Returns what an element holds whose content is not HTML, up to its end tag.
pub fn raw_content<'h>(html: &'h str, name: &str) -> &'h str {
    let mut at = 0;
    while let Some(open) = html[at..].find("</") {
        at += open;
        if html.as_bytes()[at + 2..]
            .get(..name.len())
            .is_some_and(|end| end.eq_ignore_ascii_case(name.as_bytes()))
        {
            return &html[..at];
        }
        at += 2;
    }
    html
}

/// Collects the simple selectors whose rules say `display: none` for every screen.
fn hidden_selectors(css: &str, hidden: &mut HashSet<String>) {
    let mut rest = css;
    while let Some(open) = rest.find('{') {
        let selectors = rest[..open]
            .rsplit(['}', ';', '>'])
            .next()
            .unwrap_or_default();
        let selectors = selectors.rsplit("*/").next().unwrap_or_default().trim();
        let body = &rest[open + 1..];
        let end = if selectors.starts_with('@') {
            nested_end(body)
        } else {
            body.find('}').unwrap_or(body.len())
        };
        if !selectors.starts_with('@') && is_hiding(&body[..end]) {
            let simple = selectors.split(',').filter_map(simple_selector);
            hidden.extend(simple.take(SELECTORS));
        }
        rest = body.get(end + 1..).unwrap_or_default();
    }
}

/// Returns `.class` or `#id` of a selector that has nothing else but a tag's name before it.
fn simple_selector(selector: &str) -> Option<String> {
    let selector = selector.trim();
    let start = selector.find(['.', '#'])?;
    let name = &selector[start + 1..];
    let is_plain = |text: &str| {
        text.chars()
            .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    (is_plain(&selector[..start]) && is_plain(name) && !name.is_empty())
        .then(|| selector[start..].to_owned())
}

/// Returns where the block of an at-rule ends, its inner blocks passed over.
fn nested_end(body: &str) -> usize {
    let mut depth = 1;
    for (index, b) in body.bytes().enumerate() {
        match b {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    body.len()
}

/// Letters of this size are not meant to be read.
pub const TINY_PIXELS: f32 = 2.0;

/// SECURITY.md P2.1.
const OCTETS: usize = 2 * 1024 * 1024;

/// SECURITY.md P2.1; the deepest real newsletters have sixty.
const NESTING: usize = 256;

/// Real newsletters have some thousand.
const ELEMENTS: usize = 200_000;

/// Words within a tag, each of which may be an attribute; real tags have some ten.
const WORDS: usize = 200;

/// Style sheets of a mail name some hundred.
const SELECTORS: usize = 1000;

/// No element's name is longer.
const NAME_OCTETS: usize = 16;

/// What these hold is not HTML, and not for readers.
pub const RAW_TEXT: [&str; 5] = ["script", "style", "title", "iframe", "noframes"];

/// These never hold anything.
pub const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr", "param",
];

/// The next of these ends the one before it, so that they do not nest.
const SELF_CLOSING: [&str; 15] = [
    "p", "li", "td", "th", "tr", "dd", "dt", "option", "optgroup", "tbody", "thead", "tfoot",
    "html", "head", "body",
];

/// These go on in the next block if they are not closed (HTML, section 13.2.4.3).
const FORMATTING: [&str; 14] = [
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];

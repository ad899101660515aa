//! Which of a mail's alternatives is shown (RFC 2046, section 5.1.4).

use mail_parser::{Message, MessagePart, PartType};

use super::{DEPTH, is_type};
use crate::notice::html::strip;

/// Returns the alternative to show: plain text, unless it only says that there is HTML.
pub fn best(mail: &Message, children: &[usize]) -> Option<usize> {
    let text_of = |wanted: fn(&PartType) -> bool| {
        let is_wanted =
            |&&child: &&usize| first_text(mail, child).is_some_and(|part| wanted(&part.body));
        children.iter().rev().find(is_wanted).copied()
    };
    let html = text_of(|body| matches!(body, PartType::Html(_)));
    let plain = text_of(|body| matches!(body, PartType::Text(_)));
    let (Some(html), Some(plain)) = (html, plain) else {
        return plain.or(html).or(children.last().copied());
    };
    let text_in = |child| {
        first_text(mail, child)
            .and_then(|part| part.text_contents())
            .unwrap_or_default()
    };
    Some(if is_stub(text_in(plain), text_in(html)) {
        html
    } else {
        plain
    })
}

/// Returns the part that a reader would see of an alternative; none if it is not text.
fn first_text<'x>(mail: &'x Message<'x>, id: usize) -> Option<&'x MessagePart<'x>> {
    let mut id = id;
    for _ in 0..DEPTH {
        let part = mail.parts.get(id)?;
        match &part.body {
            PartType::Multipart(children) => id = *children.first()? as usize,
            PartType::Text(_) | PartType::Html(_) => {
                return (!is_type(part, "text", "calendar")).then_some(part);
            }
            PartType::Binary(_) | PartType::InlineBinary(_) | PartType::Message(_) => {
                return None;
            }
        }
    }
    None
}

/// True if plain text is a stand-in for the HTML beside it: empty, or a hint of a few words.
fn is_stub(plain: &str, html: &str) -> bool {
    let plain = plain.trim();
    if plain.len() > STUB_OCTETS {
        return false;
    }
    let lower = plain.to_ascii_lowercase();
    if lower.contains("html") && HINTS.iter().any(|hint| lower.contains(hint)) {
        return true;
    }

    // Short mails are short in both forms.
    strip::words(html, STUB_OCTETS * 8).trim().len() > plain.len() * STUB_RATIO + STUB_SLACK
}

/// Hints like "Please view this mail as HTML" are shorter.
const STUB_OCTETS: usize = 400;
const STUB_RATIO: usize = 4;
const STUB_SLACK: usize = 80;

/// What such hints speak of.
const HINTS: [&str; 6] = ["view", "message", "mail", "browser", "client", "support"];

//! Which of a mail's alternatives is shown (RFC 2046, section 5.1.4).

use mail_parser::{Message, MessagePart, MimeHeaders, PartType};

use super::DEPTH;
use crate::notice::{html::strip, transfer::is_type};

/// Returns the alternative to show: plain text, unless it only says that there is HTML; and the other one of
/// the two, if there are two.
pub fn best(mail: &Message, children: &[usize]) -> (Option<usize>, Option<usize>) {
    let text_of = |wanted: fn(&MessagePart) -> bool| {
        let found = |child: &&usize| first_text(mail, **child).filter(|part| wanted(part));
        let is_wanted = |child: &&usize| found(child).is_some();
        let has_text = |child: &&usize| found(child).is_some_and(|part| !is_blank(part));
        let mut last = children.iter().rev();
        let best = last.clone().find(has_text).or_else(|| last.find(is_wanted));
        best.copied()
    };
    let html = text_of(|part| matches!(part.body, PartType::Html(_)));
    let plain = text_of(|part| matches!(part.body, PartType::Text(_)) && is_for_people(part));
    let (Some(html), Some(plain)) = (html, plain) else {
        return (plain.or(html).or(children.last().copied()), None);
    };
    let text_in = |child| {
        first_text(mail, child)
            .and_then(|part| part.text_contents())
            .unwrap_or_default()
    };
    match is_stub(text_in(plain), text_in(html)) {
        true => (Some(html), Some(plain)),
        false => (Some(plain), Some(html)),
    }
}

fn is_blank(part: &MessagePart) -> bool {
    part.text_contents().unwrap_or_default().trim().is_empty()
}

/// True if the text is for people, and not for a watch or for a program.
fn is_for_people(part: &MessagePart) -> bool {
    let subtype = part.content_type().and_then(|kind| kind.subtype());
    subtype.is_none_or(|subtype| {
        ["plain", "enriched", "richtext", "markdown"]
            .iter()
            .any(|own| subtype.eq_ignore_ascii_case(own))
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
    if plain.is_empty() {
        return !html.trim().is_empty();
    }
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

#[cfg(test)]
mod tests {
    use crate::notice::Notice;

    #[test]
    fn an_empty_text_stands_in_for_html_however_short() {
        let mail = "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n \n\
                    --b\nContent-Type: text/html\n\n<p>Call Priya now!</p>\n--b--\n";

        assert_eq!(
            Notice::parse(mail.as_bytes()).text().trim(),
            "Call Priya now!"
        );
    }
}

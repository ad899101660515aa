//! vCards (RFC 6350): who somebody is, and how they are reached.

use calcard::{
    Entry, Parser,
    vcard::{VCard, VCardEntry, VCardParameterName, VCardProperty as Property, VCardValue},
};

use super::labelled;
use crate::notice::{Style, body::Block, shown::Shown};

/// A table for each card; nothing if it is none.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut parser = Parser::new(text);
    let mut blocks = Vec::new();
    for _ in 0..MOST_ENTRIES {
        match parser.entry() {
            Entry::VCard(card) if blocks.len() < MOST_CARDS * 2 => {
                blocks.extend([labelled(rows(&card).into_iter()), Block::gap()]);
            }
            Entry::VCard(_) => {
                let more = Shown::from_static("And more cards.");
                blocks.push(Block::prose(more, Style::Muted));
                break;
            }
            Entry::Eof => break,
            _ => {}
        }
    }
    blocks
}

fn rows(card: &VCard) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for (property, label) in LABELS {
        for entry in card.properties(property).take(MOST_VALUES) {
            let value = value(entry);
            if !value.trim().is_empty() {
                rows.push((labelled_by(entry, label), value));
            }
        }
    }
    let has_name = card
        .property(&Property::Fn)
        .is_some_and(|entry| !value(entry).trim().is_empty());
    if !has_name && let Some(name) = card.property(&Property::N) {
        rows.insert(0, ("Name".to_owned(), value(name)));
    }
    rows
}

/// `Phone, work`
fn labelled_by(entry: &VCardEntry, label: &str) -> String {
    let kind = entry.parameters(&VCardParameterName::Type);
    let kinds = kind.filter_map(|kind| kind.as_text());
    let kinds = kinds.map(str::to_ascii_lowercase);
    let kind = kinds
        .into_iter()
        .find(|kind| ["work", "home", "cell", "fax", "text", "pager"].contains(&kind.as_str()));
    match kind.as_deref() {
        Some("cell") => format!("{label}, mobile"),
        Some(kind) => format!("{label}, {kind}"),
        None => label.to_owned(),
    }
}

fn value(entry: &VCardEntry) -> String {
    let parts = entry.values.iter().flat_map(|value| match value {
        VCardValue::Component(parts) => parts.clone(),
        VCardValue::PartialDateTime(date) => {
            let (year, month, day) = (date.year, date.month, date.day);
            let number = |value: Option<u16>, width| value.map(|value| format!("{value:0width$}"));
            let parts = [
                number(year, 4),
                number(month.map(u16::from), 2),
                number(day.map(u16::from), 2),
            ];
            vec![parts.into_iter().flatten().collect::<Vec<_>>().join("-")]
        }
        // A picture or a key says nothing in words.
        VCardValue::Binary(_) => Vec::new(),
        other => other.as_text().map(str::to_owned).into_iter().collect(),
    });
    let parts: Vec<String> = parts
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|part| !part.is_empty())
        .collect();
    let text = parts.join(", ");
    let scheme = ["mailto:", "tel:"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    scheme.unwrap_or(&text).to_owned()
}

const LABELS: &[(Property, &str)] = &[
    (Property::Fn, "Name"),
    (Property::Nickname, "Called"),
    (Property::Org, "Organisation"),
    (Property::Title, "Title"),
    (Property::Role, "Role"),
    (Property::Tel, "Phone"),
    (Property::Email, "Mail"),
    (Property::Impp, "Chat"),
    (Property::Adr, "Address"),
    (Property::Url, "Web"),
    (Property::Bday, "Birthday"),
    (Property::Note, "Note"),
];

/// An address book is a file for its own program.
const MOST_CARDS: usize = 50;
const MOST_VALUES: usize = 20;
const MOST_ENTRIES: usize = 10_000;

//! The nodes of html2text's tree: names, attributes and texts.

use html2text::{Element, Handle};

/// Returns an element's name; empty for what is none.
pub fn element_name(node: &Handle) -> String {
    match &node.data {
        Element { name, .. } => name.local.to_string(),
        _ => String::new(),
    }
}

/// Returns the value of an element's attribute.
pub fn attribute(node: &Handle, wanted: &str) -> Option<String> {
    let Element { attrs, .. } = &node.data else {
        return None;
    };
    let attrs = attrs.borrow();
    attrs
        .iter()
        .find(|attribute| &*attribute.name.local == wanted)
        .map(|attribute| attribute.value.to_string())
}

/// Returns the text of a text node. html2text does not name that kind of node, but it writes it out,
/// with the four escapes of HTML's serialisation (section 13.3); what else it may be writes a `<`.
pub fn text_of(node: &Handle) -> String {
    let mut written = Vec::new();
    if node.serialize(&mut written).is_err() || written.first() == Some(&b'<') {
        return String::new();
    }
    let text = String::from_utf8_lossy(&written).into_owned();
    match text.contains('&') {
        true => text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&nbsp;", "\u{a0}")
            .replace("&amp;", "&"),
        false => text,
    }
}

/// Returns what a link is called: its text, and the words of its images.
pub fn label_of(node: &Handle, depth: usize) -> String {
    match &node.data {
        Element { .. } if element_name(node) == "img" => attribute(node, "alt").unwrap_or_default(),
        Element { .. } if depth > WALK_DEPTH => String::new(),
        Element { .. } => node
            .children
            .borrow()
            .iter()
            .map(|child| label_of(child, depth + 1))
            .collect::<Vec<_>>()
            .join(""),
        _ => text_of(node),
    }
}

/// Returns the beginning of the text in an element without its white space, so many octets or a little more. It
/// looks at a bounded number of nodes: elements may lie in one another, each asking for what is in it.
pub fn beginning(node: &Handle, octets: usize) -> String {
    let mut found = String::new();
    let mut left: Vec<Handle> = vec![node.clone()];
    for _ in 0..LOOKED_AT {
        let Some(next) = left.pop().filter(|_| found.len() < octets) else {
            break;
        };
        match &next.data {
            Element { .. } => left.extend(next.children.borrow().iter().rev().cloned()),
            _ => found.extend(text_of(&next).split_whitespace()),
        }
    }
    found
}

/// Nobody strikes out more that says nothing.
const LOOKED_AT: usize = 100;

/// True if there is a picture in an element, other than the dots that count readers.
pub fn holds_image(node: &Handle, depth: usize) -> bool {
    let is_dot =
        |name| attribute(node, name).is_some_and(|pixels| matches!(pixels.trim(), "0" | "1"));
    match element_name(node).as_str() {
        "img" => !is_dot("width") && !is_dot("height"),
        _ if depth > WALK_DEPTH => false,
        _ => node
            .children
            .borrow()
            .iter()
            .any(|child| holds_image(child, depth + 1)),
    }
}

/// The tree is at most this deep: the bound on nesting, and what parsers add between.
pub const WALK_DEPTH: usize = 1000;

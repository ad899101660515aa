//! The fields of a form (HTML, section 4.10), as they would stand on paper: nobody fills them in here.

use html2text::Handle;

use super::node::{attribute, element_name, label_of};
use crate::notice::shown::Shown;

/// What stands in the place of a field; none if it is hidden, or no field.
pub fn words(node: &Handle, name: &str) -> Option<String> {
    match name {
        "input" => input(node),
        "select" => Some(choice(node)),
        "textarea" => Some(boxed(&filled_in(node, Some(label_of(node, 0))))),
        _ => None,
    }
}

fn input(node: &Handle) -> Option<String> {
    let kind = attribute(node, "type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_checked = attribute(node, "checked").is_some();
    let value = || attribute(node, "value");
    Some(match kind.as_str() {
        "hidden" => return None,
        "checkbox" => if is_checked { "[x]" } else { "[ ]" }.to_owned(),
        "radio" => if is_checked { "(x)" } else { "( )" }.to_owned(),
        "submit" => boxed(&value().unwrap_or_else(|| "Submit".to_owned())),
        "reset" => boxed(&value().unwrap_or_else(|| "Reset".to_owned())),
        "button" => boxed(&value().unwrap_or_default()),
        "image" => boxed(&attribute(node, "alt").unwrap_or_else(|| "Submit".to_owned())),
        // What was written there is for nobody's eyes, and a file of one's own is nowhere yet.
        "password" | "file" => boxed(&filled_in(node, None)),
        _ => boxed(&filled_in(node, value())),
    })
}

/// What is written in a field, else what it asks for.
fn filled_in(node: &Handle, value: Option<String>) -> String {
    let is_there = |text: &String| !text.trim().is_empty();
    let words = value.filter(is_there);
    let words = words.or_else(|| attribute(node, "placeholder").filter(is_there));
    words.unwrap_or_else(|| "____".to_owned())
}

/// `[Monday / *Tuesday* / Wednesday]`: the chosen one is the first where none is said to be.
fn choice(node: &Handle) -> String {
    let mut options = Vec::new();
    gather(node, &mut options, 0);
    let is_several = attribute(node, "multiple").is_some();
    if !is_several
        && !options.iter().any(|(_, is_chosen)| *is_chosen)
        && let Some((_, is_chosen)) = options.first_mut()
    {
        *is_chosen = true;
    }
    let is_cut = options.len() > OPTIONS;
    if is_cut {
        // What is chosen is never left out.
        options.sort_by_key(|(_, is_chosen)| !is_chosen);
        options.truncate(OPTIONS);
    }
    let mut words: Vec<String> = options
        .into_iter()
        .map(|(words, is_chosen)| {
            if is_chosen {
                format!("*{words}*")
            } else {
                words
            }
        })
        .collect();
    if is_cut {
        words.push("…".to_owned());
    }
    format!("[{}]", words.join(" / "))
}

fn gather(node: &Handle, options: &mut Vec<(String, bool)>, depth: usize) {
    for child in node.children.borrow().iter() {
        if options.len() >= MOST_OPTIONS || depth > GROUPS {
            return;
        }
        match element_name(child).as_str() {
            "option" => {
                let words = cut(&label_of(child, 0));
                let words = match words.is_empty() {
                    true => cut(&attribute(child, "label").unwrap_or_default()),
                    false => words,
                };
                if !words.is_empty() {
                    options.push((words, attribute(child, "selected").is_some()));
                }
            }
            _ => gather(child, options, depth + 1),
        }
    }
}

fn boxed(words: &str) -> String {
    match cut(words) {
        words if words.is_empty() => String::new(),
        words => format!("[{words}]"),
    }
}

fn cut(words: &str) -> String {
    let words: Vec<&str> = words.split_whitespace().collect();
    Shown::line(&words.join(" "))
        .cut_to(FIELD_COLUMNS)
        .to_string()
}

/// Of more one sees what it is about.
const OPTIONS: usize = 12;

/// A list of all languages has fewer.
const MOST_OPTIONS: usize = 1000;

/// `optgroup`s stand in no other.
const GROUPS: usize = 3;

/// More than a field shows.
const FIELD_COLUMNS: usize = 120;

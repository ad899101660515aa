//! Delivery reports (RFC 3464): who did not get what, and why, in a sentence each.

use super::{Style, body::Block, shown::Shown};

/// Returns the blocks that say what became of a mail.
pub fn blocks(status: &str) -> Vec<Block> {
    let unfolded = status
        .replace("\r\n", "\n")
        .replace("\n ", " ")
        .replace("\n\t", " ");
    let sentences: Vec<Shown> = unfolded
        .split("\n\n")
        .filter_map(sentence)
        .take(RECIPIENTS)
        .collect();
    let mut blocks: Vec<Block> = sentences
        .into_iter()
        .map(|sentence| Block::prose(sentence, Style::Strong))
        .collect();
    if !blocks.is_empty() {
        blocks.insert(0, Block::gap());
        blocks.push(Block::gap());
    }
    blocks
}

/// Returns what a group of fields says about one recipient; none for the fields about the report.
fn sentence(group: &str) -> Option<Shown> {
    let field = |wanted: &str| {
        let mut fields = group.lines().filter_map(|line| line.split_once(':'));
        fields
            .find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
    };
    let who = typed(field("Original-Recipient").or(field("Final-Recipient"))?);
    let done = match field("Action")
        .unwrap_or_default()
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "failed" => "Not delivered to",
        "delayed" => "Not yet delivered to",
        "delivered" => "Delivered to",
        "relayed" => "Passed on towards",
        "expanded" => "Delivered to the list",
        _ => "Report about",
    };
    let why = field("Diagnostic-Code")
        .map(typed)
        .or(field("Status"))
        .unwrap_or_default();
    let why = if why.is_empty() {
        String::new()
    } else {
        format!(": {why}")
    };
    Some(Shown::line(&format!("{done} {who}{why}")).cut_to(SENTENCE_COLUMNS))
}

/// Returns a value without its type: `rfc822; a@b.example`, `smtp; 550 No such user`.
fn typed(value: &str) -> &str {
    value.split_once(';').map_or(value, |(_, rest)| rest.trim())
}

/// What a person reads of a report about a list.
const RECIPIENTS: usize = 50;

/// Some servers answer with a page.
const SENTENCE_COLUMNS: usize = 400;

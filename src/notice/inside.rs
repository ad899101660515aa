//! Attached files as far as they can be read here: mails in mails, tables, cards, calendars, and text with
//! some colour. All else is the system's to open.

use jiff::tz::TimeZone;

use super::{
    Notice, Run, Style, TextForm,
    body::{Block, Content, plain},
    calendar, charset,
    files::{self, File},
    guard, html,
    links::Links,
    packed,
    shown::Shown,
    when,
};

mod card;
mod coloured;
mod json;
mod table;

/// What a file is, as far as it can be shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Mail,
    Calendar,
    Card,
    /// Values with this between them.
    Table(u8),
    Json,
    Patch,
    Log,
    Html,
    Rtf,
    /// Prose, as Markdown is.
    Prose,
    /// Lines whose columns matter.
    Lines,
}

/// True if a file can be shown here.
pub fn is_shown(file: &File) -> bool {
    kind(&file.name, &file.content_type).is_some()
}

/// True if a file is a picture of a kind that can be shown.
pub fn is_picture(file: &File) -> bool {
    if file
        .content_type
        .to_ascii_lowercase()
        .starts_with("message/")
    {
        return false;
    }
    let ending = file.name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let of_name = ["png", "jpg", "jpeg", "gif", "webp"];
    let of_type = [
        "image/png",
        "image/jpeg",
        "image/jpg",
        "image/gif",
        "image/webp",
    ];
    of_type
        .iter()
        .any(|known| file.content_type.eq_ignore_ascii_case(known))
        || of_name
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
}

impl Notice {
    /// What is in a file; none if it is of a kind that is not shown here.
    pub fn of_file(file: &File, bytes: &[u8], zone: Option<&TimeZone>) -> Option<Notice> {
        let kind = kind(&file.name, &file.content_type)?;
        if kind == Kind::Mail {
            return Some(mail(bytes, zone));
        }
        let read = guard::without_panic(|| {
            let mut links = Links::default();
            let (text, mut cuts) = text_of(bytes);
            let blocks = match kind {
                Kind::Mail => Vec::new(),
                Kind::Calendar => calendar::told(&text, zone, true, &mut links).blocks,
                Kind::Card => card::blocks(&text),
                Kind::Table(between) => table::blocks(&text, between, &mut cuts),
                Kind::Json => json::blocks(&text),
                Kind::Patch => coloured::patch(&text),
                Kind::Log => coloured::log(&text),
                Kind::Html => {
                    let page = html::page(&text, &mut links);
                    cuts.extend(page.cut);
                    page.blocks
                }
                Kind::Rtf => plain::blocks(
                    &packed::rtf_text(&bytes[..bytes.len().min(OCTETS)]),
                    Default::default(),
                    &mut links,
                ),
                Kind::Prose => plain::blocks(&text, Default::default(), &mut links),
                Kind::Lines => vec![lines(&text, |_| Style::Code)],
            };
            // What is not what its name says is text all the same.
            let blocks = match blocks.is_empty() && !text.trim().is_empty() {
                true => vec![lines(&text, |_| Style::Code)],
                false => blocks,
            };
            Notice {
                subject: file.name.clone(),
                blocks,
                links: links.into_vec(),
                cuts,
                ..Notice::default()
            }
        });
        Some(read.unwrap_or_else(|| Notice {
            subject: file.name.clone(),
            cuts: vec![Shown::from_static(
                "This file could not be taken apart: `w` saves it.",
            )],
            ..Notice::default()
        }))
    }
}

/// A mail in a mail, with what stands above a text of its own.
fn mail(bytes: &[u8], zone: Option<&TimeZone>) -> Notice {
    let mut notice = Notice::parse_in(bytes, TextForm::Best, zone);
    let people = |people: &[super::Address]| {
        let names: Vec<String> = people.iter().map(|one| one.full().to_string()).collect();
        names.join(", ")
    };
    let utc = TimeZone::UTC;
    let sent = notice
        .date
        .map(|at| when::exact(at, notice.offset, at, zone.unwrap_or(&utc)));
    let rows = [
        ("Subject", notice.subject.to_string()),
        ("From", people(&notice.from)),
        ("To", people(&notice.to)),
        (
            "Sent",
            sent.map_or_else(String::new, |sent| sent.to_string()),
        ),
    ];
    let rows = rows.iter().filter(|(_, value)| !value.is_empty());
    let head = labelled(rows.map(|(label, value)| ((*label).to_owned(), value.clone())));
    notice
        .blocks
        .splice(0..0, [head, Block::new(Content::Rule)]);
    notice.has_other_form = false;
    notice
}

/// Rows with a label each.
fn labelled(rows: impl Iterator<Item = (String, String)>) -> Block {
    let run = |text: &str, style| {
        vec![Run {
            text: Shown::line(text),
            style,
            link: None,
        }]
    };
    Block::new(Content::Table(super::body::Table {
        headed: false,
        rows: rows
            .map(|(label, value)| vec![run(&label, Style::Strong), run(&value, Style::Text)])
            .collect(),
    }))
}

/// Lines as they are, each in a style.
fn lines(text: &str, style: impl Fn(&str) -> Style) -> Block {
    let line = |line: &str| {
        vec![Run {
            text: Shown::text(line),
            style: style(line),
            link: None,
        }]
    };
    Block::new(Content::Fixed(text.lines().map(line).collect()))
}

/// The text of a file, as far as it is shown, and what was left out.
fn text_of(bytes: &[u8]) -> (String, Vec<Shown>) {
    let mut cuts = Vec::new();
    let mut text = charset::guessed(&bytes[..bytes.len().min(OCTETS)]);
    let end = text.match_indices('\n').nth(LINES).map(|(end, _)| end);
    if let Some(end) = end {
        text.truncate(end);
    }
    if bytes.len() > OCTETS || end.is_some() {
        let all = files::size_text(bytes.len() as u64);
        let cut =
            format!("Only the beginning of {all} is shown: `w` in the files saves all of it.");
        cuts.push(Shown::line(&cut));
    }
    (text, cuts)
}

fn kind(name: &str, content_type: &str) -> Option<Kind> {
    let content_type = content_type.to_ascii_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    // The name says more than a type that a program has guessed.
    let by_name = match ending.to_ascii_lowercase().as_str() {
        "eml" => Some(Kind::Mail),
        "ics" => Some(Kind::Calendar),
        "vcf" => Some(Kind::Card),
        "csv" => Some(Kind::Table(b',')),
        "tsv" | "tab" => Some(Kind::Table(b'\t')),
        "json" | "webmanifest" | "geojson" => Some(Kind::Json),
        "patch" | "diff" => Some(Kind::Patch),
        "log" => Some(Kind::Log),
        "html" | "htm" | "xhtml" => Some(Kind::Html),
        "rtf" => Some(Kind::Rtf),
        "md" | "markdown" | "txt" | "asc" | "rst" => Some(Kind::Prose),
        "yaml" | "yml" | "toml" | "ini" | "conf" | "cfg" | "xml" | "sql" | "jsonl" | "ndjson"
        | "tex" | "properties" | "env" | "css" => Some(Kind::Lines),
        _ => None,
    };
    let by_type = || match content_type.as_str() {
        "message/rfc822" | "message/global" => Some(Kind::Mail),
        "text/calendar" => Some(Kind::Calendar),
        "text/vcard" | "text/x-vcard" | "text/directory" => Some(Kind::Card),
        "text/csv" | "text/comma-separated-values" => Some(Kind::Table(b',')),
        "text/tab-separated-values" => Some(Kind::Table(b'\t')),
        "application/json" | "text/json" => Some(Kind::Json),
        "text/x-patch" | "text/x-diff" => Some(Kind::Patch),
        "text/x-log" => Some(Kind::Log),
        "text/html" | "application/xhtml+xml" => Some(Kind::Html),
        "text/rtf" | "application/rtf" => Some(Kind::Rtf),
        "text/markdown" => Some(Kind::Prose),
        "text/plain" => Some(Kind::Prose),
        "application/xml" | "application/yaml" | "application/x-yaml" | "application/toml"
        | "application/sql" => Some(Kind::Lines),
        other if other.ends_with("+json") => Some(Kind::Json),
        other if other.ends_with("+xml") && !other.starts_with("image/") => Some(Kind::Lines),
        other if other.starts_with("text/") => Some(Kind::Lines),
        _ => None,
    };
    let is_mail = content_type.starts_with("message/rfc822");
    if is_mail {
        Some(Kind::Mail)
    } else {
        by_name.or_else(by_type)
    }
}

/// What is shown of a file: more is for a program of its own.
const OCTETS: usize = 1024 * 1024;
const LINES: usize = 20_000;

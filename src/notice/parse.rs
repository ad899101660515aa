//! Bytes of a mail to a [`Notice`]. It never fails: what cannot be read is shown harmlessly.

use jiff::tz::TimeZone;
use mail_parser::{HeaderName, Message, MessageParser};

use super::{
    Notice, Run, Style, TextForm,
    body::{self, Block, Content, plain},
    calendar, facts, files, guard, headers, html, limits,
    links::Links,
    parts::{self, Piece},
    report,
    shown::Shown,
    subject,
};

impl Notice {
    /// Reads a mail. Bounds on its size, parts and nesting are kept, and what they cut is said; a
    /// library that panics over it leaves it as plain text.
    pub fn parse(raw: &[u8]) -> Notice {
        Notice::parse_as(raw, TextForm::Best)
    }

    /// The same, with the text in this form if there are two.
    pub fn parse_as(raw: &[u8], form: TextForm) -> Notice {
        Notice::parse_in(raw, form, None)
    }

    /// The same for a reader whose clock shows the time of this zone: appointments are told in it too.
    pub fn parse_in(raw: &[u8], form: TextForm, zone: Option<&TimeZone>) -> Notice {
        let read = guard::without_panic(|| {
            let bounded = limits::bounded(raw);
            let mail = MessageParser::new().parse(&*bounded.raw)?;
            let mut notice = of_mail(&mail, form, zone);
            for file in &mut notice.files {
                file.size = files::size_of_mail(&mail, &bounded, file.place).unwrap_or(file.size);
            }
            notice.cuts.splice(0..0, bounded.cuts);
            Some(notice)
        });
        match read {
            Some(Some(notice)) => notice,
            Some(None) => as_plain_text(raw, None),
            None => as_plain_text(
                raw,
                Some("This mail could not be taken apart; it is shown as it came."),
            ),
        }
    }
}

/// The HTML of a mail as it came, decoded; none if it has none.
pub fn html_of(raw: &[u8]) -> Option<String> {
    let find = |form| {
        guard::without_panic(|| {
            let bounded = limits::bounded(raw);
            let mail = MessageParser::new().parse(&*bounded.raw)?;
            let pieces = parts::contents_as(&mail, form).pieces;
            pieces.into_iter().find_map(|piece| match piece {
                Piece::Html(html) => Some(html.into_owned()),
                Piece::Calendar(_) | Piece::Plain { .. } | Piece::Status(_) => None,
            })
        })
        .flatten()
    };
    find(TextForm::Best).or_else(|| find(TextForm::Other))
}

fn of_mail(mail: &Message, form: TextForm, zone: Option<&TimeZone>) -> Notice {
    let contents = parts::contents_as(mail, form);
    let has_other_form = contents.has_other_form;
    // Where a calendar is all there is, its own words are told too.
    let is_alone = contents
        .pieces
        .iter()
        .all(|piece| matches!(piece, Piece::Calendar(_)));
    let subject = headers::subject(mail);
    let is_answer = (!headers::parents(mail).is_empty() || subject::is_answer(&subject))
        && !subject::is_passed_on(&subject);
    let mut links = Links::default();
    let mut blocks = Vec::new();
    let mut appointment = None;
    let mut cuts = contents.cuts;
    for piece in contents.pieces {
        if !blocks.is_empty() {
            blocks.push(Block::gap());
        }
        match piece {
            Piece::Calendar(text) => {
                let told = calendar::told(&text, zone, is_alone, &mut links);
                let told_of = told.appointment.map(|told| told.behind(blocks.len()));
                appointment = appointment.or(told_of);
                blocks.extend(told.blocks);
            }
            Piece::Html(text) => {
                let mut page = html::page(&text, &mut links);
                if is_answer {
                    body::quote_tail(&mut page.blocks);
                }
                blocks.extend(page.blocks);
                cuts.extend(page.cut);
            }
            Piece::Plain { text, format } => {
                let mut own = plain::blocks(&text, format, &mut links);
                if is_answer {
                    body::quote_tail(&mut own);
                }
                blocks.extend(own);
            }
            Piece::Status(text) => blocks.extend(report::blocks(&text)),
        }
    }
    cuts.extend(links.cut());
    let date = headers::date(mail);
    Notice {
        subject,
        from: headers::from(mail),
        to: headers::addresses(mail, &HeaderName::To),
        cc: headers::addresses(mail, &HeaderName::Cc),
        date: date.map(|(at, _)| at),
        offset: date.map(|(_, offset)| offset),
        message_id: Shown::line(headers::message_id(mail)),
        important: headers::is_important(mail),
        facts: facts::of(mail),
        has_other_form,
        appointment,
        blocks,
        links: links.into_vec(),
        files: contents.files,
        cuts,
    }
}

/// Returns what can be shown of a mail that is none.
fn as_plain_text(raw: &[u8], why: Option<&'static str>) -> Notice {
    let text = String::from_utf8_lossy(&raw[..raw.len().min(PLAIN_OCTETS)]);
    let text = Shown::text(text.trim_end());
    let line = |line: &str| {
        vec![Run {
            text: Shown::text(line),
            style: Style::Text,
            link: None,
        }]
    };
    let blocks = match why {
        _ if text.is_empty() => Vec::new(),
        None => plain::blocks(&text, Default::default(), &mut Links::default()),
        Some(_) => vec![Block::new(Content::Fixed(text.lines().map(line).collect()))],
    };
    Notice {
        subject: Shown::from_static("(no subject)"),
        blocks,
        cuts: why.map(Shown::from_static).into_iter().collect(),
        ..Notice::default()
    }
}

/// What is shown of a mail that no one can read.
const PLAIN_OCTETS: usize = 256 * 1024;

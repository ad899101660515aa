//! Appointments in mail (RFC 5545, RFC 5546): what, when here and there, where, who, in a few lines.
//!
//! Reading the format is calcard's; here stands what is said of it. Recurrences are told, not computed.

use calcard::{Entry, Parser, icalendar::ICalendar};
use jiff::tz::TimeZone;

use super::{
    Run, Style,
    body::{Block, Content, Table},
    shown::Shown,
};

mod event;
mod moment;
mod recurrence;

use event::Event;

/// What an appointment is known by: a later notice of it takes the place of an earlier one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Identity {
    /// The same in all mails about it.
    pub uid: String,
    /// True if it is about one that was told of before: changed, or cancelled.
    pub is_later: bool,
}

/// Returns the blocks that say what a calendar is about; none if there is no event in it. Times are told in
/// the reader's own zone too, if that is known and another.
pub(super) fn blocks(calendar: &str, own: Option<&TimeZone>, with_text: bool) -> Vec<Block> {
    let Some(calendar) = parsed(calendar) else {
        return Vec::new();
    };
    let method = event::method(&calendar);
    let zones = calendar.build_tz_resolver();
    let all = calendar.components.iter();
    let events = all.filter(|component| component.component_type.is_event_or_todo());
    let count = events.clone().count();
    let mut blocks = Vec::new();
    for component in events.take(MOST_EVENTS) {
        let event = Event::of(component, method.as_ref(), &zones);
        let rows = event.rows(own).into_iter();
        let rows = rows.filter(|(_, value)| !value.is_empty());
        let rows = rows.map(|(label, value)| {
            let run = |text, style| Run {
                text,
                style,
                link: None,
            };
            vec![
                vec![run(Shown::from_static(label), Style::Strong)],
                vec![run(value, Style::Text)],
            ]
        });
        let table = Table {
            headed: false,
            rows: rows.collect(),
        };
        blocks.extend([Block::new(Content::Table(table)), Block::gap()]);
        if with_text && !event.text.is_empty() {
            blocks.extend([Block::prose(event.text, Style::Text), Block::gap()]);
        }
    }
    if count > MOST_EVENTS {
        let more = format!("And {} more in the calendar.", count - MOST_EVENTS);
        blocks.extend([Block::prose(Shown::line(&more), Style::Muted), Block::gap()]);
    }
    blocks
}

/// What the appointment of a calendar is known by, if it is about a single one.
pub(super) fn identity(calendar: &str) -> Option<Identity> {
    let calendar = parsed(calendar)?;
    let method = event::method(&calendar);
    let mut events = calendar
        .components
        .iter()
        .filter(|component| component.component_type.is_event_or_todo());
    let (event, None) = (events.next()?, events.next()) else {
        return None;
    };
    let uid = event.uid().filter(|uid| !uid.trim().is_empty())?;
    event::is_of_organizer(method.as_ref()).then(|| Identity {
        // One of a series is an appointment of its own.
        uid: format!("{uid} {}", event::recurrence_id(event)),
        is_later: event::is_later(event, method.as_ref()),
    })
}

fn parsed(calendar: &str) -> Option<ICalendar> {
    let end = calendar.floor_char_boundary(OCTETS);
    let mut parser = Parser::new(calendar[..end].trim_start());
    match parser.entry() {
        Entry::ICalendar(calendar) => Some(calendar),
        _ => None,
    }
}

/// The calendar of a whole company is a file; these are near its top.
const MOST_EVENTS: usize = 5;

/// What is read of one.
const OCTETS: usize = 1024 * 1024;

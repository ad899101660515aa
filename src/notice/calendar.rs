//! Appointments in mail (RFC 5545, RFC 5546): what, when here and there, where, who, in a few lines.
//!
//! Reading the format is calcard's; here stands what is said of it. Recurrences are told, not computed.

use calcard::{
    Entry, Parser,
    icalendar::{ICalendar, ICalendarComponent},
};
use jiff::tz::TimeZone;

use super::{
    Notice, Run, Style,
    body::{Block, Content, Table, plain},
    links::Links,
    parts::Format,
    shown::Shown,
};

mod event;
mod moment;
mod recurrence;
mod value;
mod zone;

use event::{BEFORE, Event};
use moment::Moment;
use zone::Zones;

/// What an appointment is known by: a later notice of it takes the place of an earlier one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Identity {
    /// The same in all mails about it.
    pub uid: String,
    /// True if it is about one that was told of before: changed, or cancelled.
    pub is_later: bool,
}

/// A single appointment, as far as it is held against what was told of it before.
#[derive(Clone, Debug, PartialEq)]
pub struct Appointment {
    /// The same in all mails about it, and of one of a series.
    uid: String,
    /// From when until when, by the sender's clock.
    when: Shown,
    moments: [Option<Moment>; 2],
    place: Shown,
    /// Which of the blocks tells of it.
    block: usize,
}

impl Notice {
    /// Tells beside its appointment when and where that was to be, if the notice whose place this one takes said
    /// otherwise.
    pub fn moved_from(&mut self, earlier: &Notice) {
        let (Some(own), Some(earlier)) = (&self.appointment, &earlier.appointment) else {
            return;
        };
        if own.uid != earlier.uid {
            return;
        }
        let mut before = Vec::new();
        if own.is_at_another_time(earlier) && !earlier.when.is_empty() {
            before.push(earlier.when.to_string());
        }
        if own.place != earlier.place && !earlier.place.is_empty() {
            before.push(earlier.place.to_string());
        }
        let block = self
            .blocks
            .get_mut(own.block)
            .map(|block| &mut block.content);
        let Some(Content::Table(table)) = block.filter(|_| !before.is_empty()) else {
            return;
        };
        let has_label = |row: &Vec<Vec<Run>>, label: &str| {
            let first = row.first().and_then(|cell| cell.first());
            first.is_some_and(|run| run.text.as_str() == label)
        };
        // One of a series says itself when it was to be.
        if !table.rows.iter().any(|row| has_label(row, BEFORE)) {
            let when = table
                .rows
                .iter()
                .position(|row| has_label(row, event::WHEN));
            let before = Run {
                text: Shown::line(&before.join(", ")),
                style: Style::Text,
                link: None,
            };
            let row = row(BEFORE, vec![before]);
            table.rows.insert(when.unwrap_or(0), row);
        }
    }
}

/// What a calendar says.
#[derive(Default)]
pub(super) struct Told {
    /// In blocks; none if there is no event in it.
    pub blocks: Vec<Block>,
    /// Its event, if it is a single one; its block is the first.
    pub appointment: Option<Appointment>,
}

impl Appointment {
    /// True if it begins or ends at another moment, whatever the zone is called.
    fn is_at_another_time(&self, earlier: &Appointment) -> bool {
        let mut both = self.moments.iter().zip(&earlier.moments);
        both.any(|moments| match moments {
            (Some(own), Some(earlier)) => own.differs_from(earlier),
            (own, earlier) => own.is_some() != earlier.is_some(),
        })
    }

    /// The same where so many blocks stand before those of the calendar.
    pub(super) fn behind(self, blocks: usize) -> Appointment {
        Appointment {
            block: self.block + blocks,
            ..self
        }
    }
}

/// Returns what a calendar is about. Times are told in the reader's own zone too, if that is known and another.
pub(super) fn told(
    calendar: &str,
    own: Option<&TimeZone>,
    with_text: bool,
    links: &mut Links,
) -> Told {
    let Some(calendar) = parsed(calendar) else {
        return Told::default();
    };
    let method = event::method(&calendar);
    let zones = Zones::of(&calendar);
    let all = calendar.components.iter();
    let events = all.filter(|component| component.component_type.is_event_or_todo());
    let count = events.clone().count();
    let mut blocks = Vec::new();
    let mut appointment = None;
    for component in events.take(MOST_EVENTS) {
        let event = Event::of(component, method.as_ref(), &zones);
        let uid = component.uid().filter(|uid| !uid.trim().is_empty());
        if let Some(uid) = uid.filter(|_| count == 1) {
            appointment = Some(Appointment {
                uid: uid_of(uid, component),
                when: event.when(),
                moments: event.moments(),
                place: event.place().clone(),
                block: 0,
            });
        }
        let rows = event.rows(own).into_iter();
        let rows = rows.filter(|(_, value)| !value.is_empty());
        let rows = rows.map(|(label, value)| row(label, plain::linked(&value, Style::Text, links)));
        let table = Table {
            headed: false,
            rows: rows.collect(),
        };
        blocks.extend([Block::new(Content::Table(table)), Block::gap()]);
        if with_text && !event.text.is_empty() {
            blocks.extend(plain::blocks(&event.text, Format::Fixed, links));
            blocks.push(Block::gap());
        }
    }
    if count > MOST_EVENTS {
        let more = format!("And {} more in the calendar.", count - MOST_EVENTS);
        blocks.extend([Block::prose(Shown::line(&more), Style::Muted), Block::gap()]);
    }
    Told {
        blocks,
        appointment,
    }
}

fn row(label: &'static str, value: Vec<Run>) -> Vec<Vec<Run>> {
    let label = Run {
        text: Shown::from_static(label),
        style: Style::Strong,
        link: None,
    };
    vec![vec![label], value]
}

/// One of a series is an appointment of its own.
fn uid_of(uid: &str, event: &ICalendarComponent) -> String {
    format!("{uid} {}", event::recurrence_id(event))
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
        uid: uid_of(uid, event),
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

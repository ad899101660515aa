//! One appointment, or one thing to do, as the rows of a table.

use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarEntry, ICalendarMethod, ICalendarParameterName,
    ICalendarParameterValue, ICalendarParticipationStatus, ICalendarProperty as Property,
    ICalendarStatus, ICalendarValue,
};
use jiff::{SignedDuration, tz::TimeZone};

use super::{moment::Moment, recurrence, zone::Zones};
use crate::notice::shown::Shown;

/// What is told of an appointment.
pub(super) struct Event {
    summary: Shown,
    start: Option<Moment>,
    end: Option<Moment>,
    /// When it was to be, before this one of a series was moved.
    before: Option<Moment>,
    place: Shown,
    organizer: Shown,
    guests: Vec<Shown>,
    answer: Shown,
    repeats: Shown,
    kind: &'static str,
    /// Its description.
    pub text: Shown,
}

impl Event {
    pub fn of(
        component: &ICalendarComponent,
        method: Option<&ICalendarMethod>,
        zones: &Zones,
    ) -> Event {
        let text = |property: &Property| {
            let value = component.property(property).and_then(first_text);
            value.map_or_else(Shown::default, |text| {
                Shown::line(text).cut_to(TEXT_COLUMNS)
            })
        };
        let moment = |property: &Property| Moment::of(component.property(property)?, zones);
        let start = moment(&Property::Dtstart);
        let end = moment(&Property::Dtend).or_else(|| moment(&Property::Due));
        let end = end.or_else(|| {
            let lasts = match component.property(&Property::Duration)?.values.first()? {
                ICalendarValue::Duration(lasts) => SignedDuration::from_secs(lasts.as_seconds()),
                _ => return None,
            };
            start.as_ref()?.after(lasts)
        });
        let mut place = text(&Property::Location);
        for further in [Property::Conference, Property::Url] {
            let address = text(&further);
            if !address.is_empty() && !place.contains(&*address) {
                place = match place.is_empty() {
                    true => address,
                    false => Shown::line(&format!("{place}, {address}")),
                };
            }
        }
        let status = component.status();
        Event {
            summary: text(&Property::Summary),
            before: moment(&Property::RecurrenceId).filter(|before| {
                start
                    .as_ref()
                    .is_some_and(|start| start.differs_from(before))
            }),
            start,
            end,
            place,
            organizer: component
                .property(&Property::Organizer)
                .map_or_else(Shown::default, person),
            guests: guests(component),
            answer: answer(component, method),
            repeats: recurrence::of(component),
            kind: kind(component, method, status),
            text: component
                .property(&Property::Description)
                .and_then(first_text)
                .map_or_else(Shown::default, |text| {
                    Shown::text(text[..text.floor_char_boundary(DESCRIPTION_OCTETS)].trim())
                }),
        }
    }

    /// From when until when it is, or by when it is to be done, by the sender's clock; empty if it does not say.
    pub fn when(&self) -> Shown {
        match (&self.start, &self.end) {
            (Some(start), end) => start.until(end.as_ref()),
            // A thing to do.
            (None, Some(end)) => Shown::line(&format!("by {}", end.until(None))),
            (None, None) => Shown::default(),
        }
    }

    /// When it begins and ends, as far as it says so.
    pub fn moments(&self) -> [Option<Moment>; 2] {
        [self.start.clone(), self.end.clone()]
    }

    /// `Tom Becker, ana@team.example and 12 more`
    fn with(&self) -> Shown {
        let names: Vec<&str> = self.guests.iter().take(GUESTS).map(Shown::as_str).collect();
        let more = match self.guests.len().saturating_sub(GUESTS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Shown::line(&format!("{}{more}", names.join(", ")))
    }

    /// Where it is; empty if it does not say.
    pub fn place(&self) -> &Shown {
        &self.place
    }

    pub fn rows(&self, own: Option<&TimeZone>) -> [(&'static str, Shown); 9] {
        let end = self.end.as_ref();
        let here = self.start.as_ref().zip(own);
        let here = here.and_then(|(start, own)| {
            let (start, end) = (start.here(own)?, end.and_then(|end| end.here(own)));
            Some(start.until(end.as_ref()))
        });
        let before = self.before.as_ref().map(|before| before.until(None));
        [
            ("What", self.summary.clone()),
            (BEFORE, before.unwrap_or_default()),
            (WHEN, self.when()),
            ("For you", here.unwrap_or_default()),
            ("Repeats", self.repeats.clone()),
            ("Where", self.place.clone()),
            ("Who", self.organizer.clone()),
            ("With", self.with()),
            (
                "This is",
                match self.answer.is_empty() {
                    true => Shown::from_static(self.kind),
                    false => self.answer.clone(),
                },
            ),
        ]
    }
}

/// Who is invited, but for who invites.
fn guests(component: &ICalendarComponent) -> Vec<Shown> {
    let address = |entry: &ICalendarEntry| {
        let address = entry.calendar_address().or_else(|| first_text(entry));
        address.unwrap_or_default().to_lowercase()
    };
    let organizer = component.property(&Property::Organizer).map(address);
    let guests = component.properties(&Property::Attendee);
    let guests = guests.filter(|guest| Some(address(guest)) != organizer);
    guests.map(name).filter(|name| !name.is_empty()).collect()
}

/// What somebody is called, else their address.
fn name(entry: &ICalendarEntry) -> Shown {
    let name = entry.parameter(&ICalendarParameterName::Cn);
    let name = name.and_then(ICalendarParameterValue::as_text);
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    let address = || entry.calendar_address().or_else(|| first_text(entry));
    let name = name.or_else(address).unwrap_or_default();
    Shown::line(name).cut_to(NAME_COLUMNS)
}

/// What a calendar is sent for (RFC 5546, section 1.4).
pub(super) fn method(calendar: &ICalendar) -> Option<ICalendarMethod> {
    let all = calendar.components.iter();
    let mut values =
        all.filter_map(|component| component.property(&Property::Method)?.values.first());
    values.find_map(|value| match value {
        ICalendarValue::Method(method) => Some(method.clone()),
        _ => None,
    })
}

/// True if only whose appointment it is sends such: an answer is another's.
pub(super) fn is_of_organizer(method: Option<&ICalendarMethod>) -> bool {
    use ICalendarMethod::{Add, Cancel, Publish, Request};

    matches!(method, None | Some(Request | Publish | Add | Cancel))
}

/// True if it was told of before (RFC 5545, section 3.8.7.4).
pub(super) fn is_later(event: &ICalendarComponent, method: Option<&ICalendarMethod>) -> bool {
    let sequence = event.property(&Property::Sequence);
    let sequence = sequence.and_then(|entry| entry.values.first()?.as_integer());
    sequence.unwrap_or_default() > 0 || is_cancelled(method, event.status())
}

/// Which one of a series it is; empty if it is all of it.
pub(super) fn recurrence_id(event: &ICalendarComponent) -> String {
    let Some(entry) = event.property(&Property::RecurrenceId) else {
        return String::new();
    };
    format!("{:?}", entry.values.first())
}

fn is_cancelled(method: Option<&ICalendarMethod>, status: Option<&ICalendarStatus>) -> bool {
    matches!(method, Some(ICalendarMethod::Cancel))
        || matches!(status, Some(ICalendarStatus::Cancelled))
}

fn kind(
    event: &ICalendarComponent,
    method: Option<&ICalendarMethod>,
    status: Option<&ICalendarStatus>,
) -> &'static str {
    match method {
        _ if is_cancelled(method, status) => "cancelled",
        Some(ICalendarMethod::Reply) => "an answer to an invitation",
        Some(ICalendarMethod::Request) if is_later(event, method) => {
            "an invitation that was changed"
        }
        Some(ICalendarMethod::Request) => "an invitation",
        Some(ICalendarMethod::Counter) => "another time is proposed",
        Some(ICalendarMethod::Declinecounter) => "the time proposed is not taken",
        _ if matches!(status, Some(ICalendarStatus::Tentative)) => "not certain yet",
        _ => "",
    }
}

/// `Tom Becker accepts`, for an answer.
fn answer(event: &ICalendarComponent, method: Option<&ICalendarMethod>) -> Shown {
    if !matches!(method, Some(ICalendarMethod::Reply)) {
        return Shown::default();
    }
    let Some(guest) = event.property(&Property::Attendee) else {
        return Shown::default();
    };
    let said = guest.parameter(&ICalendarParameterName::Partstat);
    let Some(ICalendarParameterValue::Partstat(said)) = said else {
        return Shown::default();
    };
    let says = match said {
        ICalendarParticipationStatus::Accepted => "accepts",
        ICalendarParticipationStatus::Declined => "declines",
        ICalendarParticipationStatus::Tentative => "may come",
        ICalendarParticipationStatus::Delegated => "sends somebody else",
        _ => return Shown::default(),
    };
    Shown::line(&format!("{} {says}", person(guest)))
}

fn first_text(entry: &ICalendarEntry) -> Option<&str> {
    entry.values.first()?.as_text()
}

fn person(entry: &ICalendarEntry) -> Shown {
    let address = entry
        .calendar_address()
        .or_else(|| first_text(entry))
        .unwrap_or_default();
    let name = entry.parameter(&ICalendarParameterName::Cn);
    let name = name.and_then(ICalendarParameterValue::as_text);
    match name.filter(|name| !name.eq_ignore_ascii_case(address)) {
        Some(name) => Shown::line(&format!("{name} <{address}>")),
        None => Shown::line(address),
    }
    .cut_to(TEXT_COLUMNS)
}

/// What says when it is.
pub const WHEN: &str = "When";

/// And when, or where, it was to be.
pub const BEFORE: &str = "Before";

/// Of more guests it is said how many.
const GUESTS: usize = 8;

/// A guest among others.
const NAME_COLUMNS: usize = 40;

/// A title or a place is one line.
const TEXT_COLUMNS: usize = 300;

/// A description is no book.
const DESCRIPTION_OCTETS: usize = 64 * 1024;

//! A day or a time in a calendar, with the zone that it is meant in.

use calcard::icalendar::ICalendarEntry;
use jiff::{
    SignedDuration, civil,
    tz::{Offset, TimeZone},
};

use super::{
    value::{civil, offset},
    zone::Zones,
};
use crate::notice::shown::Shown;

/// A day, or a time as a clock in some zone shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moment {
    at: civil::DateTime,
    is_day: bool,
    /// The zone, as it is told.
    zone: Shown,
    /// The zone, if it is known.
    clock: Option<TimeZone>,
}

impl Moment {
    pub fn of(entry: &ICalendarEntry, zones: &Zones) -> Option<Moment> {
        let value = entry.values.first()?.as_partial_date_time()?;
        let (at, is_day) = civil(value)?;
        let named = entry.tz_id();
        let (zone, clock) = match (offset(value), named) {
            (Some(offset), _) if offset == Offset::UTC => ("UTC".to_owned(), Some(TimeZone::UTC)),
            (Some(offset), _) => (format!("UTC{offset}"), Some(TimeZone::fixed(offset))),
            (None, Some(named)) => zones.find(named, at),
            (None, None) => (String::new(), None),
        };
        Some(Moment {
            at,
            is_day,
            zone: Shown::line(&zone).cut_to(ZONE_COLUMNS),
            clock: clock.filter(|_| !is_day),
        })
    }

    /// The end of something that begins here and lasts so long.
    pub fn after(&self, lasts: SignedDuration) -> Option<Moment> {
        let at = self.at.checked_add(lasts).ok()?;
        Some(Moment { at, ..self.clone() })
    }

    /// The same moment by the clock of the reader; none if that shows the same, or if it is not known.
    pub fn here(&self, own: &TimeZone) -> Option<Moment> {
        let there = self.at.to_zoned(self.clock.clone()?).ok()?;
        let here = there.with_time_zone(own.clone());
        (here.datetime() != self.at).then(|| Moment {
            at: here.datetime(),
            is_day: false,
            zone: Shown::line(own.iana_name().unwrap_or_default()),
            clock: Some(own.clone()),
        })
    }

    /// True if it is another moment.
    pub fn differs_from(&self, other: &Moment) -> bool {
        let instant = |moment: &Moment| {
            let zoned = moment.at.to_zoned(moment.clock.clone()?).ok()?;
            Some(zoned.timestamp())
        };
        match (instant(self), instant(other)) {
            (Some(own), Some(other)) => own != other,
            _ => self.at != other.at,
        }
    }

    /// `Tue 24 Nov 2026 14:00 - 15:00 (Europe/Berlin)`
    pub fn until(&self, end: Option<&Moment>) -> Shown {
        let from = self.words();
        let until = match end {
            Some(end) if end.at <= self.at => String::new(),
            Some(end) if end.is_day => {
                // The end of whole days is the day after them.
                let last = end.at.date().yesterday().unwrap_or(end.at.date());
                let day = Moment {
                    at: last.at(0, 0, 0, 0),
                    ..end.clone()
                };
                match last <= self.at.date() {
                    true => String::new(),
                    false => format!(" - {}", day.words()),
                }
            }
            Some(end) if end.at.date() == self.at.date() => {
                format!(" - {}", end.at.strftime("%H:%M"))
            }
            Some(end) => format!(" - {}", end.words()),
            None => String::new(),
        };
        let zone = match self.zone.is_empty() || self.is_day {
            true => String::new(),
            // `(GMT+01.00) Sarajevo/Warsaw/Zagreb`
            false if self.zone.starts_with('(') => format!(" {}", self.zone),
            false => format!(" ({})", self.zone),
        };
        Shown::line(&format!("{from}{until}{zone}"))
    }

    fn words(&self) -> String {
        let format = match self.is_day {
            true => "%a %-d %b %Y",
            false => "%a %-d %b %Y %H:%M",
        };
        self.at.strftime(format).to_string()
    }
}

/// Names of zones are short; made-up ones need not be shown whole.
const ZONE_COLUMNS: usize = 40;

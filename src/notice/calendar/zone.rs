//! The zones of a calendar: by the names that everybody knows, or by the rules that it brings along (VTIMEZONE,
//! RFC 5545 §3.6.5).

use std::collections::HashMap;

use calcard::{
    common::timezone::Tz,
    icalendar::{
        ICalendar, ICalendarComponent, ICalendarComponentType as Kind, ICalendarFrequency,
        ICalendarProperty as Property, ICalendarRecurrenceRule, ICalendarValue, ICalendarWeekday,
        timezone::TzResolver,
    },
};
use jiff::{
    civil,
    tz::{Offset, TimeZone},
};

use super::value;

/// The zones that a calendar speaks of.
pub(super) struct Zones<'c> {
    names: TzResolver<&'c str>,
    explained: HashMap<&'c str, Vec<Rule>>,
}

/// Standard or summer time, from a moment on.
struct Rule {
    is_summer: bool,
    since: civil::DateTime,
    /// Until when it comes again each year; none if it does so for ever.
    until: Option<civil::DateTime>,
    /// Seconds east of UTC.
    offset: i32,
    /// When it begins each year, as POSIX writes it; none if it began but once.
    each_year: Option<String>,
}

impl<'c> Zones<'c> {
    pub fn of(calendar: &'c ICalendar) -> Zones<'c> {
        let all = calendar.components.iter();
        let zones = all.filter(|component| component.component_type == Kind::VTimezone);
        let explained = zones.take(MOST_ZONES).filter_map(|zone| {
            let name = zone.property(&Property::Tzid)?.values.first()?.as_text()?;
            let parts = zone.component_ids.iter().take(MOST_RULES);
            let parts = parts.filter_map(|id| calendar.components.get(*id as usize));
            // Without one of its rules it would be another zone.
            Some((name, parts.map(Rule::of).collect::<Option<_>>()?))
        });
        Zones {
            explained: explained.collect(),
            names: calendar.build_tz_resolver(),
        }
    }

    /// What a zone is called, and its clock about this time if that is known. What the calendar says of it goes before
    /// what its name sounds like.
    pub fn find(&self, named: &str, at: civil::DateTime) -> (String, Option<TimeZone>) {
        let resolved = self.names.resolve(named).as_ref().and_then(Tz::name);
        let known = resolved.and_then(|name| {
            let clock = TimeZone::get(&name).ok()?;
            Some((name.into_owned(), clock))
        });
        let explained = self
            .explained
            .get(named)
            .and_then(|rules| clock_of(rules, at));
        let offset = |clock: &TimeZone| {
            let zoned = at.to_zoned(clock.clone());
            zoned.map(|zoned| zoned.offset().seconds()).ok()
        };
        match (known, explained) {
            (Some((name, clock)), Some(explained)) if offset(&clock) != offset(&explained) => {
                let is_its_name = name == named && named.contains('/');
                // `Europe/Berlin` is what it is; `EST` may be meant otherwise.
                match is_its_name {
                    true => (name, Some(clock)),
                    false => (named.to_owned(), Some(explained)),
                }
            }
            // `Etc/GMT-1` is an hour before UTC, and nobody knows it.
            (Some((name, clock)), _) if name.starts_with("Etc/") => (named.to_owned(), Some(clock)),
            (Some((name, clock)), _) => (name, Some(clock)),
            (None, explained) => (named.to_owned(), explained),
        }
    }
}

impl Rule {
    fn of(part: &ICalendarComponent) -> Option<Rule> {
        let is_summer = match part.component_type {
            Kind::Standard => false,
            Kind::Daylight => true,
            _ => return None,
        };
        // In which single years it begins no rule tells.
        if part.property(&Property::Rdate).is_some() {
            return None;
        }
        let date_time = |property: &Property| {
            part.property(property)?
                .values
                .first()?
                .as_partial_date_time()
        };
        let (since, _) = value::civil(date_time(&Property::Dtstart)?)?;
        let offset = value::offset(date_time(&Property::Tzoffsetto)?)?;
        let rule = part.property(&Property::Rrule);
        let rule = match rule.map(|entry| entry.values.first()) {
            None => None,
            Some(Some(ICalendarValue::RecurrenceRule(rule))) => Some(rule),
            Some(_) => return None,
        };
        let until = rule.and_then(|rule| value::civil(rule.until.as_ref()?));
        Some(Rule {
            is_summer,
            since,
            until: until.map(|(until, _)| until),
            offset: offset.seconds(),
            each_year: match rule {
                Some(rule) => Some(begin(rule, since)?),
                None => None,
            },
        })
    }

    fn holds(&self, at: civil::DateTime) -> bool {
        self.since <= at && self.until.is_none_or(|until| until >= at)
    }
}

/// When a rule begins each year, as POSIX writes it: `M3.5.0/02:00:00`.
fn begin(rule: &ICalendarRecurrenceRule, since: civil::DateTime) -> Option<String> {
    if rule.freq != ICalendarFrequency::Yearly {
        return None;
    }
    let month = match rule.bymonth.first() {
        Some(month) => month.month(),
        None => since.month().unsigned_abs(),
    };
    let [day] = rule.byday.as_slice() else {
        return None;
    };
    let week = match (day.ordwk, rule.bymonthday.first()) {
        (Some(-1), _) => 5,
        (Some(week @ 1..=5), _) => week,
        // `the first Sunday from the 8th on`
        (None, Some(first @ (1 | 8 | 15 | 22))) => i16::from(first / 7 + 1),
        _ => return None,
    };
    let weekday = match day.weekday {
        ICalendarWeekday::Sunday => 0,
        ICalendarWeekday::Monday => 1,
        ICalendarWeekday::Tuesday => 2,
        ICalendarWeekday::Wednesday => 3,
        ICalendarWeekday::Thursday => 4,
        ICalendarWeekday::Friday => 5,
        ICalendarWeekday::Saturday => 6,
    };
    let time = since.time().strftime("%H:%M:%S");
    (1..=12)
        .contains(&month)
        .then(|| format!("M{month}.{week}.{weekday}/{time}"))
}

/// The clock that these rules make about a time.
fn clock_of(rules: &[Rule], at: civil::DateTime) -> Option<TimeZone> {
    // What began once, last of all, holds until another begins: some list each year's.
    let began = rules.iter().filter(|rule| rule.holds(at));
    let latest = began.max_by_key(|rule| rule.since);
    if let Some(latest) = latest.filter(|latest| latest.each_year.is_none()) {
        let offset = Offset::from_seconds(latest.offset).ok()?;
        return Some(TimeZone::fixed(offset));
    }
    let newest = |is_summer: bool| {
        let kind = rules.iter().filter(move |rule| rule.is_summer == is_summer);
        let holding = kind.clone().filter(|rule| rule.holds(at));
        holding.max_by_key(|rule| rule.since).or_else(|| {
            // Of standard time there is always some.
            kind.filter(|_| !is_summer).min_by_key(|rule| rule.since)
        })
    };
    let standard = newest(false)?;
    let summer = newest(true).filter(|summer| summer.each_year.is_some());
    let posix = match (summer, &standard.each_year) {
        (Some(summer), Some(ends)) => format!(
            "<std>{}<dst>{},{},{ends}",
            west(standard.offset),
            west(summer.offset),
            summer.each_year.as_deref()?,
        ),
        // What begins each year and never ends is not understood.
        (Some(_), None) => return None,
        (None, _) => format!("<std>{}", west(standard.offset)),
    };
    TimeZone::posix(&posix).ok()
}

/// How far a zone is behind UTC, as POSIX writes it.
fn west(offset: i32) -> String {
    let sign = if offset > 0 { "-" } else { "" };
    let minutes = offset.unsigned_abs() / 60;
    format!("{sign}{}:{:02}", minutes / 60, minutes % 60)
}

/// A calendar speaks of a few zones.
const MOST_ZONES: usize = 50;

/// And a zone has a few rules, or some for each year.
const MOST_RULES: usize = 400;

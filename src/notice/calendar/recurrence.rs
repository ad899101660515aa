//! How often an appointment is, in words (RFC 5545, section 3.3.10): `every 2 weeks on Mon until 24 Dec 2026`.

use calcard::icalendar::{
    ICalendarComponent, ICalendarDay, ICalendarFrequency, ICalendarProperty as Property,
    ICalendarRecurrenceRule, ICalendarValue, ICalendarWeekday,
};

use super::value;
use crate::notice::shown::Shown;

/// How often it is; empty if once.
pub(super) fn of(component: &ICalendarComponent) -> Shown {
    let rule = component.property(&Property::Rrule);
    let rule = rule.and_then(|entry| entry.values.first());
    let mut words = match rule {
        Some(ICalendarValue::RecurrenceRule(rule)) => rule_in_words(rule),
        // One that nobody can read repeats all the same.
        Some(_) => "yes".to_owned(),
        None => String::new(),
    };
    let dates = |property: &Property| {
        let entries = component.properties(property);
        let values = entries.flat_map(|entry| &entry.values);
        let days = values.filter_map(|value| value::day(value.as_partial_date_time()?));
        days.take(MOST_DAYS).collect::<Vec<_>>()
    };
    let (also, not) = (dates(&Property::Rdate), dates(&Property::Exdate));
    if !also.is_empty() {
        let and = if words.is_empty() {
            "also on"
        } else {
            ", and on"
        };
        words += &format!("{and} {}", also.join(", "));
    }
    if !not.is_empty() && !words.is_empty() {
        words += &format!(", not on {}", not.join(", "));
    }
    Shown::line(&words).cut_to(TEXT_COLUMNS)
}

fn rule_in_words(rule: &ICalendarRecurrenceRule) -> String {
    let unit = match rule.freq {
        ICalendarFrequency::Yearly => "year",
        ICalendarFrequency::Monthly => "month",
        ICalendarFrequency::Weekly => "week",
        ICalendarFrequency::Daily => "day",
        ICalendarFrequency::Hourly => "hour",
        ICalendarFrequency::Minutely => "minute",
        ICalendarFrequency::Secondly => "second",
    };
    let mut words = match rule.interval {
        None | Some(0 | 1) => format!("every {unit}"),
        Some(interval) => format!("every {interval} {unit}s"),
    };
    if !rule.byday.is_empty() {
        let (days, mut last) = (rule.byday.as_slice(), "");
        let workdays = [
            ICalendarWeekday::Monday,
            ICalendarWeekday::Tuesday,
            ICalendarWeekday::Wednesday,
            ICalendarWeekday::Thursday,
            ICalendarWeekday::Friday,
        ];
        let is_working = days.len() == workdays.len()
            && days
                .iter()
                .all(|day| day.ordwk.is_none() && workdays.contains(&day.weekday));
        // The last workday, as `BYSETPOS=-1` of all of them.
        if let [place] = rule.bysetpos[..] {
            last = match place {
                -1 => "the last of ",
                1 => "the first of ",
                _ => "some of ",
            };
        }
        let names = match is_working {
            true => "Mon to Fri".to_owned(),
            false => days.iter().map(day).collect::<Vec<_>>().join(", "),
        };
        words += &format!(" on {last}{names}");
    }
    if !rule.bymonthday.is_empty() {
        let days = rule.bymonthday.iter().map(|day| match day {
            -1 => "the last day".to_owned(),
            day if *day < 0 => format!("day {} from the end", -day),
            day => format!("the {}", ordinal(i16::from(*day))),
        });
        words += &format!(" on {}", days.collect::<Vec<_>>().join(", "));
    }
    if !rule.byyearday.is_empty() {
        let days = rule.byyearday.iter().map(|day| match day {
            day if *day < 0 => format!("{} from the end", day.unsigned_abs()),
            day => day.to_string(),
        });
        words += &format!(" on day {} of the year", listed(days));
    }
    if !rule.byweekno.is_empty() {
        let weeks = rule.byweekno.iter().map(|week| match week {
            -1 => "the last".to_owned(),
            week if *week < 0 => format!("{} from the end", week.unsigned_abs()),
            week => week.to_string(),
        });
        words += &format!(" in week {}", listed(weeks));
    }
    if !rule.bymonth.is_empty() {
        let months = rule.bymonth.iter().map(|month| {
            let place = usize::from(month.month()).wrapping_sub(1);
            MONTHS.get(place).copied().unwrap_or("?")
        });
        words += &format!(" in {}", months.collect::<Vec<_>>().join(", "));
    }
    words += &times(&rule.byhour, &rule.byminute);
    match (rule.until.as_ref().and_then(value::day), rule.count) {
        (Some(day), _) => words += &format!(" until {day}"),
        (None, Some(1)) => words += ", once",
        (None, Some(count)) => words += &format!(", {count} times"),
        (None, None) => {}
    }
    words
}

/// At which hours and minutes it is; empty if only at those of its first time.
fn times(hours: &[u8], minutes: &[u8]) -> String {
    match (hours, minutes) {
        ([], []) => String::new(),
        (hours, []) => format!(" at {} o'clock", listed(hours.iter().map(u8::to_string))),
        ([], minutes) => format!(" at minute {}", listed(minutes.iter().map(u8::to_string))),
        (hours, minutes) => {
            let times = hours.iter().flat_map(|hour| {
                let times = minutes.iter();
                times.map(move |minute| format!("{hour:02}:{minute:02}"))
            });
            format!(" at {}", listed(times))
        }
    }
}

/// So many of them as anybody reads.
fn listed(words: impl Iterator<Item = String>) -> String {
    let mut words: Vec<_> = words.take(MOST_TIMES + 1).collect();
    if words.len() > MOST_TIMES {
        words[MOST_TIMES] = "…".to_owned();
    }
    words.join(", ")
}

/// `Mon`, `1st Mon`, `last Fri`.
fn day(day: &ICalendarDay) -> String {
    let name = match day.weekday {
        ICalendarWeekday::Sunday => "Sun",
        ICalendarWeekday::Monday => "Mon",
        ICalendarWeekday::Tuesday => "Tue",
        ICalendarWeekday::Wednesday => "Wed",
        ICalendarWeekday::Thursday => "Thu",
        ICalendarWeekday::Friday => "Fri",
        ICalendarWeekday::Saturday => "Sat",
    };
    match day.ordwk {
        None | Some(0) => name.to_owned(),
        Some(-1) => format!("the last {name}"),
        Some(place @ ..0) => format!("the {} {name} from the end", ordinal(-place)),
        Some(place) => format!("the {} {name}", ordinal(place)),
    }
}

fn ordinal(number: i16) -> String {
    let end = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A day has no more hours.
const MOST_TIMES: usize = 24;

/// More days than these are not told one by one.
const MOST_DAYS: usize = 6;

/// A line or two.
const TEXT_COLUMNS: usize = 300;

//! Times in words, for the list, the reader and the status line.
//!
//! The clock and the zone are arguments: nothing here asks what time it is.

use jiff::{Timestamp, Zoned, tz::Offset, tz::TimeZone};

use super::shown::Shown;

/// How the list writes times; a key goes round them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Style {
    /// As short as can be without losing the day or the year: `now`, `12m`, `09:06`, `Sun`, `15 Nov`,
    /// `2025-10`.
    #[default]
    Smart,
    /// How long ago: `now`, `12m`, `3h`, `8d`, `2y`.
    Relative,
    /// In full: `2026-11-23 12:10`.
    Iso,
}

impl Style {
    /// Returns the style that follows on this one.
    pub fn next(self) -> Style {
        match self {
            Style::Smart => Style::Relative,
            Style::Relative => Style::Iso,
            Style::Iso => Style::Smart,
        }
    }

    /// Returns the widest that the list writes in this style, in columns.
    pub fn columns(self) -> usize {
        match self {
            Style::Smart => 7,
            Style::Relative => 4,
            Style::Iso => 16,
        }
    }
}

/// Returns a time as the list has it.
pub fn short(at: Timestamp, now: Timestamp, zone: &TimeZone, style: Style) -> Shown {
    let local = at.to_zoned(zone.clone());
    Shown::line(&match style {
        Style::Smart => smart(&local, now, zone),
        Style::Relative => relative(now.as_second() - at.as_second()),
        Style::Iso => local.strftime("%Y-%m-%d %H:%M").to_string(),
    })
}

/// Returns a time as the reader has it: `Mon 23 Nov 12:10 (2 h ago)`, with the year if it is not this
/// one, and with the sender's clock if it is set to another offset from UTC (in seconds):
/// `Mon 23 Nov 12:10 (2 h ago, 20:10 +0900 there)`.
pub fn long(at: Timestamp, offset: Option<i32>, now: Timestamp, zone: &TimeZone) -> Shown {
    let (date, there) = exactly(at, offset, now, zone);
    let ago = ago(at, now);
    Shown::line(&match there {
        Some(there) => format!("{date} ({ago}, {there})"),
        None => format!("{date} ({ago})"),
    })
}

/// The same without how long ago that is: a time that stays right while it is read out.
pub fn exact(at: Timestamp, offset: Option<i32>, now: Timestamp, zone: &TimeZone) -> Shown {
    Shown::line(&match exactly(at, offset, now, zone) {
        (date, Some(there)) => format!("{date} ({there})"),
        (date, None) => date,
    })
}

/// `Mon 23 Nov 12:10`, and the time at the sender's if that is another.
fn exactly(
    at: Timestamp,
    offset: Option<i32>,
    now: Timestamp,
    zone: &TimeZone,
) -> (String, Option<String>) {
    let local = at.to_zoned(zone.clone());
    let year = if is_this_year(&local, now, zone) {
        ""
    } else {
        " %Y"
    };
    let date = local
        .strftime(&format!("%a %-d %b{year} %H:%M"))
        .to_string();
    let there = offset.and_then(|seconds| there(at, seconds, &local));
    (date, there)
}

/// Returns how long ago a time is: `just now`, `12 min ago`, `2 h ago`, `3 days ago`, `in 5 min`.
pub fn ago(at: Timestamp, now: Timestamp) -> Shown {
    let seconds = now.as_second() - at.as_second();
    let (count, unit) = match seconds.abs() {
        0..MINUTE => return Shown::from_static("just now"),
        s @ MINUTE..HOUR => (s / MINUTE, "min"),
        s @ HOUR..DAY => (s / HOUR, "h"),
        s @ DAY..MONTH => (s / DAY, if s < 2 * DAY { "day" } else { "days" }),
        s @ MONTH..YEAR => (s / MONTH, if s < 2 * MONTH { "month" } else { "months" }),
        s => (s / YEAR, if s < 2 * YEAR { "year" } else { "years" }),
    };
    Shown::line(&match seconds < 0 {
        true => format!("in {count} {unit}"),
        false => format!("{count} {unit} ago"),
    })
}

/// Returns the time of day: `14:05`.
pub fn clock(at: Timestamp, zone: &TimeZone) -> Shown {
    Shown::line(&at.to_zoned(zone.clone()).strftime("%H:%M").to_string())
}

/// Returns the time of day with seconds: `14:05:40`.
pub fn clock_seconds(at: Timestamp, zone: &TimeZone) -> Shown {
    Shown::line(&at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string())
}

/// Returns since when something is so: `13:54` today, `Sun 18:10` within six days, `15 Nov` this
/// year, `15 Nov 2025` before.
pub fn since(at: Timestamp, now: Timestamp, zone: &TimeZone) -> Shown {
    let local = at.to_zoned(zone.clone());
    let format = match days_before(&local, now, zone) {
        0 => "%H:%M",
        1..=6 => "%a %H:%M",
        _ if is_this_year(&local, now, zone) => "%-d %b",
        _ => "%-d %b %Y",
    };
    Shown::line(&local.strftime(format).to_string())
}

fn smart(local: &Zoned, now: Timestamp, zone: &TimeZone) -> String {
    let seconds = now.as_second() - local.timestamp().as_second();
    let format = match days_before(local, now, zone) {
        _ if (0..HOUR).contains(&seconds) => return relative(seconds),
        0 => "%H:%M",
        1..=6 => "%a",
        _ if is_this_year(local, now, zone) => "%-d %b",
        _ => "%Y-%m",
    };
    local.strftime(format).to_string()
}

fn relative(seconds: i64) -> String {
    match seconds {
        ..MINUTE => "now".to_owned(),
        s @ MINUTE..HOUR => format!("{}m", s / MINUTE),
        s @ HOUR..DAY => format!("{}h", s / HOUR),
        s @ DAY..YEAR => format!("{}d", s / DAY),
        s => format!("{}y", s / YEAR),
    }
}

/// Returns the sender's clock, unless it shows what ours does.
fn there(at: Timestamp, seconds: i32, local: &Zoned) -> Option<String> {
    let offset = Offset::from_seconds(seconds).ok()?;
    let there = at.to_zoned(offset.to_time_zone());
    let day = if there.date() == local.date() {
        ""
    } else {
        "%a "
    };
    let format = format!("{day}%H:%M %z there");
    (there.offset() != local.offset()).then(|| there.strftime(&format).to_string())
}

/// Returns how many midnights lie between the two.
fn days_before(local: &Zoned, now: Timestamp, zone: &TimeZone) -> i32 {
    let today = now.to_zoned(zone.clone()).date();
    (today - local.date()).get_days()
}

fn is_this_year(local: &Zoned, now: Timestamp, zone: &TimeZone) -> bool {
    now.to_zoned(zone.clone()).year() == local.year()
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const MONTH: i64 = 30 * DAY;
const YEAR: i64 = 365 * DAY;

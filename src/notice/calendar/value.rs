//! Days, times and distances from UTC as a calendar has them.

use calcard::common::PartialDateTime;
use jiff::{civil, tz::Offset};

/// A day in words; none if it is none.
pub(super) fn day(value: &PartialDateTime) -> Option<String> {
    let (at, _) = civil(value)?;
    Some(at.strftime("%-d %b %Y").to_string())
}

/// A day or a time; true if it is a day.
pub(super) fn civil(value: &PartialDateTime) -> Option<(civil::DateTime, bool)> {
    let small = |value: u8| i8::try_from(value).ok();
    let (year, month, day) = (i16::try_from(value.year?).ok()?, value.month?, value.day?);
    let date = civil::Date::new(year, small(month)?, small(day)?).ok()?;
    let Some(hour) = value.hour else {
        return Some((date.to_datetime(civil::Time::midnight()), true));
    };
    let minute = value.minute.unwrap_or_default();
    let time = civil::Time::new(small(hour)?, small(minute)?, 0, 0).ok()?;
    Some((date.to_datetime(time), false))
}

/// How far a zone is from UTC.
pub(super) fn offset(value: &PartialDateTime) -> Option<Offset> {
    let minutes = i32::from(value.tz_hour?) * 60 + i32::from(value.tz_minute.unwrap_or_default());
    let sign = if value.tz_minus { -1 } else { 1 };
    Offset::from_seconds(sign * minutes * 60).ok()
}

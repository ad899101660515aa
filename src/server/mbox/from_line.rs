//! From_ lines: `From `, the envelope's sender, and a date (RFC 4155 appendix A), as all kinds of
//! programs write them.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Longer ones are no From_ lines: an address has at most 254 octets (RFC 5321 §4.5.3.1).
const LONGEST: usize = 1000;

/// True for `From ` and, somewhere behind it, a date; `From here on` starts no message.
pub fn is_from_line(line: &[u8]) -> bool {
    date(line).is_some()
}

/// When the message was delivered, as its From_ line has it: none if the line is none, or if its date
/// cannot be. The zone is left out as often as it is there, so it is taken for UTC: right to the day.
pub fn delivered_at(line: &[u8]) -> Option<Timestamp> {
    let date = date(line)?;
    let number = |text: &str| text.parse::<i16>().ok();
    let mut clock = date.time.split(':').map(number);
    let mut part = || {
        clock
            .next()
            .flatten()
            .and_then(|part| i8::try_from(part).ok())
    };
    let (hour, minute, second) = (part()?, part()?, part().unwrap_or(0));
    let date = DateTime::new(
        number(date.year)?,
        i8::try_from(date.month).ok()?,
        i8::try_from(number(date.day)?).ok()?,
        hour,
        minute,
        second,
        0,
    );
    let zoned = date.ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

/// Stands in the place of the weekday's first letter while a message is being written: a delivery that
/// is killed leaves a From_ line that begins no message. No other line can look like it, because lines
/// of mail that begin with `From ` are quoted.
pub const MASK: u8 = b'?';

/// Where in a From_ line of ours the weekday's first letter stands.
pub fn mask_at(line: &[u8]) -> Option<usize> {
    let sender = line.strip_prefix(b"From ")?;
    let space = memchr::memchr(b' ', sender)?;
    Some(b"From ".len() + space + 1)
}

/// True for the From_ line of a message that was not written to its end; the line itself may be cut.
pub fn is_masked(line: &[u8]) -> bool {
    let Some(behind) = mask_at(line).and_then(|at| line.get(at..)?.strip_prefix(&[MASK])) else {
        return false;
    };
    DAYS.iter().any(|day| {
        let rest = &day.as_bytes()[1..];
        let length = rest.len().min(behind.len());
        behind[..length] == rest[..length]
    })
}

/// The parts of a date; what they say is not looked at.
struct Date<'a> {
    year: &'a str,
    /// From 1.
    month: usize,
    day: &'a str,
    time: &'a str,
}

fn date(line: &[u8]) -> Option<Date<'_>> {
    let rest = line.strip_prefix(b"From ")?;
    if line.len() > LONGEST {
        return None;
    }
    // What is no UTF-8 is no date; it may stand in the sender before it.
    let words: Vec<&str> = rest
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .map(|word| std::str::from_utf8(word).unwrap_or("?"))
        .collect();
    (0..words.len().saturating_sub(3)).find_map(|at| date_at(&words[at..]))
}

fn date_at<'a>(words: &[&'a str]) -> Option<Date<'a>> {
    let &[weekday, second, third, fourth, ..] = words else {
        return None;
    };
    if !DAYS.contains(&weekday.trim_end_matches(',')) {
        return None;
    }
    let month = |word: &str| {
        MONTHS
            .iter()
            .position(|name| *name == word)
            .map(|at| at + 1)
    };
    let behind = words.iter().skip(4).take(3);
    if let Some(month) = month(second) {
        // asctime: Mon Nov 23 10:00:00 [zone] 2026
        let year = behind.copied().find(|word| is_year(word))?;
        (is_number(third, 2) && is_time(fourth)).then_some(Date {
            year,
            month,
            day: third,
            time: fourth,
        })
    } else {
        // As in a Date field: Mon, 23 Nov 2026 10:00:00
        let month = month(third)?;
        (is_number(second, 2) && is_year(fourth)).then_some(Date {
            year: fourth,
            month,
            day: second,
            time: behind.copied().find(|word| is_time(word)).unwrap_or("0:0"),
        })
    }
}

fn is_number(word: &str, longest: usize) -> bool {
    (1..=longest).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit())
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && is_number(word, 4)
}

fn is_time(word: &str) -> bool {
    let mut parts = word.split(':');
    parts.next().is_some_and(|hour| is_number(hour, 2))
        && parts.next().is_some_and(|minute| is_number(minute, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_kinds_of_programs_are_read() {
        for line in [
            "From anna@team.example Mon Nov 23 10:00:05 2026",
            "From anna@team.example  Mon Nov 23 10:00:05 2026",
            "From anna@team.example Mon Nov 23 10:00:05 CET 2026",
            "From anna@team.example Mon Nov 23 10:00:05 +0100 2026 remote from host",
            "From MAILER-DAEMON Mon, 23 Nov 2026 10:00:05 +0000",
            "From odd name@team.example Mon Nov 23 10:00:05 2026",
        ] {
            let at = delivered_at(line.as_bytes()).map(|at| at.to_string());
            assert_eq!(at.as_deref(), Some("2026-11-23T10:00:05Z"), "{line}");
        }
    }

    #[test]
    fn a_line_without_a_date_that_can_be_has_none() {
        for line in [
            "From tomorrow on, the office is closed.",
            "From anna@team.example Mon Feb 31 10:00:05 2026",
            "From anna@team.example Mon Nov 23 99:00:05 2026",
            "From anna@team.example",
            "Subject: From Mon Nov 23 10:00:05 2026",
        ] {
            assert_eq!(delivered_at(line.as_bytes()), None, "{line}");
        }
    }
}

//! Dates as programs write them: RFC 5322 §3.3, its older forms (§4.3), and what is neither. What may be one day or
//! another is none.

use jiff::{Timestamp, ToSpan, civil, tz::Offset};

/// Reads a date, and its offset from UTC in seconds; one without a zone is taken for UTC (RFC 5322 §4.3, on
/// `-0000`), one without a time of day gets this one.
pub(super) fn read(words: &str, without_time: civil::Time) -> Option<(Timestamp, i32)> {
    if words.len() > MOST_OCTETS {
        return None;
    }
    let mut date = Found::default();
    let words = without_comments(words)
        .replace(['年', '月'], "-")
        .replace('時', ":")
        .replace(['日', '分', '秒'], " ");
    for word in words.split(|c: char| c.is_whitespace() || c == ',') {
        date.take(word.trim_matches(['.', '"', '\'', '[', ']']))?;
    }
    date.moment(without_time)
}

/// What was found so far.
#[derive(Debug, Default)]
struct Found {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    /// Hour (to 24), minute, second.
    time: Option<(i8, i8, i8)>,
    /// True for the half of the day after noon.
    is_afternoon: Option<bool>,
    offset: Option<i32>,
}

impl Found {
    /// Takes a word over; none if it makes all of it doubtful.
    fn take(&mut self, word: &str) -> Option<()> {
        let Some(first) = word.chars().next() else {
            return Some(());
        };
        if let Some(at) = word.find(['T', 't']).filter(|at| *at >= 8)
            && first.is_ascii_digit()
        {
            // ISO 8601.
            self.take(&word[..at])?;
            return self.take(&word[at + 1..]);
        }
        if first.is_ascii_digit() && word.contains(':') {
            return self.time(word);
        }
        if matches!(first, '+' | '-') {
            self.offset = hours(word).or(self.offset);
            return Some(());
        }
        if first.is_ascii_digit() {
            // `23Nov2026`
            let month = word.find(char::is_alphabetic).unwrap_or(word.len());
            let end = word.rfind(char::is_alphabetic).unwrap_or(0) + 1;
            if end - month.min(end) >= 3 && word.is_char_boundary(end) && end < word.len() {
                let is_glued = word[..month].bytes().all(|octet| octet.is_ascii_digit())
                    && word[end..].bytes().all(|octet| octet.is_ascii_digit());
                if is_glued {
                    self.number(&word[..month])?;
                    self.name(&word[month..end]);
                    return self.number(&word[end..]);
                }
            }
            return self.day_of(word);
        }
        self.name(word);
        Some(())
    }

    /// `10:00`, `10:00:00.5`, and what stands right behind it: a zone, or half of the day.
    fn time(&mut self, word: &str) -> Option<()> {
        let end = word
            .find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.'))
            .unwrap_or(word.len());
        let mut parts = word[..end].splitn(3, ':');
        let (hour, minute) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let second = match parts.next() {
            Some(second) => second.split(['.', ':']).next()?.parse().ok()?,
            None => 0,
        };
        if hour > 24 || minute > 59 || second > 60 {
            return None;
        }
        // A leap second is the one before it.
        self.time = Some((hour, minute, second.min(59)));
        self.take(&word[end..])
    }

    /// `5`, `05`, `5th`, `2026`, `26`, `5-Nov-2026`, `2026-11-05`, `2026/11/05`, `05.11.2026`.
    fn day_of(&mut self, word: &str) -> Option<()> {
        if word.bytes().all(|octet| octet.is_ascii_digit()) {
            return self.number(word);
        }
        let parts: Vec<&str> = word
            .split(['-', '/', '.'])
            .filter(|part| !part.is_empty())
            .collect();
        match parts[..] {
            [year, month, day] if year.len() == 4 => {
                self.number(year)?;
                (self.month, self.day) = (Some(month.parse().ok()?), Some(day.parse().ok()?));
            }
            [day, month, year] if month.starts_with(char::is_alphabetic) => {
                self.day = Some(day.parse().ok()?);
                self.name(month);
                self.year = Some(full_year(year)?);
            }
            // `12.10.00` behind a date is a time.
            [_, _, _] if word.contains('.') && self.month.is_some() && self.year.is_some() => {
                return self.time(&word.replace('.', ":"));
            }
            [one, other, year] => {
                let (one, other): (i8, i8) = (one.parse().ok()?, other.parse().ok()?);
                let (day, month) = match (one > 12, other > 12, word.contains('.')) {
                    (true, false, _) | (_, _, true) => (one, other),
                    (false, true, false) => (other, one),
                    // The fifth of November, or the eleventh of May.
                    _ if one != other => return None,
                    _ => (one, other),
                };
                (self.day, self.month) = (Some(day), Some(month));
                self.year = Some(full_year(year)?);
            }
            [number, ..] => {
                let digits = number.trim_end_matches(|c: char| c.is_ascii_alphabetic());
                if ["st", "nd", "rd", "th"].contains(&&number[digits.len()..]) {
                    return self.number(digits);
                }
            }
            [] => {}
        }
        Some(())
    }

    fn number(&mut self, digits: &str) -> Option<()> {
        match (digits.len(), self.day, self.year) {
            (1 | 2, None, _) => self.day = Some(digits.parse().ok()?),
            (2..=4, _, None) => self.year = Some(full_year(digits)?),
            _ => {}
        }
        Some(())
    }

    /// A month, half of the day, a zone; others say nothing.
    fn name(&mut self, word: &str) {
        let lower = word.to_lowercase();
        let end = lower.find(['+', '-']).unwrap_or(lower.len());
        let (name, behind) = lower.split_at(end);
        match name {
            "am" | "a.m" => self.is_afternoon = Some(false),
            "pm" | "p.m" => self.is_afternoon = Some(true),
            _ => {}
        }
        let month = MONTHS.iter().position(|names| {
            let mut names = names.split(' ');
            name.chars().count() >= 3 && names.any(|whole| whole.starts_with(name))
        });
        // `mar.` is a Tuesday too: the last one counts.
        self.month = month
            .and_then(|month| i8::try_from(month + 1).ok())
            .or(self.month);
        let zone = ZONES.iter().find(|(zone, _)| *zone == name);
        if let Some((_, quarters)) = zone {
            // `GMT+0200`.
            self.offset = Some(hours(behind).unwrap_or(quarters * 900));
        }
    }

    fn moment(&self, without_time: civil::Time) -> Option<(Timestamp, i32)> {
        let date = civil::Date::new(self.year?, self.month?, self.day?).ok()?;
        let time = match (self.time, self.is_afternoon) {
            (None, _) => date.to_datetime(without_time),
            (Some((24, 0, 0)), None) => date.tomorrow().ok()?.to_datetime(civil::Time::midnight()),
            (Some((hour, minute, second)), half) => {
                let hour = match half {
                    Some(_) if hour == 0 || hour > 12 => return None,
                    Some(is_afternoon) => hour % 12 + if is_afternoon { 12 } else { 0 },
                    None => hour,
                };
                date.to_datetime(civil::Time::new(hour, minute, second, 0).ok()?)
            }
        };
        let offset = self.offset.unwrap_or(0);
        let utc = Offset::UTC.to_timestamp(time).ok()?;
        Some((utc.checked_sub(i64::from(offset).seconds()).ok()?, offset))
    }
}

/// `+0200`, `+02:00`, `-5` in seconds.
fn hours(zone: &str) -> Option<i32> {
    let sign = match zone.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.as_str(), "0"),
        4 => digits.split_at(2),
        _ => return None,
    };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// RFC 5322 §4.3: of two digits those below 50 are of this century, of three they count from 1900.
fn full_year(digits: &str) -> Option<i16> {
    let year: i16 = digits.parse().ok()?;
    Some(match digits.len() {
        2 if year < 50 => year + 2000,
        // `0026`
        4 if year < 50 => year + 2000,
        2 | 3 => year + 1900,
        4 => year,
        _ => return None,
    })
}

/// The words without what stands in parentheses.
fn without_comments(words: &str) -> String {
    let mut depth = 0_u32;
    words
        .chars()
        .filter(|c| {
            depth += u32::from(*c == '(');
            let is_outside = depth == 0;
            depth = depth.saturating_sub(u32::from(*c == ')'));
            is_outside
        })
        .collect()
}

/// No date is longer.
const MOST_OCTETS: usize = 200;

/// The months in English, German, French, Spanish, Italian, Portuguese and Dutch.
const MONTHS: [&str; 12] = [
    "january januar janvier enero gennaio janeiro",
    "february februar février fevrier febrero febbraio fevereiro",
    "march märz maerz mrz mars marzo março maart",
    "april avril abril",
    "may mai mayo maggio maio mei",
    "june juin junio giugno junho",
    "july juli juillet julio luglio julho",
    "august août aout agosto augustus",
    "september septembre septiembre settembre setembro",
    "october oktober octobre octubre ottobre outubro",
    "november novembre noviembre novembro",
    "december dezember décembre decembre diciembre dicembre dezembro",
];

/// Zones by name, in quarters of an hour from UTC: those of RFC 5322 §4.3, and others that mean one thing.
const ZONES: [(&str, i32); 29] = [
    ("z", 0),
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("wet", 0),
    ("est", -20),
    ("edt", -16),
    ("cst", -24),
    ("cdt", -20),
    ("mst", -28),
    ("mdt", -24),
    ("pst", -32),
    ("pdt", -28),
    ("bst", 4),
    ("west", 4),
    ("cet", 4),
    ("mez", 4),
    ("cest", 8),
    ("mesz", 8),
    ("eet", 8),
    ("eest", 12),
    ("msk", 12),
    ("hkt", 32),
    ("sgt", 32),
    ("jst", 36),
    ("kst", 36),
    ("aest", 40),
    ("aedt", 44),
    ("nzst", 48),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_however_it_is_written() {
        for words in [
            "Thu, 5 Nov 2026 10:00:00 +0000",
            "Thu, 05 Nov 2026 10:00 GMT",
            "5 Nov 26 10:00:00 UT",
            "Thursday, 5 November 2026 12:00:00 +0200 (CEST (summer))",
            "Thu Nov  5 10:00:00 2026",
            "Thu Nov  5 11:00:00 CET 2026",
            "Thu, 5 Nov 2026 12:00:00 GMT+0200",
            "Thu, 5 Nov 2026 12:00:00 UTC+02:00",
            "Thu, 5 Nov 2026 05:00:00 EST",
            "2026-11-05T10:00:00Z",
            "2026-11-05T11:00:00.123+01:00",
            "2026-11-05 10:00:00",
            "2026/11/05 10:00:00 +0000",
            "Nov 5, 2026 10:00 AM",
            "November 5th, 2026, 10:00:00",
            "5-Nov-2026 10:00:00",
            "Do, 05.11.2026 11:00 MEZ",
            "25/11/2026 10:00",
            "jeu. 5 nov. 2026 10:00:00 +0000",
            "Thu,5 Nov 2026 10:00:00+0000",
            "Thu, 5 Nov 2026 10:00:00 -0000",
            "Thu, 5 Nov 126 10:00:00 GMT",
            "Thu, 5 Nov 2026 10.00.00 +0000",
            "Thu,5Nov2026 10:00:00 +0000",
            "2026年11月5日 10:00:00 +0000",
            "Thu, 05 Nov 0026 10:00:00 +0000",
            "Thu, 5 Nov 2026 02:00:00 -0800 From: Mail Delivery System",
        ] {
            let day = if words.starts_with("25/") { 25 } else { 5 };
            let expected = format!("2026-11-{day:02}T10:00:00Z");
            let read = read(words, civil::Time::midnight()).map(|(at, _)| at);
            assert_eq!(read.map(second), Some(expected), "{words}");
        }
    }

    #[test]
    fn times_of_day_in_two_halves_and_at_midnight() {
        for (words, expected) in [
            ("5 Dez 2026 10:30 PM", "2026-12-05T22:30:00Z"),
            ("5 Dec 2026 12:00 AM", "2026-12-05T00:00:00Z"),
            ("5 Dec 2026 12:00pm", "2026-12-05T12:00:00Z"),
            ("31 Dec 2026 24:00:00", "2027-01-01T00:00:00Z"),
            ("5 Dec 2026 23:59:60", "2026-12-05T23:59:59Z"),
            ("2026-12-05", "2026-12-05T23:59:59Z"),
        ] {
            let read = read(words, civil::time(23, 59, 59, 0)).map(|(at, _)| at);
            assert_eq!(read.map(second).as_deref(), Some(expected), "{words}");
        }
    }

    #[test]
    fn what_may_be_two_days_or_is_none_is_not_read() {
        for words in [
            "11/05/2026 10:00:00 +0000",
            "yesterday",
            "",
            "31 Feb 2026 10:00",
            "5 Nov 2026 25:00",
            "5 Nov 2026 13:00 PM",
            "5 Nov",
            "(5 Nov 2026",
            "99999999999999999999 Nov 2026",
            "ああ 5 Tttttttt 2026-é",
        ] {
            assert_eq!(read(words, civil::Time::midnight()), None, "{words}");
        }
    }

    fn second(at: Timestamp) -> String {
        at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

//! Appointments in mail (RFC 5545, RFC 5546): what, when, where, in a few lines.
//!
//! It reads the fields that a reader asks for, from the first event of a calendar, and shows its
//! times as the sender wrote them. It does not compute recurrences or clashes.

use jiff::civil;

use super::{
    Run, Style,
    body::{Block, Content, Table},
    shown::Shown,
};

/// Returns the blocks that say what a calendar is about; none if there is no event in it.
pub fn blocks(calendar: &str) -> Vec<Block> {
    let Some(event) = Event::parse(calendar) else {
        return Vec::new();
    };
    let rows = event
        .rows()
        .into_iter()
        .filter(|(_, value)| !value.is_empty());
    let rows = rows.map(|(label, value)| {
        let label = Run {
            text: Shown::from_static(label),
            style: Style::Strong,
            link: None,
        };
        vec![
            vec![label],
            vec![Run {
                text: value,
                style: Style::Text,
                link: None,
            }],
        ]
    });
    let table = Table {
        headed: false,
        rows: rows.collect(),
    };
    vec![Block::new(Content::Table(table)), Block::gap()]
}

/// One line of a calendar, unfolded: `DTSTART;TZID=Europe/Berlin:20261124T140000`.
struct Property<'c> {
    name: &'c str,
    parameters: &'c str,
    value: &'c str,
}

impl<'c> Property<'c> {
    fn parse(line: &'c str) -> Option<Property<'c>> {
        let mut is_quoted = false;
        let colon = line.find(|c| {
            is_quoted ^= c == '"';
            c == ':' && !is_quoted
        })?;
        let (head, value) = (&line[..colon], &line[colon + 1..]);
        let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
        Some(Property {
            name: name.trim(),
            parameters,
            value: value.trim(),
        })
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn parameter(&self, wanted: &str) -> Option<&'c str> {
        let mut pairs = self
            .parameters
            .split(';')
            .filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim_matches('"'))
    }

    /// Returns the value as text: its escapes undone (RFC 5545, section 3.3.11), in one line.
    fn text(&self) -> Shown {
        let undone = self
            .value
            .replace("\\n", " ")
            .replace("\\N", " ")
            .replace("\\,", ",")
            .replace("\\;", ";")
            .replace("\\\\", "\\");
        Shown::line(&undone).cut_to(TEXT_COLUMNS)
    }
}

/// What a reader asks about an event.
#[derive(Default)]
struct Event {
    method: String,
    summary: Shown,
    start: Option<Moment>,
    end: Option<Moment>,
    place: Shown,
    organizer: Shown,
    guests: usize,
    status: Shown,
    repeats: Shown,
}

impl Event {
    fn parse(calendar: &str) -> Option<Event> {
        let unfolded = calendar
            .replace("\r\n", "\n")
            .replace("\n ", "")
            .replace("\n\t", "");
        let mut event = Event::default();
        let mut inside: Vec<&str> = Vec::new();
        let mut is_found = false;
        for property in unfolded.lines().take(LINES).filter_map(Property::parse) {
            if property.is("BEGIN") {
                inside.push(property.value);
                is_found |= is_event(property.value);
            } else if property.is("END") {
                inside.pop();
                if is_event(property.value) {
                    break;
                }
            } else if property.is("METHOD") {
                event.method = property.value.to_ascii_uppercase();
            } else if inside.last().is_some_and(|component| is_event(component)) {
                event.take(&property);
            }
        }
        is_found.then_some(event)
    }

    fn take(&mut self, property: &Property) {
        match property.name.to_ascii_uppercase().as_str() {
            "SUMMARY" => self.summary = property.text(),
            "DTSTART" => self.start = Moment::parse(property),
            "DTEND" | "DUE" => self.end = Moment::parse(property),
            "LOCATION" => self.place = property.text(),
            "ORGANIZER" => self.organizer = person(property),
            "ATTENDEE" => self.guests += 1,
            "STATUS" => self.status = property.text(),
            "RRULE" => self.repeats = repetition(property.value),
            _ => {}
        }
    }

    fn rows(&self) -> [(&'static str, Shown); 6] {
        let guests = match self.guests {
            0 => self.organizer.clone(),
            1 => Shown::line(&format!("{}, 1 guest", self.organizer)),
            guests => Shown::line(&format!("{}, {guests} guests", self.organizer)),
        };
        let kind = match (
            self.method.as_str(),
            self.status.to_ascii_uppercase().as_str(),
        ) {
            ("CANCEL", _) | (_, "CANCELLED") => "cancelled",
            ("REPLY", _) => "an answer to an invitation",
            ("REQUEST", _) => "an invitation",
            ("COUNTER", _) => "another time is proposed",
            (_, "TENTATIVE") => "not certain yet",
            _ => "",
        };
        [
            ("What", self.summary.clone()),
            ("When", self.when()),
            ("Repeats", self.repeats.clone()),
            ("Where", self.place.clone()),
            ("Who", guests),
            ("This is", Shown::from_static(kind)),
        ]
    }

    /// Returns `Tue 24 Nov 2026 14:00 - 15:00 (Europe/Berlin)`.
    fn when(&self) -> Shown {
        let Some(start) = &self.start else {
            return Shown::default();
        };
        let from = start.words();
        let until = match &self.end {
            Some(end) if end.at == start.at => String::new(),
            Some(end) if end.is_day => {
                // The end of whole days is the day after them.
                let last = end.at.date().yesterday().unwrap_or(end.at.date());
                let day = Moment {
                    at: last.at(0, 0, 0, 0),
                    ..end.clone()
                };
                if last <= start.at.date() {
                    String::new()
                } else {
                    format!(" - {}", day.words())
                }
            }
            Some(end) if end.at.date() == start.at.date() => {
                format!(" - {}", end.at.strftime("%H:%M"))
            }
            Some(end) => format!(" - {}", end.words()),
            None => String::new(),
        };
        let zone = if start.zone.is_empty() {
            String::new()
        } else {
            format!(" ({})", start.zone)
        };
        Shown::line(&format!("{from}{until}{zone}"))
    }
}

/// A day, or a time as a clock in some zone shows it.
#[derive(Clone)]
struct Moment {
    at: civil::DateTime,
    is_day: bool,
    zone: Shown,
}

impl Moment {
    fn parse(property: &Property) -> Option<Moment> {
        let digits: String = property
            .value
            .chars()
            .filter(char::is_ascii_digit)
            .take(14)
            .collect();
        let number = |from: usize, to: usize| {
            digits
                .get(from..to)
                .and_then(|part| part.parse::<i16>().ok())
        };
        let small =
            |from: usize, to: usize| number(from, to).and_then(|value| i8::try_from(value).ok());
        let date = civil::Date::new(number(0, 4)?, small(4, 6)?, small(6, 8)?).ok()?;
        let is_day = digits.len() < 12;
        let time = match is_day {
            true => civil::Time::midnight(),
            false => civil::Time::new(small(8, 10)?, small(10, 12)?, 0, 0).ok()?,
        };
        let zone = match property.value.ends_with(['Z', 'z']) {
            true => "UTC",
            false => property.parameter("TZID").unwrap_or_default(),
        };
        Some(Moment {
            at: date.to_datetime(time),
            is_day,
            zone: Shown::line(zone).cut_to(ZONE_COLUMNS),
        })
    }

    fn words(&self) -> String {
        let format = if self.is_day {
            "%a %-d %b %Y"
        } else {
            "%a %-d %b %Y %H:%M"
        };
        self.at.strftime(format).to_string()
    }
}

fn is_event(component: &str) -> bool {
    component.eq_ignore_ascii_case("VEVENT") || component.eq_ignore_ascii_case("VTODO")
}

fn person(property: &Property) -> Shown {
    let address = property
        .value
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
        .map_or(property.value, |_| &property.value[7..]);
    match property
        .parameter("CN")
        .filter(|name| !name.eq_ignore_ascii_case(address))
    {
        Some(name) => Shown::line(&format!("{name} <{address}>")),
        None => Shown::line(address),
    }
}

/// Returns a rule in words (RFC 5545, section 3.3.10): `every 2 weeks until 24 Dec 2026`.
fn repetition(rule: &str) -> Shown {
    let field = |wanted: &str| {
        rule.split(';')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value)
    };
    let unit = match field("FREQ")
        .unwrap_or_default()
        .to_ascii_uppercase()
        .as_str()
    {
        "DAILY" => "day",
        "WEEKLY" => "week",
        "MONTHLY" => "month",
        "YEARLY" => "year",
        "HOURLY" => "hour",
        _ => return Shown::from_static("yes"),
    };
    let every = match field("INTERVAL").and_then(|interval| interval.parse::<u32>().ok()) {
        None | Some(0 | 1) => format!("every {unit}"),
        Some(interval) => format!("every {interval} {unit}s"),
    };
    let days = field("BYDAY").map(|days| {
        format!(
            " on {}",
            days.split(',').map(day_name).collect::<Vec<_>>().join(", ")
        )
    });
    let until = Property {
        name: "UNTIL",
        parameters: "",
        value: field("UNTIL").unwrap_or_default(),
    };
    let end = match (Moment::parse(&until), field("COUNT")) {
        (Some(end), _) => format!(" until {}", end.at.strftime("%-d %b %Y")),
        (None, Some(count)) => format!(", {count} times"),
        (None, None) => String::new(),
    };
    Shown::line(&format!("{every}{}{end}", days.unwrap_or_default())).cut_to(TEXT_COLUMNS)
}

fn day_name(code: &str) -> String {
    let names = [
        ("MO", "Mon"),
        ("TU", "Tue"),
        ("WE", "Wed"),
        ("TH", "Thu"),
        ("FR", "Fri"),
        ("SA", "Sat"),
        ("SU", "Sun"),
    ];
    let named = names
        .iter()
        .find_map(|(short, name)| code.strip_suffix(short).map(|which| (which, name)));
    named.map_or(code.to_owned(), |(which, name)| {
        if which.is_empty() {
            (*name).to_owned()
        } else {
            format!("{which}. {name}")
        }
    })
}

/// A calendar of a whole company is a file; its first event stands near the top.
const LINES: usize = 20_000;

/// A title or a place is one line.
const TEXT_COLUMNS: usize = 300;

/// Names of zones are short; made-up ones need not be shown whole.
const ZONE_COLUMNS: usize = 40;

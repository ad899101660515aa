//! Values that are written as text: lengths of time, sizes, when a notice counts as read.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// When a notice counts as read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MarkRead {
    /// Once its text was on the screen for this long, or was scrolled.
    After(Duration),
    /// Once it is opened.
    Open,
    /// Only by key.
    Never,
}

impl Default for MarkRead {
    fn default() -> MarkRead {
        MarkRead::After(Duration::from_secs(2))
    }
}

/// A length of time, written as `"30s"`, `"1m"`, `"2h"`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, PartialOrd, Ord)]
pub struct Interval(pub Duration);

impl Default for Interval {
    fn default() -> Interval {
        Interval(Duration::from_secs(60))
    }
}

/// A length of time in days at least, written as `"14d"`; `"all"` and `"none"` are its ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Age {
    /// Everything starts as unread.
    All,
    /// What is older than this starts as read.
    Within(Duration),
    /// Nothing starts as unread.
    None,
}

impl Default for Age {
    fn default() -> Age {
        Age::Within(Duration::from_secs(14 * 86_400))
    }
}

/// A number of octets, written as `50000000` or `"50MB"`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Size(pub u64);

impl Default for Size {
    /// 50 MB: the largest mail that common servers take.
    fn default() -> Size {
        Size(50_000_000)
    }
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Interval, String> {
        let span: jiff::Span = text
            .parse()
            .map_err(|_| format!("`{text}` is not a length of time: write 30s, 1m or 2h"))?;
        let seconds = span
            .total((
                jiff::Unit::Second,
                jiff::SpanRelativeTo::days_are_24_hours(),
            ))
            .map_err(|_| format!("`{text}` is not a length of time that can be counted"))?;
        if seconds < 1.0 {
            return Err(format!("`{text}` is too short: the least is 1s"));
        }
        Ok(Interval(Duration::from_secs_f64(seconds)))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0.as_secs() {
            seconds if seconds % 86_400 == 0 => write!(f, "{}d", seconds / 86_400),
            seconds if seconds % 3_600 == 0 => write!(f, "{}h", seconds / 3_600),
            seconds if seconds % 60 == 0 => write!(f, "{}m", seconds / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Age, String> {
        match text {
            "all" => Ok(Age::All),
            "none" => Ok(Age::None),
            span => Interval::from_str(span).map(|interval| Age::Within(interval.0)),
        }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Age::All => f.write_str("all"),
            Age::Within(time) => Interval(*time).fmt(f),
            Age::None => f.write_str("none"),
        }
    }
}

impl FromStr for MarkRead {
    type Err = String;

    fn from_str(text: &str) -> Result<MarkRead, String> {
        match text {
            "open" => Ok(MarkRead::Open),
            "never" => Ok(MarkRead::Never),
            time => Interval::from_str(time)
                .map(|interval| MarkRead::After(interval.0))
                .map_err(|_| format!("`{text}` is none of \"2s\", \"open\", \"never\"")),
        }
    }
}

impl fmt::Display for MarkRead {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            MarkRead::After(time) => Interval(*time).fmt(f),
            MarkRead::Open => f.write_str("open"),
            MarkRead::Never => f.write_str("never"),
        }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let wrong = || format!("`{text}` is not a size: write 50MB, 800KB or a number of octets");
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
        let unit: u64 = match text[digits.len()..].trim().to_ascii_uppercase().as_str() {
            "" | "B" => 1,
            "K" | "KB" => 1_000,
            "M" | "MB" => 1_000_000,
            "G" | "GB" => 1_000_000_000,
            _ => return Err(wrong()),
        };
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        number.checked_mul(unit).map(Size).ok_or_else(wrong)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            octets if octets % 1_000_000 == 0 => write!(f, "{}MB", octets / 1_000_000),
            octets if octets % 1_000 == 0 => write!(f, "{}KB", octets / 1_000),
            octets => write!(f, "{octets}"),
        }
    }
}

/// Lets a type that parses from and prints as text do so in the settings too.
macro_rules! as_text {
    ($($kind:ty),*) => {$(
        impl Serialize for $kind {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$kind, D::Error> {
                #[derive(Deserialize)]
                #[serde(untagged)]
                enum Either {
                    Text(String),
                    Number(u64),
                }
                let text = match Either::deserialize(deserializer)? {
                    Either::Text(text) => text,
                    Either::Number(number) => number.to_string(),
                };
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

as_text!(Interval, Age, MarkRead, Size);

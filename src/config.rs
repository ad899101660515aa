//! The settings as plain data, parsed once from a TOML file.
//!
//! This room knows no other. It says what may be set, what the defaults are, and where a mistake is
//! (line, column, nearest name). Editing the file and keeping its comments is `config::file`'s job.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use serde::{Deserialize, Serialize};

pub mod file;

/// All that a settings file may say. Paths are as written; `~/` is the home folder.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Settings {
    /// Where the caches are kept; the platform's data folder if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// Where `save` puts attachments; the platform's download folder if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_dir: Option<PathBuf>,
    /// Time between two checks of a mailbox, unless the mailbox says otherwise.
    pub check_every: Interval,
    /// Largest message that is fetched whole, in octets.
    pub largest_message: Size,
    /// How long connecting may take, and then the TLS handshake.
    pub connect_timeout: Interval,
    /// How long a server may be silent before it answers, and within an answer.
    pub answer_timeout: Interval,
    /// What tells of new notices: `"title"`, `"bell"`, `"osc9"`, or a command.
    pub notify: Vec<Notify>,
    /// When a notice counts as read.
    pub mark_read: MarkRead,
    /// The screen.
    pub screen: Screen,
    /// The keys: a preset, and changes to it by mode.
    pub keys: Keys,
    /// The mailboxes, the first one being the one opened when none is named.
    #[serde(rename = "mailbox", skip_serializing_if = "Vec::is_empty")]
    pub mailboxes: Vec<Mailbox>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            data_dir: None,
            download_dir: None,
            check_every: Interval::default(),
            largest_message: Size::default(),
            // Longer than any healthy path takes, short enough for a person to wait.
            connect_timeout: Interval(Duration::from_secs(20)),
            // Some servers copy the whole maildrop before they answer PASS.
            answer_timeout: Interval(Duration::from_secs(60)),
            notify: vec![Notify::Terminal(TerminalNotice::Title)],
            mark_read: MarkRead::default(),
            screen: Screen::default(),
            keys: Keys::default(),
            mailboxes: Vec::new(),
        }
    }
}

/// One shared mailbox: where it is, and whose account opens it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Mailbox {
    /// The name on the screen and on the command line.
    pub name: String,
    /// The server's name or address.
    pub host: String,
    /// The server's port; 995 or 110, by `tls`, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: Tls,
    /// The account's name.
    pub user: String,
    /// A program and its arguments that prints the password.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub password_command: Vec<String>,
    /// The environment variable that holds the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// A file, readable by nobody else, whose first line is the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The password itself.
    #[serde(default, skip_serializing_if = "Password::is_absent")]
    pub password: Password,
    /// Certificates (PEM) trusted besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the one certificate that is trusted, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_sha256: Option<String>,
    /// The sentence [`INSECURE`], to allow `tls = "none"` beyond loopback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insecure: Option<String>,
    /// Notices older than this start as read at the first check; 14 days if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_since: Option<Age>,
    /// Time between two checks of this mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_every: Option<Interval>,
}

/// What must stand in `insecure` before a password is sent in clear text beyond loopback.
pub const INSECURE: &str = "yes, send my password in clear text";

impl Mailbox {
    /// True if nothing but the person knows the password.
    pub fn asks_for_password(&self) -> bool {
        self.password_command.is_empty()
            && self.password_env.is_none()
            && self.password_file.is_none()
            && self.password.reveal().is_none()
    }

    /// The port to connect to: the one set, or the standard's for this kind of protection.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Tls::Implicit => 995,
            Tls::Starttls | Tls::None => 110,
        })
    }

    /// True if the server is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self
                .host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    /// True if the password may travel without TLS: on this machine, or by the sentence.
    pub fn allows_clear_text(&self) -> bool {
        self.is_loopback() || self.insecure.as_deref() == Some(INSECURE)
    }
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// TLS from the first byte (RFC 8314), port 995.
    #[default]
    Implicit,
    /// Upgraded by STLS (RFC 2595), port 110; never goes on without.
    Starttls,
    /// None: for loopback, or with [`INSECURE`].
    None,
}

impl fmt::Display for Tls {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Tls::Implicit => "implicit",
            Tls::Starttls => "starttls",
            Tls::None => "none",
        })
    }
}

/// A password as it stands in the settings. It never prints; it serializes only as a mask.
#[derive(Clone, Default, PartialEq)]
pub struct Password(Option<String>);

/// What is no text is not named in the error: it may be the password, written without its marks.
impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Password, D::Error> {
        String::deserialize(deserializer)
            .map(Password::new)
            .map_err(|_| serde::de::Error::custom("a password is text: put it in quotation marks"))
    }
}

impl Password {
    /// A password that was given.
    pub fn new(text: impl Into<String>) -> Password {
        Password(Some(text.into()))
    }

    /// The password itself, for the room that hands it to the server.
    pub fn reveal(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// True if the settings hold none.
    pub fn is_absent(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if self.0.is_some() { "****" } else { "none" })
    }
}

impl Serialize for Password {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("****")
    }
}

impl Drop for Password {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

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

/// What tells of new notices, at most once a check.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Notify {
    /// A way the terminal has.
    Terminal(TerminalNotice),
    /// A program and its arguments; the number of new notices is in `TIDINGS_NEW`.
    Command {
        /// The program and its arguments.
        command: Vec<String>,
    },
}

/// The ways in which a terminal can tell of something.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TerminalNotice {
    /// The window's title gains the unread count.
    Title,
    /// The bell.
    Bell,
    /// A desktop notification by OSC 9.
    Osc9,
}

/// How the screen looks.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Screen {
    /// `auto`, `terminal`, `dark`, `light`, `mono`.
    pub theme: String,
    /// Plain ASCII glyphs; automatic without UTF-8 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ascii: Option<bool>,
    /// Columns of characters of ambiguous width: 1 or 2.
    pub ambiguous_width: u8,
    /// One pane, no glyphs, sentences for rows.
    pub accessible: bool,
    /// No countdown and no progress bar.
    pub reduce_motion: bool,
    /// Take the mouse for clicking, instead of leaving it to the terminal.
    pub mouse: bool,
    /// How times are shown in the list.
    pub time: TimeStyle,
    /// Group notices into threads.
    pub threads: bool,
}

impl Default for Screen {
    fn default() -> Screen {
        Screen {
            theme: "terminal".to_owned(),
            ascii: None,
            ambiguous_width: 1,
            accessible: false,
            reduce_motion: false,
            mouse: false,
            time: TimeStyle::Smart,
            threads: true,
        }
    }
}

/// How times are shown in the list.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeStyle {
    /// `now`, `12m`, `09:06`, `Sun`, `15 Nov`, `2025-10`.
    #[default]
    Smart,
    /// `3 h ago`.
    Relative,
    /// `2026-11-23 12:10`.
    Iso,
}

/// The keys: a preset, and changes to it by mode. `"none"` unbinds a key.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Keys {
    /// The complete table that the changes are made to.
    pub preset: String,
    /// Changes in every mode.
    pub global: BTreeMap<String, String>,
    /// Changes in the list.
    pub list: BTreeMap<String, String>,
    /// Changes in the reader.
    pub reader: BTreeMap<String, String>,
    /// Changes in overlays.
    pub overlay: BTreeMap<String, String>,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            preset: "default".to_owned(),
            global: BTreeMap::new(),
            list: BTreeMap::new(),
            reader: BTreeMap::new(),
            overlay: BTreeMap::new(),
        }
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

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read.
    #[error("cannot read the settings {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML, or a value is of the wrong kind.
    #[error("{path}:{line}:{column}: {what}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong, in one line.
        what: String,
    },
    /// The values are well-formed, but do not fit together.
    #[error("{path}: {what}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        what: String,
    },
    /// Others may read a file that holds a password.
    #[error("{path} holds a password and others may read it: run `chmod 600 {path}`")]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be written.
    #[error("cannot write the settings {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A key in the settings that means nothing, which is reported and skipped.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// The key with its tables, as `mailbox.0.pasword`.
    pub key: String,
    /// The line it stands in, from 1, where it can be told.
    pub line: Option<usize>,
    /// The known name that it is nearest to.
    pub nearest: Option<String>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "unknown setting `{}`", self.key)?;
        if let Some(nearest) = &self.nearest {
            write!(f, ": did you mean `{nearest}`?")?;
        }
        Ok(())
    }
}

/// Expands a leading `~/` to the home folder.
pub fn expand(path: &Path) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) => match etcetera::home_dir() {
            Ok(home) => home.join(rest),
            Err(_) => path.to_owned(),
        },
        Err(_) => path.to_owned(),
    }
}

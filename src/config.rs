//! The settings as plain data, parsed once from a TOML file.
//!
//! This room knows no other. It says what may be set, what the defaults are, and where a mistake is
//! (line, column, nearest name). Editing the file and keeping its comments is `config::file`'s job.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

pub mod file;
pub mod nearest;
pub mod places;
pub mod proxy;
mod values;

use places::{Place, Places};
use proxy::Proxy;

pub use values::{Age, Interval, MarkRead, Size};

/// All that a settings file may say. Paths are as written; `~/` is the home folder.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Settings {
    /// Where the caches are kept; the platform's data folder if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// A folder that is kept alike on all machines of this person, by which their marks follow them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal_dir: Option<PathBuf>,
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
    /// What becomes of notices as they come.
    #[serde(rename = "rule", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Searches that stand among the mailboxes.
    #[serde(rename = "search", skip_serializing_if = "Vec::is_empty")]
    pub searches: Vec<SavedSearch>,
    /// The mailboxes, the first one being the one opened when none is named.
    #[serde(rename = "mailbox", skip_serializing_if = "Vec::is_empty")]
    pub mailboxes: Vec<Mailbox>,
    /// Where in the file all that stands, for what is said of mistakes.
    #[serde(skip)]
    pub places: Places,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            data_dir: None,
            journal_dir: None,
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
            rules: Vec::new(),
            searches: Vec::new(),
            mailboxes: Vec::new(),
            places: Places::default(),
        }
    }
}

impl Settings {
    /// Where this person's marks are kept for their other machines, if they are.
    pub fn journal_folder(&self) -> Option<PathBuf> {
        self.journal_dir.as_deref().map(expand)
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
    /// A program and its arguments that prints an access token (OAuth 2.0), in the password's place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_command: Vec<String>,
    /// The environment variable that holds the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// A file, readable by nobody else, whose first line is the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The password is in the system's keyring.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keyring: bool,
    /// The password itself.
    #[serde(default, skip_serializing_if = "Password::is_absent")]
    pub password: Password,
    /// Certificates (PEM) trusted besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// A certificate (PEM) to show to the server, where it wants to see one; with `client_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cert: Option<PathBuf>,
    /// Its key (PKCS#8 as PEM), readable by nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key: Option<PathBuf>,
    /// A SOCKS5 proxy between here and the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
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
        self.token_command.is_empty()
            && self.password_command.is_empty()
            && self.password_env.is_none()
            && self.password_file.is_none()
            && !self.keyring
            && self.password.reveal().is_none()
    }

    /// True if an access token signs in, not a password.
    pub fn has_token(&self) -> bool {
        !self.token_command.is_empty()
    }

    /// True if Gmail is asked for what came in the last 30 days, whoever has fetched it before: the listing
    /// leaves out what is older, which is on the server all the same.
    pub fn lists_recent(&self) -> bool {
        self.user.starts_with(RECENT)
    }

    /// The account's name, whatever of it is asked for.
    pub fn account(&self) -> &str {
        self.user.strip_prefix(RECENT).unwrap_or(&self.user)
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
        // A proxy finds a `localhost` of its own.
        if self.proxy.is_some() {
            return false;
        }
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

/// What becomes of notices of a kind as they come.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Rule {
    /// Which notices it is for, in the language of searches.
    pub when: String,
    /// The mailbox that it is for; all of them if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
    /// They arrive starred.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub star: bool,
    /// They arrive as read, and so does what answers them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mute: bool,
    /// They arrive as read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read: bool,
    /// Their colour in the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
    /// Whether the bell and the like tell of them; of what arrives as read they do not if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<bool>,
}

/// A colour by what it means; the theme says which it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// That of what matters little.
    Muted,
    /// That of what stands out.
    Accent,
    /// That of important notices.
    Important,
    /// That of what is in order.
    Ok,
    /// That of warnings.
    Warn,
    /// That of errors.
    Error,
}

/// A search that is kept under a name.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct SavedSearch {
    /// Its name among the mailboxes.
    pub name: String,
    /// What is searched for.
    pub query: String,
    /// The mailbox that is searched; the one that is open if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
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

/// What tells of new notices, at most once a check.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(
    untagged,
    expecting = "what tells of new notices is \"title\", \"bell\", \"osc9\" or { command = [\"PROGRAM\"] }"
)]
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
    /// How attached pictures are shown, if they are.
    pub images: Images,
    /// Show those that belong into a text below it, without being asked.
    pub images_inline: bool,
    /// Group notices into threads.
    pub threads: bool,
    /// Put notices that name no other into one thread if they have one subject.
    pub threads_by_subject: bool,
    /// Put notices together that came through one list.
    pub by_list: bool,
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
            images: Images::Auto,
            images_inline: false,
            threads: true,
            threads_by_subject: false,
            by_list: false,
        }
    }
}

/// How pictures are shown.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Images {
    /// As the terminal is known to, by its name; else by blocks.
    #[default]
    Auto,
    /// By the protocol of kitty.
    Kitty,
    /// By that of iTerm2.
    Iterm,
    /// By sixels.
    Sixel,
    /// By half blocks of two colours each.
    Blocks,
    /// Not here: by the system's viewer.
    Off,
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

/// What Gmail takes before a name: everything of the last 30 days, whoever has fetched it.
const RECENT: &str = "recent:";

/// A key in the settings that means nothing, which is reported and skipped.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// The key with its tables, as `mailbox.0.pasword`.
    pub key: String,
    /// Where it stands, where that can be told.
    pub place: Option<Place>,
    /// The known name that it is nearest to.
    pub nearest: Option<String>,
    /// The part of the settings that it is known in, if it is known at all.
    pub belongs: Option<Part>,
}

/// A part of the settings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// What stands before the first table.
    Top,
    /// A table, with its brackets.
    Table(&'static str),
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "{place}: ")?;
        }
        let of_mailbox = self.key.strip_prefix("mailbox.");
        let of_mailbox = of_mailbox.and_then(|rest| {
            let (index, key) = rest.split_once('.')?;
            Some((index.parse::<usize>().ok()? + 1, key))
        });
        match of_mailbox {
            Some((number, key)) => write!(f, "unknown setting `{key}` in mailbox {number}")?,
            None => write!(f, "unknown setting `{}`", self.key)?,
        }
        match (self.belongs, &self.nearest) {
            (Some(Part::Top), _) => write!(f, ": it belongs to the top, above all tables"),
            (Some(Part::Table(table)), _) => write!(f, ": it belongs to {table}"),
            (None, Some(nearest)) => write!(f, ": did you mean `{nearest}`?"),
            (None, None) => Ok(()),
        }
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

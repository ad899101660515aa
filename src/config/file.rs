//! The settings file: where it is, reading it with every mistake named, and changing it with its
//! comments kept.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use etcetera::AppStrategy;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

use super::{
    Error, Mailbox, Part, Settings, Tls, Unknown, expand,
    nearest::nearest,
    places::{Place, Places},
};

/// Settings that were read, and what of the file meant nothing.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The settings; the defaults if there is no file.
    pub settings: Settings,
    /// The file.
    pub path: PathBuf,
    /// False if there is no file yet.
    pub exists: bool,
    /// Keys that mean nothing.
    pub unknown: Vec<Unknown>,
}

/// The settings file of this platform.
///
/// # Errors
///
/// The platform names no folder for it, as where there is no home folder.
pub fn default_path() -> Result<PathBuf, Error> {
    confy::get_configuration_file_path("tidings", "tidings").map_err(|_| Error::Unusable {
        path: PathBuf::from("tidings.toml"),
        what: "no folder for settings is known: set HOME, or name the file by --config".to_owned(),
    })
}

/// Reads a settings file. One that does not exist holds the defaults; it is not made.
///
/// # Errors
///
/// The file cannot be read, is malformed, does not fit together, or shows a password to others.
pub fn load(path: &Path) -> Result<Loaded, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Loaded {
                path: path.to_owned(),
                ..Loaded::default()
            });
        }
        Err(source) => {
            return Err(Error::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    let mut settings: Settings =
        confy::load_path(path).map_err(|error| malformed(path, &text, error))?;
    settings.places = Places::of(&text);
    settings.anchor(path);
    let holds_password = settings.mailboxes.iter().any(|mailbox| {
        let has_login = |proxy: &super::proxy::Proxy| proxy.login.is_some();
        !mailbox.password.is_absent() || mailbox.proxy.as_ref().is_some_and(has_login)
    });
    let is_exposed =
        fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o044 != 0);
    if holds_password && is_exposed {
        return Err(Error::Exposed {
            path: path.to_owned(),
        });
    }
    validate(path, &settings)?;
    Ok(Loaded {
        unknown: unknown(&text),
        settings,
        path: path.to_owned(),
        exists: true,
    })
}

/// The folder of the caches.
///
/// # Errors
///
/// None is set and the platform names none.
pub fn data_dir(settings: &Settings) -> Result<PathBuf, Error> {
    if let Some(folder) = &settings.data_dir {
        return Ok(expand(folder));
    }
    etcetera::choose_app_strategy(etcetera::AppStrategyArgs {
        top_level_domain: "org".to_owned(),
        author: "tidings".to_owned(),
        app_name: "tidings".to_owned(),
    })
    .map(|strategy| strategy.data_dir())
    .map_err(|_| Error::Unusable {
        path: PathBuf::from("data_dir"),
        what: "no folder for saved notices is known: set HOME, or data_dir".to_owned(),
    })
}

/// The settings with what holds for the caches and the mailboxes although the file does not say so.
///
/// # Errors
///
/// The folder of the caches is not known.
pub fn in_force(settings: &Settings) -> Result<Settings, Error> {
    let mut all = settings.clone();
    all.data_dir = Some(data_dir(settings)?);
    for mailbox in &mut all.mailboxes {
        mailbox.port = Some(mailbox.port());
        mailbox.unread_since = Some(mailbox.unread_since.unwrap_or_default());
        mailbox.check_every = Some(mailbox.check_every.unwrap_or(settings.check_every));
    }
    Ok(all)
}

/// The cache file of a mailbox. Another account or server has another, whatever the mailbox's name; not another way to
/// ask for the same account.
///
/// # Errors
///
/// The folder is not known.
pub fn cache_path(settings: &Settings, mailbox: &Mailbox) -> Result<PathBuf, Error> {
    let path = cache_of(settings, mailbox, mailbox.account())?;
    // Made by a version to which it was another account.
    let before = cache_of(settings, mailbox, &mailbox.user)?;
    Ok(match !path.exists() && before.exists() {
        true => before,
        false => path,
    })
}

fn cache_of(settings: &Settings, mailbox: &Mailbox, user: &str) -> Result<PathBuf, Error> {
    let account = format!("{user}@{}:{}", mailbox.host, mailbox.port());
    let digest = Sha256::digest(account.as_bytes());
    let suffix: String = digest[..4]
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    let name: String = mailbox
        .name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .take(40)
        .collect();
    Ok(data_dir(settings)?.join(format!("{name}-{suffix}.db")))
}

/// Adds a mailbox to a settings file, or replaces the one of that name; all else stays as it was
/// written. The file is made if there is none, readable by its owner alone.
///
/// # Errors
///
/// The file cannot be read or written, or is malformed.
pub fn save_mailbox(path: &Path, mailbox: &Mailbox) -> Result<(), Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => HEAD.to_owned(),
        Err(source) => {
            return Err(Error::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        let at = error.span().map_or(0, |span| span.start);
        let Place { line, column } = Place::at(&text, at);
        Error::Malformed {
            path: path.to_owned(),
            line,
            column,
            what: first_line(error.message()),
        }
    })?;
    let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
    let tables = document
        .entry("mailbox")
        .or_insert(Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()
        .ok_or_else(|| Error::Unusable {
            path: path.to_owned(),
            what: "`mailbox` is not a list of tables: write [[mailbox]]".to_owned(),
        })?;
    let is_same =
        |table: &Table| table.get("name").and_then(Item::as_str) == Some(mailbox.name.as_str());
    if !tables.iter().any(is_same) {
        let mut table = Table::new();
        fill(&mut table, mailbox);
        // What stands at the file's end is above what is added to it.
        if !trailing.is_empty() {
            table.decor_mut().set_prefix(&trailing);
        }
        tables.push(table);
        document.set_trailing("");
    } else if let Some(table) = tables.iter_mut().find(|table| is_same(table)) {
        fill(table, mailbox);
    }
    write(path, &document.to_string())
}

/// Makes the folder that settings stand in, if there is none: its owner's alone.
///
/// # Errors
///
/// It cannot be made.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Writes a file at once or not at all, readable by its owner alone. A link to it stays one, as
/// where settings are kept in a folder of dotfiles.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let path = target.as_path();
    let failed = |source| Error::Write {
        path: path.to_owned(),
        source,
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    make_folder(folder).map_err(failed)?;
    // Temporary files are made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

const HEAD: &str = "# The settings of tidings. `tidings config show` prints all of them, and\n\
                    # `tidings config check` says what is wrong with them.\n\n";

fn fill(table: &mut Table, mailbox: &Mailbox) {
    let mut set = |key: &str, value: Option<toml_edit::Value>| match value {
        Some(value) => table[key] = Item::Value(value),
        None => {
            table.remove(key);
        }
    };
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string().into());
    set("name", Some(mailbox.name.as_str().into()));
    set("host", Some(mailbox.host.as_str().into()));
    set("port", mailbox.port.map(|port| i64::from(port).into()));
    set(
        "tls",
        (mailbox.tls != Tls::Implicit).then(|| mailbox.tls.to_string().into()),
    );
    set("user", Some(mailbox.user.as_str().into()));
    let words: toml_edit::Array = mailbox.password_command.iter().collect();
    set(
        "password_command",
        (!words.is_empty()).then(|| words.into()),
    );
    let words: toml_edit::Array = mailbox.token_command.iter().collect();
    set("token_command", (!words.is_empty()).then(|| words.into()));
    set(
        "password_env",
        mailbox.password_env.as_deref().map(Into::into),
    );
    set("password_file", path(&mailbox.password_file));
    set("password", mailbox.password.reveal().map(Into::into));
    set("keyring", mailbox.keyring.then(|| true.into()));
    set("client_cert", path(&mailbox.client_cert));
    set("client_key", path(&mailbox.client_key));
    set(
        "proxy",
        mailbox.proxy.as_ref().map(|proxy| proxy.reveal().into()),
    );
    set("ca_file", path(&mailbox.ca_file));
    set("pin_sha256", mailbox.pin_sha256.as_deref().map(Into::into));
    set("insecure", mailbox.insecure.as_deref().map(Into::into));
    set(
        "unread_since",
        mailbox.unread_since.map(|age| age.to_string().into()),
    );
    set(
        "check_every",
        mailbox
            .check_every
            .map(|interval| interval.to_string().into()),
    );
}

fn malformed(path: &Path, text: &str, error: confy::ConfyError) -> Error {
    match error {
        confy::ConfyError::BadTomlData(error) => {
            let at = error.span().map_or(0, |span| span.start);
            let Place { line, column } = Place::at(text, at);
            let what = plain(&first_line(error.message()));
            // What is missing may only be misspelt.
            let meant = unknown(text).into_iter().find(|unknown| {
                let name = unknown.nearest.as_ref();
                name.is_some_and(|name| what == format!("missing field `{name}`"))
            });
            let place = meant.as_ref().and_then(|meant| meant.place);
            Error::Malformed {
                path: path.to_owned(),
                line: place.map_or(line, |place| place.line),
                column: place.map_or(column, |place| place.column),
                what: meant.map_or(what.clone(), |meant| {
                    let key = Unknown {
                        place: None,
                        ..meant
                    };
                    format!("{what}, {key}")
                }),
            }
        }
        error => Error::Unusable {
            path: path.to_owned(),
            what: error.to_string(),
        },
    }
}

fn validate(path: &Path, settings: &Settings) -> Result<(), Error> {
    let mut names = std::collections::HashSet::new();
    for (index, mailbox) in settings.mailboxes.iter().enumerate() {
        let name = &mailbox.name;
        let unusable = |key: &str, what: String| {
            let what = format!("mailbox `{name}`: {what}");
            match settings.places.find(&format!("mailbox.{index}.{key}")) {
                Some(Place { line, column }) => Error::Malformed {
                    path: path.to_owned(),
                    line,
                    column,
                    what,
                },
                None => Error::Unusable {
                    path: path.to_owned(),
                    what,
                },
            }
        };
        for (key, value) in [
            ("name", name),
            ("host", &mailbox.host),
            ("user", &mailbox.user),
        ] {
            if value.trim().is_empty() {
                return Err(unusable(key, format!("`{key}` is empty")));
            }
            if value.contains(char::is_control) {
                return Err(unusable(key, format!("`{key}` is not one line")));
            }
        }
        if !names.insert(name) {
            return Err(unusable("name", "another mailbox has this name".to_owned()));
        }
        if mailbox.tls == Tls::None && !mailbox.allows_clear_text() {
            let what = format!(
                "tls = \"none\" sends the password in clear text: use \"implicit\" or \
                 \"starttls\", or add insecure = \"{}\"",
                super::INSECURE
            );
            return Err(unusable("tls", what));
        }
        if mailbox.client_cert.is_some() != mailbox.client_key.is_some() {
            let (key, other) = match mailbox.client_cert {
                Some(_) => ("client_cert", "client_key"),
                None => ("client_key", "client_cert"),
            };
            let what = format!("`{key}` is of no use without `{other}`");
            return Err(unusable(key, what));
        }
        if let Some(pin) = &mailbox.pin_sha256
            && pin.chars().filter(char::is_ascii_hexdigit).count() != 64
        {
            let what = "pin_sha256 is not a SHA-256 in hex: 64 digits".to_owned();
            return Err(unusable("pin_sha256", what));
        }
    }
    Ok(())
}

/// The keys that no part of the settings has taken.
fn unknown(text: &str) -> Vec<Unknown> {
    let mut keys = Vec::new();
    let Ok(deserializer) = toml::Deserializer::parse(text) else {
        return keys;
    };
    let places = Places::of(text);
    let mut ignored = |path: serde_ignored::Path| {
        let key = path.to_string();
        let name = key.rsplit('.').next().unwrap_or(&key).to_owned();
        keys.push(Unknown {
            belongs: belongs(&name),
            nearest: nearest(&name, KEYS.iter().flat_map(|(_, keys)| *keys).copied()),
            place: places.find(&key),
            key,
        });
    };
    // What cannot be read at all was said before.
    let _ = serde_ignored::deserialize::<_, _, Settings>(deserializer, &mut ignored);
    keys
}

/// Where a key stands that is known, if that is one place.
fn belongs(name: &str) -> Option<Part> {
    let mut parts = KEYS.iter().filter(|(_, keys)| keys.contains(&name));
    match (parts.next(), parts.next()) {
        (Some((part, _)), None) => Some(*part),
        _ => None,
    }
}

/// Every key there is, by where it stands, for suggestions.
const KEYS: [(Part, &[&str]); 6] = [
    (
        Part::Top,
        &[
            "data_dir",
            "journal_dir",
            "download_dir",
            "check_every",
            "largest_message",
            "connect_timeout",
            "answer_timeout",
            "notify",
            "mark_read",
            "screen",
            "keys",
            "mailbox",
            "rule",
            "search",
        ],
    ),
    (
        Part::Table("[screen]"),
        &[
            "theme",
            "ascii",
            "ambiguous_width",
            "accessible",
            "reduce_motion",
            "mouse",
            "time",
            "images",
            "images_inline",
            "threads",
            "threads_by_subject",
            "by_list",
        ],
    ),
    (
        Part::Table("[keys]"),
        &["preset", "global", "list", "reader", "overlay"],
    ),
    (
        Part::Table("[[mailbox]]"),
        &[
            "name",
            "host",
            "port",
            "tls",
            "user",
            "password_command",
            "token_command",
            "password_env",
            "password_file",
            "password",
            "keyring",
            "ca_file",
            "client_cert",
            "client_key",
            "proxy",
            "pin_sha256",
            "insecure",
            "unread_since",
            "check_every",
        ],
    ),
    (
        Part::Table("[[rule]]"),
        &[
            "when", "mailbox", "star", "mute", "read", "colour", "notify",
        ],
    ),
    (Part::Table("[[search]]"), &["name", "query", "mailbox"]),
];

/// What the library says of a value, in words for people, with the nearest of the words allowed.
fn plain(message: &str) -> String {
    const WORDS: [(&str, &str); 6] = [
        ("expected u16", "expected a number from 0 to 65535"),
        ("expected u8", "expected a number from 0 to 255"),
        ("expected a sequence", "expected a list: [\"…\", \"…\"]"),
        ("expected a boolean", "expected true or false"),
        ("expected a string", "expected text in quotation marks"),
        ("unknown variant", "unknown word"),
    ];

    let mut words = message.to_owned();
    for (technical, plain) in WORDS {
        words = words.replace(technical, plain);
    }
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.starts_with("unknown variant")
        && let [wrong, allowed @ ..] = quoted.as_slice()
        && let Some(nearest) = nearest(wrong, allowed.iter().copied())
    {
        words = format!("{words}: did you mean `{nearest}`?");
    }
    words
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or("malformed").to_owned()
}

impl Settings {
    /// A name for a mailbox that is added: its own, unless another account has that already.
    pub fn free_name(&self, mailbox: &Mailbox) -> String {
        let is_free = |name: &String| {
            self.mailboxes.iter().all(|known| {
                known.name != *name || (known.host == mailbox.host && known.user == mailbox.user)
            })
        };
        let names = [mailbox.name.clone(), mailbox.user.clone()];
        let numbered = (2..).map(|number: u32| format!("{}-{number}", mailbox.name));
        names
            .into_iter()
            .filter(|name| !name.is_empty())
            .chain(numbered)
            .find(is_free)
            .unwrap_or_default()
    }

    /// Makes paths that are relative start at the folder of the settings file, wherever one stands.
    pub fn anchor(&mut self, file: &Path) {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let folder = file.parent().unwrap_or(Path::new("/"));
        let mailboxes = self.mailboxes.iter_mut();
        let paths = mailboxes.flat_map(|mailbox| {
            [
                &mut mailbox.ca_file,
                &mut mailbox.password_file,
                &mut mailbox.client_cert,
                &mut mailbox.client_key,
            ]
        });
        for path in paths.chain([
            &mut self.data_dir,
            &mut self.journal_dir,
            &mut self.download_dir,
        ]) {
            if let Some(path) = path
                && path.is_relative()
                && !path.starts_with("~")
            {
                *path = folder.join(&*path);
            }
        }
    }

    /// Reads settings from text, as of a team file; nothing is checked beyond the grammar.
    ///
    /// # Errors
    ///
    /// The text is malformed; the path is only named in the error.
    pub fn parse(text: &str, path: &Path) -> Result<Settings, Error> {
        let malformed = |error: toml::de::Error| {
            let Place { line, column } = Place::at(text, error.span().map_or(0, |span| span.start));
            Error::Malformed {
                path: path.to_owned(),
                line,
                column,
                what: plain(&first_line(error.message())),
            }
        };
        let deserializer = toml::Deserializer::parse(text).map_err(malformed)?;
        Settings::deserialize(deserializer).map_err(malformed)
    }
}

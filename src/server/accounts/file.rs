//! The text of `accounts.toml`: read into accounts, and changed in place with its comments kept.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de};
use toml_edit::{DocumentMut, Item, Table};

use crate::config::{Interval, Size, nearest::nearest, places::Place};

use super::{
    account::{Account, ByName, Delete, Duplicates, Sessions, Store, is_name},
    error::Error,
};

/// An account as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    password_hash: Option<String>,
    mailbox: Option<String>,
    #[serde(default)]
    store: Store,
    #[serde(default)]
    sessions: Sessions,
    #[serde(default)]
    delete: Delete,
    #[serde(default, deserialize_with = "days")]
    expire: Option<u32>,
    #[serde(default, deserialize_with = "time")]
    login_delay: Option<Duration>,
    largest_mailbox: Option<Size>,
    largest_message: Option<Size>,
    #[serde(default, deserialize_with = "networks")]
    networks: Vec<IpNet>,
    #[serde(default, deserialize_with = "senders")]
    senders: Vec<String>,
    #[serde(default)]
    duplicates: Duplicates,
    #[serde(default)]
    apop: bool,
    #[serde(default)]
    scram: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    account: BTreeMap<String, Written>,
}

const DAY: u64 = 86_400;

fn text_then<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    read(&text).map_err(de::Error::custom)
}

fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    text_then(deserializer, parse_days)
}

/// A number of days; none is `never`.
///
/// # Errors
///
/// It is neither, in words that say so.
pub fn parse_days(text: &str) -> Result<Option<u32>, String> {
    if text == "never" {
        return Ok(None);
    }
    let wrong = || format!("`{text}` is no number of days: write 90d, or never");
    let time = text.parse::<Interval>().map_err(|_| wrong())?.0;
    if time.as_secs() < DAY || time.as_secs() % DAY != 0 {
        return Err(wrong());
    }
    u32::try_from(time.as_secs() / DAY)
        .map(Some)
        .map_err(|_| wrong())
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    text_then(deserializer, |text| Ok(Some(text.parse::<Interval>()?.0)))
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    Vec::<String>::deserialize(deserializer)?
        .iter()
        .map(|text| parse_network(text).map_err(de::Error::custom))
        .collect()
}

/// A network, or an address.
///
/// # Errors
///
/// It is neither, in words that say so.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .ok()
        .filter(|network| *network == network.trunc())
        .or_else(|| text.parse::<IpAddr>().map(IpNet::from).ok())
        .ok_or_else(|| {
            format!("`{text}` is no network: write 192.0.2.0/24, 2001:db8::/32 or an address")
        })
}

fn senders<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let senders = Vec::<String>::deserialize(deserializer)?;
    for sender in &senders {
        check_sender(sender).map_err(de::Error::custom)?;
    }
    Ok(senders)
}

/// Whether this can be whose mail is taken.
///
/// # Errors
///
/// It cannot, in words that say so.
pub fn check_sender(text: &str) -> Result<(), String> {
    let is_address =
        text.contains('@') && !text.ends_with('@') && !text.contains([' ', '*', '<', '>']);
    let is_one = text == "<>" || is_address;
    is_one.then_some(()).ok_or_else(|| {
        format!("`{text}` is no sender: write ann@team.example, @team.example, or <> for bounces")
    })
}

/// Reads the file.
///
/// # Errors
///
/// It is not what it should be.
pub fn parse(text: &str) -> Result<ByName, Error> {
    let file: File = toml::from_str(text).map_err(|error| Error::Parse {
        place: Place::at(text, error.span().map_or(0, |span| span.start)),
        what: in_a_line(error.message()),
    })?;
    let mut accounts = Vec::new();
    for (name, written) in file.account {
        accounts.push(written.into_account(name)?);
    }
    agree(&mut accounts)?;
    let by_name = |account: Account| (account.name.clone(), Arc::new(account));
    Ok(accounts.into_iter().map(by_name).collect())
}

/// The first line of what is wrong, with the nearest key where one is unknown.
fn in_a_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let unknown = line
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once('`'));
    let Some((unknown, rest)) = unknown else {
        return line.to_owned();
    };
    let known = rest.split('`').skip(1).step_by(2);
    match nearest(unknown, known) {
        Some(near) => format!("unknown key `{unknown}`: did you mean `{near}`?"),
        None => format!("unknown key `{unknown}`"),
    }
}

/// Accounts that share a mailbox: it is one thing, and the shortest time holds.
fn agree(accounts: &mut [Account]) -> Result<(), Error> {
    let mut mailboxes: HashMap<String, (Store, Option<u32>)> = HashMap::new();
    for account in accounts.iter() {
        let (store, expire) = mailboxes
            .entry(account.mailbox.clone())
            .or_insert((account.store, account.expire));
        if *store != account.store {
            return Err(Error::Stores(account.mailbox.clone()));
        }
        *expire = match (*expire, account.expire) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    for account in accounts {
        account.expire = mailboxes[&account.mailbox].1;
    }
    Ok(())
}

impl Written {
    fn into_account(self, name: String) -> Result<Account, Error> {
        let mailbox = self.mailbox.unwrap_or_else(|| name.clone());
        for name in [&name, &mailbox] {
            if !is_name(name) {
                return Err(Error::Name(name.clone()));
            }
        }
        Ok(Account {
            name,
            mailbox,
            store: self.store,
            sessions: self.sessions,
            delete: self.delete,
            expire: self.expire,
            login_delay: self.login_delay,
            largest_mailbox: self.largest_mailbox.map(|size| size.0),
            largest_message: self.largest_message.map(|size| size.0),
            networks: self.networks,
            senders: self.senders,
            duplicates: self.duplicates,
            apop: self.apop,
            scram: self.scram,
            password_hash: self.password_hash,
        })
    }
}

/// Takes a limit away.
pub const NONE: &str = "none";

/// What is to be changed of an account; what is none stays as it is. A text that is [`NONE`] takes the
/// limit away.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The hash of a new password.
    pub password_hash: Option<String>,
    /// The name of its mailbox.
    pub mailbox: Option<String>,
    /// What that is.
    pub store: Option<Store>,
    /// Whether several sessions may have it.
    pub sessions: Option<Sessions>,
    /// What becomes of DELE.
    pub delete: Option<Delete>,
    /// As it is written: `90d` or `never`.
    pub expire: Option<String>,
    /// As it is written: `60s`.
    pub login_delay: Option<String>,
    /// As it is written: `2GB`.
    pub largest_mailbox: Option<String>,
    /// As it is written: `50MB`.
    pub largest_message: Option<String>,
    /// From where one may sign in.
    pub networks: Option<Vec<String>>,
    /// Whose mail is taken.
    pub senders: Option<Vec<String>>,
    /// What becomes of a mail that has come before.
    pub duplicates: Option<Duplicates>,
    /// Whether APOP can be used.
    pub apop: Option<bool>,
    /// Whether SCRAM can be used.
    pub scram: Option<bool>,
}

impl Change {
    fn apply(&self, account: &mut Table) {
        let words = [
            ("password_hash", self.password_hash.as_deref()),
            ("mailbox", self.mailbox.as_deref()),
            ("store", self.store.map(Store::word)),
            ("sessions", self.sessions.map(Sessions::word)),
            ("delete", self.delete.map(Delete::word)),
            ("expire", self.expire.as_deref()),
            ("login_delay", self.login_delay.as_deref()),
            ("largest_mailbox", self.largest_mailbox.as_deref()),
            ("largest_message", self.largest_message.as_deref()),
            ("duplicates", self.duplicates.map(Duplicates::word)),
        ];
        for (key, word) in words {
            match word {
                Some(NONE) => drop(account.remove(key)),
                Some(word) => account[key] = toml_edit::value(word),
                None => {}
            }
        }
        for (key, list) in [("networks", &self.networks), ("senders", &self.senders)] {
            if list
                .as_ref()
                .is_some_and(|list| list.iter().any(|word| word == NONE))
            {
                account.remove(key);
            } else if let Some(list) = list {
                account[key] = toml_edit::value(list.iter().collect::<toml_edit::Array>());
            }
        }
        for (key, is) in [("apop", self.apop), ("scram", self.scram)] {
            if let Some(is) = is {
                account[key] = toml_edit::value(is);
            }
        }
    }
}

impl Store {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Store::Mbox => "mbox",
            Store::Maildir => "maildir",
        }
    }
}

impl Sessions {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Sessions::Shared => "shared",
            Sessions::Exclusive => "exclusive",
        }
    }
}

impl Delete {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Delete::Allowed => "allowed",
            Delete::Refused => "refused",
        }
    }
}

impl Duplicates {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Duplicates::Keep => "keep",
            Duplicates::Once => "once",
        }
    }
}

/// The file with an account changed, or added.
///
/// # Errors
///
/// The name or a value cannot be one, or the file is not what it should be.
pub fn changed(text: &str, name: &str, change: &Change) -> Result<String, Error> {
    if !is_name(name) {
        return Err(Error::Name(name.to_owned()));
    }
    let mut document = document(text)?;
    let accounts = document
        .entry("account")
        .or_insert_with(|| {
            let mut accounts = Table::new();
            accounts.set_implicit(true);
            Item::Table(accounts)
        })
        .as_table_mut()
        .ok_or_else(|| Error::NotATable(name.to_owned()))?;
    let account = accounts
        .entry(name)
        .or_insert_with(toml_edit::table)
        .as_table_mut()
        .ok_or_else(|| Error::NotATable(name.to_owned()))?;
    change.apply(account);
    checked(document)
}

/// The file without an account; none if it has none of this name.
pub(super) fn without(text: &str, name: &str) -> Result<Option<String>, Error> {
    let mut document = document(text)?;
    let accounts = document.get_mut("account").and_then(Item::as_table_mut);
    match accounts.and_then(|accounts| accounts.remove(name)) {
        Some(_) => checked(document).map(Some),
        None => Ok(None),
    }
}

fn document(text: &str) -> Result<DocumentMut, Error> {
    text.parse().map_err(|error| Error::Edit(Box::new(error)))
}

/// Nothing is written that could not be read again.
fn checked(document: DocumentMut) -> Result<String, Error> {
    let mut text = document.to_string();
    if text.trim().is_empty() {
        // An empty file is taken for one that is lost.
        text = "# There is no account.\n".to_owned();
    }
    parse(&text)?;
    Ok(text)
}

//! An account: its name, its mailbox, and what it allows.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use ipnet::IpNet;
use serde::Deserialize;

/// An account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// The name of its mailbox in the spool's folder.
    pub mailbox: String,
    /// What that is.
    pub store: Store,
    /// Whether several sessions may have the maildrop at the same time.
    pub sessions: Sessions,
    /// What becomes of DELE.
    pub delete: Delete,
    /// After so many days the server removes a message by itself; the least of all accounts that have
    /// this mailbox.
    pub expire: Option<u32>,
    /// The least time between two logins from one address (RFC 2449 §6.5).
    pub login_delay: Option<Duration>,
    /// A larger mailbox takes no more mail; in octets.
    pub largest_mailbox: Option<u64>,
    /// A larger message is not taken; in octets.
    pub largest_message: Option<u64>,
    /// From where one may sign in; from everywhere, if nothing is said.
    pub networks: Vec<IpNet>,
    /// Whose mail is taken, as `ann@team.example` or `@team.example`; everybody's, if nothing is said.
    pub senders: Vec<String>,
    /// What becomes of a mail with the Message-ID of another that came within a day.
    pub duplicates: Duplicates,
    /// True if APOP can be used.
    pub apop: bool,
    /// True if SCRAM can be used.
    pub scram: bool,
    pub(super) password_hash: Option<String>,
}

/// What CAPA says of times (RFC 2449 §6.5, §6.7).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Policy {
    /// After how many days the server removes a message; never, if none.
    pub expire: Option<u32>,
    /// The least number of seconds between two logins.
    pub login_delay: u32,
}

impl Policy {
    /// What holds for every account, if one has this policy and another that one: messages may go as
    /// soon as the sooner one says, logins may be as rare as the rarer one asks.
    #[must_use]
    pub fn and(self, other: Policy) -> Policy {
        Policy {
            expire: match (self.expire, other.expire) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            },
            login_delay: self.login_delay.max(other.login_delay),
        }
    }
}

/// Accounts by their names.
pub type ByName = BTreeMap<String, Arc<Account>>;

/// What keeps a mailbox's messages.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// One file of text.
    #[default]
    Mbox,
    /// A folder with a file for each message.
    Maildir,
}

/// Whether several sessions may have a maildrop at the same time.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Sessions {
    /// Each has a snapshot of its own.
    #[default]
    Shared,
    /// One at a time (RFC 1939 §4).
    Exclusive,
}

/// What becomes of DELE.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Delete {
    /// The message is removed at QUIT.
    #[default]
    Allowed,
    /// It is answered with an error.
    Refused,
}

/// What becomes of a mail that has come before.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    /// It is delivered as any other.
    #[default]
    Keep,
    /// It is taken, and not delivered.
    Once,
}

/// The longest account name, in octets.
const LONGEST_NAME: usize = 64;

/// Endings that the spool uses for files of its own.
const RESERVED: [&str; 4] = [".lock", ".toml", ".apop", ".scram"];

impl Account {
    /// True if one may sign in from there.
    pub fn admits(&self, address: IpAddr) -> bool {
        self.networks.is_empty()
            || self
                .networks
                .iter()
                .any(|network| network.contains(&address))
    }

    /// True if mail of this address is taken; the empty one is the mail system's.
    pub fn takes_from(&self, sender: &str) -> bool {
        self.senders.is_empty()
            || self
                .senders
                .iter()
                .any(|known| match known.strip_prefix('@') {
                    Some(domain) => sender
                        .rsplit_once('@')
                        .is_some_and(|(_, of_sender)| of_sender.eq_ignore_ascii_case(domain)),
                    None => known.trim_matches(['<', '>']).eq_ignore_ascii_case(sender),
                })
    }

    /// What CAPA says of it.
    pub fn policy(&self) -> Policy {
        let login_delay = self.login_delay.unwrap_or_default().as_secs();
        Policy {
            expire: self.expire,
            login_delay: u32::try_from(login_delay).unwrap_or(u32::MAX),
        }
    }

    /// True if somebody can sign in at all.
    pub fn has_password(&self) -> bool {
        self.password_hash.is_some()
    }
}

/// True if an account may have this name, and a file in the spool's folder too.
pub fn is_name(name: &str) -> bool {
    let is_plain = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit();
    name.len() <= LONGEST_NAME
        && name.bytes().next().is_some_and(is_plain)
        && name
            .bytes()
            .all(|octet| is_plain(octet) || matches!(octet, b'.' | b'_' | b'-'))
        && !RESERVED.iter().any(|ending| name.ends_with(ending))
}

//! The accounts of a spool: names, password hashes, and what each account allows.
//!
//! They stand in `accounts.toml` in the spool's folder, a table each:
//!
//! ```toml
//! [account.notices]
//! password_hash = "$argon2id$v=19$…"   # by `tidings serve passwd notices`
//! sessions = "shared"                  # or "exclusive": one at a time, as RFC 1939 has it
//! delete = "allowed"                   # or "refused": DELE is answered -ERR [SYS/PERM]
//! mailbox = "notices"                  # the file; the account's name if nothing is said
//! apop = true                          # APOP, with the secret in the file `notices.apop`
//! ```
//!
//! The file is read again whenever it has changed. Nobody can tell an unknown account from a wrong
//! password, by the words or by the time.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use secrecy::SecretString;
use serde::Deserialize;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{config::places::Place, pop3::sasl};

use self::passwords::Memory;

use super::{
    folder::{Folder, Stamp},
    lock::{self, Locked, Purpose},
};

mod passwords;

/// The file of accounts in the spool's folder.
pub const FILE: &str = "accounts.toml";

/// The longest account name, in octets.
const LONGEST_NAME: usize = 64;

/// Endings that the spool uses for files of its own.
const RESERVED: [&str; 3] = [".lock", ".toml", ".apop"];

/// The accounts of a spool.
#[derive(Debug)]
pub struct Accounts {
    folder: Arc<Folder>,
    table: Mutex<Table>,
    memory: Memory,
}

/// What the file said when it was read last.
#[derive(Clone, Debug, Default)]
struct Table {
    stamp: Option<Stamp>,
    accounts: Arc<BTreeMap<String, Arc<Account>>>,
}

/// An account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// The name of its mailbox's file in the spool's folder.
    pub mailbox: String,
    /// Whether several sessions may have the maildrop at the same time.
    pub sessions: Sessions,
    /// What becomes of DELE.
    pub delete: Delete,
    /// True if APOP can be used.
    pub apop: bool,
    password_hash: Option<String>,
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

/// How hard a password's hash is to guess.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Hardness {
    /// As the argon2 crate and OWASP recommend: 19 MiB, two passes.
    #[default]
    Ordinary,
    /// Next to nothing, for accounts that live as long as a demo or a test.
    Throwaway,
}

/// An account as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    password_hash: Option<String>,
    mailbox: Option<String>,
    #[serde(default)]
    sessions: Sessions,
    #[serde(default)]
    delete: Delete,
    #[serde(default)]
    apop: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    account: BTreeMap<String, Written>,
}

/// Why the accounts cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {FILE}")]
    Read(#[source] io::Error),
    /// The file is not what it should be.
    #[error("{FILE}: {place}: {what}")]
    Parse {
        /// Where.
        place: Place,
        /// What is wrong there, in a line.
        what: String,
    },
    /// The file is not what it should be, and cannot be edited.
    #[error("cannot edit {FILE}")]
    Edit(#[source] Box<toml_edit::TomlError>),
    /// The file names an account, or an account's mailbox, in a way that cannot be.
    #[error(
        "`{0}` is no account name: 1 to 64 of a-z, 0-9, `.`, `_` and `-`, the first of them a letter or digit, \
         and not ending in .lock, .toml or .apop"
    )]
    Name(String),
    /// The account has something else than a table.
    #[error("`account.{0}` in {FILE} is not a table")]
    NotATable(String),
    /// The password cannot be hashed.
    #[error("cannot hash the password: {0}")]
    Hash(String),
    /// The file is being changed by others.
    #[error("cannot lock {FILE}")]
    Lock(#[source] lock::Error),
    /// The file cannot be written.
    #[error("cannot write {FILE}")]
    Write(#[source] io::Error),
}

impl Accounts {
    /// The accounts of this folder. The file need not be there yet.
    ///
    /// # Errors
    ///
    /// The file is there and cannot be read or understood.
    pub fn open(folder: Arc<Folder>) -> Result<Accounts, Error> {
        let accounts = Accounts {
            folder,
            table: Mutex::default(),
            memory: Memory::new().map_err(|error| Error::Hash(error.to_string()))?,
        };
        accounts.reread()?;
        Ok(accounts)
    }

    /// The account of this name, as the file has it now.
    pub fn find(&self, name: &str) -> Option<Arc<Account>> {
        self.current().get(name).cloned()
    }

    /// The names of all accounts.
    pub fn names(&self) -> Vec<String> {
        self.current().keys().cloned().collect()
    }

    /// True if an account opts in to APOP.
    pub fn any_apop(&self) -> bool {
        self.current().values().any(|account| account.apop)
    }

    /// The account, if this password was right not long ago. Takes next to no time.
    pub fn recall(&self, name: &str, password: &SecretString) -> Option<Arc<Account>> {
        let account = self.find(name)?;
        let hash = account.password_hash.as_deref()?;
        self.memory.knows(name, hash, password).then_some(account)
    }

    /// The account, if the password is right. Takes as long as the hash is hard, whether or not there
    /// is such an account.
    pub fn verify(&self, name: &str, password: &SecretString) -> Option<Arc<Account>> {
        let accounts = self.current();
        let account = accounts.get(name);
        let hash = account.and_then(|account| account.password_hash.as_deref());
        let anothers = accounts
            .values()
            .find_map(|account| account.password_hash.as_deref());
        if !passwords::is_right(password, hash, anothers) {
            return None;
        }
        self.memory.learn(name, hash?, password);
        account.cloned()
    }

    /// The account, if it opts in to APOP and this is the digest of its secret.
    pub fn verify_apop(&self, name: &str, timestamp: &str, digest: &str) -> Option<Arc<Account>> {
        let account = self.find(name);
        let secret = account
            .as_deref()
            .filter(|account| account.apop)
            .and_then(|account| self.apop_secret(&account.name));
        // The digest is made in any case, so that time tells nothing.
        let is_known = secret.is_some();
        let secret = secret.unwrap_or_else(|| SecretString::from("nobody's secret"));
        let expected = sasl::apop_digest(timestamp, &secret);
        let is_right = bool::from(expected.as_bytes().ct_eq(digest.as_bytes()));
        account.filter(|_| is_known && is_right)
    }

    /// Makes an account, or changes its password, and keeps the rest of the file as it is.
    ///
    /// # Errors
    ///
    /// The name cannot be one, or the file cannot be written.
    pub fn set_password(
        &self,
        name: &str,
        password: &SecretString,
        hardness: Hardness,
    ) -> Result<(), Error> {
        let hash = passwords::hash(password, hardness).map_err(Error::Hash)?;
        self.edit(name, |account| {
            account["password_hash"] = toml_edit::value(hash);
        })
    }

    /// Changes what an account allows, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// The name cannot be one, or the file cannot be written.
    pub fn allow(&self, name: &str, sessions: Sessions, delete: Delete) -> Result<(), Error> {
        self.edit(name, |account| {
            account["sessions"] = toml_edit::value(match sessions {
                Sessions::Shared => "shared",
                Sessions::Exclusive => "exclusive",
            });
            account["delete"] = toml_edit::value(match delete {
                Delete::Allowed => "allowed",
                Delete::Refused => "refused",
            });
        })
    }

    fn edit(&self, name: &str, change: impl FnOnce(&mut toml_edit::Table)) -> Result<(), Error> {
        if !is_name(name) {
            return Err(Error::Name(name.to_owned()));
        }
        let locked = Locked::acquire(&self.folder, FILE, Purpose::Create, lock::PATIENCE)
            .map_err(Error::Lock)?;
        // By the locked handle: closing another one would give the lock back.
        let mut text = String::new();
        let mut file = locked.file();
        file.read_to_string(&mut text).map_err(Error::Read)?;
        let mut document: toml_edit::DocumentMut =
            text.parse().map_err(|error| Error::Edit(Box::new(error)))?;
        let accounts = document
            .entry("account")
            .or_insert_with(|| {
                let mut accounts = toml_edit::Table::new();
                accounts.set_implicit(true);
                toml_edit::Item::Table(accounts)
            })
            .as_table_mut()
            .ok_or_else(|| Error::NotATable(name.to_owned()))?;
        let account = accounts
            .entry(name)
            .or_insert_with(toml_edit::table)
            .as_table_mut()
            .ok_or_else(|| Error::NotATable(name.to_owned()))?;
        change(account);
        self.folder
            .replace(FILE, document.to_string().as_bytes())
            .map_err(Error::Write)?;
        self.reread()
    }

    /// Reads the file again if it has changed.
    ///
    /// # Errors
    ///
    /// It cannot be read or understood; what it said before still holds then.
    pub fn reread(&self) -> Result<(), Error> {
        let stamp = self.folder.stamp(FILE).map_err(Error::Read)?;
        if lock(&self.table).stamp == stamp {
            return Ok(());
        }
        let mut accounts = BTreeMap::new();
        if let Some(text) = self.read()? {
            let file: File = toml::from_str(&text).map_err(|error| Error::Parse {
                place: Place::at(&text, error.span().map_or(0, |span| span.start)),
                what: error
                    .message()
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            })?;
            for (name, written) in file.account {
                let account = written.into_account(name)?;
                accounts.insert(account.name.clone(), Arc::new(account));
            }
        }
        let mut table = lock(&self.table);
        table.stamp = stamp;
        table.accounts = Arc::new(accounts);
        Ok(())
    }

    fn current(&self) -> Arc<BTreeMap<String, Arc<Account>>> {
        if let Err(error) = self.reread() {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "accounts are not reread"
            );
        }
        lock(&self.table).accounts.clone()
    }

    fn read(&self) -> Result<Option<String>, Error> {
        let mut text = String::new();
        match self.folder.read(FILE) {
            Ok(mut file) => {
                file.read_to_string(&mut text).map_err(Error::Read)?;
                Ok(Some(text))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::Read(error)),
        }
    }

    /// The secret of APOP has to be kept as it is, so it is kept apart, in the first line of a file
    /// that nobody else may read.
    fn apop_secret(&self, name: &str) -> Option<SecretString> {
        let mut file = self.folder.read(&format!("{name}.apop")).ok()?;
        if file
            .metadata()
            .is_ok_and(|metadata| crate::secret::is_exposed(&metadata))
        {
            tracing::error!(
                account = name,
                "others may read the secret of APOP: it is not used"
            );
            return None;
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).ok()?;
        let line = text.lines().next().filter(|line| !line.is_empty())?;
        Some(SecretString::from(line))
    }
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
            sessions: self.sessions,
            delete: self.delete,
            apop: self.apop,
            password_hash: self.password_hash,
        })
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

/// A thread that panicked while it held the lock left nothing half done behind it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

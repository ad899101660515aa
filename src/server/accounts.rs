//! The accounts of a spool: names, password hashes, and what each account allows.
//!
//! They stand in `accounts.toml` in the spool's folder, a table each:
//!
//! ```toml
//! [account.notices]
//! password_hash = "$argon2id$v=19$…"   # by `tidings serve passwd notices`
//! mailbox = "notices"                  # the account's name if nothing is said; two accounts may share one
//! store = "mbox"                       # or "maildir"
//! sessions = "shared"                  # or "exclusive": one at a time, as RFC 1939 has it
//! delete = "allowed"                   # or "refused": DELE is answered -ERR [SYS/PERM]
//! expire = "90d"                       # older notices are removed; "never" if nothing is said
//! login_delay = "60s"                  # between two logins from one address
//! largest_mailbox = "2GB"              # beyond this no mail is taken
//! largest_message = "50MB"
//! networks = ["192.0.2.0/24"]          # from where one may sign in
//! senders = ["@team.example"]          # whose mail is taken, by envelope and From
//! duplicates = "once"                  # or "keep": a Message-ID that came within a day
//! apop = true                          # APOP, with the secret in the file `notices.apop`
//! scram = true                         # SCRAM-SHA-256, with what it keeps in `notices.scram`
//! ```
//!
//! The file is read again whenever it has changed. Nobody can tell an unknown account from a wrong
//! password, by the words or by the time.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use secrecy::SecretString;
use subtle::ConstantTimeEq;

use crate::{
    causes::chain,
    pop3::sasl::{self, scram::Verifier},
};

use self::{
    account::{Account, ByName, Policy},
    error::{Error, FILE},
    file::Change,
    passwords::{Hardness, Memory},
};

use super::{
    file::Stamp,
    folder::Folder,
    lock::{self, Locked, Purpose},
};

pub mod account;
pub mod error;
pub mod file;
pub mod passwords;
mod secrets;

/// A longer file of accounts is none, in octets: ten thousand accounts are in it.
const LONGEST_FILE: u64 = 8 * 1024 * 1024;

/// The accounts of a spool.
#[derive(Debug)]
pub struct Accounts {
    folder: Arc<Folder>,
    table: Mutex<Table>,
    memory: Memory,
    /// What nobody's secrets are made of, once somebody has asked for one.
    nobody: OnceLock<[u8; 32]>,
}

/// What the file said when it was read last.
#[derive(Clone, Debug, Default)]
struct Table {
    stamp: Option<Stamp>,
    /// The stamp of the file that could not be read last.
    failed: Option<Option<Stamp>>,
    accounts: Arc<ByName>,
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
            nobody: OnceLock::new(),
        };
        accounts.reread()?;
        Ok(accounts)
    }

    /// The account of this name, as the file has it now.
    pub fn find(&self, name: &str) -> Option<Arc<Account>> {
        self.current().get(name).cloned()
    }

    /// All accounts.
    pub fn all(&self) -> Arc<ByName> {
        self.current()
    }

    /// True if an account opts in to APOP.
    pub fn any_apop(&self) -> bool {
        self.current().values().any(|account| account.apop)
    }

    /// True if SCRAM can be used by everybody who has a password: clients that see it announced take it
    /// for the best way in, and do not try another.
    pub fn all_scram(&self) -> bool {
        let accounts = self.current();
        let mut with_password = accounts.values().filter(|account| account.has_password());
        with_password.clone().next().is_some() && with_password.all(|account| account.scram)
    }

    /// What SCRAM keeps of an account's password. Where there is nothing, one that fits no password.
    pub fn verifier(&self, name: &str) -> Verifier {
        let account = self.find(name).filter(|account| account.scram);
        account
            .and_then(|account| secrets::scram(&self.folder, &account.name))
            .unwrap_or_else(|| {
                let secret = self.nobody.get().copied().or_else(|| {
                    let made = secrets::of_nobody(&self.folder)?;
                    Some(*self.nobody.get_or_init(|| made))
                });
                Verifier::of_nobody(name, &secret.unwrap_or_default())
            })
    }

    /// What CAPA may say of times before anybody has signed in, and whether it differs.
    pub fn policy(&self) -> (Policy, bool) {
        let accounts = self.current();
        let mut policies = accounts.values().map(|account| account.policy());
        let first = policies.next().unwrap_or_default();
        policies.fold((first, false), |(all, differs), policy| {
            (all.and(policy), differs || policy != all)
        })
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
            .and_then(|account| secrets::apop(&self.folder, &account.name));
        // The digest is made in any case, so that time tells nothing.
        let is_known = secret.is_some();
        let secret = secret.unwrap_or_else(|| SecretString::from("nobody's secret"));
        let expected = sasl::apop_digest(timestamp, &secret);
        let is_right = bool::from(expected.as_bytes().ct_eq(digest.as_bytes()));
        account.filter(|_| is_known && is_right)
    }

    /// Makes an account, or changes its password, and keeps the rest of the file as it is. What APOP
    /// and SCRAM keep of it follows, where the account opts in.
    ///
    /// # Errors
    ///
    /// The name cannot be one, or a file cannot be written.
    pub fn set_password(
        &self,
        name: &str,
        password: &SecretString,
        hardness: Hardness,
    ) -> Result<(), Error> {
        self.change(name, Change::default(), Some((password, hardness)))
    }

    /// Changes what an account allows, and its password if one is given; makes it if there is none.
    ///
    /// # Errors
    ///
    /// The name or a value cannot be one, or a file cannot be written.
    pub fn change(
        &self,
        name: &str,
        mut change: Change,
        password: Option<(&SecretString, Hardness)>,
    ) -> Result<(), Error> {
        if let Some((password, hardness)) = password {
            change.password_hash = Some(passwords::hash(password, hardness).map_err(Error::Hash)?);
        }
        self.edit(|text| file::changed(text, name, &change).map(Some))?;
        let Some(account) = self.find(name) else {
            return Ok(());
        };
        match password {
            _ if !account.apop => secrets::forget_apop(&self.folder, name)?,
            Some((password, _)) => secrets::keep_for_apop(&self.folder, name, password)?,
            None => {}
        }
        match password {
            _ if !account.scram => secrets::forget_scram(&self.folder, name)?,
            Some((password, _)) => secrets::keep_for_scram(&self.folder, name, password)?,
            None => {}
        }
        Ok(())
    }

    /// Removes an account and its secrets; its mailbox stays. False if there is none of this name.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn remove(&self, name: &str) -> Result<bool, Error> {
        let is_removed = self.edit(|text| file::without(text, name))?;
        if is_removed {
            secrets::forget_apop(&self.folder, name)?;
            secrets::forget_scram(&self.folder, name)?;
        }
        Ok(is_removed)
    }

    /// Changes the file's text, if the function gives another; true if it does.
    fn edit(
        &self,
        change: impl FnOnce(&str) -> Result<Option<String>, Error>,
    ) -> Result<bool, Error> {
        let locked = Locked::acquire(&self.folder, FILE, Purpose::Create, lock::PATIENCE)
            .map_err(Error::Lock)?;
        // By the locked handle: closing another one would give the lock back.
        let text = locked.file().text(LONGEST_FILE).map_err(Error::Read)?;
        let Some(changed) = change(&text)? else {
            return Ok(false);
        };
        self.folder
            .replace(FILE, changed.as_bytes())
            .map_err(Error::Write)?;
        self.reread()?;
        Ok(true)
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
        let text = self.read()?.unwrap_or_default();
        // A disk that is not mounted yet, an editor that is just writing: nobody's mail is sent back for it.
        if text.is_empty() && !lock(&self.table).accounts.is_empty() {
            return Err(Error::Gone);
        }
        let accounts = file::parse(&text)?;
        let mut table = lock(&self.table);
        table.stamp = stamp;
        table.failed = None;
        table.accounts = Arc::new(accounts);
        Ok(())
    }

    fn current(&self) -> Arc<ByName> {
        let stamp = self.folder.stamp(FILE).ok().flatten();
        // What could not be read is said once, and read again when it has changed.
        let is_known = lock(&self.table).failed == Some(stamp);
        if !is_known && let Err(error) = self.reread() {
            lock(&self.table).failed = Some(stamp);
            tracing::error!(error = chain(&error), "accounts are not reread");
        }
        lock(&self.table).accounts.clone()
    }

    fn read(&self) -> Result<Option<String>, Error> {
        match self.folder.read(FILE) {
            Ok(file) => file.text(LONGEST_FILE).map(Some).map_err(Error::Read),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::Read(error)),
        }
    }
}

/// A thread that panicked while it held the lock left nothing half done behind it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

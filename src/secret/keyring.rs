//! Passwords in the system's keyring, where this program was built with the feature `keyring`.

use secrecy::SecretString;

use super::Error;
use crate::config::Mailbox;

/// Under what a mailbox's password stands there.
pub fn account(mailbox: &Mailbox) -> String {
    format!("{}@{}", mailbox.account(), mailbox.host)
}

#[cfg(feature = "keyring")]
fn failed(account: &str, error: keyring::Error) -> Error {
    let account = account.to_owned();
    match error {
        keyring::Error::NoEntry => Error::NotInKeyring { account },
        other => Error::Keyring {
            account,
            why: other.to_string(),
        },
    }
}

#[cfg(feature = "keyring")]
fn entry(account: &str) -> Result<keyring::Entry, Error> {
    let entry = match keyring::Entry::store_status() {
        Ok(_) => keyring::Entry::new("tidings", account),
        Err(error) => {
            return Err(Error::Keyring {
                account: account.to_owned(),
                why: error.to_string(),
            });
        }
    };
    entry.map_err(|error| failed(account, error))
}

/// Fetches an account's password. It may take as long as a person takes to unlock the keyring.
///
/// # Errors
///
/// There is no keyring, or nothing in it for this account.
#[cfg(feature = "keyring")]
pub fn fetch(account: &str) -> Result<SecretString, Error> {
    let password = entry(account)?.get_password();
    password
        .map(SecretString::from)
        .map_err(|error| failed(account, error))
}

/// Puts an account's password there.
///
/// # Errors
///
/// There is no keyring, or it takes none.
#[cfg(feature = "keyring")]
pub fn put(account: &str, password: &SecretString) -> Result<(), Error> {
    let password = secrecy::ExposeSecret::expose_secret(password);
    let put = entry(account)?.set_password(password);
    put.map_err(|error| failed(account, error))
}

/// Says that it cannot be had.
///
/// # Errors
///
/// Always: this program was built without the feature `keyring`.
#[cfg(not(feature = "keyring"))]
pub fn fetch(_: &str) -> Result<SecretString, Error> {
    Err(Error::NoKeyring)
}

/// The same.
///
/// # Errors
///
/// Always: this program was built without the feature `keyring`.
#[cfg(not(feature = "keyring"))]
pub fn put(_: &str, _: &SecretString) -> Result<(), Error> {
    Err(Error::NoKeyring)
}

//! Passwords in the system's keyring, where this program was built with the feature `keyring`.

use secrecy::SecretString;

use super::Error;
use crate::config::Mailbox;

/// Under what a mailbox's password stands there.
pub fn account(mailbox: &Mailbox) -> String {
    format!("{}@{}", mailbox.user, mailbox.host)
}

fn failed(account: &str, why: impl ToString) -> Error {
    Error::Keyring {
        account: account.to_owned(),
        why: why.to_string(),
    }
}

#[cfg(feature = "keyring")]
fn entry(account: &str) -> Result<keyring::Entry, Error> {
    if let Err(error) = keyring::Entry::store_status() {
        return Err(failed(account, error));
    }
    keyring::Entry::new("tidings", account).map_err(|error| failed(account, error))
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

#[cfg(not(feature = "keyring"))]
const NOT_HERE: &str = "this tidings was built without the feature `keyring`";

/// Says that it cannot be had.
///
/// # Errors
///
/// Always: this program was built without the feature `keyring`.
#[cfg(not(feature = "keyring"))]
pub fn fetch(account: &str) -> Result<SecretString, Error> {
    Err(failed(account, NOT_HERE))
}

/// The same.
///
/// # Errors
///
/// Always: this program was built without the feature `keyring`.
#[cfg(not(feature = "keyring"))]
pub fn put(account: &str, _: &SecretString) -> Result<(), Error> {
    Err(failed(account, NOT_HERE))
}

//! Why accounts cannot be read or changed.

use std::io;

use crate::{config::places::Place, server::lock};

/// The file of accounts in the spool's folder.
pub const FILE: &str = "accounts.toml";

/// Why the accounts cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {FILE}")]
    Read(#[source] io::Error),
    /// The file is gone or empty, and was neither before.
    #[error("{FILE} is gone or empty: who had an account before has it still")]
    Gone,
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
         and not ending in .lock, .toml, .apop or .scram"
    )]
    Name(String),
    /// Two accounts have the same mailbox, and do not agree on what it is.
    #[error(
        "the mailbox `{0}` is an mbox file for one account and a Maildir for another in {FILE}"
    )]
    Stores(String),
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
    /// What APOP or SCRAM need of the password cannot be written.
    #[error("cannot write the secret file `{file}`")]
    Secret {
        /// Its name in the spool's folder.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

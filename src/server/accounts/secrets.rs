//! What APOP and SCRAM need of a password: kept apart from the accounts, in files that nobody else
//! may read, for accounts that opt in.

use std::io;

use base64::{Engine, prelude::BASE64_STANDARD as STANDARD};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{
    pop3::sasl::scram::{ITERATIONS, Verifier},
    server::folder::Folder,
};

use super::error::Error;

/// The file of an account's secret for APOP: the secret itself, in its first line.
pub(super) fn apop_file(name: &str) -> String {
    format!("{name}.apop")
}

/// The file of what SCRAM keeps of an account's password.
pub(super) fn scram_file(name: &str) -> String {
    format!("{name}.scram")
}

/// The secret of APOP; none if it cannot be had.
pub(super) fn apop(folder: &Folder, name: &str) -> Option<SecretString> {
    first_line(folder, &apop_file(name)).map(|line| SecretString::from(line.as_str()))
}

/// What SCRAM keeps; none if it cannot be had.
pub(super) fn scram(folder: &Folder, name: &str) -> Option<Verifier> {
    let line = first_line(folder, &scram_file(name))?;
    match line.parse() {
        Ok(verifier) => Some(verifier),
        Err(_) => {
            tracing::error!(
                account = name,
                "what SCRAM keeps is damaged: set the password again"
            );
            None
        }
    }
}

/// The file of what nobody's secrets are made of. No account's name begins with a dot.
const NOBODY: &str = ".nobody";

/// What nobody's secrets are made of: the same after a restart, or whoever asks before and after one would
/// know which accounts there are. None if there is no randomness.
pub(super) fn of_nobody(folder: &Folder) -> Option<[u8; 32]> {
    let kept = || {
        let line = first_line(folder, NOBODY)?;
        <[u8; 32]>::try_from(STANDARD.decode(line.as_bytes()).ok()?).ok()
    };
    if let Some(kept) = kept() {
        return Some(kept);
    }
    let mut made = [0; 32];
    if let Err(error) = getrandom::fill(&mut made) {
        tracing::error!(%error, "no randomness for what unknown accounts are told");
        return None;
    }
    let line = format!("{}\n", STANDARD.encode(made));
    match folder.create_whole(NOBODY, line.as_bytes()) {
        Ok(()) => Some(made),
        // Another process was first, or nothing can be kept here: then it is this run's.
        Err(_) => Some(kept().unwrap_or(made)),
    }
}

/// Keeps the password for APOP.
pub(super) fn keep_for_apop(
    folder: &Folder,
    name: &str,
    password: &SecretString,
) -> Result<(), Error> {
    let line = Zeroizing::new(format!("{}\n", password.expose_secret()));
    write(folder, apop_file(name), line.as_bytes())
}

/// Keeps of the password what SCRAM needs.
pub(super) fn keep_for_scram(
    folder: &Folder,
    name: &str,
    password: &SecretString,
) -> Result<(), Error> {
    let mut salt = vec![0; 16];
    getrandom::fill(&mut salt).map_err(|error| Error::Hash(error.to_string()))?;
    let line = format!("{}\n", Verifier::of(password, salt, ITERATIONS));
    write(folder, scram_file(name), line.as_bytes())
}

/// Forgets what APOP needs.
pub(super) fn forget_apop(folder: &Folder, name: &str) -> Result<(), Error> {
    forget(folder, apop_file(name))
}

/// Forgets what SCRAM needs.
pub(super) fn forget_scram(folder: &Folder, name: &str) -> Result<(), Error> {
    forget(folder, scram_file(name))
}

fn forget(folder: &Folder, file: String) -> Result<(), Error> {
    match folder.remove(&file) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::Secret { file, source })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write(folder: &Folder, file: String, content: &[u8]) -> Result<(), Error> {
    folder
        .replace(&file, content)
        .map_err(|source| Error::Secret { file, source })
}

/// A longer secret is none, in octets.
const LONGEST: u64 = 4096;

fn first_line(folder: &Folder, file_name: &str) -> Option<Zeroizing<String>> {
    let file = folder.read(file_name).ok()?;
    if file
        .metadata()
        .is_ok_and(|metadata| crate::secret::is_exposed(&metadata))
    {
        tracing::error!(
            file = file_name,
            "others may read this secret: it is not used"
        );
        return None;
    }
    let text = Zeroizing::new(file.text(LONGEST).ok()?);
    let line = text.lines().next().filter(|line| !line.is_empty())?;
    Some(Zeroizing::new(line.to_owned()))
}

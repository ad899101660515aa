//! What other programs write down of the messages that they have fetched (pure): mpop's uidls, fetchmail's
//! .fetchids, getmail's oldmail files, Thunderbird's popstate.dat.

use std::collections::BTreeMap;

use crate::pop3::listing::UniqueId;

/// A program that has been here before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Program {
    /// mpop: `uidls_file`.
    Mpop,
    /// fetchmail: `.fetchids`.
    Fetchmail,
    /// getmail: `oldmail-SERVER-PORT-USER`, one for each account.
    Getmail,
    /// Thunderbird: `popstate.dat`.
    Thunderbird,
}

/// The unique-ids of each account that the file knows, by `user@host`; of a file that names no account, by
/// the empty name.
pub type Accounts = BTreeMap<String, Vec<UniqueId>>;

/// Reads such a file. Lines that mean nothing are left out.
pub fn read(program: Program, file: &[u8]) -> Accounts {
    let mut accounts = Accounts::new();
    let mut account = String::new();
    for line in file.split(|&octet| octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // In mpop's the accounts stand below what it says to people; all else that begins so is a unique-id.
        let is_comment = match program {
            Program::Mpop => account.is_empty(),
            Program::Thunderbird => true,
            Program::Fetchmail | Program::Getmail => false,
        };
        if line.is_empty() || (is_comment && line.starts_with(b"#")) {
            continue;
        }
        let found = match program {
            Program::Mpop => match line.strip_prefix(b" ") {
                // ` number-of-uids hostname user`
                Some(header) => {
                    account = name(header, 1);
                    None
                }
                None => Some(line),
            },
            Program::Thunderbird => match (line.strip_prefix(b"*"), line) {
                (Some(header), _) => {
                    account = name(header, 0);
                    None
                }
                // `f` is still to be fetched.
                (None, [b'k' | b'd' | b'b', b' ', rest @ ..]) => {
                    rest.split(|&octet| octet == b' ').next()
                }
                (None, _) => None,
            },
            Program::Fetchmail => line.iter().rposition(|&octet| octet == b' ').map(|space| {
                account = String::from_utf8_lossy(&line[..space]).into_owned();
                &line[space + 1..]
            }),
            // `unique-id NUL time`
            Program::Getmail => line.split(|&octet| octet == b'\0').next(),
        };
        if let Some(unique_id) = found.and_then(UniqueId::new) {
            accounts.entry(account.clone()).or_default().push(unique_id);
        }
    }
    accounts
}

/// `host user`, behind so many other words, as `user@host`.
fn name(header: &[u8], skip: usize) -> String {
    let header = String::from_utf8_lossy(header);
    let mut words = header.split_ascii_whitespace().skip(skip);
    let host = words.next().unwrap_or_default();
    let user: Vec<&str> = words.collect();
    format!("{}@{host}", user.join(" "))
}

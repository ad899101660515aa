//! Passwords of accounts: hashes that are hard to guess, and a memory of those that were right.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{PasswordHasher, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// How hard a password's hash is to guess.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Hardness {
    /// As the argon2 crate and OWASP recommend: 19 MiB, two passes.
    #[default]
    Ordinary,
    /// Next to nothing, for accounts that live as long as a demo or a test.
    Throwaway,
}

/// How long a password that was right is remembered: a team polls every minute, and the hash is
/// made to be slow.
const REMEMBERED: Duration = Duration::from_secs(10 * 60);

/// What a password is checked against where no account has one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$dGlkaW5ncy1ub2JvZHk\
                      $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The argon2id hash of a password, with its parameters and salt.
pub(super) fn hash(password: &SecretString, hardness: Hardness) -> Result<String, String> {
    let params = match hardness {
        Hardness::Ordinary => Params::DEFAULT,
        Hardness::Throwaway => Params::new(
            Params::MIN_M_COST,
            Params::MIN_T_COST,
            Params::MIN_P_COST,
            None,
        )
        .map_err(|error| error.to_string())?,
    };
    let hash: PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.expose_secret().as_bytes())
        .map_err(|error| error.to_string())?;
    Ok(hash.to_string())
}

/// True if the password is right. Where there is no hash, it is checked against another's, and is
/// wrong: that takes the same time.
pub(super) fn is_right(
    password: &SecretString,
    hash: Option<&str>,
    anothers: Option<&str>,
) -> bool {
    let to_check = hash.or(anothers).unwrap_or(NOBODY);
    let fits = PasswordHash::new(to_check).is_ok_and(|parsed| fits(password, &parsed));
    fits && hash.is_some()
}

/// The memory that checks of passwords have used, for the next ones: 19 MiB that every thread takes and
/// gives back anew, the C library keeps for each of them.
static ROOMS: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

/// How much of it is kept, in blocks of a KiB: enough for the usual hardness, no more.
const LARGEST_ROOM: usize = 32 * 1024;

fn fits(password: &SecretString, parsed: &PasswordHash) -> bool {
    let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else {
        return false;
    };
    let (Ok(algorithm), Ok(params)) = (
        Algorithm::try_from(parsed.algorithm.as_str()),
        Params::try_from(parsed),
    ) else {
        return false;
    };
    let version = parsed
        .version
        .and_then(|version| Version::try_from(version).ok());
    let blocks = params.block_count();
    let rooms = || ROOMS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut room = rooms().pop().unwrap_or_default();
    room.resize(blocks.max(room.len()), Block::new());
    let mut found = Zeroizing::new(vec![0; expected.as_bytes().len()]);
    let made = Argon2::new(algorithm, version.unwrap_or_default(), params)
        .hash_password_into_with_memory(
            password.expose_secret().as_bytes(),
            salt,
            &mut found,
            &mut room[..blocks],
        );
    if room.len() <= LARGEST_ROOM {
        rooms().push(room);
    }
    made.is_ok() && bool::from(found.ct_eq(expected.as_bytes()))
}

/// The passwords that were right not long ago, as keyed hashes with a key of this process.
#[derive(Debug)]
pub(super) struct Memory {
    key: Zeroizing<[u8; 32]>,
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Debug)]
struct Known {
    tag: [u8; 32],
    until: Instant,
}

impl Memory {
    pub(super) fn new() -> Result<Memory, getrandom::Error> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut())?;
        Ok(Memory {
            key,
            known: Mutex::default(),
        })
    }

    /// Remembers that this password was right for this account, as long as its hash is this one.
    pub(super) fn learn(&self, name: &str, hash: &str, password: &SecretString) {
        let known = Known {
            tag: self.tag(name, hash, password),
            until: Instant::now() + REMEMBERED,
        };
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), known);
    }

    pub(super) fn knows(&self, name: &str, hash: &str, password: &SecretString) -> bool {
        let tag = self.tag(name, hash, password);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(name)
            .is_some_and(|known| known.until > Instant::now() && bool::from(known.tag.ct_eq(&tag)))
    }

    /// A changed account has another hash, so what was known of it fits no more.
    fn tag(&self, name: &str, hash: &str, password: &SecretString) -> [u8; 32] {
        let mut hasher = Sha256::new_with_prefix(&self.key[..]);
        for part in [name, hash, password.expose_secret()] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }
}

//! The SASL mechanisms spoken here: their names, challenges and answers (RFC 5034, RFC 4616), and
//! the digest of APOP (RFC 1939 §7).

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// A mechanism of AUTH.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Mechanism {
    /// Name and password in one response (RFC 4616). For protected connections.
    Plain,
}

/// A name that is no mechanism of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown mechanism")]
pub struct UnknownMechanism;

impl FromStr for Mechanism {
    type Err = UnknownMechanism;

    fn from_str(name: &str) -> Result<Mechanism, UnknownMechanism> {
        if name.eq_ignore_ascii_case("PLAIN") {
            Ok(Mechanism::Plain)
        } else {
            Err(UnknownMechanism)
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Mechanism::Plain => "PLAIN",
        })
    }
}

/// What a client of PLAIN says about itself.
#[derive(Clone, Debug)]
pub struct Plain {
    /// Whom to act as; empty for oneself.
    pub authorization: String,
    /// Who signs in.
    pub name: String,
    /// The password.
    pub password: SecretString,
}

/// Why a response of PLAIN cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlainError {
    /// It is not base64.
    #[error("not base64")]
    NotBase64,
    /// It is not `authzid NUL authcid NUL passwd`.
    #[error("not a response of PLAIN")]
    Malformed,
}

impl Plain {
    /// Reads a response: base64 of `authzid NUL authcid NUL passwd` (RFC 4616 §2).
    ///
    /// # Errors
    ///
    /// It is not one, or the name or password is empty.
    pub fn decode(response: &str) -> Result<Plain, PlainError> {
        let octets = STANDARD
            .decode(response)
            .map(Zeroizing::new)
            .map_err(|_| PlainError::NotBase64)?;
        let text = std::str::from_utf8(&octets).map_err(|_| PlainError::Malformed)?;
        let mut parts = text.split('\0');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(authorization), Some(name), Some(password), None)
                if !name.is_empty() && !password.is_empty() =>
            {
                Ok(Plain {
                    authorization: authorization.to_owned(),
                    name: name.to_owned(),
                    password: SecretString::from(password),
                })
            }
            _ => Err(PlainError::Malformed),
        }
    }

    /// The response in base64.
    pub fn encode(&self) -> SecretString {
        let octets = Zeroizing::new(format!(
            "{}\0{}\0{}",
            self.authorization,
            self.name,
            self.password.expose_secret()
        ));
        SecretString::from(STANDARD.encode(octets.as_bytes()))
    }
}

/// The digest of APOP in lower-case hex: MD5 of the timestamp, with its angle brackets, and the
/// secret (RFC 1939 §7).
pub fn apop_digest(timestamp: &str, secret: &SecretString) -> String {
    let digest = Md5::new()
        .chain_update(timestamp.as_bytes())
        .chain_update(secret.expose_secret().as_bytes())
        .finalize();
    digest.iter().map(|octet| format!("{octet:02x}")).collect()
}

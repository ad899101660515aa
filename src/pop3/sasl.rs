//! The SASL mechanisms spoken here: their names, challenges and answers (RFC 5034, RFC 4616; SCRAM
//! in [`scram`], tokens in [`bearer`]), and the digest of APOP (RFC 1939 §7).

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

pub mod bearer;
pub mod scram;

/// A mechanism of AUTH.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Mechanism {
    /// Name and password in one response (RFC 4616). For protected connections.
    Plain,
    /// Name and password in two responses, for old clients (draft-murchison-sasl-login). For protected
    /// connections.
    Login,
    /// A proof that the password is known (RFC 7677).
    ScramSha256,
    /// The same, bound to the TLS connection that it is made on.
    ScramSha256Plus,
    /// An access token (RFC 7628). For protected connections.
    OauthBearer,
    /// The same, as Google and Microsoft had it before. For protected connections.
    Xoauth2,
}

/// A name that is no mechanism of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown mechanism")]
pub struct UnknownMechanism;

impl FromStr for Mechanism {
    type Err = UnknownMechanism;

    fn from_str(name: &str) -> Result<Mechanism, UnknownMechanism> {
        Mechanism::ALL
            .into_iter()
            .find(|mechanism| name.eq_ignore_ascii_case(mechanism.name()))
            .ok_or(UnknownMechanism)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Mechanism {
    /// All that are spoken here, the best first.
    pub const ALL: [Mechanism; 6] = [
        Mechanism::ScramSha256Plus,
        Mechanism::ScramSha256,
        Mechanism::Plain,
        Mechanism::Login,
        Mechanism::OauthBearer,
        Mechanism::Xoauth2,
    ];

    /// Its registered name.
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Mechanism::OauthBearer => "OAUTHBEARER",
            Mechanism::Xoauth2 => "XOAUTH2",
        }
    }

    /// True if the password itself travels.
    pub fn gives_password_away(self) -> bool {
        matches!(self, Mechanism::Plain | Mechanism::Login)
    }

    /// True if an access token takes the password's place.
    pub fn takes_token(self) -> bool {
        matches!(self, Mechanism::OauthBearer | Mechanism::Xoauth2)
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
    #[error("not a response of the mechanism")]
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

/// A response of LOGIN: a name or a password, as base64.
pub fn encode_login(word: &SecretString) -> SecretString {
    SecretString::from(STANDARD.encode(word.expose_secret()))
}

/// A response of LOGIN: a name or a password in base64, as it stands.
///
/// # Errors
///
/// It is not base64 of some text, or of none.
pub fn decode_login(response: &str) -> Result<SecretString, PlainError> {
    let octets = STANDARD
        .decode(response)
        .map(Zeroizing::new)
        .map_err(|_| PlainError::NotBase64)?;
    match std::str::from_utf8(&octets) {
        Ok(text) if !text.is_empty() && !text.contains('\0') => Ok(SecretString::from(text)),
        Ok(_) | Err(_) => Err(PlainError::Malformed),
    }
}

/// The challenges of LOGIN, in base64: what old clients wait for, word by word.
pub const LOGIN_CHALLENGES: [&str; 2] = ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"];

/// The digest of APOP in lower-case hex: MD5 of the timestamp, with its angle brackets, and the
/// secret (RFC 1939 §7).
pub fn apop_digest(timestamp: &str, secret: &SecretString) -> String {
    let digest = Md5::new()
        .chain_update(timestamp.as_bytes())
        .chain_update(secret.expose_secret().as_bytes())
        .finalize();
    digest.iter().map(|octet| format!("{octet:02x}")).collect()
}

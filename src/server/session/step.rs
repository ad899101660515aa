//! What a session says is to be done, and what it is told: the values between it and whoever holds it.

use std::collections::BTreeSet;

use bytes::Bytes;
use secrecy::SecretString;

use crate::{
    pop3::{response::Response, sasl::Mechanism},
    server::{
        accounts::account::Policy,
        maildrop::{Identity, Listing, Message},
        mbox::Excerpt,
    },
};

/// What can be used on this connection, at this moment.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// TLS can be asked for: there is a certificate, and no TLS yet.
    pub stls: bool,
    /// Passwords may be sent: there is TLS, or it is not needed here.
    pub passwords: bool,
    /// The greeting's timestamp, with its angle brackets, if an account opts in to APOP.
    pub timestamp: Option<String>,
    /// SCRAM is announced: everybody can use it.
    pub scram: bool,
    /// What may hold for whoever signs in.
    pub policy: Policy,
    /// True if that is not the same for everybody.
    pub policy_differs: bool,
    /// The hash of the certificate of this connection's TLS, if it can be told (RFC 5929 §4).
    pub end_point: Option<Vec<u8>>,
}

/// What the account may do with its maildrop.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rights {
    /// DELE is not refused.
    pub delete: bool,
    /// What is announced of its account.
    pub policy: Policy,
}

/// What is to be done.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// Say this, and read on.
    Reply(Response, Body),
    /// Say this challenge, in base64; the next line is a continuation.
    Challenge(String),
    /// Look for what is kept of this account's password for SCRAM; then
    /// [`Session::told`](super::Session::told).
    Look {
        /// The account, if there is one of this name.
        name: String,
    },
    /// Check this and open the maildrop; then [`Session::signed_in`](super::Session::signed_in) or [`Session::turned_away`](super::Session::turned_away).
    SignIn(Credentials),
    /// Say this, then make TLS; then [`Session::upgraded`](super::Session::upgraded).
    Upgrade(Response),
    /// Remove these messages from the spool; then [`Session::updated`](super::Session::updated).
    Update(BTreeSet<Identity>),
    /// Say this, and close the connection.
    Close(Response),
}

/// What follows the first line of an answer.
#[derive(Debug)]
pub enum Body {
    /// Nothing, not even a lone dot.
    None,
    /// These lines.
    Lines(Bytes),
    /// The lines of a listing.
    Listing(Listing),
    /// A message, or the top of it.
    Message {
        /// Which.
        message: Message,
        /// How much of it.
        excerpt: Excerpt,
    },
}

/// How somebody wants to show who they are.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// By a password.
    Password {
        /// The account.
        name: String,
        /// What was sent.
        password: SecretString,
    },
    /// By APOP (RFC 1939 §7).
    Apop {
        /// The account.
        name: String,
        /// The greeting's timestamp.
        timestamp: String,
        /// What was sent.
        digest: String,
    },
    /// By a proof that was right: nothing is left to check.
    Proven {
        /// The account.
        name: String,
    },
    /// By a proof that was wrong.
    Disproved {
        /// The account, if there is one of this name.
        name: String,
    },
}

/// Why somebody was not let in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// Account or password are wrong; which of them is not said.
    Denied,
    /// Another session holds the maildrop.
    Busy,
    /// There are too many sessions.
    Crowded,
    /// The last login was too short a time ago.
    TooSoon,
    /// Something failed that may pass by itself.
    Temporary,
    /// Something failed that needs a person.
    Permanent,
}

/// How an update went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Updated {
    /// All marked messages are gone.
    Done,
    /// None of them is, or not all (RFC 1939 §6).
    Failed,
}

impl Offer {
    /// The mechanisms of AUTH that can be used.
    pub(super) fn mechanisms(&self) -> impl Iterator<Item = Mechanism> {
        Mechanism::ALL
            .into_iter()
            .filter(|mechanism| match mechanism {
                Mechanism::ScramSha256Plus => self.scram && self.end_point.is_some(),
                Mechanism::ScramSha256 => self.scram,
                Mechanism::Plain | Mechanism::Login => self.passwords,
                // Nobody here gives out tokens.
                Mechanism::OauthBearer | Mechanism::Xoauth2 => false,
            })
    }
}

impl Credentials {
    /// The account that is named.
    pub fn name(&self) -> &str {
        match self {
            Credentials::Password { name, .. }
            | Credentials::Apop { name, .. }
            | Credentials::Proven { name }
            | Credentials::Disproved { name } => name,
        }
    }
}

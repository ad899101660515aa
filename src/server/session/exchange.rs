//! One AUTH exchange (RFC 5034 §4), without a socket: a response comes in, the next turn comes out.

use secrecy::{ExposeSecret, SecretString};

use crate::pop3::sasl::{
    self, LOGIN_CHALLENGES, Mechanism, Plain,
    scram::{self, Asked, Channel, First, Verifier},
};

use super::step::{Credentials, Offer};

/// What the client's next response is to be.
#[derive(Debug)]
pub(super) enum Exchange {
    Plain,
    LoginName,
    LoginPassword {
        name: String,
    },
    ScramFirst(Channel),
    /// Nothing: what is kept of the account's password is being looked for.
    ScramKept(First),
    ScramFinal {
        name: String,
        asked: Box<Asked>,
    },
    /// Empty: the client has heard the server's proof.
    ScramDone {
        name: String,
    },
}

/// What follows on a response.
#[derive(Debug)]
pub(super) enum Turn {
    /// Say this challenge, and go on.
    Ask(String, Exchange),
    /// Look for what is kept of this account's password, then [`Exchange::told`].
    Look { name: String, then: Exchange },
    /// Check these.
    Present(Credentials),
    /// It comes to nothing, for this reason.
    Broken(String),
}

impl Exchange {
    /// Begins an exchange; what the client sends with its command is its first response. None for a
    /// mechanism that is not spoken here.
    pub(super) fn begin(mechanism: Mechanism, offer: &Offer) -> Option<Exchange> {
        Some(match mechanism {
            Mechanism::OauthBearer | Mechanism::Xoauth2 => return None,
            Mechanism::Plain => Exchange::Plain,
            Mechanism::Login => Exchange::LoginName,
            Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => Exchange::ScramFirst(Channel {
                end_point: offer.end_point.clone(),
                must_bind: mechanism == Mechanism::ScramSha256Plus,
            }),
        })
    }

    /// The challenge to a client that has sent no response with its command.
    pub(super) fn first_challenge(&self) -> String {
        match self {
            Exchange::LoginName => LOGIN_CHALLENGES[0].to_owned(),
            _ => String::new(),
        }
    }

    /// Takes a response, in base64.
    pub(super) fn receive(self, response: &str) -> Turn {
        match self {
            Exchange::Plain => match Plain::decode(response) {
                // Nobody acts for another here (RFC 4616 §2).
                Ok(plain)
                    if !plain.authorization.is_empty() && plain.authorization != plain.name =>
                {
                    Turn::Present(Credentials::Disproved { name: plain.name })
                }
                Ok(plain) => Turn::Present(Credentials::Password {
                    name: plain.name,
                    password: plain.password,
                }),
                Err(error) => Turn::Broken(error.to_string()),
            },
            Exchange::LoginName => match sasl::decode_login(response) {
                Ok(name) => Turn::Ask(
                    LOGIN_CHALLENGES[1].to_owned(),
                    Exchange::LoginPassword {
                        name: name.expose_secret().to_owned(),
                    },
                ),
                Err(error) => Turn::Broken(error.to_string()),
            },
            Exchange::LoginPassword { name } => match sasl::decode_login(response) {
                Ok(password) => Turn::Present(Credentials::Password { name, password }),
                Err(error) => Turn::Broken(error.to_string()),
            },
            Exchange::ScramFirst(channel) => match First::read(response, &channel) {
                Ok(first) => Turn::Look {
                    name: first.name.clone(),
                    then: Exchange::ScramKept(first),
                },
                Err(error) => Turn::Broken(error.to_string()),
            },
            Exchange::ScramFinal { name, asked } => match asked.check(response) {
                Ok(Some(proof)) => Turn::Ask(proof, Exchange::ScramDone { name }),
                Ok(None) => Turn::Present(Credentials::Disproved { name }),
                Err(error) => Turn::Broken(error.to_string()),
            },
            Exchange::ScramDone { name } if response.is_empty() => {
                Turn::Present(Credentials::Proven { name })
            }
            Exchange::ScramDone { .. } | Exchange::ScramKept(_) => {
                Turn::Broken(scram::Error::Malformed.to_string())
            }
        }
    }

    /// This is what is kept of the account's password.
    pub(super) fn told(self, verifier: Verifier, chance: &SecretString) -> Turn {
        match self {
            Exchange::ScramKept(first) => {
                let name = first.name.clone();
                let (challenge, asked) = first.challenge(verifier, chance.expose_secret());
                let asked = Box::new(asked);
                Turn::Ask(challenge, Exchange::ScramFinal { name, asked })
            }
            _ => Turn::Broken("nothing was asked".to_owned()),
        }
    }
}

//! The server's side of one session, without a socket: a line comes in, what is to be done comes out
//! (RFC 1939; RFC 2449 for CAPA, RFC 2595 for STLS, RFC 5034 for AUTH).
//!
//! [`Session::receive`] decides and does nothing. Passwords are checked, maildrops opened and updated
//! by whoever holds the session, and the outcome is told to [`Session::signed_in`],
//! [`Session::turned_away`] or [`Session::updated`].

use std::{borrow::Cow, fmt::Write};

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};

use crate::pop3::{
    capability::Capability,
    codec::Input,
    command::{Auth, Command, ParseError},
    listing::MessageNumber,
    response::{Code, Response},
    sasl::{Mechanism, Plain},
    state::State,
};

use self::step::{Body, Credentials, Offer, Refusal, Rights, Step, Updated};

use super::{
    maildrop::{self, Listed, Maildrop},
    mbox::Excerpt,
};

pub mod step;

/// After so many protocol errors in a row the session ends: whatever speaks there, it is not POP3.
pub const MOST_ERRORS: u32 = 10;

/// After so many wrong passwords the session ends.
pub const MOST_FAILURES: u32 = 3;

/// The server's side of one session.
#[derive(Debug)]
pub struct Session {
    offer: Offer,
    place: Place,
    errors: u32,
    failures: u32,
}

#[derive(Debug)]
enum Place {
    /// Nobody has signed in. USER may have named an account, or AUTH may have begun.
    Authorization {
        named: Option<String>,
        exchange: Option<Mechanism>,
    },
    /// A maildrop is open.
    Transaction { maildrop: Maildrop, rights: Rights },
}

impl Session {
    /// A session in its first state.
    pub fn new(offer: Offer) -> Session {
        Session {
            offer,
            place: Place::nobody(),
            errors: 0,
            failures: 0,
        }
    }

    /// What the server says first (RFC 1939 §4).
    pub fn greeting(&self) -> Response {
        match &self.offer.timestamp {
            Some(timestamp) => Response::ok(format!("tidings ready {timestamp}")),
            None => Response::ok("tidings ready"),
        }
    }

    /// Takes a line of the client's.
    pub fn receive(&mut self, input: Input) -> Step {
        // PASS follows on USER at once (RFC 1939 §7), whatever else comes in between.
        let name = match &mut self.place {
            Place::Authorization { named, .. } => named.take(),
            Place::Transaction { .. } => None,
        };
        let command = match input {
            Input::Continuation(response) => return self.continued(response),
            Input::Command(Ok(command)) => command,
            // A number that no message has is a question with an answer, not an error in the protocol.
            Input::Command(Err(ParseError::NoSuchMessage)) => {
                return err(maildrop::Error::NoSuchMessage.to_string());
            }
            Input::Command(Err(error)) => return self.wrong(error.to_string()),
        };
        if !self.state().allows(&command) {
            return self.wrong(match self.state() {
                State::Authorization => "sign in first",
                State::Transaction => "you are signed in already",
            });
        }
        self.errors = 0;
        let offer = &self.offer;
        match &mut self.place {
            Place::Authorization { named, exchange } => {
                match command {
                    Command::User(_) | Command::Pass(_) | Command::Auth(Some(_))
                        if !offer.passwords =>
                    {
                        err("no passwords without TLS: use STLS first, or the TLS port")
                    }
                    Command::User(name) => {
                        *named = Some(name);
                        ok("now the password")
                    }
                    Command::Pass(password) => match name {
                        Some(name) => Step::SignIn(Credentials::Password { name, password }),
                        None => self.wrong("USER first"),
                    },
                    Command::Apop { name, digest } => match &offer.timestamp {
                        Some(timestamp) => Step::SignIn(Credentials::Apop {
                            name,
                            timestamp: timestamp.clone(),
                            digest,
                        }),
                        None => self.wrong("APOP is not offered"),
                    },
                    Command::Auth(None) => Step::Reply(
                        Response::ok("mechanisms"),
                        lines(offer.mechanisms().map(|mechanism| mechanism.to_string())),
                    ),
                    Command::Auth(Some(Auth { mechanism, initial })) => match initial {
                        // RFC 5034 §4: `=` is an initial response of no octets.
                        Some(initial) if initial.expose_secret() == "=" => {
                            self.authenticate(mechanism, "")
                        }
                        Some(initial) => self.authenticate(mechanism, initial.expose_secret()),
                        None => {
                            *exchange = Some(mechanism);
                            Step::Challenge(String::new())
                        }
                    },
                    Command::Stls if offer.stls => Step::Upgrade(Response::ok("begin TLS now")),
                    Command::Stls => self.wrong("TLS cannot be had here"),
                    Command::Capa => Step::Reply(
                        Response::ok("this is what can be used"),
                        lines(self.capabilities().iter().map(Capability::to_string)),
                    ),
                    Command::Quit => Step::Close(Response::ok("goodbye")),
                    Command::Stat
                    | Command::List(_)
                    | Command::Retr(_)
                    | Command::Dele(_)
                    | Command::Noop
                    | Command::Rset
                    | Command::Top { .. }
                    | Command::Uidl(_) => self.wrong("sign in first"),
                }
            }
            Place::Transaction { maildrop, rights } => match command {
                Command::Stat => ok(maildrop.drop_listing().to_string()),
                Command::List(number) => list(maildrop, Listed::Octets, number),
                Command::Uidl(number) => list(maildrop, Listed::UniqueId, number),
                Command::Retr(number) => send(maildrop, number, Excerpt::whole()),
                Command::Top { message, lines } => send(maildrop, message, Excerpt::top(lines)),
                Command::Dele(_) if !rights.delete => Step::Reply(
                    Response::err_with(
                        Code::SysPerm,
                        "this mailbox is shared: nothing is deleted from it",
                    ),
                    Body::None,
                ),
                Command::Dele(number) => match maildrop.delete(number) {
                    Ok(()) => ok(format!("message {number} is marked as deleted")),
                    Err(error) => err(error.to_string()),
                },
                Command::Noop => ok("here"),
                Command::Rset => {
                    maildrop.reset();
                    let listing = maildrop.drop_listing();
                    ok(format!(
                        "the maildrop has {} messages ({} octets)",
                        listing.messages, listing.octets
                    ))
                }
                Command::Capa => Step::Reply(
                    Response::ok("this is what can be used"),
                    lines(self.capabilities().iter().map(Capability::to_string)),
                ),
                Command::Quit => {
                    let marked = maildrop.marked();
                    if marked.is_empty() {
                        Step::Close(Response::ok("goodbye"))
                    } else {
                        Step::Update(marked)
                    }
                }
                Command::User(_)
                | Command::Pass(_)
                | Command::Apop { .. }
                | Command::Stls
                | Command::Auth(_) => self.wrong("you are signed in already"),
            },
        }
    }

    /// The credentials were right, and this is the maildrop: TRANSACTION begins (RFC 1939 §5).
    pub fn signed_in(&mut self, maildrop: Maildrop, rights: Rights) -> Step {
        let listing = maildrop.drop_listing();
        self.place = Place::Transaction { maildrop, rights };
        ok(format!(
            "the maildrop has {} messages ({} octets)",
            listing.messages, listing.octets
        ))
    }

    /// The credentials were wrong, or the maildrop cannot be had now.
    pub fn turned_away(&mut self, refusal: Refusal) -> Step {
        self.place = Place::nobody();
        let response = match refusal {
            Refusal::Denied => {
                self.failures += 1;
                Response::err_with(Code::Auth, "account or password are wrong")
            }
            Refusal::Busy => Response::err_with(
                Code::InUse,
                "another session holds the maildrop: try again soon",
            ),
            Refusal::Crowded => Response::err_with(
                Code::SysTemp,
                "too many sessions at the moment: try again soon",
            ),
            Refusal::Temporary => {
                Response::err_with(Code::SysTemp, "the maildrop cannot be opened now")
            }
            Refusal::Permanent => Response::err_with(
                Code::SysPerm,
                "the maildrop cannot be opened: tell whoever runs this server",
            ),
        };
        if self.failures >= MOST_FAILURES || refusal == Refusal::Crowded {
            Step::Close(response)
        } else {
            Step::Reply(response, Body::None)
        }
    }

    /// The connection has TLS now: all that was said before is forgotten (RFC 2595 §4).
    pub fn upgraded(&mut self) {
        self.offer.stls = false;
        self.offer.passwords = true;
        self.place = Place::nobody();
    }

    /// The update is over, and so is the session (RFC 1939 §6).
    pub fn updated(&mut self, updated: Updated) -> Step {
        self.place = Place::nobody();
        Step::Close(match updated {
            Updated::Done => Response::ok("goodbye"),
            Updated::Failed => {
                Response::err_with(Code::SysTemp, "some deleted messages were not removed")
            }
        })
    }

    /// How often the unit of waiting the answer to a wrong password is held back: 1, 2, 4 times.
    pub fn penalty(&self) -> u32 {
        match self.failures {
            0 => 0,
            failures => 1 << (failures - 1).min(2),
        }
    }

    /// The state of RFC 1939.
    pub fn state(&self) -> State {
        match self.place {
            Place::Authorization { .. } => State::Authorization,
            Place::Transaction { .. } => State::Transaction,
        }
    }

    /// True if the next line belongs to an AUTH exchange.
    pub fn in_exchange(&self) -> bool {
        matches!(
            self.place,
            Place::Authorization {
                exchange: Some(_),
                ..
            }
        )
    }

    /// What CAPA answers: what can be used at this moment (RFC 2449 §5).
    pub fn capabilities(&self) -> Vec<Capability> {
        let mut capabilities = vec![
            Capability::Top,
            Capability::Uidl,
            Capability::RespCodes,
            Capability::AuthRespCode,
            Capability::Pipelining,
            Capability::Expire {
                days: None,
                per_user: false,
            },
            Capability::LoginDelay {
                seconds: 0,
                per_user: false,
            },
        ];
        if self.state() == State::Authorization {
            if self.offer.passwords {
                capabilities.push(Capability::User);
                capabilities.push(Capability::Sasl(self.offer.mechanisms().collect()));
            }
            if self.offer.stls {
                capabilities.push(Capability::Stls);
            }
        }
        capabilities.push(Capability::Implementation("tidings".to_owned()));
        capabilities
    }

    fn continued(&mut self, response: Option<SecretString>) -> Step {
        let Place::Authorization { exchange, .. } = &mut self.place else {
            return self.wrong("nothing was asked");
        };
        let Some(mechanism) = exchange.take() else {
            return self.wrong("nothing was asked");
        };
        match response {
            Some(response) if response.expose_secret() == "*" => err("AUTH was cancelled"),
            Some(response) => self.authenticate(mechanism, response.expose_secret()),
            None => self.wrong("not a response of AUTH"),
        }
    }

    fn authenticate(&mut self, mechanism: Mechanism, response: &str) -> Step {
        match mechanism {
            Mechanism::Plain => match Plain::decode(response) {
                // Nobody acts for another here (RFC 4616 §2).
                Ok(plain)
                    if !plain.authorization.is_empty() && plain.authorization != plain.name =>
                {
                    self.turned_away(Refusal::Denied)
                }
                Ok(plain) => Step::SignIn(Credentials::Password {
                    name: plain.name,
                    password: plain.password,
                }),
                Err(error) => self.wrong(error.to_string()),
            },
        }
    }

    fn wrong(&mut self, text: impl Into<String>) -> Step {
        self.errors += 1;
        if self.errors >= MOST_ERRORS {
            Step::Close(Response::err("too many errors"))
        } else {
            err(text.into())
        }
    }
}

impl Place {
    fn nobody() -> Place {
        Place::Authorization {
            named: None,
            exchange: None,
        }
    }
}

fn ok(text: impl Into<String>) -> Step {
    Step::Reply(Response::ok(text.into()), Body::None)
}

fn err(text: impl Into<String>) -> Step {
    Step::Reply(Response::err(text.into()), Body::None)
}

fn lines(lines: impl Iterator<Item = String>) -> Body {
    let mut text = String::new();
    for line in lines {
        write!(text, "{line}\r\n").expect("a String takes all that is written");
    }
    Body::Lines(Bytes::from(text))
}

fn list(maildrop: &Maildrop, kind: Listed, number: Option<MessageNumber>) -> Step {
    let Some(number) = number else {
        let listing = maildrop.drop_listing();
        let text = format!("{} messages ({} octets)", listing.messages, listing.octets);
        return Step::Reply(Response::ok(text), Body::Listing(maildrop.listing(kind)));
    };
    match maildrop.message(number) {
        Ok(message) => {
            let mut line = Vec::new();
            kind.write(number, message, &mut line);
            ok(String::from_utf8_lossy(&line))
        }
        Err(error) => err(error.to_string()),
    }
}

fn send(maildrop: &Maildrop, number: MessageNumber, excerpt: Excerpt) -> Step {
    match maildrop.message(number) {
        Ok(message) => Step::Reply(
            Response::ok(if excerpt.is_whole() {
                Cow::Owned(format!("{} octets", message.entry.octets))
            } else {
                Cow::Borrowed("the top of the message follows")
            }),
            Body::Message {
                message: *message,
                excerpt,
            },
        ),
        Err(error) => err(error.to_string()),
    }
}

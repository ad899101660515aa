//! The server's side of one session, without a socket: a line comes in, what is to be done comes out
//! (RFC 1939; RFC 2449 for CAPA, RFC 2595 for STLS, RFC 5034 for AUTH, RFC 6856 for UTF8 and LANG).
//!
//! [`Session::receive`] decides and does nothing. Passwords are checked, maildrops opened and updated
//! by whoever holds the session, and the outcome is told to [`Session::signed_in`],
//! [`Session::turned_away`], [`Session::told`] or [`Session::updated`].

use std::{borrow::Cow, fmt::Write};

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};

use crate::pop3::{
    capability::Capability,
    codec::Input,
    command::{Auth, Command, ParseError},
    listing::MessageNumber,
    response::{Code, Response},
    sasl::scram::Verifier,
    state::State,
};

use self::{
    exchange::{Exchange, Turn},
    step::{Body, Credentials, Offer, Refusal, Rights, Step, Updated},
};

use super::{
    maildrop::{self, Listed, Maildrop},
    mbox::Excerpt,
};

mod exchange;
pub mod step;

const NOT_WITHOUT_TLS: &str = "no passwords without TLS: use STLS first, or the TLS port";

/// Names, passwords and messages may hold UTF-8 whether or not this was asked for (RFC 6856 §2.1).
const UTF8_SPOKEN: &str = "UTF-8 it is";

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
        exchange: Option<Exchange>,
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
                    Command::User(_) | Command::Pass(_) if !offer.passwords => err(NOT_WITHOUT_TLS),
                    Command::Auth(Some(auth))
                        if !offer.passwords && auth.mechanism.gives_password_away() =>
                    {
                        err(NOT_WITHOUT_TLS)
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
                    Command::Auth(Some(Auth { mechanism, initial })) => {
                        let Some(begun) = Exchange::begin(mechanism, offer) else {
                            return self.wrong("unknown mechanism");
                        };
                        match initial {
                            // RFC 5034 §4: `=` is an initial response of no octets.
                            Some(initial) if initial.expose_secret() == "=" => {
                                self.turn(begun.receive(""))
                            }
                            Some(initial) => self.turn(begun.receive(initial.expose_secret())),
                            None => {
                                let challenge = begun.first_challenge();
                                *exchange = Some(begun);
                                Step::Challenge(challenge)
                            }
                        }
                    }
                    Command::Stls if offer.stls => Step::Upgrade(Response::ok("begin TLS now")),
                    Command::Stls => self.wrong("TLS cannot be had here"),
                    Command::Capa => Step::Reply(
                        Response::ok("this is what can be used"),
                        lines(self.capabilities().iter().map(Capability::to_string)),
                    ),
                    Command::Utf8 => ok(UTF8_SPOKEN),
                    Command::Lang(tag) => language(tag.as_deref()),
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
                Command::Utf8 => ok(UTF8_SPOKEN),
                Command::Lang(tag) => language(tag.as_deref()),
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
            Refusal::TooSoon => Response::err_with(
                Code::LoginDelay,
                "the last login was too short a time ago: CAPA says how long to wait",
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

    /// This is what is kept of the password that [`Step::Look`] is about; `chance` was never used before.
    pub fn told(&mut self, verifier: Verifier, chance: &SecretString) -> Step {
        match self.exchange() {
            Some(exchange) => self.turn(exchange.told(verifier, chance)),
            None => self.wrong("nothing was asked"),
        }
    }

    /// The connection has TLS now, by the certificate with this hash (RFC 5929 §4): all that was said
    /// before is forgotten (RFC 2595 §4).
    pub fn upgraded(&mut self, end_point: Option<Vec<u8>>) {
        self.offer.stls = false;
        self.offer.end_point = end_point;
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
        let (policy, per_user) = match &self.place {
            Place::Authorization { .. } => (self.offer.policy, self.offer.policy_differs),
            Place::Transaction { rights, .. } => (rights.policy, false),
        };
        let mut capabilities = vec![
            Capability::Top,
            Capability::Uidl,
            Capability::RespCodes,
            Capability::AuthRespCode,
            Capability::Pipelining,
            Capability::Expire {
                days: policy.expire,
                per_user,
            },
            Capability::LoginDelay {
                seconds: policy.login_delay,
                per_user,
            },
        ];
        if self.state() == State::Authorization {
            if self.offer.passwords {
                capabilities.push(Capability::User);
            }
            let mechanisms: Vec<_> = self.offer.mechanisms().collect();
            if !mechanisms.is_empty() {
                capabilities.push(Capability::Sasl(mechanisms));
            }
            if self.offer.stls {
                capabilities.push(Capability::Stls);
            }
        }
        capabilities.push(Capability::Utf8 { user: true });
        capabilities.push(Capability::Lang);
        capabilities.push(Capability::Implementation("tidings".to_owned()));
        capabilities
    }

    fn exchange(&mut self) -> Option<Exchange> {
        match &mut self.place {
            Place::Authorization { exchange, .. } => exchange.take(),
            Place::Transaction { .. } => None,
        }
    }

    fn continued(&mut self, response: Option<SecretString>) -> Step {
        let Some(exchange) = self.exchange() else {
            return self.wrong("nothing was asked");
        };
        match response {
            Some(response) if response.expose_secret() == "*" => err("AUTH was cancelled"),
            Some(response) => self.turn(exchange.receive(response.expose_secret())),
            None => self.wrong("not a response of AUTH"),
        }
    }

    fn turn(&mut self, turn: Turn) -> Step {
        let (step, next) = match turn {
            Turn::Ask(challenge, next) => (Step::Challenge(challenge), next),
            Turn::Look { name, then } => (Step::Look { name }, then),
            Turn::Present(credentials) => return Step::SignIn(credentials),
            Turn::Broken(why) => return self.wrong(why),
        };
        if let Place::Authorization { exchange, .. } = &mut self.place {
            *exchange = Some(next);
        }
        step
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

/// The languages of what stands behind +OK and -ERR, or one of them (RFC 6856 §3).
fn language(tag: Option<&str>) -> Step {
    let Some(tag) = tag else {
        let all = ["en English", "i-default Default"].map(str::to_owned);
        return Step::Reply(Response::ok("these are spoken"), lines(all.into_iter()));
    };
    // RFC 4647 §3.4, lookup: `en-GB` is served by `en`.
    let range = tag.split('-').next().unwrap_or(tag);
    if range == "*" || range.eq_ignore_ascii_case("en") {
        ok("en English it is")
    } else if tag.eq_ignore_ascii_case("i-default") {
        ok("i-default English it is")
    } else {
        err("invalid language: English only")
    }
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
                excerpt: if message.is_quoted() {
                    excerpt
                } else {
                    excerpt.verbatim()
                },
                message: message.clone(),
            },
        ),
        Err(error) => err(error.to_string()),
    }
}

//! Signing in over a connection, one way at a time: USER and PASS, APOP, AUTH PLAIN and LOGIN, SCRAM,
//! access tokens.

use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::SinkExt;
use secrecy::SecretString;

use super::{connection::Connection, error::Error, login::Way, request::Request};
use crate::pop3::{
    codec::{Answer, Continuation},
    command::LONGEST_COMMAND,
    response::{LONGEST_RESPONSE, ParseError, Response},
    sasl::{
        Mechanism, Plain, apop_digest,
        bearer::{self, Refusal},
        encode_login,
        scram::proving::{self, Binding, Opening, Proof},
    },
};

/// Who signs in, and what is known of the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Applicant<'a> {
    /// The account.
    pub name: &'a str,
    /// Its password, or an access token.
    pub password: &'a SecretString,
    /// The server, as the settings name it.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// The timestamp in the greeting; empty without APOP.
    pub timestamp: &'a str,
    /// True if commands may be sent ahead.
    pub pipelines: bool,
    /// True if the server offers SCRAM-SHA-256-PLUS.
    pub offers_plus: bool,
}

impl Connection {
    /// Signs in one way, and gives what was asked last and how it was answered.
    pub async fn sign_in(
        &mut self,
        way: Way,
        applicant: &Applicant<'_>,
    ) -> Result<(&'static str, Response), Error> {
        let Applicant {
            name,
            password,
            timestamp,
            pipelines,
            ..
        } = *applicant;
        self.dialogue.conceal(password);
        self.dialogue.conceal(&encode_login(password));
        match way {
            Way::Apop => {
                let digest = apop_digest(timestamp, password);
                // With the greeting it is enough to try passwords against.
                self.dialogue.conceal(&SecretString::from(digest.clone()));
                let request = Request::Apop {
                    name: name.to_owned(),
                    digest,
                };
                Ok(("APOP", self.ask(&request).await?))
            }
            Way::User => {
                self.send(&Request::User(name.to_owned())).await?;
                if !pipelines {
                    self.flush().await?;
                    let response = self.answer().await?;
                    if !response.is_ok() {
                        return Ok(("USER", response));
                    }
                }
                self.send(&Request::Pass(password.clone())).await?;
                self.send_look().await?;
                let is_behind = self.is_behind_capa();
                self.flush_behind_capa().await?;
                if pipelines {
                    let response = match self.answer().await {
                        Err(error) if is_behind => return Err(error.behind_another()),
                        answer => answer?,
                    };
                    if !response.is_ok() {
                        // PASS is on its way and will be refused as well, or the server hangs up:
                        // what it has said already is the reason.
                        let _ = self.answer().await;
                        return Ok(("USER", response));
                    }
                    let response = self.answer().await.map_err(Error::behind_another)?;
                    return Ok(("PASS", response));
                }
                Ok(("PASS", self.answer().await?))
            }
            Way::Plain => self.auth_plain(name, password).await,
            Way::Scram => self.auth_scram(name, password, applicant.offers_plus).await,
            Way::Login => self.auth_login(name, password).await,
            Way::OauthBearer => {
                let response = bearer::oauthbearer(name, applicant.host, applicant.port, password);
                self.auth_token(Mechanism::OauthBearer, response, bearer::OAUTHBEARER_END)
                    .await
            }
            Way::Xoauth2 => {
                let response = bearer::xoauth2(name, password);
                self.auth_token(Mechanism::Xoauth2, response, "").await
            }
        }
    }

    /// AUTH LOGIN: the name is asked for first, then the password, whatever the challenges say.
    async fn auth_login(
        &mut self,
        name: &str,
        password: &SecretString,
    ) -> Result<(&'static str, Response), Error> {
        let words = [SecretString::from(name), password.clone()];
        self.send(&Request::Auth(Mechanism::Login, None)).await?;
        self.flush().await?;
        for word in &words {
            if let Some(response) = self.challenge().await?.refusal() {
                return Ok(("AUTH", response));
            }
            let response = encode_login(word);
            self.dialogue.conceal(&response);
            self.respond(response).await?;
        }
        match self.challenge().await? {
            Challenge::None(response) => Ok(("AUTH", response)),
            Challenge::Words(_) => Err(ParseError::Unasked("a challenge".to_owned()).into()),
        }
    }

    /// An access token, behind the command only if asked for: tokens are longer than a command line
    /// (RFC 5034 §4). A refusal comes with its reason before it.
    async fn auth_token(
        &mut self,
        mechanism: Mechanism,
        token: SecretString,
        end: &'static str,
    ) -> Result<(&'static str, Response), Error> {
        self.dialogue.conceal(&token);
        self.send(&Request::Auth(mechanism, None)).await?;
        self.flush().await?;
        if let Some(response) = self.challenge().await?.refusal() {
            return Ok(("AUTH", response));
        }
        // From here on another mechanism would only say the same token once more.
        self.has_told_token = true;
        self.respond(token).await?;
        let reason = match self.challenge().await? {
            Challenge::None(response) => return Ok(("AUTH", response)),
            Challenge::Words(words) => words,
        };
        self.respond(SecretString::from(end)).await?;
        match self.challenge().await? {
            Challenge::None(mut response) => {
                if let (false, Some(refusal)) = (response.is_ok(), Refusal::decode(&reason)) {
                    let refusal = self.mask(&refusal.to_string());
                    let mut words = match &*response.text {
                        "" => refusal,
                        text => format!("{refusal}: {text}"),
                    };
                    words.truncate(words.floor_char_boundary(LONGEST_RESPONSE));
                    response.text = words.into();
                }
                Ok(("AUTH", response))
            }
            Challenge::Words(_) => Err(ParseError::Unasked("a challenge".to_owned()).into()),
        }
    }

    /// What the server says in an exchange.
    async fn challenge(&mut self) -> Result<Challenge, Error> {
        match self.next(self.patience).await? {
            Answer::Line(line) => Ok(Challenge::None(line)),
            Answer::Challenge(words) => Ok(Challenge::Words(words)),
            Answer::Body(_) | Answer::End => Err(ParseError::Unasked("a body".to_owned()).into()),
        }
    }

    async fn respond(&mut self, response: SecretString) -> Result<(), Error> {
        self.dialogue.client(&"****");
        self.framed.feed(Continuation(response)).await?;
        self.flush().await
    }

    /// SCRAM-SHA-256, bound to the server's certificate where both sides can. That the server says yes is
    /// believed only once it has proved that it knows the password too.
    async fn auth_scram(
        &mut self,
        name: &str,
        password: &SecretString,
        offers_plus: bool,
    ) -> Result<(&'static str, Response), Error> {
        let end_point = self.framed.get_ref().end_point();
        let (mechanism, binding) = match &end_point {
            Some(hash) if offers_plus => (
                Mechanism::ScramSha256Plus,
                Binding::EndPoint(hash.as_slice()),
            ),
            Some(_) => (Mechanism::ScramSha256, Binding::NotOffered),
            None => (Mechanism::ScramSha256, Binding::None),
        };
        let mut chance = [0; 18];
        getrandom::fill(&mut chance).map_err(|error| Error::Io(std::io::Error::other(error)))?;
        let opening = Opening::new(name, &BASE64_STANDARD.encode(chance), binding);
        let first = opening.message();
        let fits = first.len() + mechanism.name().len() + "AUTH  \r\n".len() <= LONGEST_COMMAND;
        let initial = fits.then(|| SecretString::from(first.as_str()));
        self.send(&Request::Auth(mechanism, initial)).await?;
        self.flush().await?;
        let mut step = Scram::Opened { is_repeated: false };
        loop {
            let challenge = match self.challenge().await? {
                Challenge::None(line) if line.is_ok() && !matches!(step, Scram::Proved) => {
                    return Err(Error::NotProven(proving::Error::NotProven));
                }
                Challenge::None(line) => return Ok(("AUTH", line)),
                Challenge::Words(challenge) => challenge,
            };
            let line = match step {
                // Some have overheard what stood behind the command: it is said again, once.
                Scram::Opened { is_repeated: false } if challenge.is_empty() => {
                    step = Scram::Opened { is_repeated: true };
                    first.clone()
                }
                Scram::Opened { .. } => {
                    let (opening, password) = (opening.clone(), password.clone());
                    // The server says how much work it is.
                    let answered =
                        tokio::task::spawn_blocking(move || opening.answer(&challenge, &password));
                    let answered = answered.await.map_err(|_| Error::Closed)?;
                    match answered {
                        Ok((line, proof)) => {
                            step = Scram::Answered(proof);
                            line
                        }
                        // Within TLS another way does no harm.
                        Err(proving::Error::Malformed | proving::Error::Iterations(_))
                            if self.is_tls() =>
                        {
                            step = Scram::BrokenOff;
                            "*".to_owned()
                        }
                        Err(error) => return Err(Error::NotProven(error)),
                    }
                }
                // The server says why it does not sign in; that comes to a refusal.
                Scram::Answered(_) if proving::is_refusal(&challenge) => {
                    step = Scram::BrokenOff;
                    "*".to_owned()
                }
                Scram::Answered(proof) => {
                    proof.check(&challenge).map_err(Error::NotProven)?;
                    step = Scram::Proved;
                    String::new()
                }
                Scram::Proved | Scram::BrokenOff => {
                    return Err(ParseError::Unasked("a challenge".to_owned()).into());
                }
            };
            self.respond(SecretString::from(line)).await?;
        }
    }

    async fn auth_plain(
        &mut self,
        name: &str,
        password: &SecretString,
    ) -> Result<(&'static str, Response), Error> {
        /// What fits into a command line with `AUTH PLAIN ` and CRLF (RFC 5034 §4).
        const LONGEST_INITIAL: usize = LONGEST_COMMAND - 13;

        let response = Plain {
            authorization: String::new(),
            name: name.to_owned(),
            password: password.clone(),
        }
        .encode();
        self.dialogue.conceal(&response);
        let fits = secrecy::ExposeSecret::expose_secret(&response).len() <= LONGEST_INITIAL;
        let initial = fits.then(|| response.clone());
        self.send(&Request::Auth(Mechanism::Plain, initial)).await?;
        if fits {
            self.send_look().await?;
        }
        let mut is_behind = self.is_behind_capa();
        self.flush_behind_capa().await?;
        // A server that asks is answered, even one that has overheard the initial response; one that
        // goes on asking is told to stop.
        let mut lines = vec![SecretString::from("*"), response];
        loop {
            let said = match self.challenge().await {
                Err(error) if std::mem::take(&mut is_behind) => return Err(error.behind_another()),
                said => said?,
            };
            match said {
                Challenge::None(line) => return Ok(("AUTH", line)),
                // It has overheard the initial response, and takes what follows for it.
                Challenge::Words(_) if self.has_looked() => return Err(Error::LookLost),
                Challenge::Words(challenge) => {
                    if !challenge.is_empty() {
                        lines.truncate(1);
                    }
                    let Some(line) = lines.pop() else {
                        return Err(ParseError::Unasked("a challenge".to_owned()).into());
                    };
                    self.respond(line).await?;
                }
            }
        }
    }
}

/// What the server says in an exchange.
enum Challenge {
    /// It asks for a response.
    Words(String),
    /// It has decided.
    None(Response),
}

impl Challenge {
    /// The answer of a server that decides before it was told anything.
    fn refusal(self) -> Option<Response> {
        match self {
            Challenge::None(response) => Some(response),
            Challenge::Words(_) => None,
        }
    }
}

/// How far an exchange of SCRAM has come.
enum Scram {
    Opened { is_repeated: bool },
    Answered(Proof),
    Proved,
    BrokenOff,
}

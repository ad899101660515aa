//! POP3 from the client's side, a type for each state: [`Authorization`], then [`Transaction`].
//!
//! `Authorization::login` consumes it and gives a `Transaction`; `Transaction::quit` consumes that.
//! What the client can say is [`Request`], an enum without DELE: leaving mail on the server is not
//! an option of this program, it is its design.

use std::{collections::VecDeque, time::Duration};

use secrecy::SecretString;
use tokio::time;

use crate::{
    config::{self, Mailbox, Settings},
    net::{
        Stream,
        connect::Route,
        tls::{self, Connector, Trust, Verification, fault::Fault},
    },
    pop3::{
        capability::{Capabilities, Capability},
        response::Response,
        sasl::Mechanism,
    },
};

mod connection;
pub mod dialogue;
pub mod error;
pub mod fetch;
pub mod listing;
pub mod login;
pub mod request;
mod signing;

use connection::Connection;
use dialogue::Dialogue;
pub use error::Error;
use login::{Last, Way};
use request::{Look, Request};
use signing::Applicant;

/// How long QUIT may take: nothing is lost if its answer never comes.
pub const QUIT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long sending it may hold up what is to be done meanwhile.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(500);

/// Where a mailbox is, and how it is reached safely.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The way there.
    pub route: Route,
    /// How the connection is protected.
    pub protection: config::Tls,
    /// True if a password may be sent without TLS.
    pub allows_clear_text: bool,
    /// True if what signs in is an access token.
    pub has_token: bool,
    /// How long the server may be silent before it answers, and within an answer.
    pub answer_timeout: Duration,
    /// What is trusted.
    pub connector: Connector,
}

impl Endpoint {
    /// The endpoint that the settings describe.
    ///
    /// # Errors
    ///
    /// `ca_file` or `pin_sha256` cannot be used, or clear text is asked for beyond loopback.
    pub fn of(mailbox: &Mailbox, settings: &Settings) -> Result<Endpoint, Error> {
        if mailbox.tls == config::Tls::None && !mailbox.allows_clear_text() {
            return Err(Error::ClearText);
        }
        let pin = match &mailbox.pin_sha256 {
            None => None,
            Some(text) => Some(tls::parse_fingerprint(text).ok_or(Error::Pin)?),
        };
        let trust = Trust {
            pin,
            ..Trust::of(mailbox)
        };
        Ok(Endpoint {
            route: Route {
                host: mailbox.host.clone(),
                port: mailbox.port(),
                proxy: mailbox.proxy.clone(),
                limit: settings.connect_timeout.0,
            },
            protection: mailbox.tls,
            allows_clear_text: mailbox.allows_clear_text(),
            has_token: mailbox.has_token(),
            answer_timeout: settings.answer_timeout.0,
            connector: Connector::new(&trust).map_err(|source| Error::Tls {
                fault: None,
                source,
            })?,
        })
    }
}

/// A session in which nobody has signed in yet (RFC 1939 §4).
#[derive(Debug)]
pub struct Authorization {
    connection: Connection,
    greeting: Response,
    capabilities: Option<Capabilities>,
    /// True once it was asked, since there is TLS.
    is_asked: bool,
    endpoint: Endpoint,
    goes_one_by_one: bool,
}

/// A session with an open maildrop (RFC 1939 §5).
#[derive(Debug)]
pub struct Transaction {
    connection: Connection,
    capabilities: Option<Capabilities>,
    way: Last,
    goes_one_by_one: bool,
}

impl Authorization {
    /// Connects, and protects the connection as the endpoint says.
    ///
    /// # Errors
    ///
    /// There is no connection, it cannot be made safe, or the server refuses or is wrong.
    pub async fn connect(endpoint: &Endpoint, dialogue: &Dialogue) -> Result<Authorization, Error> {
        let addresses = endpoint.route.find().await?;
        let (stream, address) = endpoint.route.open(&addresses).await?;
        dialogue.remark(&match &endpoint.route.proxy {
            Some(proxy) => format!("connected through the proxy {proxy}"),
            None => format!("connected to {address}"),
        });
        match Self::protected(stream, endpoint, dialogue).await {
            Ok(session) => Ok(session),
            Err(error) => Err(Self::explained(error, endpoint, &addresses).await),
        }
    }

    /// The error with what is wrong with the server's certificate, where a handshake failed: the
    /// TLS library does not say, so the certificate is looked at over a connection of its own.
    pub async fn explained(
        error: Error,
        endpoint: &Endpoint,
        addresses: &[std::net::SocketAddr],
    ) -> Error {
        match error {
            Error::Tls {
                fault: None,
                source: source @ tls::Error::Handshake(_),
            } if !source.broke_off() => Error::Tls {
                fault: Self::look(endpoint, addresses).await,
                source,
            },
            error => error,
        }
    }

    /// The session over a stream that is open already, protected as the endpoint says.
    ///
    /// # Errors
    ///
    /// It cannot be made safe, or the server refuses or is wrong.
    pub async fn protected(
        stream: Stream,
        endpoint: &Endpoint,
        dialogue: &Dialogue,
    ) -> Result<Authorization, Error> {
        let stream = match endpoint.protection {
            config::Tls::Implicit => {
                let stream = handshake(stream, endpoint, Verification::Full).await?;
                dialogue.remark("encrypted by TLS");
                stream
            }
            config::Tls::Starttls | config::Tls::None => stream,
        };
        let mut session = Self::greeted(stream, endpoint, dialogue).await?;
        if endpoint.protection == config::Tls::Starttls {
            session.capa().await?;
            session = session.stls(endpoint, Verification::Full).await?;
        }
        Ok(session)
    }

    /// The session after its greeting.
    async fn greeted(
        stream: Stream,
        endpoint: &Endpoint,
        dialogue: &Dialogue,
    ) -> Result<Authorization, Error> {
        let mut connection = Connection::new(stream, dialogue.clone(), endpoint.answer_timeout);
        let greeting = connection.answer().await?;
        if !greeting.is_ok() {
            return Err(Error::Rejected {
                request: "the connection",
                response: greeting,
            });
        }
        Ok(Authorization {
            connection,
            greeting,
            capabilities: None,
            is_asked: false,
            endpoint: endpoint.clone(),
            goes_one_by_one: false,
        })
    }

    /// Asks what the server can do, unless it was asked. A server that does not know CAPA is fine.
    ///
    /// # Errors
    ///
    /// The connection failed, or the server is wrong.
    pub async fn capa(&mut self) -> Result<(), Error> {
        if !self.is_asked {
            self.capabilities = self.connection.capa().await?;
            self.is_asked = true;
        }
        Ok(())
    }

    /// Asks for TLS and starts it (RFC 2595 §4). All that was learned before is forgotten.
    async fn stls(
        mut self,
        endpoint: &Endpoint,
        verification: Verification,
    ) -> Result<Authorization, Error> {
        if let Some(capabilities) = &self.capabilities
            && !capabilities.has(&Capability::Stls)
        {
            return Err(Error::NotOffered);
        }
        let response = self.connection.ask(&Request::Stls).await?;
        if !response.is_ok() {
            return Err(Error::NotOffered);
        }
        let (stream, dialogue) = self.connection.into_stream()?;
        let stream = handshake(stream, endpoint, verification).await?;
        dialogue.remark("encrypted by TLS");
        Ok(Authorization {
            connection: Connection::upgraded(stream, dialogue, endpoint.answer_timeout),
            // An APOP timestamp that came in clear text is not used any more.
            greeting: Response::ok(""),
            capabilities: None,
            is_asked: false,
            endpoint: self.endpoint,
            goes_one_by_one: self.goes_one_by_one,
        })
    }

    /// Looks at the certificate of a server whose handshake failed, and says what is wrong with it.
    async fn look(endpoint: &Endpoint, addresses: &[std::net::SocketAddr]) -> Option<Fault> {
        let (stream, _) = endpoint.route.open(addresses).await.ok()?;
        let silent = Dialogue::default();
        let certificate = match endpoint.protection {
            config::Tls::Implicit => handshake(stream, endpoint, Verification::LookOnly)
                .await
                .ok()?
                .peer_certificate()?,
            config::Tls::Starttls => Self::greeted(stream, endpoint, &silent)
                .await
                .ok()?
                .stls(endpoint, Verification::LookOnly)
                .await
                .ok()?
                .connection
                .certificate()?,
            config::Tls::None => return None,
        };
        Some(Fault::of(
            &certificate,
            &endpoint.route.host,
            jiff::Timestamp::now(),
        ))
    }

    /// What the server says it can do; none if it does not know CAPA, or was not asked yet.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.as_ref()
    }

    /// The certificate of the server in DER, if there is TLS.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        self.connection.certificate()
    }

    /// Signs in by a password, or by an access token where the endpoint says so. `last` is the way that
    /// worked the last time, so that no weaker one is taken; `known` what the server announced then, which
    /// spares the turn for CAPA; `look` what is asked first once signed in, and sent along where several
    /// commands at once are understood.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the server says no; [`Error::ClearText`] if every way left would send
    /// the password in clear text, or a weaker way than the last.
    pub async fn login(
        mut self,
        name: &str,
        password: &SecretString,
        last: Option<Last>,
        known: Option<&Capabilities>,
        look: Option<Look>,
    ) -> Result<Transaction, Error> {
        // What was announced the last time needs no turn of its own: it is asked for and signed in at once,
        // and the answer is what counts the next time.
        let ahead = known.filter(|known| self.may_sign_in_ahead(known, last));
        if ahead.is_none() {
            self.capa().await?;
        }
        let offered = ahead.or(self.capabilities.as_ref());
        let ways = self.ways(offered, last);
        if ways.is_empty() {
            self.connection.quit().await;
            return Err(match last {
                _ if self.endpoint.has_token && self.may_be_told() => Error::NoToken,
                Some(last) if last.way.keeps_password() => Error::Downgrade(last.way),
                Some(_) | None => Error::ClearText,
            });
        }
        let pipelines = ahead.is_some() || self.pipelines();
        let mut rejection = None;
        let mut refused = last.map(|last| last.refused).unwrap_or_default();
        let offers_plus = offered.is_some_and(|capabilities| {
            capabilities
                .mechanisms()
                .any(|mechanism| mechanism == Mechanism::ScramSha256Plus)
        });
        let applicant = Applicant {
            name,
            password,
            host: &self.endpoint.route.host,
            port: self.endpoint.route.port,
            timestamp: self.greeting.timestamp().unwrap_or_default(),
            pipelines,
            offers_plus,
        };
        if ahead.is_some() {
            self.connection.ask_ahead().await?;
        }
        let takes_look = |offered: &Capabilities| !may_differ(offered) && !loses_looks(offered);
        if let Some(look) = look.filter(|_| pipelines && offered.is_none_or(takes_look)) {
            self.connection.look_ahead(look);
        }
        let mut ways = VecDeque::from(ways);
        while let Some(way) = ways.pop_front() {
            let signed_in = self.connection.sign_in(way, &applicant).await;
            let (request, response) = match signed_in {
                // Perhaps over what came behind it.
                Err(Error::Closed | Error::TimedOut { .. }) if self.connection.has_looked() => {
                    return Err(Error::LookLost);
                }
                signed_in => signed_in?,
            };
            if let Some(capabilities) = self.connection.heard() {
                self.capabilities = capabilities;
                if !response.is_ok() {
                    // What it offers now counts, without the way that was refused.
                    ways = self.ways(self.capabilities.as_ref(), last).into();
                    ways.retain(|other| *other != way);
                }
            }
            if response.is_ok() {
                return Ok(Transaction {
                    connection: self.connection,
                    capabilities: self.capabilities,
                    way: Last { way, refused },
                    goes_one_by_one: self.goes_one_by_one,
                });
            }
            // A code other than [AUTH] speaks of the maildrop, not of the password.
            refused.note(way);
            let is_final = login::is_final(&response) || self.connection.has_told_token;
            rejection = Some(Error::Rejected { request, response });
            // A server that hangs up now has said why.
            if is_final || ways.is_empty() || self.connection.forget_look().await.is_err() {
                break;
            }
        }
        self.connection.quit().await;
        Err(rejection.expect("there was at least one way"))
    }

    /// Sends nothing ahead in this session, whatever the server announces.
    pub fn go_one_by_one(&mut self) {
        self.goes_one_by_one = true;
    }

    /// Ends the session without signing in.
    pub async fn quit(mut self) {
        self.connection.quit().await;
    }

    /// The ways to try, by what is offered.
    fn ways(&self, offered: Option<&Capabilities>, last: Option<Last>) -> Vec<Way> {
        login::ways(&login::Situation {
            capabilities: offered,
            timestamp: self.greeting.timestamp(),
            is_tls: self.connection.is_tls(),
            allows_clear_text: self.endpoint.allows_clear_text,
            has_token: self.endpoint.has_token,
            last,
        })
    }

    /// True if the password may be said before it is known what the server offers: it was said the last
    /// time, for want of anything better, and several commands at once are understood.
    fn may_sign_in_ahead(&self, known: &Capabilities, last: Option<Last>) -> bool {
        let Some(last) = last.filter(|last| matches!(last.way, Way::User | Way::Plain)) else {
            return false;
        };
        !self.is_asked
            && !self.goes_one_by_one
            && known.has(&Capability::Pipelining)
            && self.may_be_told()
            && self.ways(Some(known), Some(last)).first() == Some(&last.way)
    }

    /// True if a secret may be said: nobody can read along, or that is allowed.
    fn may_be_told(&self) -> bool {
        self.connection.is_tls() || self.endpoint.allows_clear_text
    }

    fn pipelines(&self) -> bool {
        !self.goes_one_by_one
            && self
                .capabilities
                .as_ref()
                .is_some_and(|capabilities| capabilities.has(&Capability::Pipelining))
    }
}

impl Transaction {
    /// What the server says it can do; none if it does not know CAPA.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.as_ref()
    }

    /// How this session signed in, to be given to the next one.
    pub fn way(&self) -> Last {
        self.way
    }

    /// Words of the server's without what it was told in confidence.
    pub fn mask(&self, words: &str) -> String {
        self.connection.mask(words)
    }

    /// True if the server announced that commands may be sent ahead, and nothing speaks against it.
    pub fn pipelines(&self) -> bool {
        !self.goes_one_by_one
            && self
                .capabilities
                .as_ref()
                .is_some_and(|capabilities| capabilities.has(&Capability::Pipelining))
    }

    /// Asks what the server can do once more, if it said that this may differ once signed in.
    ///
    /// # Errors
    ///
    /// The connection failed.
    pub async fn capa_if_it_may_differ(&mut self) -> Result<(), Error> {
        // Answers to something else are on their way: it has not said so until now.
        let may_differ =
            self.capabilities.as_ref().is_some_and(may_differ) && !self.connection.has_looked();
        if may_differ && let Some(capabilities) = self.connection.capa().await? {
            self.capabilities = Some(capabilities);
        }
        Ok(())
    }

    /// Says QUIT: the maildrop is others' again. Not before all has come: a server may hang up over what it could
    /// not send yet (Dovecot does). Nothing may be asked after it; [`Transaction::quit`] awaits
    /// the answer.
    pub async fn leave(&mut self) {
        // As there, nothing depends on it; what is not sent by then is sent there.
        let _ = time::timeout(LEAVE_TIMEOUT, self.connection.leave()).await;
    }

    /// Ends the session with QUIT, unless that was said, and awaits the answer, within [`QUIT_TIMEOUT`].
    pub async fn quit(mut self) {
        self.connection.quit().await;
    }

    /// Ends the session with QUIT, unless that was said, and gives what remains: hearing the answer, within
    /// [`QUIT_TIMEOUT`]. Nothing depends on it where nothing is deleted, so nobody need wait for it; who drops it
    /// closes the connection behind the QUIT, and the server reads one before the other.
    pub async fn part(mut self) -> impl Future<Output = ()> + Send + 'static {
        self.leave().await;
        self.quit()
    }
}

/// True if what a server can do may differ once signed in.
fn may_differ(capabilities: &Capabilities) -> bool {
    capabilities.iter().any(|capability| {
        matches!(
            capability,
            Capability::LoginDelay { per_user: true, .. }
                | Capability::Expire { per_user: true, .. }
        )
    })
}

/// True if the server says to be one that loses what comes behind the password: another program goes on then.
fn loses_looks(capabilities: &Capabilities) -> bool {
    capabilities.iter().any(|capability| {
        matches!(capability, Capability::Implementation(name) if name.contains("Courier"))
    })
}

async fn handshake(
    stream: Stream,
    endpoint: &Endpoint,
    verification: Verification,
) -> Result<Stream, Error> {
    let handshake = endpoint
        .connector
        .protect(stream, &endpoint.route.host, verification);
    match time::timeout(endpoint.route.limit, handshake).await {
        Ok(outcome) => outcome.map_err(|source| Error::Tls {
            fault: None,
            source,
        }),
        Err(_) => Err(Error::TimedOut {
            what: "the TLS handshake",
            limit: endpoint.route.limit,
        }),
    }
}

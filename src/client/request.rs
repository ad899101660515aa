//! What the client can say. There is no DELE in here, and no RSET: nothing that this program sends
//! can change a maildrop.

use secrecy::SecretString;

use crate::pop3::{
    command::{Auth, Command},
    listing::MessageNumber,
    sasl::Mechanism,
};

/// All that this client ever sends.
#[derive(Clone, Debug)]
pub enum Request {
    /// Ends the session.
    Quit,
    /// Asks how many messages there are, and how large they are together.
    Stat,
    /// Asks for the sizes of all messages, or for that of one.
    List(Option<MessageNumber>),
    /// Asks for a message.
    Retr(MessageNumber),
    /// Asks for the headers of a message.
    Top(MessageNumber),
    /// Asks for the unique-ids of all messages.
    Uidl,
    /// Names the account.
    User(String),
    /// Gives its password.
    Pass(SecretString),
    /// Names the account and proves that its password is known.
    Apop {
        /// The account.
        name: String,
        /// The digest.
        digest: String,
    },
    /// Asks what the server can do.
    Capa,
    /// Asks for TLS.
    Stls,
    /// Signs in by a mechanism, with the first response at once if there is one.
    Auth(Mechanism, Option<SecretString>),
}

impl Request {
    /// The keyword, for errors.
    pub fn keyword(&self) -> &'static str {
        match self {
            Request::Quit => "QUIT",
            Request::Stat => "STAT",
            Request::List(_) => "LIST",
            Request::Retr(_) => "RETR",
            Request::Top(_) => "TOP",
            Request::Uidl => "UIDL",
            Request::User(_) => "USER",
            Request::Pass(_) => "PASS",
            Request::Apop { .. } => "APOP",
            Request::Capa => "CAPA",
            Request::Stls => "STLS",
            Request::Auth(..) => "AUTH",
        }
    }
}

impl From<&Request> for Command {
    fn from(request: &Request) -> Command {
        match request {
            Request::Quit => Command::Quit,
            Request::Stat => Command::Stat,
            Request::List(message) => Command::List(*message),
            Request::Retr(message) => Command::Retr(*message),
            Request::Top(message) => Command::Top {
                message: *message,
                lines: 0,
            },
            Request::Uidl => Command::Uidl(None),
            Request::User(name) => Command::User(name.clone()),
            Request::Pass(password) => Command::Pass(password.clone()),
            Request::Apop { name, digest } => Command::Apop {
                name: name.clone(),
                digest: digest.clone(),
            },
            Request::Capa => Command::Capa,
            Request::Stls => Command::Stls,
            Request::Auth(mechanism, initial) => Command::Auth(Some(Auth {
                mechanism: *mechanism,
                initial: initial.clone(),
            })),
        }
    }
}

/// What is asked first, once signed in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Look {
    /// STAT and UIDL, where a listing is known that it may be the same as.
    Glance,
    /// UIDL and LIST.
    Listing,
}

impl Look {
    /// The commands for it.
    pub(super) fn requests(self) -> [&'static Request; 2] {
        match self {
            Look::Glance => [&Request::Stat, &Request::Uidl],
            Look::Listing => [&Request::Uidl, &Request::List(None)],
        }
    }
}

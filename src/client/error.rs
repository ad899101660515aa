//! Why a session could not go on: the server said no, the server is wrong, or the network failed.

use std::{io, time::Duration};

use super::login::Way;
use crate::{
    net::{
        connect,
        tls::{self, fault::Fault},
    },
    pop3::{
        codec::ClientError,
        listing::MessageNumber,
        response::{ParseError, Response},
        sasl::scram::proving,
    },
};

/// Why a session could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] connect::Error),
    /// The connection cannot be protected.
    #[error("{}", protection(.fault.as_ref(), .source))]
    Tls {
        /// What is wrong with the certificate, if that is it.
        fault: Option<Fault>,
        /// What the TLS library said.
        #[source]
        source: tls::Error,
    },
    /// STLS is asked for in the settings, and the server does not have it.
    #[error(
        "the server does not offer STLS: set tls = \"implicit\" (port 995) if it has that, or tls = \
         \"none\" if it runs on this machine"
    )]
    NotOffered,
    /// The password would travel in clear text.
    #[error(
        "the password would travel in clear text: set tls = \"implicit\" or \"starttls\", or, if \
         you must, insecure = \"{}\"",
        crate::config::INSECURE
    )]
    ClearText,
    /// The server no longer offers what protected the password the last time.
    #[error(
        "the server no longer offers {0}, which signed in the last time: somebody may be in the way"
    )]
    Downgrade(Way),
    /// The server wants the password proved in a way that is not safe, or did not prove that it knows it.
    #[error(transparent)]
    NotProven(#[from] proving::Error),
    /// There is an access token, and no way to sign in by one.
    #[error(
        "the server offers no way to sign in by a token (OAUTHBEARER or XOAUTH2): give a password instead \
         of token_command"
    )]
    NoToken,
    /// `pin_sha256` is not a fingerprint.
    #[error("pin_sha256 is not a SHA-256 in hex: 64 digits")]
    Pin,
    /// The server said no.
    #[error("the server rejected {request}{}", said(.response))]
    Rejected {
        /// What was asked.
        request: &'static str,
        /// What it said.
        response: Response,
    },
    /// The server is wrong.
    #[error(transparent)]
    Broken(#[from] ParseError),
    /// The server sent commands' answers no more although it had said that it takes several at once.
    #[error("the server announces PIPELINING and does not keep up with it")]
    PipeliningBroken,
    /// What was sent along with the password was lost, or was too much.
    #[error("the server loses what is sent behind the password")]
    LookLost,
    /// The size of a single message was asked for, and something else was answered.
    #[error("the server does not say how large a single message is")]
    SizesLost,
    /// A message is larger than the listing said, and than is taken.
    #[error("message {message} is larger than {limit} octets")]
    TooLarge {
        /// Which.
        message: MessageNumber,
        /// The most that is taken, in octets.
        limit: u64,
    },
    /// The server closed the connection.
    #[error("the server closed the connection")]
    Closed,
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[source] io::Error),
    /// The server was silent, or as good as that, for too long.
    #[error("{what} took longer than {} s", .limit.as_secs())]
    TimedOut {
        /// What was awaited.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
}

fn protection(fault: Option<&Fault>, source: &tls::Error) -> String {
    match fault {
        Some(fault) => fault.to_string(),
        None if source.met_no_tls() => "the server does not speak TLS on this port: try port 995, \
                                        tls = \"starttls\" on port 110, or tls = \"none\" if it \
                                        runs on this machine"
            .to_owned(),
        None => "cannot encrypt the connection".to_owned(),
    }
}

impl Error {
    /// The error where the answer to a command that was sent ahead is awaited: one that does not
    /// come although that before it came was lost with the command.
    pub(super) fn behind_another(self) -> Error {
        match self {
            Error::TimedOut { .. } => Error::PipeliningBroken,
            error => error,
        }
    }
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Error {
        match error {
            ClientError::Io(source) => match source.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe => Error::Closed,
                _ => Error::Io(source),
            },
            ClientError::Broken(error) => Error::Broken(error),
        }
    }
}

/// What a server has said, behind a colon.
fn said(response: &Response) -> String {
    match response.text.is_empty() {
        true => " without a word".to_owned(),
        false => format!(": {}", response.text),
    }
}

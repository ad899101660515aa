//! TLS for both sides: handshakes, what is trusted, and what is wrong with a certificate, in words.
//!
//! The TLS library only says that it does not like a certificate. [`fault::Fault::of`] looks at the
//! certificate itself and says why; getting hold of it takes a second handshake that sends nothing
//! ([`Verification::LookOnly`]).

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use async_native_tls::{TlsAcceptor, TlsConnector};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::io::BufReader;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use zeroize::Zeroizing;

use super::{Carrier, Stream};
use crate::{
    config::{self, Mailbox},
    secret::is_exposed,
};

pub mod fault;

/// So much is read at once of what comes protected, in octets: four records.
const READ_AHEAD: usize = 64 * 1024;

/// What a client trusts, besides the system's authorities.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// PEM certificates of further authorities.
    pub ca_file: Option<PathBuf>,
    /// The SHA-256 of the one certificate to accept; nothing else is looked at then.
    pub pin: Option<[u8; 32]>,
    /// What the client shows of itself, where the server asks: certificate and key (PEM, PKCS#8).
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl Trust {
    /// What the settings of a mailbox say of files.
    pub fn of(mailbox: &Mailbox) -> Trust {
        let file = |path: &Option<PathBuf>| path.as_deref().map(config::expand);
        Trust {
            ca_file: file(&mailbox.ca_file),
            pin: None,
            identity: file(&mailbox.client_cert).zip(file(&mailbox.client_key)),
        }
    }
}

/// How far a certificate is checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verification {
    /// Authority, dates and names, or the pin.
    Full,
    /// Not at all: the stream may only be looked at, and nothing may be sent.
    LookOnly,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of certificates or of a key could not be read.
    #[error("cannot read {what} in {path}")]
    ReadFile {
        /// What should be in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file of authorities, the certificate or the key is not what it should be.
    #[error("cannot use {what}")]
    Unusable {
        /// Which.
        what: String,
        /// Why.
        #[source]
        source: native_tls::Error,
    },
    /// The file of authorities holds no certificate.
    #[error("there is no certificate (PEM) in {path}")]
    NoAuthority {
        /// The file.
        path: PathBuf,
    },
    /// Others may read the client's key.
    #[error("others may read the key {path}: run `chmod 600 {path}`")]
    ExposedKey {
        /// The file.
        path: PathBuf,
    },
    /// The handshake failed; if because of the certificate, [`fault::Fault`] says what is wrong with it.
    #[error("the TLS handshake failed")]
    Handshake(#[source] native_tls::Error),
    /// The certificate is not the pinned one.
    #[error("the server's certificate is not the pinned one: its SHA-256 is {found}")]
    WrongPin {
        /// The fingerprint of the one that came, in hex.
        found: String,
    },
    /// There is TLS on this stream already.
    #[error("TLS within TLS")]
    Already,
}

impl Error {
    /// True if what answered the handshake is no TLS: another protocol has this port.
    pub fn met_no_tls(&self) -> bool {
        let Error::Handshake(source) = self else {
            return false;
        };
        // What OpenSSL says of a line of text where a record should be.
        let words = source.to_string();
        [
            "wrong version number",
            "packet length too long",
            "unknown protocol",
        ]
        .iter()
        .any(|known| words.contains(known))
    }

    /// True if the other side hung up in the middle of the handshake: nothing is known to be wrong
    /// with its certificate.
    pub fn broke_off(&self) -> bool {
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            let words = cause.to_string();
            if cause.is::<io::Error>()
                || words.contains("EOF")
                || words.contains("connection closed")
            {
                return true;
            }
            source = cause.source();
        }
        false
    }
}

/// A connector for [`Connector::protect`], made once and used for each connection.
#[derive(Clone)]
pub struct Connector {
    trust: Trust,
    authorities: Vec<native_tls::Certificate>,
    identity: Option<native_tls::Identity>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Debug::fmt(&self.trust, f)
    }
}

impl Connector {
    /// A connector that trusts this.
    ///
    /// # Errors
    ///
    /// The file of authorities is missing or holds none.
    pub fn new(trust: &Trust) -> Result<Connector, Error> {
        let authorities = match &trust.ca_file {
            None => Vec::new(),
            Some(path) => {
                let pem = read("the certificates", path)?;
                let authorities =
                    native_tls::Certificate::stack_from_pem(&pem).map_err(|source| {
                        Error::Unusable {
                            what: format!("the certificates in {}", path.display()),
                            source,
                        }
                    })?;
                if authorities.is_empty() {
                    return Err(Error::NoAuthority { path: path.clone() });
                }
                authorities
            }
        };
        let identity = match &trust.identity {
            None => None,
            Some((certificate, key)) => Some(identity(certificate, key)?),
        };
        Ok(Connector {
            trust: trust.clone(),
            authorities,
            identity,
        })
    }

    /// Makes a plain stream a TLS stream, as the client.
    ///
    /// # Errors
    ///
    /// The handshake failed, or the certificate is not the pinned one. Nothing was sent then.
    pub async fn protect(
        &self,
        stream: Stream,
        host: &str,
        verification: Verification,
    ) -> Result<Stream, Error> {
        let Stream::Plain(carrier) = stream else {
            return Err(Error::Already);
        };
        let looks_away = verification == Verification::LookOnly || self.trust.pin.is_some();
        let mut connector = TlsConnector::new()
            .min_protocol_version(Some(async_native_tls::Protocol::Tlsv12))
            .danger_accept_invalid_certs(looks_away)
            .danger_accept_invalid_hostnames(looks_away);
        // Whoever is only looked at need not know who looks.
        if let (Some(identity), Verification::Full) = (&self.identity, verification) {
            connector = connector.identity(identity.clone());
        }
        if verification == Verification::Full && self.trust.pin.is_none() {
            for authority in &self.authorities {
                connector = connector.add_root_certificate(authority.clone());
            }
        }
        // OpenSSL asks for each record's five octets and then for the rest of it: of a mailbox that is a call of the
        // system for every two kilobytes. Nothing was read ahead before: what comes unprotected is not part of it.
        let carrier: Box<dyn Carrier> = Box::new(BufReader::with_capacity(READ_AHEAD, carrier));
        let stream = connector
            .connect(host.trim_matches(['[', ']']), carrier)
            .await
            .map_err(Error::Handshake)?;
        let stream = Stream::Tls(Box::new(stream));
        if let (Some(pin), Verification::Full) = (self.trust.pin, verification) {
            let found = stream.peer_certificate().map(|der| fingerprint(&der));
            if found != Some(pin) {
                return Err(Error::WrongPin {
                    found: found.map_or_else(|| "missing".to_owned(), |digest| hex(&digest)),
                });
            }
        }
        Ok(stream)
    }
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::ReadFile {
        what,
        path: path.to_owned(),
        source,
    })
}

/// A certificate and its key, which nobody else may read.
fn identity(certificate: &Path, key: &Path) -> Result<native_tls::Identity, Error> {
    let is_exposed = std::fs::metadata(key).is_ok_and(|metadata| is_exposed(&metadata));
    if is_exposed {
        return Err(Error::ExposedKey {
            path: key.to_owned(),
        });
    }
    let pem = Zeroizing::new(read("the key", key)?);
    let chain = read("the certificate", certificate)?;
    native_tls::Identity::from_pkcs8(&chain, &pem).map_err(|source| Error::Unusable {
        what: format!(
            "the certificate {} with the key {} (PEM, the key as PKCS#8)",
            certificate.display(),
            key.display()
        ),
        source,
    })
}

impl Stream {
    /// The other side's certificate in DER, if there is TLS and it showed one.
    pub fn peer_certificate(&self) -> Option<Vec<u8>> {
        match self {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => stream.peer_certificate().ok()??.to_der().ok(),
        }
    }

    /// Makes a plain stream a TLS stream, as the server.
    ///
    /// # Errors
    ///
    /// The client does not know TLS, or does not like what it sees.
    pub async fn accept(self, acceptor: &Acceptor) -> Result<Stream, Error> {
        match self {
            Stream::Plain(carrier) => acceptor
                .0
                .accept(carrier)
                .await
                .map(|stream| Stream::Tls(Box::new(stream)))
                .map_err(Error::Handshake),
            Stream::Tls(_) => Err(Error::Already),
        }
    }
}

/// What a server needs for TLS: its certificate and key.
#[derive(Clone, Debug)]
pub struct Acceptor(TlsAcceptor);

impl Acceptor {
    /// Lets a client of our own shake hands with it: the TLS library takes a certificate and a key
    /// that do not belong together, and then fails with every client.
    ///
    /// # Errors
    ///
    /// No client would get through.
    pub async fn try_out(&self) -> Result<(), Error> {
        /// Enough for what each side says at once.
        const ROOM: usize = 64 * 1024;

        let (ours, theirs) = tokio::io::duplex(ROOM);
        let client = Connector::new(&Trust::default())?;
        let server = Stream::plain(theirs).accept(self);
        let client = client.protect(Stream::plain(ours), "localhost", Verification::LookOnly);
        let (served, connected) = tokio::join!(server, client);
        served.and(connected).map(drop)
    }

    /// An acceptor with this certificate chain and this PKCS#8 key, both PEM.
    ///
    /// # Errors
    ///
    /// They are not what they should be, or do not belong together.
    pub fn new(certificate: &[u8], key: &[u8]) -> Result<Acceptor, Error> {
        let unusable = |source| Error::Unusable {
            what: "the server's certificate and key (PEM, the key as PKCS#8)".to_owned(),
            source,
        };
        let identity = native_tls::Identity::from_pkcs8(certificate, key).map_err(unusable)?;
        native_tls::TlsAcceptor::builder(identity)
            .min_protocol_version(Some(native_tls::Protocol::Tlsv12))
            .build()
            .map(|acceptor| Acceptor(TlsAcceptor::from(acceptor)))
            .map_err(unusable)
    }
}

/// Until when a certificate (DER) is valid.
pub fn valid_until(certificate: &[u8]) -> Option<Timestamp> {
    let (_, x509) = X509Certificate::from_der(certificate).ok()?;
    Timestamp::from_second(x509.validity().not_after.timestamp()).ok()
}

/// The SHA-256 of a certificate (DER).
pub fn fingerprint(certificate: &[u8]) -> [u8; 32] {
    Sha256::digest(certificate).into()
}

/// Reads a fingerprint in hex, with or without colons.
pub fn parse_fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|b| !matches!(b, b':' | b' '))
        .map(|b| {
            char::from(b)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect::<Option<_>>()?;
    let octets: Vec<u8> = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(high << 4 | low),
            _ => None,
        })
        .collect::<Option<_>>()?;
    octets.try_into().ok()
}

/// Octets as lower-case hex.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

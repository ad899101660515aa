//! How a server is to be: where it listens, what it has for TLS, what clients may take of it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use crate::net::tls::Acceptor;

use super::{events::Observer, limits::Limits, lmtp::socket};

/// How a server is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens.
    pub listeners: Vec<Listener>,
    /// Sockets that listen already: those that a service manager hands over, or that were bound as root.
    pub sockets: Vec<Given>,
    /// Where it takes mail from a mail server.
    pub intakes: Vec<socket::Place>,
    /// Sockets for that which listen already.
    pub intake_sockets: Vec<socket::Given>,
    /// Whether it tells its figures at a socket in the spool's folder.
    pub status: bool,
    /// Where it tells them to Prometheus, within this machine.
    pub prometheus: Option<SocketAddr>,
    /// Its certificate; without one there is no TLS.
    pub acceptor: Option<Acceptor>,
    /// Whether passwords may travel in the clear.
    pub plaintext: Plaintext,
    /// What clients may take of it.
    pub limits: Limits,
    /// Who is told of what happens.
    pub observer: Option<Observer>,
}

/// Where a server listens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Listener {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// Whether there is TLS from the first octet on.
    pub protection: Protection,
}

/// Whether there is TLS from the first octet on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protection {
    /// Plain; STLS can be had if there is a certificate.
    None,
    /// TLS.
    Tls,
}

/// Whether passwords may travel in the clear.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Plaintext {
    /// Within this machine only.
    #[default]
    Loopback,
    /// Everywhere, because somebody said so.
    Allowed,
}

/// A socket that listens already.
#[derive(Clone, Debug)]
pub struct Given {
    /// The socket.
    pub socket: Arc<std::net::TcpListener>,
    /// Whether there is TLS from the first octet on.
    pub protection: Protection,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listeners: vec![Listener {
                address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                protection: Protection::None,
            }],
            sockets: Vec::new(),
            intakes: Vec::new(),
            intake_sockets: Vec::new(),
            status: false,
            prometheus: None,
            acceptor: None,
            plaintext: Plaintext::default(),
            limits: Limits::default(),
            observer: None,
        }
    }
}

//! Where the server listens: as the command line says, or as a service manager hands it over.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context;
use listenfd::ListenFd;

use crate::server::{
    self,
    lmtp::socket,
    options::{Given, Listener, Options, Protection},
    unix,
};

use super::ServeArgs;

/// The addresses of the command line; the usual one if it has none and nothing was handed over.
pub(super) fn listeners(args: &ServeArgs, are_given: bool) -> anyhow::Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    for (texts, port, protection) in [
        (&args.listen, 110, Protection::None),
        (&args.tls_listen, 995, Protection::Tls),
    ] {
        for text in texts {
            listeners.push(Listener {
                address: resolve(text, port)?,
                protection,
            });
        }
    }
    if listeners.is_empty() && !are_given {
        listeners.push(Listener {
            address: SocketAddr::from(([127, 0, 0, 1], 110)),
            protection: Protection::None,
        });
    }
    Ok(listeners)
}

/// The sockets that a service manager hands over. Their names say what they are for: `pop3s` for TLS
/// from the first octet on, `lmtp` for mail, anything else for POP3 (sd_listen_fds(3)).
pub(super) fn handed_over() -> anyhow::Result<(Vec<Given>, Vec<socket::Given>)> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let names: Vec<&str> = names.split(':').collect();
    let mut handed = ListenFd::from_env();
    let (mut sockets, mut intakes) = (Vec::new(), Vec::new());
    for place in 0..handed.len() {
        let name = names.get(place).copied().unwrap_or_default();
        let failed = || format!("the socket `{name}` that was handed over cannot be used");
        if name.contains("lmtp") {
            let tcp = handed.take_tcp_listener(place);
            if let Ok(Some(socket)) = tcp {
                intakes.push(socket::Given::Tcp(Arc::new(socket)));
            } else if let Some(socket) = handed.take_unix_listener(place).with_context(failed)? {
                intakes.push(socket::Given::Unix(Arc::new(socket)));
            }
        } else if let Some(socket) = handed.take_tcp_listener(place).with_context(failed)? {
            let protection = match name.contains("pop3s") {
                true => Protection::Tls,
                false => Protection::None,
            };
            sockets.push(Given {
                socket: Arc::new(socket),
                protection,
            });
        }
    }
    Ok((sockets, intakes))
}

/// Binds what the options say, while the process may still do so.
pub(super) fn bind(options: &mut Options) -> anyhow::Result<()> {
    for listener in std::mem::take(&mut options.listeners) {
        let address = listener.address;
        let socket = TcpListener::bind(address)
            .map_err(|source| explain(server::Error::Listen { address, source }))?;
        options.sockets.push(Given {
            socket: Arc::new(socket),
            protection: listener.protection,
        });
    }
    for place in std::mem::take(&mut options.intakes) {
        let bound = match &place {
            socket::Place::Tcp(address) => {
                TcpListener::bind(address).map(|socket| socket::Given::Tcp(Arc::new(socket)))
            }
            socket::Place::Unix(path) => {
                unix::bind(path, 0o666).map(|socket| socket::Given::Unix(Arc::new(socket)))
            }
        };
        let bound = bound.with_context(|| format!("cannot take mail at {place}"))?;
        options.intake_sockets.push(bound);
    }
    Ok(())
}

/// What was given to listen on is no address.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no address to listen on, as 127.0.0.1:110 is")]
pub struct NoAddress(String);

/// An address, with or without a port, or a name that has one.
pub(super) fn resolve(text: &str, port: u16) -> anyhow::Result<SocketAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, port));
    }
    let with_port = if text.contains(':') {
        text.to_owned()
    } else {
        format!("{text}:{port}")
    };
    let found = with_port.to_socket_addrs().ok();
    let found = found.and_then(|mut addresses| addresses.next());
    Ok(found.ok_or_else(|| NoAddress(text.to_owned()))?)
}

/// Where mail is to be taken.
pub(super) fn intakes(args: &ServeArgs) -> anyhow::Result<Vec<socket::Place>> {
    let place = |text: &String| match text.strip_prefix("unix:") {
        Some(path) => Ok(socket::Place::Unix(PathBuf::from(path))),
        None => resolve(text, 24).map(socket::Place::Tcp),
    };
    args.lmtp.iter().map(place).collect()
}

/// Says what to do where a port may not be bound.
pub(super) fn explain(error: server::Error) -> anyhow::Error {
    match &error {
        server::Error::Listen { address, source } => {
            let advice = match source.kind() {
                io::ErrorKind::PermissionDenied => format!(
                    "port {} is for root alone: take another one (`--listen {}:{}`), or start as root",
                    address.port(),
                    address.ip(),
                    address.port().saturating_add(1000),
                ),
                io::ErrorKind::AddrInUse => {
                    "another program listens there already: take another port".to_owned()
                }
                _ => "check the address".to_owned(),
            };
            anyhow::Error::new(error).context(advice)
        }
        server::Error::Unprotected(_) => anyhow::Error::new(error).context(
            "give a certificate (`--cert FILE --key FILE`, or `--tls-listen`), or say `--plaintext allow`",
        ),
        server::Error::Intake(socket::Error::Open(_)) => anyhow::Error::new(error)
            .context("give an address such as 127.0.0.1:24, or a socket by unix:PATH"),
        server::Error::Running => anyhow::Error::new(error)
            .context("end that one first: `tidings serve status` says who is there"),
        server::Error::NoCertificate(_) | server::Error::Intake(_) => anyhow::Error::new(error),
    }
}

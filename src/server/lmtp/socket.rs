//! The sockets that mail is taken at. There are no passwords in LMTP: whoever reaches one can deliver. So
//! it is a Unix socket, or an address within this machine.

use std::{
    fmt, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::net::{TcpListener, UnixListener};

use crate::{net::Carrier, server::unix};

/// Where mail is taken from a mail server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// A TCP address within this machine.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// Why mail cannot be taken there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot listen there.
    #[error("cannot take mail at {place}")]
    Listen {
        /// Where.
        place: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Everybody could deliver.
    #[error("{0} is not within this machine: LMTP has no passwords, everybody could deliver")]
    Open(SocketAddr),
}

/// A socket that listens already.
#[derive(Clone, Debug)]
pub enum Given {
    /// Of TCP.
    Tcp(Arc<std::net::TcpListener>),
    /// A Unix socket.
    Unix(Arc<std::os::unix::net::UnixListener>),
}

/// A socket that mail is taken at.
#[derive(Debug)]
pub(in crate::server) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
    Given(UnixListener, PathBuf),
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Socket::Unix(_, path) = self {
            // The next server removes what is left.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Socket {
    /// Listens there.
    pub(in crate::server) async fn bind(place: &Place) -> Result<Socket, Error> {
        let failed = |source| Error::Listen {
            place: place.to_string(),
            source,
        };
        match place {
            Place::Tcp(address) if !address.ip().to_canonical().is_loopback() => {
                Err(Error::Open(*address))
            }
            Place::Tcp(address) => {
                let socket = TcpListener::bind(address).await.map_err(failed)?;
                Ok(Socket::Tcp(socket))
            }
            Place::Unix(path) => unix::bind(path, 0o666)
                .and_then(UnixListener::from_std)
                .map(|socket| Socket::Unix(socket, path.clone()))
                .map_err(failed),
        }
    }

    /// Takes over a socket that listens already.
    pub(in crate::server) fn take_over(given: &Given) -> Result<Socket, Error> {
        let taken = match given {
            Given::Tcp(socket) => {
                let address = socket.local_addr().ok();
                if let Some(address) = address.filter(|it| !it.ip().to_canonical().is_loopback()) {
                    return Err(Error::Open(address));
                }
                socket.try_clone().and_then(|socket| {
                    socket.set_nonblocking(true)?;
                    Ok(Socket::Tcp(TcpListener::from_std(socket)?))
                })
            }
            Given::Unix(socket) => socket.try_clone().and_then(|socket| {
                socket.set_nonblocking(true)?;
                let path = socket.local_addr()?.as_pathname().map(Path::to_owned);
                // Whoever made it clears it away.
                Ok(Socket::Given(
                    UnixListener::from_std(socket)?,
                    path.unwrap_or_default(),
                ))
            }),
        };
        taken.map_err(|source| Error::Listen {
            place: "the socket that was handed over".to_owned(),
            source,
        })
    }

    /// Where it is.
    pub(in crate::server) fn place(&self) -> Place {
        match self {
            Socket::Tcp(socket) => Place::Tcp(
                socket
                    .local_addr()
                    .unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0))),
            ),
            Socket::Unix(_, path) | Socket::Given(_, path) => Place::Unix(path.clone()),
        }
    }

    pub(super) async fn accept(&self) -> io::Result<Box<dyn Carrier>> {
        match self {
            Socket::Tcp(socket) => {
                let (stream, _) = socket.accept().await?;
                let _ = stream.set_nodelay(true);
                Ok(Box::new(stream))
            }
            Socket::Unix(socket, _) | Socket::Given(socket, _) => {
                Ok(Box::new(socket.accept().await?.0))
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Place::Tcp(address) => write!(f, "lmtp://{address}"),
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

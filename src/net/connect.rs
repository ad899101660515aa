//! Opening a TCP connection: all addresses of a name in turn, a new one each time the last one has
//! not answered for a moment (RFC 8305).

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time,
};

use super::{Stream, prompt::Prompt};

/// How long an address is waited for before the next is tried beside it (RFC 8305 §5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name has no address.
    #[error("cannot find {host}")]
    Find {
        /// The name.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No address answered.
    #[error("cannot connect to {host} port {port}")]
    Connect {
        /// The name.
        host: String,
        /// The port.
        port: u16,
        /// What the last address said.
        #[source]
        source: io::Error,
    },
    /// No address answered in time.
    #[error("{host} port {port} gave no answer within {} s", .limit.as_secs())]
    TimedOut {
        /// The name.
        host: String,
        /// The port.
        port: u16,
        /// How long was waited.
        limit: Duration,
    },
}

/// Finds the addresses of a host.
///
/// # Errors
///
/// It has none, or nobody could be asked within `limit`.
pub async fn find(host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, Error> {
    let name = host.trim_matches(['[', ']']);
    let failed = |source| Error::Find {
        host: host.to_owned(),
        source,
    };
    let found = time::timeout(limit, lookup_host((name, port)))
        .await
        .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)));
    let addresses: Vec<SocketAddr> = found.map_err(failed)?.collect();
    if addresses.is_empty() {
        return Err(failed(io::Error::from(io::ErrorKind::NotFound)));
    }
    Ok(interleave(addresses))
}

/// Opens a connection to the first of these addresses that answers.
///
/// # Errors
///
/// None of them did within `limit`.
pub async fn open(
    host: &str,
    port: u16,
    addresses: &[SocketAddr],
    limit: Duration,
) -> Result<(Stream, SocketAddr), Error> {
    match time::timeout(limit, race(addresses)).await {
        Ok(Ok((socket, address))) => {
            // Commands are small and each waits for an answer: never hold one back.
            let _ = socket.set_nodelay(true);
            Ok((Stream::plain(Prompt::new(socket)), address))
        }
        Ok(Err(source)) => Err(Error::Connect {
            host: host.to_owned(),
            port,
            source,
        }),
        Err(_) => Err(Error::TimedOut {
            host: host.to_owned(),
            port,
            limit,
        }),
    }
}

async fn race(addresses: &[SocketAddr]) -> io::Result<(TcpStream, SocketAddr)> {
    let mut attempts = JoinSet::new();
    let mut waiting = addresses.iter().copied();
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn(async move {
                TcpStream::connect(address)
                    .await
                    .map(|socket| (socket, address))
            });
        } else if attempts.is_empty() {
            return Err(failure);
        }
        let finished = if waiting.len() == 0 {
            attempts.join_next().await
        } else {
            match time::timeout(ATTEMPT_DELAY, attempts.join_next()).await {
                Ok(finished) => finished,
                Err(_) => continue,
            }
        };
        match finished {
            Some(Ok(Ok(connected))) => return Ok(connected),
            Some(Ok(Err(error))) => failure = error,
            Some(Err(_)) | None => {}
        }
    }
}

/// Families in turn, beginning with that of the first address (RFC 8305 §4).
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().copied() else {
        return addresses;
    };
    let (same, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv4() == first.is_ipv4());
    let mut ordered = Vec::with_capacity(same.len() + other.len());
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    loop {
        let before = ordered.len();
        ordered.extend(same.next());
        ordered.extend(other.next());
        if ordered.len() == before {
            return ordered;
        }
    }
}

//! Opening a TCP connection: all addresses of a name in turn, a new one each time the last one has
//! not answered for a moment (RFC 8305).

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time,
};

use super::{Stream, prompt::Prompt, proxy};
use crate::config::proxy::Proxy;

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
    /// The proxy on the way did not answer.
    #[error("cannot connect to the proxy {proxy}")]
    Proxy {
        /// The proxy, without its login.
        proxy: String,
        /// What its last address said.
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

/// The way to a server.
#[derive(Clone, Debug)]
pub struct Route {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// A proxy on the way.
    pub proxy: Option<Proxy>,
    /// How long finding, and then connecting, may take.
    pub limit: Duration,
}

impl Route {
    /// Finds the addresses to connect to: the server's, or the proxy's.
    ///
    /// # Errors
    ///
    /// There is none, or nobody could be asked within the limit.
    pub async fn find(&self) -> Result<Vec<SocketAddr>, Error> {
        let (host, port) = match &self.proxy {
            Some(proxy) => (proxy.host.as_str(), proxy.port),
            None => (self.host.as_str(), self.port),
        };
        let name = host.trim_matches(['[', ']']);
        let failed = |source| Error::Find {
            host: host.to_owned(),
            source,
        };
        let found = time::timeout(self.limit, lookup_host((name, port)))
            .await
            .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)));
        let addresses: Vec<SocketAddr> = found.map_err(failed)?.collect();
        if addresses.is_empty() {
            return Err(failed(io::Error::from(io::ErrorKind::NotFound)));
        }
        Ok(interleave(addresses))
    }

    /// Opens a connection by the first of these addresses that answers.
    ///
    /// # Errors
    ///
    /// None of them did within the limit, or the proxy leads no further.
    pub async fn open(&self, addresses: &[SocketAddr]) -> Result<(Stream, SocketAddr), Error> {
        let failed = |source| Error::Connect {
            host: self.host.clone(),
            port: self.port,
            source,
        };
        let opening = async {
            let reached = race(addresses).await;
            match &self.proxy {
                Some(proxy) => {
                    let (socket, address) = reached.map_err(|source| Error::Proxy {
                        proxy: proxy.to_string(),
                        source,
                    })?;
                    let through = proxy::through(proxy, socket, &self.host, self.port);
                    let socket = through.await.map_err(failed)?;
                    Ok((socket, address))
                }
                None => reached.map_err(failed),
            }
        };
        match time::timeout(self.limit, opening).await {
            Ok(Ok((socket, address))) => {
                // Commands are small and each waits for an answer: never hold one back.
                let _ = socket.set_nodelay(true);
                Ok((Stream::plain(Prompt::new(socket)), address))
            }
            Ok(Err(error)) => Err(error),
            Err(_) => match &self.proxy {
                // Whether it is the proxy that does not answer, or the server behind it, nobody can tell.
                Some(proxy) => Err(Error::Proxy {
                    proxy: proxy.to_string(),
                    source: io::Error::new(
                        io::ErrorKind::TimedOut,
                        format!("no answer within {} s", self.limit.as_secs()),
                    ),
                }),
                None => Err(Error::TimedOut {
                    host: self.host.clone(),
                    port: self.port,
                    limit: self.limit,
                }),
            },
        }
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

    use super::*;

    fn route() -> Route {
        Route {
            host: "pop.team.example".to_owned(),
            port: 110,
            proxy: None,
            limit: Duration::from_secs(20),
        }
    }

    /// An address that nobody listens at.
    fn refusing() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.local_addr().expect("an address")
    }

    #[test]
    fn families_take_turns_and_the_first_one_begins() {
        let addresses = |all: &[&str]| -> Vec<SocketAddr> {
            all.iter()
                .map(|text| text.parse().expect("an address"))
                .collect()
        };
        let given = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"];
        let ordered = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"];

        assert_eq!(interleave(addresses(&given)), addresses(&ordered));
        assert_eq!(interleave(Vec::new()), Vec::new());
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_by_the_next_at_once() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let good = listener.local_addr().expect("an address");

        let (_, address) = route().open(&[refusing(), good]).await.expect("it answers");

        assert_eq!(address, good);
    }

    #[tokio::test]
    async fn an_address_that_does_not_answer_does_not_keep_the_next_one_waiting() {
        // Nobody takes anybody in, and there is room for one to wait: all others hear nothing.
        let deaf = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&deaf, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        listen(&deaf, 0).expect("it listens");
        let silent = SocketAddr::try_from(getsockname(&deaf).expect("a name")).expect("an address");
        let mut waiting = Vec::new();
        while let Ok(Ok(stream)) =
            time::timeout(Duration::from_millis(200), TcpStream::connect(silent)).await
        {
            waiting.push(stream);
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let good = listener.local_addr().expect("an address");

        let (_, address) = route()
            .open(&[silent, good])
            .await
            .expect("the second answers");

        assert_eq!(address, good);
    }

    #[tokio::test]
    async fn where_nobody_answers_what_the_last_one_said_is_told() {
        let failed = route().open(&[refusing(), refusing()]).await;

        let error = failed.expect_err("nobody is there");
        assert!(matches!(error, Error::Connect { .. }), "{error}");
    }
}

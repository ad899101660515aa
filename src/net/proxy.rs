//! Through a SOCKS5 proxy (RFC 1928): it is told the server's name, and finds the address itself.

use std::io;

use tokio::net::TcpStream;
use tokio_socks::{Error, tcp::Socks5Stream};

use crate::config::proxy::Proxy;

/// Has a proxy open a connection to a server. The socket is one to the proxy.
///
/// # Errors
///
/// The proxy does not, for what it says or because it is none.
pub(super) async fn through(
    proxy: &Proxy,
    socket: TcpStream,
    host: &str,
    port: u16,
) -> io::Result<TcpStream> {
    let target = (host.trim_matches(['[', ']']), port);
    let opened = match &proxy.login {
        Some((name, password)) => {
            Socks5Stream::connect_with_password_and_socket(socket, target, name, password).await
        }
        None => Socks5Stream::connect_with_socket(socket, target).await,
    };
    opened
        .map(Socks5Stream::into_inner)
        .map_err(|error| io::Error::other(format!("the proxy {proxy}: {}", words(&error))))
}

fn words(error: &Error) -> String {
    match error {
        Error::Io(error) => error.to_string(),
        Error::PasswordAuthFailure(_) => "it does not take this name and password".to_owned(),
        Error::NoAcceptableAuthMethods => "it wants a name and a password".to_owned(),
        Error::InvalidResponseVersion | Error::UnknownAuthMethod | Error::InvalidReservedByte => {
            "it speaks no SOCKS5".to_owned()
        }
        error => error.to_string(),
    }
}

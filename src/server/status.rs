//! A server tells its figures: as JSON at a Unix socket of the spool, and as Prometheus reads them at
//! an address within this machine.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixListener, UnixStream},
    time,
};
use tokio_util::sync::CancellationToken;

use super::{
    figures::{Figures, Status},
    unix,
};

/// The socket in the spool's folder. No account's name begins with a dot.
pub const SOCKET: &str = ".status";

/// How long whoever asks may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest request that is read, in octets.
const LONGEST_REQUEST: usize = 8 * 1024;

/// The longest answer that is believed of a server, in octets.
const LONGEST_STATUS: u64 = 64 * 1024 * 1024;

/// Listens at the socket of this spool, which only its owner may ask.
pub(super) fn listen(spool: &Path) -> io::Result<UnixListener> {
    UnixListener::from_std(unix::bind(&spool.join(SOCKET), 0o600)?)
}

/// Answers whoever connects with the figures, until the server ends.
pub(super) async fn tell(
    socket: UnixListener,
    spool: PathBuf,
    figures: Arc<Figures>,
    ending: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = ending.cancelled() => {
                // The next server removes what is left.
                let _ = std::fs::remove_file(spool.join(SOCKET));
                return;
            }
        };
        let Ok((mut stream, _)) = accepted else {
            time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(text) = serde_json::to_vec(&figures.status()) else {
            continue;
        };
        let answer = async move {
            stream.write_all(&text).await?;
            stream.shutdown().await
        };
        // Whoever asks and does not listen keeps nobody else waiting for long.
        let _ = time::timeout(PATIENCE, answer).await;
    }
}

/// Asks the server that runs over this spool.
///
/// # Errors
///
/// None runs there, or it does not answer.
pub async fn ask(spool: &Path) -> io::Result<Status> {
    let asked = async {
        let stream = UnixStream::connect(spool.join(SOCKET)).await?;
        let mut text = Vec::new();
        stream.take(LONGEST_STATUS).read_to_end(&mut text).await?;
        Ok(serde_json::from_slice(&text)?)
    };
    time::timeout(PATIENCE, asked)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// Listens for Prometheus, within this machine alone.
pub(super) async fn listen_for_prometheus(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().to_canonical().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "figures are told within this machine alone",
        ));
    }
    TcpListener::bind(address).await
}

/// Answers every HTTP request with the figures, until the server ends.
pub(super) async fn tell_prometheus(
    socket: TcpListener,
    figures: Arc<Figures>,
    ending: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = ending.cancelled() => return,
        };
        let Ok((mut stream, _)) = accepted else {
            time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let figures = figures.clone();
        tokio::spawn(time::timeout(PATIENCE, async move {
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                if request.len() > LONGEST_REQUEST || stream.read_buf(&mut request).await? == 0 {
                    return Ok(());
                }
            }
            let body = figures.status().prometheus();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await?;
            stream.shutdown().await
        }));
    }
}

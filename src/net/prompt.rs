//! A socket that acknowledges what has come before it waits for more.
//!
//! A receiver may hold an acknowledgement back, for 40 ms at Linux (RFC 1122 §4.2.3.2), and a
//! server may hold the rest of its answer back until that comes (RFC 896): together they stall a
//! visit of a few milliseconds for ten times as long.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A client's socket.
pub(super) struct Prompt(TcpStream);

impl Prompt {
    pub fn new(socket: TcpStream) -> Prompt {
        Prompt(socket)
    }
}

impl AsyncRead for Prompt {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context,
        buffer: &mut ReadBuf,
    ) -> Poll<io::Result<()>> {
        let socket = &mut self.get_mut().0;
        let outcome = Pin::new(&mut *socket).poll_read(context, buffer);
        if outcome.is_pending() {
            acknowledge(socket);
        }
        outcome
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(context, buffer)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(context)
    }
}

/// Sends the acknowledgement that is held back, if there is one. The system takes up holding them
/// back again by itself, so this is asked for before each wait. Without it all is right, but slower.
#[cfg(target_os = "linux")]
fn acknowledge(socket: &TcpStream) {
    let _ = rustix::net::sockopt::set_tcp_quickack(socket, true);
}

#[cfg(not(target_os = "linux"))]
fn acknowledge(_: &TcpStream) {}

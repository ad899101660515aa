//! A client that says what a test wants to say, line by line, and never understands more than lines.

use std::net::SocketAddr;

use tidings::net::{
    Carrier, Stream,
    tls::{Connector, Trust, Verification},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

pub struct Talk {
    stream: BufReader<Stream>,
}

impl Talk {
    pub async fn connect(address: SocketAddr) -> Talk {
        let stream = TcpStream::connect(address).await.expect("a connection");
        Talk::over(stream)
    }

    pub fn over(carrier: impl Carrier + 'static) -> Talk {
        Talk {
            stream: BufReader::new(Stream::plain(carrier)),
        }
    }

    pub async fn connect_tls(address: SocketAddr, trust: &Trust) -> Talk {
        Talk::connect(address).await.protect(trust).await
    }

    /// Makes TLS, as a client that checks the certificate.
    pub async fn protect(self, trust: &Trust) -> Talk {
        let stream = Connector::new(trust)
            .expect("a connector")
            .protect(self.stream.into_inner(), "localhost", Verification::Full)
            .await
            .expect("TLS");
        Talk {
            stream: BufReader::new(stream),
        }
    }

    /// Signed in, the greeting read.
    pub async fn signed_in(address: SocketAddr) -> Talk {
        let mut talk = Talk::connect(address).await;
        talk.hear("+OK").await;
        talk.sign_in().await;
        talk
    }

    pub async fn sign_in(&mut self) {
        self.ask("USER notices", "+OK").await;
        self.ask("PASS sesame", "+OK").await;
    }

    pub async fn say(&mut self, line: &str) {
        self.send(format!("{line}\r\n").as_bytes()).await;
    }

    pub async fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.expect("a write");
        self.stream.flush().await.expect("a flush");
    }

    /// The next line, without its end; none if the connection is closed.
    pub async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.stream.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(
                String::from_utf8_lossy(&line)
                    .trim_end_matches(['\r', '\n'])
                    .to_owned(),
            ),
        }
    }

    /// The next line, which begins like this.
    #[track_caller]
    pub fn hear<'a>(&'a mut self, start: &'a str) -> impl Future<Output = String> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let line = self.line().await;
            match line {
                Some(line) if line.starts_with(start) => line,
                other => panic!("{place}: expected `{start}…`, got {other:?}"),
            }
        }
    }

    pub async fn ask(&mut self, line: &str, start: &str) -> String {
        self.say(line).await;
        self.hear(start).await
    }

    /// The lines up to the lone dot.
    pub async fn body(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.line().await {
                Some(line) if line == "." => return lines,
                Some(line) => lines.push(line),
                None => panic!("the connection ended within a body"),
            }
        }
    }

    /// All that comes until the connection is closed.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = self.stream.read_to_end(&mut rest).await;
        rest
    }
}

//! A server that is sound until it is told to misbehave, on threads of its own.
//!
//! It knows as little of POP3 as a client may meet: no CAPA, no PIPELINING. What it does when it
//! misbehaves is each test's to say, command by command.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// A running server. It is gone when it is dropped.
pub struct Rogue {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What becomes of a command; the greeting is the answer to an empty one.
pub enum Turn {
    /// It is answered as a sound server does.
    Usual,
    /// This is sent, whatever it is.
    Say(Vec<u8>),
    /// Nothing more is said, until the client goes.
    Silence,
    /// This is sent, and the connection closed.
    HangUp(Vec<u8>),
    /// This is sent over and over, until the client goes.
    Forever(Vec<u8>),
}

struct Shared {
    mails: Vec<Vec<u8>>,
    twist: Box<dyn Fn(&str) -> Turn + Send + Sync>,
    misbehaves: AtomicBool,
    ends: AtomicBool,
    heard: Mutex<Vec<String>>,
}

impl Rogue {
    /// A server with these mails.
    pub fn with(
        mails: Vec<Vec<u8>>,
        twist: impl Fn(&str) -> Turn + Send + Sync + 'static,
    ) -> Rogue {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            mails,
            twist: Box::new(twist),
            misbehaves: AtomicBool::new(false),
            ends: AtomicBool::new(false),
            heard: Mutex::default(),
        });
        let served = shared.clone();
        thread::spawn(move || {
            for socket in listener.incoming() {
                if served.ends.load(Ordering::SeqCst) {
                    return;
                }
                let served = served.clone();
                thread::spawn(move || {
                    // A client that goes away in the middle is what many tests are about.
                    let _ = served.serve(socket?);
                    Ok::<(), std::io::Error>(())
                });
            }
        });
        Rogue { address, shared }
    }

    /// A server that misbehaves from the beginning and has no mail.
    pub fn from_the_start(twist: impl Fn(&str) -> Turn + Send + Sync + 'static) -> Rogue {
        let rogue = Rogue::with(Vec::new(), twist);
        rogue.misbehave();
        rogue
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn misbehave(&self) {
        self.shared.misbehaves.store(true, Ordering::SeqCst);
    }

    pub fn behave(&self) {
        self.shared.misbehaves.store(false, Ordering::SeqCst);
    }

    /// All that was said to it, in all sessions.
    pub fn heard(&self) -> Vec<String> {
        self.shared.heard.lock().expect("what was heard").clone()
    }
}

impl Drop for Rogue {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        // The listener looks up when somebody comes.
        let _ = TcpStream::connect(self.address);
        // Here, on the test's own thread, it is the test that fails.
        if !thread::panicking() {
            let heard = self.heard();
            let deletes = |said: &String| said.to_ascii_uppercase().starts_with("DELE");
            assert!(!heard.iter().any(deletes), "{heard:?}");
        }
    }
}

impl Shared {
    fn serve(&self, mut socket: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(socket.try_clone()?);
        let mut command = String::new();
        loop {
            let turn = if self.misbehaves.load(Ordering::SeqCst) {
                (self.twist)(&command)
            } else {
                Turn::Usual
            };
            match turn {
                Turn::Usual => socket.write_all(&self.usual(&command))?,
                Turn::Say(bytes) => socket.write_all(&bytes)?,
                Turn::Silence => {
                    lines.read_to_end(&mut Vec::new())?;
                }
                Turn::HangUp(bytes) => {
                    socket.write_all(&bytes)?;
                    return Ok(());
                }
                Turn::Forever(bytes) => loop {
                    socket.write_all(&bytes)?;
                },
            }
            if command == "QUIT" {
                return Ok(());
            }
            command.clear();
            if lines.read_line(&mut command)? == 0 {
                return Ok(());
            }
            command.truncate(command.trim_end().len());
            self.hear(&command);
        }
    }

    fn hear(&self, command: &str) {
        let mut heard = self.heard.lock().expect("what was heard");
        heard.push(command.to_owned());
    }

    fn usual(&self, command: &str) -> Vec<u8> {
        let (keyword, rest) = command.split_once(' ').unwrap_or((command, ""));
        let listing = |line: &dyn Fn(usize, &[u8]) -> String| {
            let mut answer = "+OK\r\n".to_owned();
            for (index, mail) in self.mails.iter().enumerate() {
                answer.push_str(&format!("{} {}\r\n", index + 1, line(index + 1, mail)));
            }
            answer.push_str(".\r\n");
            answer.into_bytes()
        };
        let mail = || {
            let number = rest.split(' ').next().and_then(|n| n.parse::<usize>().ok());
            self.mails.get(number.unwrap_or(0).wrapping_sub(1))
        };
        match keyword {
            "" => b"+OK ready\r\n".to_vec(),
            "USER" | "PASS" | "NOOP" | "QUIT" => b"+OK\r\n".to_vec(),
            "STAT" => {
                let octets: usize = self.mails.iter().map(Vec::len).sum();
                format!("+OK {} {octets}\r\n", self.mails.len()).into_bytes()
            }
            "UIDL" => listing(&|number, _| format!("id-{number}")),
            "LIST" => listing(&|_, mail| mail.len().to_string()),
            "RETR" => mail().map_or_else(refused, |mail| sent(mail)),
            "TOP" => mail().map_or_else(refused, |mail| sent(&headers(mail))),
            _ => refused(),
        }
    }
}

fn refused() -> Vec<u8> {
    b"-ERR no\r\n".to_vec()
}

/// A mail as the answer to RETR. Mails of tests have no lines that begin with a dot.
fn sent(mail: &[u8]) -> Vec<u8> {
    let mut answer = b"+OK\r\n".to_vec();
    answer.extend_from_slice(mail);
    if !mail.ends_with(b"\r\n") {
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b".\r\n");
    answer
}

fn headers(mail: &[u8]) -> Vec<u8> {
    let end = mail.windows(4).position(|four| four == b"\r\n\r\n");
    mail[..end.map_or(mail.len(), |end| end + 4)].to_vec()
}

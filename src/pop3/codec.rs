//! Bytes to values and back, one codec for each side (RFC 1939 §3).
//!
//! An answer does not say whether more lines follow: the question decides it. [`ClientCodec`]
//! therefore queues the shape of each answer as it writes the command, and reads answers by that
//! queue; the greeting is its first entry. Pipelining needs nothing more. [`ServerCodec`] reads
//! command lines, and goes on after one that is wrong or too long.

use std::{collections::VecDeque, io};

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;
use secrecy::{ExposeSecret, SecretString};
use tokio_util::codec::{Decoder, Encoder};
use zeroize::Zeroize;

use super::{
    command::{self, Command},
    multiline::{Piece, Stuffer, Unstuffer},
    response::{self, Response, excerpt},
};

/// The client's side: commands out, answers in.
#[derive(Debug)]
pub struct ClientCodec {
    expected: VecDeque<Shape>,
    body: Option<Unstuffer>,
}

/// How the answer to a command looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shape {
    /// One line.
    Line,
    /// One line and, if it is positive, a body up to the lone dot.
    Multiline,
    /// Challenges, then one line.
    Exchange,
}

/// A part of what a server answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// The first line.
    Line(Response),
    /// A challenge of AUTH: what stands behind `+ `, in base64 (RFC 5034 §4).
    Challenge(String),
    /// A part of the body, un-stuffed.
    Body(Bytes),
    /// The end of the body.
    End,
}

/// The client's next line in an AUTH exchange, in base64; `*` breaks it off (RFC 5034 §4).
#[derive(Debug)]
pub struct Continuation(pub SecretString);

/// The longest first line that is taken from a server. The standard has 512 octets (RFC 2449 §4);
/// real ones send more, and SASL challenges may have 12,288.
pub const LONGEST_LINE: usize = 64 * 1024;

/// Why no more can be read.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// The server is wrong.
    #[error(transparent)]
    Broken(#[from] response::ParseError),
}

impl Default for ClientCodec {
    fn default() -> ClientCodec {
        ClientCodec::new()
    }
}

impl ClientCodec {
    /// A codec for a new connection: the greeting is awaited.
    pub fn new() -> ClientCodec {
        ClientCodec {
            expected: VecDeque::from([Shape::Line]),
            body: None,
        }
    }

    /// A codec for a connection that was just upgraded to TLS: no greeting comes (RFC 2595 §4).
    pub fn upgraded() -> ClientCodec {
        ClientCodec {
            expected: VecDeque::new(),
            body: None,
        }
    }

    /// How many answers are awaited, the one being read included.
    pub fn awaited(&self) -> usize {
        self.expected.len()
    }
}

impl Encoder<&Command> for ClientCodec {
    type Error = ClientError;

    fn encode(&mut self, command: &Command, out: &mut BytesMut) -> Result<(), ClientError> {
        let shape = match command {
            Command::List(None)
            | Command::Uidl(None)
            | Command::Retr(_)
            | Command::Top { .. }
            | Command::Capa
            | Command::Lang(None)
            | Command::Auth(None) => Shape::Multiline,
            Command::Auth(Some(_)) => Shape::Exchange,
            Command::Quit
            | Command::Stat
            | Command::List(Some(_))
            | Command::Dele(_)
            | Command::Noop
            | Command::Rset
            | Command::Uidl(Some(_))
            | Command::User(_)
            | Command::Pass(_)
            | Command::Apop { .. }
            | Command::Utf8
            | Command::Lang(Some(_))
            | Command::Stls => Shape::Line,
        };
        let mut line = zeroize::Zeroizing::new(Vec::new());
        command.encode(&mut line);
        // A name or a password with a line end in it would be a second command.
        if memchr::memchr2(b'\r', b'\n', &line[..line.len() - 2]).is_some() {
            let words = format!("what {} takes is one line", command.keyword());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, words).into());
        }
        out.extend_from_slice(&line);
        self.expected.push_back(shape);
        Ok(())
    }
}

impl Encoder<Continuation> for ClientCodec {
    type Error = ClientError;

    fn encode(&mut self, line: Continuation, out: &mut BytesMut) -> Result<(), ClientError> {
        out.extend_from_slice(line.0.expose_secret().as_bytes());
        out.extend_from_slice(b"\r\n");
        Ok(())
    }
}

impl Decoder for ClientCodec {
    type Item = Answer;
    type Error = ClientError;

    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Answer>, ClientError> {
        if let Some(unstuffer) = &mut self.body {
            return Ok(unstuffer.next(source).map(|piece| match piece {
                Piece::Body(bytes) => Answer::Body(bytes),
                Piece::End => {
                    self.body = None;
                    self.expected.pop_front();
                    Answer::End
                }
            }));
        }

        let Some(newline) = memchr(b'\n', source) else {
            return if source.len() > LONGEST_LINE {
                Err(response::ParseError::TooLong.into())
            } else {
                Ok(None)
            };
        };
        if newline > LONGEST_LINE {
            return Err(response::ParseError::TooLong.into());
        }
        let whole = source.split_to(newline + 1);
        let line = trim_line_end(&whole);
        let Some(shape) = self.expected.front() else {
            let line = String::from_utf8_lossy(line);
            return Err(response::ParseError::Unasked(excerpt(&line)).into());
        };
        if *shape == Shape::Exchange
            && let Some(challenge) = challenge(line)
        {
            return Ok(Some(Answer::Challenge(challenge)));
        }
        let response = Response::parse(line)?;
        if *shape == Shape::Multiline && response.is_ok() {
            self.body = Some(Unstuffer::behind(&whole));
        } else {
            self.expected.pop_front();
        }
        Ok(Some(Answer::Line(response)))
    }
}

/// `+ base64`; some servers leave the space away where the challenge is empty.
fn challenge(line: &[u8]) -> Option<String> {
    match line {
        b"+" => Some(String::new()),
        [b'+', b' ', rest @ ..] => Some(String::from_utf8_lossy(rest).trim().to_owned()),
        _ => None,
    }
}

/// Whoever sends more than this without a line end does not speak POP3: the session ends.
pub const LONGEST_DISCARDED: usize = 1024 * 1024;

/// The server's side: command lines in, answers out.
#[derive(Debug, Default)]
pub struct ServerCodec {
    discarding: bool,
    discarded: usize,
    in_exchange: bool,
    stuffer: Stuffer,
}

/// A line of a client's.
#[derive(Debug)]
pub enum Input {
    /// A command, or what is wrong with it.
    Command(Result<Command, command::ParseError>),
    /// The next line of an AUTH exchange; none if it was too long or no text.
    Continuation(Option<SecretString>),
}

/// A part of what the server answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Output {
    /// The first line.
    Line(Response),
    /// A challenge of AUTH, in base64.
    Challenge(String),
    /// A part of a body, cut anywhere; it is stuffed here, and line ends are made CRLF.
    Lines(Bytes),
    /// The lone dot.
    End,
}

impl ServerCodec {
    /// Says whether the next line belongs to an AUTH exchange.
    pub fn set_in_exchange(&mut self, in_exchange: bool) {
        self.in_exchange = in_exchange;
    }

    /// Appends a part of a body, as [`Output::Lines`] does, without taking it over.
    pub fn encode_body(&mut self, part: &[u8], out: &mut BytesMut) {
        self.stuffer.push(part, out);
    }

    /// True while the rest of a line that was too long is awaited.
    pub fn is_discarding(&self) -> bool {
        self.discarding
    }

    fn limit(&self) -> usize {
        if self.in_exchange {
            command::LONGEST_CONTINUATION
        } else {
            command::LONGEST_COMMAND
        }
    }

    fn too_long(&self) -> Input {
        if self.in_exchange {
            Input::Continuation(None)
        } else {
            Input::Command(Err(command::ParseError::TooLong))
        }
    }
}

impl Decoder for ServerCodec {
    type Item = Input;
    type Error = io::Error;

    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Input>, io::Error> {
        let limit = self.limit();
        let Some(newline) = memchr(b'\n', source) else {
            if source.len() >= limit {
                // The rest of the line goes the same way.
                self.discarding = true;
                self.discarded += source.len();
                source.clear();
                if self.discarded > LONGEST_DISCARDED {
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
            return Ok(None);
        };
        if self.discarding || newline + 1 > limit {
            self.discarding = false;
            self.discarded = 0;
            source.advance(newline + 1);
            return Ok(Some(self.too_long()));
        }
        let mut buffer = source.split_to(newline + 1);
        let line = trim_line_end(&buffer);
        let input = if self.in_exchange {
            Input::Continuation(std::str::from_utf8(line).ok().map(SecretString::from))
        } else {
            Input::Command(Command::parse(line))
        };
        // The line may have held a password, and its octets stay in the buffer's memory.
        buffer.zeroize();
        Ok(Some(input))
    }

    /// A last line without an end is no command: the connection broke off in it.
    fn decode_eof(&mut self, source: &mut BytesMut) -> Result<Option<Input>, io::Error> {
        let input = self.decode(source)?;
        if input.is_none() {
            source.clear();
        }
        Ok(input)
    }
}

impl Encoder<Output> for ServerCodec {
    type Error = io::Error;

    fn encode(&mut self, output: Output, out: &mut BytesMut) -> Result<(), io::Error> {
        match output {
            Output::Line(response) => {
                let mut line = response.to_string();
                let longest = response::LONGEST_RESPONSE - 2;
                if line.len() > longest {
                    line.truncate(line.floor_char_boundary(longest));
                }
                out.extend_from_slice(line.as_bytes());
                out.extend_from_slice(b"\r\n");
            }
            Output::Challenge(challenge) => {
                out.extend_from_slice(b"+ ");
                out.extend_from_slice(challenge.as_bytes());
                out.extend_from_slice(b"\r\n");
            }
            Output::Lines(lines) => self.stuffer.push(&lines, out),
            Output::End => self.stuffer.finish(out),
        }
        Ok(())
    }
}

fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

//! The first line of an answer: status, response code, text (RFC 1939 §3, RFC 2449 §8).

use std::{borrow::Cow, fmt};

/// The first line of an answer. What may follow it is the codec's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    /// Whether the command did what it should.
    pub status: Status,
    /// Why, for programs.
    pub code: Option<Code>,
    /// Why, for people. From the network: to be made harmless before it is shown.
    pub text: Cow<'static, str>,
}

/// Whether a command did what it should.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// `+OK`
    Ok,
    /// `-ERR`
    Err,
}

/// A response code (RFC 2449 §8, RFC 3206). Unknown ones fall back to their parent, then to none.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Code {
    /// `[LOGIN-DELAY]`: the last login is too recent.
    LoginDelay,
    /// `[IN-USE]`: another session holds the maildrop.
    InUse,
    /// `[SYS/TEMP]`: a failure that may pass by itself.
    SysTemp,
    /// `[SYS/PERM]`: a failure that needs a person.
    SysPerm,
    /// `[AUTH]`: name or password are wrong.
    Auth,
}

/// The longest first line of an answer with its CRLF that is sent (RFC 2449 §4).
pub const LONGEST_RESPONSE: usize = 512;

/// What is wrong with an answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// It begins neither with `+OK` nor with `-ERR`. The line, cut to a length that can be shown.
    #[error("expected +OK or -ERR, got: {0}")]
    NoStatus(String),
    /// A line without an end.
    #[error("the server sent a line without an end")]
    TooLong,
    /// A listing without an end.
    #[error("the server sent a listing without an end")]
    ListingTooLong,
    /// Bytes came although nothing was asked.
    #[error("the server spoke without being asked: {0}")]
    Unasked(String),
    /// Bytes came after the answer to STLS and before TLS (CVE-2011-0411 and its kin).
    #[error("the server sent text between STLS and TLS: somebody may be in the way")]
    Injected,
    /// A listing's line, or the numbers of STAT, make no sense.
    #[error("cannot make sense of the listing: {0}")]
    Listing(String),
}

impl Response {
    /// A positive answer.
    pub fn ok(text: impl Into<Cow<'static, str>>) -> Response {
        Response {
            status: Status::Ok,
            code: None,
            text: text.into(),
        }
    }

    /// A negative answer without a code.
    pub fn err(text: impl Into<Cow<'static, str>>) -> Response {
        Response {
            status: Status::Err,
            code: None,
            text: text.into(),
        }
    }

    /// A negative answer with a code.
    pub fn err_with(code: Code, text: impl Into<Cow<'static, str>>) -> Response {
        Response {
            status: Status::Err,
            code: Some(code),
            text: text.into(),
        }
    }

    /// Reads the first line of an answer, without its line end.
    ///
    /// # Errors
    ///
    /// It is no answer of POP3.
    pub fn parse(line: &[u8]) -> Result<Response, ParseError> {
        let line = String::from_utf8_lossy(line);
        let (status, rest) = status(&line).ok_or_else(|| ParseError::NoStatus(excerpt(&line)))?;
        let rest = rest.trim();
        let (code, text) = match Code::find(rest) {
            Some((code, text)) => (Some(code), text),
            None => (None, rest.to_owned()),
        };
        Ok(Response {
            status,
            code,
            text: Cow::Owned(text),
        })
    }

    /// True for `+OK`.
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }

    /// The APOP timestamp in a greeting, with its angle brackets (RFC 1939 §7).
    ///
    /// Only what looks like an RFC 822 msg-id is one: others were used to find out passwords
    /// (CVE-2007-1558).
    pub fn timestamp(&self) -> Option<&str> {
        let start = self.text.find('<')?;
        let end = start + self.text[start..].find('>')?;
        let inner = &self.text[start + 1..end];
        let (left, right) = inner.split_once('@')?;
        let is_atom =
            |part: &str| !part.is_empty() && part.bytes().all(|b| (0x21..=0x7E).contains(&b));
        (is_atom(left) && is_atom(right) && !right.contains('@')).then_some(&self.text[start..=end])
    }
}

/// The line as it goes over the wire, without its CRLF; controls become spaces.
impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self.status {
            Status::Ok => "+OK",
            Status::Err => "-ERR",
        })?;
        if let Some(code) = self.code {
            write!(f, " [{code}]")?;
        }
        if !self.text.is_empty() {
            write!(f, " {}", self.text.replace(char::is_control, " "))?;
        }
        Ok(())
    }
}

impl Code {
    /// Finds a known code and gives the text without it. Some servers put words before the code.
    fn find(text: &str) -> Option<(Code, String)> {
        let open = text.find('[')?;
        let close = open + text[open..].find(']')?;
        let code = Code::parse(&text[open + 1..close])?;
        let (before, after) = (text[..open].trim_end(), text[close + 1..].trim_start());
        let text = match (before.is_empty(), after.is_empty()) {
            (true, _) => after.to_owned(),
            (false, true) => before.to_owned(),
            (false, false) => format!("{before} {after}"),
        };
        Some((code, text))
    }

    /// The code of this name or, if it is unknown, of its parent (RFC 2449 §8).
    pub fn parse(name: &str) -> Option<Code> {
        let name = name.trim().to_ascii_uppercase();
        let mut part = name.as_str();
        loop {
            match part {
                "LOGIN-DELAY" => return Some(Code::LoginDelay),
                "IN-USE" => return Some(Code::InUse),
                "SYS/TEMP" | "SYS" => return Some(Code::SysTemp),
                "SYS/PERM" => return Some(Code::SysPerm),
                "AUTH" => return Some(Code::Auth),
                _ => part = part.rsplit_once('/')?.0,
            }
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Code::LoginDelay => "LOGIN-DELAY",
            Code::InUse => "IN-USE",
            Code::SysTemp => "SYS/TEMP",
            Code::SysPerm => "SYS/PERM",
            Code::Auth => "AUTH",
        })
    }
}

fn status(line: &str) -> Option<(Status, &str)> {
    for (word, status) in [("+OK", Status::Ok), ("-ERR", Status::Err)] {
        if let Some(head) = line.get(..word.len())
            && head.eq_ignore_ascii_case(word)
        {
            let rest = &line[word.len()..];
            // `+OKAY` is not an answer; `+OK[…]` is sent by servers that forget the space.
            if rest.is_empty() || rest.starts_with([' ', '\t', '[', '<']) {
                return Some((status, rest));
            }
        }
    }
    None
}

/// What of a line can be shown in an error: 80 characters of it.
pub fn excerpt(line: &str) -> String {
    const LONGEST: usize = 80;
    let mut excerpt: String = line.chars().take(LONGEST).collect();
    if line.chars().nth(LONGEST).is_some() {
        excerpt.push('…');
    }
    excerpt
}

//! The commands of POP3, as values, as bytes, and as a trace may show them.
//!
//! RFC 1939 §3: a keyword in any case, then arguments, separated by single spaces. What is written
//! to the wire comes from [`Command::encode`]; [`Display`](fmt::Display) is for people and masks
//! every password.

use std::{fmt, str};

use secrecy::{ExposeSecret, SecretString};

use super::{listing::MessageNumber, sasl::Mechanism};

/// What a client says. The variants stand in the order of the RFCs.
#[derive(Clone, Debug)]
pub enum Command {
    /// Ends the session, and in TRANSACTION carries out the deletions (RFC 1939 §4, §6).
    Quit,
    /// Asks for the drop listing (§5).
    Stat,
    /// Asks for the scan listing, of one message or of all (§5).
    List(Option<MessageNumber>),
    /// Asks for a message (§5).
    Retr(MessageNumber),
    /// Marks a message as deleted (§5).
    Dele(MessageNumber),
    /// Asks for an answer, no more (§5).
    Noop,
    /// Takes back all deletion marks (§5).
    Rset,
    /// Asks for the headers and a number of lines of the body (§7).
    Top {
        /// Whose.
        message: MessageNumber,
        /// How many lines of the body; none at all is 0.
        lines: u64,
    },
    /// Asks for the unique-id listing, of one message or of all (§7).
    Uidl(Option<MessageNumber>),
    /// Names the account (§7).
    User(String),
    /// Gives its password: the whole rest of the line, spaces included (§7).
    Pass(SecretString),
    /// Names the account and proves the knowledge of a shared secret (§7).
    Apop {
        /// The account.
        name: String,
        /// The MD5 digest of timestamp and secret, in lower-case hex.
        digest: String,
    },
    /// Asks what the server can do (RFC 2449 §5).
    Capa,
    /// Asks for TLS on this connection (RFC 2595 §4).
    Stls,
    /// Signs in by a SASL mechanism, or asks which there are (RFC 5034 §4).
    Auth(Option<Auth>),
    /// Says that UTF-8 is understood in headers (RFC 6856 §2.1).
    Utf8,
    /// Asks which languages the answers' words can be in, or for one of them (RFC 6856 §3).
    Lang(Option<String>),
}

/// What AUTH says.
#[derive(Clone, Debug)]
pub struct Auth {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// The initial response in base64; `=` stands for an empty one (RFC 5034 §4).
    pub initial: Option<SecretString>,
}

/// The longest command line with its CRLF (RFC 2449 §4).
pub const LONGEST_COMMAND: usize = 255;

/// The longest line of a SASL exchange with its CRLF (RFC 5034 §4 gives it as the server's choice;
/// 12,288 octets of base64 is what RFC 4422's profiles for mail use).
pub const LONGEST_CONTINUATION: usize = 12_288;

/// What is wrong with a command line. No variant carries what the line held.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// The line is longer than [`LONGEST_COMMAND`].
    #[error("line too long")]
    TooLong,
    /// The line holds octets that no command has.
    #[error("not printable text")]
    NotText,
    /// The keyword is none of ours.
    #[error("unknown command")]
    Unknown,
    /// The keyword is known; there are too few arguments, or too many.
    #[error("wrong number of arguments to {0}")]
    Arguments(&'static str),
    /// An argument that names a message is not a number from 1 up.
    #[error("no such message")]
    NoSuchMessage,
    /// The number of lines of TOP is not a number.
    #[error("not a number of lines")]
    NotANumber,
    /// The digest of APOP is not 32 hexadecimal digits.
    #[error("not a digest")]
    NotADigest,
    /// The mechanism of AUTH is not one that is spoken here.
    #[error("unknown mechanism")]
    UnknownMechanism,
}

impl Command {
    /// Reads a command line, without its line end.
    ///
    /// # Errors
    ///
    /// The line is no command. The session may go on: nothing was lost (RFC 1939 §3).
    pub fn parse(line: &[u8]) -> Result<Command, ParseError> {
        let text = str::from_utf8(line).map_err(|_| ParseError::NotText)?;
        // PASS takes what follows as it stands: a password may begin, hold and end with spaces.
        let trimmed = text.trim_end_matches(' ');
        let (keyword, rest) = match text.split_once(' ') {
            Some((keyword, rest)) => (keyword, Some(rest)),
            None => (text, None),
        };
        if keyword.eq_ignore_ascii_case("PASS") {
            return match rest {
                Some(password) if !password.is_empty() => {
                    Ok(Command::Pass(SecretString::from(password)))
                }
                Some(_) | None => Err(ParseError::Arguments("PASS")),
            };
        }
        if text.contains(|c: char| c.is_control()) {
            return Err(ParseError::NotText);
        }

        let arguments: Vec<&str> = trimmed.split(' ').skip(1).collect();
        let keyword = keyword.to_ascii_uppercase();
        match keyword.as_str() {
            "QUIT" => none("QUIT", &arguments, Command::Quit),
            "STAT" => none("STAT", &arguments, Command::Stat),
            "LIST" => optional("LIST", &arguments).map(Command::List),
            "RETR" => one("RETR", &arguments).and_then(number).map(Command::Retr),
            "DELE" => one("DELE", &arguments).and_then(number).map(Command::Dele),
            "NOOP" => none("NOOP", &arguments, Command::Noop),
            "RSET" => none("RSET", &arguments, Command::Rset),
            "TOP" => {
                let (message, lines) = two("TOP", &arguments)?;
                Ok(Command::Top {
                    message: number(message)?,
                    lines: count(lines)?,
                })
            }
            "UIDL" => optional("UIDL", &arguments).map(Command::Uidl),
            // A name may hold spaces in practice; the argument is then the rest of the line.
            "USER" => match rest.map(str::trim_end) {
                Some(name) if !name.is_empty() => Ok(Command::User(name.to_owned())),
                Some(_) | None => Err(ParseError::Arguments("USER")),
            },
            "APOP" => {
                let (name, digest) = two("APOP", &arguments)?;
                if digest.len() != 32 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(ParseError::NotADigest);
                }
                Ok(Command::Apop {
                    name: name.to_owned(),
                    digest: digest.to_ascii_lowercase(),
                })
            }
            "CAPA" => none("CAPA", &arguments, Command::Capa),
            "STLS" => none("STLS", &arguments, Command::Stls),
            "AUTH" => match arguments.as_slice() {
                [] => Ok(Command::Auth(None)),
                [mechanism] => auth(mechanism, None),
                [mechanism, initial] => auth(mechanism, Some(initial)),
                _ => Err(ParseError::Arguments("AUTH")),
            },
            "UTF8" => none("UTF8", &arguments, Command::Utf8),
            "LANG" => match arguments.as_slice() {
                [] => Ok(Command::Lang(None)),
                [tag] => Ok(Command::Lang(Some((*tag).to_owned()))),
                _ => Err(ParseError::Arguments("LANG")),
            },
            _ => Err(ParseError::Unknown),
        }
    }

    /// Appends the command as it goes over the wire, with its CRLF.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Command::Pass(password) => {
                out.extend_from_slice(b"PASS ");
                out.extend_from_slice(password.expose_secret().as_bytes());
            }
            Command::Auth(Some(Auth {
                mechanism,
                initial: Some(initial),
            })) => {
                out.extend_from_slice(format!("AUTH {mechanism} ").as_bytes());
                out.extend_from_slice(initial.expose_secret().as_bytes());
            }
            Command::Apop { name, digest } => {
                out.extend_from_slice(format!("APOP {name} {digest}").as_bytes());
            }
            command => out.extend_from_slice(command.to_string().as_bytes()),
        }
        out.extend_from_slice(b"\r\n");
    }

    /// The keyword alone, for logs.
    pub fn keyword(&self) -> &'static str {
        match self {
            Command::Quit => "QUIT",
            Command::Stat => "STAT",
            Command::List(_) => "LIST",
            Command::Retr(_) => "RETR",
            Command::Dele(_) => "DELE",
            Command::Noop => "NOOP",
            Command::Rset => "RSET",
            Command::Top { .. } => "TOP",
            Command::Uidl(_) => "UIDL",
            Command::User(_) => "USER",
            Command::Pass(_) => "PASS",
            Command::Apop { .. } => "APOP",
            Command::Capa => "CAPA",
            Command::Stls => "STLS",
            Command::Auth(_) => "AUTH",
            Command::Utf8 => "UTF8",
            Command::Lang(_) => "LANG",
        }
    }
}

/// The command as a trace shows it: what would open the account is `****`.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.keyword())?;
        match self {
            Command::List(Some(message)) | Command::Uidl(Some(message)) => write!(f, " {message}"),
            Command::Retr(message) | Command::Dele(message) => write!(f, " {message}"),
            Command::Top { message, lines } => write!(f, " {message} {lines}"),
            Command::User(name) => write!(f, " {name}"),
            Command::Pass(_) => f.write_str(" ****"),
            // With the timestamp it would do for trying passwords.
            Command::Apop { name, .. } => write!(f, " {name} ****"),
            Command::Auth(Some(auth)) => {
                write!(f, " {}", auth.mechanism)?;
                if auth.initial.is_some() {
                    f.write_str(" ****")?;
                }
                Ok(())
            }
            Command::Lang(Some(tag)) => write!(f, " {tag}"),
            Command::Quit
            | Command::Utf8
            | Command::Lang(None)
            | Command::Stat
            | Command::List(None)
            | Command::Noop
            | Command::Rset
            | Command::Uidl(None)
            | Command::Capa
            | Command::Stls
            | Command::Auth(None) => Ok(()),
        }
    }
}

fn none(
    keyword: &'static str,
    arguments: &[&str],
    command: Command,
) -> Result<Command, ParseError> {
    match arguments {
        [] => Ok(command),
        _ => Err(ParseError::Arguments(keyword)),
    }
}

fn one<'a>(keyword: &'static str, arguments: &[&'a str]) -> Result<&'a str, ParseError> {
    match arguments {
        [argument] => Ok(argument),
        _ => Err(ParseError::Arguments(keyword)),
    }
}

fn two<'a>(keyword: &'static str, arguments: &[&'a str]) -> Result<(&'a str, &'a str), ParseError> {
    match arguments {
        [first, second] => Ok((first, second)),
        _ => Err(ParseError::Arguments(keyword)),
    }
}

fn optional(
    keyword: &'static str,
    arguments: &[&str],
) -> Result<Option<MessageNumber>, ParseError> {
    match arguments {
        [] => Ok(None),
        [message] => number(message).map(Some),
        _ => Err(ParseError::Arguments(keyword)),
    }
}

fn number(argument: &str) -> Result<MessageNumber, ParseError> {
    MessageNumber::parse(argument.as_bytes()).ok_or(ParseError::NoSuchMessage)
}

fn count(argument: &str) -> Result<u64, ParseError> {
    if argument.is_empty() || !argument.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ParseError::NotANumber);
    }
    // A number of lines that no message has is as good as all of them.
    Ok(argument.parse().unwrap_or(u64::MAX))
}

fn auth(mechanism: &str, initial: Option<&str>) -> Result<Command, ParseError> {
    Ok(Command::Auth(Some(Auth {
        mechanism: mechanism
            .parse()
            .map_err(|_| ParseError::UnknownMechanism)?,
        initial: initial.map(SecretString::from),
    })))
}

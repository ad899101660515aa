//! What CAPA answers (RFC 2449 §5 and §6).

use std::{fmt, time::Duration};

use super::{listing::lines, sasl::Mechanism};

/// What a server says it can do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Capabilities(Vec<Capability>);

/// One line of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Capability {
    /// TOP can be used.
    Top,
    /// USER and PASS can be used.
    User,
    /// These mechanisms of AUTH can be used (RFC 5034 §3).
    Sasl(Vec<Mechanism>),
    /// Answers carry response codes.
    RespCodes,
    /// The least number of seconds between two logins; `USER` if it may differ after login.
    LoginDelay {
        /// Seconds.
        seconds: u32,
        /// True if another value may hold once signed in.
        per_user: bool,
    },
    /// Several commands may be sent before the first is answered.
    Pipelining,
    /// How many days a message is kept; none is for ever, 0 is not at all once it was fetched.
    Expire {
        /// Days.
        days: Option<u32>,
        /// True if another value may hold once signed in.
        per_user: bool,
    },
    /// UIDL can be used.
    Uidl,
    /// Which server it is.
    Implementation(String),
    /// TLS can be asked for (RFC 2595 §4).
    Stls,
    /// `[AUTH]` and `[SYS/…]` are used (RFC 3206 §6).
    AuthRespCode,
    /// UTF8 can be used (RFC 6856 §2).
    Utf8 {
        /// True if names and passwords may hold UTF-8.
        user: bool,
    },
    /// LANG can be used (RFC 6856 §3).
    Lang,
    /// Anything else.
    Other(String),
}

impl Capabilities {
    /// The capabilities in this order.
    pub fn new(capabilities: Vec<Capability>) -> Capabilities {
        Capabilities(capabilities)
    }

    /// Reads the lines that follow `+OK`.
    pub fn parse(body: &[u8]) -> Capabilities {
        Capabilities(
            lines(body)
                .map(|line| Capability::parse(&String::from_utf8_lossy(line)))
                .collect(),
        )
    }

    /// True if this is among them.
    pub fn has(&self, capability: &Capability) -> bool {
        self.0.contains(capability)
    }

    /// The mechanisms of AUTH that are offered and spoken here.
    pub fn mechanisms(&self) -> impl Iterator<Item = Mechanism> {
        self.0.iter().flat_map(|capability| match capability {
            Capability::Sasl(mechanisms) => mechanisms.clone(),
            _ => Vec::new(),
        })
    }

    /// The least time between two logins.
    pub fn login_delay(&self) -> Option<Duration> {
        self.0.iter().find_map(|capability| match capability {
            Capability::LoginDelay { seconds, .. } if *seconds > 0 => {
                Some(Duration::from_secs(u64::from(*seconds)))
            }
            _ => None,
        })
    }

    /// After how many days the server removes a message, if it says that it does.
    pub fn expire_days(&self) -> Option<u32> {
        self.0.iter().find_map(|capability| match capability {
            Capability::Expire { days, .. } => *days,
            _ => None,
        })
    }

    /// All of them, in the server's order.
    pub fn iter(&self) -> impl Iterator<Item = &Capability> {
        self.0.iter()
    }
}

impl Capability {
    /// Reads one line.
    pub fn parse(line: &str) -> Capability {
        let other = || Capability::Other(line.trim().to_owned());
        let mut words = line.split_ascii_whitespace();
        let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
        let arguments: Vec<&str> = words.collect();
        let per_user = arguments
            .get(1)
            .is_some_and(|word| word.eq_ignore_ascii_case("USER"));
        match (keyword.as_str(), arguments.as_slice()) {
            ("TOP", _) => Capability::Top,
            ("USER", _) => Capability::User,
            ("SASL", names) => {
                Capability::Sasl(names.iter().filter_map(|name| name.parse().ok()).collect())
            }
            ("RESP-CODES", _) => Capability::RespCodes,
            ("LOGIN-DELAY", [seconds, ..]) => match seconds.parse() {
                Ok(seconds) => Capability::LoginDelay { seconds, per_user },
                Err(_) => other(),
            },
            ("PIPELINING", _) => Capability::Pipelining,
            ("EXPIRE", [days, ..]) if days.eq_ignore_ascii_case("NEVER") => Capability::Expire {
                days: None,
                per_user,
            },
            ("EXPIRE", [days, ..]) => match days.parse() {
                Ok(days) => Capability::Expire {
                    days: Some(days),
                    per_user,
                },
                Err(_) => other(),
            },
            ("UIDL", _) => Capability::Uidl,
            ("IMPLEMENTATION", words) => Capability::Implementation(words.join(" ")),
            ("STLS", _) => Capability::Stls,
            ("AUTH-RESP-CODE", _) => Capability::AuthRespCode,
            ("UTF8", words) => Capability::Utf8 {
                user: words.iter().any(|word| word.eq_ignore_ascii_case("USER")),
            },
            ("LANG", _) => Capability::Lang,
            _ => other(),
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let suffix = |per_user: &bool| if *per_user { " USER" } else { "" };
        match self {
            Capability::Top => f.write_str("TOP"),
            Capability::User => f.write_str("USER"),
            Capability::Sasl(mechanisms) => {
                f.write_str("SASL")?;
                mechanisms
                    .iter()
                    .try_for_each(|mechanism| write!(f, " {mechanism}"))
            }
            Capability::RespCodes => f.write_str("RESP-CODES"),
            Capability::LoginDelay { seconds, per_user } => {
                write!(f, "LOGIN-DELAY {seconds}{}", suffix(per_user))
            }
            Capability::Pipelining => f.write_str("PIPELINING"),
            Capability::Expire {
                days: None,
                per_user,
            } => write!(f, "EXPIRE NEVER{}", suffix(per_user)),
            Capability::Expire {
                days: Some(days),
                per_user,
            } => write!(f, "EXPIRE {days}{}", suffix(per_user)),
            Capability::Uidl => f.write_str("UIDL"),
            Capability::Implementation(name) => write!(f, "IMPLEMENTATION {name}"),
            Capability::Stls => f.write_str("STLS"),
            Capability::AuthRespCode => f.write_str("AUTH-RESP-CODE"),
            Capability::Utf8 { user: false } => f.write_str("UTF8"),
            Capability::Utf8 { user: true } => f.write_str("UTF8 USER"),
            Capability::Lang => f.write_str("LANG"),
            Capability::Other(line) => f.write_str(line),
        }
    }
}

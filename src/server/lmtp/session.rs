//! One LMTP session without a socket: a command line comes in, what is to be done comes out
//! (RFC 2033; RFC 1870 for SIZE, RFC 6152 for 8BITMIME, RFC 2920 for PIPELINING, RFC 2034 for the codes
//! in the answers, RFC 6531 for SMTPUTF8). The grammar is `smtp-proto`'s.

use std::fmt;

use smtp_proto::Request;

/// Recipients of one mail. A mail server has no more accounts here than people.
pub const MOST_RECIPIENTS: usize = 100;

/// A command line with its CRLF. RFC 5321 §4.5.3.1.4 has 512, and more for the parameters of extensions.
pub const LONGEST_COMMAND: usize = 2048;

/// After so many errors in a row the session ends: whatever speaks there, it is not LMTP.
pub const MOST_ERRORS: u32 = 20;

/// One session.
#[derive(Debug)]
pub struct Session {
    largest: u64,
    is_greeted: bool,
    sender: Option<String>,
    /// As MAIL announced it.
    octets: u64,
    recipients: Vec<String>,
    errors: u32,
}

/// What is to be done.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Step {
    /// Say this.
    Say(Reply),
    /// Look whether there is this account; then [`Session::found`].
    Find {
        /// Its name.
        account: String,
        /// The size of the mail, as it was announced.
        octets: u64,
    },
    /// Say this, and take the mail; then deliver it by [`Session::take_mail`].
    Gather(Reply),
    /// Say this, and close the connection.
    Close(Reply),
}

/// A mail's envelope.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    /// The sender; empty for a bounce.
    pub sender: String,
    /// The accounts, in the order in which they were named. Each has its own answer (RFC 2033 §4.2).
    pub accounts: Vec<String>,
}

/// An answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    code: u16,
    /// The code of RFC 3463; the greeting, LHLO and DATA have none.
    enhanced: Option<&'static str>,
    lines: Vec<String>,
}

/// What there is of an account that a mail is to go to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Found {
    /// It is there, and takes mail of this size.
    Yes,
    /// There is none of this name.
    Nobody,
    /// It does not take a mail of this size.
    TooLarge,
    /// It cannot be told now.
    Unknown,
}

/// How a mail was delivered to an account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It is in the mailbox.
    Delivered,
    /// It was there already, and is not delivered again.
    Known,
    /// It is larger than the server or the account takes.
    TooLarge,
    /// The mailbox is full.
    Full,
    /// The account takes no mail of this sender.
    Refused,
    /// Others hold the mailbox.
    Busy,
    /// Other mails hold the memory that there is for mail.
    Crowded,
    /// It may work later.
    Failed,
    /// It needs a person.
    Broken,
}

impl Session {
    /// A session of a server that takes mails of so many octets.
    pub fn new(largest: u64) -> Session {
        Session {
            largest,
            is_greeted: false,
            sender: None,
            octets: 0,
            recipients: Vec::new(),
            errors: 0,
        }
    }

    /// What the server says first.
    pub fn greeting(&self) -> Reply {
        Reply::plain(220, "tidings LMTP ready")
    }

    /// What it says when it ends.
    pub fn farewell() -> Reply {
        Reply::new(421, "4.3.2", "the server ends: try again soon")
    }

    /// Takes a command line, with its CRLF.
    pub fn receive(&mut self, line: &[u8]) -> Step {
        if line.len() > LONGEST_COMMAND {
            return self.wrong(Reply::new(500, "5.5.2", "line too long"));
        }
        let Ok(text) = std::str::from_utf8(line) else {
            return self.wrong(Reply::new(500, "5.5.2", "not text"));
        };
        // A line may end in LF alone; the grammar wants it whole.
        let whole = format!("{}\r\n", text.trim_end_matches(['\r', '\n']));
        let request = match Request::parse(&mut whole.as_bytes().iter()) {
            Ok(request) => request,
            Err(error) => return self.misunderstood(&error),
        };
        let step = self.answer(request);
        let is_error = |reply: &Reply| reply.code >= 500;
        match step {
            Step::Say(reply) if is_error(&reply) => self.wrong(reply),
            step => {
                self.errors = 0;
                step
            }
        }
    }

    fn answer<T: AsRef<str>>(&mut self, request: Request<T>) -> Step {
        match request {
            Request::Lhlo { .. } => {
                self.is_greeted = true;
                self.forget();
                Step::Say(Reply {
                    code: 250,
                    enhanced: None,
                    lines: vec![
                        "tidings".to_owned(),
                        "PIPELINING".to_owned(),
                        "ENHANCEDSTATUSCODES".to_owned(),
                        "8BITMIME".to_owned(),
                        "SMTPUTF8".to_owned(),
                        format!("SIZE {}", self.largest),
                    ],
                })
            }
            // RFC 2033 §4.1: these must not be taken, so that nobody takes this for SMTP.
            Request::Ehlo { .. } | Request::Helo { .. } => {
                say(500, "5.5.1", "this is LMTP: say LHLO")
            }
            Request::Mail { .. } | Request::Rcpt { .. } | Request::Data if !self.is_greeted => {
                say(503, "5.5.1", "say LHLO first")
            }
            Request::Mail { .. } if self.sender.is_some() => {
                say(503, "5.5.1", "there is a sender already")
            }
            Request::Mail { from } if from.size as u64 > self.largest => {
                say(552, "5.3.4", "the mail is too large")
            }
            Request::Mail { from } => {
                self.sender = Some(from.address.as_ref().to_owned());
                self.octets = from.size as u64;
                say(250, "2.1.0", "sender noted")
            }
            Request::Rcpt { .. } if self.sender.is_none() => say(503, "5.5.1", "MAIL comes first"),
            Request::Rcpt { .. } if self.recipients.len() >= MOST_RECIPIENTS => say(
                452,
                "4.5.3",
                "too many recipients: send the mail once more for the others",
            ),
            Request::Rcpt { to } => Step::Find {
                account: account_of(to.address.as_ref()),
                octets: self.octets,
            },
            Request::Data if self.recipients.is_empty() => {
                // RFC 2033 §4.2: there is nobody to answer for.
                say(503, "5.5.1", "no valid recipients")
            }
            Request::Data => Step::Gather(Reply::plain(354, "the mail, then a line of one dot")),
            Request::Rset => {
                self.forget();
                say(250, "2.0.0", "forgotten")
            }
            Request::Noop { .. } => say(250, "2.0.0", "here"),
            Request::Vrfy { .. } => say(252, "2.1.5", "try it by RCPT"),
            Request::Help { .. } => say(214, "2.0.0", "LHLO MAIL RCPT DATA RSET NOOP QUIT"),
            Request::Quit => Step::Close(Reply::new(221, "2.0.0", "goodbye")),
            Request::Expn { .. }
            | Request::Bdat { .. }
            | Request::Auth { .. }
            | Request::Etrn { .. }
            | Request::Atrn { .. }
            | Request::Burl { .. }
            | Request::StartTls => say(502, "5.5.1", "not spoken here"),
        }
    }

    /// This is what there is of the account of the last RCPT.
    pub fn found(&mut self, account: String, found: Found) -> Step {
        match found {
            Found::Yes => {
                self.recipients.push(account);
                say(250, "2.1.5", "recipient noted")
            }
            Found::Nobody => say(550, "5.1.1", "there is no such account"),
            Found::TooLarge => say(552, "5.3.4", "the mail is too large for this account"),
            Found::Unknown => say(451, "4.3.0", "the accounts cannot be read now"),
        }
    }

    /// The mail has come: this is where it goes. The session is ready for the next one.
    pub fn take_mail(&mut self) -> Envelope {
        let envelope = Envelope {
            sender: self.sender.take().unwrap_or_default(),
            accounts: std::mem::take(&mut self.recipients),
        };
        self.forget();
        envelope
    }

    fn forget(&mut self) {
        self.sender = None;
        self.recipients.clear();
    }

    fn misunderstood(&mut self, error: &smtp_proto::Error) -> Step {
        use smtp_proto::Error;

        self.wrong(match error {
            Error::InvalidSenderAddress => Reply::new(501, "5.1.7", "no address of a sender"),
            Error::InvalidRecipientAddress => Reply::new(501, "5.1.3", "no address of a recipient"),
            Error::SyntaxError { syntax } => Reply::new(501, "5.5.2", &format!("say {syntax}")),
            Error::InvalidParameter { param } => {
                Reply::new(501, "5.5.4", &format!("{param} has no such value"))
            }
            Error::UnsupportedParameter { .. } => Reply::new(555, "5.5.4", "unknown parameter"),
            Error::UnknownCommand
            | Error::NeedsMoreData { .. }
            | Error::ResponseTooLong
            | Error::InvalidResponse { .. } => Reply::new(500, "5.5.2", "unknown command"),
        })
    }

    fn wrong(&mut self, reply: Reply) -> Step {
        self.errors += 1;
        if self.errors >= MOST_ERRORS {
            Step::Close(Reply::new(421, "4.7.0", "too many errors"))
        } else {
            Step::Say(reply)
        }
    }
}

impl Outcome {
    /// The answer for one recipient, behind the mail's last line.
    pub fn reply(self, account: &str) -> Reply {
        let (code, enhanced, words) = match self {
            Outcome::Delivered => (250, "2.0.0", "delivered"),
            Outcome::Known => (250, "2.0.0", "delivered before, and not again"),
            Outcome::TooLarge => (552, "5.3.4", "the mail is too large"),
            Outcome::Full => (452, "4.2.2", "the mailbox is full"),
            Outcome::Refused => (550, "5.7.1", "mail of this sender is not taken here"),
            Outcome::Busy => (450, "4.2.1", "the mailbox is in use: try again soon"),
            Outcome::Crowded => (452, "4.3.1", "too much mail at once: try again soon"),
            Outcome::Failed => (451, "4.3.0", "it cannot be written now"),
            Outcome::Broken => (451, "4.3.5", "tell whoever runs this server"),
        };
        Reply::new(code, enhanced, &format!("<{account}> {words}"))
    }
}

impl Reply {
    fn new(code: u16, enhanced: &'static str, words: &str) -> Reply {
        Reply {
            code,
            enhanced: Some(enhanced),
            lines: vec![words.to_owned()],
        }
    }

    fn plain(code: u16, words: &str) -> Reply {
        Reply {
            code,
            enhanced: None,
            lines: vec![words.to_owned()],
        }
    }
}

/// As it goes over the wire, with its CRLFs.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let last = self.lines.len().saturating_sub(1);
        for (place, line) in self.lines.iter().enumerate() {
            let mark = if place == last { ' ' } else { '-' };
            write!(f, "{}{mark}", self.code)?;
            if let Some(enhanced) = self.enhanced {
                write!(f, "{enhanced} ")?;
            }
            write!(f, "{line}\r\n")?;
        }
        Ok(())
    }
}

fn say(code: u16, enhanced: &'static str, words: &str) -> Step {
    Step::Say(Reply::new(code, enhanced, words))
}

/// The account that an address is of: what stands before the `@` and before a `+`. Which domains come
/// here is the mail server's to decide.
fn account_of(address: &str) -> String {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let plain = local.split('+').next().unwrap_or(local);
    plain.to_ascii_lowercase()
}

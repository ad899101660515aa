//! What STAT, LIST and UIDL answer: the drop listing, the scan listing, the unique-id listing.
//!
//! RFC 1939 §5 and §7 give the lines. Real servers add spaces, fields and words: what can be meant
//! is taken, and every listing carries its own message-numbers, so that nobody counts along.

use std::{fmt, num::NonZeroU32};

/// A message's place in one session, from 1; worth nothing after QUIT (RFC 1939 §5).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MessageNumber(NonZeroU32);

impl MessageNumber {
    /// The message-number of this value, unless it is 0.
    pub fn new(number: u32) -> Option<MessageNumber> {
        NonZeroU32::new(number).map(MessageNumber)
    }

    /// The message-number of the message at this place, counted from 0.
    pub fn at(index: usize) -> Option<MessageNumber> {
        u32::try_from(index)
            .ok()
            .and_then(|index| index.checked_add(1))
            .and_then(MessageNumber::new)
    }

    /// Reads decimal digits and nothing else.
    pub fn parse(digits: &[u8]) -> Option<MessageNumber> {
        decimal(digits)
            .and_then(|number| u32::try_from(number).ok())
            .and_then(MessageNumber::new)
    }

    /// The number itself.
    pub fn value(self) -> u32 {
        self.0.get()
    }

    /// The place counted from 0.
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A size in octets, as RETR yields them: line ends count as CRLF (RFC 1939 §11).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Octets(pub u64);

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A message's lasting name in its maildrop (RFC 1939 §7).
///
/// The standard has 1 to 70 octets of 0x21 to 0x7E. Servers send others; they are kept as they are.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UniqueId(Box<[u8]>);

impl UniqueId {
    /// The longest unique-id of the standard, in octets.
    pub const LONGEST: usize = 70;
    /// The longest that is taken all the same, in octets.
    pub const LONGEST_TAKEN: usize = 4096;

    /// The unique-id of these octets, unless there are none.
    pub fn new(octets: impl Into<Box<[u8]>>) -> Option<UniqueId> {
        let octets = octets.into();
        (!octets.is_empty()).then_some(UniqueId(octets))
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// True if it is as RFC 1939 §7 wants it.
    pub fn is_standard(&self) -> bool {
        self.0.len() <= UniqueId::LONGEST && self.0.iter().all(|b| (0x21..=0x7E).contains(b))
    }
}

/// What is not printable ASCII is shown as `\xNN`.
impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.escape_ascii().fmt(f)
    }
}

impl fmt::Debug for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What STAT answers: how many messages, and how many octets in all (RFC 1939 §5).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DropListing {
    /// Messages not marked as deleted.
    pub messages: u32,
    /// Their octets.
    pub octets: Octets,
}

impl DropListing {
    /// Reads the text after `+OK`; what stands behind the two numbers is not ours (§5).
    pub fn parse(text: &str) -> Option<DropListing> {
        let mut fields = text.split_ascii_whitespace();
        Some(DropListing {
            messages: decimal(fields.next()?.as_bytes())?.try_into().ok()?,
            octets: Octets(decimal(fields.next()?.as_bytes())?),
        })
    }
}

impl fmt::Display for DropListing {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {}", self.messages, self.octets)
    }
}

/// A line of what LIST answers: a message and its size (RFC 1939 §5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ScanListing {
    /// Which message.
    pub message: MessageNumber,
    /// How large it is.
    pub octets: Octets,
}

impl ScanListing {
    /// Reads a line without its line end. A size that is no number is taken as 0.
    pub fn parse(line: &[u8]) -> Option<ScanListing> {
        let mut fields = fields(line);
        Some(ScanListing {
            message: MessageNumber::parse(fields.next()?)?,
            octets: Octets(fields.next().and_then(decimal).unwrap_or(0)),
        })
    }
}

impl fmt::Display for ScanListing {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {}", self.message, self.octets)
    }
}

/// A line of what UIDL answers: a message and its unique-id (RFC 1939 §7).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UniqueIdListing {
    /// Which message.
    pub message: MessageNumber,
    /// Its lasting name.
    pub unique_id: UniqueId,
}

impl UniqueIdListing {
    /// Reads a line without its line end.
    pub fn parse(line: &[u8]) -> Option<UniqueIdListing> {
        let mut fields = fields(line);
        Some(UniqueIdListing {
            message: MessageNumber::parse(fields.next()?)?,
            unique_id: fields
                .next()
                .filter(|octets| octets.len() <= UniqueId::LONGEST_TAKEN)
                .and_then(UniqueId::new)?,
        })
    }

    /// Appends the line as it goes over the wire, with its CRLF.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.message.to_string().as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.unique_id.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

impl fmt::Display for UniqueIdListing {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {}", self.message, self.unique_id)
    }
}

/// The lines of a listing, without their line ends and without empty ones.
pub fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|&b| b == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
}

fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|b| matches!(b, b' ' | b'\t'))
        .filter(|field| !field.is_empty())
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u64::from(digit - b'0'))
    })
}

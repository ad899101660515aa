//! What a mail must be to be taken (pure): not too large, and from somebody whose mail the account
//! takes. And the mail as it is stored.

use std::borrow::Cow;

use mail_parser::MessageParser;

use super::{accounts::account::Account, mbox};

/// A mail on its way into a mailbox.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    mail: &'a [u8],
    /// The envelope's sender, empty for a bounce; none if it is not known.
    envelope: Option<&'a str>,
    /// Whom the From_ line names that some programs leave before a mail.
    from_line: Option<&'a str>,
}

/// Why a mail is not taken.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It is larger than the account takes.
    #[error("the mail has {octets} octets, and the most is {largest}")]
    TooLarge {
        /// Its size.
        octets: u64,
        /// The most.
        largest: u64,
    },
    /// The account does not take mail of this sender.
    #[error("mail of this sender is not taken here")]
    Sender,
}

impl<'a> Letter<'a> {
    /// A mail with its envelope's sender, which may stand in angle brackets.
    pub fn new(mail: &'a [u8], envelope: Option<&'a str>) -> Letter<'a> {
        Letter {
            mail: mbox::without_from_line(mail),
            envelope: envelope.map(|sender| sender.trim_matches(['<', '>'])),
            from_line: mbox::sender_of(mail),
        }
    }

    /// Looks whether the account takes it.
    ///
    /// # Errors
    ///
    /// It does not.
    pub fn admit(&self, account: &Account) -> Result<(), Refusal> {
        let octets = self.mail.len() as u64;
        if let Some(largest) = account.largest_message
            && octets > largest
        {
            return Err(Refusal::TooLarge { octets, largest });
        }
        if account.senders.is_empty() {
            return Ok(());
        }
        let authors = self.authors();
        let sender = self.envelope.or(self.from_line);
        let is_taken = sender.is_none_or(|sender| account.takes_from(sender))
            && !authors.is_empty()
            && authors.iter().all(|author| account.takes_from(author));
        is_taken.then_some(()).ok_or(Refusal::Sender)
    }

    /// The addresses of its From fields.
    fn authors(&self) -> Vec<String> {
        let parsed = MessageParser::new()
            .with_address_headers()
            .parse_headers(self.mail);
        let Some(parsed) = parsed else {
            return Vec::new();
        };
        parsed
            .headers()
            .iter()
            .filter(|header| header.name == mail_parser::HeaderName::From)
            .filter_map(|header| header.value.as_address())
            .flat_map(|addresses| addresses.iter())
            // One without an address is nobody whose mail is taken.
            .map(|address| address.address().unwrap_or_default().to_owned())
            .collect()
    }

    /// Its Message-ID, if it has one.
    pub fn message_id(&self) -> Option<String> {
        message_id(self.mail)
    }

    /// The sender for its From_ line; empty if none is known.
    pub fn sender(&self) -> &str {
        self.envelope.or(self.from_line).unwrap_or_default()
    }

    /// The mail with its Return-Path, if the sender is known (RFC 5321 §4.4).
    pub fn traced(&self) -> Cow<'a, [u8]> {
        let Some(sender) = self.envelope else {
            return Cow::Borrowed(self.mail);
        };
        let sender: String = sender.chars().filter(|c| !c.is_control()).collect();
        let mut traced = format!("Return-Path: <{sender}>\n").into_bytes();
        traced.extend_from_slice(self.mail);
        Cow::Owned(traced)
    }
}

/// The Message-ID of a mail, of which the header is enough.
pub fn message_id(mail: &[u8]) -> Option<String> {
    let parsed = MessageParser::new()
        .with_message_ids()
        .parse_headers(mail)?;
    parsed.message_id().map(str::to_owned)
}

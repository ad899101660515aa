//! What a reader sees of one mail. Parsing never fails: what cannot be read is shown harmlessly.
//!
//! [`Notice::parse`] turns the bytes of a mail into headers, blocks of text, links and files;
//! [`Notice::lines`] lays the text out for a width. [`Headline`] is the one line in the list. All
//! text in here is [`Shown`]: no mail may steer the terminal.

use std::sync::Arc;

use compact_str::CompactString;
use jiff::Timestamp;

use shown::Shown;

mod armor;
pub mod body;
pub mod calendar;
pub mod charset;
mod date;
mod difference;
mod encoded;
pub mod facts;
pub mod fate;
pub mod files;
pub mod fingerprint;
pub mod guard;
pub mod headers;
pub mod headline;
pub mod html;
pub mod inside;
pub mod letter;
pub mod limits;
pub mod links;
mod lookalike;
mod mailboxes;
mod packed;
pub mod parse;
pub mod parts;
mod repair;
pub mod report;
pub mod search_text;
pub mod sharing;
pub mod shown;
mod subject;
pub mod succession;
pub mod text;
pub mod thread;
mod transfer;
pub mod when;

/// The local name of a kept notice: its row in the cache. Worth nothing outside that cache.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NoticeId(pub i64);

/// A mailbox's place in the settings, from 0.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MailboxIndex(pub usize);

/// A notice's one line in the list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Headline {
    /// Its row in the cache; 0 before it is kept.
    pub id: NoticeId,
    /// Its name on the command line: stable, of which any unambiguous prefix will do (`k3f…`).
    pub handle: CompactString,
    /// Who sent it: few people send most notices, which have one copy.
    pub from: Arc<Address>,
    /// Its subject, `(no subject)` if there is none.
    pub subject: Shown,
    /// When it was sent, or when it arrived here if it does not say or says the future.
    pub date: Timestamp,
    /// True if `date` is the time of arrival.
    pub date_guessed: bool,
    /// The first line of its own text, which a reply shows instead of its subject.
    pub preview: Shown,
    /// Its size at the server, in octets.
    pub size: u64,
    /// True if its sender calls it important.
    pub important: bool,
    /// How many files are attached.
    pub files: u16,
    /// True if there is a link in it.
    pub has_link: bool,
    /// A digest of its Message-ID, for threads; of its fingerprint if it has none.
    pub key: u64,
    /// Digests of the Message-IDs it answers, the nearest last.
    pub parents: Box<[u64]>,
    /// What this person has marked it with.
    pub marks: Marks,
    /// The list that it came through.
    pub list: Option<Arc<MailingList>>,
    /// What has become, or will become, of it.
    pub fate: fate::Fated,
}

impl Headline {
    /// True if it is still to be read: what has expired, or has a correction, need not be.
    pub fn is_unread(&self, now: Timestamp) -> bool {
        !self.marks.read && self.fate.replaced_by.is_none() && !self.is_expired(now)
    }

    /// True if it does not hold any more.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.fate.expires.is_some_and(|until| until <= now)
    }

    /// The name and the identifier of the list that it came through; empty if it came through none.
    pub fn list_names(&self) -> (&str, &str) {
        let list = self.list.as_deref();
        list.map_or(("", ""), |list| (&list.name, &list.id))
    }
}

/// What a person has marked a notice with.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Marks {
    /// This person has opened it.
    pub read: bool,
    /// This person has starred it.
    pub starred: bool,
    /// This person has muted its thread: what follows arrives as read.
    pub muted: bool,
}

/// A list that notices come through.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct MailingList {
    /// What it is called.
    pub name: Shown,
    /// Its identifier, whatever it is called (RFC 2919 §2); empty if the notice does not say.
    pub id: Shown,
}

/// A name and an address, each as it may be drawn.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Address {
    /// The display name; empty if there is none.
    pub name: Shown,
    /// The address; empty if there is none.
    pub address: Shown,
}

impl Address {
    /// Returns the name, or the address if there is none.
    pub fn short(&self) -> Shown {
        if self.name.is_empty() {
            self.address.clone()
        } else {
            self.name.clone()
        }
    }

    /// Returns the address as the reader has it: `Priya Natarajan <priya@team.example>`.
    pub fn full(&self) -> Shown {
        match (self.name.is_empty(), self.address.is_empty()) {
            // A name that holds a foreign address has the true one beside it already.
            (false, _) if self.name.contains(&format!("<{}>", self.address)) => self.name.clone(),
            (false, false) => Shown::line(&format!("{} <{}>", self.name, self.address)),
            (false, true) => self.name.clone(),
            (true, _) => self.address.clone(),
        }
    }
}

/// A mail as a reader sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notice {
    /// Its subject, `(no subject)` if there is none.
    pub subject: Shown,
    /// Who sent it.
    pub from: Vec<Address>,
    /// Whom it is to.
    pub to: Vec<Address>,
    /// Who has a copy.
    pub cc: Vec<Address>,
    /// When it was sent, if it says so.
    pub date: Option<Timestamp>,
    /// The sender's offset from UTC, in seconds, if it says so.
    pub offset: Option<i32>,
    /// Its Message-ID without angle brackets; empty if there is none.
    pub message_id: Shown,
    /// True if its sender calls it important.
    pub important: bool,
    /// What else its headers say.
    pub facts: Vec<facts::Fact>,
    /// True if it has its text in another form too: HTML where this is plain, or plain where this is HTML.
    pub has_other_form: bool,
    /// The appointment that it is about, if it is a single one.
    pub appointment: Option<calendar::Appointment>,
    /// Its text.
    pub blocks: Vec<body::Block>,
    /// The links in its text, in order, each target once. `[n]` in the text is the n-th, from 1.
    pub links: Vec<links::Link>,
    /// Its attachments.
    pub files: Vec<files::File>,
    /// What was left out and why, in words, one line each.
    pub cuts: Vec<Shown>,
}

/// Which of a mail's alternatives is shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TextForm {
    /// The one that reads best in a terminal.
    #[default]
    Best,
    /// The other one, of HTML and plain text.
    Other,
}

impl TextForm {
    /// The one that is not this one.
    pub fn turned(self) -> TextForm {
        match self {
            TextForm::Best => TextForm::Other,
            TextForm::Other => TextForm::Best,
        }
    }
}

/// One line of laid-out text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// The runs from left to right.
    pub runs: Vec<Run>,
}

/// A run of text in one style.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The text.
    pub text: Shown,
    /// How it is drawn.
    pub style: Style,
    /// The link it belongs to, as an index into [`Notice::links`].
    pub link: Option<usize>,
}

/// How a run of text is drawn, by its meaning; the theme gives the colours.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Style {
    /// Ordinary text.
    #[default]
    Text,
    /// Emphasis of the sender's, and headings.
    Strong,
    /// Weaker emphasis.
    Emphasis,
    /// Text of an earlier mail.
    Quote,
    /// What is not the message: signatures, rules, remarks of ours.
    Muted,
    /// A link, or its number.
    Link,
    /// Code and other text whose columns matter.
    Code,
    /// A name before a value.
    Key,
    /// What was added, or is in order.
    Good,
    /// What is not quite in order.
    Warn,
    /// What was taken away, or is wrong.
    Bad,
}

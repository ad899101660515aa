//! What makes a mail a notice: what its headers say beyond who sent what when, and what in them is not as it
//! seems.

use jiff::{Timestamp, tz::TimeZone};
use mail_parser::{HeaderName, HeaderValue, Message, MessageParser, parsers::MessageStream};
use unicode_normalization::UnicodeNormalization;

use super::{Address, MailingList, guard, headers, limits, links, lookalike, shown::Shown, when};

/// Something that the headers say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fact {
    /// The name of the sender holds another address than the sender's: that one.
    NameSays(Shown),
    /// A word of the sender's name, or the host of the sender's address, looks like another: letters of several
    /// alphabets stand in it, or of one that look like those of another.
    LooksLike {
        /// How it is written.
        said: Shown,
        /// What it looks like, in Latin letters.
        like: Shown,
        /// True of the name, false of the address.
        is_name: bool,
    },
    /// Answers go to somebody at another place than the sender's.
    AnswersGoTo {
        /// Whom they go to.
        to: Address,
        /// True if it says that it came through a list: lists want answers for themselves.
        is_list: bool,
    },
    /// It holds until then (RFC 2156 §2.3.1.2 `Expires`, `Expiry-Date`).
    Expires(Timestamp),
    /// An answer is due then (RFC 2156 §2.3.1.2 `Reply-By`).
    AnswerBy(Timestamp),
    /// It is meant for few: `personal`, `private`, `company-confidential` (RFC 2156 §2.3.1.2).
    Sensitive(Shown),
    /// It takes the place of an earlier one (RFC 2156 §2.3.1.2 `Supersedes`, `Replaces`).
    Supersedes,
    /// Somebody passed it on as it was (RFC 5322 §3.6.6).
    Resent(Address),
    /// It came through this list (RFC 2919).
    List(Shown),
    /// A program sent it (RFC 3834 §5).
    Automatic,
    /// The sender would like to be told that it was read (RFC 8098 §2.1). Nobody is told by this program.
    AsksAcknowledgement(Address),
}

/// Returns what the headers of a mail say, what is not as it seems first.
pub(super) fn of(mail: &Message) -> Vec<Fact> {
    let mut facts = Vec::new();
    let from = headers::from(mail);
    let addresses = |name: &str| {
        let name = HeaderName::parse(name).unwrap_or(HeaderName::Other(name.to_owned().into()));
        let found = headers::addresses(mail, &name);
        match field(mail, name.as_str()) {
            Some(text) if found.is_empty() => headers::addresses_in(&text),
            _ => found,
        }
    };
    let list_id = field(mail, "List-Id");
    if let Some(sender) = from.first() {
        facts.extend(said_by_name(sender).map(Fact::NameSays));
        facts.extend(looks_alike(sender));
        let is_list = list_id.is_some();
        let mut answers = addresses("Reply-To").into_iter();
        let elsewhere = answers.find(|other| is_elsewhere(other, &from));
        facts.extend(elsewhere.map(|to| Fact::AnswersGoTo { to, is_list }));
    }
    let first_of = |names: &[&str]| first_of(mail, names);
    facts.extend(expires(mail).map(Fact::Expires));
    facts.extend(answer_by(mail).map(Fact::AnswerBy));
    let sensitive = first_of(&["Sensitivity"])
        .filter(|said| !said.eq_ignore_ascii_case("normal") && !said.eq_ignore_ascii_case("none"));
    facts.extend(sensitive.map(|said| Fact::Sensitive(Shown::line(&said).cut_to(WORD_COLUMNS))));
    facts.extend(superseded(mail).map(|_| Fact::Supersedes));
    facts.extend(
        addresses("Resent-From")
            .into_iter()
            .take(1)
            .map(Fact::Resent),
    );
    facts.extend(list_id.map(|said| Fact::List(list(&said))));
    let automatic = first_of(&["Auto-Submitted"]);
    if automatic.is_some_and(|said| !said.to_ascii_lowercase().starts_with("no")) {
        facts.push(Fact::Automatic);
    }
    let asking = addresses("Disposition-Notification-To").into_iter().take(1);
    facts.extend(asking.map(Fact::AsksAcknowledgement));
    facts
}

impl Fact {
    /// True if something is not as it seems.
    pub fn is_warning(&self) -> bool {
        // Anybody can say that it came through a list: it is said then too, if not as loud.
        matches!(
            self,
            Fact::NameSays(_) | Fact::LooksLike { .. } | Fact::AnswersGoTo { is_list: false, .. }
        )
    }

    /// The fact in words.
    pub fn words(&self, now: Timestamp, zone: &TimeZone) -> Shown {
        let at = |at| when::long(at, None, now, zone);
        Shown::line(&match self {
            Fact::NameSays(said) => {
                format!("! The sender's name says {said}: that is not the address it is from.")
            }
            Fact::LooksLike {
                said,
                like,
                is_name,
            } => {
                let what = if *is_name { "name" } else { "address" };
                format!("! The sender's {what} only looks like {like}: it is {said}.")
            }
            Fact::AnswersGoTo { to, is_list } => {
                let mark = if *is_list { "" } else { "! " };
                format!("{mark}Answers go elsewhere: to {}", to.full())
            }
            Fact::Expires(until) if *until <= now => format!("Expired {}", at(*until)),
            Fact::Expires(until) => format!("Expires {}", at(*until)),
            Fact::AnswerBy(until) if *until <= now => {
                format!("An answer was wanted by {}", at(*until))
            }
            Fact::AnswerBy(until) => format!("Please answer by {}", at(*until)),
            Fact::Sensitive(said) => format!("Sensitivity: {}", said.to_lowercase()),
            Fact::Supersedes => "Says that it takes the place of an earlier notice.".to_owned(),
            Fact::Resent(by) => format!("Passed on by {}", by.full()),
            Fact::List(list) => format!("List: {list}"),
            Fact::Automatic => "Sent by a program.".to_owned(),
            Fact::AsksAcknowledgement(by) => {
                format!("{} asks for an acknowledgement; none is sent.", by.full())
            }
        })
    }
}

/// Until when a mail holds.
pub(super) fn expires(mail: &Message) -> Option<Timestamp> {
    headers::moment(&first_of(mail, &["Expires", "Expiry-Date"])?)
}

/// By when an answer is wanted.
pub(super) fn answer_by(mail: &Message) -> Option<Timestamp> {
    headers::moment(&first_of(mail, &["Reply-By"])?)
}

/// The list that a mail came through.
pub(super) fn mailing_list(mail: &Message) -> Option<MailingList> {
    let said = field(mail, "List-Id")?;
    let list = MailingList {
        name: list(&said),
        id: list_id(&said),
    };
    (list != MailingList::default()).then_some(list)
}

/// The identifier of a list, in small letters (RFC 2919 §2).
fn list_id(said: &str) -> Shown {
    let id = split_list(said).1;
    Shown::line(&id[..id.floor_char_boundary(LIST_ID_OCTETS)].to_ascii_lowercase())
}

/// The identifier of the list that a mail came through which was not read yet; empty if it came through none.
pub fn list_id_of(raw: &[u8]) -> Shown {
    let read = guard::without_panic(|| {
        let bounded = limits::bounded(raw);
        let mail = MessageParser::new().parse_headers(&*bounded.raw)?;
        Some(list_id(&field(&mail, "List-Id")?))
    });
    read.flatten().unwrap_or_default()
}

/// The Message-ID of the mail that this one takes the place of.
pub(super) fn superseded(mail: &Message) -> Option<String> {
    let said = first_of(mail, &["Supersedes", "Replaces"])?;
    let id = said.split(['<', '>']).find(|id| id.contains('@'))?;
    Some(id.trim().to_owned())
}

/// The value of the first of these fields that is there.
fn first_of(mail: &Message, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| field(mail, name))
}

/// The value of a field that mail-parser does not know, or knows as text.
fn field(mail: &Message, wanted: &str) -> Option<String> {
    let header = mail
        .headers()
        .iter()
        .find(|header| header.name.as_str().eq_ignore_ascii_case(wanted))?;
    let text = match &header.value {
        HeaderValue::Text(text) if !text.contains("=?") => text.to_string(),
        _ => {
            // With words in other charsets decoded, whatever kind of field it is.
            let range = header.offset_start as usize..header.offset_end as usize;
            let raw = mail.raw_message.get(range)?;
            let value = MessageStream::new(raw).parse_unstructured();
            value.as_text()?.to_owned()
        }
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

/// The phrase and the identifier of a list.
fn split_list(said: &str) -> (&str, &str) {
    let (phrase, rest) = said.split_once('<').unwrap_or(("", said));
    let phrase = phrase.trim().trim_matches('"');
    (phrase, rest.trim_end_matches('>').trim())
}

/// What a list is called: its phrase, else its identifier.
fn list(said: &str) -> Shown {
    let (phrase, id) = split_list(said);
    let words = match phrase.is_empty() {
        true => id,
        false => phrase,
    };
    Shown::line(words).cut_to(LIST_COLUMNS)
}

/// Returns an address that a sender's name holds and that is not the sender's.
fn said_by_name(sender: &Address) -> Option<Shown> {
    let own = &sender.address;
    // `＠` and the like are meant to be taken for what they look like.
    let name: String = sender.name.nfkc().collect();
    let words = name.split(|c: char| c.is_whitespace() || "<>\"'()[],;".contains(c));
    let mut others = words.filter(|word| {
        let (local, host) = word.split_once('@').unwrap_or_default();
        !local.is_empty() && host.contains('.') && !word.eq_ignore_ascii_case(own)
    });
    others.next().map(Shown::line)
}

/// What of a sender only looks like something else.
fn looks_alike(sender: &Address) -> Option<Fact> {
    let fact = |said: &str, like: String, is_name| Fact::LooksLike {
        said: Shown::line(said),
        like: Shown::line(&like),
        is_name,
    };
    if let Some((word, like)) = lookalike::of_words(&sender.name) {
        return Some(fact(word, like, true));
    }
    let (_, host) = sender.address.rsplit_once('@')?;
    let like = lookalike::of_host(host)?;
    let own = idna::domain_to_ascii(host).unwrap_or_else(|_| host.to_owned());
    Some(fact(&own, like, false))
}

/// True if an address is at another place than all who wrote it.
fn is_elsewhere(address: &Address, from: &[Address]) -> bool {
    let host = |address: &Address| {
        let host = address
            .address
            .rsplit_once('@')
            .map(|(_, host)| host.to_lowercase());
        host.unwrap_or_default()
    };
    let other = host(address);
    !other.is_empty() && from.iter().all(|own| !links::is_kin(&host(own), &other))
}

/// Longer words say no more.
const WORD_COLUMNS: usize = 40;

/// A line of the reader's head.
const LIST_COLUMNS: usize = 100;

/// And its identifier, in octets (RFC 2919 §2).
const LIST_ID_OCTETS: usize = 255;

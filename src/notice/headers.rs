//! A mail's headers, as the list and the reader need them (RFC 5322, section 3.6).

use std::borrow::Cow;

use jiff::{Timestamp, civil, tz::Offset};
use mail_parser::{
    Addr, Address as Addresses, DateTime, Header, HeaderName, HeaderValue, Message,
    parsers::MessageStream,
};
use sha2::{Digest, Sha256};

use super::{Address, date, mailboxes, shown::Shown};

/// Returns the subject, `(no subject)` if there is none.
pub fn subject(mail: &Message) -> Shown {
    let subject = text(mail, &HeaderName::Subject).map(|subject| Shown::line(&subject));
    let subject = subject.filter(|subject| !subject.is_empty());
    subject.map_or(Shown::from_static("(no subject)"), |subject| {
        subject.cut_to(SUBJECT_COLUMNS)
    })
}

/// Returns who wrote it: From, else Sender, else Reply-To.
pub fn from(mail: &Message) -> Vec<Address> {
    let fields = [HeaderName::From, HeaderName::Sender, HeaderName::ReplyTo];
    let mut found = fields.iter().map(|field| addresses(mail, field));
    found.find(|list| !list.is_empty()).unwrap_or_default()
}

/// Returns the addresses of all fields of a name, in order, groups opened.
pub fn addresses(mail: &Message, name: &HeaderName) -> Vec<Address> {
    let fields = mail.headers().iter().filter(|header| header.name == *name);
    let lists = fields.flat_map(|field| {
        let range = field.offset_start as usize..field.offset_end as usize;
        let text = mail.raw_message.get(range).map(String::from_utf8_lossy);
        if let Some(usual) = text.and_then(|text| mailboxes::as_usual(&text)) {
            return addresses_in(&usual);
        }
        let found = field.value.as_address().map(members).unwrap_or_default();
        match found.iter().any(|address| is_several(&address.address)) {
            true => parted(field, &mail.raw_message).unwrap_or(found),
            false => found,
        }
    });
    lists.take(ADDRESSES).collect()
}

/// Returns the addresses in the text of a field.
pub(super) fn addresses_in(text: &str) -> Vec<Address> {
    let text = format!("{text}\n");
    let value = MessageStream::new(text.as_bytes()).parse_address();
    value.as_address().map(members).unwrap_or_default()
}

/// True if an address is more than one.
fn is_several(address: &str) -> bool {
    address.matches('@').count() > 1 && !address.contains('"')
}

/// Returns the addresses of a field between which there are no commas.
fn parted(field: &Header, raw: &[u8]) -> Option<Vec<Address>> {
    let text = raw.get(field.offset_start as usize..field.offset_end as usize)?;
    let text = String::from_utf8_lossy(text);
    let parted = match text.contains('<') {
        true => text.replace('>', ">,"),
        false => text.split_whitespace().collect::<Vec<_>>().join(", "),
    };
    let parted = parted.replace(",,", ",");
    let found = addresses_in(parted.trim().trim_end_matches(','));
    (found.len() > 1).then_some(found)
}

/// Returns the time of sending and the sender's offset from UTC in seconds, if they can be read.
pub fn date(mail: &Message) -> Option<(Timestamp, i32)> {
    let words = mail.header_raw(HeaderName::Date)?;
    date::read(words, civil::Time::midnight()).or_else(|| {
        let date = mail.header(HeaderName::Date)?.as_datetime()?;
        is_said(date, words).then(|| of_parsed(date))?
    })
}

/// True if what the library has made of a date is what it says: it guesses which of two numbers is the month, and where
/// the year is.
fn is_said(date: &DateTime, words: &str) -> bool {
    !words.contains('/') && words.contains(&format!("{:04}", date.year))
}

fn of_parsed(date: &DateTime) -> Option<(Timestamp, i32)> {
    let sign = if date.tz_before_gmt { -1 } else { 1 };
    let seconds = sign * (i32::from(date.tz_hour) * 3600 + i32::from(date.tz_minute) * 60);
    let offset = Offset::from_seconds(seconds).ok()?;
    let at = offset.to_timestamp(civil_time(date)?).ok()?;
    Some((at, seconds))
}

/// Reads a time in a field that mail-parser does not know; a day alone lasts until its end.
pub(super) fn moment(words: &str) -> Option<Timestamp> {
    let read = date::read(words, civil::time(23, 59, 59, 0));
    let read = read.or_else(|| {
        // As with the date.
        let date = DateTime::parse_rfc822(words).filter(|date| is_said(date, words));
        of_parsed(&date?)
    });
    read.map(|(at, _)| at)
}

/// Returns true if the sender calls it important, in any of the dialects.
pub fn is_important(mail: &Message) -> bool {
    mail.headers().iter().any(|header| {
        let name = header.name.as_str();
        let is_priority = ["x-priority", "x-msmail-priority", "priority", "importance"];
        let Some(HeaderValue::Text(value)) = is_priority
            .iter()
            .any(|p| name.eq_ignore_ascii_case(p))
            .then_some(&header.value)
        else {
            return false;
        };
        let word = value
            .trim_start()
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default();
        match name.eq_ignore_ascii_case("x-priority") {
            true => matches!(word, "1" | "2"),
            false => ["high", "highest", "urgent"]
                .iter()
                .any(|high| word.eq_ignore_ascii_case(high)),
        }
    })
}

/// Returns the Message-ID without its angle brackets; empty if there is none.
pub fn message_id<'x>(mail: &'x Message) -> &'x str {
    mail.message_id().map_or("", str::trim)
}

/// Returns the digest by which threads know a Message-ID.
pub fn key_of(message_id: &str) -> u64 {
    let digest = Sha256::digest(message_id.trim().as_bytes());
    u64::from_be_bytes(digest[..8].try_into().expect("a SHA-256 has 32 bytes"))
}

/// Returns the digests of the mails that this one answers, the nearest last: References, then what
/// In-Reply-To adds (RFC 5322, section 3.6.4).
pub fn parents(mail: &Message) -> Box<[u64]> {
    let mut keys: Vec<u64> = Vec::new();
    let own = message_id(mail);
    let all = ids(mail.references());
    let references = all.len().saturating_sub(PARENTS);
    let reply = ids(mail.in_reply_to());
    // In-Reply-To may name several; without References the last of them is as good as any.
    for id in all[references..].iter().chain(reply.last()) {
        let key = key_of(id);
        if *id != own && !id.is_empty() && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys.into()
}

/// Returns an unstructured or unknown field, decoded.
pub fn text<'x>(mail: &'x Message, name: &HeaderName) -> Option<Cow<'x, str>> {
    let value = mail
        .headers()
        .iter()
        .rev()
        .find(|header| header.name == *name)?;
    match &value.value {
        HeaderValue::Text(text) => Some(Cow::Borrowed(text)),
        HeaderValue::TextList(list) => Some(Cow::Owned(list.join(" "))),
        _ => None,
    }
}

fn ids<'x>(value: &'x HeaderValue) -> Vec<&'x str> {
    match value {
        HeaderValue::Text(id) => vec![id.trim()],
        HeaderValue::TextList(list) => list.iter().map(|id| id.trim()).collect(),
        _ => Vec::new(),
    }
}

fn members(list: &Addresses) -> Vec<Address> {
    match list {
        Addresses::List(list) => list.iter().filter_map(address).collect(),
        Addresses::Group(groups) => groups
            .iter()
            .flat_map(|group| {
                let named = group
                    .addresses
                    .is_empty()
                    .then_some(group.name.as_deref())
                    .flatten();
                let empty = named.map(|name| Address {
                    name: Shown::line(name),
                    address: Shown::default(),
                });
                empty
                    .into_iter()
                    .chain(group.addresses.iter().filter_map(address))
                    .collect::<Vec<_>>()
            })
            .collect(),
    }
}

/// Returns one address. A name that holds another address than its own shows the latter too:
/// whoever reads only names shall not take `ceo@team.example` for the sender.
fn address(addr: &Addr) -> Option<Address> {
    let address = addr
        .address
        .as_deref()
        .map(Shown::line)
        .unwrap_or_default()
        .cut_to(ADDRESS_COLUMNS);
    let name = addr
        .name
        .as_deref()
        .map(unquoted)
        .unwrap_or_default()
        .cut_to(NAME_COLUMNS);
    if name.is_empty() && address.is_empty() {
        return None;
    }
    let name = match name.eq_ignore_ascii_case(&address) {
        true => Shown::default(),
        false if name.contains('@') && !address.is_empty() => {
            Shown::line(&format!("\"{name}\" <{address}>"))
        }
        false => name,
    };
    Some(Address { name, address })
}

/// Outlook puts names into one more pair of quotes.
fn unquoted(name: &str) -> Shown {
    let name = name.trim();
    let inner = ['\'', '"']
        .iter()
        .find_map(|&quote| name.strip_prefix(quote)?.strip_suffix(quote));
    Shown::line(inner.unwrap_or(name))
}

fn civil_time(date: &DateTime) -> Option<civil::DateTime> {
    let (hour, minute) = (date.hour.try_into().ok()?, date.minute.try_into().ok()?);
    // Years of two digits (RFC 5322, section 4.3), leap seconds, and 24:00 occur.
    let year = match date.year {
        0..=49 => date.year + 2000,
        50..=999 => date.year + 1900,
        year => year,
    };
    let second = date.second.min(59).try_into().ok()?;
    civil::DateTime::new(
        year.try_into().ok()?,
        date.month.try_into().ok()?,
        date.day.try_into().ok()?,
        hour,
        minute,
        second,
        0,
    )
    .ok()
}

/// SECURITY.md P1.3: longer lines are cut in the list.
const SUBJECT_COLUMNS: usize = 4096;

/// Names are cut earlier: no person's is longer.
const NAME_COLUMNS: usize = 256;

/// RFC 5321 allows 254 octets.
const ADDRESS_COLUMNS: usize = 320;

/// As many recipients as anyone will look at.
const ADDRESSES: usize = 1000;

/// The nearest ones are enough to find a thread.
const PARENTS: usize = 64;

//! Which messages are older than an account keeps them.

use jiff::Timestamp;

use crate::server::{
    intake, maildir,
    maildrop::{Identity, Message, Messages},
    mbox::from_line,
    reader::{self, Reader, WINDOW},
};

/// A message that has been kept for long enough.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expired {
    /// Which.
    pub identity: Identity,
    /// Its Message-ID as it can be shown; `-` if it has none.
    pub message_id: String,
    /// When it was delivered.
    pub delivered: Timestamp,
}

/// Those that were delivered before then. Of what does not say when it was delivered nothing is known,
/// and it stays.
pub(super) fn delivered_before(
    messages: &Messages,
    reader: &Reader,
    limit: Timestamp,
) -> Result<Vec<Expired>, reader::Error> {
    let mut expired = Vec::new();
    for message in messages.iter() {
        let Some(delivered) = delivered_at(message, reader)? else {
            continue;
        };
        if delivered < limit {
            expired.push(Expired {
                identity: message.identity(),
                message_id: message_id(message, reader)?,
                delivered,
            });
        }
    }
    Ok(expired)
}

fn delivered_at(message: &Message, reader: &Reader) -> Result<Option<Timestamp>, reader::Error> {
    if let Some(file) = &message.file {
        return Ok(maildir::delivered_at(&file.base));
    }
    let entry = message.entry;
    if entry.body == entry.start {
        return Ok(None);
    }
    let line = reader.part(message, entry.start, entry.body)?;
    Ok(from_line::delivered_at(&line))
}

fn message_id(message: &Message, reader: &Reader) -> Result<String, reader::Error> {
    /// As long as a line of a mail may be.
    const LONGEST: usize = 998;

    let entry = message.entry;
    let head = reader.part(message, entry.body, entry.end.min(entry.body + WINDOW))?;
    let id = intake::message_id(&head).unwrap_or_else(|| "-".to_owned());
    Ok(id.escape_default().take(LONGEST).collect())
}

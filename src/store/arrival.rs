//! What a check has fetched, and what becomes of it in the cache.

use super::index::Entry;
use crate::{
    notice::{
        Headline, NoticeId, fingerprint::Fingerprint, headline::Digest, succession::Succession,
    },
    pop3::listing::{Octets, UniqueId},
};

/// A message that was fetched, ready to be kept.
#[derive(Debug)]
pub struct Arrival {
    /// Its unique-id.
    pub unique_id: UniqueId,
    /// Its size as LIST said.
    pub octets: Octets,
    /// The mail.
    pub bytes: Vec<u8>,
    /// Its line in the list.
    pub headline: Headline,
    /// What it is known by when its unique-id changed.
    pub fingerprint: Fingerprint,
    /// What it takes the place of.
    pub succession: Succession,
    /// Its words; none if they are put into the index later.
    pub entry: Option<Entry>,
    /// False if the mail holds the headers alone.
    pub is_complete: bool,
    /// True if it starts as read, by its age.
    pub starts_read: bool,
    /// The id that it gets if that is free. Of notices of the same second the higher id is the newer.
    pub wanted_id: Option<NoticeId>,
}

impl Arrival {
    /// A whole mail that was read, and that starts as unread.
    pub fn new(unique_id: UniqueId, octets: Octets, bytes: Vec<u8>, digest: Digest) -> Arrival {
        Arrival {
            unique_id,
            octets,
            bytes,
            headline: digest.headline,
            fingerprint: digest.fingerprint,
            succession: digest.succession,
            entry: Some(Entry::of(digest.search_text)),
            is_complete: true,
            starts_read: false,
            wanted_id: None,
        }
    }
}

/// The headers of what stands in for a message of which not even those could be had.
pub const NO_HEADERS: &[u8] = b"Subject: (cannot be fetched)\r\n\r\n";

/// What became of an arrival.
#[derive(Debug, PartialEq)]
pub enum Kept {
    /// It is new.
    New(Headline),
    /// It is new, and nobody is to be told of it.
    Quiet(Headline),
    /// It is a kept notice under another unique-id: the server has renumbered.
    Recognised(NoticeId),
    /// The same, and what stood in for it under its new unique-id while it could not be fetched is gone.
    RecognisedBehind {
        /// The notice.
        id: NoticeId,
        /// What stood in for it.
        stand_in: NoticeId,
    },
    /// It was kept before, and is complete only now; or its cache was damaged, and it is kept again.
    Completed(Headline),
    /// It is kept under this unique-id, and nothing is new about it.
    AsBefore(NoticeId),
    /// The same, and it was thought to have left the server.
    Returned(NoticeId),
}

//! What is at the server: a glance that shows whether anything has changed, and the whole listing.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{
    Transaction,
    connection::Connection,
    error::Error,
    request::{Look, Request},
};
use crate::pop3::{
    listing::{DropListing, Octets, ScanListing, UniqueIdListing, lines},
    response::{Response, excerpt},
};

/// How long the answer to what was sent along with the password may take, before it counts as lost.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest listing, in octets: half a million messages with unique-ids as long as they may be.
pub const LARGEST_LISTING: usize = 40 * 1024 * 1024;
/// The most messages in a listing.
pub const MOST_MESSAGES: usize = 2_000_000;

/// What UIDL and STAT answered, as it came: enough to see that nothing has changed.
#[derive(Clone, Debug)]
pub struct Glance {
    unique_ids: Result<Vec<u8>, Response>,
    drop_listing: Option<DropListing>,
}

impl Glance {
    /// A digest of it: that of the listing that it belongs to. None without UIDL or STAT.
    pub fn digest(&self) -> Option<[u8; 32]> {
        match (&self.unique_ids, self.drop_listing) {
            (Ok(unique_ids), Some(drop_listing)) => Some(digest(drop_listing, unique_ids)),
            (Ok(_), None) | (Err(_), _) => None,
        }
    }

    /// How many messages UIDL names.
    pub fn messages(&self) -> usize {
        self.unique_ids
            .as_ref()
            .map_or(0, |unique_ids| lines(unique_ids).count())
    }
}

/// What UIDL and LIST answered, as it came.
#[derive(Clone, Debug)]
pub struct Bodies {
    scan: Vec<u8>,
    unique_ids: Result<Vec<u8>, Response>,
    drop_listing: Option<DropListing>,
}

impl Bodies {
    /// A digest of all of it: the same again means that nothing has changed at the server.
    pub fn digest(&self) -> [u8; 32] {
        match &self.unique_ids {
            Ok(unique_ids) => {
                // Where STAT was asked and counts otherwise than LIST, it will do so again.
                let drop_listing = self.drop_listing.unwrap_or_else(|| sum(&self.scan));
                digest(drop_listing, unique_ids)
            }
            Err(_) => Sha256::digest(&self.scan).into(),
        }
    }

    /// True if the server has told messages apart.
    pub fn has_unique_ids(&self) -> bool {
        self.unique_ids.is_ok()
    }

    /// How many messages LIST names.
    pub fn messages(&self) -> usize {
        lines(&self.scan).count()
    }

    /// Reads the lines.
    pub fn parse(self) -> Listing {
        let mut listing = Listing::default();
        listing.scan = parse_lines(&self.scan, ScanListing::parse, &mut listing.odd);
        listing.scan.sort_by_key(|line| line.message);
        match self.unique_ids {
            Ok(body) => {
                let mut unique_ids = parse_lines(&body, UniqueIdListing::parse, &mut listing.odd);
                unique_ids.sort_by_key(|line| line.message);
                listing.unique_ids = Some(unique_ids);
            }
            Err(response) => listing.refused = Some(response),
        }
        listing
    }
}

/// What UIDL and LIST tell together, in the order of the message-numbers.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The scan listing.
    pub scan: Vec<ScanListing>,
    /// The unique-id listing; none if the server has no UIDL.
    pub unique_ids: Option<Vec<UniqueIdListing>>,
    /// What the server said to UIDL, if it has none or will not give it.
    pub refused: Option<Response>,
    /// Lines of either that made no sense, in excerpts.
    pub odd: Vec<String>,
}

impl Transaction {
    /// Asks for UIDL and STAT, together where `pipelined`. A refusal of either is fine.
    ///
    /// # Errors
    ///
    /// The listing has no end, or the connection failed.
    pub async fn glance(&mut self, pipelined: bool) -> Result<Glance, Error> {
        let connection = &mut self.connection;
        // What the server says now may be less than what it was believed to say.
        let has_looked = connection.has_looked();
        let (unique_ids, stat) = match pipelined || has_looked {
            true => connection.glance_together().await?,
            false => connection.glance_one_by_one().await?,
        };
        let drop_listing = stat
            .is_ok()
            .then(|| DropListing::parse(&stat.text))
            .flatten();
        Ok(Glance {
            unique_ids,
            drop_listing,
        })
    }

    /// Asks for LIST as well, where a glance was not enough.
    ///
    /// # Errors
    ///
    /// LIST is refused, it has no end, or the connection failed.
    pub async fn look_closer(&mut self, glance: Glance) -> Result<Bodies, Error> {
        self.connection.send(&Request::List).await?;
        self.connection.flush().await?;
        let scan = self
            .connection
            .listing(MOST_MESSAGES, LARGEST_LISTING)
            .await?;
        Ok(Bodies {
            scan: scan.map_err(refused)?,
            unique_ids: glance.unique_ids,
            drop_listing: glance.drop_listing,
        })
    }

    /// Asks for UIDL and LIST, together where `pipelined`. A refused UIDL is fine.
    ///
    /// # Errors
    ///
    /// LIST is refused, a listing has no end, or the connection failed.
    pub async fn listing(&mut self, pipelined: bool) -> Result<Bodies, Error> {
        let connection = &mut self.connection;
        let has_looked = connection.has_looked();
        let (unique_ids, scan) = match pipelined || has_looked {
            true => connection.list_together().await?,
            false => connection.list_one_by_one().await?,
        };
        Ok(Bodies {
            scan: scan.map_err(refused)?,
            unique_ids,
            drop_listing: None,
        })
    }
}

/// A listing, or what the server said instead.
type Listed = Result<Vec<u8>, Response>;

impl Connection {
    async fn glance_together(&mut self) -> Result<(Listed, Response), Error> {
        let (unique_ids, is_lost) = self.ask_two(Look::Glance).await?;
        let stat = self.answer().await.map_err(is_lost)?;
        Ok((unique_ids, stat))
    }

    async fn glance_one_by_one(&mut self) -> Result<(Listed, Response), Error> {
        self.send(&Request::Uidl).await?;
        self.flush().await?;
        let unique_ids = self.listing(MOST_MESSAGES, LARGEST_LISTING).await?;
        Ok((unique_ids, self.ask(&Request::Stat).await?))
    }

    async fn list_together(&mut self) -> Result<(Listed, Listed), Error> {
        let (unique_ids, is_lost) = self.ask_two(Look::Listing).await?;
        let scan = self.listing(MOST_MESSAGES, LARGEST_LISTING).await;
        Ok((unique_ids, scan.map_err(is_lost)?))
    }

    async fn list_one_by_one(&mut self) -> Result<(Listed, Listed), Error> {
        self.send(&Request::Uidl).await?;
        self.flush().await?;
        let unique_ids = self.listing(MOST_MESSAGES, LARGEST_LISTING).await?;
        self.send(&Request::List).await?;
        self.flush().await?;
        let scan = self.listing(MOST_MESSAGES, LARGEST_LISTING).await?;
        Ok((unique_ids, scan))
    }

    /// Asks for UIDL and what belongs to it, unless that was asked behind the command that signed in, and
    /// awaits the unique-ids; the other answer is on its way. Gives what it means if that does not come.
    async fn ask_two(&mut self, look: Look) -> Result<(Listed, fn(Error) -> Error), Error> {
        if self.take_look(look).await? {
            let limit = LOOK_TIMEOUT.min(self.patience());
            let response = self.answer_within(limit).await.map_err(lost)?;
            let unique_ids = self.listing_of(response, MOST_MESSAGES, LARGEST_LISTING);
            return Ok((unique_ids.await?, lost));
        }
        for request in look.requests() {
            self.send(request).await?;
        }
        self.flush().await?;
        let unique_ids = self.listing(MOST_MESSAGES, LARGEST_LISTING).await?;
        Ok((unique_ids, Error::behind_another))
    }
}

/// The error where the answer to what was sent behind the password does not come: many a server hands the
/// connection on to another program once it has let somebody in.
fn lost(error: Error) -> Error {
    match error {
        Error::Closed | Error::TimedOut { .. } => Error::LookLost,
        error => error,
    }
}

fn refused(response: Response) -> Error {
    Error::Rejected {
        request: "LIST",
        response,
    }
}

fn digest(drop_listing: DropListing, unique_ids: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(format!("{drop_listing}\r\n"));
    digest.update(unique_ids);
    digest.finalize().into()
}

/// What STAT should answer where LIST answers this.
fn sum(scan: &[u8]) -> DropListing {
    let mut sum = DropListing::default();
    for line in lines(scan).filter_map(ScanListing::parse) {
        sum.messages = sum.messages.saturating_add(1);
        sum.octets = Octets(sum.octets.0.saturating_add(line.octets.0));
    }
    sum
}

fn parse_lines<T>(body: &[u8], parse: fn(&[u8]) -> Option<T>, odd: &mut Vec<String>) -> Vec<T> {
    /// More than a few excerpts tell nobody more.
    const MOST_ODD: usize = 5;

    let mut parsed = Vec::new();
    for line in lines(body) {
        match parse(line) {
            Some(value) => parsed.push(value),
            None if odd.len() < MOST_ODD => odd.push(excerpt(&String::from_utf8_lossy(line))),
            None => {}
        }
    }
    parsed
}

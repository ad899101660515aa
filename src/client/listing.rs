//! What is at the server: a glance that shows whether anything has changed, and the whole listing.
//!
//! STAT comes first: where it answers otherwise than the last time LIST is asked for while UIDL is still on its
//! way, and whoever knows what was seen may look that up meanwhile. Where only a few messages may have come,
//! their sizes alone are asked for.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{
    Transaction,
    connection::Connection,
    error::Error,
    request::{Look, Request},
};
use crate::pop3::{
    listing::{DropListing, MessageNumber, Octets, ScanListing, UniqueId, UniqueIdListing, lines},
    response::{Response, excerpt},
};

/// How long the answer to what was sent along with the password may take, before it counts as lost.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest listing, in octets: half a million messages with unique-ids as long as they may be.
pub const LARGEST_LISTING: usize = 40 * 1024 * 1024;
/// The most odd lines that are kept: more than a few excerpts tell nobody more.
const MOST_ODD: usize = 5;
/// The most messages in a listing.
pub const MOST_MESSAGES: usize = 2_000_000;

/// What STAT answered. The answer to UIDL is on its way already, where that was asked together with it.
#[derive(Clone, Copy, Debug)]
pub struct Stated {
    drop_listing: Option<DropListing>,
    /// What it means if the answer to UIDL does not come; none if that was not asked yet.
    is_lost: Option<fn(Error) -> Error>,
}

impl Stated {
    /// True if it cannot be the listing that STAT has answered this for.
    pub fn differs(&self, last: Option<DropListing>) -> bool {
        match (self.drop_listing, last) {
            (Some(now), Some(last)) => now != last,
            (None, _) | (_, None) => false,
        }
    }

    /// How many messages STAT counts.
    pub fn messages(&self) -> Option<u32> {
        Some(self.drop_listing?.messages)
    }

    /// How many messages may have come since STAT answered `last`, where nothing speaks against that.
    pub fn growth(&self, last: DropListing) -> Option<u32> {
        let now = self.drop_listing?;
        let more = now.messages.checked_sub(last.messages)?;
        (more > 0 && now.octets >= last.octets).then_some(more)
    }
}

/// What UIDL answered, and how large the messages are that STAT counts more than the last time.
#[derive(Clone, Debug)]
pub struct Growth {
    glance: Glance,
    before: DropListing,
    sizes: Vec<Option<ScanListing>>,
}

impl Growth {
    /// A digest of the listing without the messages that stand behind as many as there were: that of the last
    /// listing if those are the same.
    pub fn digest_before(&self) -> Option<[u8; 32]> {
        let (before, _) = self.split()?;
        Some(digest(self.before, before))
    }

    /// The messages that have come, in the order of their numbers; none if what UIDL and LIST say of them does
    /// not account for what STAT counts.
    pub fn arrived(&self) -> Option<Listing> {
        let (_, arrived) = self.split()?;
        let mut odd = Vec::new();
        let unique_ids = parse_lines(arrived, UniqueIdListing::parse, &mut odd);
        let scan: Vec<ScanListing> = self.sizes.iter().copied().collect::<Option<_>>()?;
        let follows = |(place, (named, sized)): (usize, (&UniqueIdListing, &ScanListing))| {
            let number = MessageNumber::at(self.before.messages as usize + place);
            number == Some(named.message) && number == Some(sized.message)
        };
        let mut lines = unique_ids.iter().zip(&scan).enumerate();
        let sum = scan.iter().try_fold(self.before.octets.0, |sum, line| {
            sum.checked_add(line.octets.0)
        });
        let is_accounted_for = odd.is_empty()
            && unique_ids.len() == scan.len()
            && lines.all(follows)
            && sum == self.glance.drop_listing.map(|now| now.octets.0);
        is_accounted_for.then_some(Listing {
            scan,
            unique_ids: Some(unique_ids),
            ..Listing::default()
        })
    }

    /// The lines of UIDL for what there was, and those behind.
    fn split(&self) -> Option<(&[u8], &[u8])> {
        let body = self.glance.unique_ids.as_ref().ok()?;
        let behind = match (self.before.messages as usize).checked_sub(1) {
            None => 0,
            Some(last) => memchr::memchr_iter(b'\n', body).nth(last)? + 1,
        };
        Some(body.split_at(behind))
    }

    /// What STAT and UIDL answered.
    pub fn glance(&self) -> &Glance {
        &self.glance
    }

    /// That alone.
    pub fn into_glance(self) -> Glance {
        self.glance
    }
}

/// What STAT and UIDL answered, as it came: enough to see that nothing has changed.
#[derive(Clone, Debug)]
pub struct Glance {
    unique_ids: Result<Vec<u8>, Response>,
    drop_listing: Option<DropListing>,
}

impl Glance {
    /// A digest of it, and what STAT answered: those of the listing that it belongs to. None without UIDL or
    /// STAT.
    pub fn digest(&self) -> Option<([u8; 32], DropListing)> {
        match (&self.unique_ids, self.drop_listing) {
            (Ok(unique_ids), Some(drop_listing)) => {
                Some((digest(drop_listing, unique_ids), drop_listing))
            }
            (Ok(_), None) | (Err(_), _) => None,
        }
    }

    /// How many messages UIDL names.
    pub fn messages(&self) -> usize {
        self.unique_ids
            .as_ref()
            .map_or(0, |unique_ids| lines(unique_ids).count())
    }

    /// The unique-ids that can be read.
    pub fn names(&self) -> impl Iterator<Item = UniqueId> {
        self.lines().map(|line| line.unique_id)
    }

    /// The lines of UIDL that can be read.
    pub fn lines(&self) -> impl Iterator<Item = UniqueIdListing> {
        let lines = self.unique_ids.iter().flat_map(|body| lines(body));
        lines.filter_map(UniqueIdListing::parse)
    }
}

/// What UIDL and LIST answered, as it came.
#[derive(Clone, Debug)]
pub struct Bodies {
    scan: Vec<u8>,
    unique_ids: Result<UniqueIds, Response>,
    drop_listing: Option<DropListing>,
}

/// What UIDL answered, read while LIST is on its way.
#[derive(Clone, Debug)]
struct UniqueIds {
    body: Vec<u8>,
    lines: Vec<UniqueIdListing>,
    odd: Vec<String>,
}

impl UniqueIds {
    fn read(body: Vec<u8>) -> UniqueIds {
        let mut odd = Vec::new();
        let mut lines = parse_lines(&body, UniqueIdListing::parse, &mut odd);
        lines.sort_by_key(|line| line.message);
        UniqueIds { body, lines, odd }
    }
}

impl Bodies {
    /// A digest of all of it: the same again means that nothing has changed at the server.
    pub fn digest(&self) -> [u8; 32] {
        match &self.unique_ids {
            Ok(unique_ids) => digest(self.drop_listing(), &unique_ids.body),
            Err(_) => Sha256::digest(&self.scan).into(),
        }
    }

    /// What STAT answered, or should answer where it was not asked.
    pub fn drop_listing(&self) -> DropListing {
        // Where STAT was asked and counts otherwise than LIST, it will do so again.
        self.drop_listing.unwrap_or_else(|| sum(&self.scan))
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
        let mut listing = Listing {
            stated: self.drop_listing.map(|stated| stated.messages),
            ..Listing::default()
        };
        listing.scan = parse_lines(&self.scan, ScanListing::parse, &mut listing.odd);
        listing.scan.sort_by_key(|line| line.message);
        match self.unique_ids {
            Ok(unique_ids) => {
                listing.unique_ids = Some(unique_ids.lines);
                listing.odd.extend(unique_ids.odd);
                listing.odd.truncate(MOST_ODD);
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
    /// How many messages STAT counts; none if that was not asked, or not answered.
    pub stated: Option<u32>,
}

impl Transaction {
    /// Asks for STAT, together with UIDL where `pipelined`. A refusal is fine.
    ///
    /// # Errors
    ///
    /// The connection failed.
    pub async fn stat(&mut self, pipelined: bool) -> Result<Stated, Error> {
        let connection = &mut self.connection;
        // What the server says now may be less than what it was believed to say.
        let (stat, is_lost) = match pipelined || connection.has_looked() {
            true => {
                let (stat, is_lost) = connection.ask_two(Look::Glance).await?;
                (stat, Some(is_lost))
            }
            false => (connection.ask(&Request::Stat).await?, None),
        };
        Ok(Stated {
            drop_listing: stat
                .is_ok()
                .then(|| DropListing::parse(&stat.text))
                .flatten(),
            is_lost,
        })
    }

    /// The unique-ids behind what STAT answered. A refusal is fine.
    ///
    /// # Errors
    ///
    /// The listing has no end, or the connection failed.
    pub async fn glance(&mut self, stated: Stated) -> Result<Glance, Error> {
        Ok(Glance {
            unique_ids: self.unique_ids(stated).await?,
            drop_listing: stated.drop_listing,
        })
    }

    /// The unique-ids and LIST behind what STAT answered, without a turn in between where `pipelined`. A
    /// refused UIDL is fine.
    ///
    /// # Errors
    ///
    /// LIST is refused, a listing has no end, or the connection failed.
    pub async fn listing_behind(
        &mut self,
        stated: Stated,
        pipelined: bool,
    ) -> Result<Bodies, Error> {
        if !pipelined || stated.is_lost.is_none() {
            let glance = self.glance(stated).await?;
            return self.look_closer(glance).await;
        }
        self.connection.send(&Request::List(None)).await?;
        self.connection.flush().await?;
        let unique_ids = self.unique_ids(stated).await?.map(UniqueIds::read);
        let scan = self
            .connection
            .listing(MOST_MESSAGES, LARGEST_LISTING)
            .await
            .map_err(Error::behind_another)?;
        Ok(Bodies {
            scan: scan.map_err(refused)?,
            unique_ids,
            drop_listing: stated.drop_listing,
        })
    }

    /// The unique-ids behind what STAT answered, and the sizes of the `more` messages that have come since it
    /// answered `before`, without a turn in between. Refusals are fine.
    ///
    /// # Errors
    ///
    /// The listing has no end, or the connection failed; [`Error::SizesLost`] if that may be because of what was
    /// asked, or something else was answered.
    pub async fn growth_behind(
        &mut self,
        stated: Stated,
        before: DropListing,
        more: u32,
    ) -> Result<Growth, Error> {
        for place in (before.messages as usize..).take(more as usize) {
            let request = Request::List(MessageNumber::at(place));
            self.connection.send(&request).await?;
        }
        self.connection.flush().await?;
        let glance = self.glance(stated).await.map_err(|error| match error {
            Error::Closed | Error::Io(_) | Error::LookLost => Error::SizesLost,
            error => error,
        })?;
        let mut sizes = Vec::with_capacity(more as usize);
        for place in (before.messages as usize..).take(more as usize) {
            let answer = self.connection.answer().await;
            let answer = answer.map_err(|error| match error {
                Error::Broken(_) | Error::Closed | Error::Io(_) => Error::SizesLost,
                error => error.behind_another(),
            })?;
            let size = ScanListing::parse(answer.text.as_bytes());
            match size.filter(|size| Some(size.message) == MessageNumber::at(place)) {
                Some(size) if answer.is_ok() => sizes.push(Some(size)),
                // A whole listing begins like this.
                _ if answer.is_ok() => return Err(Error::SizesLost),
                _ => sizes.push(None),
            }
        }
        if self.connection.has_more_than_was_asked_for() {
            return Err(Error::SizesLost);
        }
        Ok(Growth {
            glance,
            before,
            sizes,
        })
    }

    async fn unique_ids(&mut self, stated: Stated) -> Result<Listed, Error> {
        let connection = &mut self.connection;
        match stated.is_lost {
            Some(is_lost) => connection
                .listing(MOST_MESSAGES, LARGEST_LISTING)
                .await
                .map_err(is_lost),
            None => connection.ask_listing(&Request::Uidl).await,
        }
    }

    /// Asks for LIST as well, where a glance was not enough.
    ///
    /// # Errors
    ///
    /// LIST is refused, it has no end, or the connection failed.
    pub async fn look_closer(&mut self, glance: Glance) -> Result<Bodies, Error> {
        let scan = self.connection.ask_listing(&Request::List(None)).await?;
        Ok(Bodies {
            scan: scan.map_err(refused)?,
            unique_ids: glance.unique_ids.map(UniqueIds::read),
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
            unique_ids: unique_ids.map(UniqueIds::read),
            drop_listing: None,
        })
    }
}

/// A listing, or what the server said instead.
type Listed = Result<Vec<u8>, Response>;

impl Connection {
    async fn list_together(&mut self) -> Result<(Listed, Listed), Error> {
        let (response, is_lost) = self.ask_two(Look::Listing).await?;
        let unique_ids = self.listing_of(response, MOST_MESSAGES, LARGEST_LISTING);
        let unique_ids = unique_ids.await?;
        let scan = self.listing(MOST_MESSAGES, LARGEST_LISTING).await;
        Ok((unique_ids, scan.map_err(is_lost)?))
    }

    async fn list_one_by_one(&mut self) -> Result<(Listed, Listed), Error> {
        let unique_ids = self.ask_listing(&Request::Uidl).await?;
        Ok((unique_ids, self.ask_listing(&Request::List(None)).await?))
    }

    async fn ask_listing(&mut self, request: &Request) -> Result<Listed, Error> {
        self.send(request).await?;
        self.flush().await?;
        self.listing(MOST_MESSAGES, LARGEST_LISTING).await
    }

    /// Asks for both, unless that was done behind the command that signed in, and awaits the first line of
    /// the first answer; the other is on its way. Gives what it means if that does not come.
    async fn ask_two(&mut self, look: Look) -> Result<(Response, fn(Error) -> Error), Error> {
        if self.take_look(look).await? {
            let limit = LOOK_TIMEOUT.min(self.patience());
            let response = self.answer_within(limit).await.map_err(lost)?;
            return Ok((response, lost));
        }
        for request in look.requests() {
            self.send(request).await?;
        }
        self.flush().await?;
        Ok((self.answer().await?, Error::behind_another))
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

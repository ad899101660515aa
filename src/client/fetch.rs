//! Fetching many messages: requests sent ahead within a window, answers in their order.

use std::{collections::VecDeque, time::Duration};

use super::{Transaction, error::Error, request::Request};
use crate::pop3::{
    listing::{MessageNumber, Octets},
    response::Response,
};

/// A message to fetch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fetch {
    /// Which.
    pub message: MessageNumber,
    /// How large the listing says that it is.
    pub octets: Octets,
    /// How much of it.
    pub part: Part,
}

/// How much of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// All of it, by RETR.
    Whole,
    /// The headers, by TOP.
    Headers,
}

/// What came.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// The message, or its headers, with the line ends of the wire.
    Bytes(Vec<u8>),
    /// The server would not give it.
    Refused(Response),
}

/// The most requests that are sent ahead.
pub const MOST_AHEAD: usize = 512;
/// The most octets that are asked for ahead.
const MOST_OCTETS_AHEAD: u64 = 4 * 1024 * 1024;
/// How long nothing may come while several requests wait, before PIPELINING counts as broken.
const PIPELINE_TIMEOUT: Duration = Duration::from_secs(10);
/// The most room that is made on the listing's word alone, before so much has come.
const MOST_RESERVED: u64 = 1024 * 1024;

/// The most octets of headers that are read, where even less is allowed of a message.
const MOST_HEADERS: u64 = 4 * 1024 * 1024;
/// The octets of headers that are kept.
const HEADERS_KEPT: usize = 1024 * 1024;

/// A fetch that is under way.
#[derive(Debug)]
pub struct Fetching<'t> {
    transaction: &'t mut Transaction,
    waiting: VecDeque<Fetch>,
    asked: VecDeque<Fetch>,
    most_ahead: usize,
    largest: u64,
}

impl Transaction {
    /// Begins to fetch these messages, in this order. `most_ahead` is 1 for one by one; a message
    /// of more than `largest` octets is an error.
    pub fn fetch(
        &mut self,
        wanted: impl IntoIterator<Item = Fetch>,
        most_ahead: usize,
        largest: u64,
    ) -> Fetching<'_> {
        self.connection.begin_fetching();
        Fetching {
            transaction: self,
            waiting: wanted.into_iter().collect(),
            asked: VecDeque::new(),
            most_ahead: most_ahead.max(1),
            largest,
        }
    }
}

impl Fetching<'_> {
    /// The next message; none when all have come.
    ///
    /// # Errors
    ///
    /// The connection failed, or a message is larger than it may be; the session is over then.
    pub async fn next(&mut self) -> Result<Option<(Fetch, Fetched)>, Error> {
        self.ask_ahead().await?;
        let Some(fetch) = self.asked.front().copied() else {
            return Ok(None);
        };
        let fetched = self.receive(fetch).await?;
        self.asked.pop_front();
        Ok(Some((fetch, fetched)))
    }

    /// The message whose answer is awaited. After an error, that in which it came about.
    pub fn awaited(&self) -> Option<Fetch> {
        self.asked.front().copied()
    }

    /// The message that comes next, asked for or not.
    pub fn upcoming(&self) -> Option<Fetch> {
        self.awaited().or_else(|| self.waiting.front().copied())
    }

    /// How many messages are still to come.
    pub fn remaining(&self) -> usize {
        self.waiting.len() + self.asked.len()
    }

    /// Stops asking. What was asked for already still comes.
    pub fn stop(&mut self) {
        self.waiting.clear();
    }

    async fn ask_ahead(&mut self) -> Result<(), Error> {
        // Asking only once the window is half empty sends many requests in one packet.
        if self.asked.len() > self.most_ahead / 2 {
            return Ok(());
        }
        let connection = &mut self.transaction.connection;
        let mut ahead: u64 = self.asked.iter().map(|fetch| fetch.cost()).sum();
        let mut has_asked = false;
        while let Some(fetch) = self.waiting.front().copied() {
            let fits = self.asked.len() < self.most_ahead && ahead < MOST_OCTETS_AHEAD;
            if !fits && !self.asked.is_empty() {
                break;
            }
            connection
                .send(&match fetch.part {
                    Part::Whole => Request::Retr(fetch.message),
                    Part::Headers => Request::Top(fetch.message),
                })
                .await?;
            ahead += fetch.cost();
            has_asked = true;
            self.asked.push_back(fetch);
            self.waiting.pop_front();
        }
        if has_asked {
            connection.flush().await?;
        }
        Ok(())
    }

    async fn receive(&mut self, fetch: Fetch) -> Result<Fetched, Error> {
        let is_ahead = self.asked.len() > 1;
        let connection = &mut self.transaction.connection;
        let patience = connection.patience();
        let limit = if is_ahead {
            PIPELINE_TIMEOUT.min(patience)
        } else {
            patience
        };
        let response = match connection.answer_within(limit).await {
            Err(Error::TimedOut { .. }) if is_ahead => return Err(Error::PipeliningBroken),
            outcome => outcome?,
        };
        if !response.is_ok() {
            return Ok(Fetched::Refused(response));
        }
        let expected = fetch.cost().min(MOST_RESERVED);
        let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0) + 2);
        let mut received = 0;
        while let Some(piece) = connection.piece().await? {
            received += piece.len() as u64;
            let limit = match fetch.part {
                Part::Whole => self.largest,
                Part::Headers => self.largest.max(MOST_HEADERS),
            };
            if received > limit {
                return Err(Error::TooLarge {
                    message: fetch.message,
                    limit,
                });
            }
            // Of headers without end the first are enough: more says nothing that is shown.
            let room = match fetch.part {
                Part::Whole => piece.len(),
                Part::Headers => HEADERS_KEPT.saturating_sub(bytes.len()).min(piece.len()),
            };
            if bytes.len() + room > bytes.capacity() && received > MOST_RESERVED {
                // It is about as large as the listing says: no room beyond that.
                let most = match fetch.part {
                    Part::Whole => limit,
                    Part::Headers => HEADERS_KEPT as u64,
                };
                let expected = fetch.octets.0.min(most).saturating_sub(bytes.len() as u64);
                let expected = usize::try_from(expected).unwrap_or(0);
                if expected >= room {
                    // Where there is not so much room it grows as the mail comes.
                    let _ = bytes.try_reserve_exact(expected);
                }
            }
            bytes.extend_from_slice(&piece[..room]);
        }
        Ok(Fetched::Bytes(bytes))
    }
}

impl Fetch {
    /// The octets that asking for this will bring, about.
    fn cost(&self) -> u64 {
        /// What the headers of a mail come to.
        const HEADERS: u64 = 3_000;

        match self.part {
            // More than fits ahead is as good as that: the size is the server's word.
            Part::Whole => self.octets.0.min(MOST_OCTETS_AHEAD),
            Part::Headers => HEADERS.min(self.octets.0),
        }
    }
}

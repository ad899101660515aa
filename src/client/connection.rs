//! One connection: requests out, answers in, each within its time, all of it in the dialogue.

use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::time::{self, Instant};
use tokio_util::codec::Framed;

use super::{
    QUIT_TIMEOUT,
    dialogue::Dialogue,
    error::Error,
    request::{Look, Request},
};
use crate::{
    net::Stream,
    pop3::{
        capability::Capabilities,
        codec::{Answer, ClientCodec},
        command::Command,
        response::{ParseError, Response, excerpt},
    },
};

/// A connection over which requests and answers travel.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) framed: Framed<Stream, ClientCodec>,
    pub(super) dialogue: Dialogue,
    /// How long the server may be silent.
    pub(super) patience: Duration,
    waited: Duration,
    received: u64,
    /// What the server can do was asked for together with what comes next.
    asked_ahead: bool,
    /// What it has said to that.
    heard: Option<Option<Capabilities>>,
    /// What is asked together with the command that signs in.
    look: Option<Look>,
    /// What was asked so, and not answered yet.
    looked: Option<Look>,
    /// An access token was said.
    pub(super) has_told_token: bool,
    /// Messages were asked for: from now on refusals too have to come at a rate.
    is_fetching: bool,
    /// QUIT is on its way.
    has_left: bool,
}

/// How much is read at once: a few messages of ordinary size.
const READ_BUFFER: usize = 64 * 1024;
/// The least octets a second, over a minute of waiting, before a server counts as silent.
const LEAST_RATE: u64 = 100;
/// The minute over which they are counted.
const RATE_WINDOW: Duration = Duration::from_secs(60);

impl Connection {
    /// A new connection, on which the greeting is awaited.
    pub fn new(stream: Stream, dialogue: Dialogue, patience: Duration) -> Connection {
        Connection::with(stream, ClientCodec::new(), dialogue, patience)
    }

    /// A connection after STLS, on which no greeting comes.
    pub fn upgraded(stream: Stream, dialogue: Dialogue, patience: Duration) -> Connection {
        Connection::with(stream, ClientCodec::upgraded(), dialogue, patience)
    }

    fn with(
        stream: Stream,
        codec: ClientCodec,
        dialogue: Dialogue,
        patience: Duration,
    ) -> Connection {
        Connection {
            framed: Framed::with_capacity(stream, codec, READ_BUFFER),
            dialogue,
            patience,
            waited: Duration::ZERO,
            received: 0,
            asked_ahead: false,
            heard: None,
            look: None,
            looked: None,
            has_told_token: false,
            is_fetching: false,
            has_left: false,
        }
    }

    /// Messages are asked for from now on.
    pub fn begin_fetching(&mut self) {
        if !self.is_fetching {
            self.is_fetching = true;
            (self.waited, self.received) = (Duration::ZERO, 0);
        }
    }

    /// Takes the stream out for TLS.
    ///
    /// # Errors
    ///
    /// Bytes have come already: they were sent in clear text, perhaps by somebody else.
    pub fn into_stream(self) -> Result<(Stream, Dialogue), Error> {
        let parts = self.framed.into_parts();
        if parts.read_buf.is_empty() {
            Ok((parts.io, self.dialogue))
        } else {
            Err(ParseError::Injected.into())
        }
    }

    /// Sends a request, or keeps it for the next flush.
    pub async fn send(&mut self, request: &Request) -> Result<(), Error> {
        let command = Command::from(request);
        self.dialogue.client(&command);
        self.framed.feed(&command).await.map_err(Error::from)
    }

    /// Sends what is still kept.
    pub async fn flush(&mut self) -> Result<(), Error> {
        let flush = SinkExt::<&Command>::flush(&mut self.framed);
        match time::timeout(self.patience, flush).await {
            Ok(outcome) => outcome.map_err(Error::from),
            Err(_) => Err(Error::TimedOut {
                what: "sending",
                limit: self.patience,
            }),
        }
    }

    /// Sends a request and awaits the first line of its answer.
    pub async fn ask(&mut self, request: &Request) -> Result<Response, Error> {
        self.send(request).await?;
        self.flush().await?;
        self.answer().await
    }

    /// Awaits the first line of the next answer.
    pub async fn answer(&mut self) -> Result<Response, Error> {
        self.answer_within(self.patience).await
    }

    /// Awaits the first line of the next answer for this long.
    pub async fn answer_within(&mut self, limit: Duration) -> Result<Response, Error> {
        match self.next(limit).await? {
            Answer::Line(response) => Ok(response),
            Answer::Challenge(_) | Answer::Body(_) | Answer::End => {
                Err(ParseError::Unasked("a challenge".to_owned()).into())
            }
        }
    }

    /// Awaits the next piece of the body; none at its end.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        match self.next(self.patience).await? {
            Answer::Body(bytes) => Ok(Some(bytes)),
            Answer::End => Ok(None),
            Answer::Line(_) | Answer::Challenge(_) => {
                Err(ParseError::Unasked("an answer within an answer".to_owned()).into())
            }
        }
    }

    /// Awaits a listing; its body, or what the server said instead.
    ///
    /// # Errors
    ///
    /// It has more than `most` lines, or more than `largest` octets; or the connection failed.
    pub async fn listing(
        &mut self,
        most: usize,
        largest: usize,
    ) -> Result<Result<Vec<u8>, Response>, Error> {
        let response = self.answer().await?;
        self.listing_of(response, most, largest).await
    }

    /// The same behind the first line of the answer.
    ///
    /// # Errors
    ///
    /// It has more than `most` lines, or more than `largest` octets; or the connection failed.
    pub async fn listing_of(
        &mut self,
        response: Response,
        most: usize,
        largest: usize,
    ) -> Result<Result<Vec<u8>, Response>, Error> {
        if !response.is_ok() {
            return Ok(Err(response));
        }
        let mut body = Vec::new();
        let mut count = 0;
        while let Some(piece) = self.piece().await? {
            count += memchr::memchr_iter(b'\n', &piece).count();
            if count > most || body.len() + piece.len() > largest {
                return Err(ParseError::ListingTooLong.into());
            }
            body.extend_from_slice(&piece);
        }
        Ok(Ok(body))
    }

    /// Asks what the server can do; none if it does not know the question.
    pub async fn capa(&mut self) -> Result<Option<Capabilities>, Error> {
        self.send(&Request::Capa).await?;
        self.flush().await?;
        self.capabilities().await
    }

    /// Asks what the server can do, together with what is sent next.
    pub async fn ask_ahead(&mut self) -> Result<(), Error> {
        self.asked_ahead = true;
        self.send(&Request::Capa).await
    }

    /// True if that was done, and its answer is awaited.
    pub fn is_behind_capa(&self) -> bool {
        self.asked_ahead
    }

    /// Sends what is kept, and awaits what the server can do if that was asked ahead.
    pub async fn flush_behind_capa(&mut self) -> Result<(), Error> {
        self.flush().await?;
        if std::mem::take(&mut self.asked_ahead) {
            self.heard = Some(self.capabilities().await?);
        }
        Ok(())
    }

    /// Has the next command that signs in followed by what is asked first behind it.
    pub fn look_ahead(&mut self, look: Look) {
        self.look = Some(look);
    }

    /// Sends that, behind a command that signs in if nothing is wrong.
    pub async fn send_look(&mut self) -> Result<(), Error> {
        if let Some(look) = self.look.take() {
            for request in look.requests() {
                self.send(request).await?;
            }
            self.looked = Some(look);
        }
        Ok(())
    }

    /// True if something was asked behind the command that signed in, and is not answered yet.
    pub fn has_looked(&self) -> bool {
        self.looked.is_some()
    }

    /// True if this was asked behind the command that signed in: its answers are on their way. Answers to
    /// anything else are not wanted any more.
    ///
    /// # Errors
    ///
    /// The connection failed.
    pub async fn take_look(&mut self, wanted: Look) -> Result<bool, Error> {
        match self.looked.take() {
            Some(looked) if looked == wanted => Ok(true),
            Some(_) => self.drain().await.map(|()| false),
            None => Ok(false),
        }
    }

    /// Awaits the answers to what was asked behind a command that did not sign in.
    ///
    /// # Errors
    ///
    /// The connection failed.
    pub async fn forget_look(&mut self) -> Result<(), Error> {
        match self.looked.take() {
            Some(_) => self.drain().await,
            None => Ok(()),
        }
    }

    /// Awaits all answers that are still to come, for a short time: nobody wants them.
    async fn drain(&mut self) -> Result<(), Error> {
        match time::timeout(QUIT_TIMEOUT, self.await_all()).await {
            Ok(drained) => drained,
            Err(_) => Err(Error::LookLost),
        }
    }

    /// True if something has come behind the last answer that was still to come.
    pub fn has_more_than_was_asked_for(&self) -> bool {
        self.framed.codec().awaited() == 0 && !self.framed.read_buffer().is_empty()
    }

    /// Awaits all answers that are still to come.
    async fn await_all(&mut self) -> Result<(), Error> {
        while self.framed.codec().awaited() > 0 {
            self.next(self.patience).await?;
        }
        Ok(())
    }

    /// What the server has said to the question asked ahead, once.
    pub fn heard(&mut self) -> Option<Option<Capabilities>> {
        self.heard.take()
    }

    async fn capabilities(&mut self) -> Result<Option<Capabilities>, Error> {
        /// The longest real one has some thirty.
        const MOST_CAPABILITIES: usize = 1_000;
        /// The octets of a thousand such lines.
        const LARGEST: usize = 64 * 1024;

        let body = self.listing(MOST_CAPABILITIES, LARGEST).await?.ok();
        if let Some(body) = &body {
            for line in crate::pop3::listing::lines(body) {
                self.dialogue
                    .server(&excerpt(&String::from_utf8_lossy(line)));
            }
        }
        Ok(body.map(|body| Capabilities::parse(&body)))
    }

    /// Sends QUIT, unless that was done. Nothing may be asked after it. May be broken off and begun again.
    pub async fn leave(&mut self) -> Result<(), Error> {
        if !self.has_left {
            self.send(&Request::Quit).await?;
            self.has_left = true;
        }
        self.flush().await
    }

    /// Sends QUIT, unless that was done, and awaits its answer, behind whatever else is still to come, for a
    /// short time.
    pub async fn quit(&mut self) {
        let farewell = async {
            self.leave().await?;
            self.await_all().await
        };
        // Nothing depends on the outcome: the server ends the session when the connection closes.
        let _ = time::timeout(QUIT_TIMEOUT, farewell).await;
    }

    /// How long the server may be silent.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// True if the connection is protected.
    pub fn is_tls(&self) -> bool {
        self.framed.get_ref().is_tls()
    }

    /// The server's certificate in DER.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        self.framed.get_ref().peer_certificate()
    }

    /// Words without what the server was told in confidence.
    pub fn mask(&self, words: &str) -> String {
        self.dialogue.mask(words)
    }

    /// An answer or an error without what the server was told in confidence, should it repeat that.
    /// What is well is left as it is: numbers are read from it.
    fn discreet(&self, answer: Result<Answer, Error>) -> Result<Answer, Error> {
        let mask = |words: &str| self.dialogue.mask(words);
        match answer {
            Ok(Answer::Line(mut response)) if !response.is_ok() => {
                response.text = mask(&response.text).into();
                Ok(Answer::Line(response))
            }
            Err(Error::Broken(ParseError::NoStatus(words))) => {
                Err(ParseError::NoStatus(mask(&words)).into())
            }
            Err(Error::Broken(ParseError::Unasked(words))) => {
                Err(ParseError::Unasked(mask(&words)).into())
            }
            answer => answer,
        }
    }

    /// The next part of an answer, within `limit`, and not slower than [`LEAST_RATE`].
    pub(super) async fn next(&mut self, limit: Duration) -> Result<Answer, Error> {
        let started = Instant::now();
        let answer = time::timeout(limit, next_frame(&mut self.framed)).await;
        self.waited += started.elapsed();
        let answer = match answer {
            Ok(Some(answer)) => self.discreet(answer.map_err(Error::from))?,
            Ok(None) => return Err(Error::Closed),
            Err(_) => {
                return Err(Error::TimedOut {
                    what: "the server's answer",
                    limit,
                });
            }
        };
        self.received += match &answer {
            Answer::Line(response) => {
                self.dialogue.server(response);
                response.text.len() as u64
            }
            Answer::Challenge(challenge) => challenge.len() as u64,
            Answer::Body(bytes) => bytes.len() as u64,
            Answer::End => 0,
        };
        if self.waited > RATE_WINDOW {
            if self.received < LEAST_RATE * RATE_WINDOW.as_secs()
                && (self.is_fetching || matches!(answer, Answer::Body(_)))
            {
                return Err(Error::TimedOut {
                    what: "the server's answer, a few octets at a time,",
                    limit: RATE_WINDOW,
                });
            }
            self.waited = Duration::ZERO;
            self.received = 0;
        }
        Ok(answer)
    }
}

async fn next_frame(
    framed: &mut Framed<Stream, ClientCodec>,
) -> Option<Result<Answer, crate::pop3::codec::ClientError>> {
    use std::pin::Pin;

    std::future::poll_fn(|context| futures_util::Stream::poll_next(Pin::new(&mut *framed), context))
        .await
}

//! One connection: read a command, step, write the answer. It decides nothing: [`Session`] does.
//!
//! Answers gather in a buffer and go out when it is full, or when no further command has come:
//! pipelined commands are answered in few packets.

use std::{io, mem, net::IpAddr, sync::Arc};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task,
    time::{self, Instant},
};
use tokio_util::codec::{Decoder, Encoder};

use crate::{
    net::Stream,
    pop3::{
        codec::{Input, Output, ServerCodec},
        command::Command,
        listing::MessageNumber,
        response::{Code, Response},
        state::State,
    },
};

use super::{
    Shared,
    accounts::{Account, Delete},
    events::{Event, Fault, SessionNumber},
    journal::{Journal, Outcome},
    limits::{Arrival, Presence},
    maildrop::{Identity, Message},
    mbox::Excerpt,
    reader::{self, Direction, Reader, WINDOW, Window},
    session::{Body, Credentials, Offer, Refusal, Rights, Session, Step, Updated},
    spool::{self, Lease, Opened},
};

/// With more than this in the answer's buffer, in octets, it is written out.
const FULL: usize = 128 * 1024;

/// A session that has nothing to do for so long gives its buffers back.
const REST: time::Duration = time::Duration::from_secs(1);

/// How much is read at a time, in octets: little while commands come one by one, more if many come.
const SMALL_READ: usize = 512;
const LARGE_READ: usize = 16 * 1024;

/// One connection.
pub(super) struct Connection {
    shared: Arc<Shared>,
    number: SessionNumber,
    address: IpAddr,
    stream: Stream,
    codec: ServerCodec,
    session: Session,
    input: BytesMut,
    output: BytesMut,
    place: Place,
    journal: Journal,
}

/// What the connection holds of the server.
enum Place {
    Arriving {
        _arrival: Arrival,
        deadline: Instant,
    },
    SignedIn(Box<Visit>),
}

/// What a signed-in session holds.
struct Visit {
    account: Arc<Account>,
    reader: Option<Reader>,
    window: Window,
    previous: Option<Message>,
    _lease: Lease,
    _presence: Presence,
}

/// Why a connection ends before its QUIT.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the connection failed")]
    Io(#[from] io::Error),
    #[error("the TLS handshake failed")]
    Tls(#[from] crate::net::tls::Error),
    #[error("the message could not be read to its end")]
    Reader(#[from] reader::Error),
    #[error("it ended")]
    Ended(Outcome),
}

impl Connection {
    pub(super) fn new(
        shared: Arc<Shared>,
        number: SessionNumber,
        stream: Stream,
        address: IpAddr,
        arrival: Arrival,
        offer: Offer,
    ) -> Connection {
        Connection {
            number,
            address,
            codec: ServerCodec::default(),
            session: Session::new(offer),
            input: BytesMut::new(),
            output: BytesMut::new(),
            place: Place::Arriving {
                _arrival: arrival,
                deadline: Instant::now() + shared.limits.sign_in,
            },
            journal: Journal::default(),
            stream,
            shared,
        }
    }

    /// Serves the connection to its end, and writes its line into the log.
    pub(super) async fn run(mut self) {
        self.tell(Event::Connected {
            session: self.number,
            address: self.address,
        });
        let abort = self.shared.abort.clone();
        let result = tokio::select! {
            result = self.serve() => result,
            () = abort.cancelled() => Err(Broken::Ended(Outcome::ServerEnds)),
        };
        let outcome = match result {
            Ok(()) => Outcome::Quit,
            Err(Broken::Ended(outcome)) => outcome,
            Err(Broken::Io(_)) => Outcome::Lost,
            Err(Broken::Tls(error)) => {
                tracing::debug!(
                    session = self.number,
                    error = &error as &dyn std::error::Error
                );
                Outcome::NoTls
            }
            Err(Broken::Reader(error)) => {
                tracing::error!(
                    session = self.number,
                    error = &error as &dyn std::error::Error
                );
                Outcome::MailboxFailed
            }
        };
        let account = match &self.place {
            Place::Arriving { .. } => None,
            Place::SignedIn(visit) => Some(visit.account.name.as_str()),
        };
        self.journal
            .write(self.number, account, self.address, outcome);
        self.tell(Event::Ended {
            session: self.number,
        });
    }

    async fn serve(&mut self) -> Result<(), Broken> {
        self.wait_while_hanging().await?;
        let greeting = self.session.greeting();
        self.respond(greeting)?;
        loop {
            let input = self.next_input().await?;
            self.wait_while_hanging().await?;
            let subject = self.note(&input);
            let mut step = self.session.receive(input);
            step = match step {
                Step::SignIn(credentials) => self.sign_in(credentials).await?,
                Step::Update(messages) => {
                    let step = self.update(&messages).await;
                    self.close(step, messages.len()).await?;
                    return Ok(());
                }
                other => other,
            };
            match step {
                Step::Reply(response, body) => {
                    if self.reply(response, body).await? {
                        self.tell_of(subject);
                    }
                }
                Step::Challenge(challenge) => self.put(Output::Challenge(challenge))?,
                Step::Upgrade(response) => self.upgrade(response).await?,
                Step::Close(response) => {
                    let is_quit = response.is_ok();
                    self.close(Step::Close(response), 0).await?;
                    return if is_quit {
                        Ok(())
                    } else {
                        Err(Broken::Ended(Outcome::TurnedAway))
                    };
                }
                Step::SignIn(_) | Step::Update(_) => {}
            }
        }
    }

    /// The next line, from what has come already or from the network. What was answered so far is
    /// sent before the network is waited for.
    async fn next_input(&mut self) -> Result<Input, Broken> {
        let mut room = SMALL_READ;
        loop {
            if self.shared.ending.is_cancelled() {
                self.flush().await?;
                return Err(Broken::Ended(Outcome::ServerEnds));
            }
            self.codec.set_in_exchange(self.session.in_exchange());
            if let Some(input) = self.codec.decode(&mut self.input)? {
                return Ok(input);
            }
            self.flush().await?;
            let read = self.read(room).await?;
            if read == 0 {
                return Err(Broken::Ended(Outcome::Lost));
            }
            if read >= SMALL_READ {
                room = LARGE_READ;
            }
        }
    }

    async fn read(&mut self, room: usize) -> Result<usize, Broken> {
        let (deadline, outcome) = match &self.place {
            Place::Arriving { deadline, .. } => (*deadline, Outcome::SlowToSignIn),
            Place::SignedIn(_) => (Instant::now() + self.shared.limits.idle, Outcome::Idle),
        };
        let mut fault = self.shared.fault.subscribe();
        let ending = self.shared.ending.clone();
        let mut rested = false;
        loop {
            self.input.reserve(room);
            let rest = Instant::now() + REST;
            let until = if rested { deadline } else { deadline.min(rest) };
            tokio::select! {
                read = self.stream.read_buf(&mut self.input) => return Ok(read?),
                () = time::sleep_until(until) => {
                    if until == deadline {
                        return Err(Broken::Ended(outcome));
                    }
                    self.give_back_buffers();
                    rested = true;
                }
                () = ending.cancelled() => return Err(Broken::Ended(Outcome::ServerEnds)),
                _ = fault.wait_for(|fault| *fault == Fault::Refuse) => {
                    return Err(Broken::Ended(Outcome::ServerEnds));
                }
            }
        }
    }

    fn give_back_buffers(&mut self) {
        self.output = BytesMut::new();
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        if let Place::SignedIn(visit) = &mut self.place {
            visit.window = Window::default();
        }
    }

    async fn wait_while_hanging(&mut self) -> Result<(), Broken> {
        let mut fault = self.shared.fault.subscribe();
        let ending = self.shared.ending.clone();
        tokio::select! {
            _ = fault.wait_for(|fault| *fault != Fault::Hang) => Ok(()),
            () = ending.cancelled() => Err(Broken::Ended(Outcome::ServerEnds)),
        }
    }

    /// Answers; true if the answer was positive.
    async fn reply(&mut self, response: Response, body: Body) -> Result<bool, Broken> {
        let mut is_ok = response.is_ok();
        match body {
            Body::None => self.respond(response)?,
            Body::Lines(lines) => {
                self.respond(response)?;
                self.put(Output::Lines(lines))?;
                self.put(Output::End)?;
            }
            Body::Listing(listing) => {
                self.respond(response)?;
                for lines in listing {
                    self.put(Output::Lines(lines))?;
                    self.write_if_full().await?;
                }
                self.put(Output::End)?;
            }
            Body::Message { message, excerpt } => {
                match self.fetch(&message, message.entry.body).await {
                    Ok(()) => {
                        self.respond(response)?;
                        self.send_message(&message, excerpt).await?;
                    }
                    Err(error) => {
                        is_ok = false;
                        self.respond(unreadable(&error))?;
                        tracing::error!(
                            session = self.number,
                            error = &error as &dyn std::error::Error
                        );
                    }
                }
            }
        }
        self.write_if_full().await?;
        Ok(is_ok)
    }

    async fn send_message(
        &mut self,
        message: &Message,
        mut excerpt: Excerpt,
    ) -> Result<(), Broken> {
        let end = message.entry.end;
        let mut offset = message.entry.body;
        while offset < end && !excerpt.is_over() {
            // An error now leaves half an answer: all that can be done is to end.
            self.fetch(message, offset).await?;
            let Place::SignedIn(visit) = &self.place else {
                break;
            };
            let upto = end.min(offset + WINDOW);
            let Some(piece) = visit.window.slice(offset, upto) else {
                break;
            };
            let piece = if upto < end {
                whole_lines(piece)
            } else {
                piece
            };
            offset += piece.len() as u64;
            let (codec, output) = (&mut self.codec, &mut self.output);
            excerpt.push(piece, |part| codec.encode_body(part, output));
            self.write_if_full().await?;
        }
        self.put(Output::End)?;
        if let Place::SignedIn(visit) = &mut self.place {
            visit.previous = Some(*message);
        }
        Ok(())
    }

    /// Makes the window hold the message from there on, as far as a window reaches.
    async fn fetch(&mut self, message: &Message, offset: u64) -> Result<(), reader::Error> {
        let Place::SignedIn(visit) = &mut self.place else {
            return Err(reader::Error::Changed);
        };
        let upto = message.entry.end.min(offset + WINDOW);
        if visit.window.slice(offset, upto).is_some() {
            return Ok(());
        }
        let Some(reader) = visit.reader.clone() else {
            return Err(reader::Error::Changed);
        };
        let direction = Direction::between(visit.previous.as_ref(), message);
        let message = *message;
        let read = task::spawn_blocking(move || {
            if offset == message.entry.body {
                reader.first(&message, direction)
            } else {
                reader.more(&message, offset)
            }
        });
        visit.window = read
            .await
            .map_err(|error| reader::Error::Read(io::Error::other(error)))??;
        Ok(())
    }

    async fn sign_in(&mut self, credentials: Credentials) -> Result<Step, Broken> {
        let name = credentials.name().to_owned();
        let opened = match self.shared.fault() {
            Fault::HoldLock => Err(Refusal::Busy),
            Fault::None | Fault::Refuse | Fault::Hang => self.open(credentials).await,
        };
        let (account, opened, presence) = match opened {
            Ok(opened) => opened,
            Err(refusal) => return self.turn_away(refusal, name).await,
        };
        let rights = Rights {
            delete: account.delete == Delete::Allowed,
        };
        self.tell(Event::SignedIn {
            session: self.number,
            account: account.name.clone(),
            address: self.address,
        });
        self.place = Place::SignedIn(Box::new(Visit {
            account,
            reader: opened.reader,
            window: Window::default(),
            previous: None,
            _lease: opened.lease,
            _presence: presence,
        }));
        Ok(self.session.signed_in(opened.maildrop, rights))
    }

    async fn turn_away(&mut self, refusal: Refusal, name: String) -> Result<Step, Broken> {
        let step = self.session.turned_away(refusal);
        match refusal {
            Refusal::Denied => {
                self.tell(Event::Denied {
                    session: self.number,
                    address: self.address,
                });
                // The others' answers are not held back with this one.
                self.flush().await?;
                let pause = self.shared.limits.pause * self.session.penalty();
                let throttle = self.shared.crowd.hold_back(self.address, Instant::now());
                time::sleep(pause.max(throttle)).await;
            }
            Refusal::Busy => self.tell(Event::Busy {
                session: self.number,
                account: name,
            }),
            Refusal::Crowded | Refusal::Temporary | Refusal::Permanent => {}
        }
        Ok(step)
    }

    async fn open(
        &mut self,
        credentials: Credentials,
    ) -> Result<(Arc<Account>, Opened, Presence), Refusal> {
        let presence = self.shared.crowd.sign_in().ok_or(Refusal::Crowded)?;
        let (spool, known) = (self.shared.spool.clone(), credentials.clone());
        // A team's polling goes this way: one turn on a blocking thread, and no argon2.
        let quick = task::spawn_blocking(move || {
            let accounts = spool.accounts();
            let account = match &known {
                Credentials::Password { name, password } => accounts.recall(name, password)?,
                Credentials::Apop {
                    name,
                    timestamp,
                    digest,
                } => accounts.verify_apop(name, timestamp, digest)?,
            };
            Some(open_maildrop(&spool, account))
        })
        .await
        .map_err(|_| Refusal::Temporary)?;
        let (account, opened) = match (quick, credentials) {
            (Some(opened), _) => opened?,
            (None, Credentials::Apop { .. }) => return Err(Refusal::Denied),
            (None, Credentials::Password { name, password }) => {
                let permit = self.shared.checks.clone().acquire_owned().await;
                let spool = self.shared.spool.clone();
                task::spawn_blocking(move || {
                    let account = spool.accounts().verify(&name, &password);
                    drop(permit);
                    open_maildrop(&spool, account.ok_or(Refusal::Denied)?)
                })
                .await
                .map_err(|_| Refusal::Temporary)??
            }
        };
        Ok((account, opened, presence))
    }

    async fn update(&mut self, messages: &std::collections::BTreeSet<Identity>) -> Step {
        let Place::SignedIn(visit) = &self.place else {
            return self.session.updated(Updated::Failed);
        };
        let (spool, account) = (self.shared.spool.clone(), visit.account.clone());
        let messages = messages.clone();
        let removed = task::spawn_blocking(move || spool.remove(&account, &messages)).await;
        self.session.updated(match removed {
            Ok(Ok(())) => Updated::Done,
            Ok(Err(error)) => {
                tracing::error!(
                    session = self.number,
                    error = &error as &dyn std::error::Error
                );
                Updated::Failed
            }
            Err(_) => Updated::Failed,
        })
    }

    async fn close(&mut self, step: Step, marked: usize) -> Result<(), Broken> {
        if let Step::Close(response) = step {
            if response.is_ok() {
                self.journal.deleted = marked;
                self.tell(Event::Quit {
                    session: self.number,
                    deleted: marked,
                });
            }
            self.respond(response)?;
        }
        self.flush().await?;
        // The client may have closed first; the answer is on its way in any case.
        let _ = time::timeout(self.shared.limits.grace, self.stream.shutdown()).await;
        Ok(())
    }

    async fn upgrade(&mut self, response: Response) -> Result<(), Broken> {
        let Some(acceptor) = self.shared.acceptor() else {
            return Err(Broken::Ended(Outcome::NoTls));
        };
        if !self.input.is_empty() {
            // Somebody in the way may have put it there (CVE-2011-0411): it is never looked at.
            self.input.clear();
            self.close(
                Step::Close(Response::err("nothing may follow STLS before TLS")),
                0,
            )
            .await?;
            return Err(Broken::Ended(Outcome::Injected));
        }
        self.respond(response)?;
        self.flush().await?;
        let plain = mem::replace(&mut self.stream, Stream::plain(tokio::io::empty()));
        self.stream = self.within_sign_in(plain.accept(&acceptor)).await??;
        self.session.upgraded();
        Ok(())
    }

    /// Makes TLS before anything is said, for the ports where it is so.
    pub(super) async fn protect(&mut self) -> bool {
        let Some(acceptor) = self.shared.acceptor() else {
            return false;
        };
        let plain = mem::replace(&mut self.stream, Stream::plain(tokio::io::empty()));
        match self.within_sign_in(plain.accept(&acceptor)).await {
            Ok(Ok(stream)) => {
                self.stream = stream;
                true
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }

    async fn within_sign_in<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Broken> {
        let Place::Arriving { deadline, .. } = &self.place else {
            return Ok(work.await);
        };
        let ending = self.shared.ending.clone();
        tokio::select! {
            done = work => Ok(done),
            () = time::sleep_until(*deadline) => Err(Broken::Ended(Outcome::SlowToSignIn)),
            () = ending.cancelled() => Err(Broken::Ended(Outcome::ServerEnds)),
        }
    }

    fn respond(&mut self, response: Response) -> Result<(), Broken> {
        self.put(Output::Line(response))
    }

    fn put(&mut self, output: Output) -> Result<(), Broken> {
        Ok(self.codec.encode(output, &mut self.output)?)
    }

    async fn write_if_full(&mut self) -> Result<(), Broken> {
        if self.output.len() >= FULL {
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Broken> {
        let idle = self.shared.limits.idle;
        let mut written = 0;
        while written < self.output.len() {
            let write = self.stream.write(&self.output[written..]);
            match time::timeout(idle, write).await {
                Ok(Ok(0)) => return Err(Broken::Ended(Outcome::Lost)),
                Ok(Ok(more)) => written += more,
                Ok(Err(error)) => return Err(error.into()),
                // A client that does not read holds up nobody but itself, and not for ever.
                Err(_) => return Err(Broken::Ended(Outcome::Idle)),
            }
        }
        self.journal.octets += written as u64;
        self.output.clear();
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        if self.output.is_empty() {
            return Ok(());
        }
        self.write().await?;
        match time::timeout(self.shared.limits.idle, self.stream.flush()).await {
            Ok(flushed) => Ok(flushed?),
            Err(_) => Err(Broken::Ended(Outcome::Idle)),
        }
    }

    /// Counts the command, and remembers what it is about until it is known how it ended.
    fn note(&mut self, input: &Input) -> Subject {
        let (keyword, subject) = match input {
            Input::Continuation(_) => return Subject::Other,
            Input::Command(Err(_)) => ("?", Subject::Other),
            Input::Command(Ok(command)) => (
                command.keyword(),
                match command {
                    Command::List(None) | Command::Uidl(None) => Subject::Listing,
                    Command::Retr(message) => Subject::Retrieval(*message),
                    Command::Dele(message) => Subject::Deletion(*message),
                    _ => Subject::Other,
                },
            ),
        };
        self.journal.count(keyword);
        self.tell(Event::Commanded {
            session: self.number,
            keyword,
        });
        subject
    }

    fn tell_of(&self, subject: Subject) {
        let session = self.number;
        if self.session.state() == State::Transaction {
            match subject {
                Subject::Listing => self.tell(Event::Listed { session }),
                Subject::Retrieval(message) => self.tell(Event::Retrieved { session, message }),
                Subject::Deletion(message) => self.tell(Event::Deleted { session, message }),
                Subject::Other => {}
            }
        }
    }

    fn tell(&self, event: Event) {
        self.shared.tell(event);
    }
}

/// What a command is about, as far as observers want to know.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Listing,
    Retrieval(MessageNumber),
    Deletion(MessageNumber),
    Other,
}

fn unreadable(error: &reader::Error) -> Response {
    let text = match error {
        reader::Error::Read(_) => "the message cannot be read now",
        reader::Error::Changed => {
            "another program has changed the mailbox: sign in again to see what it holds"
        }
    };
    Response::err_with(Code::SysTemp, text)
}

fn open_maildrop(
    spool: &spool::Spool,
    account: Arc<Account>,
) -> Result<(Arc<Account>, Opened), Refusal> {
    match spool.open_maildrop(&account) {
        Ok(opened) => Ok((account, opened)),
        Err(spool::Error::Busy) => Err(Refusal::Busy),
        Err(error) => {
            tracing::error!(
                account = account.name,
                error = &error as &dyn std::error::Error,
                "the maildrop cannot be opened"
            );
            Err(match error {
                spool::Error::Io { .. } | spool::Error::Busy => Refusal::Temporary,
                spool::Error::Denied { .. }
                | spool::Error::Accounts(_)
                | spool::Error::UnknownAccount(_) => Refusal::Permanent,
            })
        }
    }
}

/// The piece up to its last line end; all of it if it is a part of one long line.
fn whole_lines(piece: &[u8]) -> &[u8] {
    match memchr::memrchr(b'\n', piece) {
        Some(newline) => &piece[..=newline],
        None => piece,
    }
}

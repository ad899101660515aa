//! One connection: read a command, step, write the answer. It decides nothing: [`Session`] does.
//!
//! Answers gather in a buffer and go out when it is full, or when no further command has come:
//! pipelined commands are answered in few packets.

use std::{collections::BTreeSet, io, mem, net::IpAddr, sync::Arc};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{self, Instant},
};
use tokio_util::{codec::Decoder, sync::CancellationToken};

use crate::{
    causes::chain,
    net::Stream,
    pop3::{
        codec::{Input, Output, ServerCodec},
        command::Command,
        listing::MessageNumber,
        response::Response,
        state::State,
    },
    work,
};

use super::{
    Shared,
    accounts::account::Account,
    events::{Event, Fault, SessionNumber},
    journal::{Journal, Outcome},
    limits::{Arrival, Presence},
    maildrop::{Identity, Message},
    options::Protection,
    reader::{self, Reader, Window},
    session::{
        Session,
        step::{Offer, Step, Updated},
    },
    spool::mailbox::Lease,
};

mod admission;
mod sending;

/// A session that has nothing to do for so long gives its buffers back.
const REST: time::Duration = time::Duration::from_secs(1);

/// How much is read at a time, in octets: little while commands come one by one, more if many come.
const SMALL_READ: usize = 512;
const LARGE_READ: usize = 16 * 1024;

/// How long the rest of a line that is too long waits before each time it is read on: no honest client
/// sends one, and whoever pours octets without an end gets no more of the machine than this.
const RELUCTANCE: time::Duration = time::Duration::from_millis(50);

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
    Arriving { arrival: Arrival, deadline: Instant },
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
                arrival,
                deadline: Instant::now() + shared.limits.sign_in,
            },
            journal: Journal::default(),
            stream,
            shared,
        }
    }

    /// Serves the connection to its end, and writes its line into the log.
    pub(super) async fn run(mut self, protection: Protection) {
        self.tell(Event::Connected {
            session: self.number,
            address: self.address,
        });
        let abort = self.shared.abort.clone();
        let sent_away = match &self.place {
            Place::Arriving { arrival, .. } => arrival.sent_away(),
            Place::SignedIn(_) => CancellationToken::new(),
        };
        let result = tokio::select! {
            result = self.serve(protection) => result,
            () = sent_away.cancelled() => Err(Broken::Ended(Outcome::Crowded)),
            () = abort.cancelled() => Err(Broken::Ended(Outcome::ServerEnds)),
        };
        let outcome = match result {
            Ok(()) => Outcome::Quit,
            Err(Broken::Ended(outcome)) => outcome,
            Err(Broken::Io(_)) => Outcome::Lost,
            Err(Broken::Tls(error)) => {
                tracing::debug!(session = self.number, error = chain(&error));
                Outcome::NoTls
            }
            Err(Broken::Reader(error)) => {
                tracing::error!(session = self.number, error = chain(&error));
                Outcome::MailboxFailed
            }
        };
        let account = match &self.place {
            Place::Arriving { .. } => None,
            Place::SignedIn(visit) => Some(visit.account.name.as_str()),
        };
        self.shared.figures.sent(self.journal.octets);
        self.journal
            .write(self.number, account, self.address, outcome);
        self.tell(Event::Ended {
            session: self.number,
        });
    }

    async fn serve(&mut self, protection: Protection) -> Result<(), Broken> {
        self.wait_while_hanging().await?;
        if protection == Protection::Tls {
            self.protect().await?;
        }
        let greeting = self.session.greeting();
        self.respond(greeting)?;
        loop {
            let input = self.next_input().await?;
            self.wait_while_hanging().await?;
            let began = Instant::now();
            let (keyword, subject) = self.note(&input);
            let mut step = self.session.receive(input);
            step = match step {
                Step::SignIn(credentials) => self.sign_in(credentials).await?,
                Step::Look { name } => self.look(name).await?,
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
                Step::SignIn(_) | Step::Look { .. } | Step::Update(_) => {}
            }
            let account = match &self.place {
                Place::Arriving { .. } => None,
                Place::SignedIn(visit) => Some(visit.account.name.as_str()),
            };
            self.shared.figures.took(keyword, account, began.elapsed());
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
            // However much it has sent ahead.
            let (deadline, outcome) = self.deadline();
            if deadline <= Instant::now() {
                // What has been answered by then is the client's: that its password is wrong, most of all.
                self.flush().await?;
                return Err(Broken::Ended(outcome));
            }
            self.codec.set_in_exchange(self.session.in_exchange());
            if let Some(input) = self.codec.decode(&mut self.input)? {
                return Ok(input);
            }
            self.flush().await?;
            if self.codec.is_discarding() {
                let ending = self.shared.ending.clone();
                // What happened meanwhile, if not the time's end, is seen by the read.
                let _ = time::timeout(RELUCTANCE, ending.cancelled()).await;
            }
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
        let (deadline, outcome) = self.deadline();
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

    /// Until when the client is waited for, to speak or to listen, and what it was if it does not.
    fn deadline(&self) -> (Instant, Outcome) {
        match &self.place {
            Place::Arriving { deadline, .. } => (*deadline, Outcome::SlowToSignIn),
            Place::SignedIn(_) => (Instant::now() + self.shared.limits.idle, Outcome::Idle),
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

    async fn update(&mut self, messages: &BTreeSet<Identity>) -> Step {
        let Place::SignedIn(visit) = &self.place else {
            return self.session.updated(Updated::Failed);
        };
        let (spool, account) = (self.shared.spool.clone(), visit.account.clone());
        let messages = messages.clone();
        // However many wait for one mailbox's lock, there are threads left for the others.
        let turn = self.shared.turns.of(&account.mailbox).acquire_owned().await;
        let removed = work::begin(move || spool.remove(&account, &messages)).await;
        drop(turn);
        self.session.updated(match removed {
            Ok(Ok(())) => Updated::Done,
            Ok(Err(error)) => {
                tracing::error!(session = self.number, error = chain(&error));
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
        self.protect().await
    }

    async fn protect(&mut self) -> Result<(), Broken> {
        let Some(acceptor) = self.shared.acceptor.borrow().clone() else {
            return Err(Broken::Ended(Outcome::NoTls));
        };
        let plain = mem::replace(&mut self.stream, Stream::plain(tokio::io::empty()));
        self.stream = self.within_sign_in(plain.accept(&acceptor)).await??;
        self.session.upgraded(self.stream.end_point());
        Ok(())
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

    /// Counts the command, and remembers what it is about until it is known how it ended.
    fn note(&mut self, input: &Input) -> (&'static str, Subject) {
        let (keyword, subject) = match input {
            Input::Continuation(_) => return ("AUTH", Subject::Other),
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
        (keyword, subject)
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

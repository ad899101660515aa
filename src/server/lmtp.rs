//! LMTP: what a mail server hands over, into the spool (RFC 2033). What may be said is [`session`]'s to
//! decide, where it is said [`socket`]'s.

use std::{
    collections::HashSet,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes, BytesMut};
use jiff::Timestamp;
use smtp_proto::request::receiver::{DataReceiver, DummyDataReceiver};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{causes::chain, net::Carrier, work};

use self::{
    session::{Found, LONGEST_COMMAND, Outcome, Session, Step},
    socket::Socket,
};

use super::{
    events::{Event, Observer},
    figures::Figures,
    intake,
    spool::{self, Spool, mailbox::Delivered},
};

pub mod session;
pub mod socket;

/// Connections at the same time: each may hold a mail in memory. A mail server opens a few.
pub const MOST_CONNECTIONS: usize = 32;

/// The largest mail, in octets: what common mail servers take.
pub const LARGEST: u64 = 50_000_000;

/// What memory is counted in, in octets.
pub const PIECE: usize = 1024 * 1024;

/// How long a command or a part of a mail is waited for (RFC 5321 §4.5.3.2: five minutes).
pub const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// How long a peer may take to hear the last words.
const FAREWELL: Duration = Duration::from_secs(2);

/// What all connections share.
#[derive(Debug)]
pub(super) struct Intake {
    pub spool: Arc<Spool>,
    pub figures: Arc<Figures>,
    pub observer: Option<Observer>,
    pub ending: CancellationToken,
    pub places: Semaphore,
    /// Memory for mails.
    pub room: Arc<Semaphore>,
}

/// Takes connections until the server ends.
pub(super) async fn accept(intake: Arc<Intake>, socket: Socket, tasks: TaskTracker) {
    /// After an error that another try at once would meet again.
    const PAUSE: Duration = Duration::from_millis(100);

    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = intake.ending.cancelled() => return,
        };
        match accepted {
            Ok(stream) => {
                let intake = intake.clone();
                tasks.spawn(async move { serve(&intake, stream).await });
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "cannot accept");
                time::sleep(PAUSE).await;
            }
        }
    }
}

/// Serves one connection to its end.
pub(super) async fn serve(intake: &Intake, mut stream: Box<dyn Carrier>) {
    let Ok(_place) = intake.places.try_acquire() else {
        let _ = stream
            .write_all(b"421 4.3.2 too many connections: try again soon\r\n")
            .await;
        return;
    };
    let mut connection = Connection {
        intake,
        session: Session::new(LARGEST),
        stream,
        input: BytesMut::new(),
        output: Vec::new(),
    };
    if let Err(error) = connection.run().await {
        tracing::debug!(error = chain(&error), "an LMTP connection ended");
    }
}

struct Connection<'a> {
    intake: &'a Intake,
    session: Session,
    stream: Box<dyn Carrier>,
    input: BytesMut,
    output: Vec<u8>,
}

impl Connection<'_> {
    async fn run(&mut self) -> io::Result<()> {
        self.say(&self.session.greeting());
        loop {
            let Some(line) = self.line().await? else {
                return Ok(());
            };
            let mut step = self.session.receive(&line);
            if let Step::Find { account, octets } = step {
                let found = self.intake.find(&account, octets).await;
                step = self.session.found(account, found);
            }
            match step {
                Step::Say(reply) => self.say(&reply),
                Step::Gather(reply) => {
                    self.say(&reply);
                    if !self.take_mail().await? {
                        return Ok(());
                    }
                }
                Step::Close(reply) => {
                    self.say(&reply);
                    return self.flush().await;
                }
                Step::Find { .. } => {}
            }
        }
    }

    fn say(&mut self, reply: &session::Reply) {
        self.output.extend_from_slice(reply.to_string().as_bytes());
    }

    async fn flush(&mut self) -> io::Result<()> {
        let patience = match self.intake.ending.is_cancelled() {
            true => FAREWELL,
            false => PATIENCE,
        };
        let written = time::timeout(patience, self.stream.write_all(&self.output)).await;
        self.output.clear();
        written.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Reads more; none if the connection or the server ends.
    async fn read(&mut self) -> io::Result<Option<()>> {
        self.flush().await?;
        self.input.reserve(16 * 1024);
        let ending = self.intake.ending.clone();
        let read = tokio::select! {
            read = time::timeout(PATIENCE, self.stream.read_buf(&mut self.input)) => read,
            () = ending.cancelled() => {
                self.say(&Session::farewell());
                self.flush().await?;
                return Ok(None);
            }
        };
        let read = read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok((read > 0).then_some(()))
    }

    /// The next command line with its end. Of one that is too long, the first octets.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut long = None;
        loop {
            if let Some(newline) = memchr::memchr(b'\n', &self.input) {
                let line = self.input.split_to(newline + 1).to_vec();
                return Ok(Some(long.unwrap_or(line)));
            }
            if self.input.len() > LONGEST_COMMAND {
                long.get_or_insert_with(|| self.input.to_vec());
                self.input.clear();
            }
            if self.read().await?.is_none() {
                return Ok(None);
            }
        }
    }

    /// Takes the mail's octets and delivers it; false if the connection ends in it.
    async fn take_mail(&mut self) -> io::Result<bool> {
        let mut receiver = DataReceiver::new();
        // The mail begins at the start of a line: one that is a lone dot ends it there and then.
        let mut mail = Vec::new();
        receiver.ingest(&mut b"\r\n".iter(), &mut mail);
        let mut too_much: Option<(DummyDataReceiver, Outcome)> = None;
        let mut room: Option<OwnedSemaphorePermit> = None;
        loop {
            let (is_over, left) = {
                let mut octets = self.input.iter();
                let is_over = match too_much.as_mut().map(|(rest, _)| rest) {
                    Some(rest) => rest.ingest(&mut octets),
                    None => receiver.ingest(&mut octets, &mut mail),
                };
                (is_over, octets.len())
            };
            self.input.advance(self.input.len() - left);
            if is_over {
                break;
            }
            if too_much.is_none() {
                let outcome = if mail.len() as u64 > LARGEST {
                    Some(Outcome::TooLarge)
                } else if !self.intake.make_room(&mut room, mail.len()) {
                    Some(Outcome::Crowded)
                } else {
                    None
                };
                if let Some(outcome) = outcome {
                    too_much = Some((DummyDataReceiver::new_data(&receiver), outcome));
                    mail = Vec::new();
                    room = None;
                }
            }
            if self.read().await?.is_none() {
                return Ok(false);
            }
        }
        let envelope = self.session.take_mail();
        let mail = match too_much {
            Some((_, outcome)) => Err(outcome),
            None if mail.len() as u64 > LARGEST => Err(Outcome::TooLarge),
            None => Ok(Bytes::from(mail).slice(2..)),
        };
        // An account that is named twice, by two addresses of it, gets the mail once.
        let mut delivered = HashSet::new();
        for account in envelope.accounts {
            let outcome = match &mail {
                Ok(_) if delivered.contains(&account) => Outcome::Delivered,
                Ok(mail) => {
                    let mail = mail.clone();
                    self.intake.deliver(&account, mail, &envelope.sender).await
                }
                Err(outcome) => *outcome,
            };
            self.say(&outcome.reply(&account));
            if outcome == Outcome::Delivered {
                delivered.insert(account);
            }
            // Whoever waits for the others' answers does not wait in vain for this one.
            self.flush().await?;
        }
        Ok(true)
    }
}

impl Intake {
    /// Takes memory for a mail that has so many octets by now. False if others hold it: whoever sends
    /// the mail tries again.
    fn make_room(&self, room: &mut Option<OwnedSemaphorePermit>, octets: usize) -> bool {
        let held = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = octets.div_ceil(PIECE).saturating_sub(held);
        let Ok(wanted @ 1..) = u32::try_from(wanted) else {
            return true;
        };
        let Ok(more) = self.room.clone().try_acquire_many_owned(wanted) else {
            return false;
        };
        match room {
            Some(room) => room.merge(more),
            None => *room = Some(more),
        }
        true
    }

    async fn find(&self, account: &str, octets: u64) -> Found {
        let (spool, account) = (self.spool.clone(), account.to_owned());
        let found = work::begin(move || match spool.accounts().find(&account) {
            // Without any account, the file of accounts is more likely not there than meant.
            None if spool.accounts().all().is_empty() => Found::Unknown,
            None => Found::Nobody,
            Some(account) if account.largest_message.is_some_and(|most| octets > most) => {
                Found::TooLarge
            }
            Some(_) => Found::Yes,
        });
        found.await.unwrap_or(Found::Unknown)
    }

    async fn deliver(&self, account: &str, mail: Bytes, sender: &str) -> Outcome {
        let (octets, began) = (mail.len(), Instant::now());
        let (spool, name, from) = (self.spool.clone(), account.to_owned(), sender.to_owned());
        let delivered =
            work::begin(move || spool.deliver(&name, &mail, Some(&from), Timestamp::now()));
        let outcome = match delivered.await {
            Ok(Ok(Delivered::Kept)) => Outcome::Delivered,
            Ok(Ok(Delivered::Known)) => Outcome::Known,
            Ok(Err(error)) => {
                let outcome = outcome_of(&error);
                if matches!(outcome, Outcome::Failed | Outcome::Broken) {
                    tracing::error!(account, error = chain(&error), "a mail cannot be delivered");
                }
                outcome
            }
            Err(_) => Outcome::Failed,
        };
        tracing::info!(account, octets, outcome = %outcome, "delivery");
        self.figures
            .took("delivery", Some(account), began.elapsed());
        match outcome {
            Outcome::Delivered => {
                let event = Event::Delivered {
                    account: account.to_owned(),
                };
                self.figures.heed(&event);
                if let Some(observer) = &self.observer {
                    observer.tell(event);
                }
            }
            Outcome::Known => {}
            _ => self.figures.undelivered(),
        }
        outcome
    }
}

fn outcome_of(error: &spool::Error) -> Outcome {
    match error {
        spool::Error::Busy => Outcome::Busy,
        spool::Error::Full { .. } => Outcome::Full,
        spool::Error::Refused(intake::Refusal::TooLarge { .. }) => Outcome::TooLarge,
        spool::Error::Refused(intake::Refusal::Sender) => Outcome::Refused,
        spool::Error::Io { .. } => Outcome::Failed,
        spool::Error::Denied { .. }
        | spool::Error::Accounts(_)
        | spool::Error::UnknownAccount(_) => Outcome::Broken,
    }
}

/// For the log.
impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Outcome::Delivered => "delivered",
            Outcome::Known => "known",
            Outcome::TooLarge => "too large",
            Outcome::Full => "mailbox full",
            Outcome::Refused => "sender refused",
            Outcome::Busy => "mailbox busy",
            Outcome::Crowded => "too much mail at once",
            Outcome::Failed => "failed",
            Outcome::Broken => "broken",
        })
    }
}

//! POP3 from the server's side, over a spool of mbox files: listeners, and what their connections
//! share. What a session may say is [`session`]'s to decide, what becomes of mail is [`spool`]'s.
//!
//! ```text
//!   listen ─ accept ─▶ connection ─ Input ─▶ session ─ Step ─▶ connection ─ blocking thread ─▶ spool
//! ```

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    causes::chain,
    net::{Carrier, Stream, tls::Acceptor},
};

use self::{
    connection::Connection,
    events::{Event, Fault, Observer},
    figures::{Figures, Status},
    limits::{Crowd, Limits, MOST_CHECKS, Turns},
    lmtp::{Intake, socket},
    options::{Options, Plaintext, Protection},
    session::step::Offer,
    spool::{Spool, mailbox::Delivered},
};

pub mod accounts;
pub mod certificate;
mod connection;
pub mod events;
pub mod figures;
pub mod file;
pub mod folder;
pub mod housekeeping;
pub mod index;
pub mod intake;
mod journal;
pub mod limits;
pub mod lmtp;
pub mod lock;
pub mod maildir;
pub mod maildrop;
pub mod mbox;
pub mod options;
pub mod reader;
pub mod session;
pub mod spool;
pub mod status;
pub mod unix;

/// The server; [`Server::start`] is its one way in.
#[derive(Debug)]
pub enum Server {}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It may not or cannot listen there.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Passwords would travel in the clear, and nobody said that they may.
    #[error("{0} is not within this machine: passwords would travel in the clear")]
    Unprotected(SocketAddr),
    /// Mail cannot be taken where it shall.
    #[error(transparent)]
    Intake(#[from] socket::Error),
    /// TLS is asked for, and there is no certificate.
    #[error("TLS on {0} needs a certificate")]
    NoCertificate(SocketAddr),
    /// Another server tells its figures there. Neither would know of the other's sessions, and an
    /// exclusive one would not be alone.
    #[error("a server runs over this spool already")]
    Running,
}

impl Server {
    /// Starts a server over this spool. It runs until its handle is told to shut it down, or dropped.
    ///
    /// # Errors
    ///
    /// It may not listen where it shall, or would let passwords travel in the clear there.
    pub async fn start(spool: Arc<Spool>, options: Options) -> Result<Handle, Error> {
        let mut bound = Vec::new();
        for listener in &options.listeners {
            may_listen(listener.address, listener.protection, &options)?;
            let socket = TcpListener::bind(listener.address).await;
            let socket = socket.map_err(cannot_listen(listener.address))?;
            bound.push((socket, listener.protection));
        }
        for given in &options.sockets {
            let address = given.socket.local_addr();
            let address = address.map_err(cannot_listen(NOWHERE))?;
            may_listen(address, given.protection, &options)?;
            let socket = take_over(&given.socket).map_err(cannot_listen(address))?;
            bound.push((socket, given.protection));
        }
        let addresses = bound
            .iter()
            .filter_map(|(socket, _)| socket.local_addr().ok())
            .collect();
        let mut intakes = Vec::new();
        for place in &options.intakes {
            intakes.push(socket::Socket::bind(place).await?);
        }
        for given in &options.intake_sockets {
            intakes.push(socket::Socket::take_over(given)?);
        }
        let places = intakes.iter().map(socket::Socket::place).collect();
        let figures = Arc::new(Figures::default());
        let status = match options.status.then(|| status::listen(spool.path())) {
            Some(Err(error)) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(Error::Running);
            }
            asked => asked.and_then(|socket| socket.map_err(no_status).ok()),
        };
        let prometheus = match options.prometheus {
            Some(address) => Some(
                status::listen_for_prometheus(address)
                    .await
                    .map_err(cannot_listen(address))?,
            ),
            None => None,
        };
        let shared = Arc::new(Shared {
            spool,
            acceptor: watch::Sender::new(options.acceptor),
            figures,
            plaintext: options.plaintext,
            crowd: Arc::new(Crowd::new(options.limits.clone())),
            limits: options.limits,
            observer: options.observer,
            checks: Arc::new(Semaphore::new(MOST_CHECKS)),
            turns: Turns::default(),
            fault: watch::Sender::default(),
            ending: CancellationToken::new(),
            abort: CancellationToken::new(),
            tasks: TaskTracker::new(),
            sessions: AtomicU64::new(0),
        });
        for (socket, protection) in bound {
            shared
                .tasks
                .spawn(accept(shared.clone(), socket, protection));
        }
        let intake = Arc::new(Intake {
            spool: shared.spool.clone(),
            figures: shared.figures.clone(),
            observer: shared.observer.clone(),
            ending: shared.ending.clone(),
            places: Semaphore::new(lmtp::MOST_CONNECTIONS),
            room: Arc::new(Semaphore::new(shared.limits.mail / lmtp::PIECE)),
        });
        for socket in intakes {
            let tasks = shared.tasks.clone();
            shared
                .tasks
                .spawn(lmtp::accept(intake.clone(), socket, tasks));
        }
        if let Some(socket) = status {
            let (figures, ending) = (shared.figures.clone(), shared.ending.clone());
            let path = shared.spool.path().to_owned();
            shared
                .tasks
                .spawn(status::tell(socket, path, figures, ending));
        }
        if let Some(socket) = prometheus {
            let (figures, ending) = (shared.figures.clone(), shared.ending.clone());
            shared
                .tasks
                .spawn(status::tell_prometheus(socket, figures, ending));
        }
        shared.tasks.spawn(housekeeping::keep(
            shared.spool.clone(),
            shared.figures.clone(),
            shared.ending.clone(),
        ));
        Ok(Handle {
            shared,
            addresses,
            places,
        })
    }
}

/// For what has no address.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

/// Whether passwords are safe there.
fn may_listen(address: SocketAddr, protection: Protection, options: &Options) -> Result<(), Error> {
    if protection == Protection::Tls && options.acceptor.is_none() {
        return Err(Error::NoCertificate(address));
    }
    let is_safe = address.ip().is_loopback()
        || options.acceptor.is_some()
        || options.plaintext == Plaintext::Allowed;
    if !is_safe {
        return Err(Error::Unprotected(address));
    }
    Ok(())
}

fn cannot_listen(address: SocketAddr) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Listen { address, source }
}

fn take_over(socket: &std::net::TcpListener) -> io::Result<TcpListener> {
    let socket = socket.try_clone()?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

/// A path may be too long for a socket: mail is served all the same.
fn no_status(error: io::Error) {
    tracing::warn!(
        error = chain(&error),
        "`tidings serve status` does not reach this server"
    );
}

/// A running server. Dropped, it ends at once.
#[derive(Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    addresses: Vec<SocketAddr>,
    places: Vec<socket::Place>,
}

impl Handle {
    /// Where it listens, in the order of [`Options::listeners`], with the ports that were taken.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where it takes mail, in the order of [`Options::intakes`], with the ports that were taken.
    pub fn intakes(&self) -> &[socket::Place] {
        &self.places
    }

    /// Ends the server: no new connection is taken, every session finishes its command, nothing is
    /// deleted without QUIT. Returns when the last one is over, after [`Limits::grace`] at the latest.
    pub async fn shutdown(self) {
        self.shared.ending.cancel();
        self.shared.tasks.close();
        if time::timeout(self.shared.limits.grace, self.shared.tasks.wait())
            .await
            .is_err()
        {
            self.shared.abort.cancel();
            self.shared.tasks.wait().await;
        }
    }

    /// Delivers a mail from within this process, and tells the observer. Blocks.
    ///
    /// # Errors
    ///
    /// As [`Spool::deliver`].
    pub fn deliver(
        &self,
        account: &str,
        mail: &[u8],
        sender: Option<&str>,
        now: Timestamp,
    ) -> Result<Delivered, spool::Error> {
        let delivered = self.shared.spool.deliver(account, mail, sender, now)?;
        self.shared.tell(Event::Delivered {
            account: account.to_owned(),
        });
        Ok(delivered)
    }

    /// Serves a connection that did not come by a listener: a pipe within a test. False if a limit
    /// is reached.
    pub fn attach(&self, carrier: impl Carrier + 'static, address: IpAddr) -> bool {
        let Some(arrival) = self.shared.crowd.arrive(address) else {
            return false;
        };
        let stream = Stream::plain(carrier);
        let offer = self.shared.offer(false, true);
        let connection = self.shared.connection(stream, address, arrival, offer);
        self.shared.tasks.spawn(connection.run(Protection::None));
        true
    }

    /// Serves the next connections with this certificate; those that are there go on with theirs.
    pub fn set_acceptor(&self, acceptor: Option<Acceptor>) {
        self.shared.acceptor.send_replace(acceptor);
    }

    /// What it has counted, and who is there.
    pub fn status(&self) -> Status {
        self.shared.figures.status()
    }

    /// Breaks the server, or mends it.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.fault.send_replace(fault);
    }

    /// How many connections have not signed in, and how many have.
    pub fn numbers(&self) -> (usize, usize) {
        self.shared.crowd.numbers()
    }

    /// Its spool.
    pub fn spool(&self) -> &Arc<Spool> {
        &self.shared.spool
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.ending.cancel();
        self.shared.abort.cancel();
    }
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    spool: Arc<Spool>,
    acceptor: watch::Sender<Option<Acceptor>>,
    figures: Arc<Figures>,
    plaintext: Plaintext,
    limits: Limits,
    observer: Option<Observer>,
    crowd: Arc<Crowd>,
    checks: Arc<Semaphore>,
    turns: Turns,
    fault: watch::Sender<Fault>,
    ending: CancellationToken,
    abort: CancellationToken,
    tasks: TaskTracker,
    sessions: AtomicU64,
}

impl Shared {
    fn connection(
        self: &Arc<Shared>,
        stream: Stream,
        address: IpAddr,
        arrival: limits::Arrival,
        offer: Offer,
    ) -> Connection {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        Connection::new(self.clone(), number, stream, address, arrival, offer)
    }

    /// What a connection can use before anybody has signed in.
    fn offer(&self, is_tls: bool, is_local: bool) -> Offer {
        let accounts = self.spool.accounts();
        let (policy, policy_differs) = accounts.policy();
        Offer {
            stls: !is_tls && self.acceptor.borrow().is_some(),
            passwords: is_tls || is_local || self.plaintext == Plaintext::Allowed,
            timestamp: accounts.any_apop().then(timestamp).flatten(),
            scram: accounts.all_scram(),
            policy,
            policy_differs,
            end_point: None,
        }
    }

    fn fault(&self) -> Fault {
        *self.fault.borrow()
    }

    fn tell(&self, event: Event) {
        self.figures.heed(&event);
        if let Some(observer) = &self.observer {
            observer.tell(event);
        }
    }
}

/// One that was never used before and cannot be guessed (RFC 1939 §7, APOP).
fn timestamp() -> Option<String> {
    let chance = getrandom::u64().ok()?;
    Some(format!(
        "<{}.{chance:016x}@tidings>",
        Timestamp::now().as_microsecond()
    ))
}

async fn accept(shared: Arc<Shared>, socket: TcpListener, protection: Protection) {
    /// After an error that another try at once would meet again: no file descriptors are left.
    const PAUSE: Duration = Duration::from_millis(100);

    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = shared.ending.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => welcome(&shared, stream, peer.ip(), protection),
            Err(error) => {
                tracing::error!(error = chain(&error), "cannot accept");
                time::sleep(PAUSE).await;
            }
        }
    }
}

fn welcome(shared: &Arc<Shared>, stream: TcpStream, address: IpAddr, protection: Protection) {
    if shared.fault() == Fault::Refuse {
        return;
    }
    let address = address.to_canonical();
    let Some(arrival) = shared.crowd.arrive(address) else {
        tracing::warn!(%address, "too many connections");
        shared.figures.refused();
        if protection == Protection::None {
            // A new connection has room for a line; if not, it is closed without one.
            let _ = stream.try_write(b"-ERR [SYS/TEMP] too many connections: try again soon\r\n");
        }
        return;
    };
    // Answers are written whole: waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let is_local = stream
        .local_addr()
        .is_ok_and(|local| local.ip().to_canonical().is_loopback());
    let offer = shared.offer(protection == Protection::Tls, is_local);
    let connection = shared.connection(Stream::plain(stream), address, arrival, offer);
    shared.tasks.spawn(connection.run(protection));
}

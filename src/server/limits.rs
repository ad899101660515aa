//! What one client, or all of them together, may take of the server.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{sync::Semaphore, time::Instant};
use tokio_util::sync::CancellationToken;

/// Connections that have not signed in, all together. They cost the most and give the least.
pub const MOST_ARRIVING: usize = 512;

/// Connections of one address that have not signed in. A team sits behind one address.
pub const MOST_ARRIVING_OF_ONE: usize = 64;

/// Sessions that have signed in. An idle one takes some KiB and a descriptor.
pub const MOST_SIGNED_IN: usize = 12_000;

/// From connecting to having signed in.
pub const SIGN_IN: Duration = Duration::from_secs(30);

/// Without a command, or without a client that takes its answer (RFC 1939 §3: ten minutes at least).
pub const IDLE: Duration = Duration::from_secs(10 * 60);

/// How long the answer to the first wrong password is held back; to the next ones twice, four times.
pub const PAUSE: Duration = Duration::from_secs(1);

/// However many wrong passwords come from an address, an answer is not held back for longer.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// Sign-ins to one mailbox that take a thread at the same time. Most are over in a millisecond; those
/// that wait for another program's lock on the mailbox take seconds.
pub const MOST_OPENING: usize = 16;

/// Passwords that are checked at the same time: each takes a processor and 19 MiB.
pub const MOST_CHECKS: usize = 2;

/// How long sessions may take to finish their command when the server ends.
pub const GRACE: Duration = Duration::from_secs(5);

/// Octets of mail that are in memory at the same time while it comes in: two of the largest.
pub const MOST_MAIL: usize = 100 * 1024 * 1024;

/// The limits of a server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// See [`MOST_ARRIVING`].
    pub arriving: usize,
    /// See [`MOST_ARRIVING_OF_ONE`].
    pub arriving_of_one: usize,
    /// See [`MOST_SIGNED_IN`].
    pub signed_in: usize,
    /// See [`SIGN_IN`].
    pub sign_in: Duration,
    /// See [`IDLE`].
    pub idle: Duration,
    /// See [`PAUSE`].
    pub pause: Duration,
    /// See [`GRACE`].
    pub grace: Duration,
    /// See [`MOST_MAIL`].
    pub mail: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            arriving: MOST_ARRIVING,
            arriving_of_one: MOST_ARRIVING_OF_ONE,
            signed_in: MOST_SIGNED_IN,
            sign_in: SIGN_IN,
            idle: IDLE,
            pause: PAUSE,
            grace: GRACE,
            mail: MOST_MAIL,
        }
    }
}

/// Whose turn it is to open a maildrop, by the name of its mailbox.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<String, Weak<Semaphore>>>);

impl Turns {
    /// The turns of this mailbox.
    pub fn of(&self, name: &str) -> Arc<Semaphore> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = turns.get(name).and_then(Weak::upgrade) {
            return known;
        }
        // Accounts come and go: those that nobody waits under are forgotten.
        turns.retain(|_, turns| turns.strong_count() > 0);
        let new = Arc::new(Semaphore::new(MOST_OPENING));
        turns.insert(name.to_owned(), Arc::downgrade(&new));
        new
    }
}

/// Who is there.
#[derive(Debug)]
pub struct Crowd {
    limits: Limits,
    counts: Mutex<Counts>,
}

/// A connection that has not signed in.
#[derive(Clone, Debug)]
struct Waiting {
    number: u64,
    sent_away: CancellationToken,
}

#[derive(Clone, Copy, Debug)]
struct Login {
    at: Instant,
    until: Instant,
}

#[derive(Debug, Default)]
struct Counts {
    arriving: usize,
    /// Those that have not signed in, by their addresses, the oldest first.
    by_address: HashMap<IpAddr, VecDeque<Waiting>>,
    next: u64,
    signed_in: usize,
    /// Until when answers to wrong passwords are held back, for each address that sent some.
    held_back: HashMap<IpAddr, Instant>,
    /// When somebody signed in last to an account that limits that, and until when that matters.
    logins: HashMap<(String, IpAddr), Login>,
}

/// The place of a connection that has not signed in, until it is dropped.
#[derive(Debug)]
pub struct Arrival {
    crowd: Arc<Crowd>,
    address: IpAddr,
    waiting: Waiting,
}

/// The place of a session that has signed in, until it is dropped.
#[derive(Debug)]
pub struct Presence {
    crowd: Arc<Crowd>,
}

impl Crowd {
    /// Nobody, yet.
    pub fn new(limits: Limits) -> Crowd {
        Crowd {
            limits,
            counts: Mutex::default(),
        }
    }

    /// A place for a new connection, if there is one. Where there is none, whoever has come from the
    /// address with the most connections, and has waited longest, gives way to one from an address with
    /// fewer: many that do not sign in keep nobody else out.
    pub fn arrive(self: &Arc<Crowd>, address: IpAddr) -> Option<Arrival> {
        let address = whose(address);
        let mut counts = self.lock();
        let of_one = counts.by_address.get(&address).map_or(0, VecDeque::len);
        if of_one >= self.limits.arriving_of_one {
            return None;
        }
        if counts.arriving >= self.limits.arriving && !counts.make_room(of_one) {
            return None;
        }
        counts.arriving += 1;
        counts.next += 1;
        let waiting = Waiting {
            number: counts.next,
            sent_away: CancellationToken::new(),
        };
        counts
            .by_address
            .entry(address)
            .or_default()
            .push_back(waiting.clone());
        Some(Arrival {
            crowd: self.clone(),
            address,
            waiting,
        })
    }

    /// A place for a session that signs in, if there is one.
    pub fn sign_in(self: &Arc<Crowd>) -> Option<Presence> {
        let mut counts = self.lock();
        if counts.signed_in >= self.limits.signed_in {
            return None;
        }
        counts.signed_in += 1;
        Some(Presence {
            crowd: self.clone(),
        })
    }

    /// How long the answer to a wrong password from this address is held back: they are answered one
    /// after the other, whatever the number of connections. Right ones never wait.
    pub fn hold_back(&self, address: IpAddr, now: Instant) -> Duration {
        let mut counts = self.lock();
        counts.held_back.retain(|_, until| *until > now);
        let until = counts.held_back.entry(whose(address)).or_insert(now);
        *until = (*until + self.limits.pause).min(now + LONGEST_PAUSE);
        *until - now
    }

    /// True if this address may sign in to this account now, whose logins are to be this time apart
    /// (RFC 2449 §6.5); it has come then. Teammates share an account: each address is counted for itself.
    pub fn come(&self, account: &str, address: IpAddr, delay: Duration) -> bool {
        let key = (account.to_owned(), whose(address));
        let now = Instant::now();
        let mut counts = self.lock();
        counts.logins.retain(|_, login| login.until > now);
        if counts
            .logins
            .get(&key)
            .is_some_and(|last| last.at + delay > now)
        {
            return false;
        }
        let login = Login {
            at: now,
            until: now + delay,
        };
        counts.logins.insert(key, login);
        true
    }

    /// It has come, and found the maildrop closed: that was no login.
    pub fn was_not_let_in(&self, account: &str, address: IpAddr) {
        let key = (account.to_owned(), whose(address));
        self.lock().logins.remove(&key);
    }

    /// How many have not signed in, and how many have.
    pub fn numbers(&self) -> (usize, usize) {
        let counts = self.lock();
        (counts.arriving, counts.signed_in)
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Sends one away for a newcomer whose address has so many connections; false if all addresses have
    /// as few.
    fn make_room(&mut self, of_newcomer: usize) -> bool {
        let busiest = self.by_address.values_mut().max_by_key(|waiting| {
            (
                waiting.len(),
                waiting.front().map(|first| u64::MAX - first.number),
            )
        });
        let Some(busiest) = busiest.filter(|waiting| waiting.len() > of_newcomer) else {
            return false;
        };
        if let Some(first) = busiest.pop_front() {
            first.sent_away.cancel();
            self.arriving -= 1;
        }
        true
    }
}

impl Arrival {
    /// Is cancelled when the connection has to give way to another.
    pub fn sent_away(&self) -> CancellationToken {
        self.waiting.sent_away.clone()
    }
}

/// Whoever has one IPv6 address has the 2^64 of its network.
fn whose(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let mut counts = self.crowd.lock();
        let counts = &mut *counts;
        if let Some(of_one) = counts.by_address.get_mut(&self.address) {
            let before = of_one.len();
            of_one.retain(|waiting| waiting.number != self.waiting.number);
            // Whoever had to give way is not counted any more.
            counts.arriving -= before - of_one.len();
            if of_one.is_empty() {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.crowd.lock().signed_in -= 1;
    }
}

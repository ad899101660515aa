//! A team in one process and on one thread, on time that stands still until everybody waits: readers with the real client,
//! poller and cache, a real server over a real spool, and between them a network that is slow, cuts
//! connections at any octet or goes silent. Readers are killed at any moment and start again on their file;
//! disks fill up, clocks jump, the server starts anew, moves, gets mail and loses some.
//!
//! Afterwards each reader has each notice that was there long enough to be seen, once, as it was marked;
//! nobody has said DELE, and no session is open.
//!
//! Everything that happens is decided by a seed: `TIDINGS_SEED=7 cargo test simulation` runs one alone,
//! `TIDINGS_SEEDS=10000 cargo test simulation` many, from `TIDINGS_FIRST_SEED` on. A seed that fails says so with all that
//! happened.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr},
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::{LocalBoxFuture, join_all};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tidings::{
    config::{Interval, Mailbox, Settings, Tls},
    net::Stream,
    notice::{Headline, MailboxIndex, Marks, NoticeId},
    poll::{
        Poller, Surroundings,
        check::Check,
        early::Early,
        report::{Outcome, Report, Summary},
        tell::Tell,
    },
    server::{
        Handle, Server,
        accounts::passwords::Hardness,
        events::{Event, Observer},
        options::Options,
        spool::Spool,
    },
    store::{Store, marks::Change},
    work,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf},
    sync::mpsc,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

use crate::support::chance::Chance;

/// How many seeds are tried where nobody says otherwise.
const SEEDS: u64 = 200;

/// What a connection has to suffer.
#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    /// Each piece takes up to so long.
    delay: Duration,
    /// After so many octets, both ways together, the connection is cut.
    cut: Option<u64>,
    /// After so many octets nothing comes any more, and nobody is told.
    silence: Option<u64>,
}

impl Weather {
    fn of(chance: &mut Chance) -> Weather {
        // Octets of a visit: most of what goes wrong is to go wrong where something is under way.
        let far = [200, 2_000, 20_000, 100_000][chance.below(4) as usize];
        let place = chance.below(far);
        let delay = Duration::from_millis([0, 5, 50, 400][chance.below(4) as usize]);
        match chance.below(6) {
            0 | 1 => Weather {
                delay,
                cut: Some(place),
                ..Weather::default()
            },
            2 => Weather {
                delay,
                silence: Some(place),
                ..Weather::default()
            },
            _ => Weather {
                delay,
                ..Weather::default()
            },
        }
    }
}

/// Carries octets one way until the connection ends; what was carried counts for both ways.
async fn carry(
    mut from: ReadHalf<DuplexStream>,
    mut to: WriteHalf<DuplexStream>,
    weather: Weather,
    carried: Arc<AtomicU64>,
    mut chance: Chance,
) {
    let mut piece = vec![0; 4_096];
    loop {
        let most = 1 + chance.below(piece.len() as u64) as usize;
        let Ok(read @ 1..) = from.read(&mut piece[..most]).await else {
            let _ = to.shutdown().await;
            return;
        };
        if !weather.delay.is_zero() {
            time::sleep(chance.up_to(weather.delay)).await;
        }
        let before = carried.fetch_add(read as u64, Ordering::Relaxed);
        let left = |limit: u64| usize::try_from(limit.saturating_sub(before)).unwrap_or(read);
        if let Some(silence) = weather.silence
            && left(silence) < read
        {
            let _ = to.write_all(&piece[..left(silence)]).await;
            std::future::pending::<()>().await;
        }
        if let Some(cut) = weather.cut
            && left(cut) < read
        {
            let _ = to.write_all(&piece[..left(cut)]).await;
            return;
        }
        if to.write_all(&piece[..read]).await.is_err() {
            return;
        }
    }
}

/// A connection through this weather: the client's end and the server's.
fn connect(weather: Weather, chance: &mut Chance) -> (DuplexStream, DuplexStream) {
    let (client, near) = tokio::io::duplex(16 * 1024);
    let (far, server) = tokio::io::duplex(16 * 1024);
    let (near_read, near_write) = tokio::io::split(near);
    let (far_read, far_write) = tokio::io::split(far);
    let carried = Arc::default();
    let there = carry(
        near_read,
        far_write,
        weather,
        Arc::clone(&carried),
        chance.split(),
    );
    let back = carry(far_read, near_write, weather, carried, chance.split());
    tokio::spawn(async move {
        if weather.cut.is_some() {
            // One way that ends takes the other with it.
            tokio::select! {
                () = there => {}
                () = back => {}
            }
        } else {
            tokio::join!(there, back);
        }
    });
    (client, server)
}

/// Gives the server its end of a connection; false if there is none.
fn attach(server: &Mutex<Option<Handle>>, stream: DuplexStream) -> bool {
    let server = server.lock().expect("the server");
    let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
    server
        .as_ref()
        .is_some_and(|handle| handle.attach(stream, localhost))
}

/// A mail that was delivered.
#[derive(Debug)]
struct Mail {
    subject: String,
    delivered: Instant,
    removed: Option<Instant>,
}

/// A teammate.
struct Reader {
    name: String,
    path: PathBuf,
    store: Store,
    mailbox: Mailbox,
    settings: Settings,
    password: SecretString,
    /// When the checks that came through began and ended.
    checks: Vec<(Instant, Instant)>,
    /// What was marked, by subject.
    marked: BTreeMap<String, Marks>,
    told: Told,
}

/// All that there is.
struct World {
    chance: Chance,
    folder: tempfile::TempDir,
    server: Arc<Mutex<Option<Handle>>>,
    spool: Arc<Spool>,
    keywords: Arc<Mutex<BTreeSet<&'static str>>>,
    began: Instant,
    log: String,
    mails: Vec<Mail>,
    /// Which mails the mailbox holds, in its order.
    present: Vec<usize>,
}

type Shared = Rc<RefCell<World>>;

impl World {
    fn say(&mut self, words: &str) {
        let at = self.began.elapsed().as_secs_f64();
        let _ = writeln!(self.log, "{at:10.3} {words}");
    }

    fn spool_path(&self) -> PathBuf {
        self.folder.path().join("spool")
    }
}

/// Starts the server, over a spool that is opened anew.
async fn start_server(world: &Shared) {
    let (path, keywords) = {
        let world = world.borrow();
        (world.spool_path(), world.keywords.clone())
    };
    let spool = Arc::new(Spool::open(&path).expect("a spool"));
    let options = Options {
        listeners: Vec::new(),
        observer: Some(Observer::new(move |event| {
            if let Event::Commanded { keyword, .. } = event {
                keywords.lock().expect("keywords").insert(keyword);
            }
        })),
        ..Options::default()
    };
    let handle = Server::start(spool.clone(), options)
        .await
        .expect("a server");
    let mut world = world.borrow_mut();
    world.spool = spool;
    *world.server.lock().expect("the server") = Some(handle);
    world.say("the server starts");
}

async fn restart_server(world: &Shared) {
    let handle = world.borrow().server.lock().expect("the server").take();
    let Some(handle) = handle else { return };
    let is_polite = world.borrow_mut().chance.one_in(2);
    world.borrow_mut().say(match is_polite {
        true => "the server ends",
        false => "the server is killed",
    });
    if is_polite {
        handle.shutdown().await;
    } else {
        drop(handle);
    }
    let pause = world.borrow_mut().chance.up_to(Duration::from_secs(2));
    time::sleep(pause).await;
    start_server(world).await;
}

async fn deliver(world: &Shared) {
    let (mail, subject, copies, spool) = {
        let mut world = world.borrow_mut();
        let number = world.mails.len();
        let subject = format!("notice {number}");
        let lines = [1, 10, 200, 1_500][world.chance.below(4) as usize];
        let mut mail = format!(
            "From: Ann <ann@team.example>\nSubject: {subject}\nMessage-ID: <{number}@team.example>\n\
             Date: Mon, 23 Nov 2026 08:00:00 +0000\n\n"
        );
        for line in 0..lines {
            let _ = writeln!(mail, "line {line} of notice {number}");
        }
        let copies = if world.chance.one_in(8) { 2 } else { 1 };
        (mail, subject, copies, world.spool.clone())
    };
    for _ in 0..copies {
        let (spool, mail) = (spool.clone(), mail.clone());
        let now = Timestamp::UNIX_EPOCH
            + SignedDuration::try_from(world.borrow().began.elapsed()).expect("short");
        let delivered = spool.deliver("notices", mail.as_bytes(), None, now);
        delivered.expect("a delivery");
        let mut world = world.borrow_mut();
        let place = world.mails.len();
        world.mails.push(Mail {
            subject: subject.clone(),
            delivered: Instant::now(),
            removed: None,
        });
        world.present.push(place);
        world.say(&format!("`{subject}` is delivered"));
    }
}

/// Somebody else deletes a message.
async fn remove(world: &Shared) {
    let (spool, place) = {
        let mut world = world.borrow_mut();
        if world.present.is_empty() {
            return;
        }
        let count = world.present.len() as u64;
        let place = world.chance.below(count) as usize;
        let mail = world.present.remove(place);
        // From now on it may be gone for a check that is under way.
        world.mails[mail].removed = Some(Instant::now());
        let words = format!("`{}` is deleted by somebody", world.mails[mail].subject);
        world.say(&words);
        (world.spool.clone(), place)
    };
    {
        let account = spool.accounts().find("notices").expect("the account");
        // An exclusive session does not keep the spool's owner from it.
        let messages = std::fs::read(spool.path().join("notices")).expect("the mailbox");
        let entries = tidings::server::mbox::split(&messages);
        let digest = entries[place].digest;
        let copy = entries[..=place]
            .iter()
            .filter(|entry| entry.digest == digest)
            .count();
        let identity = tidings::server::maildrop::Identity {
            digest,
            copy: u32::try_from(copy).expect("a count"),
        };
        spool
            .remove(&account, &BTreeSet::from([identity]))
            .expect("a removal");
    }
}

/// All unique-ids change, as when a team moves to another server.
fn move_server(world: &mut World) {
    let path = world.spool_path().join("notices");
    let Ok(text) = std::fs::read_to_string(&path) else {
        return;
    };
    let year = 2000 + world.chance.below(20);
    let moved: String = text
        .split_inclusive('\n')
        .map(|line| match line.starts_with("From ") {
            true => format!("From MOVED Mon Nov 23 08:00:00 {year}\n"),
            false => line.to_owned(),
        })
        .collect();
    // Two equal mails would have equal From_ lines: their unique-ids are told apart by the server.
    let new = path.with_file_name(".moved");
    std::fs::write(&new, moved).expect("a file");
    std::fs::rename(new, path).expect("the mailbox");
    world.say("the server has moved: all unique-ids are others");
}

/// What a reader was told of as new, and how often.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<BTreeMap<NoticeId, u32>>>);

impl Told {
    fn note(&self, report: &Report) {
        if let Report::Arrived(headlines) = report {
            let mut told = self.0.lock().expect("nobody panics over it");
            for headline in headlines {
                *told.entry(headline.id).or_default() += 1;
            }
        }
    }

    fn twice(&self) -> Vec<NoticeId> {
        let told = self.0.lock().expect("nobody panics over it");
        let twice = told.iter().filter(|(_, times)| **times > 1);
        twice.map(|(id, _)| *id).collect()
    }
}

impl Reader {
    fn new(world: &World, number: usize) -> Reader {
        let path = world.folder.path().join(format!("reader-{number}.db"));
        Reader {
            name: format!("reader {number}"),
            store: Store::open(&path).expect("a cache").store,
            path,
            mailbox: Mailbox {
                name: "notices".to_owned(),
                host: "127.0.0.1".to_owned(),
                // Nobody listens there: what is not simulated is refused.
                port: Some(9),
                tls: Tls::None,
                user: "notices".to_owned(),
                ..Mailbox::default()
            },
            settings: Settings::default(),
            password: SecretString::from("sesame"),
            checks: Vec::new(),
            marked: BTreeMap::new(),
            told: Told::default(),
        }
    }

    /// One check, in this weather, killed after this time; what came of it, if it was not.
    async fn check(
        &mut self,
        world: &Shared,
        weather: Weather,
        kill: Option<Duration>,
        at: Timestamp,
    ) -> Option<Outcome> {
        let stream = {
            let mut world = world.borrow_mut();
            let mut chance = world.chance.split();
            let (client, server) = connect(weather, &mut chance);
            if !attach(&world.server, server) {
                let words = format!("{} finds no server", self.name);
                world.say(&words);
                return None;
            }
            client
        };
        let began = Instant::now();
        let in_slices = world.borrow_mut().chance.one_in(3);
        let cancelled = CancellationToken::new();
        let (reports, mut reported) = mpsc::channel(16);
        let told = self.told.clone();
        tokio::spawn(async move {
            while let Some((_, report)) = reported.recv().await {
                told.note(&report);
            }
        });
        let tell = Tell::new(MailboxIndex(0), reports);
        let check = Check {
            mailbox: &self.mailbox,
            settings: &self.settings,
            store: &self.store,
            password: &self.password,
            cancelled: &cancelled,
            tell: &tell,
            in_slices,
        };
        let early = Early::over(Stream::plain(stream), &self.mailbox, &self.settings);
        let checked = check.run_on(Some(early), at);
        let summary = match kill {
            None => Some(checked.await.0),
            Some(after) => time::timeout(after, checked)
                .await
                .ok()
                .map(|(summary, _)| summary),
        };
        let Some(summary) = summary else {
            world.borrow_mut().say(&format!("{} is killed", self.name));
            self.start_again();
            return None;
        };
        self.note(world, &summary, began);
        Some(summary.outcome)
    }

    /// What a check came to.
    fn note(&mut self, world: &Shared, summary: &Summary, began: Instant) {
        let since = (began - world.borrow().began).as_secs_f64();
        world.borrow_mut().say(&format!(
            "{} since {:.3}: {:?}, {} there, {} new, {} withdrawn, {} left",
            self.name,
            since,
            summary.outcome.word(),
            summary.on_server.unwrap_or(0),
            summary.new,
            summary.withdrawn,
            summary.left
        ));
        // What has ended the connection three times has a row that says so, and rests for a while.
        let has_rested = summary.notes.iter().any(|note| {
            note.contains("asked for again later") || note.contains("cannot be fetched")
        });
        if summary.outcome == Outcome::Done && summary.left == 0 && !has_rested {
            self.checks.push((began, Instant::now()));
        }
    }

    /// Lets the poller check by itself for this time, each time in another weather, and stops it politely or not.
    async fn poll(&mut self, world: &Shared, lasts: Duration) {
        let (server, mut chance, every) = {
            let mut world = world.borrow_mut();
            let every = Duration::from_secs(1 + world.chance.below(3));
            (world.server.clone(), world.chance.split(), every)
        };
        let mut ways = self.settings.clone();
        ways.check_every = Interval(every);
        let is_polite = chance.one_in(2);
        let (since, base) = (Instant::now(), moment(&mut chance));
        let mut luck = chance.split();
        let surroundings = Surroundings {
            calls: Box::new({
                let (mailbox, settings) = (self.mailbox.clone(), ways.clone());
                move || {
                    let weather = Weather::of(&mut chance);
                    let (client, far) = connect(weather, &mut chance);
                    let is_up = attach(&server, far);
                    is_up.then(|| Early::over(Stream::plain(client), &mailbox, &settings))
                }
            }),
            clock: Box::new(move || base + since.elapsed()),
            chance: Box::new(move || luck.below(1 << 20) as f64 / f64::from(1 << 20)),
        };
        let (reports, mut reported) = mpsc::channel(16);
        let store = self.store.clone();
        let password = self.password.clone();
        let poller = Poller::start_in(surroundings, &self.mailbox, &ways, store, reports, password);
        let mut poller = Some(poller);
        let mut began = Instant::now();
        let end = began + lasts;
        loop {
            let report = tokio::select! {
                report = reported.recv() => report,
                () = time::sleep_until(end), if poller.is_some() => {
                    let words = format!("{} stops polling", self.name);
                    world.borrow_mut().say(&words);
                    let poller = poller.take().expect("it runs");
                    if is_polite {
                        // It may have something to tell yet.
                        tokio::spawn(poller.stop());
                    }
                    continue;
                }
            };
            match report {
                Some((_, Report::Started { .. })) => began = Instant::now(),
                Some((_, Report::Checked(summary))) => self.note(world, &summary, began),
                Some((_, report)) => self.told.note(&report),
                None => return,
            }
        }
    }

    fn start_again(&mut self) {
        let opened = Store::open(&self.path).expect("its cache");
        assert_eq!(opened.damaged, None, "{} lost its cache", self.name);
        self.store = opened.store;
    }

    fn headlines(&self) -> Vec<Headline> {
        self.store.headlines(None, 1_000_000).expect("headlines")
    }

    /// Marks something, as a person does who reads.
    fn mark(&mut self, chance: &mut Chance) {
        let headlines: Vec<Headline> = self
            .headlines()
            .into_iter()
            .filter(|headline| headline.subject.as_str().starts_with("notice "))
            .collect();
        if headlines.is_empty() {
            return;
        }
        let headline = &headlines[chance.below(headlines.len() as u64) as usize];
        let subject = headline.subject.as_str();
        // Of two equal notices nobody can say which one is meant.
        if headlines
            .iter()
            .filter(|other| other.subject.as_str() == subject)
            .count()
            > 1
        {
            return;
        }
        let change = match chance.below(3) {
            0 => Change::Starred(true),
            1 => Change::Read(false),
            _ => Change::Read(true),
        };
        self.store.mark(&[headline.id], change).expect("a mark");
        let marks = self
            .marked
            .entry(subject.to_owned())
            .or_insert(headline.marks);
        match change {
            Change::Starred(value) => marks.starred = value,
            Change::Read(value) => marks.read = value,
            Change::Muted(value) => marks.muted = value,
        }
    }

    /// What must hold of this reader when all is over.
    fn assert_complete(&self, world: &World) {
        let mut kept: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for headline in self.headlines() {
            let (all, there) = kept.entry(headline.subject.to_string()).or_default();
            *all += 1;
            *there += usize::from(headline.fate.withdrawn.is_none());
        }
        let mut sent: BTreeMap<&str, Vec<&Mail>> = BTreeMap::new();
        for mail in &world.mails {
            sent.entry(&mail.subject).or_default().push(mail);
        }
        for (subject, mails) in &sent {
            let (all, there) = kept.remove(*subject).unwrap_or_default();
            let now = mails.iter().filter(|mail| mail.removed.is_none()).count();
            let seen = mails
                .iter()
                .filter(|mail| {
                    self.checks.iter().any(|(began, ended)| {
                        mail.delivered <= *began && mail.removed.is_none_or(|at| at > *ended)
                    })
                })
                .count();
            assert_eq!(
                there, now,
                "{}: `{subject}` is there {there} times, not {now}",
                self.name
            );
            assert!(
                all <= mails.len(),
                "{}: `{subject}` is kept {all} times",
                self.name
            );
            assert!(
                all >= seen,
                "{}: `{subject}` was to be seen, and is not kept",
                self.name
            );
        }
        // A message that was never fetched, and was gone or had another unique-id when it could have been.
        if let Some((_, there)) = kept.remove("(cannot be fetched)") {
            assert_eq!(there, 0, "{}: it could be fetched by now", self.name);
        }
        let twice: Vec<_> = self.told.twice();
        assert!(
            twice.is_empty(),
            "{} was told twice of {twice:?}",
            self.name
        );
        assert!(
            kept.is_empty(),
            "{} has what was never sent: {kept:?}",
            self.name
        );
        for headline in self.headlines() {
            if let Some(marks) = self.marked.get(headline.subject.as_str())
                && sent[headline.subject.as_str()].len() == 1
            {
                assert_eq!(
                    headline.marks, *marks,
                    "{}: marks of `{}`",
                    self.name, headline.subject
                );
            }
        }
    }
}

/// The moment at which a check believes to be: clocks jump.
fn moment(chance: &mut Chance) -> Timestamp {
    let now: Timestamp = "2026-11-23T10:00:00Z".parse().expect("a moment");
    let jump = match chance.below(4) {
        0 => SignedDuration::from_hours(i64::try_from(chance.below(200)).unwrap_or(0) - 100),
        _ => SignedDuration::from_secs(i64::try_from(chance.below(600)).unwrap_or(0)),
    };
    now.checked_add(jump).expect("a moment")
}

/// One seed from its beginning to what must hold at its end.
async fn simulate(world: Shared) {
    start_server(&world).await;
    let (count, rounds) = {
        let mut world = world.borrow_mut();
        // Few readers in most seeds: there is more to see in many seeds than in many readers.
        let count = if world.chance.one_in(20) {
            5 + world.chance.below(16)
        } else {
            2 + world.chance.below(3)
        };
        (count as usize, 3 + world.chance.below(4))
    };
    let mut readers: Vec<Reader> = (0..count)
        .map(|number| Reader::new(&world.borrow(), number))
        .collect();
    for _ in 0..rounds {
        round(&world, &mut readers).await;
    }

    // The weather clears up. Sessions that nobody ended end by themselves.
    time::sleep(Duration::from_secs(15 * 60)).await;
    world.borrow_mut().say("the weather clears up");
    let later: Timestamp = "2026-12-30T10:00:00Z".parse().expect("a moment");
    for reader in &mut readers {
        for visit in 0..5 {
            let at = later + SignedDuration::from_hours(30 * visit);
            let outcome = reader.check(&world, Weather::default(), None, at).await;
            assert_eq!(outcome, Some(Outcome::Done), "{}", reader.name);
        }
        reader.assert_complete(&world.borrow());
    }
    let handle = world.borrow().server.lock().expect("the server").take();
    let handle = handle.expect("it runs");
    // A session's last words may be on their way.
    for _ in 0..100 {
        if handle.numbers() == (0, 0) {
            break;
        }
        time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(handle.numbers(), (0, 0), "sessions are left open");
    handle.shutdown().await;
    let world = world.borrow();
    let keywords = world.keywords.lock().expect("keywords");
    assert!(
        !keywords.contains("DELE") && !keywords.contains("RSET"),
        "{keywords:?}"
    );
}

/// Everybody does something, at the same time.
async fn round(world: &Shared, readers: &mut [Reader]) {
    let mut doings: Vec<LocalBoxFuture<()>> = Vec::new();
    let team = world.clone();
    doings.push(Box::pin(async move {
        let actions = team.borrow_mut().chance.below(6);
        for _ in 0..actions {
            let pause = team.borrow_mut().chance.up_to(Duration::from_secs(1));
            time::sleep(pause).await;
            let what = team.borrow_mut().chance.below(10);
            match what {
                0 => restart_server(&team).await,
                1 | 2 => remove(&team).await,
                _ => deliver(&team).await,
            }
        }
    }));
    for reader in readers.iter_mut() {
        let (start, weather, kill, fills_up, at) = {
            let mut world = world.borrow_mut();
            let chance = &mut world.chance;
            if chance.one_in(5) {
                continue;
            }
            (
                chance.up_to(Duration::from_secs(3)),
                Weather::of(chance),
                chance
                    .one_in(4)
                    .then(|| chance.up_to(Duration::from_millis(1_500))),
                chance.one_in(8),
                moment(chance),
            )
        };
        let world = world.clone();
        doings.push(Box::pin(async move {
            time::sleep(start).await;
            if fills_up {
                let length = std::fs::metadata(&reader.path).map_or(0, |file| file.len());
                let room = world.borrow_mut().chance.below(8);
                let pages = u32::try_from(length / 16_384 + room).unwrap_or(u32::MAX);
                reader.store.cap(pages).expect("a cap");
                world
                    .borrow_mut()
                    .say(&format!("{}'s disk fills up", reader.name));
            }
            let polls = world.borrow_mut().chance.one_in(3);
            match polls {
                true => {
                    let lasts = world.borrow_mut().chance.up_to(Duration::from_secs(8));
                    reader.poll(&world, lasts).await;
                }
                false => drop(reader.check(&world, weather, kill, at).await),
            }
            if fills_up {
                reader.store.cap(u32::MAX - 1).expect("no cap");
            }
            let mut chance = world.borrow_mut().chance.split();
            reader.mark(&mut chance);
        }));
    }
    join_all(doings).await;
    let mut world = world.borrow_mut();
    if world.chance.one_in(6) {
        move_server(&mut world);
    }
}

/// Runs a seed; gives what happened, and why it has failed if it has.
fn run(seed: u64) -> Result<String, String> {
    // All on this thread, so that a seed is the same each time.
    work::stay_here();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    // In memory, where there is such a place: nothing here is about power cuts.
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary folder");
    let path = folder.path().join("spool");
    std::fs::create_dir(&path).expect("a folder");
    let spool = Arc::new(Spool::open(&path).expect("a spool"));
    spool
        .accounts()
        .set_password(
            "notices",
            &SecretString::from("sesame"),
            Hardness::Throwaway,
        )
        .expect("an account");
    let mut chance = Chance::of(seed);
    if chance.one_in(2) {
        let accounts = path.join("accounts.toml");
        let text = std::fs::read_to_string(&accounts).expect("accounts");
        std::fs::write(&accounts, text + "sessions = \"exclusive\"\n").expect("accounts");
    }
    let world = runtime.block_on(async {
        Rc::new(RefCell::new(World {
            chance,
            folder,
            server: Arc::default(),
            spool,
            keywords: Arc::default(),
            began: Instant::now(),
            log: String::new(),
            mails: Vec::new(),
            present: Vec::new(),
        }))
    });
    let ran = panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(simulate(world.clone()));
    }));
    // Threads that still write to the folder are waited for before it goes.
    drop(runtime);
    let log = world
        .try_borrow()
        .map_or_else(|_| String::new(), |world| world.log.clone());
    let Err(panicked) = ran else { return Ok(log) };
    let why = panicked
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| {
            panicked
                .downcast_ref::<&str>()
                .map(|words| (*words).to_owned())
        })
        .unwrap_or_default();
    Err(format!(
        "seed {seed}: {why}\n{log}\nTIDINGS_SEED={seed} cargo test simulation"
    ))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_reader_has_every_notice_once_whatever_happens() {
    let seeds: Vec<u64> = match number("TIDINGS_SEED") {
        Some(seed) => vec![seed],
        None => {
            let first = number("TIDINGS_FIRST_SEED").unwrap_or(0);
            let many = number("TIDINGS_SEEDS").unwrap_or(SEEDS);
            (first..first + many).collect()
        }
    };
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while failed.lock().expect("failures").len() < 3 {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&seed) = seeds.get(place) else { break };
                    if let Err(why) = run(seed) {
                        failed.lock().expect("failures").push(why);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("failures");
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn a_seed_is_the_same_simulation_each_time() {
    let log = |seed| {
        let ran = std::thread::spawn(move || run(seed))
            .join()
            .expect("no panic");
        ran.expect("nothing fails")
    };
    for seed in 0..8 {
        let (first, second) = (log(seed), log(seed));
        assert!(first.lines().count() > 5, "{first}");
        assert_eq!(first, second, "seed {seed}");
    }
}

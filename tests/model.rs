//! The words of RFC 1939 as a few dozen lines over a list of messages, against the server: whatever
//! several sessions say in whatever order, with deliveries between, the answers are the same.
//!
//! A failing case prints what was said as a transcript.

use std::{collections::BTreeSet, net::SocketAddr};

use proptest::prelude::*;
use tidings::server::accounts::{account::Sessions, file::Change};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
};

use crate::support::scratch::{Scratch, moment};

/// What somebody does.
#[derive(Clone, Debug)]
enum Act {
    SignIn,
    Say(Line),
    Quit,
    /// The connection is cut.
    Vanish,
}

#[derive(Clone, Debug)]
enum Line {
    Stat,
    List(Option<u32>),
    Uidl(Option<u32>),
    Retr(u32),
    Top(u32, u32),
    Dele(u32),
    Rset,
    Noop,
}

/// A step: one of three clients acts, or a mail of these kinds comes.
#[derive(Clone, Debug)]
enum Event {
    Client(usize, Act),
    Delivery(usize),
}

const CLIENTS: usize = 3;

/// What mail may look like.
const BODIES: [&[u8]; 9] = [
    b"",
    b"\n",
    b"plain\nlines\n",
    b".\n..\n.dot\n\n.\n",
    b"no end",
    b"From here\n>From there\n>>From nowhere\n",
    b"bare\rCR\r\nCRLF\r\n",
    b"nul \0 and \xff\xfe octets\n",
    b"a\n\n\nFrom a@b Mon Nov 23 10:00:00 2026\nnot a mail of its own\n",
];

fn line() -> impl Strategy<Value = Line> {
    let number = 0..7u32;
    prop_oneof![
        2 => Just(Line::Stat),
        2 => proptest::option::of(number.clone()).prop_map(Line::List),
        2 => proptest::option::of(number.clone()).prop_map(Line::Uidl),
        3 => number.clone().prop_map(Line::Retr),
        2 => (number.clone(), 0..4u32).prop_map(|(n, lines)| Line::Top(n, lines)),
        3 => number.prop_map(Line::Dele),
        1 => Just(Line::Rset),
        1 => Just(Line::Noop),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let act = prop_oneof![
        3 => Just(Act::SignIn),
        10 => line().prop_map(Act::Say),
        2 => Just(Act::Quit),
        1 => Just(Act::Vanish),
    ];
    prop_oneof![
        8 => (0..CLIENTS, act).prop_map(|(client, act)| Event::Client(client, act)),
        1 => (0..BODIES.len()).prop_map(Event::Delivery),
    ]
}

// The model.

/// A message: its number among all that ever came, and its octets as RETR yields them.
#[derive(Clone, Debug)]
struct Message {
    born: usize,
    octets: Vec<u8>,
}

/// What one session has: its snapshot, and what it marked.
#[derive(Clone, Debug, Default)]
struct Maildrop {
    messages: Vec<Message>,
    marked: BTreeSet<usize>,
}

#[derive(Debug, Default)]
struct Model {
    mailbox: Vec<Message>,
    sessions: [Option<Maildrop>; CLIENTS],
    born: usize,
    is_exclusive: bool,
}

/// What is to be heard.
#[derive(Debug, Eq, PartialEq)]
enum Heard {
    Line(String),
    /// +OK, and a body; of a unique-id only the message is known, as `#` and its number.
    Body(Vec<u8>),
    Error,
    InUse,
}

impl Model {
    fn deliver(&mut self, octets: Vec<u8>) {
        self.mailbox.push(Message {
            born: self.born,
            octets,
        });
        self.born += 1;
    }

    fn sign_in(&mut self, client: usize) -> Heard {
        if self.is_exclusive && self.sessions.iter().any(Option::is_some) {
            return Heard::InUse;
        }
        self.sessions[client] = Some(Maildrop {
            messages: self.mailbox.clone(),
            marked: BTreeSet::new(),
        });
        Heard::Line(String::new())
    }

    fn quit(&mut self, client: usize) {
        let Some(maildrop) = self.sessions[client].take() else {
            return;
        };
        let gone: BTreeSet<usize> = maildrop
            .marked
            .iter()
            .map(|&place| maildrop.messages[place].born)
            .collect();
        self.mailbox.retain(|message| !gone.contains(&message.born));
    }
}

impl Maildrop {
    fn unmarked(&self) -> impl Iterator<Item = (usize, &Message)> {
        let all = self.messages.iter().enumerate();
        all.filter(|(place, _)| !self.marked.contains(place))
    }

    fn at(&self, number: u32) -> Option<(usize, &Message)> {
        let place = (number as usize).checked_sub(1)?;
        self.unmarked().find(|(at, _)| *at == place)
    }

    fn say(&mut self, line: &Line) -> Heard {
        let listing = |line: fn(usize, &Message) -> String, drop: &Maildrop| {
            let lines = drop.unmarked().map(|(place, message)| line(place, message));
            Heard::Body(lines.collect::<Vec<_>>().concat().into_bytes())
        };
        let size =
            |place: usize, message: &Message| format!("{} {}\r\n", place + 1, message.octets.len());
        let id = |place: usize, message: &Message| format!("{} #{}\r\n", place + 1, message.born);
        match line {
            Line::Stat => {
                let octets: usize = self.unmarked().map(|(_, m)| m.octets.len()).sum();
                Heard::Line(format!("{} {octets}", self.unmarked().count()))
            }
            Line::List(None) => listing(size, self),
            Line::Uidl(None) => listing(id, self),
            Line::List(Some(number)) => {
                self.at(*number).map_or(Heard::Error, |(place, message)| {
                    Heard::Line(size(place, message).trim_end().to_owned())
                })
            }
            Line::Uidl(Some(number)) => {
                self.at(*number).map_or(Heard::Error, |(place, message)| {
                    Heard::Line(id(place, message).trim_end().to_owned())
                })
            }
            Line::Retr(number) => self.at(*number).map_or(Heard::Error, |(_, message)| {
                Heard::Body(message.octets.clone())
            }),
            Line::Top(number, lines) => self.at(*number).map_or(Heard::Error, |(_, message)| {
                Heard::Body(top(&message.octets, *lines as usize))
            }),
            Line::Dele(number) => match self.at(*number).map(|(place, _)| place) {
                Some(place) => {
                    self.marked.insert(place);
                    Heard::Line(String::new())
                }
                None => Heard::Error,
            },
            Line::Rset => {
                self.marked.clear();
                Heard::Line(String::new())
            }
            Line::Noop => Heard::Line(String::new()),
        }
    }
}

/// The headers, the empty line, and so many lines.
fn top(octets: &[u8], lines: usize) -> Vec<u8> {
    let all: Vec<&[u8]> = octets.split_inclusive(|&octet| octet == b'\n').collect();
    let head = all
        .iter()
        .position(|line| *line == b"\r\n")
        .map_or(all.len(), |at| at + 1);
    all[..all.len().min(head + lines)].concat()
}

/// As RETR yields it: every line ends in CRLF (RFC 1939 §3).
fn on_the_wire(mail: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    for line in mail.split_inclusive(|&octet| octet == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        octets.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        octets.extend_from_slice(b"\r\n");
    }
    octets
}

// The real one.

struct Client {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let mut client = Client {
            stream,
            input: Vec::new(),
        };
        client.until(b"\r\n").await;
        client
    }

    /// What comes up to and with this.
    async fn until(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.input, end) {
                let rest = self.input.split_off(at + end.len());
                return std::mem::replace(&mut self.input, rest);
            }
            let read = self.stream.read_buf(&mut self.input).await.expect("a read");
            assert!(read > 0, "the connection ended");
        }
    }

    async fn ask(&mut self, line: &str) -> String {
        let line = format!("{line}\r\n");
        self.stream
            .write_all(line.as_bytes())
            .await
            .expect("a write");
        let answer = self.until(b"\r\n").await;
        String::from_utf8(answer)
            .expect("text")
            .trim_end()
            .to_owned()
    }

    /// A body, un-stuffed.
    async fn body(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line = self.until(b"\r\n").await;
            if line == b".\r\n" {
                return body;
            }
            body.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }
}

fn spoken(line: &Line) -> String {
    let with = |keyword: &str, number: &Option<u32>| match number {
        Some(number) => format!("{keyword} {number}"),
        None => keyword.to_owned(),
    };
    match line {
        Line::Stat => "STAT".to_owned(),
        Line::List(number) => with("LIST", number),
        Line::Uidl(number) => with("UIDL", number),
        Line::Retr(number) => format!("RETR {number}"),
        Line::Top(number, lines) => format!("TOP {number} {lines}"),
        Line::Dele(number) => format!("DELE {number}"),
        Line::Rset => "RSET".to_owned(),
        Line::Noop => "NOOP".to_owned(),
    }
}

/// Both at once, and what was said so far.
struct Stage {
    scratch: Scratch,
    address: SocketAddr,
    clients: [Option<Client>; CLIENTS],
    model: Model,
    /// The unique-id of each message, once it was heard.
    ids: Vec<Option<String>>,
    transcript: String,
}

impl Stage {
    fn note(&mut self, client: usize, mark: char, words: &str) {
        self.transcript
            .push_str(&format!("{client} {mark}: {words}\n"));
    }

    async fn play(&mut self, event: &Event) -> Result<(), TestCaseError> {
        match event {
            Event::Delivery(kind) => {
                let header = format!("Subject: number {}\n\n", self.model.born);
                let mail = [header.as_bytes(), BODIES[*kind]].concat();
                self.transcript
                    .push_str(&format!("  a mail comes: {}\n", mail.escape_ascii()));
                let (spool, sent) = (self.scratch.spool.clone(), mail.clone());
                tokio::task::spawn_blocking(move || {
                    spool.deliver("notices", &sent, None, moment())
                })
                .await
                .expect("no panic")
                .expect("a delivery");
                self.model.deliver(on_the_wire(&mail));
                self.ids.push(None);
                Ok(())
            }
            Event::Client(client, Act::Vanish) => {
                if self.clients[*client].take().is_some() {
                    self.note(*client, 'C', "(is cut off)");
                    self.model.sessions[*client] = None;
                    self.gone().await;
                }
                Ok(())
            }
            Event::Client(client, Act::Quit) => {
                let Some(mut connection) = self.clients[*client].take() else {
                    return Ok(());
                };
                let answer = connection.ask("QUIT").await;
                self.note(*client, 'C', "QUIT");
                self.note(*client, 'S', &answer);
                self.model.quit(*client);
                self.gone().await;
                prop_assert!(answer.starts_with("+OK"), "{}", self.transcript);
                Ok(())
            }
            Event::Client(client, Act::SignIn) => {
                if self.clients[*client].is_some() {
                    return Ok(());
                }
                let mut connection = Client::connect(self.address).await;
                connection.ask("USER notices").await;
                let answer = connection.ask("PASS sesame").await;
                self.note(*client, 'C', "PASS ****");
                self.note(*client, 'S', &answer);
                match self.model.sign_in(*client) {
                    Heard::InUse => {
                        prop_assert!(answer.starts_with("-ERR [IN-USE]"), "{}", self.transcript);
                    }
                    _ => {
                        prop_assert!(answer.starts_with("+OK"), "{}", self.transcript);
                        self.clients[*client] = Some(connection);
                    }
                }
                Ok(())
            }
            Event::Client(client, Act::Say(line)) => self.say(*client, line).await,
        }
    }

    /// Waits until the server has seen that a session is over.
    async fn gone(&self) {
        let here = self.model.sessions.iter().flatten().count();
        loop {
            let status = self.scratch.spool.sessions("notices");
            if status == here {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn say(&mut self, client: usize, line: &Line) -> Result<(), TestCaseError> {
        let (Some(connection), Some(maildrop)) =
            (&mut self.clients[client], &mut self.model.sessions[client])
        else {
            return Ok(());
        };
        let expected = maildrop.say(line);
        let answer = connection.ask(&spoken(line)).await;
        let body = match &expected {
            Heard::Body(_) if answer.starts_with("+OK") => Some(connection.body().await),
            _ => None,
        };
        self.note(client, 'C', &spoken(line));
        self.note(client, 'S', &answer);
        if let Some(body) = &body {
            self.note(client, 'S', &format!("{}.", body.escape_ascii()));
        }
        let transcript = &self.transcript;
        match expected {
            Heard::Error => prop_assert!(answer.starts_with("-ERR"), "{transcript}"),
            Heard::InUse => prop_assert!(false, "only signing in is refused so"),
            Heard::Line(expected) => {
                let expected = format!("+OK {expected}");
                let answer = self.by_number(&answer);
                prop_assert!(
                    answer.starts_with(&expected),
                    "expected {expected}\n{}",
                    self.transcript
                );
            }
            Heard::Body(expected) => {
                let body = body.unwrap_or_default();
                let body = match line {
                    Line::Uidl(_) => {
                        let text = String::from_utf8_lossy(&body).into_owned();
                        let expected = String::from_utf8_lossy(&expected).into_owned();
                        self.learn(&text, &expected);
                        let lines = text.lines().map(|line| self.by_number(line) + "\r\n");
                        lines.collect::<String>().into_bytes()
                    }
                    _ => body,
                };
                prop_assert_eq!(
                    body.escape_ascii().to_string(),
                    expected.escape_ascii().to_string(),
                    "{}",
                    self.transcript
                );
            }
        }
        Ok(())
    }

    /// Notes which unique-id a message has, the first time that it is heard.
    fn learn(&mut self, heard: &str, expected: &str) {
        for (line, meant) in heard.lines().zip(expected.lines()) {
            let id = line.split(' ').nth(1).unwrap_or_default();
            let born = meant
                .split('#')
                .nth(1)
                .and_then(|number| number.parse::<usize>().ok());
            if let Some(born) = born
                && self.ids[born].is_none()
                && !self.ids.iter().flatten().any(|known| known == id)
            {
                self.ids[born] = Some(id.to_owned());
            }
        }
    }

    /// The line with the message's number in the place of its unique-id. One that was not heard before
    /// is taken to be right; that it is no other's is checked when it is.
    fn by_number(&self, line: &str) -> String {
        let words: Vec<String> = line
            .split(' ')
            .map(|word| {
                let known = self.ids.iter().position(|id| id.as_deref() == Some(word));
                known.map_or_else(|| word.to_owned(), |born| format!("#{born}"))
            })
            .collect();
        words.join(" ")
    }
}

fn play(events: &[Event], is_exclusive: bool) -> Result<(), TestCaseError> {
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let scratch = Scratch::new();
        if is_exclusive {
            let change = Change {
                sessions: Some(Sessions::Exclusive),
                ..Change::default()
            };
            scratch
                .spool
                .accounts()
                .change("notices", change, None)
                .expect("a change");
        }
        let served = scratch.serve().await;
        let mut stage = Stage {
            address: served.address(),
            scratch,
            clients: [None, None, None],
            model: Model {
                is_exclusive,
                ..Model::default()
            },
            ids: Vec::new(),
            transcript: String::new(),
        };
        for kind in [2, 3] {
            stage.play(&Event::Delivery(kind)).await?;
        }
        // The unique-ids of UIDL n are known from UIDL.
        for event in events {
            if let Event::Client(client, Act::Say(Line::Uidl(Some(_)))) = event {
                stage.say(*client, &Line::Uidl(None)).await?;
            }
            stage.play(event).await?;
        }
        // Whoever comes at the end finds what the model says is there.
        for client in 0..CLIENTS {
            stage.play(&Event::Client(client, Act::Vanish)).await?;
        }
        stage.play(&Event::Client(0, Act::SignIn)).await?;
        for line in [
            Line::Stat,
            Line::List(None),
            Line::Uidl(None),
            Line::Retr(1),
        ] {
            stage.say(0, &line).await?;
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sessions_that_share_a_maildrop_hear_what_the_standard_says(
        events in proptest::collection::vec(event(), 1..50),
    ) {
        play(&events, false)?;
    }

    #[test]
    fn sessions_that_have_it_alone_hear_what_the_standard_says(
        events in proptest::collection::vec(event(), 1..50),
    ) {
        play(&events, true)?;
    }
}

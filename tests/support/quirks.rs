//! A server with the ways of real ones, by name and together: what it is like is a set of [`Quirk`]s, what
//! goes wrong with it a [`Trouble`].

use std::{
    collections::{BTreeSet, HashSet},
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time,
};

/// A way of a real server, as POP3's implementers have met it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Quirk {
    /// It does not know CAPA.
    NoCapa,
    /// It does not know UIDL.
    NoUidl,
    /// It does not know TOP.
    NoTop,
    /// It does not know STAT.
    NoStat,
    /// It answers LIST with all messages, although one was asked for.
    ListsWhole,
    /// It announces and takes several commands at once.
    Pipelines,
    /// It announces that, and loses what came behind a command.
    LosesAhead,
    /// It has no response codes, and says in words what is the matter.
    NoCodes,
    /// It says first the words and then the code.
    CodeBehind,
    /// It answers without a word.
    Wordless,
    /// It writes its status in small letters.
    SmallLetters,
    /// It ends its lines by LF alone.
    BareLf,
    /// It does not stuff lines that begin with a dot.
    Unstuffed,
    /// Its listings have spaces, tabs and fields of their own.
    OddListings,
    /// Its listings go from the last message to the first.
    Backwards,
    /// Its message numbers have gaps.
    Gaps,
    /// Its sizes are guesses.
    GuessedSizes,
    /// Its sizes are all 0.
    NoSizes,
    /// Unique-ids come from the headers alone: equal mails have one.
    DigestIds,
    /// Unique-ids are 500 characters long.
    LongIds,
    /// Unique-ids hold octets that none may hold.
    OddIds,
    /// A unique-id is given to the next message once its own is gone.
    ReusedIds,
    /// Unique-ids are other ones in each session.
    UnsteadyIds,
    /// Unique-ids are the message numbers.
    NumberIds,
    /// UIDL leaves out the second message.
    LeavesOut,
    /// It lets nobody in while somebody else is.
    Exclusive,
    /// It announces how long to wait between two sessions.
    LoginDelay,
    /// It announces that it removes what was fetched.
    Expires,
    /// It lists only what nobody has fetched yet, and no more than three, the oldest first.
    Gmail,
    /// It signs in by XOAUTH2 alone.
    TokensOnly,
    /// It signs in by AUTH LOGIN alone.
    LoginOnly,
    /// It offers APOP by a timestamp that is none.
    FalseTimestamp,
    /// It refuses at the greeting, not at the password.
    RefusesAtGreeting,
    /// One message can never be had.
    OneRefused,
    /// It adds headers to what it hands out, others each time.
    AddsHeaders,
}

/// What goes wrong for once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// Somebody else is in.
    Busy,
    /// One has come too often.
    TooOften,
    /// Something does not work just now.
    Temporary,
    /// Somebody has to see to the account.
    Permanent,
    /// The password is wrong.
    WrongPassword,
    /// POP3 is switched off for the account.
    SwitchedOff,
    /// The connection ends in the middle of a message.
    CutOff,
    /// Both listings leave out the second half, and look whole.
    HalfListed,
    /// It falls silent in the middle of a message.
    Silence,
    /// It speaks another protocol.
    Nonsense,
}

struct Mail {
    unique_id: String,
    text: String,
    is_taken: bool,
    /// How often its unique-id has become another.
    generation: u32,
}

struct State {
    quirks: BTreeSet<Quirk>,
    trouble: Option<Trouble>,
    mails: Vec<Mail>,
    /// How many mails there were ever.
    count: u32,
    sessions: u32,
    is_held: bool,
    /// What was said that no reader may say.
    forbidden: Vec<String>,
    /// How many messages were handed out, or their headers.
    fetched: u32,
    /// How many of them whole.
    whole: u32,
    hangs_up_at_top: bool,
}

/// A running server. It is gone when the test's runtime ends.
pub struct Odd {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl Odd {
    /// A server of these ways, without mail.
    pub async fn start(quirks: &[Quirk]) -> Odd {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State {
            quirks: quirks.iter().copied().collect(),
            trouble: None,
            mails: Vec::new(),
            count: 0,
            sessions: 0,
            is_held: false,
            forbidden: Vec::new(),
            fetched: 0,
            whole: 0,
            hangs_up_at_top: false,
        }));
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let state = shared.clone();
                tokio::spawn(async move {
                    // Whatever ends it, the test sees what it comes to.
                    let _ = Session::begin(socket, state).run().await;
                });
            }
        });
        Odd { port, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Mail comes: as many messages.
    pub fn deliver(&self, count: u32) {
        let mut state = self.state();
        for _ in 0..count {
            state.count += 1;
            let number = state.count;
            let reused = state.quirks.contains(&Quirk::ReusedIds).then(|| {
                let used: HashSet<_> = state.mails.iter().map(|mail| &mail.unique_id).collect();
                (1..)
                    .map(|id| format!("id-{id}"))
                    .find(|id| !used.contains(id))
                    .unwrap_or_default()
            });
            let unique_id = reused.unwrap_or_else(|| format!("id-{number}"));
            // Every fourth is the same mail as the one before.
            let subject = if number.is_multiple_of(4) {
                number - 1
            } else {
                number
            };
            state.mails.push(Mail {
                unique_id,
                text: mail(
                    &subject.to_string(),
                    &format!("text\n.\n..dots\nend of {subject}\n"),
                ),
                is_taken: false,
                generation: 0,
            });
        }
    }

    /// All that is there now: unique-ids and mails, each mail by its subject and its text.
    pub fn hold(&self, mails: &[(&str, &str, &str)]) {
        self.state().mails = mails
            .iter()
            .map(|(unique_id, subject, text)| Mail {
                unique_id: (*unique_id).to_owned(),
                text: mail(subject, text),
                is_taken: false,
                generation: 0,
            })
            .collect();
    }

    /// How many messages were handed out, or their headers.
    pub fn fetched(&self) -> u32 {
        self.state().fetched
    }

    /// How many messages were handed out whole.
    pub fn fetched_whole(&self) -> u32 {
        self.state().whole
    }

    /// From now on it hangs up over TOP.
    pub fn hang_up_at_top(&self) {
        self.state().hangs_up_at_top = true;
    }

    /// Somebody else takes the oldest message away.
    pub fn remove_oldest(&self) {
        self.state().mails.remove(0);
    }

    /// The server moves: all unique-ids are others.
    pub fn move_away(&self) {
        for mail in &mut self.state().mails {
            mail.generation += 1;
        }
    }

    /// Half of the unique-ids are others.
    pub fn half_move_away(&self) {
        for mail in self.state().mails.iter_mut().step_by(2) {
            mail.generation += 1;
        }
    }

    pub fn set_trouble(&self, trouble: Option<Trouble>) {
        self.state().trouble = trouble;
    }

    /// What was said that no reader may say: nothing.
    pub fn forbidden(&self) -> Vec<String> {
        self.state().forbidden.clone()
    }

    /// True once nobody is signed in.
    pub fn is_free(&self) -> bool {
        !self.state().is_held
    }
}

fn mail(subject: &str, text: &str) -> String {
    format!(
        "From: Priya <priya@team.example>\nSubject: Notice {subject}\n\
         Message-ID: <{subject}@team.example>\nDate: Thu, 5 Nov 2026 10:00:00 +0000\n\n{text}"
    )
}

fn lock(state: &Arc<Mutex<State>>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Session {
    socket: BufReader<TcpStream>,
    state: Arc<Mutex<State>>,
    quirks: BTreeSet<Quirk>,
    trouble: Option<Trouble>,
    user: String,
    holds: bool,
    /// Number, unique-id, text.
    listed: Vec<(u32, String, String)>,
    /// Which of the mails those are.
    places: Vec<String>,
    out: Vec<u8>,
}

/// Why a session ends.
type End = std::io::Result<bool>;

impl Session {
    fn begin(socket: TcpStream, state: Arc<Mutex<State>>) -> Session {
        let (quirks, trouble) = {
            let mut state = lock(&state);
            state.sessions += 1;
            (state.quirks.clone(), state.trouble)
        };
        Session {
            socket: BufReader::new(socket),
            state,
            quirks,
            trouble,
            user: String::new(),
            holds: false,
            listed: Vec::new(),
            places: Vec::new(),
            out: Vec::new(),
        }
    }

    fn is(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    async fn run(mut self) -> std::io::Result<()> {
        let outcome = self.talk().await;
        if self.holds {
            lock(&self.state).is_held = false;
        }
        outcome
    }

    async fn talk(&mut self) -> std::io::Result<()> {
        if self.trouble == Some(Trouble::Nonsense) {
            self.raw("HTTP/1.1 400 Bad Request\r\n\r\n");
            return self.flush().await;
        }
        if self.is(Quirk::RefusesAtGreeting)
            && let Some(trouble) = self.trouble.filter(|trouble| refuses(*trouble))
        {
            self.refuse(trouble);
            return self.flush().await;
        }
        let timestamp = if self.is(Quirk::FalseTimestamp) {
            " <no msg-id>"
        } else {
            ""
        };
        self.say(&format!("+OK POP3 server ready{timestamp}"));
        self.flush().await?;
        loop {
            let mut line = Vec::new();
            if self.socket.read_until(b'\n', &mut line).await? == 0 {
                return Ok(());
            }
            if self.is(Quirk::LosesAhead) {
                // What came in the same packet is thrown away.
                let ahead = self.socket.buffer().len();
                self.socket.consume(ahead);
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let is_over = self.answer(&line).await?;
            self.flush().await?;
            if is_over {
                return Ok(());
            }
        }
    }

    async fn answer(&mut self, line: &str) -> End {
        let (keyword, argument) = line.split_once(' ').unwrap_or((line, ""));
        let number: Option<u32> = argument
            .split(' ')
            .next()
            .and_then(|word| word.parse().ok());
        match keyword.to_ascii_uppercase().as_str() {
            "CAPA" if self.is(Quirk::NoCapa) => self.say("-ERR unknown command"),
            "CAPA" => self.capabilities(),
            "USER" if self.is(Quirk::TokensOnly) || self.is(Quirk::LoginOnly) => {
                self.say("-ERR use AUTH");
            }
            "USER" => {
                self.user = argument.to_owned();
                self.say("+OK now the password");
            }
            "PASS" => self.sign_in(argument == "sesame"),
            "APOP" => self.say("-ERR no APOP"),
            "AUTH" => return self.auth(argument).await,
            "QUIT" => {
                self.say("+OK goodbye");
                return Ok(true);
            }
            "STAT" if self.is(Quirk::NoStat) => self.say("-ERR unknown command"),
            "STAT" => {
                let octets: usize = self.listed.iter().map(|mail| self.size(&mail.2)).sum();
                self.say(&format!("+OK {} {octets}", self.listed.len()));
            }
            "UIDL" if self.is(Quirk::NoUidl) => self.say("-ERR unknown command"),
            "UIDL" => {
                let lines = self
                    .listed
                    .iter()
                    .map(|(number, id, _)| (*number, id.clone()));
                let left_out = if self.is(Quirk::LeavesOut) {
                    1
                } else {
                    usize::MAX
                };
                let lines = lines.enumerate().filter(|(place, _)| *place != left_out);
                let lines = lines.map(|(_, line)| line).collect();
                self.list(lines);
            }
            "LIST" if !argument.is_empty() && !self.is(Quirk::ListsWhole) => {
                let size = self
                    .listed
                    .iter()
                    .find(|(listed, _, _)| Some(*listed) == number)
                    .map(|(number, _, text)| format!("+OK {number} {}", self.size(text)));
                self.say(&size.unwrap_or_else(|| "-ERR no such message".to_owned()));
            }
            "LIST" => {
                let lines = self.listed.iter();
                let lines = lines.map(|(number, _, text)| (*number, self.size(text).to_string()));
                let lines = lines.collect();
                self.list(lines);
            }
            "TOP" if self.is(Quirk::NoTop) => self.say("-ERR unknown command"),
            "TOP" => return self.hand_out(number, true).await,
            "RETR" => return self.hand_out(number, false).await,
            "NOOP" => self.say("+OK"),
            other => {
                if matches!(other, "DELE" | "RSET") {
                    lock(&self.state).forbidden.push(line.to_owned());
                }
                self.say("-ERR unknown command");
            }
        }
        Ok(false)
    }

    fn capabilities(&mut self) {
        let mut lines = String::new();
        let mut offer = |is_offered, line: &str| {
            if is_offered {
                let _ = writeln!(lines, "{line}\r");
            }
        };
        let mechanisms = match (self.is(Quirk::TokensOnly), self.is(Quirk::LoginOnly)) {
            (true, _) => "SASL XOAUTH2",
            (_, true) => "SASL LOGIN",
            _ => "USER",
        };
        offer(true, mechanisms);
        offer(!self.is(Quirk::NoTop), "TOP");
        offer(!self.is(Quirk::NoUidl), "UIDL");
        offer(
            self.is(Quirk::Pipelines) || self.is(Quirk::LosesAhead),
            "PIPELINING",
        );
        offer(!self.is(Quirk::NoCodes), "RESP-CODES");
        offer(self.is(Quirk::LoginDelay), "LOGIN-DELAY 600");
        offer(self.is(Quirk::Expires), "EXPIRE 0");
        self.say("+OK capabilities");
        self.raw(&lines);
        self.end();
    }

    async fn auth(&mut self, argument: &str) -> End {
        let wanted = if self.is(Quirk::TokensOnly) {
            "XOAUTH2"
        } else if self.is(Quirk::LoginOnly) {
            "LOGIN"
        } else {
            ""
        };
        if argument != wanted || wanted.is_empty() {
            self.say("-ERR unknown mechanism");
            return Ok(false);
        }
        let challenges: &[&str] = match wanted {
            "LOGIN" => &["VXNlcm5hbWU6", "UGFzc3dvcmQ6"],
            _ => &[""],
        };
        let mut last = String::new();
        for challenge in challenges {
            self.raw(&format!("+ {challenge}\r\n"));
            self.flush().await?;
            last.clear();
            self.socket.read_line(&mut last).await?;
        }
        // base64 of `sesame`, and of what XOAUTH2 makes of it.
        let is_right = matches!(
            last.trim_end(),
            "c2VzYW1l" | "dXNlcj1ub3RpY2VzAWF1dGg9QmVhcmVyIHNlc2FtZQEB"
        );
        self.sign_in(is_right);
        Ok(false)
    }

    fn sign_in(&mut self, is_right: bool) {
        if let Some(trouble) = self.trouble.filter(|trouble| refuses(*trouble)) {
            self.refuse(trouble);
        } else if !is_right {
            self.refuse(Trouble::WrongPassword);
        } else if self.is(Quirk::Exclusive) && lock(&self.state).is_held {
            self.refuse(Trouble::Busy);
        } else {
            lock(&self.state).is_held = true;
            self.holds = true;
            self.open();
            self.say("+OK welcome");
        }
    }

    /// What this session sees: all that is there now.
    fn open(&mut self) {
        let is_recent = self.user.starts_with("recent:");
        let limits = self.is(Quirk::Gmail) && !is_recent;
        let state = lock(&self.state);
        let generation = |mail: &Mail| match state.quirks.contains(&Quirk::UnsteadyIds) {
            true => 1_000 + state.sessions,
            false => mail.generation,
        };
        let mails = || state.mails.iter().filter(|mail| !limits || !mail.is_taken);
        let most = if limits { 3 } else { usize::MAX };
        let gap = if state.quirks.contains(&Quirk::Gaps) {
            3
        } else {
            1
        };
        self.places = mails()
            .take(most)
            .map(|mail| mail.unique_id.clone())
            .collect();
        self.listed = mails()
            .take(most)
            .zip(1..)
            .map(|(mail, number): (&Mail, u32)| {
                let number = number * gap;
                let generation = generation(mail);
                let moved = format!("{}.{generation}", mail.unique_id);
                let unique_id = if state.quirks.contains(&Quirk::NumberIds) {
                    number.to_string()
                } else if state.quirks.contains(&Quirk::DigestIds) {
                    let subject = mail.text.lines().nth(1).unwrap_or_default();
                    format!("{}.{generation}", subject.replace([' ', ':'], "-"))
                } else if state.quirks.contains(&Quirk::LongIds) {
                    format!("{moved:x<500}")
                } else if state.quirks.contains(&Quirk::OddIds) {
                    format!("{moved}\u{e4}\u{1}")
                } else {
                    moved
                };
                (number, unique_id, mail.text.clone())
            })
            .collect();
    }

    fn refuse(&mut self, trouble: Trouble) {
        let (code, words) = match trouble {
            Trouble::Busy => ("[IN-USE]", "mailbox is locked by another session"),
            Trouble::TooOften => ("[LOGIN-DELAY]", "login too often, try again in 5 minutes"),
            Trouble::Temporary => ("[SYS/TEMP]", "server is not available, try later"),
            Trouble::Permanent => ("[SYS/PERM]", "mailbox is broken, call the operator"),
            Trouble::SwitchedOff => ("[AUTH]", "POP3 is switched off for this account"),
            _ => ("[AUTH]", "invalid user name or password"),
        };
        let line = if self.is(Quirk::NoCodes) {
            format!("-ERR {words}")
        } else if self.is(Quirk::CodeBehind) {
            format!("-ERR {words} {code}")
        } else {
            format!("-ERR {code} {words}")
        };
        self.say(&line);
    }

    fn size(&self, text: &str) -> usize {
        let octets = text.len() + text.lines().count();
        if self.is(Quirk::NoSizes) {
            0
        } else if self.is(Quirk::GuessedSizes) {
            octets / 100 * 100
        } else {
            octets
        }
    }

    fn list(&mut self, mut lines: Vec<(u32, String)>) {
        if self.is(Quirk::Backwards) {
            lines.reverse();
        }
        if self.trouble == Some(Trouble::HalfListed) {
            lines.truncate(lines.len() / 2);
        }
        self.say("+OK listing");
        for (number, what) in lines {
            let line = if self.is(Quirk::OddListings) {
                format!("  {number} \t{what} \t(seen) Nov-2026\r\n")
            } else {
                format!("{number} {what}\r\n")
            };
            self.raw(&line);
        }
        self.end();
    }

    async fn hand_out(&mut self, number: Option<u32>, is_top: bool) -> End {
        let found = self.listed.iter().position(|mail| Some(mail.0) == number);
        let Some(((_, _, text), id)) =
            found.map(|place| (self.listed[place].clone(), self.places[place].clone()))
        else {
            self.say("-ERR no such message");
            return Ok(false);
        };
        if self.is(Quirk::OneRefused) && text.contains("Notice 2\n") {
            self.say("-ERR cannot be read");
            return Ok(false);
        }
        if !is_top && self.is(Quirk::Gmail) {
            let mut state = lock(&self.state);
            if let Some(mail) = state.mails.iter_mut().find(|mail| mail.unique_id == id) {
                mail.is_taken = true;
            }
        }
        {
            let mut state = lock(&self.state);
            if is_top && state.hangs_up_at_top {
                return Ok(true);
            }
            state.fetched += 1;
            state.whole += u32::from(!is_top);
        }
        self.say("+OK message follows");
        if self.is(Quirk::AddsHeaders) {
            let session = lock(&self.state).sessions;
            self.raw(&format!("X-Served: {session}\r\nStatus: RO\r\n"));
        }
        if !is_top && matches!(self.trouble, Some(Trouble::CutOff | Trouble::Silence)) {
            self.raw("From: Pri");
            self.flush().await?;
            if self.trouble == Some(Trouble::Silence) {
                // Until the client goes.
                let mut rest = Vec::new();
                let _ = time::timeout(Duration::from_secs(60), self.socket.read_to_end(&mut rest))
                    .await;
            }
            return Ok(true);
        }
        let end = if is_top {
            text.find("\n\n").map_or(text.len(), |end| end + 2)
        } else {
            text.len()
        };
        for line in text[..end].lines() {
            let stuffing = if line.starts_with('.') && !self.is(Quirk::Unstuffed) {
                "."
            } else {
                ""
            };
            // One that does not stuff cannot say a lone dot.
            if line == "." && self.is(Quirk::Unstuffed) {
                continue;
            }
            self.raw(&format!("{stuffing}{line}\r\n"));
        }
        self.end();
        Ok(false)
    }

    fn say(&mut self, line: &str) {
        let (status, words) = line.split_once(' ').unwrap_or((line, ""));
        let is_drop_listing = words.split(' ').all(|word| word.parse::<u32>().is_ok());
        let words = match self.is(Quirk::Wordless) && status == "+OK" && !is_drop_listing {
            true => "",
            false => words,
        };
        let status = match self.is(Quirk::SmallLetters) {
            true => status.to_ascii_lowercase(),
            false => status.to_owned(),
        };
        let line = format!("{status} {words}");
        self.raw(&format!("{}\r\n", line.trim_end()));
    }

    fn end(&mut self) {
        self.raw(".\r\n");
    }

    fn raw(&mut self, text: &str) {
        let text = match self.is(Quirk::BareLf) {
            true => text.replace("\r\n", "\n"),
            false => text.to_owned(),
        };
        self.out.extend_from_slice(text.as_bytes());
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        let out = std::mem::take(&mut self.out);
        self.socket.write_all(&out).await
    }
}

/// True if nobody is let in.
fn refuses(trouble: Trouble) -> bool {
    !matches!(
        trouble,
        Trouble::CutOff | Trouble::Silence | Trouble::HalfListed | Trouble::Nonsense
    )
}

//! A screen without a terminal: keys are typed at a `Tui`, and what it draws is a text.
//!
//! Beneath the text each cell's colour role stands as a letter (see `Role::letter`), so that a change
//! of colours shows in a snapshot; a capital letter is underlined.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use image::DynamicImage;
use jiff::{Timestamp, tz::TimeZone};
use ratatui::{Terminal, backend::TestBackend, buffer::Cell, style::Modifier};
use ratatui_image::{Resize, picker::Picker, sliced::SlicedProtocol};
use tidings::{
    config::{Mailbox, Settings},
    notice::{
        Address, Headline, Line, MailboxIndex, Marks, Notice, NoticeId, body::Options, fate::Fate,
        files::File, inside, shown::Shown,
    },
    poll::report::{Outcome, Report, Summary},
    tui::{
        Purpose, Start, Tui,
        effect::{Compared, Effect, Timer, Wanted},
        event::Event,
        picture::{Picture, Placed},
        theme::{Role, Theme},
    },
};

/// A `Tui`, its size, and what it asked for.
pub struct Screen {
    pub tui: Tui,
    pub size: (u16, u16),
    pub effects: Vec<Effect>,
    pub mails: BTreeMap<NoticeId, Arc<Notice>>,
    /// Mails as they came, in place of those.
    pub raw: BTreeMap<NoticeId, String>,
    pub headlines: Vec<Headline>,
    pub last_visit: Option<Timestamp>,
    pub theme: Theme,
}

impl Screen {
    /// A screen of this size at its start: the mailbox was asked for, and is not here yet.
    pub fn starting(settings: &Settings, purpose: Purpose, size: (u16, u16)) -> Screen {
        let start = Start {
            now: at(NOW),
            zone: TimeZone::UTC,
            size,
            unicode: true,
            colour: true,
            background: None,
            purpose,
        };
        Screen::with_start(settings, start)
    }

    /// A screen with all that it must know at its start.
    pub fn with_start(settings: &Settings, start: Start) -> Screen {
        let theme = Theme::choose(&settings.screen.theme, start.colour, start.background);
        let size = start.size;
        let (tui, effects) = Tui::new(settings, start);
        let mut screen = Screen {
            tui,
            size,
            effects: Vec::new(),
            mails: BTreeMap::new(),
            raw: BTreeMap::new(),
            headlines: Vec::new(),
            last_visit: Some(at("2026-11-22T18:10:00Z")),
            theme,
        };
        screen.take(effects);
        screen
    }

    /// The team's mailbox of the mock-ups, loaded and checked.
    pub fn team(size: (u16, u16)) -> Screen {
        let mut screen = Screen::starting(&settings(), Purpose::Read(MailboxIndex(0)), size);
        screen.open_the_team();
        screen
    }

    /// Loads the mailbox of the mock-ups, and has it checked.
    pub fn open_the_team(&mut self) {
        self.headlines = team();
        self.mails = mails();
        self.load();
        for (mailbox, unread) in [(1, 0), (2, 1)] {
            let mailbox = MailboxIndex(mailbox);
            self.happens(Event::Counted { mailbox, unread });
        }
        self.checked(done(128));
        self.press("<esc>");
        self.effects
            .retain(|effect| matches!(effect, Effect::SetTitle(_)));
    }

    /// The saved headlines come.
    pub fn load(&mut self) {
        self.happens(Event::Loaded {
            mailbox: MailboxIndex(0),
            headlines: self.headlines.clone(),
            kept: u32::try_from(self.headlines.len()).expect("a test's mailbox is small"),
            complete: true,
            last_visit: self.last_visit,
            last_seen: None,
        });
    }

    /// A check of the open mailbox ended.
    pub fn checked(&mut self, summary: Summary) {
        self.reported(Report::Checked(summary));
    }

    /// The open mailbox's poller told something.
    pub fn reported(&mut self, report: Report) {
        self.happens(Event::Reported {
            mailbox: MailboxIndex(0),
            report,
        });
    }

    /// Something happened.
    pub fn happens(&mut self, event: Event) {
        if let Event::Resized { columns, rows } = event {
            self.size = (columns, rows);
        }
        let effects = self.tui.handle(event);
        self.take(effects);
    }

    /// The last notice that was asked for cannot be opened.
    pub fn cannot_open(&mut self, why: &str) {
        let wanted = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Open(wanted) => Some(*wanted),
            _ => None,
        });
        self.happens(Event::NotOpened {
            wanted: wanted.expect("one was asked for"),
            why: Shown::line(why),
            next: Shown::line("try again"),
        });
    }

    /// Types keys: letters as they are, others by name in angle brackets (`jj<enter>`).
    pub fn press(&mut self, keys: &str) {
        for key in parse(keys) {
            let effects = self.tui.key(key);
            self.take(effects);
        }
    }

    /// The effects since this was asked last, but for those that are answered here and for timers.
    pub fn asked(&mut self) -> Vec<Effect> {
        let mut asked = std::mem::take(&mut self.effects);
        asked.retain(|effect| {
            !matches!(
                effect,
                Effect::WakeAfter { .. } | Effect::SetTitle(_) | Effect::Load { .. }
            )
        });
        asked
    }

    /// The setup's fingers rest: its test begins. Returns the test's number.
    pub fn test(&mut self) -> u32 {
        self.wake(Timer::Test);
        let trials = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::TestConnection { trial, .. } => Some(*trial),
            _ => None,
        });
        trials.expect("a test was begun")
    }

    /// A timer runs out.
    pub fn wake(&mut self, timer: Timer) {
        let now = at(NOW);
        self.happens(Event::Woke { timer, now });
    }

    /// The line of the selected notice.
    pub fn selected(&self) -> String {
        self.line(self.selected_row())
    }

    /// The row of the selected notice.
    pub fn selected_row(&self) -> usize {
        let text = self.text();
        let mut lines = text.lines();
        lines
            .position(|line| line.starts_with('>'))
            .expect("a notice is selected")
    }

    /// What is on the screen.
    pub fn text(&self) -> String {
        self.drawn().0
    }

    /// What is on the screen, and beneath it the roles.
    pub fn picture(&self) -> String {
        let (text, roles) = self.drawn();
        format!("{text}\n{}\n{roles}", "=".repeat(usize::from(self.size.0)))
    }

    /// A line of the screen.
    pub fn line(&self, row: usize) -> String {
        let text = self.text();
        text.lines().nth(row).unwrap_or_default().to_owned()
    }

    /// The last line but one: the status.
    pub fn status(&self) -> String {
        self.line(usize::from(self.size.1) - 2)
    }

    /// A mail in place of the one that a notice has.
    pub fn replace(&mut self, id: NoticeId, mail: &str) {
        self.raw.insert(id, mail.to_owned());
    }

    fn notice(&self, wanted: &Wanted) -> Option<Arc<Notice>> {
        if let Some(Compared { older, newer }) = wanted.compared {
            let older = self.mails.get(&older)?;
            return Some(Arc::new(self.mails.get(&newer)?.compared_with(older)));
        }
        match self.raw.get(&wanted.id) {
            Some(mail) if !wanted.way.is_empty() => {
                let (file, bytes) = wanted.way.file(mail.as_bytes())?;
                Notice::of_file(&file, &bytes, None).map(Arc::new)
            }
            Some(mail) => Some(Arc::new(Notice::parse_as(mail.as_bytes(), wanted.form))),
            None => self.mails.get(&wanted.id).cloned(),
        }
    }

    fn file(&self, wanted: &Wanted) -> Option<(File, Vec<u8>)> {
        wanted.way.file(self.raw.get(&wanted.id)?.as_bytes())
    }

    fn is_picture(&self, wanted: &Wanted) -> bool {
        self.file(wanted)
            .is_some_and(|(file, _)| inside::is_picture(&file))
    }

    fn opened_picture(&self, wanted: &Wanted) -> Option<Event> {
        let (file, bytes) = self.file(wanted)?;
        let Ok(image) = image::load_from_memory(&bytes) else {
            return Some(Event::NotOpened {
                wanted: *wanted,
                why: Shown::from_static("it cannot be decoded"),
                next: Shown::default(),
            });
        };
        let picture = halfblocks(&image, (wanted.width, wanted.rows));
        let notice = Notice {
            subject: file.name,
            ..Notice::default()
        };
        Some(Event::Opened {
            wanted: *wanted,
            notice: Arc::new(notice),
            lines: vec![Line::default(); usize::from(picture.rows())].into(),
            pictures: vec![Placed { line: 0, picture }],
        })
    }

    /// Has the notices read that were asked for; keeps the other effects.
    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let answer = match &effect {
                Effect::Open(wanted) if self.is_picture(wanted) => self.opened_picture(wanted),
                Effect::Open(wanted) => self.notice(wanted).map(|notice| Event::Opened {
                    wanted: *wanted,
                    lines: notice.lines(wanted.width, layout(wanted)).into(),
                    notice,
                    pictures: Vec::new(),
                }),
                _ => None,
            };
            match answer {
                Some(event) => self.happens(event),
                None => self.effects.push(effect),
            }
        }
    }

    fn drawn(&self) -> (String, String) {
        let (columns, rows) = self.size;
        let backend = TestBackend::new(columns, rows);
        let mut terminal = Terminal::new(backend).expect("a test's terminal never fails");
        terminal
            .draw(|frame| self.tui.draw(frame))
            .expect("a test's terminal never fails");
        let buffer = terminal.backend().buffer();
        let (mut text, mut roles) = (String::new(), String::new());
        for y in 0..rows {
            let mut skip = 0;
            let (mut line, mut letters) = (String::new(), String::new());
            for x in 0..columns {
                let cell = &buffer[(x, y)];
                letters.push(self.letter(cell));
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                let symbol = without_link(cell.symbol());
                line += symbol;
                skip = tidings::notice::text::width(symbol).saturating_sub(1);
            }
            text += line.trim_end();
            text.push('\n');
            roles += letters.trim_end();
            roles.push('\n');
        }
        (text, roles)
    }

    fn letter(&self, cell: &Cell) -> char {
        let selection = self.theme.style(Role::Selection);
        let is_selected = selection.bg.is_some_and(|bg| cell.bg == bg);
        let role = match is_selected {
            true => Role::Selection,
            false if without_link(cell.symbol()) == " " => return ' ',
            false => {
                let of_colour = |role: &&Role| self.theme.style(**role).fg == Some(cell.fg);
                Role::ALL
                    .iter()
                    .find(of_colour)
                    .copied()
                    .unwrap_or(Role::Text)
            }
        };
        let is_link = self
            .theme
            .style(role)
            .add_modifier
            .contains(Modifier::UNDERLINED);
        match cell.modifier.contains(Modifier::UNDERLINED) && !is_link {
            true => role.letter().to_ascii_uppercase(),
            false => role.letter(),
        }
    }
}

/// The settings of a team with three mailboxes, and a theme that tells all roles apart.
pub fn settings() -> Settings {
    let mailbox = |name: &str| Mailbox {
        name: name.to_owned(),
        host: "pop.team.example".to_owned(),
        user: format!("{name}@team.example"),
        ..Mailbox::default()
    };
    let mut settings = Settings {
        mailboxes: vec![mailbox("notices"), mailbox("ops-alerts"), mailbox("hr")],
        ..Settings::default()
    };
    settings.screen.theme = "dark".to_owned();
    settings
}

/// A moment, as RFC 3339 writes it.
pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a test's time is well-formed")
}

/// A check at 14:05 that came through.
pub fn done(on_server: u32) -> Summary {
    Summary {
        on_server: Some(on_server),
        next: Some(at("2026-11-23T14:06:12Z")),
        ..check("2026-11-23T14:05:12Z", Outcome::Done, 184)
    }
}

/// A check that ended somehow.
pub fn check(began: &str, outcome: Outcome, milliseconds: u64) -> Summary {
    Summary {
        at: at(began),
        took: Duration::from_millis(milliseconds),
        outcome,
        next: None,
        on_server: None,
        new: 0,
        told: 0,
        withdrawn: 0,
        octets: 0,
        left: 0,
        attempt: 0,
        notes: Vec::new(),
        dialogue: "S: +OK ready\nC: USER notices\nS: +OK\nC: PASS ****\nS: +OK\nC: QUIT".into(),
    }
}

/// A headline of the team's mailbox.
pub fn headline(id: i64, date: &str, from: &str, subject: &str) -> Headline {
    Headline {
        id: NoticeId(id),
        handle: format!("k{id:03}").into(),
        from: Arc::new(Address {
            name: Shown::line(from),
            address: Shown::line(&format!(
                "{}@team.example",
                from.split(' ').next().unwrap_or("team").to_lowercase()
            )),
        }),
        subject: Shown::line(subject),
        date: at(date),
        date_guessed: false,
        preview: Shown::default(),
        size: 2_000,
        important: false,
        files: 0,
        has_link: false,
        key: u64::try_from(id).expect("a test's ids are positive"),
        parents: Box::default(),
        marks: Marks {
            read: true,
            ..Marks::default()
        },
        ..Headline::default()
    }
}

/// The notices of the mock-ups, newest first.
pub fn team() -> Vec<Headline> {
    let unread = Marks::default();
    let mut notices = vec![
        Headline {
            marks: unread,
            parents: Box::new([1]),
            preview: Shown::line("Yes, they are held until 23:45."),
            ..headline(
                3,
                "2026-11-23T13:36:00Z",
                "Priya Natarajan",
                "Re: Build cluster",
            )
        },
        Headline {
            parents: Box::new([1]),
            preview: Shown::line("Will nightly releases wait?"),
            ..headline(2, "2026-11-23T12:58:00Z", "Tom Becker", "Re: Build cluster")
        },
        Headline {
            marks: unread,
            important: true,
            files: 2,
            has_link: true,
            ..headline(
                1,
                "2026-11-23T12:10:00Z",
                "Priya Natarajan",
                "Build cluster maintenance tonight 22:00-23:30 UTC",
            )
        },
        Headline {
            marks: unread,
            ..headline(
                4,
                "2026-11-23T09:06:00Z",
                "田中 花子",
                "【重要】東京オフィス停電のお知らせ (11月25日)",
            )
        },
        Headline {
            marks: Marks {
                read: true,
                starred: true,
                muted: false,
            },
            ..headline(
                5,
                "2026-11-22T10:00:00Z",
                "Facilities",
                "Fire drill Thursday 11:00, please use stairwell B",
            )
        },
        headline(
            6,
            "2026-11-21T10:00:00Z",
            "مريم",
            "تغيير موعد الاجتماع الأسبوعي",
        ),
        headline(
            7,
            "2026-11-20T10:00:00Z",
            "People Ops",
            "A very long subject line that goes on and on because nobody stopped to think",
        ),
        Headline {
            important: true,
            files: 2,
            ..headline(
                8,
                "2026-11-15T10:00:00Z",
                "Security",
                "Advisory 2026-11: rotate deploy keys by 30 Nov",
            )
        },
        Headline {
            fate: Fate {
                withdrawn: Some(at("2026-11-23T09:12:00Z")),
                ..Fate::default()
            }
            .into(),
            ..headline(
                9,
                "2026-11-14T10:00:00Z",
                "ops-bot",
                "Disk usage build-02 91%",
            )
        },
    ];
    let first = at("2026-11-13T10:00:00Z");
    for place in 0..119 {
        let mut deploy = headline(
            10 + place,
            "2026-11-13T10:00:00Z",
            "ops-bot",
            &format!("Deploy #{} web to production finished", 1224 - place),
        );
        deploy.date = first - Duration::from_secs(86_400 * u64::try_from(place).expect("positive"));
        notices.push(deploy);
    }
    notices
}

/// The mails behind the first notices of the mock-ups.
pub fn mails() -> BTreeMap<NoticeId, Arc<Notice>> {
    let mails = [
        (1, include_str!("../screens/maintenance.eml")),
        (
            2,
            "From: Tom Becker <tom@team.example>\n\nWill nightly releases wait?\n",
        ),
        (
            3,
            "From: Priya Natarajan <priya@team.example>\n\nYes, they are held until 23:45.\n",
        ),
        (
            9,
            "From: ops-bot <ops-bot@team.example>\nSubject: Disk usage build-02 91%\n\nThe disk is filling up.\n",
        ),
    ];
    mails
        .into_iter()
        .map(|(id, raw)| (NoticeId(id), Arc::new(Notice::parse(raw.as_bytes()))))
        .collect()
}

/// Long enough after the check of 14:05 that times read as in the mock-ups.
pub const NOW: &str = "2026-11-23T14:38:00Z";

/// A picture made of half blocks, for so many columns and rows.
pub fn halfblocks(image: &DynamicImage, (columns, rows): (u16, u16)) -> Picture {
    let size = ratatui::layout::Size::new(columns, rows);
    let picker = Picker::halfblocks();
    let size = Resize::Fit(None).size_for(image, picker.font_size(), size);
    let made = SlicedProtocol::new(&picker, image.clone(), Some(size));
    Picture::new(made.expect("it is made"))
}

/// As the loop lays text out: the reader draws the list of links itself.
fn layout(wanted: &Wanted) -> Options {
    Options {
        ascii: false,
        link_list: false,
        whole_links: false,
        folds_quotes: wanted.folds_quotes,
    }
}

/// A cell's letters without the address that links carry (OSC 8).
fn without_link(symbol: &str) -> &str {
    let opened = symbol.strip_prefix("\x1b]8;;");
    let text = opened.and_then(|rest| rest.split_once("\x1b\\"));
    let closed = text.and_then(|(_, text)| text.strip_suffix("\x1b]8;;\x1b\\"));
    closed.unwrap_or(symbol)
}

/// Keys as a test writes them: `jj<enter><ctrl-d>`.
pub fn parse(keys: &str) -> Vec<KeyEvent> {
    let mut parsed = Vec::new();
    let mut rest = keys;
    while let Some(c) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        if let Some((name, after)) = named {
            parsed.push(named_key(name));
            rest = after;
        } else {
            parsed.push(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
            rest = &rest[c.len_utf8()..];
        }
    }
    parsed
}

fn named_key(name: &str) -> KeyEvent {
    let (modifiers, name) = match name.strip_prefix("ctrl-") {
        Some(name) => (KeyModifiers::CONTROL, name),
        None => (KeyModifiers::NONE, name),
    };
    let code = match name {
        "backspace" => KeyCode::Backspace,
        "backtab" => KeyCode::BackTab,
        "del" => KeyCode::Delete,
        "down" => KeyCode::Down,
        "end" => KeyCode::End,
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "f1" => KeyCode::F(1),
        "f5" => KeyCode::F(5),
        "home" => KeyCode::Home,
        "left" => KeyCode::Left,
        "pgdn" => KeyCode::PageDown,
        "pgup" => KeyCode::PageUp,
        "right" => KeyCode::Right,
        "space" => KeyCode::Char(' '),
        "tab" => KeyCode::Tab,
        "up" => KeyCode::Up,
        letter => KeyCode::Char(letter.chars().next().expect("a key has a name")),
    };
    KeyEvent::new(code, modifiers)
}

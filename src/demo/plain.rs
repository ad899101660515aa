//! The story as lines of text, for where there is no screen (pure).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    demo::{
        cast::Person,
        event::{Event, Screen},
    },
    notice::{
        Headline, text,
        when::{self, Style},
    },
};

/// Tells events in words, and remembers what it has told.
#[derive(Clone, Debug)]
pub struct Teller {
    now: Timestamp,
    zone: TimeZone,
    unread: BTreeMap<Person, usize>,
    waiting: BTreeSet<Person>,
    is_your_turn: bool,
}

impl Teller {
    /// One that has told nothing yet, for readers in this zone.
    pub fn new(now: Timestamp, zone: TimeZone) -> Teller {
        Teller {
            now,
            zone,
            unread: BTreeMap::new(),
            waiting: BTreeSet::new(),
            is_your_turn: false,
        }
    }

    /// True once the written part has been told, and nobody waits for a check to come through.
    pub fn is_over(&self) -> bool {
        self.is_your_turn && self.waiting.is_empty()
    }

    /// What is to be said of an event: none or more lines, without line ends.
    pub fn tell(&mut self, event: &Event) -> Vec<String> {
        match event {
            Event::Told { at, words } => vec![format!("{}  {words}", clock(*at))],
            Event::Tipped { number, of, words } if number < of => vec![aside(words)],
            // The last one names keys, and there are none to press here.
            Event::Tipped { .. } => Vec::new(),
            Event::ReaderChanged { who, screen } => {
                let mut lines = Vec::new();
                if *who == Person::You && !self.unread.contains_key(who) {
                    lines.extend(rows(screen, self.now, &self.zone, ROWS));
                    lines.push(String::new());
                }
                lines.extend(self.counted(*who, screen.unread()));
                lines
            }
            Event::Delivered { from, subject } => vec![aside(&format!("{from}: {subject}"))],
            Event::FoundBusy { who, words, again } => {
                self.waiting.insert(*who);
                vec![aside(&format!(
                    "{} told: {words}; next try in {:.1} s",
                    match who {
                        Person::You => "You are".to_owned(),
                        Person::Ana | Person::Tom => format!("{who} is"),
                    },
                    again.as_secs_f64(),
                ))]
            }
            Event::CameThrough(who) => {
                self.waiting.remove(who);
                vec![aside(&format!(
                    "{} next try came through: nothing was missed",
                    match who {
                        Person::You => "Your".to_owned(),
                        Person::Ana | Person::Tom => format!("{who}'s"),
                    }
                ))]
            }
            Event::LedgerShown(ledger) => vec![aside(&ledger.to_string())],
            Event::YourTurn => {
                self.is_your_turn = true;
                Vec::new()
            }
            Event::LedgerChanged(_) | Event::Paused(_) | Event::Broken(_) => Vec::new(),
        }
    }

    /// Says how many notices are unread, if that is known of all and is news.
    fn counted(&mut self, who: Person, unread: usize) -> Vec<String> {
        let before = self.unread.insert(who, unread);
        if before == Some(unread) || self.unread.len() < Person::ALL.len() {
            return Vec::new();
        }
        match before {
            Some(before) if before < unread => vec![aside(&format!(
                "{} it now: {unread} unread",
                match who {
                    Person::You => "You have".to_owned(),
                    Person::Ana | Person::Tom => format!("{who} has"),
                }
            ))],
            Some(_) | None => {
                let counts: Vec<String> = self
                    .unread
                    .iter()
                    .map(|(person, unread)| format!("{person} {unread}"))
                    .collect();
                vec![aside(&format!("Unread   {}", counts.join("   ")))]
            }
        }
    }
}

/// What stands at the head of the story: where it plays, and what is in the mailbox.
pub fn opening(server: SocketAddr, stored: usize) -> Vec<String> {
    vec![
        format!("tidings demo on {server}: {stored} notices, none of which will be deleted"),
        "You, Ana and Tom check it, each with a cache and marks of their own.".to_owned(),
        String::new(),
    ]
}

/// The newest notices of a list, as rows.
pub fn rows(screen: &Screen, now: Timestamp, zone: &TimeZone, most: usize) -> Vec<String> {
    screen
        .headlines
        .iter()
        .take(most)
        .map(|headline| row(headline, now, zone))
        .collect()
}

/// What stands at the end of the story.
pub fn closing() -> Vec<String> {
    vec![
        String::new(),
        "`tidings demo` in a terminal shows this live, and lets you take part.".to_owned(),
        "`tidings setup` connects to your team's own mailbox.".to_owned(),
    ]
}

fn row(headline: &Headline, now: Timestamp, zone: &TimeZone) -> String {
    let time = when::short(headline.date, now, zone, Style::Smart);
    let from = match headline.from.name.is_empty() {
        true => &headline.from.address,
        false => &headline.from.name,
    };
    // A reply says more by its own first line than by its subject.
    let what = match headline.parents.is_empty() || headline.preview.is_empty() {
        true => &headline.subject,
        false => &headline.preview,
    };
    let important = if headline.important { '!' } else { ' ' };
    let mark = match headline {
        headline if headline.fate.withdrawn.is_some() => 'w',
        headline if !headline.marks.read => '●',
        headline if headline.marks.starred => '★',
        _ => ' ',
    };
    let row = format!(
        " {important}{mark} {}  {}  {}",
        text::pad_start(&time, TIME),
        text::pad_end(&from.cut_to(FROM), FROM),
        what.cut_to(SUBJECT),
    );
    row.trim_end().to_owned()
}

/// How many of your notices are shown at the beginning.
const ROWS: usize = 8;

/// Columns of a row's parts; together with what is between them, 80.
const TIME: usize = 7;
const FROM: usize = 16;
const SUBJECT: usize = 49;

fn clock(at: Duration) -> String {
    format!("{:2}:{:02}", at.as_secs() / 60, at.as_secs() % 60)
}

/// A line below the one with the time. Foreign words in it are `Shown` already.
fn aside(words: &str) -> String {
    format!("       {words}")
}

//! The script: at which second what happens. It knows no clock and plays nothing itself.
//!
//! The first half minute is written down; after it the seed decides, so that the same seed repeats
//! the same story. While the person types, the story waits: whoever has found a key to try shall
//! not have the floor moved under them.

use std::{collections::VecDeque, time::Duration};

use crate::demo::{cast::Person, chance::Chance, letters::Letter};

/// How long the story waits after a key.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// What is going to happen on stage.
#[derive(Clone, Debug, PartialEq)]
pub enum Beat {
    /// The story says what just happened, or is about to.
    Tell(&'static str),
    /// The tip of this number, from 1, is shown.
    Tip(u8),
    /// Somebody comes to their desk and looks over the list.
    Come(Person),
    /// Somebody leaves their desk.
    Leave(Person),
    /// Somebody opens a notice.
    Open {
        /// Who.
        who: Person,
        /// Which: the words that its subject begins with; their newest unread one if empty.
        subject: &'static str,
        /// What is said of it, if there was one to open.
        words: &'static str,
    },
    /// A notice is delivered.
    Arrive(Letter),
    /// Somebody checks while another check has the mailbox for itself.
    Collide(Person),
    /// The server's books are opened.
    ShowLedger,
    /// The written part is over: the person may try things.
    YourTurn,
}

/// The tips, in their order. Each fits behind `Tip 1 of 6` in a row of 80 columns.
pub const TIPS: [&str; 6] = [
    "You, Ana and Tom read one mailbox. All mail stays on the server.",
    "Unread is yours alone: kept in your cache, not in the mailbox.",
    "Ana read the fire drill; Tom has not. Marks are personal.",
    "0 deleted, and it stays so: tidings has no way to say DELE.",
    "A mailbox in use is no error: tidings waits and tries again.",
    "S sends a notice, B breaks the server, Tab shows Ana's screen.",
];

/// A beat whose time has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// When that was, on the clock of whoever plays the story.
    pub at: Duration,
    /// What happens.
    pub beat: Beat,
}

/// A moment of the story, and what happens then.
#[derive(Clone, Debug)]
struct Cue {
    at: Duration,
    beats: Vec<Beat>,
}

/// The story, and how far it has been told.
///
/// Its own time runs with the clock of whoever plays it, but stands still while the person types
/// ([`Story::typed`]) and while it is paused.
#[derive(Clone, Debug)]
pub struct Story {
    cues: VecDeque<Cue>,
    chance: Option<Chance>,
    letters: usize,
    tom_is_here: bool,
    /// From this moment of the clock on, the story's time runs...
    runs_from: Duration,
    /// ... beginning with this moment of its own.
    told: Duration,
    paused: bool,
}

impl Story {
    /// The story that belongs to this seed. It goes on for as long as somebody watches.
    pub fn new(seed: u64) -> Story {
        Story {
            chance: Some(Chance::new(seed)),
            ..Story::written()
        }
    }

    /// The written part alone.
    pub fn written() -> Story {
        Story {
            cues: script().into(),
            chance: None,
            letters: 0,
            tom_is_here: false,
            runs_from: Duration::ZERO,
            told: Duration::ZERO,
            paused: false,
        }
    }

    /// What is due by this time since the demo began, in order; each beat once.
    pub fn due(&mut self, elapsed: Duration) -> Vec<Due> {
        let now = self.time(elapsed);
        let mut due = Vec::new();
        while let Some(cue) = self.cues.pop_front_if(|cue| cue.at <= now) {
            let at = self.clock(cue.at);
            due.extend(cue.beats.into_iter().map(|beat| Due { at, beat }));
            if self.cues.is_empty() {
                self.improvise(cue.at);
            }
        }
        due
    }

    /// A key was pressed: the story waits for [`PATIENCE`] from here.
    pub fn typed(&mut self, elapsed: Duration) {
        self.told = self.time(elapsed);
        self.runs_from = elapsed + PATIENCE;
    }

    /// Holds the story, or lets it go on. Returns true if it is held now.
    pub fn toggle_pause(&mut self, elapsed: Duration) -> bool {
        self.told = self.time(elapsed);
        self.runs_from = elapsed;
        self.paused = !self.paused;
        self.paused
    }

    /// When to ask again, on the clock of [`Story::due`]; never while it is paused, or over.
    pub fn next(&self) -> Option<Duration> {
        let cue = self.cues.front()?;
        (!self.paused).then(|| self.clock(cue.at))
    }

    /// The story's own time.
    pub fn time(&self, elapsed: Duration) -> Duration {
        if self.paused {
            return self.told;
        }
        self.told + elapsed.saturating_sub(self.runs_from)
    }

    /// When a moment of the story comes on the clock.
    fn clock(&self, at: Duration) -> Duration {
        self.runs_from + at.saturating_sub(self.told)
    }

    /// Adds what happens some seconds after `last`, as chance wills.
    fn improvise(&mut self, last: Duration) {
        let Some(chance) = &mut self.chance else {
            return;
        };
        let pause = MOST_LIVELY + chance.below(QUIETEST - MOST_LIVELY);
        let beats = match chance.below(6) {
            0..3 => {
                self.letters += 1;
                vec![
                    Beat::Tell("a new notice just arrived for everyone"),
                    Beat::Arrive(Letter::later(self.letters - 1)),
                ]
            }
            3 => vec![
                Beat::Come(Person::Ana),
                Beat::Open {
                    who: Person::Ana,
                    subject: "",
                    words: "Ana reads what is new to her; your count stays",
                },
            ],
            4 if self.tom_is_here => {
                self.tom_is_here = false;
                vec![
                    Beat::Tell("Tom is away again; nothing will be lost to him"),
                    Beat::Leave(Person::Tom),
                ]
            }
            _ => {
                self.tom_is_here = true;
                vec![
                    Beat::Come(Person::Tom),
                    Beat::Open {
                        who: Person::Tom,
                        subject: "",
                        words: "Tom is at his desk and reads; nobody else's count falls",
                    },
                ]
            }
        };
        self.cues.push_back(Cue {
            at: last + Duration::from_secs(pause),
            beats,
        });
    }
}

/// Seconds between two things that happen after the written part, at least and at most.
const MOST_LIVELY: u64 = 9;
const QUIETEST: u64 = 24;

/// The first half minute.
fn script() -> Vec<Cue> {
    let cue = |seconds, beats| Cue {
        at: Duration::from_secs(seconds),
        beats,
    };
    vec![
        cue(
            0,
            vec![Beat::Tell("three people, one mailbox"), Beat::Tip(1)],
        ),
        cue(3, vec![Beat::Come(Person::Ana), Beat::Tip(2)]),
        cue(
            5,
            vec![Beat::Open {
                who: Person::Ana,
                subject: "Fire drill",
                words: "Ana opens the fire drill: her count falls, yours and Tom's stay",
            }],
        ),
        cue(8, vec![Beat::Tip(3)]),
        cue(
            12,
            vec![
                Beat::Tell("a new notice just arrived for everyone"),
                Beat::Arrive(Letter::first()),
            ],
        ),
        cue(
            18,
            vec![
                Beat::Tell("the server's books: everything stored, nothing deleted"),
                Beat::ShowLedger,
                Beat::Tip(4),
            ],
        ),
        cue(
            22,
            vec![
                Beat::Tell("two check at once: one is told busy and tries again"),
                Beat::Collide(Person::Tom),
                Beat::Tip(5),
            ],
        ),
        cue(
            28,
            vec![Beat::Tell("your turn"), Beat::YourTurn, Beat::Tip(6)],
        ),
    ]
}

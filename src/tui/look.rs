//! How everything on the screen looks: colours, glyphs, and how times are written.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    config::{Images, Screen, TimeStyle},
    notice::{shown::Shown, when},
};

use super::{Start, theme::Theme};

/// How everything on the screen looks.
#[derive(Clone, Debug)]
pub struct Look {
    /// The colours.
    pub theme: Theme,
    /// Which of our glyphs and foreign letters are drawn.
    pub letters: Letters,
    /// Columns of characters of ambiguous width are 2, not 1.
    pub wide: bool,
    /// One pane, no rules or glyphs, sentences for rows.
    pub accessible: bool,
    /// No countdown and no progress bar.
    pub still: bool,
    /// True if links may carry their address for the terminal (OSC 8).
    pub has_links: bool,
    /// True if pictures are shown here, and not by the system's viewer.
    pub has_pictures: bool,
    /// How times are shown in the list.
    pub time: when::Style,
}

/// Which letters the terminal shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Letters {
    /// All of Unicode.
    Unicode,
    /// All of Unicode in mail, but ASCII for our own glyphs (`ascii = true`).
    PlainGlyphs,
    /// ASCII only: the terminal knows no other.
    Ascii,
}

impl Look {
    /// The look that the settings and the terminal give.
    pub fn new(screen: &Screen, start: &Start) -> Look {
        Look {
            theme: Theme::choose(&screen.theme, start.colour, start.background),
            letters: match (start.unicode, screen.ascii) {
                (_, Some(false)) => Letters::Unicode,
                (true, None) if screen.ambiguous_width < 2 => Letters::Unicode,
                (true, _) => Letters::PlainGlyphs,
                (false, _) => Letters::Ascii,
            },
            wide: screen.ambiguous_width >= 2,
            accessible: screen.accessible,
            // A terminal without colour or Unicode is no terminal that knows of links.
            has_links: start.colour && start.unicode && screen.ambiguous_width < 2,
            // Half blocks are no picture without colour or Unicode, and none to somebody who has them read out.
            has_pictures: start.colour
                && start.unicode
                && !screen.accessible
                && screen.images != Images::Off,
            still: screen.reduce_motion || screen.accessible,
            time: match (screen.accessible, screen.time) {
                (true, TimeStyle::Smart | TimeStyle::Relative | TimeStyle::Iso)
                | (false, TimeStyle::Iso) => when::Style::Iso,
                (false, TimeStyle::Smart) => when::Style::Smart,
                (false, TimeStyle::Relative) => when::Style::Relative,
            },
        }
    }
}

/// The time, and how it is written in the status line: of the day, or since the demo began.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The present time.
    pub now: Timestamp,
    /// The zone in which times are shown.
    pub zone: TimeZone,
    /// When the demo began, whose times count from there.
    pub began: Option<Timestamp>,
}

impl Clock {
    /// A moment of today: `14:05`, or `0:14` in the demo.
    pub fn moment(&self, at: Timestamp) -> Shown {
        match self.began {
            Some(began) => since_beginning(at.as_second() - began.as_second()),
            None => when::clock(at, &self.zone),
        }
    }

    /// A moment of today to the second: `14:05:40`, or `0:14` in the demo.
    pub fn second(&self, at: Timestamp) -> Shown {
        match self.began {
            Some(_) => self.moment(at),
            None => when::clock_seconds(at, &self.zone),
        }
    }

    /// Since when something is so: `13:54`, `Sun 18:10`, `15 Nov`.
    pub fn since(&self, at: Timestamp) -> Shown {
        match self.began {
            Some(_) => self.moment(at),
            None => when::since(at, self.now, &self.zone),
        }
    }

    /// Seconds from now until then; 0 if it is past.
    pub fn until(&self, at: Timestamp) -> u64 {
        u64::try_from(at.as_second() - self.now.as_second()).unwrap_or(0)
    }
}

/// `0:14` for fourteen seconds.
pub fn since_beginning(seconds: i64) -> Shown {
    let seconds = seconds.max(0);
    Shown::line(&format!("{}:{:02}", seconds / 60, seconds % 60))
}

//! The screen, without a terminal: keys and events go in, effects and a frame come out.
//!
//! [`Tui::key`] asks the keymap what a key means in the present mode, [`Tui::handle`] takes what
//! happened in the world; both change the model and return what the loop shall do.
//! [`Tui::draw`] only looks. There is no socket, file, store or clock in here: the time comes with
//! [`event::Event::Woke`], and whoever wants to be woken asks with [`effect::Effect::WakeAfter`].

use crossterm::event::KeyEvent;
use jiff::{Timestamp, tz::TimeZone};
use ratatui::Frame;

use crate::{config::Settings, notice::MailboxIndex};

use effect::Effect;
use event::Event;
use keymap::Keymap;
use model::Model;
use problem::Problem;
use theme::Theme;

pub mod action;
mod compose;
pub mod effect;
pub mod event;
pub mod keymap;
mod layout;
mod look;
mod model;
pub mod picture;
pub mod problem;
pub mod setup;
mod size;
pub mod theme;
mod update;
mod view;

/// The screen: what it shows, and what keys and events do to it.
#[derive(Debug)]
pub struct Tui {
    model: Model,
}

impl Tui {
    /// A screen at its start, and the first things to do: load the mailbox, wake at the minute.
    ///
    /// Without a mailbox in the settings, or with [`Purpose::SetUp`], it begins with the setup.
    pub fn new(settings: &Settings, start: Start) -> (Tui, Vec<Effect>) {
        let (model, effects) = Model::new(settings, start);
        (Tui { model }, effects)
    }

    /// A key was pressed. Releases are ignored.
    pub fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        update::key(&mut self.model, key)
    }

    /// Something happened.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        update::handle(&mut self.model, event)
    }

    /// True if pictures are drawn on this terminal, for this person.
    pub fn has_pictures(&self) -> bool {
        self.model.look.has_pictures
    }

    /// Draws the whole screen. Drawing twice draws the same.
    pub fn draw(&self, frame: &mut Frame) {
        view::draw(&self.model, frame);
    }
}

/// Everything in the settings that speaks of a key, an action or a theme that does not exist.
pub fn problems(settings: &Settings) -> Vec<Problem> {
    let (_, keys) = Keymap::new(&settings.keys);
    keys.into_iter()
        .chain(Theme::problem(&settings.screen.theme))
        .map(|problem| problem.found(&settings.places))
        .collect()
}

/// What the screen must know before its first frame.
#[derive(Clone, Debug)]
pub struct Start {
    /// The present time.
    pub now: Timestamp,
    /// The zone in which times are shown.
    pub zone: TimeZone,
    /// The terminal's columns and rows.
    pub size: (u16, u16),
    /// True if the terminal shows Unicode; `screen.ascii` in the settings overrules it.
    pub unicode: bool,
    /// False for NO_COLOR, `TERM=dumb` and `--color never`: the theme is `mono` then.
    pub colour: bool,
    /// The terminal's background, if it answered within 100 ms; decides the theme `auto`.
    pub background: Option<Background>,
    /// What the person came for.
    pub purpose: Purpose,
}

/// A terminal's background.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Background {
    /// Nearer to black.
    Dark,
    /// Nearer to white.
    Light,
}

/// What the person came for.
#[derive(Clone, Debug, PartialEq)]
pub enum Purpose {
    /// To read: this mailbox is opened first.
    Read(MailboxIndex),
    /// To set up a mailbox (`tidings setup`), with what is known of it already.
    SetUp(Box<crate::config::Mailbox>),
    /// To see the demo: its server's address is shown, as `127.0.0.1:40123`.
    Demo {
        /// The address of the demo's server.
        server: String,
        /// When the demo began: its clock counts from here.
        began: Timestamp,
    },
}

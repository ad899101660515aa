//! Everything the screen shows.

use crate::config::Settings;

use super::{Start, effect::Effect};

/// Everything the screen shows.
#[derive(Debug)]
pub struct Model {
    start: Start,
}

impl Model {
    /// The model at the start, and the first things to do.
    pub fn new(settings: &Settings, start: Start) -> (Model, Vec<Effect>) {
        let _ = settings;
        (Model { start }, Vec::new())
    }

    /// The size of the terminal.
    pub fn size(&self) -> (u16, u16) {
        self.start.size
    }
}

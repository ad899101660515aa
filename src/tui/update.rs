//! What keys and events do to the model, and what is to be done about them.

use crossterm::event::KeyEvent;

use super::{effect::Effect, event::Event, model::Model};

/// A key was pressed.
pub fn key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let _ = (model, key);
    Vec::new()
}

/// Something happened.
pub fn handle(model: &mut Model, event: Event) -> Vec<Effect> {
    let _ = (model, event);
    Vec::new()
}

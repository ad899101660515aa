//! The whole screen, drawn from the model. Nothing in here changes it.
//!
//! ```text
//!  tidings   1 notices 3   2 ops-alerts   3 hr 1      header    (frame)
//! ───────────────────────────────┬──────────────────
//!  All · 128 notices             │  Build cluster …  list | page
//! >!●   12:10 Priya N  Build …   │  From  Priya …
//!                                │
//! ───────────────────────────────┴──────────────────
//!  ok · checked 14:05 · next 14:06    3 unread       status
//!  j/k move  Enter read  Space read on      q quit   hints     (status)
//! ```
//!
//! Overlays lie over the content; the activity view and the setup stand in its place.

use ratatui::Frame;

use super::{
    layout::{Panes, Shape},
    model::{Model, Room},
};

use pen::Pen;

pub mod activity;
mod demo;
mod frame;
pub mod help;
mod hints;
mod list;
pub mod overlays;
mod page;
mod pen;
mod sender;
pub mod setup;
mod spoken;
mod status;

/// Draws the whole screen.
pub fn draw(model: &Model, frame: &mut Frame) {
    let panes = Panes::of(model);
    let mut pen = Pen::new(frame.buffer_mut(), &model.look, model.size);
    pen.clear();
    if panes.shape == Shape::TooSmall {
        frame::too_small(model, &mut pen);
    } else {
        screen(model, &panes, &mut pen);
    }
    pen.finish();
    let cursor = pen.cursor();
    if let Some(place) = cursor {
        frame.set_cursor_position(place);
    }
}

fn screen(model: &Model, panes: &Panes, pen: &mut Pen) {
    match &model.room {
        Room::SetUp(form) => setup::draw(model, form, panes, pen),
        Room::Activity(activity) => {
            frame::header(model, panes, pen);
            activity::draw(model, activity, panes, pen);
            status::draw(model, panes, pen);
        }
        Room::Mail => mail(model, panes, pen),
    }
    if let Some(overlay) = &model.overlay {
        overlays::draw(model, overlay, panes, pen);
    }
}

fn mail(model: &Model, panes: &Panes, pen: &mut Pen) {
    match &model.demo {
        Some(demo) => demo::header(model, demo, panes, pen),
        None => frame::header(model, panes, pen),
    }
    frame::rules(panes, pen);
    if let (Some(demo), Some(stage)) = (&model.demo, panes.stage) {
        demo::stage(model, demo, stage, pen);
    }
    if let (Some(demo), Some(ledger)) = (&model.demo, panes.ledger) {
        demo::ledger(demo, ledger, panes, pen);
    }
    if let Some(area) = panes.list {
        match model.demo.as_ref().and_then(demo::watched) {
            Some(teammate) if panes.readers.is_none() => demo::list(model, teammate, area, pen),
            _ => list::draw(model, area, panes, pen),
        }
        if let (Some(demo), Some(stage)) = (&model.demo, panes.readers) {
            demo::beside(model, demo, stage, pen);
        }
    }
    if panes.page.is_some() {
        page::draw(model, panes, pen);
    }
    status::draw(model, panes, pen);
}

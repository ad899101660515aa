//! The mouse, for those who switched it on: a click selects or opens, the wheel scrolls.

use crate::tui::{
    layout::{Panes, Shape},
    model::{Focus, Model, Room},
};

use super::{Effects, listing, reading};

/// The mouse was clicked.
pub fn clicked(model: &mut Model, column: u16, row: u16, out: &mut Effects) {
    let panes = Panes::of(model);
    let is_mail = matches!(model.room, Room::Mail) && model.overlay.is_none();
    if !is_mail || panes.shape == Shape::TooSmall {
        return;
    }
    if panes.page.is_some_and(|page| page.contains(column, row)) {
        if model.focus == Focus::List {
            reading::open(model, out);
        }
    } else if panes.list.is_some() && panes.rows.contains(column, row) {
        let before = model.list.selected();
        let below = usize::from(row - panes.rows.y);
        if model.focus == Focus::Page {
            listing::enter(model);
        }
        if model.list.select_on_screen(below) && model.list.selected() == before {
            reading::open(model, out);
        }
    }
}

/// The wheel was turned: what is under the mouse scrolls.
pub fn scrolled(model: &mut Model, column: u16, row: u16, by: i16, out: &mut Effects) {
    let panes = Panes::of(model);
    let is_mail = matches!(model.room, Room::Mail) && model.overlay.is_none();
    if !is_mail || panes.shape == Shape::TooSmall {
        return;
    }
    if panes.page.is_some_and(|page| page.contains(column, row)) {
        reading::scroll(model, isize::from(by), out);
    } else {
        let height = model.list_height();
        model.list.step(isize::from(by), height);
    }
}

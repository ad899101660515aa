//! What the screen wants to be woken for, and what it does then. Nothing ticks without a reason.

use crate::tui::{
    effect::{Effect, Timer},
    model::{Focus, Model, Room},
};

use super::{Effects, reading, setup, wake};

/// A key was pressed: what waits for the hands to rest waits anew.
pub fn key_pressed(model: &Model, out: &mut Effects) {
    if model.list.above() > 0 {
        out.push(wake(Timer::Reveal, REVEAL_AFTER));
    }
}

/// A timer ran out.
pub fn woke(model: &mut Model, timer: Timer, out: &mut Effects) {
    match timer {
        Timer::Minute => out.push(Effect::WakeAfter {
            timer: Timer::Minute,
            after: model.to_the_minute(),
        }),
        Timer::Countdown => model.is_ticking = false,
        Timer::MarkRead => reading::was_on_screen(model, out),
        Timer::SlowCheck => {
            for mailbox in &mut model.mailboxes {
                mailbox.is_slow = mailbox.checking.is_some();
            }
        }
        Timer::Reveal => reveal(model),
        Timer::Test => setup::test(model, out),
    }
}

/// New notices above are revealed if one was at the top when they came, and in the list.
fn reveal(model: &mut Model) {
    let is_in_list = matches!(model.room, Room::Mail) && model.focus == Focus::List;
    let was_at_top = model.list.top() == model.list.above();
    if is_in_list && was_at_top && model.overlay.is_none() {
        let height = model.list_height();
        model.list.reveal_top(height);
    }
}

/// UX: "after 60 s without a key at the top, the top is revealed".
pub const REVEAL_AFTER: u64 = 60;

//! What keys and events do to the model, and what is to be done about them.
//!
//! Nothing else writes to the model. Each part of the screen has a file of its own; what follows from
//! any change (the preview, the title, the countdown) is seen to once, at the end.

use crossterm::event::{KeyEvent, KeyEventKind};

use crate::{
    notice::{MailboxIndex, shown::Shown},
    poll::report::Report,
};

use super::{
    action::{Action, Mode},
    effect::{Effect, Timer},
    event::Event,
    layout::{Panes, Shape},
    model::{Focus, Message, Model, Room},
    size::Size,
};

mod activity;
mod acts;
mod ends;
mod files;
mod listing;
mod marks;
mod mouse;
mod overlays;
mod reading;
mod reports;
mod searching;
mod setup;
mod timers;

/// What is to be done, in order.
type Effects = Vec<Effect>;

/// A key was pressed.
pub fn key(model: &mut Model, key: KeyEvent) -> Effects {
    let mut out = Effects::new();
    if key.kind == KeyEventKind::Release {
        return out;
    }
    if Panes::of(model).shape == Shape::TooSmall {
        let action = model.keymap.action(Mode::List, &key);
        if matches!(action, Some(Action::Quit | Action::Leave)) {
            out.push(Effect::Quit);
        }
        return out;
    }
    if matches!(model.message, Some(Message::Word(_) | Message::Checking(_))) {
        model.message = None;
    }
    model.awaits_first_key = false;
    model.is_at_home();
    if let Some(mailbox) = model.mailboxes.get_mut(model.open.0) {
        mailbox.away = None;
    }
    timers::key_pressed(model, &mut out);
    let is_searching = model.search.as_ref().is_some_and(|search| search.editing);
    if model.overlay.is_some() {
        overlays::key(model, &key, &mut out);
    } else if matches!(model.room, Room::SetUp(_)) {
        setup::key(model, &key, &mut out);
    } else if is_searching {
        searching::key(model, &key, &mut out);
    } else {
        let action = match model.demo {
            Some(_) => model.keymap.action(Mode::Demo, &key),
            None => None,
        };
        let action = action.or_else(|| model.keymap.action(mode(model), &key));
        if let Some(action) = action {
            acts::perform(model, action, Some(&key), &mut out);
        }
    }
    ends::settle(model, &mut out);
    out
}

/// Something happened.
pub fn handle(model: &mut Model, event: Event) -> Effects {
    let mut out = Effects::new();
    match event {
        Event::Resized { columns, rows } => {
            model.size = Size { columns, rows };
            model.list.fill(model.list_height());
        }
        Event::Pasted(text) => overlays::paste(model, &text, &mut out),
        Event::Clicked { column, row } => {
            model.is_at_home();
            mouse::clicked(model, column, row, &mut out);
        }
        Event::Scrolled { column, row, by } => {
            model.is_at_home();
            mouse::scrolled(model, column, row, by, &mut out);
        }
        Event::Woke { timer, now } => {
            model.set_now(now);
            timers::woke(model, timer, &mut out);
        }
        Event::Loaded { complete, .. } => {
            listing::from_cache(model, event);
            if complete {
                colour(model, model.open, &mut out);
                searching::again(model, &mut out);
            }
        }
        Event::Marked { mailbox, .. } => {
            listing::from_cache(model, event);
            colour(model, mailbox, &mut out);
        }
        Event::Counted { .. } => listing::from_cache(model, event),
        Event::Coloured { mailbox, colours } if mailbox == model.open => {
            // Of several rules for one notice the first counts: it is put over the others.
            let all = colours.into_iter().rev();
            let all = all.flat_map(|(colour, ids)| ids.into_iter().map(move |id| (id, colour)));
            model.list.colours = all.collect();
        }
        Event::Coloured { .. } => {}
        Event::Opened { .. } => reading::from_cache(model, event, &mut out),
        Event::NotOpened { wanted, why, next } => {
            reading::failed(model, wanted);
            reports::failed(
                model,
                &Shown::from_static("cannot open the notice"),
                &why,
                &next,
            );
        }
        Event::Found { .. } => searching::found(model, event),
        Event::Recalled { mailbox, checks } => {
            if let Some(mailbox) = model.mailboxes.get_mut(mailbox.0) {
                mailbox.recall(checks);
            }
        }
        Event::Reported { mailbox, report } => {
            let has_changed = match &report {
                Report::Checked(summary) => summary.new > 0 || summary.withdrawn > 0,
                _ => false,
            };
            reports::reported(model, mailbox, report, &mut out);
            if has_changed {
                colour(model, mailbox, &mut out);
            }
        }
        Event::Done { words } => model.message = Some(Message::Word(words)),
        Event::Failed { what, why, next } => {
            setup::failed(model);
            reports::failed(model, &what, &why, &next);
        }
        Event::MarksUnsaved { why } => model.unsaved = Some(why),
        Event::MarksSaved => model.unsaved = None,
        Event::Tested { .. } | Event::TeamFileLoaded(_) | Event::SetupSaved { .. } => {
            setup::happened(model, event, &mut out);
        }
        Event::Demo(event) => {
            if let Some(demo) = &mut model.demo {
                demo.note(event);
            }
        }
    }
    ends::settle(model, &mut out);
    out
}

/// The mode in which a key is looked up where no overlay is open.
fn mode(model: &Model) -> Mode {
    match (&model.room, model.focus) {
        (Room::Activity(_), _) => Mode::Activity,
        (Room::SetUp(_), _) => Mode::Overlay,
        (Room::Mail, Focus::List) => Mode::List,
        (Room::Mail, Focus::Page) => Mode::Reader,
    }
}

/// Asks for the colours that rules give, if any does and the mailbox is open.
fn colour(model: &Model, mailbox: MailboxIndex, out: &mut Effects) {
    if model.habits.has_colours && mailbox == model.open {
        out.push(Effect::Colour { mailbox });
    }
}

/// Asks to be woken.
fn wake(timer: Timer, seconds: u64) -> Effect {
    Effect::WakeAfter {
        timer,
        after: std::time::Duration::from_secs(seconds),
    }
}

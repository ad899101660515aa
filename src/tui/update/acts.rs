//! Actions, as keys and the `:` palette mean them: who does what.

use crossterm::event::KeyEvent;

use crate::{
    notice::{shown::Shown, when},
    tui::{
        action::{Action, Mode},
        effect::{DemoEffect, Effect},
        keymap::Key,
        model::{
            Focus, Message, Model, Room, Side,
            form::Form,
            line::SecretLine,
            list::Filter,
            overlay::{Menu, Overlay},
        },
        view::overlays as overlays_view,
    },
};

use super::{Effects, activity, files, listing, marks, reading, reports, searching};

/// Does what an action means on the present screen.
pub fn perform(model: &mut Model, action: Action, key: Option<&KeyEvent>, out: &mut Effects) {
    if activity::perform(model, action, out) {
        return;
    }
    if files::is_of_notice(action) {
        return files::perform(model, action, out);
    }
    match action {
        Action::Next
        | Action::Previous
        | Action::HalfPageDown
        | Action::HalfPageUp
        | Action::PageDown
        | Action::PageUp
        | Action::Top
        | Action::Bottom => walk(model, action, out),
        Action::Open => open(model, out),
        Action::Back => {
            if !back(model, out) {
                // Who leaves does not want to see the list of a first check, but to leave.
                model.hides_progress |= model.progress().is_some();
            }
        }
        Action::Leave => {
            if !back(model, out) {
                out.push(Effect::Quit);
            }
        }
        Action::Quit => out.push(Effect::Quit),
        Action::ReadOn => reading::read_on(model, out),
        Action::ReadBack => reading::read_back(model, out),
        Action::NextUnread | Action::PreviousUnread => {
            listing::next_unread(model, action == Action::NextUnread);
            reading::follow(model, out);
        }
        Action::NextNotice => reading::next_notice(model, true, out),
        Action::PreviousNotice => reading::next_notice(model, false, out),
        Action::OtherPane => other_pane(model, out),
        Action::ToggleRead => marks::toggle_read(model, out),
        Action::Star => marks::toggle_star(model, out),
        Action::Undo => marks::undo(model, out),
        Action::MarkAllRead => marks::mark_all_read(model, out),
        Action::CatchUp => marks::catch_up(model, out),
        Action::Mute => marks::toggle_mute(model, out),
        Action::Search => searching::begin(model),
        Action::Filter => in_list(model, listing::next_filter),
        Action::FilterImportant => {
            let next = match model.list.filter() {
                Filter::Important => Filter::All,
                _ => Filter::Important,
            };
            in_list(model, |model| listing::filter(model, next));
        }
        Action::ShowAll => in_list(model, |model| listing::filter(model, Filter::All)),
        Action::ShowUnread => in_list(model, |model| listing::filter(model, Filter::Unread)),
        Action::ShowStarred => in_list(model, |model| listing::filter(model, Filter::Starred)),
        Action::ShowWithdrawn => in_list(model, |model| listing::filter(model, Filter::Withdrawn)),
        Action::Mailboxes => {
            let menu = Menu {
                selected: model.open.0,
                ..Menu::default()
            };
            let overlay = Overlay::Mailboxes(menu.clone());
            let height = overlays_view::height(model, &overlay).max(1);
            model.overlay = Some(Overlay::Mailboxes(Menu {
                top: (menu.selected + 1).saturating_sub(height),
                ..menu
            }));
        }
        Action::PickMailbox => match key.and_then(|key| Key::from(key).digit()) {
            Some(number) => listing::open(model, number - 1, out),
            None => model.overlay = Some(Overlay::Mailboxes(Menu::default())),
        },
        Action::Palette => model.overlay = Some(Overlay::Palette(Menu::default())),
        Action::Help => model.overlay = Some(Overlay::Help(Menu::default())),
        Action::NewMailbox => model.room = Room::SetUp(Box::<Form>::default()),
        Action::Threads => {
            let height = model.list_height();
            model.list.toggle_threads(height);
            model.say(match model.list.is_threaded() {
                true => "threads are grouped",
                false => "threads are not grouped",
            });
        }
        Action::ByList => {
            let height = model.list_height();
            let is_by_list = model.list.toggle_lists(height);
            model.say(match is_by_list {
                true if model.list.is_found() => {
                    "notices stand by their lists, once the search is over"
                }
                true => "notices stand by the lists that they came through",
                false => "notices stand by their dates",
            });
        }
        Action::OtherForm => reading::turn_form(model, out),
        Action::OpenOutside => files::perform(model, Action::Files, out),
        Action::Compare => reading::compare(model, out),
        Action::Fold if model.focus == Focus::Page => reading::toggle_quotes(model, out),
        Action::Fold => {
            let height = model.list_height();
            if !model.list.toggle_fold(height) {
                model.say("no thread to fold");
            }
        }
        Action::FoldAll => {
            let height = model.list_height();
            model.list.toggle_fold_all(height);
        }
        Action::Time => {
            model.look.time = model.look.time.next();
            model.say(match model.look.time {
                when::Style::Smart => "times: short",
                when::Style::Relative => "times: how long ago",
                when::Style::Iso => "times: in full",
            });
        }
        Action::Layout => layout(model),
        Action::Check => check(model, out),
        Action::Activity => activity::enter(model, out),
        Action::ErrorsOnly => model.say("only in the activity view"),
        Action::FixPassword => model.overlay = Some(Overlay::Password(SecretLine::default())),
        Action::Details => reports::show_details(model),
        Action::Dismiss => dismiss(model),
        Action::Redraw => out.push(Effect::Redraw),
        Action::Suspend => out.push(Effect::Suspend),
        Action::Delete => nothing_is_deleted(model),
        Action::DemoSend => demo(model, DemoEffect::Send, out),
        Action::DemoBreak => demo(model, DemoEffect::ToggleServer, out),
        Action::DemoPause => demo(model, DemoEffect::TogglePause, out),
        Action::Images
        | Action::Links
        | Action::Files
        | Action::Copy
        | Action::Save
        | Action::Pipe
        | Action::Reply
        | Action::Nothing => {}
    }
}

/// Moving means the list's rows, or the reader's lines.
fn walk(model: &mut Model, action: Action, out: &mut Effects) {
    if model.focus == Focus::Page {
        let moved = match action {
            Action::Next => reading::scroll(model, 1, out),
            Action::Previous => reading::scroll(model, -1, out),
            Action::HalfPageDown => reading::scroll_halves(model, 1, out),
            Action::HalfPageUp => reading::scroll_halves(model, -1, out),
            Action::PageDown => reading::scroll_halves(model, 2, out),
            Action::PageUp => reading::scroll_halves(model, -2, out),
            Action::Top => {
                reading::scroll_to(model, false, out);
                true
            }
            _ => {
                reading::scroll_to(model, true, out);
                true
            }
        };
        if !moved && action == Action::Next {
            let hint = hint(model, Action::NextNotice, "next notice");
            model.say(&format!("end of the notice{hint}"));
        }
        return;
    }
    model.is_untouched = false;
    if let Some(demo) = &mut model.demo {
        demo.watching = None;
    }
    let height = model.list_height();
    match action {
        Action::Next => listing::step(model, 1),
        Action::Previous => listing::step(model, -1),
        Action::HalfPageDown => listing::page(model, 1),
        Action::HalfPageUp => listing::page(model, -1),
        Action::PageDown => listing::page(model, 2),
        Action::PageUp => listing::page(model, -2),
        Action::Top => model.list.go_to_top(height),
        _ => model.list.go_to_bottom(height),
    }
}

/// Reads the selected notice; at the very start the important one that the banner tells of.
fn open(model: &mut Model, out: &mut Effects) {
    let is_offered = model.is_untouched && model.focus == Focus::List && model.search.is_none();
    if let Some(slot) = model.banner_slot().filter(|_| is_offered) {
        let height = model.list_height();
        model.list.select_slot(slot, height);
    }
    model.is_untouched = false;
    reading::open(model, out);
}

/// One step back. Returns false at the top, where there is none.
fn back(model: &mut Model, out: &mut Effects) -> bool {
    if matches!(model.message, Some(Message::Trouble(_))) {
        model.message = None;
        return true;
    }
    if model.focus == Focus::Page {
        if !reading::back_outside(model, out) {
            listing::enter(model);
        }
        return true;
    }
    if model.search.is_some() {
        searching::end(model);
        return true;
    }
    match &mut model.demo {
        Some(demo) => demo.watching.take().is_some(),
        None => false,
    }
}

/// The other pane; in the demo's list, the next teammate's screen.
fn other_pane(model: &mut Model, out: &mut Effects) {
    match (model.focus, &mut model.demo) {
        (Focus::Page, _) => listing::enter(model),
        (Focus::List, Some(demo)) => {
            demo.watch_next();
            let words = match demo.watching.and_then(|place| demo.teammates.get(place)) {
                Some(teammate) => format!("you look over {}'s shoulder", teammate.state.name),
                None => "you are back at your own screen".to_owned(),
            };
            model.say(&words);
        }
        (Focus::List, None) => reading::open(model, out),
    }
}

/// Changes the list, going back to it first where it is not on the screen.
fn in_list(model: &mut Model, change: impl FnOnce(&mut Model)) {
    if model.focus == Focus::Page && !model.shows_both() {
        listing::enter(model);
    }
    change(model);
}

fn layout(model: &mut Model) {
    model.side = match model.side {
        Side::Right if model.size.columns >= 120 => Side::Below,
        Side::Right | Side::Below => Side::Off,
        Side::Off => Side::Right,
    };
    model.say(match model.side {
        Side::Right => "reader: right of the list, if there is room",
        Side::Below => "reader: below the list",
        Side::Off => "reader: off",
    });
}

fn check(model: &mut Model, out: &mut Effects) {
    out.push(Effect::CheckNow {
        mailbox: model.open,
    });
    let words = format!("checking {} now", model.mailbox().name);
    model.message = Some(Message::Checking(Shown::text(&words)));
}

/// Dismisses the message, or else the banner.
fn dismiss(model: &mut Model) {
    if model.message.take().is_some() {
        return;
    }
    if let Some(slot) = model.banner_slot() {
        model.dismissed.insert(model.list.headline(slot).id);
        model.look_for_important();
    }
}

/// The trust promise, at the moment it matters.
fn nothing_is_deleted(model: &mut Model) {
    let mute = key(model, Action::Mute);
    let filter = key(model, Action::Filter);
    model.say(&format!(
        "nothing is deleted in tidings: {mute} mutes, {filter} hides"
    ));
}

fn demo(model: &mut Model, effect: DemoEffect, out: &mut Effects) {
    match model.demo {
        Some(_) => out.push(Effect::Demo(effect)),
        None => model.say("only in the demo"),
    }
}

fn key(model: &Model, action: Action) -> String {
    match model.keymap.key(Mode::List, action) {
        Some(key) => key.to_string(),
        None => format!(":{}", action.command()),
    }
}

fn hint(model: &Model, action: Action, does: &str) -> String {
    format!(" · {} {does}", key(model, action))
}

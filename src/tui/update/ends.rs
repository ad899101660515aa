//! What follows from any change: the preview, the layout's width, the title, the countdown.

use crate::{
    notice::inside,
    tui::{
        effect::{Effect, Timer},
        layout::Panes,
        model::{Focus, Model, Room, page::Page},
    },
};

use super::{Effects, files, listing, reading, wake};

/// Sees to it that everything fits what changed.
pub fn settle(model: &mut Model, out: &mut Effects) {
    if matches!(model.room, Room::SetUp(_)) {
        return;
    }
    listing::clamp(model);
    preview(model, out);
    relayout(model, out);
    awaited(model, out);
    reading::clamp(model);
    title(model, out);
    countdown(model, out);
}

/// Where list and reader are both on the screen, the reader has the selected notice.
fn preview(model: &mut Model, out: &mut Effects) {
    if !model.shows_both() || model.focus == Focus::Page {
        return;
    }
    let Some(slot) = model.list.selected_slot() else {
        model.page = None;
        return;
    };
    if model.page.as_ref().is_none_or(|page| page.slot != slot) {
        reading::turn_to(model, slot, out);
    }
}

/// The text is laid out for the columns that it has now. A notice that was only announced before is
/// read once it is kept.
fn relayout(model: &mut Model, out: &mut Effects) {
    let panes = Panes::of(model);
    let (mailbox, room) = (model.open, panes.room());
    let Some(page) = &mut model.page else { return };
    let id = model.list.headline(page.slot).id;
    if id != page.id {
        *page = Page::new(page.slot, id, room);
        out.push(Effect::Open(page.wanted(mailbox)));
        return;
    }
    // Of its height only pictures make anything, those too for which there was no room.
    let may_have_pictures = !page.pictures.is_empty()
        || page.notice.as_ref().is_some_and(|notice| {
            let mut belonging = notice.files.iter().filter(|file| file.inline);
            belonging.any(inside::is_picture)
        });
    let is_moved = match may_have_pictures {
        true => room != (page.width, page.rows),
        false => room.0 != page.width,
    };
    if panes.page.is_some() && is_moved {
        (page.width, page.rows) = room;
        out.push(Effect::Open(page.wanted(mailbox)));
    }
}

/// What was asked of a notice from the list is done once its text is there.
fn awaited(model: &mut Model, out: &mut Effects) {
    let page = model.page.as_mut().filter(|page| page.notice.is_some());
    let Some((slot, action)) = page.and_then(|page| Some((page.slot, page.then.take()?))) else {
        return;
    };
    // Who has gone on to something else in the meantime does not want it any more.
    let is_typing = model.search.as_ref().is_some_and(|search| search.editing);
    let is_there = matches!(model.room, Room::Mail) && model.overlay.is_none() && !is_typing;
    if is_there && model.list.selected_slot() == Some(slot) {
        files::perform(model, action, out);
    }
}

/// `(3) notices`
fn title(model: &mut Model, out: &mut Effects) {
    if !model.tells_by_title() || !model.list.begun {
        return;
    }
    let name = &model.mailbox().name;
    let title = match model.list.counts().unread {
        0 => name.for_terminal_title(),
        unread => format!("({unread}) {}", name.for_terminal_title()),
    };
    if model.title.as_ref() != Some(&title) {
        out.push(Effect::SetTitle(title.clone()));
        model.title = Some(title);
    }
}

/// Seconds are counted only while a countdown is on the screen.
fn countdown(model: &mut Model, out: &mut Effects) {
    let is_shown = model.mailbox().counts_down() && !model.look.still;
    let is_ahead = model.mailbox().last.as_ref().and_then(|last| last.next);
    let is_ahead = is_ahead.is_some_and(|next| model.clock.until(next) > 0);
    if is_shown && is_ahead && !model.is_ticking {
        model.is_ticking = true;
        out.push(wake(Timer::Countdown, 1));
    }
}

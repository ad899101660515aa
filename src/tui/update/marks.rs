//! Marks: read, starred, muted. All are this person's own, and the last change can be undone.

use std::time::Duration;

use crate::{
    notice::{Marks, NoticeId, thread::Slot},
    tui::{
        action::{Action, Mode},
        effect::{Change, Effect},
        model::{Focus, Model, Undo, list::Row},
    },
};

use super::Effects;

/// A notice counts as read because it was read. That is not undone by `U`.
pub fn read_by_reading(model: &mut Model, slot: Slot, out: &mut Effects) {
    let change = Change {
        read: Some(true),
        ..Change::default()
    };
    apply(model, &[slot], change, out);
}

/// Marks the present notice read or unread.
pub fn toggle_read(model: &mut Model, out: &mut Effects) {
    let Some(slot) = model.list.selected_slot() else {
        return;
    };
    // A row shows what is folded away below it: that is what is read then.
    let below = model.list.unread_below();
    if model.focus == Focus::List && below.iter().any(|other| *other != slot) {
        mark_read(model, below, out);
        return;
    }
    let read = !model.list.headline(slot).marks.read;
    if let Some(page) = model.page.as_mut().filter(|page| page.slot == slot) {
        page.stays_unread = !read;
    }
    let change = Change {
        read: Some(read),
        ..Change::default()
    };
    remember(model, &[slot], change, out);
}

/// Stars the present notice, or not.
pub fn toggle_star(model: &mut Model, out: &mut Effects) {
    let Some(slot) = model.list.selected_slot() else {
        return;
    };
    let change = Change {
        starred: Some(!model.list.headline(slot).marks.starred),
        ..Change::default()
    };
    remember(model, &[slot], change, out);
}

/// Mutes the present notice's thread, or not.
pub fn toggle_mute(model: &mut Model, out: &mut Effects) {
    let Some(slot) = model.list.selected_slot() else {
        return;
    };
    let muted = !model.list.headline(slot).marks.muted;
    let thread = model.list.thread(slot).to_vec();
    let change = Change {
        muted: Some(muted),
        ..Change::default()
    };
    remember(model, &thread, change, out);
    let words = match muted {
        true => "thread muted: what follows arrives as read",
        false => "thread not muted any more",
    };
    say_undo(model, words);
}

/// Marks all read that are listed.
pub fn mark_all_read(model: &mut Model, out: &mut Effects) {
    let slots: Vec<Slot> = model
        .list
        .rows()
        .iter()
        .filter_map(|row| match row {
            Row::Notice { slot, .. } => Some(*slot),
            Row::Since | Row::List(_) => None,
        })
        .flat_map(|slot| match model.list.is_threaded() {
            // What is folded away is listed, too.
            true => model.list.thread(slot).to_vec(),
            false => vec![slot],
        })
        .collect();
    mark_read(model, slots, out);
}

/// Marks read what is older than two weeks.
pub fn catch_up(model: &mut Model, out: &mut Effects) {
    let limit = model.clock.now - OLD;
    let old = model
        .list
        .all()
        .filter(|(_, headline)| headline.date < limit);
    let slots = old.map(|(slot, _)| slot).collect();
    mark_read(model, slots, out);
}

/// Gives back the marks of before the last change.
pub fn undo(model: &mut Model, out: &mut Effects) {
    if let Some(undo) = &model.undo
        && undo.mailbox != model.open
    {
        let name = &model.mailboxes[undo.mailbox.0].name;
        let words = format!("the last mark was made in {name}: open that to undo it");
        model.say(&words);
        return;
    }
    if model.undo.is_some() && !model.list.complete {
        model.say("not all notices are here yet: undo it in a moment");
        return;
    }
    let Some(undo) = model.undo.take() else {
        model.say("nothing to undo");
        return;
    };
    let mut count = 0;
    let mut changes: Vec<(Change, Vec<NoticeId>)> = Vec::new();
    for (id, before) in undo.before {
        let Some(slot) = model.list.slot_of(id) else {
            continue;
        };
        count += 1;
        let now = model.list.mark(slot, before);
        let change = difference(now, before);
        match changes.iter_mut().find(|(known, _)| *known == change) {
            Some((_, ids)) => ids.push(id),
            None => changes.push((change, vec![id])),
        }
    }
    for (change, ids) in changes {
        let mailbox = undo.mailbox;
        out.push(Effect::Mark {
            mailbox,
            ids,
            change,
        });
    }
    let height = model.list_height();
    model.list.refilter(height);
    model.look_for_important();
    model.say(&match count {
        1 => "undone".to_owned(),
        count => format!("undone: {count} notices are as they were"),
    });
}

fn mark_read(model: &mut Model, slots: Vec<Slot>, out: &mut Effects) {
    let mut slots = slots;
    slots.retain(|slot| !model.list.headline(*slot).marks.read);
    slots.sort_unstable();
    slots.dedup();
    if slots.is_empty() {
        model.say("all read already");
        return;
    }
    let change = Change {
        read: Some(true),
        ..Change::default()
    };
    remember(model, &slots, change, out);
    let s = if slots.len() == 1 { "" } else { "s" };
    say_undo(model, &format!("{} notice{s} marked read", slots.len()));
}

/// Changes marks so that `U` can give them back.
fn remember(model: &mut Model, slots: &[Slot], change: Change, out: &mut Effects) {
    let before = apply(model, slots, change, out);
    model.undo = Some(Undo {
        mailbox: model.open,
        before,
    });
}

/// Changes marks, here and in the cache. Returns those of before.
fn apply(
    model: &mut Model,
    slots: &[Slot],
    change: Change,
    out: &mut Effects,
) -> Vec<(NoticeId, Marks)> {
    let mut before = Vec::with_capacity(slots.len());
    for slot in slots {
        let headline = model.list.headline(*slot);
        // One that is only announced has no place in the cache for a mark yet.
        if headline.id == NoticeId::default() {
            continue;
        }
        let (id, marks) = (headline.id, headline.marks);
        before.push((id, marks));
        let changed = Marks {
            read: change.read.unwrap_or(marks.read),
            starred: change.starred.unwrap_or(marks.starred),
            muted: change.muted.unwrap_or(marks.muted),
        };
        model.list.mark(*slot, changed);
    }
    if !before.is_empty() {
        out.push(Effect::Mark {
            mailbox: model.open,
            ids: before.iter().map(|(id, _)| *id).collect(),
            change,
        });
    }
    if change.read.is_some() {
        model.look_for_important();
    }
    before
}

fn difference(now: Marks, wanted: Marks) -> Change {
    let changed = |now: bool, wanted: bool| (now != wanted).then_some(wanted);
    Change {
        read: changed(now.read, wanted.read),
        starred: changed(now.starred, wanted.starred),
        muted: changed(now.muted, wanted.muted),
    }
}

fn say_undo(model: &mut Model, words: &str) {
    let key = model.keymap.key(Mode::List, Action::Undo);
    let key = key.map_or(":undo".to_owned(), |key| format!("{key} undo"));
    model.say(&format!("{words} · {key}"));
}

/// The age beyond which `catch up` marks as read, as the first check does.
const OLD: Duration = Duration::from_secs(14 * 86_400);

//! The list: what comes from the cache, and moving about in it.

use crate::{
    notice::MailboxIndex,
    tui::{
        event::Event,
        layout::{Panes, Shape},
        model::{Focus, Model, list::Filter, mailbox::Away},
    },
};

use super::Effects;

/// Headlines, counts or marks came from the cache.
pub fn from_cache(model: &mut Model, event: Event) {
    match event {
        Event::Loaded {
            mailbox,
            headlines,
            kept,
            complete,
            last_visit,
        } if mailbox == model.open => {
            let height = model.list_height();
            let list = &mut model.list;
            list.kept = kept;
            list.complete = complete;
            list.last_visit = last_visit;
            list.load(headlines, height);
            model.look_for_important();
            if complete {
                away(model);
            }
        }
        Event::Counted { mailbox, unread } if mailbox != model.open => {
            if let Some(mailbox) = model.mailboxes.get_mut(mailbox.0) {
                mailbox.unread = unread;
            }
        }
        Event::Marked { mailbox, marks } if mailbox == model.open => {
            for (id, marks) in marks {
                if let Some(slot) = model.list.slot_of(id) {
                    model.list.mark(slot, marks);
                }
            }
            model.look_for_important();
        }
        _ => {}
    }
}

/// Moves by so many rows.
pub fn step(model: &mut Model, by: isize) {
    let height = model.list_height();
    if !model.list.step(by, height) && !model.list.rows().is_empty() && by.abs() == 1 {
        model.say(if by > 0 {
            "last notice"
        } else {
            "first notice"
        });
    }
}

/// Moves by so many halves of the screen.
pub fn page(model: &mut Model, halves: isize) {
    let half = isize::try_from(model.list_height() / 2).unwrap_or(1).max(1);
    let height = model.list_height();
    model.list.step(halves * half, height);
}

/// To the next notice that is not read, or the next match of a search. Returns false if there is none.
pub fn next_unread(model: &mut Model, is_down: bool) -> bool {
    if model.search.is_some() {
        step(model, if is_down { 1 } else { -1 });
        return true;
    }
    let own = model.list.selected_headline().map(|headline| headline.id);
    let found = model.list.find(is_down, |headline| {
        !headline.marks.read && Some(headline.id) != own
    });
    let height = model.list_height();
    match found {
        Some(slot) => model.list.select_slot(slot, height),
        None => {
            model.say("no other unread notice");
            false
        }
    }
}

/// Shows other notices of the mailbox.
pub fn filter(model: &mut Model, filter: Filter) {
    model.search = None;
    let height = model.list_height();
    model.list.set_filter(filter, height);
}

/// Goes round the filters; from a list that came out empty, back to all.
pub fn next_filter(model: &mut Model) {
    let next = match model.list.rows().is_empty() {
        true => Filter::All,
        false => model.list.filter().next(),
    };
    filter(model, next);
}

/// Goes from the reader to the list: threads with something newer rise now.
pub fn enter(model: &mut Model) {
    model.focus = Focus::List;
    let height = model.list_height();
    model.list.enter(height);
}

/// Opens another mailbox.
pub fn open(model: &mut Model, place: usize, out: &mut Effects) {
    let Some(mailbox) = model.mailboxes.get(place) else {
        model.say(&format!("there is no mailbox {}", place + 1));
        return;
    };
    let name = mailbox.name.clone();
    if place == model.open.0 {
        model.say(&format!("{name} is open"));
        return;
    }
    model.mailboxes[model.open.0].unread = model.list.counts().unread;
    out.push(model.go_to(MailboxIndex(place)));
}

/// Keeps the selection on the screen, and the rows as its width wants them.
pub fn clamp(model: &mut Model) {
    let height = model.list_height();
    let is_narrow = Panes::of(model).shape == Shape::Narrow;
    model.list.show_rule(!is_narrow, height);
    model.list.keep_in_view(height);
    for teammate in model.demo.iter_mut().flat_map(|demo| &mut demo.teammates) {
        teammate.list.keep_in_view(height);
    }
}

/// `since Sun 18:10: 6 new, 1 important`, until a key is pressed.
pub fn away(model: &mut Model) {
    let Some(since) = model.list.last_visit.filter(|_| model.awaits_first_key) else {
        return;
    };
    let new = model
        .list
        .all()
        .filter(|(_, headline)| headline.date > since && !headline.marks.read);
    let mut away = Away {
        since,
        new: 0,
        important: 0,
    };
    for (_, headline) in new {
        away.new += 1;
        away.important += u32::from(headline.important);
    }
    if let Some(mailbox) = model
        .mailboxes
        .get_mut(model.open.0)
        .filter(|_| away.new > 0)
    {
        mailbox.away = Some(away);
    }
}

//! The list: what comes from the cache, and moving about in it.

use crate::{
    notice::{Headline, MailboxIndex},
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
            last_seen,
        } if mailbox == model.open => {
            let height = model.list_height();
            let list = &mut model.list;
            list.kept = kept;
            list.complete = complete;
            list.last_visit = last_visit;
            list.last_seen = last_seen;
            list.load(headlines, height);
            // A mailbox that one comes back to is as one left it.
            let left = model.left_at.get(&mailbox).and_then(|id| list.slot_of(*id));
            if let Some(slot) = left {
                model.left_at.remove(&mailbox);
                list.select_slot(slot, height);
            }
            model.look_for_important();
            if complete {
                model.left_at.remove(&mailbox);
                away(model);
            }
        }
        Event::Counted { mailbox, unread } if mailbox != model.open => {
            if let Some(mailbox) = model.mailboxes.get_mut(mailbox.0) {
                mailbox.unread = unread;
            }
        }
        Event::Marked { mailbox, notices } if mailbox == model.open => {
            let height = model.list_height();
            model.list.change(&notices, height);
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
    let now = model.clock.now;
    let found = model.list.find(is_down, |headline| {
        headline.is_unread(now) && Some(headline.id) != own
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
    model.list.next_filter = None;
    let height = model.list_height();
    model.list.set_filter(filter, height);
}

/// Goes round the filters, past those that let nothing through; that nothing is unread is worth a
/// word. From a list that came out empty the way leads back to all, and then on.
pub fn next_filter(model: &mut Model) {
    let present = model.list.filter();
    if model.list.rows().is_empty() && present != Filter::All {
        filter(model, Filter::All);
        model.list.next_filter = Some(present.next());
        return;
    }
    let resumed = model.list.next_filter.filter(|_| present == Filter::All);
    let mut next = resumed.unwrap_or(present.next());
    while !matches!(next, Filter::All | Filter::Unread) && !model.list.has_any(next) {
        next = next.next();
    }
    if next == present {
        next = next.next();
    }
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
    // By when it came, not by when it was sent: mail may be late.
    let last_seen = model.list.last_seen;
    let is_new = |headline: &Headline| match last_seen {
        Some(last) => headline.id > last,
        None => headline.date > since,
    };
    let new = model
        .list
        .all()
        .filter(|(_, headline)| is_new(headline) && headline.is_unread(model.clock.now));
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

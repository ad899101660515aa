//! Rows as sentences, for screen readers and braille lines (`accessible = true`).

use crate::{
    notice::{Headline, shown::Shown, when},
    tui::{compose, layout::Area, look::Clock, model::list::Branch, theme::Role},
};

use super::pen::Pen;

/// `Unread, important. Build cluster maintenance. Priya Natarajan, 12:10. 3 in thread.`
pub fn row(
    headline: &Headline,
    branch: Branch,
    is_selected: bool,
    clock: &Clock,
    line: Area,
    pen: &mut Pen,
) {
    let sentence = sentence(headline, branch, clock);
    pen.put_cut(
        line.x,
        line.y,
        line.columns,
        Shown::text(&sentence),
        Role::Text,
    );
    if is_selected {
        pen.tint(line, Role::Selection);
        pen.park(line.x, line.y);
    }
}

fn sentence(headline: &Headline, branch: Branch, clock: &Clock) -> String {
    let states = [
        (headline.is_unread(clock.now), "unread"),
        (headline.important, "important"),
        (headline.marks.starred, "starred"),
        (headline.fate.withdrawn.is_some(), "withdrawn"),
        (headline.fate.replaces.is_some(), "replaces another"),
        (headline.fate.replaced_by.is_some(), "replaced"),
        (headline.is_expired(clock.now), "expired"),
    ];
    let states: Vec<&str> = states
        .iter()
        .filter(|(is_so, _)| *is_so)
        .map(|(_, word)| *word)
        .collect();
    let mut sentence = String::new();
    if !states.is_empty() {
        sentence = format!("{}. ", capital(&states.join(", ")));
    }
    let date = when::since(headline.date, clock.now, &clock.zone);
    let date = match headline.date_guessed {
        true => Shown::line(&format!("arrived {date}")),
        false => date,
    };
    let from = compose::name(headline);
    let is_reply = matches!(branch, Branch::Middle(_) | Branch::Last(_));
    let subject = match is_reply && !headline.preview.is_empty() {
        true => headline.preview.trim_end_matches('.'),
        false => headline.subject.as_str(),
    };
    let end = match subject.ends_with(['.', '?', '!', '…']) {
        true => "",
        false => ".",
    };
    sentence += &format!("{subject}{end} {from}, {date}.");
    match branch {
        Branch::Root(count) | Branch::Folded(count) if count > 1 => {
            sentence += &format!(" {count} in thread.");
        }
        Branch::Middle(_) | Branch::Last(_) => sentence += " Reply.",
        Branch::Root(_) | Branch::Folded(_) => {}
    }
    if headline.files > 0 {
        let s = if headline.files == 1 { "" } else { "s" };
        sentence += &format!(" {} file{s}.", headline.files);
    }
    sentence
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

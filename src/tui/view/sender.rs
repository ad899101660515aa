//! A sender's name as the list has room for it.

use crate::{
    notice::{Headline, shown::Shown},
    tui::compose,
};

/// The first name and the initial of the next: `Priya N`. A short second word (`People Ops`) costs no
/// more than it tells, and scripts without capitals know no initials.
pub fn short_name(headline: &Headline) -> Shown {
    let name = compose::name(headline);
    if headline.from.name.is_empty() {
        return Shown::text(name.split('@').next().unwrap_or_default());
    }
    let words: Vec<&str> = name.split(' ').collect();
    let [first, .., last] = words[..] else {
        return name;
    };
    match last.chars().next() {
        Some(initial) if initial.is_uppercase() && last.chars().count() > 3 => {
            Shown::text(&format!("{first} {initial}"))
        }
        _ => name,
    }
}

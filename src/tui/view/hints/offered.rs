//! Which hints are offered on which screen.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::{
    action::{Action, Mode},
    layout::{Panes, Shape},
    model::{Focus, Model, Room},
};

use super::{Hint, Hints};

/// The hints of the present screen.
pub fn hints(model: &Model, panes: &Panes) -> Hints {
    let keymap = &model.keymap;
    if let Room::Activity(_) = &model.room {
        let first: &[(&[Action], &str)] = &[
            (&[Action::Open], "show conversation (password hidden)"),
            (&[Action::ErrorsOnly], "errors only"),
            (&[Action::Save], "save"),
        ];
        return Hints::new(keymap, Mode::Activity, first, &[(&[Action::Leave], "back")]);
    }
    if model.search.as_ref().is_some_and(|search| search.editing) {
        let mut hints = Hints::new(keymap, Mode::List, &[], &[]);
        hints.gap = 3;
        let pages = Hint::at(
            keymap,
            Mode::List,
            &[Action::NextUnread, Action::PreviousUnread],
            "next/prev match",
        );
        hints.first = vec![Hint::key("Enter", "keep and browse"), pages];
        hints.first.push(Hint::key("↑", "earlier searches"));
        hints.last = vec![Hint::key("Esc", "cancel")];
        hints.is_flush = false;
        return hints;
    }
    match (model.focus, panes.shape) {
        (Focus::Page, Shape::Narrow) => {
            let first: &[(&[Action], &str)] = &[
                (&[Action::ReadOn], "more"),
                (&[Action::NextNotice], "next"),
                (&[Action::Links], "links"),
            ];
            let mut hints = Hints::new(keymap, Mode::Reader, first, &[(&[Action::Leave], "back")]);
            hints.is_flush = false;
            hints
        }
        (Focus::Page, _) => {
            let unread = unread_word(model);
            let star = if is_starred(model) { "unstar" } else { "star" };
            let first: &[(&[Action], &str)] = &[
                (&[Action::ReadOn], "read on"),
                (&[Action::NextNotice, Action::PreviousNotice], "next/prev"),
                (&[Action::Links], "links"),
                (&[Action::Files], "files"),
                (&[Action::ToggleRead], unread),
                (&[Action::Star], star),
            ];
            Hints::new(keymap, Mode::Reader, first, &[(&[Action::Leave], "back")])
        }
        (Focus::List, Shape::Narrow) => {
            let first: &[(&[Action], &str)] = &[
                (&[Action::Open], "read"),
                (&[Action::NextUnread], "unread"),
                (&[Action::Search], "find"),
            ];
            let mut hints = Hints::new(keymap, Mode::List, first, &[(&[Action::Help], "help")]);
            hints.is_flush = false;
            hints
        }
        (Focus::List, _) if model.demo.is_some() => {
            let first: &[(&[Action], &str)] = &[
                (&[Action::Open], "read"),
                (&[Action::ReadOn], "read on"),
                (&[Action::NextUnread], "next unread"),
                (&[Action::OtherPane], "watch a teammate"),
            ];
            let last: &[(&[Action], &str)] =
                &[(&[Action::Help], "help"), (&[Action::Leave], "leave")];
            Hints::new(keymap, Mode::List, first, last)
        }
        (Focus::List, _) => {
            let unread = match model.search {
                Some(_) => "next match",
                None => "next unread",
            };
            let wide: &[(&[Action], &str)] = &[
                (&[Action::Next, Action::Previous], "move"),
                (&[Action::Open], "read"),
                (&[Action::ReadOn], "read on"),
                (&[Action::NextUnread], unread),
                (&[Action::ToggleRead], "read/unread"),
                (&[Action::Star], "star"),
                (&[Action::Links], "links"),
                (&[Action::OtherPane], "pane"),
                (&[Action::Filter], "filter"),
                (&[Action::Check], "check"),
            ];
            let normal: &[(&[Action], &str)] = &[
                (&[Action::Open], "read"),
                (&[Action::ReadOn], "read on"),
                (&[Action::NextUnread], unread),
                (&[Action::ToggleRead], "unread"),
                (&[Action::Search], "search"),
                (&[Action::Palette], "all"),
            ];
            let first = if panes.shape == Shape::Beside {
                wide
            } else {
                normal
            };
            let mut hints = Hints::new(keymap, Mode::List, first, &[(&[Action::Leave], "quit")]);
            let esc = KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE);
            if model.search.is_some() && keymap.action(Mode::List, &esc) == Some(Action::Back) {
                hints.last = vec![Hint::key("Esc", "end search")];
            }
            hints
        }
    }
}

fn unread_word(model: &Model) -> &'static str {
    let page = model.page.as_ref();
    let is_read = page.is_none_or(|page| model.list.headline(page.slot).marks.read);
    if is_read { "unread" } else { "read" }
}

fn is_starred(model: &Model) -> bool {
    let page = model.page.as_ref();
    page.is_some_and(|page| model.list.headline(page.slot).marks.starred)
}

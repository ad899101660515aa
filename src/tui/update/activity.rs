//! The activity view: every check, and how it went.

use std::sync::Arc;

use crate::{
    notice::shown::Shown,
    tui::{
        action::Action,
        effect::Effect,
        layout::Panes,
        model::{
            Model, Room,
            activity::{Activity, note},
            overlay::Overlay,
        },
        view,
    },
};

use super::Effects;

/// Goes to the activity view.
pub fn enter(model: &mut Model, out: &mut Effects) {
    model.room = Room::Activity(Activity::default());
    if !model.mailbox().is_recalled {
        out.push(Effect::Recall {
            mailbox: model.open,
        });
    }
}

/// Does what an action means in the activity view. Returns false if it means nothing of its own there.
pub fn perform(model: &mut Model, action: Action, out: &mut Effects) -> bool {
    let Room::Activity(activity) = &mut model.room else {
        return false;
    };
    let mut activity = *activity;
    let height = usize::from(view::activity::rows(&Panes::of(model)).rows);
    let count = activity.listed(&model.mailbox().checks).count();
    let half = (height / 2).max(1);
    let selected = activity.selected;
    activity.selected = match action {
        Action::Next => selected + 1,
        Action::Previous => selected.saturating_sub(1),
        Action::HalfPageDown => selected + half,
        Action::HalfPageUp => selected.saturating_sub(half),
        Action::PageDown | Action::ReadOn => selected + height,
        Action::PageUp | Action::ReadBack => selected.saturating_sub(height),
        Action::Top => 0,
        Action::Bottom => count,
        Action::ErrorsOnly => {
            activity.errors_only = !activity.errors_only;
            0
        }
        Action::Open => {
            conversation(model, activity);
            return true;
        }
        Action::Save => {
            out.push(log(model));
            return true;
        }
        Action::Back | Action::Leave | Action::Activity => {
            model.room = Room::Mail;
            return true;
        }
        Action::Check
        | Action::Help
        | Action::Palette
        | Action::Quit
        | Action::Redraw
        | Action::Suspend
        | Action::FixPassword
        | Action::Details
        | Action::Dismiss => return false,
        // What concerns notices has no place here.
        _ => return true,
    };
    let count = activity.listed(&model.mailbox().checks).count();
    activity.clamp(count, height);
    model.room = Room::Activity(activity);
    true
}

/// The dialogue of the selected check, as it was.
fn conversation(model: &mut Model, activity: Activity) {
    let check = activity
        .listed(&model.mailbox().checks)
        .nth(activity.selected);
    let Some(check) = check else { return };
    let title = format!(
        "Conversation of {} (password hidden)",
        model.clock.second(check.at)
    );
    let lines = match check.dialogue.is_empty() {
        true => vec![Shown::from_static(
            "It was not kept: only that of the latest checks is.",
        )],
        false => check.dialogue.lines().map(Shown::text).collect(),
    };
    model.overlay = Some(Overlay::Text {
        title: Shown::text(&title),
        lines,
        scroll: 0,
    });
}

/// All checks as a text, the latest first.
fn log(model: &Model) -> Effect {
    let mailbox = model.mailbox();
    let mut text = String::from("time\tresult\tms\tnew\tnote\n");
    let checks = mailbox.checks.iter();
    let before = mailbox.checks.iter().skip(1).map(Some).chain([None]);
    for (check, before) in checks.zip(before) {
        let note = note(check, before, false);
        let line = format!(
            "{}\t{}\t{}\t{}\t{note}\n",
            check.at,
            check.outcome.word(),
            check.took.as_millis(),
            check.new
        );
        text += &line;
    }
    Effect::SaveText {
        name: format!("tidings-activity-{}.txt", mailbox.name),
        text: Arc::from(text),
    }
}

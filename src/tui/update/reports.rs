//! What the pollers tell: new notices, withdrawn ones, and how checks went.

use crate::{
    config::{Notify, TerminalNotice},
    notice::{Headline, MailboxIndex, shown::Shown},
    poll::report::{Outcome, Report},
    tui::{
        compose,
        effect::{Effect, Timer},
        model::{Message, Model, Room, line::SecretLine, overlay::Overlay},
    },
};

use super::{Effects, listing, timers::REVEAL_AFTER, wake};

/// A poller told something.
pub fn reported(model: &mut Model, mailbox: MailboxIndex, report: Report, out: &mut Effects) {
    let is_open = mailbox == model.open;
    let is_empty = is_open && model.list.begun && model.list.len() == 0;
    let Some(place) = model.mailboxes.get_mut(mailbox.0) else {
        return;
    };
    let is_first_check = place.last.is_none();
    let before = place.last.as_ref().map(|last| last.outcome.word());
    place.note(&report, is_empty);
    match report {
        Report::Started { at } => {
            model.set_now(at);
            out.push(wake(Timer::SlowCheck, 1));
        }
        Report::Announced(headlines) if is_open => arrived(model, headlines, out),
        Report::Filled(headlines) if is_open => {
            // Of a cache built anew at the start they are not on the list yet.
            let before = model.list.len();
            arrived(model, headlines, out);
            model.list.kept += u32::try_from(model.list.len() - before).unwrap_or(0);
        }
        Report::Arrived(headlines) if is_open => {
            model.list.kept += u32::try_from(headlines.len()).unwrap_or(0);
            arrived(model, headlines, out);
        }
        Report::Arrived(headlines) => {
            let now = model.clock.now;
            let unread = headlines.iter().filter(|headline| headline.is_unread(now));
            model.mailboxes[mailbox.0].unread += u32::try_from(unread.count()).unwrap_or(0);
        }
        Report::Withdrawn { ids, since } if is_open => model.list.withdraw(&ids, Some(since)),
        Report::Returned(ids) if is_open => model.list.withdraw(&ids, None),
        Report::Checked(summary) => {
            model.set_now(summary.at + summary.took);
            let has_changed = before != Some(summary.outcome.word());
            if is_open {
                // What came of the check that was asked for is in the status line again, and so is a
                // failure that is new: no word of before covers it.
                match &model.message {
                    Some(Message::Checking(_)) => model.message = None,
                    Some(Message::Word(_)) if has_changed && !summary.outcome.is_done() => {
                        model.message = None;
                    }
                    Some(Message::Word(_) | Message::Trouble(_)) | None => {}
                }
                model.hides_progress = false;
                if is_first_check {
                    first_checked(model, &summary.outcome);
                }
            }
            if summary.told > 0 {
                tell(model, mailbox, summary.told, out);
            }
        }
        Report::Announced(_)
        | Report::Filled(_)
        | Report::Withdrawn { .. }
        | Report::Returned(_)
        | Report::Listed { .. }
        | Report::Progress { .. }
        | Report::Vanished { .. } => {}
    }
}

/// The first check since the start ended: what came while one was away is counted with it, and who
/// types the password at each start is asked for it.
fn first_checked(model: &mut Model, outcome: &Outcome) {
    if outcome.is_done() {
        listing::away(model);
    }
    let is_asked = model.mailbox().asks_for_password
        && matches!(outcome, Outcome::NoPassword { .. })
        && model.overlay.is_none()
        && matches!(model.room, Room::Mail);
    if is_asked {
        model.overlay = Some(Overlay::Password(SecretLine::default()));
    }
}

/// Something that was asked for failed: what, why, what next. It stays until it is dismissed.
pub fn failed(model: &mut Model, what: &Shown, why: &Shown, next: &Shown) {
    let words = match next.is_empty() {
        true => format!("{what}: {why}"),
        false => format!("{what}: {why} · {next}"),
    };
    model.message = Some(Message::Trouble(Shown::text(&words)));
}

/// True if the last check has something to explain.
pub fn has_details(model: &Model) -> bool {
    let last = model.mailbox().last.as_ref();
    last.is_some_and(|last| !last.outcome.is_done())
}

/// Shows what the last check said, and its dialogue.
pub fn show_details(model: &mut Model) {
    let Some(last) = &model.mailbox().last else {
        model.say("no check was made yet");
        return;
    };
    let columns = usize::from(model.size.columns.min(76)).saturating_sub(4);
    let words = [
        Shown::from_static(last.outcome.word()),
        last.outcome.words(),
    ];
    let words = words
        .into_iter()
        .chain(remedy(&last.outcome).map(Shown::from_static));
    let words = words.chain(last.notes.iter().cloned());
    let mut lines: Vec<Shown> = words
        .flat_map(|words| compose::wrap(&words, columns, columns))
        .map(|line| Shown::text(&line))
        .collect();
    lines.push(Shown::default());
    lines.extend(last.dialogue.lines().map(Shown::text));
    let title = format!("Last check, {}", model.clock.second(last.at));
    model.overlay = Some(Overlay::Text {
        title: Shown::text(&title),
        lines,
        scroll: 0,
    });
}

/// What helps, where we know.
fn remedy(outcome: &Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::NotSafe { .. } => {
            Some("Only a pinned fingerprint helps: pin_sha256 in the settings.")
        }
        Outcome::SignInFailed { .. } => {
            Some("Checks have stopped, so that nothing locks the account.")
        }
        Outcome::Done
        | Outcome::Busy { .. }
        | Outcome::ToldToWait { .. }
        | Outcome::Unreachable { .. }
        | Outcome::Refused { .. }
        | Outcome::NoPassword { .. }
        | Outcome::Broken { .. }
        | Outcome::CannotSave { .. }
        | Outcome::Cancelled => None,
    }
}

fn arrived(model: &mut Model, headlines: Vec<Headline>, out: &mut Effects) {
    let height = model.list_height();
    model.list.arrive(headlines, height);
    // In the demo one is to see what arrives; the list is short enough for both.
    if model.demo.is_some() && model.list.selected().is_some_and(|row| row < height) {
        model.list.reveal_top(height);
    }
    if model.list.above() > 0 {
        out.push(wake(Timer::Reveal, REVEAL_AFTER));
    }
    model.look_for_important();
}

/// Tells of new notices in the ways of the settings; the title is seen to elsewhere.
fn tell(model: &Model, mailbox: MailboxIndex, new: u32, out: &mut Effects) {
    let name = &model.mailboxes[mailbox.0].name;
    for way in &model.habits.notify {
        match way {
            Notify::Terminal(TerminalNotice::Title) => {}
            Notify::Terminal(TerminalNotice::Bell) => out.push(Effect::Ring),
            Notify::Terminal(TerminalNotice::Osc9) => {
                let words = Shown::text(&format!("{new} new in {name}"));
                out.push(Effect::Post(words));
            }
            Notify::Command { command } => out.push(Effect::RunNotification {
                command: command.clone(),
                new,
            }),
        }
    }
}

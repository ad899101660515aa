//! The setup: filling in, testing, saving. Nothing is written before Enter.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::{
    notice::{MailboxIndex, shown::Shown},
    tui::{
        effect::{Effect, Timer},
        event::Event,
        layout::Panes,
        model::{
            Model, Room,
            form::{Field, Form},
            mailbox::Mailbox,
            overlay::Overlay,
        },
        setup::StepResult,
        view,
    },
};

use super::Effects;

/// How many rows a page is, where the form does not fit.
const PAGE: isize = 4;

/// A key in the setup.
pub fn key(model: &mut Model, key: &KeyEvent, out: &mut Effects) {
    let is_first = model.mailboxes.is_empty();
    let (panes, columns) = (Panes::of(model), model.size.columns);
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if control && key.code == KeyCode::Char('c') {
        out.push(Effect::Quit);
        return;
    }
    let Room::SetUp(form) = &mut model.room else {
        return;
    };
    if form.is_saving {
        return;
    }
    match key.code {
        KeyCode::PageDown => form.scrolled += PAGE,
        KeyCode::PageUp => form.scrolled -= PAGE,
        _ => form.scrolled = 0,
    }
    let (up, down) = view::setup::reach(form, columns, &panes);
    form.scrolled = form.scrolled.clamp(up, down);
    match (key.code, form.asks_age) {
        (KeyCode::Esc, true) | (KeyCode::BackTab, true) => form.asks_age = false,
        (KeyCode::Esc, false) => leave(model, is_first, out),
        (KeyCode::F(1), _) | (KeyCode::Char('?'), true) => model.overlay = Some(keys()),
        (KeyCode::Enter, true) => save(form, out),
        (KeyCode::Up | KeyCode::Char('k'), true) => choose_age(form, false),
        (KeyCode::Down | KeyCode::Char('j') | KeyCode::Tab, true) => choose_age(form, true),
        (_, true) => {}
        (KeyCode::Enter, false) => enter(model, out),
        (KeyCode::F(5), false) => test(model, out),
        (KeyCode::Tab | KeyCode::Down, false) => form.step(true),
        (KeyCode::BackTab | KeyCode::Up, false) => form.step(false),
        (KeyCode::Char('?'), false) if form.line().is_none() && form.field != Field::Password => {
            model.overlay = Some(keys());
        }
        (_, false) => {
            if edit(form, key) {
                edited(form, out);
            }
        }
    }
}

/// Text was pasted into a field.
pub fn paste(model: &mut Model, text: &str, out: &mut Effects) {
    let Room::SetUp(form) = &mut model.room else {
        return;
    };
    match form.field {
        Field::Password => form.password.paste(text.trim()),
        _ => match form.line() {
            Some(line) => line.paste(text.trim()),
            None => return,
        },
    }
    edited(form, out);
}

/// Begins a test of what is filled in, if that is enough.
pub fn test(model: &mut Model, out: &mut Effects) {
    let Room::SetUp(form) = &mut model.room else {
        return;
    };
    if !form.is_testable() {
        return;
    }
    form.trial += 1;
    form.steps.clear();
    out.push(Effect::TestConnection {
        trial: form.trial,
        mailbox: Box::new(form.mailbox()),
        password: form.password.password(),
    });
}

/// A stage of the test went some way, a team file was read, or the settings were written.
pub fn happened(model: &mut Model, event: Event, out: &mut Effects) {
    match (event, &mut model.room) {
        (Event::Tested { trial, step }, Room::SetUp(form)) if trial == form.trial => {
            let has_failed = matches!(step.result, StepResult::Failed { .. });
            form.note(step);
            if has_failed {
                form.is_saving = false;
            }
        }
        (Event::TeamFileLoaded(mailbox), Room::SetUp(form)) => {
            form.fill(&mailbox);
            if form.is_testable() {
                out.push(wake_for_test());
            }
        }
        // Settings without a mailbox leave nothing to read.
        (Event::SetupSaved { mailboxes, open }, _) if !mailboxes.is_empty() => {
            let every = model.habits.check_every;
            let old = std::mem::take(&mut model.mailboxes);
            let known = |name: &Shown| old.iter().find(|mailbox| mailbox.name == *name).cloned();
            model.mailboxes = mailboxes
                .iter()
                .map(|settings| Mailbox::new(settings, every))
                .map(|mailbox| known(&mailbox.name).unwrap_or(mailbox))
                .collect();
            // Places and ids may be those of other mailboxes and caches now.
            model.undo = None;
            model.left_at.clear();
            let last = model.mailboxes.len() - 1;
            model.room = Room::Mail;
            out.push(model.go_to(MailboxIndex(open.0.min(last))));
        }
        _ => {}
    }
}

/// A failure while saving: the form is open for changes again.
pub fn failed(model: &mut Model) {
    if let Room::SetUp(form) = &mut model.room {
        form.is_saving = false;
    }
}

fn leave(model: &mut Model, is_first: bool, out: &mut Effects) {
    if is_first {
        out.push(Effect::Quit);
        return;
    }
    model.room = Room::Mail;
    if !model.list.begun {
        out.push(Effect::Load {
            mailbox: model.open,
        });
    }
}

fn enter(model: &mut Model, out: &mut Effects) {
    let Room::SetUp(form) = &mut model.room else {
        return;
    };
    match form.field {
        Field::Demo => out.push(Effect::StartDemo),
        Field::TeamFile => out.push(Effect::LoadTeamFile {
            path: form.team_file.text().trim().to_owned(),
        }),
        _ => {
            let missing = [
                (
                    form.host.text().trim().is_empty(),
                    "the server's name",
                    Field::Host,
                ),
                (
                    form.user.text().trim().is_empty(),
                    "the user's name",
                    Field::User,
                ),
            ];
            match missing.iter().find(|(is_missing, _, _)| *is_missing) {
                Some((_, what, field)) => {
                    form.field = *field;
                    model.say(&format!("{what} is missing"));
                }
                None => form.asks_age = true,
            }
        }
    }
}

fn save(form: &mut Form, out: &mut Effects) {
    form.is_saving = true;
    out.push(Effect::SaveSetup(Box::new(form.plan())));
}

fn choose_age(form: &mut Form, is_down: bool) {
    let ages = view::setup::AGES;
    let place = ages.iter().position(|(age, _)| *age == form.unread_since);
    let place = place.unwrap_or(0) + if is_down { 1 } else { ages.len() - 1 };
    form.unread_since = ages[place % ages.len()].0;
}

/// Takes a key into the present field. Returns true if something changed.
fn edit(form: &mut Form, key: &KeyEvent) -> bool {
    let is_next = matches!(
        key.code,
        KeyCode::Char(' ') | KeyCode::Right | KeyCode::Left
    );
    match form.field {
        Field::Password => form.password.key(key),
        Field::Tls if is_next => {
            form.next_tls();
            true
        }
        Field::Keep if is_next => {
            form.next_keep();
            true
        }
        _ => form.line().is_some_and(|line| line.key(key)),
    }
}

/// Something was filled in: the guesses follow, and the test begins once the fingers rest.
fn edited(form: &mut Form, out: &mut Effects) {
    if form.field == Field::Address {
        form.guess();
    }
    if form.field == Field::TeamFile {
        return;
    }
    // What an older test finds is of no use any more.
    form.trial += 1;
    form.steps.clear();
    if form.is_testable() {
        out.push(wake_for_test());
    }
}

fn wake_for_test() -> Effect {
    Effect::WakeAfter {
        timer: Timer::Test,
        after: std::time::Duration::from_millis(900),
    }
}

/// The keys of the setup. They are those of forms everywhere and no preset changes them.
fn keys() -> Overlay {
    const KEYS: [(&str, &str); 8] = [
        ("Tab  Down", "next field"),
        ("Shift-Tab  Up", "previous field"),
        ("Space  Left  Right", "choose"),
        ("Enter", "go on; on the second screen save and open"),
        ("F5", "test the connection again"),
        ("F1", "these keys"),
        ("Esc", "leave without saving"),
        ("Ctrl-C", "quit"),
    ];
    Overlay::Text {
        title: Shown::from_static("Keys: setup"),
        lines: KEYS
            .iter()
            .map(|(keys, does)| Shown::text(&format!("{keys:20}{does}")))
            .collect(),
        scroll: 0,
    }
}

//! The setup and the demo.

use std::time::Duration;

use tidings::{
    config::{Age, Mailbox, Settings, Tls},
    notice::{MailboxIndex, shown::Shown},
    tui::{
        Purpose,
        effect::{DemoEffect, Effect, Keep},
        event::{DemoEvent, Doing, Event, Teammate},
        setup::{Stage, Step, StepResult},
    },
};

use super::{Screen, at, settings, team};

#[test]
fn server_and_user_are_guessed_from_the_address() {
    let mut screen = setup();

    screen.press("notices@team.example");

    assert!(screen.text().contains("Server     pop.team.example"));
    assert!(screen.text().contains("User       notices@team.example"));
}

#[test]
fn help_in_the_setup_lists_its_own_keys() {
    let mut screen = setup();

    screen.press("<f1>");

    let text = screen.text();
    assert!(text.contains("Keys: setup"), "{text}");
    assert!(
        text.contains("F5") && text.contains("test the connection again"),
        "{text}"
    );
    assert!(!text.contains("unread"), "{text}");
}

#[test]
fn what_was_typed_is_not_guessed_over() {
    let mut screen = setup();
    screen.press("notices@team.example<tab><ctrl-u>mail.team.example<backtab>");

    screen.press("<backspace>");

    assert!(screen.text().contains("mail.team.example"));
}

#[test]
fn the_port_follows_the_protection() {
    let mut screen = setup();

    screen.press("<tab><tab><tab><space>");

    assert!(screen.text().contains("Port  110"));
    assert!(screen.text().contains("Security  STARTTLS"));
}

#[test]
fn the_test_begins_by_itself_once_user_and_password_are_there() {
    let mut screen = setup();
    screen.press("notices@team.example<tab><tab><tab><tab><tab>sesame");

    screen.test();

    let test = screen.effects.iter().rev().find_map(|effect| match effect {
        Effect::TestConnection {
            mailbox, password, ..
        } => Some((mailbox, password)),
        _ => None,
    });
    let (mailbox, password) = test.expect("the connection is tested");
    assert_eq!(
        (mailbox.host.as_str(), mailbox.port()),
        ("pop.team.example", 995)
    );
    assert_eq!(password.reveal(), Some("sesame"));
}

#[test]
fn nothing_is_written_before_the_second_enter() {
    let mut screen = setup();
    screen.press("notices@team.example<tab><tab><tab><tab><tab>sesame<tab><space><space>");
    screen.asked();

    screen.press("<enter>");
    assert!(
        screen
            .asked()
            .iter()
            .all(|effect| !matches!(effect, Effect::SaveSetup(_)))
    );
    screen.press("<down><enter>");

    let asked = screen.asked();
    let Some(Effect::SaveSetup(plan)) = asked.last() else {
        panic!("the settings are saved: {asked:?}");
    };
    assert_eq!(plan.mailbox.name, "notices");
    assert_eq!((plan.keep, plan.unread_since), (Keep::File, Age::None));
    assert_eq!(plan.password.reveal(), Some("sesame"));
}

#[test]
fn steps_of_an_older_test_are_ignored() {
    let mut screen = setup();
    screen.press("notices@team.example<tab><tab><tab><tab><tab>sesame");
    let trial = screen.test();
    screen.press("!");

    screen.happens(Event::Tested {
        trial,
        step: Step {
            stage: Stage::SignIn,
            result: StepResult::Passed {
                words: Shown::line("signed in"),
            },
            took: Some(Duration::from_millis(3)),
        },
    });

    assert!(!screen.text().contains("signed in"));
}

#[test]
fn a_team_file_fills_all_but_the_password() {
    let mut screen = setup();
    screen.press("<backtab><backtab><enter>");
    screen.press("<tab><enter>");
    let path = "tidings-team.toml".to_owned();
    assert!(screen.asked().contains(&Effect::LoadTeamFile { path }));

    screen.happens(Event::TeamFileLoaded(Box::new(Mailbox {
        name: "notices".to_owned(),
        host: "mail.team.example".to_owned(),
        tls: Tls::Starttls,
        user: "notices".to_owned(),
        ..Mailbox::default()
    })));
    screen.press("sesame");

    assert!(
        screen
            .text()
            .contains("Server     mail.team.example         Port  110")
    );
    assert!(screen.text().contains("••••••_"));
}

#[test]
fn one_may_just_look_around() {
    let mut screen = setup();

    screen.press("<backtab><backtab><enter>");

    assert_eq!(screen.asked(), [Effect::StartDemo]);
}

#[test]
fn leaving_the_first_setup_quits_and_saves_nothing() {
    let mut screen = setup();

    screen.press("notices<esc>");

    assert_eq!(screen.asked(), [Effect::Quit]);
}

#[test]
fn the_reader_begins_once_the_settings_are_written() {
    let mut screen = setup();

    screen.happens(Event::SetupSaved {
        mailboxes: settings().mailboxes,
        open: MailboxIndex(0),
    });

    let mailbox = MailboxIndex(0);
    assert!(screen.effects.contains(&Effect::Load { mailbox }));
    assert!(screen.line(0).contains("1 notices"));
}

#[test]
fn the_demo_is_sent_broken_and_held_by_key() {
    let mut screen = demo();

    screen.press("SBP");

    let wanted = [
        DemoEffect::Send,
        DemoEffect::ToggleServer,
        DemoEffect::TogglePause,
    ];
    assert_eq!(screen.asked(), wanted.map(Effect::Demo));
}

#[test]
fn tab_sits_down_at_a_teammates_screen() {
    let mut screen = demo();
    assert!(screen.text().contains("Fire drill"));

    screen.press("<tab>");

    assert_eq!(screen.status(), " you look over Ana's shoulder");
    assert!(!screen.text().contains("Fire drill"));
    screen.press("<tab>");
    assert!(screen.text().contains("Fire drill"));
}

#[test]
fn a_notice_that_arrives_in_the_demo_is_seen_at_once() {
    let mut screen = demo();
    let line = screen.selected();

    screen.reported(tidings::poll::report::Report::Arrived(vec![
        super::headline(
            900,
            "2026-11-23T14:37:59Z",
            "Priya Natarajan",
            "Coffee machine is back",
        ),
    ]));

    assert!(screen.text().contains("Coffee machine is back <- new"));
    assert_eq!(screen.selected(), line);
}

fn setup() -> Screen {
    Screen::starting(
        &Settings::default(),
        Purpose::Read(MailboxIndex(0)),
        (80, 24),
    )
}

fn demo() -> Screen {
    let mut settings = settings();
    settings.mailboxes.truncate(1);
    let purpose = Purpose::Demo {
        server: "127.0.0.1:40123".to_owned(),
        began: at("2026-11-23T14:37:46Z"),
    };
    let mut screen = Screen::starting(&settings, purpose, (80, 24));
    screen.headlines = team().into_iter().take(9).collect();
    screen.load();
    let mut of_ana = screen.headlines.clone();
    of_ana.retain(|headline| !headline.subject.starts_with("Fire"));
    screen.happens(Event::Demo(DemoEvent::TeammateChanged {
        teammate: 0,
        state: Teammate {
            name: "Ana".to_owned(),
            doing: Doing::Browsing,
            headlines: of_ana,
            selected: None,
        },
    }));
    screen
}

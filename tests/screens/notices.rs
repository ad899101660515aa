//! What makes a mail a notice, on the screen: corrections, what has expired, and what has changed.

use std::sync::Arc;

use tidings::{
    config::{Colour, Rule, SavedSearch, Settings},
    notice::{
        Headline, MailboxIndex, MailingList, Marks, Notice, NoticeId, fate::Fate, shown::Shown,
    },
    poll::report::{Report, Summary},
    tui::{
        Purpose,
        effect::Effect,
        event::{Answer, Changed, Event},
    },
};

use crate::support::screen::{Screen, at, done, headline, settings};

const OLD: NoticeId = NoticeId(901);
const NEW: NoticeId = NoticeId(902);

fn drill() -> Headline {
    Headline {
        marks: Marks::default(),
        key: 901,
        ..headline(
            901,
            "2026-11-23T13:40:00Z",
            "Facilities",
            "Fire drill on Friday",
        )
    }
}

fn correction() -> Headline {
    Headline {
        marks: Marks::default(),
        key: 902,
        ..headline(
            902,
            "2026-11-23T13:50:00Z",
            "Facilities",
            "Correction: Fire drill on Friday",
        )
    }
}

/// The correction takes the place of what it corrects.
fn replace(screen: &mut Screen) {
    screen.happens(Event::Marked {
        mailbox: MailboxIndex(0),
        notices: vec![Changed {
            id: OLD,
            marks: Marks::default(),
            replaced_by: Some(NEW),
        }],
    });
}

fn corrected() -> Screen {
    let mut screen = Screen::team((80, 24));
    screen.reported(Report::Arrived(vec![drill()]));
    screen.reported(Report::Arrived(vec![correction()]));
    replace(&mut screen);
    let mail = |text: &str| {
        let mail = format!(
            "Subject: Fire drill on Friday\r\n\r\nHello all,\r\n\r\n{text}\r\n\r\nFacilities\r\n"
        );
        Arc::new(Notice::parse(mail.as_bytes()))
    };
    screen.mails.insert(
        OLD,
        mail("The fire drill is on Friday at 11:00. Use stairwell B."),
    );
    screen.mails.insert(
        NEW,
        mail("The fire drill is on Friday at 10:00. Use stairwell B."),
    );
    screen.press("g");
    screen
}

fn rows(screen: &Screen) -> Vec<String> {
    (0..24)
        .map(|line| screen.line(line))
        .filter(|line| line.contains("Fire drill on Friday"))
        .collect()
}

#[test]
fn a_correction_stands_for_what_it_corrects_until_that_is_unfolded() {
    let mut screen = corrected();

    let folded = rows(&screen);
    assert_eq!(folded.len(), 1, "{}", screen.text());
    assert!(folded[0].starts_with(">"), "{folded:?}");
    assert!(folded[0].contains("Correction: Fire drill"), "{folded:?}");
    assert!(screen.status().contains("4 unread"), "{}", screen.status());

    screen.press("z");

    let unfolded = rows(&screen);
    assert_eq!(unfolded.len(), 2, "{}", screen.text());
    assert!(unfolded[1].contains("└ Facilit"), "{unfolded:?}");
    assert!(unfolded[1].ends_with("replaced"), "{unfolded:?}");
    // A third time it is as it was.
    screen.press("zz");
    assert_eq!(rows(&screen), folded);
}

#[test]
fn what_has_changed_is_shown_and_the_text_again() {
    let mut screen = corrected();

    screen.press("<enter>");
    let banner = "Stands in the place of an earlier notice, sent ";
    assert!(screen.text().contains(banner), "{}", screen.text());

    screen.press("=");
    insta::with_settings!({ snapshot_path => ".", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("difference_80x24", screen.picture());
    });

    screen.press("=");
    assert!(screen.text().contains(banner), "{}", screen.text());
    assert!(!screen.text().contains("at 11:00"), "{}", screen.text());
}

#[test]
fn a_file_is_shown_in_the_place_of_what_has_changed() {
    let mut screen = corrected();
    let mail = "Subject: Correction: Fire drill on Friday\r\nMIME-Version: 1.0\r\n\
                Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nat 10:00\r\n\
                --b\r\nContent-Type: text/csv; name=rooms.csv\r\n\r\nroom,stairs\r\n--b--\r\n";
    screen
        .mails
        .insert(NEW, Arc::new(Notice::parse(mail.as_bytes())));
    screen.press("<enter>=");
    screen.raw.insert(NEW, mail.to_owned());

    screen.press("v<enter>");
    assert!(screen.text().contains("room"), "{}", screen.text());
    assert!(
        !screen.text().contains("What has changed"),
        "{}",
        screen.text()
    );

    screen.press("q");
    assert!(screen.text().contains("at 10:00"), "{}", screen.text());
}

#[test]
fn a_notice_that_stands_alone_cannot_be_compared() {
    let mut screen = Screen::team((80, 24));

    screen.press("=");

    assert!(
        screen
            .status()
            .contains("takes the place of no other notice"),
        "{}",
        screen.status()
    );
}

#[test]
fn an_expired_notice_is_not_unread_and_says_so() {
    let mut screen = Screen::team((80, 24));
    let lunch = Headline {
        marks: Marks::default(),
        fate: Fate {
            expires: Some(at("2026-11-23T14:50:00Z")),
            ..Fate::default()
        }
        .into(),
        ..headline(903, "2026-11-23T13:55:00Z", "Kitchen", "Soup until two")
    };
    screen.reported(Report::Arrived(vec![lunch]));
    screen.press("g");
    assert!(screen.status().contains("4 unread"), "{}", screen.status());

    // The time goes on, without a key or a notice.
    screen.reported(Report::Started {
        at: at("2026-11-23T14:51:00Z"),
    });

    assert!(screen.status().contains("3 unread"), "{}", screen.status());
    let row = (0..24)
        .map(|line| screen.line(line))
        .find(|line| line.contains("Soup"));
    assert!(
        row.expect("it is listed").ends_with("expired"),
        "{}",
        screen.text()
    );
}

#[test]
fn an_answer_to_an_answer_stands_further_in() {
    let mut screen = Screen::team((80, 24));
    let answer = |id, minute: u32, parents: &[u64]| Headline {
        parents: parents.into(),
        ..headline(
            id,
            &format!("2026-11-23T13:{minute}:00Z"),
            "Tom Becker",
            "Re: Soup",
        )
    };
    screen.reported(Report::Arrived(vec![
        answer(950, 40, &[]),
        answer(951, 41, &[950]),
        answer(952, 42, &[950, 951]),
        answer(953, 43, &[950]),
    ]));
    screen.press("g");

    let rows: Vec<String> = (0..24)
        .map(|line| screen.line(line))
        .filter(|line| line.contains("Tom B") && line.contains("Soup"))
        .map(|line| line[13..].trim_start().chars().take(9).collect())
        .collect();
    assert_eq!(rows, ["Tom B    ", "├ Tom B  ", "├ Tom B  ", "└ Tom B  "]);
    let deeper = screen.line(5);
    assert!(
        deeper.contains("  ├ Tom B") || deeper.contains(" ├ Tom B"),
        "{}",
        screen.text()
    );
}

/// A list of this name and identifier.
fn through(name: &str, id: &str) -> Option<Arc<MailingList>> {
    let list = MailingList {
        name: Shown::line(name),
        id: Shown::line(id),
    };
    Some(list.into())
}

/// A reader with these settings, and what came through lists.
fn with_lists(add: impl FnOnce(&mut Settings)) -> Screen {
    let mut settings = settings();
    add(&mut settings);
    let mut screen = Screen::starting(&settings, Purpose::Read(MailboxIndex(0)), (80, 24));
    screen.open_the_team();
    let of = |id, minute: u32, list: &str, subject: &str| Headline {
        list: through(list, ""),
        marks: Marks::default(),
        ..headline(
            id,
            &format!("2026-11-23T13:{minute}:00Z"),
            "ops-bot",
            subject,
        )
    };
    screen.reported(Report::Arrived(vec![
        of(960, 40, "Operations", "Deploy failed"),
        of(961, 41, "Announcements", "Fire drill"),
        of(962, 42, "Operations", "Deploy finished"),
    ]));
    screen
}

#[test]
fn lists_and_searches_of_the_settings_stand_among_the_mailboxes() {
    let mut screen = with_lists(|settings| {
        settings.searches = vec![SavedSearch {
            name: "Deploys".to_owned(),
            query: "from:ops-bot deploy".to_owned(),
            mailbox: None,
        }];
    });

    screen.press("m");
    insta::with_settings!({ snapshot_path => ".", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("places_80x24", screen.picture());
    });

    screen.press("deploy<enter>");
    let search = |query: &str| Effect::Search {
        mailbox: MailboxIndex(0),
        query: query.to_owned(),
    };
    assert!(screen.effects.contains(&search("from:ops-bot deploy")));
    screen.happens(Event::Found {
        mailbox: MailboxIndex(0),
        query: "from:ops-bot deploy".to_owned(),
        result: Ok(Answer::InOrder(vec![NoticeId(962), NoticeId(960)])),
        words: vec!["deploy".to_owned()],
        searched: 3,
    });
    assert!(
        screen.text().contains("Deploy finished"),
        "{}",
        screen.text()
    );
    assert!(!screen.text().contains("Fire drill"), "{}", screen.text());

    screen.press("moperations<enter>");
    assert!(screen.effects.contains(&search("list:\"Operations\"")));
}

#[test]
fn rules_give_notices_colours() {
    let mut screen = with_lists(|settings| {
        settings.rules = vec![Rule {
            when: "failed".to_owned(),
            colour: Some(Colour::Error),
            ..Rule::default()
        }];
    });
    screen.reported(Report::Checked(Summary {
        new: 3,
        ..done(131)
    }));
    let ask = Effect::Colour {
        mailbox: MailboxIndex(0),
    };
    assert!(screen.effects.contains(&ask), "{:?}", screen.effects);
    screen.press("g");
    let before = screen.picture();

    screen.happens(Event::Coloured {
        mailbox: MailboxIndex(0),
        colours: vec![
            (Colour::Error, vec![NoticeId(960)]),
            (Colour::Muted, vec![NoticeId(960)]),
        ],
    });

    let changed: Vec<(String, String)> = before
        .lines()
        .zip(screen.picture().lines())
        .filter(|(before, after)| before != after)
        .map(|(before, after)| (before.to_owned(), after.to_owned()))
        .collect();
    assert_eq!(changed.len(), 1, "one row: {changed:?}");
    assert_ne!(changed[0].1.matches('e').count(), 0, "{changed:?}");
}

#[test]
fn the_notice_under_the_cursor_stays_there_when_a_correction_comes() {
    let mut screen = Screen::team((80, 24));
    screen.reported(Report::Arrived(vec![drill()]));
    screen.press("g");
    assert!(
        screen.selected().contains("Fire drill on Friday"),
        "{}",
        screen.selected()
    );

    screen.reported(Report::Arrived(vec![correction()]));
    replace(&mut screen);

    let selected = screen.selected();
    assert!(
        selected.contains("Fire drill on Friday") && selected.contains("replaced"),
        "{selected}"
    );
    // Once the cursor is elsewhere it is folded away as others are.
    screen.press("j");
    screen.press("tt");
    assert_eq!(rows(&screen).len(), 1, "{}", screen.text());
}

/// Notices of two lists and of none, the newest first.
fn lists() -> Vec<Headline> {
    let all = [
        (1, "2026-11-23T13:10:00Z", "Build 7 is broken", "Builds"),
        (2, "2026-11-23T13:20:00Z", "Soup on Friday", ""),
        (
            3,
            "2026-11-23T13:30:00Z",
            "Rota for May",
            "Rota of the team",
        ),
        (4, "2026-11-23T13:40:00Z", "Build 8 is broken", "Builds"),
    ];
    all.map(|(id, at, subject, list)| Headline {
        marks: Marks {
            read: id != 1,
            ..Marks::default()
        },
        key: id as u64,
        parents: Box::new([]),
        list: through(list, &list.to_ascii_lowercase()),
        ..headline(id, at, "Team", subject)
    })
    .into_iter()
    .rev()
    .collect()
}

/// What the rows of the list say, the rules with their words alone.
fn listed(screen: &Screen) -> Vec<String> {
    let subjects = ["Build 7", "Soup", "Rota for", "Build 8"];
    let rules = [
        "Builds, 2 unread",
        "Builds, 1 unread",
        "Builds",
        "Rota of the team",
        "through no list",
    ];
    let known = |line: &String| {
        let is_rule = line.contains("──");
        let all = if is_rule { &rules[..] } else { &subjects[..] };
        all.iter()
            .find(|words| line.contains(**words))
            .map(|words| (*words).to_owned())
    };
    (0..22)
        .map(|line| screen.line(line))
        .filter_map(|line| known(&line))
        .collect()
}

#[test]
fn notices_stand_by_their_lists_the_one_with_the_newest_first() {
    let mut screen = Screen::starting(&settings(), Purpose::Read(MailboxIndex(0)), (80, 24));
    screen.headlines = lists();
    screen.last_visit = None;
    screen.load();
    let by_date = ["Build 8", "Rota for", "Soup", "Build 7"];
    assert_eq!(listed(&screen), by_date);
    screen.press("j");

    screen.press("L");

    let by_list = [
        "Builds, 1 unread",
        "Build 8",
        "Build 7",
        "Rota of the team",
        "Rota for",
        "through no list",
        "Soup",
    ];
    assert_eq!(listed(&screen), by_list);
    assert!(screen.selected().contains("Rota for"), "the notice stays");
    screen.press("j");
    assert!(screen.selected().contains("Soup"), "rules are passed over");
    screen.press("g");
    assert!(screen.selected().contains("Build 8"));
    assert_eq!(
        listed(&screen),
        by_list,
        "the first rule stays on the screen"
    );

    // What is read is not counted any more.
    screen.press("ju");
    assert_eq!(listed(&screen)[..3], ["Builds", "Build 8", "Build 7"]);
    screen.press("g");

    // What comes stands in its place.
    let build = Headline {
        list: through("Rota of the team", "rota of the team"),
        key: 5,
        ..headline(5, "2026-11-23T13:50:00Z", "Team", "Rota for June")
    };
    screen.reported(Report::Arrived(vec![build]));
    assert!(screen.selected().contains("Build 8"));
    assert!(
        !screen.text().contains("new above"),
        "all of it is to be seen"
    );
    assert_eq!(listed(&screen)[0], "Rota of the team");
    screen.press("g");
    assert!(screen.selected().contains("Rota for June"));
    assert_eq!(
        listed(&screen)[..4],
        ["Rota of the team", "Rota for", "Rota for", "Builds"]
    );

    screen.press("L");
    assert_eq!(listed(&screen)[..2], ["Rota for", "Build 8"]);
}

#[test]
fn a_list_is_one_whatever_it_is_called_and_what_is_folded_counts() {
    let mut screen = Screen::starting(&settings(), Purpose::Read(MailboxIndex(0)), (80, 24));
    let mut headlines = lists();
    // Build 8, the newest, is an answer to build 7; the list was called otherwise then.
    headlines[3].list = through("Robots", "builds");
    headlines[0].parents = Box::new([1]);
    headlines[0].marks.read = false;
    // The rota's list takes the name of another.
    headlines[1].list = through("Builds", "rota of the team");
    screen.headlines = headlines;
    screen.last_visit = None;
    screen.load();

    screen.press("L");

    let rules = |screen: &Screen| -> Vec<String> {
        let rows = listed(screen).into_iter();
        rows.filter(|row| row.starts_with("Builds") || row.starts_with("through"))
            .collect()
    };
    let two = ["Builds, 2 unread", "Builds", "through no list"];
    assert_eq!(rules(&screen), two);
    screen.press("g");
    screen.press("z");
    assert!(!screen.text().contains("Build 8"), "{}", screen.text());
    assert_eq!(rules(&screen), two, "{}", screen.text());
}

#[test]
fn a_mailbox_is_grouped_from_the_start_where_the_settings_say_so() {
    let mut grouped = settings();
    grouped.screen.by_list = true;
    let mut screen = Screen::starting(&grouped, Purpose::Read(MailboxIndex(0)), (80, 24));
    screen.headlines = lists();
    screen.load();

    assert_eq!(listed(&screen)[0], "Builds, 1 unread");
}

#[test]
fn a_date_that_is_that_of_the_arrival_is_marked_at_every_width() {
    let mut accessible = settings();
    accessible.screen.accessible = true;
    for (settings, size, mark) in [
        (settings(), (80, 24), "~"),
        (settings(), (40, 12), "~"),
        (accessible, (80, 24), "arrived "),
    ] {
        let mut screen = Screen::starting(&settings, Purpose::Read(MailboxIndex(0)), size);
        screen.headlines = vec![Headline {
            date_guessed: true,
            ..headline(1, "2026-11-23T13:40:00Z", "Tom", "From the future")
        }];
        screen.load();

        assert!(screen.text().contains(mark), "{}", screen.text());
    }
}

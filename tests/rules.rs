//! Rules of the settings: what becomes of notices as they come.

use jiff::{Timestamp, tz::TimeZone};
use tidings::{
    config::{Colour, Rule, Settings},
    notice::{Marks, headline::Digest},
    pop3::listing::{Octets, UniqueId},
    store::{
        Store,
        arrival::{Arrival, Kept},
        rules::Rules,
        seen::Listed,
    },
};

fn rule(when: &str) -> Rule {
    Rule {
        when: when.to_owned(),
        ..Rule::default()
    }
}

fn settings(rules: Vec<Rule>) -> Settings {
    Settings {
        rules,
        ..Settings::default()
    }
}

fn store(folder: &tempfile::TempDir, rules: Vec<Rule>) -> Store {
    let rules = Rules::of(&settings(rules), "notices", || TimeZone::UTC);
    let path = folder.path().join("cache.db");
    Store::open(&path).expect("it opens").ruled_by(rules).store
}

fn arrival(number: usize, subject: &str) -> Arrival {
    let bytes = format!(
        "From: ops-bot <bot@team.example>\r\nSubject: {subject}\r\n\
         Message-ID: <{number}@team.example>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nText.\r\n"
    )
    .into_bytes();
    let digest = Digest::of(&bytes, "2026-11-24T10:00:00Z".parse().expect("a time"));
    let unique_id = UniqueId::new(format!("id{number}").as_bytes()).expect("short");
    Arrival::new(unique_id, Octets(bytes.len() as u64), bytes, digest)
}

fn keep(store: &Store, subjects: &[&str]) -> Vec<Kept> {
    let arrivals: Vec<Arrival> = (0..)
        .zip(subjects)
        .map(|(number, subject)| arrival(number, subject))
        .collect();
    store
        .keep(arrivals, &Listed::default(), Timestamp::now())
        .expect("it is kept")
}

fn marks(store: &Store, subject: &str) -> Marks {
    let headlines = store.headlines(None, 100).expect("headlines");
    let found = headlines
        .iter()
        .find(|headline| *headline.subject == *subject);
    found.expect("it is kept").marks
}

#[test]
fn what_comes_is_marked_as_the_rules_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = vec![
        Rule {
            star: true,
            ..rule("subject:failed")
        },
        Rule {
            read: true,
            ..rule("from:ops-bot subject:finished")
        },
        Rule {
            mute: true,
            ..rule("subject:lunch")
        },
    ];
    let store = store(&folder, rules);

    let kept = keep(
        &store,
        &["Deploy failed", "Deploy finished", "Lunch", "Fire drill"],
    );

    let of = |read, starred, muted| Marks {
        read,
        starred,
        muted,
    };
    assert_eq!(marks(&store, "Deploy failed"), of(false, true, false));
    assert_eq!(marks(&store, "Deploy finished"), of(true, false, false));
    assert_eq!(marks(&store, "Lunch"), of(true, false, true));
    assert_eq!(marks(&store, "Fire drill"), Marks::default());
    let told: Vec<bool> = kept
        .iter()
        .map(|kept| matches!(kept, Kept::New(_)))
        .collect();
    assert_eq!(
        told,
        [true, false, false, true],
        "of what arrives as read nobody is told"
    );
    for kept in kept {
        let (Kept::New(headline) | Kept::Quiet(headline)) = kept else {
            panic!("it is new");
        };
        assert_eq!(
            headline.marks,
            marks(&store, &headline.subject),
            "what is told is what is kept"
        );
    }
}

#[test]
fn somebody_is_told_as_the_rules_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = vec![
        Rule {
            notify: Some(false),
            ..rule("subject:lunch")
        },
        Rule {
            read: true,
            notify: Some(true),
            ..rule("subject:finished")
        },
    ];
    let store = store(&folder, rules);

    let kept = keep(&store, &["Lunch", "Deploy finished"]);

    assert!(matches!(kept[0], Kept::Quiet(_)), "{kept:?}");
    assert!(matches!(kept[1], Kept::New(_)), "{kept:?}");
    assert!(!marks(&store, "Lunch").read, "it is unread all the same");
}

#[test]
fn rules_are_for_what_comes_and_not_for_what_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    keep(&store(&folder, Vec::new()), &["Deploy finished"]);
    let store = store(
        &folder,
        vec![Rule {
            read: true,
            ..rule("subject:finished")
        }],
    );

    let arrivals = vec![arrival(7, "Deploy 7 finished")];
    store
        .keep(arrivals, &Listed::default(), Timestamp::now())
        .expect("it is kept");

    assert!(!marks(&store, "Deploy finished").read);
    assert!(marks(&store, "Deploy 7 finished").read);
}

#[test]
fn a_rule_can_be_for_one_mailbox() {
    let folder = tempfile::tempdir().expect("a folder");
    let of = |mailbox: &str| Rule {
        star: true,
        mailbox: Some(mailbox.to_owned()),
        ..rule(if mailbox == "hr" {
            "subject:drill"
        } else {
            "subject:lunch"
        })
    };
    let store = store(&folder, vec![of("hr"), of("notices")]);

    keep(&store, &["Fire drill", "Lunch"]);

    assert!(!marks(&store, "Fire drill").starred);
    assert!(marks(&store, "Lunch").starred);
}

#[test]
fn colours_are_of_all_that_is_there_and_the_first_rule_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    keep(
        &store(&folder, Vec::new()),
        &["Deploy finished", "Deploy failed"],
    );
    let coloured = |when: &str, colour| Rule {
        colour: Some(colour),
        ..rule(when)
    };
    let rules = vec![
        coloured("subject:failed", Colour::Error),
        coloured("deploy", Colour::Muted),
    ];
    let store = store(&folder, rules);

    let colours = store.coloured().expect("colours");

    let counts: Vec<(Colour, usize)> = colours
        .iter()
        .map(|(colour, ids)| (*colour, ids.len()))
        .collect();
    assert_eq!(counts, [(Colour::Error, 1), (Colour::Muted, 2)]);
    assert!(
        !store.rules_ask_for_words(),
        "a colour can wait for the index"
    );
}

#[test]
fn a_rule_that_asks_for_nothing_is_for_no_notice() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules: Vec<Rule> = ["", "from:", "-", "by:relevance"]
        .map(|when| Rule {
            star: true,
            ..rule(when)
        })
        .into();

    let problems = Rules::problems(&settings(rules.clone()), || TimeZone::UTC);
    let store = store(&folder, rules);
    keep(&store, &["Fire drill"]);

    assert_eq!(problems.len(), 4);
    let words = problems[1].to_string();
    assert!(
        words.contains("`from:`: column 1: `from:` asks for nothing"),
        "{words}"
    );
    assert!(!marks(&store, "Fire drill").starred);
}

#[test]
fn a_rule_that_makes_no_sense_is_said_and_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = vec![
        rule("subject:fine"),
        Rule {
            star: true,
            ..rule("drill is:purple")
        },
    ];

    let problems = Rules::problems(&settings(rules.clone()), || TimeZone::UTC);
    let store = store(&folder, rules);
    keep(&store, &["Fire drill"]);

    assert_eq!(problems.len(), 1);
    let words = problems[0].to_string();
    assert!(
        words.starts_with("rule 2: `drill is:purple`: column 7: `is:` takes"),
        "{words}"
    );
    assert!(words.ends_with("this rule is left out"), "{words}");
    assert!(!marks(&store, "Fire drill").starred);
}

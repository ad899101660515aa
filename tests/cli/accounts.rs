//! `serve account`, and what accounts make of mail.

use std::fs;

use super::assert_told;
use crate::support::program::{Person, Ran};

/// Runs a command on the person's spool, with this on stdin.
fn on_spool(person: &Person, args: &[&str], stdin: &str) -> Ran {
    let spool = person.path("spool").display().to_string();
    let mut command = person.bare_command(&[args, &["--spool", &spool]].concat());
    command.write_stdin(stdin);
    person.finish(command)
}

fn account(person: &Person, args: &[&str]) -> Ran {
    on_spool(person, &[&["serve", "account"], args].concat(), "sesame\n")
}

fn accounts_file(person: &Person) -> String {
    fs::read_to_string(person.path("spool/accounts.toml")).expect("accounts")
}

#[test]
fn accounts_are_made_changed_shown_and_removed() {
    let person = Person::new();
    let limits = [
        "--expire",
        "90d",
        "--login-delay",
        "60s",
        "--network",
        "10.0.0.0/8",
    ];
    let words = ["--delete", "refused", "--scram", "--duplicates", "once"];

    account(
        &person,
        &[&["add", "notices"], &limits[..], &words[..]].concat(),
    )
    .expect(0);
    account(&person, &["add", "editor", "--mailbox", "notices"]).expect(0);
    account(&person, &["change", "editor", "--largest-message", "5MB"]).expect(0);
    let again = account(&person, &["add", "editor"]);
    let shown = account(&person, &["list"]).expect_quiet();
    let json = account(&person, &["list", "--json"]).expect_quiet();
    account(&person, &["remove", "notices"]).expect(0);
    let left = account(&person, &["list"]).expect_quiet();
    let nobody = account(&person, &["remove", "notices"]);

    assert!(
        again.code != Some(0) && again.stderr.contains("change it by"),
        "{again}"
    );
    assert_eq!(
        shown.stdout,
        "editor\tnotices\tmbox\tshared\tallowed\t90d\tpassword\n\
         notices\tnotices\tmbox\tshared\trefused\t90d\tpassword, scram\n"
    );
    let item = &json.json()["items"][0];
    assert_eq!(item["largest_message"], 5_000_000);
    assert_eq!(json.json()["items"][1]["login_delay_seconds"], 60);
    assert_eq!(
        left.stdout,
        "editor\tnotices\tmbox\tshared\tallowed\tnever\tpassword\n"
    );
    assert!(
        nobody.stderr.contains("there is no account `notices`"),
        "{nobody}"
    );
    assert_eq!(
        person.files("spool"),
        ["accounts.toml"],
        "no secret is left"
    );
}

#[test]
fn comments_in_the_file_of_accounts_are_kept() {
    let person = Person::new();
    account(&person, &["add", "notices"]).expect(0);
    let text = accounts_file(&person) + "# ask Ann before this changes\nsessions = \"exclusive\"\n";
    fs::write(person.path("spool/accounts.toml"), text).expect("a write");

    account(&person, &["change", "notices", "--delete", "refused"]).expect(0);

    let text = accounts_file(&person);
    assert!(
        text.contains("# ask Ann before this changes\nsessions = \"exclusive\""),
        "{text}"
    );
    assert!(text.contains("delete = \"refused\""), "{text}");
}

#[test]
fn what_cannot_be_is_not_written() {
    let person = Person::new();
    account(&person, &["add", "notices"]).expect(0);
    let before = accounts_file(&person);

    for (args, words) in [
        (["--expire", "soon"], "no number of days"),
        (["--network", "everywhere"], "no network"),
        (["--sender", "ann"], "no sender"),
        (["--mailbox", "../etc"], "no account name"),
        (["--network", "10.0.4.1/24"], "no network"),
        (["--sender", "*@team.example"], "no sender"),
        (["--largest-message", "0"], "nothing would be taken"),
    ] {
        let ran = account(&person, &[&["change", "notices"], &args[..]].concat());
        assert!(ran.code != Some(0) && ran.stderr.contains(words), "{ran}");
    }

    assert_eq!(accounts_file(&person), before);
}

#[test]
fn a_limit_can_be_taken_off_and_a_secret_goes_with_its_word() {
    let person = Person::new();
    let limits = [
        "--largest-message",
        "1KB",
        "--login-delay",
        "60s",
        "--network",
        "10.0.0.0/8",
        "--sender",
        "@team.example",
    ];
    account(
        &person,
        &[&["add", "notices", "--scram", "--apop"], &limits[..]].concat(),
    )
    .expect(0);
    assert_eq!(
        person.files("spool"),
        ["accounts.toml", "notices.apop", "notices.scram"]
    );

    let off: Vec<&str> = limits
        .chunks(2)
        .flat_map(|limit| [limit[0], "none"])
        .chain(["--scram=false", "--apop=false"])
        .collect();
    account(&person, &[&["change", "notices"], &off[..]].concat()).expect(0);

    let text = accounts_file(&person);
    for limit in limits.iter().step_by(2) {
        let key = limit.trim_start_matches("--").replace('-', "_");
        assert!(!text.contains(&key), "{key}: {text}");
    }
    assert_eq!(person.files("spool"), ["accounts.toml"]);
}

#[test]
fn who_only_looks_makes_no_folder() {
    let person = Person::new();

    let listed = account(&person, &["list"]);
    let changed = account(&person, &["change", "notices", "--delete", "refused"]);

    assert!(
        listed.code != Some(0) && changed.code != Some(0),
        "{listed}{changed}"
    );
    assert!(!person.path("spool").exists());
}

#[test]
fn a_mailbox_that_is_there_does_not_become_another_kind() {
    let person = Person::new();
    account(&person, &["add", "notices"]).expect(0);
    deliver(&person, &[], FROM_ANN).expect(0);

    let changed = account(&person, &["change", "notices", "--store", "maildir"]);

    assert!(
        changed.stderr.contains("is there as an mbox file"),
        "{changed}"
    );
    assert_eq!(deliver(&person, &[], FROM_BOB).code, Some(0));
}

#[test]
fn one_account_without_scram_is_said_to_take_it_from_all() {
    let person = Person::new();
    account(&person, &["add", "notices", "--scram"]).expect(0);

    let added = account(&person, &["add", "editor"]).expect(0);

    assert!(added.stderr.contains("SCRAM is not announced"), "{added}");
    assert!(added.stderr.contains(": editor"), "{added}");
}

#[test]
fn an_unknown_key_names_the_nearest_one() {
    let person = Person::new();
    account(&person, &["add", "notices"]).expect(0);
    let text = accounts_file(&person) + "sesions = \"exclusive\"\n";
    fs::write(person.path("spool/accounts.toml"), text).expect("a write");

    assert_told(
        "serve-account-unknown-key",
        &account(&person, &["list"]).expect(3),
    );
}

fn deliver(person: &Person, args: &[&str], mail: &str) -> Ran {
    on_spool(person, &[&["deliver", "notices"], args].concat(), mail)
}

const FROM_ANN: &str =
    "From: Ann <ann@team.example>\nMessage-ID: <1@team.example>\nSubject: hi\n\nhi\n";
const FROM_BOB: &str = "From: Bob <bob@elsewhere.example>\nSubject: hi\n\nhi\n";

#[test]
fn an_announcement_address_takes_mail_of_some_alone() {
    let person = Person::new();
    account(
        &person,
        &[
            "add",
            "notices",
            "--sender",
            "@team.example",
            "--sender",
            "cron@host",
        ],
    )
    .expect(0);

    let ann = deliver(&person, &["--from", "ann@team.example"], FROM_ANN);
    let unsaid = deliver(&person, &[], FROM_ANN);
    let bob = deliver(&person, &["--from", "bob@elsewhere.example"], FROM_BOB);
    let forged_header = deliver(&person, &["--from", "bob@elsewhere.example"], FROM_ANN);
    let forged_envelope = deliver(&person, &["--from", "ann@team.example"], FROM_BOB);
    let two = "From: ann@team.example, bob@elsewhere.example\n\nhi\n";
    let two_authors = deliver(&person, &["--from", "ann@team.example"], two);
    let nobody = deliver(
        &person,
        &["--from", "ann@team.example"],
        "Subject: hi\n\nhi\n",
    );
    let bounce = deliver(&person, &["--from", ""], FROM_ANN);

    assert_eq!([ann.code, unsaid.code], [Some(0), Some(0)]);
    for refused in [
        bob,
        forged_header,
        forged_envelope,
        two_authors,
        nobody,
        bounce,
    ] {
        assert_eq!(refused.code, Some(77), "{refused}");
    }
}

#[test]
fn a_mail_that_came_within_a_day_is_kept_once() {
    let person = Person::new();
    account(&person, &["add", "notices", "--duplicates", "once"]).expect(0);

    let first = deliver(&person, &[], FROM_ANN);
    let again = deliver(&person, &[], &FROM_ANN.replace("hi", "by another list"));
    let without = [
        deliver(&person, &[], FROM_BOB),
        deliver(&person, &[], FROM_BOB),
    ];

    assert_eq!((first.code, first.stderr.as_str()), (Some(0), ""));
    assert_eq!(again.code, Some(0));
    assert!(again.stderr.contains("not delivered again"), "{again}");
    assert!(without.iter().all(|ran| ran.code == Some(0)));
    let mailbox = fs::read_to_string(person.path("spool/notices")).expect("a mailbox");
    assert_eq!(mailbox.matches("Subject:").count(), 3, "{mailbox}");
}

#[test]
fn too_large_a_mail_and_a_full_mailbox_are_told_apart() {
    let person = Person::new();
    account(
        &person,
        &[
            "add",
            "notices",
            "--largest-message",
            "1KB",
            "--largest-mailbox",
            "2KB",
        ],
    )
    .expect(0);
    let mail = format!("Subject: hi\n\n{}\n", "x".repeat(800));

    let codes = [
        deliver(&person, &[], &mail.repeat(200)).code,
        deliver(&person, &[], &mail).code,
        deliver(&person, &[], &mail).code,
        deliver(&person, &[], &mail).code,
    ];

    assert_eq!(codes, [Some(73), Some(0), Some(0), Some(75)]);
}

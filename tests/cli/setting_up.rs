//! `setup` without questions, and `doctor`.

use std::{fs, os::unix::fs::PermissionsExt};

use tidings::{config::file, server::certificate::Certificate};

use super::assert_told;
use crate::support::{
    office::Office,
    program::{Person, Ran, mailbox},
};

#[test]
fn setup_without_questions_tests_and_saves() {
    let office = Office::of_team();
    let person = Person::new();

    let ran = setup(&person, office.address().port(), "TIDINGS_TEST_PASSWORD");

    assert_told("setup", &ran.expect(0));
    let saved = fs::read_to_string(person.settings()).expect("settings");
    assert!(
        saved.contains("[[mailbox]]\nname = \"notices\"\n"),
        "{saved}"
    );
    assert!(!saved.contains("sesame"), "{saved}");
    let mode = fs::metadata(person.settings())
        .expect("settings")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

#[test]
fn setup_that_fails_writes_nothing() {
    let office = Office::of_team();
    let person = Person::new();

    let ran = setup(&person, office.address().port(), "HOME");

    assert_told("setup-wrong-password", &ran.expect(5));
    assert!(!person.settings().exists());
}

#[test]
fn settings_that_are_a_link_stay_one() {
    let office = Office::of_team();
    let person = Person::new();
    let dotfiles = person.path("dotfiles.toml");
    fs::write(&dotfiles, "# mine\n").expect("settings");
    std::os::unix::fs::symlink(&dotfiles, person.settings()).expect("a link");

    setup(&person, office.address().port(), "TIDINGS_TEST_PASSWORD").expect(0);

    assert!(person.settings().is_symlink());
    let saved = fs::read_to_string(&dotfiles).expect("settings");
    assert!(saved.starts_with("# mine\n[[mailbox]]"), "{saved}");
}

fn setup(person: &Person, port: u16, password: &str) -> Ran {
    person.run(&[
        "setup",
        "--host",
        "127.0.0.1",
        "--port",
        &port.to_string(),
        "--tls",
        "none",
        "--user",
        "notices",
        "--password-env",
        password,
    ])
}

#[test]
fn setup_without_a_terminal_and_without_enough_to_go_on_is_wrong_usage() {
    let person = Person::new();

    person.run(&["setup"]).expect(2);
    let ran = person
        .run(&["setup", "--host", "pop.team.example"])
        .expect(2);
    let words = "say it by options: --user NAME; --password-cmd, --password-env, --password-file, \
                 --keyring or --token-cmd";
    assert!(ran.stderr.contains(words), "{ran}");

    assert!(!person.settings().exists());
}

/// A team file beside which a certificate lies, and that says where a password is.
fn team_file(person: &Person, port: u16) -> String {
    let folder = person.path("from-the-team");
    fs::create_dir(&folder).expect("a folder");
    let path = folder.join("tidings-team.toml");
    let text = format!(
        "[[mailbox]]\nname = \"notices\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n\
         user = \"notices\"\nca_file = \"team-ca.pem\"\npassword_env = \"HOME\"\n\
         password_file = \"diary\"\npassword_command = [\"cat\", \"diary\"]\n\
         token_command = [\"cat\", \"diary\"]\nclient_cert = \"me.pem\"\nclient_key = \"me.key\"\n"
    );
    fs::write(&path, text).expect("a team file");
    let made = Certificate::make(&["localhost".to_owned()]).expect("a certificate");
    fs::write(folder.join("team-ca.pem"), made.certificate).expect("a certificate");
    path.to_str().expect("text").to_owned()
}

#[test]
fn a_team_file_does_not_say_what_is_sent_as_the_password() {
    let office = Office::of_team();
    let person = Person::new();
    let from = team_file(&person, office.address().port());

    let ran = person.run(&["setup", "--from", &from]).expect(2);

    let words = "say it by options: --password-cmd, --password-env, --password-file, \
                 --keyring or --token-cmd";
    assert!(ran.stderr.contains(words), "{ran}");
}

#[test]
fn what_a_team_file_names_lies_beside_it() {
    let office = Office::of_team();
    let person = Person::new();
    let from = team_file(&person, office.address().port());

    let password = ["--password-env", "TIDINGS_TEST_PASSWORD"];
    person
        .run(&["setup", "--from", &from, password[0], password[1]])
        .expect(0);

    let saved = fs::read_to_string(person.settings()).expect("settings");
    let beside = from.replace("tidings-team.toml", "team-ca.pem");
    assert!(
        saved.contains(&format!("ca_file = \"{beside}\"")),
        "{saved}"
    );
    assert!(!saved.contains("diary"), "{saved}");
}

#[test]
fn a_mailbox_that_would_have_the_name_of_another_gets_one_of_its_own() {
    let office = Office::of_team();
    let person = Person::reading(office.address());
    let port = office.address().port().to_string();
    let account = [
        "setup",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--tls",
        "none",
        "--password-env",
        "TIDINGS_TEST_PASSWORD",
        "--save-anyway",
    ];
    let with_user = |user| [&account[..], &["--user", user]].concat();

    person.run(&with_user("notices@b.example"));
    person.run(&with_user("notices")).expect(0);

    let mailboxes = file::load(&person.settings())
        .expect("settings")
        .settings
        .mailboxes;
    let names: Vec<&str> = mailboxes.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["notices", "notices@b.example"]);
    assert_eq!(mailboxes[0].user, "notices");
}

#[test]
fn doctor_writes_each_stage() {
    let office = Office::of_team();
    let person = Person::reading(office.address());

    let ran = person.run(&["doctor"]);

    assert_told("doctor", &ran.expect_quiet());
}

#[test]
fn a_report_of_doctor_names_nobody_and_can_be_posted() {
    let office = Office::of_team();
    let person = Person::reading(office.address());

    let ran = person.run(&["doctor", "--report"]).expect_quiet();

    assert!(ran.stdout.starts_with("tidings "), "{ran}");
    for word in [
        "notices@",
        "sesame",
        "127.0.0.1",
        "notices\n",
        "password_env: ",
    ] {
        assert!(!ran.stdout.contains(word), "{word}: {ran}");
    }
    for word in [
        "none at port",
        "password_env; set: nothing else",
        "signed in as USER",
        "C: CAPA",
        "S: +OK",
    ] {
        assert!(ran.stdout.contains(word), "{word}: {ran}");
    }
}

#[test]
fn doctor_goes_on_where_a_password_is_not_to_be_had() {
    let office = Office::of_team();
    let first = mailbox("first", office.address()).replace(
        "password_env = \"TIDINGS_TEST_PASSWORD\"",
        "token_command = [\"false\"]",
    );
    let settings = format!("{first}{}", mailbox("second", office.address()));
    let person = Person::with_settings(&settings);

    for report in [false, true] {
        let arguments = if report {
            &["doctor", "--report"][..]
        } else {
            &["doctor"]
        };
        let ran = person.run(arguments).expect(3);

        let failed = "FAILED the token command `false` failed";
        assert!(ran.stdout.contains("  FAILED "), "{ran}");
        // Of a report nobody learns what runs here.
        assert_eq!(!report, ran.stdout.contains(failed), "{ran}");
        assert_eq!(!report, ran.stdout.contains("run it by hand"), "{ran}");
        assert!(ran.stdout.contains("ok     signed in"), "{ran}");
    }
}

#[test]
fn a_token_is_taken_although_an_agent_is_left_behind() {
    let office = Office::of_team();
    let settings = mailbox("notices", office.address()).replace(
        "password_env = \"TIDINGS_TEST_PASSWORD\"",
        "password_command = [\"sh\", \"-c\", \"sleep 20 & echo $TIDINGS_TEST_PASSWORD\"]",
    );
    let person = Person::with_settings(&settings);

    person.run(&["check"]).expect_quiet();
}

#[test]
fn what_a_proxy_is_to_blame_for_is_said_of_the_proxy() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let gone = free.local_addr().expect("an address");
    drop(free);
    let settings = mailbox("notices", ([127, 0, 0, 1], 110).into());
    let person = Person::with_settings(&format!(
        "{settings}proxy = \"socks5://{gone}\"\ninsecure = \"yes, send my password in clear text\"\n"
    ));

    let ran = person.run(&["doctor"]);
    let checked = person.run(&["check"]);

    assert!(
        ran.stdout.contains("cannot connect to the proxy socks5"),
        "{ran}"
    );
    assert!(ran.stdout.contains("check the proxy that is set"), "{ran}");
    assert!(
        checked.stderr.contains("cannot connect to the proxy"),
        "{checked}"
    );
}

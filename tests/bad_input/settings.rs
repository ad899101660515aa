//! Settings that are wrong: the file, the line, the column, and what was meant.

use std::{fs, os::unix::fs::PermissionsExt};

use tidings::secret::Source;

use crate::support::program::{Person, Ran};

/// A mailbox that is set well, without a way to its password.
const MAILBOX: &str = "[[mailbox]]\nname = \"notices\"\nhost = \"127.0.0.1\"\nport = 1\n\
                       tls = \"none\"\nuser = \"notices\"\n";

/// Settings as they stand in the file, with nothing before them.
fn written(text: &str) -> Person {
    let person = Person::new();
    fs::write(person.settings(), text).expect("settings");
    fs::set_permissions(person.settings(), fs::Permissions::from_mode(0o644)).expect("permissions");
    person
}

/// The command ends with 3 and says this.
#[track_caller]
fn assert_refused(person: &Person, arguments: &[&str], words: &str) -> Ran {
    let ran = person.run(arguments).expect(3);
    assert!(
        ran.stderr.starts_with(&format!("tidings: {words}")),
        "{ran}"
    );
    assert_eq!(ran.stdout, "");
    ran
}

#[test]
fn a_slip_of_the_pen_has_a_line_and_a_column() {
    let person = written("check_every = \"1m\"\n[[mailbox]\nname = \"notices\"\n");

    assert_refused(&person, &["list"], "~/tidings.toml:2:11: ");
}

#[test]
fn a_value_of_the_wrong_kind_has_a_line_and_a_column() {
    let person = written("data_dir = \"/tmp\"\ncheck_every = \"soon\"\n");

    assert_refused(
        &person,
        &["check"],
        "~/tidings.toml:2:15: `soon` is not a length of time: write 30s, 1m or 2h",
    );
}

#[test]
fn a_word_that_is_none_of_those_allowed_has_its_nearest() {
    let person = written(&MAILBOX.replace("\"none\"", "\"implict\""));

    let ran = assert_refused(&person, &["check"], "~/tidings.toml:5:7: ");

    let words = "unknown word `implict`, expected one of `implicit`, `starttls`, `none`: did you mean \
                 `implicit`?";
    assert!(ran.stderr.contains(words), "{ran}");
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_nearest_and_skipped() {
    let person = written(&format!("chek_every = \"1m\"\n{MAILBOX}"));

    let ran = person.run(&["config", "show"]).expect(0);
    let listed = person.run(&["mailboxes"]).expect(0);

    assert!(ran.stdout.contains("name = \"notices\""), "{ran}");
    assert_eq!(
        listed.stderr,
        "tidings: ~/tidings.toml: line 1, column 1: unknown setting `chek_every`: did you mean \
         `check_every`?\n"
    );
}

#[test]
fn a_key_in_the_wrong_part_is_told_where_it_belongs() {
    let cases = [
        (
            "largest_message = \"1 MB\"",
            "it belongs to the top, above all tables",
        ),
        ("threads = false", "it belongs to [screen]"),
    ];
    for (line, words) in cases {
        let person = written(&format!("{MAILBOX}\n{line}\n"));
        let listed = person.run(&["mailboxes"]).expect(0);
        let key = line.split(' ').next().unwrap_or_default();
        let expected = format!("unknown setting `{key}` in mailbox 1: {words}\n");
        assert!(listed.stderr.ends_with(&expected), "{listed}");
    }
}

#[test]
fn a_misspelt_key_that_is_needed_is_named_with_its_nearest() {
    let person = written(&MAILBOX.replace("host", "hots"));

    assert_refused(
        &person,
        &["check"],
        "~/tidings.toml:3:1: missing field `host`, unknown setting `hots` in mailbox 1: did you mean \
         `host`?\n",
    );
}

#[test]
fn a_key_of_the_keymap_that_is_misspelt_is_named_and_skipped() {
    let person = written("[keys.reader]\n\"s\" = \"saev\"\n");

    let keys = person.run(&["keys"]).expect(0);
    let check = person.run(&["config", "check"]).expect(3);

    let told = "line 2, column 1: keys.reader.s: unknown `saev`: did you mean `save`?";
    assert!(keys.stderr.contains(told), "{keys}");
    assert!(check.stdout.contains(told), "{check}");
}

#[test]
fn a_mailbox_that_lacks_a_name_says_so() {
    let person = written(&MAILBOX.replace("\"notices\"\nhost", "\"\"\nhost"));

    assert_refused(
        &person,
        &["list"],
        "~/tidings.toml:2:1: mailbox ``: `name` is empty",
    );
}

#[test]
fn a_name_that_would_steer_the_terminal_is_refused() {
    let person = written(&MAILBOX.replace("notices\"\nhost", "not\\u001b]0;ices\\u0007\"\nhost"));

    assert_refused(
        &person,
        &["list"],
        "~/tidings.toml:2:1: mailbox `not␛]0;ices?`: `name` is not one line",
    );
}

#[test]
fn two_mailboxes_of_one_name_are_refused() {
    let person = written(&format!("{MAILBOX}{MAILBOX}"));

    assert_refused(
        &person,
        &["list"],
        "~/tidings.toml:8:1: mailbox `notices`: another mailbox has this name",
    );
}

#[test]
fn clear_text_beyond_this_machine_needs_the_sentence() {
    let person = written(&MAILBOX.replace("127.0.0.1", "pop.team.example"));

    assert_refused(
        &person,
        &["check"],
        "~/tidings.toml:5:1: mailbox `notices`: tls = \"none\" sends the password in clear text",
    );
}

#[test]
fn a_pin_that_is_none_is_refused() {
    let person = written(&format!("{MAILBOX}pin_sha256 = \"abc\"\n"));

    assert_refused(
        &person,
        &["check"],
        "~/tidings.toml:7:1: mailbox `notices`: pin_sha256 is not a SHA-256 in hex: 64 digits",
    );
}

#[test]
fn a_password_that_others_may_read_is_refused_with_the_remedy() {
    let person = written(&format!("{MAILBOX}password = \"sesame\"\n"));

    let ran = assert_refused(
        &person,
        &["check"],
        "~/tidings.toml holds a password and others may read it: run `chmod 600 ~/tidings.toml`",
    );

    assert!(!ran.stderr.contains("sesame"), "{ran}");
}

#[test]
fn a_broken_line_that_holds_a_password_is_not_repeated() {
    let person = written(&format!("{MAILBOX}password = \"sesame\n"));

    let ran = person.run(&["check"]).expect(3);

    assert!(!ran.stderr.contains("sesame"), "{ran}");
}

#[test]
fn a_password_file_that_others_may_read_is_refused_with_the_remedy() {
    let person = written(&format!("{MAILBOX}password_file = \"password\"\n"));
    fs::write(person.path("password"), "sesame\n").expect("a file");
    fs::set_permissions(person.path("password"), fs::Permissions::from_mode(0o640))
        .expect("permissions");

    let ran = person.run(&["check"]).expect(3);

    assert!(
        ran.stderr.starts_with(
            "tidings: cannot check notices: others may read the password file ~/password: \
             run `chmod 600 ~/password`\n"
        ),
        "{ran}"
    );
}

#[test]
fn a_password_command_that_fails_is_told_with_its_complaint() {
    let complaint = "echo 'the keyring is locked' >&2; echo sesame; exit 3";
    let person = written(&format!(
        "{MAILBOX}password_command = [\"sh\", \"-c\", \"{complaint}\"]\n"
    ));

    let ran = person.run(&["check"]).expect(3);

    assert!(
        ran.stderr.starts_with(
            "tidings: cannot check notices: the password command `sh` failed (exit status: 3): \
             the keyring is locked\n"
        ),
        "{ran}"
    );
    assert!(!ran.stderr.contains("sesame"), "{ran}");
}

#[test]
fn no_way_to_a_password_is_told() {
    let person = written(MAILBOX);

    let ran = person.run(&["check"]).expect(3);

    assert!(
        ran.stderr
            .contains("no password is set: add password_command to the settings"),
        "{ran}"
    );
}

#[test]
fn settings_that_are_a_folder_are_told() {
    let person = Person::new();
    fs::create_dir(person.settings()).expect("a folder");

    assert_refused(
        &person,
        &["list"],
        "cannot read the settings ~/tidings.toml: Is a directory",
    );
}

#[test]
fn settings_that_are_no_text_are_told() {
    let person = Person::new();
    fs::write(person.settings(), b"name = \"\xff\xfe\"\n").expect("settings");

    assert_refused(
        &person,
        &["list"],
        "cannot read the settings ~/tidings.toml: ",
    );
}

#[test]
fn escape_sequences_in_settings_do_not_reach_the_terminal() {
    let person = written("\"\\u001b[2J\" = 1\n[[mailbox]]\n");

    let ran = person.run(&["list"]);

    assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
}

/// Time is the runtime's own and passes at once where nothing else happens.
#[tokio::test(start_paused = true)]
async fn a_password_command_that_hangs_is_given_up() {
    let hanging = Source::Command(["sleep", "1000"].map(str::to_owned).to_vec());

    let error = hanging.fetch().await.expect_err("no password");

    assert_eq!(
        error.to_string(),
        "the password command `sleep` gave no answer within 30 s"
    );
}

#[test]
fn a_theme_that_does_not_exist_is_said_with_the_nearest() {
    let person = written(&format!("{MAILBOX}[screen]\ntheme = \"drak\"\n"));

    let ran = person.run(&["config", "check"]).expect(3);

    assert!(
        ran.stdout
            .contains("line 8, column 1: screen.theme: unknown `drak`: did you mean `dark`?"),
        "{ran}"
    );
}

#[test]
fn a_value_that_cannot_be_is_told_in_plain_words() {
    for (line, words) in [
        ("port = 70000", "expected a number from 0 to 65535"),
        (
            "password_command = \"echo pw\"",
            "expected a list: [\"…\", \"…\"]",
        ),
    ] {
        let person = written(&format!("{MAILBOX}{line}\n").replace("port = 1\n", ""));

        let ran = assert_refused(&person, &["check"], "~/tidings.toml:");

        assert!(ran.stderr.contains(words), "{ran}");
    }
    let person = written(&format!("notify = [\"titel\"]\n{MAILBOX}"));
    let ran = assert_refused(&person, &["check"], "~/tidings.toml:1:");
    assert!(
        ran.stderr.contains("\"title\", \"bell\", \"osc9\""),
        "{ran}"
    );
}

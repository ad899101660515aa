//! Passwords in the system's keyring: against GNOME's, in a session of its own, where this is built with it.

use crate::support::{office::Office, program::Person};

#[cfg(not(feature = "keyring"))]
#[test]
fn a_program_without_the_keyring_says_so() {
    let office = Office::of_team();
    let person = Person::with_settings(&mailbox(&office));

    let ran = person.run(&["check"]).expect(3);

    assert!(
        ran.stderr
            .contains("this tidings was built without the keyring"),
        "{ran}"
    );
}

#[cfg(feature = "keyring")]
mod with_it {
    use std::fmt::Write;

    use super::{Office, Person, mailbox};
    use crate::support::{
        peer,
        program::{PATIENCE, PROGRAM, Ran},
        scratch::PASSWORD,
    };

    #[test]
    fn a_password_is_put_there_found_again_and_missed_by_name() {
        let Some(session) = Session::find() else {
            return;
        };
        let office = Office::of_team();
        let person = Person::new();
        let port = office.address().port().to_string();
        let setup = [
            "setup",
            "--host=127.0.0.1",
            "--port",
            &port,
            "--tls=none",
            "--user=notices",
            "--keyring",
        ];

        session.run(&person, &setup, PASSWORD).expect(0);
        let settings = std::fs::read_to_string(person.settings()).expect("settings");
        session.run(&person, &["check"], "").expect(0);
        // Another mailbox of the same server has none.
        person.set(&mailbox(&office).replace("\"notices\"", "\"alerts\""));
        let missed = session.run(&person, &["check"], "").expect(3);

        assert!(settings.contains("keyring = true"), "{settings}");
        assert!(!settings.contains(PASSWORD), "{settings}");
        let words = "the keyring has no password for alerts@127.0.0.1: `tidings setup --keyring` puts it there";
        assert!(missed.stderr.contains(words), "{missed}");
    }

    #[test]
    fn a_keyring_that_is_not_there_is_told_from_one_without_the_password() {
        let office = Office::of_team();
        let person = Person::with_settings(&mailbox(&office));

        let ran = person.run(&["check"]).expect(3);

        let words = "the keyring cannot be asked for the password of notices@127.0.0.1 (";
        assert!(ran.stderr.contains(words), "{ran}");
        assert!(
            ran.stderr
                .contains("password_command or password_file take its place"),
            "{ran}"
        );
    }

    /// A session with a bus and a keyring that is unlocked, as on a desktop.
    struct Session {
        bus: std::path::PathBuf,
    }

    impl Session {
        /// None where one of the programs is not installed.
        fn find() -> Option<Session> {
            peer::find("gnome-keyring-daemon")?;
            let bus = peer::find("dbus-run-session")?;
            Some(Session { bus })
        }

        /// Runs the program in such a session, with the person's settings.
        fn run(&self, person: &Person, arguments: &[&str], stdin: &str) -> Ran {
            let mut script = String::from(
                "echo unlocked | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1\n\"$0\"",
            );
            for at in 1..=arguments.len() + 2 {
                write!(script, " \"${{{at}}}\"").expect("a string");
            }
            let mut command = assert_cmd::Command::new(&self.bus);
            command
                .env_clear()
                .envs(person.environment())
                .args(["--", "sh", "-c", &script, PROGRAM])
                .args(arguments)
                .arg("--config")
                .arg(person.settings())
                .current_dir(person.path("home"))
                .timeout(PATIENCE)
                .write_stdin(stdin);
            person.finish(command)
        }
    }
}

/// The settings of a mailbox whose password is in the keyring.
fn mailbox(office: &Office) -> String {
    format!(
        "[[mailbox]]\nname = \"notices\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nuser = \"notices\"\n\
         keyring = true\n",
        office.address().port()
    )
}

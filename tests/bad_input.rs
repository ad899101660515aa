//! Everything that can go wrong from outside, through the program itself: the words, the exit code,
//! and that no notice and no mark is lost.
//!
//! Each case has a test of its own. Most begin with somebody who has checked a sound server and
//! marked a notice; then the server, the settings, the disk or the mail goes wrong.

mod cache;
mod certificates;
mod mails;
mod servers;
mod settings;

use crate::support::{
    office::mail,
    program::{Person, Ran},
    rogue::{Rogue, Turn},
};

/// A server that was sound for a first check, and somebody who has starred the first of its two
/// notices and read it.
struct Gone {
    rogue: Rogue,
    person: Person,
}

impl Gone {
    /// The server has gone wrong in this way since.
    fn wrong(twist: impl Fn(&str) -> Turn + Send + Sync + 'static) -> Gone {
        let rogue = Rogue::with(vec![mail("first"), mail("second")], twist);
        let person = Person::with_settings(&hasty(&mailbox_of(&rogue)));
        person.run(&["check"]).expect(0);
        let listed = person.run(&["list"]);
        let row = listed.rows().into_iter().find(|row| row[5] == "first");
        let id = row.expect("the first notice")[0].to_owned();
        person.run(&["mark", "star", &id]).expect(0);
        person.run(&["mark", "read", &id]).expect(0);
        rogue.misbehave();
        Gone { rogue, person }
    }

    /// Checks, which fails with this code and these words.
    #[track_caller]
    fn check_fails(&self, code: i32, words: &str) -> Ran {
        let ran = self.person.run(&["check"]).expect(code);
        assert!(
            ran.stderr
                .starts_with(&format!("tidings: cannot check notices: {words}")),
            "{ran}"
        );
        self.nothing_is_lost();
        ran
    }

    /// Both notices are there with their marks; and once the server has come to its senses, a check
    /// finds nothing new.
    #[track_caller]
    fn nothing_is_lost(&self) {
        let mut subjects = self.person.subjects();
        subjects.sort();
        assert_eq!(subjects, ["first", "second"]);
        assert_eq!(self.person.found("is:starred first"), 1);
        assert_eq!(self.person.found("is:unread second"), 1);
        assert_eq!(self.person.found("is:withdrawn"), 0);
        self.rogue.behave();
        let ran = self.person.run(&["check", "--json=lines"]).expect(0);
        self.rogue.misbehave();
        let item = ran.json();
        assert_eq!((&item["new"], &item["known"]), (&0.into(), &2.into()));
    }
}

fn mailbox_of(rogue: &Rogue) -> String {
    crate::support::program::mailbox("notices", rogue.address())
}

/// Settings that do not wait for long.
fn hasty(settings: &str) -> String {
    format!("connect_timeout = \"1s\"\nanswer_timeout = \"1s\"\n{settings}")
}

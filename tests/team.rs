//! The promise itself: one server, several readers with caches of their own; each sees every notice
//! once, marks are one's own, and nobody takes anything away from anybody.

use std::{collections::BTreeSet, io::BufReader, process::Child};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tidings::server::events::Event;

use crate::support::{
    office::{Office, mail},
    program::{Person, Ran},
    scratch::Scratch,
    talk::Talk,
};

/// A server whose account is used by one session at a time, as RFC 1939 has it.
fn exclusive() -> Office {
    let scratch = Scratch::new();
    scratch.configure("sessions = \"exclusive\"\n");
    Office::over(scratch)
}

/// Somebody whose pollers call every second.
fn eager(office: &Office) -> Person {
    let settings = crate::support::program::mailbox("notices", office.address());
    Person::with_settings(&format!("check_every = \"1s\"\n{settings}"))
}

fn id_of(person: &Person, subject: &str) -> String {
    let listed = person.run(&["list"]).expect(0);
    let rows = listed.rows();
    let row = rows.iter().find(|row| row[5] == subject);
    row.unwrap_or_else(|| panic!("no `{subject}` in {listed}"))[0].to_owned()
}

fn new(ran: &Ran) -> u64 {
    ran.json()["new"].as_u64().expect("a number")
}

/// Nobody has said DELE or RSET, and every session that was begun was ended with QUIT.
#[track_caller]
fn assert_nothing_was_taken(office: &Office) {
    office.rest();
    assert_eq!(office.heard("DELE"), 0);
    assert_eq!(office.heard("RSET"), 0);
    let events = office.served.events.all();
    assert!(
        !events
            .iter()
            .any(|event| matches!(event, Event::Deleted { .. }))
    );
    let sessions = |number: fn(&Event) -> Option<u64>| -> BTreeSet<u64> {
        events.iter().filter_map(number).collect()
    };
    let begun = sessions(|event| match event {
        Event::SignedIn { session, .. } => Some(*session),
        _ => None,
    });
    let ended = sessions(|event| match event {
        Event::Quit { session, .. } => Some(*session),
        _ => None,
    });
    assert!(begun.is_subset(&ended), "{begun:?} begun, {ended:?} ended");
}

// ---- checks ----

#[test]
fn each_reader_sees_each_notice_once_however_they_take_turns() {
    let office = Office::empty();
    let (ana, tom) = (
        Person::reading(office.address()),
        Person::reading(office.address()),
    );
    let check = |person: &Person| new(&person.run(&["check", "--json=lines"]).expect_quiet());

    office.deliver("first");
    let mut seen = vec![(check(&ana), check(&tom))];
    office.deliver("second");
    office.deliver("third");
    seen.push((check(&ana), 0));
    office.deliver("fourth");
    seen.push((check(&ana), check(&tom)));
    seen.push((check(&ana), check(&tom)));

    assert_eq!(seen, [(1, 1), (2, 0), (1, 3), (0, 0)]);
    for person in [&ana, &tom] {
        let subjects: BTreeSet<String> = person.subjects().into_iter().collect();
        assert_eq!(person.subjects().len(), 4);
        assert_eq!(subjects.len(), 4);
    }
    assert_nothing_was_taken(&office);
}

#[test]
fn a_notice_has_the_same_id_for_everybody() {
    let office = Office::of_team();
    let (ana, tom) = (
        Person::reading(office.address()),
        Person::reading(office.address()),
    );

    ana.run(&["check"]).expect(0);
    office.deliver("later");
    tom.run(&["check"]).expect(0);
    ana.run(&["check"]).expect(0);

    let lists = [&ana, &tom].map(|person| person.run(&["list"]).expect_quiet().stdout);
    assert_eq!(lists[0], lists[1]);
}

#[test]
fn marks_are_ones_own() {
    let office = Office::of_team();
    let (ana, tom) = (
        Person::reading(office.address()),
        Person::reading(office.address()),
    );
    ana.run(&["check"]).expect(0);
    tom.run(&["check"]).expect(0);
    let disk = id_of(&ana, "Disk usage build-02 91%");

    ana.run(&["next"]).expect(0);
    ana.run(&["mark", "star", &disk]).expect(0);
    tom.run(&["mark", "read", "--all"]).expect(0);
    for person in [&ana, &tom] {
        person.run(&["check"]).expect_quiet();
    }

    let counts = |person: &Person| person.run(&["count"]).expect_quiet().stdout;
    assert_eq!(counts(&ana), "notices\t7\t6\t1\t1\t0\n");
    assert_eq!(counts(&tom), "notices\t7\t0\t0\t0\t0\n");
    assert_nothing_was_taken(&office);
}

#[test]
fn a_teammate_who_comes_late_sees_all_that_is_there() {
    let office = Office::of_team();
    let ana = Person::reading(office.address());
    ana.run(&["check"]).expect(0);
    while ana.run(&["next"]).code == Some(0) {}

    let tom = Person::reading(office.address());
    tom.run(&["check"]).expect(0);

    assert_eq!(tom.found("is:unread"), 7);
    assert_nothing_was_taken(&office);
}

#[test]
fn two_equal_mails_are_two_notices_for_everybody() {
    let office = Office::empty();
    office.deliver("twice");
    let (ana, tom) = (
        Person::reading(office.address()),
        Person::reading(office.address()),
    );
    ana.run(&["check"]).expect(0);
    office.deliver("twice");

    for person in [&ana, &tom] {
        person.run(&["check"]).expect(0);
    }

    assert_eq!(ana.subjects(), ["twice", "twice"]);
    assert_eq!(tom.subjects(), ["twice", "twice"]);
}

#[test]
fn a_restarted_server_shows_nothing_twice() {
    let office = Office::of_team();
    let person = Person::reading(office.address());
    person.run(&["check"]).expect(0);
    person.run(&["mark", "read", "--all"]).expect(0);
    let address = office.address();

    // The same spool behind another server; the port, and with it the cache, stays the person's.
    let again = Office::over(office.close());
    again.deliver("after the restart");
    let settings = std::fs::read_to_string(person.settings()).expect("settings");
    let cache = person.cache_path();
    let moved = settings.replace(
        &address.port().to_string(),
        &again.address().port().to_string(),
    );
    std::fs::write(person.settings(), moved).expect("settings");
    std::fs::rename(cache, person.cache_path()).expect("the cache");
    let ran = person.run(&["check", "--json=lines"]).expect_quiet();

    assert_eq!(new(&ran), 1);
    assert_eq!(person.found("is:read"), 7);
    assert_eq!(again.heard("RETR"), 1);
}

#[test]
fn what_another_client_deletes_stays_readable_where_it_was_seen() {
    let office = Office::of_team();
    let (ana, tom) = (
        Person::reading(office.address()),
        Person::reading(office.address()),
    );
    ana.run(&["check"]).expect(0);
    office.block_on(async {
        let mut careless = Talk::signed_in(office.address()).await;
        careless.ask("DELE 1", "+OK").await;
        careless.ask("QUIT", "+OK").await;
    });

    ana.run(&["check"]).expect(0);
    tom.run(&["check"]).expect(0);

    assert_eq!(ana.found("is:withdrawn \"fire drill\""), 1);
    let drill = id_of(&ana, "Fire drill Thursday 11:00, please use stairwell B");
    let shown = ana.run(&["show", &drill]).expect_quiet();
    assert!(shown.stdout.contains("Take stairwell B"), "{shown}");
    assert_eq!(tom.subjects().len(), 6);
}

#[test]
fn a_notice_that_comes_during_a_session_is_seen_by_the_next() {
    let office = Office::of_team();
    let person = Person::reading(office.address());
    let stayed = office.block_on(async {
        let mut stays = Talk::signed_in(office.address()).await;
        stays.ask("STAT", "+OK 7").await;
        stays
    });

    office.deliver("meanwhile");
    let ran = person.run(&["check", "--json=lines"]).expect_quiet();

    assert_eq!(new(&ran), 8);
    office.block_on(async move {
        let mut stays = stayed;
        stays.ask("STAT", "+OK 7").await;
        stays.ask("QUIT", "+OK").await;
    });
    assert_nothing_was_taken(&office);
}

// ---- pollers ----

/// `tidings watch --json`, which tells of each new notice as it comes.
struct Watcher {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Watcher {
    fn start(person: &Person) -> Watcher {
        use std::{
            io::BufRead,
            process::{Command, Stdio},
        };

        let mut child = Command::new(crate::support::program::PROGRAM)
            .env_clear()
            .envs(person.environment())
            .args(["-q", "watch", "--json", "--config"])
            .arg(person.settings())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let stdout = child.stdout.take().expect("its stdout");
        Watcher {
            child,
            lines: BufReader::new(stdout).lines(),
        }
    }

    /// The subjects of the next notices, sorted.
    fn next(&mut self, count: usize) -> Vec<String> {
        let mut subjects: Vec<String> = (0..count)
            .map(|_| {
                let line = self.lines.next().expect("a line").expect("text");
                let item: Value = serde_json::from_str(&line).expect("JSON");
                item["subject"].as_str().expect("a subject").to_owned()
            })
            .collect();
        subjects.sort();
        subjects
    }

    /// Interrupts it; what it still said.
    fn stop(mut self) -> Vec<String> {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process");
        kill_process(pid, Signal::INT).expect("a signal");
        let rest = self.lines.map(|line| line.expect("text")).collect();
        assert_eq!(self.child.wait().expect("it ends").code(), Some(130));
        rest
    }
}

#[test]
fn two_pollers_hear_of_every_notice_once() {
    let office = Office::empty();
    let (ana, tom) = (eager(&office), eager(&office));
    let (mut anas, mut toms) = (Watcher::start(&ana), Watcher::start(&tom));

    let heard: Vec<(Vec<String>, Vec<String>)> = ["first", "second", "third"]
        .into_iter()
        .map(|subject| {
            office.deliver(subject);
            (anas.next(1), toms.next(1))
        })
        .collect();
    let rest = (anas.stop(), toms.stop());

    for (subject, (ana, tom)) in ["first", "second", "third"].into_iter().zip(&heard) {
        assert_eq!(
            (ana, tom),
            (&vec![subject.to_owned()], &vec![subject.to_owned()])
        );
    }
    assert_eq!(rest, (Vec::new(), Vec::new()));
    assert_nothing_was_taken(&office);
}

#[test]
fn deliveries_while_everybody_polls_are_neither_lost_nor_doubled() {
    let office = Office::empty();
    let people: Vec<Person> = (0..3).map(|_| eager(&office)).collect();
    let mut watchers: Vec<Watcher> = people.iter().map(Watcher::start).collect();

    (0..40).for_each(|number| office.deliver(&format!("notice {number:02}")));
    let heard: Vec<Vec<String>> = watchers
        .iter_mut()
        .map(|watcher| watcher.next(40))
        .collect();
    let rest: Vec<Vec<String>> = watchers.into_iter().map(Watcher::stop).collect();

    let expected: Vec<String> = (0..40)
        .map(|number| format!("notice {number:02}"))
        .collect();
    for (subjects, person) in heard.iter().zip(&people) {
        assert_eq!(*subjects, expected);
        assert_eq!(person.subjects().len(), 40);
    }
    assert!(rest.iter().all(Vec::is_empty), "{rest:?}");
    assert_nothing_was_taken(&office);
}

// ---- one session at a time ----

#[test]
fn on_a_server_that_locks_a_busy_check_is_tried_again() {
    let office = exclusive();
    office.deliver("worth waiting for");
    let (ana, tom) = (
        Person::reading(office.address()),
        Person::reading(office.address()),
    );
    let holder = office.block_on(Talk::signed_in(office.address()));

    let ran = std::thread::scope(|scope| {
        let runs = [&ana, &tom].map(|person| scope.spawn(|| person.run(&["check"])));
        let events = &office.served.events;
        events.wait_for(2, |event| matches!(event, Event::Busy { .. }));
        office.block_on(async move {
            let mut holder = holder;
            holder.ask("QUIT", "+OK").await;
        });
        runs.map(|run| run.join().expect("it runs"))
    });

    for (ran, person) in ran.into_iter().zip([&ana, &tom]) {
        let ran = ran.expect_quiet();
        assert!(ran.stdout.starts_with("notices\tok\t1\t1\t"), "{ran}");
        assert_eq!(person.subjects(), ["worth waiting for"]);
    }
    assert_nothing_was_taken(&office);
}

#[test]
fn on_a_server_that_locks_pollers_get_everything_in_turn() {
    let office = exclusive();
    let people: Vec<Person> = (0..3).map(|_| eager(&office)).collect();
    let mut watchers: Vec<Watcher> = people.iter().map(Watcher::start).collect();

    (0..10).for_each(|number| office.deliver(&format!("notice {number}")));
    let heard: Vec<Vec<String>> = watchers
        .iter_mut()
        .map(|watcher| watcher.next(10))
        .collect();
    let rest: Vec<Vec<String>> = watchers.into_iter().map(Watcher::stop).collect();

    let expected: Vec<String> = (0..10).map(|number| format!("notice {number}")).collect();
    assert!(
        heard.iter().all(|subjects| *subjects == expected),
        "{heard:?}"
    );
    assert!(rest.iter().all(Vec::is_empty), "{rest:?}");
    assert_nothing_was_taken(&office);
}

#[test]
fn on_a_server_that_locks_nobody_is_signed_in_beside_another() {
    let office = exclusive();
    (0..20).for_each(|number| office.deliver(&format!("notice {number}")));
    let people: Vec<Person> = (0..4).map(|_| Person::reading(office.address())).collect();

    let codes: Vec<Option<i32>> = std::thread::scope(|scope| {
        let runs: Vec<_> = people
            .iter()
            .map(|person| scope.spawn(|| person.run(&["check", "--wait", "-q"]).code))
            .collect();
        runs.into_iter()
            .map(|run| run.join().expect("it runs"))
            .collect()
    });

    assert_eq!(codes, [Some(0); 4]);
    let mut inside = 0;
    for event in office.served.events.all() {
        match event {
            Event::SignedIn { .. } => inside += 1,
            Event::Quit { .. } => inside -= 1,
            _ => {}
        }
        assert!(inside <= 1, "two sessions at once");
    }
    for person in &people {
        assert_eq!(person.subjects().len(), 20);
    }
    assert_nothing_was_taken(&office);
}

#[test]
fn the_readers_own_screens_share_a_mailbox_too() {
    use crate::support::pty::{ORDINARY, Terminal};

    let office = exclusive();
    office.scratch.deliver(&mail("for both"));
    let (ana, tom) = (eager(&office), eager(&office));
    let mut anas = Terminal::open(&ana, ORDINARY, &[]);
    let mut toms = Terminal::open(&tom, ORDINARY, &[]);
    anas.wait_for("for both");
    toms.wait_for("for both");

    anas.press("\r");
    anas.wait_for("This is about: for both.");
    office.deliver("one more");
    toms.wait_for("1 new above");
    toms.press("g");
    toms.wait_for("one more");
    anas.wait_for("1 more unread");
    anas.press("Q");
    toms.press("q");
    let left = [anas.leave(), toms.leave()];

    assert_eq!(left.map(|left| left.code), [0, 0]);
    assert_eq!((ana.found("is:unread"), tom.found("is:unread")), (1, 2));
    assert_nothing_was_taken(&office);
}

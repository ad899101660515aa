//! The program in a real pseudo terminal: what it draws, what keys do, and that the terminal comes
//! back in order however the program ends.
//!
//! What each screen looks like is in `screens.rs`; here a few words of it are enough.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use rustix::process::Signal;
use tidings::{app::terminal, notice::guard, server::events::Fault};

use crate::support::{
    office::{Office, mail},
    program::{PROGRAM, Person, eventually, mailbox},
    pty::{Left, ORDINARY, Terminal, WIDE},
    scratch::Scratch,
};

/// A server with the team's mailbox, and somebody who has checked it once.
fn checked() -> (Office, Person) {
    let office = Office::of_team();
    let person = Person::reading(office.address());
    person.run(&["check"]).expect(0);
    (office, person)
}

/// The reader with its list on the screen.
fn opened(person: &Person, size: (u16, u16)) -> Terminal {
    let terminal = Terminal::open(person, size, &[]);
    terminal.wait_for("ok · checked");
    terminal
}

#[track_caller]
fn assert_left(left: Left, code: u32) {
    assert_eq!(left.code, code, "{}", left.screen.contents());
    left.is_in_order();
}

/// The row of the list in which the cursor is.
fn selected(screen: &vt100::Screen) -> String {
    let (_, columns) = screen.size();
    let rows = screen.rows(0, columns);
    rows.into_iter()
        .find(|row| row.starts_with('>'))
        .unwrap_or_default()
}

// ---- beginning ----

#[test]
fn the_demo_opens_and_a_notice_arrives() {
    let person = Person::new();
    let mut terminal = Terminal::open(&person, WIDE, &["demo", "--seed", "1", "--pace", "20"]);

    terminal.wait_for("DEMO");
    terminal.wait_for("0 deleted");
    terminal.wait_for("your turn");
    terminal.press("q");

    assert_left(terminal.leave(), 0);
    for folder in ["home", "tmp", "run"] {
        assert_eq!(person.files(folder), Vec::<String>::new(), "in {folder}");
    }
}

#[test]
fn a_demo_that_serves_lets_another_terminal_join() {
    let person = Person::new();
    let serving = Terminal::open(&person, ORDINARY, &["demo", "--serve", "--pace", "20"]);
    serving.wait_for("password ");

    let mut joined = Terminal::open(&person, ORDINARY, &["--demo-as", "ana"]);
    joined.wait_for("ok · checked");
    joined.press("q");
    let joined = joined.leave();
    serving.signal(Signal::TERM);
    let served = serving.leave();

    assert_left(joined, 0);
    assert_eq!(served.code, 0, "{}", served.screen.contents());
    assert_eq!(person.files("tmp"), Vec::<String>::new());
}

#[test]
fn the_saved_list_is_there_though_nobody_answers() {
    let (office, person) = checked();
    office.set_fault(Fault::Hang);

    let mut terminal = Terminal::open(&person, ORDINARY, &[]);
    let screen = terminal.wait_for("Disk usage build-02 91%");
    terminal.press("\r");
    terminal.wait_for("/dev/sda1   91%   /var/lib/build");
    terminal.press("Q");

    assert!(screen.contains("Fire drill Thursday 11:00"), "{screen}");
    assert_left(terminal.leave(), 0);
}

#[test]
fn a_server_that_is_away_is_said_and_the_list_stays_usable() {
    let (office, person) = checked();
    office.set_fault(Fault::Refuse);

    let mut terminal = Terminal::open(&person, ORDINARY, &[]);
    let screen = terminal.wait_for("offline since");
    office.set_fault(Fault::None);
    terminal.press("r");
    terminal.wait_for("online again");
    terminal.press("q");

    assert!(screen.contains("showing saved notices"), "{screen}");
    assert!(screen.contains("Disk usage build-02 91%"), "{screen}");
    assert_left(terminal.leave(), 0);
}

#[test]
fn without_settings_the_setup_opens_and_esc_saves_nothing() {
    let person = Person::new();
    let mut terminal = Terminal::open(&person, ORDINARY, &[]);

    terminal.wait_for("Connect to your team's notices mailbox");
    terminal.press("\x1b");

    assert_left(terminal.leave(), 0);
    assert_eq!(person.files("home"), Vec::<String>::new());
}

#[test]
fn the_setup_tests_and_saves_and_opens_the_mailbox() {
    let office = Office::of_team();
    let person = Person::new();
    let port = office.address().port().to_string();
    let arguments = [
        "setup",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--tls",
        "none",
        "--user",
        "notices",
    ];
    let mut terminal = Terminal::open(&person, ORDINARY, &arguments);

    terminal.wait_for("Connect to your team's notices mailbox");
    terminal.press("sesame");
    terminal.wait_for("keeps what people read (no expiry announced)");
    terminal.press("\r");
    terminal.wait_for("Step 2 of 2");
    terminal.press("\r");
    terminal.wait_for("Disk usage build-02 91%");
    terminal.press("Q");
    let left = terminal.leave();

    assert!(!left.text().contains("sesame"));
    let settings = person.path("home/.config/tidings/tidings.toml");
    let settings = fs::read_to_string(settings).expect("settings");
    assert!(settings.contains("name = \"notices\""), "{settings}");
    assert!(!settings.contains("sesame"), "{settings}");
    assert_left(left, 0);
}

#[test]
fn a_mailbox_may_be_named() {
    let (first, second) = (Office::empty(), Office::empty());
    first.deliver("of the first");
    second.deliver("of the second");
    let settings = mailbox("one", first.address()) + &mailbox("two", second.address());
    let person = Person::with_settings(&settings);

    let mut terminal = Terminal::open(&person, ORDINARY, &["two"]);
    terminal.wait_for("of the second");
    terminal.press("1");
    terminal.wait_for("of the first");
    terminal.press("q");

    assert_left(terminal.leave(), 0);
}

#[test]
fn a_name_that_no_mailbox_has_never_takes_the_terminal() {
    let (_office, person) = checked();

    let left = Terminal::open(&person, ORDINARY, &["nobody"]).leave();

    assert!(left.text().contains("no mailbox is named `nobody`"));
    // Colours, and nothing that steers the screen.
    let colours = regex::Regex::new("\u{1b}\\[[0-9;]*m").expect("a pattern");
    let text = colours.replace_all(&left.text(), "").into_owned();
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert_left(left, 2);
}

#[test]
fn ids_that_begin_alike_are_listed_whole() {
    let office = Office::empty();
    for _ in 0..2 {
        office.scratch.deliver(b"");
    }
    let person = Person::reading(office.address());
    person.run(&["check"]).expect(0);

    let piped = person.run(&["list"]).expect_quiet();
    let shown = Terminal::open(&person, ORDINARY, &["list"]).leave().text();

    let ids: Vec<&str> = piped.rows().iter().map(|row| row[0]).collect();
    assert!(
        ids[0].starts_with(ids[1]) || ids[1].starts_with(ids[0]),
        "{ids:?}"
    );
    for id in ids {
        assert!(shown.contains(&format!("{id} ")), "{shown}");
    }
}

// ---- keys ----

#[test]
fn j_and_k_move_the_cursor() {
    let (_office, person) = checked();
    let mut terminal = opened(&person, ORDINARY);

    terminal.press("jj");
    terminal.wait_until("the third row", |screen| {
        selected(screen).contains("Deploy #1224")
    });
    terminal.press("k");
    terminal.wait_until("the second row", |screen| {
        selected(screen).contains("A very long")
    });
    terminal.press("G");
    terminal.wait_until("the last row", |screen| {
        selected(screen).contains("Fire drill")
    });
    terminal.press("jg");
    terminal.wait_until("the first row", |screen| {
        selected(screen).contains("Disk usage")
    });

    terminal.press("q");
    assert_left(terminal.leave(), 0);
}

#[test]
fn enter_reads_and_the_mark_is_saved_before_anybody_quits() {
    let (_office, person) = checked();
    let mut terminal = opened(&person, ORDINARY);

    terminal.press("\r");
    terminal.wait_for("/dev/sda1   91%   /var/lib/build");
    terminal.press("q");
    terminal.wait_for("6 unread");

    eventually("the mark in the cache", || {
        person.found("is:read disk") == 1
    });
    terminal.press("q");
    assert_left(terminal.leave(), 0);
}

#[test]
fn space_reads_everything() {
    let (_office, person) = checked();
    let mut terminal = opened(&person, ORDINARY);

    for text in [
        "/var/lib/build",
        "Short text.",
        "the run [1]",
        "停電は11月25日です。",
    ] {
        terminal.press(" ");
        terminal.wait_for(text);
    }
    terminal.press("Q");

    assert_left(terminal.leave(), 0);
    assert_eq!(person.found("is:read"), 4);
}

#[test]
fn slash_searches_as_one_types_and_esc_brings_the_list_back() {
    let (_office, person) = checked();
    let mut terminal = opened(&person, ORDINARY);

    terminal.press("/stairwell");
    terminal.wait_for("1 of 7");
    terminal.press("\r");
    terminal.wait_until("the match", |screen| {
        selected(screen).contains("Fire drill")
    });
    terminal.press("\x1b");
    terminal.wait_for("Disk usage build-02 91%");

    terminal.press("q");
    assert_left(terminal.leave(), 0);
}

#[test]
fn help_and_commands_open_and_close() {
    let (_office, person) = checked();
    let mut terminal = opened(&person, ORDINARY);

    terminal.press("?");
    terminal.wait_for("tidings is read-only: the shared mailbox is never changed.");
    terminal.press("\x1b");
    terminal.wait_for_no("Type to filter");
    terminal.press(":mark all");
    terminal.wait_for("mark all read");
    terminal.press("\x1b");
    terminal.wait_for_no("mark all read");

    terminal.press("q");
    assert_left(terminal.leave(), 0);
}

#[test]
fn the_key_that_deletes_elsewhere_says_that_nothing_is_deleted() {
    let (office, person) = checked();
    let mut terminal = opened(&person, ORDINARY);

    terminal.press("d");
    terminal.wait_for("nothing is deleted in tidings");
    terminal.press("q");

    assert_left(terminal.leave(), 0);
    assert_eq!(office.heard("DELE"), 0);
}

#[test]
fn a_new_notice_arrives_above_and_the_cursor_stays() {
    let (office, person) = checked();
    let mut terminal = opened(&person, ORDINARY);
    terminal.press("jj");
    terminal.wait_until("the third row", |screen| {
        selected(screen).contains("Deploy #1224")
    });

    office.deliver("Coffee machine is back");
    terminal.press("r");
    terminal.wait_for("8 on server");

    assert!(selected(&terminal.screen()).contains("Deploy #1224"));
    assert_eq!(person.found("coffee"), 1);
    terminal.press("q");
    assert_left(terminal.leave(), 0);
}

#[test]
fn pasted_text_is_typed_and_never_obeyed() {
    let (_office, person) = checked();
    let mut terminal = opened(&person, ORDINARY);

    terminal.press("/\x1b[200~drill\rQ\x1b[201~");
    terminal.wait_for("Search: drillQ");

    terminal.press("\x1b");
    terminal.wait_for_no("Search:");
    terminal.press("Q");
    assert_left(terminal.leave(), 0);
}

#[test]
fn bytes_that_are_no_keys_harm_nothing() {
    let (_office, person) = checked();
    let mut terminal = opened(&person, ORDINARY);

    terminal.press("\x1b[999;999;999x\x1b]0;x\x07\u{9b}31m\u{fffd}\x1bO\x1b[<0;500;500M");
    terminal.press("\x1b\x1b\x1b");
    terminal.press("g");
    terminal.wait_until("the list", |screen| selected(screen).contains("Disk usage"));
    terminal.press("Q");

    assert_left(terminal.leave(), 0);
}

// ---- sizes ----

#[test]
fn every_size_is_drawn_and_state_is_kept() {
    let (_office, person) = checked();
    let mut terminal = opened(&person, WIDE);
    terminal.press("j");
    terminal.wait_until("the second row", |screen| {
        selected(screen).contains("A very long")
    });

    for (size, words) in [
        ((80, 24), "q quit"),
        ((40, 15), "? help"),
        ((30, 8), ">"),
        ((22, 6), "now 22x6"),
        ((10, 3), "t"),
        ((1, 1), ""),
        ((300, 100), "read-only: nothing is ever deleted"),
    ] {
        terminal.resize(size);
        terminal.wait_for(words);
    }

    terminal.wait_until("the second row", |screen| {
        selected(screen).contains("A very long")
    });
    terminal.press("q");
    assert_left(terminal.leave(), 0);
}

#[test]
fn a_terminal_of_10_by_3_does_no_harm() {
    let (_office, person) = checked();
    let mut terminal = Terminal::open(&person, (10, 3), &[]);

    terminal.wait_until("a word", |screen| !screen.contents().trim().is_empty());
    terminal.press("j\r /x\r:");
    terminal.press("\x03");

    assert_left(terminal.leave(), 0);
}

#[test]
fn a_setup_and_a_demo_of_10_by_3_do_no_harm() {
    let person = Person::new();
    for arguments in [&[][..], &["demo", "--pace", "50"]] {
        let mut terminal = Terminal::open(&person, (10, 3), arguments);
        terminal.wait_until("a word", |screen| !screen.contents().trim().is_empty());
        terminal.press("\x03");
        assert_left(terminal.leave(), 0);
    }
}

// ---- ending ----

#[test]
fn ctrl_c_quits() {
    let (_office, person) = checked();
    let mut terminal = opened(&person, ORDINARY);

    terminal.press("\x03");

    assert_left(terminal.leave(), 0);
}

#[test]
fn quitting_does_not_wait_for_a_server_that_hangs() {
    let (office, person) = checked();
    office.set_fault(Fault::Hang);
    let mut terminal = Terminal::open(&person, ORDINARY, &[]);
    terminal.wait_for("Disk usage");

    let began = std::time::Instant::now();
    terminal.press("q");
    let left = terminal.leave();

    assert!(began.elapsed() < tidings::client::QUIT_TIMEOUT * 2);
    assert_left(left, 0);
}

#[test]
fn sigterm_and_sighup_give_the_terminal_back() {
    let (office, person) = checked();

    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let terminal = opened(&person, ORDINARY);
        terminal.signal(signal);
        assert_left(terminal.leave(), code);
    }

    // The sessions were ended politely.
    office.rest();
    assert_eq!(office.heard("QUIT"), 3);
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    let (_office, person) = checked();
    let shell = Path::new("/bin/bash");
    let mut terminal =
        Terminal::of_program(&person, ORDINARY, shell, &["--norc", "--noprofile", "-i"]);
    terminal.press("PS1='ready> '\r");
    terminal.wait_for("\nready> ");
    let settings = person.settings().display().to_string();
    terminal.press(&format!("clear; {PROGRAM} --config {settings}\r"));
    terminal.wait_for("ok · checked");
    terminal.press("j");
    terminal.wait_until("the second row", |screen| {
        selected(screen).contains("A very long")
    });

    terminal.press("\x1a");
    terminal.wait_for("Stopped");
    let stopped = terminal.screen();
    terminal.press("stty -a\r");
    let line = terminal.wait_for(" icanon");
    terminal.press("fg\r");
    terminal.wait_until("the second row", |screen| {
        screen.alternate_screen() && selected(screen).contains("A very long")
    });
    terminal.press("q");
    terminal.wait_until("the shell", |screen| !screen.alternate_screen());
    terminal.press("echo ended with $?\r");
    terminal.wait_for("\nended with 0");

    assert!(!stopped.alternate_screen() && !stopped.hide_cursor());
    assert!(line.contains(" echo "), "{line}");
    terminal.press("exit\r");
    assert_left(terminal.leave(), 0);
}

#[test]
fn marks_that_cannot_be_saved_are_kept_in_memory_and_said_at_the_end() {
    let (office, person) = checked();
    office.set_fault(Fault::Refuse);
    let forbid = "CREATE TRIGGER forbid BEFORE UPDATE OF starred ON notice \
                  BEGIN SELECT RAISE(FAIL, 'no room'); END";
    rusqlite::Connection::open(person.cache_path())
        .and_then(|direct| direct.execute_batch(forbid))
        .expect("forbidden");
    let mut terminal = Terminal::open(&person, ORDINARY, &[]);
    terminal.wait_for("Disk usage");

    terminal.press("s");
    terminal.wait_for("marks kept in memory");
    terminal.press("q");
    let left = terminal.leave();

    assert!(
        left.text()
            .contains("marks could not be saved and are lost")
    );
    assert_left(left, 9);
    assert_eq!(person.subjects().len(), 7);
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    let person = Person::new();

    let left = helper(&person, "panics_on_the_screen").leave();

    let text = left.text();
    let back = text
        .rfind("\u{1b}[?1049l")
        .expect("the alternate screen is left");
    let told = text.find("panicked at").expect("the panic is told");
    assert!(back < told, "{text:?}");
    left.is_in_order();
}

#[test]
fn a_panic_over_a_mail_is_caught_and_leaves_the_screen_alone() {
    let person = Person::new();

    let left = helper(&person, "panics_over_a_mail").leave();

    let text = left.text();
    let drawn = text.find("still here").expect("the screen goes on");
    let back = text
        .rfind("\u{1b}[?1049l")
        .expect("the alternate screen is left");
    assert!(drawn < back, "{text:?}");
    assert!(!text.contains("panicked at"), "{text:?}");
    left.is_in_order();
}

/// One of the tests below, in a terminal: they are no tests by themselves.
fn helper(person: &Person, name: &str) -> Terminal {
    let program: PathBuf = std::env::current_exe().expect("this program");
    let name = format!("terminal::{name}");
    Terminal::of_program(
        person,
        ORDINARY,
        &program,
        &["--exact", &name, "--ignored", "--nocapture"],
    )
}

#[test]
#[ignore = "run by a_panic_gives_the_terminal_back_before_it_is_told"]
fn panics_on_the_screen() {
    let _screen = terminal::Screen::take(false).expect("a terminal");
    panic!("as asked for");
}

#[test]
#[ignore = "run by a_panic_over_a_mail_is_caught_and_leaves_the_screen_alone"]
fn panics_over_a_mail() {
    let screen = terminal::Screen::take(false).expect("a terminal");
    let read = guard::without_panic(|| panic!("over a mail"));
    assert!(read.is_none());
    std::io::stdout()
        .write_all(b"still here")
        .expect("a terminal");
    drop(screen);
}

// ---- what goes over the line ----

#[test]
fn hostile_mails_opened_one_after_the_other_send_nothing_but_our_own_drawing() {
    let scratch = Scratch::new();
    let mut names = Vec::new();
    for folder in ["hostile", "own"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/mails")
            .join(folder);
        for entry in fs::read_dir(folder).expect("mails") {
            let path = entry.expect("a mail").path();
            scratch.deliver(&fs::read(&path).expect("a mail"));
            names.push(path);
        }
    }
    for mail in crate::support::hostile::steering() {
        scratch.deliver(&mail.bytes);
        names.push(mail.name.into());
    }
    open_one_after_the_other(scratch, names.len());
}

#[test]
fn costly_mails_opened_one_after_the_other_send_nothing_but_our_own_drawing() {
    let scratch = Scratch::new();
    let mut mails = crate::support::hostile::costly();
    // What is larger is read no other way, and takes its time to be delivered.
    mails.retain(|mail| mail.bytes.len() <= 3_000_000);
    assert!(mails.len() >= 25, "{}", mails.len());
    for mail in &mails {
        scratch.deliver(&mail.bytes);
    }
    open_one_after_the_other(scratch, mails.len());
}

/// Fetches so many mails, and looks at each and at its links and files.
fn open_one_after_the_other(scratch: Scratch, count: usize) {
    let office = Office::over(scratch);
    let person = Person::reading(office.address());
    person.run(&["check"]).expect(0);
    let mut terminal = opened(&person, ORDINARY);

    for opened in 1..=count {
        terminal.press(if opened == 1 { "g\r" } else { "J" });
        terminal.wait_for(&format!("{opened} of {count} · "));
        look_at_files(&mut terminal);
    }
    for _ in 0..count {
        terminal.press("K");
    }
    terminal.press("\x1b[Da\r\x1b[D\x1b[DQ");
    let left = terminal.leave();

    assert_own_drawing(&left.bytes);
    assert_left(left, 0);
}

#[test]
fn the_title_of_the_window_is_set_harmlessly_and_given_back() {
    let office = Office::empty();
    let person = Person::with_settings(&mailbox("not;ices", office.address()));
    office.deliver("one");

    let mut terminal = Terminal::open(&person, ORDINARY, &[]);
    terminal.wait_for("1 on server");
    terminal.press("q");
    let left = terminal.leave();

    assert_own_drawing(&left.bytes);
    let text = left.text();
    assert!(text.contains("\u{1b}[22;0t"), "{text:?}");
    assert!(text.contains("\u{1b}]0;(1) not,ices\u{7}"), "{text:?}");
    assert!(text.contains("\u{1b}[23;0t"), "{text:?}");
}

/// Opens the overlay with the notice's links and files, if it has any, and closes it again.
fn look_at_files(terminal: &mut Terminal) {
    let outcomes = ["Esc close", "no files"];
    terminal.press("v");
    let screen = terminal.wait_until("the files, or that there are none", |screen| {
        outcomes
            .iter()
            .any(|words| screen.contents().contains(words))
    });
    if screen.contains("Esc close") {
        terminal.press("q");
        terminal.wait_for_no("Esc close");
    }
}

/// Takes away what our own drawing consists of; nothing else that steers a terminal may be left.
#[track_caller]
fn assert_own_drawing(bytes: &[u8]) {
    /// Cursor, colours, clearing; the modes that the screen takes and gives back; the title; links.
    const OWN: &str = concat!(
        r"\x1b\[[0-9;]*[Hm]|\x1b\[[0-3]?[JK]|\x1b\[[0-9]*X",
        r"|\x1b\[\?(?:25|1049|2004|2026|1000|1002|1003|1006|1015)[hl]",
        r"|\x1b\[\?1007[hsr]",
        r"|\x1b\[2[23];0t",
        r"|\x1b\]0;[^\x00-\x1f\x7f;]*\x07",
        r"|\x1b\]8;[^\x00-\x1f\x7f;]*;[\x20-\x7e]{0,256}\x1b\\",
    );
    let own = regex::Regex::new(OWN).expect("a pattern");
    let text = std::str::from_utf8(bytes).expect("only text is drawn");
    let rest = own.replace_all(text, "");
    let steers = |c: char| {
        (c.is_control() && !matches!(c, '\r' | '\n'))
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    if let Some(at) = rest.find(steers) {
        let from = rest.floor_char_boundary(at.saturating_sub(60));
        let to = rest.floor_char_boundary(at + 60);
        panic!("not of our own drawing: {:?}", &rest[from..to]);
    }
}

#[test]
fn without_colours_none_are_sent() {
    let (_office, person) = checked();
    let colour = regex::Regex::new(r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7])[;m]");
    let colour = colour.expect("a pattern");

    for (arguments, environment) in [
        (&["--color", "never"][..], &[][..]),
        (&[], &[("NO_COLOR", "1")]),
        (&[], &[("TERM", "dumb")]),
    ] {
        let mut terminal = Terminal::open_with(&person, ORDINARY, arguments, environment);
        terminal.wait_for("ok · checked");
        terminal.press("q");
        let left = terminal.leave();
        let text = left.text();
        let found = colour.find(&text);
        assert_eq!(
            found.map(|found| found.as_str()),
            None,
            "{arguments:?} {environment:?}"
        );
    }
}

#[test]
fn without_utf_8_all_is_ascii() {
    let office = Office::empty();
    office.deliver("plain");
    let person = Person::reading(office.address());

    let mut terminal = Terminal::open_with(&person, ORDINARY, &[], &[("LC_ALL", "C")]);
    terminal.wait_for("plain");
    terminal.wait_for("1 on server");
    terminal.press("q");
    let left = terminal.leave();

    assert!(left.bytes.is_ascii(), "{:?}", left.text());
}

#[test]
fn a_log_never_writes_onto_the_screen() {
    let (_office, person) = checked();
    let mut terminal = Terminal::open(&person, ORDINARY, &["-v"]);

    terminal.wait_for("ok · checked");
    terminal.press("q");
    let left = terminal.leave();

    assert!(!left.text().contains("C: UIDL"), "{:?}", left.text());
    assert_left(left, 0);
}

// ---- commands on a terminal ----

#[test]
fn list_on_a_terminal_is_a_table_cut_to_its_width() {
    let (_office, person) = checked();

    let left = Terminal::open(&person, (60, 24), &["list"]).leave();

    insta::with_settings!({
        snapshot_path => "snapshots/cli",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!("list-on-a-terminal", left.screen.contents());
    });
}

#[test]
fn a_first_check_on_a_terminal_leaves_no_trace_of_its_progress() {
    let office = Office::of_team();
    let person = Person::reading(office.address());

    let left = Terminal::open(&person, ORDINARY, &["check"]).leave();

    let contents = left.screen.contents();
    assert!(
        contents.starts_with("mailbox  result  new  on server"),
        "{contents}"
    );
    assert_eq!(contents.trim_end().lines().count(), 2, "{contents}");
    assert_left(left, 0);
}

#[test]
fn a_long_notice_goes_through_the_pager() {
    let office = Office::empty();
    let mut long = mail("long");
    (0..100).for_each(|line| long.extend_from_slice(format!("> line {line}\r\n").as_bytes()));
    office.scratch.deliver(&long);
    let person = Person::reading(office.address());
    person.run(&["check"]).expect(0);
    let id = person.run(&["list"]).rows()[0][0].to_owned();

    let left =
        Terminal::open_with(&person, ORDINARY, &["show", &id], &[("PAGER", "tail -n 1")]).leave();

    assert!(
        left.screen.contents().contains("line 99"),
        "{}",
        left.screen.contents()
    );
    assert!(
        !left.screen.contents().contains("line 98"),
        "{}",
        left.screen.contents()
    );
    assert_left(left, 0);
}

#[test]
fn the_reader_asks_at_its_start_for_a_password_that_nobody_else_knows() {
    let office = Office::of_team();
    let settings = mailbox("notices", office.address());
    let person =
        Person::with_settings(&settings.replace("password_env = \"TIDINGS_TEST_PASSWORD\"\n", ""));
    let mut terminal = Terminal::open(&person, ORDINARY, &[]);

    terminal.wait_for("Password");
    terminal.wait_for("no password · p type password");
    terminal.press("sesame\r");
    terminal.wait_for("Disk usage build-02 91%");
    terminal.press("Q");
    let left = terminal.leave();

    assert!(!left.text().contains("sesame"), "{:?}", left.text());
    assert_left(left, 0);
}

#[test]
fn a_password_is_asked_for_and_never_shown() {
    let office = Office::of_team();
    let settings = mailbox("notices", office.address());
    let person =
        Person::with_settings(&settings.replace("password_env = \"TIDINGS_TEST_PASSWORD\"\n", ""));
    let mut terminal = Terminal::open(&person, ORDINARY, &["check"]);

    terminal.wait_for("Password of notices at 127.0.0.1:");
    terminal.wait_for_silence();
    terminal.press("sesame\r");
    let left = terminal.leave();

    assert!(!left.text().contains("sesame"), "{:?}", left.text());
    assert_left(left, 0);
    assert_eq!(person.subjects().len(), 7);
}

#[test]
fn a_correction_a_table_and_a_picture_are_shown() {
    let scratch = Scratch::new();
    let send = |number: u32, subject: &str, rest: &str| {
        scratch.deliver(
            format!(
                "From: Facilities <fac@team.example>\r\nSubject: {subject}\r\nMessage-ID: <{number}@team.example>\r\n\
                 Date: Mon, 23 Nov 2026 1{number}:00:00 +0000\r\n{rest}"
            )
            .as_bytes(),
        );
    };
    send(0, "Fire drill", "\r\nOn Friday at 11:00.\r\n");
    send(1, "Correction: Fire drill", "\r\nOn Friday at 10:00.\r\n");
    let picture = picture();
    send(
        2,
        "Map",
        &format!(
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee below.\r\n\
             --b\r\nContent-Type: text/csv; name=hosts.csv\r\n\r\nhost,owner\r\nbuild-01,Priya\r\n\
             --b\r\nContent-Type: image/png; name=map.png\r\nContent-Transfer-Encoding: base64\r\n\r\n{picture}\r\n--b--\r\n"
        ),
    );
    let office = Office::over(scratch);
    let person = Person::reading(office.address());
    person.run(&["check"]).expect(0);
    let mut terminal = opened(&person, ORDINARY);

    terminal.press("gj\r");
    terminal.wait_for("Stands in the place of an earlier notice");
    terminal.press("=");
    terminal.wait_for("+ On Friday at 10:00.");
    terminal.press("q");
    terminal.wait_for_no("+ On Friday");
    terminal.press("K");
    terminal.wait_for("See below.");
    terminal.press("v\r");
    terminal.wait_for("build-01  Priya");
    terminal.press("q");
    terminal.wait_for("See below.");
    terminal.press("i");
    terminal.wait_for("40 x 40 pixels");
    terminal.press("Q");
    let left = terminal.leave();

    assert_own_drawing(&left.bytes);
    assert_left(left, 0);
}

#[test]
fn a_picture_that_belongs_into_a_text_is_shown_by_the_protocol_that_was_set() {
    let scratch = Scratch::new();
    scratch.deliver(
        format!(
            "From: Facilities <fac@team.example>\r\nSubject: Map\r\nMessage-ID: <1@team.example>\r\n\
             Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n\
             <p>The way out: <img alt=map src='cid:m'></p>\r\n--b\r\nContent-Type: image/png; name=map.png\r\n\
             Content-ID: <m>\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
            picture()
        )
        .as_bytes(),
    );
    let office = Office::over(scratch);
    for (kind, begins) in [
        ("kitty", "\x1b_G"),
        ("iterm", "\x1b]1337;File="),
        ("sixel", "\x1bP"),
        ("blocks", ";2;0;0;0m"),
    ] {
        let screen = format!("\n[screen]\nimages = \"{kind}\"\nimages_inline = true\n");
        let person = Person::with_settings(&(mailbox("notices", office.address()) + &screen));
        let mut terminal = opened(&person, ORDINARY);

        terminal.press("\r");
        terminal.wait_for("The way out:");
        terminal.wait_for("map.png");
        terminal.press("Q");
        let left = terminal.leave();
        assert!(left.text().contains(begins), "{kind}: {:?}", left.text());
        assert_left(left, 0);
    }
}

/// A picture in base64.
fn picture() -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(40, 40)
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("a picture");
    STANDARD.encode(bytes.into_inner())
}

//! Caches that are damaged, foreign, full or out of reach.

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    process::Command,
};

use rusqlite::Connection;

use crate::support::{
    office::{Office, mail},
    program::{PROGRAM, Person, mailbox},
};

/// Somebody who has checked the team's mailbox, read the oldest notice and starred the newest.
fn marked() -> (Office, Person) {
    let office = Office::of_team();
    let person = Person::reading(office.address());
    person.run(&["check"]).expect(0);
    person.run(&["next", "-q"]).expect(0);
    let newest = person.run(&["list"]).rows()[0][0].to_owned();
    person.run(&["mark", "star", &newest]).expect(0);
    (office, person)
}

/// All seven are there, and the marks as they were.
#[track_caller]
fn assert_whole(person: &Person) {
    assert_eq!(person.subjects().len(), 7);
    assert_eq!(person.found("is:read \"fire drill\""), 1);
    assert_eq!(person.found("is:starred disk"), 1);
    assert_eq!(person.found("is:read"), 1);
}

fn overwrite(person: &Person, from: u64, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .open(person.cache_path())
        .expect("the cache");
    file.seek(SeekFrom::Start(from)).expect("a place in it");
    file.write_all(bytes).expect("damage");
}

fn damaged_files(person: &Person) -> usize {
    let files = person.files("data");
    files
        .iter()
        .filter(|name| {
            name.contains(".db.damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm")
        })
        .count()
}

#[test]
fn a_cache_whose_beginning_is_junk_is_moved_aside_and_built_anew() {
    let (_office, person) = marked();
    overwrite(&person, 0, &[0x5a; 4096]);

    let listed = person.run(&["list"]).expect(0);
    person.run(&["check"]).expect(0);

    assert!(
        listed
            .stderr
            .starts_with("tidings: the saved notices of notices were damaged: moved to ~/data/"),
        "{listed}"
    );
    // Of such a file nothing can be read, and nobody is told otherwise.
    let told = "its marks could not be read, the notices are fetched anew";
    assert!(listed.stderr.contains(told), "{listed}");
    assert_eq!(person.subjects().len(), 7);
    assert_eq!(damaged_files(&person), 1);
}

#[test]
fn a_cache_that_is_torn_off_keeps_what_can_be_read_of_its_marks() {
    let (_office, person) = marked();
    let whole = fs::metadata(person.cache_path()).expect("the cache").len();
    let file = fs::OpenOptions::new()
        .write(true)
        .open(person.cache_path())
        .expect("the cache");
    file.set_len(whole / 2).expect("damage");

    for _ in 0..2 {
        person.run(&["check"]).expect(0);
    }

    assert_eq!(person.subjects().len(), 7);
    assert_eq!(damaged_files(&person), 1);
}

#[test]
fn damage_that_a_check_does_not_look_at_is_mended_by_it_all_the_same() {
    let (_office, person) = marked();
    let page = page_of(&person, "notice_by_change");
    overwrite(&person, page.start, &vec![0; page.size]);

    // Nothing has come, so that a visit reads next to nothing of the cache.
    let checked = person.run(&["check"]).expect(0);
    assert!(
        checked
            .stderr
            .contains("the saved notices were damaged: moved to"),
        "{checked}"
    );
    assert_whole(&person);
}

#[test]
fn a_mail_whose_pages_are_junk_comes_again_and_the_marks_stay() {
    let (_office, person) = marked();
    let page = page_of_mails(&person);
    overwrite(&person, page.start, &vec![0x5a; page.size]);

    let shown = person.run(&["next"]);
    person.run(&["check"]).expect(0);
    let again = person.run(&["next"]).expect(0);

    assert_eq!(shown.code, Some(9), "{shown}");
    assert!(shown.stderr.contains("are damaged"), "{shown}");
    assert!(
        again.stdout.contains("The build cluster is down"),
        "{again}"
    );
    assert_eq!(person.subjects().len(), 7);
    assert_eq!(person.found("is:starred disk"), 1);
}

/// A page of a cache file.
struct Page {
    start: u64,
    size: usize,
}

/// The page on which the table of the mails begins.
fn page_of_mails(person: &Person) -> Page {
    page_of(person, "mail")
}

/// The page on which a table or an index begins.
fn page_of(person: &Person, name: &str) -> Page {
    let connection = Connection::open(person.cache_path()).expect("the cache");
    let (number, size): (u32, u32) = connection
        .query_row(
            "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = ?1",
            [name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .expect("a table or an index");
    Page {
        start: u64::from(number - 1) * u64::from(size),
        size: size as usize,
    }
}

#[test]
fn what_is_saved_can_be_read_where_no_file_may_grow() {
    let (_office, person) = marked();
    let no_room = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::new("sh");
        command
            .env_clear()
            .envs(person.environment())
            .args([
                "-c",
                "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"",
                PROGRAM,
            ])
            .arg("--config")
            .arg(person.settings())
            .args(arguments);
        person.finish(command)
    };

    let listed = no_room(&["list"]).expect(0);
    let counted = no_room(&["count", "--format", "{starred}"]).expect(0);
    let marked = no_room(&["mark", "read", "--all"]).expect(9);

    assert_eq!(listed.rows().len(), 7, "{listed}");
    assert_eq!(counted.stdout, "1\n");
    assert!(marked.stderr.contains("disk full"), "{marked}");
}

#[test]
fn a_file_of_another_program_is_moved_aside() {
    let office = Office::of_team();
    let person = Person::reading(office.address());
    fs::create_dir(person.data()).expect("a folder");
    let foreign = Connection::open(person.cache_path()).expect("a database");
    foreign
        .execute_batch("CREATE TABLE bookmarks (url TEXT); PRAGMA user_version = 7;")
        .expect("a table");
    drop(foreign);

    person.run(&["check"]).expect(0);

    assert_eq!(person.subjects().len(), 7);
    assert_eq!(damaged_files(&person), 1);
}

#[test]
fn a_cache_of_a_newer_version_is_left_as_it_is() {
    let (_office, person) = marked();
    let connection = Connection::open(person.cache_path()).expect("the cache");
    let version: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .expect("a version");
    connection
        .execute_batch("PRAGMA user_version = 99")
        .expect("a version");
    drop(connection);

    let ran = person.run(&["list"]).expect(9);
    let check = person.run(&["check"]).expect(9);

    assert!(
        ran.stderr
            .contains("was written by a newer tidings (schema 99"),
        "{ran}"
    );
    assert!(check.stdout.contains("cannot save"), "{check}");
    let connection = Connection::open(person.cache_path()).expect("the cache");
    connection
        .execute_batch(&format!("PRAGMA user_version = {version}"))
        .expect("a version");
    drop(connection);
    assert_whole(&person);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let office = Office::of_team();
    let person = Person::new();
    let settings = format!(
        "data_dir = \"/proc/tidings\"\n{}",
        mailbox("notices", office.address())
    );
    fs::write(person.settings(), settings).expect("settings");

    let check = person.run(&["check"]).expect(9);
    let list = person.run(&["list"]).expect(9);
    let count = person.run(&["count"]).expect(9);

    let words = "cannot make the folder /proc/tidings: No such file or directory (os error 2)";
    assert_eq!(
        check.stderr,
        format!(
            "tidings: cannot check notices: {words}\n         nothing that was saved is lost\n"
        )
    );
    assert_eq!(list.stderr, format!("tidings: {words}\n"));
    assert_eq!(count.stderr, list.stderr);
    assert_eq!(office.heard("PASS"), 0);
}

#[test]
fn a_folder_where_nothing_can_be_saved_is_named() {
    let (_office, person) = marked();
    let id = person.run(&["list"]).rows()[0][0].to_owned();

    let ran = person
        .run(&["save", &id, "--to", "/proc/tidings"])
        .expect(9);

    assert!(
        ran.stderr
            .starts_with("tidings: cannot save Disk usage build-02 91%.eml in /proc/tidings: "),
        "{ran}"
    );
}

/// Runs a check whose files may not grow beyond so many blocks of 512 octets, as on a full disk.
fn check_within(person: &Person, blocks: u64) -> crate::support::program::Ran {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    let mut command = assert_cmd::Command::new("sh");
    command
        .env_clear()
        .envs(person.environment())
        .args(["-c", &script, "sh", PROGRAM, "check", "--config"])
        .arg(person.settings());
    person.finish(command)
}

#[test]
fn a_disk_that_runs_full_loses_nothing_that_was_saved() {
    let (office, person) = marked();
    let text = "A line of a long notice, as they are.\r\n".repeat(4_000);
    for number in 0..10 {
        let mut long = mail(&format!("long {number}"));
        long.extend_from_slice(text.as_bytes());
        office.scratch.deliver(&long);
    }
    let size = fs::metadata(person.cache_path()).expect("the cache").len();

    let ran = check_within(&person, size / 512 + 400).expect(9);
    let between = person.subjects().len();
    let marks = (person.found("is:read"), person.found("is:starred disk"));
    person.run(&["check"]).expect(0);

    assert!(
        ran.stderr
            .starts_with("tidings: cannot check notices: cannot "),
        "{ran}"
    );
    assert!(
        ran.stderr.ends_with("nothing that was saved is lost\n"),
        "{ran}"
    );
    assert!((7..17).contains(&between), "{between}");
    assert_eq!(marks, (1, 1));
    assert_eq!(person.subjects().len(), 17);
    assert_eq!(person.found("is:read"), 1);
}

#[test]
fn a_full_disk_is_called_so() {
    let (office, person) = marked();
    let text = "A line of a long notice, as they are.\r\n".repeat(40_000);
    let mut long = mail("long");
    long.extend_from_slice(text.as_bytes());
    office.scratch.deliver(&long);
    // A file system of one's own needs a mount namespace, which not every machine grants.
    let small = person.path("small");
    fs::create_dir(&small).expect("a folder");
    let script =
        "mount -t tmpfs -o size=1m none \"$0\" && cp \"$1\"/* \"$0\" && shift && exec \"$@\"";
    let settings = fs::read_to_string(person.settings()).expect("settings");
    let elsewhere = settings.replace(
        &person.data().display().to_string(),
        &small.display().to_string(),
    );
    fs::write(person.settings(), elsewhere).expect("settings");
    let mut command = assert_cmd::Command::new("unshare");
    command
        .env_clear()
        .envs(person.environment())
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(&small)
        .arg(person.data())
        .args([PROGRAM, "check", "--config"])
        .arg(person.settings());

    let ran = person.finish(command);

    if !ran.stderr.starts_with("tidings") {
        crate::support::peer::skipped("mount namespace");
        return;
    }
    let ran = ran.expect(9);
    assert!(ran.stderr.contains(": disk full\n"), "{ran}");
}

#[test]
fn a_cache_that_another_program_holds_is_waited_for() {
    let (office, person) = marked();
    office.deliver("new");
    let mut holder = Connection::open(person.cache_path()).expect("the cache");
    let held = holder.transaction().expect("a transaction");
    held.execute("UPDATE state SET value = value", [])
        .expect("a lock");

    let ran = std::thread::scope(|scope| {
        let run = scope.spawn(|| person.run(&["check"]));
        office.wait_for(|event| matches!(event, tidings::server::events::Event::Listed { .. }));
        held.commit().expect("a commit");
        run.join().expect("it runs")
    });

    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(person.subjects().len(), 8);
}

#[test]
fn two_programs_on_one_cache_lose_nothing() {
    let office = Office::empty();
    (0..60).for_each(|number| office.deliver(&format!("notice {number}")));
    let person = Person::reading(office.address());

    let codes: Vec<Option<i32>> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    Command::new(PROGRAM)
                        .env_clear()
                        .envs(person.environment())
                        .args(["check", "-q", "--config"])
                        .arg(person.settings())
                        .status()
                        .expect("it runs")
                        .code()
                })
            })
            .collect();
        runs.into_iter()
            .map(|run| run.join().expect("it runs"))
            .collect()
    });

    assert_eq!(codes, [Some(0); 3]);
    let mut subjects = person.subjects();
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 60);
    assert_eq!(person.subjects().len(), 60);
}

#[test]
fn a_cache_that_may_not_be_written_is_read_all_the_same() {
    let (_office, person) = marked();
    // A file system of one's own needs a mount namespace, which not every machine grants.
    let fixed = person.path("fixed");
    fs::create_dir(&fixed).expect("a folder");
    let script = "mount -t tmpfs none \"$0\" && cp \"$1\"/* \"$0\" && rm -f \"$0\"/*-shm \
                  && mount -o remount,ro \"$0\" && shift && \"$@\" list && \"$@\" mark read --all";
    let settings = fs::read_to_string(person.settings()).expect("settings");
    let elsewhere = settings.replace(
        &person.data().display().to_string(),
        &fixed.display().to_string(),
    );
    fs::write(person.settings(), elsewhere).expect("settings");
    // All of it in the one file, as a program leaves it that had it to itself.
    let cache = fs::read_dir(person.data())
        .expect("the folder")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "db"))
        .expect("a cache");
    Connection::open(cache)
        .and_then(|direct| direct.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"))
        .expect("folded back");
    let mut command = assert_cmd::Command::new("unshare");
    command
        .env_clear()
        .envs(person.environment())
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(&fixed)
        .arg(person.data())
        .args([PROGRAM, "--config"])
        .arg(person.settings());

    let ran = person.finish(command);

    if ran.stdout.is_empty() && !ran.stderr.starts_with("tidings") {
        crate::support::peer::skipped("mount namespace");
        return;
    }
    assert_eq!(ran.code, Some(9), "{ran}");
    assert!(ran.stdout.contains("Disk usage build-02"), "{ran}");
    assert!(ran.stderr.contains("it may not be written"), "{ran}");
}

//! `list`, `search` and `count`: what is saved, without the network.

use serde_json::{Value, json};
use tidings::server::events::Fault;

use super::{assert_told, checked, id_of, ids};
use crate::support::{
    office::Office,
    program::{Person, mailbox},
};

#[test]
fn list_in_a_pipe_is_separated_by_tabs_without_a_header() {
    let (_office, person) = checked();

    let ran = person.run(&["list"]);

    assert_told("list", &ran.expect_quiet());
}

#[test]
fn list_in_json_has_a_schema() {
    let (_office, person) = checked();

    let ran = person.run(&["list", "--json"]);

    assert_told("list-json", &ran.expect_quiet());
}

#[test]
fn list_in_json_lines_is_an_object_a_line() {
    let (_office, person) = checked();

    let ran = person
        .run(&["list", "--json=lines", "-n", "2"])
        .expect_quiet();

    let subjects: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["subject"].clone())
        .collect();
    assert_eq!(subjects.len(), 2);
    assert_eq!(subjects[0], "Disk usage build-02 91%");
}

#[test]
fn list_gives_those_unread_or_starred_if_asked() {
    let (_office, person) = checked();
    let (drill, disk) = (id_of(&person, "Fire drill"), id_of(&person, "Disk usage"));
    person.run(&["mark", "read", "--all"]).expect(0);
    person.run(&["mark", "unread", &drill]).expect(0);
    person.run(&["mark", "star", &disk]).expect(0);

    let unread = person.run(&["list", "--unread"]).expect_quiet();
    let starred = person.run(&["list", "--starred"]).expect_quiet();

    assert_eq!(ids(&unread), [drill]);
    assert_eq!(ids(&starred), [disk]);
}

#[test]
fn list_of_an_empty_cache_is_empty() {
    let office = Office::of_team();
    let person = Person::reading(office.address());

    let tabs = person.run(&["list"]).expect_quiet();
    let json = person.run(&["list", "--json"]).expect_quiet();

    assert_eq!(tabs.stdout, "");
    assert_eq!(json.json(), json!({"schema": 1, "items": []}));
}

#[test]
fn list_puts_several_mailboxes_into_one_order() {
    let (first, second) = (Office::empty(), Office::empty());
    first.deliver("of the first");
    second.deliver("of the second");
    let settings = mailbox("one", first.address()) + &mailbox("two", second.address());
    let person = Person::with_settings(&settings);
    person.run(&["check"]).expect(0);

    let all = person.run(&["list"]).expect_quiet();
    let one = person.run(&["list", "-m", "two"]).expect_quiet();

    assert_eq!(all.rows().len(), 2);
    assert_eq!(one.rows().len(), 1);
    assert_eq!(one.rows()[0][2], "two");
}

#[test]
fn a_mailbox_that_is_not_there_is_wrong_usage() {
    let (_office, person) = checked();

    let ran = person.run(&["list", "-m", "notes"]);

    assert_told("no-such-mailbox", &ran.expect(2));
}

#[test]
fn search_finds_in_sender_subject_text_and_file_names() {
    let (_office, person) = checked();

    let found = |query: &[&str]| {
        let mut arguments = vec!["search", "--"];
        arguments.extend(query);
        let settings = person.settings().display().to_string();
        let mut command = person.bare_command(&["--config", &settings]);
        command.args(arguments);
        person.finish(command).expect_quiet().rows().len()
    };

    assert_eq!(found(&["maint"]), 2);
    assert_eq!(found(&["from:priya", "cluster"]), 1);
    assert_eq!(found(&["stairwell A"]), 1);
    assert_eq!(found(&["\"stairwell A\""]), 1);
    assert_eq!(found(&["停電"]), 1);
    assert_eq!(found(&["has:file"]), 1);
    assert_eq!(found(&["is:important"]), 1);
    assert_eq!(found(&["after:2020-11-05", "-from:people"]), 2);
    assert_eq!(found(&["nothing of the kind"]), 0);
}

#[test]
fn a_query_that_makes_no_sense_is_wrong_usage() {
    let (_office, person) = checked();

    let ran = person.run(&["search", "is:purple"]);

    assert_told("search-wrong", &ran.expect(2));
}

#[test]
fn count_counts_by_mailbox_and_by_format() {
    let (_office, person) = checked();
    person.run(&["next", "-q"]).expect(0);

    let tabs = person.run(&["count"]).expect_quiet();
    let format = person
        .run(&[
            "count",
            "--format",
            "{unread} ({important} important) of {all}",
        ])
        .expect_quiet();
    let json = person.run(&["count", "--json"]).expect_quiet();

    assert_eq!(tabs.stdout, "notices\t7\t6\t1\t0\t0\n");
    assert_eq!(format.stdout, "6 (1 important) of 7\n");
    assert_eq!(
        json.json()["items"],
        json!([{"mailbox": "notices", "all": 7, "unread": 6, "important": 1, "starred": 0, "withdrawn": 0}])
    );
}

#[test]
fn a_format_keeps_braces_that_name_nothing_and_refuses_a_count_that_there_is_not() {
    let (_office, person) = checked();

    let bar = person.run(&["count", "--format", r#"{"text": "{unread}"}"#]);
    let misspelt = person.run(&["count", "--format", "{unraed}"]).expect(2);

    assert_eq!(bar.expect_quiet().stdout, "{\"text\": \"7\"}\n");
    assert!(
        misspelt.stderr.contains("there is no count `{unraed}`"),
        "{misspelt}"
    );
}

#[test]
fn count_with_exit_code_tells_of_unread_notices_without_the_network() {
    let (office, person) = checked();
    office.rest();
    let connections = office.heard("QUIT");
    office.set_fault(Fault::Refuse);

    let unread = person.run(&["count", "--exit-code"]);
    person.run(&["mark", "read", "--all"]).expect(0);
    let read = person.run(&["count", "--exit-code"]);

    assert_eq!((unread.code, read.code), (Some(10), Some(0)));
    assert_eq!(office.heard("QUIT"), connections);
}

//! Visits to servers that go wrong in time: silent ones, and ones that drop what was sent ahead.

use std::time::Duration;

use tidings::{
    config::Interval,
    poll::report::Outcome,
};

use crate::support::{mailbox::Reader, script::Script};

/// A reader that does not wait long for an answer.
fn hasty_reader(script: &Script) -> Reader {
    let mut reader = Reader::of(script.port);
    reader.settings.answer_timeout = Interval(Duration::from_millis(300));
    reader
}

fn scripts(scripts: &[&str]) -> Vec<String> {
    scripts.iter().map(|script| (*script).to_owned()).collect()
}

const PIPELINING: &str = "S: +OK ready
C: CAPA
S: +OK
S: TOP
S: UIDL
S: USER
S: PIPELINING
S: .
C: USER notices
";

const ONE_BY_ONE: &str = "S: +OK
C: PASS sesame
S: +OK
C: UIDL
S: +OK
S: .
C: LIST
S: +OK
S: .
C: QUIT
S: +OK";

#[tokio::test]
async fn a_server_that_drops_a_password_sent_ahead_is_asked_one_by_one_from_then_on() {
    let dropping = format!("{PIPELINING}C: PASS sesame\nS: +OK\nS~");
    let patient = format!("{PIPELINING}{ONE_BY_ONE}");
    let script = Script::serve(scripts(&[&dropping, &patient, &patient])).await;
    let reader = hasty_reader(&script);

    let (first, _) = reader.check().await;
    let (second, _) = reader.check().await;

    assert_eq!(first.outcome, Outcome::Done);
    assert_eq!(second.outcome, Outcome::Done);
    script.finish().await.expect("as written");
}

#[tokio::test]
async fn a_server_that_drops_a_listing_sent_ahead_is_asked_one_by_one() {
    let dropping = format!(
        "{PIPELINING}C: PASS sesame\nS: +OK\nS: +OK\nC: UIDL\nC: LIST\nS: +OK\nS: .\nS~"
    );
    let patient = format!("{PIPELINING}{ONE_BY_ONE}");
    let script = Script::serve(scripts(&[&dropping, &patient])).await;
    let reader = hasty_reader(&script);

    let (summary, _) = reader.check().await;

    assert_eq!(summary.outcome, Outcome::Done);
    script.finish().await.expect("as written");
}

#[tokio::test]
async fn a_network_that_dies_says_nothing_about_pipelining() {
    let dying = format!("{PIPELINING}C: PASS sesame\nS: +OK\nS~");
    let ahead = format!(
        "{PIPELINING}C: PASS sesame\nS: +OK\nS: +OK\nC: UIDL\nC: LIST\nS: +OK\nS: .\nS: +OK\nS: .\n\
         C: QUIT\nS: +OK"
    );
    let script = Script::serve(scripts(&[&dying, "S~", &ahead])).await;
    let reader = hasty_reader(&script);

    let (first, _) = reader.check().await;
    let (second, _) = reader.check().await;

    assert!(matches!(first.outcome, Outcome::Unreachable { .. }));
    assert_eq!(second.outcome, Outcome::Done);
    script.finish().await.expect("as written");
}


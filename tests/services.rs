//! Services with ways of their own.

use jiff::Timestamp;
use tidings::poll::report::Outcome;

use crate::support::{mailbox::Reader, script::Script};

/// A notice as it is sent: its subject, and how many days old it is.
fn mail(subject: &str, days: i64) -> String {
    let sent = Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
    let date = jiff::fmt::rfc2822::to_string(&sent.to_zoned(jiff::tz::TimeZone::UTC));
    format!(
        "S: Subject: {subject}\nS: Date: {}\nS:\nS: text\nS: .\n",
        date.expect("a date")
    )
}

#[tokio::test]
async fn what_is_too_old_for_gmails_recent_mode_is_not_withdrawn() {
    let greeting = "S: +OK Gpop ready\nC: CAPA\nS: +OK\nS: USER\nS: UIDL\nS: .\n\
                    C: USER recent:notices@gmail.com\nS: +OK send PASS\nC: PASS sesame\nS: +OK Welcome.\n";
    let first = format!(
        "{greeting}C: UIDL\nS: +OK\nS: 1 old\nS: 2 young\nS: 3 new\nS: .\n\
         C: LIST\nS: +OK\nS: 1 100\nS: 2 100\nS: 3 100\nS: .\n\
         C: RETR 3\nS: +OK\n{}C: RETR 2\nS: +OK\n{}C: RETR 1\nS: +OK\n{}C: QUIT\nS: +OK\n",
        mail("New", 1),
        mail("Young", 10),
        mail("Old", 29),
    );
    // A day later: one is too old to be listed, another was taken away.
    let second = format!(
        "{greeting}C: STAT\nS: +OK 1 100\nC: UIDL\nS: +OK\nS: 1 new\nS: .\n\
         C: LIST\nS: +OK\nS: 1 100\nS: .\nC: QUIT\nS: +OK\n"
    );
    let script = Script::serve(vec![first, second]).await;
    let mut reader = Reader::of(script.port);
    reader.mailbox.user = "recent:notices@gmail.com".to_owned();

    let (fetched, _) = reader.check().await;
    let (later, _) = reader.check().await;

    script.finish().await.expect("it says what is written");
    assert_eq!(fetched.outcome, Outcome::Done, "{}", fetched.dialogue);
    assert_eq!(later.outcome, Outcome::Done, "{}", later.dialogue);
    assert_eq!(reader.subjects(), ["New", "Young (withdrawn)", "Old"]);
}

//! When the poller calls: interval, jitter, busy, back-off, check now. Under paused time.

use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;
use tidings::{
    config::Interval,
    notice::{MailboxIndex, shown::Shown},
    poll::{
        Poller, identity,
        report::{Outcome, Report, Summary},
        schedule::{self, Next, Schedule},
    },
};
use tokio::sync::mpsc;

use crate::support::{mailbox::Reader, script::Script};

const MINUTE: Duration = Duration::from_secs(60);

fn busy() -> Outcome {
    Outcome::Busy {
        words: Shown::line("locked"),
    }
}

fn unreachable() -> Outcome {
    Outcome::Unreachable {
        why: Shown::line("refused"),
    }
}

fn wait(next: Next) -> Duration {
    match next {
        Next::After(wait) => wait,
        Next::WhenAsked => panic!("it waits for the person"),
    }
}

#[test]
fn a_check_that_came_through_is_followed_after_the_interval_more_or_less() {
    let mut schedule = Schedule::new(MINUTE);

    let soonest = wait(schedule.after(&Outcome::Done, 0.0));
    let latest = wait(schedule.after(&Outcome::Done, 1.0));

    assert_eq!(soonest, Duration::from_secs(54));
    assert_eq!(latest, Duration::from_secs(66));
}

#[test]
fn a_machine_that_was_suspended_checks_as_soon_as_it_is_awake() {
    let ten_minutes = Duration::from_secs(600);

    // While it slept its timer stood still, and its clock went on.
    let asleep_over_it = schedule::sleep(ten_minutes, SignedDuration::from_hours(-8));
    let awake = schedule::sleep(ten_minutes, SignedDuration::from_mins(10));

    assert_eq!(asleep_over_it, None);
    assert!(awake.expect("it is not due") <= Duration::from_secs(30));
}

#[test]
fn a_clock_that_is_set_back_puts_no_check_off() {
    let an_hour = SignedDuration::from_hours(1);

    assert_eq!(schedule::sleep(Duration::ZERO, an_hour), None);
    let left = Duration::from_secs(5);
    assert_eq!(schedule::sleep(left, an_hour), Some(left));
}

#[test]
fn a_busy_maildrop_is_tried_again_soon_and_if_it_is_held_for_long_less_often() {
    let mut schedule = Schedule::new(MINUTE);

    let waits: Vec<u64> = (0..18)
        .map(|_| wait(schedule.after(&busy(), 1.0)).as_secs())
        .collect();

    assert_eq!(waits[..10], [4; 10]);
    assert_eq!(waits[10..], [6, 9, 13, 20, 30, 45, 60, 60]);
}

#[test]
fn readers_refused_together_part_again() {
    let after_three = |chance| {
        let mut schedule = Schedule::new(MINUTE);
        schedule.after(&busy(), chance);
        schedule.after(&busy(), chance);
        wait(schedule.after(&busy(), chance))
    };

    assert_ne!(after_three(0.1), after_three(0.9));
}

#[test]
fn an_unreachable_server_is_asked_less_and_less_but_at_least_every_quarter_of_an_hour() {
    let mut schedule = Schedule::new(MINUTE);

    let waits: Vec<u64> = (0..7)
        .map(|_| wait(schedule.after(&unreachable(), 0.5)).as_secs())
        .collect();

    assert_eq!(waits, [60, 120, 240, 480, 900, 900, 900]);
}

#[test]
fn a_message_that_ends_each_connection_is_asked_for_less_and_less_but_at_least_every_day() {
    let day = 24 * 60 * MINUTE;

    assert_eq!(identity::rest(2), Duration::ZERO);
    assert_eq!(identity::rest(3), 15 * MINUTE);
    assert_eq!(identity::rest(4), 30 * MINUTE);
    assert_eq!(identity::rest(10), day);
    assert_eq!(identity::rest(u32::MAX), day);
}

#[test]
fn one_success_ends_the_back_off() {
    let mut schedule = Schedule::new(MINUTE);
    for _ in 0..5 {
        schedule.after(&unreachable(), 0.5);
    }

    schedule.after(&Outcome::Done, 0.5);

    assert_eq!(schedule.failures(), 0);
    assert_eq!(wait(schedule.after(&unreachable(), 0.5)).as_secs(), 60);
}

#[test]
fn a_server_that_says_how_often_is_obeyed() {
    let mut schedule = Schedule::new(MINUTE);
    let told = Outcome::ToldToWait {
        every: Duration::from_secs(600),
        words: Shown::line("every 10 minutes"),
    };

    let first = wait(schedule.after(&told, 0.0));
    let then = wait(schedule.after(&Outcome::Done, 0.0));

    assert!(first >= Duration::from_secs(600), "{first:?}");
    assert!(then >= Duration::from_secs(600), "{then:?}");
}

#[test]
fn a_failed_sign_in_waits_for_the_person() {
    let mut schedule = Schedule::new(MINUTE);
    let failed = Outcome::SignInFailed {
        words: Shown::line("wrong"),
    };

    assert_eq!(schedule.after(&failed, 0.5), Next::WhenAsked);
}

#[test]
fn no_server_switches_the_checks_off() {
    let mut schedule = Schedule::new(MINUTE);
    let told = Outcome::ToldToWait {
        every: Duration::from_secs(u64::from(u32::MAX) * 60),
        words: Shown::line("try again in 4294967295 minutes"),
    };

    let next = wait(schedule.after(&told, 1.0));

    assert_eq!(next, Duration::from_secs(24 * 60 * 60));
}

/// A poller of a server on this port, and what it reports.
fn start(reader: &Reader) -> (Poller, mpsc::Receiver<(MailboxIndex, Report)>) {
    let (reports, reported) = mpsc::channel(64);
    let mut settings = reader.settings.clone();
    settings.check_every = Interval(MINUTE);
    let mut mailbox = reader.mailbox.clone();
    mailbox.password = tidings::config::Password::new("sesame");
    let poller = Poller::start(
        MailboxIndex(0),
        &mailbox,
        &settings,
        reader.store.clone(),
        reports,
    );
    (poller, reported)
}

async fn next_check(reported: &mut mpsc::Receiver<(MailboxIndex, Report)>) -> Summary {
    loop {
        let (_, report) = reported.recv().await.expect("the poller lives");
        if let Report::Checked(summary) = report {
            return summary;
        }
    }
}

/// A session in which nothing is there.
const EMPTY: &str = "S: +OK ready
C: CAPA
S: +OK
S: UIDL
S: USER
S: .
C: USER notices
S: +OK
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

/// The same, at a later check.
const STILL_EMPTY: &str = "S: +OK ready
C: CAPA
S: +OK
S: UIDL
S: USER
S: .
C: USER notices
S: +OK
C: PASS sesame
S: +OK
C: STAT
S: +OK 0 0
C: UIDL
S: +OK
S: .
C: QUIT
S: +OK";

const LOCKED: &str = "S: -ERR [IN-USE] locked";

fn scripts(scripts: &[&str]) -> Vec<String> {
    scripts.iter().map(|script| (*script).to_owned()).collect()
}

#[tokio::test]
async fn a_poller_checks_at_once_and_when_asked() {
    let script = Script::serve(scripts(&[EMPTY, STILL_EMPTY])).await;
    let reader = Reader::of(script.port);
    let (poller, mut reported) = start(&reader);

    let first = next_check(&mut reported).await;
    poller.check_now();
    let second = next_check(&mut reported).await;

    assert_eq!(first.outcome, Outcome::Done);
    assert_eq!(second.outcome, Outcome::Done);
    let next = first.next.expect("there will be another");
    let interval = next.duration_since(first.at);
    assert!(
        interval.as_secs() >= 53 && interval.as_secs() <= 68,
        "{interval}"
    );
    poller.stop().await;
    script.finish().await.expect("as written");
}

#[tokio::test]
async fn a_server_that_wants_to_be_left_alone_is_so_after_a_new_start_too() {
    let delay = |session: &str| session.replace("S: UIDL\n", "S: UIDL\nS: LOGIN-DELAY 600\n");
    let script = Script::serve(vec![delay(EMPTY), delay(STILL_EMPTY)]).await;
    let reader = Reader::of(script.port);
    let (poller, mut reported) = start(&reader);
    let first = next_check(&mut reported).await;
    poller.stop().await;

    let (poller, mut reported) = start(&reader);
    let told = next_check(&mut reported).await;

    // The check of before, and when the next is due: nothing was said to the server.
    assert_eq!(told.at.as_second(), first.at.as_second());
    let wait = told.next.expect("another").duration_since(told.at);
    assert!((599..=600).contains(&wait.as_secs()), "{wait}");
    // Whoever asks for it knows better.
    poller.check_now();
    let asked = next_check(&mut reported).await;
    assert_eq!(asked.outcome, Outcome::Done);
    assert!(asked.at > told.at);
    poller.stop().await;
    script.finish().await.expect("as written");
}

#[tokio::test]
async fn a_server_that_is_silent_holds_up_no_other_mailbox() {
    let silent = Script::serve(scripts(&["S~"])).await;
    let well = Script::serve(scripts(&[EMPTY, STILL_EMPTY])).await;
    let (silent_reader, well_reader) = (Reader::of(silent.port), Reader::of(well.port));
    let (stuck, _unheard) = start(&silent_reader);
    let (poller, mut reported) = start(&well_reader);

    let first = next_check(&mut reported).await;
    poller.check_now();
    let second = next_check(&mut reported).await;

    assert_eq!(
        (first.outcome, second.outcome),
        (Outcome::Done, Outcome::Done)
    );
    poller.stop().await;
    stuck.stop().await;
    well.finish().await.expect("as written");
}

#[tokio::test]
async fn a_busy_maildrop_is_counted_and_called_again() {
    let script = Script::serve(scripts(&[LOCKED, EMPTY])).await;
    let reader = Reader::of(script.port);
    let (poller, mut reported) = start(&reader);

    let first = next_check(&mut reported).await;
    poller.check_now();
    let second = next_check(&mut reported).await;

    assert_eq!(first.outcome, busy());
    assert_eq!(first.attempt, 1);
    assert_eq!(second.outcome, Outcome::Done);
    assert_eq!(second.attempt, 0);
    poller.stop().await;
}

#[tokio::test]
async fn a_refused_password_is_not_sent_once_more_for_each_time_that_a_check_was_asked_for() {
    let refused = "S: +OK ready
C: CAPA
S: -ERR
C: USER notices
S: +OK
C: PASS sesame
S: -ERR wrong
C: QUIT
S: +OK";
    let mended = EMPTY.replace("PASS sesame", "PASS mended");
    let script = Script::serve(scripts(&[refused, &mended])).await;
    let reader = Reader::of(script.port);
    let (poller, mut reported) = start(&reader);
    for _ in 0..20 {
        poller.check_now();
    }

    let first = next_check(&mut reported).await;
    poller.sign_in(SecretString::from("mended"));
    let second = next_check(&mut reported).await;

    assert!(matches!(first.outcome, Outcome::SignInFailed { .. }));
    assert_eq!(second.outcome, Outcome::Done);
    poller.stop().await;
    script.finish().await.expect("the password is sent once");
}

#[tokio::test]
async fn a_failed_sign_in_sends_the_password_only_once() {
    let refused = "S: +OK ready
C: CAPA
S: -ERR
C: USER notices
S: +OK
C: PASS sesame
S: -ERR wrong
C: QUIT
S: +OK";
    let mended = EMPTY.replace("PASS sesame", "PASS mended");
    let script = Script::serve(scripts(&[refused, &mended])).await;
    let reader = Reader::of(script.port);
    let (poller, mut reported) = start(&reader);

    let first = next_check(&mut reported).await;
    poller.sign_in(SecretString::from("mended"));
    let second = next_check(&mut reported).await;

    assert!(matches!(first.outcome, Outcome::SignInFailed { .. }));
    assert_eq!(first.next, None);
    assert_eq!(second.outcome, Outcome::Done);
    poller.stop().await;
    script.finish().await.expect("as written");
}

#[tokio::test]
async fn a_poller_that_is_stopped_in_a_check_says_quit() {
    let mut long = EMPTY.replace("C: QUIT\nS: +OK", "");
    long = long.replace("S: +OK\nS: .\nC: LIST\nS: +OK\nS: .\n", "S: +OK\nS: 1 a\nS: 2 b\nS: .\nC: LIST\nS: +OK\nS: 1 10\nS: 2 10\nS: .\nC: RETR 2\nS: +OK\nS: Subject: Two\nS:\nS: .\nC: RETR 1\nC: QUIT\nS: +OK\nS: Subject: One\nS:\nS: .\nS: +OK");
    let script = Script::serve(scripts(&[&long])).await;
    let reader = Reader::of(script.port);
    let (poller, mut reported) = start(&reader);

    while !matches!(reported.recv().await, Some((_, Report::Arrived(_)))) {}
    poller.stop().await;

    script.finish().await.expect("QUIT was said");
    assert_eq!(reader.subjects(), ["Two"]);
}

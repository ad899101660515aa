//! The demo: its notices, its script, and the story as it is told without a screen.

use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use mail_parser::{MessageParser, MimeHeaders};

use tidings::demo::{
    cast::Person,
    inbox::{self, Mail},
    letters::Letter,
    story::{Beat, PATIENCE, Story},
};

const NOW: &str = "2026-11-23T14:05:00Z";

fn now() -> Timestamp {
    NOW.parse().expect("a timestamp")
}

fn mail(subject: &str) -> Mail {
    inbox::mails(now())
        .into_iter()
        .find(|mail| {
            parsed(&mail.bytes)
                .subject()
                .is_some_and(|s| s.starts_with(subject))
        })
        .unwrap_or_else(|| panic!("no notice begins with {subject}"))
}

fn parsed(bytes: &[u8]) -> mail_parser::Message<'_> {
    MessageParser::default().parse(bytes).expect("a mail")
}

fn unread_by(person: Person) -> usize {
    inbox::mails(now())
        .iter()
        .filter(|mail| mail.unread.contains(&person))
        .count()
}

// ---- the notices ----

#[test]
fn about_thirty_notices_are_there() {
    let mails = inbox::mails(now());

    assert_eq!(mails.len(), 32);
    assert_eq!(
        mails.iter().filter(|mail| mail.withdrawn.is_some()).count(),
        1
    );
}

#[test]
fn every_notice_has_what_a_mail_has() {
    for mail in inbox::mails(now()) {
        let text = String::from_utf8_lossy(&mail.bytes).into_owned();
        let message = parsed(&mail.bytes);
        let subject = message.subject().unwrap_or_default().to_owned();

        assert!(!subject.is_empty(), "{text}");
        assert!(message.from().is_some(), "{subject}");
        assert!(message.message_id().is_some(), "{subject}");
        assert!(
            message.body_text(0).is_some_and(|body| body.len() > 50),
            "{subject}"
        );
        assert!(mail.sender.ends_with("@team.example"), "{subject}");
        assert!(!text.contains("X-Demo-"), "{subject}");
        assert!(!text.contains("@{"), "{subject}");
    }
}

#[test]
fn no_two_notices_have_one_message_id() {
    let mails = inbox::mails(now());

    let ids: std::collections::BTreeSet<String> = mails
        .iter()
        .map(|mail| {
            parsed(&mail.bytes)
                .message_id()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();

    assert_eq!(ids.len(), mails.len());
}

#[test]
fn every_address_is_at_team_example() {
    let hosts: std::collections::BTreeSet<&str> = inbox::ASSET
        .split('@')
        .skip(1)
        .map(|rest| {
            rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-'))
                .next()
                .unwrap_or_default()
                .trim_end_matches('.')
        })
        .filter(|host| host.contains('.'))
        .collect();

    assert_eq!(hosts.into_iter().collect::<Vec<_>>(), ["team.example"]);
}

#[test]
fn dates_count_back_from_now() {
    let mails = inbox::mails(now());

    let newest = mails.last().expect("a mail");
    let date = parsed(&newest.bytes).date().expect("a date").to_timestamp();

    assert_eq!(newest.sent, now() - 45.seconds());
    assert_eq!(date, newest.sent.as_second());
    assert!(mails.iter().all(|mail| mail.sent < now()));
    assert!(mails.is_sorted_by_key(|mail| mail.sent));
}

#[test]
fn a_date_is_in_the_zone_of_its_sender() {
    let text = String::from_utf8(mail("【重要】").bytes).expect("UTF-8");

    assert!(
        text.starts_with("Date: Mon, 23 Nov 2026 18:05:00 +0900\n"),
        "{text}"
    );
}

#[test]
fn days_in_a_text_follow_its_date() {
    let advisory = mail("Advisory");
    let message = parsed(&advisory.bytes);

    assert_eq!(
        message.subject(),
        Some("Advisory 2026-11: rotate deploy keys by 30 Nov")
    );
    assert_eq!(
        parsed(&mail("【重要】").bytes).subject(),
        Some("【重要】東京オフィス停電のお知らせ (11月25日)")
    );
}

#[test]
fn the_attachments_are_real_files() {
    let maintenance = mail("Build cluster");
    let message = parsed(&maintenance.bytes);

    let files: Vec<(&str, &[u8])> = message
        .attachments()
        .map(|part| (part.attachment_name().unwrap_or_default(), part.contents()))
        .collect();

    assert_eq!(files[0].0, "runbook.pdf");
    assert!(files[0].1.starts_with(b"%PDF-1.4\n"));
    assert!(files[0].1.ends_with(b"%%EOF\n"));
    assert_eq!(files[1], ("hosts.csv", &b"hosts\nbuild-01\nbuild-02\n"[..]));
}

#[test]
fn a_from_line_in_a_text_is_unquoted() {
    let text = String::from_utf8(mail("Release notes").bytes).expect("UTF-8");

    assert!(
        text.contains("\n\nFrom here on nothing is undone\n"),
        "{text}"
    );
}

#[test]
fn the_readers_begin_with_different_marks() {
    assert_eq!(Person::ALL.map(unread_by), [3, 2, 12]);
    assert_eq!(mail("Fire drill").starred, [Person::You]);
    assert_eq!(mail("Fire drill").unread, [Person::Ana, Person::Tom]);
}

#[test]
fn a_letter_is_a_mail() {
    let letter = Letter::later(2);

    let bytes = letter.compose(now(), 7);
    let message = parsed(&bytes);

    assert_eq!(
        message.subject(),
        Some("停電作業の時間変更について (8:00開始)")
    );
    assert_eq!(
        message.date().map(|date| date.to_timestamp()),
        Some(now().as_second())
    );
    assert_eq!(
        message.from().and_then(|from| from.first()?.name()),
        Some("田中 花子")
    );
}

#[test]
fn deploys_are_numbered_on_from_the_inbox() {
    assert_eq!(
        [1, 3].map(|n| Letter::later(n).subject),
        [
            "Deploy #1225 web to production finished",
            "Deploy #1226 web to production finished"
        ]
    );
}

// ---- the story ----

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn told(beats: &[Beat]) -> Vec<&'static str> {
    beats
        .iter()
        .filter_map(|beat| match beat {
            Beat::Tell(words) => Some(*words),
            _ => None,
        })
        .collect()
}

#[test]
fn the_first_half_minute_is_written_down() {
    let mut story = Story::new(1);

    let lines: Vec<(u64, &str)> = (0..=28)
        .flat_map(|second| {
            told(&story.due(seconds(second)))
                .into_iter()
                .map(move |words| (second, words))
        })
        .collect();

    assert_eq!(
        lines,
        [
            (0, "three people, one mailbox"),
            (
                5,
                "Ana opens the fire drill: her count falls, yours and Tom's stay"
            ),
            (12, "a new notice just arrived for everyone"),
            (18, "the server's books: everything stored, nothing deleted"),
            (22, "two check at once: one is told busy and tries again"),
            (28, "your turn"),
        ]
    );
}

#[test]
fn a_beat_comes_once() {
    let mut story = Story::new(1);

    let first = story.due(seconds(6));
    let again = story.due(seconds(6));

    assert!(!first.is_empty());
    assert!(again.is_empty());
}

#[test]
fn the_story_waits_while_the_person_types() {
    let mut story = Story::new(1);
    story.due(seconds(4));

    story.typed(seconds(4));

    assert!(story.due(seconds(5)).is_empty());
    assert_eq!(story.next(), Some(seconds(5) + PATIENCE));
    assert!(!story.due(seconds(5) + PATIENCE).is_empty());
}

#[test]
fn a_key_does_not_hasten_the_story() {
    let mut story = Story::new(1);
    story.due(seconds(4));

    for second in 4..60 {
        story.typed(seconds(second));
        assert!(story.due(seconds(second)).is_empty(), "at {second} s");
    }

    assert_eq!(story.time(seconds(59)), seconds(4));
}

#[test]
fn a_paused_story_stands_still_and_goes_on_where_it_was() {
    let mut story = Story::new(1);
    story.due(seconds(4));

    let held = story.toggle_pause(seconds(4));
    let meanwhile = (story.due(seconds(100)), story.next());
    let goes_on = !story.toggle_pause(seconds(100));

    assert!(held && goes_on);
    assert_eq!(meanwhile, (Vec::new(), None));
    assert_eq!(story.next(), Some(seconds(101)));
}

#[test]
fn a_seed_repeats_its_story_and_another_tells_another() {
    let story = |seed| Story::new(seed).due(seconds(3_600));

    assert_eq!(story(7), story(7));
    assert_ne!(story(7), story(8));
}

#[test]
fn the_story_never_ends() {
    let mut story = Story::new(3);

    story.due(seconds(86_400));

    assert!(story.next().is_some_and(|next| next < seconds(86_400 + 60)));
}

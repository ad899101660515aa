//! The demo's notices: `assets/demo.mbox`, and the letters that are written while you watch.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan};
use mail_parser::{MessageParser, MimeHeaders};

use tidings::{
    demo::{
        cast::Person,
        inbox::{self, Mail},
        letters::Letter,
    },
    notice::Notice,
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

    let ids: BTreeSet<String> = mails
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
    let hosts: BTreeSet<&str> = inbox::ASSET
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

// ---- as the reader shows them ----

fn shown(subject: &str) -> String {
    let notice = Notice::parse(&mail(subject).bytes);
    let lines = notice.lines(76, tidings::notice::body::Options::default());
    lines
        .iter()
        .map(|line| {
            line.runs
                .iter()
                .map(|run| run.text.as_str())
                .collect::<String>()
                + "\n"
        })
        .collect()
}

#[test]
fn every_notice_is_shown_whole() {
    for mail in inbox::mails(now()) {
        let notice = Notice::parse(&mail.bytes);

        assert_eq!(notice.cuts, [""; 0], "{}", notice.subject);
        assert!(!notice.blocks.is_empty(), "{}", notice.subject);
        assert_eq!(notice.date, Some(mail.sent), "{}", notice.subject);
    }
}

#[test]
fn the_maintenance_is_announced_with_its_table_and_links() {
    let text = shown("Build cluster maintenance");

    assert!(
        text.contains("  build-01    22:00 - 22:40  Priya\n"),
        "{text}"
    );
    assert!(text.contains("> Could we move this to Sunday?\n"), "{text}");
    assert!(
        text.contains("[1] https://status.team.example/incidents/2026-118\n"),
        "{text}"
    );
}

#[test]
fn a_link_that_leads_elsewhere_is_among_them() {
    let notice = Notice::parse(&mail("Please confirm").bytes);

    assert!(notice.links[0].warning.is_some(), "{:?}", notice.links);
}

#[test]
fn the_invitation_is_shown_as_an_appointment() {
    let text = shown("Invitation: Quarterly review");

    assert!(text.contains("Quarterly review"), "{text}");
    assert!(
        text.contains("Hall 2, or https://meet.team.example/review"),
        "{text}"
    );
}

//! Every outcome of a check against every way of real servers: the words, the exit code, and what is in the
//! cache then, as snapshots; no DELE on any wire, and nobody's session left open.

use std::{fmt::Write as _, time::Duration};

use secrecy::SecretString;
use tidings::{
    cli::failure,
    config::{INSECURE, Interval, proxy::Proxy},
    notice::Headline,
    poll::report::{Report, Summary},
};

use crate::support::{
    mailbox::Reader,
    proxy::proxy_to,
    quirks::{
        Odd,
        Quirk::{self, *},
        Trouble,
    },
};

/// Single ways, and the servers and services that have several of them.
const SERVERS: [(&str, &[Quirk]); 45] = [
    ("plain", &[]),
    ("no-capa", &[NoCapa]),
    ("no-uidl", &[NoUidl]),
    ("no-top", &[NoTop]),
    ("no-stat", &[NoStat]),
    ("pipelines", &[Pipelines]),
    ("pipelines-lists-whole", &[Pipelines, ListsWhole]),
    (
        "pipelines-backwards-with-gaps",
        &[Pipelines, Backwards, Gaps],
    ),
    ("loses-ahead", &[LosesAhead]),
    ("no-codes", &[NoCodes]),
    ("code-behind", &[CodeBehind]),
    ("wordless", &[Wordless]),
    ("small-letters", &[SmallLetters]),
    ("bare-lf", &[BareLf]),
    ("unstuffed", &[Unstuffed]),
    ("odd-listings", &[OddListings]),
    ("backwards", &[Backwards]),
    ("gaps", &[Gaps]),
    ("guessed-sizes", &[GuessedSizes]),
    ("no-sizes", &[NoSizes]),
    ("digest-ids", &[DigestIds]),
    ("long-ids", &[LongIds]),
    ("odd-ids", &[OddIds]),
    ("reused-ids", &[ReusedIds]),
    ("unsteady-ids", &[UnsteadyIds]),
    ("number-ids", &[NumberIds]),
    ("leaves-out", &[LeavesOut]),
    ("exclusive", &[Exclusive]),
    ("login-delay", &[LoginDelay]),
    ("expires", &[Expires]),
    ("false-timestamp", &[FalseTimestamp]),
    ("refuses-at-greeting", &[RefusesAtGreeting]),
    ("one-refused", &[OneRefused]),
    ("adds-headers", &[AddsHeaders]),
    ("login-only", &[LoginOnly]),
    ("tokens-only", &[TokensOnly]),
    // Those that people meet.
    ("like-dovecot", &[Pipelines]),
    ("like-courier", &[NoCodes, Exclusive]),
    ("like-cyrus", &[Exclusive, LoginDelay, ReusedIds]),
    ("like-exchange", &[TokensOnly, GuessedSizes, Exclusive]),
    ("like-gmail", &[Gmail]),
    ("like-yahoo", &[LongIds, CodeBehind]),
    ("like-qpopper", &[NoCapa, DigestIds, Exclusive, AddsHeaders]),
    ("like-mdaemon", &[NoCodes, Exclusive, SmallLetters]),
    ("like-popa3d", &[NoCapa, NoCodes, Exclusive, Wordless]),
];

/// A reader in front of such a server.
fn reader(odd: &Odd, quirks: &[Quirk]) -> Reader {
    let mut reader = Reader::of(odd.port);
    // Long enough for a busy machine, short enough to wait for.
    reader.settings.answer_timeout = Interval(Duration::from_secs(2));
    if quirks.contains(&TokensOnly) {
        reader.mailbox.token_command = ["echo", "sesame"].map(str::to_owned).to_vec();
    }
    reader
}

/// What a check came to, in a line or a few.
fn told(summary: &Summary) -> String {
    let code = failure::code_of(&summary.outcome).unwrap_or(0);
    let mut told = format!("exit {code} · {}", summary.outcome.word());
    let words = summary.outcome.words();
    if !words.is_empty() {
        let _ = write!(told, ": {words}");
    }
    if let Some(on_server) = summary.on_server {
        let _ = write!(told, " · {on_server} on server, {} new", summary.new);
    }
    if summary.withdrawn > 0 {
        let _ = write!(told, ", {} withdrawn", summary.withdrawn);
    }
    for note in &summary.notes {
        let _ = write!(told, "\n      note: {note}");
    }
    told
}

/// The cache: the notices from the oldest to the newest.
fn kept(reader: &Reader) -> String {
    let mut headlines = reader.headlines();
    headlines.sort_by_key(|headline| headline.subject.to_string());
    let words = |headline: &Headline| {
        let subject = headline.subject.trim_start_matches("Notice ").to_owned();
        match headline.fate.withdrawn {
            Some(_) => format!("{subject}w"),
            None => subject,
        }
    };
    let words: Vec<String> = headlines.iter().map(words).collect();
    words.join(" ")
}

async fn life(name: &str, quirks: &[Quirk]) -> String {
    let odd = Odd::start(quirks).await;
    let reader = reader(&odd, quirks);
    let mut story = format!("{name}: {quirks:?}\n");
    odd.deliver(5);
    for act in [
        "cut off in a message",
        "first check",
        "nothing new",
        "two new",
        "oldest taken away",
        "server moved",
        "half of the unique-ids changed",
        "half of it listed",
        "nothing new again",
    ] {
        match act {
            "cut off in a message" => odd.set_trouble(Some(Trouble::CutOff)),
            "two new" => odd.deliver(2),
            "oldest taken away" => odd.remove_oldest(),
            "server moved" => odd.move_away(),
            "half of the unique-ids changed" => odd.half_move_away(),
            "half of it listed" => odd.set_trouble(Some(Trouble::HalfListed)),
            _ => {}
        }
        rest(&odd).await;
        let (summary, _) = reader.check().await;
        odd.set_trouble(None);
        let _ = writeln!(
            story,
            "  {act}: {}\n      kept: {}",
            told(&summary),
            kept(&reader)
        );
    }
    let before = kept(&reader);
    for trouble in [
        Trouble::Busy,
        Trouble::TooOften,
        Trouble::Temporary,
        Trouble::Permanent,
        Trouble::SwitchedOff,
        Trouble::WrongPassword,
        Trouble::Nonsense,
    ] {
        odd.set_trouble(Some(trouble));
        rest(&odd).await;
        let (summary, _) = reader.check().await;
        let _ = writeln!(story, "  {trouble:?}: {}", told(&summary));
        assert_eq!(
            kept(&reader),
            before,
            "{name}, {trouble:?}: nothing is lost"
        );
    }
    odd.set_trouble(None);
    assert_eq!(odd.forbidden(), [""; 0], "{name}");
    rest(&odd).await;
    story
}

/// A session that was told QUIT ends a moment later.
async fn rest(odd: &Odd) {
    while !odd.is_free() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_server_that_moves_has_no_headlines_told_of_again() {
    let odd = Odd::start(&[Pipelines]).await;
    let reader = reader(&odd, &[Pipelines]);
    odd.deliver(60);
    let (_, first) = reader.check().await;
    let announces = |report: &Report| matches!(report, Report::Announced(_));
    assert!(first.iter().any(announces), "there is something to lose");

    for delivered in [0, 5] {
        let before = reader.headlines().len();
        odd.move_away();
        odd.deliver(delivered);
        rest(&odd).await;
        let (summary, reports) = reader.check().await;

        assert_eq!(summary.new, delivered, "{}", summary.dialogue);
        assert!(!reports.iter().any(announces), "{}", summary.dialogue);
        let note = format!("server renumbered: {before} recognised");
        assert_eq!(summary.notes[0].as_str(), note);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_outcome_at_every_odd_server_is_as_it_was() {
    let lives: Vec<_> = SERVERS
        .iter()
        .map(|(name, quirks)| (*name, tokio::spawn(life(name, quirks))))
        .collect();
    for (name, life) in lives {
        let story = life.await.expect("a life");
        insta::with_settings!({ snapshot_path => "snapshots/odd_servers", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, story);
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_in_a_message_is_left_and_gone_on_with() {
    let odd = Odd::start(&[]).await;
    let mut reader = reader(&odd, &[]);
    reader.settings.answer_timeout = Interval(Duration::from_millis(300));
    odd.deliver(3);
    odd.set_trouble(Some(Trouble::Silence));

    let (silent, _) = reader.check().await;
    odd.set_trouble(None);
    reader.settings.answer_timeout = Interval(Duration::from_secs(5));
    let (after, _) = reader.check().await;

    assert_eq!(
        failure::code_of(&silent.outcome),
        Some(failure::UNREACHABLE)
    );
    assert!(after.outcome.is_done(), "{:?}", after.outcome);
    assert_eq!(after.new, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_gets_everything_of_gmail_by_its_recent_mode() {
    let odd = Odd::start(&[Gmail]).await;
    odd.deliver(7);
    let readers = [reader(&odd, &[]), reader(&odd, &[])].map(|mut reader| {
        reader.mailbox.user = "recent:notices".to_owned();
        reader.password = SecretString::from("sesame");
        reader
    });

    for reader in &readers {
        rest(&odd).await;
        let (summary, _) = reader.check().await;
        assert_eq!(summary.new, 7, "{}", summary.dialogue);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_it_nothing_is_taken_for_withdrawn_and_what_to_do_is_said() {
    let odd = Odd::start(&[Gmail]).await;
    odd.deliver(7);
    let (port, _) = proxy_to(odd.port, None).await;
    let mut reader = reader(&odd, &[]);
    // Its name is what it is known by.
    reader.mailbox.host = "pop.gmail.com".to_owned();
    reader.mailbox.insecure = Some(INSECURE.to_owned());
    let proxy = format!("socks5://127.0.0.1:{port}");
    reader.mailbox.proxy = Some(Proxy::parse(&proxy).expect("a proxy"));

    for _ in 0..4 {
        rest(&odd).await;
        let (summary, _) = reader.check().await;
        assert_eq!(summary.withdrawn, 0);
        let notes = format!("{:?}", summary.notes);
        assert!(
            notes.contains("set user = \\\"recent:notices\\\""),
            "{notes}"
        );
    }

    // Three at a time, until nothing is left. Of two equal mails the second is taken for the first, which is
    // not listed any more.
    assert_eq!(kept(&reader), "1 2 3 5 6 7");
    let is_there = |headline: &Headline| headline.fate.withdrawn.is_none();
    assert!(reader.headlines().iter().all(is_there));
}

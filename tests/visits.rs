//! Visits to servers that go wrong in time: silent ones, and ones that drop what was sent ahead.

use std::{path::PathBuf, time::Duration};

use jiff::tz::TimeZone;
use tidings::{
    config::{Interval, Rule, Settings, Size, Tls},
    net::{Stream, tls::Acceptor},
    poll::report::{Outcome, Report},
    store::{Store, rules::Rules, search::Query},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    mailbox::Reader,
    office::mail,
    rogue::{Rogue, Turn},
    scratch::Scratch,
    script::Script,
};

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

/// What is sent at once behind the name.
const ALL_AHEAD: &str = "C: PASS sesame
C: UIDL
C: LIST
";

/// The password together with the name, and the listings together behind that.
const TOGETHER: &str = "C: PASS sesame
S: +OK
S: +OK
C: UIDL
C: LIST
S: +OK
S: .
S: +OK
S: .
C: QUIT
S: +OK";

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
    let dropping = format!("{PIPELINING}{ALL_AHEAD}S: +OK\nS~");
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
    let dropping = format!("{PIPELINING}{ALL_AHEAD}S: +OK\nS: +OK\nS: +OK\nS: .\nS~");
    let patient = format!("{PIPELINING}{ONE_BY_ONE}");
    let script = Script::serve(scripts(&[&dropping, &patient])).await;
    let reader = hasty_reader(&script);

    let (summary, _) = reader.check().await;

    assert_eq!(summary.outcome, Outcome::Done);
    script.finish().await.expect("as written");
}

#[tokio::test]
async fn a_server_that_never_answers_quit_keeps_nobody_waiting() {
    let listings = "S: +OK\nS: +OK\nS: +OK\nS: .\nS: +OK\nS: .\n";
    let mute = format!("{PIPELINING}{ALL_AHEAD}{listings}C: QUIT\nS~");
    let script = Script::serve(scripts(&[&mute])).await;
    let mut reader = hasty_reader(&script);
    reader.settings.answer_timeout = Interval(Duration::from_secs(3600));

    let (summary, _) = reader.check().await;

    assert_eq!(summary.outcome, Outcome::Done, "{}", summary.dialogue);
}

#[tokio::test]
async fn a_server_that_cannot_take_a_listing_behind_the_password_is_asked_one_by_one_from_then_on()
{
    // One forgets what came before it had let the client in, another hangs up over it.
    for misled in ["S: +OK\nS: +OK\nS~", "S: +OK\nS: +OK"] {
        let dropping = format!("{PIPELINING}{ALL_AHEAD}{misled}");
        let patient = format!("{PIPELINING}{TOGETHER}");
        let later = patient.replace(
            "C: UIDL\nC: LIST\nS: +OK\nS: .\nS: +OK\nS: .\n",
            "C: STAT\nC: UIDL\nS: +OK 0 0\nS: +OK\nS: .\n",
        );
        // What it announced the last time needs no question of its own.
        let capa = "C: CAPA\nS: +OK\nS: TOP\nS: UIDL\nS: USER\nS: PIPELINING\nS: .\nC: USER notices\nC: PASS sesame\n";
        let at_once = "C: CAPA\nC: USER notices\nC: PASS sesame\nS: +OK\nS: TOP\nS: UIDL\nS: USER\nS: PIPELINING\nS: .\n";
        let later = later.replace(capa, at_once);
        let script = Script::serve(scripts(&[&dropping, &patient, &later])).await;
        let reader = hasty_reader(&script);

        let (first, _) = reader.check().await;
        let (second, _) = reader.check().await;

        assert_eq!(first.outcome, Outcome::Done, "{}", first.dialogue);
        assert_eq!(second.outcome, Outcome::Done, "{}", second.dialogue);
        script.finish().await.expect("as written");
    }
}

#[tokio::test]
async fn a_server_that_overhears_what_stands_behind_auth_is_told_nothing_else_in_its_place() {
    let offering = "S: +OK ready\nC: CAPA\nS: +OK\nS: SASL PLAIN\nS: UIDL\nS: PIPELINING\nS: .\n\
                    C: AUTH PLAIN AG5vdGljZXMAc2VzYW1l\n";
    let confused = format!("{offering}C: UIDL\nC: LIST\nS: + ");
    let patient = format!(
        "{offering}S: + \nC: AG5vdGljZXMAc2VzYW1l\nS: +OK\nC: UIDL\nC: LIST\nS: +OK\nS: .\nS: +OK\nS: .\n\
         C: QUIT\nS: +OK"
    );
    let script = Script::serve(scripts(&[&confused, &patient])).await;
    let reader = hasty_reader(&script);

    let (summary, _) = reader.check().await;

    assert_eq!(summary.outcome, Outcome::Done, "{}", summary.dialogue);
    script.finish().await.expect("as written");
}

#[tokio::test]
async fn a_server_that_announces_less_than_the_last_time_gets_each_answer_to_its_own_question() {
    let before = format!(
        "{PIPELINING}{ALL_AHEAD}S: +OK\nS: +OK\nS: +OK\nS: .\nS: +OK\nS: .\nC: QUIT\nS: +OK"
    );
    // By now it knows no PIPELINING; what has been sent is answered all the same.
    let after = "S: +OK ready\nC: CAPA\nC: USER notices\nC: PASS sesame\nC: STAT\nC: UIDL\n\
                 S: +OK\nS: TOP\nS: UIDL\nS: USER\nS: .\nS: +OK\nS: +OK\nS: +OK 1 20\nS: +OK\nS: 1 one\nS: .\n\
                 C: LIST\nS: +OK\nS: 1 20\nS: .\nC: RETR 1\nS: +OK\nS: Subject: The one\nS: \nS: text\nS: .\n\
                 C: QUIT\nS: +OK";
    let script = Script::serve(scripts(&[&before, after])).await;
    let reader = hasty_reader(&script);

    reader.check().await;
    let (second, _) = reader.check().await;

    assert_eq!(second.outcome, Outcome::Done, "{}", second.dialogue);
    assert_eq!(reader.subjects(), ["The one"], "{}", second.dialogue);
    script.finish().await.expect("as written");
}

#[tokio::test]
async fn a_refused_password_is_the_reason_whatever_becomes_of_the_listing_behind_it() {
    let refusals = "S: +OK\nS: -ERR [AUTH] no such password\n";
    for end in [
        "S: -ERR first sign in\nS: -ERR first sign in\nC: QUIT\nS: +OK",
        "",
    ] {
        let refusing = format!("{PIPELINING}{ALL_AHEAD}{refusals}{end}");
        let script = Script::serve(scripts(&[&refusing])).await;
        let reader = hasty_reader(&script);

        let (summary, _) = reader.check().await;

        let Outcome::SignInFailed { words } = &summary.outcome else {
            panic!("{:?}", summary.outcome);
        };
        assert!(words.to_string().contains("no such password"), "{words}");
        let _ = script.finish().await;
    }
}

#[tokio::test]
async fn a_network_that_dies_says_nothing_about_pipelining() {
    let dying = format!("{PIPELINING}{ALL_AHEAD}S: +OK\nS~");
    let ahead = format!(
        "{PIPELINING}{ALL_AHEAD}S: +OK\nS: +OK\nS: +OK\nS: .\nS: +OK\nS: .\nC: QUIT\nS: +OK"
    );
    let script = Script::serve(scripts(&[&dying, "S~", &ahead])).await;
    let reader = hasty_reader(&script);

    let (first, _) = reader.check().await;
    let (second, _) = reader.check().await;

    assert!(matches!(first.outcome, Outcome::Unreachable { .. }));
    assert_eq!(second.outcome, Outcome::Done);
    script.finish().await.expect("as written");
}

/// A server without UIDL that is asked for headers, and cancels the check instead of giving them.
/// Gives what it was told after that.
async fn cancel_at_top(listener: TcpListener, cancelled: CancellationToken) -> Vec<String> {
    let (socket, _) = listener.accept().await.expect("a client");
    let (read, mut write) = socket.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut later = Vec::new();
    write
        .write_all(b"+OK ready\r\n")
        .await
        .expect("it is heard");
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.split(' ').next().unwrap_or_default() {
            _ if cancelled.is_cancelled() => {
                later.push(line);
                continue;
            }
            "TOP" => {
                cancelled.cancel();
                continue;
            }
            "LIST" => "+OK\r\n1 120\r\n.\r\n",
            "CAPA" | "UIDL" => "-ERR unknown\r\n",
            _ => "+OK\r\n",
        };
        write
            .write_all(answer.as_bytes())
            .await
            .expect("it is heard");
    }
    later
}

#[tokio::test]
async fn a_check_cancelled_while_headers_are_awaited_says_quit_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let reader = Reader::of(listener.local_addr().expect("an address").port());
    let cancelled = CancellationToken::new();
    let server = tokio::spawn(cancel_at_top(listener, cancelled.clone()));

    let (summary, _) = reader.check_until(&cancelled).await;

    assert_eq!(summary.outcome, Outcome::Cancelled);
    assert_eq!(server.await.expect("the server ends"), ["QUIT"]);
}

/// What happens when a message is asked for.
enum AtRetr {
    /// It is given.
    Nothing,
    /// It is given, and until QUIT is heard nobody can write the cache.
    Lock,
    /// The check is cancelled.
    Cancel(CancellationToken),
}

/// A server with one message. Gives how many notices were kept when it heard QUIT, if it did.
async fn kept_at_quit(
    listener: TcpListener,
    capability: &'static str,
    cache: PathBuf,
    at_retr: AtRetr,
) -> Option<u64> {
    let (socket, _) = listener.accept().await.expect("a client");
    let (read, mut write) = socket.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut lock = None;
    let mut kept = None;
    let mut say = async |words: &str| write.write_all(words.as_bytes()).await;
    say("+OK ready\r\n").await.expect("it is heard");
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.split(' ').next().unwrap_or_default() {
            "CAPA" => format!("+OK\r\nUSER\r\nUIDL\r\nTOP\r\n{capability}.\r\n"),
            "UIDL" => "+OK\r\n1 a\r\n.\r\n".to_owned(),
            "LIST" => "+OK\r\n1 24\r\n.\r\n".to_owned(),
            "RETR" => {
                match &at_retr {
                    AtRetr::Nothing => {}
                    AtRetr::Lock => {
                        let other = rusqlite::Connection::open(&cache).expect("the cache");
                        other.execute_batch("BEGIN IMMEDIATE").expect("locked");
                        lock = Some(other);
                    }
                    AtRetr::Cancel(cancelled) => {
                        cancelled.cancel();
                        continue;
                    }
                }
                "+OK\r\nSubject: one\r\n\r\ntext\r\n.\r\n".to_owned()
            }
            "QUIT" => {
                let store = Store::open(&cache).expect("the cache").store;
                kept = Some(store.kept().expect("counted"));
                drop(lock.take());
                "+OK\r\n".to_owned()
            }
            _ => "+OK\r\n".to_owned(),
        };
        say(&answer).await.expect("it is heard");
    }
    kept
}

#[tokio::test]
async fn the_maildrop_is_others_again_before_all_is_written_unless_quit_removes_what_was_fetched() {
    for (capability, at_retr, kept) in [("", AtRetr::Lock, 0), ("EXPIRE 0\r\n", AtRetr::Nothing, 1)]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let reader = Reader::of(listener.local_addr().expect("an address").port());
        let cache = reader.store.path().to_owned();
        let server = tokio::spawn(kept_at_quit(listener, capability, cache, at_retr));

        let (summary, _) = reader.check().await;

        assert_eq!((summary.outcome, summary.new), (Outcome::Done, 1));
        let kept_then = server.await.expect("the server ends");
        assert_eq!(kept_then, Some(kept), "{capability:?}");
        assert_eq!(reader.subjects(), ["one"]);
    }
}

#[tokio::test]
async fn what_quit_would_remove_and_is_not_kept_is_left_without_it() {
    for (capability, heard) in [("", Some(0)), ("EXPIRE 0\r\n", None)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let reader = Reader::of(listener.local_addr().expect("an address").port());
        let cancelled = CancellationToken::new();
        let (cache, at_retr) = (
            reader.store.path().to_owned(),
            AtRetr::Cancel(cancelled.clone()),
        );
        let server = tokio::spawn(kept_at_quit(listener, capability, cache, at_retr));

        let (summary, _) = reader.check_until(&cancelled).await;

        assert_eq!(summary.outcome, Outcome::Cancelled);
        let kept_then = server.await.expect("the server ends");
        assert_eq!(kept_then, heard, "{capability:?}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_in_the_handshake_is_offline_whatever_its_certificate() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let acceptor = Acceptor::new(
        made.cert.pem().as_bytes(),
        made.signing_key.serialize_pem().as_bytes(),
    )
    .expect("an acceptor");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a client");
        let mut hello = [0; 16];
        socket.read_exact(&mut hello).await.expect("a greeting");
        drop(socket);
        // Whoever calls again just to look would find a certificate that nobody trusts.
        let (socket, _) = listener.accept().await.expect("a client");
        let _ = Stream::plain(socket).accept(&acceptor).await;
    });
    let mut reader = Reader::of(port);
    reader.mailbox.tls = Tls::Implicit;

    let (summary, _) = reader.check().await;

    assert!(
        matches!(summary.outcome, Outcome::Unreachable { .. }),
        "{:?}",
        summary.outcome
    );
    server.abort();
}

#[tokio::test]
async fn a_server_that_talks_without_end_does_not_fill_the_cache() {
    let flood = format!("S: -ERR {}", "é".repeat(30_000));
    let script = Script::serve(scripts(&[&flood])).await;
    let reader = Reader::of(script.port);

    let (summary, _) = reader.check().await;

    assert!(summary.dialogue.len() < 2_000, "{}", summary.dialogue.len());
    assert!(summary.outcome.words().len() < 10_000);
}

/// A mail with so many octets of headers, and of text with a word at its end.
fn large_mail(headers: usize, text: usize) -> Vec<u8> {
    let filler =
        |octets: usize, start: &str| format!("{start}{}\r\n", "x".repeat(70)).repeat(octets / 72);
    format!(
        "Subject: Large\r\nDate: 1 Nov 2026 10:00:00 +0000\r\n{}\r\n{}needle\r\n",
        filler(headers, "X: "),
        filler(text, ""),
    )
    .into_bytes()
}

fn found(reader: &Reader, word: &str) -> usize {
    let query = Query::parse(word, &TimeZone::UTC).expect("a query");
    reader.store.search(&query, 10).expect("an answer").len()
}

#[tokio::test]
async fn headers_larger_than_a_message_may_be_are_kept_all_the_same() {
    let rogue = Rogue::with(vec![large_mail(2_000_000, 1_000)], |_| Turn::Usual);
    let mut reader = Reader::of(rogue.address().port());
    reader.settings.largest_message = Size(5_000);

    let (first, _) = reader.check().await;
    let (second, _) = reader.check().await;

    assert_eq!((first.outcome, first.new), (Outcome::Done, 1));
    assert_eq!((second.outcome, second.new), (Outcome::Done, 0));
    assert_eq!(reader.subjects(), ["Large"]);
    let id = reader.headlines()[0].id;
    let kept = reader.store.mail(id).expect("the cache").expect("a mail");
    assert!(kept.len() <= 1024 * 1024 + 2, "{}", kept.len());
}

#[tokio::test]
async fn a_message_that_turned_out_too_large_is_fetched_once_that_much_is_allowed() {
    let rogue = Rogue::with(vec![large_mail(100, 3_000)], |said| match said {
        "LIST" => Turn::Say(b"+OK\r\n1 100\r\n.\r\n".to_vec()),
        _ => Turn::Usual,
    });
    rogue.misbehave();
    let mut reader = Reader::of(rogue.address().port());
    reader.settings.largest_message = Size(2_000);

    let (first, _) = reader.check().await;
    let found_first = found(&reader, "needle");
    let (same, _) = reader.check().await;
    reader.settings.largest_message = Size(4_000);
    let (last, _) = reader.check().await;

    assert_eq!(first.outcome, Outcome::Done);
    assert_eq!(found_first, 0);
    assert_eq!(same.outcome, Outcome::Done);
    assert_eq!(last.outcome, Outcome::Done);
    assert_eq!(found(&reader, "needle"), 1);
    assert_eq!(reader.subjects(), ["Large"]);
    let fetched = rogue
        .heard()
        .iter()
        .filter(|said| *said == "RETR 1")
        .count();
    assert_eq!(fetched, 2);
}

#[tokio::test]
async fn unique_ids_used_again_for_many_mails_are_fetched_over_several_checks() {
    const MAILS: usize = 60;
    let mails = |kind: &str| {
        (0..MAILS)
            .map(|number| format!("Subject: {kind} {number}\r\n\r\ntext\r\n").into_bytes())
            .collect::<Vec<_>>()
    };
    let others = mails("another one");
    let sizes: String = others
        .iter()
        .enumerate()
        .map(|(index, mail)| format!("{} {}\r\n", index + 1, mail.len()))
        .collect();
    let rogue = Rogue::with(mails("one"), move |said| {
        match said.split_once(' ').unwrap_or((said, "")) {
            ("LIST", _) => Turn::Say(format!("+OK\r\n{sizes}.\r\n").into_bytes()),
            ("STAT", _) => Turn::Say(b"+OK 60 1\r\n".to_vec()),
            ("RETR", number) => {
                let mail = &others[number.parse::<usize>().expect("a number") - 1];
                Turn::Say([b"+OK\r\n", &mail[..], b".\r\n"].concat())
            }
            _ => Turn::Usual,
        }
    });
    let reader = Reader::of(rogue.address().port());

    let (first, _) = reader.check().await;
    rogue.misbehave();
    let (second, _) = reader.check().await;
    let (third, _) = reader.check().await;
    let (last, _) = reader.check().await;

    assert_eq!((first.new, second.new), (60, 50));
    assert_eq!((third.new, last.new), (10, 0));
    assert_eq!(reader.headlines().len(), 120);
}

#[tokio::test]
async fn a_message_without_a_unique_id_is_shown_and_told_of() {
    let mails = vec![large_mail(100, 100), large_mail(200, 100)];
    let rogue = Rogue::with(mails, |said| match said {
        "UIDL" => Turn::Say(b"+OK\r\n1 a\r\n.\r\n".to_vec()),
        _ => Turn::Usual,
    });
    rogue.misbehave();
    let reader = Reader::of(rogue.address().port());

    let (summary, _) = reader.check().await;

    assert_eq!((summary.outcome, summary.new), (Outcome::Done, 2));
    assert!(
        summary
            .notes
            .iter()
            .any(|note| note.contains("without a unique-id"))
    );
}

#[tokio::test]
async fn headlines_are_told_of_before_the_mails_have_come() {
    let scratch = Scratch::new();
    for number in 0..80 {
        scratch.deliver(&mail(&format!("number {number}")));
    }
    let served = scratch.serve().await;
    let reader = Reader::of(served.address().port());

    let (summary, reports) = reader.check().await;

    assert_eq!((summary.outcome, summary.new), (Outcome::Done, 80));
    let announced = reports
        .iter()
        .position(|report| matches!(report, Report::Announced(headlines) if headlines.len() == 50));
    let arrived = reports
        .iter()
        .position(|report| matches!(report, Report::Arrived(_)));
    assert!(announced.expect("announced") < arrived.expect("arrived"));
    let keywords = served.events.keywords();
    let count = |keyword| keywords.iter().filter(|said| **said == keyword).count();
    assert_eq!((count("TOP"), count("RETR")), (50, 80));
}

#[tokio::test]
async fn a_password_that_the_server_repeats_is_masked() {
    for status in [
        "-ERR no such command: ",
        "+OK no such command: ",
        "no such command: ",
    ] {
        repeated(status).await;
    }
}

async fn repeated(status: &'static str) {
    let rogue = Rogue::from_the_start(move |said| match said.strip_prefix("PASS ") {
        Some(password) => Turn::Say(format!("{status}PASS {password}\r\n").into_bytes()),
        None => Turn::Usual,
    });
    let reader = Reader::of(rogue.address().port());

    let (summary, _) = reader.check().await;

    let said = format!(
        "{:?} {} {:?}",
        summary.outcome, summary.dialogue, summary.notes
    );
    assert!(said.contains("no such command: PASS ****"), "{said}");
    assert!(!said.contains("sesame"), "{said}");
}

#[tokio::test]
async fn a_check_cancelled_before_it_has_signed_in_says_quit() {
    let cancelled = CancellationToken::new();
    let token = cancelled.clone();
    let rogue = Rogue::from_the_start(move |said| {
        if said == "CAPA" {
            token.cancel();
        }
        Turn::Usual
    });
    let reader = Reader::of(rogue.address().port());

    let (summary, _) = reader.check_until(&cancelled).await;

    assert_eq!(summary.outcome, Outcome::Cancelled);
    // Whether it was on its way to sign in by then or not.
    assert_eq!(rogue.heard().last().map(String::as_str), Some("QUIT"));
}

#[tokio::test]
async fn who_has_much_to_fetch_gives_the_maildrop_back_in_between_where_others_wait() {
    let scratch = Scratch::new();
    let line = format!("{}\n", "x".repeat(78)).repeat(5_000);
    for n in 1..=8 {
        scratch.deliver(
            format!("Date: Sat, 1 Aug 2026 10:00:00 +0000\nSubject: {n}\n\n{line}").as_bytes(),
        );
    }
    let served = scratch.serve().await;
    let mut reader = Reader::of(served.address().port());
    reader.in_slices = true;

    let mut left = Vec::new();
    for _ in 0..3 {
        let (summary, _) = reader.check().await;
        assert_eq!(summary.outcome, Outcome::Done);
        left.push((summary.new, summary.left));
        if summary.left > 0 {
            scratch.deliver(b"Date: Sat, 1 Aug 2026 10:00:00 +0000\nSubject: meanwhile\n\nshort\n");
        }
    }

    // The newest first; what came meanwhile before the rest.
    assert_eq!(left, [(3, 5), (4, 2), (3, 0)]);
    assert_eq!(reader.subjects().len(), 10);
    let keywords = served.events.keywords();
    assert_eq!(
        keywords
            .iter()
            .filter(|&&keyword| keyword == "RETR")
            .count(),
        10
    );
    // All of it is the first check of this mailbox: what is old starts as read, whichever slice it came in.
    assert!(
        reader
            .headlines()
            .iter()
            .all(|headline| headline.marks.read)
    );
}

#[tokio::test]
async fn a_server_with_other_unique_ids_at_each_check_shows_nothing_twice_and_is_not_fetched_from_for_ever()
 {
    let mails: Vec<Vec<u8>> = (1..=4)
        // The last one came twice.
        .chain([4])
        .map(|n| {
            format!("Subject: {n}\r\nMessage-ID: <{n}@team.example>\r\n\r\nText {n}.\r\n")
                .into_bytes()
        })
        .collect();
    let session = std::sync::atomic::AtomicU32::new(0);
    let rogue = Rogue::with(mails, move |command| {
        use std::sync::atomic::Ordering;
        if command == "UIDL" {
            let session = session.fetch_add(1, Ordering::SeqCst);
            let lines: String = (1..=5).map(|n| format!("{n} {session}-{n}\r\n")).collect();
            return Turn::Say(format!("+OK\r\n{lines}.\r\n").into_bytes());
        }
        Turn::Usual
    });
    rogue.misbehave();
    let reader = Reader::of(rogue.address().port());

    let mut told = 0;
    let mut fetched = Vec::new();
    for check in 0..8 {
        let before = rogue
            .heard()
            .iter()
            .filter(|line| line.starts_with("RETR"))
            .count();
        let (summary, _) = reader.check().await;
        assert_eq!(summary.outcome, Outcome::Done);
        assert_eq!(summary.new, if check == 0 { 5 } else { 0 });
        told += summary
            .notes
            .iter()
            .filter(|note| note.contains("told apart by their headers"))
            .count();
        let after = rogue
            .heard()
            .iter()
            .filter(|line| line.starts_with("RETR"))
            .count();
        fetched.push(after - before);
    }

    assert_eq!(told, 1, "it is said once");
    // Twice to see that it is so, once by the new names, then no more.
    assert_eq!(fetched, [5, 5, 5, 5, 0, 0, 0, 0]);
    assert_eq!(reader.subjects(), ["4", "4", "3", "2", "1"]);
}

#[tokio::test]
async fn a_server_that_has_moved_is_recognised_in_slices_and_nothing_counts_as_withdrawn_meanwhile()
{
    let scratch = Scratch::new();
    let line = format!("{}\n", "x".repeat(78)).repeat(5_000);
    for n in 1..=12 {
        scratch
            .deliver(format!("Subject: {n}\nMessage-ID: <{n}@team.example>\n\n{line}").as_bytes());
    }
    let served = scratch.serve().await;
    let mut reader = Reader::of(served.address().port());
    reader.check().await;
    let moved = String::from_utf8(scratch.octets()).expect("text");
    let moved = moved.replace("From MAILER-DAEMON ", "From MOVED ");
    std::fs::write(scratch.mailbox(), moved).expect("a move");
    reader.in_slices = true;

    let mut left = Vec::new();
    for _ in 0..5 {
        let (summary, _) = reader.check().await;
        assert_eq!(
            (summary.outcome, summary.new, summary.withdrawn),
            (Outcome::Done, 0, 0)
        );
        assert!(
            reader
                .headlines()
                .iter()
                .all(|headline| headline.fate.withdrawn.is_none())
        );
        left.push(summary.left);
    }

    assert_eq!(left, [9, 6, 3, 0, 0]);
    assert_eq!(reader.subjects().len(), 12);
}

#[tokio::test]
async fn the_bell_tells_of_what_the_rules_leave_to_it() {
    let scratch = Scratch::new();
    let served = scratch.serve().await;
    let folder = tempfile::tempdir().expect("a folder");
    let rule = |when: &str, read, notify| Rule {
        when: when.to_owned(),
        read,
        notify,
        ..Rule::default()
    };
    let settings = Settings {
        rules: vec![
            rule("subject:loud", true, Some(true)),
            rule("subject:quiet", false, Some(false)),
            rule("subject:routine", true, None),
        ],
        ..Settings::default()
    };
    let mut reader = Reader::of(served.address().port());
    let rules = Rules::of(&settings, "notices", || TimeZone::UTC);
    let opened = Store::open(&folder.path().join("cache.db")).expect("a new cache");
    reader.store = opened.ruled_by(rules).store;
    reader.check().await;

    for subject in ["loud", "quiet", "routine", "plain"] {
        scratch.deliver(&mail(subject));
    }
    let (summary, _) = reader.check().await;

    assert_eq!(
        (summary.new, summary.told),
        (4, 2),
        "of the loud one and the plain one"
    );
    let counts = reader.store.counts().expect("counts");
    assert_eq!(counts.unread, 2, "the quiet one and the plain one");
}

fn numbered_mail(number: u32) -> Vec<u8> {
    format!(
        "Subject: Notice {number}\r\nMessage-ID: <{number}@team.example>\r\n\
         Date: 1 Nov 2026 10:00:00 +0000\r\n\r\ntext\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn messages_without_unique_ids_come_some_at_each_check_until_all_are_here() {
    let rogue = Rogue::with((1..=250).map(numbered_mail).collect(), |said| match said {
        "UIDL" => Turn::Say(b"+OK\r\n.\r\n".to_vec()),
        _ => Turn::Usual,
    });
    rogue.misbehave();
    let reader = Reader::of(rogue.address().port());

    let mut new = Vec::new();
    for _ in 0..4 {
        let (summary, _) = reader.check().await;
        assert_eq!(summary.outcome, Outcome::Done);
        new.push(summary.new);
    }

    assert_eq!(new, [100, 100, 50, 0]);
    assert_eq!(reader.headlines().len(), 250);
}

#[tokio::test]
async fn a_server_that_hangs_up_over_a_look_at_headers_is_read_without_it() {
    // Once over a message that UIDL leaves out, once over one of which the unique-id is its number.
    for uidl in ["1 a\r\n", "1 1\r\n2 2\r\n"] {
        let rogue = Rogue::with((1..=2).map(numbered_mail).collect(), move |said| match said
            .split_once(' ')
            .unwrap_or((said, ""))
        {
            ("UIDL", _) => Turn::Say(format!("+OK\r\n{uidl}.\r\n").into_bytes()),
            ("TOP", _) => Turn::HangUp(Vec::new()),
            _ => Turn::Usual,
        });
        rogue.misbehave();
        let reader = Reader::of(rogue.address().port());

        let mut outcomes = Vec::new();
        for _ in 0..4 {
            outcomes.push(reader.check().await.0.outcome);
        }

        let failed = outcomes.iter().filter(|outcome| !outcome.is_done());
        assert_eq!(failed.count(), 1, "{uidl}: {outcomes:?}");
        let known = uidl.lines().count();
        assert_eq!(reader.headlines().len(), known, "{uidl}");
    }
}

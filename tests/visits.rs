//! Visits to servers that go wrong in time: silent ones, and ones that drop what was sent ahead.

use std::time::Duration;

use tidings::{
    config::{Interval, Size, Tls},
    net::{Stream, tls::Acceptor},
    poll::report::Outcome,
    store::search::Query,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    mailbox::Reader,
    rogue::{Rogue, Turn},
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
    let dropping =
        format!("{PIPELINING}C: PASS sesame\nS: +OK\nS: +OK\nC: UIDL\nC: LIST\nS: +OK\nS: .\nS~");
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
    let query = Query::parse(word, &jiff::tz::TimeZone::UTC).expect("a query");
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

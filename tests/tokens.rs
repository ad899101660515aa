//! Signing in by an access token, by AUTH LOGIN, through a proxy: what the client says, and what it comes
//! to where the other side is not content.

use crate::support::{mailbox::Reader, proxy::proxy_to, scratch::Scratch, script::Script};
use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::SecretString;
use tidings::{
    config::proxy::Proxy,
    poll::report::{Outcome, Summary},
};

/// What follows on a sign-in at a server that has nothing.
const EMPTY: &str = "S: +OK\nC: UIDL\nS: +OK\nS: .\nC: LIST\nS: +OK\nS: .\nC: QUIT\nS: +OK bye\n";

/// A server's greeting and what it offers.
fn offering(mechanisms: &str) -> String {
    format!("S: +OK POP3 server ready\nC: CAPA\nS: +OK\nS: UIDL\nS: SASL {mechanisms}\nS: .\n")
}

fn xoauth2(token: &str) -> String {
    let response = format!("user=notices\x01auth=Bearer {token}\x01\x01");
    format!(
        "C: AUTH XOAUTH2\nS: + \nC: {}\n",
        BASE64_STANDARD.encode(response)
    )
}

/// How XOAUTH2 refuses: the reason, then the refusal itself.
fn refusing(status: &str) -> String {
    let reason = format!("{{\"status\":\"{status}\",\"schemes\":\"Bearer\",\"scope\":\"mail\"}}");
    format!(
        "S: + {}\nC: \nS: -ERR [AUTH] no\n",
        BASE64_STANDARD.encode(reason)
    )
}

/// A check with a token in hand, and a command that gives the next one.
async fn check(sessions: Vec<String>, token: &str, next: &str) -> Summary {
    let script = Script::serve(sessions).await;
    let mut reader = Reader::of(script.port);
    reader.password = SecretString::from(token);
    reader.mailbox.token_command = ["echo", next].map(str::to_owned).to_vec();

    let (summary, _) = reader.check().await;

    script.finish().await.expect("it says what is written");
    assert!(!summary.dialogue.contains(token), "{}", summary.dialogue);
    summary
}

#[tokio::test]
async fn a_token_goes_on_a_line_of_its_own() {
    let session = format!(
        "{}{}{EMPTY}",
        offering("XOAUTH2 PLAIN"),
        xoauth2("ya29.abc")
    );

    let summary = check(vec![session], "ya29.abc", "unused").await;

    assert_eq!(summary.outcome, Outcome::Done, "{}", summary.dialogue);
}

#[tokio::test]
async fn oauthbearer_goes_first_and_its_refusal_is_ended_as_the_rfc_says() {
    let reason = BASE64_STANDARD.encode("{\"status\":\"bad token tok-1234\"}");
    // The same token is not said once more by the other mechanism.
    let session = format!(
        "{}C: AUTH OAUTHBEARER\nS: + \nC: bixhPW5vdGljZXMsAWhvc3Q9MTI3LjAuMC4x...\nS: + {reason}\nC: AQ==\n\
         S: -ERR [AUTH] no\nC: QUIT\nS: +OK\n",
        offering("OAUTHBEARER XOAUTH2"),
    );

    let summary = check(vec![session], "tok-1234", "tok-1234").await;

    let Outcome::SignInFailed { words } = &summary.outcome else {
        panic!("{:?}", summary.outcome);
    };
    assert_eq!(
        words.as_str(),
        "the token was not taken (bad token ****): no"
    );
}

#[tokio::test]
async fn a_mechanism_that_is_refused_before_the_token_is_followed_by_the_other() {
    let session = format!(
        "{}C: AUTH OAUTHBEARER\nS: -ERR not for you\n{}{EMPTY}",
        offering("OAUTHBEARER XOAUTH2"),
        xoauth2("ya29.abc"),
    );

    let summary = check(vec![session], "ya29.abc", "unused").await;

    assert_eq!(summary.outcome, Outcome::Done, "{}", summary.dialogue);
}

#[tokio::test]
async fn a_token_that_has_expired_is_fetched_anew_once() {
    let refused = format!(
        "{}{}{}C: QUIT\nS: +OK\n",
        offering("XOAUTH2"),
        xoauth2("stale"),
        refusing("401")
    );
    let taken = format!("{}{}{EMPTY}", offering("XOAUTH2"), xoauth2("fresh"));

    let summary = check(vec![refused, taken], "stale", "fresh").await;

    assert_eq!(summary.outcome, Outcome::Done, "{}", summary.dialogue);
    assert!(!summary.dialogue.contains("fresh"), "{}", summary.dialogue);
}

#[tokio::test]
async fn a_fresh_token_that_is_not_taken_either_stops_and_says_why() {
    let refused = |token| {
        format!(
            "{}{}{}C: QUIT\nS: +OK\n",
            offering("XOAUTH2"),
            xoauth2(token),
            refusing("400")
        )
    };

    let summary = check(vec![refused("stale"), refused("fresh")], "stale", "fresh").await;

    let Outcome::SignInFailed { words } = &summary.outcome else {
        panic!("{:?}", summary.outcome);
    };
    assert_eq!(
        words.as_str(),
        "the token is malformed, or for another account, it must be good for mail: no"
    );
}

#[tokio::test]
async fn the_same_token_is_not_said_twice() {
    let refused = format!(
        "{}{}{}C: QUIT\nS: +OK\n",
        offering("XOAUTH2"),
        xoauth2("same"),
        refusing("401")
    );

    let summary = check(vec![refused], "same", "same").await;

    assert!(matches!(summary.outcome, Outcome::SignInFailed { .. }));
}

#[tokio::test]
async fn a_token_is_given_to_no_server_that_takes_only_passwords() {
    let session = format!("{}C: QUIT\nS: +OK\n", offering("PLAIN LOGIN"));

    let summary = check(vec![session], "ya29.abc", "ya29.def").await;

    let Outcome::SignInFailed { words } = &summary.outcome else {
        panic!("{:?}", summary.outcome);
    };
    assert!(words.contains("no way to sign in by a token"), "{words}");
}

#[tokio::test]
async fn auth_login_is_taken_where_there_is_nothing_else() {
    let script = Script::serve(vec![format!(
        "{}C: AUTH LOGIN\nS: + VXNlcm5hbWU6\nC: bm90aWNlcw==\nS: + UGFzc3dvcmQ6\nC: c2VzYW1l\n{EMPTY}",
        offering("LOGIN")
    )])
    .await;
    let reader = Reader::of(script.port);

    let (summary, _) = reader.check().await;

    script.finish().await.expect("it says what is written");
    assert_eq!(summary.outcome, Outcome::Done, "{}", summary.dialogue);
    assert!(
        !summary.dialogue.contains("c2VzYW1l"),
        "{}",
        summary.dialogue
    );
}

#[tokio::test]
async fn auth_login_that_is_refused_at_the_name_gives_no_password() {
    let script = Script::serve(vec![format!(
        "{}C: AUTH LOGIN\nS: + VXNlcm5hbWU6\nC: bm90aWNlcw==\nS: -ERR [AUTH] whoever\nC: QUIT\nS: +OK\n",
        offering("LOGIN")
    )])
    .await;
    let reader = Reader::of(script.port);

    let (summary, _) = reader.check().await;

    script.finish().await.expect("it says what is written");
    assert!(matches!(summary.outcome, Outcome::SignInFailed { .. }));
}

fn through(port: u16, login: &str) -> Option<Proxy> {
    Some(Proxy::parse(&format!("socks5://{login}127.0.0.1:{port}")).expect("a proxy"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_told_the_servers_name() {
    let scratch = Scratch::new();
    scratch.deliver(b"Subject: One\n\ntext\n");
    let served = scratch.serve().await;
    let (port, asked) = proxy_to(served.address().port(), Some("ana:p@ss")).await;
    let mut reader = Reader::of(served.address().port());
    reader.mailbox.host = "pop.team.example".to_owned();
    reader.mailbox.insecure = Some(tidings::config::INSECURE.to_owned());
    reader.mailbox.proxy = through(port, "ana:p%40ss@");

    let (summary, _) = reader.check().await;

    assert_eq!(summary.outcome, Outcome::Done, "{}", summary.dialogue);
    assert_eq!(summary.new, 1);
    assert!(!summary.dialogue.contains("p@ss"), "{}", summary.dialogue);
    assert_eq!(*asked.lock().expect("names"), ["pop.team.example"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_leads_no_further_is_said_in_words() {
    let (port, _task) = proxy_to(1, Some("ana:other")).await;
    let mut reader = Reader::of(1);
    reader.mailbox.insecure = Some(tidings::config::INSECURE.to_owned());
    reader.mailbox.proxy = through(port, "ana:secret@");

    let (summary, _) = reader.check().await;

    let Outcome::Unreachable { why } = &summary.outcome else {
        panic!("{:?}", summary.outcome);
    };
    assert!(
        why.contains("does not take this name and password"),
        "{why}"
    );
    assert!(!why.contains("secret"), "{why}");
}

#[tokio::test]
async fn what_a_server_announced_last_time_is_no_longer_believed_once_it_is_refused() {
    let before = "S: +OK ready\nC: CAPA\nS: +OK\nS: USER\nS: UIDL\nS: PIPELINING\nS: .\n\
                  C: USER notices\nC: PASS sesame\nC: UIDL\nC: LIST\nS: +OK\nS: +OK\nS: +OK\nS: .\n\
                  S: +OK\nS: .\nC: QUIT\nS: +OK\n";
    // All five lines come at once; by now it wants something else, which the answer says.
    let after = "S: +OK ready\nC: CAPA\nC: USER notices\nC: PASS sesame\nC: STAT\nC: UIDL\nS: +OK\n\
                 S: SASL LOGIN\nS: UIDL\nS: PIPELINING\nS: .\nS: -ERR use AUTH\nS: -ERR use AUTH\n\
                 S: -ERR who are you?\nS: -ERR who are you?\n\
                 C: AUTH LOGIN\nS: + VXNlcm5hbWU6\nC: bm90aWNlcw==\nS: + UGFzc3dvcmQ6\nC: c2VzYW1l\n\
                 S: +OK\nC: STAT\nC: UIDL\nS: +OK 0 0\nS: +OK\nS: .\nC: QUIT\nS: +OK\n";
    let script = Script::serve(vec![before.to_owned(), after.to_owned()]).await;
    let reader = Reader::of(script.port);

    let (first, _) = reader.check().await;
    let (second, _) = reader.check().await;

    script.finish().await.expect("it says what is written");
    assert_eq!(first.outcome, Outcome::Done, "{}", first.dialogue);
    assert_eq!(second.outcome, Outcome::Done, "{}", second.dialogue);
}

#[tokio::test]
async fn through_a_proxy_this_machine_is_no_exemption_from_tls() {
    let mut reader = Reader::of(1);
    reader.mailbox.proxy = through(1, "");

    let (summary, _) = reader.check().await;

    assert!(
        matches!(summary.outcome, Outcome::NotSafe { .. }),
        "{:?}",
        summary.outcome
    );
}

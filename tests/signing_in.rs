//! Who may sign in to a server, how, from where and how often.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tidings::server::{
    Handle,
    accounts::file::Change,
    certificate::{Certificate, names},
    limits::Limits,
    options::{Listener, Options, Protection},
    spool::Spool,
};

use tidings::poll::report::Outcome;

use crate::support::{mailbox::Reader, scratch::Scratch, talk::Talk};

#[tokio::test]
async fn who_signs_in_too_often_is_told_to_wait() {
    let scratch = Scratch::new();
    scratch.configure("login_delay = \"60s\"\n");
    let served = scratch.serve().await;
    let mut first = Talk::connect(served.address()).await;
    first.hear("+OK").await;
    first.ask("CAPA", "+OK").await;
    assert!(first.body().await.contains(&"LOGIN-DELAY 60".to_owned()));
    first.sign_in().await;
    first.ask("QUIT", "+OK").await;

    let mut second = Talk::connect(served.address()).await;
    second.hear("+OK").await;
    second.ask("USER notices", "+OK").await;
    second.ask("PASS sesame", "-ERR [LOGIN-DELAY]").await;
    // A wrong password is one whenever it comes.
    second.ask("USER notices", "+OK").await;
    second.ask("PASS guess", "-ERR [AUTH]").await;
    let mut other = from_elsewhere(&served.handle);
    other.hear("+OK").await;
    other.sign_in().await;
}

#[tokio::test]
async fn who_is_not_in_the_accounts_networks_has_a_wrong_password() {
    let scratch = Scratch::new();
    scratch.configure("networks = [\"192.0.2.0/24\"]\n");
    let served = scratch.serve().await;
    let mut here = Talk::connect(served.address()).await;
    here.hear("+OK").await;

    here.ask("USER notices", "+OK").await;
    here.ask("PASS sesame", "-ERR [AUTH] account or password are wrong")
        .await;
    let mut there = from_elsewhere(&served.handle);
    there.hear("+OK").await;
    there.sign_in().await;
}

/// An address of a network for documentation (RFC 5737).
const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

/// A connection that comes from elsewhere.
fn from_elsewhere(server: &Handle) -> Talk {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    assert!(server.attach(theirs, ADDRESS));
    Talk::over(ours)
}

/// A client of TLS 1.1 and its one cipher: what a server says to it.
async fn answer_to_tls_1_1(address: SocketAddr) -> Vec<u8> {
    let mut hello = vec![3, 2];
    hello.extend_from_slice(&[7; 32]);
    // No session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
    hello.extend_from_slice(&[0, 0, 2, 0x00, 0x2f, 1, 0]);
    let length = hello.len() as u8;
    let record = [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &hello].concat();
    let mut talk = Talk::connect(address).await;
    talk.send(&record).await;
    talk.rest().await
}

#[tokio::test]
async fn old_versions_of_tls_are_refused() {
    let scratch = Scratch::new();
    let own = Certificate::of_spool(scratch.spool.folder(), &names(&[]));
    let acceptor = own.expect("a certificate").acceptor().expect("an acceptor");
    let listener = Listener {
        address: "127.0.0.1:0".parse().expect("an address"),
        protection: Protection::Tls,
    };
    let options = Options {
        listeners: vec![listener],
        acceptor: Some(acceptor),
        ..Options::default()
    };
    let served = scratch.serve_with(options).await;

    let answer = answer_to_tls_1_1(served.address()).await;

    // A fatal alert: protocol_version (RFC 5246 §7.2).
    assert_eq!(answer.first(), Some(&21), "{answer:?}");
    assert_eq!(answer[answer.len() - 2..], [2, 70], "{answer:?}");
}

/// The client's side of SCRAM-SHA-256, from the words of RFC 5802.
async fn scram(talk: &mut Talk, name: &str, password: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::{Digest, Sha256};

    let sign = |key: &[u8], text: &str| -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let plain = |line: &str| {
        let octets = STANDARD
            .decode(line.trim_start_matches("+ "))
            .expect("base64");
        String::from_utf8(octets).expect("text")
    };
    let bare = format!("n={name},r=fyko+d2lbbFgONRv9qkxdawL");
    talk.say(&format!(
        "AUTH SCRAM-SHA-256 {}",
        STANDARD.encode(format!("n,,{bare}"))
    ))
    .await;
    let first = plain(&talk.hear("+ ").await);
    let parts: Vec<&str> = first.split(',').collect();
    let (nonce, salt, iterations) = (&parts[0][2..], &parts[1][2..], &parts[2][2..]);
    let mut salted = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(
        password.as_bytes(),
        &STANDARD.decode(salt).expect("a salt"),
        iterations.parse().expect("a number"),
        &mut salted,
    );
    let client_key = sign(&salted, "Client Key");
    let last = format!("c=biws,r={nonce}");
    let signed = format!("{bare},{first},{last}");
    let signature = sign(&Sha256::digest(&client_key), &signed);
    let proof: Vec<u8> = client_key
        .iter()
        .zip(signature)
        .map(|(key, of)| key ^ of)
        .collect();
    talk.say(&STANDARD.encode(format!("{last},p={}", STANDARD.encode(proof))))
        .await;
    let answer = talk.line().await.expect("an answer");
    if answer.starts_with("-ERR") {
        return answer;
    }
    let theirs = sign(&sign(&salted, "Server Key"), &signed);
    assert_eq!(
        plain(&answer),
        format!("v={}", STANDARD.encode(theirs)),
        "the server knows it too"
    );
    talk.say("").await;
    assert!(
        !nonce.ends_with("fyko+d2lbbFgONRv9qkxdawL"),
        "the server adds its own"
    );
    format!("{} {nonce}", talk.line().await.expect("an answer"))
}

#[tokio::test]
async fn scram_signs_in_whom_it_may() {
    let scratch = Scratch::new();
    scratch.add_account("other");
    let limits = Limits {
        pause: Duration::ZERO,
        ..Limits::default()
    };
    let options = Options {
        limits,
        ..Options::default()
    };
    let served = scratch.serve_with(options).await;
    let accounts = scratch.spool.accounts();
    let opt_in = |name: &str| {
        let change = Change {
            scram: Some(true),
            ..Change::default()
        };
        let password = secrecy::SecretString::from("sesame");
        let hardness = tidings::server::accounts::passwords::Hardness::Throwaway;
        accounts
            .change(name, change, Some((&password, hardness)))
            .expect("a change");
    };
    opt_in("notices");
    let mut some = Talk::connect(served.address()).await;
    some.hear("+OK").await;
    some.ask("AUTH", "+OK").await;
    assert_eq!(
        some.body().await,
        ["PLAIN", "LOGIN"],
        "not everybody could use it"
    );

    let known = scram(&mut some, "notices", "sesame").await;

    assert!(known.starts_with("+OK"), "{known}");
    opt_in("other");
    let mut all = Talk::connect(served.address()).await;
    all.hear("+OK").await;
    all.ask("AUTH", "+OK").await;
    assert_eq!(all.body().await, ["SCRAM-SHA-256", "PLAIN", "LOGIN"]);
    for (name, password) in [("notices", "guess"), ("nobody", "sesame")] {
        let wrong = scram(&mut all, name, password).await;
        assert_eq!(wrong, "-ERR [AUTH] account or password are wrong");
    }
    let again = scram(&mut all, "notices", "sesame").await;
    assert!(again.starts_with("+OK"), "{again}");
    assert_ne!(known, again, "another nonce each time");
}

#[tokio::test]
async fn many_that_do_not_sign_in_keep_no_other_address_out() {
    let scratch = Scratch::new();
    let limits = Limits {
        arriving: 3,
        ..Limits::default()
    };
    let options = Options {
        limits,
        ..Options::default()
    };
    let served = scratch.serve_with(options).await;
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut talk = from_elsewhere(&served.handle);
        talk.hear("+OK").await;
        slow.push(talk);
    }

    let mut ours = Talk::connect(served.address()).await;
    ours.hear("+OK").await;

    assert_eq!(slow[0].rest().await, b"", "the oldest of the many gave way");
    slow[1].ask("NOOP", "-ERR sign in first").await;
    // It has as many as anybody else may have then: the next one of theirs finds no room.
    let (_end, theirs) = tokio::io::duplex(1024);
    assert!(!served.handle.attach(theirs, ADDRESS));
    ours.sign_in().await;
    assert_eq!(served.handle.numbers(), (2, 1));
}

#[test]
fn what_an_unknown_account_is_asked_is_the_same_after_a_restart() {
    let scratch = Scratch::new();
    let asked = |spool: &Spool| spool.accounts().verifier("stranger").to_string();

    let before = asked(&scratch.spool);
    let again = Spool::open(scratch.folder.path()).expect("the spool");

    assert_eq!(asked(&again), before);
    assert_ne!(again.accounts().verifier("another").to_string(), before);
    let kept = scratch.folder.path().join(".nobody");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(kept).expect("a file").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    assert_ne!(
        Scratch::new()
            .spool
            .accounts()
            .verifier("stranger")
            .to_string(),
        before,
        "it is another spool's"
    );
}

// Our client against our server.

/// An account that opts in to SCRAM, or out of it again.
fn set_scram(scratch: &Scratch, scram: bool) {
    let change = Change {
        scram: Some(scram),
        ..Change::default()
    };
    let password = secrecy::SecretString::from("sesame");
    let hardness = tidings::server::accounts::passwords::Hardness::Throwaway;
    scratch
        .spool
        .accounts()
        .change("notices", change, Some((&password, hardness)))
        .expect("a change");
}

#[tokio::test]
async fn our_client_takes_scram_and_nothing_less_from_then_on() {
    let scratch = Scratch::new();
    scratch.deliver(b"Subject: 1\n\nHello.\n");
    set_scram(&scratch, true);
    let served = scratch.serve().await;
    let reader = Reader::of(served.address().port());

    let (first, _) = reader.check().await;
    let (second, _) = reader.check().await;

    assert_eq!((first.outcome, first.new), (Outcome::Done, 1));
    assert_eq!(second.outcome, Outcome::Done);
    let keywords = served.events.keywords();
    assert!(keywords.contains(&"AUTH"));
    assert!(!keywords.contains(&"PASS"), "{keywords:?}");

    // Somebody in the way could leave SCRAM out of what the server says that it can do.
    set_scram(&scratch, false);
    let (third, _) = reader.check().await;
    let words = third.outcome.words();
    assert!(words.contains("no longer offers SCRAM-SHA-256"), "{words}");
    assert!(!served.events.keywords().contains(&"PASS"));
}

#[tokio::test]
async fn our_client_binds_scram_to_the_servers_certificate() {
    let scratch = Scratch::new();
    set_scram(&scratch, true);
    let certificate =
        Certificate::of_spool(scratch.spool.folder(), &names(&[])).expect("a certificate");
    let options = Options {
        listeners: vec![Listener {
            protection: Protection::Tls,
            ..Options::default().listeners[0]
        }],
        acceptor: Some(certificate.acceptor().expect("an acceptor")),
        ..Options::default()
    };
    let served = scratch.serve_with(options).await;
    let mut reader = Reader::of(served.address().port());
    reader.mailbox.tls = tidings::config::Tls::Implicit;
    reader.mailbox.ca_file = Some(scratch.folder.path().join(".certificate.pem"));

    let (summary, _) = reader.check().await;

    assert_eq!(summary.outcome, Outcome::Done);
    assert!(
        summary.dialogue.contains("AUTH SCRAM-SHA-256-PLUS "),
        "{}",
        summary.dialogue
    );
    assert!(!summary.dialogue.contains("sesame"));
}

#[tokio::test]
async fn a_wrong_password_is_one_by_scram_too() {
    let scratch = Scratch::new();
    set_scram(&scratch, true);
    let served = scratch.serve().await;
    let mut reader = Reader::of(served.address().port());
    reader.check().await;

    reader.password = secrecy::SecretString::from("guess");
    let (summary, _) = reader.check().await;

    assert!(
        matches!(summary.outcome, Outcome::SignInFailed { .. }),
        "{:?}",
        summary.outcome
    );
    assert!(!served.events.keywords().contains(&"PASS"));
}

#[test]
fn a_way_that_was_refused_is_not_tried_every_time() {
    use tidings::{
        client::login::{Last, Refused, Situation, Way, ways},
        pop3::capability::Capabilities,
    };

    let capabilities = Capabilities::parse(b"USER\r\nSASL SCRAM-SHA-256 PLAIN\r\n");
    let tried = |last: Option<&str>, is_tls, allows_clear_text| {
        ways(&Situation {
            capabilities: Some(&capabilities),
            timestamp: Some("<1@x>"),
            is_tls,
            has_token: false,
            allows_clear_text,
            last: last.map(|last| last.parse().expect("a way")),
        })
    };

    assert_eq!(tried(None, false, true), [Way::Scram, Way::Apop, Way::User]);
    assert_eq!(tried(None, false, false), [Way::Scram, Way::Apop]);
    assert_eq!(tried(None, true, false), [Way::Scram, Way::Plain]);
    let both = "USER/PASS after SCRAM-SHA-256 after APOP";
    assert_eq!(tried(Some(both), false, true), [Way::User]);
    assert_eq!(
        tried(Some("APOP after SCRAM-SHA-256"), false, true),
        [Way::Apop]
    );
    assert_eq!(tried(Some("APOP"), false, true), [Way::Scram, Way::Apop]);
    assert_eq!(tried(Some("SCRAM-SHA-256"), false, true), [Way::Scram]);
    // Nobody reads along: an account whose SCRAM is gone is not locked out.
    assert_eq!(
        tried(Some("SCRAM-SHA-256"), true, false),
        [Way::Scram, Way::Plain]
    );
    assert_eq!(
        tried(Some("AUTH PLAIN after SCRAM-SHA-256"), true, false),
        [Way::Plain]
    );
    for text in [
        both,
        "APOP after SCRAM-SHA-256",
        "USER/PASS after APOP",
        "AUTH PLAIN",
    ] {
        let last: Last = text.parse().expect("a way");
        assert_eq!(last.to_string(), text);
    }
    assert_eq!(
        "USER/PASS".parse::<Last>().map(|last| last.refused),
        Ok(Refused::default())
    );
}

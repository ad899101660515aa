//! What is to hold for any octets whatever, a function each: no panic, no octet in two messages, no
//! answer that is none. They run seeded in `cargo test`, and by `cargo fuzz` in the folder `fuzz`.

use bytes::BytesMut;
use secrecy::SecretString;
use tidings::{
    pop3::{
        codec::{Output, ServerCodec},
        command::Command,
        sasl::scram::Verifier,
    },
    server::{
        accounts::{account::Policy, file},
        index::saved::Saved,
        lmtp::session::{self as lmtp, Found},
        maildrop::{Maildrop, Message, Messages},
        mbox::{self, Excerpt, scanner::Scanner},
        session::{
            Session,
            step::{Body, Credentials, Offer, Refusal, Rights, Step, Updated},
        },
    },
};
use tokio_util::codec::{Decoder, Encoder};

/// A command line.
pub fn command(octets: &[u8]) {
    if let Ok(command) = Command::parse(octets) {
        let mut line = Vec::new();
        command.encode(&mut line);
        let again = Command::parse(line.strip_suffix(b"\r\n").expect("a line end"));
        assert_eq!(again.map(|again| again.keyword()), Ok(command.keyword()));
        assert!(!command.to_string().contains('\n'));
    }
}

/// A whole session: what a client sends, and what is done about it.
pub fn session(octets: &[u8]) {
    let mut session = Session::new(Offer {
        stls: octets.first().is_some_and(|first| first % 2 == 0),
        passwords: true,
        timestamp: Some("<1896.697170952@dbc.mtview.ca.us>".to_owned()),
        scram: true,
        ..Offer::default()
    });
    let (mut codec, mut input, mut output) = (
        ServerCodec::default(),
        BytesMut::from(octets),
        BytesMut::new(),
    );
    loop {
        codec.set_in_exchange(session.in_exchange());
        let Some(line) = codec.decode(&mut input).expect("no I/O") else {
            return;
        };
        let mut step = session.receive(line);
        loop {
            step = match step {
                Step::SignIn(Credentials::Disproved { .. }) => session.turned_away(Refusal::Denied),
                Step::SignIn(credentials) if credentials.name().len() % 3 == 0 => {
                    session.turned_away(Refusal::Busy)
                }
                Step::SignIn(_) => session.signed_in(
                    maildrop(MAILBOX),
                    Rights {
                        delete: true,
                        policy: Policy::default(),
                    },
                ),
                Step::Look { name } => session.told(
                    Verifier::of_nobody(&name, &[7; 32]),
                    &SecretString::from("chance"),
                ),
                Step::Update(_) => session.updated(Updated::Done),
                Step::Reply(response, body) => {
                    say(&mut codec, Output::Line(response), &mut output);
                    say_body(&mut codec, body, &mut output);
                    break;
                }
                Step::Challenge(challenge) => {
                    say(&mut codec, Output::Challenge(challenge), &mut output);
                    break;
                }
                Step::Upgrade(response) => {
                    say(&mut codec, Output::Line(response), &mut output);
                    session.upgraded(None);
                    break;
                }
                Step::Close(response) => {
                    say(&mut codec, Output::Line(response), &mut output);
                    return;
                }
            };
        }
        assert!(output.ends_with(b"\r\n"));
        assert!(
            output.starts_with(b"+OK") || output.starts_with(b"-ERR") || output.starts_with(b"+ "),
            "{}",
            output.escape_ascii()
        );
        output.clear();
    }
}

const MAILBOX: &[u8] = b"From a@b Mon Nov 23 08:00:00 2026\nSubject: one\n\n.\n>From here\n\n\
    From c@d Mon Nov 23 09:00:00 2026\nSubject: two\n\nno end";

fn maildrop(mailbox: &[u8]) -> Maildrop {
    let mut messages = Messages::default();
    for entry in mbox::split(mailbox) {
        messages.push(Message {
            entry,
            copy: 1,
            file: None,
        });
    }
    Maildrop::new(messages)
}

fn say(codec: &mut ServerCodec, output: Output, out: &mut BytesMut) {
    codec.encode(output, out).expect("no I/O");
}

fn say_body(codec: &mut ServerCodec, body: Body, out: &mut BytesMut) {
    match body {
        Body::None => return,
        Body::Lines(lines) => say(codec, Output::Lines(lines), out),
        Body::Listing(listing) => listing.for_each(|lines| say(codec, Output::Lines(lines), out)),
        Body::Message {
            message,
            mut excerpt,
        } => {
            let (body, end) = (message.entry.body as usize, message.entry.end as usize);
            excerpt.push(&MAILBOX[body..end], |part| codec.encode_body(part, out));
        }
    }
    say(codec, Output::End, out);
}

/// A mailbox's file: in order, within its bounds, the same in pieces, sizes as they are sent.
pub fn mailbox(octets: &[u8]) {
    let entries = mbox::split(octets);
    let mut from = 0;
    for entry in &entries {
        assert!(from <= entry.start && entry.start <= entry.body && entry.body <= entry.end);
        assert!(entry.end <= octets.len() as u64);
        from = entry.end;
        let mut codec = ServerCodec::default();
        let mut sent = BytesMut::new();
        Excerpt::whole().push(&octets[entry.body as usize..entry.end as usize], |part| {
            codec.encode_body(part, &mut sent);
        });
        let stuffed = memchr::memmem::find_iter(&sent, b"\r\n.").count()
            + usize::from(sent.starts_with(b"."));
        codec.encode(Output::End, &mut sent).expect("no I/O");
        let whole = sent.len() - b".\r\n".len() - stuffed;
        assert_eq!(whole as u64, entry.octets, "{}", sent.escape_ascii());
    }
    let mut scanner = Scanner::at(0);
    let (mut found, mut kept) = (Vec::new(), Vec::new());
    for piece in octets.chunks(7) {
        kept.extend_from_slice(piece);
        let taken = scanner.feed(&kept, &mut found);
        kept.drain(..taken);
    }
    scanner.finish(&kept, &mut found);
    assert_eq!(found, entries);
}

/// An index that was kept.
pub fn index(octets: &[u8]) {
    if let Some(saved) = Saved::from_bytes(octets) {
        assert_eq!(saved.to_bytes(), octets);
    }
}

/// A file of accounts, and one that is changed.
pub fn accounts(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    let Ok(accounts) = file::parse(text) else {
        return;
    };
    for name in accounts.keys() {
        let change = file::Change {
            scram: Some(true),
            ..file::Change::default()
        };
        // A table may be written inline, which is not edited.
        if let Ok(changed) = file::changed(text, name, &change) {
            let again = file::parse(&changed).expect("what was written is read");
            assert!(again[name].scram);
            assert_eq!(again.len(), accounts.len());
        }
    }
}

/// What a mail server says.
pub fn lmtp(octets: &[u8]) {
    let mut session = lmtp::Session::new(1_000_000);
    for line in octets.split_inclusive(|&octet| octet == b'\n') {
        let mut step = session.receive(line);
        if let lmtp::Step::Find { account, octets } = step {
            let found = match account.len() % 3 {
                0 => Found::Nobody,
                _ if octets > 500_000 => Found::TooLarge,
                _ => Found::Yes,
            };
            step = session.found(account, found);
        }
        let (reply, is_over) = match step {
            lmtp::Step::Say(reply) => (reply, false),
            lmtp::Step::Gather(reply) => {
                let envelope = session.take_mail();
                assert!(!envelope.accounts.is_empty());
                (reply, false)
            }
            lmtp::Step::Close(reply) => (reply, true),
            lmtp::Step::Find { .. } => unreachable!("it was found"),
        };
        let said = reply.to_string();
        assert!(said.ends_with("\r\n") && said.as_bytes()[..3].iter().all(u8::is_ascii_digit));
        assert!(said.lines().all(|line| !line.contains('\r')), "{said:?}");
        if is_over {
            return;
        }
    }
}

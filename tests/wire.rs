//! The wire: commands, answers, listings and capabilities, as tables and as round trips, and both
//! codecs with their input cut anywhere.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use tidings::pop3::{
    capability::{Capabilities, Capability},
    codec::{
        Answer, ClientCodec, Continuation, Input, LONGEST_DISCARDED, LONGEST_LINE, Output,
        ServerCodec,
    },
    command::{Auth, Command, LONGEST_COMMAND, LONGEST_CONTINUATION, ParseError},
    listing::{DropListing, MessageNumber, Octets, ScanListing, UniqueId, UniqueIdListing},
    multiline::{Stuffer, octets, stuff},
    response::{self, Code, Response, Status},
    sasl::{Mechanism, Plain, apop_digest},
};
use tokio_util::codec::{Decoder, Encoder};

const CHUNKS: [usize; 5] = [1, 2, 3, 5, 8];

fn number(value: u32) -> MessageNumber {
    MessageNumber::new(value).expect("a number from 1")
}

fn encoded(command: &Command) -> String {
    let mut out = Vec::new();
    command.encode(&mut out);
    String::from_utf8(out).expect("text")
}

// Commands.

#[test]
fn commands_are_read_and_written() {
    for line in [
        "QUIT",
        "STAT",
        "LIST",
        "LIST 1",
        "RETR 4294967295",
        "DELE 2",
        "NOOP",
        "RSET",
        "TOP 1 0",
        "TOP 3 18446744073709551615",
        "UIDL",
        "UIDL 7",
        "USER notices",
        "USER a name with spaces",
        "PASS sesame",
        "PASS  two  spaces ",
        "APOP mrose c4c9334bac560ecc979e58001b3e22fb",
        "CAPA",
        "STLS",
        "AUTH",
        "AUTH PLAIN",
        "AUTH PLAIN =",
        "AUTH PLAIN AG5vdGljZXMAc2VzYW1l",
    ] {
        let command = Command::parse(line.as_bytes()).unwrap_or_else(|e| panic!("{line}: {e}"));

        assert_eq!(encoded(&command), format!("{line}\r\n"));
    }
}

#[test]
fn lines_that_are_no_commands_say_what_is_wrong() {
    for (line, error) in [
        (&b""[..], ParseError::Unknown),
        (b" STAT", ParseError::Unknown),
        (b"HELO", ParseError::Unknown),
        (b"STAT now", ParseError::Arguments("STAT")),
        (b"LIST 1 2", ParseError::Arguments("LIST")),
        (b"LIST  1", ParseError::Arguments("LIST")),
        (b"RETR", ParseError::Arguments("RETR")),
        (b"RETR 0", ParseError::NoSuchMessage),
        (b"RETR +1", ParseError::NoSuchMessage),
        (b"RETR 4294967296", ParseError::NoSuchMessage),
        (b"TOP 1", ParseError::Arguments("TOP")),
        (b"TOP 1 -1", ParseError::NotANumber),
        (b"USER", ParseError::Arguments("USER")),
        (b"USER ", ParseError::Arguments("USER")),
        (b"PASS", ParseError::Arguments("PASS")),
        (b"PASS ", ParseError::Arguments("PASS")),
        (b"APOP mrose", ParseError::Arguments("APOP")),
        (b"APOP mrose c4c9", ParseError::NotADigest),
        (b"AUTH CRAM-MD5", ParseError::UnknownMechanism),
        (b"AUTH PLAIN a b", ParseError::Arguments("AUTH")),
        (b"RETR \xff", ParseError::NotText),
        (b"USER a\0b", ParseError::NotText),
    ] {
        let result = Command::parse(line);

        assert_eq!(result.err(), Some(error), "{}", line.escape_ascii());
    }
}

#[test]
fn passwords_never_print() {
    let password = SecretString::from("sesame");
    let plain = Plain {
        authorization: String::new(),
        name: "notices".to_owned(),
        password: password.clone(),
    };
    let initial = plain.encode();
    let commands = [
        Command::Pass(password.clone()),
        Command::Auth(Some(Auth {
            mechanism: Mechanism::Plain,
            initial: Some(initial.clone()),
        })),
    ];
    let shown = format!(
        "{} {} {commands:?} {plain:?} {:?} {:?}",
        commands[0],
        commands[1],
        Continuation(initial.clone()),
        Input::Continuation(Some(initial.clone())),
    );

    assert!(shown.starts_with("PASS **** AUTH PLAIN ****"), "{shown}");
    assert!(!shown.contains("sesame"), "{shown}");
    assert!(!shown.contains(initial.expose_secret()), "{shown}");
}

proptest! {
    #[test]
    fn any_command_is_read_as_it_was_written(command in command()) {
        let line = encoded(&command);

        let read = Command::parse(line.trim_end_matches("\r\n").as_bytes()).expect("a command");

        prop_assert_eq!(encoded(&read), line);
    }

    #[test]
    fn no_line_makes_the_parser_panic(line in prop::collection::vec(any::<u8>(), 0..300)) {
        // Whatever comes out, it comes out.
        let _ = Command::parse(&line);
        let _ = Response::parse(&line);
        let _ = ScanListing::parse(&line);
        let _ = UniqueIdListing::parse(&line);
        let _ = Capabilities::parse(&line);
        let _ = Plain::decode(&String::from_utf8_lossy(&line));
    }
}

fn command() -> impl Strategy<Value = Command> {
    let message = || (1..=u32::MAX).prop_map(number);
    prop_oneof![
        Just(Command::Quit),
        Just(Command::Stat),
        prop::option::of(message()).prop_map(Command::List),
        message().prop_map(Command::Retr),
        message().prop_map(Command::Dele),
        Just(Command::Noop),
        Just(Command::Rset),
        (message(), any::<u64>()).prop_map(|(message, lines)| Command::Top { message, lines }),
        prop::option::of(message()).prop_map(Command::Uidl),
        "[!-~]{1,40}".prop_map(Command::User),
        "[ -~]{1,40}".prop_map(|password| Command::Pass(SecretString::from(password))),
        ("[!-~]{1,20}", "[0-9a-f]{32}").prop_map(|(name, digest)| Command::Apop { name, digest }),
        Just(Command::Capa),
        Just(Command::Stls),
        prop::option::of(prop::option::of("[A-Za-z0-9+/]{1,40}")).prop_map(|auth| {
            Command::Auth(auth.map(|initial| Auth {
                mechanism: Mechanism::Plain,
                initial: initial.map(SecretString::from),
            }))
        }),
    ]
}

// Answers.

#[test]
fn answers_are_read_as_servers_send_them() {
    let answer = |status, code, text: &str| Response {
        status,
        code,
        text: text.to_owned().into(),
    };
    for (line, expected) in [
        ("+OK", answer(Status::Ok, None, "")),
        ("+ok ready", answer(Status::Ok, None, "ready")),
        ("-ERR", answer(Status::Err, None, "")),
        (
            "-ERR [IN-USE] busy",
            answer(Status::Err, Some(Code::InUse), "busy"),
        ),
        (
            "-ERR [SYS/TEMP] later",
            answer(Status::Err, Some(Code::SysTemp), "later"),
        ),
        (
            "-ERR [SYS/PERM/DISK] never",
            answer(Status::Err, Some(Code::SysPerm), "never"),
        ),
        ("-ERR [AUTH]no", answer(Status::Err, Some(Code::Auth), "no")),
        (
            "-ERR mailbox [IN-USE]",
            answer(Status::Err, Some(Code::InUse), "mailbox"),
        ),
        (
            "-ERR [LOGIN-DELAY] wait",
            answer(Status::Err, Some(Code::LoginDelay), "wait"),
        ),
        (
            "-ERR [X-OTHER] what",
            answer(Status::Err, None, "[X-OTHER] what"),
        ),
    ] {
        assert_eq!(Response::parse(line.as_bytes()), Ok(expected), "{line}");
    }
}

#[test]
fn what_is_no_answer_is_an_error() {
    for line in [
        "",
        "OK",
        "+OKAY",
        "* OK IMAP4rev1",
        "220 smtp.example",
        "HTTP/1.1 400",
    ] {
        assert!(
            matches!(
                Response::parse(line.as_bytes()),
                Err(response::ParseError::NoStatus(_))
            ),
            "{line}"
        );
    }
}

#[test]
fn only_what_looks_like_a_message_id_is_a_timestamp() {
    for (text, timestamp) in [
        ("ready <1896.697170952@dbc>", Some("<1896.697170952@dbc>")),
        ("ready <no-at-sign>", None),
        ("ready <a@b@c>", None),
        ("ready <a b@c>", None),
        ("ready <\u{1}@c>", None),
        ("ready", None),
    ] {
        assert_eq!(Response::ok(text).timestamp(), timestamp, "{text}");
    }
}

#[test]
fn an_answer_is_never_longer_than_the_standard_has_it() {
    let mut out = BytesMut::new();

    ServerCodec::default()
        .encode(Output::Line(Response::err("é".repeat(600))), &mut out)
        .expect("no I/O");

    assert!(out.len() <= response::LONGEST_RESPONSE);
    assert!(out.ends_with(b"\r\n"));
    assert!(std::str::from_utf8(&out).is_ok());
}

#[test]
fn an_answer_is_one_line_whatever_its_text() {
    assert_eq!(
        Response::err("two\r\nlines\0").to_string(),
        "-ERR two  lines "
    );
}

proptest! {
    #[test]
    fn any_answer_is_read_as_it_was_written(
        is_ok in any::<bool>(),
        code in prop::option::of(prop::sample::select(vec![
            Code::LoginDelay, Code::InUse, Code::SysTemp, Code::SysPerm, Code::Auth,
        ])),
        text in "([!-Z^-~][ -Z^-~]{0,60}[!-Z^-~])?",
    ) {
        let written = Response {
            status: if is_ok { Status::Ok } else { Status::Err },
            code,
            text: text.into(),
        };

        let read = Response::parse(written.to_string().as_bytes());

        prop_assert_eq!(read, Ok(written));
    }
}

// Listings and capabilities.

#[test]
fn odd_listings_are_taken_as_they_are_meant() {
    assert_eq!(
        DropListing::parse("2 320 and more"),
        Some(DropListing {
            messages: 2,
            octets: Octets(320)
        })
    );
    assert_eq!(DropListing::parse("two"), None);
    assert_eq!(
        ScanListing::parse(b"  1\t120 extra"),
        Some(ScanListing {
            message: number(1),
            octets: Octets(120)
        })
    );
    assert_eq!(
        ScanListing::parse(b"1").map(|listing| listing.octets),
        Some(Octets(0))
    );
    assert_eq!(ScanListing::parse(b"0 120"), None);
    assert_eq!(UniqueIdListing::parse(b"1"), None);
    assert_eq!(
        UniqueIdListing::parse(b"1 \xff\xfe").map(|listing| listing.unique_id.is_standard()),
        Some(false)
    );
}

proptest! {
    #[test]
    fn listings_are_read_as_they_were_written(
        message in 1..=u32::MAX,
        size in 0..=u64::MAX / 2,
        id in "[!-~]{1,70}",
    ) {
        let scan = ScanListing { message: number(message), octets: Octets(size) };
        let unique = UniqueIdListing {
            message: number(message),
            unique_id: UniqueId::new(id.into_bytes()).expect("not empty"),
        };
        let drop = DropListing { messages: message, octets: Octets(size) };
        let mut line = Vec::new();
        unique.encode(&mut line);

        prop_assert!(unique.unique_id.is_standard());
        prop_assert_eq!(ScanListing::parse(scan.to_string().as_bytes()), Some(scan));
        prop_assert_eq!(UniqueIdListing::parse(line.trim_ascii_end()), Some(unique));
        prop_assert_eq!(DropListing::parse(&drop.to_string()), Some(drop));
    }
}

#[test]
fn capabilities_are_read_as_they_were_written() {
    let capabilities = vec![
        Capability::Top,
        Capability::User,
        Capability::Sasl(Mechanism::ALL.to_vec()),
        Capability::RespCodes,
        Capability::LoginDelay {
            seconds: 900,
            per_user: true,
        },
        Capability::Pipelining,
        Capability::Expire {
            days: Some(60),
            per_user: false,
        },
        Capability::Expire {
            days: None,
            per_user: false,
        },
        Capability::Uidl,
        Capability::Implementation("tidings 1".to_owned()),
        Capability::Stls,
        Capability::AuthRespCode,
        Capability::Utf8 { user: true },
        Capability::Utf8 { user: false },
        Capability::Lang,
        Capability::Other("X-ODD".to_owned()),
    ];
    let body: String = capabilities
        .iter()
        .map(|capability| format!("{capability}\r\n"))
        .collect();

    let read = Capabilities::parse(body.as_bytes());

    assert_eq!(read, Capabilities::new(capabilities));
}

#[test]
fn the_digest_of_apop_is_the_standards() {
    assert_eq!(
        apop_digest(
            "<1896.697170952@dbc.mtview.ca.us>",
            &SecretString::from("tanstaaf")
        ),
        "c4c9334bac560ecc979e58001b3e22fb"
    );
}

// Bodies.

proptest! {
    #[test]
    fn a_body_cut_anywhere_is_stuffed_as_the_whole(
        pieces in prop::collection::vec(prop::collection::vec(body_octet(), 0..12), 0..12),
    ) {
        let whole = pieces.concat();
        let mut at_once = BytesMut::new();
        stuff(&whole, &mut at_once);

        let mut in_pieces = BytesMut::new();
        let mut stuffer = Stuffer::default();
        for piece in &pieces {
            stuffer.push(piece, &mut in_pieces);
        }
        stuffer.finish(&mut in_pieces);

        prop_assert_eq!(in_pieces, at_once);
    }

    #[test]
    fn a_body_arrives_as_it_was_sent(
        body in prop::collection::vec(body_octet(), 0..60),
        chunk in 1usize..9,
    ) {
        let mut wire = BytesMut::from(&b"+OK\r\n"[..]);
        stuff(&body, &mut wire);

        let answers = answers(&[Command::Retr(number(1))], &wire, chunk);

        let received = received(&answers);
        prop_assert_eq!(&received, &with_crlf(&body));
        prop_assert_eq!(received.len() as u64, octets(&body));
        prop_assert_eq!(answers.last(), Some(&Answer::End));
    }
}

fn body_octet() -> impl Strategy<Value = u8> {
    prop_oneof![
        3 => prop::sample::select(vec![b'.', b'\r', b'\n']),
        1 => any::<u8>(),
    ]
}

fn with_crlf(body: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for line in body.split_inclusive(|&b| b == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        lines.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
        lines.extend_from_slice(b"\r\n");
    }
    lines
}

fn received(answers: &[Answer]) -> Vec<u8> {
    answers
        .iter()
        .filter_map(|answer| match answer {
            Answer::Body(bytes) => Some(&bytes[..]),
            _ => None,
        })
        .collect::<Vec<_>>()
        .concat()
}

/// What a client reads that has asked this, after the greeting.
fn answers(commands: &[Command], wire: &[u8], chunk: usize) -> Vec<Answer> {
    let mut codec = ClientCodec::upgraded();
    for command in commands {
        codec.encode(command, &mut BytesMut::new()).expect("no I/O");
    }
    let mut answers = Vec::new();
    let mut buffer = BytesMut::new();
    for piece in wire.chunks(chunk) {
        buffer.extend_from_slice(piece);
        while let Some(answer) = codec.decode(&mut buffer).expect("answers") {
            answers.push(answer);
        }
    }
    answers
}

// The client's codec.

const DIALOGUE: &[u8] = b"+OK capabilities\r\nTOP\r\nUIDL\r\n.\r\n\
    +OK 2 200\r\n\
    +OK\r\n1 a\r\n2 b\r\n.\r\n\
    -ERR no such message\r\n\
    +OK 20 octets\r\nA: 1\r\n\r\n..dot\r\n.\r\n\
    + \r\n\
    +OK signed in\r\n";

fn dialogue() -> [Command; 6] {
    [
        Command::Capa,
        Command::Stat,
        Command::Uidl(None),
        Command::Retr(number(9)),
        Command::Retr(number(1)),
        Command::Auth(Some(Auth {
            mechanism: Mechanism::Plain,
            initial: None,
        })),
    ]
}

/// Bodies come in pieces that depend on the cuts; joined, they must not.
fn joined(answers: Vec<Answer>) -> Vec<Answer> {
    let mut joined: Vec<Answer> = Vec::new();
    for answer in answers {
        match (joined.last_mut(), answer) {
            (Some(Answer::Body(known)), Answer::Body(more)) => {
                *known = Bytes::from([&known[..], &more[..]].concat());
            }
            (_, answer) => joined.push(answer),
        }
    }
    joined
}

#[test]
fn pipelined_answers_are_told_apart() {
    let answers = joined(answers(&dialogue(), DIALOGUE, DIALOGUE.len()));

    assert_eq!(
        answers,
        [
            Answer::Line(Response::ok("capabilities")),
            Answer::Body(Bytes::from_static(b"TOP\r\nUIDL\r\n")),
            Answer::End,
            Answer::Line(Response::ok("2 200")),
            Answer::Line(Response::ok("")),
            Answer::Body(Bytes::from_static(b"1 a\r\n2 b\r\n")),
            Answer::End,
            Answer::Line(Response::err("no such message")),
            Answer::Line(Response::ok("20 octets")),
            Answer::Body(Bytes::from_static(b"A: 1\r\n\r\n.dot\r\n")),
            Answer::End,
            Answer::Challenge(String::new()),
            Answer::Line(Response::ok("signed in")),
        ]
    );
}

#[test]
fn answers_in_chunks_are_read_as_the_whole() {
    let whole = joined(answers(&dialogue(), DIALOGUE, DIALOGUE.len()));

    for chunk in CHUNKS {
        assert_eq!(
            joined(answers(&dialogue(), DIALOGUE, chunk)),
            whole,
            "chunks of {chunk}"
        );
    }
}

#[test]
fn answers_cut_at_every_octet_are_read_as_the_whole() {
    let whole = joined(answers(&dialogue(), DIALOGUE, DIALOGUE.len()));

    for cut in 1..DIALOGUE.len() {
        assert_eq!(
            joined(answers(&dialogue(), DIALOGUE, cut)),
            whole,
            "cut after {cut}"
        );
    }
}

#[test]
fn a_line_without_an_end_is_given_up() {
    let mut codec = ClientCodec::new();
    let mut buffer = BytesMut::from(&vec![b'x'; LONGEST_LINE + 1][..]);

    assert!(codec.decode(&mut buffer).is_err());
}

#[test]
fn a_server_that_speaks_unasked_is_broken() {
    let mut codec = ClientCodec::upgraded();
    let mut buffer = BytesMut::from(&b"+OK hello\r\n"[..]);

    assert!(codec.decode(&mut buffer).is_err());
}

// The server's codec.

const COMMANDS: &[u8] =
    b"CAPA\r\nuser notices\nPASS open sesame \r\nRETR 1\r\nnonsense\r\nQUIT\r\n";

fn inputs(wire: &[u8], chunk: usize) -> Vec<String> {
    let mut codec = ServerCodec::default();
    let mut inputs = Vec::new();
    let mut buffer = BytesMut::new();
    for piece in wire.chunks(chunk) {
        buffer.extend_from_slice(piece);
        while let Some(input) = codec.decode(&mut buffer).expect("no I/O") {
            inputs.push(match input {
                Input::Command(Ok(command)) => encoded(&command),
                Input::Command(Err(error)) => error.to_string(),
                Input::Continuation(text) => format!("{:?}", text.map(|t| t.expose_secret().len())),
            });
        }
    }
    inputs
}

#[test]
fn commands_cut_anywhere_are_read_as_the_whole() {
    let whole = inputs(COMMANDS, COMMANDS.len());
    assert_eq!(
        whole,
        [
            "CAPA\r\n",
            "USER notices\r\n",
            "PASS open sesame \r\n",
            "RETR 1\r\n",
            "unknown command",
            "QUIT\r\n",
        ]
    );

    for cut in 1..COMMANDS.len() {
        assert_eq!(inputs(COMMANDS, cut), whole, "cut after {cut}");
    }
}

#[test]
fn a_command_line_may_have_255_octets_and_no_more() {
    let longest = format!("USER {}\r\n", "x".repeat(LONGEST_COMMAND - 7));
    let longer = format!("USER {}\r\n", "x".repeat(LONGEST_COMMAND - 6));

    assert_eq!(
        inputs(longest.as_bytes(), 1000),
        std::slice::from_ref(&longest)
    );
    assert_eq!(inputs(longer.as_bytes(), 1000), ["line too long"]);
}

#[test]
fn a_line_that_is_too_long_is_one_error_however_long() {
    let mut wire = vec![b'x'; 100_000];
    wire.extend_from_slice(b"\r\nNOOP\r\n");

    for chunk in [1, 3, 255, 256, 4096, 200_000] {
        assert_eq!(
            inputs(&wire, chunk),
            ["line too long", "NOOP\r\n"],
            "chunks of {chunk}"
        );
    }
}

#[test]
fn a_continuation_has_a_limit_of_its_own() {
    let mut codec = ServerCodec::default();
    codec.set_in_exchange(true);
    let mut fits =
        BytesMut::from(format!("{}\r\n", "x".repeat(LONGEST_CONTINUATION - 2)).as_bytes());
    let mut too_long =
        BytesMut::from(format!("{}\r\n", "x".repeat(LONGEST_CONTINUATION)).as_bytes());

    assert!(matches!(
        codec.decode(&mut fits),
        Ok(Some(Input::Continuation(Some(_))))
    ));
    assert!(matches!(
        codec.decode(&mut too_long),
        Ok(Some(Input::Continuation(None)))
    ));
}

#[test]
fn a_last_line_without_an_end_is_no_command() {
    let mut codec = ServerCodec::default();
    let mut buffer = BytesMut::from(&b"QUIT"[..]);

    assert!(matches!(codec.decode_eof(&mut buffer), Ok(None)));
}

// Both.

#[test]
fn what_one_side_writes_the_other_reads() {
    let mut wire = BytesMut::new();
    let mut server = ServerCodec::default();
    for output in [
        Output::Line(Response::ok("2 messages")),
        Output::Lines(Bytes::from_static(b"1 a\r\n2")),
        Output::Lines(Bytes::from_static(b" b\r\n")),
        Output::End,
        Output::Challenge(String::new()),
        Output::Line(Response::err_with(Code::Auth, "no")),
    ] {
        server.encode(output, &mut wire).expect("no I/O");
    }
    let commands = [
        Command::Uidl(None),
        Command::Auth(Some(Auth {
            mechanism: Mechanism::Plain,
            initial: None,
        })),
    ];

    let answers = joined(answers(&commands, &wire, wire.len()));

    assert_eq!(
        answers,
        [
            Answer::Line(Response::ok("2 messages")),
            Answer::Body(Bytes::from_static(b"1 a\r\n2 b\r\n")),
            Answer::End,
            Answer::Challenge(String::new()),
            Answer::Line(Response::err_with(Code::Auth, "no")),
        ]
    );
}

proptest! {
    #[test]
    fn plain_is_read_as_it_was_written(
        authorization in "[!-~]{0,20}",
        name in "[!-~]{1,20}",
        password in "[ -~é]{1,20}",
    ) {
        let written = Plain {
            authorization: authorization.clone(),
            name: name.clone(),
            password: SecretString::from(password.clone()),
        };

        let read = Plain::decode(written.encode().expose_secret()).expect("a response");

        prop_assert_eq!(read.authorization, authorization);
        prop_assert_eq!(read.name, name);
        prop_assert_eq!(read.password.expose_secret(), password);
    }
}

#[test]
fn a_name_with_a_line_end_does_not_become_a_second_command() {
    let mut codec = ClientCodec::upgraded();
    let mut out = BytesMut::new();

    let refused = codec.encode(&Command::User("notices\r\nDELE 1".to_owned()), &mut out);

    assert!(refused.is_err());
    assert!(out.is_empty());
}

/// A mail that ends its own answer in the eyes of a lenient reader, and speaks on as the server.
const SMUGGLED: &[u8] = b"+OK\r\nA: 1\r\n\r\ntext\n.\n+OK\r\nB: 2\n..two\r\n..three\r\n.\r\n";

#[test]
fn a_bare_line_feed_within_lines_of_crlf_ends_no_answer() {
    for chunk in 1..SMUGGLED.len() {
        let answers = joined(answers(&[Command::Retr(number(1))], SMUGGLED, chunk));

        assert_eq!(
            answers[1..],
            [
                Answer::Body(Bytes::from_static(
                    b"A: 1\r\n\r\ntext\n.\n+OK\r\nB: 2\n..two\r\n.three\r\n"
                )),
                Answer::End,
            ],
            "chunks of {chunk}"
        );
    }
}

#[test]
fn a_server_that_ends_its_lines_with_a_line_feed_may_pass_on_a_mail_with_one_crlf() {
    let wire = b"+OK\nSubject: one\r\n\ntext\n.\n+OK\n.\n";
    let commands = [Command::Retr(number(1)), Command::Retr(number(2))];

    let heard = answers(&commands, wire, 7);

    let ends = heard.iter().filter(|answer| **answer == Answer::End);
    assert_eq!(ends.count(), 2);
}

#[test]
fn a_server_that_ends_all_lines_with_a_line_feed_is_understood() {
    let wire = b"+OK\nA: 1\n\n..dot\n.\n";
    for chunk in 1..wire.len() {
        let answers = joined(answers(&[Command::Retr(number(1))], wire, chunk));

        assert_eq!(
            answers[1..],
            [
                Answer::Body(Bytes::from_static(b"A: 1\n\n.dot\n")),
                Answer::End,
            ],
            "chunks of {chunk}"
        );
    }
}

#[test]
fn scram_keeps_no_password() {
    use tidings::pop3::sasl::scram::{ITERATIONS, Verifier};

    let of = |password: &str| Verifier::of(&SecretString::from(password), vec![7; 16], ITERATIONS);

    let kept = of("sesame").to_string();

    assert!(!kept.contains("sesame"));
    assert!(ITERATIONS >= 4096 && kept.starts_with(&format!("SCRAM-SHA-256${ITERATIONS}:")));
    assert_eq!(kept.parse().as_ref(), Ok(&of("sesame")));
    // SASLprep (RFC 4013): a soft hyphen is nothing, a ligature is its letters, a wide space is a space.
    assert_eq!(of("se\u{ad}same"), of("sesame"));
    assert_eq!(of("o\u{fb03}ce\u{3000}1"), of("office 1"));
    assert_ne!(of("sesame "), of("sesame"));
    for damaged in [
        "",
        "SCRAM-SHA-256$0:AAAA$AAAA:AAAA",
        "SCRAM-SHA-1$4096:AAAA$AAAA:AAAA",
        &kept[..kept.len() - 4],
    ] {
        assert!(damaged.parse::<Verifier>().is_err(), "{damaged}");
    }
}

#[test]
fn a_line_that_never_ends_ends_the_session() {
    let mut codec = ServerCodec::default();
    let mut sent = 0;

    let end = loop {
        let mut piece = BytesMut::from(&[b'x'; 16 * 1024][..]);
        sent += piece.len();
        if let Err(error) = codec.decode(&mut piece) {
            break error;
        }
        assert!(sent < 2 * LONGEST_DISCARDED, "it goes on");
    };

    assert_eq!(end.kind(), std::io::ErrorKind::InvalidData);
    assert!(sent > LONGEST_DISCARDED);
}

#[test]
fn a_client_proves_a_password_as_the_standard_has_it() {
    use tidings::pop3::sasl::scram::proving::{Binding, Error, Opening};

    // RFC 7677 §3.
    let base64 = |text: &str| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, text);
    let opening = Opening::new("user", "rOprNGfwEbeRWgbNEkqO", Binding::None);
    let server_first =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    let (last, proof) = opening
        .answer(&base64(server_first), &SecretString::from("pencil"))
        .expect("a challenge");

    assert_eq!(
        opening.message(),
        base64("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
    );
    assert_eq!(
        last,
        base64(
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        )
    );
    let signed = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    assert_eq!(proof.check(&base64(signed)), Ok(()));
    for wrong in [
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=",
        "v=",
        "e=other-error",
        "",
    ] {
        assert_eq!(
            proof.check(&base64(wrong)),
            Err(Error::NotProven),
            "{wrong}"
        );
    }

    let refused = |challenge: &str| {
        let answered = opening.answer(&base64(challenge), &SecretString::from("pencil"));
        answered.map(|_| ()).expect_err("it is refused")
    };
    let nonce = "r=rOprNGfwEbeRWgbNEkqOmore";
    assert_eq!(
        refused(&format!("{nonce},s=QQ==,i=1")),
        Error::Iterations(1)
    );
    assert_eq!(
        refused(&format!("{nonce},s=QQ==,i=4000000000")),
        Error::Iterations(4_000_000_000)
    );
    assert_eq!(
        refused("r=rOprNGfwEbeRWgbNEkqO,s=QQ==,i=4096"),
        Error::Nonce
    );
    assert_eq!(refused("r=another,s=QQ==,i=4096"), Error::Nonce);
    for malformed in [
        "",
        "m=x,r=a,s=b,i=4096",
        &format!("{nonce},s=*,i=4096"),
        &format!("{nonce},i=4096"),
    ] {
        assert_eq!(refused(malformed), Error::Malformed, "{malformed}");
    }
}

//! The server's side of whole sessions, as transcripts: no socket, no file, no clock.

use std::collections::VecDeque;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::BytesMut;
use secrecy::ExposeSecret;
use tidings::{
    pop3::{
        codec::{Output, ServerCodec},
        sasl::{apop_digest, scram::Verifier},
    },
    server::{
        accounts::account::Policy,
        maildrop::{Maildrop, Message, Messages},
        mbox::{self, Excerpt},
        session::{
            Session,
            step::{Body, Credentials, Offer, Refusal, Rights, Step, Updated},
        },
    },
};
use tokio_util::codec::{Decoder, Encoder};

use crate::support::transcript::{Said, Transcript, matches};

/// A session, and what surrounds it in a transcript.
struct Stage {
    mbox: Vec<u8>,
    offer: Offer,
    rights: Rights,
    refusal: Option<Refusal>,
    update_fails: bool,
    session: Option<Session>,
    codec: ServerCodec,
    said: VecDeque<String>,
    removed: usize,
    closed: bool,
}

impl Stage {
    fn new() -> Stage {
        let mbox = std::fs::read(Transcript::folder("server").join("three.mbox")).expect("a mbox");
        Stage {
            mbox,
            offer: Offer {
                passwords: true,
                ..Offer::default()
            },
            rights: Rights {
                delete: true,
                policy: Policy::default(),
            },
            refusal: None,
            update_fails: false,
            session: None,
            codec: ServerCodec::default(),
            said: VecDeque::new(),
            removed: 0,
            closed: false,
        }
    }

    fn set(&mut self, scene: &str) {
        match scene {
            "apop" => {
                self.offer.timestamp = Some("<1896.697170952@dbc.mtview.ca.us>".to_owned());
            }
            "stls" => self.offer.stls = true,
            "passwords only within TLS" => self.offer.passwords = false,
            "busy" => self.refusal = Some(Refusal::Busy),
            "too soon" => self.refusal = Some(Refusal::TooSoon),
            "scram" => self.offer.scram = true,
            "bound" => self.offer.end_point = Some(vec![0; 32]),
            "times differ" => {
                self.offer.policy = Policy {
                    expire: Some(30),
                    login_delay: 120,
                };
                self.offer.policy_differs = true;
                self.rights.policy = Policy {
                    expire: Some(90),
                    login_delay: 60,
                };
            }
            "update fails" => self.update_fails = true,
            "delete refused" => self.rights.delete = false,
            "signed in" => {}
            other => panic!("no such scene: {other}"),
        }
    }

    /// The greeting; or, for transcripts that begin later, what comes before them.
    fn begin(&mut self, signed_in: bool) {
        let session = Session::new(self.offer.clone());
        self.say(Output::Line(session.greeting()));
        self.session = Some(session);
        if signed_in {
            self.hear("USER notices");
            self.hear("PASS sesame");
            self.said.clear();
        }
    }

    fn hear(&mut self, line: &str) {
        assert!(!self.closed, "C: {line}: the session is closed");
        let mut input = BytesMut::from(format!("{line}\r\n").as_bytes());
        let mut session = self.session.take().expect("a session");
        self.codec.set_in_exchange(session.in_exchange());
        let input = self
            .codec
            .decode(&mut input)
            .expect("no I/O")
            .expect("a line");
        let mut step = session.receive(input);
        loop {
            step = match step {
                Step::SignIn(credentials) => self.sign_in(&mut session, &credentials),
                Step::Look { name } => {
                    assert_eq!(name, "user");
                    // Those of RFC 7677 §3.
                    let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("a salt");
                    let verifier = Verifier::of(&"pencil".into(), salt, 4096);
                    session.told(verifier, &"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".into())
                }
                Step::Update(messages) => {
                    self.removed = messages.len();
                    session.updated(if self.update_fails {
                        Updated::Failed
                    } else {
                        Updated::Done
                    })
                }
                Step::Reply(response, body) => {
                    self.say(Output::Line(response));
                    self.say_body(body);
                    break;
                }
                Step::Challenge(challenge) => {
                    self.say(Output::Challenge(challenge));
                    break;
                }
                Step::Upgrade(response) => {
                    self.say(Output::Line(response));
                    session.upgraded(None);
                    break;
                }
                Step::Close(response) => {
                    self.say(Output::Line(response));
                    self.closed = true;
                    break;
                }
            };
        }
        self.session = Some(session);
    }

    fn sign_in(&self, session: &mut Session, credentials: &Credentials) -> Step {
        let is_right = match credentials {
            Credentials::Password { name, password } => match name.as_str() {
                "notices" => password.expose_secret() == "sesame",
                "spacious" => password.expose_secret() == " open  sesame ",
                _ => false,
            },
            Credentials::Apop {
                name,
                timestamp,
                digest,
            } => name == "mrose" && *digest == apop_digest(timestamp, &"tanstaaf".into()),
            Credentials::Proven { name } => name == "user",
            Credentials::Disproved { .. } => false,
        };
        if !is_right {
            session.turned_away(Refusal::Denied)
        } else if let Some(refusal) = self.refusal {
            session.turned_away(refusal)
        } else {
            session.signed_in(self.maildrop(), self.rights)
        }
    }

    fn maildrop(&self) -> Maildrop {
        let mut messages = Messages::default();
        for entry in mbox::split(&self.mbox) {
            messages.push(Message {
                entry,
                copy: 1,
                file: None,
            });
        }
        Maildrop::new(messages)
    }

    fn say_body(&mut self, body: Body) {
        match body {
            Body::None => return,
            Body::Lines(lines) => self.say(Output::Lines(lines)),
            Body::Listing(listing) => {
                for lines in listing {
                    self.say(Output::Lines(lines));
                }
            }
            Body::Message { message, excerpt } => {
                let text = read(&self.mbox, &message, excerpt);
                self.say(Output::Lines(text.into()));
            }
        }
        self.say(Output::End);
    }

    fn say(&mut self, output: Output) {
        let mut bytes = BytesMut::new();
        self.codec.encode(output, &mut bytes).expect("no I/O");
        let text = String::from_utf8_lossy(&bytes);
        for line in text.split_terminator("\r\n") {
            self.said.push_back(line.to_owned());
        }
    }
}

fn read(mbox: &[u8], message: &Message, mut excerpt: Excerpt) -> Vec<u8> {
    let (body, end) = (message.entry.body as usize, message.entry.end as usize);
    let mut text = Vec::new();
    excerpt.push(&mbox[body..end], |part| text.extend_from_slice(part));
    text
}

fn play(name: &str) {
    let transcript = Transcript::read("server", name);
    let mut stage = Stage::new();
    let scenes: Vec<&str> = transcript
        .steps
        .iter()
        .filter_map(|step| match &step.said {
            Said::Scene(scene) if scene != "closed" && !scene.starts_with("removed") => {
                Some(scene.as_str())
            }
            _ => None,
        })
        .collect();
    for scene in &scenes {
        stage.set(scene);
    }
    stage.begin(scenes.contains(&"signed in"));
    for step in &transcript.steps {
        let place = format!("{}:{}", transcript.path.display(), step.line);
        match &step.said {
            Said::Client(line) => {
                assert_eq!(stage.said.front(), None, "{place}: the server said more");
                stage.hear(line);
            }
            Said::Server(expected) => match stage.said.pop_front() {
                Some(said) => assert!(
                    matches(expected, &said),
                    "{place}\nexpected S: {expected}\n     got S: {said}"
                ),
                None => panic!("{place}: the server said nothing more"),
            },
            Said::Scene(scene) if scene == "closed" => assert!(stage.closed, "{place}: not closed"),
            Said::Scene(scene) => {
                if let Some(removed) = scene.strip_prefix("removed ") {
                    assert_eq!(stage.removed.to_string(), removed, "{place}");
                }
            }
        }
    }
    assert_eq!(stage.said.front(), None, "{name}: the server said more");
}

macro_rules! transcripts {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(
            #[test]
            fn $name() {
                play(stringify!($name));
            }
        )*
    };
}

transcripts! {
    a_delete_that_fails_is_said_at_quit
    a_name_with_odd_letters_is_no_error
    a_password_may_hold_spaces
    a_shared_mailbox_keeps_its_mail
    another_session_holds_the_maildrop
    apop_is_for_those_who_opt_in
    apop_with_a_wrong_digest
    auth_for_another
    auth_login
    auth_login_that_comes_to_nothing
    auth_plain
    auth_plain_in_one_line
    auth_that_comes_to_nothing
    capa_is_true_at_each_moment
    capa_tells_the_accounts_times
    deleted_messages_are_left_out
    either_case_and_spaces_at_the_end
    logging_in_too_often
    nine_errors_do_not
    no_password_without_tls
    nothing_but_signing_in_before_signing_in
    numbers_that_no_message_has
    scram_as_in_rfc_7677
    scram_bound_to_another_channel
    scram_bound_to_tls
    scram_needs_no_tls
    scram_that_comes_to_nothing
    scram_with_a_wrong_password
    ten_errors_in_a_row_end_the_session
    the_example_of_rfc_1939
    the_password_follows_the_name
    three_wrong_passwords_end_the_session
    top_counts_lines_of_the_body
    utf8_and_lang
    what_was_said_before_tls_is_forgotten
}

#[test]
fn every_transcript_is_played() {
    assert_eq!(Transcript::names("server"), NAMES);
}

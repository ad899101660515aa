//! Certificates that are not what they should be, each named with what is wrong with it; and what a
//! pin and a file of authorities allow.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tidings::{
    net::tls::{Acceptor, fingerprint, hex},
    server::options::{Listener, Options, Protection},
};

use super::hasty;
use crate::support::{
    office::Office,
    program::{Person, Ran, mailbox},
    rogue::{Rogue, Turn},
    scratch::{LOOPBACK, Scratch},
};

/// A server with a certificate, and somebody who would check it.
struct Tls {
    office: Office,
    certificate: String,
    fingerprint: String,
}

/// A certificate, its key, and what has signed it.
struct Made {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

fn self_signed(params: CertificateParams) -> Made {
    let key = KeyPair::generate().expect("a key");
    Made {
        certificate: params.self_signed(&key).expect("a certificate"),
        key,
    }
}

/// What a certificate for this machine says.
fn sound() -> CertificateParams {
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()])
        .expect("names");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params
}

impl Tls {
    fn with(made: &Made, protection: Protection) -> Tls {
        let certificate = made.certificate.pem();
        let acceptor = Acceptor::new(certificate.as_bytes(), made.key.serialize_pem().as_bytes())
            .expect("an acceptor");
        let options = Options {
            listeners: vec![Listener {
                address: (LOOPBACK, 0).into(),
                protection,
            }],
            acceptor: Some(acceptor),
            ..Options::default()
        };
        Tls {
            office: Office::with(Scratch::with_mbox(crate::support::office::TEAM), options),
            fingerprint: hex(&fingerprint(made.certificate.der())),
            certificate,
        }
    }

    fn implicit(made: &Made) -> Tls {
        Tls::with(made, Protection::Tls)
    }

    /// Somebody whose settings say `tls`, and these lines.
    fn person(&self, tls: &str, lines: &str) -> Person {
        let settings = mailbox("notices", self.office.address());
        let settings = settings.replace("\"none\"", &format!("\"{tls}\""));
        Person::with_settings(&format!("{settings}{lines}\n"))
    }

    /// The check is refused with these words, and no password went out.
    #[track_caller]
    fn is_refused(&self, person: &Person, words: &str) -> Ran {
        let ran = person.run(&["check"]).expect(7);
        assert!(
            ran.stderr
                .starts_with(&format!("tidings: cannot check notices: {words}")),
            "{ran}"
        );
        assert_eq!(self.office.heard("PASS") + self.office.heard("AUTH"), 0);
        ran
    }
}

#[test]
fn a_self_signed_certificate_is_refused_with_its_fingerprint() {
    let server = Tls::implicit(&self_signed(sound()));
    let person = server.person("implicit", "");

    server.is_refused(
        &person,
        &format!(
            "certificate is self-signed; if whoever runs the server gives you this SHA-256, set \
             pin_sha256 = \"{}\"",
            server.fingerprint
        ),
    );
}

#[test]
fn an_expired_certificate_is_refused_with_its_day() {
    let mut params = sound();
    params.not_after = date_time_ymd(2021, 11, 3);
    let made = self_signed(params);
    let server = Tls::implicit(&made);
    let authority = Authority::write(&made.certificate.pem());
    let person = server.person("implicit", &authority.setting());

    server.is_refused(&person, "certificate expired 3 Nov 2021");
}

#[test]
fn a_certificate_of_tomorrow_is_refused_with_its_day() {
    let mut params = sound();
    params.not_before = date_time_ymd(2119, 1, 1);
    let server = Tls::implicit(&self_signed(params));
    let person = server.person("implicit", "");

    server.is_refused(&person, "certificate is valid only from 1 Jan 2119");
}

#[test]
fn a_misnamed_certificate_is_refused_with_its_names() {
    let mut params = CertificateParams::new(vec!["mail.team.example".to_owned()]).expect("names");
    params.not_after = date_time_ymd(2120, 1, 1);
    let made = self_signed(params);
    let server = Tls::implicit(&made);
    let authority = Authority::write(&made.certificate.pem());
    let person = server.person("implicit", &authority.setting());

    server.is_refused(
        &person,
        "certificate names mail.team.example, not 127.0.0.1: check the server name with whoever \
         runs it",
    );
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused_with_its_name() {
    let (_, leaf) = signed_by_authority();
    let server = Tls::implicit(&leaf);
    let person = server.person("implicit", "");

    server.is_refused(
        &person,
        "certificate is signed by an unknown authority (CN=Team Authority): set ca_file",
    );
}

#[test]
fn a_certificate_of_an_authority_of_ones_own_is_trusted() {
    let (authority, leaf) = signed_by_authority();
    let server = Tls::implicit(&leaf);
    let authority = Authority::write(&authority.pem());
    let person = server.person("implicit", &authority.setting());

    person.run(&["check"]).expect_quiet();

    assert_eq!(person.subjects().len(), 7);
}

fn signed_by_authority() -> (rcgen::Certificate, Made) {
    let mut params = CertificateParams::new(Vec::new()).expect("names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "Team Authority");
    let made = self_signed(params.clone());
    let issuer = Issuer::new(params, made.key);
    let key = KeyPair::generate().expect("a key");
    let mut leaf = sound();
    leaf.use_authority_key_identifier_extension = true;
    let certificate = leaf.signed_by(&key, &issuer).expect("a certificate");
    (made.certificate, Made { certificate, key })
}

/// A file with certificates.
struct Authority(tempfile::NamedTempFile);

impl Authority {
    fn write(pem: &str) -> Authority {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), pem).expect("a certificate");
        Authority(file)
    }

    fn setting(&self) -> String {
        format!("ca_file = \"{}\"", self.0.path().display())
    }
}

#[test]
fn a_pinned_certificate_is_trusted_whatever_else_is_wrong_with_it() {
    let mut params = CertificateParams::new(vec!["mail.team.example".to_owned()]).expect("names");
    params.not_after = date_time_ymd(2021, 11, 3);
    let server = Tls::implicit(&self_signed(params));
    let person = server.person(
        "implicit",
        &format!("pin_sha256 = \"{}\"", server.fingerprint),
    );

    person.run(&["check"]).expect_quiet();

    assert_eq!(person.subjects().len(), 7);
}

#[test]
fn another_certificate_than_the_pinned_one_is_refused_however_sound() {
    let made = self_signed(sound());
    let server = Tls::implicit(&made);
    let authority = Authority::write(&made.certificate.pem());
    let lines = format!(
        "{}\npin_sha256 = \"{}\"",
        authority.setting(),
        "ab".repeat(32)
    );
    let person = server.person("implicit", &lines);

    server.is_refused(
        &person,
        &format!(
            "cannot encrypt the connection: the server's certificate is not the pinned one: its \
             SHA-256 is {}",
            server.fingerprint
        ),
    );
}

#[test]
fn by_stls_a_certificate_is_looked_at_the_same_way() {
    let made = self_signed(sound());
    let server = Tls::with(&made, Protection::None);
    let authority = Authority::write(&server.certificate);
    let trusting = server.person("starttls", &authority.setting());
    let strange = server.person("starttls", "");

    server.is_refused(&strange, "certificate is self-signed");
    trusting.run(&["check"]).expect_quiet();

    assert_eq!(trusting.subjects().len(), 7);
}

#[test]
fn a_file_of_authorities_that_is_not_there_is_named() {
    let server = Tls::implicit(&self_signed(sound()));
    let person = server.person("implicit", "ca_file = \"/nowhere/team-ca.pem\"");

    let check = person.run(&["check"]).expect(3);
    let config = person.run(&["config", "check"]).expect(3);

    let words = "mailbox `notices`: ca_file: cannot read the certificates in /nowhere/team-ca.pem";
    assert!(check.stderr.contains(words), "{check}");
    assert!(config.stdout.contains(words), "{config}");
}

#[test]
fn a_file_of_authorities_without_a_certificate_is_named() {
    let server = Tls::implicit(&self_signed(sound()));
    let person = server.person("implicit", "ca_file = \"team-ca.pem\"");
    fs::write(person.path("team-ca.pem"), "no certificate\n").expect("a file");

    let check = person.run(&["check"]).expect(3);

    let words = "there is no certificate (PEM) in ~/team-ca.pem";
    assert!(check.stderr.contains(words), "{check}");
}

#[test]
fn a_mailbox_whose_authorities_are_not_there_keeps_no_other_back() {
    let office = Office::of_team();
    let broken = "[[mailbox]]\nname = \"broken\"\nhost = \"127.0.0.1\"\nport = 9\nuser = \"x\"\n\
                  password_env = \"TIDINGS_TEST_PASSWORD\"\nca_file = \"/nowhere/team-ca.pem\"\n";
    let person =
        Person::with_settings(&(broken.to_owned() + &mailbox("notices", office.address())));

    let check = person.run(&["check"]);

    assert_ne!(check.code, Some(0));
    assert!(check.stderr.contains("/nowhere/team-ca.pem"), "{check}");
    assert!(check.stdout.contains("notices\t"), "{check}");
}

#[test]
fn a_server_does_not_start_with_a_key_of_another_certificate() {
    let person = Person::new();
    let (one, other) = (self_signed(sound()), self_signed(sound()));
    fs::write(person.path("cert.pem"), one.certificate.pem()).expect("a certificate");
    fs::write(person.path("key.pem"), other.key.serialize_pem()).expect("a key");

    let arguments = [
        "serve",
        "--spool",
        "spool",
        "--tls-listen",
        "127.0.0.1:0",
        "--cert",
        "cert.pem",
        "--key",
        "key.pem",
    ];
    let ran = person.bare(&arguments);

    assert_ne!(ran.code, Some(0), "{ran}");
    let words = "the certificate and the key do not belong together";
    assert!(ran.stderr.contains(words), "{ran}");
}

#[test]
fn a_port_that_speaks_pop3_in_the_clear_is_not_safe() {
    let rogue = Rogue::from_the_start(|_| Turn::Usual);
    let settings = mailbox("notices", rogue.address()).replace("\"none\"", "\"implicit\"");
    let person = Person::with_settings(&hasty(&settings));

    let ran = person.run(&["check"]).expect(7);

    assert!(
        ran.stderr.starts_with(
            "tidings: cannot check notices: the server does not speak TLS on this port"
        ),
        "{ran}"
    );
    let doctor = person.run(&["doctor"]).expect(7);
    for said in [&ran.stderr, &doctor.stdout] {
        assert!(!said.contains("error:0"), "{said}");
    }
    assert!(!rogue.heard().iter().any(|said| said.contains("sesame")));
}

#[test]
fn what_was_saved_stays_readable_when_a_certificate_goes_wrong() {
    let made = self_signed(sound());
    let server = Tls::implicit(&made);
    let right = format!("pin_sha256 = \"{}\"", server.fingerprint);
    let person = server.person("implicit", &right);
    person.run(&["check"]).expect(0);
    person.run(&["next", "-q"]).expect(0);
    let settings = fs::read_to_string(person.settings()).expect("settings");
    let wrong = settings.replace(&server.fingerprint, &"ab".repeat(32));
    fs::write(person.settings(), wrong).expect("settings");

    person.run(&["check"]).expect(7);

    assert_eq!(person.subjects().len(), 7);
    assert_eq!(person.found("is:read"), 1);
}

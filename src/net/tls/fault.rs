//! What is wrong with a certificate that a handshake has refused, in words (pure).

use std::fmt;

use jiff::Timestamp;
use x509_parser::{
    certificate::X509Certificate,
    extensions::GeneralName,
    prelude::{FromDer, ParsedExtension},
};

use super::{fingerprint, hex};

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// It was valid until then.
    Expired(Timestamp),
    /// It will be valid from then.
    NotYetValid(Timestamp),
    /// It names other servers.
    WrongName {
        /// The server that was asked for.
        host: String,
        /// Those that it names.
        names: Vec<String>,
    },
    /// It is signed by itself.
    SelfSigned {
        /// Its SHA-256 in hex, for `pin_sha256`.
        fingerprint: String,
    },
    /// Nobody that is trusted has signed it.
    UnknownIssuer {
        /// Who has.
        issuer: String,
        /// Its SHA-256 in hex.
        fingerprint: String,
    },
    /// It cannot be read.
    Unreadable,
}

impl Fault {
    /// Says what is wrong with a certificate that a handshake has refused.
    pub fn of(certificate: &[u8], host: &str, now: Timestamp) -> Fault {
        let Ok((_, x509)) = X509Certificate::from_der(certificate) else {
            return Fault::Unreadable;
        };
        let moment = |time: x509_parser::time::ASN1Time| {
            Timestamp::from_second(time.timestamp()).unwrap_or_default()
        };
        let (from, until) = (
            moment(x509.validity().not_before),
            moment(x509.validity().not_after),
        );
        let names = names(&x509);
        let digest = hex(&fingerprint(certificate));
        if until < now {
            Fault::Expired(until)
        } else if from > now {
            Fault::NotYetValid(from)
        } else if !names.iter().any(|name| matches_host(name, host)) {
            Fault::WrongName {
                host: host.to_owned(),
                names,
            }
        } else if x509.subject() == x509.issuer() {
            Fault::SelfSigned {
                fingerprint: digest,
            }
        } else {
            Fault::UnknownIssuer {
                issuer: x509.issuer().to_string(),
                fingerprint: digest,
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Fault::Expired(until) => {
                write!(f, "certificate expired {}", until.strftime("%-d %b %Y"))
            }
            Fault::NotYetValid(from) => {
                write!(
                    f,
                    "certificate is valid only from {}",
                    from.strftime("%-d %b %Y")
                )
            }
            Fault::WrongName { host, names } if names.is_empty() => {
                write!(f, "certificate names no server, so not {host}")
            }
            Fault::WrongName { host, names } => write!(
                f,
                "certificate names {}, not {host}: check the server name with whoever runs it",
                names.join(", ")
            ),
            Fault::SelfSigned { fingerprint } => write!(
                f,
                "certificate is self-signed; if whoever runs the server gives you this SHA-256, \
                 set pin_sha256 = \"{fingerprint}\""
            ),
            Fault::UnknownIssuer {
                issuer,
                fingerprint,
            } => write!(
                f,
                "certificate is signed by an unknown authority ({issuer}): set ca_file to its \
                 certificate, or pin_sha256 = \"{fingerprint}\" if whoever runs the server confirms it"
            ),
            Fault::Unreadable => f.write_str("certificate cannot be read"),
        }
    }
}

fn names(x509: &X509Certificate) -> Vec<String> {
    let mut names = Vec::new();
    for extension in x509.extensions() {
        if let ParsedExtension::SubjectAlternativeName(alternatives) = extension.parsed_extension()
        {
            for name in &alternatives.general_names {
                match name {
                    GeneralName::DNSName(name) => names.push((*name).to_owned()),
                    GeneralName::IPAddress([a, b, c, d]) => {
                        names.push(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string());
                    }
                    GeneralName::IPAddress(octets) => {
                        if let Ok(octets) = <[u8; 16]>::try_from(*octets) {
                            names.push(std::net::Ipv6Addr::from(octets).to_string());
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    if names.is_empty() {
        names.extend(
            x509.subject()
                .iter_common_name()
                .filter_map(|name| name.as_str().ok().map(str::to_owned)),
        );
    }
    names
}

/// A wildcard stands for one label, the leftmost (RFC 9525 §6.3).
fn matches_host(name: &str, host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.');
    match name.strip_prefix("*.") {
        Some(parent) => host
            .split_once('.')
            .is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
        None => name.eq_ignore_ascii_case(host),
    }
}

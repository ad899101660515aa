//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), the server's side; the client's is
//! [`proving`]. No password crosses the wire, and what the server keeps signs nobody in elsewhere.
//!
//! ```text
//!   C: n,,n=notices,r=…              client-first: First::read
//!   S: r=…,s=…,i=…                   server-first: First::challenge
//!   C: c=biws,r=…,p=…                client-final: Asked::check
//!   S: v=…                           server-final, by which the client knows the server
//! ```

use std::{borrow::Cow, fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub mod proving;

/// How often the hash is repeated. RFC 7677 §4 asks for 4,096 at least; every poll of every teammate
/// does that work anew, so it is not much more.
pub const ITERATIONS: u32 = 10_000;

/// More repetitions than this are not believed of a file: a client would work on them for minutes.
const MOST_ITERATIONS: u32 = 10_000_000;

/// The one kind of channel binding that is spoken here (RFC 5929 §4): a hash of the certificate.
const BINDING: &str = "tls-server-end-point";

const KEY: usize = 32;

/// What a server keeps of a password: enough to check a proof, too little to make one
/// (RFC 5802 §2.2).
#[derive(Clone, Eq, PartialEq)]
pub struct Verifier {
    iterations: u32,
    salt: Vec<u8>,
    stored_key: [u8; KEY],
    server_key: [u8; KEY],
}

/// Why an exchange comes to nothing. A wrong proof is none of these.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// It is not base64.
    #[error("not base64")]
    NotBase64,
    /// It is no message of SCRAM, or one with a part that must be understood and is not.
    #[error("not a message of SCRAM")]
    Malformed,
    /// The client binds to another kind of channel, or to none where it must, or believes that the
    /// server cannot (RFC 5802 §6).
    #[error("the binding to the channel is not the right one")]
    Binding,
    /// Nobody acts for another here.
    #[error("nobody acts for another here")]
    Another,
    /// It belongs to another exchange.
    #[error("not of this exchange")]
    Nonce,
}

/// What a client may bind to, and whether it has to.
#[derive(Clone, Debug, Default)]
pub struct Channel {
    /// The certificate's hash, if there is TLS and it can be told.
    pub end_point: Option<Vec<u8>>,
    /// True for the mechanism whose name ends in -PLUS.
    pub must_bind: bool,
}

/// The client's first message.
#[derive(Clone, Debug)]
pub struct First {
    /// The account.
    pub name: String,
    /// Without the header about the channel: a part of what is signed.
    bare: String,
    header: String,
    nonce: String,
    bound: Option<Vec<u8>>,
}

/// What was answered to it, and what is to come.
#[derive(Clone, Debug)]
pub struct Asked {
    verifier: Verifier,
    /// Both messages so far, as they are signed.
    signed: String,
    /// What `c=` must hold.
    binding: Vec<u8>,
    nonce: String,
}

impl Verifier {
    /// What is to be kept of this password.
    pub fn of(password: &SecretString, salt: Vec<u8>, iterations: u32) -> Verifier {
        Verifier::of_salted(&salted(password, &salt, iterations), salt, iterations)
    }

    fn of_salted(salted: &[u8; KEY], salt: Vec<u8>, iterations: u32) -> Verifier {
        let client_key = Zeroizing::new(sign(salted, b"Client Key"));
        Verifier {
            iterations,
            salt,
            stored_key: Sha256::digest(*client_key).into(),
            server_key: sign(salted, b"Server Key"),
        }
    }

    /// One that no password fits and that looks as any other: nobody can tell who has an account. The
    /// same name and secret always give the same one.
    pub fn of_nobody(name: &str, secret: &[u8; KEY]) -> Verifier {
        let chance = |what: &str| sign(secret, format!("{what} of {name}").as_bytes());
        Verifier {
            iterations: ITERATIONS,
            salt: chance("the salt")[..16].to_vec(),
            stored_key: chance("the key"),
            server_key: chance("the server's key"),
        }
    }
}

/// As other programs write it: `SCRAM-SHA-256$10000:salt$stored-key:server-key`, in base64.
impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "SCRAM-SHA-256${}:{}${}:{}",
            self.iterations,
            STANDARD.encode(&self.salt),
            STANDARD.encode(self.stored_key),
            STANDARD.encode(self.server_key)
        )
    }
}

impl FromStr for Verifier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Verifier, Error> {
        let mut parts = text.trim().split('$');
        let (Some("SCRAM-SHA-256"), Some(salted), Some(keys), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Error::Malformed);
        };
        let (iterations, salt) = salted.split_once(':').ok_or(Error::Malformed)?;
        let (stored_key, server_key) = keys.split_once(':').ok_or(Error::Malformed)?;
        let key = |text: &str| -> Result<[u8; KEY], Error> {
            decode(text)?.try_into().map_err(|_| Error::Malformed)
        };
        let iterations = iterations.parse().ok();
        Ok(Verifier {
            iterations: iterations
                .filter(|count| (1..=MOST_ITERATIONS).contains(count))
                .ok_or(Error::Malformed)?,
            salt: decode(salt)?,
            stored_key: key(stored_key)?,
            server_key: key(server_key)?,
        })
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Verifier")
    }
}

impl First {
    /// Reads client-first, in base64 (RFC 5802 §7).
    ///
    /// # Errors
    ///
    /// It is none, or binds to the channel otherwise than it must.
    pub fn read(message: &str, channel: &Channel) -> Result<First, Error> {
        let text = text(message)?;
        // gs2-header: `n,,` or `y,,` or `p=kind,,`, with an authzid between the commas.
        let mut parts = text.splitn(3, ',');
        let (Some(flag), Some(authzid), Some(bare)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(Error::Malformed);
        };
        let bound = match (flag, channel) {
            (
                "n",
                Channel {
                    must_bind: false, ..
                },
            ) => None,
            // It could bind, and believes that the server cannot: who told it so?
            (
                "y",
                Channel {
                    must_bind: false,
                    end_point: None,
                },
            ) => None,
            ("n" | "y", _) => return Err(Error::Binding),
            (
                kind,
                Channel {
                    must_bind: true,
                    end_point: Some(hash),
                },
            ) if kind.strip_prefix("p=") == Some(BINDING) => Some(hash.clone()),
            (kind, _) if kind.starts_with("p=") => return Err(Error::Binding),
            _ => return Err(Error::Malformed),
        };
        let mut attributes = bare.split(',');
        let name = attributes.next().and_then(|part| part.strip_prefix("n="));
        let nonce = attributes.next().and_then(|part| part.strip_prefix("r="));
        // `m=` before the name would be an extension that must be understood: there is none.
        let (Some(name), Some(nonce)) = (name, nonce) else {
            return Err(Error::Malformed);
        };
        let name = unescape(name).ok_or(Error::Malformed)?;
        if name.is_empty() || nonce.is_empty() || !nonce.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::Malformed);
        }
        match authzid.strip_prefix("a=") {
            Some(other) if unescape(other).as_deref() != Some(&name) => return Err(Error::Another),
            None if !authzid.is_empty() => return Err(Error::Malformed),
            Some(_) | None => {}
        }
        Ok(First {
            bare: bare.to_owned(),
            header: format!("{flag},{authzid},"),
            nonce: nonce.to_owned(),
            name,
            bound,
        })
    }

    /// Answers it: server-first, in base64. `chance` must not have been used before.
    pub fn challenge(self, verifier: Verifier, chance: &str) -> (String, Asked) {
        let nonce = format!("{}{chance}", self.nonce);
        let challenge = format!(
            "r={nonce},s={},i={}",
            STANDARD.encode(&verifier.salt),
            verifier.iterations
        );
        let mut binding = self.header.into_bytes();
        binding.extend(self.bound.unwrap_or_default());
        let asked = Asked {
            signed: format!("{},{challenge}", self.bare),
            verifier,
            binding,
            nonce,
        };
        (STANDARD.encode(&challenge), asked)
    }
}

impl Asked {
    /// Checks client-final, in base64. Gives server-final, in base64; none if the proof is wrong.
    ///
    /// # Errors
    ///
    /// It is none, or belongs to another exchange or channel.
    pub fn check(self, message: &str) -> Result<Option<String>, Error> {
        let text = text(message)?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(Error::Malformed)?;
        let mut attributes = without_proof.split(',');
        let binding = attributes.next().and_then(|part| part.strip_prefix("c="));
        let nonce = attributes.next().and_then(|part| part.strip_prefix("r="));
        let (Some(binding), Some(nonce)) = (binding, nonce) else {
            return Err(Error::Malformed);
        };
        if decode(binding)? != self.binding {
            return Err(Error::Binding);
        }
        if nonce != self.nonce {
            return Err(Error::Nonce);
        }
        let signed = format!("{},{without_proof}", self.signed);
        let proof: [u8; KEY] = decode(proof)?.try_into().map_err(|_| Error::Malformed)?;
        // ClientKey = ClientProof XOR ClientSignature (RFC 5802 §3).
        let mut client_key = Zeroizing::new(sign(&self.verifier.stored_key, signed.as_bytes()));
        for (octet, of_proof) in client_key.iter_mut().zip(proof) {
            *octet ^= of_proof;
        }
        let stored_key: [u8; KEY] = Sha256::digest(*client_key).into();
        if !bool::from(stored_key.ct_eq(&self.verifier.stored_key)) {
            return Ok(None);
        }
        let signature = sign(&self.verifier.server_key, signed.as_bytes());
        let last = format!("v={}", STANDARD.encode(signature));
        Ok(Some(STANDARD.encode(last)))
    }
}

/// The password as it is worked with: SaltedPassword (RFC 5802 §3).
fn salted(password: &SecretString, salt: &[u8], iterations: u32) -> Zeroizing<[u8; KEY]> {
    let prepared = Zeroizing::new(prepare(password.expose_secret()).into_owned());
    let mut salted = Zeroizing::new([0; KEY]);
    pbkdf2::pbkdf2_hmac::<Sha256>(prepared.as_bytes(), salt, iterations, &mut *salted);
    salted
}

fn sign(key: &[u8], message: &[u8]) -> [u8; KEY] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes any key");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// As SASLprep has it, so that one password typed on two keyboards is one; what it forbids is taken
/// as it stands.
fn prepare(password: &str) -> Cow<'_, str> {
    stringprep::saslprep(password).unwrap_or(Cow::Borrowed(password))
}

fn decode(text: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).map_err(|_| Error::NotBase64)
}

fn text(message: &str) -> Result<String, Error> {
    String::from_utf8(decode(message)?).map_err(|_| Error::Malformed)
}

/// `=2C` is a comma, `=3D` an equals sign, and no other `=` may stand in a name (RFC 5802 §5.1).
fn unescape(name: &str) -> Option<String> {
    let mut parts = name.split('=');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (octet, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (None, Some(rest)) => ('=', rest),
            (None, None) => return None,
        };
        plain.push(octet);
        plain.push_str(rest);
    }
    Some(plain)
}

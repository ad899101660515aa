//! SCRAM from the client's side: it proves that it knows the password, and has the server prove that it
//! knows what it keeps of it. Nothing is believed before that.
//!
//! ```text
//!   Opening::message ─▶ server ─▶ Opening::answer ─▶ server ─▶ Proof::check
//! ```

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::SecretString;
use subtle::ConstantTimeEq;

use super::{BINDING, KEY, Verifier, decode, salted, sign, text};

/// Fewer repetitions are not done: whoever listens could try passwords too fast (RFC 7677 §4).
pub const LEAST_ITERATIONS: u32 = 4_096;

/// More are not done either: a server could keep the client at work for minutes.
pub const MOST_ITERATIONS: u32 = 1_000_000;

/// Why a server's message is not answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// It is none.
    #[error("the server's challenge is not one of SCRAM")]
    Malformed,
    /// It belongs to another exchange.
    #[error("the server's challenge belongs to another exchange")]
    Nonce,
    /// The password would be too easy to find, or too much work to prove.
    #[error("the server asks for {0} repetitions: between 4,096 and 1,000,000 are done")]
    Iterations(u32),
    /// Whoever it is does not know the password.
    #[error("the server did not prove that it knows the password: somebody may be in the way")]
    NotProven,
}

/// What the client has begun.
#[derive(Clone, Debug)]
pub struct Opening {
    header: String,
    bare: String,
    nonce: String,
    bound: Vec<u8>,
}

/// What the server has to answer.
#[derive(Clone, Debug)]
pub struct Proof {
    signature: [u8; KEY],
}

/// What a client can bind what it says to.
#[derive(Clone, Copy, Debug)]
pub enum Binding<'a> {
    /// There is no TLS.
    None,
    /// There is, and the server does not say that it could (RFC 5802 §6).
    NotOffered,
    /// To the certificate of this hash; for the mechanism whose name ends in -PLUS.
    EndPoint(&'a [u8]),
}

impl Opening {
    /// Begins an exchange for this account. `chance` is printable, without a comma, and not used twice.
    pub fn new(name: &str, chance: &str, binding: Binding) -> Opening {
        let (header, bound) = match binding {
            Binding::None => ("n,,".to_owned(), Vec::new()),
            Binding::NotOffered => ("y,,".to_owned(), Vec::new()),
            Binding::EndPoint(hash) => (format!("p={BINDING},,"), hash.to_vec()),
        };
        let name = name.replace('=', "=3D").replace(',', "=2C");
        Opening {
            bare: format!("n={name},r={chance}"),
            nonce: chance.to_owned(),
            header,
            bound,
        }
    }

    /// client-first, in base64.
    pub fn message(&self) -> String {
        STANDARD.encode(format!("{}{}", self.header, self.bare))
    }

    /// Answers server-first: client-final, in base64, and what the server has to say to it. Takes as long as
    /// the server wants: a few milliseconds for ten thousand repetitions.
    ///
    /// # Errors
    ///
    /// The server's message is none, or asks for too little or too much.
    pub fn answer(
        &self,
        challenge: &str,
        password: &SecretString,
    ) -> Result<(String, Proof), Error> {
        let challenge = text(challenge).map_err(|_| Error::Malformed)?;
        let mut attributes = challenge.split(',');
        let mut part = |name: &str| attributes.next()?.strip_prefix(name);
        let (Some(nonce), Some(salt), Some(iterations)) = (part("r="), part("s="), part("i="))
        else {
            return Err(Error::Malformed);
        };
        if nonce.len() <= self.nonce.len() || !nonce.starts_with(&self.nonce) {
            return Err(Error::Nonce);
        }
        let iterations: u32 = iterations.parse().map_err(|_| Error::Malformed)?;
        if !(LEAST_ITERATIONS..=MOST_ITERATIONS).contains(&iterations) {
            return Err(Error::Iterations(iterations));
        }
        let salt = decode(salt).map_err(|_| Error::Malformed)?;

        let salted = salted(password, &salt, iterations);
        let verifier = Verifier::of_salted(&salted, salt, iterations);
        let mut binding = self.header.clone().into_bytes();
        binding.extend_from_slice(&self.bound);
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(binding));
        let signed = format!("{},{challenge},{without_proof}", self.bare);
        // ClientProof = ClientKey XOR ClientSignature (RFC 5802 §3).
        let mut proof = sign(&*salted, b"Client Key");
        let signature = sign(&verifier.stored_key, signed.as_bytes());
        for (octet, of_signature) in proof.iter_mut().zip(signature) {
            *octet ^= of_signature;
        }
        let message = format!("{without_proof},p={}", STANDARD.encode(proof));
        let proof = Proof {
            signature: sign(&verifier.server_key, signed.as_bytes()),
        };
        Ok((STANDARD.encode(message), proof))
    }
}

impl Proof {
    /// Checks server-final, in base64.
    ///
    /// # Errors
    ///
    /// It proves nothing.
    pub fn check(&self, message: &str) -> Result<(), Error> {
        let message = text(message).map_err(|_| Error::NotProven)?;
        let signature = message
            .split(',')
            .next()
            .and_then(|part| part.strip_prefix("v="));
        let signature = signature.and_then(|signature| decode(signature).ok());
        match signature {
            Some(signature) if bool::from(signature.ct_eq(&self.signature)) => Ok(()),
            Some(_) | None => Err(Error::NotProven),
        }
    }
}

/// True for a server-final, in base64, that says why nobody is signed in (`e=`, RFC 5802 §7).
pub fn is_refusal(message: &str) -> bool {
    text(message).is_ok_and(|message| message.starts_with("e="))
}

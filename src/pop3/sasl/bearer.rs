//! Signing in by an access token (OAuth 2.0): OAUTHBEARER (RFC 7628) and the older XOAUTH2, from the
//! client's side.
//!
//! A token that is not taken is answered by a challenge that says why, in JSON; the client then ends the
//! exchange by a response of no meaning, and hears the refusal itself.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// What ends an exchange of OAUTHBEARER in which the token was not taken: a lone 0x01 (RFC 7628 §3.2.3).
pub const OAUTHBEARER_END: &str = "AQ==";

/// The response of OAUTHBEARER (RFC 7628 §3.1).
pub fn oauthbearer(name: &str, host: &str, port: u16, token: &SecretString) -> SecretString {
    // A name of GS2 (RFC 5801 §4).
    let name = name.replace('=', "=3D").replace(',', "=2C");
    encode(format!(
        "n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {}\x01\x01",
        token.expose_secret()
    ))
}

/// The response of XOAUTH2, as Google and Microsoft describe it.
pub fn xoauth2(name: &str, token: &SecretString) -> SecretString {
    encode(format!(
        "user={name}\x01auth=Bearer {}\x01\x01",
        token.expose_secret()
    ))
}

fn encode(text: String) -> SecretString {
    SecretString::from(STANDARD.encode(Zeroizing::new(text).as_bytes()))
}

/// Why a server does not take a token. It prints as words for people.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Refusal {
    /// The error: a word of RFC 7628 §3.2.2, or a number of HTTP.
    status: String,
    /// What the token would have to be good for.
    scope: String,
}

impl Refusal {
    /// Reads a challenge, which is base64 of JSON; none if it says nothing.
    pub fn decode(challenge: &str) -> Option<Refusal> {
        let json = STANDARD.decode(challenge).ok()?;
        let said: serde_json::Value = serde_json::from_slice(&json).ok()?;
        let word = |names: &[&str]| {
            let words = names.iter().filter_map(|name| match said.get(name)? {
                serde_json::Value::String(word) => Some(word.clone()),
                serde_json::Value::Number(number) => Some(number.to_string()),
                _ => None,
            });
            words.into_iter().find(|word| !word.is_empty())
        };
        Some(Refusal {
            // As the token's own service says it (RFC 6749 §5.2).
            status: word(&["status", "error"])?,
            scope: word(&["scope"]).unwrap_or_default(),
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.status.as_str() {
            "invalid_token" | "401" => f.write_str("the token has expired or is not valid")?,
            "insufficient_scope" | "403" => f.write_str("the token is not good for mail")?,
            "invalid_request" | "400" => {
                f.write_str("the token is malformed, or for another account")?;
            }
            other => write!(f, "the token was not taken ({other})")?,
        }
        match self.scope.as_str() {
            "" => Ok(()),
            scope => write!(f, ", it must be good for {scope}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(response: &SecretString) -> String {
        let octets = STANDARD.decode(response.expose_secret()).expect("base64");
        String::from_utf8(octets).expect("text")
    }

    #[test]
    fn the_response_of_oauthbearer_is_that_of_the_rfc() {
        let token = SecretString::from("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");

        let response = oauthbearer("user@example.com", "server.example.com", 143, &token);

        // RFC 7628 §4.1.
        assert_eq!(
            response.expose_secret(),
            "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9Q\
             mVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
        );
    }

    #[test]
    fn a_name_may_hold_what_separates_names() {
        let response = oauthbearer("a,b=c", "h", 1, &SecretString::from("t"));

        assert!(plain(&response).starts_with("n,a=a=2Cb=3Dc,\x01"));
    }

    #[test]
    fn the_response_of_xoauth2_is_that_of_its_description() {
        let response = xoauth2("someuser@example.com", &SecretString::from("ya29.vF9d"));

        assert_eq!(
            plain(&response),
            "user=someuser@example.com\x01auth=Bearer ya29.vF9d\x01\x01"
        );
    }

    #[test]
    fn a_refusal_is_said_in_words() {
        let words = |json: &str| Refusal::decode(&STANDARD.encode(json)).map(|r| r.to_string());

        assert_eq!(
            words(r#"{"status":"invalid_token","scope":"mail.read"}"#).as_deref(),
            Some("the token has expired or is not valid, it must be good for mail.read")
        );
        assert_eq!(
            words(r#"{"status":"400","schemes":"Bearer","scope":""}"#).as_deref(),
            Some("the token is malformed, or for another account")
        );
        assert_eq!(
            words(r#"{"status":"strange"}"#).as_deref(),
            Some("the token was not taken (strange)")
        );
        let expired = Some("the token has expired or is not valid");
        for odd in [
            r#"{"status":401,"scope":null}"#,
            r#"{"status":"","error":"invalid_token","error_description":"gone"}"#,
        ] {
            assert_eq!(words(odd).as_deref(), expired, "{odd}");
        }
        assert_eq!(words("[]"), None);
        assert_eq!(words("{}"), None);
        assert_eq!(Refusal::decode("no base64"), None);
    }
}

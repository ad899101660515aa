//! What an error of a session means for the poller (pure): the table of outcomes.

use std::time::Duration;

use super::report::Outcome;
use crate::{
    causes::chain,
    client::{self, login::names_busy},
    net::tls,
    notice::shown::Shown,
    pop3::response::{Code, LONGEST_RESPONSE, ParseError, Response},
    store,
};

/// What a failed session means.
pub fn of_session(error: &client::Error) -> Outcome {
    let why = || Shown::line(&words(error));
    match error {
        client::Error::Rejected { request, response } => of_rejection(request, response),
        client::Error::Tls {
            fault: None,
            source: source @ tls::Error::Handshake(_),
        } if source.broke_off() => Outcome::Unreachable { why: why() },
        client::Error::Tls { .. }
        | client::Error::NotOffered
        | client::Error::ClearText
        | client::Error::Downgrade(_)
        | client::Error::NotProven(_)
        | client::Error::Pin => Outcome::NotSafe { why: why() },
        // Somebody may be in the way: nothing goes out over this connection.
        client::Error::Broken(ParseError::Injected) => Outcome::NotSafe { why: why() },
        client::Error::Broken(_)
        | client::Error::PipeliningBroken
        | client::Error::LookLost
        | client::Error::SizesLost
        | client::Error::TooLarge { .. } => Outcome::Broken { why: why() },
        client::Error::NoToken => Outcome::SignInFailed { words: why() },
        client::Error::Connect(_)
        | client::Error::Closed
        | client::Error::Io(_)
        | client::Error::TimedOut { .. } => Outcome::Unreachable { why: why() },
    }
}

/// What is wrong, in words. What the TLS library makes of it is left out where we know better.
pub fn words(error: &client::Error) -> String {
    match error {
        client::Error::Tls { fault: Some(_), .. } => error.to_string(),
        client::Error::Tls { source, .. } if source.met_no_tls() => error.to_string(),
        error => chain(error),
    }
}

/// What it means that the cache could not be used.
pub fn of_store(error: &store::Error) -> Outcome {
    Outcome::CannotSave {
        why: Shown::line(&chain(error)),
    }
}

/// The server's words, no more of them than an answer may have (RFC 2449 §4).
pub fn said(response: &Response) -> &str {
    &response.text[..response.text.floor_char_boundary(LONGEST_RESPONSE)]
}

fn of_rejection(request: &str, response: &Response) -> Outcome {
    let words = if response.text.is_empty() {
        Shown::line(&format!("the server rejected {request} without a word"))
    } else {
        Shown::line(said(response))
    };
    let is_sign_in = matches!(request, "USER" | "PASS" | "APOP" | "AUTH");
    match response.code {
        Some(Code::InUse) => Outcome::Busy { words },
        Some(Code::LoginDelay) => told_to_wait(words),
        Some(Code::SysTemp) => Outcome::Unreachable { why: words },
        Some(Code::SysPerm) => Outcome::Refused { words },
        Some(Code::Auth) => Outcome::SignInFailed { words },
        None if names_busy(&response.text) => Outcome::Busy { words },
        None if is_sign_in && names_delay(&response.text) => told_to_wait(words),
        None if is_sign_in && names_no_fault(&response.text) => Outcome::Unreachable { why: words },
        None if is_sign_in => Outcome::SignInFailed { words },
        None => Outcome::Unreachable { why: words },
    }
}

/// True if the words mean that something does not work just now, and nobody's password is wrong. Many
/// servers have no code for it.
fn names_no_fault(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|words| text.contains(words));
    has(&[
        "temporar",
        "not available",
        "unavailable",
        "try later",
        "try again later",
        "internal error",
        "internal server error",
        "system error",
        "timed out",
        "overload",
        "out of memory",
        "disk full",
        "maintenance",
    ]) && !has(&[
        // A password that may be wrong is not said again by itself: accounts are locked for that.
        "password",
        "credential",
        "auth",
        "login fail",
        "logon fail",
        "sign-in fail",
        "log in",
        "invalid",
        "incorrect",
        "wrong",
        "denied",
        "blocked",
        "disabled",
        "locked",
    ])
}

fn told_to_wait(words: Shown) -> Outcome {
    Outcome::ToldToWait {
        every: delay(&words),
        words,
    }
}

/// The wait that a server's words speak of: `10 minutes`, `300 seconds`; zero if they do not.
fn delay(words: &str) -> Duration {
    let mut number = None;
    for word in words.split(|c: char| !c.is_ascii_alphanumeric()) {
        if let Ok(value) = word.parse::<u32>() {
            number = Some(value);
        } else if let Some(value) = number {
            let word = word.to_ascii_lowercase();
            if word.starts_with("min") {
                return Duration::from_secs(u64::from(value) * 60);
            } else if word.starts_with("sec") || word == "s" {
                return Duration::from_secs(u64::from(value));
            }
        }
    }
    Duration::ZERO
}

fn names_delay(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    [
        "too often",
        "too frequent",
        "too many login",
        "login delay",
        "login-delay",
        "try again in",
        "rate limit",
        // Microsoft's: `Exceeded the login limit for a 15 minute period.`
        "login limit",
        // Gmail's and Zoho's.
        "unusual usage",
        "excessive usage",
    ]
    .iter()
    .any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_that_are_called_too_often_say_so_in_their_own_words() {
        let wait = |words: &'static str| match of_rejection("PASS", &Response::err(words)) {
            Outcome::ToldToWait { every, .. } => every.as_secs() / 60,
            other => panic!("{words}: {other:?}"),
        };

        let microsoft = "Exceeded the login limit for a 15 minute period. Reduce the frequency of requests to the POP3 server.";
        assert_eq!(wait(microsoft), 15);
        assert_eq!(
            wait("[SYS/TEMP] Our system indicates unusual usage of your account"),
            0
        );
        assert_eq!(wait("pop access blocked due to excessive usage"), 0);
        assert_eq!(wait("[LOGIN-DELAY] come back in 10 minutes"), 10);
    }

    #[test]
    fn only_words_that_speak_of_no_password_let_it_be_said_again() {
        let outcome = |words: &'static str| of_rejection("PASS", &Response::err(words));

        for words in [
            "server is not available, try later",
            "Temporary failure, please try again later",
            "internal server error",
        ] {
            let is_temporary = matches!(outcome(words), Outcome::Unreachable { .. });
            assert!(is_temporary, "{words}");
        }
        for words in [
            "Login failed. Please try again later",
            "temporary authentication failure",
            "access denied, try again later",
            "account temporarily blocked",
            "no",
        ] {
            let is_refused = matches!(outcome(words), Outcome::SignInFailed { .. });
            assert!(is_refused, "{words}");
        }
    }
}

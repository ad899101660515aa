//! Which way of signing in is taken (pure). RFC 1939 §7 has USER with PASS, and APOP; RFC 5034 AUTH.

use std::{fmt, str::FromStr};

use crate::pop3::{
    capability::{Capabilities, Capability},
    response::{Code, Response},
    sasl::Mechanism,
};

/// A way of signing in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// AUTH PLAIN (RFC 4616).
    Plain,
    /// USER and PASS.
    User,
    /// APOP: the password itself does not travel.
    Apop,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Way::Plain => "AUTH PLAIN",
            Way::User => "USER/PASS",
            Way::Apop => "APOP",
        })
    }
}

impl FromStr for Way {
    type Err = ();

    fn from_str(text: &str) -> Result<Way, ()> {
        [Way::Plain, Way::User, Way::Apop]
            .into_iter()
            .find(|way| way.to_string() == text)
            .ok_or(())
    }
}

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// What the server can do; none if it does not know CAPA.
    pub capabilities: Option<&'a Capabilities>,
    /// The timestamp in its greeting.
    pub timestamp: Option<&'a str>,
    /// True if nobody on the way can read along.
    pub is_tls: bool,
    /// True if the password may travel in clear text.
    pub allows_clear_text: bool,
    /// The way that worked the last time.
    pub last: Option<Last>,
}

/// How the last session signed in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Last {
    /// The way that worked.
    pub way: Way,
    /// True if APOP had been tried before it, and refused: it is not tried every time.
    pub apop_refused: bool,
}

impl fmt::Display for Last {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.way)?;
        f.write_str(if self.apop_refused { AFTER_APOP } else { "" })
    }
}

impl FromStr for Last {
    type Err = ();

    fn from_str(text: &str) -> Result<Last, ()> {
        let without = text.strip_suffix(AFTER_APOP);
        Ok(Last {
            way: without.unwrap_or(text).parse()?,
            apop_refused: without.is_some(),
        })
    }
}

/// What stands behind a way that is remembered, where APOP had been refused.
const AFTER_APOP: &str = " after APOP";

/// The ways to try, in this order; none if each would give the password away.
pub fn ways(situation: &Situation) -> Vec<Way> {
    let offers_plain = situation.capabilities.is_some_and(|capabilities| {
        capabilities
            .mechanisms()
            .any(|mechanism| mechanism == Mechanism::Plain)
    });
    let offers_user = situation
        .capabilities
        .is_none_or(|capabilities| capabilities.has(&Capability::User));
    // A server that names neither is asked by USER all the same: many forget to say so.
    let by_password = if offers_plain && (situation.is_tls || !offers_user) {
        Way::Plain
    } else {
        Way::User
    };

    if situation.is_tls {
        return vec![by_password];
    }
    let offers_apop = situation.timestamp.is_some();
    match (offers_apop, situation.last) {
        // It worked without the password on the wire: from now on nothing less will do.
        (true, Some(Last { way: Way::Apop, .. })) => vec![Way::Apop],
        (false, Some(Last { way: Way::Apop, .. })) => vec![],
        (true, _) if !situation.allows_clear_text => vec![Way::Apop],
        (false, _) if !situation.allows_clear_text => vec![],
        (true, Some(last)) if last.apop_refused => vec![by_password],
        (true, _) => vec![Way::Apop, by_password],
        (false, _) => vec![by_password],
    }
}

/// True if another way would not help: the answer speaks of something else than the password.
pub fn is_final(response: &Response) -> bool {
    match response.code {
        Some(Code::InUse | Code::LoginDelay | Code::SysTemp | Code::SysPerm) => true,
        Some(Code::Auth) | None => names_busy(&response.text),
    }
}

/// True if the words mean that somebody else holds the maildrop. Many servers have no code for it.
pub fn names_busy(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let has = |word: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .any(|part| part == word)
    };
    // An *account* that is locked, or somebody who is locked *out*, needs a person; a *mailbox* that
    // is locked needs only time.
    let is_shut_out = ["password", "passwords", "attempts", "blocked", "disabled"]
        .iter()
        .any(|word| has(word));
    if is_shut_out || text.contains("locked out") {
        return false;
    }
    let is_locked = has("lock") || has("locked");
    (is_locked && !has("account") && !has("user"))
        || has("busy")
        || text.contains("in use")
        || text.contains("already open")
        || text.contains("another session")
        || text.contains("already logged")
}

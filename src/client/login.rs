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
    /// AUTH LOGIN (draft-murchison-sasl-login), for servers that have nothing else.
    Login,
    /// AUTH OAUTHBEARER (RFC 7628): an access token in the password's place.
    OauthBearer,
    /// AUTH XOAUTH2, its older form.
    Xoauth2,
    /// AUTH SCRAM-SHA-256 (RFC 7677): neither does it, and the server proves that it knows it.
    Scram,
}

impl Way {
    /// All of them.
    const ALL: [Way; 7] = [
        Way::Plain,
        Way::User,
        Way::Apop,
        Way::Login,
        Way::OauthBearer,
        Way::Xoauth2,
        Way::Scram,
    ];

    /// True if the password itself does not travel.
    pub fn keeps_password(self) -> bool {
        matches!(self, Way::Apop | Way::Scram)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Way::Plain => "AUTH PLAIN",
            Way::User => "USER/PASS",
            Way::Apop => "APOP",
            Way::Login => "AUTH LOGIN",
            Way::OauthBearer => "OAUTHBEARER",
            Way::Xoauth2 => "XOAUTH2",
            Way::Scram => "SCRAM-SHA-256",
        })
    }
}

impl FromStr for Way {
    type Err = ();

    fn from_str(text: &str) -> Result<Way, ()> {
        Way::ALL
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
    /// True if the settings give an access token, not a password.
    pub has_token: bool,
    /// The way that worked the last time.
    pub last: Option<Last>,
}

/// How the last session signed in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Last {
    /// The way that worked.
    pub way: Way,
    /// The ways that had been tried before it and were refused: they are not tried every time.
    pub refused: Refused,
}

/// Ways without the password that a server has refused.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Refused {
    /// SCRAM.
    pub scram: bool,
    /// APOP.
    pub apop: bool,
}

impl Refused {
    /// Takes notice of a refusal.
    pub fn note(&mut self, way: Way) {
        self.scram |= way == Way::Scram;
        self.apop |= way == Way::Apop;
    }

    fn has(self, way: Way) -> bool {
        (way == Way::Scram && self.scram) || (way == Way::Apop && self.apop)
    }
}

impl fmt::Display for Last {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.way)?;
        for way in [Way::Scram, Way::Apop] {
            if self.refused.has(way) {
                write!(f, "{AFTER}{way}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Last {
    type Err = ();

    fn from_str(text: &str) -> Result<Last, ()> {
        let mut ways = text.split(AFTER).map(str::parse);
        let way = ways.next().ok_or(())??;
        let mut refused = Refused::default();
        for way in ways {
            refused.note(way?);
        }
        Ok(Last { way, refused })
    }
}

/// What stands between a way that is remembered and one that had been refused.
const AFTER: &str = " after ";

/// The ways to try, in this order; none if each would give the password away.
pub fn ways(situation: &Situation) -> Vec<Way> {
    let offers = |wanted: Mechanism| {
        situation
            .capabilities
            .is_some_and(|capabilities| capabilities.mechanisms().any(|offered| offered == wanted))
    };
    let may_give_password = situation.is_tls || situation.allows_clear_text;
    if situation.has_token {
        // A token is shown to nobody who could use it, and no other way could make anything of it.
        return [
            (Way::OauthBearer, Mechanism::OauthBearer),
            (Way::Xoauth2, Mechanism::Xoauth2),
        ]
        .into_iter()
        .filter(|(_, mechanism)| may_give_password && offers(*mechanism))
        .map(|(way, _)| way)
        .collect();
    }
    let offers_user = situation
        .capabilities
        .is_none_or(|capabilities| capabilities.has(&Capability::User));
    // A server that names neither is asked by USER all the same: many forget to say so.
    let by_password = if offers(Mechanism::Plain) && (situation.is_tls || !offers_user) {
        Way::Plain
    } else if !offers_user && offers(Mechanism::Login) {
        Way::Login
    } else {
        Way::User
    };
    let offers_scram =
        offers(Mechanism::ScramSha256) || (situation.is_tls && offers(Mechanism::ScramSha256Plus));
    // Whoever runs the server can try passwords on APOP's digest (MD5): within TLS it gains nothing.
    let offers_apop = situation.timestamp.is_some() && !situation.is_tls;
    let mut without_password = Vec::new();
    if offers_scram {
        without_password.push(Way::Scram);
    }
    if offers_apop {
        without_password.push(Way::Apop);
    }

    if let Some(last) = situation.last {
        // Where nobody can read along, a way that is gone is no attack, and another does no harm.
        if last.way.keeps_password() && !situation.is_tls {
            // It worked without the password on the wire: from now on nothing less will do.
            without_password
                .retain(|&way| way == last.way || (way == Way::Scram && !last.refused.scram));
            return match without_password.contains(&last.way) {
                true => without_password,
                false => Vec::new(),
            };
        }
        if may_give_password {
            without_password.retain(|&way| !last.refused.has(way));
        }
    }
    if may_give_password {
        without_password.push(by_password);
    }
    without_password
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

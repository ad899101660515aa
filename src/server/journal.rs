//! The line that the log gets for each session: who, from where, what kinds of commands, how much,
//! and how it ended. Never passwords, never mail.

use std::{fmt, net::IpAddr};

use super::events::SessionNumber;

/// What is counted of a session.
#[derive(Debug, Default)]
pub struct Journal {
    commands: Vec<(&'static str, u32)>,
    /// Octets that were sent.
    pub octets: u64,
    /// Messages that were removed at QUIT.
    pub deleted: usize,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// By QUIT.
    Quit,
    /// The connection was closed or broken without QUIT; nothing was deleted.
    Lost,
    /// Nothing came, or nothing was taken, for too long; nothing was deleted.
    Idle,
    /// Nobody signed in in time.
    SlowToSignIn,
    /// After too many errors or wrong passwords.
    TurnedAway,
    /// Another address had no connection, and there was no room.
    Crowded,
    /// Something followed STLS before TLS.
    Injected,
    /// There was no TLS to be made.
    NoTls,
    /// The mailbox could not be read to a message's end.
    MailboxFailed,
    /// The server was asked to end.
    ServerEnds,
}

impl Journal {
    /// Counts a command.
    pub fn count(&mut self, keyword: &'static str) {
        match self
            .commands
            .iter_mut()
            .find(|(known, _)| *known == keyword)
        {
            Some((_, count)) => *count += 1,
            None => self.commands.push((keyword, 1)),
        }
    }

    /// Writes the line.
    pub fn write(
        &self,
        session: SessionNumber,
        account: Option<&str>,
        address: IpAddr,
        outcome: Outcome,
    ) {
        tracing::info!(
            session,
            account = account.unwrap_or("-"),
            %address,
            commands = %self,
            octets = self.octets,
            deleted = self.deleted,
            outcome = %outcome,
            "session"
        );
    }
}

/// The commands in the order in which they first came: `USER PASS UIDL RETR*12 QUIT`.
impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (place, (keyword, count)) in self.commands.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            f.write_str(keyword)?;
            if *count > 1 {
                write!(f, "*{count}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Outcome::Quit => "quit",
            Outcome::Lost => "connection lost",
            Outcome::Idle => "idle for too long",
            Outcome::SlowToSignIn => "too slow to sign in",
            Outcome::TurnedAway => "turned away",
            Outcome::Crowded => "gave way to another address",
            Outcome::Injected => "text between STLS and TLS",
            Outcome::NoTls => "no TLS",
            Outcome::MailboxFailed => "mailbox failed",
            Outcome::ServerEnds => "server ends",
        })
    }
}

//! `tidings deliver`: the mail on stdin into a mailbox, as mail servers call it.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use jiff::Timestamp;

use crate::server::{
    intake,
    spool::{self, Spool, mailbox::Delivered},
};

/// Appends the mail on stdin to an account's mailbox.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
        tidings deliver notices --spool /srv/notices < mail.eml\n  \
        notices: \"|/usr/bin/tidings deliver notices --spool /srv/notices\"     (in /etc/aliases)\n\n\
        Exit codes are those of sysexits.h: 0 delivered, 64 wrong usage, 67 no such account,\n\
        73 the mail is too large, 75 try again later (a lock, a full disk or mailbox, whatever a\n\
        person has to mend), 77 the account takes no mail of this sender.")]
pub struct DeliverArgs {
    /// The account
    account: String,
    /// The folder of accounts.toml and the mailboxes
    #[arg(long, value_name = "DIR")]
    spool: PathBuf,
    /// The envelope's sender; empty for a bounce
    #[arg(long, value_name = "ENVELOPE")]
    from: Option<String>,
}

/// Runs `tidings deliver`: the exit code is one of sysexits.h, for mail servers.
///
/// # Errors
///
/// None: what failed is said on stderr, and by the exit code.
pub fn deliver(args: DeliverArgs) -> anyhow::Result<ExitCode> {
    Ok(match deliver_stdin(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Mail servers put this into the bounce; nobody may be reading it.
            let _ = writeln!(io::stderr(), "tidings: {:#}", failure.error);
            ExitCode::from(failure.code)
        }
    })
}

/// Why a mail was not delivered, for people and for mail servers.
struct Failure {
    code: u8,
    error: anyhow::Error,
}

fn deliver_stdin(args: &DeliverArgs) -> Result<(), Failure> {
    let failed = |error: spool::Error| Failure {
        code: code(&error),
        error: anyhow::Error::new(error).context(format!("cannot deliver to {}", args.account)),
    };
    let spool = Spool::open(&args.spool).map_err(failed)?;
    if spool.accounts().all().is_empty() {
        // A disk that is not mounted, more likely than meant: the mail waits.
        return Err(Failure {
            code: EX_TEMPFAIL,
            error: anyhow::anyhow!("there is no account in {} yet", args.spool.display()),
        });
    }
    let Some(account) = spool.accounts().find(&args.account) else {
        return Err(failed(spool::Error::UnknownAccount(args.account.clone())));
    };
    let (mail, octets) = read_mail(account.largest_message).map_err(|error| Failure {
        code: EX_TEMPFAIL,
        error: anyhow::Error::new(error).context("cannot read the mail from stdin"),
    })?;
    if let Some(largest) = account.largest_message
        && octets > largest
    {
        let refusal = intake::Refusal::TooLarge { octets, largest };
        return Err(failed(spool::Error::Refused(refusal)));
    }
    let delivered = spool
        .deliver(&args.account, &mail, args.from.as_deref(), Timestamp::now())
        .map_err(failed)?;
    if delivered == Delivered::Known {
        // Nobody may be reading it; the mail is there all the same.
        let _ = writeln!(
            io::stderr(),
            "tidings: {} has this Message-ID since today: it is not delivered again",
            args.account
        );
    }
    Ok(())
}

/// The mail on stdin, and how many octets it has. Of one that is too large no more than that is kept;
/// it is read to its end all the same, because whoever sends it may take a closed pipe for a fault.
fn read_mail(largest: Option<u64>) -> io::Result<(Vec<u8>, u64)> {
    let mut stdin = io::stdin().lock();
    let mut mail = Vec::new();
    let most = largest.unwrap_or(u64::MAX).saturating_add(1);
    (&mut stdin).take(most).read_to_end(&mut mail)?;
    let rest = io::copy(&mut stdin, &mut io::sink())?;
    let octets = mail.len() as u64 + rest;
    Ok((mail, octets))
}

/// How `deliver` ends on wrong usage (sysexits.h).
pub const EX_USAGE: u8 = 64;

const EX_NOUSER: u8 = 67;
const EX_CANTCREAT: u8 = 73;
const EX_TEMPFAIL: u8 = 75;
const EX_NOPERM: u8 = 77;

/// What a person has to mend is a matter of time for the mail: it waits at the mail server.
fn code(error: &spool::Error) -> u8 {
    match error {
        spool::Error::UnknownAccount(_) => EX_NOUSER,
        spool::Error::Refused(intake::Refusal::TooLarge { .. }) => EX_CANTCREAT,
        spool::Error::Refused(intake::Refusal::Sender) => EX_NOPERM,
        spool::Error::Busy
        | spool::Error::Full { .. }
        | spool::Error::Denied { .. }
        | spool::Error::Accounts(_)
        | spool::Error::Io { .. } => EX_TEMPFAIL,
    }
}

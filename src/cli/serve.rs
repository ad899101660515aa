//! `tidings serve`: the built-in server from the command line.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};

use self::accounts::AccountCommand;

use super::{FormArgs, failure};
use crate::server::{
    self,
    accounts::error,
    lmtp::socket,
    spool::{self, Spool},
};

mod accounts;
mod certificates;
mod running;
mod sockets;
mod status;

/// Runs the built-in server, or sets an account's password.
#[derive(Args, Debug)]
#[command(
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  \
        tidings serve passwd notices --spool /srv/notices\n  \
        tidings serve --spool /srv/notices --listen 127.0.0.1:1110\n  \
        tidings serve --spool /srv/notices --listen 10.0.4.17:110 --tls-listen 10.0.4.17:995 \\\n    \
            --cert team.pem --key team.key\n\n\
        The spool folder holds accounts.toml and one mbox file (or Maildir) for each account. Mail comes\n\
        in by `tidings deliver`, by LMTP, or by any mailer that locks as Debian's do. SIGTERM and Ctrl-C\n\
        end it cleanly, SIGHUP reads accounts and certificate again, SIGUSR1 writes figures to the log."
)]
pub struct ServeArgs {
    #[command(subcommand)]
    command: Option<ServeCommand>,
    /// The folder of accounts.toml and the mailboxes
    #[arg(long, value_name = "DIR", global = true)]
    spool: Option<PathBuf>,
    /// Listen here, STLS being offered if there is a certificate [default: 127.0.0.1:110]
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// Listen here with TLS from the first octet on; the port is 995 if none is given
    #[arg(long, value_name = "ADDR")]
    tls_listen: Vec<String>,
    /// Take mail by LMTP here: an address within this machine, or unix:PATH
    #[arg(long, value_name = "PLACE")]
    lmtp: Vec<String>,
    /// The certificate chain (PEM); without one, a self-made one is kept in the spool for --tls-listen
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Its key (PEM, PKCS#8)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Tell figures to Prometheus here, within this machine
    #[arg(long, value_name = "ADDR")]
    prometheus: Option<String>,
    /// When started as root: become this user once the ports are bound
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// How the log is written, to stderr
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub log: LogForm,
    /// Let passwords travel in the clear beyond this machine
    #[arg(long, value_name = "WORD")]
    plaintext: Option<PlaintextWord>,
}

#[derive(Debug, Subcommand)]
enum ServeCommand {
    /// Make an account, or change its password
    #[command(
        after_help = "Asks twice on a terminal; else the first line of stdin is the password:\n  \
            pass show team/notices | tidings serve passwd notices --spool /srv/notices"
    )]
    Passwd {
        /// The account: a-z, 0-9, `.`, `_` and `-`
        account: String,
    },
    /// Ask the server that runs over this spool who is there, and what it has counted
    #[command(after_help = "Examples:\n  \
        tidings serve status --spool /srv/notices\n  \
        tidings serve status --spool /srv/notices --json | jq .counters")]
    Status {
        #[command(flatten)]
        form: FormArgs,
    },
    /// Make, change, remove and show accounts
    #[command(subcommand)]
    Account(AccountCommand),
}

/// How a server's log is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum LogForm {
    /// In lines for people
    #[default]
    Text,
    /// An object a line
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PlaintextWord {
    /// Yes, do
    Allow,
}

/// Runs `tidings serve`, until a signal ends it, or one of its subcommands.
///
/// # Errors
///
/// The spool cannot be used, or the server may not listen where it shall.
pub async fn serve(args: ServeArgs) -> Result<ExitCode, failure::Failure> {
    let Some(path) = &args.spool else {
        clap::Command::new("tidings serve")
            .error(
                clap::error::ErrorKind::MissingRequiredArgument,
                "which spool? give its folder by --spool DIR",
            )
            .exit();
    };
    let open = || open_spool(path).map_err(explained);
    let make = || make_spool(path).map_err(explained);
    match &args.command {
        Some(ServeCommand::Passwd { account }) => {
            accounts::set_password(&make()?, account).map_err(explained)?;
        }
        Some(ServeCommand::Account(AccountCommand::List { form })) => {
            accounts::list(&open()?, form)?;
        }
        Some(ServeCommand::Account(command @ AccountCommand::Add(_))) => {
            accounts::account(&make()?, command).map_err(explained)?;
        }
        Some(ServeCommand::Account(command)) => {
            accounts::account(&open()?, command).map_err(explained)?;
        }
        Some(ServeCommand::Status { form }) => status::status(path, form).await?,
        None => running::run(&args, path).await.map_err(explained)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the spool's folder, if there is none, and opens it.
fn make_spool(path: &Path) -> anyhow::Result<Spool> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make the spool {}", path.display()))?;
    open_spool(path)
}

fn open_spool(path: &Path) -> anyhow::Result<Spool> {
    Spool::open(path).with_context(|| format!("cannot use the spool {}", path.display()))
}

/// What a server failed of: how it was called, its file of accounts, or something else.
fn exit_code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if cause.is::<sockets::NoAddress>() || cause.is::<running::NoUser>() {
            return failure::USAGE;
        }
        match cause.downcast_ref() {
            Some(
                server::Error::Unprotected(_)
                | server::Error::NoCertificate(_)
                | server::Error::Intake(socket::Error::Open(_)),
            ) => {
                return failure::USAGE;
            }
            Some(
                server::Error::Listen { .. } | server::Error::Intake(_) | server::Error::Running,
            )
            | None => {}
        }
        let of_spool = match cause.downcast_ref() {
            Some(spool::Error::Accounts(error)) => Some(error),
            Some(_) | None => None,
        };
        match of_spool.or_else(|| cause.downcast_ref()) {
            Some(error::Error::Name(_)) => return failure::USAGE,
            Some(
                error::Error::Read(_)
                | error::Error::Parse { .. }
                | error::Error::Edit(_)
                | error::Error::Stores(_)
                | error::Error::NotATable(_),
            ) => return failure::SETTINGS,
            Some(_) | None => {}
        }
    }
    failure::UNEXPECTED
}

/// What ended a server, as every command's failure is told.
fn explained(error: anyhow::Error) -> failure::Failure {
    failure::Failure::with_code(exit_code(&error), error)
}

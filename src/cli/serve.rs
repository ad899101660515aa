//! `tidings serve`: the built-in server from the command line.

use std::{
    io::{self, Write},
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use self::accounts::AccountCommand;

use super::failure;
use crate::{
    net::tls::Acceptor,
    server::{
        self, Listener, Options, Plaintext, Protection, Server,
        accounts::error,
        certificate::{self, Certificate},
        lmtp,
        spool::{self, Spool},
    },
};

mod accounts;

/// Runs the built-in server, or sets an account's password.
#[derive(Args, Debug)]
#[command(
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  \
        tidings serve passwd notices --spool /srv/notices\n  \
        tidings serve --spool /srv/notices --listen 127.0.0.1:1110\n  \
        tidings serve --spool /srv/notices --listen 10.0.4.17:110 --tls-listen 10.0.4.17:995 \\\n    \
            --cert team.pem --key team.key\n\n\
        The spool folder holds accounts.toml and one mbox file for each account. Mail comes in by\n\
        `tidings deliver`, or by any mailer that locks as Debian's do. SIGTERM and Ctrl-C end it cleanly."
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
    /// Make, change, remove and show accounts
    #[command(subcommand)]
    Account(AccountCommand),
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
    let spool = open_spool(path).map_err(explained)?;
    let done = match &args.command {
        Some(ServeCommand::Passwd { account }) => accounts::set_password(&spool, account),
        Some(ServeCommand::Account(AccountCommand::List { form })) => {
            return accounts::list(&spool, form).map(|()| ExitCode::SUCCESS);
        }
        Some(ServeCommand::Account(command)) => accounts::account(&spool, command),
        None => run(&args, spool).await,
    };
    done.map(|()| ExitCode::SUCCESS).map_err(explained)
}

fn open_spool(path: &Path) -> anyhow::Result<Spool> {
    make_folder(path)?;
    Spool::open(path).with_context(|| format!("cannot use the spool {}", path.display()))
}

async fn run(args: &ServeArgs, spool: Spool) -> anyhow::Result<()> {
    raise_descriptor_limit();
    let listeners = listeners(args)?;
    let acceptor = acceptor(args, &listeners, &spool)?;
    if let Some(acceptor) = &acceptor {
        let tried = acceptor.try_out().await;
        tried.context("the certificate and the key do not belong together")?;
    }
    if spool.accounts().all().is_empty() {
        tracing::warn!("there is no account yet: make one by `tidings serve passwd ACCOUNT`");
    }
    let options = Options {
        listeners,
        intakes: intakes(args)?,
        acceptor,
        plaintext: match args.plaintext {
            Some(PlaintextWord::Allow) => Plaintext::Allowed,
            None => Plaintext::Loopback,
        },
        ..Options::default()
    };
    // Signals that come while the server starts are not to be lost.
    let mut terminated = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut interrupted = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    let protections: Vec<Protection> = options.listeners.iter().map(|l| l.protection).collect();
    let plaintext = options.plaintext;
    let has_tls = options.acceptor.is_some();
    let path = spool.path().display().to_string();
    let handle = Server::start(Arc::new(spool), options)
        .await
        .map_err(explain)?;

    let mut stdout = io::stdout().lock();
    for (address, protection) in handle.addresses().iter().zip(protections) {
        let scheme = match protection {
            Protection::None => "pop3",
            Protection::Tls => "pop3s",
        };
        // Whoever closed stdout does not want to know; the server runs all the same.
        let _ = writeln!(stdout, "serving {path} on {scheme}://{address}");
        if protection == Protection::None {
            tracing::info!(%address, passwords = passwords(address, plaintext, has_tls), "listening");
        } else {
            tracing::info!(%address, passwords = "within TLS", "listening");
        }
    }
    for place in handle.intakes() {
        let _ = writeln!(stdout, "taking mail for {path} on {place}");
    }
    let _ = stdout.flush();
    drop(stdout);

    tokio::select! {
        _ = terminated.recv() => tracing::info!("ending: SIGTERM"),
        _ = interrupted.recv() => tracing::info!("ending: Ctrl-C"),
    }
    handle.shutdown().await;
    Ok(())
}

/// How passwords travel there, in words.
fn passwords(address: &SocketAddr, plaintext: Plaintext, has_tls: bool) -> &'static str {
    if plaintext == Plaintext::Allowed && !address.ip().is_loopback() {
        "in the clear, as you allowed"
    } else if address.ip().is_loopback() {
        "within this machine"
    } else if has_tls {
        "after STLS only"
    } else {
        "not at all"
    }
}

fn listeners(args: &ServeArgs) -> anyhow::Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    for (texts, port, protection) in [
        (&args.listen, 110, Protection::None),
        (&args.tls_listen, 995, Protection::Tls),
    ] {
        for text in texts {
            listeners.push(Listener {
                address: resolve(text, port)?,
                protection,
            });
        }
    }
    if listeners.is_empty() {
        listeners.push(Listener {
            address: SocketAddr::from(([127, 0, 0, 1], 110)),
            protection: Protection::None,
        });
    }
    Ok(listeners)
}

/// What a server failed of: how it was called, its file of accounts, or something else.
fn exit_code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if cause.is::<NoAddress>() {
            return failure::USAGE;
        }
        match cause.downcast_ref() {
            Some(
                server::Error::Unprotected(_)
                | server::Error::NoCertificate(_)
                | server::Error::Intake(lmtp::Error::Open(_)),
            ) => {
                return failure::USAGE;
            }
            Some(server::Error::Listen { .. } | server::Error::Intake(_)) | None => {}
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

/// What was given to listen on is no address.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no address to listen on, as 127.0.0.1:110 is")]
pub struct NoAddress(String);

/// An address, with or without a port, or a name that has one.
fn resolve(text: &str, port: u16) -> anyhow::Result<SocketAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, port));
    }
    let with_port = if text.contains(':') {
        text.to_owned()
    } else {
        format!("{text}:{port}")
    };
    let found = with_port.to_socket_addrs().ok();
    let found = found.and_then(|mut addresses| addresses.next());
    Ok(found.ok_or_else(|| NoAddress(text.to_owned()))?)
}

fn intakes(args: &ServeArgs) -> anyhow::Result<Vec<lmtp::Place>> {
    let place = |text: &String| match text.strip_prefix("unix:") {
        Some(path) => Ok(lmtp::Place::Unix(PathBuf::from(path))),
        None => resolve(text, 24).map(lmtp::Place::Tcp),
    };
    args.lmtp.iter().map(place).collect()
}

fn acceptor(
    args: &ServeArgs,
    listeners: &[Listener],
    spool: &Spool,
) -> anyhow::Result<Option<Acceptor>> {
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        let read = |path: &Path| {
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
        };
        let acceptor = Acceptor::new(&read(cert)?, &read(key)?)?;
        return Ok(Some(acceptor));
    }
    if listeners.iter().all(|l| l.protection == Protection::None) {
        return Ok(None);
    }
    let addresses: Vec<IpAddr> = listeners.iter().map(|l| l.address.ip()).collect();
    let own = Certificate::of_spool(spool.folder(), &certificate::names(&addresses))?;
    tracing::info!(
        pin_sha256 = own.fingerprint,
        "a self-made certificate: clients need pin_sha256, or .certificate.pem of the spool as ca_file"
    );
    Ok(Some(own.acceptor()?))
}

/// Says what to do where a port may not be bound.
fn explain(error: server::Error) -> anyhow::Error {
    match &error {
        server::Error::Listen { address, source } => {
            let advice = match source.kind() {
                io::ErrorKind::PermissionDenied => format!(
                    "port {} is for root alone: take another one (`--listen {}:{}`), or start as root",
                    address.port(),
                    address.ip(),
                    address.port().saturating_add(1000),
                ),
                io::ErrorKind::AddrInUse => {
                    "another program listens there already: take another port".to_owned()
                }
                _ => "check the address".to_owned(),
            };
            anyhow::Error::new(error).context(advice)
        }
        server::Error::Unprotected(_) => anyhow::Error::new(error).context(
            "give a certificate (`--cert FILE --key FILE`, or `--tls-listen`), or say `--plaintext allow`",
        ),
        server::Error::Intake(lmtp::Error::Open(_)) => anyhow::Error::new(error)
            .context("give an address such as 127.0.0.1:24, or a socket by unix:PATH"),
        server::Error::NoCertificate(_) | server::Error::Intake(_) => anyhow::Error::new(error),
    }
}

/// A thousand sessions need more than the thousand descriptors that a shell gives.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(error = &error as &dyn std::error::Error, "few descriptors");
    }
}

fn make_folder(path: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make the spool {}", path.display()))
}

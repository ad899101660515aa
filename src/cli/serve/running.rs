//! A server that runs until a signal ends it.

use std::{
    fs::DirBuilder,
    io::{self, Write},
    net::{IpAddr, SocketAddr},
    os::unix::fs::{DirBuilderExt, chown},
    path::Path,
    sync::Arc,
};

use anyhow::Context;
use nix::unistd::{Uid, User, initgroups, setgid, setuid};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    causes::chain,
    server::{
        Handle, Server,
        options::{Options, Plaintext, Protection},
    },
};

use super::{
    ServeArgs,
    certificates::{self, Source},
    make_spool, sockets,
};

/// There is nobody of this name to become.
#[derive(Debug, thiserror::Error)]
#[error("there is no user `{0}` on this machine")]
pub(super) struct NoUser(String);

/// Runs the server over this spool until a signal ends it.
pub(super) async fn run(args: &ServeArgs, path: &Path) -> anyhow::Result<()> {
    raise_descriptor_limit();
    // Signals that come while the server starts are not to be lost.
    let mut signals = Signals::new().context("cannot wait for signals")?;
    let (given, given_intakes) = sockets::handed_over()?;
    let are_given = !given.is_empty();
    let prometheus = args.prometheus.as_deref();
    let mut options = Options {
        listeners: sockets::listeners(args, are_given)?,
        sockets: given,
        intakes: sockets::intakes(args)?,
        intake_sockets: given_intakes,
        status: true,
        prometheus: prometheus
            .map(|text| sockets::resolve(text, 9110))
            .transpose()?,
        plaintext: match args.plaintext {
            Some(_) => Plaintext::Allowed,
            None => Plaintext::Loopback,
        },
        ..Options::default()
    };
    let source = Source::of(args, &tls_addresses(&options));
    options.acceptor = source.read()?;
    if let Some(user) = &args.user {
        sockets::bind(&mut options)?;
        become_user(user, path)?;
    }
    let spool = make_spool(path)?;
    if let Some(acceptor) = source.keep(&spool)? {
        options.acceptor = Some(acceptor);
    }
    if let Some(acceptor) = &options.acceptor {
        certificates::try_out(acceptor).await?;
    }
    if spool.accounts().all().is_empty() {
        tracing::warn!("there is no account yet: make one by `tidings serve passwd ACCOUNT`");
    }
    let told = Told::of(&options, path);
    let handle = Server::start(Arc::new(spool), options)
        .await
        .map_err(sockets::explain)?;
    told.tell(&handle);
    if Uid::effective().is_root() {
        tracing::warn!("running as root: `--user NAME` becomes another once the ports are bound");
    }
    notify(&[NotifyState::Ready]);

    loop {
        match signals.next().await {
            Caught::End(why) => {
                tracing::info!("ending: {why}");
                break;
            }
            Caught::Reread => {
                notify_reloading();
                reread(&handle, &source).await;
                notify(&[NotifyState::Ready]);
            }
            Caught::Figures => tracing::info!("{}", handle.status().in_a_line()),
        }
    }
    notify(&[NotifyState::Stopping]);
    handle.shutdown().await;
    Ok(())
}

/// The addresses of listeners that begin with TLS.
fn tls_addresses(options: &Options) -> Vec<IpAddr> {
    let own = options
        .listeners
        .iter()
        .filter(|listener| listener.protection == Protection::Tls)
        .map(|listener| listener.address.ip());
    let given = options
        .sockets
        .iter()
        .filter(|given| given.protection == Protection::Tls)
        .filter_map(|given| Some(given.socket.local_addr().ok()?.ip()));
    own.chain(given).collect()
}

/// Reads the accounts and the certificate again. What cannot be read stays as it was.
async fn reread(handle: &Handle, source: &Source) {
    let spool = handle.spool().clone();
    if let Err(error) = spool.accounts().reread() {
        tracing::error!(error = chain(&error), "the accounts stay as they were");
    } else {
        tracing::info!("the accounts are read again");
    }
    let acceptor = async {
        let read = match source.read()? {
            Some(acceptor) => Some(acceptor),
            None => source.keep(&spool)?,
        };
        if let Some(acceptor) = &read {
            certificates::try_out(acceptor).await?;
        }
        anyhow::Ok(read)
    };
    match acceptor.await {
        Ok(acceptor) => {
            handle.set_acceptor(acceptor);
            tracing::info!("the certificate is read again");
        }
        Err(error) => tracing::error!("the certificate stays as it was: {error:#}"),
    }
}

/// Becomes another user for good. The spool's folder is made for that one, if there is none.
fn become_user(name: &str, spool: &Path) -> anyhow::Result<()> {
    let user = User::from_name(name)
        .context("cannot look for users")?
        .ok_or_else(|| NoUser(name.to_owned()))?;
    if user.uid == Uid::effective() {
        return Ok(());
    }
    if !spool.exists() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(spool)
            .and_then(|()| chown(spool, Some(user.uid.as_raw()), Some(user.gid.as_raw())))
            .with_context(|| format!("cannot make the spool {}", spool.display()))?;
    }
    let c_name = std::ffi::CString::new(name).context("cannot become another user")?;
    initgroups(&c_name, user.gid)
        .and_then(|()| setgid(user.gid))
        .and_then(|()| setuid(user.uid))
        .with_context(|| format!("cannot become `{name}`: start as root, or leave --user away"))
}

/// What is said at the start, once it is known where.
struct Told {
    path: String,
    protections: Vec<Protection>,
    plaintext: Plaintext,
    has_tls: bool,
}

impl Told {
    fn of(options: &Options, path: &Path) -> Told {
        let listeners = options.listeners.iter().map(|listener| listener.protection);
        let sockets = options.sockets.iter().map(|given| given.protection);
        Told {
            path: path.display().to_string(),
            protections: listeners.chain(sockets).collect(),
            plaintext: options.plaintext,
            has_tls: options.acceptor.is_some(),
        }
    }

    fn tell(&self, handle: &Handle) {
        let mut stdout = io::stdout().lock();
        let path = &self.path;
        for (address, protection) in handle.addresses().iter().zip(&self.protections) {
            let scheme = match protection {
                Protection::None => "pop3",
                Protection::Tls => "pop3s",
            };
            // Whoever closed stdout does not want to know; the server runs all the same.
            let _ = writeln!(stdout, "serving {path} on {scheme}://{address}");
            let passwords = match protection {
                Protection::None => self.passwords(address),
                Protection::Tls => "within TLS",
            };
            tracing::info!(%address, passwords, "listening");
        }
        for place in handle.intakes() {
            let _ = writeln!(stdout, "taking mail for {path} on {place}");
            tracing::info!(%place, "taking mail");
        }
        let _ = stdout.flush();
    }

    /// How passwords travel there, in words.
    fn passwords(&self, address: &SocketAddr) -> &'static str {
        if self.plaintext == Plaintext::Allowed && !address.ip().is_loopback() {
            "in the clear, as you allowed"
        } else if address.ip().is_loopback() {
            "within this machine"
        } else if self.has_tls {
            "after STLS only"
        } else {
            "not at all"
        }
    }
}

/// The signals that a server heeds.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    user: Signal,
}

enum Caught {
    End(&'static str),
    Reread,
    Figures,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            user: signal(SignalKind::user_defined1())?,
        })
    }

    async fn next(&mut self) -> Caught {
        tokio::select! {
            _ = self.terminate.recv() => Caught::End("SIGTERM"),
            _ = self.interrupt.recv() => Caught::End("Ctrl-C"),
            _ = self.hang_up.recv() => Caught::Reread,
            _ = self.user.recv() => Caught::Figures,
        }
    }
}

/// Tells a service manager, if one wants to know.
fn notify(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(error = chain(&error), "the service manager is not told");
    }
}

fn notify_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(_) => notify(&[NotifyState::Reloading]),
    }
}

/// A thousand sessions need more than the thousand descriptors that a shell gives.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(error = chain(&error), "few descriptors");
    }
}

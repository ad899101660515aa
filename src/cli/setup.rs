//! `setup`: the screen that asks, or, with enough arguments, no questions at all.

use std::{
    io::{IsTerminal, stdin},
    path::{Path, PathBuf},
};

use clap::Args;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{
    Global, check,
    failure::{self, Failure},
    output::Out,
    read,
    remark::remark,
    screen, settings_path,
};
use crate::{
    app::{Ended, setup::read_team_file, trial},
    client::dialogue::Dialogue,
    config::{self, Age, Mailbox, Tls, file, proxy::Proxy},
    notice::shown::Shown,
    poll::tell::blocking,
    secret::{Source, keyring},
    tui::setup::StepResult,
};

/// What `setup` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    tidings setup\n  \
    tidings setup --from tidings-team.toml\n  \
    tidings setup --host pop.team.example --user notices@team.example \\\n               \
                  --password-cmd pass show team/notices")]
pub struct SetupArgs {
    /// A team file: a settings file without secrets that says all but the password.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The mailbox's name on the screen.
    #[arg(long)]
    name: Option<String>,
    /// The server.
    #[arg(long)]
    host: Option<String>,
    /// Its port; 995, or 110 without implicit TLS.
    #[arg(long)]
    port: Option<u16>,
    /// How the connection is protected: implicit, starttls, none (this machine only).
    #[arg(long, value_name = "HOW")]
    tls: Option<String>,
    /// The account.
    #[arg(long)]
    user: Option<String>,
    /// An environment variable that holds the password.
    #[arg(long, value_name = "NAME")]
    password_env: Option<String>,
    /// A file, readable by nobody else, whose first line is the password.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// A program that prints the password; all that follows are its arguments.
    #[arg(long, num_args = 1.., allow_hyphen_values = true, value_name = "CMD")]
    password_cmd: Vec<String>,
    /// A program that prints an access token (OAuth 2.0), for services that take no passwords; all that
    /// follows are its arguments.
    #[arg(long, num_args = 1.., allow_hyphen_values = true, value_name = "CMD", conflicts_with_all = ["password_env", "password_file", "password_cmd", "keyring"])]
    token_cmd: Vec<String>,
    /// Keep the password in the system's keyring: it is asked for now, or read from stdin.
    #[arg(long, conflicts_with_all = ["password_env", "password_file", "password_cmd"])]
    keyring: bool,
    /// A SOCKS5 proxy between here and the server.
    #[arg(long, value_name = "socks5://HOST:PORT", value_parser = Proxy::parse)]
    proxy: Option<Proxy>,
    /// A certificate (PEM) to show to the server.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// Its key (PKCS#8 as PEM), readable by nobody else.
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Certificates (PEM) trusted besides the system's.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Notices older than this start as read: all, none, or a time as 14d.
    #[arg(long, value_name = "AGE")]
    unread_since: Option<Age>,
    /// Save it even if the connection test fails.
    #[arg(long)]
    save_anyway: bool,
}

/// Asks on the screen, or tests and saves what the arguments say.
///
/// # Errors
///
/// The test failed, or the settings cannot be written. Nothing is written then.
pub async fn setup(args: SetupArgs, global: &Global) -> Result<Ended, Failure> {
    let mut mailbox = mailbox(&args)?;
    let is_complete = !mailbox.host.is_empty()
        && !mailbox.user.is_empty()
        && !matches!(Source::of(&mailbox), Source::Person);
    if !is_complete && !screen::has_terminal() {
        return Err(incomplete(&mailbox));
    }
    if !is_complete {
        return read::set_up(mailbox, global).await;
    }
    let path = settings_path(global)?;
    let password = match args.keyring {
        true => typed(&mailbox).await?,
        false => Source::of(&mailbox).fetch().await?,
    };
    let settings = file::load(&path)?.settings;
    // Who says a name means the mailbox of that name; one that follows from the account replaces none.
    if args.name.is_none() {
        mailbox.name = settings.free_name(&mailbox);
    }
    let mut trouble = None;
    let dialogue = Dialogue::default();
    let tried = trial::run(
        &mailbox,
        &password,
        None,
        &settings,
        &dialogue,
        |step| match step.result {
            StepResult::Started => {}
            StepResult::Passed { words } => remark(&Shown::text(&format!("ok     {words}"))),
            StepResult::Warned { words } => remark(&Shown::text(&format!("warn   {words}"))),
            StepResult::Failed { words, remedy } => trouble = Some((words, remedy)),
        },
    )
    .await;
    if let (Err(outcome), Some((words, remedy))) = (&tried, trouble) {
        let failure = Failure::of_trial(outcome, &words, &remedy);
        if !args.save_anyway {
            return Err(failure);
        }
        failure::report(&failure);
    }
    if args.keyring {
        let (account, password) = (keyring::account(&mailbox), password.clone());
        blocking(move || keyring::put(&account, &password)).await?;
    }
    file::save_mailbox(&path, &mailbox)?;
    let mut out = Out::new();
    out.line(&Shown::line(&format!("saved {}", path.display())))?;
    out.flush()?;
    if tried.is_ok() {
        remark(&Shown::from_static("now run `tidings`"));
    }
    Ok(Ended::Quit)
}

/// The password as a person types it, or the first line of stdin.
async fn typed(mailbox: &Mailbox) -> Result<SecretString, Failure> {
    if stdin().is_terminal() {
        let mailbox = Mailbox {
            keyring: false,
            ..mailbox.clone()
        };
        return Ok(check::password(&mailbox).await?);
    }
    let mut line = Zeroizing::new(String::new());
    let read = stdin().read_line(&mut line);
    read.map_err(|error| Failure::unexpected("reading the password from stdin", error))?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Err(Failure::new(failure::USAGE, "stdin gave no password")),
        password => Ok(SecretString::from(password)),
    }
}

/// Without a terminal nothing can be asked: what is missing, and by which options it is given.
fn incomplete(mailbox: &Mailbox) -> Failure {
    let missing: Vec<&str> = [
        (mailbox.host.is_empty(), "--host NAME"),
        (mailbox.user.is_empty(), "--user NAME"),
        (
            matches!(Source::of(mailbox), Source::Person),
            "--password-cmd, --password-env, --password-file, --keyring or --token-cmd",
        ),
    ]
    .into_iter()
    .filter_map(|(is_missing, option)| is_missing.then_some(option))
    .collect();
    Failure::new(failure::USAGE, "no terminal here to ask at")
        .then(format!("say it by options: {}", missing.join("; ")))
}

fn mailbox(args: &SetupArgs) -> Result<Mailbox, Failure> {
    let mut mailbox = match &args.from {
        Some(path) => read_team_file(path).map_err(|why| Failure::new(failure::SETTINGS, why))?,
        None => Mailbox::default(),
    };
    if let Some(host) = &args.host {
        mailbox.host.clone_from(host);
    }
    if let Some(user) = &args.user {
        mailbox.user.clone_from(user);
    }
    if let Some(tls) = &args.tls {
        mailbox.tls = match tls.as_str() {
            "implicit" => Tls::Implicit,
            "starttls" => Tls::Starttls,
            "none" => Tls::None,
            other => {
                return Err(Failure::new(
                    failure::USAGE,
                    format!("`--tls {other}`: implicit, starttls or none"),
                ));
            }
        };
    }
    if args.port.is_some() {
        mailbox.port = args.port;
    }
    // As they are saved they hold wherever one stands.
    let absolute = |path: &Path| {
        let path = config::expand(path);
        std::path::absolute(&path).unwrap_or(path)
    };
    if let Some(path) = &args.ca_file {
        mailbox.ca_file = Some(absolute(path));
    }
    for (path, set) in [
        (&args.client_cert, &mut mailbox.client_cert),
        (&args.client_key, &mut mailbox.client_key),
    ] {
        if let Some(path) = path {
            *set = Some(absolute(path));
        }
    }
    if args.proxy.is_some() {
        mailbox.proxy.clone_from(&args.proxy);
    }
    if args.unread_since.is_some() {
        mailbox.unread_since = args.unread_since;
    }
    if !args.password_cmd.is_empty() {
        mailbox.password_command.clone_from(&args.password_cmd);
    }
    if !args.token_cmd.is_empty() {
        mailbox.token_command.clone_from(&args.token_cmd);
    }
    mailbox.keyring |= args.keyring;
    if args.password_env.is_some() {
        mailbox.password_env.clone_from(&args.password_env);
    }
    if let Some(path) = &args.password_file {
        mailbox.password_file = Some(absolute(path));
    }
    match &args.name {
        Some(name) => mailbox.name.clone_from(name),
        None if mailbox.name.is_empty() && !mailbox.user.is_empty() => {
            let name = mailbox.user.split('@').next().unwrap_or_default();
            mailbox.name = name.to_owned();
        }
        None => {}
    }
    Ok(mailbox)
}

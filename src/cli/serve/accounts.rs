//! `tidings serve passwd` and `tidings serve account`: who has a mailbox on the built-in server, and
//! what each account allows.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{
    cli::{
        FormArgs,
        failure::Failure,
        output::{Form, Out, words},
    },
    config::{Interval, Size},
    notice::shown::Shown,
    server::{
        accounts::{
            account::{self, Account, Delete, Duplicates, Sessions, Store},
            error,
            file::{self, Change, NONE},
            passwords::Hardness,
        },
        spool::Spool,
    },
};

/// What `serve account` is to do.
#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Make an account, with a password
    #[command(after_help = "Examples:\n  \
        tidings serve account add notices --delete refused --spool /srv/notices\n  \
        tidings serve account add editor --mailbox notices --network 10.0.4.0/24 --spool /srv/notices\n  \
        tidings serve account add announce --sender @team.example --expire 90d --spool /srv/notices\n\n\
        Asks for the password twice on a terminal; else the first line of stdin is it.")]
    Add(AccountArgs),
    /// Change what an account allows; its password stays
    Change(AccountArgs),
    /// Remove an account; its mailbox stays
    Remove {
        /// The account
        account: String,
    },
    /// Show all accounts
    List {
        #[command(flatten)]
        form: FormArgs,
    },
}

/// What an account allows.
#[derive(Args, Debug)]
pub(super) struct AccountArgs {
    /// The account: a-z, 0-9, `.`, `_` and `-`
    account: String,
    /// The mailbox, if it is not called as the account is; two accounts may share one
    #[arg(long, value_name = "NAME")]
    mailbox: Option<String>,
    /// What keeps the messages: one file, or a file for each
    #[arg(long, value_name = "KIND")]
    store: Option<StoreWord>,
    /// Several sessions at a time, or one as RFC 1939 has it
    #[arg(long, value_name = "HOW")]
    sessions: Option<SessionsWord>,
    /// Whether DELE is carried out
    #[arg(long, value_name = "HOW")]
    delete: Option<DeleteWord>,
    /// Remove what is older: 90d, or never
    #[arg(long, value_name = "AGE", value_parser = age)]
    expire: Option<String>,
    /// The least time between two logins from one address, as 60s; or none
    #[arg(long, value_name = "TIME", value_parser = time)]
    login_delay: Option<String>,
    /// Take no mail beyond this, as 2GB; or none
    #[arg(long, value_name = "SIZE", value_parser = size)]
    largest_mailbox: Option<String>,
    /// Take no larger mail, as 50MB; or none
    #[arg(long, value_name = "SIZE", value_parser = size)]
    largest_message: Option<String>,
    /// Let sign in from there only: an address or 192.0.2.0/24; may be given several times; or none
    #[arg(long = "network", value_name = "NET", value_parser = network)]
    networks: Option<Vec<String>>,
    /// Take mail of these only: ann@team.example, or @team.example; may be given several times; or none
    #[arg(long = "sender", value_name = "WHO", value_parser = sender)]
    senders: Option<Vec<String>>,
    /// What becomes of a Message-ID that came within a day
    #[arg(long, value_name = "HOW")]
    duplicates: Option<DuplicatesWord>,
    /// Offer SCRAM-SHA-256: the password never travels
    #[arg(long, value_name = "YES", num_args = 0..=1, default_missing_value = "true")]
    scram: Option<bool>,
    /// Offer APOP, for which the password is kept as it is, in a file apart
    #[arg(long, value_name = "YES", num_args = 0..=1, default_missing_value = "true")]
    apop: Option<bool>,
}

/// The text, if it is none or this finds nothing wrong with it.
fn checked<T>(text: &str, check: impl FnOnce(&str) -> Result<T, String>) -> Result<String, String> {
    if text != NONE {
        check(text)?;
    }
    Ok(text.to_owned())
}

fn age(text: &str) -> Result<String, String> {
    file::parse_days(text).map(|_| text.to_owned())
}

fn time(text: &str) -> Result<String, String> {
    checked(text, str::parse::<Interval>)
}

fn size(text: &str) -> Result<String, String> {
    checked(text, |text| match text.parse::<Size>()? {
        Size(0) => {
            Err("nothing would be taken: write none where there is to be no limit".to_owned())
        }
        size => Ok(size),
    })
}

fn network(text: &str) -> Result<String, String> {
    checked(text, file::parse_network)
}

fn sender(text: &str) -> Result<String, String> {
    checked(text, file::check_sender)
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StoreWord {
    Mbox,
    Maildir,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SessionsWord {
    Shared,
    Exclusive,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DeleteWord {
    Allowed,
    Refused,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DuplicatesWord {
    Keep,
    Once,
}

impl AccountArgs {
    fn change(&self) -> Change {
        Change {
            password_hash: None,
            mailbox: self.mailbox.clone(),
            store: self.store.map(|word| match word {
                StoreWord::Mbox => Store::Mbox,
                StoreWord::Maildir => Store::Maildir,
            }),
            sessions: self.sessions.map(|word| match word {
                SessionsWord::Shared => Sessions::Shared,
                SessionsWord::Exclusive => Sessions::Exclusive,
            }),
            delete: self.delete.map(|word| match word {
                DeleteWord::Allowed => Delete::Allowed,
                DeleteWord::Refused => Delete::Refused,
            }),
            expire: self.expire.clone(),
            login_delay: self.login_delay.clone(),
            largest_mailbox: self.largest_mailbox.clone(),
            largest_message: self.largest_message.clone(),
            networks: self.networks.clone(),
            senders: self.senders.clone(),
            duplicates: self.duplicates.map(|word| match word {
                DuplicatesWord::Keep => Duplicates::Keep,
                DuplicatesWord::Once => Duplicates::Once,
            }),
            apop: self.apop,
            scram: self.scram,
        }
    }

    /// True if APOP or SCRAM are switched on, which need the password.
    fn needs_password(&self) -> bool {
        self.apop == Some(true) || self.scram == Some(true)
    }
}

/// An account, for `--json`.
#[derive(Serialize)]
struct AccountItem<'a> {
    name: &'a str,
    mailbox: &'a str,
    store: &'static str,
    sessions: &'static str,
    delete: &'static str,
    expire_days: Option<u32>,
    login_delay_seconds: Option<u64>,
    largest_mailbox: Option<u64>,
    largest_message: Option<u64>,
    networks: Vec<String>,
    senders: &'a [String],
    duplicates: &'static str,
    has_password: bool,
    scram: bool,
    apop: bool,
}

/// Runs `tidings serve account …` that changes something.
pub(super) fn account(spool: &Spool, command: &AccountCommand) -> anyhow::Result<()> {
    let accounts = spool.accounts();
    match command {
        AccountCommand::Add(args) => {
            let name = checked_name(&args.account)?;
            if accounts.find(name).is_some() {
                bail!("there is an account `{name}`: change it by `tidings serve account change`");
            }
            fits(spool, args, None)?;
            let password = ask_password(name)?;
            accounts.change(name, args.change(), Some((&password, Hardness::Ordinary)))?;
            told(spool, name, "is a new account");
            warn_of_scram(spool);
        }
        AccountCommand::Change(args) => {
            let name = checked_name(&args.account)?;
            let account = known(spool, name)?;
            fits(spool, args, Some(&account))?;
            accounts.change(name, args.change(), None)?;
            told(spool, name, "is changed");
            if args.needs_password() {
                told(
                    spool,
                    name,
                    "needs its password once more, by `tidings serve passwd`,",
                );
            }
            warn_of_scram(spool);
        }
        AccountCommand::Remove { account: name } => {
            let account = known(spool, checked_name(name)?)?;
            accounts.remove(name)?;
            let mailbox = Shown::line(&account.mailbox);
            told(
                spool,
                name,
                &format!("is removed, its mail stays as {},", mailbox),
            );
        }
        AccountCommand::List { .. } => {}
    }
    Ok(())
}

/// Runs `tidings serve account list`.
pub(super) fn list(spool: &Spool, form: &FormArgs) -> Result<(), Failure> {
    let accounts = spool.accounts().all();
    let mut out = Out::new();
    let form = form.form(&out);
    if matches!(form, Form::Json | Form::JsonLines) {
        let items: Vec<AccountItem> = accounts.values().map(|account| item(account)).collect();
        out.json(form, &items)?;
    } else {
        let columns = [
            "ACCOUNT", "MAILBOX", "STORE", "SESSIONS", "DELETE", "EXPIRE", "SIGN IN",
        ];
        let rows: Vec<Vec<Shown>> = accounts.values().map(|account| row(account)).collect();
        out.table(form, &columns.map(words), &rows)?;
    }
    out.flush()
}

fn item(account: &Account) -> AccountItem<'_> {
    AccountItem {
        name: &account.name,
        mailbox: &account.mailbox,
        store: account.store.word(),
        sessions: account.sessions.word(),
        delete: account.delete.word(),
        expire_days: account.expire,
        login_delay_seconds: account.login_delay.map(|time| time.as_secs()),
        largest_mailbox: account.largest_mailbox,
        largest_message: account.largest_message,
        networks: account.networks.iter().map(ToString::to_string).collect(),
        senders: &account.senders,
        duplicates: account.duplicates.word(),
        has_password: account.has_password(),
        scram: account.scram,
        apop: account.apop,
    }
}

fn row(account: &Account) -> Vec<Shown> {
    let expire = account
        .expire
        .map_or_else(|| "never".to_owned(), |days| format!("{days}d"));
    let mut ways = Vec::new();
    if account.has_password() {
        ways.push("password");
    }
    if account.scram {
        ways.push("scram");
    }
    if account.apop {
        ways.push("apop");
    }
    let ways = match ways.is_empty() {
        true => "nobody can".to_owned(),
        false => ways.join(", "),
    };
    [
        account.name.as_str(),
        account.mailbox.as_str(),
        account.store.word(),
        account.sessions.word(),
        account.delete.word(),
        &expire,
        &ways,
    ]
    .map(Shown::line)
    .into()
}

/// Runs `tidings serve passwd`.
pub(super) fn set_password(spool: &Spool, name: &str) -> anyhow::Result<()> {
    let name = checked_name(name)?;
    let is_new = spool.accounts().find(name).is_none();
    let password = ask_password(name)?;
    spool
        .accounts()
        .set_password(name, &password, Hardness::Ordinary)?;
    told(
        spool,
        name,
        match is_new {
            true => "is a new account",
            false => "has a new password",
        },
    );
    warn_of_scram(spool);
    Ok(())
}

/// A mailbox that is there cannot be made another kind of by a word.
fn fits(spool: &Spool, args: &AccountArgs, account: Option<&Account>) -> anyhow::Result<()> {
    let change = args.change();
    let mailbox = change.mailbox.as_deref();
    let mailbox = mailbox.or(account.map(|account| account.mailbox.as_str()));
    let mailbox = mailbox.unwrap_or(&args.account);
    let store = change.store.or(account.map(|account| account.store));
    let is_maildir = store.unwrap_or_default() == Store::Maildir;
    let there = std::fs::metadata(spool.path().join(mailbox));
    if there.is_ok_and(|there| there.is_dir() != is_maildir) {
        let kind = if is_maildir {
            "an mbox file"
        } else {
            "a folder"
        };
        bail!("the mailbox `{mailbox}` is there as {kind}: move it away, or name another one");
    }
    Ok(())
}

/// SCRAM is announced where everybody can use it: one account without it takes it from all.
fn warn_of_scram(spool: &Spool) {
    let accounts = spool.accounts();
    if accounts.all_scram() || !accounts.all().values().any(|account| account.scram) {
        return;
    }
    let without: Vec<String> = accounts
        .all()
        .values()
        .filter(|account| account.has_password() && !account.scram)
        .map(|account| account.name.clone())
        .collect();
    let _ = writeln!(
        io::stderr(),
        "SCRAM is not announced, because not every account has it: {}",
        without.join(", ")
    );
}

fn checked_name(name: &str) -> anyhow::Result<&str> {
    if !account::is_name(name) {
        bail!(error::Error::Name(name.to_owned()));
    }
    Ok(name)
}

fn known(spool: &Spool, name: &str) -> anyhow::Result<std::sync::Arc<Account>> {
    let account = spool.accounts().find(name);
    account.with_context(|| {
        format!(
            "there is no account `{name}`: `tidings serve account list` shows those that there are"
        )
    })
}

fn ask_password(account: &str) -> anyhow::Result<SecretString> {
    /// `PASS `, the password and CRLF fit into a command line (RFC 2449 §4).
    const LONGEST: usize = 255 - 7;

    let password = if io::stdin().is_terminal() {
        let ask = |prompt| {
            rpassword::prompt_password(prompt)
                .map(SecretString::from)
                .context("cannot ask for the password")
        };
        let first = ask(format!("Password of {account}: "))?;
        let second = ask("Once more: ".to_owned())?;
        if first.expose_secret() != second.expose_secret() {
            bail!("the two passwords differ: nothing was changed");
        }
        first
    } else {
        let mut line = zeroize::Zeroizing::new(String::new());
        io::stdin()
            .lock()
            .read_line(&mut line)
            .context("cannot read the password from stdin")?;
        SecretString::from(line.trim_end_matches(['\r', '\n']))
    };
    match password.expose_secret().len() {
        0 => bail!("an empty password: nothing was changed"),
        1..=LONGEST => Ok(password),
        _ => bail!("POP3 takes no password of more than {LONGEST} octets"),
    }
}

/// Says what was done. Nobody may be reading stderr; it is done all the same.
fn told(spool: &Spool, account: &str, done: &str) {
    let _ = writeln!(
        io::stderr(),
        "{account} {done} in {}",
        spool.path().display()
    );
}

//! `mailboxes`, `log` and `config`: what is set, and how the checks went.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{
    FormArgs, Global,
    context::{Context, Which},
    failure::{self, Failure},
    output::{Form, Out, number, words},
    screen::has_unicode,
    settings_path,
};
use crate::{
    app::saving::download_dir,
    config::{Settings, file},
    notice::{shown::Shown, when},
    poll::{memory, report::Summary},
    store::{rules::Rules, search::Query},
};

/// What `mailboxes` takes.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  tidings mailboxes --json")]
pub struct MailboxesArgs {
    #[command(flatten)]
    form: FormArgs,
}

/// What `log` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  tidings log -n 5\n  tidings log --dialogue -n 1")]
pub struct LogArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    form: FormArgs,
    /// At most so many.
    #[arg(short = 'n', long, default_value_t = 20, value_name = "N")]
    limit: usize,
    /// With the dialogue of each, passwords masked.
    #[arg(long)]
    dialogue: bool,
}

/// What `config` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  tidings config path\n  tidings config check\n  tidings config show"
)]
pub struct ConfigArgs {
    #[command(subcommand)]
    what: ConfigWhat,
}

#[derive(Debug, Subcommand)]
enum ConfigWhat {
    /// Print where the settings are.
    Path,
    /// Say what is wrong with them.
    Check,
    /// Print all that is in force, defaults included, passwords masked.
    Show,
}

#[derive(Serialize)]
struct MailboxItem<'a> {
    name: &'a str,
    server: String,
    user: &'a str,
    kept: u64,
    unread: u64,
    checked: Option<Timestamp>,
    outcome: Option<&'static str>,
}

/// Lists the mailboxes.
///
/// # Errors
///
/// A cache cannot be read, or stdout is closed.
pub fn mailboxes(args: &MailboxesArgs, context: &Context) -> Result<(), Failure> {
    let mut out = Out::new();
    let form = args.form.form(&out);
    let mut items = Vec::new();
    for (mailbox, store) in context.stores(&Which::default())? {
        let counts = store.counts()?;
        let last = memory::recall(&store, 1)?.pop();
        items.push(MailboxItem {
            name: &mailbox.name,
            server: format!("{}:{} ({})", mailbox.host, mailbox.port(), mailbox.tls),
            user: &mailbox.user,
            kept: counts.all,
            unread: counts.unread,
            checked: memory::last_success(&store)?,
            outcome: last.map(|summary| summary.outcome.word()),
        });
    }
    if matches!(form, Form::Json | Form::JsonLines) {
        out.json(form, &items)?;
        return out.flush();
    }
    let (now, zone) = (Timestamp::now(), TimeZone::system());
    let rows: Vec<Vec<Shown>> = items
        .iter()
        .map(|item| {
            let checked = match (item.checked, form) {
                (None, _) => Shown::from_static("never"),
                (Some(at), Form::Table) => when::short(at, now, &zone, when::Style::Smart),
                (Some(at), _) => Shown::line(&at.to_string()),
            };
            vec![
                Shown::line(item.name),
                Shown::line(&item.unread.to_string()),
                Shown::line(&item.kept.to_string()),
                Shown::from_static(item.outcome.unwrap_or("-")),
                checked,
                Shown::line(&item.server),
                Shown::line(item.user),
            ]
        })
        .collect();
    let columns = [
        words("mailbox"),
        number("unread"),
        number("saved"),
        words("last check"),
        words("checked"),
        words("server"),
        words("user"),
    ];
    out.table(form, &columns, &rows)?;
    out.flush()
}

#[derive(Serialize)]
struct LogItem<'a> {
    mailbox: &'a str,
    at: Timestamp,
    outcome: &'static str,
    words: Shown,
    seconds: f64,
    on_server: Option<u32>,
    new: u32,
    withdrawn: u32,
    bytes: u64,
    notes: &'a [Shown],
    #[serde(skip_serializing_if = "Option::is_none")]
    dialogue: Option<Shown>,
}

/// Lists the latest checks, newest first.
///
/// # Errors
///
/// A cache cannot be read, or stdout is closed.
pub fn log(args: &LogArgs, context: &Context) -> Result<(), Failure> {
    let mut out = Out::new();
    let form = args.form.form(&out);
    let mut visits: Vec<(&str, Summary)> = Vec::new();
    for (mailbox, store) in context.stores(&args.which)? {
        visits.extend(
            memory::recall(&store, args.limit)?
                .into_iter()
                .map(|visit| (mailbox.name.as_str(), visit)),
        );
    }
    visits.sort_by_key(|(_, visit)| std::cmp::Reverse(visit.at));
    visits.truncate(args.limit);
    if matches!(form, Form::Json | Form::JsonLines) {
        let items: Vec<LogItem> = visits
            .iter()
            .map(|(mailbox, visit)| LogItem {
                mailbox,
                at: visit.at,
                outcome: visit.outcome.word(),
                words: visit.outcome.words(),
                seconds: visit.took.as_secs_f64(),
                on_server: visit.on_server,
                new: visit.new,
                withdrawn: visit.withdrawn,
                bytes: visit.octets,
                notes: &visit.notes,
                dialogue: args.dialogue.then(|| Shown::text(&visit.dialogue)),
            })
            .collect();
        out.json(form, &items)?;
        return out.flush();
    }
    let rows: Vec<Vec<Shown>> = visits
        .iter()
        .map(|(mailbox, visit)| log_row(mailbox, visit, form))
        .collect();
    let columns = [
        words("time"),
        words("mailbox"),
        words("result"),
        number("took"),
        number("new"),
        words("note"),
    ];
    out.table(form, &columns, &rows)?;
    if args.dialogue {
        for (_, visit) in &visits {
            if !visit.dialogue.is_empty() {
                out.line(&Shown::line(&format!("\n{}", visit.at)))?;
                out.line(&Shown::text(&visit.dialogue))?;
            }
        }
    }
    out.flush()
}

fn log_row(mailbox: &str, visit: &Summary, form: Form) -> Vec<Shown> {
    let time = match form {
        Form::Table => visit
            .at
            .to_zoned(TimeZone::system())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Form::Tabs | Form::Json | Form::JsonLines => visit.at.to_string(),
    };
    let mut notes: Vec<String> = visit.notes.iter().map(ToString::to_string).collect();
    if !visit.outcome.words().is_empty() {
        notes.insert(0, visit.outcome.words().to_string());
    }
    if let Some(on_server) = visit.on_server
        && notes.is_empty()
    {
        notes.push(format!("{on_server} on server"));
    }
    vec![
        Shown::line(&time),
        Shown::line(mailbox),
        Shown::from_static(visit.outcome.word()),
        Shown::line(&format!("{:.2} s", visit.took.as_secs_f64())),
        Shown::line(&visit.new.to_string()),
        Shown::line(&notes.join("; ")),
    ]
}

/// What is wrong with the searches that are kept under a name.
fn searches_without_sense(settings: &Settings) -> Vec<String> {
    let wrong = settings.searches.iter().enumerate();
    let wrong = wrong.filter_map(|(index, search)| {
        let error = Query::finished(&search.query, &TimeZone::system()).err()?;
        let place = settings.places.find(&format!("search.{index}.query"));
        let place = place.map_or_else(String::new, |place| format!("{place}: "));
        Some(format!(
            "{place}search \"{}\": `{}`: {error}",
            search.name, search.query
        ))
    });
    wrong.collect()
}

/// Shows or checks the settings.
///
/// # Errors
///
/// They cannot be used; with `check`, also if something in them means nothing.
pub fn config(args: &ConfigArgs, global: &Global) -> Result<ExitCode, Failure> {
    let path = settings_path(global)?;
    let mut out = Out::new();
    match args.what {
        ConfigWhat::Path => out.line(&Shown::line(&path.display().to_string()))?,
        ConfigWhat::Check => {
            let loaded = file::load(&path)?;
            if !loaded.exists {
                return Err(Failure::new(
                    failure::SETTINGS,
                    format!("there are no settings yet at {}", path.display()),
                )
                .then("run `tidings setup`"));
            }
            let is_empty = loaded.settings.mailboxes.is_empty();
            let names = super::about::troubles(&loaded.settings);
            let rules = Rules::problems(&loaded.settings, TimeZone::system);
            let rules = rules.iter().map(ToString::to_string);
            let searches = searches_without_sense(&loaded.settings);
            let trusts = loaded.settings.mailboxes.iter();
            let trusts = trusts.filter_map(super::context::trouble_with_trust);
            let troubles: Vec<String> = loaded
                .unknown
                .iter()
                .map(ToString::to_string)
                .chain(names)
                .chain(rules)
                .chain(searches)
                .chain(trusts)
                .chain(is_empty.then(|| "no mailbox is set: run `tidings setup`".to_owned()))
                .collect();
            for trouble in &troubles {
                out.line(&Shown::line(&format!("{}: {trouble}", path.display())))?;
            }
            if troubles.is_empty() {
                let count = loaded.settings.mailboxes.len();
                out.line(&Shown::line(&format!(
                    "{}: ok, {count} mailbox{}",
                    path.display(),
                    if count == 1 { "" } else { "es" }
                )))?;
            }
            out.flush()?;
            if !troubles.is_empty() {
                return Ok(ExitCode::from(failure::SETTINGS));
            }
        }
        ConfigWhat::Show => {
            let loaded = file::load(&path)?;
            let mut settings = file::in_force(&loaded.settings)?;
            settings.download_dir = Some(download_dir(&settings));
            settings.screen.ascii = Some(settings.screen.ascii.unwrap_or(!has_unicode()));
            let text = toml::to_string_pretty(&settings)
                .map_err(|error| Failure::unexpected("cannot print the settings", error))?;
            out.line(&Shown::text(text.trim_end()))?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

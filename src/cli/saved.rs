//! `list`, `search` and `count`: what is saved, without the network.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{
    FormArgs,
    context::{Context, Which},
    export,
    failure::{self, Failure},
    output::{Column, Form, Out, words},
    remark::remark,
};
use crate::{
    config::Mailbox,
    notice::{Headline, NoticeId, shown::Shown, when},
    store::{
        Store,
        headlines::Counts,
        search::{Query, Ranking},
    },
};

/// What `list` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    tidings list | head\n  \
    tidings list --unread --json\n  \
    tidings list --where 'from:ops-bot or is:important'\n  \
    tidings list -m notices -n 20")]
pub struct ListArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    form: FormArgs,
    /// Only those not read.
    #[arg(long)]
    unread: bool,
    /// Only those starred.
    #[arg(long)]
    starred: bool,
    /// Only those that `tidings search` would find by this.
    #[arg(long, value_name = "QUERY")]
    r#where: Option<String>,
    /// At most so many.
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
}

/// What `search` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    tidings search maintenance\n  \
    tidings search 'from:priya is:unread after:2026-11-01'\n  \
    tidings search '\"build cluster\" has:file' --json\n  \
    tidings search 'deploy or is:starred' --mbox kept.mbox\n\n\
    Words match the beginnings of words in sender, recipients, subject, text and file names.\n\
    from: to: subject: text: list: has:file|link after: before: size:>1M\n\
    is:unread|read|important|starred|muted|withdrawn|expired|replaced; by:relevance, not by date\n\
    \"exact phrase\"; - before any of these turns it round (tidings search -- -from:ops-bot),\n\
    `or` stands between two of which one is enough, and ( ) group.")]
pub struct SearchArgs {
    /// What to look for.
    #[arg(required = true, num_args = 1.., value_name = "QUERY")]
    query: Vec<String>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    form: FormArgs,
    /// At most so many.
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    /// Writes the mails that are found into a Maildir instead, which is made if it is not there.
    #[arg(long, value_name = "FOLDER", conflicts_with = "mbox")]
    maildir: Option<PathBuf>,
    /// Writes the mails that are found into a new mbox file instead.
    #[arg(long, value_name = "FILE")]
    mbox: Option<PathBuf>,
}

/// What `count` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    tidings count\n  \
    tidings count --format '{unread} ({important} important)'\n  \
    tidings count --exit-code || echo 'you have mail'")]
pub struct CountArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    form: FormArgs,
    /// A text in which {all} {unread} {important} {starred} {withdrawn} are filled in.
    #[arg(long, value_name = "TEXT")]
    format: Option<String>,
    /// End with code 10 if there are unread notices.
    #[arg(long)]
    exit_code: bool,
}

/// A notice in JSON.
#[derive(Debug, Serialize)]
pub struct Item<'a> {
    id: &'a str,
    mailbox: &'a str,
    date: Timestamp,
    from: Shown,
    subject: &'a Shown,
    unread: bool,
    starred: bool,
    important: bool,
    withdrawn: bool,
    /// When the notice was sent that this one replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<Timestamp>,
    /// True if a correction stands in its place.
    replaced: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_by: Option<Timestamp>,
    /// The list that it came through.
    #[serde(skip_serializing_if = "str::is_empty")]
    list: &'a str,
    size: u64,
}

impl<'a> Item<'a> {
    /// The notice with this headline.
    pub fn of(mailbox: &'a str, headline: &'a Headline) -> Item<'a> {
        Item {
            id: &headline.handle,
            mailbox,
            date: headline.date,
            from: headline.from.full(),
            subject: &headline.subject,
            unread: headline.is_unread(Timestamp::now()),
            starred: headline.marks.starred,
            important: headline.important,
            withdrawn: headline.fate.withdrawn.is_some(),
            replaces: headline.fate.replaces,
            replaced: headline.fate.replaced_by.is_some(),
            expires: headline.fate.expires,
            reply_by: headline.fate.answer_by,
            list: headline.list_names().0,
            size: headline.size,
        }
    }
}

/// How many rows are read from the cache at once.
const PAGE: usize = 2_000;

/// Lists the saved notices, newest first.
///
/// # Errors
///
/// A cache cannot be read, or stdout is closed.
pub fn list(args: &ListArgs, context: &Context) -> Result<(), Failure> {
    let mut out = Out::new();
    let form = args.form.form(&out);
    let mut listing: Vec<(String, Headline)> = Vec::new();
    let mut left = args.limit.unwrap_or(usize::MAX);
    let stores = context.stores(&args.which)?;
    let query = args.r#where.as_deref().map(parsed).transpose()?;
    let now = Timestamp::now();
    let wanted = |headline: &Headline| {
        (!args.unread || (headline.is_unread(now) && headline.fate.withdrawn.is_none()))
            && (!args.starred || headline.marks.starred)
    };
    // One mailbox can be written as it is read; several are put into one order first.
    let streams = stores.len() == 1 && matches!(form, Form::Tabs | Form::JsonLines);
    for (mailbox, store) in stores {
        let mut behind = None;
        let matching: Option<HashSet<NoticeId>> = match &query {
            Some(query) => Some(store.search(query, usize::MAX >> 1)?.into_iter().collect()),
            None => None,
        };
        let matches = |headline: &Headline| {
            let ids = matching.as_ref();
            ids.is_none_or(|ids| ids.contains(&headline.id))
        };
        loop {
            let page = store.headlines(behind, PAGE)?;
            behind = page.last().map(crate::store::headlines::Place::behind);
            let is_last = page.len() < PAGE;
            listing.extend(
                page.into_iter()
                    .filter(wanted)
                    .filter(matches)
                    .take(left)
                    .map(|headline| (mailbox.name.clone(), headline)),
            );
            if streams {
                left -= listing.len();
                write(&mut out, form, &listing)?;
                listing.clear();
            }
            if is_last || left == 0 || (!streams && listing.len() >= left) {
                break;
            }
        }
    }
    if !streams {
        listing.sort_by_key(|(_, headline)| std::cmp::Reverse(headline.date));
        listing.truncate(left);
        if listing.is_empty() && form == Form::Table && !context.quiet {
            remark(&Shown::from_static("no saved notices to list"));
        }
        write(&mut out, form, &listing)?;
    }
    out.flush()
}

/// Says how many notices' words could not be put into the index, for want of room or of leave to write.
fn say_what_was_not_searched(
    context: &Context,
    mailbox: &Mailbox,
    store: &Store,
    query: &Query,
) -> Result<(), Failure> {
    if context.quiet || query.words().is_empty() {
        return Ok(());
    }
    let waiting = store.waiting()?;
    if waiting > 0 {
        let s = if waiting == 1 { "" } else { "s" };
        remark(&Shown::line(&format!(
            "{}: {waiting} notice{s} could not be searched, as nothing can be written where they are saved",
            mailbox.name
        )));
    }
    Ok(())
}

/// Lists the saved notices that match, newest first.
///
/// # Errors
///
/// The query makes no sense, a cache cannot be read, or stdout is closed.
pub fn search(args: &SearchArgs, context: &Context) -> Result<(), Failure> {
    let query = parsed(&args.query.join(" "))?;
    let mut out = Out::new();
    let form = args.form.form(&out);
    let most = args.limit.unwrap_or(usize::MAX >> 1);
    let mut listing = Vec::new();
    let stores = context.stores(&args.which)?;
    if let Some(path) = args.mbox.as_ref().or(args.maildir.as_ref()) {
        let mut found: Vec<(&Store, Headline)> = Vec::new();
        for (mailbox, store) in &stores {
            let ids = store.search(&query, most)?;
            say_what_was_not_searched(context, mailbox, store, &query)?;
            let headlines = store.headlines_of(&ids)?;
            found.extend(headlines.into_iter().map(|headline| (store, headline)));
        }
        found.sort_by_key(|(_, headline)| std::cmp::Reverse(headline.date));
        found.truncate(most);
        let ids: Vec<_> = found
            .iter()
            .map(|(store, found)| (*store, found.id))
            .collect();
        let target = crate::config::expand(path);
        let count = match args.maildir {
            Some(_) => export::maildir_of(&target, &ids)?,
            None => export::mbox_of(&target, &ids)?,
        };
        let s = if count == 1 { "" } else { "s" };
        out.line(&Shown::line(&format!(
            "{count} mail{s} in {}",
            path.display()
        )))?;
        return out.flush();
    }
    for (mailbox, store) in stores {
        let ids = store.search(&query, most)?;
        say_what_was_not_searched(context, mailbox, &store, &query)?;
        listing.extend(
            store
                .headlines_of(&ids)?
                .into_iter()
                .map(|headline| (mailbox.name.clone(), headline)),
        );
    }
    if query.ranking() == Ranking::Date {
        listing.sort_by_key(|(_, headline)| std::cmp::Reverse(headline.date));
    }
    listing.truncate(most);
    if listing.is_empty() && form == Form::Table && !context.quiet {
        remark(&Shown::from_static("nothing found"));
    }
    write(&mut out, form, &listing)?;
    out.flush()
}

fn parsed(text: &str) -> Result<Query, Failure> {
    Query::finished(text, &TimeZone::system())
        .map_err(|error| Failure::new(failure::USAGE, format!("`{text}`: {error}")))
}

/// Counts the saved notices. The network is not used.
///
/// # Errors
///
/// A cache cannot be read, or stdout is closed.
pub fn count(args: &CountArgs, context: &Context) -> Result<ExitCode, Failure> {
    #[derive(Serialize)]
    struct CountItem<'a> {
        mailbox: &'a str,
        all: u64,
        unread: u64,
        important: u64,
        starred: u64,
        withdrawn: u64,
    }

    let mut out = Out::new();
    let form = args.form.form(&out);
    let mut items = Vec::new();
    let mut sum = Counts::default();
    for (mailbox, store) in context.stores(&args.which)? {
        let counts = store.counts()?;
        sum.all += counts.all;
        sum.unread += counts.unread;
        sum.important += counts.important;
        sum.starred += counts.starred;
        sum.withdrawn += counts.withdrawn;
        items.push(CountItem {
            mailbox: &mailbox.name,
            all: counts.all,
            unread: counts.unread,
            important: counts.important,
            starred: counts.starred,
            withdrawn: counts.withdrawn,
        });
    }
    match (&args.format, form) {
        (Some(format), _) => {
            out.line(&Shown::line(&filled(format, &sum)?))?;
        }
        (None, Form::Json | Form::JsonLines) => out.json(form, &items)?,
        (None, Form::Table | Form::Tabs) => {
            let columns = [
                words("mailbox"),
                super::output::number("all"),
                super::output::number("unread"),
                super::output::number("important"),
                super::output::number("starred"),
                super::output::number("withdrawn"),
            ];
            let rows: Vec<Vec<Shown>> = items
                .iter()
                .map(|item| {
                    let mut row = vec![Shown::line(item.mailbox)];
                    row.extend(
                        [
                            item.all,
                            item.unread,
                            item.important,
                            item.starred,
                            item.withdrawn,
                        ]
                        .iter()
                        .map(|count| Shown::line(&count.to_string())),
                    );
                    row
                })
                .collect();
            out.table(form, &columns, &rows)?;
        }
    }
    out.flush()?;
    Ok(if args.exit_code && sum.unread > 0 {
        ExitCode::from(failure::UNREAD)
    } else {
        ExitCode::SUCCESS
    })
}

/// The format with the counts in place of their names. Other braces stay, as those of JSON for a
/// status bar.
///
/// # Errors
///
/// A name within braces is no count's.
fn filled(format: &str, counts: &Counts) -> Result<String, Failure> {
    let counts = [
        ("all", counts.all),
        ("unread", counts.unread),
        ("important", counts.important),
        ("starred", counts.starred),
        ("withdrawn", counts.withdrawn),
    ];
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase());
    let mut filled = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('{') {
        filled += before;
        rest = after;
        match after.split_once('}') {
            Some((name, behind)) if is_name(name) => {
                let count = counts.iter().find(|(known, _)| *known == name);
                let (_, count) = count.ok_or_else(|| {
                    Failure::new(failure::USAGE, format!("there is no count `{{{name}}}`"))
                        .then("there are: {all}, {unread}, {important}, {starred}, {withdrawn}")
                })?;
                filled += &count.to_string();
                rest = behind;
            }
            Some(_) | None => filled.push('{'),
        }
    }
    filled += rest;
    Ok(filled)
}

/// How many characters of an id are shown: enough to be the only one in most mailboxes.
const ID_CHARACTERS: usize = 6;

/// The beginning of an id that is enough for most.
pub fn short_id(handle: &str) -> &str {
    &handle[..handle.floor_char_boundary(ID_CHARACTERS)]
}

const COLUMNS: [Column; 6] = [
    words("id"),
    words(""),
    words("mailbox"),
    words("date"),
    words("from"),
    words("subject"),
];

fn write(out: &mut Out, form: Form, listing: &[(String, Headline)]) -> Result<(), Failure> {
    if matches!(form, Form::Json | Form::JsonLines) {
        let items: Vec<Item> = listing
            .iter()
            .map(|(mailbox, headline)| Item::of(mailbox, headline))
            .collect();
        return out.json(form, &items);
    }
    let (now, zone) = (Timestamp::now(), TimeZone::system());
    // One that begins like another's is shown whole.
    let mut beginnings: HashMap<&str, u32> = HashMap::new();
    for (_, headline) in listing {
        *beginnings.entry(short_id(&headline.handle)).or_default() += 1;
    }
    let id = |headline: &Headline| match beginnings[short_id(&headline.handle)] {
        1 => short_id(&headline.handle).to_owned(),
        _ => headline.handle.to_string(),
    };
    let rows: Vec<Vec<Shown>> = listing
        .iter()
        .map(|(mailbox, headline)| {
            let (id, date) = match form {
                Form::Table => (
                    id(headline),
                    when::short(headline.date, now, &zone, when::Style::Smart),
                ),
                Form::Tabs | Form::Json | Form::JsonLines => (
                    headline.handle.to_string(),
                    Shown::line(&headline.date.to_string()),
                ),
            };
            vec![
                Shown::line(&id),
                flags(headline),
                Shown::line(mailbox),
                date,
                headline.from.short(),
                headline.subject.clone(),
            ]
        })
        .collect();
    out.table(form, &COLUMNS, &rows)
}

/// `!` important, `*` unread, `s` starred, `w` withdrawn, `x` expired, `r` replaced; a dash if nothing.
fn flags(headline: &Headline) -> Shown {
    let mut flags = String::new();
    for (flag, is_set) in [
        ('!', headline.important),
        ('*', headline.is_unread(Timestamp::now())),
        ('s', headline.marks.starred),
        ('w', headline.fate.withdrawn.is_some()),
        ('x', headline.is_expired(Timestamp::now())),
        ('r', headline.fate.replaced_by.is_some()),
    ] {
        if is_set {
            flags.push(flag);
        }
    }
    if flags.is_empty() {
        flags.push('-');
    }
    Shown::line(&flags)
}

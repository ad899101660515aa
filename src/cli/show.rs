//! `show` and `next`: a notice's text, through the pager on a terminal.

use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::Args;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{
    Global,
    context::{Context, Which},
    failure::{self, Failure},
    output::Out,
    remark::remark,
};
use crate::{
    notice::{Address, Notice, TextForm, body::Options, files::size_text, shown::Shown, when},
    store::marks::Change,
};

/// What `show` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    tidings show k3f\n  \
    tidings show k3f --json | jq .links\n  \
    tidings show --file MAIL.eml")]
pub struct ShowArgs {
    /// The notice's id, or the beginning of it.
    #[arg(value_name = "ID", required_unless_present = "file")]
    id: Option<String>,
    /// A mail from a file instead; no mailbox is needed.
    #[arg(long, value_name = "MAIL", conflicts_with = "id")]
    file: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    how: How,
}

/// What `next` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    tidings next\n  \
    while tidings next; do read -r; done")]
pub struct NextArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    how: How,
}

/// How a notice is shown.
#[derive(Args, Debug)]
struct How {
    /// Write JSON.
    #[arg(long)]
    json: bool,
    /// The columns to lay the text out for; those of the terminal, at most 96, if absent.
    #[arg(long, value_name = "COLUMNS")]
    width: Option<u16>,
    /// Write the mail as it came.
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

#[derive(Serialize)]
pub(super) struct Document<'a> {
    id: &'a str,
    subject: &'a Shown,
    from: Vec<Person<'a>>,
    to: Vec<Person<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<Timestamp>,
    text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facts: Vec<Shown>,
    links: Vec<LinkItem<'a>>,
    attachments: Vec<FileItem<'a>>,
}

#[derive(Serialize)]
struct Person<'a> {
    name: &'a Shown,
    address: &'a Shown,
}

#[derive(Serialize)]
struct LinkItem<'a> {
    label: &'a Shown,
    target: &'a Shown,
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<&'a Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leads_on: Option<&'a Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'a Shown>,
}

#[derive(Serialize)]
struct FileItem<'a> {
    name: &'a Shown,
    content_type: &'a Shown,
    size: u64,
}

/// The widest that text is laid out for.
pub(super) const WIDEST: u16 = 96;

/// Shows a notice.
///
/// # Errors
///
/// There is none of that id, or stdout is closed.
pub fn show(args: &ShowArgs, global: &Global) -> Result<(), Failure> {
    match (&args.file, &args.id) {
        (Some(path), _) => {
            let mail = read(path).map_err(|error| {
                Failure::new(
                    failure::NO_SUCH_NOTICE,
                    format!("cannot read {}: {error}", path.display()),
                )
            })?;
            write("", &mail, None, &args.how)?;
            if mail.len() as u64 == LARGEST_FILE {
                remark(&Shown::from_static(
                    "only the first 64 MB of the file were read",
                ));
            }
            Ok(())
        }
        (None, Some(id)) => {
            let context = Context::load(global)?;
            let found = context.notice(&args.which, id)?;
            let mail = found.mail()?;
            let before = found.store.mail_before(found.headline.id)?;
            write(&found.headline.handle, &mail, before.as_deref(), &args.how)?;
            found.store.mark(&[found.headline.id], Change::Read(true))?;
            Ok(())
        }
        (None, None) => Err(Failure::new(failure::USAGE, "name a notice, or a file")),
    }
}

/// A mail from a file, as far as it is read.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut mail = Vec::new();
    File::open(path)?
        .take(LARGEST_FILE)
        .read_to_end(&mut mail)?;
    Ok(mail)
}

/// More than any mail that is fetched whole, unless the settings say otherwise.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// Shows the oldest unread notice, and marks it as read.
///
/// # Errors
///
/// All are read, or stdout is closed: then it stays unread.
pub fn next(args: &NextArgs, context: &Context) -> Result<(), Failure> {
    let mut oldest = None;
    for (_, store) in context.stores(&args.which)? {
        if let Some(headline) = store.oldest_unread()? {
            let is_older = oldest
                .as_ref()
                .is_none_or(|(_, known): &(_, crate::notice::Headline)| headline.date < known.date);
            if is_older {
                oldest = Some((store, headline));
            }
        }
    }
    let Some((store, headline)) = oldest else {
        return Err(
            Failure::new(failure::NO_SUCH_NOTICE, "all notices are read")
                .then("`tidings check` looks for new ones"),
        );
    };
    let mail = store
        .mail(headline.id)?
        .ok_or_else(|| Failure::new(failure::SAVED_DATA, "the text of this notice is missing"))?;
    let before = store.mail_before(headline.id)?;
    write(&headline.handle, &mail, before.as_deref(), &args.how)?;
    store.mark(&[headline.id], Change::Read(true))?;
    if args.how.json {
        return Ok(());
    }
    let unread = store.counts()?.unread;
    remark(&Shown::line(&match unread {
        0 => "that was the last one".to_owned(),
        1 => "1 more unread".to_owned(),
        count => format!("{count} more unread"),
    }));
    Ok(())
}

/// Writes a notice; `before` is the mail whose place it takes.
fn write(id: &str, mail: &[u8], before: Option<&[u8]>, how: &How) -> Result<(), Failure> {
    let mut out = Out::new();
    if how.raw {
        // To a terminal the mail goes harmless, to a file or program as it came.
        if out.is_terminal() {
            out.line(&Shown::text(&String::from_utf8_lossy(mail)))?;
        } else {
            out.document(mail)?;
        }
        return out.flush();
    }
    let parsed = |mail| Notice::parse_in(mail, TextForm::Best, Some(&TimeZone::system()));
    let mut notice = parsed(mail);
    if let Some(before) = before.filter(|_| notice.appointment.is_some()) {
        notice.moved_from(&parsed(before));
    }
    if how.json {
        out.json_value(&document(id, &notice))?;
        return out.flush();
    }
    let width = how.width.unwrap_or_else(|| {
        crossterm::terminal::size().map_or(80, |(columns, _)| columns.clamp(30, WIDEST))
    });
    let text = text(id, &notice, width);
    if out.is_terminal() && page(&text) {
        return Ok(());
    }
    for line in &text {
        out.line(line)?;
    }
    out.flush()
}

pub(super) fn document<'a>(id: &'a str, notice: &'a Notice) -> Document<'a> {
    let people = |addresses: &'a [Address]| {
        addresses
            .iter()
            .map(|address| Person {
                name: &address.name,
                address: &address.address,
            })
            .collect()
    };
    Document {
        id,
        subject: &notice.subject,
        from: people(&notice.from),
        to: people(&notice.to),
        date: notice.date,
        text: notice.text(),
        facts: notice
            .facts
            .iter()
            .map(|fact| fact.words(Timestamp::now(), &TimeZone::UTC))
            .collect(),
        links: notice
            .links
            .iter()
            .map(|link| LinkItem {
                label: &link.label,
                target: &link.target,
                through: link.through.as_ref(),
                leads_on: link.leads_on.as_ref(),
                warning: link.warning.as_ref(),
            })
            .collect(),
        attachments: notice
            .files
            .iter()
            .map(|file| FileItem {
                name: &file.name,
                content_type: &file.content_type,
                size: file.size,
            })
            .collect(),
    }
}

/// The notice as lines: its headers, its text, its files with the numbers that `open` and `save` take.
pub(super) fn text(id: &str, notice: &Notice, width: u16) -> Vec<Shown> {
    let mut lines = Vec::new();
    let mut line = |words: String| lines.push(Shown::text(&words));
    if notice.important {
        line("! IMPORTANT".to_owned());
    }
    line(notice.subject.to_string());
    for (name, addresses) in [
        ("From", &notice.from),
        ("To", &notice.to),
        ("Cc", &notice.cc),
    ] {
        if !addresses.is_empty() {
            let people: Vec<String> = addresses
                .iter()
                .map(|address| address.full().to_string())
                .collect();
            line(format!("{name:<5} {}", people.join(", ")));
        }
    }
    if let Some(date) = notice.date {
        let sent = when::long(date, notice.offset, Timestamp::now(), &TimeZone::system());
        line(format!("Sent  {sent}"));
    }
    if !id.is_empty() {
        line(format!("Id    {id}"));
    }
    for fact in &notice.facts {
        let words = fact.words(Timestamp::now(), &TimeZone::system());
        line(words.to_string());
    }
    lines.push(Shown::default());
    let options = Options {
        whole_links: true,
        ..Options::default()
    };
    for laid_out in notice.lines(width, options) {
        let runs: Vec<&str> = laid_out.runs.iter().map(|run| run.text.as_str()).collect();
        lines.push(Shown::text(&runs.concat()));
    }
    if !notice.files.is_empty() {
        lines.push(Shown::default());
        lines.push(Shown::from_static("Files"));
        for (index, file) in notice.files.iter().enumerate() {
            lines.push(Shown::text(&format!(
                "  {}  {}  {}  {}",
                notice.links.len() + index + 1,
                file.name,
                file.content_type,
                size_text(file.size)
            )));
        }
    }
    lines
}

/// Hands the text to the pager if it is longer than the screen; false if it is not, or there is none.
fn page(text: &[Shown]) -> bool {
    let rows = crossterm::terminal::size().map_or(24, |(_, rows)| usize::from(rows));
    if text.len() < rows || !io::stdin().is_terminal() {
        return false;
    }
    let pager = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
    let mut words = pager.split_whitespace();
    let Some(program) = words.next() else {
        return false;
    };
    let Ok(mut child) = Command::new(program)
        .args(words)
        .env("LESSSECURE", "1")
        .stdin(Stdio::piped())
        .spawn()
    else {
        return false;
    };
    if let Some(mut input) = child.stdin.take() {
        for line in text {
            // A pager that was left early has had enough.
            if writeln!(input, "{line}").is_err() {
                break;
            }
        }
    }
    let _ = child.wait();
    true
}

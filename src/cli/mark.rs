//! `mark`: read, unread, starred. For oneself alone: the server hears nothing of it.

use clap::{Args, ValueEnum};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    context::{Context, Which},
    failure::{self, Failure},
    output::Out,
    remark::remark,
};
use crate::{
    notice::{NoticeId, shown::Shown},
    store::{Store, headlines::Place, marks::Change},
};

/// What `mark` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    tidings mark read k3f 9qx\n  \
    tidings mark read --before 2026-11-01\n  \
    tidings mark unread --all -m notices")]
pub struct MarkArgs {
    /// What to mark them as.
    #[arg(value_enum)]
    mark: Mark,
    /// The notices' ids, or the beginnings of them.
    #[arg(value_name = "ID", required_unless_present_any = ["all", "before"])]
    ids: Vec<String>,
    /// All notices.
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// All notices before this day.
    #[arg(long, value_name = "DATE", conflicts_with_all = ["ids", "all"])]
    before: Option<Date>,
    #[command(flatten)]
    which: Which,
}

/// A mark, or its absence.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Mark {
    Read,
    Unread,
    Star,
    Unstar,
}

impl Mark {
    fn change(self) -> Change {
        match self {
            Mark::Read => Change::Read(true),
            Mark::Unread => Change::Read(false),
            Mark::Star => Change::Starred(true),
            Mark::Unstar => Change::Starred(false),
        }
    }

    fn opposite(self) -> &'static str {
        match self {
            Mark::Read => "unread",
            Mark::Unread => "read",
            Mark::Star => "unstar",
            Mark::Unstar => "star",
        }
    }
}

/// How many rows are read from the cache at once.
const PAGE: usize = 5_000;

/// How many notices are named by the line that undoes a mark: it has room on any command line.
const MOST_UNDONE: usize = 1_000;

/// Marks notices, and says how many changed and how to undo it.
///
/// # Errors
///
/// There is no such notice, or the cache cannot be written.
pub fn mark(args: &MarkArgs, context: &Context) -> Result<(), Failure> {
    let change = args.mark.change();
    let mut changed: Vec<String> = Vec::new();
    let mut count = 0;
    if args.ids.is_empty() {
        let before = args
            .before
            .map(|day| day.to_zoned(TimeZone::system()).map(|day| day.timestamp()))
            .transpose()
            .map_err(|error| Failure::new(failure::USAGE, error))?;
        for (_, store) in context.stores(&args.which)? {
            let ids = all(&store, before)?;
            let marked = store.mark(&ids, change)?;
            count += marked.len();
            for headline in store.headlines_of(&marked[..marked.len().min(MOST_UNDONE)])? {
                changed.push(headline.handle.to_string());
            }
        }
    } else {
        for id in &args.ids {
            let found = context.notice(&args.which, id)?;
            if !found.store.mark(&[found.headline.id], change)?.is_empty() {
                count += 1;
                changed.push(found.headline.handle.to_string());
            }
        }
    }
    let mut out = Out::new();
    out.line(&Shown::line(&format!("{count} changed")))?;
    out.flush()?;
    if count > 0 && count <= changed.len() && !context.quiet {
        remark(&Shown::line(&format!(
            "undo: tidings mark {} {}",
            args.mark.opposite(),
            changed.join(" ")
        )));
    }
    Ok(())
}

fn all(store: &Store, before: Option<Timestamp>) -> Result<Vec<NoticeId>, Failure> {
    let mut ids = Vec::new();
    let mut behind = None;
    loop {
        let page = store.headlines(behind, PAGE)?;
        behind = page.last().map(Place::behind);
        ids.extend(
            page.iter()
                .filter(|headline| before.is_none_or(|before| headline.date < before))
                .map(|headline| headline.id),
        );
        if page.len() < PAGE {
            return Ok(ids);
        }
    }
}

//! `marks`: taking marks to another machine, and what other programs had fetched before.

use std::{
    fs,
    io::{self, Read},
    path::PathBuf,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use super::{
    context::{Context, Which},
    failure::{self, Failure},
    output::{Form, Out},
};
use crate::{
    config::Mailbox,
    notice::{Marks, fingerprint::Fingerprint, shown::Shown},
    store::{
        elsewhere::{self, Program},
        moving::{Imported, Marked},
    },
};

/// What `marks` takes.
#[derive(Args, Debug)]
pub struct MarksArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write all marks to stdout: for another machine of yours. No sender and no subject is in it.
    #[command(after_help = "Example:\n  tidings marks export > marks.jsonl")]
    Export {
        #[command(flatten)]
        which: Which,
    },
    /// Add marks from a file (or - for stdin). None is taken away.
    #[command(after_help = "Examples:\n  \
        tidings marks import marks.jsonl\n  \
        tidings marks import --from mpop ~/.mpop_uidls/notices\n  \
        tidings marks import --from thunderbird popstate.dat -m notices")]
    Import {
        /// The file.
        file: PathBuf,
        /// What has written it.
        #[arg(long, value_enum, default_value_t, value_name = "PROGRAM")]
        from: From,
        #[command(flatten)]
        which: Which,
    },
}

/// What has written the file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum From {
    /// `tidings marks export`.
    #[default]
    Tidings,
    /// mpop: its uidls_file.
    Mpop,
    /// fetchmail: ~/.fetchids.
    Fetchmail,
    /// getmail: oldmail-SERVER-PORT-USER.
    Getmail,
    /// Thunderbird: popstate.dat.
    Thunderbird,
}

/// A line of an export; the two halves of the fingerprint are base64.
#[derive(Debug, Deserialize, Serialize)]
struct Line {
    mailbox: String,
    headers: String,
    body: String,
    read: bool,
    starred: bool,
    muted: bool,
}

/// Runs `marks`.
///
/// # Errors
///
/// There is no such file or mailbox, the file is none, or a cache cannot be used.
pub fn marks(args: &MarksArgs, context: &Context) -> Result<(), Failure> {
    match &args.command {
        Command::Export { which } => export(which, context),
        Command::Import { file, from, which } => {
            context.mailboxes(which)?;
            let bytes = read(file)?;
            let program = match from {
                From::Tidings => return import(&bytes, which, context),
                From::Mpop => Program::Mpop,
                From::Fetchmail => Program::Fetchmail,
                From::Getmail => Program::Getmail,
                From::Thunderbird => Program::Thunderbird,
            };
            import_seen(program, &bytes, which, context)
        }
    }
}

fn export(which: &Which, context: &Context) -> Result<(), Failure> {
    let mut lines = Vec::new();
    for (mailbox, store) in context.stores(which)? {
        for Marked { fingerprint, marks } in store.export_marks()? {
            lines.push(Line {
                mailbox: mailbox.name.clone(),
                headers: BASE64_STANDARD.encode(fingerprint.headers),
                body: BASE64_STANDARD.encode(fingerprint.body),
                read: marks.read,
                starred: marks.starred,
                muted: marks.muted,
            });
        }
    }
    let mut out = Out::new();
    out.json(Form::JsonLines, &lines)?;
    out.flush()
}

fn import(bytes: &[u8], which: &Which, context: &Context) -> Result<(), Failure> {
    // One that was cut off has lost no more than its last line.
    let end = bytes.iter().rposition(|octet| *octet == b'\n');
    let (whole, rest) = bytes.split_at(end.map_or(0, |end| end + 1));
    let is_cut = |error: &serde_json::Error| error.is_eof() && !whole.is_empty();
    let last: Result<Vec<Line>, _> = serde_json::Deserializer::from_slice(rest)
        .into_iter()
        .collect();
    let was_cut = last.as_ref().is_err_and(is_cut);
    let lines = serde_json::Deserializer::from_slice(whole).into_iter();
    let lines: Result<Vec<Line>, _> = lines.collect();
    let lines: Vec<Line> = lines
        .and_then(|mut lines| {
            if !was_cut {
                lines.extend(last?);
            }
            Ok(lines)
        })
        .map_err(|error| {
            Failure::new(
                failure::USAGE,
                format!("this is no export of marks: {error}"),
            )
            .then("`tidings marks export` writes one; for other programs\u{2019} files say --from")
        })?;
    // All of it is looked at before any of it is written.
    let marked: Option<Vec<(&str, Marked)>> = lines
        .iter()
        .map(|line| Some((line.mailbox.as_str(), marked(line)?)))
        .collect();
    let marked = marked.ok_or_else(|| {
        Failure::new(
            failure::USAGE,
            "this is no export of marks: a digest is no digest",
        )
    })?;
    let mut total = Imported::default();
    let stores = context.stores(which)?;
    for (mailbox, store) in &stores {
        let of_mailbox: Vec<Marked> = marked
            .iter()
            // One that is named takes all: it may have another name on the other machine.
            .filter(|(name, _)| which.mailbox.is_some() || *name == mailbox.name)
            .map(|(_, marked)| *marked)
            .collect();
        add(&mut total, store.import_marks(&of_mailbox)?);
    }
    let unknown = lines.iter().filter(|line| {
        which.mailbox.is_none()
            && stores
                .iter()
                .all(|(mailbox, _)| mailbox.name != line.mailbox)
    });
    tell(total, unknown.count(), was_cut)
}

fn marked(line: &Line) -> Option<Marked> {
    Some(Marked {
        fingerprint: Fingerprint {
            headers: digest(&line.headers)?,
            body: digest(&line.body)?,
        },
        marks: Marks {
            read: line.read,
            starred: line.starred,
            muted: line.muted,
        },
    })
}

fn digest(text: &str) -> Option<[u8; 16]> {
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}

fn import_seen(
    program: Program,
    bytes: &[u8],
    which: &Which,
    context: &Context,
) -> Result<(), Failure> {
    let accounts = elsewhere::read(program, bytes);
    if accounts.is_empty() {
        return Err(
            Failure::new(failure::USAGE, "there is no unique-id in this file")
                .then("is it of the program that --from names?"),
        );
    }
    let stores = context.stores(which)?;
    let mut total = None;
    for (mailbox, store) in &stores {
        // A file that names no account is of the mailbox that is named, or of the only one.
        let unnamed = accounts
            .get("")
            .filter(|_| which.mailbox.is_some() || stores.len() == 1);
        let known = accounts
            .iter()
            .find(|(account, _)| is_of(mailbox, account))
            .map(|(_, unique_ids)| unique_ids);
        // A server has several names: of whoever names the mailbox the only account is meant.
        let only = accounts
            .values()
            .next()
            .filter(|_| which.mailbox.is_some() && accounts.len() == 1);
        let found = known.or(unnamed).or(only);
        if let Some(unique_ids) = found {
            add(
                total.get_or_insert_default(),
                store.import_seen(unique_ids)?,
            );
        }
    }
    match total {
        Some(total) => tell(total, 0, false),
        None if accounts.contains_key("") => Err(Failure::new(
            failure::USAGE,
            "this file does not say which account it is of",
        )
        .then("name the mailbox: -m NAME")),
        None => {
            let known: Vec<&str> = accounts.keys().map(String::as_str).collect();
            Err(Failure::new(
                failure::USAGE,
                "this file knows no account of these mailboxes",
            )
            .then(match &known[..] {
                [one] => format!(
                    "it has {}: if that is the one, name the mailbox (-m NAME)",
                    Shown::line(one)
                ),
                _ => format!("it has: {}", Shown::line(&known.join(", "))),
            }))
        }
    }
}

/// True if `user@host` is this mailbox's account.
fn is_of(mailbox: &Mailbox, account: &str) -> bool {
    account.eq_ignore_ascii_case(&format!("{}@{}", mailbox.account(), mailbox.host))
}

fn add(total: &mut Imported, imported: Imported) {
    total.changed += imported.changed;
    total.waiting += imported.waiting;
}

fn tell(imported: Imported, unknown: usize, was_cut: bool) -> Result<(), Failure> {
    let mut words = format!(
        "{} changed, {} wait for their notices",
        imported.changed, imported.waiting
    );
    if unknown > 0 {
        words.push_str(&format!(", {unknown} of mailboxes that are not here"));
    }
    if was_cut {
        words.push_str("; the file ends in the middle of a line, which was left out");
    }
    let mut out = Out::new();
    out.line(&Shown::line(&words))?;
    out.flush()
}

fn read(file: &PathBuf) -> Result<Vec<u8>, Failure> {
    let bytes = if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    bytes.map_err(|error| {
        Failure::new(
            failure::USAGE,
            format!("cannot read {}: {error}", file.display()),
        )
    })
}

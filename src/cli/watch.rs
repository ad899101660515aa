//! `watch`: the pollers without a screen.

use std::{
    collections::{HashSet, VecDeque},
    path::Path,
    process::{ExitCode, Stdio},
};

use clap::Args;
use jiff::{Timestamp, tz::TimeZone};
use tokio::{sync::mpsc, time};

use super::{
    check::password,
    context::{Context, Which},
    failure::{self, Failure},
    output::{Column, Form, Out, words},
    remark::remark,
    saved::{Item, short_id},
    signals::{self, Signals},
};
use crate::{
    config::Mailbox,
    notice::{Headline, MailboxIndex, NoticeId, shown::Shown, text, when},
    poll::{
        Poller,
        check::rebuild,
        report::{Outcome, Report},
    },
    secret::Source,
    store::{self, Store},
};

/// What `watch` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    tidings watch\n  \
    tidings watch --json | jq .subject\n  \
    tidings watch --exec notify-send 'New notice'\n\n\
    The command finds the notice in TIDINGS_ID, TIDINGS_MAILBOX, TIDINGS_FROM and TIDINGS_SUBJECT.")]
pub struct WatchArgs {
    #[command(flatten)]
    which: Which,
    /// Write one JSON object a line.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "lines", value_name = "lines")]
    json: Option<String>,
    /// Run this program for each new notice; all that follows are its arguments.
    #[arg(long, num_args = 1.., allow_hyphen_values = true, value_name = "CMD")]
    exec: Vec<String>,
}

/// Checks over and over, and writes a line for each new notice, until Ctrl-C.
///
/// # Errors
///
/// A mailbox cannot be signed in to, and nobody is there to mend that.
pub async fn watch(args: WatchArgs, context: &Context) -> Result<ExitCode, Failure> {
    if let Some(program) = args.exec.first().filter(|program| !is_there(program)) {
        return Err(Failure::new(
            failure::USAGE,
            format!("there is no program {program} to run for new notices"),
        ));
    }
    let mut out = Out::new();
    let mailboxes = context.reachable(&args.which)?;
    let (reports, mut reported) = mpsc::channel(256);
    let mut pollers = Vec::new();
    let mut told = Vec::new();
    for (index, mailbox) in mailboxes.iter().enumerate() {
        let store = context.store(mailbox)?;
        told.push(Told::since_now(&store).await?);
        // Asked before the first check, which would end without a password.
        let password = match Source::of(mailbox) {
            Source::Person => Some(password(mailbox).await?),
            Source::Command(_)
            | Source::Token(_)
            | Source::Environment(_)
            | Source::File(_)
            | Source::Keyring(_)
            | Source::Settings(_) => None,
        };
        pollers.push(Poller::start_with(
            MailboxIndex(index),
            mailbox,
            &context.settings,
            store,
            reports.clone(),
            password,
        ));
    }
    drop(reports);
    // Listened to all the time: one that comes while a line is written counts as well.
    let mut signals = Signals::listen()?;
    let mut waiting = VecDeque::new();
    let outcome = loop {
        let next = match waiting.pop_front() {
            Some(next) => Some(next),
            None => tokio::select! {
                next = reported.recv() => next,
                signal = signals.next() => break Ok(signals::code(signal)),
            },
        };
        let Some((index, report)) = next else {
            break Ok(ExitCode::SUCCESS);
        };
        let mailbox = mailboxes[index.0];
        match report {
            Report::Arrived(_) | Report::Checked(_) => {
                if let Report::Checked(summary) = &report {
                    let is_final = matches!(
                        summary.outcome,
                        Outcome::SignInFailed { .. } | Outcome::NoPassword { .. }
                    );
                    if let Some(failure) = Failure::of_check(&mailbox.name, &summary.outcome) {
                        if is_final && mailboxes.len() == 1 {
                            break Err(failure);
                        }
                        if !context.quiet {
                            failure::report(&failure);
                        }
                    }
                }
                // From the cache: what a reader or another check has fetched is as new.
                let headlines = match told[index.0].news().await {
                    Ok(headlines) => headlines,
                    // A cache that cannot be read now is tried again with the next check.
                    Err(failure) => {
                        if !context.quiet {
                            failure::report(&failure);
                        }
                        continue;
                    }
                };
                let written = headlines
                    .iter()
                    .try_for_each(|headline| {
                        write_arrival(&mut out, mailbox, headline, args.json.is_some())
                    })
                    .and_then(|()| out.flush());
                if let Err(failure) = written {
                    break Err(failure);
                }
                // Programs take their time; the pollers are listened to meanwhile.
                tokio::select! {
                    () = run_all(&args.exec, mailbox, &headlines) => {}
                    signal = signals.next() => break Ok(signals::code(signal)),
                    () = put_by(&mut reported, &mut waiting) => {}
                }
            }
            Report::Started { .. }
            | Report::Listed { .. }
            | Report::Announced(_)
            | Report::Filled(_)
            | Report::Progress { .. }
            | Report::Withdrawn { .. }
            | Report::Returned(_)
            | Report::Vanished { .. } => {}
        }
    };
    // Nobody listens any more: what a poller still has to say does not hold it up.
    drop(reported);
    for poller in pollers {
        let _ = time::timeout(crate::client::QUIT_TIMEOUT, poller.stop()).await;
    }
    outcome
}

/// The columns of the sender on a terminal.
const SENDER: usize = 16;

const COLUMNS: [Column; 5] = [
    words("id"),
    words("mailbox"),
    words("date"),
    words("from"),
    words("subject"),
];

/// What of a mailbox has been told.
struct Told {
    store: Store,
    /// The change up to which the cache was looked at.
    change: i64,
    /// Those that were there before, and those that were told.
    told: HashSet<NoticeId>,
}

impl Told {
    async fn since_now(store: &Store) -> Result<Told, Failure> {
        let look = || Ok((store.ids()?, store.changed_since(i64::MAX)?.1));
        let looked = match look() {
            Err(store::Error::Damaged { .. }) => {
                let told = store.ids().unwrap_or_default();
                remark(&rebuild(store).await?);
                look().map(|(ids, change)| (told.into_iter().chain(ids).collect(), change))
            }
            looked => looked,
        };
        let (told, change) = looked?;
        Ok(Told {
            store: store.clone(),
            change,
            told,
        })
    }

    /// What has come since the last time, newest first, as it is fetched.
    async fn news(&mut self) -> Result<Vec<Headline>, Failure> {
        let (changed, change) = match self.store.changed_since(self.change) {
            Err(store::Error::Damaged { .. }) => {
                // What was told keeps its id: the next check brings it again, and it is no news.
                remark(&rebuild(&self.store).await?);
                return Ok(Vec::new());
            }
            changed => changed?,
        };
        if change < self.change {
            // Built anew without what was in it: all of that is no news.
            (self.change, self.told) = (change, self.store.ids()?);
            return Ok(Vec::new());
        }
        self.change = change;
        let now = Timestamp::now();
        let mut news: Vec<Headline> = changed
            .into_iter()
            .filter(|headline| self.told.insert(headline.id))
            // What starts as read is none: old mail at a first check, a thread that is muted.
            .filter(|headline| headline.is_unread(now))
            .collect();
        news.sort_by_key(|headline| std::cmp::Reverse(headline.id));
        Ok(news)
    }
}

fn write_arrival(
    out: &mut Out,
    mailbox: &Mailbox,
    headline: &Headline,
    is_json: bool,
) -> Result<(), Failure> {
    if is_json {
        return out.json(Form::JsonLines, &[Item::of(&mailbox.name, headline)]);
    }
    let fields = [
        headline.handle.to_string(),
        mailbox.name.clone(),
        headline.date.to_string(),
        headline.from.short().to_string(),
        headline.subject.to_string(),
    ];
    if out.is_terminal() {
        let time = when::short(
            headline.date,
            Timestamp::now(),
            &TimeZone::system(),
            when::Style::Smart,
        );
        let from = text::pad_end(&text::cut_to(&fields[3], SENDER), SENDER);
        let [id, mailbox, _, _, subject] = &fields;
        let id = short_id(id);
        return out.fitted_line(&format!("{id}  {mailbox}  {time:>7}  {from}  {subject}"));
    }
    let row: Vec<Shown> = fields.iter().map(|field| Shown::line(field)).collect();
    out.table(Form::Tabs, &COLUMNS, &[row])
}

/// Puts what the pollers tell by for later, for ever.
async fn put_by(
    reported: &mut mpsc::Receiver<(MailboxIndex, Report)>,
    waiting: &mut VecDeque<(MailboxIndex, Report)>,
) {
    while let Some(told) = reported.recv().await {
        waiting.push_back(told);
    }
    std::future::pending().await
}

/// Runs the person's program for each notice, one after the other.
async fn run_all(command: &[String], mailbox: &Mailbox, headlines: &[Headline]) {
    for headline in headlines {
        run_command(command, mailbox, headline).await;
    }
}

/// Runs the person's program for a notice. Nothing of the notice becomes part of a command line.
async fn run_command(command: &[String], mailbox: &Mailbox, headline: &Headline) {
    let Some((program, arguments)) = command.split_first() else {
        return;
    };
    let status = tokio::process::Command::new(program)
        .args(arguments)
        .env("TIDINGS_ID", &*headline.handle)
        .env("TIDINGS_MAILBOX", &mailbox.name)
        .env("TIDINGS_FROM", headline.from.address.for_terminal_title())
        .env("TIDINGS_SUBJECT", headline.subject.for_terminal_title())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await;
    // The next notices are told of all the same.
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => remark(&Shown::line(&format!("{program} ended with {status}"))),
        Err(error) => remark(&Shown::line(&format!("cannot run {program}: {error}"))),
    }
}

/// True if a program can be found by this name, as it is run.
fn is_there(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

//! How far a check has come, on stderr.

use std::io::{IsTerminal, stderr};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use super::remark::remark;
use crate::{
    config::Mailbox,
    notice::{files::size_text, shown::Shown},
    poll::report::Report,
};

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum ProgressHow {
    /// A bar, on a terminal.
    #[default]
    Auto,
    /// A line now and then.
    Plain,
    /// Not at all.
    None,
}

/// Progress on stderr.
pub enum Progress {
    /// A bar that moves.
    Bar(ProgressBar),
    /// A line now and then.
    Lines {
        /// Of which mailbox.
        mailbox: String,
    },
}

impl Progress {
    /// Progress of a mailbox's check, if it is to be shown.
    pub fn of(how: ProgressHow, quiet: bool, mailbox: &Mailbox) -> Option<Progress> {
        match how {
            ProgressHow::None => None,
            _ if quiet => None,
            ProgressHow::Plain => Some(Progress::Lines {
                mailbox: mailbox.name.clone(),
            }),
            ProgressHow::Auto if stderr().is_terminal() => {
                let bar = ProgressBar::no_length();
                if let Ok(style) =
                    ProgressStyle::with_template("{prefix} [{bar:24}] {pos} of {len}, {msg}")
                {
                    bar.set_style(style.progress_chars("##."));
                }
                bar.set_prefix(Shown::line(&mailbox.name).to_string());
                Some(Progress::Bar(bar))
            }
            ProgressHow::Auto => None,
        }
    }

    /// Shows what a report says of it.
    pub fn show(&self, report: &Report) {
        let (fetched, of, octets, of_octets) = match report {
            Report::Progress {
                fetched,
                of,
                octets,
                of_octets,
            } => (*fetched, *of, *octets, *of_octets),
            Report::Listed { new, octets, .. } if *new > 0 => (0, *new, 0, *octets),
            _ => return,
        };
        let amount = format!("{} of {}", size_text(octets), size_text(of_octets));
        match self {
            Progress::Bar(bar) => {
                bar.set_length(u64::from(of));
                bar.set_position(u64::from(fetched));
                bar.set_message(amount);
            }
            Progress::Lines { mailbox } => {
                remark(&Shown::line(&format!(
                    "{mailbox}: {fetched} of {of}, {amount}"
                )));
            }
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Progress::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

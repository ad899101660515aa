//! The screen from the command line's side: is there a terminal, may it be coloured, and with which
//! code does the program end.

use std::{
    io::{IsTerminal, stdin, stdout},
    process::ExitCode,
};

use super::{
    Color, Global,
    failure::{self, Failure},
    signals,
};
use crate::app::{self, Beginning, Ended};

/// Runs the screen until the person leaves.
///
/// # Errors
///
/// The terminal or a cache cannot be used.
pub async fn run(beginning: Beginning) -> Result<Ended, Failure> {
    app::run(beginning).await.map_err(Failure::from)
}

/// The exit code that fits how the screen ended.
///
/// # Errors
///
/// Marks could not be saved.
pub fn code(ended: Ended) -> Result<ExitCode, Failure> {
    match ended {
        Ended::Quit | Ended::ForTheDemo => Ok(ExitCode::SUCCESS),
        Ended::BySignal(signal) => Ok(signals::code(signal)),
        Ended::Broken => Err(Failure::new(
            failure::UNEXPECTED,
            "a part of the program broke: what it said stands above",
        )),
        Ended::MarksUnsaved => Err(Failure::new(
            failure::SAVED_DATA,
            "marks could not be saved and are lost",
        )
        .then("make room on the disk, or see that the data folder may be written")),
    }
}

/// Refuses to go on without a terminal.
///
/// # Errors
///
/// There is none.
pub fn needs_terminal() -> Result<(), Failure> {
    if has_terminal() {
        return Ok(());
    }
    Err(Failure::new(failure::USAGE, "the reader needs a terminal")
        .then("try `tidings list`, or `tidings next`"))
}

/// True if there is a terminal to show a screen on.
pub fn has_terminal() -> bool {
    stdin().is_terminal() && stdout().is_terminal()
}

/// True if colours may be used: by `--color`, NO_COLOR, CLICOLOR_FORCE, TERM.
pub fn has_colour(global: &Global) -> bool {
    may_be_coloured(global, stdout().is_terminal())
}

/// The same for an output that is a terminal, or not.
pub fn may_be_coloured(global: &Global, is_terminal: bool) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if is_set("NO_COLOR") => false,
        Color::Auto
            if std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| !v.is_empty() && v != "0") =>
        {
            true
        }
        Color::Auto => std::env::var_os("TERM").is_none_or(|term| term != "dumb") && is_terminal,
    }
}

/// True if the locale says that the terminal shows Unicode.
pub fn has_unicode() -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        })
}

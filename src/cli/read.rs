//! `tidings [MAILBOX]`: the reader. Without settings it begins with the setup.

use std::{
    io::{IsTerminal, stdin, stdout},
    process::ExitCode,
};

use super::{
    Color, Global,
    context::{Context, warn},
    demo,
    failure::{self, Failure},
    settings_path,
};
use crate::{
    app::{self, Beginning, Ended},
    config::{Mailbox, file},
    notice::MailboxIndex,
    tui::Purpose,
};

/// Opens the reader on a mailbox.
///
/// # Errors
///
/// There is no terminal, the settings are wrong, or the cache cannot be used.
pub async fn read(mailbox: Option<&str>, global: &Global) -> Result<ExitCode, Failure> {
    needs_terminal()?;
    let path = settings_path(global)?;
    let loaded = file::load(&path)?;
    warn(&loaded, global.quiet);
    let purpose = if loaded.settings.mailboxes.is_empty() {
        if let Some(name) = mailbox {
            return Err(
                Failure::new(failure::SETTINGS, format!("no mailbox is named `{name}`"))
                    .then("no mailbox is set yet: run `tidings setup`"),
            );
        }
        Purpose::SetUp(Box::default())
    } else {
        let context = Context {
            settings: loaded.settings.clone(),
            path: path.clone(),
            quiet: global.quiet,
        };
        let index = match mailbox {
            Some(name) => context.mailbox(name)?.0,
            None => 0,
        };
        Purpose::Read(MailboxIndex(index))
    };
    let beginning = Beginning {
        settings: loaded.settings,
        settings_path: path,
        purpose,
        colour: has_colour(global),
        unicode: has_unicode(),
        demo: None,
    };
    run(beginning, global).await
}

/// Opens the setup, with what is known already.
///
/// # Errors
///
/// There is no terminal, or the settings are wrong.
pub async fn set_up(mailbox: Mailbox, global: &Global) -> Result<ExitCode, Failure> {
    needs_terminal()?;
    let path = settings_path(global)?;
    let loaded = file::load(&path)?;
    let beginning = Beginning {
        settings: loaded.settings,
        settings_path: path,
        purpose: Purpose::SetUp(Box::new(mailbox)),
        colour: has_colour(global),
        unicode: has_unicode(),
        demo: None,
    };
    run(beginning, global).await
}

/// Runs the screen, and says with which code the program ends.
///
/// # Errors
///
/// The terminal or a cache cannot be used.
pub async fn run(beginning: Beginning, global: &Global) -> Result<ExitCode, Failure> {
    match app::run(beginning).await? {
        Ended::Quit => Ok(ExitCode::SUCCESS),
        Ended::ForTheDemo => Box::pin(demo::demo(demo::DemoArgs::default(), global)).await,
        Ended::BySignal => Ok(ExitCode::from(128 + 15)),
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
    if stdin().is_terminal() && stdout().is_terminal() {
        return Ok(());
    }
    Err(Failure::new(failure::USAGE, "the reader needs a terminal")
        .then("try `tidings list`, or `tidings next`"))
}

/// True if colours may be used: by `--color`, NO_COLOR, CLICOLOR_FORCE, TERM.
pub fn has_colour(global: &Global) -> bool {
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
        Color::Auto => {
            std::env::var_os("TERM").is_none_or(|term| term != "dumb") && stdout().is_terminal()
        }
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

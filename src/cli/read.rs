//! `tidings [MAILBOX]`: the reader. Without settings it begins with the setup.

use super::{
    Global,
    context::{Context, warn},
    failure::{self, Failure},
    screen, settings_path,
};
use crate::{
    app::{Beginning, Ended},
    config::{Mailbox, file},
    notice::MailboxIndex,
    tui::Purpose,
};

/// Opens the reader on a mailbox.
///
/// # Errors
///
/// There is no terminal, the settings are wrong, or the cache cannot be used.
pub async fn read(mailbox: Option<&str>, global: &Global) -> Result<Ended, Failure> {
    screen::needs_terminal()?;
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
        colour: screen::has_colour(global),
        unicode: screen::has_unicode(),
        demo: None,
    };
    screen::run(beginning).await
}

/// Opens the setup, with what is known already.
///
/// # Errors
///
/// There is no terminal, or the settings are wrong.
pub async fn set_up(mailbox: Mailbox, global: &Global) -> Result<Ended, Failure> {
    screen::needs_terminal()?;
    let path = settings_path(global)?;
    let loaded = file::load(&path)?;
    let beginning = Beginning {
        settings: loaded.settings,
        settings_path: path,
        purpose: Purpose::SetUp(Box::new(mailbox)),
        colour: screen::has_colour(global),
        unicode: screen::has_unicode(),
        demo: None,
    };
    screen::run(beginning).await
}

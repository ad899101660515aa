//! What most commands begin with: the settings, and the caches of the mailboxes.

use std::path::PathBuf;

use clap::Args;
use jiff::tz::TimeZone;

use super::{
    Global,
    failure::{self, Failure},
    remark::remark,
    settings_path,
};
use crate::{
    causes::chain,
    config::{
        Mailbox, Settings,
        file::{self, Loaded},
    },
    net::tls,
    notice::{Headline, shown::Shown},
    store::{Store, rules::Rules},
};

/// The settings, and how much to say.
#[derive(Debug)]
pub struct Context {
    /// The settings.
    pub settings: Settings,
    /// Where they stand.
    pub path: PathBuf,
    /// True if the person wants to hear less.
    pub quiet: bool,
}

/// Which mailbox a command is about.
#[derive(Args, Clone, Debug, Default)]
pub struct Which {
    /// Only this mailbox; all of them if none is named.
    #[arg(short, long, value_name = "NAME")]
    pub mailbox: Option<String>,
}

impl Context {
    /// Reads the settings, and says what in them means nothing.
    ///
    /// # Errors
    ///
    /// There are none, or they cannot be used.
    pub fn load(global: &Global) -> Result<Context, Failure> {
        let path = settings_path(global)?;
        let loaded = file::load(&path)?;
        warn(&loaded, global.quiet);
        if loaded.settings.mailboxes.is_empty() {
            return Err(no_mailbox(&loaded));
        }
        Ok(Context {
            settings: loaded.settings,
            path,
            quiet: global.quiet,
        })
    }

    /// The mailboxes that a command is about.
    ///
    /// # Errors
    ///
    /// None has that name.
    pub fn mailboxes(&self, which: &Which) -> Result<Vec<&Mailbox>, Failure> {
        match &which.mailbox {
            None => Ok(self.settings.mailboxes.iter().collect()),
            Some(name) => Ok(vec![self.mailbox(name)?.1]),
        }
    }

    /// The same for a command that calls their servers: what a single one is to trust must be there.
    /// Of several the others are called all the same.
    ///
    /// # Errors
    ///
    /// None has that name, or the authorities of the only one cannot be read.
    pub fn reachable(&self, which: &Which) -> Result<Vec<&Mailbox>, Failure> {
        let mailboxes = self.mailboxes(which)?;
        if let [mailbox] = mailboxes[..]
            && let Some(trouble) = trouble_with_trust(mailbox)
        {
            return Err(Failure::new(failure::SETTINGS, trouble)
                .then(format!("see {}", self.path.display())));
        }
        Ok(mailboxes)
    }

    /// The mailbox of this name, and its place in the settings.
    ///
    /// # Errors
    ///
    /// None has it.
    pub fn mailbox(&self, name: &str) -> Result<(usize, &Mailbox), Failure> {
        self.settings
            .mailboxes
            .iter()
            .enumerate()
            .find(|(_, mailbox)| mailbox.name == name)
            .ok_or_else(|| {
                let names: Vec<&str> = self
                    .settings
                    .mailboxes
                    .iter()
                    .map(|mailbox| mailbox.name.as_str())
                    .collect();
                Failure::new(failure::USAGE, format!("no mailbox is named `{name}`"))
                    .then(format!("there are: {}", names.join(", ")))
            })
    }

    /// Opens the cache of a mailbox.
    ///
    /// # Errors
    ///
    /// It cannot be used.
    pub fn store(&self, mailbox: &Mailbox) -> Result<Store, Failure> {
        let path = file::cache_path(&self.settings, mailbox)?;
        let journals = self.settings.journal_folder();
        let rules = Rules::of(&self.settings, &mailbox.name, TimeZone::system);
        let opened = Store::open(&path)?
            .carried_by(journals.as_deref())?
            .ruled_by(rules);
        if let Some(aside) = opened.damaged {
            remark(&Shown::line(&format!(
                "tidings: the saved notices of {} were damaged: moved to {}; {}, the notices are \
                 fetched anew by the next check",
                mailbox.name,
                aside.path.display(),
                aside.marks()
            )));
        }
        Ok(opened.store)
    }

    /// Opens the caches of the mailboxes that a command is about.
    ///
    /// # Errors
    ///
    /// One of them cannot be used, or none has that name.
    pub fn stores(&self, which: &Which) -> Result<Vec<(&Mailbox, Store)>, Failure> {
        self.mailboxes(which)?
            .into_iter()
            .map(|mailbox| Ok((mailbox, self.store(mailbox)?)))
            .collect()
    }

    /// The one notice whose id begins with this.
    ///
    /// # Errors
    ///
    /// There is none, or more than one.
    pub fn notice(&self, which: &Which, id: &str) -> Result<Found<'_>, Failure> {
        let id = id.trim().to_lowercase();
        let mut found = Vec::new();
        for (mailbox, store) in self.stores(which)? {
            let headlines = if id.is_empty() {
                Vec::new()
            } else {
                store.headlines_by_handle(&id)?
            };
            found.extend(headlines.into_iter().map(|headline| Found {
                mailbox,
                store: store.clone(),
                headline,
            }));
        }
        if let Some(exact) = found.iter().position(|found| *found.headline.handle == *id) {
            return Ok(found.swap_remove(exact));
        }
        match found.len() {
            0 => Err(Failure::new(
                failure::NO_SUCH_NOTICE,
                format!("no notice has the id `{id}`"),
            )
            .then("`tidings list` shows the ids")),
            1 => Ok(found.remove(0)),
            _ => {
                let ids: Vec<String> = found
                    .iter()
                    .take(5)
                    .map(|found| found.headline.handle.to_string())
                    .collect();
                Err(Failure::new(
                    failure::NO_SUCH_NOTICE,
                    format!("`{id}` begins more than one id: {}", ids.join(", ")),
                )
                .then("give a few more characters"))
            }
        }
    }
}

/// A notice that was found by its id.
#[derive(Debug)]
pub struct Found<'c> {
    /// Its mailbox.
    pub mailbox: &'c Mailbox,
    /// That mailbox's cache.
    pub store: Store,
    /// Its headline.
    pub headline: Headline,
}

impl Found<'_> {
    /// Its mail.
    ///
    /// # Errors
    ///
    /// The cache cannot be read, or has lost it.
    pub fn mail(&self) -> Result<Vec<u8>, Failure> {
        if let Some(mail) = self.store.mail(self.headline.id)? {
            return Ok(mail);
        }
        self.store.note_missing_mail(self.headline.id)?;
        let failure = Failure::new(failure::SAVED_DATA, "the text of this notice is missing");
        Err(failure.then("`tidings check` fetches what is missing"))
    }
}

/// Builds a cache anew that a command has found damaged only while it read on, and says so.
pub fn mend(failure: Failure) -> Failure {
    let Some(path) = failure.damaged_cache() else {
        return failure;
    };
    match Store::open(path).and_then(|opened| match opened.damaged {
        Some(aside) => Ok(Some(aside)),
        None => opened.store.rebuild(),
    }) {
        Ok(aside) => {
            let moved = aside.map_or_else(
                || "another tidings has made a new one".to_owned(),
                |aside| format!("moved to {}; {}", aside.path.display(), aside.marks()),
            );
            failure.then(format!("{moved}, `tidings check` fetches the notices anew"))
        }
        Err(error) => error.into(),
    }
}

/// Nothing can be done without a mailbox.
pub fn no_mailbox(loaded: &Loaded) -> Failure {
    let path = loaded.path.display();
    let words = match loaded.exists {
        true => format!("no mailbox is set in {path}"),
        false => format!("there are no settings yet: no {path}"),
    };
    Failure::new(failure::SETTINGS, words)
        .then("run `tidings setup`, or look around with `tidings demo`")
}

/// What is wrong with the authorities that a mailbox is to trust, or with what it shows of itself.
pub fn trouble_with_trust(mailbox: &Mailbox) -> Option<String> {
    let all = tls::Trust::of(mailbox);
    let authorities = tls::Trust {
        identity: None,
        ..all.clone()
    };
    let (setting, error) = match tls::Connector::new(&authorities) {
        Err(error) => ("ca_file", error),
        Ok(_) => ("client_cert", tls::Connector::new(&all).err()?),
    };
    let why = chain(&error);
    Some(format!("mailbox `{}`: {setting}: {why}", mailbox.name))
}

/// Says what in the settings means nothing.
pub fn warn(loaded: &Loaded, quiet: bool) {
    if quiet {
        return;
    }
    for problem in Rules::problems(&loaded.settings, TimeZone::system) {
        remark(&Shown::line(&format!(
            "tidings: {}: {problem}",
            loaded.path.display()
        )));
    }
    for unknown in &loaded.unknown {
        remark(&Shown::line(&format!(
            "tidings: {}: {unknown}",
            loaded.path.display()
        )));
    }
}

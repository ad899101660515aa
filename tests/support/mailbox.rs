//! A mailbox's settings, its cache in a temporary folder, and one check of it.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tidings::{
    config::{Mailbox, Settings, Tls},
    notice::{Headline, MailboxIndex},
    poll::{
        check::Check,
        report::{Report, Summary},
        tell::Tell,
    },
    store::Store,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A reader's side of a mailbox: settings, cache, password.
pub struct Reader {
    pub mailbox: Mailbox,
    pub settings: Settings,
    pub store: Store,
    pub password: SecretString,
    /// Others wait for the maildrop.
    pub in_slices: bool,
    _folder: tempfile::TempDir,
}

impl Reader {
    /// A reader of a server on this port of the loopback, with an empty cache.
    pub fn of(port: u16) -> Reader {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(&folder.path().join("cache.db"))
            .expect("a new cache")
            .store;
        Reader {
            mailbox: Mailbox {
                name: "notices".to_owned(),
                host: "127.0.0.1".to_owned(),
                port: Some(port),
                tls: Tls::None,
                user: "notices".to_owned(),
                ..Mailbox::default()
            },
            settings: Settings::default(),
            store,
            password: SecretString::from("sesame"),
            in_slices: false,
            _folder: folder,
        }
    }

    /// One check; its summary, and all that was reported.
    pub async fn check(&self) -> (Summary, Vec<Report>) {
        self.check_until(&CancellationToken::new()).await
    }

    /// One check that may be broken off.
    pub async fn check_until(&self, cancelled: &CancellationToken) -> (Summary, Vec<Report>) {
        let (reports, mut reported) = mpsc::channel(16);
        let listener = tokio::spawn(async move {
            let mut all = Vec::new();
            while let Some((_, report)) = reported.recv().await {
                all.push(report);
            }
            all
        });
        let tell = Tell::new(MailboxIndex(0), reports);
        let check = Check {
            mailbox: &self.mailbox,
            settings: &self.settings,
            store: &self.store,
            password: &self.password,
            cancelled,
            tell: &tell,
            in_slices: self.in_slices,
        };
        let (summary, _) =
            tokio::time::timeout(Duration::from_secs(60), check.run(Timestamp::now()))
                .await
                .expect("a check ends");
        drop(tell);
        (summary, listener.await.expect("the listener ends"))
    }

    /// The subjects that are kept, newest first, with a mark for those withdrawn.
    pub fn subjects(&self) -> Vec<String> {
        self.headlines()
            .iter()
            .map(|headline| {
                let mark = if headline.fate.withdrawn.is_some() {
                    " (withdrawn)"
                } else {
                    ""
                };
                format!("{}{mark}", headline.subject)
            })
            .collect()
    }

    /// All headlines, newest first.
    pub fn headlines(&self) -> Vec<Headline> {
        self.store.headlines(None, 1_000_000).expect("headlines")
    }
}

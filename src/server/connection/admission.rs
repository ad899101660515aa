//! How somebody signs in: the password is checked and the maildrop opened, on blocking threads, and
//! a wrong one is answered late.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::SecretString;
use tokio::time::{self, Instant};

use crate::{
    causes::chain,
    server::{
        Shared,
        accounts::account::{Account, Delete, is_name},
        events::{Event, Fault},
        limits::Presence,
        reader::Window,
        session::step::{Credentials, Refusal, Rights, Step},
        spool::{self, Opened},
    },
    work,
};

use super::{Broken, Connection, Place, Visit};

/// How long a turn is waited for: as long as a mailbox's lock.
const LONGEST_TURN: time::Duration = time::Duration::from_secs(5);

impl Connection {
    pub(super) async fn sign_in(&mut self, credentials: Credentials) -> Result<Step, Broken> {
        let name = credentials.name().to_owned();
        let opened = match self.shared.fault() {
            Fault::HoldLock => Err(Refusal::Busy),
            Fault::None | Fault::Refuse | Fault::Hang => self.open(credentials).await,
        };
        let (account, opened, presence) = match opened {
            Ok(opened) => opened,
            Err(refusal) => return self.turn_away(refusal, name).await,
        };
        let rights = Rights {
            delete: account.delete == Delete::Allowed,
            policy: account.policy(),
        };
        self.tell(Event::SignedIn {
            session: self.number,
            account: account.name.clone(),
            address: self.address,
        });
        self.place = Place::SignedIn(Box::new(Visit {
            account,
            reader: opened.reader,
            window: Window::default(),
            previous: None,
            _lease: opened.lease,
            _presence: presence,
        }));
        Ok(self.session.signed_in(opened.maildrop, rights))
    }

    /// Looks for what SCRAM keeps of an account's password.
    pub(super) async fn look(&mut self, name: String) -> Result<Step, Broken> {
        let spool = self.shared.spool.clone();
        let looked = work::begin(move || {
            let verifier = spool.accounts().verifier(&name);
            chance().map(|chance| (verifier, chance))
        });
        match looked.await {
            Ok(Ok((verifier, chance))) => Ok(self.session.told(verifier, &chance)),
            Ok(Err(_)) | Err(_) => Ok(self.session.turned_away(Refusal::Temporary)),
        }
    }

    async fn turn_away(&mut self, refusal: Refusal, name: String) -> Result<Step, Broken> {
        let step = self.session.turned_away(refusal);
        match refusal {
            Refusal::Denied => {
                self.tell(Event::Denied {
                    session: self.number,
                    address: self.address,
                });
                // What cannot be a name is not written down: it may be a password in the wrong place.
                let account = if is_name(&name) { name.as_str() } else { "?" };
                tracing::warn!(session = self.number, account, address = %self.address, "wrong password");
                // The others' answers are not held back with this one.
                self.flush().await?;
                let pause = self.shared.limits.pause * self.session.penalty();
                let throttle = self.shared.crowd.hold_back(self.address, Instant::now());
                time::sleep(pause.max(throttle)).await;
            }
            Refusal::Busy => self.tell(Event::Busy {
                session: self.number,
                // Observers show names: what cannot be one is not passed on.
                account: Some(name).filter(|name| is_name(name)).unwrap_or_default(),
            }),
            Refusal::Crowded | Refusal::TooSoon | Refusal::Temporary | Refusal::Permanent => {}
        }
        Ok(step)
    }

    /// Who may not sign in from here is nobody, whatever is known of the password.
    fn as_from_here(&self, credentials: Credentials) -> Credentials {
        let account = self.shared.spool.accounts().find(credentials.name());
        if account.is_none_or(|account| account.admits(self.address)) {
            return credentials;
        }
        let account = credentials.name();
        tracing::warn!(account, address = %self.address, "not from this network");
        let name = String::new();
        match credentials {
            // It takes as long as any wrong one.
            Credentials::Password { password, .. } => Credentials::Password { name, password },
            Credentials::Apop { .. }
            | Credentials::Proven { .. }
            | Credentials::Disproved { .. } => Credentials::Disproved { name },
        }
    }

    async fn open(
        &mut self,
        credentials: Credentials,
    ) -> Result<(Arc<Account>, Opened, Presence), Refusal> {
        let presence = self.shared.crowd.sign_in().ok_or(Refusal::Crowded)?;
        let credentials = self.as_from_here(credentials);
        let account = identify(&self.shared, credentials).await?;
        // However many wait for one mailbox's lock, there are threads left for the others.
        let turn = self.shared.turns.of(&account.mailbox).acquire_owned();
        let Ok(Ok(_turn)) = time::timeout(LONGEST_TURN, turn).await else {
            return Err(Refusal::Busy);
        };
        let spool = self.shared.spool.clone();
        let crowd = self.shared.crowd.clone();
        let (name, delay) = (account.name.clone(), account.login_delay);
        if let Some(delay) = delay
            && !crowd.come(&name, self.address, delay)
        {
            return Err(Refusal::TooSoon);
        }
        let opened = work::begin(move || open_maildrop(&spool, account)).await;
        let opened = opened.map_err(|_| Refusal::Temporary).flatten();
        if opened.is_err() && delay.is_some() {
            crowd.was_not_let_in(&name, self.address);
        }
        let (account, opened) = opened?;
        Ok((account, opened, presence))
    }
}

/// What nobody can guess, in characters that a nonce may have (RFC 5802 §5.1).
fn chance() -> Result<SecretString, getrandom::Error> {
    let mut octets = [0; 18];
    getrandom::fill(&mut octets)?;
    Ok(SecretString::from(STANDARD.encode(octets)))
}

/// The account whose password this is.
async fn identify(shared: &Shared, credentials: Credentials) -> Result<Arc<Account>, Refusal> {
    let (spool, known) = (shared.spool.clone(), credentials.clone());
    // A team's polling goes this way: no argon2, and no waiting for those who guess.
    let quick = work::begin(move || match &known {
        Credentials::Password { name, password } => spool.accounts().recall(name, password),
        Credentials::Apop {
            name,
            timestamp,
            digest,
        } => spool.accounts().verify_apop(name, timestamp, digest),
        Credentials::Proven { name } => spool.accounts().find(name),
        Credentials::Disproved { .. } => None,
    })
    .await
    .map_err(|_| Refusal::Temporary)?;
    let slow = match (quick, credentials) {
        (Some(account), _) => return Ok(account),
        (
            None,
            Credentials::Apop { .. } | Credentials::Proven { .. } | Credentials::Disproved { .. },
        ) => None,
        (None, Credentials::Password { name, password }) => {
            let permit = shared.checks.clone().acquire_owned().await;
            let spool = shared.spool.clone();
            work::begin(move || {
                let account = spool.accounts().verify(&name, &password);
                drop(permit);
                account
            })
            .await
            .map_err(|_| Refusal::Temporary)?
        }
    };
    slow.ok_or(Refusal::Denied)
}

fn open_maildrop(
    spool: &spool::Spool,
    account: Arc<Account>,
) -> Result<(Arc<Account>, Opened), Refusal> {
    match spool.open_maildrop(&account) {
        Ok(opened) => Ok((account, opened)),
        Err(spool::Error::Busy) => Err(Refusal::Busy),
        Err(error) => {
            tracing::error!(
                account = account.name,
                error = chain(&error),
                "the maildrop cannot be opened"
            );
            Err(match error {
                spool::Error::Io { .. } | spool::Error::Busy | spool::Error::Full { .. } => {
                    Refusal::Temporary
                }
                spool::Error::Denied { .. }
                | spool::Error::Accounts(_)
                | spool::Error::Refused(_)
                | spool::Error::UnknownAccount(_) => Refusal::Permanent,
            })
        }
    }
}

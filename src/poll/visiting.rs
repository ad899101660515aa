//! The frame of a visit: connecting, signing in, and QUIT, whatever was between.

use std::{pin::pin, time::Duration};

use jiff::Timestamp;
use tokio::time;

use super::{
    check::{Check, last_way, remembered},
    early::Early,
    findings::{Failure, Findings},
    outcome,
    report::Outcome,
    tell::blocking,
};
use crate::{
    client::{self, Authorization, Endpoint, QUIT_TIMEOUT, dialogue::Dialogue, request::Look},
    pop3::capability::Capabilities,
    store,
};

/// How long a connection that is coming up is waited for, to say QUIT over it.
const FAREWELL: Duration = Duration::from_millis(500);

impl Check<'_> {
    /// Visits over a connection of its own.
    pub(super) async fn visit(
        &self,
        at: Timestamp,
        dialogue: &Dialogue,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        self.visit_on(None, at, dialogue, findings).await
    }

    /// Connects, unless that is done already, signs in, does what is to be done, and says QUIT.
    pub(super) async fn visit_on(
        &self,
        early: Option<Early>,
        at: Timestamp,
        dialogue: &Dialogue,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        // Before anybody is called: a cache that cannot be read leaves no session behind.
        let goes_one_by_one =
            findings.goes_one_by_one || self.recall(remembered::ONE_BY_ONE).await?.is_some();
        let store = self.store.clone();
        let (last, highest, version) = blocking(move || {
            let version = store.version()?;
            Ok::<_, store::Error>((last_way(&store)?, store.highest_id()?, version))
        })
        .await?;
        (findings.highest_before, findings.version_before) = (highest, version);

        let connecting = async {
            match early {
                Some(early) => early.session().await,
                None => {
                    let endpoint = Endpoint::of(self.mailbox, self.settings)?;
                    Authorization::connect(&endpoint, dialogue).await
                }
            }
        };
        let mut connecting = pin!(connecting);
        let mut session = tokio::select! {
            session = &mut connecting => session?,
            () = self.cancelled.cancelled() => {
                // A server that is about to answer is told; one that is not there is not waited for.
                if let Ok(Ok(session)) = time::timeout(FAREWELL, connecting).await {
                    session.quit().await;
                }
                return Err(Failure::Cancelled);
            }
        };
        if goes_one_by_one {
            session.go_one_by_one();
        }
        let known = self.recall(remembered::CAPABILITIES).await?;
        let known = known.map(|text| Capabilities::parse(text.as_bytes()));
        if known.is_none() {
            match self.unless_cancelled(session.capa()).await {
                Ok(asked) => asked?,
                Err(failure) => {
                    session.quit().await;
                    return Err(failure);
                }
            }
        }
        // Before signing in: a refusal may be for coming too often.
        findings.login_delay = session
            .capabilities()
            .or(known.as_ref())
            .and_then(Capabilities::login_delay);
        findings.has_tried_password = true;

        let password = findings.token.as_ref().unwrap_or(self.password).clone();
        let looks_not_ahead =
            findings.looks_not_ahead || self.recall(remembered::NO_LOOK).await?.is_some();
        let look = match self.recall(remembered::LISTING).await? {
            _ if looks_not_ahead => None,
            Some(_) => Some(Look::Glance),
            None => Some(Look::Listing),
        };
        let (user, known) = (&self.mailbox.user, known.as_ref());
        let mut login = pin!(session.login(user, &password, last, known, look));
        let mut transaction = tokio::select! {
            transaction = &mut login => match transaction {
                Ok(transaction) => transaction,
                Err(error) => {
                    // What was announced the last time may be the reason, unless it is another's session.
                    if !matches!(
                        outcome::of_session(&error),
                        Outcome::Busy { .. } | Outcome::ToldToWait { .. }
                    ) {
                        self.remember(remembered::CAPABILITIES, None).await?;
                    }
                    return Err(error.into());
                }
            },
            () = self.cancelled.cancelled() => {
                // The maildrop may be ours by now, and teammates' again once we have left.
                if let Ok(Ok(transaction)) = time::timeout(QUIT_TIMEOUT, login).await {
                    transaction.quit().await;
                }
                return Err(Failure::Cancelled);
            }
        };
        let way = transaction.way().to_string();
        let announced = transaction.capabilities().map(|capabilities| {
            let lines = capabilities.iter().map(ToString::to_string);
            lines.collect::<Vec<String>>().join("\r\n")
        });
        let remembered = async {
            self.remember(remembered::WAY, Some(way)).await?;
            self.remember(remembered::CAPABILITIES, announced).await
        };
        let outcome = match remembered.await {
            Ok(()) => self.transact(at, &mut transaction, findings).await,
            Err(error) => Err(error.into()),
        };
        // QUIT is said after a failure of ours too: a session left open keeps teammates waiting.
        match &outcome {
            Err(Failure::Session(error)) if !may_quit_after(error) => {}
            // What is not kept must be there the next time: a connection that is lost removes nothing (RFC 1939
            // §6).
            Err(_) if findings.has_fetched && self.is_taken_by_quit(&transaction) => {}
            // Another try may follow: not before the maildrop is free.
            Err(_) => transaction.quit().await,
            Ok(()) => {
                tokio::spawn(transaction.part().await);
            }
        }
        outcome
    }
}

/// After these the connection is gone, or in the middle of something.
fn may_quit_after(error: &client::Error) -> bool {
    matches!(
        error,
        // Who has lost what came behind the password waits for more, and holds the maildrop.
        client::Error::Rejected { .. } | client::Error::LookLost
    )
}

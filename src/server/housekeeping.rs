//! What a server does by itself, now and then: old notices go where an account says so, and what makes
//! the next start quick is kept.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{causes::chain, work};

use super::{
    accounts::account::Account,
    figures::Figures,
    spool::{self, Spool},
};

/// How often indexes are kept that are worth it.
const ROUND: Duration = Duration::from_secs(60);

/// Every so many rounds, old notices are removed.
const ROUNDS_TO_EXPIRE: u64 = 60;

/// Keeps house until the server ends, and once more then.
pub(super) async fn keep(spool: Arc<Spool>, figures: Arc<Figures>, ending: CancellationToken) {
    let mut rounds = time::interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for round in 0u64.. {
        let is_over = tokio::select! {
            _ = rounds.tick() => false,
            () = ending.cancelled() => true,
        };
        let (spool, figures) = (spool.clone(), figures.clone());
        let done = work::begin(move || {
            if !is_over && round % ROUNDS_TO_EXPIRE == 0 {
                expire(&spool, &figures, Timestamp::now());
            }
            spool.keep_indexes();
        });
        if done.await.is_err() {
            tracing::error!("keeping house has failed, and is tried again");
        }
        if is_over {
            return;
        }
    }
}

/// Removes what every account has kept for long enough, and writes a line into the log for each.
/// Blocks.
pub fn expire(spool: &Spool, figures: &Figures, now: Timestamp) {
    let accounts = spool.accounts().all();
    let mut done: Vec<&str> = Vec::new();
    for account in accounts.values() {
        // Accounts that share a mailbox share its time.
        if account.expire.is_some() && !done.contains(&account.mailbox.as_str()) {
            done.push(&account.mailbox);
            expire_one(spool, account, figures, now);
        }
    }
}

fn expire_one(spool: &Spool, account: &Account, figures: &Figures, now: Timestamp) {
    match spool.expire(account, now) {
        Ok(expired) => {
            for message in &expired {
                tracing::info!(
                    mailbox = account.mailbox,
                    message_id = message.message_id,
                    delivered = %message.delivered,
                    "expired"
                );
            }
            figures.expired(expired.len() as u64);
        }
        Err(spool::Error::Busy) => tracing::info!(
            mailbox = account.mailbox,
            "old notices stay for now: the mailbox is in use"
        ),
        Err(error) => tracing::error!(
            mailbox = account.mailbox,
            error = chain(&error),
            "old notices cannot be removed"
        ),
    }
}

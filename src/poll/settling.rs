//! The end of a visit: what left the server, and what came back.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{
    check::{Check, remembered},
    findings::{Failure, Findings},
    identity::Plan,
    report::Report,
    tell::blocking,
};
use crate::{
    notice::{NoticeId, shown::Shown},
    store,
};

/// How many checks must agree before notices that vanished all at once count as withdrawn.
const AGREEING_CHECKS: u32 = 3;

impl Check<'_> {
    /// Notes what left the server and what came back.
    pub(super) async fn settle(
        &self,
        at: Timestamp,
        mut plan: Plan,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        let recognised: HashSet<_> = findings.tally.recognised.iter().copied().collect();
        // What another program has kept since this visit began is no loss of this listing's.
        let known = findings.highest_before;
        plan.missing
            .retain(|id| !recognised.contains(id) && *id <= known);
        plan.returned
            .retain(|id| findings.tally.as_before.contains(id));
        if !plan.returned.is_empty() {
            let (store, ids) = (self.store.clone(), plan.returned.clone());
            blocking(move || store.restore(&ids)).await?;
            self.tell.report(Report::Returned(plan.returned)).await;
        }
        let before: Option<u32> = self
            .recall(remembered::VANISHED)
            .await?
            .and_then(|checks| checks.parse().ok());
        // What has arrived since all others vanished makes their loss no surer.
        if (plan.is_doubtful || before.is_some()) && !plan.missing.is_empty() {
            let checks = before.unwrap_or(0) + 1;
            if checks < AGREEING_CHECKS {
                self.remember(remembered::VANISHED, Some(checks.to_string()))
                    .await?;
                let count = u32::try_from(plan.missing.len()).unwrap_or(u32::MAX);
                findings.note(Shown::line(&format!(
                    "{count} notices vanished from the server: not marked as withdrawn until \
                     {AGREEING_CHECKS} checks agree ({checks} so far)"
                )));
                self.tell.report(Report::Vanished { count, checks }).await;
                return Ok(());
            }
        }
        self.remember(remembered::VANISHED, None).await?;
        if !plan.missing.is_empty() {
            let (store, ids) = (self.store.clone(), plan.missing.clone());
            blocking(move || store.withdraw(&ids, at)).await?;
            findings.withdrawn = u32::try_from(plan.missing.len()).unwrap_or(u32::MAX);
            findings.note(self.words_of_withdrawal(&plan.missing).await?);
            self.tell
                .report(Report::Withdrawn {
                    ids: plan.missing,
                    since: at,
                })
                .await;
        }
        Ok(())
    }

    async fn words_of_withdrawal(&self, ids: &[NoticeId]) -> Result<Shown, store::Error> {
        let (store, first) = (self.store.clone(), ids[..1].to_vec());
        let headlines = blocking(move || store.headlines_of(&first)).await?;
        let subject = headlines
            .first()
            .map(|headline| headline.subject.to_string())
            .unwrap_or_default();
        Ok(Shown::line(&match ids.len() {
            1 => format!("1 notice withdrawn: {subject}"),
            count => format!("{count} notices withdrawn: {subject}, …"),
        }))
    }
}

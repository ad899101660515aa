//! The end of a visit: what left the server.

use std::{collections::HashSet, fmt};

use jiff::{SignedDuration, Timestamp};

use super::{
    check::{Check, remembered},
    findings::{Failure, Findings},
    identity::Plan,
    report::Report,
    services,
    tell::blocking,
};
use crate::{
    notice::{NoticeId, shown::Shown},
    store,
};

/// How many checks must agree before notices that vanished all at once count as withdrawn.
const AGREEING_CHECKS: u32 = 3;

/// Of what nobody has fetched some services list some hundred at once: behind so many there may be more.
const PAGE_OF_UNTAKEN: usize = 100;

/// Gmail lists the last 30 days where it is asked for what is recent, by its own clock and calendar.
const RECENT: SignedDuration = SignedDuration::from_hours(28 * 24);

/// Notices that some checks in a row have missed all at once, or where a listing had gaps.
#[derive(Debug)]
struct Doubt {
    checks: u32,
    missing: Vec<NoticeId>,
}

impl Doubt {
    /// What `missing` makes of an earlier doubt: only what every check has missed stays doubtful.
    fn after(before: Option<Doubt>, missing: &[NoticeId]) -> Doubt {
        let begun = Doubt {
            checks: 1,
            missing: missing.to_vec(),
        };
        let Some(before) = before else { return begun };
        let now: HashSet<&NoticeId> = missing.iter().collect();
        let both: Vec<NoticeId> = before
            .missing
            .into_iter()
            .filter(|id| now.contains(id))
            .collect();
        match both.is_empty() {
            true => begun,
            false => Doubt {
                checks: before.checks + 1,
                missing: both,
            },
        }
    }

    fn parse(text: &str) -> Option<Doubt> {
        let (checks, ids) = text.split_once(':')?;
        let ids = ids.split(',').map(|id| id.parse().map(NoticeId));
        Some(Doubt {
            checks: checks.parse().ok()?,
            missing: ids.collect::<Result<_, _>>().ok()?,
        })
    }
}

/// As it is remembered: `2:17,18`.
impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:", self.checks)?;
        for (place, id) in self.missing.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma}{}", id.0)?;
        }
        Ok(())
    }
}

impl Check<'_> {
    /// Notes what left the server.
    pub(super) async fn settle(
        &self,
        at: Timestamp,
        mut plan: Plan,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        self.end_first_check(&plan, findings).await?;
        let recognised: HashSet<_> = findings.tally.recognised.iter().copied().collect();
        // What another program has kept since this visit began is no loss of this listing's.
        let known = findings.highest_before;
        plan.missing
            .retain(|id| !recognised.contains(id) && *id <= known);
        if services::lists_only_untaken(self.mailbox) {
            plan.missing.clear();
        }
        if self.mailbox.lists_recent() {
            self.keep_what_is_only_older(at, &mut plan.missing).await?;
        }
        let before = self.recall(remembered::VANISHED).await?;
        let before = before.as_deref().and_then(Doubt::parse);
        let unnamed = self.newly_nameless(&plan).await?;
        // What has arrived since all others vanished makes their loss no surer.
        if (plan.is_doubtful || before.is_some()) && !plan.missing.is_empty() {
            let doubt = Doubt::after(before, &plan.missing);
            let may_be_unnamed = plan.missing.len() <= unnamed as usize;
            if doubt.checks < AGREEING_CHECKS || may_be_unnamed {
                let (checks, count) = (doubt.checks, doubt.missing.len());
                self.remember(remembered::VANISHED, Some(doubt.to_string()))
                    .await?;
                let count = u32::try_from(count).unwrap_or(u32::MAX);
                let s = if count == 1 { "" } else { "s" };
                findings.note(Shown::line(&format!(
                    "{count} notice{s} vanished from the server: not marked as withdrawn until \
                     {AGREEING_CHECKS} checks agree ({checks} so far)"
                )));
                self.tell.report(Report::Vanished { count, checks }).await;
                return Ok(());
            }
            plan.missing = doubt.missing;
        }
        self.remember(remembered::VANISHED, None).await?;
        let store = self.store.clone();
        blocking(move || store.forget_troubles(at)).await?;
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

    /// From the first check on that has seen all that was there, what comes is new, whatever its date and whatever
    /// other programs had fetched. One that cannot be had puts that off for a while only.
    async fn end_first_check(&self, plan: &Plan, findings: &Findings) -> Result<(), store::Error> {
        let before = self.recall(remembered::OPEN).await?;
        let before: u32 = before.and_then(|count| count.parse().ok()).unwrap_or(0);
        let lists_only_untaken = services::lists_only_untaken(self.mailbox);
        let is_doubtful = plan.is_doubtful && !lists_only_untaken;
        let count = match is_doubtful || findings.has_open_ends {
            true => before.saturating_add(1).min(AGREEING_CHECKS),
            false => 0,
        };
        if count != before {
            let value = (count > 0).then(|| count.to_string());
            self.remember(remembered::OPEN, value).await?;
        }
        // Of what nobody has fetched some services list no more than some hundred at once.
        let has_more = lists_only_untaken && plan.fetch.len() >= PAGE_OF_UNTAKEN;
        if has_more || (1..AGREEING_CHECKS).contains(&count) {
            return Ok(());
        }
        let store = self.store.clone();
        blocking(move || {
            store.remember(remembered::CHECKED, Some("yes"))?;
            store.forget_elsewhere()
        })
        .await
    }

    /// Leaves out what is only too old to be listed: it is on the server all the same.
    async fn keep_what_is_only_older(
        &self,
        at: Timestamp,
        missing: &mut Vec<NoticeId>,
    ) -> Result<(), Failure> {
        let (store, ids) = (self.store.clone(), missing.clone());
        let headlines = blocking(move || store.headlines_of(&ids)).await?;
        let young: HashSet<NoticeId> = headlines
            .iter()
            .filter(|headline| at.duration_since(headline.date) < RECENT)
            .map(|headline| headline.id)
            .collect();
        missing.retain(|id| young.contains(id));
        Ok(())
    }

    /// How many listed messages have lost their unique-id: those that never had one hide no notice
    /// that is missing.
    async fn newly_nameless(&self, plan: &Plan) -> Result<u32, store::Error> {
        let before = self.recall(remembered::NAMELESS).await?;
        let before = before.and_then(|count| count.parse().ok()).unwrap_or(0);
        if plan.missing.is_empty() && plan.nameless != before {
            let count = Some(plan.nameless.to_string());
            self.remember(remembered::NAMELESS, count).await?;
        }
        Ok(plan.nameless.saturating_sub(before))
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

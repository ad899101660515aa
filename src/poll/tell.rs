//! Where a check's reports go, and how it waits for what blocks.

use super::{Reports, report::Report};
use crate::{notice::MailboxIndex, work};

/// Where reports go. Nobody need listen.
#[derive(Clone, Debug)]
pub struct Tell {
    mailbox: MailboxIndex,
    reports: Reports,
}

impl Tell {
    /// Tells whoever listens at the other end of `reports`.
    pub fn new(mailbox: MailboxIndex, reports: Reports) -> Tell {
        Tell { mailbox, reports }
    }

    /// Tells it; waits while the listener is busy.
    pub async fn report(&self, report: Report) {
        // Nobody listens any more: the check goes on, for the cache's sake.
        let _ = self.reports.send((self.mailbox, report)).await;
    }

    /// The same, from a thread that may block.
    pub fn report_blocking(&self, report: Report) {
        let _ = self.reports.blocking_send((self.mailbox, report));
    }
}

/// Runs what blocks on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    work::begin(what).await.expect("what blocks does not panic")
}

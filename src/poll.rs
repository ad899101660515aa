//! The poller's task: wait, check, report.

pub mod report;

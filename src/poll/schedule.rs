//! When to call next (pure): the interval with jitter, back-off, busy.
//!
//! Chance is an argument, a number from 0 up to 1, and so is the time.

use std::time::Duration;

use jiff::SignedDuration;

use super::report::Outcome;

/// What a mailbox's schedule depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The time between two checks that the person wants.
    interval: Duration,
    /// The least time between two logins that the server allows.
    least: Duration,
    /// Checks in a row that have not come through.
    failures: u32,
}

/// What comes after a check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Another check, after this time.
    After(Duration),
    /// None until the person acts.
    WhenAsked,
}

/// The first wait after a busy answer; doubled each time up to [`BUSY_MOST`].
const BUSY_LEAST: Duration = Duration::from_secs(2);
/// The longest wait after a busy answer.
const BUSY_MOST: Duration = Duration::from_secs(60);
/// The longest wait while a server cannot be reached.
const UNREACHABLE_MOST: Duration = Duration::from_secs(15 * 60);
/// The longest that a server may have us wait: a word more, and it would have switched us off.
const LEAST_MOST: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest sleep: a machine that was suspended notices within this time that it is late.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// How far a regular check strays from the interval, so that teammates spread out.
const JITTER: f64 = 0.1;

impl Schedule {
    /// A schedule with this interval.
    pub fn new(interval: Duration) -> Schedule {
        Schedule {
            interval,
            least: Duration::ZERO,
            failures: 0,
        }
    }

    /// Takes notice of the least time between two logins that the server has announced.
    pub fn obey(&mut self, least: Duration) {
        self.least = self.least.max(least.min(LEAST_MOST));
    }

    /// Takes notice of a check's outcome, and says when the next one is due.
    pub fn after(&mut self, outcome: &Outcome, chance: f64) -> Next {
        match outcome {
            Outcome::Done => {
                self.failures = 0;
                Next::After(self.regular(chance))
            }
            Outcome::Cancelled => Next::After(self.regular(chance)),
            Outcome::Busy { .. } => {
                self.failures += 1;
                let most = doubled(BUSY_LEAST, self.failures - 1).min(BUSY_MOST);
                // Anywhere between half and all of it: whoever was refused together parts again.
                Next::After(most.mul_f64(0.5 + chance / 2.0).max(BUSY_LEAST))
            }
            Outcome::ToldToWait { every, .. } => {
                self.failures += 1;
                self.obey(*every);
                // Words without a number: half as often as before.
                if every.is_zero() {
                    let doubled = self.interval.max(self.least).saturating_mul(2);
                    self.least = self.least.max(doubled.min(UNREACHABLE_MOST));
                }
                Next::After(self.regular(chance))
            }
            // A certificate is renewed without a word to us, and no password goes out before.
            Outcome::Unreachable { .. }
            | Outcome::NotSafe { .. }
            | Outcome::Broken { .. }
            | Outcome::CannotSave { .. } => {
                self.failures += 1;
                let wait = doubled(self.interval.min(BUSY_MOST), self.failures - 1);
                let wait = wait
                    .min(UNREACHABLE_MOST.max(self.interval))
                    .max(self.least);
                Next::After(jittered(wait, chance))
            }
            Outcome::Refused { .. } => {
                self.failures += 1;
                Next::After(jittered(UNREACHABLE_MOST.max(self.interval), chance))
            }
            Outcome::SignInFailed { .. } | Outcome::NoPassword { .. } => {
                self.failures += 1;
                Next::WhenAsked
            }
        }
    }

    /// Checks in a row that have not come through.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The time between two checks that holds at present.
    pub fn interval(&self) -> Duration {
        self.interval.max(self.least)
    }

    fn regular(&self, chance: f64) -> Duration {
        // Never sooner than the server allows.
        jittered(self.interval, chance).max(self.least)
    }
}

/// How long to sleep before looking at the clocks again; none if the check is due.
///
/// While a machine is suspended its clock goes on and its timers stand still, and a clock that is
/// set back must not put a check off: whichever of the two says first that the check is due is right.
pub fn sleep(left_by_timer: Duration, left_by_clock: SignedDuration) -> Option<Duration> {
    if left_by_timer.is_zero() || !left_by_clock.is_positive() {
        return None;
    }
    Some(left_by_timer.min(LONGEST_SLEEP))
}

fn jittered(wait: Duration, chance: f64) -> Duration {
    wait.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance)
}

fn doubled(wait: Duration, times: u32) -> Duration {
    wait.saturating_mul(2u32.saturating_pow(times.min(16)))
}

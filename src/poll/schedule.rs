//! When to call next (pure): the interval with jitter, back-off, busy.
//!
//! Chance is an argument, a number from 0 up to 1, and so is the time.
//!
//! Where a server lets one session in at a time, teammates stand in each other's way without knowing of
//! one another. All that a reader learns of the others is how often it is refused. While there is room for
//! all it tries again soon and evenly, so that nobody waits for long; where it is refused again and again
//! between two checks, there is not room for all at this pace, and it stretches its interval. It stretches
//! by a step and shrinks by a part, so that all readers come to the same pace (as TCP's senders do). How
//! that goes with 5 to 500 readers is shown by the contention tests.

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
    /// Busy answers since the last check that came through.
    refusals: u32,
    /// How many busy answers there are before a check comes through, of late.
    crowding: f64,
    /// By how much the interval is stretched because of that.
    stretch: f64,
    /// True until a check has come through.
    is_fresh: bool,
}

/// What comes after a check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Another check, after this time.
    After(Duration),
    /// None until the person acts.
    WhenAsked,
}

/// The longest of the first waits after a busy answer. The shortest is half of it.
const BUSY_FIRST: Duration = Duration::from_secs(4);
/// So many times it is tried again that soon; somebody who holds the maildrop for longer is given more
/// and more time.
const BUSY_SOON: u32 = 10;
/// By how much the wait grows from then on.
const BUSY_GROWTH: f64 = 1.5;
/// The longest wait after a busy answer.
const BUSY_MOST: Duration = Duration::from_secs(60);

/// What the newest check counts for in what is known of the crowd.
const CROWD_WEIGHT: f64 = 0.1;
/// More refusals before one check are no more of a crowd: it may be one session that lasts.
const CROWD_MOST: f64 = 8.0;
/// With more refusals than this before a check, of late, the interval is stretched: the maildrop is held for
/// more than about 70 % of the time then.
const CROWDED: f64 = 2.5;
/// With fewer than this it shrinks again.
const ROOMY: f64 = 1.5;
/// The interval is stretched in steps of a half to one and a half of it,
const STRETCH_STEP: f64 = 0.5;
/// and shrinks by this factor.
const SHRINK: f64 = 0.8;
/// It is never stretched to more than so many times what the person wants.
const STRETCH_MOST: f64 = 64.0;
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
            refusals: 0,
            crowding: 0.0,
            stretch: 1.0,
            is_fresh: true,
        }
    }

    /// Takes notice of the least time between two logins that the server has announced.
    pub fn obey(&mut self, least: Duration) {
        self.least = self.least.max(least.min(LEAST_MOST));
    }

    /// The least time between two logins that is known of.
    pub fn least(&self) -> Duration {
        self.least
    }

    /// Takes notice of a check's outcome, and says when the next one is due.
    pub fn after(&mut self, outcome: &Outcome, chance: f64) -> Next {
        match outcome {
            Outcome::Done => {
                self.failures = 0;
                let was_crowded_out = self.is_fresh && self.refusals > 0;
                self.is_fresh = false;
                self.learn();
                if was_crowded_out {
                    // Many have started together. They are not to come back together.
                    return Next::After(scaled(self.interval, chance).max(self.least));
                }
                Next::After(self.regular(chance))
            }
            Outcome::Cancelled => Next::After(self.regular(chance)),
            Outcome::Busy { .. } => {
                self.failures += 1;
                self.refusals += 1;
                let over = self.refusals.saturating_sub(BUSY_SOON).min(16);
                let first = scaled(BUSY_FIRST, self.stretch);
                let most = first
                    .mul_f64(BUSY_GROWTH.powi(over.cast_signed()))
                    .min(BUSY_MOST.max(first));
                // Anywhere between half and all of it: whoever was refused together parts again.
                Next::After(scaled(most, 0.5 + chance / 2.0))
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

    /// What comes after a check that has left something to be fetched, so that others have a turn.
    pub fn between_slices(&self, chance: f64) -> Next {
        let wait = scaled(BUSY_FIRST, self.stretch * (0.5 + chance / 2.0));
        Next::After(wait.max(self.least))
    }

    /// True if others have been in the way of late: who has much to fetch gives the maildrop back now and
    /// then.
    pub fn is_shared_in_turns(&self) -> bool {
        self.refusals > 0 || self.crowding > 0.1 || self.stretch > 1.0
    }

    /// Takes notice of how many refusals there were before this check.
    fn learn(&mut self) {
        let refusals = f64::from(self.refusals).min(CROWD_MOST);
        self.refusals = 0;
        self.crowding += CROWD_WEIGHT * (refusals - self.crowding);
        if self.crowding > CROWDED {
            let step = STRETCH_STEP * (self.crowding - CROWDED + 0.5).min(3.0);
            self.stretch = (self.stretch + step).min(STRETCH_MOST);
        } else if self.crowding < ROOMY {
            self.stretch = (self.stretch * SHRINK).max(1.0);
        }
    }

    /// Checks in a row that have not come through.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The time between two checks that holds at present.
    pub fn interval(&self) -> Duration {
        scaled(self.interval, self.stretch).max(self.least)
    }

    fn regular(&self, chance: f64) -> Duration {
        // Never sooner than the server allows.
        jittered(scaled(self.interval, self.stretch), chance).max(self.least)
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
    scaled(wait, 1.0 - JITTER + 2.0 * JITTER * chance)
}

/// However long an interval somebody wants: more than can be told is the most that can.
fn scaled(wait: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(wait.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

fn doubled(wait: Duration, times: u32) -> Duration {
    wait.saturating_mul(2u32.saturating_pow(times.min(16)))
}

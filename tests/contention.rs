//! Teammates at one maildrop that lets one session in at a time: how long a notice takes to reach the last
//! of them, and how much of the time the maildrop is held. The schedule is the real one; sessions are as
//! long as they are said to be, and time is a number.

use std::{cmp::Reverse, collections::BinaryHeap, fmt, time::Duration};

use tidings::{
    notice::shown::Shown,
    poll::{
        report::Outcome,
        schedule::{Next, Schedule},
    },
};

use crate::support::chance::Chance;

const MINUTE: Duration = Duration::from_secs(60);

/// When a reader calls next.
trait Caller {
    fn after(&mut self, is_busy: bool, chance: f64) -> Duration;
}

impl Caller for Schedule {
    fn after(&mut self, is_busy: bool, chance: f64) -> Duration {
        let outcome = match is_busy {
            true => Outcome::Busy {
                words: Shown::line("[IN-USE] locked"),
            },
            false => Outcome::Done,
        };
        match Schedule::after(self, &outcome, chance) {
            Next::After(wait) => wait,
            Next::WhenAsked => panic!("it waits for the person"),
        }
    }
}

/// As mpop or fetchmail do it in daemon mode or by cron: after the interval, whatever happened.
struct Fixed;

impl Caller for Fixed {
    fn after(&mut self, _: bool, _: f64) -> Duration {
        MINUTE
    }
}

/// What came of it.
#[derive(Clone, Copy)]
struct Outlook {
    /// How much of the time the maildrop was held.
    held: f64,
    /// How many calls were refused.
    refused: f64,
    /// From a delivery to the last reader who has it: of forty deliveries the middle one and the worst.
    last: Duration,
    last_at_worst: Duration,
    /// The longest time that any reader was without a check.
    gap: Duration,
}

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{:.0} s | {:.0} s | {:.0} s | {:.0} % | {:.0} %",
            self.last.as_secs_f64(),
            self.last_at_worst.as_secs_f64(),
            self.gap.as_secs_f64(),
            self.held * 100.0,
            self.refused * 100.0
        )
    }
}

/// How readers begin.
#[derive(Clone, Copy, PartialEq)]
enum Begin {
    Anywhere,
    Together,
}

fn simulate(
    readers: usize,
    session: Duration,
    begin: Begin,
    new: impl Fn() -> Box<dyn Caller>,
) -> Outlook {
    let session = session.as_secs_f64();
    let mut chance = Chance::of(readers as u64);
    // Long enough for the readers to have learned, where there is something to learn.
    let end = (40.0 * readers as f64 * session).max(2.0 * 3600.0);
    let learned = match begin {
        Begin::Anywhere => end / 3.0,
        Begin::Together => 0.0,
    };
    let mut callers: Vec<Box<dyn Caller>> = (0..readers).map(|_| new()).collect();
    // Times in microseconds, so that they have an order.
    let micros = |seconds: f64| (seconds * 1e6) as u64;
    let mut due: BinaryHeap<Reverse<(u64, usize)>> = (0..readers)
        .map(|reader| {
            let within = match begin {
                Begin::Anywhere => 60.0,
                Begin::Together => 0.5,
            };
            Reverse((micros(chance.part() * within), reader))
        })
        .collect();
    let mut checks: Vec<Vec<f64>> = vec![Vec::new(); readers];
    let (mut free_at, mut held, mut calls, mut refusals) = (0.0, 0.0, 0u32, 0u32);
    while let Some(Reverse((at, reader))) = due.pop() {
        let at = at as f64 / 1e6;
        if at > end {
            break;
        }
        let is_busy = at < free_at;
        if at > learned {
            calls += 1;
            refusals += u32::from(is_busy);
        }
        let mut over = at;
        if !is_busy {
            over = at + session;
            free_at = over;
            checks[reader].push(at);
            if at > learned {
                held += session;
            }
        }
        let wait = callers[reader].after(is_busy, chance.part()).as_secs_f64();
        due.push(Reverse((micros(over + wait), reader)));
    }

    let mut lasts: Vec<f64> = (0..40)
        .map(|_| {
            let delivered = learned + chance.part() * (end - learned) * 0.6;
            checks
                .iter()
                .map(|checks| {
                    let next = checks.partition_point(|&at| at < delivered);
                    checks.get(next).map_or(end, |at| at + session) - delivered
                })
                .fold(0.0, f64::max)
        })
        .collect();
    lasts.sort_by(f64::total_cmp);
    let gap = checks
        .iter()
        .map(|checks| {
            let first = checks.first().copied().unwrap_or(end);
            let between = checks
                .windows(2)
                .filter(|pair| pair[0] >= learned)
                .map(|pair| pair[1] - pair[0])
                .fold(0.0, f64::max);
            match begin {
                Begin::Together => between.max(first),
                Begin::Anywhere => between,
            }
        })
        .fold(0.0, f64::max);
    Outlook {
        held: held / (end - learned),
        refused: f64::from(refusals) / f64::from(calls.max(1)),
        last: Duration::from_secs_f64(lasts[20]),
        last_at_worst: Duration::from_secs_f64(lasts[39]),
        gap: Duration::from_secs_f64(gap),
    }
}

fn ours() -> Box<dyn Caller> {
    Box::new(Schedule::new(MINUTE))
}

fn fixed() -> Box<dyn Caller> {
    Box::new(Fixed)
}

#[test]
fn five_hundred_readers_have_each_notice_within_two_intervals() {
    let session = Duration::from_millis(50);

    for begin in [Begin::Anywhere, Begin::Together] {
        let ours = simulate(500, session, begin, ours);

        assert!(ours.last_at_worst <= 2 * MINUTE, "{ours}");
        assert!(ours.gap <= 3 * MINUTE, "{ours}");
        assert!(ours.held <= 0.6, "{ours}");
    }
}

#[test]
fn a_few_readers_are_not_slowed_down_by_one_another() {
    for (readers, session) in [(5, 50), (5, 500), (5, 5_000), (50, 50), (50, 500)] {
        let ours = simulate(
            readers,
            Duration::from_millis(session),
            Begin::Anywhere,
            ours,
        );

        assert!(
            ours.last_at_worst <= 2 * MINUTE,
            "{readers}, {session} ms: {ours}"
        );
        assert!(ours.gap <= 2 * MINUTE, "{readers}, {session} ms: {ours}");
    }
}

#[test]
fn where_there_is_not_room_for_all_everybody_has_a_turn_sooner_than_by_a_fixed_interval() {
    for (readers, session) in [(50, 5_000), (500, 500)] {
        let session = Duration::from_millis(session);
        let ours = simulate(readers, session, Begin::Anywhere, ours);
        let fixed = simulate(readers, session, Begin::Anywhere, fixed);

        // One after the other without a pause they would need this long.
        let least = session * u32::try_from(readers).expect("a count");
        assert!(ours.last_at_worst < 6 * least, "{ours}");
        assert!(
            ours.last_at_worst < fixed.last_at_worst,
            "{ours}; fixed {fixed}"
        );
        assert!(
            ours.held < 0.75 && fixed.held > 0.75,
            "{ours}; fixed {fixed}"
        );
    }
}

/// The table of BENCHMARKS.md: `cargo test --release contention -- --ignored --nocapture`.
#[test]
#[ignore = "writes a table, and takes a minute"]
#[expect(clippy::print_stdout, reason = "that is what it is for")]
fn the_table() {
    println!(
        "| Readers | A session | Schedule | Last reader | at worst | Longest gap | Held | Refused |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for readers in [5, 50, 500] {
        for session in [50, 500, 5_000] {
            let session = Duration::from_millis(session);
            for (name, new) in [
                ("tidings", ours as fn() -> Box<dyn Caller>),
                ("every minute", fixed),
            ] {
                let came = simulate(readers, session, Begin::Anywhere, new);
                println!("| {readers} | {session:?} | {name} | {came} |");
            }
        }
    }
}

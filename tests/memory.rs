//! What reading a mail takes at most, for each of the mails that cost more than they are worth: its octets, and all
//! that is made of them. A program of its own, because all that it takes is counted.

#![expect(
    clippy::print_stdout,
    reason = "a program that prints what it has measured"
)]

#[path = "support/hostile.rs"]
#[allow(dead_code)]
mod hostile;

use std::process::ExitCode;

use jiff::Timestamp;
use peak_alloc::PeakAlloc;
use tidings::notice::{Notice, body::Options, headline::Digest};

/// SECURITY.md P2 and the README: so many octets at most.
const MOST: usize = 100_000_000;

/// What a file is read of (`tidings show FILE`); what is fetched is smaller.
const LARGEST: usize = 64 * 1024 * 1024;

#[global_allocator]
static COUNTING: PeakAlloc = PeakAlloc;

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let names: Vec<&String> = asked.iter().filter(|word| !word.starts_with('-')).collect();
    let is_listed = asked.iter().any(|word| word == "--list");
    if is_listed
        || (!names.is_empty() && !names.iter().any(|name| "memory".contains(name.as_str())))
    {
        return ExitCode::SUCCESS;
    }
    let mut is_more = false;
    for hostile::Hostile {
        name, mut bytes, ..
    } in hostile::costly()
    {
        bytes.truncate(LARGEST);
        bytes.shrink_to_fit();
        let taken = taken_by(&bytes) + bytes.len();
        is_more |= taken > MOST;
        println!("{:6.1} MB  {name}", taken as f64 / 1e6);
    }
    match is_more {
        true => {
            println!("more than {} MB", MOST / 1_000_000);
            ExitCode::FAILURE
        }
        false => ExitCode::SUCCESS,
    }
}

/// The most octets at once that are taken beside the mail's own.
fn taken_by(mail: &[u8]) -> usize {
    let before = COUNTING.current_usage();
    COUNTING.reset_peak_usage();
    let notice = Notice::parse(mail);
    drop(notice.lines(80, Options::default()));
    drop(notice);
    drop(Digest::of(mail, Timestamp::UNIX_EPOCH));
    COUNTING.peak_usage().saturating_sub(before)
}

//! The signals that end a program in order: Ctrl-C, SIGTERM, SIGHUP.

use std::process::ExitCode;

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

use super::failure::Failure;

/// Hears the signals that want the program to end.
#[derive(Debug)]
pub struct Signals {
    interrupt: Option<unix::Signal>,
    terminate: Option<unix::Signal>,
    hang_up: Option<unix::Signal>,
}

impl Signals {
    /// Begins to listen: from now on none of them ends the program by itself. One that is to be
    /// ignored, as `nohup` wishes, stays ignored.
    ///
    /// # Errors
    ///
    /// The system does not allow it.
    pub fn listen() -> Result<Signals, Failure> {
        let ignored = ignored();
        let listen = |number: Signal, kind| {
            if ignored & (1 << (number.as_raw() - 1)) != 0 {
                return Ok(None);
            }
            signal(kind)
                .map(Some)
                .map_err(|error| Failure::unexpected("cannot listen to signals", error))
        };
        Ok(Signals {
            interrupt: listen(Signal::INT, SignalKind::interrupt())?,
            terminate: listen(Signal::TERM, SignalKind::terminate())?,
            hang_up: listen(Signal::HUP, SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            () = heard(&mut self.interrupt) => Signal::INT,
            () = heard(&mut self.terminate) => Signal::TERM,
            () = heard(&mut self.hang_up) => Signal::HUP,
        }
    }
}

async fn heard(signal: &mut Option<unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// The signals that the program was told to ignore when it was started, a bit each from 1 on
/// (`SigIgn` in proc_pid_status(5)). Where the system does not say, none.
fn ignored() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let mask = status
                .lines()
                .find_map(|line| line.strip_prefix("SigIgn:"))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        })
        .unwrap_or(0)
}

/// The exit code of a program that a signal has ended, as shells give it.
pub fn code(signal: Signal) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal.as_raw()).unwrap_or(u8::MAX))
}

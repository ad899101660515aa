//! The server's log on its way to stderr: written by a thread of its own, so that nobody who does not
//! read it, or cannot take it any more, holds up the server.

use std::{
    io::{self, Write},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, SyncSender, TrySendError},
    },
    thread,
    time::Duration,
};

/// Lines that wait to be written; more are left out and counted.
const MOST_WAITING: usize = 4_096;

/// How long the last lines may take when the program ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// Where lines are given to.
#[derive(Clone, Debug)]
struct Queue {
    lines: SyncSender<Entry>,
    left_out: Arc<AtomicU64>,
}

enum Entry {
    Line(Vec<u8>),
    /// All before it is written: whoever waits for that is told.
    End(SyncSender<()>),
}

static QUEUE: OnceLock<Queue> = OnceLock::new();

/// Takes lines and never waits.
#[derive(Debug)]
pub struct Lines(Queue);

/// A writer for the log. The first one starts the thread.
pub fn lines() -> Lines {
    Lines(QUEUE.get_or_init(start).clone())
}

/// Waits until what was said is written, but not for long.
pub fn finish() {
    let Some(queue) = QUEUE.get() else { return };
    let (say, written) = mpsc::sync_channel(1);
    if queue.lines.try_send(Entry::End(say)).is_ok() {
        // Whoever reads it slowly misses the last lines.
        let _ = written.recv_timeout(FAREWELL);
    }
}

fn start() -> Queue {
    let (lines, waiting) = mpsc::sync_channel::<Entry>(MOST_WAITING);
    let left_out = Arc::new(AtomicU64::new(0));
    let missing = left_out.clone();
    thread::spawn(move || {
        for entry in waiting {
            let count = missing.swap(0, Ordering::Relaxed);
            // A log that cannot be written is no reason for the server to stop.
            let mut stderr = io::stderr();
            if count > 0 {
                let _ = writeln!(stderr, "{count} lines of the log were left out here");
            }
            match entry {
                Entry::Line(line) => {
                    let _ = stderr.write_all(&line);
                }
                Entry::End(written) => {
                    let _ = written.try_send(());
                }
            }
        }
    });
    Queue { lines, left_out }
}

/// The log is written line by line: each write is a whole one.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self.0.lines.try_send(Entry::Line(line.to_vec())) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.0.left_out.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

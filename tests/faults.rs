//! Every call that a delivery or a deletion makes on the disk fails once, and the process ends at each
//! of them once: what was there stays, and what was acknowledged is there exactly once.

use std::{
    collections::BTreeSet,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tidings::{
    pop3::listing::MessageNumber,
    server::{
        accounts::account::Store,
        file::{Call, Gate, Pass},
        maildrop::Identity,
        mbox::Excerpt,
        reader::{Direction, Window},
        spool::{Opened, Spool},
    },
};

use crate::support::scratch::{Scratch, moment};

const FIRST: &[u8] = b"Subject: the first\n\nOne.\n";
const SECOND: &[u8] = b"Subject: the second\n\nTwo.\n";
const NEW: &[u8] = b"Subject: the new one\n\nThree,\nin some lines.\n";

/// What happens at one call.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It fails, as on a full disk.
    Fails,
    /// The process is killed there: no later call is made either.
    Kills,
    /// The process is killed while it writes.
    KillsHalfWay,
}

const FAULTS: [Fault; 3] = [Fault::Fails, Fault::Kills, Fault::KillsHalfWay];

/// A gate with this fault at this call, and how many calls have gone by.
fn gate(fault: Fault, at: usize) -> (Gate, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let gate = Gate::guarded(move |call| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        match (fault, call) {
            (Fault::Fails, _) if number == at => Pass::Fail(io::ErrorKind::StorageFull),
            (Fault::Kills | Fault::KillsHalfWay, _) if number > at => {
                Pass::Fail(io::ErrorKind::Other)
            }
            (Fault::KillsHalfWay, Call::Write(octets)) if number == at => {
                Pass::After(octets / 2, io::ErrorKind::Other)
            }
            (Fault::Kills | Fault::KillsHalfWay, _) if number == at => {
                Pass::Fail(io::ErrorKind::Other)
            }
            _ => Pass::Go,
        }
    });
    (gate, calls)
}

/// A process that was killed leaves its dot-locks, which name it: here they name one that is no more.
fn bury(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("the spool") {
        let path = entry.expect("an entry").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "lock")
        {
            std::fs::write(path, "999999999").expect("a lock of nobody");
        }
    }
}

fn texts(opened: &Opened) -> Vec<Vec<u8>> {
    (1..)
        .map_while(|n| opened.maildrop.message(MessageNumber::new(n)?).ok())
        .map(|message| {
            let reader = opened.reader.as_ref().expect("a reader");
            let window = reader
                .first(message, Direction::Neither, Window::default())
                .expect("a message");
            let stored = window.slice(message.entry.body, message.entry.end);
            let mut text = Vec::new();
            Excerpt::whole().push(stored.expect("all of it"), |part| {
                text.extend_from_slice(part)
            });
            text
        })
        .collect()
}

fn scratch(store: Store) -> Scratch {
    let scratch = Scratch::new();
    if store == Store::Maildir {
        scratch.configure("store = \"maildir\"\n");
    }
    scratch.deliver(FIRST);
    scratch.deliver(SECOND);
    scratch
}

/// A spool of another process, with the fault.
fn faulty(scratch: &Scratch, gate: Gate) -> Spool {
    Spool::open_with_gate(scratch.folder.path(), gate)
        .expect("a spool")
        .with_patience(Duration::from_millis(20))
}

/// What somebody finds who comes afterwards.
fn found(scratch: &Scratch) -> Vec<Vec<u8>> {
    bury(scratch.folder.path());
    let spool = Spool::open(scratch.folder.path()).expect("a spool");
    texts(&spool.open_maildrop(&scratch.account()).expect("a maildrop"))
}

fn deliver_with(store: Store, fault: Fault) -> usize {
    for at in 0.. {
        let scratch = scratch(store);
        let before = (store == Store::Mbox).then(|| scratch.octets());
        let (gate, calls) = gate(fault, at);
        let spool = faulty(&scratch, gate);

        let result = spool.deliver("notices", NEW, None, moment());
        drop(spool);

        let found = found(&scratch);
        assert_eq!(
            found[..2],
            [FIRST.to_vec(), SECOND.to_vec()],
            "{fault:?} at {at}"
        );
        if let Some(before) = before {
            assert!(scratch.octets().starts_with(&before), "{fault:?} at {at}");
        }
        match &result {
            Ok(_) => assert_eq!(found[2..], [NEW.to_vec()], "{fault:?} at {at}"),
            Err(_) => assert!(
                found[2..].iter().all(|text| text == NEW),
                "{fault:?} at {at}"
            ),
        }
        assert!(found.len() <= 3, "{fault:?} at {at}");
        // Whoever sends it again after a failure has it there; nothing is in the way.
        if result.is_err() {
            let spool = Spool::open(scratch.folder.path()).expect("a spool");
            spool
                .deliver("notices", NEW, None, moment())
                .unwrap_or_else(|error| panic!("{fault:?} at {at}: {error}"));
            let now = self::found(&scratch);
            assert_eq!(
                now.last().map(Vec::as_slice),
                Some(NEW),
                "{fault:?} at {at}"
            );
            assert_eq!(now[..2], [FIRST.to_vec(), SECOND.to_vec()]);
        }
        if calls.load(Ordering::SeqCst) <= at {
            return at;
        }
    }
    unreachable!("a delivery ends")
}

fn remove_with(store: Store, fault: Fault) -> usize {
    for at in 0.. {
        let scratch = scratch(store);
        let opened = scratch.open();
        let message = opened
            .maildrop
            .message(MessageNumber::new(1).expect("a number"));
        let first: BTreeSet<Identity> = [message.expect("a message").identity()].into();
        drop(opened);
        let (gate, calls) = gate(fault, at);
        let spool = faulty(&scratch, gate);

        let result = spool.remove(&scratch.account(), &first);
        drop(spool);

        let found = found(&scratch);
        match &result {
            Ok(()) => assert_eq!(found, [SECOND.to_vec()], "{fault:?} at {at}"),
            Err(_) => assert!(
                found == [SECOND.to_vec()] || found == [FIRST.to_vec(), SECOND.to_vec()],
                "{fault:?} at {at}: {found:?}"
            ),
        }
        // What was left behind is in nobody's way.
        let spool = Spool::open(scratch.folder.path()).expect("a spool");
        spool
            .remove(&scratch.account(), &first)
            .unwrap_or_else(|error| panic!("{fault:?} at {at}: {error}"));
        assert_eq!(
            self::found(&scratch),
            [SECOND.to_vec()],
            "{fault:?} at {at}"
        );
        if calls.load(Ordering::SeqCst) <= at {
            return at;
        }
    }
    unreachable!("a deletion ends")
}

#[test]
fn a_delivery_that_fails_or_is_killed_at_any_call_harms_nothing() {
    for fault in FAULTS {
        let calls = deliver_with(Store::Mbox, fault);
        assert!(calls > 10, "only {calls} calls were tried");
    }
}

#[test]
fn a_delivery_to_a_maildir_that_fails_or_is_killed_at_any_call_harms_nothing() {
    for fault in FAULTS {
        let calls = deliver_with(Store::Maildir, fault);
        assert!(calls > 5, "only {calls} calls were tried");
    }
}

#[test]
fn a_deletion_that_fails_or_is_killed_at_any_call_harms_nothing() {
    for fault in FAULTS {
        let calls = remove_with(Store::Mbox, fault);
        assert!(calls > 15, "only {calls} calls were tried");
    }
}

#[test]
fn a_deletion_in_a_maildir_that_fails_or_is_killed_at_any_call_harms_nothing() {
    for fault in FAULTS {
        let calls = remove_with(Store::Maildir, fault);
        assert!(calls > 5, "only {calls} calls were tried");
    }
}

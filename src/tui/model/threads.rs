//! Which headlines belong to one thread, kept up to date as they come.
//!
//! A headline belongs with every other that it answers, that answers it, or that answers the same
//! one. Nothing is ever taken out; two threads that turn out to be one are joined.

use std::collections::HashMap;

use crate::notice::Headline;

use super::slot::Slot;

/// A thread's place in [`Threads`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Thread(u32);

/// Which headlines belong together.
#[derive(Clone, Debug, Default)]
pub struct Threads {
    by_key: HashMap<u64, Thread>,
    of_slot: Vec<Thread>,
    members: Vec<Members>,
}

/// A thread's headlines, the first one first, then by date.
#[derive(Clone, Debug)]
enum Members {
    One([Slot; 1]),
    Many(Vec<Slot>),
    Joined(Thread),
}

impl Threads {
    /// The headline at the end of the slice came. Returns its thread.
    pub fn add(&mut self, headlines: &[Headline]) -> Thread {
        let slot = Slot::last_of(headlines);
        let headline = &headlines[slot.index()];
        let keys = || headline.parents.iter().copied().chain([headline.key]);
        let mut known: Vec<Thread> = keys()
            .filter_map(|key| self.by_key.get(&key))
            .map(|thread| self.resolve(*thread))
            .collect();
        known.sort_unstable();
        known.dedup();
        known.sort_by_key(|thread| std::cmp::Reverse(self.members(*thread).len()));
        let thread = match known.first() {
            Some(first) => *first,
            None => {
                let count = u32::try_from(self.members.len()).expect("fewer threads than slots");
                self.members.push(Members::One([slot]));
                Thread(count)
            }
        };
        self.of_slot.push(thread);
        for key in keys() {
            self.by_key.insert(key, thread);
        }
        if !known.is_empty() {
            for joined in &known[1..] {
                self.join(*joined, thread);
            }
            self.insert(thread, slot, headlines);
        }
        thread
    }

    /// The thread of a headline.
    pub fn of(&self, slot: Slot) -> Thread {
        self.resolve(self.of_slot[slot.index()])
    }

    /// The headlines of a thread: the first one first, then by date.
    pub fn members(&self, thread: Thread) -> &[Slot] {
        match &self.members[self.resolve(thread).0 as usize] {
            Members::One(one) => one,
            Members::Many(many) => many,
            Members::Joined(_) => &[],
        }
    }

    /// All threads, in no order.
    pub fn all(&self) -> impl Iterator<Item = Thread> {
        let threads = (0u32..).map(Thread).zip(&self.members);
        threads
            .filter(|(_, members)| !matches!(members, Members::Joined(_)))
            .map(|(thread, _)| thread)
    }

    /// Follows the joinings: few, because the smaller thread is always joined to the larger.
    fn resolve(&self, mut thread: Thread) -> Thread {
        while let Members::Joined(to) = self.members[thread.0 as usize] {
            thread = to;
        }
        thread
    }

    fn join(&mut self, from: Thread, to: Thread) {
        let gone = std::mem::replace(&mut self.members[from.0 as usize], Members::Joined(to));
        let gone = match gone {
            Members::One([slot]) => vec![slot],
            Members::Many(slots) => slots,
            Members::Joined(_) => Vec::new(),
        };
        self.as_many(to).extend(gone);
    }

    /// Puts a headline at its place among a thread's others.
    fn insert(&mut self, thread: Thread, slot: Slot, headlines: &[Headline]) {
        let key = |slot: &Slot| {
            let headline = &headlines[slot.index()];
            (!headline.parents.is_empty(), headline.date, *slot)
        };
        let many = self.as_many(thread);
        if !many.is_sorted_by_key(key) {
            // Joined with another thread just now.
            many.sort_by_key(key);
        }
        let place = many.partition_point(|other| key(other) < key(&slot));
        many.insert(place, slot);
    }

    fn as_many(&mut self, thread: Thread) -> &mut Vec<Slot> {
        let members = &mut self.members[thread.0 as usize];
        if let Members::One([slot]) = members {
            *members = Members::Many(vec![*slot]);
        }
        match members {
            Members::Many(many) => many,
            Members::One(_) | Members::Joined(_) => {
                unreachable!("a thread that is added to is resolved")
            }
        }
    }
}

//! Which mails answer which: threads by References and In-Reply-To, as Jamie Zawinski's algorithm finds
//! them (<https://www.jwz.org/doc/threading.html>), kept up to date as mails come in any order.
//!
//! Each Message-ID that is named anywhere is a node, whether its mail is there or not. A node has at
//! most one parent, and none that is below it: what would make a circle is not believed. Nodes that are
//! linked are one thread; threads that turn out to be one are joined, and nothing is ever taken out.
//! Only a thread that something came to is put into order anew.

use std::collections::HashMap;

use super::{Headline, subject};

mod tree;

/// A headline's place in the memory of whoever lists them, which it keeps.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Slot(pub u32);

impl Slot {
    /// The slot of the headline at the end.
    pub fn last_of(headlines: &[Headline]) -> Slot {
        let last = headlines.len().saturating_sub(1);
        Slot(u32::try_from(last).expect("fewer headlines than 2^32 fit into memory"))
    }

    /// Its index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A thread's place in [`Threads`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Thread(u32);

/// Which headlines belong together, and which answers which.
#[derive(Clone, Debug, Default)]
pub struct Threads {
    by_subject: bool,
    by_key: HashMap<u64, NodeId>,
    nodes: Vec<Node>,
    of_slot: Vec<NodeId>,
    /// How many mails that are there each one answers, one through another.
    depths: Vec<u8>,
    members: Vec<Members>,
    /// The mail in whose place another one stands, and that one.
    replaced: HashMap<Slot, Slot>,
    /// Threads that something came to since they were put into order.
    stale: Vec<Thread>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
struct NodeId(u32);

/// A Message-ID, and its mail if that is there.
#[derive(Clone, Copy, Debug)]
struct Node {
    slot: Option<Slot>,
    parent: Option<NodeId>,
    thread: Thread,
}

#[derive(Clone, Debug)]
enum Members {
    /// A mail alone.
    One([Slot; 1]),
    Many(Box<Many>),
    Joined(Thread),
}

#[derive(Clone, Debug, Default)]
struct Many {
    nodes: Vec<NodeId>,
    /// The mails, each followed by its answers. One that came last stands at the end.
    order: Vec<Slot>,
    is_stale: bool,
}

impl Threads {
    /// No threads yet. Mails that name no other can be put together by their subjects.
    pub fn new(by_subject: bool) -> Threads {
        Threads {
            by_subject,
            ..Threads::default()
        }
    }

    /// The headline at the end of the slice came. Returns its thread, whose order is to be
    /// [settled](Threads::settle).
    pub fn add(&mut self, headlines: &[Headline]) -> Thread {
        let slot = Slot::last_of(headlines);
        let headline = &headlines[slot.index()];
        let mut steps = MOST_STEPS;

        let known = self.by_key.get(&headline.key).copied();
        let node = match known {
            // Named by another one before it came.
            Some(node) if self.nodes[node.index()].slot.is_none() => {
                self.nodes[node.index()].slot = Some(slot);
                self.take_in(node, slot);
                node
            }
            // A second mail of the same Message-ID stands beside the first.
            Some(twin) => {
                let node = self.node(Some(slot));
                self.join(node, twin);
                self.nodes[node.index()].parent = self.nodes[twin.index()].parent;
                node
            }
            None => {
                let node = self.node(Some(slot));
                self.by_key.insert(headline.key, node);
                node
            }
        };
        self.of_slot.push(node);
        self.depths.push(0);

        let mut nearest = None;
        for key in &headline.parents {
            let named = self.named(*key);
            // Of one thread it is with all that it names, though it cannot be below each.
            self.join(node, named);
            if let Some(before) = nearest
                && self.nodes[named.index()].parent.is_none()
            {
                self.link(named, before, &mut steps);
            }
            nearest = Some(named);
        }
        match nearest {
            // It knows best what it answers.
            Some(nearest) => self.link(node, nearest, &mut steps),
            None if self.by_subject => {
                if let Some(key) = subject::key(&headline.subject) {
                    let subject = self.named(key);
                    self.link(node, subject, &mut steps);
                }
            }
            None => {}
        }
        self.resolve(self.nodes[node.index()].thread)
    }

    /// Notes that one mail has taken another's place: it stands before it, whichever answers which.
    pub fn replace(&mut self, old: Slot, new: Slot) {
        let (old_node, new_node) = (self.of_slot[old.index()], self.of_slot[new.index()]);
        self.replaced.insert(old, new);
        self.join(old_node, new_node);
        let thread = self.resolve(self.nodes[old_node.index()].thread);
        self.touch(thread);
    }

    /// Notes that a mail stands in its own place again.
    pub fn restore(&mut self, old: Slot) {
        if self.replaced.remove(&old).is_some() {
            let thread = self.of(old);
            self.touch(thread);
        }
    }

    /// Puts the threads into order that something came to.
    pub fn settle(&mut self, headlines: &[Headline]) {
        for thread in std::mem::take(&mut self.stale) {
            let Members::Many(many) = &mut self.members[thread.0 as usize] else {
                continue;
            };
            if !std::mem::take(&mut many.is_stale) {
                continue;
            }
            let nodes = std::mem::take(&mut many.nodes);
            let order = self.ordered(&nodes, headlines);
            for (slot, depth) in &order {
                self.depths[slot.index()] = *depth;
            }
            if let Members::Many(many) = &mut self.members[thread.0 as usize] {
                many.nodes = nodes;
                many.order = order.into_iter().map(|(slot, _)| slot).collect();
            }
        }
    }

    /// The thread of a headline.
    pub fn of(&self, slot: Slot) -> Thread {
        self.resolve(self.nodes[self.of_slot[slot.index()].index()].thread)
    }

    /// The headlines of a thread, each followed by its answers, the older first.
    pub fn members(&self, thread: Thread) -> &[Slot] {
        match &self.members[self.resolve(thread).0 as usize] {
            Members::One(one) => one,
            Members::Many(many) => &many.order,
            Members::Joined(_) => &[],
        }
    }

    /// How many mails that are there a mail answers, one through another: 0 for the first of a thread.
    pub fn depth(&self, slot: Slot) -> u8 {
        self.depths[slot.index()]
    }

    /// The mail that stands in another's place.
    pub fn replacement(&self, slot: Slot) -> Option<Slot> {
        self.replaced.get(&slot).copied()
    }

    /// The mail that a mail answers, if it is there.
    pub fn parent(&self, slot: Slot) -> Option<Slot> {
        let mut node = self.nodes[self.of_slot[slot.index()].index()].parent;
        while let Some(above) = node {
            let above = &self.nodes[above.index()];
            if above.slot.is_some() {
                return above.slot;
            }
            node = above.parent;
        }
        None
    }

    /// The thread that a thread has become part of, or itself.
    pub fn present(&self, thread: Thread) -> Thread {
        self.resolve(thread)
    }

    /// All threads, in no order.
    pub fn all(&self) -> impl Iterator<Item = Thread> {
        let threads = (0u32..).map(Thread).zip(&self.members);
        threads
            .filter(|(_, members)| match members {
                Members::One(_) => true,
                Members::Many(many) => !many.order.is_empty(),
                Members::Joined(_) => false,
            })
            .map(|(thread, _)| thread)
    }

    /// The node of a Message-ID that is named.
    fn named(&mut self, key: u64) -> NodeId {
        if let Some(node) = self.by_key.get(&key) {
            return *node;
        }
        let node = self.node(None);
        self.by_key.insert(key, node);
        node
    }

    /// A node and a thread of its own.
    fn node(&mut self, slot: Option<Slot>) -> NodeId {
        let count = |len: usize| u32::try_from(len).expect("fewer nodes than 2^32 fit into memory");
        let thread = Thread(count(self.members.len()));
        let node = NodeId(count(self.nodes.len()));
        self.nodes.push(Node {
            slot,
            parent: None,
            thread,
        });
        self.members.push(match slot {
            Some(slot) => Members::One([slot]),
            None => Members::Many(Box::new(Many {
                nodes: vec![node],
                ..Many::default()
            })),
        });
        node
    }

    /// Makes one node answer another, unless that is below it. Links of a thread in itself are looked
    /// into as long as there are steps left.
    fn link(&mut self, node: NodeId, parent: NodeId, steps: &mut u32) {
        if self.nodes[node.index()].parent == Some(parent) {
            return;
        }
        let of = |node: NodeId| self.resolve(self.nodes[node.index()].thread);
        if of(node) == of(parent) {
            // What is not of the same thread is not below it.
            let mut above = Some(parent);
            while let Some(at) = above {
                if at == node || *steps == 0 {
                    return;
                }
                *steps -= 1;
                above = self.nodes[at.index()].parent;
            }
        } else {
            self.join(node, parent);
        }
        self.nodes[node.index()].parent = Some(parent);
        let thread = self.resolve(self.nodes[node.index()].thread);
        self.touch(thread);
    }

    /// Makes the threads of two nodes one: the smaller goes into the larger.
    fn join(&mut self, one: NodeId, other: NodeId) {
        let of = |node: NodeId| self.resolve(self.nodes[node.index()].thread);
        let (one, other) = ((of(one), one), (of(other), other));
        if one.0 == other.0 {
            return;
        }
        let size = |thread: Thread| match &self.members[thread.0 as usize] {
            Members::Many(many) => many.nodes.len(),
            Members::One(_) | Members::Joined(_) => 1,
        };
        let ((from, from_node), (to, to_node)) = match size(one.0) <= size(other.0) {
            true => (one, other),
            false => (other, one),
        };
        let gone = std::mem::replace(&mut self.members[from.0 as usize], Members::Joined(to));
        let gone = match gone {
            Members::One([slot]) => Many {
                nodes: vec![from_node],
                order: vec![slot],
                is_stale: false,
            },
            Members::Many(many) => *many,
            Members::Joined(_) => Many::default(),
        };
        let many = self.as_many(to, to_node);
        many.nodes.extend(gone.nodes);
        many.order.extend(gone.order);
        self.touch(to);
    }

    /// The mail of a node came that was named before.
    fn take_in(&mut self, node: NodeId, slot: Slot) {
        let thread = self.resolve(self.nodes[node.index()].thread);
        self.as_many(thread, node).order.push(slot);
        self.touch(thread);
    }

    fn as_many(&mut self, thread: Thread, node: NodeId) -> &mut Many {
        let members = &mut self.members[thread.0 as usize];
        if let Members::One([slot]) = members {
            *members = Members::Many(Box::new(Many {
                nodes: vec![node],
                order: vec![*slot],
                is_stale: false,
            }));
        }
        match members {
            Members::Many(many) => many,
            Members::One(_) | Members::Joined(_) => {
                unreachable!("a thread that is added to is resolved")
            }
        }
    }

    fn touch(&mut self, thread: Thread) {
        if let Members::Many(many) = &mut self.members[thread.0 as usize]
            && !std::mem::replace(&mut many.is_stale, true)
        {
            self.stale.push(thread);
        }
    }

    /// Follows the joinings: few, because the smaller thread is always joined to the larger.
    fn resolve(&self, mut thread: Thread) -> Thread {
        while let Members::Joined(to) = self.members[thread.0 as usize] {
            thread = to;
        }
        thread
    }
}

impl NodeId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// How far one mail's links are followed within its thread: what says more than that is not believed.
const MOST_STEPS: u32 = 2_000;

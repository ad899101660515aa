//! Which notices belong together, and in what order a conversation is read.
//!
//! As in JWZ's algorithm (www.jwz.org/doc/threading.html), References say who answers whom, and a
//! mail that is only mentioned keeps a place for itself. Unlike there, notices may come one by one
//! in any order; subjects are not looked at. A thread is all that is connected; it is put in order
//! anew only if something was added to it.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap, HashSet},
};

use jiff::Timestamp;

use super::NoticeId;

/// The threads of a mailbox.
#[derive(Debug, Default)]
pub struct Threads {
    nodes: Vec<Node>,
    by_key: HashMap<u64, u32>,
    by_id: HashMap<NoticeId, u32>,
    threads: Vec<Thread>,
    /// The threads by their newest notice; those of mentioned mails alone are not in it.
    order: BTreeSet<(Reverse<Timestamp>, u32)>,
    /// Threads that have to be put in order.
    stale: HashSet<u32>,
}

/// A notice in its thread.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Member {
    /// Which.
    pub id: NoticeId,
    /// How deep it stands among the answers; 0 for what started the thread.
    pub depth: u16,
}

/// A mail, or the place of one that is only mentioned.
#[derive(Debug)]
struct Node {
    id: Option<NoticeId>,
    date: Timestamp,
    parent: u32,
    thread: u32,
    /// Some other node has had it for a parent.
    is_answered: bool,
    /// Scratch for putting a thread in order.
    first_child: u32,
    next_sibling: u32,
}

#[derive(Debug, Default)]
struct Thread {
    nodes: Vec<u32>,
    newest: Option<Timestamp>,
    members: Vec<Member>,
}

impl Threads {
    /// Adds a notice by its key and those of the mails it answers, the nearest last. One that is
    /// there already is left as it is.
    pub fn insert(&mut self, id: NoticeId, key: u64, parents: &[u64], date: Timestamp) {
        if self.by_id.contains_key(&id) {
            return;
        }
        let taken = self
            .by_key
            .get(&key)
            .copied()
            .filter(|&node| self.nodes[node as usize].id.is_some());
        let node = match taken {
            // A second mail with the same Message-ID: it stands beside the first.
            Some(first) => {
                let twin = self.add_node();
                let parent = self.nodes[first as usize].parent;
                self.adopt(if parent == NONE { first } else { parent }, twin);
                twin
            }
            None => self.node_of(key),
        };
        self.by_id.insert(id, node);
        self.nodes[node as usize].id = Some(id);
        self.nodes[node as usize].date = date;
        self.link_chain(parents);
        if let (Some(&parent), None) = (parents.last(), taken) {
            let parent = self.node_of(parent);
            self.adopt(parent, node);
        }
        self.touch(node, date);
    }

    /// Returns the threads, the one with the newest notice first; in each the notices as a
    /// conversation is read.
    pub fn iter(&mut self) -> impl Iterator<Item = &[Member]> {
        self.arrange();
        self.order
            .iter()
            .map(|&(_, thread)| self.threads[thread as usize].members.as_slice())
    }

    /// Returns the thread of a notice; empty if the notice is not known.
    pub fn of(&mut self, id: NoticeId) -> &[Member] {
        let Some(&node) = self.by_id.get(&id) else {
            return &[];
        };
        self.arrange();
        &self.threads[self.nodes[node as usize].thread as usize].members
    }

    /// Returns how many notices there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Returns true if there is no notice.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Links the mails of a References field, each to the one before it, where nobody has said
    /// otherwise: a mail's own word counts more than what others say about it.
    fn link_chain(&mut self, parents: &[u64]) {
        for pair in parents.windows(2) {
            let (parent, child) = (self.node_of(pair[0]), self.node_of(pair[1]));
            let node = &self.nodes[child as usize];
            if node.parent == NONE && node.id.is_none() {
                self.adopt(parent, child);
            } else {
                self.join(parent, child);
            }
        }
    }

    fn node_of(&mut self, key: u64) -> u32 {
        match self.by_key.get(&key) {
            Some(&node) => node,
            None => {
                let node = self.add_node();
                self.by_key.insert(key, node);
                node
            }
        }
    }

    fn add_node(&mut self) -> u32 {
        let index = self.nodes.len() as u32;
        self.nodes.push(Node {
            id: None,
            date: Timestamp::MAX,
            parent: NONE,
            thread: index,
            is_answered: false,
            first_child: NONE,
            next_sibling: NONE,
        });
        self.threads.push(Thread {
            nodes: vec![index],
            ..Thread::default()
        });
        index
    }

    /// Makes one node the parent of another, unless that would close a circle.
    fn adopt(&mut self, parent: u32, child: u32) {
        if parent != child
            && !(self.nodes[child as usize].is_answered && self.is_below(parent, child))
        {
            self.nodes[child as usize].parent = parent;
            self.nodes[parent as usize].is_answered = true;
        }
        self.join(parent, child);
    }

    fn is_below(&self, node: u32, above: u32) -> bool {
        let mut at = node;
        while at != NONE && at != above {
            at = self.nodes[at as usize].parent;
        }
        at == above
    }

    /// Makes one thread of two; the smaller one moves.
    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.nodes[a as usize].thread, self.nodes[b as usize].thread);
        let (kept, gone) =
            if self.threads[a as usize].nodes.len() >= self.threads[b as usize].nodes.len() {
                (a, b)
            } else {
                (b, a)
            };
        if a != b {
            let moved = std::mem::take(&mut self.threads[gone as usize]);
            moved
                .nodes
                .iter()
                .for_each(|&node| self.nodes[node as usize].thread = kept);
            self.threads[kept as usize].nodes.extend(moved.nodes);
            self.stale.remove(&gone);
            if let Some(newest) = moved.newest {
                self.order.remove(&(Reverse(newest), gone));
                self.renew(kept, newest);
            }
        }
        if self.threads[kept as usize].newest.is_some() {
            self.stale.insert(kept);
        }
    }

    fn touch(&mut self, node: u32, date: Timestamp) {
        let thread = self.nodes[node as usize].thread;
        self.renew(thread, date);
        self.stale.insert(thread);
    }

    fn renew(&mut self, thread: u32, date: Timestamp) {
        let newest = &mut self.threads[thread as usize].newest;
        if newest.is_none_or(|newest| newest < date) {
            if let Some(older) = newest.replace(date) {
                self.order.remove(&(Reverse(older), thread));
            }
            self.order.insert((Reverse(date), thread));
        }
    }

    fn arrange(&mut self) {
        for thread in std::mem::take(&mut self.stale) {
            let mut nodes = std::mem::take(&mut self.threads[thread as usize].nodes);
            self.threads[thread as usize].members = self.members(&mut nodes);
            self.threads[thread as usize].nodes = nodes;
        }
    }

    /// Returns a thread's notices in order: each before its answers, the answers by date. The place
    /// of a missing mail takes no room: its answers stand where it would.
    fn members(&mut self, nodes: &mut [u32]) -> Vec<Member> {
        if let [only] = nodes {
            return self.nodes[*only as usize]
                .id
                .map(|id| Member { id, depth: 0 })
                .into_iter()
                .collect();
        }
        self.date_missing(nodes);
        nodes
            .sort_unstable_by_key(|&node| (Reverse(self.nodes[node as usize].date), Reverse(node)));
        nodes
            .iter()
            .for_each(|&node| self.nodes[node as usize].first_child = NONE);
        let mut roots = NONE;
        for &node in nodes.iter() {
            let parent = self.nodes[node as usize].parent;
            let siblings = if parent == NONE {
                &mut roots
            } else {
                &mut self.nodes[parent as usize].first_child
            };
            let next = std::mem::replace(siblings, node);
            self.nodes[node as usize].next_sibling = next;
        }
        let mut members = Vec::with_capacity(nodes.len());
        let mut open = vec![(roots, 0u16)];
        while let Some((node, depth)) = open.pop() {
            let Some(found) = self.nodes.get(node as usize) else {
                continue;
            };
            members.extend(found.id.map(|id| Member { id, depth }));
            open.push((found.next_sibling, depth));
            open.push((
                found.first_child,
                depth.saturating_add(u16::from(found.id.is_some())),
            ));
        }
        members
    }

    /// Gives missing mails the date of their earliest answer.
    fn date_missing(&mut self, nodes: &mut [u32]) {
        nodes.iter().for_each(|&node| {
            let node = &mut self.nodes[node as usize];
            node.date = if node.id.is_none() {
                Timestamp::MAX
            } else {
                node.date
            };
        });
        nodes.sort_unstable_by_key(|&node| self.nodes[node as usize].date);
        for &node in nodes.iter() {
            let date = self.nodes[node as usize].date;
            let mut above = self.nodes[node as usize].parent;
            while let Some(missing) = self
                .nodes
                .get_mut(above as usize)
                .filter(|above| above.id.is_none() && above.date == Timestamp::MAX)
            {
                missing.date = date;
                above = missing.parent;
            }
        }
    }
}

/// Stands for no node.
const NONE: u32 = u32::MAX;

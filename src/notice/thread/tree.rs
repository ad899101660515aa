//! A thread put into order: each mail followed by its answers, the older first.

use std::collections::HashMap;

use super::{MOST_STEPS, NodeId, Slot, Threads};
use crate::notice::Headline;

impl Threads {
    /// The mails of a thread with their depths, each followed by its answers.
    pub(super) fn ordered(&self, nodes: &[NodeId], headlines: &[Headline]) -> Vec<(Slot, u8)> {
        let mut tree = Tree::of(self, nodes);
        tree.put_replacements_first(self);
        tree.walk(self, headlines)
    }
}

/// One thread while it is put into order: nodes by their place in it.
struct Tree<'n> {
    nodes: &'n [NodeId],
    places: HashMap<NodeId, usize>,
    parents: Vec<Option<usize>>,
}

impl<'n> Tree<'n> {
    fn of(threads: &Threads, nodes: &'n [NodeId]) -> Tree<'n> {
        let places: HashMap<NodeId, usize> = (0..).zip(nodes).map(|(i, node)| (*node, i)).collect();
        let parents = nodes
            .iter()
            .map(|node| places.get(&threads.nodes[node.index()].parent?).copied())
            .collect();
        Tree {
            nodes,
            places,
            parents,
        }
    }

    /// What was replaced stands below what has taken its place.
    fn put_replacements_first(&mut self, threads: &Threads) {
        if threads.replaced.is_empty() {
            return;
        }
        let place = |slot: Slot| self.places.get(&threads.of_slot[slot.index()]).copied();
        let mut pairs: Vec<(usize, usize)> = self
            .nodes
            .iter()
            .filter_map(|node| {
                let old = threads.nodes[node.index()].slot?;
                Some((place(old)?, place(threads.replacement(old)?)?))
            })
            .collect();
        pairs.sort_unstable();
        let mut steps = MOST_STEPS * 100;
        for (old, new) in pairs {
            if self.is_above(old, new, &mut steps) {
                // It answers what it replaces.
                self.parents[new] = self.parents[old];
            }
            if !self.is_above(old, new, &mut steps) && steps > 0 {
                self.parents[old] = Some(new);
            }
        }
    }

    fn is_above(&self, above: usize, below: usize, steps: &mut u32) -> bool {
        let mut at = Some(below);
        while let Some(place) = at
            && *steps > 0
        {
            if place == above {
                return true;
            }
            *steps -= 1;
            at = self.parents[place];
        }
        false
    }

    fn walk(&self, threads: &Threads, headlines: &[Headline]) -> Vec<(Slot, u8)> {
        let slot_of = |place: usize| threads.nodes[self.nodes[place].index()].slot;
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        let mut roots = Vec::new();
        for (place, parent) in self.parents.iter().enumerate() {
            match parent {
                Some(parent) => children[*parent].push(place),
                None => roots.push(place),
            }
        }
        // A mail that is not there is as old as the oldest below it: parents are looked at after their
        // children.
        let mut dates: Vec<_> = (0..self.nodes.len())
            .map(|place| slot_of(place).map(|slot| (headlines[slot.index()].date, slot)))
            .collect();
        for place in self.bottom_up(&roots, &children) {
            if dates[place].is_none() {
                dates[place] = children[place]
                    .iter()
                    .filter_map(|child| dates[*child])
                    .min();
            }
        }
        let newest_first = |places: &mut Vec<usize>| {
            places.sort_by_key(|place| std::cmp::Reverse(dates[*place]));
        };
        let mut found = Vec::new();
        newest_first(&mut roots);
        let mut waiting: Vec<(usize, u8)> = roots.into_iter().map(|root| (root, 0)).collect();
        while let Some((place, depth)) = waiting.pop() {
            let mut below = depth;
            if let Some(slot) = slot_of(place) {
                found.push((slot, depth));
                below = depth.saturating_add(1);
            }
            newest_first(&mut children[place]);
            let answers = children[place].iter().map(|child| (*child, below));
            waiting.extend(answers);
        }
        found
    }

    /// All places, each behind those below it.
    fn bottom_up(&self, roots: &[usize], children: &[Vec<usize>]) -> Vec<usize> {
        let mut top_down = roots.to_vec();
        let mut next = 0;
        while let Some(place) = top_down.get(next) {
            top_down.extend_from_slice(&children[*place]);
            next += 1;
        }
        top_down.reverse();
        top_down
    }
}

//! Lanes: 65,536 slices of the hash space, each with its own count and, under `ordering = "per-key"`, its own queue.

use std::collections::{HashMap, VecDeque};

use super::queue::Item;

/// How many lanes there are: one per value of a hash key's top 16 bits.
const LANES: usize = 1 << 16;

/// Numbers the records of each lane.
#[derive(Debug)]
pub(super) struct LaneCounts(Box<[u32]>);

impl LaneCounts {
    pub(super) fn new() -> Self {
        Self(vec![0; LANES].into_boxed_slice())
    }

    /// The next number of a lane, from 0.
    pub(super) fn next(&mut self, lane: u16) -> u32 {
        let count = &mut self.0[usize::from(lane)];
        let number = *count;
        *count = count.wrapping_add(1);
        number
    }
}

/// Lets at most one record of a lane be under way.
#[derive(Debug)]
pub(super) struct LaneGate {
    /// Lanes with a record under way, and the records that wait behind it. Only looked up, never walked.
    busy: HashMap<u16, VecDeque<Item>>,
    waiting: usize,
}

impl LaneGate {
    pub(super) fn new() -> Self {
        Self {
            busy: HashMap::new(),
            waiting: 0,
        }
    }

    /// Gives the record back if its lane is free, which it then no longer is; else keeps it.
    pub(super) fn enter(&mut self, item: Item) -> Option<Item> {
        if let Some(waiting) = self.busy.get_mut(&item.plan.hash_key.lane()) {
            waiting.push_back(item);
            self.waiting += 1;
            return None;
        }
        self.busy.insert(item.plan.hash_key.lane(), VecDeque::new());
        Some(item)
    }

    /// The record under way in this lane is resolved: gives the next one, or frees the lane.
    pub(super) fn leave(&mut self, lane: u16) -> Option<Item> {
        let next = self.busy.get_mut(&lane)?.pop_front();
        match next {
            Some(_) => self.waiting -= 1,
            None => drop(self.busy.remove(&lane)),
        }
        next
    }

    /// How many records wait behind others.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes all waiting records, lane by lane.
    pub(super) fn drain(&mut self) -> Vec<Item> {
        let mut items: Vec<_> = self.busy.drain().flat_map(|(_, waiting)| waiting).collect();
        // The table has no order of its own; the records do.
        items.sort_by_key(|item| item.plan.sequence);
        self.waiting = 0;
        items
    }
}

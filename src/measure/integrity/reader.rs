//! What one consumer was given and how far it got.

use std::collections::{BTreeMap, VecDeque};

use super::bits::BitSet;
use super::order::LaneOrder;
use crate::kinesis::operation::Stored;
use crate::kinesis::{SequenceNumber, ShardId};
use crate::measure::ledger::Phase;

/// How many numbers of each shard are remembered: a second copy that comes late comes late by far fewer.
const RECENT: usize = 1_024;

/// What is known of a consumer. Pairs of counts are by phase.
#[derive(Debug)]
pub(super) struct Reader {
    /// First deliveries of records of our workers.
    pub(super) first: [u64; 2],
    pub(super) redelivered: [u64; 2],
    pub(super) stored_twice: [u64; 2],
    pub(super) key_inversions: [u64; 2],
    pub(super) misplaced: [u64; 2],
    pub(super) corrupt: u64,
    pub(super) foreign: u64,
    pub(super) out_of_order: u64,
    shards: BTreeMap<ShardId, ShardRead>,
    /// By worker.
    order: Vec<LaneOrder>,
    /// Lanes that are not judged.
    excluded: BitSet,
}

/// How far a consumer got in one shard.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct ShardRead {
    /// The highest number that was delivered, with the sub-sequence number.
    pub(super) highest: Option<(SequenceNumber, u32)>,
    /// The last numbers that were delivered, as they came.
    recent: VecDeque<(SequenceNumber, u32)>,
    /// Everything up to here was passed.
    pub(super) position: Option<SequenceNumber>,
    /// Stretches that were trimmed before they were read, after the first and through the second; sorted, and no two
    /// touch.
    pub(super) trimmed: Vec<(Option<SequenceNumber>, SequenceNumber)>,
}

/// What a position says about a record that was not delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Passed {
    /// It was trimmed before the consumer came.
    Trimmed,
    /// The consumer's position is beyond it.
    Lost,
    /// The consumer has not got there.
    NotYet,
}

impl Reader {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            first: [0; 2],
            redelivered: [0; 2],
            stored_twice: [0; 2],
            key_inversions: [0; 2],
            misplaced: [0; 2],
            corrupt: 0,
            foreign: 0,
            out_of_order: 0,
            shards: BTreeMap::new(),
            order: (0..workers).map(|_| LaneOrder::default()).collect(),
            excluded: BitSet::default(),
        }
    }

    /// Takes in a delivered number with its sub-sequence number; whether the shard had delivered it before. Of numbers far behind, which only a
    /// reader that went back is given, that is taken for granted.
    pub(super) fn saw(&mut self, shard: ShardId, number: (SequenceNumber, u32)) -> bool {
        let read = self.shards.entry(shard).or_default();
        let behind = read.highest >= Some(number);
        let again = behind
            && (read
                .recent
                .iter()
                .min()
                .is_none_or(|oldest| number < *oldest)
                || read.recent.contains(&number));
        read.highest = read.highest.max(Some(number));
        if read.recent.len() == RECENT {
            read.recent.pop_front();
        }
        read.recent.push_back(number);
        again
    }

    /// Takes in the lane of a first delivery.
    pub(super) fn saw_lane(&mut self, worker: usize, lane: u16, lane_sequence: u32, phase: Phase) {
        if !self.excluded.get(lane) && self.order[worker].inverts(lane, lane_sequence) {
            self.key_inversions[phase as usize] += 1;
        }
    }

    pub(super) fn exclude_lane(&mut self, lane: u16) {
        self.excluded.insert(lane);
    }

    pub(super) const fn lanes_not_judged(&self) -> u64 {
        self.excluded.len() as u64
    }

    pub(super) fn pass(&mut self, shard: ShardId, through: SequenceNumber) {
        let position = &mut self.shards.entry(shard).or_default().position;
        *position = (*position).max(Some(through));
    }

    pub(super) fn trim(
        &mut self,
        shard: ShardId,
        after: Option<SequenceNumber>,
        through: SequenceNumber,
    ) {
        if after >= Some(through) {
            return;
        }
        // Kept sorted and apart, so that a record is found by halving: a slow reader of a small store jumps in every
        // call, over a stretch that often goes on where the last ended.
        let trimmed = &mut self.shards.entry(shard).or_default().trimmed;
        let first = trimmed.partition_point(|&(_, end)| Some(end) < after);
        let beyond = trimmed.partition_point(|&(begin, _)| begin <= Some(through));
        let touched = &trimmed[first..beyond];
        let begin = touched
            .first()
            .map_or(after, |&(begin, _)| begin.min(after));
        let end = touched.last().map_or(through, |&(_, end)| end.max(through));
        trimmed.splice(first..beyond, [(begin, end)]);
    }

    pub(super) fn passed(&self, stored: &Stored) -> Passed {
        let number = stored.sequence_number;
        let Some(read) = self.shards.get(&stored.shard) else {
            return Passed::NotYet;
        };
        let at = read.trimmed.partition_point(|&(_, end)| end < number);
        let trimmed = read.trimmed.get(at);
        if trimmed.is_some_and(|&(begin, _)| begin < Some(number)) {
            Passed::Trimmed
        } else if read.position >= Some(number) {
            Passed::Lost
        } else {
            Passed::NotYet
        }
    }

    pub(super) const fn shards(&self) -> &BTreeMap<ShardId, ShardRead> {
        &self.shards
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let trimmed: usize = self
            .shards
            .values()
            .map(|read| read.trimmed.capacity())
            .sum();
        size_of::<Self>()
            + self.shards.len() * size_of::<(ShardId, ShardRead)>() * 3 / 2
            + trimmed * size_of::<(Option<SequenceNumber>, SequenceNumber)>()
            + self.order.iter().map(LaneOrder::heap_bytes).sum::<usize>()
            + self.order.capacity() * size_of::<LaneOrder>()
            + self.excluded.heap_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn trimmed_stretches_join_and_still_hold_the_same_numbers(
            stretches in prop::collection::vec((prop::option::of(0u64..60), 0u64..60), 0..20),
        ) {
            let shard = ShardId::new(0).unwrap();
            let number = |value: u64| value.to_string().parse::<SequenceNumber>().unwrap();
            let mut reader = Reader::new(0);
            for &(after, through) in &stretches {
                reader.trim(shard, after.map(number), number(through));
            }
            for value in 0..60 {
                let trimmed = stretches
                    .iter()
                    .any(|&(after, through)| after.is_none_or(|after| after < value) && value <= through);
                let stored = Stored { shard, sequence_number: number(value) };
                prop_assert_eq!(reader.passed(&stored) == Passed::Trimmed, trimmed);
            }
            for read in reader.shards().values() {
                prop_assert!(read.trimmed.windows(2).all(|pair| Some(pair[0].1) < pair[1].0));
            }
        }
    }
}

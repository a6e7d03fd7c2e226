//! 65,536 consecutive records of one worker: which ended how, and who was given them.

use super::bits::BitSet;
use super::location::Location;
use crate::measure::ledger::Phase;

/// Records per block of locations: small enough that a few unread records do not hold much, large enough to be cheap.
const BLOCK: usize = 1_024;
const BLOCKS: usize = super::bits::SPAN as usize / BLOCK;

/// A block in which every record ended and no more than this many are still to be delivered gives them up to the
/// worker's sparse list, and a chunk's sets are packed: what is left are gaps, or soon nothing.
const FEW: u32 = 32;

/// The chunk. What is complete takes some hundred bytes, whatever happened in it; see [`BitSet`].
#[derive(Debug)]
pub(super) struct Chunk {
    /// Records whose outcome is known.
    resolved: BitSet,
    acked: BitSet,
    /// Those of `acked` whose phase is [`Phase::Measure`].
    acked_measure: BitSet,
    /// Records with an attempt that had no answer.
    unknown: BitSet,
    /// Acked records with several attempts.
    retried: BitSet,
    /// By consumer.
    delivered: Box<[BitSet]>,
    /// Acked and not delivered, by consumer.
    remaining: Box<[u32]>,
    /// Locations of acked records that a consumer was not given; empty when there is none.
    blocks: Vec<Option<Box<Block>>>,
    /// How many records of each block are resolved; empty once all are.
    block_resolved: Vec<u16>,
}

#[derive(Debug)]
struct Block {
    len: u32,
    locations: [Location; BLOCK],
}

/// What a first delivery did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Given {
    /// The record had been given to this consumer before.
    Again,
    /// The first time, and its outcome is not acked, or not yet.
    Unacked,
    /// The first time, of a record acked in this phase. Whether all consumers have it now.
    Acked(Phase, bool),
}

/// A record's end.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// The phase, if it was acked.
    pub(super) acked: Option<Phase>,
    /// Whether an attempt had no answer.
    pub(super) unknown_attempt: bool,
    /// Whether there were several attempts.
    pub(super) retried: bool,
}

impl Chunk {
    pub(super) fn new(consumers: usize) -> Self {
        Self {
            resolved: BitSet::default(),
            acked: BitSet::default(),
            acked_measure: BitSet::default(),
            unknown: BitSet::default(),
            retried: BitSet::default(),
            delivered: vec![BitSet::default(); consumers].into(),
            remaining: vec![0; consumers].into(),
            blocks: Vec::new(),
            block_resolved: vec![0; BLOCKS],
        }
    }

    /// Counts a record's end; false if it had ended before, which changes nothing.
    pub(super) fn resolve(&mut self, at: u16, end: End) -> bool {
        if !self.resolved.insert(at) {
            return false;
        }
        if let Some(resolved) = self.block_resolved.get_mut(usize::from(at) / BLOCK) {
            *resolved += 1;
        }
        if let Some(phase) = end.acked {
            self.acked.insert(at);
            if phase == Phase::Measure {
                self.acked_measure.insert(at);
            }
            if end.retried {
                self.retried.insert(at);
            }
            for (delivered, remaining) in self.delivered.iter().zip(&mut self.remaining) {
                *remaining += u32::from(!delivered.get(at));
            }
        }
        if end.unknown_attempt {
            self.unknown.insert(at);
        }
        if self.resolved.is_full() {
            self.block_resolved = Vec::new();
            self.acked.pack();
            self.acked_measure.pack();
            self.unknown.pack();
            self.retried.pack();
            for consumer in 0..self.delivered.len() {
                self.pack_delivered(consumer);
            }
        }
        true
    }

    /// Counts a delivery.
    pub(super) fn deliver(&mut self, consumer: usize, at: u16) -> Given {
        if !self.delivered[consumer].insert(at) {
            return Given::Again;
        }
        let Some(phase) = self.acked_phase(at) else {
            self.pack_delivered(consumer);
            return Given::Unacked;
        };
        self.remaining[consumer] -= 1;
        self.pack_delivered(consumer);
        Given::Acked(phase, self.delivered.iter().all(|set| set.get(at)))
    }

    fn pack_delivered(&mut self, consumer: usize) {
        if self.resolved.is_full() && self.remaining[consumer] <= FEW {
            self.delivered[consumer].pack();
        }
    }

    /// The phase of an acked record; `None` if it is not acked.
    pub(super) fn acked_phase(&self, at: u16) -> Option<Phase> {
        self.acked.get(at).then(|| {
            if self.acked_measure.get(at) {
                Phase::Measure
            } else {
                Phase::WarmUp
            }
        })
    }

    pub(super) fn was_delivered(&self, consumer: usize, at: u16) -> bool {
        self.delivered[consumer].get(at)
    }

    pub(super) fn had_unknown_attempt(&self, at: u16) -> bool {
        self.unknown.get(at)
    }

    /// Whether its acknowledgement was the answer to its only attempt: then that says where it lies.
    pub(super) fn was_placed_once(&self, at: u16) -> bool {
        !self.unknown.get(at) && !self.retried.get(at)
    }

    /// Where a record lies, if this chunk keeps that.
    pub(super) fn location(&self, at: u16) -> Option<Location> {
        let block = self.blocks.get(usize::from(at) / BLOCK)?.as_ref()?;
        let location = block.locations[usize::from(at) % BLOCK];
        location.is_some().then_some(location)
    }

    /// Keeps where a record lies.
    pub(super) fn keep_location(&mut self, at: u16, location: Location) {
        if self.blocks.is_empty() {
            self.blocks.resize_with(BLOCKS, || None);
        }
        let block = self.blocks[usize::from(at) / BLOCK].get_or_insert_with(|| {
            Box::new(Block {
                len: 0,
                locations: [Location::NONE; BLOCK],
            })
        });
        block.locations[usize::from(at) % BLOCK] = location;
        block.len += 1;
    }

    /// Gives up a location that this chunk keeps; `None` if it does not.
    pub(super) fn take_location(&mut self, at: u16) -> Option<Location> {
        let block = self.blocks.get_mut(usize::from(at) / BLOCK)?.as_mut()?;
        let kept = &mut block.locations[usize::from(at) % BLOCK];
        let location = std::mem::replace(kept, Location::NONE);
        location.is_some().then(|| {
            block.len -= 1;
            location
        })
    }

    /// Gives up the block around `at` if few locations are left in it and none will come: each goes to `take`.
    pub(super) fn thin(&mut self, at: u16, mut take: impl FnMut(u16, Location)) {
        let number = usize::from(at) / BLOCK;
        let all_resolved = self
            .block_resolved
            .get(number)
            .is_none_or(|&resolved| usize::from(resolved) == BLOCK);
        let Some(place) = self.blocks.get_mut(number) else {
            return;
        };
        if let Some(block) = place.take_if(|block| all_resolved && block.len <= FEW) {
            for (&location, index) in block.locations.iter().zip(0..) {
                if location.is_some() {
                    take((number * BLOCK) as u16 + index, location);
                }
            }
            if self.blocks.iter().all(Option::is_none) {
                self.blocks = Vec::new();
            }
        }
    }

    /// The locations that this chunk keeps, in order.
    pub(super) fn locations(&self) -> impl Iterator<Item = (u16, Location)> + '_ {
        self.blocks
            .iter()
            .zip((0u32..).step_by(BLOCK))
            .filter_map(|(block, base)| Some((block.as_ref()?, base)))
            .flat_map(|(block, base)| {
                let numbers = (base..).map(|number| number as u16);
                numbers.zip(block.locations.iter().copied())
            })
            .filter(|(_, location)| location.is_some())
    }

    pub(super) const fn resolved(&self) -> &BitSet {
        &self.resolved
    }

    pub(super) const fn acked(&self) -> &BitSet {
        &self.acked
    }

    pub(super) const fn acked_measure(&self) -> &BitSet {
        &self.acked_measure
    }

    pub(super) const fn unknown(&self) -> &BitSet {
        &self.unknown
    }

    pub(super) fn delivered(&self, consumer: usize) -> &BitSet {
        &self.delivered[consumer]
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let sets = [
            &self.resolved,
            &self.acked,
            &self.acked_measure,
            &self.unknown,
            &self.retried,
        ];
        let sets: usize = sets
            .into_iter()
            .chain(&self.delivered)
            .map(BitSet::heap_bytes)
            .sum();
        let blocks = self.blocks.iter().flatten().count() * size_of::<Block>()
            + self.blocks.capacity() * size_of::<Option<Box<Block>>>();
        size_of::<Self>()
            + sets
            + blocks
            + self.delivered.len() * (size_of::<BitSet>() + size_of::<u32>())
            + self.block_resolved.capacity() * size_of::<u16>()
    }
}

//! The records of one producer worker.

use std::collections::BTreeMap;

use super::Resolution;
use super::bits::BitSet;
use super::chunk::{Chunk, End, Given};
use super::location::{Location, Places};
use super::placed::Placed;
use super::snapshot::Ranges;
use crate::kinesis::operation::Stored;
use crate::measure::ledger::Phase;

/// What is known of them.
#[derive(Debug)]
pub(super) struct Worker {
    consumers: usize,
    /// By the sequence's upper 48 bits. A tree: a sequence from outside must not be able to ask for memory.
    chunks: BTreeMap<u64, Chunk>,
    places: Places,
    /// Locations of records whose block was given up.
    sparse: BTreeMap<u64, Location>,
    /// Acked records by phase.
    acked: [u64; 2],
    /// Acked and delivered, by consumer and phase.
    delivered: Box<[[u64; 2]]>,
    /// Deliveries of a record under a further sequence number, by consumer: record and phase.
    stored_twice: Box<[BTreeMap<(u64, Phase), u32>]>,
    /// Where acked records lie, if somebody else reads them.
    placed: Option<Placed>,
}

/// An acked record that a consumer was not given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Undelivered {
    pub(super) sequence: u64,
    pub(super) phase: Phase,
    pub(super) stored: Stored,
}

/// The first delivery of a record to a consumer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct First {
    /// Whether it came from another place than its acknowledgement named.
    pub(super) misplaced: bool,
}

const fn split(sequence: u64) -> (u64, u16) {
    (sequence >> 16, sequence as u16)
}

impl Worker {
    pub(super) fn new(consumers: usize) -> Self {
        Self {
            consumers,
            chunks: BTreeMap::new(),
            places: Places::default(),
            sparse: BTreeMap::new(),
            acked: [0; 2],
            delivered: vec![[0; 2]; consumers].into(),
            stored_twice: vec![BTreeMap::new(); consumers].into(),
            placed: None,
        }
    }

    /// Counts the ends of records.
    pub(super) fn resolve_all(&mut self, resolutions: &[Resolution]) {
        for resolution in resolutions {
            self.resolve(resolution);
        }
    }

    /// From now on it remembers where each acked record lies.
    pub(super) fn keep_places(&mut self) {
        self.placed.get_or_insert_default();
    }

    /// Where acked records lie, if that is remembered.
    pub(super) const fn placed(&self) -> Option<&Placed> {
        self.placed.as_ref()
    }

    /// Counts a record's end.
    pub(super) fn resolve(&mut self, resolution: &Resolution) {
        let phase = resolution.phase;
        let (number, at) = split(resolution.sequence);
        let chunk = self
            .chunks
            .entry(number)
            .or_insert_with(|| Chunk::new(self.consumers));
        let end = End {
            acked: resolution.acked.map(|_| phase),
            unknown_attempt: resolution.any_unknown_attempt,
            retried: resolution.retried,
        };
        let first = chunk.resolve(at, end);
        debug_assert!(first, "a record ends once: {resolution:?}");
        if !first {
            return;
        }
        if let Some(stored) = resolution.acked {
            self.acked[phase as usize] += 1;
            if let Some(placed) = &mut self.placed {
                placed.push(resolution.sequence, stored);
            }
            let mut all = true;
            for (consumer, delivered) in self.delivered.iter_mut().enumerate() {
                let was = chunk.was_delivered(consumer, at);
                delivered[phase as usize] += u64::from(was);
                all &= was;
            }
            if !all {
                let location = self.places.compress(resolution.sequence, stored);
                chunk.keep_location(at, location);
            }
        }
        chunk.thin(at, |at, location| {
            self.sparse.insert(number << 16 | u64::from(at), location);
        });
    }

    /// Counts a delivery from `place`; nothing unless it is the first of its record to this consumer.
    pub(super) fn deliver(
        &mut self,
        consumer: usize,
        sequence: u64,
        place: Stored,
    ) -> Option<First> {
        let (number, at) = split(sequence);
        let chunk = self
            .chunks
            .entry(number)
            .or_insert_with(|| Chunk::new(self.consumers));
        let (phase, all) = match chunk.deliver(consumer, at) {
            Given::Again => return None,
            Given::Unacked => return Some(First { misplaced: false }),
            Given::Acked(phase, all) => (phase, all),
        };
        self.delivered[consumer][phase as usize] += 1;
        let location = chunk
            .location(at)
            .or_else(|| self.sparse.get(&sequence).copied());
        let acked = location.and_then(|location| self.places.expand(sequence, location));
        let misplaced = chunk.was_placed_once(at) && acked.is_some_and(|acked| acked != place);
        if all {
            let location = chunk.take_location(at);
            if location.is_some() {
                chunk.thin(at, |at, location| {
                    self.sparse.insert(number << 16 | u64::from(at), location);
                });
            }
            if let Some(location) = location.or_else(|| self.sparse.remove(&sequence)) {
                self.places.forget(sequence, location);
            }
        }
        Some(First { misplaced })
    }

    /// Counts a delivery of a record under a further sequence number.
    pub(super) fn stored_twice(&mut self, consumer: usize, sequence: u64, phase: Phase) {
        let count = self.stored_twice[consumer]
            .entry((sequence, phase))
            .or_default();
        *count = count.saturating_add(1);
    }

    /// Acked records by phase.
    pub(super) const fn acked(&self) -> [u64; 2] {
        self.acked
    }

    /// Acked and delivered records by phase.
    pub(super) fn delivered(&self, consumer: usize) -> [u64; 2] {
        self.delivered[consumer]
    }

    /// Acked records that the consumer was not given, the newest chunks first: whoever asks whether any may still come
    /// finds it there, and need not walk over what never will.
    pub(super) fn undelivered(&self, consumer: usize) -> impl Iterator<Item = Undelivered> + '_ {
        let sparse = self
            .sparse
            .iter()
            .map(|(&sequence, &location)| (sequence, location));
        let dense = self.chunks.iter().rev().flat_map(|(&number, chunk)| {
            chunk
                .locations()
                .map(move |(at, location)| (number << 16 | u64::from(at), location))
        });
        dense.chain(sparse).filter_map(move |(sequence, location)| {
            let (number, at) = split(sequence);
            let chunk = self.chunks.get(&number)?;
            if chunk.was_delivered(consumer, at) {
                return None;
            }
            Some(Undelivered {
                sequence,
                phase: chunk.acked_phase(at)?,
                stored: self.places.expand(sequence, location)?,
            })
        })
    }

    /// Deliveries under a further sequence number: the record, its phase, how often, and whether an attempt without an
    /// answer explains it.
    pub(super) fn twice_stored(
        &self,
        consumer: usize,
    ) -> impl Iterator<Item = (u64, Phase, u32, bool)> + '_ {
        self.stored_twice[consumer]
            .iter()
            .map(|(&(sequence, phase), &count)| {
                let (number, at) = split(sequence);
                let explained = self
                    .chunks
                    .get(&number)
                    .is_some_and(|chunk| chunk.had_unknown_attempt(at));
                (sequence, phase, count, explained)
            })
    }

    /// The records of which `set` says yes, as ranges.
    pub(super) fn ranges(&self, set: impl Fn(&Chunk) -> &BitSet) -> Ranges {
        let mut ranges = Ranges::default();
        for (&number, chunk) in &self.chunks {
            ranges.push_runs(number, set(chunk));
        }
        ranges
    }

    /// The acked records of each phase, as ranges.
    pub(super) fn acked_ranges(&self) -> [Ranges; 2] {
        let mut phases = [Ranges::default(), Ranges::default()];
        for (&number, chunk) in &self.chunks {
            // A chunk in the middle of a phase has one set for both: no need to look at each record.
            let whole = match chunk.acked_measure().len() {
                0 => Some(Phase::WarmUp),
                len if len == chunk.acked().len() => Some(Phase::Measure),
                _ => None,
            };
            if let Some(phase) = whole {
                phases[phase as usize].push_runs(number, chunk.acked());
                continue;
            }
            for at in chunk
                .acked()
                .runs()
                .iter()
                .flat_map(|run| run.first..=run.last)
            {
                if let Some(phase) = chunk.acked_phase(at) {
                    let sequence = number << 16 | u64::from(at);
                    phases[phase as usize].push(sequence, sequence);
                }
            }
        }
        phases
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let chunks: usize = self.chunks.values().map(Chunk::memory_bytes).sum();
        let twice: usize = self.stored_twice.iter().map(BTreeMap::len).sum();
        // A tree's nodes are two thirds full on average.
        size_of::<Self>()
            + chunks
            + self.chunks.len() * (size_of::<Chunk>() / 2 + 12)
            + self.sparse.len() * size_of::<(u64, Location)>() * 3 / 2
            + twice * size_of::<((u64, Phase), u32)>() * 3 / 2
            + self.consumers * size_of::<([u64; 2], BTreeMap<(u64, Phase), u32>)>()
            + self.places.heap_bytes()
            + self.placed.as_ref().map_or(0, Placed::heap_bytes)
    }
}

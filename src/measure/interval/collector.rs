//! Adds up what the recorders saw.

use std::collections::BTreeMap;
use std::io;

use super::counters::ShardCounters;
use super::pack::{pack_latencies, pack_shards, unpack_latencies, unpack_shards};
use super::sink::{IntervalDelta, PartId};
use super::spool::{Spool, Stored};
use crate::kinesis::ShardId;
use crate::measure::histogram::{LatencyKind, PackedHistogram};

/// How many of the newest intervals are open: tasks hand over what they saw within a few.
const OPEN: usize = 16;

/// All intervals of a run.
///
/// The newest are open. Of the others the counters are kept packed, some 25 bytes a shard, and the latencies are in a
/// temporary file, so that the memory of a run does not grow by its histograms.
#[derive(Debug, Default)]
pub struct Collector {
    open: BTreeMap<u64, Interval>,
    /// In the pieces in which they were closed: what comes after that is a further one.
    closed: BTreeMap<u64, Vec<Piece>>,
    spool: Spool,
}

/// One interval, over all parts.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Interval {
    /// Shards with something to count.
    pub shards: BTreeMap<ShardId, ShardCounters>,
    /// Latencies of both phases, by part and kind.
    pub latencies: BTreeMap<(PartId, LatencyKind), PackedHistogram>,
}

#[derive(Debug)]
struct Piece {
    shards: Box<[u8]>,
    latencies: Stored,
}

/// One interval of a [`Collector`], to be read.
#[derive(Clone, Copy, Debug)]
pub struct IntervalRow<'a> {
    /// Its number.
    pub index: u64,
    open: Option<&'a Interval>,
    closed: &'a [Piece],
    spool: &'a Spool,
}

impl Collector {
    /// No intervals yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one recorder's interval, or a piece of one. The order of calls does not matter.
    pub fn add(&mut self, delta: IntervalDelta) {
        let interval = self.open.entry(delta.index).or_default();
        for (shard, counters) in &delta.shards {
            interval.shards.entry(*shard).or_default().merge(counters);
        }
        for (kind, packed) in delta.latencies {
            interval
                .latencies
                .entry((delta.part, kind))
                .and_modify(|sum| sum.merge(&packed))
                .or_insert(packed);
        }
        self.close();
    }

    /// Closes the oldest intervals until only so many are open.
    fn close(&mut self) {
        while self.open.len() > OPEN
            && let Some((index, interval)) = self.open.pop_first()
        {
            self.closed.entry(index).or_default().push(Piece {
                shards: pack_shards(&interval.shards),
                latencies: self.spool.put(pack_latencies(&interval.latencies)),
            });
        }
    }

    /// The intervals by number; those in which nothing happened are absent.
    pub fn rows(&self) -> impl Iterator<Item = IntervalRow<'_>> {
        let mut indices: Vec<_> = self.closed.keys().chain(self.open.keys()).collect();
        indices.sort_unstable();
        indices.dedup();
        indices.into_iter().map(|index| IntervalRow {
            index: *index,
            open: self.open.get(index),
            closed: self.closed.get(index).map_or(&[], Vec::as_slice),
            spool: &self.spool,
        })
    }

    /// Each shard's counters over the intervals in `range`.
    pub fn shards_over(
        &self,
        range: impl std::ops::RangeBounds<u64>,
    ) -> BTreeMap<ShardId, ShardCounters> {
        let mut sums = BTreeMap::new();
        for row in self.rows().filter(|row| range.contains(&row.index)) {
            row.add_shards(&mut sums);
        }
        sums
    }
}

impl From<BTreeMap<u64, Interval>> for Collector {
    fn from(open: BTreeMap<u64, Interval>) -> Self {
        let mut collector = Self {
            open,
            ..Self::default()
        };
        collector.close();
        collector
    }
}

impl IntervalRow<'_> {
    /// Shards with something to count.
    pub fn shards(&self) -> BTreeMap<ShardId, ShardCounters> {
        let mut sums = BTreeMap::new();
        self.add_shards(&mut sums);
        sums
    }

    fn add_shards(&self, sums: &mut BTreeMap<ShardId, ShardCounters>) {
        for piece in self.closed {
            unpack_shards(&piece.shards, sums);
        }
        for (shard, counters) in self.open.iter().flat_map(|interval| &interval.shards) {
            sums.entry(*shard).or_default().merge(counters);
        }
    }

    /// Latencies of both phases, by part and kind.
    ///
    /// # Errors
    /// When the temporary file does not give back what was written to it.
    pub fn latencies(&self) -> io::Result<BTreeMap<(PartId, LatencyKind), PackedHistogram>> {
        let mut sums = BTreeMap::new();
        for piece in self.closed {
            let bytes = self.spool.get(&piece.latencies)?;
            unpack_latencies(&bytes, &mut sums).map_err(io::Error::other)?;
        }
        for (key, packed) in self.open.iter().flat_map(|interval| &interval.latencies) {
            sums.entry(*key)
                .and_modify(|sum: &mut PackedHistogram| sum.merge(packed))
                .or_insert_with(|| packed.clone());
        }
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::histogram::LatencyHistogram;
    use proptest::prelude::*;

    fn delta(part: PartId, index: u64, shard: u32, acked: u64, nanos: i64) -> IntervalDelta {
        let mut histogram = LatencyHistogram::new();
        histogram.record_nanos(nanos);
        IntervalDelta {
            part,
            index,
            shards: vec![(
                ShardId::new(shard).unwrap(),
                ShardCounters {
                    acked,
                    response_us_max: nanos as u64 / 1_000,
                    ..ShardCounters::default()
                },
            )],
            latencies: vec![(LatencyKind::ResponseTime, histogram.pack())],
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn intervals_add_up_the_same_in_whatever_order_they_arrive(
            rows in prop::collection::vec((0u16..3, 0u64..40, 0u32..3, 1u64..9, 1i64..9_000_000), 0..99)
                .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        ) {
            let collect = |rows: &[(u16, u64, u32, u64, i64)]| {
                let mut collector = Collector::new();
                for &(part, index, shard, acked, nanos) in rows {
                    let part = if part == 2 { PartId::Consumer(0) } else { PartId::Producer(part) };
                    collector.add(delta(part, index, shard, acked, nanos));
                }
                collector
            };
            let (given, shuffled) = (collect(&rows.0), collect(&rows.1));
            prop_assert!(given.open.len() <= OPEN);
            let read = |collector: &Collector| -> Vec<_> {
                let rows = collector.rows();
                rows.map(|row| (row.index, row.shards(), row.latencies().unwrap())).collect()
            };
            prop_assert_eq!(read(&given), read(&shuffled));
            let acked: u64 = given.shards_over(..).values().map(|c| c.acked).sum();
            prop_assert_eq!(acked, rows.0.iter().map(|row| row.3).sum::<u64>());
            let samples: u64 = given
                .rows()
                .flat_map(|row| row.latencies().unwrap().into_values())
                .map(|packed| packed.unpack().count())
                .sum();
            prop_assert_eq!(samples, rows.0.len() as u64);
        }
    }
}

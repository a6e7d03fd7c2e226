//! Adds up what the recorders saw.

use std::collections::BTreeMap;

use super::counters::ShardCounters;
use super::sink::{IntervalDelta, PartId};
use crate::kinesis::ShardId;
use crate::measure::histogram::{LatencyKind, PackedHistogram};

/// All intervals of a run.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Collector {
    intervals: BTreeMap<u64, Interval>,
}

/// One interval, over all parts.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Interval {
    /// Shards with something to count.
    pub shards: BTreeMap<ShardId, ShardCounters>,
    /// Latencies of both phases, by part and kind.
    pub latencies: BTreeMap<(PartId, LatencyKind), PackedHistogram>,
}

impl Collector {
    /// No intervals yet.
    pub const fn new() -> Self {
        Self {
            intervals: BTreeMap::new(),
        }
    }

    /// Adds one recorder's interval, or a piece of one. The order of calls does not matter.
    pub fn add(&mut self, delta: IntervalDelta) {
        let interval = self.intervals.entry(delta.index).or_default();
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
    }

    /// The intervals so far, by number; those in which nothing happened are absent.
    pub const fn intervals(&self) -> &BTreeMap<u64, Interval> {
        &self.intervals
    }

    /// The intervals, by number.
    pub fn into_intervals(self) -> BTreeMap<u64, Interval> {
        self.intervals
    }

    /// Each shard's counters over the intervals in `range`.
    pub fn shards_over(
        &self,
        range: impl std::ops::RangeBounds<u64>,
    ) -> BTreeMap<ShardId, ShardCounters> {
        let mut sums = BTreeMap::<ShardId, ShardCounters>::new();
        for interval in self.intervals.range(range).map(|(_, interval)| interval) {
            for (&shard, counters) in &interval.shards {
                sums.entry(shard).or_default().merge(counters);
            }
        }
        sums
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
            rows in prop::collection::vec((0u16..3, 0u64..4, 0u32..3, 1u64..9, 1i64..9_000_000), 0..12)
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
            prop_assert_eq!(&given, &shuffled);
            let acked: u64 = given.shards_over(..).values().map(|c| c.acked).sum();
            prop_assert_eq!(acked, rows.0.iter().map(|row| row.3).sum::<u64>());
            let samples: u64 = given
                .into_intervals()
                .values()
                .flat_map(|interval| interval.latencies.values())
                .map(|packed| packed.unpack().count())
                .sum();
            prop_assert_eq!(samples, rows.0.len() as u64);
        }
    }
}

//! What one producer worker or consumer task counts by itself.

use std::collections::BTreeMap;

use super::clock::IntervalClock;
use super::counters::ShardCounters;
use super::sink::{IntervalDelta, IntervalSink, PartId};
use crate::base::Timestamp;
use crate::kinesis::ShardId;
use crate::measure::histogram::{LatencyHistogram, LatencyKind};
use crate::measure::ledger::Phase;

const KINDS: usize = LatencyKind::ALL.len();

/// Shard numbers below this are found by index. Streams that were resharded for years have higher ones; those are
/// searched, so that a number cannot ask for memory.
const DIRECT_SHARDS: usize = 1 << 16;

/// Counts shards and latencies by interval. One per task: it has no locks, and recording allocates nothing once a shard
/// and a kind were seen.
///
/// Two intervals are open at a time, so that times that alternate over a boundary cost nothing. An interval goes to the
/// sink when the first time of a later one is seen; what comes after that goes as another piece.
#[derive(Debug)]
pub struct Recorder {
    part: PartId,
    clock: IntervalClock,
    sink: IntervalSink,
    /// Interval `i` is in slot `i % 2`.
    slots: [Slot; 2],
    /// The latest interval seen.
    latest: u64,
    /// The measurement window's, up to the last hand-over.
    totals: [Option<Box<LatencyHistogram>>; KINDS],
}

/// What a recorder saw of the measurement window.
#[derive(Clone, PartialEq, Debug)]
pub struct RecorderTotals {
    /// Whose they are.
    pub part: PartId,
    /// The latencies of records whose phase is [`Phase::Measure`]; kinds that never happened are absent.
    pub latencies: BTreeMap<LatencyKind, LatencyHistogram>,
}

impl RecorderTotals {
    /// Adds what another recorder of the same part saw.
    pub fn merge(&mut self, other: &Self) {
        for (&kind, histogram) in &other.latencies {
            self.latencies.entry(kind).or_default().merge(histogram);
        }
    }
}

impl Recorder {
    /// A recorder that has seen nothing.
    pub fn new(part: PartId, clock: IntervalClock, sink: IntervalSink) -> Self {
        Self {
            part,
            clock,
            sink,
            slots: [Slot::default(), Slot::default()],
            latest: 0,
            totals: [const { None }; KINDS],
        }
    }

    /// Counts a latency in nanoseconds in the interval of `at`, and in the measurement window's total if its record's
    /// phase is [`Phase::Measure`].
    pub fn latency(&mut self, at: Timestamp, phase: Phase, kind: LatencyKind, nanos: i64) {
        self.slot(at).latencies[phase as usize][kind as usize]
            .get_or_insert_default()
            .record_nanos(nanos);
    }

    /// The counters of `shard` in the interval of `at`.
    pub fn shard(&mut self, at: Timestamp, shard: ShardId) -> &mut ShardCounters {
        self.slot(at).shards.of(shard)
    }

    /// Hands everything over and gives the totals of the measurement window.
    pub fn finish(mut self) -> RecorderTotals {
        self.hand_over(0);
        self.hand_over(1);
        let latencies = LatencyKind::ALL
            .into_iter()
            .zip(self.totals)
            .filter_map(|(kind, total)| Some((kind, *total?)))
            .collect();
        RecorderTotals {
            part: self.part,
            latencies,
        }
    }

    #[inline]
    fn slot(&mut self, at: Timestamp) -> &mut Slot {
        let index = self.clock.index_of(at);
        let place = (index % 2) as usize;
        if self.slots[place].index != index || index > self.latest {
            self.open(index, place);
        }
        &mut self.slots[place]
    }

    #[cold]
    fn open(&mut self, index: u64, place: usize) {
        if index > self.latest {
            self.latest = index;
            self.hand_over(1 - place);
        }
        self.hand_over(place);
        self.slots[place].index = index;
    }

    /// Sends what a slot holds and empties it.
    fn hand_over(&mut self, place: usize) {
        let slot = &mut self.slots[place];
        let shards = slot.shards.take();
        let mut latencies = Vec::new();
        let [warm_up, measure] = &mut slot.latencies;
        for (kind, (warm_up, measure)) in LatencyKind::ALL
            .into_iter()
            .zip(warm_up.iter_mut().zip(measure.iter_mut()))
        {
            let mut in_window = measure.as_deref_mut().filter(|h| !h.is_empty());
            if let Some(histogram) = &in_window {
                self.totals[kind as usize]
                    .get_or_insert_default()
                    .merge(histogram);
            }
            let before = warm_up.as_deref_mut().filter(|h| !h.is_empty());
            if let (Some(sum), Some(other)) = (&mut in_window, &before) {
                sum.merge(other);
            }
            if let Some(histogram) = in_window.as_deref().or(before.as_deref()) {
                latencies.push((kind, histogram.pack()));
            }
            for histogram in [in_window, before].into_iter().flatten() {
                histogram.clear();
            }
        }
        if !(shards.is_empty() && latencies.is_empty()) {
            self.sink.send(IntervalDelta {
                part: self.part,
                index: slot.index,
                shards,
                latencies,
            });
        }
    }
}

/// An open interval.
#[derive(Debug, Default)]
struct Slot {
    index: u64,
    shards: ShardRows,
    /// By phase, then kind; made when first needed and kept.
    latencies: [[Option<Box<LatencyHistogram>>; KINDS]; 2],
}

/// Counters by shard number.
#[derive(Debug, Default)]
struct ShardRows {
    rows: Vec<(ShardId, ShardCounters)>,
    /// One above a shard's place in `rows`; 0 where it has none.
    direct: Vec<u32>,
    /// The same for high shard numbers, kept as the place itself.
    far: BTreeMap<ShardId, usize>,
}

impl ShardRows {
    #[inline]
    fn of(&mut self, shard: ShardId) -> &mut ShardCounters {
        let number = shard.number() as usize;
        let place = match self.direct.get(number) {
            Some(&place) if place > 0 => place as usize - 1,
            _ => self.add(shard, number),
        };
        &mut self.rows[place].1
    }

    #[cold]
    fn add(&mut self, shard: ShardId, number: usize) -> usize {
        let next = self.rows.len();
        let place = if number < DIRECT_SHARDS {
            if self.direct.len() <= number {
                self.direct.resize(number + 1, 0);
            }
            self.direct[number] = next as u32 + 1;
            next
        } else {
            *self.far.entry(shard).or_insert(next)
        };
        if place == next {
            self.rows.push((shard, ShardCounters::default()));
        }
        place
    }

    /// The shards with something to count, sorted; their counters begin again at zero. Places stay, so that the next
    /// interval of the same shards allocates nothing here.
    fn take(&mut self) -> Vec<(ShardId, ShardCounters)> {
        let mut taken: Vec<_> = self
            .rows
            .iter_mut()
            .filter(|(_, counters)| !counters.is_empty())
            .map(|(shard, counters)| (*shard, std::mem::take(counters)))
            .collect();
        taken.sort_unstable_by_key(|&(shard, _)| shard);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::interval::IntervalSource;
    use std::time::Duration;

    fn recorder() -> (Recorder, IntervalSource) {
        let (sink, source) = IntervalSink::channel();
        let clock = IntervalClock::new(Timestamp::from_secs(100), Duration::from_secs(1));
        (Recorder::new(PartId::Producer(3), clock, sink), source)
    }

    fn at_ms(millis: u64) -> Timestamp {
        Timestamp::from_millis(100_000 + millis)
    }

    fn shard(number: u32) -> ShardId {
        ShardId::new(number).unwrap()
    }

    #[test]
    fn an_interval_is_handed_over_when_a_later_one_begins() {
        let (mut recorder, source) = recorder();
        recorder.shard(at_ms(10), shard(1)).acked += 2;
        recorder.shard(at_ms(990), shard(0)).acked += 1;
        assert_eq!(source.arrived().count(), 0);
        recorder.shard(at_ms(1_000), shard(0)).acked += 7;
        let deltas: Vec<_> = source.arrived().collect();
        assert_eq!(deltas.len(), 1);
        assert_eq!((deltas[0].part, deltas[0].index), (PartId::Producer(3), 0));
        let rows: Vec<_> = deltas[0]
            .shards
            .iter()
            .map(|(s, c)| (s.number(), c.acked))
            .collect();
        assert_eq!(rows, [(0, 1), (1, 2)]);
        recorder.finish();
        let rest: Vec<_> = source.arrived().collect();
        assert_eq!(
            (rest.len(), rest[0].index, rest[0].shards[0].1.acked),
            (1, 1, 7)
        );
    }

    #[test]
    fn times_that_alternate_over_a_boundary_cost_one_hand_over_each_and_lose_nothing() {
        let (mut recorder, source) = recorder();
        for _ in 0..1_000 {
            recorder.shard(at_ms(1_001), shard(0)).acked += 1;
            recorder.shard(at_ms(999), shard(0)).acked += 1;
        }
        assert_eq!(source.arrived().count(), 0);
        recorder.finish();
        let mut deltas: Vec<_> = source
            .arrived()
            .map(|d| (d.index, d.shards[0].1.acked))
            .collect();
        deltas.sort_unstable();
        assert_eq!(deltas, [(0, 1_000), (1, 1_000)]);
    }

    #[test]
    fn totals_hold_the_measurement_window_and_intervals_hold_both_phases() {
        let (mut recorder, source) = recorder();
        let kind = LatencyKind::ResponseTime;
        recorder.latency(at_ms(0), Phase::WarmUp, kind, 5_000_000);
        recorder.latency(at_ms(1), Phase::Measure, kind, 2_000_000);
        recorder.latency(at_ms(5_000), Phase::Measure, kind, 3_000_000);
        recorder.latency(at_ms(5_000), Phase::WarmUp, LatencyKind::Lateness, 1_000);
        let totals = recorder.finish();
        assert_eq!(totals.latencies.len(), 1);
        let summary = totals.latencies[&kind].summary();
        assert_eq!(summary.count, 2);
        assert!((3_000..=3_001).contains(&summary.max_us), "{summary:?}");
        let counts: Vec<_> = source
            .arrived()
            .map(|delta| {
                let kinds: Vec<_> = delta
                    .latencies
                    .iter()
                    .map(|(kind, packed)| (*kind, packed.unpack().count()))
                    .collect();
                (delta.index, kinds)
            })
            .collect();
        assert_eq!(
            counts,
            [
                (0, vec![(kind, 2)]),
                (5, vec![(LatencyKind::Lateness, 1), (kind, 1)]),
            ]
        );
    }

    #[test]
    fn a_high_shard_number_is_counted_without_memory_for_all_below_it() {
        let (mut recorder, source) = recorder();
        for _ in 0..3 {
            recorder.shard(at_ms(0), ShardId::MAX).delivered += 1;
        }
        assert!(recorder.slots[0].shards.direct.is_empty());
        recorder.finish();
        let deltas: Vec<_> = source.arrived().collect();
        assert_eq!(deltas[0].shards.len(), 1);
        assert_eq!(deltas[0].shards[0].1.delivered, 3);
    }
}

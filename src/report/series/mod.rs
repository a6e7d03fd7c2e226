//! How a run went over time, small enough for a document: a bounded number of points however long the run was.
//!
//! Counts of neighbouring intervals are added, their latencies merged before a percentile is read: nothing is averaged.
//! Everything is made from the intervals of [`IntervalView`], so that merged folders give what one host would have seen.
//!
//! Files: `timeline` (load and latency), `heat` (shards against their limits), `minutes` (what a minute hides), `effect`
//! (before, during and after an event).

mod effect;
mod heat;
mod minutes;
mod timeline;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Timestamp;
use crate::measure::{Collector, IntervalRow, ShardCounters};
use crate::report::document::Document;
use crate::report::interval_view::IntervalView;

pub use effect::{Around, Effect};
pub use heat::{Heat, HeatRow};
pub use minutes::{MinuteRow, Minutes};
pub use timeline::{LatencySeries, StreamSeries, Timeline};

/// What a shard takes in a second; nothing where no limit holds, or records cannot be held against it.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ShardLimits {
    /// Records, as the service counts them; absent where records are packed, of which it counts fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records_per_s: Option<f64>,
    /// Bytes of data and keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_s: Option<f64>,
}

impl ShardLimits {
    /// So many records and bytes in `seconds`, in hundredths of the nearer limit, rounded up: 101 is too much.
    fn percent(&self, records: u64, bytes: u64, seconds: f64) -> u64 {
        let part = |count: u64, limit: Option<f64>| {
            limit.map_or(0.0, |limit| count as f64 / (limit * seconds))
        };
        let part = part(records, self.records_per_s).max(part(bytes, self.bytes_per_s));
        // A count that reaches its limit exactly must not be rounded above it.
        (part * 100.0 - 1e-9).ceil().max(0.0) as u64
    }
}

/// What the series of a document are made from.
pub(super) struct Sources<'a> {
    /// The intervals.
    pub(super) view: &'a IntervalView<'a>,
    /// When the load began.
    pub(super) start: Timestamp,
    /// What the shards of each stream take.
    pub(super) limits: BTreeMap<String, ShardLimits>,
}

impl Sources<'_> {
    /// In seconds since the load began.
    fn begin_s(&self, index: u64) -> f64 {
        self.view
            .clock
            .begin_of(index)
            .signed_nanos_since(self.start) as f64
            / 1e9
    }

    fn interval_s(&self) -> f64 {
        self.view.clock.length().as_secs_f64()
    }

    /// The interval that a time in seconds since the load began lies in.
    fn index_at(&self, at_s: f64) -> u64 {
        let after = Duration::try_from_secs_f64(at_s.max(0.0)).unwrap_or_default();
        self.view.clock.index_of(self.start.plus(after))
    }

    /// The intervals of a stream.
    fn of_stream(&self, name: &str) -> Option<&Collector> {
        let mut streams = self.view.streams.iter();
        let found = streams.find(|(stream, _)| *stream == name);
        found.map(|(_, intervals)| *intervals)
    }

    /// How many intervals there are, those without anything included.
    fn count(&self) -> u64 {
        let lasts = self.view.streams.iter();
        let lasts = lasts.filter_map(|(_, intervals)| intervals.rows().last());
        lasts.map(|row| row.index + 1).max().unwrap_or_default()
    }
}

/// Fills in what `document` says of time; its shards and events are there already.
pub(super) fn add(document: &mut Document, sources: &Sources<'_>) {
    document.timeline = timeline::timeline(sources);
    document.heat = heat::heat(sources);
    document.minutes = minutes::minutes(document, sources);
    let end_s = document.instrument.warm_up_s + document.instrument.measure_s;
    effect::add(&mut document.events, end_s, sources);
}

/// The lengths that points of a series may have, in seconds.
const LENGTHS_S: [u64; 8] = [1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800];

/// How many intervals make a point, so that `count` of them make at most `most` points: as many as make up the first of
/// [`LENGTHS_S`] that does.
fn intervals_of_a_point(length: Duration, count: u64, most: u64) -> u64 {
    let nanos = (length.as_nanos() as u64).max(1);
    let needed = count.div_ceil(most.max(1)).max(1);
    let fitting = LENGTHS_S
        .into_iter()
        .map(|seconds| seconds * 1_000_000_000)
        .filter(|point| point % nanos == 0)
        .map(|point| point / nanos)
        .find(|intervals| *intervals >= needed);
    // Of lengths that no interval of ours has, the next that fits may be a week.
    fitting
        .filter(|intervals| *intervals <= needed.saturating_mul(10))
        .unwrap_or(needed)
}

/// All shards of an interval together.
fn all_shards(interval: &IntervalRow<'_>) -> ShardCounters {
    let mut sum = ShardCounters::default();
    let shards = interval.shards();
    for shard in shards.values() {
        sum.merge(shard);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_as_few_for_a_week_as_for_a_minute() {
        let second = Duration::from_secs(1);
        for (count, most, intervals) in [
            (14, 600, 1),
            (600, 600, 1),
            (601, 600, 10),
            (3_610, 120, 60),
            (604_800, 600, 3_600),
            (u64::MAX / 2, 600, (u64::MAX / 2).div_ceil(600)),
        ] {
            assert_eq!(
                intervals_of_a_point(second, count, most),
                intervals,
                "{count}"
            );
        }
        // Intervals of ten seconds are never split.
        assert_eq!(intervals_of_a_point(10 * second, 360, 120), 6);
        assert_eq!(intervals_of_a_point(7 * second, 1_000, 100), 10);
    }

    #[test]
    fn what_a_shard_takes_exactly_is_a_hundred_and_one_more_is_too_much() {
        let limits = ShardLimits {
            records_per_s: Some(1_000.0),
            bytes_per_s: Some(1_048_576.0),
        };
        assert_eq!(limits.percent(10_000, 0, 10.0), 100);
        assert_eq!(limits.percent(10_001, 0, 10.0), 101);
        assert_eq!(limits.percent(1, 2 << 20, 1.0), 200);
        assert_eq!(limits.percent(0, 0, 1.0), 0);
        assert_eq!(ShardLimits::default().percent(9, 9, 1.0), 0);
    }
}

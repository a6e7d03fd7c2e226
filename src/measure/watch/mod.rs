//! What a reader learns of a stream that others write: rates, sizes, hot keys, shard by shard.
//!
//! Nothing of it needs a stamp. Records belong to the time when they arrived, by the service's clock; where nobody tells that,
//! to the time when they came.
//!
//! Invariant: memory does not grow with the records, nor with the number of their keys.

mod heavy;

use std::collections::BTreeMap;
use std::ops::Range;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::shard_text;
use crate::base::Timestamp;
use crate::kinesis::quotas::RateName;
use crate::kinesis::{Limits, ShardId};
use heavy::SpaceSaving;

/// Keys that are counted at a time: a key with more than a thousandth of the records is found for certain.
const COUNTERS: usize = 1_000;

/// The hot keys that are named.
const HOT_KEYS: usize = 10;

/// The largest size that is told apart: 16 MiB, above the largest record.
const SIZE_MAX: u64 = 16 << 20;

const SIGNIFICANT_DIGITS: u8 = 3;

/// Watches the records that one reader is given.
#[derive(Debug)]
pub struct Watch {
    window: Range<Timestamp>,
    keys: SpaceSaving,
    sizes: Histogram<u64>,
    data_bytes: u64,
    shards: BTreeMap<ShardId, Shard>,
    outside: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Shard {
    records: u64,
    bytes: u64,
    /// The last two seconds that arrived, an even one and an odd one: records around a full second come in any order.
    seconds: [Second; 2],
    peak_records: u64,
    peak_bytes: u64,
    behind_ms_max: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Second {
    number: u64,
    records: u64,
    bytes: u64,
}

/// What a reader saw of a stream that others write, in the measurement window.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Watched {
    /// Records that arrived in the window.
    pub records: u64,
    /// Their bytes, data and keys.
    pub bytes: u64,
    /// Records that were read and arrived before or after it; no other figure here holds them.
    pub outside_window: u64,
    /// The sizes of the records' data.
    pub data_bytes: SizeSummary,
    /// The keys with the most records, the most first.
    pub hot_keys: Vec<HotKey>,
    /// No count of a key is too high by more, and every key that has more than twice as many records, up to ten keys, is
    /// named: the records divided by 1,000 counters at most (Space-Saving; Metwally, Agrawal and El Abbadi, 2005).
    pub hot_keys_error_records_max: u64,
    /// The shards that were read, by number.
    pub shards: Vec<WatchedShard>,
}

/// The sizes of records' data, in bytes, to 3 significant digits; the mean and the extremes of the same histogram.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SizeSummary {
    /// The smallest.
    pub min_bytes: u64,
    /// The mean, exact.
    pub mean_bytes: f64,
    /// The median.
    pub p50_bytes: u64,
    /// 90 % are no larger.
    pub p90_bytes: u64,
    /// 99 % are no larger.
    pub p99_bytes: u64,
    /// 99.9 % are no larger.
    pub p999_bytes: u64,
    /// The largest.
    pub max_bytes: u64,
}

/// A key with many records.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct HotKey {
    /// The partition key, or ten digits in its place where reports are redacted.
    pub key: String,
    /// Its records: at most so many,
    pub records: u64,
    /// and at least so many fewer.
    pub error_records: u64,
    /// `records` as a part of all.
    pub share: f64,
    /// The shard that had its last record.
    #[serde(with = "shard_text")]
    pub shard: ShardId,
}

/// One shard of a watched stream.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct WatchedShard {
    /// The shard.
    #[serde(with = "shard_text")]
    pub shard: ShardId,
    /// Records that arrived in the window.
    pub records: u64,
    /// Their bytes, data and keys.
    pub bytes: u64,
    /// The records of a second on average.
    pub records_per_s: f64,
    /// The bytes of a second on average.
    pub bytes_per_s: f64,
    /// The records of the busiest second of the service's clock.
    pub peak_records_per_s: u64,
    /// The bytes of the busiest second.
    pub peak_bytes_per_s: u64,
    /// `records_per_s` as a part of what a shard takes, 1,000.
    pub of_record_limit: f64,
    /// `bytes_per_s` as a part of what a shard takes, 1 MiB.
    pub of_byte_limit: f64,
    /// The farthest that the reader was behind its tip, in milliseconds.
    pub behind_ms_max: u64,
}

impl Watch {
    /// Watches arrivals within `window`.
    #[expect(
        clippy::missing_panics_doc,
        reason = "the bounds are constants that the library accepts"
    )]
    pub fn new(window: Range<Timestamp>) -> Self {
        Self {
            window,
            keys: SpaceSaving::new(COUNTERS),
            sizes: Histogram::new_with_bounds(1, SIZE_MAX, SIGNIFICANT_DIGITS)
                .expect("the bounds are constants that the library accepts"),
            data_bytes: 0,
            shards: BTreeMap::new(),
            outside: 0,
        }
    }

    /// A record of `shard` that arrived at `at`.
    pub fn record(&mut self, shard: ShardId, key: &str, data_bytes: usize, at: Timestamp) {
        if !self.window.contains(&at) {
            self.outside += 1;
            return;
        }
        self.keys.count(key, shard);
        self.sizes.saturating_record(data_bytes as u64);
        self.data_bytes += data_bytes as u64;
        let bytes = (data_bytes + key.len()) as u64;
        let seen = self.shards.entry(shard).or_default();
        seen.records += 1;
        seen.bytes += bytes;
        let number = at.as_secs();
        let second = &mut seen.seconds[(number % 2) as usize];
        if second.number != number {
            *second = Second {
                number,
                ..Second::default()
            };
        }
        second.records += 1;
        second.bytes += bytes;
        seen.peak_records = seen.peak_records.max(second.records);
        seen.peak_bytes = seen.peak_bytes.max(second.bytes);
    }

    /// An answer said how far behind the tip of `shard` it was.
    pub fn behind(&mut self, shard: ShardId, behind_ms: u64) {
        let seen = self.shards.entry(shard).or_default();
        seen.behind_ms_max = seen.behind_ms_max.max(behind_ms);
    }

    /// What was seen, where the window lasted `measure_s` seconds.
    pub fn finish(self, measure_s: f64) -> Watched {
        let records = self.sizes.len();
        let per_s = |count: u64| {
            if measure_s > 0.0 {
                count as f64 / measure_s
            } else {
                0.0
            }
        };
        let limits = Limits::aws();
        let of = |per_s: f64, limit| {
            let limit = limits.rate(limit);
            limit.map_or(0.0, |limit| per_s / limit.per_s as f64)
        };
        let shards = self.shards.into_iter().map(|(shard, seen)| {
            let (records_per_s, bytes_per_s) = (per_s(seen.records), per_s(seen.bytes));
            WatchedShard {
                shard,
                records: seen.records,
                bytes: seen.bytes,
                records_per_s,
                bytes_per_s,
                peak_records_per_s: seen.peak_records,
                peak_bytes_per_s: seen.peak_bytes,
                of_record_limit: of(records_per_s, RateName::WriteRecords),
                of_byte_limit: of(bytes_per_s, RateName::WriteBytes),
                behind_ms_max: seen.behind_ms_max,
            }
        });
        let shards: Vec<_> = shards.collect();
        let error = self.keys.error_max();
        let hot_keys = self.keys.heaviest(HOT_KEYS).into_iter();
        let hot_keys = hot_keys.map(|heavy| HotKey {
            share: heavy.count as f64 / records.max(1) as f64,
            key: heavy.key,
            records: heavy.count,
            error_records: heavy.error,
            shard: heavy.shard,
        });
        let at = |quantile| self.sizes.value_at_quantile(quantile);
        let data_bytes = if records == 0 {
            SizeSummary::default()
        } else {
            SizeSummary {
                min_bytes: self.sizes.min(),
                mean_bytes: self.data_bytes as f64 / records as f64,
                p50_bytes: at(0.5),
                p90_bytes: at(0.9),
                p99_bytes: at(0.99),
                p999_bytes: at(0.999),
                max_bytes: self.sizes.max(),
            }
        };
        Watched {
            records,
            bytes: shards.iter().map(|shard| shard.bytes).sum(),
            outside_window: self.outside,
            data_bytes,
            hot_keys: hot_keys.collect(),
            hot_keys_error_records_max: error,
            shards,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(number: u32) -> ShardId {
        ShardId::new(number).unwrap()
    }

    #[test]
    fn rates_are_of_the_records_that_arrived_in_the_window() {
        let at = Timestamp::from_millis;
        let mut watch = Watch::new(at(10_000)..at(20_000));
        for ms in (9_000..21_000).step_by(10) {
            watch.record(shard(1), "hot", 97, at(ms));
        }
        for _ in 0..300 {
            watch.record(shard(2), "cold", 1_021, at(15_500));
        }
        watch.behind(shard(2), 700);
        watch.behind(shard(2), 30);
        let seen = watch.finish(10.0);
        assert_eq!((seen.records, seen.outside_window), (1_300, 200));
        assert_eq!(seen.bytes, 1_000 * 100 + 300 * 1_025);
        let [one, two] = seen.shards[..] else {
            panic!("{seen:?}")
        };
        assert!((one.records_per_s - 100.0).abs() < 1e-9 && one.peak_records_per_s == 100);
        assert!((one.of_record_limit - 0.1).abs() < 1e-9);
        assert_eq!(
            (two.peak_records_per_s, two.peak_bytes_per_s),
            (300, 300 * 1_025)
        );
        assert!((two.of_byte_limit - 30_750.0 / f64::from(1 << 20)).abs() < 1e-9);
        assert_eq!((one.behind_ms_max, two.behind_ms_max), (0, 700));
        assert_eq!(seen.data_bytes.p50_bytes, 97);
        assert_eq!(
            (seen.data_bytes.min_bytes, seen.data_bytes.max_bytes),
            (97, 1_021)
        );
        let hot: Vec<_> = seen
            .hot_keys
            .iter()
            .map(|key| (&*key.key, key.records))
            .collect();
        assert_eq!(hot, [("hot", 1_000), ("cold", 300)]);
        assert_eq!(seen.hot_keys_error_records_max, 0);
    }

    #[test]
    fn a_stream_where_nothing_came_has_no_sizes_and_no_infinite_numbers() {
        let at = Timestamp::from_secs;
        let mut watch = Watch::new(at(1)..at(2));
        watch.behind(shard(0), 0);
        let seen = watch.finish(0.0);
        assert_eq!((seen.records, seen.data_bytes), (0, SizeSummary::default()));
        assert_eq!(seen.shards[0].records_per_s.to_bits(), 0);
    }
}

//! What a producer holds back by itself, however much its stream would take: its limit for a shard, and the order of keys.

use std::time::Duration;

use super::arrival::records_per_s;
use super::forecast::{ShardForecast, forecast};
use crate::kinesis::delays::{Delay, DelayName, Delays};
use crate::kinesis::{HashKeyRange, Limits};
use crate::scenario::model::{Ordering, Producer, PutApi};

/// A bound of the producer's own that its load meets.
#[derive(Clone, PartialEq, Debug)]
pub enum OwnBound {
    /// `send.rate_limit`: each worker is asked for more than it may send to a shard, at least at the load's peak.
    RateLimit {
        /// How many shards are asked for more.
        shards: usize,
        /// The one that is asked for most, as an index of the forecast's.
        hottest: usize,
        /// What is asked for there, the mean over the load, as a part of what the worker may send.
        utilisation: f64,
        /// The same at the load's peak.
        peak_utilisation: f64,
    },
    /// `send.ordering = "per-key"`: the heaviest key has one record of a worker under way at a time.
    Order {
        /// The key.
        key: String,
        /// How many of its records come to each worker a second, the mean over the load.
        records_per_s: f64,
        /// The same at the load's peak.
        peak_records_per_s: f64,
        /// The longest that a record may take from its release to its answer if the next one is not to wait, at the mean.
        longest: Duration,
        /// The same at the load's peak.
        longest_at_peak: Duration,
        /// What one takes: its linger, and what the scenario's model of the service gives for the median call.
        expected: Duration,
    },
}

/// What of its own bounds holds a producer back, for these shards: before any attempt is repeated. Without a rate nothing is
/// known.
pub fn own_bounds(
    producer: &Producer,
    load: Duration,
    ranges: &[HashKeyRange],
    limits: &Limits,
    delays: &Delays,
) -> Vec<OwnBound> {
    let send = &producer.send;
    let per_key = send.ordering == Ordering::PerKey;
    let Some(mean) = records_per_s(&producer.arrival, load) else {
        return Vec::new();
    };
    if mean <= 0.0 || (send.rate_limit.is_none() && !per_key) {
        return Vec::new();
    }
    let alone = forecast(&[producer], load, ranges, limits);
    let workers = f64::from(producer.workers);
    let mut bounds = Vec::new();
    if let Some(limit) = send.rate_limit {
        let used = |records_per_s: Option<f64>, bytes_per_s: Option<f64>| {
            let records = records_per_s.unwrap_or(0.0) / limit.records_per_s;
            let bytes = bytes_per_s.unwrap_or(0.0) / limit.bytes_per_s;
            records.max(bytes) / workers
        };
        let at_peak =
            |shard: &ShardForecast| used(shard.peak_kinesis_records_per_s, shard.peak_bytes_per_s);
        let shards = || alone.shards.iter();
        let hottest = shards()
            .enumerate()
            .max_by(|a, b| at_peak(a.1).total_cmp(&at_peak(b.1)));
        if let Some((hottest, shard)) = hottest
            && at_peak(shard) > 1.0
        {
            bounds.push(OwnBound::RateLimit {
                shards: shards().filter(|shard| at_peak(shard) > 1.0).count(),
                hottest,
                utilisation: used(shard.kinesis_records_per_s, shard.bytes_per_s),
                peak_utilisation: at_peak(shard),
            });
        }
    }
    if per_key && let Some(heaviest) = alone.heaviest.first() {
        let of_worker = |per_s: f64| per_s * heaviest.share / workers;
        let records_per_s = of_worker(mean);
        let peak_records_per_s = of_worker(alone.peak_records_per_s.unwrap_or(mean));
        let between =
            |per_s: f64| Duration::try_from_secs_f64(1.0 / per_s).unwrap_or(Duration::MAX);
        let (call, linger) = match send.api {
            PutApi::PutRecord => (DelayName::PutRecord, Duration::ZERO),
            PutApi::PutRecords => (DelayName::PutRecords, send.linger),
        };
        let packs = send.aggregate.map_or(Duration::ZERO, |packs| packs.linger);
        let modelled = match delays.get(call) {
            Delay::Zero => Duration::ZERO,
            Delay::Constant(always) => always,
            Delay::LogNormal { p50, .. } => p50,
        };
        bounds.push(OwnBound::Order {
            key: heaviest.key.clone(),
            records_per_s,
            peak_records_per_s,
            longest: between(records_per_s),
            longest_at_peak: between(peak_records_per_s),
            expected: packs + linger + modelled,
        });
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::{Arrival, KeyChoice, RateLimit, Size};
    use crate::workload::draw::tests::producer;

    const LOAD: Duration = Duration::from_secs(10);

    /// 1,000 records/s of 100 B and a key of 5 B, to two workers, half of them with one key.
    fn hot() -> Producer {
        let choice = KeyChoice::HotSet {
            hot_keys: 1,
            hot_share: 0.5,
            population: 2,
        };
        let arrival = Arrival::Constant { rate: 1_000.0 };
        producer(2, arrival, choice, Size::Fixed { bytes: 100 })
    }

    fn bounds(producer: &Producer) -> Vec<OwnBound> {
        let one = HashKeyRange::initial(1);
        own_bounds(producer, LOAD, &one, &Limits::aws(), &Delays::modelled())
    }

    #[test]
    fn a_shard_that_each_worker_is_asked_too_much_for_is_told_and_one_within_the_limit_is_not() {
        let mut producer = hot();
        let limit = |records_per_s, bytes_per_s| {
            Some(RateLimit {
                records_per_s,
                bytes_per_s,
            })
        };
        producer.send.rate_limit = limit(400.0, f64::INFINITY);
        let [
            OwnBound::RateLimit {
                shards,
                hottest,
                utilisation,
                ..
            },
        ] = bounds(&producer)[..]
        else {
            panic!("{:?}", bounds(&producer));
        };
        assert_eq!((shards, hottest), (1, 0));
        assert!((utilisation - 1.25).abs() < 1e-9, "{utilisation}");
        producer.send.rate_limit = limit(500.0, 26_250.0);
        let [OwnBound::RateLimit { utilisation, .. }] = bounds(&producer)[..] else {
            panic!("{:?}", bounds(&producer));
        };
        assert!((utilisation - 2.0).abs() < 1e-9, "{utilisation}");
        producer.send.rate_limit = limit(500.0, f64::INFINITY);
        assert_eq!(bounds(&producer), []);
    }

    #[test]
    fn a_hot_key_in_order_has_so_long_for_a_record_as_lies_between_two_of_a_worker() {
        let mut producer = hot();
        assert_eq!(bounds(&producer), []);
        producer.send.ordering = Ordering::PerKey;
        producer.send.linger = Duration::from_millis(7);
        let modelled = match Delays::modelled().get(DelayName::PutRecords) {
            Delay::LogNormal { p50, .. } => p50,
            other => panic!("{other:?}"),
        };
        let expected = OwnBound::Order {
            key: "key-0".to_owned(),
            records_per_s: 250.0,
            peak_records_per_s: 250.0,
            longest: Duration::from_millis(4),
            longest_at_peak: Duration::from_millis(4),
            expected: modelled + Duration::from_millis(7),
        };
        assert_eq!(bounds(&producer), [expected]);
        producer.arrival = Arrival::Closed { outstanding: 4 };
        assert_eq!(bounds(&producer), []);
    }
}

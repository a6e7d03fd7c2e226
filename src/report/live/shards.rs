//! What the shards of a run are taking.

use std::collections::BTreeMap;

use super::Course;
use crate::kinesis::ShardId;
use crate::measure::live::{Picture, ShardView};
use crate::measure::{PartId, ShardCounters};

/// What one shard took in the newest interval in which anything was sent to it.
#[derive(Clone, PartialEq, Debug)]
pub struct ShardLoad {
    /// The stream.
    pub stream: String,
    /// The shard.
    pub shard: ShardId,
    /// Records that the schedule meant for it, per second.
    pub offered_per_s: f64,
    /// Records accepted, per second.
    pub acked_per_s: f64,
    /// Attempts that a limit refused, per second.
    pub refused_per_s: f64,
    /// The larger of its shares of the two write limits; `None` without limits. May be above 1 for an interval, because a
    /// limit lets through what it saved up.
    pub used: Option<f64>,
}

/// The shards that producers have written to, by stream and number; none that have taken nothing for a while, such as
/// those that were split.
pub fn shard_loads(course: &Course, picture: &Picture) -> Vec<ShardLoad> {
    let mut shards = BTreeMap::<(&str, ShardId), (u64, ShardCounters)>::new();
    let written = picture.shards.iter();
    let written = written.filter(|((_, _, part), _)| matches!(part, PartId::Producer(_)));
    let written: Vec<(_, &ShardView)> = written.collect();
    let newest = written.iter().map(|(_, view)| view.interval).max();
    // What producers see of an interval reaches the picture within the next one.
    let recent = newest.unwrap_or_default().saturating_sub(1);
    for ((stream, shard, _), view) in written {
        if view.interval < recent {
            continue;
        }
        let sum = shards.entry((stream.as_str(), *shard)).or_default();
        if view.interval > sum.0 {
            *sum = (view.interval, ShardCounters::default());
        }
        if view.interval == sum.0 {
            sum.1.merge(&view.newest);
        }
    }
    let seconds = picture.interval_s();
    let shards = shards.into_iter();
    let loads = shards.map(|((stream, shard), (_, counters))| {
        let per_s = |count: u64| count as f64 / seconds;
        let of = |rate: f64, limit: Option<f64>| limit.map(|limit| rate / limit);
        let used = [
            of(per_s(counters.acked), course.shard_records_per_s),
            of(per_s(counters.acked_bytes), course.shard_bytes_per_s),
        ];
        ShardLoad {
            stream: stream.to_owned(),
            shard,
            offered_per_s: per_s(counters.offered),
            acked_per_s: per_s(counters.acked),
            refused_per_s: per_s(counters.refused_total()),
            used: used.into_iter().flatten().reduce(f64::max),
        }
    });
    loads.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::live::tests::course;

    fn view(interval: u64, acked: u64, acked_bytes: u64) -> ShardView {
        let counters = ShardCounters {
            offered: acked + 10,
            acked,
            acked_bytes,
            ..ShardCounters::default()
        };
        ShardView {
            total: counters,
            newest: counters,
            interval,
        }
    }

    #[test]
    fn a_shard_shows_its_newest_interval_over_all_producers_against_the_nearer_limit() {
        let mut picture = Picture::default();
        let mut add = |shard, producer, view| {
            let key = (
                "orders".to_owned(),
                ShardId::new(shard).unwrap(),
                PartId::Producer(producer),
            );
            picture.shards.insert(key, view);
        };
        add(0, 0, view(7, 100, 1_000));
        add(0, 1, view(7, 400, 1_000));
        // An interval behind the other producer: not added to it.
        add(1, 0, view(6, 900, 0));
        add(1, 1, view(7, 10, 524_288));
        // Split long ago.
        add(2, 0, view(2, 1_000, 0));
        let loads = shard_loads(&course(), &picture);
        let shown: Vec<_> = loads
            .iter()
            .map(|load| (load.shard.number(), load.acked_per_s, load.used))
            .collect();
        assert_eq!(shown, [(0, 500.0, Some(0.5)), (1, 10.0, Some(0.5))]);
        assert!((loads[0].offered_per_s - 520.0).abs() < 1e-9);
        let mut unlimited = course();
        (unlimited.shard_records_per_s, unlimited.shard_bytes_per_s) = (None, None);
        assert_eq!(shard_loads(&unlimited, &picture)[0].used, None);
    }
}

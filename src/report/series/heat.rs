//! Shards against their limits, over time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ShardLimits, Sources, intervals_of_a_point};
use crate::kinesis::ShardId;
use crate::measure::ShardCounters;

/// The most points of a row.
const POINTS_MAX: u64 = 120;
/// The fewest that points are given up to, where shards are many.
const POINTS_MIN: u64 = 12;
/// The most cells of a stream, where that leaves enough points.
const CELLS_MAX: u64 = 40_000;

/// How much of its limit each shard of a stream was offered, over time.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Heat {
    /// When the first point begins, in seconds since the load began.
    pub from_s: f64,
    /// How long each point is, in seconds.
    pub point_s: f64,
    /// How many points each row has.
    pub points: u64,
    /// What is held against the limits: `offered` or, of a stream that only others write, `delivered`.
    pub held: String,
    /// The limits of a shard.
    pub limits: ShardLimits,
    /// The shards that saw anything, by number.
    pub rows: Vec<HeatRow>,
}

/// One shard over time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeatRow {
    /// The shard, by number.
    pub shard: u32,
    /// What it was offered in hundredths of the nearer of its limits, rounded up: above 100 it was too much.
    pub percent: Vec<u64>,
    /// Attempts that a limit refused.
    pub refused: Vec<u64>,
}

/// The heat of every stream whose shards were offered anything or gave anything.
pub(super) fn heat(sources: &Sources<'_>) -> BTreeMap<String, Heat> {
    let streams = sources.view.streams.iter();
    let streams =
        streams.filter_map(|&(name, _)| Some((name.to_owned(), of_stream(sources, name)?)));
    streams.collect()
}

fn of_stream(sources: &Sources<'_>, name: &str) -> Option<Heat> {
    let limits = sources.limits.get(name).copied()?;
    let intervals = sources.of_stream(name)?;
    let totals = intervals.shards_over(..);
    if totals.is_empty() {
        return None;
    }
    let is_offered = totals.values().any(|counters| counters.offered > 0);
    let mut shards: BTreeMap<ShardId, Vec<ShardCounters>> = totals
        .into_keys()
        .map(|shard| (shard, Vec::new()))
        .collect();
    let most = (CELLS_MAX / shards.len() as u64).clamp(POINTS_MIN, POINTS_MAX);
    let count = sources.count();
    let intervals_each = intervals_of_a_point(sources.view.clock.length(), count, most);
    let points = count.div_ceil(intervals_each) as usize;
    for row in shards.values_mut() {
        row.resize(points, ShardCounters::default());
    }
    for interval in intervals.rows() {
        let at = (interval.index / intervals_each) as usize;
        for (shard, counters) in interval.shards() {
            if let Some(sum) = shards.get_mut(&shard).and_then(|row| row.get_mut(at)) {
                sum.merge(&counters);
            }
        }
    }
    let point_s = sources.interval_s() * intervals_each as f64;
    let rows = shards.into_iter().map(|(shard, row)| HeatRow {
        shard: shard.number(),
        percent: row
            .iter()
            .map(|sum| {
                if is_offered {
                    limits.percent(sum.offered, sum.offered_bytes, point_s)
                } else {
                    limits.percent(sum.delivered, sum.delivered_bytes, point_s)
                }
            })
            .collect(),
        refused: row.iter().map(ShardCounters::refused_total).collect(),
    });
    Some(Heat {
        from_s: sources.begin_s(0),
        point_s,
        points: points as u64,
        held: if is_offered { "offered" } else { "delivered" }.to_owned(),
        limits,
        rows: rows.collect(),
    })
}

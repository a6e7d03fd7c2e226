//! Load and latency over time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Sources, all_shards, intervals_of_a_point};
use crate::measure::{LatencyHistogram, LatencyKind, PackedHistogram, PartId};

/// The most points of a series.
const POINTS_MAX: u64 = 600;

/// How load and latency went, point by point from the first interval to the last of the drain. Points go by the time of what
/// happened, not by the intended time.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Timeline {
    /// When the first point begins, in seconds since the load began; not above 0.
    pub from_s: f64,
    /// How long each point is, in seconds; the last may have been shorter.
    pub point_s: f64,
    /// How many points each list has.
    pub points: u64,
    /// Counts by stream.
    pub streams: BTreeMap<String, StreamSeries>,
    /// Latencies by part (`producers.web`, all calls of a load as `calls.admin`) and kind, of both phases.
    pub latency: BTreeMap<String, BTreeMap<LatencyKind, LatencySeries>>,
}

/// What happened in a stream, point by point. Counts of records unless it says otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct StreamSeries {
    /// Meant by the schedule.
    pub offered: Vec<u64>,
    /// Attempts sent.
    pub sent: Vec<u64>,
    /// Accepted.
    pub acked: Vec<u64>,
    /// Attempts that a limit refused.
    pub refused: Vec<u64>,
    /// Attempts that failed otherwise or had no answer.
    pub failed_or_unknown: Vec<u64>,
    /// Deliveries to all consumers.
    pub delivered: Vec<u64>,
    /// The farthest that a reader was behind the tip of a shard, in milliseconds.
    pub lag_ms_max: Vec<u64>,
}

/// Latencies of one kind, point by point, in microseconds; 0 where `count` is 0.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LatencySeries {
    /// How many values were recorded.
    pub count: Vec<u64>,
    /// The median.
    pub p50_us: Vec<u64>,
    /// 99 % are at or below.
    pub p99_us: Vec<u64>,
    /// The highest.
    pub max_us: Vec<u64>,
}

impl StreamSeries {
    fn of(points: usize) -> Self {
        let zeros = || vec![0; points];
        Self {
            offered: zeros(),
            sent: zeros(),
            acked: zeros(),
            refused: zeros(),
            failed_or_unknown: zeros(),
            delivered: zeros(),
            lag_ms_max: zeros(),
        }
    }
}

impl LatencySeries {
    fn of(points: usize) -> Self {
        let zeros = || vec![0; points];
        Self {
            count: zeros(),
            p50_us: zeros(),
            p99_us: zeros(),
            max_us: zeros(),
        }
    }
}

/// The kinds that are followed over time: what a record's sender and its reader wait for.
const fn is_followed(kind: LatencyKind) -> bool {
    matches!(
        kind,
        LatencyKind::ResponseTime | LatencyKind::EndToEnd | LatencyKind::Lag
    )
}

/// The timeline; nothing of a run without intervals.
pub(super) fn timeline(sources: &Sources<'_>) -> Option<Timeline> {
    let count = sources.count();
    if count == 0 {
        return None;
    }
    let intervals = intervals_of_a_point(sources.view.clock.length(), count, POINTS_MAX);
    let points = count.div_ceil(intervals) as usize;
    let streams = sources.view.streams.iter();
    // Calls have latencies and no stream.
    let streams = streams.filter(|(name, intervals)| !name.is_empty() && !intervals.is_empty());
    let streams = streams.map(|&(name, of_stream)| {
        let mut series = StreamSeries::of(points);
        for (index, interval) in of_stream {
            let at = (index / intervals) as usize;
            let sum = all_shards(interval);
            series.offered[at] += sum.offered;
            series.sent[at] += sum.sent;
            series.acked[at] += sum.acked;
            series.refused[at] += sum.refused_total();
            series.failed_or_unknown[at] += sum.failed + sum.unknown;
            series.delivered[at] += sum.delivered;
            series.lag_ms_max[at] = series.lag_ms_max[at].max(sum.lag_ms_max);
        }
        (name.to_owned(), series)
    });
    Some(Timeline {
        from_s: sources.begin_s(0),
        point_s: sources.interval_s() * intervals as f64,
        points: points as u64,
        streams: streams.collect(),
        latency: latency(sources, intervals, points),
    })
}

fn latency(
    sources: &Sources<'_>,
    intervals: u64,
    points: usize,
) -> BTreeMap<String, BTreeMap<LatencyKind, LatencySeries>> {
    // By part and kind, what goes into each point, in order of time.
    let mut packed: BTreeMap<(String, LatencyKind), Vec<(usize, &PackedHistogram)>> =
        BTreeMap::new();
    for (_, of_stream) in &sources.view.streams {
        for (index, interval) in *of_stream {
            let at = (index / intervals) as usize;
            for ((part, kind), histogram) in &interval.latencies {
                if is_followed(*kind) {
                    let of_part = packed.entry((name(sources, *part), *kind)).or_default();
                    of_part.push((at, histogram));
                }
            }
        }
    }
    let mut latency: BTreeMap<String, BTreeMap<LatencyKind, LatencySeries>> = BTreeMap::new();
    for ((part, kind), mut histograms) in packed {
        // Calls of several streams come stream by stream.
        histograms.sort_by_key(|(at, _)| *at);
        let mut series = LatencySeries::of(points);
        for of_point in histograms.chunk_by(|a, b| a.0 == b.0) {
            let Some((at, sum)) = of_point.first().map(|(at, _)| *at).zip(merged(of_point)) else {
                continue;
            };
            series.count[at] = sum.count();
            series.p50_us[at] = sum.quantile_us(0.5);
            series.p99_us[at] = sum.quantile_us(0.99);
            series.max_us[at] = sum.inner().max();
        }
        latency.entry(part).or_default().insert(kind, series);
    }
    latency
}

fn merged(histograms: &[(usize, &PackedHistogram)]) -> Option<LatencyHistogram> {
    let unpacked = histograms.iter().map(|(_, packed)| packed.unpack());
    unpacked.reduce(|mut sum, next| {
        sum.merge(&next);
        sum
    })
}

/// A part's name; the load's for each of its calls.
fn name(sources: &Sources<'_>, part: PartId) -> String {
    let name = sources.view.part(part);
    match part {
        PartId::Call(_) => {
            let load = name.splitn(3, '.').take(2).collect::<Vec<_>>();
            load.join(".")
        }
        PartId::Producer(_) | PartId::Consumer(_) => name,
    }
}

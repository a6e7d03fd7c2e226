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
    pub parts: BTreeMap<String, BTreeMap<LatencyKind, LatencySeries>>,
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
    let mut streams = BTreeMap::new();
    let mut parts = Parts::of(points);
    let mut is_whole = true;
    for &(name, of_stream) in &sources.view.streams {
        let mut series = StreamSeries::of(points);
        let mut saw_any = false;
        for interval in of_stream.rows() {
            let at = (interval.index / intervals) as usize;
            let sum = all_shards(&interval);
            series.offered[at] += sum.offered;
            series.sent[at] += sum.sent;
            series.acked[at] += sum.acked;
            series.refused[at] += sum.refused_total();
            series.failed_or_unknown[at] += sum.failed + sum.unknown;
            series.delivered[at] += sum.delivered;
            series.lag_ms_max[at] = series.lag_ms_max[at].max(sum.lag_ms_max);
            saw_any = true;
            match interval.latencies() {
                Ok(latencies) => parts.add(sources, at, &latencies),
                Err(_) => is_whole = false,
            }
        }
        parts.close();
        // Calls have latencies and no stream.
        if saw_any && !name.is_empty() {
            streams.insert(name.to_owned(), series);
        }
    }
    Some(Timeline {
        from_s: sources.begin_s(0),
        point_s: sources.interval_s() * intervals as f64,
        points: points as u64,
        streams,
        // Of latencies that did not come back from the disk none are shown rather than some.
        parts: if is_whole {
            parts.series
        } else {
            BTreeMap::new()
        },
    })
}

/// The latencies of all parts, and of the point of each that is being added up.
struct Parts {
    points: usize,
    open: BTreeMap<(String, LatencyKind), (usize, LatencyHistogram)>,
    series: BTreeMap<String, BTreeMap<LatencyKind, LatencySeries>>,
}

impl Parts {
    fn of(points: usize) -> Self {
        Self {
            points,
            open: BTreeMap::new(),
            series: BTreeMap::new(),
        }
    }

    /// Adds an interval that lies in point `at`, which does not fall from call to call.
    fn add(
        &mut self,
        sources: &Sources<'_>,
        at: usize,
        latencies: &BTreeMap<(PartId, LatencyKind), PackedHistogram>,
    ) {
        for ((part, kind), packed) in latencies.iter().filter(|((_, kind), _)| is_followed(*kind)) {
            let key = (name(sources, *part), *kind);
            match self.open.get_mut(&key) {
                Some((open, sum)) if *open == at => sum.merge(&packed.unpack()),
                _ => {
                    let before = self.open.insert(key.clone(), (at, packed.unpack()));
                    if let Some((at, sum)) = before {
                        self.put(key, at, &sum);
                    }
                }
            }
        }
    }

    /// Closes what is open.
    fn close(&mut self) {
        for (key, (at, sum)) in std::mem::take(&mut self.open) {
            self.put(key, at, &sum);
        }
    }

    fn put(&mut self, (part, kind): (String, LatencyKind), at: usize, sum: &LatencyHistogram) {
        let points = self.points;
        let series = self.series.entry(part).or_default().entry(kind);
        let series = series.or_insert_with(|| LatencySeries::of(points));
        series.count[at] = sum.count();
        series.p50_us[at] = sum.quantile_us(0.5);
        series.p99_us[at] = sum.quantile_us(0.99);
        series.max_us[at] = sum.inner().max();
    }
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

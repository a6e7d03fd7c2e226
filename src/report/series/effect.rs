//! What an event did to its stream: before, during, after.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Sources, all_shards};
use crate::measure::{Collector, IntervalRow, LatencyHistogram, LatencyKind, ShardCounters};
use crate::report::document::EventRow;

/// How many intervals before an event, and after what it did was over, it is held against.
const AROUND: u64 = 5;
/// A stream is disturbed while its share of refused attempts is higher than before by more than this,
const REFUSED_SHARE: f64 = 0.01;
/// or a reader is farther behind than twice as far as before and this, in milliseconds,
const LAG_MS: u64 = 1_000;
/// or a response takes longer than twice the longest before and this, in microseconds.
const RESPONSE_US: u64 = 20_000;

/// What an event did to its stream.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Effect {
    /// The five intervals before it.
    pub before: Around,
    /// From its start until it was over and the stream as before.
    pub during: Around,
    /// The five intervals after that; absent where the load had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Around>,
    /// From the event's start to the end of the last interval in which the stream was disturbed, up to the next event or
    /// the end of the load, in seconds; 0 if none was. Absent if it was still disturbed then. Disturbed: the share of
    /// refused attempts a hundredth higher than before, a reader more than twice as far behind and 1 s, or a response longer
    /// than twice the longest before and 20 ms. As exact as intervals are short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_s: Option<f64>,
}

/// A stream over a stretch of time.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Around {
    /// When it begins, in seconds since the load began.
    pub from_s: f64,
    /// When it ends.
    pub until_s: f64,
    /// Records that the schedule meant, per second.
    pub offered_per_s: f64,
    /// Records accepted, per second.
    pub acked_per_s: f64,
    /// Attempts that a limit refused, per second.
    pub refused_per_s: f64,
    /// Deliveries to all consumers, per second.
    pub delivered_per_s: f64,
    /// The farthest that a reader was behind the tip, in milliseconds.
    pub lag_ms_max: u64,
    /// The 99th percentile of response time over all producers, in microseconds; absent where nothing was acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_p99_us: Option<u64>,
    /// The 99th percentile of end-to-end latency over all consumers, in microseconds; absent where nothing was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_to_end_p99_us: Option<u64>,
}

/// Says of each event that happened what it did, the load having ended `end_s` seconds after it began.
pub(super) fn add(events: &mut [EventRow], end_s: f64, sources: &Sources<'_>) {
    let starts: Vec<_> = events
        .iter()
        .map(|event| (event.stream.clone(), event.started_s))
        .collect();
    for event in events {
        let Some(started_s) = event.started_s else {
            continue;
        };
        let Some(intervals) = sources.of_stream(&event.stream) else {
            continue;
        };
        let later = starts.iter().filter_map(|(stream, at)| {
            let at = (*at)?;
            (*stream == event.stream && at > started_s).then_some(at)
        });
        let next_s = later.fold(end_s, f64::min);
        let stretch = Stretch { sources, intervals };
        event.effect = stretch.effect(started_s, event.ended_s, next_s, end_s);
    }
}

struct Stretch<'a> {
    sources: &'a Sources<'a>,
    intervals: &'a Collector,
}

impl Stretch<'_> {
    fn effect(
        &self,
        started_s: f64,
        ended_s: Option<f64>,
        next_s: f64,
        end_s: f64,
    ) -> Option<Effect> {
        let first = self.sources.index_at(started_s);
        let before_from = first.saturating_sub(AROUND);
        if before_from == first || started_s >= end_s {
            // Nothing to hold it against.
            return None;
        }
        let before = self.sum(before_from, first);
        // The interval that the next event or the end cuts is theirs.
        let limit = self.sources.index_at(next_s).max(first + 1);
        let disturbed = self
            .rows(first, limit)
            .filter(|now| is_disturbed(&all_shards(now), &before));
        let last = disturbed.map(|row| row.index).max();
        let recovered = last.is_none_or(|last| last + 1 < limit);
        let recovered_s = last.map_or(0.0, |last| self.sources.begin_s(last + 1) - started_s);
        let ended = self.sources.index_at(ended_s.unwrap_or(started_s)) + 1;
        let until = last
            .map_or(ended, |last| ended.max(last + 1))
            .min(limit.max(first + 1));
        let load_end = self.sources.index_at(end_s);
        let after_until = (until + AROUND).min(load_end);
        Some(Effect {
            before: self.around(before_from, first),
            during: self.around(first, until),
            after: (after_until > until).then(|| self.around(until, after_until)),
            recovered_s: recovered.then_some(recovered_s),
        })
    }

    fn rows(&self, from: u64, until: u64) -> impl Iterator<Item = IntervalRow<'_>> {
        let rows = self.intervals.rows();
        rows.filter(move |row| (from..until).contains(&row.index))
    }

    fn sum(&self, from: u64, until: u64) -> ShardCounters {
        let mut sum = ShardCounters::default();
        self.rows(from, until)
            .for_each(|interval| sum.merge(&all_shards(&interval)));
        sum
    }

    fn around(&self, from: u64, until: u64) -> Around {
        let sum = self.sum(from, until);
        let seconds = (until - from) as f64 * self.sources.interval_s();
        let per_s = |count: u64| crate::report::document::per_s(count, seconds);
        let mut merged: BTreeMap<LatencyKind, LatencyHistogram> = BTreeMap::new();
        let mut is_whole = true;
        for interval in self.rows(from, until) {
            let Ok(latencies) = interval.latencies() else {
                is_whole = false;
                continue;
            };
            for ((_, kind), packed) in latencies {
                if matches!(kind, LatencyKind::ResponseTime | LatencyKind::EndToEnd) {
                    merged.entry(kind).or_default().merge(&packed.unpack());
                }
            }
        }
        let p99_us = |kind: LatencyKind| {
            let all = merged
                .get(&kind)
                .filter(|all| is_whole && !all.is_empty())?;
            Some(all.quantile_us(0.99))
        };
        Around {
            from_s: self.sources.begin_s(from),
            until_s: self.sources.begin_s(until),
            offered_per_s: per_s(sum.offered),
            acked_per_s: per_s(sum.acked),
            refused_per_s: per_s(sum.refused_total()),
            delivered_per_s: per_s(sum.delivered),
            lag_ms_max: sum.lag_ms_max,
            response_p99_us: p99_us(LatencyKind::ResponseTime),
            end_to_end_p99_us: p99_us(LatencyKind::EndToEnd),
        }
    }
}

fn is_disturbed(now: &ShardCounters, before: &ShardCounters) -> bool {
    let refused_share =
        |counters: &ShardCounters| counters.refused_total() as f64 / (counters.sent.max(1)) as f64;
    refused_share(now) > refused_share(before) + REFUSED_SHARE
        || now.lag_ms_max > 2 * before.lag_ms_max + LAG_MS
        || now.response_us_max > 2 * before.response_us_max + RESPONSE_US
}

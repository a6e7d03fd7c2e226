//! A stream as CloudWatch shows it, minute by minute, beside what happened within each minute.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Sources;
use crate::measure::ShardCounters;
use crate::report::document::{Document, ShardRow};

/// The most minutes of a stream that are kept: those with the highest peaks.
const ROWS_MAX: usize = 60;
/// Intervals that are longer hide as much as a minute does.
const INTERVAL_S_MAX: f64 = 10.0;
const MINUTE_S: f64 = 60.0;

/// The minutes of a stream's measurement window.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Minutes {
    /// How long a moment is, in seconds: peaks are those of a moment.
    pub moment_s: f64,
    /// How many minutes the window has; begun ones count.
    pub minutes: u64,
    /// The minutes with the highest peaks, 60 at most, in order of time.
    pub rows: Vec<MinuteRow>,
}

/// One minute. Minutes begin with the measurement window, CloudWatch's with the clock's minute.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MinuteRow {
    /// When it begins, in seconds since the load began.
    pub from_s: f64,
    /// How much of it lies in the window, in seconds.
    pub seconds: f64,
    /// CloudWatch's `IncomingRecords`, Sum: accepted records, throttled ones are not in it. Records of the schedule.
    pub incoming_records: u64,
    /// CloudWatch's `IncomingBytes`, Sum.
    pub incoming_bytes: u64,
    /// CloudWatch's `WriteProvisionedThroughputExceeded`, Sum: records that a limit rejected, each attempt counted.
    pub throttled_records: u64,
    /// What `IncomingRecords` and `IncomingBytes` say of the stream's use: over the limits of its shards while they were
    /// open, the nearer of them, in hundredths, rounded up.
    pub mean_percent: u64,
    /// What the busiest shard was offered in its busiest moment, in hundredths of its limit, rounded up.
    pub peak_percent: u64,
    /// That shard, by number.
    pub peak_shard: u32,
    /// When that moment began, in seconds since the load began.
    pub peak_at_s: f64,
    /// Attempts that a limit refused in that moment, by all shards.
    pub peak_refused: u64,
}

/// The minutes of every stream that the run wrote to; none where intervals are too long to see within a minute.
pub(super) fn minutes(document: &Document, sources: &Sources<'_>) -> BTreeMap<String, Minutes> {
    let instrument = &document.instrument;
    if sources.interval_s() > INTERVAL_S_MAX || instrument.measure_s <= 0.0 {
        return BTreeMap::new();
    }
    let from_s = instrument.warm_up_s;
    let until_s = from_s + instrument.measure_s;
    let streams = sources.view.streams.iter().filter_map(|&(name, _)| {
        let minutes = of_stream(&document.shards, sources, name, (from_s, until_s))?;
        Some((name.to_owned(), minutes))
    });
    streams.collect()
}

fn of_stream(
    shards: &[ShardRow],
    sources: &Sources<'_>,
    name: &str,
    window: (f64, f64),
) -> Option<Minutes> {
    let limits = sources.limits.get(name)?;
    let intervals = sources.of_stream(name)?;
    let interval_s = sources.interval_s();
    let (first, end) = (
        sources.index_at(window.0),
        sources.index_at(window.1 - 1e-9),
    );
    let of_minute = ((MINUTE_S / interval_s).round() as u64).max(1);
    let count = (end + 1 - first).div_ceil(of_minute);
    let mut rows = Vec::new();
    let mut number = None;
    let within = intervals
        .rows()
        .filter(|row| (first..=end).contains(&row.index));
    for interval in within {
        let (index, shards) = (interval.index, interval.shards());
        let mut sum = ShardCounters::default();
        for counters in shards.values() {
            sum.merge(counters);
        }
        if sum.offered + sum.acked + sum.refused_total() == 0 {
            continue;
        }
        let minute = (index - first) / of_minute;
        if number != Some(minute) {
            number = Some(minute);
            let begin = first + minute * of_minute;
            let last = (begin + of_minute).min(end + 1);
            rows.push(MinuteRow {
                from_s: sources.begin_s(begin),
                seconds: (last - begin) as f64 * interval_s,
                incoming_records: 0,
                incoming_bytes: 0,
                throttled_records: 0,
                mean_percent: 0,
                peak_percent: 0,
                peak_shard: 0,
                peak_at_s: sources.begin_s(begin),
                peak_refused: 0,
            });
        }
        let Some(row) = rows.last_mut() else { continue };
        row.incoming_records += sum.acked;
        row.incoming_bytes += sum.acked_bytes;
        row.throttled_records += sum.refused_total();
        for (shard, counters) in &shards {
            let percent = limits.percent(counters.offered, counters.offered_bytes, interval_s);
            if percent > row.peak_percent {
                row.peak_percent = percent;
                row.peak_shard = shard.number();
                row.peak_at_s = sources.begin_s(index);
                row.peak_refused = sum.refused_total();
            }
        }
    }
    for row in &mut rows {
        let of_stream = shards.iter().filter(|shard| shard.stream == name);
        let times = of_stream.map(|shard| (shard.opened_s, shard.closed_s));
        let room_s = open_s(times, row.from_s, row.from_s + row.seconds);
        // A shard map that was never read says nothing: one shard, so that the figure is too high and not too low.
        let room_s = if room_s > 0.0 { room_s } else { row.seconds };
        row.mean_percent = limits.percent(row.incoming_records, row.incoming_bytes, room_s);
    }
    if rows.len() > ROWS_MAX {
        rows.sort_by_key(|row| std::cmp::Reverse((row.peak_percent, row.throttled_records)));
        rows.truncate(ROWS_MAX);
        rows.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
    }
    (!rows.is_empty()).then_some(Minutes {
        moment_s: interval_s,
        minutes: count,
        rows,
    })
}

/// How long shards that opened and closed at these times were open between two others, all together.
fn open_s(
    shards: impl Iterator<Item = (Option<f64>, Option<f64>)>,
    from_s: f64,
    until_s: f64,
) -> f64 {
    shards
        .map(|(opened_s, closed_s)| {
            let begin = opened_s.map_or(from_s, |at| at.max(from_s));
            let end = closed_s.map_or(until_s, |at| at.min(until_s));
            (end - begin).max(0.0)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_has_room_only_while_it_is_open() {
        // Two shards, of which one is split at 5 s of a minute that the window cuts at 11 s.
        let shards = [
            (None, None),
            (None, Some(5.0)),
            (Some(5.0), None),
            (Some(5.0), None),
            (Some(30.0), None),
            (None, Some(0.5)),
        ];
        assert!((open_s(shards.into_iter(), 1.0, 11.0) - 26.0).abs() < 1e-9);
    }
}

//! How long refusals go on after what caused them is over: the retries that queued up meanwhile still come.
//!
//! A *cause* is a throttle storm, from its start to its end, or a hot spell: intervals in a row in which more was offered to
//! a shard than one of its limits takes, from the start of the first to the end of the last. Causes of a shard that touch
//! or overlap are one. What goes on after it are the shard's refusals by any limit up to its next cause, whatever refused
//! them; how long, is from the end of the cause to the last of these answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::Timestamp;
use crate::kinesis::ShardId;
use crate::measure::{Collector, IntervalClock, ShardCounters};

/// The most rows of a report: those with the longest aftermath.
const ROWS_MAX: usize = 20;

/// A cause of refusals and what came after it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Aftermath {
    /// The stream.
    pub stream: String,
    /// The shards that it concerned, by number.
    pub shards: Vec<u32>,
    /// The storm by its event's name, `offered above the limit`, or both.
    pub cause: String,
    /// When the cause began, in seconds since the load began.
    pub from_s: f64,
    /// When it was over. Of hot spells only as exact as the intervals are short.
    pub until_s: f64,
    /// How long after that the last refusal was answered, in seconds; 0 when there was none.
    pub outlived_s: f64,
}

/// Something that has its writes refused, for a while.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Cause {
    pub(super) name: String,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// What a shard takes in an interval; infinite where no limit holds or records cannot be held against it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Takes {
    pub(super) records_per_s: f64,
    pub(super) bytes_per_s: f64,
}

impl Takes {
    fn less_than(&self, offered: &ShardCounters, seconds: f64) -> bool {
        offered.offered as f64 > self.records_per_s * seconds
            || offered.offered_bytes as f64 > self.bytes_per_s * seconds
    }
}

/// The name of a hot spell.
const HOT: &str = "offered above the limit";

/// The causes in one stream and what came after each, the longest first. Causes that had nothing refused are left out.
pub(super) fn aftermath(
    stream: &str,
    intervals: &Collector,
    clock: IntervalClock,
    start: Timestamp,
    storms: &[Cause],
    takes: Takes,
) -> Vec<Aftermath> {
    let mut shards: BTreeMap<ShardId, Vec<Seen>> = BTreeMap::new();
    for interval in intervals.rows() {
        for (shard, counters) in interval.shards() {
            let seen = Seen {
                interval: interval.index,
                is_hot: takes.less_than(&counters, clock.length().as_secs_f64()),
                refused_last_ns: counters.refused_last_ns,
            };
            if seen.is_hot || seen.refused_last_ns > 0 {
                shards.entry(shard).or_default().push(seen);
            }
        }
    }
    // What is one cause for several shards is one row.
    let mut rows: BTreeMap<(Timestamp, Timestamp, String), (Vec<u32>, u64)> = BTreeMap::new();
    for (shard, counted) in &shards {
        let causes = joined(storms, hot_spells(counted, clock));
        for (cause, next) in causes
            .iter()
            .zip(causes.iter().skip(1).map(Some).chain([None]))
        {
            let Some(outlived_ns) = outlived_ns(cause, next, counted, clock) else {
                continue;
            };
            let key = (cause.from, cause.until, cause.name.clone());
            let row = rows.entry(key).or_default();
            row.0.push(shard.number());
            row.1 = row.1.max(outlived_ns);
        }
    }
    let seconds = |at: Timestamp| at.signed_nanos_since(start) as f64 / 1e9;
    let mut rows: Vec<_> = rows
        .into_iter()
        .map(|((from, until, cause), (shards, outlived_ns))| Aftermath {
            stream: stream.to_owned(),
            shards,
            cause,
            from_s: seconds(from),
            until_s: seconds(until),
            outlived_s: outlived_ns as f64 / 1e9,
        })
        .collect();
    rows.sort_by(|a, b| b.outlived_s.total_cmp(&a.outlived_s));
    rows.truncate(ROWS_MAX);
    rows
}

/// What a shard had in an interval, where that was of note.
#[derive(Clone, Copy, Debug)]
struct Seen {
    interval: u64,
    /// More was offered than it takes.
    is_hot: bool,
    /// As [`ShardCounters::refused_last_ns`].
    refused_last_ns: u64,
}

fn hot_spells(counted: &[Seen], clock: IntervalClock) -> Vec<Cause> {
    let hot = counted.iter().filter(|seen| seen.is_hot);
    hot.map(|seen| Cause {
        name: HOT.to_owned(),
        from: clock.begin_of(seen.interval),
        until: clock.begin_of(seen.interval + 1),
    })
    .collect()
}

/// All causes in order of time, those that touch as one.
fn joined(storms: &[Cause], spells: Vec<Cause>) -> Vec<Cause> {
    let mut causes = storms.to_vec();
    causes.extend(spells);
    causes.sort_by_key(|cause| (cause.from, cause.until));
    let mut joined: Vec<Cause> = Vec::new();
    for cause in causes {
        match joined.last_mut() {
            Some(last) if cause.from <= last.until => {
                last.until = last.until.max(cause.until);
                if !last.name.split(" and ").any(|name| name == cause.name) {
                    last.name = format!("{} and {}", last.name, cause.name);
                }
            }
            _ => joined.push(cause),
        }
    }
    joined
}

/// From the end of a cause to the last refusal before the next one; nothing if neither it nor its aftermath had any.
fn outlived_ns(
    cause: &Cause,
    next: Option<&Cause>,
    counted: &[Seen],
    clock: IntervalClock,
) -> Option<u64> {
    // The interval in which the next cause begins has refusals of both: it is left to that one.
    let end = next.map_or(u64::MAX, |next| clock.index_of(next.from));
    let from = clock.index_of(cause.from);
    let refusals = counted
        .iter()
        .filter(|seen| (from..end.max(from + 1)).contains(&seen.interval))
        .map(|seen| seen.refused_last_ns);
    let last = refusals.filter(|&at| at > 0).max()?;
    Some(last.saturating_sub(cause.until.as_nanos()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::kinesis::Cause as Limit;
    use crate::measure::{IntervalDelta, PartId};

    const START_S: u64 = 1_000;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(START_S * 1_000 + ms)
    }

    /// Rows of second, shard, records offered, and when the last refusal was, in ms.
    fn aftermath_of(
        rows: &[(u64, u32, u64, Option<u64>)],
        storms: &[(u64, u64)],
    ) -> Vec<Aftermath> {
        let mut collector = Collector::new();
        for &(index, shard, offered, refused_ms) in rows {
            let mut counters = ShardCounters {
                offered,
                ..ShardCounters::default()
            };
            if let Some(ms) = refused_ms {
                counters.refuse(Limit::Injected, 1, 100);
                counters.saw_refusal(at(ms));
            }
            collector.add(IntervalDelta {
                part: PartId::Producer(0),
                index,
                shards: vec![(ShardId::new(shard).unwrap(), counters)],
                latencies: Vec::new(),
            });
        }
        let storms: Vec<_> = storms
            .iter()
            .map(|&(from, until)| Cause {
                name: "storm".to_owned(),
                from: at(from),
                until: at(until),
            })
            .collect();
        let clock = IntervalClock::new(at(0), Duration::from_secs(1));
        let takes = Takes {
            records_per_s: 1_000.0,
            bytes_per_s: f64::INFINITY,
        };
        aftermath("orders", &collector, clock, at(0), &storms, takes)
    }

    #[test]
    fn a_storm_is_outlived_by_its_last_refusal_of_any_shard() {
        let rows = [
            (2, 0, 500, Some(2_900)),
            (3, 0, 500, Some(3_750)),
            (3, 1, 500, Some(3_200)),
            (4, 1, 500, None),
        ];
        let found = aftermath_of(&rows, &[(2_000, 3_000)]);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].cause.as_str(), &found[0].shards[..]),
            ("storm", &[0, 1][..])
        );
        assert!((found[0].outlived_s - 0.75).abs() < 1e-9, "{found:?}");
        assert!((found[0].until_s - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_hot_spell_is_its_seconds_in_a_row_and_ends_before_the_first_that_fits() {
        let rows = [
            (0, 0, 900, None),
            (1, 0, 1_500, None),
            (2, 0, 1_001, Some(2_500)),
            (3, 0, 1_000, Some(3_900)),
            (4, 0, 700, Some(4_250)),
            (5, 0, 700, None),
        ];
        let found = aftermath_of(&rows, &[]);
        assert_eq!(found.len(), 1);
        let spell = &found[0];
        assert_eq!((spell.from_s, spell.until_s), (1.0, 3.0));
        assert!((spell.outlived_s - 1.25).abs() < 1e-9, "{spell:?}");
    }

    #[test]
    fn refusals_are_of_the_last_cause_before_them_and_a_cause_without_any_is_left_out() {
        let rows = [
            (1, 0, 100, Some(1_500)),
            (2, 0, 100, Some(2_300)),
            (5, 0, 100, Some(5_990)),
            (6, 0, 100, None),
            (9, 0, 2_000, None),
        ];
        let found = aftermath_of(&rows, &[(1_000, 2_000), (5_100, 6_000)]);
        let outlived: Vec<_> = found.iter().map(|row| row.outlived_s).collect();
        assert_eq!(found.len(), 2);
        assert!(
            (outlived[0] - 0.3).abs() < 1e-9 && outlived[1] == 0.0,
            "{found:?}"
        );
    }

    #[test]
    fn a_storm_within_a_hot_spell_is_one_cause_with_it() {
        let rows = [
            (1, 0, 1_500, Some(1_500)),
            (2, 0, 1_500, Some(2_900)),
            (3, 0, 100, Some(3_400)),
        ];
        let found = aftermath_of(&rows, &[(1_500, 2_500)]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].cause, "offered above the limit and storm");
        assert!((found[0].outlived_s - 0.4).abs() < 1e-9, "{found:?}");
    }
}

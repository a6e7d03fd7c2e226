//! `intervals.csv`: what each shard saw in each interval.
//!
//! Counts are records or attempts as [`ShardCounters`] says; bytes are billed bytes. Intervals go by the time of what
//! happened, not by the intended time, and cover warm-up and drain as well.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use crate::base::Timestamp;
use crate::kinesis::{Cause, ShardId};
use crate::measure::{IntervalClock, ShardCounters};
use crate::report::interval_view::IntervalView;

/// The columns before the ones of causes.
const BEFORE: &str = "interval_start_s,stream,shard,offered,offered_bytes,sent,acked,acked_bytes";
/// The columns after them.
const AFTER: &str =
    "refused_bytes,failed,unknown,delivered,delivered_bytes,lag_ms_max,response_us_max";

/// Writes a line of names and a line per interval and shard, in order of time; shards that saw nothing have none.
///
/// # Errors
/// What `out` answers.
pub fn write(out: &mut dyn Write, view: &IntervalView<'_>) -> io::Result<()> {
    write!(out, "{BEFORE},")?;
    for cause in Cause::ALL {
        write!(out, "refused_{},", cause.as_str().replace('-', "_"))?;
    }
    writeln!(out, "{AFTER}")?;
    for (stream, interval) in view.rows() {
        let start_s = view.clock.length().as_secs_f64() * interval.index as f64;
        // The exporter quotes nothing: stream names are `[a-zA-Z0-9_.-]` and the rest are numbers.
        for (shard, counters) in &interval.shards() {
            write!(out, "{start_s},{stream},{shard},")?;
            row(out, counters)?;
        }
    }
    Ok(())
}

/// The counters of a run by stream, number of the interval and shard.
pub type Counters = BTreeMap<String, BTreeMap<u64, BTreeMap<ShardId, ShardCounters>>>;

/// What [`write()`] wrote, by stream and number of the interval; `length_s` is the length of an interval in seconds.
///
/// # Errors
/// What is wrong with the table, with its line, as a sentence's end.
pub fn read(table: &str, length_s: f64) -> Result<Counters, String> {
    let mut lines = table.lines().zip(1..);
    let mut expected = Vec::new();
    let nothing = IntervalView {
        clock: IntervalClock::new(Timestamp::ZERO, Duration::from_secs(1)),
        streams: Vec::new(),
        producers: Vec::new(),
        consumers: Vec::new(),
        calls: Vec::new(),
    };
    // Into memory: nothing can refuse.
    let _ = write(&mut expected, &nothing);
    if lines.next().map(|(line, _)| line.as_bytes()) != expected.strip_suffix(b"\n") {
        return Err("its columns are not those that this version writes".to_owned());
    }
    let mut streams = Counters::new();
    for (line, number) in lines {
        let parsed = parse(line).ok_or_else(|| format!("line {number} cannot be read"))?;
        let (start_s, stream, shard, counters) = parsed;
        let intervals = streams.entry(stream.to_owned()).or_default();
        let index = (start_s / length_s).round() as u64;
        let rows = intervals.entry(index).or_default();
        rows.entry(shard).or_default().merge(&counters);
    }
    Ok(streams)
}

fn parse(line: &str) -> Option<(f64, &str, ShardId, ShardCounters)> {
    let mut fields = line.split(',');
    let start_s = fields.next()?.parse().ok()?;
    let stream = fields.next()?;
    let shard = fields.next()?.parse().ok()?;
    let mut number = || fields.next()?.parse::<u64>().ok();
    let mut counters = ShardCounters {
        offered: number()?,
        offered_bytes: number()?,
        sent: number()?,
        acked: number()?,
        acked_bytes: number()?,
        ..ShardCounters::default()
    };
    for attempts in &mut counters.refused {
        *attempts = number()?;
    }
    let counters = ShardCounters {
        refused_bytes: number()?,
        failed: number()?,
        unknown: number()?,
        delivered: number()?,
        delivered_bytes: number()?,
        lag_ms_max: number()?,
        response_us_max: number()?,
        ..counters
    };
    fields
        .next()
        .is_none()
        .then_some((start_s, stream, shard, counters))
}

fn row(out: &mut dyn Write, counters: &ShardCounters) -> io::Result<()> {
    let ShardCounters {
        offered,
        offered_bytes,
        sent,
        acked,
        acked_bytes,
        refused,
        refused_bytes,
        refused_last_ns: _,
        failed,
        unknown,
        delivered,
        delivered_bytes,
        lag_ms_max,
        response_us_max,
        window_offered: _,
        window_offered_bytes: _,
        window_acked: _,
        window_acked_bytes: _,
    } = counters;
    write!(
        out,
        "{offered},{offered_bytes},{sent},{acked},{acked_bytes},"
    )?;
    for attempts in refused {
        write!(out, "{attempts},")?;
    }
    writeln!(
        out,
        "{refused_bytes},{failed},{unknown},{delivered},{delivered_bytes},{lag_ms_max},{response_us_max}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Interval;

    #[test]
    fn every_counter_stands_under_its_own_name() {
        let mut counters = ShardCounters {
            offered: 1,
            offered_bytes: 2,
            sent: 3,
            acked: 4,
            acked_bytes: 5,
            failed: 6,
            unknown: 7,
            delivered: 8,
            delivered_bytes: 9,
            lag_ms_max: 10,
            response_us_max: 11,
            ..ShardCounters::default()
        };
        for (cause, attempts) in Cause::ALL.into_iter().zip(20..) {
            counters.refuse(cause, attempts, 1);
        }
        let interval = Interval {
            shards: BTreeMap::from([(ShardId::new(3).unwrap(), counters)]),
            latencies: BTreeMap::new(),
        };
        let intervals = BTreeMap::from([(0, interval.clone()), (7, interval)]);
        let intervals = crate::measure::Collector::from(intervals);
        let view = IntervalView {
            clock: IntervalClock::new(Timestamp::from_secs(1_000), Duration::from_secs(10)),
            streams: vec![("orders", &intervals)],
            producers: vec![],
            consumers: vec![],
            calls: vec![],
        };
        let mut bytes = Vec::new();
        write(&mut bytes, &view).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let back = read(&text, 10.0).unwrap();
        let rows = |index| {
            (
                index,
                BTreeMap::from([(ShardId::new(3).unwrap(), counters)]),
            )
        };
        assert_eq!(back["orders"], BTreeMap::from([rows(0), rows(7)]));
        assert!(
            read(&text.replace(",11\n", "\n"), 10.0)
                .unwrap_err()
                .contains("line 2")
        );
        assert!(
            read(&text.replace("sent", "send"), 10.0)
                .unwrap_err()
                .contains("columns")
        );
        let lines: Vec<Vec<_>> = text.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(lines.len(), 3);
        let of = |line: usize, name: &str| {
            let column = lines[0].iter().position(|&column| column == name);
            lines[line][column.unwrap_or_else(|| panic!("no column `{name}`"))]
        };
        for (name, value) in [
            ("interval_start_s", "70"),
            ("stream", "orders"),
            ("shard", "shardId-000000000003"),
            ("offered", "1"),
            ("offered_bytes", "2"),
            ("sent", "3"),
            ("acked", "4"),
            ("acked_bytes", "5"),
            ("refused_write_records", "20"),
            ("refused_unknown", "28"),
            ("refused_bytes", "9"),
            ("failed", "6"),
            ("unknown", "7"),
            ("delivered", "8"),
            ("delivered_bytes", "9"),
            ("lag_ms_max", "10"),
            ("response_us_max", "11"),
        ] {
            assert_eq!(of(2, name), value, "{name}");
        }
        assert_eq!(of(1, "interval_start_s"), "0");
        assert!(lines.iter().all(|line| line.len() == lines[0].len()));
    }
}

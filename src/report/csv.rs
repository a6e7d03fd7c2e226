//! `intervals.csv`: what each shard saw in each interval.
//!
//! Counts are records or attempts as [`ShardCounters`] says; bytes are billed bytes. Intervals go by the time of what
//! happened, not by the intended time, and cover warm-up and drain as well.

use std::io::{self, Write};

use crate::kinesis::Cause;
use crate::measure::ShardCounters;
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
    for (index, stream, interval) in view.rows() {
        let start_s = view.clock.length().as_secs_f64() * index as f64;
        // The exporter quotes nothing: stream names are `[a-zA-Z0-9_.-]` and the rest are numbers.
        for (shard, counters) in &interval.shards {
            write!(out, "{start_s},{stream},{shard},")?;
            row(out, counters)?;
        }
    }
    Ok(())
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
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::base::Timestamp;
    use crate::kinesis::ShardId;
    use crate::measure::{Interval, IntervalClock};

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

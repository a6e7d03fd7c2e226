//! Rules of the phases, the streams and the engine.

use std::time::Duration;

use crate::kinesis::delays::{DELAYS, Delay};
use crate::kinesis::quotas::{CapName, RateName};
use crate::scenario::draft::Draft;
use crate::scenario::finding::{Finding, dotted};
use crate::scenario::schema::StreamMode;

const HOUR: Duration = Duration::from_hours(1);
const MIB: u64 = 1 << 20;

/// The shortest measurement window: in less, a record more or less makes a rate, and a pacer's wake-up a latency.
const MEASURE_MIN: Duration = Duration::from_millis(100);

pub(super) fn measures_something(draft: &Draft, findings: &mut Vec<Finding>) {
    if draft
        .time
        .as_ref()
        .is_some_and(|time| time.measure.value < MEASURE_MIN)
    {
        findings.push(Finding::value(
            &["time", "measure"],
            "`time.measure` must be at least 100ms",
        ));
    }
}

/// A provisioned stream is its number of shards; of a new on-demand one the service decides, and refuses a number
/// (API reference, CreateStream: that it refuses is unverified).
pub(super) fn shards_are_given_where_they_are_ones_own_choice(
    draft: &Draft,
    findings: &mut Vec<Finding>,
) {
    for (name, stream) in &draft.streams {
        match (stream.mode, stream.shards) {
            (StreamMode::Provisioned, None) => findings.push(
                Finding::value(
                    &["streams", name],
                    format!("`{}` needs `shards`", dotted(&["streams", name])),
                )
                .note("`shards` is a whole number from 1 to 100000"),
            ),
            (StreamMode::OnDemand, Some(_)) if !stream.existing => findings.push(
                Finding::value(
                    &["streams", name, "shards"],
                    format!(
                        "`{}` is on-demand: the service decides how many shards it has",
                        dotted(&["streams", name])
                    ),
                )
                .note("leave `shards` out: a new on-demand stream begins with 4"),
            ),
            _ => {}
        }
    }
}

/// A scenario offers records or calls, or watches what others write; and whoever writes or reads needs a stream.
pub(super) fn somebody_loads(draft: &Draft, findings: &mut Vec<Finding>) {
    let declared = &draft.declared;
    if declared.producers.is_empty() && declared.calls.is_empty() && declared.consumers.is_empty() {
        findings.push(
            Finding::value::<&str>(&[], "the scenario does nothing: it needs `producers`, `calls` or `consumers`")
                .note("accepted: `[producers.NAME]`, which writes records; `[calls.NAME]`, which calls any operation; `[consumers.NAME]`, which reads"),
        );
    }
    let uses_streams = !(declared.producers.is_empty() && declared.consumers.is_empty());
    if declared.streams.is_empty() && uses_streams {
        findings.push(
            Finding::value::<&str>(
                &[],
                "the scenario needs `streams`: producers and consumers use one",
            )
            .note("accepted: `[streams.NAME]` with its `shards`"),
        );
    }
}

/// 24 h to 8760 h (API reference, IncreaseStreamRetentionPeriod); whole hours, as its parameter counts them.
pub(super) fn keeps_records_as_long_as_the_service_can(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, stream) in &draft.streams {
        let kept = stream.retention.value;
        let whole = kept.as_nanos().is_multiple_of(HOUR.as_nanos());
        if !(24 * HOUR..=8_760 * HOUR).contains(&kept) || !whole {
            findings.push(Finding::value(
                &["streams", name, "retention"],
                format!(
                    "`{}` is not a retention that the service offers: whole hours from 24h to 8760h",
                    stream.retention
                ),
            ));
        }
    }
}

/// 1 MiB to 10 MiB (service model, `MaxRecordSizeInKiB`); whole KiB, as its parameter counts them.
pub(super) fn largest_record_is_one_the_service_can_have(
    draft: &Draft,
    findings: &mut Vec<Finding>,
) {
    for (name, stream) in &draft.streams {
        let bytes = stream.max_record_bytes.value;
        if !(MIB..=10 * MIB).contains(&bytes) || !bytes.is_multiple_of(1 << 10) {
            findings.push(Finding::value(
                &["streams", name, "max_record_bytes"],
                format!(
                    "`{}` is not a record size that the service offers: whole KiB from 1MiB to 10MiB",
                    stream.max_record_bytes
                ),
            ));
        }
    }
}

pub(super) fn memory_holds_a_record(draft: &Draft, findings: &mut Vec<Finding>) {
    let Some(engine) = &draft.engine else { return };
    let largest = draft
        .streams
        .values()
        .map(|stream| stream.max_record_bytes.value)
        .fold(MIB, u64::max);
    if engine.max_memory.value < largest {
        findings.push(Finding::value(
            &["engine", "max_memory"],
            format!(
                "`{}` holds not even one record of {} MiB",
                engine.max_memory,
                largest.div_ceil(MIB)
            ),
        ));
    }
}

/// A record is admitted whole: one that is larger than what the bucket holds would be refused forever.
pub(super) fn write_bucket_holds_the_largest_record(draft: &Draft, findings: &mut Vec<Finding>) {
    let Some(engine) = &draft.engine else { return };
    let limits = engine.limits.limits();
    let Some(bucket) = limits.rate(RateName::WriteBytes) else {
        return;
    };
    if !limits.is_rate_set(RateName::WriteBytes) {
        return;
    }
    let of_all = limits
        .cap(CapName::RecordBytes)
        .filter(|_| limits.is_cap_set(CapName::RecordBytes));
    let largest = of_all.or_else(|| {
        let sizes = draft
            .streams
            .values()
            .map(|stream| stream.max_record_bytes.value);
        sizes.max()
    });
    if let Some(largest) = largest
        && bucket.capacity < largest
    {
        findings.push(Finding::value(
            &["engine", "limits", "write_bytes"],
            format!(
                "a capacity of {} bytes lets no record of the largest size through: it needs at least {largest}",
                bucket.capacity
            ),
        ));
    }
}

pub(super) fn delays_have_their_percentiles_in_order(draft: &Draft, findings: &mut Vec<Finding>) {
    let Some(engine) = &draft.engine else { return };
    let delays = engine.latency.delays();
    for row in DELAYS {
        if let Delay::LogNormal { p50, p99 } = delays.get(row.delay)
            && (p50.is_zero() || p50 > p99)
        {
            findings.push(Finding::value(
                &["engine", "latency", row.name],
                format!(
                    "`engine.latency.{}` needs a p50 above zero and a p99 not below it",
                    row.name
                ),
            ));
        }
    }
}

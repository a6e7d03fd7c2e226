//! Rules of producers, and the one of consumers.

use super::keys::longest_key;
use super::stream_exists;
use crate::kinesis::quotas::{CapName, Limits};
use crate::scenario::defaults::STAMP_BYTES;
use crate::scenario::draft::Draft;
use crate::scenario::finding::Finding;
use crate::scenario::schema::{Arrival, Producer, PutApi, Retry, Size, StampPlace};

pub(super) fn streams_exist(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let path = ["producers", name, "stream"];
        stream_exists(draft, path, producer.stream.as_deref(), findings);
    }
    for (name, consumer) in &draft.consumers {
        let path = ["consumers", name, "stream"];
        stream_exists(draft, path, consumer.stream(), findings);
    }
}

/// Somebody else reads an existing stream: he must not find 36 bytes of ours before the data that he expects.
pub(super) fn existing_streams_get_no_stamp(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let stream = producer.stream.as_ref();
        let existing = stream.and_then(|stream| draft.streams.get(stream));
        if existing.is_some_and(|stream| stream.existing)
            && producer.payload.stamp == StampPlace::Prefix
        {
            findings.push(
                Finding::value(
                    &["producers", name, "payload", "stamp"],
                    format!("`producers.{name}` must not stamp the records of an existing stream"),
                )
                .note("accepted: `payload = { stamp = \"none\" }`; loss and order are not measured then"),
            );
        }
    }
}

/// The smallest and the largest size, with the field that sets each.
fn extremes(size: &Size) -> [(u64, &'static str); 2] {
    match size {
        Size::Fixed { bytes } => [(bytes.value, "bytes"); 2],
        Size::Uniform { min, max } => [(min.value, "min"), (max.value, "max")],
        Size::LogNormal { min, max, .. } => [
            (min.as_ref().map_or(0, |min| min.value), "min"),
            (max.value, "max"),
        ],
    }
}

/// Bytes of the largest record, data and key.
fn largest_record_bytes(draft: &Draft, producer: &Producer) -> u64 {
    let [_, (max, _)] = extremes(&producer.size);
    max.saturating_add(longest_key(draft, &producer.keys).1)
}

pub(super) fn sizes_are_in_order(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let [(min, _), (max, _)] = extremes(&producer.size);
        if min > max {
            findings.push(Finding::value(
                &["producers", name, "size", "max"],
                format!("the largest size, {max} B, is below the smallest, {min} B"),
            ));
        } else if let Size::LogNormal { median, .. } = &producer.size
            && !(min..=max).contains(&median.value)
        {
            findings.push(Finding::value(
                &["producers", name, "size", "median"],
                format!("the median `{median}` is not within {min} B and {max} B"),
            ));
        }
    }
}

pub(super) fn stamp_fits(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let [(min, field), _] = extremes(&producer.size);
        if producer.payload.stamp == StampPlace::Prefix && min < STAMP_BYTES {
            findings.push(
                Finding::value(
                    &["producers", name, "size", field],
                    format!("records of {min} B do not hold the stamp of {STAMP_BYTES} B"),
                )
                .note("accepted: 36B and more, or `payload.stamp = \"none\"`, without which nothing is said of loss and end-to-end latency"),
            );
        }
    }
}

pub(super) fn records_fit_the_stream(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let stream = producer
            .stream
            .as_ref()
            .and_then(|stream| draft.streams.get(stream));
        let Some(stream) = stream else { continue };
        let [_, (max, field)] = extremes(&producer.size);
        let most = stream.max_record_bytes.value;
        if largest_record_bytes(draft, producer) > most {
            let (_, key) = longest_key(draft, &producer.keys);
            findings.push(Finding::value(
                &["producers", name, "size", field],
                format!(
                    "records of {max} B with keys of up to {key} B exceed the stream's `max_record_bytes`, {most} B"
                ),
            ));
        }
    }
}

pub(super) fn put_record_sends_one(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        if producer.send.api == PutApi::PutRecord
            && let Some(more @ 2..) = producer.send.max_records
        {
            findings.push(
                Finding::value(
                    &["producers", name, "send", "max_records"],
                    format!("put-record sends one record a call, not {more}"),
                )
                .note("accepted: 1, or `api = \"put-records\"`"),
            );
        }
    }
}

pub(super) fn requests_hold_the_largest_record(draft: &Draft, findings: &mut Vec<Finding>) {
    let most = Limits::aws()
        .cap(CapName::PutRecordsBytes)
        .unwrap_or(u64::MAX);
    for (name, producer) in &draft.producers {
        let path = ["producers", name, "send", "max_bytes"];
        let given = &producer.send.max_bytes;
        let least = largest_record_bytes(draft, producer);
        if given.value > most {
            findings.push(Finding::value(
                &path,
                format!("`{given}` is more than a PutRecords call takes: 10MiB"),
            ));
        } else if given.value < least {
            findings.push(Finding::value(
                &path,
                format!(
                    "requests of `{given}` do not hold the largest record with its key, {least} B"
                ),
            ));
        }
    }
}

pub(super) fn attempts_are_given_time(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        if producer.send.timeout.value.is_zero() {
            findings.push(Finding::value(
                &["producers", name, "send", "timeout"],
                "an attempt's timeout must be above zero",
            ));
        }
    }
}

pub(super) fn waits_are_below_their_cap(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        if let Retry::Exponential { base, cap, .. } | Retry::FullJitter { base, cap, .. } =
            &producer.retry
            && base.value > cap.value
        {
            findings.push(Finding::value(
                &["producers", name, "retry", "cap"],
                format!("the longest wait, `{cap}`, is below the first, `{base}`"),
            ));
        }
    }
}

/// What a closed loop releases at once would overflow a smaller queue and be counted as not sent.
pub(super) fn outstanding_records_can_queue(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let most = producer.send.max_queued;
        if let Arrival::Closed { outstanding } = producer.arrival
            && outstanding > most
        {
            findings.push(Finding::value(
                &["producers", name, "arrival", "outstanding"],
                format!(
                    "{outstanding} records outstanding do not fit into `send.max_queued`, {most}"
                ),
            ));
        }
    }
}

//! Rules of producers, and the one of consumers.

use super::keys::longest_key;
use super::payloads::extremes;
use super::stream_exists;
use crate::kinesis::quotas::{CapName, Limits};
use crate::scenario::draft::Draft;
use crate::scenario::finding::{Finding, dotted};
use crate::scenario::schema::{
    AggregateSetting, Arrival, Producer, PutApi, RateLimitSetting, Retry, StampPlace,
};

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
pub(super) fn existing_streams_get_no_prefix(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let stream = producer.stream.as_ref();
        let existing = stream.and_then(|stream| draft.streams.get(stream));
        if existing.is_some_and(|stream| stream.existing)
            && producer.payload.stamp == Some(StampPlace::Prefix)
        {
            findings.push(
                Finding::value(
                    &["producers", name, "payload", "stamp"],
                    format!("`producers.{name}` must not put a stamp before the data of an existing stream"),
                )
                .note("accepted: `stamp = \"json-field\"` of a payload of kind `json`, or `stamp = \"none\"`, without which loss and order are not measured"),
            );
        }
    }
}

/// Bytes of the largest record, data and key.
fn largest_record_bytes(draft: &Draft, name: &str, producer: &Producer) -> Option<u64> {
    let [_, (max, _)] = extremes(draft, name, producer)?;
    Some(max.saturating_add(longest_key(draft, &producer.keys).1))
}

pub(super) fn records_fit_the_stream(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let stream = producer
            .stream
            .as_ref()
            .and_then(|stream| draft.streams.get(stream));
        let Some(stream) = stream else { continue };
        let Some([_, (max, field)]) = extremes(draft, name, producer) else {
            continue;
        };
        let most = stream.max_record_bytes.value;
        if largest_record_bytes(draft, name, producer).is_some_and(|bytes| bytes > most) {
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
        let least = largest_record_bytes(draft, name, producer).unwrap_or(0);
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
        if let Retry::Exponential { base, cap, .. }
        | Retry::FullJitter { base, cap, .. }
        | Retry::EqualJitter { base, cap, .. }
        | Retry::Decorrelated { base, cap, .. } = &producer.retry
            && base.value > cap.value
        {
            findings.push(Finding::value(
                &["producers", name, "retry", "cap"],
                format!("the longest wait, `{cap}`, is below the first, `{base}`"),
            ));
        }
    }
}

pub(super) fn rate_limits_limit(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let RateLimitSetting::Limit(limit) = &producer.send.rate_limit else {
            continue;
        };
        let path = ["producers", name, "send", "rate_limit"];
        let accepted = "accepted: `share`, `records_per_s` and `bytes_per_s` of at least \"1B\", one or more of them, or \"off\"";
        if limit.share.is_none() && limit.records_per_s.is_none() && limit.bytes_per_s.is_none() {
            let title = format!("`{}` limits nothing", dotted(&path));
            findings.push(Finding::value(&path, title).note(accepted));
        }
        if limit
            .bytes_per_s
            .as_ref()
            .is_some_and(|bytes| bytes.value == 0)
        {
            let path = ["producers", name, "send", "rate_limit", "bytes_per_s"];
            let title = format!("`{}` lets nothing through", dotted(&path));
            findings.push(Finding::value(&path, title).note(accepted));
        }
    }
}

/// A packed record is a record of the stream, and a request must hold it.
pub(super) fn aggregates_fit(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let AggregateSetting::Pack(aggregate) = &producer.send.aggregate else {
            continue;
        };
        let path = ["producers", name, "send", "aggregate", "max_bytes"];
        if aggregate.max_bytes.value == 0 {
            let text = format!(
                "`{}` holds no record: leave `aggregate` out",
                aggregate.max_bytes
            );
            findings.push(Finding::value(&path, text));
        }
        // Its partition key is one character.
        let bytes = aggregate.max_bytes.value.saturating_add(1);
        let stream = producer.stream.as_ref();
        let stream = stream.and_then(|stream| draft.streams.get(stream));
        let record = stream.map(|stream| stream.max_record_bytes.value);
        if let Some(most) = record.filter(|most| bytes > *most) {
            findings.push(Finding::value(
                &path,
                format!(
                    "packed records of `{}` with their key exceed the stream's `max_record_bytes`, {most} B",
                    aggregate.max_bytes
                ),
            ));
        } else if bytes > producer.send.max_bytes.value {
            findings.push(Finding::value(
                &path,
                format!(
                    "requests of `{}` (`send.max_bytes`) do not hold a packed record of `{}` with its key",
                    producer.send.max_bytes, aggregate.max_bytes
                ),
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

//! Makes the model out of a file that passed all checks.

use std::collections::BTreeMap;

use super::build_arrival::arrival;
use super::build_keys::keys;
use super::files::Files;
use super::model;
use super::schema::{
    Consumer, Event, File, NameKey, Ordering, Payload, PayloadKind, Producer, PutApi, Retry, Send,
    Size, Slo, StampPlace, Stream, Time,
};
use super::validate::bound_value;
use super::{metric::Metric, quantity::BytesText};
use crate::kinesis::StreamName;

/// The scenario that a file means; nothing if a stream or a figure does not exist, which the checks have refused.
pub(super) fn build(file: &File, files: &Files) -> Option<model::Scenario> {
    let producers = entries(&file.producers, |name, raw| producer(name, raw, files))?;
    Some(model::Scenario {
        name: file.name.clone(),
        question: file.question.clone(),
        seed: file.seed,
        time: time(&file.time),
        streams: file
            .streams
            .iter()
            .map(|(name, raw)| Some((name.0.clone(), stream(&name.0, raw)?)))
            .collect::<Option<_>>()?,
        engine: model::Engine {
            limits: file.engine.limits.limits(),
            delays: file.engine.latency.delays(),
            max_memory_bytes: file.engine.max_memory.value,
        },
        producers,
        consumers: entries(&file.consumers, consumer)?,
        events: entries(&file.events, event)?,
        slo: entries(&file.slo, slo)?,
    })
}

fn entries<R, M>(
    raw: &BTreeMap<NameKey, R>,
    build: impl Fn(&str, &R) -> Option<M>,
) -> Option<BTreeMap<String, M>> {
    raw.iter()
        .map(|(name, raw)| Some((name.0.clone(), build(&name.0, raw)?)))
        .collect()
}

fn time(raw: &Time) -> model::Time {
    model::Time {
        warm_up: raw.warm_up.value,
        measure: raw.measure.value,
        drain: raw.drain.value,
    }
}

fn stream_name(name: Option<&str>) -> Option<StreamName> {
    name?.parse().ok()
}

fn stream(name: &str, raw: &Stream) -> Option<model::Stream> {
    Some(model::Stream {
        name: stream_name(Some(name))?,
        shards: raw.shards,
        retention: raw.retention.value,
        max_record_bytes: raw.max_record_bytes.value,
        existing: raw.existing,
    })
}

fn producer(name: &str, raw: &Producer, files: &Files) -> Option<model::Producer> {
    Some(model::Producer {
        name: name.to_owned(),
        stream: stream_name(raw.stream.as_deref())?,
        workers: raw.workers,
        arrival: arrival(&raw.arrival, files)?,
        keys: keys(&raw.keys, files)?,
        size: size(&raw.size),
        payload: payload(&raw.payload),
        send: send(&raw.send)?,
        retry: retry(&raw.retry),
    })
}

fn size(raw: &Size) -> model::Size {
    let bytes = |text: &BytesText| text.value;
    match raw {
        Size::Fixed { bytes: fixed } => model::Size::Fixed {
            bytes: bytes(fixed),
        },
        Size::Uniform { min, max } => model::Size::Uniform {
            min: bytes(min),
            max: bytes(max),
        },
        Size::LogNormal {
            median,
            sigma,
            min,
            max,
        } => model::Size::LogNormal {
            median: bytes(median),
            sigma: *sigma,
            min: min.as_ref().map_or(0, bytes),
            max: bytes(max),
        },
    }
}

fn payload(raw: &Payload) -> model::Payload {
    model::Payload {
        kind: match raw.kind {
            PayloadKind::Random => model::PayloadKind::Random,
            PayloadKind::Zeros => model::PayloadKind::Zeros,
        },
        stamp: match raw.stamp {
            StampPlace::Prefix => model::StampPlace::Prefix,
            StampPlace::None => model::StampPlace::None,
        },
    }
}

fn send(raw: &Send) -> Option<model::Send> {
    Some(model::Send {
        api: match raw.api {
            PutApi::PutRecord => model::PutApi::PutRecord,
            PutApi::PutRecords => model::PutApi::PutRecords,
        },
        max_records: raw.max_records?,
        max_bytes: raw.max_bytes.value,
        linger: raw.linger.value,
        max_in_flight: raw.max_in_flight,
        timeout: raw.timeout.value,
        ordering: match raw.ordering {
            Ordering::None => model::Ordering::None,
            Ordering::PerKey => model::Ordering::PerKey,
        },
        max_queued: raw.max_queued,
    })
}

fn retry(raw: &Retry) -> model::Retry {
    let (kind, attempts, base, cap) = match raw {
        Retry::None {} => {
            return model::Retry {
                kind: model::RetryKind::None,
                attempts: 1,
                base: std::time::Duration::ZERO,
                cap: std::time::Duration::ZERO,
            };
        }
        Retry::Fixed { attempts, base } => (model::RetryKind::Fixed, attempts, base, base),
        Retry::Exponential {
            attempts,
            base,
            cap,
        } => (model::RetryKind::Exponential, attempts, base, cap),
        Retry::FullJitter {
            attempts,
            base,
            cap,
        } => (model::RetryKind::FullJitter, attempts, base, cap),
    };
    model::Retry {
        kind,
        attempts: *attempts,
        base: base.value,
        cap: cap.value,
    }
}

fn consumer(name: &str, raw: &Consumer) -> Option<model::Consumer> {
    let (kind, start) = match raw {
        Consumer::Polling {
            interval,
            max_records,
            backoff,
            start,
            ..
        } => {
            let kind = model::ConsumerKind::Polling {
                interval: interval.value,
                max_records: *max_records,
                backoff: backoff.value,
            };
            (kind, start)
        }
        Consumer::FanOut {
            consumer_name,
            start,
            ..
        } => {
            let name = consumer_name.as_deref().map(str::parse).transpose();
            let kind = model::ConsumerKind::FanOut {
                name: name.ok()?,
                registered: None,
            };
            (kind, start)
        }
    };
    Some(model::Consumer {
        name: name.to_owned(),
        stream: stream_name(raw.stream())?,
        kind,
        start: start.value,
        max_bytes_per_s: None,
    })
}

fn event(name: &str, raw: &Event) -> Option<model::Event> {
    let action = match raw {
        Event::SplitShard {
            shard,
            new_starting_hash_key,
            ..
        } => model::Action::SplitShard {
            shard: shard.value,
            at: new_starting_hash_key.as_ref().map(|key| key.value),
        },
        Event::MergeShards { shard, .. } => model::Action::MergeShards { shard: shard.value },
        Event::UpdateShardCount { target, .. } => {
            model::Action::UpdateShardCount { target: *target }
        }
        Event::Stall { duration, .. } => model::Action::Stall {
            duration: duration.value,
        },
        Event::ThrottleStorm {
            duration,
            shard,
            share,
            ..
        } => model::Action::ThrottleStorm {
            duration: duration.value,
            shard: shard.as_ref().map(|shard| shard.value),
            share: *share,
        },
        Event::ResetConnections { .. } => model::Action::ResetConnections,
    };
    Some(model::Event {
        name: name.to_owned(),
        at: raw.at().value,
        stream: stream_name(raw.on())?,
        action,
        optional: raw.optional(),
    })
}

fn slo(name: &str, raw: &Slo) -> Option<model::Slo> {
    let kind = Metric::parse(&raw.metric).ok()?.kind;
    let bound = |bound: Option<&_>| match bound {
        Some(bound) => bound_value(kind, bound).ok().map(Some),
        None => Some(None),
    };
    Some(model::Slo {
        name: name.to_owned(),
        metric: raw.metric.clone(),
        max: bound(raw.max.as_ref())?,
        min: bound(raw.min.as_ref())?,
    })
}

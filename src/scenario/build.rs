//! Makes the model out of a file that passed all checks.

use std::collections::BTreeMap;

use super::build_arrival::arrival;
use super::build_calls::calls;
use super::build_keys::keys;
use super::build_payload::{payload, size};
use super::files::Files;
use super::metric::Metric;
use super::model;
use super::schema::{
    AggregateSetting, Consumer, Event, File, NameKey, Ordering, Producer, PutApi, RateLimit,
    RateLimitSetting, Retry, RetryOf, Send, Slo, Stream, StreamMode, Time,
};
use super::validate::bound_value;
use crate::kinesis::quotas::{CAPS, CapName, RateName};
use crate::kinesis::{Limits, StreamName};

/// The scenario that a file means; nothing if a stream or a figure does not exist, which the checks have refused.
pub(super) fn build(file: &File, files: &Files) -> Option<model::Scenario> {
    let producers = entries(&file.producers, |name, raw| producer(name, raw, files))?;
    let limits = file.engine.limits.limits();
    Some(model::Scenario {
        name: file.name.clone(),
        question: file.question.clone(),
        seed: file.seed,
        time: time(&file.time),
        streams: file
            .streams
            .iter()
            .map(|(name, raw)| Some((name.0.clone(), stream(&name.0, raw, &limits)?)))
            .collect::<Option<_>>()?,
        engine: model::Engine {
            limits: limits.clone(),
            delays: file.engine.latency.delays(),
            max_memory_bytes: file.engine.max_memory.value,
        },
        producers,
        consumers: entries(&file.consumers, consumer)?,
        calls: entries(&file.calls, |name, raw| calls(name, raw, files))?,
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

pub(super) fn stream_name(name: Option<&str>) -> Option<StreamName> {
    name?.parse().ok()
}

fn stream(name: &str, raw: &Stream, limits: &Limits) -> Option<model::Stream> {
    let (mode, first) = match raw.mode {
        StreamMode::Provisioned => (model::StreamMode::Provisioned, None),
        StreamMode::OnDemand => (model::StreamMode::OnDemand, Some(first_shards(limits))),
    };
    Some(model::Stream {
        name: stream_name(Some(name))?,
        mode,
        shards: raw.shards.or(first)?,
        retention: raw.retention.value,
        max_record_bytes: raw.max_record_bytes.value,
        existing: raw.existing,
    })
}

/// The shards of a new on-demand stream.
fn first_shards(limits: &Limits) -> u32 {
    let limit = limits.cap(CapName::OnDemandShards);
    let shards = limit.unwrap_or(CAPS[CapName::OnDemandShards as usize].aws);
    u32::try_from(shards).unwrap_or(u32::MAX).max(1)
}

fn producer(name: &str, raw: &Producer, files: &Files) -> Option<model::Producer> {
    Some(model::Producer {
        name: name.to_owned(),
        stream: stream_name(raw.stream.as_deref())?,
        workers: raw.workers,
        arrival: arrival(&raw.arrival, files)?,
        keys: keys(&raw.keys, files)?,
        size: size(name, raw, files)?,
        payload: payload(name, &raw.payload, files)?,
        send: send(&raw.send)?,
        retry: retry(&raw.retry),
    })
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
        rate_limit: match &raw.rate_limit {
            RateLimitSetting::Off(_) => None,
            RateLimitSetting::Limit(limit) => Some(rate_limit(limit)),
        },
        aggregate: match &raw.aggregate {
            AggregateSetting::Off(_) => None,
            AggregateSetting::Pack(aggregate) => Some(model::Aggregate {
                max_records: aggregate.max_records,
                max_bytes: aggregate.max_bytes.value,
                linger: aggregate.linger.value,
            }),
        },
    })
}

fn rate_limit(raw: &RateLimit) -> model::RateLimit {
    let limits = Limits::aws();
    let of_shard = |rate| {
        let per_s = limits.rate(rate).map_or(f64::INFINITY, |l| l.per_s as f64);
        raw.share.map_or(f64::INFINITY, |share| share * per_s)
    };
    model::RateLimit {
        records_per_s: raw
            .records_per_s
            .unwrap_or_else(|| of_shard(RateName::WriteRecords)),
        bytes_per_s: match &raw.bytes_per_s {
            Some(bytes) => bytes.value as f64,
            None => of_shard(RateName::WriteBytes),
        },
    }
}

fn retry(raw: &Retry) -> model::Retry {
    use model::RetryKind;
    let (kind, attempts, base, cap, of, ttl) = match raw {
        Retry::None {} => {
            return model::Retry {
                kind: RetryKind::None,
                attempts: 1,
                base: std::time::Duration::ZERO,
                cap: std::time::Duration::ZERO,
                of: model::RetryOf::Record,
                ttl: None,
            };
        }
        Retry::Fixed {
            attempts,
            base,
            of,
            ttl,
        } => (RetryKind::Fixed, attempts, base, base, of, ttl),
        Retry::Exponential {
            attempts,
            base,
            cap,
            of,
            ttl,
        } => (RetryKind::Exponential, attempts, base, cap, of, ttl),
        Retry::FullJitter {
            attempts,
            base,
            cap,
            of,
            ttl,
        } => (RetryKind::FullJitter, attempts, base, cap, of, ttl),
        Retry::EqualJitter {
            attempts,
            base,
            cap,
            of,
            ttl,
        } => (RetryKind::EqualJitter, attempts, base, cap, of, ttl),
        Retry::Decorrelated {
            attempts,
            base,
            cap,
            of,
            ttl,
        } => (RetryKind::Decorrelated, attempts, base, cap, of, ttl),
    };
    model::Retry {
        kind,
        attempts: *attempts,
        base: base.value,
        cap: cap.value,
        of: match of {
            RetryOf::Record => model::RetryOf::Record,
            RetryOf::Call => model::RetryOf::Call,
        },
        ttl: ttl.as_ref().map(|ttl| ttl.value),
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
        start: start.as_ref()?.value,
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

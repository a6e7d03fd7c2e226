//! A document made by hand, for the tests of everything that shows one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::kinesis::{Cause, ShardId};
use crate::measure::{
    Basis, ConsumerLedger, Facts, KinesisRecords, LatencyHistogram, LatencyKind, LatencySummary,
    NotSentCounts, ProducerLedger, ShardTotals, ThrottleRow, judge,
};
use crate::report::aftermath::Aftermath;
use crate::report::document::{
    ByPhase, ConsumerSummary, Document, Environment, EventRow, EventStatus, Instrument, Latency,
    Ledger, ProducerSummary, SCHEMA_VERSION, ScenarioInfo, ShardRow, StreamBalance, ThrottlingRow,
    World,
};
use crate::scenario::model::Slo;

const MEASURE_S: f64 = 10.0;

/// Four shards, 2,400 records/s, 55 % of it on one shard; 62 % was accepted.
pub(crate) fn document() -> Document {
    let producer = producer_ledger();
    let shards = shards();
    let verdict = judge(&Facts {
        pacer_gap_us_max: 2_100,
        intended: producer.measure.intended,
        dropped: producer.measure.not_sent_by_cause.queue_full,
        response_p99_us: Some(99_007),
        ..Facts::default()
    });
    let mut document = Document {
        schema_version: SCHEMA_VERSION,
        verdict,
        slo: Vec::new(),
        answer: String::new(),
        scenario: ScenarioInfo {
            name: "hot-key".into(),
            question: "What does one key with 40 % of the load cost a 4-shard stream?".into(),
            text: "schema = 1\nname = \"hot-key\"\n".into(),
        },
        seed: 7,
        world: World::Embedded,
        basis: World::Embedded.basis(),
        ledger: Ledger {
            producers: BTreeMap::from([("web".into(), producer)]),
            consumers: BTreeMap::from([("billing".into(), consumer_ledger())]),
        },
        latency: latency(),
        throttling: throttling(),
        refusals_outlived: vec![Aftermath {
            stream: "orders".into(),
            shards: vec![2],
            cause: "offered above the limit".into(),
            from_s: 0.0,
            until_s: 12.0,
            outlived_s: 1.75,
        }],
        balance: BTreeMap::from([("orders".into(), StreamBalance::of(&shards, true))]),
        producers: BTreeMap::from([(
            "web".into(),
            ProducerSummary::of("orders", 2, &producer.measure, MEASURE_S),
        )]),
        consumers: BTreeMap::from([(
            "billing".into(),
            ConsumerSummary {
                stream: "orders".into(),
                kind: "polling".into(),
                calls: 200,
                events: None,
                deliveries: 19_180,
                kinesis_records: 19_180,
                delivered_records_per_s: Some(1_485.0),
                caught_up: false,
                last_failure: None,
                watched: None,
            },
        )]),
        calls: BTreeMap::new(),
        shards,
        events: vec![EventRow {
            name: "split".into(),
            action: "split-shard".into(),
            stream: "orders".into(),
            planned_s: 7.0,
            started_s: None,
            ended_s: None,
            status: EventStatus::Skipped,
            detail: "optional, and the target cannot do it".into(),
            effect: None,
        }],
        timeline: None,
        heat: BTreeMap::new(),
        minutes: BTreeMap::new(),
        forecast: BTreeMap::new(),
        instrument: Instrument {
            version: "0.1.0".into(),
            started: "2026-01-31T23:59:59Z".into(),
            warm_up_s: 2.0,
            measure_s: MEASURE_S,
            drain_s: 1.25,
            interval_s: 1.0,
            interrupted: false,
            pacer_gap_us_max: 2_100,
            host_cpu_share: Some(0.71),
            cpu_steal_share: Some(0.02),
            ..Instrument::default()
        },
        target: None,
        environment: Some(Environment {
            target: "embedded".into(),
            os: "Linux 6.1".into(),
            cpu_model: "Example 2000".into(),
            cpus: 2,
            memory_bytes: 8 << 30,
        }),
        aws: None,
        worker: None,
        workers: Vec::new(),
    };
    document.conclude(&slos());
    document
}

fn slos() -> [Slo; 3] {
    let slo = |name: &str, metric: &str, min, max| Slo {
        name: name.into(),
        metric: metric.into(),
        max,
        min,
    };
    [
        slo(
            "accepted",
            "producers.web.accepted_share",
            Some(0.999),
            None,
        ),
        slo("fresh", "consumers.billing.end_to_end.p99", None, Some(1e6)),
        slo("nothing_lost", "consumers.billing.lost", None, Some(0.0)),
    ]
}

fn producer_ledger() -> ByPhase<ProducerLedger> {
    ByPhase::<ProducerLedger>::of(
        ProducerLedger {
            intended: 4_800,
            acked: 4_300,
            throttled: 500,
            attempts: 8_100,
            rejected_attempts: 3_800,
            accepted_after_retry: 400,
            acked_bytes: 2_700_000,
            acked_put_units: 4_300,
            kinesis_records: KinesisRecords {
                attempts: 8_100,
                acked: 4_300,
                acked_bytes: 2_700_000,
                acked_kilobytes: 5_100,
                rejected: 3_800,
                unknown: 0,
                unknown_bytes: 0,
            },
            ..ProducerLedger::default()
        },
        ProducerLedger {
            intended: 24_000,
            not_sent: 20,
            not_sent_by_cause: NotSentCounts {
                queue_full: 15,
                interrupted: 5,
                time_up: 0,
                expired: 0,
                behind: 0,
            },
            acked: 14_880,
            throttled: 9_000,
            failed: 60,
            unknown: 40,
            attempts: 64_000,
            rejected_attempts: 49_000,
            failed_attempts: 75,
            unknown_attempts: 45,
            accepted_after_retry: 2_300,
            acked_bytes: 9_300_000,
            acked_put_units: 14_880,
            misplaced_attempts: 0,
            kinesis_records: KinesisRecords {
                attempts: 64_000,
                acked: 14_880,
                acked_bytes: 9_300_000,
                acked_kilobytes: 17_600,
                rejected: 49_000,
                unknown: 45,
                unknown_bytes: 28_000,
            },
        },
    )
}

fn consumer_ledger() -> ByPhase<ConsumerLedger> {
    let ledger = |acked, uncovered, redelivered| ConsumerLedger {
        acked,
        delivered: acked - uncovered,
        uncovered,
        deliveries: acked - uncovered + redelivered,
        redelivered,
        ..ConsumerLedger::default()
    };
    let (warm_up, mut measure) = (ledger(4_300, 0, 0), ledger(14_880, 30, 3));
    measure.delivered_unacked = 25;
    measure.stored_twice_explained = 2;
    measure.deliveries += 27;
    let mut total = warm_up;
    total.merge(&measure);
    total.lanes_not_judged = 4;
    ByPhase {
        total,
        warm_up,
        measure,
    }
}

fn latency() -> Latency {
    let evenly = |count: i64, step_us: i64| {
        let mut histogram = LatencyHistogram::new();
        (1..=count).for_each(|n| histogram.record_nanos(n * step_us * 1_000));
        histogram.summary()
    };
    let mut negative = evenly(500, 100);
    negative.negative = 2;
    Latency {
        producers: BTreeMap::from([(
            "web".into(),
            BTreeMap::from([
                (LatencyKind::Lateness, evenly(1_000, 1)),
                (LatencyKind::ResponseTime, evenly(1_000, 100)),
                (LatencyKind::TimeToGiveUp, LatencySummary::default()),
            ]),
        )]),
        consumers: BTreeMap::from([(
            "billing".into(),
            BTreeMap::from([
                (LatencyKind::DeliveryDelay, negative),
                (LatencyKind::EndToEnd, evenly(412, 1_000)),
            ]),
        )]),
    }
}

fn throttling() -> Vec<ThrottlingRow> {
    let row = |api, shard, cause, attempts| ThrottlingRow {
        stream: "orders".into(),
        row: ThrottleRow {
            api: Cow::Borrowed(api),
            shard: ShardId::new(shard),
            cause,
            basis: Basis::Reported,
            attempts,
        },
    };
    vec![
        row("GetRecords", 2, Cause::ReadCalls, 12),
        row("PutRecords", 2, Cause::WriteRecords, 48_500),
        row("PutRecords", 2, Cause::WriteBytes, 500),
    ]
}

fn shards() -> Vec<ShardRow> {
    [3_600, 3_600, 13_200, 3_600]
        .into_iter()
        .zip(0..)
        .map(|(offered, number)| {
            let acked = if offered == 13_200 { 4_080 } else { offered };
            ShardRow {
                stream: "orders".into(),
                totals: ShardTotals {
                    shard: ShardId::new(number).unwrap(),
                    offered,
                    offered_bytes: offered * 640,
                    acked,
                    acked_bytes: acked * 625,
                    refused: (offered - acked) * 5,
                    refused_bytes: (offered - acked) * 3_200,
                    delivered: acked,
                    delivered_bytes: acked * 625,
                    response_us_max: 99_000,
                },
                parents: Vec::new(),
                opened_s: None,
                closed_s: None,
                even: None,
            }
        })
        .collect()
}

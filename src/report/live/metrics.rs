//! A page of metrics of a run that goes on, in Prometheus' text format.

use std::time::Duration;

use super::{Course, Phase, Totals, shard_loads};
use crate::base::exposition::{Kind, Page};
use crate::kinesis::Cause;
use crate::measure::live::Picture;
use crate::measure::{PartId, ShardCounters};

/// The quantiles of latencies, as the format writes them and as numbers.
const QUANTILES: [(&str, f64); 5] = [
    ("0.5", 0.5),
    ("0.9", 0.9),
    ("0.99", 0.99),
    ("0.999", 0.999),
    ("1", 1.0),
];

/// Microseconds in a second, the format's unit of time.
const US_PER_S: f64 = 1e6;

/// The whole page; `elapsed` is since the load began.
pub fn page(
    course: &Course,
    elapsed: Option<Duration>,
    totals: &Totals,
    picture: &Picture,
) -> String {
    let mut page = Page::new();
    about(course, elapsed, &mut page);
    records(course, totals, picture, &mut page);
    shards(course, picture, &mut page);
    latencies(course, picture, &mut page);
    page.into_text()
}

fn about(course: &Course, elapsed: Option<Duration>, page: &mut Page) {
    let seed = course.seed.to_string();
    let labels = [
        ("scenario", course.name.as_str()),
        ("world", course.world.as_str()),
        ("basis", course.world.basis().as_str()),
        ("seed", seed.as_str()),
        ("version", env!("CARGO_PKG_VERSION")),
    ];
    page.family(
        "streamgauge_run_info",
        Kind::Gauge,
        "The run that goes on; always 1.",
    )
    .sample(&labels, 1);
    let (now, _) = course.phase(elapsed);
    let mut phases = page.family(
        "streamgauge_run_phase",
        Kind::Gauge,
        "1 for the phase that the run is in.",
    );
    for phase in Phase::ALL {
        phases.sample(&[("phase", phase.as_str())], u8::from(phase == now));
    }
    page.family(
        "streamgauge_run_elapsed_seconds",
        Kind::Gauge,
        "Time since the load began, by the clock of the run; 0 before.",
    )
    .sample(&[], elapsed.unwrap_or_default().as_secs_f64());
}

fn records(course: &Course, totals: &Totals, picture: &Picture, page: &mut Page) {
    let ledgers: Vec<_> = picture
        .ledgers
        .iter()
        .map(|(number, ledger)| (course.part(PartId::Producer(*number)).1, ledger))
        .collect();
    let mut family = page.family(
        "streamgauge_records_intended_total",
        Kind::Counter,
        "Records that the schedule asked for, by producer.",
    );
    for (producer, ledger) in &ledgers {
        family.sample(&[("producer", producer)], ledger.intended);
    }
    let mut family = page.family(
        "streamgauge_records_total",
        Kind::Counter,
        "Records whose outcome is settled, by producer and outcome.",
    );
    for (producer, ledger) in &ledgers {
        for (outcome, count) in [
            ("acked", ledger.acked),
            ("throttled", ledger.throttled),
            ("failed", ledger.failed),
            ("unknown", ledger.unknown),
            ("not_sent", ledger.not_sent),
        ] {
            family.sample(&[("producer", producer), ("outcome", outcome)], count);
        }
    }
    let mut family = page.family(
        "streamgauge_record_attempts_total",
        Kind::Counter,
        "Attempts of records that ended without acceptance, by producer and result: refused by a limit, failed, unknown.",
    );
    for (producer, ledger) in &ledgers {
        for (result, count) in [
            ("refused", ledger.rejected_attempts),
            ("failed", ledger.failed_attempts),
            ("unknown", ledger.unknown_attempts),
        ] {
            family.sample(&[("producer", producer), ("result", result)], count);
        }
    }
    let mut family = page.family(
        "streamgauge_acked_bytes_total",
        Kind::Counter,
        "Billed bytes of acknowledged records, by producer.",
    );
    for (producer, ledger) in &ledgers {
        family.sample(&[("producer", producer)], ledger.acked_bytes);
    }
    page.family(
        "streamgauge_deliveries_total",
        Kind::Counter,
        "Records delivered to consumers, all of them together.",
    )
    .sample(&[], totals.delivered);
    page.family(
        "streamgauge_calls_total",
        Kind::Counter,
        "API calls of loads of calls that ended.",
    )
    .sample(&[], totals.calls);
}

fn shards(course: &Course, picture: &Picture, page: &mut Page) {
    // What is counted by shard, in the order of the picture: stream, shard, part.
    let rows: Vec<_> = picture
        .shards
        .iter()
        .map(|((stream, shard, part), view)| {
            let (kind, name) = course.part(*part);
            (stream.as_str(), shard.to_string(), *part, kind, name, view)
        })
        .collect();
    for (name, help, count) in [
        (
            "streamgauge_shard_offered_records_total",
            "Records that the schedule meant for a shard, by producer. Of finished intervals.",
            (|counters| counters.offered) as fn(&ShardCounters) -> u64,
        ),
        (
            "streamgauge_shard_acked_records_total",
            "Records that a shard accepted, by producer. Of finished intervals.",
            |counters| counters.acked,
        ),
        (
            "streamgauge_shard_acked_bytes_total",
            "Billed bytes that a shard accepted, by producer. Of finished intervals.",
            |counters| counters.acked_bytes,
        ),
    ] {
        let mut family = page.family(name, Kind::Counter, help);
        for (stream, shard, part, kind, name, view) in &rows {
            if matches!(part, PartId::Producer(_)) {
                let labels = [(*kind, name.as_str()), ("stream", stream), ("shard", shard)];
                family.sample(&labels, count(&view.total));
            }
        }
    }
    let mut family = page.family(
        "streamgauge_shard_delivered_records_total",
        Kind::Counter,
        "Records of a shard that were delivered, by consumer. Of finished intervals.",
    );
    for (stream, shard, part, kind, name, view) in &rows {
        if matches!(part, PartId::Consumer(_)) {
            let labels = [(*kind, name.as_str()), ("stream", stream), ("shard", shard)];
            family.sample(&labels, view.total.delivered);
        }
    }
    let mut family = page.family(
        "streamgauge_shard_refused_attempts_total",
        Kind::Counter,
        "Attempts of records, and reading calls, that a limit refused, by who made them, shard and cause. Of finished \
         intervals.",
    );
    for (stream, shard, _, kind, name, view) in &rows {
        for cause in Cause::ALL {
            let refused = view.total.refused_by(cause);
            if refused > 0 {
                let labels = [
                    ("by", *kind),
                    ("name", name.as_str()),
                    ("stream", stream),
                    ("shard", shard),
                    ("cause", cause.as_str()),
                ];
                family.sample(&labels, refused);
            }
        }
    }
    let mut family = page.family(
        "streamgauge_shard_utilisation_ratio",
        Kind::Gauge,
        "What a shard accepted in the newest finished interval, as a part of the nearer write limit.",
    );
    for load in shard_loads(course, picture) {
        if let Some(used) = load.used {
            let shard = load.shard.to_string();
            family.sample(&[("stream", &load.stream), ("shard", &shard)], used);
        }
    }
    let mut family = page.family(
        "streamgauge_lag_seconds",
        Kind::Gauge,
        "The farthest that a consumer was behind the tip of a shard in the newest finished interval, by what the target says.",
    );
    for (stream, shard, part, kind, name, view) in &rows {
        if matches!(part, PartId::Consumer(_)) {
            let labels = [(*kind, name.as_str()), ("stream", stream), ("shard", shard)];
            family.sample(&labels, view.newest.lag_ms_max as f64 / 1e3);
        }
    }
}

fn latencies(course: &Course, picture: &Picture, page: &mut Page) {
    let mut family = page.family(
        "streamgauge_lateness_seconds",
        Kind::Gauge,
        "The most that a producer released a record late in the newest finished interval: the instrument's own delay.",
    );
    for (part, (_, highest_us)) in &picture.lateness_us {
        let (kind, name) = course.part(*part);
        family.sample(&[(kind, &name)], *highest_us as f64 / US_PER_S);
    }
    let mut family = page.family(
        "streamgauge_latency_seconds",
        Kind::Summary,
        "Latencies so far, warm-up included, by part and kind, from the intended time. Quantile 1 is the highest.",
    );
    for ((part, latency), histogram) in &picture.latencies {
        let (kind, name) = course.part(*part);
        let of = [
            ("of", kind),
            ("name", name.as_str()),
            ("latency", latency.as_str()),
        ];
        for (text, quantile) in QUANTILES {
            let mut labels = of.to_vec();
            labels.push(("quantile", text));
            family.sample(&labels, histogram.quantile_us(quantile) as f64 / US_PER_S);
        }
        let summary = histogram.summary();
        let sum_us = summary.mean_us * summary.count as f64;
        family.part("_sum", &of, sum_us / US_PER_S);
        family.part("_count", &of, summary.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::ShardId;
    use crate::measure::integrity::WorkerKey;
    use crate::measure::interval::IntervalDelta;
    use crate::measure::live::Live;
    use crate::measure::{LatencyHistogram, LatencyKind, ProducerLedger};
    use crate::report::live::tests::course;

    #[test]
    fn the_page_of_a_known_run_has_these_samples() {
        let live = Live::default();
        live.tell_ledger(
            WorkerKey {
                producer: 1,
                worker: 0,
            },
            ProducerLedger {
                intended: 110,
                acked: 100,
                throttled: 7,
                not_sent: 3,
                rejected_attempts: 21,
                acked_bytes: 64_000,
                ..ProducerLedger::default()
            },
        );
        let mut histogram = LatencyHistogram::new();
        (1..=1_000).for_each(|n| histogram.record_nanos(n * 1_000_000));
        let mut counters = ShardCounters {
            offered: 110,
            acked: 100,
            acked_bytes: 64_000,
            ..ShardCounters::default()
        };
        counters.refuse(Cause::WriteRecords, 21, 9_000);
        let shard = ShardId::new(3).unwrap();
        live.tell_interval(
            "orders",
            &IntervalDelta {
                part: PartId::Producer(1),
                index: 4,
                shards: vec![(shard, counters)],
                latencies: vec![
                    (LatencyKind::Lateness, histogram.pack()),
                    (LatencyKind::ResponseTime, histogram.pack()),
                ],
            },
        );
        live.tell_interval(
            "orders",
            &IntervalDelta {
                part: PartId::Consumer(0),
                index: 4,
                shards: vec![(
                    shard,
                    ShardCounters {
                        delivered: 90,
                        lag_ms_max: 250,
                        ..ShardCounters::default()
                    },
                )],
                latencies: vec![],
            },
        );
        let mut picture = Picture::default();
        picture.refresh(&live);
        let totals = Totals {
            delivered: 95,
            calls: 2,
            ..Totals::default()
        };
        let page = page(&course(), Some(Duration::from_secs(3)), &totals, &picture);
        for line in [
            "streamgauge_run_phase{phase=\"measuring\"} 1",
            "streamgauge_run_phase{phase=\"draining\"} 0",
            "streamgauge_run_elapsed_seconds 3",
            "streamgauge_records_intended_total{producer=\"web\"} 110",
            "streamgauge_records_total{producer=\"web\",outcome=\"acked\"} 100",
            "streamgauge_records_total{producer=\"web\",outcome=\"not_sent\"} 3",
            "streamgauge_record_attempts_total{producer=\"web\",result=\"refused\"} 21",
            "streamgauge_acked_bytes_total{producer=\"web\"} 64000",
            "streamgauge_deliveries_total 95",
            "streamgauge_calls_total 2",
            "streamgauge_shard_offered_records_total{producer=\"web\",stream=\"orders\",shard=\"shardId-000000000003\"} 110",
            "streamgauge_shard_delivered_records_total{consumer=\"billing\",stream=\"orders\",shard=\"shardId-000000000003\"} 90",
            "streamgauge_shard_refused_attempts_total{by=\"producer\",name=\"web\",stream=\"orders\",shard=\"shardId-000000000003\",cause=\"write-records\"} 21",
            "streamgauge_shard_utilisation_ratio{stream=\"orders\",shard=\"shardId-000000000003\"} 0.1",
            "streamgauge_lag_seconds{consumer=\"billing\",stream=\"orders\",shard=\"shardId-000000000003\"} 0.25",
            "streamgauge_latency_seconds_count{of=\"producer\",name=\"web\",latency=\"response_time\"} 1000",
        ] {
            assert!(
                page.lines().any(|shown| shown == line),
                "{line} is not in {page}"
            );
        }
        // Every sample belongs to the family above it.
        let mut family = "";
        for line in page.lines() {
            match line.strip_prefix("# TYPE ") {
                Some(named) => family = named.split(' ').next().unwrap_or_default(),
                None if line.starts_with('#') => {}
                None => assert!(line.starts_with(family), "{line} below {family}"),
            }
        }
    }
}

//! How late the pacer releases records, in real time, beside an engine that stores and reads at the same time.
//!
//! Lateness is the host's as much as the pacer's, so no figure is asserted: only that every intended record is released
//! once, in order, and none before its time. What criterion shows as time per iteration is the mean lateness of a record.

use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use streamgauge::base::{Clock, rng};
use streamgauge::host::{Host, Settings};
use streamgauge::kinesis::operation::{CreateStream, IteratorPosition, PutApi};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::{Delays, Limits, PutBatch, ShardId};
use streamgauge::measure::LatencyHistogram;
use streamgauge::producer::Pacer;
use streamgauge::scenario::model::Arrival;
use streamgauge::target::Target;
use streamgauge::workload::{Schedule, due};
use tokio::runtime::Runtime;

const RATES: [u32; 3] = [1_000, 10_000, 100_000];

/// From the making of a schedule to its first record.
const LEAD: Duration = Duration::from_millis(2);

/// How long the engine rests between two rounds of work.
const ENGINE_REST: Duration = Duration::from_millis(1);

/// Stores 500 records and reads them back, over and over: about 300,000 records/s when the host lets it.
async fn work(clock: Clock) {
    let settings = Settings {
        account_id: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        limits: Limits::off(),
        max_memory_bytes: 64 << 20,
    };
    let host = Host::new(settings, Delays::none(), clock, 7);
    let target = Target::Embedded(Arc::new(host));
    let request = CreateStream {
        stream: "orders".parse().expect("the name is well-formed"),
        shards: 1,
        max_record_bytes: 1 << 20,
    };
    target
        .create_stream(&request, 24)
        .await
        .expect("an empty account takes a stream");
    let shard = ShardId::new(0).expect("the first shard");
    let mut iterator = target
        .get_shard_iterator("orders", shard, IteratorPosition::TrimHorizon)
        .await
        .expect("the shard is there");
    let (mut batch, mut results) = (PutBatch::new(), Vec::new());
    for _ in 0..500 {
        batch.push(PutEntry {
            partition_key: "key-1",
            data: &[7; 100],
            explicit_hash_key: None,
        });
    }
    loop {
        target
            .put(PutApi::PutRecords, "orders", &batch, &mut results)
            .await
            .expect("there are no limits");
        let fetched = target
            .get_records("orders", &iterator, None)
            .await
            .expect("there are no limits");
        iterator = fetched.page.next_iterator.expect("the shard stays open");
        clock.sleep(ENGINE_REST).await;
    }
}

/// Releases `records` records at `rate` a second as a worker does, and gives how late they were.
async fn pace(clock: Clock, rate: u32, records: u64) -> LatencyHistogram {
    let arrival = Arrival::Constant {
        rate: f64::from(rate),
    };
    // Half a gap more, so that rounding does not decide whether the last record is within.
    let load = Duration::from_secs_f64((records as f64 - 0.5) / f64::from(rate));
    let rng = rng::generator(7, "bench", 0, "arrival");
    let mut schedule = Schedule::new(&arrival, 0, 1, load, rng.clone(), rng)
        .expect("a constant arrival has a schedule");
    let mut expected = schedule.clone();
    let pacer = Pacer::new(clock);
    let start = clock.now().plus(LEAD);
    let mut histogram = LatencyHistogram::new();
    let mut released = Vec::new();
    while let Some(next) = schedule.peek() {
        pacer.wait_until(start.plus(next)).await;
        let now = clock.now();
        released.clear();
        due(&mut schedule, now.since(start), &mut released);
        for &offset in &released {
            assert_eq!(expected.next(), Some(offset), "each once and in order");
            assert!(start.plus(offset) <= now, "none before its time");
            histogram.record_nanos(now.signed_nanos_since(start.plus(offset)));
        }
        // As a worker does, so that the engine's task has its turn.
        tokio::task::yield_now().await;
    }
    assert_eq!(expected.next(), None, "none is left");
    assert_eq!(histogram.count(), records);
    histogram
}

fn measure(runtime: &Runtime, clock: Clock, rate: u32, records: u64) -> LatencyHistogram {
    runtime
        .block_on(async { tokio::spawn(pace(clock, rate, records)).await })
        .expect("pacing ends")
}

fn send_lateness(criterion: &mut Criterion) {
    // `cargo bench` says so; without it this is a test, and small.
    let (seconds, tenths) = if std::env::args().any(|word| word == "--bench") {
        (3, 0)
    } else {
        (0, 2)
    };
    let runtime = Runtime::new().expect("a runtime");
    let clock = Clock::real();
    let engine = runtime.spawn(work(clock));
    let mut group = criterion.benchmark_group("send_lateness");
    group.sample_size(10);
    for rate in RATES {
        let records = u64::from(rate) * (seconds * 10 + tenths) / 10;
        let summary = measure(&runtime, clock, rate, records).summary();
        println!(
            "send_lateness/{rate}: {records} records, p50 {} us, p99 {} us, max {} us",
            summary.p50_us, summary.p99_us, summary.max_us
        );
        group.bench_function(BenchmarkId::new("mean", rate), |bencher| {
            bencher.iter_custom(|iterations| {
                let histogram = measure(&runtime, clock, rate, iterations);
                let mean_us = histogram.summary().mean_us;
                // Criterion divides by the iterations, and does not take zero.
                let total_us = (mean_us * iterations as f64).max(1.0);
                Duration::from_secs_f64(total_us / 1e6)
            });
        });
    }
    group.finish();
    assert!(!engine.is_finished(), "the engine worked to the end");
    engine.abort();
}

criterion_group!(benches, send_lateness);
criterion_main!(benches);

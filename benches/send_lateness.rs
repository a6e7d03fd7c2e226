//! How late the pacer releases records, in real time, beside an engine that stores and reads at the same time.
//!
//! Lateness is the host's as much as the pacer's, so no figure is asserted: only that every intended record is released
//! once, in order, and none before its time. What criterion shows as time per iteration is the mean lateness of a record.

use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use streamgauge::base::Clock;
use streamgauge::host::{Host, Settings};
use streamgauge::kinesis::operation::{CreateStream, IteratorPosition, PutApi};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::{Delays, Limits, PutBatch, ShardId};
use streamgauge::measure::LatencyHistogram;
use streamgauge::run::calibrate::{pace, pace_alone};
use streamgauge::target::Target;
use tokio::runtime::Runtime;

const RATES: [u32; 3] = [1_000, 10_000, 100_000];

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

/// Paces as a worker does: by its own thread, or, for comparison, by a task among the engine's.
fn measure(
    runtime: &Runtime,
    clock: Clock,
    alone: bool,
    rate: u32,
    records: u64,
) -> LatencyHistogram {
    let rate = f64::from(rate);
    let paced = runtime.block_on(async {
        if alone {
            pace_alone(clock, rate, records).await.expect("a thread")
        } else {
            tokio::spawn(pace(clock, rate, records))
                .await
                .expect("pacing ends")
        }
    });
    assert_eq!(
        paced.wrong, 0,
        "each once, in order and none before its time"
    );
    assert_eq!(paced.lateness.count(), records);
    paced.lateness
}

fn send_lateness(criterion: &mut Criterion) {
    // `cargo bench` says so; without it this is a test, and small.
    let (rounds, tenths) = if std::env::args().any(|word| word == "--bench") {
        (5, 10)
    } else {
        (1, 2)
    };
    let runtime = Runtime::new().expect("a runtime");
    let clock = Clock::real();
    let engine = runtime.spawn(work(clock));
    let places = [("own thread", true), ("task", false)];
    for rate in RATES {
        let records = u64::from(rate) * tenths / 10;
        let mut sums = places.map(|_| LatencyHistogram::new());
        // In turns: what else the host does meets both.
        for _ in 0..rounds {
            for ((place, alone), sum) in places.iter().zip(&mut sums) {
                let round = measure(&runtime, clock, *alone, rate, records);
                if rounds > 1 {
                    print_figures(&format!("{rate}/{place}/round"), &round);
                }
                sum.merge(&round);
            }
        }
        for ((place, _), sum) in places.iter().zip(&sums) {
            print_figures(&format!("{rate}/{place}"), sum);
        }
    }
    let mut group = criterion.benchmark_group("send_lateness");
    group.sample_size(10);
    for rate in RATES {
        group.bench_function(BenchmarkId::new("mean", rate), |bencher| {
            bencher.iter_custom(|iterations| {
                let histogram = measure(&runtime, clock, true, rate, iterations);
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

fn print_figures(name: &str, lateness: &LatencyHistogram) {
    let figures = lateness.summary();
    println!(
        "send_lateness/{name}: {} records, p50 {} us, p99 {} us, p99.9 {} us, max {} us",
        figures.count, figures.p50_us, figures.p99_us, figures.p999_us, figures.max_us
    );
}

criterion_group!(benches, send_lateness);
criterion_main!(benches);

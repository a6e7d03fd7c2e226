//! Recording a latency: the one thing done several times per record, alone and through a recorder.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand_xoshiro::rand_core::Rng as _;
use streamgauge::base::{Timestamp, rng};
use streamgauge::measure::{
    IntervalClock, IntervalSink, LatencyHistogram, LatencyKind, PartId, Phase, Recorder,
};

const VALUES: usize = 1_000;

/// Latencies from 1 us to 1 s whose logarithm is uniform: neighbours fall into different cache lines.
fn latencies_ns() -> Vec<i64> {
    let mut rng = rng::generator(7, "bench", 0, "latencies");
    (0..VALUES)
        .map(|_| {
            let bits = 10 + rng.next_u64() % 20;
            (rng.next_u64() % (1 << bits)) as i64
        })
        .collect()
}

fn record(criterion: &mut Criterion) {
    let latencies = latencies_ns();
    let mut group = criterion.benchmark_group("histogram_record");
    group.throughput(Throughput::Elements(VALUES as u64));

    let mut histogram = LatencyHistogram::new();
    let mut rounds = 0;
    group.bench_function("histogram", |bencher| {
        bencher.iter(|| {
            for &nanos in &latencies {
                histogram.record_nanos(black_box(nanos));
            }
            rounds += 1;
        });
    });
    assert_eq!(histogram.count(), rounds * VALUES as u64);
    assert_eq!((histogram.negative(), histogram.clipped()), (0, 0));

    let (sink, source) = IntervalSink::channel();
    let start = Timestamp::from_secs(1_000);
    let clock = IntervalClock::new(start, Duration::from_secs(1));
    let mut recorder = Recorder::new(PartId::Producer(0), clock, sink);
    let mut rounds = 0;
    group.bench_function("recorder", |bencher| {
        bencher.iter(|| {
            for (&nanos, after) in latencies.iter().zip(0..) {
                let at = start.plus(Duration::from_micros(after));
                recorder.latency(
                    black_box(at),
                    Phase::Measure,
                    LatencyKind::ResponseTime,
                    nanos,
                );
            }
            rounds += 1;
        });
    });
    group.finish();
    let totals = recorder.finish();
    let counted = totals
        .latencies
        .get(&LatencyKind::ResponseTime)
        .map_or(0, LatencyHistogram::count);
    assert_eq!(counted, rounds * VALUES as u64);
    // A filter may have skipped the benchmark; then there is no interval either.
    assert_eq!(source.arrived().count(), usize::from(rounds > 0));
}

criterion_group!(benches, record);
criterion_main!(benches);

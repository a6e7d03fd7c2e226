//! What a record costs before it is sent: a key and where it falls, and the whole record in place.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use streamgauge::base::Timestamp;
use streamgauge::base::rng::generator;
use streamgauge::kinesis::{HashKey, HashKeyRange, Limits, PutBatch};
use streamgauge::scenario::model::{
    Arrival, KeyChoice, Keys, Ordering, Payload, PayloadKind, Producer, PutApi, Retry, RetryKind,
    RetryOf, Send, Size, StampPlace,
};
use streamgauge::workload::{KeyGenerator, KeyHashes, RecordSource, Stamp, forecast};

fn producer(choice: KeyChoice) -> Producer {
    Producer {
        name: "web".to_owned(),
        stream: "orders".parse().expect("the name is well-formed"),
        workers: 1,
        arrival: Arrival::Constant { rate: 1e6 },
        keys: Keys {
            choice,
            format: ("key-".to_owned(), String::new()),
        },
        size: Size::Fixed { bytes: 1_024 },
        payload: Payload {
            kind: PayloadKind::Random,
            stamp: StampPlace::Prefix,
        },
        send: Send {
            api: PutApi::PutRecords,
            max_records: 500,
            max_bytes: 5 << 20,
            linger: Duration::from_millis(20),
            max_in_flight: 32,
            timeout: Duration::from_secs(5),
            ordering: Ordering::None,
            max_queued: 100_000,
            rate_limit: None,
            aggregate: None,
        },
        retry: Retry {
            kind: RetryKind::None,
            attempts: 1,
            base: Duration::ZERO,
            cap: Duration::ZERO,
            of: RetryOf::Record,
            ttl: None,
        },
    }
}

fn zipf(population: u64, exponent: f64) -> KeyChoice {
    KeyChoice::Zipf {
        population,
        exponent,
    }
}

fn key_and_hash(c: &mut Criterion) {
    let mut group = c.benchmark_group("key_and_hash");
    group.throughput(Throughput::Elements(1));
    let kinds = [
        ("uniform_10k", KeyChoice::Uniform { population: 10_000 }),
        (
            "uniform_1e9",
            KeyChoice::Uniform {
                population: 1_000_000_000,
            },
        ),
        ("zipf_100k_1.0", zipf(100_000, 1.0)),
        ("zipf_1e9_0.5", zipf(1_000_000_000, 0.5)),
        ("zipf_1e9_1.2", zipf(1_000_000_000, 1.2)),
        (
            "hot_set",
            KeyChoice::HotSet {
                hot_keys: 1,
                hot_share: 0.4,
                population: 10_000,
            },
        ),
        (
            "sequential_10k",
            KeyChoice::Sequential { population: 10_000 },
        ),
        ("single", KeyChoice::Single),
        ("unique", KeyChoice::Unique),
    ];
    for (name, choice) in kinds {
        let keys = producer(choice).keys;
        let mut numbers = KeyGenerator::new(&keys, 0, 1, generator(7, "bench", 0, "keys"));
        let mut hashes = KeyHashes::for_keys(&keys);
        for _ in 0..1_000 {
            let number = numbers.next();
            assert_eq!(
                hashes.get(number),
                HashKey::of_partition_key(&format!("key-{number}")),
                "{name}"
            );
        }
        group.bench_function(name, |b| b.iter(|| hashes.get(numbers.next())));
    }
    group.finish();
}

fn record(c: &mut Criterion) {
    const BATCH: u64 = 500;
    let producer = producer(zipf(100_000, 1.0));
    let mut source = RecordSource::new(7, &producer, 0);
    let mut batch = PutBatch::new();
    let mut fill = |batch: &mut PutBatch| {
        batch.clear();
        for _ in 0..BATCH {
            let plan = source.next();
            let stamp = Stamp {
                run: 1,
                producer: 0,
                worker: 0,
                sequence: plan.sequence,
                lane_sequence: 0,
                intended: Timestamp::from_nanos(plan.sequence),
            };
            source.render(&plan, &stamp, batch);
        }
    };
    fill(&mut batch);
    for (entry, sequence) in batch.iter().zip(0..) {
        assert_eq!(entry.data.len(), 1_024);
        assert_eq!(
            Stamp::read(entry.data).map(|stamp| stamp.sequence),
            Ok(sequence)
        );
    }
    let mut group = c.benchmark_group("record");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("draw_stamp_render_500_x_1KiB", |b| {
        b.iter(|| fill(black_box(&mut batch)));
    });
    let (last, mut read) = (batch.entry(0), 0u64);
    group.throughput(Throughput::Elements(1));
    group.bench_function("read_stamp_1KiB", |b| {
        b.iter(|| read += u64::from(Stamp::read(black_box(last.data)).is_ok()));
    });
    assert!(read > 0, "every stamp reads");
    group.finish();
}

fn forecasting(c: &mut Criterion) {
    // Small in a test run: unoptimised code would hash for seconds.
    let population = if cfg!(debug_assertions) {
        10_000
    } else {
        1_000_000
    };
    let producer = producer(zipf(population, 1.0));
    let ranges = HashKeyRange::initial(64);
    let mut group = c.benchmark_group("forecast");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(population));
    group.bench_function("all_keys_of_64_shards", |b| {
        b.iter(|| {
            let forecast = forecast(
                &[&producer],
                std::time::Duration::from_mins(1),
                &ranges,
                &Limits::aws(),
            );
            let total: f64 = forecast.shards.iter().map(|shard| shard.share).sum();
            assert!((total - 1.0).abs() < 1e-9);
            forecast
        });
    });
    group.finish();
}

criterion_group!(benches, key_and_hash, record, forecasting);
criterion_main!(benches);

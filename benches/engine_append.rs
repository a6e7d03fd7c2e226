//! How fast records go in, through the same calls that everything else makes.
//!
//! `engine_append` has no limits and gives the hash key: routing, the shard's lock and the copy into the log remain.
//! `put_record` and `put_records` do all that a put does: MD5 of the key, limits, sequence numbers. Segments are warm.
//! Goals, one core: 1 KiB 1.5 M/s and 100 B 3 M/s appended; a put of 1 KiB in 0.6 us.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use streamgauge::base::Timestamp;
use streamgauge::engine::{Account, Settings};
use streamgauge::kinesis::operation::{CreateStream, IteratorPosition};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::{HashKey, Limits, PutBatch, ShardId};

const STREAM: &str = "orders";
const START: Timestamp = Timestamp::from_secs(1_700_000_000);
/// Segments beyond this are recycled, so that memory stays warm however long a bench runs.
const MEMORY_BYTES: u64 = 64 << 20;

fn account(limits: Limits, shards: u32, max_memory_bytes: u64) -> Account {
    let account = Account::new(Settings {
        account_id: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        limits,
        max_memory_bytes,
    });
    let request = CreateStream {
        stream: STREAM.parse().expect("a valid name"),
        shards,
        max_record_bytes: 1 << 20,
    };
    account
        .create_stream(START, Duration::ZERO, &request)
        .expect("the stream is new");
    account
}

/// Whether criterion runs each bench once, as `cargo test` asks for.
fn is_test() -> bool {
    !std::env::args().any(|argument| argument == "--bench")
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine_append");
    for bytes in [100usize, 1_024] {
        let account = account(Limits::off(), 1, MEMORY_BYTES);
        account.warm(MEMORY_BYTES);
        let data = vec![7; bytes];
        let entry = PutEntry {
            partition_key: "key-1234",
            data: &data,
            explicit_hash_key: Some(HashKey(5)),
        };
        let mut count = 0u64;
        let mut last = None;
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{bytes} B"), |bencher| {
            bencher.iter(|| {
                count += 1;
                let now = Timestamp::from_nanos(START.as_nanos() + count * 1_000);
                let stored =
                    account.put_record(now, Duration::ZERO, STREAM, black_box(&entry), None);
                last = stored.ok();
            });
        });
        let counter = last
            .and_then(|stored| stored.sequence_number.decode())
            .map(|parts| parts.counter);
        assert_eq!(counter, Some(count), "every record was stored");
    }
    group.finish();
}

fn put_record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("put_record");
    for bytes in [100usize, 1_024] {
        let account = account(Limits::aws(), 4, MEMORY_BYTES);
        account.warm(MEMORY_BYTES);
        let data = vec![7; bytes];
        let keys: Vec<String> = (0..1_024).map(|number| format!("key-{number}")).collect();
        let (mut count, mut stored) = (0u64, 0u64);
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{bytes} B"), |bencher| {
            bencher.iter(|| {
                let entry = PutEntry {
                    partition_key: &keys[count as usize % keys.len()],
                    data: &data,
                    explicit_hash_key: None,
                };
                count += 1;
                // Two milliseconds apart no limit refuses.
                let now = Timestamp::from_nanos(START.as_nanos() + count * 2_000_000);
                let result =
                    account.put_record(now, Duration::ZERO, STREAM, black_box(&entry), None);
                stored += u64::from(result.is_ok());
            });
        });
        assert_eq!(stored, count, "every record was stored");
    }
    group.finish();
}

fn put_records(criterion: &mut Criterion) {
    const BATCH: u64 = 500;
    let mut group = criterion.benchmark_group("put_records");
    let account = account(Limits::off(), 4, MEMORY_BYTES);
    account.warm(MEMORY_BYTES);
    let data = [7; 100];
    let mut batch = PutBatch::new();
    for number in 0..BATCH {
        batch.push(PutEntry {
            partition_key: &format!("key-{number}"),
            data: &data,
            explicit_hash_key: None,
        });
    }
    let (mut count, mut stored, mut results) = (0u64, 0, Vec::new());
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("500 of 100 B", |bencher| {
        bencher.iter(|| {
            count += 1;
            let now = Timestamp::from_nanos(START.as_nanos() + count * 1_000_000);
            let answer = account.put_records(now, Duration::ZERO, STREAM, &batch, &mut results);
            stored += answer.map_or(0, |()| {
                results.iter().filter(|result| result.is_ok()).count()
            });
        });
    });
    assert_eq!(stored as u64, count * BATCH, "every record was stored");
    group.finish();
}

/// Not a timing: fills a shard and prints what a record takes.
fn memory(criterion: &mut Criterion) {
    let records = if is_test() { 50_000u64 } else { 1_000_000 };
    let mut group = criterion.benchmark_group("fill");
    group.sample_size(10);
    group.throughput(Throughput::Elements(records));
    let mut bytes_per_record = 0.0;
    group.bench_function(format!("{records} of 100 B into cold memory"), |bencher| {
        bencher.iter_batched_ref(
            || account(Limits::off(), 1, u64::MAX),
            |account| {
                let entry = PutEntry {
                    partition_key: "key-1234",
                    data: &[7; 100],
                    explicit_hash_key: None,
                };
                for _ in 0..records {
                    let stored = account.put_record(START, Duration::ZERO, STREAM, &entry, None);
                    assert!(stored.is_ok());
                }
                bytes_per_record = account.memory().log_bytes as f64 / records as f64;
                let shard = ShardId::new(0).expect("0 is a shard number");
                let position = IteratorPosition::TrimHorizon;
                let iterator = account
                    .get_shard_iterator(START, STREAM, shard, position)
                    .expect("the shard is there");
                let page = account
                    .get_records(START, &iterator, None)
                    .expect("a fresh iterator");
                assert_eq!(page.records.len(), 10_000);
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
    if bytes_per_record > 0.0 {
        println!("segment memory per record of 108 billed bytes: {bytes_per_record:.1} bytes");
        assert!(bytes_per_record <= 160.0);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = append, put_record, put_records, memory
}
criterion_main!(benches);

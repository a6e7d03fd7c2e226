//! How fast records come out: GetRecords pages through a full shard and touches every record, and a reader at the tip
//! takes what was just put. Goal: 3 M records/s in pages of 10,000 x 100 B including a server's work, so far more here.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use streamgauge::base::Timestamp;
use streamgauge::engine::{Account, Settings};
use streamgauge::kinesis::operation::{CreateStream, IteratorPosition};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::{Limits, ShardId};

const STREAM: &str = "orders";
const START: Timestamp = Timestamp::from_secs(1_700_000_000);
const RECORDS: u64 = 50_000;

fn account(max_memory_bytes: u64) -> Account {
    let account = Account::new(Settings {
        account_id: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        limits: Limits::off(),
        max_memory_bytes,
    });
    let request = CreateStream {
        stream: STREAM.parse().expect("a valid name"),
        shards: 1,
        max_record_bytes: 1 << 20,
    };
    account
        .create_stream(START, Duration::ZERO, &request)
        .expect("the stream is new");
    account
}

fn put(account: &Account, now: Timestamp, data: &[u8]) {
    let entry = PutEntry {
        partition_key: "key-1234",
        data,
        explicit_hash_key: None,
    };
    account
        .put_record(now, Duration::ZERO, STREAM, &entry, None)
        .expect("there are no limits");
}

fn iterator(account: &Account, position: IteratorPosition) -> String {
    let shard = ShardId::new(0).expect("0 is a shard number");
    account
        .get_shard_iterator(START, STREAM, shard, position)
        .expect("the shard is there")
}

fn pages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine_read");
    for bytes in [100usize, 1_024] {
        let account = account(u64::MAX);
        for number in 0..RECORDS {
            put(&account, START, &vec![number as u8; bytes]);
        }
        let start = iterator(&account, IteratorPosition::TrimHorizon);
        group.throughput(Throughput::Elements(RECORDS));
        group.bench_function(format!("pages of 10,000 x {bytes} B"), |bencher| {
            bencher.iter(|| {
                let (mut seen, mut data_bytes) = (0, 0);
                let mut next = Some(start.clone());
                while let Some(iterator) = next.filter(|_| seen < RECORDS) {
                    let page = account
                        .get_records(START, &iterator, None)
                        .expect("a fresh iterator");
                    for record in &page.records {
                        seen += 1;
                        data_bytes += black_box(record).data.len();
                    }
                    next = page.next_iterator;
                }
                assert_eq!((seen, data_bytes as u64), (RECORDS, RECORDS * bytes as u64));
            });
        });
    }
    group.finish();
}

fn tip(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine_read");
    let account = account(64 << 20);
    account.warm(64 << 20);
    let mut next = iterator(&account, IteratorPosition::Latest);
    let (mut count, mut seen) = (0u64, 0u64);
    group.throughput(Throughput::Elements(1));
    group.bench_function("put one, read it at the tip", |bencher| {
        bencher.iter(|| {
            count += 1;
            put(&account, START, &[7; 100]);
            let page = account
                .get_records(START, &next, None)
                .expect("a fresh iterator");
            seen += page.records.len() as u64;
            next = page.next_iterator.expect("the shard is open");
        });
    });
    assert_eq!(seen, count, "every record was read once");
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = pages, tip
}
criterion_main!(benches);

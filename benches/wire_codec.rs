//! How fast the hot bodies pass: PutRecords in, GetRecords out, both codecs. Goals of the whole server: 0.4 ms of CPU for
//! 500 x 100 B in JSON, 3 M records/s in pages of 10,000 x 100 B; so these must take a fraction of that.

use std::hint::black_box;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use streamgauge::base::Timestamp;
use streamgauge::kinesis::operation::RecordPage;
use streamgauge::kinesis::record::{FrameBatch, PutEntry, write_frame};
use streamgauge::kinesis::{PutBatch, RecordBatch, ShardId};
use streamgauge::wire::{Codec, Value, decode, decode_output, operation};
use streamgauge::wire::{encode_get_records, put_records_fast};

const CODECS: [(Codec, &str); 2] = [(Codec::Json, "JSON"), (Codec::Cbor, "CBOR")];
const RECORDS: usize = 500;
const PAGE: usize = 10_000;

/// A request as a client would send it.
fn put_body(codec: Codec, bytes: usize) -> Vec<u8> {
    let records: Value = (0..RECORDS)
        .map(|number| {
            Value::structure()
                .with("Data", Bytes::from(vec![number as u8; bytes]))
                .with("PartitionKey", format!("key-{number}"))
        })
        .collect();
    let input = Value::structure()
        .with("StreamName", "orders")
        .with("Records", records);
    encode_input(codec, &input)
}

/// The library writes answers only; the output of an operation whose members are the same serves as its input.
fn encode_input(codec: Codec, input: &Value) -> Vec<u8> {
    let any = operation("PutRecords").expect("in the table");
    streamgauge::wire::encode(codec, any, input).to_vec()
}

fn put_records(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire_codec");
    group.throughput(Throughput::Elements(RECORDS as u64));
    for (codec, name) in CODECS {
        for bytes in [100, 1_024] {
            let body = put_body(codec, bytes);
            let mut batch = PutBatch::new();
            group.bench_function(
                format!("PutRecords {RECORDS} x {bytes} B, {name}"),
                |bencher| {
                    bencher.iter(|| {
                        let head = put_records_fast(codec, black_box(&body), &mut batch);
                        assert_eq!((head.is_some(), batch.len()), (true, RECORDS));
                    });
                },
            );
            let last = batch.entry(RECORDS - 1);
            assert_eq!(last.data, vec![(RECORDS - 1) as u8; bytes]);
            assert_eq!(last.partition_key, "key-499");
        }
        let body = put_body(codec, 100);
        let operation = operation("PutRecords").expect("in the table");
        group.bench_function(
            format!("PutRecords {RECORDS} x 100 B, {name}, slow path"),
            |bencher| {
                bencher.iter(|| {
                    let input =
                        decode(codec, operation, black_box(&body)).expect("a valid request");
                    assert_eq!(input.list("Records").len(), RECORDS);
                });
            },
        );
    }
    group.finish();
}

fn get_records(criterion: &mut Criterion) {
    let mut buffer = BytesMut::new();
    for counter in 1..=PAGE as u64 {
        let key = format!("key-{counter}");
        let entry = PutEntry {
            partition_key: &key,
            data: &[counter as u8; 100],
            explicit_hash_key: None,
        };
        let arrival = Timestamp::from_millis(1_700_000_000_000 + counter / 7);
        write_frame(&mut buffer, counter, arrival, &entry);
    }
    let page = RecordPage {
        records: RecordBatch::Frames(FrameBatch {
            shard: ShardId::new(3).expect("a shard number"),
            shard_created_s: 1_699_999_000,
            chunks: vec![buffer.freeze()],
            count: PAGE,
        }),
        next_iterator: Some("AAAAAAAAAAE=".repeat(18)),
        ..RecordPage::default()
    };
    let mut group = criterion.benchmark_group("wire_codec");
    group.throughput(Throughput::Elements(PAGE as u64));
    for (codec, name) in CODECS {
        let mut out = Vec::new();
        group.bench_function(format!("GetRecords {PAGE} x 100 B, {name}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                encode_get_records(codec, black_box(&page), &mut out);
                assert!(out.len() > PAGE * 200);
            });
        });
        let operation = operation("GetRecords").expect("in the table");
        let answer = decode_output(codec, operation, &out).expect("what was written is read");
        assert_eq!(answer.list("Records").len(), PAGE);
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = put_records, get_records
}
criterion_main!(benches);

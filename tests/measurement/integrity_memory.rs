//! The account of records stays small however many keys and records there are.

use std::collections::VecDeque;

use streamgauge::base::rng;
use streamgauge::kinesis::operation::Stored;
use streamgauge::kinesis::sequence::SequenceParts;
use streamgauge::kinesis::{HashKeyRange, ShardId};
use streamgauge::measure::{Delivery, Integrity, Phase, Resolution, WorkerKey};
use streamgauge::workload::RecordSource;

use rand_xoshiro::rand_core::Rng as _;

use crate::world::{beside, scenario};

const RECORDS: u64 = 10_000_000;
/// Records acknowledged at once, and delivered at once.
const BATCH: usize = 500;
/// Batches that a reader lags behind: 50,000 records.
const LAG: usize = 100;
/// One of so many records is never delivered: 1,000 of them.
const LOST_OF: u64 = 10_000;

#[test]
fn ten_million_unique_keys_take_no_more_memory_than_what_is_on_its_way_or_missing() {
    let _host = beside();
    let loaded = scenario(
        r#"{ measure = "1s" }"#,
        2,
        r#"
arrival = { kind = "constant", rate = "1000/s" }
keys = { kind = "unique" }
size = { kind = "fixed", bytes = "36B" }
payload = { kind = "zeros" }
"#,
        "200ms",
        "",
    );
    let mut source = RecordSource::new(7, &loaded.scenario.producers["web"], 0);
    let key = WorkerKey {
        producer: 0,
        worker: 0,
    };
    let integrity = Integrity::new(1, &[key], 1);
    let ranges = HashKeyRange::initial(2);
    let shards = [0, 1].map(|number| ShardId::new(number).unwrap());
    let mut counters = [0u64; 2];
    let mut lanes = vec![0u32; 1 << 16];
    let mut chance = rng::generator(7, "test", 0, "loss");
    let (mut on_its_way, mut spare) = (VecDeque::new(), Vec::new());
    let (mut resolutions, mut classes) = (Vec::new(), Vec::new());
    let (mut lost, mut most) = (0u64, 0);
    let mut sent = 0;
    while sent < RECORDS || !on_its_way.is_empty() {
        if sent < RECORDS {
            let mut batch: Vec<Delivery> = spare.pop().unwrap_or_default();
            resolutions.clear();
            for _ in 0..BATCH {
                let plan = source.next();
                let place = usize::from(plan.hash_key > ranges[0].end);
                let parts = SequenceParts {
                    shard_created_s: 1_735_689_600,
                    shard: shards[place],
                    counter: counters[place],
                    time_s: 1_735_689_600 + plan.sequence / 100_000,
                };
                counters[place] += 1;
                let stored = Stored {
                    shard: shards[place],
                    sequence_number: parts.encode(),
                };
                let lane = plan.hash_key.lane();
                let lane_sequence = lanes[usize::from(lane)];
                lanes[usize::from(lane)] += 1;
                resolutions.push(Resolution {
                    sequence: plan.sequence,
                    phase: Phase::Measure,
                    acked: Some(stored),
                    any_unknown_attempt: false,
                    retried: false,
                });
                if chance.next_u64().is_multiple_of(LOST_OF) {
                    lost += 1;
                    continue;
                }
                batch.push(Delivery {
                    key,
                    sequence: plan.sequence,
                    lane,
                    lane_sequence,
                    shard: stored.shard,
                    sequence_number: stored.sequence_number,
                    sub_sequence: 0,
                    phase: Phase::Measure,
                });
            }
            integrity.resolve(key, &resolutions);
            on_its_way.push_back(batch);
            sent += BATCH as u64;
        }
        if on_its_way.len() > LAG || sent >= RECORDS {
            let mut batch = on_its_way.pop_front().expect("something is on its way");
            integrity.deliver(0, &batch, &mut classes);
            for delivery in &batch {
                integrity.position(0, delivery.shard, delivery.sequence_number);
            }
            batch.clear();
            spare.push(batch);
        }
        if sent.is_multiple_of(100_000) {
            most = most.max(integrity.memory_bytes());
        }
    }
    assert!(lost > 900, "{lost}");
    let (_, ledger) = integrity.finish(0, None);
    assert!(ledger.balances());
    assert_eq!((ledger.acked, ledger.delivered), (RECORDS, RECORDS - lost));
    // The records after the last delivery of a shard are not passed.
    assert!(
        ledger.lost + ledger.unread == lost && ledger.unread <= 2,
        "{ledger:?}"
    );
    assert_eq!(
        (
            ledger.key_inversions,
            ledger.out_of_order,
            ledger.redelivered
        ),
        (0, 0, 0)
    );
    // Lanes 256 KiB, 50,000 records on their way at 24 B, 1,000 missing ones: remembering 10 million keys would take
    // 80 MB at the least.
    assert!(most < 3 << 20, "{most} bytes at the most");
    let at_the_end = integrity.memory_bytes();
    assert!(at_the_end < 1 << 20, "{at_the_end} bytes at the end");
}

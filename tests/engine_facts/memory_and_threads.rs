//! What the engine itself promises: its memory limit, and many threads at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use streamgauge::base::Timestamp;
use streamgauge::kinesis::operation::{CreateStream, IteratorPosition, MergeShards, ShardFilter};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::{HashKey, Limits, SequenceNumber};

use crate::{
    AT_ONCE, MIB, STREAM, account_with_memory, at, create, entry, id, iterator, numbers, put, read,
    read_from, request, split, with_stream,
};

#[test]
fn at_the_memory_limit_the_oldest_segments_of_the_account_go() {
    const LIMIT: u64 = 8 << 20;
    let account = account_with_memory(Limits::off(), LIMIT);
    create(&account, "old", 1, AT_ONCE).unwrap();
    create(&account, STREAM, 1, AT_ONCE).unwrap();
    account.warm(u64::MAX);
    assert!((LIMIT - 2 * MIB as u64..=LIMIT).contains(&account.memory().pool_bytes));
    let data = vec![1; 10_000];
    for _ in 0..300 {
        account
            .put_record(at(0), AT_ONCE, "old", &entry("k", &data), None)
            .unwrap();
    }
    let old = account
        .get_shard_iterator(at(0), "old", id(0), IteratorPosition::TrimHorizon)
        .unwrap();
    assert_eq!(account.memory().trimmed_records, 0);
    let stored: Vec<_> = (0..5_000)
        .map(|_| put(&account, at(1), &data).unwrap().sequence_number)
        .collect();
    let memory = account.memory();
    assert!(memory.log_bytes + memory.pool_bytes <= LIMIT, "{memory:?}");
    assert!(memory.pool_bytes > 0, "what went is kept for what comes");
    assert!(memory.trimmed_bytes > 40 << 20);
    let page = read(&account, at(2), &old);
    assert!(page.records.is_empty());
    assert_eq!(page.trimmed_to.unwrap().decode().unwrap().counter, 300);
    let first = stored[0];
    let page = read_from(
        &account,
        at(2),
        0,
        IteratorPosition::AtSequenceNumber(first),
    );
    let trimmed = page.trimmed_to.unwrap().decode().unwrap().counter;
    assert_eq!(memory.trimmed_records, 300 + trimmed);
    assert_eq!(numbers(&page)[..], stored[trimmed as usize..]);
}

#[test]
fn what_is_past_retention_is_not_counted_as_trimmed_for_memory() {
    const LIMIT: u64 = 8 << 20;
    const DAY_MS: u64 = 24 * 3_600_000;
    let account = account_with_memory(Limits::off(), LIMIT);
    create(&account, "old", 1, AT_ONCE).unwrap();
    create(&account, STREAM, 1, AT_ONCE).unwrap();
    let data = vec![1; 10_000];
    for _ in 0..300 {
        account
            .put_record(at(0), AT_ONCE, "old", &entry("k", &data), None)
            .unwrap();
    }
    for _ in 0..500 {
        put(&account, at(DAY_MS + 1), &data).unwrap();
    }
    let memory = account.memory();
    assert!(memory.log_bytes <= LIMIT, "{memory:?}");
    assert_eq!((memory.trimmed_bytes, memory.trimmed_records), (0, 0));
}

#[test]
fn the_memory_limit_holds_when_every_put_of_many_threads_has_returned() {
    const LIMIT: u64 = 8 << 20;
    for _ in 0..10 {
        let account = account_with_memory(Limits::off(), LIMIT);
        let wanted = CreateStream {
            max_record_bytes: 10 << 20,
            ..request(STREAM, 8)
        };
        account.create_stream(at(0), AT_ONCE, &wanted).unwrap();
        std::thread::scope(|scope| {
            for writer in 0..8u128 {
                let account = &account;
                scope.spawn(move || {
                    let data = vec![0; 4 << 20];
                    let entry = PutEntry {
                        explicit_hash_key: Some(HashKey(writer << 125)),
                        ..entry("k", &data)
                    };
                    for _ in 0..20 {
                        account
                            .put_record(at(0), AT_ONCE, STREAM, &entry, None)
                            .unwrap();
                    }
                });
            }
        });
        let memory = account.memory();
        assert!(memory.log_bytes + memory.pool_bytes <= LIMIT, "{memory:?}");
    }
}

#[test]
fn threads_that_put_while_another_reshards_lose_and_repeat_nothing() {
    const WRITERS: u64 = 4;
    const RECORDS: u64 = 5_000;
    let account = with_stream(Limits::off(), 4);
    let time = AtomicU64::new(0);
    let reshards = AtomicUsize::new(0);
    let writing = AtomicBool::new(true);
    let tick =
        || Timestamp::from_nanos(at(0).as_nanos() + 1_000 * time.fetch_add(1, Ordering::Relaxed));
    let (acked, ends) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (account, tick, reshards) = (&account, &tick, &reshards);
                scope.spawn(move || {
                    let mut acked = Vec::new();
                    let mut number = 0;
                    // On a busy machine the other thread may begin late: enough of its work must fall among the puts.
                    let meets_reshards = || reshards.load(Ordering::Relaxed) > 10;
                    while number < RECORDS || (number < 100 * RECORDS && !meets_reshards()) {
                        let key = format!("{writer}-{number}");
                        number += 1;
                        let stored = account
                            .put_record(tick(), AT_ONCE, STREAM, &entry(&key, key.as_bytes()), None)
                            .expect("no limits");
                        acked.push((stored, key));
                    }
                    acked
                })
            })
            .collect();
        let resharder = scope.spawn(|| {
            // The end of a shard that was just closed, as a reader finds it: nothing may be written behind it.
            let mut ends = Vec::new();
            while writing.load(Ordering::Relaxed) && ends.len() < 400 {
                let (open, _) = account
                    .list_shards(tick(), STREAM, ShardFilter::AtLatest, None, None)
                    .expect("the stream is there");
                let mut open: Vec<_> = open.iter().map(|s| (s.hash_key_range, s.shard)).collect();
                open.sort_by_key(|(range, _)| range.start);
                let pick = ends.len() % open.len();
                let parent = if open.len() < 6 {
                    let parent = open[pick].1;
                    split(&account, tick(), AT_ONCE, parent.number()).expect("it is open");
                    parent
                } else {
                    let pick = pick.min(open.len() - 2);
                    let request = MergeShards {
                        shard: open[pick].1,
                        adjacent: open[pick + 1].1,
                    };
                    account
                        .merge_shards(tick(), AT_ONCE, STREAM, request)
                        .expect("neighbours");
                    request.shard
                };
                ends.push(iterator(
                    &account,
                    tick(),
                    parent.number(),
                    IteratorPosition::Latest,
                ));
                reshards.store(ends.len(), Ordering::Relaxed);
            }
            ends
        });
        let acked: Vec<_> = writers
            .into_iter()
            .flat_map(|w| w.join().expect("no panic"))
            .collect();
        writing.store(false, Ordering::Relaxed);
        (acked, resharder.join().expect("no panic"))
    });
    assert!(ends.len() > 10, "{}", ends.len());
    let now = tick();
    for end in &ends {
        let page = read(&account, now, end);
        assert!(page.records.is_empty() && !page.child_shards.is_empty());
    }
    let mut delivered: BTreeMap<SequenceNumber, String> = BTreeMap::new();
    let mut shard = 0;
    while let Ok(mut next) =
        account.get_shard_iterator(now, STREAM, id(shard), IteratorPosition::TrimHorizon)
    {
        let mut last = SequenceNumber::default();
        loop {
            let page = read(&account, now, &next);
            for record in &page.records {
                assert!(record.sequence_number > last);
                last = record.sequence_number;
                assert_eq!(record.partition_key.as_bytes(), record.data);
                let repeated = delivered.insert(last, record.partition_key.to_owned());
                assert_eq!(repeated, None);
            }
            match page.next_iterator {
                Some(iterator) if !page.records.is_empty() => next = iterator,
                _ => break,
            }
        }
        shard += 1;
    }
    assert!(acked.len() as u64 >= WRITERS * RECORDS);
    assert_eq!(delivered.len(), acked.len());
    for (stored, key) in acked {
        assert_eq!(delivered.get(&stored.sequence_number), Some(&key));
    }
}

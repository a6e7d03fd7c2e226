//! The engine against what is known of the service, one fact per test. This file holds what the tests share.

mod consumers;
mod memory_and_threads;
mod on_demand;
mod reading;
mod resharding;
mod settings;
mod streams;
mod writing;

use std::time::Duration;

use streamgauge::base::Timestamp;
use streamgauge::engine::{Account, Settings};
use streamgauge::kinesis::operation::{
    CreateStream, IteratorPosition, RecordPage, ShardFilter, SplitShard, Stored,
};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::{
    ErrorCode, HashKey, HashKeyRange, KinesisError, Limits, SequenceNumber, ShardId,
};

pub(crate) const STREAM: &str = "orders";
pub(crate) const AT_ONCE: Duration = Duration::ZERO;
pub(crate) const MIB: usize = 1 << 20;
pub(crate) const EPOCH_MS: u64 = 1_700_000_000_000;
pub(crate) const HOUR_MS: u64 = 3_600_000;

pub(crate) fn account(limits: Limits) -> Account {
    account_with_memory(limits, u64::MAX)
}

pub(crate) fn account_with_memory(limits: Limits, max_memory_bytes: u64) -> Account {
    Account::new(Settings {
        account_id: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        limits,
        max_memory_bytes,
    })
}

/// An account with one ACTIVE stream.
pub(crate) fn with_stream(limits: Limits, shards: u32) -> Account {
    let account = account(limits);
    create(&account, STREAM, shards, AT_ONCE).expect("the stream is new");
    account
}

/// An account with one ACTIVE stream of one shard whose records may be this large.
pub(crate) fn with_records_of(limits: Limits, max_record_bytes: u64) -> Account {
    let account = account(limits);
    let request = CreateStream {
        max_record_bytes,
        ..request(STREAM, 1)
    };
    account
        .create_stream(at(0), AT_ONCE, &request)
        .expect("the stream is new");
    account
}

pub(crate) fn create(
    account: &Account,
    name: &str,
    shards: u32,
    takes: Duration,
) -> Result<(), KinesisError> {
    account.create_stream(at(0), takes, &request(name, shards))
}

pub(crate) fn request(name: &str, shards: u32) -> CreateStream {
    CreateStream {
        stream: name.parse().expect("a valid name"),
        shards,
        max_record_bytes: MIB as u64,
    }
}

pub(crate) fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(EPOCH_MS + ms)
}

pub(crate) fn id(number: u32) -> ShardId {
    ShardId::new(number).expect("a small number")
}

pub(crate) fn entry<'a>(key: &'a str, data: &'a [u8]) -> PutEntry<'a> {
    PutEntry {
        partition_key: key,
        data,
        explicit_hash_key: None,
    }
}

pub(crate) fn put(account: &Account, now: Timestamp, data: &[u8]) -> Result<Stored, KinesisError> {
    account.put_record(now, AT_ONCE, STREAM, &entry("k", data), None)
}

pub(crate) fn put_at(account: &Account, now: Timestamp, key: HashKey) -> Stored {
    let entry = PutEntry {
        explicit_hash_key: Some(key),
        ..entry("k", b"x")
    };
    account
        .put_record(now, AT_ONCE, STREAM, &entry, None)
        .expect("no limit is near")
}

pub(crate) fn iterator(
    account: &Account,
    now: Timestamp,
    shard: u32,
    from: IteratorPosition,
) -> String {
    account
        .get_shard_iterator(now, STREAM, id(shard), from)
        .expect("the shard is there")
}

pub(crate) fn read(account: &Account, now: Timestamp, iterator: &str) -> RecordPage {
    account
        .get_records(now, iterator, None)
        .expect("the iterator is good")
}

pub(crate) fn read_from(
    account: &Account,
    now: Timestamp,
    shard: u32,
    from: IteratorPosition,
) -> RecordPage {
    read(account, now, &iterator(account, now, shard, from))
}

pub(crate) fn numbers(page: &RecordPage) -> Vec<SequenceNumber> {
    page.records.iter().map(|r| r.sequence_number).collect()
}

pub(crate) fn split(
    account: &Account,
    now: Timestamp,
    takes: Duration,
    shard: u32,
) -> Result<(), KinesisError> {
    let map = all_shards(account, now);
    let range = map[shard as usize].1;
    let request = SplitShard {
        shard: id(shard),
        new_starting_hash_key: HashKey(range.start.0 + (range.end.0 - range.start.0) / 2 + 1),
    };
    account.split_shard(now, takes, STREAM, request)
}

pub(crate) fn all_shards(account: &Account, now: Timestamp) -> Vec<(u32, HashKeyRange)> {
    let filter = ShardFilter::FromTrimHorizon;
    let (shards, _) = account
        .list_shards(now, STREAM, filter, None, None)
        .expect("the stream is there");
    shards
        .iter()
        .map(|shard| (shard.shard.number(), shard.hash_key_range))
        .collect()
}

pub(crate) fn listed(account: &Account, now: Timestamp, filter: ShardFilter) -> Vec<u32> {
    let (shards, more) = account
        .list_shards(now, STREAM, filter, None, None)
        .expect("the stream is there");
    assert!(!more);
    shards.iter().map(|shard| shard.shard.number()).collect()
}

#[track_caller]
pub(crate) fn assert_refused<T: std::fmt::Debug>(
    result: Result<T, KinesisError>,
    code: ErrorCode,
    text: &str,
) {
    let error = result.expect_err("refused");
    assert_eq!((error.code, error.message.as_str()), (code, text));
}

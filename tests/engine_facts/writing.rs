//! What is known of puts and of their limits.

use std::collections::BTreeMap;

use streamgauge::base::Timestamp;
use streamgauge::engine::Storm;
use streamgauge::kinesis::operation::{CreateStream, IteratorPosition};
use streamgauge::kinesis::quotas::{CapName, RateName};
use streamgauge::kinesis::{Cause, ErrorCode, HashKey, Limits, PutBatch, SequenceNumber, ShardId};

use crate::{
    AT_ONCE, EPOCH_MS, MIB, STREAM, account, assert_refused, at, entry, id, put, put_at, read_from,
    request, split, with_records_of, with_stream,
};

#[test]
fn a_limit_set_to_what_it_is_on_aws_rules_over_the_streams_own_record_size() {
    let large = 10 * MIB as u64;
    let burst = |limits| {
        let account = with_records_of(limits, large);
        (0..12)
            .filter(|_| put(&account, at(0), &vec![0; MIB - 1]).is_ok())
            .count()
    };
    let mut limits = Limits::aws();
    assert_eq!(burst(limits.clone()), 10);
    limits.set_rate(RateName::WriteBytes, limits.rate(RateName::WriteBytes));
    assert_eq!(burst(limits), 1);

    let mut limits = Limits::off();
    let fits = |limits| put(&with_records_of(limits, large), at(0), &vec![0; 2 * MIB]).is_ok();
    assert!(fits(limits.clone()));
    limits.set_cap(CapName::RecordBytes, Some(MIB as u64));
    assert!(!fits(limits));
}

#[test]
fn sequence_numbers_have_56_digits_and_rise_by_one_per_record_of_a_shard() {
    let account = with_stream(Limits::aws(), 2);
    let mut last: BTreeMap<ShardId, SequenceNumber> = BTreeMap::new();
    for number in 0..100u64 {
        let key = HashKey(u128::MAX / 100 * u128::from(number));
        let stored = put_at(&account, at(number), key);
        assert_eq!(stored.sequence_number.to_string().len(), 56);
        let parts = stored.sequence_number.decode().unwrap();
        assert_eq!(parts.shard, stored.shard);
        assert_eq!(parts.shard_created_s, EPOCH_MS / 1_000);
        assert_eq!(parts.time_s, (EPOCH_MS + number) / 1_000);
        let before = last.insert(stored.shard, stored.sequence_number);
        let counter_before = before.map_or(0, |b| b.decode().unwrap().counter);
        assert_eq!(parts.counter, counter_before + 1);
        assert!(before < Some(stored.sequence_number));
    }
    assert_eq!(last.len(), 2);
}

#[test]
fn an_explicit_hash_key_takes_the_place_of_the_keys_hash() {
    let account = with_stream(Limits::aws(), 4);
    for shard in 0..4u32 {
        let key = HashKey(u128::from(shard) << 126);
        assert_eq!(put_at(&account, at(0), key).shard, id(shard));
    }
    // MD5("a") begins with 0x0c: the first quarter.
    let stored = account
        .put_record(at(0), AT_ONCE, STREAM, &entry("a", b""), None)
        .unwrap();
    assert_eq!(stored.shard, id(0));
}

#[test]
fn put_records_refuses_per_record_inside_success() {
    let account = with_stream(Limits::aws(), 1);
    let mut batch = PutBatch::new();
    let big = vec![0; 400_000];
    for data in [&big[..], &big, &big, b"small"] {
        batch.push(entry("k", data));
    }
    let mut results = Vec::new();
    account
        .put_records(at(0), AT_ONCE, STREAM, &batch, &mut results)
        .unwrap();
    assert!(results[0].is_ok() && results[1].is_ok() && results[3].is_ok());
    let refused = results[2].unwrap_err();
    assert_eq!(refused.code, ErrorCode::ProvisionedThroughputExceeded);
    assert_eq!(refused.cause, Some(Cause::WriteBytes));
    assert_eq!(
        refused.message(STREAM, "123456789012"),
        "Rate exceeded for shard shardId-000000000000 in stream orders under account 123456789012."
    );
    // The refused record took no number.
    let counters: Vec<u64> = [0, 1, 3]
        .map(|index: usize| {
            results[index]
                .unwrap()
                .sequence_number
                .decode()
                .unwrap()
                .counter
        })
        .to_vec();
    assert_eq!(counters, [1, 2, 3]);

    // Even if every record is refused the call succeeds.
    batch.clear();
    for _ in 0..500 {
        batch.push(entry("k", b"x"));
    }
    for _ in 0..2 {
        account
            .put_records(at(0), AT_ONCE, STREAM, &batch, &mut results)
            .unwrap();
    }
    account
        .put_records(at(0), AT_ONCE, STREAM, &batch, &mut results)
        .unwrap();
    assert_eq!(results.len(), 500);
    assert!(
        results
            .iter()
            .all(|result| { result.is_err_and(|error| error.cause == Some(Cause::WriteRecords)) })
    );
}

#[test]
fn an_overloaded_shard_takes_its_capacity_and_then_exactly_its_rate_of_records() {
    let account = with_stream(Limits::aws(), 1);
    let mut per_second = [0u32; 61];
    for offer in 0..=180_000u64 {
        let nanos = offer * 1_000_000_000 / 3_000;
        let now = Timestamp::from_nanos(at(0).as_nanos() + nanos);
        let stored = put(&account, now, b"x").is_ok();
        per_second[(nanos / 1_000_000_000) as usize] += u32::from(stored);
    }
    assert_eq!(per_second.iter().sum::<u32>(), 61_000);
    for passed in &per_second[1..60] {
        assert!((999..=1_001).contains(passed), "{passed}");
    }
}

#[test]
fn an_overloaded_shard_takes_exactly_its_rate_of_bytes() {
    // 1,024 bytes with the key: 1,024 records per MiB, above the rate of records; so that only bytes count, none is set.
    let mut limits = Limits::aws();
    limits.set_rate(RateName::WriteRecords, None);
    let account = with_stream(limits, 1);
    let data = [0; 1_023];
    let mut per_second = [0u32; 11];
    for offer in 0..=30_000u64 {
        let nanos = offer * 1_000_000_000 / 3_000;
        let now = Timestamp::from_nanos(at(0).as_nanos() + nanos);
        match put(&account, now, &data) {
            Ok(_) => per_second[(nanos / 1_000_000_000) as usize] += 1,
            Err(error) => assert_eq!(error.cause, Some(Cause::WriteBytes)),
        }
    }
    assert_eq!(per_second.iter().sum::<u32>(), 11 * 1_024);
    for passed in &per_second[1..10] {
        assert!((1_023..=1_025).contains(passed), "{passed}");
    }
}

#[test]
fn large_records_have_a_tank_of_ten_mebibytes() {
    let account = account(Limits::aws());
    let large = CreateStream {
        max_record_bytes: 10 * MIB as u64,
        ..request(STREAM, 1)
    };
    account.create_stream(at(0), AT_ONCE, &large).unwrap();
    let data = vec![0; 10 * MIB - 1];
    put(&account, at(0), &data).unwrap();
    assert_eq!(
        put(&account, at(9_999), &data).unwrap_err().cause,
        Some(Cause::WriteBytes)
    );
    put(&account, at(10_000), &data).unwrap();
}

#[test]
fn sizes_are_counted_with_the_key() {
    let account = with_stream(Limits::aws(), 1);
    put(&account, at(0), &vec![0; MIB - 1]).unwrap();
    assert_refused(
        put(&account, at(5_000), &vec![0; MIB]),
        ErrorCode::Validation,
        "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=1048576 cap=1048576]' at 'data' failed \
         to satisfy constraint: Member must have length less than or equal to 1048576",
    );
    let mut batch = PutBatch::new();
    for _ in 0..11 {
        batch.push(entry("k", &vec![0; MIB - 100]));
    }
    let mut results = vec![Ok(put(&account, at(6_000), b"").unwrap())];
    assert_refused(
        account.put_records(at(9_000), AT_ONCE, STREAM, &batch, &mut results),
        ErrorCode::InvalidArgument,
        "Records size exceeds 10 MB limit",
    );
    assert_eq!(results, []);
    batch.clear();
    for _ in 0..501 {
        batch.push(entry("k", b""));
    }
    let error = account.put_records(at(9_000), AT_ONCE, STREAM, &batch, &mut results);
    assert_eq!(error.unwrap_err().code, ErrorCode::Validation);
    let key = "k".repeat(257);
    let error = account.put_record(at(9_000), AT_ONCE, STREAM, &entry(&key, b""), None);
    assert_eq!(error.unwrap_err().code, ErrorCode::Validation);
    let key = "\u{1f600}".repeat(256);
    account
        .put_record(at(9_000), AT_ONCE, STREAM, &entry(&key, b""), None)
        .unwrap();
}

#[test]
fn a_sequence_number_for_ordering_from_the_future_is_invalid() {
    let account = with_stream(Limits::aws(), 1);
    let first = put(&account, at(0), b"1").unwrap().sequence_number;
    let put_after =
        |number| account.put_record(at(10), AT_ONCE, STREAM, &entry("k", b"2"), Some(number));
    let second = put_after(first).unwrap().sequence_number;
    assert!(second > first);
    let mut future = second.decode().unwrap();
    future.time_s += 1;
    let future = future.encode();
    assert_refused(
        put_after(future),
        ErrorCode::InvalidArgument,
        &format!(
            "ExclusiveMinimumSequenceNumber {future} used in PutRecord on stream orders under account 123456789012 is \
             invalid."
        ),
    );
}

#[test]
fn a_sequence_number_for_ordering_need_not_have_been_given_out() {
    let account = with_stream(Limits::aws(), 1);
    let put_after =
        |number| account.put_record(at(10), AT_ONCE, STREAM, &entry("k", b"2"), Some(number));
    let first = put(&account, at(0), b"1").unwrap().sequence_number;
    let mut ahead = first.decode().unwrap();
    ahead.counter = 1 << 40;
    put_after(ahead.encode()).unwrap();
    // Kinesalite's cases: hexadecimal 2, zeros and the version; the same with a shard below zero; all that may be ones.
    for taken in [
        "49039857307708443467467104868809893875799651909875269634",
        "49039857307708443467467104868809893875799651909875269633",
        "49039857307708443467467104868809893875799651944235008002",
        "73559785961551514828601391991642864028743539089244946418",
        "7",
    ] {
        let number: SequenceNumber = taken.parse().unwrap();
        assert!(put_after(number).is_ok(), "{taken}");
    }
    for (refused, code) in [
        (
            "49039857307708443467467104868809893875799651909875269635",
            ErrorCode::InternalFailure,
        ),
        (
            "49039857307708443467467104868809893875799651909875269636",
            ErrorCode::InvalidArgument,
        ),
        (
            "26227199374822427428162556223570313216",
            ErrorCode::InvalidArgument,
        ),
    ] {
        let number = refused.parse().unwrap();
        assert_eq!(put_after(number).unwrap_err().code, code, "{refused}");
    }
}

#[test]
fn arrival_times_never_go_back_within_a_shard() {
    let account = with_stream(Limits::aws(), 1);
    for ms in [500, 100, 499, 501] {
        put(&account, at(ms), b"x").unwrap();
    }
    let page = read_from(&account, at(600), 0, IteratorPosition::TrimHorizon);
    let arrivals: Vec<u64> = page
        .records
        .iter()
        .map(|record| record.arrival.as_millis() - EPOCH_MS)
        .collect();
    assert_eq!(arrivals, [500, 500, 500, 501]);
}

#[test]
fn a_storm_refuses_its_share_until_it_is_over_and_reaches_children() {
    let account = with_stream(Limits::off(), 1);
    let storm = Storm {
        shard: None,
        share: 0.5,
        until: at(1_000),
        seed: 3,
    };
    account.throttle(STREAM, storm).unwrap();
    let refused = |from: u64| {
        (0..400)
            .filter(|offer| match put(&account, at(from + offer), b"x") {
                Ok(_) => false,
                Err(error) => {
                    assert_eq!(error.cause, Some(Cause::Injected));
                    true
                }
            })
            .count()
    };
    assert!((140..260).contains(&refused(0)));
    split(&account, at(400), AT_ONCE, 0).unwrap();
    assert!((140..260).contains(&refused(500)));
    assert_eq!(refused(1_000), 0);
    assert_refused(
        account.throttle(
            STREAM,
            Storm {
                shard: Some(id(9)),
                ..storm
            },
        ),
        ErrorCode::ResourceNotFound,
        "Could not find shard shardId-000000000009 in stream orders under account 123456789012.",
    );
}

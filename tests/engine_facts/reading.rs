//! What is known of iterators, reads and their limits.

use std::time::Duration;

use rand_distr::{Distribution, LogNormal};
use streamgauge::base::Timestamp;
use streamgauge::base::rng::generator;
use streamgauge::kinesis::operation::IteratorPosition;
use streamgauge::kinesis::quotas::RateName;
use streamgauge::kinesis::{Cause, ErrorCode, HashKey, Limits, SequenceNumber};

use crate::{
    AT_ONCE, MIB, STREAM, assert_refused, at, entry, id, iterator, numbers, put, put_at, read,
    read_from, split, with_records_of, with_stream,
};

#[test]
fn the_five_positions_begin_where_they_say() {
    let account = with_stream(Limits::off(), 1);
    let stored: Vec<_> = (0..5)
        .map(|n| {
            put(&account, at(n * 10), &[n as u8])
                .unwrap()
                .sequence_number
        })
        .collect();
    let from = |position| numbers(&read_from(&account, at(100), 0, position));
    assert_eq!(from(IteratorPosition::TrimHorizon), stored);
    assert_eq!(from(IteratorPosition::Latest), []);
    assert_eq!(
        from(IteratorPosition::AtSequenceNumber(stored[2])),
        stored[2..]
    );
    assert_eq!(
        from(IteratorPosition::AfterSequenceNumber(stored[2])),
        stored[3..]
    );
    assert_eq!(from(IteratorPosition::AtTimestamp(at(20))), stored[2..]);
    assert_eq!(from(IteratorPosition::AtTimestamp(at(21))), stored[3..]);
    assert_eq!(from(IteratorPosition::AtTimestamp(Timestamp::ZERO)), stored);
    assert_eq!(from(IteratorPosition::AtTimestamp(at(100))), []);
    let description = account
        .describe_stream(at(100), STREAM, None, None)
        .unwrap();
    let start = description.shards[0].starting_sequence_number;
    assert_eq!(from(IteratorPosition::AtSequenceNumber(start)), stored);
    assert_eq!(from(IteratorPosition::AfterSequenceNumber(start)), stored);
}

#[test]
fn positions_that_are_not_the_shards_are_refused_with_the_services_texts() {
    let account = with_stream(Limits::off(), 2);
    let stored = put_at(&account, at(0), HashKey::MAX).sequence_number;
    let ask = |position| account.get_shard_iterator(at(1), STREAM, id(0), position);
    assert_refused(
        ask(IteratorPosition::AtSequenceNumber(stored)),
        ErrorCode::InvalidArgument,
        "Invalid StartingSequenceNumber. It encodes shardId-000000000001, while it was used in a call to a shard with \
         shardId-000000000000",
    );
    let mut foreign = put_at(&account, at(0), HashKey(0))
        .sequence_number
        .decode()
        .unwrap();
    foreign.shard_created_s -= 5;
    let foreign = foreign.encode();
    assert_refused(
        ask(IteratorPosition::AfterSequenceNumber(foreign)),
        ErrorCode::InvalidArgument,
        &format!(
            "StartingSequenceNumber {foreign} used in GetShardIterator on shard shardId-000000000000 in stream orders \
             under account 123456789012 is invalid because it did not come from this stream."
        ),
    );
    let error = ask(IteratorPosition::AtSequenceNumber(SequenceNumber::MAX)).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert_refused(
        ask(IteratorPosition::AtTimestamp(at(2))),
        ErrorCode::InvalidArgument,
        "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: \
         1700000000002, currentTimestampInMillis: 1700000000001",
    );
    for (stream, shard) in [(STREAM, 7), ("none", 0)] {
        assert_refused(
            account.get_shard_iterator(at(1), stream, id(shard), IteratorPosition::Latest),
            ErrorCode::ResourceNotFound,
            &format!(
                "Shard shardId-{shard:012} in stream {stream} under account 123456789012 does not exist"
            ),
        );
    }
}

#[test]
fn iterators_are_reusable_all_different_and_expire_after_300_seconds() {
    let account = with_stream(Limits::aws(), 1);
    put(&account, at(0), b"x").unwrap();
    let first = iterator(&account, at(0), 0, IteratorPosition::TrimHorizon);
    let mut seen = vec![first.clone()];
    for second in [1, 2, 300] {
        let page = read(&account, at(second * 1_000), &first);
        assert_eq!(page.records.len(), 1);
        seen.push(page.next_iterator.unwrap());
    }
    let tip = seen[1].clone();
    let empty = read(&account, at(301_000), &tip);
    assert!(empty.records.is_empty());
    seen.push(empty.next_iterator.unwrap());
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count);
    let error = account.get_records(at(300_001), &first, None).unwrap_err();
    assert_eq!(error.code, ErrorCode::ExpiredIterator);
    assert_eq!(
        error.message,
        "Iterator expired. The iterator was created at time Tue Nov 14 22:13:20 UTC 2023 while right now it is Tue Nov \
         14 22:18:20 UTC 2023 which is further in the future than the tolerated delay of 300000 milliseconds."
    );
    assert_refused(
        account.get_records(at(0), "garbage", None),
        ErrorCode::InvalidArgument,
        "Invalid ShardIterator.",
    );
}

#[test]
fn five_reads_per_second_and_shard_pass_and_empty_ones_count() {
    let account = with_stream(Limits::aws(), 2);
    let [first, second] = [0, 1].map(|s| iterator(&account, at(0), s, IteratorPosition::Latest));
    for _ in 0..5 {
        read(&account, at(0), &first);
    }
    let error = account.get_records(at(199), &first, None).unwrap_err();
    assert_eq!(error.cause, Some(Cause::ReadCalls));
    assert_eq!(
        error.message,
        "Rate exceeded for Shard - 123456789012/orders/shardId-000000000000"
    );
    read(&account, at(199), &second);
    read(&account, at(200), &first);
    let mut passed = 0;
    for ms in 0..=60_000 {
        passed += u32::from(account.get_records(at(1_000 + ms), &second, None).is_ok());
    }
    assert_eq!(passed, 5 + 60 * 5);
}

#[test]
fn a_full_answer_of_ten_mebibytes_is_followed_by_five_seconds_of_refusals() {
    let mut limits = Limits::aws();
    limits.set_rate(RateName::WriteBytes, None);
    let account = with_stream(limits, 1);
    for _ in 0..12 {
        put(&account, at(0), &vec![0; MIB - 1]).unwrap();
    }
    let page = read_from(&account, at(0), 0, IteratorPosition::TrimHorizon);
    assert_eq!(page.records.len(), 10);
    let next = page.next_iterator.unwrap();
    let error = account.get_records(at(5_000), &next, None).unwrap_err();
    assert_eq!(error.cause, Some(Cause::ReadBytes));
    assert_eq!(read(&account, at(5_001), &next).records.len(), 2);
}

#[test]
fn reading_as_fast_as_allowed_gives_two_mebibytes_per_second() {
    let mut limits = Limits::aws();
    limits.set_rate(RateName::WriteBytes, None);
    limits.set_rate(RateName::ReadCalls, None);
    let account = with_stream(limits, 1);
    for _ in 0..200 {
        put(&account, at(0), &vec![0; MIB / 4 - 1]).unwrap();
    }
    let mut next = iterator(&account, at(0), 0, IteratorPosition::TrimHorizon);
    let mut records = 0;
    for ms in 0..=10_000u64 {
        if let Ok(page) = account.get_records(at(ms), &next, Some(1)) {
            records += page.records.len();
            next = page.next_iterator.unwrap();
        }
    }
    // 2 MiB at once, 20 MiB in ten seconds: 88 quarters, and at most one more that overdraws.
    assert!((88..=89).contains(&records), "{records}");
}

#[test]
fn millis_behind_latest_is_the_age_of_the_next_unread_record() {
    let account = with_stream(Limits::off(), 1);
    put(&account, at(0), b"a").unwrap();
    put(&account, at(700), b"b").unwrap();
    let first = iterator(&account, at(1_000), 0, IteratorPosition::TrimHorizon);
    let page = account.get_records(at(1_000), &first, Some(1)).unwrap();
    assert_eq!(page.millis_behind_latest, 300);
    let page = read(&account, at(5_000), &page.next_iterator.unwrap());
    assert_eq!(page.millis_behind_latest, 0);
}

#[test]
fn millis_behind_latest_is_zero_only_where_nothing_more_is_stored() {
    let account = with_stream(Limits::off(), 1);
    let start = iterator(&account, at(0), 0, IteratorPosition::Latest);
    let hidden = Duration::from_secs(10);
    account
        .put_record(at(0), hidden, STREAM, &entry("k", b"x"), None)
        .unwrap();
    for (ms, behind) in [(0, 1), (1, 1), (5_000, 5_000)] {
        let page = read(&account, at(ms), &start);
        assert_eq!(
            (page.records.len(), page.millis_behind_latest),
            (0, behind),
            "at {ms}"
        );
    }
    let page = read(&account, at(10_000), &start);
    assert_eq!((page.records.len(), page.millis_behind_latest), (1, 0));
}

#[test]
fn an_answer_that_was_cut_costs_what_it_held() {
    let mut limits = Limits::aws();
    limits.set_rate(RateName::WriteBytes, None);
    let account = with_records_of(limits, 10 * MIB as u64);
    put(&account, at(0), &[0; 1_000]).unwrap();
    put(&account, at(0), &vec![0; 10 * MIB - 1]).unwrap();
    let page = read_from(&account, at(0), 0, IteratorPosition::TrimHorizon);
    assert_eq!(page.records.len(), 1);
    let next = page.next_iterator.unwrap();
    let page = read(&account, at(1), &next);
    assert_eq!(page.records.len(), 1);
    assert_eq!(page.records.iter().next().unwrap().data.len(), 10 * MIB - 1);
    // The last record there is, and the answer is full all the same.
    let next = page.next_iterator.unwrap();
    let error = account.get_records(at(5_001), &next, None).unwrap_err();
    assert_eq!(error.cause, Some(Cause::ReadBytes));
    read(&account, at(5_002), &next);
}

/// How long a record is hidden at the median, with records put every `gap_us` and delays drawn as modelled.
fn median_hidden_us(gap_us: u64) -> u64 {
    let account = with_stream(Limits::off(), 1);
    let delay = LogNormal::from_mean_cv(1.0, 0.475).expect("a distribution");
    let mut rng = generator(3, "propagation", 0, "test");
    let start = at(0).as_micros();
    let mut next = iterator(&account, at(0), 0, IteratorPosition::Latest);
    let mut hidden = Vec::new();
    let mut now_us = start;
    let mut put_us = start;
    let seconds = if gap_us > 100_000 { 1_000 } else { 100 };
    while now_us < start + seconds * 1_000_000 {
        while put_us <= now_us {
            let drawn: f64 = delay.sample(&mut rng);
            let now = Timestamp::from_nanos(put_us * 1_000);
            account
                .put_record(
                    now,
                    Duration::from_secs_f64(drawn * 0.07),
                    STREAM,
                    &entry("k", b"x"),
                    None,
                )
                .expect("no limits");
            put_us += gap_us;
        }
        let now = Timestamp::from_nanos(now_us * 1_000);
        let page = read(&account, now, &next);
        hidden.extend(page.records.iter().map(|r| now_us - r.arrival.as_micros()));
        next = page.next_iterator.expect("the shard is open");
        now_us += 1_000;
    }
    hidden.sort_unstable();
    hidden[hidden.len() / 2]
}

#[test]
fn a_busy_shard_hides_its_records_no_longer_than_an_idle_one() {
    let (idle, busy) = (median_hidden_us(1_000_000), median_hidden_us(1_000));
    let ratio = busy as f64 / idle as f64;
    assert!((0.8..1.25).contains(&ratio), "{busy} to {idle} us");
}

#[test]
fn records_are_hidden_until_they_are_visible_and_so_is_the_end_of_their_shard() {
    let account = with_stream(Limits::off(), 1);
    let put_with = |ms, visible_ms| {
        let visible_after = Duration::from_millis(visible_ms);
        account
            .put_record(at(ms), visible_after, STREAM, &entry("k", b"x"), None)
            .unwrap()
    };
    put_with(0, 200);
    put_with(10, 50);
    let start = iterator(&account, at(20), 0, IteratorPosition::TrimHorizon);
    split(&account, at(30), AT_ONCE, 0).unwrap();
    let page = read(&account, at(199), &start);
    assert_eq!((page.records.len(), page.child_shards.len()), (0, 0));
    // The second one came while the first one's delay was in force.
    let page = read(&account, at(209), &page.next_iterator.unwrap());
    assert_eq!((page.records.len(), page.child_shards.len()), (1, 0));
    let page = read(&account, at(210), &page.next_iterator.unwrap());
    assert_eq!((page.records.len(), page.child_shards.len()), (1, 2));
    assert_eq!(page.next_iterator, None);
}

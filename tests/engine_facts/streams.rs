//! What is known of streams: quotas, states, retention, listings.

use std::collections::BTreeSet;
use std::time::Duration;

use streamgauge::base::Timestamp;
use streamgauge::engine::{Account, Settings};
use streamgauge::kinesis::operation::{
    IteratorPosition, ShardFilter, SplitShard, StreamStatus, Tags,
};
use streamgauge::kinesis::quotas::{CapName, RateName};
use streamgauge::kinesis::{ErrorCode, HashKey, Limits};

use crate::{
    AT_ONCE, HOUR_MS, STREAM, account, account_with_memory, assert_refused, at, create, entry, id,
    iterator, listed, numbers, put, read, read_from, request, split, with_stream,
};

#[test]
fn quotas_of_shards_and_of_streams_in_creation_are_kept() {
    let mut limits = Limits::aws();
    limits.set_cap(CapName::Shards, Some(6));
    limits.set_rate(RateName::CreateStream, None);
    let account = account(limits);
    create(&account, STREAM, 5, AT_ONCE).unwrap();
    assert_refused(
        create(&account, "more", 2, AT_ONCE),
        ErrorCode::LimitExceeded,
        "This request would exceed the shard limit for the account 123456789012 in us-east-1. Current shard count for \
         the account: 5. Limit: 6. Number of additional shards that would have resulted from this request: 2. Refer to \
         the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current \
         limits and how to request higher limits.",
    );
    split(&account, at(0), Duration::from_secs(5), 0).unwrap();
    assert!(
        create(&account, "more", 1, AT_ONCE).is_err(),
        "the split counts already"
    );
    assert_refused(
        create(&account, STREAM, 1, AT_ONCE),
        ErrorCode::ResourceInUse,
        "Stream orders under account 123456789012 already exists.",
    );

    let mut limits = Limits::aws();
    limits.set_rate(RateName::CreateStream, None);
    let account = account_with_memory(limits, u64::MAX);
    for name in ["a", "b", "c", "d", "e"] {
        create(&account, name, 1, Duration::from_secs(1)).unwrap();
    }
    assert_refused(
        create(&account, "f", 1, AT_ONCE),
        ErrorCode::LimitExceeded,
        "This request would have exceed the limit on the number of streams that can simultaneously be in CREATING or \
         DELETING. Limit: 5",
    );
    account
        .create_stream(at(1_000), AT_ONCE, &request("f", 1))
        .unwrap();
}

#[test]
fn control_calls_above_their_rate_are_refused() {
    let account = with_stream(Limits::aws(), 1);
    for _ in 0..10 {
        account.describe_stream(at(0), STREAM, None, None).unwrap();
    }
    assert_refused(
        account.describe_stream(at(99), STREAM, None, None),
        ErrorCode::LimitExceeded,
        "Rate exceeded for stream orders under account 123456789012.",
    );
    account
        .describe_stream(at(100), STREAM, None, None)
        .unwrap();
}

#[test]
fn a_stream_that_is_being_created_has_no_shards_and_takes_no_records() {
    let account = account(Limits::aws());
    create(&account, STREAM, 2, Duration::from_secs(40)).unwrap();
    let description = account.describe_stream(at(1), STREAM, None, None).unwrap();
    assert_eq!(
        (description.status, description.shards.len()),
        (StreamStatus::Creating, 0)
    );
    assert_refused(
        put(&account, at(1), b"x"),
        ErrorCode::ResourceNotFound,
        "Stream orders under account 123456789012 not found.",
    );
    assert!(split_refused(&account, at(1)));
    put(&account, at(40_000), b"x").unwrap();
    assert_eq!(
        account
            .describe_stream_summary(at(40_000), STREAM)
            .unwrap()
            .open_shards,
        2
    );
}

fn split_refused(account: &Account, now: Timestamp) -> bool {
    let request = SplitShard {
        shard: id(0),
        new_starting_hash_key: HashKey(5),
    };
    account
        .split_shard(now, AT_ONCE, STREAM, request)
        .is_err_and(|error| error.code == ErrorCode::ResourceInUse)
}

#[test]
fn a_deleted_streams_iterator_finds_no_shard_and_a_recreated_ones_fails() {
    let account = with_stream(Limits::off(), 1);
    put(&account, at(0), b"x").unwrap();
    let old = iterator(&account, at(0), 0, IteratorPosition::TrimHorizon);
    account
        .delete_stream(at(0), Duration::from_secs(10), STREAM)
        .unwrap();
    let summary = account.describe_stream_summary(at(1), STREAM).unwrap();
    assert_eq!(summary.status, StreamStatus::Deleting);
    assert_eq!(read(&account, at(1), &old).records.len(), 1);
    assert!(put(&account, at(1), b"y").is_err());
    assert_refused(
        account.get_records(at(10_000), &old, None),
        ErrorCode::ResourceNotFound,
        "Shard shardId-000000000000 in stream orders under account 123456789012 does not exist",
    );
    assert_eq!(account.memory().log_bytes, 0);
    account
        .create_stream(at(11_000), AT_ONCE, &request(STREAM, 1))
        .unwrap();
    let error = account.get_records(at(11_000), &old, None).unwrap_err();
    assert_eq!(error.code, ErrorCode::InternalFailure);
}

#[test]
fn an_iterator_of_a_shard_that_the_recreated_stream_does_not_have_finds_no_shard() {
    let account = with_stream(Limits::off(), 2);
    let [first, second] =
        [0, 1].map(|shard| iterator(&account, at(0), shard, IteratorPosition::Latest));
    account.delete_stream(at(1), AT_ONCE, STREAM).unwrap();
    create(&account, STREAM, 1, AT_ONCE).unwrap();
    assert_refused(
        account.get_records(at(2), &second, None),
        ErrorCode::ResourceNotFound,
        "Shard shardId-000000000001 in stream orders under account 123456789012 does not exist",
    );
    let error = account.get_records(at(2), &first, None).unwrap_err();
    assert_eq!(error.code, ErrorCode::InternalFailure);
}

#[test]
fn a_stream_made_again_in_the_same_second_has_sequence_numbers_of_its_own() {
    let account = account(Limits::off());
    let mut created = BTreeSet::new();
    for round in 0..4 {
        create(&account, STREAM, 1, AT_ONCE).unwrap();
        // A reshard takes the seconds after it as well.
        for shard in 0..round {
            split(&account, at(round.into()), AT_ONCE, shard).unwrap();
        }
        let description = account.describe_stream(at(5), STREAM, None, None).unwrap();
        let seconds: BTreeSet<u64> = description
            .shards
            .iter()
            .map(|shard| {
                shard
                    .starting_sequence_number
                    .decode()
                    .unwrap()
                    .shard_created_s
            })
            .collect();
        assert!(seconds.is_disjoint(&created), "{seconds:?} {created:?}");
        created.extend(seconds);
        let stored = put(&account, at(6), b"x").unwrap().sequence_number;
        let parts = stored.decode().unwrap();
        assert!(parts.time_s >= parts.shard_created_s);
        // Its own numbers order its puts, however early their seconds are.
        account
            .put_record(at(7), AT_ONCE, STREAM, &entry("k", b"y"), Some(stored))
            .unwrap();
        account.delete_stream(at(8), AT_ONCE, STREAM).unwrap();
    }
    // Another name is not concerned, and neither is the name once the seconds are over.
    for (name, ms) in [("other", 9), (STREAM, 3_600_000)] {
        account
            .create_stream(at(ms), AT_ONCE, &request(name, 1))
            .unwrap();
        let description = account.describe_stream(at(ms), name, None, None).unwrap();
        let start = description.shards[0].starting_sequence_number;
        assert_eq!(start.decode().unwrap().shard_created_s, at(ms).as_secs());
    }
}

#[test]
fn no_stream_has_more_than_100000_shards_whatever_the_limits_are() {
    let account = with_stream(Limits::off(), 1);
    let text = |asked: u64| {
        format!("This server makes at most 100000 shards of a stream. Asked for: {asked}.")
    };
    for asked in [100_001, u32::MAX] {
        let text = text(asked.into());
        let made = create(&account, "large", asked, AT_ONCE);
        assert_refused(made, ErrorCode::LimitExceeded, &text);
        let updated = account.update_shard_count(at(0), AT_ONCE, STREAM, asked);
        assert_refused(updated, ErrorCode::LimitExceeded, &text);
    }
    create(&account, "largest", 100_000, AT_ONCE).unwrap();
    let split = SplitShard {
        shard: id(0),
        new_starting_hash_key: HashKey(5),
    };
    let split = account.split_shard(at(0), AT_ONCE, "largest", split);
    assert_refused(split, ErrorCode::LimitExceeded, &text(100_001));
}

#[test]
fn an_iterator_is_good_for_its_own_stream_account_region_and_process_alone() {
    let begun = |account: &str, region: &str, ms: u64| {
        let account = Account::new(Settings {
            account_id: account.to_owned(),
            region: region.to_owned(),
            limits: Limits::off(),
            max_memory_bytes: 1 << 30,
        });
        account
            .create_stream(at(ms), AT_ONCE, &request(STREAM, 1))
            .unwrap();
        account
    };
    let first = begun("123456789012", "us-east-1", 1_000);
    let latest = iterator(&first, at(1_000), 0, IteratorPosition::Latest);
    assert!(first.get_records(at(1_001), &latest, None).is_ok());
    for other in [
        begun("123456789012", "us-east-1", 2_000),
        begun("123456789012", "us-west-2", 1_000),
        begun("210987654321", "us-east-1", 1_000),
    ] {
        let error = other.get_records(at(2_001), &latest, None).unwrap_err();
        assert_eq!(error.code, ErrorCode::InternalFailure);
    }
    // The same calls at the same times give the same iterators: simulated runs repeat.
    let again = begun("123456789012", "us-east-1", 1_000);
    let repeated = iterator(&again, at(1_000), 0, IteratorPosition::Latest);
    assert_eq!(latest, repeated);
}

#[test]
fn streams_are_listed_by_name_in_pages() {
    let account = account(Limits::off());
    for name in ["b", "d", "a", "c"] {
        create(&account, name, 1, AT_ONCE).unwrap();
    }
    let list = |limit, start| {
        let (names, more) = account.list_streams(at(0), limit, start).unwrap();
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        (names.join(""), more)
    };
    assert_eq!(list(None, None), ("abcd".to_owned(), false));
    assert_eq!(list(Some(2), None), ("ab".to_owned(), true));
    assert_eq!(list(Some(2), Some("b")), ("cd".to_owned(), false));
    assert_eq!(
        account.list_streams(at(0), Some(0), None).unwrap_err().code,
        ErrorCode::Validation
    );
}

#[test]
fn retention_is_24_to_8760_hours_and_changes_only_in_the_direction_of_the_call() {
    let account = with_stream(Limits::off(), 1);
    assert_refused(
        account.decrease_retention(at(0), STREAM, 23),
        ErrorCode::InvalidArgument,
        "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short.",
    );
    account.increase_retention(at(0), STREAM, 48).unwrap();
    account.increase_retention(at(0), STREAM, 48).unwrap();
    assert_refused(
        account.increase_retention(at(0), STREAM, 47),
        ErrorCode::InvalidArgument,
        "Requested retention period (47 hours) for stream orders can not be shorter than existing retention period (48 \
         hours). Use DecreaseRetentionPeriod API.",
    );
    assert_refused(
        account.decrease_retention(at(0), STREAM, 49),
        ErrorCode::InvalidArgument,
        "Requested retention period (49 hours) for stream orders can not be longer than existing retention period (48 \
         hours). Use IncreaseRetentionPeriod API.",
    );
    assert!(account.increase_retention(at(0), STREAM, 8_761).is_err());
    assert_refused(
        account.decrease_retention(at(0), STREAM, -7),
        ErrorCode::InvalidArgument,
        "Minimum allowed retention period is 24 hours. Requested retention period (-7 hours) is too short.",
    );
    let summary = account.describe_stream_summary(at(0), STREAM).unwrap();
    assert_eq!(summary.retention, Duration::from_hours(48));
}

#[test]
fn records_past_retention_are_trimmed_do_not_come_back_and_the_reader_is_told() {
    let account = with_stream(Limits::off(), 1);
    let stored: Vec<_> = (0..10)
        .map(|hour| {
            put(&account, at(hour * HOUR_MS), b"x")
                .unwrap()
                .sequence_number
        })
        .collect();
    let now = at(28 * HOUR_MS + 1);
    let page = read_from(
        &account,
        now,
        0,
        IteratorPosition::AtSequenceNumber(stored[1]),
    );
    assert_eq!(numbers(&page), stored[5..]);
    assert_eq!(page.trimmed_to, Some(stored[4]));
    let page = read_from(&account, now, 0, IteratorPosition::TrimHorizon);
    assert_eq!(
        (numbers(&page), page.trimmed_to),
        (stored[5..].to_vec(), Some(stored[4])),
        "also a reader that is new to an old stream"
    );
    // One hour later, without a read in between: the sixth is past retention when it grows.
    account
        .increase_retention(at(29 * HOUR_MS + 1), STREAM, 100)
        .unwrap();
    let page = read_from(
        &account,
        at(29 * HOUR_MS + 1),
        0,
        IteratorPosition::TrimHorizon,
    );
    assert_eq!(numbers(&page), stored[6..]);
}

#[test]
fn closed_shards_past_retention_do_not_come_back_when_it_grows() {
    let account = with_stream(Limits::off(), 1);
    put(&account, at(0), b"x").unwrap();
    split(&account, at(1_000), AT_ONCE, 0).unwrap();
    let now = at(25 * HOUR_MS);
    assert_eq!(listed(&account, now, ShardFilter::FromTrimHorizon), [1, 2]);
    account.increase_retention(now, STREAM, 48).unwrap();
    assert_eq!(listed(&account, now, ShardFilter::FromTrimHorizon), [1, 2]);
    let error = account
        .get_shard_iterator(now, STREAM, id(0), IteratorPosition::TrimHorizon)
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::ResourceNotFound);
}

#[test]
fn the_trim_horizon_does_not_move_back_when_retention_grows() {
    let account = with_stream(Limits::off(), 1);
    split(&account, at(12 * HOUR_MS), AT_ONCE, 0).unwrap();
    account
        .increase_retention(at(48 * HOUR_MS), STREAM, 96)
        .unwrap();
    for hours in [48, 60, 99, 144] {
        let now = at(hours * HOUR_MS);
        for filter in [
            ShardFilter::AtTrimHorizon,
            ShardFilter::AtTimestamp(at(0)),
            ShardFilter::FromTimestamp(at(0)),
        ] {
            assert_eq!(listed(&account, now, filter), [1, 2], "{hours} {filter:?}");
        }
    }
}

#[test]
fn a_consumer_of_a_stream_made_again_in_the_same_second_has_another_arn() {
    let account = with_stream(Limits::off(), 1);
    let name = "billing".parse().unwrap();
    let mut arns = BTreeSet::new();
    // The last stream is younger than its consumers' names.
    for ms in [0, 0, 900, 2_500, 2_500] {
        let consumer = account
            .register_stream_consumer(at(ms), AT_ONCE, STREAM, &name, &Tags::new())
            .unwrap();
        assert!(arns.insert(consumer.arn.to_string()), "{arns:?}");
        account
            .delete_stream_with(at(ms), AT_ONCE, STREAM, true)
            .unwrap();
        account
            .create_stream(at(ms), AT_ONCE, &request(STREAM, 1))
            .unwrap();
    }
}

#[test]
fn increases_and_decreases_of_retention_are_counted_apart() {
    let account = with_stream(Limits::aws(), 1);
    for _ in 0..5 {
        account.increase_retention(at(0), STREAM, 24).unwrap();
        account.decrease_retention(at(0), STREAM, 24).unwrap();
    }
    for refused in [
        account.increase_retention(at(0), STREAM, 24),
        account.decrease_retention(at(0), STREAM, 24),
    ] {
        assert_eq!(refused.unwrap_err().code, ErrorCode::LimitExceeded);
    }
}

#[test]
fn shard_filters_choose_by_when_shards_were_open_and_expired_ones_leave() {
    let account = with_stream(Limits::off(), 1);
    split(&account, at(10 * HOUR_MS), AT_ONCE, 0).unwrap();
    split(&account, at(20 * HOUR_MS), AT_ONCE, 1).unwrap();
    let now = at(21 * HOUR_MS);
    let list = |filter| listed(&account, now, filter);
    assert_eq!(list(ShardFilter::FromTrimHorizon), [0, 1, 2, 3, 4]);
    assert_eq!(list(ShardFilter::AtTrimHorizon), [0]);
    assert_eq!(list(ShardFilter::AtLatest), [2, 3, 4]);
    assert_eq!(list(ShardFilter::AfterShardId(id(2))), [3, 4]);
    assert_eq!(list(ShardFilter::AtTimestamp(at(15 * HOUR_MS))), [1, 2]);
    assert_eq!(
        list(ShardFilter::FromTimestamp(at(15 * HOUR_MS))),
        [1, 2, 3, 4]
    );
    assert_eq!(list(ShardFilter::AtTimestamp(Timestamp::ZERO)), [0]);
    let later = at(35 * HOUR_MS);
    assert_eq!(
        listed(&account, later, ShardFilter::FromTrimHorizon),
        [1, 2, 3, 4]
    );
    assert_eq!(listed(&account, later, ShardFilter::AtTrimHorizon), [1, 2]);
    let (page, more) = account
        .list_shards(later, STREAM, ShardFilter::default(), Some(2), Some(id(1)))
        .unwrap();
    assert_eq!((page[0].shard, page[1].shard, more), (id(2), id(3), true));
}

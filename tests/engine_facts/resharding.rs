//! What is known of splits, merges and UpdateShardCount.

use std::time::Duration;

use streamgauge::kinesis::operation::{
    IteratorPosition, MergeShards, ShardFilter, SplitShard, StreamStatus,
};
use streamgauge::kinesis::quotas::CapName;
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::sequence::ENDING_COUNTER;
use streamgauge::kinesis::{ErrorCode, HashKey, HashKeyRange, Limits, ShardId};

use crate::{
    AT_ONCE, EPOCH_MS, STREAM, account_with_memory, assert_refused, at, create, entry, id, listed,
    put_at, read_from, split, with_stream,
};

#[test]
fn closed_shard_answers_latest_iterator_and_children() {
    let account = with_stream(Limits::off(), 2);
    put_at(&account, at(0), HashKey(0));
    let merge = MergeShards {
        shard: id(0),
        adjacent: id(1),
    };
    account
        .merge_shards(at(10), AT_ONCE, STREAM, merge)
        .unwrap();
    let page = read_from(&account, at(20), 0, IteratorPosition::Latest);
    assert!(page.records.is_empty());
    assert_eq!(page.next_iterator, None);
    assert_eq!(page.child_shards.len(), 1);
    let child = &page.child_shards[0];
    assert_eq!(
        (child.shard, &child.parents[..]),
        (id(2), &[id(0), id(1)][..])
    );
    assert_eq!(child.hash_key_range, HashKeyRange::FULL);
    // With its last record, too.
    let page = read_from(&account, at(20), 0, IteratorPosition::TrimHorizon);
    assert_eq!(
        (page.records.len(), page.next_iterator.is_none()),
        (1, true)
    );
    assert_eq!(page.child_shards.len(), 1);
}

#[test]
fn a_split_takes_effect_when_it_is_complete_and_its_children_begin_a_second_later() {
    let account = with_stream(Limits::off(), 1);
    split(&account, at(1_500), Duration::from_secs(30), 0).unwrap();
    assert_eq!(account.next_due(), Some(at(31_500)));
    let summary = account.describe_stream_summary(at(31_499), STREAM).unwrap();
    assert_eq!(
        (summary.status, summary.open_shards),
        (StreamStatus::Updating, 1)
    );
    assert_eq!(put_at(&account, at(31_499), HashKey(5)).shard, id(0));
    assert_refused(
        split(&account, at(31_499), AT_ONCE, 0),
        ErrorCode::ResourceInUse,
        "Stream orders under account 123456789012 not ACTIVE, instead in state UPDATING",
    );
    // Nobody called at the time it was due; it is done as of that time all the same.
    let stored = put_at(&account, at(40_000), HashKey(5));
    assert_eq!(stored.shard, id(1));
    assert_eq!(account.next_due(), None);
    let closed_s = EPOCH_MS / 1_000 + 31;
    assert_eq!(
        stored.sequence_number.decode().unwrap().shard_created_s,
        closed_s + 1
    );
    let shards = account
        .describe_stream(at(40_000), STREAM, None, None)
        .unwrap()
        .shards;
    let ending = shards[0].ending_sequence_number.unwrap().decode().unwrap();
    assert_eq!((ending.counter, ending.time_s), (ENDING_COUNTER, closed_s));
    assert_eq!(
        (shards[1].parent, shards[2].parent),
        (Some(id(0)), Some(id(0)))
    );
    assert!(shards[1].is_open() && shards[2].is_open());
    assert!(shards[0].ending_sequence_number.unwrap() < stored.sequence_number);
    assert_refused(
        split(&account, at(40_000), AT_ONCE, 0),
        ErrorCode::InvalidArgument,
        "Shard shardId-000000000000 in stream orders under account 123456789012 is closed and not eligible for \
         splitting",
    );
}

#[test]
fn a_split_needs_a_hash_key_well_inside_and_a_merge_needs_neighbours_in_order() {
    let account = with_stream(Limits::off(), 3);
    let split_at = |key| {
        let request = SplitShard {
            shard: id(0),
            new_starting_hash_key: HashKey(key),
        };
        account.split_shard(at(0), AT_ONCE, STREAM, request)
    };
    let end = HashKeyRange::initial(3)[0].end.0;
    assert_refused(
        split_at(1),
        ErrorCode::InvalidArgument,
        &format!(
            "NewStartingHashKey 1 used in SplitShard() on shard shardId-000000000000 in stream orders under account \
             123456789012 is not both greater than one plus the shard's StartingHashKey 0 and less than the shard's \
             EndingHashKey {end}."
        ),
    );
    assert!(split_at(end).is_err());
    let merge = |shard, adjacent| {
        let request = MergeShards {
            shard: id(shard),
            adjacent: id(adjacent),
        };
        account.merge_shards(at(0), AT_ONCE, STREAM, request)
    };
    for (left, right) in [(1, 0), (0, 2), (0, 0)] {
        assert_refused(
            merge(left, right),
            ErrorCode::InvalidArgument,
            &format!(
                "Shards shardId-{left:012} and shardId-{right:012} in stream orders under account 123456789012 are not \
                 an adjacent pair of shards eligible for merging"
            ),
        );
    }
    split_at(2).unwrap();
    assert_eq!(merge(0, 1).unwrap_err().code, ErrorCode::InvalidArgument);
    merge(4, 1).unwrap();
}

#[test]
fn four_shards_updated_to_three_leave_6_9_and_10_with_their_lineage() {
    let account = with_stream(Limits::aws(), 4);
    let update = account
        .update_shard_count(at(0), AT_ONCE, STREAM, 3)
        .unwrap();
    assert_eq!((update.current, update.target), (4, 3));
    assert_eq!(listed(&account, at(1), ShardFilter::AtLatest), [6, 9, 10]);
    let shards = account
        .describe_stream(at(1), STREAM, None, None)
        .unwrap()
        .shards;
    let lineage: Vec<_> = shards[4..]
        .iter()
        .map(|s| {
            (
                s.parent.unwrap().number(),
                s.adjacent_parent.map(ShardId::number),
            )
        })
        .collect();
    assert_eq!(
        lineage,
        [
            (1, None),
            (1, None),
            (0, Some(4)),
            (2, None),
            (2, None),
            (5, Some(7)),
            (8, Some(3))
        ]
    );
}

#[test]
fn a_childs_records_and_what_it_lost_carry_at_least_its_creation_second() {
    const LIMIT: u64 = 8 << 20;
    let account = account_with_memory(Limits::off(), LIMIT);
    create(&account, STREAM, 1, AT_ONCE).unwrap();
    split(&account, at(100), AT_ONCE, 0).unwrap();
    let created_s = EPOCH_MS / 1_000 + 1;
    let first = put_at(&account, at(200), HashKey(0)).sequence_number;
    let parts = first.decode().unwrap();
    assert_eq!(
        (parts.shard_created_s, parts.time_s),
        (created_s, created_s)
    );
    account
        .put_record(at(201), AT_ONCE, STREAM, &entry("k", b"y"), Some(first))
        .expect("a number that was given out is in order");
    let page = read_from(&account, at(202), 1, IteratorPosition::TrimHorizon);
    let shown = page.records.iter().next().unwrap().sequence_number;
    assert_eq!((shown, page.trimmed_to), (first, None));
    // A child that lost records to the memory limit before anyone came says so.
    for _ in 0..2_000 {
        let entry = PutEntry {
            explicit_hash_key: Some(HashKey(0)),
            ..entry("k", &[0; 10_000])
        };
        account
            .put_record(at(300), AT_ONCE, STREAM, &entry, None)
            .unwrap();
    }
    let page = read_from(&account, at(400), 1, IteratorPosition::TrimHorizon);
    let lost = page.trimmed_to.unwrap().decode().unwrap();
    let kept = page.records.iter().next().unwrap().sequence_number;
    assert_eq!(lost.counter + 1, kept.decode().unwrap().counter);
    assert_eq!(lost.time_s, created_s);
}

#[test]
fn without_limits_a_stream_grows_and_shrinks_by_any_factor() {
    let account = with_stream(Limits::off(), 2);
    for target in [20, 1] {
        account
            .update_shard_count(at(0), AT_ONCE, STREAM, target)
            .unwrap();
    }
    let mut limits = Limits::aws();
    limits.set_cap(CapName::UpdateShardCountFactor, Some(5));
    let account = with_stream(limits, 2);
    assert_refused(
        account.update_shard_count(at(0), AT_ONCE, STREAM, 11),
        ErrorCode::LimitExceeded,
        "UpdateShardCount cannot scale up over 5 times your current open shard count. Current open shard count: 2, \
         Target shard count: 11",
    );
    account
        .update_shard_count(at(0), AT_ONCE, STREAM, 10)
        .unwrap();
}

#[test]
fn update_shard_count_is_bounded_by_double_half_and_ten_calls_a_day() {
    let account = with_stream(Limits::aws(), 2);
    let update = |ms, target| account.update_shard_count(at(ms), AT_ONCE, STREAM, target);
    assert_refused(
        update(0, 6),
        ErrorCode::LimitExceeded,
        "UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: 2, \
         Target shard count: 6",
    );
    update(0, 4).unwrap();
    assert_refused(
        update(0, 1),
        ErrorCode::LimitExceeded,
        "UpdateShardCount cannot scale down below half your current open shard count. Current open shard count: 4, \
         Target shard count: 1",
    );
    for call in 1..10 {
        update(call * 1_000, 4 + u32::try_from(call).unwrap() % 2).unwrap();
    }
    assert_eq!(
        update(20_000, 4).unwrap_err().code,
        ErrorCode::LimitExceeded
    );
    assert!(update(86_399_999, 4).is_err());
    update(86_400_000, 4).unwrap();
}

#[test]
fn a_number_of_a_child_of_this_second_orders_puts_of_any_shard() {
    let account = with_stream(Limits::off(), 2);
    for round in 0..3 {
        let shard = if round == 0 { 0 } else { round * 2 };
        split(&account, at(round.into()), AT_ONCE, shard).unwrap();
    }
    let of_child = put_at(&account, at(10), HashKey(0)).sequence_number;
    let entry = PutEntry {
        explicit_hash_key: Some(HashKey(u128::MAX)),
        ..entry("k", b"x")
    };
    let stored = account.put_record(at(11), AT_ONCE, STREAM, &entry, Some(of_child));
    assert_eq!(stored.unwrap().shard, id(1));
}

#[test]
fn a_stream_of_more_shards_than_one_may_have_is_scaled_below_that() {
    let mut limits = Limits::aws();
    limits.set_cap(CapName::ShardsPerStream, Some(10));
    let account = with_stream(limits, 12);
    let scale = |target| account.update_shard_count(at(0), AT_ONCE, STREAM, target);
    for target in [10, 11, 13] {
        let refused = scale(target).unwrap_err();
        assert_eq!(refused.code, ErrorCode::LimitExceeded, "{target}");
    }
    assert_eq!(scale(9).unwrap().target, 9);
}

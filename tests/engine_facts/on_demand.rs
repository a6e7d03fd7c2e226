//! What is known of on-demand streams, warm throughput and even distribution.

use std::collections::BTreeMap;
use std::time::Duration;

use streamgauge::engine::{Account, DryRun};
use streamgauge::kinesis::operation::{
    CommitmentStatus, MergeShards, RecordDistribution, ShardFilter, StreamMode, StreamOptions,
};
use streamgauge::kinesis::quotas::{CapName, RateLimit, RateName};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::{ErrorCode, HashKey, Limits};

use crate::{AT_ONCE, STREAM, account, at, id, listed, put, split, with_stream};

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

fn create(account: &Account, options: &StreamOptions) {
    account
        .create_stream_with(at(0), AT_ONCE, &STREAM.parse().expect("a name"), options)
        .expect("the stream is new");
}

fn on_demand(limits: Limits) -> Account {
    let account = account(limits);
    create(&account, &StreamOptions::default());
    account
}

fn open(account: &Account, ms: u64) -> Vec<u32> {
    listed(account, at(ms), ShardFilter::AtLatest)
}

/// Nothing but a rate of 100 records per second and shard, so that a load takes few records.
fn hundred_per_s() -> Limits {
    let mut limits = Limits::off();
    let rate = RateLimit {
        per_s: 100,
        capacity: 100,
    };
    limits.set_rate(RateName::WriteRecords, Some(rate));
    limits
}

/// Puts records to one hash key for whole minutes.
fn load(account: &Account, from_ms: u64, minutes: u64, per_s: u64, key: HashKey) {
    for number in 0..minutes * 60 * per_s {
        let entry = PutEntry {
            explicit_hash_key: Some(key),
            ..crate::entry("k", b"x")
        };
        let now = at(from_ms + number * 1_000 / per_s);
        account
            .put_record(now, AT_ONCE, STREAM, &entry, None)
            .expect("below the limit");
    }
}

/// The first whole minute after the tests' epoch, which lies 20 s into one.
const START_MS: u64 = 40_000;

#[test]
fn neither_shard_count_nor_mode_makes_an_on_demand_stream_of_4_shards() {
    let account = on_demand(Limits::aws());
    let summary = account.describe_stream_summary(at(0), STREAM).unwrap();
    assert_eq!(
        (summary.configuration.mode, summary.open_shards),
        (StreamMode::OnDemand, 4)
    );
    let limits = account.describe_limits(at(0)).unwrap();
    assert_eq!((limits.open_shards, limits.on_demand_streams), (0, 1));
    assert_eq!(
        (limits.shard_limit, limits.on_demand_stream_limit),
        (20_000, 50)
    );
}

#[test]
fn a_shard_above_half_its_rate_is_split_in_the_middle_within_15_minutes() {
    let account = on_demand(hundred_per_s());
    load(&account, START_MS, 1, 60, HashKey(0));
    assert_eq!(open(&account, START_MS + 10 * MINUTE_MS), [0, 1, 2, 3]);
    assert_eq!(open(&account, START_MS + 11 * MINUTE_MS), [1, 2, 3, 4, 5]);
    let shards = account
        .describe_stream(at(START_MS + 11 * MINUTE_MS), STREAM, None, None)
        .unwrap()
        .shards;
    assert_eq!(shards[5].hash_key_range.start, HashKey(1 << 125));
    assert_eq!(shards[5].parent, Some(id(0)));
}

#[test]
fn half_load_splits_nothing_and_a_hot_key_is_split_until_the_skew_ends_it() {
    let account = on_demand(hundred_per_s());
    load(&account, START_MS, 2, 50, HashKey(0));
    assert_eq!(open(&account, START_MS + 20 * MINUTE_MS).len(), 4);
    for round in 2..12 {
        load(
            &account,
            START_MS + round * 20 * MINUTE_MS,
            1,
            90,
            HashKey(0),
        );
    }
    assert_eq!(open(&account, START_MS + DAY_MS).len(), 8);
}

#[test]
fn on_demand_streams_refuse_split_merge_and_update_shard_count() {
    let account = on_demand(Limits::aws());
    let merge = MergeShards {
        shard: id(0),
        adjacent: id(1),
    };
    for refused in [
        split(&account, at(0), AT_ONCE, 0),
        account.merge_shards(at(0), AT_ONCE, STREAM, merge),
        account
            .update_shard_count(at(0), AT_ONCE, STREAM, 8)
            .map(|_| ()),
    ] {
        assert_eq!(refused.unwrap_err().code, ErrorCode::Validation);
    }
}

#[test]
fn the_mode_is_switched_twice_a_day_and_keeps_the_shards() {
    let account = with_stream(Limits::aws(), 7);
    let switch = |ms, mode| account.update_stream_mode(at(ms), AT_ONCE, STREAM, mode, None);
    switch(0, StreamMode::OnDemand).unwrap();
    assert_eq!(open(&account, 1).len(), 7);
    switch(1_000, StreamMode::Provisioned).unwrap();
    let refused = switch(2_000, StreamMode::OnDemand).unwrap_err();
    assert_eq!(refused.code, ErrorCode::LimitExceeded);
    assert_eq!(
        refused.message,
        "Rate exceeded for stream orders under account 123456789012."
    );
    switch(DAY_MS, StreamMode::OnDemand).unwrap();
    assert_eq!(open(&account, DAY_MS).len(), 7);
}

#[test]
fn warm_throughput_needs_the_commitment_and_has_its_shards_ready() {
    let account = on_demand(Limits::aws());
    let warm = |ms, mib| account.update_stream_warm_throughput(at(ms), AT_ONCE, STREAM, mib);
    assert_eq!(warm(0, 10).unwrap_err().code, ErrorCode::InvalidArgument);
    let commitment = account.update_account_settings(at(0), true).unwrap();
    assert_eq!(commitment.earliest_end, Some(at(DAY_MS)));
    warm(1_000, 10).unwrap();
    assert_eq!(open(&account, 1_001).len(), 10);
    assert_eq!(warm(1_500, 10_241).unwrap_err().code, ErrorCode::Validation);
    let early = account.update_account_settings(at(2_000), false);
    assert_eq!(early.unwrap_err().code, ErrorCode::InvalidArgument);
    warm(3_000, 0).unwrap();
    let leaving = account.update_account_settings(at(4_000), false).unwrap();
    assert_eq!(
        leaving.status,
        CommitmentStatus::EnabledUntilEarliestAllowedEnd
    );
    let left = account.describe_account_settings(at(DAY_MS)).unwrap();
    assert_eq!(
        (left.status, left.ended),
        (CommitmentStatus::Disabled, Some(at(DAY_MS)))
    );
}

#[test]
fn warm_throughput_goes_with_the_mode_and_none_is_taken_by_a_commitment_that_ends() {
    let account = on_demand(Limits::aws());
    account.update_account_settings(at(0), true).unwrap();
    let warmed = |ms| {
        let summary = account.describe_stream_summary(at(ms), STREAM).unwrap();
        let warm = summary.configuration.warm_throughput;
        warm.map(|warm| (warm.target_mib_per_s, warm.current_mib_per_s))
    };
    let takes = Duration::from_secs(2);
    account
        .update_stream_warm_throughput(at(0), takes, STREAM, 10)
        .unwrap();
    assert_eq!(warmed(1_000), Some((10, 0)));
    // It will be there, so it counts.
    let early = account.update_account_settings(at(1_000), false);
    assert_eq!(early.unwrap_err().code, ErrorCode::InvalidArgument);
    assert_eq!(warmed(2_000), Some((10, 10)));
    let mode = StreamMode::Provisioned;
    account
        .update_stream_mode(at(3_000), AT_ONCE, STREAM, mode, None)
        .unwrap();
    assert_eq!(warmed(3_000), None);
    account.update_account_settings(at(4_000), false).unwrap();
    account
        .update_stream_mode(at(5_000), AT_ONCE, STREAM, StreamMode::OnDemand, None)
        .unwrap();
    assert_eq!(warmed(5_000), None);
    let late = account.update_stream_warm_throughput(at(6_000), AT_ONCE, STREAM, 10);
    assert_eq!(late.unwrap_err().code, ErrorCode::InvalidArgument);
}

#[test]
fn a_mode_counts_against_quotas_from_the_beginning_of_its_switch() {
    let mut limits = Limits::aws();
    limits.set_cap(CapName::OnDemandStreams, Some(1));
    let account = with_stream(limits, 1);
    crate::create(&account, "more", 1, AT_ONCE).unwrap();
    let switch = |ms, stream| {
        let takes = Duration::from_secs(2);
        account.update_stream_mode(at(ms), takes, stream, StreamMode::OnDemand, None)
    };
    switch(0, STREAM).unwrap();
    let refused = switch(300, "more").unwrap_err();
    assert_eq!(refused.code, ErrorCode::LimitExceeded);
    let limits = account.describe_limits(at(400)).unwrap();
    assert_eq!(limits.on_demand_streams, 1);
}

#[test]
fn a_dry_run_leaves_the_spreading_of_records_where_it_is() {
    let spread = |dry: bool| {
        let account = on_demand(Limits::aws());
        account
            .update_stream_record_distribution_strategy(at(0), STREAM, RecordDistribution::Auto)
            .unwrap();
        let entry = crate::entry("k", b"x");
        let shards = (0..6).map(|_| {
            if dry {
                let call = DryRun::PutRecord {
                    stream: STREAM,
                    entry: &entry,
                    after: None,
                };
                let answer = account.dry_run(at(0), call);
                assert_eq!(answer.code, ErrorCode::DryRunOperation);
            }
            put(&account, at(0), b"x").unwrap().shard
        });
        shards.collect::<Vec<_>>()
    };
    assert_eq!(spread(true), spread(false));
}

#[test]
fn auto_spreads_records_evenly_whatever_their_key_and_the_key_may_be_left_out() {
    let account = on_demand(Limits::aws());
    assert_eq!(put_without_key(&account), Err(ErrorCode::Validation));
    account
        .update_stream_record_distribution_strategy(at(0), STREAM, RecordDistribution::Auto)
        .unwrap();
    put_without_key(&account).unwrap();
    let mut shards = BTreeMap::new();
    for _ in 0..1_000 {
        *shards
            .entry(put(&account, at(0), b"x").unwrap().shard)
            .or_insert(0) += 1;
    }
    assert_eq!(shards.len(), 4);
    assert!(shards.values().all(|count| (245..=255).contains(count)));
    let provisioned = with_stream(Limits::aws(), 1);
    let auto = RecordDistribution::Auto;
    let refused = provisioned.update_stream_record_distribution_strategy(at(0), STREAM, auto);
    assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidArgument);
}

fn put_without_key(account: &Account) -> Result<(), ErrorCode> {
    let entry = crate::entry("", b"x");
    account
        .put_record(at(0), AT_ONCE, STREAM, &entry, None)
        .map(|_| ())
        .map_err(|error| error.code)
}

#[test]
fn quotas_count_on_demand_streams_apart_from_shards() {
    let mut limits = Limits::aws();
    limits.set_cap(CapName::Shards, Some(2));
    limits.set_cap(CapName::OnDemandStreams, Some(1));
    limits.set_rate(RateName::CreateStream, None);
    let account = on_demand(limits);
    crate::create(&account, "provisioned", 2, AT_ONCE).unwrap();
    let name = "another".parse().unwrap();
    let options = StreamOptions::default();
    let refused = account.create_stream_with(at(0), AT_ONCE, &name, &options);
    assert_eq!(refused.unwrap_err().code, ErrorCode::LimitExceeded);
    let mode = StreamMode::Provisioned;
    let refused = account.update_stream_mode(at(0), AT_ONCE, STREAM, mode, None);
    assert_eq!(refused.unwrap_err().code, ErrorCode::LimitExceeded);
}

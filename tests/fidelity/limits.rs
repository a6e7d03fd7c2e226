//! Which test holds which row of the two tables of limits, and tests for rows that no other test is about.

use std::time::Duration;

use streamgauge::base::Timestamp;
use streamgauge::engine::{Account, Settings};
use streamgauge::kinesis::operation::{
    CreateStream, IteratorPosition, ShardFilter, StreamOptions, Tags,
};
use streamgauge::kinesis::quotas::{CAPS, CapName, RATES, RateLimit, RateName};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::{ErrorCode, HashKey, Limits, PutBatch, ShardId};

use crate::messages::{ACCOUNT, engine};

const EVERY_RATE: &[&str] =
    &["every_rate_passes_its_capacity_then_refuses_with_its_cause_and_counts_by_its_scope"];

/// The tests of a rate.
pub(crate) const fn of_rate(rate: RateName) -> &'static [&'static str] {
    match rate {
        RateName::WriteRecords => {
            &["an_overloaded_shard_takes_its_capacity_and_then_exactly_its_rate_of_records"]
        }
        RateName::WriteBytes => &[
            "an_overloaded_shard_takes_exactly_its_rate_of_bytes",
            "large_records_have_a_tank_of_ten_mebibytes",
        ],
        RateName::ReadCalls => &["five_reads_per_second_and_shard_pass_and_empty_ones_count"],
        RateName::ReadBytes => &[
            "reading_as_fast_as_allowed_gives_two_mebibytes_per_second",
            "a_full_answer_of_ten_mebibytes_is_followed_by_five_seconds_of_refusals",
        ],
        RateName::SubscriptionBytes => {
            &["a_subscription_is_given_2_mib_per_s_beside_other_readers"]
        }
        _ => EVERY_RATE,
    }
}

/// The tests of a plain limit.
pub(crate) const fn of_cap(cap: CapName) -> &'static [&'static str] {
    match cap {
        CapName::RecordBytes | CapName::PutRecordsRecords => &["sizes_are_counted_with_the_key"],
        CapName::PutRecordsBytes => &["a_batch_above_10_mib_is_too_large"],
        CapName::GetRecordsRecords => &["an_answer_holds_at_most_10_000_records"],
        CapName::GetRecordsBytes => {
            &["a_full_answer_of_ten_mebibytes_is_followed_by_five_seconds_of_refusals"]
        }
        CapName::IteratorLifeSeconds => {
            &["iterators_are_reusable_all_different_and_expire_after_300_seconds"]
        }
        CapName::Shards => &["the_shard_quota_says_what_there_is_and_what_was_asked"],
        CapName::ShardsPerStream | CapName::UpdateShardCountFactor => {
            &["a_shard_count_is_at_most_doubled_or_halved_and_has_a_most"]
        }
        CapName::StreamsInCreation => &["the_quota_of_streams_in_creation_has_its_text"],
        CapName::UpdateShardCountsPerDay => {
            &["update_shard_count_is_bounded_by_double_half_and_ten_calls_a_day"]
        }
        CapName::TagsPerResource => {
            &["a_stream_has_up_to_50_tags_listed_by_key_and_shared_with_its_arn"]
        }
        CapName::EncryptionStartsPerDay => {
            &["encryption_takes_its_time_shows_on_answers_and_starts_25_times_a_day"]
        }
        CapName::EncryptionStopsPerDay => &["encryption_stops_25_times_a_day"],
        CapName::ConsumersPerStream
        | CapName::ConsumersPerStreamAdvantage
        | CapName::ConsumersInCreation => {
            &["a_stream_has_20_consumers_and_50_with_advantage_and_five_in_creation"]
        }
        CapName::ModeSwitchesPerDay => &["the_mode_is_switched_twice_a_day_and_keeps_the_shards"],
        CapName::OnDemandStreams => &["quotas_count_on_demand_streams_apart_from_shards"],
        CapName::OnDemandShards => {
            &["neither_shard_count_nor_mode_makes_an_on_demand_stream_of_4_shards"]
        }
        CapName::OnDemandWriteMib | CapName::OnDemandWriteMibLargeRegions => {
            &["an_on_demand_stream_grows_to_the_ceiling_of_its_region"]
        }
        CapName::OnDemandSplitPercent | CapName::OnDemandSplitSeconds => {
            &["a_shard_above_half_its_rate_is_split_in_the_middle_within_15_minutes"]
        }
        CapName::OnDemandSkewFactor => {
            &["half_load_splits_nothing_and_a_hot_key_is_split_until_the_skew_ends_it"]
        }
        CapName::OnDemandPeakDays => &["capacity_for_twice_the_peak_is_kept_for_30_days"],
        CapName::WarmThroughputMib | CapName::CommitmentHours => {
            &["warm_throughput_needs_the_commitment_and_has_its_shards_ready"]
        }
        CapName::SubscriptionSeconds => {
            &["a_subscription_ends_after_five_minutes_or_with_its_consumer"]
        }
        CapName::ResubscribeSeconds => {
            &["a_second_subscription_within_5_s_is_refused_and_a_later_one_takes_over"]
        }
        CapName::IdleEventSeconds => {
            &["idle_subscriptions_get_an_empty_event_every_5_s_and_its_continuation_loses_nothing"]
        }
        CapName::SubscriptionEventRecords | CapName::SubscriptionEventBytes => {
            &["an_event_holds_no_more_records_and_bytes_than_it_may"]
        }
    }
}

const NOW: Timestamp = Timestamp::from_secs(1_700_000_040);
const AT_ONCE: Duration = Duration::ZERO;

fn first() -> ShardId {
    ShardId::new(0).expect("a small number")
}

fn with_stream(limits: Limits) -> Account {
    let account = engine(limits);
    let request = CreateStream {
        stream: "s".parse().expect("a name"),
        shards: 1,
        max_record_bytes: 1 << 20,
    };
    account
        .create_stream(NOW, AT_ONCE, &request)
        .expect("it is new");
    account
}

const fn entry(key: HashKey) -> PutEntry<'static> {
    PutEntry {
        partition_key: "k",
        data: b"x",
        explicit_hash_key: Some(key),
    }
}

/// The figures that changed in 2025 and 2026, and that older emulators and clients still have.
#[test]
fn the_limits_of_2025_and_2026_are_the_defaults() {
    let limits = Limits::aws();
    for (name, value) in [
        (CapName::PutRecordsBytes, 10 << 20),
        (CapName::GetRecordsBytes, 10 << 20),
        (CapName::RecordBytes, 1 << 20),
        (CapName::Shards, 20_000),
        (CapName::ShardsPerStream, 10_000),
        (CapName::ConsumersPerStream, 20),
        (CapName::ConsumersPerStreamAdvantage, 50),
        (CapName::OnDemandStreams, 50),
        (CapName::WarmThroughputMib, 10_240),
    ] {
        assert_eq!(limits.cap(name), Some(value), "{name:?}");
    }
    let list = limits.rate(RateName::ListShards).expect("a rate");
    assert_eq!(list.per_s, 1_000);
    assert_eq!(
        (RATES.len(), CAPS.len()),
        (40, 33),
        "a new row is a new claim"
    );
}

#[test]
fn an_answer_holds_at_most_10_000_records() {
    let account = with_stream(Limits::off());
    let mut batch = PutBatch::new();
    for _ in 0..500 {
        batch.push(entry(HashKey(0)));
    }
    let mut results = Vec::new();
    for _ in 0..21 {
        account
            .put_records(NOW, AT_ONCE, "s", &batch, &mut results)
            .expect("no limits");
    }
    let from = IteratorPosition::TrimHorizon;
    let mut next = account
        .get_shard_iterator(NOW, "s", first(), from)
        .expect("it is there");
    let mut sizes = Vec::new();
    for _ in 0..2 {
        let page = account.get_records(NOW, &next, None).expect("no limits");
        sizes.push(page.records.len());
        next = page.next_iterator.expect("the shard is open");
    }
    assert_eq!(sizes, [10_000, 500]);
    let more = account.get_records(NOW, &next, Some(10_001));
    assert_eq!(more.expect_err("too many").code, ErrorCode::Validation);
}

#[test]
fn encryption_stops_25_times_a_day() {
    let mut limits = Limits::off();
    limits.set_cap(CapName::EncryptionStopsPerDay, Some(25));
    let account = with_stream(limits);
    let stop = |second| {
        let now = NOW.plus(Duration::from_secs(second));
        let stopped = account.stop_stream_encryption(now, AT_ONCE, "s");
        stopped.map_err(|error| error.code)
    };
    for second in 0..25 {
        assert_eq!(stop(second), Ok(()));
    }
    assert_eq!(stop(86_399), Err(ErrorCode::LimitExceeded));
    assert_eq!(stop(86_400), Ok(()));
    assert_eq!(stop(86_400), Err(ErrorCode::LimitExceeded));
}

#[test]
fn an_on_demand_stream_grows_to_the_ceiling_of_its_region() {
    for (region, small, large, shards) in [
        ("us-east-1", 9, 5, 5),
        ("eu-central-1", 5, 9, 5),
        ("eu-central-1", 6, 4, 6),
    ] {
        let mut limits = Limits::off();
        let rate = RateLimit {
            per_s: 100,
            capacity: 100,
        };
        limits.set_rate(RateName::WriteRecords, Some(rate));
        limits.set_cap(CapName::OnDemandWriteMib, Some(small));
        limits.set_cap(CapName::OnDemandWriteMibLargeRegions, Some(large));
        let account = Account::new(Settings {
            account_id: ACCOUNT.to_owned(),
            region: region.to_owned(),
            limits,
            max_memory_bytes: u64::MAX,
        });
        let (name, options) = ("s".parse().expect("a name"), StreamOptions::default());
        account
            .create_stream_with(NOW, AT_ONCE, &name, &options)
            .expect("it is new");
        // A minute of nine tenths of what four shards take.
        for number in 0..90 * 60 {
            for quarter in 0..4 {
                let now = NOW.plus(Duration::from_micros(number * 1_000_000 / 90));
                account
                    .put_record(now, AT_ONCE, "s", &entry(HashKey(quarter << 126)), None)
                    .expect("below the limit");
            }
        }
        let later = NOW.plus(Duration::from_mins(30));
        let (open, _) = account
            .list_shards(later, "s", ShardFilter::AtLatest, None, None)
            .expect("it is there");
        assert_eq!(open.len(), shards, "{region}");
    }
}

#[test]
fn an_event_holds_no_more_records_and_bytes_than_it_may() {
    for (cap, most) in [
        (CapName::SubscriptionEventRecords, 2),
        // Two records of a byte and a key of a byte, and not three.
        (CapName::SubscriptionEventBytes, 5),
    ] {
        let mut limits = Limits::off();
        limits.set_cap(cap, Some(most));
        let account = with_stream(limits);
        for _ in 0..5 {
            account
                .put_record(NOW, AT_ONCE, "s", &entry(HashKey(0)), None)
                .expect("no limits");
        }
        let name = "c".parse().expect("a name");
        let consumer = account
            .register_stream_consumer(NOW, AT_ONCE, "s", &name, &Tags::new())
            .expect("it is new");
        let arn = consumer.arn.to_string();
        let from = IteratorPosition::TrimHorizon;
        let id = account
            .subscribe_to_shard(NOW, &arn, first(), from)
            .expect("it is ACTIVE");
        let sizes: Vec<_> = (0..3)
            .map(|_| {
                let event = account.poll_subscription(NOW, id).event;
                event.map_or(0, |event| event.records.len())
            })
            .collect();
        assert_eq!(sizes, [2, 2, 1], "{cap:?}");
    }
}

//! The table of rates.

use super::{MIB, RateLimit, Scope};
use crate::kinesis::error::Cause;

/// The limits that are rates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "each is explained by its row in RATES")]
pub enum RateName {
    WriteRecords,
    WriteBytes,
    ReadCalls,
    ReadBytes,
    GetShardIterator,
    CreateStream,
    DeleteStream,
    DescribeStream,
    DescribeStreamSummary,
    ListShards,
    ListStreams,
    SplitShard,
    MergeShards,
    UpdateShardCount,
    IncreaseRetention,
    DecreaseRetention,
    AddTagsToStream,
    RemoveTagsFromStream,
    ListTagsForStream,
    TagResource,
    UntagResource,
    ListTagsForResource,
    EnableEnhancedMonitoring,
    DisableEnhancedMonitoring,
    RegisterStreamConsumer,
    DeregisterStreamConsumer,
    DescribeStreamConsumer,
    ListStreamConsumers,
    PutResourcePolicy,
    GetResourcePolicy,
    DeleteResourcePolicy,
    DescribeLimits,
    DescribeAccountSettings,
    UpdateAccountSettings,
    UpdateMaxRecordSize,
    UpdateStreamMode,
    UpdateStreamWarmThroughput,
    UpdateStreamRecordDistributionStrategy,
    SubscribeToShard,
    SubscriptionBytes,
}

/// A row of the table of rates.
#[derive(Clone, Copy, Debug)]
pub struct RateRow {
    /// Which limit.
    pub rate: RateName,
    /// Its name in scenarios and reports.
    pub name: &'static str,
    /// The default: what AWS enforces, as far as is known.
    pub aws: RateLimit,
    /// What a bucket is kept for.
    pub scope: Scope,
    /// What one token is.
    pub unit: &'static str,
    /// The cause that a refusal is tagged with.
    pub cause: Cause,
    /// Where the numbers come from; `unverified` marks what nobody outside AWS knows.
    pub source: &'static str,
}

const fn row(
    rate: RateName,
    name: &'static str,
    (per_s, capacity): (u64, u64),
    scope: Scope,
    unit: &'static str,
    cause: Cause,
    source: &'static str,
) -> RateRow {
    RateRow {
        rate,
        name,
        aws: RateLimit { per_s, capacity },
        scope,
        unit,
        cause,
        source,
    }
}

/// A row for the calls of a control-plane operation.
const fn calls(
    rate: RateName,
    name: &'static str,
    per_s: u64,
    scope: Scope,
    source: &'static str,
) -> RateRow {
    row(
        rate,
        name,
        (per_s, per_s),
        scope,
        "calls",
        Cause::ApiRate,
        source,
    )
}

const QUOTAS_PAGE: &str =
    "developer guide, Quotas and limits (2026); capacity of one second unverified";

/// Of operations whose rate AWS does not publish.
const NO_FIGURE: &str = "no figure published; as for most control-plane calls, unverified";

/// Every rate that is enforced.
pub const RATES: [RateRow; 40] = [
    row(
        RateName::WriteRecords,
        "write_records",
        (1_000, 1_000),
        Scope::Shard,
        "records",
        Cause::WriteRecords,
        "developer guide, Quotas and limits (2026): 1,000 records/s per shard; capacity as in the KPL's limiter, \
         unverified below a second",
    ),
    row(
        RateName::WriteBytes,
        "write_bytes",
        (MIB, MIB),
        Scope::Shard,
        "bytes of data and key",
        Cause::WriteBytes,
        "developer guide, Quotas and limits (2026): 1 MB/s per shard, 2^20 in the KPL's limiter and the large-records \
         announcement; a stream whose records may exceed 1 MiB has a capacity of 10 MiB; unverified below a second",
    ),
    row(
        RateName::ReadCalls,
        "read_calls",
        (5, 5),
        Scope::Shard,
        "GetRecords calls",
        Cause::ReadCalls,
        QUOTAS_PAGE,
    ),
    row(
        RateName::ReadBytes,
        "read_bytes",
        (2 * MIB, 2 * MIB),
        Scope::Shard,
        "bytes of data and key",
        Cause::ReadBytes,
        "API reference, GetRecords (2026): 2 MiB/s, and after a full 10 MiB answer refusals for 5 s; a call is \
         answered while the bucket is above zero and may overdraw it; the bucket's shape is unverified",
    ),
    row(
        RateName::GetShardIterator,
        "get_shard_iterator",
        (5, 5),
        Scope::Shard,
        "calls",
        Cause::ReadCalls,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::CreateStream,
        "create_stream",
        5,
        Scope::Account,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::DeleteStream,
        "delete_stream",
        5,
        Scope::Account,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::DescribeStream,
        "describe_stream",
        10,
        Scope::Account,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::DescribeStreamSummary,
        "describe_stream_summary",
        20,
        Scope::Account,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::ListShards,
        "list_shards",
        1_000,
        Scope::Stream,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::ListStreams,
        "list_streams",
        5,
        Scope::Account,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::SplitShard,
        "split_shard",
        5,
        Scope::Stream,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::MergeShards,
        "merge_shards",
        5,
        Scope::Stream,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::UpdateShardCount,
        "update_shard_count",
        10,
        Scope::Account,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::IncreaseRetention,
        "increase_stream_retention_period",
        5,
        Scope::Stream,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::DecreaseRetention,
        "decrease_stream_retention_period",
        5,
        Scope::Stream,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::AddTagsToStream,
        "add_tags_to_stream",
        5,
        Scope::Account,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::RemoveTagsFromStream,
        "remove_tags_from_stream",
        5,
        Scope::Stream,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::ListTagsForStream,
        "list_tags_for_stream",
        5,
        Scope::Stream,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::TagResource,
        "tag_resource",
        5,
        Scope::Account,
        NO_FIGURE,
    ),
    calls(
        RateName::UntagResource,
        "untag_resource",
        5,
        Scope::Account,
        NO_FIGURE,
    ),
    calls(
        RateName::ListTagsForResource,
        "list_tags_for_resource",
        5,
        Scope::Account,
        NO_FIGURE,
    ),
    calls(
        RateName::EnableEnhancedMonitoring,
        "enable_enhanced_monitoring",
        5,
        Scope::Stream,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::DisableEnhancedMonitoring,
        "disable_enhanced_monitoring",
        5,
        Scope::Stream,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::RegisterStreamConsumer,
        "register_stream_consumer",
        5,
        Scope::Stream,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::DeregisterStreamConsumer,
        "deregister_stream_consumer",
        5,
        Scope::Stream,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::DescribeStreamConsumer,
        "describe_stream_consumer",
        20,
        Scope::Stream,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::ListStreamConsumers,
        "list_stream_consumers",
        5,
        Scope::Stream,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::PutResourcePolicy,
        "put_resource_policy",
        5,
        Scope::Account,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::GetResourcePolicy,
        "get_resource_policy",
        5,
        Scope::Account,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::DeleteResourcePolicy,
        "delete_resource_policy",
        5,
        Scope::Account,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::DescribeLimits,
        "describe_limits",
        1,
        Scope::Account,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::DescribeAccountSettings,
        "describe_account_settings",
        5,
        Scope::Account,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::UpdateAccountSettings,
        "update_account_settings",
        5,
        Scope::Account,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::UpdateMaxRecordSize,
        "update_max_record_size",
        5,
        Scope::Account,
        NO_FIGURE,
    ),
    calls(
        RateName::UpdateStreamMode,
        "update_stream_mode",
        5,
        Scope::Account,
        NO_FIGURE,
    ),
    calls(
        RateName::UpdateStreamWarmThroughput,
        "update_stream_warm_throughput",
        5,
        Scope::Account,
        QUOTAS_PAGE,
    ),
    calls(
        RateName::UpdateStreamRecordDistributionStrategy,
        "update_stream_record_distribution_strategy",
        5,
        Scope::Account,
        NO_FIGURE,
    ),
    calls(
        RateName::SubscribeToShard,
        "subscribe_to_shard",
        1,
        Scope::Shard,
        "API reference, SubscribeToShard (2026): 1 call/s per consumer and shard",
    ),
    row(
        RateName::SubscriptionBytes,
        "subscription_bytes",
        (2 * MIB, 2 * MIB),
        Scope::Shard,
        "bytes of data and key",
        Cause::ReadBytes,
        "developer guide, enhanced fan-out (2026): 2 MiB/s per consumer and shard; events go out while the bucket is \
         above zero and may overdraw it; the bucket's shape is unverified",
    ),
];

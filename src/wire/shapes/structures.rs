//! The structures inside requests and answers, and lists of them. Source: as `leaves`.

// Clippy is silent about these imports when it checks tests.
#![cfg_attr(
    not(test),
    expect(
        clippy::wildcard_imports,
        reason = "the table names nearly everything in them"
    )
)]

use super::leaves::*;
use super::{Shape, optional, required, structure};

pub(super) const STREAM_MODE_DETAILS: Shape =
    structure("StreamModeDetails", &[required("StreamMode", &STREAM_MODE)]);
pub(super) const MINIMUM_THROUGHPUT_BILLING_COMMITMENT_OUTPUT: Shape = structure(
    "MinimumThroughputBillingCommitmentOutput",
    &[
        required(
            "Status",
            &MINIMUM_THROUGHPUT_BILLING_COMMITMENT_OUTPUT_STATUS,
        ),
        optional("StartedAt", &TIMESTAMP),
        optional("EndedAt", &TIMESTAMP),
        optional("EarliestAllowedEndAt", &TIMESTAMP),
    ],
);
pub(super) const HASH_KEY_RANGE: Shape = structure(
    "HashKeyRange",
    &[
        required("StartingHashKey", &HASH_KEY),
        required("EndingHashKey", &HASH_KEY),
    ],
);
pub(super) const SEQUENCE_NUMBER_RANGE: Shape = structure(
    "SequenceNumberRange",
    &[
        required("StartingSequenceNumber", &SEQUENCE_NUMBER),
        optional("EndingSequenceNumber", &SEQUENCE_NUMBER),
    ],
);
pub(super) const SHARD: Shape = structure(
    "Shard",
    &[
        required("ShardId", &SHARD_ID),
        optional("ParentShardId", &SHARD_ID),
        optional("AdjacentParentShardId", &SHARD_ID),
        required("HashKeyRange", &HASH_KEY_RANGE),
        required("SequenceNumberRange", &SEQUENCE_NUMBER_RANGE),
    ],
);
pub(super) const SHARD_LIST: Shape = Shape::List {
    member: &SHARD,
    min: 0,
    max: usize::MAX,
};
pub(super) const ENHANCED_METRICS: Shape = structure(
    "EnhancedMetrics",
    &[optional("ShardLevelMetrics", &METRICS_NAME_LIST)],
);
pub(super) const ENHANCED_MONITORING_LIST: Shape = Shape::List {
    member: &ENHANCED_METRICS,
    min: 0,
    max: usize::MAX,
};
pub(super) const STREAM_DESCRIPTION: Shape = structure(
    "StreamDescription",
    &[
        required("StreamName", &STREAM_NAME),
        required("StreamARN", &STREAM_ARN),
        required("StreamStatus", &STREAM_STATUS),
        optional("StreamModeDetails", &STREAM_MODE_DETAILS),
        required("Shards", &SHARD_LIST),
        required("HasMoreShards", &BOOLEAN_OBJECT),
        required("RetentionPeriodHours", &RETENTION_PERIOD_HOURS),
        required("StreamCreationTimestamp", &TIMESTAMP),
        required("EnhancedMonitoring", &ENHANCED_MONITORING_LIST),
        optional("EncryptionType", &ENCRYPTION_TYPE),
        optional("KeyId", &KEY_ID),
    ],
);
pub(super) const CONSUMER_DESCRIPTION: Shape = structure(
    "ConsumerDescription",
    &[
        required("ConsumerName", &CONSUMER_NAME),
        required("ConsumerARN", &CONSUMER_ARN),
        required("ConsumerStatus", &CONSUMER_STATUS),
        required("ConsumerCreationTimestamp", &TIMESTAMP),
        required("StreamARN", &STREAM_ARN),
    ],
);
pub(super) const WARM_THROUGHPUT_OBJECT: Shape = structure(
    "WarmThroughputObject",
    &[
        optional("TargetMiBps", &NATURAL_INTEGER_OBJECT),
        optional("CurrentMiBps", &NATURAL_INTEGER_OBJECT),
    ],
);
pub(super) const STREAM_DESCRIPTION_SUMMARY: Shape = structure(
    "StreamDescriptionSummary",
    &[
        required("StreamName", &STREAM_NAME),
        required("StreamARN", &STREAM_ARN),
        optional("StreamId", &STREAM_ID),
        required("StreamStatus", &STREAM_STATUS),
        optional("StreamModeDetails", &STREAM_MODE_DETAILS),
        required("RetentionPeriodHours", &RETENTION_PERIOD_HOURS),
        required("StreamCreationTimestamp", &TIMESTAMP),
        required("EnhancedMonitoring", &ENHANCED_MONITORING_LIST),
        optional("EncryptionType", &ENCRYPTION_TYPE),
        optional("KeyId", &KEY_ID),
        required("OpenShardCount", &SHARD_COUNT_OBJECT),
        optional("ConsumerCount", &CONSUMER_COUNT_OBJECT),
        optional("WarmThroughput", &WARM_THROUGHPUT_OBJECT),
        optional("MaxRecordSizeInKiB", &MAX_RECORD_SIZE_IN_KIB),
        optional("ChannelCount", &CHANNEL_COUNT_OBJECT),
        optional("RecordDistributionStrategy", &RECORD_DISTRIBUTION_STRATEGY),
        optional("QueueCount", &QUEUE_COUNT_OBJECT),
    ],
);
pub(super) const RECORD: Shape = structure(
    "Record",
    &[
        required("SequenceNumber", &SEQUENCE_NUMBER),
        optional("ApproximateArrivalTimestamp", &TIMESTAMP),
        required("Data", &DATA),
        optional("PartitionKey", &PARTITION_KEY),
        optional("EncryptionType", &ENCRYPTION_TYPE),
    ],
);
pub(super) const RECORD_LIST: Shape = Shape::List {
    member: &RECORD,
    min: 0,
    max: usize::MAX,
};
pub(super) const CHILD_SHARD: Shape = structure(
    "ChildShard",
    &[
        required("ShardId", &SHARD_ID),
        required("ParentShards", &SHARD_ID_LIST),
        required("HashKeyRange", &HASH_KEY_RANGE),
    ],
);
pub(super) const CHILD_SHARD_LIST: Shape = Shape::List {
    member: &CHILD_SHARD,
    min: 0,
    max: usize::MAX,
};
pub(super) const SHARD_FILTER: Shape = structure(
    "ShardFilter",
    &[
        required("Type", &SHARD_FILTER_TYPE),
        optional("ShardId", &SHARD_ID),
        optional("Timestamp", &TIMESTAMP),
    ],
);
pub(super) const CONSUMER: Shape = structure(
    "Consumer",
    &[
        required("ConsumerName", &CONSUMER_NAME),
        required("ConsumerARN", &CONSUMER_ARN),
        required("ConsumerStatus", &CONSUMER_STATUS),
        required("ConsumerCreationTimestamp", &TIMESTAMP),
    ],
);
pub(super) const CONSUMER_LIST: Shape = Shape::List {
    member: &CONSUMER,
    min: 0,
    max: usize::MAX,
};
pub(super) const STREAM_SUMMARY: Shape = structure(
    "StreamSummary",
    &[
        required("StreamName", &STREAM_NAME),
        required("StreamARN", &STREAM_ARN),
        required("StreamStatus", &STREAM_STATUS),
        optional("StreamModeDetails", &STREAM_MODE_DETAILS),
        optional("StreamCreationTimestamp", &TIMESTAMP),
    ],
);
pub(super) const STREAM_SUMMARY_LIST: Shape = Shape::List {
    member: &STREAM_SUMMARY,
    min: 0,
    max: usize::MAX,
};
pub(super) const TAG: Shape = structure(
    "Tag",
    &[required("Key", &TAG_KEY), optional("Value", &TAG_VALUE)],
);
pub(super) const TAG_LIST: Shape = Shape::List {
    member: &TAG,
    min: 0,
    max: 200,
};
pub(super) const PUT_RECORDS_REQUEST_ENTRY: Shape = structure(
    "PutRecordsRequestEntry",
    &[
        required("Data", &DATA),
        optional("ExplicitHashKey", &HASH_KEY),
        optional("PartitionKey", &PARTITION_KEY),
    ],
);
pub(super) const PUT_RECORDS_REQUEST_ENTRY_LIST: Shape = Shape::List {
    member: &PUT_RECORDS_REQUEST_ENTRY,
    min: 1,
    max: 500,
};
pub(super) const PUT_RECORDS_RESULT_ENTRY: Shape = structure(
    "PutRecordsResultEntry",
    &[
        optional("SequenceNumber", &SEQUENCE_NUMBER),
        optional("ShardId", &SHARD_ID),
        optional("ErrorCode", &ERROR_CODE),
        optional("ErrorMessage", &ERROR_MESSAGE),
    ],
);
pub(super) const PUT_RECORDS_RESULT_ENTRY_LIST: Shape = Shape::List {
    member: &PUT_RECORDS_RESULT_ENTRY,
    min: 1,
    max: 500,
};
pub(super) const STARTING_POSITION: Shape = structure(
    "StartingPosition",
    &[
        required("Type", &SHARD_ITERATOR_TYPE),
        optional("SequenceNumber", &SEQUENCE_NUMBER),
        optional("Timestamp", &TIMESTAMP),
    ],
);
/// What a subscription sends. The model requires ContinuationSequenceNumber; at a shard's end the service omits it.
pub(super) const SUBSCRIBE_TO_SHARD_EVENT: Shape = structure(
    "SubscribeToShardEvent",
    &[
        required("Records", &RECORD_LIST),
        optional("ContinuationSequenceNumber", &SEQUENCE_NUMBER),
        required("MillisBehindLatest", &MILLIS_BEHIND_LATEST),
        optional("ChildShards", &CHILD_SHARD_LIST),
    ],
);
pub(super) const MINIMUM_THROUGHPUT_BILLING_COMMITMENT_INPUT: Shape = structure(
    "MinimumThroughputBillingCommitmentInput",
    &[required(
        "Status",
        &MINIMUM_THROUGHPUT_BILLING_COMMITMENT_INPUT_STATUS,
    )],
);

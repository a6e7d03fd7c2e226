//! The 40 core operations. Source: as `leaves`.

// Clippy is silent about these imports when it checks tests.
#![cfg_attr(
    not(test),
    expect(
        clippy::wildcard_imports,
        reason = "the table names nearly everything in them"
    )
)]

use super::leaves::*;
use super::structures::*;
use super::{NOTHING, Operation, optional, required, structure};

/// Every operation that the engine can serve, by name.
pub const OPERATIONS: [Operation; 40] = [
    Operation {
        name: "AddTagsToStream",
        input: &structure(
            "AddTagsToStreamInput",
            &[
                optional("StreamName", &STREAM_NAME),
                required("Tags", &TAG_MAP),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "CreateStream",
        input: &structure(
            "CreateStreamInput",
            &[
                required("StreamName", &STREAM_NAME),
                optional("ShardCount", &POSITIVE_INTEGER_OBJECT),
                optional("StreamModeDetails", &STREAM_MODE_DETAILS),
                optional("Tags", &TAG_MAP),
                optional("WarmThroughputMiBps", &NATURAL_INTEGER_OBJECT),
                optional("MaxRecordSizeInKiB", &MAX_RECORD_SIZE_IN_KIB),
                optional("RecordDistributionStrategy", &RECORD_DISTRIBUTION_STRATEGY),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "DecreaseStreamRetentionPeriod",
        input: &structure(
            "DecreaseStreamRetentionPeriodInput",
            &[
                optional("StreamName", &STREAM_NAME),
                required("RetentionPeriodHours", &RETENTION_PERIOD_HOURS),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "DeleteResourcePolicy",
        input: &structure(
            "DeleteResourcePolicyInput",
            &[
                required("ResourceARN", &RESOURCE_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "DeleteStream",
        input: &structure(
            "DeleteStreamInput",
            &[
                optional("StreamName", &STREAM_NAME),
                optional("EnforceConsumerDeletion", &BOOLEAN_OBJECT),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "DeregisterStreamConsumer",
        input: &structure(
            "DeregisterStreamConsumerInput",
            &[
                optional("StreamARN", &STREAM_ARN),
                optional("ConsumerName", &CONSUMER_NAME),
                optional("ConsumerARN", &CONSUMER_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "DescribeAccountSettings",
        input: &structure("DescribeAccountSettingsInput", &[]),
        output: &structure(
            "DescribeAccountSettingsOutput",
            &[optional(
                "MinimumThroughputBillingCommitment",
                &MINIMUM_THROUGHPUT_BILLING_COMMITMENT_OUTPUT,
            )],
        ),
    },
    Operation {
        name: "DescribeLimits",
        input: &structure("DescribeLimitsInput", &[]),
        output: &structure(
            "DescribeLimitsOutput",
            &[
                required("ShardLimit", &SHARD_COUNT_OBJECT),
                required("OpenShardCount", &SHARD_COUNT_OBJECT),
                required("OnDemandStreamCount", &ON_DEMAND_STREAM_COUNT_OBJECT),
                required(
                    "OnDemandStreamCountLimit",
                    &ON_DEMAND_STREAM_COUNT_LIMIT_OBJECT,
                ),
                optional("ChannelCount", &CHANNEL_COUNT_OBJECT),
                optional("ChannelCountLimit", &CHANNEL_COUNT_OBJECT),
            ],
        ),
    },
    Operation {
        name: "DescribeStream",
        input: &structure(
            "DescribeStreamInput",
            &[
                optional("StreamName", &STREAM_NAME),
                optional("Limit", &DESCRIBE_STREAM_INPUT_LIMIT),
                optional("ExclusiveStartShardId", &SHARD_ID),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &structure(
            "DescribeStreamOutput",
            &[required("StreamDescription", &STREAM_DESCRIPTION)],
        ),
    },
    Operation {
        name: "DescribeStreamConsumer",
        input: &structure(
            "DescribeStreamConsumerInput",
            &[
                optional("StreamARN", &STREAM_ARN),
                optional("ConsumerName", &CONSUMER_NAME),
                optional("ConsumerARN", &CONSUMER_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &structure(
            "DescribeStreamConsumerOutput",
            &[required("ConsumerDescription", &CONSUMER_DESCRIPTION)],
        ),
    },
    Operation {
        name: "DescribeStreamSummary",
        input: &structure(
            "DescribeStreamSummaryInput",
            &[
                optional("StreamName", &STREAM_NAME),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &structure(
            "DescribeStreamSummaryOutput",
            &[required(
                "StreamDescriptionSummary",
                &STREAM_DESCRIPTION_SUMMARY,
            )],
        ),
    },
    Operation {
        name: "DisableEnhancedMonitoring",
        input: &structure(
            "DisableEnhancedMonitoringInput",
            &[
                optional("StreamName", &STREAM_NAME),
                required("ShardLevelMetrics", &METRICS_NAME_LIST),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &structure(
            "EnhancedMonitoringOutput",
            &[
                optional("StreamName", &STREAM_NAME),
                optional("CurrentShardLevelMetrics", &METRICS_NAME_LIST),
                optional("DesiredShardLevelMetrics", &METRICS_NAME_LIST),
                optional("StreamARN", &STREAM_ARN),
            ],
        ),
    },
    Operation {
        name: "EnableEnhancedMonitoring",
        input: &structure(
            "EnableEnhancedMonitoringInput",
            &[
                optional("StreamName", &STREAM_NAME),
                required("ShardLevelMetrics", &METRICS_NAME_LIST),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &structure(
            "EnhancedMonitoringOutput",
            &[
                optional("StreamName", &STREAM_NAME),
                optional("CurrentShardLevelMetrics", &METRICS_NAME_LIST),
                optional("DesiredShardLevelMetrics", &METRICS_NAME_LIST),
                optional("StreamARN", &STREAM_ARN),
            ],
        ),
    },
    Operation {
        name: "GetRecords",
        input: &structure(
            "GetRecordsInput",
            &[
                required("ShardIterator", &SHARD_ITERATOR),
                optional("Limit", &GET_RECORDS_INPUT_LIMIT),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
                optional("DryRun", &BOOLEAN_OBJECT),
            ],
        ),
        output: &structure(
            "GetRecordsOutput",
            &[
                required("Records", &RECORD_LIST),
                optional("NextShardIterator", &SHARD_ITERATOR),
                optional("MillisBehindLatest", &MILLIS_BEHIND_LATEST),
                optional("ChildShards", &CHILD_SHARD_LIST),
            ],
        ),
    },
    Operation {
        name: "GetResourcePolicy",
        input: &structure(
            "GetResourcePolicyInput",
            &[
                required("ResourceARN", &RESOURCE_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &structure("GetResourcePolicyOutput", &[required("Policy", &POLICY)]),
    },
    Operation {
        name: "GetShardIterator",
        input: &structure(
            "GetShardIteratorInput",
            &[
                optional("StreamName", &STREAM_NAME),
                required("ShardId", &SHARD_ID),
                required("ShardIteratorType", &SHARD_ITERATOR_TYPE),
                optional("StartingSequenceNumber", &SEQUENCE_NUMBER),
                optional("Timestamp", &TIMESTAMP),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
                optional("DryRun", &BOOLEAN_OBJECT),
            ],
        ),
        output: &structure(
            "GetShardIteratorOutput",
            &[optional("ShardIterator", &SHARD_ITERATOR)],
        ),
    },
    Operation {
        name: "IncreaseStreamRetentionPeriod",
        input: &structure(
            "IncreaseStreamRetentionPeriodInput",
            &[
                optional("StreamName", &STREAM_NAME),
                required("RetentionPeriodHours", &RETENTION_PERIOD_HOURS),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "ListShards",
        input: &structure(
            "ListShardsInput",
            &[
                optional("StreamName", &STREAM_NAME),
                optional("NextToken", &NEXT_TOKEN),
                optional("ExclusiveStartShardId", &SHARD_ID),
                optional("MaxResults", &LIST_SHARDS_INPUT_LIMIT),
                optional("StreamCreationTimestamp", &TIMESTAMP),
                optional("ShardFilter", &SHARD_FILTER),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &structure(
            "ListShardsOutput",
            &[
                optional("Shards", &SHARD_LIST),
                optional("NextToken", &NEXT_TOKEN),
            ],
        ),
    },
    Operation {
        name: "ListStreamConsumers",
        input: &structure(
            "ListStreamConsumersInput",
            &[
                required("StreamARN", &STREAM_ARN),
                optional("NextToken", &NEXT_TOKEN),
                optional("MaxResults", &LIST_STREAM_CONSUMERS_INPUT_LIMIT),
                optional("StreamCreationTimestamp", &TIMESTAMP),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &structure(
            "ListStreamConsumersOutput",
            &[
                optional("Consumers", &CONSUMER_LIST),
                optional("NextToken", &NEXT_TOKEN),
            ],
        ),
    },
    Operation {
        name: "ListStreams",
        input: &structure(
            "ListStreamsInput",
            &[
                optional("Limit", &LIST_STREAMS_INPUT_LIMIT),
                optional("ExclusiveStartStreamName", &STREAM_NAME),
                optional("NextToken", &NEXT_TOKEN),
            ],
        ),
        output: &structure(
            "ListStreamsOutput",
            &[
                required("StreamNames", &STREAM_NAME_LIST),
                required("HasMoreStreams", &BOOLEAN_OBJECT),
                optional("NextToken", &NEXT_TOKEN),
                optional("StreamSummaries", &STREAM_SUMMARY_LIST),
            ],
        ),
    },
    Operation {
        name: "ListTagsForResource",
        input: &structure(
            "ListTagsForResourceInput",
            &[
                required("ResourceARN", &RESOURCE_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &structure("ListTagsForResourceOutput", &[optional("Tags", &TAG_LIST)]),
    },
    Operation {
        name: "ListTagsForStream",
        input: &structure(
            "ListTagsForStreamInput",
            &[
                optional("StreamName", &STREAM_NAME),
                optional("ExclusiveStartTagKey", &TAG_KEY),
                optional("Limit", &LIST_TAGS_FOR_STREAM_INPUT_LIMIT),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &structure(
            "ListTagsForStreamOutput",
            &[
                required("Tags", &TAG_LIST),
                required("HasMoreTags", &BOOLEAN_OBJECT),
            ],
        ),
    },
    Operation {
        name: "MergeShards",
        input: &structure(
            "MergeShardsInput",
            &[
                optional("StreamName", &STREAM_NAME),
                required("ShardToMerge", &SHARD_ID),
                required("AdjacentShardToMerge", &SHARD_ID),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "PutRecord",
        input: &structure(
            "PutRecordInput",
            &[
                optional("StreamName", &STREAM_NAME),
                required("Data", &DATA),
                optional("PartitionKey", &PARTITION_KEY),
                optional("ExplicitHashKey", &HASH_KEY),
                optional("SequenceNumberForOrdering", &SEQUENCE_NUMBER),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
                optional("DryRun", &BOOLEAN_OBJECT),
            ],
        ),
        output: &structure(
            "PutRecordOutput",
            &[
                required("ShardId", &SHARD_ID),
                required("SequenceNumber", &SEQUENCE_NUMBER),
                optional("EncryptionType", &ENCRYPTION_TYPE),
            ],
        ),
    },
    Operation {
        name: "PutRecords",
        input: &structure(
            "PutRecordsInput",
            &[
                required("Records", &PUT_RECORDS_REQUEST_ENTRY_LIST),
                optional("StreamName", &STREAM_NAME),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
                optional("DryRun", &BOOLEAN_OBJECT),
            ],
        ),
        output: &structure(
            "PutRecordsOutput",
            &[
                optional("FailedRecordCount", &POSITIVE_INTEGER_OBJECT),
                required("Records", &PUT_RECORDS_RESULT_ENTRY_LIST),
                optional("EncryptionType", &ENCRYPTION_TYPE),
            ],
        ),
    },
    Operation {
        name: "PutResourcePolicy",
        input: &structure(
            "PutResourcePolicyInput",
            &[
                required("ResourceARN", &RESOURCE_ARN),
                optional("StreamId", &STREAM_ID),
                required("Policy", &POLICY),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "RegisterStreamConsumer",
        input: &structure(
            "RegisterStreamConsumerInput",
            &[
                required("StreamARN", &STREAM_ARN),
                required("ConsumerName", &CONSUMER_NAME),
                optional("StreamId", &STREAM_ID),
                optional("Tags", &TAG_MAP),
            ],
        ),
        output: &structure(
            "RegisterStreamConsumerOutput",
            &[required("Consumer", &CONSUMER)],
        ),
    },
    Operation {
        name: "RemoveTagsFromStream",
        input: &structure(
            "RemoveTagsFromStreamInput",
            &[
                optional("StreamName", &STREAM_NAME),
                required("TagKeys", &TAG_KEY_LIST),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "SplitShard",
        input: &structure(
            "SplitShardInput",
            &[
                optional("StreamName", &STREAM_NAME),
                required("ShardToSplit", &SHARD_ID),
                required("NewStartingHashKey", &HASH_KEY),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "StartStreamEncryption",
        input: &structure(
            "StartStreamEncryptionInput",
            &[
                optional("StreamName", &STREAM_NAME),
                required("EncryptionType", &ENCRYPTION_TYPE),
                required("KeyId", &KEY_ID),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "StopStreamEncryption",
        input: &structure(
            "StopStreamEncryptionInput",
            &[
                optional("StreamName", &STREAM_NAME),
                required("EncryptionType", &ENCRYPTION_TYPE),
                required("KeyId", &KEY_ID),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "SubscribeToShard",
        input: &structure(
            "SubscribeToShardInput",
            &[
                required("ConsumerARN", &CONSUMER_ARN),
                optional("StreamId", &STREAM_ID),
                required("ShardId", &SHARD_ID),
                required("StartingPosition", &STARTING_POSITION),
                optional("DryRun", &BOOLEAN_OBJECT),
            ],
        ),
        output: &SUBSCRIBE_TO_SHARD_EVENT,
    },
    Operation {
        name: "TagResource",
        input: &structure(
            "TagResourceInput",
            &[
                required("Tags", &TAG_MAP),
                required("ResourceARN", &RESOURCE_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "UntagResource",
        input: &structure(
            "UntagResourceInput",
            &[
                required("TagKeys", &TAG_KEY_LIST),
                required("ResourceARN", &RESOURCE_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "UpdateAccountSettings",
        input: &structure(
            "UpdateAccountSettingsInput",
            &[required(
                "MinimumThroughputBillingCommitment",
                &MINIMUM_THROUGHPUT_BILLING_COMMITMENT_INPUT,
            )],
        ),
        output: &structure(
            "UpdateAccountSettingsOutput",
            &[optional(
                "MinimumThroughputBillingCommitment",
                &MINIMUM_THROUGHPUT_BILLING_COMMITMENT_OUTPUT,
            )],
        ),
    },
    Operation {
        name: "UpdateMaxRecordSize",
        input: &structure(
            "UpdateMaxRecordSizeInput",
            &[
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
                required("MaxRecordSizeInKiB", &MAX_RECORD_SIZE_IN_KIB),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "UpdateShardCount",
        input: &structure(
            "UpdateShardCountInput",
            &[
                optional("StreamName", &STREAM_NAME),
                required("TargetShardCount", &POSITIVE_INTEGER_OBJECT),
                required("ScalingType", &SCALING_TYPE),
                optional("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
            ],
        ),
        output: &structure(
            "UpdateShardCountOutput",
            &[
                optional("StreamName", &STREAM_NAME),
                optional("CurrentShardCount", &POSITIVE_INTEGER_OBJECT),
                optional("TargetShardCount", &POSITIVE_INTEGER_OBJECT),
                optional("StreamARN", &STREAM_ARN),
            ],
        ),
    },
    Operation {
        name: "UpdateStreamMode",
        input: &structure(
            "UpdateStreamModeInput",
            &[
                required("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
                required("StreamModeDetails", &STREAM_MODE_DETAILS),
                optional("WarmThroughputMiBps", &NATURAL_INTEGER_OBJECT),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "UpdateStreamRecordDistributionStrategy",
        input: &structure(
            "UpdateStreamRecordDistributionStrategyInput",
            &[
                required("StreamARN", &STREAM_ARN),
                optional("StreamId", &STREAM_ID),
                required("RecordDistributionStrategy", &RECORD_DISTRIBUTION_STRATEGY),
            ],
        ),
        output: &NOTHING,
    },
    Operation {
        name: "UpdateStreamWarmThroughput",
        input: &structure(
            "UpdateStreamWarmThroughputInput",
            &[
                optional("StreamARN", &STREAM_ARN),
                optional("StreamName", &STREAM_NAME),
                optional("StreamId", &STREAM_ID),
                required("WarmThroughputMiBps", &NATURAL_INTEGER_OBJECT),
            ],
        ),
        output: &structure(
            "UpdateStreamWarmThroughputOutput",
            &[
                optional("StreamARN", &STREAM_ARN),
                optional("StreamName", &STREAM_NAME),
                optional("WarmThroughput", &WARM_THROUGHPUT_OBJECT),
            ],
        ),
    },
];

/// Operations of the service that the engine does not know: those of channels and queues.
pub const UNIMPLEMENTED_FAMILIES: [&str; 17] = [
    "AcknowledgeDeadLetterQueueRecords",
    "AcknowledgeQueueRecords",
    "CreateChannel",
    "CreateQueue",
    "DeleteChannel",
    "DeleteQueue",
    "DescribeChannel",
    "DescribeQueue",
    "ListChannels",
    "ListQueues",
    "ReceiveDeadLetterQueueRecords",
    "ReceiveQueueRecords",
    "RestoreDeadLetterQueueRecords",
    "UpdateChannel",
    "UpdateDeadLetterQueueRecordsVisibility",
    "UpdateQueue",
    "UpdateQueueRecordsVisibility",
];

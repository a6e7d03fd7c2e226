//! What the engine tells, as members of answers.

use crate::kinesis::operation::{
    Commitment, ConsumerDescription, EnhancedMonitoring, ShardDescription, ShardMetric,
    StreamConfiguration, StreamMode, Tags, WarmThroughput,
};
use crate::wire::Value;

pub(super) fn shard(shard: &ShardDescription) -> Value {
    let keys = Value::structure()
        .with("StartingHashKey", shard.hash_key_range.start.to_string())
        .with("EndingHashKey", shard.hash_key_range.end.to_string());
    let numbers = Value::structure()
        .with(
            "StartingSequenceNumber",
            shard.starting_sequence_number.to_string(),
        )
        .with_some(
            "EndingSequenceNumber",
            shard
                .ending_sequence_number
                .map(|number| number.to_string()),
        );
    Value::structure()
        .with("ShardId", shard.shard.to_string())
        .with_some("ParentShardId", shard.parent.map(|id| id.to_string()))
        .with_some(
            "AdjacentParentShardId",
            shard.adjacent_parent.map(|id| id.to_string()),
        )
        .with("HashKeyRange", keys)
        .with("SequenceNumberRange", numbers)
}

pub(super) fn mode(mode: StreamMode) -> Value {
    Value::structure().with("StreamMode", mode.as_str())
}

pub(super) fn metrics(metrics: &[ShardMetric]) -> Value {
    metrics
        .iter()
        .map(|metric| metric.as_str().into())
        .collect()
}

/// The members that DescribeStream and DescribeStreamSummary share.
pub(super) fn configured(description: Value, configuration: &StreamConfiguration) -> Value {
    let monitoring = Value::structure().with("ShardLevelMetrics", metrics(&configuration.metrics));
    description
        .with("StreamModeDetails", mode(configuration.mode))
        .with("EnhancedMonitoring", vec![monitoring])
        .with("EncryptionType", configuration.encryption.kind().as_str())
        .with_some("KeyId", configuration.encryption.key_id.clone())
}

pub(super) fn monitoring(stream: &str, arn: String, levels: &EnhancedMonitoring) -> Value {
    Value::structure()
        .with("StreamName", stream)
        .with("CurrentShardLevelMetrics", metrics(&levels.current))
        .with("DesiredShardLevelMetrics", metrics(&levels.desired))
        .with("StreamARN", arn)
}

pub(super) fn consumer(consumer: &ConsumerDescription) -> Value {
    Value::structure()
        .with("ConsumerName", consumer.arn.consumer.as_str())
        .with("ConsumerARN", consumer.arn.to_string())
        .with("ConsumerStatus", consumer.status.as_str())
        .with("ConsumerCreationTimestamp", consumer.created)
}

pub(super) fn warm_throughput(warm: WarmThroughput) -> Value {
    Value::structure()
        .with("TargetMiBps", warm.target_mib_per_s)
        .with("CurrentMiBps", warm.current_mib_per_s)
}

pub(super) fn tag(key: &str, value: &str) -> Value {
    Value::structure().with("Key", key).with("Value", value)
}

pub(super) fn commitment(commitment: &Commitment) -> Value {
    let shown = Value::structure()
        .with("Status", commitment.status.as_str())
        .with_some("StartedAt", commitment.started)
        .with_some("EndedAt", commitment.ended)
        .with_some("EarliestAllowedEndAt", commitment.earliest_end);
    Value::structure().with("MinimumThroughputBillingCommitment", shown)
}

/// The tags of an input.
pub(super) fn read_tags(input: &Value) -> Tags {
    let entries = input.get("Tags").and_then(Value::as_map);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    entries
        .unwrap_or_default()
        .iter()
        .map(|(key, value)| (key.clone(), text(value)))
        .collect()
}

/// A list of texts of an input.
pub(super) fn read_texts(input: &Value, member: &str) -> Vec<String> {
    let texts = input.list(member).iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// A number of an input that the validator found to be 0 or more.
pub(super) fn read_u32(input: &Value, member: &str) -> Option<u32> {
    input
        .i64(member)
        .map(|number| u32::try_from(number).unwrap_or(0))
}

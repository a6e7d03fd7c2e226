//! Streams: made, shown, listed, deleted.

use super::select::{self, invalid};
use super::show::{self, read_u32};
use super::{Call, token};
use crate::kinesis::delays::DelayName;
use crate::kinesis::operation::{RecordDistribution, StreamMode, StreamOptions};
use crate::kinesis::{KinesisError, StreamName};
use crate::wire::Value;

pub(super) fn mode_of(input: &Value) -> Option<StreamMode> {
    let mode = input.get("StreamModeDetails")?.str("StreamMode")?;
    Some(if mode == StreamMode::OnDemand.as_str() {
        StreamMode::OnDemand
    } else {
        StreamMode::Provisioned
    })
}

pub(super) fn distribution_of(input: &Value) -> Option<RecordDistribution> {
    let strategy = input.str("RecordDistributionStrategy")?;
    Some(if strategy == RecordDistribution::Auto.as_str() {
        RecordDistribution::Auto
    } else {
        RecordDistribution::UserPartitionKey
    })
}

pub(super) fn create(call: &Call<'_>) -> Result<Value, KinesisError> {
    let input = call.input;
    let name: StreamName = input
        .str("StreamName")
        .unwrap_or_default()
        .parse()
        .map_err(|error| invalid(format!("{error}")))?;
    let options = StreamOptions {
        shards: read_u32(input, "ShardCount"),
        mode: mode_of(input),
        tags: show::read_tags(input),
        warm_mib_per_s: read_u32(input, "WarmThroughputMiBps"),
        max_record_bytes: read_u32(input, "MaxRecordSizeInKiB").map(|kib| u64::from(kib) << 10),
        distribution: distribution_of(input),
    };
    let takes = call.host.takes(DelayName::CreateStream);
    call.account
        .create_stream_with(call.now, takes, &name, &options)?;
    Ok(Value::structure())
}

pub(super) fn delete(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    let takes = call.host.takes(DelayName::DeleteStream);
    let enforce = call.input.is_true("EnforceConsumerDeletion");
    call.account
        .delete_stream_with(call.now, takes, &stream, enforce)?;
    Ok(Value::structure())
}

pub(super) fn describe(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    let after = call.input.str("ExclusiveStartShardId");
    let after = select::maybe_shard(call.account, &stream, after)?;
    let limit = read_u32(call.input, "Limit");
    let found = call
        .account
        .describe_stream(call.now, &stream, limit, after)?;
    let shards: Value = found.shards.iter().map(show::shard).collect();
    let description = Value::structure()
        .with("StreamName", found.stream.as_str())
        .with("StreamARN", found.arn)
        .with("StreamStatus", found.status.as_str())
        .with("Shards", shards)
        .with("HasMoreShards", found.has_more_shards)
        .with("RetentionPeriodHours", found.retention.as_secs() / 3_600)
        .with("StreamCreationTimestamp", found.created);
    let description = show::configured(description, &found.configuration);
    Ok(Value::structure().with("StreamDescription", description))
}

pub(super) fn summary(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    let found = call.account.describe_stream_summary(call.now, &stream)?;
    let configuration = &found.configuration;
    let summary = Value::structure()
        .with("StreamName", found.stream.as_str())
        .with("StreamARN", found.arn)
        .with("StreamStatus", found.status.as_str())
        .with("RetentionPeriodHours", found.retention.as_secs() / 3_600)
        .with("StreamCreationTimestamp", found.created)
        .with("OpenShardCount", found.open_shards)
        .with("ConsumerCount", found.consumers)
        .with("MaxRecordSizeInKiB", found.max_record_bytes >> 10)
        .with_some(
            "WarmThroughput",
            configuration.warm_throughput.map(show::warm_throughput),
        )
        .with_some(
            "RecordDistributionStrategy",
            configuration.distribution.map(RecordDistribution::as_str),
        );
    let summary = show::configured(summary, configuration);
    Ok(Value::structure().with("StreamDescriptionSummary", summary))
}

pub(super) fn list(call: &Call<'_>) -> Result<Value, KinesisError> {
    let input = call.input;
    let from_token = match input.str("NextToken") {
        Some(text) => {
            let [after] = token::read::<1>(call.now, "ListStreams", text)?;
            Some(after)
        }
        None => None,
    };
    let after = from_token
        .as_deref()
        .or(input.str("ExclusiveStartStreamName"));
    let limit = read_u32(input, "Limit");
    let (streams, has_more) = call.account.list_stream_summaries(call.now, limit, after)?;
    let names: Value = streams.iter().map(|s| s.stream.as_str().into()).collect();
    let next = streams.last().filter(|_| has_more);
    let next = next.map(|last| token::write(call.now, "ListStreams", &[last.stream.as_str()]));
    let summaries: Value = streams
        .into_iter()
        .map(|stream| {
            Value::structure()
                .with("StreamName", stream.stream.as_str())
                .with("StreamARN", stream.arn)
                .with("StreamStatus", stream.status.as_str())
                .with("StreamModeDetails", show::mode(stream.mode))
                .with("StreamCreationTimestamp", stream.created)
        })
        .collect();
    Ok(Value::structure()
        .with("StreamNames", names)
        .with("HasMoreStreams", has_more)
        .with_some("NextToken", next)
        .with("StreamSummaries", summaries))
}

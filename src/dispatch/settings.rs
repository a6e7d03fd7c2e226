//! A stream's settings: retention, encryption, monitoring, mode, sizes.

use super::select::{self, invalid};
use super::show::{self, read_u32};
use super::{Call, streams};
use crate::kinesis::KinesisError;
use crate::kinesis::delays::DelayName;
use crate::kinesis::operation::{RecordDistribution, ShardMetric, StreamMode};
use crate::wire::Value;

/// As it was given, below zero too: a refusal repeats it.
fn hours(call: &Call<'_>) -> i64 {
    call.input.i64("RetentionPeriodHours").unwrap_or_default()
}

pub(super) fn increase_retention(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    call.account
        .increase_retention(call.now, &stream, hours(call))?;
    Ok(Value::structure())
}

pub(super) fn decrease_retention(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    call.account
        .decrease_retention(call.now, &stream, hours(call))?;
    Ok(Value::structure())
}

/// The named metrics; `ALL` is every one.
fn metrics(call: &Call<'_>) -> Vec<ShardMetric> {
    let names = call.input.list("ShardLevelMetrics");
    let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
    let named = |metric: &ShardMetric| names.contains(&metric.as_str()) || names.contains(&"ALL");
    ShardMetric::ALL.into_iter().filter(named).collect()
}

pub(super) fn enable_monitoring(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    let levels = call
        .account
        .enable_enhanced_monitoring(call.now, &stream, &metrics(call))?;
    let arn = select::arn(call.account, &stream)?;
    Ok(show::monitoring(&stream, arn, &levels))
}

pub(super) fn disable_monitoring(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    let levels = call
        .account
        .disable_enhanced_monitoring(call.now, &stream, &metrics(call))?;
    let arn = select::arn(call.account, &stream)?;
    Ok(show::monitoring(&stream, arn, &levels))
}

/// Encryption has one kind. The text is unverified.
fn check_kind(call: &Call<'_>) -> Result<(), KinesisError> {
    if call.input.str("EncryptionType") == Some("KMS") {
        Ok(())
    } else {
        Err(invalid("EncryptionType should be KMS."))
    }
}

pub(super) fn start_encryption(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    check_kind(call)?;
    let key = call.input.str("KeyId").unwrap_or_default();
    let takes = call.host.takes(DelayName::Control);
    call.account
        .start_stream_encryption(call.now, takes, &stream, key)?;
    Ok(Value::structure())
}

pub(super) fn stop_encryption(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    check_kind(call)?;
    let takes = call.host.takes(DelayName::Control);
    call.account
        .stop_stream_encryption(call.now, takes, &stream)?;
    Ok(Value::structure())
}

pub(super) fn max_record_size(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    let kib = read_u32(call.input, "MaxRecordSizeInKiB").unwrap_or_default();
    call.account
        .update_max_record_size(call.now, &stream, u64::from(kib) << 10)?;
    Ok(Value::structure())
}

pub(super) fn mode(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    let mode = streams::mode_of(call.input).unwrap_or(StreamMode::Provisioned);
    let warm = read_u32(call.input, "WarmThroughputMiBps");
    let takes = call.host.takes(DelayName::Control);
    call.account
        .update_stream_mode(call.now, takes, &stream, mode, warm)?;
    Ok(Value::structure())
}

pub(super) fn distribution(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    let wanted =
        streams::distribution_of(call.input).unwrap_or(RecordDistribution::UserPartitionKey);
    call.account
        .update_stream_record_distribution_strategy(call.now, &stream, wanted)?;
    Ok(Value::structure())
}

pub(super) fn warm_throughput(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    let wanted = read_u32(call.input, "WarmThroughputMiBps").unwrap_or_default();
    let takes = call.host.takes(DelayName::Control);
    let warm = call
        .account
        .update_stream_warm_throughput(call.now, takes, &stream, wanted)?;
    Ok(Value::structure()
        .with("StreamARN", select::arn(call.account, &stream)?)
        .with("StreamName", &*stream)
        .with("WarmThroughput", show::warm_throughput(warm)))
}

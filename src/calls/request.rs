//! The request of each call, built from the stream that it is about.

use bytes::Bytes;

use super::ground::Ground;
use crate::kinesis::HashKey;
use crate::kinesis::api::{ApiCall, LOAD_RECORD_BYTES, LOAD_RECORDS};
use crate::wire::Value;

/// Records that a GetRecords asks for.
const READ_RECORDS: u64 = 100;

/// Streams that a ListStreams asks for.
const LISTED_STREAMS: u64 = 10;

/// The tag that loads set and remove.
const TAG: &str = "streamgauge.load";

/// The consumer that loads register.
const CONSUMER: &str = "streamgauge-load";

/// The key that streams are encrypted with: the service's own.
const KEY: &str = "alias/aws/kinesis";

/// Retention in hours, raised and lowered.
const HOURS: (u64, u64) = (48, 24);

/// A shard that no stream has: a stream has far fewer.
const MISSING_SHARD: &str = "shardId-000000999999";

/// 39 digits that are above 2^128.
const BEYOND: &str = "999999999999999999999999999999999999999";

/// What is no name of anything.
const NO_NAME: &str = "no name!";

/// The request of a call, with `number` as what tells it from others: the shard that it is about, the key that it puts.
pub(super) fn request(call: &ApiCall, ground: &Ground, number: u64) -> Value {
    let name = call.api.name;
    let valid = valid(name, ground, number);
    match call.case.map(|case| case.name) {
        None => valid,
        Some("missing-stream") => missing_stream(valid, ground),
        Some("bad-argument") => bad_argument(name, valid),
        Some(case) => special(name, case, valid, ground, number),
    }
}

fn empty() -> Value {
    Value::structure()
}

fn texts(texts: &[&str]) -> Value {
    texts.iter().map(|text| Value::from(*text)).collect()
}

fn tags() -> Value {
    Value::Map(vec![(TAG.to_owned(), "1".into())])
}

fn record(number: u64) -> Value {
    empty()
        .with("Data", Bytes::from_static(&[b'x'; LOAD_RECORD_BYTES]))
        .with("PartitionKey", format!("key-{number}"))
}

/// A request that is right.
fn valid(name: &str, ground: &Ground, number: u64) -> Value {
    let named = || empty().with("StreamName", &*ground.stream);
    let at = || empty().with("StreamARN", &*ground.arn);
    let resource = || empty().with("ResourceARN", &*ground.arn);
    let shard = || {
        let place = ground.place(number);
        place.map_or_else(|| MISSING_SHARD.to_owned(), |place| place.shard.to_string())
    };
    match name {
        "AddTagsToStream" => named().with("Tags", tags()),
        "CreateStream" => named().with("ShardCount", 1u32),
        "DecreaseStreamRetentionPeriod" => named().with("RetentionPeriodHours", HOURS.1),
        "IncreaseStreamRetentionPeriod" => named().with("RetentionPeriodHours", HOURS.0),
        "DeregisterStreamConsumer" | "DescribeStreamConsumer" | "RegisterStreamConsumer" => {
            at().with("ConsumerName", CONSUMER)
        }
        "DisableEnhancedMonitoring" | "EnableEnhancedMonitoring" => {
            named().with("ShardLevelMetrics", texts(&["IncomingRecords"]))
        }
        "GetRecords" => empty()
            .with(
                "ShardIterator",
                ground.iterator(number).unwrap_or_else(|| "none".to_owned()),
            )
            .with("Limit", READ_RECORDS),
        "GetShardIterator" => named()
            .with("ShardId", shard())
            .with("ShardIteratorType", "TRIM_HORIZON"),
        "ListStreams" => empty().with("Limit", LISTED_STREAMS),
        "MergeShards" => {
            let mut shards = ground.shards.iter().map(|place| place.shard.to_string());
            let mut next = || shards.next().unwrap_or_else(|| MISSING_SHARD.to_owned());
            named()
                .with("ShardToMerge", next())
                .with("AdjacentShardToMerge", next())
        }
        "PutRecord" => record(number).with("StreamName", &*ground.stream),
        "PutRecords" => {
            let first = number.wrapping_mul(LOAD_RECORDS);
            let records = (0..LOAD_RECORDS).map(|index| record(first.wrapping_add(index)));
            named().with("Records", records.collect::<Value>())
        }
        "PutResourcePolicy" => resource().with("Policy", policy(&ground.arn)),
        "RemoveTagsFromStream" => named().with("TagKeys", texts(&[TAG])),
        "SplitShard" => {
            let middle = ground.widest().map(|place| {
                let (start, end) = (place.range.start.0, place.range.end.0);
                (
                    place.shard.to_string(),
                    HashKey(start + (end - start) / 2 + 1),
                )
            });
            let (shard, key) = middle.unwrap_or_else(|| (MISSING_SHARD.to_owned(), HashKey(1)));
            named()
                .with("ShardToSplit", shard)
                .with("NewStartingHashKey", key.to_string())
        }
        "StartStreamEncryption" | "StopStreamEncryption" => {
            named().with("EncryptionType", "KMS").with("KeyId", KEY)
        }
        "TagResource" => resource().with("Tags", tags()),
        "UntagResource" => resource().with("TagKeys", texts(&[TAG])),
        "UpdateMaxRecordSize" => at().with("MaxRecordSizeInKiB", 2_048u32),
        "UpdateShardCount" => named()
            .with("TargetShardCount", 2 * ground.shards.len().max(1) as u64)
            .with("ScalingType", "UNIFORM_SCALING"),
        "UpdateStreamMode" => at().with("StreamModeDetails", mode("ON_DEMAND")),
        "UpdateStreamRecordDistributionStrategy" => {
            at().with("RecordDistributionStrategy", "USER_PARTITION_KEY")
        }
        // Zero takes warm throughput away, which every on-demand stream can have done to it.
        "UpdateStreamWarmThroughput" => at().with("WarmThroughputMiBps", 0u32),
        "DescribeAccountSettings" | "DescribeLimits" => empty(),
        "DeleteResourcePolicy" | "GetResourcePolicy" | "ListTagsForResource" => resource(),
        "ListStreamConsumers" => at(),
        _ => named(),
    }
}

fn mode(mode: &str) -> Value {
    empty().with("StreamMode", mode)
}

/// A policy that lets the stream's own account look at it, which it may anyway.
fn policy(arn: &str) -> String {
    let account = arn.split(':').nth(4).unwrap_or_default();
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "Load",
            "Effect": "Allow",
            "Principal": { "AWS": account },
            "Action": ["kinesis:DescribeStreamSummary"],
            "Resource": arn,
        }],
    })
    .to_string()
}

/// The same of a stream that nobody has.
fn missing_stream(valid: Value, ground: &Ground) -> Value {
    let member = ["StreamName", "StreamARN", "ResourceARN"]
        .into_iter()
        .find(|name| valid.get(name).is_some());
    match member {
        Some("StreamName") => valid.with("StreamName", &*ground.missing),
        Some(member) => valid.with(member, ground.missing_arn()),
        None => valid,
    }
}

/// The same with one member that the service's front door does not let through.
fn bad_argument(name: &str, valid: Value) -> Value {
    let (member, value): (_, Value) = match name {
        "AddTagsToStream" | "TagResource" => ("Tags", Value::Map(Vec::new())),
        "DescribeStream" | "GetRecords" | "ListStreams" | "ListTagsForStream" => {
            ("Limit", 0u32.into())
        }
        "ListShards" | "ListStreamConsumers" => ("MaxResults", 0u32.into()),
        "DeregisterStreamConsumer" | "DescribeStreamConsumer" | "RegisterStreamConsumer" => {
            ("ConsumerName", NO_NAME.into())
        }
        "DisableEnhancedMonitoring" | "EnableEnhancedMonitoring" => {
            ("ShardLevelMetrics", texts(&["Nothing"]))
        }
        "GetShardIterator" => ("ShardIteratorType", "NOWHERE".into()),
        "MergeShards" => ("ShardToMerge", NO_NAME.into()),
        "PutRecord" => ("PartitionKey", "".into()),
        "PutRecords" => ("Records", Value::List(Vec::new())),
        "RemoveTagsFromStream" | "UntagResource" => ("TagKeys", texts(&[])),
        "SplitShard" => ("NewStartingHashKey", "x".into()),
        "StartStreamEncryption" | "StopStreamEncryption" => ("EncryptionType", "ROT13".into()),
        "UpdateMaxRecordSize" => ("MaxRecordSizeInKiB", 1u32.into()),
        "UpdateShardCount" => ("TargetShardCount", 0u32.into()),
        "UpdateStreamMode" => ("StreamModeDetails", mode("NEITHER")),
        "UpdateStreamRecordDistributionStrategy" => {
            ("RecordDistributionStrategy", "NEITHER".into())
        }
        "UpdateStreamWarmThroughput" => ("WarmThroughputMiBps", (-1i32).into()),
        "DeleteResourcePolicy"
        | "GetResourcePolicy"
        | "ListTagsForResource"
        | "PutResourcePolicy" => ("ResourceARN", NO_NAME.into()),
        _ => ("StreamName", NO_NAME.into()),
    };
    valid.with(member, value)
}

/// The cases that only some operations have.
fn special(name: &str, case: &str, valid: Value, ground: &Ground, number: u64) -> Value {
    match (name, case) {
        (_, "dry-run") => valid.with("DryRun", true),
        (_, "bad-token") => empty().with("NextToken", "no token"),
        ("ListShards", "no-stream") => empty(),
        (_, "missing-consumer") => valid.with("ConsumerName", "streamgauge-missing"),
        ("GetRecords", "bad-iterator") => valid.with("ShardIterator", "no iterator"),
        ("GetRecords", "expired-iterator") => {
            valid.with("ShardIterator", ground.expired.clone().unwrap_or_default())
        }
        ("GetShardIterator", "missing-shard") => valid.with("ShardId", MISSING_SHARD),
        ("GetShardIterator", "no-sequence-number") => {
            valid.with("ShardIteratorType", "AT_SEQUENCE_NUMBER")
        }
        ("SplitShard", "missing-shard") => valid.with("ShardToSplit", MISSING_SHARD),
        ("MergeShards", "missing-shard") => valid.with("ShardToMerge", MISSING_SHARD),
        ("MergeShards", "same-shard") => {
            let shard = valid.str("ShardToMerge").unwrap_or_default().to_owned();
            valid.with("AdjacentShardToMerge", shard)
        }
        // A child would have no hash key.
        ("SplitShard", "bad-hash-key") => {
            let start = ground
                .widest()
                .map_or(HashKey(0), |place| place.range.start);
            valid.with("NewStartingHashKey", start.to_string())
        }
        ("PutRecord", "bad-hash-key") => valid.with("ExplicitHashKey", BEYOND),
        ("PutRecords", "bad-hash-key") => {
            let record = record(number).with("ExplicitHashKey", BEYOND);
            valid.with("Records", vec![record])
        }
        ("IncreaseStreamRetentionPeriod", "out-of-range") => {
            valid.with("RetentionPeriodHours", 100_000u32)
        }
        ("DecreaseStreamRetentionPeriod", "out-of-range") => {
            valid.with("RetentionPeriodHours", 1u32)
        }
        // `stream-exists`: the valid request names the stream that is there.
        _ => valid,
    }
}

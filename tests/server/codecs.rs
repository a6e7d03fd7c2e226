//! JSON and CBOR answers are alike, for every operation that answers at once.

use std::collections::BTreeSet;

use base64::Engine as _;
use streamgauge::base::Timestamp;
use streamgauge::wire::{Codec, OPERATIONS, Value, decode_output, operation};

use crate::support::{AUTHORIZATION, Served, run, settings, start};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

/// What is asked, in this order; `ARN`, `ITERATOR` and `RECORD` are filled in.
const SCRIPT: &[(&str, &str)] = &[
    (
        "CreateStream",
        r#"{"StreamName":"s","ShardCount":2,"Tags":{"t":"1"}}"#,
    ),
    ("DescribeStream", r#"{"StreamName":"s"}"#),
    ("DescribeStreamSummary", r#"{"StreamARN":"ARN"}"#),
    ("ListStreams", r#"{"Limit":1}"#),
    (
        "PutRecord",
        r#"{"StreamName":"s","PartitionKey":"k","Data":"YWJj","ExplicitHashKey":"0"}"#,
    ),
    (
        "PutRecords",
        r#"{"StreamName":"s","Records":[{"PartitionKey":"k","Data":""},{"PartitionKey":"l","Data":"YQ=="}]}"#,
    ),
    (
        "PutRecord",
        r#"{"StreamName":"missing","PartitionKey":"k","Data":"YWJj"}"#,
    ),
    (
        "GetShardIterator",
        r#"{"StreamName":"s","ShardId":"shardId-000000000000","ShardIteratorType":"AT_TIMESTAMP","Timestamp":1}"#,
    ),
    ("GetRecords", r#"{"ShardIterator":"ITERATOR"}"#),
    (
        "GetRecords",
        r#"{"ShardIterator":"ITERATOR","DryRun":true}"#,
    ),
    (
        "ListShards",
        r#"{"StreamName":"s","MaxResults":1,"ShardFilter":{"Type":"FROM_TRIM_HORIZON"}}"#,
    ),
    (
        "AddTagsToStream",
        r#"{"StreamName":"s","Tags":{"a":"1","b":"2"}}"#,
    ),
    ("ListTagsForStream", r#"{"StreamName":"s","Limit":1}"#),
    (
        "RemoveTagsFromStream",
        r#"{"StreamName":"s","TagKeys":["a"]}"#,
    ),
    ("TagResource", r#"{"ResourceARN":"ARN","Tags":{"c":"3"}}"#),
    ("UntagResource", r#"{"ResourceARN":"ARN","TagKeys":["b"]}"#),
    ("ListTagsForResource", r#"{"ResourceARN":"ARN"}"#),
    (
        "RegisterStreamConsumer",
        r#"{"StreamARN":"ARN","ConsumerName":"c"}"#,
    ),
    (
        "DescribeStreamConsumer",
        r#"{"StreamARN":"ARN","ConsumerName":"c"}"#,
    ),
    ("ListStreamConsumers", r#"{"StreamARN":"ARN"}"#),
    (
        "DeregisterStreamConsumer",
        r#"{"StreamARN":"ARN","ConsumerName":"c"}"#,
    ),
    (
        "IncreaseStreamRetentionPeriod",
        r#"{"StreamName":"s","RetentionPeriodHours":48}"#,
    ),
    (
        "DecreaseStreamRetentionPeriod",
        r#"{"StreamName":"s","RetentionPeriodHours":24}"#,
    ),
    (
        "EnableEnhancedMonitoring",
        r#"{"StreamName":"s","ShardLevelMetrics":["ALL"]}"#,
    ),
    (
        "DisableEnhancedMonitoring",
        r#"{"StreamName":"s","ShardLevelMetrics":["IncomingBytes"]}"#,
    ),
    (
        "PutResourcePolicy",
        r#"{"ResourceARN":"ARN","Policy":"{}"}"#,
    ),
    ("GetResourcePolicy", r#"{"ResourceARN":"ARN"}"#),
    ("DeleteResourcePolicy", r#"{"ResourceARN":"ARN"}"#),
    (
        "StartStreamEncryption",
        r#"{"StreamName":"s","EncryptionType":"KMS","KeyId":"k"}"#,
    ),
    (
        "StopStreamEncryption",
        r#"{"StreamName":"s","EncryptionType":"KMS","KeyId":"k"}"#,
    ),
    (
        "UpdateMaxRecordSize",
        r#"{"StreamARN":"ARN","MaxRecordSizeInKiB":2048}"#,
    ),
    (
        "SplitShard",
        r#"{"StreamName":"s","ShardToSplit":"shardId-000000000000","NewStartingHashKey":"10"}"#,
    ),
    (
        "MergeShards",
        r#"{"StreamName":"s","ShardToMerge":"shardId-000000000002","AdjacentShardToMerge":"shardId-000000000003"}"#,
    ),
    ("GetRecords", r#"{"ShardIterator":"ITERATOR"}"#),
    (
        "UpdateShardCount",
        r#"{"StreamName":"s","TargetShardCount":4,"ScalingType":"UNIFORM_SCALING"}"#,
    ),
    ("DescribeLimits", "{}"),
    ("DescribeAccountSettings", "{}"),
    (
        "UpdateAccountSettings",
        r#"{"MinimumThroughputBillingCommitment":{"Status":"ENABLED"}}"#,
    ),
    (
        "UpdateStreamMode",
        r#"{"StreamARN":"ARN","StreamModeDetails":{"StreamMode":"ON_DEMAND"}}"#,
    ),
    (
        "UpdateStreamWarmThroughput",
        r#"{"StreamName":"s","WarmThroughputMiBps":8}"#,
    ),
    (
        "UpdateStreamRecordDistributionStrategy",
        r#"{"StreamARN":"ARN","RecordDistributionStrategy":"AUTO"}"#,
    ),
    ("DescribeStream", r#"{"StreamName":"s"}"#),
    (
        "DeleteStream",
        r#"{"StreamName":"s","EnforceConsumerDeletion":true}"#,
    ),
    ("DescribeStream", r#"{"StreamName":7}"#),
    ("DescribeStream", r#"{"StreamName":"a b"}"#),
];

/// A request as CBOR: `Data` as bytes, `Timestamp` in milliseconds.
fn cbor(out: &mut minicbor::Encoder<Vec<u8>>, member: &str, value: &serde_json::Value) {
    use serde_json::Value as Json;
    let written = match value {
        Json::Object(members) => {
            out.map(members.len() as u64).expect("memory");
            for (name, value) in members {
                out.str(name).expect("memory");
                cbor(out, name, value);
            }
            Ok(out)
        }
        Json::Array(values) => {
            out.array(values.len() as u64).expect("memory");
            for value in values {
                cbor(out, member, value);
            }
            Ok(out)
        }
        Json::String(text) if member == "Data" => {
            let data = base64::engine::general_purpose::STANDARD.decode(text);
            out.bytes(&data.expect("base64"))
        }
        Json::String(text) => out.str(text),
        Json::Bool(value) => out.bool(*value),
        Json::Number(number) if member == "Timestamp" => {
            out.i64(number.as_i64().expect("an integer") * 1_000)
        }
        number => out.i64(number.as_i64().expect("an integer")),
    };
    assert!(written.is_ok(), "writing to memory does not fail");
}

/// The value without what differs from run to run.
fn settled(name: &str, value: Value) -> Value {
    match value {
        Value::Timestamp(_) => Value::Timestamp(Timestamp::ZERO),
        Value::String(text) => {
            let varies = name.ends_with("SequenceNumber")
                || [
                    "NextShardIterator",
                    "ShardIterator",
                    "NextToken",
                    "ConsumerARN",
                ]
                .contains(&name);
            assert!(!varies || !text.is_empty());
            Value::String(if varies { name.to_owned() } else { text })
        }
        Value::List(values) => values.into_iter().map(|v| settled(name, v)).collect(),
        Value::Structure(members) => Value::Structure(
            members
                .into_iter()
                .map(|(name, value)| (name, settled(name, value)))
                .collect(),
        ),
        other => other,
    }
}

/// An error's type and text, from either codec.
fn error_of(codec: Codec, body: &[u8]) -> Vec<(String, String)> {
    match codec {
        Codec::Json => {
            let error: serde_json::Map<_, _> = serde_json::from_slice(body).expect("an error");
            error
                .into_iter()
                .map(|(name, text)| (name, text.as_str().expect("text").to_owned()))
                .collect()
        }
        Codec::Cbor => {
            let mut decoder = minicbor::Decoder::new(body);
            let count = decoder.map().expect("a map").expect("of known length");
            (0..count)
                .map(|_| {
                    let name = decoder.str().expect("a name").to_owned();
                    (name, decoder.str().expect("text").to_owned())
                })
                .collect()
        }
    }
}

/// Runs the script; gives each answer as text, and the operations that were carried out.
async fn play(server: &Served, codec: Codec) -> (Vec<String>, BTreeSet<&'static str>) {
    let (mut answers, mut passed) = (Vec::new(), BTreeSet::new());
    let mut iterator = String::new();
    for (name, body) in SCRIPT {
        let body = body
            .replace("ARN\"", &format!("{ARN}\""))
            .replace("ITERATOR", &iterator);
        let body = body
            .replace(&format!("Stream{ARN}"), "StreamARN")
            .replace(&format!("Resource{ARN}"), "ResourceARN");
        let bytes = match codec {
            Codec::Json => body.into_bytes(),
            Codec::Cbor => {
                let mut out = minicbor::Encoder::new(Vec::new());
                cbor(&mut out, "", &serde_json::from_str(&body).expect("JSON"));
                out.into_writer()
            }
        };
        let target = format!("Kinesis_20131202.{name}");
        let headers = [
            ("content-type", codec.content_type()),
            ("x-amz-target", target.as_str()),
            ("authorization", AUTHORIZATION),
            ("x-amz-date", "20260101T000000Z"),
        ];
        let reply = server.send("POST", "/", &headers, bytes).await;
        let operation = operation(name).expect("an operation");
        answers.push(if reply.status == 200 {
            passed.insert(*name);
            if reply.body.is_empty() {
                assert!(!operation.has_output(), "{name}");
                format!("{name}: nothing")
            } else {
                assert_eq!(reply.header("content-type"), codec.content_type());
                let value = decode_output(codec, operation, &reply.body).expect("its shape");
                if let Some(text) = value.str("ShardIterator") {
                    text.clone_into(&mut iterator);
                }
                format!("{name}: {:?}", settled("", value))
            }
        } else {
            format!(
                "{name}: {} {:?}",
                reply.status,
                error_of(codec, &reply.body)
            )
        });
    }
    (answers, passed)
}

#[test]
fn every_operation_answers_alike_in_both_codecs() {
    run(async {
        let one = start(settings()).await;
        let (json, passed) = play(&one, Codec::Json).await;
        one.stop().await;
        let other = start(settings()).await;
        let (cbor, _) = play(&other, Codec::Cbor).await;
        other.stop().await;
        for (json, cbor) in json.iter().zip(&cbor) {
            assert_eq!(json, cbor);
        }
        let missing: Vec<_> = OPERATIONS
            .iter()
            .map(|operation| operation.name)
            .filter(|name| !passed.contains(name) && *name != "SubscribeToShard")
            .collect();
        assert!(missing.is_empty(), "{missing:?} of {json:#?}");
    });
}

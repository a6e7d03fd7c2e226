//! What a client sees of facts that cross the engine and the wire: members that are absent, streams that are made again,
//! which of two faults is told.

use streamgauge::wire::{Codec, Value, decode_output, operation};

use crate::subscriptions::subscribe;
use crate::support::{AUTHORIZATION, CBOR, Served, run, settings, start};

const FIRST: &str = "shardId-000000000000";
const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
const CREATE: &str = r#"{"StreamName":"s","ShardCount":1}"#;
const PUT: &str = r#"{"StreamName":"s","PartitionKey":"k","Data":"YQ=="}"#;
/// Spreads its records, so that their keys may be left out.
const AUTO: &str = r#"{"StreamName":"s","StreamModeDetails":{"StreamMode":"ON_DEMAND"},"RecordDistributionStrategy":"AUTO"}"#;

async fn iterator(server: &Served, shard: &str) -> String {
    let ask =
        format!(r#"{{"StreamName":"s","ShardId":"{shard}","ShardIteratorType":"TRIM_HORIZON"}}"#);
    let found = server.done("GetShardIterator", &ask).await;
    found.str("ShardIterator").expect("an iterator").to_owned()
}

/// The records of a shard from its beginning, read in both codecs alike.
async fn read(server: &Served, shard: &str) -> Vec<Value> {
    let iterator = iterator(server, shard).await;
    let body = format!(r#"{{"ShardIterator":"{iterator}"}}"#);
    let json = server.done("GetRecords", &body).await;
    let mut body = minicbor::Encoder::new(Vec::new());
    body.map(1).expect("memory");
    body.str("ShardIterator").expect("memory");
    body.str(&iterator).expect("memory");
    let headers = [
        ("content-type", CBOR),
        ("x-amz-target", "Kinesis_20131202.GetRecords"),
        ("authorization", AUTHORIZATION),
        ("x-amz-date", "20260101T000000Z"),
    ];
    let cbor = server.send("POST", "/", &headers, body.into_writer()).await;
    let shape = operation("GetRecords").expect("an operation");
    let cbor = decode_output(Codec::Cbor, shape, &cbor.body).expect("its shape");
    assert_eq!(json.list("Records"), cbor.list("Records"));
    json.list("Records").to_vec()
}

async fn consumer(server: &Served) -> String {
    let register = format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"c"}}"#);
    let made = server.done("RegisterStreamConsumer", &register).await;
    let made = made.get("Consumer").expect("a consumer");
    made.str("ConsumerARN").expect("an ARN").to_owned()
}

/// What a refusal says: its code and its text.
async fn refused(server: &Served, name: &str, body: &str) -> (String, String) {
    let reply = server.call(name, body).await;
    assert!(reply.status >= 400, "{name} {body}: {}", reply.text());
    let said: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
    let text = |member: &str| said[member].as_str().unwrap_or_default().to_owned();
    (text("__type"), text("message"))
}

/// The records that a new subscription of a new consumer is given first.
async fn pushed(server: &Served) -> Vec<Value> {
    let consumer = consumer(server).await;
    let mut events = subscribe(server, &consumer).await;
    let shape = operation("SubscribeToShard").expect("an operation");
    loop {
        let event = events.next().await.expect("an event");
        let event = decode_output(Codec::Json, shape, &event.payload).expect("its shape");
        if !event.list("Records").is_empty() {
            return event.list("Records").to_vec();
        }
    }
}

#[test]
fn a_record_put_without_a_key_is_given_back_without_one() {
    run(async {
        let server = start(settings()).await;
        server.done("CreateStream", AUTO).await;
        let put = r#"{"StreamName":"s","Data":"YQ=="}"#;
        server.done("PutRecord", put).await;
        let records = read(&server, FIRST).await;
        assert_eq!(records.len(), 1, "spreading begins in the first shard");
        assert_eq!(records[0].get("PartitionKey"), None);
        assert!(records[0].str("SequenceNumber").is_some());
        assert_eq!(pushed(&server).await, records);
        server.stop().await;
    });
}

#[test]
fn a_record_is_given_with_the_encryption_of_the_time_at_which_it_was_put() {
    run(async {
        let server = start(settings()).await;
        server.done("CreateStream", CREATE).await;
        let key = r#"{"StreamName":"s","EncryptionType":"KMS","KeyId":"k"}"#;
        server.done("PutRecord", PUT).await;
        server.done("StartStreamEncryption", key).await;
        let during = server.done("PutRecord", PUT).await;
        assert_eq!(during.str("EncryptionType"), Some("KMS"));
        let kinds = [None, Some("KMS"), None];
        let seen = |records: &[Value]| -> Vec<Option<String>> {
            let kinds = records.iter().map(|record| record.str("EncryptionType"));
            kinds.map(|kind| kind.map(str::to_owned)).collect()
        };
        let expected = |count: usize| kinds[..count].iter().map(|kind| kind.map(str::to_owned));
        let expected = |count| expected(count).collect::<Vec<_>>();
        assert_eq!(seen(&read(&server, FIRST).await), expected(2));
        server.done("StopStreamEncryption", key).await;
        assert_eq!(seen(&read(&server, FIRST).await), expected(2));
        let after = server.done("PutRecord", PUT).await;
        assert_eq!(after.str("EncryptionType"), None);
        let records = read(&server, FIRST).await;
        assert_eq!(seen(&records), expected(3));
        assert_eq!(pushed(&server).await, records);
        server.stop().await;
    });
}

#[test]
fn what_was_a_former_streams_is_not_taken_for_the_new_ones_in_the_same_second() {
    run(async {
        let server = start(settings()).await;
        let create = r#"{"StreamName":"s","ShardCount":3}"#;
        let mut former: Vec<(String, String)> = Vec::new();
        for _ in 0..3 {
            server.done("CreateStream", create).await;
            for (number, token) in &former {
                for kind in ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"] {
                    let ask = format!(
                        r#"{{"StreamName":"s","ShardId":"{FIRST}","ShardIteratorType":"{kind}","StartingSequenceNumber":"{number}"}}"#
                    );
                    let (code, text) = refused(&server, "GetShardIterator", &ask).await;
                    assert_eq!(code, "InvalidArgumentException");
                    assert!(
                        text.ends_with("because it did not come from this stream."),
                        "{text}"
                    );
                }
                let body = format!(r#"{{"NextToken":"{token}"}}"#);
                let (code, _) = refused(&server, "ListShards", &body).await;
                assert_eq!(code, "ResourceNotFoundException");
            }
            let put = r#"{"StreamName":"s","PartitionKey":"k","Data":"","ExplicitHashKey":"0"}"#;
            let stored = server.done("PutRecord", put).await;
            let page = server
                .done("ListShards", r#"{"StreamName":"s","MaxResults":1}"#)
                .await;
            let text = |value: &Value, name| value.str(name).expect("it is there").to_owned();
            former.push((text(&stored, "SequenceNumber"), text(&page, "NextToken")));
            server.done("DeleteStream", r#"{"StreamName":"s"}"#).await;
        }
        server.stop().await;
    });
}

#[test]
fn a_token_of_a_former_streams_consumers_lists_none_of_the_new_ones() {
    run(async {
        let server = start(settings()).await;
        server.done("CreateStream", CREATE).await;
        for name in ["a", "b"] {
            let register = format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"{name}"}}"#);
            server.done("RegisterStreamConsumer", &register).await;
        }
        let first = format!(r#"{{"StreamARN":"{ARN}","MaxResults":1}}"#);
        let page = server.done("ListStreamConsumers", &first).await;
        let token = page.str("NextToken").expect("more");
        let next = format!(r#"{{"StreamARN":"{ARN}","NextToken":"{token}"}}"#);
        let page = server.done("ListStreamConsumers", &next).await;
        assert_eq!(page.list("Consumers").len(), 1);
        let delete = r#"{"StreamName":"s","EnforceConsumerDeletion":true}"#;
        server.done("DeleteStream", delete).await;
        server.done("CreateStream", CREATE).await;
        let (code, _) = refused(&server, "ListStreamConsumers", &next).await;
        assert_eq!(code, "ResourceNotFoundException");
        server.stop().await;
    });
}

#[test]
fn a_stream_or_shard_that_is_missing_is_told_before_what_else_is_wrong() {
    run(async {
        let server = start(settings()).await;
        let key = "340282366920938463463374607431768211456";
        let record = format!(r#""PartitionKey":"k","Data":"","ExplicitHashKey":"{key}""#);
        let ask = r#""ShardIteratorType":"AT_TIMESTAMP""#;
        let latest = r#""ShardIteratorType":"LATEST","StartingSequenceNumber":"5""#;
        let calls = |stream: &str, shard: &str| {
            [
                (
                    "PutRecord",
                    format!(r#"{{"StreamName":"{stream}",{record}}}"#),
                ),
                (
                    "PutRecord",
                    format!(
                        r#"{{"StreamName":"{stream}","PartitionKey":"k","Data":"","SequenceNumberForOrdering":"{}"}}"#,
                        "9".repeat(129)
                    ),
                ),
                (
                    "PutRecords",
                    format!(r#"{{"StreamName":"{stream}","Records":[{{{record}}}]}}"#),
                ),
                (
                    "GetShardIterator",
                    format!(r#"{{"StreamName":"{stream}","ShardId":"{shard}",{ask}}}"#),
                ),
                (
                    "GetShardIterator",
                    format!(r#"{{"StreamName":"{stream}","ShardId":"{shard}",{latest}}}"#),
                ),
            ]
        };
        for (name, body) in calls("s", "0") {
            let (code, _) = refused(&server, name, &body).await;
            assert_eq!(code, "ResourceNotFoundException", "{name}");
        }
        server.done("CreateStream", CREATE).await;
        for (name, body) in calls("s", "0") {
            let (code, _) = refused(&server, name, &body).await;
            assert_eq!(code, "InvalidArgumentException", "{name}");
        }
        for (name, body) in &calls("s", "1")[3..] {
            let (code, text) = refused(&server, name, body).await;
            assert_eq!(code, "ResourceNotFoundException", "{text}");
        }
        server.stop().await;
    });
}

#[test]
fn a_record_without_a_key_is_told_that_it_must_not_be_null() {
    run(async {
        let server = start(settings()).await;
        server.done("CreateStream", CREATE).await;
        for (name, body, path) in [
            (
                "PutRecord",
                r#"{"StreamName":"s","Data":""}"#,
                "partitionKey",
            ),
            (
                "PutRecords",
                r#"{"StreamName":"s","Records":[{"Data":"","PartitionKey":"k"},{"Data":""}]}"#,
                "records.2.member.partitionKey",
            ),
        ] {
            let text = format!(
                "1 validation error detected: Value null at '{path}' failed to satisfy constraint: Member must not be \
                 null"
            );
            let told = refused(&server, name, body).await;
            assert_eq!(told, ("ValidationException".to_owned(), text));
        }
        server.stop().await;
    });
}

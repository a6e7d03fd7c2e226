//! The requests that are timed.

use base64::Engine as _;
use streamgauge::wire::{Codec, Value, encode, operation};

use super::server::Server;

/// One request, sent again and again.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) codec: Codec,
    pub(crate) body: Vec<u8>,
    /// Records that one request carries.
    pub(crate) records: usize,
    /// Whether an answer's body is what it should be.
    pub(crate) is_answered: fn(&[u8]) -> Result<(), String>,
}

/// A stream for writes and one that holds the page for reads.
const SHARDS: usize = 32;
const PAGE: usize = 10_000;
const BATCH: usize = 500;

/// Every case; makes the streams that they use.
pub(crate) fn all(ours: &Server) -> Vec<Case> {
    for (stream, shards) in [("writes", SHARDS), ("reads", 1)] {
        let body = format!(r#"{{"StreamName":"{stream}","ShardCount":{shards}}}"#);
        ours.post(&json("CreateStream", body));
    }
    let mut page = put_records("reads", 100, Codec::Json);
    page.is_answered = |_| Ok(());
    for _ in 0..PAGE / BATCH {
        ours.post(&page);
    }
    let iterator = ours.post(&json(
        "GetShardIterator",
        r#"{"StreamName":"reads","ShardId":"0","ShardIteratorType":"TRIM_HORIZON"}"#.to_owned(),
    ));
    let get = |name, codec| Case {
        name,
        operation: "GetRecords",
        codec,
        body: match codec {
            Codec::Json => iterator.clone(),
            Codec::Cbor => {
                let text: serde_json::Value = serde_json::from_slice(&iterator).expect("JSON");
                let text = text["ShardIterator"]
                    .as_str()
                    .expect("an iterator")
                    .to_owned();
                encode_input(&Value::structure().with("ShardIterator", text))
            }
        },
        records: PAGE,
        is_answered: |answer| {
            let keys = answer.windows(12).filter(|w| w == b"PartitionKey").count();
            (keys == PAGE)
                .then_some(())
                .ok_or(format!("{keys} records"))
        },
    };
    // Reads come first: writes fill the memory, and then the oldest records go.
    vec![
        get("GetRecords 10,000 x 100 B, JSON", Codec::Json),
        get("GetRecords 10,000 x 100 B, CBOR", Codec::Cbor),
        put_record(),
        Case {
            name: "PutRecords 500 x 100 B, JSON",
            ..put_records("writes", 100, Codec::Json)
        },
        Case {
            name: "PutRecords 500 x 1 KiB, JSON",
            ..put_records("writes", 1_024, Codec::Json)
        },
        Case {
            name: "PutRecords 500 x 1 KiB, CBOR",
            ..put_records("writes", 1_024, Codec::Cbor)
        },
    ]
}

fn json(operation: &'static str, body: String) -> Case {
    Case {
        name: operation,
        operation,
        codec: Codec::Json,
        body: body.into_bytes(),
        records: 0,
        is_answered: |_| Ok(()),
    }
}

fn base64_of(bytes: usize, number: usize) -> String {
    base64::engine::general_purpose::STANDARD.encode(vec![number as u8; bytes])
}

fn put_record() -> Case {
    let data = base64_of(100, 7);
    Case {
        name: "PutRecord 100 B, JSON",
        records: 1,
        is_answered: |answer| contains(answer, b"SequenceNumber"),
        ..json(
            "PutRecord",
            format!(r#"{{"StreamName":"writes","Data":"{data}","PartitionKey":"key-1"}}"#),
        )
    }
}

fn put_records(stream: &'static str, bytes: usize, codec: Codec) -> Case {
    let body = match codec {
        Codec::Json => {
            let records: Vec<_> = (0..BATCH)
                .map(|number| {
                    let data = base64_of(bytes, number);
                    format!(r#"{{"Data":"{data}","PartitionKey":"key-{number}"}}"#)
                })
                .collect();
            let records = records.join(",");
            format!(r#"{{"StreamName":"{stream}","Records":[{records}]}}"#).into_bytes()
        }
        Codec::Cbor => {
            let records: Value = (0..BATCH)
                .map(|number| {
                    Value::structure()
                        .with("Data", bytes::Bytes::from(vec![number as u8; bytes]))
                        .with("PartitionKey", format!("key-{number}"))
                })
                .collect();
            let input = Value::structure().with("StreamName", stream);
            encode_input(&input.with("Records", records))
        }
    };
    Case {
        name: "PutRecords",
        operation: "PutRecords",
        codec,
        body,
        records: BATCH,
        is_answered: |answer| contains(answer, b"FailedRecordCount"),
    }
}

fn contains(answer: &[u8], text: &[u8]) -> Result<(), String> {
    let found = answer.windows(text.len()).any(|window| window == text);
    found
        .then_some(())
        .ok_or_else(|| String::from_utf8_lossy(answer).into_owned())
}

/// The library writes answers only; the shape of any operation serves, since members are written as they stand.
fn encode_input(input: &Value) -> Vec<u8> {
    encode(
        Codec::Cbor,
        operation("PutRecords").expect("in the table"),
        input,
    )
    .to_vec()
}

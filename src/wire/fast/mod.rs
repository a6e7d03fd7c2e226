//! Puts and reads without a tree: records go from the body straight into the batch.
//!
//! Invariant: what is taken here is what the slow path would have made of it. Whatever is unusual (unknown members, wrong
//! types, values out of bounds, members given twice) gives `None`, and the slow path finds the exact words for it.
//!
//! [`request`] and [`reply`] are the client's half: requests written straight from a batch, answers read without a tree.
//! There is no slow path behind [`reply`]; it takes every answer that the service's shapes allow, and ignores what else
//! an engine adds.

mod cbor;
mod json;
pub mod reply;
pub mod request;

use super::codec::Codec;
use super::pattern::Pattern;
use crate::kinesis::{HashKey, PutBatch};

/// What a put says beside its records. At most 500 of them; neither name nor ARN given is the server's to refuse.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PutHead {
    /// StreamName: valid.
    pub stream_name: Option<String>,
    /// StreamARN: valid.
    pub stream_arn: Option<String>,
    /// DryRun: false if absent.
    pub dry_run: bool,
}

/// The most records of a PutRecords call (service model).
const RECORDS_MAX: usize = 500;
/// The most bytes of a record's data (service model).
const DATA_BYTES_MAX: usize = 10_485_760;
/// The most characters of a partition key (service model).
const KEY_CHARS_MAX: usize = 256;
/// The most characters of an ARN and of an iterator (service model).
const ARN_CHARS_MAX: usize = 2_048;
const ITERATOR_CHARS_MAX: usize = 512;
const NAME_CHARS_MAX: usize = 128;

/// Reads PutRecords into `batch`, which is emptied first. With `None` the batch holds nothing to be used.
pub fn put_records_fast(codec: Codec, body: &[u8], batch: &mut PutBatch) -> Option<PutHead> {
    let head = read(codec, body, Put::Many, batch)?;
    (1..=RECORDS_MAX).contains(&batch.len()).then_some(head)
}

/// Reads PutRecord into `batch`, which is emptied first. `None` also if SequenceNumberForOrdering or DryRun is given.
pub fn put_record_fast(codec: Codec, body: &[u8], batch: &mut PutBatch) -> Option<PutHead> {
    let head = read(codec, body, Put::One, batch)?;
    (batch.len() == 1).then_some(head)
}

/// Reads GetRecords: the iterator and the limit. `None` also if anything else is given.
pub fn get_records_fast(codec: Codec, body: &[u8]) -> Option<(String, Option<u32>)> {
    let (iterator, limit) = match codec {
        Codec::Json => json::read_get(body),
        Codec::Cbor => cbor::read_get(body),
    }?;
    let limit_holds = limit.is_none_or(|limit| (1..=10_000).contains(&limit));
    let length_holds = (1..=ITERATOR_CHARS_MAX).contains(&iterator.chars().count());
    (limit_holds && length_holds).then_some((iterator, limit))
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Put {
    One,
    Many,
}

fn read(codec: Codec, body: &[u8], put: Put, batch: &mut PutBatch) -> Option<PutHead> {
    batch.clear();
    // A batch counts its bytes in 32 bits.
    u32::try_from(body.len()).ok()?;
    let head = match codec {
        Codec::Json => json::read_put(body, put, batch),
        Codec::Cbor => cbor::read_put(body, put, batch),
    }?;
    let arn_holds = head
        .stream_arn
        .as_deref()
        .is_none_or(|arn| arn.chars().count() <= ARN_CHARS_MAX && Pattern::StreamArn.matches(arn));
    let name_holds = head
        .stream_name
        .as_deref()
        .is_none_or(|name| name.len() <= NAME_CHARS_MAX && Pattern::Name.matches(name));
    (arn_holds && name_holds).then_some(head)
}

fn key_holds(key: &str) -> bool {
    !key.is_empty() && (key.len() <= KEY_CHARS_MAX || key.chars().count() <= KEY_CHARS_MAX)
}

fn hash_key(text: &str) -> Option<HashKey> {
    if !Pattern::HashKey.matches(text) {
        return None;
    }
    // 39 digits may still be above 2^128 - 1.
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Shape;

    /// The shape of a member of an operation's input.
    fn bounds_of(operation: &str, path: &[&str]) -> Shape {
        let mut shape = *crate::wire::operation(operation)
            .expect("in the table")
            .input;
        for name in path {
            if let Shape::List { member, .. } = shape {
                shape = *member;
            }
            let member = shape.members().iter().find(|member| member.name == *name);
            shape = *member.expect("in the table").shape;
        }
        shape
    }

    #[test]
    fn bounds_are_those_of_the_table() {
        let records = bounds_of("PutRecords", &["Records"]);
        assert!(matches!(
            records,
            Shape::List {
                min: 1,
                max: RECORDS_MAX,
                ..
            }
        ));
        let data = bounds_of("PutRecords", &["Records", "Data"]);
        assert!(matches!(
            data,
            Shape::Blob {
                max: DATA_BYTES_MAX
            }
        ));
        let key = bounds_of("PutRecords", &["Records", "PartitionKey"]);
        assert!(matches!(
            key,
            Shape::String {
                min: 1,
                max: KEY_CHARS_MAX,
                ..
            }
        ));
        let arn = bounds_of("PutRecords", &["StreamARN"]);
        assert!(matches!(
            arn,
            Shape::String {
                min: 1,
                max: ARN_CHARS_MAX,
                ..
            }
        ));
        let name = bounds_of("PutRecord", &["StreamName"]);
        assert!(matches!(
            name,
            Shape::String {
                min: 1,
                max: NAME_CHARS_MAX,
                ..
            }
        ));
        let iterator = bounds_of("GetRecords", &["ShardIterator"]);
        assert!(matches!(
            iterator,
            Shape::String {
                min: 1,
                max: ITERATOR_CHARS_MAX,
                ..
            }
        ));
        let limit = bounds_of("GetRecords", &["Limit"]);
        assert!(matches!(
            limit,
            Shape::Integer {
                min: 1,
                max: 10_000
            }
        ));
    }

    #[test]
    fn what_is_unusual_is_left_to_the_slow_path() {
        let mut batch = PutBatch::new();
        let mut taken = |body: &str| put_records_fast(Codec::Json, body.as_bytes(), &mut batch);
        assert!(
            taken(r#"{"StreamName":"s","Records":[{"Data":"YQ==","PartitionKey":"k"}]}"#).is_some()
        );
        for body in [
            "",
            "[]",
            r#"{"StreamName":"s","Records":[]}"#,
            r#"{"StreamName":"s"}"#,
            r#"{"StreamName":"s","Records":[{"Data":"YQ=","PartitionKey":"k"}]}"#,
            r#"{"StreamName":"s","Records":[{"Data":"YQ==","PartitionKey":""}]}"#,
            r#"{"StreamName":"s","Records":[{"Data":"YQ=="}]}"#,
            r#"{"StreamName":"s","Records":[{"PartitionKey":"k"}]}"#,
            r#"{"StreamName":"s","Records":[{"Data":7,"PartitionKey":"k"}]}"#,
            r#"{"StreamName":"s","Records":[{"Data":"YQ==","PartitionKey":"k","ExplicitHashKey":"340282366920938463463374607431768211456"}]}"#,
            r#"{"StreamName":"s","StreamName":"t","Records":[{"Data":"YQ==","PartitionKey":"k"}]}"#,
            r#"{"StreamName":"s","Unknown":1,"Records":[{"Data":"YQ==","PartitionKey":"k"}]}"#,
            r#"{"StreamName":"s","Records":[{"Data":"YQ==","PartitionKey":"k"}]} x"#,
            r#"{"StreamName":"a b","Records":[{"Data":"YQ==","PartitionKey":"k"}]}"#,
        ] {
            assert_eq!(taken(body), None, "{body}");
        }
        let ordered =
            r#"{"StreamName":"s","Data":"","PartitionKey":"k","SequenceNumberForOrdering":"1"}"#;
        assert_eq!(
            put_record_fast(Codec::Json, ordered.as_bytes(), &mut batch),
            None
        );
        assert_eq!(
            get_records_fast(Codec::Json, br#"{"ShardIterator":"x","Limit":0}"#),
            None
        );
        let plain = br#"{"ShardIterator":"x","Limit":10}"#;
        assert_eq!(
            get_records_fast(Codec::Json, plain),
            Some(("x".to_owned(), Some(10)))
        );
    }
}

//! The answers of puts and reads, written straight from what the engine gives. A general serializer takes eight times
//! as long for these.

use super::codec::Codec;
use super::digits::Digits;
use super::{blob, cbor, json};
use crate::kinesis::RecordBatch;
use crate::kinesis::operation::{
    ChildShard, Encrypted, EncryptionType, PutResult, RecordPage, Stored,
};

/// What a record's members cost beside its key and data, at most.
const RECORD_BYTES: usize = 192;

/// Appends PutRecord's answer.
pub fn encode_put_record(codec: Codec, stored: &Stored, out: &mut Vec<u8>) {
    write_stored(codec, stored, &mut Digits::default(), out);
}

/// Appends PutRecords' answer. `stream` and `account` stand in the texts of refused entries.
pub fn encode_put_records(
    codec: Codec,
    results: &[PutResult],
    stream: &str,
    account: &str,
    out: &mut Vec<u8>,
) {
    out.reserve(results.len() * 128);
    let failed = results.iter().filter(|result| result.is_err()).count() as u64;
    let mut digits = Digits::default();
    match codec {
        Codec::Json => {
            out.extend_from_slice(b"{\"FailedRecordCount\":");
            write_number(out, failed);
            out.extend_from_slice(b",\"Records\":[");
        }
        Codec::Cbor => {
            cbor::write_head(out, cbor::MAP, 2);
            cbor::write_string(out, "FailedRecordCount");
            cbor::write_head(out, cbor::UNSIGNED, failed);
            cbor::write_string(out, "Records");
            cbor::write_head(out, cbor::ARRAY, results.len() as u64);
        }
    }
    for (index, result) in results.iter().enumerate() {
        if index > 0 && codec == Codec::Json {
            out.push(b',');
        }
        match result {
            Ok(stored) => write_stored(codec, stored, &mut digits, out),
            Err(error) => {
                let message = error.message(stream, account);
                let members = [
                    ("ErrorCode", error.code.as_str()),
                    ("ErrorMessage", message.as_str()),
                ];
                write_texts(codec, &members, out);
            }
        }
    }
    if codec == Codec::Json {
        out.extend_from_slice(b"]}");
    }
}

/// Appends GetRecords' answer.
pub fn encode_get_records(codec: Codec, page: &RecordPage, out: &mut Vec<u8>) {
    let children = !page.child_shards.is_empty();
    match codec {
        Codec::Json => {
            out.extend_from_slice(b"{\"Records\":");
            write_records(codec, &page.records, &page.encrypted, out);
            if let Some(next) = &page.next_iterator {
                out.extend_from_slice(b",\"NextShardIterator\":");
                json::write_string(out, next);
            }
            out.extend_from_slice(b",\"MillisBehindLatest\":");
            write_number(out, page.millis_behind_latest);
            if children {
                out.extend_from_slice(b",\"ChildShards\":");
                write_child_shards(codec, &page.child_shards, out);
            }
            out.push(b'}');
        }
        Codec::Cbor => {
            let members = 2 + u64::from(page.next_iterator.is_some()) + u64::from(children);
            cbor::write_head(out, cbor::MAP, members);
            cbor::write_string(out, "Records");
            write_records(codec, &page.records, &page.encrypted, out);
            if let Some(next) = &page.next_iterator {
                cbor::write_string(out, "NextShardIterator");
                cbor::write_string(out, next);
            }
            cbor::write_string(out, "MillisBehindLatest");
            cbor::write_head(out, cbor::UNSIGNED, page.millis_behind_latest);
            if children {
                cbor::write_string(out, "ChildShards");
                write_child_shards(codec, &page.child_shards, out);
            }
        }
    }
}

/// Appends a list of records. Unencrypted records carry no EncryptionType, and those put without a key no PartitionKey:
/// an empty one cannot be given.
pub(super) fn write_records(
    codec: Codec,
    records: &RecordBatch,
    encrypted: &Encrypted,
    out: &mut Vec<u8>,
) {
    let mut digits = Digits::default();
    match codec {
        Codec::Json => {
            out.push(b'[');
            for (index, record) in records.iter().enumerate() {
                let data = record.data.len().div_ceil(3) * 4;
                out.reserve(RECORD_BYTES + record.partition_key.len() + data);
                if index > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(b"{\"SequenceNumber\":\"");
                out.extend_from_slice(digits.of(record.sequence_number).as_bytes());
                out.extend_from_slice(b"\",\"ApproximateArrivalTimestamp\":");
                json::write_timestamp(out, record.arrival);
                out.extend_from_slice(b",\"Data\":\"");
                blob::encode_into(record.data, out);
                out.push(b'"');
                if !record.partition_key.is_empty() {
                    out.extend_from_slice(b",\"PartitionKey\":");
                    json::write_string(out, record.partition_key);
                }
                if encrypted.holds(index) {
                    out.extend_from_slice(b",\"EncryptionType\":");
                    json::write_string(out, EncryptionType::Kms.as_str());
                }
                out.push(b'}');
            }
            out.push(b']');
        }
        Codec::Cbor => {
            cbor::write_head(out, cbor::ARRAY, records.len() as u64);
            for (index, record) in records.iter().enumerate() {
                let (keyed, encrypted) = (!record.partition_key.is_empty(), encrypted.holds(index));
                out.reserve(RECORD_BYTES + record.partition_key.len() + record.data.len());
                cbor::write_head(out, cbor::MAP, 3 + u64::from(keyed) + u64::from(encrypted));
                cbor::write_string(out, "SequenceNumber");
                cbor::write_string(out, digits.of(record.sequence_number));
                cbor::write_string(out, "ApproximateArrivalTimestamp");
                cbor::write_timestamp(out, record.arrival);
                cbor::write_string(out, "Data");
                cbor::write_bytes(out, record.data);
                if keyed {
                    cbor::write_string(out, "PartitionKey");
                    cbor::write_string(out, record.partition_key);
                }
                if encrypted {
                    cbor::write_string(out, "EncryptionType");
                    cbor::write_string(out, EncryptionType::Kms.as_str());
                }
            }
        }
    }
}

/// Appends a list of the shards that continue a closed one.
pub(super) fn write_child_shards(codec: Codec, children: &[ChildShard], out: &mut Vec<u8>) {
    use super::value::Value;
    let children: Value = children
        .iter()
        .map(|child| {
            let parents: Value = child
                .parents
                .iter()
                .map(|parent| Value::from(parent.to_string()))
                .collect();
            let range = Value::structure()
                .with("StartingHashKey", child.hash_key_range.start.to_string())
                .with("EndingHashKey", child.hash_key_range.end.to_string());
            Value::structure()
                .with("ShardId", child.shard.to_string())
                .with("ParentShards", parents)
                .with("HashKeyRange", range)
        })
        .collect();
    match codec {
        Codec::Json => json::write(out, &children),
        Codec::Cbor => cbor::write(out, &children),
    }
}

fn write_stored(codec: Codec, stored: &Stored, digits: &mut Digits, out: &mut Vec<u8>) {
    // `shardId-` and twelve digits, which a shard's number never exceeds.
    let mut shard = *b"shardId-000000000000";
    let mut buffer = itoa::Buffer::new();
    let number = buffer.format(stored.shard.number()).as_bytes();
    let start = shard.len() - number.len();
    shard[start..].copy_from_slice(number);
    let sequence_number = digits.of(stored.sequence_number);
    match codec {
        Codec::Json => {
            // Digits and a shard's id need no escapes.
            out.extend_from_slice(b"{\"SequenceNumber\":\"");
            out.extend_from_slice(sequence_number.as_bytes());
            out.extend_from_slice(b"\",\"ShardId\":\"");
            out.extend_from_slice(&shard);
            out.extend_from_slice(b"\"}");
        }
        Codec::Cbor => {
            let shard = std::str::from_utf8(&shard).unwrap_or_default();
            let members = [("SequenceNumber", sequence_number), ("ShardId", shard)];
            write_texts(codec, &members, out);
        }
    }
}

fn write_texts(codec: Codec, members: &[(&str, &str); 2], out: &mut Vec<u8>) {
    match codec {
        Codec::Json => {
            for (index, (name, text)) in members.iter().enumerate() {
                out.extend_from_slice(if index == 0 { b"{\"" } else { b",\"" });
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(b"\":");
                json::write_string(out, text);
            }
            out.push(b'}');
        }
        Codec::Cbor => {
            cbor::write_head(out, cbor::MAP, 2);
            for (name, text) in members {
                cbor::write_string(out, name);
                cbor::write_string(out, text);
            }
        }
    }
}

fn write_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::kinesis::error::EntryError;
    use crate::kinesis::record::OwnedRecord;
    use crate::kinesis::{Cause, ErrorCode, HashKeyRange, SequenceNumber, ShardId};
    use crate::wire::{Value, decode_output, encode, operation};
    use bytes::Bytes;
    use proptest::prelude::*;

    const CODECS: [Codec; 2] = [Codec::Json, Codec::Cbor];

    fn number(text: &str) -> SequenceNumber {
        text.parse().unwrap()
    }

    #[test]
    fn a_stored_record_is_answered_with_shard_and_sequence_number() {
        let stored = Stored {
            shard: ShardId::new(2_147_483_647).unwrap(),
            sequence_number: number("4965"),
        };
        let mut out = Vec::new();
        encode_put_record(Codec::Json, &stored, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"SequenceNumber":"4965","ShardId":"shardId-002147483647"}"#
        );
        for codec in CODECS {
            let mut out = Vec::new();
            encode_put_record(codec, &stored, &mut out);
            let expected = Value::structure()
                .with("SequenceNumber", "4965")
                .with("ShardId", stored.shard.to_string());
            assert_eq!(
                decode_output(codec, operation("PutRecord").unwrap(), &out),
                Ok(expected)
            );
        }
    }

    #[test]
    fn failed_entries_hold_only_code_and_message_and_are_counted() {
        let shard = ShardId::new(7).unwrap();
        let results = [
            Ok(Stored {
                shard,
                sequence_number: number("1"),
            }),
            Err(EntryError {
                code: ErrorCode::ProvisionedThroughputExceeded,
                cause: Some(Cause::WriteBytes),
                shard: Some(shard),
            }),
        ];
        let mut out = Vec::new();
        encode_put_records(Codec::Json, &results, "orders", "123456789012", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            concat!(
                r#"{"FailedRecordCount":1,"Records":[{"SequenceNumber":"1","ShardId":"shardId-000000000007"},"#,
                r#"{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"#,
                r#""Rate exceeded for shard shardId-000000000007 in stream orders under account 123456789012."}]}"#
            )
        );
        let [json, cbor] = CODECS.map(|codec| {
            let mut out = Vec::new();
            encode_put_records(codec, &results, "orders", "123456789012", &mut out);
            decode_output(codec, operation("PutRecords").unwrap(), &out).unwrap()
        });
        assert_eq!(json, cbor);
    }

    #[test]
    fn a_count_of_no_failures_is_sent() {
        let mut out = Vec::new();
        encode_put_records(Codec::Json, &[], "s", "a", &mut out);
        assert_eq!(out, br#"{"FailedRecordCount":0,"Records":[]}"#);
    }

    #[test]
    fn at_a_shards_end_the_iterator_is_absent_and_children_are_there() {
        let page = RecordPage {
            child_shards: vec![ChildShard {
                shard: ShardId::new(1).unwrap(),
                parents: vec![ShardId::new(0).unwrap()],
                hash_key_range: HashKeyRange::FULL,
            }],
            ..RecordPage::default()
        };
        let mut out = Vec::new();
        encode_get_records(Codec::Json, &page, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            concat!(
                r#"{"Records":[],"MillisBehindLatest":0,"ChildShards":[{"ShardId":"shardId-000000000001","#,
                r#""ParentShards":["shardId-000000000000"],"HashKeyRange":{"StartingHashKey":"0","#,
                r#""EndingHashKey":"340282366920938463463374607431768211455"}}]}"#
            )
        );
    }

    proptest! {
        #[test]
        fn pages_are_written_as_the_slow_path_writes_them(
            records in proptest::collection::vec(
                (any::<[u8; 24]>(), 0..1u64 << 41, "\\PC{0,9}|[\\x00-\\x7f]{1,5}",
                    proptest::collection::vec(any::<u8>(), 0..80)),
                0..6,
            ),
            next in proptest::option::of("[a-zA-Z0-9/+=]{1,20}"),
            behind in 0..1u64 << 40,
            encrypted in proptest::collection::vec(any::<bool>(), 6),
        ) {
            let records: Vec<_> = records.into_iter().map(|(number, millis, key, data)| OwnedRecord {
                sequence_number: SequenceNumber::from_be_bytes(number),
                arrival: Timestamp::from_millis(millis),
                partition_key: key.into(),
                data: Bytes::from(data),
            }).collect();
            let list: Value = records.iter().zip(&encrypted).map(|(record, encrypted)| {
                let key = Some(&*record.partition_key).filter(|key| !key.is_empty());
                Value::structure()
                    .with("SequenceNumber", record.sequence_number.to_string())
                    .with("ApproximateArrivalTimestamp", record.arrival)
                    .with("Data", record.data.clone())
                    .with_some("PartitionKey", key)
                    .with_some("EncryptionType", encrypted.then_some("KMS"))
            }).collect();
            let slow = Value::structure()
                .with("Records", list)
                .with_some("NextShardIterator", next.clone())
                .with("MillisBehindLatest", behind);
            let page = RecordPage {
                encrypted: Encrypted(
                    (0..records.len()).filter(|&index| encrypted[index]).map(|index| index..index + 1).collect(),
                ),
                records: RecordBatch::Owned(records),
                next_iterator: next,
                millis_behind_latest: behind,
                ..RecordPage::default()
            };
            for codec in CODECS {
                let mut out = Vec::new();
                encode_get_records(codec, &page, &mut out);
                prop_assert_eq!(&out, &encode(codec, operation("GetRecords").unwrap(), &slow));
            }
        }
    }
}

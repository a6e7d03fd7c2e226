//! Requests as a client writes them: puts straight from the batch, reads from their few members.

use crate::kinesis::operation::{IteratorPosition, PutApi};
use crate::kinesis::{PutBatch, record::PutEntry};
use crate::wire::codec::{Codec, encode_value};
use crate::wire::value::Value;
use crate::wire::{blob, cbor, json};

/// What a record's members cost beside its key and data, at most: names, quotes and 39 digits of a hash key.
const RECORD_BYTES: usize = 112;

/// The body of PutRecords, or of PutRecord with the batch's first record.
///
/// # Panics
/// When PutRecord is to be written of an empty batch.
pub fn write_put(codec: Codec, api: PutApi, stream: &str, batch: &PutBatch) -> Vec<u8> {
    match api {
        PutApi::PutRecord => write_one(codec, stream, &batch.entry(0)),
        PutApi::PutRecords => write_many(codec, stream, batch),
    }
}

fn write_one(codec: Codec, stream: &str, entry: &PutEntry<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + stream.len() + room(codec, entry));
    match codec {
        Codec::Json => {
            out.extend_from_slice(b"{\"StreamName\":");
            json::write_string(&mut out, stream);
            out.push(b',');
            write_json_members(entry, &mut out);
            out.push(b'}');
        }
        Codec::Cbor => {
            cbor::write_head(&mut out, cbor::MAP, 1 + members_of(entry));
            cbor::write_string(&mut out, "StreamName");
            cbor::write_string(&mut out, stream);
            write_cbor_members(entry, &mut out);
        }
    }
    out
}

fn write_many(codec: Codec, stream: &str, batch: &PutBatch) -> Vec<u8> {
    let records: usize = batch.iter().map(|entry| room(codec, &entry)).sum();
    let mut out = Vec::with_capacity(128 + stream.len() + records);
    match codec {
        Codec::Json => {
            out.extend_from_slice(b"{\"StreamName\":");
            json::write_string(&mut out, stream);
            out.extend_from_slice(b",\"Records\":[");
            for (index, entry) in batch.iter().enumerate() {
                out.extend_from_slice(if index == 0 { b"{" } else { b",{" });
                write_json_members(&entry, &mut out);
                out.push(b'}');
            }
            out.extend_from_slice(b"]}");
        }
        Codec::Cbor => {
            cbor::write_head(&mut out, cbor::MAP, 2);
            cbor::write_string(&mut out, "StreamName");
            cbor::write_string(&mut out, stream);
            cbor::write_string(&mut out, "Records");
            cbor::write_head(&mut out, cbor::ARRAY, batch.len() as u64);
            for entry in batch.iter() {
                cbor::write_head(&mut out, cbor::MAP, members_of(&entry));
                write_cbor_members(&entry, &mut out);
            }
        }
    }
    out
}

/// What an entry takes at most, unless its key needs escapes.
const fn room(codec: Codec, entry: &PutEntry<'_>) -> usize {
    let data = match codec {
        Codec::Json => entry.data.len().div_ceil(3) * 4,
        Codec::Cbor => entry.data.len(),
    };
    RECORD_BYTES + entry.partition_key.len() + data
}

const fn members_of(entry: &PutEntry<'_>) -> u64 {
    if entry.explicit_hash_key.is_some() {
        3
    } else {
        2
    }
}

fn write_json_members(entry: &PutEntry<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"Data\":\"");
    blob::encode_into(entry.data, out);
    out.extend_from_slice(b"\",\"PartitionKey\":");
    json::write_string(out, entry.partition_key);
    if let Some(key) = entry.explicit_hash_key {
        out.extend_from_slice(b",\"ExplicitHashKey\":\"");
        out.extend_from_slice(key.to_string().as_bytes());
        out.push(b'"');
    }
}

fn write_cbor_members(entry: &PutEntry<'_>, out: &mut Vec<u8>) {
    cbor::write_string(out, "Data");
    cbor::write_bytes(out, entry.data);
    cbor::write_string(out, "PartitionKey");
    cbor::write_string(out, entry.partition_key);
    if let Some(key) = entry.explicit_hash_key {
        cbor::write_string(out, "ExplicitHashKey");
        cbor::write_string(out, &key.to_string());
    }
}

/// The body of GetRecords.
pub fn write_get_records(codec: Codec, iterator: &str, limit: Option<u32>) -> Vec<u8> {
    let request = Value::structure().with("ShardIterator", iterator);
    let request = request.with_some("Limit", limit);
    encode_value(codec, &request).into()
}

/// The body of GetShardIterator; times go to the millisecond, as the service keeps them.
pub fn write_get_shard_iterator(
    codec: Codec,
    stream: &str,
    shard: &str,
    position: IteratorPosition,
) -> Vec<u8> {
    let (kind, number, time) = match position {
        IteratorPosition::TrimHorizon => ("TRIM_HORIZON", None, None),
        IteratorPosition::Latest => ("LATEST", None, None),
        IteratorPosition::AtSequenceNumber(number) => ("AT_SEQUENCE_NUMBER", Some(number), None),
        IteratorPosition::AfterSequenceNumber(number) => {
            ("AFTER_SEQUENCE_NUMBER", Some(number), None)
        }
        IteratorPosition::AtTimestamp(time) => ("AT_TIMESTAMP", None, Some(time)),
    };
    let request = Value::structure()
        .with("StreamName", stream)
        .with("ShardId", shard)
        .with("ShardIteratorType", kind)
        .with_some(
            "StartingSequenceNumber",
            number.map(|number| number.to_string()),
        )
        .with_some("Timestamp", time);
    encode_value(codec, &request).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kinesis::HashKey;
    use crate::wire::{
        decode, get_records_fast, operation, put_record_fast, put_records_fast, validate,
    };

    type Parts = (String, Vec<u8>, Option<u128>);

    fn batch_of(records: &[Parts]) -> PutBatch {
        let mut batch = PutBatch::new();
        for (key, data, explicit) in records {
            batch.push(PutEntry {
                partition_key: key,
                data,
                explicit_hash_key: explicit.map(|key| key.to_string().parse::<HashKey>().unwrap()),
            });
        }
        batch
    }

    fn parts(batch: &PutBatch) -> Vec<(String, Vec<u8>, Option<String>)> {
        let part = |entry: PutEntry<'_>| {
            (
                entry.partition_key.to_owned(),
                entry.data.to_vec(),
                entry.explicit_hash_key.map(|key| key.to_string()),
            )
        };
        batch.iter().map(part).collect()
    }

    proptest! {
        #[test]
        fn what_is_written_of_a_batch_is_read_as_that_batch(
            records in proptest::collection::vec(
                ("\\PC{1,20}", proptest::collection::vec(any::<u8>(), 0..80), any::<Option<u128>>()),
                1..8,
            ),
        ) {
            let batch = batch_of(&records);
            for codec in [Codec::Json, Codec::Cbor] {
                let mut read = PutBatch::new();
                let body = write_put(codec, PutApi::PutRecords, "a.b", &batch);
                let head = put_records_fast(codec, &body, &mut read).unwrap();
                prop_assert_eq!(head.stream_name.as_deref(), Some("a.b"));
                prop_assert_eq!(parts(&read), parts(&batch));
                let body = write_put(codec, PutApi::PutRecord, "a.b", &batch);
                put_record_fast(codec, &body, &mut read).unwrap();
                prop_assert_eq!(parts(&read), &parts(&batch)[..1]);
            }
        }
    }

    #[test]
    fn reads_are_valid_requests_in_both_codecs() {
        for codec in [Codec::Json, Codec::Cbor] {
            let body = write_get_records(codec, "it", Some(7));
            assert_eq!(
                get_records_fast(codec, &body),
                Some(("it".to_owned(), Some(7)))
            );
            let body = write_get_records(codec, "it", None);
            assert_eq!(
                get_records_fast(codec, &body),
                Some(("it".to_owned(), None))
            );
            let operation = operation("GetShardIterator").unwrap();
            for (position, kind) in [
                (IteratorPosition::TrimHorizon, "TRIM_HORIZON"),
                (
                    IteratorPosition::AfterSequenceNumber("77".parse().unwrap()),
                    "AFTER_SEQUENCE_NUMBER",
                ),
                (
                    IteratorPosition::AtTimestamp(crate::base::Timestamp::from_millis(1_234)),
                    "AT_TIMESTAMP",
                ),
            ] {
                let shard = "shardId-000000000000";
                let body = write_get_shard_iterator(codec, "s", shard, position);
                let request = decode(codec, operation, &body).unwrap();
                assert_eq!(validate(operation, &request), Ok(()));
                assert_eq!(request.str("ShardIteratorType"), Some(kind));
            }
        }
    }
}

//! Answers as a client reads them: text is borrowed from the body, members that nobody asked for are skipped, `null` is
//! absent. `None` where a body is no such answer.

mod cbor;
mod json;

use std::ops::Range;

use bytes::Bytes;

use crate::base::Timestamp;
use crate::kinesis::SequenceNumber;
use crate::wire::codec::Codec;

/// One record's result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(missing_docs, reason = "the service's own names")]
pub struct PutReply<'a> {
    pub shard_id: Option<&'a str>,
    pub sequence_number: Option<&'a str>,
    pub error_code: Option<&'a str>,
    pub error_message: Option<&'a str>,
}

/// GetRecords' answer.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PageReply {
    /// Records, in their order.
    pub records: Vec<RecordReply>,
    /// What the records' data are ranges of.
    pub data: Bytes,
    /// NextShardIterator.
    pub next_iterator: Option<String>,
    /// MillisBehindLatest.
    pub millis_behind_latest: Option<i64>,
    /// ChildShards.
    pub children: Vec<ChildReply>,
}

/// One record that was read.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordReply {
    /// Its sequence number; the text where it is none.
    pub sequence_number: Result<SequenceNumber, String>,
    /// ApproximateArrivalTimestamp, to the microsecond.
    pub arrival: Option<Timestamp>,
    /// Its partition key; empty where there is none.
    pub partition_key: Box<str>,
    /// Where its data are in [`PageReply::data`].
    pub data: Range<usize>,
}

/// A shard that continues a closed one, in the service's words.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(missing_docs, reason = "the service's own names")]
pub struct ChildReply {
    pub shard_id: String,
    pub parent_shards: Vec<String>,
    pub hash_key_range: Option<RangeReply>,
}

/// A range of hash keys, in the service's words.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(missing_docs, reason = "the service's own names")]
pub struct RangeReply {
    pub starting_hash_key: String,
    pub ending_hash_key: String,
}

/// The code and the text of an error's body, each where there is one. The code goes without a namespace and without
/// what follows a colon, as AWS's protocols say.
pub fn read_error(codec: Codec, body: &[u8]) -> Option<(Option<String>, Option<String>)> {
    let (code, message) = match codec {
        Codec::Json => json::read_error(body),
        Codec::Cbor => cbor::read_error(body),
    }?;
    Some((code.map(|code| bare_code(&code).to_owned()), message))
}

/// An error's code without what some engines and header fields put around it.
pub fn bare_code(code: &str) -> &str {
    let code = code.rsplit_once('#').map_or(code, |(_, code)| code);
    code.split_once(':').map_or(code, |(code, _)| code).trim()
}

/// Reads PutRecord's answer.
pub fn read_put_record(codec: Codec, body: &[u8], take: impl FnOnce(PutReply<'_>)) -> Option<()> {
    match codec {
        Codec::Json => json::read_put_record(body, take),
        Codec::Cbor => cbor::read_put_record(body, take),
    }
}

/// PutRecords' answer beside its results.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PutsReply {
    /// FailedRecordCount.
    pub failed: Option<i64>,
}

/// Reads PutRecords' answer: gives every result to `take`, in their order.
pub fn read_put_records(
    codec: Codec,
    body: &[u8],
    mut take: impl FnMut(PutReply<'_>),
) -> Option<PutsReply> {
    match codec {
        Codec::Json => json::read_put_records(body, &mut take),
        Codec::Cbor => cbor::read_put_records(body, &mut take),
    }
}

/// Reads GetShardIterator's answer; `None` also when it holds no iterator.
pub fn read_iterator(codec: Codec, body: &[u8]) -> Option<String> {
    match codec {
        Codec::Json => json::read_iterator(body),
        Codec::Cbor => cbor::read_iterator(body),
    }
}

/// Reads GetRecords' answer.
pub fn read_page(codec: Codec, body: &Bytes) -> Option<PageReply> {
    match codec {
        Codec::Json => json::read_page(body),
        Codec::Cbor => cbor::read_page(body),
    }
}

fn number(text: &str) -> Result<SequenceNumber, String> {
    text.parse().map_err(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::ErrorCode;
    use crate::kinesis::error::EntryError;
    use crate::kinesis::operation::{ChildShard, Encrypted, RecordPage, Stored};
    use crate::kinesis::record::OwnedRecord;
    use crate::kinesis::{HashKeyRange, RecordBatch, ShardId};
    use crate::wire::{
        WireError, encode_error, encode_get_records, encode_put_record, encode_put_records,
    };

    const BOTH: [Codec; 2] = [Codec::Json, Codec::Cbor];

    fn stored(shard: u32, number: &str) -> Stored {
        Stored {
            shard: ShardId::new(shard).unwrap(),
            sequence_number: number.parse().unwrap(),
        }
    }

    #[test]
    fn results_of_puts_are_read_as_the_server_writes_them() {
        let number = "49590338271490256608559692538361571095921575989136588898";
        let results = [
            Ok(stored(3, number)),
            Err(EntryError {
                code: ErrorCode::ProvisionedThroughputExceeded,
                cause: None,
                shard: ShardId::new(1),
            }),
        ];
        for codec in BOTH {
            let mut body = Vec::new();
            encode_put_records(codec, &results, "orders", "000000000000", &mut body);
            let mut read = Vec::new();
            let failed = read_put_records(codec, &body, |reply| {
                read.push((
                    reply.shard_id.map(str::to_owned),
                    reply.sequence_number.map(str::to_owned),
                    reply.error_code.map(str::to_owned),
                    reply.error_message.is_some(),
                ));
            });
            assert_eq!(failed, Some(PutsReply { failed: Some(1) }));
            let shard = Some("shardId-000000000003".to_owned());
            let code = Some("ProvisionedThroughputExceededException".to_owned());
            assert_eq!(
                read,
                [
                    (shard, Some(number.to_owned()), None, false),
                    (None, None, code, true)
                ]
            );
            body.clear();
            encode_put_record(codec, &stored(3, number), &mut body);
            let mut one = None;
            read_put_record(codec, &body, |reply| {
                one = reply.sequence_number.map(str::to_owned);
            });
            assert_eq!(one.as_deref(), Some(number));
        }
    }

    #[test]
    fn pages_are_read_as_the_server_writes_them() {
        let record = |number: &str, key: &str, data: &'static [u8]| OwnedRecord {
            sequence_number: number.parse().unwrap(),
            arrival: Timestamp::from_millis(1_700_000_000_123),
            partition_key: key.into(),
            data: Bytes::from_static(data),
        };
        let page = RecordPage {
            // The last was put without a key and has no such member; the second says that it is encrypted.
            records: RecordBatch::Owned(vec![
                record("7", "a\"b", b"one"),
                record("8", "k", b""),
                record("9", "", b"two"),
            ]),
            encrypted: Encrypted(std::iter::once(1..2).collect()),
            next_iterator: Some("next".to_owned()),
            millis_behind_latest: 17,
            child_shards: vec![ChildShard {
                shard: ShardId::new(2).unwrap(),
                parents: vec![ShardId::new(0).unwrap(), ShardId::new(1).unwrap()],
                hash_key_range: HashKeyRange::initial(1)[0],
            }],
            ..RecordPage::default()
        };
        for codec in BOTH {
            let mut body = Vec::new();
            encode_get_records(codec, &page, &mut body);
            let read = read_page(codec, &body.into()).unwrap();
            let told: Vec<_> = read
                .records
                .iter()
                .map(|record| {
                    (
                        record.sequence_number.clone().unwrap().to_string(),
                        record.arrival,
                        &*record.partition_key,
                        &read.data[record.data.clone()],
                    )
                })
                .collect();
            let arrival = Some(Timestamp::from_millis(1_700_000_000_123));
            assert_eq!(
                told,
                [
                    ("7".to_owned(), arrival, "a\"b", b"one".as_slice()),
                    ("8".to_owned(), arrival, "k", b"".as_slice()),
                    ("9".to_owned(), arrival, "", b"two".as_slice())
                ]
            );
            assert_eq!(read.next_iterator.as_deref(), Some("next"));
            assert_eq!(read.millis_behind_latest, Some(17));
            let child = &read.children[0];
            assert_eq!(child.shard_id, "shardId-000000000002");
            assert_eq!(child.parent_shards.len(), 2);
            let range = child.hash_key_range.as_ref().unwrap();
            assert_eq!(range.ending_hash_key, u128::MAX.to_string());
        }
    }

    #[test]
    fn errors_are_read_as_the_server_and_as_other_engines_write_them() {
        for codec in BOTH {
            let body = encode_error(codec, &WireError::new("OopsException", "why"));
            let read = read_error(codec, &body).unwrap();
            assert_eq!(
                read,
                (Some("OopsException".to_owned()), Some("why".to_owned()))
            );
            assert_eq!(read_error(codec, b"<html>"), None);
        }
        let body = br#"{"code":"com.amazon#Oops:http://x","Message":"why","more":[1]}"#;
        let read = read_error(Codec::Json, body).unwrap();
        assert_eq!(read, (Some("Oops".to_owned()), Some("why".to_owned())));
    }

    #[test]
    fn what_an_engine_adds_is_skipped_and_null_is_absent() {
        let body =
            br#"{"EncryptionType":null,"More":{"a":[1,2]},"NextShardIterator":null,"Records":
            [{"SequenceNumber":"-1","Data":"YQ==","PartitionKey":null,"Other":7}]}"#;
        let read = read_page(Codec::Json, &Bytes::from_static(body)).unwrap();
        assert_eq!(read.records[0].sequence_number, Err("-1".to_owned()));
        assert_eq!(&read.data[read.records[0].data.clone()], b"a");
        assert_eq!(
            (read.next_iterator, read.millis_behind_latest),
            (None, None)
        );
        // {"X": {"a": [1]}, "Y": null, "ShardIterator": "i"}, with indefinite lengths as Java writes them.
        let body = b"\xbf\x61X\xbf\x61a\x9f\x01\xff\xff\x61Y\xf6\x6dShardIterator\x61i\xff";
        assert_eq!(read_iterator(Codec::Cbor, body).as_deref(), Some("i"));
        let absent = br#"{"ShardIterator":null}"#;
        assert_eq!(read_iterator(Codec::Json, absent), None);
        assert_eq!(read_iterator(Codec::Json, b"not JSON"), None);
        assert_eq!(read_iterator(Codec::Cbor, b"not CBOR"), None);
    }
}

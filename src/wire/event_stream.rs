//! The event stream of SubscribeToShard: `application/vnd.amazon.eventstream`.
//!
//! A frame, big-endian: length of all (4), length of headers (4), CRC-32 of these 8 bytes (4), headers, payload, CRC-32
//! of everything before it (4). A header: length of name (1), name, type (1; 7 is a string), length (2), value. Source:
//! `aws-smithy-eventstream` 0.61.6 and botocore 1.44.5, which must both read it.

use bytes::Bytes;

use super::answer::{write_child_shards, write_records};
use super::codec::Codec;
use super::digits::Digits;
use super::{cbor, json};
use crate::kinesis::operation::SubscriptionEvent;

/// The `Content-Type` of the answer: common practice, unverified for this service.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// Lengths and the checksum of both.
const PRELUDE_BYTES: usize = 12;
/// The least frame: prelude and the last checksum.
const FRAME_BYTES_MIN: usize = PRELUDE_BYTES + 4;
/// The longest headers that botocore takes.
const HEADERS_BYTES_MAX: usize = 128 << 10;
/// The longest payload that botocore takes.
const PAYLOAD_BYTES_MAX: usize = 24 << 20;
/// A header's value that is text.
const STRING: u8 = 7;

/// A frame as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// What the headers' `:content-type` says it is.
    pub payload: Bytes,
}

impl Frame {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// A length is below what it must hold or above what clients take.
    #[error("a length in the frame's prelude is impossible")]
    Length,
    /// The prelude or the frame was damaged.
    #[error("a checksum of the frame is wrong")]
    Checksum,
    /// A header is cut short, not UTF-8 or not a string.
    #[error("a header of the frame is not a string")]
    Header,
}

/// Reads the frame at the start of `bytes` and gives its length; `None` while it is not complete.
///
/// # Errors
/// When it can never become a frame.
pub fn read_frame(bytes: &[u8]) -> Result<Option<(Frame, usize)>, FrameError> {
    let Some(prelude) = bytes.first_chunk::<PRELUDE_BYTES>() else {
        return Ok(None);
    };
    let number = |at: usize| {
        let four = [
            prelude[at],
            prelude[at + 1],
            prelude[at + 2],
            prelude[at + 3],
        ];
        u32::from_be_bytes(four)
    };
    if crc32fast::hash(&prelude[..8]) != number(8) {
        return Err(FrameError::Checksum);
    }
    let (length, headers) = (number(0) as usize, number(4) as usize);
    let payload = length
        .checked_sub(FRAME_BYTES_MIN + headers)
        .ok_or(FrameError::Length)?;
    if headers > HEADERS_BYTES_MAX || payload > PAYLOAD_BYTES_MAX {
        return Err(FrameError::Length);
    }
    let Some(frame) = bytes.get(..length) else {
        return Ok(None);
    };
    let (content, checksum) = frame.split_at(length - 4);
    if crc32fast::hash(content).to_be_bytes() != checksum {
        return Err(FrameError::Checksum);
    }
    let (headers, payload) = content[PRELUDE_BYTES..].split_at(headers);
    let frame = Frame {
        headers: read_headers(headers).ok_or(FrameError::Header)?,
        payload: Bytes::copy_from_slice(payload),
    };
    Ok(Some((frame, length)))
}

fn read_headers(mut rest: &[u8]) -> Option<Vec<(String, String)>> {
    let mut headers = Vec::new();
    while let Some((&length, tail)) = rest.split_first() {
        let (name, tail) = tail.split_at_checked(length.into())?;
        let (&[kind, high, low], tail) = tail.split_first_chunk::<3>()?;
        let length = u16::from_be_bytes([high, low]);
        let (value, tail) = tail.split_at_checked(length.into())?;
        if kind != STRING {
            return None;
        }
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        headers.push((text(name)?, text(value)?));
        rest = tail;
    }
    Some(headers)
}

/// Writes a frame whose payload `write` appends. Names and values of headers are ours: short text.
fn frame(headers: &[(&str, &str)], write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = vec![0; PRELUDE_BYTES];
    for (name, value) in headers {
        out.push(name.len() as u8);
        out.extend_from_slice(name.as_bytes());
        out.push(STRING);
        out.extend_from_slice(&(value.len() as u16).to_be_bytes());
        out.extend_from_slice(value.as_bytes());
    }
    let headers = out.len() - PRELUDE_BYTES;
    write(&mut out);
    let length = out.len() + 4;
    out[..4].copy_from_slice(&(length as u32).to_be_bytes());
    out[4..8].copy_from_slice(&(headers as u32).to_be_bytes());
    let checksum = crc32fast::hash(&out[..8]);
    out[8..12].copy_from_slice(&checksum.to_be_bytes());
    let checksum = crc32fast::hash(&out);
    out.extend_from_slice(&checksum.to_be_bytes());
    out.into()
}

/// The first frame, to be sent at once: botocore fails without it, and the Rust SDK's call returns only with it.
pub fn initial_response(codec: Codec) -> Bytes {
    let headers = [
        (":message-type", "event"),
        (":event-type", "initial-response"),
        (":content-type", codec.content_type()),
    ];
    frame(&headers, |out| match codec {
        Codec::Json => out.extend_from_slice(b"{}"),
        Codec::Cbor => cbor::write_head(out, cbor::MAP, 0),
    })
}

/// One event. At a shard's end `continuation` is absent and `child_shards` is not empty.
pub fn subscribe_event(codec: Codec, event: &SubscriptionEvent) -> Bytes {
    let SubscriptionEvent {
        records,
        encrypted,
        continuation,
        millis_behind_latest,
        child_shards,
        ..
    } = event;
    let headers = [
        (":message-type", "event"),
        (":event-type", "SubscribeToShardEvent"),
        (":content-type", codec.content_type()),
    ];
    let mut digits = Digits::default();
    frame(&headers, |out| match codec {
        Codec::Json => {
            out.extend_from_slice(b"{\"Records\":");
            write_records(codec, records, encrypted, out);
            if let &Some(number) = continuation {
                out.extend_from_slice(b",\"ContinuationSequenceNumber\":\"");
                out.extend_from_slice(digits.of(number).as_bytes());
                out.push(b'"');
            }
            out.extend_from_slice(b",\"MillisBehindLatest\":");
            let mut number = itoa::Buffer::new();
            out.extend_from_slice(number.format(*millis_behind_latest).as_bytes());
            if !child_shards.is_empty() {
                out.extend_from_slice(b",\"ChildShards\":");
                write_child_shards(codec, child_shards, out);
            }
            out.push(b'}');
        }
        Codec::Cbor => {
            let members =
                2 + u64::from(continuation.is_some()) + u64::from(!child_shards.is_empty());
            cbor::write_head(out, cbor::MAP, members);
            cbor::write_string(out, "Records");
            write_records(codec, records, encrypted, out);
            if let &Some(number) = continuation {
                cbor::write_string(out, "ContinuationSequenceNumber");
                cbor::write_string(out, digits.of(number));
            }
            cbor::write_string(out, "MillisBehindLatest");
            cbor::write_head(out, cbor::UNSIGNED, *millis_behind_latest);
            if !child_shards.is_empty() {
                cbor::write_string(out, "ChildShards");
                write_child_shards(codec, child_shards, out);
            }
        }
    })
}

/// A failure inside the stream, after which it ends. `name` is the full name, such as `ResourceInUseException`.
pub fn exception(codec: Codec, name: &str, message: &str) -> Bytes {
    let headers = [
        (":message-type", "exception"),
        (":exception-type", name),
        (":content-type", codec.content_type()),
    ];
    frame(&headers, |out| match codec {
        Codec::Json => {
            out.extend_from_slice(b"{\"message\":");
            json::write_string(out, message);
            out.push(b'}');
        }
        Codec::Cbor => {
            cbor::write_head(out, cbor::MAP, 1);
            cbor::write_string(out, "message");
            cbor::write_string(out, message);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::kinesis::operation::{ChildShard, Encrypted};
    use crate::kinesis::record::OwnedRecord;
    use crate::kinesis::{HashKeyRange, RecordBatch, ShardId};
    use crate::wire::codec::decode_shape;
    use crate::wire::operation;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Frame {
        let (frame, length) = read_frame(bytes).unwrap().unwrap();
        assert_eq!(length, bytes.len());
        frame
    }

    fn event(records: Vec<OwnedRecord>) -> SubscriptionEvent {
        SubscriptionEvent {
            records: RecordBatch::Owned(records),
            encrypted: Encrypted::default(),
            continuation: None,
            millis_behind_latest: 17,
            child_shards: Vec::new(),
            trimmed_to: None,
        }
    }

    fn record(key: &str) -> OwnedRecord {
        OwnedRecord {
            sequence_number: "49650000000000000000000000000000000000000000000000000000"
                .parse()
                .unwrap(),
            arrival: Timestamp::from_millis(1_506_440_188_749),
            partition_key: key.into(),
            data: Bytes::from_static(b"data"),
        }
    }

    #[test]
    fn the_empty_message_has_the_published_checksums() {
        // The format's smallest message, as in the SDKs' test suites ("empty_message").
        let bytes = [
            0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff,
        ];
        assert_eq!(&frame(&[], |_| ())[..], bytes);
        let empty = read(&bytes);
        assert!(empty.headers.is_empty() && empty.payload.is_empty());
    }

    #[test]
    fn the_first_frame_is_an_empty_initial_response() {
        let frame = read(&initial_response(Codec::Json));
        assert_eq!(frame.header(":message-type"), Some("event"));
        assert_eq!(frame.header(":event-type"), Some("initial-response"));
        assert_eq!(&frame.payload[..], b"{}");
        assert_eq!(&read(&initial_response(Codec::Cbor)).payload[..], b"\xa0");
    }

    #[test]
    fn an_event_is_read_back_by_its_shape_in_both_codecs() {
        let shape = operation("SubscribeToShard").unwrap().output;
        let event = SubscriptionEvent {
            continuation: Some("4965".parse().unwrap()),
            ..event(vec![record("k")])
        };
        for codec in [Codec::Json, Codec::Cbor] {
            let frame = read(&subscribe_event(codec, &event));
            assert_eq!(frame.header(":event-type"), Some("SubscribeToShardEvent"));
            assert_eq!(frame.header(":content-type"), Some(codec.content_type()));
            let event = decode_shape(codec, shape, &frame.payload).unwrap();
            assert_eq!(event.str("ContinuationSequenceNumber"), Some("4965"));
            assert_eq!(event.i64("MillisBehindLatest"), Some(17));
            assert_eq!(event.get("ChildShards"), None);
            let record = &event.list("Records")[0];
            assert_eq!(record.get("Data").unwrap().as_blob().unwrap(), "data");
            assert_eq!(
                record.timestamp("ApproximateArrivalTimestamp"),
                Some(Timestamp::from_millis(1_506_440_188_749))
            );
        }
    }

    #[test]
    fn a_record_of_an_event_has_only_the_key_and_the_encryption_that_it_was_stored_with() {
        let shape = operation("SubscribeToShard").unwrap().output;
        let mut event = event(vec![record(""), record("k"), record("")]);
        event.encrypted = Encrypted(std::iter::once(1..3).collect());
        for codec in [Codec::Json, Codec::Cbor] {
            let frame = read(&subscribe_event(codec, &event));
            let event = decode_shape(codec, shape, &frame.payload).unwrap();
            let members = event.list("Records").iter();
            let members: Vec<_> = members
                .map(|record| (record.str("PartitionKey"), record.str("EncryptionType")))
                .collect();
            let kms = Some("KMS");
            assert_eq!(members, [(None, None), (Some("k"), kms), (None, kms)]);
        }
    }

    #[test]
    fn at_a_shards_end_there_are_children_and_no_continuation() {
        let shape = operation("SubscribeToShard").unwrap().output;
        let child = ChildShard {
            shard: ShardId::new(2).unwrap(),
            parents: vec![ShardId::new(0).unwrap(), ShardId::new(1).unwrap()],
            hash_key_range: HashKeyRange::FULL,
        };
        for codec in [Codec::Json, Codec::Cbor] {
            let event = SubscriptionEvent {
                child_shards: vec![child.clone()],
                ..event(Vec::new())
            };
            let bytes = subscribe_event(codec, &event);
            let event = decode_shape(codec, shape, &read(&bytes).payload).unwrap();
            assert_eq!(event.get("ContinuationSequenceNumber"), None);
            assert!(event.list("Records").is_empty());
            let child = &event.list("ChildShards")[0];
            assert_eq!(child.str("ShardId"), Some("shardId-000000000002"));
            assert_eq!(child.list("ParentShards").len(), 2);
            let range = child.get("HashKeyRange").unwrap();
            assert_eq!(range.str("StartingHashKey"), Some("0"));
        }
    }

    #[test]
    fn an_exception_names_its_type_and_holds_a_message() {
        let frame = read(&exception(
            Codec::Json,
            "ResourceInUseException",
            "taken \"over\"",
        ));
        assert_eq!(frame.header(":message-type"), Some("exception"));
        assert_eq!(
            frame.header(":exception-type"),
            Some("ResourceInUseException")
        );
        assert_eq!(&frame.payload[..], br#"{"message":"taken \"over\""}"#);
    }

    proptest! {
        #[test]
        fn a_frame_cut_short_or_damaged_is_never_read_as_another(cut in 0..60usize, at in 0..60usize, bit in 0..8u32) {
            let whole = exception(Codec::Json, "X", "y");
            prop_assert_eq!(read_frame(&whole[..cut.min(whole.len() - 1)]), Ok(None));
            let mut damaged = whole.to_vec();
            damaged[at] ^= 1 << bit;
            prop_assert!(!matches!(read_frame(&damaged), Ok(Some(_))));
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = read_frame(&bytes);
        }
    }
}

//! Aggregated records: many user records in the data of one, as the Kinesis Producer Library (KPL) packs them.
//!
//! The data is a magic number, a protobuf message and the MD5 of the message (aggregation-format.md of the KPL). Keys
//! stand in tables of the message, each once, and user records point to them. Readers number the user records of one
//! record from 0: the sub-sequence number.

use std::collections::HashMap;

use bytes::Bytes;
use md5::{Digest as _, Md5};
use prost::Message as _;

use super::hash_key::HashKey;
use super::record::PutEntry;

/// The partition key of a record that holds several: as it comes with an explicit hash key, any would do, and the KPL
/// takes this one.
pub const PARTITION_KEY: &str = "a";

const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
const DIGEST_BYTES: usize = 16;

/// `AggregatedRecord` of the KPL.
#[derive(Clone, PartialEq, prost::Message)]
struct Message {
    #[prost(string, repeated, tag = "1")]
    partition_key_table: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    explicit_hash_key_table: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    records: Vec<Record>,
}

/// `Record` of the KPL. Its index and its data are required, so that a message without them is none; tags, which nobody
/// uses, are skipped.
#[derive(Clone, PartialEq, prost::Message)]
struct Record {
    #[prost(uint64, optional, tag = "1")]
    partition_key_index: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    explicit_hash_key_index: Option<u64>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    data: Option<Bytes>,
}

/// The user records of one record, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Aggregate {
    keys: Vec<String>,
    users: Vec<User>,
}

/// One of them, found valid.
#[derive(Clone, PartialEq, Eq, Debug)]
struct User {
    key: usize,
    explicit_hash_key: Option<HashKey>,
    data: Bytes,
}

impl Aggregate {
    /// How many user records it holds; none is possible.
    pub const fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// The user records in the order of their sub-sequence numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = PutEntry<'_>> {
        self.users.iter().map(|user| PutEntry {
            partition_key: &self.keys[user.key],
            data: &user.data,
            explicit_hash_key: user.explicit_hash_key,
        })
    }
}

/// Appends the data of one record that holds all of `users`.
pub fn encode<'a>(users: impl IntoIterator<Item = PutEntry<'a>>, out: &mut Vec<u8>) {
    let mut message = Message::default();
    // Only looked up: the tables have the order in which keys first appear.
    let (mut keys, mut hash_keys) = (HashMap::new(), HashMap::new());
    for user in users {
        let key = *keys.entry(user.partition_key).or_insert_with(|| {
            message
                .partition_key_table
                .push(user.partition_key.to_owned());
            message.partition_key_table.len() as u64 - 1
        });
        let hash_key = user.explicit_hash_key.map(|hash_key| {
            *hash_keys.entry(hash_key).or_insert_with(|| {
                message.explicit_hash_key_table.push(hash_key.to_string());
                message.explicit_hash_key_table.len() as u64 - 1
            })
        });
        message.records.push(Record {
            partition_key_index: Some(key),
            explicit_hash_key_index: hash_key,
            data: Some(Bytes::copy_from_slice(user.data)),
        });
    }
    let bytes = message.encode_to_vec();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&bytes);
    out.extend_from_slice(&Md5::digest(&bytes));
}

/// Takes a record's data apart; `None` for data that is no aggregate, which readers pass on as it is.
///
/// As the KCL does it: the magic number, the checksum and the message must be right. A message whose indices or hash keys
/// lead nowhere, on which the KCL stumbles, counts as none too. Takes memory of at most some 40 times the data.
pub fn decode(data: &[u8]) -> Option<Aggregate> {
    let rest = data.strip_prefix(&MAGIC)?;
    let (message, digest) = rest.split_at_checked(rest.len().checked_sub(DIGEST_BYTES)?)?;
    if message.is_empty() || digest != &Md5::digest(message)[..] {
        return None;
    }
    let message = Message::decode(Bytes::copy_from_slice(message)).ok()?;
    let keys = message.partition_key_table;
    let hash_keys: Vec<HashKey> = message
        .explicit_hash_key_table
        .iter()
        .map(|text| text.parse().ok())
        .collect::<Option<_>>()?;
    let users = message.records.into_iter().map(|record| {
        let key = usize::try_from(record.partition_key_index?).ok()?;
        let explicit_hash_key = match record.explicit_hash_key_index {
            Some(index) => Some(*hash_keys.get(usize::try_from(index).ok()?)?),
            None => None,
        };
        (key < keys.len()).then_some(User {
            key,
            explicit_hash_key,
            data: record.data?,
        })
    });
    let users = users.collect::<Option<_>>()?;
    Some(Aggregate { keys, users })
}

/// How long the data of an aggregate becomes, while it is filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AggregateSize {
    message_bytes: usize,
}

/// Where a user record's key stands in its table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Its index.
    pub index: u64,
    /// The bytes of its text, if it is new in the table.
    pub new_bytes: Option<usize>,
}

impl AggregateSize {
    /// With one more user record of so many bytes of data.
    pub fn with(self, key: Place, explicit_hash_key: Option<Place>, data_bytes: usize) -> Self {
        let places = [Some(key), explicit_hash_key].into_iter().flatten();
        let tables = places.clone().filter_map(|place| place.new_bytes);
        let tables: usize = tables.map(field_bytes).sum();
        let indices: usize = places.map(|place| 1 + varint_bytes(place.index)).sum();
        let record = indices + field_bytes(data_bytes);
        Self {
            message_bytes: self.message_bytes + tables + field_bytes(record),
        }
    }

    /// Bytes of data.
    pub const fn bytes(self) -> usize {
        MAGIC.len() + self.message_bytes + DIGEST_BYTES
    }
}

/// Bytes of the frame around the message of an aggregate.
pub const FRAME_BYTES: usize = MAGIC.len() + DIGEST_BYTES;

/// Bytes of a field of so many bytes with its tag and its length.
const fn field_bytes(bytes: usize) -> usize {
    1 + varint_bytes(bytes as u64) + bytes
}

const fn varint_bytes(number: u64) -> usize {
    match number.checked_ilog2() {
        Some(log) => log as usize / 7 + 1,
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn user<'a>(partition_key: &'a str, data: &'a [u8]) -> PutEntry<'a> {
        PutEntry {
            partition_key,
            data,
            explicit_hash_key: None,
        }
    }

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    fn checksummed(message: &[u8]) -> Vec<u8> {
        let mut data = MAGIC.to_vec();
        data.extend_from_slice(message);
        data.extend_from_slice(&Md5::digest(message));
        data
    }

    #[test]
    fn two_records_become_the_bytes_that_the_python_library_makes_of_them() {
        // aws_kinesis_agg 1.2.3, run on 2026-11-23.
        let mut data = Vec::new();
        encode([user("pk1", b"hello"), user("pk2", b"world")], &mut data);
        assert_eq!(
            hex(&data),
            "f3899ac20a03706b310a03706b321a0908001a0568656c6c6f1a0908011a05776f726c6487c22af1ed18e292eb55b018413a3cff"
        );
    }

    #[test]
    fn data_that_is_no_aggregate_is_none() {
        let mut whole = Vec::new();
        encode([user("k", b"one"), user("k", b"two")], &mut whole);
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        for data in [
            &b""[..],
            b"plain",
            &MAGIC,
            &whole[..whole.len() - 1],
            &damaged,
            &checksummed(b""),
            &checksummed(b"no protobuf"),
            // A record without its key's index, without its data, with an index beyond the table.
            &checksummed(b"\x0a\x01k\x1a\x03\x1a\x01x"),
            &checksummed(b"\x0a\x01k\x1a\x02\x08\x00"),
            &checksummed(b"\x0a\x01k\x1a\x05\x08\x01\x1a\x01x"),
            // A hash key that is no number.
            &checksummed(b"\x0a\x01k\x12\x01z\x1a\x07\x08\x00\x10\x00\x1a\x01x"),
        ] {
            assert_eq!(decode(data), None, "{data:?}");
        }
        assert!(decode(&checksummed(b"\x0a\x01k")).unwrap().is_empty());
    }

    #[test]
    fn a_key_stands_in_its_table_once() {
        let mut data = Vec::new();
        encode((0..100).map(|_| user("the-same-key", b"x")), &mut data);
        assert_eq!(data.len(), 20 + (2 + 12) + 100 * (2 + 2 + 3));
        assert_eq!(decode(&data).unwrap().len(), 100);
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back_in_order_and_has_the_size_that_was_told(
            users in prop::collection::vec(
                ("[a-c]{1,2}", prop::option::of(0u128..3), prop::collection::vec(any::<u8>(), 0..300)), 0..200),
        ) {
            let entries: Vec<_> = users.iter().map(|(key, hash_key, data)| PutEntry {
                partition_key: key,
                data,
                explicit_hash_key: hash_key.map(|key| HashKey(key * (u128::MAX / 2))),
            }).collect();
            let (mut size, mut keys, mut hash_keys) = (AggregateSize::default(), Vec::new(), Vec::new());
            for entry in &entries {
                let key = place(&mut keys, entry.partition_key.to_owned());
                let hash_key = entry.explicit_hash_key.map(|key| place(&mut hash_keys, key.to_string()));
                size = size.with(key, hash_key, entry.data.len());
            }
            let mut data = b"before".to_vec();
            encode(entries.iter().copied(), &mut data);
            let data = &data[6..];
            prop_assert_eq!(data.len(), size.bytes());
            match decode(data) {
                None => prop_assert!(entries.is_empty()),
                Some(aggregate) => {
                    prop_assert_eq!(aggregate.len(), entries.len());
                    for (back, entry) in aggregate.iter().zip(&entries) {
                        prop_assert_eq!(back.partition_key, entry.partition_key);
                        prop_assert_eq!(back.data, entry.data);
                        prop_assert_eq!(back.explicit_hash_key, entry.explicit_hash_key);
                    }
                }
            }
        }

        #[test]
        fn any_bytes_are_taken_without_a_panic(message in prop::collection::vec(any::<u8>(), 0..200), plain in any::<bool>()) {
            let data = if plain { message } else { checksummed(&message) };
            if let Some(aggregate) = decode(&data) {
                prop_assert_eq!(aggregate.iter().count(), aggregate.len());
            }
        }
    }

    fn place(table: &mut Vec<String>, text: String) -> Place {
        if let Some(index) = table.iter().position(|known| *known == text) {
            return Place {
                index: index as u64,
                new_bytes: None,
            };
        }
        let bytes = text.len();
        table.push(text);
        Place {
            index: table.len() as u64 - 1,
            new_bytes: Some(bytes),
        }
    }
}

//! Puts and reads in JSON: one pass, text borrowed from the body, base64 decoded into the batch.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{DATA_BYTES_MAX, Put, PutHead, RECORDS_MAX, hash_key, key_holds};
use crate::kinesis::PutBatch;
use crate::wire::blob;

/// Text of the body, or a copy where it holds escapes.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Borrowed;
        impl<'de> Visitor<'de> for Borrowed {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        reader.deserialize_str(Borrowed)
    }
}

/// One record. A `null` is left to the slow path.
struct Record<'a> {
    data: Text<'a>,
    partition_key: Text<'a>,
    explicit_hash_key: Option<Text<'a>>,
}

/// By hand, since a derived structure also takes a list of its members' values.
impl<'de> Deserialize<'de> for Record<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Record<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Record<'de>, A::Error> {
                let (mut data, mut key, mut explicit) = (None, None, None);
                while let Some(member) = members.next_key()? {
                    let again = match member {
                        Member::Data => data.replace(members.next_value()?).is_some(),
                        Member::PartitionKey => key.replace(members.next_value()?).is_some(),
                        Member::ExplicitHashKey => {
                            explicit.replace(members.next_value()?).is_some()
                        }
                        _ => true,
                    };
                    if again {
                        return Err(A::Error::custom("a member twice or of something else"));
                    }
                }
                let missing = || A::Error::custom("a member is missing");
                Ok(Record {
                    data: data.ok_or_else(missing)?,
                    partition_key: key.ok_or_else(missing)?,
                    explicit_hash_key: explicit,
                })
            }
        }
        reader.deserialize_map(Members)
    }
}

impl Record<'_> {
    fn push(&self, batch: &mut PutBatch) -> Option<()> {
        let key = &*self.partition_key.0;
        let explicit = match &self.explicit_hash_key {
            Some(text) => Some(hash_key(&text.0)?),
            None => None,
        };
        if !key_holds(key) || batch.len() >= RECORDS_MAX {
            return None;
        }
        let mut decoded = None;
        let decode = |data: &mut Vec<u8>| {
            let before = data.len();
            decoded = blob::decode_into(&self.data.0, data).map(|()| data.len() - before);
        };
        batch.push_with(|keys| keys.push_str(key), decode, explicit);
        decoded.filter(|&bytes| bytes <= DATA_BYTES_MAX).map(|_| ())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
enum Member {
    Records,
    StreamName,
    #[serde(rename = "StreamARN")]
    StreamArn,
    DryRun,
    Data,
    PartitionKey,
    ExplicitHashKey,
}

pub(super) fn read_put(body: &[u8], put: Put, batch: &mut PutBatch) -> Option<PutHead> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let head = Request { put, batch }.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(head)
}

struct Request<'a> {
    put: Put,
    batch: &'a mut PutBatch,
}

impl<'de> DeserializeSeed<'de> for Request<'_> {
    type Value = PutHead;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<PutHead, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Request<'_> {
    type Value = PutHead;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a put")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<PutHead, A::Error> {
        let twice = || A::Error::custom("a member came twice");
        let (mut name, mut arn): (Option<String>, Option<String>) = (None, None);
        let (mut data, mut key, mut explicit) = (None, None, None);
        let (mut dry_run, mut records) = (None, false);
        while let Some(member) = members.next_key()? {
            let again = match (member, self.put) {
                (Member::StreamName, _) => name.replace(members.next_value()?).is_some(),
                (Member::StreamArn, _) => arn.replace(members.next_value()?).is_some(),
                (Member::DryRun, Put::Many) => dry_run.replace(members.next_value()?).is_some(),
                (Member::Records, Put::Many) => {
                    members.next_value_seed(Records(self.batch))?;
                    std::mem::replace(&mut records, true)
                }
                (Member::Data, Put::One) => data.replace(members.next_value()?).is_some(),
                (Member::PartitionKey, Put::One) => key.replace(members.next_value()?).is_some(),
                (Member::ExplicitHashKey, Put::One) => {
                    explicit.replace(members.next_value()?).is_some()
                }
                _ => return Err(A::Error::custom("a member of another operation")),
            };
            if again {
                return Err(twice());
            }
        }
        if self.put == Put::One {
            let missing = || A::Error::custom("a member is missing");
            let record = Record {
                data: data.ok_or_else(missing)?,
                partition_key: key.ok_or_else(missing)?,
                explicit_hash_key: explicit,
            };
            record.push(self.batch).ok_or_else(missing)?;
        }
        Ok(PutHead {
            stream_name: name,
            stream_arn: arn,
            dry_run: dry_run.unwrap_or(false),
        })
    }
}

struct Records<'a>(&'a mut PutBatch);

impl<'de> DeserializeSeed<'de> for Records<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<(), A::Error> {
        while let Some(record) = records.next_element::<Record<'de>>()? {
            record
                .push(self.0)
                .ok_or_else(|| A::Error::custom("a record out of bounds"))?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct GetRecords {
    shard_iterator: String,
    limit: Option<u32>,
}

pub(super) fn read_get(body: &[u8]) -> Option<(String, Option<u32>)> {
    // Derived structures also take arrays, which the service does not.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let request: GetRecords = serde_json::from_slice(body).ok()?;
    Some((request.shard_iterator, request.limit))
}

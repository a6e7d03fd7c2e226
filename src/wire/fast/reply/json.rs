//! Answers in JSON: one pass, text borrowed from the body, base64 decoded into one buffer per page.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{ChildReply, PageReply, PutReply, PutsReply, RecordReply, number};
use crate::base::Timestamp;
use crate::wire::blob;
use crate::wire::fast::json::Text;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put<'a> {
    #[serde(borrow)]
    shard_id: Option<Text<'a>>,
    #[serde(borrow)]
    sequence_number: Option<Text<'a>>,
    #[serde(borrow)]
    error_code: Option<Text<'a>>,
    #[serde(borrow)]
    error_message: Option<Text<'a>>,
}

impl Put<'_> {
    fn as_reply(&self) -> PutReply<'_> {
        fn text<'a>(member: Option<&'a Text<'_>>) -> Option<&'a str> {
            member.map(|text| &*text.0)
        }
        PutReply {
            shard_id: text(self.shard_id.as_ref()),
            sequence_number: text(self.sequence_number.as_ref()),
            error_code: text(self.error_code.as_ref()),
            error_message: text(self.error_message.as_ref()),
        }
    }
}

pub(super) fn read_put_record(body: &[u8], take: impl FnOnce(PutReply<'_>)) -> Option<()> {
    take(serde_json::from_slice::<Put<'_>>(body).ok()?.as_reply());
    Some(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Iterator {
    shard_iterator: Option<String>,
}

pub(super) fn read_iterator(body: &[u8]) -> Option<String> {
    let read: Iterator = serde_json::from_slice(body).ok()?;
    read.shard_iterator
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    kind: Option<String>,
    code: Option<String>,
    message: Option<String>,
    #[serde(rename = "Message")]
    capital_message: Option<String>,
}

pub(super) fn read_error(body: &[u8]) -> Option<(Option<String>, Option<String>)> {
    let read: Refusal = serde_json::from_slice(body).ok()?;
    Some((
        read.kind.or(read.code),
        read.message.or(read.capital_message),
    ))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
enum Member {
    FailedRecordCount,
    Records,
    NextShardIterator,
    MillisBehindLatest,
    ChildShards,
    #[serde(other)]
    Other,
}

pub(super) fn read_put_records(
    body: &[u8],
    take: &mut impl FnMut(PutReply<'_>),
) -> Option<PutsReply> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let failed = Puts(take).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(PutsReply { failed })
}

/// PutRecords' answer.
struct Puts<'t, F>(&'t mut F);

impl<'de, F: FnMut(PutReply<'_>)> DeserializeSeed<'de> for Puts<'_, F> {
    type Value = Option<i64>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de, F: FnMut(PutReply<'_>)> Visitor<'de> for Puts<'_, F> {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer of PutRecords")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut failed = None;
        while let Some(member) = members.next_key()? {
            match member {
                Member::FailedRecordCount => failed = members.next_value()?,
                Member::Records => {
                    let take = |put: Put<'_>| {
                        (self.0)(put.as_reply());
                        Some(())
                    };
                    members.next_value_seed(Puttings(take))?;
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(failed)
    }
}

/// A list whose items go to a function one by one; it may find that one is not what it should be.
macro_rules! list_of {
    ($list:ident, $item:ident) => {
        struct $list<F>(F);

        impl<'de, F: FnMut($item<'_>) -> Option<()>> DeserializeSeed<'de> for $list<F> {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
                reader.deserialize_seq(self)
            }
        }

        impl<'de, F: FnMut($item<'_>) -> Option<()>> Visitor<'de> for $list<F> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
                while let Some(item) = items.next_element::<$item<'de>>()? {
                    (self.0)(item).ok_or_else(|| A::Error::custom("a value of another kind"))?;
                }
                Ok(())
            }
        }
    };
}

list_of!(Puttings, Put);
list_of!(Gettings, Got);

/// A record as it stands in the body.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Got<'a> {
    #[serde(borrow)]
    sequence_number: Option<Text<'a>>,
    approximate_arrival_timestamp: Option<f64>,
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    partition_key: Option<Text<'a>>,
}

pub(super) fn read_page(body: &[u8]) -> Option<PageReply> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let page = reader.deserialize_map(Page).ok()?;
    reader.end().ok()?;
    Some(page)
}

/// GetRecords' answer.
struct Page;

impl<'de> Visitor<'de> for Page {
    type Value = PageReply;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer of GetRecords")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<PageReply, A::Error> {
        let (mut page, mut data) = (PageReply::default(), Vec::new());
        while let Some(member) = members.next_key()? {
            match member {
                Member::Records => members.next_value_seed(Gettings(|got: Got<'_>| {
                    page.records.push(record(&got, &mut data)?);
                    Some(())
                }))?,
                Member::NextShardIterator => page.next_iterator = members.next_value()?,
                Member::MillisBehindLatest => page.millis_behind_latest = members.next_value()?,
                Member::ChildShards => {
                    let children: Option<Vec<ChildReply>> = members.next_value()?;
                    page.children = children.unwrap_or_default();
                }
                Member::FailedRecordCount | Member::Other => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        page.data = Bytes::from(data);
        Ok(page)
    }
}

fn record(got: &Got<'_>, data: &mut Vec<u8>) -> Option<RecordReply> {
    let start = data.len();
    if let Some(encoded) = &got.data {
        blob::decode_into(&encoded.0, data)?;
    }
    Some(RecordReply {
        sequence_number: number(got.sequence_number.as_ref().map_or("", |text| &*text.0)),
        arrival: got.approximate_arrival_timestamp.map(time),
        partition_key: got
            .partition_key
            .as_ref()
            .map_or("", |text| &*text.0)
            .into(),
        data: start..data.len(),
    })
}

/// A time from seconds. A double holds today's seconds to a quarter of a microsecond.
fn time(seconds: f64) -> Timestamp {
    let micros = (seconds * 1e6).round().max(0.0) as u64;
    Timestamp::from_nanos(micros.saturating_mul(1_000))
}

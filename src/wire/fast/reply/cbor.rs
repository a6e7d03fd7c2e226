//! Answers in CBOR: data stay where they are in the body.

use bytes::Bytes;
use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};

use super::{ChildReply, PageReply, PutReply, PutsReply, RangeReply, RecordReply, number};
use crate::base::Timestamp;
use crate::wire::cbor::more;

type Read<T> = Result<T, Error>;

/// Goes through a map; `member` reads the value of the name that it is given, or says that it did not.
fn map<'b>(
    decoder: &mut Decoder<'b>,
    mut member: impl FnMut(&'b str, &mut Decoder<'b>) -> Read<bool>,
) -> Read<()> {
    let mut left = decoder.map()?;
    while more(decoder, &mut left)? {
        let name = decoder.str()?;
        if decoder.datatype()? == Type::Null || !member(name, decoder)? {
            decoder.skip()?;
        }
    }
    Ok(())
}

fn list<'b>(
    decoder: &mut Decoder<'b>,
    mut item: impl FnMut(&mut Decoder<'b>) -> Read<()>,
) -> Read<()> {
    let mut left = decoder.array()?;
    while more(decoder, &mut left)? {
        item(decoder)?;
    }
    Ok(())
}

fn put_reply<'b>(decoder: &mut Decoder<'b>) -> Read<PutReply<'b>> {
    let mut reply = PutReply::default();
    map(decoder, |name, decoder| {
        let member = match name {
            "ShardId" => &mut reply.shard_id,
            "SequenceNumber" => &mut reply.sequence_number,
            "ErrorCode" => &mut reply.error_code,
            "ErrorMessage" => &mut reply.error_message,
            _ => return Ok(false),
        };
        *member = Some(decoder.str()?);
        Ok(true)
    })?;
    Ok(reply)
}

pub(super) fn read_put_record(body: &[u8], take: impl FnOnce(PutReply<'_>)) -> Option<()> {
    take(put_reply(&mut Decoder::new(body)).ok()?);
    Some(())
}

pub(super) fn read_put_records(
    body: &[u8],
    take: &mut impl FnMut(PutReply<'_>),
) -> Option<PutsReply> {
    let mut failed = None;
    let read = map(&mut Decoder::new(body), |name, decoder| {
        match name {
            "FailedRecordCount" => failed = Some(decoder.i64()?),
            "Records" => list(decoder, |decoder| {
                take(put_reply(decoder)?);
                Ok(())
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    });
    read.ok().map(|()| PutsReply { failed })
}

pub(super) fn read_iterator(body: &[u8]) -> Option<String> {
    let mut iterator = None;
    let read = map(&mut Decoder::new(body), |name, decoder| {
        let found = name == "ShardIterator";
        if found {
            iterator = Some(decoder.str()?.to_owned());
        }
        Ok(found)
    });
    read.ok().and(iterator)
}

pub(super) fn read_error(body: &[u8]) -> Option<(Option<String>, Option<String>)> {
    let (mut code, mut message) = (None, None);
    let read = map(&mut Decoder::new(body), |name, decoder| {
        let member = match name {
            "__type" | "code" => &mut code,
            "message" | "Message" => &mut message,
            _ => return Ok(false),
        };
        *member = Some(decoder.str()?.to_owned());
        Ok(true)
    });
    read.ok().map(|()| (code, message))
}

pub(super) fn read_page(body: &Bytes) -> Option<PageReply> {
    let mut page = PageReply {
        data: body.clone(),
        ..PageReply::default()
    };
    let read = map(&mut Decoder::new(body), |name, decoder| {
        match name {
            "Records" => list(decoder, |decoder| {
                page.records.push(record(decoder)?);
                Ok(())
            })?,
            "NextShardIterator" => page.next_iterator = Some(decoder.str()?.to_owned()),
            "MillisBehindLatest" => page.millis_behind_latest = Some(decoder.i64()?),
            "ChildShards" => list(decoder, |decoder| {
                page.children.push(child(decoder)?);
                Ok(())
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    });
    read.ok().map(|()| page)
}

fn record(decoder: &mut Decoder<'_>) -> Read<RecordReply> {
    let mut record = RecordReply {
        sequence_number: Err(String::new()),
        arrival: None,
        partition_key: Box::default(),
        data: 0..0,
    };
    map(decoder, |name, decoder| {
        match name {
            "SequenceNumber" => record.sequence_number = number(decoder.str()?),
            "PartitionKey" => record.partition_key = decoder.str()?.into(),
            "Data" => {
                let bytes = decoder.bytes()?.len();
                record.data = decoder.position() - bytes..decoder.position();
            }
            "ApproximateArrivalTimestamp" => {
                if decoder.datatype()? == Type::Tag {
                    decoder.tag()?;
                }
                // Milliseconds, against the RFC: see the codec's own notes.
                let millis = decoder.i64()?;
                record.arrival = Some(Timestamp::from_millis(millis.max(0).unsigned_abs()));
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(record)
}

fn child(decoder: &mut Decoder<'_>) -> Read<ChildReply> {
    let mut child = ChildReply::default();
    map(decoder, |name, decoder| {
        match name {
            "ShardId" => decoder.str()?.clone_into(&mut child.shard_id),
            "ParentShards" => list(decoder, |decoder| {
                child.parent_shards.push(decoder.str()?.to_owned());
                Ok(())
            })?,
            "HashKeyRange" => child.hash_key_range = Some(range(decoder)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(child)
}

fn range(decoder: &mut Decoder<'_>) -> Read<RangeReply> {
    let mut range = RangeReply::default();
    map(decoder, |name, decoder| {
        let member = match name {
            "StartingHashKey" => &mut range.starting_hash_key,
            "EndingHashKey" => &mut range.ending_hash_key,
            _ => return Ok(false),
        };
        decoder.str()?.clone_into(member);
        Ok(true)
    })?;
    Ok(range)
}

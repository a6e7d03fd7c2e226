//! Puts and reads in CBOR: byte strings are copied into the batch, nothing else is.

use minicbor::decode::Decoder;

use super::{DATA_BYTES_MAX, Put, PutHead, RECORDS_MAX, hash_key, key_holds};
use crate::kinesis::PutBatch;
use crate::wire::cbor::more;

#[derive(Default)]
struct Record<'b> {
    data: Option<&'b [u8]>,
    key: Option<&'b str>,
    explicit_hash_key: Option<&'b str>,
}

impl<'b> Record<'b> {
    /// Takes a member's value; `None` if it is no member of a record or came before.
    fn take(&mut self, name: &str, decoder: &mut Decoder<'b>) -> Option<()> {
        let again = match name {
            "Data" => self.data.replace(decoder.bytes().ok()?).is_some(),
            "PartitionKey" => self.key.replace(decoder.str().ok()?).is_some(),
            "ExplicitHashKey" => self
                .explicit_hash_key
                .replace(decoder.str().ok()?)
                .is_some(),
            _ => true,
        };
        (!again).then_some(())
    }

    fn push(&self, batch: &mut PutBatch) -> Option<()> {
        let (data, key) = (self.data?, self.key?);
        let explicit = match self.explicit_hash_key {
            Some(text) => Some(hash_key(text)?),
            None => None,
        };
        if !key_holds(key) || data.len() > DATA_BYTES_MAX || batch.len() >= RECORDS_MAX {
            return None;
        }
        batch.push_with(
            |keys| keys.push_str(key),
            |bytes| bytes.extend_from_slice(data),
            explicit,
        );
        Some(())
    }
}

pub(super) fn read_put(body: &[u8], put: Put, batch: &mut PutBatch) -> Option<PutHead> {
    let mut decoder = Decoder::new(body);
    let (mut name, mut arn, mut dry_run) = (None, None, None);
    let (mut single, mut records) = (Record::default(), false);
    let mut left = decoder.map().ok()?;
    while more(&mut decoder, &mut left).ok()? {
        let member = decoder.str().ok()?;
        let again = match (member, put) {
            ("StreamName", _) => name.replace(decoder.str().ok()?).is_some(),
            ("StreamARN", _) => arn.replace(decoder.str().ok()?).is_some(),
            ("DryRun", Put::Many) => dry_run.replace(decoder.bool().ok()?).is_some(),
            ("Records", Put::Many) => {
                read_records(&mut decoder, batch)?;
                std::mem::replace(&mut records, true)
            }
            (member, Put::One) => single.take(member, &mut decoder).is_none(),
            _ => true,
        };
        if again {
            return None;
        }
    }
    if decoder.position() != body.len() {
        return None;
    }
    if put == Put::One {
        single.push(batch)?;
    }
    Some(PutHead {
        stream_name: name.map(str::to_owned),
        stream_arn: arn.map(str::to_owned),
        dry_run: dry_run.unwrap_or(false),
    })
}

fn read_records(decoder: &mut Decoder<'_>, batch: &mut PutBatch) -> Option<()> {
    let mut records = decoder.array().ok()?;
    while more(decoder, &mut records).ok()? {
        let mut record = Record::default();
        let mut members = decoder.map().ok()?;
        while more(decoder, &mut members).ok()? {
            let name = decoder.str().ok()?;
            record.take(name, decoder)?;
        }
        record.push(batch)?;
    }
    Some(())
}

pub(super) fn read_get(body: &[u8]) -> Option<(String, Option<u32>)> {
    let mut decoder = Decoder::new(body);
    let (mut iterator, mut limit) = (None, None);
    let mut left = decoder.map().ok()?;
    while more(&mut decoder, &mut left).ok()? {
        let again = match decoder.str().ok()? {
            "ShardIterator" => iterator.replace(decoder.str().ok()?).is_some(),
            "Limit" => limit.replace(decoder.u32().ok()?).is_some(),
            _ => true,
        };
        if again {
            return None;
        }
    }
    (decoder.position() == body.len()).then_some((iterator?.to_owned(), limit))
}

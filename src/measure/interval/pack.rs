//! The form of intervals at rest: CBOR numbers in a row, read only by the process that wrote them.

use std::collections::BTreeMap;
use std::convert::Infallible;

use minicbor::encode::Error as EncodeError;
use minicbor::{Decoder, Encoder};

use super::counters::{FIELDS, ShardCounters};
use super::sink::PartId;
use crate::kinesis::ShardId;
use crate::measure::histogram::{LatencyKind, PackedHistogram};

/// The latencies of one interval.
pub(super) type Latencies = BTreeMap<(PartId, LatencyKind), PackedHistogram>;

/// The counters of one interval.
pub(super) type Shards = BTreeMap<ShardId, ShardCounters>;

/// About a tenth of the memory: most counters are small, and many are zero.
pub(super) fn pack_shards(shards: &Shards) -> Box<[u8]> {
    let mut encoder = Encoder::new(Vec::new());
    let mut write = || -> Result<(), EncodeError<Infallible>> {
        for (shard, counters) in shards {
            let fields = counters.fields();
            let used = fields.iter().zip(0..).filter(|&(&field, _)| field > 0);
            let mask = used
                .clone()
                .fold(0u32, |mask, (_, place)| mask | 1 << place);
            encoder.u32(shard.number())?.u32(mask)?;
            for (&field, _) in used {
                encoder.u64(field)?;
            }
        }
        Ok(())
    };
    write().expect("memory takes what is written");
    encoder.into_writer().into_boxed_slice()
}

/// Adds what [`pack_shards`] packed to `sum`.
pub(super) fn unpack_shards(packed: &[u8], sum: &mut Shards) {
    let mut decoder = Decoder::new(packed);
    let mut read = || -> Result<(), minicbor::decode::Error> {
        while decoder.position() < packed.len() {
            let (shard, mask) = (decoder.u32()?, decoder.u32()?);
            let mut fields = [0; FIELDS];
            for (field, place) in fields.iter_mut().zip(0..) {
                if mask & 1 << place != 0 {
                    *field = decoder.u64()?;
                }
            }
            let shard = ShardId::new(shard).ok_or_else(|| decode_error("a shard's number"))?;
            let counters = sum.entry(shard).or_default();
            counters.merge(&ShardCounters::of_fields(fields));
        }
        Ok(())
    };
    read().expect("only `pack_shards` makes these bytes, and they stay in memory");
}

/// One after the other; empty where there are none.
pub(super) fn pack_latencies(latencies: &Latencies) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    let mut write = || -> Result<(), EncodeError<Infallible>> {
        for (&(part, kind), histogram) in latencies {
            let (table, number) = match part {
                PartId::Producer(number) => (0, number),
                PartId::Consumer(number) => (1, number),
                PartId::Call(number) => (2, number),
            };
            encoder.u8(table)?.u16(number)?.u8(kind as u8)?;
            let (bytes, negative, clipped) = histogram.parts();
            encoder.u64(negative)?.u64(clipped)?.bytes(bytes)?;
        }
        Ok(())
    };
    write().expect("memory takes what is written");
    encoder.into_writer()
}

/// Adds what [`pack_latencies`] packed to `sum`.
///
/// # Errors
/// When the bytes are others.
pub(super) fn unpack_latencies(
    packed: &[u8],
    sum: &mut Latencies,
) -> Result<(), minicbor::decode::Error> {
    let mut decoder = Decoder::new(packed);
    while decoder.position() < packed.len() {
        let (table, number) = (decoder.u8()?, decoder.u16()?);
        let part = match table {
            0 => PartId::Producer(number),
            1 => PartId::Consumer(number),
            2 => PartId::Call(number),
            _ => return Err(decode_error("a table of parts")),
        };
        let kind = LatencyKind::ALL.get(usize::from(decoder.u8()?)).copied();
        let kind = kind.ok_or_else(|| decode_error("a kind of latency"))?;
        let (negative, clipped) = (decoder.u64()?, decoder.u64()?);
        let histogram = PackedHistogram::of_parts(decoder.bytes()?, negative, clipped);
        sum.entry((part, kind))
            .and_modify(|sum| sum.merge(&histogram))
            .or_insert(histogram);
    }
    Ok(())
}

fn decode_error(what: &str) -> minicbor::decode::Error {
    minicbor::decode::Error::message(what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::histogram::LatencyHistogram;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counters_come_back_as_they_went(
            rows in prop::collection::btree_map(0u32..99, prop::array::uniform(prop_oneof![Just(0u64), any::<u64>()]), 0..9),
        ) {
            let shards: Shards = rows
                .into_iter()
                .map(|(number, fields)| (ShardId::new(number).unwrap(), ShardCounters::of_fields(fields)))
                .collect();
            let mut read = Shards::new();
            unpack_shards(&pack_shards(&shards), &mut read);
            prop_assert_eq!(read, shards);
        }
    }

    #[test]
    fn latencies_of_every_part_and_kind_come_back_and_add_up() {
        let mut latencies = Latencies::new();
        for part in [PartId::Producer(1), PartId::Consumer(2), PartId::Call(300)] {
            for (kind, nanos) in LatencyKind::ALL.into_iter().zip(1i64..) {
                let mut histogram = LatencyHistogram::new();
                histogram.record_nanos(nanos * 1_000_000);
                histogram.record_nanos(-1);
                latencies.insert((part, kind), histogram.pack());
            }
        }
        let packed = pack_latencies(&latencies);
        let mut read = Latencies::new();
        unpack_latencies(&packed, &mut read).unwrap();
        assert_eq!(read, latencies);
        unpack_latencies(&packed, &mut read).unwrap();
        for (key, histogram) in &mut latencies {
            histogram.merge(&histogram.clone());
            assert_eq!(read[key], *histogram);
        }
        assert!(unpack_latencies(&packed[..packed.len() - 1], &mut read).is_err());
    }
}

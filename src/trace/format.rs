//! The words of the file.

use serde::{Deserialize, Serialize};

use crate::kinesis::{HashKey, HashKeyRange};

/// The first line, with the version.
pub const MAGIC: &[u8] = b"streamgauge-trace 1\n";

/// The bytes of the CRC at the end.
pub(super) const CRC_BYTES: usize = 4;

/// The longest partition key in bytes: 256 characters of UTF-8.
pub(super) const KEY_BYTES_MAX: u64 = 1_024;

/// The largest record's data (service model, `MaxRecordSizeInKiB`).
pub(super) const DATA_BYTES_MAX: u64 = 10 << 20;

/// What a recording is of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// The stream's name.
    pub stream: String,
    /// What arrivals are counted from, in milliseconds since the epoch, by the service's clock.
    pub base_ms: u64,
    /// From the first arrival to the last, in milliseconds.
    pub duration_ms: u64,
    /// Records.
    pub records: u64,
    /// Their bytes, data and keys.
    pub bytes: u64,
    /// How many times a new key was written: the different keys, unless there were more than a recording remembers.
    pub keys: u64,
    /// The shards that were read.
    pub shards: Vec<ShardHeader>,
}

/// A shard of the recorded stream.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShardHeader {
    /// Its name.
    pub shard: String,
    /// The first hash key of its range, decimal.
    pub starting_hash_key: String,
    /// The last one.
    pub ending_hash_key: String,
    /// How many of the records it had.
    pub records: u64,
}

impl ShardHeader {
    /// Its range, if that is one.
    pub fn range(&self) -> Option<HashKeyRange> {
        let start = self.starting_hash_key.parse().ok()?;
        let end = self.ending_hash_key.parse().ok()?;
        (start <= end).then_some(HashKeyRange { start, end })
    }
}

/// Where a key with these top 16 bits is played: in the middle of them, within the shard that had it.
pub(super) fn point(lane: u16, range: &HashKeyRange) -> HashKey {
    let middle = (u128::from(lane) << 112) | (1 << 111);
    HashKey(middle.clamp(range.start.0, range.end.0))
}

/// Appends a whole number.
pub(super) fn write_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a number with a sign: small ones of either are short.
pub(super) fn write_signed(number: i64, out: &mut Vec<u8>) {
    write_number(((number << 1) ^ (number >> 63)) as u64, out);
}

/// Takes bytes from the front of what is left.
#[derive(Debug)]
pub(super) struct Bytes<'a> {
    pub(super) left: &'a [u8],
}

impl Bytes<'_> {
    pub(super) fn take<const COUNT: usize>(&mut self) -> Option<[u8; COUNT]> {
        let (taken, left) = self.left.split_first_chunk()?;
        self.left = left;
        Some(*taken)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.take()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_point_lies_in_its_shard_and_in_its_16_bits_where_the_shard_has_their_middle() {
        let ranges = HashKeyRange::initial(3);
        assert_eq!(point(0, &ranges[0]), HashKey(1 << 111));
        assert_eq!(point(0, &ranges[1]), ranges[1].start);
        assert_eq!(point(u16::MAX, &ranges[1]), ranges[1].end);
        assert_eq!(point(u16::MAX, &ranges[2]).lane(), u16::MAX);
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_they_were_written(number in any::<u64>(), signed in any::<i64>()) {
            let mut out = Vec::new();
            write_number(number, &mut out);
            write_signed(signed, &mut out);
            let mut bytes = Bytes { left: &out };
            prop_assert_eq!(bytes.number(), Some(number));
            prop_assert_eq!(bytes.signed(), Some(signed));
            prop_assert_eq!(bytes.number(), None);
        }
    }
}

//! Hash keys: the 128-bit space that shards divide among themselves.

use std::fmt;
use std::str::FromStr;

use md5::{Digest as _, Md5};

/// A point in the hash space, 0 to 2^128 - 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct HashKey(pub u128);

/// A text that is not a decimal number from 0 to 2^128 - 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a hash key: a decimal number from 0 to 2^128 - 1 without leading zeros")]
pub struct HashKeyError(String);

impl HashKey {
    /// 2^128 - 1.
    pub const MAX: Self = Self(u128::MAX);

    /// Where a partition key falls: the MD5 of its UTF-8 bytes as an unsigned big-endian number (API reference,
    /// PutRecord).
    pub fn of_partition_key(key: &str) -> Self {
        Self(u128::from_be_bytes(Md5::digest(key.as_bytes()).into()))
    }

    /// Where the partition key made of `parts` in a row falls, without putting it together first.
    pub fn of_partition_key_parts(parts: &[&str]) -> Self {
        let mut digest = Md5::new();
        for part in parts {
            digest.update(part.as_bytes());
        }
        Self(u128::from_be_bytes(digest.finalize().into()))
    }

    /// The lane of this hash key: its top 16 bits. Order is checked per lane, as a stand-in for per key.
    pub const fn lane(self) -> u16 {
        (self.0 >> 112) as u16
    }
}

impl FromStr for HashKey {
    type Err = HashKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let well_formed = text == "0" || (text.starts_with(|c: char| ('1'..='9').contains(&c)));
        if !well_formed || !text.bytes().all(|c| c.is_ascii_digit()) {
            return Err(HashKeyError(text.to_owned()));
        }
        text.parse()
            .map(Self)
            .map_err(|_| HashKeyError(text.to_owned()))
    }
}

impl fmt::Display for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An inclusive range of hash keys; `start <= end`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct HashKeyRange {
    /// The first hash key of the range.
    pub start: HashKey,
    /// The last hash key of the range.
    pub end: HashKey,
}

impl HashKeyRange {
    /// The whole space.
    pub const FULL: Self = Self {
        start: HashKey(0),
        end: HashKey::MAX,
    };

    /// Whether `key` falls into the range.
    pub fn contains(&self, key: HashKey) -> bool {
        self.start <= key && key <= self.end
    }

    /// The part of the whole space that this range covers, 0 to 1.
    pub fn share(&self) -> f64 {
        ((self.end.0 - self.start.0) as f64 + 1.0) / 2f64.powi(128)
    }

    /// The ranges of a new stream of `shards` shards: equal widths of `floor(2^128 / shards)`, the last one up to
    /// 2^128 - 1 (kinesalite's test against the service for 3 shards). Empty for zero shards.
    pub fn initial(shards: u32) -> Vec<Self> {
        if shards <= 1 {
            return vec![Self::FULL; shards as usize];
        }
        let count = u128::from(shards);
        // 2^128 itself does not fit: floor(2^128 / n) = floor((2^128 - 1) / n), one more where n divides 2^128.
        let width = u128::MAX / count + u128::from(u128::MAX % count == count - 1);
        (0..count)
            .map(|index| Self {
                start: HashKey(index * width),
                end: if index + 1 == count {
                    HashKey::MAX
                } else {
                    HashKey((index + 1) * width - 1)
                },
            })
            .collect()
    }
}

/// What keeps ranges from holding every hash key exactly once. Displayed as what is wrong with them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RangeFlaw {
    /// No range holds this hash key, the first such.
    Hole(HashKey),
    /// Two ranges hold this hash key, the first such.
    Overlap(HashKey),
}

impl RangeFlaw {
    /// The first flaw of ranges in any order; nothing when they hold every hash key exactly once.
    pub fn of(ranges: impl IntoIterator<Item = HashKeyRange>) -> Option<Self> {
        let mut ranges: Vec<_> = ranges.into_iter().collect();
        ranges.sort_unstable_by_key(|range| (range.start, range.end));
        // The first hash key that is still to be held; nothing once the last one is.
        let mut next = Some(HashKey(0));
        for range in ranges {
            match next {
                Some(next) if range.start > next => return Some(Self::Hole(next)),
                Some(next) if range.start == next => {}
                _ => return Some(Self::Overlap(range.start)),
            }
            next = range.end.0.checked_add(1).map(HashKey);
        }
        next.map(Self::Hole)
    }
}

impl fmt::Display for RangeFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hole(key) => write!(f, "no shard has hash key {key}"),
            Self::Overlap(key) => write!(f, "two shards have hash key {key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_an_overlap_and_a_range_that_is_missing_at_either_end_are_found() {
        let range = |start, end| HashKeyRange {
            start: HashKey(start),
            end: HashKey(end),
        };
        for shards in [1, 2, 3, 7, 64] {
            let mut ranges = HashKeyRange::initial(shards);
            ranges.reverse();
            assert_eq!(RangeFlaw::of(ranges), None);
        }
        let halves = HashKeyRange::initial(2);
        let middle = halves[1].start;
        let found = |ranges: &[HashKeyRange]| RangeFlaw::of(ranges.iter().copied());
        assert_eq!(found(&[]), Some(RangeFlaw::Hole(HashKey(0))));
        assert_eq!(found(&halves[..1]), Some(RangeFlaw::Hole(middle)));
        assert_eq!(found(&halves[1..]), Some(RangeFlaw::Hole(HashKey(0))));
        let hole = [range(0, 9), range(11, u128::MAX)];
        assert_eq!(found(&hole), Some(RangeFlaw::Hole(HashKey(10))));
        let overlap = [range(0, 9), range(9, u128::MAX)];
        assert_eq!(found(&overlap), Some(RangeFlaw::Overlap(HashKey(9))));
        let twice = [halves[0], halves[1], halves[1]];
        assert_eq!(found(&twice), Some(RangeFlaw::Overlap(middle)));
        let within = [HashKeyRange::FULL, range(5, 6)];
        assert_eq!(found(&within), Some(RangeFlaw::Overlap(HashKey(5))));
    }

    #[test]
    fn three_initial_shards_have_the_ranges_that_the_service_gave() {
        let ranges = HashKeyRange::initial(3);
        let text: Vec<_> = ranges
            .iter()
            .map(|r| (r.start.to_string(), r.end.to_string()))
            .collect();
        assert_eq!(
            text[0],
            ("0".into(), "113427455640312821154458202477256070484".into())
        );
        assert_eq!(text[1].0, "113427455640312821154458202477256070485");
        assert_eq!(text[1].1, "226854911280625642308916404954512140969");
        assert_eq!(text[2].0, "226854911280625642308916404954512140970");
        assert_eq!(text[2].1, "340282366920938463463374607431768211455");
    }

    #[test]
    fn initial_ranges_cover_the_space_without_gap_or_overlap() {
        for shards in [1, 2, 3, 4, 5, 7, 64, 1000] {
            let ranges = HashKeyRange::initial(shards);
            assert_eq!(ranges.len(), shards as usize);
            assert_eq!(ranges[0].start, HashKey(0));
            assert_eq!(ranges.last().unwrap().end, HashKey::MAX);
            for pair in ranges.windows(2) {
                assert_eq!(pair[0].end.0 + 1, pair[1].start.0);
            }
        }
        assert_eq!(HashKeyRange::initial(4)[1].start.0, 1 << 126);
    }

    #[test]
    fn a_partition_key_hashes_as_unsigned_big_endian_md5() {
        // MD5("a") = 0cc175b9c0f1b6a831c399e269772661 (RFC 1321, appendix A.5).
        assert_eq!(
            HashKey::of_partition_key("a"),
            HashKey(0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661)
        );
        assert_eq!(HashKey::of_partition_key("a").lane(), 0x0cc1);
        assert_eq!(
            HashKey::of_partition_key_parts(&["key-", "", "17"]),
            HashKey::of_partition_key("key-17")
        );
    }

    #[test]
    fn hash_keys_are_plain_decimal_numbers_below_two_to_the_128() {
        assert_eq!("0".parse(), Ok(HashKey(0)));
        assert_eq!(u128::MAX.to_string().parse(), Ok(HashKey::MAX));
        for text in [
            "",
            "01",
            "-1",
            "340282366920938463463374607431768211456",
            "1e3",
            "+1",
        ] {
            assert!(text.parse::<HashKey>().is_err(), "{text}");
        }
    }
}

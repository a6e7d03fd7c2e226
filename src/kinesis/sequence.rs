//! Sequence numbers: 56 decimal digits that hold the shard, its creation, a counter and a time.
//!
//! Layout of version 2 in 47 hexadecimal digits, as kinesalite found it on the service and as numbers of 2025 and 2026
//! still decode (flink-connector-aws issues 224 and 243): `2`, shard creation second (9), low nibble of the shard
//! number (1), counter (16), `00`, record second (9), shard number (8), `2`.

use std::fmt;
use std::str::FromStr;

use super::names::ShardId;

/// A sequence number of up to 192 bits. Ordered as a number; only numbers of one shard are comparable in meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SequenceNumber {
    high: u64,
    middle: u64,
    low: u64,
}

/// A text that is not a decimal number of at most 192 bits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a sequence number: a decimal number without leading zeros, at most 58 digits, below 2^192"
)]
pub struct SequenceNumberError(String);

/// What a version-2 sequence number says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SequenceParts {
    /// When the shard was created, seconds since the epoch.
    pub shard_created_s: u64,
    /// The shard.
    pub shard: ShardId,
    /// The record counter, 0 to 2^63 - 1.
    pub counter: u64,
    /// When the record was stored, seconds since the epoch.
    pub time_s: u64,
}

/// The counter of a closed shard's ending sequence number.
pub const ENDING_COUNTER: u64 = 0x7fff_ffff_ffff_ffff;

/// Creation seconds at or above this do not encode (kinesalite, from the service's answers).
pub const CREATED_S_LIMIT: u64 = 16_025_175_000;

impl SequenceParts {
    /// Packs the parts. Times are cut to 36 bits and the counter to 63, which no valid value exceeds.
    pub const fn encode(self) -> SequenceNumber {
        // Bits, from the top of 188: 4 version mark, 36 created, 4 shard nibble, 64 counter, 8 zero, 36 time,
        // 32 shard, 4 version.
        let created = (self.shard_created_s & 0xf_ffff_ffff) as u128;
        let shard = self.shard.number() as u128;
        let top: u128 = (0x2 << 40) | (created << 4) | (shard & 0xf);
        let counter = (self.counter & ENDING_COUNTER) as u128;
        let time = (self.time_s & 0xf_ffff_ffff) as u128;
        let bottom: u128 = (time << 36) | (shard << 4) | 0x2;
        // `bottom` is 80 bits with its zero byte, `counter` 64, `top` 44.
        let low = bottom as u64;
        let middle = ((bottom >> 64) as u64) | ((counter << 16) as u64);
        let high = ((counter >> 48) as u64) | ((top << 16) as u64);
        SequenceNumber { high, middle, low }
    }
}

impl SequenceNumber {
    /// The number of a record that arrived in the second `arrival_s`. Its second is not before its shard's creation: a
    /// child's creation second is the one after its parent's end (`shard_created_s`), but it takes records at once.
    pub const fn of_record(
        shard: ShardId,
        shard_created_s: u64,
        counter: u64,
        arrival_s: u64,
    ) -> Self {
        let time_s = if arrival_s < shard_created_s {
            shard_created_s
        } else {
            arrival_s
        };
        SequenceParts {
            shard_created_s,
            shard,
            counter,
            time_s,
        }
        .encode()
    }

    /// Above every number that a record can have.
    pub const MAX: Self = Self {
        high: u64::MAX,
        middle: u64::MAX,
        low: u64::MAX,
    };

    /// What the number says; `None` unless it is a valid version-2 number.
    pub fn decode(self) -> Option<SequenceParts> {
        let top = self.high >> 16;
        let counter = ((self.high & 0xffff) << 48) | (self.middle >> 16);
        let bottom = (u128::from(self.middle & 0xffff) << 64) | u128::from(self.low);
        let zero = (bottom >> 72) as u64;
        let time_s = ((bottom >> 36) & 0xf_ffff_ffff) as u64;
        let shard_number = ((bottom >> 4) & 0xffff_ffff) as u32;
        let shard_created_s = (top >> 4) & 0xf_ffff_ffff;
        let valid = top >> 40 == 0x2
            && zero == 0
            && bottom & 0xf == 0x2
            && counter <= ENDING_COUNTER
            && u64::from(shard_number & 0xf) == top & 0xf
            && shard_created_s < CREATED_S_LIMIT;
        let shard = ShardId::new(shard_number)?;
        valid.then_some(SequenceParts {
            shard_created_s,
            shard,
            counter,
            time_s,
        })
    }

    /// The number as 24 big-endian bytes.
    pub fn to_be_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.high.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.middle.to_be_bytes());
        bytes[16..].copy_from_slice(&self.low.to_be_bytes());
        bytes
    }

    /// The number that [`Self::to_be_bytes`] gave.
    pub fn from_be_bytes(bytes: [u8; 24]) -> Self {
        let part = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[at..at + 8]);
            u64::from_be_bytes(eight)
        };
        Self {
            high: part(0),
            middle: part(8),
            low: part(16),
        }
    }
}

/// The most decimal digits that fit into 64 bits whatever they are.
const CHUNK: u64 = 10_000_000_000_000_000_000;

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut limbs = [self.high, self.middle, self.low];
        let mut chunks = [0u64; 4];
        for chunk in chunks.iter_mut().rev() {
            let mut remainder = 0u128;
            for limb in &mut limbs {
                let value = (remainder << 64) | u128::from(*limb);
                *limb = (value / u128::from(CHUNK)) as u64;
                remainder = value % u128::from(CHUNK);
            }
            *chunk = remainder as u64;
        }
        let first = chunks.iter().position(|&chunk| chunk != 0).unwrap_or(3);
        write!(f, "{}", chunks[first])?;
        chunks[first + 1..]
            .iter()
            .try_for_each(|chunk| write!(f, "{chunk:019}"))
    }
}

impl fmt::Debug for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SequenceNumber {
    type Err = SequenceNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || SequenceNumberError(text.to_owned());
        let plain = text == "0" || (!text.starts_with('0') && !text.is_empty());
        if !plain || !text.bytes().all(|c| c.is_ascii_digit()) {
            return Err(refuse());
        }
        let mut limbs = [0u64; 3];
        // As many digits at a time as 64 bits hold: every acknowledged record brings such a text.
        for digits in text.as_bytes().chunks(19) {
            let number = digits
                .iter()
                .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
            let mut carry = u128::from(number);
            let base = u128::from(10u64.pow(digits.len() as u32));
            for limb in limbs.iter_mut().rev() {
                let value = u128::from(*limb) * base + carry;
                *limb = value as u64;
                carry = value >> 64;
            }
            if carry != 0 {
                return Err(refuse());
            }
        }
        let [high, middle, low] = limbs;
        Ok(Self { high, middle, low })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(created: u64, shard: u32, counter: u64, time_s: u64) -> SequenceParts {
        SequenceParts {
            shard_created_s: created,
            shard: ShardId::new(shard).unwrap(),
            counter,
            time_s,
        }
    }

    #[test]
    fn a_number_of_192_bits_has_58_digits_and_one_more_is_too_many() {
        let text = SequenceNumber::MAX.to_string();
        assert_eq!(text.len(), 58);
        assert_eq!(text.parse::<SequenceNumber>().unwrap(), SequenceNumber::MAX);
        let error = format!("{text}0").parse::<SequenceNumber>().unwrap_err();
        assert!(error.to_string().contains("at most 58 digits"), "{error}");
    }

    #[test]
    fn a_number_has_56_digits_and_begins_with_49() {
        let text = parts(1_700_000_000, 3, 1, 1_700_000_100)
            .encode()
            .to_string();
        assert_eq!(text.len(), 56);
        assert!(text.starts_with("49"), "{text}");
    }

    #[test]
    fn the_hexadecimal_layout_is_the_services() {
        let bytes = parts(0x1_2345_6789, 0x1f, 0x42, 0x1_2345_678a)
            .encode()
            .to_be_bytes();
        let hex = bytes
            .iter()
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert_eq!(
            &hex[1..],
            "2".to_owned()
                + "123456789"
                + "f"
                + "0000000000000042"
                + "00"
                + "12345678a"
                + "0000001f"
                + "2"
        );
    }

    #[test]
    fn neighbouring_initial_shards_differ_by_two_to_the_144_plus_16() {
        // 2^144 is bit 16 of the high limb; 16 is bit 4 of the low one.
        let (a, b) = (
            parts(1_700_000_000, 0, 0, 1_700_000_000).encode(),
            parts(1_700_000_000, 1, 0, 1_700_000_000).encode(),
        );
        assert_eq!(
            (b.high - a.high, b.middle - a.middle, b.low - a.low),
            (1 << 16, 0, 16)
        );
    }

    #[test]
    fn the_sample_in_the_documentation_is_not_a_version_2_number() {
        let sample: SequenceNumber = "49543463076548007577105092703039560359975228518395012686"
            .parse()
            .unwrap();
        assert_eq!(sample.decode(), None);
    }

    proptest! {
        #[test]
        fn encoding_then_decoding_gives_the_parts_back(created in 0..CREATED_S_LIMIT, shard in 0..=i32::MAX as u32,
                counter in 0..=ENDING_COUNTER, time_s in 0..(1u64 << 36)) {
            let parts = parts(created, shard, counter, time_s);
            let number = parts.encode();
            prop_assert_eq!(number.decode(), Some(parts));
            prop_assert_eq!(number.to_string().parse::<SequenceNumber>().unwrap(), number);
            prop_assert_eq!(SequenceNumber::from_be_bytes(number.to_be_bytes()), number);
        }

        #[test]
        fn a_later_counter_gives_a_greater_number(counter in 0..ENDING_COUNTER, time_s in 0..(1u64 << 36), later in 0..(1u64 << 36)) {
            prop_assert!(parts(1, 5, counter, time_s).encode() < parts(1, 5, counter + 1, later).encode());
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,80}") {
            let _ = text.parse::<SequenceNumber>().map(SequenceNumber::decode);
        }
    }
}

//! Where a sequence number of any version says that it comes from. The service still takes apart numbers of versions
//! that it has not given out for years, and each kind is refused in its own way. Layouts and checks are those that
//! kinesalite's source has and its tests held against the service.
//!
//! Version 1 in 47 hexadecimal digits: `2`, shard creation second (9), (1), (2), record second (9), (16), shard (8), `1`.
//! Version 0 in 32: `1`, shard creation second (9), (18), shard (4); the leading `1` may be missing.

use std::fmt;

use super::sequence::{CREATED_S_LIMIT, ENDING_COUNTER, SequenceNumber};

/// Whose a number is and from when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The layout that it has.
    pub version: Version,
    /// The shard.
    pub shard: EncodedShard,
    /// When that shard was created, seconds since the epoch; below 2^36.
    pub shard_created_s: u64,
    /// When the record was stored, seconds since the epoch; version 0 does not say.
    pub time_s: Option<u64>,
}

/// A layout of sequence numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "the service's own numbers")]
pub enum Version {
    V0,
    V1,
    V2,
}

/// A shard as a number names it: 32 bits with a sign, so that it may be none that can exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EncodedShard(pub i32);

impl fmt::Display for EncodedShard {
    /// As the service prints it: `shardId--02147483648` for the least.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shardId-{:012}", self.0)
    }
}

/// Why a number has no origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoOrigin {
    /// It has the form of version 3, on which the service fails in some calls.
    Version3,
    /// It has no form that the service knows.
    Invalid,
}

impl SequenceNumber {
    /// What the number says of its origin, whatever its version. It need not be one that any shard gave out.
    ///
    /// # Errors
    /// [`NoOrigin`] for what the service does not take apart.
    pub fn origin(self) -> Result<Origin, NoOrigin> {
        let bytes = self.to_be_bytes();
        let field = |from: usize, digits: usize| {
            // Digits count from the first of the 47 that versions 1 and 2 have; 48 fill the bytes.
            (from + 1..from + 1 + digits).fold(0, |value, digit| {
                let byte = bytes[digit / 2];
                let nibble = if digit % 2 == 0 {
                    byte >> 4
                } else {
                    byte & 0xf
                };
                (value << 4) | u64::from(nibble)
            })
        };
        let value = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |value, &b| (value << 8) | u128::from(b))
        };
        let low = value(&bytes[8..]);
        match value(&bytes[..8]) {
            0 => version_0(low),
            // The 33rd digit of a number below 2^129 is a 1: the service looks at the first 32.
            1 => version_0((1 << 124) | (low >> 4)),
            _ if bytes[0] != 0x02 => Err(NoOrigin::Invalid),
            _ => {
                let (version, time) = match field(46, 1) {
                    1 => (Version::V1, field(13, 9)),
                    2 if field(11, 16) <= ENDING_COUNTER => (Version::V2, field(29, 9)),
                    3 => return Err(NoOrigin::Version3),
                    _ => return Err(NoOrigin::Invalid),
                };
                Ok(Origin {
                    version,
                    shard: EncodedShard((field(38, 8) as u32).cast_signed()),
                    shard_created_s: field(1, 9),
                    time_s: Some(time),
                })
            }
        }
    }
}

fn version_0(number: u128) -> Result<Origin, NoOrigin> {
    let number = if number < 1 << 124 {
        number + (1 << 124)
    } else {
        number
    };
    let shard_created_s = (number >> 88) as u64 & 0xf_ffff_ffff;
    if shard_created_s >= CREATED_S_LIMIT {
        return Err(NoOrigin::Invalid);
    }
    Ok(Origin {
        version: Version::V0,
        shard: EncodedShard((number & 0xffff) as i32),
        shard_created_s,
        time_s: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::ShardId;
    use crate::kinesis::sequence::SequenceParts;
    use proptest::prelude::*;

    /// A number from hexadecimal digits.
    fn hex(digits: &str) -> SequenceNumber {
        let padded = format!("{digits:0>48}");
        let mut bytes = [0; 24];
        for (byte, at) in bytes.iter_mut().zip((0..48).step_by(2)) {
            *byte = u8::from_str_radix(&padded[at..at + 2], 16).unwrap();
        }
        SequenceNumber::from_be_bytes(bytes)
    }

    fn origin(digits: &str) -> Result<(Version, i32, u64, Option<u64>), NoOrigin> {
        let origin = hex(digits).origin()?;
        Ok((
            origin.version,
            origin.shard.0,
            origin.shard_created_s,
            origin.time_s,
        ))
    }

    #[test]
    fn versions_0_1_and_2_say_their_shard_and_their_times() {
        assert_eq!(origin("5"), Ok((Version::V0, 5, 0, None)));
        assert_eq!(
            origin("f3bb2cc3d7ff7fffffffffffffff0001"),
            Ok((Version::V0, 1, 0x3_bb2c_c3d7, None))
        );
        assert_eq!(
            origin("1f3bb2cc3d7ff7fffffffffffffff0001"),
            origin("1f3bb2cc3d7ff7fffffffffffffff000")
        );
        assert_eq!(
            origin("21234567890cc0abcdef120123456789abcdef000000071"),
            Ok((Version::V1, 7, 0x1_2345_6789, Some(0x0_abcd_ef12)))
        );
        assert_eq!(
            origin("2123456789f000000000000004200123456789000000ff2"),
            Ok((Version::V2, 0xff, 0x1_2345_6789, Some(0x1_2345_6789)))
        );
    }

    #[test]
    fn a_shard_number_has_a_sign_and_is_printed_with_twelve_places() {
        let number = hex("20000000000000000000000000000000000000800000002");
        let shard = number.origin().unwrap().shard;
        assert_eq!(shard.to_string(), "shardId--02147483648");
        assert_eq!(EncodedShard(5).to_string(), "shardId-000000000005");
    }

    #[test]
    fn what_the_service_does_not_take_apart_has_no_origin() {
        for digits in [
            // A date too large, a counter with its highest bit, other versions, and numbers beyond both ends.
            "13bb2cc3d80000000000000000000000",
            "20000000000800000000000000000000000000000000002",
            "20000000000000000000000000000000000000000000000",
            "20000000000000000000000000000000000000000000004",
            "30000000000000000000000000000000000000000000001",
            "1ffffffffff7fffffffffffffff000000000007fffffff2",
            "200000000000000000000000000000000",
            "120000000000000000000000000000000000000000000002",
        ] {
            assert_eq!(hex(digits).origin(), Err(NoOrigin::Invalid), "{digits}");
        }
        let third = hex("20000000000000000000000000000000000000000000003");
        assert_eq!(third.origin(), Err(NoOrigin::Version3));
    }

    proptest! {
        #[test]
        fn a_number_that_a_shard_gives_out_says_what_it_was_made_of(created in 0..CREATED_S_LIMIT,
                shard in 0..=i32::MAX, counter in 0..=ENDING_COUNTER, time_s in 0..(1u64 << 36)) {
            let parts = SequenceParts {
                shard_created_s: created,
                shard: ShardId::new(shard.unsigned_abs()).unwrap(),
                counter,
                time_s,
            };
            let origin = parts.encode().origin().unwrap();
            prop_assert_eq!(origin.version, Version::V2);
            prop_assert_eq!(origin.shard, EncodedShard(shard));
            prop_assert_eq!((origin.shard_created_s, origin.time_s), (created, Some(time_s)));
        }

        #[test]
        fn no_number_makes_it_panic(bytes in any::<[u8; 24]>(), zeros in 0..24usize) {
            let mut bytes = bytes;
            bytes[..zeros].fill(0);
            let _ = SequenceNumber::from_be_bytes(bytes).origin();
        }
    }
}

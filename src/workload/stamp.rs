//! The stamp that a record carries, by which a consumer knows who meant to send it and when, and that it is whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use crc32fast::Hasher;

use crate::base::Timestamp;

/// Who meant to send a record and when.
///
/// Its 36 bytes, big-endian: magic 2, version 1, flags 1 (zero), run 4, producer 2, worker 2, sequence 8, lane sequence 4,
/// intended time 8 (ns since the epoch), CRC32 4 (of the whole data but for these four bytes).
///
/// They are the first bytes of a record's data, or the last member of a JSON object: `"_sg":"` and 48 characters of base64
/// and `"}` are then the last bytes of the data. There the CRC is of the data up to the base64, the first 32 bytes of the
/// stamp as they are before they become base64, and the `"}`. 36 bytes are 48 characters without padding or spare bits, so
/// that no other text means the same stamp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// The run, to tell its records from others on the same stream.
    pub run: u32,
    /// The producer's index in the scenario.
    pub producer: u16,
    /// The worker's index in the producer.
    pub worker: u16,
    /// The record's number in the worker, from 0.
    pub sequence: u64,
    /// The record's number in the worker's lane, from 0.
    pub lane_sequence: u32,
    /// When it was meant to be sent.
    pub intended: Timestamp,
}

/// Why no stamp could be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StampError {
    /// Too short, or it does not begin as a stamp of this version does: somebody else's record.
    #[error("the record has no stamp of version {VERSION}")]
    Absent,
    /// It begins as a stamp does, but the data is not what was sent.
    #[error("the record's checksum does not fit its data")]
    Corrupt,
}

const MAGIC: [u8; 2] = *b"sg";
const VERSION: u8 = 1;
/// Where the checksum begins.
const CRC_AT: usize = Stamp::BYTES - 4;

/// What stands before the base64 of a stamp, and what behind it at the end of the data.
const FIELD_HEAD: &[u8; 7] = b"\"_sg\":\"";
const FIELD_TAIL: &[u8; 2] = b"\"}";
/// A stamp as base64.
const TEXT_BYTES: usize = Stamp::BYTES / 3 * 4;

impl Stamp {
    /// The number of no producer: records with it measure clocks and are nobody's load.
    pub const PROBE: u16 = u16::MAX;

    /// Whether it is a probe of this run, and no record of a producer.
    pub const fn is_probe_of(&self, run: u32) -> bool {
        self.producer == Self::PROBE && self.run == run
    }

    /// How many bytes a stamp takes.
    pub const BYTES: usize = 36;

    /// How many bytes the member of a stamp takes, without a comma before it: `"_sg":"`, the base64, `"`.
    pub const FIELD_BYTES: usize = FIELD_HEAD.len() + TEXT_BYTES + 1;

    fn head(&self) -> [u8; CRC_AT] {
        let mut head = [0; CRC_AT];
        head[0..2].copy_from_slice(&MAGIC);
        head[2] = VERSION;
        head[4..8].copy_from_slice(&self.run.to_be_bytes());
        head[8..10].copy_from_slice(&self.producer.to_be_bytes());
        head[10..12].copy_from_slice(&self.worker.to_be_bytes());
        head[12..20].copy_from_slice(&self.sequence.to_be_bytes());
        head[20..24].copy_from_slice(&self.lane_sequence.to_be_bytes());
        head[24..32].copy_from_slice(&self.intended.as_nanos().to_be_bytes());
        head
    }

    /// Appends the member that [`Self::write_field`] writes into, with room for the stamp. The object's brace is to follow.
    pub fn append_field(data: &mut Vec<u8>) {
        data.extend_from_slice(FIELD_HEAD);
        data.resize(data.len() + TEXT_BYTES, b'A');
        data.push(FIELD_TAIL[0]);
    }

    /// Writes the stamp into the last member of a record's whole data, which [`Self::append_field`] and a brace have ended.
    /// Other data stays as it is, and reads as [`StampError::Absent`].
    pub fn write_field(&self, data: &mut [u8]) {
        let Some((text, tail)) = field(data) else {
            return;
        };
        let mut stamp = [0; Self::BYTES];
        stamp[..CRC_AT].copy_from_slice(&self.head());
        let crc = checksum(&[&data[..text], &stamp[..CRC_AT], &data[tail..]]);
        stamp[CRC_AT..].copy_from_slice(&crc.to_be_bytes());
        // The room is exact, so that this cannot fail; what was not written would read as absent.
        let _ = STANDARD_NO_PAD.encode_slice(stamp, &mut data[text..tail]);
    }

    /// Reads the stamp of a record's whole data wherever it stands, and checks all of it. Finding it takes no search.
    ///
    /// # Errors
    /// [`StampError::Absent`] for data that nobody stamped, [`StampError::Corrupt`] for data that changed on its way.
    pub fn find(data: &[u8]) -> Result<Self, StampError> {
        match Self::read(data) {
            Err(StampError::Absent) => Self::read_field(data),
            found => found,
        }
    }

    /// Reads the stamp from the last member of a record's whole data.
    fn read_field(data: &[u8]) -> Result<Self, StampError> {
        let (text, tail) = field(data).ok_or(StampError::Absent)?;
        let mut stamp = [0; Self::BYTES];
        match STANDARD_NO_PAD.decode_slice(&data[text..tail], &mut stamp) {
            Ok(Self::BYTES) => {}
            _ => return Err(StampError::Corrupt),
        }
        let crc = checksum(&[&data[..text], &stamp[..CRC_AT], &data[tail..]]);
        // A member of the name is ours, whatever became of it.
        Self::fields(&stamp, crc).map_err(|_| StampError::Corrupt)
    }

    /// Writes the stamp into the first [`Self::BYTES`] bytes of a record's whole data, which holds its payload already.
    /// Data that is too short stays as it is, and reads as [`StampError::Absent`].
    pub fn write(&self, data: &mut [u8]) {
        let Some((head, payload)) = data.split_first_chunk_mut::<{ Self::BYTES }>() else {
            return;
        };
        head[..CRC_AT].copy_from_slice(&self.head());
        let crc = checksum(&[&head[..CRC_AT], payload]);
        head[CRC_AT..].copy_from_slice(&crc.to_be_bytes());
    }

    /// Reads the stamp from the first bytes of a record's whole data and checks all of it.
    ///
    /// # Errors
    /// [`StampError::Absent`] for data that nobody stamped, [`StampError::Corrupt`] for data that changed on its way.
    pub fn read(data: &[u8]) -> Result<Self, StampError> {
        let (head, payload) = data
            .split_first_chunk::<{ Self::BYTES }>()
            .ok_or(StampError::Absent)?;
        // Most data without a stamp is told apart without reading it all.
        if !head.starts_with(&MAGIC) {
            return Err(StampError::Absent);
        }
        let crc = checksum(&[&head[..CRC_AT], payload]);
        Self::fields(head, crc)
    }

    /// The fields of a stamp whose data has this checksum.
    fn fields(stamp: &[u8; Self::BYTES], crc: u32) -> Result<Self, StampError> {
        let mut fields = Fields(stamp);
        if fields.take() != MAGIC || fields.take() != [VERSION] {
            return Err(StampError::Absent);
        }
        let [_flags] = fields.take();
        let stamp = Self {
            run: u32::from_be_bytes(fields.take()),
            producer: u16::from_be_bytes(fields.take()),
            worker: u16::from_be_bytes(fields.take()),
            sequence: u64::from_be_bytes(fields.take()),
            lane_sequence: u32::from_be_bytes(fields.take()),
            intended: Timestamp::from_nanos(u64::from_be_bytes(fields.take())),
        };
        if u32::from_be_bytes(fields.take()) == crc {
            Ok(stamp)
        } else {
            Err(StampError::Corrupt)
        }
    }
}

/// The bytes of a stamp not read so far.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// The next `N` bytes; zeros past the end, which the stamp's layout never reaches.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        self.0.split_first_chunk().map_or([0; N], |(field, rest)| {
            self.0 = rest;
            *field
        })
    }
}

fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

/// Of data that ends with a stamp as a member: where the base64 begins and where it ends.
fn field(data: &[u8]) -> Option<(usize, usize)> {
    let tail = data.len().checked_sub(FIELD_TAIL.len())?;
    let text = tail.checked_sub(TEXT_BYTES)?;
    let is_field = data[..text].ends_with(FIELD_HEAD) && data[tail..] == *FIELD_TAIL;
    is_field.then_some((text, tail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: Stamp = Stamp {
        run: 0x0102_0304,
        producer: 0x0506,
        worker: 0x0708,
        sequence: 0x090a_0b0c_0d0e_0f10,
        lane_sequence: 0x1112_1314,
        intended: Timestamp::from_nanos(0x1516_1718_191a_1b1c),
    };

    #[test]
    fn the_layout_is_the_contracts() {
        let mut data = [0xff; 40];
        SAMPLE.write(&mut data);
        assert_eq!(data[..4], [b's', b'g', 1, 0]);
        assert!(data[4..32].iter().copied().eq(1..=0x1c));
        let mut covered = data[..32].to_vec();
        covered.extend([0xff; 4]);
        assert_eq!(data[32..36], crc32fast::hash(&covered).to_be_bytes());
        assert_eq!(data[36..], [0xff; 4]);
    }

    #[test]
    fn data_that_nobody_stamped_is_absent() {
        let mut short = [7; 35];
        SAMPLE.write(&mut short);
        assert_eq!(short, [7; 35]);
        let mut other_version = [0; 36];
        SAMPLE.write(&mut other_version);
        other_version[2] = 2;
        for data in [&short[..], &[], &[0; 36], &other_version] {
            assert_eq!(Stamp::read(data), Err(StampError::Absent));
        }
    }

    /// An object with a stamp as its last member.
    fn object(members: &str, stamp: &Stamp) -> Vec<u8> {
        let mut data = format!("{{{members}").into_bytes();
        Stamp::append_field(&mut data);
        data.push(b'}');
        stamp.write_field(&mut data);
        data
    }

    #[test]
    fn a_stamp_is_the_last_member_of_an_object_and_is_told_from_one_before_the_data() {
        let data = object("\"a\":1,", &SAMPLE);
        let json: serde_json::Value = serde_json::from_slice(&data).unwrap();
        assert_eq!(json["a"], 1);
        assert_eq!(json["_sg"].as_str().map(str::len), Some(48));
        assert_eq!(data.len(), 7 + Stamp::FIELD_BYTES + 1);
        assert_eq!(Stamp::find(&data), Ok(SAMPLE));
        assert_eq!(Stamp::find(&object("", &SAMPLE)), Ok(SAMPLE));
        let mut before = [0; 50];
        SAMPLE.write(&mut before);
        assert_eq!(Stamp::find(&before), Ok(SAMPLE));
        for absent in [&b"{}"[..], b"", b"{\"_sg\":\"\"}"] {
            assert_eq!(Stamp::find(absent), Err(StampError::Absent));
        }
        let mut unstamped = b"{\"a\":1}".to_vec();
        SAMPLE.write_field(&mut unstamped);
        assert_eq!(unstamped, b"{\"a\":1}");
    }

    #[test]
    fn every_other_byte_anywhere_in_an_object_is_noticed() {
        let data = object("\"name\":\"value\",", &SAMPLE);
        for at in 0..data.len() {
            for change in 1..=255 {
                let mut changed = data.clone();
                changed[at] ^= change;
                assert!(Stamp::find(&changed).is_err(), "{at} {change}");
            }
        }
    }

    proptest! {
        #[test]
        fn an_object_that_changed_on_its_way_is_noticed(
                members in "[ -~]{0,200}", sequence in any::<u64>(), nanos in any::<u64>(),
                flips in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..4), place in any::<prop::sample::Index>(),
                more in prop::collection::vec(any::<u8>(), 1..4)) {
            let stamp = Stamp { sequence, intended: Timestamp::from_nanos(nanos), ..SAMPLE };
            let data = object(&members, &stamp);
            prop_assert_eq!(Stamp::find(&data), Ok(stamp));
            let mut changed = data.clone();
            for (at, change) in flips {
                changed[at.index(data.len())] ^= change;
            }
            if changed != data {
                prop_assert!(Stamp::find(&changed).is_err());
            }
            prop_assert!(Stamp::find(&data[..place.index(data.len())]).is_err());
            prop_assert!(Stamp::find(&data[1 + place.index(data.len())..]).is_err());
            prop_assert!(Stamp::find(&[&data[..], &more[..]].concat()).is_err());
        }

        #[test]
        fn a_stamp_reads_back_and_any_flipped_bit_or_lost_end_is_noticed(
                run in any::<u32>(), producer in any::<u16>(), worker in any::<u16>(), sequence in any::<u64>(),
                lane_sequence in any::<u32>(), nanos in any::<u64>(), payload in prop::collection::vec(any::<u8>(), 0..300),
                place in any::<prop::sample::Index>()) {
            let stamp = Stamp { run, producer, worker, sequence, lane_sequence, intended: Timestamp::from_nanos(nanos) };
            let mut data = vec![0; Stamp::BYTES];
            data.extend(&payload);
            stamp.write(&mut data);
            prop_assert_eq!(Stamp::read(&data), Ok(stamp));
            prop_assert_eq!(&data[Stamp::BYTES..], &payload);

            let cut = place.index(data.len());
            prop_assert!(Stamp::read(&data[..cut]).is_err());
            let bit = place.index(data.len() * 8);
            data[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Stamp::read(&data).is_err());
        }

        #[test]
        fn any_bytes_are_refused_without_a_panic(mut data in prop::collection::vec(any::<u8>(), 0..100), stamped in any::<bool>()) {
            if stamped && data.len() > 2 {
                data[..3].copy_from_slice(b"sg\x01");
            }
            prop_assert!(Stamp::read(&data).is_err());
            data.extend(b"\"_sg\":\"");
            data.resize(data.len() + 48, b'a');
            data.extend(b"\"}");
            prop_assert!(Stamp::find(&data).is_err());
        }
    }
}

//! Reading a recording whole.

use std::collections::HashMap;

use super::format::{Bytes, CRC_BYTES, DATA_BYTES_MAX, Header, KEY_BYTES_MAX, MAGIC, point};
use crate::kinesis::{HashKey, HashKeyRange};

/// A recording in the order of arrival. The three columns have one entry a record.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    /// What it is of.
    pub header: Header,
    /// Arrivals from the first record's, in milliseconds.
    pub times_ms: Vec<u64>,
    /// Places of the keys in `table`.
    pub keys: Vec<u32>,
    /// Bytes of data.
    pub sizes: Vec<u32>,
    /// The keys, in no order that means anything.
    pub table: Vec<TraceKey>,
}

/// A key of a recording. A key that lay in two shards with different points is two.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TraceKey {
    /// 40 bits of a keyed hash of it.
    pub id: u64,
    /// Its length in bytes.
    pub bytes: u32,
    /// The hash key that it is played with.
    pub point: HashKey,
}

/// Why bytes are no recording.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TraceError {
    /// Another file, or another version of this one.
    #[error("it does not begin with `streamgauge-trace 1`")]
    NotATrace,
    /// Cut short or damaged.
    #[error("its checksum does not hold: the file is cut short or damaged")]
    Checksum,
    /// The header is none.
    #[error("its header, line 2, cannot be read: {0}")]
    Header(String),
    /// What follows is not what it should be.
    #[error("byte {at}: {what}")]
    Body {
        /// Where, from the file's beginning.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// Whether this is the beginning of a recording, of whatever version.
pub fn is_trace(bytes: &[u8]) -> bool {
    let name = MAGIC.split(|byte| *byte == b' ').next().unwrap_or(MAGIC);
    bytes.starts_with(name)
}

/// Reads a recording.
///
/// # Errors
/// When it is none, or not whole.
pub fn read(bytes: &[u8]) -> Result<Trace, TraceError> {
    let after_magic = bytes.strip_prefix(MAGIC).ok_or(TraceError::NotATrace)?;
    let (content, crc) = bytes
        .split_last_chunk::<CRC_BYTES>()
        .ok_or(TraceError::Checksum)?;
    if crc32fast::hash(content).to_le_bytes() != *crc {
        return Err(TraceError::Checksum);
    }
    let line_end = after_magic.iter().position(|byte| *byte == b'\n');
    let line_end = line_end.ok_or_else(|| TraceError::Header("it has no end".to_owned()))?;
    let header: Header = serde_json::from_slice(&after_magic[..line_end])
        .map_err(|error| TraceError::Header(error.to_string()))?;
    let ranges: Option<Vec<_>> = header
        .shards
        .iter()
        .map(super::ShardHeader::range)
        .collect();
    let ranges = ranges.ok_or_else(|| {
        TraceError::Header("a shard's range is not two decimal hash keys in order".to_owned())
    })?;
    let body_from = MAGIC.len() + line_end + 1;
    let body = content.get(body_from..).ok_or(TraceError::Checksum)?;
    let mut reader = Reader {
        bytes: Bytes { left: body },
        base_ms: header.base_ms,
        last_ms: vec![None; ranges.len()],
        ranges,
        known: Vec::new(),
        table: Vec::new(),
        places: HashMap::new(),
        records: Vec::new(),
    };
    while !reader.bytes.left.is_empty() {
        reader.block().map_err(|what| TraceError::Body {
            at: content.len() - reader.bytes.left.len(),
            what,
        })?;
    }
    if reader.records.len() as u64 != header.records {
        return Err(TraceError::Header(format!(
            "it says {} records, and there are {}",
            header.records,
            reader.records.len()
        )));
    }
    Ok(reader.finish(header))
}

/// A key as it was written.
#[derive(Clone, Copy)]
struct Written {
    lane: u16,
    id: u64,
    bytes: u32,
}

struct Record {
    at_ms: u64,
    key: u32,
    size: u32,
}

struct Reader<'a> {
    bytes: Bytes<'a>,
    base_ms: u64,
    ranges: Vec<HashKeyRange>,
    last_ms: Vec<Option<u64>>,
    known: Vec<Written>,
    table: Vec<TraceKey>,
    /// Places in the table. Only looked up.
    places: HashMap<TraceKey, u32>,
    records: Vec<Record>,
}

impl Reader<'_> {
    fn block(&mut self) -> Result<(), &'static str> {
        let cut = "the block ends in its middle";
        let shard = self.bytes.number().ok_or(cut)?;
        let shard = usize::try_from(shard).unwrap_or(usize::MAX);
        let range = *self.ranges.get(shard).ok_or("there is no such shard")?;
        let count = self.bytes.number().ok_or(cut)?;
        for _ in 0..count {
            let key = self.key(&range)?;
            let since = self.bytes.signed().ok_or(cut)?;
            let before = self.last_ms[shard].unwrap_or(self.base_ms);
            let at_ms = before
                .checked_add_signed(since)
                .ok_or("the arrival is no time")?;
            self.last_ms[shard] = Some(at_ms);
            let size = self.bytes.number().ok_or(cut)?;
            if size > DATA_BYTES_MAX {
                return Err("the record is larger than 10 MiB");
            }
            self.records.push(Record {
                at_ms,
                key,
                size: size as u32,
            });
        }
        Ok(())
    }

    fn key(&mut self, range: &HashKeyRange) -> Result<u32, &'static str> {
        let cut = "the key ends in its middle";
        let number = self.bytes.number().ok_or(cut)?;
        let written = if let Some(index) = number.checked_sub(1) {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            *self.known.get(index).ok_or("the key was not written yet")?
        } else {
            let lane = u16::from_be_bytes(self.bytes.take().ok_or(cut)?);
            let mut id = [0; 8];
            id[3..].copy_from_slice(&self.bytes.take::<5>().ok_or(cut)?);
            let bytes = self.bytes.number().ok_or(cut)?;
            if !(1..=KEY_BYTES_MAX).contains(&bytes) {
                return Err("the key's length is not 1 to 1,024 bytes");
            }
            let written = Written {
                lane,
                id: u64::from_be_bytes(id),
                bytes: bytes as u32,
            };
            self.known.push(written);
            written
        };
        let key = TraceKey {
            id: written.id,
            bytes: written.bytes,
            point: point(written.lane, range),
        };
        let next = self.table.len() as u32;
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            self.table.push(key);
        }
        Ok(place)
    }

    fn finish(mut self, header: Header) -> Trace {
        // Stable: records of one instant stay in the order of their shard.
        self.records.sort_by_key(|record| record.at_ms);
        let first = self.records.first().map_or(0, |record| record.at_ms);
        let times_ms = self.records.iter().map(|record| record.at_ms - first);
        Trace {
            header,
            times_ms: times_ms.collect(),
            keys: self.records.iter().map(|record| record.key).collect(),
            sizes: self.records.iter().map(|record| record.size).collect(),
            table: self.table,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::kinesis::record::OwnedRecord;
    use crate::kinesis::{RecordBatch, SequenceNumber, ShardId};
    use crate::trace::{Recorder, Salt};
    use proptest::prelude::*;

    const BASE_MS: u64 = 1_700_000_000_000;

    fn batch(records: &[(u64, &str, usize)]) -> RecordBatch {
        let records = records.iter().map(|&(at_ms, key, size)| OwnedRecord {
            sequence_number: SequenceNumber::default(),
            arrival: Timestamp::from_millis(BASE_MS + at_ms),
            partition_key: key.into(),
            data: vec![b'x'; size].into(),
        });
        RecordBatch::Owned(records.collect())
    }

    fn recorder(shards: u32) -> (Recorder, Vec<HashKeyRange>) {
        let recorder = Recorder::new(Salt::of(b"salt"));
        let ranges = HashKeyRange::initial(shards);
        for (number, range) in (0..).zip(&ranges) {
            recorder.shard(ShardId::new(number).unwrap(), *range);
        }
        let at = |ms| Timestamp::from_millis(BASE_MS + ms);
        recorder.open(&(at(0)..at(60_000)));
        (recorder, ranges)
    }

    fn take(recorder: &Recorder, shard: u32, records: &[(u64, &str, usize)]) {
        let shard = ShardId::new(shard).unwrap();
        recorder.take(shard, &batch(records), Timestamp::from_millis(BASE_MS));
    }

    fn written(recorder: &Recorder) -> Vec<u8> {
        let mut out = Vec::new();
        recorder.write("orders", &mut out).unwrap();
        out
    }

    /// A key whose MD5 falls into this range.
    fn key_in(range: &HashKeyRange) -> String {
        (0..1_000)
            .map(|n| format!("customer-{n}"))
            .find(|key| range.contains(HashKey::of_partition_key(key)))
            .unwrap()
    }

    #[test]
    fn a_recording_is_read_in_order_of_arrival_with_its_keys_where_they_fell() {
        let (recorder, ranges) = recorder(3);
        let keys: Vec<_> = ranges.iter().map(key_in).collect();
        take(&recorder, 1, &[(100, &keys[1], 700), (400, &keys[1], 0)]);
        take(&recorder, 0, &[(50, &keys[0], 30), (250, &keys[0], 90_000)]);
        take(&recorder, 1, &[(390, &keys[1], 5), (60_000, &keys[1], 1)]);
        let trace = read(&written(&recorder)).unwrap();
        assert_eq!(trace.times_ms, [0, 50, 200, 340, 350]);
        assert_eq!(trace.sizes, [30, 700, 90_000, 5, 0]);
        assert_eq!(trace.keys, [1, 0, 1, 0, 0]);
        let lane = |index: usize| HashKey::of_partition_key(&keys[index]).lane();
        assert_eq!(trace.table[0].point.lane(), lane(1));
        assert_eq!(trace.table[1].point.lane(), lane(0));
        assert_eq!(trace.table[0].bytes as usize, keys[1].len());
        let header = trace.header;
        assert_eq!(
            (header.records, header.keys, header.duration_ms),
            (5, 2, 350)
        );
        assert_eq!(header.shards.len(), 3);
        let key_bytes = 3 * keys[1].len() + 2 * keys[0].len();
        assert_eq!(header.bytes, 90_735 + key_bytes as u64);
    }

    #[test]
    fn a_key_that_its_md5_does_not_place_is_played_in_the_shard_that_had_it() {
        let (recorder, ranges) = recorder(4);
        let key = key_in(&ranges[0]);
        for shard in [0, 2, 3] {
            take(&recorder, shard, &[(1, &key, 1)]);
        }
        let trace = read(&written(&recorder)).unwrap();
        for (record, shard) in trace.keys.iter().zip([0, 2, 3]) {
            let point = trace.table[*record as usize].point;
            assert!(ranges[shard].contains(point), "{shard}: {point}");
        }
    }

    #[test]
    fn neither_key_nor_data_is_in_the_file() {
        let (recorder, ranges) = recorder(1);
        let key = key_in(&ranges[0]);
        take(&recorder, 0, &[(1, key.as_str(), 40); 200]);
        let file = written(&recorder);
        let has = |what: &[u8]| file.windows(what.len()).any(|window| window == what);
        assert!(!has(key.as_bytes()) && !has(b"customer") && !has(b"xxxx"));
        let hash = HashKey::of_partition_key(&key).0.to_be_bytes();
        assert!(!has(&hash[..4]), "16 bits of it are there, and no more");
    }

    #[test]
    fn a_record_takes_12_bytes_and_of_a_returning_key_at_most_6() {
        for (population, most) in [(20_000, 12.1), (500, 6.1)] {
            let (recorder, _) = recorder(1);
            let keys: Vec<_> = (0..20_000)
                .map(|n| format!("customer-{:08}", n % population))
                .collect();
            let records: Vec<_> = (0u64..)
                .zip(&keys)
                .map(|(n, key)| (n / 2, key.as_str(), 600 + n as usize % 300))
                .collect();
            for page in records.chunks(1_000) {
                take(&recorder, 0, page);
            }
            let bytes = written(&recorder).len() as f64 / 20_000.0;
            assert!(bytes <= most, "{population} keys: {bytes} bytes a record");
        }
    }

    #[test]
    fn a_recording_without_a_record_is_one() {
        let (recorder, _) = recorder(2);
        let trace = read(&written(&recorder)).unwrap();
        assert!(trace.times_ms.is_empty() && trace.table.is_empty());
    }

    #[test]
    fn what_is_no_recording_is_told() {
        assert_eq!(read(b"time,key\n"), Err(TraceError::NotATrace));
        assert!(is_trace(b"streamgauge-trace 2\n") && !is_trace(b"time,key\n"));
        assert_eq!(read(MAGIC), Err(TraceError::Checksum));
        let mut file = [MAGIC, b"{}\n"].concat();
        file.extend(crc32fast::hash(&file).to_le_bytes());
        assert!(matches!(read(&file), Err(TraceError::Header(_))));
    }

    /// The file with a right checksum whatever it holds.
    fn sealed(mut content: Vec<u8>) -> Vec<u8> {
        content.extend(crc32fast::hash(&content).to_le_bytes());
        content
    }

    proptest! {
        #[test]
        fn a_damaged_recording_is_refused_and_one_with_a_right_checksum_never_panics(
            place in any::<prop::sample::Index>(), flip in 1u8..,
        ) {
            let (recorder, ranges) = recorder(2);
            let key = key_in(&ranges[1]);
            take(&recorder, 1, &[(5, &key, 300), (6, &key, 400)]);
            let mut file = written(&recorder);
            let place = place.index(file.len());
            file[place] ^= flip;
            prop_assert!(read(&file).is_err());
            file.truncate(file.len() - CRC_BYTES);
            let _ = read(&sealed(file));
        }
    }
}

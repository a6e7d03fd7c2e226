//! Records on their way in and out, in forms that a batch moves through without an allocation per record.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::hash_key::HashKey;
use super::names::ShardId;
use super::sequence::SequenceNumber;
use crate::base::Timestamp;

/// One record to be put.
#[derive(Clone, Copy, Debug)]
pub struct PutEntry<'a> {
    /// 1 to 256 characters; empty for none, which only streams take that spread their records.
    pub partition_key: &'a str,
    /// The data blob.
    pub data: &'a [u8],
    /// Takes the place of the partition key's hash.
    pub explicit_hash_key: Option<HashKey>,
}

impl PutEntry<'_> {
    /// What limits and prices count: bytes of data plus bytes of the partition key.
    pub const fn billed_bytes(&self) -> u64 {
        (self.data.len() + self.partition_key.len()) as u64
    }
}

/// The records of one PutRecord or PutRecords attempt. The sender owns it and uses it again.
#[derive(Clone, Debug, Default)]
pub struct PutBatch {
    keys: String,
    data: Vec<u8>,
    entries: Vec<Span>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    key_end: u32,
    data_end: u32,
    explicit_hash_key: Option<HashKey>,
}

impl PutBatch {
    /// A batch with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.data.clear();
        self.entries.clear();
    }

    /// How many records it holds.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of data and partition keys together, as the service counts them.
    pub const fn billed_bytes(&self) -> u64 {
        (self.keys.len() + self.data.len()) as u64
    }

    /// Adds a record.
    pub fn push(&mut self, entry: PutEntry<'_>) {
        self.push_with(
            |key| key.push_str(entry.partition_key),
            |data| data.extend_from_slice(entry.data),
            entry.explicit_hash_key,
        );
    }

    /// Adds a record whose key and data are appended in place by the two functions.
    pub fn push_with(
        &mut self,
        key: impl FnOnce(&mut String),
        data: impl FnOnce(&mut Vec<u8>),
        explicit_hash_key: Option<HashKey>,
    ) {
        key(&mut self.keys);
        data(&mut self.data);
        self.entries.push(Span {
            key_end: self.keys.len() as u32,
            data_end: self.data.len() as u32,
            explicit_hash_key,
        });
    }

    /// The record at `index`.
    ///
    /// # Panics
    /// When `index` is not below [`Self::len`].
    pub fn entry(&self, index: usize) -> PutEntry<'_> {
        let span = self.entries[index];
        let (key_start, data_start) = match index {
            0 => (0, 0),
            _ => (
                self.entries[index - 1].key_end as usize,
                self.entries[index - 1].data_end as usize,
            ),
        };
        PutEntry {
            partition_key: &self.keys[key_start..span.key_end as usize],
            data: &self.data[data_start..span.data_end as usize],
            explicit_hash_key: span.explicit_hash_key,
        }
    }

    /// The records in request order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = PutEntry<'_>> {
        (0..self.len()).map(|index| self.entry(index))
    }
}

/// What one PUT payload unit holds of a record: 25 KB (pricing page). Whether that is 25,000 or 25,600 bytes, and that the
/// key counts, is unverified; the choice that costs more is taken.
pub const PUT_UNIT_BYTES: u64 = 25_000;

/// The PUT payload units of a record of so many billed bytes: begun ones count whole, and there is at least one.
pub const fn put_units(billed_bytes: u64) -> u64 {
    let units = billed_bytes.div_ceil(PUT_UNIT_BYTES);
    if units == 0 { 1 } else { units }
}

/// What on-demand streams round each record up to: 1 KB (pricing page). Whether the 1,024 bytes that the page names hold for
/// the bill is unverified; the choice that costs more is taken.
pub const KILOBYTE_BYTES: u64 = 1_000;

/// What bills count of records that were put, or may have been.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Billed {
    /// Bytes of data and partition keys.
    pub bytes: u64,
    /// PUT payload units, of provisioned streams.
    pub put_units: u64,
    /// Kilobytes with each record's begun one counted whole, of on-demand streams.
    pub kilobytes: u64,
}

impl Billed {
    /// One record of so many billed bytes.
    pub const fn record(billed_bytes: u64) -> Self {
        let kilobytes = billed_bytes.div_ceil(KILOBYTE_BYTES);
        Self {
            bytes: billed_bytes,
            put_units: put_units(billed_bytes),
            kilobytes: if kilobytes == 0 { 1 } else { kilobytes },
        }
    }

    /// At most what `count` records come to that have so many bytes together: each of them begins a unit.
    pub const fn at_most(count: u64, bytes: u64) -> Self {
        Self {
            bytes,
            put_units: count + bytes / PUT_UNIT_BYTES,
            kilobytes: count + bytes / KILOBYTE_BYTES,
        }
    }

    /// As many of the same.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self {
            bytes: self.bytes * count,
            put_units: self.put_units * count,
            kilobytes: self.kilobytes * count,
        }
    }

    /// Adds what was counted elsewhere.
    pub const fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.put_units += other.put_units;
        self.kilobytes += other.kilobytes;
    }
}

/// Bytes of a frame's header: counter 8, arrival in ms 6, key length 2, data length 4, all big-endian.
pub const FRAME_HEADER_BYTES: usize = 20;

/// The length of the frame that holds `entry`.
pub const fn frame_bytes(entry: &PutEntry<'_>) -> usize {
    FRAME_HEADER_BYTES + entry.partition_key.len() + entry.data.len()
}

/// Appends a stored record's frame: the form in which shards keep records and readers are given them.
pub fn write_frame(buffer: &mut BytesMut, counter: u64, arrival: Timestamp, entry: &PutEntry<'_>) {
    let arrival_and_key = (arrival.as_millis() << 16) | entry.partition_key.len() as u64;
    buffer.put_u64(counter);
    buffer.put_u64(arrival_and_key);
    buffer.put_u32(entry.data.len() as u32);
    buffer.put_slice(entry.partition_key.as_bytes());
    buffer.put_slice(entry.data);
}

/// One record as a reader sees it.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    /// Its sequence number.
    pub sequence_number: SequenceNumber,
    /// ApproximateArrivalTimestamp, to the millisecond.
    pub arrival: Timestamp,
    /// Its partition key; empty where it was put without one.
    pub partition_key: &'a str,
    /// Its data.
    pub data: &'a [u8],
}

/// A record that owns what it holds.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the members of RecordView")]
pub struct OwnedRecord {
    pub sequence_number: SequenceNumber,
    pub arrival: Timestamp,
    pub partition_key: Box<str>,
    pub data: Bytes,
}

/// The records of one read, in sequence order as the shard gave them.
#[derive(Clone, Debug)]
pub enum RecordBatch {
    /// Views of a shard's own memory.
    Frames(FrameBatch),
    /// Records that came from elsewhere.
    Owned(Vec<OwnedRecord>),
}

/// Whole frames of one shard.
#[derive(Clone, Debug)]
pub struct FrameBatch {
    /// The shard they are stored in.
    pub shard: ShardId,
    /// When that shard was created, seconds since the epoch: part of every sequence number.
    pub shard_created_s: u64,
    /// Slices that begin and end at frame boundaries.
    pub chunks: Vec<Bytes>,
    /// How many frames the chunks hold.
    pub count: usize,
}

impl Default for RecordBatch {
    fn default() -> Self {
        Self::Owned(Vec::new())
    }
}

impl RecordBatch {
    /// How many records it holds.
    pub const fn len(&self) -> usize {
        match self {
            Self::Frames(frames) => frames.count,
            Self::Owned(records) => records.len(),
        }
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records in order.
    pub fn iter(&self) -> Records<'_> {
        Records {
            batch: self,
            chunk: 0,
            at: 0,
        }
    }

    /// The records with their own memory, for changing them.
    pub fn to_owned_records(&self) -> Vec<OwnedRecord> {
        self.iter()
            .map(|record| OwnedRecord {
                sequence_number: record.sequence_number,
                arrival: record.arrival,
                partition_key: record.partition_key.into(),
                data: Bytes::copy_from_slice(record.data),
            })
            .collect()
    }
}

impl<'a> IntoIterator for &'a RecordBatch {
    type Item = RecordView<'a>;
    type IntoIter = Records<'a>;

    fn into_iter(self) -> Records<'a> {
        self.iter()
    }
}

/// Iterates over a [`RecordBatch`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    batch: &'a RecordBatch,
    /// The chunk, or the index of the owned record.
    chunk: usize,
    at: usize,
}

impl<'a> Iterator for Records<'a> {
    type Item = RecordView<'a>;

    fn next(&mut self) -> Option<RecordView<'a>> {
        match self.batch {
            RecordBatch::Owned(records) => {
                let record = records.get(self.chunk)?;
                self.chunk += 1;
                Some(RecordView {
                    sequence_number: record.sequence_number,
                    arrival: record.arrival,
                    partition_key: &record.partition_key,
                    data: &record.data,
                })
            }
            RecordBatch::Frames(frames) => {
                let mut rest = &frames.chunks.get(self.chunk)?[self.at..];
                while rest.is_empty() {
                    self.chunk += 1;
                    self.at = 0;
                    rest = frames.chunks.get(self.chunk)?;
                }
                let (frame, length) = read_frame(rest, frames.shard, frames.shard_created_s)?;
                self.at += length;
                Some(frame)
            }
        }
    }
}

/// What a frame's header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// The record's counter in its shard.
    pub counter: u64,
    /// When the record arrived, to the millisecond.
    pub arrival: Timestamp,
    /// The length of the partition key in bytes.
    pub key_bytes: usize,
    /// The length of the whole frame in bytes.
    pub bytes: usize,
}

/// Reads the header of the frame at the start of `bytes`; `None` if it is cut short.
pub fn read_header(bytes: &[u8]) -> Option<FrameHeader> {
    let header = bytes.first_chunk::<FRAME_HEADER_BYTES>()?;
    let arrival_and_key = u64::from_be_bytes(*header[8..].first_chunk()?);
    let data_bytes = u32::from_be_bytes(*header[16..].first_chunk()?) as usize;
    let key_bytes = (arrival_and_key & 0xffff) as usize;
    Some(FrameHeader {
        counter: u64::from_be_bytes(*header.first_chunk()?),
        arrival: Timestamp::from_millis(arrival_and_key >> 16),
        key_bytes,
        bytes: FRAME_HEADER_BYTES + key_bytes + data_bytes,
    })
}

/// Reads the frame at the start of `bytes` and gives its length; `None` if it is cut short.
fn read_frame(
    bytes: &[u8],
    shard: ShardId,
    shard_created_s: u64,
) -> Option<(RecordView<'_>, usize)> {
    let header = read_header(bytes)?;
    let body = bytes.get(FRAME_HEADER_BYTES..header.bytes)?;
    let (key, data) = body.split_at_checked(header.key_bytes)?;
    let arrival = header.arrival;
    let view = RecordView {
        sequence_number: SequenceNumber::of_record(
            shard,
            shard_created_s,
            header.counter,
            arrival.as_secs(),
        ),
        arrival,
        partition_key: std::str::from_utf8(key).ok()?,
        data,
    };
    Some((view, header.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_gives_back_its_entries_and_counts_keys_and_data() {
        let mut batch = PutBatch::new();
        batch.push(PutEntry {
            partition_key: "k1",
            data: b"abc",
            explicit_hash_key: None,
        });
        batch.push(PutEntry {
            partition_key: "key-2",
            data: b"",
            explicit_hash_key: Some(HashKey(9)),
        });
        assert_eq!(batch.billed_bytes(), 10);
        assert_eq!(
            (batch.entry(0).partition_key, batch.entry(0).data),
            ("k1", &b"abc"[..])
        );
        assert_eq!(
            (batch.entry(1).partition_key, batch.entry(1).data),
            ("key-2", &b""[..])
        );
        assert_eq!(batch.entry(1).explicit_hash_key, Some(HashKey(9)));
        batch.clear();
        assert!(batch.is_empty());
    }

    #[test]
    fn frames_read_back_over_chunk_boundaries_with_their_sequence_numbers() {
        let shard = ShardId::new(5).unwrap();
        let mut buffer = BytesMut::new();
        let mut chunks = Vec::new();
        for counter in 1..=5u64 {
            let key = format!("key-{counter}");
            let data = vec![counter as u8; counter as usize * 3];
            let entry = PutEntry {
                partition_key: &key,
                data: &data,
                explicit_hash_key: None,
            };
            write_frame(
                &mut buffer,
                counter,
                Timestamp::from_millis(1_700_000_000_123 + counter),
                &entry,
            );
            if counter == 2 || counter == 3 {
                chunks.push(buffer.split().freeze());
            }
        }
        chunks.push(Bytes::new());
        chunks.push(buffer.freeze());
        let batch = RecordBatch::Frames(FrameBatch {
            shard,
            shard_created_s: 1_699_999_999,
            chunks,
            count: 5,
        });
        let records: Vec<_> = batch.iter().collect();
        assert_eq!(records.len(), batch.len());
        for (record, counter) in records.iter().zip(1u64..) {
            let parts = record.sequence_number.decode().unwrap();
            assert_eq!(
                (parts.counter, parts.shard, parts.time_s),
                (counter, shard, 1_700_000_000)
            );
            assert_eq!(record.partition_key, format!("key-{counter}"));
            assert_eq!(record.data, vec![counter as u8; counter as usize * 3]);
            assert_eq!(record.arrival.as_millis(), 1_700_000_000_123 + counter);
        }
        let owned = RecordBatch::Owned(batch.to_owned_records());
        assert_eq!(
            owned.iter().map(|r| r.sequence_number).collect::<Vec<_>>(),
            records
                .iter()
                .map(|r| r.sequence_number)
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_frame_that_arrived_before_its_shards_creation_second_carries_that_second() {
        let mut buffer = BytesMut::new();
        let entry = PutEntry {
            partition_key: "k",
            data: b"x",
            explicit_hash_key: None,
        };
        write_frame(&mut buffer, 1, Timestamp::from_millis(6_900), &entry);
        let batch = RecordBatch::Frames(FrameBatch {
            shard: ShardId::new(1).unwrap(),
            shard_created_s: 8,
            chunks: vec![buffer.freeze()],
            count: 1,
        });
        let record = batch.iter().next().unwrap();
        assert_eq!(record.sequence_number.decode().unwrap().time_s, 8);
        assert_eq!(record.arrival, Timestamp::from_millis(6_900));
    }
}

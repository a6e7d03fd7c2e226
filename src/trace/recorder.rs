//! Writing a recording while records come.

use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::format::{Header, MAGIC, ShardHeader, write_number, write_signed};
use super::salt::Salt;
use crate::base::Timestamp;
use crate::kinesis::{HashKey, HashKeyRange, RecordBatch, ShardId};

/// The largest recording: what a scenario reads into memory. A recording that reaches it takes no more records.
pub const BYTES_MAX: u64 = 1 << 30;

/// How many keys are remembered, about 40 bytes each. Others are written anew whenever they come.
const KEYS_MAX: usize = 1 << 22;

/// Takes in what a reader is given. Copies write the same recording.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Mutex<Writer>>);

/// What was recorded so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recorded {
    /// Records.
    pub records: u64,
    /// Their bytes, data and keys.
    pub bytes: u64,
    /// New keys.
    pub keys: u64,
    /// Shards that were met.
    pub shards: usize,
    /// Records that came and are not in the recording because it is as large as one may be.
    pub left_out: u64,
    /// Records whose arrival nobody told: when they came stands for it.
    pub without_arrival: u64,
}

#[derive(Debug)]
struct Writer {
    salt: Salt,
    /// Arrivals that count, in milliseconds; until it is known none does.
    window_ms: Option<Range<u64>>,
    body: Vec<u8>,
    page: Vec<u8>,
    /// The numbers of the keys. Only looked up.
    known: HashMap<Key, u64>,
    shards: Vec<Shard>,
    /// First and last arrival.
    arrivals_ms: Option<(u64, u64)>,
    recorded: Recorded,
}

/// What tells keys apart in a recording.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    lane: u16,
    id: u64,
    bytes: u16,
}

#[derive(Debug)]
struct Shard {
    id: ShardId,
    range: HashKeyRange,
    last_ms: u64,
    records: u64,
}

impl Recorder {
    /// An empty recording.
    pub fn new(salt: Salt) -> Self {
        Self(Arc::new(Mutex::new(Writer {
            salt,
            window_ms: None,
            body: Vec::new(),
            page: Vec::new(),
            known: HashMap::new(),
            shards: Vec::new(),
            arrivals_ms: None,
            recorded: Recorded::default(),
        })))
    }

    /// Says which arrivals count; what was said first holds.
    pub fn open(&self, window: &Range<Timestamp>) {
        let ms = |time: Timestamp| time.as_nanos() / 1_000_000;
        self.writer()
            .window_ms
            .get_or_insert(ms(window.start)..ms(window.end));
    }

    /// When the arrivals that count end, if that was said.
    pub fn end(&self) -> Option<Timestamp> {
        let window = self.writer().window_ms.clone();
        window.map(|window| Timestamp::from_millis(window.end))
    }

    /// A shard is going to be read.
    pub fn shard(&self, shard: ShardId, range: HashKeyRange) {
        self.writer().place(shard, Some(range));
    }

    /// Takes in the records of one answer, which came at `delivered`.
    pub fn take(&self, shard: ShardId, records: &RecordBatch, delivered: Timestamp) {
        self.writer().take(shard, records, delivered);
    }

    /// What was recorded so far.
    pub fn recorded(&self) -> Recorded {
        let writer = self.writer();
        Recorded {
            shards: writer.shards.len(),
            ..writer.recorded
        }
    }

    /// Writes the recording of `stream`.
    ///
    /// # Errors
    /// As `out` says.
    pub fn write(&self, stream: &str, out: &mut dyn Write) -> io::Result<()> {
        self.writer().write(stream, out)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    fn place(&mut self, shard: ShardId, range: Option<HashKeyRange>) -> usize {
        let found = self.shards.iter().position(|known| known.id == shard);
        found.unwrap_or_else(|| {
            self.shards.push(Shard {
                id: shard,
                // A shard that nobody described takes any key.
                range: range.unwrap_or(HashKeyRange::FULL),
                last_ms: 0,
                records: 0,
            });
            self.shards.len() - 1
        })
    }

    fn take(&mut self, shard: ShardId, records: &RecordBatch, delivered: Timestamp) {
        let Some(window) = self.window_ms.clone() else {
            return;
        };
        let place = self.place(shard, None);
        let mut count = 0;
        self.page.clear();
        for record in records {
            let told = record.arrival > Timestamp::ZERO;
            let at = if told { record.arrival } else { delivered };
            let at_ms = at.as_nanos() / 1_000_000;
            if !window.contains(&at_ms) {
                continue;
            }
            if (self.body.len() + self.page.len()) as u64 + 64 > BYTES_MAX {
                self.recorded.left_out += 1;
                continue;
            }
            self.recorded.without_arrival += u64::from(!told);
            let key = self.key(place, record.partition_key);
            self.write_key(key);
            let shard = &mut self.shards[place];
            let before = if shard.records == 0 {
                window.start
            } else {
                shard.last_ms
            };
            write_signed(at_ms as i64 - before as i64, &mut self.page);
            write_number(record.data.len() as u64, &mut self.page);
            shard.last_ms = at_ms;
            shard.records += 1;
            let (first, last) = self.arrivals_ms.get_or_insert((at_ms, at_ms));
            (*first, *last) = ((*first).min(at_ms), (*last).max(at_ms));
            self.recorded.bytes += (record.data.len() + record.partition_key.len()) as u64;
            count += 1;
        }
        if count > 0 {
            self.recorded.records += count;
            write_number(place as u64, &mut self.body);
            write_number(count, &mut self.body);
            self.body.append(&mut self.page);
        }
    }

    /// What is kept of a key. The service places a record by the MD5 of its key; one that is not in its shard was put with
    /// a hash key of its own, of which the shard alone is known: it gets a point there, the same each time.
    fn key(&self, place: usize, key: &str) -> Key {
        let range = self.shards[place].range;
        let (id, hash) = (self.salt.id(key), HashKey::of_partition_key(key));
        let lane = if range.contains(hash) {
            hash.lane()
        } else {
            let width = (range.end.0 - range.start.0) >> 40;
            HashKey(range.start.0 + width * u128::from(id)).lane()
        };
        Key {
            lane,
            id,
            bytes: key.len() as u16,
        }
    }

    fn write_key(&mut self, key: Key) {
        if let Some(number) = self.known.get(&key) {
            write_number(*number, &mut self.page);
            return;
        }
        self.recorded.keys += 1;
        if self.known.len() < KEYS_MAX {
            self.known.insert(key, self.recorded.keys);
        }
        write_number(0, &mut self.page);
        self.page.extend(key.lane.to_be_bytes());
        self.page.extend(&key.id.to_be_bytes()[3..]);
        write_number(u64::from(key.bytes), &mut self.page);
    }

    fn write(&self, stream: &str, out: &mut dyn Write) -> io::Result<()> {
        let (first, last) = self.arrivals_ms.unwrap_or_default();
        let shards = self.shards.iter().map(|shard| ShardHeader {
            shard: shard.id.to_string(),
            starting_hash_key: shard.range.start.to_string(),
            ending_hash_key: shard.range.end.to_string(),
            records: shard.records,
        });
        let header = Header {
            stream: stream.to_owned(),
            base_ms: self.window_ms.clone().unwrap_or_default().start,
            duration_ms: last - first,
            records: self.recorded.records,
            bytes: self.recorded.bytes,
            keys: self.recorded.keys,
            shards: shards.collect(),
        };
        let mut head = MAGIC.to_vec();
        serde_json::to_writer(&mut head, &header)?;
        head.push(b'\n');
        let mut crc = crc32fast::Hasher::new();
        for part in [&head, &self.body] {
            crc.update(part);
            out.write_all(part)?;
        }
        out.write_all(&crc.finalize().to_le_bytes())
    }
}

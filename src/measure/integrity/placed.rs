//! `placed.bin`: where a host's acknowledged records lie that another host reads.
//!
//! A host that reads knows which records it was not given, and not where they lie; the host that sent them knows that, and
//! not what was read. So a host keeps the place of each record that is read elsewhere, in about five bytes: distances to
//! the last record and to the last one of the same shard.
//!
//! Form of the file, version 1: the magic, the version, the streams (name, then workers: producer, worker, entries, the
//! log's bytes), the CRC32 of all of it. Counts are LEB128. Form of an entry: distance of the sequence, shard * 2 + form,
//! then either 24 bytes of sequence number (form 1) or the distances of counter and second (form 0); distances are
//! zigzag LEB128.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use super::WorkerKey;
use super::codec::{Sink, Source};
use super::snapshot::SnapshotError;
use crate::kinesis::operation::Stored;
use crate::kinesis::sequence::SequenceParts;
use crate::kinesis::{SequenceNumber, ShardId};

const MAGIC: [u8; 8] = *b"sgplaced";
const VERSION: u64 = 1;

/// The places of one worker's records, in the order in which they were acknowledged.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Placed {
    entries: u64,
    bytes: Vec<u8>,
    /// What distances are taken from when the next entry is added.
    last: Last,
}

/// What distances are taken from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Last {
    sequence: u64,
    shards: BTreeMap<ShardId, SequenceParts>,
}

/// The places of a host's records, by stream and worker.
pub type PlacedBook = BTreeMap<String, BTreeMap<WorkerKey, Placed>>;

impl Placed {
    /// How many records it holds.
    pub const fn len(&self) -> u64 {
        self.entries
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Adds a record's place.
    pub(super) fn push(&mut self, sequence: u64, stored: Stored) {
        let bytes = &mut self.bytes;
        put(bytes, zigzag(sequence.wrapping_sub(self.last.sequence)));
        let shard = u64::from(stored.shard.number());
        let parts = stored.sequence_number.decode();
        let parts = parts.filter(|parts| parts.shard == stored.shard);
        let before = self.last.shards.get(&stored.shard);
        let same_shard = parts
            .zip(before)
            .filter(|(parts, before)| parts.shard_created_s == before.shard_created_s);
        if let Some((parts, before)) = same_shard {
            put(bytes, shard << 1);
            put(bytes, zigzag(parts.counter.wrapping_sub(before.counter)));
            put(bytes, zigzag(parts.time_s.wrapping_sub(before.time_s)));
        } else {
            put(bytes, shard << 1 | 1);
            bytes.extend_from_slice(&stored.sequence_number.to_be_bytes());
        }
        self.entries += 1;
        self.last.took(sequence, stored);
    }

    /// The records and their places, in the order in which they were added.
    pub fn entries(&self) -> impl Iterator<Item = (u64, Stored)> + '_ {
        let (mut rest, mut last) = (self.bytes.as_slice(), Last::default());
        std::iter::from_fn(move || {
            let (sequence, stored) = entry(&mut rest, &last)?;
            last.took(sequence, stored);
            Some((sequence, stored))
        })
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.last.shards.len() * 2 * size_of::<(ShardId, SequenceParts)>()
    }
}

impl Last {
    fn took(&mut self, sequence: u64, stored: Stored) {
        self.sequence = sequence;
        match stored.sequence_number.decode() {
            Some(parts) if parts.shard == stored.shard => {
                self.shards.insert(stored.shard, parts);
            }
            _ => {}
        }
    }
}

/// Takes an entry from the front of `rest`; nothing where there is none, or no whole one.
fn entry(rest: &mut &[u8], last: &Last) -> Option<(u64, Stored)> {
    let sequence = last.sequence.wrapping_add(unzigzag(take(rest)?));
    let shard_and_form = take(rest)?;
    let shard = ShardId::new(u32::try_from(shard_and_form >> 1).ok()?)?;
    let sequence_number = if shard_and_form & 1 == 1 {
        let (number, after) = rest.split_first_chunk()?;
        *rest = after;
        SequenceNumber::from_be_bytes(*number)
    } else {
        let before = last.shards.get(&shard)?;
        let counter = before.counter.wrapping_add(unzigzag(take(rest)?));
        let time_s = before.time_s.wrapping_add(unzigzag(take(rest)?));
        let parts = SequenceParts {
            counter,
            time_s,
            ..*before
        };
        parts.encode()
    };
    let stored = Stored {
        shard,
        sequence_number,
    };
    Some((sequence, stored))
}

/// Small distances in either direction become small numbers.
const fn zigzag(distance: u64) -> u64 {
    (distance << 1) ^ ((distance as i64 >> 63) as u64)
}

const fn unzigzag(value: u64) -> u64 {
    (value >> 1) ^ (value & 1).wrapping_neg()
}

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Writes the places of a host's records.
///
/// # Errors
/// What `output` answers.
pub fn write_placed(output: impl Write, book: &PlacedBook) -> io::Result<()> {
    let mut sink = Sink::new(output);
    sink.bytes(&MAGIC)?;
    sink.count(VERSION)?;
    sink.count(book.len() as u64)?;
    for (stream, workers) in book {
        sink.blob(stream.as_bytes())?;
        sink.count(workers.len() as u64)?;
        for (key, placed) in workers {
            sink.count(u64::from(key.producer))?;
            sink.count(u64::from(key.worker))?;
            sink.count(placed.entries)?;
            sink.blob(&placed.bytes)?;
        }
    }
    sink.finish()
}

/// Reads what [`write_placed`] wrote.
///
/// # Errors
/// See [`SnapshotError`]. Memory taken is in proportion to what `input` holds, whatever it says.
pub fn read_placed(input: impl Read) -> Result<PlacedBook, SnapshotError> {
    let mut source = Source::new(input);
    if source.bytes::<8>()? != MAGIC {
        return Err(SnapshotError::NotOurs);
    }
    let found = source.count()?;
    if found != VERSION {
        return Err(SnapshotError::Version { found });
    }
    let mut book = PlacedBook::new();
    for _ in 0..source.count()? {
        let stream = String::from_utf8(source.blob()?)
            .map_err(|_| SnapshotError::Damaged("a stream's name is not text"))?;
        let mut workers = BTreeMap::new();
        for _ in 0..source.count()? {
            let key = WorkerKey {
                producer: source.narrow("producer")?,
                worker: source.narrow("worker")?,
            };
            let mut placed = Placed {
                entries: source.count()?,
                bytes: source.blob()?,
                last: Last::default(),
            };
            let (mut whole, mut last) = (0, Last::default());
            let mut rest = placed.bytes.as_slice();
            while let Some((sequence, stored)) = entry(&mut rest, &last) {
                last.took(sequence, stored);
                whole += 1;
            }
            if !rest.is_empty() || whole != placed.entries {
                return Err(SnapshotError::Damaged("a place cannot be read"));
            }
            placed.last = last;
            if workers.insert(key, placed).is_some() {
                return Err(SnapshotError::Damaged("a worker stands in it twice"));
            }
        }
        if book.insert(stream, workers).is_some() {
            return Err(SnapshotError::Damaged("a stream stands in it twice"));
        }
    }
    source.finish()?;
    Ok(book)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored() -> impl Strategy<Value = Stored> {
        let near =
            (0u32..4, 0u64..1_000, 0u64..100, 0u64..2).prop_map(|(shard, counter, age, reborn)| {
                let shard = ShardId::new(shard).unwrap();
                let parts = SequenceParts {
                    shard_created_s: 1_700_000_000 + reborn,
                    shard,
                    counter,
                    time_s: 1_700_000_100 + age,
                };
                Stored {
                    shard,
                    sequence_number: parts.encode(),
                }
            });
        let any =
            (0..=ShardId::MAX.number(), any::<[u8; 24]>()).prop_map(|(shard, bytes)| Stored {
                shard: ShardId::new(shard).unwrap(),
                sequence_number: SequenceNumber::from_be_bytes(bytes),
            });
        prop_oneof![8 => near, 1 => any]
    }

    fn written(book: &PlacedBook) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_placed(&mut bytes, book).unwrap();
        bytes
    }

    fn book(entries: &[(u64, Stored)]) -> PlacedBook {
        let mut placed = Placed::default();
        for &(sequence, stored) in entries {
            placed.push(sequence, stored);
        }
        let key = WorkerKey {
            producer: 1,
            worker: 2,
        };
        BTreeMap::from([("orders".to_owned(), BTreeMap::from([(key, placed)]))])
    }

    proptest! {
        #[test]
        fn places_come_back_as_they_were_given_also_from_the_file(
            entries in prop::collection::vec((prop_oneof![0u64..3_000, any::<u64>()], stored()), 0..60),
        ) {
            let book = book(&entries);
            let back = read_placed(&*written(&book)).unwrap();
            let placed = back["orders"].values().next().unwrap();
            prop_assert_eq!(placed.len(), entries.len() as u64);
            prop_assert_eq!(placed.entries().collect::<Vec<_>>(), entries);
            prop_assert_eq!(&back, &book);
        }

        #[test]
        fn a_changed_or_shortened_file_is_an_error(
            entries in prop::collection::vec((0u64..3_000, stored()), 0..9), at in any::<prop::sample::Index>(), bit in 0..8,
        ) {
            let mut bytes = written(&book(&entries));
            let at = at.index(bytes.len());
            prop_assert!(read_placed(&bytes[..at]).is_err());
            bytes[at] ^= 1u8 << bit;
            prop_assert!(read_placed(&*bytes).is_err());
        }
    }

    #[test]
    fn a_record_of_a_steady_stream_takes_five_bytes() {
        let entries: Vec<_> = (0..10_000u64)
            .map(|number| {
                let shard = ShardId::new((number * 7 % 11) as u32).unwrap();
                let parts = SequenceParts {
                    shard_created_s: 1_700_000_000,
                    shard,
                    counter: number * 8,
                    time_s: 1_700_000_100 + number / 1_000,
                };
                let stored = Stored {
                    shard,
                    sequence_number: parts.encode(),
                };
                (number * 8, stored)
            })
            .collect();
        let bytes = written(&book(&entries));
        assert!(bytes.len() < 10_000 * 5 + 500, "{}", bytes.len());
    }
}

//! `integrity.bin`: what joining the runs of several hosts needs to compute loss over all of them.
//!
//! Format, version 2 (version 1 is the same without `misplaced`): the magic, the version, then the fields in the order of the types below, then the CRC32 of all of
//! it in 4 big-endian bytes. Counts are LEB128, sequence numbers 24 big-endian bytes, lists preceded by their length,
//! ranges stored as distances. Reading trusts nothing: memory grows with the bytes that were read, never with a length
//! that was claimed.

use std::io::{self, Read, Write};

use super::WorkerKey;
use super::bits::BitSet;
use super::codec::{Sink, Source};
use crate::kinesis::operation::Stored;
use crate::kinesis::{SequenceNumber, ShardId};
use crate::measure::ledger::Phase;

const MAGIC: [u8; 8] = *b"sg-integ";
const VERSION: u64 = 2;

/// The oldest version that is read.
const VERSION_MIN: u64 = 1;

/// Sorted ranges of sequences, both ends included, at least one missing between two of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ranges(pub(super) Vec<(u64, u64)>);

/// What one host knows at the end of a run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Snapshot {
    /// The run's number.
    pub run: u32,
    /// Workers, sorted by key.
    pub workers: Vec<WorkerSnapshot>,
    /// Consumers by number.
    pub consumers: Vec<ConsumerSnapshot>,
}

/// The records of one producer worker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerSnapshot {
    /// Whose they are.
    pub key: WorkerKey,
    /// How many sequences were used: one above the highest that ended.
    pub sequences: u64,
    /// Acked records by phase.
    pub acked: [Ranges; 2],
    /// Sequences below `sequences` that never ended.
    pub unresolved: Ranges,
    /// Records with an attempt that had no answer.
    pub unknown_attempts: Ranges,
}

/// What one consumer was given. Pairs are by phase.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConsumerSnapshot {
    /// First deliveries.
    pub first: [u64; 2],
    /// Deliveries of a sequence number that had been delivered.
    pub redelivered: [u64; 2],
    /// First deliveries after a later record of the lane.
    pub key_inversions: [u64; 2],
    /// First deliveries from another place than the acknowledgement named; zero in files of version 1.
    pub misplaced: [u64; 2],
    /// Deliveries whose checksum does not hold.
    pub corrupt: u64,
    /// Deliveries that are not of this run.
    pub foreign: u64,
    /// Deliveries against the order of their shard.
    pub out_of_order: u64,
    /// Lanes that straddle a shard boundary.
    pub lanes_not_judged: u64,
    /// How far it got, by shard.
    pub shards: Vec<ShardSnapshot>,
    /// Records that it was given, by the number of the worker.
    pub delivered: Vec<Ranges>,
    /// Acked records that it was not given, sorted by worker and sequence.
    pub missing: Vec<Missing>,
    /// Deliveries of a record under a further sequence number.
    pub stored_twice: Vec<StoredTwice>,
}

/// How far a consumer got in one shard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardSnapshot {
    /// The shard.
    pub shard: ShardId,
    /// The highest number that was delivered.
    pub highest: Option<SequenceNumber>,
    /// Everything up to here was passed.
    pub position: Option<SequenceNumber>,
    /// Stretches that were trimmed unread: after the first, through the second.
    pub trimmed: Vec<(Option<SequenceNumber>, SequenceNumber)>,
}

/// An acked record that a consumer was not given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Missing {
    /// The number of its worker in [`Snapshot::workers`].
    pub worker: u32,
    /// The record.
    pub sequence: u64,
    /// The phase of its intended time.
    pub phase: Phase,
    /// Where it was stored.
    pub stored: Stored,
}

/// Further deliveries of one record, under other sequence numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredTwice {
    /// The number of its worker in [`Snapshot::workers`].
    pub worker: u32,
    /// The record.
    pub sequence: u64,
    /// The phase of its intended time.
    pub phase: Phase,
    /// How many.
    pub count: u32,
}

/// Why an `integrity.bin` could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file could not be read, or ends early.
    #[error("failed to read the integrity file: {0}")]
    Io(#[from] io::Error),
    /// The first bytes are others.
    #[error("this is not an integrity file")]
    NotOurs,
    /// It was written by another version.
    #[error(
        "the integrity file has version {found}; this program reads versions {VERSION_MIN} to {VERSION}"
    )]
    Version {
        /// The file's version.
        found: u64,
    },
    /// A value is impossible, or the checksum does not hold.
    #[error("the integrity file is damaged: {0}")]
    Damaged(&'static str),
}

impl Ranges {
    /// The ranges.
    pub fn as_slice(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// How many sequences they hold; saturates at 2^64 - 1.
    pub fn count(&self) -> u64 {
        self.0.iter().fold(0u64, |sum, &(first, last)| {
            sum.saturating_add((last - first).saturating_add(1))
        })
    }

    /// One above the last sequence; 0 when empty. Saturates at 2^64 - 1.
    pub fn end(&self) -> u64 {
        self.0.last().map_or(0, |&(_, last)| last.saturating_add(1))
    }

    /// Whether `sequence` is in one of them.
    pub fn contains(&self, sequence: u64) -> bool {
        let at = self.0.partition_point(|&(_, last)| last < sequence);
        self.0.get(at).is_some_and(|&(first, _)| first <= sequence)
    }

    /// Adds a range above all others, or touching the last.
    pub(super) fn push(&mut self, first: u64, last: u64) {
        match self.0.last_mut() {
            Some(before) if before.1.checked_add(1) == Some(first) => before.1 = last,
            _ => self.0.push((first, last)),
        }
    }

    /// Adds the members of chunk `number`'s set.
    pub(super) fn push_runs(&mut self, number: u64, set: &BitSet) {
        let base = number << 16;
        for run in set.runs() {
            self.push(base | u64::from(run.first), base | u64::from(run.last));
        }
    }

    /// What is missing below the end.
    pub(super) fn gaps(&self) -> Self {
        let mut gaps = Self::default();
        let mut next = 0;
        for &(first, last) in &self.0 {
            if next < first {
                gaps.push(next, first - 1);
            }
            next = last.saturating_add(1);
        }
        gaps
    }
}

impl Snapshot {
    /// Writes it.
    ///
    /// # Errors
    /// When `output` refuses.
    pub fn write_to(&self, output: impl Write) -> io::Result<()> {
        let mut sink = Sink::new(output);
        sink.bytes(&MAGIC)?;
        sink.count(VERSION)?;
        sink.count(u64::from(self.run))?;
        sink.list(&self.workers, |sink, worker| {
            sink.count(u64::from(worker.key.producer))?;
            sink.count(u64::from(worker.key.worker))?;
            sink.count(worker.sequences)?;
            for ranges in &worker.acked {
                sink.ranges(ranges)?;
            }
            sink.ranges(&worker.unresolved)?;
            sink.ranges(&worker.unknown_attempts)
        })?;
        sink.list(&self.consumers, |sink, consumer| {
            for pair in [
                consumer.first,
                consumer.redelivered,
                consumer.key_inversions,
                consumer.misplaced,
            ] {
                sink.count(pair[0])?;
                sink.count(pair[1])?;
            }
            sink.count(consumer.corrupt)?;
            sink.count(consumer.foreign)?;
            sink.count(consumer.out_of_order)?;
            sink.count(consumer.lanes_not_judged)?;
            sink.list(&consumer.shards, |sink, read| {
                sink.count(u64::from(read.shard.number()))?;
                sink.optional(read.highest)?;
                sink.optional(read.position)?;
                sink.list(&read.trimmed, |sink, &(after, through)| {
                    sink.optional(after)?;
                    sink.bytes(&through.to_be_bytes())
                })
            })?;
            sink.list(&consumer.delivered, Sink::ranges)?;
            sink.list(&consumer.missing, |sink, record| {
                sink.count(u64::from(record.worker))?;
                sink.count(record.sequence)?;
                sink.count(record.phase as u64)?;
                sink.count(u64::from(record.stored.shard.number()))?;
                sink.bytes(&record.stored.sequence_number.to_be_bytes())
            })?;
            sink.list(&consumer.stored_twice, |sink, twice| {
                sink.count(u64::from(twice.worker))?;
                sink.count(twice.sequence)?;
                sink.count(twice.phase as u64)?;
                sink.count(u64::from(twice.count))
            })
        })?;
        sink.finish()
    }

    /// Reads one.
    ///
    /// # Errors
    /// When the input is not an integrity file of this version, is cut short, or was changed.
    pub fn read_from(input: impl Read) -> Result<Self, SnapshotError> {
        let mut source = Source::new(input);
        if source.bytes::<8>()? != MAGIC {
            return Err(SnapshotError::NotOurs);
        }
        let found = source.count()?;
        if !(VERSION_MIN..=VERSION).contains(&found) {
            return Err(SnapshotError::Version { found });
        }
        let run = source.narrow("run")?;
        let workers = source.list(|source| {
            Ok(WorkerSnapshot {
                key: WorkerKey {
                    producer: source.narrow("producer")?,
                    worker: source.narrow("worker")?,
                },
                sequences: source.count()?,
                acked: [source.ranges()?, source.ranges()?],
                unresolved: source.ranges()?,
                unknown_attempts: source.ranges()?,
            })
        })?;
        let consumers = source.list(|source| {
            Ok(ConsumerSnapshot {
                first: source.pair()?,
                redelivered: source.pair()?,
                key_inversions: source.pair()?,
                misplaced: if found > VERSION_MIN {
                    source.pair()?
                } else {
                    [0; 2]
                },
                corrupt: source.count()?,
                foreign: source.count()?,
                out_of_order: source.count()?,
                lanes_not_judged: source.count()?,
                shards: source.list(|source| {
                    Ok(ShardSnapshot {
                        shard: source.shard()?,
                        highest: source.optional()?,
                        position: source.optional()?,
                        trimmed: source
                            .list(|source| Ok((source.optional()?, source.number()?)))?,
                    })
                })?,
                delivered: source.list(Source::ranges)?,
                missing: source.list(|source| {
                    Ok(Missing {
                        worker: source.narrow("worker")?,
                        sequence: source.count()?,
                        phase: source.phase()?,
                        stored: Stored {
                            shard: source.shard()?,
                            sequence_number: source.number()?,
                        },
                    })
                })?,
                stored_twice: source.list(|source| {
                    Ok(StoredTwice {
                        worker: source.narrow("worker")?,
                        sequence: source.count()?,
                        phase: source.phase()?,
                        count: source.narrow("count")?,
                    })
                })?,
            })
        })?;
        source.finish()?;
        Ok(Self {
            run,
            workers,
            consumers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranges() -> impl Strategy<Value = Ranges> {
        let range = (1u64..1 << 50, 0u64..1 << 50);
        prop::collection::vec(range, 0..6).prop_map(|steps| {
            let mut ranges = Ranges::default();
            let mut next = 0;
            for (gap, length) in steps {
                ranges.push(next + gap, next + gap + length);
                next += gap + length + 1;
            }
            ranges
        })
    }

    fn number() -> impl Strategy<Value = SequenceNumber> {
        any::<[u8; 24]>().prop_map(SequenceNumber::from_be_bytes)
    }

    fn shard() -> impl Strategy<Value = ShardId> {
        (0..=ShardId::MAX.number()).prop_map(|number| ShardId::new(number).unwrap())
    }

    fn phase() -> impl Strategy<Value = Phase> {
        prop_oneof![Just(Phase::WarmUp), Just(Phase::Measure)]
    }

    fn worker() -> impl Strategy<Value = WorkerSnapshot> {
        let sets = (ranges(), ranges(), ranges(), ranges());
        (any::<(u16, u16, u64)>(), sets).prop_map(|((producer, worker, sequences), sets)| {
            WorkerSnapshot {
                key: WorkerKey { producer, worker },
                sequences,
                acked: [sets.0, sets.1],
                unresolved: sets.2,
                unknown_attempts: sets.3,
            }
        })
    }

    fn consumer() -> impl Strategy<Value = ConsumerSnapshot> {
        let trimmed = prop::collection::vec((prop::option::of(number()), number()), 0..3);
        let read = (
            shard(),
            prop::option::of(number()),
            prop::option::of(number()),
            trimmed,
        )
            .prop_map(|(shard, highest, position, trimmed)| ShardSnapshot {
                shard,
                highest,
                position,
                trimmed,
            });
        let missing = (any::<(u32, u64)>(), phase(), shard(), number()).prop_map(
            |((worker, sequence), phase, shard, sequence_number)| Missing {
                worker,
                sequence,
                phase,
                stored: Stored {
                    shard,
                    sequence_number,
                },
            },
        );
        let twice =
            (any::<(u32, u64, u32)>(), phase()).prop_map(|((worker, sequence, count), phase)| {
                StoredTwice {
                    worker,
                    sequence,
                    phase,
                    count,
                }
            });
        (
            any::<[u64; 12]>(),
            prop::collection::vec(read, 0..3),
            prop::collection::vec(ranges(), 0..3),
            prop::collection::vec(missing, 0..3),
            prop::collection::vec(twice, 0..3),
        )
            .prop_map(|(counts, shards, delivered, missing, stored_twice)| {
                ConsumerSnapshot {
                    first: [counts[0], counts[1]],
                    redelivered: [counts[2], counts[3]],
                    key_inversions: [counts[4], counts[5]],
                    corrupt: counts[6],
                    foreign: counts[7],
                    out_of_order: counts[8],
                    lanes_not_judged: counts[9],
                    misplaced: [counts[10], counts[11]],
                    shards,
                    delivered,
                    missing,
                    stored_twice,
                }
            })
    }

    fn snapshot() -> impl Strategy<Value = Snapshot> {
        (
            any::<u32>(),
            prop::collection::vec(worker(), 0..3),
            prop::collection::vec(consumer(), 0..3),
        )
            .prop_map(|(run, workers, consumers)| Snapshot {
                run,
                workers,
                consumers,
            })
    }

    fn written(snapshot: &Snapshot) -> Vec<u8> {
        let mut bytes = Vec::new();
        snapshot.write_to(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn ranges_know_their_members_and_their_gaps() {
        let mut ranges = Ranges::default();
        for (first, last) in [(2, 4), (5, 5), (9, 9), (11, u64::MAX)] {
            ranges.push(first, last);
        }
        assert_eq!(ranges.as_slice(), [(2, 5), (9, 9), (11, u64::MAX)]);
        assert_eq!(ranges.gaps().as_slice(), [(0, 1), (6, 8), (10, 10)]);
        assert_eq!(ranges.gaps().count(), 6);
        assert!(ranges.contains(5) && !ranges.contains(6) && ranges.contains(u64::MAX));
        assert_eq!((ranges.end(), Ranges::default().end()), (u64::MAX, 0));
    }

    #[test]
    fn a_claimed_length_takes_no_memory_and_ends_as_an_error() {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 7]);
        bytes.extend([0xff; 9]);
        bytes.push(1);
        assert!(matches!(
            Snapshot::read_from(&*bytes),
            Err(SnapshotError::Io(_))
        ));
        bytes.pop();
        bytes.push(2);
        assert!(matches!(
            Snapshot::read_from(&*bytes),
            Err(SnapshotError::Damaged(_))
        ));
    }

    #[test]
    fn another_file_and_another_version_are_told_apart_from_damage() {
        assert!(matches!(
            Snapshot::read_from(&b"PK\x03\x04 something else"[..]),
            Err(SnapshotError::NotOurs)
        ));
        let mut bytes = written(&Snapshot::default());
        bytes[MAGIC.len()] = 9;
        let error = Snapshot::read_from(&*bytes).unwrap_err().to_string();
        assert!(error.contains("version 9"), "{error}");
    }

    #[test]
    fn a_file_of_version_1_is_read_with_nothing_misplaced() {
        let mut bytes = Vec::new();
        let mut sink = Sink::new(&mut bytes);
        sink.bytes(&MAGIC).unwrap();
        // The version, the run, no workers, one consumer: three pairs, four counts, four empty lists.
        for count in [
            1, 7, 0, 1, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 0, 0, 0, 0,
        ] {
            sink.count(count).unwrap();
        }
        sink.finish().unwrap();
        let read = Snapshot::read_from(&*bytes).unwrap();
        let consumer = &read.consumers[0];
        assert_eq!((read.run, consumer.first), (7, [11, 12]));
        assert_eq!(consumer.key_inversions, [15, 16]);
        assert_eq!(consumer.misplaced, [0, 0]);
        assert_eq!((consumer.corrupt, consumer.lanes_not_judged), (17, 20));
    }

    proptest! {
        #[test]
        fn whatever_follows_the_magic_is_read_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), small in any::<bool>()) {
            let mut file = MAGIC.to_vec();
            file.push(VERSION as u8);
            // Small values lead further into the format.
            file.extend(bytes.iter().map(|byte| if small { byte % 4 } else { *byte }));
            prop_assert!(Snapshot::read_from(&*file).is_err());
        }

        #[test]
        fn a_snapshot_comes_back_as_it_was_written(snapshot in snapshot()) {
            let bytes = written(&snapshot);
            prop_assert_eq!(Snapshot::read_from(&*bytes).unwrap(), snapshot);
        }

        #[test]
        fn a_changed_or_shortened_file_is_an_error(snapshot in snapshot(), at in any::<prop::sample::Index>(), bit in 0..8) {
            let mut bytes = written(&snapshot);
            let at = at.index(bytes.len());
            prop_assert!(Snapshot::read_from(&bytes[..at]).is_err());
            bytes[at] ^= 1u8 << bit;
            prop_assert!(Snapshot::read_from(&*bytes).is_err());
            bytes[at] ^= 1u8 << bit;
            bytes.push(0);
            prop_assert!(Snapshot::read_from(&*bytes).is_err());
        }
    }
}

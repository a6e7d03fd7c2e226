//! Which acked records each consumer was given: lost, twice, late, out of order.
//!
//! Producers hand in how their records ended, consumers what they were given, in whole batches and in any interleaving:
//! a delivery may come before the acknowledgement. Bitmaps of 65,536 records hold both, and locations only of what is
//! acked and not delivered to everybody, so that memory grows with what is in flight, unread or missing.
//!
//! Invariant: whatever the interleaving of producers and consumers, the ledgers are those of the simple model that
//! remembers everything (`tests.rs` compares the two), and both of their sums hold.
//!
//! Files: `bits` (sets), `chunk` (65,536 records), `worker` (one producer worker), `location` (where a record lies),
//! `reader` (one consumer), `order` (keys), `snapshot` and `codec` (`integrity.bin`), `placed` (`placed.bin`), `joined` (several
//! hosts' accounts as one).

mod bits;
mod book;
mod chunk;
mod codec;
mod joined;
mod location;
mod order;
mod placed;
mod reader;
mod snapshot;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

pub use book::{read_book, write_book};
pub use joined::{HostAccount, JoinError, join};
pub use placed::{Placed, PlacedBook, read_placed, write_placed};
pub use snapshot::{
    ConsumerSnapshot, Missing, Ranges, ShardSnapshot, Snapshot, SnapshotError, StoredTwice,
    WorkerSnapshot,
};

use self::chunk::Chunk;
use self::reader::{Passed, Reader};
use self::worker::Worker;
use super::ledger::{ConsumerLedger, Phase};
use crate::base::Timestamp;
use crate::kinesis::operation::Stored;
use crate::kinesis::{SequenceNumber, ShardId};

/// A producer worker, as the stamp names it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct WorkerKey {
    /// The producer's number in the scenario.
    pub producer: u16,
    /// The worker's number in the producer.
    pub worker: u16,
}

/// How one record ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resolution {
    /// The record's number in its worker.
    pub sequence: u64,
    /// The phase of its intended time.
    pub phase: Phase,
    /// Where it is stored, if an attempt was accepted.
    pub acked: Option<Stored>,
    /// Whether an attempt had no answer, so that the record may be stored once more.
    pub any_unknown_attempt: bool,
    /// Whether it had more than one attempt, so that it may lie where an attempt was refused.
    pub retried: bool,
}

/// One record that a consumer was given, its stamp read and checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// Whose record it is.
    pub key: WorkerKey,
    /// The record's number in its worker.
    pub sequence: u64,
    /// The top 16 bits of its hash key.
    pub lane: u16,
    /// The record's number in its lane of its worker.
    pub lane_sequence: u32,
    /// The shard that it was read from.
    pub shard: ShardId,
    /// Its sequence number there.
    pub sequence_number: SequenceNumber,
    /// Its number within an aggregated record, from 0; 0 for a record by itself.
    pub sub_sequence: u32,
    /// The phase of its intended time.
    pub phase: Phase,
}

impl Delivery {
    /// Its place in the order of its shard: no two deliveries of different user records have the same.
    pub const fn place(&self) -> (SequenceNumber, u32) {
        (self.sequence_number, self.sub_sequence)
    }
}

/// What a delivery was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DeliveryClass {
    /// The first of its record to this consumer.
    First,
    /// The same sequence and sub-sequence number again.
    Redelivered,
    /// The same record under another, higher sequence number.
    StoredTwice,
    /// A record of a worker that is not ours.
    Foreign,
}

/// The book of one run, shared by its producers and consumers.
///
/// Locks are per worker and per consumer, and taken per batch. Consumers are numbered from 0, below the number that
/// [`Integrity::new`] was given, and workers are those that it was given: anything else is a fault of the caller and
/// panics. Numbers that come from outside, in deliveries, may be anything.
#[derive(Debug)]
pub struct Integrity {
    run: u32,
    /// Sorted.
    keys: Vec<WorkerKey>,
    /// In the order of `keys`. A reader's lock is taken before a worker's.
    workers: Vec<Mutex<Worker>>,
    readers: Vec<Mutex<Reader>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked, the counts are whole: nothing in between two of them can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Integrity {
    /// An empty book for `consumers` consumers. Workers that are named twice count once.
    pub fn new(run: u32, workers: &[WorkerKey], consumers: usize) -> Self {
        let mut keys = workers.to_vec();
        keys.sort_unstable();
        keys.dedup();
        Self {
            run,
            workers: keys
                .iter()
                .map(|_| Mutex::new(Worker::new(consumers)))
                .collect(),
            readers: (0..consumers)
                .map(|_| Mutex::new(Reader::new(keys.len())))
                .collect(),
            keys,
        }
    }

    /// The same book, which from now on remembers where each acked record lies: for records that another host reads.
    #[must_use]
    pub fn keeping_places(self) -> Self {
        for worker in &self.workers {
            lock(worker).keep_places();
        }
        self
    }

    /// Where each worker's acked records lie; empty unless that is remembered.
    pub fn placed(&self) -> BTreeMap<WorkerKey, Placed> {
        let workers = self.keys.iter().zip(&self.workers);
        workers
            .filter_map(|(&key, worker)| Some((key, lock(worker).placed()?.clone())))
            .collect()
    }

    /// The run's number, as the stamps carry it.
    pub const fn run(&self) -> u32 {
        self.run
    }

    /// Takes in how records of one worker ended, in any order, each sequence exactly once.
    ///
    /// # Panics
    /// When `worker` is not one that [`Self::new`] was given; in debug builds also when a record ends twice, of which the
    /// second changes nothing.
    pub fn resolve(&self, worker: WorkerKey, resolutions: &[Resolution]) {
        lock(self.worker(worker)).resolve_all(resolutions);
    }

    /// As [`Self::resolve`], unless a consumer is looking at this worker's records at the moment: then nothing is taken in,
    /// and the answer is false. For workers that have a schedule to keep: a page takes milliseconds.
    ///
    /// # Panics
    /// As [`Self::resolve`].
    pub fn try_resolve(&self, worker: WorkerKey, resolutions: &[Resolution]) -> bool {
        let mut worker = match self.worker(worker).try_lock() {
            Ok(worker) => worker,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        worker.resolve_all(resolutions);
        true
    }

    fn worker(&self, key: WorkerKey) -> &Mutex<Worker> {
        let number = self
            .keys
            .binary_search(&key)
            .expect("the workers of a run are known when it begins");
        &self.workers[number]
    }

    /// Takes in what `consumer` was given, in the order of delivery, and puts the class of each into `classes`, which is
    /// cleared first. Deliveries of workers that are not ours count as foreign here.
    pub fn deliver(
        &self,
        consumer: usize,
        deliveries: &[Delivery],
        classes: &mut Vec<DeliveryClass>,
    ) {
        classes.clear();
        classes.reserve(deliveries.len());
        let mut reader = lock(&self.readers[consumer]);
        // Neighbours are often of one worker: its lock is kept until another one comes.
        let mut held: Option<(WorkerKey, usize, MutexGuard<'_, Worker>)> = None;
        for delivery in deliveries {
            if held.as_ref().is_none_or(|(key, ..)| *key != delivery.key) {
                // Given back before the next is taken: two readers must not wait for each other's worker.
                drop(held.take());
                held = self
                    .keys
                    .binary_search(&delivery.key)
                    .ok()
                    .map(|number| (delivery.key, number, lock(&self.workers[number])));
            }
            let again = reader.saw(delivery.shard, delivery.place());
            let phase = delivery.phase;
            let class = match &mut held {
                None => {
                    reader.foreign += 1;
                    DeliveryClass::Foreign
                }
                Some((_, number, worker)) => {
                    let place = Stored {
                        shard: delivery.shard,
                        sequence_number: delivery.sequence_number,
                    };
                    if let Some(first) = worker.deliver(consumer, delivery.sequence, place) {
                        reader.first[phase as usize] += 1;
                        reader.misplaced[phase as usize] += u64::from(first.misplaced);
                        reader.saw_lane(*number, delivery.lane, delivery.lane_sequence, phase);
                        DeliveryClass::First
                    } else if again {
                        reader.redelivered[phase as usize] += 1;
                        DeliveryClass::Redelivered
                    } else {
                        reader.stored_twice[phase as usize] += 1;
                        worker.stored_twice(consumer, delivery.sequence, phase);
                        DeliveryClass::StoredTwice
                    }
                }
            };
            classes.push(class);
        }
    }

    /// Counts deliveries whose checksum does not hold. Whose they were cannot be told: such a record, if acked, becomes
    /// lost once the position passed it.
    pub fn corrupt(&self, consumer: usize, deliveries: u64) {
        lock(&self.readers[consumer]).corrupt += deliveries;
    }

    /// Counts deliveries without our stamp or of another run. Those handed to [`Self::deliver`] are counted there.
    pub fn foreign(&self, consumer: usize, deliveries: u64) {
        lock(&self.readers[consumer]).foreign += deliveries;
    }

    /// Counts deliveries against the order of their shard.
    pub fn out_of_order(&self, consumer: usize, deliveries: u64) {
        lock(&self.readers[consumer]).out_of_order += deliveries;
    }

    /// Takes in a stretch of a shard that the consumer's position jumped over because it was trimmed: after the first
    /// number (or from the beginning), through the second.
    pub fn trimmed(
        &self,
        consumer: usize,
        shard: ShardId,
        after: Option<SequenceNumber>,
        through: SequenceNumber,
    ) {
        lock(&self.readers[consumer]).trim(shard, after, through);
    }

    /// Takes in that everything of a shard up to a number was passed; a lower number than before changes nothing.
    pub fn position(&self, consumer: usize, shard: ShardId, through: SequenceNumber) {
        lock(&self.readers[consumer]).pass(shard, through);
    }

    /// From now on the order of this lane's records is not judged: the lane straddles a shard boundary.
    pub fn exclude_lane(&self, consumer: usize, lane: u16) {
        lock(&self.readers[consumer]).exclude_lane(lane);
    }

    /// Acked records that this consumer was not given so far, whether it will get them or not.
    pub fn outstanding(&self, consumer: usize) -> u64 {
        self.workers
            .iter()
            .map(|worker| {
                let worker = lock(worker);
                let sum = |counts: [u64; 2]| counts[0] + counts[1];
                sum(worker.acked()) - sum(worker.delivered(consumer))
            })
            .sum()
    }

    /// Whether every record acked so far was delivered, lost or trimmed. Costs a few counters if all were delivered, else
    /// a look at each gap until the first record that may still come.
    pub fn caught_up(&self, consumer: usize) -> bool {
        if self.outstanding(consumer) == 0 {
            return true;
        }
        let reader = lock(&self.readers[consumer]);
        self.workers.iter().all(|worker| {
            lock(worker)
                .undelivered(consumer)
                .all(|record| reader.passed(&record.stored) != Passed::NotYet)
        })
    }

    /// Whether every record acked so far was delivered or trimmed, or is not owed: `covered_from` is that of
    /// [`Self::finish`]. Costs as much as [`Self::caught_up`].
    pub fn is_settled(&self, consumer: usize, covered_from: Option<Timestamp>) -> bool {
        if self.outstanding(consumer) == 0 {
            return true;
        }
        let reader = lock(&self.readers[consumer]);
        self.workers.iter().all(|worker| {
            lock(worker).undelivered(consumer).all(|record| {
                reader.passed(&record.stored) == Passed::Trimmed
                    || is_before(record.stored.sequence_number, covered_from)
            })
        })
    }

    /// The consumer's ledger of each phase and of the whole run, as of now: it may be asked before the end.
    ///
    /// `covered_from`: where the consumer began, as a time of arrival. Undelivered records whose sequence number carries
    /// an earlier second count as uncovered; sequence numbers that carry no time count as covered.
    ///
    /// Corrupt, foreign and out-of-order deliveries and lanes not judged belong to no phase and are in the total only.
    pub fn finish(
        &self,
        consumer: usize,
        covered_from: Option<Timestamp>,
    ) -> (BTreeMap<Phase, ConsumerLedger>, ConsumerLedger) {
        let reader = lock(&self.readers[consumer]);
        let mut ledgers = Phase::ALL.map(|phase| {
            let phase = phase as usize;
            ConsumerLedger {
                deliveries: reader.first[phase]
                    + reader.redelivered[phase]
                    + reader.stored_twice[phase],
                redelivered: reader.redelivered[phase],
                stored_twice_unexplained: reader.stored_twice[phase],
                key_inversions: reader.key_inversions[phase],
                misplaced: reader.misplaced[phase],
                ..ConsumerLedger::default()
            }
        });
        for worker in &self.workers {
            let worker = lock(worker);
            for (phase, ledger) in ledgers.iter_mut().enumerate() {
                ledger.acked += worker.acked()[phase];
                ledger.delivered += worker.delivered(consumer)[phase];
            }
            for record in worker.undelivered(consumer) {
                let ledger = &mut ledgers[record.phase as usize];
                let column = if is_before(record.stored.sequence_number, covered_from) {
                    &mut ledger.uncovered
                } else {
                    match reader.passed(&record.stored) {
                        Passed::Trimmed => &mut ledger.trimmed_unread,
                        Passed::Lost => &mut ledger.lost,
                        Passed::NotYet => &mut ledger.unread,
                    }
                };
                *column += 1;
            }
            for (_, phase, count, explained) in worker.twice_stored(consumer) {
                if explained {
                    let ledger = &mut ledgers[phase as usize];
                    ledger.stored_twice_explained += u64::from(count);
                    ledger.stored_twice_unexplained -= u64::from(count);
                }
            }
        }
        for (ledger, first) in ledgers.iter_mut().zip(reader.first) {
            // Below zero only if a stamp and a resolution disagree about the phase: then the sums do not hold, and the
            // verdict says so.
            ledger.delivered_unacked = first.saturating_sub(ledger.delivered);
        }
        let mut total = ConsumerLedger {
            deliveries: reader.corrupt + reader.foreign,
            corrupt: reader.corrupt,
            foreign: reader.foreign,
            out_of_order: reader.out_of_order,
            lanes_not_judged: reader.lanes_not_judged(),
            ..ConsumerLedger::default()
        };
        for ledger in &ledgers {
            total.merge(ledger);
        }
        (Phase::ALL.into_iter().zip(ledgers).collect(), total)
    }

    /// About how much memory this takes, in bytes.
    pub fn memory_bytes(&self) -> usize {
        let workers: usize = self.workers.iter().map(|w| lock(w).memory_bytes()).sum();
        let readers: usize = self.readers.iter().map(|r| lock(r).memory_bytes()).sum();
        size_of::<Self>() + workers + readers
    }

    /// Everything that joining several hosts' runs needs; see [`Snapshot`].
    pub fn snapshot(&self) -> Snapshot {
        let workers = self.keys.iter().zip(&self.workers).map(|(&key, worker)| {
            let worker = lock(worker);
            let resolved = worker.ranges(Chunk::resolved);
            WorkerSnapshot {
                key,
                sequences: resolved.end(),
                acked: worker.acked_ranges(),
                unresolved: resolved.gaps(),
                unknown_attempts: worker.ranges(Chunk::unknown),
            }
        });
        let consumers = self.readers.iter().enumerate().map(|(consumer, reader)| {
            let reader = lock(reader);
            let mut snapshot = ConsumerSnapshot {
                first: reader.first,
                redelivered: reader.redelivered,
                key_inversions: reader.key_inversions,
                misplaced: reader.misplaced,
                corrupt: reader.corrupt,
                foreign: reader.foreign,
                out_of_order: reader.out_of_order,
                lanes_not_judged: reader.lanes_not_judged(),
                ..ConsumerSnapshot::default()
            };
            for (&shard, read) in reader.shards() {
                snapshot.shards.push(ShardSnapshot {
                    shard,
                    highest: read.highest.map(|(number, _)| number),
                    position: read.position,
                    trimmed: read.trimmed.clone(),
                });
            }
            for (worker, number) in self.workers.iter().zip(0u32..) {
                let worker = lock(worker);
                snapshot
                    .delivered
                    .push(worker.ranges(|chunk| chunk.delivered(consumer)));
                let mut missing: Vec<_> = worker
                    .undelivered(consumer)
                    .map(|record| Missing {
                        worker: number,
                        sequence: record.sequence,
                        phase: record.phase,
                        stored: record.stored,
                    })
                    .collect();
                missing.sort_unstable_by_key(|record| record.sequence);
                snapshot.missing.append(&mut missing);
                for (sequence, phase, count, _) in worker.twice_stored(consumer) {
                    snapshot.stored_twice.push(StoredTwice {
                        worker: number,
                        sequence,
                        phase,
                        count,
                    });
                }
            }
            snapshot
        });
        Snapshot {
            run: self.run,
            workers: workers.collect(),
            consumers: consumers.collect(),
        }
    }

    /// Writes `integrity.bin`, to be read with [`Snapshot::read_from`].
    ///
    /// # Errors
    /// When `output` refuses.
    pub fn write_to(&self, output: impl io::Write) -> io::Result<()> {
        self.snapshot().write_to(output)
    }
}

/// Whether a sequence number carries a second that begins before `time`.
fn is_before(number: SequenceNumber, time: Option<Timestamp>) -> bool {
    time.zip(number.decode())
        .is_some_and(|(time, parts)| parts.time_s < time.as_nanos().div_ceil(1_000_000_000))
}

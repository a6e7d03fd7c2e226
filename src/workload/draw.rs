//! One record's draw: all generators of a worker together, so that every world draws alike.

use std::time::Duration;

use super::arrival::Schedule;
use super::key_text::KeyHashes;
use super::keys::KeyGenerator;
use super::payload::{PayloadGenerator, PayloadPool};
use super::sizes::SizeGenerator;
use super::stamp::Stamp;
use crate::base::rng::{Rng, generator};
use crate::kinesis::{HashKey, PutBatch};
use crate::scenario::model::Producer;

/// What one record will be. It is small, so that a queue holds plans and not data, and every attempt renders the same
/// bytes from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordPlan {
    /// The record's number in its worker, from 0.
    pub sequence: u64,
    /// The number of its partition key.
    pub key: u64,
    /// Where that key falls.
    pub hash_key: HashKey,
    /// Bytes of data, with the stamp.
    pub size: u32,
    /// Where its payload begins in the pool.
    pub payload_offset: u32,
}

/// Draws the records of one worker of a producer, without end.
#[derive(Clone, Debug)]
pub struct RecordSource {
    next_sequence: u64,
    keys: KeyGenerator,
    hashes: KeyHashes,
    sizes: SizeGenerator,
    payloads: PayloadGenerator,
    pool: PayloadPool,
}

fn producers_generator(seed: u64, producer: &Producer, worker: u32, purpose: &str) -> Rng {
    generator(
        seed,
        &format!("producers.{}", producer.name),
        worker,
        purpose,
    )
}

/// The pool that all workers of this producer cut their payloads from.
pub fn payload_pool(seed: u64, producer: &Producer) -> PayloadPool {
    let max_bytes = usize::try_from(producer.size.max_bytes()).unwrap_or(usize::MAX);
    PayloadPool::new(producer.payload.kind, seed, max_bytes)
}

/// The intended times of one worker (from 0) of a producer; `None` for closed arrivals.
pub fn schedule(seed: u64, producer: &Producer, worker: u32, load: Duration) -> Option<Schedule> {
    let rng = producers_generator(seed, producer, worker, "arrival");
    let shared = producers_generator(seed, producer, 0, "bursts");
    Schedule::new(
        &producer.arrival,
        worker,
        producer.workers,
        load,
        rng,
        shared,
    )
}

impl RecordSource {
    /// The records of worker `worker` (from 0), with a payload pool of its own.
    pub fn new(seed: u64, producer: &Producer, worker: u32) -> Self {
        Self::with_pool(seed, producer, worker, payload_pool(seed, producer))
    }

    /// The same records, cut from a [`payload_pool`] that workers share.
    pub fn with_pool(seed: u64, producer: &Producer, worker: u32, pool: PayloadPool) -> Self {
        let rng = |purpose| producers_generator(seed, producer, worker, purpose);
        Self {
            next_sequence: 0,
            keys: KeyGenerator::new(&producer.keys, worker, producer.workers, rng("keys")),
            hashes: KeyHashes::for_keys(&producer.keys),
            sizes: SizeGenerator::new(&producer.size, rng("sizes")),
            payloads: PayloadGenerator::new(rng("payload")),
            pool,
        }
    }

    /// The number of the record that [`Self::next`] gives.
    pub const fn upcoming(&self) -> u64 {
        self.next_sequence
    }

    /// The next record.
    #[expect(clippy::should_implement_trait, reason = "records never end")]
    pub fn next(&mut self) -> RecordPlan {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let key = self.keys.next();
        RecordPlan {
            sequence,
            key,
            hash_key: self.hashes.get(key),
            size: self.sizes.next(),
            payload_offset: self.payloads.next(),
        }
    }

    /// Appends the planned record to `batch`, written in place. With a stamp its first [`Stamp::BYTES`] bytes are the
    /// stamp's; a size below that leaves no room and no stamp.
    pub fn render(&self, plan: &RecordPlan, stamp: Option<&Stamp>, batch: &mut PutBatch) {
        batch.push_with(
            |key| self.hashes.text().write(plan.key, key),
            |data| {
                let start = data.len();
                self.pool
                    .append(plan.payload_offset, plan.size as usize, data);
                if let Some(stamp) = stamp {
                    stamp.write(&mut data[start..]);
                }
            },
            self.hashes.text().explicit_hash_key(plan.key),
        );
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::scenario::model::{
        Arrival, KeyChoice, Keys, Ordering, Payload, PayloadKind, PutApi, Retry, RetryKind, Send,
        Size, StampPlace,
    };

    pub(crate) fn producer(
        workers: u32,
        arrival: Arrival,
        choice: KeyChoice,
        size: Size,
    ) -> Producer {
        Producer {
            name: "web".to_owned(),
            stream: "orders".parse().unwrap(),
            workers,
            arrival,
            keys: Keys {
                choice,
                format: ("key-".to_owned(), String::new()),
            },
            size,
            payload: Payload {
                kind: PayloadKind::Random,
                stamp: StampPlace::Prefix,
            },
            send: Send {
                api: PutApi::PutRecords,
                max_records: 500,
                max_bytes: 5 << 20,
                linger: Duration::from_millis(20),
                max_in_flight: 32,
                timeout: Duration::from_secs(5),
                ordering: Ordering::None,
                max_queued: 100_000,
            },
            retry: Retry {
                kind: RetryKind::FullJitter,
                attempts: 5,
                base: Duration::from_millis(50),
                cap: Duration::from_secs(2),
            },
        }
    }

    fn sample(workers: u32) -> Producer {
        producer(
            workers,
            Arrival::Poisson { rate: 2_400.0 },
            KeyChoice::Zipf {
                population: 100_000,
                exponent: 1.0,
            },
            Size::LogNormal {
                median: 600,
                sigma: 0.5,
                min: 36,
                max: 20_480,
            },
        )
    }

    fn stamp(plan: &RecordPlan, intended: Duration) -> Stamp {
        Stamp {
            run: 1,
            producer: 0,
            worker: 0,
            sequence: plan.sequence,
            lane_sequence: 0,
            intended: Timestamp::from_secs(1_700_000_000).plus(intended),
        }
    }

    #[test]
    fn a_rendered_record_is_its_plan() {
        let producer = sample(1);
        let mut source = RecordSource::new(7, &producer, 0);
        let mut batch = PutBatch::new();
        let plans: Vec<_> = (0..200).map(|_| source.next()).collect();
        for plan in &plans {
            source.render(plan, Some(&stamp(plan, Duration::ZERO)), &mut batch);
            source.render(plan, None, &mut batch);
        }
        for (index, plan) in plans.iter().enumerate() {
            let (stamped, plain) = (batch.entry(2 * index), batch.entry(2 * index + 1));
            assert_eq!(plan.sequence, index as u64);
            assert_eq!(stamped.partition_key, format!("key-{}", plan.key));
            assert_eq!(
                HashKey::of_partition_key(stamped.partition_key),
                plan.hash_key
            );
            assert_eq!(stamped.data.len(), plan.size as usize);
            assert_eq!(stamped.explicit_hash_key, None);
            assert_eq!(Stamp::read(stamped.data), Ok(stamp(plan, Duration::ZERO)));
            assert_eq!(plain.partition_key, stamped.partition_key);
            assert_eq!(plain.data.len(), stamped.data.len());
            assert_eq!(plain.data[Stamp::BYTES..], stamped.data[Stamp::BYTES..]);
        }
    }

    /// A change of this number is a Measurement entry in the changelog: runs of the same scenario and seed before and
    /// after it have not sent the same records.
    const FINGERPRINT: u32 = 2_315_768_872;

    #[test]
    fn the_first_10_000_records_of_a_seed_are_the_same_bytes_in_every_version() {
        let producer = sample(1);
        let mut source = RecordSource::new(7, &producer, 0);
        let times = schedule(7, &producer, 0, Duration::from_mins(1)).unwrap();
        let mut crc = crc32fast::Hasher::new();
        let mut batch = PutBatch::new();
        for intended in times.take(10_000) {
            let plan = source.next();
            batch.clear();
            source.render(&plan, Some(&stamp(&plan, intended)), &mut batch);
            crc.update(batch.entry(0).partition_key.as_bytes());
            crc.update(batch.entry(0).data);
        }
        assert_eq!(source.next().sequence, 10_000);
        assert_eq!(crc.finalize(), FINGERPRINT);
    }

    #[test]
    fn workers_draw_differently_and_a_worker_more_moves_nobody_elses_draws() {
        let draws = |workers, worker| {
            let mut source = RecordSource::new(7, &sample(workers), worker);
            (0..1_000).map(|_| source.next()).collect::<Vec<_>>()
        };
        assert_eq!(draws(2, 1), draws(3, 1));
        assert_ne!(draws(3, 1), draws(3, 2));
    }

    #[test]
    fn what_one_purpose_draws_does_not_move_the_others() {
        let other_keys = Producer {
            keys: Keys {
                choice: KeyChoice::HotSet {
                    hot_keys: 1,
                    hot_share: 0.4,
                    population: 50,
                },
                ..sample(1).keys
            },
            ..sample(1)
        };
        let other_sizes = Producer {
            size: Size::Fixed { bytes: 100 },
            ..sample(1)
        };
        let [mut base, mut keys, mut sizes] = [&sample(1), &other_keys, &other_sizes]
            .map(|producer| RecordSource::new(7, producer, 0));
        let mut keys_differ = false;
        for _ in 0..1_000 {
            let (base, keys, sizes) = (base.next(), keys.next(), sizes.next());
            keys_differ |= keys.key != base.key;
            assert_eq!(
                (keys.size, keys.payload_offset),
                (base.size, base.payload_offset)
            );
            assert_eq!(
                (sizes.key, sizes.hash_key, sizes.payload_offset),
                (base.key, base.hash_key, base.payload_offset)
            );
        }
        assert!(keys_differ);
    }

    #[test]
    fn sharing_the_pool_changes_no_byte() {
        let producer = sample(1);
        let pool = payload_pool(7, &producer);
        let mut own = RecordSource::new(7, &producer, 0);
        let mut sharing = RecordSource::with_pool(7, &producer, 0, pool);
        let (mut a, mut b) = (PutBatch::new(), PutBatch::new());
        for _ in 0..100 {
            let plan = own.next();
            own.render(&plan, None, &mut a);
            let plan = sharing.next();
            sharing.render(&plan, None, &mut b);
        }
        for (a, b) in a.iter().zip(b.iter()) {
            assert_eq!((a.partition_key, a.data), (b.partition_key, b.data));
        }
    }
}

//! One record's draw: all generators of a worker together, so that every world draws alike.

use std::time::Duration;

use rand_xoshiro::rand_core::Rng as _;

use super::arrival::Schedule;
use super::json::{JsonPayload, Values};
use super::key_text::KeyHashes;
use super::keys::KeyGenerator;
use super::payload::{PayloadGenerator, PayloadPool};
use super::sizes::SizeGenerator;
use super::stamp::Stamp;
use crate::base::Timestamp;
use crate::base::rng::{Rng, generator, of_record};
use crate::kinesis::{HashKey, PutBatch};
use crate::scenario::model::{Calls, Producer, Size, StampPlace};

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
    /// Where its payload begins in the pool, or which line it is.
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
    stamp: StampPlace,
    /// Whether each payload has the size that it takes.
    natural: bool,
    /// What the generators of this worker's records begin with.
    salt: u64,
    worker: u32,
    workers: u32,
    /// Room to measure a payload in.
    scratch: Vec<u8>,
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
    let stamp = match producer.payload.stamp {
        StampPlace::Prefix => Stamp::BYTES as u64,
        StampPlace::JsonField | StampPlace::None => 0,
    };
    let [min, max] = [producer.size.min_bytes(), producer.size.max_bytes()]
        .map(|bytes| usize::try_from(bytes.saturating_sub(stamp)).unwrap_or(usize::MAX));
    PayloadPool::new(&producer.payload.kind, seed, min, max)
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

/// The intended times of one worker (from 0) of a load of API calls; `None` without arrivals, or for closed ones.
pub fn calls_schedule(seed: u64, calls: &Calls, worker: u32, load: Duration) -> Option<Schedule> {
    let part = format!("calls.{}", calls.name);
    let rng = generator(seed, &part, worker, "arrival");
    let shared = generator(seed, &part, 0, "bursts");
    let arrival = calls.arrival.as_ref()?;
    Schedule::new(arrival, worker, calls.workers, load, rng, shared)
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
            sizes: SizeGenerator::new(&producer.size, worker, producer.workers, rng("sizes")),
            payloads: PayloadGenerator::new(rng("payload")),
            pool,
            stamp: producer.payload.stamp,
            natural: matches!(producer.size, Size::Natural { .. }),
            salt: rng("values").next_u64(),
            worker,
            workers: producer.workers.max(1),
            scratch: Vec::new(),
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
        let mut plan = RecordPlan {
            sequence,
            key,
            hash_key: self.hashes.get(key),
            size: self.sizes.next(),
            payload_offset: self.payloads.next(),
        };
        if self.natural {
            self.fit(&mut plan);
        }
        plan
    }

    /// Gives a record the size that its payload takes.
    fn fit(&mut self, plan: &mut RecordPlan) {
        let number = plan
            .sequence
            .wrapping_mul(u64::from(self.workers))
            .wrapping_add(u64::from(self.worker));
        let taken = if let Some((line, bytes)) = self.pool.line(plan.payload_offset, number) {
            plan.payload_offset = line;
            bytes
        } else if let Some(json) = self.pool.json() {
            let mut scratch = std::mem::take(&mut self.scratch);
            scratch.clear();
            // All times take as many bytes.
            self.append_json(json, plan, Timestamp::ZERO, &mut scratch);
            let bytes = scratch.len();
            self.scratch = scratch;
            bytes
        } else {
            return;
        };
        plan.size = (self.head() + taken) as u32;
    }

    /// Bytes before the payload.
    const fn head(&self) -> usize {
        match self.stamp {
            StampPlace::Prefix => Stamp::BYTES,
            StampPlace::JsonField | StampPlace::None => 0,
        }
    }

    fn append_json(
        &self,
        json: &JsonPayload,
        plan: &RecordPlan,
        intended: Timestamp,
        data: &mut Vec<u8>,
    ) {
        let values = Values {
            rng: of_record(self.salt, plan.sequence),
            key: plan.key,
            keys: self.hashes.text(),
            sequence: plan.sequence,
            intended,
        };
        let bytes = (plan.size as usize).saturating_sub(self.head());
        let padded = (!self.natural).then_some((bytes, plan.payload_offset));
        json.append(values, padded, self.stamp == StampPlace::JsonField, data);
    }

    /// The bytes of the planned record's partition key, which are billed with its data.
    pub fn key_bytes(&self, plan: &RecordPlan) -> u32 {
        self.hashes.text().bytes(plan.key) as u32
    }

    /// The hash key that is sent with this key, if there is one.
    pub fn explicit_hash_key(&self, key: u64) -> Option<HashKey> {
        self.hashes.text().explicit_hash_key(key)
    }

    /// Appends the planned record to `batch`, written in place. The stamp says when it was meant to be sent; whether and
    /// where the record carries it is its producer's `payload.stamp`.
    pub fn render(&self, plan: &RecordPlan, stamp: &Stamp, batch: &mut PutBatch) {
        batch.push_with(
            |key| self.hashes.text().write(plan.key, key),
            |data| self.render_data(plan, stamp, data),
            self.hashes.text().explicit_hash_key(plan.key),
        );
    }

    /// Appends the planned record's data, `plan.size` bytes. A size below that of a stamp before the data leaves no room and
    /// no stamp.
    pub fn render_data(&self, plan: &RecordPlan, stamp: &Stamp, data: &mut Vec<u8>) {
        let start = data.len();
        let bytes = plan.size as usize;
        let head = self.head().min(bytes);
        data.resize(start + head, 0);
        if let Some(json) = self.pool.json() {
            self.append_json(json, plan, stamp.intended, data);
        } else {
            let skipped = if self.natural { 0 } else { head as u32 };
            let offset = plan.payload_offset.wrapping_add(skipped);
            self.pool.append(offset, bytes - head, data);
        }
        match self.stamp {
            StampPlace::Prefix => stamp.write(&mut data[start..]),
            StampPlace::JsonField => stamp.write_field(&mut data[start..]),
            StampPlace::None => {}
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::scenario::model::{
        Arrival, JsonTemplate, KeyChoice, Keys, Ordering, Payload, PayloadFile, PayloadKind,
        PutApi, Retry, RetryKind, RetryOf, Send, Size, StampPlace,
    };
    use crate::workload::stamp::StampError;
    use std::sync::Arc;

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
                rate_limit: None,
                aggregate: None,
            },
            retry: Retry {
                kind: RetryKind::FullJitter,
                attempts: 5,
                base: Duration::from_millis(50),
                cap: Duration::from_secs(2),
                of: RetryOf::Record,
                ttl: None,
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

    /// The same producer, whose records carry no stamp.
    pub(crate) fn unstamped(mut producer: Producer) -> Producer {
        producer.payload.stamp = StampPlace::None;
        producer
    }

    pub(crate) fn stamp(plan: &RecordPlan, intended: Duration) -> Stamp {
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
        let plain = RecordSource::new(7, &unstamped(producer.clone()), 0);
        let mut batch = PutBatch::new();
        let plans: Vec<_> = (0..200).map(|_| source.next()).collect();
        for plan in &plans {
            source.render(plan, &stamp(plan, Duration::ZERO), &mut batch);
            plain.render(plan, &stamp(plan, Duration::ZERO), &mut batch);
        }
        for (index, plan) in plans.iter().enumerate() {
            let (stamped, plain) = (batch.entry(2 * index), batch.entry(2 * index + 1));
            assert_eq!(plan.sequence, index as u64);
            assert_eq!(stamped.partition_key, format!("key-{}", plan.key));
            let bytes = source.key_bytes(plan) as usize;
            assert_eq!(bytes, stamped.partition_key.len());
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
            source.render(&plan, &stamp(&plan, intended), &mut batch);
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

    fn with(kind: PayloadKind, stamp: StampPlace, size: Size) -> Producer {
        Producer {
            payload: Payload { kind, stamp },
            size,
            ..sample(2)
        }
    }

    const NATURAL: Size = Size::Natural {
        min: 0,
        max: 10_000,
    };

    #[test]
    fn a_json_record_is_json_of_its_plans_size_with_its_own_key_number_time_and_stamp() {
        let template = r#"{"id": "${uuid}", "key": "${key}", "n": "${sequence}", "at": "${time}", "x": "${int 1..99999}"}"#;
        let kind = PayloadKind::Json(Arc::new(JsonTemplate::parse(template).unwrap()));
        let mut ids = std::collections::BTreeSet::new();
        for (size, place) in [
            (NATURAL, StampPlace::JsonField),
            (NATURAL, StampPlace::None),
            (Size::Fixed { bytes: 600 }, StampPlace::JsonField),
        ] {
            let mut source = RecordSource::new(7, &with(kind.clone(), place, size.clone()), 1);
            let (mut once, mut again) = (PutBatch::new(), PutBatch::new());
            for _ in 0..200 {
                let plan = source.next();
                let stamp = stamp(&plan, Duration::from_micros(plan.sequence));
                source.render(&plan, &stamp, &mut once);
                source.render(&plan, &stamp, &mut again);
                let entry = once.entry(once.len() - 1);
                assert_eq!(entry.data, again.entry(again.len() - 1).data);
                assert_eq!(entry.data.len(), plan.size as usize);
                let json: serde_json::Value = serde_json::from_slice(entry.data).unwrap();
                assert_eq!(json["key"], entry.partition_key);
                assert_eq!(json["n"], plan.sequence);
                let at = format!("2023-11-14T22:13:20.{:06}Z", plan.sequence);
                assert_eq!(json["at"], at);
                assert_eq!(json.get("_pad").is_some(), size != NATURAL);
                let found = Stamp::find(entry.data);
                match place {
                    StampPlace::JsonField => assert_eq!(found, Ok(stamp)),
                    _ => assert_eq!(found, Err(StampError::Absent)),
                }
                if place == StampPlace::None {
                    assert!(ids.insert(json["id"].to_string()), "{json}");
                }
            }
        }
    }

    #[test]
    fn lines_are_records_in_the_files_order_over_all_workers_or_drawn() {
        let lines: Vec<_> = (0..10u32)
            .map(|line| format!("line {}", line.pow(5)))
            .collect();
        let file = PayloadFile::new(lines.join("\n").into_bytes());
        for (in_order, place) in [(true, StampPlace::Prefix), (false, StampPlace::None)] {
            let file = file.clone();
            let kind = PayloadKind::Lines { file, in_order };
            let producer = with(kind, place, NATURAL);
            let mut seen = std::collections::BTreeSet::new();
            for worker in 0..2 {
                let mut source = RecordSource::new(7, &producer, worker);
                let mut batch = PutBatch::new();
                for number in 0..100 {
                    let plan = source.next();
                    source.render(&plan, &stamp(&plan, Duration::ZERO), &mut batch);
                    let data = batch.entry(number).data;
                    assert_eq!(data.len(), plan.size as usize);
                    let head = if place == StampPlace::Prefix {
                        Stamp::BYTES
                    } else {
                        0
                    };
                    let line = std::str::from_utf8(&data[head..]).unwrap().to_owned();
                    if in_order {
                        assert_eq!(Stamp::find(data), Ok(stamp(&plan, Duration::ZERO)));
                        assert_eq!(line, lines[(2 * number + worker as usize) % 10]);
                    }
                    assert!(lines.contains(&line));
                    seen.insert(line);
                }
            }
            assert_eq!(seen.len(), 10);
        }
    }

    #[test]
    fn batches_that_are_used_again_take_no_new_memory_for_any_payload() {
        let template = r#"{"id": "${uuid}", "key": "${key}", "at": "${time}", "f": "${float 0..1}", "t": "${text 50}"}"#;
        let json = PayloadKind::Json(Arc::new(JsonTemplate::parse(template).unwrap()));
        let lines = PayloadFile::new(b"one\ntwo\n".to_vec());
        let fixed = Size::Fixed { bytes: 1_024 };
        for (kind, stamp_place, size) in [
            (PayloadKind::Random, StampPlace::Prefix, fixed.clone()),
            (
                PayloadKind::Compressible { ratio: 4.0 },
                StampPlace::Prefix,
                fixed.clone(),
            ),
            (PayloadKind::Cuts(lines), StampPlace::Prefix, fixed.clone()),
            (json.clone(), StampPlace::JsonField, fixed),
            (json, StampPlace::JsonField, NATURAL),
        ] {
            let mut source = RecordSource::new(7, &with(kind.clone(), stamp_place, size), 0);
            let mut data = Vec::with_capacity(1 << 20);
            for _ in 0..500 {
                let plan = source.next();
                data.clear();
                let before = data.as_ptr();
                source.render_data(&plan, &stamp(&plan, Duration::ZERO), &mut data);
                assert_eq!(
                    (data.as_ptr(), data.len()),
                    (before, plan.size as usize),
                    "{kind:?}"
                );
                assert!(Stamp::find(&data).is_ok());
            }
        }
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
            own.render(&plan, &stamp(&plan, Duration::ZERO), &mut a);
            let plan = sharing.next();
            sharing.render(&plan, &stamp(&plan, Duration::ZERO), &mut b);
        }
        for (a, b) in a.iter().zip(b.iter()) {
            assert_eq!((a.partition_key, a.data), (b.partition_key, b.data));
        }
    }
}

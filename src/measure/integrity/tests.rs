//! The book against a model that remembers everything, and its memory over many records.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::base::rng;
use crate::kinesis::sequence::SequenceParts;

const CREATED_S: u64 = 1_700_000_000;
const PHASES: [Phase; 2] = Phase::ALL;

fn shard(number: u32) -> ShardId {
    ShardId::new(number).unwrap()
}

fn key(worker: u16) -> WorkerKey {
    WorkerKey {
        producer: 3,
        worker,
    }
}

/// The number of a shard's `counter`-th record; ten of them per second.
fn number(shard_number: u32, counter: u64) -> SequenceNumber {
    SequenceParts {
        shard_created_s: CREATED_S,
        shard: shard(shard_number),
        counter,
        time_s: CREATED_S + counter / 10,
    }
    .encode()
}

fn stored(shard_number: u32, counter: u64) -> Stored {
    Stored {
        shard: shard(shard_number),
        sequence_number: number(shard_number, counter),
    }
}

/// A record that is acked, in the measurement window, at its own sequence as counter.
fn acked(sequence: u64) -> Resolution {
    Resolution {
        sequence,
        phase: Phase::Measure,
        acked: Some(stored(0, sequence + 1)),
        any_unknown_attempt: false,
        retried: false,
    }
}

fn delivery(sequence: u64) -> Delivery {
    Delivery {
        key: key(0),
        sequence,
        lane: 7,
        lane_sequence: sequence as u32,
        shard: shard(0),
        sequence_number: number(0, sequence + 1),
        sub_sequence: 0,
        phase: Phase::Measure,
    }
}

const fn stored_at(delivery: &Delivery) -> Stored {
    Stored {
        shard: delivery.shard,
        sequence_number: delivery.sequence_number,
    }
}

/// Remembers everything and decides at the end.
#[derive(Default)]
struct Model {
    workers: Vec<WorkerKey>,
    resolved: HashMap<(WorkerKey, u64), Resolution>,
    consumers: Vec<ModelConsumer>,
}

#[derive(Default)]
struct ModelConsumer {
    deliveries: Vec<(Delivery, DeliveryClass)>,
    positions: HashMap<ShardId, SequenceNumber>,
    trimmed: Vec<(ShardId, Option<SequenceNumber>, SequenceNumber)>,
    corrupt: u64,
    foreign: u64,
    inversions: [u64; 2],
    misplaced: [u64; 2],
    excluded: HashSet<u16>,
}

impl Model {
    fn deliver(&mut self, consumer: usize, delivery: Delivery) -> DeliveryClass {
        let ours = self.workers.contains(&delivery.key);
        let consumer = &mut self.consumers[consumer];
        let of_record = |d: &Delivery| (d.key, d.sequence) == (delivery.key, delivery.sequence);
        let before = || consumer.deliveries.iter().map(|(d, _)| d);
        let of_shard: Vec<_> = before()
            .filter(|d| d.shard == delivery.shard)
            .map(Delivery::place)
            .collect();
        // The same number, or one before all that the reader remembers: these runs are shorter than its memory.
        let again = of_shard.contains(&delivery.place())
            || of_shard
                .iter()
                .min()
                .is_some_and(|first| delivery.place() < *first);
        let class = if !ours {
            DeliveryClass::Foreign
        } else if !before().any(of_record) {
            DeliveryClass::First
        } else if again {
            DeliveryClass::Redelivered
        } else {
            DeliveryClass::StoredTwice
        };
        let later = consumer.deliveries.iter().any(|(d, class)| {
            *class == DeliveryClass::First
                && (d.key, d.lane) == (delivery.key, delivery.lane)
                && d.lane_sequence > delivery.lane_sequence
        });
        if class == DeliveryClass::First && later && !consumer.excluded.contains(&delivery.lane) {
            consumer.inversions[delivery.phase as usize] += 1;
        }
        // Only what was acknowledged before, and at its only attempt, is known to lie elsewhere.
        let told = self
            .resolved
            .get(&(delivery.key, delivery.sequence))
            .filter(|end| !end.any_unknown_attempt && !end.retried)
            .and_then(|end| end.acked);
        let place = stored_at(&delivery);
        if class == DeliveryClass::First && told.is_some_and(|told| told != place) {
            consumer.misplaced[delivery.phase as usize] += 1;
        }
        consumer.deliveries.push((delivery, class));
        class
    }

    fn fate(&self, consumer: usize, stored: Stored, from: Option<Timestamp>) -> &'static str {
        let consumer = &self.consumers[consumer];
        let number = stored.sequence_number;
        let time_s = number.decode().map(|parts| parts.time_s);
        if from.is_some_and(|from| time_s.is_some_and(|s| Timestamp::from_secs(s) < from)) {
            "uncovered"
        } else if consumer.trimmed.iter().any(|&(shard, after, through)| {
            shard == stored.shard && after.is_none_or(|after| after < number) && number <= through
        }) {
            "trimmed"
        } else if consumer
            .positions
            .get(&stored.shard)
            .is_some_and(|&at| at >= number)
        {
            "lost"
        } else {
            "unread"
        }
    }

    fn undelivered(&self, consumer: usize) -> Vec<(Phase, Stored)> {
        let given: HashSet<_> = self.consumers[consumer]
            .deliveries
            .iter()
            .map(|(d, _)| (d.key, d.sequence))
            .collect();
        self.resolved
            .iter()
            .filter(|(record, _)| !given.contains(*record))
            .filter_map(|(_, resolution)| Some((resolution.phase, resolution.acked?)))
            .collect()
    }

    fn caught_up(&self, consumer: usize) -> bool {
        self.undelivered(consumer)
            .iter()
            .all(|&(_, stored)| self.fate(consumer, stored, None) != "unread")
    }

    fn is_settled(&self, consumer: usize, from: Option<Timestamp>) -> bool {
        self.undelivered(consumer).iter().all(|&(_, stored)| {
            // What was trimmed is gone, whether or not it was owed.
            self.fate(consumer, stored, None) == "trimmed"
                || self.fate(consumer, stored, from) == "uncovered"
        })
    }

    fn finish(&self, consumer: usize, from: Option<Timestamp>) -> [ConsumerLedger; 2] {
        let mut ledgers = [ConsumerLedger::default(); 2];
        for resolution in self.resolved.values() {
            ledgers[resolution.phase as usize].acked += u64::from(resolution.acked.is_some());
        }
        for (phase, stored) in self.undelivered(consumer) {
            let ledger = &mut ledgers[phase as usize];
            match self.fate(consumer, stored, from) {
                "uncovered" => ledger.uncovered += 1,
                "trimmed" => ledger.trimmed_unread += 1,
                "lost" => ledger.lost += 1,
                _ => ledger.unread += 1,
            }
        }
        for (delivery, class) in &self.consumers[consumer].deliveries {
            let ledger = &mut ledgers[delivery.phase as usize];
            let resolution = self.resolved.get(&(delivery.key, delivery.sequence));
            ledger.deliveries += u64::from(*class != DeliveryClass::Foreign);
            match class {
                DeliveryClass::First if resolution.is_some_and(|r| r.acked.is_some()) => {
                    ledger.delivered += 1;
                }
                DeliveryClass::First => ledger.delivered_unacked += 1,
                DeliveryClass::Redelivered => ledger.redelivered += 1,
                DeliveryClass::StoredTwice if resolution.is_some_and(|r| r.any_unknown_attempt) => {
                    ledger.stored_twice_explained += 1;
                }
                DeliveryClass::StoredTwice => ledger.stored_twice_unexplained += 1,
                DeliveryClass::Foreign => {}
            }
        }
        for (ledger, inversions) in ledgers.iter_mut().zip(self.consumers[consumer].inversions) {
            ledger.key_inversions = inversions;
        }
        for (ledger, misplaced) in ledgers.iter_mut().zip(self.consumers[consumer].misplaced) {
            ledger.misplaced = misplaced;
        }
        ledgers
    }

    fn total(&self, consumer: usize, from: Option<Timestamp>) -> ConsumerLedger {
        let of = &self.consumers[consumer];
        let foreign = of
            .deliveries
            .iter()
            .filter(|(_, class)| *class == DeliveryClass::Foreign)
            .count() as u64
            + of.foreign;
        let mut total = ConsumerLedger {
            deliveries: of.corrupt + foreign,
            corrupt: of.corrupt,
            foreign,
            lanes_not_judged: of.excluded.len() as u64,
            ..ConsumerLedger::default()
        };
        for ledger in self.finish(consumer, from) {
            total.merge(&ledger);
        }
        total
    }
}

/// Something that happens to both books.
#[derive(Clone, Debug)]
enum Step {
    /// How the records from `first` on end; those that have ended are left out.
    Resolve(u16, Vec<(u64, u8)>),
    /// What a consumer is given: worker, sequence, which copy.
    Deliver(usize, Vec<(u16, u64, u64)>),
    Position(usize, u32, u64),
    Trim(usize, u32, Option<u64>, u64),
    Corrupt(usize),
    Foreign(usize),
    Exclude(usize, u16),
}

const CONSUMERS: usize = 2;
const SHARDS: u32 = 3;

/// Records on both sides of a chunk's boundary, and one that only a fault could name.
fn sequences() -> impl Strategy<Value = u64> {
    prop_oneof![10 => 65_500u64..65_570, 3 => 0u64..8, 1 => Just(u64::MAX)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let record = (sequences(), any::<u8>());
    // Worker 2 is not ours.
    let given = (0u16..3, sequences(), 0u64..3);
    let counter = 0u64..260;
    let consumer = 0..CONSUMERS;
    let step = prop_oneof![
        6 => (0u16..2, prop::collection::vec(record, 1..30))
            .prop_map(|(worker, records)| Step::Resolve(worker, records)),
        6 => (consumer.clone(), prop::collection::vec(given, 1..30))
            .prop_map(|(consumer, given)| Step::Deliver(consumer, given)),
        2 => (consumer.clone(), 0..SHARDS, counter.clone())
            .prop_map(|(consumer, shard, through)| Step::Position(consumer, shard, through)),
        1 => (consumer.clone(), 0..SHARDS, prop::option::of(counter.clone()), counter)
            .prop_map(|(consumer, shard, after, through)| Step::Trim(consumer, shard, after, through)),
        1 => consumer.clone().prop_map(Step::Corrupt),
        1 => consumer.clone().prop_map(Step::Foreign),
        1 => (consumer, 0u16..4).prop_map(|(consumer, lane)| Step::Exclude(consumer, lane)),
    ];
    prop::collection::vec(step, 1..25)
}

/// Where copy `copy` of a record lies; copies of one record may lie in one shard or in two.
fn copy_of(worker: u16, sequence: u64, copy: u64) -> Stored {
    let counter = (sequence % 101) * 2 + u64::from(worker) + copy * 40;
    stored(
        (sequence.wrapping_add(copy / 2) % u64::from(SHARDS)) as u32,
        counter,
    )
}

/// The phase of a record's intended time.
fn phase_of(sequence: u64) -> Phase {
    PHASES[usize::from(sequence > 65_520)]
}

fn check(
    integrity: &Integrity,
    model: &Model,
    from: Option<Timestamp>,
) -> Result<(), TestCaseError> {
    for consumer in 0..CONSUMERS {
        let (phases, total) = integrity.finish(consumer, from);
        let expected = model.finish(consumer, from);
        prop_assert_eq!(phases[&Phase::WarmUp], expected[0]);
        prop_assert_eq!(phases[&Phase::Measure], expected[1]);
        prop_assert_eq!(total, model.total(consumer, from));
        prop_assert!(total.balances() && phases.values().all(ConsumerLedger::balances));
        prop_assert_eq!(integrity.caught_up(consumer), model.caught_up(consumer));
        prop_assert_eq!(
            integrity.is_settled(consumer, from),
            model.is_settled(consumer, from)
        );
        prop_assert_eq!(
            integrity.outstanding(consumer),
            total.acked - total.delivered
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_interleaving_gives_the_ledgers_of_the_model_that_remembers_everything(
        steps in steps(),
        from in prop::option::of(0u64..30_000_000_000),
    ) {
        let workers = [key(0), key(1)];
        let integrity = Integrity::new(1, &workers, CONSUMERS);
        let mut model = Model {
            workers: workers.to_vec(),
            consumers: (0..CONSUMERS).map(|_| ModelConsumer::default()).collect(),
            ..Model::default()
        };
        let from = from.map(|nanos| Timestamp::from_nanos(CREATED_S * 1_000_000_000 + nanos));
        let mut classes = Vec::new();
        for step in steps {
            match step {
                Step::Resolve(worker, records) => {
                    let mut resolutions = Vec::new();
                    for (sequence, outcome) in records {
                        let resolution = Resolution {
                            sequence,
                            phase: phase_of(sequence),
                            acked: (outcome % 4 > 0).then(|| copy_of(worker, sequence, u64::from(outcome / 4 % 3))),
                            any_unknown_attempt: outcome % 5 == 0,
                            retried: outcome % 7 == 0,
                        };
                        if let Entry::Vacant(place) = model.resolved.entry((key(worker), sequence)) {
                            place.insert(resolution);
                            resolutions.push(resolution);
                        }
                    }
                    integrity.resolve(key(worker), &resolutions);
                }
                Step::Deliver(consumer, given) => {
                    let deliveries: Vec<_> = given
                        .into_iter()
                        .map(|(worker, sequence, copy)| {
                            let stored = copy_of(worker, sequence, copy);
                            Delivery {
                                key: key(worker),
                                sequence,
                                lane: (sequence % 4) as u16,
                                lane_sequence: (sequence / 4) as u32,
                                shard: stored.shard,
                                sequence_number: stored.sequence_number,
                                sub_sequence: (sequence % 3) as u32,
                                phase: phase_of(sequence),
                            }
                        })
                        .collect();
                    integrity.deliver(consumer, &deliveries, &mut classes);
                    let expected: Vec<_> = deliveries.iter().map(|&d| model.deliver(consumer, d)).collect();
                    prop_assert_eq!(&classes, &expected);
                }
                Step::Position(consumer, shard_number, through) => {
                    let through = number(shard_number, through);
                    integrity.position(consumer, shard(shard_number), through);
                    let at = model.consumers[consumer].positions.entry(shard(shard_number)).or_default();
                    *at = through.max(*at);
                }
                Step::Trim(consumer, shard_number, after, through) => {
                    let (after, through) = (after.map(|n| number(shard_number, n)), number(shard_number, through));
                    integrity.trimmed(consumer, shard(shard_number), after, through);
                    model.consumers[consumer].trimmed.push((shard(shard_number), after, through));
                }
                Step::Corrupt(consumer) => {
                    integrity.corrupt(consumer, 2);
                    model.consumers[consumer].corrupt += 2;
                }
                Step::Foreign(consumer) => {
                    integrity.foreign(consumer, 3);
                    model.consumers[consumer].foreign += 3;
                }
                Step::Exclude(consumer, lane) => {
                    integrity.exclude_lane(consumer, lane);
                    model.consumers[consumer].excluded.insert(lane);
                }
            }
        }
        check(&integrity, &model, None)?;
        check(&integrity, &model, from)?;

        let snapshot = integrity.snapshot();
        let mut bytes = Vec::new();
        integrity.write_to(&mut bytes).unwrap();
        prop_assert_eq!(&Snapshot::read_from(&*bytes).unwrap(), &snapshot);
        for (worker, key) in snapshot.workers.iter().zip(workers) {
            let ended: Vec<_> = model.resolved.iter().filter(|((of, _), _)| *of == key).collect();
            for phase in PHASES {
                let acked = ended.iter().filter(|(_, r)| r.phase == phase && r.acked.is_some());
                prop_assert_eq!(worker.acked[phase as usize].count(), acked.count() as u64);
            }
            prop_assert!(ended.iter().all(|((_, sequence), _)| !worker.unresolved.contains(*sequence)));
        }
        for (number, consumer) in snapshot.consumers.iter().enumerate() {
            prop_assert_eq!(consumer.missing.len() as u64, integrity.outstanding(number));
        }
    }
}

/// Lets two consumers and a producer of four chunks' worth of records run at random distances from each other, and
/// counts beside them what must come out: records keep their location in blocks, in the sparse list and in neither.
#[test]
fn large_runs_with_losses_refusals_and_lagging_readers_count_to_the_record() {
    const RECORDS: u64 = 4 * 65_536 + 777;
    for seed in 0..3 {
        let mut rng = rng::generator(seed, "test", 0, "integrity");
        let integrity = Integrity::new(1, &[key(0)], CONSUMERS);
        let lost_every = [1_000, 40, 100_000][seed as usize];
        let refused_percent = [0, 30, 3][seed as usize];
        let fates: Vec<(bool, bool)> = (0..RECORDS)
            .map(|_| {
                (
                    rng.next_u64() % 100 >= refused_percent,
                    rng.next_u64().is_multiple_of(lost_every),
                )
            })
            .collect();
        let mut resolved = 0u64;
        let mut read = [0u64; CONSUMERS];
        let mut expected = [ConsumerLedger::default(); CONSUMERS];
        let mut classes = Vec::new();
        while resolved < RECORDS || read.iter().any(|&at| at < RECORDS) {
            let size = 1 + rng.next_u64() % 700;
            if rng.next_u64().is_multiple_of(3) {
                let end = RECORDS.min(resolved + size);
                let mut batch: Vec<_> = (resolved..end)
                    .map(|sequence| Resolution {
                        acked: fates[sequence as usize].0.then(|| stored(0, sequence + 1)),
                        ..acked(sequence)
                    })
                    .collect();
                // Answers come in any order.
                for at in 1..batch.len() {
                    batch.swap(at, (rng.next_u64() % (at as u64 + 1)) as usize);
                }
                integrity.resolve(key(0), &batch);
                resolved = end;
            } else {
                let consumer = (rng.next_u64() % 2) as usize;
                // The first consumer may be ahead of the acknowledgement, the second lags by up to a chunk and a half.
                let reach = [resolved + 300, resolved.saturating_sub(100_000)][consumer];
                let reach = if resolved == RECORDS { RECORDS } else { reach };
                let end = RECORDS
                    .min(read[consumer] + size)
                    .min(reach)
                    .max(read[consumer]);
                let batch: Vec<_> = (read[consumer]..end)
                    .filter(|&sequence| {
                        let (is_acked, is_lost) = fates[sequence as usize];
                        // A refused record is stored now and then all the same.
                        !is_lost && (is_acked || sequence % 7 == 0)
                    })
                    .map(delivery)
                    .collect();
                integrity.deliver(consumer, &batch, &mut classes);
                assert!(classes.iter().all(|&class| class == DeliveryClass::First));
                if end > 0 {
                    integrity.position(consumer, shard(0), number(0, end));
                }
                read[consumer] = end;
            }
        }
        for (consumer, expected) in expected.iter_mut().enumerate() {
            for (sequence, &(is_acked, is_lost)) in fates.iter().enumerate() {
                expected.acked += u64::from(is_acked);
                expected.lost += u64::from(is_acked && is_lost);
                expected.delivered += u64::from(is_acked && !is_lost);
                expected.delivered_unacked += u64::from(!is_acked && !is_lost && sequence % 7 == 0);
            }
            expected.deliveries = expected.delivered + expected.delivered_unacked;
            assert!(expected.lost > 0);
            let (_, total) = integrity.finish(consumer, None);
            assert_eq!(total, *expected);
            assert!(integrity.caught_up(consumer));
            let missing: Vec<_> = integrity.snapshot().consumers[consumer]
                .missing
                .iter()
                .map(|record| (record.sequence, record.stored))
                .collect();
            let lost: Vec<_> = (0..RECORDS)
                .filter(|&sequence| fates[sequence as usize] == (true, true))
                .map(|sequence| (sequence, stored(0, sequence + 1)))
                .collect();
            assert_eq!(missing, lost);
        }
    }
}

/// Sends `records` records of which one in `lost_every` never arrives, read `lag` records behind, and gives the most
/// memory that was taken meanwhile.
fn most_memory(records: u64, lag: u64, lost_every: u64) -> usize {
    const BATCH: u64 = 500;
    let integrity = Integrity::new(1, &[key(0)], 1);
    let mut most = 0;
    let mut classes = Vec::new();
    let mut batch = Vec::new();
    let mut deliveries = Vec::new();
    for begin in (0..records + lag).step_by(BATCH as usize) {
        if begin < records {
            batch.clear();
            batch.extend((begin..begin + BATCH).map(acked));
            integrity.resolve(key(0), &batch);
        }
        if begin >= lag {
            let begin = begin - lag;
            deliveries.clear();
            let arrived = |sequence: &u64| sequence % lost_every != 17;
            deliveries.extend((begin..begin + BATCH).filter(arrived).map(delivery));
            integrity.deliver(0, &deliveries, &mut classes);
            integrity.position(0, shard(0), number(0, begin + BATCH));
        }
        if begin % (BATCH * 128) == 0 {
            most = most.max(integrity.memory_bytes());
        }
    }
    let (_, total) = integrity.finish(0, None);
    assert_eq!(total.acked, records);
    assert_eq!(total.lost, (records - 17).div_ceil(lost_every));
    assert!(total.balances() && integrity.caught_up(0));
    most.max(integrity.memory_bytes())
}

#[test]
fn ten_million_records_in_order_take_a_quarter_of_a_megabyte_at_most() {
    // 2,000 records in flight: 32 KiB of locations; a few hundred bytes for each of the 153 chunks.
    let most = most_memory(10_000_000, 2_000, 20_000_000_000);
    assert!(most < 256 << 10, "{most}");
}

#[test]
fn one_lost_record_in_a_hundred_thousand_does_not_hold_its_chunk() {
    let most = most_memory(3_000_000, 2_000, 100_000);
    assert!(most < 192 << 10, "{most}");
}

#[test]
fn unread_records_take_their_location_and_give_it_back() {
    // 16 bytes for each of the 500,000, and some for the pages.
    let most = most_memory(1_000_000, 500_000, 20_000_000_000);
    assert!((8_000_000..8_500_000).contains(&most), "{most}");
}

#[test]
fn a_number_of_another_format_is_located_all_the_same() {
    let integrity = Integrity::new(1, &[key(0)], 1);
    let plain = |value: u64| value.to_string().parse::<SequenceNumber>().unwrap();
    let records: Vec<_> = (0..4)
        .map(|sequence| Resolution {
            acked: Some(Stored {
                shard: shard(0),
                sequence_number: plain(1_000 + sequence),
            }),
            ..acked(sequence)
        })
        .collect();
    integrity.resolve(key(0), &records);
    let mut classes = Vec::new();
    let first = Delivery {
        sequence_number: plain(1_000),
        ..delivery(0)
    };
    integrity.deliver(0, &[first], &mut classes);
    integrity.position(0, shard(0), plain(1_001));
    assert!(!integrity.caught_up(0));
    let (_, total) = integrity.finish(0, Some(Timestamp::from_secs(CREATED_S)));
    assert_eq!((total.delivered, total.lost, total.unread), (1, 1, 2));
    assert_eq!(total.uncovered, 0);
}

#[test]
fn user_records_of_one_aggregate_are_told_apart_by_their_sub_sequence_numbers() {
    use DeliveryClass::{First, Redelivered, StoredTwice};
    let integrity = Integrity::new(1, &[key(0)], 1);
    let records: Vec<_> = (0..3)
        .map(|sequence| Resolution {
            acked: Some(stored(0, 1)),
            ..acked(sequence)
        })
        .collect();
    integrity.resolve(key(0), &records);
    let given = [0, 1, 1, 0].map(|sequence| Delivery {
        sequence_number: number(0, 1),
        sub_sequence: sequence as u32,
        ..delivery(sequence)
    });
    // The second record again under the sub-sequence number that the third would have: stored twice.
    let copy = Delivery {
        sub_sequence: 2,
        ..given[1]
    };
    let mut classes = Vec::new();
    integrity.deliver(0, &given, &mut classes);
    assert_eq!(classes, [First, First, Redelivered, Redelivered]);
    integrity.deliver(0, &[copy], &mut classes);
    assert_eq!(classes, [StoredTwice]);
    integrity.position(0, shard(0), number(0, 1));
    let (_, total) = integrity.finish(0, None);
    assert_eq!((total.acked, total.delivered, total.lost), (3, 2, 1));
    assert_eq!((total.redelivered, total.stored_twice_unexplained), (2, 1));
}

#[test]
fn producers_and_consumers_on_many_threads_neither_block_each_other_nor_lose_a_count() {
    const RECORDS: u64 = 20_000;
    let workers = [key(0), key(1)];
    let integrity = Integrity::new(1, &workers, CONSUMERS);
    std::thread::scope(|scope| {
        for worker in workers {
            let integrity = &integrity;
            scope.spawn(move || {
                for begin in (0..RECORDS).step_by(100) {
                    let batch: Vec<_> = (begin..begin + 100).map(acked).collect();
                    integrity.resolve(worker, &batch);
                }
            });
        }
        for consumer in 0..CONSUMERS {
            let integrity = &integrity;
            scope.spawn(move || {
                let mut classes = Vec::new();
                for begin in (0..RECORDS).step_by(50) {
                    let batch: Vec<_> = (begin..begin + 50)
                        .flat_map(|sequence| {
                            workers.map(|key| Delivery {
                                key,
                                ..delivery(sequence)
                            })
                        })
                        .collect();
                    integrity.deliver(consumer, &batch, &mut classes);
                }
            });
        }
    });
    for consumer in 0..CONSUMERS {
        let (_, total) = integrity.finish(consumer, None);
        assert_eq!((total.acked, total.delivered), (2 * RECORDS, 2 * RECORDS));
        assert_eq!((total.deliveries, total.key_inversions), (2 * RECORDS, 0));
    }
}

#[test]
fn a_record_that_is_delivered_from_another_place_than_its_acknowledgement_named_is_misplaced() {
    let integrity = Integrity::new(1, &[key(0)], 2);
    let end = |sequence, retried, any_unknown_attempt| Resolution {
        any_unknown_attempt,
        retried,
        ..acked(sequence)
    };
    // Told twice over where nobody may believe it: an attempt before may have stored it.
    integrity.resolve(
        key(0),
        &[
            end(0, false, false),
            end(1, false, false),
            end(2, false, false),
            end(3, true, false),
            end(4, false, true),
        ],
    );
    let elsewhere = |sequence, shard_number, counter| Delivery {
        shard: shard(shard_number),
        sequence_number: number(shard_number, counter),
        ..delivery(sequence)
    };
    let mut classes = Vec::new();
    let given = [
        delivery(0),
        elsewhere(1, 0, 900),
        elsewhere(2, 1, 3),
        elsewhere(3, 0, 901),
        elsewhere(4, 0, 902),
        // Not acknowledged yet: nothing was told.
        elsewhere(5, 0, 903),
    ];
    for consumer in 0..2 {
        integrity.deliver(consumer, &given, &mut classes);
    }
    integrity.resolve(key(0), &[end(5, false, false)]);
    for consumer in 0..2 {
        let (phases, total) = integrity.finish(consumer, None);
        assert_eq!((total.misplaced, total.delivered), (2, 6));
        assert_eq!(phases[&Phase::Measure].misplaced, 2);
        assert!(total.balances());
        let told = integrity.snapshot().ledger(consumer, None).unwrap().1;
        assert_eq!(told, total);
    }
}

#[test]
fn a_record_that_was_passed_is_waited_for_and_one_that_was_trimmed_or_is_not_owed_is_not() {
    let integrity = Integrity::new(1, &[key(0)], 1);
    integrity.resolve(key(0), &[acked(0), acked(1)]);
    let mut classes = Vec::new();
    integrity.deliver(0, &[delivery(1)], &mut classes);
    integrity.position(0, shard(0), number(0, 2));
    assert!(integrity.caught_up(0) && !integrity.is_settled(0, None));
    let later = Timestamp::from_secs(CREATED_S * 2);
    assert!(integrity.is_settled(0, Some(later)));
    // It was stored late and comes all the same.
    integrity.deliver(0, &[delivery(0)], &mut classes);
    assert!(integrity.is_settled(0, None));
    integrity.resolve(key(0), &[acked(2)]);
    integrity.trimmed(0, shard(0), Some(number(0, 2)), number(0, 3));
    assert!(integrity.is_settled(0, None));
}

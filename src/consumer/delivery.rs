//! What one consumer was given: stamps read, times taken, each record held against the account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::Timestamp;
use crate::kinesis::{Cause, HashKey, HashKeyRange, RecordBatch, SequenceNumber, ShardId};
use crate::measure::LatencyKind;
use crate::measure::integrity::{Delivery, DeliveryClass, Integrity, WorkerKey};
use crate::measure::interval::{Recorder, RecorderTotals};
use crate::measure::ledger::Phase;
use crate::measure::progress::{Counter, Progress};
use crate::measure::throttle::{Basis, ThrottleTable};
use crate::measure::tips::Positions;
use crate::workload::Stamp;
use crate::workload::stamp::StampError;

/// What a consumer did. What it was owed and got is in the account.
#[derive(Debug)]
pub struct ConsumerReport {
    /// Latencies of the measurement window.
    pub totals: RecorderTotals,
    /// Refusals.
    pub throttles: ThrottleTable,
    /// Reading calls, refused ones included.
    pub calls: u64,
    /// Events that subscriptions brought, those without records included; `None` of a consumer that asks.
    pub events: Option<u64>,
    /// Records that came, whatever they were.
    pub deliveries: u64,
    /// The last refusal that no limit explains, in the service's words.
    pub last_failure: Option<String>,
    /// When the last call began whose answer said that nothing in the shard was left to read, by shard.
    pub at_tip: BTreeMap<ShardId, Timestamp>,
}

/// What does not change during a run.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    /// The run's number in stamps.
    pub(super) run: u32,
    /// Whether the producers of this stream stamp their records.
    pub(super) stamped: bool,
    /// When the measurement window begins; the phase of a record follows from its intended time.
    pub(super) measure_from: Timestamp,
}

/// One consumer's observations.
#[derive(Debug)]
pub(super) struct Deliveries {
    consumer: usize,
    expected: Expected,
    recorder: Recorder,
    throttles: ThrottleTable,
    integrity: Arc<Integrity>,
    progress: Arc<Progress>,
    /// What this consumer was given so far.
    delivered: Arc<Counter>,
    /// What this consumer passed in each shard.
    positions: Arc<Positions>,
    /// The highest sequence number delivered of each shard.
    highest: BTreeMap<ShardId, SequenceNumber>,
    excluded_lanes: BTreeSet<u16>,
    batch: Vec<Delivery>,
    intended: Vec<Timestamp>,
    classes: Vec<DeliveryClass>,
    calls: u64,
    events: Option<u64>,
    last_failure: Option<String>,
    at_tip: BTreeMap<ShardId, Timestamp>,
}

impl Deliveries {
    pub(super) fn new(
        consumer: usize,
        expected: Expected,
        recorder: Recorder,
        integrity: Arc<Integrity>,
        progress: Arc<Progress>,
        delivered: Arc<Counter>,
        positions: Arc<Positions>,
    ) -> Self {
        Self {
            consumer,
            expected,
            recorder,
            throttles: ThrottleTable::default(),
            integrity,
            progress,
            delivered,
            positions,
            highest: BTreeMap::new(),
            excluded_lanes: BTreeSet::new(),
            batch: Vec::new(),
            intended: Vec::new(),
            classes: Vec::new(),
            calls: 0,
            events: None,
            last_failure: None,
            at_tip: BTreeMap::new(),
        }
    }

    /// Takes in one answer of `shard` that came at `delivered`, `lag_ms` behind the tip if it says so.
    pub(super) fn take(
        &mut self,
        shard: ShardId,
        records: &RecordBatch,
        delivered: Timestamp,
        lag_ms: Option<u64>,
    ) {
        self.calls += 1;
        self.given(shard, records, delivered, lag_ms);
    }

    /// Takes in one event that a subscription to `shard` brought at `delivered`, `lag_ms` behind the tip.
    pub(super) fn pushed(
        &mut self,
        shard: ShardId,
        records: &RecordBatch,
        delivered: Timestamp,
        lag_ms: u64,
    ) {
        *self.events.get_or_insert(0) += 1;
        self.given(shard, records, delivered, Some(lag_ms));
    }

    /// So many calls were answered that bring no records themselves.
    pub(super) const fn called(&mut self, calls: u64) {
        self.calls += calls;
    }

    fn given(
        &mut self,
        shard: ShardId,
        records: &RecordBatch,
        delivered: Timestamp,
        lag_ms: Option<u64>,
    ) {
        self.batch.clear();
        self.intended.clear();
        let (mut corrupt, mut foreign, mut bytes, mut probes) = (0, 0, 0, 0);
        let mut through = None;
        for record in records {
            let record_bytes = (record.data.len() + record.partition_key.len()) as u64;
            bytes += record_bytes;
            through = through.max(Some(record.sequence_number));
            let stamp = match Stamp::read(record.data) {
                // Put to compare clocks, and no part of the load.
                Ok(stamp) if stamp.is_probe_of(self.expected.run) => {
                    probes += 1;
                    bytes -= record_bytes;
                    continue;
                }
                Ok(stamp) if stamp.run == self.expected.run => stamp,
                Ok(_) => {
                    foreign += 1;
                    continue;
                }
                Err(_) if !self.expected.stamped => {
                    continue;
                }
                // The stream is this run's own: a record whose stamp is gone was the run's and is damaged.
                Err(StampError::Absent | StampError::Corrupt) => {
                    corrupt += 1;
                    continue;
                }
            };
            let measured = stamp.intended >= self.expected.measure_from;
            let phase = if measured {
                Phase::Measure
            } else {
                Phase::WarmUp
            };
            self.batch.push(Delivery {
                key: WorkerKey {
                    producer: stamp.producer,
                    worker: stamp.worker,
                },
                sequence: stamp.sequence,
                lane: HashKey::of_partition_key(record.partition_key).lane(),
                lane_sequence: stamp.lane_sequence,
                shard,
                sequence_number: record.sequence_number,
                phase,
            });
            self.intended.push(stamp.intended);
            // Some engines do not tell when a record arrived.
            if record.arrival > Timestamp::ZERO {
                self.recorder.latency(
                    delivered,
                    phase,
                    LatencyKind::DeliveryDelay,
                    delivered.signed_nanos_since(record.arrival),
                );
            }
        }
        self.integrity
            .deliver(self.consumer, &self.batch, &mut self.classes);
        let mut out_of_order = 0;
        let highest = self.highest.entry(shard).or_default();
        for ((delivery, class), intended) in
            self.batch.iter().zip(&self.classes).zip(&self.intended)
        {
            // The same number again is a redelivery, whatever came in between.
            let late = delivery.sequence_number <= *highest;
            out_of_order += u64::from(late && *class != DeliveryClass::Redelivered);
            if *class == DeliveryClass::First {
                let end_to_end = delivered.signed_nanos_since(*intended);
                self.recorder
                    .latency(delivered, delivery.phase, LatencyKind::EndToEnd, end_to_end);
            }
            *highest = (*highest).max(delivery.sequence_number);
        }
        if let Some(through) = through {
            self.passed(shard, through);
        }
        self.integrity.corrupt(self.consumer, corrupt);
        self.integrity.foreign(self.consumer, foreign);
        self.integrity.out_of_order(self.consumer, out_of_order);
        let counters = self.recorder.shard(delivered, shard);
        let delivered_records = records.len() as u64 - probes;
        counters.delivered += delivered_records;
        counters.delivered_bytes += bytes;
        counters.saw_lag_ms(lag_ms.unwrap_or_default());
        self.progress.delivered.add(delivered_records);
        self.delivered.add(delivered_records);
    }

    /// A call that began at `sent` was told that nothing of `shard` is left to read.
    pub(super) fn reached_tip(&mut self, shard: ShardId, sent: Timestamp) {
        self.at_tip.insert(shard, sent);
    }

    /// A call was refused by a limit; refusals of the measurement window are shown by cause.
    pub(super) fn refused(
        &mut self,
        api: &'static str,
        shard: ShardId,
        (cause, basis): (Cause, Basis),
        measured: bool,
    ) {
        self.calls += 1;
        if measured {
            self.throttles.add(api, Some(shard), cause, basis, 1);
        }
    }

    /// A call failed in another way, which is worth telling or not.
    pub(super) fn failed(&mut self, failure: Option<String>) {
        self.calls += 1;
        self.last_failure = failure.or(self.last_failure.take());
    }

    /// An answer that went on broke off.
    pub(super) fn broke_off(&mut self, failure: String) {
        self.last_failure = Some(failure);
    }

    /// The reader's position in `shard` went beyond these records although it was not given all of them.
    pub(super) fn passed(&self, shard: ShardId, through: SequenceNumber) {
        self.integrity.position(self.consumer, shard, through);
        self.positions.advance(shard, through);
    }

    /// The reader's position jumped from `passed` over records that were trimmed.
    pub(super) fn trimmed(&self, shard: ShardId, passed: SequenceNumber, through: SequenceNumber) {
        let after = (passed > SequenceNumber::default()).then_some(passed);
        self.integrity.trimmed(self.consumer, shard, after, through);
        self.positions.advance(shard, through);
    }

    /// A shard's range is known: lanes that it cuts in two cannot be judged for order.
    pub(super) fn exclude_cut_lanes(&mut self, range: &HashKeyRange) {
        if range.start.0.trailing_zeros() < 112 && self.excluded_lanes.insert(range.start.lane()) {
            self.integrity
                .exclude_lane(self.consumer, range.start.lane());
        }
    }

    pub(super) fn finish(self) -> ConsumerReport {
        ConsumerReport {
            totals: self.recorder.finish(),
            throttles: self.throttles,
            calls: self.calls,
            events: self.events,
            deliveries: self.delivered.get(),
            last_failure: self.last_failure,
            at_tip: self.at_tip,
        }
    }
}

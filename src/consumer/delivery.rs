//! What one consumer was given: stamps read, times taken, each record held against the account.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use crate::base::Timestamp;
use crate::kinesis::record::{PutEntry, RecordView};
use crate::kinesis::{
    Cause, HashKey, HashKeyRange, RecordBatch, SequenceNumber, ShardId, aggregate,
};
use crate::measure::LatencyKind;
use crate::measure::integrity::{Delivery, DeliveryClass, Integrity, WorkerKey};
use crate::measure::interval::{Recorder, RecorderTotals};
use crate::measure::ledger::Phase;
use crate::measure::progress::{Counter, Progress};
use crate::measure::throttle::{Basis, ThrottleTable};
use crate::measure::tips::Positions;
use crate::measure::watch::{Watch, Watched};
use crate::trace;
use crate::workload::stamp::StampError;
use crate::workload::{KeyText, Stamp};

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
    /// User records that came, whatever they were.
    pub deliveries: u64,
    /// Kinesis records that came; an aggregated one holds several user records.
    pub kinesis_records: u64,
    /// The last refusal that no limit explains, in the service's words.
    pub last_failure: Option<String>,
    /// What was seen of a stream that others write.
    pub watched: Option<Watched>,
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
    /// Whether others write to this stream too, whose records carry no stamp of ours.
    pub(super) others: bool,
    /// How the producers with hash keys of their own, by number, write their keys: lanes follow from hash keys.
    pub(super) explicit: BTreeMap<u16, KeyText>,
    /// The measurement window; the phase of a record follows from its intended time, or without a stamp from its arrival.
    pub(super) window: Range<Timestamp>,
}

impl Expected {
    /// The lane that a producer counted a key in.
    fn lane(&self, producer: u16, key: &str) -> u16 {
        let explicit = self.explicit.get(&producer);
        let explicit = explicit.and_then(|text| text.explicit_of(key));
        explicit
            .unwrap_or_else(|| HashKey::of_partition_key(key))
            .lane()
    }
}

/// Who looks on besides the account.
#[derive(Debug)]
pub(super) struct Onlookers {
    /// Where others write the stream.
    pub(super) watch: Option<Watch>,
    /// Where the stream is recorded.
    pub(super) trace: Option<trace::Recorder>,
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
    /// The highest sequence and sub-sequence number delivered of each shard.
    highest: BTreeMap<ShardId, (SequenceNumber, u32)>,
    excluded_lanes: BTreeSet<u16>,
    batch: Vec<Delivery>,
    /// When each delivery of the batch was intended, and when it arrived.
    times: Vec<(Timestamp, Timestamp)>,
    classes: Vec<DeliveryClass>,
    calls: u64,
    kinesis_records: u64,
    events: Option<u64>,
    last_failure: Option<String>,
    onlookers: Onlookers,
    at_tip: BTreeMap<ShardId, Timestamp>,
}

/// One answer while its records are taken in.
#[derive(Debug)]
struct Page {
    shard: ShardId,
    /// User records so far, and those of them that are damaged or of others.
    users: u64,
    corrupt: u64,
    foreign: u64,
    /// Put to compare clocks, and no part of the load; and their bytes.
    probes: u64,
    probe_bytes: u64,
}

impl Deliveries {
    #[expect(clippy::too_many_arguments, reason = "each belongs to somebody else")]
    pub(super) fn new(
        consumer: usize,
        expected: Expected,
        onlookers: Onlookers,
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
            times: Vec::new(),
            classes: Vec::new(),
            calls: 0,
            kinesis_records: 0,
            events: None,
            last_failure: None,
            onlookers,
            at_tip: BTreeMap::new(),
        }
    }

    /// Takes in one answer of `shard` that came at `delivered`, `lag_ms` behind the tip if it says so. Each user record of
    /// an aggregated one is a delivery of its own.
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

    /// Takes in one event that a subscription to `shard` brought at `delivered`, `lag_ms` behind the tip if it
    /// says so.
    pub(super) fn pushed(
        &mut self,
        shard: ShardId,
        records: &RecordBatch,
        delivered: Timestamp,
        lag_ms: Option<u64>,
    ) {
        *self.events.get_or_insert(0) += 1;
        self.given(shard, records, delivered, lag_ms);
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
        self.show(shard, records, delivered, lag_ms);
        self.kinesis_records += records.len() as u64;
        self.batch.clear();
        self.times.clear();
        let mut page = Page {
            shard,
            users: 0,
            corrupt: 0,
            foreign: 0,
            probes: 0,
            probe_bytes: 0,
        };
        let (mut bytes, mut through) = (0, None);
        for record in records {
            bytes += (record.data.len() + record.partition_key.len()) as u64;
            through = through.max(Some(record.sequence_number));
            match aggregate::decode(record.data) {
                // What is no aggregate is one user record as it is; a damaged aggregate too, as with the KCL.
                None => {
                    let user = PutEntry {
                        partition_key: record.partition_key,
                        data: record.data,
                        explicit_hash_key: None,
                    };
                    self.take_user(&mut page, &record, 0, &user);
                }
                Some(aggregate) => {
                    for (sub_sequence, user) in (0..).zip(aggregate.iter()) {
                        self.take_user(&mut page, &record, sub_sequence, &user);
                    }
                }
            }
        }
        let Page {
            users,
            corrupt,
            foreign,
            probes,
            probe_bytes,
            ..
        } = page;
        self.kinesis_records -= probes;
        let bytes = bytes - probe_bytes;
        self.integrity
            .deliver(self.consumer, &self.batch, &mut self.classes);
        let mut out_of_order = 0;
        let highest = self.highest.entry(shard).or_default();
        for ((delivery, class), (intended, arrival)) in
            self.batch.iter().zip(&self.classes).zip(&self.times)
        {
            // The same number again is a redelivery, whatever came in between.
            let late = delivery.place() <= *highest;
            out_of_order += u64::from(late && *class != DeliveryClass::Redelivered);
            // A further copy says how often a record came, and nothing of how long it took.
            if *class == DeliveryClass::First {
                let end_to_end = delivered.signed_nanos_since(*intended);
                self.recorder
                    .latency(delivered, delivery.phase, LatencyKind::EndToEnd, end_to_end);
                // Some engines do not tell when a record arrived.
                if *arrival > Timestamp::ZERO {
                    let delay = delivered.signed_nanos_since(*arrival);
                    self.recorder.latency(
                        delivered,
                        delivery.phase,
                        LatencyKind::DeliveryDelay,
                        delay,
                    );
                }
            }
            *highest = (*highest).max(delivery.place());
        }
        if let Some(through) = through {
            self.passed(shard, through);
        }
        self.integrity.corrupt(self.consumer, corrupt);
        self.integrity.foreign(self.consumer, foreign);
        self.integrity.out_of_order(self.consumer, out_of_order);
        let counters = self.recorder.shard(delivered, shard);
        counters.delivered += users;
        counters.delivered_bytes += bytes;
        counters.saw_lag_ms(lag_ms.unwrap_or_default());
        self.progress.delivered.add(users);
        self.delivered.add(users);
    }

    /// Takes in one user record, the `sub_sequence`-th of `record`.
    fn take_user(
        &mut self,
        page: &mut Page,
        record: &RecordView<'_>,
        sub_sequence: u32,
        user: &PutEntry<'_>,
    ) {
        page.users += 1;
        let stamp = match Stamp::find(user.data) {
            Ok(stamp) if stamp.is_probe_of(self.expected.run) => {
                page.users -= 1;
                page.probes += 1;
                page.probe_bytes += (user.data.len() + user.partition_key.len()) as u64;
                return;
            }
            Ok(stamp) if stamp.run == self.expected.run => stamp,
            Ok(_) => {
                page.foreign += 1;
                return;
            }
            Err(_) if !self.expected.stamped => return,
            Err(StampError::Absent) if self.expected.others => {
                page.foreign += 1;
                return;
            }
            // The stream is this run's own: a record whose stamp is gone was the run's and is damaged.
            Err(StampError::Absent | StampError::Corrupt) => {
                page.corrupt += 1;
                return;
            }
        };
        let measured = stamp.intended >= self.expected.window.start;
        let phase = if measured {
            Phase::Measure
        } else {
            Phase::WarmUp
        };
        let lane = match user.explicit_hash_key {
            Some(packed) => packed.lane(),
            None => self.expected.lane(stamp.producer, user.partition_key),
        };
        self.batch.push(Delivery {
            key: WorkerKey {
                producer: stamp.producer,
                worker: stamp.worker,
            },
            sequence: stamp.sequence,
            lane,
            lane_sequence: stamp.lane_sequence,
            shard: page.shard,
            sequence_number: record.sequence_number,
            sub_sequence,
            phase,
        });
        self.times.push((stamp.intended, record.arrival));
    }

    /// Shows an answer to the onlookers, and times it where no stamp does.
    fn show(
        &mut self,
        shard: ShardId,
        records: &RecordBatch,
        delivered: Timestamp,
        lag_ms: Option<u64>,
    ) {
        let Onlookers { watch, trace } = &mut self.onlookers;
        if let Some(trace) = trace {
            trace.take(shard, records, delivered);
        }
        if watch.is_some()
            && let Some(last) = records.iter().map(|record| record.arrival).max()
        {
            self.positions.saw(shard, last);
        }
        if self.expected.stamped {
            return;
        }
        let window = &self.expected.window;
        if let (Some(watch), Some(lag_ms)) = (watch.as_mut(), lag_ms) {
            watch.behind(shard, lag_ms);
            if window.contains(&delivered) {
                let lag_ns = i64::try_from(lag_ms.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
                self.recorder
                    .latency(delivered, Phase::Measure, LatencyKind::Lag, lag_ns);
            }
        }
        for record in records {
            let told = record.arrival > Timestamp::ZERO;
            let at = if told { record.arrival } else { delivered };
            if let Some(watch) = watch.as_mut() {
                watch.record(shard, record.partition_key, record.data.len(), at);
            }
            if told && at < window.end {
                let measured = at >= window.start;
                let phase = if measured {
                    Phase::Measure
                } else {
                    Phase::WarmUp
                };
                let delay = delivered.signed_nanos_since(at);
                self.recorder
                    .latency(delivered, phase, LatencyKind::DeliveryDelay, delay);
            }
        }
    }

    /// A shard is going to be read.
    pub(super) fn begin(&mut self, shard: ShardId, range: &HashKeyRange) {
        self.positions.saw(shard, Timestamp::ZERO);
        if let Some(trace) = &self.onlookers.trace {
            trace.shard(shard, *range);
        }
        self.exclude_cut_lanes(range);
    }

    /// An answer to a call said that all which arrived in `shard` until `at` was given.
    pub(super) fn saw(&self, shard: ShardId, at: Timestamp) {
        self.positions.saw(shard, at);
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
    fn exclude_cut_lanes(&mut self, range: &HashKeyRange) {
        if range.start.0.trailing_zeros() < 112 && self.excluded_lanes.insert(range.start.lane()) {
            self.integrity
                .exclude_lane(self.consumer, range.start.lane());
        }
    }

    pub(super) fn finish(self) -> ConsumerReport {
        let measure_s = self.expected.window.end.since(self.expected.window.start);
        let watch = self.onlookers.watch;
        ConsumerReport {
            watched: watch.map(|watch| watch.finish(measure_s.as_secs_f64())),
            totals: self.recorder.finish(),
            throttles: self.throttles,
            calls: self.calls,
            events: self.events,
            deliveries: self.delivered.get(),
            kinesis_records: self.kinesis_records,
            last_failure: self.last_failure,
            at_tip: self.at_tip,
        }
    }
}

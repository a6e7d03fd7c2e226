//! What one worker saw: outcomes, latencies, refusals, kept without locks and handed on in batches.

use std::sync::Arc;
use std::time::Duration;

use crate::base::Timestamp;
use crate::kinesis::error::EntryError;
use crate::kinesis::operation::Stored;
use crate::kinesis::record::Billed;
use crate::kinesis::{Cause, ShardId};
use crate::measure::LatencyKind;
use crate::measure::integrity::{Integrity, Resolution, WorkerKey};
use crate::measure::interval::{Recorder, RecorderTotals};
use crate::measure::ledger::{NotSentCause, Outcome, Phase, ProducerLedger};
use crate::measure::live::TELL_EVERY;
use crate::measure::meter::Meters;
use crate::measure::progress::Progress;
use crate::measure::throttle::{Basis, ThrottleTable};
use crate::measure::tips::Tips;
use crate::measure::waits::Waits;
use crate::scenario::model::PutApi;

use super::queue::Item;

/// How many ends of records are kept at most while a reader holds the account; then the worker waits for it.
const RESOLUTIONS_MAX: usize = 1 << 16;
/// How many ends of records are kept at most before they are handed to the account.
const RESOLUTIONS_KEPT: usize = 4_096;

/// One worker's observations.
#[derive(Debug)]
pub(super) struct Observer {
    recorder: Recorder,
    ledgers: [ProducerLedger; 2],
    throttles: ThrottleTable,
    /// Not there when records carry no stamp: then nobody settles the account.
    integrity: Option<Arc<Integrity>>,
    tips: Arc<Tips>,
    progress: Arc<Progress>,
    /// Not there when the target tells which limit refused.
    meters: Option<Arc<Meters>>,
    key: WorkerKey,
    api: &'static str,
    resolutions: Vec<Resolution>,
    acked: Vec<Stored>,
    /// What is billed since the last time that it was handed on.
    billed: Billed,
    /// The most that a record was released late, in nanoseconds.
    longest_gap_ns: u64,
    /// Of records of the measurement window.
    slot_waits: Waits,
    /// The same, of those that waited for one before them.
    order_waits: Waits,
    /// When the ledger is told again to whoever watches the run.
    tell_at: Timestamp,
}

/// What a worker saw, when it is done.
#[derive(Debug)]
pub(super) struct Observations {
    pub(super) totals: RecorderTotals,
    pub(super) ledgers: [ProducerLedger; 2],
    pub(super) throttles: ThrottleTable,
    pub(super) longest_gap_ns: u64,
    pub(super) slot_waits: Waits,
    pub(super) order_waits: Waits,
}

impl Observer {
    pub(super) fn new(
        recorder: Recorder,
        integrity: Option<Arc<Integrity>>,
        tips: Arc<Tips>,
        progress: Arc<Progress>,
        meters: Option<Arc<Meters>>,
        key: WorkerKey,
        api: PutApi,
    ) -> Self {
        Self {
            recorder,
            ledgers: Default::default(),
            throttles: ThrottleTable::default(),
            integrity,
            tips,
            progress,
            meters,
            key,
            api: api.as_str(),
            resolutions: Vec::new(),
            acked: Vec::new(),
            billed: Billed::default(),
            longest_gap_ns: 0,
            slot_waits: Waits::default(),
            order_waits: Waits::default(),
            tell_at: Timestamp::ZERO,
        }
    }

    /// The schedule released a record.
    pub(super) fn released(&mut self, item: &Item) {
        self.ledgers[item.phase as usize].intend(1);
        let late = item.ready.signed_nanos_since(item.intended).max(0);
        self.longest_gap_ns = self.longest_gap_ns.max(late.unsigned_abs());
        self.recorder
            .latency(item.ready, item.phase, LatencyKind::Lateness, late);
        if let Some(shard) = item.shard {
            let counters = self.recorder.shard(item.ready, shard);
            counters.offer(item.phase, item.billed_bytes());
        }
    }

    /// A record is another host's: it is drawn here and ends there.
    pub(super) fn passed_over(&mut self, sequence: u64) {
        self.resolutions.push(Resolution {
            sequence,
            phase: Phase::WarmUp,
            acked: None,
            any_unknown_attempt: false,
            retried: false,
        });
        // With many hosts most records are others', and nothing else may happen for a while.
        if self.resolutions.len() >= RESOLUTIONS_KEPT {
            self.resolve_all();
        }
    }

    /// The schedule meant a record to be sent that the generator never came to.
    pub(super) fn never_released(&mut self, phase: Phase, cause: NotSentCause) {
        let ledger = &mut self.ledgers[phase as usize];
        ledger.intend(1);
        ledger.add(Outcome::NotSent(cause), 0);
        self.progress.not_sent.add(1);
    }

    /// These records were due, and as many requests were under way as may be: they waited so long for a place.
    pub(super) fn waited_for_slot(&mut self, items: &[Item], wait: Duration) {
        let measured = items.iter().filter(|item| item.phase == Phase::Measure);
        self.slot_waits.add(measured.count() as u64, wait);
    }

    /// This record was released and waited so long for the one before it in its lane.
    pub(super) fn waited_for_order(&mut self, item: &Item, wait: Duration) {
        if item.phase == Phase::Measure {
            self.order_waits.add(1, wait);
        }
    }

    /// An attempt was made with a Kinesis record of these records in it.
    pub(super) fn sent(&mut self, items: &[Item], sent: Timestamp) {
        if let Some(first) = items.first() {
            self.ledgers[first.phase as usize].kinesis_records.attempts += 1;
        }
        for item in items {
            if item.attempts == 1 {
                self.recorder.latency(
                    sent,
                    item.phase,
                    LatencyKind::BatchWait,
                    sent.signed_nanos_since(item.ready),
                );
            }
            if let Some(shard) = item.shard {
                self.recorder.shard(sent, shard).sent += 1;
            }
        }
    }

    /// A call was answered.
    pub(super) fn answered(&mut self, phase: Phase, sent: Timestamp, ended: Timestamp) {
        self.recorder.latency(
            ended,
            phase,
            LatencyKind::ServiceTime,
            ended.signed_nanos_since(sent),
        );
    }

    /// The attempt of a Kinesis record of these records was refused.
    pub(super) fn refused(
        &mut self,
        items: &[Item],
        error: &EntryError,
        sent: Timestamp,
        ended: Timestamp,
    ) {
        if !error.code.is_throttle() {
            for item in items {
                self.failed(item, ended);
            }
            return;
        }
        let Some(first) = items.first() else { return };
        self.ledgers[first.phase as usize].kinesis_records.rejected += 1;
        let (cause, basis) = match (error.cause, &self.meters) {
            (None, Some(meters)) => (
                // What was asked for before it: what came while it was away had no part in it.
                meters.write_cause(sent, error.shard.or(first.shard), error.code),
                Basis::Inferred,
            ),
            (cause, _) => (cause.unwrap_or(Cause::Unknown), Basis::Reported),
        };
        for item in items {
            self.ledgers[item.phase as usize].rejected_attempts += 1;
            let shard = error.shard.or(item.shard);
            if item.phase == Phase::Measure {
                self.throttles.add(self.api, shard, cause, basis, 1);
            }
            if let Some(shard) = shard {
                let counters = self.recorder.shard(ended, shard);
                counters.refuse(cause, 1, item.billed_bytes());
                counters.saw_refusal(ended);
            }
        }
        self.progress.refused.add(items.len() as u64);
    }

    /// A record's attempt was refused for a reason that is no limit, or nothing was sent.
    pub(super) fn failed(&mut self, item: &Item, ended: Timestamp) {
        self.ledgers[item.phase as usize].failed_attempts += 1;
        if let Some(shard) = item.shard {
            self.recorder.shard(ended, shard).failed += 1;
        }
    }

    /// The attempt of a Kinesis record of these records went unanswered.
    pub(super) fn unanswered(&mut self, items: &[Item], billed_bytes: u64, ended: Timestamp) {
        self.billed.add(Billed::record(billed_bytes));
        if let Some(first) = items.first() {
            let ledger = &mut self.ledgers[first.phase as usize];
            ledger.kinesis_records.unknown += 1;
            ledger.kinesis_records.unknown_bytes += billed_bytes;
        }
        for item in items {
            self.ledgers[item.phase as usize].unknown_attempts += 1;
            if let Some(shard) = item.shard {
                self.recorder.shard(ended, shard).unknown += 1;
            }
        }
    }

    /// A Kinesis record of these records was accepted, and is billed.
    pub(super) fn stored(&mut self, items: &[Item], billed_bytes: u64) {
        let billed = Billed::record(billed_bytes);
        self.billed.add(billed);
        if let Some(first) = items.first() {
            let ledger = &mut self.ledgers[first.phase as usize];
            ledger.acked_put_units += billed.put_units;
            ledger.kinesis_records.acked += 1;
            ledger.kinesis_records.acked_bytes += billed_bytes;
            ledger.kinesis_records.acked_kilobytes += billed.kilobytes;
        }
    }

    /// A record was accepted in a shard that it does not belong to, and is not taken for acknowledged.
    pub(super) fn misplaced(&mut self, item: &Item) {
        self.ledgers[item.phase as usize].misplaced_attempts += 1;
    }

    /// A record was acknowledged: its outcome is settled. It counts under `shard`, which is not the one of `stored` where
    /// that cannot be.
    pub(super) fn acked(&mut self, item: &Item, stored: Stored, shard: ShardId, ended: Timestamp) {
        let ledger = &mut self.ledgers[item.phase as usize];
        ledger.add(Outcome::Acked, item.attempts);
        ledger.acked_bytes += item.billed_bytes();
        let response = ended.signed_nanos_since(item.intended);
        self.recorder
            .latency(ended, item.phase, LatencyKind::ResponseTime, response);
        let counters = self.recorder.shard(ended, shard);
        counters.accept(item.phase, item.billed_bytes());
        counters.saw_response_us(response.max(0).unsigned_abs() / 1_000);
        self.acked.push(stored);
        self.resolve(item, Some(stored), ended);
    }

    /// A record is given up, or was never sent.
    pub(super) fn settled(&mut self, item: &Item, outcome: Outcome, at: Timestamp) {
        self.ledgers[item.phase as usize].add(outcome, item.attempts);
        if matches!(outcome, Outcome::NotSent(_)) {
            self.progress.not_sent.add(1);
        } else {
            let waited = at.signed_nanos_since(item.intended);
            self.recorder
                .latency(at, item.phase, LatencyKind::TimeToGiveUp, waited);
        }
        self.resolve(item, None, at);
    }

    fn resolve(&mut self, item: &Item, acked: Option<Stored>, at: Timestamp) {
        if item.any_unknown {
            self.tips.unanswered(at);
        }
        self.resolutions.push(Resolution {
            sequence: item.plan.sequence,
            phase: item.phase,
            acked,
            any_unknown_attempt: item.any_unknown,
            retried: item.attempts > 1,
        });
    }

    /// Hands on what was settled since the last time. While a reader holds the account the ends of records are kept for
    /// the next time, unless there are very many.
    pub(super) fn publish(&mut self, now: Timestamp) {
        let taken = match &self.integrity {
            _ if self.resolutions.is_empty() => true,
            None => true,
            Some(integrity) if self.resolutions.len() < RESOLUTIONS_MAX => {
                integrity.try_resolve(self.key, &self.resolutions)
            }
            Some(integrity) => {
                integrity.resolve(self.key, &self.resolutions);
                true
            }
        };
        if taken {
            self.resolutions.clear();
        }
        if self.billed.put_units > 0 {
            self.progress.billed.add(self.billed);
            self.billed = Billed::default();
        }
        if !self.acked.is_empty() {
            self.tips.advance(&self.acked, now);
            self.progress.acked.add(self.acked.len() as u64);
            self.acked.clear();
        }
        if now >= self.tell_at {
            self.tell_at = now.plus(TELL_EVERY);
            self.progress.at.reach(now);
            self.tell();
        }
    }

    /// Tells the ledger to whoever watches the run.
    fn tell(&self) {
        if let Some(live) = &self.progress.live {
            let [mut ledger, measure] = self.ledgers;
            ledger.merge(&measure);
            live.tell_ledger(self.key, ledger);
        }
    }

    /// Whether ends of records are kept because a reader held the account.
    pub(super) const fn has_more(&self) -> bool {
        !self.resolutions.is_empty()
    }

    fn resolve_all(&mut self) {
        if !self.resolutions.is_empty() {
            if let Some(integrity) = &self.integrity {
                integrity.resolve(self.key, &self.resolutions);
            }
            self.resolutions.clear();
        }
    }

    pub(super) fn finish(mut self, now: Timestamp) -> Observations {
        self.publish(now);
        self.tell();
        if let Some(integrity) = &self.integrity {
            integrity.resolve(self.key, &self.resolutions);
        }
        Observations {
            totals: self.recorder.finish(),
            ledgers: self.ledgers,
            throttles: self.throttles,
            longest_gap_ns: self.longest_gap_ns,
            slot_waits: self.slot_waits,
            order_waits: self.order_waits,
        }
    }
}

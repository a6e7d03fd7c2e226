//! What the workers of one load count together.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::Timestamp;
use crate::kinesis::api::ApiCall;
use crate::measure::waits::Waits;
use crate::measure::{
    CallCodes, CallLedger, CallOutcome, LatencyKind, NotSentCause, Phase, Recorder, RecorderTotals,
    ScriptCounts,
};

/// Counts by call. Workers share it: calls of the control plane are few, and a histogram per worker and call would take
/// megabytes each.
#[derive(Debug)]
pub struct Board(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    rows: Vec<Row>,
    scripts: ScriptCounts,
    longest_gap_ns: u64,
    slot_waits: Waits,
    max_in_flight: usize,
    last_failure: Option<String>,
}

#[derive(Debug)]
struct Row {
    call: ApiCall,
    ledgers: [CallLedger; 2],
    codes: CallCodes,
    recorder: Recorder,
}

/// One intended call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Which call, by its place on the board.
    pub(super) row: usize,
    pub(super) phase: Phase,
    pub(super) intended: Timestamp,
    /// When the pacer released it.
    pub(super) ready: Timestamp,
}

/// What a load saw.
#[derive(Debug)]
pub struct CallsReport {
    /// Each call, in the order of the load's calls.
    pub calls: Vec<CallReport>,
    /// What became of scripts; all zero for a mix.
    pub scripts: ScriptCounts,
    /// The most that a call was released after its intended time.
    pub longest_gap: Duration,
    /// Calls of the measurement window that waited for a free request slot.
    pub slot_waits: Waits,
    /// The most calls that one worker had under way.
    pub max_in_flight: usize,
    /// The last unexpected answer, in the service's words.
    pub last_failure: Option<String>,
}

/// What became of one call of a load.
#[derive(Debug)]
pub struct CallReport {
    /// The call.
    pub call: ApiCall,
    /// Outcomes by phase: warm-up, measurement window.
    pub ledgers: [CallLedger; 2],
    /// Unexpected answers of the whole run by their codes.
    pub codes: CallCodes,
    /// Latencies of the measurement window.
    pub totals: RecorderTotals,
}

impl Board {
    /// A board for these calls, each with its recorder.
    pub fn new(rows: impl IntoIterator<Item = (ApiCall, Recorder)>) -> Self {
        let rows = rows.into_iter().map(|(call, recorder)| Row {
            call,
            ledgers: Default::default(),
            codes: CallCodes::new(),
            recorder,
        });
        Self(Mutex::new(Inner {
            rows: rows.collect(),
            scripts: ScriptCounts::default(),
            longest_gap_ns: 0,
            slot_waits: Waits::default(),
            max_in_flight: 0,
            last_failure: None,
        }))
    }

    /// The place of a call.
    pub(super) fn row_of(&self, call: &ApiCall) -> Option<usize> {
        self.lock().rows.iter().position(|row| row.call == *call)
    }

    /// The pacer released a call.
    pub(super) fn released(&self, item: &Item) {
        let mut inner = self.lock();
        let late = item.ready.signed_nanos_since(item.intended).max(0);
        inner.longest_gap_ns = inner.longest_gap_ns.max(late.unsigned_abs());
        let row = &mut inner.rows[item.row];
        row.ledgers[item.phase as usize].intended += 1;
        row.recorder
            .latency(item.ready, item.phase, LatencyKind::Lateness, late);
    }

    /// The schedule meant a call to be made that nobody came to.
    pub(super) fn never_released(&self, row: usize, phase: Phase, cause: NotSentCause) {
        let ledger = &mut self.lock().rows[row].ledgers[phase as usize];
        ledger.intended += 1;
        ledger.add(&CallOutcome::NotSent(cause), 0);
    }

    /// A call was due, and as many as may be were under way: it waited so long for a place.
    pub(super) fn waited_for_slot(&self, item: &Item, wait: Duration) {
        if item.phase == Phase::Measure {
            self.lock().slot_waits.add(1, wait);
        }
    }

    /// Its first attempt leaves.
    pub(super) fn sent(&self, item: &Item, sent: Timestamp) {
        let waited = sent.signed_nanos_since(item.ready).max(0);
        let row = &mut self.lock().rows[item.row];
        row.recorder
            .latency(sent, item.phase, LatencyKind::BatchWait, waited);
    }

    /// An attempt ended: with an answer of the service, or without.
    pub(super) fn attempted(
        &self,
        item: &Item,
        (sent, ended): (Timestamp, Timestamp),
        answered: bool,
        outcome: &CallOutcome,
    ) {
        let row = &mut self.lock().rows[item.row];
        if answered {
            let took = ended.signed_nanos_since(sent);
            row.recorder
                .latency(ended, item.phase, LatencyKind::ServiceTime, took);
        }
        if *outcome == CallOutcome::Throttled {
            row.ledgers[item.phase as usize].rejected_attempts += 1;
        }
    }

    /// A call ended, after so many attempts.
    pub(super) fn settled(
        &self,
        item: &Item,
        outcome: &CallOutcome,
        attempts: u64,
        ended: Timestamp,
    ) {
        let row = &mut self.lock().rows[item.row];
        row.ledgers[item.phase as usize].add(outcome, attempts);
        if let CallOutcome::Unexpected(code) = outcome {
            *row.codes.entry(code.clone()).or_default() += 1;
        }
        let kind = match outcome {
            CallOutcome::Ok | CallOutcome::Expected => LatencyKind::ResponseTime,
            CallOutcome::NotSent(_) => return,
            _ => LatencyKind::TimeToGiveUp,
        };
        let took = ended.signed_nanos_since(item.intended);
        row.recorder.latency(ended, item.phase, kind, took);
    }

    /// The change that a call began was seen done.
    pub(super) fn transition(&self, item: &Item, answered: Timestamp, seen: Timestamp) {
        let took = seen.signed_nanos_since(answered);
        let row = &mut self.lock().rows[item.row];
        row.recorder
            .latency(seen, item.phase, LatencyKind::TransitionTime, took);
    }

    /// A script was begun, or ended.
    pub(super) fn script(&self, count: impl FnOnce(&mut ScriptCounts)) {
        count(&mut self.lock().scripts);
    }

    /// So many calls are under way in one worker.
    pub(super) fn in_flight(&self, calls: usize) {
        let mut inner = self.lock();
        inner.max_in_flight = inner.max_in_flight.max(calls);
    }

    /// Something was answered that should not have been.
    pub(super) fn failed(&self, reason: String) {
        self.lock().last_failure = Some(reason);
    }

    /// What was counted; hands over what the recorders hold.
    pub fn finish(self) -> CallsReport {
        let inner = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let calls = inner.rows.into_iter().map(|row| CallReport {
            call: row.call,
            ledgers: row.ledgers,
            codes: row.codes,
            totals: row.recorder.finish(),
        });
        CallsReport {
            calls: calls.collect(),
            scripts: inner.scripts,
            longest_gap: Duration::from_nanos(inner.longest_gap_ns),
            slot_waits: inner.slot_waits,
            max_in_flight: inner.max_in_flight,
            last_failure: inner.last_failure,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

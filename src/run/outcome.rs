//! What came of a run, before anybody writes or shows it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::hosts::HostOutcome;
use super::loads::CallsOutcomes;
use super::own_use::OwnUse;
use crate::base::Timestamp;
use crate::consumer::ConsumerReport;
use crate::kinesis::operation::ShardDescription;
use crate::kinesis::{ShardId, StreamName};
use crate::measure::integrity::Integrity;
use crate::measure::ledger::{ConsumerLedger, Phase, ProducerLedger};
use crate::measure::tips::Tips;
use crate::measure::waits::Waits;
use crate::measure::{Collector, IntervalClock, RecorderTotals, ThrottleTable};
use crate::producer::Seen;
use crate::target::{Finding, flaw_of};

/// Everything that one run saw.
#[derive(Debug)]
pub struct Outcome {
    /// When warm-up began.
    pub start: Timestamp,
    /// How long warm-up lasted.
    pub warm_up: Duration,
    /// How long the measurement window lasted; shorter than planned when interrupted.
    pub measure: Duration,
    /// How long the drain lasted.
    pub drain: Duration,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// The intervals that everything is counted in.
    pub clock: IntervalClock,
    /// The producers by name, in the order of their numbers.
    pub producers: BTreeMap<String, ProducerOutcome>,
    /// The consumers by name, in the order of their numbers.
    pub consumers: BTreeMap<String, ConsumerOutcome>,
    /// The loads of API calls.
    pub calls: CallsOutcomes,
    /// The streams by name.
    pub streams: BTreeMap<StreamName, StreamOutcome>,
    /// The events in order of their planned times.
    pub events: Vec<EventOutcome>,
    /// The longest that a task of the instrument was away beyond what it meant to sleep; real time only.
    pub heartbeat_gap: Option<Duration>,
    /// What the instrument took of the host in the measurement window, and what it waited for; real time only.
    pub own_use: Option<OwnUse>,
    /// What the target was like.
    pub target: TargetOutcome,
    /// Where several hosts made the run: which one this was.
    pub host: Option<HostOutcome>,
}

/// What a target outside of this process was like; empty for the engine in it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TargetOutcome {
    /// What its answers held that Kinesis would not say.
    pub findings: Vec<Finding>,
    /// Why it could not be reached when the load was over, if it could not.
    pub unreachable: Option<String>,
    /// Streams of the run that could not be deleted, and why.
    pub left_behind: Vec<(StreamName, String)>,
}

/// What one producer did, all its workers together.
#[derive(Debug)]
pub struct ProducerOutcome {
    /// The stream it wrote to.
    pub stream: StreamName,
    /// How many workers it had.
    pub workers: u32,
    /// Outcomes by phase: warm-up, measurement window.
    pub ledgers: [ProducerLedger; 2],
    /// Latencies of the measurement window.
    pub totals: RecorderTotals,
    /// Refusals.
    pub throttles: ThrottleTable,
    /// The most that a record was released after its intended time.
    pub longest_gap: Duration,
    /// Records of the measurement window that waited for a free request slot.
    pub slot_waits: Waits,
    /// Records of the measurement window that `send.rate_limit` held back.
    pub rate_limit_waits: Waits,
    /// Records of the measurement window that waited for the one before them in their lane (`send.ordering`).
    pub order_waits: Waits,
    /// The most requests that one worker had under way.
    pub max_in_flight: usize,
    /// The most records that waited in one worker.
    pub max_queued: usize,
    /// The last refusal that no limit explains.
    pub last_failure: Option<String>,
}

/// What one consumer did.
#[derive(Debug)]
pub struct ConsumerOutcome {
    /// The stream it read.
    pub stream: StreamName,
    /// How it read.
    pub kind: &'static str,
    /// What it saw.
    pub report: ConsumerReport,
    /// When what it is owed begins, if not with the run's first record.
    pub covered_from: Option<Timestamp>,
    /// What it was owed and got, by phase and in all; `None` where records carry no stamp.
    pub ledger: Option<(BTreeMap<Phase, ConsumerLedger>, ConsumerLedger)>,
    /// Whether it had everything that was acknowledged when reading ended.
    pub caught_up: bool,
    /// Of a stream that only others write: until when it was given all that arrived, in every shard.
    pub seen_until: Option<Timestamp>,
}

/// What became of one stream.
#[derive(Debug)]
pub struct StreamOutcome {
    /// The shards before the load.
    pub before: Vec<ShardDescription>,
    /// All shards after it.
    pub after: Vec<ShardDescription>,
    /// What happened in each interval.
    pub intervals: Collector,
    /// The account of every record of the stream.
    pub integrity: Arc<Integrity>,
    /// The newest acknowledged record of each shard.
    pub tips: Arc<Tips>,
    /// Which shards took records, and when the run knew.
    pub history: BTreeMap<ShardId, Seen>,
}

impl StreamOutcome {
    /// Whether the open shards, as they were listed before or after the load, do not hold every hash key exactly once.
    pub fn has_flawed_list(&self) -> bool {
        flaw_of(&self.before).or(flaw_of(&self.after)).is_some()
    }
}

/// What became of one event.
#[derive(Clone, PartialEq, Debug)]
pub struct EventOutcome {
    /// Its name.
    pub name: String,
    /// What it was to do, as the scenario writes it.
    pub action: &'static str,
    /// The stream.
    pub stream: StreamName,
    /// When it was planned, from the start of warm-up.
    pub planned: Duration,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When its effect was complete.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub status: EventStatus,
    /// What was done or why not, in words.
    pub detail: String,
}

/// How an event ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventStatus {
    /// As planned.
    Done,
    /// The run ended before.
    Skipped,
    /// The target has no means for it, which the scenario allows (`optional`).
    Unsupported,
    /// The target refused.
    Failed,
}

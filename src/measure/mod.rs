//! What was observed: latencies, ledgers, throttling, balance, and how far a run may be believed.
//!
//! Invariant: nothing is dropped silently. Every record ends in exactly one column of each ledger, whatever cannot be
//! measured is counted beside what was, and merging the observations of two workers gives what one would have seen.

pub mod balance;
pub mod calls;
pub mod facts;
pub mod histogram;
pub mod integrity;
pub mod interval;
pub mod ledger;
pub mod live;
pub mod meter;
pub mod progress;
mod shard_text;
pub mod throttle;
pub mod tips;
pub mod verdict;
pub mod waits;
pub mod watch;

pub use balance::{Balance, LoadSpan, ShardTotals, even_parts};
pub use calls::{CallCodes, CallLedger, CallOutcome, ScriptCounts};
pub use facts::{Facts, HoldFacts, RecordingFacts, SlotFacts};
pub use histogram::{LatencyHistogram, LatencyKind, LatencySummary, PackedHistogram};
pub use integrity::{Delivery, DeliveryClass, Integrity, Resolution, WorkerKey};
pub use interval::{
    Collector, Interval, IntervalClock, IntervalDelta, IntervalRow, IntervalSink, IntervalSource,
    PartId, Recorder, RecorderTotals, ShardCounters,
};
pub use ledger::{
    ConsumerLedger, KinesisRecords, NotSentCause, NotSentCounts, Outcome, Phase, ProducerLedger,
};
pub use throttle::{Basis, ThrottleRow, ThrottleTable};
pub use verdict::{FEW_SAMPLES, Reason, Status, Verdict, few_samples, judge};
pub use watch::{HotKey, SizeSummary, Watch, Watched, WatchedShard};

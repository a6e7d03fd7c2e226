//! What happened per interval and shard.
//!
//! Each producer worker and consumer task has a [`Recorder`] of its own, without locks; finished intervals go through
//! an [`IntervalSink`] to the one [`Collector`], which adds them up.
//!
//! Invariant: the sums do not depend on the order in which intervals arrive, and an interval may arrive in pieces. Memory
//! does not grow by the latencies of the intervals that are over: those wait in a temporary file.

mod clock;
mod collector;
mod counters;
mod pack;
mod recorder;
mod sink;
mod spool;

pub use clock::{IntervalClock, choose_length};
pub use collector::{Collector, Interval, IntervalRow};
pub use counters::ShardCounters;
pub use recorder::{Recorder, RecorderTotals};
pub use sink::{IntervalDelta, IntervalSink, IntervalSource, PartId};

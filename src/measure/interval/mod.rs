//! What happened per interval and shard.
//!
//! Each producer worker and consumer task has a [`Recorder`] of its own, without locks; finished intervals go through
//! an [`IntervalSink`] to the one [`Collector`], which adds them up.
//!
//! Invariant: the sums do not depend on the order in which intervals arrive, and an interval may arrive in pieces.

mod clock;
mod collector;
mod counters;
mod recorder;
mod sink;

pub use clock::{IntervalClock, choose_length};
pub use collector::{Collector, Interval};
pub use counters::ShardCounters;
pub use recorder::{Recorder, RecorderTotals};
pub use sink::{IntervalDelta, IntervalSink, IntervalSource, PartId};

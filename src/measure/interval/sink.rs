//! The way of finished intervals from the recorders to the collector.

use std::sync::{Arc, mpsc};

use super::counters::ShardCounters;
use crate::kinesis::ShardId;
use crate::measure::histogram::{LatencyKind, PackedHistogram};
use crate::measure::live::Live;

/// A named part of the scenario, by its place in the scenario's table of producers or consumers, or in the run's list of
/// API calls.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PartId {
    /// A producer; its workers share the number.
    Producer(u16),
    /// A consumer; its tasks share the number.
    Consumer(u16),
    /// One call of a load of API calls; its workers share the number.
    Call(u16),
}

/// What one recorder saw in one interval, or a piece of it.
#[derive(Clone, PartialEq, Debug)]
pub struct IntervalDelta {
    /// Whose it is.
    pub part: PartId,
    /// Which interval.
    pub index: u64,
    /// Shards with something to count, by number.
    pub shards: Vec<(ShardId, ShardCounters)>,
    /// Latencies of both phases, by kind.
    pub latencies: Vec<(LatencyKind, PackedHistogram)>,
}

/// Where recorders put finished intervals. Never blocks.
#[derive(Clone, Debug)]
pub struct IntervalSink(mpsc::Sender<IntervalDelta>);

/// Where the collector takes them from.
#[derive(Debug)]
pub struct IntervalSource {
    receiver: mpsc::Receiver<IntervalDelta>,
    /// Who is told of them as well, and as which stream's.
    watched: Option<(Arc<Live>, String)>,
}

impl IntervalSink {
    /// Both ends.
    pub fn channel() -> (Self, IntervalSource) {
        let (sender, receiver) = mpsc::channel();
        let source = IntervalSource {
            receiver,
            watched: None,
        };
        (Self(sender), source)
    }

    /// Hands an interval over.
    pub(super) fn send(&self, delta: IntervalDelta) {
        // A source that was dropped means that nobody wants intervals, for example in a benchmark.
        let _ = self.0.send(delta);
    }
}

impl IntervalSource {
    /// Tells `live` of all that is taken from now on, as intervals of `stream`.
    pub fn show_to(&mut self, live: Arc<Live>, stream: &str) {
        self.watched = Some((live, stream.to_owned()));
    }

    /// The intervals that have arrived and were not taken yet.
    pub fn arrived(&self) -> impl Iterator<Item = IntervalDelta> + '_ {
        self.receiver.try_iter().inspect(|delta| {
            if let Some((live, stream)) = &self.watched {
                live.tell_interval(stream, delta);
            }
        })
    }
}

//! What a run shows of itself while it goes on, beyond the totals of [`Progress`](super::progress::Progress).
//!
//! The run's side, [`Live`], only puts aside what is there anyhow: ledgers a few times a second, finished intervals when they
//! are collected. Adding up is the watcher's, who has a [`Picture`] and a thread of its own, so that watching a run costs
//! its senders nothing. Shards and latencies are therefore behind by an interval and a second.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::histogram::{LatencyHistogram, LatencyKind};
use super::integrity::WorkerKey;
use super::interval::{IntervalDelta, PartId, ShardCounters};
use super::ledger::ProducerLedger;
use crate::kinesis::ShardId;

/// How often a worker tells its ledger.
pub const TELL_EVERY: Duration = Duration::from_millis(250);

/// Where a run puts aside what watchers want to know.
#[derive(Debug, Default)]
pub struct Live {
    ledgers: Mutex<BTreeMap<WorkerKey, ProducerLedger>>,
    intervals: Mutex<Vec<(String, IntervalDelta)>>,
    events: Mutex<Vec<EventNote>>,
    /// The length of an interval, once it is known.
    length: OnceLock<Duration>,
}

/// Something that an event of the scenario came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventNote {
    /// Its name.
    pub name: String,
    /// `began`, `done`, `failed`, `skipped`.
    pub state: &'static str,
    /// To what, or why not; empty while it goes on.
    pub detail: String,
}

impl Live {
    /// Keeps the ledger of a worker, all its phases together, in place of the one before.
    pub fn tell_ledger(&self, worker: WorkerKey, ledger: ProducerLedger) {
        locked(&self.ledgers).insert(worker, ledger);
    }

    /// Keeps a finished interval of `stream`, which is empty for API calls, until a watcher takes it.
    pub fn tell_interval(&self, stream: &str, delta: &IntervalDelta) {
        locked(&self.intervals).push((stream.to_owned(), delta.clone()));
    }

    /// Tells how long intervals are.
    pub fn tell_length(&self, length: Duration) {
        // A run has one length; a second one could only be the same.
        let _ = self.length.set(length);
    }

    /// Adds what became of an event.
    pub fn tell_event(&self, note: EventNote) {
        locked(&self.events).push(note);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a watcher knows of a run: all that was told so far, added up.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// Both phases of each producer, by its number.
    pub ledgers: BTreeMap<u16, ProducerLedger>,
    /// What each part saw of each shard, by stream.
    pub shards: BTreeMap<(String, ShardId, PartId), ShardView>,
    /// Of both phases.
    pub latencies: BTreeMap<(PartId, LatencyKind), LatencyHistogram>,
    /// The highest lateness of the newest interval, in microseconds, by producer, and which interval that is.
    pub lateness_us: BTreeMap<PartId, (u64, u64)>,
    /// What became of events, the first one first.
    pub events: Vec<EventNote>,
    /// The length of an interval; zero before it is known.
    pub interval: Duration,
}

/// What a part saw of a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ShardView {
    /// From the start of the load on.
    pub total: ShardCounters,
    /// In the newest finished interval.
    pub newest: ShardCounters,
    /// Which interval that is.
    pub interval: u64,
}

impl Picture {
    /// The length of an interval in seconds; 1, the shortest that there is, before it is known.
    pub fn interval_s(&self) -> f64 {
        if self.interval.is_zero() {
            1.0
        } else {
            self.interval.as_secs_f64()
        }
    }

    /// Takes in what was told since the last time.
    pub fn refresh(&mut self, live: &Live) {
        let mut ledgers = BTreeMap::<u16, ProducerLedger>::new();
        for (worker, ledger) in locked(&live.ledgers).iter() {
            ledgers.entry(worker.producer).or_default().merge(ledger);
        }
        self.ledgers = ledgers;
        self.interval = live.length.get().copied().unwrap_or_default();
        self.events.clone_from(&locked(&live.events));
        let arrived = std::mem::take(&mut *locked(&live.intervals));
        for (stream, delta) in arrived {
            self.take(&stream, &delta);
        }
    }

    fn take(&mut self, stream: &str, delta: &IntervalDelta) {
        for (shard, counters) in &delta.shards {
            let key = (stream.to_owned(), *shard, delta.part);
            let view = self.shards.entry(key).or_default();
            view.total.merge(counters);
            if delta.index > view.interval {
                view.interval = delta.index;
                view.newest = ShardCounters::default();
            }
            if delta.index == view.interval {
                view.newest.merge(counters);
            }
        }
        for (kind, packed) in &delta.latencies {
            let histogram = packed.unpack();
            if *kind == LatencyKind::Lateness {
                let newest = self.lateness_us.entry(delta.part).or_default();
                let highest = histogram.summary().max_us;
                *newest = match delta.index.cmp(&newest.0) {
                    std::cmp::Ordering::Greater => (delta.index, highest),
                    std::cmp::Ordering::Equal => (newest.0, newest.1.max(highest)),
                    std::cmp::Ordering::Less => *newest,
                };
            }
            let sum = self.latencies.entry((delta.part, *kind)).or_default();
            sum.merge(&histogram);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta(index: u64, acked: u64, lateness_us: i64) -> IntervalDelta {
        let mut histogram = LatencyHistogram::new();
        histogram.record_nanos(lateness_us * 1_000);
        IntervalDelta {
            part: PartId::Producer(0),
            index,
            shards: vec![(
                ShardId::new(2).unwrap(),
                ShardCounters {
                    acked,
                    ..ShardCounters::default()
                },
            )],
            latencies: vec![(LatencyKind::Lateness, histogram.pack())],
        }
    }

    #[test]
    fn intervals_add_up_and_the_newest_is_shown_whole_whatever_comes_late() {
        let (live, mut picture) = (Live::default(), Picture::default());
        for (index, acked, lateness_us) in [(0, 5, 900), (1, 7, 20), (1, 1, 40)] {
            live.tell_interval("orders", &delta(index, acked, lateness_us));
        }
        picture.refresh(&live);
        live.tell_interval("orders", &delta(0, 2, 100));
        picture.refresh(&live);
        let key = (
            "orders".to_owned(),
            ShardId::new(2).unwrap(),
            PartId::Producer(0),
        );
        let view = picture.shards[&key];
        assert_eq!(
            (view.total.acked, view.newest.acked, view.interval),
            (15, 8, 1)
        );
        assert_eq!(picture.lateness_us[&PartId::Producer(0)], (1, 40));
        let lateness = &picture.latencies[&(PartId::Producer(0), LatencyKind::Lateness)];
        assert_eq!((lateness.count(), lateness.summary().max_us), (4, 900));
    }

    #[test]
    fn the_ledgers_of_workers_are_their_newest_and_add_up_by_producer() {
        let (live, mut picture) = (Live::default(), Picture::default());
        let tell = |producer, worker, acked| {
            let ledger = ProducerLedger {
                acked,
                ..ProducerLedger::default()
            };
            live.tell_ledger(WorkerKey { producer, worker }, ledger);
        };
        tell(0, 0, 3);
        tell(0, 1, 4);
        tell(0, 0, 10);
        tell(1, 0, 1);
        picture.refresh(&live);
        picture.refresh(&live);
        let acked: Vec<_> = picture
            .ledgers
            .values()
            .map(|ledger| ledger.acked)
            .collect();
        assert_eq!(acked, [14, 1]);
    }
}

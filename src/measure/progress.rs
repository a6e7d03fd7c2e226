//! Counters that the live line reads while a run goes on.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::live::Live;
use crate::base::Timestamp;
use crate::kinesis::record::Billed;

/// A count that many add to and anybody reads.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// What was added so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The latest of the times that many tell and anybody reads.
#[derive(Debug, Default)]
pub struct Latest(AtomicU64);

impl Latest {
    /// Tells that it is this late.
    pub fn reach(&self, at: Timestamp) {
        self.0.fetch_max(at.as_nanos(), Ordering::Relaxed);
    }

    /// The latest that was told; the epoch before.
    pub fn get(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// Counts of what is billed.
#[derive(Debug, Default)]
pub struct BilledCounters {
    bytes: Counter,
    put_units: Counter,
    kilobytes: Counter,
}

impl BilledCounters {
    /// Adds what was put.
    pub fn add(&self, billed: Billed) {
        self.bytes.add(billed.bytes);
        self.put_units.add(billed.put_units);
        self.kilobytes.add(billed.kilobytes);
    }

    /// What was added so far.
    pub fn get(&self) -> Billed {
        Billed {
            bytes: self.bytes.get(),
            put_units: self.put_units.get(),
            kilobytes: self.kilobytes.get(),
        }
    }
}

/// What would be left behind should the process end now, each in words: ``stream `orders` ``.
#[derive(Debug, Default)]
pub struct Standing(Mutex<BTreeSet<String>>);

impl Standing {
    /// Something is made, or about to be.
    pub fn add(&self, what: String) {
        self.lock().insert(what);
    }

    /// It is gone, or never was.
    pub fn remove(&self, what: &str) {
        self.lock().remove(what);
    }

    /// All of it.
    pub fn list(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happened so far, over all producers and consumers. Approximate while the run goes on; reports count for
/// themselves.
#[derive(Debug, Default)]
pub struct Progress {
    /// Records that the schedules released.
    pub released: Counter,
    /// Records acknowledged.
    pub acked: Counter,
    /// What is billed of records that were stored, or may have been: what a cap on costs looks at.
    pub billed: BilledCounters,
    /// Attempts of records refused by a limit.
    pub refused: Counter,
    /// Records that were not sent.
    pub not_sent: Counter,
    /// API calls of loads that ended.
    pub calls: Counter,
    /// Records delivered to consumers, all of them together.
    pub delivered: Counter,
    /// How late it is by the run's own clock, to about a quarter of a second: who watches a simulated run has another.
    pub at: Latest,
    /// What the run has made at its target and not taken away yet.
    pub standing: Standing,
    /// Where the run tells more than totals; there only if somebody watches that.
    pub live: Option<Arc<Live>>,
}

impl Progress {
    /// Counters of a run whose parts, shards and latencies are watched too.
    pub fn watched() -> Self {
        Self {
            live: Some(Arc::default()),
            ..Self::default()
        }
    }
}

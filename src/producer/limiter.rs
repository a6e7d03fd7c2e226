//! The most that a worker sends to one shard: token buckets per shard, as the KPL's RateLimit.
//!
//! A refused record costs its tokens too: the limit is on what is sent. What waits here waits as in a batch, and is never
//! late.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::base::Timestamp;
use crate::kinesis::ShardId;
use crate::measure::ledger::Phase;
use crate::measure::waits::Waits;
use crate::scenario::model::RateLimit;

use super::entry::Entry;
use super::queue::Item;

/// How often the KPL looks whether what waits may go.
const DRAIN_EVERY: Duration = Duration::from_millis(25);
/// The most records that may go at once after a pause: a second's worth of a shard.
const BURST_RECORDS: f64 = 1_000.0;
/// The most bytes, as the KPL has it since records may have 10 MiB.
const BURST_BYTES: f64 = (10 << 20) as f64;

/// The shards and what waits for each.
#[derive(Debug)]
pub(super) struct Limiter {
    limit: RateLimit,
    shards: BTreeMap<ShardId, Shard>,
    records: usize,
    drained: Timestamp,
    /// Of records of the measurement window that were kept here.
    waits: Waits,
}

#[derive(Debug)]
struct Shard {
    records: Bucket,
    bytes: Bucket,
    waiting: VecDeque<Entry>,
}

/// Tokens that come back with time. It starts empty, as the KPL's.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Bucket {
    tokens: f64,
    per_s: f64,
    burst: f64,
    at: Timestamp,
}

impl Bucket {
    const fn new(per_s: f64, burst: f64, now: Timestamp) -> Self {
        Self {
            tokens: 0.0,
            per_s,
            burst,
            at: now,
        }
    }

    fn refill(&mut self, now: Timestamp) {
        if self.per_s.is_infinite() {
            self.tokens = self.burst;
        } else {
            let grown = now.since(self.at).as_secs_f64() * self.per_s;
            self.tokens = (self.tokens + grown).min(self.burst);
        }
        self.at = self.at.max(now);
    }

    /// Whether there are so many tokens, or all that there can be.
    fn has(&self, tokens: f64) -> bool {
        self.tokens >= tokens.min(self.burst)
    }
}

impl Shard {
    fn take(&mut self, bytes: u64, now: Timestamp) -> bool {
        self.records.refill(now);
        self.bytes.refill(now);
        let may = self.records.has(1.0) && self.bytes.has(bytes as f64);
        if may {
            self.records.tokens -= 1.0;
            self.bytes.tokens -= bytes as f64;
        }
        may
    }
}

impl Limiter {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            shards: BTreeMap::new(),
            records: 0,
            drained: Timestamp::ZERO,
            waits: Waits::default(),
        }
    }

    /// How long records of the measurement window were kept here, of those that are not any more.
    pub(super) const fn waits(&self) -> Waits {
        self.waits
    }

    /// How many records wait here.
    pub(super) const fn len(&self) -> usize {
        self.records
    }

    /// Gives the entry back if it may go now, else keeps it. One whose shard is not known goes, as with the KPL.
    pub(super) fn pass(&mut self, entry: Entry, now: Timestamp) -> Option<Entry> {
        let Some(shard) = entry.predicted() else {
            return Some(entry);
        };
        let limit = self.limit;
        let shard = self.shards.entry(shard).or_insert_with(|| Shard {
            records: Bucket::new(limit.records_per_s, BURST_RECORDS, now),
            bytes: Bucket::new(limit.bytes_per_s, BURST_BYTES, now),
            waiting: VecDeque::new(),
        });
        if shard.waiting.is_empty() && shard.take(entry.billed_bytes(), now) {
            return Some(entry);
        }
        if self.records == 0 {
            self.drained = now;
        }
        self.records += entry.len();
        shard.waiting.push_back(entry);
        None
    }

    /// Hands on what may go by now, at the times at which the KPL looks.
    pub(super) fn drain_due(&mut self, now: Timestamp, mut hand_on: impl FnMut(Entry)) {
        if self.next_due().is_none_or(|due| due > now) {
            return;
        }
        self.drained = now;
        for shard in self.shards.values_mut() {
            while let Some(bytes) = shard.waiting.front().map(Entry::billed_bytes) {
                if !shard.take(bytes, now) {
                    break;
                }
                if let Some(entry) = shard.waiting.pop_front() {
                    self.records -= entry.len();
                    count(&mut self.waits, &entry, now);
                    hand_on(entry);
                }
            }
        }
    }

    /// Takes out what is older than records may be.
    pub(super) fn take_expired(&mut self, ttl: Duration, now: Timestamp) -> Vec<Item> {
        let mut expired = Vec::new();
        let old = |entry: &Entry| entry.items().iter().any(|i| i.expired(Some(ttl), now));
        for shard in self.shards.values_mut() {
            // The first of a queue is nearly the oldest: what is younger behind it waits its turn.
            while shard.waiting.front().is_some_and(old) {
                if let Some(entry) = shard.waiting.pop_front() {
                    self.records -= entry.len();
                    count(&mut self.waits, &entry, now);
                    entry.unpack(&mut expired);
                }
            }
        }
        expired
    }

    /// When to look again whether something may go.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        (self.records > 0).then(|| self.drained.plus(DRAIN_EVERY))
    }

    /// Takes everything, at the end.
    pub(super) fn drain(&mut self, now: Timestamp) -> Vec<Entry> {
        self.records = 0;
        let shards = self.shards.values_mut();
        let entries: Vec<_> = shards.flat_map(|shard| shard.waiting.drain(..)).collect();
        for entry in &entries {
            count(&mut self.waits, entry, now);
        }
        entries
    }
}

/// Counts how long an entry was kept.
fn count(waits: &mut Waits, entry: &Entry, now: Timestamp) {
    let measured = entry.items().iter();
    let measured = measured.filter(|item| item.phase == Phase::Measure).count() as u64;
    waits.add(measured, now.since(entry.queued()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::producer::queue::tests::item;

    fn entry(sequence: u64, shard: u32, size: u32) -> Entry {
        Entry::One(Item {
            predicted: Some(ShardId::new(shard).unwrap()),
            ..item(sequence, size)
        })
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + ms)
    }

    /// How many of `offered` records a second of 100 B go within so many seconds.
    fn gone(limit: RateLimit, offered_per_s: u64, size: u32, seconds: u64) -> u64 {
        let (mut limiter, mut gone) = (Limiter::new(limit), 0);
        for ms in 0..seconds * 1_000 {
            limiter.drain_due(at(ms), |_| gone += 1);
            for number in ms * offered_per_s / 1_000..(ms + 1) * offered_per_s / 1_000 {
                gone += u64::from(limiter.pass(entry(number, 0, size), at(ms)).is_some());
            }
        }
        assert_eq!(gone + limiter.len() as u64, seconds * offered_per_s);
        gone
    }

    #[test]
    fn a_shard_is_sent_its_rate_and_what_is_beyond_waits() {
        let limit = RateLimit {
            records_per_s: 1_500.0,
            bytes_per_s: 1.5 * 1_048_576.0,
        };
        let sent = gone(limit, 3_000, 100, 4);
        assert!((5_900..=6_000).contains(&sent), "{sent}");
        assert_eq!(gone(limit, 1_000, 100, 4), 4_000);
        // 10,000 bytes with a key of 5: 157 a second.
        let sent = gone(limit, 1_000, 10_000, 4);
        assert!((615..=630).contains(&sent), "{sent}");
    }

    #[test]
    fn one_shards_queue_holds_up_no_other() {
        let limit = RateLimit {
            records_per_s: 10.0,
            bytes_per_s: f64::INFINITY,
        };
        let mut limiter = Limiter::new(limit);
        assert!(limiter.pass(entry(0, 0, 100), at(0)).is_none());
        assert!(limiter.pass(entry(1, 1, 100), at(0)).is_none());
        let mut order = Vec::new();
        for ms in 0..=125 {
            limiter.drain_due(at(ms), |entry| order.push(entry.items()[0].plan.sequence));
        }
        assert_eq!(order, [0, 1]);
        assert!(limiter.pass(entry(2, 0, 100), at(130)).is_none());
        let unknown = Entry::One(item(3, 100));
        assert!(limiter.pass(unknown, at(130)).is_some());
        assert_eq!(limiter.drain(at(130)).len(), 1);
    }

    #[test]
    fn a_record_beyond_the_burst_goes_when_the_bucket_is_full() {
        let limit = RateLimit {
            records_per_s: f64::INFINITY,
            bytes_per_s: 10_485_760.0,
        };
        let mut limiter = Limiter::new(limit);
        assert!(limiter.pass(entry(0, 0, 11 << 20), at(0)).is_none());
        let mut went = 0;
        limiter.drain_due(at(990), |_| went += 1);
        assert_eq!(went, 0);
        limiter.drain_due(at(1_020), |_| went += 1);
        assert_eq!(went, 1);
    }
}

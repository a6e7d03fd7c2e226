//! Records between their release and their request: packed, held back by a limit, collected; or waiting to be tried again.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use crate::base::Timestamp;
use crate::kinesis::{HashKey, ShardId};
use crate::measure::ledger::Phase;
use crate::measure::waits::Waits;
use crate::scenario::model::Send;
use crate::workload::RecordPlan;

use super::entry::Entry;
use super::limiter::Limiter;
use super::packer::Packer;

/// A record that was released and is not resolved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// What it is.
    pub(super) plan: RecordPlan,
    /// When it was meant to be sent.
    pub(super) intended: Timestamp,
    /// When the pacer released it.
    pub(super) ready: Timestamp,
    /// When it began to wait for its next request.
    pub(super) queued: Timestamp,
    /// The phase of its intended time.
    pub(super) phase: Phase,
    /// Its number within its lane.
    pub(super) lane_sequence: u32,
    /// The shard that it is meant for, where that is known.
    pub(super) shard: Option<ShardId>,
    /// Attempts begun.
    pub(super) attempts: u32,
    /// How its last answered attempt ended.
    pub(super) last: LastAttempt,
    /// Whether any attempt went unanswered.
    pub(super) any_unknown: bool,
    /// Bytes of its key, which count towards a request's size.
    pub(super) key_bytes: u32,
    /// Whether its hash key is sent with it.
    pub(super) explicit: bool,
    /// The shard that it was predicted to fall into when it was last queued, if anybody asked and it could be told.
    pub(super) predicted: Option<ShardId>,
    /// Its last wait before it was tried again, in microseconds.
    pub(super) waited_us: u32,
}

impl Item {
    pub(super) const fn billed_bytes(&self) -> u64 {
        self.plan.size as u64 + self.key_bytes as u64
    }

    pub(super) fn explicit_hash_key(&self) -> Option<HashKey> {
        self.explicit.then_some(self.plan.hash_key)
    }

    /// Whether it is older than records may be, from its release.
    pub(super) fn expired(&self, ttl: Option<Duration>, now: Timestamp) -> bool {
        ttl.is_some_and(|ttl| self.ready.plus(ttl) <= now)
    }
}

/// How an attempt was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LastAttempt {
    /// No attempt was answered yet.
    None,
    /// By a limit.
    Throttled,
    /// By anything else.
    Failed,
}

/// Records that wait for a request, and those that wait to be tried again.
#[derive(Debug)]
pub(super) struct Queue {
    packer: Option<Packer>,
    limiter: Option<Limiter>,
    /// What goes next.
    waiting: VecDeque<Entry>,
    waiting_bytes: u64,
    waiting_records: usize,
    retries: BinaryHeap<Reverse<(Timestamp, u64, Parked)>>,
    parked: u64,
}

/// Whose hash keys fall into which shard, as far as it is known.
pub(super) type Predict<'a> = &'a dyn Fn(HashKey) -> Option<ShardId>;

/// A record in the heap; ordered by nothing, since the keys before it never tie.
#[derive(Debug)]
struct Parked(Item);

impl PartialEq for Parked {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Parked {}
impl PartialOrd for Parked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Parked {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl Queue {
    pub(super) fn new(send: &Send) -> Self {
        Self {
            packer: send.aggregate.map(Packer::new),
            limiter: send.rate_limit.map(Limiter::new),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            waiting_records: 0,
            retries: BinaryHeap::new(),
            parked: 0,
        }
    }

    /// How many records wait, for a request or to be tried again.
    pub(super) fn len(&self) -> usize {
        self.waiting_records
            + self.retries.len()
            + self.packer.as_ref().map_or(0, Packer::len)
            + self.limiter.as_ref().map_or(0, Limiter::len)
    }

    /// Adds a record, which begins to wait at its `queued`. Whoever packs or limits needs to know where it will fall.
    pub(super) fn push(&mut self, mut item: Item, predict: Predict<'_>) {
        if self.packer.is_none() && self.limiter.is_none() {
            self.collect(Entry::One(item));
            return;
        }
        item.predicted = predict(item.plan.hash_key);
        let now = item.queued;
        match (&mut self.packer, item.predicted) {
            (Some(packer), Some(shard)) => {
                for entry in packer.add(shard, item).into_iter().flatten() {
                    self.limit(entry, now);
                }
            }
            _ => self.limit(Entry::One(item), now),
        }
    }

    fn limit(&mut self, entry: Entry, now: Timestamp) {
        let passed = match &mut self.limiter {
            Some(limiter) => limiter.pass(entry, now),
            None => Some(entry),
        };
        if let Some(entry) = passed {
            self.collect(entry);
        }
    }

    fn collect(&mut self, entry: Entry) {
        self.waiting_bytes += entry.billed_bytes();
        self.waiting_records += entry.len();
        self.waiting.push_back(entry);
    }

    /// Keeps a record until it may be tried again.
    pub(super) fn retry_at(&mut self, at: Timestamp, item: Item) {
        self.parked += 1;
        self.retries.push(Reverse((at, self.parked, Parked(item))));
    }

    /// Moves on whatever has waited long enough where it is: records that may be tried again, the one that waited longest
    /// first, bundles that lingered, and what a limit held back.
    pub(super) fn advance(&mut self, now: Timestamp, predict: Predict<'_>) {
        while self
            .retries
            .peek()
            .is_some_and(|Reverse((at, ..))| *at <= now)
        {
            if let Some(Reverse((at, _, Parked(item)))) = self.retries.pop() {
                self.push(Item { queued: at, ..item }, predict);
            }
        }
        while let Some(entry) = self.packer.as_mut().and_then(|packer| packer.take_due(now)) {
            self.limit(entry, now);
        }
        let mut passed = Vec::new();
        if let Some(limiter) = &mut self.limiter {
            limiter.drain_due(now, |entry| passed.push(entry));
        }
        for mut entry in passed {
            entry.queue(now);
            self.collect(entry);
        }
    }

    /// When something here has waited long enough; requests aside.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let retry = self.retries.peek().map(|Reverse((at, ..))| *at);
        let bundle = self.packer.as_ref().and_then(Packer::next_due);
        let limited = self.limiter.as_ref().and_then(Limiter::next_due);
        [retry, bundle, limited].into_iter().flatten().min()
    }

    /// From when on a request is due: at once when it would be full, else when its first entry has lingered. `None` when
    /// nothing waits.
    pub(super) fn request_due(&self, send: &Send) -> Option<Timestamp> {
        let first = self.waiting.front()?;
        let full =
            self.waiting.len() >= send.max_records as usize || self.waiting_bytes >= send.max_bytes;
        Some(if full {
            first.queued()
        } else {
            first.queued().plus(linger(send))
        })
    }

    /// Takes the entries of the next request: as many as fit, at least one. Their records go to `into`, and of each entry
    /// the number of its records to `counts`. Gives the time since when it was due: when the entry came that filled it, or
    /// when its first one had lingered.
    pub(super) fn take_request(
        &mut self,
        send: &Send,
        into: &mut Vec<Item>,
        counts: &mut Vec<usize>,
    ) -> Timestamp {
        let (mut first, mut last) = (None, Timestamp::ZERO);
        let mut bytes = 0;
        while let Some(entry) = self.waiting.front() {
            bytes += entry.billed_bytes();
            if counts.len() >= send.max_records as usize
                || (bytes > send.max_bytes && !counts.is_empty())
            {
                break;
            }
            if let Some(entry) = self.waiting.pop_front() {
                self.waiting_bytes -= entry.billed_bytes();
                self.waiting_records -= entry.len();
                counts.push(entry.len());
                last = entry.queued();
                first.get_or_insert(last);
                entry.unpack(into);
            }
        }
        let is_full = counts.len() >= send.max_records as usize || bytes >= send.max_bytes;
        let lingered = first.map_or(Timestamp::ZERO, |first| first.plus(linger(send)));
        if is_full {
            last.min(lingered)
        } else {
            lingered
        }
    }

    /// Takes the records that are older than they may be from what a limit held back, and before: later they go.
    pub(super) fn take_expired(&mut self, ttl: Option<Duration>, now: Timestamp) -> Vec<Item> {
        match (ttl, &mut self.limiter) {
            (Some(ttl), Some(limiter)) => limiter.take_expired(ttl, now),
            _ => Vec::new(),
        }
    }

    /// How long the limit held records of the measurement window back.
    pub(super) fn rate_limit_waits(&self) -> Waits {
        let limiter = self.limiter.as_ref();
        limiter.map_or_else(Waits::default, Limiter::waits)
    }

    /// Takes what stands ready for a request.
    pub(super) fn take_ready(&mut self) -> Vec<Item> {
        (self.waiting_bytes, self.waiting_records) = (0, 0);
        let mut items = Vec::new();
        for entry in self.waiting.drain(..) {
            entry.unpack(&mut items);
        }
        items
    }

    /// Takes everything, in no order that matters.
    pub(super) fn drain(&mut self, now: Timestamp) -> Vec<Item> {
        let mut items = self.take_ready();
        if let Some(limiter) = &mut self.limiter {
            let held = limiter.drain(now).into_iter();
            held.for_each(|entry| entry.unpack(&mut items));
        }
        items.extend(self.packer.iter_mut().flat_map(Packer::drain));
        let retries = std::mem::take(&mut self.retries).into_sorted_vec();
        items.extend(
            retries
                .into_iter()
                .map(|Reverse((_, _, Parked(item)))| item),
        );
        items
    }
}

const fn linger(send: &Send) -> Duration {
    if send.max_records <= 1 {
        Duration::ZERO
    } else {
        send.linger
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A record of so many bytes with a key of five, released at 0.
    pub(in crate::producer) fn item(sequence: u64, size: u32) -> Item {
        Item {
            plan: RecordPlan {
                sequence,
                key: 7,
                hash_key: HashKey(0),
                size,
                payload_offset: 0,
            },
            intended: Timestamp::ZERO,
            ready: Timestamp::ZERO,
            queued: Timestamp::ZERO,
            phase: Phase::Measure,
            lane_sequence: 0,
            shard: None,
            attempts: 0,
            last: LastAttempt::None,
            any_unknown: false,
            key_bytes: 5,
            explicit: false,
            predicted: None,
            waited_us: 0,
        }
    }
}

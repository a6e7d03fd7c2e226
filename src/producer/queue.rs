//! Records between their release and their request.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use crate::base::Timestamp;
use crate::kinesis::ShardId;
use crate::measure::ledger::Phase;
use crate::scenario::model::Send;
use crate::workload::RecordPlan;

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
}

impl Item {
    pub(super) const fn billed_bytes(&self) -> u64 {
        self.plan.size as u64 + self.key_bytes as u64
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
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Item>,
    waiting_bytes: u64,
    retries: BinaryHeap<Reverse<(Timestamp, u64, Parked)>>,
    parked: u64,
}

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
    /// How many records wait, for a request or to be tried again.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.retries.len()
    }

    /// Adds a record at the end.
    pub(super) fn push(&mut self, item: Item) {
        self.waiting_bytes += item.billed_bytes();
        self.waiting.push_back(item);
    }

    /// Keeps a record until it may be tried again.
    pub(super) fn retry_at(&mut self, at: Timestamp, item: Item) {
        self.parked += 1;
        self.retries.push(Reverse((at, self.parked, Parked(item))));
    }

    /// Queues the records whose time has come again, the one that waited longest first.
    pub(super) fn wake_retries(&mut self, now: Timestamp) {
        while self
            .retries
            .peek()
            .is_some_and(|Reverse((at, ..))| *at <= now)
        {
            if let Some(Reverse((at, _, Parked(item)))) = self.retries.pop() {
                self.push(Item { queued: at, ..item });
            }
        }
    }

    /// When the next record may be tried again.
    pub(super) fn next_retry(&self) -> Option<Timestamp> {
        self.retries.peek().map(|Reverse((at, ..))| *at)
    }

    /// From when on a request is due: at once when it would be full, else when its first record has lingered. `None`
    /// when nothing waits.
    pub(super) fn request_due(&self, send: &Send) -> Option<Timestamp> {
        let first = self.waiting.front()?;
        let full =
            self.waiting.len() >= send.max_records as usize || self.waiting_bytes >= send.max_bytes;
        Some(if full {
            first.queued
        } else {
            first.queued.plus(linger(send))
        })
    }

    /// Takes the records of the next request: as many as fit, at least one. Gives the time since when it was due: when the
    /// record came that filled it, or when its first one had lingered.
    pub(super) fn take_request(&mut self, send: &Send, into: &mut Vec<Item>) -> Timestamp {
        let mut bytes = 0;
        while let Some(item) = self.waiting.front().copied() {
            bytes += item.billed_bytes();
            if into.len() >= send.max_records as usize
                || (bytes > send.max_bytes && !into.is_empty())
            {
                break;
            }
            self.waiting.pop_front();
            self.waiting_bytes -= item.billed_bytes();
            into.push(item);
        }
        let is_full = into.len() >= send.max_records as usize || bytes >= send.max_bytes;
        let lingered = into
            .first()
            .map_or(Timestamp::ZERO, |first| first.queued.plus(linger(send)));
        match into.last() {
            Some(last) if is_full => last.queued.min(lingered),
            _ => lingered,
        }
    }

    /// Takes everything, in no order that matters.
    pub(super) fn drain(&mut self) -> Vec<Item> {
        self.waiting_bytes = 0;
        let retries = std::mem::take(&mut self.retries).into_sorted_vec();
        self.waiting
            .drain(..)
            .chain(
                retries
                    .into_iter()
                    .map(|Reverse((_, _, Parked(item)))| item),
            )
            .collect()
    }
}

const fn linger(send: &Send) -> Duration {
    if send.max_records <= 1 {
        Duration::ZERO
    } else {
        send.linger
    }
}

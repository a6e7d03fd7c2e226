//! Subscriptions: who sits at a shard for a consumer, and how far a subscription has come.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::lock;
use super::meter::Meter;
use crate::base::Timestamp;
use crate::kinesis::operation::SubscriptionId;
use crate::kinesis::quotas::{Limits, RateName};
use crate::kinesis::{SequenceNumber, ShardId, StreamName};

/// A consumer's place at a shard. At most one subscription holds it; its limits outlive subscriptions.
#[derive(Debug)]
pub(super) struct Seat(Mutex<SeatState>);

#[derive(Debug)]
pub(super) struct SeatState {
    pub(super) holder: Option<SubscriptionId>,
    /// When the last subscription succeeded.
    pub(super) since: Option<Timestamp>,
    pub(super) calls: Meter,
    pub(super) bytes: Meter,
    /// Whether the consumer is gone.
    pub(super) closed: bool,
}

impl Seat {
    pub(super) fn new(limits: &Limits, now: Timestamp) -> Self {
        Self(Mutex::new(SeatState {
            holder: None,
            since: None,
            calls: Meter::new(limits.rate(RateName::SubscribeToShard), now),
            bytes: Meter::new(limits.rate(RateName::SubscriptionBytes), now),
            closed: false,
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, SeatState> {
        lock(&self.0)
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
    }
}

/// One subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) stream: StreamName,
    pub(super) incarnation: u64,
    pub(super) shard: ShardId,
    pub(super) seat: Arc<Seat>,
    pub(super) expires: Timestamp,
    pub(super) progress: Mutex<Progress>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// The counter of the next record.
    pub(super) position: u64,
    /// When the last event went out, or when it began.
    pub(super) last_event: Timestamp,
    /// What it had to pass over since then because it was trimmed; told by the next event.
    pub(super) trimmed_to: Option<SequenceNumber>,
}

/// The subscriptions of an account, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    last: u64,
    by_id: BTreeMap<SubscriptionId, Arc<Subscription>>,
}

impl Subscriptions {
    /// A number that no subscription has had.
    pub(super) fn next_id(&self) -> SubscriptionId {
        let mut open = lock(&self.0);
        open.last += 1;
        SubscriptionId(open.last)
    }

    /// Keeps a new one, and forgets those that nobody polled to their end.
    pub(super) fn add(&self, now: Timestamp, id: SubscriptionId, subscription: Subscription) {
        let mut open = lock(&self.0);
        open.by_id.retain(|_, kept| now < kept.expires);
        open.by_id.insert(id, Arc::new(subscription));
    }

    pub(super) fn get(&self, id: SubscriptionId) -> Option<Arc<Subscription>> {
        lock(&self.0).by_id.get(&id).cloned()
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        lock(&self.0).by_id.len()
    }

    pub(super) fn remove(&self, id: SubscriptionId) {
        lock(&self.0).by_id.remove(&id);
    }
}

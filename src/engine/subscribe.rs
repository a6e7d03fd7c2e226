//! SubscribeToShard, as a pull: whoever sends the events polls for them.

use std::sync::Mutex;
use std::time::Duration;

use super::account::Account;
use super::lock;
use super::shard::Counting;
use super::subscription::{Progress, Seat, Subscription};
use crate::base::Timestamp;
use crate::kinesis::arn::ConsumerArn;
use crate::kinesis::operation::{
    ConsumerStatus, End, IteratorPosition, SubscriptionEvent, SubscriptionId, SubscriptionPoll,
};
use crate::kinesis::quotas::CapName;
use crate::kinesis::record::{FrameBatch, RecordBatch};
use crate::kinesis::{Cause, KinesisError, ShardId};

impl Account {
    /// SubscribeToShard: begins a subscription, which takes the place of an older one of the same consumer and shard.
    ///
    /// # Errors
    /// `InvalidArgument` for what is no ARN and for positions as in GetShardIterator, `AccessDenied` for another
    /// account's, `ResourceNotFound`; `ResourceInUse` while the consumer is not ACTIVE and soon after its last successful
    /// call for the shard; `LimitExceeded` (calls per second of the consumer and shard).
    pub fn subscribe_to_shard(
        &self,
        now: Timestamp,
        consumer_arn: &str,
        shard: ShardId,
        position: IteratorPosition,
    ) -> Result<SubscriptionId, KinesisError> {
        self.subscribe(now, consumer_arn, shard, position, Counting::Take)
            .map(|(id, subscription)| {
                self.subscriptions.add(now, id, subscription);
                id
            })
    }

    /// Makes a subscription; unless counting is [`Counting::Take`], nobody learns of it.
    pub(super) fn subscribe(
        &self,
        now: Timestamp,
        consumer_arn: &str,
        shard: ShardId,
        position: IteratorPosition,
        counting: Counting,
    ) -> Result<(SubscriptionId, Subscription), KinesisError> {
        let arn: ConsumerArn = consumer_arn.parse()?;
        self.check_arn(&arn.stream)?;
        let (stream, name) = (arn.stream.stream.as_str(), arn.consumer.as_str());
        let refuse = self.refuse(stream);
        let found = self.find(now, stream)?;
        let seat = {
            let mut control = found.control();
            let consumer = control.consumers.by_arn(now, &arn);
            let consumer = consumer.ok_or_else(|| refuse.no_consumer(name))?;
            if consumer.status(now) != ConsumerStatus::Active {
                return Err(refuse.consumer_not_active(name, arn.created_s));
            }
            if found.map().get(shard).is_none() {
                return Err(refuse.no_shard_to_read(shard));
            }
            consumer.seat(shard, || Seat::new(self.limits(), now))
        };
        let mut held = seat.lock();
        let pause = self.seconds(CapName::ResubscribeSeconds);
        if held.since.is_some_and(|since| now < since.plus(pause)) {
            return Err(refuse.subscribed(shard, name));
        }
        let passes = match counting {
            Counting::Take => held.calls.admit(now),
            _ => held.calls.allows(now, 1),
        };
        if !passes {
            return Err(refuse.call_rate(Cause::ApiRate));
        }
        let place = self.locate(now, &found, shard, position, Counting::Free)?;
        let id = self.subscriptions.next_id();
        if counting == Counting::Take {
            held.holder = Some(id);
            held.since = Some(now);
        }
        drop(held);
        let subscription = Subscription {
            stream: found.name.clone(),
            incarnation: found.incarnation,
            shard,
            seat,
            expires: now.plus(self.seconds(CapName::SubscriptionSeconds)),
            progress: Mutex::new(Progress {
                position: place.position,
                last_event: now,
                trimmed_to: None,
            }),
        };
        Ok((id, subscription))
    }

    /// The next event of a subscription, if there is one, and when to ask again. Call it after a put to the shard too:
    /// records are not announced.
    pub fn poll_subscription(&self, now: Timestamp, id: SubscriptionId) -> SubscriptionPoll {
        let Some(subscription) = self.subscriptions.get(id) else {
            return ended(End::Closed);
        };
        let poll = self.poll(now, id, &subscription);
        if poll.ended.is_some() {
            self.subscriptions.remove(id);
        }
        poll
    }

    /// How many subscriptions are open.
    pub fn open_subscriptions(&self) -> usize {
        self.subscriptions.count()
    }

    /// Forgets a subscription whose reader went away. The consumer still waits before it may subscribe again.
    pub fn close_subscription(&self, id: SubscriptionId) {
        self.subscriptions.remove(id);
    }

    fn poll(&self, now: Timestamp, id: SubscriptionId, own: &Subscription) -> SubscriptionPoll {
        let table = self.table_for(now, own.stream.as_str());
        let found = table.get(own.stream.as_str());
        let found = found.filter(|found| found.incarnation == own.incarnation);
        let mut seat = own.seat.lock();
        if seat.closed && found.is_some_and(|found| found.takes_records()) {
            return ended(End::ConsumerDeleted);
        }
        let Some(found) = found.filter(|_| !seat.closed) else {
            return ended(End::StreamDeleted);
        };
        if seat.holder != Some(id) {
            return ended(End::TakenOver);
        }
        if now >= own.expires {
            return ended(End::Expired);
        }
        if !seat.bytes.allows_debt(now) {
            return again(None, seat.bytes.above_zero_at().min(own.expires));
        }
        let cap = |name| self.limits().cap(name).unwrap_or(u64::MAX);
        let mut progress = lock(&own.progress);
        let map = found.map();
        let Some((shard, page)) = map.get(own.shard).and_then(|shard| {
            let page = shard.follow(
                &self.pool,
                now,
                found.horizon(now),
                progress.position,
                cap(CapName::SubscriptionEventRecords),
                cap(CapName::SubscriptionEventBytes),
            )?;
            Some((shard, page))
        }) else {
            return ended(End::StreamDeleted);
        };
        seat.bytes.take(page.bytes);
        progress.position = page.read.next.position;
        progress.trimmed_to = page.read.trimmed_to.or(progress.trimmed_to);
        let idle = self.seconds(CapName::IdleEventSeconds);
        let at_end = !page.read.children.is_empty();
        if page.read.count == 0 && !at_end && now < progress.last_event.plus(idle) {
            let next = progress.last_event.plus(idle).min(own.expires);
            return again(None, page.next_visible.map_or(next, |at| at.min(next)));
        }
        progress.last_event = now;
        let event = SubscriptionEvent {
            records: RecordBatch::Frames(FrameBatch {
                shard: own.shard,
                shard_created_s: shard.birth.created_s,
                chunks: page.read.views,
                count: page.read.count as usize,
            }),
            encrypted: page.read.encrypted,
            continuation: (!at_end).then_some(page.continuation),
            millis_behind_latest: page.read.millis_behind,
            child_shards: page.read.children,
            trimmed_to: progress.trimmed_to.take(),
        };
        if at_end {
            return SubscriptionPoll {
                event: Some(event),
                next_poll: None,
                ended: Some(End::ShardEnd),
            };
        }
        let next = if page.more {
            seat.bytes.above_zero_at().max(now)
        } else {
            let idle_at = now.plus(idle);
            page.next_visible.map_or(idle_at, |at| at.min(idle_at))
        };
        again(Some(event), next.min(own.expires))
    }

    fn seconds(&self, name: CapName) -> Duration {
        self.limits()
            .cap(name)
            .map_or(Duration::MAX, Duration::from_secs)
    }
}

fn ended(end: End) -> SubscriptionPoll {
    SubscriptionPoll {
        event: None,
        next_poll: None,
        ended: Some(end),
    }
}

fn again(event: Option<SubscriptionEvent>, next_poll: Timestamp) -> SubscriptionPoll {
    SubscriptionPoll {
        event,
        next_poll: Some(next_poll),
        ended: None,
    }
}

//! A subscription with a clock: its events are pulled from the engine when they are due and given out when they arrive.
//!
//! Records wait in their log until the reader asks for the next event, so that a slow reader holds little.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Host;
use crate::base::Timestamp;
use crate::kinesis::arn::ConsumerArn;
use crate::kinesis::delays::DelayName;
use crate::kinesis::operation::{End, IteratorPosition, SubscriptionEvent, SubscriptionId};
use crate::kinesis::{KinesisError, ShardId, StreamName};

/// The most events that are on their way at once. Only modelled delays let more than one be: without a bound a reader
/// that is far behind would have all its records pulled within one delay.
const UNDER_WAY_MAX: usize = 64;

/// An open subscription. Dropped, it is closed.
#[derive(Debug)]
pub struct Subscription {
    host: Arc<Host>,
    id: SubscriptionId,
    stream: StreamName,
    shard: ShardId,
    /// Events with their times of arrival, which never fall: what was pushed first arrives first.
    under_way: VecDeque<(Timestamp, SubscriptionEvent)>,
    /// Why no further event will be pulled.
    ended: Option<End>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.host.account().close_subscription(self.id);
    }
}

impl Host {
    /// SubscribeToShard.
    ///
    /// # Errors
    /// As the service answers before the first event.
    pub async fn subscribe(
        self: &Arc<Self>,
        consumer_arn: &str,
        shard: ShardId,
        position: IteratorPosition,
    ) -> Result<Subscription, KinesisError> {
        let arn: ConsumerArn = consumer_arn.parse()?;
        self.call(DelayName::GetShardIterator, |account, now| {
            let id = account.subscribe_to_shard(now, consumer_arn, shard, position)?;
            // Made here, so that it is closed if its reader goes away while the answer is delayed.
            Ok(Subscription {
                host: Arc::clone(self),
                id,
                stream: arn.stream.stream.clone(),
                shard,
                under_way: VecDeque::new(),
                ended: None,
            })
        })
        .await
    }
}

impl Subscription {
    /// The next event, as soon as it arrives. A future that is dropped before it ends loses none.
    ///
    /// # Errors
    /// Why there is none any more.
    pub async fn next(&mut self) -> Result<SubscriptionEvent, End> {
        let clock = self.host.clock();
        loop {
            // A target that answers nothing pushes nothing.
            self.host.stall.pass(&clock).await;
            let now = clock.now();
            let arrives = self.under_way.front().map(|(at, _)| *at);
            if arrives.is_some_and(|at| at <= now)
                && let Some((_, event)) = self.under_way.pop_front()
            {
                return Ok(event);
            }
            let mut deadline = arrives;
            if self.ended.is_none() && self.under_way.len() < UNDER_WAY_MAX {
                self.host.settle();
                // Noted before looking, so that a record that comes between the two is not slept over.
                let noted = self.host.writes(self.stream.as_str(), self.shard);
                let poll = self.host.account().poll_subscription(now, self.id);
                self.ended = poll.ended;
                if let Some(event) = poll.event {
                    self.push(now, event);
                    continue;
                }
                deadline = [poll.next_poll, arrives].into_iter().flatten().min();
                if self.ended.is_none()
                    && let Some(deadline) = deadline
                {
                    let stream = self.stream.as_str();
                    self.host
                        .wait_for_records(stream, self.shard, noted, deadline)
                        .await;
                    continue;
                }
            }
            match deadline {
                Some(deadline) => clock.sleep_until(deadline).await,
                None => return Err(self.ended.unwrap_or(End::Closed)),
            }
        }
    }

    fn push(&mut self, now: Timestamp, event: SubscriptionEvent) {
        let at = now.plus(self.host.delays.draw(DelayName::FanOut));
        let before = self.under_way.back().map(|(at, _)| *at);
        self.under_way
            .push_back((before.map_or(at, |before| at.max(before)), event));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::Clock;
    use crate::base::clock::virtual_runtime;
    use crate::host::Settings;
    use crate::kinesis::delays::Delay;
    use crate::kinesis::operation::CreateStream;
    use crate::kinesis::record::PutEntry;
    use crate::kinesis::{Delays, Limits, PutBatch};

    /// A stream of one shard on a virtual clock, and a subscription to it.
    async fn subscribed(delays: Delays) -> (Arc<Host>, Subscription) {
        let settings = Settings {
            account_id: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            limits: Limits::aws(),
            max_memory_bytes: 1 << 20,
        };
        let clock = Clock::virtual_from(Timestamp::from_secs(1));
        let host = Arc::new(Host::new(settings, delays, clock, 1));
        let request = CreateStream {
            stream: "s".parse().unwrap(),
            shards: 1,
            max_record_bytes: 1 << 20,
        };
        host.create_stream(&request).await.unwrap();
        host.wait_active("s").await.unwrap();
        let made = host.register_consumer("s", &"c".parse().unwrap()).await;
        let arn = made.unwrap().arn.to_string();
        let shard = ShardId::new(0).unwrap();
        let opened = host.subscribe(&arn, shard, IteratorPosition::TrimHorizon);
        let opened = opened.await.unwrap();
        (host, opened)
    }

    async fn put(host: &Host, data: &[u8]) {
        let mut batch = PutBatch::new();
        batch.push(PutEntry {
            partition_key: "a",
            data,
            explicit_hash_key: None,
        });
        host.put_record("s", &batch, &mut Vec::new()).await.unwrap();
    }

    fn texts(event: &SubscriptionEvent) -> Vec<Vec<u8>> {
        let records = event.records.iter();
        records.map(|record| record.data.to_vec()).collect()
    }

    #[test]
    fn a_record_arrives_its_delay_after_it_was_stored_and_the_next_one_does_not_wait_for_that() {
        virtual_runtime().unwrap().block_on(async {
            let mut delays = Delays::none();
            let delay = Duration::from_millis(50);
            delays.set(DelayName::FanOut, Delay::Constant(delay));
            let (host, mut subscription) = subscribed(delays).await;
            let clock = host.clock();
            let begun = clock.now();
            let writes = async {
                put(&host, b"one").await;
                clock.sleep(Duration::from_millis(20)).await;
                put(&host, b"two").await;
            };
            let reads = async {
                let first = subscription.next().await.unwrap();
                let first = (texts(&first), clock.now().since(begun));
                let second = subscription.next().await.unwrap();
                (first, (texts(&second), clock.now().since(begun)))
            };
            let (((one, first), (two, second)), ()) = tokio::join!(reads, writes);
            assert_eq!((one, two), (vec![b"one".to_vec()], vec![b"two".to_vec()]));
            assert_eq!((first.as_millis(), second.as_millis()), (50, 70));
        });
    }

    #[test]
    fn a_subscription_lasts_five_minutes_and_has_an_empty_event_every_five_seconds() {
        virtual_runtime().unwrap().block_on(async {
            let (host, mut subscription) = subscribed(Delays::none()).await;
            let (clock, mut events) = (host.clock(), 0);
            let begun = clock.now();
            let end = loop {
                match subscription.next().await {
                    Ok(event) => {
                        assert_eq!((event.records.len(), event.millis_behind_latest), (0, 0));
                        events += 1;
                    }
                    Err(end) => break end,
                }
            };
            assert_eq!(end, End::Expired);
            assert_eq!(clock.now().since(begun), Duration::from_mins(5));
            assert_eq!(events, 59);
        });
    }

    #[test]
    fn nothing_is_pushed_while_the_target_stalls() {
        virtual_runtime().unwrap().block_on(async {
            let (host, mut subscription) = subscribed(Delays::none()).await;
            let clock = host.clock();
            put(&host, b"before").await;
            let begun = clock.now();
            host.stall_until(begun.plus(Duration::from_secs(2)));
            let event = subscription.next().await.unwrap();
            assert_eq!(texts(&event), [b"before"]);
            assert_eq!(clock.now().since(begun), Duration::from_secs(2));
        });
    }

    #[test]
    fn a_subscription_that_is_dropped_is_closed() {
        virtual_runtime().unwrap().block_on(async {
            let (host, subscription) = subscribed(Delays::none()).await;
            assert_eq!(host.account().open_subscriptions(), 1);
            drop(subscription);
            assert_eq!(host.account().open_subscriptions(), 0);
        });
    }
}

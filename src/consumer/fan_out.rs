//! SubscribeToShard for each shard: an enhanced fan-out consumer.
//!
//! A subscription ends after five minutes; the next one goes on from the ContinuationSequenceNumber of the last event, so
//! that nothing is lost and nothing comes twice. A successful call is not repeated for the same shard within five seconds.

use std::ops::Range;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::watch;

use super::delivery::{ConsumerReport, Deliveries};
use super::polling::{VISIBLE_AFTER, children};
use super::reader::{ConsumerContext, begins_at};
use super::shard_walk::ShardWalk;
use crate::base::{Clock, Timestamp};
use crate::kinesis::operation::IteratorPosition;
use crate::kinesis::{Cause, ErrorCode, HashKeyRange, SequenceNumber, ShardId, StreamName};
use crate::measure::interval::Recorder;
use crate::measure::throttle::Basis;
use crate::scenario::model::Consumer;
use crate::target::{CallError, Pushed, Subscription, Target, within};

/// The reading operation, as the service writes it.
const SUBSCRIBE: &str = "SubscribeToShard";

/// A call for the same consumer and shard so soon after a successful one is refused (API reference, SubscribeToShard).
const RESUBSCRIBE_AFTER: Duration = Duration::from_secs(5);

/// How long to wait after a refused or broken call: one a second passes for each consumer and shard (same page).
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A subscription over the network that brings nothing for so long is dead: the service sends an event every few seconds,
/// with records or without (about 5 s, unverified; the Kinesis Client Library waits 35 to 60 s).
const EVENT_PATIENCE: Duration = Duration::from_secs(35);

/// A reader that holds its subscriptions.
#[derive(Debug)]
pub(super) struct Prepared {
    settings: Settings,
    walk: ShardWalk,
    ranges: Vec<(ShardId, HashKeyRange)>,
    readers: Vec<Reader>,
}

/// A fan-out consumer: one task, one subscription per shard.
#[derive(Debug)]
pub(super) struct FanOut {
    window: Range<Timestamp>,
    stop: watch::Receiver<bool>,
    settings: Settings,
    walk: ShardWalk,
    readers: Vec<Reader>,
    deliveries: Deliveries,
}

/// What every call of a consumer needs.
#[derive(Clone, Debug)]
struct Settings {
    target: Target,
    clock: Clock,
    stream: StreamName,
    consumer_arn: String,
}

/// The position in one shard.
#[derive(Debug)]
struct Reader {
    shard: ShardId,
    /// Where the next subscription begins.
    from: IteratorPosition,
    subscription: Option<Subscription>,
    /// When the next call for a subscription may be made.
    not_before: Timestamp,
    /// What was passed so far.
    passed: SequenceNumber,
}

/// What became of one wait of one reader.
#[derive(Debug)]
enum Came {
    /// There is a subscription now.
    Begun(Subscription),
    /// There is none.
    Refused(CallError),
    Event(Pushed),
    /// The subscription is over as it should be.
    Over,
    /// It broke off.
    Broken(CallError),
}

#[derive(Debug)]
struct Step {
    reader: Reader,
    at: Timestamp,
    came: Came,
}

impl Prepared {
    /// Lists the shards and subscribes the registered consumer to each one to begin with.
    ///
    /// # Errors
    /// As the service answers.
    pub(super) async fn new(
        clock: Clock,
        target: Target,
        consumer: &Consumer,
        consumer_arn: String,
    ) -> Result<Self, CallError> {
        let settings = Settings {
            target,
            clock,
            stream: consumer.stream.clone(),
            consumer_arn,
        };
        let (filter, from) = begins_at(consumer.start);
        let (stream, target) = (settings.stream.as_str(), &settings.target);
        let shards = target.list_whole(stream, filter).await?;
        let (walk, roots) = ShardWalk::begin(&shards)?;
        let mut readers = Vec::with_capacity(roots.len());
        for shard in roots {
            let opened = target
                .first_subscription(stream, &settings.consumer_arn, shard, from)
                .await?;
            let now = clock.now();
            // Should it break off before its first event: `latest` asked again would skip what came meanwhile.
            let again = match from {
                IteratorPosition::Latest => IteratorPosition::AtTimestamp(now),
                _ => from,
            };
            readers.push(Reader {
                subscription: Some(opened),
                not_before: now.plus(RESUBSCRIBE_AFTER),
                ..Reader::new(shard, again, now)
            });
        }
        let ranges = shards
            .iter()
            .map(|shard| (shard.shard, shard.hash_key_range));
        Ok(Self {
            settings,
            walk,
            ranges: ranges.collect(),
            readers,
        })
    }
}

impl FanOut {
    /// A consumer that goes on from where `prepared` stands.
    pub(super) fn new(prepared: Prepared, context: ConsumerContext, recorder: Recorder) -> Self {
        let Prepared {
            settings,
            walk,
            ranges,
            readers,
        } = prepared;
        let mut deliveries = context.deliveries(recorder);
        deliveries.called(readers.len() as u64);
        for (shard, range) in &ranges {
            deliveries.begin(*shard, range);
        }
        Self {
            window: context.window,
            stop: context.stop,
            settings,
            walk,
            readers,
            deliveries,
        }
    }

    /// Reads until told to stop.
    pub(super) async fn run(mut self) -> ConsumerReport {
        let mut steps = FuturesUnordered::new();
        for reader in std::mem::take(&mut self.readers) {
            steps.push(step(self.settings.clone(), reader));
        }
        let mut stop = self.stop.clone();
        loop {
            let done = tokio::select! {
                biased;
                // An error says that the sender is gone, and with it the run.
                _ = stop.wait_for(|stopped| *stopped) => break,
                Some(done) = steps.next(), if !steps.is_empty() => done,
            };
            for reader in self.take(done).await {
                steps.push(step(self.settings.clone(), reader));
            }
            tokio::task::consume_budget().await;
        }
        let mut report = self.deliveries.finish();
        // Also one that nothing came to is one that is pushed to.
        report.events.get_or_insert(0);
        report
    }

    /// Takes in what came; gives the readers that go on from there.
    async fn take(&mut self, done: Step) -> Vec<Reader> {
        let Step {
            mut reader,
            at,
            came,
        } = done;
        match came {
            Came::Begun(subscription) => {
                self.deliveries.called(1);
                reader.subscription = Some(subscription);
                reader.not_before = at.plus(RESUBSCRIBE_AFTER);
            }
            Came::Refused(error) => {
                reader.not_before = at.plus(self.refused(reader.shard, at, &error));
            }
            Came::Event(pushed) => return self.event(reader, pushed).await,
            Came::Over => reader.subscription = None,
            Came::Broken(error) => {
                self.deliveries.broke_off(error.to_string());
                reader.subscription = None;
                reader.not_before = reader.not_before.max(at.plus(AGAIN_AFTER));
            }
        }
        vec![reader]
    }

    /// A call for a subscription was refused, or not answered; gives how long to wait.
    fn refused(&mut self, shard: ShardId, at: Timestamp, error: &CallError) -> Duration {
        let taken = error.code() == Some(ErrorCode::ResourceInUse);
        if !taken && !error.is_throttle() {
            self.deliveries.failed(Some(error.to_string()));
            return AGAIN_AFTER;
        }
        let told = match error {
            CallError::Refused(refusal) => refusal.cause,
            _ => None,
        };
        // Calls are the only thing that subscriptions are limited by before they bring anything.
        let cause = match told {
            Some(cause) => (cause, Basis::Reported),
            None => (Cause::ApiRate, Basis::Inferred),
        };
        let measured = self.window.contains(&at);
        self.deliveries.refused(SUBSCRIBE, shard, cause, measured);
        if taken {
            RESUBSCRIBE_AFTER
        } else {
            AGAIN_AFTER
        }
    }

    async fn event(&mut self, mut reader: Reader, pushed: Pushed) -> Vec<Reader> {
        let Pushed {
            event,
            at,
            behind_ms,
        } = pushed;
        let shard = reader.shard;
        if let Some(through) = event.trimmed_to {
            self.deliveries.trimmed(shard, reader.passed, through);
        }
        self.deliveries.pushed(shard, &event.records, at, behind_ms);
        if let Some(number) = event.continuation {
            // Who subscribes again from here is not given what lies before: it is passed, also where nothing came.
            reader.from = IteratorPosition::AfterSequenceNumber(number);
            reader.passed = reader.passed.max(number);
            self.deliveries.passed(shard, number);
            if behind_ms == Some(0) {
                self.deliveries.saw(shard, at.minus(VISIBLE_AFTER));
            }
            return vec![reader];
        }
        self.deliveries.passed(shard, SequenceNumber::MAX);
        let mut children_of_shard = event.child_shards;
        if children_of_shard.is_empty() {
            // Engines that do not name the children of a closed shard have them in the list.
            let Settings { target, stream, .. } = &self.settings;
            children_of_shard = children(target, stream, shard).await;
        }
        for child in &children_of_shard {
            self.deliveries.begin(child.shard, &child.hash_key_range);
        }
        self.deliveries.saw(shard, Timestamp::MAX);
        let begin = self.walk.ended(shard, &children_of_shard).into_iter();
        let now = self.settings.clock.now();
        begin
            .map(|child| Reader::new(child, IteratorPosition::TrimHorizon, now))
            .collect()
    }
}

impl Reader {
    fn new(shard: ShardId, from: IteratorPosition, now: Timestamp) -> Self {
        Self {
            shard,
            from,
            subscription: None,
            not_before: now,
            passed: SequenceNumber::default(),
        }
    }
}

/// Waits for what a reader's subscription brings, or subscribes when that may be.
async fn step(settings: Settings, mut reader: Reader) -> Step {
    let Settings {
        target,
        clock,
        stream,
        consumer_arn,
    } = settings;
    let Some(subscription) = &mut reader.subscription else {
        if reader.not_before > clock.now() {
            clock.sleep_until(reader.not_before).await;
        }
        let (shard, from) = (reader.shard, reader.from);
        let call = target.subscribe(stream.as_str(), &consumer_arn, shard, from);
        let came = match call.await {
            Ok(subscription) => Came::Begun(subscription),
            Err(error) => Came::Refused(error),
        };
        let at = clock.now();
        return Step { reader, at, came };
    };
    let event = subscription.next(&target);
    let event = if target.wakes_readers() {
        event.await
    } else {
        within(EVENT_PATIENCE, clock, event).await
    };
    let came = match event {
        Ok(Some(pushed)) => Came::Event(pushed),
        Ok(None) => Came::Over,
        Err(error) => Came::Broken(error),
    };
    let at = clock.now();
    Step { reader, at, came }
}

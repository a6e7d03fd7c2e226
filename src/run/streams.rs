//! The streams of a run while it goes on: what their producers and consumers share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::created::Created;
use super::outcome::StreamOutcome;
use super::session::{RunError, Session, failed};
use crate::base::{Clock, Timestamp};
use crate::kinesis::StreamName;
use crate::kinesis::operation::{ShardDescription, ShardFilter};
use crate::measure::integrity::{Integrity, WorkerKey};
use crate::measure::interval::IntervalSource;
use crate::measure::meter::Meters;
use crate::measure::progress::Progress;
use crate::measure::tips::Tips;
use crate::measure::{Collector, IntervalSink};
use crate::producer::Router;
use crate::scenario::created::new_stream;
use crate::scenario::model::{Scenario, StampPlace, Stream};
use crate::target::{CallError, Target, flaw_of};

/// The shortest time between two listings of a stream's shards by one run.
const RELIST_AFTER: Duration = Duration::from_millis(200);

/// How long the target may take to list its shards when the load is over.
const LAST_LIST_WITHIN: Duration = Duration::from_secs(10);

/// How often that question may get no answer.
const LAST_LIST_TRIES: u32 = 4;

/// What acknowledgements are told of that name a shard which cannot have the record.
const ELSEWHERE: &str =
    "an acknowledgement names a shard whose hash keys the record's is not one of";
const UNLISTED: &str = "an acknowledgement names a shard that the stream does not have";

/// A stream during the run.
#[derive(Debug)]
pub(super) struct LiveStream {
    before: Vec<ShardDescription>,
    /// Where its records go.
    pub(super) router: Arc<Router>,
    /// Its newest acknowledged records.
    pub(super) tips: Arc<Tips>,
    /// The account of its records: its own, because a consumer is owed the records of its own stream.
    pub(super) integrity: Arc<Integrity>,
    /// Whether all its records are stamped.
    pub(super) stamped: bool,
    /// Whether others may write to it.
    pub(super) others: bool,
    /// Whether a producer of the run writes it.
    pub(super) written: bool,
    /// What was asked of its shards, where the target does not tell which limit refused.
    pub(super) meters: Option<Arc<Meters>>,
    /// Where its recorders put finished intervals.
    pub(super) sink: IntervalSink,
    source: IntervalSource,
    collector: Collector,
}

/// The streams of a run by name.
#[derive(Debug)]
pub(super) struct LiveStreams(BTreeMap<StreamName, LiveStream>);

impl LiveStreams {
    /// Creates the scenario's streams and waits until they are ACTIVE.
    pub(super) async fn create(session: &Session, created: &Created) -> Result<Self, RunError> {
        let mut streams = BTreeMap::new();
        for stream in session.scenario.streams.values() {
            let live = LiveStream::create(session, stream, created).await?;
            streams.insert(stream.name.clone(), live);
        }
        Ok(Self(streams))
    }

    /// The stream with this name. A checked scenario names no other.
    pub(super) fn get(&self, name: &StreamName) -> Result<&LiveStream, RunError> {
        self.0
            .get(name)
            .ok_or_else(|| RunError::NoStream(name.clone()))
    }

    /// How many shards all streams began with.
    pub(super) fn shards(&self) -> usize {
        self.0.values().map(|stream| stream.before.len()).sum()
    }

    /// Lets whoever watches the run see the intervals of every stream, each of this length.
    pub(super) fn show_to(&mut self, progress: &Progress, length: Duration) {
        let Some(live) = &progress.live else { return };
        live.tell_length(length);
        for (name, stream) in &mut self.0 {
            stream.source.show_to(Arc::clone(live), name.as_str());
        }
    }

    /// Takes the intervals that have been finished since the last time.
    pub(super) fn collect(&mut self) {
        for LiveStream {
            source, collector, ..
        } in self.0.values_mut()
        {
            source.arrived().for_each(|delta| collector.add(delta));
        }
    }

    /// Keeps every stream's shard map fresh until `stop` turns true.
    pub(super) fn relist(
        &self,
        clock: Clock,
        target: &Target,
        stop: &watch::Receiver<bool>,
    ) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for (name, stream) in &self.0 {
            let router = Arc::clone(&stream.router);
            tasks.spawn(relist(
                clock,
                target.clone(),
                name.clone(),
                router,
                stop.clone(),
            ));
        }
        tasks
    }

    /// What became of the streams, and why the target could not be asked. Should it not list its shards any more, what was
    /// listed last is told.
    pub(super) async fn finish(
        mut self,
        target: &Target,
        now: Timestamp,
    ) -> (BTreeMap<StreamName, StreamOutcome>, Option<CallError>) {
        self.collect();
        let (mut outcomes, mut unreachable) = (BTreeMap::new(), None);
        for (name, stream) in self.0 {
            let listed = match &unreachable {
                None => list_at_last(target, &name).await,
                // Once is enough to know that nobody answers.
                Some(_) => Ok(stream.router.listed()),
            };
            let after = listed.unwrap_or_else(|error| {
                unreachable = Some(error).filter(CallError::is_unreachable);
                stream.router.listed()
            });
            stream.router.update(&after, now);
            let strays = stream.router.strays(&after);
            for (what, shards) in [(ELSEWHERE, strays.elsewhere), (UNLISTED, strays.unlisted)] {
                for (shard, count) in shards {
                    target.note(what, &shard.to_string(), count);
                }
            }
            let outcome = StreamOutcome {
                before: stream.before,
                after,
                intervals: stream.collector,
                integrity: stream.integrity,
                tips: stream.tips,
                history: stream.router.history(),
            };
            outcomes.insert(name, outcome);
        }
        (outcomes, unreachable)
    }
}

/// The shards of a stream from a target that may have gone away meanwhile.
async fn list_at_last(
    target: &Target,
    stream: &StreamName,
) -> Result<Vec<ShardDescription>, CallError> {
    let clock = target.clock();
    let listed = async {
        let mut tries = 0;
        loop {
            tries += 1;
            match target
                .list_shards(stream.as_str(), ShardFilter::FromTrimHorizon)
                .await
            {
                // One broken connection does not mean that nobody is there.
                Err(CallError::Unanswered(_)) if tries < LAST_LIST_TRIES => {
                    clock.sleep(RELIST_AFTER).await;
                }
                // Between two states of a reshard it may have a hole.
                Ok(shards) if tries < LAST_LIST_TRIES && flaw_of(&shards).is_some() => {
                    clock.sleep(RELIST_AFTER).await;
                }
                answer => return answer,
            }
        }
    };
    tokio::select! {
        biased;
        listed = listed => listed,
        () = clock.sleep(LAST_LIST_WITHIN) => Err(CallError::Unanswered(format!(
            "nothing came within {} s",
            LAST_LIST_WITHIN.as_secs()
        ))),
    }
}

impl LiveStream {
    async fn create(
        session: &Session,
        stream: &Stream,
        created: &Created,
    ) -> Result<Self, RunError> {
        let (scenario, target) = (&session.scenario, &session.target);
        let (request, hours) = new_stream(stream, &stream.name);
        if stream.existing {
            let active = target.wait_active(stream.name.as_str()).await;
            active.map_err(failed("use stream", &stream.name))?;
        } else if !session.portion().is_first() {
            session.await_stream(&stream.name).await?;
        } else {
            created.note(&stream.name);
            let asked = target.ask_for_stream(&request).await;
            match &asked {
                Ok(()) => created.confirm(&stream.name),
                Err(error) if error.may_be_done() => {}
                Err(_) => created.forget(&stream.name),
            }
            asked.map_err(failed("create stream", &stream.name))?;
            let settled = target.settle_stream(stream.name.as_str(), hours).await;
            settled.map_err(failed("create stream", &stream.name))?;
        }
        let before = target
            .list_whole(stream.name.as_str(), ShardFilter::FromTrimHorizon)
            .await
            .map_err(failed("list the shards of", &stream.name))?;
        let (sink, source) = IntervalSink::channel();
        Ok(Self {
            router: Arc::new(Router::new(&before, session.clock.now())),
            before,
            tips: Arc::default(),
            integrity: Arc::new(account(session, &stream.name)),
            stamped: is_stamped(scenario, &stream.name),
            others: stream.existing,
            written: scenario
                .producers
                .values()
                .any(|producer| producer.stream == stream.name),
            meters: (!target.tells_causes()).then(Arc::default),
            sink,
            source,
            collector: Collector::new(),
        })
    }
}

/// An account for the producers and consumers of one stream.
fn account(session: &Session, stream: &StreamName) -> Integrity {
    let scenario = &session.scenario;
    let producers = scenario
        .producers
        .values()
        .zip(0u16..)
        .filter(|(producer, _)| producer.stream == *stream);
    let workers: Vec<_> = producers
        .flat_map(|(producer, number)| {
            (0..producer.workers).map(move |worker| WorkerKey {
                producer: number,
                worker: worker as u16,
            })
        })
        .collect();
    let consumers = scenario.consumers.values().zip(0u32..);
    let readers: Vec<_> = consumers
        .filter(|(consumer, _)| consumer.stream == *stream)
        .map(|(_, number)| session.portion().reads(number))
        .collect();
    let read_here = readers.iter().filter(|here| **here).count();
    let account = Integrity::new(session.run, &workers, read_here);
    if read_here < readers.len() {
        account.keeping_places()
    } else {
        account
    }
}

/// Whether every record that we put to the stream has a stamp. Of a stream that only others write to, none is.
fn is_stamped(scenario: &Scenario, stream: &StreamName) -> bool {
    let mut producers = scenario
        .producers
        .values()
        .filter(|producer| producer.stream == *stream)
        .map(|producer| producer.payload.stamp != StampPlace::None)
        .peekable();
    producers.peek().is_some() && producers.all(|stamped| stamped)
}

/// Lists the shards again whenever a producer found one that it did not expect.
async fn relist(
    clock: Clock,
    target: Target,
    stream: StreamName,
    router: Arc<Router>,
    mut stop: watch::Receiver<bool>,
) {
    let again = async {
        loop {
            router.stale().await;
            // A refusal leaves the map stale; the next surprise asks again.
            if let Ok(shards) = target
                .list_shards(stream.as_str(), ShardFilter::FromTrimHorizon)
                .await
            {
                router.update(&shards, clock.now());
            }
            clock.sleep(RELIST_AFTER).await;
        }
    };
    tokio::select! {
        biased;
        _ = stop.wait_for(|stopped| *stopped) => {}
        () = again => {}
    }
}

//! The course of one run.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::created::Created;
use super::environment::Host;
use super::heartbeat;
use super::hosts::{HostOutcome, Hosts, Parted};
use super::loads::{LiveLoads, PreparedLoads};
use super::measured::Measured;
use super::outcome::{Outcome, TargetOutcome};
use super::own_use;
use super::parts::{LiveConsumer, LiveProducer, Schedule};
use super::registration;
use super::streams::LiveStreams;
use super::timeline::{self, Stage};
use crate::base::{Clock, Timestamp};
use crate::calls::OwnedStreams;
use crate::consumer::Prepared;
use crate::kinesis::StreamName;
use crate::measure::IntervalClock;
use crate::measure::interval::choose_length;
use crate::measure::progress::Progress;
use crate::scenario::Scenario;
use crate::scenario::model::{Action, Consumer};
use crate::target::{CallError, Target};
use crate::trace;
use crate::workload::SizeLaw;
use crate::workload::arrival::records_per_s;

/// The most rows that `intervals.csv` may have.
const ROWS_MAX: u64 = 1_000_000;

/// From the last preparation to the first intended time: time for every task to be started.
const LEAD: Duration = Duration::from_millis(20);

/// How often it is looked whether readers have caught up. Also the resolution of the drain's length.
const DRAIN_LOOK: Duration = Duration::from_millis(5);

/// How much memory is touched at a time: about a quarter of a second of it.
const WARM_BYTES: u64 = 64 << 20;

/// What is told of a target whose records come from elsewhere than it said; the example is the consumer.
const MISPLACED: &str = "a record is delivered from another place than its acknowledgement named";

/// What a stored record takes besides its data: its key, its frame, its part of the index.
const STORED_OVERHEAD_BYTES: f64 = 64.0;

/// One run to be made.
#[derive(Debug)]
pub struct Session {
    /// What to run.
    pub scenario: Scenario,
    /// The run's number in stamps: tells its records from those of other runs.
    pub run: u32,
    /// Real or virtual.
    pub clock: Clock,
    /// Where to.
    pub target: Target,
    /// Where all that its consumers read is recorded; of one stream, whose shards it numbers.
    pub trace: Option<trace::Recorder>,
    /// This host's part, where several hosts make one run.
    pub hosts: Option<Hosts>,
}

/// The run's ties to whoever watches it.
#[derive(Clone, Debug)]
pub struct Controls {
    /// Turns true to end the run early.
    pub cancel: watch::Receiver<bool>,
    /// What happens, live.
    pub progress: Arc<Progress>,
    /// Is told when warm-up begins.
    pub started: Arc<watch::Sender<Option<Timestamp>>>,
}

/// Why a run could not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The target refused something that the run cannot do without.
    #[error("failed to {action} `{stream}`: {source}")]
    Target {
        /// What was tried: `create stream`.
        action: &'static str,
        /// With which stream.
        stream: StreamName,
        /// What the target said.
        source: CallError,
    },
    /// Nobody answers there.
    #[error("failed to reach the target: {0}; is the server running, and is the URL right?")]
    Unreachable(CallError),
    /// A stream that the run would make is there.
    #[error(
        "there is a stream `{0}` already: a run makes its own streams and deletes them at its end; delete that one, name \
         the scenario's stream otherwise, or use it as it is with `--set streams.{0}.existing=true`"
    )]
    Exists(StreamName),
    /// A stream that is to be there is not.
    #[error(
        "the target has no stream `{0}`: make it first, or look at the name, the account and the region"
    )]
    Missing(StreamName),
    /// The run failed, and streams of it are left.
    #[error("{source}; failed to delete what the run had made: {streams}")]
    LeftBehind {
        /// Why the run failed.
        source: Box<RunError>,
        /// The streams and why each was not deleted.
        streams: String,
    },
    /// Of several hosts, the first one did not make a stream in time.
    #[error(
        "worker 1 has not made the stream `{0}` by the start: start worker 1 with the same scenario, target and \
         --start-at, and leave it time enough"
    )]
    NotMade(StreamName),
    /// Of several hosts, the first one is not in the stream.
    #[error(
        "worker 1 of run {run:08x} was not met in the stream `{stream}` before the start: give all workers the same \
         scenario, --set, --seed, number of workers and --start-at (or --run)"
    )]
    NotMet {
        /// The stream.
        stream: StreamName,
        /// The run.
        run: u32,
    },
    /// The load was to begin before this host was ready.
    #[error("the start has passed by {0:.1} s while the run was prepared: give a later --start-at")]
    Late(f64),
    /// It was interrupted while it made its streams.
    #[error("interrupted before the load began: nothing was measured")]
    Interrupted,
    /// The scenario speaks of a stream that it does not have; a checked one does not.
    #[error("the scenario has no stream `{0}`")]
    NoStream(StreamName),
    /// The operating system gives no thread to send from.
    #[error("failed to start a thread to send from: {0}")]
    Thread(std::io::Error),
    /// A task of the instrument ended in a way that it must not.
    #[error(
        "a {0} task of the instrument ended unexpectedly; this is a defect of streamgauge, please report it"
    )]
    Task(&'static str),
}

impl Session {
    /// Makes the run. An interrupted run gives its outcome like any other.
    ///
    /// # Errors
    /// When a stream cannot be made or read; then nothing was measured.
    pub async fn run(self, controls: Controls) -> Result<Outcome, RunError> {
        self.run_owned(controls, None).await
    }

    /// The same with somebody else who answers for the streams that scripts make.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_owned(
        self,
        controls: Controls,
        owner: Option<Arc<dyn OwnedStreams>>,
    ) -> Result<Outcome, RunError> {
        Ok(self.measure(controls, owner).await?.clean_up().await)
    }

    /// Makes the run and leaves what it made to be deleted: see [`Measured`]. What a run made that failed is deleted here.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn measure(
        self,
        controls: Controls,
        owner: Option<Arc<dyn OwnedStreams>>,
    ) -> Result<Measured, RunError> {
        let target = self.target.clone();
        let progress = Arc::clone(&controls.progress);
        let created = Arc::new(Created::new(target.clone(), progress));
        let owner = owner.unwrap_or_else(|| Arc::clone(&created) as Arc<dyn OwnedStreams>);
        // Even after a panic: a stream that is forgotten at a target costs somebody money or confusion.
        let ended = AssertUnwindSafe(Box::pin(self.course(controls, &created, owner)))
            .catch_unwind()
            .await;
        let failed = match ended {
            Ok(Ok(outcome)) => return Ok(Measured::new(outcome, target, created)),
            Ok(Err(source)) => Ok(source),
            Err(panic) => Err(panic),
        };
        let left_behind = created.delete_all().await;
        let source = failed.unwrap_or_else(|panic| resume_unwind(panic));
        if left_behind.is_empty() {
            return Err(source);
        }
        let streams = left_behind.iter();
        let streams = streams.map(|(name, reason)| format!("`{name}` ({reason})"));
        Err(RunError::LeftBehind {
            source: Box::new(source),
            streams: streams.collect::<Vec<_>>().join(", "),
        })
    }

    async fn course(
        self,
        controls: Controls,
        created: &Created,
        owner: Arc<dyn OwnedStreams>,
    ) -> Result<Outcome, RunError> {
        let (clock, time) = (self.clock, self.scenario.time);
        let mut cancel = controls.cancel.clone();
        let (mut streams, loads, prepared, clock_offset) = tokio::select! {
            biased;
            Ok(_) = cancel.wait_for(|cancelled| *cancelled) => return Err(RunError::Interrupted),
            prepared = self.prepare(created) => prepared?,
        };
        let start = match &self.hosts {
            Some(hosts) => hosts.start,
            None => clock.now().plus(LEAD),
        };
        if clock.now() > start {
            return Err(RunError::Late(clock.now().since(start).as_secs_f64()));
        }
        let portion = self.portion();
        let (measure_from, load_end) = (start.plus(time.warm_up), start.plus(time.load()));
        let length = choose_length(time.load() + time.drain, streams.shards() as u32, ROWS_MAX);
        streams.show_to(&controls.progress, length);
        let intervals = IntervalClock::new(aligned_start(start, time.warm_up, length), length);
        let schedule = Schedule {
            start,
            window: (measure_from, load_end),
            intervals,
        };
        let (stop_reading, reading_stopped) = watch::channel(false);
        let (end_events, events_ended) = watch::channel(false);

        let events =
            tokio::spawn(self.events(&streams, start, &controls.progress, events_ended)?);
        let mut relisting = streams.relist(clock, &self.target, &reading_stopped);
        let watch_host = !clock.is_virtual();
        let pulse =
            watch_host.then(|| tokio::spawn(heartbeat::longest_gap(clock, start, load_end)));
        let own_use =
            watch_host.then(|| tokio::spawn(own_use::watch(clock, measure_from, load_end)));
        let mut consumers: Vec<LiveConsumer> = Vec::new();
        for (consumer, prepared, number) in prepared {
            let consumer = &consumer;
            // Consumers are numbered within their stream's account.
            let account = consumers
                .iter()
                .filter(|other| other.reads(&consumer.stream))
                .count();
            let numbers = (number, account);
            let stop = reading_stopped.clone();
            consumers.push(LiveConsumer::start(
                &self, consumer, numbers, prepared, &streams, schedule, &controls, stop,
            )?);
        }
        let producers = self.scenario.producers.values().zip(0u16..);
        let producers = producers
            .map(|(producer, number)| {
                LiveProducer::start(&self, producer, number, &streams, schedule, &controls)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let loads = LiveLoads::start(&self, &loads, &owner, schedule, &controls);
        controls.started.send_replace(Some(start));

        let mut produced = BTreeMap::new();
        for producer in producers {
            let (name, outcome) = producer.finish(clock, &mut streams).await?;
            produced.insert(name, outcome);
        }
        let calls = loads.finish(clock).await?;
        // Workers end with their last record; the window does not.
        let drain_until = load_end.plus(time.drain);
        loop {
            let now = clock.now();
            let has_all = || consumers.iter().all(LiveConsumer::needs_no_more);
            // Who reads what other hosts send does not know when they are done.
            let knows_all = portion.of() == 1 || consumers.is_empty();
            if *cancel.borrow_and_update()
                || now >= drain_until
                || (now >= load_end && knows_all && has_all())
            {
                break;
            }
            streams.collect();
            clock.sleep(DRAIN_LOOK).await;
        }
        let ended = clock.now();
        let load_over = ended.min(load_end);
        let interrupted = *controls.cancel.borrow();
        end_events.send_replace(true);
        let events = events.await.map_err(|_| RunError::Task("timeline"))?;
        let caught_up: Vec<_> = consumers.iter().map(LiveConsumer::has_all).collect();
        // What still stands waiting at a stalled target must not hold up the end.
        if self
            .scenario
            .events
            .values()
            .any(|event| matches!(event.action, Action::Stall { .. }))
            && self.target.has_switch().await
        {
            // If it cannot be lifted it ends by itself, and what stands waiting is given up.
            let _ = self.target.lift_stall().await;
        }
        stop_reading.send_replace(true);
        let mut consumed = BTreeMap::new();
        for (consumer, caught_up) in consumers.into_iter().zip(caught_up) {
            let (name, outcome) = consumer.finish(caught_up).await?;
            let misplaced = outcome
                .ledger
                .as_ref()
                .map_or(0, |(_, total)| total.misplaced);
            if misplaced > 0 {
                self.target.note(MISPLACED, &name, misplaced);
            }
            consumed.insert(name, outcome);
        }
        while let Some(ended) = relisting.join_next().await {
            ended.map_err(|_| RunError::Task("shard list"))?;
        }
        let (streams, unreachable) = streams.finish(&self.target, clock.now()).await;
        // The first host deletes the streams when all say that they are done: what hangs on them goes before.
        let left_behind = if portion.is_first() {
            Vec::new()
        } else {
            created.deregister_all().await
        };
        let stream_taken = self.stream_taken().await;
        let parted = match unreachable {
            None if !stream_taken => self.part(load_end, clock_offset, &mut cancel).await,
            _ => Parted {
                clock_offset_ns: clock_offset,
                not_done: Vec::new(),
            },
        };
        Ok(Outcome {
            start,
            warm_up: time.warm_up.min(load_over.since(start)),
            measure: time.measure.min(load_over.since(measure_from)),
            drain: ended.since(load_over),
            interrupted,
            clock: intervals,
            producers: produced,
            consumers: consumed,
            calls,
            streams,
            events,
            heartbeat_gap: unless_interrupted(pulse, interrupted, "heartbeat").await?,
            own_use: unless_interrupted(own_use, interrupted, "processor").await?,
            host: self.hosts.as_ref().map(|hosts| HostOutcome {
                portion: hosts.portion,
                run: self.run,
                clock_offset_ns: parted.clock_offset_ns,
                not_done: parted.not_done.clone(),
                stream_taken,
            }),
            target: TargetOutcome {
                unreachable: unreachable.map(|error| error.to_string()),
                left_behind,
                ..TargetOutcome::default()
            },
        })
    }

    /// Makes the streams, and readers that hold their places: nothing put from then on is missed.
    async fn prepare(&self, created: &Created) -> Result<Preparation, RunError> {
        if let Some(host) = self.target.host()
            && !self.clock.is_virtual()
        {
            // Fresh memory is slow to touch: better now than while latencies are taken.
            let (needed, mut warm) = (memory_needed(&self.scenario), 0);
            while warm < needed {
                warm = needed.min(warm + WARM_BYTES);
                host.account().warm(warm);
                // An interruption is heard between two pieces.
                tokio::task::yield_now().await;
            }
        }
        let streams = LiveStreams::create(self, created).await?;
        let clock_offset = self.meet().await?;
        // Before readers take their iterators, which would not outlive a wait for others to expire.
        let loads = PreparedLoads::new(self).await?;
        let portion = self.portion();
        let consumers = self.scenario.consumers.values().zip(0u16..);
        let here = consumers.filter(|(_, number)| portion.reads(u32::from(*number)));
        let mut registered = Vec::new();
        for (consumer, number) in here {
            let arn = registration::register(&self.target, created, consumer, self.run).await;
            let arn = arn.map_err(failed("register a consumer of", &consumer.stream))?;
            registered.push((consumer, number, arn));
        }
        let mut prepared = Vec::new();
        for (consumer, number, arn) in registered {
            let reader = Prepared::new(self.clock, self.target.clone(), consumer, arn)
                .await
                .map_err(failed("read stream", &consumer.stream))?;
            prepared.push((consumer.clone(), reader, number));
        }
        Ok((streams, loads, prepared, clock_offset))
    }

    /// The events of the scenario, waiting for their times.
    fn events(
        &self,
        streams: &LiveStreams,
        start: Timestamp,
        progress: &Arc<Progress>,
        stop: watch::Receiver<bool>,
    ) -> Result<impl Future<Output = Vec<super::EventOutcome>> + use<>, RunError> {
        let events = self.scenario.events.values();
        // Of several hosts one makes the events.
        let events = events
            .filter(|_| self.portion().is_first())
            .map(|event| {
                Ok((
                    event.clone(),
                    Arc::clone(&streams.get(&event.stream)?.router),
                ))
            })
            .collect::<Result<Vec<_>, RunError>>()?;
        let stage = Stage {
            clock: self.clock,
            target: self.target.clone(),
            start,
            time: self.scenario.time,
            seed: self.scenario.seed,
            progress: Arc::clone(progress),
        };
        Ok(timeline::play(stage, events, stop))
    }
}

/// What a run begins with: its streams, its loads of calls, a reader for each consumer that is this host's with the consumer's number, and how
/// far this host's clock is from the service's.
type Preparation = (
    LiveStreams,
    PreparedLoads,
    Vec<(Consumer, Prepared, u16)>,
    Option<(i64, i64)>,
);

/// What a task that watches the host until the end of the load saw; nothing if the load did not get that far.
async fn unless_interrupted<T>(
    task: Option<JoinHandle<T>>,
    interrupted: bool,
    what: &'static str,
) -> Result<Option<T>, RunError> {
    match task {
        Some(task) if !interrupted => Ok(Some(task.await.map_err(|_| RunError::Task(what))?)),
        Some(task) => {
            task.abort();
            Ok(None)
        }
        None => Ok(None),
    }
}

/// The start of interval 0: at or before `start`, so that the measurement window begins with an interval.
fn aligned_start(start: Timestamp, warm_up: Duration, length: Duration) -> Timestamp {
    let before = warm_up.as_nanos().div_ceil(length.as_nanos().max(1)) as u32;
    start.plus(warm_up).minus(length * before)
}

/// What the engine will need to store, as far as the scenario tells: all of its memory for producers without a rate.
fn memory_needed(scenario: &Scenario) -> u64 {
    let max = scenario.engine.max_memory_bytes;
    let seconds = scenario.time.load().as_secs_f64();
    let bytes: f64 = scenario
        .producers
        .values()
        .map(|producer| {
            let rate = records_per_s(&producer.arrival, scenario.time.load());
            rate.map_or(max as f64, |rate| {
                let mean = SizeLaw::of(producer, scenario.time.load()).mean_bytes();
                rate * seconds * (mean + STORED_OVERHEAD_BYTES)
            })
        })
        .sum();
    // Closed producers want all of it, which may be more than the host has.
    let host = Host::look().memory_bytes / 2;
    max.min(bytes as u64)
        .min(if host == 0 { u64::MAX } else { host })
}

/// A refusal of something that the run cannot do without.
pub(super) fn failed(
    action: &'static str,
    stream: &StreamName,
) -> impl FnOnce(CallError) -> RunError {
    let stream = stream.clone();
    move |source| RunError::Target {
        action,
        stream,
        source,
    }
}

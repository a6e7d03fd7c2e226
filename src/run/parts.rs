//! The producers and consumers of a run, as tasks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::outcome::{ConsumerOutcome, ProducerOutcome};
use super::session::{Controls, RunError, Session};
use super::streams::LiveStreams;
use super::threads::{self, AtWork};
use crate::base::{Clock, Timestamp};
use crate::consumer::{ConsumerContext, ConsumerReport, Prepared};
use crate::kinesis::StreamName;
use crate::measure::integrity::{Integrity, WorkerKey};
use crate::measure::tips::{Positions, Tips};
use crate::measure::waits::Waits;
use crate::measure::{IntervalClock, PartId, Recorder, RecorderTotals, ThrottleTable};
use crate::producer::{Worker, WorkerContext, WorkerReport};
use crate::scenario::model::{Consumer, Producer, StartPosition};
use crate::trace;
use crate::workload::{KeyText, payload_pool};

/// How often finished intervals are taken from the tasks that made them.
const COLLECT_EVERY: Duration = Duration::from_secs(1);

/// When the load begins, and the intervals that it is counted in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) start: Timestamp,
    pub(super) window: (Timestamp, Timestamp),
    pub(super) intervals: IntervalClock,
}

/// A producer's workers.
#[derive(Debug)]
pub(super) struct LiveProducer {
    name: String,
    stream: StreamName,
    number: u16,
    workers: Vec<AtWork>,
}

impl LiveProducer {
    /// Starts the workers of the producer with this number.
    pub(super) fn start(
        session: &Session,
        producer: &Producer,
        number: u16,
        streams: &LiveStreams,
        schedule: Schedule,
        controls: &Controls,
    ) -> Result<Self, RunError> {
        let stream = streams.get(&producer.stream)?;
        let (shared, payload) = (
            Arc::new(producer.clone()),
            payload_pool(session.scenario.seed, producer),
        );
        // Connections are shared by workers and outlive each of them: they stay here.
        let calls = (session.target.host().is_none()).then(Handle::current);
        let portion = session.portion();
        let workers = (0..producer.workers).filter_map(|worker| {
            let own = portion.own(producer, worker)?;
            let context = WorkerContext {
                clock: session.clock,
                target: session.target.clone(),
                producer: Arc::clone(&shared),
                payload: payload.clone(),
                key: WorkerKey {
                    producer: number,
                    worker: worker as u16,
                },
                own,
                run: session.run,
                seed: session.scenario.seed,
                start: schedule.start,
                time: session.scenario.time,
                router: Arc::clone(&stream.router),
                meters: stream.meters.clone(),
                tips: Arc::clone(&stream.tips),
                integrity: stream.stamped.then(|| Arc::clone(&stream.integrity)),
                progress: Arc::clone(&controls.progress),
                cancel: controls.cancel.clone(),
                calls: calls.clone(),
            };
            let recorder = Recorder::new(
                PartId::Producer(number),
                schedule.intervals,
                stream.sink.clone(),
            );
            Some(Worker::new(context, recorder))
        });
        let workers = workers.collect();
        let workers = if session.clock.is_virtual() {
            threads::start_as_tasks(workers)
        } else {
            threads::start(&producer.name, workers).map_err(RunError::Thread)?
        };
        Ok(Self {
            name: producer.name.clone(),
            stream: producer.stream.clone(),
            number,
            workers,
        })
    }

    /// Waits for the workers; takes finished intervals meanwhile, so that they do not pile up.
    pub(super) async fn finish(
        self,
        clock: Clock,
        streams: &mut LiveStreams,
    ) -> Result<(String, ProducerOutcome), RunError> {
        let mut outcome = ProducerOutcome::empty(self.stream, self.number);
        for mut worker in self.workers {
            let report = loop {
                tokio::select! {
                    biased;
                    report = &mut worker => break report.map_err(|_| RunError::Task("producer"))?,
                    () = clock.sleep(COLLECT_EVERY) => streams.collect(),
                }
            };
            outcome.add(report);
        }
        Ok((self.name, outcome))
    }
}

/// The keys of a stream's producers, by their numbers, where they go with hash keys of their own.
fn explicit_keys(session: &Session, stream: &StreamName) -> BTreeMap<u16, KeyText> {
    let producers = session.scenario.producers.values().zip(0u16..);
    producers
        .filter(|(producer, _)| producer.stream == *stream)
        .map(|(producer, number)| (number, KeyText::new(&producer.keys)))
        .filter(|(_, text)| text.is_explicit())
        .collect()
}

impl ProducerOutcome {
    fn empty(stream: StreamName, number: u16) -> Self {
        Self {
            stream,
            workers: 0,
            ledgers: Default::default(),
            totals: RecorderTotals {
                part: PartId::Producer(number),
                latencies: BTreeMap::new(),
            },
            throttles: ThrottleTable::new(),
            longest_gap: Duration::ZERO,
            slot_waits: Waits::default(),
            rate_limit_waits: Waits::default(),
            order_waits: Waits::default(),
            max_in_flight: 0,
            max_queued: 0,
            last_failure: None,
        }
    }

    fn add(&mut self, worker: WorkerReport) {
        self.workers += 1;
        for (mine, its) in self.ledgers.iter_mut().zip(&worker.ledgers) {
            mine.merge(its);
        }
        self.totals.merge(&worker.totals);
        self.throttles.merge(&worker.throttles);
        self.longest_gap = self.longest_gap.max(worker.longest_gap);
        self.slot_waits.merge(&worker.slot_waits);
        self.rate_limit_waits.merge(&worker.rate_limit_waits);
        self.order_waits.merge(&worker.order_waits);
        self.max_in_flight = self.max_in_flight.max(worker.max_in_flight);
        self.max_queued = self.max_queued.max(worker.max_queued);
        self.last_failure = worker.last_failure.or(self.last_failure.take());
    }
}

/// A consumer's task.
#[derive(Debug)]
pub(super) struct LiveConsumer {
    name: String,
    stream: StreamName,
    kind: &'static str,
    start: StartPosition,
    /// Its number in its stream's account.
    account: usize,
    integrity: Arc<Integrity>,
    stamped: bool,
    /// Of a stream that only others write: until when everything that arrived is to be read.
    watched_until: Option<Timestamp>,
    positions: Arc<Positions>,
    tips: Arc<Tips>,
    task: JoinHandle<ConsumerReport>,
}

impl LiveConsumer {
    /// Starts the consumer with this number; `account` is its number among the consumers of its stream.
    #[expect(clippy::too_many_arguments, reason = "each belongs to somebody else")]
    pub(super) fn start(
        session: &Session,
        consumer: &Consumer,
        (number, account): (u16, usize),
        prepared: Prepared,
        streams: &LiveStreams,
        schedule: Schedule,
        controls: &Controls,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, RunError> {
        let stream = streams.get(&consumer.stream)?;
        let positions = Arc::new(Positions::default());
        let context = ConsumerContext {
            index: account,
            run: session.run,
            stamped: stream.stamped,
            others: stream.others,
            explicit: explicit_keys(session, &consumer.stream),
            watched: !stream.written,
            trace: session.trace.clone(),
            window: schedule.window.0..schedule.window.1,
            meters: stream.meters.clone(),
            integrity: Arc::clone(&stream.integrity),
            tips: Arc::clone(&stream.tips),
            progress: Arc::clone(&controls.progress),
            delivered: Arc::default(),
            positions: Arc::clone(&positions),
            stop,
        };
        let recorded_until = session.trace.as_ref().and_then(trace::Recorder::end);
        let watched_until = recorded_until.unwrap_or(schedule.window.1);
        let recorder = Recorder::new(
            PartId::Consumer(number),
            schedule.intervals,
            stream.sink.clone(),
        );
        Ok(Self {
            name: consumer.name.clone(),
            stream: consumer.stream.clone(),
            kind: consumer.kind.as_str(),
            start: consumer.start,
            account,
            integrity: Arc::clone(&stream.integrity),
            stamped: stream.stamped,
            watched_until: (!stream.written).then_some(watched_until),
            positions,
            tips: Arc::clone(&stream.tips),
            task: tokio::spawn(prepared.run(context, recorder)),
        })
    }

    /// Whether it reads this stream.
    pub(super) fn reads(&self, stream: &StreamName) -> bool {
        self.stream == *stream
    }

    /// Whether everything that was acknowledged was delivered, or is known never to be. Of records without a stamp only
    /// the positions tell; of those of others, how far their arrivals were read.
    pub(super) fn has_all(&self) -> bool {
        if let Some(until) = self.watched_until {
            self.positions.saw_until(until)
        } else if self.stamped {
            self.integrity.caught_up(self.account)
        } else {
            self.positions.reached(&self.tips)
        }
    }

    /// Whether reading on brings nothing that is still owed. As [`Self::has_all`], but for records that the reader's
    /// position passed, which a target that stores after it acknowledged may still bring, and for those of which nobody
    /// knows whether they are stored: they come with what arrived until they were given up.
    pub(super) fn needs_no_more(&self) -> bool {
        if self.watched_until.is_none() && self.stamped {
            let unanswered = self.tips.last_unanswered();
            unanswered.is_none_or(|at| self.positions.saw_until(at))
                && self.integrity.is_settled(self.account, self.covered_from())
        } else {
            self.has_all()
        }
    }

    /// When what it is owed begins, if not with the run's first record.
    const fn covered_from(&self) -> Option<Timestamp> {
        match self.start {
            StartPosition::At(from) => Some(from),
            StartPosition::TrimHorizon | StartPosition::Latest => None,
        }
    }

    /// Waits for the task, which was told to stop.
    pub(super) async fn finish(
        self,
        caught_up: bool,
    ) -> Result<(String, ConsumerOutcome), RunError> {
        let covered_from = self.covered_from();
        let report = self.task.await.map_err(|_| RunError::Task("consumer"))?;
        let seen_until = self.watched_until.and_then(|_| self.positions.seen_until());
        let outcome = ConsumerOutcome {
            stream: self.stream,
            kind: self.kind,
            report,
            covered_from,
            ledger: self
                .stamped
                .then(|| self.integrity.finish(self.account, covered_from)),
            caught_up,
            seen_until,
        };
        Ok((self.name, outcome))
    }
}

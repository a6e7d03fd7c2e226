//! One producer worker: a single task that paces, batches, sends and settles, with all its state its own.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::watch;

use super::call::{Answer, Request, attempt};
use super::lanes::{LaneCounts, LaneGate};
use super::observe::{Observations, Observer};
use super::pacer::Pacer;
use super::queue::{Item, LastAttempt, Queue};
use super::retry::wait_after;
use super::router::Router;
use crate::base::rng::{self, Rng};
use crate::base::{Clock, Timestamp};
use crate::kinesis::error::EntryError;
use crate::kinesis::{ErrorCode, StreamName};
use crate::measure::integrity::{Integrity, WorkerKey};
use crate::measure::interval::{Recorder, RecorderTotals};
use crate::measure::ledger::{NotSentCause, Outcome, Phase, ProducerLedger};
use crate::measure::meter::Meters;
use crate::measure::progress::Progress;
use crate::measure::throttle::ThrottleTable;
use crate::measure::tips::Tips;
use crate::scenario::model::{Arrival, Ordering, Producer, StampPlace, Time};
use crate::target::Target;
use crate::workload::{Own, PayloadPool, RecordSource, Schedule, Stamp, schedule};

/// How many due records are released before the worker looks at its answers again.
const RELEASE_AT_ONCE: usize = 4_096;

/// What a worker is given.
#[derive(Debug)]
pub struct WorkerContext {
    /// The clock of the run.
    pub clock: Clock,
    /// Where records go.
    pub target: Target,
    /// What the scenario says of the producer.
    pub producer: Arc<Producer>,
    /// What payloads are cut from; workers of one producer share it.
    pub payload: PayloadPool,
    /// The producer and worker that stamps name.
    pub key: WorkerKey,
    /// Which of the worker's records are this host's.
    pub own: Own,
    /// The run's number in stamps.
    pub run: u32,
    /// The scenario's seed.
    pub seed: u64,
    /// When warm-up begins.
    pub start: Timestamp,
    /// The phases.
    pub time: Time,
    /// The stream's shards.
    pub router: Arc<Router>,
    /// The newest acknowledged records of the stream.
    pub tips: Arc<Tips>,
    /// What was asked of each shard, where the target does not tell which limit refused.
    pub meters: Option<Arc<Meters>>,
    /// Who accounts for each record; nobody when records carry no stamp.
    pub integrity: Option<Arc<Integrity>>,
    /// The live counters.
    pub progress: Arc<Progress>,
    /// Turns true when the run is interrupted.
    pub cancel: watch::Receiver<bool>,
}

/// What a worker did.
#[derive(Debug)]
pub struct WorkerReport {
    /// Outcomes by phase: warm-up, measurement window.
    pub ledgers: [ProducerLedger; 2],
    /// Latencies of the measurement window.
    pub totals: RecorderTotals,
    /// Refusals.
    pub throttles: ThrottleTable,
    /// The most that a record was released after its intended time.
    pub longest_gap: Duration,
    /// The most requests that were under way at once.
    pub max_in_flight: usize,
    /// The most records that waited for a request or a retry.
    pub max_queued: usize,
    /// The last refusal that no limit explains, in the service's words.
    pub last_failure: Option<String>,
}

/// A producer worker.
#[derive(Debug)]
pub struct Worker {
    context: WorkerContext,
    stream: StreamName,
    source: RecordSource,
    schedule: Option<Schedule>,
    rng: Rng,
    observer: Observer,
    queue: Queue,
    lanes: LaneCounts,
    gate: Option<LaneGate>,
    spare: Vec<Request>,
    key_bytes_around: usize,
    in_flight_max: usize,
    queued_max: usize,
    /// Records released and not settled.
    unsettled: usize,
    /// Why the worker stops before its schedule and its retries end, once it does.
    leftover: Option<NotSentCause>,
    last_failure: Option<String>,
}

impl Worker {
    /// A worker at the start of its schedule; the same context gives the same records at the same times.
    pub fn new(context: WorkerContext, recorder: Recorder) -> Self {
        let producer = &context.producer;
        let worker = u32::from(context.key.worker);
        let observer = Observer::new(
            recorder,
            context.integrity.clone(),
            Arc::clone(&context.tips),
            Arc::clone(&context.progress),
            context.meters.clone(),
            context.key,
            producer.send.api,
        );
        Self {
            stream: producer.stream.clone(),
            source: RecordSource::with_pool(
                context.seed,
                producer,
                worker,
                context.payload.clone(),
            ),
            schedule: schedule(context.seed, producer, worker, context.time.load()),
            rng: rng::generator(
                context.seed,
                &format!("producers.{}", producer.name),
                worker,
                "retry",
            ),
            observer,
            queue: Queue::default(),
            lanes: LaneCounts::new(),
            gate: (producer.send.ordering == Ordering::PerKey).then(LaneGate::new),
            spare: Vec::new(),
            key_bytes_around: producer.keys.format.0.len() + producer.keys.format.1.len(),
            in_flight_max: 0,
            queued_max: 0,
            unsettled: 0,
            leftover: None,
            last_failure: None,
            context,
        }
    }

    /// Sends the whole schedule and settles every record of it.
    pub async fn run(mut self) -> WorkerReport {
        let clock = self.context.clock;
        self.pass_over();
        let pacer = Pacer::new(clock);
        let mut cancel = self.context.cancel.clone();
        let mut in_flight = FuturesUnordered::new();
        let give_up = self
            .context
            .start
            .plus(self.context.time.load() + self.context.time.drain);
        tokio::select! {
            biased;
            Ok(_) = cancel.wait_for(|cancelled| *cancelled) => {}
            () = pacer.wait_until(self.context.start) => {}
        }
        loop {
            let now = clock.now();
            if *cancel.borrow_and_update() {
                self.leftover = Some(NotSentCause::Interrupted);
            } else if now >= give_up {
                self.leftover = Some(NotSentCause::TimeUp);
            }
            if self.leftover.is_some() {
                break;
            }
            let released = self.release(now);
            self.queue.wake_retries(now);
            while in_flight.len() < self.context.producer.send.max_in_flight as usize
                && self.request_due().is_some_and(|due| due <= now)
            {
                let request = self.next_request();
                in_flight.push(attempt(
                    self.context.target.clone(),
                    self.stream.clone(),
                    self.context.producer.send,
                    clock,
                    give_up,
                    cancel.clone(),
                    request,
                ));
            }
            self.in_flight_max = self.in_flight_max.max(in_flight.len());
            self.queued_max = self.queued_max.max(self.waiting());
            if self.unsettled == 0 && self.schedule_ended(now) {
                break;
            }
            let wake = self.next_wake(now, released, in_flight.len()).min(give_up);
            tokio::select! {
                biased;
                Some(request) = in_flight.next(), if !in_flight.is_empty() => {
                    self.settle_request(request);
                    while let Some(Some(request)) = in_flight.next().now_or_never() {
                        self.settle_request(request);
                    }
                    self.observer.publish(clock.now());
                }
                // An error says that the sender is gone: nobody will interrupt any more.
                Ok(()) = cancel.changed() => {}
                () = pacer.wait_until(wake) => {}
            }
            // A worker that never has to wait must let the others, and the timers, have their turn.
            tokio::task::yield_now().await;
        }
        while let Some(request) = in_flight.next().await {
            self.settle_request(request);
        }
        self.settle_leftovers(clock.now());
        let Observations {
            totals,
            ledgers,
            throttles,
            longest_gap_ns,
        } = self.observer.finish(clock.now());
        WorkerReport {
            ledgers,
            totals,
            throttles,
            longest_gap: Duration::from_nanos(longest_gap_ns),
            max_in_flight: self.in_flight_max,
            max_queued: self.queued_max,
            last_failure: self.last_failure,
        }
    }

    /// Releases what is due, up to [`RELEASE_AT_ONCE`] records; says whether more may be due.
    fn release(&mut self, now: Timestamp) -> bool {
        for _ in 0..RELEASE_AT_ONCE {
            let Some(intended) = self.next_intended(now) else {
                return false;
            };
            let plan = self.source.next();
            let lane_sequence = self.lanes.next(plan.hash_key.lane());
            self.pass_over();
            let item = Item {
                plan,
                intended,
                ready: now,
                queued: now,
                phase: self.phase_of(intended),
                lane_sequence,
                shard: self.context.router.offer(plan.hash_key),
                attempts: 0,
                last: LastAttempt::None,
                any_unknown: false,
                key_bytes: (self.key_bytes_around + decimal_digits(plan.key)) as u32,
            };
            self.context.progress.released.add(1);
            self.observer.released(&item);
            if self.waiting() >= self.context.producer.send.max_queued as usize {
                self.observer
                    .settled(&item, Outcome::NotSent(NotSentCause::QueueFull), now);
                continue;
            }
            self.unsettled += 1;
            let ready = match &mut self.gate {
                Some(gate) => gate.enter(item),
                None => Some(item),
            };
            if let Some(item) = ready {
                self.queue.push(item);
            }
        }
        true
    }

    /// Draws the records of other hosts that come before this host's next one, so that its draws, its lanes and its
    /// schedule go on as those of a single host. In the account they count as ended here: they end there.
    fn pass_over(&mut self) {
        while !self.context.own.has(self.source.upcoming()) {
            if let Some(schedule) = &mut self.schedule
                && schedule.next().is_none()
            {
                return;
            }
            let plan = self.source.next();
            self.lanes.next(plan.hash_key.lane());
            self.observer.passed_over(plan.sequence);
        }
    }

    /// Takes the next intended time if it has come.
    fn next_intended(&mut self, now: Timestamp) -> Option<Timestamp> {
        match (&mut self.schedule, &self.context.producer.arrival) {
            (Some(schedule), _) => {
                let intended = self.context.start.plus(schedule.peek()?);
                if intended > now {
                    return None;
                }
                schedule.next();
                Some(intended)
            }
            (None, Arrival::Closed { outstanding }) => {
                let outstanding = self.context.own.of_count(u64::from(*outstanding));
                ((self.unsettled as u64) < outstanding && now < self.load_end()).then_some(now)
            }
            (None, _) => None,
        }
    }

    fn schedule_ended(&self, now: Timestamp) -> bool {
        match &self.schedule {
            Some(schedule) => schedule.peek().is_none(),
            None => now >= self.load_end(),
        }
    }

    fn phase_of(&self, intended: Timestamp) -> Phase {
        let measure_from = self.context.start.plus(self.context.time.warm_up);
        if intended < measure_from {
            Phase::WarmUp
        } else {
            Phase::Measure
        }
    }

    fn load_end(&self) -> Timestamp {
        self.context.start.plus(self.context.time.load())
    }

    /// Records that wait for a request, a retry or their lane.
    fn waiting(&self) -> usize {
        self.queue.len() + self.gate.as_ref().map_or(0, LaneGate::waiting)
    }

    fn request_due(&self) -> Option<Timestamp> {
        self.queue.request_due(&self.context.producer.send)
    }

    /// When there is something to do next, answers aside.
    fn next_wake(&self, now: Timestamp, more_due: bool, in_flight: usize) -> Timestamp {
        if more_due {
            return now;
        }
        let scheduled = match &self.schedule {
            Some(schedule) => schedule
                .peek()
                .map(|offset| self.context.start.plus(offset)),
            None => (now < self.load_end()).then(|| self.load_end()),
        };
        let room = in_flight < self.context.producer.send.max_in_flight as usize;
        let request = if room { self.request_due() } else { None };
        [scheduled, self.queue.next_retry(), request]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(Timestamp::MAX)
    }

    /// Makes a request of the records that waited longest.
    fn next_request(&mut self) -> Request {
        let mut request = self.spare.pop().unwrap_or_default();
        request.clear();
        self.queue
            .take_request(&self.context.producer.send, &mut request.items);
        let stamped = self.context.producer.payload.stamp == StampPlace::Prefix;
        let Request { items, batch, .. } = &mut request;
        for item in items {
            item.attempts += 1;
            let stamp = stamped.then_some(Stamp {
                run: self.context.run,
                producer: self.context.key.producer,
                worker: self.context.key.worker,
                sequence: item.plan.sequence,
                lane_sequence: item.lane_sequence,
                intended: item.intended,
            });
            self.source.render(&item.plan, stamp.as_ref(), batch);
        }
        if let Some(meters) = &self.context.meters {
            let sent = request.items.iter();
            let sent = sent.filter_map(|item| Some((item.shard?, item.billed_bytes())));
            meters.wrote(self.context.clock.now(), sent);
        }
        request
    }

    /// Settles what an attempt decided and queues the rest to be tried again.
    fn settle_request(&mut self, mut request: Request) {
        let (sent, ended) = (request.sent, request.ended);
        for item in &request.items {
            self.observer.sent(item, sent);
        }
        match &request.answer {
            Answer::Results => {
                self.observer.answered(request.items[0].phase, sent, ended);
                for (index, item) in request.items.iter().enumerate() {
                    match request.results.get(index).copied() {
                        // An answer that leaves a record out says nothing of it.
                        None => self.unanswered(item, ended),
                        Some(Ok(stored)) => {
                            if item.shard.is_some_and(|shard| shard != stored.shard) {
                                self.context.router.mark_stale();
                            }
                            self.observer.acked(item, stored, ended);
                            self.settled(item, ended);
                        }
                        Some(Err(error)) => self.refused(*item, &error, sent, ended),
                    }
                }
            }
            Answer::Refused(error) => {
                self.observer.answered(request.items[0].phase, sent, ended);
                if !error.code.is_throttle() {
                    self.last_failure = Some(error.to_string());
                }
                let refusal = EntryError {
                    code: error.code,
                    cause: error.cause,
                    shard: None,
                };
                for item in &request.items {
                    self.refused(*item, &refusal, sent, ended);
                }
            }
            Answer::Failed { reason, again } => {
                self.last_failure = Some(reason.clone());
                for item in &request.items {
                    self.observer.failed(item, ended);
                    let item = Item {
                        last: LastAttempt::Failed,
                        ..*item
                    };
                    if *again {
                        self.try_again(item, ended);
                    } else {
                        self.give_up(&item, ended);
                    }
                }
            }
            Answer::None(reason) => {
                self.last_failure = reason.clone().or(self.last_failure.take());
                for item in &request.items {
                    self.unanswered(item, ended);
                }
            }
        }
        request.clear();
        self.spare.push(request);
    }

    fn unanswered(&mut self, item: &Item, ended: Timestamp) {
        self.observer.unanswered(item, ended);
        self.try_again(
            Item {
                any_unknown: true,
                ..*item
            },
            ended,
        );
    }

    fn refused(&mut self, item: Item, error: &EntryError, sent: Timestamp, ended: Timestamp) {
        self.observer.refused(&item, error, sent, ended);
        let last = if error.code.is_throttle() {
            LastAttempt::Throttled
        } else {
            LastAttempt::Failed
        };
        let item = Item { last, ..item };
        // Only what may pass later is worth another attempt.
        if error.code.is_throttle() || error.code == ErrorCode::InternalFailure {
            self.try_again(item, ended);
        } else {
            self.give_up(&item, ended);
        }
    }

    fn try_again(&mut self, item: Item, ended: Timestamp) {
        match wait_after(&self.context.producer.retry, item.attempts, &mut self.rng) {
            Some(wait) if self.leftover.is_none() => self.queue.retry_at(ended.plus(wait), item),
            _ => self.give_up(&item, ended),
        }
    }

    /// Settles a record by its last attempts, or by why it had none.
    fn give_up(&mut self, item: &Item, at: Timestamp) {
        let outcome = match item.last {
            _ if item.any_unknown => Outcome::Unknown,
            LastAttempt::Throttled => Outcome::Throttled,
            LastAttempt::Failed => Outcome::Failed,
            LastAttempt::None => Outcome::NotSent(self.leftover.unwrap_or(NotSentCause::TimeUp)),
        };
        self.observer.settled(item, outcome, at);
        self.settled(item, at);
    }

    /// A record left the worker: its lane is free for the next one.
    fn settled(&mut self, item: &Item, at: Timestamp) {
        self.unsettled -= 1;
        if let Some(gate) = &mut self.gate
            && let Some(next) = gate.leave(item.plan.hash_key.lane())
        {
            self.queue.push(Item { queued: at, ..next });
        }
    }

    /// Settles what a run that ends early left waiting, and what the schedule asked for until then without getting it.
    fn settle_leftovers(&mut self, now: Timestamp) {
        let mut items = self.queue.drain();
        items.extend(
            self.gate
                .take()
                .map(|mut gate| gate.drain())
                .unwrap_or_default(),
        );
        for item in items {
            self.give_up(&item, now);
        }
        let cause = match self.leftover {
            Some(NotSentCause::Interrupted) => NotSentCause::Interrupted,
            _ => NotSentCause::Behind,
        };
        let mut sequence = self.source.upcoming();
        while let Some(intended) = self
            .schedule
            .as_ref()
            .and_then(Schedule::peek)
            .map(|at| self.context.start.plus(at))
            && intended <= now
        {
            self.schedule.as_mut().and_then(Iterator::next);
            if self.context.own.has(sequence) {
                let phase = self.phase_of(intended);
                self.observer.never_released(phase, cause);
            }
            sequence += 1;
        }
    }
}

const fn decimal_digits(number: u64) -> usize {
    match number.checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    }
}

//! One producer worker: a single task that paces, batches, sends and settles, with all its state its own.

use std::pin::Pin;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use rand::RngExt as _;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::call::{Answer, Request, attempt, elsewhere};
use super::lanes::{LaneCounts, LaneGate};
use super::observe::{Observations, Observer};
use super::pacer::Pacer;
use super::queue::{Item, LastAttempt, Queue};
use super::retry::wait_after;
use super::router::Router;
use crate::base::rng::{self, Rng};
use crate::base::{Clock, Timestamp};
use crate::kinesis::error::EntryError;
use crate::kinesis::operation::Stored;
use crate::kinesis::{ErrorCode, PutBatch, StreamName, aggregate};
use crate::measure::integrity::{Integrity, WorkerKey};
use crate::measure::interval::{Recorder, RecorderTotals};
use crate::measure::ledger::{NotSentCause, Outcome, Phase, ProducerLedger};
use crate::measure::meter::Meters;
use crate::measure::progress::Progress;
use crate::measure::throttle::ThrottleTable;
use crate::measure::tips::Tips;
use crate::measure::waits::Waits;
use crate::scenario::model::{Arrival, Ordering, Producer, PutApi, RetryOf, Time};
use crate::target::Target;
use crate::workload::{Own, PayloadPool, RecordSource, Schedule, Stamp, schedule};

/// How many due records are released before the worker looks at its answers again.
const RELEASE_AT_ONCE: usize = 4_096;

/// How long a worker whose calls are answered at once goes on before it gives others their turn.
const TURN_AFTER: Duration = Duration::from_micros(100);

/// When ends of records are handed on again that a reader did not let in.
const PUBLISH_AGAIN: Duration = Duration::from_millis(1);

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
    /// Where calls are made; by the worker itself where nobody is given.
    pub calls: Option<Handle>,
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
    /// Records of the measurement window that waited for a free request slot.
    pub slot_waits: Waits,
    /// Records of the measurement window that `send.rate_limit` held back.
    pub rate_limit_waits: Waits,
    /// Records of the measurement window that waited for the one before them in their lane (`send.ordering`).
    pub order_waits: Waits,
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
    /// The records of one that is being packed.
    packed: PutBatch,
    in_flight_max: usize,
    queued_max: usize,
    /// Records released and not settled.
    unsettled: usize,
    /// Since when as many requests are under way as may be.
    slots_full_since: Option<Timestamp>,
    /// Why the worker stops before its schedule and its retries end, once it does.
    leftover: Option<NotSentCause>,
    last_failure: Option<String>,
}

/// Whether and how the records of an attempt are tried again.
#[derive(Clone, Copy, Debug)]
enum Again {
    /// They are given up.
    No,
    /// Each with a wait of its own.
    Each,
    /// All of a call after the same wait, by this draw from 0 to 1.
    Together(f64),
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
            queue: Queue::new(&producer.send),
            packed: PutBatch::new(),
            lanes: LaneCounts::new(),
            gate: (producer.send.ordering == Ordering::PerKey).then(LaneGate::new),
            spare: Vec::new(),
            in_flight_max: 0,
            queued_max: 0,
            unsettled: 0,
            slots_full_since: None,
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
        // Calls that were answered: their memory is used again.
        let mut used_calls = Vec::new();
        let max_in_flight = self.context.producer.send.max_in_flight as usize;
        let mut turn_given = self.context.start;
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
            if self.observer.has_more() {
                self.observer.publish(now);
            }
            let released = self.release(now);
            self.advance(now);
            let mut is_answered = false;
            while in_flight.len() < max_in_flight
                && self.request_due().is_some_and(|due| due <= now)
            {
                let request = self.next_request(now);
                self.in_flight_max = self.in_flight_max.max(in_flight.len() + 1);
                let call = attempt(
                    self.context.target.clone(),
                    self.stream.clone(),
                    self.context.producer.send,
                    clock,
                    give_up,
                    cancel.clone(),
                    request,
                );
                if let Some(runtime) = &self.context.calls {
                    let call = elsewhere(runtime.spawn(call));
                    in_flight.push(Either::Left(async { (call.await, None) }));
                    continue;
                }
                let mut call = if let Some(mut used) = used_calls.pop() {
                    Pin::set(&mut used, call);
                    used
                } else {
                    Box::pin(call)
                };
                // The engine in this process mostly answers at once. What has come due meanwhile goes before the next request.
                if let Some(request) = call.as_mut().now_or_never() {
                    used_calls.push(call);
                    self.settle_request(request);
                    is_answered = true;
                    break;
                }
                in_flight.push(Either::Right(
                    async move { (call.as_mut().await, Some(call)) },
                ));
            }
            self.slots_full_since =
                (in_flight.len() >= max_in_flight).then(|| self.slots_full_since.unwrap_or(now));
            self.queued_max = self.queued_max.max(self.waiting());
            if is_answered {
                let answered = clock.now();
                self.observer.publish(answered);
                if clock.is_virtual() || answered.since(turn_given) >= TURN_AFTER {
                    tokio::task::yield_now().await;
                    turn_given = answered;
                }
                continue;
            }
            if self.unsettled == 0 && self.schedule_ended(now) {
                break;
            }
            let wake = self.next_wake(now, released, in_flight.len()).min(give_up);
            tokio::select! {
                biased;
                Some((request, used)) = in_flight.next(), if !in_flight.is_empty() => {
                    self.settle_request(request);
                    used_calls.extend(used);
                    while let Some(Some((request, used))) = in_flight.next().now_or_never() {
                        self.settle_request(request);
                        used_calls.extend(used);
                    }
                    self.observer.publish(clock.now());
                }
                // An error says that the sender is gone: nobody will interrupt any more.
                Ok(()) = cancel.changed() => {}
                () = pacer.wait_until(wake) => {}
            }
            // A worker that never has to wait must let the others, and the timers, have their turn.
            tokio::task::yield_now().await;
            turn_given = now;
        }
        while let Some((request, _)) = in_flight.next().await {
            self.settle_request(request);
        }
        self.settle_leftovers(clock.now());
        let Observations {
            totals,
            ledgers,
            throttles,
            longest_gap_ns,
            slot_waits,
            order_waits,
        } = self.observer.finish(clock.now());
        WorkerReport {
            ledgers,
            totals,
            throttles,
            longest_gap: Duration::from_nanos(longest_gap_ns),
            slot_waits,
            rate_limit_waits: self.queue.rate_limit_waits(),
            order_waits,
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
                key_bytes: self.source.key_bytes(&plan),
                explicit: self.source.explicit_hash_key(plan.key).is_some(),
                predicted: None,
                waited_us: 0,
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
                self.enqueue(item);
            }
        }
        true
    }

    fn enqueue(&mut self, item: Item) {
        let router = &self.context.router;
        self.queue.push(item, &|key| router.predict(key));
    }

    /// Moves on what waited long enough for its next step, and gives up what waited too long.
    fn advance(&mut self, now: Timestamp) {
        let router = &self.context.router;
        self.queue.advance(now, &|key| router.predict(key));
        let ttl = self.context.producer.retry.ttl;
        for item in self.queue.take_expired(ttl, now) {
            self.give_up(&item, NotSentCause::Expired, now);
        }
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
        let kept = self.observer.has_more().then(|| now.plus(PUBLISH_AGAIN));
        let room = in_flight < self.context.producer.send.max_in_flight as usize;
        let request = if room { self.request_due() } else { None };
        [scheduled, self.queue.next_due(), request, kept]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(Timestamp::MAX)
    }

    /// Makes a request of the records that waited longest.
    fn next_request(&mut self, now: Timestamp) -> Request {
        let mut request = self.spare.pop().unwrap_or_default();
        request.clear();
        let Request {
            items,
            counts,
            batch,
            ..
        } = &mut request;
        let due = self
            .queue
            .take_request(&self.context.producer.send, items, counts);
        if let Some(full_since) = self.slots_full_since {
            let wait = now.since(due.max(full_since));
            self.observer.waited_for_slot(items, wait);
        }
        let mut rest = items.iter_mut();
        for &count in &*counts {
            if count == 1 {
                for item in rest.by_ref().take(1) {
                    item.attempts += 1;
                    self.render(item, batch);
                }
                continue;
            }
            let mut packed = std::mem::take(&mut self.packed);
            packed.clear();
            let mut hash_key = None;
            for item in rest.by_ref().take(count) {
                item.attempts += 1;
                // It falls where the first of its records would, and so all of them.
                hash_key.get_or_insert(item.plan.hash_key);
                self.render(item, &mut packed);
            }
            batch.push_with(
                |key| key.push_str(aggregate::PARTITION_KEY),
                |data| aggregate::encode(packed.iter(), data),
                hash_key,
            );
            self.packed = packed;
        }
        if let Some(meters) = &self.context.meters {
            let sent = request.entries();
            let sent = sent.filter_map(|(_, bytes, items)| Some((items.first()?.shard?, bytes)));
            meters.wrote(self.context.clock.now(), sent);
        }
        request
    }

    /// Appends a record as it is sent.
    fn render(&self, item: &Item, batch: &mut PutBatch) {
        let stamp = Stamp {
            run: self.context.run,
            producer: self.context.key.producer,
            worker: self.context.key.worker,
            sequence: item.plan.sequence,
            lane_sequence: item.lane_sequence,
            intended: item.intended,
        };
        self.source.render(&item.plan, &stamp, batch);
    }

    /// Settles what an attempt decided and queues the rest to be tried again.
    fn settle_request(&mut self, mut request: Request) {
        let (sent, ended) = (request.sent, request.ended);
        for (_, _, items) in request.entries() {
            self.observer.sent(items, sent);
        }
        match &request.answer {
            Answer::Results => {
                self.observer.answered(request.items[0].phase, sent, ended);
                let again = match (
                    self.context.producer.retry.of,
                    self.context.producer.send.api,
                ) {
                    // The record is the call.
                    (_, PutApi::PutRecord) | (RetryOf::Record, _) => Again::Each,
                    (RetryOf::Call, PutApi::PutRecords) => Again::No,
                };
                for (index, bytes, items) in request.entries() {
                    match request.results.get(index).copied() {
                        // An answer that leaves a record out says nothing of it.
                        None => self.unanswered(items, bytes, ended, again),
                        Some(Ok(stored)) => self.stored(items, bytes, stored, sent, ended),
                        Some(Err(error)) => self.refused(items, &error, sent, ended, again),
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
                let again = self.call_again();
                for (_, _, items) in request.entries() {
                    self.refused(items, &refusal, sent, ended, again);
                }
            }
            Answer::Failed { reason, again } => {
                self.last_failure = Some(reason.clone());
                let again = if *again { self.call_again() } else { Again::No };
                for item in &request.items {
                    self.observer.failed(item, ended);
                    let item = Item {
                        last: LastAttempt::Failed,
                        ..*item
                    };
                    self.try_again(item, ended, again);
                }
            }
            Answer::None(reason) => {
                self.last_failure = reason.clone().or(self.last_failure.take());
                let again = self.call_again();
                for (_, bytes, items) in request.entries() {
                    self.unanswered(items, bytes, ended, again);
                }
            }
        }
        request.clear();
        self.spare.push(request);
    }

    /// How the records of a call that failed as a whole are tried again.
    fn call_again(&mut self) -> Again {
        match self.context.producer.retry.of {
            RetryOf::Record => Again::Each,
            RetryOf::Call => Again::Together(self.rng.random_range(0.0..=1.0)),
        }
    }

    /// A Kinesis record is stored. Of a packed one that landed in another shard than it was made for, the records that do
    /// not belong there are sent again, as the KPL does: readers are given both copies, or, as the KCL does, only the one
    /// in the right place.
    fn stored(
        &mut self,
        items: &[Item],
        bytes: u64,
        stored: Stored,
        sent: Timestamp,
        ended: Timestamp,
    ) {
        self.observer.stored(items, bytes);
        let packs = self.context.producer.send.aggregate.is_some();
        // A packed record goes where its first record would.
        let meant = items
            .first()
            .and_then(|first| Some((first.shard?, first.plan.hash_key)));
        let counted = match meant {
            Some((offered, key)) if offered != stored.shard => {
                let router = &self.context.router;
                router.acknowledged(stored.shard, offered, key, sent)
            }
            _ => stored.shard,
        };
        let mut elsewhere = false;
        for item in items {
            let router = &self.context.router;
            let missed = |shard: Option<_>| shard.is_some_and(|shard| shard != stored.shard);
            // What was released long ago may have been meant for a shard that the list does not have any more.
            elsewhere |= missed(item.shard) && router.differs(stored.shard, item.plan.hash_key);
            if packs && missed(item.predicted) && !router.covers(stored.shard, item.plan.hash_key) {
                self.observer.misplaced(item);
                // It is there all the same.
                let item = Item {
                    any_unknown: true,
                    ..*item
                };
                self.try_again(item, ended, Again::Each);
            } else {
                self.observer.acked(item, stored, counted, ended);
                self.settled(item, ended);
            }
        }
        if elsewhere {
            self.context.router.mark_stale(sent);
        }
    }

    fn unanswered(&mut self, items: &[Item], bytes: u64, ended: Timestamp, again: Again) {
        self.observer.unanswered(items, bytes, ended);
        for item in items {
            let item = Item {
                any_unknown: true,
                ..*item
            };
            self.try_again(item, ended, again);
        }
    }

    fn refused(
        &mut self,
        items: &[Item],
        error: &EntryError,
        sent: Timestamp,
        ended: Timestamp,
        again: Again,
    ) {
        self.observer.refused(items, error, sent, ended);
        let throttled = error.code.is_throttle();
        let last = if throttled {
            LastAttempt::Throttled
        } else {
            LastAttempt::Failed
        };
        // Only what may pass later is worth another attempt.
        let again = if throttled || error.code == ErrorCode::InternalFailure {
            again
        } else {
            Again::No
        };
        for item in items {
            self.try_again(Item { last, ..*item }, ended, again);
        }
    }

    fn try_again(&mut self, item: Item, ended: Timestamp, again: Again) {
        let retry = &self.context.producer.retry;
        let waited = Duration::from_micros(u64::from(item.waited_us));
        let wait = match again {
            Again::No => None,
            Again::Each => wait_after(retry, item.attempts, waited, || {
                self.rng.random_range(0.0..=1.0)
            }),
            Again::Together(draw) => wait_after(retry, item.attempts, waited, || draw),
        };
        match wait {
            Some(wait) if self.leftover.is_none() && !item.expired(retry.ttl, ended) => {
                let waited_us = u32::try_from(wait.as_micros()).unwrap_or(u32::MAX);
                let item = Item { waited_us, ..item };
                self.queue.retry_at(ended.plus(wait), item);
            }
            _ => self.give_up(&item, NotSentCause::TimeUp, ended),
        }
    }

    /// Settles a record by its last attempts, or by why it had none.
    fn give_up(&mut self, item: &Item, unsent: NotSentCause, at: Timestamp) {
        let outcome = match item.last {
            _ if item.any_unknown => Outcome::Unknown,
            LastAttempt::Throttled => Outcome::Throttled,
            LastAttempt::Failed => Outcome::Failed,
            LastAttempt::None => Outcome::NotSent(self.leftover.unwrap_or(unsent)),
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
            self.observer.waited_for_order(&next, at.since(next.queued));
            self.enqueue(Item { queued: at, ..next });
        }
    }

    /// Settles what a run that ends early left waiting, and what the schedule asked for until then without getting it.
    fn settle_leftovers(&mut self, now: Timestamp) {
        let mut items = self.queue.take_ready();
        if let Some(full_since) = self.slots_full_since {
            // They never got a slot, and waited for one all the same.
            for item in &items {
                let wait = now.since(item.queued.max(full_since));
                self.observer.waited_for_slot(slice::from_ref(item), wait);
            }
        }
        items.extend(self.queue.drain(now));
        let behind = self.gate.take().map(|mut gate| gate.drain());
        let behind = behind.unwrap_or_default();
        for item in &behind {
            self.observer.waited_for_order(item, now.since(item.queued));
        }
        items.extend(behind);
        for item in items {
            self.give_up(&item, NotSentCause::TimeUp, now);
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

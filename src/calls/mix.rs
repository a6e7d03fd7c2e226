//! A worker of a mix: a task that draws calls by their weights, makes them on schedule and settles each.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use rand::RngExt as _;

use super::CallsContext;
use super::attempt::{Ended, attempt, outcome};
use super::board::Item;
use super::ground::Ground;
use super::request::request;
use crate::base::Timestamp;
use crate::base::rng::{self, Rng};
use crate::kinesis::StreamName;
use crate::kinesis::api::{ApiCall, LOAD_RECORD_BILLED};
use crate::measure::{CallOutcome, NotSentCause};
use crate::producer::Pacer;
use crate::scenario::model::{Arrival, CallLoad};
use crate::workload::{Schedule, calls_schedule};

/// How many due calls are released before the worker looks at its answers again.
const RELEASE_AT_ONCE: usize = 1_024;

/// A worker of a mix.
#[derive(Debug)]
pub struct Mix {
    context: CallsContext,
    stream: StreamName,
    ground: Arc<Ground>,
    /// The calls, and the sum of their weights up to each.
    calls: Vec<(ApiCall, f64)>,
    schedule: Option<Schedule>,
    draws: Rng,
    /// How many calls were released: what tells one from the other.
    number: u64,
    queue: VecDeque<Drawn>,
    in_flight: usize,
    /// Since when as many calls are under way as may be.
    slots_full_since: Option<Timestamp>,
    /// Why the worker stops before its schedule ends, once it does.
    leftover: Option<NotSentCause>,
}

/// A call that was drawn.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    item: Item,
    number: u64,
}

impl Mix {
    /// A worker at the start of its schedule; the same context gives the same calls at the same times. `None` for a load
    /// that is no mix.
    pub fn new(context: CallsContext, ground: Arc<Ground>) -> Option<Self> {
        let CallLoad::Mix { stream, calls } = &context.calls.load else {
            return None;
        };
        let mut sum = 0.0;
        let calls = calls.iter().map(|(call, weight)| {
            sum += weight;
            (*call, sum)
        });
        let part = format!("calls.{}", context.calls.name);
        Some(Self {
            stream: stream.clone(),
            calls: calls.collect(),
            schedule: calls_schedule(
                context.seed,
                &context.calls,
                context.worker,
                context.time.load(),
            ),
            draws: rng::generator(context.seed, &part, context.worker, "mix"),
            ground,
            // Workers take other shards and keys than their neighbours.
            number: u64::from(context.worker) << 32,
            queue: VecDeque::new(),
            in_flight: 0,
            slots_full_since: None,
            leftover: None,
            context,
        })
    }

    /// Makes all calls of the schedule and settles each.
    pub async fn run(mut self) {
        let context = self.context.clone();
        let clock = context.clock;
        let pacer = Pacer::new(clock);
        let mut cancel = context.cancel.clone();
        let mut in_flight = FuturesUnordered::new();
        let give_up = context.give_up();
        context.sleep_until(context.start).await;
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
            let more = self.release(now);
            while in_flight.len() < context.calls.max_in_flight as usize
                && let Some(drawn) = self.queue.pop_front()
            {
                self.tell_wait(&drawn.item, now);
                in_flight.push(make(
                    context.clone(),
                    Arc::clone(&self.ground),
                    self.stream.clone(),
                    self.calls[drawn.item.row].0,
                    drawn,
                ));
            }
            self.in_flight = in_flight.len();
            self.slots_full_since = (self.in_flight >= context.calls.max_in_flight as usize)
                .then(|| self.slots_full_since.unwrap_or(now));
            context.board.in_flight(self.in_flight);
            if self.in_flight == 0 && self.schedule_ended(now) {
                break;
            }
            let wake = if more { now } else { self.next_wake(now) }.min(give_up);
            tokio::select! {
                biased;
                Some(()) = in_flight.next(), if !in_flight.is_empty() => {
                    while let Some(Some(())) = in_flight.next().now_or_never() {}
                    self.in_flight = in_flight.len();
                }
                // An error says that the sender is gone: nobody will interrupt any more.
                Ok(()) = cancel.changed() => {}
                () = pacer.wait_until(wake) => {}
            }
            // A worker that never has to wait must let the others, and the timers, have their turn.
            tokio::task::yield_now().await;
        }
        while in_flight.next().await.is_some() {}
        self.settle_leftovers(clock.now());
    }

    /// How long a call waited for a slot that it is given, or never was.
    fn tell_wait(&self, item: &Item, now: Timestamp) {
        if let Some(full_since) = self.slots_full_since {
            let wait = now.since(item.ready.max(full_since));
            self.context.board.waited_for_slot(item, wait);
        }
    }

    /// Releases what is due, up to [`RELEASE_AT_ONCE`] calls; says whether more may be due.
    fn release(&mut self, now: Timestamp) -> bool {
        for _ in 0..RELEASE_AT_ONCE {
            let Some(intended) = self.next_intended(now) else {
                return false;
            };
            let item = Item {
                row: self.draw(),
                phase: self.context.phase_of(intended),
                intended,
                ready: now,
            };
            self.number += 1;
            self.context.board.released(&item);
            if self.queue.len() >= self.context.calls.max_queued as usize {
                let full = CallOutcome::NotSent(NotSentCause::QueueFull);
                self.context.board.settled(&item, &full, 0, now);
                continue;
            }
            let number = self.number;
            self.queue.push_back(Drawn { item, number });
        }
        true
    }

    /// Draws a call by the weights.
    fn draw(&mut self) -> usize {
        let whole = self.calls.last().map_or(0.0, |(_, sum)| *sum);
        let at = self.draws.random::<f64>() * whole;
        let below = self.calls.partition_point(|(_, sum)| *sum <= at);
        below.min(self.calls.len() - 1)
    }

    /// Takes the next intended time if it has come.
    fn next_intended(&mut self, now: Timestamp) -> Option<Timestamp> {
        match (&mut self.schedule, &self.context.calls.arrival) {
            (Some(schedule), _) => {
                let intended = self.context.start.plus(schedule.peek()?);
                if intended > now {
                    return None;
                }
                schedule.next();
                Some(intended)
            }
            (None, Some(Arrival::Closed { outstanding })) => {
                let open = self.queue.len() + self.in_flight;
                (open < *outstanding as usize && now < self.context.load_end()).then_some(now)
            }
            (None, _) => None,
        }
    }

    fn schedule_ended(&self, now: Timestamp) -> bool {
        match &self.schedule {
            Some(schedule) => schedule.peek().is_none() && self.queue.is_empty(),
            None => now >= self.context.load_end(),
        }
    }

    /// When there is something to do next, answers aside.
    fn next_wake(&self, now: Timestamp) -> Timestamp {
        let load_end = self.context.load_end();
        let next = match &self.schedule {
            Some(schedule) => schedule
                .peek()
                .map(|offset| self.context.start.plus(offset)),
            None => (now < load_end).then_some(load_end),
        };
        next.unwrap_or(Timestamp::MAX)
    }

    /// Settles what a run that ends early left waiting, and what the schedule asked for until then without getting it.
    fn settle_leftovers(&mut self, now: Timestamp) {
        let cause = self.leftover.unwrap_or(NotSentCause::TimeUp);
        for drawn in std::mem::take(&mut self.queue) {
            let outcome = CallOutcome::NotSent(cause);
            self.tell_wait(&drawn.item, now);
            self.context.board.settled(&drawn.item, &outcome, 0, now);
        }
        let cause = match cause {
            NotSentCause::Interrupted => cause,
            _ => NotSentCause::Behind,
        };
        while let Some(offset) = self.schedule.as_ref().and_then(Schedule::peek)
            && self.context.start.plus(offset) <= now
        {
            self.schedule.as_mut().and_then(Iterator::next);
            let phase = self.context.phase_of(self.context.start.plus(offset));
            let row = self.draw();
            self.context.board.never_released(row, phase, cause);
        }
    }
}

/// Makes a call and settles it.
async fn make(
    context: CallsContext,
    ground: Arc<Ground>,
    stream: StreamName,
    call: ApiCall,
    drawn: Drawn,
) {
    let (board, Drawn { item, number }) = (&context.board, drawn);
    let reads = call.api.name == "GetRecords" && call.case.is_none();
    if reads {
        // What reads must hold an iterator; that one cannot be had is told by the call that goes without.
        let mut cancel = context.cancel.clone();
        let give_up = context.give_up();
        tokio::select! {
            biased;
            _ = ground.hold_iterator(&context.target, context.clock, &stream, number) => {}
            () = context.clock.sleep_until(give_up) => {}
            Ok(_) = cancel.wait_for(|cancelled| *cancelled) => {}
        }
    }
    let input = request(&call, &ground, number);
    let ended = attempt(&context, &call, &input).await;
    board.sent(&item, ended.sent);
    let (outcome, told) = outcome(&call, &ended);
    board.attempted(&item, (ended.sent, ended.at), ended.is_answered(), &outcome);
    board.settled(&item, &outcome, 1, ended.at);
    if let Some(told) = told {
        board.failed(told);
    }
    if outcome == CallOutcome::Throttled {
        context.progress.refused.add(1);
    }
    if reads {
        follow(&ground, &ended, number);
    }
    if ended.may_be_done() {
        let billed = LOAD_RECORD_BILLED.times(call.records());
        context.progress.billed.add(billed);
    }
}

/// Goes on from where a read ended.
fn follow(ground: &Ground, ended: &Ended, number: u64) {
    match &ended.answer {
        Some(Ok(called)) => {
            ground.advance(number, called.output.str("NextShardIterator"), called.at);
        }
        Some(Err(error)) if error.is_throttle() => {}
        // Whatever it was: the next read begins with an iterator of its own.
        _ => ground.advance(number, None, ended.at),
    }
}

//! A worker of a script: runs the steps in their order, on a stream that it makes for them.

use std::sync::Arc;
use std::time::Duration;

use super::CallsContext;
use super::attempt::{Ended, attempt, outcome};
use super::board::Item;
use super::ground::Ground;
use super::owner::OwnedStreams;
use super::request::request;
use crate::base::Timestamp;
use crate::kinesis::StreamName;
use crate::kinesis::api::ApiCall;
use crate::measure::{CallOutcome, NotSentCause};
use crate::producer::Pacer;
use crate::scenario::model::{Arrival, CallLoad, Step, WaitUntil};
use crate::target::Existence;
use crate::wire::Value;
use crate::workload::{Schedule, calls_schedule};

/// The wait before what a limit refused is tried again: the slowest limits are of calls per second.
const AGAIN: Duration = Duration::from_secs(1);

/// How often a limit may refuse one step.
const TRIES: u64 = 10;

/// The shortest time between two looks of one worker. All workers of a load together look at most 10 times a second, of
/// the 20 DescribeStreamSummary calls that an account has (developer guide, Quotas and limits).
const LOOK: Duration = Duration::from_millis(200);
const LOOKS_PER_S: u32 = 10;

/// How long a stream that a script left is deleted before that is left to the end of the run.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a worker of scripts is given besides its context.
#[derive(Clone, Debug)]
pub struct Streams {
    /// Who answers for the streams that it makes.
    pub owner: Arc<dyn OwnedStreams>,
    /// What their names begin with; the script's number follows.
    pub stem: String,
    /// A name that no stream has.
    pub missing: String,
}

/// A worker of a script.
#[derive(Debug)]
pub struct Script {
    context: CallsContext,
    steps: Vec<Step>,
    streams: Streams,
    times: Times,
    /// How many scripts were begun.
    number: u64,
}

/// When scripts begin.
#[derive(Debug)]
enum Times {
    /// Once, at the start of the measurement window.
    Once(bool),
    /// As planned.
    Planned(Box<Schedule>),
    /// One after the other.
    Closed,
}

/// Why a script ends before its last step.
struct BrokenOff;

/// The stream of a script that is being run.
struct Course {
    name: StreamName,
    /// Whether and how it may exist.
    existence: Option<Existence>,
    /// The last call that was answered as it should be, and when: what a `wait` waits for.
    changed: Option<(Item, Timestamp)>,
}

impl Script {
    /// A worker at the start of its schedule. `None` for a load that is no script.
    pub fn new(context: CallsContext, streams: Streams) -> Option<Self> {
        let CallLoad::Script(steps) = &context.calls.load else {
            return None;
        };
        let times = match &context.calls.arrival {
            None => Times::Once(false),
            Some(Arrival::Closed { .. }) => Times::Closed,
            Some(_) => Times::Planned(Box::new(calls_schedule(
                context.seed,
                &context.calls,
                context.worker,
                context.time.load(),
            )?)),
        };
        Some(Self {
            steps: steps.clone(),
            streams,
            times,
            number: 0,
            context,
        })
    }

    /// Runs the script at each of its times.
    pub async fn run(mut self) {
        let context = self.context.clone();
        let clock = context.clock;
        let pacer = Pacer::new(clock);
        let mut cancel = context.cancel.clone();
        let mut free_at = context.start;
        while let Some(intended) = self.next_time(free_at) {
            tokio::select! {
                biased;
                Ok(_) = cancel.wait_for(|cancelled| *cancelled) => break,
                () = pacer.wait_until(intended) => {}
            }
            let now = clock.now();
            if now >= context.load_end() {
                break;
            }
            self.take_time();
            // Waiting for the script before is the worker's own: only what the pacer is late is lateness.
            let ready = if intended > free_at { now } else { intended };
            self.script(intended, ready).await;
            free_at = clock.now();
        }
        self.settle_leftovers(clock.now());
    }

    /// When the next script is meant to begin.
    fn next_time(&self, free_at: Timestamp) -> Option<Timestamp> {
        let context = &self.context;
        match &self.times {
            // In the window, where what it does is measured.
            Times::Once(false) => Some(context.start.plus(context.time.warm_up)),
            Times::Once(true) => None,
            Times::Planned(schedule) => schedule.peek().map(|offset| context.start.plus(offset)),
            Times::Closed => (free_at < context.load_end()).then_some(free_at),
        }
    }

    fn take_time(&mut self) {
        match &mut self.times {
            Times::Once(done) => *done = true,
            Times::Planned(schedule) => drop(schedule.next()),
            Times::Closed => {}
        }
    }

    /// Runs the script once, and deletes what it leaves.
    async fn script(&mut self, intended: Timestamp, ready: Timestamp) {
        let board = Arc::clone(&self.context.board);
        self.number += 1;
        let name = format!("{}-{}", self.streams.stem, self.number);
        let Ok(name) = name.parse() else {
            board.failed(format!("`{name}` is no name of a stream"));
            return;
        };
        board.script(|scripts| scripts.begun += 1);
        let mut course = Course {
            name,
            existence: None,
            changed: None,
        };
        let mut planned = Some((intended, ready));
        let mut ended = Ok(());
        for step in self.steps.clone() {
            ended = match step {
                Step::Wait(until) => self.wait(&mut course, until).await,
                _ => self.step(&mut course, step, planned.take()).await,
            };
            if ended.is_err() {
                break;
            }
        }
        board.script(|scripts| match ended {
            Ok(()) => scripts.completed += 1,
            Err(BrokenOff) => scripts.broken_off += 1,
        });
        self.clear(course).await;
    }

    /// Makes the call of a step: meant for the planned time and released then, or else meant for when all that it must know
    /// is looked up.
    async fn step(
        &self,
        course: &mut Course,
        step: Step,
        planned: Option<(Timestamp, Timestamp)>,
    ) -> Result<(), BrokenOff> {
        let Some(call) = step.call() else {
            return Ok(());
        };
        let row = self.context.board.row_of(&call).ok_or(BrokenOff)?;
        let input = self.input(course, step, &call).await;
        let now = self.context.clock.now();
        let (intended, ready) = planned.unwrap_or((now, now));
        let item = Item {
            row,
            phase: self.context.phase_of(intended),
            intended,
            ready,
        };
        self.context.board.released(&item);
        let input = match input {
            Ok(input) => input,
            Err(problem) => {
                self.context.board.failed(format!("{call}: {problem}"));
                let cause = if *self.context.cancel.borrow() {
                    NotSentCause::Interrupted
                } else {
                    NotSentCause::TimeUp
                };
                let outcome = CallOutcome::NotSent(cause);
                self.context.board.settled(&item, &outcome, 0, now);
                return Err(BrokenOff);
            }
        };
        let (outcome, last) = self.made(&item, &call, &input).await;
        let done = matches!(outcome, CallOutcome::Ok | CallOutcome::Expected);
        match step {
            Step::CreateStream { .. } => self.made_stream(course, &last).await,
            Step::DeleteStream if done => {
                course.existence = None;
                self.noting(&course.name, |owner, name| owner.forget(name))
                    .await;
            }
            _ => {}
        }
        if !done {
            return Err(BrokenOff);
        }
        if outcome == CallOutcome::Ok {
            course.changed = Some((item, last.at));
        }
        Ok(())
    }

    /// The input of a step's call; what it must know is looked up, unmeasured.
    async fn input(
        &self,
        course: &mut Course,
        step: Step,
        call: &ApiCall,
    ) -> Result<Value, String> {
        let name = course.name.as_str();
        match step {
            Step::CreateStream { shards } => {
                course.existence = Some(Existence::Possible);
                let noted = self
                    .noting(&course.name, |owner, name| owner.note(name))
                    .await;
                noted.unwrap_or_else(|| Err("the task that notes streams ended".to_owned()))?;
                let tags = self.streams.owner.tags().into_iter();
                let tags: Vec<_> = tags.map(|(key, tag)| (key, Value::from(tag))).collect();
                let tagged = (!tags.is_empty()).then_some(Value::Map(tags));
                Ok(Value::structure()
                    .with("StreamName", name)
                    .with("ShardCount", shards)
                    .with_some("Tags", tagged))
            }
            Step::DeleteStream => Ok(Value::structure()
                .with("StreamName", name)
                .with("EnforceConsumerDeletion", true)),
            Step::UpdateShardCount { target } => Ok(Value::structure()
                .with("StreamName", name)
                .with("TargetShardCount", target)
                .with("ScalingType", "UNIFORM_SCALING")),
            _ => {
                let mut cancel = self.context.cancel.clone();
                let missing = self.streams.missing.clone();
                let ground = tokio::select! {
                    biased;
                    Ok(_) = cancel.wait_for(|cancelled| *cancelled) => {
                        return Err("the run was interrupted".to_owned());
                    }
                    () = self.context.clock.sleep_until(self.context.give_up()) => {
                        return Err("there was no time left to look at the stream".to_owned());
                    }
                    ground = Ground::look(&self.context.target, name, missing) => ground,
                };
                let mut ground = ground.map_err(|error| error.to_string())?;
                if call.api.name == "GetRecords" && call.case.is_none() {
                    let held = ground.hold_iterator(
                        &self.context.target,
                        self.context.clock,
                        &course.name,
                        self.number,
                    );
                    held.await.map_err(|error| error.to_string())?;
                }
                name.clone_into(&mut ground.stream);
                Ok(request(call, &ground, self.number))
            }
        }
    }

    /// Makes a call until a limit lets it through; gives how it ended, and its last attempt.
    async fn made(&self, item: &Item, call: &ApiCall, input: &Value) -> (CallOutcome, Ended) {
        let board = &self.context.board;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let ended = attempt(&self.context, call, input).await;
            if attempts == 1 {
                board.sent(item, ended.sent);
            }
            let (outcome, told) = outcome(call, &ended);
            board.attempted(item, (ended.sent, ended.at), ended.is_answered(), &outcome);
            let again = outcome == CallOutcome::Throttled
                && attempts < TRIES
                && ended.at.plus(AGAIN) < self.context.give_up();
            if again {
                self.context.progress.refused.add(1);
                if self.context.sleep(AGAIN).await {
                    continue;
                }
            }
            board.settled(item, &outcome, attempts, ended.at);
            if let Some(told) = told {
                board.failed(told);
            }
            return (outcome, ended);
        }
    }

    /// Tells the owner what became of a creation.
    async fn made_stream(&self, course: &mut Course, created: &Ended) {
        if created.output().is_some() {
            course.existence = Some(Existence::Certain);
            self.noting(&course.name, |owner, name| owner.confirm(name))
                .await;
        } else if !created.may_be_done() {
            course.existence = None;
            self.noting(&course.name, |owner, name| owner.forget(name))
                .await;
        }
    }

    /// Looks until the stream is in a state.
    async fn wait(&self, course: &mut Course, until: WaitUntil) -> Result<(), BrokenOff> {
        let context = &self.context;
        let Some(summary) = ApiCall::valid("DescribeStreamSummary") else {
            return Err(BrokenOff);
        };
        let input = Value::structure().with("StreamName", course.name.as_str());
        let between = LOOK.max(Duration::from_secs(1) * context.calls.workers / LOOKS_PER_S);
        loop {
            let look = attempt(context, &summary, &input).await;
            let status = look
                .output()
                .and_then(|output| output.get("StreamDescriptionSummary"))
                .and_then(|summary| summary.str("StreamStatus"));
            let is_gone = matches!(
                &look.answer,
                Some(Err(error)) if error.code() == Some(crate::kinesis::ErrorCode::ResourceNotFound)
            );
            let reached = match until {
                WaitUntil::Active => status == Some("ACTIVE"),
                WaitUntil::Deleted => is_gone,
            };
            if reached {
                if let Some((item, answered)) = course.changed.take() {
                    context.board.transition(&item, answered, look.at);
                }
                return Ok(());
            }
            if is_gone {
                let told = format!("`{}` is gone while it should become ACTIVE", course.name);
                context.board.failed(told);
                return Err(BrokenOff);
            }
            let too_late = context.clock.now().plus(between) >= context.give_up();
            if too_late || !context.sleep(between).await {
                return Err(BrokenOff);
            }
        }
    }

    /// Deletes what a script left; an interrupted run leaves that to its end.
    async fn clear(&self, course: Course) {
        let Some(existence) = course.existence else {
            return;
        };
        if *self.context.cancel.borrow() {
            return;
        }
        let name = course.name.as_str();
        let ended = self.context.target.end_stream(name, existence, PATIENCE);
        if ended.await.is_ok() {
            self.noting(&course.name, |owner, name| owner.forget(name))
                .await;
        }
    }

    /// Tells the owner something; beside the tasks that measure where that takes a disk.
    async fn noting<T: Send + 'static>(
        &self,
        name: &StreamName,
        tell: impl FnOnce(&dyn OwnedStreams, &StreamName) -> T + Send + 'static,
    ) -> Option<T> {
        let (owner, name) = (Arc::clone(&self.streams.owner), name.clone());
        if owner.is_slow() {
            let told = tokio::task::spawn_blocking(move || tell(owner.as_ref(), &name));
            told.await.ok()
        } else {
            Some(tell(owner.as_ref(), &name))
        }
    }

    /// Settles the scripts that were to begin and did not.
    fn settle_leftovers(&mut self, now: Timestamp) {
        let interrupted = *self.context.cancel.borrow();
        let cause = if interrupted {
            NotSentCause::Interrupted
        } else {
            NotSentCause::TimeUp
        };
        let first = self.steps.first().and_then(Step::call);
        let Some(row) = first.and_then(|call| self.context.board.row_of(&call)) else {
            return;
        };
        while let Times::Planned(schedule) = &mut self.times
            && let Some(offset) = schedule.peek()
            && self.context.start.plus(offset) <= now
        {
            schedule.next();
            let phase = self.context.phase_of(self.context.start.plus(offset));
            self.context.board.never_released(row, phase, cause);
        }
    }
}

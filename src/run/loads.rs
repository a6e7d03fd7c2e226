//! The loads of API calls of a run, as tasks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::parts::Schedule;
use super::session::{Controls, RunError, Session, failed};
use crate::base::Clock;
use crate::calls::{
    Board, CallsContext, CallsReport, EXPIRED_AFTER, Ground, Mix, OwnedStreams, Script, Streams,
};
use crate::measure::interval::IntervalSource;
use crate::measure::{Collector, IntervalSink, PartId, Recorder};
use crate::scenario::created::{missing_name, script_stem};
use crate::scenario::model::{CallLoad, Calls};
use crate::target::Target;

/// How often finished intervals are taken from the boards.
const COLLECT_EVERY: Duration = Duration::from_secs(1);

/// The loads of a run before they begin: what was looked up for them.
#[derive(Debug)]
pub(super) struct PreparedLoads {
    target: Target,
    grounds: BTreeMap<String, Arc<Ground>>,
}

impl PreparedLoads {
    /// Looks at the streams of mixes; waits until iterators that are to have expired have.
    pub(super) async fn new(session: &Session) -> Result<Self, RunError> {
        let scenario = &session.scenario;
        let mut prepared = Self {
            target: session.target.clone(),
            grounds: BTreeMap::new(),
        };
        if scenario.calls.is_empty() {
            return Ok(prepared);
        }
        let target = session.target.for_calls().await;
        prepared.target = target.map_err(RunError::Unreachable)?;
        let missing = missing_name(scenario, session.run);
        for calls in scenario.calls.values() {
            if let CallLoad::Mix { stream, .. } = &calls.load {
                let ground = Ground::prepare(&session.target, calls, stream, missing.clone());
                let ground = ground.await.map_err(failed("look at stream", stream))?;
                let ground = Arc::new(ground);
                prepared.grounds.insert(calls.name.clone(), ground);
            }
        }
        if prepared.grounds.values().any(|ground| ground.expires()) {
            session.clock.sleep(EXPIRED_AFTER).await;
        }
        Ok(prepared)
    }
}

/// The loads of a run while they go on.
#[derive(Debug)]
pub(super) struct LiveLoads {
    loads: Vec<LiveLoad>,
    /// The calls as `LOAD.CALL`, by their numbers.
    names: Vec<String>,
    source: IntervalSource,
    collector: Collector,
}

#[derive(Debug)]
struct LiveLoad {
    calls: Arc<Calls>,
    board: Arc<Board>,
    workers: Vec<JoinHandle<()>>,
}

/// What the loads of a run came to.
#[derive(Debug, Default)]
pub struct CallsOutcomes {
    /// Each load by its name.
    pub loads: BTreeMap<String, CallsOutcome>,
    /// The calls as `LOAD.CALL`, by the number in [`PartId::Call`].
    pub names: Vec<String>,
    /// What happened in each interval.
    pub intervals: Collector,
}

/// What one load came to.
#[derive(Debug)]
pub struct CallsOutcome {
    /// The stream that it was about; `None` for scripts, which make their own.
    pub stream: Option<String>,
    /// How many workers it had.
    pub workers: u32,
    /// What they saw.
    pub report: CallsReport,
}

impl LiveLoads {
    /// Starts the workers of every load.
    pub(super) fn start(
        session: &Session,
        prepared: &PreparedLoads,
        owner: &Arc<dyn OwnedStreams>,
        schedule: Schedule,
        controls: &Controls,
    ) -> Self {
        let (sink, mut source) = IntervalSink::channel();
        if let Some(watched) = &controls.progress.live {
            source.show_to(Arc::clone(watched), "");
        }
        let mut live = Self {
            loads: Vec::new(),
            names: Vec::new(),
            source,
            collector: Collector::new(),
        };
        for (index, calls) in session.scenario.calls.values().enumerate() {
            let rows: Vec<_> = calls
                .calls()
                .into_iter()
                .map(|call| {
                    let part = PartId::Call(live.names.len() as u16);
                    live.names.push(format!("{}.{call}", calls.name));
                    (call, Recorder::new(part, schedule.intervals, sink.clone()))
                })
                .collect();
            let calls = Arc::new(calls.clone());
            let board = Arc::new(Board::new(rows));
            let workers = (0..calls.workers).filter_map(|worker| {
                let context = CallsContext {
                    clock: session.clock,
                    target: prepared.target.clone(),
                    calls: Arc::clone(&calls),
                    worker,
                    seed: session.scenario.seed,
                    start: schedule.start,
                    time: session.scenario.time,
                    board: Arc::clone(&board),
                    progress: Arc::clone(&controls.progress),
                    cancel: controls.cancel.clone(),
                };
                spawn(session, prepared, owner, context, index)
            });
            let workers = workers.collect();
            live.loads.push(LiveLoad {
                calls,
                board,
                workers,
            });
        }
        live
    }

    /// Waits for the workers; takes finished intervals meanwhile, so that they do not pile up.
    pub(super) async fn finish(mut self, clock: Clock) -> Result<CallsOutcomes, RunError> {
        let mut outcomes = CallsOutcomes::default();
        for load in self.loads {
            for mut worker in load.workers {
                loop {
                    tokio::select! {
                        biased;
                        ended = &mut worker => {
                            ended.map_err(|_| RunError::Task("calls"))?;
                            break;
                        }
                        () = clock.sleep(COLLECT_EVERY) => {
                            self.source.arrived().for_each(|delta| self.collector.add(delta));
                        }
                    }
                }
            }
            let board = Arc::try_unwrap(load.board).map_err(|_| RunError::Task("calls"))?;
            let outcome = CallsOutcome {
                stream: load.calls.stream().map(ToString::to_string),
                workers: load.calls.workers,
                report: board.finish(),
            };
            outcomes.loads.insert(load.calls.name.clone(), outcome);
        }
        self.source
            .arrived()
            .for_each(|delta| self.collector.add(delta));
        outcomes.names = self.names;
        outcomes.intervals = self.collector;
        Ok(outcomes)
    }
}

/// Starts one worker of the load with this number.
fn spawn(
    session: &Session,
    prepared: &PreparedLoads,
    owner: &Arc<dyn OwnedStreams>,
    context: CallsContext,
    index: usize,
) -> Option<JoinHandle<()>> {
    let name = context.calls.name.clone();
    if let Some(ground) = prepared.grounds.get(&name) {
        let mix = Mix::new(context, Arc::clone(ground))?;
        return Some(tokio::spawn(mix.run()));
    }
    let worker = context.worker;
    let streams = Streams {
        owner: Arc::clone(owner),
        stem: script_stem(&session.scenario, session.run, (&name, index), worker),
        missing: missing_name(&session.scenario, session.run),
    };
    Some(tokio::spawn(Script::new(context, streams)?.run()))
}

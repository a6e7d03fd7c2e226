//! A run while it goes on: what it is about, and what it came to so far, as a page of metrics or on the screen.
//!
//! Invariant: nothing here has a clock or counts for itself. Figures are what the run told
//! ([`crate::measure::live::Picture`]); those of shards and latencies are of finished intervals. The report that the run
//! ends with is counted apart and is what holds.

mod metrics;
#[cfg(feature = "live")]
mod screen;
mod shards;
mod view;

use std::time::Duration;

pub use metrics::page;
#[cfg(feature = "live")]
pub use screen::draw;
pub use shards::{ShardLoad, shard_loads};
pub use view::{EventRow, LatencyRow, Rates, SloSoFar, View};

use crate::kinesis::Limits;
use crate::kinesis::quotas::RateName;
use crate::measure::PartId;
use crate::measure::progress::Progress;
use crate::report::document::World;
use crate::scenario::Scenario;
use crate::scenario::model::{Slo, Time};

/// What is known of a run before it begins.
#[derive(Clone, Debug)]
pub struct Course {
    /// The scenario's name.
    pub name: String,
    /// Where it runs.
    pub world: World,
    /// Its seed.
    pub seed: u64,
    /// Its phases.
    pub time: Time,
    /// The producers' names by their numbers.
    pub producers: Vec<String>,
    /// The consumers' names by their numbers.
    pub consumers: Vec<String>,
    /// The API calls as `LOAD.CALL`, by their numbers.
    pub calls: Vec<String>,
    /// What a shard takes, in records per second; `None` is without limit.
    pub shard_records_per_s: Option<f64>,
    /// What a shard takes, in billed bytes per second; `None` is without limit.
    pub shard_bytes_per_s: Option<f64>,
    /// What has to hold.
    pub slo: Vec<Slo>,
    /// The events by name, with the time at which each is due from the start of the load.
    pub events: Vec<(String, Duration)>,
}

impl Course {
    /// That of a scenario in a world.
    pub fn of(scenario: &Scenario, world: World) -> Self {
        // `[engine]` holds in this process only; elsewhere a shard takes what AWS lets it.
        let limits = match world {
            World::Embedded | World::Simulated => scenario.engine.limits.clone(),
            World::Endpoint | World::Aws => Limits::aws(),
        };
        let per_s = |name| limits.rate(name).map(|limit| limit.per_s as f64);
        let calls = scenario.calls.values().flat_map(|load| {
            let calls = load.calls().into_iter();
            calls.map(|call| format!("{}.{call}", load.name))
        });
        let mut events: Vec<_> = scenario
            .events
            .values()
            .map(|event| (event.name.clone(), event.at.offset(&scenario.time)))
            .collect();
        events.sort_by_key(|(_, at)| *at);
        Self {
            name: scenario.name.clone(),
            world,
            seed: scenario.seed,
            time: scenario.time,
            producers: scenario.producers.keys().cloned().collect(),
            consumers: scenario.consumers.keys().cloned().collect(),
            calls: calls.collect(),
            shard_records_per_s: per_s(RateName::WriteRecords),
            shard_bytes_per_s: per_s(RateName::WriteBytes),
            slo: scenario.slo.values().cloned().collect(),
            events,
        }
    }

    /// The kind and the name of a part: `producer`, `web`. Its number where it has no name.
    pub fn part(&self, part: PartId) -> (&'static str, String) {
        let (kind, names, number) = match part {
            PartId::Producer(number) => ("producer", &self.producers, number),
            PartId::Consumer(number) => ("consumer", &self.consumers, number),
            PartId::Call(number) => ("call", &self.calls, number),
        };
        let name = names.get(usize::from(number));
        (kind, name.cloned().unwrap_or_else(|| number.to_string()))
    }

    /// What the run is at `elapsed` after the start of its load, and how long until that phase ends at most; before the load
    /// it has no time. Virtual time is not the watcher's, so a simulated run has one phase.
    pub fn phase(&self, elapsed: Option<Duration>) -> (Phase, Option<Duration>) {
        let Some(elapsed) = elapsed else {
            return (Phase::Preparing, None);
        };
        if self.world == World::Simulated {
            return (Phase::Simulating, None);
        }
        let (time, load) = (&self.time, self.time.load());
        let (phase, end) = if elapsed < time.warm_up {
            (Phase::WarmUp, time.warm_up)
        } else if elapsed < load {
            (Phase::Measuring, load)
        } else {
            (Phase::Draining, load + time.drain)
        };
        (phase, Some(end.saturating_sub(elapsed)))
    }
}

/// What a run is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Its streams are made.
    Preparing,
    /// Before the measurement window.
    WarmUp,
    /// In it.
    Measuring,
    /// After it.
    Draining,
    /// In virtual time.
    Simulating,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Preparing,
        Self::WarmUp,
        Self::Measuring,
        Self::Draining,
        Self::Simulating,
    ];

    /// The phase as it is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::WarmUp => "warm-up",
            Self::Measuring => "measuring",
            Self::Draining => "draining",
            Self::Simulating => "simulating",
        }
    }
}

/// The run's totals at one time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Records that the schedules released.
    pub released: u64,
    /// Records acknowledged.
    pub acked: u64,
    /// Attempts of records, and calls, that a limit refused.
    pub refused: u64,
    /// Records that were not sent.
    pub not_sent: u64,
    /// Records delivered, to all consumers together.
    pub delivered: u64,
    /// API calls that ended.
    pub calls: u64,
}

impl Totals {
    /// Those of now.
    pub fn of(progress: &Progress) -> Self {
        Self {
            released: progress.released.get(),
            acked: progress.acked.get(),
            refused: progress.refused.get(),
            not_sent: progress.not_sent.get(),
            delivered: progress.delivered.get(),
            calls: progress.calls.get(),
        }
    }
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use super::*;

    /// A run of two producers and a consumer: 2 s of warm-up, 10 s of measurement, 5 s of drain.
    pub(in crate::report) fn course() -> Course {
        let slo = |name: &str, metric: &str, min, max| Slo {
            name: name.into(),
            metric: metric.into(),
            max,
            min,
        };
        Course {
            name: "hot-key".into(),
            world: World::Embedded,
            seed: 7,
            time: Time {
                warm_up: Duration::from_secs(2),
                measure: Duration::from_secs(10),
                drain: Duration::from_secs(5),
            },
            producers: vec!["bulk".into(), "web".into()],
            consumers: vec!["billing".into()],
            calls: vec!["tools.ListShards".into()],
            shard_records_per_s: Some(1_000.0),
            shard_bytes_per_s: Some(1_048_576.0),
            slo: vec![
                slo(
                    "accepted",
                    "producers.web.accepted_share",
                    Some(0.999),
                    None,
                ),
                slo("fresh", "consumers.billing.end_to_end.p99", None, Some(1e6)),
                slo("nothing_lost", "consumers.billing.lost", None, Some(0.0)),
            ],
            events: vec![
                ("split".into(), Duration::from_secs(5)),
                ("storm".into(), Duration::from_secs(9)),
            ],
        }
    }

    #[test]
    fn a_run_is_in_the_phase_that_its_time_says_and_a_simulation_in_none() {
        let mut course = course();
        let at = |course: &Course, ms| course.phase(Some(Duration::from_millis(ms)));
        let left = |ms| Some(Duration::from_millis(ms));
        assert_eq!(course.phase(None), (Phase::Preparing, None));
        assert_eq!(at(&course, 500), (Phase::WarmUp, left(1_500)));
        assert_eq!(at(&course, 2_000), (Phase::Measuring, left(10_000)));
        assert_eq!(at(&course, 12_000), (Phase::Draining, left(5_000)));
        assert_eq!(at(&course, 60_000), (Phase::Draining, left(0)));
        course.world = World::Simulated;
        assert_eq!(at(&course, 500), (Phase::Simulating, None));
    }
}

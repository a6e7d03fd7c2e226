//! What a run costs on AWS: before it, while it goes on, after it; and in the other mode.
//!
//! Invariant: one function turns what was put, and how long a stream was there, into the lines of a bill (`lines`); an
//! estimate, a run that goes on and a finished one differ only in where those two come from.
//!
//! Estimates err on the dear side, because a cap rests on them: a shard's or stream's begun hours count whole, every
//! shard that a reshard may open counts by itself, and producers without a rate write what their shards accept.

mod finished;
mod instead;
mod lines;
mod live;
mod offer;

use std::collections::BTreeMap;
use std::time::Duration;

use super::call_cost;
use super::prices::Prices;
use crate::kinesis::StreamName;
use crate::report::FigureBasis;
use crate::report::cost::{Cost, CostLine};
use crate::scenario::Scenario;
use crate::scenario::model::{Action, Stream, StreamMode};

pub use finished::of_report;
pub use instead::{Provisioned, SHARDS_MAX, ShardsFor, provisioned};
pub use live::LiveCost;

use lines::{Bill, Stay};
use offer::offer;

/// A GB of the price list. Whether it is 10^9 or 2^30 is unverified; the smaller one costs more.
pub(super) const GB: f64 = 1e9;
/// What a shard accepts in a second (kinesis/quotas): the bound for producers without a rate.
const SHARD_RECORDS_PER_S: f64 = 1_000.0;
const SHARD_BYTES_PER_S: f64 = (1 << 20) as f64;
/// The MiB/s that an on-demand stream may grow to where that is highest (kinesis/quotas), at one MiB/s a shard.
const ON_DEMAND_SHARDS_MAX: f64 = 10_240.0;

/// Creation and deletion take streams some seconds more than their load.
const AROUND: Duration = Duration::from_mins(2);

/// What the service says of a stream that is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its open shards, whatever the file says.
    pub open_shards: u32,
    /// Whether it is billed by the gigabyte.
    pub on_demand: bool,
    /// How long its records are kept.
    pub retention: Duration,
}

/// What the service says of existing streams, by their names in the scenario.
pub type FoundStreams = BTreeMap<StreamName, Found>;

/// The scenario with its existing streams as they are.
pub fn as_found(scenario: &Scenario, found: &FoundStreams) -> Scenario {
    let mut scenario = scenario.clone();
    for stream in scenario.streams.values_mut() {
        if let Some(found) = found.get(&stream.name) {
            (stream.shards, stream.retention) = (found.open_shards.max(1), found.retention);
        }
    }
    scenario
}

/// The cost of a scenario on AWS as it stands in its file, before it runs.
pub fn estimate(scenario: &Scenario, prices: &Prices) -> Cost {
    estimate_of(scenario, &FoundStreams::new(), prices)
}

/// The cost of a scenario with its existing streams as the service says they are.
pub fn estimate_of(scenario: &Scenario, found: &FoundStreams, prices: &Prices) -> Cost {
    let scenario = &as_found(scenario, found);
    let calls = call_cost::planned(scenario, prices);
    let mode = |stream: &Stream| is_on_demand(found, stream);
    planned_cost(scenario, mode, calls, prices)
}

/// The same in on-demand mode, for comparison.
pub fn on_demand(scenario: &Scenario, prices: &Prices) -> Cost {
    planned_cost(scenario, |_| true, Vec::new(), prices)
}

/// The bill of what is planned, with the lines of calls after those of streams.
fn planned_cost(
    scenario: &Scenario,
    is_on_demand: impl Fn(&Stream) -> bool,
    calls: Vec<CostLine>,
    prices: &Prices,
) -> Cost {
    let planned = planned(scenario);
    let lines = scenario.streams.values().flat_map(|stream| {
        let bill = Bill {
            scenario,
            stream,
            is_on_demand: is_on_demand(stream),
            prices,
        };
        let stay = Stay::of(scenario, stream, planned, planned, FigureBasis::Simulated);
        bill.lines(&offer(scenario, stream), &stay)
    });
    Cost::of(prices.list(), lines.chain(calls).collect())
}

/// As the service says it is; as the file says, of one that is not there yet.
fn is_on_demand(found: &FoundStreams, stream: &Stream) -> bool {
    let found = found.get(&stream.name);
    found.map_or(stream.mode == StreamMode::OnDemand, |found| found.on_demand)
}

/// How long the scenario's streams are there, at most.
fn planned(scenario: &Scenario) -> Duration {
    scenario.time.load() + scenario.time.drain + AROUND
}

/// Whole hours, at least one: what is begun is billed (kinesis pricing page; unverified within the hour).
fn begun_hours(time: Duration) -> f64 {
    (time.as_secs_f64() / 3_600.0).ceil().max(1.0)
}

/// The shards that an on-demand stream may have opened by the end of its load: it may double every 15 minutes (developer
/// guide: more within that time can throttle), and in a shorter time too (10 minutes, unverified).
fn on_demand_shards(stream: &Stream, load: Duration) -> f64 {
    let doublings = load.as_secs_f64() / 600.0;
    let most = ON_DEMAND_SHARDS_MAX.max(f64::from(stream.shards));
    (f64::from(stream.shards) * doublings.ceil().exp2()).min(most)
}

/// Every shard that the stream may have, each for the whole time.
fn shards_ever(scenario: &Scenario, stream: &Stream) -> f64 {
    if stream.mode == StreamMode::OnDemand && !stream.existing {
        return on_demand_shards(stream, scenario.time.load());
    }
    let mut most = u64::from(stream.shards);
    let events = scenario
        .events
        .values()
        .filter(|event| event.stream == stream.name);
    for event in events {
        most += match event.action {
            Action::SplitShard { .. } => 2,
            Action::MergeShards { .. } => 1,
            // On the way it splits and merges: no more shards than twice the larger count.
            Action::UpdateShardCount { target } => 2 * u64::from(target.max(stream.shards)),
            Action::Stall { .. } | Action::ThrottleStorm { .. } | Action::ResetConnections => 0,
        };
    }
    most as f64
}

#[cfg(test)]
mod tests;

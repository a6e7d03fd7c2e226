//! What loads of API calls cost on AWS: the records that mixes put, and the shards of the streams that scripts make. Calls
//! of the control plane are free (kinesis pricing page, read 2026-11-23).

use super::prices::Prices;
use crate::report::cost::CostLine;
use crate::report::{Document, FigureBasis};
use crate::scenario::Scenario;
use crate::scenario::model::{CallLoad, Calls, Step, Stream};
use crate::workload::arrival::records_per_s;

/// CreateStream's rate of an account (developer guide, Quotas and limits): the bound for scripts without a rate.
const CREATIONS_PER_S: f64 = 5.0;

/// Records that the loads put to a stream, each of one PUT payload unit, and whether that follows from a rate;
/// `accepted_per_s` is the bound for loads without one.
pub(super) fn records(scenario: &Scenario, stream: &Stream, accepted_per_s: f64) -> (f64, bool) {
    let (mut records, mut follows) = (0.0, true);
    for load in scenario.calls.values() {
        let CallLoad::Mix { stream: own, calls } = &load.load else {
            continue;
        };
        let whole: f64 = calls.iter().map(|(_, weight)| weight).sum();
        let put = calls
            .iter()
            .map(|(call, weight)| call.records() as f64 * weight);
        let of_a_call = put.sum::<f64>() / whole;
        if *own != stream.name || of_a_call <= 0.0 {
            continue;
        }
        let time = scenario.time.load();
        let arrival = load.arrival.as_ref();
        let rate = arrival.and_then(|arrival| records_per_s(arrival, time));
        follows &= rate.is_some();
        records += rate.map_or(accepted_per_s, |rate| rate * of_a_call) * time.as_secs_f64();
    }
    (records, follows)
}

/// The streams of all scripts, before they are run.
pub(super) fn planned(scenario: &Scenario, prices: &Prices) -> Vec<CostLine> {
    let loads = scenario.calls.values();
    let lines = loads.filter_map(|load| {
        let time = scenario.time.load();
        let workers = f64::from(load.workers);
        let (scripts, basis) = match &load.arrival {
            None => (workers, FigureBasis::Simulated),
            Some(arrival) => match records_per_s(arrival, time) {
                // Of a random schedule there may be some more.
                Some(rate) => ((rate * time.as_secs_f64()).ceil(), FigureBasis::Simulated),
                None => (
                    (CREATIONS_PER_S * time.as_secs_f64()).ceil(),
                    FigureBasis::Assumed,
                ),
            },
        };
        line(load, scripts, basis, prices)
    });
    lines.collect()
}

/// The streams of the scripts that were begun.
pub(super) fn counted(scenario: &Scenario, document: &Document, prices: &Prices) -> Vec<CostLine> {
    let loads = scenario.calls.values();
    let lines = loads.filter_map(|load| {
        let begun = document.calls.get(&load.name)?.scripts?.begun;
        line(load, begun as f64, document.world.basis(), prices)
    });
    lines.collect()
}

/// A begun hour of every shard that one script may open, for each script.
fn line(load: &Calls, scripts: f64, basis: FigureBasis, prices: &Prices) -> Option<CostLine> {
    let CallLoad::Script(steps) = &load.load else {
        return None;
    };
    let shards: u64 = steps.iter().map(shards_of).sum();
    let name = format!("calls.{}", load.name);
    Some(CostLine::new(
        &name,
        "shard-hours of scripts",
        scripts * shards as f64,
        basis,
        prices.provisioned.shard_hour,
    ))
}

/// Shards that a step may open.
fn shards_of(step: &Step) -> u64 {
    match step {
        Step::CreateStream { shards } => u64::from(*shards),
        Step::SplitShard => 2,
        Step::MergeShards => 1,
        // On the way it splits and merges: no more shards than twice the larger count.
        Step::UpdateShardCount { target } => 2 * u64::from(*target),
        Step::Call(_) | Step::Wait(_) | Step::DeleteStream => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Source, load};

    fn scenario(calls: &str) -> Scenario {
        let text = format!(
            "schema = 1\nname = \"c\"\ntime = {{ warm_up = \"2s\", measure = \"8s\" }}\n[streams.orders]\nshards = 1\n{calls}"
        );
        let path = "c.toml".to_owned();
        load(&Source { path, text }, &[]).unwrap().scenario
    }

    #[test]
    fn a_mix_puts_the_records_of_its_share_and_a_script_pays_an_hour_of_each_shard() {
        let mix = scenario(
            "[calls.admin]\narrival = { kind = \"constant\", rate = \"40/s\" }\nmix = { ListShards = 2, PutRecord = 1, PutRecords = 1 }\n",
        );
        let (records, follows) = records(&mix, &mix.streams["orders"], 1_000.0);
        // 400 calls, a quarter of each put: 100 x 1 + 100 x 10.
        assert!((records - 1_100.0).abs() < 1e-6 && follows);
        let script = scenario(
            "[calls.life]\nworkers = 3\nscript = [{ do = \"create-stream\", shards = 2 }, { do = \"split-shard\" }]\n",
        );
        let lines = planned(&script, &Prices::shipped());
        assert_eq!(lines.len(), 1);
        assert!((lines[0].quantity - 12.0).abs() < 1e-9, "{lines:?}");
    }
}

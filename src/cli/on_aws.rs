//! What a scenario means on AWS, for `check`: money, and other readers.

use std::fmt::Write as _;

use crate::analyse::budget::{FAN_OUT_CONSUMERS, SHARD_READ_BYTES_PER_S, SHARD_READS_PER_S};
use crate::analyse::cost::SHARDS_MAX;
use crate::analyse::{self, Prices, Provisioned, ReadBudget, ShardsFor};
use crate::base::units::{HumanBytes, HumanCount};
use crate::kinesis::StreamName;
use crate::report::Cost;
use crate::report::cost::usd;
use crate::report::text::{Percent, Plain, counted};
use crate::scenario::Scenario;
use crate::scenario::model::StreamMode;
use crate::workload::forecast::Forecast;

/// A scenario's cost and read budget.
#[derive(Debug)]
pub(super) struct OnAws {
    /// Where it is meant to run, if anybody says.
    region: Option<String>,
    cost: Cost,
    /// The same in on-demand mode.
    on_demand: Cost,
    has_provisioned: bool,
    /// The same with shards for the streams that are on-demand.
    provisioned: Option<Provisioned>,
    budgets: Vec<ReadBudget>,
}

impl OnAws {
    /// Those of a scenario with this forecast for each stream, in the region of its target.
    pub(super) fn of(
        scenario: &Scenario,
        forecasts: &[(StreamName, Forecast)],
        region: Option<&str>,
    ) -> Self {
        let prices = Prices::shipped();
        let prices = match region {
            Some(region) => prices.in_region(region),
            None => prices,
        };
        let mut streams = scenario.streams.values();
        let busiest = |stream: &StreamName| {
            let (_, forecast) = forecasts.iter().find(|(name, _)| name == stream)?;
            let written = forecast.shards.iter().map(|shard| shard.bytes_per_s);
            let written: Option<Vec<_>> = written.collect();
            written?.into_iter().reduce(f64::max)
        };
        Self {
            region: region.map(str::to_owned),
            cost: analyse::estimate(scenario, &prices),
            on_demand: analyse::on_demand(scenario, &prices),
            has_provisioned: streams.any(|stream| stream.mode == StreamMode::Provisioned),
            provisioned: analyse::provisioned(scenario, &prices),
            budgets: analyse::read_budgets(scenario, busiest),
        }
    }

    /// Adds them to the members of `check --json`.
    pub(super) fn add_to(&self, document: &mut serde_json::Value) {
        document["cost"] = serde_json::json!(self.cost);
        document["cost_on_demand"] = serde_json::json!(self.on_demand);
        document["cost_provisioned"] = serde_json::json!(self.provisioned);
        document["read_budget"] = serde_json::json!(self.budgets);
    }

    /// As a person reads them.
    pub(super) fn to_text(&self) -> String {
        let place = match &self.region {
            Some(region) => format!("in {region}"),
            None => format!("if in {}", self.cost.prices.region),
        };
        let mut text = self.cost.render(&format!("Cost on AWS {place}, at most"));
        if self.has_provisioned {
            let _ = writeln!(text, "  on-demand instead: {}", usd(self.on_demand.usd));
        }
        if let Some(provisioned) = &self.provisioned {
            text.push_str(&provisioned_text(provisioned));
        }
        text.push('\n');
        for budget in &self.budgets {
            if budget.fan_out_consumers > 0 {
                let _ = writeln!(
                    text,
                    "Fan-out consumers of `{}`: {} of {FAN_OUT_CONSUMERS}; each has {}/s of every shard to itself",
                    budget.stream,
                    budget.fan_out_consumers,
                    HumanBytes(SHARD_READ_BYTES_PER_S as u64)
                );
            }
            if budget.consumers == 0 {
                continue;
            }
            let _ = write!(
                text,
                "Read budget of each shard of `{}`: {}; {} of {} calls/s taken, {} left",
                budget.stream,
                counted(budget.consumers as u64, "consumer"),
                Plain(budget.reads_per_s),
                Plain(SHARD_READS_PER_S),
                Plain(budget.reads_left_per_s),
            );
            if let Some(bytes) = budget.read_bytes_per_s {
                let _ = write!(
                    text,
                    "; of the busiest {}/s of {}/s",
                    HumanBytes(bytes.round() as u64),
                    HumanBytes(SHARD_READ_BYTES_PER_S as u64)
                );
            }
            text.push('\n');
            if let Some(refused) = budget.refused_share() {
                let _ = writeln!(
                    text,
                    "  more than a shard answers: wherever its limits hold {} of the calls are refused, and refused readers wait for their `backoff`; a longer `interval` or fewer consumers fit",
                    Percent(refused)
                );
            }
        }
        text
    }
}

/// What on-demand streams would be and cost as provisioned ones, and what that rests on.
fn provisioned_text(provisioned: &Provisioned) -> String {
    let mut text = match &provisioned.cost {
        Some(cost) => format!("  provisioned instead: {}\n", usd(cost.usd)),
        None => "  provisioned instead: not known\n".to_owned(),
    };
    for ShardsFor {
        stream,
        shards,
        peak_records_per_s,
        hottest_utilisation,
    } in &provisioned.streams
    {
        let line = match (shards, peak_records_per_s, hottest_utilisation) {
            (Some(shards), Some(peak), Some(hottest)) => format!(
                "{} for the forecast's peak of {} records/s, the hottest at {:.1} % of its write limit; bursts within a second, retries and reads are not in that",
                counted(u64::from(*shards), "shard"),
                HumanCount(peak.round() as u64),
                hottest * 100.0,
            ),
            (_, Some(peak), _) => format!(
                "no number of shards up to {} takes the forecast's peak of {} records/s: too much of it falls into one",
                HumanCount(SHARDS_MAX.into()),
                HumanCount(peak.round() as u64),
            ),
            _ => "its load has no rate, so there is no peak to have shards for".to_owned(),
        };
        let _ = writeln!(text, "    {stream}: {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Source, load};

    #[test]
    fn a_bill_is_of_the_targets_region_and_says_where_it_would_hold_without_one() {
        let text = r#"
            schema = 1
            name = "priced"
            time = { measure = "5s" }
            [streams.orders]
            shards = 1
            [producers.web]
            arrival = { kind = "constant", rate = "1/s" }
            keys = { kind = "single" }
            size = { kind = "fixed", bytes = "100B" }
            "#;
        let path = "priced.toml".to_owned();
        let text = text.to_owned();
        let scenario = load(&Source { path, text }, &[]).unwrap().scenario;
        let of = |region| OnAws::of(&scenario, &[], region);
        let told = of(None).to_text();
        assert!(
            told.starts_with("Cost on AWS if in us-east-1, at most: 0.0150 USD (prices assumed: us-east-1, list of"),
            "{told}"
        );
        let listed = of(Some("us-east-2")).to_text();
        assert!(
            listed.starts_with("Cost on AWS in us-east-2, at most: 0.0150 USD"),
            "{listed}"
        );
        let guessed = of(Some("eu-central-1")).to_text();
        assert!(
            guessed.starts_with("Cost on AWS in eu-central-1, at most: 0.0450 USD (prices assumed: eu-central-1, guessed as 3 x us-east-1"),
            "{guessed}"
        );
        assert!(guessed.contains("on-demand instead: 0.12 USD"), "{guessed}");
    }
}
